"""An echo server on asyncio streams: python examples/server.py [port]"""

import asyncio
import base64
import contextlib
import hashlib
import re
import sys

import wsfast

ANSWER = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    lost = (TimeoutError, OSError, asyncio.IncompleteReadError)
    with contextlib.suppress(*lost), contextlib.closing(writer):
        await echo(reader, writer)


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    request = await reader.readuntil(b"\r\n\r\n")
    key = re.search(rb"(?i)\r\nsec-websocket-key: *([\w+/=]+)", request)
    if key is None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
        return
    accept = hashlib.sha1(key[1] + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
    writer.write(ANSWER + b"Sec-WebSocket-Accept: " + base64.b64encode(accept) + b"\r\n\r\n")
    connection = wsfast.Connection("server")
    while not connection.should_disconnect:
        data = await asyncio.wait_for(reader.read(65_536), 5 if connection.write_eof else None)
        if not data:
            connection.receive_eof()
        try:
            for event in connection.receive(data):
                if isinstance(event, wsfast.Text):
                    connection.send_text(event.data)
        except wsfast.ProtocolViolation as violation:
            print(violation)  # the close frame is in data_to_send()
        if answer := connection.data_to_send():
            writer.write(answer)
            await writer.drain()


async def main(port: int) -> None:
    server = await asyncio.start_server(serve, "127.0.0.1", port)
    print("ws://127.0.0.1:{1}/".format(*server.sockets[0].getsockname()), flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 8765))
