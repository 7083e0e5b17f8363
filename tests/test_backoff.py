"""Delays before a reconnect, after which codes and errors there is one, and the loop itself.

What real libraries raise is in tests/adapters/test_reconnecting.py.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import errno
import functools
import http.client
import io
import random
import socket
import ssl
import types
import urllib.error
import warnings
from collections.abc import Callable, Generator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http import HTTPStatus
from itertools import pairwise
from types import SimpleNamespace
from typing import Any, NoReturn

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsfast import InvalidUTF8, ProtocolError, validate_utf8
from wsfast._verdict import retry_after
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
        ({"rng": 7}, TypeError, "rng must be as random.Random is, not int"),
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


class StrangeError(Exception):
    """An error of some library."""


def closed(rcvd: int | None, sent: int | None) -> Exception:
    """Make an error as the ``ConnectionClosed`` of websockets is."""
    return with_fields(
        rcvd=rcvd and SimpleNamespace(code=rcvd), sent=sent and SimpleNamespace(code=sent)
    )


def with_fields(*, cls: type[Exception] = StrangeError, **fields: object) -> Exception:
    error = cls()
    for name, value in fields.items():
        setattr(error, name, value)
    return error


def validation_error() -> Exception:
    with pytest.raises(InvalidUTF8) as caught:
        validate_utf8(b"\xff")
    return caught.value


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
        (with_fields(code=70000), False),
        (with_fields(rcvd=SimpleNamespace(code=70000), sent=None), False),
        (with_fields(rcvd=SimpleNamespace(code=500), sent=None), False),
        (with_fields(code=True), False),
        (with_fields(close_code=1012), True),
        (with_fields(close_code=1009), False),
        (with_fields(reason=1001), True),
        (with_fields(reason=1000), False),
        (with_fields(reason=SimpleNamespace(code=1013)), True),
        (with_fields(reason=SimpleNamespace(code=1008)), False),
        (with_fields(status_code=503), True),
        (with_fields(status_code=404), False),
        (with_fields(response=SimpleNamespace(status=HTTPStatus.BAD_GATEWAY)), True),
        (with_fields(response=SimpleNamespace(status=403)), False),
        (with_fields(code=503), True),
        (with_fields(status=101), False),
        (with_fields(status=503, code=1007), False),
        (StrangeError(1001, "going away"), True),
        (StrangeError(1007), False),
        (StrangeError(503), True),
        (StrangeError(SimpleNamespace(code=1012)), True),
        (StrangeError(SimpleNamespace(status_code=401)), False),
        (Exception(1001), False),
        (validation_error(), False),
        (ProtocolError("RSV1 set"), False),
        (http.client.RemoteDisconnected(), True),
        (urllib.error.URLError(ConnectionRefusedError()), True),
        (urllib.error.URLError(ssl.SSLCertVerificationError()), False),
        (socket.gaierror(socket.EAI_NONAME, ""), True),
        (OSError(errno.ENETUNREACH, ""), True),
        (OSError(errno.EHOSTUNREACH, ""), True),
        (FileNotFoundError(errno.ENOENT, "", "data.json"), False),
        (FileNotFoundError(errno.ENOENT, ""), True),  # the socket of a Unix server
        (PermissionError(errno.EACCES, "", "data.json"), False),
        (io.UnsupportedOperation("write"), False),
        (ssl.SSLEOFError(), True),
        (ssl.SSLZeroReturnError(), True),
        (ssl.SSLError("no reason"), False),
        (with_fields(cls=ssl.SSLError, reason="TLSV1_ALERT_INTERNAL_ERROR"), True),
        (with_fields(cls=ssl.SSLError, reason="WRONG_VERSION_NUMBER"), False),
        (asyncio.IncompleteReadError(b"", 2), True),
        (concurrent.futures.CancelledError(), False),
        (MemoryError(), False),
        (RecursionError(), False),
        (NotImplementedError(), False),
        (KeyboardInterrupt(), False),
        (asyncio.CancelledError(), False),
        (ExceptionGroup("", [OSError(), closed(1001, 1001)]), True),
        (ExceptionGroup("", [OSError(), closed(1007, 1007)]), False),
        (ExceptionGroup("", [ExceptionGroup("", [OSError()]), ValueError()]), False),
        (BaseExceptionGroup("", [OSError(), KeyboardInterrupt()]), False),
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
    error: BaseException, wanted: bool
) -> None:
    assert worth_retrying(error) is wanted


def chained(*errors: BaseException, by: str = "__cause__") -> BaseException:
    """Return the first error, caused by the second, caused by the third, and so on."""
    for error, cause in pairwise(errors):
        setattr(error, by, cause)
    return errors[0]


@pytest.mark.parametrize(
    ("error", "wanted"),
    [
        (chained(StrangeError(), EOFError()), True),
        (chained(StrangeError(), StrangeError(), closed(1001, None)), True),
        (chained(StrangeError(), closed(1007, None)), False),
        (chained(StrangeError(), ValueError()), False),
        (chained(StrangeError(), OSError(), by="__context__"), True),
        (chained(StrangeError(), ssl.SSLCertVerificationError(), by="__context__"), False),
        (chained(ConnectionResetError(), ssl.SSLCertVerificationError()), False),
        (chained(ExceptionGroup("", [OSError()]), OSError()), True),
        (chained(StrangeError(), ExceptionGroup("", [OSError(), ValueError()])), False),
        (chained(StrangeError(), ExceptionGroup("", [OSError()])), True),
        (chained(closed(1007, None), ExceptionGroup("", [OSError()])), False),
        (chained(StrangeError(), EOFError(), ExceptionGroup("", [ValueError()])), True),
        (chained(KeyboardInterrupt(), ExceptionGroup("", [OSError()])), False),
        (chained(RuntimeError("wrapped"), OSError()), True),
        # A fault in the code that handles an error is a fault, not that error.
        (chained(KeyError(), OSError(), by="__context__"), False),
        (chained(RuntimeError(), OSError(), by="__context__"), False),
        (chained(ValueError(), OSError()), False),
        (chained(KeyboardInterrupt(), OSError(), by="__context__"), False),
    ],
)
def test_worth_retrying_of_an_error_without_facts_judges_its_cause(
    error: BaseException, wanted: bool
) -> None:
    assert worth_retrying(error) is wanted


def test_worth_retrying_from_none_hides_the_context_but_not_a_bad_certificate() -> None:
    error = chained(StrangeError(), OSError(), by="__context__")
    error.__suppress_context__ = True
    assert not worth_retrying(error)
    error = chained(type("NetworkError", (Exception,), {})(), by="__context__")
    assert worth_retrying(error)
    error.__context__ = ssl.SSLCertVerificationError()
    error.__suppress_context__ = True  # as httpcore does
    assert not worth_retrying(error)


def test_worth_retrying_of_a_cycle_or_a_long_chain_ends() -> None:
    first, second = StrangeError(), StrangeError()
    chained(first, second, first)
    assert not worth_retrying(first)
    group = ExceptionGroup("", [first])
    chained(first, group)
    assert not worth_retrying(group)
    chain = [StrangeError() for _ in range(2000)]
    assert worth_retrying(chained(*chain, EOFError()))
    nested: Exception = OSError()
    for _ in range(2000):
        nested = ExceptionGroup("", [nested])
    assert worth_retrying(nested)
    # Unwound here: to free so deep a nest at once would go as deep in C.
    while isinstance(nested, ExceptionGroup):
        nested = nested.exceptions[0]


class Hostile(Exception):
    """An error that raises whenever it is looked at."""

    def _raise(self) -> NoReturn:
        raise RuntimeError("do not look")

    rcvd = sent = code = status = status_code = close_code = response = property(_raise)
    reason = headers = property(_raise)
    __str__ = __repr__ = _raise  # type: ignore[assignment]

    def __getattr__(self, name: str) -> NoReturn:
        raise RuntimeError("do not look")


class Deprecated(Exception):
    """An error as of aiohttp and websockets, whose old names warn."""

    status = 503

    @property
    def code(self) -> int:
        warnings.warn("use status", DeprecationWarning, stacklevel=2)
        return 404

    reason = close_code = code


class Kept(Exception):
    """An error with its close code in a property that does not warn."""

    _code = 1012

    @property
    def code(self) -> int:
        return self._code


class Liar(int):
    """An integer that compares as it likes."""

    def __le__(self, other: object) -> bool:
        return True

    __ge__ = __eq__ = __le__  # type: ignore[assignment]
    __hash__ = int.__hash__


def test_worth_retrying_of_a_hostile_error_does_not_raise() -> None:
    assert worth_retrying(Hostile()) is False
    assert worth_retrying(chained(Hostile(), EOFError())) is True
    assert worth_retrying(with_fields(code=Liar(7))) is False
    assert worth_retrying(with_fields(code=Liar(1001))) is True
    assert retry_after(Hostile()) == 0.0
    assert worth_retrying(Kept()) is True


@pytest.mark.parametrize("action", ["error", "always"])
def test_worth_retrying_reads_no_deprecated_property(action: Any) -> None:
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter(action)
        assert worth_retrying(Deprecated()) is True
    assert warned == []


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        (with_fields(headers={"Retry-After": "7"}), 7),
        (with_fields(headers=[(b"retry-after", b" 7 ")]), 7),
        (with_fields(resp_headers={"retry-after": "7"}), 7),
        (with_fields(response=SimpleNamespace(headers={"RETRY-AFTER": "7"})), 7),
        (StrangeError(SimpleNamespace(headers=[("Retry-After", "7")])), 7),
        (chained(StrangeError(), with_fields(headers={"Retry-After": "7"})), 7),
        (ExceptionGroup("", [OSError(), with_fields(headers={"Retry-After": "7"})]), 7),
        (urllib.error.HTTPError("", 503, "", {"Retry-After": "7"}, None), 7),  # type: ignore[arg-type]
        *(
            (with_fields(headers={"Retry-After": value}), 0)
            for value in ("", "-7", "soon", "nan", "inf", "7.5", "²", "1e3", "Mon, 99 Foo 2026")
        ),
        (with_fields(headers={"Retry-After": "9" * 5000}), 999_999_999),
        (with_fields(headers={"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}), 0),
        (with_fields(headers=7), 0),
        (with_fields(headers=["Retry-After"]), 0),
        (OSError(), 0),
    ],
)
def test_retry_after_is_read_from_headers_wherever_they_are(
    error: Exception, seconds: float
) -> None:
    assert retry_after(error) == seconds


def test_retry_after_of_a_date_is_the_time_until_then() -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    assert 3000 < retry_after(with_fields(headers={"Retry-After": date})) <= 3600


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
