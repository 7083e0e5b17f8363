"""When to come back after a close: growing, jittered delays, and for which codes.

RFC 6455 section 7.2.3 (abnormal closures and truncated exponential backoff); the table of
close codes says after which of them to reconnect.

Invariant: a ceiling never exceeds the cap and never shrinks before ``reset``; a delay is
never negative nor above its ceiling.  Nothing is retried whose code says no.
"""

from __future__ import annotations

import time

from ._arguments import not_an_integer_or_none
from .closecodes import explain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from typing import Literal, Protocol, TypeVar

    _T = TypeVar("_T")

    class _Random(Protocol):
        """What ``random.Random`` and ``random`` itself have."""

        def uniform(self, a: float, b: float, /) -> float: ...


# Answers to an opening handshake that a moment may change: 500, 502, 503, 504, as a proxy
# gives them while the server behind it restarts; 408 and 429, which ask to come later.
_PASSING_STATUS = frozenset({408, 429, 500, 502, 503, 504})


def should_reconnect(code: int) -> bool:
    """Tell whether to connect again after a close with this code.

    Yes after 1001, 1006, 1011 to 1014 and 3008; for 1011 and 1013 ``explain(code)`` advises
    a long pause.  No after the others: the close was intended, or a retry would repeat the
    fault.  Codes from 3000 that are not registered mean what an application agreed, so it
    has to decide; the answer here is no.

    Args:
        code: 0 to 65535; use 1006 if there was no close frame, 1005 if it had no code.

    Raises:
        TypeError, ValueError: ``code`` is no close code; see ``explain``.

    RFC 6455 section 7.4.

    >>> should_reconnect(1001), should_reconnect(1007)
    (True, False)
    """
    return explain(code).reconnect != "no"


class Backoff:
    """Iterate over delays, in seconds: exponential, with jitter and a cap.

    The n-th delay, from 0, has the ceiling ``min(cap, base * factor**n)``.  Call ``reset``
    once a connection has proved good, not as soon as it is open, or a server that accepts
    and then closes is asked again at once.

    Args:
        base: the first ceiling, in seconds.
        factor: by what each ceiling is larger than the one before.
        cap: the largest ceiling, in seconds.
        jitter: ``"full"``, anything from 0 to the ceiling, so that many clients spread
            out; ``"equal"``, from half of it; ``"none"``, the ceiling itself.
        max_attempts: how many delays there are; ``None`` for no end.
        rng: where randomness comes from, as ``random.Random``; that module by default.

    Raises:
        TypeError, ValueError: an argument is none of these.

    RFC 6455 section 7.2.3.

    >>> list(Backoff(base=1, factor=2, cap=5, jitter="none", max_attempts=4))
    [1.0, 2.0, 4.0, 5.0]
    """

    def __init__(
        self,
        base: float = 1.0,
        factor: float = 2.0,
        cap: float = 60.0,
        jitter: Literal["full", "equal", "none"] = "full",
        max_attempts: int | None = None,
        rng: _Random | None = None,
    ) -> None:
        self._base = _number("base", base, least=0.0)
        self._factor = _number("factor", factor, least=1.0)
        self._cap = _number("cap", cap, least=self._base)
        if jitter not in ("full", "equal", "none"):
            raise ValueError(f"jitter must be 'full', 'equal' or 'none', not {jitter!r}")
        if max_attempts is not None:
            if not isinstance(max_attempts, int):
                raise not_an_integer_or_none("max_attempts", max_attempts)
            if max_attempts < 0:
                raise ValueError(f"max_attempts must not be negative, but is {max_attempts}")
        if rng is not None and not callable(getattr(rng, "uniform", None)):
            raise TypeError(f"rng must be as random.Random is, not {type(rng).__name__}")
        self._jitter = jitter
        self._max_attempts = max_attempts
        self._rng = rng
        self.reset()

    @property
    def attempts(self) -> int:
        """How many delays were taken since the last ``reset``."""
        return self._attempts

    @property
    def ceiling(self) -> float:
        """The most that the next delay can be, in seconds."""
        return self._ceiling

    def reset(self) -> None:
        """Start again from ``base``."""
        self._attempts = 0
        self._ceiling = self._base

    def __iter__(self) -> Iterator[float]:
        return self

    def __next__(self) -> float:
        if self._max_attempts is not None and self._attempts >= self._max_attempts:
            raise StopIteration
        self._attempts += 1
        ceiling = self._ceiling
        # Multiplied one step at a time: factor**n would overflow after some hundred.
        self._ceiling = min(self._cap, ceiling * self._factor)
        if self._jitter == "none":
            return ceiling
        return self._random().uniform(ceiling / 2 if self._jitter == "equal" else 0.0, ceiling)

    def _random(self) -> _Random:
        if self._rng is None:
            import random  # here, for it would cost more than the rest of wsfast to import

            self._rng = random.Random()
        return self._rng

    def __repr__(self) -> str:
        return (
            f"Backoff(base={self._base}, factor={self._factor}, cap={self._cap}, "
            f"jitter={self._jitter!r}, max_attempts={self._max_attempts})"
        )


def _number(name: str, value: float, *, least: float) -> float:
    """Return the value as a ``float``; infinity and NaN are no numbers to wait for."""
    if not isinstance(value, (int, float)):
        raise TypeError(f"{name} must be a number, not {type(value).__name__}")
    if not least <= value < float("inf"):
        raise ValueError(f"{name} must be finite and at least {least:g}, not {value}")
    return float(value)


def worth_retrying(error: BaseException) -> bool:
    """Tell whether an error is one that a later attempt may not meet.

    An error that holds close codes is judged by them: ``rcvd`` and ``sent``, as the
    ``ConnectionClosed`` of websockets has, or ``code``, as the ``WebSocketError`` of
    aiohttp has.  All of them have to say yes: who had to send 1007 would get the same
    octets again.  A refused opening handshake is judged by its HTTP status (408, 429, 500,
    502, 503 and 504 may pass).  Of other errors, ``OSError`` (refused, reset, timed out)
    and ``EOFError`` may pass.

    Args:
        error: what the attempt raised.
    """
    codes = _close_codes(error)
    if codes:
        return all(should_reconnect(code) for code in codes)
    status = _http_status(error)
    if status is not None:
        return status in _PASSING_STATUS
    return isinstance(error, (OSError, EOFError))


def _close_codes(error: BaseException) -> list[int]:
    if hasattr(error, "rcvd") and hasattr(error, "sent"):
        frames = [frame for frame in (error.rcvd, error.sent) if frame is not None]
        return [_code(frame) for frame in frames] or [1006]
    code = _code(error)
    # An HTTP status of three digits is also called a code.
    return [code] if 1000 <= code <= 4999 else []


def _code(holder: object) -> int:
    code = getattr(holder, "code", None)
    return int(code) if isinstance(code, int) else 0


def _http_status(error: BaseException) -> int | None:
    response = getattr(error, "response", None)
    for holder, name in ((response, "status_code"), (error, "status"), (error, "code")):
        status = getattr(holder, name, None)
        if isinstance(status, int) and 100 <= status <= 599:
            return status
    return None


def retry(
    attempt: Callable[[], _T],
    *,
    backoff: Backoff | None = None,
    retry_if: Callable[[BaseException], bool] = worth_retrying,
    sleep: Callable[[float], object] = time.sleep,
) -> _T:
    """Call until it succeeds, with the delays of a ``Backoff`` between attempts.

    Args:
        attempt: what to call, such as a function that connects.
        backoff: the delays; by default ``Backoff()``, which has no end.  ``attempt`` may
            ``reset`` it once its connection has proved good.
        retry_if: tells of an error whether to try again.
        sleep: what waits; takes seconds.

    Returns:
        What ``attempt`` returned.

    Raises:
        Exception: what the last attempt raised, if ``retry_if`` said no to it or the
            delays came to an end.
    """
    delays = Backoff() if backoff is None else backoff
    while True:
        try:
            return attempt()
        except Exception as error:
            delay = next(delays, None) if retry_if(error) else None
            if delay is None:
                raise
        sleep(delay)


async def retry_async(
    attempt: Callable[[], Awaitable[_T]],
    *,
    backoff: Backoff | None = None,
    retry_if: Callable[[BaseException], bool] = worth_retrying,
    sleep: Callable[[float], Awaitable[object]] | None = None,
) -> _T:
    """Await until it succeeds, with the delays of a ``Backoff`` between attempts.

    Cancellation is never taken for a failure.

    Args:
        attempt: what to call and await, such as a coroutine function that connects.
        backoff: the delays; by default ``Backoff()``, which has no end.
        retry_if: tells of an error whether to try again.
        sleep: what waits; takes seconds; ``asyncio.sleep`` by default.

    Returns:
        What ``attempt`` returned.

    Raises:
        Exception: what the last attempt raised, if ``retry_if`` said no to it or the
            delays came to an end.
    """
    if sleep is None:
        import asyncio  # here, for only its users should pay for it

        sleep = asyncio.sleep
    delays = Backoff() if backoff is None else backoff
    while True:
        try:
            return await attempt()
        except Exception as error:
            delay = next(delays, None) if retry_if(error) else None
            if delay is None:
                raise
        await sleep(delay)
