"""What the scripts *_ends.py share: how they answer ends.py, which loads them.

Each line on stdin is answered with the CPU time that the process has used, in microseconds;
the end of stdin ends it.  With ``LIBRARY_PATH`` set, the library is imported from there.

Invariant: imports only the library it is to run.
"""

from __future__ import annotations

import asyncio
import os
import resource
import sys
from collections.abc import AsyncIterable, Callable, Coroutine
from typing import Any, TypeAlias

if path := os.environ.get("LIBRARY_PATH"):
    sys.path.insert(0, path)

Server: TypeAlias = Callable[[str, bool], Coroutine[Any, Any, None]]
Client: TypeAlias = Callable[[str, int], Coroutine[Any, Any, None]]


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


async def until_told() -> None:
    """Answer until stdin ends."""
    over = asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin, answer, over)
    await over.wait()


async def receive_until_told(messages: AsyncIterable[object]) -> None:
    """Take what arrives, and answer until stdin ends."""

    async def receive() -> None:
        async for _ in messages:
            pass

    receiving = asyncio.create_task(receive())
    await until_told()
    receiving.cancel()


async def no_client(library: str, _port: int) -> None:
    """Fail: the library has no client."""
    raise SystemExit(f"{library} has no client")


def main(server: Server, client: Client) -> None:
    """Be the end that the command line asks for; a library with ``+`` is accelerated."""
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
            runner.run(server(library, bool(more)))
        else:
            runner.run(client(library, int(more[0])))
