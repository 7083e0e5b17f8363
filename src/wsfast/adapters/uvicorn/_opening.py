"""The server's side of the opening handshake (RFC 6455 section 4.2), without I/O.

h11 reads and writes HTTP; this module checks that the request is for a WebSocket.

Invariant: h11 checks everything that is sent, so that no header can contain another.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterable
from email.utils import formatdate
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import unquote

import h11

if TYPE_CHECKING:
    from ...deflate import Deflate, PerMessageDeflate

Headers: TypeAlias = list[tuple[bytes, bytes]]

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_MAX_REQUEST = 65_536  # bytes
_MAX_SAID = 300  # characters of what a client sent that a log line or an answer repeats
_TEXT = b"text/plain; charset=utf-8"
_OF_A_BODY = (b"content-length", b"transfer-encoding")


class Refused(Exception):
    """Raised when a request does not open a WebSocket; has the answer to send."""

    def __init__(self, status: int, why: str, headers: Headers | None = None) -> None:
        super().__init__(shortened(why, _MAX_SAID))
        self.status = status
        self.headers = headers or []


class Opening:
    """One opening handshake: a request in; one response, perhaps in pieces, out."""

    def __init__(self, max_request: int | None = None) -> None:
        # uvicorn's option only ever raises the limit: its HTTP protocol has applied it already.
        self._room = self._max_request = max(max_request or 0, _MAX_REQUEST)
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=self._max_request)
        self._key = b""
        self._bodiless = False  # the response must not have a body

    def receive(self, data: bytes) -> h11.Request | None:
        """Take bytes of the request; return the request once it is complete and valid.

        Raises:
            Refused: it is not valid.
        """
        self._room -= len(data)
        if self._room < 0:  # h11 has a limit for what is incomplete only
            raise Refused(431, f"the request is longer than {self._max_request} bytes")
        self._http.receive_data(data)
        try:
            request = self._http.next_event()
            if not isinstance(request, h11.Request):
                return None
            self._bodiless = request.method == b"HEAD"
            self._key = _judged(request)
            self._http.next_event()  # the end of the message: it can't have a body
        except h11.RemoteProtocolError as wrong:
            raise Refused(wrong.error_status_hint, str(wrong)) from None
        return request

    @property
    def early(self) -> bytes:
        """The bytes that came after the request, before it was answered."""
        return self._http.trailing_data[0]

    @property
    def can_respond(self) -> bool:
        """Whether no response was begun yet."""
        return self._http.our_state is h11.SEND_RESPONSE

    def accept(self, headers: Headers) -> bytes:
        """Return the response that opens the connection (section 4.2.2).

        Args:
            headers: the headers in addition to the three of the handshake itself.

        Raises:
            h11.LocalProtocolError: one of them can't be a header.
        """
        digest = hashlib.sha1(self._key + _GUID, usedforsecurity=False).digest()
        own = [
            (b"Upgrade", b"websocket"),
            (b"Connection", b"Upgrade"),
            (b"Sec-WebSocket-Accept", base64.b64encode(digest)),
        ]
        switch = h11.InformationalResponse(
            status_code=101, headers=own + _stripped(headers), reason=_phrase(101)
        )
        return self._http.send(switch) or b""

    def respond(self, status: int, headers: Headers, body: bytes, more: bool = False) -> bytes:
        """Return a response that refuses; after it the connection is closed.

        The body is left out where there can't be one: the answer to HEAD, 204 and 304.

        Args:
            status, headers: its own; what a response needs is added.
            body: its first bytes.
            more: whether ``respond_more`` is going to give the rest.

        Raises:
            h11.LocalProtocolError: the status or a header can't be sent, or the body is
                not as long as the headers say.
            TypeError: a header is not a pair of bytes.
        """
        headers = _stripped(headers)
        usual = [(b"Date", formatdate(usegmt=True).encode()), (b"Connection", b"close")]
        if status in (204, 304):
            self._bodiless = True
            headers = [header for header in headers if header[0].lower() not in _OF_A_BODY]
        else:
            usual.append((b"Content-Type", _TEXT))
            if not more:
                usual.append((b"Content-Length", b"%d" % len(body)))
        named = {name.lower() for name, _ in headers}
        usual = [header for header in usual if header[0].lower() not in named]
        response = h11.Response(status_code=status, headers=headers + usual, reason=_phrase(status))
        return (self._http.send(response) or b"") + self.respond_more(body, more)

    def respond_more(self, body: bytes, more: bool) -> bytes:
        """Return more of the body; its last part with the end of the response."""
        data = b""
        if body and not self._bodiless:
            data = self._http.send(h11.Data(data=body)) or b""
        return data if more else data + (self._http.send(h11.EndOfMessage()) or b"")


def shortened(text: str, most: int) -> str:
    """Return the beginning of a text, and how many characters were cut off."""
    over = len(text) - most
    return text if over <= 0 else f"{text[:most]}... and {over} characters more"


def _stripped(headers: Headers) -> Headers:
    """Return headers without surrounding whitespace, as every HTTP client reads them.

    uvicorn's ``--header "X-Foo: bar"`` leaves some, and h11 refuses it.
    """
    for header in headers:
        for part in header:
            if not isinstance(part, (bytes, bytearray)):
                raise TypeError(f"a header's name and value must be bytes, but one is {part!r:.80}")
    return [(bytes(name).strip(b" \t"), bytes(value).strip(b" \t")) for name, value in headers]


def _phrase(status: int) -> bytes:
    try:
        return HTTPStatus(status).phrase.encode()
    except ValueError:
        return b""


def values(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> list[bytes]:
    """Return the values of all headers with a name, in lower case as in h11."""
    return [value for header, value in headers if header == name]


def items(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> list[str]:
    """Return the items of a list header, from all of its lines."""
    listed = b",".join(values(headers, name)).decode("latin-1").split(",")
    return [item.strip() for item in listed if item.strip()]


def _judged(request: h11.Request) -> bytes:
    """Return the key of a request that can be answered with 101 (section 4.2.1)."""
    headers = list(request.headers)
    if request.method != b"GET":
        raise Refused(405, "a WebSocket is opened with GET", [(b"Allow", b"GET")])
    if values(headers, b"transfer-encoding") or set(values(headers, b"content-length")) - {b"0"}:
        raise Refused(400, "a request for a WebSocket has no body")
    version = (b"Sec-WebSocket-Version", b"13")
    upgrade = [(b"Upgrade", b"websocket"), version]
    if "upgrade" not in map(str.lower, items(headers, b"connection")):
        raise Refused(426, "Connection does not say Upgrade", upgrade)
    if "websocket" not in map(str.lower, items(headers, b"upgrade")):
        raise Refused(426, "Upgrade does not say websocket", upgrade)
    if values(headers, b"sec-websocket-version") != [b"13"]:
        raise Refused(426, "Sec-WebSocket-Version is not 13", upgrade)
    keys = values(headers, b"sec-websocket-key")
    try:
        if len(keys) == 1 and len(base64.b64decode(keys[0], validate=True)) == 16:
            return keys[0]
    except binascii.Error:
        pass
    raise Refused(400, "Sec-WebSocket-Key is not 16 bytes in base64")


def agree(headers: Headers, compression: PerMessageDeflate) -> tuple[Headers, Deflate | None]:
    """Return the header that accepts permessage-deflate, and the negotiated compression.

    Raises:
        Refused: the client's offer does not follow the grammar.
    """
    try:
        agreed = compression.respond(", ".join(items(headers, b"sec-websocket-extensions")))
    except ValueError as wrong:
        raise Refused(400, str(wrong)) from None
    if agreed is None:
        return [], None
    return [(b"Sec-WebSocket-Extensions", agreed[0].encode())], agreed[1]


def new_scope(request: h11.Request, headers: Headers, root_path: str) -> dict[str, Any]:
    """Return the part of the ASGI scope that comes from the request."""
    raw_path, _, query = request.target.partition(b"?")
    return {
        "type": "websocket",
        "http_version": "1.1",
        "root_path": root_path,
        "path": root_path + unquote(raw_path.decode("ascii")),
        "raw_path": root_path.encode() + raw_path,
        "query_string": query,
        "headers": headers,
        "subprotocols": items(headers, b"sec-websocket-protocol"),
        "extensions": {"websocket.http.response": {}},
    }
