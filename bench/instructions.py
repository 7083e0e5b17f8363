"""Count the instructions of the kernels under callgrind: a check without noise.

    python bench/instructions.py            compare with the record; exit 1 if any grew
    python bench/instructions.py --record   write a new record

Counts are for one call, the difference between runs with 3 and with 2 calls, so they are exact
and the same in every run of a binary.  Another compiler generates other code, so there is a
record for each compiler; without one, the kernels are compared with the scalar kernel of the
same build instead.  callgrind runs AVX2, not AVX-512.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
KERNELS = ROOT / "src" / "wsfast" / "_kernels"
RECORD = ROOT / "bench" / "record" / "instructions.json"
GROWTH = 1.05  # of a count, that the gate lets pass
LEAST_GAIN = 2.0  # over the scalar kernel, of a vector kernel without a record

CASES = [
    (operation, alphabet, size)
    for operation, alphabets in (
        ("mask", ["ascii"]),
        ("validate", ["ascii", "cyrillic", "cjk", "emoji"]),
        ("mask_measure", ["ascii", "cjk"]),
        ("to_ucs2", ["cyrillic", "cjk"]),
        ("to_ucs4", ["emoji"]),
        ("from_ucs2", ["cyrillic", "cjk"]),
        ("from_ucs4", ["emoji"]),
    )
    for alphabet in alphabets
    for size in (64, 16384)
]


def compiler() -> tuple[str, str]:
    """Return the compiler's command and what it calls itself."""
    command = shutil.which("gcc") or shutil.which("cc")
    if command is None:
        sys.exit("bench/instructions.py needs a C compiler")
    version = subprocess.run(
        [command, "-dumpfullversion", "-dumpmachine"], capture_output=True, text=True, check=True
    )
    return command, "gcc " + " ".join(version.stdout.split())


def build(command: str, directory: str) -> str:
    """Compile the kernels and the driver."""
    program = f"{directory}/count"
    sources = [str(path) for path in sorted(KERNELS.glob("*.c"))]
    driver = str(ROOT / "bench" / "c" / "count.c")
    subprocess.run(
        [command, "-std=c99", "-O3", f"-I{KERNELS}", driver, *sources, "-o", program], check=True
    )
    return program


def count(program: str, *arguments: str) -> int:
    """Return how many instructions a run takes in all."""
    run = subprocess.run(
        ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", program, *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    if run.returncode != 0:
        sys.exit(f"{' '.join(arguments)}: {run.stderr}")
    collected = next(line for line in run.stderr.splitlines() if "Collected" in line)
    return int(collected.rsplit(":", 1)[1])


def kernels(program: str) -> list[str]:
    """Return the kernels that run under valgrind, of all that there are."""
    found = []
    for name in sorted(path.stem.removeprefix("kernel_") for path in KERNELS.glob("kernel_*.c")):
        run = subprocess.run(
            ["valgrind", "--tool=none", program, name, "mask", "ascii", "1", "1"],
            capture_output=True,
            check=False,
        )
        if run.returncode == 0:
            found.append(name)
        else:
            print(f"SKIPPED: kernel {name} is not compiled in or does not run under valgrind")
    if "scalar" not in found:
        sys.exit("not even the scalar kernel was found: nothing would be compared")
    return found


def measure(program: str) -> dict[str, int]:
    """Return the instructions of one call, by kernel and case."""
    counts = {}
    for kernel in kernels(program):
        for operation, alphabet, size in CASES:
            arguments = (kernel, operation, alphabet, str(size))
            once = count(program, *arguments, "3") - count(program, *arguments, "2")
            counts[f"{kernel} {operation} {alphabet} {size}"] = once
    return counts


def compare(counts: dict[str, int], recorded: dict[str, int]) -> list[str]:
    """Return what grew beyond the record."""
    grown = []
    for case, now in counts.items():
        before = recorded.get(case)
        if before is None:
            grown.append(f"{case}: {now}, not in the record; run with --record")
        elif now > before * GROWTH + 2:
            grown.append(f"{case}: {now} instructions, {before} in the record")
    return grown


def compare_with_scalar(counts: dict[str, int]) -> list[str]:
    """Return where a vector kernel gains too little on large texts."""
    weak = []
    for case, now in counts.items():
        kernel, rest = case.split(" ", 1)
        scalar = counts[f"scalar {rest}"]
        vector = kernel != "scalar" and rest.endswith("16384") and "ascii" not in rest
        if vector and scalar < LEAST_GAIN * now:
            weak.append(f"{case}: {now} instructions, the scalar kernel {scalar}")
    return weak


def main() -> int:
    if shutil.which("valgrind") is None:
        print("SKIPPED: no valgrind on this machine")
        return 0
    command, name = compiler()
    with tempfile.TemporaryDirectory() as directory:
        counts = measure(build(command, directory))
    records = json.loads(RECORD.read_text()) if RECORD.exists() else {}
    if "--record" in sys.argv[1:]:
        RECORD.parent.mkdir(exist_ok=True)
        RECORD.write_text(json.dumps(records | {name: counts}, indent=1) + "\n")
        print(f"recorded {len(counts)} counts for {name}")
        return 0
    if name in records:
        failures = compare(counts, records[name])
    else:
        print(f"no record for {name}: compared with the scalar kernel")
        failures = compare_with_scalar(counts)
    for failure in failures:
        print(f"FAILED {failure}")
    print(f"{len(counts) - len(failures)} passed, {len(failures)} failed")
    return bool(failures)


if __name__ == "__main__":
    sys.exit(main())
