"""What the protocol of websockets receives: its parser, which all its connections share.

Whole frames are taken out of what was received in C; a frame that breaks a rule is left to
``Frame.parse``.  Text is validated as its frames arrive.

Invariant: between two messages the parser waits in ``frames``, and what it has not used is
in the reader's buffer.
"""

from __future__ import annotations

import functools
from types import CodeType
from typing import Any

from ... import InvalidUTF8, Utf8Validator, validate_utf8
from ..._backend import take_frame
from .._logging import violation_in
from ._library import (
    ANY_DATA,
    ANY_SIZE,
    Limits,
    breaks_parsing,
    frame_size,
    innermost,
)
from ._logging import log

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Buffer


class _Text:
    """Validates text messages as their frames come in."""

    def __init__(self) -> None:
        self._validator: Utf8Validator | None = None  # of a message that is under way

    def take(self, begins: bool, fin: bool, payload: Buffer) -> None:
        """Take the payload of a data frame; ``begins`` tells the first of a text message.

        Raises:
            InvalidUTF8: no text goes on like that.
        """
        if begins and fin:
            validate_utf8(payload)
            return
        if begins:
            self._validator = Utf8Validator()
        if (validator := self._validator) is not None:
            validator.feed(payload)
            if fin:
                self._validator = None
                validator.finish()


def _put_back(reader: Any, received: Any, at: int) -> Any:
    """Leave in the reader's buffer what comes from ``at`` on, and nothing else; return it."""
    if received is reader.buffer:
        del received[:at]
    else:
        with memoryview(received) as view:
            reader.buffer += view[at:]
    return reader.buffer


class _Library:
    """What ``_frames`` needs of the version of websockets that is installed."""

    def __init__(self, stock_parse: Any, is_set: Callable[[], bool]) -> None:
        from websockets import frames, protocol

        self.frame = frames.Frame
        self.opcodes = {opcode.value: opcode for opcode in frames.Opcode}
        self.server = protocol.SERVER
        self.limits = Limits(protocol.Protocol)
        self.stock_parse, self.is_set = stock_parse, is_set


def _frames(self: Any, library: _Library) -> Any:
    """Hand frames to ``recv_frame`` as they arrive; raise what is wrong with one."""
    opcodes, limits, make_frame = library.opcodes, library.limits, library.frame
    reader, masked = self.reader, self.side is library.server
    text, at = _Text(), 0
    received: Any = reader.buffer  # or what receive_data() handed over, until it is used up
    while True:
        if at == len(received):
            received, at = _put_back(reader, received, at), 0
            while not received:
                if reader.eof:
                    if self.debug:
                        self.logger.debug("< EOF")
                    raise EOFError("unexpected end of stream")
                if limits.under_way(self) is None and not library.is_set():
                    yield from library.stock_parse(self)
                    return
                received = (yield) or reader.buffer
        most = limits.room(self)
        size = ANY_SIZE if most is None else most
        taken = None if breaks_parsing() else take_frame(received, at, masked, size)
        if taken is not None and not (taken[0] & 8 and len(taken[1]) > size):
            first, payload, at, is_text = taken
            frame = make_frame(opcodes[first & 0x0F], payload, first > 0x7F)
            if first & 0x70:
                frame.rsv1, frame.rsv2 = first & 0x40 != 0, first & 0x20 != 0
                frame.rsv3 = first & 0x10 != 0
            for extension in reversed(self.extensions):
                frame = extension.decode(frame, max_size=most)
            if first & 0x70:
                frame.check()
        else:
            is_text = False
            received, at = _put_back(reader, received, at), 0
            if not reader.eof and frame_size(received, ANY_DATA, masked, size) >= 0:
                received = (yield) or reader.buffer  # others may have emptied the buffer
                continue
            frame = yield from make_frame.parse(
                reader.read_exact, mask=masked, max_size=most, extensions=self.extensions
            )
        if self.debug:
            self.logger.debug("< %s", frame)
        opcode = frame.opcode
        if is_text:
            pass
        elif opcode == 0 or (opcode == 1 and limits.under_way(self) is None):
            try:
                text.take(opcode == 1, frame.fin, frame.data)
            except InvalidUTF8 as violation:
                log(self, violation, frame.data if opcode == 1 else None)
                raise
        elif opcode == 8:
            # recv_frame() discards what is in the reader then: let it be there.
            received, at = _put_back(reader, received, at), 0
        self.recv_frame(frame)


FRAMES: CodeType = _frames.__code__  # what our parser runs while it waits for a frame


def make_parse(original: Any) -> Any:
    """Make the parser of a protocol."""
    from websockets.exceptions import PayloadTooBig, ProtocolError
    from websockets.frames import CloseCode
    from websockets.protocol import Protocol

    library = _Library(original, lambda: Protocol.parse is parse)
    limits = library.limits
    tells_size = hasattr(PayloadTooBig, "set_current_size")

    @functools.wraps(original)
    def parse(self: Any) -> Any:
        try:
            yield from _frames(self, library)
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
            log(self, violation_in(b"\x03\xe8" + error.object, close=True))
        except PayloadTooBig as error:
            if tells_size:
                error.set_current_size(limits.under_way(self))
            self.fail(CloseCode.MESSAGE_TOO_BIG, str(error))
            self.parser_exc = error
        except Exception as error:  # as websockets does: it goes into parser_exc
            self.logger.error("parser failed", exc_info=True)
            self.fail(CloseCode.INTERNAL_ERROR)
            self.parser_exc = error
        yield  # fail() has put discard() in the place of this parser

    return parse


def make_receive_data(original: Any) -> Any:
    """Make what hands over to the parser what arrived."""

    @functools.wraps(original)
    def receive_data(self: Any, data: Any) -> None:
        # Without a copy, if the parser waits for just that.
        if type(data) is bytes and not self.reader.buffer and not self.reader.eof:
            parser = self.parser
            if innermost(parser).gi_code is FRAMES:
                parser.send(data)
                return
        original(self, data)

    return receive_data
