"""Work and memory are linear in the bytes received, whatever the chunking.

Time is CPU time, and only its growth counts: from 64 KiB to 1 MiB, 16 times the bytes,
quadratic work would take 256 times as long.  ``pytest -rP`` prints it.
"""

from __future__ import annotations

import sys
import tracemalloc
from collections import deque
from collections.abc import Callable
from itertools import islice
from math import log
from types import SimpleNamespace
from typing import Any

import pytest

from helpers import (
    BINARY,
    CONTINUATION,
    TEXT,
    byte_by_byte,
    cpu_time,
    frame,
    growth,
    kept,
    on_default_codecs,
    peak,
)

pytestmark = pytest.mark.measures

SMALL, LARGE = 2**16, 2**20
ALPHABET = "aé漢🙂".encode()  # 10 bytes: every cut is inside a character sooner or later


def text_of(size: int) -> bytes:
    return (ALPHABET * (size // 10 + 1))[: size // 10 * 10]


def single_bytes_in_one_frame(size: int) -> list[bytes]:
    return byte_by_byte(frame(TEXT, text_of(size)))


def one_byte_a_frame_in_one_feed(size: int) -> list[bytes]:
    return [b"".join(one_byte_a_frame_each_in_a_feed(size))]


def one_byte_a_frame_each_in_a_feed(size: int) -> list[bytes]:
    text = text_of(size)
    last = len(text) - 1
    wires = {byte: frame(CONTINUATION, bytes((byte,)), fin=False) for byte in set(text)}
    return [
        frame(TEXT, text[:1], fin=False),
        *(wires[byte] for byte in text[1:last]),
        frame(CONTINUATION, text[last:]),
    ]


def one_byte_a_frame_and_a_feed(size: int) -> list[bytes]:
    """The worst: every byte of the wire, headers and keys too, in a feed of its own."""
    return byte_by_byte(one_byte_a_frame_in_one_feed(size)[0])


def empty_fragments(size: int) -> list[bytes]:
    first, more, last = frame(BINARY, fin=False), frame(CONTINUATION, fin=False), frame(0, b"end")
    return [first + more * (size // 8) + last]


def decode(codec: SimpleNamespace, chunks: list[bytes], mode: str) -> Any:
    decoder = codec.MessageDecoder("server", text=mode, max_retained=2**40)
    feed = decoder.feed
    for chunk in islice(chunks, len(chunks) - 1):
        assert not list(feed(chunk))
    (message,) = feed(chunks[-1])
    return message


WIRES = [
    single_bytes_in_one_frame,
    one_byte_a_frame_in_one_feed,
    one_byte_a_frame_each_in_a_feed,
    empty_fragments,
]


@on_default_codecs
@pytest.mark.parametrize("mode", ["str", "bytes"])
@pytest.mark.parametrize("wire", WIRES, ids=lambda wire: wire.__name__)
def test_linear_time_grows_as_the_bytes(
    codec: SimpleNamespace, wire: Callable[[int], list[bytes]], mode: str
) -> None:
    def work(size: int) -> Callable[[], Any]:
        chunks = wire(size)
        return lambda: decode(codec, chunks, mode)

    exponent = growth(work, SMALL // 4, SMALL)
    print(f"{codec.name}: exponent {exponent:.2f}")
    assert exponent < 1.5  # 8 times as long for 4 times the bytes; quadratic would be 2.0


@on_default_codecs
def test_linear_one_mebibyte_in_single_bytes_decoded_in_linear_time(
    codec: SimpleNamespace,
) -> None:
    times = []
    for size in (SMALL, LARGE):
        chunks = one_byte_a_frame_and_a_feed(size)
        messages: list[Any] = []
        times.append(
            cpu_time(
                lambda c=chunks, m=messages: m.append(decode(codec, c, "str")),
                3 if size == SMALL else 1,
            )
        )
        assert messages[-1].data == text_of(size).decode()
    exponent = log(times[1] / times[0]) / log(16)
    print(
        f"{codec.name}: 64 KiB in {times[0]:.3f} s, 1 MiB in {times[1]:.3f} s: "
        f"{times[1] / times[0]:.1f} times as long for 16 times the bytes, exponent {exponent:.2f}"
    )
    assert exponent < 1.5


@on_default_codecs
@pytest.mark.parametrize("wire", WIRES, ids=lambda wire: wire.__name__)
def test_linear_memory_grows_as_the_bytes(
    codec: SimpleNamespace, wire: Callable[[int], list[bytes]]
) -> None:
    peaks = []
    for size in (SMALL // 4, SMALL):
        chunks = wire(size)
        peaks.append(peak(lambda c=chunks: decode(codec, c, "str")))
    print(f"{codec.name}: {peaks[0]} to {peaks[1]} bytes for 4 times the bytes")
    assert peaks[1] < 5 * peaks[0] + 20_000
    # Text, once as bytes (and a quarter in reserve) and once as a string of 4 a character;
    # the codec in Python also copies the read.
    assert peaks[1] < 8 * SMALL + max(map(len, chunks)) + 20_000


DECODERS = pytest.mark.parametrize("kind", ["MessageDecoder", "FrameDecoder"])


@on_default_codecs
@DECODERS
def test_linear_idle_decoder_keeps_less_than_1_kib(codec: SimpleNamespace, kind: str) -> None:
    size = kept(lambda: getattr(codec, kind)("server"), [])
    print(f"{codec.name}: {size} bytes")
    assert 100 < size < 1024  # no decoder is smaller: then it was not counted


@on_default_codecs
@DECODERS
def test_linear_decoder_between_messages_keeps_less_than_1_kib(
    codec: SimpleNamespace, kind: str
) -> None:
    """The one in Python also keeps its queue, which takes 0.6 KiB when it is empty."""

    def used() -> Any:
        decoder = getattr(codec, kind)("server")
        whole = frame(TEXT, text_of(SMALL))
        assert len(list(decoder.feed(whole))) == 1
        assert len(list(decoder.feed(whole[:-1])) + list(decoder.feed(whole[-1:]))) == 1
        view = decoder.get_buffer(len(whole))
        view[:] = whole
        assert len(list(decoder.buffer_updated(len(whole)))) == 1
        view.release()
        return decoder

    queue = sys.getsizeof(deque()) if codec.name == "pure" else 0
    assert 100 < kept(used, []) - queue < 1024


@on_default_codecs
@DECODERS
@pytest.mark.parametrize("read", [1, 1000, LARGE], ids="reads-of-{}".format)
@pytest.mark.parametrize("received", [1, 125, 1000, SMALL], ids="received-{}".format)
def test_linear_decoder_in_mid_frame_keeps_little_more_than_it_received(
    codec: SimpleNamespace, kind: str, received: int, read: int
) -> None:
    wire = frame(BINARY, bytes(2 * received))[:-received]
    chunks = [wire[i : i + read] for i in range(0, len(wire), read)]
    size = kept(lambda: getattr(codec, kind)("server"), chunks)
    print(f"{codec.name}: {size} bytes")
    assert received <= size <= received * 1.25 + 1024


@on_default_codecs
@pytest.mark.parametrize("fragment", [1, 100, 10_000], ids="fragments-of-{}".format)
def test_linear_decoder_between_fragments_keeps_little_more_than_it_received(
    codec: SimpleNamespace, fragment: int
) -> None:
    number = 100_000 // fragment
    more = frame(CONTINUATION, b"a" * fragment, fin=False)
    wires = [frame(TEXT, fin=False), *[more] * number]
    size = kept(lambda: codec.MessageDecoder("server", max_retained=2**40), wires)
    print(f"{codec.name}: {size} bytes")
    assert number * fragment <= size <= number * fragment * 1.25 + 1024


@pytest.mark.parametrize("length", [0, 1], ids=["empty", "one-byte"])
def test_linear_decoder_keeps_nothing_for_a_fragment(codec: SimpleNamespace, length: int) -> None:
    """Fragments are counted and not kept: 10,000 cost no more objects than 1."""
    decoder = codec.MessageDecoder("server")
    more = frame(CONTINUATION, b"a" * length, fin=False)
    list(decoder.feed(frame(BINARY, fin=False) + more))
    tracemalloc.start()
    try:
        for _ in range(10_000):
            list(decoder.feed(more))
        assert tracemalloc.get_traced_memory()[0] < 20_000 + 10_000 * length
    finally:
        tracemalloc.stop()
