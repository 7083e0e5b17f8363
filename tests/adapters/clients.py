"""Ten libraries as clients: each connects, waits for one message and returns it.

Invariant: what a client raises is what its library raises.  Only where a library reports a
close as a value and not as an exception do we raise one, ``Closed``, with that value.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import socket
import struct
from collections.abc import Callable
from typing import Any

from misbehaving import Target

Client = Callable[[Target], Any]


class Closed(Exception):
    """Raised when a library reports a close by a value."""

    def __init__(self, code: int) -> None:
        super().__init__(f"closed with {code}")
        self.code = code


def _websockets_options(target: Target) -> dict[str, Any]:
    options = {"open_timeout": target.seconds, "close_timeout": 1}
    return {**options, "ssl": target.tls} if target.tls else options


def websockets_asyncio(target: Target) -> Any:
    from websockets.asyncio.client import connect

    async def attempt() -> Any:
        options: dict[str, Any] = {"ssl": target.tls} if target.tls else {}
        async with connect(
            target.url(), open_timeout=target.seconds, close_timeout=1, proxy=None, **options
        ) as ws:
            await ws.send("ready")
            async with asyncio.timeout(target.seconds):
                return await ws.recv()

    return asyncio.run(attempt())


def websockets_sync(target: Target) -> Any:
    from websockets.sync.client import connect

    options: dict[str, Any] = {"ssl": target.tls} if target.tls else {}
    with connect(
        target.url(), open_timeout=target.seconds, close_timeout=1, proxy=None, **options
    ) as ws:
        ws.send("ready")
        return ws.recv(timeout=target.seconds)


def aiohttp(target: Target) -> Any:
    import aiohttp

    async def attempt() -> Any:
        timeout = aiohttp.ClientTimeout(total=target.seconds)
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.ws_connect(target.url(), ssl=target.tls or True) as ws,
        ):
            await ws.send_str("ready")
            message = await ws.receive(timeout=target.seconds)
            if message.type is aiohttp.WSMsgType.TEXT:
                return message.data
            if message.type is aiohttp.WSMsgType.ERROR:
                raise message.data
            if message.type is aiohttp.WSMsgType.CLOSE:
                raise Closed(message.data or 1005)
            raise Closed(ws.close_code or 1006)

    return asyncio.run(attempt())


def websocket_client(target: Target) -> Any:
    import websocket

    options = {"sslopt": {"context": target.tls}} if target.tls else {}
    ws = websocket.create_connection(target.url(), timeout=target.seconds, **options)
    with contextlib.ExitStack() as stack:
        stack.callback(ws.shutdown)  # not close, which waits for a reply
        ws.send("ready")
        opcode, data = ws.recv_data()
        if opcode == websocket.ABNF.OPCODE_CLOSE:
            raise Closed(struct.unpack("!H", data[:2])[0] if data else 1005)
        return data.decode()


def tornado(target: Target) -> Any:
    from tornado.httpclient import HTTPRequest
    from tornado.websocket import websocket_connect

    async def attempt() -> Any:
        request = HTTPRequest(
            target.url(),
            ssl_options=target.tls,
            connect_timeout=target.seconds,
            request_timeout=target.seconds,
        )
        ws = await websocket_connect(request)
        try:
            await ws.write_message("ready")
            async with asyncio.timeout(target.seconds):
                message = await ws.read_message()
        finally:
            ws.close()
        if message is None:
            raise Closed(ws.close_code or 1006)
        return message

    return asyncio.run(attempt())


def trio_websocket(target: Target) -> Any:
    import trio
    from trio_websocket import open_websocket_url

    async def attempt() -> Any:
        async with open_websocket_url(
            target.url(), ssl_context=target.tls, connect_timeout=target.seconds
        ) as ws:
            await ws.send_message("ready")
            with trio.fail_after(target.seconds):
                return await ws.get_message()

    return trio.run(attempt)


def httpx_ws_sync(target: Target) -> Any:
    import httpx
    from httpx_ws import connect_ws

    verify = target.tls or False  # not True, which loads all certificates of the system
    with (
        httpx.Client(verify=verify, timeout=target.seconds, trust_env=False) as client,
        connect_ws(target.url("http"), client, keepalive_ping_interval_seconds=None) as ws,
    ):
        ws.send_text("ready")
        return ws.receive_text(timeout=target.seconds)


def httpx_ws_async(target: Target) -> Any:
    import httpx
    from httpx_ws import aconnect_ws

    async def attempt() -> Any:
        verify = target.tls or False  # not True, which loads all certificates of the system
        async with (
            httpx.AsyncClient(verify=verify, timeout=target.seconds, trust_env=False) as client,
            aconnect_ws(target.url("http"), client, keepalive_ping_interval_seconds=None) as ws,
        ):
            await ws.send_text("ready")
            return await ws.receive_text(timeout=target.seconds)

    return asyncio.run(attempt())


def simple_websocket(target: Target) -> Any:
    import simple_websocket

    ws = simple_websocket.Client.connect(target.url(), ssl_context=target.tls)
    try:
        ws.send("ready")
        message = ws.receive(timeout=target.seconds)
        if message is None:
            raise TimeoutError
        return message
    finally:
        with contextlib.suppress(simple_websocket.ConnectionClosed):
            ws.close()
        ws.thread.join()


def socketio(target: Target) -> Any:
    import socketio

    options: dict[str, Any] = {"timeout": target.seconds}
    if target.tls:
        options["sslopt"] = {"context": target.tls}
    messages: queue.Queue[Any] = queue.Queue()
    client = socketio.Client(reconnection=False, websocket_extra_options=options)
    client.on("disconnect", lambda why: messages.put(socketio.exceptions.DisconnectedError(why)))
    client.on("*", lambda event, *_: messages.put(event))
    try:
        client.connect(target.url("http"), transports=["websocket"], wait_timeout=target.seconds)
        client.emit("ready")
        try:
            message = messages.get(timeout=target.seconds)
        except queue.Empty:
            raise TimeoutError from None
        if isinstance(message, Exception):
            raise message
        return message
    finally:
        client.disconnect()


def picows(target: Target) -> Any:
    import picows

    async def attempt() -> Any:
        messages: asyncio.Queue[Any] = asyncio.Queue()

        class Listener(picows.WSListener):
            def on_ws_frame(self, transport: Any, frame: Any) -> None:
                if frame.msg_type == picows.WSMsgType.CLOSE:
                    messages.put_nowait(Closed(frame.get_close_code() or 1005))
                    transport.disconnect()
                else:
                    messages.put_nowait(frame.get_payload_as_utf8_text())

            def on_ws_disconnected(self, transport: Any) -> None:
                messages.put_nowait(Closed(1006))

        transport, _ = await picows.ws_connect(
            Listener,
            target.url(),
            ssl_context=target.tls,
            websocket_handshake_timeout=target.seconds,
        )
        try:
            transport.send(picows.WSMsgType.TEXT, b"ready")
            async with asyncio.timeout(target.seconds):
                message = await messages.get()
        finally:
            transport.disconnect()
            await transport.wait_disconnected()
        if isinstance(message, Closed):
            raise message
        return message

    return asyncio.run(attempt())


class HostError(Exception):
    """Raised by our host of wsproto, with the event that ends the connection."""


def wsproto(target: Target) -> Any:
    """Run wsproto on a plain socket, as its documentation does."""
    from wsproto import ConnectionType, WSConnection, events

    sock = socket.create_connection((target.host, target.port), target.seconds)
    with contextlib.ExitStack() as stack:
        stack.callback(sock.close)
        if target.tls is not None:
            sock = target.tls.wrap_socket(sock, server_hostname=target.host)
            stack.callback(sock.close)
        protocol = WSConnection(ConnectionType.CLIENT)
        sock.sendall(protocol.send(events.Request(host=target.host, target="/")))
        while True:
            # None at the end of the stream, as wsproto wants it.
            protocol.receive_data(sock.recv(65536) or None)
            for event in protocol.events():
                if isinstance(event, events.AcceptConnection):
                    sock.sendall(protocol.send(events.TextMessage("ready")))
                if isinstance(event, events.TextMessage):
                    return event.data
                if isinstance(event, events.CloseConnection | events.RejectConnection):
                    raise HostError(event)


CLIENTS: dict[str, tuple[Client, str]] = {
    "websockets": (websockets_asyncio, "websockets"),
    "websockets (sync)": (websockets_sync, "websockets"),
    "aiohttp": (aiohttp, "aiohttp"),
    "websocket-client": (websocket_client, "websocket"),
    "tornado": (tornado, "tornado"),
    "trio-websocket": (trio_websocket, "trio_websocket"),
    "httpx-ws": (httpx_ws_async, "httpx_ws"),
    "httpx-ws (sync)": (httpx_ws_sync, "httpx_ws"),
    "simple-websocket": (simple_websocket, "simple_websocket"),
    "python-socketio": (socketio, "socketio"),
    "picows": (picows, "picows"),
    "wsproto": (wsproto, "wsproto"),
}
