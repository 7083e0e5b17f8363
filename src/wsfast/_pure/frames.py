"""Frames (RFC 6455 section 5): decode and encode, one at a time.

Invariant: a header field is judged with the octet that completes it, before any
payload is kept; a payload is unmasked as it arrives, and nothing is allocated for
octets that a header only announces.
"""

from __future__ import annotations

from _thread import allocate_lock  # threading would be a slow import

from .. import _arguments, errors
from .._record import Record
from ..opcodes import Opcode
from .buffers import masking_key_octets, octets
from .mask import new_masking_key, xor
from .utf8 import is_valid_utf8

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _thread import LockType
    from collections.abc import Iterable, Iterator
    from typing import Any, Literal, Self

    from typing_extensions import Buffer

FIN, RSV, CONTROL, MASKED = 0x80, 0x70, 0x08, 0x80
MAX_HEADER = 14  # 2, 8 of length, 4 of masking key


class Frame(Record):
    """Hold one frame, as it was received (RFC 6455 section 5.2).

    Attributes:
        opcode: an ``Opcode``.
        payload: its octets, unmasked.
        fin: whether it is the last fragment of its message.
        rsv1, rsv2, rsv3: the reserved bits, for extensions.
    """

    __slots__ = ("fin", "opcode", "payload", "rsv1", "rsv2", "rsv3")
    __match_args__ = ("opcode", "payload", "fin", "rsv1", "rsv2", "rsv3")

    opcode: Opcode
    payload: bytes | bytearray | memoryview
    fin: bool
    rsv1: bool
    rsv2: bool
    rsv3: bool

    def __init__(
        self,
        opcode: int,
        payload: bytes | bytearray | memoryview,
        fin: bool = True,
        rsv1: bool = False,
        rsv2: bool = False,
        rsv3: bool = False,
    ) -> None:
        put = object.__setattr__
        put(self, "opcode", _arguments.check_opcode(opcode))
        put(
            self,
            "payload",
            _arguments.check_field("payload", payload, (bytes, bytearray, memoryview)),
        )
        put(self, "fin", bool(fin))
        put(self, "rsv1", bool(rsv1))
        put(self, "rsv2", bool(rsv2))
        put(self, "rsv3", bool(rsv3))


class Header:
    """Hold the fields of a header whose octets have all arrived."""

    __slots__ = ("first", "key", "octets", "opcode", "payload_length")

    def __init__(self, first: int, key: bytes, octets: int, payload_length: int) -> None:
        self.first = first
        self.opcode = first & 0x0F
        self.key = key
        self.octets = octets
        self.payload_length = payload_length


class Receiver:
    """What both decoders share: headers, feeding, and what happens after a violation."""

    _in_use: LockType  # held while octets are decoded, tried and never waited for

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        self = super().__new__(cls)
        self._in_use = allocate_lock()
        return self

    def __init__(self, role: str, reserved_bits: int, max_frame_size: int | None) -> None:
        if self._in_use.locked():
            raise _arguments.decoder_busy()
        self._expect_masked = _arguments.is_server(role)
        self._reserved_bits = reserved_bits
        self._first_bits = 0  # those that only the first frame of a message may have
        self._max_frame_size = _arguments.size_limit("max_frame_size", max_frame_size)
        self._head = b""  # of a header that is not yet whole
        self._frame: Header | None = None  # whose payload is arriving
        self._received = 0  # octets of that payload
        self._violation: BaseException | None = None
        self._buffer: bytearray | None = None
        self._closed = False  # by a close frame: what follows is ignored

    def get_buffer(self, sizehint: int = -1) -> memoryview:
        """Return a buffer to receive into, for ``asyncio.BufferedProtocol``.

        It is good until the next ``buffer_updated``, which takes what was received.

        Args:
            sizehint: how many octets are wanted; the buffer has 64 KiB at least.
        """
        size = _arguments.check_sizehint(sizehint)
        buffer = self._buffer  # looked at once: another thread may take it
        if buffer is None or len(buffer) < size:
            buffer = self._buffer = bytearray(size)
        return memoryview(buffer)

    def buffer_updated(self, nbytes: int, /) -> Iterator[Any]:
        """Decode the first ``nbytes`` octets of the buffer: as ``feed`` of them.

        Raises:
            ValueError: the buffer that ``get_buffer`` returned is not as large.
        """
        buffer = self._buffer or b""
        _arguments.check_update(nbytes, len(buffer))
        self._buffer = None
        return self._feed(bytes(memoryview(buffer)[:nbytes]))

    def _feed(self, chunk: bytes) -> Iterator[Any]:
        if not self._in_use.acquire(blocking=False):
            raise _arguments.decoder_busy()
        try:
            if self._violation is not None:
                raise self._violation.with_traceback(None)
            return self._decode(chunk)
        finally:
            self._in_use.release()

    def _decode(self, chunk: bytes) -> Iterator[Any]:
        events: list[Any] = []
        try:
            self._consume(chunk, events)
        except BaseException as violation:  # noqa: BLE001 # what came before is kept, whatever it is
            self._violation = violation.with_traceback(None)
            self._discard()
            return errors.then_raise(events, violation)
        return iter(events)

    def _consume(self, chunk: bytes, events: list[Any]) -> None:
        at = 0
        while not self._closed:
            if self._frame is None:
                at = self._read_header(chunk, at)
                if self._frame is None:
                    return
                self._received = 0
                self._begin(self._frame)
            frame = self._frame
            taken = chunk[at : at + frame.payload_length - self._received]
            at += len(taken)
            if taken:
                self._take(frame, xor(taken, frame.key, self._received) if frame.key else taken)
                self._received += len(taken)
            if self._received < frame.payload_length:
                return
            self._frame = None
            self._end(frame, events)

    def _read_header(self, chunk: bytes, at: int) -> int:
        """Read a header, or as much of it as there is; return where it ends."""
        carried = len(self._head)
        head = self._head + chunk[at : at + MAX_HEADER - carried]
        self._frame = self._judge(head)
        if self._frame is None:
            self._head = head
            return len(chunk)
        self._head = b""
        return at + self._frame.octets - carried

    def _judge(self, head: bytes) -> Header | None:
        """Judge the octets of a header; return it if it is whole (section 5.2)."""
        if not head:
            return None
        first = head[0]
        self._judge_first(first)
        if len(head) < 2:
            return None
        self._judge_second(first & 0x0F, head[1])
        length = head[1] & 0x7F
        used = 2
        if length > 125:
            used = 4 if length == 126 else 10
            if used == 10 and len(head) > 2 and head[2] & 0x80:
                raise errors.length_64_bits()
            if len(head) < used:
                return None
            length = int.from_bytes(head[2:used], "big")
            if length <= (125 if used == 4 else 0xFFFF):
                raise errors.length_not_minimal()
        if not first & CONTROL:
            self._judge_length(first, length)
        if not self._expect_masked:
            return Header(first, b"", used, length)
        if len(head) < used + 4:
            return None
        return Header(first, head[used : used + 4], used + 4, length)

    def _judge_first(self, first: int) -> None:
        opcode = first & 0x0F
        allowed = self._reserved_bits | (self._first_bits if opcode in (1, 2) else 0)
        if first & RSV & ~allowed:
            raise errors.reserved_bits(first, self._reserved_bits, self._first_bits)
        if opcode > 10 or 2 < opcode < 8:
            raise errors.reserved_opcode(opcode)
        if opcode & CONTROL:
            if not first & FIN:
                raise errors.fragmented_control(opcode)
        else:
            self._judge_sequence(opcode)

    def _judge_second(self, opcode: int, second: int) -> None:
        masked = bool(second & MASKED)
        if masked != self._expect_masked:
            raise errors.mask_bit(masked)
        if opcode & CONTROL:
            if second & 0x7F > 125:
                raise errors.long_control(opcode)
            if opcode == Opcode.CLOSE and second & 0x7F == 1:
                raise errors.short_close()

    def _judge_length(self, first: int, length: int) -> None:
        if length > self._max_frame_size:
            raise errors.frame_too_big(length, self._max_frame_size)

    # What the two decoders do differently.

    def _judge_sequence(self, opcode: int) -> None:
        """Judge a data frame by what came before it."""

    def _begin(self, frame: Header) -> None:
        """Prepare for the payload of a frame."""
        raise NotImplementedError

    def _take(self, frame: Header, payload: bytes) -> None:
        """Take the next octets, unmasked, of the payload."""
        raise NotImplementedError

    def _end(self, frame: Header, events: list[Any]) -> None:
        """Take note that the payload is whole."""
        raise NotImplementedError

    def _discard(self) -> None:
        """Let go of what a violation made useless."""
        raise NotImplementedError


class FrameDecoder(Receiver):
    """Decode frames from octets that arrive in any pieces (RFC 6455 section 5.2).

    Args:
        role: ``"server"`` if the frames come from a client and are masked, ``"client"``
            if they come from a server and are not.
        max_frame_size: the longest payload of a data frame, in octets; ``None`` for any.
        reserved_bits: the RSV bits that a negotiated extension uses, as they stand in
            the first octet: a union of 0x40 (RSV1), 0x20 and 0x10.
        payload: ``"bytes"``; or ``"memoryview"`` for payloads without a copy: read-only views
            of the ``bytes`` that were fed, which each keeps alive as a whole, wherever a
            frame is not masked and came in one piece; else of octets of their own.

    Raises:
        TypeError, ValueError: an argument is none of these.
    """

    def __init__(
        self,
        role: Literal["server", "client"],
        *,
        max_frame_size: int | None = _arguments.DEFAULT_MESSAGE_SIZE,
        reserved_bits: int = 0,
        payload: Literal["bytes", "memoryview"] = "bytes",
    ) -> None:
        super().__init__(role, _arguments.allowed_reserved_bits(reserved_bits), max_frame_size)
        self._wants_views = _arguments.wants_views(payload)
        self._payload = bytearray()

    def feed(self, data: Buffer, /) -> Iterator[Frame]:
        """Decode what arrived.

        Args:
            data: any C-contiguous buffer; it is not kept.

        Returns:
            An iterator over the frames that are now whole.  If the octets break the
            protocol it raises after the last frame before that.

        Raises:
            ProtocolError, MessageTooBig: an earlier call found it; from the iterator, this
                one did.
            TypeError: ``data`` is not a buffer.
            ValueError: it is not C-contiguous.
        """
        return self._feed(octets(data))

    def take_part(self) -> tuple[int, bool, bytes] | None:
        """Take what has arrived of the payload of an unfinished data frame.

        For those who hand on a payload as it arrives: the frame that ``feed`` yields when
        it is whole then has the rest.

        Returns:
            The opcode, FIN, and the octets, unmasked; ``None`` if there are none.
        """
        frame = self._frame
        if frame is None or frame.first & CONTROL or not self._payload:
            return None
        octets, self._payload = bytes(self._payload), bytearray()
        return Opcode(frame.opcode), bool(frame.first & FIN), octets

    def _begin(self, frame: Header) -> None:
        self._payload = bytearray()

    def _take(self, frame: Header, payload: bytes) -> None:
        self._payload += payload

    def _end(self, frame: Header, events: list[Any]) -> None:
        first = frame.first
        payload: bytes | memoryview = bytes(self._payload)
        if self._wants_views:
            payload = memoryview(payload)
        self._payload = bytearray()
        events.append(
            Frame(frame.opcode, payload, first & FIN, first & 0x40, first & 0x20, first & 0x10)  # type: ignore[arg-type] # truth values
        )

    def _discard(self) -> None:
        self._payload = bytearray()


def take_frame(
    data: bytes | bytearray, start: int, masked: bool, max_size: int, /
) -> tuple[int, bytes | bytearray, int, bool] | None:
    """Take the frame that begins at ``data[start]``, for peers that keep what they receive.

    Args:
        data: what was received.
        start: where the frame begins.
        masked: whether the frame must be masked.
        max_size: the most octets of payload.

    Returns:
        The first octet of the header, the payload, ``bytes`` if it was masked and else a
        ``bytearray``, where the frame ends, and whether it is a text message, whole and in
        UTF-8.  ``None`` unless a whole frame is there that breaks no rule.
    """
    judge = Receiver("server" if masked else "client", RSV, max_size)
    try:
        header = judge._judge(bytes(data[start : start + MAX_HEADER]))
    except errors.ProtocolViolation:
        return None
    if header is None or len(data) - start < header.octets + header.payload_length:
        return None
    end = start + header.octets + header.payload_length
    payload = bytes(data[start + header.octets : end])
    if masked:
        payload = xor(payload, header.key, 0)
    is_text = header.first == FIN | Opcode.TEXT and is_valid_utf8(payload)
    return header.first, payload if masked else bytearray(payload), end, is_text


def encode_frame(
    opcode: int,
    payload: Buffer | str,
    *,
    fin: bool = True,
    rsv1: bool = False,
    masking_key: Buffer | None = None,
) -> bytes:
    """Return a frame, header and payload (RFC 6455 section 5.2).

    Args:
        opcode: an ``Opcode`` or its number.
        payload: any C-contiguous buffer, or a ``str``, which is sent as UTF-8.  Octets
            are not validated: those of a text frame should be UTF-8.
        fin: whether it is the last fragment of its message.
        rsv1: whether to set RSV1, as extensions want it.
        masking_key: exactly 4 octets, from ``new_masking_key()``, for a client's frame;
            ``None`` for a server's, which is not masked.

    Raises:
        TypeError: the payload or the key is not a buffer.
        ValueError: there is no such opcode, a control frame would be fragmented or longer
            than 125 octets, a close frame would have 1 octet, the key is not 4 octets, a
            buffer is not C-contiguous, or the text has a lone surrogate
            (``UnicodeEncodeError``).
    """
    fin, rsv1 = bool(fin), bool(rsv1)
    body = payload.encode() if isinstance(payload, str) else octets(payload, "payload")
    number = _arguments.encodable_opcode(opcode, fin, len(body))
    key = b"" if masking_key is None else masking_key_octets(masking_key)
    return _encoded(number | (FIN if fin else 0) | (0x40 if rsv1 else 0), body, key)


def encode_frames(
    frames: Iterable[Frame | tuple[int, Buffer | str]], *, masked: bool = False
) -> bytes:
    """Return frames one after the other, for one write (RFC 6455 section 5.2).

    Args:
        frames: ``Frame`` objects; or pairs of an opcode and a payload, as ``encode_frame``
            takes them, for whole messages and control frames.
        masked: whether to mask each with a new key, as a client must.

    Raises:
        TypeError: one is neither, or its payload is no buffer.
        ValueError: as ``encode_frame`` does.
    """
    wire = []
    opcode: int
    payload: Buffer | str
    for item in frames:
        first = FIN
        if isinstance(item, Frame):
            opcode, payload = item.opcode, item.payload
            first = FIN * item.fin | 0x40 * item.rsv1 | 0x20 * item.rsv2 | 0x10 * item.rsv3
        elif isinstance(item, tuple) and len(item) == 2:
            opcode, payload = item
        else:
            raise _arguments.not_a_frame(item)
        body = payload.encode() if isinstance(payload, str) else octets(payload, "payload")
        number = _arguments.encodable_opcode(opcode, bool(first & FIN), len(body))
        wire.append(_encoded(first | number, body, new_masking_key() if masked else b""))
    return b"".join(wire)


def _encoded(first: int, body: bytes, key: bytes) -> bytes:
    masked = MASKED if key else 0
    length = len(body)
    if length <= 125:
        head = bytes((first, masked | length))
    elif length <= 0xFFFF:
        head = bytes((first, masked | 126)) + length.to_bytes(2, "big")
    else:
        head = bytes((first, masked | 127)) + length.to_bytes(8, "big")
    return head + key + (xor(body, key, 0) if key else body)
