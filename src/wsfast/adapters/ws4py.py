"""ws4py: its mask, an octet at a time in Python, and its UTF-8 validator.

Invariant: a ``bytearray`` comes out of the mask, as it did, and what went in is not
changed.
"""

from __future__ import annotations

from typing import Any

from .. import apply_mask
from ._replacing import Peer, Seam
from .wsaccel import Utf8Validator


def _mask(_: Any) -> Any:
    def mask(self: Any, data: Any) -> bytearray:
        """Return the octets masked, or unmasked."""
        # A key that arrived in pieces may have what follows it on its end.
        return bytearray(apply_mask(data, bytes(self.masking_key[:4])))

    return mask


PEER = Peer(
    "ws4py",
    ("0.5", "0.7"),
    [
        Seam("ws4py.framing", "Frame.mask", _mask, "masks in C"),
        Seam("ws4py.framing", "Frame.unmask", _mask, "unmasks in C"),
        Seam("ws4py.streaming", "Utf8Validator", lambda _: Utf8Validator, "validates in C"),
    ],
)
