"""Inflate compressed messages (RFC 7692 section 7.2.2), bounded and independent of the cuts.

At corrupt data, an engine throws away everything that the same call inflated before it.  So
the place of the error would depend on how the bytes were cut into reads.  Therefore this module
saves a state of the stream, and keeps the bytes given to the engine since then.  After an error
it inflates them again from the saved state, the last slice byte by byte, and what comes out
before the error is judged first.

A state is saved by copying the stream.  isal can't do that.  There, after a message, a new
stream takes over the window; in a very long message, a second stream follows the first.

Invariant: nothing is inflated beyond one byte more than the receiver has room for, whatever
the compressed bytes say.  What comes out, and which byte shows an error, does not depend on
how the compressed bytes were cut.
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
    b"\x01\x00\x00\xff\xff"  # empty and final: ends a stream that is at the end of a block
)
_PIECE = 1 << 16  # bytes inflated at a time
_SLICE = 1 << 14  # bytes given to an engine at a time: it copies what it doesn't consume
_KEPT = 1 << 15  # bytes given to an engine that are kept
# The same where streams can't be copied: after a message, and inside one.
_RENEWED = 1 << 16
_KEPT_UNCOPIED = 1 << 20
_WINDOW = 1 << 15


class Inflater:
    """The decompression of the messages that one decoder receives.

    Call ``pieces`` for each part of a message, and ``end`` at its end.

    The window is always 32 KiB, even if a smaller one was negotiated.  With a smaller window,
    it depends on how much the same call inflated before whether an engine accepts a distance
    that is too long.
    """

    def __init__(self, engine: Any, *, takes_over: bool) -> None:
        self._error: type[Exception] = getattr(engine, "error", zlib.error)
        self._new: Callable[..., Any] = partial(engine.decompressobj, wbits=-15)
        self._takes_over = takes_over
        self._stream: Any = None
        # An earlier state of the stream, or the window of a new stream, and the bytes given to
        # the stream since then.
        self._saved: Any = None
        self._window = b""
        self._given = bytearray()
        # Where streams can't be copied: the bytes inflated last, and how many bytes were given
        # to the stream and are no longer kept.
        self._recent: bytearray | None = None
        self._before = 0

    def pieces(self, data: bytes, room: int) -> Iterator[bytes]:
        """Yield what the bytes inflate to, a little at a time.

        Args:
            data: the next compressed bytes of the message.
            room: how many inflated bytes the message may still have.  At most one byte more
                is inflated; the caller must stop then.

        Raises:
            ProtocolError: the compressed bytes are corrupt.
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
                    # A full piece may not be all: more may come out of the bytes consumed.
                    if not given and (self._stream is None or len(piece) < most):
                        break
            except self._error as error:
                fault = _fault(error)
            else:
                kept += part
                if len(kept) >= _KEPT:
                    self._save()
                continue
            # Not in the handler: the error would stay alive as the context, and with it the bytes.
            yield from self._before_the_fault(part, done, room + done)
            raise errors.bad_deflate(fault)

    def end(self, room: int) -> Iterator[bytes]:
        """Yield what the end of a message still inflates to, and prepare for the next message.

        Raises:
            ProtocolError: the message ends inside a block, if that can be detected.
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
        """Keep the last bytes inflated: one window, and not much more."""
        if len(piece) >= _WINDOW:
            recent[:] = piece[-_WINDOW:]
            return
        recent += piece
        if len(recent) > 4 * _WINDOW:
            del recent[:-_WINDOW]

    def _save(self) -> None:
        """Save a later state, if it is time."""
        if self._recent is None:
            self._saved = self._stream.copy()
        elif len(self._given) >= _KEPT_UNCOPIED:
            self._before += len(self._given)
            self._saved = self._earlier()
        else:
            return
        self._given.clear()

    def _earlier(self) -> Any:
        """Return a stream in the state that ours had before the current part."""
        stream = self._saved or self._fresh()
        given = bytes(self._given)
        while True:
            piece = stream.decompress(given, _PIECE)
            given = stream.unconsumed_tail
            if not given and len(piece) < _PIECE:
                return stream

    def _before_the_fault(self, part: bytes, done: int, room: int) -> Iterator[bytes]:
        """Yield what a part inflates to before the corrupt byte, after the first ``done`` bytes."""
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
    """Return the engine's message about the bytes; raise MemoryError if it ran out of memory."""
    said = str(error)
    if not said:  # Python 3.11.2 loses the text if there is no memory for it
        raise MemoryError("the engine's error has no text")
    if said.startswith("Error -4"):
        raise MemoryError(said)
    return said


def not_bytes(made_by: Any, value: object) -> TypeError:
    return TypeError(f"{type(made_by).__name__} must return bytes, not {type(value).__name__}")
