"""Read the files that users name, and say what is wrong with those that can't be read.

Invariant: whatever a file is, there is a message of one line and the exit status 2, never
a traceback; no more than the limit is held in memory.  So it is with what can't be written.
"""

from __future__ import annotations

import io
import os
import stat
import sys
from typing import BinaryIO, cast

import click

from ._output import named


class Unreadable(click.ClickException):
    """Say that a file can't be read, or can't be taken for what it should be."""

    exit_code = 2


class Unwritable(click.ClickException):
    """Say that what was found can't be written."""

    exit_code = 2


def open_binary(path: str) -> BinaryIO:
    """Open a file, or standard input for ``-``, for unbuffered reading.

    Raises:
        Unreadable: there is no such file, it is a directory, or permission is lacking.
    """
    if path == "-":
        if sys.stdin is None:  # closed before the program began
            raise Unreadable("there is no standard input; name a file")
        if sys.stdin.isatty():
            raise Unreadable("standard input is a terminal; name a file or pipe something in")
        return sys.stdin.buffer
    try:
        file = io.FileIO(path)
    except (OSError, ValueError) as error:
        raise Unreadable(why_unreadable(path, error)) from None
    return cast(BinaryIO, file)


def why_unreadable(path: str, error: Exception) -> str:
    """Return what to tell the user."""
    reason = getattr(error, "strerror", None) or str(error)
    return f"can't read {named(path)}: {reason}"


def regular_size(file: BinaryIO) -> int:
    """Return the size of a regular file in octets, 0 of anything else."""
    try:
        status = os.fstat(file.fileno())
    except (OSError, ValueError):
        return 0
    return status.st_size if stat.S_ISREG(status.st_mode) else 0


def read_all(path: str, limit: int) -> bytes:
    """Return all of a file.

    Raises:
        Unreadable: it can't be read, or is larger than ``limit`` octets.
    """
    pieces: list[bytes] = []
    size = 0
    with open_binary(path) as file:
        while size <= limit:
            try:
                piece = file.read(min(1 << 20, limit + 1 - size))
            except OSError as error:
                raise Unreadable(why_unreadable(path, error)) from None
            if not piece:
                return b"".join(pieces)
            pieces.append(piece)
            size += len(piece)
    raise Unreadable(f"{named(path)} is larger than {limit} octets")
