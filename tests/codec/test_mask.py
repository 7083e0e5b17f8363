"""Masking: every length, place and kind of buffer, against byte by byte arithmetic.

RFC 6455 section 5.3: byte i of a payload XOR byte i mod 4 of the masking key.
"""

from __future__ import annotations

import array
import ctypes
import mmap
from collections.abc import Callable
from itertools import pairwise
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest

from helpers import KEY, mask

pytestmark = [pytest.mark.every_cpu, pytest.mark.kernels]

LONGEST = 514  # past two blocks of the widest kernel, and its tail
OFFSETS = [0, 1, 2, 3, 4, 125, 2**16 - 1, 2**31 - 1, 2**31, 2**32 + 1, 2**62 + 3, 2**63 - 1]
SOURCE = Random(5).randbytes(LONGEST + 128)


def mapped(data: bytes) -> mmap.mmap:
    shared = mmap.mmap(-1, len(data))
    shared[:] = data
    return shared


# Each makes a writable buffer of these bytes, of which there are a multiple of 8.
BUFFERS: dict[str, Callable[[bytes], Any]] = {
    "bytearray": bytearray,
    "memoryview": lambda data: memoryview(bytearray(data)),
    "array-of-I": lambda data: array.array("I", data),
    "array-of-d": lambda data: array.array("d", data),
    "ctypes-array": lambda data: (ctypes.c_uint16 * (len(data) // 2)).from_buffer_copy(data),
    "ctypes-structures": lambda data: (
        type("Pair", (ctypes.Structure,), {"_fields_": [("a", ctypes.c_int), ("b", ctypes.c_int)]})
        * (len(data) // 8)
    ).from_buffer_copy(data),
    "two-dimensions": lambda data: memoryview(bytearray(data)).cast("B", (len(data) // 4, 4)),
    "mmap": mapped,
}


def bytes_of(buffer: Any) -> bytes:
    return memoryview(buffer).tobytes()


def test_mask_every_length_and_phase_equals_byte_by_byte(codec: SimpleNamespace) -> None:
    for length in range(LONGEST + 1):
        data = SOURCE[:length]
        for phase in range(4):
            masked = codec.apply_mask(data, KEY, phase)
            assert type(masked) is bytes
            assert masked == mask(data, KEY, phase), (length, phase)
            buffer = bytearray(data)
            assert codec.apply_mask_inplace(buffer, KEY, phase) is None
            assert buffer == masked, (length, phase)


def test_mask_every_alignment_of_source_equals_byte_by_byte(codec: SimpleNamespace) -> None:
    view = memoryview(SOURCE)
    for start in range(64):
        for length in (*range(9), 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129, 300):
            expected = mask(SOURCE[start : start + length], KEY, start % 4)
            assert codec.apply_mask(view[start : start + length], KEY, start % 4) == expected


def test_mask_inplace_every_alignment_leaves_the_bytes_around(codec: SimpleNamespace) -> None:
    for start in range(64):
        for length in (*range(9), 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129, 300):
            end = start + length
            buffer = bytearray(SOURCE)
            codec.apply_mask_inplace(memoryview(buffer)[start:end], KEY, 3)
            assert buffer[:start] == SOURCE[:start], (start, length)
            assert buffer[start:end] == mask(SOURCE[start:end], KEY, 3), (start, length)
            assert buffer[end:] == SOURCE[end:], (start, length)


@pytest.mark.parametrize("offset", OFFSETS)
def test_mask_offset_continues_a_payload(codec: SimpleNamespace, offset: int) -> None:
    for length in (0, 1, 5, 64, 257):
        expected = mask(SOURCE[:length], KEY, offset)
        assert codec.apply_mask(SOURCE[:length], KEY, offset) == expected
        assert codec.apply_mask(SOURCE[:length], masking_key=KEY, offset=offset) == expected
        buffer = bytearray(SOURCE[:length])
        codec.apply_mask_inplace(buffer, KEY, offset=offset)
        assert buffer == expected


def test_mask_in_pieces_equals_whole(codec: SimpleNamespace) -> None:
    rng = Random(53)
    whole = codec.apply_mask(SOURCE, KEY)
    for _ in range(200):
        at = sorted(rng.choices(range(len(SOURCE)), k=4))
        places = [0, *at, len(SOURCE)]
        pieces = [codec.apply_mask(SOURCE[a:b], KEY, a) for a, b in pairwise(places)]
        assert b"".join(pieces) == whole


def test_mask_any_key_twice_gives_the_data_again(codec: SimpleNamespace) -> None:
    rng = Random(17)
    for _ in range(300):
        key, offset, data = rng.randbytes(4), rng.randrange(9), rng.randbytes(rng.randrange(80))
        masked = codec.apply_mask(data, key, offset)
        assert masked == mask(data, key, offset)
        assert codec.apply_mask(masked, key, offset) == data


def test_mask_large_payload_equals_byte_by_byte(codec: SimpleNamespace) -> None:
    """Past 16 MiB, from where on the compiled codec works without the GIL."""
    data = SOURCE[:256] * 2**16 + b"tail"
    masked = codec.apply_mask(data, KEY, 1)
    assert masked == mask(SOURCE[:256], KEY, 1) * 2**16 + mask(b"tail", KEY, 1)
    buffer = bytearray(data)
    codec.apply_mask_inplace(buffer, KEY, 1)
    assert buffer == masked


def test_mask_example_of_rfc_6455(codec: SimpleNamespace) -> None:
    assert codec.apply_mask(b"Hello", KEY).hex() == "7f9f4d5158"  # section 5.7


@pytest.mark.parametrize("kind", BUFFERS)
@pytest.mark.parametrize("length", [8, 120, 512])
def test_mask_any_contiguous_buffer_taken(codec: SimpleNamespace, kind: str, length: int) -> None:
    data = SOURCE[:length]
    buffer = BUFFERS[kind](data)
    expected = mask(data, KEY, 2)
    assert codec.apply_mask(buffer, KEY, 2) == expected
    assert bytes_of(buffer) == data
    codec.apply_mask_inplace(buffer, KEY, 2)
    assert bytes_of(buffer) == expected


@pytest.mark.parametrize("kind", sorted(set(BUFFERS) - {"mmap", "two-dimensions"}))
def test_mask_empty_buffer_of_any_kind_taken(codec: SimpleNamespace, kind: str) -> None:
    assert codec.apply_mask(BUFFERS[kind](b""), KEY) == b""
    codec.apply_mask_inplace(BUFFERS[kind](b""), KEY)


@pytest.mark.parametrize("kind", ["bytes", "bytearray", "memoryview", "array"])
def test_mask_key_any_buffer_of_four_bytes_taken(codec: SimpleNamespace, kind: str) -> None:
    key = {
        "bytes": KEY,
        "bytearray": bytearray(KEY),
        "memoryview": memoryview(b"x" + KEY + b"x")[1:5],
        "array": array.array("I", KEY),
    }[kind]
    assert codec.apply_mask(b"Hello", key) == mask(b"Hello")


def test_mask_inplace_key_in_the_buffer_itself_used_as_it_was(codec: SimpleNamespace) -> None:
    buffer = bytearray(KEY * 30)
    codec.apply_mask_inplace(buffer, memoryview(buffer)[:4])
    assert buffer == bytes(120)


# Arguments that are refused: what, and why; the buffer is as it was afterwards.
BAD_ARGUMENTS = [
    pytest.param((KEY[:3], 0), ValueError, "masking_key must be exactly 4 bytes, not 3"),
    pytest.param((KEY + b"x", 0), ValueError, "masking_key must be exactly 4 bytes, not 5"),
    pytest.param((b"", 0), ValueError, "masking_key must be exactly 4 bytes, not 0"),
    pytest.param(
        (array.array("H", KEY * 2), 0), ValueError, "masking_key must be exactly 4 bytes, not 8"
    ),
    pytest.param(
        ("abcd", 0), TypeError, "masking_key must be a bytes-like object, not str", id="key-str"
    ),
    pytest.param(
        (None, 0), TypeError, "masking_key must be a bytes-like object, not NoneType", id="key-none"
    ),
    pytest.param(
        (0x37FA213D, 0), TypeError, "masking_key must be a bytes-like object, not int", id="key-int"
    ),
    pytest.param(
        (memoryview(KEY * 2)[::2], 0),
        ValueError,
        "masking_key must be a C-contiguous buffer",
        id="key-strided",
    ),
    pytest.param((KEY, -1), ValueError, "offset must be from 0 to 2**63 - 1, not -1"),
    pytest.param(
        (KEY, 2**63), ValueError, f"offset must be from 0 to 2**63 - 1, not {2**63}", id="offset-63"
    ),
    pytest.param(
        (KEY, 2**64), ValueError, f"offset must be from 0 to 2**63 - 1, not {2**64}", id="offset-64"
    ),
    pytest.param((KEY, 1.0), TypeError, "offset must be an integer, not float", id="offset-float"),
    pytest.param(
        (KEY, None), TypeError, "offset must be an integer, not NoneType", id="offset-none"
    ),
]


@pytest.mark.parametrize(("arguments", "error", "text"), BAD_ARGUMENTS)
def test_mask_bad_argument_refused_and_nothing_changed(
    codec: SimpleNamespace, arguments: tuple[Any, ...], error: type[Exception], text: str
) -> None:
    buffer = bytearray(b"Hello")
    for function in (codec.apply_mask, codec.apply_mask_inplace):
        with pytest.raises(error) as caught:
            function(buffer, *arguments)
        assert str(caught.value) == text
        assert buffer == b"Hello"
    buffer.append(0)  # and no view of it is left open, which would forbid this


@pytest.mark.parametrize(
    "data", ["text", None, 5, [1, 2], object()], ids=lambda data: type(data).__name__
)
def test_mask_data_that_is_no_buffer_refused(codec: SimpleNamespace, data: Any) -> None:
    name = type(data).__name__
    with pytest.raises(TypeError, match=f"^data must be a bytes-like object, not {name}$"):
        codec.apply_mask(data, KEY)
    with pytest.raises(TypeError, match=f"^buffer must be a bytes-like object, not {name}$"):
        codec.apply_mask_inplace(data, KEY)


def test_mask_data_not_contiguous_refused_and_unchanged(codec: SimpleNamespace) -> None:
    buffer = bytearray(b"abcdefgh")
    columns = memoryview(buffer).cast("B", (2, 4))
    for view in (memoryview(buffer)[::2], memoryview(buffer)[::-1]):
        with pytest.raises(ValueError, match=r"^data must be a C-contiguous buffer$"):
            codec.apply_mask(view, KEY)
        with pytest.raises(ValueError, match=r"^buffer must be a C-contiguous buffer$"):
            codec.apply_mask_inplace(view, KEY)
    assert buffer == b"abcdefgh"
    assert codec.apply_mask(columns, KEY) == mask(b"abcdefgh")


@pytest.mark.parametrize("kind", ["bytes", "memoryview", "mmap"])
def test_mask_inplace_read_only_refused_and_unchanged(codec: SimpleNamespace, kind: str) -> None:
    data = b"Hello" * 20
    if kind == "mmap":
        buffer: Any = mmap.mmap(-1, len(data), access=mmap.ACCESS_READ)
    else:
        buffer = memoryview(data) if kind == "memoryview" else data
    before = bytes(buffer)
    with pytest.raises(TypeError, match=r"^buffer must be a writable buffer$"):
        codec.apply_mask_inplace(buffer, KEY)
    assert bytes(buffer) == before


def test_the_key_first_as_some_peers_have_it(codec: SimpleNamespace) -> None:
    for size in (0, 1, 125, LONGEST):
        buffer = bytearray(SOURCE[:size])
        assert codec.mask_with(KEY, buffer) is None
        assert buffer == mask(SOURCE[:size])
    with pytest.raises(ValueError, match="exactly 4 bytes"):
        codec.mask_with(b"123", bytearray(5))
    with pytest.raises(TypeError):
        codec.mask_with(KEY, b"read-only")
