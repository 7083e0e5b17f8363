"""uvicorn as a server to be loaded by race.py: what ``--ws auto`` chooses, or wsfast under it.

    python bench/uvicorn_ends.py server uvicorn+ uvloop [deflate]

It echoes an ASGI application's way and prints its port.

Invariant: imports only the library it is to run.
"""

from __future__ import annotations

import asyncio

from answering import main, no_client, until_told
from asgi_echo import app


async def server(_library: str, deflate: bool) -> None:
    """Echo."""
    import uvicorn

    config = uvicorn.Config(
        app,
        port=0,
        log_level="error",
        lifespan="off",
        ws_per_message_deflate=deflate,
        ws_ping_interval=None,
    )
    running_server = uvicorn.Server(config)
    running = asyncio.create_task(running_server._serve())  # without its handlers for signals
    while not running_server.started:
        await asyncio.sleep(0.01)
    print(running_server.servers[0].sockets[0].getsockname()[1], flush=True)
    await until_told()
    running_server.should_exit = True
    await running


if __name__ == "__main__":
    main(server, no_client)
