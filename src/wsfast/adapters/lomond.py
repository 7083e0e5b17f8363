"""lomond: its mask and its UTF-8 validator.

Invariant: the mask changes the ``bytearray`` that it is given, as it did.
"""

from __future__ import annotations

from typing import Any

from .. import apply_mask_inplace
from ._seams import Peer, Seam
from .wsaccel import Utf8Validator


def _mask(_: Any) -> Any:
    def mask_payload(masking_key: bytes, data: bytearray) -> None:
        """Mask the octets of ``data`` where they are."""
        apply_mask_inplace(data, masking_key)

    return mask_payload


PEER = Peer(
    "lomond",
    ("0.3", "0.4"),
    [
        Seam("lomond.frame", "mask_payload", _mask, "masks in C"),
        Seam("lomond.frame_parser", "Utf8Validator", lambda _: Utf8Validator, "validates in C"),
        Seam("lomond.message", "Utf8Validator", lambda _: Utf8Validator, "validates in C"),
    ],
)
