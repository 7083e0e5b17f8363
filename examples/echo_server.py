"""An echo server for WebSocket (RFC 6455): asyncio moves the bytes, wsfast does the rest.

    python examples/echo_server.py --port 8765

``websockets`` answers the opening handshake (section 4); after that a ``wsfast.Connection``
takes what arrives and returns what to send.

Invariant: the connection is closed with the code and the reason of the violation, or with
the code that the client sent.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
from collections.abc import Callable
from typing import TypeAlias, cast

from websockets.http11 import Request
from websockets.protocol import State
from websockets.server import ServerProtocol

import wsfast

Event: TypeAlias = (
    wsfast.Text[str]
    | wsfast.Binary
    | wsfast.Ping
    | wsfast.Pong
    | wsfast.Close
    | wsfast.ProtocolViolation
)

MAX_REQUEST = 65_536  # bytes of the opening handshake
READ = 65_536  # bytes received at a time, at most: more makes writes that sockets do not take
CLOSING_TIMEOUT = 5.0  # seconds that the client has to close its side


class Observer:
    """See what a server sees: derive from it and override."""

    def received(self, data: bytes | memoryview) -> None:
        """Take note of bytes from the wire, before they are decoded."""

    def decoded(self, event: Event) -> None:
        """Take note of a message, a control frame or a violation."""


class EchoConnection(asyncio.BufferedProtocol):
    """Serve one client: the handshake, then each message back to where it came from.

    All connections receive into one buffer: asyncio calls ``get_buffer``, reads, and calls
    ``buffer_updated`` before it turns to another connection, and nothing is kept of it.
    """

    _buffer = memoryview(bytearray(READ))

    def __init__(self, server: EchoServer) -> None:
        self._server = server
        self._request = bytearray()
        self._connection: wsfast.Connection | None = None
        self._deadline: asyncio.TimerHandle | None = None  # once the closing has begun

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._server.connections.add(self)

    def eof_received(self) -> bool:
        if self._connection is None:
            return False
        self._connection.receive_eof()
        self._flush(self._connection)
        return not self._connection.should_disconnect

    def connection_lost(self, exc: Exception | None) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._server.connections.discard(self)

    def pause_writing(self) -> None:
        self._transport.pause_reading()  # a client that doesn't read isn't listened to

    def resume_writing(self) -> None:
        self._transport.resume_reading()

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        data: bytes | memoryview = self._buffer[:nbytes]
        if self._connection is None:
            data = self._shake_hands(bytes(data))
        if self._connection is not None and data:
            self._echo(self._connection, data)

    # The opening handshake.

    def _shake_hands(self, data: bytes) -> bytes:
        """Answer the request once it is whole; return the bytes that come after it."""
        self._request += data
        end = self._request.find(b"\r\n\r\n") + 4
        if end < 4:
            if len(self._request) > MAX_REQUEST:
                self._transport.abort()
            return b""
        handshake = ServerProtocol()
        handshake.receive_data(bytes(self._request[:end]))
        if request := next(iter(handshake.events_received()), None):
            assert isinstance(request, Request)
            response = handshake.accept(request)
            deflate = None
            if response.status_code == 101 and self._server.compression is not None:
                offers = ", ".join(request.headers.get_all("Sec-WebSocket-Extensions"))
                if agreed := self._server.compression.respond(offers):
                    response.headers["Sec-WebSocket-Extensions"], deflate = agreed
            handshake.send_response(response)
            if handshake.state is State.OPEN:
                self._connection = wsfast.Connection(
                    "server", deflate=deflate, max_message_size=self._server.max_message_size
                )
        self._transport.write(b"".join(handshake.data_to_send()))
        if self._connection is None:
            self._transport.close()
        return bytes(self._request[end:])

    # After it.

    def _echo(self, connection: wsfast.Connection, data: bytes | memoryview) -> None:
        observer = self._server.observer
        if observer is not None:
            observer.received(data)
        try:
            for event in connection.receive(data):
                if observer is not None:
                    observer.decoded(event)
                try:
                    if type(event) is wsfast.Text:
                        connection.send_text(event.data)
                    elif type(event) is wsfast.Binary:
                        connection.send_binary(event.data)
                except wsfast.NotOpen:
                    continue  # a close frame was sent: nothing can follow it
        except wsfast.ProtocolViolation as violation:
            if observer is not None:
                observer.decoded(violation)
        self._flush(connection)

    def _flush(self, connection: wsfast.Connection) -> None:
        """Write what is to be written, and do what it says about TCP."""
        if data := connection.data_to_send():
            self._transport.write(data)
        if not connection.write_eof:
            return
        if connection.should_disconnect:
            self._transport.close()
        elif self._deadline is None:
            # What the client sent until it knows must still be read, or the connection
            # is reset and the close frame may be lost.
            if self._transport.can_write_eof():
                self._transport.write_eof()
            loop = asyncio.get_running_loop()
            self._deadline = loop.call_later(CLOSING_TIMEOUT, self._transport.abort)

    def close(self, code: int, reason: str = "") -> None:
        """Begin the closing handshake, unless it has begun."""
        if self._connection is None:
            self._transport.abort()
        elif not self._connection.write_eof:
            self._connection.close(code, reason)
            self._flush(self._connection)


class EchoServer:
    """Listen, and keep track of who is connected.

    ``async with EchoServer() as server:`` listens on a free port of the loopback
    interface; at the end clients are told that the server is going away.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        observer: Observer | None = None,
        *,
        compression: wsfast.PerMessageDeflate | None = None,
        max_message_size: int = 2**20,
    ) -> None:
        self.host = host
        self.port = port
        self.compression = compression
        self.max_message_size = max_message_size
        self.observer = observer
        self.connections: set[EchoConnection] = set()

    async def __aenter__(self) -> EchoServer:
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(
            lambda: EchoConnection(self), self.host, self.port
        )
        self.port = self._listener.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        self.go_away("server is shutting down")
        self._listener.close()
        deadline = asyncio.get_running_loop().time() + CLOSING_TIMEOUT
        while self.connections and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(0.01)
        await self._listener.wait_closed()

    def go_away(self, reason: str) -> None:
        """Close every connection with 1001 (RFC 6455 section 7.4.1)."""
        for connection in list(self.connections):
            connection.close(wsfast.CloseCode.GOING_AWAY, reason)


class Narrator(Observer):
    """Print each event."""

    def __init__(self, say: Callable[[str], None] = print) -> None:
        self._say = say

    def decoded(self, event: Event) -> None:
        if isinstance(event, wsfast.ProtocolViolation):
            self._say(f"violation, closing with {event.close_code}: {event}")
        else:
            self._say(f"{event!r:.100}")


async def _serve(server: EchoServer) -> None:
    async with server:
        runs = wsfast.backend()
        print(
            f"ws://{server.host}:{server.port} ({runs.name} {runs.kernel}), Ctrl-C to stop",
            flush=True,
        )
        await asyncio.Event().wait()


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description="WebSocket echo server on wsfast")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", default=8765, type=int)
    parser.add_argument("--max-message-size", default=2**20, type=int, metavar="BYTES")
    parser.add_argument("--compress", action="store_true", help="agree on permessage-deflate")
    parser.add_argument("--quiet", action="store_true", help="do not print each event")
    arguments = parser.parse_args()
    server = EchoServer(
        arguments.host,
        arguments.port,
        None if arguments.quiet else Narrator(),
        compression=wsfast.PerMessageDeflate("server") if arguments.compress else None,
        max_message_size=arguments.max_message_size,
    )
    with contextlib.suppress(KeyboardInterrupt):
        try:
            asyncio.run(_serve(server))
        except (OSError, OverflowError) as error:
            sys.exit(f"can't listen on {arguments.host}:{arguments.port}: {error}")


if __name__ == "__main__":
    main()
