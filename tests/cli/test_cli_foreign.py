"""``wsfast frames``: no verdict on data that is not WebSocket or can't be read whole.

Invariant: exit status 2, and a message of one line that says what it is, as far as that
can be told.
"""

from __future__ import annotations

import base64
import bz2
import gzip
import io
import json
import lzma
import pickle
import struct
import sysconfig
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

pytest.importorskip("click")

import wsfast
from helpers import KEY, TEXT, frame
from test_cli_captures import CAPTURES, frames

GOOD = b"".join(frame(TEXT, f"message {n}".encode(), key=KEY) for n in range(20))
REQUEST = (
    b"GET /chat HTTP/1.1\r\nHost: example.org\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Extensions: permessage-deflate; client_no_context_takeover, "
    b"permessage-deflate; client_max_window_bits=9\r\n\r\n"
)
ANSWER = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"


def refused(data: bytes, *arguments: str) -> str:
    """Check that there is no verdict; return what is said."""
    status, output = frames(*arguments, stdin=data)
    assert status == 2, output[:500]
    assert "violation" not in output
    assert output.startswith("Error: ")
    assert output.count("\n") == 1
    return output


def zipped() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.txt", "text " * 50)
    return out.getvalue()


def tarred() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("a.txt"))
    return out.getvalue()


FOREIGN: dict[str, tuple[bytes, str]] = {
    "tls": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(200)), "TLS record"),
    "tls data": (b"\x17\x03\x03\x00\x20" + bytes(range(32)), "SSLKEYLOGFILE"),
    "http": (b"POST /login HTTP/1.1\r\nHost: a\r\n\r\n", "an HTTP request"),
    "http 2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "HTTP/2"),
    "http 2 frames": (b"\0\0\x12\x04\0\0\0\0\0\0\x03\0\0\0\x64", "HTTP/2 frames"),
    "http answer": (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "200 OK"),
    "ssh": (b"SSH-2.0-OpenSSH_9.2\r\n", "SSH"),
    "mqtt": (b"\x10\x0e\x00\x04MQTT\x04\x02\x00\x3c\x00\x02id", "MQTT"),
    "redis": (b"*2\r\n$3\r\nGET\r\n$1\r\na\r\n", "Redis"),
    "png": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(20), "PNG"),
    "jpeg": (b"\xff\xd8\xff\xe0\0\x10JFIF\0", "JPEG"),
    "gif": (b"GIF89a\x01\0\x01\0\x80\0\0", "GIF"),
    "pdf": (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "PDF"),
    "zip": (zipped(), "ZIP"),
    "tar": (tarred(), "tar archive"),
    "gzip": (gzip.compress(b"text" * 99), "gzip"),
    "bzip2": (bz2.compress(b"text" * 99), "bzip2"),
    "xz": (lzma.compress(b"text" * 99), "xz"),
    "elf": (b"\x7fELF\x02\x01\x01" + bytes(57), "ELF"),
    "sqlite": (b"SQLite format 3\0" + bytes(84), "SQLite"),
    "pickle": (pickle.dumps({"a": [1, 2, 3]}), "pickle"),
    "text": (b"a text of some words, and no more\n" * 3, "it is text"),
    "json": (b'{"name": "value", "list": [1, 2, 3]}', "JSON"),
    "numbers": (b"2024 1999 1871 12 55 90 17 41", "does not look like"),
    "word": (b"abcdefghijkl", "it is text"),
    "csv": ("name;stadt\nMüller;Köln\n".encode("utf-8-sig") * 3, "it is text"),
    "html": (b"<!doctype html><title>t</title>", "HTML"),
    "utf-16": ("Grüße aus Köln\r\n".encode("utf-16") * 3, "it is text"),
    "a byte": (b"\x81", "too little to tell"),
    "zeros": (bytes(5000), "does not look like"),
    "empty text": (b"\xef\xbb\xbf", "too little to tell"),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_what_is_no_websocket(name: str) -> None:
    data, says = FOREIGN[name]
    assert says in refused(data)
    refused(base64.b64encode(data))


def test_random_files() -> None:
    rng = Random(2024)
    for _ in range(200):
        refused(rng.randbytes(int(10 ** rng.uniform(0, 4))))


def test_files_of_the_python_installation() -> None:
    folder = Path(sysconfig.get_paths()["stdlib"])
    kinds = ("*.py", "*.txt", "**/*.pyc", "**/*.so", "test/**/*", "**/*.exe")
    paths = sorted({p for kind in kinds for p in folder.glob(kind) if p.is_file()})
    for path in Random(7).sample(paths, min(200, len(paths))):
        data = path.read_bytes()[: 1 << 16]
        if data:
            refused(data)


@pytest.mark.parametrize(
    "kind",
    [
        lambda rng: rng.randbytes(40) * 30,
        lambda rng: b"".join(struct.pack("<I", rng.randrange(300)) for _ in range(300)),
        lambda rng: b"".join(struct.pack("<d", rng.random()) for _ in range(200)),
        lambda rng: zlib.compress(rng.randbytes(2000), 0),
        lambda rng: bytes(rng.choice(b"\0\1\2\x80\x81\x82\x7f\xff") for _ in range(500)),
    ],
    ids=["pattern", "integers", "floats", "zlib", "few bytes"],
)
def test_binary_files_of_some_structure(kind: Callable[[Random], bytes]) -> None:
    rng = Random(3)
    for _ in range(40):
        refused(kind(rng))


# What looks like frames, and isn't sure.


def test_a_capture_that_begins_inside_a_frame() -> None:
    for cut in (1, 2, 5, 7, 12, 30, 100):
        status, output = frames(stdin=GOOD[cut:])
        assert status == 0, cut
        assert "violation" not in output
        if cut % 15:
            assert "in the middle of a connection" in output


def test_compression_that_nothing_tells_of() -> None:
    deflate = wsfast.Deflate("client", threshold=0)
    texts = ("Grüße aus Köln " * 3, "und noch einmal Grüße aus Köln")
    wire = b"".join(
        wsfast.encode_frame(1, deflate.compress(text) or b"", rsv1=True, masking_key=KEY)
        for text in texts
    )
    assert frames(stdin=wire)[0] == 0
    for given_ in ("", "permessage-deflate", "client_max_window_bits=15"):
        assert frames("--deflate", given_, stdin=wire)[0] == 0
    status, output = frames("--deflate", "none", stdin=wire)
    assert (status, "violation 1002" in output) == (1, True)
    # Each message by itself was agreed on, and the second refers to the first.
    status, output = frames("--deflate", "client_no_context_takeover", stdin=wire)
    assert (status, "violation 1002" in output) == (1, True)
    assert "has no parameter" in refused(wire, "--deflate", "window=9")
    assert "from 8 to 15" in refused(wire, "--deflate", "client_max_window_bits=99")
    broken = wsfast.encode_frame(1, b"\xff" * 40, rsv1=True, masking_key=KEY)
    status, output = frames(stdin=wire + broken)
    assert status == 2
    assert "not judged" in output
    assert "--deflate" in output


def test_what_a_client_offers_twice_is_not_agreed_on() -> None:
    deflate = wsfast.Deflate("client", threshold=0)
    wire = REQUEST
    for _ in range(3):
        payload = deflate.compress("Grüße aus Köln " * 30) or b""
        wire += wsfast.encode_frame(1, payload, rsv1=True, masking_key=KEY)
    assert frames(stdin=wire)[0] == 0


def test_the_answer_of_the_server_decides() -> None:
    peer = wsfast.Deflate("server", threshold=0)
    wire = b""
    for text in ("Grüße aus Köln " * 3, "noch einmal Grüße aus Köln"):
        wire += wsfast.encode_frame(1, peer.compress(text) or b"", rsv1=True)
    header = b"Sec-WebSocket-Extensions: permessage-deflate%b\r\n\r\n"
    assert frames(stdin=ANSWER + header % b"" + wire)[0] == 0
    assert frames(stdin=ANSWER + header % b"; server_no_context_takeover" + wire)[0] == 1
    assert frames(stdin=ANSWER + b"\r\n" + wire)[0] == 1
    other = ANSWER + b"Sec-WebSocket-Extensions: x-other\r\n\r\n"
    assert frames(stdin=other + wire)[0] == 2


PROXIES = {
    "version 1": b"PROXY TCP4 192.0.2.1 192.0.2.2 40000 80\r\n",
    "version 2": b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" + bytes(12),
}


@pytest.mark.parametrize("version", PROXIES)
def test_what_a_proxy_writes_before_the_handshake(version: str) -> None:
    before = PROXIES[version]
    status, output = frames("--json", stdin=before + REQUEST + GOOD)
    assert status == 0
    (stream,) = json.loads(output)["streams"]
    assert len(stream["frames"]) == 20
    assert stream["frames"][0]["offset"] == len(before) + len(REQUEST)
    refused(before)
    refused(before + b"SSH-2.0-OpenSSH_9.2\r\n")


def test_both_directions_in_one_file() -> None:
    """As Wireshark's Follow TCP Stream saves them, raw."""
    answer = b"".join(frame(TEXT, f"answer {n}".encode(), key=None) for n in range(3))
    capture = REQUEST + ANSWER + b"\r\n" + GOOD + answer + frame(TEXT, b"last", key=KEY)
    status, output = frames("--json", stdin=capture)
    assert status == 0
    assert [len(one["frames"]) for one in json.loads(output)["streams"]] == [21, 3]
    status, output = frames(stdin=capture + frame(TEXT, b"caf\xe9", key=KEY))
    assert status == 1
    assert "violation 1007" in output
    assert frames(stdin=capture + b"\xff\xff")[0] == 2
    shown = capture.decode("latin-1").encode("ascii", "replace").replace(b"?", b".")
    assert "does not look like" in refused(shown) or "saved as ASCII" in refused(shown)


# Text, in whatever encoding and form.


ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be")
WRITTEN: dict[str, Callable[[bytes], str]] = {
    "hex": lambda data: data.hex(),
    "hex pairs": lambda data: data.hex(" ") + "\r\n",
    "base64": lambda data: base64.encodebytes(data).decode(),
    "url base64": lambda data: base64.urlsafe_b64encode(data).decode().rstrip("="),
    "data url": lambda data: "data:;base64," + base64.b64encode(data).decode(),
    "python": repr,
    "python name": lambda data: f"wire = {data!r}\n",
    "python list": lambda data: str(list(data)),
    "bytearray": lambda data: repr(bytearray(data)),
    "fromhex": lambda data: f'bytes.fromhex("{data.hex(" ")}")',
    "c array": lambda data: (
        "static const unsigned char x[] = {\n" + ", ".join(map(hex, data)) + "\n};\n"
    ),
    "c string": lambda data: '"' + "".join(f"\\x{byte:02x}" for byte in data) + '"',
    "javascript": lambda data: f"new Uint8Array([{', '.join(map(str, data))}])",
    "node": lambda data: f"<Buffer {data.hex(' ')}>",
    "go": lambda data: f"[]byte{{{', '.join(map(hex, data))}}}",
    "wireshark": lambda data: " \\\n".join(
        '"' + "".join(f"\\x{byte:02x}" for byte in data[at : at + 16]) + '"'
        for at in range(0, len(data), 16)
    ),
    "armour": lambda data: (
        "-----BEGIN FRAMES-----\n" + base64.encodebytes(data).decode() + "-----END FRAMES-----\n"
    ),
}


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("form", WRITTEN)
def test_literals(form: str, encoding: str) -> None:
    for wire in (GOOD, frame(TEXT, 'it\'s "quoted"\\ 🙂\n'.encode(), key=KEY)):
        status, output = frames("--json", stdin=WRITTEN[form](wire).encode(encoding))
        assert status == 0, output
        assert output == frames("--json", stdin=wire)[1]


def test_a_buffer_that_node_cut_says_how_to_print_all_of_it() -> None:
    assert "toString('hex')" in refused(f"<Buffer {GOOD[:50].hex(' ')} ... 9 more bytes>".encode())


@pytest.mark.parametrize("encoding", ENCODINGS[:3])
def test_format_hex_of_powershell(encoding: str) -> None:
    """It shows as Latin-1 what is not ASCII, or U+FFFD for that."""
    wire = frame(TEXT, "Grüße aus Köln, 日本語".encode() * 3, key=KEY)
    expected = frames("--json", stdin=wire)
    for unprintable in (".", "\ufffd"):
        rows = ["           " + " ".join(f"{n:02X}" for n in range(16)), ""]
        for at in range(0, len(wire), 16):
            row = wire[at : at + 16]
            text = "".join(c if c.isprintable() else unprintable for c in row.decode("latin-1"))
            rows.append(f"{at:08X}   {row.hex(' ').upper():47} {text}")
        assert frames("--json", stdin="\r\n".join(rows).encode(encoding)) == expected
        other = rows[2].replace(" 81 ", " 82 ", 1)[:-1] + "~"
        refused("\r\n".join([*rows[:2], other, *rows[3:]]).encode(encoding))


def test_yaml_of_an_older_wireshark() -> None:
    """Both directions, in the order in which they were sent."""
    answers = [frame(TEXT, f"answer {n}".encode() * 9, key=None) for n in range(3)]
    sent = [(0, REQUEST), (1, ANSWER + b"\r\n"), (0, GOOD), *((1, one) for one in answers)]
    text = "".join(
        f"# Packet {number}\npeer{peer}_{number}: !!binary |\n"
        + "".join(f"  {line}\n" for line in base64.encodebytes(piece).decode().split())
        for number, (peer, piece) in enumerate(sent)
    )
    for encoding in ENCODINGS:
        status, output = frames("--json", stdin=text.encode(encoding))
        assert status == 0
        assert [len(one["frames"]) for one in json.loads(output)["streams"]] == [20, 3]


@pytest.mark.parametrize("encoding", ENCODINGS[1:])
@pytest.mark.parametrize(
    "name",
    [
        *(f"plain-sent.{form}.txt" for form in ("xxd", "xxd-p", "hexdump", "hexdump-C", "od")),
        *(f"plain-follow-{form}.txt" for form in ("raw", "hex", "yaml")),
        *("plain-tcpdump-X.txt", "chromium.har"),
    ],
)
def test_texts_in_another_encoding(name: str, encoding: str) -> None:
    text = (CAPTURES / name).read_text("utf-8")
    expected = frames(stdin=text.encode())
    assert frames(stdin=text.encode(encoding)) == expected


def test_c_arrays_of_wireshark() -> None:
    def array(peer: int, number: int, piece: bytes) -> str:
        rows = ", \n".join(", ".join(map(hex, piece[i : i + 8])) for i in range(0, len(piece), 8))
        return f"char peer{peer}_{number}[] = {{ /* Packet {number} */\n{rows} }};\n"

    answer = ANSWER + b"\r\n" + frame(TEXT, b"hello", key=None)
    text = array(0, 0, REQUEST) + array(1, 0, answer) + array(0, 1, GOOD)
    status, output = frames("--json", stdin=text.encode())
    assert status == 0
    assert [len(one["frames"]) for one in json.loads(output)["streams"]] == [20, 1]
    refused(text[:-30].encode())


@pytest.mark.parametrize("row", [0, 1, 40, 60])
def test_a_dump_without_one_of_its_rows(row: int) -> None:
    for name in ("xxd", "hexdump-C", "od", "od-x1z", "hexdump"):
        lines = (CAPTURES / f"plain-sent.{name}.txt").read_bytes().splitlines(keepends=True)
        refused(b"".join(lines[:row] + lines[row + 1 :]))
