"""Frames (RFC 6455 section 5.2): decoding a buffer full of masked ones, encoding one.

Times are for one frame.  Encoding a client's frame includes its masking key: wsfast,
``websockets`` and ``wsproto`` get it from the operating system, as section 5.3 requires;
``aiohttp`` gets it from ``random``.
"""

from __future__ import annotations

from typing import Any

import pytest

import wsfast
from samples import KEY
from timing import measure


def frames_for(size: int) -> int:
    """Return how many frames are in a buffer: about 64 KiB, one at least."""
    return max(1, min(100, 65_536 // (size + 8)))


@pytest.mark.measures("decode frames", ["ascii"])
def test_decode_frames(benchmark: Any, case: Any) -> None:
    frames = frames_for(case.size)
    wire = wsfast.encode_frame(wsfast.Opcode.BINARY, case.sample(), masking_key=KEY) * frames
    measure(benchmark, case, case.contender, wire, items=frames)
    assert case.contender(wire) == frames


@pytest.mark.measures("encode masked frame", ["ascii"])
def test_encode_masked_frame(benchmark: Any, case: Any) -> None:
    payload = case.sample()
    measure(benchmark, case, case.contender, payload)
    (frame,) = wsfast.FrameDecoder("server").feed(case.contender(payload))
    assert frame == wsfast.Frame(wsfast.Opcode.BINARY, payload)


@pytest.mark.measures("encode frame", ["ascii"])
def test_encode_frame(benchmark: Any, case: Any) -> None:
    payload = case.sample()
    measure(benchmark, case, case.contender, payload)
    (frame,) = wsfast.FrameDecoder("client").feed(case.contender(payload))
    assert frame == wsfast.Frame(wsfast.Opcode.BINARY, payload)


@pytest.mark.measures(
    "encode masked frames for one write", ["ascii"], sizes=(16, 125, 1024, 16_384)
)
def test_encode_masked_frames_for_one_write(benchmark: Any, case: Any) -> None:
    payloads = [case.sample()] * frames_for(case.size)
    measure(benchmark, case, case.contender, payloads, items=len(payloads))
    decoded = list(wsfast.FrameDecoder("server").feed(case.contender(payloads)))
    assert decoded == [wsfast.Frame(wsfast.Opcode.BINARY, payload) for payload in payloads]
