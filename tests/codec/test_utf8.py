"""UTF-8: every short sequence and every code point, against CPython and Table 3-7.

CPython's decoder gives the verdict, ``start`` and ``end``; the byte that made the text
impossible and the cause come from the oracle in ``helpers``, which is checked against
CPython's too.  The Unicode Standard, section 3.9; RFC 3629.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from itertools import product
from random import Random
from types import SimpleNamespace

import pytest

from helpers import (
    ALPHABETS,
    FAULTS,
    TABLE_3_7,
    assert_evidence,
    byte_by_byte,
    certainly_faulty,
    each_split,
    find_fault,
    fragments_of,
    on_default_codecs,
    outcome,
    random_text,
)
from wsfast import Cause, InvalidUTF8

pytestmark = pytest.mark.every_cpu

SURROGATES = range(0xD800, 0xE000)


def unfinished(length: int) -> Iterator[bytes]:
    """Every sequence of that length that begins a character and does not end it."""
    for row in TABLE_3_7:
        if len(row) > length:
            yield from map(bytes, product(*row[:length]))


def edges_of(length: int) -> Iterator[bytes]:
    """Those of them at the edges of the ranges of Table 3-7."""
    for row in TABLE_3_7:
        if len(row) > length:
            yield from map(bytes, product(*((r[0], r[-1]) for r in row[:length])))


def short_sequences() -> Iterator[bytes]:
    """Every sequence of 1 and of 2 bytes; of 3 and of 4, those whose last byte decides."""
    for length in (1, 2):
        yield from map(bytes, product(range(256), repeat=length))
    for begin in (*unfinished(2), *edges_of(3)):
        for byte in range(256):
            yield begin + bytes((byte,))


def cpython(text: bytes) -> tuple[int, int] | None:
    """Return where CPython's decoder finds the fault, if it does."""
    try:
        text.decode()
    except UnicodeDecodeError as error:
        return error.start, error.end
    return None


def violation_of(codec: SimpleNamespace, chunks: list[bytes]) -> tuple[int, InvalidUTF8] | None:
    """Return which feed (or, as the last, ``finish``) found the fault, and what it raised."""
    validator = codec.Utf8Validator()
    index = 0
    try:
        for index, chunk in enumerate(chunks):  # noqa: B007 # read below
            validator.feed(chunk)
        index = len(chunks)
        validator.finish()
    except InvalidUTF8 as violation:
        return index, violation
    return None


def assert_judged(codec: SimpleNamespace, text: bytes) -> None:
    """Compare what is said of a text, whole, in single bytes and cut in two, with CPython."""
    fault = find_fault(text)
    assert cpython(text) == (fault and (fault.offset, fault.offset + fault.length)), text
    assert codec.is_valid_utf8(text) is (fault is None), text
    try:
        codec.validate_utf8(text)
    except InvalidUTF8 as violation:
        assert_evidence(violation, text, [text])
    else:
        assert fault is None, text
    single_bytes = byte_by_byte(text)
    found = violation_of(codec, single_bytes)
    if fault is None:
        assert found is None, text
        for chunks in each_split(text):
            assert violation_of(codec, chunks) is None, chunks
        return
    assert found is not None, text
    index, violation = found
    assert index == fault.detected_at, text
    assert_evidence(violation, text, single_bytes)
    for chunks in each_split(text):
        found = violation_of(codec, chunks)
        assert found is not None, chunks
        assert_evidence(found[1], text, chunks)


@pytest.mark.exhaustive
@on_default_codecs
def test_utf8_every_short_sequence_judged_as_cpython_judges_it(codec: SimpleNamespace) -> None:
    judged = 0
    for text in short_sequences():
        assert_judged(codec, text)
        judged += 1
    assert judged > 256 + 65_536 + 256 * 1_216


def test_utf8_sampled_sequences_judged_as_cpython_judges_them(codec: SimpleNamespace) -> None:
    rng = Random(0x63)
    for length in (3, 4, 5):
        for _ in range(1_000):
            assert_judged(codec, rng.randbytes(length))
            lead = bytes((rng.randrange(0xC0, 0x100),))
            assert_judged(codec, lead + bytes(rng.choices(range(0x70, 0xD0), k=length - 1)))


@pytest.mark.exhaustive
@on_default_codecs
def test_utf8_every_code_point_valid_at_every_split_point(codec: SimpleNamespace) -> None:
    text = "".join(chr(i) for i in range(0x110000) if i not in SURROGATES)
    encoded = text.encode()
    assert codec.decode_utf8(encoded) == text
    # Cut every four bytes, from each of four starts: every place is a cut in one of them.
    for start in range(4):
        validator = codec.Utf8Validator()
        validator.feed(encoded[:start])
        for at in range(start, len(encoded), 4):
            validator.feed(encoded[at : at + 4])
        validator.finish()
        assert validator.position == len(encoded)


@pytest.mark.exhaustive
def test_utf8_every_code_point_alone_decoded_as_cpython_decodes_it(codec: SimpleNamespace) -> None:
    step = 1 if codec.name == "pure" else 3  # kernels differ in long texts, not in short ones
    for i in range(0, 0x110000, step):
        if i not in SURROGATES:
            assert codec.decode_utf8(chr(i).encode()) == chr(i)


def test_utf8_every_surrogate_refused_with_its_second_byte(codec: SimpleNamespace) -> None:
    for i in SURROGATES:
        data = b"ab" + chr(i).encode("utf-8", "surrogatepass")
        with pytest.raises(InvalidUTF8) as caught:
            codec.decode_utf8(data)
        violation = caught.value
        assert (violation.offset, violation.length, violation.detected_at) == (2, 1, 3)
        assert violation.cause is Cause.SURROGATE


@pytest.mark.parametrize("alphabet", ALPHABETS)
def test_utf8_fault_at_every_place_in_long_text_found(
    codec: SimpleNamespace, alphabet: str
) -> None:
    """Blocks of 16, 32 and 64 bytes, their seams, and the tail after the last of them."""
    characters = [c.encode() for c in ALPHABETS[alphabet]]
    before = b""
    for i in range(150 if alphabet in ("ascii", "mixed") else 60):
        after = b"".join(characters) * (i % 5)
        for fault in FAULTS:
            text = before + fault + after
            start, end = cpython(text) or (0, 0)
            with pytest.raises(InvalidUTF8) as caught:
                codec.validate_utf8(text)
            violation = caught.value
            assert (violation.offset, violation.offset + violation.length) == (start, end)
            assert_evidence(violation, text, [text])
            assert violation.context == text[max(0, start - 16) : violation.detected_at + 1]
            assert not codec.is_valid_utf8(text)
        assert codec.decode_utf8(before + after) == (before + after).decode()
        before += characters[i % len(characters)]


def test_utf8_sequence_pending_before_long_ascii_refused(codec: SimpleNamespace) -> None:
    """The fast path for ASCII must not skip what is pending (simdutf#381)."""
    for length in (0, 15, 16, 31, 32, 63, 64, 128, 1000):
        for begin in (*unfinished(1), *edges_of(2), *edges_of(3)):
            text = b"a" * length + begin + b"a" * 200
            found = violation_of(codec, [text[: length + len(begin)], text[length + len(begin) :]])
            assert found is not None
            assert found[0] == 1
            assert found[1].cause is Cause.MISSING_CONTINUATION
            assert not codec.is_valid_utf8(text)


def test_validator_random_fragments_give_evidence_of_the_whole_text(codec: SimpleNamespace) -> None:
    rng = Random(0x1007)
    for _ in range(2_000):
        text = certainly_faulty(rng, random_text(rng).encode())
        fragments = fragments_of(rng, text)
        found = violation_of(codec, fragments)
        assert found is not None
        assert_evidence(found[1], text, fragments)
        # It comes as soon as it can: in the fragment that holds the byte that decides.
        before = sum(map(len, fragments[: found[0]]))
        assert before <= found[1].detected_at
        assert found[1].detected_at < before + len((*fragments, b"$")[found[0]])
        context = found[1].context
        assert context == text[found[1].context_offset :][: len(context)]
        assert found[1].detected_at - found[1].context_offset in (len(context), len(context) - 1)


def test_validator_state_at_each_byte_goes_on_elsewhere(codec: SimpleNamespace) -> None:
    for text in ("aé漢🙂z".encode(), *(b"\xf0\x9f\x99\x82" + fault for fault in FAULTS)):
        fault = find_fault(text)
        expected = violation_of(codec, byte_by_byte(text))
        validator = codec.Utf8Validator()
        for byte in byte_by_byte(text)[: fault.detected_at if fault else None]:
            validator.feed(byte)
            state = pickle.loads(pickle.dumps(validator.state))
            moved = codec.Utf8Validator.from_state(state)
            assert moved.state == validator.state == state
            assert moved.position == validator.position
            assert moved.at_boundary == validator.at_boundary
            validator = moved
        if fault is None:
            assert expected is None
            validator.finish()
            continue
        assert expected is not None
        last = text[fault.detected_at :]
        with pytest.raises(InvalidUTF8) as caught:
            validator.feed(last) if last else validator.finish()
        assert caught.value.args == expected[1].args


@pytest.mark.parametrize(
    "state",
    [
        pytest.param(None, id="none"),
        pytest.param((), id="empty"),
        pytest.param((0, b"", 0, 0), id="too-short"),
        pytest.param([0, b"", 0, 0, 0], id="list"),
        pytest.param((-1, b"", 0, 0, 0), id="negative"),
        pytest.param((2**63, b"", 0, 0, 0), id="over-63-bits"),
        pytest.param((0.0, b"", 0, 0, 0), id="float"),
        pytest.param((0, "", 0, 0, 0), id="text-pending"),
        pytest.param((0, b"\xc3", 0, 0, 0), id="pending-before-the-start"),
        pytest.param((9, b"a", 0, 0, 0), id="whole-character-pending"),
        pytest.param((9, b"\xc3\xa4", 0, 0, 0), id="whole-sequence-pending"),
        pytest.param((9, b"\xed\xa0", 0, 0, 0), id="surrogate-pending"),
        pytest.param((9, b"\xff", 0, 0, 0), id="impossible-pending"),
        pytest.param((9, b"\xf0\x9f\x99\x82", 0, 0, 0), id="four-pending"),
    ],
)
def test_validator_state_that_is_none_refused(codec: SimpleNamespace, state: object) -> None:
    with pytest.raises(ValueError, match=r"^not a state of a Utf8Validator: "):
        codec.Utf8Validator.from_state(state)


def test_validator_after_violation_raises_the_same_until_reset(codec: SimpleNamespace) -> None:
    validator = codec.Utf8Validator()
    with pytest.raises(InvalidUTF8) as first:
        validator.feed(b"ab\xff")
    for again in (lambda: validator.feed(b"fine"), validator.finish, lambda: validator.state):
        with pytest.raises(InvalidUTF8) as caught:
            again()
        assert caught.value.args == first.value.args
    assert validator.position == 2
    validator.reset()
    validator.feed(b"fine")
    validator.finish()
    assert validator.position == 4
    with pytest.raises(InvalidUTF8) as other:
        validator.feed(b"\xff")
    assert (other.value.offset, other.value.fragment_index) == (4, 1)


def test_validator_truncated_text_found_only_by_finish(codec: SimpleNamespace) -> None:
    validator = codec.Utf8Validator()
    validator.feed(b"ab\xf0")
    validator.feed(b"\x9f\x99")
    with pytest.raises(InvalidUTF8) as caught:
        validator.finish()
    assert caught.value.args[:6] == (2, b"\xf0\x9f\x99", 5, Cause.TRUNCATED, 0, 2)
    assert caught.value.context_offset + len(caught.value.context) == 5
    with pytest.raises(InvalidUTF8) as again:
        validator.feed(b"\x82")
    assert again.value.args == caught.value.args


def test_validator_position_and_boundary_follow_each_byte(codec: SimpleNamespace) -> None:
    validator = codec.Utf8Validator()
    assert (validator.position, validator.at_boundary) == (0, True)
    text = "aé漢🙂"
    ends = {len(text[:i].encode()) for i in range(len(text) + 1)}
    for i, byte in enumerate(byte_by_byte(text.encode()), 1):
        validator.feed(byte)
        assert (validator.position, validator.at_boundary) == (i, i in ends)


def test_validator_finish_of_nothing_or_twice_is_no_fault(codec: SimpleNamespace) -> None:
    validator = codec.Utf8Validator()
    validator.finish()
    validator.feed(b"")
    validator.finish()
    validator.finish()
    assert validator.state == (0, b"", 1, 0, 0)


def test_validator_wrong_argument_leaves_it_as_it_was(codec: SimpleNamespace) -> None:
    validator = codec.Utf8Validator()
    validator.feed(b"\xf0\x9f")
    before = validator.state
    for wrong in ("text", None, 3, memoryview(b"abcdef")[::2]):
        assert outcome(lambda wrong=wrong: validator.feed(wrong))[0] == "raised"
    assert validator.state == before
    validator.feed(b"\x99\x82")
    validator.finish()


@pytest.mark.parametrize("name", ["is_valid_utf8", "validate_utf8", "decode_utf8"])
def test_utf8_function_any_buffer_taken_and_anything_else_refused(
    codec: SimpleNamespace, name: str
) -> None:
    function = getattr(codec, name)
    expected = function(b"K\xc3\xb6ln")
    for data in (bytearray(b"K\xc3\xb6ln"), memoryview(b"xK\xc3\xb6lnx")[1:-1]):
        assert function(data) == expected
    assert function(memoryview(b"")) == function(b"")
    with pytest.raises(TypeError, match=r"^data must be a bytes-like object, not str$"):
        function("text")
    with pytest.raises(ValueError, match=r"^data must be a C-contiguous buffer$"):
        function(memoryview(b"abcdef")[::2])


@on_default_codecs
def test_utf8_of_16_mib_and_more_is_judged_as_less_is(codec: SimpleNamespace) -> None:
    """From there on, the compiled codec works without the GIL."""
    text = "aé漢🙂".encode() * (2**24 // 10 + 1)
    faulty = text + b"\xff"
    for data in (text, memoryview(text)):
        assert codec.is_valid_utf8(data)
        codec.validate_utf8(data)
        assert codec.decode_utf8(data) == text.decode()
    assert not codec.is_valid_utf8(faulty)
    for call in (codec.validate_utf8, codec.decode_utf8):
        with pytest.raises(InvalidUTF8) as caught:
            call(faulty)
        assert caught.value.offset == len(text)
