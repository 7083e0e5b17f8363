"""What is received: from the bytes that arrive to aiohttp's queue of messages.

Our reader extends aiohttp's.  It takes messages in one frame out of what arrives; aiohttp's own
reader parses all other frames.  Text is validated as it arrives.

Invariant: messages, limits, errors and flow control are the same as aiohttp's, except that text
that is not UTF-8 is noticed at the invalid byte.
"""

from __future__ import annotations

import functools
from typing import Any

from ..._backend import MessageSink, Mould, validate_utf8
from ...errors import InvalidUTF8
from .._logging import address, log, message_in
from ._library import INVALID_TEXT, is_own

_GOES_ON, _FAILED = (False, b""), (True, b"")


def _room_in(queue: Any) -> int:
    """Return how many more bytes may wait in a queue of aiohttp's."""
    room: int = queue._limit - queue._size
    return room


def _invalid(error: Any, violation: InvalidUTF8) -> Any:
    """Add the wrong byte and the evidence to aiohttp's error."""
    error.args = error.args[0], f"{error.args[1]}: {violation.close_reason}"
    error.__cause__ = violation.with_traceback(None)
    return error


def _explain(error: Any) -> None:
    """Add the wrong byte and the evidence to an error of aiohttp's own reader."""
    cause = getattr(error, "__cause__", None)
    if type(cause) is UnicodeDecodeError and getattr(error, "code", None) == INVALID_TEXT:
        try:
            validate_utf8(cause.object)
        except InvalidUTF8 as violation:
            violation.__cause__ = cause
            _invalid(error, violation)


def _log(queue: Any, error: Any, message: bytes | None = None) -> None:
    """Log a 1007, with what the connection knows of the remote."""
    violation = error.__cause__
    if not isinstance(violation, InvalidUTF8):
        return
    protocol = getattr(queue, "_protocol", None)
    transport = getattr(protocol, "transport", None)
    request = getattr(protocol, "_current_request", None)  # a client has none
    stock = violation.__cause__  # of aiohttp's own reader, with the whole text
    log(
        violation,
        getattr(stock, "object", message),
        library="aiohttp",
        client=address(transport and transport.get_extra_info("peername")),
        path=getattr(request, "path", None),
        user_agent=request and request.headers.get("User-Agent"),
    )


def make_reader(role: str, original: Any) -> Any:
    if not is_own(original):
        return original
    from aiohttp import http_websocket as library
    from aiohttp._websocket import models

    error_type, kinds, message_type = library.WebSocketError, library.WSMsgType, library.WSMessage
    bytes_type = getattr(models, "WSMessageTextBytes", None)  # since 3.14, as decode_text is
    text = Mould(message_type, (kinds.TEXT, ..., ""))
    text_bytes = Mould(bytes_type, (kinds.TEXT, ..., ""))
    binary = Mould(message_type, (kinds.BINARY, ..., ""))
    feed_stock = original.feed_data

    def others(reader: Any, data: bytes) -> bool:
        failed: bool = feed_stock(reader, data)[0]
        return failed

    class WebSocketReader(original):  # type: ignore[misc] # aiohttp chooses the base at run time
        """aiohttp's reader, for the frames that the sink does not handle."""

        __slots__ = ("_over", "_sink", "_to")

        def __init__(
            self,
            queue: Any,
            max_msg_size: int,
            compress: bool = True,
            decode_text: bool = True,
        ) -> None:
            options = {"decode_text": decode_text} if bytes_type else {}
            super().__init__(queue, max_msg_size, compress, **options)
            room = None
            if hasattr(queue, "_stalled_reader"):  # since 3.14.4 the queue enforces its limit
                room = functools.partial(_room_in, queue)
            self._to, self._over = queue, False
            self._sink = MessageSink(
                role,
                max_msg_size - 1 if max_msg_size else None,
                text if decode_text else text_bytes,
                binary,
                queue.feed_data,
                others,
                decodes=decode_text,
                room=room,
            )

        def feed_data(self, data: Any) -> tuple[bool, bytes]:
            if self._over:
                return True, bytes(data)
            try:
                if self._sink.feed(data, self):
                    return _GOES_ON
                _explain(self._to.exception())
                _log(self._to, self._to.exception())
            except InvalidUTF8 as violation:
                error = error_type(INVALID_TEXT, "Invalid UTF-8 text message")
                self._to.set_exception(_invalid(error, violation))
                _log(self._to, error, message_in(data, violation, role))
            except Exception as error:  # noqa: BLE001 # as aiohttp's reader does
                self._to.set_exception(error)
            self._over = True
            return _FAILED

    WebSocketReader.__qualname__ = WebSocketReader.__name__
    return WebSocketReader
