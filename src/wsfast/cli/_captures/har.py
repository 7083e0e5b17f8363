"""HAR files: the messages that browsers write into them.

Chromium's ``_webSocketMessages``, which Playwright writes too; Firefox's own have the
handshake only.  A browser writes text as a string and other payloads in base64.  Its own error
for a connection is an entry with the type "error".

Invariant: anything else raises ``NotFrames``, which names the place in the file.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any, TypeVar

from .._output import escaped
from .model import ERROR, Messages, NotFrames, Role

NAME = "har"
_KEYS = ("_webSocketMessages", "webSocketMessages")
_SENT = ("send", "sent", "request")
_KINDS: dict[Any, str] = {dict: "an object", list: "a list", str: "a string"}
_OPCODES = range(16)

Kind = TypeVar("Kind", dict[str, Any], list[Any], str)


def score(data: bytes) -> int:
    """Return how much it looks like a HAR file, up to 100."""
    head = data[:4096].lstrip()
    return 100 if head.startswith(b"{") and b'"log"' in head else 0


def read(data: bytes) -> list[Messages]:
    """Return the messages of each connection."""
    log = _member(_kind(_parsed(data), dict, "it"), "log", dict, "it")
    entries = _member(log, "entries", list, "log")
    found: list[Messages] = []
    for number, value in enumerate(entries):
        place = f"log.entries[{number}]"
        entry = _kind(value, dict, place)
        key = next((key for key in _KEYS if entry.get(key)), None)
        if key is None:
            continue
        messages = _member(entry, key, list, place)
        request = _member(entry, "request", dict, place)
        url = _member(request, "url", str, f"{place}.request")
        found.append(
            Messages(url, [_message(m, f"{place}.{key}[{n}]") for n, m in enumerate(messages)])
        )
    if not found:
        raise NotFrames(_without_messages(log))
    return found


def _parsed(data: bytes) -> Any:
    try:
        return json.loads(data.decode())
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        said = f"{error.msg.removesuffix(' at')} at {place}"
        raise NotFrames(f"not a HAR file, which is JSON: {said}") from None
    except UnicodeDecodeError as error:
        raise NotFrames(f"not a HAR file: byte {error.start} is not UTF-8") from None
    except RecursionError:
        raise NotFrames("not a HAR file: its parts are nested too deeply") from None
    except ValueError:  # an integer of more digits than are turned into one
        raise NotFrames("not a HAR file: a number in it is too long") from None


def _member(value: dict[str, Any], key: str, kind: type[Kind], place: str) -> Kind:
    """Return a member of an object."""
    if key not in value:
        raise NotFrames(f"not a HAR file: {place} has no {key!r}")
    return _kind(value[key], kind, key if place == "it" else f"{place}.{key}")


def _kind(value: Any, kind: type[Kind], place: str) -> Kind:
    if not isinstance(value, kind):
        raise NotFrames(f"not a HAR file: {place} is {_shown(value)}, not {_KINDS[kind]}")
    return value


def _shown(value: Any) -> str:
    return _KINDS.get(type(value)) or escaped(json.dumps(value), 40)


def _without_messages(log: dict[str, Any]) -> str:
    """Return why a file may have no messages."""
    creator = log.get("creator")
    name = creator.get("name") if isinstance(creator, dict) else None
    if name == "Firefox":
        return (
            "no WebSocket messages in this HAR file: Firefox writes only the handshake; "
            "use a Chromium browser, or record the packets with tcpdump"
        )
    return (
        "no WebSocket messages in this HAR file: export it from the Network panel "
        "after the messages came, with the panel open from the start"
    )


def _message(value: Any, place: str) -> tuple[Role, int, bytes]:
    message = _kind(value, dict, place)
    kind = _member(message, "type", str, place)
    opcode = ERROR if kind == "error" else _opcode(message, place)
    key = "payload" if "payload" in message and "data" not in message else "data"
    data = _member(message, key, str, place)
    role: Role = "server" if kind in _SENT else "client"
    if opcode in (1, ERROR):
        # A browser's strings are UTF-16, so a lone surrogate may be in them.
        return role, opcode, data.encode("utf-8", "surrogatepass")
    try:
        return role, opcode, base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):  # the latter for what is not ASCII
        raise NotFrames(f"not a HAR file: the data of {place} is not base64") from None


def _opcode(message: dict[str, Any], place: str) -> int:
    value = message.get("opcode")
    if isinstance(value, (int, float)) and value in _OPCODES and value is not True:
        return int(value)
    said = _shown(value) if "opcode" in message else "missing"
    raise NotFrames(f"not a HAR file: {place}.opcode is {said}, not a number from 0 to 15")
