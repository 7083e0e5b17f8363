"""The objects of the codec as Python sees them: their types can't be changed, cycles through
them are collected, and one that is found half made does no harm."""

from __future__ import annotations

import gc
import sys
import weakref
from types import SimpleNamespace
from typing import Any

import pytest

from conftest import CORE
from helpers import BINARY, PING, TEXT, frame, outcome, run

NAMES = ["Text", "Binary", "TextPart", "BinaryPart", "Ping", "Pong", "Close", "Frame"]
TRACKED = 1 << 14  # Py_TPFLAGS_HAVE_GC


def types_of(codec: SimpleNamespace) -> list[type]:
    """Return all types of a codec, those that only others are made of included."""
    found = vars(codec).values() if codec.name == "pure" else vars(CORE).values()
    home = "wsfast._pure" if codec.name == "pure" else "wsfast._native.core"
    return [one for one in found if isinstance(one, type) and one.__module__.startswith(home)]


def sink(codec: SimpleNamespace, put: Any = print) -> Any:
    mould = codec.Mould(tuple, (1, ...))
    return codec.MessageSink("server", None, mould, mould, put, lambda *_: False)


def keepers(codec: SimpleNamespace) -> list[Any]:
    """Return one of each type whose objects can hold others, and so be in a cycle."""
    return [
        codec.MessageDecoder("server"),
        codec.FrameDecoder("server"),
        codec.Frame(BINARY, memoryview(b"abc")),
        codec.Utf8Validator(),
        codec.Mould(tuple, (1, ...)),
        sink(codec),
        *([codec.ClassState(int)] if codec.name == "native" else []),  # in Python it keeps nothing
    ]


def test_every_type_is_looked_at_here(codec: SimpleNamespace) -> None:
    """One that is added is to be among the records or the keepers of these tests."""
    names = {kind.__name__ for kind in types_of(codec)}
    known = {type(one).__name__ for one in (*records(codec), *keepers(codec))}
    bases = {"Data", "Part", "Receiver"} if codec.name == "native" else {"ClassState"}
    assert names == known | bases
    assert set(NAMES) == {type(one).__name__ for one in records(codec)}
    if codec.name == "native":
        tracked = {kind.__name__ for kind in types_of(codec) if kind.__flags__ & TRACKED}
        assert tracked - bases == {type(one).__name__ for one in keepers(codec)}


def records(codec: SimpleNamespace) -> list[Any]:
    return [
        codec.Text("a"),
        codec.Text(b"a"),
        codec.Binary(b"a"),
        codec.TextPart("a", False),
        codec.BinaryPart(b"a", True),
        codec.Ping(b"a"),
        codec.Pong(b"a"),
        codec.Close(1000, "a"),
        codec.Frame(BINARY, b"a"),
        *codec.MessageDecoder("server").feed(frame(TEXT, b"a")),
        *codec.MessageDecoder("server", stream=True).feed(frame(TEXT, b"a")),
        *codec.FrameDecoder("server").feed(frame(TEXT, b"a")),
    ]


def test_types_that_are_compiled_cannot_be_changed(codec: SimpleNamespace) -> None:
    if codec.name != "native":
        return  # a class in Python can be: see the next test for its instances
    for kind in types_of(codec):
        for attribute in ("data", "feed", "__init__", "anything"):
            with pytest.raises(TypeError, match="immutable type"):
                setattr(kind, attribute, 5)
            with pytest.raises(TypeError, match="immutable type"):
                delattr(kind, attribute)


def test_records_cannot_be_changed(codec: SimpleNamespace) -> None:
    for record in records(codec):
        for attribute in (*record.__match_args__, "anything"):
            with pytest.raises((AttributeError, TypeError)):
                setattr(record, attribute, 5)
        with pytest.raises((AttributeError, TypeError)):
            record.__class__ = codec.Pong if type(record) is not codec.Pong else codec.Ping


def test_records_hold_plain_values_and_so_are_in_no_cycle(codec: SimpleNamespace) -> None:
    class Witness:
        pass

    class Bytes(bytes):
        holder: Any
        witness: Witness

    class Word(str):
        holder: Any

    class Number(int):
        holder: Any

    assert type(codec.Text(Word("a")).data) is str
    for name in ("Text", "Binary", "Ping", "Pong"):
        data = Bytes(b"abc")
        data.holder = getattr(codec, name)(data)
        assert type(data.holder.data) is bytes
        assert data.holder.data == b"abc"
        data.witness = Witness()  # bytes have no weak references themselves
        ended = weakref.ref(data.witness)
        del data
        assert ended() is None  # without a collection
    part = codec.TextPart(Word("a"), Word("true"))  # a truth value
    assert (type(part.data), part.data, part.last) == (str, "a", True)
    data = Bytes(b"abc")
    data.holder = codec.BinaryPart(data, data)
    assert (type(data.holder.data), data.holder.last) == (bytes, True)
    data.witness = Witness()
    ended = weakref.ref(data.witness)
    del data
    assert ended() is None
    close = codec.Close(Number(1000), Word("a"))
    assert (type(close.code), type(close.reason)) == (int, str)
    assert (close.code, close.reason) == (1000, "a")


def test_a_frame_in_a_cycle_is_collected(codec: SimpleNamespace) -> None:
    class Bytes(bytes):
        frame: Any
        witness: Any

    class Witness:
        pass

    for view in (False, True):
        data, witness = Bytes(b"abc"), Witness()
        data.witness = witness
        data.frame = codec.Frame(BINARY, memoryview(data) if view else data)
        ended = weakref.ref(witness)
        del data, witness
        assert ended() is not None
        gc.collect()
        assert ended() is None


def test_a_sink_in_a_cycle_is_collected(codec: SimpleNamespace) -> None:
    class Library:
        sink: Any

        def put(self, *_: Any) -> None:
            """Take a message."""

    for begin in (b"", frame(TEXT, b"abc")[:7]):
        library = Library()
        library.sink = sink(codec, library.put)
        assert library.sink.feed(begin, None)
        ended = weakref.ref(library)
        del library
        assert ended() is not None
        gc.collect()
        assert ended() is None


@pytest.mark.parametrize("name", ["MessageDecoder", "FrameDecoder"])
def test_a_decoder_in_a_cycle_is_collected(codec: SimpleNamespace, name: str) -> None:
    class Witness:
        pass

    decoder, witness = getattr(codec, name)("server"), Witness()
    _, violation = run(decoder.feed(frame(3)))
    assert violation is not None
    violation.decoder, violation.witness = decoder, witness
    ended = weakref.ref(witness)
    del decoder, witness, violation
    gc.collect()
    assert ended() is None


def test_events_of_decoders_are_no_work_for_the_collector(codec: SimpleNamespace) -> None:
    if codec.name != "native":
        return  # objects of classes in Python always are
    for decoder in (
        codec.MessageDecoder("server"),
        codec.MessageDecoder("server", stream=True),
        codec.FrameDecoder("server"),
    ):
        for event in decoder.feed(frame(TEXT, b"a") + frame(PING)):
            assert not gc.is_tracked(event)
    assert gc.is_tracked(codec.Frame(BINARY, memoryview(b"a")))


def test_objects_found_by_the_collector_can_be_used(codec: SimpleNamespace) -> None:
    """Whatever is found in the middle of being made, or of being collected."""
    kinds = tuple(types_of(codec))
    seen = set()
    wires = b"\x81\0", frame(PING), frame(TEXT, b"a"), frame(BINARY, b"abc")[:7], b"\x81"

    def look(phase: str, info: dict[str, int]) -> None:
        for one in gc.get_objects(generation=0):  # in later ones is nothing half made
            if type(one) in kinds:
                seen.add(type(one))
                for call in (
                    lambda o=one: repr(o),
                    lambda o=one: hash(o),
                    lambda o=one: o == o,  # what it does is the question
                    *(lambda o=one, w=w: list(o.feed(w)) for w in wires),
                    *(lambda o=one, w=w: o.feed(w, None) for w in wires),
                    lambda o=one: next(o),
                    lambda o=one: o.take_part(),
                    lambda o=one: o.get_buffer(),
                    lambda o=one: o.buffer_updated(1),
                    lambda o=one: o.finish(),
                    lambda o=one: o.state,
                    lambda o=one: o.is_same(),
                    lambda o=one: codec.MessageSink(
                        "server", None, o, o, lambda *_: None, lambda *_: False
                    ).feed(wires[1], None),
                ):
                    outcome(call)

    before = gc.get_threshold()
    gc.callbacks.append(look)
    try:
        for threshold in range(1, 40):
            gc.set_threshold(threshold)
            for _ in range(3):
                made: list[Any] = [*keepers(codec), *({} for _ in range(5))]
                made.append(made)
    finally:
        gc.set_threshold(*before)
        gc.callbacks.remove(look)
    assert len(seen) >= (0 if sys.version_info >= (3, 12) else len(keepers(codec)))


def test_objects_never_initialised_have_no_fields(codec: SimpleNamespace) -> None:
    for name in NAMES:
        kind = getattr(codec, name)
        one = kind.__new__(kind)
        for field in kind.__match_args__[:2]:
            with pytest.raises(AttributeError):
                getattr(one, field)
