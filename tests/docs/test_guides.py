"""The guides to servers and logging: their commands are run, and do what the guides say.

Oracle: the frames on the wire.  Only wsfast's uvicorn protocol and accelerated libraries give
the byte in the reason of a 1007, or send one at all.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import logging
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.append(str(Path(__file__).parents[1] / "adapters"))
import wsfast
from helpers import TEXT, need
from loopback import End
from wsfast import logs

GUIDES = Path(__file__).parents[2] / "docs" / "guide"
if sys.platform == "win32":  # a group of processes can't be killed there
    pytest.skip("the servers are ended by signals", allow_module_level=True)
if wsfast.backend().name != "native":  # with the other, accelerate() leaves most as it is
    pytest.skip("needs the compiled codec", allow_module_level=True)
SITE = Path(wsfast.__file__).with_name("_site")  # does what the .pth file of a wheel does
SECONDS = 60
BAD = b"caf\xc3("


def exact() -> str:
    """Return the reason that names the byte, which no stock library gives."""
    with pytest.raises(wsfast.InvalidUTF8) as caught:
        wsfast.validate_utf8(BAD)
    assert caught.value.offset == 3
    return caught.value.close_reason


EXACT = exact()


def text_of(page: str) -> str:
    return (GUIDES / page).read_text(encoding="utf-8")


def block(page: str, word: str) -> str:
    """Return the one block of Python with this word."""
    found = re.findall(r"^```python\n(.*?)^```$", text_of(page), re.DOTALL | re.MULTILINE)
    (code,) = (code for code in found if word in code)
    return str(code)


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def typed(command: str, directory: Path) -> tuple[list[str], dict[str, str]]:
    """Return the words of a command, and the environment in which a shell would run it."""
    path = os.pathsep.join([str(SITE), str(directory), *sys.path[1:]])
    environment = {**os.environ, "PYTHONPATH": path}
    words = shlex.split(command)
    while "=" in words[0]:
        name, _, environment[name] = words.pop(0).partition("=")
    return words, environment


@contextlib.contextmanager
def served(command: str, port: int, directory: Path) -> Iterator[End]:
    """Run a command of a guide; connect to it once it listens."""
    words, environment = typed(command, directory)
    # A script starts the interpreter that it was installed by, which may not be ours.
    program = words.pop(0)
    module = [] if program == "python" else ["-m", program]
    with (directory / "log").open("w+b") as log:
        process = subprocess.Popen(
            [sys.executable, *module, *words],
            cwd=directory,
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            yield End(_connect(port, process, directory / "log"), client=True)
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _connect(port: int, process: subprocess.Popen[bytes], log: Path) -> socket.socket:
    until = time.monotonic() + SECONDS
    while True:
        with contextlib.suppress(ConnectionRefusedError):
            return socket.create_connection(("127.0.0.1", port), SECONDS)
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < until, log.read_text()
        time.sleep(0.05)


def farewell_of(command: str, port: int, directory: Path) -> tuple[int | None, str]:
    """Echo a text; return how the server answers one that is not UTF-8."""
    with served(command, port, directory) as end:
        end.say(TEXT, "größer".encode())
        assert end.hear_message() == (TEXT, "größer".encode())
        end.say(TEXT, BAD)
        found = end.farewell()
        end.hang_up()
    return found


# uvicorn

ROWS = re.findall(r"^\| .* \| `([^`]+ [^`]+)` \|$", text_of("uvicorn-fastapi.md"), re.MULTILINE)
NEEDS = {" fastapi ": "fastapi_cli", " gunicorn ": "uvicorn_worker", "wsfast run": "click"}


def with_port(command: str, port: int) -> str:
    if "gunicorn" in command:
        return f"{command} --bind 127.0.0.1:{port}"
    return f"{command} --port {port}"


def test_the_rows_are_seen() -> None:
    assert len(ROWS) == 6


@pytest.mark.parametrize("command", ROWS)
def test_a_way_to_start_uvicorn(command: str, tmp_path: Path) -> None:
    need("uvicorn", "fastapi", "websockets", *(NEEDS[n] for n in NEEDS if n in command))
    (tmp_path / "app.py").write_text(block("uvicorn-fastapi.md", "FastAPI()"))
    port = free_port()
    assert farewell_of(with_port(command, port), port, tmp_path) == (1007, EXACT)


def test_the_first_command_and_that_of_docker_are_among_them() -> None:
    page = text_of("uvicorn-fastapi.md")
    assert ROWS[0] in page.split("```")[1]
    assert "ENV WSFAST_ACCELERATE=uvicorn\n" in page
    assert 'CMD ["uvicorn", "app:app", ' in page


def test_a_program_of_ones_own(tmp_path: Path) -> None:
    need("uvicorn", "fastapi")
    (tmp_path / "app.py").write_text(block("uvicorn-fastapi.md", "FastAPI()"))
    port, code = free_port(), block("uvicorn-fastapi.md", "uvicorn.run")
    assert "port=8000" in code
    (tmp_path / "program.py").write_text(code.replace("8000", str(port)))
    assert farewell_of("python program.py", port, tmp_path) == (1007, EXACT)


def test_the_worker(tmp_path: Path) -> None:
    need("uvicorn", "fastapi", "uvicorn_worker")
    (tmp_path / "app.py").write_text(block("uvicorn-fastapi.md", "FastAPI()"))
    (tmp_path / "worker.py").write_text(block("uvicorn-fastapi.md", "CONFIG_KWARGS"))
    command = "gunicorn app:app --worker-class worker.Worker"
    assert command in text_of("uvicorn-fastapi.md")
    port = free_port()
    assert farewell_of(with_port(command, port), port, tmp_path) == (1007, EXACT)


def test_the_values_of_ws_are_those_of_uvicorn() -> None:
    need("uvicorn")
    from uvicorn.config import WS_PROTOCOLS

    table = text_of("uvicorn-fastapi.md").partition("## What the values")[2]
    assert {f"`{name}`" for name in WS_PROTOCOLS} <= set(re.findall(r"`[^`]+`", table))


def test_the_fastapi_example(tmp_path: Path) -> None:
    need("uvicorn", "fastapi")
    example = GUIDES.parents[1] / "examples" / "fastapi_app.py"
    command = "WSFAST_ACCELERATE=uvicorn uvicorn --app-dir examples fastapi_app:app"
    assert command in example.read_text()
    port = free_port()
    command = command.replace("--app-dir examples", f"--app-dir {example.parent}")
    assert farewell_of(with_port(command, port), port, tmp_path) == (1007, EXACT)


# Django

SETTINGS = "SECRET_KEY = 'test'\nDEBUG = True\nROOT_URLCONF = 'mysite.urls'\n"


@pytest.mark.parametrize("server", ["uvicorn", "daphne"])
def test_django_channels(server: str, tmp_path: Path) -> None:
    need("django", "channels", server)
    site = tmp_path / "mysite"
    site.mkdir()
    (site / "__init__.py").write_text("")
    (site / "settings.py").write_text(SETTINGS)
    (site / "urls.py").write_text("urlpatterns = []\n")
    (site / "asgi.py").write_text(block("django-channels.md", "Echo"))
    (command,) = re.findall(rf"^WSFAST_\S+ {server} .*", text_of("django-channels.md"), re.M)
    port = free_port()
    code, reason = farewell_of(with_port(command, port), port, tmp_path)
    assert code == 1007
    assert reason == EXACT or "index 4" in reason  # autobahn's words
    log = (tmp_path / "log").read_text()
    assert log.count("1007 invalid UTF-8 at byte 3") == 1
    assert "client=127.0.0.1:" in log


# aiohttp


def test_aiohttp(capsys: pytest.CaptureFixture[str]) -> None:
    need("aiohttp")
    from aiohttp import ClientSession, WSMsgType, web
    from aiohttp.test_utils import TestServer

    names: dict[str, Any] = {}
    exec(block("aiohttp.md", "web.Application()"), names)
    exec(block("aiohttp.md", "__cause__"), names)

    async def misbehave(request: Any) -> Any:
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        await ws.send_frame(BAD, WSMsgType.TEXT)
        await ws.receive()
        return ws

    names["app"].router.add_get("/bad", misbehave)

    async def main() -> None:
        async with TestServer(names["app"]) as server, ClientSession() as session:
            async with session.ws_connect(server.make_url("/")) as ws:
                await ws.send_str("größer")
                assert await ws.receive_str() == "größer"
            async with session.ws_connect(server.make_url("/bad")) as ws:
                await names["read"](ws)

    try:
        asyncio.run(main())
    finally:
        wsfast.restore("aiohttp")
    assert capsys.readouterr().out in text_of("aiohttp.md")


# Clients

COMMANDS = re.findall(r"^(WSFAST_ACCELERATE=(\S+) python client\.py)", text_of("clients.md"), re.M)
PROGRAMS = {
    "websocket-client": (
        "import logging, sys, websocket\n"
        "logging.basicConfig()\n"
        "websocket.create_connection(sys.argv[1]).recv()\n"
    ),
    "websockets": (
        "import sys\nfrom websockets.sync.client import connect\n"
        "connect(sys.argv[1], proxy=None).recv()\n"
    ),
    "aiohttp": (
        "import asyncio, sys, aiohttp\n"
        "async def main():\n"
        "    async with aiohttp.ClientSession() as session:\n"
        "        async with session.ws_connect(sys.argv[1]) as ws:\n"
        "            await ws.receive()\n"
        "asyncio.run(main())\n"
    ),
}


def test_every_client_has_a_command() -> None:
    assert {name for _, name in COMMANDS} == PROGRAMS.keys()


@pytest.mark.parametrize(("command", "name"), COMMANDS, ids=PROGRAMS)
def test_a_client_of_a_library(command: str, name: str, tmp_path: Path) -> None:
    need({"websocket-client": "websocket"}.get(name, name))
    (tmp_path / "client.py").write_text(PROGRAMS[name])
    code, reason, log = misled(command, tmp_path)
    assert code == 1007
    assert (reason == EXACT) == (name != "websocket-client")
    assert log.count("1007 invalid UTF-8 at byte 3") == 1


@pytest.mark.parametrize("when", ["before", "after"])
def test_websocket_client_in_two_lines(when: str, tmp_path: Path) -> None:
    need("websocket")
    two = block("clients.md", 'accelerate("websocket-client")')
    assert len([line for line in two.splitlines() if line]) == 2
    imports, call = PROGRAMS["websocket-client"].split("logging.basicConfig", 1)
    parts = [two, imports] if when == "before" else [imports, two]
    (tmp_path / "client.py").write_text("".join([*parts, "logging.basicConfig", call]))
    code, _, log = misled("python client.py", tmp_path)
    assert code == 1007
    assert log.count("1007 invalid UTF-8 at byte 3") == 1


def misled(command: str, directory: Path) -> tuple[int | None, str, str]:
    """Run a client, send it a text that is not UTF-8; return its close frame and its output."""
    words, environment = typed(command, directory)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(SECONDS)
        url = f"ws://127.0.0.1:{listener.getsockname()[1]}/"
        with subprocess.Popen(
            [sys.executable, *words[1:], url],
            cwd=directory,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as client:
            try:
                end = End(listener.accept()[0], client=False)
                end.say(TEXT, BAD)
                found = end.farewell()
                end.hang_up()
                log, _ = client.communicate(timeout=SECONDS)
            finally:
                client.kill()
    return *found, log


# Logging


@pytest.fixture
def log_one(request: pytest.FixtureRequest) -> Iterator[Any]:
    """Run a block of the guide; log a violation; leave the logger as it was."""
    logger = logging.getLogger("wsfast")
    before = logger.handlers[:], logger.propagate

    def log(word: str) -> dict[str, Any]:
        names: dict[str, Any] = {}
        exec(compile(block("logging.md", word), "logging.md", "exec"), names)
        with pytest.raises(wsfast.InvalidUTF8) as caught:
            wsfast.validate_utf8(b"K\xf6ln")
        logs.log_invalid_text(caught.value, b"K\xf6ln", library="mine", client="192.0.2.1:5")
        return names

    yield log
    logger.handlers[:], logger.propagate = before


@pytest.mark.parametrize(
    ("word", "module"), [("class JsonLines", "json"), ("structlog", "structlog")]
)
def test_json_lines(word: str, module: str, log_one: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    need(module)
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    log_one(word)
    (line,) = stream.getvalue().splitlines()
    found = json.loads(line)
    assert (found["ws_offset"], found["ws_cause"]) == (1, "OUT_OF_RANGE")
    assert found["ws_client"] == "192.0.2.1:5"


def test_every_field_is_in_the_table(caplog: pytest.LogCaptureFixture, log_one: Any) -> None:
    log_one("class JsonLines")
    page = text_of("logging.md")
    with pytest.raises(wsfast.InvalidUTF8) as caught:
        wsfast.validate_utf8(b"\xff")
    logging.getLogger("wsfast").propagate = True
    logs.log_invalid_text(caught.value)
    fields = {name for name in vars(caplog.records[-1]) if name.startswith("ws_")}
    assert fields == set(re.findall(r"`(ws_\w+)`", page.partition("## The fields")[2]))


def test_sentry(log_one: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    need("sentry_sdk")
    import sentry_sdk
    from sentry_sdk.transport import Transport

    taken: list[dict[str, Any]] = []

    class Kept(Transport):
        def capture_envelope(self, envelope: Any) -> None:
            if (event := envelope.get_event()) is not None:
                taken.append(event)

    init = sentry_sdk.init
    monkeypatch.setattr(
        sentry_sdk,
        "init",
        lambda **options: init(**options, transport=Kept, default_integrations=False),
    )
    log_one("sentry_sdk")
    sentry_sdk.get_client().close()
    sentry_sdk.get_global_scope().set_client(None)
    (event,) = taken
    assert event["extra"]["ws_offset"] == 1
    assert event["level"] == "warning"


def test_opentelemetry(log_one: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    need("opentelemetry")
    need("opentelemetry.sdk")
    from opentelemetry import metrics
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader

    reader = InMemoryMetricReader()
    provider = MeterProvider([reader])
    monkeypatch.setattr(metrics, "get_meter", provider.get_meter)
    log_one("opentelemetry")
    (resource,) = json.loads(reader.get_metrics_data().to_json())["resource_metrics"]
    (metric,) = resource["scope_metrics"][0]["metrics"]
    (point,) = metric["data"]["data_points"]
    assert (metric["name"], point["value"]) == ("websocket.invalid_text", 1)
    assert point["attributes"] == {"cause": "OUT_OF_RANGE", "library": "mine"}
    provider.shutdown()


def test_prometheus(log_one: Any) -> None:
    need("prometheus_client")
    from prometheus_client import REGISTRY

    names = log_one("prometheus_client")
    labels = {"cause": "OUT_OF_RANGE", "library": "mine"}
    assert REGISTRY.get_sample_value("websocket_invalid_text_total", labels) == 1
    REGISTRY.unregister(names["invalid"])
