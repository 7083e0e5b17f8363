"""Print what a server sends, and reconnect when the connection is lost.

python examples/reconnecting_client.py wss://example.com/feed    (pip install websockets)
"""

import asyncio
import sys

from websockets.asyncio.client import connect

import wsfast


async def listen(url: str) -> None:
    backoff = wsfast.Backoff(base=1, cap=60)  # random: at most 1 s, then 2 s, 4 s ...

    async def attempt() -> None:
        async with connect(url) as ws:  # for wss: with the certificates of the system
            while True:
                print(await ws.recv(), flush=True)
                backoff.reset()  # it works again: begin with short pauses

    # Ends with an error that would only repeat itself: 1007, 404, a certificate that is wrong.
    await wsfast.retry_async(attempt, backoff=backoff)


if __name__ == "__main__":
    asyncio.run(listen(sys.argv[1]))
