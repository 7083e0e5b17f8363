"""Who is measured by ``wsfast bench``: the same work, as each installed library does it.

A factory prepares what can be prepared once a connection; what it returns is timed.

Invariant: a contender that gives a wrong result is not timed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .. import MessageDecoder, Opcode, apply_mask, decode_utf8, encode_frame, is_valid_utf8

OURS = "wsfast"
KEY = b"\x37\xfa\x21\x3d"
SCRIPTS = {
    "ascii": "The quick brown fox jumps over the lazy dog. ",
    "latin": "Zwölf große Boxkämpfer, très élégants, à Orléans. ",
    "cyrillic": "Съешь ещё этих мягких французских булок. ",
    "cjk": "吾輩は猫である。名前はまだ無い。",
    "emoji": "🙂🚀🌍🌕🎉🦊",
}

Call = Callable[[bytes], object]
Factory = Callable[[], Call]


@dataclass(frozen=True)
class Operation:
    """One kind of work: its input made of a text, what is a right result, who does it how."""

    title: str
    prepare: Callable[[bytes], bytes]
    is_right: Callable[[bytes, object], bool]
    contenders: dict[str, Factory]
    in_one_call: Callable[[int], int] = lambda size: 1  # how many texts of that size


def text_of(script: str, size: int) -> bytes:
    """Return well-formed text of exactly ``size`` octets, filled up with ASCII."""
    text = SCRIPTS[script]
    octets = (text * (size // len(text.encode()) + 1)).encode()[:size]
    whole = octets.decode("utf-8", "ignore").encode()
    return whole + b"." * (size - len(whole))


def _as_is(text: bytes) -> bytes:
    return text


def _messages_a_read(size: int) -> int:
    """Return how many messages a server under load finds in one read."""
    return max(1, min(32, 65_536 // max(size, 1)))


def _read(text: bytes) -> bytes:
    frame = encode_frame(Opcode.TEXT, text, masking_key=KEY)
    return frame * _messages_a_read(len(text))


def _masked_by_octet(data: bytes) -> bytes:
    """Mask as RFC 6455 section 5.3 writes it, by no library's code."""
    return bytes(octet ^ KEY[i % 4] for i, octet in enumerate(data))


def _mask_ours() -> Call:
    return lambda data: apply_mask(data, KEY)


def _mask_websockets() -> Call:
    from websockets import frames

    theirs: Any = vars(frames)["apply_mask"]  # from C if it has its C part, as it runs itself
    return lambda data: theirs(data, KEY)


def _mask_aiohttp() -> Call:
    from aiohttp._websocket.helpers import websocket_mask

    def mask(data: bytes) -> bytearray:
        copy = bytearray(data)  # it masks in place
        websocket_mask(KEY, copy)
        return copy

    return mask


def _mask_wsproto() -> Call:
    from wsproto.frame_protocol import XorMaskerSimple

    return lambda data: XorMaskerSimple(KEY).process(bytearray(data))


def _mask_wsaccel() -> Call:
    from wsaccel.xormask import XorMaskerSimple

    return lambda data: XorMaskerSimple(KEY).process(data)


def _validate_wsaccel() -> Call:
    from wsaccel.utf8validator import Utf8Validator

    return lambda data: Utf8Validator().validate(data)[0]


def _receive_ours() -> Call:
    decoder: Any = MessageDecoder("server", max_message_size=None)
    return lambda wire: [event.data for event in decoder.feed(wire)]


def _receive_websockets() -> Call:
    from websockets.protocol import State
    from websockets.server import ServerProtocol

    protocol: Any = ServerProtocol(state=State.OPEN, max_size=None)

    def receive(wire: bytes) -> list[str]:
        protocol.receive_data(wire)
        return [bytes(frame.data).decode() for frame in protocol.events_received()]

    return receive


def _receive_aiohttp() -> Call:
    from aiohttp._websocket.reader import WebSocketDataQueue, WebSocketReader
    from aiohttp.base_protocol import BaseProtocol

    loop = asyncio.new_event_loop()
    loop.close()  # it is only asked for, never run
    queue = WebSocketDataQueue(BaseProtocol(loop), 2**31 - 1, loop=loop)
    reader = WebSocketReader(queue, 0, False, True)

    def receive(wire: bytes) -> list[str]:
        reader.feed_data(wire)
        texts = [message.data for message, _ in queue._buffer]
        queue._buffer.clear()
        return texts

    return receive


def _receive_wsproto() -> Call:
    from wsproto.connection import Connection, ConnectionType

    connection: Any = Connection(ConnectionType.SERVER)

    def receive(wire: bytes) -> list[str]:
        connection.receive_data(wire)
        return [event.data for event in connection.events()]

    return receive


OPERATIONS = {
    "mask": Operation(
        "mask into new octets",
        _as_is,
        lambda text, result: result == _masked_by_octet(text),
        {
            OURS: _mask_ours,
            "websockets": _mask_websockets,
            "aiohttp": _mask_aiohttp,
            "wsproto": _mask_wsproto,
            "wsaccel": _mask_wsaccel,
        },
    ),
    "validate": Operation(
        "validate UTF-8",
        _as_is,
        lambda text, result: result is True or result == text.decode(),
        {
            OURS: lambda: is_valid_utf8,
            "cpython": lambda: bytes.decode,
            "wsaccel": _validate_wsaccel,
        },
    ),
    "decode": Operation(
        "UTF-8 to str",
        _as_is,
        lambda text, result: result == text.decode(),
        {OURS: lambda: decode_utf8, "cpython": lambda: bytes.decode},
    ),
    "receive": Operation(
        "masked text messages to str",
        _read,
        lambda text, result: result == [text.decode()] * _messages_a_read(len(text)),
        {
            OURS: _receive_ours,
            "websockets": _receive_websockets,
            "aiohttp": _receive_aiohttp,
            "wsproto": _receive_wsproto,
        },
        _messages_a_read,
    ),
}


def made(operation: str, peer: str) -> Call | None:
    """Return what ``peer`` does for ``operation``, ``None`` if it is not installed."""
    factory: Any = OPERATIONS[operation].contenders[peer]
    try:
        call: Call = factory()
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != peer:
            raise
        return None
    return call
