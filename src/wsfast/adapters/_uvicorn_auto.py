"""uvicorn: what ``--ws auto``, its default, means.

``fastapi run``, gunicorn's worker and most programs don't set that option.
``--ws websockets`` and the others mean what they did.

Invariant: uvicorn imports the class itself, when a configuration is loaded.
"""

from __future__ import annotations

from ._replacing import Item, Peer

CLASS = "wsfast.adapters.uvicorn:WebSocketProtocol"

PEER = Peer(
    "uvicorn",
    ("0.27", "0.55"),
    [
        Item(
            "uvicorn.config",
            "WS_PROTOCOLS",
            "auto",
            lambda _: CLASS,
            "is wsfast's protocol, on the compiled codec",
        )
    ],
)
