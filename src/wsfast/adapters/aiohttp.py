"""aiohttp: what its WebSockets receive and send, on servers and clients.

Our reader extends aiohttp's.  It takes messages in one frame out of what arrives, and puts
them into aiohttp's queue; aiohttp's own reader parses all other frames.  Text is validated
as it arrives, and the close frame of a 1007 names the wrong byte.  While more messages wait
for the application, what it sends is gathered.

Invariant: messages, limits, errors, flow control and frames are the same as aiohttp's, except
that text that is not UTF-8 is noticed at the invalid byte.  A call bypasses aiohttp's code only
while every name that this code would have used is unchanged: set by aiohttp or by this module.
"""

from __future__ import annotations

import functools
from operator import attrgetter
from types import FunctionType
from typing import Any

from .._backend import (
    MessageSink,
    Mould,
    encode_frame,
    encode_utf8,
    mask_with,
    new_masking_key,
    validate_utf8,
)
from ..errors import InvalidUTF8
from ._gathering import Gathered
from ._logging import address, log, message_in
from ._replacing import Peer, Seam

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

TEXT, BINARY, INVALID_TEXT = 1, 2, 1007
_GOES_ON, _FAILED = (False, b""), (True, b"")


def is_own(found: Any) -> bool:
    """Return whether a class or function is aiohttp's or ours, not another program's wrapper."""
    if isinstance(found, type):
        name = found.__module__
    elif type(found) is FunctionType:
        name = found.__globals__.get("__name__", "")
    else:
        return False
    return name == __name__ or name.startswith("aiohttp.")


def own(kind: Any, *names: str) -> list[Any]:
    """Return the attributes of a class, to compare with ``is``.

    One that is neither aiohttp's nor ours is replaced by a new object, identical to nothing.
    """
    held = [getattr(kind, name, None) for name in names]
    return [found if found is None or is_own(found) else object() for found in held]


# What is received.


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


def _make_reader(role: str, original: Any) -> Any:
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

    class WebSocketReader(original):  # type: ignore[misc]
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
                room = lambda: queue._limit - queue._size  # noqa: E731
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


def _make_anext(find: Callable[[], Any], timeout: str, original: Any) -> Any:
    """Return an ``__anext__``; ``timeout`` is the attribute with the time limit on receiving."""
    if not is_own(original):
        return original
    from aiohttp._websocket.reader import WebSocketDataQueue as queue_type
    from aiohttp.http_websocket import WSMsgType

    text, binary, timeout_of = WSMsgType.TEXT, WSMsgType.BINARY, attrgetter(timeout)
    (receive,) = own(find(), "receive")

    @functools.wraps(original)
    async def __anext__(self: Any) -> Any:
        queue = self._reader
        if (
            type(queue) is queue_type
            and (waiting := queue._buffer)
            and ((kind := waiting[0][0][0]) is text or kind is binary)
            and not (self._waiting or self._closed or self._closing or timeout_of(self))
            and getattr(self.receive, "__func__", None) is receive
        ):
            return await queue.read()  # doesn't wait: there is a message
        return await original(self)

    return __anext__


def _make_close(original: Any) -> Any:
    """Return a ``close`` that names the wrong byte in the close frame of a 1007."""

    @functools.wraps(original)
    async def close(self: Any, *, code: int = 1000, message: Any = b"", **options: Any) -> Any:
        if code == INVALID_TEXT and not message and self._reader is not None:
            violation = getattr(self._reader.exception(), "__cause__", None)
            if isinstance(violation, InvalidUTF8):
                message = encode_utf8(violation.close_reason)
        return await original(self, code=code, message=message, **options)

    return close


# What is sent.


class _Held(Gathered):
    """The frames that an aiohttp writer holds back.

    It takes the place of the writer's method that writes a frame, so that whatever aiohttp
    writes next goes out after these frames.
    """

    __slots__ = ("_name", "_writer")

    def __init__(self, writer: Any, name: str) -> None:
        super().__init__()
        self._writer, self._name = writer, name
        setattr(writer, name, self)

    def __call__(self, *arguments: Any) -> None:
        self.write()
        getattr(self._writer, self._name)(*arguments)

    def write(self) -> None:
        """Write the frames, and put the writer's method back."""
        frames, transport = self.leave(), self._writer.transport
        if frames and not transport.is_closing():
            transport.write(frames)

    def leave(self, last: bytes = b"") -> bytes:
        """Put the writer's method back; return the bytes of all frames, and of one more."""
        if vars(self._writer).get(self._name) is self:
            delattr(self._writer, self._name)
        return self.take(last)


def _hand_over(writer: Any, frame: bytes, held: _Held | None, name: str) -> bool:
    """Write a frame or hold it; return whether there is now too much to send."""
    protocol = writer.protocol
    size = writer._output_size + len(frame)
    full = size > writer._limit
    try:
        messages = protocol._payload_parser._to._buffer
    except AttributeError:  # not our reader
        messages = ()
    if messages and name and not (full or protocol._paused):
        if held is None:
            held = _Held(writer, name)
        if held.can_hold(len(frame)):
            writer._output_size = size
            held.hold(frame)
            if not held.flush_is_due:
                held.flush_is_due = True
                protocol._loop.call_soon(held.write)
            return False
        frame = held.take(frame)
    elif held is not None:
        frame = held.leave(frame)
    writer.transport.write(frame)
    writer._output_size = 0 if full else size
    paused: bool = full and protocol._paused
    return paused


def _make_write() -> Any:
    """Return a function that writes a message in one frame, unless aiohttp has to."""
    from aiohttp._websocket import helpers
    from aiohttp._websocket import writer as library

    kind, pack_bits = library.WebSocketWriter, helpers.PACK_RANDBITS
    random_bits = (kind.__init__.__kwdefaults__ or {})["random"].getrandbits
    name = "_write_websocket_frame"  # since 3.13
    gathers = hasattr(kind, name)
    (method,) = own(kind, name := name if gathers else "close")

    def write(writer: Any, opcode: int, payload: Any) -> bool | None:
        """Write or hold a frame; return whether there is now too much to send.

        ``None`` if aiohttp has to write the message.
        """
        if type(writer) is not kind or writer.compress or writer._closing:
            return None
        held = getattr(writer, name)
        if type(held) is not _Held:
            if getattr(held, "__func__", None) is not method:
                return None
            held = None
        if writer.transport.is_closing():
            return None
        if writer.use_mask:
            bits = writer.get_random_bits
            own_bits = getattr(bits, "func", None) == random_bits
            key = new_masking_key() if own_bits else pack_bits(bits())
            frame = encode_frame(opcode, payload, masking_key=key)
        else:
            frame = encode_frame(opcode, payload)
        return _hand_over(writer, frame, held, name if gathers else "")

    return write


def _make_send_frame(original: Any) -> Any:
    if not is_own(original):
        return original
    from aiohttp._websocket.helpers import MSG_SIZE as longest  # it joins header and payload

    write = _make_write()

    @functools.wraps(original)
    async def send_frame(self: Any, message: Any, opcode: int, compress: int | None = None) -> None:
        paused = None
        if (
            opcode in (TEXT, BINARY)
            and not compress
            and (type(message) is bytes or type(message) is bytearray)
            and (self.use_mask or len(message) <= longest)
        ):
            paused = write(self, opcode, message)
        if paused is None:
            await original(self, message, opcode, compress)
        elif paused:
            await self.protocol._drain_helper()

    return send_frame


def _make_send_str(original: Any) -> Any:
    if not is_own(original):
        return original
    from aiohttp._websocket.writer import WebSocketWriter

    write, (send_frame,) = _make_write(), own(WebSocketWriter, "send_frame")

    @functools.wraps(original)
    async def send_str(self: Any, data: str, compress: int | None = None) -> None:
        writer, paused = self._writer, None
        if (
            type(data) is str
            and not compress
            and writer is not None
            and getattr(writer.send_frame, "__func__", None) is send_frame
        ):
            paused = write(writer, TEXT, data)
        if paused is None:
            await original(self, data, compress)
        elif paused:
            await writer.protocol._drain_helper()

    return send_str


# The names that are replaced.


def _server() -> Any:
    from aiohttp.web_ws import WebSocketResponse

    return WebSocketResponse


def _client() -> Any:
    from aiohttp.client_ws import ClientWebSocketResponse

    return ClientWebSocketResponse


def _of_socket(module: str, kind: str, find: Callable[[], Any], timeout: str) -> list[Seam]:
    """Return the seams in the class of one end."""
    return [
        Seam(
            module,
            f"{kind}.__anext__",
            functools.partial(_make_anext, find, timeout),
            "returns a waiting message at once",
        ),
        Seam(module, f"{kind}.send_str", _make_send_str, "encodes text straight into its frame"),
        Seam(module, f"{kind}.close", _make_close, "names the invalid byte in a 1007"),
    ]


_READS = "makes whole messages in C, validates text as it arrives"

PEER = Peer(
    "aiohttp",
    ("3.11", "3.15"),
    [
        Seam(
            "aiohttp._websocket.writer",
            "websocket_mask",
            lambda _: mask_with,
            "masks in C",
        ),
        Seam(
            "aiohttp._websocket.writer",
            "WebSocketWriter.send_frame",
            _make_send_frame,
            "writes messages in C, unless they are to be compressed",
        ),
        Seam(
            "aiohttp.web_ws", "WebSocketReader", functools.partial(_make_reader, "server"), _READS
        ),
        *_of_socket("aiohttp.web_ws", "WebSocketResponse", _server, "_receive_timeout"),
        Seam(
            "aiohttp.client", "WebSocketReader", functools.partial(_make_reader, "client"), _READS
        ),
        *_of_socket("aiohttp.client_ws", "ClientWebSocketResponse", _client, "_timeout.ws_receive"),
    ],
    [
        (
            "aiohttp.compression_utils.ZLibDecompressor",
            "compressed messages: zlib takes the time, nothing to gain",
        )
    ],
)
