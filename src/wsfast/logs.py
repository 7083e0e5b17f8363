"""One line in the log for each text message that is not UTF-8, with fields for programs.

Adapters call ``log_invalid_text`` where they close with 1007; do the same in your own
server.  The record goes to the logger ``wsfast`` as a warning.  Its fields begin with ``ws_``, so
a ``logging.Handler`` can count them or send them on.

RFC 6455 section 8.1.

Invariant: valid text costs nothing.  Values that the remote chose (its User-Agent, the payload)
are bounded and can't begin a new line; no payload is shown unless you ask for it.  Even in a
flood of invalid texts, finding their origins takes only a small share of the time.
"""

from __future__ import annotations

import logging
import time

from .diagnosis import Diagnosis, diagnose_part
from .errors import Cause, InvalidUTF8

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["LOGGER", "configure", "log_invalid_text"]

LOGGER = logging.getLogger("wsfast")

AROUND = 1024  # bytes on each side of the invalid ones that the diagnosis may look at
LONGEST = 200  # characters of a value that the remote chose
SHARE = 0.05  # of the time for diagnoses, while invalid texts keep coming
AT_ONCE = 1.0  # seconds of diagnoses in a row


class Budget:
    """The time that diagnoses may take.

    One diagnosis takes a few milliseconds, much longer than sending an invalid text takes.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock, self._at, self._left = clock, clock(), AT_ONCE

    def is_left(self) -> bool:
        """Return whether there is time for one more diagnosis."""
        now = self._clock()
        self._left = min(AT_ONCE, self._left + SHARE * (now - self._at))
        self._at = now
        return self._left > 0

    def spend(self) -> None:
        """Subtract the time since the call of ``is_left``."""
        self._left -= self._clock() - self._at


class _Settings:
    show_payload = False
    budget = Budget()


def configure(*, show_payload: bool) -> None:
    """Choose whether records show the payload around the invalid bytes.

    Args:
        show_payload: if false, the default, ``ws_window`` shows only the invalid bytes, and
            dots for those around them; if true, it shows all.
    """
    _Settings.show_payload = bool(show_payload)


def log_invalid_text(
    violation: InvalidUTF8,
    payload: bytes | bytearray | memoryview | None = None,
    *,
    library: str = "",
    client: str | None = None,
    path: str | bytes | None = None,
    user_agent: str | bytes | None = None,
) -> None:
    """Log that a text message was not UTF-8, in one line with fields.

    Args:
        violation: the exception that ``MessageDecoder`` or ``validate_utf8`` raised.
        payload: the whole message, if you have it: it makes the diagnosis better.
        library: the library that received the message, such as ``"uvicorn"``.
        client: the address of the remote.
        path: the path that the client asked for.  Its query is not logged, because it may
            contain a token.
        user_agent: the client's User-Agent.

    The record has ``ws_code``, ``ws_offset``, ``ws_cause``, ``ws_fragment``, ``ws_window``,
    ``ws_origin``, ``ws_origin_detail``, ``ws_confidence``, ``ws_library``, ``ws_client``,
    ``ws_path`` and ``ws_user_agent``.  If invalid texts come so fast that finding their origins
    would take more than a twentieth of the time, ``ws_origin`` is ``"UNKNOWN"`` and
    ``ws_origin_detail`` is ``"not examined"``.
    """
    if not LOGGER.isEnabledFor(logging.WARNING):
        return
    found = _diagnosis(violation, payload)
    detail = f" ({found.detail})" if found.detail else ""
    fields = {
        "ws_code": violation.close_code,
        "ws_offset": violation.offset,
        "ws_cause": violation.cause.name,
        "ws_fragment": violation.fragment_index,
        "ws_window": found.window,
        "ws_origin": found.origin.name,
        "ws_origin_detail": found.detail,
        "ws_confidence": found.confidence,
        "ws_library": library,
        "ws_client": _one_line(client),
        "ws_path": _one_line(_without_query(path)),
        "ws_user_agent": _one_line(user_agent),
    }
    LOGGER.warning(
        "1007 invalid UTF-8 at byte %d (%s) client=%s library=%s origin=%s%s confidence=%s "
        'window=%s path="%s" user_agent="%s"',
        violation.offset,
        violation.cause.value,
        fields["ws_client"] or "-",
        library or "-",
        found.origin.name,
        detail,
        found.confidence,
        found.window,
        fields["ws_path"],
        fields["ws_user_agent"],
        extra=fields,
    )


def header(headers: Iterable[tuple[bytes, bytes]], name: bytes = b"user-agent") -> bytes | None:
    """Return a header of an ASGI scope, whose names are in lower case."""
    return next((value for key, value in headers if key == name), None)


def _diagnosis(violation: InvalidUTF8, payload: bytes | bytearray | memoryview | None) -> Diagnosis:
    if payload is None or violation.in_close_reason:
        part, start = violation.context, violation.context_offset
        to_end = violation.cause is Cause.TRUNCATED
    else:
        start, end = max(0, violation.offset - AROUND), violation.offset + AROUND
        part, to_end = bytes(payload[start:end]), end >= len(payload)
    budget = _Settings.budget
    examine = budget.is_left()
    try:
        return diagnose_part(
            part,
            violation,
            start=start,
            to_end=to_end,
            show_payload=_Settings.show_payload,
            examine=examine,
        )
    finally:
        budget.spend()


def _without_query(path: str | bytes | None) -> str | None:
    if isinstance(path, bytes):
        path = path[: LONGEST + 1].decode("latin-1")
    return path and path.partition("?")[0]


def _one_line(text: str | bytes | None) -> str:
    """Return a value that the remote chose, bounded, and without line breaks."""
    if text is None:
        return ""
    if isinstance(text, bytes):
        text = text[: LONGEST + 1].decode("latin-1")
    cut = text[:LONGEST].replace("\\", "\\\\").replace('"', '\\"')
    shown = "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in cut
    )
    return shown + ("..." if len(text) > LONGEST else "")
