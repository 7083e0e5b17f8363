"""Page faults of servers: memory that glibc returns to the system between messages.

    python bench/trimming.py            # prints and records
    python bench/trimming.py --quick    # prints only

Several connections have a long text each, and then none.  If nothing that stays lies behind
these texts, glibc returns their memory, and gets it again, page by page, for the next ones.
No two heaps are the same, so each server is started many times.
This asserts that no accelerated one has page faults.  It needs Linux and glibc.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from statistics import median
from typing import Any

import records
from ends import LOAD_CPU, End, Loaded, Shape

SHAPE = Shape(65_536, 8, 1, 1600)
SERVERS = ("websockets", "websockets+", "aiohttp", "aiohttp+", "uvicorn", "uvicorn+", "wsfast")
MANY = 1  # page faults a message


class Counted(Loaded):
    """A server under load, whose page faults are counted."""

    def __init__(self, library: str) -> None:
        end = End("server", library, "uvloop")
        super().__init__(SHAPE, end)
        self._stat = Path(f"/proc/{end.pid}/stat")

    def _faults(self) -> int:
        return int(self._stat.read_text().rpartition(")")[2].split()[7])

    def measure(self, rounds: int) -> tuple[float, float]:
        """Return the least time of a message, in microseconds, and how many faults it has."""
        self.round()
        before = self._faults()
        least = min(self.round() for _ in range(rounds))
        return least, (self._faults() - before) / (rounds * SHAPE.messages)


def row(library: str, processes: int, rounds: int) -> dict[str, Any]:
    """Measure some processes of a server, one after the other."""
    found = []
    for _ in range(processes):
        server = Counted(library)
        try:
            found.append(server.measure(rounds))
        finally:
            server.close()
    times, faults = zip(*found, strict=True)
    many = sum(one > MANY for one in faults)
    print(
        f"{library:12} {min(times):6.1f} {median(times):6.1f} {max(times):6.1f} us"
        f"   at most {max(faults):4.1f} faults; more than {MANY} in {many} of {processes}",
        flush=True,
    )
    us, page_faults = [[round(one, 1) for one in column] for column in (times, faults)]
    return {"server": library, "us": us, "page_faults": page_faults}


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="few processes; print only")
    options = parser.parse_args()
    record = records.begin("trimming.py")
    os.sched_setaffinity(0, {LOAD_CPU})
    processes, rounds = (3, 2) if options.quick else (24, 3)
    print(f"{SHAPE.name()}: CPU time of a message; least, median and most of the processes")
    record["rows"] = [row(library, processes, rounds) for library in SERVERS]
    for found in record["rows"]:
        if found["server"].endswith("+") and max(found["page_faults"]) > MANY:
            raise AssertionError(f"{found['server']} has page faults: {found['page_faults']}")
    if not options.quick:
        records.save(record, "trimming")


if __name__ == "__main__":
    main()
