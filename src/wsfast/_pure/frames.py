"""Frames (RFC 6455 section 5): decode and encode, one at a time.

Invariant: a header field is judged with the byte that completes it, before any
payload is kept; a payload is unmasked as it arrives, and nothing is allocated for
bytes that a header only announces.
"""

from __future__ import annotations

from .. import _arguments, errors
from .._buffers import masking_key_bytes, payload_bytes
from .._limits import DEFAULT_MESSAGE_SIZE
from .._record import Record
from ..opcodes import Opcode
from .mask import new_masking_key, xor
from .receiver import CONTROL, FIN, MASKED, MAX_HEADER, RSV, Header, Receiver
from .utf8 import is_valid_utf8

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, Literal

    from typing_extensions import Buffer

__all__ = ["Frame", "FrameDecoder", "encode_frame", "encode_frames", "take_frame"]


class Frame(Record):
    """One frame as it was received (RFC 6455 section 5.2).

    Attributes:
        opcode: an ``Opcode``.
        payload: its bytes, unmasked.
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


class FrameDecoder(Receiver):
    """A decoder of single frames, from bytes cut anywhere (RFC 6455 section 5.2).

    Args:
        role: ``"server"`` if the frames come from a client and are masked, ``"client"``
            if they come from a server and are not.
        max_frame_size: the longest payload of a data frame, in bytes; ``None`` for no limit.
        reserved_bits: the RSV bits that a negotiated extension uses, as in the first byte
            of a frame: 0x40 (RSV1), 0x20, 0x10, or a union of them.
        payload: ``"bytes"``, or ``"memoryview"`` to avoid copies.  If a frame is unmasked and
            arrived in one piece, its payload is then a read-only view of the ``bytes`` that
            were fed, and keeps all of them alive.  Otherwise it is a view of a copy.

    Raises:
        TypeError, ValueError: an argument has the wrong type or value.
    """

    def __init__(
        self,
        role: Literal["server", "client"],
        *,
        max_frame_size: int | None = DEFAULT_MESSAGE_SIZE,
        reserved_bits: int = 0,
        payload: Literal["bytes", "memoryview"] = "bytes",
    ) -> None:
        rules = _arguments.FrameRules(role, max_frame_size, reserved_bits, payload)
        super().__init__(rules.masked, rules.max_frame_size, rules.reserved_bits)
        self._wants_views = rules.wants_views

    if TYPE_CHECKING:

        def __next__(self) -> Frame: ...

    def take_part(self) -> tuple[int, bool, bytes] | None:
        """Take the part of an unfinished data frame's payload that has arrived.

        Use it to pass a payload on while it arrives.  When the frame is complete, ``feed``
        yields it with the rest of its payload.

        Returns:
            The opcode, FIN, and the bytes, unmasked; ``None`` if there are none.
        """
        frame = self._frame
        if frame is None or frame.first & CONTROL or not self._arrived:
            return None
        part = Opcode(frame.opcode), bool(frame.first & FIN), bytes(self._arrived)
        empty = bytearray()
        self._arrived = empty  # the last step, so that nothing can stop it halfway
        return part

    def _begin(self, frame: Header) -> None:
        self._discard()

    def _take(self, frame: Header, payload: bytes) -> None:
        self._arrived += payload

    def _end(self, frame: Header) -> None:
        first = frame.first
        payload: bytes | memoryview = bytes(self._arrived)
        if self._wants_views:
            payload = memoryview(payload)
        self._discard()
        self._put(
            Frame(frame.opcode, payload, first & FIN, first & 0x40, first & 0x20, first & 0x10)  # type: ignore[arg-type] # truth values
        )


def take_frame(
    data: bytes | bytearray, start: int, masked: bool, max_size: int, decodes: bool = False, /
) -> tuple[int, Any, int, bool] | None:
    """Decode the frame that begins at ``data[start]``, for libraries that buffer what arrives.

    Args:
        data: what was received.
        start: where the frame begins.
        masked: whether the frame must be masked.
        max_size: the longest payload, in bytes.
        decodes: whether the payload of a whole text message in valid UTF-8 is a ``str``, if
            that takes at most twice as many bytes: the sender of a text must not decide how
            much it grows while it waits.

    Returns:
        The first byte of the header; the payload, ``bytes`` if it was masked, otherwise a
        ``bytearray``, unless it was decoded; where the frame ends; and whether it is a whole
        text message in valid UTF-8.  ``None`` if the frame is incomplete or breaks a rule.
    """
    judge = Receiver(masked, max_size, RSV)
    try:
        header = judge._judge(bytes(data[start : start + MAX_HEADER]))
    except errors.ProtocolViolation:
        return None
    if header is None or len(data) - start < header.size + header.payload_length:
        return None
    end = start + header.size + header.payload_length
    payload = bytes(data[start + header.size : end])
    if masked:
        payload = xor(payload, header.key, 0)
    is_text = header.first == FIN | Opcode.TEXT and is_valid_utf8(payload)
    if is_text and decodes:
        text = payload.decode()
        if max(text, default="") <= "\uffff" or len(text) <= len(payload) // 2:
            return header.first, text, end, True
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
        payload: any C-contiguous buffer, or a ``str``, which is sent as UTF-8.  Bytes
            are not validated: in a text frame they should be UTF-8.
        fin: whether it is the last fragment of its message.
        rsv1: whether to set RSV1, which marks a compressed message.
        masking_key: for a client's frame exactly 4 bytes, from ``new_masking_key()``;
            for a server's, which is not masked, ``None``.

    Raises:
        TypeError: the payload or the key is not a buffer.
        ValueError: the opcode is unknown, a control frame would be fragmented or longer
            than 125 bytes, a close frame would have 1 byte, the key is not 4 bytes, a
            buffer is not C-contiguous, or the text has a lone surrogate
            (``UnicodeEncodeError``).
    """
    fin, rsv1 = bool(fin), bool(rsv1)
    body = payload_bytes(payload)
    number = _arguments.encodable_opcode(opcode, fin, len(body))
    key = b"" if masking_key is None else masking_key_bytes(masking_key)
    return _encoded(number | (FIN if fin else 0) | (0x40 if rsv1 else 0), body, key)


def encode_frames(
    frames: Iterable[Frame | tuple[int, Buffer | str]], *, masked: bool = False
) -> bytes:
    """Return several frames as bytes, for one write (RFC 6455 section 5.2).

    Args:
        frames: ``Frame`` objects; or, for whole messages and control frames, pairs of an
            opcode and a payload, as ``encode_frame`` takes them.
        masked: whether to mask each with a new key, as a client must.

    Raises:
        TypeError: one of them is neither, or its payload is not a buffer.
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
        body = payload_bytes(payload)
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
