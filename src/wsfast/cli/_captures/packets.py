"""From a packet to its TCP segment: the link layer, IPv4 and IPv6, TCP.

https://www.tcpdump.org/linktypes.html; RFC 791, RFC 8200, RFC 9293.

Invariant: a packet of anything else is None, and so is one whose lengths don't fit; no
packet raises.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from ipaddress import ip_address

NULL, ETHERNET, LOOP, SLL, SLL2 = 0, 1, 108, 113, 276
RAW = frozenset({12, 14, 101, 228, 229})
LINKS = frozenset({NULL, ETHERNET, LOOP, SLL, SLL2}) | RAW
_IPV4, _IPV6, _PPPOE = 0x0800, 0x86DD, 0x8864
_TAGS = frozenset({0x8100, 0x88A8, 0x9100, 0x9200})  # VLAN, QinQ
_TCP = 6
# Headers between those of IPv6 and TCP: hop-by-hop, routing, destination options.
_EXTENSIONS = frozenset({0, 43, 60})
_FRAGMENT, _AUTHENTICATION = 44, 51
_ACK, RST, SYN, FIN = 0x10, 0x04, 0x02, 0x01


@dataclass(frozen=True, slots=True)
class Segment:
    """A TCP segment; ``cut`` is how many bytes of its payload were not captured."""

    source: tuple[bytes, int]
    target: tuple[bytes, int]
    sequence: int
    acknowledged: int | None
    flags: int
    payload: bytes
    cut: int


@dataclass(frozen=True, slots=True)
class Other:
    """A packet that is no TCP segment, and why."""

    why: str


NOT_TCP = Other("")
FRAGMENT = Other("IP fragments")
UNKNOWN_LINK = Other("packets of an unsupported link type")


def named(end: tuple[bytes, int]) -> str:
    """Return an address and a port, as people write them."""
    address = ip_address(end[0])
    return f"[{address}]:{end[1]}" if address.version == 6 else f"{address}:{end[1]}"


def segment(link: int, packet: bytes) -> Segment | Other:
    """Return the TCP segment in a packet."""
    if link not in LINKS:
        return UNKNOWN_LINK
    try:
        at = _network(link, packet)
        if at is None:
            return NOT_TCP
        version = packet[at] >> 4
        if version == 4:
            return _ipv4(packet, at)
        return _ipv6(packet, at) if version == 6 else NOT_TCP
    except (struct.error, IndexError):
        return NOT_TCP


def is_ip(link: int, packet: bytes) -> bool:
    """Tell whether it is, almost certainly, an IP packet on that link."""
    try:
        at = _network(link, packet)
        if at is None or packet[at] >> 4 not in (4, 6):
            return False
        if packet[at] >> 4 == 6:
            (length,) = struct.unpack_from("!H", packet, at + 4)
            return bool(length == len(packet) - at - 40)
        (length,) = struct.unpack_from("!H", packet, at + 2)
        header = packet[at : at + 4 * (packet[at] & 0x0F)]
        if len(header) < 20 or length < len(header):
            return False
        total = sum(struct.unpack(f"!{len(header) // 2}H", header))
        return bool(total % 0xFFFF == 0)
    except (struct.error, IndexError):
        return False


def _network(link: int, packet: bytes) -> int | None:
    """Return where the IP header begins."""
    if link in RAW:
        return 0
    if link in (NULL, LOOP):
        return 4
    if link == SLL:
        return _after_tags(packet, struct.unpack_from("!H", packet, 14)[0], 16)
    if link == SLL2:
        return _after_tags(packet, struct.unpack_from("!H", packet, 0)[0], 20)
    return _after_tags(packet, struct.unpack_from("!H", packet, 12)[0], 14)


def _after_tags(packet: bytes, kind: int, at: int) -> int | None:
    while kind in _TAGS:
        (kind,) = struct.unpack_from("!H", packet, at + 2)
        at += 4
    if kind == _PPPOE:
        return at + 8
    return at if kind in (_IPV4, _IPV6) else None


def _ipv4(packet: bytes, at: int) -> Segment | Other:
    length, fragment, protocol = struct.unpack_from("!HxxHxB", packet, at + 2)
    if protocol != _TCP:
        return NOT_TCP
    if fragment & 0x3FFF:
        return FRAGMENT
    header = 4 * (packet[at] & 0x0F)
    ends = packet[at + 12 : at + 16], packet[at + 16 : at + 20]
    # A length of 0 is what a network card with segmentation offload leaves.
    end = at + length if length else len(packet)
    return _tcp(packet, at + header, end, ends)


def _ipv6(packet: bytes, at: int) -> Segment | Other:
    length, following = struct.unpack_from("!HB", packet, at + 4)
    ends = packet[at + 8 : at + 24], packet[at + 24 : at + 40]
    at += 40
    end = at + length if length else len(packet)
    while following in _EXTENSIONS or following in (_FRAGMENT, _AUTHENTICATION):
        size = packet[at + 1]
        if following == _FRAGMENT:
            if struct.unpack_from("!H", packet, at + 2)[0] & ~0x0006:
                return FRAGMENT
            size = 8  # all of a packet in one fragment: RFC 6946
        else:
            size = 4 * (size + 2) if following == _AUTHENTICATION else 8 * (size + 1)
        following, at = packet[at], at + size
    return _tcp(packet, at, end, ends) if following == _TCP else NOT_TCP


def _tcp(packet: bytes, at: int, end: int, ends: tuple[bytes, bytes]) -> Segment | Other:
    source, target, sequence, acknowledged, size, flags = struct.unpack_from("!HHIIBB", packet, at)
    start = at + 4 * (size >> 4)
    if size < 0x50 or start > end:
        return NOT_TCP
    payload = packet[start:end]
    return Segment(
        (ends[0], source),
        (ends[1], target),
        sequence,
        acknowledged if flags & _ACK else None,
        flags,
        payload,
        end - start - len(payload),
    )
