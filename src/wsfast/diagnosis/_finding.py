"""What detectors take and return, and the possible origins.

Invariant: a ``Finding`` holds no bytes of the payload; every ``Origin`` has a remedy.
"""

from __future__ import annotations

from enum import Enum

from .._record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    from ..errors import InvalidUTF8

    _Confidence = Literal["high", "medium", "low"]


class Origin(Enum):
    """What bytes that are not UTF-8 can be."""

    UTF8 = "UTF-8, as it should be"
    LEGACY_CHARSET = "text in another charset"
    UTF16 = "text in UTF-16"
    UTF32 = "text in UTF-32"
    CESU8 = "CESU-8: surrogate pairs, each half encoded by itself"
    MODIFIED_UTF8 = "Java's modified UTF-8"
    LONE_SURROGATE = "a lone surrogate, encoded as if it were a character"
    CUT = "a piece of a text, cut inside a character"
    DOUBLE_ENCODED = "UTF-8 that was decoded in another charset and encoded again"
    MASKED = "bytes that are still masked, or were masked twice"
    COMPRESSED_MESSAGE = "a compressed message without its RSV1 bit"
    GZIP = "gzip data"
    ZLIB = "zlib data"
    PNG = "a PNG image"
    JPEG = "a JPEG image"
    PDF = "a PDF document"
    PROTOBUF = "a Protocol Buffers message"
    MSGPACK = "MessagePack data"
    CBOR = "CBOR data"
    OTHER_BINARY = "another binary format"
    UNKNOWN = "unknown"

    @property
    def remedy(self) -> str:
        """What to do about it."""
        return _REMEDIES.get(self, _USE_BINARY)


_USE_BINARY = "Send it in a binary frame (opcode 2), not as text."
_REMEDIES = {
    Origin.UTF8: "Nothing.",
    Origin.LEGACY_CHARSET: "Encode the text as UTF-8 before sending. Decode each input in its own "
    "charset before you join it to other text.",
    Origin.UTF16: "Encode the text as UTF-8 before sending.",
    Origin.UTF32: "Encode the text as UTF-8 before sending.",
    Origin.CESU8: "Use a real UTF-8 encoder; join surrogate pairs before encoding.",
    Origin.MODIFIED_UTF8: "In Java use getBytes(StandardCharsets.UTF_8), not writeUTF() or "
    "JNI's GetStringUTFChars().",
    Origin.LONE_SURROGATE: "Do not cut strings inside a surrogate pair. In JavaScript use "
    "toWellFormed(); in Python do not encode with 'surrogatepass'.",
    Origin.CUT: "Cut text between characters, or send the pieces as fragments of one message, "
    "which may be cut anywhere.",
    Origin.DOUBLE_ENCODED: "Decode the input as UTF-8, not as Latin-1 or Windows-1252, before you "
    "encode it.",
    Origin.MASKED: "Unmask each frame once, with its own key, from the first byte of its payload.",
    Origin.COMPRESSED_MESSAGE: "When you forward or build frames, keep RSV1 of the first one, "
    "or inflate the message first.",
    Origin.UNKNOWN: "Log the bytes on the sending side, just before they are framed, and compare "
    "them with the window.",
}


class Candidate(Record):
    """One of several possible origins.

    Attributes:
        origin: an ``Origin``.
        detail: the charset, if it is one; else ``""``.
        reads_like: the language of the decoded text; ``"text"`` if its only non-ASCII
            characters are signs, ``""`` if the text is damaged.
        text: the decoded text around the invalid bytes; ``""`` unless the payload may be
            shown.
        share: how likely it is compared with the others, from 0 to 1.
    """

    __slots__ = __match_args__ = ("origin", "detail", "reads_like", "text", "share")

    origin: Origin
    detail: str
    reads_like: str
    text: str
    share: float

    def __init__(
        self, origin: Origin, detail: str, reads_like: str, text: str, share: float
    ) -> None:
        values = (origin, detail, reads_like, text, share)
        for field, value in zip(self.__match_args__, values, strict=True):
            object.__setattr__(self, field, value)


class Finding(Record):
    """An origin, and the evidence for it.

    Attributes:
        origin: an ``Origin``.
        confidence: ``"high"``, ``"medium"`` or ``"low"``.
        reason: the evidence, without quoting the payload.
        detail: the charset or format, if the origin is one of several; else ``""``.
        candidates: what was weighed, the likeliest first; their texts quote the payload.
    """

    __slots__ = __match_args__ = ("origin", "confidence", "reason", "detail", "candidates")

    origin: Origin
    confidence: _Confidence
    reason: str
    detail: str
    candidates: tuple[Candidate, ...]

    def __init__(
        self,
        origin: Origin,
        confidence: _Confidence,
        reason: str,
        detail: str = "",
        candidates: tuple[Candidate, ...] = (),
    ) -> None:
        object.__setattr__(self, "origin", origin)
        object.__setattr__(self, "confidence", confidence)
        object.__setattr__(self, "reason", reason)
        object.__setattr__(self, "detail", detail)
        object.__setattr__(self, "candidates", candidates)


class Sample:
    """The bytes that detectors look at.

    Attributes:
        data: all of the payload, or the part around the invalid bytes.
        from_start: whether they begin where the payload does.
        to_end: whether they end where the payload does.
        violation: why the payload is not UTF-8; ``None`` if it is UTF-8.
        fault: where in ``data`` the invalid bytes begin.
        masking_key: the key of the frame, if it is known.
    """

    __slots__ = ("data", "fault", "from_start", "masking_key", "to_end", "violation")

    def __init__(
        self,
        data: bytes,
        violation: InvalidUTF8 | None,
        from_start: bool,
        to_end: bool,
        masking_key: bytes | None,
        fault: int = 0,
    ) -> None:
        self.fault = fault
        self.data = data
        self.violation = violation
        self.from_start = from_start
        self.to_end = to_end
        self.masking_key = masking_key

    @property
    def ends_at_fault(self) -> bool:
        """Whether the payload continues after the invalid bytes, but the known bytes end there."""
        violation = self.violation
        if violation is None or self.to_end:
            return False
        detected = self.fault + violation.detected_at - violation.offset
        return max(self.fault + violation.length, detected + 1) >= len(self.data)
