"""npm's ``ws``, with ``bufferutil`` and ``utf-8-validate``, at the other end.

They are installed once, in the directory that ``WSFAST_NPM`` names or else in ``build/npm``.

Invariant: node is ended with the test that started it.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random
from typing import Any, NoReturn

import pytest

from wire_peers import Peer, Seen

HERE = Path(__file__).parent
PLACE = (
    Path(os.environ.get("WSFAST_NPM") or HERE.parents[1] / "build" / "npm") / "node_modules"
).resolve()
SECONDS = 120  # for all of them
PACKAGES = ("ws@8", "bufferutil@4", "utf-8-validate@6")


def modules() -> Path:
    """Return where the packages are, installed if they are not yet; skip if they can't be."""
    if why_not := _installed():
        _skip(why_not)
    return PLACE


@functools.cache  # a registry that does not answer is waited for once
def _installed() -> str:
    """Install the packages, unless they are; return why that can't be done, or nothing."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return "there is no node or no npm"
    if PLACE.exists():
        return ""
    PLACE.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=PLACE.parent) as directory:
        options = (
            "--silent",
            "--no-audit",
            "--no-fund",
            "--fetch-retries=1",
            "--prefix",
            directory,
        )
        command = [npm, "install", *options, *PACKAGES]
        try:
            ran = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)
        except subprocess.TimeoutExpired:
            return f"npm install took more than {SECONDS} seconds"
        if ran.returncode:
            return f"npm install failed: {ran.stderr.strip()[-200:]}"
        with contextlib.suppress(OSError):  # another test process was first
            (Path(directory) / "node_modules").rename(PLACE)
    return ""


def _skip(why: str) -> NoReturn:
    if os.environ.get("WSFAST_REQUIRE_NODE") == "1":
        pytest.fail(why)
    pytest.skip(f"npm's ws was NOT tested: {why}")


class _Node:
    """A node that runs echo_peer.js."""

    def __init__(self, seen: Seen) -> None:
        self._seen = seen

    async def start(self, role: str, port: int, compress: bool, rng: Random) -> None:
        self._process = await asyncio.create_subprocess_exec(
            *("node", str(HERE / "echo_peer.js"), role),
            *(str(port), str(int(compress)), str(rng.getrandbits(32))),
            env={**os.environ, "NODE_PATH": str(modules())},
            stdout=asyncio.subprocess.PIPE,
        )

    async def line(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        said: dict[str, Any] = json.loads(await self._process.stdout.readline() or "{}")
        return said

    async def follow(self) -> None:
        """Read what it says until it has said how the connection was closed."""
        while said := await self.line():
            if "closed" in said:
                code, reason = said["closed"]
                self._seen.set_result((code, reason))

    async def end(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()


@contextlib.asynccontextmanager
async def _server(compress: bool, rng: Random, seen: Seen) -> AsyncIterator[int]:
    node = _Node(seen)
    await node.start("server", 0, compress, rng)
    try:
        port: int = (await node.line())["port"]
        following = asyncio.create_task(node.follow())
        yield port
        await following
    finally:
        await node.end()


async def _client(port: int, compress: bool, rng: Random, seen: Seen) -> None:
    node = _Node(seen)
    await node.start("client", port, compress, rng)
    try:
        await node.follow()
    finally:
        await node.end()


WS = Peer(_server, _client, "")
