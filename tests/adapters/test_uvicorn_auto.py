"""``--ws auto`` of uvicorn, accelerated: our protocol, however uvicorn is started.

Each server is a process of its own, on a loopback socket that it is given.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

pytest.importorskip("uvicorn")
pytest.importorskip("websockets")
pytest.importorskip("click")

import uvicorn.config

import wsfast
from helpers import CONTINUATION, TEXT
from loopback import SECONDS, End
from wsfast import accelerate, restore
from wsfast.adapters._uvicorn_auto import CLASS

needs_extension = pytest.mark.skipif(
    wsfast.backend().name != "native", reason="needs the compiled codec"
)
APP = """
async def app(scope, receive, send):
    assert scope["type"] == "websocket"
    await receive()
    await send({"type": "websocket.accept"})
    while (event := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": event["text"]})
"""
# What a protocol is told apart by: ours gives the place in the reason of a 1007.
BAD = [(TEXT, b"caf", False), (CONTINUATION, b"\xc3(", True)]
OURS = "invalid UTF-8 at byte 3: C3, a continuation byte is missing"
PROGRAM = """
import sys
{before}
import uvicorn
{after}
from app import app
uvicorn.run(app, fd=int(sys.argv[1]), log_level="critical", lifespan="off"{options})
"""


@contextmanager
def serving(arguments: list[str], directory: Path, **environment: str) -> Iterator[End]:
    """Start a server with the number of a listening socket put in for FD; connect to it."""
    (directory / "app.py").write_text(APP)
    listener = socket.create_server(("127.0.0.1", 0))
    path = os.pathsep.join([str(directory), *sys.path[1:]])
    running = subprocess.Popen(
        [sys.executable, *(a.replace("FD", str(listener.fileno())) for a in arguments)],
        cwd=directory,
        pass_fds=[listener.fileno()],
        env={**os.environ, "PYTHONPATH": path, **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    sock = socket.create_connection(listener.getsockname(), SECONDS)
    listener.close()  # a server that can't start refuses the connection
    try:
        end = End(sock, client=True)
        yield end
        end.hang_up()
    finally:
        running.kill()
        running.communicate()
        sock.close()


def reason(arguments: list[str], directory: Path, **environment: str) -> str:
    """Echo a message; return the reason that is given for text that is not UTF-8."""
    with serving(arguments, directory, **environment) as end:
        end.say(TEXT, "größer".encode())
        assert end.hear_message() == (TEXT, "größer".encode())
        for opcode, payload, fin in BAD:
            end.say(opcode, payload, fin=fin)
        return end.farewell()[1]


def program(before: str = "", after: str = "", options: str = "") -> list[str]:
    return ["-c", PROGRAM.format(before=before, after=after, options=options), "FD"]


SWITCH = "import wsfast; wsfast.accelerate('uvicorn')"
START = "import wsfast.adapters._startup"  # as the .pth file does


@needs_extension
@pytest.mark.parametrize(
    ("before", "after"), [(SWITCH, ""), ("", SWITCH), (SWITCH, "wsfast.restore()\n" + SWITCH)]
)
def test_accelerated_before_or_after_the_import(tmp_path: Path, before: str, after: str) -> None:
    assert reason(program(before, after), tmp_path) == OURS


@needs_extension
@pytest.mark.parametrize("value", ["uvicorn", "all"])
def test_the_variable(tmp_path: Path, value: str) -> None:
    assert reason(program(START), tmp_path, WSFAST_ACCELERATE=value) == OURS


UVICORN = ["-m", "uvicorn", "app:app", "--fd", "FD", "--lifespan", "off"]


@needs_extension
def test_wsfast_run(tmp_path: Path) -> None:
    assert reason(["-m", "wsfast", "run", *UVICORN], tmp_path) == OURS


def test_other_protocols_mean_what_they_say(tmp_path: Path) -> None:
    others = {"websockets-sansio", "wsproto"} & uvicorn.config.WS_PROTOCOLS.keys()
    assert others
    for ws in others:
        found = reason(program(SWITCH, options=f", ws={ws!r}"), tmp_path)
        assert found != OURS


def test_restored_and_over_the_codec_in_python_it_is_as_it_was(tmp_path: Path) -> None:
    stock = reason(program(), tmp_path)
    assert stock != OURS
    assert reason(program(SWITCH, "wsfast.restore('uvicorn')"), tmp_path) == stock
    assert reason(program(SWITCH), tmp_path, WSFAST_BACKEND="pure") == stock


@needs_extension
def test_restore_puts_back_the_very_string() -> None:
    before = uvicorn.config.WS_PROTOCOLS["auto"]
    (row,) = accelerate("uvicorn")
    try:
        assert uvicorn.config.WS_PROTOCOLS["auto"] == CLASS
        assert row.seam == 'uvicorn.config.WS_PROTOCOLS["auto"]'
        assert row.runs == "wsfast"
        assert uvicorn.Config("app:app").ws == "auto"
    finally:
        restore("uvicorn")
    assert uvicorn.config.WS_PROTOCOLS["auto"] is before
