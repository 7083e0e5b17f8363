"""What an accelerated library logs when text is not UTF-8: one line, by ``wsfast.logs``.

Invariant: ``wsfast.logs`` is imported for the first line, not when libraries are accelerated.
"""

from __future__ import annotations

import logging
from typing import Any

from .. import FrameDecoder, InvalidUTF8, ProtocolViolation, parse_close, validate_utf8

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing_extensions import Buffer


def log(violation: InvalidUTF8 | None, payload: Any = None, **known: Any) -> None:
    """Log that a text was not UTF-8; do nothing for ``None``."""
    if violation is not None:
        from ..logs import log_invalid_text

        log_invalid_text(violation, payload, **known)


def violation_in(payload: Buffer, *, close: bool = False) -> InvalidUTF8 | None:
    """Return the violation in the text of a message or close frame; ``None`` if it is valid.

    For libraries that report invalid text without its place.
    """
    try:
        if close:
            parse_close(payload)
        else:
            validate_utf8(payload)
    except InvalidUTF8 as violation:
        return violation.with_traceback(None)
    except ProtocolViolation:
        pass
    return None


def message_in(data: Buffer, violation: InvalidUTF8, role: Any = "server") -> bytes | None:
    """Return the message with the invalid text, if the bytes read contain all of it.

    A ``MessageDecoder`` stops at the wrong byte, but the bytes after it help to find out where
    the text came from.
    """
    if not logging.getLogger("wsfast").isEnabledFor(logging.WARNING):
        return None  # it is needed only for the log
    message = bytearray()
    try:
        for frame in FrameDecoder(role, max_frame_size=None).feed(data):
            if frame.opcode in (1, 2):
                message.clear()
            if frame.opcode < 8:
                message += frame.payload
                found = violation_in(message) if frame.fin else None
                if found is not None and _same(found, violation):
                    return bytes(message)
    except ProtocolViolation:
        pass  # the bytes don't begin with a frame, are compressed, or have another violation
    return None


def _same(found: InvalidUTF8, violation: InvalidUTF8) -> bool:
    return (found.offset, found.octets, found.context) == (
        violation.offset,
        violation.octets,
        violation.context,
    )


def address(peername: Any) -> str | None:
    """Return a socket's address as ``host:port``, if it has one."""
    if not (isinstance(peername, tuple) and len(peername) >= 2):
        return None
    host, port = peername[:2]
    return f"[{host}]:{port}" if ":" in str(host) else f"{host}:{port}"
