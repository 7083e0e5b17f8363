"""Compare within one run: with other libraries, and with the kernels of an earlier revision.

    python bench/ratios.py               wsfast with a copy, CPython and installed libraries
    python bench/ratios.py REVISION      also each kernel with its source at a git revision
    python bench/ratios.py --prove 5     five times the kernels with themselves, which must
                                         pass, and validators slowed down, which must not

Exit status 1 if wsfast is not as many times as fast as ``LEAST`` says, or if a kernel takes
more than ``SLOWER`` times as long as it did.

Invariant: the sides take turns, and the fastest round of each counts.  Noise can only add
time, so a pair that looks slow is measured again until it no longer does, or until all
``ROUNDS`` are done: a real slowdown stays.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import peers
import records
import wsfast
from samples import sample
from timing import calls_a_round, repeated

ROOT = Path(__file__).resolve().parent.parent
KERNELS = "src/wsfast/_kernels"
DRIVER = "bench/c/count.c"
SLOWER = 1.10
PLANTED = 1.20  # must be found out
FEWEST, ROUNDS = 30, 600
SECONDS = 0.001  # a round of kernels

# operation, bytes, alphabet: by peer, how many times as fast wsfast is at least.
# Far below what bench/record/ has, because machines differ; work byte by byte would fail.
LEAST: dict[tuple[str, int, str], dict[str, float]] = {
    ("mask", 16_384, "ascii"): {"copy": 0.3, "websockets": 1, "wsaccel": 5},
    ("validate", 16_384, "cyrillic"): {"cpython": 3, "wsaccel": 10},
    ("validate", 16_384, "cjk"): {"cpython": 3, "wsaccel": 10},
    ("decode", 16_384, "cjk"): {"cpython": 1.5},
}
# operation, alphabet, bytes: of bench/c/count.c.
CASES: list[Case] = [
    ("mask", "ascii", 16384),
    ("validate", "cjk", 64),
    ("validate", "ascii", 16384),
    ("validate", "cyrillic", 16384),
    ("validate", "cjk", 16384),
    ("mask_measure", "cjk", 16384),
]

Case = tuple[str, str, int]
Timed = Callable[[], float]  # how long a round took
Compared = tuple[str, float]


def ratio(first: Timed, second: Timed, fine: Callable[[float], bool]) -> float:
    """Return how many times as long the first takes, measured until that is fine."""
    fastest = [first(), second()]
    quotient = fastest[0] / fastest[1]
    for number in range(ROUNDS):
        fastest = [min(fastest[0], first()), min(fastest[1], second())]
        quotient = fastest[0] / fastest[1]
        if number >= FEWEST and fine(quotient):
            break
    return quotient


def say(fine: bool, text: str) -> bool:
    print(f"{'passed' if fine else 'FAILED'}  {text}")
    return fine


def peer_round(operation: str, peer: str, data: bytes) -> Timed:
    """Return what times one call, on average, of what a peer does."""
    made = peers.contender(operation, peer)
    function, *args = made(data) if operation == "mask" else (made, data)
    times = calls_a_round(function, tuple(args))
    run = repeated(function, tuple(args), times)

    def timed() -> float:
        start = time.perf_counter()
        run()
        return (time.perf_counter() - start) / times

    return timed


def compare_with_peers() -> Iterator[bool]:
    """Compare wsfast with what is installed of the peers."""
    for (operation, size, alphabet), least in LEAST.items():
        data = sample(alphabet, size)
        ours = peer_round(operation, "wsfast", data)
        for peer, wanted in least.items():
            try:
                theirs = peer_round(operation, peer, data)
            except ModuleNotFoundError:
                print(f"SKIPPED {peer} is not installed")
                continue
            found = ratio(theirs, ours, lambda times, wanted=wanted: times >= wanted)
            text = f"{operation} {alphabet} {size}: {found:.2f} times {peer}, least {wanted}"
            yield say(found >= wanted, text)


class Build:
    """The kernels of one source tree, driven by that tree's own bench/c/count.c."""

    def __init__(self, tree: Path, library: Path) -> None:
        command = os.environ.get("CC") or shutil.which("gcc") or shutil.which("cc")
        if command is None:
            sys.exit("bench/ratios.py REVISION needs a C compiler")
        flags = ["-std=c99", "-O3", "-shared", "-fPIC", "-fvisibility=hidden"]
        # Otherwise a change elsewhere can move a loop across cache lines: up to twice the time.
        flags += ["-falign-functions=64", f"-I{tree / KERNELS}"]
        # main() becomes an ordinary function, the only exported one.
        seen = '-Dmain=__attribute__((visibility("default")))count_main'
        sources = [tree / DRIVER, *sorted((tree / KERNELS).glob("*.c"))]
        subprocess.run([command, *flags, seen, *sources, "-o", library], check=True)
        self._main = ctypes.CDLL(str(library)).count_main

    def call(self, *words: object) -> int:
        """Run the driver with these arguments and return its status."""
        argv = [b"count", *(str(word).encode() for word in words)]
        status: int = self._main(len(argv), (ctypes.c_char_p * len(argv))(*argv))
        return status

    def timed(self, *words: object) -> float:
        start = time.perf_counter()
        status = self.call(*words)
        taken = time.perf_counter() - start
        if status != 0:
            sys.exit(f"count {' '.join(map(str, words))}: status {status}")
        return taken


def calls(build: Build, case: tuple[object, ...]) -> int:
    """Return how many calls take about ``SECONDS``."""
    times = 1
    while build.timed(*case, times) < SECONDS / 2:
        times *= 2
    return times


def compared(
    now: Build, before: Build, cases: Iterable[Case], more: float = 1.0
) -> Iterator[Compared]:
    """Yield each case of each kernel, and how many times as long it takes now.

    Args:
        now: the kernels of today.
        before: those they are compared with.
        cases: what they do.
        more: times as many calls are made today, to see whether that is found out.
    """
    for kernel in wsfast.backend().kernels:
        if any(build.call(kernel, "mask", "ascii", 1, 1) for build in (before, now)):
            print(f"SKIPPED kernel {kernel} does not run here, or is in one revision only")
            continue
        for case in cases:
            words = (kernel, *case)
            times = calls(now, words)
            found = ratio(
                lambda words=words, times=times: now.timed(*words, round(times * more)),
                lambda words=words, times=times: before.timed(*words, times),
                lambda times: times <= SLOWER,
            )
            yield " ".join(map(str, words)), found


def compare_with_revision(revision: str) -> Iterator[bool]:
    """Compare each kernel that runs here with its source at a git revision."""
    with tempfile.TemporaryDirectory() as directory:
        archive = ["git", "-C", str(ROOT), "archive", revision, KERNELS, DRIVER]
        sources = subprocess.run(archive, check=True, capture_output=True).stdout
        subprocess.run(["tar", "-x", "-C", directory], input=sources, check=True)
        before = Build(Path(directory), Path(directory, "before.so"))
        now = Build(ROOT, Path(directory, "now.so"))
        for what, found in compared(now, before, CASES):
            yield say(found <= SLOWER, f"{what}: {found:.2f} times as long as in {revision}")


def prove(times: int) -> Iterator[dict[str, Any]]:
    """Check, so many times, that this passes what did not change and fails what did."""
    with tempfile.TemporaryDirectory() as directory:
        builds = [Build(ROOT, Path(directory, name)) for name in ("a.so", "b.so")]
        validators = [case for case in CASES if case[0] == "validate"]
        for number in range(1, times + 1):
            for more, cases in (1.0, CASES), (PLANTED, validators):
                found = [times for _, times in compared(*builds, cases, more)]
                low, high = min(found), max(found)
                passed = high <= SLOWER if more == 1 else low > SLOWER
                say(
                    passed,
                    f"{number}: {more} times the work: {low:.2f} to {high:.2f} times as long",
                )
                row = {"work": more, "comparisons": len(found), "least": round(low, 3)}
                yield {**row, "most": round(high, 3), "passed": passed}


def main(arguments: list[str]) -> int:
    """Return the exit status: 0 if nothing is too slow."""
    if wsfast.backend().name != "native":
        sys.exit(f"nothing to measure: {wsfast.backend().reason}")
    if arguments[:1] == ["--prove"]:
        record = records.begin("ratios.py")
        record["rows"] = list(prove(int(arguments[1])))
        records.save(record, "gate")
        verdicts = [row["passed"] for row in record["rows"]]
    else:
        revisions = chain.from_iterable(map(compare_with_revision, arguments))
        verdicts = [*compare_with_peers(), *revisions]
    print(f"{sum(verdicts)} passed, {len(verdicts) - sum(verdicts)} failed")
    return 0 if all(verdicts) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
