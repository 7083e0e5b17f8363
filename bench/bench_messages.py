"""Text messages from a client: unmasked, validated and decoded to ``str``.

Times are those of one message.  The row ``wsfast-octets`` is ``text="bytes"``: validated
octets for a JSON parser.
"""

from __future__ import annotations

from typing import Any

import pytest

import wsfast
from bench_frames import frames_for
from samples import ALPHABETS, KEY
from timing import measure


@pytest.mark.measures("messages", ALPHABETS)
def test_messages(benchmark: Any, case: Any) -> None:
    payload = case.sample()
    messages = frames_for(case.size)
    wire = wsfast.encode_frame(wsfast.Opcode.TEXT, payload, masking_key=KEY) * messages
    measure(benchmark, case, case.contender, wire, items=messages)
    expected = payload if case.peer == "wsfast-octets" else payload.decode()
    assert case.contender(wire) == [expected] * messages
