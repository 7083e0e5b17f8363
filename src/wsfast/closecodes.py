"""The close codes of WebSocket: what each means, and what to do about it.

RFC 6455 section 7.4 and the IANA registry "WebSocket Close Code Number".

Invariant: everything said here comes from the one table in ``_closecode_table``: what a
code means, whether it may go on the wire, whether to reconnect after it.  Imports nothing
of ours but that table and the base class of records.
"""

from __future__ import annotations

from enum import IntEnum

from ._closecode_table import RANGES, TABLE, CloseCodeInfo
from ._record import Record


class CloseCode(IntEnum):
    """Why a connection was closed, as IANA registered it (RFC 6455 section 7.4)."""

    NORMAL_CLOSURE = 1000
    GOING_AWAY = 1001
    PROTOCOL_ERROR = 1002
    UNSUPPORTED_DATA = 1003
    RESERVED = 1004
    NO_STATUS_RCVD = 1005
    ABNORMAL_CLOSURE = 1006
    INVALID_PAYLOAD_DATA = 1007
    POLICY_VIOLATION = 1008
    MESSAGE_TOO_BIG = 1009
    MANDATORY_EXTENSION = 1010
    INTERNAL_ERROR = 1011
    SERVICE_RESTART = 1012
    TRY_AGAIN_LATER = 1013
    BAD_GATEWAY = 1014
    TLS_HANDSHAKE = 1015


__all__ = [
    "CloseCode",
    "CloseCodeInfo",
    "Comparison",
    "close_code",
    "compare",
    "explain",
    "may_be_sent",
    "should_reconnect",
]


class Comparison(Record):
    """Two close codes side by side.

    Attributes:
        first, second: the two codes, each a ``CloseCodeInfo``.
        differences: the main differences, each an ``(aspect, of first, of second)``.
    """

    __slots__ = __match_args__ = ("first", "second", "differences")

    first: CloseCodeInfo
    second: CloseCodeInfo
    differences: tuple[tuple[str, str, str], ...]

    def __init__(
        self,
        first: CloseCodeInfo,
        second: CloseCodeInfo,
        differences: tuple[tuple[str, str, str], ...],
    ) -> None:
        object.__setattr__(self, "first", first)
        object.__setattr__(self, "second", second)
        object.__setattr__(self, "differences", differences)


def explain(code: int) -> CloseCodeInfo:
    """Return what a close code means, when you see it and what to do.

    Args:
        code: 0 to 65535, all that the two bytes of a close frame can say.

    Returns:
        The entry of the code; for an unregistered code, that of its range.

    Raises:
        TypeError: ``code`` is not an integer.
        ValueError: it is not from 0 to 65535.

    RFC 6455 section 7.4.

    >>> explain(1007).name
    'Invalid frame payload data'
    """
    if not isinstance(code, int):
        raise TypeError(f"code must be an integer, not {type(code).__name__}")
    if not 0 <= code <= 0xFFFF:
        raise ValueError(f"code must be from 0 to 65535, not {int(code)}")
    found = TABLE.get(code)
    if found is not None:
        return found
    (entry,) = (entry for entry in RANGES if entry.first <= code <= entry.last)
    return CloseCodeInfo(int(code), *entry._values()[1:])


def should_reconnect(code: int) -> bool:
    """Tell whether to connect again after a close with this code.

    Yes after 1001, 1006, 1011 to 1014 and 3008; after 1011 and 1013 make a long pause, as
    ``explain(code)`` says.  No after the others: the close was intended, or another attempt
    would fail the same way.  No after unregistered codes from 3000 on too, because only your
    application knows what they mean.

    Args:
        code: 0 to 65535; use 1006 if there was no close frame, 1005 if it had no code.

    Raises:
        TypeError, ValueError: ``code`` is not a close code; see ``explain``.

    RFC 6455 section 7.4.

    >>> should_reconnect(1001), should_reconnect(1007)
    (True, False)
    """
    return explain(code).reconnect != "no"


def compare(first: int, second: int) -> Comparison:
    """Return what two close codes mean and how they differ.

    Args:
        first, second: 0 to 65535.

    Raises:
        TypeError: one of them is not an integer.
        ValueError: one of them is not from 0 to 65535.

    RFC 6455 section 7.4.

    >>> [aspect for aspect, _, _ in compare(1001, 1007).differences]
    ['about', 'caused by', 'reconnect']
    """
    a, b = explain(first), explain(second)
    aspects = (
        ("about", a.about, b.about),
        ("caused by", a.fault, b.fault),
        ("sent by", _SENDERS[a.sender], _SENDERS[b.sender]),
        ("reconnect", a.reconnecting, b.reconnecting),
    )
    return Comparison(a, b, tuple(row for row in aspects if row[1] != row[2]))


def close_code(code: int) -> int:
    """Return the ``CloseCode`` member of a registered code, any other as it is."""
    return _MEMBERS.get(code, code)


def may_be_sent(code: int) -> bool:
    """Tell whether a close frame may carry the code (RFC 6455 section 7.4).

    It may carry registered codes, except those for local use only, and 3000 to 4999, which
    libraries, frameworks and applications define.
    """
    return code in _SENDABLE or True in [code in codes for codes in _SENDABLE_RANGES]


_SENDERS = {
    "both": "client or server",
    "client": "the client only",
    "server": "the server only",
    "never": "nobody: no close frame may carry it",
}
_MEMBERS = {int(code): code for code in CloseCode}
_SENDABLE = frozenset(code for code, info in TABLE.items() if info.on_the_wire)
_SENDABLE_RANGES = [range(info.first, info.last + 1) for info in RANGES if info.on_the_wire]
