"""What uvicorn's options and ASGI's messages do with our protocol, and with websockets-sansio.

``MESSAGES`` are applications and clients for one server; ``OPTIONS`` are settings, each with
its own servers.  What differs is listed in ``uvicorn_differences.py``.

Invariant: a scenario talks to a real socket, and everything that it can observe is compared:
the response, the frames, what the application sees, and the log.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from helpers import BINARY, CLOSE, PING, PONG, TEXT, frame
from loopback import SECONDS
from uvicorn_serving import DEFLATE, KEY, USUAL, Client

Act = Callable[[Any, Any], Awaitable[Any]]
Play = Callable[[Client, Any], "list[tuple[int, bytes]] | None"]
Seen = dict[str, Any]


class Scenario(NamedTuple):
    """An application, after ``websocket.connect``, and what its client does."""

    act: Act
    play: Play | None = None
    line: bytes = b"GET / HTTP/1.1"
    headers: tuple[bytes, ...] = USUAL


class Setting(NamedTuple):
    """Options of ``uvicorn.Config``, and what is done with them."""

    options: dict[str, Any]
    scenario: Scenario
    is_unix: bool = False


# Applications.

ACCEPT = {"type": "websocket.accept"}


def says(*messages: dict[str, Any]) -> Act:
    """Return an application that sends messages, and then takes an event if there is one."""

    async def act(receive: Any, send: Any) -> Any:
        for message in messages:
            await send(message)
        if messages and messages[-1]["type"] in ("websocket.close", "websocket.accept"):
            return await receive() and None
        return None

    return act


async def echo(receive: Any, send: Any) -> None:
    """Accept and echo."""
    await send(ACCEPT)
    while (event := await receive())["type"] == "websocket.receive":
        await send({**event, "type": "websocket.send"})


async def fails(receive: Any, send: Any) -> None:
    """Raise before any answer."""
    raise ZeroDivisionError


async def fails_later(receive: Any, send: Any) -> None:
    """Raise after accept."""
    await send(ACCEPT)
    raise ZeroDivisionError


async def returns_a_value(receive: Any, send: Any) -> Any:
    """Return what ASGI does not ask for."""
    await send(ACCEPT)
    return 7


async def sends_after_close(receive: Any, send: Any) -> None:
    """Send and close after close."""
    await send(ACCEPT)
    await send({"type": "websocket.close", "code": 3000, "reason": "done"})
    with contextlib.suppress(RuntimeError):
        await send({"type": "websocket.send", "text": "late"})
    await send({"type": "websocket.close"})


async def receives_after_the_end(receive: Any, send: Any) -> None:
    """Receive once more than there is."""
    await echo(receive, send)
    async with asyncio.timeout(0.2):
        await receive()


async def sends_after_the_end(receive: Any, send: Any) -> None:
    """Send to a client that closed."""
    await echo(receive, send)
    await send({"type": "websocket.send", "text": "late"})


def start(status: Any, *headers: tuple[Any, Any]) -> dict[str, Any]:
    """Return the message that begins a response."""
    return {"type": "websocket.http.response.start", "status": status, "headers": list(headers)}


def body(data: Any, **more: Any) -> dict[str, Any]:
    """Return a message with a part of the body."""
    return {"type": "websocket.http.response.body", "body": data, **more}


def sent(**fields: Any) -> Act:
    """Return an application that sends one message."""
    return says(ACCEPT, {"type": "websocket.send", **fields})


def closes(**fields: Any) -> Act:
    """Return an application that accepts and closes."""
    return says(ACCEPT, {"type": "websocket.close", **fields})


# Clients.


def wire(*pieces: bytes) -> Play:
    """Return a client that sends bytes."""

    def play(client: Client, running: Any) -> None:
        for piece in pieces:
            with contextlib.suppress(ConnectionError):
                client.send(piece)

    return play


def echoed(client: Client, running: Any) -> list[tuple[int, bytes]]:
    """Wait for the echo of each message, and close."""
    heard = []
    for opcode in (TEXT, BINARY):
        client.send(frame(opcode, b"x"))
        got = client.hear()
        assert got is not None
        heard.append((got.opcode, got.payload))
    client.send(BYE)
    return heard


def hangs_up(client: Client, running: Any) -> None:
    """Say nothing more."""
    client.socket.shutdown(socket.SHUT_RDWR)


def stops(client: Client, running: Any) -> None:
    """Stop the server."""
    running.server.should_exit = True


BYE = frame(CLOSE, b"\x03\xe8")
GOING = frame(CLOSE, b"\x03\xe9gone")


def changed(**change: bytes) -> tuple[bytes, ...]:
    """Return the usual headers, one of them another."""
    names = ("host", "upgrade", "connection", "version", "key")
    return tuple(change.get(name, header) for name, header in zip(names, USUAL, strict=True))


MESSAGES: dict[str, Scenario] = {
    "echo": Scenario(echo, echoed),
    "close without a code": Scenario(echo, wire(frame(CLOSE))),
    "close with a reason": Scenario(echo, wire(GOING)),
    "ping": Scenario(echo, wire(frame(PING, b"p"), BYE)),
    "pong that nobody asked for": Scenario(echo, wire(frame(PONG, b"p"), BYE)),
    "client hangs up": Scenario(echo, hangs_up),
    "text that is not UTF-8": Scenario(echo, wire(frame(TEXT, b"\xff"))),
    "opcode 3": Scenario(echo, wire(frame(3))),
    "no mask": Scenario(echo, wire(frame(TEXT, b"x", key=None))),
    "close code 1005 on the wire": Scenario(echo, wire(frame(CLOSE, b"\x03\xed"))),
    "accept with a subprotocol": Scenario(says({**ACCEPT, "subprotocol": "a"}), wire(BYE)),
    "accept with outer whitespace": Scenario(
        says({**ACCEPT, "subprotocol": " a ", "headers": [(b" x-a", b" 1\t")]}), wire(BYE)
    ),
    "accept with headers": Scenario(
        says({**ACCEPT, "headers": [(b"X-A", b"caf\xe9"), (b"set-cookie", b"a")]}), wire(BYE)
    ),
    "accept with fields that are None": Scenario(
        says({**ACCEPT, "headers": None, "subprotocol": None}), wire(BYE)
    ),
    "accept with a header that holds another": Scenario(
        says({**ACCEPT, "headers": [(b"x", b"1\r\ny: 2")]}), wire(BYE)
    ),
    "accept with a str as a header": Scenario(says({**ACCEPT, "headers": [("x", "1")]}), wire(BYE)),
    "accept with a subprotocol of bytes": Scenario(
        says({**ACCEPT, "subprotocol": b"a"}), wire(BYE)
    ),
    "accept twice": Scenario(says(ACCEPT, ACCEPT), wire(BYE)),
    "close before accept": Scenario(says({"type": "websocket.close", "code": 3000})),
    "send before accept": Scenario(says({"type": "websocket.send", "text": "x"})),
    "unknown type before accept": Scenario(says({"type": "nonsense"})),
    "message without a type": Scenario(says({"kind": "websocket.accept"}, {"type": "x"})),
    "unknown type after accept": Scenario(says(ACCEPT, {"type": "nonsense"})),
    "response": Scenario(says(start(401, (b"x-a", b"1")), body(b"no"))),
    "response with outer whitespace": Scenario(says(start(401, (b"x-a ", b" 1 ")), body(b"no"))),
    "response in pieces": Scenario(says(start(401), body(b"n", more_body=True), body(b"o"))),
    "response without a body": Scenario(says(start(401))),
    "response whose body has no end": Scenario(says(start(401), body(b"n", more_body=True))),
    "response with a body of str": Scenario(says(start(401), body("no"))),
    "response with a body of None": Scenario(says(start(401), body(None))),
    "response whose message has no body": Scenario(
        says(start(401), {"type": "websocket.http.response.body"})
    ),
    "response without headers": Scenario(
        says({"type": "websocket.http.response.start", "status": 401}, body(b"no"))
    ),
    "response without a status": Scenario(says({"type": "websocket.http.response.start"})),
    "response 204 with a body": Scenario(says(start(204), body(b"no"))),
    "response 304 with a body": Scenario(says(start(304), body(b"no"))),
    "response 100": Scenario(says(start(100), body(b"no"))),
    "response 101": Scenario(says(start(101), body(b""))),
    "response 600": Scenario(says(start(600), body(b""))),
    "response with a header that holds another": Scenario(
        says(start(401, (b"x", b"1\r\ny: 2")), body(b"no"))
    ),
    "response longer than it says": Scenario(
        says(start(401, (b"content-length", b"1")), body(b"no"))
    ),
    "response shorter than it says": Scenario(
        says(start(401, (b"content-length", b"3")), body(b"no"))
    ),
    "response after a response": Scenario(says(start(401), body(b"no"), body(b"more"))),
    "accept after the start of a response": Scenario(says(start(401), ACCEPT)),
    "send text": Scenario(sent(text="ü")),
    "send bytes": Scenario(sent(bytes=b"\xff")),
    "send both": Scenario(sent(text="t", bytes=b"b")),
    "send text and None": Scenario(sent(text="t", bytes=None)),
    "send bytes and None": Scenario(sent(text=None, bytes=b"b")),
    "send nothing": Scenario(sent()),
    "send None": Scenario(sent(text=None, bytes=None)),
    "send bytes as text": Scenario(sent(text=b"t")),
    "send str as bytes": Scenario(sent(bytes="b")),
    "send a number": Scenario(sent(bytes=3)),
    "send a lone surrogate": Scenario(sent(text="\ud800")),
    "close": Scenario(closes()),
    "close with 3000": Scenario(closes(code=3000, reason="done")),
    "close with a reason of None": Scenario(closes(reason=None)),
    "close with a code of None": Scenario(closes(code=None)),
    "close with 1006": Scenario(closes(code=1006)),
    "close with 999": Scenario(closes(code=999)),
    "close with a code of str": Scenario(closes(code="1000")),
    "close with a reason of 124 bytes": Scenario(closes(reason="x" * 124)),
    "send and close after close": Scenario(sends_after_close),
    "receive after the end": Scenario(receives_after_the_end, wire(BYE)),
    "send after the client closed": Scenario(sends_after_the_end, wire(BYE)),
    "send after the client hung up": Scenario(sends_after_the_end, hangs_up),
    "raise before accept": Scenario(fails),
    "raise after accept": Scenario(fails_later),
    "return before accept": Scenario(says()),
    "return after accept": Scenario(says(ACCEPT, {"type": "websocket.send", "text": "x"})),
    "return a value": Scenario(returns_a_value),
    "request with HEAD": Scenario(echo, line=b"HEAD / HTTP/1.1"),
    "request with POST": Scenario(echo, line=b"POST / HTTP/1.1"),
    "request with a body": Scenario(echo, headers=(*USUAL, b"Content-Length: 1")),
    "request of version 8": Scenario(echo, headers=changed(version=b"Sec-WebSocket-Version: 8")),
    "request without a version": Scenario(echo, headers=changed(version=b"X: y")),
    "request without a key": Scenario(echo, headers=changed(key=b"X: y")),
    "request with a short key": Scenario(
        echo, headers=changed(key=b"Sec-WebSocket-Key: dG9vIHNob3J0")
    ),
    "request with two keys": Scenario(echo, headers=(*USUAL, KEY)),
    "request with a header of 10,000 bytes": Scenario(
        echo, wire(BYE), headers=(*USUAL, b"X: " + 10_000 * b"x")
    ),
    "request with a path of 9,000 bytes": Scenario(
        echo, wire(BYE), line=b"GET /?" + 9_000 * b"p" + b" HTTP/1.1"
    ),
    "request with 150 headers": Scenario(echo, wire(BYE), headers=(*USUAL, *150 * [b"X: y"])),
    "request with a subprotocol that is empty": Scenario(
        echo, wire(BYE), headers=(*USUAL, b"Sec-WebSocket-Protocol: a,,b")
    ),
    "request with a bad extension header": Scenario(
        echo, headers=(*USUAL, b"Sec-WebSocket-Extensions: ,;=")
    ),
    "request with an extension that is unknown": Scenario(
        echo, wire(BYE), headers=(*USUAL, b"Sec-WebSocket-Extensions: x-foo")
    ),
}

ECHO = Scenario(echo, echoed)
DEFLATED = Scenario(echo, echoed, headers=DEFLATE)
FORWARDED = (*USUAL, b"X-Forwarded-For: 192.0.2.7", b"X-Forwarded-Proto: https")
PROXIED = Scenario(echo, wire(BYE), headers=FORWARDED)
REFUSED = Scenario(says(start(401), body(b"no")))


def idle(client: Client, running: Any) -> None:
    """Wait a while, in which a ping may come, and close."""
    time.sleep(0.1)
    client.send(BYE)


def waits(client: Client, running: Any) -> None:
    """Wait for a ping, and close."""
    got = client.hear()
    assert got is not None
    assert got.opcode == PING
    client.send(BYE)


async def deaf(receive: Any, send: Any) -> None:
    """Accept, and take no notice of anything for longer than a server waits."""
    await send(ACCEPT)
    await asyncio.sleep(2 * SECONDS)


def asgi2(scope: Any) -> Any:
    """The older kind of application: accept and close."""

    async def app(receive: Any, send: Any) -> None:
        await receive()
        await send(ACCEPT)
        await send({"type": "websocket.close"})

    return app


OPTIONS: dict[str, Setting] = {
    "uds": Setting({}, ECHO, is_unix=True),
    "loop asyncio": Setting({"loop": "asyncio"}, ECHO),
    "http h11": Setting({"http": "h11"}, ECHO),
    "http httptools": Setting({"http": "httptools"}, ECHO),
    "http httptools, 100,000 bytes of headers": Setting(
        {"http": "httptools"}, Scenario(echo, wire(BYE), headers=(*USUAL, b"X: " + 100_000 * b"x"))
    ),
    "ws_max_size 10": Setting({"ws_max_size": 10}, Scenario(echo, wire(frame(TEXT, 11 * b"x")))),
    "ws_max_size 0": Setting({"ws_max_size": 0}, Scenario(echo, wire(frame(TEXT, b"x")))),
    "ws_max_queue 0": Setting({"ws_max_queue": 0}, ECHO),
    "ws_max_queue 1": Setting({"ws_max_queue": 1}, ECHO),
    "ws_ping_interval None": Setting({"ws_ping_interval": None}, Scenario(echo, idle)),
    "ws_ping_interval 0": Setting({"ws_ping_interval": 0}, Scenario(echo, idle)),
    "ws_ping_interval -1": Setting({"ws_ping_interval": -1}, Scenario(echo, idle)),
    "ws_ping_interval 0.1": Setting({"ws_ping_interval": 0.1}, Scenario(echo, waits)),
    "ws_ping_timeout 0": Setting({"ws_ping_interval": 0.1, "ws_ping_timeout": 0}, Scenario(echo)),
    "ws_ping_timeout 0.05": Setting(
        {"ws_ping_interval": 0.05, "ws_ping_timeout": 0.05}, Scenario(echo)
    ),
    "ws_ping_timeout None": Setting(
        {"ws_ping_interval": 0.1, "ws_ping_timeout": None}, Scenario(echo, waits)
    ),
    "ws_per_message_deflate True": Setting({"ws_per_message_deflate": True}, DEFLATED),
    "ws_per_message_deflate False": Setting({"ws_per_message_deflate": False}, DEFLATED),
    "lifespan on": Setting({"lifespan": "on"}, ECHO),
    "lifespan off": Setting({"lifespan": "off"}, ECHO),
    "lifespan auto": Setting({"lifespan": "auto"}, ECHO),
    "log_level trace": Setting({"log_level": "trace"}, ECHO),
    "log_level critical": Setting({"log_level": "critical"}, ECHO),
    "access_log False": Setting({"access_log": False}, ECHO),
    "interface asgi2": Setting({"interface": "asgi2", "app": asgi2}, Scenario(echo)),
    "interface asgi3": Setting({"interface": "asgi3"}, ECHO),
    "factory": Setting(
        {"factory": True, "app": lambda: asgi2, "interface": "asgi2"}, Scenario(echo)
    ),
    "proxy_headers": Setting({}, PROXIED),
    "proxy_headers False": Setting({"proxy_headers": False}, PROXIED),
    "forwarded_allow_ips": Setting({"forwarded_allow_ips": "192.0.2.1"}, PROXIED),
    "server_header False": Setting({"server_header": False}, ECHO),
    "date_header False": Setting({"date_header": False}, ECHO),
    "server_header False, response": Setting({"server_header": False}, REFUSED),
    "headers": Setting({"headers": [("X-Foo", "bar")]}, ECHO),
    "headers, as the command line gives them": Setting({"headers": [("X-Foo", " bar")]}, ECHO),
    "headers, response": Setting({"headers": [("X-Foo", " bar")]}, REFUSED),
    "headers, the server's own": Setting({"headers": [("Server", "mine")]}, ECHO),
    "root_path": Setting({"root_path": "/mounted"}, ECHO),
    "limit_concurrency 1": Setting({"limit_concurrency": 1}, ECHO),
    "limit_max_requests 1": Setting({"limit_max_requests": 1}, ECHO),
    "timeout_keep_alive 0": Setting({"timeout_keep_alive": 0}, Scenario(echo, idle)),
    "server stops": Setting({}, Scenario(echo, stops)),
    "timeout_graceful_shutdown 0": Setting({"timeout_graceful_shutdown": 0}, Scenario(deaf, stops)),
    "h11_max_incomplete_event_size 100,000": Setting(
        {"h11_max_incomplete_event_size": 100_000, "http": "h11"},
        Scenario(echo, wire(BYE), headers=(*USUAL, b"X: " + 80_000 * b"x")),
    ),
    "reset_contextvars": Setting({"reset_contextvars": True}, ECHO),
}

# Options that no WebSocket protocol sees, and why; and those that other tests are about.
ELSEWHERE = {
    **dict.fromkeys(("host", "port", "fd", "backlog"), "the listening socket is the server's"),
    **dict.fromkeys(
        ("reload", "reload_dirs", "reload_delay", "reload_includes", "reload_excludes", "workers"),
        "the supervisor's; each process is a server as any other",
    ),
    **dict.fromkeys(
        ("timeout_notify", "callback_notify", "timeout_worker_healthcheck"), "the server's own"
    ),
    "limit_max_requests_jitter": "added to limit_max_requests",
    "env_file": "read before anything is served",
    "log_config": "which handlers the loggers have, not what is logged",
    "use_colors": "the handlers' own",
    "http2": "a WebSocket opens over HTTP/1.1 here; uvicorn has none over HTTP/2",
    "app": "every scenario has its own",
    "ws": "it is what is compared",
    **dict.fromkeys(
        (
            "ssl_keyfile",
            "ssl_certfile",
            "ssl_keyfile_password",
            "ssl_version",
            "ssl_cert_reqs",
            "ssl_ca_certs",
            "ssl_ciphers",
            "ssl_context_factory",
        ),
        "the server's context; test_tls opens connections with one",
    ),
}
