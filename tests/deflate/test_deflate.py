"""permessage-deflate (RFC 7692): vectors of the RFC, limits to the byte, every chunking.

Invariant: what is inflated was made by zlib itself, or is in the RFC.
"""

from __future__ import annotations

import tracemalloc
import zlib
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
    assert_evidence,
    breaks_at,
    certainly_faulty,
    fragments_of,
    frame,
    header,
    mask,
    on_default_codecs,
    random_text,
    receive,
)
from wsfast import InvalidUTF8, MessageTooBig, ProtocolError
from wsfast.deflate import Deflate, DeflateParameters

pytestmark = on_default_codecs
RSV1 = 0x40
ALONE = DeflateParameters(server_no_context_takeover=True, client_no_context_takeover=True)
ENGINES = {"zlib": "zlib", "isal": "isal", "zlib-ng": "zlib_ng"}


def decoder(
    codec: SimpleNamespace, parameters: DeflateParameters | None = None, **options: Any
) -> Any:
    return codec.MessageDecoder("server", deflate=Deflate("server", parameters), **options)


def deflated(data: bytes, level: int = 6) -> bytes:
    """Compress as section 7.2.1 says it."""
    compressor = zlib.compressobj(level, wbits=-15)
    return (compressor.compress(data) + compressor.flush(zlib.Z_SYNC_FLUSH))[:-4]


def compressed_frame(opcode: int, payload: bytes, *, fin: bool = True) -> bytes:
    first = opcode | RSV1 | (0x80 if fin else 0)
    return header(first, len(payload)) + mask(payload)


def compressed_message(opcode: int, fragments: list[bytes]) -> bytes:
    """Write a message in fragments of its compressed payload (section 6.1)."""
    last = len(fragments) - 1
    return b"".join(
        frame(CONTINUATION, part, fin=i == last)
        if i
        else compressed_frame(opcode, part, fin=i == last)
        for i, part in enumerate(fragments)
    )


# Section 7.2.3: (name, the payloads of successive compressed messages, all "Hello").
HELLO = [
    ("one block", ["f2 48 cd c9 c9 07 00"]),
    ("sharing the window", ["f2 48 cd c9 c9 07 00", "f2 00 11 00 00"]),
    ("no compression", ["00 05 00 fa ff 48 65 6c 6c 6f 00"]),
    ("a final block", ["f3 48 cd c9 c9 07 00 00"]),
    ("a final block, then more", ["f3 48 cd c9 c9 07 00 00", "f2 48 cd c9 c9 07 00"]),
    ("two blocks", ["f2 48 05 00 00 00 ff ff ca c9 c9 07 00"]),
]


@pytest.mark.parametrize(("payloads"), [p for _, p in HELLO], ids=[name for name, _ in HELLO])
def test_examples_of_the_rfc(codec: SimpleNamespace, payloads: list[str]) -> None:
    wire = b"".join(compressed_frame(TEXT, bytes.fromhex(p)) for p in payloads)
    for size in (1, 2, 3, len(wire)):
        chunks = [wire[i : i + size] for i in range(0, len(wire), size)]
        events = receive(decoder(codec), chunks).events
        assert [event.data for event in events] == ["Hello"] * len(payloads)


def test_example_of_a_fragmented_message(codec: SimpleNamespace) -> None:
    wire = compressed_message(TEXT, [bytes.fromhex("f248cd"), bytes.fromhex("c9c90700")])
    assert [e.data for e in receive(decoder(codec), [wire]).events] == ["Hello"]


def test_a_message_without_bytes(codec: SimpleNamespace) -> None:
    wire = compressed_frame(BINARY, b"\x00") + compressed_frame(TEXT, b"\x00")
    assert [e.data for e in receive(decoder(codec), [wire]).events] == [b"", ""]


@pytest.mark.parametrize("read_size", [1, 1000])
@pytest.mark.parametrize("limit", ["max_message_size", "max_retained"])
def test_a_fault_before_the_limit_comes_first(
    codec: SimpleNamespace, limit: str, read_size: int
) -> None:
    wire = compressed_frame(TEXT, deflated(b"ab\xffdef" * 5))
    reads = [wire[i : i + read_size] for i in range(0, len(wire), read_size)]
    violation = receive(decoder(codec, **{limit: 5}), reads).violation
    assert isinstance(violation, InvalidUTF8)
    assert violation.offset == 2


@pytest.mark.parametrize("parameters", [None, ALONE], ids=["takeover", "no-takeover"])
def test_messages_of_every_kind_in_every_chunking(
    codec: SimpleNamespace, parameters: DeflateParameters | None
) -> None:
    rng = Random(7692)
    for _ in range(60):
        sender = zlib.compressobj(rng.choice((1, 6, 9)), wbits=-15)
        sent, wire = [], b""
        for _ in range(rng.randrange(1, 6)):
            text = random_text(rng, 2000)
            sent.append(text)
            if rng.random() < 0.3:
                wire += frame(TEXT, text.encode())  # section 6.1: RSV1 is 0, not compressed
            else:
                part = sender.compress(text.encode()) + sender.flush(zlib.Z_SYNC_FLUSH)
                part = part[:-4] if part else b"\x00"
                wire += compressed_message(TEXT, fragments_of(rng, part))
                if parameters is ALONE:
                    sender = zlib.compressobj(6, wbits=-15)
            wire += frame(PING, b"between")
        cuts = sorted(rng.randrange(len(wire)) for _ in range(rng.randrange(20)))
        chunks = [wire[a:b] for a, b in zip([0, *cuts], [*cuts, len(wire)], strict=True)]
        events = receive(decoder(codec, parameters), chunks).events
        assert [e.data for e in events if e.data != b"between"] == sent


def test_the_evidence_counts_inflated_bytes(codec: SimpleNamespace) -> None:
    rng = Random(1007)
    for _ in range(300):
        text = certainly_faulty(rng, random_text(rng, 400).encode())
        sender = zlib.compressobj(wbits=-15)
        fragments = fragments_of(rng, text)
        # Each fragment is flushed, so that what is inflated of it is its text.
        parts = [sender.compress(f) + sender.flush(zlib.Z_SYNC_FLUSH) for f in fragments]
        parts[-1] = parts[-1][:-4] if parts[-1] else b"\x00"
        got = receive(decoder(codec), [compressed_message(TEXT, parts)])
        assert got.events == []
        assert_evidence(got.violation, text, fragments)


def test_a_fault_is_known_before_the_frame_ends(codec: SimpleNamespace) -> None:
    text = b"x" * 1000 + b"\xff" + bytes(Random(1).randbytes(5000))
    wire = compressed_frame(TEXT, deflated(text))
    decode = decoder(codec)
    fed, violation = breaks_at(decode, wire)
    assert isinstance(violation, InvalidUTF8)
    assert violation.offset == 1000
    assert fed < len(wire) / 2


@pytest.mark.parametrize("more", [-1, 0, 1])
@pytest.mark.parametrize("level", [0, 6], ids=["stored", "deflated"])
@pytest.mark.parametrize("limit", [1, 1000, 65_535, 65_536, 70_000])
def test_the_limit_counts_inflated_bytes_exactly(
    codec: SimpleNamespace, limit: int, level: int, more: int
) -> None:
    data = Random(limit).randbytes(limit + more)
    wire = compressed_frame(BINARY, deflated(data, level))
    for step in (len(wire), 977):
        chunks = [wire[i : i + step] for i in range(0, len(wire), step)]
        got = receive(decoder(codec, max_message_size=limit), chunks)
        if more <= 0:
            assert [e.data for e in got.events] == [data]
        else:
            assert isinstance(got.violation, MessageTooBig)
            assert str(got.violation) == (
                f"message of {limit + 1} bytes or more, more than max_message_size ({limit})"
            )


def test_the_limit_is_shared_by_fragments(codec: SimpleNamespace) -> None:
    data = b"a" * 100_000
    parts = [deflated(data), b""]
    sender = zlib.compressobj(wbits=-15)
    parts = [sender.compress(data) + sender.flush(zlib.Z_SYNC_FLUSH) for _ in range(3)]
    parts[-1] = parts[-1][:-4]
    wire = compressed_message(BINARY, parts)
    assert receive(decoder(codec, max_message_size=300_000), [wire]).events[0].data == data * 3
    got = receive(decoder(codec, max_message_size=299_999), [wire])
    assert isinstance(got.violation, MessageTooBig)


@pytest.mark.parametrize("parameters", [None, ALONE], ids=["takeover", "no-takeover"])
def test_a_bomb_costs_no_more_than_the_limit(
    codec: SimpleNamespace, parameters: DeflateParameters | None
) -> None:
    bomb = compressed_frame(BINARY, deflated(bytes(200_000_000), 9))
    decode = decoder(codec, parameters, max_message_size=1_000_000)
    tracemalloc.start()
    try:
        got = receive(decode, [bomb])
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert isinstance(got.violation, MessageTooBig)
    assert peak < 4_000_000


def test_what_is_retained_is_charged_inflated_and_by_fragment(codec: SimpleNamespace) -> None:
    sender = zlib.compressobj(wbits=-15)
    part = sender.compress(bytes(1000)) + sender.flush(zlib.Z_SYNC_FLUSH)
    wire = compressed_frame(BINARY, part, fin=False) + frame(CONTINUATION, b"", fin=False) * 10
    got = receive(decoder(codec, max_retained=1000 + 16 * 5), [wire])
    assert str(got.violation) == (
        "message in 7 fragments would retain 1096 bytes, more than max_retained (1080)"
    )


def test_the_limit_on_frames_counts_bytes_on_the_wire(codec: SimpleNamespace) -> None:
    wire = compressed_frame(BINARY, deflated(bytes(100_000)))
    assert receive(decoder(codec, max_frame_size=200), [wire]).violation is None
    got = receive(decoder(codec, max_frame_size=50), [wire])
    assert isinstance(got.violation, MessageTooBig)


@pytest.mark.parametrize(
    ("wire", "said"),
    [
        (compressed_frame(PING, b""), "RSV1 set on a ping frame"),
        (
            compressed_frame(TEXT, b"", fin=False) + compressed_frame(CONTINUATION, b"\0"),
            "RSV1 set on a continuation frame",
        ),
        (frame(TEXT, b"a", fin=False) + compressed_frame(CONTINUATION, b"\0"), "RSV1 set on a"),
        (header(0x80 | 0x20 | TEXT, 0), "RSV2 set, but no extension was negotiated"),
        (header(0x80 | 0x70 | TEXT, 0), "RSV2, RSV3 set, but no extension was negotiated"),
        (header(0x80 | RSV1 | 3, 0), "RSV1 set, but no extension was negotiated"),
        (compressed_frame(TEXT, b"\xff" * 9), "compressed message can't be inflated: Error -3"),
    ],
    ids=["ping", "continuation", "continuation of plain", "RSV2", "RSV123", "opcode 3", "garbage"],
)
def test_what_is_refused(codec: SimpleNamespace, wire: bytes, said: str) -> None:
    got = receive(decoder(codec), [frame(TEXT, b"before") + wire])
    assert [event.data for event in got.events] == ["before"]
    assert type(got.violation) is ProtocolError
    assert str(got.violation).startswith(said)


def test_a_compressed_frame_without_agreement_is_refused(codec: SimpleNamespace) -> None:
    got = receive(codec.MessageDecoder("server"), [compressed_frame(TEXT, deflated(b"Hello"))])
    assert str(got.violation) == "RSV1 set, but no extension was negotiated that uses it"


def test_a_message_that_ends_inside_a_block_is_refused_where_that_can_be_told(
    codec: SimpleNamespace,
) -> None:
    payload = deflated(bytes(Random(3).randbytes(500)))
    got = receive(decoder(codec, ALONE), [compressed_frame(BINARY, payload[:-100])])
    assert type(got.violation) is ProtocolError
    assert "can't be inflated" in str(got.violation)


def test_context_is_dropped_or_kept_as_agreed(codec: SimpleNamespace) -> None:
    sender = zlib.compressobj(wbits=-15)
    data = bytes(range(200))
    first = (sender.compress(data) + sender.flush(zlib.Z_SYNC_FLUSH))[:-4]
    second = (sender.compress(data) + sender.flush(zlib.Z_SYNC_FLUSH))[:-4]
    assert len(second) < 20  # it refers to the first
    wire = compressed_frame(BINARY, first) + compressed_frame(BINARY, second)
    assert [e.data for e in receive(decoder(codec), [wire]).events] == [data, data]
    got = receive(decoder(codec, ALONE), [wire])
    assert [e.data for e in got.events] == [data]
    assert "invalid distance too far back" in str(got.violation)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("bits", range(8, 16))
def test_what_is_compressed_keeps_to_the_window(
    codec: SimpleNamespace, bits: int, engine: str
) -> None:
    pytest.importorskip(ENGINES[engine])
    sender = Deflate("client", DeflateParameters(client_max_window_bits=bits), engine=engine)
    rng = Random(bits)
    words = [rng.randbytes(9) for _ in range(40)]
    inflater = zlib.decompressobj(wbits=-bits)
    for _ in range(4):
        data = b"".join(rng.choices(words, k=4000))
        compressed = (sender.compress(data) or b"") + b"\x00\x00\xff\xff"
        # One byte at a time, so that zlib has nothing to look back into but its window.
        out = bytearray()
        while compressed:
            out += inflater.decompress(compressed, 1)
            compressed = inflater.unconsumed_tail
        while piece := inflater.decompress(b"", 1):
            out += piece
        assert out == data


@pytest.mark.parametrize("engine", ENGINES)
def test_every_engine_round_trips(codec: SimpleNamespace, engine: str) -> None:
    pytest.importorskip(ENGINES[engine])
    rng = Random(99)
    for parameters in (None, ALONE):
        sender = Deflate("client", parameters, engine=engine, threshold=0)
        receiver = Deflate("server", parameters, engine=engine)
        decode = codec.MessageDecoder("server", deflate=receiver, max_message_size=None)
        for size in (0, 1, 31, 32, 1000, 65_536, 65_537, 200_000):
            for data in (
                bytes(size),
                rng.randbytes(size),
                (random_text(rng, size + 1) * 9).encode(),
            ):
                packed = sender.compress(data)
                wire = frame(BINARY, data) if packed is None else compressed_frame(BINARY, packed)
                assert [e.data for e in decode.feed(wire)] == [data]


def test_a_deflate_of_the_other_end_is_refused(codec: SimpleNamespace) -> None:
    with pytest.raises(ValueError, match="deflate is for the client's end, but role is 'server'"):
        codec.MessageDecoder("server", deflate=Deflate("client"))
    with pytest.raises(TypeError, match="deflate must be a Deflate or None, not bool"):
        codec.MessageDecoder("server", deflate=True)


def test_a_client_inflates_what_a_server_sends(codec: SimpleNamespace) -> None:
    decode = codec.MessageDecoder("client", deflate=Deflate("client"))
    payload = Deflate("server").compress("Grüße " * 50)
    wire = codec.encode_frame(TEXT, payload, rsv1=True)
    assert [e.data for e in decode.feed(wire)] == ["Grüße " * 50]
    assert mask(mask(b"x", KEY), KEY) == b"x"
