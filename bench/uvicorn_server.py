"""uvicorn with one of its protocols, or with ours, to be loaded by ``bench_uvicorn.py``.

    python bench/uvicorn_server.py wsfast uvloop    # prints its port, ends with its stdin

The path says what the application does: ``/echo`` sends messages back; ``/push`` sends as many
messages as the one that came says; ``/fan`` sends each message to all connections; ``/slow``
answers, works for two milliseconds, which blocks the event loop, and answers again.
"""

from __future__ import annotations

import asyncio
import sys
import time
from typing import Any

import asgi_servers
from answering import until_told
from samples import prose

WORK = 0.002  # seconds
PROTOCOLS: dict[str, Any] = {"sansio": "websockets-sansio", "websockets": "websockets"}
everybody: set[Any] = set()


async def echo(event: Any, send: Any) -> None:
    """Send a message back."""
    await send({**event, "type": "websocket.send"})


async def push(event: Any, send: Any) -> None:
    """Send as many messages as the one that came says."""
    size, count = map(int, event["text"].split())
    message = {"type": "websocket.send", "text": prose(size)}
    for _ in range(count):
        await send(message)


async def fan(event: Any, send: Any) -> None:
    """Send a message to all connections."""
    message = {**event, "type": "websocket.send"}
    for send_to in everybody:
        await send_to(message)


async def slow(event: Any, send: Any) -> None:
    """Answer, work without awaiting anything, and answer again."""
    await send({"type": "websocket.send", "text": "start"})
    time.sleep(WORK)
    await send({"type": "websocket.send", "text": "end"})


ACTIONS = {"/echo": echo, "/push": push, "/fan": fan, "/slow": slow}


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Do with each message what the path says."""
    act = ACTIONS[scope["path"]]
    await receive()
    await send({"type": "websocket.accept"})
    if act is fan:
        everybody.add(send)
    while (event := await receive())["type"] == "websocket.receive":
        await act(event, send)
    everybody.discard(send)


async def serve(ws: str) -> None:
    """Serve until stdin is closed."""
    if ws == "wsfast":
        from wsfast.adapters.uvicorn import WebSocketProtocol

        PROTOCOLS[ws] = WebSocketProtocol
    options = {"ws": PROTOCOLS[ws], "http": "h11", "ws_max_size": 1 << 26}
    async with asgi_servers.uvicorn(app, **options) as port:
        print(port, flush=True)
        await until_told()


def main() -> None:
    """Serve as the command line says."""
    ws, loop = sys.argv[1:]
    factory = None
    if loop == "uvloop":
        import uvloop

        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(serve(ws))


if __name__ == "__main__":
    main()
