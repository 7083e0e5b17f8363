"""uvicorn on a loopback socket, with a protocol of its own or with ours, and a plain client.

Invariant: a server runs in a thread and an event loop of its own, and is gone after the
``with``; its clients call neither wsfast's codecs nor those of a library.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import logging
import queue
import socket
import ssl
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, NamedTuple

import pytest
import uvicorn

from helpers import BINARY, header
from loopback import SECONDS, End
from wsfast.adapters.uvicorn import WebSocketProtocol

OURS = "wsfast.adapters.uvicorn:WebSocketProtocol"
SANSIO = "websockets-sansio"
KEY = b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
USUAL = (
    b"Host: localhost",
    b"Upgrade: websocket",
    b"Connection: Upgrade",
    b"Sec-WebSocket-Version: 13",
    KEY,
)

CLOSED = b"\x03\xe8"
TEXTS = ["", "plain", "größer", "日本語" * 700, "🙂" * 20_000, "x" * (1 << 20)]
DEFLATE = (*USUAL, b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits")

both = pytest.mark.parametrize("ws", [OURS, SANSIO], ids=["wsfast", "sansio"])
loops = pytest.mark.parametrize(
    "loop",
    [
        "asyncio",
        pytest.param(
            "uvloop",
            marks=pytest.mark.skipif(
                importlib.util.find_spec("uvloop") is None, reason="uvloop is not installed"
            ),
        ),
    ],
)
REASONS = {
    "at once": "invalid UTF-8 at byte 3: C3, a continuation byte is missing",
    "in a later fragment": "invalid UTF-8 at byte 3: C3, a continuation byte is missing",
    "cut short": "invalid UTF-8 at byte 3: C3, the text ends inside a character",
}

App = Callable[[Any, Any, Any], Awaitable[Any]]


class Client(End):
    """A client that sends the request it is told to, and keeps the response."""

    head: list[bytes]

    def __init__(self, sock: socket.socket, request: bytes) -> None:
        self._request = request
        super().__init__(sock, client=True)

    def _shake_hands(self) -> None:
        self._sock.sendall(self._request)
        self.head = self._head()

    @property
    def status(self) -> int:
        return int(self.head[0].split()[1])

    def header(self, name: str) -> str | None:
        """Return the values of a header, joined; ``None`` if there is none."""
        found = [
            value.strip().decode("latin-1")
            for line in self.head[1:]
            for key, _, value in [line.partition(b":")]
            if key.decode().lower() == name
        ]
        return ", ".join(found) if found else None

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self._sock.sendall(data)

    def hear_rsv1(self) -> tuple[int, bytes, bool]:
        """Return the next frame, which is not fragmented, and whether RSV1 is set."""
        begin = self._received.read(2)
        length = begin[1] & 0x7F
        if length > 125:
            length = int.from_bytes(self._received.read(2 if length == 126 else 8), "big")
        return begin[0] & 0x0F, self._received.read(length), bool(begin[0] & 0x40)

    def rest(self) -> bytes:
        """Return what comes until the end of the stream."""
        return self._received.read()

    @property
    def socket(self) -> socket.socket:
        return self._sock


class Served(NamedTuple):
    """A server that runs."""

    port: int | str  # or the path of a Unix socket
    server: uvicorn.Server
    told: queue.SimpleQueue[Any]  # what applications put there, for tests to see

    @contextlib.contextmanager
    def client(
        self,
        line: bytes = b"GET / HTTP/1.1",
        headers: tuple[bytes, ...] = USUAL,
        context: ssl.SSLContext | None = None,
    ) -> Iterator[Client]:
        """Connect, with TLS if there is a context for it, and send a request."""
        request = b"\r\n".join((line, *headers)) + b"\r\n\r\n"
        if isinstance(self.port, str):
            sock = socket.socket(socket.AF_UNIX)
            sock.connect(self.port)
        else:
            sock = socket.create_connection(("127.0.0.1", self.port), SECONDS)
        if context is not None:
            sock = context.wrap_socket(sock, server_hostname="localhost")
        client = Client(sock, request)
        try:
            yield client
        finally:
            client.hang_up()

    def next(self) -> Any:
        """Return what an application put next."""
        return self.told.get(timeout=SECONDS)


@contextlib.contextmanager
def served(
    make: Callable[[Served], App], ws: Any = OURS, path: str | None = None, **options: Any
) -> Iterator[Served]:
    """Run an application on uvicorn.

    Args:
        make: makes the application; it is given what this gives.
        ws: which protocol: a name, or a class.
        path: of a Unix socket, to listen there and not on the loopback interface.
        options: those of ``uvicorn.Config``.
    """
    if path is None:
        listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    else:
        listener = socket.create_server(path, family=socket.AF_UNIX)
    running: Served | None = None

    async def main(scope: Any, receive: Any, send: Any) -> Any:
        assert running is not None
        return await make(running)(scope, receive, send)

    options = {"app": main, "log_config": None, "lifespan": "off", "http": "h11", **options}
    # Names of classes are known to the configuration from uvicorn 0.36 on.
    protocol: Any = WebSocketProtocol if ws == OURS else ws
    server = uvicorn.Server(uvicorn.Config(ws=protocol, **options))
    running = Served(path or listener.getsockname()[1], server, queue.SimpleQueue())
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    over = time.monotonic() + SECONDS
    while not server.started:
        assert thread.is_alive()
        assert time.monotonic() < over
        time.sleep(0.005)
    try:
        yield running
    finally:
        server.should_exit = True
        thread.join(SECONDS)
        listener.close()
        assert not thread.is_alive()


def echo(running: Served) -> App:
    """Accept, echo, and tell the last event."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert await receive() == {"type": "websocket.connect"}
        await send({"type": "websocket.accept"})
        while (event := await receive())["type"] == "websocket.receive":
            await send({**event, "type": "websocket.send"})
        running.told.put(event)

    return app


def does(action: Callable[[Any, Any, Served], Awaitable[Any]]) -> Callable[[Served], App]:
    """Return an application that takes the first event, and then does something.

    What it returns or raises is told.
    """

    def make(running: Served) -> App:
        async def app(scope: Any, receive: Any, send: Any) -> Any:
            assert await receive() == {"type": "websocket.connect"}
            try:
                result = await action(receive, send, running)
            except Exception as error:
                running.told.put(error)
                raise
            running.told.put(result)
            return result

        return app

    return make


def accepted(action: Callable[[Any, Any, Served], Awaitable[Any]]) -> Callable[[Served], App]:
    """Return an application that accepts, and then does something."""

    async def accept_first(receive: Any, send: Any, running: Served) -> Any:
        await send({"type": "websocket.accept"})
        return await action(receive, send, running)

    return does(accept_first)


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that another thread makes true."""
    async with asyncio.timeout(SECONDS):
        while not condition():
            await asyncio.sleep(0.005)


def unmasked(payload: bytes) -> bytes:
    """Return a frame masked with zeros: made sooner than others where there are megabytes."""
    return header(0x80 | BINARY, len(payload), key=bytes(4)) + payload


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Have the log, and find nothing in it that must not be; a fixture, where it is imported."""
    caplog.set_level(logging.INFO, "uvicorn.error")
    yield
    never = [line for line in caplog.messages if "never retrieved" in line]
    assert not never
