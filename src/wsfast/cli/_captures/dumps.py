"""Rows of an offset and some bytes: xxd, hexdump, od, tcpdump, Wireshark, Format-Hex.

Words of od and hexdump are those of a little-endian machine, as nearly all are.

Invariant: the rows follow each other without a gap, or nothing is returned: what a row
holds is checked by the offset of the next, and by the text beside it.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from .model import Connection, NotFrames, Side, Unwrapped
from .packets import is_ip, segment
from .tcp import Assembler

NAME = "dump"
_ROW = re.compile(
    rb"(?P<indent>[ \t]*)(?P<hex>0[xX])?(?P<offset>[0-9A-Fa-f]{4,16})(?P<colon>:?)"
    rb"(?:[ \t]+(?P<rest>\S.*))?[ \t\r]*$"
)
_TOKEN = re.compile(rb"[0-9A-Fa-f]+(?![^\s|>])")
_SCORED = 400  # lines that tell
_WIDTH = 16  # bytes in a row, unless the offsets say otherwise
_LARGEST = 256 << 20  # bytes that a dump may stand for
_LONGEST = 32 << 20  # bytes of a dump
_FILLED = re.compile(rb"[ \t]+([0-9A-Fa-f]{2,})(?=[ \t])")
_GAP = re.compile(rb"[ \t]*")
# A dump does not say what its packets begin with.
_LINKS = (101, 1, 113, 276, 0)


@dataclass
class _Row:
    """A row; ``rest`` is the bytes and the text beside them."""

    number: int
    indented: bool
    offset: bytes
    colon: bool
    prefixed: bool
    rest: bytes


@dataclass
class _Block:
    """Rows that follow each other."""

    rows: list[_Row] = field(default_factory=list)
    repeated: set[int] = field(default_factory=set)  # rows that stand for many: *


def score(data: bytes) -> int:
    """Return how much it looks like such a dump, up to 100."""
    lines = [line for line in data[:65536].split(b"\n", _SCORED)[:_SCORED] if line.strip()]
    if not lines:
        return 0
    rows = [found for line in lines if (found := _ROW.match(line))]
    if not rows or int(rows[0]["offset"], 16) != 0 or not rows[0]["rest"]:
        return 0
    if not _TOKEN.match(rows[0]["rest"]):
        return 0
    share = len(rows) / len(lines)
    if share < 0.5 and not any(row["hex"] for row in rows):
        return 0
    # Without a colon or text beside it, a row is like a line of hexadecimal.
    plain = not rows[0]["colon"] and not re.search(rb"[^0-9A-Fa-f\s]", rows[0]["rest"])
    if plain and len(rows) == 1:
        return 0
    return 85 if plain else 90


def read(data: bytes) -> Unwrapped | list[Connection]:
    """Return the bytes of a dump, the packets of one of packets, or the sides of a stream."""
    if len(data) > _LONGEST:
        raise NotFrames(
            f"a dump of more than {_LONGEST >> 20} MiB: convert it back to bytes first, with xxd -r"
        )
    blocks = {False: list(_blocks(data, False)), True: list(_blocks(data, True))}
    if blocks[False] and blocks[True]:  # the second side of a stream is indented
        sides = [b"".join(map(_contents, blocks[side])) for side in (False, True)]
        return [Connection((Side([(0, sides[0])]), Side([(0, sides[1])])))]
    dumped = [_contents(block) for block in blocks[False] or blocks[True]]
    packets = _packets(dumped)
    if packets:
        return packets
    if len(dumped) > 1:
        raise NotFrames(
            f"this contains {len(dumped)} dumps that are not TCP packets; pass just one of them"
        )
    return Unwrapped(dumped[0] if dumped else b"")


def _blocks(data: bytes, indented: bool) -> Iterator[_Block]:
    """Yield the blocks of one indentation; a block begins at the offset 0."""
    block = _Block()
    for number, line in enumerate(data.split(b"\n"), 1):
        if line.strip() == b"*":
            block.repeated.add(len(block.rows) - 1)
            continue
        found = _ROW.match(line)
        if not found or bool(found["indent"]) is not indented:
            continue
        if not int(found["offset"], 16) and block.rows:
            yield block
            block = _Block()
        block.rows.append(
            _Row(
                number,
                indented,
                found["offset"],
                bool(found["colon"]),
                bool(found["hex"]),
                found["rest"] or b"",
            )
        )
    if block.rows:
        yield block


def _contents(block: _Block) -> bytes:
    """Return the bytes of a block."""
    first = block.rows[0]
    # Words, but those of xxd and tcpdump, are numbers of a little-endian machine.
    orders = (False, True) if first.colon or first.prefixed else (True, False)
    best: tuple[int, bytes] | None = None
    faults: list[str] = []
    for swap in orders:
        for base in (16, 8, 10):
            found = _try(block, base, swap)
            if isinstance(found, str):
                faults.append(found)
            elif best is None or found[0] < best[0]:
                best = found
            if best and not best[0]:
                return best[1]
    if best is None:
        raise NotFrames(f"this dump can't be read: {faults[0]}; use xxd, or od -A x -t x1")
    return best[1]


def _try(block: _Block, base: int, swap: bool) -> tuple[int, bytes] | str:
    """Return the bytes, or what is wrong, with offsets of a base and words swapped or not.

    With the bytes comes how many zeros the last word was filled up with.
    """
    try:
        offsets = [int(row.offset, base) for row in block.rows]
    except ValueError:
        return "the offsets are neither decimal, hexadecimal nor octal"
    steps = [after - before for before, after in itertools.pairwise(offsets)]
    single = [n for i, n in enumerate(steps) if i not in block.repeated]
    width = max(single, default=_WIDTH)
    out = bytearray()
    filled = 0
    for index, row in enumerate(block.rows):
        step = steps[index] if index < len(steps) else None
        if not row.rest:
            if step is not None:
                return f"line {row.number} has no bytes"
            break  # od and hexdump write the length last
        expected = width if step is None or index in block.repeated else step
        piece = _bytes(row, expected, swap)
        extra = 0 if piece is None or step is None else len(piece) - step
        if index in block.repeated:
            extra = 0
        if piece is None or extra < 0 or any(piece[len(piece) - extra :]):
            return f"line {row.number} has fewer bytes than the next offset says"
        if index in block.repeated:
            if step is None or not piece or step % len(piece):
                return f"line {row.number} is repeated, but no offset says how often"
            if len(out) + step > _LARGEST:
                return f"it contains more than {_LARGEST >> 20} MiB"
            piece *= step // len(piece)
        elif extra:
            if index < len(block.rows) - 2 or extra > 7:
                return f"line {row.number} has more bytes than the next offset says"
            filled, piece = extra, piece[:-extra]
        out += piece
    return filled, bytes(out)


def _bytes(row: _Row, expected: int, swap: bool) -> bytes | None:
    """Return the bytes of a row: ``expected`` of them, up to the end of a word, or fewer."""
    if expected <= 0:
        return None
    tokens, end = _tokens(row, expected)
    if not tokens:
        return None
    if _octal(tokens[0], row) and all(set(token) <= set(b"01234567") for token in tokens):
        return b"".join(int(token, 8).to_bytes(3, "little")[:2] for token in tokens)
    found = _agreeing(tokens, row, end, swap)
    last = _FILLED.match(row.rest, end)
    if found is None and last and len(last[1]) < len(tokens[0]):
        # xxd -e puts what there is of the last word to the right.
        found = _agreeing([*tokens, last[1]], row, last.end(), swap)
    return found


def _agreeing(tokens: list[bytes], row: _Row, end: int, swap: bool) -> bytes | None:
    """Return the bytes in some groups of digits, if the text beside them shows the same."""
    if any(len(token) % 2 for token in tokens):
        return None
    groups = [bytes.fromhex(token.decode()) for token in tokens]
    data = b"".join(group[::-1] for group in groups) if swap else b"".join(groups)
    text = row.rest[end:]
    return data if not text.strip() or _agrees(data, text) else None


def _agrees(data: bytes, beside: bytes) -> bool:
    """Tell whether the text beside some bytes shows just them: a dot for what is not ASCII."""
    shown = bytes(byte if 0x20 <= byte < 0x7F else 0x2E for byte in data)
    beside = beside.rstrip()  # editors take the blanks off the ends of lines, too
    frame = beside.lstrip()
    if frame[:1] + frame[-1:] in (b"||", b"><"):
        return frame[1:-1] == shown
    halves = shown[:8] + b" " + shown[8:]  # as Wireshark has them
    for text in (shown.rstrip(), halves.rstrip(), shown.replace(b" ", b".")):  # so tcpdump
        before = len(beside) - len(text)
        if before >= 0 and beside.endswith(text) and not beside[:before].strip():
            return True
    return not beside.isascii() and _agrees_in_latin_1(data, beside)


def _agrees_in_latin_1(data: bytes, beside: bytes) -> bool:
    """Tell the same of what PowerShell's Format-Hex shows: any character for what is not ASCII."""
    shown = beside.decode("utf-8", "replace").lstrip("\t")
    shown = shown[max(len(shown) - len(data), 0) :].ljust(len(data))
    return all(
        char == chr(byte) if 0x20 <= byte < 0x7F else char == "." or not char.isascii()
        for char, byte in zip(shown, data, strict=True)
    )


def _tokens(row: _Row, expected: int) -> tuple[list[bytes], int]:
    """Return the groups of digits of a row, and where they end."""
    tokens: list[bytes] = []
    at = size = 0
    found = _TOKEN.match(row.rest)
    while found and size < expected:
        token = found[0]
        if tokens and len(token) > len(tokens[0]):
            break
        tokens.append(token)
        size += 2 if _octal(token, row) else (len(token) + 1) // 2
        at = found.end()
        gap = _GAP.match(row.rest, at)
        width = gap.end() - at if gap else 0
        # In the middle of a row there may be two blanks; more stand before the text.
        if not width or width > 2 or (width == 2 and (row.colon or size % 8)):
            break
        found = _TOKEN.match(row.rest, at + width)
    return tokens, at


def _octal(token: bytes, row: _Row) -> bool:
    return len(token) == 6 and not row.colon


def _packets(dumped: list[bytes]) -> list[Connection]:
    """Return the connections, if what was dumped is packets."""
    assembler = Assembler()
    for packet in dumped:
        for link in _LINKS:
            if is_ip(link, packet):
                assembler.add(segment(link, packet))
                break
    return assembler.connections()
