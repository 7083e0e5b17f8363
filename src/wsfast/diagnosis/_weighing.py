"""Weigh hypotheses about invalid bytes against each other: charsets, a cut, damage, noise.

Each hypothesis says how likely the bytes are if it is true.  The confidence is its share of
the sum, so evidence for one hypothesis counts against the others.

Invariant: at most ``WINDOW`` bytes are looked at, and each charset decodes them once.
"""

from __future__ import annotations

import re
from math import exp
from typing import NamedTuple

from ..errors import Cause
from ._finding import Candidate, Finding, Origin, Sample
from ._likelihood import IMPOSSIBLE, LANGUAGES, likelihood

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ._finding import _Confidence

WINDOW = 512  # bytes around the invalid ones that are weighed
_WEST = (
    *("German", "French", "Spanish", "Portuguese", "Italian"),
    *("Swedish", "Danish", "Finnish", "Icelandic"),
)
_EAST = ("Polish", "Czech", "Slovak", "Hungarian", "Croatian", "Romanian")
_CYRILLIC = ("Russian", "Ukrainian")
# Each charset, how rare it is (a logarithm), and the languages that are written in it.
CHARSETS: tuple[tuple[str, float, tuple[str, ...]], ...] = (
    ("cp1252", 0.0, _WEST),
    ("cp1250", -1.0, _EAST),
    ("cp1251", -0.5, _CYRILLIC),
    ("gb18030", -0.5, ("Chinese",)),
    ("shift_jis", -0.5, ("Japanese",)),
    ("euc_kr", -0.5, ("Korean",)),
    ("cp1254", -1.0, ("Turkish",)),
    ("cp1253", -1.0, ("Greek",)),
    ("cp1255", -1.0, ("Hebrew",)),
    ("cp1256", -1.0, ("Arabic",)),
    ("cp874", -1.0, ("Thai",)),
    ("koi8-r", -1.0, ("Russian",)),
    ("euc_jp", -1.0, ("Japanese",)),
    ("big5", -1.0, ("Chinese",)),
    ("latin-1", -0.5, _WEST),
    ("iso8859-15", -2.0, _WEST),
    ("iso8859-2", -1.5, _EAST),
    ("iso8859-5", -1.5, _CYRILLIC),
    ("iso8859-7", -1.5, ("Greek",)),
    ("iso8859-6", -1.5, ("Arabic",)),
    ("cp866", -1.5, ("Russian",)),
    ("koi8-u", -1.5, ("Ukrainian",)),
    ("cp437", -1.5, _WEST),
    ("cp850", -1.5, _WEST),
    ("cp852", -2.0, _EAST),
    ("mac_roman", -1.5, _WEST),
    ("utf-16-le", -2.0, LANGUAGES),
    ("utf-16-be", -2.5, LANGUAGES),
)
_CUT = -1.0
_DAMAGE = -3.0
_NOISE = -5.0
_OF_A_CUT = -4.2  # each byte of an incomplete character: one of 64 values
_OF_DAMAGE = -7.0  # each damaged byte: its value, and that this byte was damaged
_OF_DAMAGED = -3.0  # each further byte of a damaged character
_OF_NOISE = -5.55  # each byte of noise: one of 256 values
_WHOLE = 4.0  # each whole sequence of UTF-8: other charsets hardly make one by chance
_BLUNT = 2.0  # the letters of a word depend on each other, so a plain sum is overconfident
_HIGH, _MEDIUM, _LOW = 0.985, 0.80, 0.5
_LISTED = 0.01  # a candidate below this share is not worth naming
_MOST = 5


class _Hypothesis(NamedTuple):
    """What the bytes may be: how likely the text is, and how likely its form (logarithms)."""

    origin: Origin
    detail: str
    language: str
    text: str
    score: float  # after _merge, its share
    form: float


def weigh(sample: Sample) -> Finding:
    """Find the likeliest of a charset, a cut and damage."""
    data, at_start, at_end = _around(sample)
    found = [*_charsets(data, at_start, at_end), *_broken(data)]
    piece = _cut(sample, data, at_start, at_end)
    if piece is not None:
        found.append(piece)
    beyond = [byte for byte in data if byte > 0x7F]
    merged = _merge(found, len(beyond))
    best = merged[0]
    share = best.score
    if best.origin is Origin.UNKNOWN or share < _LOW:
        return _finding(Origin.UNKNOWN, "low", merged)
    confidence: _Confidence = "high" if share >= _HIGH else "medium" if share >= _MEDIUM else "low"
    if confidence == "high" and len(set(beyond)) < 2:
        confidence = "medium"  # a repeated letter is no more evidence than one
    return _finding(best.origin, confidence, merged)


def _finding(origin: Origin, confidence: _Confidence, merged: list[_Hypothesis]) -> Finding:
    listed = [one for one in merged if one.score >= _LISTED or one is merged[0]][:_MOST]
    candidates = tuple(
        Candidate(one.origin, one.detail, one.language, one.text, round(one.score, 3))
        for one in listed
    )
    best = listed[0]
    if origin is Origin.UNKNOWN:
        reason = "no single origin is likely enough"
    elif origin is Origin.CUT:
        reason = "it begins or ends inside a character, and is UTF-8 otherwise"
    else:
        reason = f"decoded as {best.detail} it is plausible {best.language}"
    named = listed if origin is Origin.UNKNOWN else listed[1:]
    others = [f"{one.detail} ({one.language})" for one in named if one.detail][:3]
    if confidence != "high" and others:
        also = "" if origin is Origin.UNKNOWN else " also"
        reason += f"; it may{also} be {', '.join(others)}"
    return Finding(origin, confidence, reason, best.detail * (origin is best.origin), candidates)


def _around(sample: Sample) -> tuple[bytes, bool, bool]:
    """Return the bytes around the fault, and whether they begin and end the payload."""
    data = sample.data
    at = sample.fault
    first = max(0, at - WINDOW // 2)
    if first:
        # A byte below 0x30 is a character of its own in every charset that is tried.
        boundary = re.compile(rb"[ -/]").search(data, first, at)
        first = boundary.end() if boundary else first
    part = data[first : first + WINDOW]
    to_end = sample.to_end and first + WINDOW >= len(data)
    return part, sample.from_start and first == 0, to_end


def _charsets(data: bytes, from_start: bool, to_end: bool) -> list[_Hypothesis]:
    found = []
    for charset, rare, languages in CHARSETS:
        wide = charset.startswith("utf-16")
        text = None if wide and not from_start else _decode(data, charset, to_end)
        if text is None:
            continue
        origin = Origin.UTF16 if wide else Origin.LEGACY_CHARSET
        language, score = likelihood(text, languages)
        if score > IMPOSSIBLE / 2:
            found.append(_Hypothesis(origin, charset, language, text, score, rare))
    return found


def _decode(data: bytes, charset: str, to_end: bool) -> str | None:
    try:
        return data.decode(charset)
    except UnicodeDecodeError as error:
        if not to_end and error.start >= len(data) - 4:
            return data[: error.start].decode(charset)
        return None


def _broken(data: bytes) -> list[_Hypothesis]:
    """Return how likely this is damaged UTF-8, and how likely it is noise."""
    text = data.decode("utf-8", "replace")
    whole = text.replace("\ufffd", "")
    hit = text.count("\ufffd")
    form = _DAMAGE + _OF_DAMAGE * hit + _WHOLE * _beyond(whole)
    form += _OF_DAMAGED * (len(data) - len(whole.encode()) - hit)
    language, score = likelihood(whole, LANGUAGES)
    noise = _OF_NOISE * len(data)
    found = [_Hypothesis(Origin.UNKNOWN, "", "", "", noise, _NOISE)]
    if score > IMPOSSIBLE / 2:
        found.append(_Hypothesis(Origin.UNKNOWN, "", language, "", score, form))
    return found


def _cut(sample: Sample, data: bytes, at_start: bool, at_end: bool) -> _Hypothesis | None:
    """Return how likely this is a piece of a text: all of it except its ends is UTF-8."""
    rest, lost = data, 0
    head = re.match(rb"[\x80-\xbf]{1,3}(?![\x80-\xbf])", data)
    if head and at_start:
        rest, lost = rest[head.end() :], head.end()
    elif sample.violation is None or sample.violation.cause is not Cause.TRUNCATED or not at_end:
        return None
    try:
        text = rest.decode()
    except UnicodeDecodeError as error:
        if error.reason != "unexpected end of data":
            return None
        text = rest[: error.start].decode()
        lost += len(rest) - error.start
    form = _CUT + _OF_A_CUT * lost + _WHOLE * _beyond(text)
    form -= 5.0 * (head is not None and head.end() == 3)  # rarely so long
    language, score = likelihood(text, LANGUAGES)
    if not text or score < IMPOSSIBLE / 2:
        return None
    return _Hypothesis(Origin.CUT, "", language, text, score, form)


def _beyond(text: str) -> int:
    return sum(1 for character in text if character > "\x7f")


def _merge(found: list[_Hypothesis], beyond: int) -> list[_Hypothesis]:
    """Return the hypotheses, best first, with shares as scores; equal texts are merged."""
    blunt = _BLUNT * (1 + beyond / 20)
    scores = [one.score / blunt + one.form / _BLUNT for one in found]
    weights = [exp(score - max(scores)) for score in scores]
    total = sum(weights)
    shares: dict[tuple[Origin, str], _Hypothesis] = {}
    for one, weight in sorted(
        zip(found, weights, strict=True), key=lambda pair: pair[1], reverse=True
    ):
        key = (one.origin, one.text)
        known = shares.get(key)
        share = weight / total + (known.score if known else 0.0)
        shares[key] = (known or one)._replace(score=share)
    return sorted(shares.values(), key=lambda one: one.score, reverse=True)
