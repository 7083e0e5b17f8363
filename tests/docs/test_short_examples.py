"""The short examples, tested with other libraries at the other end."""

from __future__ import annotations

import asyncio
import os
import ssl
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

pytest.importorskip("websockets")
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosedError
from websockets.sync.client import connect

import misbehaving as server_side
from misbehaving import HOST, close_frame, text
from misbehaving import Server as RawServer

EXAMPLES = Path(__file__).parents[2] / "examples"
SECONDS = 60


def command(name: str, *arguments: str) -> list[str]:
    return [sys.executable, "-W", "error", str(EXAMPLES / name), *arguments]


@contextmanager
def running(name: str, *arguments: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        command(name, *arguments),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONIOENCODING": "utf-8", **environment},
        encoding="utf-8",
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def test_the_server_echoes_and_says_what_is_wrong() -> None:
    with running("server.py", "0") as server:
        assert server.stdout is not None
        url = server.stdout.readline().strip()
        with connect(url, proxy=None) as client:
            for sent in ("Grüße", "x" * 100_000, ""):
                client.send(sent)
                assert client.recv() == sent
        with connect(url, proxy=None) as client:
            client.send("all is well")
            client.send(b"caf\xc3(", text=True)
            assert client.recv() == "all is well"
            with pytest.raises(ConnectionClosedError) as caught:
                client.recv()
        assert caught.value.rcvd is not None
        assert caught.value.rcvd.code == 1007
        assert "3" in caught.value.rcvd.reason
        with connect(url, proxy=None) as client:  # it is there for the next one
            client.send("again")
            assert client.recv() == "again"


def ask(handler: Callable[[ServerConnection], Awaitable[None]]) -> tuple[str, str]:
    """Run the client against a server of websockets; return what it writes."""

    async def main() -> tuple[str, str]:
        async with serve(handler, HOST, 0) as server:
            port = str(server.sockets[0].getsockname()[1])
            client = await asyncio.create_subprocess_exec(
                *command("client.py", HOST, port, "Grüße"),
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env={**os.environ, "PYTHONIOENCODING": "utf-8"},
            )
            async with asyncio.timeout(SECONDS):
                said = await client.communicate()
            return said[0].decode().strip(), said[1].decode()

    return asyncio.run(main())


def test_the_client_asks_and_closes() -> None:
    codes = []

    async def answer(connection: ServerConnection) -> None:
        await connection.send(f"{await connection.recv()!s}!")
        await connection.wait_closed()
        codes.append(connection.close_code)

    assert ask(answer) == ("Grüße!", "")
    assert codes == [1000]


def test_the_client_sends_1007() -> None:
    codes = []

    async def answer(connection: ServerConnection) -> None:
        await connection.send(b"caf\xe9", text=True)
        await connection.wait_closed()
        codes.append(connection.close_code)

    printed, complaint = ask(answer)
    assert "3" in printed.splitlines()[0]
    assert complaint == ""
    assert codes == [1007]


STEPS = (
    server_side.send(close_frame(1001)),
    server_side.send(text(b"hello")),
    server_side.send(text("Grüße".encode("latin-1"))),
)


def test_the_reconnecting_client_comes_back_and_ends_at_1007() -> None:
    with RawServer(*STEPS) as server:
        with running("reconnecting_client.py", f"ws://{HOST}:{server.port}/") as client:
            printed, complaint = client.communicate(timeout=SECONDS)
        assert server.connections == 3
    assert printed == "hello\n"
    assert "1007" in complaint


def test_the_reconnecting_client_over_tls(tmp_path: Path) -> None:
    trustme = pytest.importorskip("trustme")
    authority, context = trustme.CA(), ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(context)
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")

    async def greet(connection: ServerConnection) -> None:
        await connection.send("over TLS")
        await connection.close(1000)

    async def main() -> str:
        async with serve(greet, HOST, 0, ssl=context) as server:
            client = await asyncio.create_subprocess_exec(
                *command(
                    "reconnecting_client.py",
                    f"wss://localhost:{server.sockets[0].getsockname()[1]}/",
                ),
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env={**os.environ, "SSL_CERT_FILE": str(tmp_path / "ca.pem")},
            )
            async with asyncio.timeout(SECONDS):
                return (await client.communicate())[0].decode()

    assert asyncio.run(main()) == "over TLS\n"


@pytest.mark.parametrize("size", [0, 1, 65_536, 1_000_000])
def test_the_upload_arrives(tmp_path: Path, size: int) -> None:
    file = tmp_path / "file"
    file.write_bytes(os.urandom(size))
    with running("upload.py", str(file)) as process:
        printed, complaint = process.communicate(timeout=SECONDS)
    assert complaint == ""
    assert f"{size:,} bytes" in printed
    assert (tmp_path / "file.received").read_bytes() == file.read_bytes()
