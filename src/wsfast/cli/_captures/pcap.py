"""Files of captured packets: pcap, and pcapng.

draft-ietf-opsawg-pcap, draft-ietf-opsawg-pcapng.  The libraries that read these end
silently where a file is cut, and give one link type to all interfaces; here a file that
stops short says so.

Invariant: a length in the file is compared with what is left before anything is made of
it; what is wrong ends the reading and is told, never the packets before it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from .model import Connection, NotFrames
from .packets import segment
from .tcp import Assembler

NAME = "pcap"
_PCAP = {
    b"\xa1\xb2\xc3\xd4": (">", 16),
    b"\xd4\xc3\xb2\xa1": ("<", 16),
    b"\xa1\xb2\x3c\x4d": (">", 16),  # nanoseconds
    b"\x4d\x3c\xb2\xa1": ("<", 16),
    b"\xa1\xb2\xcd\x34": (">", 24),  # of a patched libpcap
    b"\x34\xcd\xb2\xa1": ("<", 24),
}
_SECTION = b"\x0a\x0d\x0d\x0a"
_ORDERS = {b"\x1a\x2b\x3c\x4d": ">", b"\x4d\x3c\x2b\x1a": "<"}
_INTERFACE, _OLD_PACKET, _SIMPLE, _ENHANCED = 1, 2, 3, 6


class Damaged(Exception):
    """Raised when a file can't be read on."""


@dataclass(frozen=True)
class Packet:
    """A packet, as much as was captured, and the type of its link."""

    link: int
    data: bytes


def score(data: bytes) -> int:
    """Return how much it looks like such a file, up to 100."""
    if data[:4] in _PCAP and len(data) >= 24:
        return 100
    return 100 if data[:4] == _SECTION and data[8:12] in _ORDERS else 0


def read(data: bytes) -> list[Connection]:
    """Return the TCP connections in a file."""
    if not score(data):
        raise NotFrames("it does not begin like a pcap or pcapng file")
    assembler = Assembler()
    try:
        for packet in packets(data):
            assembler.add(segment(packet.link, packet.data))
    except Damaged as damage:
        assembler.damage = str(damage)
    connections = assembler.connections()
    if not connections:
        why = [assembler.damage] if assembler.damage else assembler.remarks()
        raise NotFrames("; ".join(["no TCP connection in this capture", *why]))
    return connections


def packets(data: bytes) -> Iterator[Packet]:
    """Yield the packets of a file.

    Raises:
        Damaged: it ends inside a packet, or can't be read on.
    """
    return _pcapng(data) if data[:4] == _SECTION else _pcap(data)


def _pcap(data: bytes) -> Iterator[Packet]:
    order, size = _PCAP[data[:4]]
    (link,) = struct.unpack_from(order + "I", data, 20)
    link &= 0xFFFF  # above it is the length of the checksum
    header = struct.Struct(order + "8xI")
    at, number = 24, 0
    while at < len(data):
        number += 1
        if len(data) - at < size:
            raise Damaged(f"the file ends inside the header of packet {number}")
        (length,) = header.unpack_from(data, at)
        at += size
        if length > len(data) - at:
            raise Damaged(
                f"the file ends inside packet {number}, "
                f"after {len(data) - at} of its {length} bytes"
            )
        yield Packet(link, data[at : at + length])
        at += length


def _pcapng(data: bytes) -> Iterator[Packet]:
    order = "<"
    links: list[tuple[int, int]] = []  # type of the link, longest packet
    at = 0
    while at < len(data):
        if data[at : at + 4] == _SECTION:
            order = _ORDERS.get(data[at + 8 : at + 12], "")
            links = []
            if not order:
                raise Damaged(f"the section at byte {at} has no byte order")
        kind, body = _block(data, at, order)
        at += len(body) + 12
        if kind == _INTERFACE:
            if len(body) < 8:
                raise Damaged(f"the interface before byte {at} is cut short")
            links.append(struct.unpack_from(order + "HxxI", body))
        elif kind in (_ENHANCED, _OLD_PACKET, _SIMPLE):
            yield _packet(kind, body, order, links, at)


def _block(data: bytes, at: int, order: str) -> tuple[int, bytes]:
    """Return the type and the body of the block there."""
    left = len(data) - at
    if left < 12:
        raise Damaged(f"the file ends inside the block at byte {at}")
    kind, length = struct.unpack_from(order + "II", data, at)
    if length < 12 or length % 4:
        raise Damaged(f"the block at byte {at} says it has {length} bytes, which can't be")
    if length > left:
        raise Damaged(
            f"the file ends inside the block at byte {at}, after {left} of its {length} bytes"
        )
    (again,) = struct.unpack_from(order + "I", data, at + length - 4)
    if again != length:
        raise Damaged(f"the block at byte {at} has two lengths: {length} and {again}")
    return kind, data[at + 8 : at + length - 4]


def _packet(kind: int, body: bytes, order: str, links: list[tuple[int, int]], end: int) -> Packet:
    """Return the packet in a block that ends at ``end``."""
    try:
        if kind == _SIMPLE:
            interface, start = 0, 4
            (length,) = struct.unpack_from(order + "I", body)
            if links and links[0][1]:
                length = min(length, links[0][1])
            length = min(length, len(body) - start)  # it has no length as captured
        else:
            start = 20
            interface, length = struct.unpack_from(
                order + ("I8xI" if kind == _ENHANCED else "H10xI"), body
            )
        link = links[interface][0]
    except (struct.error, IndexError):
        raise Damaged(f"the packet before byte {end} has no interface, or is cut short") from None
    if length > len(body) - start:
        raise Damaged(f"the packet before byte {end} says it has {length} bytes, which can't be")
    return Packet(link, body[start : start + length])
