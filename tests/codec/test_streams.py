"""Messages in parts, as their bytes arrive: put together they are what an unstreamed decoder
gives, whatever the cuts, and a violation is the same.

The oracle for text is CPython's decoder: what comes before a fault is ``bytes[:offset]``.
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from math import inf
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest

from helpers import (
    ALPHABETS,
    BINARY,
    CLOSE,
    CONTINUATION,
    FAULTS,
    PING,
    PONG,
    TEXT,
    byte_by_byte,
    certainly_faulty,
    chunkings,
    cpu_time,
    cut,
    described,
    each_split,
    find_fault,
    fragmented,
    fragments_of,
    frame,
    header,
    mask,
    on_default_codecs,
    peak,
    random_text,
    receive,
    run,
)
from wsfast import InvalidUTF8, MessageTooBig, ProtocolError
from wsfast.deflate import Deflate

both_texts = pytest.mark.parametrize("text", ["str", "bytes"])


def joined(codec: SimpleNamespace, events: Iterable[Any]) -> tuple[list[Any], Any]:
    """Put the parts of each message together; return the events, and what is unfinished.

    Control frames between the parts of a message come before it, as they do unstreamed.
    """
    whole: list[Any] = []
    parts: list[Any] = []
    for event in events:
        if type(event) not in (codec.TextPart, codec.BinaryPart):
            whole.append(event)
            continue
        assert event.data or event.last
        assert type(event.last) is bool
        assert {type(part) for part in parts} <= {type(event)}
        assert_stored_as_python_would(event.data)
        parts.append(event)
        if event.last:
            kind = codec.Text if type(event) is codec.TextPart else codec.Binary
            whole.append(kind(type(event.data)().join([part.data for part in parts])))
            parts = []
    return whole, type(parts[0].data)().join([p.data for p in parts]) if parts else None


def assert_stored_as_python_would(data: str | bytes) -> None:
    """No wider than its characters: else equal strings would have unequal hashes."""
    again: str | bytes = data.encode().decode() if isinstance(data, str) else bytes(bytearray(data))
    assert data == again
    assert hash(data) == hash(again)
    assert sys.getsizeof(data) == sys.getsizeof(again)


def streamed(codec: SimpleNamespace, chunks: list[bytes], **options: Any) -> Any:
    received = receive(codec.MessageDecoder("server", stream=True, **options), chunks)
    whole, unfinished = joined(codec, received.events)
    return whole, unfinished, described(received.violation), received.chunk_index


def unstreamed(codec: SimpleNamespace, chunks: list[bytes], **options: Any) -> Any:
    received = receive(codec.MessageDecoder("server", **options), chunks)
    return received.events, described(received.violation), received.chunk_index


def a_wire(rng: Random, text: bytes) -> bytes:
    """Write a text in fragments with control frames between, and other messages around."""
    wire = rng.choice((b"", frame(BINARY, rng.randbytes(5)), frame(TEXT)))
    parts = fragments_of(rng, text)
    for i, part in enumerate(parts):
        wire += frame(0 if i else TEXT, part, fin=i == len(parts) - 1)
        if rng.random() < 0.3:
            wire += frame(rng.choice((PING, PONG)), rng.randbytes(3))
    return wire + fragmented(BINARY, [rng.randbytes(9), b"", rng.randbytes(2)])


# What is handed on, and when.


@both_texts
def test_parts_come_with_the_read_that_brought_them(codec: SimpleNamespace, text: str) -> None:
    decoder = codec.MessageDecoder("server", stream=True, text=text)
    wire = frame(TEXT, "grün".encode())
    of = str if text == "str" else str.encode
    reads = [wire[:8], wire[8:9], wire[9:10], wire[10:]]
    assert [list(decoder.feed(read)) for read in reads] == [
        [codec.TextPart(of("gr"), False)],
        [],  # the first byte of the ü
        [codec.TextPart(of("ü"), False)],
        [codec.TextPart(of("n"), True)],
    ]
    wire = frame(BINARY, b"\xff\xc3", fin=False) + frame(CONTINUATION)
    assert [list(decoder.feed(read)) for read in (wire[:7], wire[7:8], wire[8:])] == [
        [codec.BinaryPart(b"\xff", False)],
        [codec.BinaryPart(b"\xc3", False)],
        [codec.BinaryPart(b"", True)],
    ]


def test_a_message_in_one_read_is_one_part(codec: SimpleNamespace) -> None:
    decoder = codec.MessageDecoder("server", stream=True)
    wire = frame(TEXT, b"a") + frame(TEXT) + frame(BINARY) + fragmented(TEXT, [b"b", b"", b"c"])
    assert list(decoder.feed(wire)) == [
        codec.TextPart("a", True),
        codec.TextPart("", True),
        codec.BinaryPart(b"", True),
        codec.TextPart("bc", True),
    ]


def test_control_frames_come_behind_what_arrived_before_them(codec: SimpleNamespace) -> None:
    wire = (
        frame(TEXT, b"gr\xc3", fin=False)
        + frame(PING, b"1")
        + frame(CONTINUATION, b"", fin=False)
        + frame(PONG)
        + frame(CONTINUATION, b"\xbcn")
        + frame(BINARY, b"\x00", fin=False)
        + frame(CLOSE, b"\x03\xe8")
    )
    assert list(codec.MessageDecoder("server", stream=True).feed(wire)) == [
        codec.TextPart("gr", False),
        codec.Ping(b"1"),
        codec.Pong(b""),
        codec.TextPart("ün", True),
        codec.BinaryPart(b"\x00", False),
        codec.Close(1000),
    ]


# The same as unstreamed.


@both_texts
@pytest.mark.parametrize("script", ALPHABETS)
def test_parts_put_together_are_the_messages_at_every_cut(
    codec: SimpleNamespace, script: str, text: str
) -> None:
    rng = Random(script)
    for size in (12, 90):
        payload = "".join(rng.choices(ALPHABETS[script] + "a" * (size % 20), k=size)).encode()
        wire = a_wire(rng, payload)
        events, *_ = unstreamed(codec, [wire], text=text)
        expected = events, None, None, None
        assert codec.Text(payload.decode() if text == "str" else payload) in events
        for chunks in [*chunkings(rng, wire), *each_split(wire)]:
            assert streamed(codec, chunks, text=text) == expected
            assert streamed(codec, [bytearray(c) for c in chunks], text=text) == expected


def test_a_wide_character_cut_off_leaves_a_narrow_string(codec: SimpleNamespace) -> None:
    """The first byte of a character counts for the string that has the rest of it."""
    for before in ("", "a", "é", "я", "漢", "a" * 200, "é" + "a" * 200, "漢" + "é" * 100):
        for character in "éя漢🙂":
            wire = frame(TEXT, (before + character).encode())
            for at in range(1, len(character.encode()) + 1):
                events = receive(
                    codec.MessageDecoder("server", stream=True), [wire[:-at], wire[-at:]]
                ).events
                for event in events:
                    assert_stored_as_python_would(event.data)
                assert [e.data for e in events if e.data] == [before, character][not before :]


@both_texts
def test_violation_has_the_same_evidence_and_what_is_before_it_comes_first(
    codec: SimpleNamespace, text: str
) -> None:
    rng = Random(1007)
    for _ in range(60 if codec.name == "native" else 40):
        payload = certainly_faulty(rng, (random_text(rng) + random_text(rng, 20)).encode())
        fault = find_fault(payload)
        assert fault is not None
        good = payload[: fault.offset]
        expected_text = (good.decode() if text == "str" else good) or None
        wire = a_wire(rng, payload)
        for chunks in [*chunkings(rng, wire), *list(each_split(wire))[::7]]:
            events, *violation = unstreamed(codec, chunks, text=text)
            assert streamed(codec, chunks, text=text) == (events, expected_text, *violation)
            views = [memoryview(bytearray(chunk)) for chunk in chunks]
            assert streamed(codec, views, text=text) == (events, expected_text, *violation)


@pytest.mark.parametrize("fault", FAULTS, ids=bytes.hex)
def test_violation_in_a_frame_that_is_whole_comes_behind_its_good_part(
    codec: SimpleNamespace, fault: bytes
) -> None:
    payload = "漢a".encode() + fault + b"b" * 20
    place = find_fault(payload)
    assert place is not None
    decoder = codec.MessageDecoder("server", stream=True)
    events, violation = run(decoder.feed(frame(TEXT, payload)))
    assert events == [codec.TextPart(payload[: place.offset].decode(), False)]
    _, unstreamed_violation = run(codec.MessageDecoder("server").feed(frame(TEXT, payload)))
    assert described(violation) == described(unstreamed_violation)


def test_violation_of_a_header_comes_behind_the_parts(codec: SimpleNamespace) -> None:
    for broken in (frame(TEXT), frame(3), header(0x80, 5, None), header(0xC0, 1)):
        wire = frame(TEXT, b"gr\xc3", fin=False) + broken
        for chunks in ([wire], byte_by_byte(wire)):
            whole, unfinished, violation, _ = streamed(codec, chunks)
            assert (whole, unfinished) == ([], "gr")
            assert violation == unstreamed(codec, chunks)[1]
            assert violation[0] is ProtocolError


def test_text_that_ends_inside_a_character_is_refused_behind_its_good_part(
    codec: SimpleNamespace,
) -> None:
    wire = frame(TEXT, b"gr\xc3") + frame(PING)
    for chunks in ([wire], byte_by_byte(wire)):
        whole, unfinished, violation, index = streamed(codec, chunks)
        assert (whole, unfinished) == ([], "gr")
        assert (violation, index) == unstreamed(codec, chunks)[1:]
        assert violation[0] is InvalidUTF8


# Limits.


@pytest.mark.parametrize("limit", [0, 1, 125, 1000, 70_000])
def test_max_message_size_counts_the_whole_message(codec: SimpleNamespace, limit: int) -> None:
    payload = b"a" * limit
    pieces = [payload[: limit // 3], payload[limit // 3 :]]
    for wire, fits in (
        (frame(TEXT, payload), True),
        (fragmented(BINARY, [*pieces, b""]), True),
        (frame(TEXT, payload + b"b"), False),
        (fragmented(BINARY, [*pieces, b"", b"b"]), False),
    ):
        for chunks in ([wire], cut(wire, range(5, len(wire), 8_191)), byte_by_byte(wire)[:2000]):
            whole, _, violation, _ = streamed(codec, chunks, max_message_size=limit)
            events, expected, _ = unstreamed(codec, chunks, max_message_size=limit)
            assert violation == expected
            assert whole == events
            if b"".join(chunks) == wire:
                assert (violation is None) is fits
                assert fits or violation[0] is MessageTooBig


def test_max_retained_does_not_apply_because_nothing_is_retained(codec: SimpleNamespace) -> None:
    wire = fragmented(TEXT, [b"ab"] * 100)
    assert unstreamed(codec, [wire], max_retained=50)[1][0] is MessageTooBig
    expected = [codec.Text("ab" * 100)], None, None, None
    for chunks in ([wire], byte_by_byte(wire)):
        assert streamed(codec, chunks, max_retained=50, max_message_size=None) == expected


def test_max_frame_size_applies(codec: SimpleNamespace) -> None:
    wire = frame(TEXT, b"a" * 10, fin=False) + frame(0, b"a" * 11)
    assert streamed(codec, [wire], max_frame_size=11)[2] is None
    _, unfinished, violation, _ = streamed(codec, [wire], max_frame_size=10)
    assert unfinished == "a" * 10
    assert violation == unstreamed(codec, [wire], max_frame_size=10)[1]


BLOCK = ("漢字 kana " * 5461).encode()[: 2**16 - 4]  # whole characters, and whole keys


def in_one_frame(count: int) -> Iterator[bytes]:
    yield header(0x80 | TEXT, count * len(BLOCK))
    masked = mask(BLOCK)
    for _ in range(count):
        yield masked


def in_short_frames(count: int) -> Iterator[bytes]:
    yield frame(TEXT, fin=False)
    read = frame(CONTINUATION, "漢".encode(), fin=False) * 500
    for _ in range(count * len(BLOCK) // 1500):
        yield read
    yield frame(CONTINUATION)


def compressed_frames(count: int) -> Iterator[bytes]:
    sender = zlib.compressobj(wbits=-15)
    block = sender.compress(BLOCK) + sender.flush(zlib.Z_FULL_FLUSH)  # as good again
    yield header(TEXT | 0x40, len(block)) + mask(block)
    for _ in range(count - 1):
        yield header(CONTINUATION, len(block)) + mask(block)
    yield header(0x80 | CONTINUATION, 1) + mask(b"\x00")


def parts_of(codec: SimpleNamespace, reads: Iterable[bytes], **options: Any) -> int:
    """Decode a message as it arrives, keep nothing, and return how long it was."""
    decoder = codec.MessageDecoder("server", max_message_size=None, **options)
    size, ended = 0, False
    for read in reads:
        for event in decoder.feed(read):
            size += len(event.data)
            ended = getattr(event, "last", True)
    assert ended
    return size


@on_default_codecs
@pytest.mark.measures
@pytest.mark.parametrize("wire", [in_one_frame, in_short_frames, compressed_frames])
def test_memory_is_the_same_for_any_size(
    codec: SimpleNamespace, wire: Callable[[int], Iterator[bytes]]
) -> None:
    """A message of 256 MiB takes less than 1 MiB, reads and parts of 64 KiB among it."""
    count = 4096 if wire is in_one_frame else 64
    if codec.name == "pure":
        count //= 32
    sizes = []
    deflate = Deflate("server")
    work = partial(parts_of, codec, wire(count), stream=True, deflate=deflate)
    assert peak(lambda: sizes.append(work())) < 2**20
    assert sizes[0] > 20_000 * count  # characters


@on_default_codecs
@pytest.mark.measures
@pytest.mark.parametrize("size", [16_383, 65_535])
def test_stream_takes_no_multiple_of_the_whole_message(codec: SimpleNamespace, size: int) -> None:
    """Not twice as long, on a busy machine either; the cuts go through characters."""
    count = 128 if codec.name == "native" else 16
    whole = b"".join(in_one_frame(count))
    reads = [whole[at : at + size] for at in range(0, len(whole), size)]
    times = {False: inf, True: inf}
    for _ in range(5):  # in turns, so that both get what the machine has to give
        for stream in times:
            taken = cpu_time(partial(parts_of, codec, reads, stream=stream), 1)
            times[stream] = min(times[stream], taken)
    print(f"{codec.name}, reads of {size}: {times[True] / times[False]:.2f}")
    assert times[True] < 2 * times[False]


# permessage-deflate.


def compressed_wire(rng: Random, payload: bytes) -> bytes:
    compressed = Deflate("client", threshold=0).compress(payload)
    assert compressed is not None
    parts = fragments_of(rng, compressed)
    wire = b""
    for i, part in enumerate(parts):
        first = (0x80 if i == len(parts) - 1 else 0) | (0 if i else TEXT | 0x40)
        wire += header(first, len(part)) + mask(part) + frame(PING, bytes((i,)))
    return wire


@both_texts
@on_default_codecs
def test_compressed_messages_are_the_same_at_every_cut(codec: SimpleNamespace, text: str) -> None:
    rng = Random(7692)
    for script in ALPHABETS:
        payload = ("".join(rng.choices(ALPHABETS[script], k=60)) * 3).encode()
        for faulty in (False, True):
            if faulty:
                payload = certainly_faulty(rng, payload)
            wire = compressed_wire(rng, payload)
            fault = find_fault(payload)
            good = payload[: fault.offset] if fault else payload
            for chunks in [*chunkings(rng, wire), *each_split(wire)]:
                events, *violation = unstreamed(codec, chunks, text=text, deflate=Deflate("server"))
                whole, unfinished, *their = streamed(
                    codec, chunks, text=text, deflate=Deflate("server")
                )
                assert (whole, their) == (events, violation)
                if fault:
                    assert (unfinished or "") == (good.decode() if text == "str" else good) or (
                        not unfinished and not good
                    )
                else:
                    assert unfinished is None


@on_default_codecs
def test_compressed_message_too_big_is_handed_on_up_to_the_limit(codec: SimpleNamespace) -> None:
    wire = compressed_wire(Random(1), b"a" * 300_000)
    for chunks in ([wire], byte_by_byte(wire)):
        _, unfinished, violation, _ = streamed(
            codec, chunks, deflate=Deflate("server"), max_message_size=200_000
        )
        assert unfinished == "a" * 200_000
        assert violation[0] is MessageTooBig


@on_default_codecs
def test_what_inflates_to_much_comes_in_parts_of_64_KiB(codec: SimpleNamespace) -> None:
    wire = compressed_wire(Random(2), b"a" * 1_000_000)
    decoder = codec.MessageDecoder("server", stream=True, deflate=Deflate("server"))
    parts = [e for e in decoder.feed(wire) if type(e) is codec.TextPart]
    assert sum(len(part.data) for part in parts) == 1_000_000
    assert max(len(part.data) for part in parts) <= 2**16
    assert [part.last for part in parts] == [False] * (len(parts) - 1) + [True]


# The decoder itself.


def test_decoder_made_again_streams_or_not_as_it_is_told(codec: SimpleNamespace) -> None:
    decoder = codec.MessageDecoder("server", stream=True)
    assert list(decoder.feed(frame(TEXT, b"ab")[:-1])) == [codec.TextPart("a", False)]
    decoder.__init__("server")
    assert list(decoder.feed(frame(TEXT, b"ab")[:-1])) == []
    decoder.__init__("server", stream=True, text="bytes")
    assert list(decoder.feed(frame(TEXT, b"ab"))) == [codec.TextPart(b"ab", True)]


def test_stream_is_taken_as_a_truth_value(codec: SimpleNamespace) -> None:
    class Neither:
        def __bool__(self) -> bool:
            raise ArithmeticError

    assert list(codec.MessageDecoder("server", stream=0).feed(frame(TEXT))) == [codec.Text("")]
    wire = frame(TEXT)
    assert list(codec.MessageDecoder("server", stream=1).feed(wire)) == [codec.TextPart("", True)]
    with pytest.raises(ArithmeticError):
        codec.MessageDecoder("server", stream=Neither())
