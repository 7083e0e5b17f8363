"""The example server and client say in one line what is wrong with how they were called."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("websockets", reason="the examples' opening handshake")

EXAMPLES = Path(__file__).parents[2] / "examples"


def run(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(EXAMPLES / name), *arguments],
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize("url", ["ws://127.0.0.1:{port}/", "http://127.0.0.1:{port}/", ""])
def test_client_that_can_not_connect_says_so(url: str) -> None:
    with socket.socket() as bound:  # and does not listen
        bound.bind(("127.0.0.1", 0))
        url = url.format(port=bound.getsockname()[1])
        done = run("echo_client.py", url)
    assert done.stderr.startswith(f"no connection to {url}: ")
    assert done.stderr.count("\n") == 1
    assert done.returncode == 1


def test_client_of_what_is_no_websocket_server_says_so() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"ws://127.0.0.1:{server.getsockname()[1]}/"
        with subprocess.Popen(
            [sys.executable, str(EXAMPLES / "echo_client.py"), url],
            stderr=subprocess.PIPE,
            text=True,
        ) as client:
            server.settimeout(60)
            connection, _ = server.accept()
            with connection:
                connection.recv(65_536)
                connection.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
                said = client.communicate(timeout=60)[1]
    assert said.startswith(f"no connection to {url}: ")
    assert "404" in said
    assert said.count("\n") == 1


def test_server_whose_port_is_taken_says_so() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = run("echo_server.py", "--port", port)
    assert done.stderr.startswith(f"can't listen on 127.0.0.1:{port}: ")
    assert done.stderr.count("\n") == 1
    assert done.returncode == 1
