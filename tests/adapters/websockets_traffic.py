"""Connections of websockets under random traffic, and all that can be observed of them.

    python tests/adapters/websockets_traffic.py 1000 5000    these seeds, stock and accelerated

A connection has a transport that only records what is called.  A seed decides on the end, its
limits, compression, what arrives in which reads, and what the application does meanwhile.

Invariant: nothing here depends on time or on the system, so that two runs with one seed
differ only if the code under them does.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import Callable
from random import Random
from typing import Any

from websockets.asyncio.connection import Connection, broadcast
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Frame, Opcode
from websockets.protocol import Protocol, Side

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


def opened(side: Side = Side.SERVER, *, kind: type[Connection] = Connection) -> Any:
    """Return an open connection on a transport that takes notes."""
    connection: Any = kind(Protocol(side), ping_interval=None)
    connection.connection_made(Transport())
    return connection


class Log(logging.Handler):
    """What is logged, in a form to compare."""

    def __init__(self) -> None:
        super().__init__()
        self.notes: list[Note] = []

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        self.notes.append((record.levelname, record.getMessage(), raised(error)))


def raised(error: BaseException | None) -> Note | None:
    """Return what is compared of an exception."""
    if error is None:
        return None
    ends = getattr(error, "rcvd", None), getattr(error, "sent", None)
    return type(error), str(error), *map(str, ends), raised(error.__cause__)


def remote_frames(rng: Random, to_server: bool, extension: Any) -> list[bytes]:
    """Return what the other end sends: frames, most of them right, a few at once often."""
    frames: list[bytes] = []

    def message(opcode: Opcode, parts: list[bytes], deflated: bool) -> None:
        for i, part in enumerate(parts):
            frame = Frame(opcode if i == 0 else Opcode.CONT, part, i == len(parts) - 1)
            if deflated:
                frame = extension.encode(frame)
            first = frame.opcode | 0x80 * frame.fin | 0x40 * frame.rsv1
            frames.append(written(first, bytes(frame.data), to_server))
            if len(parts) > 1 and rng.random() < 0.2:
                frames.append(written(0x89, b"between", to_server))

    for _ in range(rng.randrange(1, 14)):
        kind = rng.randrange(20)
        if kind < 12:
            opcode = rng.choice((Opcode.TEXT, Opcode.TEXT, Opcode.BINARY))
            data = rng.choice(TEXTS).encode()
            if opcode is Opcode.BINARY and rng.random() < 0.5:
                data = rng.randbytes(rng.choice((0, 1, 5, 126, 999, 1001, 70_000)))
            parts = [data]
            if rng.random() < 0.2:
                text = data.decode(errors="ignore") if opcode is Opcode.TEXT else ""
                at = rng.randrange(len(text) + 1)
                parts = [text[:at].encode(), text[at:].encode(), b""][: rng.randrange(2, 4)]
            message(opcode, parts, extension is not None and rng.random() < 0.8)
        elif kind < 17:
            payload = rng.choice((b"", b"\x00\x00\x00\x01", b"ping", b"x" * 125))
            frames.append(written(rng.choice((0x89, 0x8A)), payload, to_server))
        elif kind == 17:
            reason = rng.choice((b"", b"\x03\xe8", b"\x03\xe9away", b"\x0f\xa0own"))
            frames.append(written(0x88, reason, to_server))
        elif kind == 18 and rng.random() < 0.5:
            frames.append(wrong(rng, to_server))
        else:
            frames.append(written(0x81, b"padded", to_server, minimal=False))
    return frames


class Scene:
    """One connection, and an application at work on it."""

    def __init__(self, seed: int, between: Callable[[Random], None], refusing: bool) -> None:
        self.rng, self.switch, self.between = Random(seed), Random(seed), between
        self.refusing = refusing
        rng = self.rng
        self.server = rng.random() < 0.6
        side = Side.SERVER if self.server else Side.CLIENT
        sizes: list[Any] = [None, 2**20, 2**20, 2**20, 1000]
        if hasattr(Protocol(side), "max_message_size"):
            sizes.append((5000, 900))
        self.log = Log()
        logger = logging.getLogger(f"traffic.{seed}")
        logger.propagate = False
        logger.setLevel(logging.DEBUG if rng.random() < 0.1 else logging.INFO)
        logger.handlers[:] = [self.log]
        protocol = Protocol(side, max_size=rng.choice(sizes), logger=logger)
        remote = None
        if rng.random() < 0.5:
            alone, bits = (rng.random() < 0.3, rng.random() < 0.3), rng.choice((9, 12, 15))
            protocol.extensions = [PerMessageDeflate(*alone, bits, bits, {"memLevel": 5})]
            remote = PerMessageDeflate(*reversed(alone), bits, bits)
        wire = b"".join(remote_frames(rng, self.server, remote))
        places = sorted(rng.randrange(len(wire) + 1) for _ in range(rng.choice((0, 1, 3, 8))))
        self.reads = [wire[a:b] for a, b in zip([0, *places], [*places, len(wire)], strict=True)]
        queue: list[Any] = [16, 16, 1, 3, (4, 1)]
        self.connection = Connection(protocol, ping_interval=None, max_queue=rng.choice(queue))
        self.transport = Transport()
        self.connection.connection_made(self.transport)  # type: ignore[arg-type]
        # asyncio looks data_received up for each read, uvloop once.
        self.data_received = self.connection.data_received if rng.random() < 0.5 else None
        self.notes: list[Note] = []
        self.tasks: dict[str, asyncio.Task[Any]] = {}

    async def play(self) -> list[Note]:
        """Let it happen; return all that was observed."""
        ended = False
        for step in range(self.rng.randrange(6, 30)):
            self.between(self.switch)
            await self.act(step)
            for _ in range(SETTLED):
                await asyncio.sleep(0)
            self.observe(step)
            if self.transport.over and not ended:
                ended = True
                self.connection.connection_lost(None)
        while self.reads and self.transport.reading and not self.transport.over:
            self.read()
        self.observe(-1)
        if not ended:
            if self.rng.random() < 0.5:
                self.connection.eof_received()
            lost = self.rng.choice((None, ConnectionResetError("abrupt")))
            self.connection.connection_lost(lost)
        for _ in range(SETTLED):
            await asyncio.sleep(0)
        await self.drain_messages()
        self.observe(-2)
        for task in self.tasks.values():
            task.cancel()
        await asyncio.gather(*self.tasks.values(), return_exceptions=True)
        return [*self.notes, *self.transport.notes, *self.log.notes]

    async def drain_messages(self) -> None:
        """Note what is left to receive, and how it ends."""
        for _ in range(40):
            with contextlib.suppress(asyncio.TimeoutError):
                try:
                    self.notes.append(("left", await self.connection.recv()))
                except Exception as error:  # noqa: BLE001 # it is what is compared
                    self.notes.append(("end", raised(error)))
                    break

    def read(self) -> None:
        """Let the next read arrive, unless reading is paused; a long one may come in pieces."""
        if self.reads and self.transport.reading and not self.transport.over:
            (self.data_received or self.connection.data_received)(self.reads.pop(0))

    async def act(self, step: int) -> None:
        """Do one thing that transports or applications do."""
        rng, connection = self.rng, self.connection
        kind = rng.randrange(24)
        if kind < 8:
            self.read()
        elif kind < 14:
            self.begin(f"recv {step}", self.receive())
        elif kind < 18:
            for i in range(rng.choice((1, 1, 4))):
                self.begin(f"send {step} {i}", self.send())
        elif kind == 18:
            waiting = [name for name, task in self.tasks.items() if not task.done()]
            if waiting:
                self.tasks[rng.choice(waiting)].cancel()
        elif kind == 19:
            if connection.paused:
                connection.resume_writing()
            else:
                connection.pause_writing()
        elif kind == 20:
            self.begin(f"ping {step}", self.ping())
        elif kind == 21:
            options: dict[str, Any] = {"raise_exceptions": True} if rng.random() < 0.5 else {}
            try:
                broadcast([connection], rng.choice(("to all", b"to all", "ü")), **options)
            except Exception as error:  # noqa: BLE001 # it is what is compared
                self.notes.append(("broadcast", repr(error), repr(error.__cause__)))
        elif kind == 22 and rng.random() < 0.3:
            self.begin(f"close {step}", connection.close(4000, "own"))
        elif kind == 23 and rng.random() < 0.15:
            self.transport.refuses = self.refusing

    def begin(self, name: str, doing: Any) -> None:
        self.tasks[name] = asyncio.create_task(doing)

    async def receive(self) -> Any:
        rng, connection = self.rng, self.connection
        kind, decode = rng.randrange(5), rng.choice((None, None, True, False))
        if kind:
            message = await connection.recv(decode)
            return type(message), message
        parts = [part async for part in connection.recv_streaming(decode)]
        return [type(part) for part in parts], parts

    async def send(self) -> None:
        rng = self.rng
        text = rng.choice(TEXTS)
        encoded, pieces = text.encode(), [text, "more", ""]
        kind = rng.randrange(16)
        message: Any = text if kind < 6 else encoded
        if kind > 8:
            message = (
                bytearray(encoded),
                memoryview(encoded),
                pieces,
                slowly(pieces) if kind == 12 else "\ud800" * (rng.random() < 0.1),
                ["mixed", b"types"],
                {"a": "mapping"},
                5,
            )[kind - 9]
        await self.connection.send(message)

    async def ping(self) -> str:
        waiter = await self.connection.ping(self.rng.choice((b"ping", None)))
        return type(await waiter).__name__

    def observe(self, step: int) -> None:
        """Note what has come of everything so far."""
        connection = self.connection
        protocol = connection.protocol
        done = [name for name, task in self.tasks.items() if task.done()]
        for name in done:
            task = self.tasks.pop(name)
            if task.cancelled():
                self.notes.append((step, name, "cancelled"))
            else:
                error = task.exception()
                self.notes.append((step, name, raised(error) if error else task.result()))
        frames = unmasked(bytes(self.transport.sent))
        self.transport.sent.clear()
        close = str(protocol.close_rcvd), str(protocol.close_sent), raised(protocol.parser_exc)
        self.notes.append(
            (step, protocol.state, frames, close, len(connection.recv_messages.frames))
        )


async def slowly(pieces: list[str]) -> Any:
    """Yield one after the other, with turns of the event loop between them."""
    for piece in pieces:
        await asyncio.sleep(0)
        yield piece


def observed(
    seed: int, between: Callable[[Random], None] = lambda rng: None, *, gathered: bool = False
) -> list[Note]:
    """Return all that can be observed of a scene; ``between`` its steps something is called."""

    async def main() -> list[Note]:
        random.seed(seed)  # of the payloads of pings
        return await Scene(seed, between, refusing=not gathered).play()

    with paced(gathered):
        return asyncio.run(main())


if __name__ == "__main__":
    print_differences("websockets", observed)
