"""ws4py: its mask (byte by byte in Python) and its UTF-8 validator.

Invariant: masking returns a ``bytearray``, as before, and doesn't change its argument.
"""

from __future__ import annotations

import contextlib
from typing import Any

from .. import apply_mask
from ._logging import address, log, violation_in
from ._replacing import Peer, Seam
from .wsaccel import Utf8Validator

INVALID_TEXT = 1007


def _mask(_: Any) -> Any:
    def mask(self: Any, data: Any) -> bytearray:
        """Return the bytes masked, or unmasked."""
        # If a key arrived in pieces, bytes that come after it may be appended to it.
        return bytearray(apply_mask(data, bytes(self.masking_key[:4])))

    return mask


def _close(original: Any) -> Any:
    def close(self: Any, code: int = 1000, reason: Any = "") -> None:
        """Send a close frame; log a text that is not UTF-8."""
        message = self.stream.message  # its truth value would decode it
        is_text = getattr(message, "is_text", False)
        if code == INVALID_TEXT and is_text and not self.server_terminated:
            payload = bytes(message.data or b"")
            _log(self, violation_in(payload), payload)
        original(self, code, reason)

    return close


def _log(socket: Any, violation: Any, payload: bytes) -> None:
    remote, environ = None, getattr(socket, "environ", None) or {}
    with contextlib.suppress(Exception):  # it is gone
        remote = address(socket.peer_address)
    log(
        violation,
        payload,
        library="ws4py",
        client=remote,
        path=environ.get("PATH_INFO"),
        user_agent=environ.get("HTTP_USER_AGENT"),
    )


PEER = Peer(
    "ws4py",
    ("0.5", "0.7"),
    [
        Seam("ws4py.framing", "Frame.mask", _mask, "masks in C"),
        Seam("ws4py.framing", "Frame.unmask", _mask, "unmasks in C"),
        Seam("ws4py.streaming", "Utf8Validator", lambda _: Utf8Validator, "validates in C"),
        Seam(
            "ws4py.websocket", "WebSocket.close", _close, "logs text that is not UTF-8", pure=True
        ),
    ],
)
