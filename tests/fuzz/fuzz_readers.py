"""Fuzz what reads files and logs of users, with Atheris: captures, texts, lines of logs.

    python tests/fuzz/fuzz_readers.py TARGET [LIBFUZZER-OPTION...] [CORPUS...]

    frames    ``wsfast frames``: any file, as the format that it looks like or as another
    check     ``wsfast check``: any file
    explain   ``wsfast explain``: any line of a log
    pcap      what ``wsfast frames`` reads and judges, without the command around it: packets
    har       a browser's
    dump      rows of an offset and some bytes
    follow    what tshark and Wireshark write of a stream
    literals  hexadecimal, base64, byte strings and lists

An input is four bytes of how, then the file.

Invariant: a command ends with one of its three exit statuses, and says why if that is 2; a
reader raises ``Unreadable`` or nothing.
libFuzzer's time limit ends a run that takes too long.
"""

from __future__ import annotations

import contextlib
import io
import sys

import atheris

with atheris.instrument_imports(include=["wsfast"]):
    from wsfast.cli import _captures, run
    from wsfast.cli._analysis import analyse
    from wsfast.cli._captures.streams import of_connection

import driver

AGREED = (None, "none", "permessage-deflate")


def command(arguments: list[str], data: bytes) -> int:
    """Run a command with these bytes as its standard input; return its exit status."""
    stdin, sys.stdin = sys.stdin, io.TextIOWrapper(io.BytesIO(data))
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = run(arguments)
            out.flush()
            err.flush()
    finally:
        sys.stdin = stdin
    assert status in (0, 1, 2), status
    if status == 2:
        said = out.buffer.tell() + err.buffer.tell()
        assert said, "it does not say why"
    return status


def fuzz_frames(how: bytes, data: bytes) -> None:
    form = _captures.FORMATS[how[0] % len(_captures.FORMATS)] if how[0] & 1 else "auto"
    agreed = AGREED[how[1] % len(AGREED)]
    more = [*(["--deflate", agreed] if agreed else []), *["--json"] * (how[2] & 1)]
    command(["frames", "--format", form, *more], data)


def fuzz_check(how: bytes, data: bytes) -> None:
    command(["check", *["--json"] * (how[0] & 1)], data)


def fuzz_explain(how: bytes, data: bytes) -> None:
    line = data.decode("latin-1" if how[0] & 1 else "utf-8", "surrogateescape")
    command(["explain", *["--json"] * (how[1] & 1), "-"], line.encode("utf-8", "surrogateescape"))


def judge(form: str, how: bytes, data: bytes) -> None:
    """Read a capture in one format, and judge what is in it."""
    options = _captures.Options(deflate=AGREED[how[1] % len(AGREED)])
    with contextlib.suppress(_captures.Unreadable):
        for part in _captures.read(data, form, options):
            judge_part(part, options)


def judge_part(part: object, options: _captures.Options) -> None:
    streams = [part] if isinstance(part, _captures.Stream) else []
    if isinstance(part, _captures.Connection):
        with contextlib.suppress(_captures.Unreadable):
            streams = of_connection(part, options)
    for stream in streams:
        for _ in analyse(stream, show_payload=False):
            pass


def fuzz_pcap(how: bytes, data: bytes) -> None:
    judge("pcap", how, data)


def fuzz_har(how: bytes, data: bytes) -> None:
    judge("har", how, data)


def fuzz_dump(how: bytes, data: bytes) -> None:
    judge("dump", how, data)


def fuzz_follow(how: bytes, data: bytes) -> None:
    judge(("tshark", "yaml", "c-arrays")[how[0] % 3], how, data)


def fuzz_literals(how: bytes, data: bytes) -> None:
    judge(("literal", "hex", "base64")[how[0] % 3], how, data)


if __name__ == "__main__":
    driver.run(globals())
