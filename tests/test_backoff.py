"""Delays before a reconnect, and after which codes and errors there is one."""

from __future__ import annotations

import asyncio
import random
import urllib.error
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsfast.backoff import Backoff, retry, retry_async, should_reconnect, worth_retrying

YES = {1001, 1006, 1011, 1012, 1013, 1014, 3008}


@pytest.mark.parametrize("code", [*range(1000, 1017), 2000, 3000, 3003, 3008, 3999, 4000, 4999])
def test_should_reconnect_only_where_a_retry_may_help(code: int) -> None:
    assert should_reconnect(code) is (code in YES)


def test_backoff_without_jitter_grows_to_the_cap() -> None:
    delays = Backoff(base=0.5, factor=3, cap=10, jitter="none")
    assert [next(delays) for _ in range(5)] == [0.5, 1.5, 4.5, 10, 10]
    assert delays.attempts == 5


@given(
    base=st.floats(0, 100),
    factor=st.floats(1, 1e300),
    more=st.floats(0, 1e6),
    jitter=st.sampled_from(["full", "equal", "none"]),
    seed=st.integers(),
)
def test_backoff_any_delay_is_between_its_bounds(
    base: float, factor: float, more: float, jitter: str, seed: int
) -> None:
    delays = Backoff(base, factor, base + more, jitter, rng=random.Random(seed))  # type: ignore[arg-type]
    before = 0.0
    for _ in range(40):
        ceiling = delays.ceiling
        assert before <= ceiling <= base + more
        least = {"full": 0.0, "equal": ceiling / 2, "none": ceiling}[jitter]
        assert least <= next(delays) <= ceiling
        before = ceiling


def test_backoff_after_a_thousand_attempts_does_not_overflow() -> None:
    delays = Backoff(factor=1e300, jitter="none")
    assert [next(delays) for _ in range(1000)][-1] == 60.0


def test_backoff_full_jitter_spreads_many_clients() -> None:
    delays = [next(Backoff(base=1, rng=random.Random(seed))) for seed in range(2000)]
    for tenth in range(10):
        share = sum(tenth / 10 <= delay < (tenth + 1) / 10 for delay in delays)
        assert 140 < share < 260, "200 of 2000 are expected in each tenth of a second"


def test_backoff_own_randomness_differs_from_one_to_the_next() -> None:
    assert len({next(Backoff()) for _ in range(100)}) > 90


def test_backoff_max_attempts_ends_and_reset_starts_again() -> None:
    delays = Backoff(base=1, jitter="none", max_attempts=2)
    assert list(delays) == [1, 2]
    assert list(delays) == []
    delays.reset()
    assert list(delays) == [1, 2]
    assert list(Backoff(max_attempts=0)) == []


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"base": -1}, ValueError, "base must be finite and at least 0, not -1"),
        ({"base": "1"}, TypeError, "base must be a number, not str"),
        ({"base": float("nan")}, ValueError, "base must be finite"),
        ({"factor": 0.5}, ValueError, "factor must be finite and at least 1, not 0.5"),
        ({"cap": 0.5}, ValueError, "cap must be finite and at least 1, not 0.5"),
        ({"cap": float("inf")}, ValueError, "cap must be finite"),
        ({"jitter": "some"}, ValueError, "jitter must be 'full', 'equal' or 'none', not 'some'"),
        ({"max_attempts": -1}, ValueError, "max_attempts must not be negative, but is -1"),
        ({"max_attempts": 1.5}, TypeError, "max_attempts must be an integer or None, not float"),
        ({"rng": 7}, TypeError, "rng must be as random.Random is, not int"),
    ],
)
def test_backoff_of_wrong_arguments_raises(
    arguments: dict[str, object], error: type[Exception], text: str
) -> None:
    with pytest.raises(error, match=text):
        Backoff(**arguments)  # type: ignore[arg-type]


class StrangeError(Exception):
    """An error of some library."""


def closed(rcvd: int | None, sent: int | None) -> StrangeError:
    """Make an error as the ``ConnectionClosed`` of websockets is."""
    return with_fields(
        rcvd=rcvd and SimpleNamespace(code=rcvd), sent=sent and SimpleNamespace(code=sent)
    )


def with_fields(**fields: object) -> StrangeError:
    error = StrangeError()
    for name, value in fields.items():
        setattr(error, name, value)
    return error


@pytest.mark.parametrize(
    ("error", "wanted"),
    [
        (ConnectionRefusedError(), True),
        (TimeoutError(), True),
        (EOFError(), True),
        (ValueError(), False),
        (KeyError(), False),
        (closed(None, None), True),
        (closed(1001, 1001), True),
        (closed(1012, None), True),
        (closed(1007, 1007), False),
        (closed(None, 1007), False),
        (closed(1001, 1007), False),
        (closed(1000, 1000), False),
        (with_fields(code=1007), False),
        (with_fields(code=1001), True),
        (with_fields(code="x"), False),
        (with_fields(response=SimpleNamespace(status_code=503)), True),
        (with_fields(response=SimpleNamespace(status_code=401)), False),
        (with_fields(status=502), True),
        (with_fields(status=404), False),
        (urllib.error.HTTPError("", 404, "", {}, None), False),  # type: ignore[arg-type]
        (urllib.error.HTTPError("", 503, "", {}, None), True),  # type: ignore[arg-type]
    ],
    ids=repr,
)
def test_worth_retrying_judges_by_codes_then_status_then_kind(
    error: Exception, wanted: bool
) -> None:
    assert worth_retrying(error) is wanted


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
