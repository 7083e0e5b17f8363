"""UTF-8: validating whole and in chunks, decoding to ``str`` and encoding, and finding a fault.

The row ``cpython`` is ``bytes.decode``, the incremental decoder where text comes in chunks.
"""

from __future__ import annotations

from typing import Any

import pytest

import wsfast
from samples import ALPHABETS, KEY
from timing import measure
from wsfast.cli._contenders import accepted

CHUNK = 1000  # bytes, so that chunks end inside characters


@pytest.mark.measures("validate", ALPHABETS)
def test_validate(benchmark: Any, case: Any) -> None:
    data = case.sample()
    measure(benchmark, case, case.contender, data)
    assert accepted(data, case.contender(data))


@pytest.mark.measures("decode", ALPHABETS)
def test_decode(benchmark: Any, case: Any) -> None:
    data = case.sample()
    measure(benchmark, case, case.contender, data)
    assert case.contender(data).encode() == data


@pytest.mark.measures("encode", ALPHABETS)
def test_encode(benchmark: Any, case: Any) -> None:
    text = case.sample().decode()
    measure(benchmark, case, case.contender, text)
    assert case.contender(text) == case.sample()


@pytest.mark.measures("encode masked text frame", ALPHABETS)
def test_encode_masked_text_frame(benchmark: Any, case: Any) -> None:
    text = case.sample().decode()
    measure(benchmark, case, case.contender, text)
    encoded = case.contender(text)
    payload = encoded[len(encoded) - case.size :]
    assert wsfast.apply_mask(payload, KEY) == case.sample()


@pytest.mark.measures("validate in chunks", ["ascii", "cyrillic", "json"], sizes=[65_536])
def test_validate_in_chunks(benchmark: Any, case: Any) -> None:
    data = case.sample()
    chunks = [data[i : i + CHUNK] for i in range(0, len(data), CHUNK)]
    measure(benchmark, case, case.contender, chunks)
    assert case.contender(chunks) is True


@pytest.mark.measures("fault in the last byte", ["ascii", "cjk"])
def test_fault_in_last_byte(benchmark: Any, case: Any) -> None:
    if case.size == 0:
        pytest.skip("nothing to be at fault")
    data = case.sample()[:-1]
    data = data.decode("utf-8", "ignore").encode().ljust(case.size - 1, b".") + b"\xff"
    measure(benchmark, case, case.contender, data)
    assert case.contender(data) == case.size - 1
