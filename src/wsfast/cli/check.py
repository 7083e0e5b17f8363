"""``wsfast check``: is a file UTF-8, and if not, which octet, why, and where from.

The Unicode Standard, section 3.9; RFC 6455 section 8.1.

Invariant: memory does not grow with the file; it is read once, up to the fault.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import BinaryIO

import click

from .. import InvalidUTF8, Utf8Validator
from ..diagnosis import MAX_SAMPLE, Diagnosis, diagnose, diagnose_part
from . import _files
from ._output import JSON, SHOW_PAYLOAD, diagnosed, evidence, named, write_evidence, write_json

CHUNK = 1 << 19  # octets
_LONG = 64 << 20  # octets; a file as long gets a progress bar
_BEFORE = MAX_SAMPLE // 2  # octets from before a chunk, for the diagnosis


@click.command(short_help="Is a file UTF-8? If not: which octet, why.")
@click.argument("file", default="-", type=click.Path(allow_dash=True))
@SHOW_PAYLOAD
@JSON
def check(file: str, show_payload: bool, as_json: bool) -> int:
    """Check that FILE (or standard input) is UTF-8.

    If it is not, say which octet is the first that is wrong, why, and where such octets
    likely come from. Files of any size are read in bounded memory.

    \b
    Examples:
      wsfast check message.txt
      wsfast check --json < payload.bin
      wsfast check --show-payload export.csv
    """
    octets, violation, diagnosis = _check(file, show_payload, quiet=as_json)
    if as_json:
        found: dict[str, object] = {"file": file, "valid": violation is None}
        if violation is None:
            found["octets"] = octets
        else:
            found |= {"violation": evidence(violation, fragments=False)}
        if diagnosis is not None:
            found["diagnosis"] = diagnosed(diagnosis)
        write_json(found)
    elif violation is not None:
        click.echo(f"{named(file)}: not UTF-8")
        write_evidence(violation, diagnosis, fragments=False)
    else:
        verdict = click.style("valid UTF-8", fg="green")
        click.echo(f"{named(file)}: {verdict}, {octets} octets")
        if diagnosis is not None:
            click.echo(f"  but likely {diagnosis.origin.value}: {diagnosis.reason}")
            click.echo(f"  {diagnosis.remedy}")
    return 0 if violation is None else 1


def _check(
    path: str, show_payload: bool, quiet: bool
) -> tuple[int, InvalidUTF8 | None, Diagnosis | None]:
    """Return the octets read, the violation if there is one, and what is to say of it."""
    with _files.open_binary(path) as file:
        reader = _Reader(file)
        with _progress(file, quiet) as advance:
            try:
                violation = reader.run(advance)
            except OSError as error:
                raise _files.Unreadable(_files.why_unreadable(path, error)) from None
        if violation is None:
            return reader.position, None, _twice_encoded(reader.head)
        return reader.position, violation, reader.diagnose(violation, show_payload)


def _twice_encoded(head: bytes) -> Diagnosis | None:
    """Tell whether what is valid was likely not meant so, by its beginning."""
    found = diagnose_part(head, None, start=0, to_end=False)
    return found if found.origin.name != "UTF8" else None


class _Reader:
    """Read and validate a file, keeping what a diagnosis would need.

    Two buffers take turns, so that what stood before a chunk is there without a copy.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._chunk = memoryview(b"")
        self._before = memoryview(b"")  # the chunk before it
        self.head = b""
        self._start = 0  # octets before the chunk

    @property
    def position(self) -> int:
        """How many octets were read."""
        return self._start + len(self._chunk)

    def run(self, advance: Callable[[int], object]) -> InvalidUTF8 | None:
        validator = Utf8Validator()
        buffer, other = memoryview(bytearray(CHUNK)), memoryview(bytearray(CHUNK))
        # Files opened as binary have it, though typing.BinaryIO does not say so.
        readinto: Callable[[memoryview], int | None] = self._file.readinto  # type: ignore[attr-defined]
        try:
            while octets := readinto(buffer):
                self._start += len(self._chunk)
                self._before, self._chunk = self._chunk, buffer[:octets]
                buffer, other = other, buffer
                validator.feed(self._chunk)
                if not self._start:
                    self.head = bytes(self._chunk[:MAX_SAMPLE])
                advance(octets)
            validator.finish()
        except InvalidUTF8 as violation:
            return violation
        return None

    def diagnose(self, violation: InvalidUTF8, show_payload: bool) -> Diagnosis:
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
            return diagnose(around, show_payload=show_payload)
        # The beginning says most, so it is kept if the fault is near enough to it.
        first = 0 if violation.offset - at < _BEFORE else violation.offset - at - _BEFORE
        part = around[first : first + MAX_SAMPLE]
        return diagnose_part(
            part,
            violation,
            start=at + first,
            to_end=ended and first + len(part) == len(around),
            show_payload=show_payload,
        )


def _progress(file: BinaryIO, quiet: bool) -> AbstractContextManager[Callable[[int], object]]:
    """Return a progress bar on standard error, if there is somebody to see it."""
    size = _files.regular_size(file)
    if quiet or size < _LONG or not sys.stderr.isatty():
        return nullcontext(lambda octets: None)
    return _Bar(size)


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
        return lambda octets: self._progress.advance(self._task, octets)

    def __exit__(self, *_: object) -> None:
        self._progress.stop()
