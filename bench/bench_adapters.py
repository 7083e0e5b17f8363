"""Libraries, stock and accelerated: how many times as fast each receives and sends.

    python bench/bench_adapters.py             # all, some minutes: prints and records
    python bench/bench_adapters.py --quick     # few rounds: prints only
    python bench/bench_adapters.py NAME...     # these peers: prints only

What is called is in ``adapter_peers.py``.  Exit status 1 if a seam makes its library slower, or
less fast than ``LEAST`` says.  With ``WSFAST_BACKEND=pure`` it only must not be slower, because
little is replaced then.

Times are for one message.  Memory that is freed is kept for the next message, as in a process
that has run for a while; otherwise the kernel's zeroing of pages would take most of the time.

Invariant: stock and accelerated take turns, and the fastest round of each counts.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from typing import Any

import records
import wsfast
from adapter_peers import MAKERS, Call, checked
from samples import sample, size_name
from timing import calls_a_round, repeated

NATIVE = wsfast.backend().name == "native"
SIZES = (32, 125, 1024, 65_536, 1_048_576) if NATIVE else (32, 65_536)
SCRIPTS = ("ascii", "cjk")
SLOWER = 0.95  # below this it is not noise
PATIENCE = 6  # times as many rounds are made while it looks too slow: noise goes, a fault stays
# peer, direction, bytes: how many times as fast, at least.
LEAST = {
    ("websockets", "receive", 32): 3.0,
    ("websockets", "receive", 65_536): 2.0,
    ("wsproto", "receive", 32): 4.0,
    ("wsproto", "receive", 65_536): 5.0,
    ("websocket-client", "receive", 1_048_576): 50.0,
    ("ws4py", "receive", 65_536): 100.0,
    ("gevent-websocket", "receive", 65_536): 100.0,
    ("autobahn", "receive", 125): 1.25,
    ("autobahn", "receive", 65_536): 10.0,
}
# Stock, it looks at no text here: who decodes it finds out, in more time than all of this.
LEAST_CJK = {("websockets", "receive", 65_536): 1.3}


def least_ratio(peer: str, direction: str, size: int, script: str) -> float:
    """Return how many times as fast it must be."""
    if not NATIVE:
        return SLOWER
    case = (peer, direction, size)
    least = LEAST.get(case, SLOWER)
    return LEAST_CJK.get(case, least) if script == "cjk" else least


class Side:
    """One of the two: its call, made while it is so, and its fastest round."""

    def __init__(
        self, peer: str, switch: Callable[[str], object], make: Callable[[], tuple[Call, int]]
    ):
        self._peer, self._switch = peer, switch
        switch(peer)
        call, self.messages = make()
        self._times = calls_a_round(call, ())
        self._run = repeated(call, (), self._times)
        self.fastest = float("inf")

    def round(self) -> None:
        self._switch(self._peer)
        start = time.perf_counter()
        self._run()
        taken = (time.perf_counter() - start) / self._times / self.messages
        self.fastest = min(self.fastest, taken)


def row(peer: str, direction: str, size: int, script: str, rounds: int) -> dict[str, Any]:
    """Measure one case."""
    payload, maker = sample(script, size), MAKERS[peer, direction]
    sides = [
        Side(peer, switch, lambda: checked(maker, payload, direction))
        for switch in (wsfast.restore, wsfast.accelerate)
    ]
    least = least_ratio(peer, direction, size, script)
    for number in range(rounds * PATIENCE):
        for side in sides:
            side.round()
        stock, ours = (side.fastest for side in sides)
        if number + 1 >= rounds and stock / ours >= least:
            break
    wsfast.restore(peer)
    return {
        "operation": direction,
        "peer": peer,
        "size": size,
        "alphabet": script,
        "stock_us": round(stock * 1e6, 3),
        "accelerated_us": round(ours * 1e6, 3),
        "ratio": round(stock / ours, 2),
    }


def shown(row: dict[str, Any]) -> str:
    return (
        f"{row['peer']:17} {row['operation']:8} {size_name(row['size'], ' '):>7} "
        f"{row['alphabet']:6} {row['stock_us']:12,.2f} us {row['accelerated_us']:10,.2f} us "
        f"{row['ratio']:8.2f}x"
    )


def wrong(rows: list[dict[str, Any]]) -> list[str]:
    """Return what is slower than it should be."""
    return [
        f"{shown(row)}, less than {least}x"
        for row in rows
        if row["ratio"]
        < (least := least_ratio(row["peer"], row["operation"], row["size"], row["alphabet"]))
    ]


def measure_all(names: list[str], rounds: int) -> list[dict[str, Any]]:
    """Measure every case of these peers; say which peers are not installed."""
    found = []
    bytes(24 << 20)  # once that is freed, the C library keeps as much for later
    for peer, direction in MAKERS:
        if names and peer not in names:
            continue
        if missing := [x for x in wsfast.accelerate(peer) if not x.seam]:
            print(f"SKIPPED: {peer}: {missing[0].reason}")
            continue
        for script in SCRIPTS:
            for size in SIZES:
                found.append(row(peer, direction, size, script, rounds))
                print(shown(found[-1]), flush=True)
    return found


def main() -> int:
    """Return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--quick", action="store_true", help="few rounds; print only")
    arguments = parser.parse_args()
    # Peers as most have them: some take wsaccel, if it is installed, and are slow without.
    sys.modules["wsaccel"] = None  # type: ignore[assignment]
    record = records.begin("bench_adapters.py")
    record["rows"] = measure_all(arguments.names, 5 if arguments.quick else 25)
    if not (arguments.quick or arguments.names):
        records.save(record, "adapters")
    faults = wrong(record["rows"])
    print("\n".join(["TOO SLOW:", *faults]) if faults else "all as fast as they should be")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
