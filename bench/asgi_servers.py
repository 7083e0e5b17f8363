"""Servers of ASGI, each as an asynchronous context that gives its port, and what they serve.

Invariant: imports only the server that is asked for; it listens on the loopback interface.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from typing import Any


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Send each message back."""
    if scope["type"] != "websocket":  # the lifespan, on a server that insists on one
        return
    await receive()
    await send({"type": "websocket.accept"})
    while (event := await receive())["type"] == "websocket.receive":
        if event.get("text") is not None:
            await send({"type": "websocket.send", "text": event["text"]})
        else:
            await send({"type": "websocket.send", "bytes": event["bytes"]})


@contextlib.asynccontextmanager
async def uvicorn(app: Any, **options: Any) -> AsyncIterator[int]:
    """Run uvicorn, without keepalive pings, in this event loop."""
    import uvicorn

    config = uvicorn.Config(
        app, port=0, log_level="error", lifespan="off", ws_ping_interval=None, **options
    )
    server = uvicorn.Server(config)
    running = asyncio.create_task(server._serve())  # without its handlers for signals
    while not server.started:
        await asyncio.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    await running


@contextlib.asynccontextmanager
async def hypercorn(app: Any) -> AsyncIterator[int]:
    """Run hypercorn in this event loop."""
    from hypercorn.asyncio import serve
    from hypercorn.config import Config

    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    config, over = Config(), asyncio.Event()
    config.bind = [f"fd://{listener.detach()}"]
    config.errorlog = None
    running = asyncio.create_task(serve(app, config, shutdown_trigger=over.wait))
    yield port  # where the socket listens already, whenever the server takes it over
    over.set()
    await running
