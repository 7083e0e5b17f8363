"""A client for WebSocket (RFC 6455) that sends back whatever it receives.

    python examples/echo_client.py ws://127.0.0.1:9001/
    python examples/echo_client.py ws://127.0.0.1:8765/ --say "Grüße"

``websockets`` writes the opening handshake (section 4); after that a ``wsfast.Connection``
takes what arrives and returns what to send.

Invariant: ends when the server has closed TCP, or ``CLOSING_TIMEOUT`` after both close
frames (section 7.1.1).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
from collections.abc import Callable

from websockets.client import ClientProtocol
from websockets.exceptions import WebSocketException
from websockets.http11 import Response
from websockets.uri import parse_uri

import wsfast

CLOSING_TIMEOUT = 5.0  # seconds that the server has to close TCP
READ = 65_536  # bytes


class Client:
    """One connection; ``async with Client(url) as client:`` opens it and closes it."""

    def __init__(
        self,
        url: str,
        *,
        compression: wsfast.PerMessageDeflate | None = None,
        max_message_size: int = 2**20,
    ) -> None:
        self._uri = parse_uri(url)
        if self._uri.secure:
            raise ValueError(f"this example speaks ws: only, not {url}")
        self._compression = compression
        self._max_message_size = max_message_size

    async def __aenter__(self) -> Client:
        self._reader, self._writer = await asyncio.open_connection(self._uri.host, self._uri.port)
        try:
            await self._shake_hands()
        except BaseException:
            self._writer.close()
            raise
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        self.connection.close(1000)
        await self.run(lambda event: None)

    async def _shake_hands(self) -> None:
        """Send the request, take the answer, and agree on compression."""
        handshake = ClientProtocol(self._uri)
        request = handshake.connect()
        if self._compression is not None:
            request.headers["Sec-WebSocket-Extensions"] = self._compression.offer()
        handshake.send_request(request)
        self._writer.writelines(handshake.data_to_send())
        head = await self._reader.readuntil(b"\r\n\r\n")
        # What follows are frames: not for it.  Nor is the extension, which is ours.
        lines = [line for line in head.split(b"\r\n") if not _names_extensions(line)]
        handshake.receive_data(b"\r\n".join(lines))
        response = next(iter(handshake.events_received()), None)
        if handshake.handshake_exc is not None or not isinstance(response, Response):
            raise handshake.handshake_exc or ConnectionError("no answer to the handshake")
        chosen = [
            line.partition(b":")[2] for line in head.split(b"\r\n") if _names_extensions(line)
        ]
        deflate = None
        if self._compression is not None:
            deflate = self._compression.accept(b", ".join(chosen).decode("latin-1"))
        self.connection = wsfast.Connection(
            "client", deflate=deflate, max_message_size=self._max_message_size
        )

    async def run(self, take: Callable[[object], None]) -> wsfast.Closure | None:
        """Take events until the connection is over; return how it ended."""
        connection = self.connection
        await self._flush()
        try:
            while not connection.should_disconnect:
                limit = CLOSING_TIMEOUT if connection.write_eof else None
                data = await asyncio.wait_for(self._reader.read(READ), limit)
                if not data:
                    connection.receive_eof()
                try:
                    for event in connection.receive(data):
                        take(event)
                except wsfast.ProtocolViolation as violation:
                    take(violation)
                await self._flush()
        except (TimeoutError, ConnectionError):
            connection.receive_eof()
        self._writer.close()
        return connection.closure

    async def _flush(self) -> None:
        if data := self.connection.data_to_send():
            self._writer.write(data)
            await self._writer.drain()


def _names_extensions(line: bytes) -> bool:
    return line.lower().startswith(b"sec-websocket-extensions:")


async def echo(client: Client, say: str | None, show: Callable[[object], None]) -> None:
    """Send back each message; with something to say, say it and close after the answer."""
    connection = client.connection

    def take(event: object) -> None:
        show(event)
        # What came in one read with a close frame is answered too, unless it was closed here.
        with contextlib.suppress(wsfast.NotOpen):
            if say is not None and isinstance(event, (wsfast.Text, wsfast.Binary)):
                connection.close(1000)
            elif isinstance(event, wsfast.Text):
                connection.send_text(event.data)
            elif isinstance(event, wsfast.Binary):
                connection.send_binary(event.data)

    if say is not None:
        connection.send_text(say)
    show(await client.run(take))


async def _main(arguments: argparse.Namespace) -> None:
    compression = wsfast.PerMessageDeflate("client") if arguments.compress else None
    limit = arguments.max_message_size
    async with Client(arguments.url, compression=compression, max_message_size=limit) as client:
        await echo(client, arguments.say, (lambda event: None) if arguments.quiet else _print)


def _print(event: object) -> None:
    print(f"{event!r:.200}")


def main() -> None:
    """Connect, and echo until the server closes."""
    parser = argparse.ArgumentParser(description="WebSocket echo client on wsfast")
    parser.add_argument("url")
    parser.add_argument("--say", metavar="TEXT", help="send this, print the answer, and close")
    parser.add_argument("--max-message-size", default=2**20, type=int, metavar="BYTES")
    parser.add_argument("--compress", action="store_true", help="offer permessage-deflate")
    parser.add_argument("--quiet", action="store_true", help="do not print each event")
    arguments = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        try:
            asyncio.run(_main(arguments))
        except (OSError, EOFError, WebSocketException) as error:
            sys.exit(f"no connection to {arguments.url}: {error}")


if __name__ == "__main__":
    main()
