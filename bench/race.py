"""Whole servers side by side: the CPU time of an echo, by server, event loop and load.

    python bench/race.py                  # prints and records
    python bench/race.py --quick          # prints only
    python bench/race.py --draw           # the newest record, into docs/

It needs Linux.  The servers are those that a user would choose between: uvicorn, granian,
hypercorn, socketify, aiohttp, websockets, picows and, on Node, ws; ``+`` after a name means
that it is accelerated with wsfast, and ``wsfast`` is a server without a library.  What is not
installed is skipped with a message: ``pip install granian socketify hypercorn uvicorn``; for ws,
``npm install ws bufferutil utf-8-validate`` in a directory DIR, and
``NODE_PATH=DIR/node_modules``.

ends.py describes how it is measured; for servers that can't report their CPU time, it is what
/proc says about all their processes and threads.  A load in which a library is slower with
wsfast is measured again, all its servers with three times the rounds.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import records
from ends import END_CPU, LOAD_CPU, End, Loaded, Shape, least
from machine import versions
from race_picture import PICTURE, picture, table

HERE = Path(__file__).parent
NOISE = 1.02
PAGE = HERE.parent / "docs" / "peers" / "index.md"
MARKS = "<!-- race -->\n", "<!-- /race -->\n"
SHAPES = (
    Shape(32, 1, 1, 3000),
    Shape(32, 32, 1, 9600),
    Shape(32, 500, 1, 10_000),
    Shape(32, 32, 64, 40_960),
    Shape(1024, 32, 1, 9600),
    Shape(1024, 32, 1, 6400, True),
    Shape(65_536, 8, 1, 1600),
    Shape(65_536, 8, 1, 1600, alphabet="cyrillic"),
)


class Foreign(End):
    """A server that can't report its CPU time: the system does."""

    def __init__(self, command: list[str], port: int = 0) -> None:
        self._process = subprocess.Popen(
            ["taskset", "-c", str(END_CPU), *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=HERE,
        )
        self._port = port

    def line(self) -> int:
        """Return its port, once it listens there."""
        assert self._process.stdout
        port = self._port or int(self._process.stdout.readline())
        until = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
            except ConnectionRefusedError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.05)
            else:
                return port

    def used(self) -> int:
        """Return the CPU time of its processes, in microseconds."""
        return sum(cpu_time(pid) for pid in family(self._process.pid)) // 1000

    def close(self) -> None:
        """End it, as Ctrl-C would."""
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        assert self._process.stdout
        self._process.stdout.close()


def family(pid: int) -> list[int]:
    """Return the ids of a process and of all that it has started."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += family(int(child))
    return found


def cpu_time(pid: int) -> int:
    """Return how long the threads of a process have run, in nanoseconds."""
    threads = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((thread / "schedstat").read_text().split()[0]) for thread in threads)


def granian(_shape: Shape, loop: str) -> Foreign:
    """Start granian with one worker; it knows no compression."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    options = ["--interface", "asgi", "--host", "127.0.0.1", "--port", str(port), "--no-log"]
    command = [sys.executable, "-m", "granian", *options, "--loop", loop, "asgi_servers:echo"]
    return Foreign(command, port)


def socketify(shape: Shape, _loop: str) -> Foreign:
    """Start socketify, which has an event loop of its own."""
    return Foreign([sys.executable, "socketify_server.py", *["deflate"] * shape.deflate])


def node(shape: Shape, _loop: str) -> Foreign:
    """Start ws on Node."""
    return Foreign(["node", "ws_server.js", *["deflate"] * shape.deflate])


def of_library(library: str) -> Callable[[Shape, str], End]:
    """Return what starts a server of a library that has a script here."""

    def start(shape: Shape, loop: str) -> End:
        return End("server", library, loop, *["deflate"] * shape.deflate)

    return start


class Server(NamedTuple):
    """A server in the race: how it is started, what it needs, and what it can't do."""

    start: Callable[[Shape, str], End]
    package: str
    own_loop: bool = False
    deflate: bool = True


SERVERS = {
    "uvicorn": Server(of_library("uvicorn"), "uvicorn"),
    "uvicorn+": Server(of_library("uvicorn+"), "uvicorn"),
    "granian": Server(granian, "granian", deflate=False),
    "hypercorn": Server(of_library("wsproto"), "hypercorn"),
    "hypercorn+": Server(of_library("wsproto+"), "hypercorn"),
    "aiohttp": Server(of_library("aiohttp"), "aiohttp"),
    "aiohttp+": Server(of_library("aiohttp+"), "aiohttp"),
    "websockets": Server(of_library("websockets"), "websockets"),
    "websockets+": Server(of_library("websockets+"), "websockets"),
    "picows": Server(of_library("picows"), "picows"),
    "socketify": Server(socketify, "socketify", own_loop=True),
    "ws on Node": Server(node, "", own_loop=True),
    "wsfast": Server(of_library("wsfast"), "wsfast"),
}


def installed(name: str) -> bool:
    """Return whether a server can run here."""
    package = SERVERS[name].package
    if package:
        return importlib.util.find_spec(package) is not None
    if shutil.which("node") is None:
        return False
    return subprocess.run(["node", "-e", "require('ws')"], capture_output=True).returncode == 0


def raced(names: list[str], shape: Shape, loop: str, rounds: int, share: float) -> dict[str, float]:
    """Let the servers take turns with a load; return the microseconds of each."""
    ends = {name: Loaded(shape, SERVERS[name].start(shape, loop)) for name in names}
    return least(ends, rounds, share)


def lost(best: dict[str, float], name: str) -> bool:
    """Return whether a library takes longer with wsfast under it than alone."""
    return name.endswith("+") and best[name] > NOISE * best[name.removesuffix("+")]


def rows(
    names: list[str], loops: list[str], rounds: int, share: float, only: str
) -> list[dict[str, Any]]:
    """Measure every load; print and return a row for each, with the microseconds by server."""
    found = []
    for loop in loops:
        for shape in SHAPES:
            if only not in shape.name():
                continue
            chosen = [
                name
                for name in names
                if (SERVERS[name].deflate or not shape.deflate)
                and not (SERVERS[name].own_loop and loop != loops[0])
            ]
            best = raced(chosen, shape, loop, rounds, share)
            if any(lost(best, name) for name in best):  # what disturbs a round only adds to it
                again = raced(chosen, shape, loop, 3 * rounds, share)
                best = {name: min(best[name], again[name]) for name in best}
            print(f"\n{loop}, {shape.name()}")
            for name, time_ in sorted(best.items(), key=lambda item: item[1]):
                print(f"  {name:12} {time_:9.2f} us", flush=True)
            figures = {name: round(time_, 2) for name, time_ in best.items()}
            found.append({"loop": loop, "load": shape.name(), "us": figures})
    return found


def server_versions() -> dict[str, str]:
    """Return the versions of the servers that are installed."""
    found = versions(sorted({server.package for server in SERVERS.values()} - {""}))
    if installed("ws on Node"):
        script = "console.log('ws', require('ws/package.json').version, 'node', process.version)"
        words = subprocess.run(
            ["node", "-e", script], capture_output=True, text=True, check=True
        ).stdout.split()
        found |= dict(zip(words[::2], words[1::2], strict=True))
    return found


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="short rounds; print only")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--loop", choices=("uvloop", "asyncio"), action="append")
    parser.add_argument("--only", default="", metavar="WORDS", help="loads whose names have them")
    parser.add_argument("--draw", action="store_true", help="draw the newest record")
    options = parser.parse_args()
    if options.draw:
        record = records.newest("race")
        PICTURE.write_text(picture(record), encoding="utf-8")
        records.put(PAGE, MARKS, table(record))
        return
    record = records.begin("race.py")
    record["machine"]["packages"] |= server_versions()
    names = [name for name in SERVERS if installed(name)]
    for name in SERVERS:
        if name not in names:
            print(f"SKIPPED: {name} is not installed")
    os.sched_setaffinity(0, {LOAD_CPU})
    rounds, share = (2, 0.2) if options.quick else (options.rounds, 1)
    loops = options.loop or ["uvloop", "asyncio"]
    record["rows"] = rows(names, loops, rounds, share, options.only)
    if not (options.quick or options.only):
        records.save(record, "race")


if __name__ == "__main__":
    main()
