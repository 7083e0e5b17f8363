"""Upload a file in one message, without having it in memory at either end.

python examples/upload.py FILE
"""

import asyncio
import sys
from pathlib import Path

import wsfast

PART = 65_536  # bytes


async def send_file(path: Path, writer: asyncio.StreamWriter) -> None:
    """Send a file as a client, after the opening handshake."""
    opcode = wsfast.Opcode.BINARY
    with path.open("rb") as file:
        while part := file.read(PART):
            key = wsfast.new_masking_key()
            writer.write(wsfast.encode_frame(opcode, part, fin=False, masking_key=key))
            await writer.drain()  # wait while the server is slower than the disk
            opcode = wsfast.Opcode.CONTINUATION
    writer.write(wsfast.encode_frame(opcode, b"", masking_key=wsfast.new_masking_key()))


async def receive_file(reader: asyncio.StreamReader, path: Path) -> int:
    """Write the next message into a file as its bytes arrive; return its size."""
    decoder = wsfast.MessageDecoder("server", stream=True, max_message_size=None)
    with path.open("wb") as file:
        while data := await reader.read(PART):
            for event in decoder.feed(data):
                if isinstance(event, wsfast.BinaryPart):
                    file.write(event.data)
                    if event.last:
                        return file.tell()
    raise EOFError("the connection ended inside the message")


async def main(path: Path) -> None:
    copy = path.with_name(path.name + ".received")
    received: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received.set_result(await receive_file(reader, copy))
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        _, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        await send_file(path, writer)
        print(f"{await received:,} bytes in {copy}")
        writer.close()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python upload.py FILE")
    asyncio.run(main(Path(sys.argv[1])))
