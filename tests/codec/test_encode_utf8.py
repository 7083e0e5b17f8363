"""Text to UTF-8, alone and in frames, against CPython's encoder."""

from __future__ import annotations

import random
import sys
import tracemalloc
from collections.abc import Callable
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

import wsfast
from helpers import without_other_threads

# One alphabet for each storage of a string and each length of a sequence, and edges.
ALPHABETS = {
    "ascii": "abc {}",
    "latin": "aé ÿß\x80",
    "two": "Привет \u07ff\u0080é",
    "three": "日本語、\u0800\uffff\ue000\ud7ff",
    "four": "🙂🎉\U00010000\U0010ffff",
    "mixed": "a é Ж 日 🙂\x7f\x80\u07ff\u0800\uffff\U00010000",
    "json": '{"id": 1234, "name": "日"}',
}
KEY = bytes.fromhex("9e00817f")


class Text(str):
    """A ``str`` of another type, whose ``encode`` is not to be trusted."""

    def encode(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        raise AssertionError("called")


def texts_of(alphabet: str, seed: int) -> list[str]:
    """Return texts of 0 to 300 characters, and some longer ones."""
    chance = random.Random(seed)
    letters = ALPHABETS[alphabet]
    lengths = [*range(140), *range(140, 300, 7), 1000, 4099, 70001]
    return ["".join(chance.choices(letters, k=length)) for length in lengths]


@pytest.mark.parametrize("alphabet", ALPHABETS)
def test_encode_utf8_any_text_is_what_cpython_encodes(
    codec: SimpleNamespace, alphabet: str
) -> None:
    for text in texts_of(alphabet, 1):
        assert codec.encode_utf8(text) == text.encode()


@pytest.mark.exhaustive
def test_encode_utf8_every_code_point_is_what_cpython_encodes(codec: SimpleNamespace) -> None:
    for start in range(0, sys.maxunicode + 1, 0x1000):
        text = "".join(chr(c) for c in range(start, start + 0x1000) if not 0xD800 <= c < 0xE000)
        assert codec.encode_utf8(text) == text.encode()
        assert codec.encode_utf8("🙂" + text[7:]) == ("🙂" + text[7:]).encode()


@pytest.mark.parametrize("alphabet", ALPHABETS)
@pytest.mark.parametrize("key", [None, KEY], ids=["plain", "masked"])
def test_encode_frame_text_is_the_frame_of_its_utf8(
    codec: SimpleNamespace, alphabet: str, key: bytes | None
) -> None:
    for text in texts_of(alphabet, 2):
        frame = codec.encode_frame(1, text, masking_key=key)
        assert frame == codec.encode_frame(1, text.encode(), masking_key=key)


@pytest.mark.parametrize("masked", [False, True])
def test_encode_frames_texts_are_decoded_as_they_were(codec: SimpleNamespace, masked: bool) -> None:
    texts = [text for alphabet in ALPHABETS for text in texts_of(alphabet, 3)]
    wire = codec.encode_frames([(1, text) for text in texts], masked=masked)
    decoder = codec.MessageDecoder("server" if masked else "client")
    assert [message.data for message in decoder.feed(wire)] == texts


@pytest.mark.parametrize(
    "text",
    [
        "\ud800",
        "a\udfff",
        "é" * 40 + "\udc80\ud800\udc80",
        "日" * 100 + "\ud800日\ud801",
        "🙂" * 50 + "\ude00",
    ],
    ids=["alone", "after ASCII", "a run", "the first of two", "four bytes wide"],
)
def test_encode_lone_surrogate_is_cpythons_error(codec: SimpleNamespace, text: str) -> None:
    with pytest.raises(UnicodeEncodeError) as expected:
        text.encode()
    for call in (
        lambda: codec.encode_utf8(text),
        lambda: codec.encode_frame(1, text),
        lambda: codec.encode_frame(1, text, masking_key=KEY),
        lambda: codec.encode_frames([(1, "before"), (1, text)], masked=True),
    ):
        with pytest.raises(UnicodeEncodeError) as caught:
            call()
        assert caught.value.args == expected.value.args


# The last lengths that are encoded in one way, by the storage, and the first of the next way.
BORDERS = [1024, 1025, 16_383, 16_384, 21_845, 21_846, 32_767, 32_768]


@pytest.mark.parametrize("last", "éЖ日🙂")
def test_encode_texts_of_every_length_class_are_what_cpython_encodes(
    codec: SimpleNamespace, last: str
) -> None:
    for length in BORDERS:
        for text in (last * length, "a" * (length - 1) + last, "a" + last * (length - 1)):
            encoded = text.encode()
            assert codec.encode_utf8(text) == encoded
            for key in (None, KEY):
                frame = codec.encode_frame(1, text, masking_key=key)
                assert frame == codec.encode_frame(1, encoded, masking_key=key)
            wire = codec.encode_frames([(1, "Жы"), (1, text), (1, text)])
            assert wire == codec.encode_frames([(1, "Жы"), (1, encoded), (1, encoded)])


@pytest.mark.parametrize("wide", ["Ж", "🙂"])
def test_encode_lone_surrogate_in_a_text_of_any_length_is_an_error(
    codec: SimpleNamespace, wide: str
) -> None:
    for length in BORDERS:
        text = wide * (length - 2) + "\ud800a"
        for call in (codec.encode_utf8, lambda text: codec.encode_frame(1, text, masking_key=KEY)):
            with pytest.raises(UnicodeEncodeError) as caught:
                call(text)
            assert caught.value.start == length - 2
        with pytest.raises(UnicodeEncodeError):
            codec.encode_frames([(1, "before"), (1, text)])


@pytest.mark.parametrize("length", [1025, 5000, 16_000, 30_000])
def test_encode_result_holds_on_to_no_memory_but_its_own(
    codec: SimpleNamespace, length: int
) -> None:
    """Room for more than the text took is given back."""
    text = "a" * length + "🙂"
    for encode in (
        codec.encode_utf8,
        lambda text: codec.encode_frame(1, text, masking_key=KEY),
        lambda text: codec.encode_frames([(1, text)], masked=True),
    ):
        encode(text)
        tracemalloc.start()
        try:
            with without_other_threads():
                before, _ = tracemalloc.get_traced_memory()
                encoded = encode(text)
                after, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert 0 < after - before < sys.getsizeof(encoded) + 512


@given(st.text(st.characters(codec=None, exclude_categories=[])), st.binary(min_size=4, max_size=4))
def test_encode_random_text_is_cpythons_verdict(text: str, key: bytes) -> None:
    def judged(encode: Callable[[str], bytes]) -> object:
        try:
            return encode(text)
        except UnicodeEncodeError as error:
            return error.args

    def payload_of_a_frame(text: str) -> bytes:
        frame = wsfast.encode_frame(1, text, masking_key=key)
        (decoded,) = wsfast.FrameDecoder("server").feed(frame)
        return bytes(decoded.payload)

    expected = judged(str.encode)
    assert judged(wsfast.encode_utf8) == expected
    assert judged(payload_of_a_frame) == expected


def test_encode_utf8_of_a_subclass_calls_none_of_its_methods(codec: SimpleNamespace) -> None:
    text = Text("Größe 日本")
    assert codec.encode_utf8(text) == "Größe 日本".encode()
    assert codec.encode_frame(1, text)[2:] == "Größe 日本".encode()
    assert codec.encode_frames([(1, text)])[2:] == "Größe 日本".encode()


@pytest.mark.parametrize("wrong", [b"bytes", None, 5, ["a"]])
def test_encode_utf8_of_no_text_is_a_type_error(codec: SimpleNamespace, wrong: object) -> None:
    with pytest.raises(TypeError, match=f"^text must be a str, not {type(wrong).__name__}$"):
        codec.encode_utf8(wrong)


def test_encode_utf8_without_the_gil_is_the_same(codec: SimpleNamespace) -> None:
    """From 16 MiB on the work is done without the GIL."""
    for text in ("é" * (2**24 + 3), "日" * (2**24 + 5), "🙂" * (2**22 + 1)):
        assert codec.encode_utf8(text) == text.encode()
