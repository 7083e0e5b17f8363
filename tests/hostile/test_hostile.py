"""Hostile remotes: floods, drips, announcements, bombs, and empty final blocks.

What each may cost is bounded in memory, as ``tracemalloc`` counts it, and in work: calls
that were counted, or the growth of CPU time.  Never seconds.  The classes of attack that
other libraries fell to are in ``test_security``.
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

import wsfast.connection
from helpers import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    TEXT,
    byte_by_byte,
    cpu_time,
    cut,
    described,
    fragmented,
    frame,
    growth,
    header,
    kept,
    mask,
    on_default_codecs,
    peak,
    put_in_place,
    receive,
    run,
)
from wsfast import ConnectionState, InvalidUTF8, MessageTooBig, ProtocolError
from wsfast.deflate import Deflate, DeflateParameters

pytestmark = on_default_codecs

RSV1 = 0x40
FIN = 0x80
LIMIT = 2**20  # the default max_message_size
READ = 2**16
DECODERS = pytest.mark.parametrize("kind", ["MessageDecoder", "FrameDecoder"])
TAKEOVER = pytest.mark.parametrize(
    "parameters", [None, DeflateParameters(True, True)], ids=["takeover", "no-takeover"]
)


def a_million(codec: SimpleNamespace) -> int:
    """Return how many frames make a flood; what is in Python gets fewer."""
    return 1_000_000 if codec.name == "native" else 50_000


def reads_of(wire: bytes, count: int) -> list[bytes]:
    """Return a wire so many times over, in reads of about 64 KiB."""
    each = max(1, READ // len(wire))
    return [wire * each] * -(-count // each)


# Drips.


@DECODERS
@pytest.mark.parametrize("length", [0, 125, 126, 65_536], ids="payload-of-{}".format)
def test_hostile_drip_is_decoded_as_the_whole_is(
    codec: SimpleNamespace, kind: str, length: int
) -> None:
    wire = frame(BINARY, bytes(length)) + frame(PING, b"drop") + frame(TEXT, b"a" * length)
    whole = receive(getattr(codec, kind)("server"), [wire])
    assert receive(getattr(codec, kind)("server"), byte_by_byte(wire)).events == whole.events
    assert len(whole.events) == 3


@pytest.mark.measures
@DECODERS
@pytest.mark.parametrize("buffered", [False, True], ids=["feed", "get_buffer"])
def test_hostile_drip_takes_linear_time(codec: SimpleNamespace, kind: str, buffered: bool) -> None:
    def drip(size: int) -> Callable[[], None]:
        wire = byte_by_byte(frame(BINARY, bytes(size)))

        def work() -> None:
            decoder = getattr(codec, kind)("server")
            for byte in wire:
                if buffered:
                    decoder.get_buffer()[:1] = byte
                    events = decoder.buffer_updated(1)
                else:
                    events = decoder.feed(byte)
            assert len(list(events)) == 1

        return work

    assert growth(drip, 8_000, 64_000) < 1.5


# Announcements.


@DECODERS
@pytest.mark.parametrize("length", [126, 65_536, 2**31, 2**32, 2**63 - 1], ids="{:x}".format)
def test_hostile_announcements_on_1000_connections_stay_within_1_mib(
    codec: SimpleNamespace, kind: str, length: int
) -> None:
    """8 bytes of payload came on each: that, and not what is announced, is what is kept."""
    options = {} if kind == "FrameDecoder" else {"max_message_size": None}
    wire = header(FIN | TEXT, length) + mask(b"a" * 8)
    connections: list[Any] = []

    def accept() -> None:
        for _ in range(1_000):
            decoder = getattr(codec, kind)("server", max_frame_size=None, **options)
            assert list(decoder.feed(wire)) == []
            connections.append(decoder)

    size = peak(accept)
    print(f"{codec.name}: {size} bytes")
    assert 100_000 < size < 2**20


@TAKEOVER
def test_hostile_compressed_announcements_cost_a_window_each(
    codec: SimpleNamespace, parameters: DeflateParameters | None
) -> None:
    """What inflates has a window of 32 KiB, zlib's state, and room for what comes out."""
    wire = header(FIN | RSV1 | TEXT, 2**63 - 1) + mask(raw_deflate(b"a" * 100)[:8])
    connections: list[Any] = []

    def accept() -> None:
        for _ in range(50):
            deflate = Deflate("server", parameters)
            decoder = codec.MessageDecoder("server", max_message_size=None, deflate=deflate)
            assert list(decoder.feed(wire)) == []
            connections.append(decoder)

    size = peak(accept) / 50
    print(f"{codec.name}: {size:.0f} bytes a connection")
    assert size < 64 * 1024


# Fragments.


@pytest.mark.exhaustive
def test_hostile_a_million_empty_fragments_keep_nothing(codec: SimpleNamespace) -> None:
    decoder = codec.MessageDecoder("server")
    reads = reads_of(frame(CONTINUATION, fin=False), a_million(codec))

    def flood() -> None:
        assert run(decoder.feed(frame(TEXT, fin=False))) == ([], None)
        for read in reads:
            assert run(decoder.feed(read)) == ([], None)

    assert peak(flood) < 20_000
    assert run(decoder.feed(frame(CONTINUATION, b"end"))) == ([codec.Text("end")], None)


def test_hostile_fragments_of_one_byte_up_to_the_limit(codec: SimpleNamespace) -> None:
    limit = a_million(codec)
    decoder = codec.MessageDecoder("server", max_message_size=limit)
    more = frame(CONTINUATION, b"a", fin=False)

    def flood() -> None:
        assert run(decoder.feed(frame(TEXT, b"a", fin=False))) == ([], None)
        count = limit - 2
        while count:
            now = min(count, READ // len(more))
            assert run(decoder.feed(more * now)) == ([], None)
            count -= now

    # The message, a quarter in reserve, both while it is moved; and a read of 64 KiB.
    assert peak(flood) < 2.5 * limit + 2 * READ
    (text,) = decoder.feed(frame(CONTINUATION, b"z"))
    assert text.data == "a" * (limit - 1) + "z"
    # The same with one byte more: refused with the length, before the byte.
    list(decoder.feed(frame(TEXT, bytes(limit), fin=False)))
    _, violation = run(decoder.feed(header(CONTINUATION, 1)[:2]))
    assert isinstance(violation, MessageTooBig)


# Control frames.


@pytest.mark.exhaustive
@pytest.mark.parametrize("opcode", [0x9, 0xA], ids=["pings", "pongs"])
def test_hostile_a_million_control_frames_inside_a_message(
    codec: SimpleNamespace, opcode: int
) -> None:
    decoder = codec.MessageDecoder("server")
    reads = reads_of(frame(opcode, b"x"), a_million(codec))
    expected = codec.Ping(b"x") if opcode == PING else codec.Pong(b"x")
    a_read = [expected] * (READ // 7)
    assert run(decoder.feed(frame(TEXT, b"gr\xc3", fin=False))) == ([], None)

    def flood(reads: list[bytes]) -> None:
        for read in reads:
            assert list(decoder.feed(read)) == a_read

    # The 9,362 of a read are made before the first is taken, and gone with the last.
    assert peak(lambda: flood(reads[:3])) < 20 * READ
    flood(reads[3:])
    assert list(decoder.feed(frame(CONTINUATION, b"\xbcn"))) == [codec.Text("grün")]


@pytest.mark.parametrize("role", ["server", "client"])
def test_hostile_events_of_one_read_are_in_proportion_to_it(
    codec: SimpleNamespace, role: str
) -> None:
    """The most that a byte can become: a frame of 2 bytes is an object of Python."""
    key = None if role == "client" else bytes(4)
    for opcode, payload in ((PING, b""), (BINARY, b""), (TEXT, b"\x7f")):
        wire = frame(opcode, payload, key=key)
        read = wire * (READ // len(wire))
        decoder = codec.MessageDecoder(role)
        assert peak(lambda d=decoder, r=read: d.feed(r)) < 50 * READ


@pytest.mark.measures
def test_hostile_control_frames_cost_the_same_however_long_the_message_is(
    codec: SimpleNamespace,
) -> None:
    read = frame(PING, b"x") * 2_000

    def flood(under_way: int) -> Callable[[], None]:
        decoder = codec.MessageDecoder("server")
        list(decoder.feed(frame(TEXT, b"a" * under_way, fin=False)))
        return lambda: list(decoder.feed(read))

    times = [cpu_time(flood(size), 7) for size in (1, LIMIT)]
    assert times[1] < 3 * times[0]


# Limits.


def raw_deflate(data: bytes, flush: int = zlib.Z_SYNC_FLUSH) -> bytes:
    """Compress as RFC 7692 section 7.2.1 says, the last four bytes taken off."""
    compressor = zlib.compressobj(9, wbits=-15)
    return (compressor.compress(data) + compressor.flush(flush)).removesuffix(b"\0\0\xff\xff")


def compressed(parts: list[bytes]) -> bytes:
    """Write a binary message in fragments of its compressed payload."""
    wire = bytearray(fragmented(BINARY, parts))
    wire[0] |= RSV1
    return bytes(wire)


def wires_of(data: bytes) -> dict[str, bytes]:
    third = len(data) // 3
    small = raw_deflate(data)
    return {
        "a frame": frame(BINARY, data),
        "fragments": fragmented(BINARY, cut(data, [third, third, 2 * third])),
        "compressed": compressed([small]),
        "compressed fragments": compressed(cut(small, sorted([1, 1, len(small) // 2]))),
        "stored": compressed([zlib_stored(data)]),
    }


def zlib_stored(data: bytes) -> bytes:
    compressor = zlib.compressobj(0, wbits=-15)
    compressed = compressor.compress(data) + compressor.flush(zlib.Z_SYNC_FLUSH)
    return compressed.removesuffix(b"\0\0\xff\xff")


@pytest.mark.parametrize("form", list(wires_of(b"")))
@pytest.mark.parametrize("limit", [1, 125, 126, 65_535, 65_536, 100_000], ids="limit-{}".format)
def test_hostile_limits_hold_to_the_byte(codec: SimpleNamespace, limit: int, form: str) -> None:
    for size in (limit - 1, limit, limit + 1):
        data = (b"0123456789abcdef" * (size // 16 + 1))[:size]
        wire = wires_of(data)[form]
        for step in (len(wire), 1_021):
            deflate = Deflate("server")
            decoder = codec.MessageDecoder("server", max_message_size=limit, deflate=deflate)
            got = receive(decoder, [wire[i : i + step] for i in range(0, len(wire), step)])
            if size <= limit:
                assert got.events == [codec.Binary(data)]
            else:
                assert (got.events, type(got.violation)) == ([], MessageTooBig)
                assert f"more than max_message_size ({limit})" in str(got.violation)


# Bombs.


class Counting:
    """zlib, counted: calls, bytes handed to it, bytes that it made."""

    error = zlib.error

    def __init__(self) -> None:
        self.calls = self.given = self.made = self.streams = 0

    def decompressobj(self, wbits: int) -> Any:
        self.streams += 1
        stream = zlib.decompressobj(wbits)

        def decompress(data: bytes, most: int) -> bytes:
            self.calls += 1
            self.given += len(data)
            piece = stream.decompress(data, most)
            self.made += len(piece)
            counted.unconsumed_tail, counted.unused_data = stream.unconsumed_tail, b""
            if stream.eof:
                counted.eof, counted.unused_data = True, stream.unused_data
            return piece

        counted = SimpleNamespace(decompress=decompress, eof=False, unused_data=b"")
        return counted


def counted(
    codec: SimpleNamespace, parameters: DeflateParameters | None = None, **options: Any
) -> tuple[Any, Counting]:
    deflate = Deflate("server", parameters)
    deflate._engine = engine = Counting()
    return codec.MessageDecoder("server", deflate=deflate, **options), engine


@TAKEOVER
@pytest.mark.parametrize("fragment", [None, 1, 1_000], ids="fragments-of-{}".format)
def test_hostile_bomb_is_inflated_to_the_limit_and_one_byte(
    codec: SimpleNamespace, parameters: DeflateParameters | None, fragment: int | None
) -> None:
    bomb = raw_deflate(bytes(50 * LIMIT))
    size = fragment or len(bomb)
    wire = compressed([bomb[i : i + size] for i in range(0, len(bomb), size)])
    decoder, engine = counted(codec, parameters)
    reads = [wire[i : i + READ] for i in range(0, len(wire), READ)]
    got: list[Any] = []
    used = peak(lambda: got.append(receive(decoder, reads)))
    assert type(got[0].violation) is MessageTooBig
    assert engine.made == LIMIT + 1
    # Pieces are of 64 KiB; one call more for each frame, and what was left over of it.
    assert engine.calls <= LIMIT // READ + 2 + (2 * LIMIT // (1_000 * size) + 2 if fragment else 0)
    assert used < 4 * LIMIT


@TAKEOVER
def test_hostile_bombs_one_after_the_other_keep_nothing(
    codec: SimpleNamespace, parameters: DeflateParameters | None
) -> None:
    """Each inflates to no more than the limit, so each is delivered: and forgotten."""
    wire = compressed([raw_deflate(bytes(LIMIT))])
    decoder, _ = counted(codec, parameters)

    def explode() -> None:
        for _ in range(10):
            (message,) = decoder.feed(wire)
            assert len(message.data) == LIMIT

    assert peak(explode) < 5 * LIMIT


@pytest.mark.parametrize("block", [b"\x03\x00", b"\x01\x00\x00\xff\xff"], ids=["huffman", "stored"])
def test_hostile_final_blocks_without_bytes_take_linear_work(
    codec: SimpleNamespace, block: bytes
) -> None:
    """After each, zlib hands back all the rest: once more for every block."""
    given = []
    for size in (40_000, 160_000):
        decoder, engine = counted(codec)
        blocks = block * (size // len(block))
        assert run(decoder.feed(compressed([blocks + b"\0"]))) == ([codec.Binary(b"")], None)
        assert engine.streams == size // len(block) + 1
        given.append(engine.given)
    assert given[1] < 4.5 * given[0]


def test_hostile_blocks_without_bytes_keep_nothing(codec: SimpleNamespace) -> None:
    """A message that goes on for ever, and inflates to nothing."""
    decoder = codec.MessageDecoder("server", deflate=Deflate("server"))
    read = mask(b"\x00\x00\x00\xff\xff" * (READ // 20 * 4))
    list(decoder.feed(header(RSV1 | BINARY, 2**40) + read))

    def flood() -> None:
        for _ in range(50):
            assert run(decoder.feed(read)) == ([], None)

    assert peak(flood) < 6 * READ  # a read, copied where that is not in C


# Ends.


@pytest.fixture
def connection(codec: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A server's connection on the codec under test."""
    put_in_place(codec, monkeypatch, "wsfast")
    return wsfast.connection.Connection("server")


BAD_CLOSES = {
    "one byte": (b"\x03", 1002),
    **{
        f"code {code}": (code.to_bytes(2, "big"), 1002)
        for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65_535)
    },
    "reason not UTF-8": (b"\x03\xe8ab\xff", 1007),
    "reason cut off": (b"\x03\xe8ab\xe2\x82", 1007),
    "reason of a surrogate": (b"\x03\xe8\xed\xa0\x80", 1007),
    "bad code and reason": (b"\x03\xe7\xff", 1002),
    "126 bytes": (b"\x03\xe8" + b"a" * 124, 1002),
}


@pytest.mark.parametrize(("payload", "code"), BAD_CLOSES.values(), ids=BAD_CLOSES)
def test_hostile_close_is_answered_with_its_violation_once(
    codec: SimpleNamespace, connection: Any, payload: bytes, code: int
) -> None:
    events, violation = run(connection.receive(frame(TEXT, b"before") + frame(CLOSE, payload)))
    assert events == [codec.Text("before")]
    assert type(violation) is (InvalidUTF8 if code == 1007 else ProtocolError)
    (close,) = codec.MessageDecoder("client").feed(connection.data_to_send())
    assert close.code == code
    assert connection.state is ConnectionState.CLOSING
    for wire in (frame(PING, b"x"), frame(CLOSE, payload), frame(TEXT, b"\xff"), b"\xff"):
        assert list(connection.receive(wire)) == []
    assert connection.data_to_send() == b""


VIOLATIONS = {
    "header": frame(3),
    "length": header(0x82, 2**63),
    "text": frame(TEXT, b"ab\xff"),
    "sequence": frame(CONTINUATION),
    "close": frame(CLOSE, b"\x03"),
    "too big": header(0x82, LIMIT + 1),
    "deflate": header(FIN | RSV1 | TEXT, 9) + mask(b"\xff" * 9),
}


@pytest.mark.parametrize("wire", VIOLATIONS.values(), ids=VIOLATIONS)
def test_hostile_decoder_after_a_violation_is_cheap_and_says_it_again(
    codec: SimpleNamespace, wire: bytes
) -> None:
    decoder = codec.MessageDecoder("server", deflate=Deflate("server"))
    _, violation = run(decoder.feed(wire))
    assert violation is not None
    decoder.get_buffer()
    for call in (
        lambda: decoder.feed(b""),
        lambda: decoder.feed(frame(TEXT, b"good")),
        lambda: decoder.feed(wire * 3),
        lambda: decoder.buffer_updated(5),
    ):
        with pytest.raises(type(violation)) as caught:
            call()
        assert described(caught.value) == described(violation)
    more = frame(TEXT, bytes(1_000)) * 1_000

    def flood() -> None:
        for _ in range(1_000):
            with pytest.raises(type(violation)):
                decoder.feed(more)

    before = sys.getrefcount(violation)
    assert peak(flood) < 100_000  # nothing of the bytes; pytest itself takes some
    assert sys.getrefcount(violation) <= before + 2


def test_hostile_unfinished_message_is_let_go_of_at_a_violation(codec: SimpleNamespace) -> None:
    def broken() -> Any:
        decoder = codec.MessageDecoder("server")
        list(decoder.feed(frame(BINARY, bytes(LIMIT // 2), fin=False)))
        assert run(decoder.feed(frame(3)))[1] is not None
        return decoder

    assert kept(broken, []) < 10_000


def test_hostile_inflated_bytes_count_as_retained(codec: SimpleNamespace) -> None:
    wire = compressed([raw_deflate(bytes(2_000))])
    for most, fits in ((2_000, True), (1_999, False)):
        deflate = Deflate("server")
        decoder = codec.MessageDecoder("server", max_retained=most, deflate=deflate)
        events, violation = run(decoder.feed(wire))
        assert (events == [codec.Binary(bytes(2_000))]) is fits
        said = "message in 1 fragments would retain 2000 bytes, more than max_retained (1999)"
        assert fits or str(violation) == said
