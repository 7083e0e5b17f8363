"""Captures of WebSocket traffic, in the forms that people have them.

    model      what readers return
    text       encodings of text: byte order marks, UTF-16
    pcap, packets, tcp             packets, and the connections in them
    follow, dumps, literals, har   what tools and browsers write
    tls        the same behind TLS, by tshark, with its keys
    handshake, evidence, foreign   what bytes are frames, and what they are otherwise
    streams    from a connection to the streams of frames in it

A reader has a ``NAME``, ``score(data)`` up to 100, and ``read(data)``.  The one with
the highest score is asked; what it unwraps is looked at again.

Invariant: what can't be taken for a capture raises ``Unreadable``, whatever it is.
"""

from __future__ import annotations

from typing import Protocol

from .._files import Unreadable
from . import dumps, follow, foreign, har, literals, pcap, streams
from .literals import Base64
from .model import ERROR, Connection, Found, Messages, NotFrames, Role, Stream, Unwrapped
from .streams import Options
from .text import as_utf8

__all__ = [
    "ERROR",
    "FORMATS",
    "Connection",
    "Messages",
    "NotFrames",
    "Options",
    "Role",
    "Stream",
    "Unreadable",
    "read",
    "written_as_text",
]


class Reader(Protocol):
    """What reads one form of capture."""

    @property
    def NAME(self) -> str: ...

    def score(self, data: bytes, /) -> int: ...

    def read(self, data: bytes, /) -> Found: ...


# What writes bytes as text; the others read connections.
_AS_TEXT: tuple[Reader, ...] = (
    literals.Arrays,
    dumps,
    literals.Hexadecimal,
    literals.Literal,
    Base64,
)
READERS: tuple[Reader, ...] = (pcap, har, follow, follow.Yaml, *_AS_TEXT)
FORMATS = ("auto", "raw", *(reader.NAME for reader in READERS))
_CERTAIN = 80  # the least score of a dump, of hexadecimal and of a literal
_DEPTH = 3  # a dump in base64 of a pcap: more is no accident


def read(
    data: bytes, form: str, options: Options
) -> list[Stream] | list[Messages] | list[Connection]:
    """Return what a capture holds.

    Bytes by themselves are ``Stream``, one or both directions; what is known of a whole
    connection is ``Connection``, to be given to ``streams.of_connection``.

    Args:
        data: the file.
        form: one of ``FORMATS``.
        options: what the user says of it.

    Raises:
        Unreadable: it is no such capture.
    """
    found, how = _read(data, form)
    if not isinstance(found, Unwrapped):
        return found
    given = options.given or form != "auto"
    try:
        return streams.of_bytes(found.data, Options(options.role, given, options.deflate))
    except NotFrames as error:
        if how == Base64.NAME and form == "auto":  # any word may be base64
            raise foreign.refusal(data) from None
        message = f"in {how}: {error.message}" if how else error.message
        if error.doubtful:
            message += f" If these are frames: wsfast frames --format {how or 'raw'}"
            if how:
                message += "; if they are a message: wsfast check --dump"
        raise NotFrames(message, error.short) from None


def written_as_text(data: bytes, *, certainly: bool = False) -> bytes | None:
    """Return the bytes that a hex dump, or the like, was made of; ``None`` for another file.

    Args:
        data: the file.
        certainly: only if it can hardly be anything else; many a word may be base64.

    Raises:
        NotFrames: it is such a file, but a faulty one.
    """
    data, _ = as_utf8(data)
    reader = _best(data, _AS_TEXT)
    if reader is None or (certainly and reader.score(data) < _CERTAIN):
        return None
    found = reader.read(data)
    return found.data if isinstance(found, Unwrapped) else None


def _read(data: bytes, form: str) -> tuple[Found, str]:
    """Return what the readers make of a file, and how bytes by themselves were written."""
    how = ""
    for depth in range(_DEPTH):
        if form == "raw":
            break
        data, _ = as_utf8(data)
        reader = _named(form) if form != "auto" and depth == 0 else _best(data)
        if reader is None:
            break
        found = reader.read(data)
        how = how or reader.NAME
        if not isinstance(found, Unwrapped):
            return found, how
        data = found.data
    if not data:
        raise NotFrames("this contains no bytes")
    return Unwrapped(data), how


def _named(form: str) -> Reader:
    return next(reader for reader in READERS if form == reader.NAME)


def _best(data: bytes, readers: tuple[Reader, ...] = READERS) -> Reader | None:
    """Return the reader for a file, None if it is bytes by themselves."""
    scores = [(reader.score(data), -place) for place, reader in enumerate(readers)]
    score, place = max(scores)
    return readers[-place] if score else None
