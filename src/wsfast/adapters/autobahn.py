"""autobahn: the masker and the validator that ``websocket.protocol`` has bound, and its failing.

Invariant: ``bytes`` come out of the masker, as they did; a text that was refused stays
refused, which that of its NVX does not; ``onClose`` is told what it was told.
"""

from __future__ import annotations

from typing import Any

from ._seams import Peer, Seam
from .wsaccel import Utf8Validator, createXorMasker


def _masker(_: Any) -> Any:
    return createXorMasker


def _fail_connection(original: Any) -> Any:
    from autobahn.util import encode_truncate

    def fail_connection(self: Any, code: int = 1001, reason: str = "going away") -> None:
        """Fail the connection; say why before it is dropped."""
        if self.failByDrop and self.state == self.STATE_OPEN:
            self.sendFrame(8, code.to_bytes(2, "big") + encode_truncate(reason, 123))
        original(self, code, reason)

    return fail_connection


PEER = Peer(
    "autobahn",
    ("23", "27"),
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
