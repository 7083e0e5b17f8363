"""Whether to try again after an error of any library.

Invariant: no third-party library is imported, and no exception is recognised by its module.
The facts in an error decide (a close code, an HTTP status, the kind of built-in error that it
is or wraps); only without such facts, the name of its class decides.  Nothing that an error
does (a property that raises, a lying integer, a cycle of causes) escapes from here or causes a
warning.
"""

from __future__ import annotations

import sys

from .closecodes import should_reconnect

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

# HTTP statuses: temporary ones among 4xx, permanent ones among 5xx.
_PASSING_4XX = frozenset({408, 425, 429})
_LASTING_5XX = frozenset({501, 505})

# Bugs in a program or its configuration: another attempt would fail the same way.
_FAULTS = (
    *(ValueError, TypeError, LookupError, AttributeError, NameError, AssertionError),
    *(ArithmeticError, ImportError, SyntaxError, MemoryError, ReferenceError, BufferError),
    *(NotImplementedError, RecursionError, StopIteration, StopAsyncIteration, Warning),
)

# ``SSLError.reason`` of TLS errors that the network or the server's state causes; all others
# are about certificates, versions or ciphers.
_PASSING_TLS = frozenset(
    {
        "APPLICATION_DATA_AFTER_CLOSE_NOTIFY",
        "DECRYPTION_FAILED_OR_BAD_RECORD_MAC",
        "SSLV3_ALERT_BAD_RECORD_MAC",
        "SSL/TLS_ALERT_BAD_RECORD_MAC",
        "TLSV1_ALERT_INTERNAL_ERROR",
        "UNEXPECTED_EOF_WHILE_READING",
    }
)

# Names of network errors without facts: ``ServerDisconnectedError``,
# ``WebSocketConnectionClosedException``, ``ConnectionTimeout``, ``BrokenResourceError``.
# Not ``ConnectionError``: python-socketio uses that name for a refusal.
_NETWORK_NAMES = (
    *("timeout", "timedout", "tooslow", "disconnect", "connectionclosed", "connectionlost"),
    *("connectionreset", "networkerror", "endofstream", "brokenresource", "websocketclosed"),
)
# A ``RemoteProtocolError`` is a hang-up or a malformed answer; only its text says which.
_HANG_UP_TEXTS = ("ConnectionClosed", "closed connection", "Server disconnected")


def worth_retrying(error: BaseException) -> bool:
    """Tell whether a later attempt may succeed after this error.

    The first of these rules that applies decides:

    1. A certificate or TLS failure anywhere in the chain of causes: no.
    2. The close codes and HTTP statuses that it carries: yes if all of them are temporary.
       For a close code ``should_reconnect`` decides.  Temporary statuses are 408, 425, 429
       and those from 500 on, except 501 and 505.
    3. Its type: yes for ``EOFError``, and for ``OSError`` (refused, reset, timed out, name
       not found) unless it is about a file; no for a bug in a program, like ``ValueError``.
    4. The same rules for its ``__cause__``, or for its ``__context__`` unless ``from None``
       hides it.  The context of a built-in error does not count.
    5. The name of its class, such as ``ServerDisconnectedError``.

    For an exception group the answer is yes only if it is yes for every error in it.  If no
    rule applies, the answer is no; for a ``BaseException`` such as ``KeyboardInterrupt`` too.

    Args:
        error: what the attempt raised.

    RFC 6455 sections 7.2.3 and 7.4.

    >>> worth_retrying(ConnectionRefusedError()), worth_retrying(ValueError())
    (True, False)
    """
    judged = False
    for each in _leaves(error):
        if not _judge(each):
            return False
        judged = True
    return judged


def retry_after(error: BaseException) -> float:
    """Return how many seconds the server asks to wait (``Retry-After``), 0.0 if it does not."""
    return max((_asked(each) for leaf in _leaves(error) for each in _chain(leaf)), default=0.0)


def _leaves(error: BaseException) -> Iterator[BaseException]:
    """Yield the errors to judge: the error itself, or each error of the group that decides."""
    seen: set[int] = set()
    pending = [error]
    while pending:
        current = pending.pop()
        group = _deciding_group(current)
        if group is None:
            yield current
        elif id(group) not in seen:
            seen.add(id(group))
            pending += group.exceptions


def _deciding_group(error: BaseException) -> BaseExceptionGroup[BaseException] | None:
    """Return the group that an error is, or the group that caused it if nothing before decides."""
    for each in _chain(error):
        if isinstance(each, BaseExceptionGroup):
            return each
        if not isinstance(each, Exception) or _verdict_by_facts(each) is not None:
            break
    return None


def _judge(error: BaseException) -> bool:
    """Return the verdict on one error and its causes."""
    if not isinstance(error, Exception):
        return False
    if any(map(_is_tls_failure, _chain(error, suppressed=True))):
        return False
    for each in _chain(error):
        verdict = _verdict_by_facts(each)
        if verdict is not None:
            return verdict
    return any(map(_named_for_the_network, _chain(error)))


def _chain(error: BaseException, *, suppressed: bool = False) -> Iterator[BaseException]:
    """Yield an error and its causes, one after the other, each once."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = _cause(current, suppressed)


def _cause(error: BaseException, suppressed: bool) -> BaseException | None:
    """Return the cause of an error; a cancellation, which timeouts come from, doesn't count."""
    # urllib's URLError and the errors of requests have their cause in an attribute.
    candidates = [error.__cause__, _read(error, "reason")]
    ours = type(error).__module__ == "builtins"
    if not ours:
        candidates += error.args
    if suppressed or not (ours or error.__suppress_context__):
        candidates.append(error.__context__)
    kinds = (Exception, BaseExceptionGroup)
    return next((found for found in candidates if isinstance(found, kinds)), None)


def _is_tls_failure(error: BaseException) -> bool:
    """Return whether TLS failed for a permanent reason."""
    ssl = sys.modules.get("ssl")  # if nobody imported it, nobody raised its errors
    if ssl is None or not isinstance(error, ssl.SSLError):
        return False
    if isinstance(error, ssl.SSLCertVerificationError):
        return True
    cut_off = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError)
    if isinstance(error, (*cut_off, ssl.SSLWantReadError, ssl.SSLWantWriteError)):
        return False
    reason = _read(error, "reason")
    if reason is None:  # aiohttp's own error: only its cause explains it
        return _cause(error, suppressed=True) is None
    return reason not in _PASSING_TLS


def _verdict_by_facts(error: BaseException) -> bool | None:
    """Judge an error by codes, statuses and its type; ``None`` if these don't decide."""
    numbers = set(_numbers(error))
    if numbers:
        return all(map(_may_pass, numbers))
    if isinstance(error, _FAULTS):
        return False
    if isinstance(error, EOFError):
        return True
    if isinstance(error, OSError):
        return _read(error, "filename") is None
    return None


def _may_pass(number: int) -> bool:
    """Judge a close code or an HTTP status; their ranges don't overlap."""
    if number >= 1000:
        return should_reconnect(number)
    return number in _PASSING_4XX or (number >= 500 and number not in _LASTING_5XX)


def _numbers(error: BaseException) -> Iterator[int]:
    """Yield the close codes and HTTP statuses that an error carries."""
    frames = [_read(error, name, missing=_MISSING) for name in ("rcvd", "sent")]
    if not any(frame is _MISSING for frame in frames):  # like ConnectionClosed of websockets
        codes = [_integer(_read(frame, "code")) for frame in frames if frame is not None]
        for code in codes or [1006]:
            yield code if code is not None and 1000 <= code <= 4999 else 0
        return
    for holder in (error, *_holders(error)):
        for name in ("status", "status_code", "close_code", "code"):
            number = _integer(_read(holder, name))
            if number is not None and (200 <= number <= 599 or 1000 <= number <= 4999):
                yield number
    for value in (_read(error, "reason"), *_arguments(error)[:1]):
        number = _integer(value)
        if number is not None and (400 <= number <= 599 or 1000 <= number <= 4999):
            yield number


def _holders(error: BaseException) -> tuple[object, ...]:
    """Return the objects that may have a number or headers: a response, a close reason."""
    return (_read(error, "response"), _read(error, "reason"), *_arguments(error))


def _arguments(error: BaseException) -> tuple[object, ...]:
    """Return the arguments of an error; those of an ``OSError`` begin with an ``errno``."""
    if type(error).__module__ == "builtins" or isinstance(error, OSError):
        return ()
    return error.args


def _integer(value: object) -> int | None:
    """Return a plain int, not a subclass that may compare in its own way."""
    return int.__index__(value) if isinstance(value, int) else None


def _named_for_the_network(error: BaseException) -> bool:
    for cls in type(error).__mro__:
        name = cls.__name__.lower()
        if any(word in name for word in _NETWORK_NAMES):
            return True
        if name == "remoteprotocolerror":
            return any(text in _text(error) for text in _HANG_UP_TEXTS)
    return False


def _asked(error: BaseException) -> float:
    """Return the ``Retry-After`` of an error, of its response or of its arguments."""
    for holder in (error, *_holders(error)):
        for name in ("headers", "resp_headers"):
            for field, value in _fields(_read(holder, name)):
                if field.lower() == "retry-after":
                    return _seconds(value.strip())
    return 0.0


def _fields(headers: Any) -> Iterator[tuple[str, str]]:
    """Yield the fields of a mapping of headers or of a list of pairs, as text."""
    try:
        pairs = list(headers.items() if hasattr(headers, "items") else headers or ())
        for pair in pairs:
            name, value = (x.decode("latin-1") if isinstance(x, bytes) else str(x) for x in pair)
            yield name, value
    except Exception:  # noqa: BLE001 # whatever it is, it is not a list of headers
        return


def _seconds(value: str) -> float:
    """Return the seconds that a ``Retry-After`` asks for: a number, or the time of a date."""
    if value.isascii() and value.isdecimal():
        return float(value[:9])
    from datetime import UTC, datetime
    from email.utils import parsedate_to_datetime

    try:
        then = parsedate_to_datetime(value)
        return max(0.0, (then.astimezone(UTC) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError, OverflowError):
        return 0.0


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 # an error that can't say what it is
        return ""


_MISSING = object()


def _read(holder: object, name: str, *, missing: object = None) -> Any:
    """Return an attribute, unless it is a property that warns that it is deprecated."""
    import inspect  # not at the top: it takes longer to import than the rest of wsfast

    try:
        found = inspect.getattr_static(holder, name)
        if isinstance(found, property) and _warns(found):
            return missing
        return getattr(holder, name)
    except Exception:  # noqa: BLE001 # not there, or a property that raises
        return missing


def _warns(found: property) -> bool:
    """Return whether a property warns, judged by its code."""
    names = getattr(getattr(found.fget, "__code__", None), "co_names", ())
    if hasattr(found.fget, "__deprecated__"):
        return True
    return any("warn" in name.lower() or "deprecat" in name.lower() for name in names)
