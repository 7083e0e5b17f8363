"""One frame encoded: its bytes, the examples of the RFC, what is refused.

RFC 6455 sections 5.2, 5.5 and 5.7.  Batches: test_encode_frames.py.
"""

from __future__ import annotations

from itertools import product
from types import SimpleNamespace
from typing import Any

import pytest

from helpers import BINARY, CLOSE, KEY, LENGTHS, OPCODES, PING, TEXT, frame, header, mask

pytestmark = pytest.mark.every_cpu


@pytest.mark.parametrize("masked", [True, False], ids=["masked", "unmasked"])
@pytest.mark.parametrize("length", LENGTHS)
def test_encode_frame_equals_bytes_written_by_hand(
    codec: SimpleNamespace, length: int, masked: bool
) -> None:
    payload = bytes(i % 253 for i in range(length))
    key = KEY if masked else None
    role = "server" if masked else "client"
    for opcode, fin, rsv1 in product(OPCODES, (True, False), (True, False)):
        if opcode >= 8 and (not fin or length > 125):
            continue
        if opcode == CLOSE and length == 1:  # no decoder takes it
            continue
        wire = codec.encode_frame(opcode, payload, fin=fin, rsv1=rsv1, masking_key=key)
        first = opcode | fin << 7 | rsv1 << 6
        expected = header(first, length, key) + (mask(payload) if masked else payload)
        assert type(wire) is bytes
        assert wire == expected
        decoder = codec.FrameDecoder(role, reserved_bits=0x40)
        assert list(decoder.feed(wire)) == [codec.Frame(opcode, payload, fin, rsv1)]


# RFC 6455 section 5.7.
EXAMPLES = [
    pytest.param([(1, b"Hello", {})], "810548656c6c6f", id="unmasked-text"),
    pytest.param([(1, b"Hello", {"masking_key": KEY})], "818537fa213d7f9f4d5158", id="masked-text"),
    pytest.param(
        [(1, b"Hel", {"fin": False}), (0, b"lo", {})], "010348656c80026c6f", id="fragmented-text"
    ),
    pytest.param([(9, b"Hello", {})], "890548656c6c6f", id="ping"),
    pytest.param([(10, b"Hello", {"masking_key": KEY})], "8a8537fa213d7f9f4d5158", id="pong"),
    pytest.param([(2, bytes(256), {})], "827e0100" + "00" * 256, id="256-bytes"),
    pytest.param([(2, bytes(65536), {})], "827f0000000000010000" + "00" * 65536, id="65536-bytes"),
]


@pytest.mark.parametrize(("frames", "digits"), EXAMPLES)
def test_encode_frame_examples_of_rfc_6455(
    codec: SimpleNamespace, frames: list[tuple[int, bytes, dict[str, Any]]], digits: str
) -> None:
    wire = bytes.fromhex(digits)
    assert b"".join(codec.encode_frame(op, body, **options) for op, body, options in frames) == wire
    role = "server" if wire[1] & 0x80 else "client"
    decoded = list(codec.FrameDecoder(role).feed(wire))
    assert [(f.opcode, f.payload, f.fin) for f in decoded] == [
        (op, body, options.get("fin", True)) for op, body, options in frames
    ]


def test_encode_frame_str_sent_as_utf8(codec: SimpleNamespace) -> None:
    for text in ("", "abc", "äé漢🙂", "a" * 200, "é" * 40_000):
        for key in (None, KEY):
            assert codec.encode_frame(TEXT, text, masking_key=key) == frame(
                TEXT, text.encode(), key=key
            )


@pytest.mark.parametrize("opcode", [TEXT, 99], ids=["text", "no-opcode"])
def test_encode_frame_lone_surrogate_refused_as_cpython_refuses_it(
    codec: SimpleNamespace, opcode: int
) -> None:
    with pytest.raises(UnicodeEncodeError, match="surrogates not allowed") as caught:
        codec.encode_frame(opcode, "ab\ud800")
    assert (caught.value.start, caught.value.end) == (2, 3)


def test_encode_frame_payload_of_items_sent_as_bytes(codec: SimpleNamespace) -> None:
    items = memoryview(bytes(range(48))).cast("I", (3, 4))
    assert codec.encode_frame(BINARY, items, masking_key=KEY) == frame(BINARY, bytes(range(48)))


BAD_FRAMES = [
    pytest.param((3, b""), {}, ValueError, "opcode must be one of 0, 1, 2, 8, 9 and 10, not 3"),
    pytest.param((11, b""), {}, ValueError, "opcode must be one of 0, 1, 2, 8, 9 and 10, not 11"),
    pytest.param((-1, b""), {}, ValueError, "opcode must be one of 0, 1, 2, 8, 9 and 10, not -1"),
    pytest.param(
        (PING, b""),
        {"fin": False},
        ValueError,
        "PING is a control frame, which can't be fragmented",
    ),
    pytest.param(
        (CLOSE, bytes(126)),
        {},
        ValueError,
        "CLOSE is a control frame: its payload can't be 126 bytes, only up to 125",
    ),
    pytest.param(
        (CLOSE, b"x"),
        {},
        ValueError,
        "the payload of a CLOSE frame must be empty or begin with a 2-byte code",
    ),
    pytest.param(("1", b""), {}, ValueError, "opcode must be one of 0, 1, 2, 8, 9 and 10, not '1'"),
    pytest.param(
        (TEXT, None), {}, TypeError, "payload must be a str or a bytes-like object, not NoneType"
    ),
    pytest.param(
        (BINARY, memoryview(b"abcd")[::2]), {}, ValueError, "payload must be a C-contiguous buffer"
    ),
    pytest.param(
        (TEXT, b""),
        {"masking_key": b"abc"},
        ValueError,
        "masking_key must be exactly 4 bytes, not 3",
    ),
    pytest.param(
        (TEXT, b""),
        {"masking_key": 7},
        TypeError,
        "masking_key must be a bytes-like object, not int",
    ),
]


@pytest.mark.parametrize(("arguments", "options", "error", "text"), BAD_FRAMES)
def test_encode_frame_bad_argument_refused(
    codec: SimpleNamespace,
    arguments: tuple[Any, ...],
    options: dict[str, Any],
    error: type[Exception],
    text: str,
) -> None:
    with pytest.raises(error) as caught:
        codec.encode_frame(*arguments, **options)
    assert str(caught.value) == text
