"""What can be observed of a scenario: the response, the frames, the application, the log."""

from __future__ import annotations

import contextlib
import logging
import re
import socket
import time
from typing import Any

from helpers import CLOSE, PING
from loopback import SECONDS
from uvicorn_serving import Client, Served
from uvicorn_table import Act, Scenario, Seen

# Lines of the server, which come when its thread runs, and those of the library websockets
# about its own connection: "connection open" and what it logs for debugging.
NOT_OURS = ("Started", "Shutting", "Finished", "Waiting", "connection open", "connection rejected")
DATE = re.compile(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT")


def headers_of(client: Client) -> list[tuple[str, str]]:
    """Return the headers of a response in order, without what differs from one to the next."""
    found = []
    for line in client.head[1:]:
        name, _, value = line.decode("latin-1").partition(":")
        found.append((name.lower(), DATE.sub("DATE", value.strip())))
    return sorted(found)


def frames_of(client: Client) -> list[tuple[int, bytes]]:
    """Return the frames until the end, pings once, and answer a close frame."""
    found: list[tuple[int, bytes]] = []
    with contextlib.suppress(ConnectionError):
        while (got := client.hear()) is not None:
            if got.opcode == PING:
                if (PING, b"") not in found:
                    found.append((PING, b""))
                continue
            found.append((got.opcode, got.payload))
            if got.opcode == CLOSE:
                client.say(CLOSE, got.payload)
                with contextlib.suppress(OSError):
                    client.socket.shutdown(socket.SHUT_WR)
    return found


class Log(logging.Handler):
    """What is logged, without addresses."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line."""
        if record.getMessage().startswith(NOT_OURS) or record.levelno == logging.DEBUG:
            return
        text = re.sub(r"\d+\.\d+\.\d+\.\d+:\d+|unknown:0", "CLIENT", record.getMessage())
        error = f" ({record.exc_info[0].__name__})" if record.exc_info else ""  # type: ignore[union-attr]
        self.lines.append(f"{record.levelname}: {text.strip()[:300]}{error}")


async def lifespan(scope: Any, receive: Any, send: Any) -> None:
    """Leave something for the requests."""
    await receive()
    scope["state"]["left by"] = "lifespan"
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await send({"type": "lifespan.shutdown.complete"})


def watched(act: Act, seen: list[Any]) -> Any:
    """Return an application that notes all it is told, and what becomes of it."""

    async def app(scope: Any, receive: Any, send: Any) -> Any:
        if scope["type"] == "lifespan":
            await lifespan(scope, receive, send)
            return None
        told = {key: value for key, value in scope.items() if key not in ("client", "server")}
        told["headers"] = len(scope["headers"])
        told["client"], told["server"] = bool(scope["client"]), bool(scope["server"])
        seen.append(told)

        async def noted_receive() -> Any:
            event = await receive()
            seen.append(event)
            return event

        async def noted_send(message: Any) -> None:
            try:
                await send(message)
            except Exception as error:
                seen.append(f"{type(error).__name__}: {str(error)[:100]}")
                raise

        assert (await receive())["type"] == "websocket.connect"
        try:
            result = await act(noted_receive, noted_send)
        except BaseException as error:
            seen.append(type(error).__name__)
            raise
        seen.append(result)
        return result

    return app


def observe(scenario: Scenario, running: Served, log: Log, seen: list[Any]) -> Seen:
    """Play a scenario; return what was observed of it."""
    with running.client(scenario.line, scenario.headers) as client:
        found: Seen = {"status": client.status if client.head else None}
        found["headers"] = headers_of(client)
        if client.head and client.status == 101:
            heard = scenario.play(client, running) if scenario.play is not None else None
            found["frames"] = (heard or []) + frames_of(client)
        else:
            with contextlib.suppress(ConnectionError):
                found["body"] = client.rest()
    state, over = running.server.server_state, time.monotonic() + SECONDS
    while state.tasks or (state.connections and not running.server.should_exit):
        assert time.monotonic() < over, "the connection does not end"
        time.sleep(0.002)
    return {**found, "application": list(seen), "log": list(log.lines)}
