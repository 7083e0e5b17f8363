"""Connections without input or output: closing, pings, what may be sent after what.

RFC 6455 sections 5.5 and 7.  With other libraries: test_connection_peers.py.
"""

from __future__ import annotations

from typing import Any, Literal

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)

import wsfast
from helpers import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    fragmented,
    frame,
    on_default_codecs,
)
from stopping import raiser
from wsfast import (
    Close,
    Closure,
    Connection,
    ConnectionState,
    Deflate,
    InvalidUTF8,
    NotOpen,
    Ping,
    Pong,
    ProtocolError,
    ProtocolViolation,
    Text,
)

pytestmark = [on_default_codecs, pytest.mark.usefixtures("on_the_codec")]
OPEN, CLOSING, CLOSED = ConnectionState


def pair(**options: Any) -> tuple[Connection, Connection]:
    return Connection("server", **options), Connection("client", **options)


def exchange(one: Connection, other: Connection) -> list[Any]:
    """Move bytes until there are none; return what both received."""
    events: list[Any] = []
    while True:
        sent = one.data_to_send(), other.data_to_send()
        if sent == (b"", b""):
            return events
        events += other.receive(sent[0])
        events += one.receive(sent[1])


def frames_of(connection: Connection, role: str) -> list[tuple[int, bytes]]:
    decoder = wsfast.FrameDecoder(role, reserved_bits=0x40)  # type: ignore[arg-type]
    return [(f.opcode, f.payload) for f in decoder.feed(connection.data_to_send())]


def close_payload(code: int, reason: str = "") -> bytes:
    return code.to_bytes(2, "big") + reason.encode()


def test_messages_go_both_ways() -> None:
    server, client = pair()
    client.send_text("Grüße")
    client.send_text("Grüße".encode())
    client.send_binary(bytearray(b"\xff"))
    server.send_text("")
    got = exchange(server, client)
    assert got == [Text(""), Text("Grüße"), Text("Grüße"), wsfast.Binary(b"\xff")]


@pytest.mark.parametrize("first", ["server", "client"])
def test_the_closing_handshake(first: str) -> None:
    server, client = pair()
    mine, other = (server, client) if first == "server" else (client, server)
    mine.close(1001, "restart")
    assert (mine.state, other.state) == (CLOSING, OPEN)
    assert list(other.receive(mine.data_to_send())) == [Close(1001, "restart")]
    assert other.state is CLOSED
    assert list(mine.receive(other.data_to_send())) == [Close(1001, "restart")]
    assert mine.state is CLOSED
    # Section 7.1.1: the server closes TCP first.
    assert server.should_disconnect
    assert not client.should_disconnect
    client.receive_eof()
    assert client.should_disconnect
    close = Close(1001, "restart")
    assert mine.closure == Closure(1001, "restart", "local", close, close, None)
    assert other.closure == Closure(1001, "restart", "remote", close, close, None)


def test_a_close_frame_without_a_code_is_answered_without_one() -> None:
    server, client = pair()
    client.close(None)
    assert list(server.receive(client.data_to_send())) == [Close(1005, "")]
    assert frames_of(server, "client") == [(CLOSE, b"")]
    assert server.closure == Closure(1005, "", "remote", Close(1005), Close(1005), None)


def test_both_close_at_once() -> None:
    server, client = pair()
    server.close(1001, "restart")
    client.close(1000)
    exchange(server, client)
    assert (server.state, client.state) == (CLOSED, CLOSED)
    assert server.closure == Closure(1000, "", "local", Close(1001, "restart"), Close(1000), None)
    assert client.closure == Closure(
        1001, "restart", "local", Close(1000), Close(1001, "restart"), None
    )


def test_messages_on_their_way_arrive_after_close_was_sent() -> None:
    server, client = pair()
    client.send_text("late")
    sent = client.data_to_send()
    server.going_away()
    assert list(server.receive(sent)) == [Text("late")]


@pytest.mark.parametrize("how", ["close sent", "close received", "violation", "end of file"])
def test_nothing_is_sent_after_the_end(how: str) -> None:
    server = Connection("server")
    if how == "close sent":
        server.close()
    elif how == "close received":
        list(server.receive(frame(CLOSE, close_payload(1000))))
    elif how == "violation":
        with pytest.raises(InvalidUTF8):
            list(server.receive(frame(TEXT, b"\xff")))
    else:
        server.receive_eof()
    server.data_to_send()
    for send in (
        lambda: server.send_text("x"),
        lambda: server.send_binary(b"x"),
        lambda: server.ping(),
        lambda: server.pong(),
    ):
        with pytest.raises(NotOpen, match="the connection is CLOS"):
            send()
    server.close(1001)  # not wrong: it is what was wanted
    assert server.data_to_send() == b""
    assert server.write_eof


def test_a_violation_is_closed_with_its_code_and_stays_the_cause() -> None:
    server = Connection("server")
    wire = frame(TEXT, b"good") + fragmented(TEXT, [b"K\xc3", b"(ln"]) + frame(TEXT, b"ignored")
    events = server.receive(wire)
    assert next(events) == Text("good")
    with pytest.raises(InvalidUTF8) as caught:
        list(events)
    ((opcode, payload),) = frames_of(server, "client")
    assert (opcode, payload[:2]) == (CLOSE, (1007).to_bytes(2, "big"))
    assert payload[2:].decode() == caught.value.close_reason
    # Section 7.1.7: nothing that follows is processed, not even the close frame.
    assert list(server.receive(frame(CLOSE, close_payload(1000)))) == []
    server.receive_eof()
    closure = server.closure
    assert closure is not None
    assert (closure.code, closure.by, closure.received) == (1007, "local", None)
    assert closure.violation is caught.value


@pytest.mark.parametrize("way", ["receive", "buffer_updated"])
def test_a_violation_behind_events_that_nobody_took_is_closed_too(way: str) -> None:
    server = Connection("server")
    assert next(server.receive(frame(TEXT, b"good") + frame(TEXT, b"\xff"))) == Text("good")
    server.get_buffer()
    events = server.receive(b"more") if way == "receive" else server.buffer_updated(0)
    with pytest.raises(InvalidUTF8) as caught:
        list(events)
    ((opcode, payload),) = frames_of(server, "client")
    assert (opcode, payload[:2]) == (CLOSE, (1007).to_bytes(2, "big"))
    assert server.closure is not None
    assert server.closure.violation is caught.value
    assert list(server.receive(b"more")) == []


def test_the_end_without_a_close_frame_is_1006_and_only_here() -> None:
    server = Connection("server")
    server.receive_eof()
    assert server.state is CLOSED
    assert server.closure == Closure(1006, "", "remote", None, None, None)
    assert server.data_to_send() == b""


def test_the_remote_never_answers_our_close() -> None:
    server = Connection("server")
    server.going_away("restart")
    server.receive_eof()
    assert server.closure == Closure(1006, "", "local", Close(1001, "restart"), None, None)


def test_pings_are_answered_as_they_arrive_behind_what_is_queued() -> None:
    server, client = pair()
    for payload in (b"1", b"2", b"3"):
        client.ping(payload)
        client.send_text("echo")
    server.send_text("before")
    for event in server.receive(client.data_to_send()):
        if isinstance(event, Text):
            server.send_text(event.data)
    pongs = [(10, b"1"), (10, b"2"), (10, b"3")]
    assert frames_of(server, "client") == [(TEXT, b"before"), *pongs, *[(TEXT, b"echo")] * 3]


def test_a_flood_of_pings_is_answered_in_bounded_memory() -> None:
    server = Connection("server")
    for i in range(100):
        assert len(list(server.receive(frame(PING, b"%125d" % i) * 100))) == 100
    answers = frames_of(server, "client")
    assert len(answers) == 64
    assert answers[-1] == (10, b"%125d" % 99)
    assert answers[0] == (10, b"%125d" % 0)
    list(server.receive(frame(PING, b"once more")))
    assert frames_of(server, "client") == [(10, b"once more")]


def test_a_ping_before_a_close_is_answered_before_it() -> None:
    server = Connection("server")
    wire = frame(PING, b"p") + frame(CLOSE, close_payload(1000))
    assert list(server.receive(wire)) == [Ping(b"p"), Close(1000)]
    assert frames_of(server, "client") == [(10, b"p"), (CLOSE, close_payload(1000))]


def test_a_ping_after_our_close_is_not_answered() -> None:
    server = Connection("server")
    server.close()
    server.data_to_send()
    assert list(server.receive(frame(PING))) == [Ping()]
    assert server.data_to_send() == b""
    server = Connection("server")
    server.receive_eof()
    assert list(server.receive(frame(PING))) == [Ping()]
    assert server.data_to_send() == b""


def test_pongs_settle_their_ping_and_those_before_it() -> None:
    server, client = pair()
    sent = [server.ping() for _ in range(4)]
    assert len(set(sent)) == 4
    list(server.receive(frame(10, sent[1]) + frame(10, b"of nothing")))
    assert server.pending_pings == tuple(sent[2:])
    server.ping(b"x")
    exchange(server, client)
    assert server.pending_pings == ()


def test_an_unasked_pong() -> None:
    server, client = pair()
    server.pong(b"here")
    assert exchange(server, client) == [Pong(b"here")]


@pytest.mark.parametrize(
    ("role", "code", "reason", "said"),
    [
        ("server", 1006, "", "close code 1006 must not be sent"),
        ("server", 1010, "", "close code 1010 must not be sent by a server"),
        ("client", 999, "", "close code 999 must not be sent"),
        ("client", None, "why", "a reason without a code"),
        ("client", 1000, "x" * 124, "reason must be 123 bytes"),
    ],
)
def test_what_must_not_be_sent(role: Any, code: Any, reason: str, said: str) -> None:
    connection = Connection(role)
    with pytest.raises(ValueError, match=said):
        connection.close(code, reason)
    assert connection.state is OPEN
    assert connection.data_to_send() == b""


def test_text_that_is_not_utf8_is_not_sent() -> None:
    connection = Connection("server")
    with pytest.raises(ValueError, match="can't be sent: invalid UTF-8 at byte 1: FF") as caught:
        connection.send_text(b"a\xff")
    assert not isinstance(caught.value, ProtocolViolation)
    with pytest.raises(UnicodeEncodeError):
        connection.send_text("\ud800")
    for deflate in (None, wsfast.Deflate("server")):
        sender = Connection("server", deflate=deflate)
        with pytest.raises(TypeError, match="must be a bytes-like object, not int"):
            sender.send_binary(3)  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="must be a C-contiguous buffer"):
            sender.send_binary(memoryview(bytes(100))[::2])
    with pytest.raises(TypeError, match="data must be a bytes-like object, not str"):
        connection.send_binary("a")  # type: ignore[arg-type]
    assert connection.data_to_send() == b""


def test_messages_are_sent_in_fragments() -> None:
    server, client = pair(fragment_size=5)
    client.send_text("Größenwahn")
    sent = client.data_to_send()
    decoded = list(wsfast.FrameDecoder("server").feed(sent))
    assert [f.payload.decode() for f in decoded] == ["Grö", "ßenw", "ahn"]
    assert [f.opcode for f in decoded] == [TEXT, CONTINUATION, CONTINUATION]
    assert list(server.receive(sent)) == [Text("Größenwahn")]
    with pytest.raises(
        ValueError, match="fragment_size must be at least 4, not 3: it counts bytes"
    ):
        Connection("client", fragment_size=3)


@pytest.mark.parametrize("fragment_size", [None, 7])
def test_compressed_messages(fragment_size: int | None) -> None:
    wants = wsfast.PerMessageDeflate("client"), wsfast.PerMessageDeflate("server")
    answer, at_server = wants[1].respond(wants[0].offer()) or ("", None)
    server = Connection("server", deflate=at_server, fragment_size=fragment_size)
    client = Connection("client", deflate=wants[0].accept(answer), fragment_size=fragment_size)
    texts = ["short", "Grüße aus Köln. " * 50, "", "Grüße aus Köln. " * 50]
    for text in texts:
        client.send_text(text)
        server.send_binary(text.encode())
    sent = client.data_to_send()
    assert len(sent) < len("".join(texts).encode()) / 2
    assert [e.data for e in server.receive(sent)] == texts
    assert [e.data.decode() for e in client.receive(server.data_to_send())] == texts


@pytest.mark.parametrize("role", ["server", "client"])
@pytest.mark.parametrize("fragment_size", [None, 7])
def test_compressed_message_that_could_not_be_sent_is_referred_to_by_no_other(
    monkeypatch: pytest.MonkeyPatch, role: Literal["server", "client"], fragment_size: int | None
) -> None:
    """Else the other end, which never had it, would inflate the next one to something else."""
    other: Literal["server", "client"] = "client" if role == "server" else "server"
    sender = Connection(role, deflate=Deflate(role), fragment_size=fragment_size)
    receiver = Connection(other, deflate=Deflate(other))
    lost = "Съешь ещё этих мягких французских булок. " * 20
    sender.send_text("first " * 30)
    with monkeypatch.context() as patch:
        patch.setattr(wsfast._sending, "encode_frame", raiser(MemoryError()))
        with pytest.raises(MemoryError):
            sender.send_text(lost)
    for text in (lost, lost + "again"):
        sender.send_text(text)
    received = list(receiver.receive(sender.data_to_send()))
    assert received == [Text("first " * 30), Text(lost), Text(lost + "again")]


def test_a_buffer_to_receive_into() -> None:
    server = Connection("server")
    wire = frame(TEXT, b"one") + frame(PING, b"p")
    server.get_buffer(100)[: len(wire)] = wire
    assert list(server.buffer_updated(len(wire))) == [Text("one"), Ping(b"p")]
    assert frames_of(server, "client") == [(10, b"p")]


@pytest.mark.parametrize("role", ["peer", None, 1])
def test_a_role_that_is_none(role: Any) -> None:
    with pytest.raises(ValueError, match="role must be 'server' or 'client'"):
        Connection(role)


def test_byte_by_byte_is_as_in_one_read() -> None:
    wire = b"".join(
        [
            frame(TEXT, "Gr\u00fc".encode()[:3], fin=False),
            frame(PING, b"p"),
            fragmented(CONTINUATION, ["Gr\u00fc".encode()[3:], b"", "ße 🙂".encode()]),
            frame(BINARY, bytes(300)),
            frame(PONG, b"late"),
            frame(CLOSE, close_payload(1001, "für immer")),
            frame(TEXT, b"ignored"),
        ]
    )
    whole, slow = Connection("server"), Connection("server")
    expected = list(whole.receive(wire))
    sent = b""
    events: list[Any] = []
    for byte in wire:
        events += slow.receive(bytes([byte]))
        sent += slow.data_to_send()
    assert len(events) == 5
    assert events == expected
    assert sent == whole.data_to_send()
    assert slow.closure == whole.closure


class TwoConnections(RuleBasedStateMachine):
    """A server and a client, in any order of calls, the bytes in pieces of any size."""

    def __init__(self) -> None:
        super().__init__()
        self.ends = {"server": Connection("server"), "client": Connection("client")}
        self.wire = {"server": bytearray(), "client": bytearray()}  # on the way from that end
        self.sent: dict[str, list[Any]] = {"server": [], "client": []}
        self.got: dict[str, list[Any]] = {"server": [], "client": []}
        self.broken: set[str] = set()

    roles = st.sampled_from(["server", "client"])

    def flush(self, role: str) -> None:
        self.wire[role] += self.ends[role].data_to_send()

    @rule(role=roles, text=st.text(max_size=20))
    def send(self, role: str, text: str) -> None:
        try:
            self.ends[role].send_text(text)
        except NotOpen:
            assert self.ends[role].state is not OPEN
        else:
            self.sent[role].append(Text(text))
        self.flush(role)

    @rule(role=roles)
    def ping(self, role: str) -> None:
        if self.ends[role].state is OPEN:
            self.ends[role].ping()
            self.flush(role)

    @rule(role=roles, code=st.sampled_from([None, 1000, 1001, 4000]))
    def close(self, role: str, code: int | None) -> None:
        self.ends[role].close(code)
        self.flush(role)

    @rule(role=roles)
    def break_the_rules(self, role: str) -> None:
        if role not in self.broken and self.ends[role].state is OPEN:
            self.flush(role)
            key = None if role == "server" else b"\x01\x02\x03\x04"
            self.wire[role] += frame(3, b"", key=key)
            self.broken.add(role)

    @rule(role=roles, share=st.floats(0, 1))
    def deliver(self, role: str, share: float) -> None:
        """Move the first bytes that are on their way from ``role``."""
        other = "client" if role == "server" else "server"
        count = round(len(self.wire[role]) * share)
        piece, self.wire[role] = bytes(self.wire[role][:count]), self.wire[role][count:]
        try:
            for event in self.ends[other].receive(piece):
                self.got[other].append(event)
        except ProtocolError:
            assert role in self.broken
        self.flush(other)

    @invariant()
    def what_was_received_was_sent(self) -> None:
        for role, other in (("server", "client"), ("client", "server")):
            texts = [event for event in self.got[other] if isinstance(event, Text)]
            assert texts == self.sent[role][: len(texts)]
            assert sum(isinstance(event, Close) for event in self.got[other]) <= 1

    def teardown(self) -> None:
        self.ends["server"].close()
        self.flush("server")
        for _ in range(4):
            self.deliver("server", 1.0)
            self.deliver("client", 1.0)
        for role, other in (("server", "client"), ("client", "server")):
            end = self.ends[role]
            assert end.closure is not None
            if other in self.broken:
                continue
            if not self.broken:
                assert end.state is CLOSED
                assert [e for e in self.got[other] if isinstance(e, Text)] == self.sent[role]
                assert end.closure.received == self.ends[other].closure.sent  # type: ignore[union-attr]


def test_two_connections() -> None:
    run_state_machine_as_test(TwoConnections, settings=settings(max_examples=150, deadline=None))
