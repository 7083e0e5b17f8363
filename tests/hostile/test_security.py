"""What other WebSocket libraries got wrong, one named test each.

Each test names the advisory or the issue that it comes from; docs/security.md has the list, with
the tests elsewhere that belong to it, such as those of inflation.
"""

from __future__ import annotations

import os
import re
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from conftest import CODECS
from helpers import (
    BINARY,
    CONTINUATION,
    FAULTS,
    KEY,
    PING,
    PONG,
    TEXT,
    breaks_at,
    byte_by_byte,
    cut,
    fragmented,
    frame,
    header,
    mask,
    receive,
    run,
)
from wsfast import Cause, InvalidUTF8, MessageTooBig, ProtocolError

decoders = pytest.mark.parametrize("name", ["MessageDecoder", "FrameDecoder"])


def unlimited(codec: SimpleNamespace, name: str, role: str = "server") -> Any:
    options: dict[str, Any] = {"max_frame_size": None}
    if name == "MessageDecoder":
        options["max_message_size"] = None
    return getattr(codec, name)(role, **options)


@decoders
@pytest.mark.parametrize("length", [2**63, 2**63 + 1, 2**64 - 2, 2**64 - 1])
def test_security_length_with_the_top_bit_refused_not_negative(
    codec: SimpleNamespace, name: str, length: int
) -> None:
    """undici CVE-2026-1528, nopoll#84: lengths of 2**63 and more, taken as signed."""
    at, violation = breaks_at(unlimited(codec, name), header(0x82, length) + b"payload")
    assert (at, type(violation)) == (2, ProtocolError)


@decoders
def test_security_longest_length_plus_one_does_not_wrap(codec: SimpleNamespace, name: str) -> None:
    """gpac#3860: a size plus 1 that wraps to 0."""
    decoder = unlimited(codec, name)
    head = header(0x82, 2**63 - 1)
    assert receive(decoder, [head, *byte_by_byte(bytes(64))]) == ([], None, None)


def test_security_sizes_of_fragments_do_not_wrap_when_added(codec: SimpleNamespace) -> None:
    """The same with a sum: 1 byte here, and 2**63 - 1 announced."""
    decoder = unlimited(codec, "MessageDecoder")
    wire = frame(BINARY, b"a", fin=False) + header(CONTINUATION | 0x80, 2**63 - 1)
    events, violation = run(decoder.feed(wire + b"b"))
    assert events == []
    assert type(violation) is MessageTooBig


@pytest.mark.parametrize("length", [2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**32 + 5])
def test_security_length_over_32_bits_is_not_cut_down(codec: SimpleNamespace, length: int) -> None:
    """aiohttp reader_py.py:34 on 32-bit builds: 2**32 + 5 bytes are not 5."""
    decoder = unlimited(codec, "MessageDecoder")
    assert list(decoder.feed(header(0x82, length) + b"Hello")) == []
    _, violation = run(codec.MessageDecoder("server").feed(header(0x82, length)))
    assert str(violation).startswith(f"message of {length} bytes or more")


@decoders
@pytest.mark.parametrize(
    ("length", "form"),
    [(0, 2), (125, 2), (0, 8), (126, 8), (65535, 8)],
    ids=lambda value: str(value),
)
def test_security_length_in_a_longer_form_than_needed_refused(
    codec: SimpleNamespace, name: str, length: int, form: int
) -> None:
    """A length in two forms is a way around filters (RFC 6455 section 5.2)."""
    _, violation = run(unlimited(codec, name).feed(header(0x82, length, KEY, form)))
    assert type(violation) is ProtocolError


@decoders
def test_security_partial_masked_payload_read_no_further(codec: SimpleNamespace, name: str) -> None:
    """libhv#769: a masked payload that is not whole was unmasked beyond what had arrived."""
    payload = bytes(range(256))
    wire = frame(BINARY, payload)
    for at in range(len(wire)):
        decoder = getattr(codec, name)("server")
        received = receive(decoder, [wire[:at], wire[at:]])
        (event,) = received.events
        assert getattr(event, "data", None) == payload or event.payload == payload


def test_security_tiny_fragments_bounded_by_max_retained(codec: SimpleNamespace) -> None:
    """ws CVE-2026-48779: fragments of one byte, each of which cost far more."""
    decoder = codec.MessageDecoder("server", max_retained=1_600)
    received = receive(
        decoder, [frame(BINARY, b"a", fin=False), *[frame(0, b"a", fin=False)] * 200]
    )
    assert type(received.violation) is MessageTooBig
    assert received.chunk_index is not None
    assert received.chunk_index <= 100


@pytest.mark.parametrize("codec", CODECS["users"][-1:], indirect=True)  # 2 million fragments
def test_security_tiny_fragments_bounded_by_default(codec: SimpleNamespace) -> None:
    decoder = codec.MessageDecoder("server")
    assert run(decoder.feed(frame(BINARY, fin=False))) == ([], None)
    wire = frame(CONTINUATION, fin=False) * 100_000
    # Twice max_message_size and 32 MiB: that is room for 2.2 million fragments and some.
    assert [run(decoder.feed(wire)) for _ in range(22)] == [([], None)] * 22
    _, violation = run(decoder.feed(wire))
    assert type(violation) is MessageTooBig


def test_security_empty_fragments_are_counted(codec: SimpleNamespace) -> None:
    """ws#2329: an endless message of empty fragments."""
    decoder = codec.MessageDecoder("server", max_retained=1_600)
    wires = [frame(TEXT, fin=False), *[frame(CONTINUATION, fin=False)] * 200]
    received = receive(decoder, wires)
    assert type(received.violation) is MessageTooBig
    assert received.chunk_index == 101  # the first after 101 that cost 16 bytes each


def test_security_incomplete_fragment_is_within_the_limit_too(codec: SimpleNamespace) -> None:
    """ws#2331: what a header announces counts before its payload has come."""
    decoder = codec.MessageDecoder("server", max_message_size=1_000)
    wire = frame(BINARY, bytes(600), fin=False) + header(CONTINUATION, 401)
    _, violation = run(decoder.feed(wire))
    assert type(violation) is MessageTooBig


def test_security_fragment_count_starts_anew_with_each_message(codec: SimpleNamespace) -> None:
    """ws#2333: a count that was never reset ended long-lived connections."""
    decoder = codec.MessageDecoder("server", max_retained=100)
    wire = fragmented(BINARY, [b"a"] * 5)
    for _ in range(1_000):
        assert list(decoder.feed(wire)) == [codec.Binary(b"aaaaa")]


@pytest.mark.parametrize("extra", [1, 2, 3])
def test_security_bytes_over_the_limit_refused_not_dropped(
    codec: SimpleNamespace, extra: int
) -> None:
    """websockets#1715: one or two bytes over the limit, cut off and delivered."""
    for wire in (
        frame(BINARY, bytes(100 + extra)),
        fragmented(BINARY, [bytes(100), bytes(extra)]),
        fragmented(BINARY, [bytes(99), bytes(1 + extra)]),
    ):
        events, violation = run(codec.MessageDecoder("server", max_message_size=100).feed(wire))
        assert (events, type(violation)) == ([], MessageTooBig)


@pytest.mark.parametrize(
    "before",
    [b"", frame(TEXT, b"abc", fin=False), frame(PONG)],
    ids=["first", "continuation", "after-pong"],
)
def test_security_rsv1_that_was_not_negotiated_refused(
    codec: SimpleNamespace, before: bytes
) -> None:
    """aiohttp CVE-2026-59881, websockets#1720, aiohttp#13274: compressed frames unasked."""
    opcode = CONTINUATION if before and before[0] == TEXT else TEXT
    wire = before + header(0xC0 | opcode, 3) + bytes(3)
    at, violation = breaks_at(codec.MessageDecoder("server"), wire)
    assert (at, type(violation)) == (len(before), ProtocolError)


def test_security_pong_between_fragments_leaves_their_state(codec: SimpleNamespace) -> None:
    """aiohttp#13274: a pong that broke the state of the message around it."""
    wire = frame(TEXT, b"gr\xc3", fin=False) + frame(PONG, b"\xff") + frame(CONTINUATION, b"\xbcn")
    assert receive(codec.MessageDecoder("server"), byte_by_byte(wire)).events == [
        codec.Pong(b"\xff"),
        codec.Text("grün"),
    ]


@pytest.mark.parametrize("first", [b"", b"abc"], ids=["empty-first", "bytes-first"])
@pytest.mark.parametrize("opcode", [TEXT, BINARY], ids=["text", "binary"])
def test_security_message_inside_a_message_refused(
    codec: SimpleNamespace, first: bytes, opcode: int
) -> None:
    """aiohttp#13553; where the first fragment was empty, peers forgot that one had begun."""
    before = frame(TEXT, first, fin=False)
    at, violation = breaks_at(codec.MessageDecoder("server"), before + frame(opcode, b"x"))
    assert (at, type(violation)) == (len(before), ProtocolError)


def test_security_defaults_are_limits(codec: SimpleNamespace) -> None:
    """daphne CVE-2026-44545: no limit unless one was set."""
    for name in ("MessageDecoder", "FrameDecoder"):
        for role, key in (("server", KEY), ("client", None)):
            _, violation = run(getattr(codec, name)(role).feed(header(0x82, 2**20 + 1, key)))
            assert type(violation) is MessageTooBig


def test_security_limit_of_zero_is_a_limit(codec: SimpleNamespace) -> None:
    """autobahn's 0 stood for none."""
    _, violation = run(codec.MessageDecoder("server", max_message_size=0).feed(header(0x82, 1)))
    assert type(violation) is MessageTooBig


def test_security_masking_keys_are_the_operating_systems(
    codec: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """picows (libc rand), aiohttp#1437, autobahn#758: keys that a seed foretells.

    What happens to them after a fork is in ``test_masking_keys``.
    """
    given: list[bytes] = []
    genuine = os.urandom

    def urandom(count: int) -> bytes:
        given.append(genuine(count))
        return given[-1]

    monkeypatch.setattr(os, "urandom", urandom)
    keys = [codec.new_masking_key() for _ in range(2_000)]
    entropy = b"".join(given)
    there = [entropy[i : i + 4] for i in range(0, len(entropy), 4)]
    # Of the first, some may have been fetched before; from then on each is used once.
    taken = Counter(keys[1_000:]) - Counter(there)
    assert not taken
    assert len(there) >= 1_000


def test_security_ill_formed_text_in_any_block_refused(codec: SimpleNamespace) -> None:
    """simdjson#357: ill-formed input passed by one of the kernels."""
    for length in (0, 7, 15, 16, 31, 32, 63, 64, 127, 128):
        for fault in FAULTS:
            for filler in (b"a", "é".encode(), "漢".encode()):
                wire = frame(TEXT, filler * length + fault)
                _, violation = run(codec.MessageDecoder("server").feed(wire))
                assert isinstance(violation, InvalidUTF8), (length, fault)
                assert violation.offset == length * len(filler)


def test_security_sequence_pending_before_a_fragment_of_ascii_refused(
    codec: SimpleNamespace,
) -> None:
    """simdutf#381: the fast path for ASCII forgot the sequence that was pending."""
    for begin in (b"\xc3", b"\xe2\x82", b"\xf0\x9f\x99"):
        for length in (1, 16, 64, 200):
            wire = fragmented(TEXT, [b"b" * 64 + begin, b"a" * length])
            _, violation = run(codec.MessageDecoder("server").feed(wire))
            assert isinstance(violation, InvalidUTF8)
            assert (violation.offset, violation.cause) == (64, Cause.MISSING_CONTINUATION)


def test_security_valid_text_of_several_bytes_a_character_taken(codec: SimpleNamespace) -> None:
    """wsaccel#4: well-formed text refused."""
    for character in "é߿ࠀ漢\ud7ff\ue000\uffff\U00010000🙂\U0010ffff":
        for length in range(70):
            text = "a" * length + character + "b" * (70 - length)
            wire = frame(TEXT, text.encode())
            assert list(codec.MessageDecoder("server").feed(wire)) == [codec.Text(text)]


def test_security_unaligned_bytes_at_any_address_taken(codec: SimpleNamespace) -> None:
    """utf-8-validate#111, NVX: aligned loads of bytes that are not; reads past the end."""
    store = bytearray(200)
    text = "aé漢🙂".encode() * 9
    for start in range(64):
        for length in range(0, 90, 10):
            store[start : start + length] = text[:length]
            with memoryview(store)[start : start + length] as view:
                assert codec.is_valid_utf8(view)
                assert codec.apply_mask(view, KEY) == mask(text[:length])


def test_security_bytes_beyond_the_end_have_no_say(codec: SimpleNamespace) -> None:
    """An over-read shows in the verdict if what follows would change it."""
    store = bytearray(b"\xff" * 300)
    for length in range(130):
        store[:length] = b"a" * length
        with memoryview(store)[:length] as view:
            assert codec.is_valid_utf8(view)
    for begin in (b"\xc3", b"\xe2\x82", b"\xf0\x9f\x99"):
        store = bytearray(b"a" * 70 + begin + b"\x80" * 100)
        with memoryview(store)[: 70 + len(begin)] as view:
            assert not codec.is_valid_utf8(view)


def releasing(data: bytes, release: Callable[[], None]) -> Any:
    """Return a buffer that says when it is let go of."""

    class Buffer:
        def __buffer__(self, flags: int) -> memoryview:
            return memoryview(data)

        def __release_buffer__(self, view: memoryview) -> None:
            release()

    return Buffer()


@pytest.mark.skipif(sys.version_info < (3, 12), reason="__buffer__ in Python came with 3.12")
def test_security_buffer_is_let_go_of_once_after_each_call(codec: SimpleNamespace) -> None:
    """picows.pyx:125: a buffer that was let go of before it was read."""
    released = []
    for given, call in (
        (b"Hello", lambda data: codec.apply_mask(data, KEY)),
        (KEY, lambda key: codec.apply_mask(b"Hello", key)),
        (b"abc", lambda key: codec.encode_frame(BINARY, b"", masking_key=key)),
        (b"Hello", lambda data: codec.encode_frame(BINARY, data)),
        (b"Hello", codec.decode_utf8),
        (b"\xff", codec.decode_utf8),
        (b"\xff", codec.is_valid_utf8),
        (b"\x03", codec.parse_close),
        (b"\xff", codec.Utf8Validator().feed),
        (frame(PING), lambda data: list(codec.MessageDecoder("server").feed(data))),
        (b"\xff", lambda data: list(codec.FrameDecoder("server").feed(data))),
    ):
        released.clear()
        with suppress(ProtocolError, ValueError):
            call(releasing(given, lambda: released.append(1)))
        assert released == [1]


def test_security_no_view_is_left_open_whatever_was_raised(codec: SimpleNamespace) -> None:
    """A view left open would forbid its owner to resize the buffer, for good."""
    for given, call in (
        (b"Hello", lambda data: codec.apply_mask(data, b"abc")),
        (b"Hello", lambda data: codec.apply_mask_inplace(data, KEY, -1)),
        (b"abc", lambda key: codec.apply_mask(b"Hello", key)),
        (b"Hello", lambda data: codec.encode_frame(99, data)),
        (b"\xff", codec.decode_utf8),
        (b"\xff", codec.validate_utf8),
        (b"\x03\xe7", codec.parse_close),
        (b"\xff", codec.Utf8Validator().feed),
        (b"\xff", lambda data: list(codec.MessageDecoder("server").feed(data))),
    ):
        buffer = bytearray(given)
        with pytest.raises((ProtocolError, ValueError)):
            call(buffer)
        buffer.append(0)


def test_security_incomplete_is_not_fatal(codec: SimpleNamespace) -> None:
    """claudecode.nvim#257: a frame that was not whole yet ended the connection."""
    wire = fragmented(TEXT, ["é".encode()[:1], "é".encode()[1:]]) + frame(BINARY, bytes(300))
    for at in range(len(wire) + 1):
        received = receive(codec.MessageDecoder("server"), cut(wire, [at]))
        assert received.events == [codec.Text("é"), codec.Binary(bytes(300))]


def test_security_page_names_only_tests_that_there_are() -> None:
    tests = Path(__file__).parents[1]
    page = (tests.parent / "docs" / "security.md").read_text(encoding="utf-8")
    named = re.findall(r"`(test_\w+\.py)::(test_\w+)`", page)
    assert len(named) > 70
    assert page.count("::test_") == len(named)
    sources = {path.name: path.read_text(encoding="utf-8") for path in tests.rglob("test_*.py")}
    for file, name in named:
        assert f"\ndef {name}(" in sources[file], f"{file}::{name}"
    mine = re.findall(r"^def (test_security_\w+)\(", sources["test_security.py"], re.M)
    assert set(mine) - {name for _, name in named} == {
        "test_security_page_names_only_tests_that_there_are"
    }
