"""Record what two other libraries say to each other, on the loopback interface.

Invariant: bytes are passed on as they came; an exchange is over within ``TIMEOUT``.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from typing import Any

from aiohttp import WSMsgType, web
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

TIMEOUT = 20.0  # seconds


class Recording:
    """Hold what went either way."""

    def __init__(self) -> None:
        self.from_client = bytearray()
        self.from_server = bytearray()


async def _copy(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, record: bytearray
) -> None:
    with contextlib.suppress(ConnectionError):
        while chunk := await reader.read(65536):
            record += chunk
            writer.write(chunk)
            await writer.drain()
    writer.close()


async def _handle(request: web.Request) -> web.WebSocketResponse:
    """Echo; close with 1001 when told to restart."""
    socket = web.WebSocketResponse(compress=True)
    await socket.prepare(request)
    async for message in socket:
        if message.type is WSMsgType.TEXT:
            if message.data == "restart":
                await socket.close(code=1001, message=b"restarting")
                break
            await socket.send_str(message.data)
        elif message.type is WSMsgType.BINARY:
            await socket.send_bytes(message.data)
    return socket


Talk = Callable[[ClientConnection], Coroutine[Any, Any, None]]


async def _record(talk: Talk, compression: str | None) -> Recording:
    recording = Recording()
    application = web.Application()
    application.router.add_get("/", _handle)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(
            _copy(reader, upstream[1], recording.from_client),
            _copy(upstream[0], writer, recording.from_server),
        )

    proxy = await asyncio.start_server(relay, "127.0.0.1", 0)
    url = f"ws://127.0.0.1:{proxy.sockets[0].getsockname()[1]}/"
    async with asyncio.timeout(TIMEOUT):
        async with connect(url, compression=compression) as client:  # type: ignore[arg-type]
            with contextlib.suppress(ConnectionClosed):
                await talk(client)
    proxy.close()
    await runner.cleanup()
    return recording


def record(talk: Talk, *, compression: str | None = None) -> Recording:
    """Have the client of websockets talk to a server of aiohttp; return what was said."""
    return asyncio.run(_record(talk, compression))


async def good_talk(client: ClientConnection) -> None:
    """Text, fragments, a ping, binary, and a restart of the server."""
    for message in ("Grüße aus Köln", "x" * 200, "y" * 70000):
        await client.send(message)
        await client.recv()
    await client.send(["in ", "three ", "fragments 🙂"])
    await client.recv()
    await (await client.ping(b"are you there?"))
    await client.send(b"\x00\x01\x02\xff")
    await client.recv()
    await client.send("restart")
    await client.recv()


async def bad_talk(client: ClientConnection) -> None:
    """A text in Latin-1."""
    await client.send("all is well so far")
    await client.recv()
    await client.send("Grüße aus Köln, schöne Tage".encode("latin-1"), text=True)
    await client.recv()
