"""The Autobahn TestSuite, https://github.com/crossbario/autobahn-testsuite: install and run it.

It runs on Python 2.7 only.  ``wstest`` makes an environment for it once, in the directory
that ``WSFAST_AUTOBAHN`` names or else in ``build/autobahn``, with the first Python 2.7 of
``WSFAST_PYTHON2``, PATH and pyenv.

Invariant: everything listens on the loopback interface, and whatever was started is ended.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
RELEASE = "25.10.1"
VIRTUALENV = "20.21.1"  # the last that makes environments for Python 2.7
USUAL = ("1", "2", "3", "4", "5", "6", "7", "10")
SECTIONS = (*USUAL, "9", "12", "13")
LARGEST = 2**24  # bytes of a message, in section 9
WHOLE_RUN = 3600.0  # seconds that the suite may take
START = 30.0  # seconds that it may take to listen


class NotAvailable(Exception):
    """The suite can't run here; the text says why."""


def python2() -> str:
    """Return a Python 2.7 that runs.

    Raises:
        NotAvailable: there is none.
    """
    for candidate in _pythons():
        with contextlib.suppress(OSError):
            code = "import sys; sys.exit(sys.version_info[:2] != (2, 7))"
            ran = subprocess.run([candidate, "-c", code], capture_output=True, check=False)
            if ran.returncode == 0:
                return candidate
    raise NotAvailable("there is no Python 2.7; WSFAST_PYTHON2 may name one")


def _pythons() -> Iterator[str]:
    if named := os.environ.get("WSFAST_PYTHON2"):
        yield named
        return
    if found := shutil.which("python2.7"):
        yield found
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    yield from map(str, sorted(pyenv.glob("versions/2.7.*/bin/python")))


def wstest() -> Path:
    """Return the suite's command, installed if it is not yet.

    Raises:
        NotAvailable: it can't be installed.
    """
    place = Path(os.environ.get("WSFAST_AUTOBAHN") or ROOT / "build" / "autobahn").resolve()
    environment, made = place / "python2", place / f"made-{RELEASE}"
    if not made.exists():
        interpreter = python2()
        shutil.rmtree(place, ignore_errors=True)
        print(f"installing autobahntestsuite {RELEASE} in {place}", flush=True)
        tool = place / "virtualenv" / "bin"
        quietly = ("-m", "pip", "--quiet", "--disable-pip-version-check", "install")
        for command in (
            (sys.executable, "-m", "venv", tool.parent),
            (tool / "python", *quietly, f"virtualenv=={VIRTUALENV}"),
            (tool / "virtualenv", "--quiet", "--python", interpreter, environment),
            (environment / "bin" / "python", *quietly, f"autobahntestsuite=={RELEASE}"),
        ):
            ran = subprocess.run(command, capture_output=True, text=True, check=False)
            if ran.returncode:
                said = ran.stderr.strip().rpartition("\n")[2]
                raise NotAvailable(f"{' '.join(map(str, command))} failed: {said}")
        made.touch()
    return environment / "bin" / "wstest"


def versions() -> dict[str, str]:
    """Return the versions of what the suite runs on."""
    python = wstest().with_name("python")
    code = (
        "import platform, twisted, autobahn, autobahntestsuite as suite\n"
        "print('%s|%s|%s|%s' % (suite.__version__, platform.python_version(),"
        " twisted.__version__, autobahn.__version__))"
    )
    printed = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True)
    names = ("autobahntestsuite", "Python of the suite", "Twisted", "autobahn of the suite")
    return dict(zip(names, printed.stdout.strip().split("|"), strict=True))


def free_port() -> int:
    """Return a port of the loopback interface that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@contextlib.asynccontextmanager
async def running(mode: str, spec: Mapping[str, Any]) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run ``wstest`` in a mode; its output goes beside its reports, into wstest.log."""
    directory = Path(spec["outdir"])
    directory.mkdir(parents=True)
    path = directory / "spec.json"
    path.write_text(json.dumps(spec))
    with (directory / "wstest.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *(wstest(), "--mode", mode, "--spec", path, "--webport", "0"),
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        try:
            yield process
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()


async def fuzzing_client(url: str, agent: str, cases: list[str], outdir: Path) -> dict[str, Any]:
    """Run the suite as the client of the server at ``url``; return its verdicts by case."""
    spec = {
        "outdir": str(outdir),
        "servers": [{"agent": agent, "url": url}],
        "cases": cases,
        "exclude-cases": [],
        "exclude-agent-cases": {},
    }
    async with running("fuzzingclient", spec) as process:
        async with asyncio.timeout(WHOLE_RUN):
            await process.wait()
        if process.returncode:
            raise RuntimeError(f"wstest ended with {process.returncode}, see {outdir}/wstest.log")
    return verdicts(outdir, agent)


@contextlib.asynccontextmanager
async def fuzzing_server(cases: list[str], outdir: Path) -> AsyncIterator[str]:
    """Run the suite as a server; give its URL."""
    port = free_port()
    spec = {
        "url": f"ws://127.0.0.1:{port}",
        "outdir": str(outdir),
        "cases": cases,
        "exclude-cases": [],
        "exclude-agent-cases": {},
    }
    async with running("fuzzingserver", spec) as process:
        async with asyncio.timeout(START):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                except ConnectionRefusedError:
                    if process.returncode is not None:
                        log = f"{outdir}/wstest.log"
                        raise RuntimeError(f"wstest did not start, see {log}") from None
                    await asyncio.sleep(0.1)
                else:
                    writer.close()
                    break
        yield f"ws://127.0.0.1:{port}"


def verdicts(outdir: Path, agent: str) -> dict[str, Any]:
    """Read what the suite wrote: by case, ``behavior``, ``behaviorClose`` and more."""
    index: dict[str, dict[str, Any]] = json.loads((outdir / "index.json").read_text())
    return index[agent]


def explanation(outdir: Path, verdict: Mapping[str, Any]) -> str:
    """Return what the suite's report says of a case."""
    report = json.loads((outdir / verdict["reportfile"]).read_text(errors="replace"))
    return f"{report['result']} {report['resultClose']}"
