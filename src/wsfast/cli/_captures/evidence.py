"""How much some bytes look like WebSocket frames, in bits.

A header that chance would produce once in 32 times is worth 5 bits, a text that is
UTF-8 one for each byte, and so on.  RFC 6455 section 5.

Invariant: nothing here is a verdict; it only decides whether one is possible.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ... import apply_mask, is_valid_utf8
from ..._closecode_table import TABLE

ENOUGH = 12.0  # bits for bytes that should begin with a frame
LIKELY = 24.0  # for a place that was searched for
CERTAIN = 40.0
SURE = 80.0  # for a violation to be the sender's, where the first frame was searched for
_FRAMES = 100  # looked at
_TEXT = 24  # bits that a masked text can be worth; a plain one, which many files have, half
_SAMPLE = 256  # bytes of a payload that are looked at
_LEAST = 3  # frames that have to follow each other where the first was searched for
_SEARCHED = 1 << 20  # bytes in which a frame's beginning is searched
_STEPS = 1000, 8  # headers looked at in a search: so many, and one more for so many bytes
_HEADER = {
    mask: re.compile(rb"[\x00-\x02\x80-\x82\x88-\x8a\x41\x42\xc1\xc2]" + second)
    for mask, second in ((True, rb"[\x80-\xff]"), (False, rb"[\x00-\x7f]"))
}


@dataclass
class Evidence:
    """What speaks for frames.

    ``frames`` is how many there are whole, ``at`` where the first begins, ``broken`` where
    no further one can begin (None if they go on to the end), ``mixed`` whether some are
    masked and others not.
    """

    masked: bool
    at: int = 0
    bits: float = 0.0
    frames: int = 0
    broken: int | None = None

    @property
    def sureness(self) -> str:
        """How sure it is, in words."""
        if self.bits >= CERTAIN:
            return "beyond reasonable doubt"
        return "very likely" if self.bits >= LIKELY else "likely"


@dataclass
class Header:
    """A frame's header that breaks no rule by itself."""

    fin: bool
    rsv1: bool
    opcode: int
    masked: bool
    length: int
    key: bytes
    payload: int  # where it begins

    @property
    def end(self) -> int:
        return self.payload + self.length


def header(data: bytes, at: int) -> Header | None:
    """Return the header there; None if there is none, or it is not whole.

    Bytes that are missing at the end are taken for zeros.
    """
    first = data[at]
    second = data[at + 1] if at + 1 < len(data) else 0
    opcode, length = first & 0x0F, second & 0x7F
    control = opcode >= 8
    if opcode not in (0, 1, 2, 8, 9, 10) or first & 0x30:
        return None
    rsv1 = bool(first & 0x40)
    if (control and (not first & 0x80 or length > 125)) or (rsv1 and opcode not in (1, 2)):
        return None
    start = at + 2
    for mark, size, least in ((126, 2, 126), (127, 8, 1 << 16)):
        if second & 0x7F == mark:
            length = int.from_bytes(data[start : start + size].ljust(size, b"\0"), "big")
            start += size
            if start <= len(data) and not least <= length < 1 << 63:
                return None
    masked = bool(second & 0x80)
    key = data[start : start + 4] if masked else b""
    return Header(bool(first & 0x80), rsv1, opcode, masked, length, key, start + len(key))


def walk(data: bytes, masked: bool | None = None, at: int = 0, *, fresh: bool = True) -> Evidence:
    """Go from frame to frame.

    Args:
        data: one direction of a connection.
        masked: whether frames are; None to go by the first.
        at: where to begin.
        fresh: whether no message is under way there.
    """
    if masked is None:
        masked = data[at + 1 : at + 2] >= b"\x80"
    return _walk(data, masked, at, fresh=fresh)[0]


def _walk(data: bytes, masked: bool, at: int, *, fresh: bool) -> tuple[Evidence, list[int]]:
    """Go from frame to frame; return where each begins, too."""
    found = Evidence(masked, at)
    places: list[int] = []
    inside: bool | None = False if fresh else None  # a message; None if not known
    seen: set[bytes] = set()
    while at < len(data) and found.frames < _FRAMES:
        frame = header(data, at)
        if frame is None or (frame.masked != masked and at + 1 < len(data)):
            found.broken = at
            break
        if frame.opcode < 8:
            if inside is not None and inside is not (frame.opcode == 0):
                found.broken = at
                break
            inside = not frame.fin
        places.append(at)
        payload = data[frame.payload : min(frame.end, frame.payload + _SAMPLE)]
        whole = frame.end <= len(data)
        # What comes again and again, as zeros do, says no more than once.
        sample = data[at : frame.payload] + payload[:16]
        if sample not in seen and whole:
            found.bits += _worth(frame, payload)
            if frame.end == len(data) and frame.length:
                found.bits += 7
        elif not whole:
            found.bits += _worth(frame, payload) if len(payload) > 8 else 0
        seen.add(sample)
        if not whole:
            break
        found.frames += 1
        at = frame.end
        if frame.opcode == 8:
            break
    return found, places


def _worth(frame: Header, payload: bytes) -> float:
    """Return the bits of a frame."""
    if not frame.length:
        return 5 if frame.opcode >= 8 or frame.masked else 0
    if not (frame.opcode or frame.fin or frame.masked or frame.length > 125):
        return 0  # a zero and a length, which other protocols have before each item, too
    bits = 4.0 if frame.rsv1 else 5.0
    plain = apply_mask(payload, frame.key) if len(frame.key) == 4 else payload
    if frame.length > 125:
        bits += 1
    if frame.opcode == 8:
        code = int.from_bytes(plain[:2], "big")
        known = code in TABLE
        bits += 12 if known else 4 if 3000 <= code < 5000 else -5
    elif frame.opcode == 1 and not frame.rsv1:
        bits += _text(plain) if frame.masked else _text(plain) / 2
    return bits


def _text(payload: bytes) -> float:
    """Return the bits of a text, which may be cut at its end."""
    if not (is_valid_utf8(payload) or any(is_valid_utf8(payload[:-cut]) for cut in (1, 2, 3))):
        return 0
    return min(len(payload), _TEXT)


def search(data: bytes, masked: bool | None = None) -> Evidence | None:
    """Return the most likely place of the first frame, if the bytes begin inside one.

    Takes time linear in the bytes, whatever they are: a capture may have many places to search.
    """
    best: Evidence | None = None
    data = data[:_SEARCHED]
    for mask in (True, False) if masked is None else (masked,):
        steps = _STEPS[0] + len(data) // _STEPS[1]
        seen: set[int] = set()
        for found in _HEADER[mask].finditer(data):
            if found.start() in seen:  # the end of a sequence that began before has less to say
                continue
            evidence, places = _walk(data, mask, found.start(), fresh=False)
            steps -= len(places) + 1
            if evidence.broken is None:
                seen.update(places)
            else:
                evidence.bits -= 8
            if evidence.frames >= _LEAST and (best is None or evidence.bits > best.bits):
                best = evidence
            if (best and best.bits >= 2 * CERTAIN) or steps < 0:
                break
    return best if best and best.bits >= LIKELY else None
