"""``wsfast check``: is a file UTF-8, and if not, which byte, why, and where from.

The Unicode Standard, section 3.9; RFC 6455 section 8.1.

Invariant: memory does not grow with the file; it is read once, up to the fault.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import click

from .. import InvalidUTF8, Utf8Validator, validate_utf8
from ..diagnosis import MAX_SAMPLE, Diagnosis, diagnose, diagnose_part
from . import _captures, _files
from ._output import (
    JSON,
    SHOW_PAYLOAD,
    diagnosed,
    escaped,
    evidence,
    named,
    write_evidence,
    write_fields,
    write_json,
)
from ._repair import repaired_line

CHUNK = 1 << 19  # bytes
_LARGEST_DUMP = 32 << 20  # bytes
_LONG = 64 << 20  # bytes; a file as long gets a progress bar
_BEFORE = MAX_SAMPLE // 2  # bytes from before a chunk, for the diagnosis
_CONTINUATIONS = bytes(range(0x80, 0xC0))


@click.command(short_help="Check that files are UTF-8; if not, which byte, and why.")
@click.argument("files", nargs=-1, metavar="[FILE]...", type=click.Path(allow_dash=True))
@click.option("--dump", is_flag=True, help="FILE is a hex dump: check the bytes it was made of.")
@click.option("--show-fixed", is_flag=True, help="Show the line as it was likely meant.")
@SHOW_PAYLOAD
@JSON
def check(
    files: tuple[str, ...], dump: bool, show_fixed: bool, show_payload: bool, as_json: bool
) -> int:
    """Check that each FILE (or standard input) is UTF-8.

    If one is not, show the first wrong byte, its line, why, and where
    such bytes likely come from. Files of any size are read in bounded memory.

    FILE holds the message itself or, with --dump, a dump of it: by xxd, hexdump or od, or
    from a log. For a capture, or a hex dump of frames, use "wsfast frames".

    \b
    Examples:
      wsfast check message.txt
      wsfast check --json < payload.bin
      wsfast check --dump message.xxd
      wsfast check --show-fixed export.csv names.csv
    """
    results: list[_Result] = []
    unreadable = 0
    for file in files or ("-",):
        try:
            opened = _bytes_of_dump(file) if dump else _files.open_input(file)
            result = _check(opened, show_payload, show_fixed, quiet=as_json)
        except _files.Unreadable as error:
            if len(files) < 2:
                raise
            error.show()
            unreadable += 1
            continue
        results.append(result)
        if not as_json:
            result.write()
    if as_json:
        found = [result.as_json() for result in results]
        write_json(found[0] if len(files) < 2 else found)
    if any(result.violation for result in results):
        return 1
    return 2 if unreadable else 0


@dataclass
class _Result:
    """What was found out about one file."""

    file: str
    size: int
    place: tuple[int, int]  # line and column, in characters, of the fault
    violation: InvalidUTF8 | None
    diagnosis: Diagnosis | None
    dumped: InvalidUTF8 | None = None  # what is wrong with the bytes of a hex dump
    fixed: str | None = None

    def as_json(self) -> dict[str, Any]:
        found: dict[str, Any] = {"file": self.file, "valid": self.violation is None}
        if self.violation is None:
            found["bytes"] = self.size
        else:
            found["violation"] = evidence(self.violation, fragments=False)
            found["line"], found["column"] = self.place
        if self.diagnosis is not None:
            found["diagnosis"] = diagnosed(self.diagnosis)
        if self.dumped is not None:
            found["dumped"] = evidence(self.dumped, fragments=False)
        if self.fixed is not None:
            found["fixed"] = self.fixed
        return found

    def write(self) -> None:
        name = named(self.file)
        if self.violation is not None:
            line, column = self.place
            click.echo(f"{name}: not UTF-8 at line {line}, column {column}")
            write_evidence(self.violation, self.diagnosis, fragments=False)
        else:
            verdict = click.style("valid UTF-8", fg="green")
            click.echo(f"{name}: {verdict}, {self.size} bytes")
            if self.diagnosis is not None:
                click.echo(f"  but likely {self.diagnosis.origin.value}: {self.diagnosis.reason}")
                click.echo(f"  {self.diagnosis.remedy}")
            if self.dumped is not None:
                click.echo("  but it is a hex dump, and the bytes in it are not UTF-8: use --dump")
        if self.fixed is not None:
            write_fields([("meant", escaped(self.fixed, 200))])


def _bytes_of_dump(path: str) -> _files.Input:
    """Return the bytes that a hex dump was made of, as a file.

    Raises:
        Unreadable: it is no hex dump, or it can't be read.
    """
    dump = _files.read_all(path, _LARGEST_DUMP)
    data = _captures.written_as_text(dump)
    if data is None:
        raise _files.Unreadable(
            f"{named(path)} is not a hex dump; for the file itself: wsfast check without --dump"
        )
    return _files.in_memory(data, path)


def _check(file: _files.Input, show_payload: bool, show_fixed: bool, quiet: bool) -> _Result:
    """Check one file.

    Raises:
        Unreadable: it can't be read to the end.
    """
    dumped = None
    with file:
        if file.endless:
            raise _files.Unreadable(
                f"{named(file.path)} is a device, which may never end; "
                "pipe a part of it: head -c 1M FILE | wsfast check"
            )
        reader = _Reader(file)
        with _progress(file, quiet) as advance:
            violation = reader.run(advance)
        if violation is None:
            file.finish()
            part, at, diagnosis = reader.head, 0, _twice_encoded(reader.head)
            dumped = _dumped(reader.head) if reader.position == len(reader.head) else None
        else:
            part, at, diagnosis = reader.diagnose(violation, show_payload)
    result = _Result(file.path, reader.position, reader.place(), violation, diagnosis, dumped)
    if show_fixed and diagnosis is not None:
        result.fixed = repaired_line(part, at, diagnosis)
    return result


def _twice_encoded(head: bytes) -> Diagnosis | None:
    """Return the diagnosis of valid text if, by its beginning, it was probably encoded twice."""
    found = diagnose_part(head, None, start=0, to_end=False)
    return found if found.origin.name != "UTF8" else None


def _dumped(text: bytes) -> InvalidUTF8 | None:
    """Return what is wrong with the message of a hex dump; ``None`` if this isn't a dump of one."""
    try:
        message = _captures.written_as_text(text, certainly=True) or b""
        validate_utf8(message)
    except InvalidUTF8 as violation:
        shown = message.decode(errors="replace")
        is_a_message = shown.count("\ufffd") * 8 <= len(shown)  # rather than a checksum
        return violation if is_a_message else None
    except _files.Unreadable:
        pass
    return None


class _Lines:
    """Count the lines and, in the last one, the characters of valid text."""

    def __init__(self) -> None:
        self.line, self.column = 1, 1
        self.position = 0  # bytes counted

    def count(self, text: bytes) -> None:
        """Go on to the end of the text, which may be cut inside a character."""
        self.position += len(text)
        newlines = text.count(b"\n")
        if newlines:
            self.line += newlines
            self.column = 1
        last = text[text.rfind(b"\n") + 1 :]
        self.column += len(last.translate(None, _CONTINUATIONS))


class _Reader:
    """Read and validate a file, keeping what a diagnosis would need.

    Two buffers take turns, so that what stood before a chunk is there without a copy.
    """

    def __init__(self, file: _files.Input) -> None:
        self._file = file
        self._chunk = memoryview(b"")
        self._before = memoryview(b"")  # the chunk before it
        self.head = b""
        self._start = 0  # bytes before the chunk
        self._lines = _Lines()

    @property
    def position(self) -> int:
        """How many bytes were read."""
        return self._start + len(self._chunk)

    def run(self, advance: Callable[[int], object]) -> InvalidUTF8 | None:
        validator = Utf8Validator()
        buffer, other = memoryview(bytearray(CHUNK)), memoryview(bytearray(CHUNK))
        try:
            while count := self._file.readinto(buffer):
                self._start += len(self._chunk)
                self._before, self._chunk = self._chunk, buffer[:count]
                buffer, other = other, buffer
                validator.feed(self._chunk)
                if not self._start:
                    self.head = bytes(self._chunk[:MAX_SAMPLE])
                self._lines.count(self._chunk.tobytes())
                advance(count)
            validator.finish()
        except InvalidUTF8 as violation:
            self._count_up_to(violation.offset)
            return violation
        return None

    def _count_up_to(self, fault: int) -> None:
        counted = self._lines.position
        if fault >= counted:
            self._lines.count(bytes(self._chunk[: fault - counted]))
        else:  # a character that was cut, and counted as one
            self._lines.column -= 1

    def place(self) -> tuple[int, int]:
        """Return the line and the column of the fault, from 1."""
        return self._lines.line, self._lines.column

    def diagnose(self, violation: InvalidUTF8, show_payload: bool) -> tuple[bytes, int, Diagnosis]:
        """Return the bytes around the fault, its place in them, and where they come from."""
        before = bytes(self._before[-_BEFORE:])
        around = before + bytes(self._chunk)
        at = self._start - len(before)
        ended = True
        while len(around) < violation.offset - at + _BEFORE:
            more = self._file.read(CHUNK)
            if not more:
                break
            around += more
        else:
            ended = not self._file.read(1)
        if at == 0 and ended and len(around) <= MAX_SAMPLE:
            return around, violation.offset, diagnose(around, show_payload=show_payload)
        # The beginning says most, so it is kept if the fault is near enough to it.
        first = 0 if violation.offset - at < _BEFORE else violation.offset - at - _BEFORE
        part = around[first : first + MAX_SAMPLE]
        found = diagnose_part(
            part,
            violation,
            start=at + first,
            to_end=ended and first + len(part) == len(around),
            show_payload=show_payload,
        )
        return part, violation.offset - at - first, found


def _progress(file: _files.Input, quiet: bool) -> AbstractContextManager[Callable[[int], object]]:
    """Return a progress bar on standard error, if there is somebody to see it."""
    if quiet or file.size < _LONG or not sys.stderr.isatty():
        return nullcontext(lambda count: None)
    return _Bar(file.size)


class _Bar(AbstractContextManager["Callable[[int], object]"]):
    """A progress bar of rich, gone when it is done."""

    def __init__(self, size: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, Progress, TransferSpeedColumn

        self._progress = Progress(
            BarColumn(),
            DownloadColumn(binary_units=True),
            TransferSpeedColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._task = self._progress.add_task("check", total=size)

    def __enter__(self) -> Callable[[int], object]:
        self._progress.start()
        return lambda count: self._progress.advance(self._task, count)

    def __exit__(self, *_: object) -> None:
        self._progress.stop()
