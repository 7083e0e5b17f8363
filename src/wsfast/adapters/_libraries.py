"""The libraries that wsfast knows, by their names on the package index.

Invariant: each has its own import statement, so that PyInstaller and the like find it.
"""

from __future__ import annotations

from ._replacing import Peer

NAMES = (
    "aiohttp",
    "autobahn",
    "gevent-websocket",
    "lomond",
    "tornado",
    "uvicorn",
    "websocket-client",
    "websockets",
    "ws4py",
    "wsproto",
)

# Other names that people try, and the library that does the WebSocket work there.
RUNS_ON = {
    "channels": "uvicorn",
    "daphne": "autobahn",
    "fastapi": "uvicorn",
    "gunicorn": "uvicorn",
    "hypercorn": "wsproto",
    "starlette": "uvicorn",
    "trio-websocket": "wsproto",
}


def load(name: str) -> Peer:
    """Return the seams of a library."""
    match name:
        case "aiohttp":
            from .aiohttp import PEER
        case "autobahn":
            from .autobahn import PEER
        case "gevent-websocket":
            from .gevent_websocket import PEER
        case "lomond":
            from .lomond import PEER
        case "tornado":
            from .tornado import PEER
        case "uvicorn":
            from ._uvicorn_auto import PEER
        case "websocket-client":
            from .websocket_client import PEER
        case "websockets":
            from .websockets import PEER
        case "ws4py":
            from .ws4py import PEER
        case "wsproto":
            from .wsproto import PEER
        case _:
            raise ValueError(f"no library {name!r}")
    return PEER
