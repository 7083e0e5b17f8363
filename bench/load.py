"""A load client for echo servers: batches of frames out, the same messages back, counted.

What is sent and what must come back are made once, so a message costs the client a share
of two system calls and of a comparison of bytes.  ``Load.busy``, the share of the time that the
server's process ran on a CPU, shows that the server was what limited the rate.

Invariant: every byte that comes back was compared with what it must be.
"""

from __future__ import annotations

import os
import select
import socket
import time
from typing import NamedTuple

import wsfast
from samples import sample

REQUEST = (
    b"GET / HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
TICK = 1 / os.sysconf("SC_CLK_TCK")  # seconds


class Load(NamedTuple):
    """What a load came to: messages a second, and seconds from a batch to its echo."""

    rate: float
    busy: float  # of the server's process, 1.0 is all of one CPU
    client_busy: float
    latencies: list[float]


def connect(port: int) -> socket.socket:
    """Connect to the server and make the opening handshake."""
    sock = socket.create_connection(("127.0.0.1", port), timeout=10.0)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.sendall(REQUEST % port)
    head = b""
    while not head.endswith(b"\r\n\r\n"):  # nothing follows it: the server speaks when spoken to
        head += sock.recv(4096)
    if not head.startswith(b"HTTP/1.1 101 "):
        raise ConnectionError(f"the server refused: {head!r:.200}")
    return sock


class Link:
    """One connection: what is still to be sent, and what has come of the next echo."""

    def __init__(self, port: int, wire: bytes, echo: bytes, poll: select.epoll) -> None:
        self._sock = connect(port)
        self._sock.setblocking(False)
        self._wire, self._echo = memoryview(wire), echo
        self._unsent = memoryview(b"")
        self._buffer = bytearray(len(echo))
        self._got = 0
        self._poll = poll
        self._writing = False
        self.number = self._sock.fileno()
        self.ahead = 0
        self.sent_at = 0.0
        poll.register(self.number, select.EPOLLIN)

    def begin(self) -> None:
        """Send one more batch, as far as the socket takes it."""
        self.ahead += 1
        self.sent_at = time.perf_counter()
        behind = bytes(self._unsent)
        self._unsent = memoryview(behind + self._wire) if behind else self._wire
        self.send()

    def send(self) -> None:
        """Send what is left, and wait for room if it is too much."""
        try:
            while self._unsent:
                self._unsent = self._unsent[self._sock.send(self._unsent) :]
        except BlockingIOError:
            pass
        if self._writing != bool(self._unsent):
            self._writing = not self._writing
            events = select.EPOLLIN | (select.EPOLLOUT if self._writing else 0)
            self._poll.modify(self.number, events)

    def receive(self) -> bool:
        """Receive what there is; return whether that completes the echo of a batch."""
        got = self._sock.recv_into(memoryview(self._buffer)[self._got :])
        if not got:
            raise ConnectionError("the server hung up")
        self._got += got
        if self._got < len(self._buffer):
            return False
        if self._buffer != self._echo:
            raise AssertionError("what came back is not what was sent")
        self._got = 0
        self.ahead -= 1
        return True

    def close(self) -> None:
        """Make the closing handshake, so that no server has an error to report."""
        self._sock.settimeout(5.0)
        self._sock.sendall(wsfast.encode_frame(8, b"\x03\xe8", masking_key=b"\0\0\0\0"))
        while self._sock.recv(65_536):
            pass
        self._sock.close()


def cpu_seconds(pid: int) -> float:
    """Return how long a process has run on a CPU."""
    with open(f"/proc/{pid}/stat", "rb") as file:
        fields = file.read().rpartition(b")")[2].split()
    return (int(fields[11]) + int(fields[12])) * TICK


def frames(size: int, batch: int, alphabet: str = "ascii") -> tuple[bytes, bytes]:
    """Return a batch of masked text frames, and what a server makes of it."""
    payload = sample(alphabet, size)
    wire = b"".join(
        wsfast.encode_frame(wsfast.Opcode.TEXT, payload, masking_key=wsfast.new_masking_key())
        for _ in range(batch)
    )
    return wire, wsfast.encode_frame(wsfast.Opcode.TEXT, payload) * batch


def run(
    port: int, pid: int, size: int, connections: int, batch: int, ahead: int, seconds: float
) -> Load:
    """Load a server for some seconds.

    Args:
        port, pid: of the server.
        size: of payload in a message.
        connections: how many.
        batch: how many messages are sent at once.
        ahead: how many batches a connection has on their way.  With one batch of one
            message, the client waits for each echo.
        seconds: how long, after a warm-up of a fifth of that.
    """
    wire, echo = frames(size, batch)
    with select.epoll() as poll:
        made = [Link(port, wire, echo, poll) for _ in range(connections)]
        links = {link.number: link for link in made}
        for link in made * ahead:
            link.begin()
        _drive(poll, links, seconds / 5)
        cpu, own, start = cpu_seconds(pid), time.process_time(), time.perf_counter()
        latencies = _drive(poll, links, seconds)
        took = time.perf_counter() - start
        busy = (cpu_seconds(pid) - cpu) / took
        own = (time.process_time() - own) / took
        _drive(poll, links, 0.0)
        for link in made:
            link.close()
    return Load(len(latencies) * batch / took, busy, own, latencies)


def _drive(poll: select.epoll, links: dict[int, Link], seconds: float) -> list[float]:
    """Keep the batches going, or with no seconds wait for the last; return the times taken."""
    latencies = []
    over = time.perf_counter() + seconds
    while time.perf_counter() < over or (not seconds and any(x.ahead for x in links.values())):
        events = poll.poll(5.0)
        if not events:
            raise TimeoutError("the server has been silent for 5 seconds")
        for number, event in events:
            link = links[number]
            if event & select.EPOLLOUT:
                link.send()
            if event & select.EPOLLIN and link.receive():
                latencies.append(time.perf_counter() - link.sent_at)
                if seconds:
                    link.begin()
    return latencies
