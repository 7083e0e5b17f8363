"""One end of aiohttp, to be loaded by bench_aiohttp.py.

    python bench/aiohttp_ends.py server aiohttp+ uvloop [deflate]
    python bench/aiohttp_ends.py client aiohttp+ uvloop PORT

A server echoes and prints its port; a client receives until the connection ends.
``aiohttp+`` is accelerated.

Invariant: imports only the library it is to run.
"""

from __future__ import annotations

from answering import main, receive_until_told, until_told
from echo_servers import aiohttp_server


async def server(_library: str, deflate: bool) -> None:
    """Echo."""
    async with aiohttp_server(deflate) as port:
        print(port, flush=True)
        await until_told()


async def client(_library: str, port: int) -> None:
    """Receive."""
    from aiohttp import ClientSession

    async with ClientSession() as session, session.ws_connect(f"http://127.0.0.1:{port}") as socket:
        await receive_until_told(socket)


if __name__ == "__main__":
    main(server, client)
