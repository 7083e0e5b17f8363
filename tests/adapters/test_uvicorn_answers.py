"""uvicorn with our protocol: what is answered, when, and before which end.

Tests of what both protocols do run on both; where ours should differ, only ours runs.
"""

from __future__ import annotations

import asyncio
import threading
import time
import zlib
from typing import Any

import pytest

pytest.importorskip("uvicorn")
pytest.importorskip("websockets")

from uvicorn.protocols.utils import ClientDisconnected

from helpers import BINARY, CLOSE, CONTINUATION, PING, TEXT, frame, header, mask
from loopback import SECONDS, Frame
from uvicorn_serving import (
    CLOSED,
    DEFLATE,
    USUAL,
    App,
    Served,
    accepted,
    both,
    echo,
    loops,
    quiet,  # noqa: F401 # in use for every test here
    served,
)
from wsfast.adapters.uvicorn import _closing

BURST = b"".join(frame(TEXT, b"%d" % i) for i in range(200))


@both
@pytest.mark.parametrize("awaits", [False, True], ids=["never awaits", "awaits"])
def test_answers_are_not_withheld_while_the_application_blocks_and_messages_wait(
    ws: str, awaits: bool
) -> None:
    # uvloop itself writes nothing before the application awaits, with any protocol.
    seen = threading.Semaphore(0)

    async def app(receive: Any, send: Any, running: Served) -> Any:
        for _ in range(200):
            text = (await receive())["text"]
            await send({"type": "websocket.send", "text": f"start {text}"})
            if not seen.acquire(timeout=SECONDS):
                return "the client did not see the start"
            await send({"type": "websocket.send", "text": f"end {text}"})
            if awaits:
                await asyncio.sleep(0)
        return None

    with served(accepted(app), ws, loop="asyncio") as running, running.client() as client:
        client.send(BURST)
        for i in range(200):
            assert client.hear() == Frame(TEXT, b"start %d" % i, True)
            time.sleep(2e-4)  # a client takes longer than an application that is quick
            seen.release()
            assert client.hear() == Frame(TEXT, b"end %d" % i, True)
        assert running.next() is None


# What ends what a client sends, and what comes before.

BAD = b"\xff" + 9000 * b"x"


def raw(opcode: int, payload: bytes, rsv1: bool = False) -> bytes:
    first = 0x80 | opcode | (0x40 if rsv1 else 0)
    return header(first, len(payload), key=bytes(4)) + payload


def deflated(payload: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-12)
    return (stream.compress(payload) + stream.flush(zlib.Z_SYNC_FLUSH))[:-4]


VIOLATIONS = {
    "1007": (raw(TEXT, BAD), 1007),
    "1007, short": (raw(TEXT, b"\xff"), 1007),
    "1007, at the end of a long one": (raw(TEXT, 300_000 * b"x" + b"\xff"), 1007),
    "1007, in a fragment": (frame(TEXT, b"a", fin=False) + frame(CONTINUATION, BAD), 1007),
    "1009": (raw(BINARY, bytes(2_000_000)), 1009),
    "1009, in fragments": (
        frame(BINARY, bytes(900_000), fin=False) + raw(CONTINUATION, bytes(900_000)),
        1009,
    ),
    "1002, opcode": (raw(3, BAD), 1002),
    "1002, no mask": (frame(TEXT, 9000 * b"x", key=None), 1002),
    "1002, long ping": (raw(PING, bytes(9000)), 1002),
    "1002, RSV2": (b"\xa1\x80" + bytes(9000), 1002),
}
COMPRESSED = {
    "1007, compressed": (raw(TEXT, deflated(BAD), rsv1=True), 1007),
    "1009, compressed": (raw(BINARY, deflated(bytes(2_000_000)), rsv1=True), 1009),
    "1002, not deflate": (raw(TEXT, b"\xff" * 9000, rsv1=True), 1002),
}


@pytest.fixture(scope="module", params=["asyncio", "uvloop"])
def echoing(request: pytest.FixtureRequest) -> Any:
    """A server that echoes, and takes messages of a million bytes."""
    if request.param == "uvloop":
        pytest.importorskip("uvloop")
    with served(echo, loop=request.param, ws_max_size=1_000_000) as running:
        yield running


@pytest.mark.parametrize("headers", [USUAL, DEFLATE], ids=["plain", "deflate"])
@pytest.mark.parametrize("fault", [*VIOLATIONS, *COMPRESSED])
def test_what_came_before_a_violation_is_answered_whatever_its_size(
    echoing: Served, fault: str, headers: tuple[bytes, ...]
) -> None:
    wire, code = (VIOLATIONS | COMPRESSED)[fault]
    if headers is USUAL and fault in COMPRESSED:
        code = 1002  # RSV1 without an agreement
    with echoing.client(headers=headers) as client:
        client.send(raw(TEXT, b"one") + wire)
        assert client.hear() == Frame(TEXT, b"one", True)
        assert client.farewell()[0] == code
    assert echoing.next()["code"] == code


def slow(steps: int) -> Any:
    """Return an application that awaits a while before each answer."""

    def make(running: Served) -> App:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            await receive()
            await send({"type": "websocket.accept"})
            while (event := await receive())["type"] == "websocket.receive":
                for _ in range(steps):
                    await asyncio.sleep(0.001)
                await send({**event, "type": "websocket.send"})
            running.told.put(event)

        return app

    return make


@loops
@pytest.mark.parametrize("end", [frame(CLOSE, CLOSED), frame(3)], ids=["close", "violation"])
@pytest.mark.parametrize("headers", [USUAL, DEFLATE], ids=["plain", "deflate"])
def test_application_that_awaits_answers_all_that_came_before_the_end(
    loop: str, end: bytes, headers: tuple[bytes, ...]
) -> None:
    with served(slow(20), loop=loop) as running, running.client(headers=headers) as client:
        for i in range(5):
            client.say(TEXT, b"%d" % i)
        client.send(end)
        assert [client.hear() for _ in range(5)] == [Frame(TEXT, b"%d" % i, True) for i in range(5)]
        code = 1000 if end[1] & 0x7F else 1002
        assert client.farewell()[0] == code
        assert running.next()["code"] == code


@loops
def test_application_at_work_on_the_only_message_answers_it_before_the_close(loop: str) -> None:
    at_work = threading.Event()

    async def app(receive: Any, send: Any, running: Served) -> Any:
        event = await receive()
        at_work.set()
        (connection,) = running.server.server_state.connections
        async with asyncio.timeout(SECONDS):
            while connection._last is None:  # the close frame has not come
                await asyncio.sleep(0.001)
        await send({**event, "type": "websocket.send"})
        return await receive()

    with served(accepted(app), loop=loop) as running, running.client() as client:
        client.say(TEXT, b"one")
        assert at_work.wait(SECONDS)
        client.say(CLOSE, CLOSED)
        assert client.hear() == Frame(TEXT, b"one", True)
        assert client.farewell()[0] == 1000
        assert running.next() == {"type": "websocket.disconnect", "code": 1000, "reason": ""}


async def never_receives(receive: Any, send: Any, running: Served) -> None:
    while True:
        await send({"type": "websocket.send", "text": "push"})
        await asyncio.sleep(0.001)


async def subscribes(receive: Any, send: Any, running: Served) -> None:
    await receive()
    await never_receives(receive, send, running)


@both
@loops
@pytest.mark.parametrize("app", [never_receives, subscribes])
def test_application_that_pushes_is_not_waited_for(
    app: Any, ws: str, loop: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_closing, "GRACE", 3600.0)  # not what ends it

    with served(accepted(app), ws, loop=loop) as running, running.client() as client:
        if app is subscribes:
            client.say(TEXT, b"news")
        assert client.hear() == Frame(TEXT, b"push", True)
        client.say(CLOSE, CLOSED)
        assert client.farewell()[0] == 1000
        assert isinstance(running.next(), ClientDisconnected)


@pytest.mark.parametrize("sent", [0, 1, 3])
def test_application_that_neither_answers_nor_receives_is_waited_for_within_bounds(
    sent: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_closing, "GRACE", 0.01)

    async def app(receive: Any, send: Any, running: Served) -> None:
        (connection,) = running.server.server_state.connections
        connection.close_timeout = 0.02
        if sent:
            await receive()
        async with asyncio.timeout(SECONDS):
            while not connection._lost:
                await asyncio.sleep(0.001)

    with served(accepted(app)) as running, running.client() as client:
        client.send(frame(TEXT, b"x") * sent + frame(CLOSE, CLOSED))
        assert client.farewell()[0] == 1000
        client.hang_up()
        assert running.next() is None


def test_connection_lost_while_answers_are_due_has_the_code_of_the_close_frame() -> None:
    async def app(receive: Any, send: Any, running: Served) -> Any:
        await receive()
        (connection,) = running.server.server_state.connections
        async with asyncio.timeout(SECONDS):
            while connection._last is None:
                await asyncio.sleep(0.001)
            connection.transport.abort()
            while not connection._lost:
                await asyncio.sleep(0.001)
        return await receive()

    with served(accepted(app)) as running, running.client() as client:
        client.send(frame(TEXT, b"x") + frame(CLOSE, b"\x03\xe9gone"))
        assert running.next() == {"type": "websocket.disconnect", "code": 1001, "reason": "gone"}
        assert client.hear() is None


def test_server_that_stops_does_not_wait_for_answers() -> None:
    async def app(receive: Any, send: Any, running: Served) -> Any:
        await receive()
        (connection,) = running.server.server_state.connections
        async with asyncio.timeout(SECONDS):
            while connection._last is None:
                await asyncio.sleep(0.001)
        running.server.should_exit = True
        return await receive()

    with served(accepted(app)) as running, running.client() as client:
        client.send(frame(TEXT, b"x") + frame(CLOSE, CLOSED))
        assert client.farewell()[0] in (1000, 1012)


def test_masked_frames_of_this_file_are_what_they_say() -> None:
    assert raw(TEXT, b"one") == frame(TEXT, mask(b"one", bytes(4)), key=bytes(4))
