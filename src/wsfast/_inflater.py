"""Inflate compressed messages (RFC 7692 section 7.2.2), within bounds and the same at every cut.

An engine that meets a fault throws away what the same call inflated before it, so where the
fault shows would depend on how the bytes were cut into reads.  Therefore what was given to
the engine since a state that is at hand is kept; after a fault it is inflated again from
there, the last slice byte by byte.  What comes out before the fault is judged first.

A state is at hand where the engine can copy a stream.  isal can't; there, after a message, a
new stream takes over the window.  In a message that is very long a second stream follows.

Invariant: nothing is inflated beyond what the receiver has room for and one byte more,
whatever the compressed bytes say; what comes out, and which byte shows a fault, does not
depend on how the compressed bytes were cut.
"""

from __future__ import annotations

import zlib
from functools import partial

from . import errors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

TAIL = b"\x00\x00\xff\xff"  # taken off each message (section 7.2.1)
_LAST_BLOCK = (
    b"\x01\x00\x00\xff\xff"  # empty and final: ends a stream that has come to a block's end
)
_PIECE = 1 << 16  # bytes inflated at a time
_SLICE = 1 << 14  # bytes given to an engine at a time: each time it copies what it leaves
_KEPT = 1 << 15  # bytes given to an engine that are kept
# The same where streams can't be copied: after a message, and inside one.
_RENEWED = 1 << 16
_KEPT_UNCOPIED = 1 << 20
_WINDOW = 1 << 15


class Inflater:
    """Inflates the compressed messages that one decoder receives.

    Each call of ``pieces`` is a part of a message; ``end`` is its end.

    The window is 32 KiB whatever was agreed on.  With a smaller one, whether an engine
    accepts a distance that is longer depends on how much the same call inflated before.
    """

    def __init__(self, engine: Any, *, takes_over: bool) -> None:
        self._error: type[Exception] = getattr(engine, "error", zlib.error)
        self._new: Callable[..., Any] = partial(engine.decompressobj, wbits=-15)
        self._takes_over = takes_over
        self._stream: Any = None
        # The stream's state some time ago, or the window of a new one, and what it was given
        # since.
        self._saved: Any = None
        self._window = b""
        self._given = bytearray()
        # Where streams can't be copied: what was inflated last, and how much was given to the
        # stream that is no longer kept.
        self._recent: bytearray | None = None
        self._before = 0

    def pieces(self, data: bytes, room: int) -> Iterator[bytes]:
        """Yield what the bytes inflate to, a little at a time.

        Args:
            data: the next compressed bytes of the message.
            room: how many inflated bytes the message may still have.  No more than one
                beyond that are made: it is for the caller to stop then.

        Raises:
            ProtocolError: they are not what a compressor writes.
        """
        at, kept = 0, self._given
        while at < len(data):
            part = given = data[at : at + _SLICE]
            at += _SLICE
            done = 0  # bytes inflated of the part
            try:
                while True:
                    stream, most = self._stream or self._begin(), min(_PIECE, room + 1)
                    piece = stream.decompress(given, most)
                    if type(piece) is not bytes:
                        raise not_bytes(stream, piece)
                    given = stream.unconsumed_tail
                    if piece:
                        yield piece
                        room -= len(piece)
                        done += len(piece)
                        if self._recent is not None:
                            self._remember(self._recent, piece)
                    if stream.eof:  # a final block: a new stream follows (section 7.2.3.4)
                        part = given = stream.unused_data
                        done = 0
                        self._forget()
                    # A full piece may not be all: what was taken in can still have to come out.
                    if not given and (self._stream is None or len(piece) < most):
                        break
            except self._error as error:
                fault = _fault(error)
            else:
                kept += part
                if len(kept) >= _KEPT:
                    self._save()
                continue
            # Not in the handler: that error, and with it the bytes, would be kept as the context.
            yield from self._before_the_fault(part, done, room + done)
            raise errors.bad_deflate(fault)

    def end(self, room: int) -> Iterator[bytes]:
        """Yield what the end of a message still inflates to, and be ready for the next.

        Raises:
            ProtocolError: the message ends inside a block, where that can be told.
        """
        yield from self.pieces(TAIL, room)
        if self._takes_over and (
            self._recent is None or self._before + len(self._given) < _RENEWED
        ):
            return
        stream, recent = self._stream, self._recent
        self._forget()
        if self._takes_over and recent is not None:
            self._window = bytes(recent[-_WINDOW:])
        if stream is None:
            return
        try:
            left = stream.decompress(_LAST_BLOCK, 1)
        except self._error as error:
            _fault(error)
            left = b""
        if left or not stream.eof:
            raise errors.bad_deflate("the message ends inside a block")

    def _begin(self) -> Any:
        self._stream = self._fresh()
        if not hasattr(self._stream, "copy"):
            self._recent = bytearray(self._window)
        return self._stream

    def _fresh(self) -> Any:
        return self._new(zdict=self._window) if self._window else self._new()

    def _forget(self) -> None:
        self._stream = self._saved = self._recent = None
        self._window = b""
        self._given.clear()
        self._before = 0

    @staticmethod
    def _remember(recent: bytearray, piece: bytes) -> None:
        """Keep the last bytes inflated: a window of them, and not much more."""
        if len(piece) >= _WINDOW:
            recent[:] = piece[-_WINDOW:]
            return
        recent += piece
        if len(recent) > 4 * _WINDOW:
            del recent[:-_WINDOW]

    def _save(self) -> None:
        """Have a later state at hand than the one that is."""
        if self._recent is None:
            self._saved = self._stream.copy()
        elif len(self._given) >= _KEPT_UNCOPIED:
            self._before += len(self._given)
            self._saved = self._earlier()
        else:
            return
        self._given.clear()

    def _earlier(self) -> Any:
        """Return a stream in the state that ours had before the part that is being inflated."""
        stream = self._saved or self._fresh()
        given = bytes(self._given)
        while True:
            piece = stream.decompress(given, _PIECE)
            given = stream.unconsumed_tail
            if not given and len(piece) < _PIECE:
                return stream

    def _before_the_fault(self, part: bytes, done: int, room: int) -> Iterator[bytes]:
        """Yield what a part inflates to up to the byte that shows a fault, but for ``done``."""
        stream = self._earlier()
        self._forget()  # nothing can be inflated after this
        for i in range(len(part)):
            given = part[i : i + 1]
            while True:
                most = min(_PIECE, room + 1)
                try:
                    piece = stream.decompress(given, most)
                except self._error:
                    return
                given = stream.unconsumed_tail
                room -= len(piece)
                if len(piece) > done:
                    yield piece[done:]
                done = max(0, done - len(piece))
                if not given and len(piece) < most:
                    break


def _fault(error: Exception) -> str:
    """Return what an engine says of the bytes, unless it says that there is no memory."""
    said = str(error)
    if said.startswith("Error -4"):
        raise MemoryError(said)
    return said


def not_bytes(made_by: Any, value: object) -> TypeError:
    return TypeError(f"{type(made_by).__name__} must return bytes, not {type(value).__name__}")
