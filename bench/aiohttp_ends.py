"""One end of aiohttp, to be loaded by bench_aiohttp.py.

    python bench/aiohttp_ends.py server aiohttp+ uvloop [deflate]
    python bench/aiohttp_ends.py client aiohttp+ uvloop PORT

A server echoes and prints its port; a client receives until the connection ends.
``aiohttp+`` is accelerated.

Invariant: imports only the library it is to run.
"""

from __future__ import annotations

import asyncio

from answering import main, until_told


async def server(_library: str, deflate: bool) -> None:
    """Echo."""
    from aiohttp import WSMsgType, web

    async def echo(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(compress=deflate)
        await socket.prepare(request)
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                await socket.send_str(message.data)
        return socket

    application = web.Application()
    application.router.add_get("/", echo)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        print(runner.addresses[0][1], flush=True)
        await until_told()
    finally:
        await runner.cleanup()


async def client(_library: str, port: int) -> None:
    """Receive."""
    from aiohttp import ClientSession

    async with ClientSession() as session, session.ws_connect(f"http://127.0.0.1:{port}") as socket:

        async def receive() -> None:
            async for _ in socket:
                pass

        receiving = asyncio.create_task(receive())
        await until_told()
        receiving.cancel()


if __name__ == "__main__":
    main(server, client)
