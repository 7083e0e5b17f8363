"""Other encoding forms of Unicode, and UTF-8 that was cut or encoded twice.

The Unicode Standard, sections 3.9 and 3.10; Unicode Technical Report 26 (CESU-8); the
Java SE specification of ``java.io.DataInput`` (modified UTF-8).

Invariant: where the bytes alone decide, no detector here guesses about a language.
"""

from __future__ import annotations

import re

from ._finding import Finding, Origin, Sample
from ._language import reads_like

_BOMS = (
    (b"\xff\xfe\0\0", "utf-32-le", Origin.UTF32),
    (b"\0\0\xfe\xff", "utf-32-be", Origin.UTF32),
    (b"\xff\xfe", "utf-16-le", Origin.UTF16),
    (b"\xfe\xff", "utf-16-be", Origin.UTF16),
)
_FITS = 0.8


def byte_order_mark(sample: Sample) -> Finding | None:
    """Find UTF-16 or UTF-32 by its byte order mark."""
    for bom, codec, origin in _BOMS:
        if sample.from_start and sample.data.startswith(bom):
            unit = 4 if origin is Origin.UTF32 else 2
            text = _decode(sample.data[len(bom) :], codec, unit, sample.to_end)
            if text is not None:
                return Finding(
                    origin, "high", f"it begins with the byte order mark of {codec.upper()}", codec
                )
    return None


def utf32(sample: Sample) -> Finding | None:
    """Find UTF-32: every fourth byte is zero, and the byte next to it nearly always."""
    data = sample.data
    if len(data) < 8 or not sample.from_start:
        return None
    for codec, at in (("utf-32-le", 3), ("utf-32-be", 0)):
        text = _decode(data, codec, 4, sample.to_end) if not any(data[at::4]) else None
        if text and _is_text(text):
            return Finding(Origin.UTF32, "high", "every fourth byte is zero", codec)
    return None


def utf16(sample: Sample) -> Finding | None:
    """Find UTF-16 by its zero bytes; in other scripts than Latin, by plausible text."""
    data = sample.data
    if len(data) < 4 or not sample.from_start:
        return None
    best: tuple[float, str, str] | None = None
    for codec, at in (("utf-16-le", 1), ("utf-16-be", 0)):
        zeros = data[at::2].count(0) / len(data[at::2])
        text = _decode(data, codec, 2, sample.to_end)
        if text is None:
            continue
        if zeros > 0.5 and data[1 - at :: 2].count(0) == 0 and _is_text(text):
            return Finding(
                Origin.UTF16, "high", "every other byte is zero, or nearly every one", codec
            )
        name, fit = reads_like(text)
        if fit >= 0.75 and len(text) >= 6 and (best is None or fit > best[0]) and name != "ASCII":
            best = fit, codec, name
    if best is None:
        return None
    _, codec, name = best
    return Finding(
        Origin.UTF16, "medium", f"decoded as {codec.upper()} it is plausible {name}", codec
    )


def _is_text(text: str) -> bool:
    return not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", text) and not re.search(
        "[\ue000-\uf8ff\ufdd0-\ufdef\ufffe\uffff]", text
    )


def _decode(data: bytes, codec: str, unit: int, whole: bool) -> str | None:
    """Decode, or return ``None``; a part of a payload may end inside a unit or a pair."""
    if len(data) % unit:
        if whole:
            return None
        data = data[: -(len(data) % unit)]
    try:
        return data.decode(codec)
    except UnicodeDecodeError as error:
        if not whole and error.start >= len(data) - unit:
            return data[: error.start].decode(codec)
        return None


_SURROGATE = re.compile(rb"\xed[\xa0-\xbf][\x80-\xbf]")
_PAIR = re.compile(rb"\xed[\xa0-\xaf][\x80-\xbf]\xed[\xb0-\xbf][\x80-\xbf]")


def surrogates(sample: Sample) -> Finding | None:
    """Find CESU-8, modified UTF-8 and lone surrogates: the rest must be UTF-8."""
    data, nulls = re.subn(rb"\xc0\x80", b"", sample.data)
    data, pairs = _PAIR.subn(b"", data)
    data, lone = _SURROGATE.subn(b"", data)
    if not (nulls or pairs or lone) or not _is_utf8(data, sample):
        return None
    if nulls:
        return Finding(
            Origin.MODIFIED_UTF8,
            "high",
            "U+0000 is written as C0 80, and the rest is valid modified UTF-8",
        )
    if lone:
        return Finding(
            Origin.LONE_SURROGATE,
            "high",
            f"{lone} lone surrogate{'s' * (lone > 1)}; the rest is UTF-8",
        )
    return Finding(
        Origin.CESU8,
        "high",
        f"{pairs} surrogate pair{'s' * (pairs > 1)} encoded as two sequences of three bytes; "
        "the rest is UTF-8",
    )


def _is_utf8(data: bytes, sample: Sample) -> bool:
    """Return whether it is UTF-8, except where the sample itself was cut out."""
    if not sample.from_start:
        data = data.lstrip(bytes(range(0x80, 0xC0)))
    try:
        data.decode()
    except UnicodeDecodeError as error:
        return not sample.to_end and error.reason == "unexpected end of data"
    return True


_RUN = re.compile("[^\x00-\x7f]+")


def double_encoded(sample: Sample) -> Finding | None:
    """Find text whose non-ASCII characters are the bytes of UTF-8, each as a character."""
    try:
        text = sample.data.decode("utf-8", "strict" if sample.to_end else "ignore")
    except UnicodeDecodeError:
        return None
    runs = _RUN.findall(text)
    undone = [once for once in map(_undo, runs) if once is not None]
    if not undone or 3 * len(undone) < len(runs):
        return None
    # Look at whole words, with the characters around: that identifies an alphabet.
    once = _RUN.sub(lambda run: _undo(run[0]) or run[0], text)
    name, fit = reads_like(once)
    if fit < _FITS:
        return None
    return Finding(
        Origin.DOUBLE_ENCODED,
        "high" if len(undone) > 1 or len(runs[0]) > 2 else "medium",
        f"{len(undone)} of {len(runs)} non-ASCII runs are UTF-8 again once encoded as "
        f"Windows-1252 or Latin-1, and the result is plausible {name}",
    )


def _undo(run: str) -> str | None:
    """Return what the run was before it was encoded a second time."""
    data = bytearray()
    for character in run:
        try:
            data += character.encode("cp1252")
        except UnicodeEncodeError:
            if ord(character) > 0xFF:
                return None
            data.append(ord(character))  # the five that Windows-1252 leaves undefined
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None
