"""Servers and clients in separate processes, loaded from this one: what CPU time they take.

Servers echo text; a client receives bursts.  Measured is the CPU time of their process, user
and system, by getrusage(2), for a fixed number of messages; the load runs on the other CPU.

Invariant: all ends of a load run at the same time and take turns, and the least of their
rounds counts, so that what disturbs the machine disturbs all of them; what comes back is
compared with what was sent.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import hashlib
import os
import select
import socket
import subprocess
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import load
import records
import wsfast
from samples import sample, size_name

CPUS = sorted(os.sched_getaffinity(0))
END_CPU, LOAD_CPU = CPUS[0], CPUS[-1]
OFFER = b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n"


class Shape(NamedTuple):
    """A load: bytes a message, connections, messages at once, compressed or not, its text."""

    size: int
    connections: int
    batch: int
    messages: int  # a round
    deflate: bool = False
    alphabet: str = "ascii"

    def name(self) -> str:
        """Say it in a few words."""
        at_once = "one at a time" if self.batch == 1 else f"{self.batch} at once"
        many = f"{self.connections} connection{'s' * (self.connections != 1)}"
        kind = ", deflate" * self.deflate + f", {self.alphabet}" * (self.alphabet != "ascii")
        return f"{size_name(self.size, ' ')}{kind}, {many}, {at_once}"


# What every library echoes, and what a client receives.
USUAL = (
    Shape(32, 1, 1, 3000),
    Shape(32, 1, 64, 38_400),
    Shape(32, 32, 1, 9600),
    Shape(32, 32, 64, 40_960),
    Shape(1024, 32, 1, 9600),
    Shape(65_536, 1, 1, 1500),
    Shape(65_536, 8, 1, 2400),
)
BURST = Shape(32, 1, 1000, 100_000)

# What runs each library: bench/*_ends.py.
ENDS = {
    "websockets": "websockets",
    "picows": "websockets",
    "aiohttp": "aiohttp",
    "uvicorn": "uvicorn",
    "wsproto": "hypercorn",
    "wsfast": "wsfast",
}


class Deflated(load.Link):
    """A connection whose messages are compressed, and their echoes inflated."""

    def __init__(self, port: int, wire: bytes, text: bytes, batch: int, poll: Any) -> None:
        super().__init__(port, wire, b"x", poll)
        deflate = wsfast.PerMessageDeflate("client").accept("permessage-deflate")
        self._decoder = wsfast.MessageDecoder("client", deflate=deflate)
        self._text, self._batch, self._count = text.decode(), batch, 0

    def receive(self) -> bool:
        """Receive what there is; return whether that completes the echo of a batch."""
        data = self._sock.recv(1 << 18)
        if not data:
            raise ConnectionError("the server hung up")
        for message in self._decoder.feed(data):
            if message != wsfast.Text(self._text):
                raise AssertionError("what came back is not what was sent")
            self._count += 1
        if self._count < self._batch:
            return False
        self._count = 0
        self.ahead -= 1
        return True


class End:
    """A server or client of a library in a process of its own, which says what it has used."""

    def __init__(self, role: str, library: str, loop: str, *more: str, path: str = "") -> None:
        script = str(Path(__file__).with_name(f"{ENDS[library.removesuffix('+')]}_ends.py"))
        self._process = subprocess.Popen(
            ["taskset", "-c", str(END_CPU), sys.executable, script, role, library, loop, *more],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "LIBRARY_PATH": path},
        )
        self.pid = self._process.pid  # taskset becomes the program that it starts
        assert self._process.stdin
        assert self._process.stdout
        self._stdin, self._stdout = self._process.stdin, self._process.stdout

    def line(self) -> int:
        """Return the number that it prints."""
        return int(self._stdout.readline())

    def used(self) -> int:
        """Return the CPU time it has used, in microseconds."""
        self._stdin.write("\n")
        self._stdin.flush()
        return self.line()

    def close(self) -> None:
        """End it."""
        self._stdin.close()
        self._process.wait(10)
        self._stdout.close()


def deflated(text: bytes) -> bytes:
    """Return a client's frame that can follow any other: it refers to no earlier message."""
    compressor = zlib.compressobj(wbits=-12, memLevel=5)
    data = compressor.compress(text) + compressor.flush(zlib.Z_SYNC_FLUSH)
    return wsfast.encode_frame(1, data[:-4], rsv1=True, masking_key=wsfast.new_masking_key())


class Loaded:
    """A server and the connections that load it."""

    def __init__(self, shape: Shape, end: End) -> None:
        self._shape = shape
        self._end = end
        port, self._poll = end.line(), select.epoll()
        text = sample("json" if shape.deflate else "ascii", shape.size)
        made: list[load.Link]
        if shape.deflate:
            load.REQUEST, request = load.REQUEST.removesuffix(b"\r\n") + OFFER, load.REQUEST
            wire = deflated(text) * shape.batch
            made = [
                Deflated(port, wire, text, shape.batch, self._poll)
                for _ in range(shape.connections)
            ]
            load.REQUEST = request
        else:
            wire, echo = load.frames(shape.size, shape.batch, shape.alphabet)
            made = [load.Link(port, wire, echo, self._poll) for _ in range(shape.connections)]
        self._links = {link.number: link for link in made}

    def round(self, share: float = 1) -> float:
        """Return the CPU time of the server for one message, in microseconds."""
        shape, links = self._shape, self._links
        to_begin = max(int(shape.messages * share) // shape.batch, shape.connections)
        total = to_begin
        before = self._end.used()
        for link in links.values():
            link.begin()
            to_begin -= 1
        done = 0
        while done < total:
            events = self._poll.poll(30)
            if not events:
                raise TimeoutError("the server has been silent for 30 seconds")
            for number, event in events:
                link = links[number]
                if event & select.EPOLLOUT:
                    link.send()
                if event & select.EPOLLIN and link.receive():
                    done += 1
                    if to_begin:
                        to_begin -= 1
                        link.begin()
        return (self._end.used() - before) / (total * shape.batch)

    def close(self) -> None:
        """End both sides."""
        for link in self._links.values():
            link.close()
        self._poll.close()
        self._end.close()


def loaded(shape: Shape, library: str, loop: str, path: str = "") -> Loaded:
    """Start a server of a library, and load it."""
    return Loaded(shape, End("server", library, loop, *["deflate"] * shape.deflate, path=path))


class Burst:
    """A client that is sent bursts of messages."""

    def __init__(self, shape: Shape, library: str, loop: str) -> None:
        self._shape = shape
        self._wire = load.frames(shape.size, shape.batch)[1]
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
            self._end = End("client", library, loop, str(port))
            self._sock, _ = listener.accept()
        self._accept()

    def _accept(self) -> None:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += self._sock.recv(4096)
        key = next(
            line.split(b":")[1].strip()
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"sec-websocket-key:")
        )
        digest = hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
        self._sock.sendall(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + base64.b64encode(digest) + b"\r\n\r\n"
        )

    def round(self, share: float = 1) -> float:
        """Return the CPU time of the client for one message, in microseconds."""
        bursts = max(int(self._shape.messages * share) // self._shape.batch, 1)
        before = self._end.used()
        ping = wsfast.encode_frame(9, b"")
        for _ in range(bursts):
            self._sock.sendall(self._wire + ping)
            answer = b""
            while len(answer) < 6:  # its pong, empty but masked: all before it has arrived
                answer += self._sock.recv(6 - len(answer))
        return (self._end.used() - before) / (bursts * self._shape.batch)

    def close(self) -> None:
        """End both sides."""
        self._sock.sendall(wsfast.encode_frame(8, b"\x03\xe8"))
        with contextlib.suppress(ConnectionError):
            while self._sock.recv(4096):
                pass
        self._sock.close()
        self._end.close()


@contextlib.contextmanager
def closing(ends: dict[str, Any]) -> Iterator[None]:
    try:
        yield
    finally:
        for end in ends.values():
            end.close()


def least(ends: dict[str, Any], rounds: int, share: float) -> dict[str, float]:
    """Let the ends take turns; return the least time of each."""
    with closing(ends):
        best = {name: end.round(share / 4) for name, end in ends.items()}
        for _ in range(rounds):
            for name, end in ends.items():
                best[name] = min(best[name], end.round(share))
    return best


class Race(NamedTuple):
    """What is measured of a library: stock, accelerated, and beside others with its API."""

    library: str
    others: tuple[str, ...]
    shapes: tuple[Shape, ...]
    burst: Shape
    of_versions: Shape


def row(race: Race, loop: str, what: str, best: dict[str, float]) -> dict[str, Any]:
    """Print one load, and return what is recorded of it."""
    stock, ours = best[race.library], best[f"{race.library}+"]
    others = "".join(f"{best[name]:9.2f}" for name in race.others if name in best)
    print(f"{loop:8} {what:52} {stock:9.2f} {ours:9.2f} {stock / ours:6.2f}x {others}", flush=True)
    times = {f"{name}_us": round(time, 3) for name, time in best.items()}
    return {"loop": loop, "load": what, **times, "ratio": round(stock / ours, 2)}


def rows(race: Race, loops: list[str], options: argparse.Namespace) -> list[dict[str, Any]]:
    """Measure all loads."""
    libraries = (race.library, f"{race.library}+")
    rounds, share = (2, 0.2) if options.quick else (options.rounds, 1)
    loads: list[tuple[str, str, dict[str, Any]]] = []
    for loop in loops:
        for shape in race.shapes:
            names = (*libraries, *race.others)
            loads.append((loop, shape.name(), {n: (loaded, shape, n, loop) for n in names}))
        what = f"client receives {race.burst.name()}"
        loads.append((loop, what, {n: (Burst, race.burst, n, loop) for n in names}))
        for version in options.version:
            number, _, path = version.partition("=")
            what = f"{number}: {race.of_versions.name()}"
            made = {n: (loaded, race.of_versions, n, loop, path) for n in libraries}
            loads.append((loop, what, made))
    return [
        row(
            race,
            loop,
            what,
            least({n: make(*rest) for n, (make, *rest) in made.items()}, rounds, share),
        )
        for loop, what, made in loads
        if options.only in what
    ]


def main(script: str, race: Race, description: str) -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="short rounds; print only")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--loop", choices=("uvloop", "asyncio"), action="append")
    parser.add_argument("--version", action="append", default=[], metavar="NUMBER=DIR")
    parser.add_argument("--only", default="", metavar="WORDS", help="loads whose names have them")
    options = parser.parse_args()
    record = records.begin(script)
    os.sched_setaffinity(0, {LOAD_CPU})
    others = "".join(f"{name:>9}" for name in race.others)
    print(f"{'CPU time a message, in us':61} {'stock':>9} {'wsfast':>9} {'':7} {others}")
    record["rows"] = rows(race, options.loop or ["uvloop", "asyncio"], options)
    if not (options.quick or options.only):
        records.save(record, race.library)
