"""Decode a captured stream frame by frame, and say what each is and what is wrong.

RFC 6455 section 5; RFC 7692 for compressed messages.

Invariant: the judgement is that of ``FrameDecoder`` and ``MessageDecoder``; this module only
adds where in the capture each frame is, and what can't be judged from a capture.  Nothing
comes after the first violation.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .. import (
    Binary,
    Close,
    Frame,
    FrameDecoder,
    InvalidUTF8,
    MessageDecoder,
    MessageTooBig,
    Opcode,
    ProtocolViolation,
    Text,
    apply_mask,
)
from .._inflater import Inflater
from ..deflate import Deflate
from ..diagnosis import Diagnosis, diagnose
from ._captures import Stream

MAX_MESSAGE = 64 << 20  # bytes; a compressed one may be a thousand times as long as its frame


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
class Unjudged:
    """What can't be judged from here on, and why."""

    offset: int
    why: str


def analyse(stream: Stream, show_payload: bool) -> Iterator[FrameSeen | Seen | Fault | Unjudged]:
    """Yield the frames of a stream, after each what it completes, and last any violation."""
    analyser = _Analyser(stream, show_payload)
    try:
        yield from analyser.run()
    except ProtocolViolation as violation:
        yield analyser.fault(violation)


class _Tap:
    """An inflater that keeps what it inflated of the message under way, for the diagnosis."""

    def __init__(self, inflater: Inflater) -> None:
        self._inflater = inflater
        self.payload = bytearray()

    def pieces(self, data: bytes, room: int) -> Iterator[bytes]:
        for piece in self._inflater.pieces(data, room):
            self.payload += piece
            yield piece

    def end(self, room: int) -> Iterator[bytes]:
        for piece in self._inflater.end(room):
            self.payload += piece
            yield piece


class _Blind(_Tap):
    """An inflater for messages whose window is not in the capture: it inflates nothing."""

    def pieces(self, data: bytes, room: int) -> Iterator[bytes]:
        return iter(())

    def end(self, room: int) -> Iterator[bytes]:
        return iter(())


class _Tapped(Deflate):
    """A ``Deflate`` that gives the decoder an inflater which keeps its output."""

    def __init__(self, stream: Stream) -> None:
        super().__init__(stream.role, stream.parameters)
        takes_over = stream.parameters is None or (
            not stream.parameters.client_no_context_takeover
            if stream.role == "server"
            else not stream.parameters.server_no_context_takeover
        )
        self.blind = stream.middle and takes_over
        self.tap = (_Blind if self.blind else _Tap)(super().inflater())

    def inflater(self) -> Any:
        return self.tap


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
        deflate = _Tapped(stream)
        self._blind = deflate.blind and stream.deflate
        self._inflated = deflate.tap.payload
        self._messages = MessageDecoder(
            stream.role,
            text="bytes",
            max_message_size=MAX_MESSAGE,
            max_retained=4 * MAX_MESSAGE,
            deflate=deflate if stream.deflate else None,
        )
        self._payload = bytearray()  # of the data frames of the message under way
        self._in_message = False
        self._at = 0  # where the frame under way begins
        self._skipping = stream.middle  # the rest of a message that began before
        self._compressed = False  # whether the message under way is
        self._not_inflated = 0  # messages
        self._closed = False
        self._complete_last = False  # whether the frame at ``_at`` is in ``_payload`` already

    def run(self) -> Iterator[FrameSeen | Seen | Unjudged]:
        data = self._stream.data
        try:
            for frame in self._frames.feed(data):
                size = self._size(frame)
                wire = data[self._at : self._at + size]
                yield FrameSeen(self._stream.start + self._at, frame, self._masked)
                yield from self._take(frame, wire)
                self._at += size
        except ProtocolViolation:
            # The decoder of messages may have found another before, in the same bytes.
            if not self._skipping:
                yield from self._feed(data[self._at :])
            if not self._closed:
                raise
        yield from self._end(data[self._at :])

    def _end(self, left: bytes) -> Iterator[Seen | Unjudged]:
        if self._not_inflated:
            yield Unjudged(
                self._stream.start,
                f"{self._not_inflated} compressed messages can't be inflated, since they "
                "refer to messages before this capture; record the connection from its start",
            )
        if self._closed:
            if left:
                yield Seen("the capture has bytes after the close frame, which are ignored")
            return
        if left and not left[0] & 0x08 and left[0] & 0x0F:
            self._compressed = bool(left[0] & 0x40)
        if not (self._skipping and left and left[0] & 0x0F == 0):
            yield from self._feed(left)
        if left:
            yield Seen(f"the capture ends inside a frame, after {len(left)} bytes of it")
        elif self._in_message:
            yield Seen("the capture ends inside a message")

    def fault(self, violation: ProtocolViolation) -> Fault | Unjudged:
        """Return the violation with what is known of it."""
        at = self._stream.start + self._at
        if isinstance(violation, MessageTooBig):
            return Unjudged(at, f"a message has more than {MAX_MESSAGE} bytes, the limit here")
        if not self._stream.sure:
            return Unjudged(at, f"it is not certain that these are frames: {violation}")
        if isinstance(violation, InvalidUTF8):
            payload = bytes(self._inflated) or bytes(self._payload) + self._partial()
            diagnosis = diagnose(payload, show_payload=self._show)
            if diagnosis.offset != violation.offset:  # it is in the reason of a close frame
                diagnosis = violation.diagnosis(show_payload=self._show)
            return Fault(at, violation, diagnosis)
        if self._stream.assumed and self._compressed:
            return Unjudged(
                at,
                "a message is marked as compressed (RSV1), but it does not decompress, and the "
                "handshake, which would say how, is not in this capture; say what was negotiated "
                "with --deflate, or use --deflate none",
            )
        return Fault(at, violation)

    def _size(self, frame: Frame) -> int:
        """Return the bytes of a frame; a length is always in its shortest form."""
        length = len(frame.payload)
        return 2 + (0 if length < 126 else 2 if length < 65536 else 8) + 4 * self._masked + length

    def _partial(self) -> bytes:
        """Return the payload, as far as it is there, of a data frame that is not whole."""
        wire = self._stream.data[self._at :]
        if len(wire) < 2 or wire[0] & 0x08 or self._complete_last:
            return b""
        header = 2 + {126: 2, 127: 8}.get(wire[1] & 0x7F, 0)
        if not self._masked:
            return wire[header:]
        key = wire[header : header + 4]
        return apply_mask(wire[header + 4 :], key) if len(key) == 4 else b""

    def _take(self, frame: Frame, wire: bytes) -> Iterator[Seen]:
        data = frame.opcode < Opcode.CLOSE
        if data and self._skipping:
            self._skipping = frame.opcode == Opcode.CONTINUATION and not frame.fin
            if frame.opcode == Opcode.CONTINUATION:
                return
        if data:
            if frame.opcode != Opcode.CONTINUATION:
                self._compressed = frame.rsv1
            self._payload += frame.payload
            self._in_message = self._complete_last = True
        yield from self._feed(wire)
        if data and frame.fin:
            self._not_inflated += self._compressed and self._blind
            self._payload.clear()
            self._inflated.clear()
            self._in_message = self._compressed = False
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
