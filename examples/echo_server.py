"""An echo server for WebSocket (RFC 6455) whose wire is wsfast's from the handshake on.

    python examples/echo_server.py --port 8765

``websockets`` answers the opening handshake (section 4).  After that what arrives goes
through ``wsfast.MessageDecoder`` and what leaves comes from ``wsfast.encode_frame``.

Invariant: the connection is closed with the code and the reason of the violation that
the decoder found, or with the code that the client sent.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
from collections.abc import Callable
from typing import TypeAlias

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

MAX_REQUEST = 65_536  # octets of the opening handshake
CLOSING_TIMEOUT = 5.0  # seconds that the client has to close its side


class Observer:
    """See what a server sees: derive from it and override."""

    def received(self, octets: bytes) -> None:
        """Take note of octets from the wire, before they are decoded."""

    def decoded(self, event: Event) -> None:
        """Take note of a message, a control frame or a violation."""


class EchoConnection(asyncio.Protocol):
    """Serve one client: the handshake, then each message back to where it came from."""

    def __init__(self, server: EchoServer) -> None:
        self._server = server
        self._request = bytearray()
        self._open = False
        self._closing = False
        self._decoder = wsfast.MessageDecoder("server")

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._server.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._server.connections.discard(self)

    def pause_writing(self) -> None:
        self._transport.pause_reading()  # a client that doesn't read isn't listened to

    def resume_writing(self) -> None:
        self._transport.resume_reading()

    def data_received(self, data: bytes) -> None:
        if not self._open:
            data = self._shake_hands(data)
        if data and self._open and not self._closing:
            self._take(data)

    # The opening handshake.

    def _shake_hands(self, data: bytes) -> bytes:
        """Answer the request once it is whole; return the octets that come after it."""
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
            handshake.send_response(handshake.accept(request))
        self._transport.write(b"".join(handshake.data_to_send()))
        if handshake.state is not State.OPEN:
            self._transport.close()
            return b""
        self._open = True
        return bytes(self._request[end:])

    # Frames.

    def _take(self, data: bytes) -> None:
        self._server.observer.received(data)
        try:
            for event in self._decoder.feed(data):
                self._server.observer.decoded(event)
                self._answer(event)
        except wsfast.ProtocolViolation as violation:
            self._server.observer.decoded(violation)
            self._close_with(violation.close_frame())

    def _answer(self, event: Event) -> None:
        write = self._transport.write
        match event:
            case wsfast.Text(text):
                write(wsfast.encode_frame(wsfast.Opcode.TEXT, text))
            case wsfast.Binary(octets):
                write(wsfast.encode_frame(wsfast.Opcode.BINARY, octets))
            case wsfast.Ping(octets):
                write(wsfast.encode_frame(wsfast.Opcode.PONG, octets))
            case wsfast.Close(wsfast.CloseCode.NO_STATUS_RCVD):
                self._close_with(wsfast.encode_frame(wsfast.Opcode.CLOSE, b""))
            case wsfast.Close(code, reason):
                self.close(code, reason)

    def close(self, code: int, reason: str = "") -> None:
        """Send a close frame, unless one was sent, and hang up."""
        if not self._open:
            self._transport.abort()
        elif not self._closing:
            payload = wsfast.encode_close(code, reason)
            self._close_with(wsfast.encode_frame(wsfast.Opcode.CLOSE, payload))

    def _close_with(self, frame: bytes) -> None:
        # To close the socket while there is unread input would reset the connection, and
        # the client might lose the close frame.  So only our half is closed for now.
        self._closing = True
        self._transport.write(frame)
        self._transport.write_eof()
        asyncio.get_running_loop().call_later(CLOSING_TIMEOUT, self._transport.abort)


class EchoServer:
    """Listen, and keep track of who is connected.

    ``async with EchoServer() as server:`` listens on a free port of the loopback
    interface; at the end clients are told that the server is going away.
    """

    def __init__(
        self, host: str = "127.0.0.1", port: int = 0, observer: Observer | None = None
    ) -> None:
        self.host = host
        self.port = port
        self.observer = observer or Observer()
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


async def _serve(host: str, port: int) -> None:
    async with EchoServer(host, port, Narrator()) as server:
        runs = wsfast.backend()
        print(f"ws://{server.host}:{server.port} ({runs.name} {runs.kernel}), Ctrl-C to stop")
        await asyncio.Event().wait()


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description="WebSocket echo server on wsfast")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", default=8765, type=int)
    arguments = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(arguments.host, arguments.port))


if __name__ == "__main__":
    main()
