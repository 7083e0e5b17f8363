"""Who is measured: the one list of libraries, for ``wsfast bench`` and for bench/.

A new library gets a line in ``LIBRARIES``, a function here for each kind of work that it does,
and a place in the extra ``bench`` of pyproject.toml.  bench/ enters more work in the same table:
what only makes sense there, or needs names that are not public.

A function prepares what can be prepared once a connection; what it returns is timed.  It imports
its library only when it is called.

Invariant: a contender that gives a wrong result is not timed.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, NamedTuple, TypeAlias, TypeVar

from .. import MessageDecoder, Opcode, apply_mask, decode_utf8, encode_frame, is_valid_utf8

OURS = "wsfast"
KEY = b"\x37\xfa\x21\x3d"
SCRIPTS = {
    "ascii": "The quick brown fox jumps over the lazy dog. ",
    "latin": "Zwölf große Boxkämpfer, très élégants, à Orléans. ",
    "cyrillic": "Съешь ещё этих мягких французских булок. ",
    "cjk": "吾輩は猫である。名前はまだ無い。",
    "emoji": "🙂🚀🌍🌕🎉🦊",
    "json": '{"id": 4711, "name": "Zoë", "city": "Köln", "text": "日本語 🙂", "ok": true}, ',
}


class Look(NamedTuple):
    """How a library is drawn: by colour and by marker, for print and for the colour-blind."""

    colour: str
    marker: str


# In the order of tables and legends.
LIBRARIES = {
    OURS: Look("#0b5fa5", "o"),
    "websockets": Look("#d1651a", "s"),
    "aiohttp": Look("#3d8f54", "^"),
    "picows": Look("#c2488f", "<"),
    "wsproto": Look("#8a6d3b", "D"),
    "autobahn": Look("#7d5ba6", "v"),
    "wsaccel": Look("#b0413e", "P"),
    "cpython": Look("#5f6b76", "X"),
}

Call: TypeAlias = Callable[..., Any]
Factory: TypeAlias = Callable[[], Call]
CONTENDERS: dict[str, dict[str, Factory]] = defaultdict(dict)  # by operation and library


class Wire(NamedTuple):
    """What arrives: text or binary messages, from a client (masked) or from a server."""

    text: bool = True
    masked: bool = True
    reads: bool = False  # in reads of 1 KiB, not all at once
    decoded: bool = True  # text to str, or to bytes where the library gives those

    @property
    def role(self) -> Literal["server", "client"]:
        return "server" if self.masked else "client"


Connect: TypeAlias = Callable[[Wire], Call]
CONNECTS: dict[str, Connect] = {}
_F = TypeVar("_F", bound=Callable[..., Any])


def row(operation: str, library: str) -> Callable[[_F], _F]:
    """Enter a function as what ``library`` does for ``operation``."""

    def enter(factory: _F) -> _F:
        CONTENDERS[operation][library] = factory
        return factory

    return enter


def connects(library: str) -> Callable[[Connect], Connect]:
    """Enter a function as how ``library`` receives what a wire brings: bytes to messages."""

    def enter(connect: Connect) -> Connect:
        CONNECTS[library] = connect
        CONTENDERS["receive"][library] = partial(connect, Wire())
        return connect

    return enter


# Masking into new bytes: f(data) -> (function, *arguments), ready to be called.


@row("mask", OURS)
def _() -> Call:
    return lambda data: (apply_mask, data, KEY)


@row("mask", "websockets")
def _() -> Call:
    from websockets import frames

    theirs: Any = vars(frames)["apply_mask"]  # from C if it has its C part, as it runs itself
    return lambda data: (theirs, data, KEY)


@row("mask", "aiohttp")
def _() -> Call:
    from aiohttp._websocket.helpers import websocket_mask

    def mask(data: bytes) -> bytearray:
        copy = bytearray(data)  # it masks in place
        websocket_mask(KEY, copy)
        return copy

    return lambda data: (mask, data)


@row("mask", "wsproto")
def _() -> Call:
    from wsproto.frame_protocol import XorMaskerSimple

    return lambda data: (lambda payload: XorMaskerSimple(KEY).process(payload), bytearray(data))


@row("mask", "wsaccel")
def _() -> Call:
    from wsaccel.xormask import XorMaskerSimple

    return lambda data: (lambda payload: XorMaskerSimple(KEY).process(payload), data)


# UTF-8: f(data) says whether it is well-formed, or returns the text.


@row("validate", OURS)
def _() -> Call:
    return is_valid_utf8


@row("validate", "cpython")
def _() -> Call:
    return bytes.decode


@row("validate", "wsaccel")
def _() -> Call:
    from wsaccel.utf8validator import Utf8Validator

    validate: Call = Utf8Validator().validate
    return validate


@row("decode", OURS)
def _() -> Call:
    return decode_utf8


@row("decode", "cpython")
def _() -> Call:
    return bytes.decode


def accepted(text: bytes, result: object) -> bool:
    """Tell whether a result says "well-formed": True, or first in a tuple, or the text itself."""
    first = result[0] if isinstance(result, tuple) else result
    return first is True or first == text.decode()


# Messages: f(data) -> what the library gives its user for them.


@connects(OURS)
def _(wire: Wire) -> Call:
    decoder: Any = MessageDecoder(wire.role, max_message_size=None)
    return lambda data: [event.data for event in decoder.feed(data)]


@connects("websockets")
def _(wire: Wire) -> Call:
    from websockets.protocol import Protocol, Side, State

    side = Side.SERVER if wire.masked else Side.CLIENT
    protocol: Any = Protocol(side, state=State.OPEN, max_size=None)

    def receive(data: bytes) -> list[bytes]:
        protocol.receive_data(data)
        return [frame.data for frame in protocol.events_received()]

    def receive_text(data: bytes) -> list[str]:
        protocol.receive_data(data)
        return [frame.data.decode() for frame in protocol.events_received()]

    return receive_text if wire.text and wire.decoded else receive


@connects("aiohttp")
def _(wire: Wire) -> Call:
    from aiohttp._websocket.reader import WebSocketDataQueue, WebSocketReader
    from aiohttp.base_protocol import BaseProtocol

    loop = asyncio.new_event_loop()
    loop.close()  # the queue needs one, but never runs it
    # The queue pauses reading at twice this limit, which it keeps in 32 bits: never, in effect.
    queue = WebSocketDataQueue(BaseProtocol(loop), 2**31 - 1, loop=loop)
    reader = WebSocketReader(queue, 0, False, True)

    def receive(data: bytes) -> list[Any]:
        reader.feed_data(data)
        # Not with the queue's own read(): a coroutine, which would take more time per message.
        messages = [message.data for message, _ in queue._buffer]
        queue._buffer.clear()
        return messages

    return receive


@connects("wsproto")
def _(wire: Wire) -> Call:
    from wsproto.connection import Connection, ConnectionType

    connection: Any = Connection(ConnectionType.SERVER if wire.masked else ConnectionType.CLIENT)
    join: Any = "".join if wire.text else b"".join
    pieces: list[Any] = []

    def receive(data: bytes) -> list[Any]:
        connection.receive_data(data)
        messages = []
        for event in connection.events():
            pieces.append(event.data)
            if event.message_finished:
                messages.append(join(pieces))
                pieces.clear()
        return messages

    return receive


# What ``wsfast bench`` measures of that.


@dataclass(frozen=True)
class Operation:
    """One kind of work: its input made of a text, what a right result is, who does it."""

    title: str
    contenders: dict[str, Factory]
    is_right: Callable[[bytes, object], bool]
    prepare: Callable[[bytes], bytes] = lambda text: text
    bind: Callable[[Call, bytes], tuple[Any, ...]] = lambda call, data: (call, data)
    in_one_call: Callable[[int], int] = lambda size: 1  # how many texts of that size


def text_of(script: str, size: int) -> bytes:
    """Return well-formed text of exactly ``size`` bytes, filled up with ASCII.

    A short one may be all ASCII where its script begins so: the first 16 bytes of ``json`` are.
    """
    text = SCRIPTS[script]
    data = (text * (size // len(text.encode()) + 1)).encode()[:size]
    whole = data.decode("utf-8", "ignore").encode()
    return whole + b"." * (size - len(whole))


def _messages_a_read(size: int) -> int:
    """Return how many messages a server under load finds in one read."""
    return max(1, min(32, 65_536 // max(size, 1)))


def _read(text: bytes) -> bytes:
    frame = encode_frame(Opcode.TEXT, text, masking_key=KEY)
    return frame * _messages_a_read(len(text))


def masked_by_byte(data: bytes) -> bytes:
    """Mask byte by byte, as RFC 6455 section 5.3 describes it, without any library."""
    return bytes(byte ^ KEY[i % 4] for i, byte in enumerate(data))


OPERATIONS = {
    "mask": Operation(
        "mask into new bytes",
        CONTENDERS["mask"],
        lambda text, result: result == masked_by_byte(text),
        bind=lambda call, data: call(data),
    ),
    "validate": Operation("validate UTF-8", CONTENDERS["validate"], accepted),
    "decode": Operation(
        "UTF-8 to str", CONTENDERS["decode"], lambda text, result: result == text.decode()
    ),
    "receive": Operation(
        "masked text messages to str",
        CONTENDERS["receive"],
        lambda text, result: result == [text.decode()] * _messages_a_read(len(text)),
        _read,
        in_one_call=_messages_a_read,
    ),
}


def made(operation: str, library: str) -> Call | None:
    """Return what ``library`` does for ``operation``, ``None`` if it is not installed."""
    factory = OPERATIONS[operation].contenders[library]
    try:
        return factory()
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != library:
            raise
        return None
