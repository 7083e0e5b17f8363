"""What is measured: texts of an exact number of octets, and the sizes.

Invariant: a sample is well-formed UTF-8 of exactly the octets asked for.  A short one may
be all ASCII where its alphabet begins so: the first 16 octets of ``json`` are.
"""

from __future__ import annotations

import functools
from random import Random

ALPHABETS = {
    "ascii": "The quick brown fox jumps over the lazy dog. ",
    "latin": "Zwölf große Boxkämpfer, très élégants, à Orléans. ",
    "cyrillic": "Съешь ещё этих мягких французских булок. ",
    "cjk": "吾輩は猫である。名前はまだ無い。",
    "emoji": "🙂🚀🌍🌕🎉🦊",
    "json": '{"id": 4711, "name": "Zoë", "city": "Köln", "text": "日本語 🙂", "ok": true}, ',
}

SIZES = (16, 125, 1024, 16_384, 65_536, 1_048_576)
ALL_SIZES = (0, 1, 7, 16, 64, 125, 126, 1024, 16_384, 65_536, 1_048_576, 16_777_216)
KEY = b"\x37\xfa\x21\x3d"


def sample(alphabet: str, size: int) -> bytes:
    """Return text of exactly ``size`` octets: whole characters, then ASCII to fill up."""
    text = ALPHABETS[alphabet]
    octets = (text * (size // len(text.encode()) + 1)).encode()[:size]
    whole = octets.decode("utf-8", "ignore").encode()
    return whole + b"." * (size - len(whole))


def size_name(size: int, space: str = "") -> str:
    """Return a size as ids and tables show it."""
    if size >= 2**20 and size % 2**20 == 0:
        return f"{size // 2**20}{space}MiB"
    return f"{size // 1024}{space}KiB" if size >= 1024 and size % 1024 == 0 else str(size)


@functools.cache
def prose(size: int) -> str:
    """Return ASCII text of that many characters that compresses as text does: to about a third."""
    words, random = ALPHABETS["ascii"].split(), Random(size)
    made = [
        f"{random.choice(words)}{random.randrange(1000)}" for _ in range(min(size, 8192) // 4 + 1)
    ]
    text = " ".join(made)
    return (text * (size // len(text) + 1))[:size]
