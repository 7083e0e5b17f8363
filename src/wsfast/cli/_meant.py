"""Which commands were probably meant by a word that is not a command."""

from __future__ import annotations

import os
from collections.abc import Collection
from difflib import get_close_matches

# What people type, and the commands that do it.
WORDS = {
    "accelerate": "run doctor",
    "analyse": "frames check",
    "analyze": "frames check",
    "backend": "doctor",
    "benchmark": "bench",
    "close": "explain",
    "code": "explain",
    "codes": "explain",
    "decode": "check frames",
    "diagnose": "check explain",
    "diagnosis": "check explain",
    "dump": "frames",
    "error": "explain",
    "exec": "run",
    "info": "doctor",
    "inspect": "frames",
    "lint": "check",
    "log": "explain",
    "parse": "frames",
    "repair": "check",
    "status": "doctor",
    "test": "check",
    "utf8": "check",
    "valid": "check",
    "validate": "check",
    "verify": "check",
    "why": "explain",
}


def meant(word: str, commands: Collection[str]) -> list[str]:
    """Return the commands that a word probably stands for, the likeliest first."""
    lower = word.lower()
    if lower in commands:
        return [lower]
    if lower in WORDS:
        return WORDS[lower].split()
    if word.isdecimal():  # a close code
        return ["explain"]
    if os.path.isfile(word):
        return ["check", "frames"]
    return get_close_matches(lower, sorted(commands))
