"""What the installed libraries write today is what ``wsfast explain`` reads in a log.

A new version with another wording fails here, not for somebody who has a 1007.

Oracle: the bytes that are sent, ``"caf\\xc3("`` whole or in three frames: the sequence begins
at byte 3, byte 4 does not fit, and in the second frame it is byte 1.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("click")
from clients import CLIENTS
from helpers import need
from loopback import SECONDS, End
from misbehaving import Server, Step, Target, accept, drop
from wsfast.cli._logline import read

SERVERS = Path(__file__).with_name("log_servers.py")


def sending(*frames: bytes) -> Step:
    def step(sock: socket.socket) -> None:
        accept(sock)
        sock.sendall(b"".join(frames))
        sock.recv(65536)  # the client's reply, if it has one

    return step


BAD = sending(b"\x81\x05caf\xc3(")
FRAGMENTS = sending(b"\x01\x02ca", b"\x00\x02f\xc3", b"\x80\x01(")
AWAY = sending(b"\x88\x09\x03\xe9restart")

# client, what the server does, then what is read: program, code, offset, what that counts
MESSAGES = [
    ("websockets", BAD, "websockets", 1007, 3, "SEQUENCE"),
    ("websockets", FRAGMENTS, "websockets", 1007, 3, "SEQUENCE"),
    ("websockets", drop, "websockets", 1006, None, None),
    ("websockets (sync)", BAD, "websockets", 1007, 3, "SEQUENCE"),
    ("aiohttp", BAD, "aiohttp", 1007, None, None),
    ("websocket-client", BAD, "websocket-client", 1007, 3, "SEQUENCE"),
    ("websocket-client", FRAGMENTS, "websocket-client", 1007, 3, "SEQUENCE"),
    ("websocket-client", drop, "websocket-client", 1006, None, None),
    ("httpx-ws (sync)", BAD, "httpx-ws", 1007, 3, "PIECE"),
    ("httpx-ws (sync)", AWAY, "httpx-ws", 1001, None, None),
    ("simple-websocket", BAD, "simple-websocket", 1007, 3, "PIECE"),
    ("simple-websocket", AWAY, "simple-websocket", 1001, None, None),
    ("wsproto", BAD, "wsproto", 1007, 3, "PIECE"),
    ("wsproto", AWAY, "wsproto", 1001, None, None),
    ("wsproto", drop, "wsproto", 1006, None, None),
]


@pytest.mark.parametrize(
    ("client", "step", "program", "code", "offset", "counted"),
    MESSAGES,
    ids=[f"{m[0]}-{n}" for n, m in enumerate(MESSAGES)],
)
def test_what_a_client_raises(
    client: str, step: Step, program: str, code: int, offset: int | None, counted: str | None
) -> None:
    attempt, module = CLIENTS[client]
    pytest.importorskip(module)
    with Server(step) as server, pytest.raises(Exception, match=r".*") as caught:
        attempt(Target("127.0.0.1", server.port))
    lines = "".join(traceback.format_exception_only(caught.value)).splitlines()
    lines.append(str(caught.value))
    found = [reading for line in lines if (reading := read(line)) is not None]
    assert found, lines
    assert (found[0].program, found[0].code, found[0].offset) == (program, code, offset), lines
    assert (found[0].counted.name if found[0].counted else None) == counted


def logged(name: str, act: Callable[[End], None]) -> list[str]:
    """Return the log of a server to which a client did something."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        process = subprocess.Popen(
            [sys.executable, "-W", "ignore", str(SERVERS), name, str(listener.fileno())],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=[listener.fileno()],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path[1:])},
        )
        try:
            with socket.create_connection(listener.getsockname(), SECONDS) as sock:
                end = End(sock, client=True)
                act(end)
                end.farewell()
                end.hang_up()
            # The program says with a line of JSON that the application was told of the end.
            assert process.stdout is not None
            lines = []
            for line in process.stdout:
                lines.append(line.decode("utf-8", "replace"))
                if line.startswith(b'["'):
                    break
        finally:
            process.kill()
            process.communicate()
    return lines


def say_faulty(end: End) -> None:
    end.say(1, b"caf\xc3(")


def go_away(end: End) -> None:
    end.say(8, b"\x03\xe9")


@pytest.mark.parametrize(
    ("name", "module", "act", "program", "code", "offset"),
    [
        ("websockets-asyncio", "websockets", say_faulty, "websockets", 1007, 3),
        ("websockets-asyncio", "websockets", go_away, "websockets", 1001, None),
        ("uvicorn-sansio", "uvicorn", say_faulty, "uvicorn", 1007, None),
        ("uvicorn-wsproto", "uvicorn", say_faulty, "uvicorn", 1007, 3),
        ("autobahn", "autobahn", say_faulty, "autobahn", 1007, 4),
        ("ws4py", "ws4py", say_faulty, "ws4py", 1007, None),
        ("ws4py", "ws4py", go_away, "ws4py", 1001, None),
        ("trio-websocket", "trio_websocket", say_faulty, "trio-websocket", 1007, 3),
    ],
)
@pytest.mark.skipif(sys.platform == "win32", reason="a socket is passed by its number")
def test_what_a_server_logs(
    name: str,
    module: str,
    act: Callable[[End], None],
    program: str,
    code: int,
    offset: int | None,
) -> None:
    need(module)
    found = [reading for line in logged(name, act) if (reading := read(line)) is not None]
    assert (program, code, offset) in [(r.program, r.code, r.offset) for r in found], found
