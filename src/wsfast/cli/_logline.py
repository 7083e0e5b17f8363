"""Read a line of a log: which program wrote it, with which close code, and what its offset means.

Invariant: reads, and judges nothing: what a code means is in the table of close codes.  Takes
time linear in the line, of which no more than ``LONGEST`` characters are looked at.
"""

from __future__ import annotations

import ast
import re
from typing import NamedTuple

from .. import InvalidUTF8, validate_utf8
from ..closecodes import CloseCode, explain
from ._wordings import GENERAL, OFFSETS, WORDINGS, Counted, Wording

LONGEST = 16_384  # characters of a line; the payload that some libraries write may be long

_WAYS = {"sent": "sent", ">": "sent", "received": "received", "<": "received"}
_PAYLOAD = re.compile(r"cannot decode: (b'(?:[^'\\]|\\.){0,16000}'|b\"(?:[^\"\\]|\\.){0,16000}\")")
_COLOURS = re.compile(r"\x1b\[[0-9;]{0,20}m")

# What other tables of close codes call them, beside IANA's names: .NET, Jakarta, Spring.
_OTHER_NAMES = {
    "endpointunavailable": 1001,
    "invalidmessagetype": 1003,
    "cannotaccept": 1003,
    "notacceptable": 1003,
    "empty": 1005,
    "noclosecode": 1005,
    "nostatuscode": 1005,
    "closedabnormally": 1006,
    "noclose": 1006,
    "invalidpayload": 1007,
    "invalidframepayload": 1007,
    "notconsistent": 1007,
    "baddata": 1007,
    "badpayload": 1007,
    "unsupportedpayload": 1007,
    "violatedpolicy": 1008,
    "toobig": 1009,
    "toobigtoprocess": 1009,
    "noextension": 1010,
    "requiredextension": 1010,
    "internalservererror": 1011,
    "servererror": 1011,
    "unexpectedcondition": 1011,
    "serviceoverload": 1013,
    "tlshandshakefailure": 1015,
}
_NAMESPACES = re.compile(r"(?i)^(?:\w{1,40}[.:]+)*")


class Reading(NamedTuple):
    """What a line says."""

    program: str  # "" if no program is known by this wording
    code: int | None
    inferred: bool  # the code is what the words mean; the line does not name it
    way: str  # "sent", "received", or "" where the line does not say
    offset: int | None
    counted: Counted | None
    note: str


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _names() -> dict[str, int]:
    names = dict(_OTHER_NAMES)
    for code in CloseCode:
        names[_plain(code.name)] = int(code)
        names[_plain(explain(code).name)] = int(code)
    for value in (3000, 3003, 3008):
        names[_plain(explain(value).name)] = value
    return names


_NAMES = _names()


def named_code(text: str) -> int | None:
    """Return the close code of this number or name, such as ``1001`` or ``CloseGoingAway``."""
    text = text.strip()
    if text.isascii() and text.isdigit():
        return int(text) if len(text) <= 5 and int(text) <= 65535 else None
    name = _plain(_NAMESPACES.sub("", text[:200]))
    for candidate in (name, name.removeprefix("close"), name.removeprefix("closestatus")):
        if candidate in _NAMES:
            return _NAMES[candidate]
    return None


def read(line: str) -> Reading | None:
    """Return what a line of a log says of a close; ``None`` if it says nothing of one."""
    line = _COLOURS.sub("", line[:LONGEST]).strip()
    for wording in WORDINGS:
        found = wording.pattern.search(line)
        if found is not None:
            return _reading(line, wording, found)
    code = _general(line)
    offset, counted = _offset(line, None)
    if offset is not None:
        return Reading(_counting(line), code or 1007, code is None, "", offset, counted, "")
    return None if code is None else Reading("", code, False, "", None, None, "")


def _reading(line: str, wording: Wording, found: re.Match[str]) -> Reading:
    groups = found.groupdict()
    written = groups.get("code")
    code = wording.code if written is None else int(written)
    inferred = code is not None and str(code) not in line
    offset, counted = _offset(line, wording.counted)
    # A note on what an offset means, or one on the close: the first only with an offset.
    note = wording.note if offset is not None or "recv_streaming" not in wording.note else ""
    way = _WAYS.get(groups.get("way") or "", "")
    return Reading(wording.program, code, inferred, way, offset, counted, note)


def _offset(line: str, counted: Counted | None) -> tuple[int | None, Counted | None]:
    for wording in OFFSETS:
        found = wording.pattern.search(line)
        if found is not None:
            by_codec = wording.counted is Counted.DECODED
            return int(found[1]), counted if by_codec and counted else wording.counted
    payload = _PAYLOAD.search(line)
    if payload is None:
        return None, None
    try:
        validate_utf8(ast.literal_eval(payload[1]))
    except InvalidUTF8 as violation:
        return violation.offset, Counted.SEQUENCE
    except (ValueError, SyntaxError):
        pass
    return None, None


def _counting(line: str) -> str:
    return "wsfast" if "invalid UTF-8 at" in line else ""


def _general(line: str) -> int | None:
    for pattern in GENERAL:
        for found in pattern.finditer(line):
            code = int(found["code"])
            if 1000 <= code <= 1015 or 3000 <= code <= 4999:
                return code
    return None
