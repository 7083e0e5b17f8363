"""aiohttp: the mask of what its clients send.

Invariant: the ``bytearray`` is masked where it is, as it was.
"""

from __future__ import annotations

from .._backend import mask_with
from ._replacing import Peer, Seam

PEER = Peer(
    "aiohttp",
    ("3.11", "3.15"),
    [
        Seam(
            "aiohttp._websocket.writer",
            "websocket_mask",
            lambda _: mask_with,
            "masks in C, by vectors",
        )
    ],
    [
        (
            "aiohttp._websocket.reader_c.WebSocketReader",
            "compiled, with the mask bound inside: nothing to replace",
        )
    ],
)
