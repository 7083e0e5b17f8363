"""Arguments of every public callable: numbers are checked alike, and so are buffers."""

from __future__ import annotations

import array
import ctypes
import mmap
from collections.abc import Callable, Iterator
from itertools import permutations
from types import SimpleNamespace
from typing import Any

import pytest

import wsfast
from helpers import BINARY, KEY, on_default_codecs
from wsfast import Connection, Deflate, PerMessageDeflate
from wsfast.deflate import DeflateParameters

pytestmark = [on_default_codecs, pytest.mark.usefixtures("on_the_codec")]


def option(call: Callable[..., Any], name: str) -> Callable[[Any], Any]:
    return lambda value: call(**{name: value})


def client(**options: Any) -> Any:
    return PerMessageDeflate("client", **options)


def server(**options: Any) -> Any:
    return PerMessageDeflate("server", **options)


# (what, how it is called with a value, a good value, the least, the most); None: any.
NUMBERS: list[tuple[str, Callable[[SimpleNamespace], Callable[[Any], Any]], int, Any, Any]] = [
    *[
        (f"PerMessageDeflate {name}", lambda c, m=make, n=name: option(m, n), 15, 8, 15)
        for make in (client, server)
        for name in ("server_max_window_bits", "client_max_window_bits")
    ],
    *[
        (f"DeflateParameters {name}", lambda c, n=name: option(DeflateParameters, n), 15, 8, 15)
        for name in ("server_max_window_bits", "client_max_window_bits")
    ],
    *[
        (f"{make.__name__} {name}", lambda c, m=make, n=name: option(m, n), good, least, most)
        for make in (client, lambda **o: Deflate("server", **o))
        for name, good, least, most in (
            ("level", 1, 0, 9),
            ("mem_level", 8, 1, 9),
            ("threshold", 32, 0, None),
        )
    ],
    *[
        (
            f"{kind} {name}",
            lambda c, k=kind, n=name: option(lambda **o: getattr(c, k)("server", **o), n),
            70,
            0,
            None,
        )
        for kind, names in (
            ("MessageDecoder", ("max_message_size", "max_frame_size", "max_retained")),
            ("FrameDecoder", ("max_frame_size",)),
        )
        for name in names
    ],
    (
        "FrameDecoder reserved_bits",
        lambda c: option(lambda **o: c.FrameDecoder("server", **o), "reserved_bits"),
        0x40,
        0,
        0x70,
    ),
    *[
        (
            f"Connection {name}",
            lambda c, n=name: option(lambda **o: Connection("server", **o), n),
            9,
            least,
            None,
        )
        for name, least in (
            ("max_message_size", 0),
            ("max_frame_size", 0),
            ("max_retained", 0),
            ("fragment_size", 4),
        )
    ],
    ("fragment size", lambda c: lambda value: list(wsfast.fragment(2, b"a", value)), 4, 1, None),
    ("apply_mask offset", lambda c: lambda value: c.apply_mask(b"a", KEY, value), 3, 0, 2**63 - 1),
    ("buffer_updated", lambda c: c.MessageDecoder("server").buffer_updated, 0, 0, 0),
    ("get_buffer", lambda c: c.MessageDecoder("server").get_buffer, 5, None, None),
    ("encode_close", lambda c: c.encode_close, 1000, 1000, 4999),
]
IDS = [f"{i}-{row[0]}" for i, row in enumerate(NUMBERS)]
OPTIONAL = ("max_", "level", "window_bits", "fragment_size", "close")


@pytest.mark.parametrize(("what", "how", "good", "least", "most"), NUMBERS, ids=IDS)
def test_numbers_are_checked_alike(
    codec: SimpleNamespace, what: str, how: Any, good: int, least: Any, most: Any
) -> None:
    call = how(codec)
    call(good)
    for wrong in (True, False, 1.5, "8", b"8", 8.0, object()):
        with pytest.raises(TypeError, match="must be an integer"):
            call(wrong)
    for limit, beyond in ((least, -1), (most, +1)):
        if limit is not None:
            with pytest.raises(ValueError):  # noqa: PT011 # each says it in its own words
                call(limit + beyond)
    if least is not None:
        with pytest.raises(ValueError):  # noqa: PT011
            call(-1)


def test_a_window_of_0_is_not_offered() -> None:
    with pytest.raises(ValueError, match=r"client_max_window_bits must be from 8 to 15, not 0"):
        PerMessageDeflate("client", client_max_window_bits=0)
    with pytest.raises(TypeError, match=r"server_max_window_bits must be an integer.*, not bool"):
        PerMessageDeflate("client", server_max_window_bits=False)


# Buffers.


def buffers() -> Iterator[tuple[str, Any]]:
    """Every kind of buffer of the bytes of ``CONTENT``, and empty ones."""
    yield "bytearray", bytearray(CONTENT)
    yield "subclass", type("Sub", (bytes,), {})(CONTENT)
    for code in "bBhHiIlLqQfd":
        yield f"array {code}", array.array(code, CONTENT)
    yield "rows", memoryview(CONTENT).cast("B", (4, 4))
    yield "cube of doubles", memoryview(CONTENT).cast("d", (1, 2, 1))
    yield "read-only of a writable", memoryview(bytearray(CONTENT)).toreadonly()
    yield "slice", memoryview(b"x" + CONTENT + b"x")[1:-1]
    yield "ctypes", (ctypes.c_uint16 * 8).from_buffer_copy(CONTENT)
    yield "ctypes rows", ((ctypes.c_uint8 * 4) * 4).from_buffer_copy(CONTENT)
    yield "structure", Pair.from_buffer_copy(CONTENT)
    area = mmap.mmap(-1, len(CONTENT))
    area[:] = CONTENT
    yield "mmap", area


class Pair(ctypes.Structure):
    _fields_ = [("a", ctypes.c_uint64), ("b", ctypes.c_uint64)]


CONTENT = b"0123456789abcdef"
EMPTY = {
    "bytearray": bytearray(),
    "array": array.array("d"),
    "ctypes": (ctypes.c_int * 0)(),
    "ctypes rows": ((ctypes.c_int * 3) * 0)(),
    "view": memoryview(b"")[0:0],
}
try:
    import numpy as np
except ModuleNotFoundError:
    pass
else:
    EMPTY["numpy 0x3"] = np.zeros((0, 3))  # type: ignore[assignment]
    EMPTY["numpy 3x0"] = np.zeros((3, 0), "u1")  # type: ignore[assignment]


def sent(call: Callable[[Connection], Any]) -> bytes:
    connection = Connection("server")
    call(connection)
    return connection.data_to_send()


def deflated(data: Any) -> Any:
    return Deflate("server", threshold=0).compress(data)


# What takes a buffer, what of it comes out of each, and whether a str is taken too.
TAKERS: dict[str, tuple[Callable[[SimpleNamespace, Any], Any], bool]] = {
    "apply_mask": (lambda c, data: c.apply_mask(data, KEY), False),
    "is_valid_utf8": (lambda c, data: c.is_valid_utf8(data), False),
    "validate_utf8": (lambda c, data: c.validate_utf8(data), False),
    "decode_utf8": (lambda c, data: c.decode_utf8(data), False),
    "Utf8Validator": (lambda c, data: c.Utf8Validator().feed(data), False),
    "encode_frame": (lambda c, data: c.encode_frame(BINARY, data), True),
    "encode_frame masked": (lambda c, data: c.encode_frame(BINARY, data, masking_key=KEY), True),
    "encode_frames": (lambda c, data: c.encode_frames([(BINARY, data)]), True),
    "fragment": (lambda c, data: [bytes(f.payload) for f in wsfast.fragment(2, data, 5)], True),
    "compress": (lambda c, data: deflated(data), True),
    "send_text": (lambda c, data: sent(lambda s: s.send_text(data)), True),
    "send_binary": (lambda c, data: sent(lambda s: s.send_binary(data)), False),
    "ping": (lambda c, data: sent(lambda s: s.ping(data)), False),
    "pong": (lambda c, data: sent(lambda s: s.pong(data)), False),
    "FrameDecoder": (lambda c, data: outcome(c.FrameDecoder("client"), data), False),
    "MessageDecoder": (lambda c, data: outcome(c.MessageDecoder("client"), data), False),
    "receive": (lambda c, data: outcome(Connection("client"), data), False),
}


def outcome(receiver: Any, data: Any) -> Any:
    take = receiver.receive if isinstance(receiver, Connection) else receiver.feed
    try:
        return list(take(data))
    except wsfast.ProtocolViolation as violation:
        return type(violation), str(violation)


@pytest.mark.parametrize(("take", "takes_str"), TAKERS.values(), ids=TAKERS)
def test_every_buffer_is_taken_as_its_bytes(
    codec: SimpleNamespace, take: Any, takes_str: bool
) -> None:
    expected = take(codec, CONTENT)
    for name, buffer in buffers():
        assert take(codec, buffer) == expected, name
    expected = take(codec, b"")
    for name, buffer in EMPTY.items():
        assert take(codec, buffer) == expected, name


@pytest.mark.parametrize(("take", "takes_str"), TAKERS.values(), ids=TAKERS)
def test_what_is_no_buffer_is_refused_alike(
    codec: SimpleNamespace, take: Any, takes_str: bool
) -> None:
    kinds = "a str or a bytes-like object" if takes_str else "a bytes-like object"
    for wrong in ({}, 7, [1], object()):
        with pytest.raises(TypeError, match=rf"^\w+ must be {kinds}, not {type(wrong).__name__}$"):
            take(codec, wrong)
    if not takes_str:
        with pytest.raises(TypeError, match=rf"^\w+ must be {kinds}, not str$"):
            take(codec, "text")
    for wrong in (memoryview(CONTENT)[::2], memoryview(CONTENT).cast("B", (4, 4))[::-1]):
        with pytest.raises(ValueError, match=r"^\w+ must be a C-contiguous buffer$"):
            take(codec, wrong)


DECODER_CALLS: dict[str, tuple[tuple[Any, ...], dict[str, Any]]] = {
    "no role": ((), {}),
    "two by place": (("server", "str"), {}),
    "unknown name": (("server",), {"max_size": 1}),
    "unknown name of the length of another": (("server",), {"strean": True}),
    "role twice": (("server",), {"role": "server"}),
    "wrong role by name": ((), {"role": "both"}),
    "wrong text": (("server",), {"stream": True, "text": "utf-8"}),
    "wrong size": (("server",), {"max_message_size": -1, "max_retained": 5}),
    "wrong retained": (("server",), {"max_retained": 1.5}),
    "wrong deflate": (("server",), {"deflate": "yes"}),
}


@pytest.mark.parametrize("call", DECODER_CALLS.values(), ids=DECODER_CALLS)
def test_message_decoder_made_or_initialized_again_refuses_the_same(
    codec: SimpleNamespace, call: tuple[tuple[Any, ...], dict[str, Any]]
) -> None:
    args, keywords = call
    with pytest.raises((TypeError, ValueError)) as made:
        codec.MessageDecoder(*args, **keywords)
    with pytest.raises(type(made.value)):
        codec.MessageDecoder("client").__init__(*args, **keywords)


def test_message_decoder_takes_its_keywords_in_any_order(codec: SimpleNamespace) -> None:
    options = {"text": "bytes", "stream": True, "max_message_size": 3, "max_frame_size": None}
    wire = codec.encode_frame(1, "abc") + codec.encode_frame(1, "abcd")
    for names in permutations(options):
        for role in ((("client",), {}), ((), {"role": "client"})):
            keywords = {**{name: options[name] for name in names}, **role[1]}
            decoder = codec.MessageDecoder(*role[0], **keywords)
            messages = iter(decoder.feed(wire))
            assert next(messages) == codec.TextPart(b"abc", True)
            with pytest.raises(wsfast.MessageTooBig):
                next(messages)
