"""Peers over a real loopback socket: `websockets` at either end, `wsproto` as the client.

Our server receives through ``get_buffer`` and ``buffer_updated``, our client through
``feed``.  Every conversation is bounded in time.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Coroutine
from types import SimpleNamespace
from typing import Any

from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.client import ClientProtocol
from websockets.http11 import Request
from websockets.server import ServerProtocol
from websockets.uri import parse_uri
from wsproto import ConnectionType, WSConnection
from wsproto import events as wsproto_events

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
SECONDS = 20

TEXTS = ["", "plain", "größer", "日本語 " * 5000, "🙂" * 16_384]
OCTETS = [b"", bytes(range(256)), b"\xff" * 65_535, bytes(300_000)]


class Handshake(asyncio.Protocol):
    """Answer the opening handshake, then let ``Echo`` take over the transport."""

    def __init__(self, codec: SimpleNamespace) -> None:
        self._codec = codec
        self._head = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport

    def data_received(self, data: bytes) -> None:
        self._head += data
        if b"\r\n\r\n" not in self._head:
            return
        handshake = ServerProtocol()
        handshake.receive_data(bytes(self._head))
        (request,) = handshake.events_received()
        assert isinstance(request, Request)
        handshake.send_response(handshake.accept(request))
        self._transport.write(b"".join(handshake.data_to_send()))
        self._transport.set_protocol(Echo(self._codec, self._transport))


class Echo(asyncio.BufferedProtocol):
    """Send back what was received, through the codec under test."""

    def __init__(self, codec: SimpleNamespace, transport: asyncio.Transport) -> None:
        self._codec = codec
        self._transport = transport
        self._decoder = codec.MessageDecoder("server")

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._decoder.get_buffer(sizehint)

    def buffer_updated(self, nbytes: int) -> None:
        encode = self._codec.encode_frame
        try:
            for event in self._decoder.buffer_updated(nbytes):
                match type(event).__name__:
                    case "Text":
                        self._transport.write(encode(TEXT, event.data))
                    case "Binary":
                        self._transport.write(encode(BINARY, event.data))
                    case "Ping":
                        self._transport.write(encode(PONG, event.data))
                    case "Close":
                        payload = self._codec.encode_close(event.code, event.reason)
                        self._transport.write(encode(CLOSE, payload))
                        self._transport.write_eof()
        except Exception as violation:
            if not hasattr(violation, "close_frame"):
                raise
            self._transport.write(violation.close_frame())
            self._transport.write_eof()


def bounded(conversation: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(conversation, SECONDS))


@contextlib.asynccontextmanager
async def our_server(codec: SimpleNamespace) -> AsyncIterator[socket.socket]:
    """Serve; give a socket that is connected to the server."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Handshake(codec), "127.0.0.1", 0)
    async with server:
        yield socket.create_connection(server.sockets[0].getsockname())


def test_websockets_client_talks_with_our_server(codec: SimpleNamespace) -> None:
    async def conversation() -> None:
        async with (
            our_server(codec) as sock,
            connect("ws://localhost/", sock=sock, compression=None) as client,
        ):
            for message in (*TEXTS, *OCTETS):
                await client.send(message)
                assert await client.recv() == message
            text = "日本語🙂"
            await client.send([bytes((octet,)) for octet in text.encode()], text=True)
            assert await client.recv() == text
            await (await client.ping(b"are you there?"))
            await client.close(1001, "größer")
        close = client.protocol.close_rcvd
        assert close is not None
        assert (close.code, close.reason) == (1001, "größer")

    bounded(conversation())


def test_websockets_client_gets_1007_with_the_offset(codec: SimpleNamespace) -> None:
    async def conversation() -> None:
        async with (
            our_server(codec) as sock,
            connect("ws://localhost/", sock=sock, compression=None) as client,
        ):
            await client.send([b"caf\xc3", b"e"], text=True)
            await client.wait_closed()
        close = client.protocol.close_rcvd
        assert close is not None
        assert close.code == 1007
        assert close.reason.startswith("invalid UTF-8 at octet 3: C3")

    bounded(conversation())


def test_wsproto_client_talks_with_our_server(codec: SimpleNamespace) -> None:
    async def conversation() -> None:
        async with our_server(codec) as sock:
            reader, writer = await asyncio.open_connection(sock=sock)
            peer = WSConnection(ConnectionType.CLIENT)

            async def heard() -> AsyncIterator[Any]:
                while data := await reader.read(65_536):
                    peer.receive_data(data)
                    for event in peer.events():
                        yield event

            events = heard()

            async def whole() -> Any:
                data = (event := await anext(events)).data
                while not event.message_finished:
                    data += (event := await anext(events)).data
                return data

            def say(event: wsproto_events.Event) -> None:
                writer.write(peer.send(event))

            say(wsproto_events.Request(host="localhost", target="/"))
            assert isinstance(await anext(events), wsproto_events.AcceptConnection)
            for text in TEXTS:
                say(wsproto_events.TextMessage(text))
                assert await whole() == text
            for octets in OCTETS:
                say(wsproto_events.BytesMessage(octets))
                assert bytes(await whole()) == octets
            say(wsproto_events.Ping(b"are you there?"))
            assert bytes((await anext(events)).payload) == b"are you there?"
            say(wsproto_events.CloseConnection(1001, "größer"))
            close = await anext(events)
            assert (int(close.code), close.reason) == (1001, "größer")
            writer.close()
            await writer.wait_closed()

    bounded(conversation())


async def _echo(connection: ServerConnection) -> None:
    async for message in connection:
        await connection.send(message)


def test_our_client_talks_with_a_websockets_server(codec: SimpleNamespace) -> None:
    async def conversation() -> None:
        async with serve(_echo, "127.0.0.1", 0, compression=None) as server:
            address = next(iter(server.sockets)).getsockname()
            reader, writer = await asyncio.open_connection(*address[:2])
            handshake = ClientProtocol(parse_uri("ws://localhost/"))
            handshake.send_request(handshake.connect())
            writer.write(b"".join(handshake.data_to_send()))
            handshake.receive_data(await reader.readuntil(b"\r\n\r\n"))
            decoder = codec.MessageDecoder("client")

            async def heard() -> AsyncIterator[Any]:
                while data := await reader.read(65_536):
                    for event in decoder.feed(data):
                        yield event

            events = heard()

            def say(opcode: int, payload: str | bytes, fin: bool = True) -> None:
                key = codec.new_masking_key()
                writer.write(codec.encode_frame(opcode, payload, fin=fin, masking_key=key))

            for message in (*TEXTS, *OCTETS):
                say(TEXT if isinstance(message, str) else BINARY, message)
                assert (await anext(events)).data == message
            say(TEXT, b"caf\xc3", fin=False)
            say(PING, b"between fragments")
            say(0, b"\xa9")
            assert (await anext(events)).data == b"between fragments"
            assert (await anext(events)).data == "café"
            say(CLOSE, codec.encode_close(1000, "done"))
            close = await anext(events)
            assert (close.code, close.reason) == (1000, "done")
            writer.close()
            await writer.wait_closed()

    bounded(conversation())
