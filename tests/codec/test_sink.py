"""The replacement of a library's parser: who handles which frame, however the wire is cut."""

from __future__ import annotations

from random import Random
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest

from stopping import raiser
from wsfast import InvalidUTF8, encode_frame

KEY = b"\x01\x02\x03\x04"


class Message(NamedTuple):
    """A library's message."""

    kind: str
    data: Any
    extra: str


class Host:
    """A library that takes notes, with the frames of its own joined."""

    def __init__(self, codec: SimpleNamespace, room: list[int] | None = None, **options: Any):
        self.notes: list[Any] = []
        self.failing = False
        kinds = codec.Mould(Message, ("text", ..., "")), codec.Mould(Message, ("binary", ..., ""))
        if room is not None:
            options["room"] = lambda: room[0]
        self.sink = codec.MessageSink("server", 1000, *kinds, self.put, self.other, **options)

    def put(self, message: Message, size: int) -> None:
        self.notes.append((message, size))

    def other(self, host: Any, data: bytes) -> bool:
        assert host is self
        if self.notes and type(self.notes[-1]) is bytes:
            self.notes[-1] += data
        else:
            self.notes.append(data)
        return self.failing

    def feed(self, wire: bytes, places: list[int]) -> list[Any]:
        for a, b in zip([0, *places], [*places, len(wire)], strict=True):
            assert self.sink.feed(wire[a:b], self)
        return self.notes


def frame(opcode: int, payload: Any, **options: Any) -> bytes:
    return encode_frame(opcode, payload, masking_key=KEY, **options)


OURS = [(frame(1, "größer"), (Message("text", "größer", ""), 8))]
OURS += [(frame(2, b"x" * size), (Message("binary", b"x" * size, ""), size)) for size in (0, 900)]
OTHERS = [
    frame(9, b"ping"),
    frame(8, b"\x03\xe8"),
    frame(2, b"too long" * 200),
    frame(1, "compressed", rsv1=True),
    frame(1, "a", fin=False) + frame(9, b"") + frame(1, "inside") + frame(0, "ü" * 99),
    encode_frame(1, "not masked"),
    b"\x83\x80abcd",
    b"\x81\xfe\x00\x01abcda",
    b"\x82\xff" + (5).to_bytes(8, "big") + b"abcdhello",
]


@pytest.mark.parametrize("seed", range(40))
def test_sink_takes_the_same_frames_however_they_are_cut(codec: SimpleNamespace, seed: int) -> None:
    rng, wire, expected = Random(seed), b"", []
    for _ in range(rng.randrange(1, 12)):
        if rng.random() < 0.6:
            data, note = rng.choice(OURS)
            expected.append(note)
        else:
            data = rng.choice(OTHERS)
            if expected and type(expected[-1]) is bytes:
                expected[-1] += data
            else:
                expected.append(data)
        wire += data
    places = sorted(rng.randrange(len(wire) + 1) for _ in range(rng.choice((0, 1, 4, 40))))
    assert Host(codec).feed(wire, places) == expected


def test_sink_keeps_what_there_is_no_room_for(codec: SimpleNamespace) -> None:
    room = [-1]
    host = Host(codec, room)
    wire = OURS[0][0] * 3
    assert host.feed(wire, []) == [wire[:1]]
    room[0] = 10**6
    host.feed(b"", [])
    size = len(OURS[0][0])
    assert host.notes == [wire[:size], OURS[0][1], OURS[0][1]]


@pytest.mark.parametrize("reads", [1, 2])
def test_sink_asks_for_room_after_each_frame_of_the_others(
    codec: SimpleNamespace, reads: int
) -> None:
    """They may put any message themselves, such as one that was compressed."""
    room = [10**6]

    class Putting(Host):
        def other(self, host: Any, data: bytes) -> bool:
            if data == OTHERS[0]:
                room[0] = -1
            return super().other(host, data)

    host = Putting(codec, room)
    wire = OURS[0][0] + OTHERS[0] + OURS[0][0]
    cut = len(OURS[0][0]) * (reads - 1)
    host.feed(wire, [cut])
    assert host.notes == [OURS[0][1], OTHERS[0] + OURS[0][0][:1]]
    room[0] = 10**6
    host.feed(b"", [])
    assert host.notes == [OURS[0][1], OTHERS[0] + OURS[0][0]]  # of which they had a byte


def test_sink_stops_when_the_others_fail(codec: SimpleNamespace) -> None:
    host = Host(codec)
    host.failing = True
    assert not host.sink.feed(frame(9, b"") + OURS[0][0], host)
    assert host.notes == [frame(9, b"")]


@pytest.mark.parametrize("places", [[], [7], [3, 8, 9]])
@pytest.mark.parametrize(
    "wire",
    [
        frame(1, b"ab\xff" + b"c" * 50),
        frame(1, b"ab", fin=False) + frame(0, b"\xff"),
        frame(1, b"ab\xc3", fin=False) + frame(0, b""),
        encode_frame(1, b"ab\xff" + b"c" * 9),
    ],
)
def test_sink_validates_text_whosever_it_is(
    codec: SimpleNamespace, wire: bytes, places: list[int]
) -> None:
    with pytest.raises(InvalidUTF8) as caught:
        Host(codec).feed(wire, places)
    assert caught.value.offset == 2


def test_sink_does_not_look_at_text_that_is_not_decoded(codec: SimpleNamespace) -> None:
    wire = frame(1, b"ab\xff") + frame(1, b"ab", fin=False) + frame(0, b"\xff")
    expected = [(Message("text", b"ab\xff", ""), 3), wire[9:]]
    assert Host(codec, decodes=False).feed(wire, []) == expected
    assert Host(codec, decodes=False).feed(wire, [7, 12]) == expected


def test_sink_calls_what_is_no_tuple(codec: SimpleNamespace) -> None:
    notes: list[Any] = []
    mould = codec.Mould(dict.fromkeys, (..., 1))
    sink = codec.MessageSink(
        "server", None, mould, mould, lambda *note: notes.append(note), lambda *_: False
    )
    assert sink.feed(frame(1, "ab"), None)
    assert notes == [({"a": 1, "b": 1}, 2)]


def test_sink_refuses_to_be_fed_by_what_it_calls(codec: SimpleNamespace) -> None:
    mould = codec.Mould(Message, (1, ..., 2))
    sink: Any = codec.MessageSink(
        "server", None, mould, mould, lambda *_: sink.feed(b"", None), lambda *_: False
    )
    with pytest.raises(RuntimeError, match="feed"):
        sink.feed(frame(1, "a"), None)


# What stops a sink.


PASSED_ON = frame(9, b"") + frame(1, "a")
STOPPED = {
    "put": OURS[0][0] * 2,
    "others": PASSED_ON,
    "room": PASSED_ON,
    "make": OURS[0][0] * 2,
    "put, in two reads": OURS[0][0] * 2,
}


@pytest.mark.parametrize("error", [ValueError, MemoryError, KeyboardInterrupt, GeneratorExit])
@pytest.mark.parametrize("what", STOPPED)
def test_sink_that_was_stopped_says_so_and_takes_nothing_more(
    codec: SimpleNamespace, what: str, error: type[BaseException]
) -> None:
    """Else it would go on in the middle of a message, and find the remote at fault."""
    throw = raiser(error("from outside"))
    taken: list[Any] = []
    calls: dict[str, Any] = {"put": lambda *note: taken.append(note), "others": lambda *_: False}
    calls["room"] = lambda: 10**6
    kind: Any = Message
    if what == "make":
        kind = throw
    else:
        calls[what.partition(",")[0]] = throw
    mould = codec.Mould(kind, ("text", ..., ""))
    sink = codec.MessageSink(
        "server", 1000, mould, mould, calls["put"], calls["others"], room=calls["room"]
    )
    wire = STOPPED[what]
    if "two reads" in what:
        assert sink.feed(wire[:7], None)
        wire = wire[7:]
    with pytest.raises(error, match="from outside"):
        sink.feed(wire, None)
    for more in (wire, b"", frame(9, b"")):
        with pytest.raises(RuntimeError, match=f"the sink can't go on: .* by {error.__name__}, "):
            sink.feed(more, None)
    assert taken == []


def test_sink_takes_nothing_after_the_library_has_failed(codec: SimpleNamespace) -> None:
    host = Host(codec)
    host.failing = True
    assert not host.sink.feed(frame(9, b"") + OURS[0][0], host)
    for _ in range(2):
        with pytest.raises(RuntimeError, match="stopped by the library, which had failed"):
            host.sink.feed(OURS[0][0], host)
    assert host.notes == [frame(9, b"")]


def test_sink_takes_nothing_after_a_violation(codec: SimpleNamespace) -> None:
    host = Host(codec)
    with pytest.raises(InvalidUTF8):
        host.sink.feed(frame(1, b"ab\xff"), host)
    with pytest.raises(RuntimeError, match="stopped by InvalidUTF8"):
        host.sink.feed(OURS[0][0], host)


def test_sink_goes_on_after_a_callers_mistake(codec: SimpleNamespace) -> None:
    host = Host(codec)
    with pytest.raises(TypeError):
        host.sink.feed(None, host)
    assert host.feed(OURS[0][0], []) == [OURS[0][1]]
