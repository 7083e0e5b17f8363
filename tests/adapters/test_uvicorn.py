"""uvicorn with our protocol, beside the same uvicorn with its ``websockets-sansio``.

What both do alike runs on both; where ours is to differ, only ours runs.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import logging
import os
import socket
import ssl
import subprocess
import sys
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("uvicorn")
pytest.importorskip("websockets")

import uvicorn
from loopback import SECONDS, Frame
from serving import (
    OURS,
    SANSIO,
    USUAL,
    App,
    Served,
    accepted,
    does,
    echo,
    served,
    until,
)
from uvicorn.protocols.utils import ClientDisconnected

from helpers import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, frame, header
from wsfast.adapters.uvicorn import WebSocketProtocol, _wire

CLOSED = b"\x03\xe8"
TEXTS = ["", "plain", "größer", "日本語" * 700, "🙂" * 20_000, "x" * (1 << 20)]
DEFLATE = (*USUAL, b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits")

both = pytest.mark.parametrize("ws", [OURS, SANSIO], ids=["wsfast", "sansio"])
loops = pytest.mark.parametrize(
    "loop",
    [
        "asyncio",
        pytest.param(
            "uvloop",
            marks=pytest.mark.skipif(
                importlib.util.find_spec("uvloop") is None, reason="uvloop is not installed"
            ),
        ),
    ],
)


def scope_told(running: Served) -> App:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        running.told.put(scope)
        await receive()
        await send({"type": "websocket.accept"})

    return app


def unmasked(payload: bytes) -> bytes:
    """Return a frame masked with zeros: made sooner than others where there are megabytes."""
    return header(0x80 | BINARY, len(payload), key=bytes(4)) + payload


APP = """
async def app(scope, receive, send):
    await receive()
    await send({"type": "websocket.accept"})
    while (event := await receive())["type"] == "websocket.receive":
        await send({**event, "type": "websocket.send"})
"""


@pytest.mark.skipif(
    tuple(map(int, uvicorn.__version__.split(".")[:2])) < (0, 36),
    reason="this uvicorn does not take the name of a class",
)
def test_command_line(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(APP)
    command = [sys.executable, "-m", "uvicorn", "program:app", "--ws", OURS, "--port", "0"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path[1:])}
    with subprocess.Popen(
        [*command, "--lifespan", "off", "--no-use-colors"],
        cwd=tmp_path,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stderr is not None
            line = next(line for line in process.stderr if "Uvicorn running on" in line)
            running = Served(int(line.split(":")[3].split()[0]), None, None)  # type: ignore[arg-type]
            with running.client() as client:
                client.say(TEXT, b"caf\xc3(")
                assert client.farewell() == (1007, REASONS["at once"])
            with running.client() as client:
                client.say(TEXT, b"to and fro")
                assert client.hear() == Frame(TEXT, b"to and fro", True)
                process.terminate()
                assert client.farewell() == (1012, "")
            log = process.stderr.read()
            assert f'"WebSocket /" closed with 1007: {REASONS["at once"]}' in log
            assert "Traceback" not in log
        finally:
            process.kill()


# The opening handshake.


@pytest.mark.parametrize("http", ["h11", "httptools"])
@pytest.mark.parametrize(
    ("line", "headers"),
    [
        (b"GET / HTTP/1.1", ()),
        (b"GET /caf%C3%A9/%2F?q=%20&r HTTP/1.1", (b"X-Twice: 1", b"x-TWICE: 2 ")),
        (b"GET /chat HTTP/1.1", (b"Sec-WebSocket-Protocol: a, b", b"Sec-WebSocket-Protocol:c")),
        (b"GET /x? HTTP/1.1", (b"X-Latin: caf\xe9", b"Cookie: a=b; c=d", b"Origin: http://o")),
        (b"GET /x HTTP/1.1", (b"X-Forwarded-For: 192.0.2.7", b"X-Forwarded-Proto: https")),
    ],
    ids=["plain", "path", "subprotocols", "latin-1", "proxy"],
)
def test_scope_as_sansio(http: str, line: bytes, headers: tuple[bytes, ...]) -> None:
    if http == "httptools":
        pytest.importorskip("httptools")
    scopes = []
    for ws in (OURS, SANSIO):
        with served(scope_told, ws, http=http, root_path="/mounted") as running:
            with running.client(line, (*USUAL, *headers)) as client:
                assert client.status == 101
                port = client.socket.getsockname()[1]
            scope = running.next()
            assert scope["server"] == ("127.0.0.1", running.port)
            if b"proxy" not in line and scope["client"][1]:
                assert scope["client"] == ("127.0.0.1", port)
            del scope["server"], scope["client"]
            scopes.append(scope)
    assert scopes[0] == scopes[1]


@both
@loops
def test_response_has_subprotocol_and_headers(ws: str, loop: str) -> None:
    async def app(receive: Any, send: Any, running: Served) -> None:
        headers = [(b"X-One", b"1"), (b"set-cookie", b"a"), (b"set-cookie", b"caf\xe9")]
        await send({"type": "websocket.accept", "subprotocol": "chat", "headers": headers})
        await receive()

    offers = (*USUAL, b"Sec-WebSocket-Protocol: other, chat")
    with served(does(app), ws, loop=loop) as running, running.client(headers=offers) as client:
        assert client.status == 101
        assert client.header("sec-websocket-accept") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        assert client.header("sec-websocket-protocol") == "chat"
        assert (client.header("upgrade") or "").lower() == "websocket"
        assert (client.header("connection") or "").lower() == "upgrade"
        assert client.header("x-one") == "1"
        assert client.header("set-cookie") == "a, café"
        assert client.header("server") == "uvicorn"
        assert client.header("date")
        assert client.header("sec-websocket-extensions") is None


@pytest.mark.parametrize(
    ("line", "change", "status"),
    [
        (b"GET / HTTP/1.1", {3: b"Sec-WebSocket-Version: 8"}, 426),
        (b"GET / HTTP/1.1", {3: b"X-No: version"}, 426),
        (b"GET / HTTP/1.1", {4: b"X-No: key"}, 400),
        (b"GET / HTTP/1.1", {4: b"Sec-WebSocket-Key: dG9vIHNob3J0"}, 400),
        (b"GET / HTTP/1.1", {4: b"Sec-WebSocket-Key: !!!!IHNhbXBsZSBub25jZQ=="}, 400),
        (b"GET / HTTP/1.1", {0: b"Host: a\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="}, 400),
        (b"POST / HTTP/1.1", {}, 405),
        (b"GET / HTTP/1.1", {0: b"Host: a\r\nContent-Length: 5"}, 400),
        (b"GET / HTTP/1.1", {0: b"Host: a\r\nSec-WebSocket-Extensions: ,;="}, 400),
    ],
    ids=["version", "no version", "no key", "short", "no base64", "two", "POST", "body", "grammar"],
)
def test_bad_handshake_is_refused_and_the_application_not_asked(
    line: bytes, change: dict[int, bytes], status: int
) -> None:
    headers = tuple(change.get(number, header) for number, header in enumerate(USUAL))
    with served(echo) as running:
        with running.client(line, headers) as client:
            assert client.status == status
            assert client.header("connection") == "close"
            assert client.header("content-length") == str(len(client.rest()))
            if status == 426:
                assert client.header("sec-websocket-version") == "13"
            if status == 405:
                assert client.header("allow") == "GET"
        assert running.told.empty()


@both
def test_close_before_accept_is_403(ws: str) -> None:
    async def app(receive: Any, send: Any, running: Served) -> Any:
        await send({"type": "websocket.close"})
        return (await receive())["code"] and None

    with served(does(app), ws) as running, running.client() as client:
        assert client.status == 403
        assert client.header("content-length") == "0"
        assert client.rest() == b""
        assert running.next() is None


@both
@pytest.mark.parametrize(
    ("headers", "bodies"),
    [
        ([], [b"no entry"]),
        ([(b"content-type", b"application/json"), (b"X-Why", b"not yours")], [b"{}"]),
        ([(b"Content-Length", b"6")], [b"abc", b"", b"def"]),
        ([], [b"abc", b"def"]),
        ([], [b""]),
    ],
    ids=["text", "headers", "length", "pieces", "empty"],
)
def test_response_instead_of_accept(
    ws: str, headers: list[tuple[bytes, bytes]], bodies: list[bytes]
) -> None:
    async def app(receive: Any, send: Any, running: Served) -> Any:
        start = {"type": "websocket.http.response.start", "status": 401, "headers": headers}
        await send(start)
        for number, body in enumerate(bodies):
            more = number < len(bodies) - 1
            part = {"type": "websocket.http.response.body", "body": body, "more_body": more}
            await send(part)
        running.told.put(await receive())

    with served(does(app), ws) as running, running.client() as client:
        assert client.status == 401
        assert client.header("connection") == "close"
        assert client.header("date")
        for name, value in headers:
            assert client.header(name.decode().lower()) == value.decode()
        if not any(name == b"content-type" for name, _ in headers):
            assert client.header("content-type") == "text/plain; charset=utf-8"
        body = client.rest()
        if client.header("transfer-encoding") == "chunked":
            body = b"".join(body.split(b"\r\n")[1::2])
        assert body == b"".join(bodies)
        assert running.next() == {"type": "websocket.disconnect", "code": 1006}


@both
@pytest.mark.parametrize(
    "message",
    [
        {"type": "websocket.send", "text": "too early"},
        {"type": "websocket.http.response.body", "body": b""},
        {"type": "websocket.http.response.start", "status": 999, "headers": []},
        {"type": "nonsense"},
    ],
    ids=["send", "body", "status", "nonsense"],
)
def test_wrong_message_before_accept_is_an_error_and_500(ws: str, message: Any) -> None:
    async def app(receive: Any, send: Any, running: Served) -> None:
        await send(message)

    with served(does(app), ws) as running, running.client() as client:
        assert client.status == 500
        assert client.rest() == b"Internal Server Error"
        error = running.next()
        assert type(error) is RuntimeError
        expected = "Invalid HTTP status" if "status" in message else "Expected ASGI message"
        assert str(error).startswith(expected)


@both
def test_return_before_accept_is_500(ws: str, caplog: pytest.LogCaptureFixture) -> None:
    async def app(receive: Any, send: Any, running: Served) -> None:
        return None

    with served(does(app), ws) as running, running.client() as client:
        assert client.status == 500
        assert client.rest() == b"Internal Server Error"
    assert "ASGI callable returned without completing handshake." in caplog.messages


def test_header_injection_is_an_error() -> None:
    async def app(receive: Any, send: Any, running: Served) -> None:
        await send({"type": "websocket.accept", "headers": [(b"X", b"a\r\nX-Injected: 1")]})

    with served(does(app)) as running, running.client() as client:
        assert client.status == 500
        assert client.header("x-injected") is None


def test_frames_that_come_before_the_answer_wait_for_it() -> None:
    async def app(receive: Any, send: Any, running: Served) -> Any:
        (connection,) = running.server.server_state.connections
        running.told.put("asked")
        await until(lambda: connection._unread)
        await send({"type": "websocket.accept"})
        return [(await receive())["text"], (await receive())["text"]]

    with served(does(app)) as running, socket.socket() as sock:
        sock.connect(("127.0.0.1", running.port))
        sock.sendall(b"\r\n".join((b"GET / HTTP/1.1", *USUAL)) + b"\r\n\r\n")
        assert running.next() == "asked"
        sock.sendall(frame(TEXT, b"one"))
        sock.sendall(frame(TEXT, b"two"))
        assert running.next() == ["one", "two"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([(b"X", b"a\r\nX-Injected: 1")], 500),
        ([(b"Transfer-Encoding", b"gzip")], 500),
        ([(b"Content-Length", b"3")], 401),
    ],
    ids=["injection", "coding", "longer than it says"],
)
def test_response_that_can_not_be_sent_is_an_error(
    headers: list[tuple[bytes, bytes]], status: int
) -> None:
    async def app(receive: Any, send: Any, running: Served) -> None:
        start = {"type": "websocket.http.response.start", "status": 401, "headers": headers}
        await send(start)
        await send({"type": "websocket.http.response.body", "body": b"four"})

    with served(does(app)) as running, running.client() as client:
        assert client.status == status
        assert b"Injected" not in b"".join(client.head)
        assert isinstance(running.next(), Exception)


def test_host_is_needed() -> None:
    pytest.importorskip("httptools")
    headers = (b"X-No: host", *USUAL[1:])
    with served(echo, http="httptools") as running, running.client(headers=headers) as client:
        assert client.status == 400
        assert b"Host" in client.rest()


@pytest.fixture
def tls(tmp_path: Path) -> tuple[dict[str, str], ssl.SSLContext]:
    """The options of a server with TLS, and the context of a client for it."""
    trustme = pytest.importorskip("trustme")
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost")
    chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    certificate.cert_chain_pems[0].write_to_path(chain)
    certificate.private_key_pem.write_to_path(key)
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return {"ssl_certfile": str(chain), "ssl_keyfile": str(key)}, context


@loops
def test_tls(loop: str, tls: tuple[dict[str, str], ssl.SSLContext]) -> None:
    files, context = tls
    with served(echo, loop=loop, **files) as running:
        with running.client(context=context) as client:
            for text in TEXTS:
                client.say(TEXT, text.encode())
                assert client.hear_message() == (TEXT, text.encode())
            client.say(TEXT, b"caf\xc3(")
            assert client.farewell() == (1007, REASONS["at once"])
        assert running.next()["code"] == 1007
    with served(scope_told, loop=loop, **files) as running, running.client(context=context):
        assert running.next()["scheme"] == "wss"


@loops
@pytest.mark.parametrize("end", ["close", "violation", "hang up", "application", "shutdown"])
def test_tls_connection_is_lost_without_a_fault(
    loop: str,
    end: str,
    tls: tuple[dict[str, str], ssl.SSLContext],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(1, "uvicorn.error")
    files, context = tls

    async def app(receive: Any, send: Any, running: Served) -> Any:
        (connection,) = running.server.server_state.connections
        running.told.put(connection)
        while end != "application" and (await receive())["type"] != "websocket.disconnect":
            pass

    with served(accepted(app), loop=loop, **files) as running:
        with running.client(context=context) as client:
            connection = running.next()
            if end in ("close", "violation"):
                client.send(frame(CLOSE) if end == "close" else frame(3))
            if end == "shutdown":
                running.server.should_exit = True
            if end != "hang up":
                client.farewell()
        assert running.next() is None
        over = time.monotonic() + SECONDS
        while not connection._lost:
            assert time.monotonic() < over
            time.sleep(0.005)
    assert not [record for record in caplog.records if record.name == "asyncio"]


# Messages.


@both
@loops
@pytest.mark.parametrize("headers", [USUAL, DEFLATE], ids=["plain", "deflate offered"])
def test_messages_come_back(ws: str, loop: str, headers: tuple[bytes, ...]) -> None:
    options = {"ws_per_message_deflate": headers is DEFLATE, "ws_ping_interval": None}
    with served(echo, ws, loop=loop, **options) as running:
        with running.client(headers=headers) as client:
            inflate = lambda payload: payload  # noqa: E731
            if headers is DEFLATE:
                extension = client.header("sec-websocket-extensions") or ""
                assert extension.startswith("permessage-deflate")
                assert "server_max_window_bits=12" in extension
                assert "client_max_window_bits=12" in extension
                stream = zlib.decompressobj(-12)
                inflate = lambda payload: stream.decompress(payload + b"\0\0\xff\xff")  # noqa: E731
            for text in TEXTS:
                for opcode in (TEXT, BINARY):
                    client.say(opcode, text.encode())
                    answered = client.hear_rsv1()
                    octets = answered[1]
                    if answered[2]:
                        octets = inflate(octets)
                    assert (answered[0], octets) == (opcode, text.encode())
            client.say(CLOSE, CLOSED)
            assert client.farewell() == (1000, "")
        assert running.next() == {"type": "websocket.disconnect", "code": 1000, "reason": ""}


@both
@loops
def test_fragments_with_pings_between(ws: str, loop: str) -> None:
    octets = "日本語🙂".encode()
    with served(echo, ws, loop=loop) as running, running.client() as client:
        for i in range(len(octets)):
            fin = i == len(octets) - 1
            client.say(CONTINUATION if i else TEXT, octets[i : i + 1], fin=fin)
            if not fin:
                client.say(PING, b"%d" % i)
                assert client.hear() == Frame(PONG, b"%d" % i, True)
        assert client.hear() == Frame(TEXT, octets, True)


@both
@loops
def test_many_messages_in_one_read_come_back_in_order(ws: str, loop: str) -> None:
    wire = b"".join(
        frame(TEXT, b"%d" % i) + (frame(PING, b"%d" % i) if i % 100 == 7 else b"")
        for i in range(3000)
    )
    with served(echo, ws, loop=loop) as running, running.client() as client:
        client.send(wire + frame(CLOSE, CLOSED))
        texts, pongs = [], []
        while (got := client.hear()) is not None and got.opcode != CLOSE:
            (texts if got.opcode == TEXT else pongs).append(int(got.payload))
        assert got is not None
        # Messages behind a close frame in one read can't be answered any more.
        assert texts == list(range(len(texts)))
        assert pongs == list(range(7, 3000, 100))[: len(pongs)]


def test_a_burst_is_answered_in_order_and_whole() -> None:
    wire = b"".join(frame(TEXT, b"%d" % i) for i in range(5000))
    with served(echo) as running, running.client() as client:
        client.send(wire)
        assert [client.hear_message()[1] for _ in range(5000)] == [b"%d" % i for i in range(5000)]


@loops
@pytest.mark.parametrize("end", [frame(CLOSE, CLOSED), frame(3)], ids=["close", "violation"])
def test_what_came_before_the_end_in_one_read_is_answered(loop: str, end: bytes) -> None:
    with served(echo, loop=loop) as running, running.client() as client:
        client.send(frame(TEXT, b"one") + frame(TEXT, b"two") + end)
        assert client.hear() == Frame(TEXT, b"one", True)
        assert client.hear() == Frame(TEXT, b"two", True)
        assert client.farewell()[0] in (1000, 1002)
        assert running.next()["code"] in (1000, 1002)


@loops
@pytest.mark.parametrize("end", [frame(CLOSE, CLOSED), frame(3)], ids=["close", "violation"])
def test_application_closes_in_the_turn_that_it_has_before_the_end(loop: str, end: bytes) -> None:
    async def app(receive: Any, send: Any, running: Served) -> Any:
        await receive()
        await send({"type": "websocket.close", "code": 3000})
        return await receive()

    with served(accepted(app), loop=loop) as running, running.client() as client:
        client.send(frame(TEXT, b"one") + end)
        assert client.hear() == Frame(CLOSE, b"\x0b\xb8", True)
        client.socket.shutdown(socket.SHUT_WR)
        assert client.hear() is None
        assert running.next() == {"type": "websocket.disconnect", "code": 3000, "reason": ""}


@both
@pytest.mark.parametrize(
    ("message", "opcode", "payload"),
    [
        ({"text": "über"}, TEXT, "über".encode()),
        ({"text": "über", "bytes": None}, TEXT, "über".encode()),
        ({"bytes": b"\0\xff", "text": None}, BINARY, b"\0\xff"),
        ({"bytes": bytearray(b"ab")}, BINARY, b"ab"),
        ({"bytes": memoryview(b"ab")}, BINARY, b"ab"),
        ({"bytes": b"wins", "text": "loses"}, BINARY, b"wins"),
        ({"text": ""}, TEXT, b""),
        ({"bytes": b""}, BINARY, b""),
    ],
)
def test_what_can_be_sent(ws: str, message: dict[str, Any], opcode: int, payload: bytes) -> None:
    async def app(receive: Any, send: Any, running: Served) -> None:
        await send({"type": "websocket.send", **message})
        await receive()

    with served(accepted(app), ws) as running, running.client() as client:
        assert client.hear() == Frame(opcode, payload, True)


@pytest.mark.parametrize(
    "message",
    [{}, {"text": None}, {"text": b"octets"}, {"bytes": "text"}, {"text": "\ud800"}, {"bytes": 3}],
)
def test_what_can_not_be_sent_is_an_error_and_1011(message: dict[str, Any]) -> None:
    async def app(receive: Any, send: Any, running: Served) -> None:
        await send({"type": "websocket.send", **message})

    with served(accepted(app)) as running, running.client() as client:
        assert client.farewell() == (1011, "")
        assert isinstance(running.next(), TypeError | ValueError)


@both
@pytest.mark.parametrize("kind", ["websocket.accept", "websocket.http.response.start", "nonsense"])
def test_wrong_message_after_accept_is_an_error(ws: str, kind: str) -> None:
    async def app(receive: Any, send: Any, running: Served) -> None:
        await send({"type": kind})

    with served(accepted(app), ws) as running, running.client() as client:
        error = running.next()
        assert str(error) == (
            f"Expected ASGI message 'websocket.send' or 'websocket.close', but got '{kind}'."
        )
        assert type(error) is RuntimeError
        if ws == OURS:
            assert client.farewell() == (1011, "")


# Closing.


@both
@loops
@pytest.mark.parametrize(
    ("payload", "code", "reason"),
    [
        (b"", 1005, ""),
        (b"\x03\xe9bye \xe2\x82\xac", 1001, "bye €"),
        (b"\x13\x87", 4999, ""),
    ],
    ids=["empty", "1001", "4999"],
)
def test_close_of_the_client(ws: str, loop: str, payload: bytes, code: int, reason: str) -> None:
    with served(echo, ws, loop=loop) as running, running.client() as client:
        client.say(CLOSE, payload)
        assert client.hear() == Frame(CLOSE, payload, True)
        assert client.hear() is None
        expected = {"type": "websocket.disconnect", "code": code, "reason": reason}
        assert running.next() == expected


@both
@loops
@pytest.mark.parametrize("close", [{}, {"code": 3000, "reason": "done"}, {"reason": None}])
def test_close_of_the_application(ws: str, loop: str, close: dict[str, Any]) -> None:
    async def app(receive: Any, send: Any, running: Served) -> None:
        await send({"type": "websocket.close", **close})
        running.told.put(await receive())
        try:
            await send({"type": "websocket.send", "text": "late"})
        except RuntimeError as error:
            running.told.put(str(error))

    code, reason = close.get("code", 1000), close.get("reason") or ""
    with served(accepted(app), ws, loop=loop) as running, running.client() as client:
        got = client.hear()
        assert got == Frame(CLOSE, code.to_bytes(2, "big") + reason.encode(), True)
        expected = {"type": "websocket.disconnect", "code": code, "reason": reason}
        assert running.next() == expected
        late = "Unexpected ASGI message 'websocket.send', after sending 'websocket.close'."
        assert running.next() == late
        client.say(TEXT, b"crosses")
        client.say(CLOSE, got.payload)
        assert client.hear() is None


@pytest.mark.parametrize(
    "close", [{"code": 1006}, {"code": 5000}, {"code": "1000"}, {"reason": "x" * 124}]
)
def test_close_that_must_not_be_sent_is_an_error(close: dict[str, Any]) -> None:
    async def app(receive: Any, send: Any, running: Served) -> None:
        await send({"type": "websocket.close", **close})

    with served(accepted(app)) as running, running.client() as client:
        assert client.farewell() == (1011, "")
        assert isinstance(running.next(), TypeError | ValueError)


@loops
@pytest.mark.parametrize(
    ("outcome", "code"), [("raises", 1011), ("returns 1", 1011), ("returns", 1000)]
)
def test_application_that_ends_leaves_a_close_frame(loop: str, outcome: str, code: int) -> None:
    async def app(receive: Any, send: Any, running: Served) -> Any:
        if outcome == "raises":
            raise ZeroDivisionError
        return 1 if outcome == "returns 1" else None

    with served(accepted(app), loop=loop) as running, running.client() as client:
        assert client.farewell() == (code, "")


@loops
def test_lost_connection_is_1006_and_stays_so(loop: str) -> None:
    async def app(receive: Any, send: Any, running: Served) -> None:
        running.told.put(await receive())
        running.told.put(await receive())
        with pytest.raises(ClientDisconnected):
            await send({"type": "websocket.send", "text": "late"})

    with served(accepted(app), loop=loop) as running:
        with running.client():
            pass
        for _ in range(2):
            assert running.next() == {"type": "websocket.disconnect", "code": 1006}
        assert running.next() is None


@both
@loops
def test_shutdown_is_1012(ws: str, loop: str) -> None:
    with served(echo, ws, loop=loop) as running, running.client() as client:
        client.say(TEXT, b"before")
        assert client.hear() == Frame(TEXT, b"before", True)
        running.server.should_exit = True
        assert client.farewell() == (1012, "")
        assert running.next() == {"type": "websocket.disconnect", "code": 1012}


@both
def test_shutdown_before_the_answer_is_500(ws: str) -> None:
    async def app(receive: Any, send: Any, running: Served) -> None:
        running.server.should_exit = True
        running.told.put(await receive())

    with served(does(app), ws) as running, running.client() as client:
        assert client.status == 500
        assert running.next() == {"type": "websocket.disconnect", "code": 1006}


# Violations.

FAULTS = {
    "at once": [(TEXT, b"caf\xc3(", True)],
    "in a later fragment": [(TEXT, b"ca", False), (CONTINUATION, b"f\xc3", False)],
    "cut short": [(TEXT, b"caf", False), (CONTINUATION, b"\xc3", True)],
}
REASONS = {
    "at once": "invalid UTF-8 at octet 3: C3, a continuation octet is missing",
    "in a later fragment": "invalid UTF-8 at octet 3: C3, a continuation octet is missing",
    "cut short": "invalid UTF-8 at octet 3: C3, the text ends inside a character",
}


@loops
@pytest.mark.parametrize("fault", FAULTS)
def test_1007_says_which_octet_everywhere(
    loop: str, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    reason = REASONS[fault]
    with served(echo, loop=loop) as running, running.client() as client:
        client.say(TEXT, b"all is well so far")
        assert client.hear() == Frame(TEXT, b"all is well so far", True)
        for opcode, payload, fin in FAULTS[fault]:
            client.say(opcode, payload, fin=fin)
        if fault == "in a later fragment":
            client.say(CONTINUATION, b"(")
        assert client.farewell() == (1007, reason)
        expected = {"type": "websocket.disconnect", "code": 1007, "reason": reason}
        assert running.next() == expected
    assert any(line.endswith(f"closed with 1007: {reason}") for line in caplog.messages)


def test_1007_in_a_compressed_message() -> None:
    stream = zlib.compressobj(wbits=-12)
    payload = (stream.compress(b"caf\xc3(") + stream.flush(zlib.Z_SYNC_FLUSH))[:-4]
    first = bytearray(frame(TEXT, payload))
    first[0] |= 0x40
    with served(echo) as running, running.client(headers=DEFLATE) as client:
        client.send(bytes(first))
        assert client.farewell() == (1007, REASONS["at once"])


@both
@pytest.mark.parametrize(
    ("wire", "code"),
    [
        (frame(TEXT, b"x" * 101), 1009),
        (frame(TEXT, b"x" * 60, fin=False) + frame(CONTINUATION, b"x" * 60), 1009),
        (frame(3), 1002),
        (frame(TEXT, b"no mask", key=None), 1002),
        (frame(CONTINUATION, b"of what?"), 1002),
    ],
    ids=["1009", "1009 in fragments", "opcode", "mask", "continuation"],
)
def test_violations(ws: str, wire: bytes, code: int) -> None:
    with served(echo, ws, ws_max_size=100) as running, running.client() as client:
        client.send(wire)
        assert client.farewell()[0] == code
        assert running.next()["code"] == code


@loops
@pytest.mark.parametrize("code", [1007, 1009])
def test_close_frame_arrives_though_the_client_goes_on_sending(
    loop: str, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_wire, "LINGER", SECONDS)  # enough, however busy the machine is
    wire = frame(TEXT, b"\xff") if code == 1007 else unmasked(bytes(1 << 23))
    with served(echo, loop=loop, ws_max_size=1 << 20) as running, running.client() as client:
        client.send(wire)
        for _ in range(16):
            client.send(unmasked(bytes(1 << 18)))
        assert client.farewell()[0] == code


# Keepalive.


@both
@loops
def test_unanswered_ping_is_1011(ws: str, loop: str) -> None:
    options = {"ws_ping_interval": 0.05, "ws_ping_timeout": 0.1}
    with served(echo, ws, loop=loop, **options) as running, running.client() as client:
        got = client.hear()
        assert got is not None
        assert (got.opcode, len(got.payload)) == (PING, 4)
        assert client.farewell() == (1011, "keepalive ping timeout")
        if ws == OURS:  # sansio says 1005
            ending = {"code": 1011, "reason": "keepalive ping timeout"}
            assert running.next() == {"type": "websocket.disconnect", **ending}


@both
@pytest.mark.parametrize("timeout", [5.0, None])
def test_answered_pings_go_on(ws: str, timeout: float | None) -> None:
    options = {"ws_ping_interval": 0.05, "ws_ping_timeout": timeout}
    with served(echo, ws, **options) as running, running.client() as client:
        payloads = set()
        for _ in range(6):
            got = client.hear()
            assert got is not None
            assert got.opcode == PING
            payloads.add(got.payload)
            client.say(PONG, got.payload)
        assert len(payloads) == 6


def test_pings_can_be_off() -> None:
    with served(echo, ws_ping_interval=None) as running, running.client() as client:
        client.socket.settimeout(0.3)
        with pytest.raises(TimeoutError):
            client.socket.recv(1)


def test_client_that_is_not_read_is_not_blamed(monkeypatch: pytest.MonkeyPatch) -> None:
    overdue: list[bool] = []
    silent = WebSocketProtocol._silent

    def watched(connection: WebSocketProtocol) -> bool:
        overdue.append(silent(connection))
        connection._keepalive._timeout = SECONDS  # enough, however busy the machine is
        return overdue[-1]

    monkeypatch.setattr(WebSocketProtocol, "_silent", watched)

    async def app(receive: Any, send: Any, running: Served) -> Any:
        (connection,) = running.server.server_state.connections
        await until(lambda: connection._paused)
        connection._keepalive._interval = 0.01
        connection._keepalive.start()
        await until(lambda: bool(overdue))
        return [(await receive())["text"] for _ in range(20)] and overdue

    options = {"ws_ping_interval": None, "ws_ping_timeout": 0.1}
    with served(accepted(app), **options) as running, running.client() as client:
        client.send(frame(TEXT, b"x" * 30_000) * 20)
        got = client.hear()
        assert got is not None
        assert got.opcode == PING
        client.say(PONG, got.payload)  # behind messages that the application does not take
        assert running.next() == [True]


@loops
def test_client_that_is_gone_is_noticed_though_it_is_not_read(loop: str) -> None:
    async def app(receive: Any, send: Any, running: Served) -> None:
        (connection,) = running.server.server_state.connections
        await until(lambda: connection._paused)
        running.told.put("paused")
        await until(lambda: connection._lost)  # it neither receives nor sends

    options = {"ws_ping_interval": 0.05, "ws_ping_timeout": 0.05}
    with served(accepted(app), loop=loop, **options) as running, running.client() as client:
        client.send(frame(TEXT, b"x") * 32)
        assert client.hear() is not None  # a ping
        assert running.next() == "paused"
        client.hang_up()
        assert running.next() is None


@loops
def test_client_that_sends_and_reads_nothing_is_1011(
    loop: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_wire, "LINGER", 0.05)

    async def app(receive: Any, send: Any, running: Served) -> None:
        while (event := await receive())["type"] == "websocket.receive":
            await send({**event, "type": "websocket.send"})
        await send({"type": "websocket.send", "text": "late"})

    options = {"ws_ping_interval": 0.1, "ws_ping_timeout": 1.0}
    with served(accepted(app), loop=loop, **options) as running, running.client() as client:
        client.socket.settimeout(0.5)
        with contextlib.suppress(ConnectionError):  # the server may be quicker
            sent_until_full(client.socket, memoryview(unmasked(bytes(50_000)) * 1000))
        assert isinstance(running.next(), ClientDisconnected)


# Backpressure.


@both
@loops
def test_nothing_more_is_read_while_the_application_does_not_receive(ws: str, loop: str) -> None:
    go: list[bool] = []
    messages, size = 600, 50_000

    async def app(receive: Any, send: Any, running: Served) -> Any:
        await until(lambda: bool(go))
        for number in range(messages):
            assert (await receive())["bytes"][:4] == number.to_bytes(4, "big")

    with served(accepted(app), ws, loop=loop) as running, running.client() as client:
        wire = memoryview(
            b"".join(unmasked(number.to_bytes(4, "big") + bytes(size - 4)) for number in range(600))
        )
        client.socket.settimeout(1.0)
        sent = sent_until_full(client.socket, wire)
        assert sent < len(wire) * 3 // 4  # what the kernel's buffers take is megabytes
        go.append(True)
        client.socket.settimeout(20)
        client.socket.sendall(wire[sent:])
        assert running.next() is None


@both
@loops
def test_send_waits_while_the_client_does_not_read(ws: str, loop: str) -> None:
    sent: list[int] = []

    async def app(receive: Any, send: Any, running: Served) -> None:
        for number in range(1000):
            await send({"type": "websocket.send", "bytes": bytes(1 << 16)})
            sent.append(number)
        await send({"type": "websocket.close"})

    with served(accepted(app), ws, loop=loop) as running, running.client() as client:
        while not sent:
            time.sleep(0.01)
        time.sleep(0.3)
        assert len(sent) < 900  # what the kernel's buffers take is megabytes
        for _ in range(1000):
            assert client.hear_message() == (BINARY, bytes(1 << 16))
        assert client.farewell() == (1000, "")


def sent_until_full(sock: socket.socket, wire: memoryview) -> int:
    """Return how much a socket takes before it would have to wait."""
    sent = 0
    try:
        while sent < len(wire):
            sent += sock.send(wire[sent : sent + 65_536])
    except TimeoutError:
        return sent
    raise AssertionError("the server read all of it")


def test_send_that_waits_ends_with_the_connection() -> None:
    async def app(receive: Any, send: Any, running: Served) -> None:
        while True:
            await send({"type": "websocket.send", "bytes": bytes(1 << 16)})

    with served(accepted(app)) as running:
        with running.client():
            time.sleep(0.2)
        assert isinstance(running.next(), OSError)


@loops
def test_client_that_closes_and_does_not_read_holds_nothing_up(loop: str) -> None:
    async def app(receive: Any, send: Any, running: Served) -> None:
        (connection,) = running.server.server_state.connections
        connection.close_timeout = 0.05
        while True:
            await send({"type": "websocket.send", "bytes": bytes(1 << 16)})

    with served(accepted(app), loop=loop) as running, running.client() as client:
        client.say(CLOSE, CLOSED)
        assert isinstance(running.next(), OSError)


def test_cancelled_receive_loses_nothing() -> None:
    async def app(receive: Any, send: Any, running: Served) -> Any:
        for _ in range(50):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(receive(), 0.001)
        await send({"type": "websocket.send", "text": "now"})
        together = await asyncio.gather(receive(), receive())
        assert {event["text"] for event in together} == {"one", "two"}
        return [len(connection._waiters) for connection in running.server.server_state.connections]

    with served(accepted(app)) as running, running.client() as client:
        assert client.hear() == Frame(TEXT, b"now", True)
        client.say(TEXT, b"one")
        client.say(TEXT, b"two")
        assert running.next() == [0]


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Have the log, so that tests can look for what must not be in it."""
    caplog.set_level(logging.INFO, "uvicorn.error")
    yield
    never = [line for line in caplog.messages if "never retrieved" in line]
    assert not never
