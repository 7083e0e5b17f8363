"""Whose code a name of aiohttp holds.

Invariant: code of aiohttp is passed by only while every name that it would have used holds
what aiohttp, or this package, put there.
"""

from __future__ import annotations

from types import FunctionType
from typing import Any

TEXT, BINARY, INVALID_TEXT = 1, 2, 1007

_PACKAGE = __name__.rpartition(".")[0]


def is_own(found: Any) -> bool:
    """Return whether a class or function is aiohttp's or ours, not another program's wrapper."""
    if isinstance(found, type):
        name = found.__module__
    elif type(found) is FunctionType:
        name = found.__globals__.get("__name__", "")
    else:
        return False
    return name.startswith((f"{_PACKAGE}.", "aiohttp."))


def own(kind: Any, *names: str) -> list[Any]:
    """Return the attributes of a class, to compare with ``is``.

    One that is neither aiohttp's nor ours is replaced by a new object, identical to nothing.
    """
    held = [getattr(kind, name, None) for name in names]
    return [found if found is None or is_own(found) else object() for found in held]
