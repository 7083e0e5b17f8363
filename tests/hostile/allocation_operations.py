"""The operations that allocation.py does without memory.

Invariant: each public callable is called here, or test_allocation.py says why not.
"""

from __future__ import annotations

import copy
import pickle
import zlib
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import wsfast
from allocation_kinds import (
    MOULDS,
    Message,
    Operation,
    attempt,
    connected,
    fed,
    parted,
    same,
    sunk,
    taken,
    validated,
)
from wsfast import (
    Binary,
    BinaryPart,
    Close,
    Connection,
    Frame,
    FrameDecoder,
    InvalidUTF8,
    MessageDecoder,
    Ping,
    Pong,
    Text,
    TextPart,
    Utf8Validator,
)
from wsfast._backend import ClassState, MessageSink, Mould, mask_with, take_frame
from wsfast.deflate import Deflate, PerMessageDeflate

KEY = b"\x01\x02\x03\x04"


def compressed(data: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-15)
    deflated = (compressor.compress(data) + compressor.flush(zlib.Z_SYNC_FLUSH))[:-4]
    return wsfast.encode_frame(2, deflated, rsv1=True, masking_key=KEY)


def frame(opcode: int, payload: bytes, *, fin: bool = True) -> bytes:
    return wsfast.encode_frame(opcode, payload, fin=fin, masking_key=KEY)


def inflating(text: str = "str") -> Callable[[], Any]:
    return lambda: MessageDecoder("server", text=text, deflate=Deflate("server"))


def server(**options: Any) -> Callable[[], Any]:
    return lambda: MessageDecoder("server", **options)


def frames(**options: Any) -> Callable[[], Any]:
    return lambda: FrameDecoder("server", **options)


EVENTS = (
    frame(1, b"ascii")
    + frame(1, "漢字".encode())
    + frame(2, b"ab")
    + frame(9, b"p")
    + frame(10, b"")
)


FRAGMENTS = (
    frame(1, b"gr\xc3", fin=False)
    + frame(9, b"between")
    + frame(0, b"\xbc", fin=False)
    + frame(0, b"n" * 300)
)


FAULTY = b"caf\xe9 au lait"


def arrived(wire: bytes) -> Callable[[Connection], Any]:
    def call(connection: Connection) -> Any:
        connection.get_buffer()[: len(wire)] = wire

    return call


def violation() -> InvalidUTF8:
    found = attempt(lambda: wsfast.validate_utf8(FAULTY))
    assert isinstance(found, InvalidUTF8)
    return found


def pickled_violation() -> Callable[[], Any]:
    found = violation()
    return lambda: pickle.loads(pickle.dumps(found)).args


def inplace() -> Callable[[], Any]:
    array = bytearray(b"abcdefgh")
    return lambda: wsfast.apply_mask_inplace(array, KEY)


def in_their_order() -> Callable[[], Any]:
    """Make a call of what aiohttp calls: with the key first."""
    array = bytearray(b"abcdefgh")
    return lambda: mask_with(KEY, array)


def finished(chunk: bytes) -> Callable[[], Any]:
    validator = Utf8Validator()
    validator.feed(chunk)
    return lambda: (validator.position, validator.at_boundary, attempt(validator.finish))[:2]


RECORDS = [
    Text("text"),
    Binary(b"data"),
    TextPart("text", False),
    BinaryPart(b"data", True),
    Ping(b"data"),
    Pong(b"data"),
    Close(1000, "reason"),
    Close(4999),
    Frame(2, b"data", rsv1=True),
]


OPERATIONS: dict[str, Callable[[], Operation]] = {
    "apply_mask": same(lambda: lambda: wsfast.apply_mask(b"some data", KEY, 3)),
    "apply_mask of a memoryview": same(
        lambda: lambda: wsfast.apply_mask(memoryview(b"some data"), bytearray(KEY))
    ),
    "apply_mask of nonsense": same(lambda: lambda: wsfast.apply_mask("text", KEY)),
    "apply_mask_inplace": same(inplace),
    "apply_mask_inplace, read-only": same(lambda: lambda: wsfast.apply_mask_inplace(b"abc", KEY)),
    "is_valid_utf8": same(lambda: lambda: wsfast.is_valid_utf8(bytearray(FAULTY))),
    "validate_utf8": same(lambda: lambda: wsfast.validate_utf8(FAULTY)),
    "validate_utf8, cut": same(lambda: lambda: wsfast.validate_utf8(b"ab\xf0\x9f")),
    "decode_utf8": same(lambda: lambda: wsfast.decode_utf8("grün".encode())),
    "decode_utf8 of a bytearray": same(lambda: lambda: wsfast.decode_utf8(bytearray(b"abc"))),
    "decode_utf8, faulty": same(lambda: lambda: wsfast.decode_utf8(FAULTY)),
    "encode_utf8": same(lambda: lambda: wsfast.encode_utf8("grün 漢字")),
    "encode_utf8, a lone surrogate": same(lambda: lambda: wsfast.encode_utf8("a\ud800")),
    "mask_with": same(in_their_order),
    "Utf8Validator.finish": same(lambda: finished(b"gr\xc3")),
    "Utf8Validator.reset": same(lambda: Utf8Validator().reset),
    "Utf8Validator": validated("grün".encode()),
    "Utf8Validator, faulty": validated(FAULTY),
    "Utf8Validator.state": same(lambda: lambda: Utf8Validator().state),
    "Utf8Validator.from_state": same(
        lambda: lambda: Utf8Validator.from_state((3, b"\xc3", 1, 0, 2)).state
    ),
    "Utf8Validator.from_state, wrong": same(
        lambda: lambda: Utf8Validator.from_state((0, b"\xff", 0, 0, 0))
    ),
    "new_masking_key": same(lambda: lambda: len({wsfast.new_masking_key() for _ in range(3)})),
    "encode_frame": same(lambda: lambda: wsfast.encode_frame(1, "grün", masking_key=KEY)),
    "encode_frame, wrong": same(lambda: lambda: wsfast.encode_frame(9, bytes(126))),
    "encode_frames": same(
        lambda: lambda: wsfast.encode_frames([(1, "a" * 90), Frame(2, b"b"), (9, "grün")] * 9)
    ),
    "encode_frames, masked": same(
        lambda: lambda: len(wsfast.encode_frames([(1, "a"), (2, b"b")], masked=True))
    ),
    "encode_frames, wrong": same(lambda: lambda: wsfast.encode_frames([(1, "a"), None])),  # type: ignore[list-item] # wrong
    "fragment": same(lambda: lambda: list(wsfast.fragment(1, "größer" * 3, 4))),
    "ClassState": same(lambda: lambda: ClassState(int, str).is_same()),
    "ClassState, wrong": same(lambda: lambda: ClassState(*[int] * 9)),
    "take_frame": same(lambda: lambda: take_frame(EVENTS, 0, True, 1000)),
    "take_frame, decoded": same(
        lambda: lambda: take_frame(frame(1, "größer".encode()), 0, True, 99, True)
    ),
    "take_frame, faulty": same(
        lambda: lambda: take_frame(bytearray(frame(1, FAULTY)), 0, True, 99)
    ),
    "encode_close": same(lambda: lambda: wsfast.encode_close(1001, "bye")),
    "parse_close": same(lambda: lambda: wsfast.parse_close(b"\x03\xe8gr\xc3\xbcn")),
    "parse_close, faulty": same(lambda: lambda: wsfast.parse_close(b"\x03\xe8gr\xfcn")),
    "parse_close, short": same(lambda: lambda: wsfast.parse_close(b"\x03")),
    "parse_close, code": same(lambda: lambda: wsfast.parse_close(b"\x03\xee")),
    "MessageDecoder()": same(lambda: lambda: type(MessageDecoder("server"))),
    "MessageDecoder(deflate)": same(lambda: lambda: type(inflating()())),
    "MessageDecoder(), wrong": same(lambda: lambda: MessageDecoder("neither")),  # type: ignore[arg-type] # wrong
    "FrameDecoder()": same(lambda: lambda: type(FrameDecoder("client", payload="memoryview"))),
    "feed, messages": fed(server(), EVENTS * 12),
    "feed, text as bytes": fed(server(text="bytes"), EVENTS),
    "feed, a memoryview": fed(server(), memoryview(EVENTS)),  # type: ignore[arg-type] # as good
    "feed, fragments": fed(server(), FRAGMENTS),
    "feed, the end of a message": fed(server(), FRAGMENTS[-200:], FRAGMENTS[:-200]),
    "feed, a stream": fed(server(stream=True), FRAGMENTS[-200:], FRAGMENTS[:-200]),
    "feed, a stream of bytes": fed(server(stream=True, text="bytes"), FRAGMENTS[:-1]),
    "feed, a stream that is faulty": fed(
        server(stream=True), frame(1, "漢".encode() + FAULTY), frame(1, b"a")
    ),
    "feed, a close frame": fed(server(), frame(1, b"a") + frame(8, b"\x03\xe8bye")),
    "feed, faulty text": fed(server(), frame(1, b"a") + frame(1, FAULTY)),
    "feed, faulty text as bytes": fed(server(text="bytes"), frame(1, b"a") + frame(1, FAULTY)),
    "feed, faulty fragments": fed(
        server(), frame(1, b"a") + frame(1, b"\xc3", fin=False) + frame(0, b"a" * 30)
    ),
    "feed, cut text": fed(server(), frame(1, b"a") + frame(1, b"ab\xe2\x82")),
    "feed, a bad close frame": fed(server(), frame(9, b"a") + frame(8, b"\x03\xee")),
    "feed, too big": fed(server(max_message_size=4), frame(9, b"a") + frame(2, b"12345")),
    "feed, reserved opcode": fed(server(), frame(9, b"a") + b"\x83\x80"),
    "feed, inflating": fed(inflating(), compressed(b"abc" * 400) + compressed(b"def")),
    "feed, inflating in two reads": fed(
        inflating(), compressed(b"abc" * 400)[9:], compressed(b"abc" * 400)[:9]
    ),
    "feed, inflating what is broken": fed(
        inflating(),
        frame(9, b"a") + wsfast.encode_frame(1, b"\xff" * 9, rsv1=True, masking_key=KEY),
    ),
    "feed, frames": fed(frames(), EVENTS * 12),
    "feed, a frame in two reads": fed(frames(), FRAGMENTS[-200:], FRAGMENTS[:-200]),
    "feed, views": fed(
        lambda: FrameDecoder("client", payload="memoryview"),
        wsfast.encode_frames([(1, "a"), (2, b"bc")]),
    ),
    "feed, a bad frame": fed(frames(), EVENTS + b"\x91"),
    "next, a message": taken(server(), EVENTS),
    "next, nothing": taken(server(), b""),
    "next, faulty text": taken(server(), frame(1, FAULTY)),
    "next, a bad frame": taken(frames(), b"\x83"),
    "get_buffer": same(lambda: lambda: len(MessageDecoder("server").get_buffer())),
    "buffer_updated": same(lambda: lambda: type(FrameDecoder("server").buffer_updated(0)).__name__),
    "take_part": parted(frames(), FRAGMENTS[:8]),
    "close_frame": same(lambda: violation().close_frame),
    "str of a violation": same(lambda: violation().__str__),
    "pickle of a violation": same(pickled_violation),
    **{
        f"{what} {record!r}": same(lambda record=record, do=do: lambda: do(record))
        for record in RECORDS
        for what, do in (
            ("make", lambda one: one.__reduce__()[0](*one.__reduce__()[1])),
            ("repr", repr),
            ("hash", hash),
            ("compare", lambda one: one == one.__reduce__()[0](*one.__reduce__()[1])),
            ("pickle", lambda one: pickle.loads(pickle.dumps(one))),  # our own
            ("copy", copy.copy),
        )
    },
    "Text(1)": same(lambda: lambda: Text(1)),  # type: ignore[type-var] # wrong
    "Deflate.compress": same(lambda: lambda: Deflate("server").compress(b"abc" * 300)),
    "Deflate.forget": same(lambda: lambda: Deflate("server").forget()),
    "PerMessageDeflate.respond": same(
        lambda: (
            lambda: PerMessageDeflate("server").respond(  # type: ignore[index] # it is taken
                "permessage-deflate; client_max_window_bits"
            )[0]
        )
    ),
    "PerMessageDeflate.offer": same(lambda: lambda: PerMessageDeflate("client").offer()),
    "PerMessageDeflate.accept": same(
        lambda: lambda: type(PerMessageDeflate("client").accept("permessage-deflate"))
    ),
    "PerMessageDeflate.accept, wrong": same(
        lambda: lambda: PerMessageDeflate("client").accept("permessage-deflate; what")
    ),
    "Deflate.inflater_for": same(lambda: lambda: type(Deflate("server").inflater_for("server"))),
    "Deflate.inflater": same(lambda: lambda: type(Deflate("client").inflater())),
    "Mould": same(lambda: lambda: type(Mould(Message, (1, ...)))),
    "MessageSink()": same(
        lambda: lambda: type(MessageSink("server", None, *MOULDS, print, print, decodes=False))
    ),
    "MessageSink.feed": sunk(EVENTS * 3),
    "MessageSink.feed, fragments": sunk(FRAGMENTS + EVENTS),
    "MessageSink.feed, the end of a message": sunk(
        frame(1, b"grun" * 99)[200:], frame(1, b"grun" * 99)[:200]
    ),
    "MessageSink.feed, the end of a header": sunk(frame(2, b"abc")[1:], frame(2, b"abc")[:1]),
    "MessageSink.feed, without room": sunk(EVENTS * 3, room=lambda: -1),
    "MessageSink.feed, faulty": sunk(frame(2, b"ab") + frame(1, FAULTY)),
    "MessageSink.feed, faulty fragments": sunk(frame(1, b"\xc3", fin=False) + frame(0, b"a" * 30)),
    "Connection()": same(lambda: lambda: Connection("server").state),
    "Connection.receive": connected(lambda c: c.receive(EVENTS)),
    "Connection.receive, faulty": connected(lambda c: c.receive(EVENTS + frame(1, FAULTY))),
    "Connection.receive, close": connected(lambda c: c.receive(frame(8, b"\x03\xe8"))),
    "Connection.send_text": connected(lambda c: c.send_text("grün")),
    "Connection.receive, stream": connected(lambda c: c.receive(FRAGMENTS), stream=True),
    "Connection.receive, compressed": connected(
        lambda c: c.receive(EVENTS + compressed(b"abc" * 99) + EVENTS), compresses=True
    ),
    "Connection.receive, behind what was left": connected(
        lambda c: c.receive(EVENTS + frame(3, b"")), lambda c: c.receive(frame(2, b"left"))
    ),
    "Connection.get_buffer": connected(lambda c: len(c.get_buffer(9))),
    "Connection.buffer_updated": connected(
        lambda c: c.buffer_updated(len(EVENTS)), arrived(EVENTS)
    ),
    "Connection.receive_eof": connected(lambda c: c.receive_eof()),
    "Connection.send_text, in fragments": connected(lambda c: c.send_text("grün"), fragment_size=4),
    "Connection.send_text, compressed": connected(
        lambda c: c.send_text("grün" * 9), lambda c: c.send_text("grün" * 9), compresses=True
    ),
    "Connection.send_binary": connected(lambda c: c.send_binary(bytearray(b"abc"))),
    "Connection.send_binary, compressed, in fragments": connected(
        lambda c: c.send_binary(bytes(range(99))), compresses=True, fragment_size=20
    ),
    "Connection.ping": connected(lambda c: c.ping(b"p") and None),
    "Connection.pong": connected(lambda c: c.pong(b"p")),
    "Connection.pending_pings": connected(
        lambda c: repr(c.pending_pings), lambda c: (c.ping(b"1"), c.ping(b"2"))
    ),
    "Connection.data_to_send": connected(
        lambda c: c.data_to_send(), lambda c: (c.send_text("1"), c.receive(EVENTS))
    ),
    "Connection.data_to_send, the last": connected(
        lambda c: c.data_to_send(), lambda c: (c.send_text("1"), c.close())
    ),
    "Connection.closure": connected(
        lambda c: (type(c.closure), c.state, c.write_eof, c.should_disconnect),
        lambda c: c.receive(frame(8, b"\x03\xe8bye")),
    ),
    "Connection.close": connected(lambda c: c.close(1000, "bye")),
    "Connection.going_away": connected(lambda c: c.going_away("bye")),
    # Without wsfast: what goes wrong in these goes wrong in Python itself.
    "control: int": same(lambda: lambda: int("1" * 40)),
    "control: str.encode": same(lambda: lambda: "\ud800".encode()),
    "control: a generator": same(lambda: lambda: " or ".join(c.__name__ for c in (str, int))),
    "control: pickle": same(lambda: lambda: pickle.loads(pickle.dumps(Fraction(1, 3)))),
}
