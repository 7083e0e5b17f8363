"""HAR files: the messages that browsers write into them.

Chromium's ``_webSocketMessages``, which Playwright writes too, and what Firefox has of
it.  A browser gives text as a string and other payloads in base64.  What it says itself
of a connection is an entry with the type "error".

Invariant: what is not so is ``NotFrames``, whatever it is.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

from .model import ERROR, Messages, NotFrames, Role

NAME = "har"
_KEYS = ("_webSocketMessages", "webSocketMessages")
_NOT_A_HAR = (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError)
_SENT = ("send", "sent", "request")


def score(octets: bytes) -> int:
    """Return how much it looks like a HAR file, up to 100."""
    head = octets[:4096].lstrip()
    return 100 if head.startswith(b"{") and b'"log"' in head else 0


def read(octets: bytes) -> list[Messages]:
    """Return the messages of each connection."""
    try:
        entries = json.loads(octets)["log"]["entries"]
        found = [
            Messages(str(entry["request"]["url"]), [_message(m) for m in messages])
            for entry in entries
            if (messages := next((entry[key] for key in _KEYS if entry.get(key)), None))
        ]
    except _NOT_A_HAR as error:
        raise NotFrames(f"not a HAR file: {_why(error)}") from None
    if not found:
        raise NotFrames(
            "no WebSocket messages in this HAR file: export it from the Network panel "
            "after the messages came, with the panel open from the start"
        )
    return found


def _why(error: Exception) -> str:
    """Return what is wrong, in words that know nothing of Python."""
    if isinstance(error, KeyError):
        return f"there is no {error} where a browser writes one"
    if isinstance(error, RecursionError):
        return "its parts are nested too deeply"
    if isinstance(error, (TypeError, AttributeError)):
        return "a part of it is not of the kind that a browser writes"
    if isinstance(error, binascii.Error):
        return "the data of a binary message is not base64"
    return str(error)


def _message(message: dict[str, Any]) -> tuple[Role, int, bytes]:
    kind = message["type"]
    opcode = ERROR if kind == "error" else int(message["opcode"])
    data = message["data"] if "data" in message else message["payload"]
    if not isinstance(data, str):
        raise NotFrames(f"not a HAR file: the data of a message is {data!r:.40}, not a string")
    role: Role = "server" if kind in _SENT else "client"
    if opcode in (1, ERROR):
        # A browser's strings are UTF-16, so a lone surrogate may be in them.
        return role, opcode, data.encode("utf-8", "surrogatepass")
    return role, opcode, base64.b64decode(data, validate=True)
