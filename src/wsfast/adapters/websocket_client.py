"""websocket-client: its mask, and the validation of texts and of close reasons.

Invariant: ``bytes`` come out of the mask, as they did; a text that ends inside a
character is refused, which its own validator lets pass.
"""

from __future__ import annotations

from typing import Any

from .. import apply_mask, is_valid_utf8
from ._seams import Peer, Seam


def _mask(_: Any) -> Any:
    return lambda mask_value, data_value: apply_mask(data_value, mask_value)


def _validate(_: Any) -> Any:
    def validate_utf8(utfbytes: str | bytes) -> bool:
        """Tell whether the octets are UTF-8."""
        return is_valid_utf8(utfbytes.encode() if isinstance(utfbytes, str) else utfbytes)

    return validate_utf8


PEER = Peer(
    "websocket-client",
    ("1.6", "1.10"),
    [
        Seam("websocket._abnf", "_mask", _mask, "masks in C"),
        Seam("websocket._utils", "_validate_utf8", _validate, "validates in C"),
    ],
    [("websocket._abnf.frame_buffer", "reads from a blocking socket, which takes the time")],
)
