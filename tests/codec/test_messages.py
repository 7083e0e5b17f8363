"""Messages: fragments and control frames in order or not, closing, limits, memory, records.

RFC 6455 sections 5.4 to 5.6, 7.1 and 7.4.  Text that is not UTF-8 is in ``test_evidence``,
the rules for every header are in ``test_frames``.
"""

from __future__ import annotations

import copy
import gc
import pickle
import sys
import tracemalloc
from collections.abc import Callable
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest

from helpers import (
    BINARY,
    CLOSE,
    CONTINUATION,
    KEY,
    PING,
    PONG,
    TEXT,
    breaks_at,
    byte_by_byte,
    chunkings,
    collected,
    fragmented,
    frame,
    header,
    on_default_codecs,
    outcome,
    receive,
    run,
    without_other_threads,
)
from wsfast import Cause, CloseCode, InvalidUTF8, MessageTooBig, ProtocolError

pytestmark = pytest.mark.every_cpu

both_texts = pytest.mark.parametrize("text", ["str", "bytes"])


# Fragments and control frames (sections 5.4 and 5.5).


@both_texts
def test_message_control_frames_between_fragments_come_first(
    codec: SimpleNamespace, text: str
) -> None:
    wire = (
        frame(TEXT, b"gr\xc3", fin=False)
        + frame(PING, b"1")
        + frame(CONTINUATION, b"", fin=False)
        + frame(PONG)
        + frame(PING, b"\xff" * 125)
        + frame(CONTINUATION, b"\xbcn")
        + fragmented(BINARY, [b"\xff", b"", b"\x00"])
        + frame(TEXT)
        + frame(BINARY)
    )
    whole = "grün" if text == "str" else "grün".encode()
    empty = "" if text == "str" else b""
    expected = [
        codec.Ping(b"1"),
        codec.Pong(b""),
        codec.Ping(b"\xff" * 125),
        codec.Text(whole),
        codec.Binary(b"\xff\x00"),
        codec.Text(empty),
        codec.Binary(b""),
    ]
    for chunks in chunkings(Random(54), wire):
        received = receive(codec.MessageDecoder("server", text=text), chunks)
        assert received == (expected, None, None)
        assert type(received.events[3].data) is (str if text == "str" else bytes)


def start(opcode: int, *, empty: bool) -> bytes:
    return frame(opcode, b"" if empty else b"abc", fin=False)


SEQUENCES = [
    (b"", CONTINUATION, "continuation frame, but no message to continue"),
    (frame(TEXT, b"abc"), CONTINUATION, "continuation frame, but no message to continue"),
    (start(TEXT, empty=False), TEXT, "text frame inside an unfinished fragmented message"),
    (start(TEXT, empty=False), BINARY, "binary frame inside an unfinished fragmented message"),
    (start(BINARY, empty=True), TEXT, "text frame inside an unfinished fragmented message"),
    (start(BINARY, empty=True), BINARY, "binary frame inside an unfinished fragmented message"),
    (
        start(TEXT, empty=True) + frame(CONTINUATION) + frame(PING),
        CONTINUATION,
        "continuation frame, but no message to continue",
    ),
    (
        start(TEXT, empty=True) + frame(PING),
        TEXT,
        "text frame inside an unfinished fragmented message",
    ),
]


@pytest.mark.parametrize(
    ("before", "opcode", "text"), SEQUENCES, ids=[f"sequence-{i}" for i in range(len(SEQUENCES))]
)
@pytest.mark.parametrize("fin", [True, False], ids=["fin", "no-fin"])
def test_message_fragment_out_of_sequence_refused_with_its_first_byte(
    codec: SimpleNamespace, before: bytes, opcode: int, text: str, fin: bool
) -> None:
    wire = before + frame(opcode, b"x", fin=fin)
    at, violation = breaks_at(codec.MessageDecoder("server"), wire)
    assert (at, type(violation), str(violation)) == (len(before), ProtocolError, text)


def test_message_reserved_bits_refused_on_every_frame(codec: SimpleNamespace) -> None:
    """Nothing was negotiated: not RSV1 on a first frame, nor on a fragment, nor on a pong."""
    for before, opcode in ((b"", TEXT), (start(TEXT, empty=False), CONTINUATION), (b"", PONG)):
        for bit in (0x40, 0x20, 0x10):
            wire = before + header(0x80 | opcode | bit, 0)
            at, violation = breaks_at(codec.MessageDecoder("server"), wire)
            assert (at, type(violation)) == (len(before), ProtocolError)


# Closing (sections 5.5.1, 7.1.5 and 7.4).

SENDABLE = {*range(1000, 1015), *range(3000, 5000)} - {1004, 1005, 1006}


@on_default_codecs
def test_close_every_code_judged_as_rfc_and_iana_say(codec: SimpleNamespace) -> None:
    for code in range(2**16):
        payload = code.to_bytes(2, "big") + b"why"
        if code in SENDABLE:
            close = codec.parse_close(payload)
            assert (close.code, close.reason) == (code, "why")
            assert type(close.code) is (CloseCode if code < 3000 else int)
            assert codec.encode_close(code, "why") == payload
            continue
        refused = outcome(lambda p=payload: codec.parse_close(p))
        text = f"close code {code}, which must not be sent"
        assert refused == ("raised", (ProtocolError, text, ()))
        refused = outcome(lambda c=code: codec.encode_close(c))
        assert refused == ("raised", (ValueError, f"close code {code} must not be sent", ()))


def test_close_without_code_is_1005(codec: SimpleNamespace) -> None:
    assert codec.parse_close(b"") == codec.Close(1005, "")
    assert collected(codec, frame(CLOSE)) == [codec.Close(CloseCode.NO_STATUS_RCVD)]
    assert codec.encode_close() == b""


@pytest.mark.parametrize("reason", ["", "a" * 123, "é" * 61, "漢" * 41], ids=len)
def test_close_longest_reason_carried(codec: SimpleNamespace, reason: str) -> None:
    payload = codec.encode_close(CloseCode.GOING_AWAY, reason)
    assert payload == b"\x03\xe9" + reason.encode()
    assert codec.parse_close(bytearray(payload)) == codec.Close(1001, reason)
    assert collected(codec, frame(CLOSE, payload)) == [codec.Close(1001, reason)]


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ((1000, "a" * 124), ValueError, "reason must be 123 bytes of UTF-8 at most, not 124"),
        ((1000, "é" * 62), ValueError, "reason must be 123 bytes of UTF-8 at most, not 124"),
        ((None, "why"), ValueError, "a close frame can't carry a reason without a code"),
        ((1000, b"why"), TypeError, "reason must be a str, not bytes"),
        (("1000", ""), TypeError, "code must be an integer or None, not str"),
        ((2**16, ""), ValueError, "close code 65536 must not be sent"),
        ((-1, ""), ValueError, "close code -1 must not be sent"),
    ],
    ids=["long", "long-in-bytes", "no-code", "bytes", "str-code", "17-bits", "negative"],
)
def test_encode_close_bad_argument_refused(
    codec: SimpleNamespace, arguments: tuple[Any, ...], error: type[Exception], text: str
) -> None:
    with pytest.raises(error) as caught:
        codec.encode_close(*arguments)
    assert str(caught.value) == text


def test_parse_close_bad_length_refused(codec: SimpleNamespace) -> None:
    with pytest.raises(ProtocolError, match="payload of 1 byte, too short"):
        codec.parse_close(b"\x03")
    with pytest.raises(ProtocolError, match="payload of more than 125 bytes"):
        codec.parse_close(b"\x03\xe8" + b"a" * 124)


@pytest.mark.parametrize(
    ("reason", "offset", "cause"),
    [
        (b"\xff", 2, Cause.INVALID_LEAD),
        (b"ab\xc3", 4, Cause.TRUNCATED),
        (b"a" * 100 + b"\xed\xa0\x80", 102, Cause.SURROGATE),
    ],
    ids=["lead", "truncated", "surrogate"],
)
def test_close_reason_not_utf8_refused_with_its_place_in_the_payload(
    codec: SimpleNamespace, reason: bytes, offset: int, cause: Cause
) -> None:
    payload = b"\x03\xe8" + reason
    with pytest.raises(InvalidUTF8) as caught:
        codec.parse_close(payload)
    wire = start(TEXT, empty=False) + frame(CLOSE, payload)
    _, violation = run(codec.MessageDecoder("server").feed(wire))
    assert isinstance(violation, InvalidUTF8)
    assert violation.args == caught.value.args
    assert (violation.offset, violation.cause, violation.fragment_index) == (offset, cause, 0)


def test_close_whatever_follows_is_ignored(codec: SimpleNamespace) -> None:
    decoder = codec.MessageDecoder("server")
    wire = start(TEXT, empty=False) + frame(CLOSE, b"\x03\xe8") + frame(PING) + b"\xff" * 50
    assert list(decoder.feed(wire)) == [codec.Close(1000)]
    for junk in (b"\xff" * 100, frame(TEXT, b"\xff"), b""):
        assert list(decoder.feed(junk)) == []
    decoder.get_buffer()[:2] = b"\xff\xff"
    assert list(decoder.buffer_updated(2)) == []


# Limits: the last that is within them, and the first that is not.


@pytest.mark.parametrize("limit", [0, 1, 125, 126, 1000, 65536])
def test_message_max_message_size_exact_whole_or_fragmented(
    codec: SimpleNamespace, limit: int
) -> None:
    def make() -> Any:
        return codec.MessageDecoder("server", max_message_size=limit)

    payload = b"a" * limit
    pieces = [payload[: limit // 3], payload[limit // 3 :]]
    for wire in (frame(TEXT, payload), fragmented(TEXT, pieces), fragmented(TEXT, [*pieces, b""])):
        assert list(make().feed(wire)) == [codec.Text(payload.decode())]
    head = header(0x82, limit + 1, None)
    at, violation = breaks_at(make(), frame(BINARY, payload + b"b"))
    assert (at, type(violation)) == (len(head) - 1, MessageTooBig)
    text = f"message of {limit + 1} bytes or more, more than max_message_size ({limit})"
    assert str(violation) == text
    before = frame(BINARY, payload, fin=False)
    at, violation = breaks_at(make(), before + frame(CONTINUATION, b"b"))
    assert (at, str(violation)) == (len(before) + 1, text)


def test_message_limit_starts_anew_with_each_message(codec: SimpleNamespace) -> None:
    wire = (fragmented(TEXT, [b"ab", b"cd"]) + frame(PING, bytes(99)) + frame(BINARY, b"xyzt")) * 9
    assert len(collected(codec, wire, max_message_size=4, max_retained=4 + 16)) == 27


@pytest.mark.parametrize("extra", [0, 15, 16, 17, 160])
def test_message_max_retained_charges_each_fragment(codec: SimpleNamespace, extra: int) -> None:
    """16 bytes for each fragment before the current one; the empty ones cost as much."""
    limit = 100 + extra
    most = extra // 16  # fragments, before one of 100 bytes
    for fragment in (b"", b"a"):
        decoder = codec.MessageDecoder("server", max_retained=limit)
        last = b"a" * (100 - most * len(fragment))
        wire = fragmented(BINARY, [fragment] * most + [last])
        assert list(decoder.feed(wire)) == [codec.Binary(fragment * most + last)]
        wire = fragmented(BINARY, [fragment] * (most + 1) + [b"a" + last])
        events, violation = run(decoder.feed(wire))
        assert events == []
        assert type(violation) is MessageTooBig
        assert str(violation).endswith(f"more than max_retained ({limit})")


def test_message_default_limits_leave_room_for_a_message_in_single_bytes(
    codec: SimpleNamespace,
) -> None:
    size = 2**16
    decoder = codec.MessageDecoder("server", max_message_size=size)
    assert [len(m.data) for m in decoder.feed(fragmented(BINARY, [b"a"] * size))] == [size]


@pytest.mark.parametrize("name", ["max_message_size", "max_frame_size", "max_retained"])
def test_decoder_limit_that_is_none_or_no_number(codec: SimpleNamespace, name: str) -> None:
    assert collected(codec, frame(TEXT, b"a"), **{name: 2**80}) == [codec.Text("a")]
    with pytest.raises(ValueError, match=f"^{name} must not be negative, but is -1$"):
        codec.MessageDecoder("server", **{name: -1})
    for wrong in (1.0, "1"):
        kind = type(wrong).__name__
        with pytest.raises(TypeError, match=f"^{name} must be an integer or None, not {kind}$"):
            codec.MessageDecoder("server", **{name: wrong})


def test_decoder_unknown_text_mode_refused(codec: SimpleNamespace) -> None:
    with pytest.raises(ValueError, match=r"^text must be 'str' or 'bytes', not 'utf-8'$"):
        codec.MessageDecoder("server", text="utf-8")


# Memory.


def peak_of(work: Callable[[], Any]) -> int:
    """Return how many bytes the work had allocated at most."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("length", [2**20, 2**30, 2**40, 2**63 - 1])
def test_message_declared_length_is_not_allocated(codec: SimpleNamespace, length: int) -> None:
    options = {"max_message_size": None, "max_frame_size": None}
    for name, first in (("MessageDecoder", 0x81), ("MessageDecoder", 0x82), ("FrameDecoder", 0x82)):
        given = options if name == "MessageDecoder" else {"max_frame_size": None}
        decoder = getattr(codec, name)("server", **given)
        wire = [header(first, length), b"a" * 1000, b"b" * 1000]
        assert peak_of(lambda d=decoder, w=wire: receive(d, w)) < 50_000


@pytest.mark.measures
def test_message_memory_grows_with_what_arrived(codec: SimpleNamespace) -> None:
    chunk = b"a" * 100_000
    decoder = codec.MessageDecoder("server", max_message_size=None, max_frame_size=None)
    peak = peak_of(lambda: receive(decoder, [header(0x82, 2**40), *[chunk] * 10]))
    # What arrived, half of it again while it is moved to a larger place, and a read.
    assert 1_000_000 <= peak < 3_000_000


@pytest.mark.measures
def test_message_memory_is_released_after_each_message(codec: SimpleNamespace) -> None:
    decoder = codec.MessageDecoder("server")
    wire = frame(TEXT, b"a\xc3\xa4", fin=False) + frame(PING, b"x") + frame(0, b"b" * 300)
    wire += frame(BINARY, bytes(200)) + frame(TEXT, "漢".encode())
    for _ in range(100):
        assert len(list(decoder.feed(wire))) == 4
    with without_other_threads():
        before = sys.getallocatedblocks()
        for _ in range(25_000 if codec.name == "native" else 5_000):
            for _event in decoder.feed(wire):
                pass
        assert sys.getallocatedblocks() - before < 100


@pytest.mark.measures
def test_message_memory_is_released_after_a_violation(codec: SimpleNamespace) -> None:
    decoder = codec.MessageDecoder("server", max_message_size=None)
    tracemalloc.start()
    try:
        for i in range(20):
            list(decoder.feed(frame(CONTINUATION if i else BINARY, bytes(50_000), fin=False)))
        assert tracemalloc.get_traced_memory()[0] > 1_000_000
        with pytest.raises(ProtocolError):
            list(decoder.feed(frame(TEXT)))
        if sys.version_info >= (3, 14):  # some of the wire stayed until then; why is not known
            gc.collect()
        assert tracemalloc.get_traced_memory()[0] < 100_000
    finally:
        tracemalloc.stop()


# What comes out: records.


def records(codec: SimpleNamespace) -> list[Any]:
    return [
        codec.Text("grün"),
        codec.Text("grün".encode()),
        codec.Binary(b"\x00"),
        codec.Ping(b"\x00"),
        codec.Pong(b"\x00"),
        codec.TextPart("grün", False),
        codec.TextPart("grün", True),
        codec.TextPart("grün".encode(), True),
        codec.BinaryPart(b"\x00", False),
        codec.BinaryPart(b"\x00", True),
        codec.Close(CloseCode.GOING_AWAY, "why"),
        codec.Close(CloseCode.GOING_AWAY, "another"),
        codec.Close(CloseCode.NORMAL_CLOSURE, "why"),
        codec.Frame(1, b"\x00", True, False, True, False),
    ]


def test_record_equal_only_to_its_like(codec: SimpleNamespace) -> None:
    ours, others = records(codec), records(codec)
    for i, one in enumerate(ours):
        for j, other in enumerate(others):
            assert (one == other) is (i == j)
            assert (one != other) is (i != j)
        assert hash(one) == hash(others[i])
        assert one != getattr(one, one.__match_args__[0])
    assert len(set(ours + others)) == len(ours)


def test_record_pickled_and_copied_is_equal(codec: SimpleNamespace) -> None:
    for record in records(codec):
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            again = pickle.loads(pickle.dumps(record, protocol))
            assert again == record
            assert type(again) is type(record)
        assert copy.copy(record) == copy.deepcopy(record) == record


def test_record_repr_makes_it_again(codec: SimpleNamespace) -> None:
    assert repr(codec.Text("grün")) == "Text(data='grün')"
    assert repr(codec.Close(1001, "why")) == "Close(code=1001, reason='why')"
    assert repr(codec.Frame(1, b"a")) == (
        "Frame(opcode=<Opcode.TEXT: 1>, payload=b'a', fin=True, rsv1=False, rsv2=False, rsv3=False)"
    )
    assert repr(codec.TextPart("grün", False)) == "TextPart(data='grün', last=False)"
    for record in records(codec)[:10]:
        assert eval(repr(record), vars(codec)) == record


def test_record_does_not_change(codec: SimpleNamespace) -> None:
    for record in records(codec):
        before = repr(record)
        for name in (*record.__match_args__, "other"):
            with pytest.raises(AttributeError):
                setattr(record, name, b"x")
            with pytest.raises(AttributeError):
                delattr(record, name)
        assert not hasattr(record, "__dict__")
        assert repr(record) == before


def test_record_matched_by_pattern(codec: SimpleNamespace) -> None:
    wire = frame(TEXT, b"a") + frame(BINARY, b"b") + frame(PING, b"c") + frame(PONG, b"d")
    found = []
    for event in codec.MessageDecoder("server").feed(wire + frame(CLOSE, b"\x03\xe9why")):
        match event:
            case codec.Text(data):
                found.append(("text", data))
            case codec.Binary(data):
                found.append(("binary", data))
            case codec.Ping(data) | codec.Pong(data):
                found.append(("heartbeat", data))
            case codec.Close(CloseCode.GOING_AWAY, reason):
                found.append(("going away", reason))
    assert found == [
        ("text", "a"),
        ("binary", b"b"),
        ("heartbeat", b"c"),
        ("heartbeat", b"d"),
        ("going away", "why"),
    ]


def test_record_field_of_the_wrong_type_refused(codec: SimpleNamespace) -> None:
    for make, text in (
        (lambda: codec.Text(5), "data must be str or bytes, not int"),
        (lambda: codec.Binary("a"), "data must be bytes, not str"),
        (lambda: codec.TextPart(5, True), "data must be str or bytes, not int"),
        (lambda: codec.BinaryPart("a", True), "data must be bytes, not str"),
        (lambda: codec.Close("1000"), "code must be int, not str"),
        (lambda: codec.Close(1000, b""), "reason must be str, not bytes"),
        (lambda: codec.Frame(1, "a"), "payload must be bytes or bytearray or memoryview, not str"),
    ):
        with pytest.raises(TypeError) as caught:
            make()
        assert str(caught.value) == text


def test_message_decoder_is_generic_for_type_checkers(codec: SimpleNamespace) -> None:
    assert codec.MessageDecoder[str] is codec.MessageDecoder
    assert codec.MessageDecoder[str, codec.BinaryPart] is codec.MessageDecoder
    assert codec.Text[bytes] is codec.Text
    assert codec.TextPart[bytes] is codec.TextPart


def test_message_client_role_takes_unmasked_frames_only(codec: SimpleNamespace) -> None:
    wire = frame(TEXT, "grün".encode(), key=None)
    decoder = codec.MessageDecoder("client")
    assert receive(decoder, byte_by_byte(wire)).events == [codec.Text("grün")]
    _, violation = run(decoder.feed(frame(TEXT, b"a", key=KEY)))
    assert str(violation) == "masked frame from a server"
