"""Captures of WebSocket traffic, in the forms that people have them.

Raw octets; hexadecimal; the output of ``tshark -z follow,tcp,raw`` and ``follow,tcp,hex``;
the messages that browsers put into HAR files (``_webSocketMessages``).  RFC 6455 section 4
for the handshake that may stand before the frames; RFC 7692 section 7.1 for its extension.

Invariant: what can't be taken for such a capture raises ``Unreadable``, whatever it is.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass, field
from typing import Any

from ._files import Unreadable
from ._output import escaped

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    _Role = Literal["server", "client"]

_HANDSHAKE = re.compile(rb"(GET|HTTP/1\.1) [^\r\n]*\r\n(?:[^\r\n]+\r\n)*\r\n")
_DEFLATE = re.compile(rb"(?im)^sec-websocket-extensions:[^\r\n]*permessage-deflate([^\r\n,]*)")
ERROR = -1
_DIRECTIONS = {"server": "client to server", "client": "server to client"}


@dataclass
class Stream:
    """Hold the octets of one direction of a connection.

    ``role`` is the receiver's; ``start`` the offset of the first frame in the capture of
    this direction, after the handshake; ``deflate`` whether messages may be compressed,
    ``takeover`` whether with the window of those before.
    """

    role: _Role
    octets: bytes
    start: int = 0
    deflate: bool = False
    takeover: bool = True

    @property
    def direction(self) -> str:
        return _DIRECTIONS[self.role]


@dataclass
class Messages:
    """Hold the messages that a browser saw on one connection: (receiver, opcode, payload).

    With the opcode ``ERROR`` it is the browser's own words for why it hung up.
    """

    url: str
    messages: list[tuple[_Role, int, bytes]] = field(default_factory=list)


def read(octets: bytes, form: str, role: str) -> list[Stream] | list[Messages]:
    """Return what a capture holds.

    Args:
        octets: the file.
        form: ``"raw"``, ``"hex"``, ``"tshark"``, ``"har"``, or ``"auto"`` to tell by itself.
        role: the receiver's: ``"server"``, ``"client"``, or ``"auto"`` for either.

    Raises:
        Unreadable: it is no such capture.
    """
    if form == "auto":
        form = _form(octets)
    if form == "har":
        return _har(octets, role)
    if form == "tshark":
        streams = [_stream(side, "auto") for side in _tshark(octets) if side]
    else:
        streams = [_stream(_hex(octets) if form == "hex" else octets, role)]
    # The extension is agreed in the response, and holds for both directions.
    if len(streams) == 2 and (streams[0].start or streams[1].start):
        agreed = streams[1].deflate
        streams[0].deflate = agreed
    return [stream for stream in streams if role in ("auto", stream.role)]


def _form(octets: bytes) -> str:
    head = octets[:4096].lstrip()
    if head.startswith(b"{") and b'"log"' in head:
        return "har"
    if re.search(rb"(?m)^Follow: ", head):
        return "tshark"
    if (
        head
        and re.fullmatch(rb"(?:0[xX]|[0-9A-Fa-f\s:,;-])+", head)
        and re.search(rb"[0-9A-Fa-f]{2}", head)
    ):
        return "hex"
    return "raw"


def _hex(octets: bytes) -> bytes:
    digits = re.sub(rb"0[xX]|[\s:,;-]", b"", octets)
    try:
        return binascii.unhexlify(digits)
    except binascii.Error as error:
        raise Unreadable(f"not hexadecimal: {error}") from None


def _tshark(octets: bytes) -> list[bytes]:
    """Return the octets of both sides; the lines of the second are indented."""
    sides = [bytearray(), bytearray()]
    for number, line in enumerate(octets.splitlines(), 1):
        digits = line.strip()
        if not digits or digits.startswith((b"=", b"Follow:", b"Filter:", b"Node ")):
            continue
        side = sides[line[:1] == b"\t"]
        dump = re.match(rb"[0-9A-Fa-f]{8}\s+((?:[0-9A-Fa-f]{2}\s+)*[0-9A-Fa-f]{2})(\s|$)", digits)
        if dump:
            # At most 16 octets a line; what follows them shows them as text.
            digits = b"".join(dump[1].split()[:16])
        try:
            side += binascii.unhexlify(digits)
        except binascii.Error:
            raise Unreadable(f"line {number} is not of tshark's follow-stream output") from None
    return [bytes(side) for side in sides]


def _stream(octets: bytes, role: str) -> Stream:
    handshake = _HANDSHAKE.match(octets)
    # No frame begins so: RSV1 with opcode 7, or with a close frame that is fragmented.
    if octets.startswith((b"GET ", b"HTTP/1.1 ")):
        if not handshake:
            raise Unreadable("the HTTP handshake in this capture is not whole")
        line = octets.partition(b"\r\n")[0].decode("latin-1")
        if line.startswith("HTTP/1.1 ") and not line.startswith("HTTP/1.1 101"):
            raise Unreadable(f"the server refused the handshake: {escaped(line, 100)}")
    start = handshake.end() if handshake else 0
    deflate = _DEFLATE.search(handshake[0]) if handshake else None
    if role == "auto":
        # Only clients mask, so the MASK bit of the first frame tells who receives.
        masked = octets[start + 1 : start + 2] >= b"\x80"
        role = "server" if masked or octets.startswith(b"GET ") else "client"
    receiver: _Role = "server" if role == "server" else "client"
    if handshake:
        receiver = "server" if handshake[1] == b"GET" else "client"
    sender = b"client" if receiver == "server" else b"server"
    takeover = not (deflate and sender + b"_no_context_takeover" in deflate[1])
    return Stream(receiver, octets[start:], start, deflate is not None, takeover)


def _har(octets: bytes, role: str) -> list[Messages]:
    try:
        entries = json.loads(octets)["log"]["entries"]
        found = [
            Messages(str(entry["request"]["url"]), [_message(m) for m in entry[_KEY]])
            for entry in entries
            if entry.get(_KEY)
        ]
    except _NOT_A_HAR as error:
        raise Unreadable(f"not a HAR file: {type(error).__name__}: {error}") from None
    if not found:
        raise Unreadable(
            "no WebSocket messages in this HAR file; Chromium writes them, as _webSocketMessages"
        )
    return [
        part
        for part in found
        if role == "auto" or any(receiver == role for receiver, _, _ in part.messages)
    ]


_KEY = "_webSocketMessages"
_NOT_A_HAR = (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError)


def _message(message: dict[str, Any]) -> tuple[_Role, int, bytes]:
    opcode, data = int(message["opcode"]), message["data"]
    if not isinstance(data, str):
        raise TypeError(f"the data of a message is {type(data).__name__}, not a string")
    role: _Role = "server" if message["type"] == "send" else "client"
    if message["type"] == "error":
        opcode = ERROR
    if opcode in (1, ERROR):
        # A browser's strings are UTF-16, so a lone surrogate may be in them.
        return role, opcode, data.encode("utf-8", "surrogatepass")
    return role, opcode, base64.b64decode(data, validate=True)
