"""Nothing leaks: a million messages, violations and refused arguments among them.

Three measures, each of which sees what the others don't: blocks of Python's allocator,
what ``tracemalloc`` knows of (with where it came from), and the pages of the process;
and the reference counts of what every call touches.
"""

from __future__ import annotations

import gc
import sys
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from helpers import (
    BINARY,
    CLOSE,
    CONTINUATION,
    FAULTS,
    KEY,
    PING,
    PONG,
    TEXT,
    UNDER_ASAN,
    collect,
    fragmented,
    frame,
    header,
    mask,
    on_default_codecs,
)
from wsfast import ProtocolViolation
from wsfast.deflate import Deflate

pytestmark = [on_default_codecs, pytest.mark.measures]

TEXTS = ["", "a", "ä", "漢", "🙂", "ascii " * 9, "grün" * 9, "漢字" * 90, "🙂" * 300, "a" * 3_000]
WIRE = b"".join(
    [
        *(frame(TEXT, text.encode()) for text in TEXTS),
        *(fragmented(TEXT, [t.encode()[:4], b"", t.encode()[4:]]) for t in TEXTS),
        *(frame(BINARY, bytes(size)) for size in (0, 1, 7, 300, 5_000)),
        fragmented(BINARY, [bytes(500)] * 3),
        frame(PING, b"ping"),
        frame(PONG),
        frame(TEXT, b"a", fin=False) + frame(PING, bytes(125)) + frame(CONTINUATION, b"b"),
    ]
)
MESSAGES = 2 * len(TEXTS) + 5 + 1 + 2 + 2
BROKEN = [
    *(frame(TEXT, b"ab" + fault + b"cd") for fault in FAULTS),
    *(frame(TEXT, b"ab" + fault[:1], fin=False) + frame(0, fault[1:] + b"!") for fault in FAULTS),
    *(frame(CLOSE, payload) for payload in (b"\x03", b"\x03\xe7", b"\x03\xe8\xff")),
    frame(3),
    frame(CONTINUATION),
    frame(TEXT, b"a" * 300, fin=False) + frame(TEXT),
    frame(BINARY, bytes(3_000))[:-1] + b"",
    header(0x82, 2**63),
    header(0x82, 2**20 + 1),
    header(0xC2, 5) + mask(b"\xff" * 5),
]


def messages(codec: SimpleNamespace) -> None:
    """Decode each wire whole and in two, by each decoder."""
    for make in (
        lambda: codec.MessageDecoder("server"),
        lambda: codec.MessageDecoder("server", text="bytes"),
    ):
        decoder = make()
        for at in (0, 1, 700, len(WIRE) - 2):
            events = list(decoder.feed(WIRE[:at])) + list(decoder.feed(memoryview(WIRE)[at:]))
            assert len(events) == MESSAGES
    decoder = codec.MessageDecoder("server", stream=True)
    for at in (0, 1, 700, len(WIRE) - 2):
        for wire in (WIRE[:at], memoryview(WIRE)[at:]):
            assert repr(list(decoder.feed(wire))[-1:])
    decoder = codec.FrameDecoder("server")
    for _ in decoder.feed(WIRE[:900]):
        pass
    decoder.take_part()
    view = decoder.get_buffer()
    view[: len(WIRE) - 900] = WIRE[900:]
    assert list(decoder.buffer_updated(len(WIRE) - 900))


def violations(codec: SimpleNamespace) -> None:
    for wire in BROKEN:
        for deflate in (None, Deflate("server", level=0)):
            decoder = codec.MessageDecoder("server", deflate=deflate)
            for _ in range(2):  # found, and raised again
                with suppress(ProtocolViolation):
                    list(decoder.feed(wire))
        with suppress(ProtocolViolation):
            list(codec.FrameDecoder("server").feed(wire))
        with suppress(ProtocolViolation):
            list(codec.MessageDecoder("server", stream=True).feed(wire))
    for fault in FAULTS:
        validator = codec.Utf8Validator()
        for call in (validator.feed, validator.feed, codec.decode_utf8, codec.validate_utf8):
            with suppress(ProtocolViolation):
                call(fault)
        with suppress(ProtocolViolation):
            codec.parse_close(b"\x03\xe8" + fault)


def refused(codec: SimpleNamespace) -> None:
    for call in (
        lambda: codec.apply_mask("text", KEY),
        lambda: codec.apply_mask(b"data", b"abc"),
        lambda: codec.apply_mask(memoryview(b"abcd")[::2], KEY),
        lambda: codec.apply_mask_inplace(b"abcd", KEY),
        lambda: codec.encode_frame(99, b""),
        lambda: codec.encode_frame(PING, bytes(126)),
        lambda: codec.encode_frame(TEXT, "\ud800"),
        lambda: codec.encode_frame(TEXT, b"", masking_key=b"abc"),
        lambda: codec.encode_frames([(BINARY, b"a"), None]),
        lambda: codec.encode_close(1005),
        lambda: codec.MessageDecoder("neither"),
        lambda: codec.MessageDecoder("server", max_retained=-1),
        lambda: codec.FrameDecoder("server").buffer_updated(1),
        lambda: codec.Utf8Validator.from_state((0, b"\xff", 0, 0, 0)),
        lambda: codec.Text(1),
        lambda: codec.TextPart(1, True),
        lambda: codec.BinaryPart(1, True),
    ):
        with suppress(TypeError, ValueError):
            call()


def encoded(codec: SimpleNamespace) -> None:
    for text in TEXTS:
        codec.encode_frame(TEXT, text)
        codec.encode_frame(TEXT, text.encode(), masking_key=codec.new_masking_key())
        codec.apply_mask(text.encode(), KEY)
        codec.apply_mask_inplace(bytearray(text.encode()), KEY)
        codec.decode_utf8(text.encode())
        codec.is_valid_utf8(memoryview(text.encode()))
        validator = codec.Utf8Validator()
        validator.feed(text.encode()[:3])
        codec.Utf8Validator.from_state(validator.state).at_boundary  # noqa: B018
    codec.encode_frames([(TEXT, text) for text in TEXTS], masked=True)
    codec.encode_frames(codec.Frame(BINARY, text.encode()) for text in TEXTS)
    codec.parse_close(codec.encode_close(1001, "going"))
    repr(codec.Frame(1, b"a")), hash(codec.Ping(b"a")), codec.Text("a") == codec.Binary(b"a")


COMPRESSED = zlib.compressobj(wbits=-15)
PART = (COMPRESSED.compress(b"abc" * 500) + COMPRESSED.flush(zlib.Z_SYNC_FLUSH))[:-4]


def inflated(codec: SimpleNamespace) -> None:
    decoder = codec.MessageDecoder("server", deflate=Deflate("server", level=0))
    wire = header(0x80 | 0x40 | BINARY, len(PART)) + mask(PART)
    assert len(list(decoder.feed(wire * 5))) == 5


# What is done, and how many messages, violations or calls one round of it is.
WORK: dict[str, tuple[Callable[[Any], None], int]] = {
    "messages": (messages, 13 * MESSAGES),
    "violations": (violations, 6 * len(BROKEN) + 5 * len(FAULTS)),
    "refused": (refused, 17),
    "encoded": (encoded, 10 * len(TEXTS)),
    "inflated": (inflated, 5),
}
# Together a million where it is compiled, and a fiftieth of them where it is not.
HOW_MANY = {
    "messages": 800_000,
    "violations": 60_000,
    "refused": 20_000,
    "encoded": 110_000,
    "inflated": 10_000,
}


def pages() -> int:
    """Return the resident pages of this process, 0 where that would say nothing."""
    if UNDER_ASAN:
        return 0
    try:
        return int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return 0


def counts(codec: SimpleNamespace) -> list[int]:
    """Count the blocks in use, and the references to what every call touches."""
    kinds = [getattr(codec, name) for name in ("Text", "Binary", "Frame", "MessageDecoder")]
    touched = [None, True, False, b"", "", "a", KEY, *kinds, ProtocolViolation, Deflate]
    collect()
    return [sys.getallocatedblocks(), *(sys.getrefcount(one) for one in touched)]


@pytest.mark.parametrize("what", WORK)
def test_leaks_nothing_in_a_million_messages(codec: SimpleNamespace, what: str) -> None:
    work, each = WORK[what]
    rounds = max(10, HOW_MANY[what] // each // (1 if codec.name == "native" else 50))
    for _ in range(5):  # caches fill
        work(codec)
    resident = pages()
    more: list[int] = []
    for _ in range(3):  # a leak is there each time; what others allocate is not
        before = counts(codec)
        for _ in range(rounds):
            work(codec)
        grown = [new - old for old, new in zip(before, counts(codec), strict=True)]
        more = [min(two) for two in zip(grown, more or grown, strict=True)]
    print(f"3 x {rounds * each} in {rounds} rounds: {more}; {pages() - resident} pages more")
    assert max(more) < rounds / 2
    assert pages() - resident < 512  # 2 MiB, whatever the number of rounds


@pytest.mark.parametrize("what", WORK)
def test_leaks_nothing_that_tracemalloc_sees(codec: SimpleNamespace, what: str) -> None:
    """Slower, and sharper: blocks of any size, to the byte."""
    work, _ = WORK[what]
    rounds = 20
    tracemalloc.start()
    try:
        work(codec)
        work(codec)
        collect()
        before = tracemalloc.take_snapshot()
        for _ in range(rounds):
            work(codec)
        collect()
        after = tracemalloc.take_snapshot()
    finally:
        tracemalloc.stop()
    mine = [
        tracemalloc.Filter(False, tracemalloc.__file__),
        tracemalloc.Filter(False, "*/execnet/*"),  # the thread of pytest-xdist
    ]
    for change in after.filter_traces(mine).compare_to(before.filter_traces(mine), "lineno"):
        assert change.count_diff < rounds, change


def test_leaks_nothing_until_the_next_collection(codec: SimpleNamespace) -> None:
    """A violation is in no reference cycle, and is not the context of one that keeps bytes."""
    compressed = frame(TEXT, b"\xff" * 50)
    wires = [*BROKEN, bytes((compressed[0] | 0x40,)) + compressed[1:]]

    def contexts() -> Iterator[BaseException | None]:
        for wire in wires:
            try:
                list(codec.MessageDecoder("server", deflate=Deflate("server")).feed(wire))
            except ProtocolViolation as violation:
                yield violation.__context__

    assert set(contexts()) == {None}
    collect()
    gc.disable()
    try:
        assert len(list(contexts())) == len(wires) - 1  # one is only unfinished
        assert gc.collect() == 0
    finally:
        gc.enable()
