"""Memory of connections: idle ones, and ones that have received half of a message.

Two measures: of a whole server in its process, with its sockets (``/proc/PID/smaps_rollup``,
without what the system keeps for a socket), and of decoders and connections alone, by what
``tracemalloc`` counts.

Invariant: a figure is a difference divided by the number of connections, so what the
libraries themselves take is not in it.
"""

from __future__ import annotations

import gc
import resource
import time
import tracemalloc
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import wsfast
from load import connect, frames

HALF = 8192  # bytes of payload received, of twice as many
Server = Callable[[str, str], AbstractContextManager[tuple[int, int]]]


def rows(servers: list[str], server: Server, connections: int) -> list[dict[str, Any]]:
    """Measure each server, then the codec alone."""
    room = _descriptors(connections + 100) - 100
    if room < connections:
        print(f"SKIPPED: {connections} connections; the limit of open files leaves {room}")
        connections = room
    measured = [of_server(name, server, connections) for name in servers]
    wholes: dict[str, Callable[[], Any]] = {
        "MessageDecoder": lambda: wsfast.MessageDecoder("server"),
        "Connection": lambda: wsfast.Connection("server"),
    }
    return measured + [of_codec(name, make, connections) for name, make in wholes.items()]


def of_server(name: str, server: Server, connections: int) -> dict[str, Any]:
    """Open connections to a server, then send half a message on each."""
    half = frames(2 * HALF, 1)[0][: HALF + 8]  # a header of eight bytes
    with server(name, "asyncio") as (port, pid):
        connect(port).close()  # what the first connection imports
        empty = _settled(pid)
        sockets = [connect(port) for _ in range(connections)]
        idle = _settled(pid)
        for sock in sockets:
            sock.sendall(half)
        waiting = _settled(pid)
        for sock in sockets:
            sock.close()
    return _row(name, connections, (idle - empty) / connections, (waiting - empty) / connections)


def of_codec(name: str, make: Callable[[], Any], connections: int) -> dict[str, Any]:
    """Make them in this process, then give each half a message."""
    half = frames(2 * HALF, 1)[0][: HALF + 8]
    list(_receive(make(), half))
    gc.collect()
    tracemalloc.start()
    try:
        made = [None] * connections
        empty = tracemalloc.get_traced_memory()[0]
        for number in range(connections):
            made[number] = make()
        idle = tracemalloc.get_traced_memory()[0]
        for each in made:
            list(_receive(each, half))
        waiting = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    return _row(name, connections, (idle - empty) / connections, (waiting - empty) / connections)


def _receive(each: Any, data: bytes) -> Any:
    return each.receive(data) if hasattr(each, "receive") else each.feed(data)


def _row(name: str, connections: int, idle: float, waiting: float) -> dict[str, Any]:
    return {
        "operation": "memory",
        "peer": name,
        "connections": connections,
        "idle_bytes": round(idle),
        "half_received_bytes": round(waiting),
        "received": HALF,
    }


def _descriptors(wanted: int) -> int:
    """Raise the limit of open files as far as it goes; return it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    enough = hard == resource.RLIM_INFINITY or hard >= wanted
    soft = max(soft, wanted) if enough else hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return soft


def _settled(pid: int) -> int:
    """Return the private memory of a process once it has stopped to grow."""
    last = -1
    while (now := _private(pid)) != last:
        last = now
        time.sleep(0.5)
    return now


def _private(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Private_"))


def lines(rows: list[dict[str, Any]]) -> list[str]:
    """Return the rows about memory as text."""
    text = [f"bytes of memory, each of {rows[0]['connections']:,} connections: idle, half received"]
    for row in rows:
        idle, waiting = row["idle_bytes"], row["half_received_bytes"]
        text.append(f"  {row['peer']:14} {idle:8,}  {waiting:8,}")
    text.append(f"half received: {HALF:,} bytes of a message of {2 * HALF:,}")
    return text
