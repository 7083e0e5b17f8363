"""Our end of a connection over a socket, at either side, through the codec under test.

Invariant: it sends in random fragments, with pings between them, and in random writes; it
receives in random reads, through ``feed`` or through the buffer.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from random import Random
from types import SimpleNamespace
from typing import Any

from websockets.client import ClientProtocol
from websockets.datastructures import Headers
from websockets.extensions import Extension
from websockets.http11 import Request
from websockets.protocol import State
from websockets.server import ServerProtocol
from websockets.uri import parse_uri

import wsfast
from traffic import Message, cut, fragments

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
READS = [1, 2, 3, 14, 100, 1000, 65_536, 65_536, 65_536, 65_536]
AHEAD = 64  # messages that may be on their way
EXTENSIONS = "Sec-WebSocket-Extensions"


def some_deflate(rng: Random, role: str) -> wsfast.PerMessageDeflate:
    """Want permessage-deflate with random parameters (RFC 7692 section 7.1)."""
    return wsfast.PerMessageDeflate(
        "client" if role == "client" else "server",
        server_no_context_takeover=rng.random() < 0.3,
        client_no_context_takeover=rng.random() < 0.3,
        server_max_window_bits=rng.choice((None, None, 9, 12)),
        client_max_window_bits=rng.choice((None, None, 9, 12, 15)),
        threshold=rng.choice((0, 32, 1000)),
    )


class Client(ClientProtocol):
    """The opening handshake of ``websockets``, but the extensions are ours."""

    answer: str | None = None

    def process_extensions(self, headers: Headers) -> list[Extension]:
        self.answer = ", ".join(headers.get_all(EXTENSIONS)) or None
        return []


class Endpoint:
    """Talk to a peer that sends back each message; ``events`` is what it has sent else."""

    def __init__(
        self,
        codec: SimpleNamespace,
        role: str,
        streams: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        rng: Random,
        compress: bool,
        ping_inside: bool,
    ) -> None:
        self._codec = codec
        self._role = role
        self._reader, self._writer = streams
        self._rng = rng
        self._ping_inside = ping_inside
        self._wanted = some_deflate(rng, role) if compress else None
        self._deflate: wsfast.Deflate | None = None
        self._buffered = rng.random() < 0.5
        self._expected: deque[Message] = deque()
        self._pings: deque[bytes] = deque()
        self._room = asyncio.Semaphore(AHEAD)
        self._pinged = self._echoes = 0

    async def shake_hands(self) -> None:
        """Make or answer the opening handshake."""
        await (self._ask() if self._role == "client" else self._accept())
        assert (self._deflate is None) == (self._wanted is None), "compression was not agreed on"
        self._decoder = self._codec.MessageDecoder(self._role, deflate=self._deflate)

    async def _ask(self) -> None:
        client = Client(parse_uri("ws://127.0.0.1/"))
        request = client.connect()
        if self._wanted is not None:
            request.headers[EXTENSIONS] = self._wanted.offer()
        client.send_request(request)
        self._writer.write(b"".join(client.data_to_send()))
        client.receive_data(await self._reader.readuntil(b"\r\n\r\n"))
        assert client.state is State.OPEN, client.handshake_exc
        if self._wanted is not None:
            self._deflate = self._wanted.accept(client.answer)

    async def _accept(self) -> None:
        server = ServerProtocol()
        server.receive_data(await self._reader.readuntil(b"\r\n\r\n"))
        (request,) = server.events_received()
        assert isinstance(request, Request)
        response = server.accept(request)
        offered = ", ".join(request.headers.get_all(EXTENSIONS))
        if self._wanted is not None and (agreed := self._wanted.respond(offered)):
            response.headers[EXTENSIONS], self._deflate = agreed
        server.send_response(response)
        self._writer.write(b"".join(server.data_to_send()))
        assert server.state is State.OPEN, server.handshake_exc

    async def converse(self, messages: Sequence[Message]) -> None:
        """Send messages, and check that they and the pings come back in their order."""
        sending = asyncio.create_task(self._send_all(messages))
        try:
            while self._echoes < len(messages) or self._pings:
                for event in await self._events():
                    self._check(event)
            await sending
        finally:
            sending.cancel()

    async def _send_all(self, messages: Sequence[Message]) -> None:
        for message in messages:
            await self._room.acquire()
            self._expected.append(message)
            await self._write(self._wire(message))

    def _check(self, event: Any) -> None:
        match type(event).__name__:
            case "Pong":
                assert event.data == self._pings.popleft()
            case "Text" | "Binary":
                expected = self._expected.popleft()
                assert type(event.data) is type(expected)
                assert event.data == expected
                self._echoes += 1
                self._room.release()
            case _:
                raise AssertionError(f"not an echo: {event}")

    def _wire(self, message: Message) -> bytes:
        encoded = message.encode() if isinstance(message, str) else message
        opcode = TEXT if isinstance(message, str) else BINARY
        compressed = self._deflate.compress(message) if self._deflate else None
        rsv1 = compressed is not None
        pieces = fragments(self._rng, encoded if compressed is None else compressed)
        if len(pieces) == 1 and not rsv1:
            return self._frame(opcode, message)
        wire = b""
        for index, piece in enumerate(pieces):
            wire += self._frame(opcode, piece, fin=index == len(pieces) - 1, rsv1=rsv1)
            opcode, rsv1 = CONTINUATION, False
            inside = index < len(pieces) - 1
            if self._rng.random() < 0.02 and (self._ping_inside or not inside):
                wire += self._ping()
        return wire

    def _ping(self) -> bytes:
        self._pinged += 1
        payload = b"%d " % self._pinged + self._rng.randbytes(self._rng.randrange(100))
        self._pings.append(payload)
        return self._frame(PING, payload)

    def _frame(self, opcode: int, payload: Message, **first: bool) -> bytes:
        key = self._codec.new_masking_key() if self._role == "client" else None
        wire: bytes = self._codec.encode_frame(opcode, payload, masking_key=key, **first)
        return wire

    async def _write(self, wire: bytes) -> None:
        for piece in cut(self._rng, wire, self._rng.choice((1, 1, 1, 2, 3))):
            self._writer.write(piece)
            await self._writer.drain()

    async def _events(self) -> list[Any]:
        """Return what the next bytes complete."""
        data = await self._reader.read(self._rng.choice(READS))
        if not data:
            raise EOFError("the peer hung up")
        if not self._buffered:
            return list(self._decoder.feed(data))
        events: list[Any] = []
        while data:
            buffer = self._decoder.get_buffer(len(data))
            count = min(len(buffer), len(data))
            buffer[:count] = data[:count]
            events += self._decoder.buffer_updated(count)
            data = data[count:]
        return events

    # How it ends.

    async def send(self, message: Message, *pieces: bytes) -> None:
        """Send a message that no echo is expected of; as text in these pieces, if given."""
        wire = self._frame(TEXT if isinstance(message, str) else BINARY, message)
        for index, piece in enumerate(pieces):
            opcode = CONTINUATION if index else TEXT
            last = index == len(pieces) - 1
            wire = (wire if index else b"") + self._frame(opcode, piece, fin=last)
        await self._write(wire)

    async def close(self, code: int, reason: str) -> Any:
        """Send a close frame and wait for the peer's, which is returned."""
        await self._write(self._frame(CLOSE, self._codec.encode_close(code, reason)))
        return await self.closed()

    async def closed(self) -> Any:
        """Wait for the peer's close frame; return it."""
        while True:
            for event in await self._events():
                if type(event).__name__ == "Close":
                    return event

    async def answer_close(self, event: Any) -> None:
        """Answer the peer's close frame."""
        await self._write(self._frame(CLOSE, self._codec.encode_close(event.code, event.reason)))

    async def violation(self) -> Any:
        """Wait until the peer breaks the protocol; tell it so; return the violation."""
        try:
            while True:
                await self._events()
        except wsfast.ProtocolViolation as violation:
            key = self._codec.new_masking_key() if self._role == "client" else None
            await self._write(violation.close_frame(key))
            return violation

    async def hang_up(self) -> None:
        """Close the socket when the peer has."""
        if self._role == "server":
            self._writer.write_eof()
        while await self._reader.read(65_536):
            pass
        self._writer.close()
