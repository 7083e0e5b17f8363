"""Measure growth: whether a message of twice the bytes takes twice the time, however it arrives.

    python bench/growth.py [--record]      # takes some minutes

Messages of 64 KiB to 16 MiB arrive byte by byte, in reads of 1 KiB, and whole.  The
exponent is the slope of log(cost) against log(bytes): 1 is linear, 2 quadratic.  The cost
is CPU time, the least of some runs, and also the instructions executed if valgrind is
installed.  Memory makes the exponent of time larger than 1: a byte costs more beyond the
caches, and in new pages.  Instructions show what the decoder does.  callgrind emulates a CPU
with AVX2, without AVX-512.

Invariant: every message that was measured is compared with what was sent.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from math import log
from typing import Any

import records
import wsfast
from samples import KEY, sample, size_name

SIZES = [2**power for power in range(16, 25, 2)]
READS = {"byte by byte": 1, "in reads of 1 KiB": 1024, "whole": 2**30}
COUNTED = [2**16, 2**20, 2**24]  # bytes; not byte by byte, which takes minutes
CALLGRIND = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]
SECONDS = 0.2  # of repeats, at least two


def reads_of(wire: bytes, read_size: int) -> Iterator[bytes]:
    return (wire[i : i + read_size] for i in range(0, len(wire), read_size))


def receive(wire: bytes, read_size: int) -> tuple[float, list[Any]]:
    """Return the CPU time that a decoder takes for it, and the messages."""
    decoder = wsfast.MessageDecoder("server", max_message_size=None)
    feed = decoder.feed
    messages: list[Any] = []
    before = time.process_time()
    for read in reads_of(wire, read_size):
        messages += feed(read)
    return time.process_time() - before, messages


def times_of(size: int, opcode: int, read_size: int) -> Iterator[float]:
    """Yield the time of one run after the other."""
    payload = sample("json", size)
    wire = wsfast.encode_frame(opcode, payload, masking_key=KEY)
    expected = payload if opcode == wsfast.Opcode.BINARY else payload.decode()
    while True:
        taken, messages = receive(wire, read_size)
        assert [message.data for message in messages] == [expected]
        yield taken


def least_time(size: int, opcode: int, read_size: int) -> float:
    """Return the least time of some runs."""
    times: list[float] = []
    for taken in times_of(size, opcode, read_size):
        times.append(taken)
        if len(times) > 1 and sum(times) > SECONDS:
            break
    return min(times)


def instructions(size: int, opcode: int, read_size: int) -> int:
    """Return how many instructions a message takes: three of them less two."""
    more, less = (
        subprocess.run(
            [*CALLGRIND, sys.executable, __file__, *map(str, (size, int(opcode), read_size, runs))],
            env={**os.environ, "PYTHONHASHSEED": "0"},
            stderr=subprocess.PIPE,
            text=True,
            check=True,
        ).stderr
        for runs in (3, 2)
    )
    return collected(more) - collected(less)


def collected(report: str) -> int:
    """Return what callgrind says it counted."""
    (line,) = (line for line in report.splitlines() if "Collected" in line)
    return int(line.rsplit(":", 1)[1])


def slope(sizes: Sequence[int], costs: Sequence[float]) -> float:
    """Return the least-squares slope of log(cost) against log(bytes)."""
    points = [(log(size), log(cost)) for size, cost in zip(sizes, costs, strict=True)]
    x0 = sum(x for x, _ in points) / len(points)
    y0 = sum(y for _, y in points) / len(points)
    return sum((x - x0) * (y - y0) for x, y in points) / sum((x - x0) ** 2 for x, _ in points)


def rows() -> Iterator[dict[str, Any]]:
    """Measure, a row for each opcode and kind of read."""
    for opcode in (wsfast.Opcode.TEXT, wsfast.Opcode.BINARY):
        for name, read_size in READS.items():
            times = [least_time(size, opcode, read_size) for size in SIZES]
            row: dict[str, Any] = {"operation": "growth", "opcode": opcode.name, "arrives": name}
            row |= {"exponent": round(slope(SIZES, times), 3)}
            row |= {"ms": [round(taken * 1e3, 3) for taken in times]}
            if read_size > 1 and shutil.which("valgrind"):
                counts = [instructions(size, opcode, read_size) for size in COUNTED]
                row |= {"instructions_exponent": round(slope(COUNTED, counts), 3)}
                row |= {"instructions": counts}
            yield row


def show(row: dict[str, Any]) -> None:
    """Print a row, and what was counted in a second line."""
    name = f"{row['opcode']} {row['arrives']}"
    print(f"{name:26}{row['exponent']:6.3f}  ms", *(f"{ms:g}" for ms in row["ms"]), flush=True)
    if "instructions" in row:
        counts = (f"{count:,}" for count in row["instructions"])
        print(f"{'':26}{row['instructions_exponent']:6.3f}  instructions", *counts, flush=True)


def main() -> None:
    """Measure and print; with ``--record`` write the record."""
    record = records.begin("growth.py")
    print("exponent; ms for", *(size_name(size) for size in SIZES), end="; ")
    print("instructions for", *(size_name(size) for size in COUNTED))
    found = []
    for row in rows():
        show(row)
        found.append(row)
    if "--record" in sys.argv[1:]:
        sizes = {"sizes": SIZES, "sizes_counted": COUNTED}
        records.save({**record, **sizes, "rows": found}, "growth")


if __name__ == "__main__":
    if len(sys.argv) == 5:  # under callgrind
        size, opcode, read_size, runs = map(int, sys.argv[1:])
        for _ in islice(times_of(size, opcode, read_size), runs):
            pass
    else:
        main()
