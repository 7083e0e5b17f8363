"""The server of ``wsfast demo --serve``: a page, and what closes its connections.

RFC 6455 sections 4.2 (the server's handshake) and 7.1.

Invariant: listens on the loopback interface only; a connection is over within ``TIMEOUT``.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import re
from collections.abc import AsyncIterator
from importlib.resources import files

import click

from .. import (
    Binary,
    Close,
    CloseCode,
    MessageDecoder,
    Opcode,
    ProtocolViolation,
    encode_close,
    encode_frame,
    validate_utf8,
)
from ._files import Unreadable

TIMEOUT = 10.0  # seconds
MAX_REQUEST = 8192  # bytes
BAD_TEXT = b"Gr\xfc\xdfe"  # in Latin-1
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


async def start_demo(port: int) -> asyncio.Server:
    """Start the server; 0 takes any free port.

    Raises:
        OSError: the port is taken.
    """
    return await asyncio.start_server(_serve, "127.0.0.1", port, limit=MAX_REQUEST)


def serve_demo(port: int) -> None:
    """Serve until interrupted.

    Raises:
        Unreadable: the port is taken.
    """

    async def main() -> None:
        server = await start_demo(port)
        taken = server.sockets[0].getsockname()[1]
        click.echo(f"http://127.0.0.1:{taken}/ (Ctrl-C ends it)")
        async with server:
            await server.serve_forever()

    try:
        asyncio.run(main())
    except OSError as error:
        raise Unreadable(f"can't listen on port {port}: {error.strerror}") from None


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    # A client that hangs up, or takes too long, is nothing to report.
    with contextlib.suppress(
        TimeoutError, ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError
    ):
        async with asyncio.timeout(TIMEOUT):
            request = await reader.readuntil(b"\r\n\r\n")
            await _answer(request, reader, writer)
    writer.close()


async def _answer(
    request: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    path = request.split(b" ", 2)[1].split(b"?")[0] if request.startswith(b"GET ") else b""
    key = re.search(rb"(?im)^sec-websocket-key:\s*(\S+)\s*$", request)
    scene = {b"/judge": _judge, b"/restart": _restart, b"/bad-text": _bad_text}.get(path)
    if scene and key:
        accept = base64.b64encode(hashlib.sha1(key[1] + _GUID).digest())
        writer.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        )
        await scene(reader, writer)
        return
    body = files(__package__).joinpath("_page.html").read_bytes() if path == b"/" else b""
    status = b"200 OK" if body else b"404 Not Found"
    writer.write(
        b"HTTP/1.1 " + status + b"\r\nContent-Type: text/html; charset=utf-8\r\n"
        b"Connection: close\r\nContent-Length: " + str(len(body)).encode() + b"\r\n\r\n" + body
    )
    await writer.drain()


async def _events(reader: asyncio.StreamReader) -> AsyncIterator[object]:
    """Yield what the client sends, until its close frame or its end."""
    decoder = MessageDecoder("server")
    while chunk := await reader.read(65536):
        for event in decoder.feed(chunk):
            yield event
            if isinstance(event, Close):
                return


async def _close(frame: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send a close frame and wait for the client's (section 7.1.1)."""
    writer.write(frame)
    await writer.drain()
    with contextlib.suppress(ProtocolViolation):
        async for _ in _events(reader):
            pass


async def _judge(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Read a binary message as text: close with 1007 if it isn't UTF-8, with 1000 if it is."""
    frame = encode_frame(Opcode.CLOSE, encode_close(CloseCode.NORMAL_CLOSURE, "valid UTF-8"))
    try:
        async for event in _events(reader):
            if isinstance(event, Binary):
                validate_utf8(event.data)
                break
    except ProtocolViolation as violation:
        frame = violation.close_frame()
    await _close(frame, reader, writer)


async def _restart(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Close as a restarting server does."""
    payload = encode_close(CloseCode.GOING_AWAY, "the server restarts; reconnect with backoff")
    await _close(encode_frame(Opcode.CLOSE, payload), reader, writer)


async def _bad_text(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send a text that is not UTF-8, and see how the client closes."""
    await _close(encode_frame(Opcode.TEXT, BAD_TEXT), reader, writer)
