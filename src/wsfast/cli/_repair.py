"""Show a text as it was likely meant, by what a diagnosis says of it.

Invariant: nothing is shown that the diagnosis doesn't name; no guess is made here.
"""

from __future__ import annotations

from ..diagnosis import Diagnosis, Origin

_BY_DETAIL = (Origin.LEGACY_CHARSET, Origin.UTF16, Origin.UTF32)
_SURROGATES = (Origin.CESU8, Origin.MODIFIED_UTF8)
_ROOM = 60  # characters shown around the fault, at most
_BEFORE = 24  # of them before it


def repaired_line(part: bytes, at: int, diagnosis: Diagnosis) -> str | None:
    """Return the line with the fault, decoded as it was meant; None if that isn't known.

    Args:
        part: bytes around the fault.
        at: the place of the fault in them.
        diagnosis: what is wrong with them.
    """
    before, after = _decoded(part[:at], diagnosis), _decoded(part, diagnosis)
    if before is None or after is None or not after.startswith(before):
        before = ""
    if after is None:
        return None
    first = max(before.rfind("\n") + 1, len(before) - _BEFORE, 0)
    return after[first:].partition("\n")[0].rstrip("\r")[:_ROOM]


def _decoded(data: bytes, diagnosis: Diagnosis) -> str | None:
    """Return the text that the bytes were meant to be."""
    if diagnosis.origin in _BY_DETAIL:
        try:
            return data.decode(diagnosis.detail, "replace")
        except LookupError:  # a charset that Python has no codec of
            return None
    if diagnosis.origin in _SURROGATES:
        text = data.replace(b"\xc0\x80", b"\0").decode("utf-8", "surrogatepass")
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if diagnosis.origin is Origin.DOUBLE_ENCODED:
        return _once(data)
    return None


def _once(data: bytes) -> str | None:
    """Undo the second encoding."""
    text = data.decode("utf-8", "ignore")
    for charset in ("cp1252", "latin-1"):
        try:
            return text.encode(charset).decode("utf-8", "replace")
        except UnicodeEncodeError:
            continue
    return None
