"""Echo servers to load, each written as its library's documentation does it.

    python bench/echo_servers.py wsfast uvloop     # prints its port, ends with its stdin
    python bench/echo_servers.py aiohttp+ asyncio  # the same library, accelerated

No compression, no keepalive pings, and no limit that the load reaches.  All of them decode
text to ``str`` and encode it again, except ``picows-bytes``, which returns bytes unread.

Invariant: listens on the loopback interface, and imports only the library it is to run.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, TypeAlias

import asgi_servers
from answering import until_told

Server: TypeAlias = Callable[[], AbstractAsyncContextManager[int]]


@contextlib.asynccontextmanager
async def wsfast_server() -> AsyncIterator[int]:
    """Run the example server."""
    sys.path.insert(0, str(Path(__file__).parents[1] / "examples"))
    from echo_server import EchoServer

    async with EchoServer() as server:
        yield server.port


@contextlib.asynccontextmanager
async def websockets_server() -> AsyncIterator[int]:
    from websockets.asyncio.server import ServerConnection, serve
    from websockets.exceptions import ConnectionClosed

    async def echo(connection: ServerConnection) -> None:
        with contextlib.suppress(ConnectionClosed):
            async for message in connection:
                await connection.send(message)

    async with serve(echo, "127.0.0.1", 0, compression=None, ping_interval=None) as server:
        yield next(iter(server.sockets)).getsockname()[1]


@contextlib.asynccontextmanager
async def aiohttp_server(compress: bool = False) -> AsyncIterator[int]:
    from aiohttp import WSMsgType, web

    async def echo(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(compress=compress)
        await socket.prepare(request)
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                await socket.send_str(message.data)
            elif message.type is WSMsgType.BINARY:
                await socket.send_bytes(message.data)
        return socket

    application = web.Application()
    application.router.add_get("/", echo)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


def _picows_server(payload: Callable[[Any], Any]) -> Server:
    @contextlib.asynccontextmanager
    async def serve() -> AsyncIterator[int]:
        from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_create_server

        class Echo(WSListener):
            def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
                if frame.msg_type == WSMsgType.CLOSE:
                    transport.send_close(frame.get_close_code(), frame.get_close_message())
                    transport.disconnect()
                elif frame.msg_type == WSMsgType.PING:
                    transport.send_pong(frame.get_payload_as_bytes())
                else:
                    transport.send(frame.msg_type, payload(frame))

        server = await ws_create_server(lambda request: Echo(), "127.0.0.1", 0)
        async with server:
            yield server.sockets[0].getsockname()[1]

    return serve


def _uvicorn_server(ws: str) -> Server:
    """Run uvicorn with one of its protocols, or with that of wsfast."""
    return functools.partial(
        asgi_servers.uvicorn, asgi_servers.echo, ws=ws, http="h11", ws_per_message_deflate=False
    )


@contextlib.asynccontextmanager
async def autobahn_server() -> AsyncIterator[int]:
    from autobahn.asyncio.websocket import WebSocketServerFactory, WebSocketServerProtocol

    class Echo(WebSocketServerProtocol):  # type: ignore[misc] # not typed
        def onMessage(self, payload: bytes, isBinary: bool) -> None:  # theirs
            self.sendMessage(payload if isBinary else payload.decode().encode(), isBinary)

    factory = WebSocketServerFactory()
    factory.protocol = Echo
    loop = asyncio.get_running_loop()
    async with await loop.create_server(factory, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


# What is accelerated under a server, where it is not the library of its name.
CODECS = {"hypercorn": "wsproto"}

SERVERS: dict[str, Server] = {
    "wsfast": wsfast_server,
    "picows": _picows_server(lambda frame: frame.get_payload_as_utf8_text().encode()),
    "picows-bytes": _picows_server(lambda frame: frame.get_payload_as_memoryview()),
    "aiohttp": aiohttp_server,
    "websockets": websockets_server,
    "hypercorn": functools.partial(asgi_servers.hypercorn, asgi_servers.echo),
    "autobahn": autobahn_server,
    "uvicorn-wsfast": _uvicorn_server("wsfast.adapters.uvicorn:WebSocketProtocol"),
    "uvicorn-websockets-sansio": _uvicorn_server("websockets-sansio"),
    "uvicorn-websockets": _uvicorn_server("websockets"),
    "uvicorn-wsproto": _uvicorn_server("wsproto"),
}


async def _run(server: Server) -> None:
    async with server() as port:
        print(port, flush=True)
        await until_told()


def main() -> None:
    """Serve until stdin is closed."""
    name, loop = sys.argv[1:]
    stock = name.removesuffix("+")
    if stock != name:
        import wsfast

        wsfast.accelerate(CODECS.get(stock, stock))
    factory = None
    if loop == "uvloop":
        import uvloop

        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(_run(SERVERS[stock]))


if __name__ == "__main__":
    main()
