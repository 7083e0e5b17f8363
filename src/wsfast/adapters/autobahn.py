"""autobahn: the masker and the UTF-8 validator that ``websocket.protocol`` has bound.

Invariant: ``bytes`` come out of the masker, as they did; a text that was refused stays
refused, which that of its NVX does not.
"""

from __future__ import annotations

from typing import Any

from ._seams import Peer, Seam
from .wsaccel import Utf8Validator, createXorMasker


def _masker(_: Any) -> Any:
    return createXorMasker


PEER = Peer(
    "autobahn",
    ("23", "27"),
    [
        Seam("autobahn.websocket.protocol", "create_xor_masker", _masker, "masks in C"),
        Seam(
            "autobahn.websocket.protocol",
            "Utf8Validator",
            lambda _: Utf8Validator,
            "validates in C",
        ),
    ],
)
