"""autobahn: the masker and the validator that ``websocket.protocol`` has bound, and its failing.

Invariant: ``bytes`` come out of the masker, as they did; a text that was refused stays
refused, which that of its NVX does not; ``onClose`` is told what it was told.
"""

from __future__ import annotations

from typing import Any

from ._replacing import Peer, Seam
from .wsaccel import Utf8Validator, createXorMasker

CLOSE_TIMEOUT = 1.0  # seconds, autobahn's default


def _masker(_: Any) -> Any:
    return createXorMasker


def _fail_connection(original: Any) -> Any:
    from autobahn.util import encode_truncate
    from autobahn.websocket.protocol import WebSocketProtocol

    def abort(self: Any) -> None:
        self.openHandshakeTimeoutCall = None
        self._closeConnection(True)

    def fail_connection(self: Any, code: int = 1001, reason: str = "going away") -> None:
        """Fail the connection; say why before it is dropped.

        Dropped is it with ``transport.abort()``, which may discard what was written, and
        always does on Twisted.  So the transport is closed, and only aborted if that takes
        too long: if the remote does not read.
        """
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
            "WebSocketProtocol._fail_connection",
            _fail_connection,
            "sends the close frame for a violation",
            pure=True,
        ),
    ],
)
