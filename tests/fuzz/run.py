"""Fuzz the C code: libFuzzer on each kernel that runs here, and on the frame header.

    python tests/fuzz/run.py                          20 seconds a target, as CI does
    python tests/fuzz/run.py --seconds 3600           longer
    python tests/fuzz/run.py --executions 100000000   that many a target, however long it takes
    python tests/fuzz/run.py --record FILE            write down what was run

A target is run twice.  Most inputs are short and go, fast, to a build without sanitizers,
whose buffers end at pages that must not be touched; the others, up to 16 KiB, to one with
ASan and UBSan.

Needs clang with libFuzzer; without it, says that it was skipped.  A crash leaves its input
in build/fuzz: make it a test in tests/kernels.

Invariant: ends with 0 only if every target that could be built ran as long as was asked
for without a finding; what could not be is said.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
KERNELS = ROOT / "src" / "wsfast" / "_kernels"
BUILD = ROOT / "build" / "fuzz"


class Build(NamedTuple):
    """How a target is built, and what it is given."""

    name: str
    sanitizers: str
    longest: dict[str, int]  # octets of an input, by the target
    share: float  # of the executions that were asked for; of the time each has the same


BUILDS = (
    Build("guarded", "", {"fuzz_kernels": 264, "fuzz_header": 32}, 1.0),
    Build("sanitized", "address,undefined", {"fuzz_kernels": 16384, "fuzz_header": 32}, 0.02),
)
TARGETS = {
    "fuzz_kernels": ("scalar", "ssse3", "avx2", "avx512", "neon"),
    "fuzz_header": ("",),
}


class Job(NamedTuple):
    """One run of libFuzzer."""

    program: Path
    target: str
    kernel: str
    build: Build
    limit: str  # of time or executions

    @property
    def name(self) -> str:
        return " ".join(filter(None, (self.target, self.kernel, self.build.name)))


def compiled(target: str, build: Build, clang: str) -> Path | None:
    """Compile a target; return it, or None where clang has no libFuzzer."""
    BUILD.mkdir(parents=True, exist_ok=True)
    program = BUILD / f"{target}-{build.name}"
    sanitizers = ",".join(filter(None, ("fuzzer", build.sanitizers)))
    sources = [str(path) for path in sorted(KERNELS.glob("*.c"))]
    command = [
        *(clang, "-std=c99", "-g", "-O2", "-Wall", "-Wextra", "-Wno-unused-function", "-Werror"),
        *("-D_GNU_SOURCE", f"-fsanitize={sanitizers}", "-fno-sanitize-recover=all"),
        *(f"-I{KERNELS}", str(HERE / f"{target}.c"), *sources, "-o", str(program)),
    ]
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode == 0:
        return program
    if "libclang_rt.fuzzer" in result.stderr:
        return None
    sys.exit(result.stderr)


def fuzz(job: Job) -> dict[str, Any] | None:
    """Do a job; return what it did, None if the kernel does not run here."""
    corpus = BUILD / f"corpus-{job.name.replace(' ', '-')}"
    corpus.mkdir(exist_ok=True)
    kind = job.target.removeprefix("fuzz_")
    dictionary = HERE / "dictionaries" / f"{kind}.dict"
    longest = job.build.longest[job.target]
    result = subprocess.run(
        [
            *(str(job.program), job.limit, f"-max_len={longest}", "-print_final_stats=1"),
            *("-timeout=10", "-reload=0", f"-artifact_prefix={BUILD}/"),
            *(f"-dict={dictionary}", str(corpus), str(HERE / "seeds" / kind)),
        ],
        env={**os.environ, "WSFAST_FUZZ_KERNEL": job.kernel},
        capture_output=True,
        text=True,
    )
    if result.returncode == 2:
        print(f"{job.name}: SKIPPED, it is not compiled for this CPU, or does not run on it")
        return None
    if result.returncode != 0:
        print(result.stderr[-4000:])
        sys.exit(f"{job.name}: a finding, its input is in {BUILD}")
    executions = int(re.findall(r"number_of_executed_units: (\d+)", result.stderr)[-1])
    coverage = int(re.findall(r"cov: (\d+)", result.stderr)[-1])
    print(f"{job.name}: {executions:,} executions, {coverage} edges, no finding", flush=True)
    return {
        "target": job.target,
        "kernel": job.kernel,
        "build": job.build.name,
        "sanitizers": job.build.sanitizers,
        "longest": longest,
        "executions": executions,
        "edges": coverage,
    }


def jobs(clang: str | None, executions: int | None, seconds: int) -> Iterator[Job]:
    """Compile the targets; give what is to be run."""
    for target, kernels in TARGETS.items():
        for build in BUILDS:
            program = clang and compiled(target, build, clang)
            if not program:
                print(f"{target}: SKIPPED, there is no clang with libFuzzer")
                break
            limit = f"-max_total_time={max(1, seconds // len(BUILDS))}"
            if executions:
                limit = f"-runs={max(1, round(executions * build.share))}"
            for kernel in kernels:
                yield Job(program, target, kernel, build, limit)


def output_of(*command: str) -> str:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout.strip()


def processor() -> str:
    found = re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text())
    return found[1] if found else "unknown"


def main() -> int:
    """Return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    limit = parser.add_mutually_exclusive_group()
    limit.add_argument("--seconds", type=int, default=20, help="for each target")
    limit.add_argument("--executions", type=int, help="for each target, in place of a time")
    parser.add_argument("--jobs", type=int, default=1, help="how many at once")
    parser.add_argument("--record", type=Path, metavar="FILE")
    arguments = parser.parse_args()
    clang = shutil.which("clang")
    with ThreadPoolExecutor(arguments.jobs) as pool:
        rows = list(pool.map(fuzz, jobs(clang, arguments.executions, arguments.seconds)))
    if arguments.record and clang:
        record = {
            "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            "commit": output_of("git", "rev-parse", "HEAD"),
            "command": " ".join(["python tests/fuzz/run.py", *sys.argv[1:]]),
            "clang": output_of(clang, "--version").splitlines()[0],
            "cpu": processor(),
            "targets": [row for row in rows if row],
        }
        arguments.record.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
