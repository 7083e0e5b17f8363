"""What picows and autobahn call for what arrives on a connection; others: ``wsfast bench``.

They do their own input and output, so they get a stand-in for a transport.

One function a library.  It makes the connection that a wire belongs to and returns
``f(data) -> messages``, which is called again and again.

Invariant: as peers.py.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
import socket
from functools import partial
from typing import Any

import wsfast
from wsfast.cli._contenders import CONNECTS, Connect, Wire, connects, row
from wsfast.cli._contenders import Call as Contender

READ = 1024


WIRES = {
    "messages": Wire(),
    "binary messages": Wire(text=False),
    "unmasked messages": Wire(masked=False),
    "messages in reads of 1 KiB": Wire(reads=True),
    "messages as they are given": Wire(decoded=False),
}


def enter() -> None:
    """Enter what each library does for each kind of wire."""
    for library, connect in CONNECTS.items():
        for operation, wire in WIRES.items():
            row(operation, library)(partial(_connected, connect, wire))


def _connected(connect: Connect, wire: Wire) -> Contender:
    decode = connect(wire)
    if not wire.reads:
        return decode
    return lambda reads: [message for read in reads for message in decode(read)]


def in_reads(data: bytes) -> list[bytes]:
    """Cut what arrives into reads of 1 KiB."""
    return [data[i : i + READ] for i in range(0, len(data), READ)]


@connects("wsfast-bytes")
def _(wire: Wire) -> Contender:
    decoder = wsfast.MessageDecoder(wire.role, text="bytes", max_message_size=None)
    return lambda data: [event.data for event in decoder.feed(data)]


class FakeTransport(asyncio.Transport):
    """A transport without a network, with what a protocol needs."""

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


def receive_into(protocol: asyncio.BufferedProtocol, data: bytes) -> None:
    """Do what an event loop does with what it received."""
    view = memoryview(data)
    while view:
        buffer = memoryview(protocol.get_buffer(len(view)))  # type: ignore[arg-type] # a buffer
        size = min(len(buffer), len(view))
        buffer[:size] = view[:size]
        protocol.buffer_updated(size)
        view = view[size:]


@connects("picows")
def _(wire: Wire) -> Contender:
    from picows import WSListener, ws_connect, ws_create_server

    messages: list[Any] = []

    class Text(WSListener):
        def on_ws_frame(self, transport: Any, frame: Any) -> None:
            messages.append(frame.get_payload_as_utf8_text())

    class Binary(WSListener):
        def on_ws_frame(self, transport: Any, frame: Any) -> None:
            messages.append(frame.get_payload_as_bytes())

    listener = Text if wire.text else Binary

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

    def decode(data: bytes) -> list[Any]:
        messages.clear()
        receive_into(protocol, data)
        return list(messages)

    return decode


@connects("autobahn")
def _(wire: Wire) -> Contender:
    from autobahn.asyncio import websocket

    messages: list[Any] = []
    role = "Server" if wire.masked else "Client"

    class Protocol(getattr(websocket, f"WebSocket{role}Protocol")):  # type: ignore[misc]
        def onMessage(self, payload: bytes, isBinary: bool) -> None:
            as_bytes = isBinary or not wire.decoded
            messages.append(payload if as_bytes else payload.decode())

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

    def decode(data: bytes) -> list[Any]:
        messages.clear()
        protocol._dataReceived(data)
        return list(messages)

    return decode


enter()
