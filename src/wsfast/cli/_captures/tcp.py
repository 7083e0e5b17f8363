"""Put the segments of TCP connections together again.

RFC 9293.  Segments may come out of order, more than once, overlap, or not at all; the
numbers of bytes wrap around at 2**32.

Invariant: time is that of sorting, memory that of the segments, whatever their numbers.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from .model import Connection, Side
from .packets import FIN, FRAGMENT, RST, SYN, UNKNOWN_LINK, Other, Segment, named

_AROUND = 1 << 32
_HALF = 1 << 31
MAX_GAPS = 1000  # of one direction; beyond, a capture is no use
_DIFFERING = 3  # places named


@dataclass
class _Flow:
    """The segments that one end sent, by the number of their first byte."""

    base: int | None = None  # the number of the first byte, from a SYN
    last: int | None = None  # the number of the segment before, unwrapped
    segments: list[tuple[int, int, bytes]] = field(default_factory=list)
    acknowledged: int | None = None  # by the other end, unwrapped
    finished: bool = False
    reset: bool = False

    def unwrapped(self, number: int) -> int:
        """Return the number near the one before, in all the bytes of the connection."""
        if self.last is None:
            return number
        return self.last + (number - self.last + _HALF) % _AROUND - _HALF

    def add(self, segment: Segment) -> None:
        at = self.unwrapped(segment.sequence)
        if segment.flags & SYN:
            at += 1
            self.base = at
        self.last = at
        self.finished |= bool(segment.flags & FIN)
        self.reset |= bool(segment.flags & RST)
        if segment.payload and not segment.flags & RST:
            self.segments.append((at, len(self.segments), segment.payload))

    def side(self) -> Side:
        """Return what was sent, in order."""
        side = Side(start=self.base is not None)
        self.segments.sort()
        if not self.segments and self.base is None:
            return side
        base = self.segments[0][0] if self.base is None else self.base
        pieces: list[tuple[int, bytearray]] = []
        overlaps: list[tuple[int, int]] = []
        again = 0
        for at, _, payload in self.segments:
            at -= base
            if at < 0:  # before the SYN: an old connection's, or a keep-alive
                payload, at = payload[-at:], 0
                if not payload:
                    continue
            end = pieces[-1][0] + len(pieces[-1][1]) if pieces else 0
            if at > end or not pieces:
                if len(pieces) > MAX_GAPS:
                    side.doubts.append(f"more than {MAX_GAPS} gaps: the rest is left out")
                    break
                pieces.append((at, bytearray(payload)))
                continue
            start, run = pieces[-1]
            known = run[at - start : at - start + len(payload)]
            again += len(known)
            # A keep-alive is one byte, of any value, that was sent before.
            if known != payload[: len(known)] and len(payload) > 1:
                overlaps.append((at, at + len(known)))
            run += payload[len(known) :]
        side.pieces = [(at, bytes(run)) for at, run in pieces]
        self._remark(side, base, again, overlaps)
        return side

    def _remark(self, side: Side, base: int, again: int, overlaps: list[tuple[int, int]]) -> None:
        if again:
            side.notes.append(f"{again} bytes were sent more than once")
        if self.reset:
            side.notes.append(
                "this end reset the connection (TCP RST); "
                "unless a close frame came before, both ends report 1006"
            )
        if overlaps:
            places = ", ".join(f"{a} to {b - 1}" for a, b in overlaps[:_DIFFERING])
            more = " and more" if len(overlaps) > _DIFFERING else ""
            side.doubts.append(
                f"bytes {places}{more} were sent more than once with different contents; "
                "the first in order is shown, but the receiver may have used another"
            )
        side.doubts += [
            f"bytes {start} to {end - 1} are missing from the capture" for start, end in side.gaps()
        ]
        end = side.pieces[-1][0] + len(side.pieces[-1][1]) if side.pieces else 0
        if self.acknowledged is not None:
            lost = self._unwrapped_end(base) - end
            if lost > 1 or (lost == 1 and self.finished):
                side.doubts.append(
                    f"bytes {end} to {end + lost - 1}, which the other end received, "
                    "are missing from the capture"
                )

    def _unwrapped_end(self, base: int) -> int:
        assert self.acknowledged is not None
        last = self.segments[-1][0] if self.segments else base
        number = last + (self.acknowledged - last + _HALF) % _AROUND - _HALF
        return number - base - self.finished


class _Conversation:
    """One connection, while its segments come in."""

    def __init__(self, opener: tuple[bytes, int]) -> None:
        self.flows: dict[tuple[bytes, int], _Flow] = {opener: _Flow()}
        self.client: tuple[bytes, int] | None = None
        self.packets = 0
        self.over = False

    def add(self, segment: Segment) -> None:
        self.packets += 1
        if segment.flags & SYN and self.client is None:
            answers = segment.acknowledged is not None
            self.client = segment.target if answers else segment.source
        self.flows.setdefault(segment.source, _Flow()).add(segment)
        if segment.acknowledged is not None:
            other = self.flows.setdefault(segment.target, _Flow())
            known = other.acknowledged
            if known is None or (segment.acknowledged - known) % _AROUND < _HALF:
                other.acknowledged = segment.acknowledged
        self.over |= bool(segment.flags & (RST | FIN))

    def opens_anew(self, segment: Segment) -> bool:
        """Tell whether it is the first of another connection between the same ports."""
        if not segment.flags & SYN or segment.acknowledged is not None:
            return False
        flow = self.flows.get(segment.source)
        if flow is None or flow.base is None:
            return bool(flow and flow.segments)
        return (flow.base - 1 - segment.sequence) % _AROUND != 0


class Assembler:
    """The connections in a sequence of packets."""

    def __init__(self) -> None:
        self._now: dict[frozenset[tuple[bytes, int]], _Conversation] = {}
        self._all: list[_Conversation] = []
        self.left_out: dict[str, int] = {}
        self.damage = ""  # why the packets end, if they should not

    def add(self, packet: Segment | Other) -> None:
        """Take the next packet."""
        if isinstance(packet, Other):
            if packet in (FRAGMENT, UNKNOWN_LINK):
                self.left_out[packet.why] = self.left_out.get(packet.why, 0) + 1
            return
        ends = frozenset((packet.source, packet.target))
        conversation = self._now.get(ends)
        if conversation is None or conversation.opens_anew(packet):
            conversation = self._now[ends] = _Conversation(packet.source)
            self._all.append(conversation)
        conversation.add(packet)

    def remarks(self) -> list[str]:
        """Return what was left out."""
        return [f"{count} {what} were left out" for what, count in self.left_out.items()]

    def connections(self) -> list[Connection]:
        """Return what came of the packets, in the order in which it began."""
        return [self._connection(n, talk) for n, talk in enumerate(self._all)]

    def _connection(self, number: int, talk: _Conversation) -> Connection:
        ends = list(talk.flows)
        if len(ends) < 2:
            ends.append(ends[0])
        client = talk.client if talk.client in ends else _likely_client(ends)
        ends.sort(key=lambda end: end != client)
        sides = [talk.flows[end].side() for end in ends[: len(talk.flows)]]
        sides += [Side(start=False)] * (2 - len(sides))
        for side in sides:
            if self.damage:
                side.doubts.append(self.damage)
            side.notes += self.remarks()
        return Connection(
            (sides[0], sides[1]),
            (named(ends[0]), named(ends[1])),
            number,
            talk.client is not None,
            talk.packets,
        )


def _likely_client(ends: list[tuple[bytes, int]]) -> tuple[bytes, int]:
    """Servers have the lower port."""
    return max(ends, key=lambda end: end[1])
