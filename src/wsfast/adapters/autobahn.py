"""autobahn: the masker and the validator that ``websocket.protocol`` uses, and how it fails.

Invariant: the masker returns ``bytes``, as before; a text that was refused stays refused,
unlike with autobahn's compiled validator (NVX); ``onClose`` gets the same arguments.
"""

from __future__ import annotations

import functools
from typing import Any

from ._logging import log, violation_in
from ._replacing import Peer, Seam
from .wsaccel import Utf8Validator, createXorMasker

CLOSE_TIMEOUT = 1.0  # seconds, autobahn's default
INVALID_TEXT = 1007


def _masker(_: Any) -> Any:
    return createXorMasker


def _on_close_frame(original: Any) -> Any:
    @functools.wraps(original)
    def on_close_frame(self: Any, code: Any, reasonRaw: Any) -> Any:  # theirs
        """Take a close frame; keep its reason, for the log if it isn't UTF-8."""
        self.wsfast_reason = reasonRaw
        return original(self, code, reasonRaw)

    return on_close_frame


def _log(protocol: Any, in_close_reason: bool) -> None:
    if in_close_reason:
        reason = getattr(protocol, "wsfast_reason", None) or b""
        violation = violation_in(b"\x03\xe8" + reason, close=True)
    else:
        find = getattr(protocol.utf8validator, "violation", None)  # autobahn's own has none
        violation = find and find()
    # A server has the headers of the request; a client has no attribute of that name.
    headers = getattr(protocol, "http_headers", None) if protocol.factory.isServer else None
    log(
        violation,
        library="autobahn",
        client=str(protocol.peer).partition(":")[2],
        path=getattr(protocol, "http_request_uri", None),
        user_agent=(headers or {}).get("user-agent"),
    )


def _fail_connection(original: Any) -> Any:
    from autobahn.util import encode_truncate
    from autobahn.websocket.protocol import WebSocketProtocol

    def abort(self: Any) -> None:
        self.openHandshakeTimeoutCall = None
        self._closeConnection(True)

    def fail_connection(self: Any, code: int = 1001, reason: str = "going away") -> None:
        """Fail the connection, with a close frame that says why.

        autobahn drops it with ``transport.abort()``, which may discard what was written, and
        always does on Twisted.  So the transport is closed instead, and only aborted if that
        takes too long because the remote doesn't read.
        """
        if code == INVALID_TEXT and "utf" in reason.lower() and not self.failedByMe:
            _log(self, "close reason" in reason)
        if not (self.failByDrop and self.state == self.STATE_OPEN):
            original(self, code, reason)
            return
        self.sendFrame(8, code.to_bytes(2, "big") + encode_truncate(reason, 123))
        if type(self).dropConnection is not WebSocketProtocol.dropConnection:
            original(self, code, reason)  # a subclass has its own way to drop it
            return
        close = self._closeConnection
        self._closeConnection = lambda abort=False: close(False)
        try:
            original(self, code, reason)
        finally:
            del self._closeConnection
        # The handshake is over, so its timer is free; autobahn cancels it with the connection.
        self.openHandshakeTimeoutCall = self.factory._batched_timer.call_later(
            self.closeHandshakeTimeout or CLOSE_TIMEOUT, abort, self
        )

    return fail_connection


PEER = Peer(
    "autobahn",
    ("21", "27"),
    [
        Seam("autobahn.websocket.protocol", "create_xor_masker", _masker, "masks in C"),
        Seam(
            "autobahn.websocket.protocol",
            "Utf8Validator",
            lambda _: Utf8Validator,
            "validates in C",
        ),
        Seam(
            "autobahn.websocket.protocol",
            "WebSocketProtocol.onCloseFrame",
            _on_close_frame,
            "logs a close reason that is not UTF-8",
            pure=True,
        ),
        Seam(
            "autobahn.websocket.protocol",
            "WebSocketProtocol._fail_connection",
            _fail_connection,
            "sends the close frame after a violation",
            pure=True,
        ),
    ],
)
