"""What the remote did wrong: the exceptions, their evidence and their wording.

    ProtocolViolation
     +-- ProtocolError     1002, the frame breaks RFC 6455
     +-- InvalidUTF8       1007, the text is not UTF-8; also a ValueError
     +-- MessageTooBig     1009, larger than one of our limits

RFC 6455 sections 5, 7.4 and 8.1; The Unicode Standard, section 3.9 (D93b, maximal
subparts, and Table 3-7).

Invariant: both twins take every text from here, so they can't differ.  The caller's mistakes
are in ``_arguments``.
"""

from __future__ import annotations

from enum import Enum

from ._arguments import close_payload
from ._buffers import masking_key_bytes
from ._limits import MAX_CONTEXT, MAX_REASON

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any, ClassVar, NoReturn, Self

    from typing_extensions import Buffer

    from .diagnosis import Diagnosis

_FIN_CLOSE = 0x88  # the first byte of a close frame, which is never fragmented (section 5.5)
_MASKED = 0x80  # beside the length, at most 125


class ProtocolViolation(Exception):
    """Raised when the remote broke the protocol; has the close frame to send.

    Attributes:
        close_code: the close code to send (RFC 6455 section 7.4.1).
    """

    close_code: ClassVar[int]

    @property
    def close_reason(self) -> str:
        """The reason to send: at most 123 bytes of UTF-8, never cut inside a character."""
        return str(self).encode("utf-8", "replace")[:MAX_REASON].decode("utf-8", "ignore")

    def close_frame(self, masking_key: Buffer | None = None) -> bytes:
        """Return the close frame to send, with code and reason (RFC 6455 section 5.5.1).

        Args:
            masking_key: exactly 4 bytes on the client's side, ``None`` on the server's.

        Raises:
            TypeError, ValueError: the masking key is not a buffer of 4 bytes.
        """
        payload = close_payload(self.close_code, self.close_reason)
        if masking_key is None:
            return bytes((_FIN_CLOSE, len(payload))) + payload
        key = masking_key_bytes(masking_key)
        masked = bytes([byte ^ key[i % 4] for i, byte in enumerate(payload)])
        return bytes((_FIN_CLOSE, _MASKED | len(payload))) + key + masked


class ProtocolError(ProtocolViolation):
    """Raised when a frame or a sequence of frames breaks RFC 6455.

    Attributes:
        hint: what the bytes look like instead of a frame, or ``""``.  It is part of
            ``str(error)``, but not of ``close_reason``.
    """

    close_code = 1002

    def __init__(self, *args: object) -> None:
        super().__init__(*args)
        self.hint = str(args[1]) if len(args) > 1 else ""

    @property
    def close_reason(self) -> str:
        """The reason to send: what rule was broken, at most 123 bytes of UTF-8."""
        what = str(self.args[0]) if self.args else ""
        return what.encode("utf-8", "replace")[:MAX_REASON].decode("utf-8", "ignore")

    def __str__(self) -> str:
        return "; ".join(str(arg) for arg in self.args[:2])


class MessageTooBig(ProtocolViolation):
    """Raised when a frame or message is larger than your limit (RFC 6455 section 7.4.1)."""

    close_code = 1009


class Cause(Enum):
    """Why a sequence is not UTF-8 (The Unicode Standard, Table 3-7)."""

    INVALID_LEAD = "no character begins with this byte"
    UNEXPECTED_CONTINUATION = "continuation byte without a lead byte"
    MISSING_CONTINUATION = "a continuation byte is missing"
    OVERLONG = "overlong form"
    SURROGATE = "surrogate code point"
    OUT_OF_RANGE = "code point above U+10FFFF"
    TRUNCATED = "the text ends inside a character"


class InvalidUTF8(ProtocolViolation, ValueError):
    """Raised when a text is not UTF-8; says which byte is wrong (RFC 6455 section 8.1).

    Offsets count bytes from 0, from the start of the message.  If the text is the reason of a
    close frame, the attributes count from the start of the frame's payload, which begins with
    the two bytes of the code; the text of the exception counts from the start of the reason.

    Attributes:
        offset: the first byte of the invalid sequence: ``UnicodeDecodeError.start`` of
            CPython, for the whole message.
        length: the number of invalid bytes, 1 to 3 (the maximal subpart of The Unicode
            Standard, D93b): CPython's ``end - start``.
        octets: the invalid bytes.
        detected_at: the byte that proved the text invalid; the length of the message if
            it ended inside a character.
        cause: a ``Cause``.
        fragment_index: the fragment, from 0, that contains the byte at ``offset``.
        fragment_offset: the place of that byte in the payload of its fragment.
        in_close_reason: whether the invalid text is the reason of a close frame.
        context: up to 16 bytes before ``offset``, if they are known, then the invalid
            sequence, then the byte at ``detected_at``.
    """

    close_code = 1007
    # Called by ``diagnosis()``.  ``wsfast`` sets it, because the package diagnosis imports this
    # module.
    _diagnose: ClassVar[Callable[..., Diagnosis]]

    def __init__(
        self,
        offset: int,
        octets: bytes,
        detected_at: int,
        cause: Cause,
        fragment_index: int,
        fragment_offset: int,
        context: bytes,
    ) -> None:
        super().__init__(
            offset, octets, detected_at, cause, fragment_index, fragment_offset, context
        )
        self.offset = offset
        self.length = len(octets)
        self.octets = octets
        self.detected_at = detected_at
        self.cause = cause
        self.fragment_index = fragment_index
        self.fragment_offset = fragment_offset
        self.context = context
        self.in_close_reason = False

    @property
    def context_offset(self) -> int:
        """The offset of the first byte of ``context``."""
        end = self.detected_at + (self.cause is not Cause.TRUNCATED)
        return end - len(self.context)

    @property
    def close_reason(self) -> str:
        """The reason to send: the offset, the bytes and the cause."""
        if self.in_close_reason:
            return (
                f"invalid UTF-8 in the reason of a close frame, byte {self.offset - 2} of the "
                f"reason: {_hex(self.octets)}, {self.cause.value}"
            )
        return f"invalid UTF-8 at byte {self.offset}: {_hex(self.octets)}, {self.cause.value}"

    def diagnosis(
        self,
        payload: Buffer | None = None,
        *,
        masking_key: Buffer | None = None,
        show_payload: bool = False,
    ) -> Diagnosis:
        """Find out where the bytes came from; see ``diagnose``.

        Args:
            payload: the whole message, if you have it.  Without it only ``context`` is
                known, and most origins stay unknown.
            masking_key: the 4 bytes of the frame's key, if known.
            show_payload: whether the ``window`` of the diagnosis may show the payload.

        Raises:
            TypeError, ValueError: as ``diagnose``.
        """
        known = self if payload is None else payload
        return type(self)._diagnose(known, masking_key=masking_key, show_payload=show_payload)

    def __str__(self) -> str:
        if self.in_close_reason:
            return (
                f"{self.close_reason} (byte {self.offset} of the frame's payload; "
                f"detected at byte {self.detected_at} of it)"
            )
        return (
            f"{self.close_reason} (fragment {self.fragment_index}, byte {self.fragment_offset}; "
            f"detected at byte {self.detected_at})"
        )


def _hex(data: bytes) -> str:
    return data.hex(" ").upper()


def _cause(pending: bytes, byte: int) -> Cause:
    if not pending:
        if byte < 0xC0:
            return Cause.UNEXPECTED_CONTINUATION
        if byte < 0xC2:
            return Cause.OVERLONG  # C0 and C1 could only begin U+0000 to U+007F
        return Cause.OUT_OF_RANGE if byte < 0xF8 else Cause.INVALID_LEAD
    if not 0x80 <= byte < 0xC0:
        return Cause.MISSING_CONTINUATION
    # A continuation byte after a lead byte that doesn't allow it in second place.
    return {0xED: Cause.SURROGATE, 0xF4: Cause.OUT_OF_RANGE}.get(pending[0], Cause.OVERLONG)


def invalid_utf8(
    pending: bytes,
    byte: int,
    detected_at: int,
    fragment_index: int,
    fragment_offset: int,
    before: bytes,
) -> InvalidUTF8:
    """Return the violation for ``byte`` at ``detected_at``, after the ``pending`` bytes.

    ``before`` is what came before the invalid sequence, as far as it is known.
    """
    sequence = pending or bytes((byte,))
    return InvalidUTF8(
        detected_at - len(pending),
        sequence,
        detected_at,
        _cause(pending, byte),
        fragment_index,
        fragment_offset,
        before[-MAX_CONTEXT:] + pending + bytes((byte,)),
    )


def truncated_utf8(
    pending: bytes, length: int, fragment_index: int, fragment_offset: int, before: bytes
) -> InvalidUTF8:
    """Return the violation for a text of ``length`` bytes that ends with ``pending``."""
    return InvalidUTF8(
        length - len(pending),
        pending,
        length,
        Cause.TRUNCATED,
        fragment_index,
        fragment_offset,
        before[-MAX_CONTEXT:] + pending,
    )


def in_close_reason(violation: InvalidUTF8) -> InvalidUTF8:
    """Mark the violation as one in the reason of a close frame, and return it (section 5.5.1)."""
    violation.in_close_reason = True
    return violation


# One function for each rule of RFC 6455 that a frame can break: the wording of its error.

# Hints depend only on the first byte of a header, because it is refused before more arrive:
# so the text does not depend on how the bytes were cut.
_HTTP = "this byte is {!r}, as in HTTP: was the opening handshake left in?"
_TLS = "this byte begins a TLS record: is the connection encrypted?"
_TEXT = "this byte is {!r}: is it text that was not put into frames?"
_LOOKS_LIKE = {
    **dict.fromkeys(b"CDGHOPT", _HTTP),  # methods, the preface of HTTP/2, and HTTP/1.1
    **dict.fromkeys((0x14, 0x15, 0x16, 0x17), _TLS),
    **dict.fromkeys(b"{[<", _TEXT),
}


def _hint(first: int) -> tuple[str, ...]:
    hint = _LOOKS_LIKE.get(first)
    return () if hint is None else (hint.format(chr(first)),)


def _name(opcode: int) -> str:
    return {0: "continuation", 1: "text", 2: "binary", 8: "close", 9: "ping", 10: "pong"}[opcode]


def reserved_bits(first: int, reserved_bits: int, first_frame_bits: int) -> ProtocolError:
    """Section 5.2: RSV bits are 0 unless an extension gives them a meaning.

    In ``first``, the first byte, the bits of ``reserved_bits`` may be set; on the first frame
    of a message, those of ``first_frame_bits`` too (RFC 7692 section 6.1).
    """
    opcode, bits = first & 0x0F, first & 0x70 & ~reserved_bits
    if opcode in (1, 2):
        bits &= ~first_frame_bits
    elif bits & ~first_frame_bits == 0 and opcode in (0, 8, 9, 10):
        what = "not on the first frame of a compressed message"
        return ProtocolError(f"RSV1 set on a {_name(opcode)} frame, {what}", *_hint(first))
    names = [name for bit, name in ((0x40, "RSV1"), (0x20, "RSV2"), (0x10, "RSV3")) if bits & bit]
    set_bits = ", ".join(names)
    return ProtocolError(
        f"{set_bits} set, but no extension was negotiated that uses it", *_hint(first)
    )


def bad_deflate(what: str) -> ProtocolError:
    """RFC 7692 section 7.2.2: the payload of a compressed message is DEFLATE."""
    return ProtocolError(f"compressed message can't be inflated: {what}")


def reserved_opcode(opcode: int) -> ProtocolError:
    """Section 5.2: opcodes 3 to 7 and 11 to 15 are reserved."""
    return ProtocolError(f"reserved opcode 0x{opcode:X}")


def fragmented_control(opcode: int) -> ProtocolError:
    """Section 5.5: control frames must not be fragmented."""
    return ProtocolError(f"fragmented {_name(opcode)} frame")


def nothing_to_continue() -> ProtocolError:
    """Section 5.4: a continuation frame continues an unfinished message."""
    return ProtocolError("continuation frame, but no message to continue")


def message_unfinished(opcode: int) -> ProtocolError:
    """Section 5.4: the fragments of messages are not interleaved."""
    return ProtocolError(f"{_name(opcode)} frame inside an unfinished fragmented message")


def mask_bit(masked: bool) -> ProtocolError:
    """Section 5.1: clients mask every frame, servers mask none."""
    return ProtocolError("masked frame from a server" if masked else "unmasked frame from a client")


def long_control(opcode: int) -> ProtocolError:
    """Section 5.5: control frames carry 125 bytes at most."""
    return ProtocolError(f"{_name(opcode)} frame with a payload of more than 125 bytes")


def short_close() -> ProtocolError:
    """Section 5.5.1: the payload of a close frame begins with a code of 2 bytes."""
    return ProtocolError("close frame with a payload of 1 byte, too short for a close code")


def length_not_minimal() -> ProtocolError:
    """Section 5.2: the minimal number of bytes must be used to encode the length."""
    return ProtocolError("payload length not encoded in the fewest bytes")


def length_64_bits() -> ProtocolError:
    """Section 5.2: the most significant bit of a 64-bit length must be 0."""
    return ProtocolError("payload length of 2**63 bytes or more")


def bad_close_code(code: int) -> ProtocolError:
    """Section 7.4: not every code may go on the wire."""
    return ProtocolError(f"close code {code}, which must not be sent")


def frame_too_big(length: int, limit: int) -> MessageTooBig:
    """Our limit ``max_frame_size``."""
    return MessageTooBig(f"frame of {length} bytes, more than max_frame_size ({limit})")


def message_too_big(length: int, limit: int) -> MessageTooBig:
    """Our limit ``max_message_size``."""
    return MessageTooBig(f"message of {length} bytes or more, more than max_message_size ({limit})")


def retains_too_much(charge: int, fragments: int, limit: int) -> MessageTooBig:
    """Our limit ``max_retained``."""
    return MessageTooBig(
        f"message in {fragments} fragments would retain {charge} bytes, "
        f"more than max_retained ({limit})"
    )


def again(violation: ProtocolViolation) -> ProtocolViolation:
    """Return a copy to raise, so that the stored original keeps no stack frames alive."""
    kind = type(violation)
    copy: ProtocolViolation = kind.__new__(kind, *violation.args)
    copy.__dict__.update(violation.__dict__)
    return copy


def raise_again(violation: ProtocolViolation) -> NoReturn:
    """Raise a copy, whose context is not the exception that the caller is handling."""
    copy = again(violation)
    try:
        raise copy
    finally:
        copy.__context__ = None
        del copy  # its traceback contains this frame: a cycle


class ThenRaise:
    """An iterator over what was decoded before an error, which then raises that error once.

    Not a generator: that would lose the rest if a signal handler raised inside it.
    """

    def __init__(self, items: Iterable[Any], error: BaseException) -> None:
        self._items = iter(items)
        self._error: BaseException | None = error

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Any:
        for item in self._items:
            return item
        error, self._error = self._error, None
        if error is None:
            raise StopIteration
        context = error.__context__
        try:
            raise error
        finally:
            # So that it keeps alive neither the exception that the caller is handling nor, by
            # its traceback, this frame.
            error.__context__ = context
            del error
