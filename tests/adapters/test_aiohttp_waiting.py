"""Receiving from aiohttp, waiting in our code, ends as it does in aiohttp's own.

Invariant: what a connection does is compared with what aiohttp itself does.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Callable
from typing import Any
from unittest import mock

import pytest

pytest.importorskip("aiohttp")

from aiohttp import ClientError, WSMsgType, client_ws, web
from aiohttp.http_websocket import WebSocketError

from aiohttp_traffic import Protocol, opened
from noted_traffic import Transport, unmasked, written
from wsfast import accelerate, restore

SwitchOn = Callable[[str], Any]
KINDS: dict[bool, Any] = {True: web.WebSocketResponse, False: client_ws.ClientWebSocketResponse}


@pytest.fixture(params=[True, False], ids=["server", "client"])
def server(request: pytest.FixtureRequest) -> Any:
    return request.param


class Connection:
    """A connection, and what arrives there."""

    def __init__(self, server: bool, **options: Any) -> None:
        self.server, self.transport = server, Transport()
        self.protocol = Protocol(asyncio.get_running_loop(), self.transport)
        self.socket, self.parser = opened(server, self.protocol, **options)
        self.queue = self.socket._reader
        self.closing: Any = None  # the task of an event, so that it is not lost

    def arrive(self, first: int, payload: bytes) -> None:
        assert not self.parser.feed_data(written(first, payload, self.server))[0]


async def settle() -> None:
    for _ in range(8):
        await asyncio.sleep(0)


# What may happen while an application waits.


def _cancelled(connection: Connection, task: Any) -> None:
    task.cancel()


def _message(connection: Connection, task: Any) -> None:
    connection.arrive(0x81, b"text")


def _message_of_a_closing_connection(connection: Connection, task: Any) -> None:
    connection.arrive(0x82, b"binary")
    connection.socket._closing = True


def _close_frame(connection: Connection, task: Any) -> None:
    connection.arrive(0x88, b"\x0f\xa0own")


def _ping(connection: Connection, task: Any) -> None:
    connection.arrive(0x89, b"ping")


def _ping_and_message(connection: Connection, task: Any) -> None:
    _ping(connection, task)
    _message(connection, task)


def _end(connection: Connection, task: Any) -> None:
    connection.parser.feed_eof()


def _message_and_end(connection: Connection, task: Any) -> None:
    _message(connection, task)
    _end(connection, task)


def _raises(error: Exception) -> Callable[[Connection, Any], None]:
    return lambda connection, task: connection.queue.set_exception(error)


def _error_and_message(connection: Connection, task: Any) -> None:
    connection.queue.set_exception(ConnectionResetError("lost"))
    connection.queue.feed_data(mock.sentinel.unread, 0)


def _given_up(connection: Connection, task: Any) -> None:
    """What aiohttp itself does when a connection is lost, or no pong comes."""
    if connection.server:
        connection.socket._cancel(ConnectionResetError("lost"))
    else:
        connection.socket._handle_ping_pong_exception(ClientError("no pong"))


def _closed_by_another_task(connection: Connection, task: Any) -> None:
    connection.closing = asyncio.ensure_future(connection.socket.close(code=4001))


def _received_by_another_task(connection: Connection, task: Any) -> None:
    other = asyncio.ensure_future(connection.socket.receive())
    other.add_done_callback(lambda done: connection.socket.__dict__.update(other=done.exception()))
    asyncio.get_running_loop().call_soon(_message, connection, task)


EVENTS: list[Callable[[Connection, Any], None]] = [
    *(_cancelled, _message, _message_of_a_closing_connection, _close_frame, _ping),
    *(_ping_and_message, _end, _message_and_end, _error_and_message, _given_up),
    *(_closed_by_another_task, _received_by_another_task),
    *map(_raises, (ClientError("lost"), WebSocketError(1002, "wrong"), OSError("lost"))),
    _raises(TimeoutError("late")),
]


async def outcome(server: bool, name: str, event: Any, autoclose: bool) -> list[Any]:
    """Return all that comes of an event while ``receive`` or ``__anext__`` waits."""
    connection = Connection(server, autoclose=autoclose)
    socket = connection.socket
    task = asyncio.ensure_future(getattr(socket, name)())
    await settle()
    event(connection, task)
    await settle()
    seen: list[Any] = [socket._waiting, socket._reader is connection.queue]
    if not task.done():  # it waits for the other end to close, or for a message
        connection.arrive(0x88, b"\x03\xe8")
        await settle()
    result: Any
    (result,) = await asyncio.gather(task, return_exceptions=True)
    cause = getattr(result, "__context__", None)
    if isinstance(result, tuple):
        result = result._replace(data=repr(result.data))
    seen += [repr(result), repr(cause), unmasked(bytes(connection.transport.sent))]
    seen += [socket.closed, socket._closing, socket.close_code, repr(socket.exception())]
    seen += [socket._waiting, socket._close_wait is None, connection.transport.notes]
    seen += [repr(vars(socket).get("other"))]
    return seen


@pytest.mark.parametrize("autoclose", [True, False])
@pytest.mark.parametrize("name", ["receive", "__anext__"])
@pytest.mark.parametrize("event", EVENTS)
def test_waiting_ends_as_stock(
    server: bool, name: str, event: Any, autoclose: bool, switch_on: SwitchOn
) -> None:
    restore()
    stock = asyncio.run(outcome(server, name, event, autoclose))
    switch_on("aiohttp")
    assert asyncio.run(outcome(server, name, event, autoclose)) == stock


def test_coroutine_that_is_closed_does_not_wait_any_more(server: bool, switch_on: SwitchOn) -> None:
    switch_on("aiohttp")

    async def main() -> None:
        connection = Connection(server)
        waiting = connection.socket.receive()
        waiting.send(None)
        assert connection.socket._waiting
        waiting.close()
        assert not connection.socket._waiting
        assert connection.socket._reader is connection.queue

    asyncio.run(main())


def test_time_limit_counts(server: bool, switch_on: SwitchOn) -> None:
    switch_on("aiohttp")

    async def main() -> None:
        with pytest.raises(asyncio.TimeoutError):
            await Connection(server).socket.receive(timeout=1e-3)

    asyncio.run(main())


@pytest.mark.parametrize("waits", [True, False])
def test_heartbeat_is_reset_as_often_as_stock(
    server: bool, waits: bool, switch_on: SwitchOn
) -> None:
    async def main() -> int:
        connection = Connection(server)
        with mock.patch.object(connection.socket, "_reset_heartbeat") as reset:
            for _ in range(3):
                task = asyncio.ensure_future(connection.socket.__anext__())
                await asyncio.sleep(0) if waits else None
                connection.arrive(0x81, b"text")
                assert (await task).data == "text"
            count: int = reset.call_count
            return count

    restore()
    stock = asyncio.run(main())
    switch_on("aiohttp")
    assert asyncio.run(main()) == stock


# Methods that are not aiohttp's.


async def iterated(socket: Any, connection: Connection) -> list[Any]:
    """Return what comes out of iterating over two messages, of which one waits."""
    connection.arrive(0x81, b"one")
    taken = [await socket.__anext__()]
    asyncio.get_running_loop().call_soon(connection.arrive, 0x82, b"two")
    taken.append(await socket.__anext__())
    return [message.data for message in taken]


def _shouting(receive: Any) -> Any:
    async def shouts(self: Any, timeout: float | None = None) -> Any:
        message = await receive(self, timeout)
        return message._replace(data=message.data.upper())

    return shouts


def test_receive_of_a_subclass_is_called(server: bool, switch_on: SwitchOn) -> None:
    switch_on("aiohttp")

    async def main() -> list[Any]:
        connection = Connection(server)
        kind = KINDS[server]
        shouts = type("Shouts", (kind,), {"receive": _shouting(kind.receive)})
        connection.socket.__class__ = shouts
        return await iterated(connection.socket, connection)

    assert asyncio.run(main()) == ["ONE", b"TWO"]


def test_receive_that_is_set_on_a_connection_is_called(server: bool, switch_on: SwitchOn) -> None:
    switch_on("aiohttp")

    async def main() -> list[Any]:
        connection = Connection(server)
        shouts = _shouting(KINDS[server].receive)
        connection.socket.receive = lambda: shouts(connection.socket)
        return await iterated(connection.socket, connection)

    assert asyncio.run(main()) == ["ONE", b"TWO"]


@pytest.mark.parametrize("first", ["wsfast", "wrapper"])
def test_wrapper_around_receive_is_called(
    server: bool, first: str, monkeypatch: pytest.MonkeyPatch, switch_on: SwitchOn
) -> None:
    async def main() -> list[Any]:
        connection = Connection(server)
        return await iterated(connection.socket, connection)

    kind = KINDS[server]
    if first == "wsfast":
        switch_on("aiohttp")
    monkeypatch.setattr(kind, "receive", _shouting(kind.receive))
    if first == "wrapper":
        switch_on("aiohttp")
    assert asyncio.run(main()) == ["ONE", b"TWO"]
    restore()
    monkeypatch.undo()
    assert asyncio.run(main()) == ["one", b"two"]


# Messages that are compressed.


def inflated(wire: bytes) -> list[bytes]:
    """Return the messages in compressed frames."""
    inflate = zlib.decompressobj(wbits=-15).decompress
    messages = []
    for frame in unmasked(wire):
        assert frame[0] & 0x40
        at = 2 + {126: 2, 127: 8}.get(frame[1] & 0x7F, 0)
        messages.append(inflate(frame[at:] + b"\0\0\xff\xff"))
    return messages


@pytest.mark.parametrize("notakeover", [True, False])
def test_short_message_waits_for_a_longer_one_that_a_thread_compresses(
    server: bool, notakeover: bool, switch_on: SwitchOn
) -> None:
    switch_on("aiohttp")
    sent = ["short", "long" * 10_000, "after it", "long again" * 9_000, "last"]

    async def main() -> bytes:
        connection = Connection(server, compress=15, notakeover=notakeover)
        sending = []
        for text in sent:
            sending.append(asyncio.ensure_future(connection.socket.send_str(text)))
            await settle()  # a thread may be at work now
        await asyncio.gather(*sending)
        return bytes(connection.transport.sent)

    assert inflated(asyncio.run(main())) == [text.encode() for text in sent]


def test_wire_of_compressed_messages_is_that_of_stock(server: bool, switch_on: SwitchOn) -> None:
    """Also if it is switched on and off between them."""
    sent = ["größer " * 30, b"binary", bytearray(b"array"), "", "größer " * 30] * 3

    async def main(switch: Callable[[int], Any]) -> list[bytes]:
        connection = Connection(server, compress=15)
        for i, data in enumerate(sent):
            switch(i)
            send = connection.socket.send_str if type(data) is str else connection.socket.send_bytes
            await send(data)
        return unmasked(bytes(connection.transport.sent))

    restore()
    stock = asyncio.run(main(lambda _: None))
    switch_on("aiohttp")
    assert asyncio.run(main(lambda _: None)) == stock
    assert asyncio.run(main(lambda i: (accelerate if i % 2 else restore)("aiohttp"))) == stock


def test_compressed_message_for_a_transport_that_closes_is_refused(
    server: bool, switch_on: SwitchOn
) -> None:
    switch_on("aiohttp")

    async def main() -> None:
        connection = Connection(server, compress=15)
        connection.transport.close()
        with pytest.raises(ConnectionResetError):
            await connection.socket.send_str("text")
        assert not connection.transport.sent

    asyncio.run(main())


def test_compressed_message_is_received(server: bool, switch_on: SwitchOn) -> None:
    switch_on("aiohttp")

    async def main() -> Any:
        connection = Connection(server, compress=15)
        compressor = zlib.compressobj(wbits=-15)
        data = compressor.compress(b"text") + compressor.flush(zlib.Z_SYNC_FLUSH)
        task = asyncio.ensure_future(connection.socket.receive())
        await settle()
        connection.arrive(0xC1, data[:-4])
        return await task

    assert asyncio.run(main())[:2] == (WSMsgType.TEXT, "text")
