"""Threads: their own decoders don't affect each other, and a shared one never crashes.

Runs as it is on free-threaded builds, where it finds more.  What can crash runs in a
process of its own.
"""

from __future__ import annotations

import gc
import sys
import sysconfig
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest

from conftest import CORE
from helpers import (
    BINARY,
    KEY,
    PING,
    TEXT,
    certainly_faulty,
    cut,
    find_fault,
    fragmented,
    frame,
    mask,
    python,
    random_text,
    receive,
    run,
)
from wsfast import InvalidUTF8, ProtocolViolation

THREADS = 8
FREE_THREADED = sysconfig.get_config_var("Py_GIL_DISABLED") == 1


@pytest.fixture(autouse=True)
def _threads_change_often() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def in_threads(work: Callable[[int], Any]) -> list[Any]:
    """Run the work in several threads at once; raise what any of them raises."""
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(work, range(THREADS)))


def test_threads_each_with_its_own_decoder_get_their_own_messages(codec: SimpleNamespace) -> None:
    def work(number: int) -> None:
        rng = Random(number)
        decoder = codec.MessageDecoder("server")
        for _ in range(60):
            texts = [random_text(rng, 200) for _ in range(5)]
            wire = b"".join(fragmented(TEXT, [t.encode()[:3], t.encode()[3:]]) for t in texts)
            places = sorted(rng.choices(range(len(wire)), k=20))
            received = receive(decoder, cut(wire, places))
            assert received.events == [codec.Text(text) for text in texts]
            faulty = certainly_faulty(rng, texts[0].encode())
            fault = find_fault(faulty)
            with pytest.raises(InvalidUTF8) as caught:
                codec.validate_utf8(faulty)
            assert fault is not None
            assert caught.value.offset == fault.offset

    in_threads(work)


def test_threads_share_a_frame_decoder_nothing_is_lost_or_torn(codec: SimpleNamespace) -> None:
    """Each feed is of whole frames; who takes them is a matter of chance."""
    decoder = codec.FrameDecoder("server")

    def work(number: int) -> tuple[int, list[bytes]]:
        wire = frame(BINARY, bytes((number,)) * 300) * 3
        fed, taken = 0, []
        for _ in range(200):
            try:
                decoder.feed(wire)
            except RuntimeError as busy:
                assert "the decoder is in use" in str(busy)  # noqa: PT017 # else it is none of ours
                continue
            fed += 1
            taken += [f.payload for f in decoder]
        return fed, taken

    done = in_threads(work)
    assert sum(fed for fed, _ in done)
    counts = Counter(payload for _, taken in done for payload in taken)
    counts.update(f.payload for f in decoder)
    expected = {bytes((number,)) * 300: 3 * fed for number, (fed, _) in enumerate(done) if fed}
    assert counts == expected


def test_threads_that_share_a_sink_have_each_read_taken_whole_or_refused(
    codec: SimpleNamespace,
) -> None:
    taken: list[Any] = []
    mould = codec.Mould(tuple, ("text", ..., ""))
    sink = codec.MessageSink(
        "server", None, mould, mould, lambda *note: taken.append(note), lambda *_: False
    )
    wire = b"".join(frame(TEXT, b"%d" % i) for i in range(20))
    fed, start, refusals = [0] * THREADS, threading.Barrier(THREADS), set[str]()

    def feed(number: int) -> None:
        start.wait()
        for _ in range(60):
            try:
                sink.feed(wire, None)
            except RuntimeError as error:
                refusals.add(str(error))
            else:
                fed[number] += 1

    in_threads(feed)
    assert all("in use" in refusal for refusal in refusals)
    assert sum(fed)
    assert len(taken) == 20 * sum(fed)
    assert [message[1] for message, _ in taken] == [str(i) for i in range(20)] * sum(fed)


@pytest.mark.parametrize("name", ["MessageDecoder", "FrameDecoder"])
def test_threads_share_a_decoder_of_torn_wires_and_nothing_crashes(
    codec: SimpleNamespace, name: str
) -> None:
    def work(number: int) -> None:
        rng = Random(number)
        for _ in range(300):
            wire = fragmented(TEXT, [b"gr\xc3", b"\xbcn"]) + frame(PING, b"x")
            at = rng.randrange(len(wire))
            try:
                for part in (wire[:at], wire[at:]):
                    list(shared[0].feed(part))
                view = shared[0].get_buffer()
                view[:9] = frame(PING, b"abc")
                list(shared[0].buffer_updated(9))
            except ProtocolViolation:
                shared[0] = getattr(codec, name)("server")
            except (RuntimeError, ValueError) as error:
                refusals.add(str(error))

    shared, refusals = [getattr(codec, name)("server")], set[str]()
    in_threads(work)
    # Busy; or another thread took the buffer.
    expected = "the decoder is in use", "nbytes must be from 0 to "
    assert all(refusal.startswith(expected) for refusal in refusals)


def test_threads_share_a_validator_and_nothing_crashes(codec: SimpleNamespace) -> None:
    validator = codec.Utf8Validator()
    text = "aé漢🙂".encode() * 20

    def work(number: int) -> None:
        for i in range(300):
            try:
                validator.feed(text[number:i])
                assert len(validator.state) == 5
                validator.finish()
            except InvalidUTF8:
                validator.reset()

    in_threads(work)


def test_threads_buffer_that_others_would_resize_is_held(codec: SimpleNamespace) -> None:
    """A view is open while the work is done, with the GIL or, from 16 MiB on, without."""
    buffer = bytearray(2**24 + 5)
    expected = mask(bytes(8)) * 2**21

    def work(number: int) -> None:
        if number % 2:
            assert codec.apply_mask(buffer, KEY).startswith(expected)
            assert codec.is_valid_utf8(buffer)
            return
        for _ in range(200):
            try:
                buffer.append(0)
                del buffer[-1]
            except BufferError:  # as it should be
                continue

    in_threads(work)


CHANGING = """
import threading
import wsfast
size = 1 << {bits}
narrow, wide = b"\\xc3\\xa4" * (size // 2), b"a" * size
buffer = bytearray(narrow)
stop = threading.Event()

def change():
    with memoryview(buffer) as view:
        while not stop.is_set():
            view[:] = wide
            view[:] = narrow

thread = threading.Thread(target=change)
thread.start()
sys.setswitchinterval(1e-5)
try:
    for _ in range({times}):
        try:
            wsfast.decode_utf8(buffer)
        except wsfast.InvalidUTF8:
            pass  # it saw some of each
finally:
    stop.set()
    thread.join()
print("done")
"""


@pytest.mark.skipif(CORE is None, reason="the compiled extension isn't installed")
@pytest.mark.parametrize(("bits", "times"), [(12, 3_000), (25, 60)], ids=["4-KiB", "32-MiB"])
def test_threads_decode_utf8_of_bytes_that_change_is_no_crash(bits: int, times: int) -> None:
    """Another thread writes to the buffer while it is decoded: any text, but no overflow."""
    done = python(CHANGING.format(bits=bits, times=times))
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr


@pytest.mark.parametrize("name", ["MessageDecoder", "FrameDecoder"])
def test_reentrant_feed_from_a_collection_is_refused_or_fine(
    codec: SimpleNamespace, name: str
) -> None:
    """The collector runs callbacks, as it runs ``__del__``, in the middle of anything."""
    decoder = getattr(codec, name)("server")
    found = []

    def again(phase: str, _info: dict[str, int]) -> None:
        if phase == "start":
            try:
                found.append(run(decoder.feed(frame(PING, b"inner")))[0])
            except (RuntimeError, ProtocolViolation) as error:
                found.append([error])

    before = gc.get_threshold()
    gc.callbacks.append(again)
    gc.set_threshold(1)
    try:
        for _ in range(50):
            received = receive(decoder, [fragmented(TEXT, [b"a", b"b"]) * 5 + frame(TEXT, b"\xff")])
            decoder = getattr(codec, name)("server")
            if received.violation is not None:
                assert not isinstance(received.violation, AssertionError)
    finally:
        gc.set_threshold(*before)
        gc.callbacks.remove(again)
    if FREE_THREADED and not found:
        pytest.skip("without a GIL the collector is not as eager, and did not run meanwhile")
    assert found
    for outcome in (one for several in found for one in several):
        if isinstance(outcome, Exception) and not isinstance(outcome, ProtocolViolation):
            assert "the decoder is in use" in str(outcome)


@pytest.mark.skipif(sys.version_info < (3, 12), reason="__buffer__ in Python came with 3.12")
def test_reentrant_feed_from_a_buffer_being_opened_loses_nothing(codec: SimpleNamespace) -> None:
    """There is one queue: a feed inside another takes what the outer one has decoded by then.

    The twin in Python copies a buffer and releases it first, the compiled one decodes first.
    """
    decoder = codec.MessageDecoder("server")
    inner: list[Any] = []

    class Nested:
        def __buffer__(self, flags: int) -> memoryview:
            inner.extend(decoder.feed(frame(PING, b"inner")))
            return memoryview(frame(PING, b"outer"))

        def __release_buffer__(self, view: memoryview) -> None:
            inner.extend(decoder.feed(frame(PING, b"after")))

    outer = list(decoder.feed(Nested()))
    by_release = codec.name == "native"  # the outer frame is decoded when its buffer is released
    wanted = [codec.Ping(b"inner"), *[codec.Ping(b"outer")] * by_release, codec.Ping(b"after")]
    assert inner == wanted
    assert outer == [codec.Ping(b"outer")] * (not by_release)
    assert list(decoder.feed(b"")) == []


@pytest.mark.skipif(sys.version_info < (3, 12), reason="__buffer__ in Python came with 3.12")
def test_reentrant_validator_reset_while_a_chunk_is_opened_is_no_crash(
    codec: SimpleNamespace,
) -> None:
    validator = codec.Utf8Validator()

    class Nested:
        def __buffer__(self, flags: int) -> memoryview:
            validator.reset()
            return memoryview(b"\xc3")

    validator.feed(b"\xf0\x9f")
    validator.feed(Nested())
    assert (validator.position, validator.at_boundary) == (1, False)
    validator.feed(b"\xa4")
    validator.finish()
