"""Send and receive messages that are never in memory as a whole.

    python examples/streaming.py --mib 256

A message is sent from an iterable or an async iterable, one fragment for each part (RFC 6455
section 5.4); the next part is requested only when the last one has been sent.  The other end
receives it in parts as its bytes arrive.  While it works on a part it reads nothing, so that
TCP slows the sender down.

The opening handshake is left out here; ``echo_server.py`` and ``echo_client.py`` have it.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Iterator
from typing import TypeAlias

import wsfast

READ = 65_536  # bytes

Parts: TypeAlias = "Iterable[str | bytes] | AsyncIterable[str | bytes]"
Taken: TypeAlias = "wsfast.TextPart[str] | wsfast.BinaryPart"


async def send_message(
    connection: wsfast.Connection[str, Taken],
    writer: asyncio.StreamWriter,
    opcode: wsfast.Opcode,
    parts: Parts,
    *,
    masked: bool,
) -> None:
    """Send one message: text from ``str``, or from ``bytes`` that are UTF-8; or binary.

    Pings that arrive meanwhile are answered between its fragments.  Send no other message
    until this returns.  If it raises, the message can't be finished: close the connection.

    Raises:
        NotOpen: the remote closed before the message was sent.
    """

    async def send(payload: str | bytes, *, fin: bool) -> None:
        if connection.state is not wsfast.ConnectionState.OPEN:
            raise wsfast.NotOpen("the remote closed before the whole message was sent")
        key = wsfast.new_masking_key() if masked else None
        frame = wsfast.encode_frame(opcode, payload, fin=fin, masking_key=key)
        if control := connection.data_to_send():
            writer.write(control)
        writer.write(frame)
        await writer.drain()  # back-pressure: no further part until there is room

    async for part in _each(parts):
        if part:
            await send(part, fin=False)
            opcode = wsfast.Opcode.CONTINUATION
    await send(b"", fin=True)


async def _each(parts: Parts) -> AsyncIterator[str | bytes]:
    if isinstance(parts, AsyncIterable):
        async for part in parts:
            yield part
    else:
        for part in parts:
            yield part


async def receive(
    connection: wsfast.Connection[str, Taken],
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    take: Callable[[Taken], Awaitable[None]],
) -> wsfast.Closure | None:
    """Hand on each part of each message, answer pings and the close frame, until TCP ends."""
    while data := await reader.read(READ):
        try:
            for event in connection.receive(data):
                if isinstance(event, wsfast.TextPart | wsfast.BinaryPart):
                    await take(event)
        except wsfast.ProtocolViolation:
            pass  # its close frame is among what is to be sent
        if answer := connection.data_to_send():
            writer.write(answer)
            await writer.drain()
        if connection.should_disconnect:
            break
    else:
        connection.receive_eof()
    writer.close()
    return connection.closure


# The demonstration: a long text from a generator, and its digest at the other end.


def lines(size: int) -> Iterator[str]:
    """Return parts of a text of about so many bytes."""
    line = "Größe, 大きさ, μέγεθος 📏\n" * 400
    for _ in range(size // len(line.encode())):
        yield line


async def demonstrate(size: int) -> tuple[int, bool]:
    """Send a text over loopback; return its length, and whether it arrived unchanged."""
    arrived, length = hashlib.sha256(), 0
    done: asyncio.Future[wsfast.Closure | None] = asyncio.get_running_loop().create_future()

    async def take(part: Taken) -> None:
        nonlocal length
        data = part.data if isinstance(part, wsfast.BinaryPart) else part.data.encode()
        arrived.update(data)
        length += len(data)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = wsfast.Connection("server", stream=True, max_message_size=None)
        done.set_result(await receive(connection, reader, writer, take))

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listener:
        reader, writer = await asyncio.open_connection(*listener.sockets[0].getsockname()[:2])
        client = wsfast.Connection("client", stream=True)
        await send_message(client, writer, wsfast.Opcode.TEXT, lines(size), masked=True)
        client.close(1000)
        writer.write(client.data_to_send())

        async def ignore(part: Taken) -> None:
            """Take nothing: the server sends no message."""

        await receive(client, reader, writer, ignore)
        await done
    sent = hashlib.sha256()
    for line in lines(size):
        sent.update(line.encode())
    return length, sent.digest() == arrived.digest()


def main() -> None:
    """Show that a message longer than the memory in use arrives."""
    parser = argparse.ArgumentParser(description="one long WebSocket message, in parts")
    parser.add_argument("--mib", default=64, type=int, help="the length of the message")
    size, same = asyncio.run(demonstrate(parser.parse_args().mib << 20))
    print(f"{size:,} bytes of text in one message arrived {'unchanged' if same else 'changed'}")


if __name__ == "__main__":
    main()
