"""What ``tshark -z follow`` writes, and Wireshark's Follow TCP Stream.

    raw    lines of hexadecimal, those of the second end indented
    hex    rows of dumps.py, those of the second end indented
    yaml   base64, by packets
    ascii  text; what is not ASCII is lost, so it can't be read

Invariant: a line in none of these forms is an error that names it.
"""

from __future__ import annotations

import base64
import binascii
import re

from . import dumps
from .model import Connection, NotFrames, Side

NAME = "tshark"
_HEAD = re.compile(rb"(?m)^Follow: (\w+),(\w+)\r?$")
_NODES = re.compile(rb"(?m)^Node ([01]): ([^\r\n]*)")
_RULE = b"=" * 20
_YAML = re.compile(rb"(?m)^(?:peers:|# Packet \d+|peer[01]_\d+: !!binary)")
_OLD_YAML = re.compile(rb"peer([01])_\d+: !!binary \|")
_PEER = re.compile(rb"\s+(?:- )?peer: ([01])\s*$")


def score(data: bytes) -> int:
    """Return how much it looks like such output, up to 100."""
    return 100 if _HEAD.search(data[:4096]) else 0


def read(data: bytes) -> list[Connection]:
    """Return the connections, one for each stream that was followed."""
    heads = list(_HEAD.finditer(data))
    if not heads:
        return [_raw(data)]
    ends = [head.start() for head in heads[1:]] + [len(data)]
    found: list[Connection] = []
    before = counted = 0
    for number, (head, end) in enumerate(zip(heads, ends, strict=True)):
        before += data.count(b"\n", counted, head.end())
        counted = head.end()
        found.append(_section(data[head.end() : end], head[2].decode(), number, before))
    return found


def _section(data: bytes, form: str, number: int, lines: int) -> Connection:
    if form == "ascii":
        raise NotFrames(
            "tshark's ascii format loses all bytes that are not ASCII; "
            "export it again with -z follow,tcp,raw,0"
        )
    names = dict(_NODES.findall(data))
    if form == "yaml":
        found = Yaml.read(data)[0]
    elif form == "hex":
        found = _hex(data)
    else:
        found = _raw(data, lines)
    found.number = number
    found.names = tuple(names.get(key, b"").decode("latin-1") for key in (b"0", b"1"))
    return found


def _hex(data: bytes) -> Connection:
    read = dumps.read(data)
    if isinstance(read, list):
        return read[0]
    side = Side([(0, read.data)])
    other = Side()
    indented = re.search(rb"(?m)^[0-9A-Fa-f]{8} ", data) is None
    return Connection((other, side) if indented else (side, other))


def _raw(data: bytes, lines: int = 0) -> Connection:
    """Read the raw form; ``lines`` is how many stand before."""
    sides = [bytearray(), bytearray()]
    for number, line in enumerate(data.splitlines(), lines + 1):
        digits = line.strip()
        if not digits or digits.startswith((_RULE, b"Follow:", b"Filter:", b"Node ")):
            continue
        try:
            sides[line[:1] in b"\t "] += binascii.unhexlify(digits)
        except binascii.Error:
            raise NotFrames(f"line {number} is not part of tshark's follow-stream output") from None
    return Connection((Side([(0, bytes(sides[0]))]), Side([(0, bytes(sides[1]))])))


class Yaml:
    """The YAML of Wireshark and tshark."""

    NAME = "yaml"

    @staticmethod
    def score(data: bytes) -> int:
        head = data[:4096]
        return 95 if _YAML.search(head) and b"!!binary" in head else 0

    @staticmethod
    def read(data: bytes) -> list[Connection]:
        sides: list[list[bytes]] = [[], []]
        peer: int | None = None
        text: list[bytes] = []
        inside = False
        for line in [*data.splitlines(), b"end:"]:
            if inside and re.fullmatch(rb"\s+[A-Za-z0-9+/=]+\s*", line):
                text.append(line.strip())
                continue
            if inside and peer is not None:
                sides[peer].append(_decoded(b"".join(text)))
                text, inside = [], False
            if found := _OLD_YAML.match(line) or _PEER.match(line):
                peer = int(found[1])
            inside = b"!!binary |" in line
        joined = [b"".join(side) for side in sides]
        return [Connection((Side([(0, joined[0])]), Side([(0, joined[1])])))]


def _decoded(text: bytes) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise NotFrames(f"the base64 in this YAML is broken: {error}") from None
