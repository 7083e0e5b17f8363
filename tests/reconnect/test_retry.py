"""The loop of ``retry`` and ``retry_async``: pauses, ends, interruptions and misuse."""

from __future__ import annotations

import asyncio
import functools
import types
from collections.abc import Callable, Generator
from typing import Any

import pytest

from stand_ins import StrangeError, closed, with_fields
from wsfast import Backoff, retry, retry_async


class Flaky:
    """Fail with each error in turn, then succeed."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.calls = 0

    def __call__(self) -> str:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return "connected"

    async def later(self) -> str:
        return self()


def test_retry_waits_as_the_backoff_says_and_returns() -> None:
    slept: list[float] = []
    attempt = Flaky(ConnectionRefusedError(), closed(1001, 1001), TimeoutError())
    assert retry(attempt, backoff=Backoff(base=1, jitter="none"), sleep=slept.append) == "connected"
    assert slept == [1, 2, 4]
    assert attempt.calls == 4


def test_retry_of_1007_does_not_loop() -> None:
    attempt = Flaky(closed(1007, 1007))
    slept: list[float] = []
    with pytest.raises(StrangeError):
        retry(attempt, sleep=slept.append)
    assert slept == []
    assert attempt.calls == 1


def test_retry_raises_the_last_error_once_the_delays_end() -> None:
    attempt = Flaky(*(ConnectionRefusedError(i) for i in range(9)))
    with pytest.raises(ConnectionRefusedError, match="2"):
        retry(attempt, backoff=Backoff(max_attempts=2), sleep=lambda _: None)
    assert attempt.calls == 3


def test_retry_async_does_as_retry() -> None:
    slept: list[float] = []

    async def sleep(delay: float) -> None:
        slept.append(delay)

    async def main() -> None:
        attempt = Flaky(ConnectionResetError(), EOFError())
        backoff = Backoff(base=1, jitter="none")
        assert await retry_async(attempt.later, backoff=backoff, sleep=sleep) == "connected"
        assert slept == [1, 2]
        attempt = Flaky(with_fields(code=1007))
        with pytest.raises(StrangeError):
            await retry_async(attempt.later, sleep=sleep)
        assert attempt.calls == 1

    asyncio.run(main())


def test_retry_async_really_sleeps_and_can_be_cancelled() -> None:
    async def main() -> None:
        attempt = Flaky(*(OSError() for _ in range(100)))
        task = asyncio.create_task(retry_async(attempt.later, backoff=Backoff(60, jitter="none")))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert attempt.calls == 1

    asyncio.run(main())


def test_retry_waits_as_long_as_the_server_asks_within_the_cap() -> None:
    slept: list[float] = []
    errors = [with_fields(status=429, headers={"Retry-After": asked}) for asked in ("7", "9999")]
    backoff = Backoff(base=1, cap=30, jitter="none")
    assert retry(Flaky(*errors), backoff=backoff, sleep=slept.append) == "connected"
    assert slept == [1 + 7, 2 + 30]


@pytest.mark.parametrize(
    "interruption", [KeyboardInterrupt(), SystemExit(), GeneratorExit(), asyncio.CancelledError()]
)
def test_retry_lets_an_interruption_through_at_once(interruption: BaseException) -> None:
    asked: list[BaseException] = []
    calls = []

    def attempt() -> None:
        calls.append(1)
        raise interruption

    async def attempt_async() -> None:
        attempt()

    def judge(error: BaseException) -> bool:
        asked.append(error)
        return True

    with pytest.raises(type(interruption)):
        retry(attempt, retry_if=judge)
    # Not by asyncio.run, which makes something else of some of these.
    with pytest.raises(type(interruption)):
        retry_async(attempt_async, retry_if=judge).send(None)
    assert (asked, len(calls)) == ([], 2)


async def coroutine_function() -> str:
    raise AssertionError("never to be run")


class CoroutineCallable:
    async def __call__(self) -> str:
        raise AssertionError("never to be run")


class Awaitable:
    """What a connect() that can be awaited or entered returns."""

    def __await__(self) -> Generator[None, None, str]:
        raise AssertionError("never to be run")


def generator_function() -> Generator[int, None, None]:
    yield 1


async def async_generator_function() -> Any:
    yield 1


@types.coroutine
def old_coroutine_function() -> Generator[None, None, str]:
    yield
    return "connected"


@pytest.mark.parametrize(
    ("attempt", "kind"),
    [
        (coroutine_function, "a coroutine"),
        (functools.partial(coroutine_function), "a coroutine"),
        (CoroutineCallable(), "a coroutine"),
        (lambda: coroutine_function(), "a coroutine"),
        (Awaitable, r"an awaitable \(Awaitable\)"),
        (generator_function, "a generator"),
        (old_coroutine_function, "a generator"),
        (async_generator_function, "an async generator"),
    ],
)
def test_retry_of_what_only_promises_work_says_to_use_retry_async(
    attempt: Callable[[], Any], kind: str
) -> None:
    """A coroutine that nobody awaits would warn, which is an error in these tests."""
    with pytest.raises(TypeError, match=f"^attempt returned {kind}: use retry_async$"):
        retry(attempt, retry_if=lambda error: True)


def test_retry_async_of_a_function_that_returns_an_awaitable_awaits_it() -> None:
    async def main() -> None:
        attempt = Flaky(OSError())
        quick = Backoff(base=0)
        assert await retry_async(lambda: attempt.later(), backoff=quick) == "connected"
        assert await retry_async(old_coroutine_function) == "connected"
        future = asyncio.get_running_loop().create_future()
        future.set_result("connected")
        assert await retry_async(lambda: future) == "connected"

    asyncio.run(main())


@pytest.mark.parametrize(
    ("attempt", "kind"),
    [
        (lambda: "connected", "str"),
        (lambda: None, "NoneType"),
        (generator_function, "a generator"),
        (async_generator_function, "an async generator"),
    ],
)
def test_retry_async_of_a_plain_function_says_to_use_retry(
    attempt: Callable[[], Any], kind: str
) -> None:
    text = f"^attempt must return an awaitable, not {kind}; retry takes plain functions$"
    with pytest.raises(TypeError, match=text):
        asyncio.run(retry_async(attempt, retry_if=lambda error: True))


@pytest.mark.parametrize("run", [retry, lambda *a, **k: asyncio.run(retry_async(*a, **k))])
@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"attempt": None}, "attempt must be a function, not NoneType"),
        ({"attempt": lambda: coroutine_function(), "now": True}, "attempt must be .*a coroutine"),
        ({"backoff": [1, 2]}, "backoff must be a Backoff or None, not list"),
        ({"backoff": 3}, "backoff must be a Backoff or None, not int"),
        ({"retry_if": True}, "retry_if must be a function, not bool"),
        ({"sleep": 1.0}, "sleep must be a function, not float"),
    ],
)
def test_retry_of_wrong_arguments_raises(
    run: Callable[..., Any], arguments: dict[str, Any], text: str
) -> None:
    arguments = {"attempt": Flaky(), **arguments}
    attempt = arguments.pop("attempt")
    if arguments.pop("now", False):
        attempt = attempt()  # the coroutine in place of its function
    with pytest.raises(TypeError, match=text):
        run(attempt, **arguments)


def test_retry_of_a_sleep_or_a_judge_that_does_not_do_its_work_raises() -> None:
    """Without a pause a server would be asked as fast as it can answer."""
    with pytest.raises(TypeError, match="sleep returned a coroutine: use retry_async"):
        retry(Flaky(OSError()), sleep=asyncio.sleep)
    with pytest.raises(TypeError, match="sleep must return an awaitable, not NoneType"):
        asyncio.run(retry_async(Flaky(OSError()).later, sleep=lambda _: None))  # type: ignore[arg-type,return-value]

    async def judge(error: BaseException) -> bool:
        return False

    with pytest.raises(TypeError, match="retry_if must return a bool, not a coroutine"):
        retry(Flaky(OSError()), retry_if=judge)  # type: ignore[arg-type]
