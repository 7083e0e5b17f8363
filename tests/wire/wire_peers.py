"""What is at the other end: other libraries, each as a client and as a server.

A peer sends back each message, fragmented at random if it can do that.  Two texts are
commands: on ``wire:close`` it closes with 4321 and "größer", on ``wire:ill-formed`` it
sends "caf", C3, "e" as text.

Invariant: all of a peer's imports are in its own functions, so one that is not installed
skips only its own tests.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from random import Random
from typing import Any, NamedTuple, TypeAlias

from traffic import cut

Seen: TypeAlias = "asyncio.Future[tuple[int, str]]"
Serve: TypeAlias = Callable[[bool, Random, Seen], AbstractAsyncContextManager[int]]
Connect: TypeAlias = Callable[[int, bool, Random, Seen], Awaitable[None]]

CLOSE, ILL_FORMED = "wire:close", "wire:ill-formed"
CODE, REASON = 4321, "größer"
FAULTY = b"caf\xc3e"


class Peer(NamedTuple):
    """A library: ``serve`` gives a port, ``connect`` talks until the connection is closed.

    Both put the close code and the reason that they saw into the future.
    """

    serve: Serve
    connect: Connect
    needs: str  # to be imported
    can_send_ill_formed: bool = True
    takes_pings_inside: bool = True  # inside of compressed messages


def _pieces(rng: Random, data: bytes) -> list[bytes]:
    return cut(rng, data, rng.choice((1, 1, 2, 4)))


# websockets: its fragments of text may be cut inside of characters.


async def _websockets_echo(connection: Any, rng: Random, seen: Seen) -> None:
    from websockets.exceptions import ConnectionClosed

    with contextlib.suppress(ConnectionClosed):
        async for message in connection:
            if message == CLOSE:
                await connection.close(CODE, REASON)
            elif message == ILL_FORMED:
                await connection.send([FAULTY[:4], FAULTY[4:]], text=True)
            else:
                text = isinstance(message, str)
                encoded = message.encode() if isinstance(message, str) else message
                pieces = _pieces(rng, encoded)
                await connection.send(iter(pieces), text=text)
    await connection.wait_closed()
    close = connection.protocol.close_rcvd or connection.protocol.close_sent
    seen.set_result((close.code, close.reason))


@contextlib.asynccontextmanager
async def _websockets_server(compress: bool, rng: Random, seen: Seen) -> AsyncIterator[int]:
    from websockets.asyncio.server import serve

    async def handler(connection: Any) -> None:
        await _websockets_echo(connection, rng, seen)

    compression = "deflate" if compress else None
    async with serve(handler, "127.0.0.1", 0, compression=compression) as server:
        yield next(iter(server.sockets)).getsockname()[1]


async def _websockets_client(port: int, compress: bool, rng: Random, seen: Seen) -> None:
    from websockets.asyncio.client import connect

    compression = "deflate" if compress else None
    async with connect(f"ws://127.0.0.1:{port}/", compression=compression) as connection:
        await _websockets_echo(connection, rng, seen)


# aiohttp: it sends no fragments.


async def _aiohttp_echo(socket: Any, seen: Seen) -> None:
    from aiohttp import WSMsgType

    while True:
        message = await socket.receive()
        if message.type is WSMsgType.TEXT and message.data == CLOSE:
            await socket.close(code=CODE, message=REASON.encode())
            seen.set_result((socket.close_code, ""))
            return
        if message.type is WSMsgType.TEXT and message.data == ILL_FORMED:
            await socket.send_frame(FAULTY, WSMsgType.TEXT)
        elif message.type is WSMsgType.TEXT:
            await socket.send_str(message.data)
        elif message.type is WSMsgType.BINARY:
            await socket.send_bytes(message.data)
        elif message.type is WSMsgType.CLOSE:
            seen.set_result((message.data, message.extra or ""))
            return
        else:
            seen.set_result((socket.close_code or 0, str(message)))
            return


@contextlib.asynccontextmanager
async def _aiohttp_server(compress: bool, rng: Random, seen: Seen) -> AsyncIterator[int]:
    from aiohttp import web

    async def handler(request: Any) -> Any:
        socket = web.WebSocketResponse(compress=compress)
        await socket.prepare(request)
        await _aiohttp_echo(socket, seen)
        return socket

    application = web.Application()
    application.router.add_get("/", handler)
    runner = web.AppRunner(application, handle_signals=False)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


async def _aiohttp_client(port: int, compress: bool, rng: Random, seen: Seen) -> None:
    import aiohttp

    async with aiohttp.ClientSession() as session:
        url = f"http://127.0.0.1:{port}/"
        async with session.ws_connect(url, compress=15 if compress else 0) as socket:
            await _aiohttp_echo(socket, seen)


# wsproto: sans-IO, here over asyncio's streams.  It sends only well-formed text.


class _WsprotoEcho:
    def __init__(self, streams: Any, rng: Random, seen: Seen, compress: bool) -> None:
        from wsproto import WSConnection
        from wsproto.connection import ConnectionType
        from wsproto.extensions import PerMessageDeflate

        self._reader, self._writer = streams
        self._rng, self._seen = rng, seen
        self._extensions = [PerMessageDeflate()] if compress else []
        self._message: str | bytes = ""
        self._new = lambda client: WSConnection(
            ConnectionType.CLIENT if client else ConnectionType.SERVER
        )

    async def run(self, client: bool) -> None:
        from wsproto import events

        self._connection = self._new(client)
        if client:
            self._send(
                events.Request(host="127.0.0.1", target="/", extensions=list(self._extensions))
            )
        while not self._seen.done() and (data := await self._reader.read(65_536)):
            self._connection.receive_data(data)
            for event in self._connection.events():
                self._take(event)
            await self._writer.drain()
        self._writer.close()

    def _send(self, event: Any) -> None:
        self._writer.write(self._connection.send(event))

    def _take(self, event: Any) -> None:
        from wsproto import events

        match event:
            case events.Request():
                self._send(events.AcceptConnection(extensions=list(self._extensions)))
            case events.Ping():
                self._send(event.response())
            case events.CloseConnection():
                if self._connection.state.name in ("OPEN", "REMOTE_CLOSING"):
                    self._send(event.response())  # OPEN: it found a fault, and sends nothing itself
                self._seen.set_result((int(event.code), event.reason or ""))
            case events.Message():
                part = event.data if isinstance(event.data, str) else bytes(event.data)
                self._message = self._message + part if self._message else part  # type: ignore[operator]
                if event.message_finished:
                    message, self._message = self._message, ""
                    self._echo(message)

    def _echo(self, message: str | bytes) -> None:
        from wsproto import events

        if message == CLOSE:
            self._send(events.CloseConnection(CODE, REASON))
            return
        kind = events.TextMessage if isinstance(message, str) else events.BytesMessage
        place = self._rng.randrange(len(message) + 1) if self._rng.random() < 0.4 else 0
        if place:
            self._send(kind(data=message[:place], message_finished=False))
        self._send(kind(data=message[place:]))


@contextlib.asynccontextmanager
async def _wsproto_server(compress: bool, rng: Random, seen: Seen) -> AsyncIterator[int]:
    async def handler(*streams: Any) -> None:
        await _WsprotoEcho(streams, rng, seen, compress).run(client=False)

    async with await asyncio.start_server(handler, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


async def _wsproto_client(port: int, compress: bool, rng: Random, seen: Seen) -> None:
    streams = await asyncio.open_connection("127.0.0.1", port)
    await _WsprotoEcho(streams, rng, seen, compress).run(client=True)


PEERS = {
    "websockets": Peer(_websockets_server, _websockets_client, "websockets"),
    "aiohttp": Peer(_aiohttp_server, _aiohttp_client, "aiohttp"),
    # Of wsproto 1.3.2: after a ping its extension takes the rest of a message for uncompressed.
    "wsproto": Peer(
        *(_wsproto_server, _wsproto_client, "wsproto"),
        can_send_ill_formed=False,
        takes_pings_inside=False,
    ),
}


def names() -> Iterator[str]:
    """Yield the peers, ``ws`` last."""
    yield from PEERS
    yield "ws"
