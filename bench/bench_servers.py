"""Messages a second, latency and memory of echo servers, each in a process of its own.

    python bench/bench_servers.py             # messages a second: six minutes, prints and records
    python bench/bench_servers.py --quick     # the same in half a minute, prints only
    python bench/bench_servers.py --memory    # memory of 10,000 connections: prints and records
    python bench/bench_servers.py --uvicorn   # an ASGI application, by protocol of uvicorn; asserts
    python bench/bench_servers.py --peers     # libraries, stock and accelerated (name+)

It needs Linux.  The load is that of ``load.py``, the servers those of ``echo_servers.py``.
A record is a dated JSON file in bench/record/: the machine, the versions, and a row for
each server, event loop and load.

Invariant: servers take turns within a round and the best round counts, so that what
disturbs the machine disturbs all of them; a figure is compared only with those of its run.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager
from importlib.util import find_spec
from operator import itemgetter
from typing import Any, NamedTuple

import load
import memory
import records
from samples import size_name
from serving import serving

SERVERS = ("wsfast", "picows", "picows-bytes", "aiohttp", "websockets")
UVICORN = ("uvicorn-wsfast", "uvicorn-websockets-sansio", "uvicorn-websockets", "uvicorn-wsproto")
PEERS = (
    "websockets",
    "websockets+",
    "aiohttp",
    "aiohttp+",
    "hypercorn",
    "hypercorn+",
    "autobahn",
    "autobahn+",
)
AT_LEAST = 1.3  # times the messages a second of websockets-sansio
NOISE = 1.1  # what p99 differs by when nothing differs
LOOPS = ("asyncio", "uvloop")
LEAST = ("server_us", "p50_us", "p99_us")  # of these the least counts
# The servers' CPU and the client's: the same one if there is no other.
CPUS = sorted(os.sched_getaffinity(0))
SERVER_CPU, CLIENT_CPU = CPUS[0], CPUS[-1]


class Shape(NamedTuple):
    """A load: bytes a message, connections, messages at once, how often ahead."""

    size: int
    connections: int
    batch: int
    ahead: int

    def name(self) -> str:
        how = "one at a time" if self.batch == 1 else f"{self.batch} at once"
        return f"{size_name(self.size, ' ')}, connections: {self.connections}, {how}"


SHAPES = (
    Shape(32, 1, 1, 1),
    Shape(32, 1, 64, 2),
    Shape(32, 32, 1, 1),
    Shape(32, 32, 64, 2),
    Shape(65_536, 1, 1, 1),
    Shape(65_536, 1, 4, 2),
    Shape(65_536, 32, 1, 1),
)


def server(name: str, loop: str) -> AbstractContextManager[tuple[int, int]]:
    """Run a server on a CPU of its own, where there are two; give its port and its pid."""
    return serving("echo_servers.py", name, loop, cpu=SERVER_CPU)


def measure(name: str, loop: str, shape: Shape, seconds: float) -> dict[str, Any]:
    """Load one server; return its row."""
    with server(name, loop) as (port, pid):
        found = load.run(port, pid, *shape, seconds)
    latency = sorted(found.latencies) if shape.batch == 1 else []  # else it is a batch's
    return {
        "operation": "echo",
        "peer": name,
        "loop": loop,
        **shape._asdict(),
        "messages_per_second": round(found.rate),
        "server_busy": round(found.busy, 2),
        "client_busy": round(found.client_busy, 2),
        "server_us": round(found.busy / found.rate * 1e6, 2),
        "p50_us": round(latency[len(latency) // 2] * 1e6, 1) if latency else None,
        "p99_us": round(latency[len(latency) * 99 // 100] * 1e6, 1) if latency else None,
    }


def installed(candidates: Sequence[str], wanted: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the servers and the event loops that can run here; say which can't."""
    servers = [name for name in candidates if find_spec(name.partition("-")[0].rstrip("+"))]
    loops = [name for name in wanted if find_spec(name)]
    for missing in sorted({*candidates, *wanted} - {*servers, *loops}):
        print(f"SKIPPED: {missing} is not installed")
    return servers, loops


def least(*values: float | None) -> float | None:
    """Return the least of what was measured, if anything was."""
    return min((value for value in values if value is not None), default=None)


def throughput(
    servers: list[str], loops: list[str], rounds: int, seconds: float
) -> list[dict[str, Any]]:
    """Load every server with everything; return the best of the rounds, of each figure."""
    best: dict[tuple[str, Shape, str], dict[str, Any]] = {}
    for number in range(rounds):
        for loop in loops:
            for shape in SHAPES:
                for name in servers:
                    row = measure(name, loop, shape, seconds)
                    key = (loop, shape, name)
                    rate = "messages_per_second"
                    before = best.setdefault(key, row)
                    figures = {name: least(before[name], row[name]) for name in LEAST}
                    best[key] = {**max(before, row, key=itemgetter(rate)), **figures}
        print(f"round {number + 1} of {rounds} is over", file=sys.stderr, flush=True)
    return list(best.values())


def table(rows: list[dict[str, Any]]) -> str:
    """Return the rows as text.

    A ratio is the rate of wsfast, the first, divided by the server's; or that of an
    accelerated library, divided by its own without.
    """
    lines: list[str] = []
    rates: dict[tuple[Any, ...], dict[str, float]] = {}
    for row in rows:
        shape, peer = Shape(*(row[field] for field in Shape._fields)), row["peer"]
        rate = row["messages_per_second"]
        if not (known := rates.setdefault((row["loop"], shape), {})):
            lines.append(f"\n{row['loop']}, {shape.name()}")
        known[peer] = rate
        if peer.endswith("+"):
            ratio = f"{rate / known[peer.rstrip('+')]:5.2f}x"
        else:
            first = next(iter(known))
            ratio = f"{known[first] / rate:5.2f}x" if first.endswith("wsfast") else "      "
        latency = f"  p50 {row['p50_us']} us, p99 {row['p99_us']} us" if row["p50_us"] else ""
        lines.append(
            f"  {row['peer']:25} {rate:9,} messages/s  {ratio}"
            f"  {row['server_us']:6.2f} us of CPU, busy {row['server_busy']:.0%}{latency}"
        )
    return "\n".join(lines)


def judged(rows: list[dict[str, Any]]) -> list[str]:
    """Return where uvicorn with ours is not as far ahead of websockets-sansio as it should be.

    Messages a second are those of a second that the server has a CPU: what it gets of one,
    on a machine that does other things too, says nothing about the server.
    """
    by: dict[tuple[Any, ...], dict[str, dict[str, Any]]] = {}
    for row in rows:
        load_of_row = (row["loop"], *(row[field] for field in Shape._fields))
        by.setdefault(load_of_row, {})[row["peer"]] = row
    wrong = []
    for (loop, *shape), peers in by.items():
        ours, stock = peers["uvicorn-wsfast"], peers["uvicorn-websockets-sansio"]
        ratio = stock["server_us"] / ours["server_us"]
        where = f"{loop}, {Shape(*shape).name()}"
        if ratio < AT_LEAST:
            wrong.append(f"{where}: {ratio:.2f}x the messages a second, not {AT_LEAST}x")
        if ours["p99_us"] and ours["p99_us"] > stock["p99_us"] * NOISE:
            wrong.append(f"{where}: p99 {ours['p99_us']} us, not {stock['p99_us']} us or less")
    return wrong


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one short round; print only")
    parser.add_argument(
        "--memory", action="store_true", help="memory in place of messages a second"
    )
    parser.add_argument(
        "--uvicorn", action="store_true", help="the protocols of uvicorn, in place of servers"
    )
    parser.add_argument(
        "--peers", action="store_true", help="libraries, stock and accelerated, in place of servers"
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--loop", choices=LOOPS, action="append", help="default: both")
    parser.add_argument("--connections", type=int, default=10_000, help="for the memory")
    arguments = parser.parse_args()
    record = records.begin("bench_servers.py")
    candidates = UVICORN if arguments.uvicorn else PEERS if arguments.peers else SERVERS
    servers, loops = installed(candidates, arguments.loop or LOOPS)
    os.sched_setaffinity(0, {CLIENT_CPU})
    if arguments.memory:
        record["rows"] = memory.rows(servers, server, arguments.connections)
        print("\n".join(memory.lines(record["rows"])))
    else:
        seconds = 1.2 if arguments.uvicorn else 0.7
        rounds, seconds = (1, 0.2) if arguments.quick else (arguments.rounds, seconds)
        record["rows"] = throughput(servers, loops, rounds, seconds)
        print(table(record["rows"]))
    if not arguments.quick:
        kind = next((k for k in ("memory", "uvicorn", "peers") if getattr(arguments, k)), "servers")
        records.save(record, kind)
    judging = arguments.uvicorn and not (arguments.memory or arguments.quick)
    if judging and (wrong := judged(record["rows"])):
        sys.exit("NOT AS IT SHOULD BE:\n  " + "\n  ".join(wrong))


if __name__ == "__main__":
    main()
