"""Read the files that users name, to the end or not at all.

A verdict needs the whole input.  So a read that would block waits, and a file that changes
while it is read, or ends before its size says, is an error.

Invariant: whatever a file is, there is a message of one line and the exit status 2, never
a traceback and never a verdict on a part; no more than the limit is held in memory.
"""

from __future__ import annotations

import io
import os
import select
import stat
import sys
from typing import TYPE_CHECKING, cast

import click

from ._output import named

if TYPE_CHECKING:
    from typing_extensions import Buffer


class Unreadable(click.ClickException):
    """Raised when a file can't be read, or isn't what it should be."""

    exit_code = 2


class Unwritable(click.ClickException):
    """Raised when the result can't be written."""

    exit_code = 2


class Input(io.RawIOBase):
    """A file or standard input, read once from its beginning to its end.

    Args:
        raw: an unbuffered binary file.
        path: what the user called it.

    ``readinto`` returns 0 only at the real end; use ``finish`` there.
    """

    def __init__(self, raw: io.RawIOBase, path: str) -> None:
        self._raw = raw
        self.path = path
        self.position = 0
        self._before = _status(raw)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer, /) -> int:
        """Read some bytes, and wait for them if there are none yet.

        Raises:
            Unreadable: reading fails.
        """
        try:
            while (count := self._raw.readinto(buffer)) is None:
                # Non-blocking, as a shell's pipe is when another program set it so.
                select.select([self._raw], [], [])
        except OSError as error:
            raise Unreadable(why_unreadable(self.path, error)) from None
        self.position += count
        return count

    def finish(self) -> None:
        """Check, at the end, that what was read is what the file holds.

        Raises:
            Unreadable: it changed meanwhile, or it ended too early.
        """
        before, after = self._before, _status(self._raw)
        if before is None or after is None:
            return
        if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
            raise Unreadable(
                f"{named(self.path)} changed while it was read "
                f"({before.st_size} bytes before, {after.st_size} after); try again, or copy it"
            )
        # Files of /proc and /sys have no blocks, and a size that means nothing.
        if self.position != after.st_size and getattr(after, "st_blocks", None):
            raise Unreadable(
                f"can't read all of {named(self.path)}: "
                f"it ended after {self.position} of {after.st_size} bytes"
            )

    @property
    def size(self) -> int:
        """How many bytes a regular file has; 0 for anything else."""
        return self._before.st_size if self._before else 0

    @property
    def endless(self) -> bool:
        """Whether it is a device, which may never come to an end."""
        try:
            status = os.fstat(self._raw.fileno())
            null = os.stat(os.devnull)
        except (OSError, ValueError):
            return False
        return stat.S_ISCHR(status.st_mode) and status.st_rdev != null.st_rdev

    def close(self) -> None:
        self._raw.close()
        super().close()


def _status(raw: io.RawIOBase) -> os.stat_result | None:
    """Return the status of a regular file, None for anything else."""
    try:
        status = os.fstat(raw.fileno())
    except (OSError, ValueError):
        return None
    return status if stat.S_ISREG(status.st_mode) else None


def open_input(path: str) -> Input:
    """Open a file, or standard input for ``-``, for unbuffered reading.

    Raises:
        Unreadable: there is no such file, it is a directory, or permission is missing.
    """
    if path == "-":
        return Input(_standard_input(), path)
    try:
        return Input(io.FileIO(path), path)
    except (OSError, ValueError) as error:
        raise Unreadable(why_unreadable(path, error)) from None


def in_memory(data: bytes, path: str) -> Input:
    """Return bytes as a file that the user called that."""
    return Input(_Unbuffered(io.BytesIO(data)), path)


def _standard_input() -> io.RawIOBase:
    if sys.stdin is None:  # closed before the program began
        raise Unreadable("there is no standard input; name a file")
    if sys.stdin.isatty():
        raise Unreadable("standard input is a terminal; name a file or pipe something in")
    try:
        return io.FileIO(sys.stdin.fileno(), closefd=False)
    except io.UnsupportedOperation:  # replaced by something in memory
        return _Unbuffered(cast(io.BufferedIOBase, sys.stdin.buffer))
    except (OSError, ValueError) as error:
        raise Unreadable(why_unreadable("-", error)) from None


class _Unbuffered(io.RawIOBase):
    """A buffered file as a raw one."""

    def __init__(self, file: io.BufferedIOBase) -> None:
        self._file = file

    def readinto(self, buffer: Buffer, /) -> int:
        view = memoryview(buffer)
        piece = self._file.read(len(view))
        view[: len(piece)] = piece
        return len(piece)


def why_unreadable(path: str, error: Exception) -> str:
    """Return what to tell the user."""
    reason = getattr(error, "strerror", None) or str(error)
    return f"can't read {named(path)}: {reason}"


def read_all(path: str, limit: int) -> bytes:
    """Return all of a file.

    Raises:
        Unreadable: it can't be read whole, or is larger than ``limit`` bytes.
    """
    pieces: list[bytes] = []
    with open_input(path) as file:
        while piece := file.read(min(1 << 20, limit + 1 - file.position)):
            pieces.append(piece)
            if file.position > limit:
                raise Unreadable(f"{named(path)} is larger than {limit >> 20} MiB, the limit here")
        file.finish()
    return b"".join(pieces)
