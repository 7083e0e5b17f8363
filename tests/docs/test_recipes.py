"""The recipes of docs/reconnecting.md, run as they are.

They reconnect after failures that may pass, in any order, and not after 1007.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import io
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("aiohttp")
pytest.importorskip("websockets")
import aiohttp
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosedError

import misbehaving as server_side
import wsfast
from misbehaving import HOST, close_frame, text
from misbehaving import Server as RawServer

TIMEOUT = 20.0  # seconds
DOCS = Path(__file__).parents[2] / "docs"
BLOCKS = re.findall(
    r"^```python\n(.*?)^```$(?:\n\n```text\n(.*?)^```$)?",
    (DOCS / "reconnecting.md").read_text(encoding="utf-8"),
    re.DOTALL | re.MULTILINE,
)


def recipe(word: str) -> dict[str, Any]:
    """Return the names that the one recipe with this word defines."""
    (code,) = (code for code, _ in BLOCKS if word in code)
    names: dict[str, Any] = {}
    exec(compile(code, "reconnecting.md", "exec"), names)
    return names


Listen = Callable[[str, Callable[[Any], Awaitable[None]], wsfast.Backoff], Awaitable[None]]


async def _with_websockets(url: str, handle: Any, backoff: wsfast.Backoff) -> None:
    await recipe("websockets.asyncio")["listen"](url, handle, backoff)


async def _with_aiohttp(url: str, handle: Any, backoff: wsfast.Backoff) -> None:
    async with aiohttp.ClientSession() as client:
        await recipe("ws_connect")["listen"](client, url, handle, backoff)


CLIENTS = pytest.mark.parametrize(
    "listen", [_with_websockets, _with_aiohttp], ids=["websockets", "aiohttp"]
)


class Dice:
    """Randomness that keeps what was asked of it, and always takes the most."""

    def __init__(self, at_first: Callable[[], None] = lambda: None) -> None:
        self.ceilings: list[float] = []
        self.at_first = at_first

    def uniform(self, a: float, b: float) -> float:
        assert a == 0.0, "full jitter"
        if not self.ceilings:
            self.at_first()
        self.ceilings.append(b)
        return b


class RestartingServer:
    """Serve on one port, with pauses."""

    def __init__(self, handler: Callable[[ServerConnection], Awaitable[None]]) -> None:
        self.handler = handler
        self.port = 0
        self.server: Server | None = None
        self.connections = 0

    async def start(self) -> None:
        async def counted(connection: ServerConnection) -> None:
            self.connections += 1
            await self.handler(connection)

        self.server = await serve(counted, "127.0.0.1", self.port)
        self.port = self.server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Close all connections with 1001, as websockets does on shutdown."""
        assert self.server is not None
        self.server.close()
        await self.server.wait_closed()

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/"


@CLIENTS
def test_recipe_after_1001_comes_back_with_growing_delays(listen: Listen) -> None:
    dice = Dice()
    backoff = wsfast.Backoff(base=0.02, cap=1.0, rng=dice)
    got: list[str] = []
    arrived = asyncio.Event()

    async def greet(connection: ServerConnection) -> None:
        await connection.send(f"greeting {server.connections}")
        await connection.wait_closed()

    async def handle(message: str) -> None:
        got.append(message)
        arrived.set()

    server = RestartingServer(greet)

    async def main() -> None:
        await server.start()
        client = asyncio.ensure_future(listen(server.url, handle, backoff))
        for restart in range(2):
            await arrived.wait()
            arrived.clear()
            await server.stop()
            await asyncio.sleep(0.15 * (restart + 1))
            await server.start()
        await arrived.wait()
        client.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await client
        await server.stop()

    asyncio.run(asyncio.wait_for(main(), TIMEOUT))
    assert got == ["greeting 1", "greeting 2", "greeting 3"]
    # Each time from the base again, doubled as long as nobody answered.
    runs: list[list[float]] = []
    for ceiling in dice.ceilings:
        if ceiling == 0.02:
            runs.append([])
        runs[-1].append(ceiling)
    assert len(runs) == 2
    for run in runs:
        assert len(run) >= 3
        assert run == [0.02 * 2**n for n in range(len(run))]


def test_aiohttp_async_for_does_not_tell_a_close_frame_without_a_code() -> None:
    """The page says so: that is why its recipe uses receive()."""

    async def end(connection: ServerConnection) -> None:
        connection.protocol.send_close()  # without a code
        connection.send_data()
        await connection.wait_closed()

    server = RestartingServer(end)

    async def main() -> int | None:
        await server.start()
        async with aiohttp.ClientSession() as client, client.ws_connect(server.url) as connection:
            async for _ in connection:
                raise AssertionError("no message was sent")
            code = connection.close_code
        await server.stop()
        return code

    assert asyncio.run(asyncio.wait_for(main(), TIMEOUT)) in (1000, 1006)  # rather than 1005


@CLIENTS
def test_recipe_after_1007_does_not_loop(listen: Listen) -> None:
    """The server sends text in Latin-1; the client's library finds that and sends 1007."""
    backoff = wsfast.Backoff(base=0.01)
    closes: list[int | None] = []

    async def bad_text(connection: ServerConnection) -> None:
        await connection.send("Grüße".encode("latin-1"), text=True)
        await connection.wait_closed()
        closes.append(connection.close_code)

    async def handle(message: str) -> None:
        raise AssertionError("no message can be taken")

    server = RestartingServer(bad_text)

    async def main() -> Exception:
        await server.start()
        with pytest.raises((ConnectionClosedError, aiohttp.WebSocketError)) as caught:
            await listen(server.url, handle, backoff)
        await asyncio.sleep(0.1)
        await server.stop()
        return caught.value

    error = asyncio.run(asyncio.wait_for(main(), TIMEOUT))
    assert server.connections == 1
    assert backoff.attempts == 0
    assert closes == [1007]
    code = error.sent.code if isinstance(error, ConnectionClosedError) and error.sent else None
    assert (code or getattr(error, "code", None)) == 1007


@CLIENTS
def test_recipe_after_a_1007_of_the_server_does_not_loop(listen: Listen) -> None:
    async def refuse(connection: ServerConnection) -> None:
        await connection.close(1007, "invalid UTF-8 at byte 3")

    async def handle(message: str) -> None:
        raise AssertionError("no message was sent")

    server = RestartingServer(refuse)

    async def main() -> None:
        await server.start()
        with pytest.raises(Exception, match="1007"):
            await listen(server.url, handle, wsfast.Backoff(base=0.01))
        await server.stop()

    asyncio.run(asyncio.wait_for(main(), TIMEOUT))
    assert server.connections == 1


class Enough(Exception):
    """Raised by the handler of a test to end a recipe."""


def _run_async(listen: Listen, url: str, got: list[str], backoff: wsfast.Backoff) -> None:
    async def handle(message: str) -> None:
        got.append(message)
        raise Enough

    asyncio.run(asyncio.wait_for(listen(url, handle, backoff), TIMEOUT))


def _run_websocket_client(url: str, got: list[str], backoff: wsfast.Backoff) -> None:
    pytest.importorskip("websocket")

    def handle(message: str) -> None:
        got.append(message)
        raise Enough

    recipe("create_connection")["listen"](url, handle, backoff)


Run = Callable[[str, list[str], wsfast.Backoff], None]
RECIPES = pytest.mark.parametrize(
    "run",
    [
        functools.partial(_run_async, _with_websockets),
        functools.partial(_run_async, _with_aiohttp),
        _run_websocket_client,
    ],
    ids=["websockets", "aiohttp", "websocket-client"],
)


@RECIPES
def test_recipe_comes_back_through_each_failure_in_turn(run: Run) -> None:
    """Refused, then a hang-up, then a 503, then 1001, and then it works."""
    steps = (
        server_side.hang_up,
        server_side.answer(503),
        server_side.send(close_frame(1001)),
        server_side.send(text(b"hello")),
    )
    got: list[str] = []
    with RawServer(*steps, refuse=True) as server:
        dice = Dice(at_first=server.listen)  # the server is up once it was tried in vain
        backoff = wsfast.Backoff(base=0.001, rng=dice)
        with pytest.raises(Enough):
            run(f"ws://{HOST}:{server.port}/", got, backoff)
    assert got == ["hello"]
    assert server.connections == 4
    # aiohttp itself sends a GET again, once, after a hang-up.
    assert dice.ceilings in ([0.001, 0.002, 0.004], [0.001, 0.002, 0.004, 0.008])


@RECIPES
@pytest.mark.parametrize(
    "frame",
    [close_frame(1007), text("Grüße".encode("latin-1")), close_frame(1000), close_frame(None)],
    ids=["1007", "text in Latin-1", "1000", "no code"],
)
def test_recipe_ends_at_what_would_repeat_itself(run: Run, frame: bytes) -> None:
    backoff = wsfast.Backoff(base=0.001)
    with RawServer(server_side.send(frame)) as server:
        with pytest.raises(Exception, match=r"100[057]|UTF-8|utf-8|cannot decode") as caught:
            run(f"ws://{HOST}:{server.port}/", [], backoff)
        assert not isinstance(caught.value, Enough)
    assert (server.connections, backoff.attempts) == (1, 0)


def test_recipe_example_prints_what_it_says() -> None:
    ((code, output),) = (block for block in BLOCKS if block[1])
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, "reconnecting.md", "exec"), {})
    assert printed.getvalue() == output
