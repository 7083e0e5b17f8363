"""The evidence of ``InvalidUTF8``: right for any message, however it was cut.

Random messages with random faults, in random fragments with control frames between
them, come in random reads.  What is expected is computed from the whole message, by
CPython's decoder and by Table 3-7 (``helpers``), and from where each byte stands in
the wire.  RFC 6455 sections 5.4, 5.5 and 8.1.
"""

from __future__ import annotations

from random import Random
from types import SimpleNamespace
from typing import NamedTuple

import pytest

from helpers import (
    PING,
    PONG,
    TEXT,
    assert_evidence,
    byte_by_byte,
    certainly_faulty,
    chunkings,
    cut,
    find_fault,
    fragments_of,
    frame,
    on_default_codecs,
    random_text,
    receive,
    with_fault,
)
from wsfast import InvalidUTF8

pytestmark = pytest.mark.every_cpu


class Wire(NamedTuple):
    """A message as it is sent, and what must come of it."""

    text: bytes
    fragments: list[bytes]
    data: bytes
    places: list[int]  # in the wire, of each byte of the text; last, of the end of the message
    controls: list[tuple[int, int, bytes]]  # where in the wire each ends, opcode, payload


def written(rng: Random, text: bytes, *, masked: bool = True) -> Wire:
    """Write a text message in random fragments, control frames between them."""
    fragments = fragments_of(rng, text)
    data = b""
    places = []
    controls = []
    for index, fragment in enumerate(fragments):
        fin = index == len(fragments) - 1
        key = rng.randbytes(4) if masked else None
        data += frame(0 if index else TEXT, fragment, fin=fin, key=key)
        places += range(len(data) - len(fragment), len(data))
        while not fin and rng.random() < 0.3:
            opcode, payload = rng.choice((PING, PONG)), rng.randbytes(rng.choice((0, 1, 9, 125)))
            data += frame(opcode, payload, key=rng.randbytes(4) if masked else None)
            controls.append((len(data), opcode, payload))
    places.append(len(data) - 1)
    return Wire(text, fragments, data, places, controls)


def assert_received(codec: SimpleNamespace, wire: Wire, chunks: list[bytes], role: str) -> None:
    """Receive the wire in these reads, and compare all that comes of it with the oracle."""
    mode = "str" if len(wire.text) % 2 else "bytes"
    received = receive(codec.MessageDecoder(role, text=mode), chunks)
    fault = find_fault(wire.text)
    end = len(wire.data) if fault is None else wire.places[fault.detected_at]
    expected = [
        codec.Ping(payload) if opcode == PING else codec.Pong(payload)
        for at, opcode, payload in wire.controls
        if at <= end
    ]
    if fault is None:
        expected.append(codec.Text(wire.text.decode() if mode == "str" else wire.text))
        assert received == (expected, None, None)
        return
    violation = received.violation
    assert received.events == expected
    assert_evidence(violation, wire.text, wire.fragments)
    assert isinstance(violation, InvalidUTF8)
    start = max(0, fault.offset - 16)
    assert violation.context == wire.text[start : fault.detected_at + 1]
    assert violation.context_offset == start
    # Fail fast: the read that brought the byte is the one that failed.
    before = sum(map(len, chunks[: received.chunk_index]))
    assert before <= end < before + len(chunks[received.chunk_index or 0])


@pytest.mark.parametrize("role", ["server", "client"])
def test_evidence_random_messages_same_whatever_the_chunking(
    codec: SimpleNamespace, role: str
) -> None:
    rng = Random(0x1007)
    valid = 0
    for _ in range(700):
        text = random_text(rng).encode()
        if rng.random() < 0.75:
            text = with_fault(rng, text)
        wire = written(rng, text, masked=role == "server")
        valid += find_fault(text) is None
        for chunks in chunkings(rng, wire.data):
            assert_received(codec, wire, chunks, role)
    assert 100 < valid < 400


def test_evidence_long_messages_same_whatever_the_chunking(codec: SimpleNamespace) -> None:
    """Long enough for every block size of the kernels, and for 16- and 64-bit lengths."""
    rng = Random(0x10007)
    for longest in (3_000, 3_000, 3_000, 100_000):
        for _ in range(8):
            text = certainly_faulty(rng, random_text(rng, longest).encode())
            wire = written(rng, text)
            whole, _, at_random = chunkings(rng, wire.data)
            assert_received(codec, wire, whole, "server")
            assert_received(codec, wire, at_random, "server")


@pytest.mark.exhaustive
@on_default_codecs
def test_evidence_one_fault_in_each_of_10000_messages_at_cpythons_offset(
    codec: SimpleNamespace,
) -> None:
    rng = Random(10_000)
    for number in range(10_000):
        text = certainly_faulty(rng, random_text(rng).encode())
        with pytest.raises(UnicodeDecodeError) as cpython:
            text.decode()
        fragments = fragments_of(rng, text)
        data = b"".join(
            frame(0 if i else TEXT, part, fin=i == len(fragments) - 1, key=rng.randbytes(4))
            for i, part in enumerate(fragments)
        )
        chunks = chunkings(rng, data)[number % 3]
        violation = receive(codec.MessageDecoder("server"), chunks).violation
        assert isinstance(violation, InvalidUTF8)
        assert violation.offset == cpython.value.start
        assert violation.length == cpython.value.end - cpython.value.start


def test_evidence_fault_in_a_character_over_many_fragments_names_its_first_byte(
    codec: SimpleNamespace,
) -> None:
    """The sequence begins in fragment 2 and breaks in fragment 7, empty ones between."""
    fragments = [b"caf\xc3", b"\xa9", b"ab\xf0", b"", b"\x9f", b"", b"\x99", b"x", b""]
    text = b"".join(fragments)
    data = b"".join(
        frame(0 if i else TEXT, part, fin=i == len(fragments) - 1)
        for i, part in enumerate(fragments)
    )
    for chunks in ([data], byte_by_byte(data), cut(data, range(0, len(data), 3))):
        violation = receive(codec.MessageDecoder("server"), chunks).violation
        assert isinstance(violation, InvalidUTF8)
        assert_evidence(violation, text, fragments)
        assert (violation.offset, violation.detected_at) == (7, 10)
        assert (violation.fragment_index, violation.fragment_offset) == (2, 2)
        assert violation.context == text[:11]


def test_evidence_second_message_counts_from_its_own_start(codec: SimpleNamespace) -> None:
    good = frame(TEXT, "grün".encode(), fin=False) + frame(0, b"!")
    bad = frame(TEXT, b"ab\xff")
    received = receive(codec.MessageDecoder("server"), [good + good + bad])
    assert received.events == [codec.Text("grün!")] * 2
    assert isinstance(received.violation, InvalidUTF8)
    assert received.violation.args[0] == 2
    assert received.violation.fragment_index == 0
    assert received.violation.context == b"ab\xff"
