"""Python code that is interrupted by a signal handler that raises loses nothing.

The handler raises at each place where CPython can run it.  That list is ours, so real signals
are tested too.
"""

from __future__ import annotations

import contextlib
import functools
import signal
from collections.abc import Callable, Iterator
from itertools import count
from types import SimpleNamespace
from typing import Any

import pytest

import wsfast
from helpers import BINARY, CLOSE, PING, PONG, TEXT, frame
from sending import GOING_AWAY
from stopping import Stopped, interrupted_at, signals
from wsfast import Connection

# The compiled codec has no place between two steps at which Python could run a handler.
pytestmark = [
    pytest.mark.parametrize("codec", ["pure"], indirect=True),
    pytest.mark.usefixtures("on_the_codec"),
]

FIRST = frame(TEXT, b"0")
WIRE = frame(TEXT, b"1") + frame(PING, b"2") + frame(BINARY, b"3")
ENDS = {"open": b"", "close": frame(CLOSE, GOING_AWAY), "opcode": frame(3)}
DECODERS: dict[str, Callable[[SimpleNamespace], Any]] = {
    "frames": lambda codec: codec.FrameDecoder("server"),
    "messages": lambda codec: codec.MessageDecoder("server"),
    "parts": lambda codec: codec.MessageDecoder("server", stream=True),
}


def take(source: Iterator[Any], taken: list[Any]) -> None:
    """Take all events, and the violation, if one comes."""
    try:
        for event in source:
            taken.append(event)
    except wsfast.ProtocolViolation as violation:
        taken.append((type(violation), violation.args))


def taken_from(source: Iterator[Any]) -> list[Any]:
    taken: list[Any] = []
    take(source, taken)
    return taken


def repeated(call: Callable[[], Any]) -> list[Any] | None:
    """Return what comes of a call; ``None`` if it says that an earlier one was stopped."""
    try:
        return taken_from(call())
    except RuntimeError as error:
        if "stopped by Stopped" not in str(error):
            raise
        return None


def outcome(
    taken: list[Any],
    expected: list[Any],
    go_on: Callable[[], Any],
    again: Callable[[], Any],
) -> str:
    """Return how far an interrupted call came; nothing is lost or doubled, whichever it is.

    Args:
        taken: the events that it left.
        expected: those of the whole call.
        go_on: receives nothing more.
        again: makes the call once more.
    """
    assert taken == expected[: len(taken)]
    if taken == expected:
        return "decoded"
    if repeated(go_on) is None:
        return "stopped"
    assert taken + taken_from(again()) == expected
    return "not begun"


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("decoder", DECODERS)
def test_an_interruption_of_the_iteration_loses_nothing(
    codec: SimpleNamespace, decoder: str, end: str
) -> None:
    wire = WIRE + ENDS[end]
    expected = taken_from(DECODERS[decoder](codec).feed(wire))
    for number in count(1):
        source = DECODERS[decoder](codec).feed(wire)
        taken: list[Any] = []
        stopped = interrupted_at(number, functools.partial(take, source, taken))
        if stopped:
            take(source, taken)
        assert taken == expected, number
        if not stopped:
            break
    assert number > 5


@pytest.mark.parametrize("end", ["close", "opcode"])
@pytest.mark.parametrize("decoder", DECODERS)
@pytest.mark.parametrize("into", ["feed", "buffer_updated"])
def test_an_interruption_of_decoding_loses_nothing_that_was_decoded(
    codec: SimpleNamespace, decoder: str, end: str, into: str
) -> None:
    def prepared() -> tuple[Any, Callable[[], Any]]:
        source = DECODERS[decoder](codec).feed(FIRST)
        if into == "feed":
            return source, functools.partial(source.feed, wire)
        source.get_buffer(len(wire))[: len(wire)] = wire
        return source, functools.partial(source.buffer_updated, len(wire))

    wire = WIRE + ENDS[end]
    expected = taken_from(prepared()[1]())
    outcomes = set()
    for number in count(1):
        source, call = prepared()
        stopped = interrupted_at(number, call)
        taken = taken_from(source)
        outcomes.add(outcome(taken, expected, functools.partial(source.feed, b""), call))
        if not stopped:
            break
    assert number > 20
    assert outcomes == {"decoded", "stopped", "not begun"}


def test_an_interruption_of_taking_a_part_loses_nothing(codec: SimpleNamespace) -> None:
    def take_part() -> None:
        parts.append(decoder.take_part())

    stopped = True
    number = 0
    while stopped:
        number += 1
        decoder = codec.FrameDecoder("server").feed(frame(TEXT, b"abcdef")[:-2])
        parts: list[Any] = []
        stopped = interrupted_at(number, take_part)
        take_part()
        assert [part for part in parts if part] == [(TEXT, True, b"abcd")], number
    assert number > 3


@pytest.mark.parametrize("end", ENDS)
def test_an_interruption_of_a_connection_loses_nothing(end: str) -> None:
    def receive() -> None:
        take(server.receive(wire), taken)

    wire = WIRE + ENDS[end]
    expected = taken_from(Connection("server").receive(FIRST + wire))
    stopped = True
    number = 0
    outcomes = set()
    while stopped:
        number += 1
        server = Connection("server")
        server.receive(FIRST)
        taken: list[Any] = []
        stopped = interrupted_at(number, receive)
        if stopped:
            take(server.receive(b""), taken)
        go_on, again = (functools.partial(server.receive, data) for data in (b"", wire))
        outcomes.add(outcome(taken, expected, go_on, again))
    assert number > 50
    assert outcomes == {"decoded", "stopped", "not begun"}


QUEUED: dict[str, Callable[[Connection], Any]] = {
    "nothing": lambda c: None,
    "one": lambda c: c.send_text("1"),
    "several": lambda c: (c.send_text("1"), c.send_text("2"), c.ping(b"3")),
    "pongs": lambda c: c.receive(frame(PING, b"1") * 99),
    "a close frame": lambda c: c.close(),
    "messages and a close frame": lambda c: (c.send_text("1"), c.send_text("2"), c.close()),
}


@pytest.mark.parametrize("queued", QUEUED)
def test_an_interruption_of_taking_what_to_send_loses_nothing(queued: str) -> None:
    def prepared() -> Connection:
        server = Connection("server")
        QUEUED[queued](server)
        return server

    def send() -> None:
        sent.append(server.data_to_send())

    expected = prepared().data_to_send()
    stopped = True
    number = 0
    while stopped:
        number += 1
        server = prepared()
        sent: list[bytes] = []
        stopped = interrupted_at(number, send)
        send()
        assert b"".join(sent) == expected, number
        assert server.data_to_send() == b""
    assert number > 1


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no timers")
@pytest.mark.parametrize("decoder", DECODERS)
def test_real_signals_lose_nothing(codec: SimpleNamespace, decoder: str) -> None:
    stops = 0
    while stops < 200:
        source = DECODERS[decoder](codec).feed(frame(PONG, b"") * 2000)
        taken: list[Any] = []
        with signals() as stopped:
            while len(taken) < 2000:
                with contextlib.suppress(Stopped):
                    take(source, taken)
                    break
        assert len(taken) == 2000
        stops += len(stopped)
