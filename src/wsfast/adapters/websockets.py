"""websockets: what its connections, whatever they run on, receive and send.

``Protocol.parse`` takes whole frames out of what was received in C; a frame that is not
whole yet, or breaks a rule, is left to ``Frame.parse``.  Text is validated as it arrives.

Invariant: frames, limits, errors and log lines are those of websockets, but for text that
is not UTF-8: that is found with its frame, and the reason has its place in the message.
"""

from __future__ import annotations

from typing import Any

from .. import InvalidUTF8, Utf8Validator, encode_frame, new_masking_key, validate_utf8
from .._backend import take_frame
from ._seams import Peer, Seam

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing_extensions import Buffer

_ANY_SIZE = 2**63 - 1


class _Text:
    """Validate the text messages of one connection as their frames come in."""

    def __init__(self) -> None:
        self._validator = Utf8Validator()
        self._under_way = False

    def take(self, text: bool, fin: bool, octets: Buffer) -> None:
        """Take the payload of a data frame; ``text`` tells a text frame.

        Raises:
            InvalidUTF8: no text goes on like that.
        """
        if text and fin:
            validate_utf8(octets)
            return
        if text:
            self._validator.reset()
            self._under_way = True
        if self._under_way:
            self._validator.feed(octets)
            if fin:
                self._under_way = False
                self._validator.finish()


def _parse(original: Any) -> Any:
    from websockets.exceptions import PayloadTooBig, ProtocolError
    from websockets.frames import CloseCode, Frame, Opcode
    from websockets.protocol import SERVER

    opcodes: Any = tuple(Opcode(i) if i in Opcode._value2member_map_ else None for i in range(16))
    text_frame, continuation, close_frame = Opcode.TEXT, Opcode.CONT, Opcode.CLOSE

    def frames(self: Any) -> Any:
        """Hand frames to ``recv_frame`` as they arrive; raise what is wrong with one."""
        reader, masked = self.reader, self.side is SERVER
        text, at = _Text(), 0
        received: Any = reader.buffer  # or what receive_data() handed over, until it is used up
        while True:
            most = _room(self)
            taken = take_frame(received, at, masked, _ANY_SIZE if most is None else most)
            if taken is not None:
                first, payload, at, is_text = taken
                frame = Frame(opcodes[first & 0x0F], payload, first > 0x7F)
                if first & 0x70:
                    frame.rsv1, frame.rsv2 = first & 0x40 != 0, first & 0x20 != 0
                    frame.rsv3 = first & 0x10 != 0
                for extension in reversed(self.extensions):
                    frame = extension.decode(frame, max_size=most)
                if first & 0x70:
                    frame.check()
            else:
                is_text = False
                # What is left is no frame, or not one that take_frame knows.
                _put_back(reader, received, at)
                received, at = reader.buffer, 0
                if not received:
                    received = yield from _more(self, reader)
                    continue
                frame = yield from Frame.parse(
                    reader.read_exact, mask=masked, max_size=most, extensions=self.extensions
                )
            if self.debug:
                self.logger.debug("< %s", frame)
            opcode = frame.opcode
            if is_text:
                pass
            elif opcode is continuation or (opcode is text_frame and self.current_size is None):
                text.take(opcode is text_frame, frame.fin, frame.data)
            elif opcode is close_frame:
                # recv_frame() discards what is in the reader then: let it be there.
                _put_back(reader, received, at)
                received, at = reader.buffer, 0
            self.recv_frame(frame)

    def parse(self: Any) -> Any:
        """Parse what arrives into frames, until the connection ends."""
        try:
            yield from frames(self)
        except ProtocolError as error:
            self.fail(CloseCode.PROTOCOL_ERROR, str(error))
            self.parser_exc = error
        except EOFError as error:
            self.fail(CloseCode.ABNORMAL_CLOSURE, str(error))
            self.parser_exc = error
        except InvalidUTF8 as violation:
            self.fail(CloseCode.INVALID_DATA, violation.close_reason)
            self.parser_exc = violation
        except UnicodeDecodeError as error:  # in the reason of a close frame
            self.fail(CloseCode.INVALID_DATA, f"{error.reason} at position {error.start}")
            self.parser_exc = error
        except PayloadTooBig as error:
            error.set_current_size(self.current_size)
            self.fail(CloseCode.MESSAGE_TOO_BIG, str(error))
            self.parser_exc = error
        except Exception as error:  # as websockets does: it goes into parser_exc
            self.logger.error("parser failed", exc_info=True)
            self.fail(CloseCode.INTERNAL_ERROR)
            self.parser_exc = error
        yield  # fail() has put discard() in the place of this parser

    return parse


def _put_back(reader: Any, received: Any, at: int) -> None:
    """Leave in the reader's buffer what comes from ``at`` on, and nothing else."""
    if received is reader.buffer:
        del received[:at]
    else:
        reader.buffer += memoryview(received)[at:]


def _more(protocol: Any, reader: Any) -> Any:
    """Wait until something arrives; return it, or the reader's buffer if that holds it.

    Raises:
        EOFError: nothing more will come.
    """
    while not reader.buffer:
        if reader.eof:
            if protocol.debug:
                protocol.logger.debug("< EOF")
            raise EOFError("unexpected end of stream")
        protocol.wsfast_waits = protocol.parser  # until fail() puts another in its place
        yield
        protocol.wsfast_waits = None
        handed_over = protocol.__dict__.pop("wsfast_data", None)
        if handed_over is not None:
            return handed_over
    return reader.buffer


def _receive_data(original: Any) -> Any:
    def receive_data(self: Any, data: Any) -> None:
        """Hand over what arrived without a copy, if the parser waits for just that."""
        if type(data) is bytes and self.__dict__.get("wsfast_waits") is self.parser:
            self.wsfast_data = data
            next(self.parser)
        else:
            original(self, data)

    return receive_data


def _room(protocol: Any) -> int | None:
    """Return how many octets the payload of the next frame may have."""
    most: int | None = protocol.max_message_size
    if most is not None and protocol.current_size is not None:
        most -= protocol.current_size
    if protocol.max_fragment_size is None:
        return most
    limit: int = protocol.max_fragment_size
    return limit if most is None else min(most, limit)


def _serialize(original: Any) -> Any:
    def serialize(self: Any, *, mask: bool, extensions: Any = None) -> Any:
        """Return the frame as octets; control frames as websockets writes them."""
        if self.opcode > 7 or self.rsv1 or self.rsv2 or self.rsv3:
            return original(self, mask=mask, extensions=extensions)
        frame = self
        for extension in extensions or ():
            frame = extension.encode(frame)
        if frame.rsv2 or frame.rsv3:
            return original(self, mask=mask, extensions=extensions)
        return encode_frame(
            frame.opcode,
            frame.data,
            fin=frame.fin,
            rsv1=frame.rsv1,
            masking_key=new_masking_key() if mask else None,
        )

    return serialize


PEER = Peer(
    "websockets",
    ("16.0", "18"),
    [
        Seam("websockets.protocol", "Protocol.parse", _parse, "parses frames in C, validates text"),
        Seam(
            "websockets.protocol",
            "Protocol.receive_data",
            _receive_data,
            "hands over without a copy",
        ),
        Seam("websockets.frames", "Frame.serialize", _serialize, "writes data frames in C"),
    ],
    [
        ("websockets.frames.apply_mask", "C already, and no longer asked for whole frames"),
        ("websockets.legacy.protocol.WebSocketCommonProtocol", "deprecated: frame by frame"),
    ],
)
