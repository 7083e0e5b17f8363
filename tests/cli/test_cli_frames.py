"""``wsfast frames``: captures of two other libraries, in every form, and hostile ones."""

from __future__ import annotations

import base64
import re
import sys
import zlib
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest

pytest.importorskip("click")
pytest.importorskip("aiohttp")
pytest.importorskip("websockets")

import recording
import wsfast
from helpers import KEY
from test_cli_captures import frames, parsed
from wsfast.cli._analysis import Fault, analyse
from wsfast.cli._captures import Stream


@pytest.fixture(scope="module")
def good() -> recording.Recording:
    return recording.record(recording.good_talk)


@pytest.fixture(scope="module")
def compressed() -> recording.Recording:
    return recording.record(recording.good_talk, compression="deflate")


@pytest.fixture(scope="module")
def bad() -> recording.Recording:
    return recording.record(recording.bad_talk)


def follow(record: recording.Recording, form: str) -> bytes:
    """Write a recording as tshark -z follow,tcp,raw or follow,tcp,hex does."""
    line = "=" * 67
    out = [
        *("", line, f"Follow: tcp,{form}", "Filter: tcp.stream eq 0"),
        *("Node 0: 127.0.0.1:51320", "Node 1: 127.0.0.1:8765"),
    ]
    for sent, indent in ((record.from_client, ""), (record.from_server, "\t")):
        if form == "raw":
            out += [indent + sent[i : i + 500].hex() for i in range(0, len(sent), 500)]
            continue
        for at in range(0, len(sent), 16):
            row = sent[at : at + 16]
            pairs = row[:8].hex(" ").ljust(23) + "  " + row[8:].hex(" ").ljust(23)
            text = "".join(chr(o) if 32 <= o < 127 else "." for o in row)
            out.append(f"{indent}{at:08X}  {pairs}  {text[:8]} {text[8:]}")
    return "\n".join([*out, line, ""]).encode()


KINDS = ["text"] * 4 + ["binary", "text"]


@pytest.mark.parametrize("form", ["raw", "hex"])
def test_frames_of_a_followed_stream(good: recording.Recording, form: str) -> None:
    status, streams = parsed(stdin=follow(good, form))
    assert status == 0
    assert [s["direction"] for s in streams] == ["client to server", "server to client"]
    sent, received = streams
    assert [m["kind"] for m in sent["messages"]] == [*KINDS, "close"]
    assert [m["kind"] for m in received["messages"]] == [*KINDS[:5], "close"]
    assert received["messages"][-1] == {"kind": "close", "code": 1001, "reason": "restarting"}
    assert all(f["masked"] for f in sent["frames"])
    assert not any(f["masked"] for f in received["frames"])
    opcodes = [f["opcode"] for f in sent["frames"]]
    assert opcodes.count("continuation") >= 2
    assert "ping" in opcodes
    assert "pong" in [f["opcode"] for f in received["frames"]]


def test_frames_offsets_are_those_of_the_frames(good: recording.Recording) -> None:
    _, (stream,) = parsed("--role", "server", stdin=bytes(good.from_client))
    lines = stream["frames"]
    assert isinstance(lines, list)
    assert good.from_client[: lines[0]["offset"]].endswith(b"\r\n\r\n")
    for line, after in pairwise(lines):
        first = good.from_client[line["offset"]]
        assert first & 0x0F == wsfast.Opcode[line["opcode"].upper()]
        length = line["length"]
        header = 6 + (2 if length > 125 else 0) + (6 if length > 65535 else 0)
        assert after["offset"] == line["offset"] + header + length


@pytest.mark.parametrize("form", ["raw", "hex"])
def test_frames_compressed_messages_are_inflated(
    good: recording.Recording, compressed: recording.Recording, form: str
) -> None:
    def messages(record: recording.Recording) -> list[list[object]]:
        status, streams = parsed("--show-payload", stdin=follow(record, form))
        assert status == 0
        return [[m.get("payload") for m in s["messages"]] for s in streams]

    assert len(compressed.from_client) < len(good.from_client) / 10
    assert messages(compressed) == messages(good)


ACCEPTED = b"HTTP/1.1 101 OK\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n"


def deflated(text: bytes) -> bytes:
    """Return a DEFLATE stream with a final block (RFC 7692 section 7.2.3.4)."""
    compressor = zlib.compressobj(wbits=-15)
    return compressor.compress(text) + compressor.flush()


def test_frames_compressed_message_goes_on_after_a_final_block() -> None:
    payload = deflated(b"caf") + deflated(b"\xe9 au lait") + b"\0"
    wire = wsfast.encode_frame(wsfast.Opcode.TEXT, payload, rsv1=True)
    status, output = frames(stdin=ACCEPTED + wire)
    assert status == 1
    assert "invalid UTF-8 at byte 3: E9" in output


def test_frames_compressed_message_that_is_not_whole_is_judged_so_far() -> None:
    payload = wsfast.Deflate("server").compress(b"caf\xe9 " * 9)
    wire = wsfast.encode_frame(wsfast.Opcode.TEXT, payload or b"", fin=False, rsv1=True)
    status, output = frames(stdin=ACCEPTED + wire)
    assert status == 1
    assert "invalid UTF-8 at byte 3: E9" in output
    assert "plausible French" in output


def test_frames_bytes_after_a_close_frame_are_ignored() -> None:
    status, output = frames(stdin=bytes.fromhex("880203e8") + b"\xff\xff")
    assert status == 0
    assert "= the capture has bytes after the close frame, which are ignored" in output


@pytest.mark.parametrize("deflate", [False, True], ids=["plain", "compressed"])
def test_frames_verdict_is_that_of_the_decoder(deflate: bool) -> None:
    rng = Random(7)
    found = set()
    for _ in range(400):
        wire = damaged_wire(rng, wsfast.Deflate("client", threshold=0) if deflate else None)
        agreed = wsfast.Deflate("server") if deflate else None
        decoder = wsfast.MessageDecoder("server", max_message_size=None, deflate=agreed)
        expected = ""
        try:
            list(decoder.feed(wire))
        except wsfast.ProtocolViolation as violation:
            expected = str(violation)
        *_, last = [None, *analyse(Stream("server", wire, deflate=deflate), show_payload=False)]
        assert (str(last.violation) if isinstance(last, Fault) else "") == expected, wire.hex()
        found.add(expected)
    assert len(found) > 20


def damaged_wire(rng: Random, deflate: wsfast.Deflate | None) -> bytes:
    """Return some messages of a client in fragments, with a bit turned over now and then."""
    wire = bytearray()
    for _ in range(3):
        payload = rng.choice(("Grüße 🙂 ".encode() * 9, b"caf\xe9 ", b"abc\xc3", b""))
        compressed = deflate.compress(payload) if deflate else None
        payload = payload if compressed is None else compressed
        cut = rng.randint(0, len(payload))
        for first, part in ((True, payload[:cut]), (False, payload[cut:])):
            opcode = wsfast.Opcode.TEXT if first else wsfast.Opcode.CONTINUATION
            rsv1 = first and compressed is not None
            wire += wsfast.encode_frame(opcode, part, fin=not first, rsv1=rsv1, masking_key=KEY)
            if rng.random() < 0.2:
                opcode = rng.choice((wsfast.Opcode.PING, wsfast.Opcode.CLOSE))
                wire += wsfast.encode_frame(opcode, b"", masking_key=KEY)
    if rng.random() < 0.6:
        wire[rng.randrange(len(wire))] ^= 1 << rng.randrange(8)
    return bytes(wire[: rng.randint(1, len(wire))])


def test_frames_compressed_message_over_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["wsfast.cli._analysis"], "MAX_MESSAGE", 1 << 20)
    for size, verdict in ((1 << 20, 0), ((1 << 20) + 1, 2)):
        wire = wsfast.encode_frame(wsfast.Opcode.BINARY, deflated(bytes(size)), rsv1=True)
        status, output = frames(stdin=ACCEPTED + wire)
        assert status == verdict
        assert "violation" not in output
        assert ("not judged" in output) == bool(verdict)


def test_frames_one_direction_with_hex_and_raw(good: recording.Recording) -> None:
    raw = parsed(stdin=bytes(good.from_server))
    assert raw[0] == 0
    assert parsed("--hex", stdin=good.from_server.hex(" ").encode()) == raw
    assert parsed(stdin=good.from_server.hex(":", 1).encode()) == raw


@pytest.mark.parametrize("written", ["81 02 68 69", "0x81, 0x02, 0x68, 0x69", "81-02-68-69;"])
def test_frames_hexadecimal_is_told_by_itself(written: str) -> None:
    status, output = frames(stdin=written.encode())
    assert status == 0
    assert "text message, 2 bytes" in output


def test_frames_violation_comes_with_evidence_and_origin(bad: recording.Recording) -> None:
    status, output = frames(stdin=bytes(bad.from_client))
    assert status == 1
    assert "invalid UTF-8 at byte 2: FC" in output
    assert "text in another charset (cp1252)" in output
    assert "Köln" not in output
    status, (stream,) = parsed(stdin=bytes(bad.from_client))
    assert stream["valid"] is False
    assert stream["violation"]["close_code"] == 1007
    assert stream["diagnosis"]["origin"] == "LEGACY_CHARSET"
    assert len(stream["messages"]) == 1
    # What the other side made of it is in its own direction.
    _, (answer,) = parsed(stdin=bytes(bad.from_server))
    assert answer["messages"][-1]["code"] == 1007


def test_frames_payload_is_hidden_unless_asked_for(good: recording.Recording) -> None:
    for arguments in ([], ["--json"]):
        _, output = frames(*arguments, stdin=bytes(good.from_client))
        assert "Köln" not in output
        assert "Köln".encode().hex() not in output
    _, output = frames("--show-payload", stdin=bytes(good.from_client))
    assert "Grüße aus Köln" in output


def test_frames_preview_can_not_command_a_terminal() -> None:
    wire = wsfast.encode_frame(1, "\x1b]0;title\x07\x9b2J")
    wire += wsfast.encode_frame(8, wsfast.encode_close(1000, "\x1b[2J"))
    _, output = frames("--show-payload", stdin=wire)
    assert "\x1b" not in output
    assert "\\x1b]0;title" in output


@pytest.mark.parametrize(
    ("wire", "code", "says"),
    [
        (b"\x81\x05Hello\xc1\x00", 1002, "RSV1"),
        (b"\x83\x00", 1002, "reserved opcode 0x3"),
        (b"\x89\x7e\x00\x80", 1002, "more than 125 bytes"),
        (b"\x80\x00", 1002, "no message to continue"),
        (b"\x01\x01a\x81\x01b", 1002, "inside an unfinished fragmented message"),
        (b"\x81\x7e\x00\x05Hello", 1002, "fewest bytes"),
        (b"\x88\x02\x03\xee", 1002, "close code 1006"),
        (b"\x01\x02\xf0\x9f\x80\x01a", 1007, "a continuation byte is missing"),
        (b"\x81\x7eabc\xff", 1007, "FF"),
        (b"\x88\x03\x03\xe8\xff", 1007, "invalid UTF-8"),
        (b"\x81\x05ab\xff", 1007, "invalid UTF-8 at byte 2"),
    ],
    ids=lambda value: value.hex() if isinstance(value, bytes) else None,
)
def test_frames_violations(wire: bytes, code: int, says: str) -> None:
    given = ("--role", "client", "--deflate", "none")
    status, (stream,) = parsed(*given, stdin=wire)
    assert status == 1
    assert stream["violation"]["close_code"] == code
    assert says in stream["violation"]["close_reason"]
    assert frames(*given, stdin=wire)[0] == 1


def test_frames_wrong_mask_is_a_violation_if_the_role_is_given() -> None:
    wire = wsfast.encode_frame(1, "x", masking_key=b"abcd")
    assert frames("--role", "server", stdin=wire)[0] == 0
    assert frames("--role", "client", stdin=wire)[0] == 1
    assert frames(stdin=wire)[0] == 0


@pytest.mark.parametrize("cut", range(1, 30))
def test_frames_truncated_capture_says_so(cut: int) -> None:
    wire = wsfast.encode_frame(1, "some text", fin=False) + wsfast.encode_frame(0, "z" * 16)
    status, (stream,) = parsed("--format", "raw", stdin=wire[:cut])
    assert status == 0
    if cut not in (0, len(wire)):
        assert "the capture ends inside a" in str(stream["notes"])


# Hostile files.


@pytest.mark.parametrize(
    ("arguments", "data", "says"),
    [
        ([], b"", "is empty"),
        (["--hex"], b"8", "not hexadecimal"),
        (["--hex"], b"zz", "not hexadecimal"),
        (["--format", "tshark"], b"Follow: tcp,raw\nxyz\n", "line 2"),
        (["--role", "server", "--format", "tshark"], b"\t810548656c6c6f\n", "received by a server"),
        ([], b"GET / HTTP/1.1\r\nUpgrade: webs", "handshake in this capture is incomplete"),
        (
            [],
            b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno",
            "the server refused the handshake: HTTP/1.1 403 Forbidden",
        ),
    ],
)
def test_frames_of_what_is_no_capture(arguments: list[str], data: bytes, says: str) -> None:
    status, output = frames(*arguments, stdin=data)
    assert status == 2
    assert says in output


def test_frames_any_garbage_never_a_traceback() -> None:
    for seed in range(300):
        data = bytes((seed * seed + i * (seed | 1) * 31 + (i * i) // 7) % 256 for i in range(90))
        for role in ("server", "client", "auto"):
            assert frames("--role", role, stdin=data)[0] in ((2,) if role == "auto" else (0, 1, 2))
            assert frames("--format", "raw", "--role", role, stdin=data)[0] in (0, 1, 2)


def test_frames_endless_file_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["wsfast.cli.frames"], "MAX_CAPTURE", 1 << 20)
    status, output = frames("/dev/zero")
    assert status == 2
    assert "larger than" in output


def test_frames_directory(tmp_path: Path) -> None:
    assert frames(str(tmp_path))[0] == 2


FEW = b"\x83\x05Hello"  # too few bytes to tell, and an opcode that is reserved


@pytest.mark.parametrize(
    ("data", "form"),
    [
        (FEW, "raw"),
        (FEW.hex(" ").encode(), "hex"),
        (base64.b64encode(FEW + b"!"), ""),  # any word may be base64
        (repr(FEW).encode(), "literal"),
        (b"00000000: 8305 4865 6c6c 6f                        ..Hello\n", "dump"),
    ],
    ids=["raw", "hex", "base64", "literal", "dump"],
)
def test_frames_advises_the_format_that_gets_a_verdict(data: bytes, form: str) -> None:
    status, output = frames(stdin=data)
    assert status == 2
    assert re.findall(r"wsfast frames --format (\w+)", output) == [form] * bool(form)
    if form:
        status, output = frames("--format", form, stdin=data)
        assert status == 1
        assert "violation 1002" in output


def test_frames_base64_by_name_gets_a_verdict() -> None:
    status, output = frames("--format", "base64", stdin=base64.b64encode(FEW))
    assert status == 1
    assert "violation 1002" in output


@pytest.mark.parametrize("word", [b"Hello", b"Hello world", b"abcde\nfghij\n"])
def test_frames_of_words_says_that_it_is_text(word: bytes) -> None:
    status, output = frames(stdin=word)
    assert status == 2
    assert output == "Error: this does not look like WebSocket frames: it is text.\n"
