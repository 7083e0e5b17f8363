"""An ASGI application on uvicorn with our protocol, beside websockets-sansio: a matrix of loads.

    python bench/bench_uvicorn.py                   # every cell: prints, records, judges
    python bench/bench_uvicorn.py --only fan,500    # the cells whose name has all of these
    python bench/bench_uvicorn.py --quick           # two rounds of few messages; prints only
    python bench/bench_uvicorn.py --draw            # the newest record into the documentation

It needs Linux.  A figure is the CPU time of the server's process for a message, including the
system's part; for an application that blocks the event loop it is the time until its first
answer.  Exit status 1 if a cell loses: if ours takes longer than sansio by more than the noise.

Invariant: both servers run all the time and take turns, cell by cell, and the best round of
each counts.  A cell that loses is measured again with three times the rounds, because whatever
disturbs a round only adds to it.  Every message that comes back is compared with what it
must be.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import select
import socket
import sys
import time
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import records
from samples import prose, size_name
from serving import serving
from wsfast import MessageDecoder, PerMessageDeflate, encode_frame

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "peers" / "uvicorn.md"
MARKS = "<!-- matrix -->\n", "<!-- /matrix -->\n"
PEERS = ("wsfast", "sansio")
LOOPS = ("asyncio", "uvloop")
NOISE = 1.05  # what the best rounds of two equal servers differ by
SIZES = (16, 1024, 16_384, 131_072, 1 << 20, 1 << 24)
MOST = 1 << 26  # bytes on their way at once
BYTES = 2 << 20  # of messages to a round, at most, but one batch of each connection
MESSAGES = 2000  # likewise
KEY = b"\x12\x34\x56\x78"
REQUEST = (
    "GET /{path} HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{offer}\r\n"
)


class Cell(NamedTuple):
    """A load: what the application does, and with what."""

    loop: str
    pattern: str
    size: int
    connections: int
    batch: int
    deflate: bool

    def name(self) -> str:
        how = "compressed" if self.deflate else "plain"
        return (
            f"{self.loop}, {self.pattern}, {size_name(self.size, ' ')}, {how}, "
            f"{self.connections} connections, {self.batch} at once"
        )

    def batches(self, quick: bool) -> int:
        """Return how many batches a connection has in a round."""
        messages = min(BYTES // self.size, MESSAGES)
        if self.pattern == "slow":
            return 1
        return max(1, messages // (self.batch * self.connections * (4 if quick else 1)))


def cells(loops: list[str]) -> Iterator[Cell]:
    """Yield all of them."""
    for loop, deflate, size in product(loops, (False, True), SIZES):
        most = 16 if size <= 131_072 else 2
        for pattern, connections, batch in (
            ("echo", 1, 1),
            ("echo", 1, most),
            ("push", 1, most),
            ("echo", 64, most),
            ("push", 64, most),
            ("fan", 64, 1),
            ("echo", 500, 1),
            ("fan", 500, 1),
        ):
            if size * connections * batch <= MOST:
                yield Cell(loop, pattern, size, connections, batch, deflate)
    for loop in loops:
        yield Cell(loop, "slow", 16, 1, 50, False)


class Link:
    """One connection of the client: what it sends, and what must come back."""

    def __init__(self, port: int, cell: Cell) -> None:
        self.sock = socket.create_connection(("127.0.0.1", port), 20.0)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        ours = PerMessageDeflate("client", client_max_window_bits=12, threshold=0)
        offer = f"Sec-WebSocket-Extensions: {ours.offer()}\r\n" if cell.deflate else ""
        self.sock.sendall(REQUEST.format(path=cell.pattern, offer=offer).encode())
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += self.sock.recv(1)
        if not head.startswith(b"HTTP/1.1 101 "):
            raise ConnectionError(f"the server refused: {head!r:.200}")
        agreed = None
        if cell.deflate:
            (line,) = [x for x in head.decode().split("\r\n") if "-extensions:" in x.lower()]
            agreed = ours.accept(line.partition(":")[2].strip())
        self.decoder = MessageDecoder("client", max_message_size=1 << 26, deflate=agreed)
        self.wire = memoryview(self._wire(cell, agreed))
        self.sock.setblocking(False)
        self.unsent = self.wire[:0]
        self.due = 0

    def _wire(self, cell: Cell, agreed: Any) -> bytes:
        text, count = prose(cell.size), cell.batch
        if cell.pattern == "push":
            text, count = f"{cell.size} {cell.batch}", 1
        frames = []
        for _ in range(count):
            made = agreed.compress(text) if agreed is not None else None
            frames.append(encode_frame(1, made or text, masking_key=KEY, rsv1=made is not None))
            if made is not None:
                agreed._compressor = None  # so that a batch can be sent again as it is
        return b"".join(frames)

    def send(self) -> None:
        """Send what is left, as far as the socket takes it."""
        with contextlib.suppress(BlockingIOError):
            while self.unsent:
                self.unsent = self.unsent[self.sock.send(self.unsent) :]

    def receive(self, expected: str) -> int:
        """Receive what there is; return how many messages that completes."""
        data = self.sock.recv(1 << 18)
        if not data:
            raise ConnectionError("the server hung up")
        count = 0
        for event in self.decoder.feed(data):
            if event.data != expected:
                raise AssertionError("what came back is not what was sent")
            count += 1
        return count


class Driver:
    """The client of one server for one cell."""

    def __init__(self, cell: Cell, port: int, pid: int) -> None:
        self.cell, self.pid = cell, pid
        self.expected = prose(cell.size)
        self.poll = select.epoll()
        self.links: dict[int, Link] = {}
        for _ in range(cell.connections):
            link = Link(port, cell)
            self.links[link.sock.fileno()] = link
            self.poll.register(
                link.sock.fileno(), select.EPOLLIN | select.EPOLLOUT | select.EPOLLET
            )

    def close(self) -> None:
        """Make the closing handshakes."""
        for link in self.links.values():
            link.sock.settimeout(5.0)
            link.sock.sendall(encode_frame(8, b"\x03\xe8", masking_key=KEY))
        for link in self.links.values():
            while link.sock.recv(65_536):
                pass
            link.sock.close()
        self.poll.close()

    def round(self, batches: int) -> float:
        """Run some batches; return the microseconds of CPU for a message."""
        if self.cell.pattern == "slow":
            return self.first_answer()
        before = cpu_seconds(self.pid)
        for _ in range(batches if self.cell.pattern == "fan" else 1):
            self._run(batches)
        spent = cpu_seconds(self.pid) - before
        return spent / (batches * self.cell.batch * self.cell.connections) * 1e6

    def _run(self, batches: int) -> None:
        fans = self.cell.pattern == "fan"
        senders = list(self.links.values())[:1] if fans else list(self.links.values())
        each = 1 if fans else batches
        for link in self.links.values():
            link.due = each * self.cell.batch
        for link in senders:
            link.unsent = link.wire
            link.send()
        waiting = len(self.links)
        while waiting:
            ready = self.poll.poll(30.0)
            if not ready:
                raise TimeoutError(f"{self.cell.name()}: the server is silent")
            for number, event in ready:
                link = self.links[number]
                if link.unsent:
                    link.send()
                if event & select.EPOLLIN:
                    waiting -= self._received(link)

    def _received(self, link: Link) -> bool:
        """Take what there is; return whether this connection has all."""
        done = False
        with contextlib.suppress(BlockingIOError):
            while True:
                before = link.due
                link.due -= link.receive(self.expected)
                if not link.due and before:
                    done = True
                elif link.due and -(-before // self.cell.batch) > -(-link.due // self.cell.batch):
                    link.unsent = link.wire
                    link.send()
        return done

    def first_answer(self) -> float:
        """Return the microseconds until the first answer of an application that blocks."""
        (link,) = self.links.values()
        link.sock.settimeout(20.0)
        start = time.perf_counter()
        link.sock.sendall(link.wire)
        found: list[Any] = []
        first = 0.0
        while len(found) < 2 * self.cell.batch:
            found += link.decoder.feed(link.sock.recv(65_536))
            first = first or time.perf_counter() - start
        return first * 1e6


def cpu_seconds(pid: int) -> float:
    """Return how long a process has run on a CPU."""
    spent = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        spent += int((task / "schedstat").read_text().split()[0])
    return spent / 1e9


def measure(cell: Cell, servers: dict[str, tuple[int, int]], rounds: int, quick: bool) -> Any:
    """Return the row of a cell, the better of two if it loses at first."""
    found = run_rounds(cell, servers, rounds, quick)
    if found[PEERS[0]] > NOISE * found[PEERS[1]] and not quick:
        again = run_rounds(cell, servers, 3 * rounds, quick)
        found = {peer: min(found[peer], again[peer]) for peer in PEERS}
    ours, stock = (round(found[peer], 3) for peer in PEERS)
    row = {**cell._asdict(), "wsfast_us": ours, "sansio_us": stock, "ratio": round(ours / stock, 3)}
    print(f"{row['ratio']:6.2f}  {ours:10.2f} us {stock:10.2f} us  {cell.name()}", flush=True)
    return row


def run_rounds(
    cell: Cell, servers: dict[str, tuple[int, int]], rounds: int, quick: bool
) -> dict[str, float]:
    """Return the best round of each server."""
    batches = cell.batches(quick)
    drivers = {peer: Driver(cell, *servers[peer]) for peer in PEERS}
    try:
        for driver in drivers.values():
            driver.round(1)
        found: dict[str, list[float]] = {peer: [] for peer in PEERS}
        for number in range(rounds):
            for peer in PEERS if number % 2 else reversed(PEERS):
                found[peer].append(drivers[peer].round(batches))
    finally:
        for driver in drivers.values():
            driver.close()
    return {peer: min(found[peer]) for peer in PEERS}


def table(record: dict[str, Any]) -> str:
    """Return how many times less CPU ours takes: by pattern and size, the least to the most."""
    rows = [row for row in record["rows"] if row["pattern"] != "slow"]
    sizes = list(dict.fromkeys(row["size"] for row in rows))
    names = [size_name(size, " ") + " bytes" * (size < 1024) for size in sizes]
    text = f"| | {' | '.join(names)} |\n|---|{'---|' * len(sizes)}\n"
    for deflate, pattern in dict.fromkeys((row["deflate"], row["pattern"]) for row in rows):
        found = []
        for size in sizes:
            gains = [
                1 / row["ratio"]
                for row in rows
                if (row["deflate"], row["pattern"], row["size"]) == (deflate, pattern, size)
            ]
            found.append(f"{min(gains):.2f} to {max(gains):.2f}" if gains else "")
        text += f"| {pattern}, {'compressed' if deflate else 'plain'} | {' | '.join(found)} |\n"
    return text


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="two rounds of few; print only")
    parser.add_argument("--only", default="", help="parts of the names of cells, with commas")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--draw", action="store_true", help="put the newest record into docs/")
    arguments = parser.parse_args()
    if arguments.draw:
        records.put(PAGE, MARKS, table(records.newest("uvicorn-matrix")))
        return
    record = records.begin("bench_uvicorn.py")
    loops = [loop for loop in LOOPS if importlib.util.find_spec(loop)]
    wanted = [part.strip() for part in arguments.only.split(",")]
    chosen = [cell for cell in cells(loops) if all(part in cell.name() for part in wanted)]
    rounds = 2 if arguments.quick else arguments.rounds
    record["rows"] = rows = []
    print(f"ratio of {PEERS[0]} to {PEERS[1]}, CPU for a message")
    for loop in loops:
        with contextlib.ExitStack() as stack:
            servers = {
                peer: stack.enter_context(serving("uvicorn_server.py", peer, loop))
                for peer in PEERS
            }
            for cell in chosen:
                if cell.loop == loop:
                    rows.append(measure(cell, servers, rounds, arguments.quick))
    if not arguments.quick and not arguments.only:
        records.save(record, "uvicorn-matrix")
    losing = [Cell(*(row[f] for f in Cell._fields)).name() for row in rows if row["ratio"] > NOISE]
    if losing:
        sys.exit("THESE LOSE:\n  " + "\n  ".join(losing))


if __name__ == "__main__":
    main()
