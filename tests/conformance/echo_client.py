"""An echo client on ``MessageDecoder``, for the suite's server to judge.

Invariant: it answers each message with the same message until the server closes, and closes
with the code and the reason of the violation that the decoder found.
"""

from __future__ import annotations

import asyncio
import contextlib

from websockets.client import ClientProtocol
from websockets.protocol import State
from websockets.uri import parse_uri

import wsfast

CLOSING = 5.0  # seconds that the server has to close its side


async def echo(url: str) -> list[str]:
    """Echo what the server at ``url`` sends until it closes; return the texts."""
    uri = parse_uri(url)
    reader, writer = await asyncio.open_connection(uri.host, uri.port)
    try:
        handshake = ClientProtocol(uri)
        handshake.send_request(handshake.connect())
        writer.write(b"".join(handshake.data_to_send()))
        handshake.receive_data(await reader.readuntil(b"\r\n\r\n"))
        if handshake.state is not State.OPEN:
            raise ConnectionError(f"{url}: {handshake.handshake_exc}")
        texts: list[str] = []
        with contextlib.suppress(ConnectionResetError):  # the suite judges how it ended
            await _answer(reader, writer, texts)
        return texts
    finally:
        writer.close()


async def _answer(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, texts: list[str]
) -> None:
    decoder = wsfast.MessageDecoder("client", max_message_size=2**25)

    def send(opcode: int, payload: bytes | str) -> None:
        key = wsfast.new_masking_key()
        writer.write(wsfast.encode_frame(opcode, payload, masking_key=key))

    try:
        while data := await reader.read(65_536):
            for event in decoder.feed(data):
                match event:
                    case wsfast.Text(text):
                        texts.append(text)
                        send(wsfast.Opcode.TEXT, text)
                    case wsfast.Binary(octets):
                        send(wsfast.Opcode.BINARY, octets)
                    case wsfast.Ping(octets):
                        send(wsfast.Opcode.PONG, octets)
                    case wsfast.Close(wsfast.CloseCode.NO_STATUS_RCVD):
                        send(wsfast.Opcode.CLOSE, b"")
                    case wsfast.Close(code, reason):
                        send(wsfast.Opcode.CLOSE, wsfast.encode_close(code, reason))
            await writer.drain()
    except wsfast.ProtocolViolation as violation:
        writer.write(violation.close_frame(masking_key=wsfast.new_masking_key()))
        async with asyncio.timeout(CLOSING):
            while await reader.read(65_536):
                pass
