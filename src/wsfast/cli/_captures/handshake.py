"""The HTTP handshake that comes before the frames, and what it negotiated.

RFC 6455 section 4; RFC 7692 section 7.1 for permessage-deflate.  Only the answer counts: what a
request offers may not be accepted.

Invariant: something unknown in an answer makes a verdict doubtful, not wrong.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from ... import _extension_header
from ...deflate import NAME, DeflateParameters
from .._files import Unreadable
from .._output import escaped
from .model import NotFrames

_HEAD = re.compile(
    rb"(?<![^\n])(?:GET [^\r\n]{1,65536} HTTP/1|HTTP/1)\.[01][^\r\n]*\r\n"
    rb"(?:[^\r\n]+\r\n){0,200}\r\n"
)
_UPGRADE = re.compile(rb"(?im)^upgrade:[^\r\n]*websocket")
_EXTENSIONS = re.compile(rb"(?im)^sec-websocket-extensions:([^\r\n]*)")
# What a proxy writes before all else: haproxy.org/download/2.8/doc/proxy-protocol.txt
_PROXY = re.compile(
    rb"PROXY [^\r\n]{1,100}\r\n|\r\n\r\n\0\r\nQUIT\n[\x20\x21].(?P<size>..)", re.DOTALL
)
_SEARCHED = 1 << 18  # bytes; other requests may come before it on the same connection
_WINDOWS = ("server_max_window_bits", "client_max_window_bits")
_ALONE = ("server_no_context_takeover", "client_no_context_takeover")


@dataclass
class Agreement:
    """What is known of the extensions of a connection.

    ``deflate`` is whether messages may be compressed; ``assumed`` that nothing says so.
    """

    deflate: bool = True
    parameters: DeflateParameters | None = None
    assumed: bool = True
    doubts: list[str] = field(default_factory=list)


@dataclass
class Handshake:
    """One end's part of the handshake; ``end`` is where the frames begin."""

    request: bool
    head: bytes
    end: int


def find(data: bytes) -> Handshake | None:
    """Return the request or the answer that opens a WebSocket, None if there is none.

    Raises:
        NotFrames: an answer refuses, or the head is not whole.
    """
    before = _after_proxy(data)
    searched = data[before : before + _SEARCHED]
    if not searched.startswith((b"GET ", b"HTTP/1.", b"POST ", b"HEAD ", b"CONNECT ")):
        return None
    refused = ""
    for head in _HEAD.finditer(searched):
        request = head[0].startswith(b"GET ")
        line = head[0].partition(b"\r\n")[0].decode("latin-1")
        upgrades = _UPGRADE.search(head[0]) is not None
        if request and upgrades:
            return Handshake(True, head[0], before + head.end())
        if not request and re.match(r"HTTP/1\.[01] 101\b", line):
            if upgrades or b"\r\nupgrade:" not in head[0].lower():
                return Handshake(False, head[0], before + head.end())
        elif not request and not re.match(r"HTTP/1\.[01] 1\d\d\b", line):
            refused = line
    if refused:
        raise NotFrames(f"the server refused the handshake: {escaped(refused, 100)}", "HTTP")
    if searched.startswith((b"GET ", b"HTTP/1.")) and not _HEAD.match(searched):
        raise NotFrames("the HTTP handshake in this capture is incomplete", "HTTP")
    return None


def _after_proxy(data: bytes) -> int:
    """Return where the header of the PROXY protocol ends; 0 if there is none."""
    found = _PROXY.match(data)
    if not found:
        return 0
    return found.end() + int.from_bytes(found["size"] or b"", "big")


def agreement(answer: Handshake | None, given: str | None) -> Agreement:
    """Return what was negotiated.

    Args:
        answer: the server's part, if it is there.
        given: what the user says of it: parameters of permessage-deflate, or "none".

    Raises:
        Unreadable: the user says what can't be.
    """
    if given is not None:
        return _given(given)
    if answer is None:
        return Agreement()
    header = b",".join(_EXTENSIONS.findall(answer.head)).decode("latin-1")
    try:
        extensions = _extension_header.parse(header)
        parameters = [_parameters(found) for name, found in extensions if name.lower() == NAME]
    except ValueError as error:
        said = escaped(str(error), 200)
        return Agreement(doubts=[f"the server's extensions can't be read: {said}"])
    others = [name for name, _ in extensions if name.lower() != NAME]
    if others:
        said = escaped(", ".join(others), 100)
        return Agreement(
            doubts=[f"the server agreed on extensions that are not known here: {said}"]
        )
    if not parameters:
        return Agreement(deflate=False, assumed=False)
    return Agreement(True, parameters[0], assumed=False)


def _given(given: str) -> Agreement:
    if given.strip().lower() in ("none", "no", "off"):
        return Agreement(deflate=False, assumed=False)
    said = given.strip().strip(";")
    if not said.lower().startswith(NAME):
        said = f"{NAME}; {said}" if said else NAME
    try:
        ((_, found),) = _extension_header.parse(said)
        return Agreement(True, _parameters(found), assumed=False)
    except ValueError as error:
        raise Unreadable(f"--deflate {escaped(given, 100)}: {escaped(str(error), 200)}") from None


def _parameters(found: list[tuple[str, str | None]]) -> DeflateParameters:
    """Return the parameters of permessage-deflate.

    Raises:
        ValueError: they are not such.
    """
    values: dict[str, bool | int] = {}
    for name, value in found:
        if name in _ALONE:
            values[name] = True
        elif name in _WINDOWS:
            values[name] = 15 if value is None else int(value)
        else:
            raise ValueError(f"permessage-deflate has no parameter {name!r}")
    return DeflateParameters(**values)  # type: ignore[arg-type]
