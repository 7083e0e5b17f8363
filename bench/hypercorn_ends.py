"""hypercorn, a server on wsproto, to be loaded by race.py.

    python bench/hypercorn_ends.py server wsproto+ uvloop [deflate]

It echoes an ASGI application's way and prints its port.

Invariant: imports only the library it is to run.
"""

from __future__ import annotations

import asyncio
import socket

from answering import main, no_client, until_told
from asgi_echo import app


async def server(_library: str, _deflate: bool) -> None:
    """Echo."""
    from hypercorn.asyncio import serve
    from hypercorn.config import Config

    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    config, over = Config(), asyncio.Event()
    config.bind = [f"fd://{listener.detach()}"]
    config.errorlog = None
    running = asyncio.create_task(serve(app, config, shutdown_trigger=over.wait))  # type: ignore[arg-type]
    print(port, flush=True)  # where the socket listens already, whenever the server takes it over
    await until_told()
    over.set()
    await running


if __name__ == "__main__":
    main(server, no_client)
