"""What an accelerated library logs when text is not UTF-8: one line, by ``wsfast.logs``.

Invariant: ``wsfast.logs`` is imported with the first line, not when libraries are switched on.
"""

from __future__ import annotations

from typing import Any

from .. import InvalidUTF8, ProtocolViolation, parse_close, validate_utf8

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing_extensions import Buffer


def log(violation: InvalidUTF8 | None, payload: Any = None, **known: Any) -> None:
    """Log that a text was not UTF-8, if that is what happened."""
    if violation is not None:
        from ..logs import log_invalid_text

        log_invalid_text(violation, payload, **known)


def violation_in(payload: Buffer, *, close: bool = False) -> InvalidUTF8 | None:
    """Return what is wrong with the text of a message, or with a close frame's, if anything is.

    For libraries that say that a text is invalid and no more.
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


def address(peername: Any) -> str | None:
    """Return a socket's address as ``host:port``, if it has one."""
    if not (isinstance(peername, tuple) and len(peername) >= 2):
        return None
    host, port = peername[:2]
    return f"[{host}]:{port}" if ":" in str(host) else f"{host}:{port}"
