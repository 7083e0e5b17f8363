"""Frames: each header cut at each byte, each rule of the header, each limit.

RFC 6455 sections 5.1, 5.2 and 5.5.  Encoding: test_encode.py.  Wires are written byte by
byte in ``helpers``.
"""

from __future__ import annotations

import gc
from itertools import product
from types import SimpleNamespace
from typing import Any

import pytest

from helpers import (
    BINARY,
    CLOSE,
    CONTINUATION,
    FAULTS,
    KEY,
    LENGTHS,
    OPCODES,
    PING,
    PONG,
    TEXT,
    breaks_at,
    byte_by_byte,
    cut,
    described,
    frame,
    header,
    receive,
    run,
)
from wsfast import MessageTooBig, Opcode, ProtocolError

pytestmark = pytest.mark.every_cpu

DECODERS = ["FrameDecoder", "MessageDecoder"]


def key_for(role: str) -> bytes | None:
    return KEY if role == "server" else None


def payload_of(event: Any) -> bytes:
    """Return the bytes of a frame or of a message."""
    return event.payload if hasattr(event, "payload") else event.data


roles = pytest.mark.parametrize("role", ["server", "client"])
both_decoders = pytest.mark.parametrize("name", DECODERS)


@roles
@pytest.mark.parametrize("length", LENGTHS)
def test_decoder_header_cut_at_each_byte_gives_the_same_frame(
    codec: SimpleNamespace, role: str, length: int
) -> None:
    payload = bytes(i % 251 for i in range(length))
    wire = frame(BINARY, payload, key=key_for(role))
    expected = [codec.Frame(BINARY, payload)] * 2
    inside = range(min(len(wire), 16))
    for at in inside:
        for end in (len(wire), len(wire) - 1):
            received = receive(codec.FrameDecoder(role), cut(wire + wire, [at, end]))
            assert received == (expected, None, None)
    head = len(wire) - length
    chunks = [*byte_by_byte(wire[:head]), b"", wire[head:]]
    assert receive(codec.FrameDecoder(role), chunks * 2).events == expected


@roles
def test_decoder_every_first_byte_in_order_gives_its_fields(
    codec: SimpleNamespace, role: str
) -> None:
    for first in range(256):
        opcode, fin = first & 15, first >= 128
        decoder = codec.FrameDecoder(role, reserved_bits=0x70)
        events, violation = run(decoder.feed(header(first, 0, key_for(role))))
        if opcode not in OPCODES or (opcode >= 8 and not fin):
            assert type(violation) is ProtocolError
            assert events == []
            continue
        (got,) = events
        assert type(got.opcode) is Opcode
        fields = (got.opcode, got.payload, got.fin, got.rsv1, got.rsv2, got.rsv3)
        rsv = tuple(bool(first & bit) for bit in (0x40, 0x20, 0x10))
        assert fields == (opcode, b"", fin, *rsv)


@pytest.mark.parametrize("allowed", range(8))
def test_decoder_reserved_bits_only_those_negotiated_taken(
    codec: SimpleNamespace, allowed: int
) -> None:
    for bits in range(8):
        decoder = codec.FrameDecoder("client", reserved_bits=allowed << 4)
        _, violation = run(decoder.feed(header(0x82 | bits << 4, 0, None)))
        assert (violation is None) == (bits & ~allowed == 0)
        if violation is not None:
            names = [f"RSV{3 - i}" for i in (2, 1, 0) if bits & ~allowed & 1 << i]
            assert str(violation).startswith(", ".join(names) + " set, but ")


# What breaks a rule; the byte that completes the evidence; what is said of it.
RULES = [
    *(
        pytest.param(0x80 | opcode, 0, f"reserved opcode 0x{opcode:X}", id=f"opcode-{opcode}")
        for opcode in range(16)
        if opcode not in OPCODES
    ),
    pytest.param(0xC1, 0, "RSV1 set, but no extension was negotiated that uses it", id="rsv1"),
    pytest.param(0xA2, 0, "RSV2 set, but no extension was negotiated that uses it", id="rsv2"),
    pytest.param(0x99, 0, "RSV3 set, but no extension was negotiated that uses it", id="rsv3"),
    pytest.param(
        0xF1, 0, "RSV1, RSV2, RSV3 set, but no extension was negotiated that uses it", id="rsv123"
    ),
    pytest.param(0x08, 0, "fragmented close frame", id="fragmented-close"),
    pytest.param(0x09, 0, "fragmented ping frame", id="fragmented-ping"),
    pytest.param(0x0A, 0, "fragmented pong frame", id="fragmented-pong"),
]


@both_decoders
@roles
@pytest.mark.parametrize(("first", "at", "text"), RULES)
def test_decoder_first_byte_breaks_a_rule_raised_with_it(
    codec: SimpleNamespace, name: str, role: str, first: int, at: int, text: str
) -> None:
    before = frame(PING, b"ok", key=key_for(role))
    wire = before + header(first, 0, key_for(role)) + b"rest"
    found, violation = breaks_at(getattr(codec, name)(role), wire)
    assert found == len(before) + at
    assert type(violation) is ProtocolError
    assert str(violation) == text


# A header that breaks a rule later, for both roles: the length and how it is written.
LATER_RULES = [
    *(
        pytest.param(first, 126, 2, 1, f"{name} frame with a payload of more than 125 bytes")
        for first, name in ((0x88, "close"), (0x89, "ping"), (0x8A, "pong"))
    ),
    pytest.param(0x89, 2**16, 8, 1, "ping frame with a payload of more than 125 bytes"),
    pytest.param(0x88, 1, 0, 1, "close frame with a payload of 1 byte, too short for a close code"),
    *(
        pytest.param(0x82, n, 2, 3, "payload length not encoded in the fewest bytes", id=f"16-{n}")
        for n in (0, 1, 124, 125)
    ),
    *(
        pytest.param(0x81, n, 8, 9, "payload length not encoded in the fewest bytes", id=f"64-{n}")
        for n in (0, 125, 126, 127, 65534, 65535)
    ),
    *(
        pytest.param(0x82, n, 8, 2, "payload length of 2**63 bytes or more", id=f"64-{n:#x}")
        for n in (2**63, 2**63 + 1, 2**63 + 126, 2**64 - 1)
    ),
]


@both_decoders
@roles
@pytest.mark.parametrize(("first", "length", "form", "at", "text"), LATER_RULES)
def test_decoder_length_breaks_a_rule_raised_with_its_byte(
    codec: SimpleNamespace,
    name: str,
    role: str,
    first: int,
    length: int,
    form: int,
    at: int,
    text: str,
) -> None:
    wire = header(first, length, key_for(role), form) + b"rest"
    found, violation = breaks_at(getattr(codec, name)(role, max_frame_size=None), wire)
    assert found == at
    assert type(violation) is ProtocolError
    assert str(violation) == text
    # It comes also if the bytes come at once, and with nothing after them.
    whole = receive(getattr(codec, name)(role, max_frame_size=None), [wire[: at + 1]])
    assert str(whole.violation) == text


@both_decoders
@roles
def test_decoder_mask_bit_of_the_wrong_side_raised_with_its_byte(
    codec: SimpleNamespace, name: str, role: str
) -> None:
    text = {"server": "unmasked frame from a client", "client": "masked frame from a server"}[role]
    wrong = None if role == "server" else KEY
    for opcode in (TEXT, BINARY, CLOSE, PING, PONG):
        found, violation = breaks_at(getattr(codec, name)(role), frame(opcode, b"abc", key=wrong))
        assert (found, type(violation), str(violation)) == (1, ProtocolError, text)


@both_decoders
def test_decoder_longest_length_waits_for_payload(codec: SimpleNamespace, name: str) -> None:
    """2**63 - 1 bytes are what a header can say; a size of the payload plus 1 must not wrap."""
    options = {"max_frame_size": None}
    if name == "MessageDecoder":
        options["max_message_size"] = None
    for role, length in product(("server", "client"), (2**63 - 1, 2**63 - 2, 2**32, 2**31)):
        decoder = getattr(codec, name)(role, **options)
        wire = header(0x82, length, key_for(role)) + bytes(1000)
        assert receive(decoder, [wire]) == ([], None, None)
        assert receive(decoder, byte_by_byte(bytes(100))) == ([], None, None)


@both_decoders
@pytest.mark.parametrize("limit", [0, 1, 125, 126, 65535, 65536, 2**20])
def test_decoder_max_frame_size_exact(codec: SimpleNamespace, name: str, limit: int) -> None:
    for role in ("server", "client"):
        for length in {max(0, limit - 1), limit}:
            wire = frame(BINARY, bytes(length), key=key_for(role))
            decoder = getattr(codec, name)(role, max_frame_size=limit)
            assert [len(payload_of(event)) for event in decoder.feed(wire)] == [length]
        head = header(0x82, limit + 1, None)
        wire = header(0x82, limit + 1, key_for(role)) + b"rest"
        found, violation = breaks_at(getattr(codec, name)(role, max_frame_size=limit), wire)
        assert found == len(head) - 1  # before the masking key
        assert type(violation) is MessageTooBig
        assert str(violation) == f"frame of {limit + 1} bytes, more than max_frame_size ({limit})"


@both_decoders
def test_decoder_max_frame_size_none_of_control_frames(codec: SimpleNamespace, name: str) -> None:
    decoder = getattr(codec, name)("server", max_frame_size=0)
    assert len(list(decoder.feed(frame(PING, bytes(125)) + frame(PONG, bytes(1))))) == 2


def test_frame_decoder_default_limit_is_one_mebibyte(codec: SimpleNamespace) -> None:
    decoder = codec.FrameDecoder("server")
    assert run(decoder.feed(header(0x82, 2**20))) == ([], None)
    _, violation = run(codec.FrameDecoder("server").feed(header(0x82, 2**20 + 1)))
    assert type(violation) is MessageTooBig


@both_decoders
def test_decoder_frames_before_a_violation_come_first(codec: SimpleNamespace, name: str) -> None:
    for count in (0, 1, 3):
        wire = frame(PING, b"x") * count + header(0x83, 0) + frame(PING, b"never")
        iterator = getattr(codec, name)("server").feed(wire)
        for _ in range(count):
            next(iterator)
        for _ in range(2):  # nothing comes after it but itself
            with pytest.raises(ProtocolError, match=r"^reserved opcode 0x3$"):
                next(iterator)


@both_decoders
def test_decoder_after_violation_raises_the_same_at_once(codec: SimpleNamespace, name: str) -> None:
    decoder = getattr(codec, name)("server")
    _, violation = run(decoder.feed(b"\x83"))

    def filled() -> Any:
        decoder.get_buffer()[:2] = b"\x89\x80"
        return decoder.buffer_updated(2)

    for call in (
        lambda: decoder.feed(b""),
        lambda: decoder.feed(frame(PING)),
        lambda: decoder.feed(b"\x83"),
        filled,
        lambda: next(decoder),
        lambda: list(decoder),
    ):
        with pytest.raises(ProtocolError) as caught:
            call()
        assert described(caught.value) == described(violation)


@both_decoders
def test_decoder_keeps_no_hold_on_what_it_was_fed(codec: SimpleNamespace, name: str) -> None:
    decoder = getattr(codec, name)("server")
    data = bytearray(frame(BINARY, b"Hello") + frame(BINARY, b"World")[:8])
    events = list(decoder.feed(data))
    data[:] = bytes(len(data))
    data.clear()  # BufferError if a view were still open
    events += decoder.feed(frame(BINARY, b"World")[8:])
    assert list(map(payload_of, events)) == [b"Hello", b"World"]


@both_decoders
@roles
def test_decoder_get_buffer_receives_as_feed_does(
    codec: SimpleNamespace, name: str, role: str
) -> None:
    wire = b"".join(frame(BINARY, bytes(n), key=key_for(role)) for n in (0, 5, 200, 70_000)) * 3
    expected = list(getattr(codec, name)(role).feed(wire))
    assert len(expected) == 12
    decoder = getattr(codec, name)(role)
    events: list[Any] = []
    at = 0
    for size in (1, 3, 10_000, 65_536, 7, 65_536, 65_536, 65_536):
        buffer = decoder.get_buffer(-1)
        assert len(buffer) >= 65_536
        part = wire[at : at + size]
        buffer[: len(part)] = part
        events += decoder.buffer_updated(len(part))
        at += size
    assert at >= len(wire)
    assert events == expected


@both_decoders
def test_decoder_get_buffer_sizes(codec: SimpleNamespace, name: str) -> None:
    decoder = getattr(codec, name)("server")
    assert len(decoder.get_buffer(0)) == 2**16
    assert len(decoder.get_buffer(2**17)) == 2**17
    assert len(decoder.get_buffer(2**40)) == 2**20  # a hint, not an order
    with pytest.raises(ValueError, match=r"^nbytes must be from 0 to \d+, .* not 1048577$"):
        decoder.buffer_updated(2**20 + 1)
    with pytest.raises(ValueError, match=r"^nbytes must be from 0 to \d+, .* not -1$"):
        decoder.buffer_updated(-1)
    assert list(decoder.buffer_updated(0)) == []
    with pytest.raises(ValueError, match=r"^nbytes must be from 0 to 0, .* not 1$"):
        decoder.buffer_updated(1)


def test_decoder_old_receive_buffer_written_later_changes_nothing(codec: SimpleNamespace) -> None:
    decoder = codec.FrameDecoder("client")
    old = decoder.get_buffer()
    old[:7] = frame(BINARY, b"Hello", key=None)
    (got,) = decoder.buffer_updated(7)
    old[:7] = bytes(7)
    assert got.payload == b"Hello"
    gc.collect()
    old[0] = 1  # the memory is still there


@both_decoders
@pytest.mark.parametrize("role", ["Server", "", None, b"server", 1])
def test_decoder_unknown_role_refused(codec: SimpleNamespace, name: str, role: Any) -> None:
    with pytest.raises(ValueError, match=r"^role must be 'server' or 'client', not "):
        getattr(codec, name)(role)


# take_frame, which adapters use.


@pytest.mark.parametrize("masked", [True, False], ids=["masked", "unmasked"])
def test_take_frame_takes_one_whole_frame(codec: SimpleNamespace, masked: bool) -> None:
    key = KEY if masked else None
    for payload in (b"", b"Hello", bytes(range(256)), bytes(70_000)):
        wire = b"???" + frame(BINARY, payload, key=key) + b"more"
        for data in (wire, bytearray(wire)):
            first, taken, end, is_text = codec.take_frame(data, 3, masked, 70_000)
            assert (first, taken, end, is_text) == (0x82, payload, len(wire) - 4, False)
            assert type(taken) is (bytes if masked else bytearray)
        for at in range(3, min(len(wire) - 4, 40)):
            assert codec.take_frame(wire[:at], 3, masked, 70_000) is None


@pytest.mark.parametrize("masked", [True, False], ids=["masked", "unmasked"])
def test_take_frame_tells_a_whole_text_in_utf_8(codec: SimpleNamespace, masked: bool) -> None:
    good = [b"", b"Hello", "漢字".encode(), "Köln".encode() * 5_000]
    bad = [*FAULTS, b"a" * 1_000 + b"\xe2\x82"]
    for kind in (bytes, bytearray):
        for payload in (*good, *bad):
            data = kind(frame(TEXT, payload, key=KEY if masked else None))
            end = len(data)
            assert codec.take_frame(data, 0, masked, end) == (0x81, payload, end, payload in good)
    for unfinished in (frame(TEXT, b"a", fin=False), frame(CONTINUATION, b"a"), frame(PING)):
        assert codec.take_frame(unfinished, 0, True, 9)[3] is False


@pytest.mark.parametrize("masked", [True, False], ids=["masked", "unmasked"])
def test_take_frame_decodes_a_text_that_does_not_grow_much(
    codec: SimpleNamespace, masked: bool
) -> None:
    """A short text in ASCII with one emoji would take four times as many bytes as a ``str``."""
    key = KEY if masked else None
    same = ["", "a", "é", "Hello", "Köln" * 5_000, "漢字", "a漢", "a" * 99 + "漢", "😀", "😀aa"]
    grow = ["😀aaa", "a" * 1_000 + "😀"]
    for kind in (bytes, bytearray):
        for text in (*same, *grow):
            payload = text.encode()
            data = kind(b"??" + frame(TEXT, payload, key=key) + b"more")
            end = len(data) - 4
            taken = codec.take_frame(data, 2, masked, end, True)
            assert taken == (0x81, text if text in same else payload, end, True)
            assert codec.take_frame(data, 2, masked, end, False) == (0x81, payload, end, True)
        for payload in (*FAULTS, b"a" * 1_000 + b"\xe2\x82"):
            data = kind(frame(TEXT, payload, key=key))
            taken = codec.take_frame(data, 0, masked, len(data), True)
            assert taken == (0x81, payload, len(data), False)
        for other in (frame(BINARY, b"a", key=key), frame(TEXT, b"a", fin=False, key=key)):
            assert codec.take_frame(kind(other), 0, masked, 9, True)[1] == b"a"


def test_take_frame_takes_none_that_breaks_a_rule(codec: SimpleNamespace) -> None:
    for wire in (
        frame(3),
        frame(PING, b"a", fin=False),
        frame(BINARY, b"abc", key=None),
        frame(BINARY, b"too long"),
        header(0x82, 2**63),
    ):
        assert codec.take_frame(wire, 0, True, 7) is None
    assert codec.take_frame(frame(PING), 7, True, 7) is None  # nothing is there
