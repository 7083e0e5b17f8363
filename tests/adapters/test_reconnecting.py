"""What ten libraries raise when a connection fails, and whether to try again after it.

Each client meets each failure over a loopback socket.  The verdict is the same for all clients;
if a library hides what the verdict needs, that is a row of ``HIDDEN`` and of the documentation.
"""

from __future__ import annotations

import asyncio
import functools
import gc
import importlib.util
import os
import re
import socket
import ssl
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import misbehaving as server
from clients import CLIENTS
from misbehaving import HOST, SECONDS, SILENCE, Server, Step, Target
from wsfast import worth_retrying
from wsfast._verdict import retry_after

trustme = pytest.importorskip("trustme")  # makes certificates

# Some of these libraries leave a socket or a task to the garbage collector after a failure.
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
WAIT = 0.3  # seconds that a client waits where nothing comes; long enough for nothing else
NAME = "name.invalid"
DOCS = Path(__file__).parents[2] / "docs" / "reconnecting.md"


class Case(NamedTuple):
    """A failure, whether another attempt may help, and the row of the docs about it."""

    row: str
    retried: bool
    step: Step = server.greet
    tls: str = ""  # the certificate of the server; "plain" if only the client speaks TLS
    seconds: float = SECONDS
    refuse: bool = False
    resolver: int = 0  # what the resolver says of the name


RETRY_AFTER = b"Retry-After: 7"


def status(code: int, row: str, retried: bool) -> dict[str, Case]:
    return {f"HTTP {code}": Case(row, retried, server.answer(code, RETRY_AFTER))}


def closed(code: int, row: str, retried: bool) -> dict[str, Case]:
    step = server.close(None if code == 1005 else code)
    return {f"closed with {code}": Case(row, retried, step)}


ASK_LATER = "HTTP 408, 425, 429"
SERVER_ERROR = "HTTP 5xx other than 501 and 505"
REFUSED = "HTTP 501, 505 and all statuses not named above"
GOES = "closed with 1001, 1012, 1014, 3008"
LATER = "closed with 1011, 1013"
DROPPED = "connection lost without a close frame (1006)"
ON_PURPOSE = "closed with 1000, or without a code (1005)"
FAULT = "closed with 1002, 1003, 1007, 1008, 1009, 1010"
PRIVATE = "closed with another code from 3000 to 4999"
HUNG_UP = "server hangs up or resets the connection during the opening or the TLS handshake"
CERTIFICATE = "certificate not trusted, expired or for another host"
NO_TLS = "TLS failed, for instance at a port without TLS"
NO_NAME = "host name not found"
TIMEOUT = "timeout, in the handshake or while reading"

CASES: dict[str, Case] = {
    "refused": Case("connection refused", True, refuse=True),
    "hung up": Case(HUNG_UP, True, server.hang_up),
    "reset": Case(HUNG_UP, True, server.reset),
    "cut short": Case(HUNG_UP, True, server.cut_short),
    "hung up in TLS": Case(HUNG_UP, True, server.hang_up_on_tls, tls="plain"),
    **status(200, REFUSED, False),
    **status(400, REFUSED, False),
    **status(401, REFUSED, False),
    **status(403, REFUSED, False),
    **status(404, REFUSED, False),
    **status(408, ASK_LATER, True),
    **status(425, ASK_LATER, True),
    **status(429, ASK_LATER, True),
    **status(500, SERVER_ERROR, True),
    **status(501, REFUSED, False),
    **status(502, SERVER_ERROR, True),
    **status(503, SERVER_ERROR, True),
    **status(504, SERVER_ERROR, True),
    **status(505, REFUSED, False),
    **closed(1000, ON_PURPOSE, False),
    **closed(1001, GOES, True),
    **closed(1002, FAULT, False),
    **closed(1005, ON_PURPOSE, False),
    **closed(1007, FAULT, False),
    **closed(1008, FAULT, False),
    **closed(1009, FAULT, False),
    **closed(1011, LATER, True),
    **closed(1012, GOES, True),
    **closed(1013, LATER, True),
    **closed(4000, PRIVATE, False),
    **closed(4999, PRIVATE, False),
    "dropped": Case(DROPPED, True, server.drop),
    "broken off": Case(DROPPED, True, server.break_off),
    "not trusted": Case(CERTIFICATE, False, tls="not trusted"),
    "expired": Case(CERTIFICATE, False, tls="expired"),
    "another host": Case(CERTIFICATE, False, tls="another host"),
    "no TLS": Case(NO_TLS, False, server.http_only, tls="plain"),
    "no such name": Case(NO_NAME, True, resolver=socket.EAI_NONAME),
    "no answer to the name": Case(NO_NAME, True, resolver=socket.EAI_AGAIN),
    "silent": Case(TIMEOUT, True, server.say_nothing, seconds=WAIT),
    "silent once open": Case(TIMEOUT, True, server.stay_silent, seconds=WAIT),
}


class Hidden(NamedTuple):
    """What a library does not tell, so that some verdicts are others."""

    library: str
    what: str
    retried: bool
    cases: tuple[str, ...]


_CODES = tuple(name for name in CASES if name.startswith("closed with"))
_CERTIFICATES = tuple(name for name, case in CASES.items() if case.row in (CERTIFICATE, NO_TLS))
HIDDEN = [
    Hidden(
        "httpx-ws (sync)",
        "a timeout while reading: it raises `queue.Empty`",
        False,
        ("silent once open",),
    ),
    Hidden(
        "python-socketio",
        "the close code: it reports every close as a lost connection",
        True,
        tuple(name for name in _CODES if not CASES[name].retried),
    ),
    Hidden(
        "simple-websocket",
        "a lost connection: it reports 1005, closed without a code",
        False,
        ("dropped", "broken off"),
    ),
    Hidden(
        "tornado",
        "a close without a code: `close_code` is None, as after a lost connection",
        True,
        ("closed with 1005",),
    ),
    Hidden(
        "trio-websocket",
        "a TLS failure: it raises `ConnectionTimeout`",
        True,
        _CERTIFICATES,
    ),
]
# These two notice a hang-up in the handshake, or a failure of TLS, only by their timeout.
SLOW = {"trio-websocket": (HUNG_UP, CERTIFICATE, NO_TLS), "picows": (HUNG_UP,)}
NO_HEADERS = ("simple-websocket",)  # it keeps the status of a refusal and nothing else


def expected(client: str, name: str) -> bool:
    for row in HIDDEN:
        if client == row.library and name in row.cases:
            return row.retried
    return CASES[name].retried


@pytest.fixture(scope="module", autouse=True)
def leftovers() -> Iterator[None]:
    """Collect what the libraries left behind while that is still ignored."""
    yield
    gc.collect()


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)


@functools.cache
def certificates() -> tuple[Any, dict[str, ssl.SSLContext]]:
    """Return what a client trusts, and a context for each certificate of a server."""
    ours, unknown = trustme.CA(), trustme.CA()
    past = datetime(2000, 1, 1, tzinfo=UTC), datetime(2001, 1, 1, tzinfo=UTC)
    chains = {
        "good": ours.issue_cert(HOST),
        "not trusted": unknown.issue_cert(HOST),
        "expired": ours.issue_cert(HOST, not_before=past[0], not_after=past[1]),
        "another host": ours.issue_cert("example.org"),
    }
    contexts = {}
    for name, chain in chains.items():
        contexts[name] = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        chain.configure_cert(contexts[name])
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    ours.configure_trust(client)
    return client, contexts


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Have the resolver fail on ``NAME``, so that no question leaves this machine."""
    answers: dict[str, int] = {}
    real = socket.getaddrinfo

    def getaddrinfo(host: Any, *args: Any, **options: Any) -> Any:
        if host in (NAME, NAME.encode()):
            raise socket.gaierror(answers[NAME], "the resolver's answer")
        return real(host, *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return answers


def fail(client: str, case: Case, resolver: dict[str, int]) -> Exception:
    """Return what a client raises in that case."""
    attempt, _ = CLIENTS[client]
    trusted, contexts = certificates()
    slow = case.row in SLOW.get(client, ())
    seconds, patience = (WAIT, SILENCE) if slow else (case.seconds, SECONDS)
    resolver[NAME] = case.resolver
    tls = contexts.get(case.tls)
    with Server(case.step, tls=tls, refuse=case.refuse, seconds=patience) as running:
        host = NAME if case.resolver else HOST
        target = Target(host, running.port, trusted if case.tls else None, seconds)
        try:
            result = attempt(target)
        except Exception as error:  # noqa: BLE001 # whatever it is, it is what the test is about
            return error
    raise AssertionError(f"{client} returned {result!r}")


clients = pytest.mark.parametrize(
    "client",
    [
        pytest.param(
            name,
            marks=pytest.mark.skipif(
                importlib.util.find_spec(module) is None, reason=f"{module} is not installed"
            ),
        )
        for name, (_, module) in CLIENTS.items()
    ],
)


class Wrapped(Exception):
    """An error of an application, raised from one of a library."""


@clients
@pytest.mark.parametrize("name", CASES)
def test_error_of_a_library_is_judged_by_what_happened(
    client: str, name: str, resolver: dict[str, int]
) -> None:
    error = fail(client, CASES[name], resolver)
    wanted = expected(client, name)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        assert worth_retrying(error) is wanted
        asked = retry_after(error)
    # Garbage may be collected meanwhile; that warning is not the judge's.
    assert [str(w.message) for w in warned if w.category is not ResourceWarning] == []
    if client not in NO_HEADERS and name in ("HTTP 429", "HTTP 503"):
        assert asked == 7.0
    elif not name.startswith("HTTP"):
        assert asked == 0.0
    assert_wrapped_is_judged_alike(error, wanted)


def assert_wrapped_is_judged_alike(error: Exception, wanted: bool) -> None:
    """In groups and as a cause an error is worth what it is worth by itself."""
    group = ExceptionGroup("", [error])
    assert worth_retrying(group) is wanted
    assert worth_retrying(ExceptionGroup("", [ConnectionResetError(), group])) is wanted
    assert worth_retrying(ExceptionGroup("", [group, ValueError()])) is False
    for cause in (error, group):
        wrapped = Wrapped()
        wrapped.__cause__ = cause
        assert worth_retrying(wrapped) is wanted
        wrapped = Wrapped()
        wrapped.__context__ = cause
        assert worth_retrying(wrapped) is wanted


@clients
@pytest.mark.parametrize("tls", ["", "good"])
def test_client_of_a_sound_server_gets_its_message(client: str, tls: str) -> None:
    """The clients work: what they raise above is due to the server."""
    trusted, contexts = certificates()
    with Server(server.greet, tls=contexts.get(tls)) as running:
        target = Target(HOST, running.port, trusted if tls else None)
        assert CLIENTS[client][0](target) == "hello"


@pytest.mark.parametrize(
    ("codes", "wanted"), [((1001, 1012), True), ((1001, 1007), False), ((1007, 1001), False)]
)
def test_group_of_two_connections_needs_both_to_be_worth_it(
    codes: tuple[int, int], wanted: bool
) -> None:
    """Two connections of websockets in a task group end together."""
    pytest.importorskip("websockets")
    from websockets.asyncio.client import connect
    from websockets.exceptions import ConnectionClosed

    async def session(url: str, both_are_closed: asyncio.Barrier) -> None:
        async with connect(url) as ws:
            await ws.send("ready")
            try:
                await ws.recv()
            except ConnectionClosed:
                await both_are_closed.wait()
                raise

    async def main(url: str) -> None:
        barrier = asyncio.Barrier(2)
        async with asyncio.TaskGroup() as tasks:
            for _ in codes:
                tasks.create_task(session(url, barrier))

    with Server(*map(server.close, codes)) as running, pytest.raises(ExceptionGroup) as caught:
        asyncio.run(asyncio.wait_for(main(f"ws://{HOST}:{running.port}/"), SECONDS))
    assert len(caught.value.exceptions) == 2
    assert worth_retrying(caught.value) is wanted


@pytest.mark.parametrize(("code", "wanted"), [(1012, True), (1007, False)])
def test_nursery_of_trio_is_judged_by_what_is_in_it(code: int, wanted: bool) -> None:
    pytest.importorskip("trio_websocket")
    import trio
    from trio_websocket import open_websocket_url

    async def main(url: str) -> None:
        async with trio.open_nursery() as nursery, open_websocket_url(url) as ws:
            nursery.start_soon(trio.sleep_forever)
            await ws.send_message("ready")
            await ws.get_message()

    with Server(server.close(code)) as running, pytest.raises(ExceptionGroup) as caught:
        trio.run(main, f"ws://{HOST}:{running.port}/")
    assert worth_retrying(caught.value) is wanted


def tables() -> list[list[tuple[str, ...]]]:
    """Return the tables of the documentation, without their heads."""
    if not DOCS.exists():
        pytest.skip("needs the documentation beside the tests")
    found = re.findall(r"(?:^\|.*\|$\n)+", DOCS.read_text(encoding="utf-8"), re.MULTILINE)
    cells = re.compile(r"(?<=\|) (.*?) (?=\|)")
    return [[tuple(cells.findall(line)) for line in table.splitlines()[2:]] for table in found]


def test_documentation_says_of_each_case_what_the_tests_do() -> None:
    documented = {(what, verdict) for what, verdict, _ in tables()[0]}
    tested = {(case.row, "yes" if case.retried else "no") for case in CASES.values()}
    untested = {("an error of your program, such as `ValueError`", "no")}
    assert documented == tested | untested


def test_documentation_says_what_libraries_hide() -> None:
    documented = {(library, what, verdict) for library, what, verdict in tables()[1]}
    tested = {(row.library, row.what, "yes" if row.retried else "no") for row in HIDDEN}
    assert documented == tested
