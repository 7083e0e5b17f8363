"""Fuzz the C code with libFuzzer, and the codec, both twins of it, with Atheris.

    python tests/fuzz/run.py                          20 seconds a target
    python tests/fuzz/run.py --seconds 3600           longer
    python tests/fuzz/run.py --executions 100000000   however long it takes
    python tests/fuzz/run.py --only avx2 --only codec targets whose name has one of these
    python tests/fuzz/run.py --record FILE            add what was run, target by target

A target in C (fuzz_kernels.c, fuzz_header.c, fuzz_text.c) is run twice.  Most inputs are
short and go, fast, to a build without sanitizers, whose buffers end at pages that must not
be touched; the others, up to 16 KiB, to one with ASan and UBSan.  Those of fuzz_codec.py
get a tenth of the executions, those of fuzz_readers.py a hundredth, or a thousandth
if they run whole commands.

Needs clang with libFuzzer, and Atheris; without them, says what was skipped, but fails if
WSFAST_REQUIRE_FUZZERS names them ("clang atheris").  A crash leaves its input in
build/fuzz: make it a test, in tests/kernels or beside the others.

Invariant: ends with 0 only if every target that could be built ran as long as was asked
for without a finding; what could not be is said.
"""

from __future__ import annotations

import argparse
import datetime
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
KERNELS = ROOT / "src" / "wsfast" / "_kernels"
AVX512_IN_C = ROOT / "tests" / "kernels" / "avx512_in_c"
BUILD = ROOT / "build" / "fuzz"


class Build(NamedTuple):
    """How a target is built, and what it is given."""

    name: str
    sanitizers: str
    longest: dict[str, int]  # bytes of an input, by the target
    share: float  # of the executions that were asked for; of the time each has the same

    @property
    def directory(self) -> Path:
        return BUILD / f"objects-{self.name}"


BUILDS = (
    Build("guarded", "", {"kernels": 264, "in C": 264, "header": 32, "text": 264}, 1.0),
    Build(
        *("sanitized", "address,undefined"),
        *({"kernels": 16384, "in C": 16384, "header": 32, "text": 16384}, 0.02),
    ),
)
EACH_KERNEL = tuple(
    path.stem.removeprefix("kernel_") for path in sorted(KERNELS.glob("kernel_*.c"))
)


class InPython(NamedTuple):
    """A target of Atheris: its script, seeds and dictionary, and what it is given.

    Seeds that are not in seeds/ are files of the tests: see ``made_seeds``.
    """

    script: str
    seeds: str
    dictionary: str
    longest: int = 400
    share: float = 0.1


# The targets: in C, each with its seeds, its dictionary, and the kernels that it is run with.
# "in C" is "kernels" with the AVX-512 kernel that any CPU runs (tests/kernels/avx512_in_c).
IN_C = {
    "kernels": ("kernels", "kernels", EACH_KERNEL),
    "in C": ("kernels", "kernels", ("avx512",)),
    "header": ("header", "header", ("",)),
    "text": ("wire", "wire", EACH_KERNEL),
}
IN_PYTHON = {
    "codec frames": InPython("fuzz_codec", "wire", "wire"),
    "codec messages": InPython("fuzz_codec", "wire", "wire"),
    "codec deflate": InPython("fuzz_codec", "wire", "wire"),
    "codec websockets": InPython("fuzz_codec", "wire", "wire"),
    "codec wsproto": InPython("fuzz_codec", "wire", "wire"),
    "codec validator": InPython("fuzz_codec", "text", "kernels"),
    "codec close": InPython("fuzz_codec", "close", "kernels"),
    "codec negotiation": InPython("fuzz_codec", "negotiation", "negotiation"),
    "readers frames": InPython("fuzz_readers", "captures", "readers", 4096, 0.001),
    "readers check": InPython("fuzz_readers", "text", "kernels", 4096, 0.001),
    "readers pcap": InPython("fuzz_readers", "captures pcap", "readers", 4096, 0.01),
    "readers har": InPython("fuzz_readers", "captures har", "readers", 4096, 0.01),
    "readers dump": InPython("fuzz_readers", "captures dump", "readers", 4096, 0.01),
    "readers follow": InPython("fuzz_readers", "captures follow", "readers", 4096, 0.01),
    "readers literals": InPython("fuzz_readers", "captures literals", "readers", 4096, 0.01),
    "readers explain": InPython("fuzz_readers", "lines", "readers", 4096, 0.001),
}
# The captures that a reader can read.
SEEDS_OF_READERS = {
    "pcap": "*.pcap*",
    "har": "*.har",
    "dump": "plain-[st]*.txt",
    "follow": "plain-follow-*.txt",
    "literals": "plain-sent.[bx]*.txt",
}


class Job(NamedTuple):
    """One run of libFuzzer."""

    name: str
    command: tuple[str, ...]
    seeds: str
    dictionary: str
    longest: int
    limit: str  # of time or executions
    kernel: str = ""
    sanitizers: str = ""


def compile_with(
    clang: str, build: Build, arguments: Sequence[str], fuzzer: str, directory: Path
) -> str:
    """Run clang in a directory; return what it says if it fails."""
    sanitizers = ",".join(filter(None, (fuzzer, build.sanitizers)))
    command = [
        *(clang, "-std=c99", "-g", "-O2", "-Wall", "-Wextra", "-Wno-unused-function", "-Werror"),
        *("-D_GNU_SOURCE", f"-fsanitize={sanitizers}", "-fno-sanitize-recover=all"),
        *(f"-I{KERNELS}", *arguments),
    ]
    directory.mkdir(parents=True, exist_ok=True)
    result = subprocess.run(command, cwd=directory, capture_output=True, text=True)
    return (result.stderr or "it failed") if result.returncode else ""


def compile_kernels(clang: str, build: Build) -> None:
    """Compile what all targets of a build have."""
    arguments = ("-c", *map(str, sorted(KERNELS.glob("*.c"))))
    if said := compile_with(clang, build, arguments, "fuzzer-no-link", build.directory):
        sys.exit(said)


def compiled(clang: str, build: Build, target: str) -> Path | None:
    """Compile a target; return it, or None where clang has no libFuzzer."""
    program = BUILD / f"{target.replace(' ', '-')}-{build.name}"
    if target == "in C":
        sources = ["fuzz_kernels.c", str(AVX512_IN_C / "avx512_in_c.c"), f"-I{AVX512_IN_C}"]
        linked = "*_scalar.c"
    else:
        sources, linked = [f"fuzz_{target}.c"], "*.c"
    kernels = [f"{path.stem}.o" for path in sorted(KERNELS.glob(linked))]
    arguments = (str(HERE / sources[0]), *sources[1:], *kernels, "-o", str(program))
    said = compile_with(clang, build, arguments, "fuzzer", build.directory)
    if said and "libclang_rt.fuzzer" not in said:
        sys.exit(said)
    return None if said else program


def made_seeds(name: str) -> Path | None:
    """Write the seeds that are files of the tests: four zeros, which leave all to be found out.

    Returns:
        Their folder; None if the seeds of that name are in seeds/.
    """
    cli = ROOT / "tests" / "cli"
    what, _, reader = name.partition(" ")
    if what == "captures":
        files = sorted((cli / what).glob(SEEDS_OF_READERS.get(reader, "*.*")))
        contents = [file.read_bytes() for file in files if file.suffix not in (".py", ".json")]
    elif what == "lines":
        lines = json.loads((cli / "log_lines" / "lines.json").read_text(encoding="utf-8"))
        contents = [entry["line"].encode() for entry in lines]
    else:
        return None
    folder = BUILD / f"seeds-{name.replace(' ', '-')}"
    folder.mkdir(parents=True, exist_ok=True)
    for number, content in enumerate(contents):
        (folder / str(number)).write_bytes(bytes(4) + content)
    return folder


def fuzz(job: Job) -> dict[str, Any] | None:
    """Do a job; return what it did, None if the kernel does not run here."""
    corpus = BUILD / f"corpus-{job.name.replace(' ', '-')}"
    corpus.mkdir(parents=True, exist_ok=True)
    result = subprocess.run(
        [
            *(*job.command, job.limit, f"-max_len={job.longest}", "-print_final_stats=1"),
            *("-timeout=10", "-reload=0", f"-artifact_prefix={BUILD}/"),
            f"-dict={HERE / 'dictionaries' / job.dictionary}.dict",
            *(str(corpus), str(made_seeds(job.seeds) or HERE / "seeds" / job.seeds)),
        ],
        env={**os.environ, "WSFAST_FUZZ_KERNEL": job.kernel},
        capture_output=True,
        text=True,
    )
    if result.returncode == 2 and job.kernel:
        print(f"{job.name}: SKIPPED, it is not compiled for this CPU, or does not run on it")
        return None
    if result.returncode != 0:
        print(result.stdout[-4000:], result.stderr[-4000:])
        sys.exit(f"{job.name}: a finding, its input is in {BUILD}")
    executions = int(re.findall(r"number_of_executed_units: (\d+)", result.stderr)[-1])
    coverage = int(re.findall(r"cov: (\d+)", result.stderr)[-1])
    print(f"{job.name}: {executions:,} executions, {coverage} edges, no finding", flush=True)
    return {
        "target": job.name,
        "sanitizers": job.sanitizers,
        "longest": job.longest,
        "executions": executions,
        "edges": coverage,
    }


def limit(executions: int | None, share: float, seconds: float) -> str:
    """Return the option of libFuzzer that ends a run."""
    if executions:
        return f"-runs={max(1, round(executions * share))}"
    return f"-max_total_time={max(1, round(seconds))}"


def skip(targets: str, fuzzer: str, why: str) -> None:
    """Say that targets are skipped; end, if they must not be."""
    if fuzzer in os.environ.get("WSFAST_REQUIRE_FUZZERS", "").split():
        sys.exit(f"{targets}: WSFAST_REQUIRE_FUZZERS has {fuzzer}, but {why}")
    print(f"{targets}: SKIPPED, {why}")


def names_of(target: str, build: Build) -> list[str]:
    """Name the runs of a target in C, one with each kernel."""
    return [" ".join(filter(None, (target, kernel, build.name))) for kernel in IN_C[target][2]]


def jobs_in_c(
    clang: str | None, wanted: Callable[[str], bool], executions: int | None, seconds: int
) -> Iterator[Job]:
    """Compile the targets in C that are wanted; give what is to be run."""
    needed = [b for b in BUILDS if any(wanted(name) for t in IN_C for name in names_of(t, b))]
    if clang:
        with ThreadPoolExecutor() as pool:
            list(pool.map(partial(compile_kernels, clang), needed))
    for target, (seeds, dictionary, kernels) in IN_C.items():
        for build in needed:
            names = names_of(target, build)
            if not any(map(wanted, names)):
                continue
            program = clang and compiled(clang, build, target)
            if not program:
                skip(target, "clang", "there is no clang with libFuzzer")
                break
            ends = limit(executions, build.share, seconds / len(BUILDS))
            for name, kernel in zip(names, kernels, strict=True):
                if wanted(name):
                    yield Job(
                        *(name, (str(program),), seeds, dictionary),
                        *(build.longest[target], ends, kernel, build.sanitizers),
                    )


def jobs_in_python(
    wanted: Callable[[str], bool], executions: int | None, seconds: int
) -> Iterator[Job]:
    """Give what is to be run with Atheris."""
    if importlib.util.find_spec("atheris") is None:
        skip(", ".join(IN_PYTHON), "atheris", "Atheris is not installed")
        return
    for name, target in IN_PYTHON.items():
        script = str(HERE / f"{target.script}.py")
        command = (sys.executable, script, name.partition(" ")[2])
        ends = limit(executions, target.share, seconds)
        if wanted(name):
            yield Job(name, command, target.seeds, target.dictionary, target.longest, ends)


def output_of(*command: str) -> str:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout.strip()


def processor() -> str:
    found = re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text())
    return found[1] if found else "unknown"


class Record:
    """A file with the runs that are recorded, the newest at the end."""

    def __init__(self, file: Path, clang: str | None) -> None:
        self._file = file
        self._runs = json.loads(file.read_text(encoding="utf-8")) if file.exists() else []
        self._rows: list[dict[str, Any]] = []
        self._runs.append(
            {
                "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
                "commit": output_of("git", "rev-parse", "HEAD"),
                "command": " ".join(["python tests/fuzz/run.py", *sys.argv[1:]]),
                "clang": output_of(clang, "--version").splitlines()[0] if clang else None,
                "python": sys.version.split()[0],
                "cpu": processor(),
                "targets": self._rows,
            }
        )

    def add(self, row: dict[str, Any]) -> None:
        """Add a target now: the run may be ended before the others are through."""
        self._rows.append(row)
        self._file.write_text(json.dumps(self._runs, indent=1) + "\n", encoding="utf-8")


def main() -> int:
    """Return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    amount = parser.add_mutually_exclusive_group()
    amount.add_argument("--seconds", type=int, default=20, help="for each target")
    amount.add_argument("--executions", type=int, help="for each target, in place of a time")
    parser.add_argument("--jobs", type=int, default=1, help="how many at once")
    parser.add_argument("--only", action="append", default=[], metavar="PART", help="of a name")
    parser.add_argument("--record", type=Path, metavar="FILE")
    arguments = parser.parse_args()
    clang = shutil.which("clang")

    def wanted(name: str) -> bool:
        return not arguments.only or any(part in name for part in arguments.only)

    size = arguments.executions, arguments.seconds
    jobs = [*jobs_in_c(clang, wanted, *size), *jobs_in_python(wanted, *size)]
    if arguments.only and not jobs:
        sys.exit(f"no target has {' or '.join(arguments.only)} in its name")
    record = Record(arguments.record, clang) if arguments.record else None
    with ThreadPoolExecutor(arguments.jobs) as pool:
        for row in pool.map(fuzz, jobs):
            if row and record:
                record.add(row)
    return 0


if __name__ == "__main__":
    sys.exit(main())
