"""What ``feed`` decoded stays until it is taken; what stops a decoder, and how it is reported.

The events of a wire are known from feeding it to the end; whatever a caller does with the
iteration, they must come out in that order, once each, and then the violation.
"""

from __future__ import annotations

import gc
import signal
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest

from helpers import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    described,
    fragmented,
    frame,
    header,
    mask,
    on_default_codecs,
    outcome,
    run,
)
from stopping import Stopped, compressed, engine_with, raiser
from wsfast import ProtocolError, ProtocolViolation
from wsfast._arguments import decoder_failed
from wsfast.deflate import Deflate

both_decoders = pytest.mark.parametrize("name", ["FrameDecoder", "MessageDecoder"])

GOOD = [
    frame(TEXT, b"one"),
    frame(PING, b"two"),
    fragmented(TEXT, [b"thr", b"ee"]),
    frame(BINARY, b"four" * 50),
    frame(PONG),
]
BAD = [
    frame(3),
    header(0x82, 2**63),
    frame(CONTINUATION, b"x") * 2,
    frame(TEXT, b"ab\xff"),
    frame(CLOSE, b"\x03"),
]


def take(decoder: Any, most: int) -> list[Any]:
    """Take so many events, as a loop that is left by ``break`` does."""
    taken: list[Any] = []
    if most:
        for event in decoder:
            taken.append(event)
            if len(taken) == most:
                break
    return taken


@both_decoders
def test_feed_returns_the_decoder_which_is_its_own_iterator(
    codec: SimpleNamespace, name: str
) -> None:
    decoder = getattr(codec, name)("server")
    assert iter(decoder) is decoder
    assert decoder.feed(frame(PING, b"a") + frame(PING, b"b")) is decoder
    first = next(decoder.feed(frame(PING, b"c")))
    assert [first, *decoder] == list(
        getattr(codec, name)("server").feed(b"".join(frame(PING, p) for p in (b"a", b"b", b"c")))
    )
    decoder.get_buffer()[:6] = frame(PING)
    assert decoder.buffer_updated(6) is decoder
    assert len(list(decoder)) == 1
    assert list(decoder) == []
    with pytest.raises(StopIteration):
        next(decoder)


@both_decoders
def test_feed_keeps_what_an_abandoned_loop_did_not_take(codec: SimpleNamespace, name: str) -> None:
    """Whatever is taken after each read: all events, each once, in order, then the violation."""
    rng = Random(15)
    for _ in range(60):
        bad = rng.choice([*BAD, b""])
        wires = [rng.choice(GOOD) for _ in range(rng.randrange(1, 30))]
        whole, violation = run(getattr(codec, name)("server").feed(b"".join(wires) + bad))
        decoder = getattr(codec, name)("server")
        taken: list[Any] = []
        for wire in wires:
            decoder.feed(wire)
            taken += take(decoder, rng.randrange(3))
        rest, found = run(decoder.feed(bad))
        assert taken + rest == whole
        assert described(found) == described(violation)


@both_decoders
def test_feed_ignores_what_follows_a_violation_that_was_not_raised(
    codec: SimpleNamespace, name: str
) -> None:
    decoder = getattr(codec, name)("server")
    decoder.feed(frame(PING, b"1") + frame(PING, b"2") + frame(3))
    for wire in (frame(PING, b"never"), b"\x84", b""):
        assert decoder.feed(wire) is decoder
    assert len(take(decoder, 1)) == 1
    assert decoder.feed(frame(PING, b"never")) is decoder
    assert len(take(decoder, 1)) == 1
    assert decoder.feed(frame(PING, b"never")) is decoder  # the violation is still to come
    for call in (lambda: next(decoder), lambda: decoder.feed(b""), lambda: list(decoder)):
        with pytest.raises(ProtocolError, match="reserved opcode 0x3"):
            call()


@both_decoders
def test_feed_takes_any_number_of_events_and_gives_their_memory_back(
    codec: SimpleNamespace, name: str
) -> None:
    decoder = getattr(codec, name)("server")
    rng = Random(16)
    expected, taken = [], []
    for number in range(200):
        payloads = [b"%d %d" % (number, i) for i in range(rng.choice([0, 1, 2, 3, 5, 70, 300]))]
        expected += payloads
        decoder.feed(b"".join(frame(PING, p) for p in payloads))
        taken += take(decoder, rng.choice([0, 1, 60, 100, 200]))
    taken += list(decoder)
    assert [getattr(one, "data", None) or one.payload for one in taken] == expected


def test_feed_events_before_a_close_frame_are_taken_after_it(codec: SimpleNamespace) -> None:
    decoder = codec.MessageDecoder("server")
    decoder.feed(frame(TEXT, b"last") + frame(CLOSE, b"\x03\xe8") + frame(3))
    assert list(decoder.feed(frame(3))) == [codec.Text("last"), codec.Close(1000)]
    assert list(decoder.feed(frame(3))) == []


@both_decoders
def test_feed_initialised_again_forgets_what_was_not_taken(
    codec: SimpleNamespace, name: str
) -> None:
    decoder = getattr(codec, name)("server")
    for wire in (frame(PING, b"old") * 70, frame(PING, b"old") + frame(3)):
        decoder.feed(wire)
        decoder.__init__("server")
        assert list(decoder) == []
        assert len(list(decoder.feed(frame(PING)))) == 1
    decoder.feed(frame(PING, b"kept"))
    for arguments in ({"role": "neither"}, {"role": "client", "max_frame_size": -1}):
        with pytest.raises(ValueError, match="must"):
            decoder.__init__(**arguments)
    assert len(list(decoder.feed(frame(PING)))) == 2  # nothing had changed


# Threads.


@both_decoders
def test_feed_in_one_thread_and_iteration_in_others_lose_nothing(
    codec: SimpleNamespace, name: str
) -> None:
    decoder = getattr(codec, name)("server")
    total = 3_000 if codec.name == "native" else 600
    wires = [
        b"".join(frame(PING, b"%d" % i) for i in range(at, at + 3)) for at in range(0, total, 3)
    ]
    taken: list[list[Any]] = [[], []]
    fed = threading.Event()

    def consumer(mine: list[Any]) -> None:
        while True:
            over = fed.is_set()  # looked at first: what was fed by then is seen below
            mine.extend(decoder)
            if over:
                return

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    threads = [threading.Thread(target=consumer, args=(mine,)) for mine in taken]
    try:
        for thread in threads:
            thread.start()
        for wire in wires:
            decoder.feed(wire)
    finally:
        fed.set()
        for thread in threads:
            thread.join()
        sys.setswitchinterval(before)
    numbers = [[int(getattr(e, "data", None) or e.payload) for e in mine] for mine in taken]
    assert sorted(numbers[0] + numbers[1]) == list(range(total))
    assert all(mine == sorted(mine) for mine in numbers)  # each saw them in order


def test_feed_from_inside_an_iteration_appends(codec: SimpleNamespace) -> None:
    decoder = codec.MessageDecoder("server")
    seen = []
    for event in decoder.feed(frame(PING, b"0")):
        seen.append(event.data)
        if len(seen) < 9:
            decoder.feed(frame(PING, b"%d" % len(seen)))
    assert seen == [b"%d" % i for i in range(9)]


# What is not the remote's fault.


@on_default_codecs
@pytest.mark.parametrize("error", [MemoryError, Stopped, KeyboardInterrupt, ValueError, SystemExit])
def test_feed_raises_at_once_what_is_not_the_remotes_fault(
    codec: SimpleNamespace, error: type[BaseException]
) -> None:
    deflate = engine_with(raiser(error("from outside")))
    decoder = codec.MessageDecoder("server", deflate=deflate)
    with pytest.raises(error, match="from outside"):
        decoder.feed(frame(TEXT, b"before") * 2 + compressed(b"abc") + frame(TEXT, b"never"))
    said = str(decoder_failed(error))
    assert error.__name__ in said
    decoder.get_buffer()
    for call in (
        lambda: decoder.feed(frame(TEXT, b"after")),
        lambda: decoder.feed(b""),
        lambda: decoder.buffer_updated(0),
    ):
        assert outcome(call) == ("raised", (RuntimeError, said, ()))
    assert list(decoder) == [codec.Text("before")] * 2
    assert list(decoder) == []
    assert outcome(lambda: decoder.feed(b"")) == ("raised", (RuntimeError, said, ()))
    decoder.__init__("server")
    assert list(decoder.feed(frame(TEXT, b"anew"))) == [codec.Text("anew")]


def test_feed_takes_an_inflaters_violation_as_the_remotes_fault(codec: SimpleNamespace) -> None:
    deflate = engine_with(raiser(ProtocolError("the remote's")))
    decoder = codec.MessageDecoder("server", deflate=deflate)
    decoder.feed(frame(TEXT, b"before") + compressed(b"abc"))
    assert next(decoder) == codec.Text("before")
    for call in (lambda: next(decoder), lambda: decoder.feed(b"")):
        with pytest.raises(ProtocolError, match="the remote's"):
            call()


@pytest.mark.skipif(not hasattr(signal, "raise_signal"), reason="this system has no signals")
def test_feed_raises_at_once_what_a_signal_handler_raises(codec: SimpleNamespace) -> None:
    """The handler runs between two instructions of the inflater, which is in Python."""

    def handler(*_: object) -> None:
        raise Stopped

    deflate = engine_with(lambda: signal.raise_signal(signal.SIGINT))
    decoder = codec.MessageDecoder("server", deflate=deflate)
    before = signal.signal(signal.SIGINT, handler)
    try:
        with pytest.raises(Stopped):
            decoder.feed(frame(TEXT, b"before") + compressed(b"abc"))
    finally:
        signal.signal(signal.SIGINT, before)
    assert list(decoder) == [codec.Text("before")]
    with pytest.raises(RuntimeError, match="stopped by Stopped"):
        decoder.feed(b"")


def test_decoder_never_made_says_so(codec: SimpleNamespace) -> None:
    for kind in (codec.FrameDecoder, codec.MessageDecoder):
        decoder = kind.__new__(kind)
        with pytest.raises(RuntimeError, match="__init__ was not called"):
            decoder.feed(frame(PING))
        assert list(decoder) == []


# What a violation keeps alive.


class Local:
    """Something in a frame of the caller's, whose end can be seen."""


def raised_while_handling(call: Callable[[], Any]) -> weakref.ref[Local]:
    """Call while another exception is handled, whose frames have a ``Local``."""
    local = Local()
    try:
        raise LookupError("the caller's own")  # noqa: TRY301 # from this very frame
    except LookupError:
        with pytest.raises(ProtocolViolation) as caught:
            call()
    assert caught.value.__context__ is None
    assert caught.value.__cause__ is None
    del caught
    return weakref.ref(local)


def sticky(codec: SimpleNamespace) -> Iterator[tuple[Any, Callable[[], Any]]]:
    """Give what keeps a violation, and a call that raises it, each time."""
    for name in ("FrameDecoder", "MessageDecoder"):
        first = getattr(codec, name)("server")
        yield first, lambda d=first: list(d.feed(frame(3)))
        again = getattr(codec, name)("server")
        assert run(again.feed(frame(3)))[1] is not None
        yield again, lambda d=again: d.feed(b"")
        yield again, lambda d=again: next(d)
    inflating = codec.MessageDecoder("server", deflate=Deflate("server"))
    wire = header(0x80 | 0x40 | BINARY, 9) + mask(b"\xff" * 9)
    yield inflating, lambda: list(inflating.feed(wire))
    validator = codec.Utf8Validator()
    yield validator, lambda: validator.feed(b"a\xff")
    yield validator, lambda: validator.feed(b"")
    yield validator, validator.finish
    short = codec.Utf8Validator()
    short.feed(b"\xc3")
    yield short, short.finish
    yield short, lambda: short.state


def test_violation_keeps_no_frame_of_the_caller_alive(codec: SimpleNamespace) -> None:
    gc.collect()
    gc.disable()
    try:
        for keeper, call in sticky(codec):
            for _ in range(2):
                local = raised_while_handling(call)
                if local() is not None:  # in a cycle of pytest's, perhaps; but not kept
                    gc.collect()
                assert local() is None, (keeper, call)
    finally:
        gc.enable()


def test_violation_raised_again_is_equal_and_its_traceback_does_not_grow(
    codec: SimpleNamespace,
) -> None:
    for _, call in sticky(codec):
        depths, found = set(), set()
        for _ in range(5):
            with pytest.raises(ProtocolViolation) as caught:
                call()
            found.add(described(caught.value))
            depth, trace = 0, caught.value.__traceback__
            while trace is not None:
                depth, trace = depth + 1, trace.tb_next
            depths.add(depth)
        assert len(found) == 1
        assert max(depths) < 12
        assert len(depths) <= 2  # the first, where it is found, and all others
