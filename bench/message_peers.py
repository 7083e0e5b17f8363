"""Who is measured for messages: what each library calls for what arrives of a connection.

One function a peer.  It makes the connection that the wire of the operation belongs to and
returns ``f(octets) -> messages``, which is called again and again.

Invariant: as peers.py, in whose table the rows are entered.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
import socket
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple, TypeAlias

import wsfast
from peers import Contender, row

READ = 1024


class Wire(NamedTuple):
    """What arrives: text or binary messages, of a client (masked) or of a server."""

    text: bool = True
    masked: bool = True
    reads: bool = False
    decoded: bool = True  # of text: whether to str, or the octets where the library gives those

    @property
    def role(self) -> str:
        return "server" if self.masked else "client"


WIRES = {
    "messages": Wire(),
    "binary messages": Wire(text=False),
    "unmasked messages": Wire(masked=False),
    "messages in reads of 1 KiB": Wire(reads=True),
    "messages as they are given": Wire(decoded=False),
}
Connect: TypeAlias = Callable[[Wire], Contender]


def message_row(peer: str) -> Callable[[Connect], Connect]:
    """Enter a function as what ``peer`` does for each kind of wire."""

    def enter(connect: Connect) -> Connect:
        for operation, wire in WIRES.items():
            row(operation, peer)(partial(_connected, connect, wire))
        return connect

    return enter


def _connected(connect: Connect, wire: Wire) -> Contender:
    decode = connect(wire)
    if not wire.reads:
        return decode
    return lambda reads: [message for read in reads for message in decode(read)]


def in_reads(octets: bytes) -> list[bytes]:
    """Cut what arrives into reads of 1 KiB."""
    return [octets[i : i + READ] for i in range(0, len(octets), READ)]


@message_row("wsfast")
def _(wire: Wire) -> Contender:
    decoder = wsfast.MessageDecoder(wire.role, max_message_size=None)
    return lambda octets: [event.data for event in decoder.feed(octets)]


@message_row("wsfast-octets")
def _(wire: Wire) -> Contender:
    decoder = wsfast.MessageDecoder(wire.role, text="bytes", max_message_size=None)
    return lambda octets: [event.data for event in decoder.feed(octets)]


@message_row("websockets")
def _(wire: Wire) -> Contender:
    from websockets.protocol import Protocol, Side, State

    side = Side.SERVER if wire.masked else Side.CLIENT
    protocol = Protocol(side, state=State.OPEN, max_size=None)

    def octets_of(octets: bytes) -> list[bytes]:
        protocol.receive_data(octets)
        return [frame.data for frame in protocol.events_received()]

    def texts_of(octets: bytes) -> list[str]:
        protocol.receive_data(octets)
        return [frame.data.decode() for frame in protocol.events_received()]

    return texts_of if wire.text and wire.decoded else octets_of


@message_row("aiohttp")
def _(wire: Wire) -> Contender:
    from aiohttp._websocket.reader import WebSocketDataQueue, WebSocketReader
    from aiohttp.base_protocol import BaseProtocol

    loop = asyncio.new_event_loop()
    loop.close()  # it is only asked for, never run
    # It keeps its size in 32 bits; with this limit, twice, it never stops to be read.
    queue = WebSocketDataQueue(BaseProtocol(loop), 2**31 - 1, loop=loop)
    reader = WebSocketReader(queue, 0, False, True)

    def decode(octets: bytes) -> list[Any]:
        reader.feed_data(octets)
        # Past the queue's own read(), which is a coroutine and would add to each message.
        messages = [message.data for message, _ in queue._buffer]
        queue._buffer.clear()
        return messages

    return decode


@message_row("wsproto")
def _(wire: Wire) -> Contender:
    from wsproto.connection import Connection, ConnectionType

    connection = Connection(ConnectionType.SERVER if wire.masked else ConnectionType.CLIENT)
    join = "".join if wire.text else b"".join
    pieces: list[Any] = []

    def decode(octets: bytes) -> list[Any]:
        connection.receive_data(octets)
        messages = []
        for event in connection.events():
            pieces.append(event.data)
            if event.message_finished:
                messages.append(join(pieces))
                pieces.clear()
        return messages

    return decode


class FakeTransport(asyncio.Transport):
    """Be what a protocol asks of a transport, without a network."""

    def __init__(self, sock: socket.socket | None = None) -> None:
        super().__init__({"socket": sock})
        self.written = b""

    def write(self, data: Any) -> None:
        self.written += bytes(data)

    def is_closing(self) -> bool:
        return False

    def close(self) -> None:
        pass

    abort = close


REQUEST = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
    b"Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    b"Sec-WebSocket-Version: 13\r\n\r\n"
)


def response(request: bytes) -> bytes:
    """Answer a client's opening handshake (RFC 6455 section 4.2.2)."""
    found = re.search(rb"(?i)sec-websocket-key: *(\S+)", request)
    assert found, request
    digest = hashlib.sha1(found[1] + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
        b"Connection: Upgrade\r\nSec-WebSocket-Accept: " + base64.b64encode(digest) + b"\r\n\r\n"
    )


def run(coroutine: Any) -> Any:
    """Run a coroutine on a loop of its own, which it leaves behind."""
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(coroutine)
    finally:
        loop.close()


def receive_into(protocol: asyncio.BufferedProtocol, octets: bytes) -> None:
    """Do what an event loop does with what it received."""
    view = memoryview(octets)
    while view:
        buffer = memoryview(protocol.get_buffer(len(view)))  # type: ignore[arg-type] # a buffer
        size = min(len(buffer), len(view))
        buffer[:size] = view[:size]
        protocol.buffer_updated(size)
        view = view[size:]


@message_row("picows")
def _(wire: Wire) -> Contender:
    from picows import WSListener, ws_connect, ws_create_server

    messages: list[Any] = []

    class Text(WSListener):
        def on_ws_frame(self, transport: Any, frame: Any) -> None:
            messages.append(frame.get_payload_as_utf8_text())

    class Octets(WSListener):
        def on_ws_frame(self, transport: Any, frame: Any) -> None:
            messages.append(frame.get_payload_as_bytes())

    listener = Text if wire.text else Octets

    async def as_server(transport: FakeTransport) -> Any:
        loop: Any = asyncio.get_running_loop()
        made: list[Any] = []

        async def capture(factory: Any, *_: object, **__: object) -> None:
            made.append(factory())

        loop.create_server = capture
        await ws_create_server(lambda _: listener(), "127.0.0.1", 0, use_aiofastnet=False)
        (protocol,) = made
        protocol.connection_made(transport)
        receive_into(protocol, REQUEST)
        return protocol

    async def as_client(transport: FakeTransport) -> Any:
        loop: Any = asyncio.get_running_loop()

        async def capture(factory: Any, *_: object, **__: object) -> Any:
            made = factory()
            made.connection_made(transport)
            receive_into(made, response(transport.written))
            kept.append(made)
            return transport, made

        kept: list[Any] = []
        loop.create_connection = capture
        await ws_connect(listener, "ws://127.0.0.1:9/", use_aiofastnet=False)
        return kept[0]

    # It sets options of a TCP socket and logs its number; nothing goes over it.
    with socket.socket() as ours:
        protocol = run((as_server if wire.masked else as_client)(FakeTransport(ours)))

    def decode(octets: bytes) -> list[Any]:
        messages.clear()
        receive_into(protocol, octets)
        return list(messages)

    return decode


@message_row("autobahn")
def _(wire: Wire) -> Contender:
    from autobahn.asyncio import websocket

    messages: list[Any] = []
    role = "Server" if wire.masked else "Client"

    class Protocol(getattr(websocket, f"WebSocket{role}Protocol")):  # type: ignore[misc]
        def onMessage(self, payload: bytes, isBinary: bool) -> None:
            octets = isBinary or not wire.decoded
            messages.append(payload if octets else payload.decode())

    async def shake_hands() -> Any:
        kind = getattr(websocket, f"WebSocket{role}Factory")
        factory = kind("ws://localhost", loop=asyncio.get_running_loop())
        factory.protocol = Protocol
        factory.setProtocolOptions(openHandshakeTimeout=0, closeHandshakeTimeout=0)
        protocol, transport = factory(), FakeTransport()
        protocol.connection_made(transport)
        while not (wire.masked or transport.written.endswith(b"\r\n\r\n")):
            await asyncio.sleep(0)
        protocol._dataReceived(REQUEST if wire.masked else response(transport.written))
        while protocol.state != protocol.STATE_OPEN:
            await asyncio.sleep(0)
        return protocol

    protocol = run(shake_hands())

    def decode(octets: bytes) -> list[Any]:
        messages.clear()
        protocol._dataReceived(octets)
        return list(messages)

    return decode
