"""Freeze a program that accelerates libraries with PyInstaller, and run it.

    python tools/frozen.py       needs pyinstaller, websockets, wsproto, uvicorn, isal, zlib-ng

It takes about a minute.  Exit status 1 if the frozen program doesn't run as it does unfrozen,
or contains more than it uses.

Invariant: PyInstaller gets no option that is about wsfast.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path

PROGRAM = """
import asyncio, json, sys
import wsfast
wsfast.accelerate()
import wsproto.connection, wsproto.events
from websockets.asyncio.client import connect
from websockets.asyncio.server import serve

async def echo(connection):
    async for message in connection:
        await connection.send(message)

async def over_loopback():
    async with serve(echo, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with connect(f"ws://127.0.0.1:{port}", proxy=None) as connection:
            await connection.send("größer")
            return await connection.recv()

def through_wsproto():
    ends = [wsproto.connection.Connection(kind) for kind in wsproto.connection.ConnectionType]
    wire = ends[0].send(wsproto.events.TextMessage("größer"))
    ends[1].receive_data(bytes(wire))
    return [event.data for event in ends[1].events()]

def through_connections(engine):
    ends = [wsfast.Connection(role, deflate=wsfast.Deflate(role, engine=engine))
            for role in ("client", "server")]
    ends[0].send_text("größer" * 20)
    wire = ends[0].data_to_send()
    return [wire[0], [event.data for event in ends[1].receive(wire)]]

def of_the_codec(text):
    decoder = wsfast.MessageDecoder("client")
    try:
        list(decoder.feed(wsfast.encode_frame(1, text)))
    except wsfast.InvalidUTF8 as violation:
        return [str(found) for found in (violation, violation.diagnosis(), wsfast.diagnose(text))]

print(json.dumps({
    "names": [type(getattr(wsfast, name)).__name__ for name in wsfast.__all__],
    "connections": [through_connections(engine) for engine in ("zlib", "isal", "zlib-ng")],
    "codec": of_the_codec("größer".encode("latin-1")),
    "explained": [str(wsfast.explain(1007)), len(list(wsfast.fragment(1, "größer", 4)))],
    "echo": asyncio.run(over_loopback()),
    "wsproto": through_wsproto(),
    "backend": wsfast.backend().name,
    "rows": [[row.peer, row.version, row.seam, row.runs] for row in wsfast.accelerate()
             if row.peer in ("websockets", "wsproto")],
    "frozen": getattr(sys, "frozen", False),
}))
"""


def output(command: list[str], directory: Path) -> dict[str, object]:
    """Run a program and return what it says."""
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{command[0]} failed\n{done.stderr[-3000:]}")
    found: dict[str, object] = json.loads(done.stdout)
    return found


def main() -> int:
    with tempfile.TemporaryDirectory() as scratch:
        directory = Path(scratch)
        (directory / "program.py").write_text(PROGRAM, encoding="utf-8")
        plain = output([sys.executable, "program.py"], directory)
        options = ["--onedir", "--noconfirm", "--log-level", "ERROR"]
        subprocess.run(
            [sys.executable, "-m", "PyInstaller", *options, "program.py"],
            cwd=directory,
            check=True,
            env={**os.environ, "PYINSTALLER_CONFIG_DIR": str(directory / "config")},
        )
        frozen = output([str(directory / "dist" / "program" / "program")], directory)
        kept = {path.name for path in (directory / "dist" / "program").rglob("*")}
        unused = sorted(kept & {"tornado", "aiohttp", "gevent", "twisted", "uvicorn", "autobahn"})
    faults = []
    if frozen.pop("frozen") is not True or plain.pop("frozen") is not False:
        faults.append("it is not known which of the two is frozen")
    if frozen != plain:
        faults.append(f"frozen it says\n{frozen}\nand unfrozen\n{plain}")
    if "wsfast" not in {row[3] for row in list(frozen["rows"])}:  # type: ignore[call-overload]
        faults.append("nothing is accelerated")
    faults += [f"{name} is in the program, which does not use it" for name in unused]
    print("\n".join(faults) or f"as unfrozen, with PyInstaller {metadata.version('pyinstaller')}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
