"""A server that fails in every way that a client can meet, byte for byte.

Invariant: nothing here calls wsfast or a WebSocket library, so what a client raises is its own
answer to these bytes.  A server runs in one thread and is gone, with its sockets, after the
``with``.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import socket
import ssl
import struct
import sys
import threading
from collections.abc import Callable, Iterator
from typing import NamedTuple

SECONDS = 20.0  # after this long without a byte a connection is given up
SILENCE = 1.0  # how long the server leaves a request without an answer; longer than a client waits
HOST = "127.0.0.1"
# What Engine.IO and Socket.IO need before a client counts itself connected.
ENGINE_OPEN = (
    b'0{"sid":"a","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}'
)
NAMESPACE_OPEN = b'40{"sid":"b"}'

Step = Callable[[socket.socket], None]


def text(payload: bytes) -> bytes:
    """Write the frame of a short text message, not masked."""
    return bytes((0x81, len(payload))) + payload


def close_frame(code: int | None) -> bytes:
    payload = b"" if code is None else code.to_bytes(2, "big")
    return bytes((0x88, len(payload))) + payload


def read_request(sock: socket.socket) -> bytes:
    """Read up to the empty line; shorter if the client hangs up before."""
    head = b""
    while b"\r\n\r\n" not in head:
        more = sock.recv(65536)
        if not more:
            break
        head += more
    return head


def shake_hands(sock: socket.socket) -> bytes:
    """Take the opening handshake; return the request."""
    head = read_request(sock)
    (key,) = (
        line.split(b":", 1)[1].strip()
        for line in head.split(b"\r\n")
        if line.lower().startswith(b"sec-websocket-key:")
    )
    digest = hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
    sock.sendall(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + base64.b64encode(digest) + b"\r\n\r\n"
    )
    return head


def accept(sock: socket.socket) -> bool:
    """Take the opening handshake and the client's first message; tell if that is Socket.IO.

    The message, because simple-websocket does not look at frames that come in one read with
    the answer to its handshake.
    """
    socket_io = shake_hands(sock).startswith(b"GET /socket.io/")
    if socket_io:
        sock.sendall(text(ENGINE_OPEN))
        sock.recv(65536)  # the client joins the namespace
        sock.sendall(text(NAMESPACE_OPEN))
    sock.recv(65536)
    return socket_io


def hang_up(sock: socket.socket) -> None:
    """Close without an answer to the request."""
    read_request(sock)


def reset(sock: socket.socket) -> None:
    """Reset the connection in place of an answer."""
    read_request(sock)
    linger_not(sock)


def cut_short(sock: socket.socket) -> None:
    """Close inside the head of the answer."""
    read_request(sock)
    sock.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgr")


def answer(status: int, *fields: bytes) -> Step:
    """Refuse the handshake with an HTTP status."""

    def step(sock: socket.socket) -> None:
        read_request(sock)
        lines = (b"HTTP/1.1 %d Answer" % status, b"Content-Length: 0", b"Connection: close")
        sock.sendall(b"\r\n".join((*lines, *fields, b"", b"")))

    return step


def close(code: int | None) -> Step:
    """Open, then close with a code, and wait for the client's reply."""

    def step(sock: socket.socket) -> None:
        accept(sock)
        sock.sendall(close_frame(code))
        sock.recv(65536)

    return step


def drop(sock: socket.socket) -> None:
    """Open, then close the TCP connection without a close frame."""
    accept(sock)


def break_off(sock: socket.socket) -> None:
    """Open, then reset the connection."""
    accept(sock)
    linger_not(sock)


def send(frame: bytes) -> Step:
    """Open, send a frame at once and wait until the client goes or replies."""

    def step(sock: socket.socket) -> None:
        shake_hands(sock)
        sock.sendall(frame)
        sock.recv(65536)

    return step


def greet(sock: socket.socket) -> None:
    """Open, send one message and wait until the client goes."""
    sock.sendall(text(b'42["hello"]' if accept(sock) else b"hello"))
    sock.recv(65536)


def say_nothing(sock: socket.socket) -> None:
    """Take the request and answer with nothing, for longer than the client waits."""
    read_request(sock)
    sock.settimeout(SILENCE)  # some clients wait as long as the server does
    sock.recv(65536)


def stay_silent(sock: socket.socket) -> None:
    """Open, and never send a message."""
    accept(sock)
    sock.settimeout(SILENCE)
    sock.recv(65536)


def hang_up_on_tls(sock: socket.socket) -> None:
    """Close in place of an answer to the hello of TLS."""
    sock.recv(65536)


def http_only(sock: socket.socket) -> None:
    """Answer whatever comes, a TLS hello too, as a plain HTTP server does."""
    sock.recv(65536)
    sock.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")


def linger_not(sock: socket.socket) -> None:
    """Have the next ``close`` send a reset."""
    sock.setsockopt(
        socket.SOL_SOCKET,
        socket.SO_LINGER,
        struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0),
    )


class Server:
    """A listener that plays one step per connection; the last step again and again."""

    def __init__(
        self,
        *steps: Step,
        tls: ssl.SSLContext | None = None,
        refuse: bool = False,
        seconds: float = SECONDS,
    ):
        self._steps = steps
        self._seconds = seconds
        self._tls = tls
        self.connections = 0
        self._socket = socket.create_server((HOST, 0)) if not refuse else bound()
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)
        self._ends = threading.Event()
        if not refuse:
            self._thread.start()

    def listen(self) -> None:
        """Begin to accept, where connections were refused up to now."""
        self._socket.listen()
        self._thread.start()

    def _serve(self) -> None:
        while True:
            sock = self._socket.accept()[0]
            if self._ends.is_set():
                sock.close()
                return
            step = self._steps[min(self.connections, len(self._steps) - 1)]
            self.connections += 1
            # The client may go at any time: that is what some of the tests are about.
            with contextlib.suppress(OSError), closed(sock):
                sock.settimeout(self._seconds)
                if self._tls is not None:
                    sock = self._tls.wrap_socket(sock, server_side=True)
                with closed(sock):
                    step(sock)

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.set()
        if self._thread.is_alive():
            with contextlib.suppress(OSError):
                socket.create_connection((HOST, self.port), SECONDS).close()
            self._thread.join(2 * SECONDS)
            assert not self._thread.is_alive(), "a client did not close its connection"
        self._socket.close()


@contextlib.contextmanager
def closed(sock: socket.socket) -> Iterator[None]:
    try:
        yield
    finally:
        sock.close()


def bound() -> socket.socket:
    """Return a socket whose port refuses connections, and that nobody else can take."""
    sock = socket.socket()
    sock.bind((HOST, 0))
    return sock


class Target(NamedTuple):
    """Where a client connects, and how long it waits."""

    host: str
    port: int
    tls: ssl.SSLContext | None = None
    seconds: float = SECONDS

    def url(self, scheme: str = "ws") -> str:
        return f"{scheme}{'s' if self.tls else ''}://{self.host}:{self.port}/"
