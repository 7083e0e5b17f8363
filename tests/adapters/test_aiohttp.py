"""Connections of aiohttp, stock and accelerated, under the same traffic.

Invariant: what a connection does is compared with what aiohttp itself does; only where a
text is not UTF-8 does it differ, and there it says which byte.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

pytest.importorskip("aiohttp")

from aiohttp import WSMsgType, web_ws

from aiohttp_traffic import SINCE_3_14, Protocol, observed
from noted_traffic import Transport, holds_counted, written
from wsfast import InvalidUTF8, accelerate, restore

SwitchOn = Callable[[str], Any]
SEEDS = range(80)


@pytest.fixture(scope="module")
def stock(gathered: bool) -> dict[int, Any]:
    """What stock connections do."""
    restore()
    return {seed: observed(seed, gathered=gathered) for seed in SEEDS}


def test_traffic_ends_as_stock(stock: dict[int, Any], gathered: bool, switch_on: SwitchOn) -> None:
    switch_on("aiohttp")
    with holds_counted() as count:
        differing = [seed for seed in SEEDS if observed(seed, gathered=gathered) != stock[seed]]
    assert differing == []
    assert (count() > 10) is gathered


def test_traffic_ends_as_stock_if_it_is_switched_on_and_off_meanwhile(
    stock: dict[int, Any], gathered: bool
) -> None:
    def flip(rng: Random) -> None:
        if rng.random() < 0.5:
            (accelerate if rng.random() < 0.5 else restore)("aiohttp")

    try:
        assert [s for s in SEEDS if observed(s, flip, gathered=gathered) != stock[s]] == []
    finally:
        restore()


async def fed(reads: list[bytes], decode_text: bool = True) -> tuple[int, Any]:
    """Feed a server's reader until it fails; return after which read, and the error."""
    loop = asyncio.get_running_loop()
    queue = web_ws.WebSocketDataQueue(Protocol(loop, Transport()), 2**16, loop=loop)
    options: dict[str, Any] = {"decode_text": decode_text} if SINCE_3_14 else {}
    reader = web_ws.WebSocketReader(queue, 0, compress=False, **options)
    for number, read in enumerate(reads):
        if reader.feed_data(read)[0]:
            return number, queue.exception()
    message = await queue.read()
    return -1, message


@pytest.mark.parametrize("step", [1, 2, 3, 7, 100])
@pytest.mark.parametrize(
    ("wire", "offset"),
    [
        (written(0x81, b"abc\xff" + b"d" * 90, True), 3),
        (written(0x01, b"ab\xc3", True) + written(0x80, b"(" + b"d" * 90, True), 2),
        (written(0x01, b"ab", True) + written(0x89, b"p", True) + written(0x80, b"\xc3", True), 2),
        (written(0x81, b"ab\xe2\x82", True), 2),
        (written(0x81, b"abc\xff", False), 3),  # not masked: aiohttp takes it
    ],
)
def test_invalid_text_names_its_byte_however_it_was_cut(
    wire: bytes, offset: int, step: int, switch_on: SwitchOn
) -> None:
    switch_on("aiohttp")
    reads = [wire[i : i + step] for i in range(0, len(wire), step)]
    _, error = asyncio.run(fed(reads))
    assert error.code == 1007
    assert isinstance(error.__cause__, InvalidUTF8)
    assert error.__cause__.offset == offset
    assert str(error) == f"Invalid UTF-8 text message: {error.__cause__.close_reason}"


def test_invalid_text_is_found_before_its_frame_ends(switch_on: SwitchOn) -> None:
    switch_on("aiohttp")
    wire = written(0x81, b"abc\xff" + b"d" * 90, True)
    number, error = asyncio.run(fed([wire[:20], wire[20:]]))
    assert (number, error.code) == (0, 1007)


@pytest.mark.skipif(not SINCE_3_14, reason="decode_text is there since aiohttp 3.14")
@pytest.mark.parametrize("step", [3, 100])
def test_text_that_is_not_decoded_is_not_judged(step: int, switch_on: SwitchOn) -> None:
    switch_on("aiohttp")
    wire = written(0x81, b"abc\xff", True)
    reads = [wire[i : i + step] for i in range(0, len(wire), step)]
    number, message = asyncio.run(fed(reads, decode_text=False))
    assert (number, message.type, message.data) == (-1, WSMsgType.TEXT, b"abc\xff")


@pytest.mark.parametrize("error", [KeyboardInterrupt, asyncio.CancelledError, MemoryError])
def test_what_is_raised_in_a_read_is_not_made_the_remotes_fault(
    error: type[BaseException], switch_on: SwitchOn
) -> None:
    """By a signal's handler, say: the rest of that read is lost, so nothing more is read."""
    switch_on("aiohttp")

    async def interrupted() -> Any:
        loop = asyncio.get_running_loop()

        class Queue(web_ws.WebSocketDataQueue):
            def feed_data(self, *_: Any) -> None:
                raise error("from outside")

        queue = Queue(Protocol(loop, Transport()), 2**16, loop=loop)
        reader = web_ws.WebSocketReader(queue, 0, compress=False)
        wire = written(0x81, b"abc", True)
        if issubclass(error, Exception):
            assert reader.feed_data(wire + wire[:4])[0]
        else:
            with pytest.raises(error, match="from outside"):
                reader.feed_data(wire + wire[:4])
        assert reader.feed_data(wire[4:] + wire)[0]
        return queue.exception()

    found = asyncio.run(interrupted())
    assert error.__name__ in repr(found)
    assert not hasattr(found, "code")  # as a WebSocketError has
