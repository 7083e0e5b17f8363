"""Frames in batches, and payloads without a copy."""

from __future__ import annotations

import sys
import tracemalloc
from collections.abc import Callable
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest

from helpers import (
    BINARY,
    CONTINUATION,
    KEY,
    PING,
    TEXT,
    collect,
    frame,
    growth,
    on_default_codecs,
    receive,
)

pytestmark = [on_default_codecs, pytest.mark.every_cpu]


def some_frames(codec: SimpleNamespace) -> list[Any]:
    rng = Random(6455)
    return [
        codec.Frame(TEXT, b"abc", fin=False, rsv1=True),
        codec.Frame(CONTINUATION, bytearray(b"de"), rsv2=True, rsv3=True),
        (PING, b""),
        (TEXT, "ASCII"),
        (TEXT, "Größe 🙂"),
        (BINARY, memoryview(rng.randbytes(126))),
        (BINARY, rng.randbytes(70_000)),
    ]


def test_a_batch_is_its_frames_one_after_the_other(codec: SimpleNamespace) -> None:
    frames = some_frames(codec)
    wire = codec.encode_frames(iter(frames))
    got = receive(codec.FrameDecoder("client", reserved_bits=0x70), [wire]).events
    assert [bytes(f.payload) for f in got] == [
        f.payload if isinstance(f, codec.Frame) else payload_of(f) for f in frames
    ]
    assert got[:2] == [
        codec.Frame(TEXT, b"abc", fin=False, rsv1=True),
        codec.Frame(CONTINUATION, b"de", rsv2=True, rsv3=True),
    ]
    assert wire[:5] == b"\x41\x03abc"
    pairs = [f for f in frames if isinstance(f, tuple)]
    assert codec.encode_frames(pairs) == b"".join(codec.encode_frame(*f) for f in pairs)
    assert codec.encode_frames([]) == b""


@pytest.mark.parametrize("kind", [list, tuple, iter], ids=lambda kind: kind.__name__)
@pytest.mark.parametrize(
    "sizes",
    [
        [0],
        [0] * 3,
        [1, 100_000],
        [100_000, 1],
        [10_000] * 40,
        [40_000, 0, 125, 126, 65_536],
        [2] * 999,
    ],
    ids=lambda sizes: f"{len(sizes)}-from-{sizes[0]}-to-{sizes[-1]}",
)
def test_a_batch_of_any_sizes_is_exactly_its_frames(
    codec: SimpleNamespace, sizes: list[int], kind: Any
) -> None:
    pairs = [(BINARY, bytes([i % 251]) * size) for i, size in enumerate(sizes)]
    wire = codec.encode_frames(kind(pairs))
    assert wire == b"".join(frame(BINARY, payload, key=None) for _, payload in pairs)
    assert sys.getsizeof(wire) == sys.getsizeof(b"") + len(wire)


def test_a_batch_that_fails_keeps_nothing(codec: SimpleNamespace) -> None:
    def fail(times: int) -> int:
        for _ in range(times):
            with pytest.raises(ValueError, match="opcode"):
                codec.encode_frames([(BINARY, bytes(50_000)), (3, b"")])
        collect()
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        assert fail(30) - fail(10) < 50_000
    finally:
        tracemalloc.stop()


def payload_of(pair: tuple[int, Any]) -> bytes:
    return pair[1].encode() if isinstance(pair[1], str) else bytes(pair[1])


def test_a_client_masks_each_frame_with_a_key_of_its_own(codec: SimpleNamespace) -> None:
    wire = codec.encode_frames([(BINARY, bytes(8))] * 500, masked=True)
    keys = {wire[i + 2 : i + 6] for i in range(0, len(wire), 14)}
    assert len(keys) == 500
    assert all(wire[i + 6 : i + 14] == wire[i + 2 : i + 6] * 2 for i in range(0, len(wire), 14))
    got = receive(codec.FrameDecoder("server"), [wire]).events
    assert [f.payload for f in got] == [bytes(8)] * 500


@pytest.mark.parametrize(
    ("item", "error", "said"),
    [
        (
            b"abc",
            TypeError,
            "frames must be Frame objects or pairs of opcode and payload, not bytes",
        ),
        ((1, b"a", True), TypeError, "not tuple"),
        ((1, 5), TypeError, "payload must be a str or a bytes-like object, not int"),
        ((3, b""), ValueError, "opcode must be one of 0, 1, 2, 8, 9 and 10, not 3"),
        ((9, bytes(126)), ValueError, "its payload can't be 126 bytes, only up to 125"),
        ((1, "\udc80"), UnicodeEncodeError, "surrogates not allowed"),
    ],
)
def test_what_is_no_frame(
    codec: SimpleNamespace, item: Any, error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        codec.encode_frames([(TEXT, "fine"), item])
    with pytest.raises(TypeError):
        codec.encode_frames(None)


@pytest.mark.measures
def test_a_batch_takes_linear_time(codec: SimpleNamespace) -> None:
    def encode(count: int) -> Callable[[], bytes]:
        frames = [(BINARY, b"x" * 10)] * count
        return lambda: codec.encode_frames(frames)

    assert growth(encode, 10_000, 160_000) < 1.5


def test_views_alias_what_was_fed_if_it_can_not_change(codec: SimpleNamespace) -> None:
    wire = frame(BINARY, b"0123456789", key=None) + frame(TEXT, b"", key=None)
    decoder = codec.FrameDecoder("client", payload="memoryview")
    first, second = decoder.feed(wire)
    assert isinstance(first.payload, memoryview)
    assert (first.payload, second.payload) == (b"0123456789", b"")
    assert first.payload.readonly
    assert codec.name == "pure" or first.payload.obj is wire


@pytest.mark.parametrize("how", ["a bytearray", "pieces", "masked", "a receive buffer"])
def test_views_are_of_bytes_of_their_own_otherwise(codec: SimpleNamespace, how: str) -> None:
    masked = how == "masked"
    role = "server" if masked else "client"
    decoder = codec.FrameDecoder(role, payload="memoryview")
    fed = bytearray(frame(BINARY, b"0123456789", key=KEY if masked else None))
    if how == "pieces":
        (got,) = [f for byte in fed for f in decoder.feed(bytes([byte]))]
    elif how == "a receive buffer":
        decoder.get_buffer()[: len(fed)] = fed
        (got,) = decoder.buffer_updated(len(fed))
    else:
        (got,) = decoder.feed(bytes(fed) if masked else fed)
    fed[:] = bytes(len(fed))
    assert isinstance(got.payload, memoryview)
    assert got.payload == b"0123456789"
    assert got.payload.readonly


def test_a_kind_of_payload_that_there_is_not(codec: SimpleNamespace) -> None:
    with pytest.raises(ValueError, match="payload must be 'bytes' or 'memoryview', not 'str'"):
        codec.FrameDecoder("client", payload="str")


def test_a_payload_can_be_taken_as_it_arrives(codec: SimpleNamespace) -> None:
    decoder = codec.FrameDecoder("server")
    wire = frame(TEXT, b"0123456789", fin=False)
    assert decoder.take_part() is None
    assert list(decoder.feed(wire[:6])) == []
    assert decoder.take_part() is None  # the header, and nothing else
    assert list(decoder.feed(wire[6:9])) == []
    assert decoder.take_part() == (TEXT, False, b"012")
    assert decoder.take_part() is None
    assert list(decoder.feed(wire[9:11])) == []
    assert decoder.take_part() == (TEXT, False, b"34")
    assert list(decoder.feed(wire[11:] + frame(PING, b"abc")[:-1])) == [
        codec.Frame(TEXT, b"56789", fin=False)
    ]
    assert decoder.take_part() is None  # control frames are never handed out in parts
