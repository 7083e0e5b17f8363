"""The application's side of a connection: ASGI, version 2.4 of its specification.

Invariant: an application gets the same scope and events as from uvicorn's own protocols, and
the same errors for a message that it must not send.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.utils import (
    ClientDisconnected,
    get_client_addr,
    get_local_addr,
    get_remote_addr,
    is_ssl,
)

from ... import MessageDecoder, PerMessageDeflate, Text, encode_frame
from ._closing import LINGER, ClosingWire
from ._opening import Headers, Opening, Refused, agree, new_scope
from ._wire import OPEN, OVER, Stage

if TYPE_CHECKING:
    from uvicorn.config import Config
    from uvicorn.server import ServerState


class WebSocketProtocol(ClosingWire):
    """A WebSocket protocol for uvicorn's option ``--ws``.

    Args:
        config: uvicorn's configuration; it uses the application and ``ws_max_size``,
            ``ws_max_queue``, ``ws_ping_interval``, ``ws_ping_timeout`` and
            ``ws_per_message_deflate``.
        server_state: the state that uvicorn's server shares with its connections.
        app_state: the state that the application's lifespan left for its requests.

    Attributes:
        compression: the ``PerMessageDeflate`` that negotiates; a subclass can set another.
    """

    # As uvicorn's own protocols offer it: windows of 4 KiB, so that many connections fit.
    compression = PerMessageDeflate(
        "server", server_max_window_bits=12, client_max_window_bits=12, mem_level=5
    )

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        if not config.loaded:
            config.load()
        super().__init__(config, _loop or asyncio.get_event_loop())
        self.app: Any = config.loaded_app
        self.app_state = app_state
        self.connections: set[Any] = server_state.connections
        self.tasks = server_state.tasks
        self.default_headers = server_state.default_headers
        self._opening = Opening(config.h11_max_incomplete_event_size)
        self._extension: Headers = []  # those that were negotiated
        self._response: tuple[int, Headers] | None = None  # whose head is not yet sent
        self._connect = False  # whether the application is still to be told of the request
        self._app_closed = False
        self._told = False  # whether the application was told of the end

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self.connections.add(self)
        super().connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the server and the application."""
        self.connections.discard(self)
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """Close with 1012: the server stops or restarts."""
        if self._stage is OPEN:
            self._end(1012)
            self._close(1012, "", LINGER)
            return
        self._refuse_if_unanswered(500, b"Internal Server Error")
        self._stage = OVER
        self._hang_up(LINGER)

    # The opening handshake.

    def _opening_data(self, data: bytes) -> None:
        try:
            request = self._opening.receive(data)
            if request is None:
                return
            headers = list(request.headers)
            if self.config.ws_per_message_deflate:
                self._extension, self._deflate = agree(headers, self.compression)
        except Refused as refused:
            self.logger.warning("Opening handshake refused: %s", refused)
            self._respond(refused.status, refused.headers, f"{refused}\n".encode())
            return
        config, transport = self.config, self.transport
        self.scope = new_scope(request, headers, config.root_path) | {
            "asgi": {"version": config.asgi_version, "spec_version": "2.4"},
            "scheme": "wss" if is_ssl(transport) else "ws",
            "server": get_local_addr(transport),
            "client": get_remote_addr(transport),
            "state": self.app_state.copy(),
        }
        self._decoder = MessageDecoder(
            "server", max_message_size=config.ws_max_size, deflate=self._deflate
        )
        self._stage = Stage.CONNECTING
        self._connect = True
        if self._opening.early:
            self.data_received(self._opening.early)
        task = self.loop.create_task(self._run())
        task.add_done_callback(self.tasks.discard)
        self.tasks.add(task)

    def _respond(self, status: int, headers: Headers, body: bytes) -> None:
        """Answer the request with plain HTTP, and hang up."""
        data = self._opening.respond(status, headers, body)
        self._stage = OVER
        if not self.transport.is_closing():
            self.transport.write(data)
        self._close_transport()

    def _refuse_if_unanswered(self, status: int, body: bytes) -> None:
        if self._stage in (Stage.CONNECTING, Stage.RESPONDING) and self._opening.can_respond:
            self._respond(status, [], body)

    def _log(self, outcome: str) -> None:
        client = get_client_addr(self.scope)
        self.logger.info('%s - "WebSocket %s" %s', client, self._path(), outcome)

    # The application.

    async def _run(self) -> None:
        try:
            result = await self.app(self.scope, self.receive, self.send)
        except ClientDisconnected:
            self._app_ended(1000)
        except BaseException:  # the server must go on, whatever was raised
            self.logger.exception("Exception in ASGI application\n")
            self._app_ended(1011)
        else:
            if self._stage in (Stage.CONNECTING, Stage.RESPONDING):
                self.logger.error("ASGI callable returned without completing handshake.")
            elif result is not None:
                self.logger.error("ASGI callable should return None, but returned '%s'.", result)
            self._app_ended(1000 if result is None else 1011)

    def _app_ended(self, code: int) -> None:
        """Close a connection that the application left open."""
        if self._last is not None and code == 1000:
            self._conclude()
        elif self._stage is OPEN and not self.transport.is_closing():
            self._close(code, "", self.close_timeout)
        self._refuse_if_unanswered(500, b"Internal Server Error")
        if self.close_timer is None:
            self._close_transport()

    async def receive(self) -> dict[str, Any]:
        """Return the next event for the application; after the end, always the last event."""
        if self._connect:
            self._connect = False
            return {"type": "websocket.connect"}
        queue = self._queue
        while not queue:
            self._owes = False
            if self._last is not None:
                self._conclude()
            if self._ending is not None:
                if self._told:  # an application that ignores it must not keep others waiting
                    await asyncio.sleep(0)
                self._told = True
                return self._ending.copy()
            self._gathered.begin()
            waiter = self.loop.create_future()
            self._waiters.append(waiter)
            try:
                await waiter
            except asyncio.CancelledError:
                if waiter in self._waiters:
                    self._waiters.remove(waiter)
                raise
        event = queue.popleft()
        data = event.data
        self._queued -= len(data)
        self._owes = True
        if self._paused and not queue:
            self._resume_reading()
        if type(event) is Text:
            return {"type": "websocket.receive", "text": data}
        return {"type": "websocket.receive", "bytes": data}

    async def send(self, message: Any) -> None:
        """Take a message of the application.

        Raises:
            ClientDisconnected: nothing can be sent any more.
            RuntimeError: such a message must not be sent now.
        """
        if self._full:
            await self._writable.wait()
        if self._stage is not OPEN or message["type"] != "websocket.send":
            self._send_other(message)
            return
        try:
            frame = self._frame(message)
            if not self.transport.is_closing():
                if self._owes:
                    self._owes = False
                self._write(frame)
                return
        except BaseException:
            if self._deflate is not None:
                self._deflate.forget()
            raise
        raise ClientDisconnected

    def _frame(self, message: Any) -> bytes:
        """Return the frame of a message for the client."""
        opcode, data = 2, message.get("bytes")
        if data is None:
            opcode, data = 1, message.get("text")
            if not isinstance(data, str):
                raise TypeError("'websocket.send' needs 'bytes', or 'text' that is a str")
        elif isinstance(data, str):
            raise TypeError("'bytes' of 'websocket.send' must be a bytes-like object, not str")
        if self._deflate is not None:
            compressed = self._deflate.compress(data)
            if compressed is not None:
                return encode_frame(opcode, compressed, rsv1=True)
        return encode_frame(opcode, data)

    def _send_other(self, message: Any) -> None:
        stage, kind = self._stage, message["type"]
        if self._lost:
            raise ClientDisconnected
        if self._app_closed:
            raise RuntimeError(
                f"Unexpected ASGI message '{kind}', after sending 'websocket.close'."
            )
        if stage is Stage.CONNECTING:
            self._answer(message)
        elif stage is Stage.RESPONDING:
            self._send_body(message)
        elif kind == "websocket.close":
            if stage is OPEN:  # else it is closed already
                code, reason = message.get("code"), message.get("reason") or ""
                self._close(1000 if code is None else code, reason, self.close_timeout)
                self._app_closed = True
        elif stage is OPEN:
            raise RuntimeError(
                f"Expected ASGI message 'websocket.send' or 'websocket.close', but got '{kind}'."
            )
        else:
            raise ClientDisconnected

    def _answer(self, message: Any) -> None:
        """Take the application's answer to the request."""
        kind = message["type"]
        if kind == "websocket.accept":
            self._accept(message)
        elif kind == "websocket.close":
            self._log("403")
            self._respond(403, [], b"")
            self._app_closed = True
            self._end(1006)
        elif kind == "websocket.http.response.start":
            status, headers = message["status"], list(message.get("headers") or [])
            if not 200 <= status < 600:
                raise RuntimeError(f"Invalid HTTP status code '{status}' in response.")
            self._log(str(status))
            self._stage = Stage.RESPONDING
            self._response = status, headers
            if any(name.strip().lower() == b"content-length" for name, _ in headers):
                self._write_body(b"", more=True)  # no need to wait for the length
        else:
            raise RuntimeError(
                "Expected ASGI message 'websocket.accept', 'websocket.close' "
                f"or 'websocket.http.response.start' but got '{kind}'."
            )

    def _accept(self, message: Any) -> None:
        headers = self._extension + self.default_headers + list(message.get("headers") or [])
        if subprotocol := message.get("subprotocol"):
            headers.append((b"Sec-WebSocket-Protocol", subprotocol.strip().encode()))
        if self.transport.is_closing():
            raise ClientDisconnected
        response = self._opening.accept(headers)
        self._log("[accepted]")
        self._stage = OPEN
        del self._opening  # h11's buffers, which no open connection needs
        self.transport.write(response)
        self._keepalive.start()
        self._resume_reading()

    def _send_body(self, message: Any) -> None:
        if message["type"] != "websocket.http.response.body":
            raise RuntimeError(
                f"Expected ASGI message 'websocket.http.response.body' but got '{message['type']}'."
            )
        more = message.get("more_body", False)
        body = message.get("body", b"")
        if not isinstance(body, (bytes, bytearray)):
            raise TypeError(f"'body' must be bytes, not {type(body).__name__}")
        self._write_body(bytes(body), more)
        if not more:
            self._stage = OVER
            self._app_closed = True
            self._end(1006)
            self._close_transport()

    def _write_body(self, body: bytes, more: bool) -> None:
        if self._response is None:
            data = self._opening.respond_more(body, more)
        else:
            data = self._opening.respond(*self._response, body, more)
            self._response = None
        if not self.transport.is_closing():
            self.transport.write(data)
