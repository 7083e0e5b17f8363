"""Messages (RFC 6455 sections 5.4 to 5.6): fragments put together, text validated.

Invariant: neither the verdict on a text nor the place of the error depends on how the wire
was cut into reads; memory kept for an unfinished message grows with what arrived.
"""

from __future__ import annotations

from .. import _arguments, errors
from .._buffers import bytes_of
from .._limits import DEFAULT_MESSAGE_SIZE, FRAGMENT_CHARGE, MAX_CONTEXT
from .._record import Generic, Record
from ..closecodes import close_code, may_be_sent
from ..opcodes import Opcode
from .receiver import FIN, Header, Receiver
from .utf8 import Utf8Validator

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Literal, TypeAlias, overload

    from typing_extensions import Buffer, TypeVar

    from ..deflate import Deflate

    _TextType = TypeVar("_TextType", str, bytes)
    # What a decoder yields for messages: parts of them with stream=True, otherwise whole ones.
    _Parts: TypeAlias = "TextPart[_TextType] | BinaryPart"
    _MessageType = TypeVar("_MessageType", default="Text[_TextType] | Binary")

__all__ = [
    "Binary",
    "BinaryPart",
    "Close",
    "MessageDecoder",
    "Ping",
    "Pong",
    "Text",
    "TextPart",
    "encode_close",
    "parse_close",
]

_LOOK_BACK = MAX_CONTEXT + 3  # bytes before a chunk that evidence may need
_STREAMED = 1 << 16  # bytes; a longer part is handed on before the feed ends


class Text(Record, Generic["_TextType"]):
    """A text message (RFC 6455 section 5.6).

    Attributes:
        data: a ``str``; or valid UTF-8 as ``bytes``, with ``text="bytes"``.
    """

    __slots__ = ("data",)
    __match_args__ = ("data",)

    data: _TextType

    def __init__(self, data: _TextType) -> None:
        if type(data) is not str:
            data = _arguments.plain_field("data", data, (str, bytes))
        object.__setattr__(self, "data", data)


class _Bytes(Record):
    __slots__ = ("data",)
    __match_args__ = ("data",)

    data: bytes

    def __init__(self, data: bytes = b"") -> None:
        if type(data) is not bytes:
            data = _arguments.plain_field("data", data, bytes)
        object.__setattr__(self, "data", data)


class Binary(_Bytes):
    """A binary message: ``data``, its bytes (RFC 6455 section 5.6)."""

    __slots__ = ()


class TextPart(Record, Generic["_TextType"]):
    """A part of a text message, with ``stream=True`` (RFC 6455 section 5.4).

    Attributes:
        data: whole characters, as a ``str``; or as ``bytes``, with ``text="bytes"``.
        last: whether the message ends with it; only then can ``data`` be empty.
    """

    __slots__ = ("data", "last")
    __match_args__ = ("data", "last")

    data: _TextType
    last: bool

    def __init__(self, data: _TextType, last: bool) -> None:
        if type(data) is not str:
            data = _arguments.plain_field("data", data, (str, bytes))
        last = bool(last)
        object.__setattr__(self, "data", data)
        object.__setattr__(self, "last", last)


class BinaryPart(Record):
    """A part of a binary message, with ``stream=True`` (RFC 6455 section 5.4).

    Attributes:
        data: its bytes.
        last: whether the message ends with it; only then can ``data`` be empty.
    """

    __slots__ = ("data", "last")
    __match_args__ = ("data", "last")

    data: bytes
    last: bool

    def __init__(self, data: bytes, last: bool) -> None:
        if type(data) is not bytes:
            data = _arguments.plain_field("data", data, bytes)
        last = bool(last)
        object.__setattr__(self, "data", data)
        object.__setattr__(self, "last", last)


class Ping(_Bytes):
    """A ping: ``data``, the bytes to send back in a pong (RFC 6455 section 5.5.2)."""

    __slots__ = ()


class Pong(_Bytes):
    """A pong: ``data``, the bytes of the ping it answers (RFC 6455 section 5.5.3)."""

    __slots__ = ()


class Close(Record):
    """What a close frame says (RFC 6455 section 5.5.1).

    Attributes:
        code: a ``CloseCode`` if it is registered; 1005 if the frame had none.
        reason: the text after the code; may be empty.
    """

    __slots__ = ("code", "reason")
    __match_args__ = ("code", "reason")

    code: int
    reason: str

    def __init__(self, code: int, reason: str = "") -> None:
        object.__setattr__(self, "code", _arguments.plain_field("code", code, int))
        object.__setattr__(self, "reason", _arguments.plain_field("reason", reason, str))


def encode_close(code: int | None = None, reason: str = "") -> bytes:
    """Return the payload of a close frame (RFC 6455 section 5.5.1).

    Args:
        code: a code that may be sent; ``None`` for an empty payload.
        reason: a text of at most 123 bytes in UTF-8.

    Raises:
        TypeError: the code is not an integer or the reason not a ``str``.
        ValueError: the code must not be sent (section 7.4), the reason is too long, or
            there is a reason but no code.

    >>> encode_close(1001, "restart")
    b'\\x03\\xe9restart'
    """
    return _arguments.close_payload(code, reason)


def parse_close(payload: Buffer, /) -> Close:
    """Return what the payload of a close frame says (RFC 6455 section 5.5.1).

    Args:
        payload: any C-contiguous buffer.

    Returns:
        The code and the reason; code 1005 if the payload is empty (section 7.1.5).

    Raises:
        ProtocolError: the payload is 1 byte or more than 125, or the code must not be
            sent.
        InvalidUTF8: the reason is not UTF-8; offsets count from the start of the payload.
        TypeError: ``payload`` is not a buffer.
        ValueError: it is not C-contiguous.

    >>> parse_close(b"\\x03\\xe9restart")
    Close(code=<CloseCode.GOING_AWAY: 1001>, reason='restart')
    """
    body = bytes_of(payload, "payload")
    if not body:
        return Close(close_code(1005))
    if len(body) == 1:
        raise errors.short_close()
    if len(body) > 125:
        raise errors.long_control(Opcode.CLOSE)
    code = int.from_bytes(body[:2], "big")
    if not may_be_sent(code):
        raise errors.bad_close_code(code)
    validator = Utf8Validator.at(2)
    try:
        validator.accept(body[2:])
        validator.finish_after(body[2:])
    except errors.InvalidUTF8 as violation:
        errors.in_close_reason(violation)
        raise
    return Close(close_code(code), body[2:].decode())


class MessageDecoder(Receiver, Generic["_TextType", "_MessageType"]):
    """A decoder of whole messages, from bytes cut anywhere (RFC 6455 sections 5.4 to 5.6).

    Text is validated as it arrives, so an invalid byte is reported at once, even in the
    middle of a frame.  After a close frame, everything that follows is ignored (RFC 6455
    section 1.4).

    Args:
        role: ``"server"`` if the frames come from a client and are masked, ``"client"``
            if they come from a server and are not.
        text: ``"str"``; or ``"bytes"`` to get text messages as validated bytes, which JSON
            parsers accept.
        max_message_size: the longest message, in bytes; ``None`` for no limit.
        max_frame_size: the longest payload of a data frame, in bytes; ``None`` for no other
            limit than ``max_message_size``.
        max_retained: the most memory that an unfinished message may cost, in bytes: those of
            the message, plus 16 for each fragment before the current one.  ``None`` means
            twice ``max_message_size`` plus 32 MiB.
        deflate: the ``Deflate`` that both ends negotiated (RFC 7692), if they did.  Compressed
            messages are then inflated as they arrive.  Limits on messages and the offsets of
            an ``InvalidUTF8`` count inflated bytes; ``max_frame_size`` counts received bytes.
        stream: whether to yield each message in parts, as it arrives: ``TextPart`` and
            ``BinaryPart``.  The last part has ``last=True``.  Text is cut only between
            characters.  What arrived before a violation or a control frame is yielded before
            it.  No part is kept, so ``max_retained`` does not apply; the other limits do.
            A part can be as long as the bytes fed, or with ``deflate`` a thousand times as
            long: then feed only a few KiB at a time.

    Raises:
        TypeError, ValueError: an argument has the wrong type or value.
    """

    if TYPE_CHECKING:

        @overload
        def __init__(
            self: MessageDecoder[str],
            role: Literal["server", "client"],
            *,
            text: Literal["str"] = "str",
            max_message_size: int | None = ...,
            max_frame_size: int | None = None,
            max_retained: int | None = None,
            deflate: Deflate | None = None,
            stream: Literal[False] = False,
        ) -> None: ...

        @overload
        def __init__(
            self: MessageDecoder[bytes],
            role: Literal["server", "client"],
            *,
            text: Literal["bytes"],
            max_message_size: int | None = ...,
            max_frame_size: int | None = None,
            max_retained: int | None = None,
            deflate: Deflate | None = None,
            stream: Literal[False] = False,
        ) -> None: ...

        @overload
        def __init__(
            self: MessageDecoder[str, _Parts[str]],
            role: Literal["server", "client"],
            *,
            text: Literal["str"] = "str",
            max_message_size: int | None = ...,
            max_frame_size: int | None = None,
            max_retained: int | None = None,
            deflate: Deflate | None = None,
            stream: Literal[True],
        ) -> None: ...

        @overload
        def __init__(
            self: MessageDecoder[bytes, _Parts[bytes]],
            role: Literal["server", "client"],
            *,
            text: Literal["bytes"],
            max_message_size: int | None = ...,
            max_frame_size: int | None = None,
            max_retained: int | None = None,
            deflate: Deflate | None = None,
            stream: Literal[True],
        ) -> None: ...

    def __init__(
        self,
        role: Literal["server", "client"],
        *,
        text: Literal["str", "bytes"] = "str",
        max_message_size: int | None = DEFAULT_MESSAGE_SIZE,
        max_frame_size: int | None = None,
        max_retained: int | None = None,
        deflate: Deflate | None = None,
        stream: bool = False,
    ) -> None:
        rules = _arguments.MessageRules(
            role, text, max_message_size, max_frame_size, max_retained, deflate, stream
        )
        super().__init__(rules.masked, rules.max_frame_size)
        self._wants_str = rules.wants_str
        self._max_message_size = rules.max_message_size
        self._max_retained = rules.max_retained
        self._inflater = rules.inflater
        self._first_bits = 0 if self._inflater is None else 0x40
        self._opcode = Opcode.CONTINUATION  # of the message under way, if any
        self._compressed = False  # whether that message is compressed
        self._fragments = 0  # whole fragments of it
        self._size = 0  # its bytes so far
        self._stream = rules.wants_parts
        self._control = bytearray()
        self._validator = Utf8Validator()

    if TYPE_CHECKING:

        def __next__(self) -> _MessageType | Ping | Pong | Close: ...

    def _judge_sequence(self, opcode: int) -> None:
        under_way = self._opcode != Opcode.CONTINUATION
        if opcode == Opcode.CONTINUATION and not under_way:
            raise errors.nothing_to_continue()
        if opcode != Opcode.CONTINUATION and under_way:
            raise errors.message_unfinished(opcode)

    def _judge_length(self, first: int, length: int) -> None:
        super()._judge_length(first, length)
        # The size of a compressed message is what it inflates to: not yet known.
        self._judge_size(0 if self._compressed or first & self._first_bits else length)

    def _judge_size(self, more: int) -> None:
        """Judge whether so many bytes can still be added to the message."""
        size = self._size + more
        if size > self._max_message_size:
            raise errors.message_too_big(size, self._max_message_size)
        charge = size + FRAGMENT_CHARGE * self._fragments
        if charge > self._max_retained and not self._stream:
            raise errors.retains_too_much(charge, self._fragments + 1, self._max_retained)

    def _begin(self, frame: Header) -> None:
        if frame.opcode in (Opcode.TEXT, Opcode.BINARY):
            self._opcode = Opcode(frame.opcode)
            self._compressed = bool(frame.first & self._first_bits)

    def _take(self, frame: Header, payload: bytes) -> None:
        if frame.opcode >= Opcode.CLOSE:
            self._control += payload
        elif self._compressed and self._inflater is not None:
            self._take_inflated(self._inflater.pieces(payload, self._room()))
        else:
            self._take_data(payload)

    def _room(self) -> int:
        """Return how many inflated bytes can still be added to the message."""
        room = self._max_message_size - self._size
        if self._stream:
            return room
        charge = self._size + FRAGMENT_CHARGE * self._fragments
        return min(room, self._max_retained - charge)

    def _take_inflated(self, pieces: Iterator[bytes]) -> None:
        for piece in pieces:
            room = self._room()
            self._take_data(piece[:room])  # an error in what still fits comes first
            if len(piece) > room:
                self._judge_size(len(piece) - room)

    def _take_data(self, payload: bytes) -> None:
        if self._stream and len(self._arrived) - self._handed_on + len(payload) > _STREAMED:
            self._hand_on()
        if self._opcode == Opcode.TEXT:
            try:
                self._validator.accept(payload, self._look_back())
            except errors.InvalidUTF8 as violation:
                good = violation.offset - self._size  # bytes before the error, in this payload
                self._arrived += payload[: max(good, 0)]
                del self._arrived[len(self._arrived) + min(good, 0) :]
                raise
        self._arrived += payload
        self._size += len(payload)

    def _look_back(self) -> bytes:
        """Return the end of the message so far, as much as evidence may need."""
        return self._part(max(0, len(self._arrived) - _LOOK_BACK), len(self._arrived))

    def _hand_on(self) -> None:
        if not self._stream:
            return
        is_text = self._opcode == Opcode.TEXT
        end = len(self._arrived) - (self._validator.pending_count if is_text else 0)
        if end > self._handed_on:
            data = self._arrived_until(end, MAX_CONTEXT if is_text else 0)
            self._put_data(self._opcode, data, last=False)

    def _put_data(self, opcode: int, data: bytes, *, last: bool) -> None:
        """Put a message; or a part of one, if that is what is wanted."""
        if opcode == Opcode.BINARY:
            self._put(BinaryPart(data, last) if self._stream else Binary(data))
        else:
            text = data.decode() if self._wants_str else data
            self._put(TextPart(text, last) if self._stream else Text(text))

    def _end(self, frame: Header) -> None:
        if frame.opcode >= Opcode.CLOSE:
            payload, self._control = bytes(self._control), bytearray()
            self._end_control(frame.opcode, payload)
            return
        if frame.first & FIN and self._compressed and self._inflater is not None:
            self._take_inflated(self._inflater.end(self._room()))
        self._fragments += 1
        if frame.first & FIN:
            if self._opcode == Opcode.TEXT:
                self._validator.finish_after(self._look_back())
            data, opcode = self._arrived_until(len(self._arrived)), self._opcode
            self._discard()
            self._put_data(opcode, data, last=True)
        else:
            self._validator.next_fragment()

    def _end_control(self, opcode: int, payload: bytes) -> None:
        self._hand_on()
        if opcode == Opcode.PING:
            self._put(Ping(payload))
        elif opcode == Opcode.PONG:
            self._put(Pong(payload))
        else:
            self._put(parse_close(payload))
            self._closed = True
            self._discard()

    def _discard(self) -> None:
        self._opcode = Opcode.CONTINUATION
        self._compressed = False
        self._fragments = 0
        self._size = 0
        super()._discard()
        self._validator.reset()
