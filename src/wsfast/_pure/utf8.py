"""UTF-8 validation that resumes at any byte (The Unicode Standard, Table 3-7).

CPython's own decoder judges; this module adds where in the message the error is.

Invariant: between chunks no more is kept than the three bytes of an unfinished
sequence and where it began.  A call takes effect with one assignment, so that a signal
handler that raises leaves nothing half done.
"""

from __future__ import annotations

import codecs
from contextlib import suppress

from .. import errors
from .._arguments import check_state, not_a_string
from .._buffers import bytes_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Self, TypeAlias

    from typing_extensions import Buffer

    # The bytes before the next chunk and, of these, those of an unfinished character; the
    # index of the current fragment, and the position at which it began; the fragment in which
    # that character began, and where in it; the violation that was found.
    _Progress: TypeAlias = "tuple[int, bytes, int, int, tuple[int, int], errors.InvalidUTF8 | None]"

__all__ = ["Utf8Validator", "decode_utf8", "encode_utf8", "is_valid_utf8", "validate_utf8"]


def is_valid_utf8(data: Buffer, /) -> bool:
    """Tell whether all of ``data`` is valid UTF-8 (The Unicode Standard, section 3.9).

    Args:
        data: any C-contiguous buffer.

    Raises:
        TypeError: ``data`` is not a buffer.
        ValueError: it is not C-contiguous.

    >>> is_valid_utf8("Köln".encode()), is_valid_utf8("Köln".encode("latin-1"))
    (True, False)
    """
    try:
        bytes_of(data).decode()
    except UnicodeDecodeError:
        return False
    return True


def encode_utf8(text: str, /) -> bytes:
    """Return a ``str`` in UTF-8 (The Unicode Standard, section 3.9).

    Args:
        text: any ``str``.

    Raises:
        UnicodeEncodeError: it has a lone surrogate; the same error as from ``text.encode()``.
        TypeError: ``text`` is not a ``str``.

    >>> encode_utf8("Köln")
    b'K\\xc3\\xb6ln'
    """
    if not isinstance(text, str):
        raise not_a_string("text", text)
    return str.encode(text)


def validate_utf8(data: Buffer, /) -> None:
    """Raise ``InvalidUTF8`` unless all of ``data`` is valid UTF-8.

    The Unicode Standard, section 3.9; RFC 6455 section 8.1.

    Args:
        data: any C-contiguous buffer.

    Raises:
        InvalidUTF8: it is not valid; the exception has the offset in bytes and the cause.
        TypeError: ``data`` is not a buffer.
        ValueError: it is not C-contiguous.
    """
    validator = Utf8Validator()
    whole = bytes_of(data)
    validator.accept(whole)
    validator.finish_after(whole)


def decode_utf8(data: Buffer, /) -> str:
    """Decode ``data`` from UTF-8 (The Unicode Standard, section 3.9).

    Args:
        data: any C-contiguous buffer.

    Raises:
        InvalidUTF8: as ``validate_utf8`` does.
        TypeError: ``data`` is not a buffer.
        ValueError: it is not C-contiguous.

    >>> decode_utf8(b"K\\xc3\\xb6ln")
    'Köln'
    """
    whole = bytes_of(data)
    with suppress(UnicodeDecodeError):
        return whole.decode()
    validate_utf8(whole)
    raise AssertionError("the validator takes what CPython's decoder refuses")


def _well_formed(data: bytes) -> int:
    """Return how many bytes are whole characters; what follows can still become one.

    CPython waits for the third byte of a surrogate, because ``surrogatepass`` needs it; but
    its second byte already proves the text invalid.
    """
    used = codecs.utf_8_decode(data, "strict", False)[1]
    if len(data) - used == 2 and data[used] == 0xED and data[used + 1] >= 0xA0:
        raise UnicodeDecodeError("utf-8", data, used, used + 1, "invalid continuation byte")
    return used


class Utf8Validator:
    """A validator for text that arrives in fragments, cut at any byte (RFC 6455 section 5.6).

    Each ``feed`` is one fragment.  A violation is raised with the first byte that proves
    the text invalid, even inside a character, and again by every call until ``reset()``.
    A call that a signal handler interrupts (``KeyboardInterrupt``) took effect as a whole
    or not at all; ``position`` shows which.

    >>> validator = Utf8Validator()
    >>> validator.feed(b"K\\xc3")
    >>> validator.feed(b"\\xb6ln")
    >>> validator.finish()
    """

    __slots__ = ("_progress",)

    _progress: _Progress

    def __init__(self) -> None:
        self.reset()

    def feed(self, chunk: Buffer, /) -> None:
        """Validate the next fragment.

        Args:
            chunk: any C-contiguous buffer, which may be empty.

        Raises:
            InvalidUTF8: the text can't be UTF-8, whatever follows.
            TypeError: ``chunk`` is not a buffer.
            ValueError: it is not C-contiguous.
        """
        self._raise_again()
        self._accept(bytes_of(chunk, "chunk"), b"", ends=True)

    def finish(self) -> None:
        """Declare that the text ends here.

        Raises:
            InvalidUTF8: the text ends inside a character (``Cause.TRUNCATED``), or it was
                ill-formed before.
        """
        self._raise_again()
        self.finish_after(b"")

    def reset(self) -> None:
        """Start again, with an empty text."""
        self._progress = (0, b"", 0, 0, (0, 0), None)

    @property
    def position(self) -> int:
        """How many bytes of the text are valid so far."""
        return self._progress[0]

    @property
    def at_boundary(self) -> bool:
        """Whether the text so far ends between two characters."""
        return not self._progress[1]

    @property
    def state(self) -> tuple[int, bytes, int, int, int]:
        """What ``from_state`` needs to continue elsewhere; it is small and picklable.

        Raises:
            InvalidUTF8: the text is invalid, so there is nothing to continue.
        """
        self._raise_again()
        position, pending, fragment_index, _, lead, _ = self._progress
        return (position, pending, fragment_index, *lead)

    @classmethod
    def from_state(cls, state: tuple[int, bytes, int, int, int]) -> Self:
        """Return a validator that continues from the ``state`` of another.

        Raises:
            ValueError: ``state`` is not a state of a validator.
        """
        position, pending, fragment_index, lead_index, lead_offset = check_state(state)
        validator = cls()
        lead = (lead_index, lead_offset)
        validator._progress = (position, pending, fragment_index, position, lead, None)
        return validator

    # For MessageDecoder too, which knows where a fragment ends, and the text so far.

    @classmethod
    def at(cls, position: int) -> Self:
        """Return a validator of a text that begins later in its payload."""
        validator = cls()
        validator._progress = (position, b"", 0, 0, (0, 0), None)
        return validator

    @property
    def pending_count(self) -> int:
        """How many bytes of an unfinished character are at the end of the text so far."""
        return len(self._progress[1])

    def accept(self, chunk: bytes, before: bytes = b"") -> None:
        """Validate more of the current fragment.

        ``before``, for the evidence, is the text so far or the end of it.
        """
        self._accept(chunk, before, ends=False)

    def _accept(self, chunk: bytes, before: bytes, *, ends: bool) -> None:
        """Validate more of the current fragment, and whether it ``ends`` there."""
        position, pending, index, start, lead, _ = self._progress
        data = pending + chunk
        try:
            used = _well_formed(data)
        except UnicodeDecodeError as error:
            sequence = error.start, error.end
        else:
            position += len(chunk)
            pending = data[used:]
            if 0 < len(pending) <= len(chunk):
                lead = (index, position - len(pending) - start)
            if ends:
                index, start = index + 1, position
            self._progress = (position, pending, index, start, lead, None)
            return
        # Not in the handler: that error has the text, and would be kept as the context.
        self._progress = self._refused(data, *sequence, before or pending)
        self._raise_again()

    def next_fragment(self) -> None:
        """End the current fragment."""
        position, pending, index, _, lead, violation = self._progress
        self._progress = (position, pending, index + 1, position, lead, violation)

    def finish_after(self, before: bytes) -> None:
        """End the text; ``before`` is for the evidence, as in ``accept``."""
        position, pending, index, start, lead, _ = self._progress
        if pending:
            violation = errors.truncated_utf8(pending, position, *lead, before[: -len(pending)])
            self._progress = (position, pending, index, start, lead, violation)
            self._raise_again()

    def _refused(self, data: bytes, start: int, end: int, before: bytes) -> _Progress:
        """Return the progress with a violation: CPython refused ``data[start:end]``."""
        position, pending, index, fragment_start, lead, _ = self._progress
        base = position - len(pending)
        before = before[: len(before) - len(pending)] + data[:start]
        sequence = data[start:end] if 0xC2 <= data[start] <= 0xF4 else b""
        detected = start + len(sequence)
        place = lead if start < len(pending) else (index, base + start - fragment_start)
        violation = errors.invalid_utf8(sequence, data[detected], base + detected, *place, before)
        return base + detected, b"", index, fragment_start, lead, violation

    def _raise_again(self) -> None:
        violation = self._progress[5]
        if violation is not None:
            errors.raise_again(violation)
