"""wsfast by itself as a server to be loaded by race.py: examples/echo_server.py.

    python bench/wsfast_ends.py server wsfast uvloop [deflate]

It echoes and prints its port.  There is no library and no application in between, so this shows
what is left to gain in any of them.
"""

from __future__ import annotations

import sys
from pathlib import Path

import wsfast
from answering import main, no_client, until_told

sys.path.insert(1, str(Path(__file__).parents[1] / "examples"))

from echo_server import EchoServer


async def server(_library: str, deflate: bool) -> None:
    """Echo."""
    compression = wsfast.PerMessageDeflate("server") if deflate else None
    async with EchoServer(compression=compression) as running:
        print(running.port, flush=True)
        await until_told()


if __name__ == "__main__":
    main(server, no_client)
