"""Captures that are written as text, in whatever encoding a shell or an editor left them.

Invariant: bytes that are not text stay as they are.
"""

from __future__ import annotations

import codecs
import re

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# ASCII in UTF-16 without a mark.
_WIDE = (
    (re.compile(rb"(?:[\t\n\r -~]\0)+"), "utf-16-le"),
    (re.compile(rb"(?:\0[\t\n\r -~])+"), "utf-16-be"),
)
_ENOUGH = 4096  # bytes that tell whether a file is text
_NOT_TEXT = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")


def as_utf8(data: bytes) -> tuple[bytes, str]:
    """Return a text as UTF-8 without a byte order mark, and the encoding that it had.

    What is not text is returned as it is, with "".
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _recoded(data, data[len(mark) :], encoding)
    for pattern, encoding in _WIDE:
        found = pattern.match(data[:_ENOUGH])
        if found and len(data) >= 4 and found.end() >= min(len(data), _ENOUGH) - 1:
            return _recoded(data, data, encoding)
    return data, ""


def _recoded(data: bytes, text: bytes, encoding: str) -> tuple[bytes, str]:
    try:
        recoded = text.decode(encoding).encode()
    except UnicodeDecodeError:
        return data, ""
    return (recoded, encoding) if is_text(recoded) else (data, "")


def is_text(data: bytes) -> bool:
    """Tell whether it is text, by its beginning: no control characters, and UTF-8."""
    head = data[:_ENOUGH]
    if not head or _NOT_TEXT.search(head):
        return False
    try:
        head.decode()
    except UnicodeDecodeError as error:
        return len(data) > _ENOUGH and error.start > len(head) - 4
    return True
