"""uvicorn as a server to be loaded by race.py: what ``--ws auto`` chooses, or wsfast under it.

    python bench/uvicorn_ends.py server uvicorn+ uvloop [deflate]

It echoes and prints its port.

Invariant: imports only the library it is to run.
"""

from __future__ import annotations

from answering import main, no_client, until_told
from asgi_servers import echo, uvicorn


async def server(_library: str, deflate: bool) -> None:
    """Echo."""
    async with uvicorn(echo, ws_per_message_deflate=deflate) as port:
        print(port, flush=True)
        await until_told()


if __name__ == "__main__":
    main(server, no_client)
