"""``wsfast frames`` gives no verdict on other files and protocols, whole or from the middle.

Files of some kinds, as Linux, browsers and servers have them: 200 of them; and the same as what
the two ends of a TCP connection send, recorded from its beginning or later.

Invariant: exit status 2, and no violation.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from random import Random

import pytest

pytest.importorskip("click")

from test_cli_captures import CAPTURES, frames, recorded, written
from test_cli_foreign import refused
from wsfast.cli._captures import pcap
from wsfast.cli._captures.packets import SYN, Segment, segment

WORDS = (
    *("the value of a field", "Grüße aus Köln", "日本語のテキスト", "id=7&name=x", "{}", "[1, 2]"),
    *("Привет", "2024-01-01T00:00:00Z", "-> 404 Not Found", "\t", "for (;;) {", "</td>", "🙂"),
)
ENCODINGS = ("utf-8", "utf-16", "utf-16-le", "utf-8-sig")


def sentence(rng: Random, least: int = 1) -> str:
    return " ".join(rng.choices(WORDS, k=rng.randrange(least, 60)))


def binary(rng: Random) -> bytes:
    """Return a file of numbers, of records, or of what is packed."""
    size = rng.randrange(20, 2000)
    order = rng.choice("<>")
    shape = rng.randrange(5)
    if shape == 0:
        return rng.randbytes(size)
    if shape == 1:
        return b"".join(struct.pack(order + "I", rng.randrange(300)) for _ in range(size))
    if shape == 2:
        return b"".join(struct.pack(order + "d", rng.gauss(0, 9)) for _ in range(size))
    if shape == 3:
        return b"\x7fELF\x02\x01\x01" + bytes(9) + rng.randbytes(size)
    return zlib.compress(sentence(rng, 20).encode(), rng.randrange(10))


def text(rng: Random) -> bytes:
    lines = "\n".join(sentence(rng) for _ in range(rng.randrange(1, 30)))
    return lines.encode(rng.choice(ENCODINGS))


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(data))


def image(rng: Random) -> bytes:
    width, height = rng.randrange(1, 40), rng.randrange(1, 40)
    pixels = rng.choice((rng.randbytes(3 * width), bytes(3 * width))) * height
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    png = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(pixels)) + chunk(b"IEND", b"")
    return rng.choice(
        (
            b"\x89PNG\r\n\x1a\n" + png,
            b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0" + pixels,
            b"GIF89a" + struct.pack("<HH", width, height) + b"\x80\0\0" + pixels,
            b"P6 %d %d 255\n" % (width, height) + pixels,
            b"BM" + struct.pack("<IHHI", 54 + len(pixels), 0, 0, 54) + pixels,
        )
    )


def tls(rng: Random) -> bytes:
    """Return records of TLS: those of a real connection, or data that is made up."""
    if rng.random() < 0.3:
        segments = [segment(p.link, p.data) for p in recorded_tls()]
        talk = [one for one in segments if isinstance(one, Segment) and one.payload]
        source = rng.choice((talk[0].source, talk[0].target))
        return b"".join(one.payload for one in talk if one.source == source)
    sizes = [rng.randrange(20, 1400) for _ in range(rng.randrange(1, 12))]
    return b"".join(b"\x17\x03\x03" + struct.pack("!H", n) + rng.randbytes(n) for n in sizes)


def recorded_tls() -> list[pcap.Packet]:
    return list(pcap.packets((CAPTURES / "tls.pcapng").read_bytes()))


def http_2(rng: Random) -> bytes:
    """Return frames of RFC 9113, with or without the client's preface."""
    out = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" * rng.randrange(2)
    out += b"\0\0\x12\x04\0\0\0\0\0\0\x03\0\0\0\x64\0\x04\x01\0\0\0\0\x02\0\0\0\0"
    for _ in range(rng.randrange(30)):
        kind = rng.choice((0, 0, 1, 3, 4, 6, 8))
        size = {3: 4, 4: 6, 6: 8, 8: 4}.get(kind, rng.randrange(5, 900))
        head = struct.pack("!IBBI", size << 8 | kind, rng.choice((0, 1, 4)), 0, 0)[:5]
        out += head + struct.pack("!I", rng.choice((0, 1, 3))) + rng.randbytes(size)
    return out


def items(head: Callable[[int], bytes]) -> Callable[[Random], bytes]:
    """Return what makes texts that each have such a header before them."""

    def make(rng: Random) -> bytes:
        texts = [sentence(rng).encode()[: rng.randrange(5, 125)] for _ in range(60)]
        return b"".join(head(len(one)) + one for one in texts)

    return make


FILES: dict[str, Callable[[Random], bytes]] = {
    "binaries": binary,
    "texts": text,
    "images": image,
    "TLS": tls,
    "HTTP/2": http_2,
}
PROTOCOLS: dict[str, Callable[[Random], bytes]] = {
    **FILES,
    # A length before each text, of two bytes or four, is what frames of WebSocket have, too.
    "lengths of 16 bits": items(lambda size: struct.pack(">H", size)),
    "lengths of 32 bits": items(lambda size: struct.pack(">I", size)),
    "MQTT": items(lambda size: bytes([0x30, size + 3]) + b"\0\x01a"),
    "PostgreSQL": items(lambda size: b"D" + struct.pack(">IHI", size + 10, 1, size)),
    "Redis": items(lambda size: b"\r\n$%d\r\n" % size),
    "protobuf": items(lambda size: bytes([0x0A, size])),
    "zeros": lambda rng: bytes(rng.randrange(1, 600)),
}


@pytest.mark.parametrize("kind", FILES)
def test_forty_files_of_a_kind(kind: str) -> None:
    rng = Random(kind)
    for _ in range(40):
        refused(FILES[kind](rng))


def on_tcp(sides: tuple[bytes, bytes], beginning: bool) -> bytes:
    """Return a pcap of a connection on which the two ends send this."""
    template = recorded("plain.pcap")[0]
    eth, ip = template[:14], template[14:34]

    def packet(side: int, at: int, payload: bytes, flags: int = 0x18) -> bytes:
        ports = (40000, 80) if side == 0 else (80, 40000)
        head = struct.pack("!HHIIBBHHH", *ports, at, 1, 0x50, flags, 9999, 0, 0)
        return eth + ip[:2] + struct.pack("!H", 40 + len(payload)) + ip[4:] + head + payload

    packets = [packet(0, 9, b"", SYN), packet(1, 9, b"", SYN | 0x10)] if beginning else []
    for side, sent in enumerate(sides):
        packets += [packet(side, 10 + at, sent[at : at + 1400]) for at in range(0, len(sent), 1400)]
    return written(packets)


@pytest.mark.parametrize("beginning", [True, False], ids=["whole", "from the middle"])
@pytest.mark.parametrize("kind", PROTOCOLS)
def test_another_protocol_on_tcp(kind: str, beginning: bool) -> None:
    rng = Random(kind)
    for _ in range(4):
        sides = [PROTOCOLS[kind](rng) for _ in range(2)]
        if not beginning:
            sides = [sent[rng.randrange(len(sent)) :] or b"\0" for sent in sides]
        status, output = frames(stdin=on_tcp((sides[0], sides[1]), beginning))
        assert status == 2, output[:500]
        assert "violation" not in output


@pytest.mark.parametrize("kind", PROTOCOLS)
def test_another_protocol_as_a_file(kind: str) -> None:
    rng = Random(kind)
    for _ in range(4):
        data = PROTOCOLS[kind](rng)
        refused(data)
        assert frames(stdin=data[rng.randrange(len(data)) :] or b"\0")[0] == 2
