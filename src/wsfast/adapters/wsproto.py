"""wsproto, and so hypercorn, trio-websocket and uvicorn's wsproto mode.

This replaces the masker, the frame decoder, the decoding of text, what a control frame does to
a compressed message and, in ``Connection.events``, the state in which a violation leaves the
connection.

Invariant: the events are those of wsproto: a payload is handed on as it arrives, in the
same pieces, with the same flags.  If an extension is in use, wsproto parses the frames.
Between any two calls, a connection may change over to wsproto's own code or to ours: what is
known about a message is kept where wsproto keeps it.
"""

from __future__ import annotations

from collections import deque
from typing import Any

from .. import FrameDecoder as OurDecoder
from .. import InvalidUTF8, ProtocolViolation, Utf8Validator, apply_mask, decode_utf8
from ._logging import log
from ._replacing import Peer, Seam


class XorMaskerSimple:
    """A masker of a payload in pieces; each begins where the one before ended."""

    __slots__ = ("_masking_key", "_offset")

    def __init__(self, masking_key: bytes | bytearray) -> None:
        self._masking_key = masking_key
        self._offset = 0

    def process(self, data: bytes | bytearray) -> bytearray:
        """Return the bytes masked, or unmasked."""
        masked = bytearray(apply_mask(data, self._masking_key, self._offset))
        self._offset = (self._offset + len(masked)) & 3
        return masked


def _frame_decoder(original: Any) -> Any:
    from wsproto.frame_protocol import CloseReason, Frame, Opcode, ParseFailed

    opcodes = tuple(Opcode(i) if i in Opcode._value2member_map_ else None for i in range(16))
    make, continuation = tuple.__new__, Opcode.CONTINUATION

    class _FrameDecoder(original):  # type: ignore[misc] # its type is not known
        """Parse frames in C; with extensions, as wsproto does."""

        def __init__(self, client: bool, extensions: list[Any] | None = None) -> None:
            super().__init__(client, extensions)
            self.wsfast_frames: deque[Any] = deque()  # received, and not yet asked for
            self._violation: ProtocolViolation | None = None  # what comes after these
            self._inside = False  # whether a part of the current frame was handed on
            self.wsfast: Any = None
            if not self.extensions:
                self.wsfast = OurDecoder("client" if client else "server", max_frame_size=None)

        def receive_bytes(self, data: bytes) -> None:
            if self.wsfast is None:
                super().receive_bytes(data)
                return
            try:
                for frame in self.wsfast.feed(data):
                    self.wsfast_frames.append(frame)
            except ProtocolViolation as violation:
                self._violation = violation

        def process_buffer(self) -> Any:
            if self.wsfast is None:
                return super().process_buffer()
            if self.wsfast_frames:
                frame = self.wsfast_frames.popleft()
                opcode = opcodes[frame.opcode]
                if self._inside:
                    opcode, self._inside = continuation, False
                return make(Frame, (opcode, frame.payload, True, frame.fin))
            if self._violation is not None:
                raise ParseFailed(str(self._violation), CloseReason(self._violation.close_code))
            part = self.wsfast.take_part()
            if part is None:
                return None
            opcode, fin, payload = part
            opcode = continuation if self._inside else opcodes[opcode]
            self._inside = True
            return make(Frame, (opcode, payload, False, fin))

    _FrameDecoder.__name__ = _FrameDecoder.__qualname__ = "FrameDecoder"
    return _FrameDecoder


def _log(violation: InvalidUTF8, payload: Any = None) -> None:
    log(violation, payload, library="wsproto")  # the host knows the address


class _NotUTF8(UnicodeDecodeError):
    """Raised when text is not UTF-8; says what the violation says, with its place."""

    def __init__(self, violation: InvalidUTF8) -> None:
        super().__init__("utf-8", b"", 0, 1, violation.close_reason)

    def __str__(self) -> str:
        return self.reason


def _incremental_decoder(original: Any) -> Any:
    class Decoder:
        """A decoder of one text message, which validates each piece as it comes."""

        def __init__(self) -> None:
            self._validator = Utf8Validator()
            self._theirs = original("utf-8")()

        def decode(self, data: bytes, final: bool = False) -> Any:
            try:
                self._validator.feed(data)
                if final:
                    self._validator.finish()
            except InvalidUTF8 as violation:
                _log(violation)
                raise _NotUTF8(violation) from None
            return self._theirs.decode(data, final)

    def getincrementaldecoder(encoding: str) -> Any:
        return Decoder if encoding == "utf-8" else original(encoding)

    return getincrementaldecoder


def _process_frame(original: Any) -> Any:
    from wsproto.frame_protocol import CloseReason, Frame, Opcode, ParseFailed

    text, make = Opcode.TEXT, tuple.__new__
    invalid = CloseReason.INVALID_FRAME_PAYLOAD_DATA

    def process_frame(self: Any, frame: Any) -> Any:
        """Decode a text that comes in one piece; leave the others to wsproto."""
        opcode, payload, frame_finished, message_finished = frame
        if not (opcode is text and self.opcode is None and frame_finished and message_finished):
            return original(self, frame)
        try:
            return make(Frame, (text, decode_utf8(payload), True, True))
        except InvalidUTF8 as violation:
            _log(violation, payload)
            raise ParseFailed(violation.close_reason, invalid) from None

    return process_frame


def _received_frames(original: Any) -> Any:
    from wsproto.frame_protocol import Opcode

    close = Opcode.CLOSE

    def received_frames(self: Any) -> Any:
        """Yield frames; after a close frame or a violation, none.

        wsproto ends its own generator then.  It is ended here too, so that whether it has
        ended is true for wsproto's code and ours.
        """
        decoder, messages, theirs = self._frame_decoder, self._message_decoder, self._parse_more
        if getattr(decoder, "wsfast", None) is None:
            yield from original(self)
            return
        while theirs.gi_frame is not None:
            try:
                frame = decoder.process_buffer()
                if frame is None:
                    return
                opcode = frame[0]
                if opcode is close:
                    frame = self._process_close(frame)
                    theirs.close()
                elif opcode < 8:
                    frame = messages.process_frame(frame)
            except BaseException:
                theirs.close()
                raise
            yield frame

    return received_frames


def _frame_inbound_header(original: Any) -> Any:
    from wsproto.frame_protocol import Opcode

    continuation = Opcode.CONTINUATION

    def frame_inbound_header(self: Any, proto: Any, opcode: Any, rsv: Any, size: int) -> Any:
        """Remember whether a message is compressed, as an int where wsproto has a bool.

        wsproto forgets it at a control frame between fragments.  If that happened before
        wsproto was accelerated, what isn't UTF-8 may be compressed text.
        """
        known = self._inbound_compressed is not None
        result = original(self, proto, opcode, rsv, size)
        if opcode is continuation:
            if not known:
                proto.wsfast_forgot = True
        elif opcode.iscontrol():
            if not known:
                self._inbound_compressed = None
        else:
            self._inbound_compressed = int(self._inbound_compressed)
            proto.wsfast_forgot = False
        return result

    return frame_inbound_header


def _frame_inbound_complete(original: Any) -> Any:
    def frame_inbound_complete(self: Any, proto: Any, fin: bool) -> Any:
        """End a frame; a control frame doesn't end the message that it came in the middle of."""
        if not self._inbound_is_compressible and type(self._inbound_compressed) is int:
            return None
        return original(self, proto, fin)

    return frame_inbound_complete


def _events(original: Any) -> Any:
    from wsproto.connection import ConnectionState
    from wsproto.events import BytesMessage, CloseConnection, Ping, Pong, TextMessage
    from wsproto.frame_protocol import CloseReason, Opcode, ParseFailed

    invalid = CloseReason.INVALID_FRAME_PAYLOAD_DATA
    kinds: dict[int, Any] = {
        Opcode.TEXT: TextMessage,
        Opcode.BINARY: BytesMessage,
        Opcode.PING: lambda payload, *_: Ping(payload),
        Opcode.PONG: lambda payload, *_: Pong(payload),
    }
    opened, ours = ConnectionState.OPEN, ConnectionState.LOCAL_CLOSING
    theirs, closed = ConnectionState.REMOTE_CLOSING, ConnectionState.CLOSED
    close = Opcode.CLOSE

    def events(self: Any) -> Any:
        """Yield events; a violation leaves the connection closing, for hosts to answer.

        wsproto's hosts send a close frame only if the remote is closing, and wsproto
        itself leaves the state as it was.
        """
        while self._events:
            yield self._events.popleft()
        try:
            for opcode, payload, frame_finished, message_finished in self._proto.received_frames():
                if opcode is close:
                    self._state = closed if self._state is ours else theirs
                    yield CloseConnection(*payload)
                else:
                    yield kinds[opcode](payload, frame_finished, message_finished)
        except ParseFailed as violation:
            forgot = getattr(self._proto._frame_decoder, "wsfast_forgot", False)
            if self._state is opened and not (forgot and violation.code is invalid):
                self._state = theirs
            yield CloseConnection(code=violation.code, reason=str(violation))

    return events


PEER = Peer(
    "wsproto",
    ("1.0", "1.4"),
    [
        Seam("wsproto.frame_protocol", "XorMaskerSimple", lambda _: XorMaskerSimple, "masks in C"),
        Seam("wsproto.frame_protocol", "FrameDecoder", _frame_decoder, "parses frames in C"),
        Seam(
            "wsproto.frame_protocol",
            "getincrementaldecoder",
            _incremental_decoder,
            "names the byte of a fragmented text that is not UTF-8",
        ),
        Seam(
            "wsproto.frame_protocol",
            "MessageDecoder.process_frame",
            _process_frame,
            "decodes text in C, and names the byte that is not UTF-8",
        ),
        Seam(
            "wsproto.frame_protocol",
            "FrameProtocol.received_frames",
            _received_frames,
            "parses all frames of a read in one loop",
        ),
        Seam(
            "wsproto.extensions",
            "PerMessageDeflate.frame_inbound_header",
            _frame_inbound_header,
            "remembers that a message is compressed when a ping comes between its fragments",
            pure=True,
        ),
        Seam(
            "wsproto.extensions",
            "PerMessageDeflate.frame_inbound_complete",
            _frame_inbound_complete,
            "inflates a message that has a ping between its fragments",
            pure=True,
        ),
        Seam(
            "wsproto.connection",
            "Connection.events",
            _events,
            "lets servers send the close frame after a violation",
            pure=True,
        ),
    ],
)
