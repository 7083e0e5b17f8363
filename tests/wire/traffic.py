"""Random messages in every script, and random cuts.

Invariant: the same seed gives the same messages and the same cuts.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from random import Random
from typing import TypeAlias

Message: TypeAlias = str | bytes

SCRIPTS = {
    "controls": range(0x20),
    "ascii": range(0x20, 0x7F),
    "latin": range(0xA0, 0x250),
    "greek and cyrillic": range(0x370, 0x530),
    "hebrew and arabic": range(0x590, 0x700),
    "devanagari": range(0x900, 0x980),
    "thai": range(0xE01, 0xE5C),
    "kana and han": range(0x3041, 0x9FFF),
    "hangul": range(0xAC00, 0xD7A4),
    "last of the plane": range(0xE000, 0x10000),
    "emoji": range(0x1F300, 0x1F700),
    "all planes": range(0x10000, 0x110000),
}
# How often a length comes: empty, with a header of two bytes, of four, of ten.
LENGTHS = {
    (0, 1): 4,
    (1, 20): 80,
    (20, 126): 30,
    (120, 132): 10,
    (126, 2000): 20,
    (65_000, 66_000): 1,
    (100_000, 150_000): 0.3,
}


def messages(rng: Random, count: int) -> Iterator[Message]:
    """Yield random texts and bytes."""
    for _ in range(count):
        length = rng.randrange(*rng.choices(list(LENGTHS), list(LENGTHS.values()))[0])
        match rng.randrange(5):
            case 0:
                yield rng.randbytes(length)
            case 1:
                yield json.dumps({"id": length, "naïve": text(rng, length)}, ensure_ascii=False)
            case _:
                yield text(rng, length)


def text(rng: Random, length: int) -> str:
    """Return a text of a script or of two."""
    scripts = rng.choices(list(SCRIPTS.values()), k=rng.choice((1, 1, 2)))
    codes = [code for script in scripts for code in rng.choices(script, k=min(length, 200))]
    rng.shuffle(codes)
    some = "".join(map(chr, codes))
    return (some * (length // max(len(some), 1) + 1))[:length]


def cut(rng: Random, data: bytes, pieces: int) -> list[bytes]:
    """Cut at random places, inside of characters too; pieces may be empty."""
    places = sorted(rng.choices(range(len(data) + 1), k=pieces - 1))
    starts = [0, *places]
    return [data[a:b] for a, b in zip(starts, [*places, len(data)], strict=True)]


def fragments(rng: Random, data: bytes) -> list[bytes]:
    """Cut a message: most often not at all, sometimes into single bytes."""
    kind = rng.randrange(10)
    if kind == 0 and 0 < len(data) < 50:
        return [data[i : i + 1] for i in range(len(data))]
    return cut(rng, data, rng.randrange(2, 6)) if kind < 4 else [data]
