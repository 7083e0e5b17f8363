"""uvicorn's opening handshake with our protocol and ``websockets-sansio``: scope, refusals.

Tests of what both do run on both; where ours should differ, only ours runs.
"""

from __future__ import annotations

import os
import socket
import ssl
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("uvicorn")
pytest.importorskip("websockets")

import uvicorn

from helpers import CLOSE, TEXT, frame
from loopback import SECONDS, Frame
from uvicorn_serving import (
    DEFLATE,
    OURS,
    REASONS,
    SANSIO,
    TEXTS,
    USUAL,
    App,
    Served,
    accepted,
    both,
    does,
    echo,
    loops,
    quiet,  # noqa: F401 # in use for every test here
    served,
    until,
)
from wsfast import PerMessageDeflate
from wsfast.adapters.uvicorn import WebSocketProtocol


def scope_told(running: Served) -> App:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        running.told.put(scope)
        await receive()
        await send({"type": "websocket.accept"})

    return app


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
            (line,) = (line for line in log.splitlines() if "1007" in line)
            assert line.startswith("1007 invalid UTF-8 at byte 3 ")
            assert "library=uvicorn" in line
            assert 'path="/"' in line
            assert "Traceback" not in log
        finally:
            process.kill()


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


@pytest.mark.parametrize(
    ("header", "status"),
    [
        (b"Sec-WebSocket-Extensions: " + 2_000_000 * b";", 431),
        (b"Sec-WebSocket-Extensions: " + 60_000 * b";", 400),
        (b"Sec-WebSocket-Extensions: permessage-deflate; " + 60_000 * b"x" + b"=", 400),
        (b"Sec-WebSocket-Key: " + 60_000 * b"k", 400),
        (b"Sec-WebSocket-Version: " + 60_000 * b"1", 426),
        (60_000 * b"n" + b"(: x", 400),
    ],
    ids=["2 MB", "extensions", "a parameter", "key", "version", "a name"],
)
def test_what_a_client_sends_is_not_repeated_without_bound(
    header: bytes, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    pytest.importorskip("httptools")  # it has no limit of its own
    caplog.set_level(1, "uvicorn.error")
    with served(echo, http="httptools") as running:
        with running.client(headers=(*USUAL, header)) as client:
            assert client.status == status
            body = client.rest()
            assert len(body) < 500
            assert body.count(b"Sec-WebSocket-Extensions") < 2
        assert running.told.empty()
    assert all(len(line) < 500 for line in caplog.messages)
    assert not any(line.count("Sec-WebSocket-Extensions") > 1 for line in caplog.messages)


def test_log_line_has_a_long_path_in_part(caplog: pytest.LogCaptureFixture) -> None:
    with served(echo) as running:
        line = b"GET /" + 3000 * b"p" + b"?" + 30_000 * b"q" + b" HTTP/1.1"
        with running.client(line) as client:
            assert client.status == 101
            client.say(3, b"")
            assert client.farewell()[0] == 1002
    lines = [line for line in caplog.messages if "WebSocket /ppp" in line]
    assert len(lines) == 2
    assert all(2000 < len(line) < 2500 and "characters more" in line for line in lines)


@pytest.mark.parametrize("threshold", [0, 1000])
def test_compression_is_an_attribute_that_a_subclass_can_have_otherwise(threshold: int) -> None:
    class Other(WebSocketProtocol):
        compression = PerMessageDeflate("server", server_max_window_bits=9, threshold=threshold)

    with served(echo, Other) as running, running.client(headers=DEFLATE) as client:
        assert "server_max_window_bits=9" in (client.header("sec-websocket-extensions") or "")
        client.say(TEXT, b"short")
        assert client.hear_rsv1()[2] is (threshold == 0)


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
