"""Callers, other threads and other processes that do what they should not.

Whatever is done to a buffer or to a decoder in the middle of a call, at worst an exception
says so: no crash, no byte of foreign memory, no text that is not UTF-8.  What can crash
runs in a process of its own, so that a crash is noticed.
"""

from __future__ import annotations

import gc
import mmap
import os
import sys
import zlib
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from conftest import CORE
from helpers import (
    BINARY,
    CONTINUATION,
    KEY,
    PING,
    TEXT,
    UNDER_ASAN,
    fragmented,
    frame,
    header,
    mask,
    outcome,
    python,
    run,
)
from stopping import compressed
from wsfast._arguments import decoder_failed
from wsfast.deflate import Deflate

DECODERS = pytest.mark.parametrize("kind", ["MessageDecoder", "FrameDecoder"])
BACKENDS = pytest.mark.parametrize("backend", ["pure", *(["native"] if CORE else [])])


def engine_that_calls(*calls: Callable[[], Any]) -> tuple[Any, list[Any]]:
    """Return an engine for ``Deflate`` that makes calls of its own, and what comes of them."""
    tried: list[Any] = []

    def decompressobj(wbits: int) -> Any:
        tried.extend(outcome(call) for call in calls)
        return zlib.decompressobj(wbits)

    return SimpleNamespace(error=zlib.error, decompressobj=decompressobj), tried


# Buffers that change.

CHANGING = """
import mmap, os, signal
import wsfast
size = {size}
narrow, wide = "\\u00e4".encode() * (size // 2), "\\U0001f600".encode() * (size // 4)
shared = mmap.mmap(-1, size + 14)
key = bytes(4)
shared[:size + 14] = wsfast.encode_frame(1, narrow, masking_key=key).ljust(size + 14, b"\\0")
head = len(wsfast.encode_frame(1, narrow, masking_key=key)) - size
reader = os.getpid()
writer = os.fork()
if writer == 0:
    while os.getppid() == reader:
        shared[head : head + size] = wide
        shared[head : head + size] = narrow
        shared[head : head + size] = b"\\xff" * size
    os._exit(0)
seen = set()

def judged(name, call):
    try:
        text = call()
    except wsfast.InvalidUTF8:
        seen.add((name, "refused"))
        return
    if isinstance(text, str):
        text.encode()  # UTF-8, or this raises
    elif text is not None:
        bytes(text).decode()
    seen.add((name, "taken"))

def message(parts, text):
    decoder = wsfast.MessageDecoder("server", text=text, max_message_size=None)
    events = [event for part in parts for event in decoder.feed(part)]
    return events[0].data

def validated(view):
    validator = wsfast.Utf8Validator()
    validator.feed(view)
    validator.finish()

whole = memoryview(shared)[: head + size]
payload = whole[head:]
try:
    for _ in range({times}):
        for text in "str", "bytes":
            judged("whole " + text, lambda: message([whole], text))
            parts = whole[: size // 3], whole[size // 3 :]
            judged("parts " + text, lambda: message(parts, text))
        judged("decode", lambda: wsfast.decode_utf8(payload))
        judged("validate", lambda: wsfast.validate_utf8(payload))
        judged("validator", lambda: validated(payload))
        wsfast.is_valid_utf8(payload)
        assert len(wsfast.encode_frame(2, payload, masking_key=b"abcd")) == head + size
        wsfast.apply_mask_inplace(payload, b"abcd")
finally:
    os.kill(writer, signal.SIGKILL)
    os.waitpid(writer, 0)
print("done", wsfast.backend().name, len({{name for name, _ in seen}}))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.parametrize(("size", "times"), [(240, 20_000), (2**16, 3_000)], ids=["240", "64-KiB"])
@BACKENDS
def test_callers_memory_that_another_process_writes_to(backend: str, size: int, times: int) -> None:
    """No lock of Python's keeps it from changing between judging a byte and using it."""
    times //= 1 if backend == "native" else 20
    done = python(CHANGING.format(size=size, times=times), WSFAST_BACKEND=backend)
    assert (done.returncode, done.stdout) == (0, f"done {backend} 7\n"), done.stderr


def test_callers_buffer_can_be_neither_resized_nor_released_in_a_call(
    codec: SimpleNamespace,
) -> None:
    """What an inflater does is done in the middle of a call, as by another thread."""
    wire = compressed(b"abc" * 100)
    area = mmap.mmap(-1, len(wire))
    area[:] = wire
    array, viewed = bytearray(wire), memoryview(bytearray(wire))
    for buffer, let_go in (
        (array, array.clear),
        (array, lambda: array.append(0)),
        (area, area.close),
        (viewed, viewed.release),
    ):
        engine, tried = engine_that_calls(let_go)
        deflate = Deflate("server")
        deflate._engine = engine
        decoder = codec.MessageDecoder("server", deflate=deflate)
        assert list(decoder.feed(buffer)) == [codec.Binary(b"abc" * 100)]
        if codec.name == "native":  # the other works on a copy
            assert [kind for _, (kind, *_) in tried] == [BufferError]
        wire_again = header(0x82, 1) + mask(b"a")
        assert list(decoder.feed(wire_again)) == [codec.Binary(b"a")]
        array[:] = wire
    let_go()  # no hold was kept


@DECODERS
def test_callers_receive_buffer_that_was_shrunk(codec: SimpleNamespace, kind: str) -> None:
    """A view leads to the buffer behind it; once released, nothing keeps its size."""
    decoder = getattr(codec, kind)("server")
    view = decoder.get_buffer()
    behind = view.obj
    view.release()
    behind.clear()
    with pytest.raises(ValueError, match=r"nbytes must be from 0 to 0, .* not 100"):
        decoder.buffer_updated(100)
    view = decoder.get_buffer()
    assert len(view) >= 2**16
    view[:6] = frame(PING)
    assert len(list(decoder.buffer_updated(6))) == 1


class Liar(int):
    """An integer that compares as it likes."""

    def __lt__(self, other: object) -> bool:
        return True

    __le__ = __gt__ = __ge__ = __lt__


@DECODERS
def test_callers_number_that_lies_about_its_size(codec: SimpleNamespace, kind: str) -> None:
    decoder = getattr(codec, kind)("server")
    decoder.get_buffer()
    for number in (Liar(2**20 + 1), Liar(-1), Liar(2**62)):
        with pytest.raises(ValueError, match="nbytes must be from 0 to "):
            decoder.buffer_updated(number)
    assert len(decoder.get_buffer(Liar(2**40))) == 2**20
    with pytest.raises(ValueError, match="must not be negative"):
        getattr(codec, kind)("server", max_frame_size=Liar(-1))


# Objects in a state that they should not be in.

UNBORN = """
import wsfast
def tried(call):
    try:
        return repr(call())
    except Exception as error:
        return type(error).__name__
for name in ("MessageDecoder", "FrameDecoder"):
    for wire in (b"\\x89\\0", b"\\x8a\\x01a", b"\\x81\\0", b"\\x82\\0", b"\\x01\\0\\x80\\0",
                 b"\\x88\\0", b"\\x89\\x85\\0\\0\\0\\0", b"\\x82\\x7f\\xff", b"\\x81\\x05Hello"):
        for step in (1, len(wire)):
            kind = getattr(wsfast, name)
            decoder = kind.__new__(kind)
            for at in range(0, len(wire), step):
                tried(lambda: list(decoder.feed(wire[at : at + step])))
            tried(lambda: decoder.get_buffer()[:1])
            tried(lambda: list(decoder.buffer_updated(1)))
            tried(lambda: decoder.take_part())
for name in ("Text", "Binary", "TextPart", "BinaryPart", "Ping", "Pong", "Close", "Frame",
             "Utf8Validator"):
    kind = getattr(wsfast, name)
    some, other = kind.__new__(kind), kind.__new__(kind)
    for attribute in dir(some):
        tried(lambda: getattr(some, attribute))
    for call in (repr, hash, lambda one: one == other, lambda one: one.__reduce__(),
                 lambda one: one.feed(b"\\xc3"), lambda one: one.finish()):
        tried(lambda: call(some))
print("done")
"""


@BACKENDS
def test_callers_objects_that_were_never_initialised(backend: str) -> None:
    done = python(UNBORN, "-X", "faulthandler", WSFAST_BACKEND=backend)
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr


@DECODERS
def test_callers_decoder_initialised_again_is_as_new(codec: SimpleNamespace, kind: str) -> None:
    """In the middle of a header, a payload, a control frame; after a violation."""
    for begin in (
        b"\x82\xfe",
        frame(BINARY, bytes(99))[:20],
        frame(TEXT, "漢".encode() * 9, fin=False),
        frame(PING, bytes(125))[:100],
        frame(TEXT, b"a", fin=False) + frame(PING, bytes(125))[:100],
        frame(8, b"\x03\xe8"),
        frame(3),
    ):
        decoder = getattr(codec, kind)("server")
        run(decoder.feed(begin))
        decoder.__init__("client", max_frame_size=200)
        expected = list(getattr(codec, kind)("client").feed(b"\x89\x7d" + bytes(125)))
        assert list(decoder.feed(b"\x89\x7d" + bytes(125))) == expected
        assert run(decoder.feed(header(0x82, 201, None)))[1] is not None


def test_callers_other_text_mode_in_mid_message(codec: SimpleNamespace) -> None:
    """Something that feeds the decoder while it is being initialised again."""
    decoder = codec.MessageDecoder("server", text="bytes")
    assert list(decoder.feed(frame(TEXT, "漢".encode() * 1_000, fin=False))) == []
    inside: list[Any] = []
    last = "🙂".encode()

    class Feeding(Deflate):
        def inflater(self) -> Any:
            inside.append(
                outcome(lambda: list(decoder.feed(frame(CONTINUATION, b"\xf0\x9f\x99\x82"))))
            )
            return super().inflater()

    decoder.__init__("server", text="str", deflate=Feeding("server"))
    # Compiled, nothing has changed by then; else it has begun anew: the text is never torn.
    assert inside
    for kind, events in inside:
        assert kind == "returned" or "no message" in events[1], events
        for event in events if kind == "returned" else ():
            text = event.data if isinstance(event.data, bytes) else event.data.encode()
            assert text == "漢".encode() * 1_000 + last


def test_callers_reentrant_calls_from_an_inflater(codec: SimpleNamespace) -> None:
    engine, tried = engine_that_calls(
        lambda: decoder.feed(frame(PING)),
        lambda: decoder.get_buffer().nbytes,
        lambda: decoder.buffer_updated(6),
        lambda: decoder.__init__("client"),
    )
    deflate = Deflate("server")
    deflate._engine = engine
    decoder = codec.MessageDecoder("server", deflate=deflate)
    wire = compressed(b"Hello")
    assert list(decoder.feed(frame(PING, b"a") + wire + wire)) == [
        codec.Ping(b"a"),
        codec.Binary(b"Hello"),
        codec.Binary(b"Hello"),
    ]
    assert [kind for kind, _ in tried] == ["raised", "returned", "raised", "raised"]
    for _, (kind, said, _) in (tried[0], *tried[2:]):
        assert kind is RuntimeError
        assert said == "the decoder is in use: it was called from inside its own call"


@DECODERS
def test_callers_decoder_in_a_cycle_is_used_while_collected(
    codec: SimpleNamespace, kind: str
) -> None:
    found: list[Any] = []

    class Owner:
        def __init__(self) -> None:
            self.decoder = getattr(codec, kind)("server")
            self.itself = self
            list(self.decoder.feed(frame(BINARY, b"abc", fin=False)))

        def __del__(self) -> None:
            found.append(list(self.decoder.feed(frame(CONTINUATION, b"def"))))

    for _ in range(20):
        Owner()
    gc.collect()
    assert len(found) == 20
    assert {len(events) for events in found} == {1}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:This process.*is multi-threaded:DeprecationWarning")
@DECODERS
def test_callers_decoder_goes_on_in_both_processes_after_a_fork(
    codec: SimpleNamespace, kind: str
) -> None:
    decoder = getattr(codec, kind)("server")
    wire = fragmented(TEXT, [b"gr\xc3", b"\xbcn"]) + frame(BINARY, bytes(300))
    before = list(decoder.feed(wire[:12]))
    child = os.fork()
    if child == 0:
        try:
            events = before + list(decoder.feed(wire[12:]))
            os._exit(7 if events == list(getattr(codec, kind)("server").feed(wire)) else 1)
        finally:
            os._exit(2)
    events = before + list(decoder.feed(wire[12:]))
    assert events == list(getattr(codec, kind)("server").feed(wire))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7


def test_callers_iterator_outlives_its_decoder(codec: SimpleNamespace) -> None:
    read = bytearray(frame(BINARY, b"abc") + frame(TEXT, b"\xff"))
    decoder = codec.MessageDecoder("server")
    events = decoder.feed(read)
    del decoder
    read[:] = bytes(len(read))
    gc.collect()
    assert next(events) == codec.Binary(b"abc")
    _, violation = run(events)
    assert violation is not None
    assert violation.octets == b"\xff"  # type: ignore[attr-defined]


def test_callers_buffer_that_is_closed(codec: SimpleNamespace) -> None:
    area, view = mmap.mmap(-1, 8), memoryview(bytes(8))
    area.close()
    view.release()
    for buffer in (area, view):
        for call in (
            lambda b=buffer: codec.apply_mask(b, KEY),
            lambda b=buffer: codec.apply_mask_inplace(b, KEY),
            lambda b=buffer: codec.is_valid_utf8(b),
            lambda b=buffer: codec.Utf8Validator().feed(b),
            lambda b=buffer: codec.encode_frame(BINARY, b),
            lambda b=buffer: list(codec.MessageDecoder("server").feed(b)),
        ):
            with pytest.raises(ValueError, match=r"closed or invalid|released memoryview"):
                call()


@DECODERS
def test_callers_larger_receive_buffer_replaces_a_smaller(
    codec: SimpleNamespace, kind: str
) -> None:
    decoder = getattr(codec, kind)("server")
    small = decoder.get_buffer()
    assert decoder.get_buffer().obj is small.obj
    large = decoder.get_buffer(2**18)
    assert (len(small), len(large)) == (2**16, 2**18)
    large[: 2**17 + 14] = frame(BINARY, bytes(2**17))
    assert len(list(decoder.buffer_updated(2**17 + 14))) == 1


OUT_OF_MEMORY = """
import resource
import sysconfig
import wsfast
part = bytes(2**20)
decoder = wsfast.MessageDecoder("client", max_message_size=None)
wire = wsfast.encode_frame(9, b"before") + b"\\x82\\x7f" + (2**62).to_bytes(8, "big")
assert len(list(decoder.feed(wire))) == 1
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 2**26, -1))
try:
    for count in range(3_000):
        list(decoder.feed(part))
except MemoryError:
    # Without a GIL, address space is taken a gigabyte at a time.
    print("MemoryError", 20 < count < 70 or sysconfig.get_config_var("Py_GIL_DISABLED") == 1)
try:
    decoder.feed(b"")
except RuntimeError as error:
    print(error)
print(len(list(wsfast.MessageDecoder("client").feed(wsfast.encode_frame(2, part)))))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs RLIMIT_AS and /proc")
@pytest.mark.skipif(UNDER_ASAN, reason="AddressSanitizer would end the process")
@BACKENDS
def test_callers_out_of_memory_in_mid_message(backend: str) -> None:
    """It is no crash, and what the message took is there again."""
    said = str(decoder_failed(MemoryError))
    done = python(OUT_OF_MEMORY, WSFAST_BACKEND=backend)
    assert (done.returncode, done.stdout) == (0, f"MemoryError True\n{said}\n1\n"), done.stderr


def test_callers_record_initialised_again_does_not_change(codec: SimpleNamespace) -> None:
    """Where it is compiled: a decoder's records are shared without a copy."""
    for record in (codec.Binary(b"a"), codec.Ping(b"a"), codec.Frame(BINARY, b"a")):
        same = hash(record)
        again = outcome(lambda r=record: r.__init__(*r.__reduce__()[1]))
        assert again[0] == ("raised" if codec.name == "native" else "returned")
        assert hash(record) == same
