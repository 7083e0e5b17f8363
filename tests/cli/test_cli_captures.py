"""``wsfast frames``: captures that real tools made of real traffic, whole and damaged.

The captures are in tests/cli/captures, which says how they were made.  What they hold is in
expected.json: the exit status, and either the talks in them or what is said.
"""

from __future__ import annotations

import json
import shutil
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

pytest.importorskip("click")
from click.testing import CliRunner

from wsfast.cli import command
from wsfast.cli._captures import pcap
from wsfast.cli._captures.packets import Segment, segment

CAPTURES = Path(__file__).parent / "captures"
EXPECTED = json.loads((CAPTURES / "expected.json").read_text())
TEXTS = {
    "happy": ["Grüße aus Köln", "x" * 200, "日本語のテキスト " * 40, "in three fragments 🙂"],
    "unhappy": ["all is well so far"],
    "longer": [f"{number}: " + "Grüße aus Köln " * 100 for number in range(12)],
}
LAST = {"happy": ["restart"], "unhappy": [], "longer": ["restart"]}


def frames(*arguments: str, stdin: bytes = b"") -> tuple[int, str]:
    result = CliRunner().invoke(command, ["frames", *arguments], input=stdin)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


def parsed(*arguments: str, stdin: bytes = b"") -> tuple[int, list[dict[str, Any]]]:
    status, output = frames("--json", *arguments, stdin=stdin)
    return status, json.loads(output)["streams"]


def texts(stream: dict[str, list[dict[str, str]]]) -> list[str]:
    return [
        bytes.fromhex(message["payload"]).decode()
        for message in stream.get("messages", ())
        if message["kind"] == "text"
    ]


def check_talks(status: int, output: str, talks: list[str]) -> None:
    """Check that these talks, and no more, are in the output of --json."""
    streams = json.loads(output)["streams"]
    assert len(streams) == 2 * len(talks)
    for talk, sent, received in zip(talks, streams[::2], streams[1::2], strict=True):
        assert sent["direction"] == "client to server"
        assert received["direction"] == "server to client"
        assert texts(sent) == TEXTS[talk] + LAST[talk]
        assert texts(received) == TEXTS[talk]
        assert "not_judged" not in sent
        assert "not_judged" not in received
        assert all(frame["masked"] for frame in sent["frames"])
        closed = received["messages"][-1]
        if talk == "unhappy":
            assert (sent["valid"], received["valid"]) == (False, True)
            assert sent["violation"]["close_code"] == closed["code"] == 1007
        else:
            assert (sent["valid"], received["valid"]) == (True, True)
            assert closed == {"kind": "close", "code": 1001, "reason": "restarting"}
    assert status == int("unhappy" in talks)


@pytest.mark.parametrize(("call", "expected"), EXPECTED.items(), ids=EXPECTED)
def test_capture_of_a_real_tool(
    call: str, expected: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    if "--keylog" in call and not shutil.which("tshark"):
        pytest.skip("needs tshark")
    monkeypatch.chdir(CAPTURES)
    status, what = expected
    if isinstance(what, list):
        found, output = frames("--json", "--show-payload", *call.split())
        check_talks(found, output, what)
    else:
        found, output = frames(*call.split())
        assert str(what) in output
        assert "violation 1002" not in output
    assert found == status


def test_every_capture_is_expected() -> None:
    there = {path.name for path in CAPTURES.iterdir() if path.suffix not in (".py", "")}
    there.remove("expected.json")
    assert there == {name for call in EXPECTED for name in call.split() if name[:2] != "--"}
    assert sum(path.stat().st_size for path in CAPTURES.iterdir()) < 1 << 20


def test_one_of_two_connections() -> None:
    path = str(CAPTURES / "two.pcapng")
    output = frames(path)[1]
    assert output.startswith("2 connections; --stream N shows one\n")
    assert max(map(len, output.splitlines())) <= 80
    status, output = frames("--json", "--stream", "1", "--show-payload", path)
    check_talks(status, output, ["happy"])
    assert {stream["connection"] for stream in json.loads(output)["streams"]} == {1}
    status, output = frames("--stream", "2", path)
    assert status == 2
    assert "there is no stream 2" in output


def test_other_connections_get_no_verdict() -> None:
    """Chromium's has an HTTP connection beside the WebSocket."""
    output = frames(str(CAPTURES / "chromium.pcap"))[1]
    assert "HTTP" in output
    status, _ = frames("--stream", "0", str(CAPTURES / "chromium.pcap"))
    assert status in (1, 2)


# The same packets on other links, in another order, and with others between.

Packets = list[bytes]


def recorded(name: str) -> Packets:
    """Return the packets of a recording, as Ethernet frames."""
    return [packet.data for packet in pcap.packets((CAPTURES / name).read_bytes())]


def written(
    packets: Packets, link: int = 1, order: str = "<", magic: int = 0xA1B2C3D4, more: int = 0
) -> bytes:
    """Return a pcap; ``more`` is what the header of a packet has beyond 16 bytes."""
    head = struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 262144, link)
    return head + b"".join(
        struct.pack(order + "IIII", 1, 0, len(p), len(p)) + bytes(more) + p for p in packets
    )


def block(kind: int, body: bytes, order: str = "<") -> bytes:
    body += bytes(-len(body) % 4)
    size = struct.pack(order + "I", 12 + len(body))
    return struct.pack(order + "I", kind) + size + body + size


def section(order: str = "<") -> bytes:
    return block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1), order)


def interface(link: int, order: str = "<") -> bytes:
    return block(1, struct.pack(order + "HHI", link, 0, 0), order)


def enhanced(packet: bytes, number: int = 0, order: str = "<") -> bytes:
    head = struct.pack(order + "5I", number, 0, 0, len(packet), len(packet))
    return block(6, head + packet, order)


LINKS: dict[str, tuple[int, Callable[[bytes], bytes]]] = {
    "raw": (101, lambda packet: packet[14:]),
    "ipv4": (228, lambda packet: packet[14:]),
    "null": (0, lambda packet: b"\x02\0\0\0" + packet[14:]),
    "loop": (108, lambda packet: b"\0\0\0\x02" + packet[14:]),
    "vlan": (1, lambda packet: packet[:12] + b"\x81\0\0\x0a" + packet[12:]),
    "qinq": (1, lambda packet: packet[:12] + b"\x88\xa8\0\x0a\x81\0\0\x0b" + packet[12:]),
    "pppoe": (1, lambda packet: packet[:12] + b"\x88\x64" + b"\x11\0\0\1\0\0\0\x21" + packet[14:]),
    "padded": (1, lambda packet: packet + bytes(6)),
}


@pytest.mark.parametrize("link", LINKS)
def test_links(link: str) -> None:
    number, wrap = LINKS[link]
    capture = written([wrap(packet) for packet in recorded("plain.pcap")], number)
    check_talks(*frames("--json", "--show-payload", stdin=capture), ["happy"])


def test_links_that_are_not_read() -> None:
    status, output = frames(stdin=written(recorded("plain.pcap"), 147))
    assert status == 2
    assert "packets of an unsupported link type" in output


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize(
    ("magic", "more"),
    [(0xA1B2C3D4, 0), (0xA1B23C4D, 0), (0xA1B2CD34, 8)],
    ids=["microseconds", "nanoseconds", "patched libpcap"],
)
def test_kinds_of_pcap(magic: int, more: int, order: str) -> None:
    capture = written(recorded("plain.pcap"), 1, order, magic, more)
    check_talks(*frames("--json", "--show-payload", stdin=capture), ["happy"])


def extended(packet: bytes, headers: list[tuple[int, bytes]]) -> bytes:
    """Put extension headers, each without its first byte, into an IPv6 packet."""
    kinds = [kind for kind, _ in headers] + [packet[20]]
    between = b"".join(
        bytes([after]) + header for (_, header), after in zip(headers, kinds[1:], strict=True)
    )
    length = struct.pack("!H", len(packet) - 54 + len(between))
    return packet[:18] + length + bytes(kinds[:1]) + packet[21:54] + between + packet[54:]


OPTIONS = b"\1\1\4\0\0\0\0" + bytes(8)
EXTENSIONS: dict[str, list[tuple[int, bytes]]] = {
    "hop-by-hop": [(0, b"\0\1\4\0\0\0\0")],
    "three": [(0, b"\0\1\4\0\0\0\0"), (43, bytes(7)), (60, OPTIONS)],
    "authentication": [(51, b"\4\0\0" + bytes(20))],
    "all in one fragment": [(60, OPTIONS), (44, bytes(7))],
}


@pytest.mark.parametrize("name", EXTENSIONS)
def test_ipv6_with_extension_headers(name: str) -> None:
    packets = [extended(packet, EXTENSIONS[name]) for packet in recorded("ipv6.pcapng")]
    check_talks(*frames("--json", "--show-payload", stdin=written(packets)), ["happy"])
    if name == "authentication":  # Scapy does not look behind it
        return
    inet = pytest.importorskip("scapy.layers.inet")
    l2 = pytest.importorskip("scapy.layers.l2")
    pytest.importorskip("scapy.layers.inet6")
    found = segment(1, packets[0])
    assert isinstance(found, Segment)
    assert found.sequence == l2.Ether(packets[0])[inet.TCP].seq


@pytest.mark.parametrize("offset", [b"\0\1", b"\0\x08", b"\xff\xf8"])
def test_fragments_of_ipv6_are_left_out_and_said(offset: bytes) -> None:
    packets = recorded("ipv6.pcapng")
    number = payloads(packets)[3]
    fragment = extended(packets[number], [(44, b"\0" + offset + bytes(4))])
    status, output = frames(stdin=written([*packets[:number], fragment, *packets[number + 1 :]]))
    assert status == 2
    assert "1 IP fragments were left out" in output
    assert "missing from the capture" in output


@pytest.mark.parametrize("order", "<>")
def test_pcapng_with_two_kinds_of_interfaces(order: str) -> None:
    packets = recorded("plain.pcap")
    capture = section(order) + interface(147, order) + interface(1, order) + interface(101, order)
    for number, packet in enumerate(packets):
        capture += block(number + 7, b"unknown" * number, order)
        capture += enhanced(packet, 1, order) if number % 2 else enhanced(packet[14:], 2, order)
    check_talks(*frames("--json", "--show-payload", stdin=capture), ["happy"])


def payloads(packets: Packets) -> list[int]:
    """Return which packets have a payload."""
    found = []
    for number, packet in enumerate(packets):
        one = segment(1, packet)
        assert isinstance(one, Segment)
        if one.payload:
            found.append(number)
    return found


@pytest.mark.parametrize("seed", range(5))
def test_segments_out_of_order_and_again(seed: int) -> None:
    packets = recorded("plain.pcap")
    rng = Random(seed)
    body = packets[3:] + rng.sample(packets[3:], 8)
    rng.shuffle(body)
    capture = written(packets[:3] + body)
    check_talks(*frames("--json", "--show-payload", stdin=capture), ["happy"])


def renumbered(packet: bytes, shift: dict[int, int]) -> bytes:
    """Add to the sequence numbers, by port."""
    source, target, sequence, acknowledged = struct.unpack_from("!HHII", packet, 34)
    sequence = (sequence + shift[source]) % 2**32
    acknowledged = (acknowledged + shift[target]) % 2**32 if acknowledged else 0
    return packet[:38] + struct.pack("!II", sequence, acknowledged) + packet[46:]


@pytest.mark.parametrize("before", [1, 0, 3, 300, 1200])
def test_sequence_numbers_wrap_around(before: int) -> None:
    packets = recorded("plain.pcap")
    source, target, first = struct.unpack_from("!HHI", packets[0], 34)
    second = struct.unpack_from("!I", packets[1], 38)[0]
    shift = {source: 2**32 - before - first, target: 2**32 - before - second}
    capture = written([renumbered(packet, shift) for packet in packets])
    check_talks(*frames("--json", "--show-payload", stdin=capture), ["happy"])


def test_a_lost_segment_is_said_wherever_it_is() -> None:
    packets = recorded("plain.pcap")
    for number in payloads(packets)[2:]:
        capture = written(packets[:number] + packets[number + 1 :])
        status, output = frames("--json", stdin=capture)
        assert status == 2, number
        streams = json.loads(output)["streams"]
        assert None in [stream["valid"] for stream in streams]
        assert "missing from the capture" in str([s.get("not_judged") for s in streams])


def test_an_overlap_with_other_contents_is_said() -> None:
    packets = recorded("plain.pcap")
    number = payloads(packets)[4]
    other = packets[number][:-3] + b"\0\0\0"
    status, output = frames(stdin=written([*packets[: number + 1], other, *packets[number + 1 :]]))
    assert status == 2
    assert "with different contents" in output
    same = written([*packets[: number + 1], packets[number], *packets[number + 1 :]])
    status, output = frames("--json", "--show-payload", stdin=same)
    check_talks(status, output, ["happy"])
    assert "were sent more than once" in output


def test_a_reset_inside_a_frame() -> None:
    """Some stacks say in a reset why they send it (RFC 1122): that is no part of the stream."""
    packets = recorded("plain.pcap")
    number = payloads(packets)[5]
    packet = packets[number]
    size, ack = struct.unpack_from("!H", packet, 16)[0], packet[46:47]
    (sequence,) = struct.unpack_from("!I", packet, 38)
    part = packet[:16] + struct.pack("!H", size - 40) + packet[18:-40]
    for said in (b"", b"\x81\x02no"):
        reset = packet[:16] + struct.pack("!H", 52 + len(said)) + packet[18:38]
        reset += struct.pack("!I", sequence + len(part) - 66) + packet[42:46]
        reset += ack + b"\x14" + packet[48:66] + said
        status, output = frames(stdin=written([*packets[:number], part, reset]))
        assert status == 0
        assert "the capture ends inside a frame, after 164 bytes of it" in output
        assert output.count("reset the connection (TCP RST)") == 1
    assert "TCP RST" not in frames(stdin=written(packets))[1]


def test_a_compressed_connection_without_its_handshake() -> None:
    packets = recorded("compressed.pcapng")
    numbers = payloads(packets)
    for first in numbers[2:8]:
        status, output = frames(stdin=written(packets[first:]))
        assert status == 2
        assert "violation" not in output
        assert "refer to messages before this capture" in output
    # Whatever the window was before, messages that don't use it inflate.
    status, output = frames("--deflate", "", stdin=written(packets[:3] + packets[numbers[2] :]))
    assert status == 2
    assert "violation" not in output
    assert "missing from the capture" in output


def test_packets_that_were_cut_when_they_were_recorded() -> None:
    packets = [packet[:120] for packet in recorded("plain.pcap")]
    status, output = frames(stdin=written(packets))
    assert status == 2
    assert "violation" not in output


def test_the_same_ports_again_are_another_connection() -> None:
    packets = recorded("plain.pcap")
    source, target = struct.unpack_from("!HH", packets[0], 34)
    again = [renumbered(packet, {source: 7_000_000, target: 9_000_000}) for packet in packets]
    status, output = frames("--json", "--show-payload", stdin=written(packets + again))
    check_talks(status, output, ["happy", "happy"])


@pytest.mark.parametrize("name", ["plain.pcap", "compressed.pcapng"])
def test_a_file_cut_anywhere_is_never_called_valid(name: str) -> None:
    whole = (CAPTURES / name).read_bytes()
    boundaries = set(ends(whole))
    for cut in range(24, len(whole), 37):
        if cut not in boundaries:
            status, output = frames(stdin=whole[:cut])
            assert status == 2, cut
            assert "violation" not in output


def ends(data: bytes) -> Iterator[int]:
    """Yield where packets, or blocks, end."""
    at = 0 if data[:4] == b"\n\r\r\n" else 24
    while at < len(data):
        yield at
        if data[:4] == b"\n\r\r\n":
            at += struct.unpack_from("<I", data, at + 4)[0]
        else:
            at += 16 + struct.unpack_from("<I", data, at + 8)[0]


# The same packets, as other libraries read them.


@pytest.mark.parametrize("path", sorted(CAPTURES.glob("*.pcap*")), ids=lambda path: path.name)
def test_packets_are_those_of_dpkt_and_scapy(path: Path) -> None:
    ours = [packet.data for packet in pcap.packets(path.read_bytes())]
    dpkt = pytest.importorskip("dpkt")
    with path.open("rb") as file:
        assert ours == [data for _, data in dpkt.pcap.UniversalReader(file)]
    scapy = pytest.importorskip("scapy.utils")
    with scapy.RawPcapReader(str(path)) as reader:
        assert ours == [data for data, _ in reader]


@pytest.mark.parametrize("path", sorted(CAPTURES.glob("*.pcap*")), ids=lambda path: path.name)
def test_segments_are_those_of_scapy(path: Path) -> None:
    inet = pytest.importorskip("scapy.layers.inet")
    utils = pytest.importorskip("scapy.utils")
    pytest.importorskip("scapy.layers.l2")
    pytest.importorskip("scapy.layers.inet6")
    packets = list(pcap.packets(path.read_bytes()))
    with utils.PcapReader(str(path)) as reader:
        for ours, theirs in zip(packets[:40], reader, strict=False):
            found = segment(ours.link, ours.data)
            assert isinstance(found, Segment)
            tcp = theirs[inet.TCP]
            assert (found.source[1], found.target[1]) == (tcp.sport, tcp.dport)
            assert found.sequence == tcp.seq
            assert found.payload == bytes(tcp.payload).removesuffix(b"") or not found.payload
