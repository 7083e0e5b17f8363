"""The texts that are measured, of an exact number of bytes, and the sizes."""

from __future__ import annotations

import functools
from random import Random

from wsfast.cli._contenders import KEY, SCRIPTS
from wsfast.cli._contenders import text_of as sample

__all__ = ["ALL_SIZES", "ALPHABETS", "KEY", "SIZES", "prose", "sample", "size_name"]

ALPHABETS = SCRIPTS
SIZES = (16, 125, 1024, 16_384, 65_536, 1_048_576)
ALL_SIZES = (0, 1, 7, 16, 64, 125, 126, 1024, 16_384, 65_536, 1_048_576, 16_777_216)


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
