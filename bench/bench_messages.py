"""Messages as they arrive: unmasked, text validated and decoded to ``str``.

Times are for one message.  The row ``wsfast-bytes`` is ``text="bytes"``: validated
bytes for a JSON parser.
"""

from __future__ import annotations

from typing import Any

import pytest

import wsfast
from bench_frames import frames_for
from message_peers import WIRES, in_reads
from samples import ALPHABETS, KEY
from timing import measure


def receive(benchmark: Any, case: Any) -> None:
    """Time what arrives in one read, or in reads of 1 KiB."""
    payload, wire = case.sample(), WIRES[case.operation]
    opcode = wsfast.Opcode.TEXT if wire.text else wsfast.Opcode.BINARY
    messages = frames_for(case.size)
    key = KEY if wire.masked else None
    stream = wsfast.encode_frame(opcode, payload, masking_key=key) * messages
    arriving = in_reads(stream) if wire.reads else stream
    measure(benchmark, case, case.contender, arriving, items=messages)
    as_bytes = not wire.text or case.peer == "wsfast-bytes"
    expected = payload if as_bytes else payload.decode()
    assert case.contender(arriving) == [expected] * messages


@pytest.mark.measures("messages", ALPHABETS)
def test_messages(benchmark: Any, case: Any) -> None:
    receive(benchmark, case)


@pytest.mark.measures("binary messages", ["ascii"])
def test_binary_messages(benchmark: Any, case: Any) -> None:
    receive(benchmark, case)


@pytest.mark.measures("unmasked messages", ["ascii", "json"])
def test_unmasked_messages(benchmark: Any, case: Any) -> None:
    receive(benchmark, case)


@pytest.mark.measures("messages in reads of 1 KiB", ["ascii", "json"])
def test_messages_in_reads(benchmark: Any, case: Any) -> None:
    receive(benchmark, case)
