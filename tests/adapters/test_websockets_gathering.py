"""What websockets sends while more messages wait is written together, and in its order."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

pytest.importorskip("websockets.asyncio.connection")

from websockets.asyncio.connection import Connection, broadcast
from websockets.exceptions import ConnectionClosedError
from websockets.protocol import Protocol, Side

from noted_traffic import Transport, unmasked, written
from wsfast import accelerate, encode_frame, restore
from wsfast.adapters import _gathering

TEXT = 0x81


class Writes(Transport):
    """A transport that keeps the writes apart."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []

    def write(self, data: bytes) -> None:
        super().write(data)
        self.writes.append(data)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Count every application as quick; switch websockets on."""
    monkeypatch.setattr(_gathering, "QUICK", 3600.0)
    monkeypatch.setattr(_gathering, "HELD", 3600.0)
    accelerate("websockets")
    yield
    restore("websockets")


def with_messages(test: Callable[[Any, Writes], Awaitable[None]], count: int = 10) -> None:
    """Run a test on an open connection with so many messages that wait: "0", "1" and so on."""

    async def main() -> None:
        connection: Any = Connection(Protocol(Side.SERVER), ping_interval=None)
        transport: Any = Writes()
        connection.connection_made(transport)
        wire = [written(TEXT, b"%d" % i, to_server=True) for i in range(count)]
        connection.data_received(b"".join(wire))
        await test(connection, transport)

    asyncio.run(main())


async def echo(connection: Any, numbers: range) -> None:
    for i in numbers:
        assert await connection.recv() == f"{i}"
        await connection.send(f"{i}")


def frames(numbers: range) -> bytes:
    return b"".join(encode_frame(1, b"%d" % i) for i in numbers)


def test_answers_after_the_first_are_gathered_while_messages_wait_and_written_in_the_turn() -> None:
    async def test(connection: Any, transport: Writes) -> None:
        await echo(connection, range(5))
        assert transport.writes == [frames(range(1))]
        await asyncio.sleep(0)
        assert transport.writes[1:] == [frames(range(1, 5))]
        await echo(connection, range(5, 10))  # the last has no message behind it
        assert transport.writes[2:] == [frames(range(5, 10))]
        await asyncio.sleep(0)
        assert len(transport.writes) == 3

    with_messages(test)


def test_answer_to_the_first_message_of_each_burst_goes_at_once() -> None:
    async def test(connection: Any, transport: Writes) -> None:
        await echo(connection, range(3))
        transport.writes.clear()
        for i in range(3):
            connection.data_received(written(TEXT, b"%d" % i, to_server=True))
        await echo(connection, range(3))
        assert transport.writes == [frames(range(1)), frames(range(1, 3))]

    with_messages(test, 3)


@pytest.mark.parametrize("limit", ["QUICK", "HELD"])
def test_answers_are_not_gathered_for_longer_than_the_limit(
    limit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_gathering, limit, -1.0)  # every step takes longer

    async def test(connection: Any, transport: Writes) -> None:
        await echo(connection, range(9))
        assert b"".join(transport.writes) == frames(range(9))
        # With HELD: the first, then two by two.
        assert len(transport.writes) == (9 if limit == "QUICK" else 5)

    with_messages(test)


def test_more_than_the_limit_of_bytes_is_written_at_once() -> None:
    async def test(connection: Any, transport: Writes) -> None:
        await echo(connection, range(2))
        await connection.send(bytes(_gathering.GATHERED))
        large = encode_frame(2, bytes(_gathering.GATHERED))
        assert transport.writes == [frames(range(1)), frames(range(1, 2)) + large]

    with_messages(test)


async def _ping(connection: Any) -> None:
    await connection.ping(b"ping")


async def _close(connection: Any) -> None:
    task = asyncio.create_task(connection.close(4000, "own"))
    await asyncio.sleep(0)
    connection.connection_lost(None)
    await task


async def _broadcast(connection: Any) -> None:
    broadcast([connection], "to all")


async def _fragments(connection: Any) -> None:
    await connection.send(["one ", "two"])


async def _restored(connection: Any) -> None:
    restore("websockets")
    await connection.send("stock")


async def _pong(connection: Any) -> None:
    connection.data_received(written(0x89, b"asked", to_server=True))


@pytest.mark.parametrize(
    ("act", "then"),
    [
        (_ping, [b"\x89\x04ping"]),
        (_close, [b"\x88\x05\x0f\xa0own"]),
        (_broadcast, [b"\x81\x06to all"]),
        (_fragments, [b"\x01\x04one ", b"\x00\x03two", b"\x80\x00"]),
        (_restored, [b"\x81\x05stock"]),
        (_pong, [b"\x8a\x05asked"]),
    ],
    ids=lambda value: value.__name__.strip("_") if callable(value) else "",
)
def test_what_is_held_goes_before_what_websockets_writes(
    act: Callable[[Any], Awaitable[None]], then: list[bytes]
) -> None:
    async def test(connection: Any, transport: Writes) -> None:
        await echo(connection, range(5))
        assert len(transport.writes) == 1
        await act(connection)
        assert unmasked(b"".join(transport.writes)) == unmasked(frames(range(5))) + then
        await asyncio.sleep(0)
        assert unmasked(bytes(transport.sent)) == unmasked(frames(range(5))) + then

    with_messages(test)


def test_what_is_held_is_written_after_restore() -> None:
    async def test(connection: Any, transport: Writes) -> None:
        await echo(connection, range(5))
        restore("websockets")
        await asyncio.sleep(0)
        assert b"".join(transport.writes) == frames(range(5))

    with_messages(test)


def test_nothing_is_held_for_a_transport_that_has_too_much_to_write() -> None:
    async def test(connection: Any, transport: Writes) -> None:
        await echo(connection, range(3))
        connection.pause_writing()
        sending = asyncio.create_task(connection.send("more"))
        await asyncio.sleep(0)
        assert b"".join(transport.writes) == frames(range(3)) + encode_frame(1, "more")
        assert not sending.done()
        connection.resume_writing()
        await sending

    with_messages(test)


def test_transport_that_refuses_what_was_held_ends_the_connection_with_its_error() -> None:
    async def test(connection: Any, transport: Writes) -> None:
        await echo(connection, range(3))
        transport.refuses = True
        await asyncio.sleep(0)
        assert transport.over
        connection.connection_lost(None)
        with pytest.raises(ConnectionClosedError) as caught:
            await connection.send("more")
        assert repr(caught.value.__cause__) == "RuntimeError('the transport refuses')"

    with_messages(test)


def test_transport_that_closes_gets_nothing_of_what_was_held() -> None:
    async def test(connection: Any, transport: Writes) -> None:
        await echo(connection, range(3))
        transport.close()
        await asyncio.sleep(0)
        assert transport.writes == [frames(range(1))]

    with_messages(test)
