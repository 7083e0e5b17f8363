"""What a connection does when bytes arrive, whether or not anybody iterates.

RFC 6455 sections 5.5 and 7: pongs, close replies, the close frame for a violation.
"""

from __future__ import annotations

import asyncio
import gc
import socket
import weakref
from typing import Any

import pytest

from helpers import (
    BINARY,
    CLOSE,
    PING,
    PONG,
    TEXT,
    byte_by_byte,
    frame,
    on_default_codecs,
    run,
)
from sending import GOING_AWAY, sent_by
from wsfast import (
    Binary,
    Close,
    Connection,
    ConnectionState,
    InvalidUTF8,
    MessageTooBig,
    NotOpen,
    Ping,
    ProtocolError,
    Text,
)

pytestmark = [on_default_codecs, pytest.mark.usefixtures("on_the_codec")]


def test_duties_are_done_though_nobody_iterates(arrive: Any) -> None:
    server = Connection("server")
    sent = [server.ping() for _ in range(3)]
    server.data_to_send()
    arrive(server, frame(PING, b"a") + frame(PONG, sent[1]) + frame(CLOSE, GOING_AWAY))
    assert server.pending_pings == (sent[2],)
    assert server.state is ConnectionState.CLOSED
    assert server.closure is not None
    assert (server.closure.code, server.closure.by) == (1001, "remote")
    assert sent_by(server) == [(PONG, b"a"), (CLOSE, GOING_AWAY)]
    assert server.should_disconnect


def test_what_is_not_taken_stays_and_comes_first_next_time(arrive: Any) -> None:
    server = Connection("server")
    assert next(arrive(server, frame(TEXT, b"1") + frame(PING, b"2") + frame(TEXT, b"3")))
    arrive(server, frame(BINARY, b"4"))
    arrive(server, b"")
    left = arrive(server, frame(TEXT, b"5"))
    assert list(left) == [Ping(b"2"), Text("3"), Binary(b"4"), Text("5")]
    assert list(left) == []
    assert list(arrive(server, b"")) == []
    assert sent_by(server) == [(PONG, b"2")]


def test_iterators_that_were_left_and_taken_up_again_give_each_event_once() -> None:
    server = Connection("server")
    first = server.receive(frame(TEXT, b"1") + frame(TEXT, b"2"))
    second = server.receive(frame(TEXT, b"3"))
    assert list(first) == []  # the second has them all
    assert list(second) == [Text("1"), Text("2"), Text("3")]
    seen = []
    for event in server.receive(frame(TEXT, b"4") + frame(TEXT, b"5")):
        seen.append(event)
        seen += server.receive(frame(TEXT, b"6") if len(seen) == 1 else b"")
    assert seen == [Text("4"), Text("5"), Text("6")]


@pytest.mark.parametrize(
    ("bad", "kind", "code"),
    [
        (frame(TEXT, b"\xff"), InvalidUTF8, 1007),
        (frame(3), ProtocolError, 1002),
        (frame(BINARY, bytes(101)), MessageTooBig, 1009),
        (frame(CLOSE, b"\x03\xe8\xff"), InvalidUTF8, 1007),
    ],
    ids=["text", "opcode", "size", "close"],
)
def test_a_violation_is_answered_on_arrival_and_raised_once_in_its_turn(
    arrive: Any, bad: bytes, kind: type, code: int
) -> None:
    server = Connection("server", max_message_size=100)
    arrive(server, frame(TEXT, b"1") + frame(TEXT, b"2") + bad + frame(TEXT, b"ignored"))
    assert server.state is ConnectionState.CLOSING
    ((opcode, payload),) = sent_by(server)
    assert (opcode, payload[:2]) == (CLOSE, code.to_bytes(2, "big"))
    assert next(arrive(server, frame(PING, b"ignored"))) == Text("1")
    events, violation = run(arrive(server, b"\xff"))
    assert events == [Text("2")]
    assert type(violation) is kind
    assert list(arrive(server, frame(TEXT, b"ignored"))) == []
    assert server.data_to_send() == b""
    assert server.closure is not None
    assert server.closure.violation is violation


def test_the_end_of_what_arrives_does_not_turn_a_violation_into_1006(arrive: Any) -> None:
    server = Connection("server")
    arrive(server, frame(TEXT, b"good") + frame(TEXT, b"\xff"))
    server.receive_eof()
    assert server.closure is not None
    assert (server.closure.code, server.closure.by) == (1007, "local")
    events, violation = run(arrive(server, b""))
    assert events == [Text("good")]
    assert isinstance(violation, InvalidUTF8)
    assert server.closure.violation is violation


def test_the_end_does_not_lose_what_was_not_taken(arrive: Any) -> None:
    server = Connection("server")
    arrive(server, frame(TEXT, b"good") + frame(CLOSE, GOING_AWAY))
    server.receive_eof()
    assert list(arrive(server, b"")) == [Text("good"), Close(1001)]
    assert server.closure is not None
    assert server.closure.code == 1001


@pytest.mark.parametrize(
    ("last", "code"), [(frame(CLOSE, GOING_AWAY), 1001), (frame(TEXT, b"\xff"), 1007)]
)
def test_answers_to_what_came_before_the_end_go_in_front_of_the_close_frame(
    last: bytes, code: int
) -> None:
    server = Connection("server")
    events = server.receive(frame(TEXT, b"1") + frame(PING, b"p") + frame(TEXT, b"2") + last)
    for event in (next(events), next(events), next(events)):
        if isinstance(event, Text):
            server.send_text(event.data)
    answers = sent_by(server)
    assert answers[:-1] == [(PONG, b"p"), (TEXT, b"1"), (TEXT, b"2")]
    assert answers[-1][1][:2] == code.to_bytes(2, "big")
    for send in (lambda: server.send_text("late"), lambda: server.ping(b"late")):
        with pytest.raises(NotOpen):
            send()
    assert server.data_to_send() == b""


def test_after_close_was_called_nothing_more_is_answered() -> None:
    server = Connection("server")
    server.receive(frame(TEXT, b"1") + frame(CLOSE, GOING_AWAY))
    server.close(1000)
    with pytest.raises(NotOpen, match="the connection is CLOSED: nothing more can be sent"):
        server.send_text("1")
    assert sent_by(server) == [(CLOSE, GOING_AWAY)]


def test_arrival_is_the_same_at_every_cut() -> None:
    wire = frame(TEXT, b"1") + frame(PING, b"p") + frame(BINARY, b"2") + frame(TEXT, b"\xff")
    outcomes = []
    for chunks in ([wire], byte_by_byte(wire), [wire[:7], b"", wire[7:]]):
        server = Connection("server")
        for chunk in chunks:
            server.receive(chunk)
        events, violation = run(server.receive(b""))
        outcomes.append((events, str(violation), server.data_to_send()))
    assert outcomes[0] == outcomes[1] == outcomes[2]


def test_an_exception_that_is_no_violation_loses_nothing_and_is_not_sticky() -> None:
    server = Connection("server")
    server.receive(frame(TEXT, b"1"))
    for wrong in (3, memoryview(bytes(8))[::2]):
        with pytest.raises((TypeError, ValueError)):
            server.receive(wrong)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="nbytes must be from 0 to 0"):
        server.buffer_updated(2**30)
    assert server.state is ConnectionState.OPEN
    assert list(server.receive(frame(TEXT, b"2"))) == [Text("1"), Text("2")]


def test_a_violation_keeps_nothing_of_what_the_caller_handles_alive() -> None:
    class Large:
        pass

    def handling(server: Connection) -> weakref.ref[Large]:
        large = Large()
        watched = weakref.ref(large)
        try:
            raise ValueError(large)  # noqa: TRY301 # it is what is being handled
        except ValueError:
            del large
            _, violation = run(server.receive(frame(TEXT, b"\xff")))
            assert isinstance(violation, InvalidUTF8)
            assert violation.__context__ is None
        return watched

    server = Connection("server")
    watched = handling(server)
    gc.collect()
    assert server.closure is not None
    assert watched() is None


def test_text_as_bytes_is_delivered_as_bytes() -> None:
    server = Connection("server", text="bytes")
    assert list(server.receive(frame(TEXT, "ö".encode()))) == [Text("ö".encode())]
    assert Connection[bytes] is Connection


# Writing what data_to_send() returns.


def documented_step(connection: Connection, read: bytes, write: Any, shut_down: Any) -> list[Any]:
    """What docs/connection.md tells a host to do with each read."""
    events = list(connection.receive(read))
    if data := connection.data_to_send():
        write(data)
    if connection.write_eof:
        shut_down()
    return events


@pytest.mark.parametrize("first", ["remote", "local"])
def test_a_socket_can_be_written_to_as_documented_through_the_close(first: str) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        server = Connection("server")
        if first == "local":
            server.close(1000)

        def shut_down() -> None:
            ours.shutdown(socket.SHUT_WR)

        documented_step(server, b"", ours.sendall, shut_down if first == "local" else print)
        theirs.sendall(frame(TEXT, b"late") + frame(CLOSE, GOING_AWAY))
        for _ in range(2):  # and once more, with nothing to say
            ours.setblocking(False)
            try:
                read = ours.recv(2**16)
            except BlockingIOError:
                read = b""
            ours.setblocking(True)
            documented_step(server, read, ours.sendall, shut_down)
        received = theirs.recv(2**16)
        assert received.count(b"\x88") == 1
        assert theirs.recv(1) == b""


def test_a_transport_can_be_written_to_as_documented_through_the_close() -> None:
    async def host() -> list[Any]:
        ours, theirs = socket.socketpair()
        with theirs:
            reader, writer = await asyncio.open_connection(sock=ours)
            server, events = Connection("server"), []
            theirs.sendall(frame(TEXT, b"\xff"))
            try:
                for number in range(3):
                    read = await reader.read(2**16) if number != 1 else b""
                    try:
                        events += documented_step(server, read, writer.write, writer.write_eof)
                    except InvalidUTF8 as violation:
                        events.append(type(violation))
                    theirs.sendall(frame(CLOSE, GOING_AWAY))
            finally:
                writer.close()
                await writer.wait_closed()
            return events

    assert asyncio.run(host()) == [InvalidUTF8]
