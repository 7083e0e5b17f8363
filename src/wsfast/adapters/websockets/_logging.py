"""The line in the log for text that is not UTF-8, with what websockets knows of the remote.

Invariant: nothing here raises; a line without an address is better than none.
"""

from __future__ import annotations

import contextlib
from typing import Any

from ... import InvalidUTF8
from .. import _logging


def log(protocol: Any, violation: InvalidUTF8 | None, payload: Any = None) -> None:
    """Log a 1007 that a protocol closes with."""
    remote = path = agent = None
    # asyncio, threading and trio put the connection there; a protocol by itself has none.
    connection: Any = (getattr(protocol.logger, "extra", None) or {}).get("websocket")
    with contextlib.suppress(Exception):  # the connection is gone, or not yet known
        remote = _logging.address(connection.remote_address)
        if protocol.side.name == "SERVER":
            path, agent = connection.request.path, connection.request.headers.get("User-Agent")
    _logging.log(
        violation, payload, library="websockets", client=remote, path=path, user_agent=agent
    )
