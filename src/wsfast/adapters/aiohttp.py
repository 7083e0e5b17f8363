"""aiohttp: the mask of what its clients send.

Invariant: the ``bytearray`` is masked where it is, as it was.
"""

from __future__ import annotations

from typing import Any

from .. import apply_mask_inplace
from ._seams import Peer, Seam


def _mask(_: Any) -> Any:
    return lambda mask, data: apply_mask_inplace(data, mask)


PEER = Peer(
    "aiohttp",
    ("3.12", "3.15"),
    [Seam("aiohttp._websocket.writer", "websocket_mask", _mask, "masks in C, by vectors")],
    [
        (
            "aiohttp._websocket.reader_c.WebSocketReader",
            "compiled, with the mask bound inside: nothing to replace",
        )
    ],
)
