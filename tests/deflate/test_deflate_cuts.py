"""The verdict on compressed messages is the same however they are cut, with every engine.

tests/deflate/deflate_cuts.py is the same on many more streams, as a script.
"""

from __future__ import annotations

import tracemalloc
import zlib
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest

import deflate_cuts
from helpers import (
    BINARY,
    TEXT,
    byte_by_byte,
    cut,
    frame,
    header,
    mask,
    on_default_codecs,
    receive,
)
from wsfast import InvalidUTF8, MessageTooBig, ProtocolError, _inflater
from wsfast.deflate import Deflate, DeflateParameters

pytestmark = on_default_codecs
STREAMS = 240
ENGINES = pytest.mark.parametrize("engine", deflate_cuts.ENGINES)


@pytest.fixture(autouse=True)
def _installed(request: pytest.FixtureRequest) -> None:
    engine = request.node.callspec.params.get("engine")
    if engine is not None:
        pytest.importorskip(deflate_cuts.ENGINES[engine])


def compressed(opcode: int, payload: bytes) -> bytes:
    return header(opcode | 0x80 | 0x40, len(payload)) + mask(payload)


def flushed(*parts: bytes, level: int = 6) -> bytes:
    """Compress, each part so that nothing of it is left in the compressor."""
    sender = zlib.compressobj(level, wbits=-15)
    return b"".join(sender.compress(part) + sender.flush(zlib.Z_SYNC_FLUSH) for part in parts)


def outcome(codec: Any, engine: str, chunks: list[bytes], **options: Any) -> Any:
    decoder = codec.MessageDecoder("server", deflate=Deflate("server", engine=engine), **options)
    return receive(decoder, chunks)


@ENGINES
def test_random_streams_have_one_verdict(codec: SimpleNamespace, engine: str) -> None:
    count = STREAMS if codec.name == "native" else STREAMS // 8
    kinds = set()
    for seed in range(count):
        (_, violation), differences = deflate_cuts.judge(seed, engine, codec)
        assert differences == []
        kinds.add(violation and violation[0])
    assert kinds >= {InvalidUTF8, MessageTooBig, ProtocolError}
    assert (None in kinds) or count < STREAMS


def test_the_script_fails_where_an_engine_is_missing(
    codec: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(deflate_cuts.ENGINES, "isal", "a_package_that_there_is_not")
    assert deflate_cuts.main(1, 0, "isal") == 1
    assert capsys.readouterr().out == "not installed: isal\n"
    assert deflate_cuts.main(1, 0, "zlib") == 0
    assert capsys.readouterr().out.startswith("zlib: 1 streams, ")


INVALID = {
    "block type 3": b"\x07",
    "stored length": b"\x00\x01\x00\x01\x00",
    "distance too far": b"\x03\x02",
    "code lengths": b"\x04\xff\xff\xff\xff\xff\xff\xff",
}


@pytest.mark.parametrize("corrupt", INVALID.values(), ids=INVALID)
@pytest.mark.parametrize("before", [b"", b"x" * 70_000, bytes(range(128)) * 300])
@ENGINES
def test_ill_formed_text_in_front_of_a_corrupt_block_is_1007(
    codec: SimpleNamespace, engine: str, before: bytes, corrupt: bytes
) -> None:
    wire = compressed(TEXT, flushed(before + b"abc\xff") + corrupt + bytes(8))
    reads = [[wire], cut(wire, [len(wire) - 3]), cut(wire, range(11, len(wire), 11))]
    for chunks in reads if before else [*reads, byte_by_byte(wire)]:
        violation = outcome(codec, engine, chunks).violation
        assert type(violation) is InvalidUTF8
        assert violation.offset == len(before) + 3


@ENGINES
def test_a_corrupt_block_behind_well_formed_text_is_1002(
    codec: SimpleNamespace, engine: str
) -> None:
    wire = frame(TEXT, b"before") + compressed(TEXT, flushed(b"abc\xc3") + b"\x07")
    said = set()
    for chunks in ([wire], byte_by_byte(wire), cut(wire, [len(wire) - 2])):
        events, violation, _ = outcome(codec, engine, chunks)
        assert events == [codec.Text("before")]
        assert type(violation) is ProtocolError
        said.add(str(violation))
    assert len(said) == 1


@ENGINES
def test_the_limit_in_front_of_a_corrupt_block_is_1009(codec: SimpleNamespace, engine: str) -> None:
    wire = compressed(BINARY, flushed(bytes(101)) + b"\x07")
    for chunks in ([wire], byte_by_byte(wire), cut(wire, [len(wire) - 1])):
        violation = outcome(codec, engine, chunks, max_message_size=100).violation
        assert type(violation) is MessageTooBig
        assert str(violation) == "message of 101 bytes or more, more than max_message_size (100)"


@pytest.mark.parametrize("bits", [8, 9, 12, 15])
@ENGINES
def test_a_distance_beyond_the_window_has_one_verdict(
    codec: SimpleNamespace, engine: str, bits: int
) -> None:
    """Whatever window was agreed on: a remote may not keep to it."""
    start = bytes(i * i % 251 for i in range(300))
    wire = compressed(BINARY, flushed(start + bytes(10_000), start))
    agreed = DeflateParameters(client_max_window_bits=bits)
    for chunks in ([wire], byte_by_byte(wire)):
        deflate = Deflate("server", agreed, engine=engine)
        received = receive(codec.MessageDecoder("server", deflate=deflate), chunks)
        assert [e.data for e in received.events] == [start + bytes(10_000) + start]


@ENGINES
def test_what_is_kept_for_replay_is_bounded(
    codec: SimpleNamespace, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Empty blocks inflate to nothing, so that no limit on messages ends them."""
    assert _inflater._KEPT_UNCOPIED <= 2**20
    monkeypatch.setattr(_inflater, "_KEPT_UNCOPIED", _inflater._KEPT)
    part = b"\x00\x00\x00\xff\xff" * 3_000
    deflate = Deflate("server", engine=engine)
    decoder = codec.MessageDecoder("server", deflate=deflate, max_message_size=100)
    list(decoder.feed(header(TEXT | 0x40, len(part)) + mask(part)))
    tracemalloc.start()
    try:
        for _ in range(15):
            list(decoder.feed(header(0, len(part)) + mask(part)))
        left = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert left < 6 * _inflater._KEPT
    assert list(decoder.feed(frame(0, b"\x07", fin=True)[:-1])) == []
    violation = receive(decoder, [frame(0, b"\x07")[-1:]]).violation
    assert isinstance(violation, ProtocolError)


# Python 3.11.2 raises an error without text if it has no memory for the text.
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Error -4 while decompressing data: out of memory", "^Error -4"),
        ("", "^the engine's error has no text$"),
    ],
)
def test_no_memory_is_not_the_remotes_fault(codec: SimpleNamespace, text: str, said: str) -> None:
    class Engine:
        error = zlib.error

        class decompressobj:  # as an engine names it
            def __init__(self, wbits: int) -> None:
                pass

            def decompress(self, data: bytes, most: int) -> bytes:
                raise zlib.error(*([text] if text else []))

    deflate = Deflate("server")
    deflate._engine = Engine
    decoder = codec.MessageDecoder("server", deflate=deflate)
    with pytest.raises(MemoryError, match=said):
        list(decoder.feed(compressed(TEXT, flushed(b"abc"))))


@pytest.mark.parametrize("result", [bytearray(b"abc"), None, 7, "abc", memoryview(b"abc")])
def test_what_an_engine_returns_is_not_trusted(codec: SimpleNamespace, result: Any) -> None:
    class Stream:
        unconsumed_tail, eof = b"", False

        def decompress(self, data: bytes, most: int) -> Any:
            return result

    deflate = Deflate("server")
    deflate._engine = SimpleNamespace(error=zlib.error, decompressobj=lambda wbits: Stream())
    decoder = codec.MessageDecoder("server", deflate=deflate)
    with pytest.raises(TypeError, match="Stream must return bytes, not"):
        list(decoder.feed(compressed(BINARY, b"abc")))


@ENGINES
def test_many_messages_share_one_window(codec: SimpleNamespace, engine: str) -> None:
    """More than is kept, so that streams are copied or take over from each other."""
    rng = Random(7692)
    sender = zlib.compressobj(9, wbits=-15)
    decoder = codec.MessageDecoder("server", deflate=Deflate("server", engine=engine))
    far = rng.randbytes(2_000)
    for number in range(24):
        # Each refers to what the last began with, 30,000 bytes before.
        data = far + rng.randbytes(8_000) + bytes(20_000)
        payload = sender.compress(data) + sender.flush(zlib.Z_SYNC_FLUSH)
        wire = compressed(BINARY, payload[:-4])
        assert [e.data for e in receive(decoder, cut(wire, [number, 5_000])).events] == [data]


def test_a_message_that_ends_inside_a_block_is_refused_when_a_stream_takes_over(
    codec: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("isal")
    monkeypatch.setattr(_inflater, "_RENEWED", 100)
    wire = compressed(BINARY, deflated_without_end(bytes(Random(1).randbytes(300))))
    said = set()
    for chunks in ([wire], byte_by_byte(wire)):
        violation = outcome(codec, "isal", chunks).violation
        assert type(violation) is ProtocolError
        said.add(str(violation))
    assert said == {"compressed message can't be inflated: the message ends inside a block"}


def deflated_without_end(data: bytes) -> bytes:
    """Return one stored block, cut off."""
    length = len(data) + 50
    return b"\x00" + length.to_bytes(2, "little") + (length ^ 0xFFFF).to_bytes(2, "little") + data
