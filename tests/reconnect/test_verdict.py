"""Which errors are worth another attempt, by each attribute that can tell.

What real libraries raise is in tests/adapters/test_reconnecting.py.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import errno
import http.client
import io
import socket
import ssl
import urllib.error
import warnings
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http import HTTPStatus
from types import SimpleNamespace
from typing import Any, NoReturn

import pytest

from stand_ins import StrangeError, chained, closed, with_fields
from wsfast import InvalidUTF8, ProtocolError, validate_utf8, worth_retrying
from wsfast._verdict import retry_after


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


def test_worth_retrying_of_a_status_is_for_those_that_may_pass() -> None:
    passing = [s for s in range(200, 600) if worth_retrying(with_fields(status=s))]
    assert passing == [408, 425, 429, 500, 502, 503, 504, *range(506, 600)]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("can't handle event type ConnectionClosed when role=SERVER", True),
        ("peer unexpectedly closed connection", True),
        ("Server disconnected without sending a response.", True),
        ("illegal status line", False),
    ],
)
def test_worth_retrying_of_a_protocol_error_is_for_a_hang_up(text: str, wanted: bool) -> None:
    """As h11 and httpcore word it; they have one class for hang-ups and for nonsense."""
    assert worth_retrying(type("RemoteProtocolError", (Exception,), {})(text)) is wanted


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
