"""uvicorn with our protocol: pings, and who waits for whom.

Tests of what both protocols do run on both; where ours should differ, only ours runs.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from typing import Any

import pytest

pytest.importorskip("uvicorn")
pytest.importorskip("websockets")

from uvicorn.protocols.utils import ClientDisconnected

from helpers import BINARY, CLOSE, PING, PONG, TEXT, frame
from loopback import SECONDS, Frame
from uvicorn_serving import (
    CLOSED,
    OURS,
    Served,
    accepted,
    both,
    echo,
    loops,
    quiet,  # noqa: F401 # in use for every test here
    served,
    unmasked,
    until,
)
from wsfast.adapters.uvicorn import WebSocketProtocol, _closing

# Keepalive.


@both
@loops
def test_unanswered_ping_is_1011(ws: str, loop: str) -> None:
    options = {"ws_ping_interval": 0.05, "ws_ping_timeout": 0.1}
    with served(echo, ws, loop=loop, **options) as running, running.client() as client:
        got = client.hear()
        assert got is not None
        assert (got.opcode, len(got.payload)) == (PING, 4)
        assert client.farewell() == (1011, "keepalive ping timeout")
        if ws == OURS:  # sansio says 1005
            ending = {"code": 1011, "reason": "keepalive ping timeout"}
            assert running.next() == {"type": "websocket.disconnect", **ending}


@both
@pytest.mark.parametrize("timeout", [5.0, None])
def test_answered_pings_go_on(ws: str, timeout: float | None) -> None:
    options = {"ws_ping_interval": 0.05, "ws_ping_timeout": timeout}
    with served(echo, ws, **options) as running, running.client() as client:
        payloads = set()
        for _ in range(6):
            got = client.hear()
            assert got is not None
            assert got.opcode == PING
            payloads.add(got.payload)
            client.say(PONG, got.payload)
        assert len(payloads) == 6


def test_pings_can_be_off() -> None:
    with served(echo, ws_ping_interval=None) as running, running.client() as client:
        client.socket.settimeout(0.3)
        with pytest.raises(TimeoutError):
            client.socket.recv(1)


def test_client_that_is_not_read_is_not_blamed(monkeypatch: pytest.MonkeyPatch) -> None:
    overdue: list[bool] = []
    silent = WebSocketProtocol._silent

    def watched(connection: WebSocketProtocol) -> bool:
        overdue.append(silent(connection))
        connection._keepalive._timeout = SECONDS  # enough, however busy the machine is
        return overdue[-1]

    monkeypatch.setattr(WebSocketProtocol, "_silent", watched)

    async def app(receive: Any, send: Any, running: Served) -> Any:
        (connection,) = running.server.server_state.connections
        await until(lambda: connection._paused)
        connection._keepalive._interval = 0.01
        connection._keepalive.start()
        await until(lambda: bool(overdue))
        return [(await receive())["text"] for _ in range(20)] and overdue

    options = {"ws_ping_interval": None, "ws_ping_timeout": 0.1}
    with served(accepted(app), **options) as running, running.client() as client:
        client.send(frame(TEXT, b"x" * 30_000) * 20)
        got = client.hear()
        assert got is not None
        assert got.opcode == PING
        client.say(PONG, got.payload)  # behind messages that the application does not take
        assert running.next() == [True]


@loops
def test_client_that_is_gone_is_noticed_though_it_is_not_read(loop: str) -> None:
    async def app(receive: Any, send: Any, running: Served) -> None:
        (connection,) = running.server.server_state.connections
        await until(lambda: connection._paused)
        running.told.put("paused")
        await until(lambda: connection._lost)  # it neither receives nor sends

    options = {"ws_ping_interval": 0.05, "ws_ping_timeout": 0.05}
    with served(accepted(app), loop=loop, **options) as running, running.client() as client:
        client.send(frame(TEXT, b"x") * 32)
        assert client.hear() is not None  # a ping
        assert running.next() == "paused"
        client.hang_up()
        assert running.next() is None


@loops
def test_client_that_sends_and_reads_nothing_is_1011(
    loop: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_closing, "LINGER", 0.05)

    async def app(receive: Any, send: Any, running: Served) -> None:
        while (event := await receive())["type"] == "websocket.receive":
            await send({**event, "type": "websocket.send"})
        await send({"type": "websocket.send", "text": "late"})

    options = {"ws_ping_interval": 0.1, "ws_ping_timeout": 1.0}
    with served(accepted(app), loop=loop, **options) as running, running.client() as client:
        client.socket.settimeout(0.5)
        with contextlib.suppress(ConnectionError):  # the server may be quicker
            sent_until_full(client.socket, memoryview(unmasked(bytes(50_000)) * 1000))
        assert isinstance(running.next(), ClientDisconnected)


# Backpressure.


@both
@loops
def test_nothing_more_is_read_while_the_application_does_not_receive(ws: str, loop: str) -> None:
    go: list[bool] = []
    messages, size = 600, 50_000

    async def app(receive: Any, send: Any, running: Served) -> Any:
        await until(lambda: bool(go))
        for number in range(messages):
            assert (await receive())["bytes"][:4] == number.to_bytes(4, "big")

    with served(accepted(app), ws, loop=loop) as running, running.client() as client:
        wire = memoryview(
            b"".join(unmasked(number.to_bytes(4, "big") + bytes(size - 4)) for number in range(600))
        )
        client.socket.settimeout(1.0)
        sent = sent_until_full(client.socket, wire)
        assert sent < len(wire) * 3 // 4  # what the kernel's buffers take is megabytes
        go.append(True)
        client.socket.settimeout(20)
        client.socket.sendall(wire[sent:])
        assert running.next() is None


@both
@loops
def test_send_waits_while_the_client_does_not_read(ws: str, loop: str) -> None:
    sent: list[int] = []

    async def app(receive: Any, send: Any, running: Served) -> None:
        for number in range(1000):
            await send({"type": "websocket.send", "bytes": bytes(1 << 16)})
            sent.append(number)
        await send({"type": "websocket.close"})

    with served(accepted(app), ws, loop=loop) as running, running.client() as client:
        while not sent:
            time.sleep(0.01)
        time.sleep(0.3)
        assert len(sent) < 900  # what the kernel's buffers take is megabytes
        for _ in range(1000):
            assert client.hear_message() == (BINARY, bytes(1 << 16))
        assert client.farewell() == (1000, "")


def sent_until_full(sock: socket.socket, wire: memoryview) -> int:
    """Return how much a socket takes before it would have to wait."""
    sent = 0
    try:
        while sent < len(wire):
            sent += sock.send(wire[sent : sent + 65_536])
    except TimeoutError:
        return sent
    raise AssertionError("the server read all of it")


def test_send_that_waits_ends_with_the_connection() -> None:
    async def app(receive: Any, send: Any, running: Served) -> None:
        while True:
            await send({"type": "websocket.send", "bytes": bytes(1 << 16)})

    with served(accepted(app)) as running:
        with running.client():
            time.sleep(0.2)
        assert isinstance(running.next(), OSError)


@loops
def test_client_that_closes_and_does_not_read_holds_nothing_up(loop: str) -> None:
    async def app(receive: Any, send: Any, running: Served) -> None:
        (connection,) = running.server.server_state.connections
        connection.close_timeout = 0.05
        while True:
            await send({"type": "websocket.send", "bytes": bytes(1 << 16)})

    with served(accepted(app), loop=loop) as running, running.client() as client:
        client.say(CLOSE, CLOSED)
        assert isinstance(running.next(), OSError)


def test_cancelled_receive_loses_nothing() -> None:
    async def app(receive: Any, send: Any, running: Served) -> Any:
        for _ in range(50):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(receive(), 0.001)
        await send({"type": "websocket.send", "text": "now"})
        together = await asyncio.gather(receive(), receive())
        assert {event["text"] for event in together} == {"one", "two"}
        return [len(connection._waiters) for connection in running.server.server_state.connections]

    with served(accepted(app)) as running, running.client() as client:
        assert client.hear() == Frame(TEXT, b"now", True)
        client.say(TEXT, b"one")
        client.say(TEXT, b"two")
        assert running.next() == [0]
