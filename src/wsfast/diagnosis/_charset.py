"""Text in a charset other than Unicode: Latin-1, Windows code pages, East Asian charsets.

Invariant: a charset is named only if the text, decoded in it, reads like a language that is
written in it.  For other charsets, ``charset-normalizer`` is asked, if it is installed.
"""

from __future__ import annotations

import re

from ._finding import Finding, Origin, Sample
from ._language import reads_like
from ._weighing import weigh

_WEST = ("German", "French", "Spanish", "Portuguese", "Italian", "Swedish", "Danish", "Icelandic")


_PIECE = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
# A Latin-1 letter between ASCII letters, or at either end of a word.
_LETTER = re.compile(
    rb"(?<=[A-Za-z \xdf-\xff])[\xdf-\xf6\xf8-\xfe\xc4\xd6\xdc](?=[A-Za-z\xdf-\xff])"
)


def mostly_utf8(data: bytes) -> bool:
    """Return whether most non-ASCII bytes are part of valid UTF-8 sequences."""
    beyond = sum(1 for byte in data if byte > 0x7F)
    left = sum(1 for byte in _PIECE.sub(b"", data) if byte > 0x7F)
    return 2 * left < beyond


def mixed(sample: Sample) -> Finding | None:
    """Find UTF-8 with Latin-1 text in it, as when both were joined as bytes."""
    data = sample.data
    if not sample.from_start:
        data = data.lstrip(bytes(range(0x80, 0xC0)))
    if not sample.to_end:
        data = data[: data.rfind(b" ") + 1]
    pieces, count = _PIECE.subn(b"", data)
    left, letters = _LETTER.subn(b"", pieces)
    if not count or not letters or not left.isascii():
        return None
    text = _LETTER.sub(lambda m: m[0].decode("latin-1").encode(), data)
    # Both as one language: damage makes letters too, but rarely those of the same language.
    name, fit = reads_like(text.decode("utf-8", "ignore"))
    if name not in _WEST or fit < 0.99:
        return None
    if letters == 1:
        # A flipped bit can make one such letter too, and often one of the same language.
        return Finding(
            Origin.UNKNOWN,
            "low",
            f"one byte may be a Latin-1 letter of {name}, or be damaged; the rest is UTF-8",
        )
    return Finding(
        Origin.LEGACY_CHARSET,
        "medium",
        f"in Latin-1, {letters} bytes between ASCII letters are letters of {name}; "
        "the rest is UTF-8",
        "latin-1",
    )


def legacy_charset(sample: Sample) -> Finding | None:
    """Weigh charsets, a cut and damage; text that is mostly UTF-8 is not in another charset."""
    found = weigh(sample)
    if found.origin is Origin.LEGACY_CHARSET:
        return None if mostly_utf8(sample.data) else found
    return found


def by_normalizer(sample: Sample) -> Finding | None:
    """Ask ``charset-normalizer``, which knows more charsets and languages than we do."""
    try:
        from charset_normalizer import from_bytes
    except ModuleNotFoundError:
        return None
    if (
        len(sample.data) < 32
        or mostly_utf8(sample.data)
        or re.search(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]", sample.data)
    ):
        return None
    best = from_bytes(sample.data[:4096], threshold=0.1).best()
    if best is None or best.encoding in ("ascii", "utf_8") or best.coherence < 0.5:
        return None
    return Finding(
        Origin.LEGACY_CHARSET,
        "low",
        f"charset-normalizer detects {best.encoding}, {best.language}",
        best.encoding,
    )
