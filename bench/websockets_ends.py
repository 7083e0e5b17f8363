"""One end of websockets, or of what has its API, to be loaded by bench_websockets.py.

    python bench/websockets_ends.py server websockets+ uvloop [deflate]
    python bench/websockets_ends.py client websockets+ uvloop PORT

A server echoes and prints its port; a client receives until the connection ends.  Each line
on stdin is answered with the CPU time that the process has used, in microseconds; the end
of stdin ends it.  ``websockets+`` is accelerated; ``picows`` stands for picows.websockets.
With ``WEBSOCKETS_PATH`` set, websockets is imported from there.

Invariant: imports only the library it is to run.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import resource
import sys
from typing import Any

if path := os.environ.get("WEBSOCKETS_PATH"):
    sys.path.insert(0, path)


def used() -> int:
    """Return the CPU time of this process, in microseconds."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return round((usage.ru_utime + usage.ru_stime) * 1e6)


def answer(over: asyncio.Event) -> None:
    """Answer a line, or end."""
    if sys.stdin.readline():
        print(used(), flush=True)
    else:
        asyncio.get_running_loop().remove_reader(sys.stdin)
        over.set()


async def server(library: str, compression: str | None) -> None:
    """Echo."""
    module = "picows.websockets" if library == "picows" else "websockets.asyncio.server"
    serve: Any = importlib.import_module(module).serve

    async def echo(connection: Any) -> None:
        async for message in connection:
            await connection.send(message)

    options = {"compression": compression, "ping_interval": None}
    async with serve(echo, "127.0.0.1", 0, **options) as running:
        print(next(iter(running.sockets)).getsockname()[1], flush=True)
        await until_told()


async def client(library: str, port: int) -> None:
    """Receive."""
    module = "picows.websockets" if library == "picows" else "websockets.asyncio.client"
    connect: Any = importlib.import_module(module).connect
    uri = f"ws://127.0.0.1:{port}"
    async with connect(uri, compression=None, ping_interval=None, proxy=None) as connection:

        async def receive() -> None:
            async for _ in connection:
                pass

        receiving = asyncio.create_task(receive())
        await until_told()
        receiving.cancel()


async def until_told() -> None:
    """Answer until stdin ends."""
    over = asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin, answer, over)
    await over.wait()


def main() -> None:
    """Be the end that the command line asks for."""
    role, name, loop, *more = sys.argv[1:]
    library = name.removesuffix("+")
    if library != name:
        import wsfast

        rows = wsfast.accelerate(library)
        assert rows[0].seam, rows
    factory = None
    if loop == "uvloop":
        import uvloop

        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        if role == "server":
            runner.run(server(library, more[0] if more else None))
        else:
            runner.run(client(library, int(more[0])))


if __name__ == "__main__":
    main()
