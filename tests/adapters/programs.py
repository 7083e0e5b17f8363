"""Programs that use a library, for tests to talk with over a socket: each echoes messages
and accepts permessage-deflate if it can.

    python programs.py NAME FD        serve on the listening socket FD
    python programs.py NAME PORT      connect to 127.0.0.1:PORT (websocket-client, lomond)

With ``-a PEER`` before these, PEER is accelerated first; with ``-f PEER`` it is accelerated
and restored as lines on stdin say, ``on`` and ``off``.  A line of JSON on stdout is what the
application was told of the end of a connection, or ``["flipped"]``.  permessage-deflate is
used where the other end offers it.
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys
import threading
from typing import Any

LARGEST = 1 << 22
_telling = threading.Lock()


def tell(*what: object) -> None:
    """Write what the application sees."""
    line = json.dumps([item if isinstance(item, int) else str(item) for item in what])
    with _telling:
        print(line, flush=True)


async def asgi(scope: Any, receive: Any, send: Any) -> None:
    """Echo, for the servers of ASGI applications."""
    while True:
        event = await receive()
        if event["type"] == "websocket.connect":
            await send({"type": "websocket.accept"})
        elif event["type"] == "websocket.receive":
            data = {key: event[key] for key in ("text", "bytes") if event.get(key) is not None}
            await send({"type": "websocket.send", **data})
        elif event["type"] == "websocket.disconnect":
            tell("disconnect", event["code"], event.get("reason") or "")
            return
        else:
            await send({"type": event["type"] + ".complete"})
            if event["type"] == "lifespan.shutdown":
                return


def hypercorn(sock: socket.socket) -> None:
    from hypercorn.asyncio import serve
    from hypercorn.config import Config

    config = Config()
    config.bind = [f"fd://{sock.detach()}"]
    config.websocket_max_message_size = LARGEST
    config.errorlog = "-"
    asyncio.run(serve(asgi, config))  # type: ignore[arg-type]


def uvicorn(sock: socket.socket, ws: Any) -> None:
    import uvicorn

    config = uvicorn.Config(asgi, ws=ws, log_level="critical", ws_max_size=LARGEST, lifespan="off")
    uvicorn.Server(config).run(sockets=[sock])


def uvicorn_wsproto(sock: socket.socket) -> None:
    uvicorn(sock, "wsproto")


def uvicorn_sansio(sock: socket.socket) -> None:
    uvicorn(sock, "websockets-sansio")


def uvicorn_wsfast(sock: socket.socket) -> None:
    from wsfast.adapters.uvicorn import WebSocketProtocol

    uvicorn(sock, WebSocketProtocol)


def trio_websocket(sock: socket.socket) -> None:
    import trio
    from trio_websocket import ConnectionClosed, WebSocketServer

    async def echo(request: Any) -> None:
        connection = await request.accept()
        try:
            while True:
                await connection.send_message(await connection.get_message())
        except ConnectionClosed as closed:
            tell("ConnectionClosed", closed.reason.code, closed.reason.reason or "")

    async def main() -> None:
        listener = trio.SocketListener(trio.socket.from_stdlib_socket(sock))
        await WebSocketServer(echo, [listener], max_message_size=LARGEST).run()

    trio.run(main)


def websockets_asyncio(sock: socket.socket) -> None:
    from websockets.asyncio.server import serve
    from websockets.exceptions import ConnectionClosed

    async def echo(connection: Any) -> None:
        try:
            while True:
                await connection.send(await connection.recv())
        except ConnectionClosed as closed:
            close = closed.sent or closed.rcvd
            tell(
                type(closed).__name__, close.code if close else 1006, close.reason if close else ""
            )

    async def main() -> None:
        async with serve(echo, sock=sock, max_size=LARGEST):
            await asyncio.Event().wait()

    asyncio.run(main())


def websockets_sync(sock: socket.socket) -> None:
    from websockets.exceptions import ConnectionClosed
    from websockets.sync.server import serve

    def echo(connection: Any) -> None:
        try:
            while True:
                connection.send(connection.recv())
        except ConnectionClosed as closed:
            close = closed.sent or closed.rcvd
            tell(
                type(closed).__name__, close.code if close else 1006, close.reason if close else ""
            )

    with serve(echo, sock=sock, max_size=LARGEST) as server:
        server.serve_forever()


def aiohttp(sock: socket.socket) -> None:
    from aiohttp import WSMsgType, web

    async def echo(request: Any) -> Any:
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        error = ""
        async for message in ws:
            if message.type is WSMsgType.TEXT:
                await ws.send_str(message.data)
            elif message.type is WSMsgType.BINARY:
                await ws.send_bytes(message.data)
            else:
                error = str(message.data)
        tell("error" if error else "end", ws.close_code or 0, error)
        return ws

    application = web.Application()
    application.router.add_get("/", echo)
    web.run_app(application, sock=sock, print=None)


def tornado(sock: socket.socket) -> None:
    from tornado import httpserver, web, websocket

    class Echo(websocket.WebSocketHandler):
        def get_compression_options(self) -> dict[str, Any]:
            return {}

        def on_message(self, message: Any) -> None:
            self.write_message(message, isinstance(message, bytes))

        def on_close(self) -> None:
            tell("on_close", self.close_code or 0, self.close_reason or "")

    async def main() -> None:
        server = httpserver.HTTPServer(web.Application([("/", Echo)]))
        sock.setblocking(False)  # as it takes for granted
        server.add_socket(sock)
        await asyncio.Event().wait()

    asyncio.run(main())


def autobahn(sock: socket.socket) -> None:
    import txaio

    txaio.use_asyncio()  # before the rest is imported: 22.4 does not do it by itself
    from autobahn.asyncio.websocket import WebSocketServerFactory, WebSocketServerProtocol

    class Echo(WebSocketServerProtocol):  # type: ignore[misc] # not typed
        def onMessage(self, payload: bytes, isBinary: bool) -> None:  # theirs
            self.sendMessage(payload, isBinary)

        def onClose(self, wasClean: bool, code: int, reason: str) -> None:
            tell("onClose", code or 0, reason or "")

    async def main() -> None:
        factory = WebSocketServerFactory()
        factory.protocol = Echo
        factory.setProtocolOptions(perMessageCompressionAccept=accept_deflate)
        server = await asyncio.get_running_loop().create_server(factory, sock=sock)
        await server.serve_forever()

    asyncio.run(main())


def autobahn_twisted(sock: socket.socket) -> None:
    from autobahn.twisted.websocket import WebSocketServerFactory, WebSocketServerProtocol
    from twisted.internet import reactor

    class Echo(WebSocketServerProtocol):  # type: ignore[misc] # not typed
        def onMessage(self, payload: bytes, isBinary: bool) -> None:  # theirs
            self.sendMessage(payload, isBinary)

        def onClose(self, wasClean: bool, code: int, reason: str) -> None:
            tell("onClose", code or 0, reason or "")

    factory = WebSocketServerFactory()
    factory.protocol = Echo
    factory.setProtocolOptions(perMessageCompressionAccept=accept_deflate)
    sock.setblocking(False)
    at: Any = reactor  # its type is made when it is imported
    at.adoptStreamPort(sock.fileno(), socket.AF_INET, factory)
    at.run()


def accept_deflate(offers: list[Any]) -> Any:
    from autobahn.websocket.compress import (
        PerMessageDeflateOffer,
        PerMessageDeflateOfferAccept,
    )

    found = [offer for offer in offers if isinstance(offer, PerMessageDeflateOffer)]
    return PerMessageDeflateOfferAccept(found[0]) if found else None


def gevent_websocket(sock: socket.socket) -> None:
    import gevent.socket
    from gevent.pywsgi import WSGIServer
    from geventwebsocket.exceptions import WebSocketError
    from geventwebsocket.handler import WebSocketHandler

    def echo(environ: Any, start_response: Any) -> list[bytes]:
        ws = environ["wsgi.websocket"]
        try:
            while (message := ws.receive()) is not None:
                ws.send(message, isinstance(message, bytes | bytearray))
            tell("None", 0, "")
        except WebSocketError as error:
            tell("WebSocketError", 0, error)
        return []

    listener = gevent.socket.socket(fileno=sock.detach())
    WSGIServer(listener, echo, handler_class=WebSocketHandler, log=None).serve_forever()


def ws4py(sock: socket.socket) -> None:
    from ws4py.server.wsgirefserver import WebSocketWSGIRequestHandler, WSGIServer
    from ws4py.server.wsgiutils import WebSocketWSGIApplication
    from ws4py.websocket import WebSocket

    class Echo(WebSocket):  # type: ignore[misc] # not typed
        def received_message(self, message: Any) -> None:
            self.send(message.data, message.is_binary)

        def closed(self, code: int, reason: Any = None) -> None:
            tell("closed", code or 0, reason or "")

    server = WSGIServer(("127.0.0.1", 0), WebSocketWSGIRequestHandler, bind_and_activate=False)
    server.socket.close()
    server.socket = sock
    server.server_name, server.server_port = "localhost", sock.getsockname()[1]
    server.setup_environ()
    server.set_app(WebSocketWSGIApplication(handler_cls=Echo))
    server.initialize_websockets_manager()
    server.serve_forever()


def websocket_client(port: int) -> None:
    import websocket

    ws = websocket.create_connection(f"ws://127.0.0.1:{port}/")
    try:
        while True:
            opcode, data = ws.recv_data()
            if opcode == websocket.ABNF.OPCODE_CLOSE:
                tell("close", int.from_bytes(data[:2], "big"), data[2:].decode())
                return
            # Text as recv() hands it on.
            ws.send(data.decode() if opcode == websocket.ABNF.OPCODE_TEXT else data, opcode)
    except (websocket.WebSocketException, UnicodeDecodeError) as error:
        tell(type(error).__name__, 0, str(error)[:40])


def lomond(port: int) -> None:
    from lomond import WebSocket

    ws = WebSocket(f"ws://127.0.0.1:{port}/", compress=True)
    for event in ws.connect(ping_rate=0):
        if event.name == "text":
            ws.send_text(event.text)
        elif event.name == "binary":
            ws.send_binary(event.data)
        elif event.name in ("protocol_error", "disconnected"):
            tell(event.name, 0, getattr(event, "error", None) or getattr(event, "reason", ""))


SERVERS = {
    "hypercorn": hypercorn,
    "uvicorn-wsproto": uvicorn_wsproto,
    "uvicorn-sansio": uvicorn_sansio,
    "uvicorn-wsfast": uvicorn_wsfast,
    "trio-websocket": trio_websocket,
    "websockets-asyncio": websockets_asyncio,
    "websockets-sync": websockets_sync,
    "aiohttp": aiohttp,
    "tornado": tornado,
    "autobahn": autobahn,
    "autobahn-twisted": autobahn_twisted,
    "gevent-websocket": gevent_websocket,
    "ws4py": ws4py,
}
CLIENTS = {"websocket-client": websocket_client, "lomond": lomond}


def flip(peer: str) -> None:
    """Accelerate and restore as stdin says."""
    import wsfast

    for line in sys.stdin:
        if line == "on\n":
            wsfast.accelerate(peer)
        else:
            wsfast.restore(peer)
        tell("flipped")


def main(arguments: list[str]) -> None:
    if arguments[0] == "-a":
        import wsfast

        rows = wsfast.accelerate(arguments[1])
        if not rows[0].seam:
            sys.exit(rows[0].reason)
        del arguments[:2]
    elif arguments[0] == "-f":
        threading.Thread(target=flip, args=(arguments[1],), daemon=True).start()
        del arguments[:2]
    name, number = arguments
    if name in SERVERS:
        SERVERS[name](socket.socket(fileno=int(number)))
    else:
        CLIENTS[name](int(number))


if __name__ == "__main__":
    main(sys.argv[1:])
