"""Decode a captured stream frame by frame, and say what each is and what is wrong.

RFC 6455 section 5; RFC 7692 for compressed messages.

Invariant: the judgement is that of the decoders and of ``Inflater``; here is only
where in the capture each frame stands.  Nothing comes after the first violation.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from .. import (
    Binary,
    Close,
    Frame,
    FrameDecoder,
    InvalidUTF8,
    MessageDecoder,
    Opcode,
    ProtocolError,
    ProtocolViolation,
    Text,
    apply_mask,
    encode_frame,
)
from ..deflate import Inflater
from ..diagnosis import Diagnosis, diagnose
from ._captures import Stream

MAX_MESSAGE = 256 << 20  # octets; what a capture may hold, it may hold in one message


@dataclass
class FrameSeen:
    """A frame, and where it begins in the capture of its direction."""

    offset: int
    frame: Frame
    masked: bool


@dataclass
class Seen:
    """Something that the frames made up: a message, or the end of the capture."""

    kind: str
    payload: bytes = b""
    close: Close | None = None


@dataclass
class Fault:
    """A violation, the offset of its frame, and for a bad text where it came from."""

    offset: int
    violation: ProtocolViolation
    diagnosis: Diagnosis | None = None


@dataclass
class _Message:
    """The data frames of the message under way."""

    payload: bytearray = field(default_factory=bytearray)
    compressed: bool = False
    opcode: int = 0


def analyse(stream: Stream, show_payload: bool) -> Iterator[FrameSeen | Seen | Fault]:
    """Yield the frames of a stream, after each what it completes, and last any violation."""
    analyser = _Analyser(stream, show_payload)
    try:
        yield from analyser.run()
    except ProtocolViolation as violation:
        yield analyser.fault(violation)


class _Analyser:
    def __init__(self, stream: Stream, show_payload: bool) -> None:
        self._stream = stream
        self._show = show_payload
        self._masked = stream.role == "server"
        self._frames = FrameDecoder(
            stream.role,
            max_frame_size=None,
            reserved_bits=0x40 if stream.deflate else 0,
        )
        self._messages = MessageDecoder(
            stream.role, text="bytes", max_message_size=MAX_MESSAGE, max_retained=4 * MAX_MESSAGE
        )
        self._message = _Message()
        self._inflater = Inflater(zlib, zlib.MAX_WBITS, takes_over=stream.takeover)
        self._at = 0  # where the frame under way begins
        self._closed = False
        self._complete_last = False  # whether the frame at ``_at`` is in ``_message`` already

    def run(self) -> Iterator[FrameSeen | Seen]:
        octets = self._stream.octets
        try:
            for frame in self._frames.feed(octets):
                size = self._size(frame)
                wire = octets[self._at : self._at + size]
                yield FrameSeen(self._stream.start + self._at, frame, self._masked)
                yield from self._take(frame, wire)
                self._at += size
        except ProtocolViolation:
            # The decoder of messages may have found another before, in the same octets.
            yield from self._rest(octets[self._at :])
            raise
        yield from self._rest(octets[self._at :])
        left = len(octets) - self._at
        if left and not self._closed:
            yield Seen(f"the capture ends inside a frame, after {left} octets of it")
        elif self._message.opcode and not self._closed:
            yield Seen("the capture ends inside a message")

    def fault(self, violation: ProtocolViolation) -> Fault:
        """Return the violation with what is known of it."""
        diagnosis = None
        if isinstance(violation, InvalidUTF8):
            payload = bytes(self._message.payload) + self._partial()
            diagnosis = diagnose(payload, show_payload=self._show)
            if diagnosis.offset != violation.offset:  # it is in the reason of a close frame
                diagnosis = violation.diagnosis(show_payload=self._show)
        return Fault(self._stream.start + self._at, violation, diagnosis)

    def _size(self, frame: Frame) -> int:
        """Return the octets of a frame; a length is always in its shortest form."""
        length = len(frame.payload)
        return 2 + (0 if length < 126 else 2 if length < 65536 else 8) + 4 * self._masked + length

    def _partial(self) -> bytes:
        """Return the payload, as far as it is there, of a data frame that is not whole."""
        wire = self._stream.octets[self._at :]
        if len(wire) < 2 or wire[0] & 0x08 or self._complete_last:
            return b""
        header = 2 + {126: 2, 127: 8}.get(wire[1] & 0x7F, 0)
        if not self._masked:
            return wire[header:]
        key = wire[header : header + 4]
        return apply_mask(wire[header + 4 :], key) if len(key) == 4 else b""

    def _take(self, frame: Frame, wire: bytes) -> Iterator[Seen]:
        if frame.opcode < Opcode.CLOSE:
            self._message.payload += frame.payload
            self._message.opcode = self._message.opcode or int(frame.opcode)
            self._complete_last = True
            if frame.rsv1:
                if frame.opcode == Opcode.CONTINUATION or len(self._message.payload) > len(
                    frame.payload
                ):
                    raise ProtocolError("RSV1 set, but not on the first frame of a message")
                self._message.compressed = True
            if self._message.compressed:
                if frame.fin:
                    yield from self._feed(self._inflated())
                    self._message = _Message()
                self._complete_last = False
                return
        yield from self._feed(wire)
        if frame.opcode < Opcode.CLOSE and frame.fin:
            self._message = _Message()
        self._complete_last = False

    def _feed(self, wire: bytes) -> Iterator[Seen]:
        for event in self._messages.feed(wire):
            if isinstance(event, Text):
                data: Any = event.data
                yield Seen("text message", bytes(data))
            elif isinstance(event, Binary):
                yield Seen("binary message", bytes(event.data))
            elif isinstance(event, Close):
                self._closed = True
                yield Seen("close", close=event)

    def _rest(self, wire: bytes) -> Iterator[Seen]:
        if not self._message.compressed and not (wire and wire[0] & 0x40):
            yield from self._feed(wire)

    def _inflated(self) -> bytes:
        """Return the message as one frame that is not compressed (RFC 7692 section 7.2.2)."""
        compressed = bytes(self._message.payload)
        self._message.payload = payload = bytearray()
        for piece in chain(
            self._inflater.pieces(compressed, MAX_MESSAGE), self._inflater.end(MAX_MESSAGE)
        ):
            payload += piece
            if len(payload) > MAX_MESSAGE:  # the decoder of messages will say so
                break
        key = b"\0\0\0\0" if self._masked else None
        return encode_frame(self._message.opcode, payload, masking_key=key)
