"""A client on asyncio streams: python examples/client.py localhost 8765 "some text" """

import asyncio
import base64
import os
import sys

import wsfast

REQUEST = (
    "GET / HTTP/1.1\r\nHost: {}:{}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: {}\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


async def ask(host: str, port: int, text: str) -> str | None:
    """Send a text; return the text that comes back."""
    reader, writer = await asyncio.open_connection(host, port)  # with ssl=True for wss
    key = base64.b64encode(os.urandom(16)).decode()
    writer.write(REQUEST.format(host, port, key).encode())
    answer = await reader.readuntil(b"\r\n\r\n")
    if not answer.startswith(b"HTTP/1.1 101 "):
        raise ConnectionError(answer.split(b"\r\n")[0].decode("latin-1"))
    connection = wsfast.Connection("client")
    connection.send_text(text)
    got = None
    while not connection.should_disconnect:
        if data := connection.data_to_send():
            writer.write(data)
        if not (data := await reader.read(65_536)):
            connection.receive_eof()
        try:
            for event in connection.receive(data):
                if isinstance(event, wsfast.Text):
                    got = event.data
                    connection.close(1000)
        except wsfast.ProtocolViolation as violation:
            print(violation)  # the close frame is in data_to_send()
    writer.close()
    return got


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit("usage: python client.py HOST PORT TEXT")
    print(asyncio.run(ask(sys.argv[1], int(sys.argv[2]), sys.argv[3])))
