"""``accelerate()`` over the codec in Python: only what repairs a close code is replaced.

Each test runs an interpreter of its own: the codec is chosen once, at import.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

import wsfast
from helpers import python
from wsfast.adapters import _seams

ROWS = """
import contextlib, importlib, json, warnings
import wsfast
from wsfast.adapters import _seams
warnings.simplefilter("ignore")
for name in _seams.NAMES:
    for seam in _seams._peer(name).seams:
        with contextlib.suppress(ImportError):
            importlib.import_module(seam.module)
print(json.dumps([row._values() for row in wsfast.accelerate()]))
"""
REPAIRS = {
    "autobahn.websocket.protocol.WebSocketProtocol._fail_connection",
    "autobahn.websocket.protocol.WebSocketProtocol.onCloseFrame",
    "geventwebsocket.websocket.WebSocket.close",
    "geventwebsocket.websocket.WebSocket.handle_close",
    "lomond.message.Close.from_payload",
    "lomond.message.Text.from_payload",
    "lomond.websocket.WebSocket.feed",
    "tornado.websocket.WebSocketProtocol13._handle_message",
    "tornado.websocket.WebSocketProtocol13._receive_frame",
    "websocket._abnf.ABNF.validate",
    "websocket._abnf.continuous_frame.extract",
    "websocket._core.WebSocket.recv_data_frame",
    "websocket._utils._validate_utf8",
    "ws4py.websocket.WebSocket.close",
    "wsproto.connection.Connection.events",
    "wsproto.extensions.PerMessageDeflate.frame_inbound_complete",
    "wsproto.extensions.PerMessageDeflate.frame_inbound_header",
}


def rows(backend: str) -> list[wsfast.Acceleration]:
    done = python(ROWS, WSFAST_BACKEND=backend)
    found: list[list[Any]] = json.loads(done.stdout)
    return [wsfast.Acceleration(*row) for row in found]


def test_pure_sets_only_what_repairs_a_close_code_or_logs_it() -> None:
    found = [row for row in rows("pure") if row.seam]
    assert found
    ours = {row.seam for row in found if row.runs == "wsfast"}
    installed = {row.peer for row in found}
    declared = {
        seam.name for name in installed for seam in _seams._peer(name).seams if seam.name in REPAIRS
    }
    assert ours == declared
    assert not [row for row in found if row.runs == "waiting"]
    replaceable = {seam.name for name in installed for seam in _seams._peer(name).seams}
    for row in found:
        if row.seam in replaceable - ours:
            assert row.reason == "left unchanged: only the compiled codec is faster"


def test_pure_never_says_that_it_runs_in_c() -> None:
    said = [row.reason for row in rows("pure") if row.runs == "wsfast"]
    assert said
    assert not [text for text in said if " in C" in text or "vector" in text]


@pytest.mark.skipif(wsfast.backend().name != "native", reason="needs the compiled codec")
def test_native_sets_everything_that_can_be_replaced() -> None:
    found = [row for row in rows("native") if row.seam]
    for name in {row.peer for row in found}:
        replaceable = {seam.name for seam in _seams._peer(name).seams}
        assert {row.seam for row in found if row.peer == name and row.runs == "wsfast"} == (
            replaceable
        )
