"""One thread sends, one takes what is to be sent, one receives: nothing is lost or torn.

Runs as it is on free-threaded builds, where it finds more.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import wsfast
from helpers import CLOSE, PING, PONG, TEXT, frame, on_default_codecs
from wsfast import Close, Connection, Deflate, NotOpen, Ping, Text

pytestmark = on_default_codecs
MESSAGES = 1_200


@pytest.fixture(autouse=True)
def switching_often(on_the_codec: None) -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def together(*works: Callable[[], None]) -> None:
    """Run each in a thread of its own, started at once; raise what one raises."""
    failed: list[BaseException] = []
    barrier = threading.Barrier(len(works))

    def run(work: Callable[[], None]) -> None:
        barrier.wait()
        try:
            work()
        except BaseException as error:  # noqa: BLE001 # raised below
            failed.append(error)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]


def taker(connection: Connection, out: bytearray, done: threading.Event) -> Callable[[], None]:
    """Take until all others are done, and then what is left."""

    def take() -> None:
        while not done.is_set():
            out.extend(connection.data_to_send())
            time.sleep(0)
        out.extend(connection.data_to_send())

    return take


def after(done: threading.Event, count: int) -> Callable[[Callable[[], None]], Callable[[], None]]:
    """Set ``done`` once so many of what it wraps have ended, however they end."""
    left = [None] * count

    def wrap(work: Callable[[], None]) -> Callable[[], None]:
        def run() -> None:
            try:
                work()
            finally:
                left.pop()
                if not left:
                    done.set()

        return run

    return wrap


OPTIONS: dict[str, Callable[[str], dict[str, Any]]] = {
    "plain": lambda role: {},
    "fragments": lambda role: {"fragment_size": 5},
    "deflate": lambda role: {"deflate": Deflate(role, threshold=0)},  # type: ignore[arg-type]
    "deflated fragments": lambda role: {
        "deflate": Deflate(role, threshold=0),  # type: ignore[arg-type]
        "fragment_size": 7,
    },
}


@pytest.mark.parametrize("role", ["server", "client"])
@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_nothing_is_lost_doubled_or_out_of_order(role: Any, options: Any) -> None:
    connection, other = (
        Connection(role, **options(role)),
        Connection(other_role := "client" if role == "server" else "server", **options(other_role)),
    )
    out, done = bytearray(), threading.Event()
    ends = after(done, 3)

    def send(name: str) -> Callable[[], None]:
        def work() -> None:
            for number in range(MESSAGES // 2):
                connection.send_text(f"{name} {number} with some text that repeats")

        return ends(work)

    @ends
    def receive() -> None:
        key = None if role == "client" else b"abcd"
        for number in range(MESSAGES // 4):
            payload = number.to_bytes(4, "big")
            assert list(connection.receive(frame(PING, payload, key=key))) == [Ping(payload)]

    together(send("a"), send("b"), receive, taker(connection, out, done))
    events = list(other.receive(bytes(out)))
    for name in "ab":
        texts = [e.data for e in events if isinstance(e, Text) and e.data[0] == name]
        assert texts == [
            f"{name} {number} with some text that repeats" for number in range(MESSAGES // 2)
        ]
    pongs = [e.data for e in events if not isinstance(e, Text)]
    assert pongs == sorted(set(pongs))  # each at most once, in order
    assert pongs[-1] == (MESSAGES // 4 - 1).to_bytes(4, "big")  # the most recent (5.5.3)


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
@pytest.mark.parametrize("who", ["local", "remote", "violation"])
def test_nothing_goes_behind_a_close_frame_and_what_was_accepted_goes_before(
    who: str, options: Any
) -> None:
    for _ in range(8):
        connection = Connection("server", **options("server"))
        other = Connection("client", **options("client"))
        out, done = bytearray(), threading.Event()
        ends = after(done, 2)
        accepted: list[str] = []

        @ends
        def send(connection: Connection = connection, accepted: list[str] = accepted) -> None:
            for number in range(10_000):
                try:
                    connection.send_text(f"message {number}")
                except NotOpen:
                    return
                accepted.append(f"message {number}")

        @ends
        def end(connection: Connection = connection, accepted: list[str] = accepted) -> None:
            while not accepted:
                time.sleep(0)
            if who == "local":
                connection.close(1000)
            elif who == "remote":
                connection.receive(frame(CLOSE, b"\x03\xe8"))
            else:
                connection.receive(frame(TEXT, b"\xff"))

        together(send, end, taker(connection, out, done))
        events = list(other.receive(bytes(out)))
        assert [e.data for e in events[:-1]] == accepted
        assert isinstance(events[-1], Close)
        last = list(wsfast.FrameDecoder("client", reserved_bits=0x40).feed(bytes(out)))[-1]
        assert last.opcode == CLOSE


def test_a_ping_is_pending_before_its_pong_can_come() -> None:
    server, client = Connection("server"), Connection("client")
    stop = threading.Event()

    def ping() -> None:
        try:
            for _ in range(MESSAGES):
                server.ping()
        finally:
            stop.set()

    def answer() -> None:
        while not stop.is_set():
            pump()
            time.sleep(0)
        pump()

    def pump() -> None:
        list(client.receive(server.data_to_send()))
        list(server.receive(client.data_to_send()))

    together(ping, answer)
    assert server.pending_pings == ()


def test_a_signal_handler_that_sends_does_not_deadlock() -> None:
    """As a handler does: in the same thread, in the middle of a call."""
    deflate = Deflate("server", threshold=0)
    server, client = (
        Connection("server", deflate=deflate),
        Connection("client", deflate=Deflate("client")),
    )
    make, nested = deflate._make, []

    def compressor() -> Any:
        if not nested:
            nested.append("close")
            server.close(1001)
            nested.append(server.data_to_send())
        return make()

    deflate._make, deflate._compressor = compressor, None
    with pytest.raises(NotOpen):
        server.send_text("in vain")
    assert server.data_to_send() == b""
    assert list(client.receive(nested[1])) == [Close(1001)]


def test_a_flood_of_pings_is_answered_in_bounded_memory_by_threads() -> None:
    server = Connection("server")
    out, done = bytearray(), threading.Event()
    ends = after(done, 1)

    @ends
    def receive() -> None:
        for number in range(MESSAGES):
            server.receive(frame(PING, number.to_bytes(4, "big")))

    together(receive, taker(server, out, done))
    payloads = [f.payload for f in wsfast.FrameDecoder("client").feed(bytes(out))]
    assert payloads == sorted(payloads)
    assert payloads[-1] == (MESSAGES - 1).to_bytes(4, "big")
    assert {f.opcode for f in wsfast.FrameDecoder("client").feed(bytes(out))} == {PONG}
