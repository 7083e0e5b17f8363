"""Asyncio connections of websockets, stock and accelerated, under the same traffic.

Invariant: what a connection does is compared with what websockets itself does; only where
a text is not UTF-8 does it differ, and there the reason says which byte.
"""

from __future__ import annotations

import asyncio
import importlib
import secrets
from collections.abc import Callable, Iterator
from random import Random
from typing import Any
from unittest import mock

import pytest

pytest.importorskip("websockets.asyncio.connection")

from websockets.asyncio import connection as connections
from websockets.asyncio import messages
from websockets.asyncio.connection import Connection, broadcast
from websockets.exceptions import ConnectionClosedError
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Frame, Opcode
from websockets.protocol import Protocol, Side

from noted_traffic import holds_counted
from websockets_traffic import observed, opened, unmasked, written
from wsfast import accelerate, decode_utf8, encode_utf8, restore

SwitchOn = Callable[[str], Any]
SEEDS = range(60)


@pytest.fixture(scope="module")
def stock(gathered: bool) -> dict[int, Any]:
    """What stock connections do."""
    restore()
    return {seed: observed(seed, gathered=gathered) for seed in SEEDS}


def test_traffic_ends_as_stock(stock: dict[int, Any], gathered: bool, switch_on: SwitchOn) -> None:
    switch_on("websockets")
    with holds_counted() as count:
        differing = [seed for seed in SEEDS if observed(seed, gathered=gathered) != stock[seed]]
    assert differing == []
    assert (count() > 10) is gathered


def test_traffic_ends_as_stock_if_it_is_switched_on_and_off_meanwhile(
    stock: dict[int, Any], gathered: bool
) -> None:
    def flip(rng: Random) -> None:
        if rng.random() < 0.5:
            (accelerate if rng.random() < 0.5 else restore)("websockets")

    try:
        assert [s for s in SEEDS if observed(s, flip, gathered=gathered) != stock[s]] == []
    finally:
        restore()


def test_flips_in_the_middle_of_frames_lose_nothing() -> None:
    """Each read begins in the middle of a frame, and each finds other code than the last."""
    rng, flips = Random(10_000), 400
    expected = [f"{i} größer" * rng.randrange(1, 4) for i in range(flips)]
    wire = b"".join(written(0x81, text.encode(), to_server=True) for text in expected)

    async def main() -> tuple[list[str], list[bytes]]:
        connection, got, at = opened(), [], 0
        for i in range(flips):
            (accelerate if i % 2 else restore)("websockets")
            end = len(wire) if i == flips - 1 else at + rng.randrange(2 * len(wire) // flips)
            connection.data_received(wire[at:end])
            at = end
            while connection.recv_messages.frames.queue:
                got.append(await connection.recv())
                await connection.send(got[-1])
        connection.connection_lost(None)
        return got, unmasked(bytes(connection.transport.sent))

    try:
        got, sent = asyncio.run(main())
    finally:
        restore()
    assert got == expected
    assert sent == [written(0x81, text.encode(), to_server=False) for text in expected]


def test_whole_messages_pass_by_the_frames_of_websockets(switch_on: SwitchOn) -> None:
    """That it gains anything is seen: nothing of this is called for a message any more."""
    switch_on("websockets")

    async def main() -> None:
        connection = opened()
        connection.protocol.receive_data = None
        for size in (5, 70_000):
            wire = written(0x81, b"x" * size, to_server=True)
            for read in (wire[:3], wire[3:50], wire[50:]):
                connection.data_received(read)
            assert await connection.recv() == "x" * size
        with mock.patch.object(connection.protocol, "data_to_send", side_effect=AssertionError):
            await connection.send("answer")
            connections.broadcast([connection], b"to all")
        assert unmasked(bytes(connection.transport.sent)) == [b"\x81\x06answer", b"\x82\x06to all"]

    asyncio.run(main())


@pytest.mark.parametrize("side", Side)
def test_a_text_is_decoded_as_it_arrives_until_its_bytes_are_wanted(
    switch_on: SwitchOn, side: Side
) -> None:
    switch_on("websockets")
    text = "größer" * 50

    async def main() -> None:
        connection = opened(side)
        wire = written(0x81, text.encode(), to_server=side is Side.SERVER)

        async def received(decode: bool | None, cut: int = 0) -> object:
            for read in (wire[:cut], wire[cut:]) if cut else (wire,):
                connection.data_received(read)
            return await connection.recv(decode)

        module = "wsfast.adapters.websockets._receiving"
        bytes_of = mock.patch(f"{module}.encode_utf8", side_effect=encode_utf8)
        text_of = mock.patch(f"{module}.decode_utf8", side_effect=decode_utf8)
        with bytes_of as encode, text_of as decode:
            for cut in (0, 5):
                assert await received(None, cut) == await received(True, cut) == text
            assert (encode.call_count, decode.call_count) == (0, 0)
            connection.data_received(wire)
            streamed = [part async for part in connection.recv_streaming(False)]
            assert (streamed, encode.call_count) == ([text.encode()], 1)
            for cut in (0, 5):
                assert await received(False, cut) == text.encode()
                assert (encode.call_count, decode.call_count) == (2, 0)
            assert await received(None) == text
            assert (encode.call_count, decode.call_count) == (2, 1)
        for _ in range(2):
            connection.data_received(wire)
            assert [part async for part in connection.recv_streaming()] == [text]
            connection.data_received(written(0x89, b"", to_server=side is Side.SERVER))
        connection.data_received(written(0x82, b"binary", to_server=side is Side.SERVER))
        assert await connection.recv(True) == "binary"

    asyncio.run(main())


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("cut", [0, 3, 9])
def test_bytes_of_a_text_are_of_the_type_that_websockets_makes(
    switch_on: SwitchOn, side: Side, cut: int
) -> None:
    """Before 16.0, a client streams a ``bytearray``."""

    async def main() -> list[object]:
        connection = opened(side)
        wire = written(0x81, "größer".encode(), to_server=side is Side.SERVER)
        for read in (wire[:cut], wire[cut:], wire) if cut else (wire, wire):
            connection.data_received(read)
        streamed = [part async for part in connection.recv_streaming(False)]
        return [(type(part), part) for part in (*streamed, await connection.recv(False))]

    restore()
    stock = asyncio.run(main())
    switch_on("websockets")
    assert asyncio.run(main()) == stock


def test_a_message_waits_until_one_in_fragments_is_on_its_way(switch_on: SwitchOn) -> None:
    switch_on("websockets")

    async def main() -> None:
        connection = opened()

        def parts() -> Iterator[str]:
            yield "a"
            connection.pause_writing()  # before the last fragment, which is empty

        sending = [asyncio.ensure_future(connection.send(parts()))]
        await asyncio.sleep(0)
        sending.append(asyncio.ensure_future(connection.send("whole")))
        await asyncio.sleep(0)
        fragmented = [b"\x01\x01a", b"\x80\x00"]
        assert unmasked(bytes(connection.transport.sent)) == fragmented
        connection.resume_writing()
        await asyncio.gather(*sending)
        assert unmasked(bytes(connection.transport.sent)) == [*fragmented, b"\x81\x05whole"]

    asyncio.run(main())


@pytest.mark.parametrize("deflated", [False, True])
@pytest.mark.parametrize("cut", [False, True])
def test_the_reason_says_which_byte_is_no_text(
    switch_on: SwitchOn, deflated: bool, cut: bool
) -> None:
    switch_on("websockets")

    async def main() -> None:
        connection = opened()
        payload, first = b"ab\xffcd" + b"." * 100, 0x81
        if deflated:
            connection.protocol.extensions = [PerMessageDeflate(False, False, 15, 15)]
            other = PerMessageDeflate(False, False, 15, 15)
            payload, first = bytes(other.encode(Frame(Opcode.TEXT, payload)).data), 0xC1
        wire = written(0x81, b"right", to_server=True) + written(first, payload, to_server=True)
        middle = len(wire) - 3 if cut else len(wire)
        connection.data_received(wire[:middle])
        if cut:
            connection.data_received(wire[middle:])
        assert await connection.recv() == "right"
        (close,) = unmasked(bytes(connection.transport.sent))
        assert close[:4] == b"\x88" + close[1:2] + b"\x03\xef"
        assert close[4:].startswith(b"invalid UTF-8 at ")
        connection.connection_lost(None)
        with pytest.raises(ConnectionClosedError) as caught:
            await connection.recv()
        assert caught.value.__cause__ is connection.protocol.parser_exc

    asyncio.run(main())


@pytest.mark.parametrize("side", list(Side))
def test_receive_data_after_the_end_raises_as_stock(switch_on: SwitchOn, side: Side) -> None:
    switch_on("websockets")
    for first in (b"", written(0x81, b"x", side is Side.SERVER)[:-1]):
        protocol = Protocol(side)
        protocol.receive_data(first)
        protocol.receive_eof()
        with pytest.raises(EOFError, match=r"^stream ended$"):
            protocol.receive_data(b"more")
        protocol.receive_eof()


def test_masking_keys_come_from_where_a_test_put_their_source(switch_on: SwitchOn) -> None:
    switch_on("websockets")

    async def main() -> None:
        connection = opened(Side.CLIENT)
        with mock.patch.object(secrets, "token_bytes", return_value=b"\0\0\0\0"):
            await connection.send("ab")
            broadcast([connection], "cd")
            connection.protocol.send_text(b"ef")
            connection.send_data()
        sent = bytes(connection.transport.sent)
        assert sent == b"\x81\x82\0\0\0\0ab\x81\x82\0\0\0\0cd\x81\x82\0\0\0\0ef"

    asyncio.run(main())


def test_one_broadcast_reaches_all_kinds_of_connections(switch_on: SwitchOn) -> None:
    switch_on("websockets")

    async def main() -> None:
        plain, client, deflated, broken = opened(), opened(Side.CLIENT), opened(), opened()
        deflated.protocol.extensions = [PerMessageDeflate(False, False, 15, 15)]
        broken.transport.refuses = True
        with pytest.raises(ExceptionGroup) as caught:
            connections.broadcast(
                iter([plain, broken, client, deflated]), "größer", raise_exceptions=True
            )
        (failed,) = caught.value.exceptions
        assert repr(failed) == "RuntimeError('failed to write message')"
        assert repr(failed.__cause__) == "RuntimeError('the transport refuses')"
        frames = [unmasked(bytes(c.transport.sent))[0] for c in (plain, client, deflated)]
        assert frames[0] == b"\x81\x08" + "größer".encode()
        assert frames[1][-8:] == "größer".encode()
        inflated = PerMessageDeflate(False, False, 15, 15).decode(
            Frame(Opcode.TEXT, frames[2][2:], True, True)
        )
        assert bytes(inflated.data) == "größer".encode()
        for wrong in (5, ["a"]):
            with pytest.raises(TypeError, match="data must be str or bytes"):
                connections.broadcast([plain], wrong)
        with pytest.raises(TypeError):
            connections.broadcast([plain], "a", unknown=1)
        with pytest.raises(UnicodeEncodeError):
            connections.broadcast([plain], "\ud800")

    asyncio.run(main())


def test_nothing_is_left_behind() -> None:
    before = {
        name: dict(vars(importlib.import_module("websockets." + name)))
        for name in ("protocol", "frames", "asyncio.connection", "asyncio.messages")
    }
    kinds = (Connection, Protocol, Frame, messages.Assembler)
    held = [dict(vars(kind)) for kind in kinds]

    async def main() -> Any:
        connection = opened()
        connection.data_received(written(0x81, b"in", to_server=True) + b"\x81\x85")
        await connection.send(await connection.recv())
        return connection

    accelerate("websockets")
    try:
        accelerated = asyncio.run(main())
    finally:
        restore()
    stock = asyncio.run(main())
    for name, names in before.items():
        assert dict(vars(importlib.import_module("websockets." + name))) == names
    assert [dict(vars(kind)) for kind in kinds] == held
    assert vars(accelerated).keys() == vars(stock).keys()
    assert vars(accelerated.protocol).keys() == vars(stock.protocol).keys()
