"""gevent-websocket: its mask, an octet at a time in Python, and its UTF-8 validator.

Invariant: a ``bytearray`` comes out of the mask, as it did, and what went in is not
changed.
"""

from __future__ import annotations

from typing import Any

from .. import apply_mask
from ._seams import Peer, Seam
from .wsaccel import Utf8Validator


def _mask(_: Any) -> Any:
    def mask_payload(self: Any, payload: Any) -> bytearray:
        """Return the payload masked, or unmasked."""
        return bytearray(apply_mask(payload, bytes(self.mask)))

    return mask_payload


PEER = Peer(
    "gevent-websocket",
    ("0.10", "0.11"),
    [
        Seam("geventwebsocket.websocket", "Header.mask_payload", _mask, "masks in C"),
        Seam("geventwebsocket.websocket", "Header.unmask_payload", _mask, "unmasks in C"),
        Seam(
            "geventwebsocket.websocket", "Utf8Validator", lambda _: Utf8Validator, "validates in C"
        ),
    ],
)
