"""hypercorn, a server on wsproto, to be loaded by race.py.

    python bench/hypercorn_ends.py server wsproto+ uvloop [deflate]

It echoes and prints its port.

Invariant: imports only the library it is to run.
"""

from __future__ import annotations

from answering import main, no_client, until_told
from asgi_servers import echo, hypercorn


async def server(_library: str, _deflate: bool) -> None:
    """Echo; it compresses whenever the client asks for that."""
    async with hypercorn(echo) as port:
        print(port, flush=True)
        await until_told()


if __name__ == "__main__":
    main(server, no_client)
