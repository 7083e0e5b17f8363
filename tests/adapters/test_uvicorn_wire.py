"""Our protocol for uvicorn on a transport that does what the test says."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

pytest.importorskip("uvicorn")

import uvicorn
from uvicorn.server import ServerState

from helpers import BINARY, CLOSE, PING, PONG, TEXT, frame, header
from wsfast import encode_close, encode_frame
from wsfast.adapters import _gathering
from wsfast.adapters.uvicorn import WebSocketProtocol, _closing, _protocol, _wire

REQUEST = (
    b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Extensions: permessage-deflate\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


class Transport(asyncio.Transport):
    """Keep what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []
        self.reading = True
        self.closed = ""
        self.unsent = 0

    def write(self, data: Any) -> None:
        assert not self.closed, "written after the end"
        self.writes.append(bytes(data))

    def write_eof(self) -> None:
        self.closed = "half"

    def can_write_eof(self) -> bool:
        return True

    def is_closing(self) -> bool:
        return self.closed in ("closed", "aborted")

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def close(self) -> None:
        assert not self.is_closing(), "asyncio's with TLS is of no use any more when closed twice"
        self.closed = "closed"

    def abort(self) -> None:
        self.closed = "aborted"

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True


Test = Callable[[WebSocketProtocol, Transport, Any], Awaitable[None]]


def opened(test: Test, **options: Any) -> None:
    """Run a test on a connection that an application has accepted, and does not read."""

    options = {"ws_per_message_deflate": False, **options}

    async def main() -> None:
        over = asyncio.Event()

        async def app(scope: Any, receive: Any, send: Any) -> None:
            await receive()
            await send({"type": "websocket.accept"})
            await over.wait()

        config = uvicorn.Config(app, log_config=None, lifespan="off", **options)
        state = ServerState()
        protocol = WebSocketProtocol(config, state, {})
        transport = Transport()
        protocol.connection_made(transport)
        protocol.data_received(REQUEST)
        await asyncio.sleep(0)
        assert transport.writes[0].startswith(b"HTTP/1.1 101")
        transport.writes.clear()
        await test(protocol, transport, state)
        over.set()
        protocol.connection_lost(None)
        assert not state.connections
        await asyncio.gather(*state.tasks)

    asyncio.run(main())


def test_a_read_full_of_pings_is_answered_with_one_write() -> None:
    async def test(protocol: WebSocketProtocol, transport: Transport, state: Any) -> None:
        protocol.data_received(b"".join(frame(PING, b"%d" % i) for i in range(1000)))
        assert transport.writes == [b"".join(encode_frame(PONG, b"%d" % i) for i in range(1000))]

    opened(test)


def test_pings_of_a_client_that_does_not_read_do_not_pile_up() -> None:
    async def test(protocol: WebSocketProtocol, transport: Transport, state: Any) -> None:
        protocol.pause_writing()
        protocol.data_received(b"".join(frame(PING, b"%d" % i) for i in range(1000)))
        assert transport.writes == []
        protocol.resume_writing()
        assert transport.writes == [encode_frame(PONG, b"999")]

    opened(test)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """An application that counts as quick, however busy the machine is."""
    monkeypatch.setattr(_gathering, "QUICK", 3600.0)
    monkeypatch.setattr(_gathering, "HELD", 3600.0)


async def echoed(protocol: WebSocketProtocol, numbers: range) -> None:
    for i in numbers:
        assert await protocol.receive() == {"type": "websocket.receive", "text": f"{i}"}
        await protocol.send({"type": "websocket.send", "text": f"{i}"})


def wire_of(numbers: range) -> bytes:
    return b"".join(encode_frame(TEXT, b"%d" % i) for i in numbers)


@pytest.mark.usefixtures("quick")
def test_answers_after_the_first_are_gathered_while_messages_wait_and_written_in_the_turn() -> None:
    async def test(protocol: WebSocketProtocol, transport: Transport, state: Any) -> None:
        protocol.data_received(b"".join(frame(TEXT, b"%d" % i) for i in range(10)))
        await echoed(protocol, range(5))
        assert transport.writes == [wire_of(range(1))]
        await asyncio.sleep(0)
        assert transport.writes == [wire_of(range(1)), wire_of(range(1, 5))]
        transport.writes.clear()
        await echoed(protocol, range(5, 10))
        assert transport.writes == [wire_of(range(5, 10))]
        await asyncio.sleep(0)
        assert len(transport.writes) == 1

    opened(test)


@pytest.mark.parametrize("limit", ["QUICK", "HELD"])
def test_answers_are_not_gathered_for_longer_than_the_limit(
    limit: str, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_gathering, limit, -1.0)  # every step takes longer

    async def test(protocol: WebSocketProtocol, transport: Transport, state: Any) -> None:
        protocol.data_received(b"".join(frame(TEXT, b"%d" % i) for i in range(9)))
        await echoed(protocol, range(9))
        assert b"".join(transport.writes) == wire_of(range(9))
        # With HELD: the first, then two by two, and the last without others behind it.
        assert len(transport.writes) == (9 if limit == "QUICK" else 5)

    opened(test)


def test_application_that_was_slow_is_not_gathered_for_though_it_is_quick_for_once(
    quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def test(protocol: WebSocketProtocol, transport: Transport, state: Any) -> None:
        protocol.data_received(b"".join(frame(TEXT, b"%d" % i) for i in range(30)))
        monkeypatch.setattr(_gathering, "QUICK", -1.0)
        await echoed(protocol, range(2))
        monkeypatch.setattr(_gathering, "QUICK", 3600.0)
        await echoed(protocol, range(2, 1 + _gathering.AT_ONCE))
        assert len(transport.writes) == 1 + _gathering.AT_ONCE
        await echoed(protocol, range(1 + _gathering.AT_ONCE, 29))
        assert len(transport.writes) == 1 + _gathering.AT_ONCE

    opened(test)


@pytest.mark.usefixtures("quick")
def test_large_answers_are_not_gathered() -> None:
    async def test(protocol: WebSocketProtocol, transport: Transport, state: Any) -> None:
        protocol.data_received(frame(TEXT, b"one") * 4)
        await protocol.send({"type": "websocket.send", "text": "first"})
        transport.writes.clear()
        await protocol.receive()
        await protocol.send({"type": "websocket.send", "text": "small"})
        assert transport.writes == []
        await protocol.send({"type": "websocket.send", "bytes": bytes(_gathering.GATHERED)})
        assert b"".join(transport.writes).startswith(encode_frame(TEXT, b"small"))
        assert len(b"".join(transport.writes)) > _gathering.GATHERED

    opened(test)


@pytest.mark.parametrize(
    ("options", "messages"),
    [
        ({}, [b"x"] * 32),
        ({"ws_max_queue": 2}, [b"x"] * 2),
        ({"ws_max_queue": 0}, [b""] * _wire.MESSAGES),
        ({}, [b"x" * (_wire.QUEUED + 1)]),
    ],
    ids=["messages", "as told", "empty, without limit", "bytes"],
)
def test_reading_pauses_at_a_full_queue_and_goes_on_with_an_empty_one(
    options: dict[str, Any], messages: list[bytes]
) -> None:
    async def test(protocol: WebSocketProtocol, transport: Transport, state: Any) -> None:
        for number, message in enumerate(messages, 1):
            assert transport.reading
            protocol.data_received(frame(TEXT, message, key=bytes(4)))
            assert transport.reading is (number < len(messages))
        for _ in messages:
            assert not transport.reading
            await protocol.receive()
        assert transport.reading

    opened(test, **options)


def compressed(payload: bytes) -> bytes:
    """Return the frame of a message, compressed by itself."""
    stream = zlib.compressobj(wbits=-12)
    deflated = stream.compress(payload) + stream.flush(zlib.Z_SYNC_FLUSH)
    return header(0xC0 | BINARY, len(deflated) - 4, key=bytes(4)) + deflated[:-4]


@pytest.mark.parametrize("end", ["close", "closed by us", "violation", "none"])
def test_reading_pauses_within_a_read_that_inflates_to_much(end: str) -> None:
    async def test(protocol: WebSocketProtocol, transport: Transport, state: Any) -> None:
        one = compressed(bytes(60_000))
        count = _wire.READ // len(one)
        assert count > 100
        protocol.data_received(
            one * count + {"violation": frame(3), "none": b""}.get(end, frame(CLOSE))
        )
        assert not transport.reading
        assert protocol._queued < _wire.QUEUED + 1100 * _wire.INFLATED
        if end == "closed by us":
            await protocol.send({"type": "websocket.close"})
            assert transport.closed == "closed"
            assert protocol.close_timer is None
            return
        for _ in range(count):
            assert await protocol.receive() == {"type": "websocket.receive", "bytes": bytes(60_000)}
        if end == "none":
            assert transport.reading
            protocol.data_received(frame(CLOSE))
        code = 1002 if end == "violation" else 1005
        assert (await protocol.receive())["code"] == code

    opened(test, ws_max_queue=0, ws_per_message_deflate=True)


PINGED = len(encode_frame(PING, bytes(4)))
TIMED_OUT = encode_frame(CLOSE, encode_close(1011, "keepalive ping timeout"))


def keepalive(test: Test) -> None:
    """Run a test on a connection whose first ping was sent, and whose queue has room for one.

    What the timers would do is done by the test.
    """

    async def pinged(protocol: WebSocketProtocol, transport: Transport, state: Any) -> None:
        protocol._keepalive._due()
        assert transport.writes.pop()[0] == 0x80 | PING
        await test(protocol, transport, state)

    opened(pinged, ws_max_queue=1, ws_ping_interval=3600, ws_ping_timeout=3600)


def is_alive(protocol: WebSocketProtocol, transport: Transport) -> bool:
    """Return whether the client is pinged again at the end of a timeout, not hung up on."""
    transport.writes.clear()
    protocol._keepalive._overdue()
    (written,) = transport.writes
    assert written[0] == 0x80 | PING or written == TIMED_OUT
    return written != TIMED_OUT


def test_answer_to_a_ping_may_lie_unread_for_a_timeout_after_reading_goes_on() -> None:
    async def test(protocol: WebSocketProtocol, transport: Transport, state: Any) -> None:
        protocol.data_received(frame(TEXT, b"x"))
        assert is_alive(protocol, transport)
        assert not transport.reading
        assert is_alive(protocol, transport)
        await protocol.receive()
        assert transport.reading
        assert is_alive(protocol, transport)
        assert not is_alive(protocol, transport)

    keepalive(test)


def test_client_that_sends_and_reads_nothing_has_no_such_excuse() -> None:
    async def test(protocol: WebSocketProtocol, transport: Transport, state: Any) -> None:
        protocol.data_received(frame(TEXT, b"x"))
        protocol.pause_writing()
        assert not transport.reading
        protocol._written = transport.unsent = 70_000
        for number in range(4):  # it does read, however slowly
            transport.unsent -= bool(number)
            assert is_alive(protocol, transport)
            transport.unsent += PINGED  # which does not go either
        protocol.resume_writing()  # all of that, and then again too much
        protocol.pause_writing()
        protocol._written += 50_000
        transport.unsent = 70_000
        assert is_alive(protocol, transport)
        transport.unsent += PINGED
        assert not is_alive(protocol, transport)

    keepalive(test)


def test_bytes_of_a_message_that_is_not_whole_are_a_sign_of_life() -> None:
    async def test(protocol: WebSocketProtocol, transport: Transport, state: Any) -> None:
        protocol.data_received(header(0x80 | BINARY, 2_000_000, key=bytes(4)))
        for _ in range(3):
            protocol.data_received(bytes(1000))
            assert is_alive(protocol, transport)
        assert not is_alive(protocol, transport)

    keepalive(test)


def test_unsent_bytes_that_go_are_a_sign_of_life_also_while_more_are_written() -> None:
    async def test(protocol: WebSocketProtocol, transport: Transport, state: Any) -> None:
        transport.unsent = 30_000
        protocol._written = 100_000
        assert not protocol._full
        protocol._ping(bytes(4))  # with something unsent
        transport.unsent += PINGED
        for _ in range(3):
            protocol._written += 1000
            transport.unsent += 999
            assert is_alive(protocol, transport)
            transport.unsent += PINGED
        protocol._written += 1000
        transport.unsent += 1000
        assert not is_alive(protocol, transport)

    keepalive(test)


def test_bytes_that_the_system_took_though_nobody_acknowledges_are_no_sign_of_life() -> None:
    async def test(protocol: WebSocketProtocol, transport: Transport, state: Any) -> None:
        for _ in range(3):
            await protocol.send({"type": "websocket.send", "text": "taken by the system"})
        assert transport.unsent == 0
        assert not is_alive(protocol, transport)

    keepalive(test)


def test_violation_waits_for_quiet_and_then_for_the_client_to_close(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def test(protocol: WebSocketProtocol, transport: Transport, state: Any) -> None:
        monkeypatch.setattr(_closing, "QUIET", 3600)  # not over however busy the machine is
        protocol.data_received(frame(3))
        assert len(transport.writes) == 1
        quiet_at = 0.0
        for _ in range(4):  # it goes on sending
            await asyncio.sleep(0.001)
            protocol.data_received(bytes(1000))
            assert protocol.close_timer is not None
            assert protocol.close_timer.when() > quiet_at
            quiet_at = protocol.close_timer.when()
            assert not transport.closed
        monkeypatch.setattr(_closing, "QUIET", 0.001)
        monkeypatch.setattr(_closing, "LINGER", 3600)
        protocol.data_received(bytes(1000))
        async with asyncio.timeout(20):
            while not transport.closed:
                await asyncio.sleep(0.001)
        assert transport.closed == "half"
        protocol.data_received(bytes(1000))
        assert len(transport.writes) == 1
        protocol.shutdown()
        assert transport.closed == "closed"

    opened(test)


def test_violation_of_a_client_that_never_stops_ends_too() -> None:
    async def test(protocol: WebSocketProtocol, transport: Transport, state: Any) -> None:
        protocol.data_received(frame(3))
        protocol._drop_until = 0.0
        protocol.data_received(bytes(1000))
        assert transport.closed == "closed"

    opened(test)


@pytest.mark.parametrize("how", ["close", "answered close", "shutdown", "silence", "end of file"])
def test_client_that_does_not_read_is_not_waited_for_without_end(
    how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_closing, "LINGER", 0.01)
    monkeypatch.setattr(_protocol, "LINGER", 0.01)

    async def test(protocol: WebSocketProtocol, transport: Transport, state: Any) -> None:
        protocol.close_timeout = 0.01
        transport.unsent = 1
        if how == "close":
            protocol.data_received(frame(CLOSE))
        elif how == "answered close":
            protocol.shutdown()
            protocol.data_received(frame(CLOSE))
        elif how == "shutdown":
            protocol.shutdown()
            protocol.shutdown()
        elif how == "silence":
            protocol.shutdown()
        else:
            protocol.eof_received()
        assert transport.closed == ("" if how == "silence" else "closed")
        async with asyncio.timeout(20):
            while transport.closed != "aborted":
                await asyncio.sleep(0.001)

    opened(test)


def test_client_that_reads_slowly_has_the_time_to(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(protocol: WebSocketProtocol, transport: Transport, state: Any) -> None:
        unsent = [2, 2, 3, 4, 5]
        monkeypatch.setattr(transport, "get_write_buffer_size", unsent.pop)
        protocol.close_timeout = 0.001
        protocol.data_received(frame(CLOSE))
        async with asyncio.timeout(20):
            while transport.closed != "aborted":
                await asyncio.sleep(0.001)
        assert unsent == []

    opened(test)


@pytest.mark.parametrize("unsent", [0, 1])
def test_nothing_is_left_to_abort_once_the_connection_is_lost(unsent: int) -> None:
    async def test(protocol: WebSocketProtocol, transport: Transport, state: Any) -> None:
        transport.unsent = unsent
        protocol.data_received(frame(CLOSE))
        assert bool(protocol.close_timer) is bool(unsent)
        protocol.connection_lost(None)
        assert protocol.close_timer is None

    opened(test)


def test_application_that_does_not_heed_the_end_lets_others_run() -> None:
    async def test(protocol: WebSocketProtocol, transport: Transport, state: Any) -> None:
        protocol.connection_lost(None)
        ran: list[bool] = []
        asyncio.get_running_loop().call_soon(ran.append, True)
        for _ in range(100):
            assert await protocol.receive() == {"type": "websocket.disconnect", "code": 1006}
        assert ran

    opened(test)


def test_nothing_is_kept_of_the_handshake() -> None:
    async def test(protocol: WebSocketProtocol, transport: Transport, state: Any) -> None:
        assert not hasattr(protocol, "_opening")

    opened(test)
