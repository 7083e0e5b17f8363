"""A connection that is stopped, by a signal's handler or for lack of memory, loses nothing.

What had been decoded by then is given by the next calls, and its pings and close frame are
answered.
"""

from __future__ import annotations

import functools
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import pytest

import wsfast
from helpers import (
    BINARY,
    CLOSE,
    PING,
    PONG,
    TEXT,
    frame,
    on_default_codecs,
    run,
)
from sending import GOING_AWAY, sent_by
from stopping import Stopped, compressed, engine_with, raiser, traced
from wsfast import Close, Connection, ConnectionState, Ping, Pong, Text

pytestmark = [on_default_codecs, pytest.mark.usefixtures("on_the_codec")]


@pytest.mark.parametrize("error", [MemoryError, Stopped, KeyboardInterrupt, RuntimeError])
def test_what_was_decoded_before_the_decoder_was_stopped_is_given(
    arrive: Callable[[Connection, bytes], Iterator[Any]], error: type[BaseException]
) -> None:
    server = Connection("server", deflate=engine_with(raiser(error("from outside"))))
    sent = server.ping()
    server.data_to_send()
    arrive(server, frame(TEXT, b"1"))
    wire = frame(PING, b"2") + frame(PONG, sent) + frame(TEXT, b"3") + compressed(b"4")
    with pytest.raises(error, match="from outside"):
        arrive(server, wire + frame(TEXT, b"never"))
    assert server.pending_pings == ()
    assert sent_by(server) == [(PONG, b"2")]
    assert server.state is ConnectionState.OPEN
    assert server.closure is None
    assert next(arrive(server, frame(TEXT, b"never"))) == Text("1")
    assert list(arrive(server, b"")) == [Ping(b"2"), Pong(sent), Text("3")]
    for _ in range(2):
        with pytest.raises(RuntimeError, match=f"stopped by {error.__name__}"):
            arrive(server, b"")


def test_a_connection_whose_decoder_was_stopped_can_send_and_close() -> None:
    server = Connection("server", deflate=engine_with(raiser(Stopped())))
    with pytest.raises(Stopped):
        server.receive(compressed(b"abc"))
    server.send_binary(b"x")
    server.close(1011)
    assert sent_by(server) == [(BINARY, b"x"), (CLOSE, (1011).to_bytes(2, "big"))]
    assert server.state is ConnectionState.CLOSING
    with pytest.raises(RuntimeError, match="stopped by Stopped"):
        server.receive(frame(CLOSE, GOING_AWAY))
    server.receive_eof()
    assert server.state is ConnectionState.CLOSED
    assert server.closure is not None
    assert (server.closure.code, server.closure.by) == (1006, "local")
    assert server.closure.sent == Close(1011)


# A signal's handler can run between any two steps of the connection itself.


def interrupted_at(number: int, call: Callable[[], Any]) -> bool:
    """Call; raise ``Stopped`` at that line of ``Connection``; tell whether it came so far."""
    lines = 0

    def trace(of: FrameType, event: str, _: Any) -> Any:
        nonlocal lines
        name = of.f_code.co_filename.replace("\\", "/").rpartition("wsfast/")[2]
        if name not in ("connection.py", "_sending.py") or of.f_code.co_name == "_keep":
            return None
        if event == "line":
            lines += 1
            if lines == number:
                sys.settrace(None)
                raise Stopped
        return trace

    try:
        with traced(trace):
            call()
    except Stopped:
        return True
    return False


ENDS = {
    "open": b"",
    "close": frame(CLOSE, GOING_AWAY),
    "text": frame(TEXT, b"\xff"),
    "opcode": frame(3),
}


@pytest.mark.parametrize("end", ENDS)
def test_an_interruption_at_any_line_loses_nothing(end: str) -> None:
    wire = frame(TEXT, b"1") + frame(PING, b"2") + frame(PING, b"3") + frame(BINARY, b"4")
    wire += ENDS[end]
    whole = Connection("server")
    events, violation = run(whole.receive(wire))
    answers = sent_by(whole)
    number, stopped = 0, True
    while stopped:
        number += 1
        server = Connection("server")
        server.receive(frame(TEXT, b"0"))
        stopped = interrupted_at(number, functools.partial(server.receive, wire))
        taken, found = run(server.receive(b""))
        if taken == [Text("0")] and found is None:  # nothing was fed
            more, found = run(server.receive(wire))
            taken += more
        assert taken == [Text("0"), *events], number
        assert (type(found), str(found)) == (type(violation), str(violation))
        assert server.state is whole.state
        assert server.closure == whole.closure or violation is not None
        sent = Counter(sent_by(server))
        assert set(sent) == set(answers)
        assert sum((sent - Counter(answers)).values()) <= 1  # a pong was queued, and that not noted
        assert not [one for one in sent - Counter(answers) if one[0] != PONG]
    assert number > 20


def test_an_interruption_of_the_iteration_loses_nothing_behind_it() -> None:
    server = Connection("server")
    events = server.receive(frame(TEXT, b"1") + frame(TEXT, b"2") + frame(3))

    def trace(of: FrameType, event: str, _: Any) -> Any:
        if of.f_code.co_filename.endswith("errors.py"):
            sys.settrace(None)
            raise Stopped
        return None

    with pytest.raises(Stopped), traced(trace):
        next(events)
    taken, violation = run(server.receive(b""))
    assert taken == [Text("1"), Text("2")]
    assert isinstance(violation, wsfast.ProtocolError)
