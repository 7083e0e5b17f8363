"""Connections of aiohttp under random traffic, and all that can be observed of them.

    python tests/adapters/aiohttp_traffic.py 1000 5000    these seeds, stock and accelerated

A connection has a transport that only records what is called.  A seed decides on the end, its
limits, compression, what arrives in which reads, and what the application does meanwhile.

Invariant: nothing here depends on time or on the system, so that two runs with one seed
differ only if the code under them does.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import zlib
from collections.abc import Callable
from random import Random
from types import SimpleNamespace
from typing import Any
from unittest import mock

import aiohttp
from aiohttp import client, client_ws, web, web_ws
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http import WebSocketWriter

from noted_traffic import (
    SETTLED,
    TEXTS,
    Note,
    Transport,
    paced,
    print_differences,
    unmasked,
    written,
    wrong,
)

SINCE_3_14 = hasattr(aiohttp.http_websocket, "WSMessageTextBytes")
LIMITS = (0, 4 * 2**20, 4 * 2**20, 1000, 6000)


class Deflater:
    """What the other end compresses with."""

    def __init__(self) -> None:
        self._compressor = zlib.compressobj(wbits=-15)

    def __call__(self, data: bytes) -> bytes:
        data = self._compressor.compress(data) + self._compressor.flush(zlib.Z_SYNC_FLUSH)
        return data.removesuffix(b"\0\0\xff\xff")


def remote_frames(rng: Random, to_server: bool, deflate: Deflater | None) -> list[bytes]:
    """Return what the other end sends: frames, most of them right, a few at once often."""
    frames: list[bytes] = []
    for _ in range(rng.randrange(1, 14)):
        kind = rng.randrange(24)
        if kind < 16:
            opcode = rng.choice((1, 1, 2))
            data = rng.choice(TEXTS).encode()
            if opcode == 2 and rng.random() < 0.5:
                data = rng.randbytes(rng.choice((0, 1, 5, 126, 999, 1001, 70_000)))
            first, at = opcode, sorted(rng.randrange(len(data) + 1) for _ in range(2))
            if deflate is not None and rng.random() < 0.5:
                data, first = deflate(data), opcode | 0x40
            parts = [data]
            if rng.random() < 0.3:  # cut at any byte
                parts = [data[: at[0]], data[at[0] : at[1]], data[at[1] :]]
            for i, part in enumerate(parts):
                head = (first if i == 0 else 0) | 0x80 * (i == len(parts) - 1)
                frames.append(written(head, part, to_server))
                if len(parts) > 1 and rng.random() < 0.2:
                    frames.append(written(0x89, b"between", to_server))
        elif kind < 20:
            payload = rng.choice((b"", b"ping", b"x" * 125))
            frames.append(written(rng.choice((0x89, 0x8A)), payload, to_server))
        elif kind == 20 and rng.random() < 0.5:
            reason = rng.choice((b"", b"\x03\xe8", b"\x03\xe9away", b"\x0f\xa0own", b"\x03\xee"))
            frames.append(written(0x88, reason, to_server))
        elif kind == 21 and rng.random() < 0.4:
            frames.append(wrong(rng, to_server))
        elif kind == 22 and rng.random() < 0.5:  # which aiohttp accepts
            frames.append(written(0x81, b"masked the other way", not to_server))
        else:
            frames.append(written(0x81, b"padded", to_server, minimal=False))
    return frames


class Protocol(BaseProtocol):
    """As much of a protocol of aiohttp as a WebSocket needs."""

    _timeout_ceil_threshold = 5

    def __init__(self, loop: asyncio.AbstractEventLoop, transport: Transport) -> None:
        super().__init__(loop)
        self.transport = transport  # type: ignore[assignment]
        self._payload_parser: Any = None


def opened(
    server: bool,
    protocol: Protocol,
    *,
    max_msg_size: int = 2**20,
    compress: int = 0,
    notakeover: bool = False,
    limit: int = 2**16,
    autoclose: bool = True,
    autoping: bool = True,
    **options: Any,
) -> tuple[Any, Any]:
    """Return a connection made as ``prepare`` or ``ws_connect`` does, and what feeds it."""
    loop, module = asyncio.get_running_loop(), web_ws if server else client
    queue = module.WebSocketDataQueue(protocol, 2**16, loop=loop)
    if SINCE_3_14:
        options.setdefault("decode_text", True)
    parser = module.WebSocketReader(queue, max_msg_size, compress=bool(compress), **options)
    protocol._payload_parser = parser
    transport: Any = protocol.transport
    writer = WebSocketWriter(
        protocol,
        transport,
        use_mask=not server,
        compress=compress,
        notakeover=notakeover,
        limit=limit,
    )
    if not server:
        response = mock.Mock()
        response.connection = None
        timeout = client_ws.ClientWSTimeout(ws_close=60)
        return client_ws.ClientWebSocketResponse(
            queue, writer, None, response, timeout, autoclose, autoping, loop
        ), parser
    socket: Any = web.WebSocketResponse(autoclose=autoclose, autoping=autoping, timeout=60)
    socket._loop, socket._reader, socket._writer = loop, queue, writer
    socket._payload_writer = mock.Mock(drain=mock.AsyncMock())
    socket._req = SimpleNamespace(transport=transport, _protocol=protocol)
    return socket, parser


class Scene:
    """One connection, and an application at work on it."""

    def __init__(self, seed: int, between: Callable[[Random], None], refusing: bool) -> None:
        self.rng, self.switch, self.between = Random(seed), Random(seed), between
        self.refusing = refusing
        rng = self.rng
        self.server = rng.random() < 0.6
        self.transport = Transport()
        self.protocol = Protocol(asyncio.get_running_loop(), self.transport)
        self.compress = rng.choice((0, 0, 15, 9))
        wire = b"".join(
            remote_frames(rng, self.server, Deflater() if self.compress == 15 else None)
        )
        if rng.random() < 0.3:  # more than may wait
            wire = written(0x81, b"m" * 997, self.server) * 300 + wire
        places = sorted(rng.randrange(len(wire) + 1) for _ in range(rng.choice((0, 1, 3, 8))))
        self.reads = [wire[a:b] for a, b in itertools.pairwise([0, *places, len(wire)])]
        self.socket = self.make(
            rng.random() < 0.8, rng.random() < 0.8, not SINCE_3_14 or rng.random() < 0.8
        )
        self.failed = self.gave_reason = False
        self.notes: list[Note] = []
        self.tasks: dict[str, asyncio.Task[Any]] = {}

    def make(self, autoclose: bool, autoping: bool, decode_text: bool) -> Any:
        """Make the connection."""
        rng = self.rng
        options: dict[str, Any] = {"decode_text": decode_text} if SINCE_3_14 else {}
        socket, self.parser = opened(
            self.server,
            self.protocol,
            max_msg_size=rng.choice(LIMITS),
            notakeover=rng.random() < 0.3,
            compress=self.compress,
            limit=rng.choice((2**16, 300)),
            autoclose=autoclose,
            autoping=autoping,
            **options,
        )
        return socket

    async def play(self) -> list[Note]:
        """Let it happen; return all that was observed."""
        for step in range(self.rng.randrange(6, 40)):
            self.between(self.switch)
            self.act(step)
            for _ in range(SETTLED):
                await asyncio.sleep(0)
            self.observe(step)
        while self.reads and self.transport.reading and not self.failed:
            self.read()
        self.observe(-1)
        if self.rng.random() < 0.5:
            self.socket._reader.set_exception(ConnectionResetError("abrupt"))
        else:
            self.parser.feed_eof()
        for task in self.tasks.values():
            task.cancel()
        await asyncio.gather(*self.tasks.values(), return_exceptions=True)
        for _ in range(400):
            task = asyncio.create_task(self.outcome(self.socket.receive()))
            for _ in range(SETTLED):
                await asyncio.sleep(0)
            if not task.done():  # it waits for the other end to close
                task.cancel()
                await asyncio.wait([task])
                break
            self.notes.append(("left", *task.result()))
            if self.notes[-1][1] in ("raised", "CLOSED", "ERROR"):
                break
        self.observe(-2)
        return [*self.notes, *self.transport.notes]

    def read(self) -> None:
        """Let the next read arrive, unless reading is paused."""
        if self.reads and self.transport.reading and not self.failed:
            self.failed, tail = self.parser.feed_data(self.reads.pop(0))
            self.notes.append(("fed", self.failed, bytes(tail)))

    def act(self, step: int) -> None:
        """Do one thing that transports or applications do."""
        rng, socket = self.rng, self.socket
        kind = rng.randrange(24)
        if kind < 8:
            self.read()
        elif kind < 13:
            self.begin(f"receive {step}", socket.receive())
        elif kind < 15:
            self.begin(f"iterate {step}", self.iterate(rng.randrange(1, 90)))
        elif kind < 19:
            for i in range(rng.choice((1, 1, 4))):
                self.begin(f"send {step} {i}", self.send())
        elif kind == 19:
            waiting = [name for name, task in self.tasks.items() if not task.done()]
            if waiting:
                self.tasks[rng.choice(waiting)].cancel()
        elif kind == 20:
            if self.protocol._paused:
                self.protocol.resume_writing()
            else:
                self.protocol.pause_writing()
        elif kind == 21:
            self.begin(f"ping {step}", socket.ping(b"ping"))
        elif kind == 22 and rng.random() < 0.2:
            self.begin(f"close {step}", socket.close(code=4000, message=b"own"))
        elif kind == 23 and rng.random() < 0.15:
            self.transport.refuses = self.refusing

    def begin(self, name: str, doing: Any) -> None:
        self.tasks[name] = asyncio.create_task(self.outcome(doing))

    async def outcome(self, doing: Any) -> Note:
        """Return what came of a call, in a form to compare."""
        try:
            result = await doing
        except Exception as error:  # noqa: BLE001 # it is what is compared
            return "raised", type(error), str(error)
        if type(result) in (tuple, list):
            return (type(result), *map(self.plain, result))
        return self.plain(result)

    def plain(self, result: Any) -> Note:
        if not hasattr(result, "extra"):
            return "returned", result
        data = result.data
        if isinstance(data, BaseException):
            text = str(data).partition(":")[0] if data.args[:1] == (1007,) else str(data)
            data = type(data), data.args[:1], text  # without the byte
        elif isinstance(data, bytearray | bytes):
            data = type(result.data), bytes(data)
        return result.type.name, type(result), data, result.extra

    async def iterate(self, most: int) -> list[Any]:
        taken = []
        async for message in self.socket:
            taken.append(message)
            if len(taken) == most:
                break
        return taken

    async def send(self) -> None:
        rng, socket = self.rng, self.socket
        # aiohttp compresses more than 5 KiB in another thread, which takes its time.
        text = rng.choice(TEXTS[:-1] if self.compress else (*TEXTS, "a" * 20_000))
        encoded = text.encode()
        kind = rng.randrange(10)
        if kind < 4:
            await socket.send_str("\ud800" if kind == 3 and rng.random() < 0.1 else text)
        elif kind < 6:
            await socket.send_str(text[:1000], compress=rng.choice((None, 9)))
        elif kind < 9:
            await socket.send_bytes((encoded, bytearray(encoded), memoryview(encoded))[kind - 6])
        else:
            await socket.send_str(rng.choice((5, b"bytes")))

    def observe(self, step: int) -> None:
        """Note what has come of everything so far."""
        for name in [name for name, task in self.tasks.items() if task.done()]:
            task = self.tasks.pop(name)
            self.notes.append((step, name, "cancelled" if task.cancelled() else task.result()))
        frames = unmasked(bytes(self.transport.sent))
        # Without the reason of a 1007, which stock aiohttp does not give.
        frames = [b"1007" if frame[2:4] == b"\x03\xef" else frame for frame in frames]
        self.transport.sent.clear()
        self.gave_reason |= b"1007" in frames
        socket, queue = self.socket, self.socket._reader
        self.notes.append(
            (
                step,
                frames,
                socket.closed,
                socket.close_code,
                type(socket.exception()),
                len(queue._buffer),
                self.protocol._reading_paused,
                0 if self.gave_reason else socket._writer._output_size,
            )
        )


def observed(
    seed: int, between: Callable[[Random], None] = lambda rng: None, *, gathered: bool = False
) -> list[Note]:
    """Return all that can be observed of a scene; ``between`` its steps something is called."""

    async def main() -> list[Note]:
        random.seed(seed)
        return await Scene(seed, between, refusing=not gathered).play()

    with paced(gathered):
        return asyncio.run(main())


if __name__ == "__main__":
    print_differences("aiohttp", observed)
