"""When to reconnect after a close: growing, jittered delays, and after which errors.

RFC 6455 section 7.2.3 (abnormal closures and truncated exponential backoff).  The table of
close codes says after which codes to reconnect, ``_verdict`` after which errors.

Invariant: a ceiling never exceeds the cap and never shrinks before ``reset``; a delay is
never negative nor above its ceiling.  Only an ``Exception`` is retried, and only if
``retry_if`` says yes.
"""

from __future__ import annotations

import time
from types import AsyncGeneratorType, CoroutineType, GeneratorType

from ._arguments import not_an_integer_or_none
from ._verdict import retry_after, worth_retrying
from .closecodes import should_reconnect

__all__ = ["Backoff", "retry", "retry_async", "should_reconnect", "worth_retrying"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from typing import Literal, Protocol, TypeVar

    _T = TypeVar("_T")

    class _Random(Protocol):
        """What ``random.Random`` and ``random`` itself have."""

        def uniform(self, a: float, b: float, /) -> float: ...


_ITERABLE_COROUTINE = 0x100  # CO_ITERABLE_COROUTINE of the module ``inspect``


class Backoff:
    """An iterator over delays, in seconds: exponential, with jitter and a cap.

    The n-th delay, from 0, is at most ``min(cap, base * factor**n)``, its ceiling.  Call
    ``reset`` once a connection has proved good, for instance after its first message.  If
    you reset as soon as it is open, a server that accepts and closes at once is called again
    without growing pauses.

    Args:
        base: the first ceiling, in seconds; with 0 there are no pauses at all.
        factor: how many times as large each ceiling is as the one before.
        cap: the largest ceiling, in seconds.
        jitter: ``"full"`` for a random delay from 0 to the ceiling, so that many clients
            spread out; ``"equal"`` for a random delay from half the ceiling to the ceiling;
            ``"none"`` for the ceiling itself.
        max_attempts: the number of delays; ``None`` for no limit, 0 for no retries.
        rng: the source of randomness, such as a ``random.Random``; by default a new one.

    Raises:
        TypeError, ValueError: an argument has the wrong type or value.

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
            if isinstance(max_attempts, bool) or not isinstance(max_attempts, int):
                raise not_an_integer_or_none("max_attempts", max_attempts)
            if max_attempts < 0:
                raise ValueError(f"max_attempts must not be negative, but is {max_attempts}")
        if rng is not None and not callable(getattr(rng, "uniform", None)):
            raise TypeError(f"rng must be like random.Random, not {type(rng).__name__}")
        self._jitter = jitter
        self._max_attempts = max_attempts
        self._rng = rng
        self.reset()

    @property
    def attempts(self) -> int:
        """How many delays were taken since the last ``reset``."""
        return self._attempts

    @property
    def cap(self) -> float:
        """The largest ceiling, in seconds."""
        return self._cap

    @property
    def ceiling(self) -> float:
        """The longest that the next delay can be, in seconds."""
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
        ceiling = self._ceiling
        delay = ceiling if self._jitter == "none" else self._drawn(ceiling)
        # Multiplied one step at a time: factor**n would overflow after some hundred.
        higher = min(self._cap, ceiling * self._factor)
        # No call between these two: a signal handler that raises finds both changed or neither.
        self._attempts += 1
        self._ceiling = higher
        return delay

    def _drawn(self, ceiling: float) -> float:
        """Return a random delay."""
        least = ceiling / 2 if self._jitter == "equal" else 0.0
        delay = self._random().uniform(least, ceiling)
        # The source may be anybody's; what it says must not become an endless or no pause.
        if not isinstance(delay, (int, float)):
            raise TypeError(f"rng.uniform must return a float, not {type(delay).__name__}")
        if not least <= delay <= ceiling:
            raise ValueError(f"rng.uniform({least}, {ceiling}) returned {delay}")
        return float(delay)

    def _random(self) -> _Random:
        if self._rng is None:
            import random  # here, because it would cost more than the rest of wsfast to import

            self._rng = random.Random()
        return self._rng

    def __repr__(self) -> str:
        return (
            f"Backoff(base={self._base}, factor={self._factor}, cap={self._cap}, "
            f"jitter={self._jitter!r}, max_attempts={self._max_attempts})"
        )


def _number(name: str, value: float, *, least: float) -> float:
    """Return the value as a ``float`` that can be waited for: neither infinite nor NaN."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{name} must be a number, not {type(value).__name__}")
    try:
        number = float(value)
    except OverflowError:
        number = float("inf")
    if not least <= number < float("inf"):
        raise ValueError(f"{name} must be finite and at least {least:g}, not {number:g}")
    return number


def retry(
    attempt: Callable[[], _T],
    *,
    backoff: Backoff | None = None,
    retry_if: Callable[[BaseException], bool] = worth_retrying,
    sleep: Callable[[float], object] = time.sleep,
) -> _T:
    """Call a function until it succeeds, with the delays of a ``Backoff`` between attempts.

    ``KeyboardInterrupt`` and everything else that is not an ``Exception`` is raised at once.
    If the server asks for a pause (``Retry-After``), that pause comes before the delay; it is
    no longer than the cap of the ``Backoff``.

    Args:
        attempt: the function to call; it connects, for instance.  For a coroutine function
            use ``retry_async``.
        backoff: the delays; by default ``Backoff()``, which has no end.  ``attempt`` may
            ``reset`` it once its connection has proved good.
        retry_if: a function that takes an error and returns whether to try again.
        sleep: the function that waits; it takes seconds.

    Returns:
        What ``attempt`` returned.

    Raises:
        Exception: what the last attempt raised, if ``retry_if`` said no to it or no delay
            was left.
        TypeError: an argument has the wrong type; or ``attempt`` returned an awaitable or a
            generator, so that nothing was attempted.
    """
    delays = _checked(attempt, backoff, retry_if, sleep)
    while True:
        try:
            result = attempt()
        except Exception as error:
            delay = _delay(delays, retry_if, error)
            if delay is None:
                raise
        else:
            if not_started := _not_started(result):
                raise TypeError(f"attempt returned {not_started}: use retry_async")
            return result
        if not_started := _not_started(sleep(delay)):
            raise TypeError(f"sleep returned {not_started}: use retry_async")


async def retry_async(
    attempt: Callable[[], Awaitable[_T]],
    *,
    backoff: Backoff | None = None,
    retry_if: Callable[[BaseException], bool] = worth_retrying,
    sleep: Callable[[float], Awaitable[object]] | None = None,
) -> _T:
    """Await a coroutine function until it succeeds, with delays between attempts.

    It works as ``retry``.  A cancellation is never taken for a failure: it is raised at once.

    Args:
        attempt: the coroutine function to call and await, or another function that returns
            an awaitable; it connects, for instance.
        backoff: the delays; by default ``Backoff()``, which has no end.
        retry_if: a function that takes an error and returns whether to try again.
        sleep: the function that waits; it takes seconds; by default ``asyncio.sleep``.

    Returns:
        What awaiting ``attempt`` returned.

    Raises:
        Exception: what the last attempt raised, if ``retry_if`` said no to it or no delay
            was left.
        TypeError: an argument has the wrong type; or ``attempt`` or ``sleep`` did not return
            an awaitable.
    """
    if sleep is None:
        import asyncio  # here, because only its users should pay for it

        sleep = asyncio.sleep
    delays = _checked(attempt, backoff, retry_if, sleep)
    while True:
        try:
            awaitable = attempt()
            if _is_awaitable(awaitable):
                return await awaitable
        except Exception as error:
            delay = _delay(delays, retry_if, error)
            if delay is None:
                raise
        else:
            raise _not_awaitable("attempt", awaitable)
        pause = sleep(delay)
        if not _is_awaitable(pause):
            raise _not_awaitable("sleep", pause)
        await pause


def _checked(attempt: object, backoff: Backoff | None, retry_if: object, sleep: object) -> Backoff:
    """Return the delays, after a look at the arguments of ``retry``."""
    for name, value in (("attempt", attempt), ("retry_if", retry_if), ("sleep", sleep)):
        if not callable(value):
            wrong = _not_started(value) or type(value).__name__
            raise TypeError(f"{name} must be a function, not {wrong}")
    if backoff is not None and not isinstance(backoff, Backoff):
        raise TypeError(f"backoff must be a Backoff or None, not {type(backoff).__name__}")
    return Backoff() if backoff is None else backoff


def _delay(
    delays: Backoff, retry_if: Callable[[BaseException], bool], error: Exception
) -> float | None:
    """Return how long to wait before the next attempt; ``None`` if there is none."""
    verdict = retry_if(error)
    if not_started := _not_started(verdict):
        raise TypeError(f"retry_if must return a bool, not {not_started}")
    delay = next(delays, None) if verdict else None
    return None if delay is None else delay + min(retry_after(error), delays.cap)


def _not_started(value: object) -> str | None:
    """Name the kind of a value that stands for work not yet done; close a coroutine."""
    if isinstance(value, CoroutineType):
        value.close()  # or it would warn that it was never awaited
        return "a coroutine"
    if isinstance(value, GeneratorType):
        return "a generator"
    if isinstance(value, AsyncGeneratorType):
        return "an async generator"
    return f"an awaitable ({type(value).__name__})" if _is_awaitable(value) else None


def _is_awaitable(value: object) -> bool:
    """Tell whether ``await`` takes the value; generators of ``types.coroutine`` too."""
    if isinstance(value, GeneratorType):
        return bool(value.gi_code.co_flags & _ITERABLE_COROUTINE)
    return hasattr(type(value), "__await__")


def _not_awaitable(name: str, value: object) -> TypeError:
    kind = _not_started(value) or type(value).__name__
    return TypeError(f"{name} must return an awaitable, not {kind}; retry takes plain functions")
