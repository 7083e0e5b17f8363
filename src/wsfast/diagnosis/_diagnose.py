"""From bytes that are not UTF-8 to where they came from, and what to do.

RFC 6455 section 8.1 (close code 1007); The Unicode Standard, section 3.9.

Invariant: a ``Diagnosis`` contains no bytes of the payload except the invalid ones, unless
``show_payload`` is true.  An origin is named only with a reason; without one, it is
``Origin.UNKNOWN``.
"""

from __future__ import annotations

from .._backend import validate_utf8
from .._buffers import bytes_of, masking_key_bytes
from .._record import Record
from ..errors import Cause, InvalidUTF8
from . import _binary, _charset, _unicode, _wire
from ._finding import Candidate, Finding, Origin, Sample

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    from typing_extensions import Buffer

MAX_SAMPLE = 65536  # bytes that detectors look at
_WINDOW = 12  # bytes shown on either side of the invalid ones


class Diagnosis(Record):
    """The likely origin of bytes that should be UTF-8.

    Attributes:
        offset: the first invalid byte, as in ``InvalidUTF8``; ``None`` if the bytes are
            UTF-8.
        length: the number of invalid bytes; 0 if there are none.
        cause: a ``Cause``; ``None`` if nothing is invalid.
        window: the bytes around it, in hexadecimal, the invalid ones in brackets.  The
            others are redacted: ``..`` for ASCII, only the first digit for others.
        origin: an ``Origin``; ``UTF8`` if nothing is wrong.
        detail: the charset or format, if the origin is one of several; else ``""``.
        confidence: ``"high"``, ``"medium"`` or ``"low"``.
        reason: why this origin is likely.
        remedy: what to do.
        candidates: the origins that were compared, each a ``Candidate``, the likeliest
            first; empty if the origin is clear without that.
    """

    __match_args__ = (
        "offset",
        "length",
        "cause",
        "window",
        "origin",
        "detail",
        "confidence",
        "reason",
        "remedy",
        "candidates",
    )
    __slots__ = __match_args__

    offset: int | None
    length: int
    cause: Cause | None
    window: str
    origin: Origin
    detail: str
    confidence: Literal["high", "medium", "low"]
    reason: str
    remedy: str
    candidates: tuple[Candidate, ...]

    def __init__(
        self,
        offset: int | None,
        length: int,
        cause: Cause | None,
        window: str,
        origin: Origin,
        detail: str,
        confidence: Literal["high", "medium", "low"],
        reason: str,
        remedy: str,
        candidates: tuple[Candidate, ...] = (),
    ) -> None:
        verdict = (origin, detail, confidence, reason, remedy, candidates)
        values = (offset, length, cause, window, *verdict)
        for field, value in zip(self.__match_args__, values, strict=True):
            object.__setattr__(self, field, value)

    def __str__(self) -> str:
        if self.offset is None:
            where = "valid UTF-8"
        else:
            cause = "" if self.cause is None else f", {self.cause.value}"
            where = f"invalid UTF-8 at byte {self.offset}{cause}"
        detail = f" ({self.detail})" if self.detail else ""
        return f"{where}: {self.origin.value}{detail}, {self.confidence} confidence: {self.reason}"


def diagnose(
    payload: Buffer | InvalidUTF8,
    *,
    masking_key: Buffer | None = None,
    show_payload: bool = False,
) -> Diagnosis:
    """Find out where bytes that should be UTF-8 came from.

    Args:
        payload: the whole text message, or as much of it as you have; any C-contiguous
            buffer.  Or an ``InvalidUTF8``, if you have nothing else: most origins then stay
            unknown.
        masking_key: the 4 bytes of the frame's key, if known.  With it, bytes that are still
            masked, or were masked twice, are recognised for certain.
        show_payload: whether ``window`` and ``candidates`` may show the payload.

    Returns:
        A ``Diagnosis``.  Its origin is ``Origin.UTF8`` if the bytes are UTF-8 and were
        not encoded twice, ``Origin.UNKNOWN`` if no origin is likely.

    Raises:
        TypeError: ``payload`` or ``masking_key`` is not a buffer.
        ValueError: it is not C-contiguous, or the key is not 4 bytes.

    The Unicode Standard, section 3.9; RFC 6455 section 8.1.

    >>> print(diagnose("Grüße aus Köln".encode("latin-1")).origin.name)
    LEGACY_CHARSET
    """
    key = None if masking_key is None else masking_key_bytes(masking_key)
    if isinstance(payload, InvalidUTF8):
        return diagnose_part(
            payload.context,
            payload,
            start=payload.context_offset,
            to_end=payload.cause is Cause.TRUNCATED,
            masking_key=key,
            show_payload=show_payload,
        )
    data = bytes_of(payload, "payload")
    violation = _violation(data)
    start = 0
    if violation is not None and violation.offset >= MAX_SAMPLE // 2:
        start = min(violation.offset - MAX_SAMPLE // 2, max(0, len(data) - MAX_SAMPLE))
    part = data[start : start + MAX_SAMPLE]
    return diagnose_part(
        part,
        violation,
        start=start,
        to_end=start + len(part) == len(data),
        masking_key=key,
        show_payload=show_payload,
    )


def diagnose_part(
    part: bytes,
    violation: InvalidUTF8 | None,
    *,
    start: int,
    to_end: bool,
    masking_key: bytes | None = None,
    show_payload: bool = False,
    examine: bool = True,
) -> Diagnosis:
    """Diagnose a part of a payload that was validated before.

    Args:
        part: the known bytes.
        violation: what is wrong with the whole payload; ``None`` if nothing is.
        start: the offset of ``part`` in the payload.
        to_end: whether ``part`` goes to the end of the payload.
        masking_key: the 4 bytes of the frame's key, if known.
        show_payload: whether ``window`` may show the payload.
        examine: whether to look for the origin, which takes milliseconds.
    """
    key = None
    if masking_key is not None:
        key = masking_key[start % 4 :] + masking_key[: start % 4]
    fault = 0 if violation is None else max(0, violation.offset - start)
    found = NOT_EXAMINED
    if examine:
        found = _find(Sample(part, violation, start == 0, to_end, key, fault))
    offset, length, cause, window = None, 0, None, ""
    if violation is not None:
        offset, length, cause = violation.offset, violation.length, violation.cause
        window = _window(part, offset - start, length, show_payload)
    return Diagnosis(
        offset=offset,
        length=length,
        cause=cause,
        window=window,
        origin=found.origin,
        detail=found.detail,
        confidence=found.confidence,
        reason=found.reason,
        remedy=found.origin.remedy,
        candidates=found.candidates if show_payload else _redacted(found.candidates),
    )


NOT_EXAMINED = Finding(
    Origin.UNKNOWN, "low", "wsfast did not look for its origin", detail="not examined"
)


def _redacted(candidates: tuple[Candidate, ...]) -> tuple[Candidate, ...]:
    """Return the candidates without their decoded texts."""
    return tuple(Candidate(c.origin, c.detail, c.reads_like, "", c.share) for c in candidates)


# The strongest evidence first: the first detector with high confidence wins; without one, the
# first of those with the highest confidence.
_OF_INVALID = (
    _wire.masked_by_key,
    _binary.signature,
    _unicode.byte_order_mark,
    _unicode.utf32,
    _unicode.surrogates,
    _wire.compressed_message,
    _charset.mixed,
    _charset.legacy_charset,
    _unicode.utf16,
)
# Tried only if none of those has more than low confidence: these see patterns in noise more often.
_OF_NOISE = (_binary.structured, _wire.masked, _charset.by_normalizer)


def _find(sample: Sample) -> Finding:
    if sample.violation is None:
        if b"\0" in sample.data:
            found = _unicode.utf32(sample) or _unicode.utf16(sample)
        else:
            found = _unicode.double_encoded(sample)
        return found or Finding(Origin.UTF8, "high", "every byte is where UTF-8 allows it")
    best = None
    for detector in (*_OF_INVALID, *_OF_NOISE):
        if detector in _OF_NOISE and best is not None and _rank(best) > 1:
            break
        found = detector(sample)
        if found is not None and (best is None or _rank(found) > _rank(best)):
            best = found
            if found.confidence == "high":
                break
    if best is None:
        return Finding(Origin.UNKNOWN, "low", "no known pattern matches")
    if best.confidence != "high" and sample.ends_at_fault:
        cut = "the bytes after the invalid ones would tell, but they are not known"
        return Finding(Origin.UNKNOWN, "low", cut, candidates=best.candidates)
    return best


def _rank(found: Finding) -> int:
    if found.origin is Origin.UNKNOWN:
        return 0
    return ("low", "medium", "high").index(found.confidence) + 1


def _violation(payload: bytes) -> InvalidUTF8 | None:
    try:
        validate_utf8(payload)
    except InvalidUTF8 as violation:
        return violation
    return None


def _window(part: bytes, at: int, length: int, show_payload: bool) -> str:
    """Return the bytes around ``at`` in hexadecimal, with the invalid ones in brackets."""
    first, last = max(0, at - _WINDOW), min(len(part), at + length + _WINDOW)

    def shown(byte: int) -> str:
        if show_payload:
            return f"{byte:02X}"
        return ".." if byte < 0x80 else f"{byte >> 4:X}."

    before = [shown(byte) for byte in part[first:at]]
    wrong = " ".join(f"{byte:02X}" for byte in part[at : at + length])
    after = [shown(byte) for byte in part[at + length : last]]
    return " ".join((*before, f"[{wrong}]", *after))
