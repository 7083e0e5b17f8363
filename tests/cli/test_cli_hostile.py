"""``wsfast frames`` on hostile files: each ends within a bound of time and memory.

Invariant: a capture never raises, whatever is in it, and what it costs is linear in its size.
"""

from __future__ import annotations

import base64
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

pytest.importorskip("click")
from click.testing import CliRunner
from hypothesis import example, given, settings
from hypothesis import strategies as st

import wsfast
from helpers import growth
from test_cli_captures import (
    CAPTURES,
    block,
    enhanced,
    frames,
    interface,
    recorded,
    section,
    written,
)
from test_cli_foreign import ANSWER, GOOD
from wsfast.cli import _captures, command


def judged_in_bounds(data: bytes, tmp_path: Path, megabytes: int) -> tuple[int, str]:
    """Read it in a process that may use so much memory, and 60 seconds of the processor."""
    path = tmp_path / "hostile"
    path.write_bytes(data)
    program = (
        "import resource, sys; from wsfast.cli import run;"
        f"resource.setrlimit(resource.RLIMIT_AS, ({megabytes << 20}, {megabytes << 20}));"
        "resource.setrlimit(resource.RLIMIT_CPU, (60, 60));"
        "sys.exit(run(['frames', sys.argv[1]]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)], capture_output=True, timeout=300, check=False
    )
    return done.returncode, (done.stdout[-4000:] + done.stderr[-4000:]).decode()


def first_connection() -> list[bytes]:
    return recorded("plain.pcap")


def tiny_segments(count: int, step: int) -> bytes:
    """Return a pcap with many segments of a byte or two."""
    packet = first_connection()[3]
    head, tcp = packet[14:34], packet[34:66]
    source = struct.unpack_from("!I", tcp, 4)[0]
    out = bytearray(written(first_connection()[:3]))
    record = struct.pack("<IIII", 1, 0, 68, 68)
    for number in range(count):
        numbered = tcp[:4] + struct.pack("!I", (source + number * step) % 2**32) + tcp[8:]
        total = head[:2] + struct.pack("!H", 54) + head[4:]
        out += record + packet[:14] + total + numbered + b"xy"
    return bytes(out)


def with_gaps(piece: bytes, count: int) -> bytes:
    """Return a pcap of many pieces, with gaps between, in each of which frames are searched."""
    packet = first_connection()[3]
    head, tcp = packet[14:34], packet[34:66]
    source = struct.unpack_from("!I", tcp, 4)[0]
    packets = first_connection()[:3]
    for number in range(count):
        for at in range(0, len(piece), 1400):
            part = piece[at : at + 1400]
            place = struct.pack("!I", (source + number * (len(piece) + 9) + at) % 2**32)
            total = head[:2] + struct.pack("!H", 52 + len(part)) + head[4:]
            packets.append(packet[:14] + total + tcp[:4] + place + tcp[8:] + part)
    return written(packets)


def yaml(count: int) -> bytes:
    packet = b"  - packet: 1\n    peer: %d\n    data: !!binary |\n      gYA=\n"
    return b"peers:\npackets:\n" + b"".join(packet % (n % 2) for n in range(count))


def messages(count: int) -> bytes:
    entry = b'{"request":{"url":"ws://a/"},"_webSocketMessages":[%b]}'
    one = b'{"type":"error","data":"' + b"x" * 50 + b'"}'
    return b'{"log":{"entries":[%b]}}' % (entry % b",".join([one] * count))


HOSTILE: dict[str, Callable[[], bytes]] = {
    "gaps between zeros": lambda: with_gaps(bytes(5000), 300),
    "gaps between frames": lambda: with_gaps((b"\x81\0" * 99 + b"\xff\xff") * 25, 300),
    "gaps between masked": lambda: with_gaps((b"\x81\x80\0\0\0\0" * 99 + b"\xff") * 8, 300),
    "sections": lambda: b"Follow: tcp,raw\n" * 10_000,
    "nodes": lambda: b"Follow: tcp,raw\n" + b"Node 0: x\n" * 300_000,
    "lines": lambda: b"Follow: tcp,hex\n" + b"\t00000000\n" * 100_000,
    "yaml": lambda: yaml(100_000),
    "yaml of many lines": lambda: b"peers:\n  - peer: 0\n a: !!binary |\n" + b" AAAA\n" * 300_000,
    "base64": lambda: base64.b64encode(bytes(range(256)) * 80_000),
    "armour": lambda: b"-----BEGIN A-----\n" * 300_000,
    "messages": lambda: messages(30_000),
    "arrays": lambda: b"char peer0_0[] = { 0x81 };\n" * 20_000,
    "buffer": lambda: b"<Buffer " + b"81 " * 700_000,
    "declaration": lambda: b"x" * 4_000_000 + b"[1, 2]",
    "tiny segments": lambda: tiny_segments(100_000, 2),
    "overlapping": lambda: tiny_segments(100_000, 1),
    "gaps": lambda: tiny_segments(100_000, 3),
    "all the same": lambda: tiny_segments(100_000, 0),
    "all over": lambda: tiny_segments(100_000, 0x9E3779B1),
    "pcap length": lambda: written(first_connection()) + struct.pack("<4I", 1, 0, 2**32 - 1, 9),
    "block length": lambda: section() + interface(1) + struct.pack("<II", 6, 0xFFFFFFFC),
    "block of 0": lambda: section() + interface(1) + struct.pack("<III", 6, 0, 0),
    "options": lambda: section() + block(1, struct.pack("<HHIHH", 1, 0, 0, 9, 65535)) * 100_000,
    "interfaces": lambda: section() + interface(1) * 100_000,
    "no interface": lambda: section() + enhanced(b"x", 2**32 - 1),
    "comments": lambda: b"/*" * 4_000_000,
    "brackets": lambda: b"[" * 4_000_000,
    "quotes": lambda: b"b'" * 500_000,
    "strings": lambda: b'"\\' * 4_000_000,
    "heads": lambda: b"GET / HTTP/1.1\r\n" * 100_000,
    "json": lambda: b'{"log":' + b"[" * 4_000_000,
    "repeated row": lambda: b"0000000 8181 8181\n*\nfffffffffffffff0\n",
    "rows": lambda: b"".join(b"%08x: 8181  ..\n" % (2 * n) for n in range(50_000)),
    "frames": lambda: GOOD * 3_000,
    "in the middle": lambda: b"\x01\x81\x02\x82" * 500_000,
    "bomb": lambda: (
        ANSWER
        + b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
        + wsfast.encode_frame(2, zlib.compress(bytes(1 << 28), 9)[2:-4], rsv1=True)
    ),
}


@pytest.mark.skipif(sys.platform != "linux", reason="needs the limits of Linux")
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_end_in_time_and_memory(name: str, tmp_path: Path) -> None:
    status, said = judged_in_bounds(HOSTILE[name](), tmp_path, 1500)
    assert status == (0 if name == "frames" else 2), said
    assert "Traceback" not in said
    assert "violation" not in said


NAMES = sorted(path.name for path in CAPTURES.iterdir() if path.suffix in (".pcap", ".txt", ".har"))


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(NAMES), st.randoms(use_true_random=False), st.integers(1, 6))
def test_damaged_captures_never_raise(name: str, rng: Random, changes: int) -> None:
    data = bytearray((CAPTURES / name).read_bytes()[:6000])
    for _ in range(changes):
        at = rng.randrange(len(data))
        if rng.random() < 0.3:
            del data[at : at + rng.randrange(1, 40)]
        else:
            data[at] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))
    assert frames(stdin=bytes(data) or b"x")[0] in (0, 1, 2)


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(_captures.FORMATS), st.binary(min_size=1, max_size=200))
@example("dump", b"0000: 41 |")
@example("pcap", b"\x00")
@example("literal", b"[999]")
@example("har", b'{"log": {"entries": [{"_webSocketMessages": [1], "request": {"url": 1}}]}}')
def test_readers_never_raise(form: str, data: bytes) -> None:
    result = CliRunner().invoke(command, ["frames", "--format", form], input=data)
    assert isinstance(result.exception, SystemExit | None)
    assert result.exit_code in (0, 1, 2)


@pytest.mark.measures
def test_reading_segments_is_linear() -> None:
    def work(count: int) -> Callable[[], object]:
        capture = tiny_segments(count, 2)
        return lambda: frames(stdin=capture)

    assert growth(work, 10_000, 40_000) < 1.79  # 12 times the time for 4 times as many
