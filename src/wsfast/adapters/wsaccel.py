"""The interface of wsaccel, on wsfast, for code that still imports it.

    wsaccel.xormask         XorMaskerSimple, XorMaskerNull, createXorMasker
    wsaccel.utf8validator   Utf8Validator

``install()`` puts it into ``sys.modules`` under these names, for code that imports them; the
libraries that wsfast accelerates don't need that.

Invariant: results and their types are those of wsaccel 0.6; any C-contiguous buffer is
accepted, and none is changed.
"""

from __future__ import annotations

import contextlib
import sys
from types import ModuleType

from .. import InvalidUTF8, apply_mask
from .. import Utf8Validator as OurValidator

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing_extensions import Buffer

UTF8_ACCEPT, UTF8_REJECT = 0, 1
_UNFINISHED = 2  # some state in the middle of a character; wsaccel has seven


class XorMaskerNull:
    """A masker that changes nothing, but counts the bytes."""

    def __init__(self, mask: Buffer | None = None) -> None:
        self._pointer = 0

    def pointer(self) -> int:
        """Return how many bytes went through."""
        return self._pointer

    def reset(self) -> None:
        """Begin a payload."""
        self._pointer = 0

    def process(self, data: Buffer) -> bytes:
        """Return the next bytes as they are."""
        piece = bytes(memoryview(data))
        self._pointer += len(piece)
        return piece


class XorMaskerSimple(XorMaskerNull):
    """A masker of a payload that comes in pieces (RFC 6455 section 5.3)."""

    def __init__(self, mask: Buffer) -> None:
        super().__init__()
        self._key = bytes(memoryview(mask))
        apply_mask(b"", self._key)  # raises if the key is wrong

    def process(self, data: Buffer) -> bytes:
        """Return the next bytes masked, or unmasked."""
        piece = apply_mask(data, self._key, self._pointer)
        self._pointer += len(piece)
        return piece


def createXorMasker(mask: Buffer, length: int | None = None) -> XorMaskerSimple:  # theirs
    """Return a masker; ``length``, by which wsaccel chose one, is ignored."""
    return XorMaskerSimple(mask)


class Utf8Validator:
    """A validator of UTF-8 that comes in pieces; an error stays until ``reset()``."""

    UTF8_ACCEPT = UTF8_ACCEPT
    UTF8_REJECT = UTF8_REJECT

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Begin a text."""
        self._ours = OurValidator()
        self.codepoint = 0

    @property
    def i(self) -> int:
        """How many bytes are valid, or the place of the byte that is not."""
        return self._ours.position

    @property
    def state(self) -> int:
        """``UTF8_ACCEPT`` between characters, ``UTF8_REJECT`` after a fault, else another."""
        try:
            self._ours.state  # noqa: B018 # raises if the text is invalid
        except InvalidUTF8:
            return UTF8_REJECT
        return UTF8_ACCEPT if self._ours.at_boundary else _UNFINISHED

    def decode(self, b: int) -> int:
        """Take one byte and return the new ``state``; ``codepoint`` is what it is part of."""
        try:
            ours = OurValidator.from_state(self._ours.state)
        except InvalidUTF8:
            return UTF8_REJECT
        if ours.at_boundary:
            codepoint = b if b < 0x80 else b & (0x1F if b < 0xE0 else 0x0F if b < 0xF0 else 7)
        else:
            codepoint = self.codepoint << 6 | b & 0x3F
        with contextlib.suppress(InvalidUTF8):
            ours.feed(bytes((b,)))
        # No call between these two: a signal handler that raises finds both changed or neither.
        self._ours = ours
        self.codepoint = codepoint
        return self.state

    def validate(self, ba: Buffer) -> tuple[bool, bool, int, int]:
        """Take the next bytes.

        Returns:
            Whether all is well-formed so far; whether it ends between characters; and where
            the byte is that makes it ill-formed, or else the end, in ``ba`` and in the text.
        """
        ours = self._ours
        before = ours.position
        try:
            ours.feed(ba)
        except InvalidUTF8:
            valid = at_boundary = False
        else:
            valid, at_boundary = True, ours.at_boundary
        after = ours.position
        return valid, at_boundary, after - before, after

    def violation(self) -> InvalidUTF8 | None:
        """Return what is wrong with the text if it ends here; wsaccel has no such method."""
        try:
            OurValidator.from_state(self._ours.state).finish()
        except InvalidUTF8 as violation:
            return violation.with_traceback(None)
        return None


def install() -> None:
    """Make ``import wsaccel`` find this, unless the real one is imported already.

    Raises:
        RuntimeError: the real one is.
    """
    if "wsaccel" in sys.modules:
        if getattr(sys.modules["wsaccel"], "__wsfast__", False):
            return
        raise RuntimeError("wsaccel itself is imported already")
    package, masks, texts = (
        ModuleType(name, __doc__)
        for name in ("wsaccel", "wsaccel.xormask", "wsaccel.utf8validator")
    )
    vars(package).update(__path__=[], __wsfast__=True, xormask=masks, utf8validator=texts)
    for thing in (XorMaskerNull, XorMaskerSimple, createXorMasker):
        setattr(masks, thing.__name__, thing)
    vars(texts).update(Utf8Validator=Utf8Validator)
    for module in (package, masks, texts):
        sys.modules[module.__name__] = module


def uninstall() -> None:
    """Remove it from ``sys.modules``; code that imported from it keeps what it has."""
    if getattr(sys.modules.get("wsaccel"), "__wsfast__", False):
        for name in ("wsaccel", "wsaccel.xormask", "wsaccel.utf8validator"):
            del sys.modules[name]
