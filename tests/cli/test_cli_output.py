"""Where the command line writes: pipes, full disks, terminals, other encodings than UTF-8.

Invariant: what can't be written is never an exit status of 1, which says that there is a
violation, nor a traceback.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("click")

from helpers import TEXT, frame

CLI = [sys.executable, "-m", "wsfast"]


def run(*arguments: str, **options: Any) -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, **options.pop("environment", {})}
    options.setdefault("stdout", subprocess.PIPE)
    return subprocess.run(
        [*CLI, *arguments], stderr=subprocess.PIPE, timeout=60, env=environment, **options
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("arguments", [("explain", "1001"), ("check", os.devnull), ("demo",)])
def test_a_full_disk_is_no_violation(arguments: tuple[str, ...]) -> None:
    with open("/dev/full", "wb") as full:
        done = run(*arguments, stdout=full)
    assert done.stderr == b"Error: can't write: No space left on device\n"
    assert done.returncode == 2


@pytest.mark.skipif(sys.platform == "win32", reason="needs the pipes of POSIX")
def test_a_reader_that_leaves_is_no_violation() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = run("explain", "1001", "1007", stdout=writer)
    os.close(writer)
    assert done.stderr == b""
    assert done.returncode == 141


@pytest.mark.skipif(sys.platform == "win32", reason="needs a shell of POSIX")
@pytest.mark.parametrize(
    ("command", "status", "said"),
    [
        ("explain 1001 >&-", 0, ""),
        ("check <&-", 2, "Error: there is no standard input; name a file\n"),
        ("frames <&-", 2, "Error: there is no standard input; name a file\n"),
    ],
)
def test_streams_that_are_closed(command: str, status: int, said: str) -> None:
    done = subprocess.run(
        f'"{sys.executable}" -m wsfast {command}', shell=True, capture_output=True, timeout=60
    )
    assert (done.returncode, done.stderr.decode()) == (status, said)


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "utf-8"])
def test_a_payload_is_shown_in_any_encoding(encoding: str) -> None:
    wire = frame(TEXT, "日本語".encode(), key=None)
    done = run("frames", "--show-payload", input=wire, environment={"PYTHONIOENCODING": encoding})
    assert done.returncode == 0, done.stderr
    shown = rb"\u65e5\u672c\u8a9e" if encoding == "cp1252" else "日本語".encode()
    assert shown in done.stdout
