"""One end of websockets, or of what has its API, to be loaded by bench_websockets.py.

    python bench/websockets_ends.py server websockets+ uvloop [deflate]
    python bench/websockets_ends.py client websockets+ uvloop PORT

A server echoes and prints its port; a client receives until the connection ends.
``websockets+`` is accelerated; ``picows`` stands for picows.websockets.

Invariant: imports only the library it is to run.
"""

from __future__ import annotations

import importlib
from typing import Any

from answering import main, receive_until_told, until_told


async def server(library: str, deflate: bool) -> None:
    """Echo."""
    module = "picows.websockets" if library == "picows" else "websockets.asyncio.server"
    serve: Any = importlib.import_module(module).serve

    async def echo(connection: Any) -> None:
        async for message in connection:
            await connection.send(message)

    options = {"compression": "deflate" if deflate else None, "ping_interval": None}
    async with serve(echo, "127.0.0.1", 0, **options) as running:
        print(next(iter(running.sockets)).getsockname()[1], flush=True)
        await until_told()


async def client(library: str, port: int) -> None:
    """Receive."""
    module = "picows.websockets" if library == "picows" else "websockets.asyncio.client"
    connect: Any = importlib.import_module(module).connect
    uri = f"ws://127.0.0.1:{port}"
    async with connect(uri, compression=None, ping_interval=None, proxy=None) as connection:
        await receive_until_told(connection)


if __name__ == "__main__":
    main(server, client)
