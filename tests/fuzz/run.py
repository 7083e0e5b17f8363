"""Fuzz the C code: libFuzzer on each kernel that runs here, and on the frame header.

    python tests/fuzz/run.py                      20 seconds a target, as CI does
    python tests/fuzz/run.py --seconds 3600       longer
    python tests/fuzz/run.py --record FILE        write down what was run

Needs clang with libFuzzer; without it, says that it was skipped.  The build has ASan and
UBSan.  A crash leaves its input in build/fuzz: make it a test in tests/kernels.

Invariant: ends with 0 only if every target that could be built ran its time without a
finding; what could not be is said.
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
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
KERNELS = ROOT / "src" / "wsfast" / "_kernels"
BUILD = ROOT / "build" / "fuzz"
SANITIZERS = "address,undefined"
NAMES = ("scalar", "ssse3", "avx2", "avx512", "neon")


def build(name: str, clang: str) -> Path | None:
    """Compile a target; return it, or None where clang has no libFuzzer."""
    BUILD.mkdir(parents=True, exist_ok=True)
    program = BUILD / name
    sources = [str(path) for path in sorted(KERNELS.glob("*.c"))]
    command = [
        *(clang, "-std=c99", "-g", "-O2", "-Wall", "-Wextra", "-Wno-unused-function", "-Werror"),
        *("-D_GNU_SOURCE", f"-fsanitize=fuzzer,{SANITIZERS}", "-fno-sanitize-recover=all"),
        *(f"-I{KERNELS}", str(HERE / f"{name}.c"), *sources, "-o", str(program)),
    ]
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode == 0:
        return program
    if "libclang_rt.fuzzer" in result.stderr:
        return None
    sys.exit(result.stderr)


def fuzz(
    program: Path, seeds: str, kernel: str, seconds: int, longest: int
) -> dict[str, Any] | None:
    """Run a target for its time; return what it did, None if the kernel does not run here."""
    name = f"{program.name} {kernel}".strip()
    corpus = BUILD / f"corpus-{name.replace(' ', '-')}"
    corpus.mkdir(exist_ok=True)
    result = subprocess.run(
        [
            *(str(program), f"-max_total_time={seconds}", f"-max_len={longest}"),
            *("-print_final_stats=1", "-timeout=10", f"-artifact_prefix={BUILD}/"),
            *(str(corpus), str(HERE / "seeds" / seeds)),
        ],
        env={**os.environ, "WSFAST_FUZZ_KERNEL": kernel},
        capture_output=True,
        text=True,
    )
    if result.returncode == 2:
        print(f"{name}: SKIPPED, it is not compiled for this CPU, or does not run on it")
        return None
    if result.returncode != 0:
        print(result.stderr[-4000:])
        sys.exit(f"{name}: a finding, its input is in {BUILD}")
    executions = int(re.findall(r"number_of_executed_units: (\d+)", result.stderr)[-1])
    coverage = int(re.findall(r"cov: (\d+)", result.stderr)[-1])
    print(f"{name}: {executions:,} executions, {coverage} edges, no finding")
    return {"target": name, "executions": executions, "edges": coverage, "seconds": seconds}


def main() -> int:
    """Return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seconds", type=int, default=20, help="for each target")
    parser.add_argument("--record", type=Path, metavar="FILE")
    arguments = parser.parse_args()
    clang = shutil.which("clang")
    targets = {name: clang and build(name, clang) for name in ("fuzz_kernels", "fuzz_header")}
    done = []
    for name, program in targets.items():
        if not program:
            print(f"{name}: SKIPPED, there is no clang with libFuzzer")
            continue
        if name == "fuzz_kernels":
            done += [fuzz(program, "kernels", k, arguments.seconds, 16384) for k in NAMES]
        else:
            done.append(fuzz(program, "header", "", arguments.seconds, 32))
    if arguments.record:
        commit = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True
        ).stdout.strip()
        record = {
            "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            "commit": commit,
            "command": f"python tests/fuzz/run.py --seconds {arguments.seconds}",
            "sanitizers": SANITIZERS,
            "targets": [row for row in done if row],
        }
        arguments.record.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
