"""Masking a payload (RFC 6455 section 5.3): into new bytes, and in place.

The row ``copy`` is the time to copy the payload into new bytes.
"""

from __future__ import annotations

from typing import Any

import pytest

from timing import measure
from wsfast.cli._contenders import masked_by_byte


@pytest.mark.measures("mask", ["ascii"])
def test_mask(benchmark: Any, case: Any) -> None:
    data = case.sample()
    function, *args = case.contender(data)
    measure(benchmark, case, function, *args)
    assert bytes(function(*args)) == (data if case.peer == "copy" else masked_by_byte(data))


@pytest.mark.measures("mask in place", ["ascii"])
def test_mask_in_place(benchmark: Any, case: Any) -> None:
    data = case.sample()
    buffer = bytearray(data)
    function, *args = case.contender(buffer)
    measure(benchmark, case, function, *args)
    buffer[:] = data
    function(*args)
    assert bytes(buffer) == masked_by_byte(data)
