"""A library's own messages, made here and put where the library looks for them.

A ``MessageSink`` takes the place of a library's parser: messages in one frame become objects
of the library's own types; every other frame goes, one at a time and in order, to the
library's own parser, so that its rules, errors and state still apply.

Invariant: a frame is handled from its first byte to its last either here or by the library,
however the wire was cut into reads.  After an exception stopped a call, nothing more is
accepted: the sink would be out of step with the wire.
"""

from __future__ import annotations

from _thread import allocate_lock  # threading would be a slow import

from .. import _arguments, errors
from .mask import xor
from .messages import MessageDecoder, Text
from .receiver import ACQUIRE, MAX_HEADER, Header, Receiver
from .utf8 import Utf8Validator

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

__all__ = ["MessageSink", "Mould"]


class Mould:
    """How a library's messages are made: ``kind`` from ``items``.

    One of the items is ``...``, where the data goes.  A subclass of ``tuple`` is filled with
    the items without running its own code; anything else is called with them.
    """

    def __init__(self, kind: Any, items: Iterable[Any], /) -> None:
        self._kind, self._items = kind, tuple(items)
        self._place = self._items.index(...)
        self._is_tuple = isinstance(kind, type) and issubclass(kind, tuple)

    def _make(self, data: str | bytes) -> Any:
        items = (*self._items[: self._place], data, *self._items[self._place + 1 :])
        return tuple.__new__(self._kind, items) if self._is_tuple else self._kind(*items)


class _Head:
    """The header of a frame for the library, which may break any rule."""

    def __init__(self, data: bytes) -> None:
        length = data[1] & 0x7F
        at = 2 + {126: 2, 127: 8}.get(length, 0)
        self.first = data[0]
        self.rest = int.from_bytes(data[2:at], "big") if at > 2 else length
        self.key = data[at : at + 4] if data[1] & 0x80 else bytes(4)
        self.judged = 0

    @staticmethod
    def size(data: bytes) -> int:
        """Return how many bytes the header has, judging by those that are there."""
        if len(data) < 2:
            return 2
        return 2 + {126: 2, 127: 8}.get(data[1] & 0x7F, 0) + (4 if data[1] & 0x80 else 0)


class MessageSink:
    """A replacement for a library's parser.

    It decodes a message itself if that is one frame, masked as it should be, not compressed,
    and at most ``max_size`` bytes long.

    Args:
        role: as for ``MessageDecoder``.
        max_size: the longest message decoded here, in bytes; ``None`` for no limit.
        text: how a text message is made.
        binary: how a binary message is made.
        put: called with each message and the size of its payload.
        others: called with the host and all other frames, one piece at a time; returns a
            true value if the connection has failed.
        decodes: whether text becomes ``str`` and is validated as it arrives, also in
            fragments; otherwise it stays ``bytes``, unchecked.
        room: returns how many more bytes may wait in the library's queue, to which only ``put``
            and ``others`` add.  Below 0, only one byte of what comes next is passed to
            ``others``, so that the library notices that there is more; the rest is kept until
            the next ``feed``.
    """

    def __init__(
        self,
        role: Any,
        max_size: int | None,
        text: Mould,
        binary: Mould,
        put: Callable[[Any, int], object],
        others: Callable[[Any, bytes], object],
        /,
        *,
        decodes: bool = True,
        room: Callable[[], int] | None = None,
    ) -> None:
        self._role = role
        self._judge = Receiver(
            _arguments.is_server(role), _arguments.size_limit("max_size", max_size)
        )
        self._text, self._binary, self._put, self._others = text, binary, put, others
        self._decodes, self._room = decodes, room
        self._kept = b""
        self._in_use = allocate_lock()  # if it is held, a call fails at once
        self._ready = True
        self._failure: type[BaseException] | None = None  # what stopped it, if it was an error
        self._stalled = self._fragmented = False
        self._decoder: Any = None  # of our frame that is not yet whole
        self._ours: Any = None  # its header
        self._head = b""  # what has arrived of the header of a frame for the library
        self._frame: _Head | None = None  # the same, once it is whole
        self._validator: Utf8Validator | None = None  # of the text passed to the library
        self._judges = False

    def feed(self, data: Any, host: Any, /) -> bool:
        """Take what arrived; return whether the connection goes on.

        Raises:
            InvalidUTF8: a text is not UTF-8.
            RuntimeError: an earlier call raised something, or returned ``False``; or this
                call comes from inside another.
        """
        arrived = bytes(data)
        (free,) = map(ACQUIRE, (self._in_use,), (False,))
        if not free:
            raise _arguments.sink_busy()
        try:
            if not self._ready:
                raise _arguments.sink_failed(self._failure)
            return self._go(arrived, host)
        finally:
            self._in_use.release()

    def _go(self, data: bytes, host: Any) -> bool:
        self._ready = False
        try:
            self._ready = self._take(data, host)
        except BaseException as error:
            self._failure = type(error)
            raise
        return self._ready

    def _is_full(self) -> bool:
        return self._room is not None and self._room() < 0

    def _take(self, data: bytes, host: Any) -> bool:
        data, self._kept = self._kept + data, b""
        if self._stalled and not self._is_full():
            self._stalled = False
            if self._others(host, b""):  # it goes on with the byte that it has
                return False
        while data:
            if self._ours:
                data = self._go_on(data)
            elif self._is_full():
                self._stalled = True
                self._kept = data[1:]
                return self._pass_on(data[:1], host)[1]
            else:
                size = 0 if self._head else self._begin(data)
                if size is None:
                    self._kept = data
                    return True
                if size:
                    data = data[size:]
                    if not self._ours.payload_length:
                        self._go_on(b"")
                    continue
                data, goes_on = self._pass_on(data, host)
                if not goes_on:
                    return False
        return True

    # Our frames.

    def _begin(self, data: bytes) -> int | None:
        """Return the size of the header if the frame is ours, else 0; ``None`` if unknown yet."""
        if self._fragmented or data[0] not in (0x81, 0x82):
            return 0
        try:
            header: Header | None = self._judge._judge(data[:MAX_HEADER])
        except errors.ProtocolViolation:
            return 0
        if header is None:
            return None
        self._ours = header
        self._decoder = MessageDecoder(self._role, max_message_size=None)
        first = header.first if self._decodes else 0x82
        self._decoder.feed(bytes((first,)) + data[1 : header.size])
        self._missing = header.payload_length
        return header.size

    def _go_on(self, data: bytes) -> bytes:
        header, piece = self._ours, data[: self._missing]
        self._missing -= len(piece)
        for message in self._decoder.feed(piece):
            self._ours = self._decoder = None
            is_text = isinstance(message, Text) or header.first == 0x81
            mould = self._text if is_text else self._binary
            self._put(mould._make(message.data), header.payload_length)
        return data[len(piece) :]

    # The library's frames.

    def _pass_on(self, data: bytes, host: Any) -> tuple[bytes, bool]:
        """Pass on what belongs to the library's current frame; return the rest, and if to go on."""
        at = 0
        while self._frame is None and at < len(data):
            self._head += data[at : at + 1]
            at += 1
            if len(self._head) == _Head.size(self._head):
                self._begin_frame()
        if (frame := self._frame) is not None:
            payload = data[at : at + frame.rest]
            at += len(payload)
            frame.rest -= len(payload)
            if self._judges and self._validator is not None:
                self._validator.accept(xor(payload, frame.key, frame.judged & 3))
                frame.judged += len(payload)
            if not frame.rest:
                self._end_frame(frame)
        return data[at:], not self._others(host, data[:at])

    def _begin_frame(self) -> None:
        self._frame = frame = _Head(self._head)
        opcode, fin = frame.first & 0x0F, frame.first > 0x7F
        self._judges = opcode == 0 and self._validator is not None
        if opcode in (1, 2):
            # In the middle of a message this is an error, for the library to report.
            self._judges = self._decodes and frame.first & 0x7F == 1 and not self._fragmented
            self._validator = Utf8Validator() if self._judges else None
            self._fragmented = self._fragmented or not fin

    def _end_frame(self, frame: _Head) -> None:
        if self._judges and self._validator is not None:
            if frame.first > 0x7F:
                self._validator.finish()
                self._validator = None
            else:
                self._validator.next_fragment()
        if frame.first & 0x8F == 0x80:
            self._fragmented = False
        self._head, self._frame, self._judges = b"", None, False
