"""Messages cut into fragments: no character is cut, nothing is lost."""

from __future__ import annotations

from array import array
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsfast import Frame, MessageDecoder, Opcode, Text, encode_frame, fragment


@given(st.text(max_size=60), st.integers(4, 40))
def test_no_character_of_a_text_is_cut(text: str, size: int) -> None:
    frames = list(fragment(Opcode.TEXT, text, size))
    assert "".join(f.payload.decode() for f in frames) == text  # each is UTF-8 by itself
    assert all(len(f.payload) <= size for f in frames)
    assert [f.fin for f in frames] == [False] * (len(frames) - 1) + [True]
    assert [f.opcode for f in frames] == [1] + [0] * (len(frames) - 1)
    # As few as can be: no two neighbours would have fitted into one.
    for one, other in pairwise(frames):
        assert len(one.payload) + len(other.payload.decode()[:1].encode()) > size
    wire = b"".join(encode_frame(f.opcode, f.payload, fin=f.fin) for f in frames)
    assert list(MessageDecoder("client").feed(wire)) == [Text(text)]


@given(st.binary(max_size=60), st.integers(4, 40), st.sampled_from([1, 2]))
def test_bytes_are_kept_whatever_they_are(data: bytes, size: int, opcode: int) -> None:
    frames = list(fragment(opcode, data, size))
    assert b"".join(f.payload for f in frames) == data
    assert all(0 < len(f.payload) <= size or not data for f in frames)


def test_binary_is_cut_at_the_size() -> None:
    assert [f.payload for f in fragment(2, array("H", [0x3030] * 3), 4)] == [b"0000", b"00"]


def test_an_empty_message_is_one_frame() -> None:
    assert list(fragment(1, "", 4)) == [Frame(Opcode.TEXT, b"")]


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        ((0, b"", 4), ValueError, "opcode must be TEXT or BINARY, not 0"),
        ((9, b"", 4), ValueError, "opcode must be TEXT or BINARY, not 9"),
        ((1, "", 3), ValueError, "size must be at least 4, not 3: it counts bytes"),
        ((2, b"", 0), ValueError, "size must be at least 1, not 0: it counts bytes"),
        ((2, b"", 1.5), TypeError, "size must be an integer, not float"),
        ((2, 7, 4), TypeError, "payload must be a str or a bytes-like object, not int"),
        ((2, memoryview(b"abcd")[::2], 4), ValueError, "must be a C-contiguous buffer"),
        ((1, "\ud800", 4), UnicodeEncodeError, "surrogates not allowed"),
    ],
)
def test_wrong_arguments(arguments: tuple[Any, ...], error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        fragment(*arguments)
