"""Delays before a reconnect, and after which close codes there is one."""

from __future__ import annotations

import random
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsfast.backoff import Backoff, should_reconnect

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
        *(
            ({name: value}, TypeError, f"{name} must be a number, not {type(value).__name__}")
            for name in ("base", "factor", "cap")
            for value in (True, None, "1", 1j, [1])
        ),
        *(
            ({name: value}, ValueError, f"{name} must be finite and at least")
            for name in ("base", "factor", "cap")
            for value in (-1, -0.5, float("nan"), float("inf"), float("-inf"), 10**400, -(10**400))
        ),
        ({"factor": 0}, ValueError, "factor must be finite and at least 1, not 0"),
        ({"cap": 0}, ValueError, "cap must be finite and at least 1, not 0"),
        ({"max_attempts": True}, TypeError, "max_attempts must be an integer or None, not bool"),
        ({"max_attempts": float("nan")}, TypeError, "max_attempts must be an integer or None"),
        ({"jitter": True}, ValueError, "jitter must be 'full', 'equal' or 'none', not True"),
        ({"base": -1}, ValueError, "base must be finite and at least 0, not -1"),
        ({"base": "1"}, TypeError, "base must be a number, not str"),
        ({"base": float("nan")}, ValueError, "base must be finite"),
        ({"factor": 0.5}, ValueError, "factor must be finite and at least 1, not 0.5"),
        ({"cap": 0.5}, ValueError, "cap must be finite and at least 1, not 0.5"),
        ({"cap": float("inf")}, ValueError, "cap must be finite"),
        ({"jitter": "some"}, ValueError, "jitter must be 'full', 'equal' or 'none', not 'some'"),
        ({"max_attempts": -1}, ValueError, "max_attempts must not be negative, but is -1"),
        ({"max_attempts": 1.5}, TypeError, "max_attempts must be an integer or None, not float"),
        ({"rng": 7}, TypeError, "rng must be like random.Random, not int"),
    ],
)
def test_backoff_of_wrong_arguments_raises(
    arguments: dict[str, object], error: type[Exception], text: str
) -> None:
    with pytest.raises(error, match=text):
        Backoff(**arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("value", "error"),
    [(-1.0, ValueError), (1e9, ValueError), (float("nan"), ValueError), ("1", TypeError)],
)
def test_backoff_of_a_broken_source_of_randomness_raises(
    value: Any, error: type[Exception]
) -> None:
    with pytest.raises(error, match="uniform"):
        next(Backoff(rng=SimpleNamespace(uniform=lambda a, b: value)))
