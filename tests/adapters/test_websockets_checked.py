"""Connections of websockets that were checked once: what is wrapped, overridden or changed counts.

Invariant: as test_websockets.py: what a connection does is what stock websockets does.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, cast

import pytest

pytest.importorskip("websockets.asyncio.connection")

from websockets.asyncio import messages
from websockets.asyncio.connection import Connection
from websockets.extensions.base import Extension
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Frame, Opcode
from websockets.protocol import Protocol, Side

from websockets_traffic import Transport, opened, unmasked, written
from wsfast import restore

SwitchOn = Callable[[str], Any]

# What instrumentation may wrap, and what it must have seen of one message in and one out.
WRAPPED = [
    (Connection, "recv", 1),
    (Connection, "__aiter__", 0),
    (Connection, "send", 1),
    (Connection, "data_received", 1),
    (Connection, "process_event", 1),
    (Connection, "send_data", 2),
    (Connection, "send_context", 1),
    (Protocol, "receive_data", 1),
    (Protocol, "recv_frame", 1),
    (Protocol, "events_received", 1),
    (Protocol, "send_text", 1),
    (Protocol, "send_frame", 1),
    (messages.Assembler, "get", 1),
    (messages.Assembler, "put", 1),
    (messages.SimpleQueue, "get", 1),
    (messages.SimpleQueue, "put", 1),
    (Frame, "serialize", 1),
]


@contextlib.contextmanager
def wrapped(kind: type, name: str) -> Iterator[list[str]]:
    """Wrap a method as instrumentation does; give the calls that it saw."""
    calls: list[str] = []
    original = vars(kind)[name]

    @functools.wraps(original)
    def wrapper(*arguments: Any, **options: Any) -> Any:
        calls.append(name)
        return original(*arguments, **options)

    setattr(kind, name, wrapper)
    try:
        yield calls
    finally:
        setattr(kind, name, original)


async def exchange(connection: Connection, *, waits: bool = False) -> None:
    """Let a connection receive a message and send one."""
    sent = cast("Transport", connection.transport).sent
    receiving = asyncio.ensure_future(connection.recv())
    if waits:
        await asyncio.sleep(0)
    connection.data_received(written(0x81, b"in", to_server=True))
    assert await receiving == "in"
    before = len(sent)
    await connection.send("out")
    assert unmasked(bytes(sent[before:])) == [b"\x81\x03out"]


@pytest.mark.parametrize("waits", [False, True])
@pytest.mark.parametrize("first", ["wrapped", "accelerated", "used"])
@pytest.mark.parametrize(("kind", "name", "least"), WRAPPED)
def test_instrumentation_sees_what_it_wraps(
    switch_on: SwitchOn, kind: type, name: str, least: int, first: str, waits: bool
) -> None:
    async def main(wrap: Callable[[], list[str]]) -> None:
        connection = opened()
        if first == "used":  # and the connection has been looked at
            await exchange(connection, waits=waits)
        calls = wrap()
        if first == "wrapped":
            switch_on("websockets")
        await exchange(connection, waits=waits)
        assert len(calls) >= least

    with contextlib.ExitStack() as stack:
        if first != "wrapped":
            switch_on("websockets")
        asyncio.run(main(lambda: stack.enter_context(wrapped(kind, name))))
        if first == "wrapped":
            restore()


def set_debug(connection: Any) -> None:
    connection.protocol.debug = True


def set_limit(connection: Any) -> None:
    name = "max_message_size" if hasattr(connection.protocol, "max_message_size") else "max_size"
    setattr(connection.protocol, name, 1)


def begin_message(connection: Any) -> None:
    connection.data_received(written(0x01, b"a", to_server=True))
    connection.data_received(written(0x80, b"b", to_server=True))
    connection.data_received(written(0x02, b"c", to_server=True))


def hand_over_a_part(connection: Any) -> None:
    connection.protocol.receive_data(written(0x82, b"part", to_server=True)[:4])


def hand_over(connection: Any) -> None:
    connection.protocol.receive_data(written(0x82, b"whole", to_server=True))


def answer_unsent(connection: Any) -> None:
    connection.protocol.receive_data(written(0x89, b"ping", to_server=True))


def send_unsent(connection: Any) -> None:
    connection.protocol.data_to_send()
    connection.protocol.send_text(b"unsent")


def begin_to_send(connection: Any) -> None:
    connection.protocol.send_text(b"begun", fin=False)


def compress(connection: Any) -> None:
    connection.protocol.extensions = [PerMessageDeflate(False, False, 15, 15)]


class Louder(Extension):
    name = "louder"

    def encode(self, frame: Frame) -> Frame:
        return Frame(frame.opcode, bytes(frame.data).upper())

    def decode(self, frame: Frame, *, max_size: int | None = None) -> Frame:
        return Frame(frame.opcode, bytes(frame.data) + b"!")


def extend(connection: Any) -> None:
    connection.protocol.extensions = [Louder()]


def fail(connection: Any) -> None:
    connection.protocol.fail(1011, "by itself")


CHANGES = [
    set_debug,
    set_limit,
    begin_message,
    hand_over_a_part,
    hand_over,
    answer_unsent,
    send_unsent,
    begin_to_send,
    compress,
    extend,
    fail,
]


@pytest.mark.parametrize("cut", [0, 1, 7])
@pytest.mark.parametrize("sends_first", [False, True])
@pytest.mark.parametrize("change", CHANGES)
def test_what_happens_to_a_connection_counts_at_once(
    switch_on: SwitchOn,
    change: Callable[[Any], None],
    sends_first: bool,
    cut: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A connection that was checked is checked again after anything that could matter."""

    async def ended(coroutine: Coroutine[Any, Any, Any]) -> object:
        waiting = asyncio.wait_for(coroutine, 0.05)
        (outcome,) = await asyncio.gather(waiting, return_exceptions=True)
        failed = isinstance(outcome, BaseException)
        return (type(outcome), str(outcome)) if failed else outcome

    async def main() -> list[object]:
        caplog.set_level(logging.CRITICAL, "websockets")
        connection = opened()
        connection.close_timeout = 0.01
        await exchange(connection)
        change(connection)
        caplog.set_level(logging.DEBUG, "websockets")
        caplog.clear()
        seen: list[object] = [await ended(connection.send("first"))] if sends_first else []
        for text in ("in", "again"):
            wire = written(0x81, text.encode(), to_server=True)
            for read in (wire[:cut], wire[cut:]) if cut else (wire,):
                connection.data_received(read)
                seen.append(len(connection.transport.sent))
            seen += [await ended(connection.recv()), await ended(connection.send(text))]
        protocol = connection.protocol
        seen += [bytes(connection.transport.sent), protocol.state, protocol.close_code]
        return seen + [record.getMessage() for record in caplog.records]

    restore()
    stock = asyncio.run(main())
    switch_on("websockets")
    assert asyncio.run(main()) == stock


def test_what_a_subclass_overrides_is_called(switch_on: SwitchOn) -> None:
    switch_on("websockets")
    seen: list[Any] = []

    class Own(Connection):
        def process_event(self, event: Any) -> None:
            seen.append(bytes(event.data))
            super().process_event(event)

        def send_data(self) -> None:
            seen.append("sends")
            super().send_data()

    class OwnProtocol(Protocol):
        def send_frame(self, frame: Any) -> None:
            seen.append(frame.opcode)
            super().send_frame(frame)

    async def main() -> None:
        connection = Own(OwnProtocol(Side.SERVER), ping_interval=None)
        connection.connection_made(Transport())  # type: ignore[arg-type]
        connection.data_received(written(0x81, b"in", to_server=True))
        assert await connection.recv() == "in"
        await connection.send(b"out")

    asyncio.run(main())
    assert seen == ["sends", b"in", Opcode.BINARY, "sends"]
