"""What is measured of libraries that can be accelerated: what each does for one message.

There is a function for each library and direction.  It gets the payload of a text message and
returns a call that receives the message, writes it, or masks it.  The call returns the text or
the payload (or a list of them, all that one read brings), the bytes of the frame, or the
masked bytes.

Invariant: wsfast is only called here to make what is received; the stock library and the
accelerated one get new objects.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, TypeAlias

import wsfast
from bench_frames import frames_for
from message_peers import FakeTransport
from peers import contender
from samples import KEY

Call: TypeAlias = Callable[[], Any]
Make: TypeAlias = Callable[[bytes], Call]

MAKERS: dict[tuple[str, str], Make] = {}


def measured(peer: str, direction: str) -> Callable[[Make], Make]:
    """Enter a function as what ``peer`` does in a direction."""

    def enter(make: Make) -> Make:
        MAKERS[peer, direction] = make
        return make

    return enter


def masked(payload: bytes) -> bytes:
    return wsfast.encode_frame(wsfast.Opcode.TEXT, payload, masking_key=KEY)


def unmasked(payload: bytes) -> bytes:
    return wsfast.encode_frame(wsfast.Opcode.TEXT, payload)


class Tape:
    """Be a stream that gives the same bytes again and again."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def read(self, size: int) -> bytes:
        part = self._data[self._at : self._at + size]
        self._at = (self._at + len(part)) % len(self._data)
        return part


# Receiving: masked, as servers do, where the peer is one.


def _received(peer: str) -> Make:
    """Take a read of many messages."""

    def make(payload: bytes) -> Call:
        decode = contender("messages as they are given", peer)
        wire = masked(payload) * frames_for(len(payload))
        return lambda: decode(wire)

    return make


for _peer in ("websockets", "wsproto", "autobahn"):
    measured(_peer, "receive")(_received(_peer))


@measured("ws4py", "receive")
def _(payload: bytes) -> Call:
    from ws4py.streaming import Stream

    stream, wire = Stream(), masked(payload)

    def receive() -> bytes:
        stream.parser.send(wire)
        message, stream.message = stream.message, None
        return bytes(message.data)

    return receive


@measured("gevent-websocket", "receive")
def _(payload: bytes) -> Call:
    from geventwebsocket.websocket import WebSocket

    stream = SimpleNamespace(read=Tape(masked(payload)).read, write=None)
    return WebSocket({}, stream, SimpleNamespace(logger=None)).receive  # type: ignore[no-any-return]


@measured("websocket-client", "receive")
def _(payload: bytes) -> Call:
    from websocket import WebSocket

    client = WebSocket()
    client.connected = True
    client.frame_buffer.recv = Tape(unmasked(payload)).read
    return client.recv  # type: ignore[no-any-return]


@measured("lomond", "receive")
def _(payload: bytes) -> Call:
    from lomond.frame_parser import ClientFrameParser

    parser, wire = ClientFrameParser(parse_headers=False), unmasked(payload)
    return lambda: [frame.payload for frame in parser.feed(wire)]


# Sending: masked, as clients do.


@measured("websockets", "send")
def _(payload: bytes) -> Call:
    from websockets.frames import Frame, Opcode

    return lambda: Frame(Opcode.TEXT, payload).serialize(mask=True)


@measured("wsproto", "send")
def _(payload: bytes) -> Call:
    from wsproto.connection import Connection, ConnectionType
    from wsproto.events import TextMessage

    connection, event = Connection(ConnectionType.CLIENT), TextMessage(payload.decode())
    return lambda: connection.send(event)


@measured("autobahn", "mask")
def _(payload: bytes) -> Call:
    from autobahn.websocket import protocol

    def send() -> bytes:
        return bytes(protocol.create_xor_masker(KEY, len(payload)).process(payload))

    return send


@measured("aiohttp", "send")
def _(payload: bytes) -> Call:
    from aiohttp._websocket.writer import WebSocketWriter
    from aiohttp.base_protocol import BaseProtocol

    loop = asyncio.new_event_loop()
    loop.close()  # it is only asked for, never run
    transport = FakeTransport()
    writer = WebSocketWriter(BaseProtocol(loop), transport, use_mask=True, limit=2**62)

    def send() -> bytes:
        transport.written = b""
        try:
            writer.send_frame(payload, 1).send(None)
        except StopIteration:
            return transport.written
        raise AssertionError("it waited")

    return send


@measured("websocket-client", "send")
def _(payload: bytes) -> Call:
    from websocket import ABNF

    return lambda: ABNF.create_frame(payload, ABNF.OPCODE_TEXT).format()


@measured("ws4py", "send")
def _(payload: bytes) -> Call:
    from ws4py.messaging import TextMessage

    return lambda: TextMessage(payload).single(mask=True)


@measured("lomond", "send")
def _(payload: bytes) -> Call:
    from lomond.frame import Frame
    from lomond.opcode import Opcode

    return lambda: Frame.build(Opcode.TEXT, payload, mask=True)


@measured("tornado", "mask")
def _(payload: bytes) -> Call:
    from tornado import websocket

    return lambda: websocket._websocket_mask(KEY, payload)


def checked(make: Make, payload: bytes, direction: str) -> tuple[Call, int]:
    """Make the call, and see that it does what it should; return it, and for how many.

    Raises:
        ModuleNotFoundError: the peer is not installed.
        AssertionError: it gave something else.
    """
    call, messages = make(payload), [b""]
    for _ in range(2):  # the second message is as the first
        got = call()
        if direction == "receive":
            messages = got if isinstance(got, list) else [got]
            assert all(message in (payload, payload.decode()) for message in messages)
        else:
            header = 0 if direction == "mask" else len(masked(payload)) - len(payload)
            assert len(got) == header + len(payload)
    return call, len(messages)
