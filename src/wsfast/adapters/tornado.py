"""tornado: its mask, which gains for large frames.

Invariant: ``bytes`` in, ``bytes`` out, as it was.
"""

from __future__ import annotations

from typing import Any

from .. import apply_mask
from ._seams import Peer, Seam


def _mask(_: Any) -> Any:
    return lambda mask, data: apply_mask(data, mask)


PEER = Peer(
    "tornado",
    ("6.3", "6.7"),
    [Seam("tornado.websocket", "_websocket_mask", _mask, "masks in C, by vectors")],
    [
        ("tornado.web._websocket_mask", "masks 16 octets of a cookie: nothing to gain"),
        ("tornado.websocket.WebSocketProtocol13", "reads from an IOStream, which takes the time"),
    ],
)
