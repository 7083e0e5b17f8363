"""What websockets and aiohttp send while more messages wait is written together, in its order.

For the uvicorn protocol, test_uvicorn_wire.py tests this.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest

from noted_traffic import Transport, unmasked, written
from wsfast import encode_frame, restore
from wsfast.adapters import _gathering

TEXT, PING = 0x81, 0x89


class Writes(Transport):
    """A transport that keeps the writes apart."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []

    def write(self, data: bytes) -> None:
        super().write(data)
        self.writes.append(data)


class Websockets:
    """A server's connection of websockets."""

    library = "websockets"

    def __init__(self, transport: Any) -> None:
        from websockets.asyncio.connection import Connection
        from websockets.protocol import Protocol, Side

        self.own: Any = Connection(Protocol(Side.SERVER), ping_interval=None)
        self.own.connection_made(transport)
        self.protocol, self.arrive, self.lose = (
            self.own,
            self.own.data_received,
            self.own.connection_lost,
        )

    async def receive(self) -> Any:
        return await self.own.recv()

    async def send(self, message: str | bytes) -> None:
        await self.own.send(message)

    async def ping(self) -> None:
        await self.own.ping(b"ping")

    async def close(self) -> None:
        await self.own.close(4000, "own")


class Aiohttp:
    """A server's connection of aiohttp."""

    library = "aiohttp"

    def __init__(self, transport: Any) -> None:
        from aiohttp import web, web_ws
        from aiohttp.http import WebSocketWriter

        from aiohttp_traffic import Protocol

        loop = asyncio.get_running_loop()
        self.protocol = Protocol(loop, transport)
        queue = web_ws.WebSocketDataQueue(self.protocol, 2**16, loop=loop)
        self.protocol._payload_parser = web_ws.WebSocketReader(queue, 2**20)
        self.own: Any = web.WebSocketResponse(timeout=60)
        self.own._loop, self.own._reader = loop, queue
        self.own._writer = WebSocketWriter(self.protocol, transport)
        self.own._payload_writer = mock.Mock(drain=mock.AsyncMock())
        self.own._req = SimpleNamespace(transport=transport, _protocol=self.protocol)
        self.arrive = self.protocol._payload_parser.feed_data

    def lose(self, error: Exception | None) -> None:
        self.protocol._payload_parser.feed_eof()

    async def receive(self) -> Any:
        return (await self.own.receive()).data

    async def send(self, message: str | bytes) -> None:
        await (self.own.send_str if isinstance(message, str) else self.own.send_bytes)(message)

    async def ping(self) -> None:
        await self.own.ping(b"ping")

    async def close(self) -> None:
        await self.own.close(code=4000, message=b"own")


@pytest.fixture(params=[Websockets, Aiohttp], ids=lambda kind: kind.library)
def kind(
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    switch_on: Callable[[str], Any],
) -> Any:
    """A library that is switched on, under an application that counts as quick."""
    pytest.importorskip(request.param.library)
    monkeypatch.setattr(_gathering, "QUICK", 3600.0)
    monkeypatch.setattr(_gathering, "HELD", 3600.0)
    switch_on(request.param.library)
    return request.param


def with_messages(
    kind: Any, test: Callable[[Any, Writes], Awaitable[None]], count: int = 10
) -> None:
    """Run a test on an open connection with so many messages that wait: "0", "1" and so on."""

    async def main() -> None:
        transport = Writes()
        connection = kind(transport)
        wire = [written(TEXT, b"%d" % i, to_server=True) for i in range(count)]
        connection.arrive(b"".join(wire))
        await test(connection, transport)

    asyncio.run(main())


async def echo(connection: Any, numbers: range) -> None:
    for i in numbers:
        assert await connection.receive() == f"{i}"
        await connection.send(f"{i}")


def frames(numbers: range) -> bytes:
    return b"".join(encode_frame(1, b"%d" % i) for i in numbers)


def test_answers_after_the_first_are_gathered_while_messages_wait_and_written_in_the_turn(
    kind: Any,
) -> None:
    async def test(connection: Any, transport: Writes) -> None:
        await echo(connection, range(5))
        assert transport.writes == [frames(range(1))]
        await asyncio.sleep(0)
        assert transport.writes[1:] == [frames(range(1, 5))]
        transport.writes.clear()
        await echo(connection, range(5, 10))  # the last has no message behind it
        assert b"".join(transport.writes) == frames(range(5, 10))
        assert len(transport.writes) <= 2
        await asyncio.sleep(0)
        assert len(transport.writes) <= 2

    with_messages(kind, test)


def test_answer_to_the_first_message_of_each_burst_goes_at_once(kind: Any) -> None:
    async def test(connection: Any, transport: Writes) -> None:
        await echo(connection, range(3))
        transport.writes.clear()
        for i in range(3):
            connection.arrive(written(TEXT, b"%d" % i, to_server=True))
        await echo(connection, range(3))
        assert transport.writes == [frames(range(1)), frames(range(1, 3))]

    with_messages(kind, test, 3)


@pytest.mark.parametrize("limit", ["QUICK", "HELD"])
def test_answers_are_not_gathered_for_longer_than_the_limit(
    kind: Any, limit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_gathering, limit, -1.0)  # every step takes longer

    async def test(connection: Any, transport: Writes) -> None:
        await echo(connection, range(9))
        assert b"".join(transport.writes) == frames(range(9))
        # With HELD: the first, then two by two.
        assert len(transport.writes) == (9 if limit == "QUICK" else 5)

    with_messages(kind, test)


def test_more_than_the_limit_of_bytes_is_written_at_once(kind: Any) -> None:
    async def test(connection: Any, transport: Writes) -> None:
        await echo(connection, range(2))
        await connection.send(bytes(_gathering.GATHERED))
        large = encode_frame(2, bytes(_gathering.GATHERED))
        assert b"".join(transport.writes) == frames(range(2)) + large

    with_messages(kind, test)


async def _ping(connection: Any) -> None:
    await connection.ping()


async def _close(connection: Any) -> None:
    task = asyncio.create_task(connection.close())
    await asyncio.sleep(0)
    connection.lose(None)
    await task


async def _restored(connection: Any) -> None:
    restore(connection.library)
    await connection.send("stock")


async def _broadcast(connection: Any) -> None:
    from websockets.asyncio.connection import broadcast

    broadcast([connection.own], "to all")


async def _fragments(connection: Any) -> None:
    await connection.own.send(["one ", "two"])


async def _pong(connection: Any) -> None:
    connection.arrive(written(PING, b"asked", to_server=True))


async def _compressed(connection: Any) -> None:
    await connection.own.send_str("a", compress=9)


BOTH = [
    (_ping, [b"\x89\x04ping"]),
    (_close, [b"\x88\x05\x0f\xa0own"]),
    (_restored, [b"\x81\x05stock"]),
]
OF_WEBSOCKETS = [
    (_broadcast, [b"\x81\x06to all"]),
    (_fragments, [b"\x01\x04one ", b"\x00\x03two", b"\x80\x00"]),
    (_pong, [b"\x8a\x05asked"]),
]
OF_AIOHTTP = [(_compressed, [b"\xc1\x03J\x04\x00"])]


@pytest.mark.parametrize(
    ("kind", "act", "then"),
    [(Websockets, *case) for case in BOTH + OF_WEBSOCKETS]
    + [(Aiohttp, *case) for case in BOTH + OF_AIOHTTP],
    indirect=["kind"],
    ids=lambda value: "" if isinstance(value, list) else value.__name__.strip("_").lower(),
)
def test_what_is_held_goes_before_what_the_library_writes(
    kind: Any, act: Callable[[Any], Awaitable[None]], then: list[bytes]
) -> None:
    async def test(connection: Any, transport: Writes) -> None:
        await echo(connection, range(5))
        assert len(transport.writes) == 1
        await act(connection)
        assert unmasked(b"".join(transport.writes)) == unmasked(frames(range(5))) + then
        await asyncio.sleep(0)
        assert unmasked(bytes(transport.sent)) == unmasked(frames(range(5))) + then

    with_messages(kind, test)


def test_what_is_held_is_written_after_restore(kind: Any) -> None:
    async def test(connection: Any, transport: Writes) -> None:
        await echo(connection, range(5))
        restore(kind.library)
        await asyncio.sleep(0)
        assert b"".join(transport.writes) == frames(range(5))

    with_messages(kind, test)


def test_nothing_is_held_for_a_transport_that_has_too_much_to_write(kind: Any) -> None:
    async def test(connection: Any, transport: Writes) -> None:
        await echo(connection, range(3))
        connection.protocol.pause_writing()
        sending = asyncio.create_task(connection.send("more"))
        await asyncio.sleep(0)
        assert b"".join(transport.writes) == frames(range(3)) + encode_frame(1, "more")
        connection.protocol.resume_writing()
        await sending

    with_messages(kind, test)


def test_transport_that_closes_gets_nothing_of_what_was_held(kind: Any) -> None:
    async def test(connection: Any, transport: Writes) -> None:
        await echo(connection, range(3))
        transport.close()
        await asyncio.sleep(0)
        assert transport.writes == [frames(range(1))]

    with_messages(kind, test)


@pytest.mark.parametrize("kind", [Aiohttp], indirect=True)
def test_nothing_of_ours_stays_on_a_writer_of_aiohttp(kind: Any) -> None:
    async def test(connection: Any, transport: Writes) -> None:
        writer = connection.own._writer
        before = dict(vars(writer))
        await echo(connection, range(5))
        await asyncio.sleep(0)
        assert {**vars(writer), "_output_size": 0} == before

    with_messages(kind, test)


@pytest.mark.parametrize("kind", [Websockets], indirect=True)
def test_transport_that_refuses_what_was_held_ends_a_connection_of_websockets(kind: Any) -> None:
    from websockets.exceptions import ConnectionClosedError

    async def test(connection: Any, transport: Writes) -> None:
        await echo(connection, range(3))
        transport.refuses = True
        await asyncio.sleep(0)
        assert transport.over
        connection.lose(None)
        with pytest.raises(ConnectionClosedError) as caught:
            await connection.send("more")
        assert repr(caught.value.__cause__) == "RuntimeError('the transport refuses')"

    with_messages(kind, test)
