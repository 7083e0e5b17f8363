"""Show what wsfast decodes from the traffic of a real client: `make demo`.

Starts the echo server of ``echo_server.py`` on the loopback interface and drives it with
the client of the ``websockets`` package.  Prints each message and each violation as the
server decoded it, and how the client saw its connection close.

Invariant: everything that is printed was received by the server or the client.  If anything
differs from what this file expects, it says so, and the exit status is 1.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version

import report
from echo_server import EchoServer, Event, Observer
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

import wsfast

TIMEOUT = 10.0  # seconds for any one thing


@dataclass(frozen=True)
class Message:
    """Announce a message that is well-formed, and so comes back as it was."""

    title: str
    fragments: Sequence[str] | Sequence[bytes]
    text: bool = True

    @property
    def data(self) -> bytes:
        return b"".join(f.encode() if isinstance(f, str) else f for f in self.fragments)


@dataclass(frozen=True)
class Fault:
    """Announce a text message that is not UTF-8, and the evidence of that."""

    title: str
    fragments: Sequence[bytes]
    offset: int
    octets: bytes
    detected_at: int
    cause: wsfast.Cause
    fragment_index: int
    fragment_offset: int


def cut(data: bytes, size: int) -> list[bytes]:
    """Cut bytes into fragments, without regard for characters."""
    return [data[i : i + size] for i in range(0, len(data), size)]


JAPANESE = "吾輩は猫である。名前はまだ無い。"
EMOJI = "🚀 → 🌍 → 🌕"
JSON = '{"city": "Köln", "mood": "🙂", "tags": ["größer", "чай"]}'

MESSAGES = (
    Message("Latin", ["Zwölf große Boxkämpfer, très élégants"]),
    Message("Cyrillic", ["Съешь ещё этих мягких булок"]),
    Message("Greek", ["Ξεσκεπάζω την ψυχοφθόρα βδελυγμία"]),
    Message("Japanese", [JAPANESE]),
    Message("Japanese in fragments", cut(JAPANESE.encode(), 5)),
    Message("emoji, byte by byte", cut(EMOJI.encode(), 1)),
    Message("JSON in fragments", cut(JSON.encode(), 26)),
    Message("binary", [bytes(range(256))], text=False),
)

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00"

FAULTS = (
    Fault(
        "a character split across two fragments is missing its last byte",
        [b"Treffen um 9 \xf0\x9f", b"\x98? Ja, um 9"],
        offset=13,
        octets=b"\xf0\x9f\x98",
        detected_at=16,
        cause=wsfast.Cause.MISSING_CONTINUATION,
        fragment_index=0,
        fragment_offset=13,
    ),
    Fault(
        "a PNG image, sent as text",
        [PNG],
        offset=0,
        octets=b"\x89",
        detected_at=0,
        cause=wsfast.Cause.UNEXPECTED_CONTINUATION,
        fragment_index=0,
        fragment_offset=0,
    ),
    Fault(
        "JSON in Latin-1, the invalid byte in the second of three fragments",
        cut('{"name": "Müller", "city": "Köln"}'.encode() + b', "m\xf6glich": true}', 30),
        offset=40,
        octets=b"\xf6",
        detected_at=40,
        cause=wsfast.Cause.OUT_OF_RANGE,
        fragment_index=1,
        fragment_offset=10,
    ),
    Fault(
        "UTF-16 surrogates encoded one by one (CESU-8)",
        [b"smile \xed\xa0\xbd\xed\xb8\x80"],
        offset=6,
        octets=b"\xed",
        detected_at=7,
        cause=wsfast.Cause.SURROGATE,
        fragment_index=0,
        fragment_offset=6,
    ),
    Fault(
        "text cut off at 16 bytes, inside a character",
        ["日本語のテキスト".encode()[:16]],
        offset=15,
        octets=b"\xe3",
        detected_at=16,
        cause=wsfast.Cause.TRUNCATED,
        fragment_index=0,
        fragment_offset=15,
    ),
)


@dataclass
class Tap(Observer):
    """Keep what the server of one connection receives and decodes."""

    size: int = 0
    frames: int = 0
    events: list[Event] = field(default_factory=list)
    decoder: wsfast.FrameDecoder = field(default_factory=lambda: wsfast.FrameDecoder("server"))

    def received(self, data: bytes | memoryview) -> None:
        self.size += len(data)
        self.frames += len(list(self.decoder.feed(data)))

    def decoded(self, event: Event) -> None:
        self.events.append(event)

    def take(self) -> report.Seen:
        """Return what came since the last call."""
        seen = report.Seen(self.size, self.frames, tuple(self.events))
        self.size = self.frames = 0
        self.events.clear()
        return seen


@contextlib.asynccontextmanager
async def connected(server: EchoServer) -> AsyncIterator[tuple[ClientConnection, Tap]]:
    """Connect a client, without compression, and a tap on the server's side."""
    server.observer = tap = Tap()
    # A socket of our own, so that no proxy of the environment comes between.
    sock = socket.create_connection((server.host, server.port))
    async with connect("ws://localhost/", sock=sock, compression=None) as client:
        yield client, tap


def close_received(client: ClientConnection) -> tuple[int, str]:
    """Return what the close frame that the client received says; 1006 if none came."""
    close = client.protocol.close_rcvd
    return (int(close.code), close.reason) if close else (1006, "")


async def send_messages(server: EchoServer, show: report.Report) -> None:
    """Send what is well-formed: each message comes back, a ping brings a pong."""
    async with connected(server) as (client, tap):
        for message in MESSAGES:
            whole = message.fragments[0] if len(message.fragments) == 1 else message.fragments
            await client.send(whole, text=message.text)
            echo = await client.recv()
            text = message.data.decode() if message.text else ""
            sent: str | bytes = text or message.data
            show.message(message.title, seen := tap.take(), echo, sent)
            announced = wsfast.Text(text) if text else wsfast.Binary(message.data)
            show.expect(message.title, seen.events, (announced,))
            show.expect(f"{message.title}, echoed", echo, sent)
        latency = await (await client.ping(b"are you there?"))
        show.message("ping", seen := tap.take(), f"pong {latency * 1e3:.1f} ms")
        show.expect("ping", seen.events, (wsfast.Ping(b"are you there?"),))


async def send_fault(server: EchoServer, show: report.Report, fault: Fault) -> None:
    """Send a text that is not UTF-8; show the evidence, and what reached the client."""
    message = b"".join(fault.fragments)
    async with connected(server) as (client, tap):
        whole = fault.fragments[0] if len(fault.fragments) == 1 else fault.fragments
        with contextlib.suppress(ConnectionClosed):  # it may close before we end
            await client.send(whole, text=True)
        await client.wait_closed()
    found = tap.take().events[-1:]
    if not found or not isinstance(found[0], wsfast.InvalidUTF8):
        show.expect(fault.title, found, "InvalidUTF8")
        return
    violation = found[0]
    show.violation(fault.title, fault.fragments, violation, *close_received(client))
    names = ("offset", "octets", "detected_at", "cause", "fragment_index", "fragment_offset")
    for name in names:
        show.expect(f"{fault.title}: {name}", getattr(violation, name), getattr(fault, name))
    try:
        message.decode()
    except UnicodeDecodeError as error:
        end = violation.offset + violation.length
        show.expect(f"{fault.title}: CPython", (violation.offset, end), (error.start, error.end))
    else:
        show.expect(f"{fault.title}: CPython", "well-formed", "ill-formed")
    received = close_received(client)
    show.expect(f"{fault.title}: close", received, (1007, violation.close_reason))


async def close_both_ways(server: EchoServer, show: report.Report) -> None:
    """Let the client go away, then, with another one connected, the server."""
    async with connected(server) as (client, tap):
        await client.close(1001, "the tab was closed")
    seen = tap.take().events
    show.closing("client goes away", seen, *close_received(client))
    show.expect("client goes away", seen, (wsfast.Close(1001, "the tab was closed"),))
    received = close_received(client)
    show.expect("client goes away: echoed", received, (1001, "the tab was closed"))

    async with connected(server) as (client, _):
        server.go_away("restart for an update")
        await client.wait_closed()
    show.closing("server goes away", (), *close_received(client))
    received = close_received(client)
    show.expect("server goes away", received, (1001, "restart for an update"))


async def run(show: report.Report) -> None:
    """Run every scenario, each bounded in time."""
    async with EchoServer() as server:
        show.start(f"ws://{server.host}:{server.port}", version("websockets"))
        await asyncio.wait_for(send_messages(server, show), TIMEOUT)
        show.end_of_messages()
        for fault in FAULTS:
            await asyncio.wait_for(send_fault(server, show, fault), TIMEOUT)
        await asyncio.wait_for(close_both_ways(server, show), TIMEOUT)


def main() -> int:
    """Return the exit status: 0 if everything was as expected."""
    started = time.perf_counter()
    show = report.Report()
    asyncio.run(run(show))
    return show.finish(time.perf_counter() - started)


if __name__ == "__main__":
    sys.exit(main())
