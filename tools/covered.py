"""Measure which lines and branches of the codec no test reaches.

    python tools/covered.py [pure] [native] [kernels]

coverage.py measures the codec in Python; gcov measures the compiled one and the kernels, where
comments in the C that Cython generates lead back to its sources.  Whatever is not reached must
be in the table of docs/coverage.md with its reason, and nothing else may be there.

A branch of a source is an ``if``, ``while`` or ``for`` that is written there: what Cython
marks ``unlikely``, an exit for when Python has no memory, doesn't count.  The detection of
the CPU (cpu.c, dispatch.c, core.pyx) is left out: one CPU takes one way through it, and the
emulated ones take the others (tests/kernels, nox -s cpus).
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parents[1]
BUILD = ROOT / "build" / "coverage"
PACKAGE = ROOT / "src" / "wsfast"
TABLE = ROOT / "docs" / "coverage.md"

TESTS = ["tests/codec", "tests/hostile", "tests/deflate"]

# Count each of our functions once, and not again at each place where it is inlined.
FLAGS = ["-O0", "--coverage", "-w", "-Dalways_inline=noinline"]

# What is not reached: the file, the line of code, and whether the line itself was reached.
Gap = tuple[str, str, str]
LINE, BRANCH = "line", "branch"


def run(*command: str | Path, cwd: Path = ROOT, **environment: str) -> str:
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        sys.exit(f"{shlex.join(map(str, command))}\n{done.stdout[-4000:]}{done.stderr[-4000:]}")
    return done.stdout


def pytest(
    chosen: str, *options: str, path: Path, runner: tuple[str, ...] = (), **environment: str
) -> None:
    """Run the tests of the codec that are chosen on the package that is under ``path``."""
    # Tests of time would measure the instrumentation; exhaustive tests take minutes.
    marked = ("-m", "not measures and not exhaustive")
    command = [sys.executable, *runner, "-m", "pytest", "-q", "-rN", "-p", "no:cacheprovider"]
    selected = (*options, *marked, "-k", chosen, *TESTS)
    done = run(*command, *selected, PYTHONPATH=str(path), **environment)
    print(done.splitlines()[-1])


# The codec in Python.


def pure() -> set[Gap]:
    data, report = BUILD / "pure.data", BUILD / "pure.json"
    measure = ("-m", "coverage", "run", "--branch", f"--data-file={data}", "--include=*/_pure/*")
    pytest("pure", path=ROOT / "src", runner=measure)
    run(sys.executable, "-m", "coverage", "json", "-q", f"--data-file={data}", "-o", report)
    gaps: set[Gap] = set()
    for name, found in json.loads(report.read_text())["files"].items():
        source = (ROOT / name).read_text().splitlines()
        file = Path(name).relative_to("src/wsfast").as_posix()
        missing = found["missing_lines"]
        gaps |= {(file, source[number - 1].strip(), LINE) for number in missing}
        for start, _ in found["missing_branches"]:
            if start not in missing:
                gaps.add((file, source[start - 1].strip(), BRANCH))
    return gaps


# What is compiled.

IF = re.compile(r" *(\} else )?if \(")
NO_CHOICE = re.compile(r"likely\(|CYTHON_|__Pyx_|exc_type")
CHOICE = re.compile(r"^(if|elif|while|for|except)\b|\b(and|or|if)\b")


def compiler() -> list[str]:
    return shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc")[:1]


def build_native() -> Path:
    """Build the extension for gcov, in a copy of the package; return where that is."""
    package = BUILD / "wsfast"
    shutil.copytree(PACKAGE, package, ignore=shutil.ignore_patterns("*.so", "__pycache__"))
    written = BUILD / "core.c"
    cython = ("-m", "cython", "-3", "-I", "src", "-o", written)
    run(sys.executable, *cython, "src/wsfast/_native/core.pyx")
    run(sys.executable, "tools/docstrings.py", PACKAGE / "_native" / "docstrings.h")
    include = [
        f"-I{folder}"
        for folder in (
            PACKAGE / "_kernels",
            PACKAGE / "_native",
            PACKAGE / "include",
            sysconfig.get_path("include"),
        )
    ]
    macros = ["-fPIC", "-DCYTHON_USE_MODULE_STATE=1", "-DCYTHON_USE_TYPE_SPECS=1"]
    objects = []
    for source in (written, *sorted((PACKAGE / "_kernels").glob("*.c"))):
        objects.append(BUILD / f"{source.stem}.o")
        run(*compiler(), *FLAGS, *macros, *include, "-c", source, "-o", objects[-1])
    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    run(*compiler(), "--coverage", "-shared", *objects, "-o", package / f"_native/core{suffix}")
    return BUILD


def gcov(folder: Path, *stems: str) -> dict[str, dict[int, tuple[int, list[int]]]]:
    """Return, for each file and line, how often it ran and how often each branch of it."""
    counts: dict[str, dict[int, tuple[int, list[int]]]] = defaultdict(dict)
    for data in sorted(folder.glob("*.gcda")):
        if stems and data.stem not in stems:
            continue
        text = run("gcov", "--json-format", "--stdout", "--branch-probabilities", data, cwd=folder)
        for file in json.loads(text)["files"]:
            lines = counts[file["file"]]
            for line in file["lines"]:
                number, branches = line["line_number"], [b["count"] for b in line["branches"]]
                count, before = lines.get(number, (0, []))
                if len(before) == len(branches):
                    branches = [a + b for a, b in zip(before, branches, strict=True)]
                lines[number] = (count + line["count"], branches or before)
    return counts


def native() -> set[Gap]:
    path = build_native()
    pytest("not pure", "-n", "auto", path=path, WSFAST_REQUIRE_EXTENSION="1")
    (lines,) = (v for k, v in gcov(BUILD, "core").items() if k.endswith("core.c"))
    return gaps_of_cython((BUILD / "core.c").read_text().splitlines(), lines)


def gaps_of_cython(written: list[str], counts: dict[int, tuple[int, list[int]]]) -> set[Gap]:
    """Map the C that Cython wrote back to what it was written from."""
    place = re.compile(r'^ *(?:\} *)?/\* "(?:src/)?wsfast/(_native/\w+\.p(?:xi|yx))":(\d+)$')
    ran: dict[tuple[str, int], int] = {}
    partial: set[tuple[str, int]] = set()
    now: tuple[str, int] | None = None
    for number, text in enumerate(written, 1):
        found = place.match(text)
        if found:
            now = (found[1], int(found[2]))
        elif text.lstrip().startswith("/* function exit code */"):
            now = None
        if now is None or number not in counts:
            continue
        count, branches = counts[number]
        ran[now] = max(ran.get(now, 0), count)
        if count and 0 in branches and IF.match(text) and not NO_CHOICE.search(text):
            partial.add(now)
    gaps: set[Gap] = set()
    ran = {place: count for place, count in ran.items() if place[0] != "_native/core.pyx"}
    sources = {file: (PACKAGE / file).read_text().splitlines() for file, _ in ran}
    for (file, line), count in ran.items():
        code = sources[file][line - 1].strip()
        if not count:
            gaps.add((file, code, LINE))
        elif (file, line) in partial and CHOICE.search(code.partition("#")[0]):
            gaps.add((file, code, BRANCH))
    return gaps


def kernels() -> set[Gap]:
    """Measure tests/kernels, and add what the tests of the extension reach."""
    folder = BUILD / "kernels"
    folder.mkdir(parents=True, exist_ok=True)
    sources = sorted((PACKAGE / "_kernels").glob("*.c"))
    objects = []
    for source in (ROOT / "tests/kernels/kernels.c", *sources):
        objects.append(folder / f"{source.stem}.o")
        flags = ["-std=c99", *FLAGS, f"-I{PACKAGE / '_kernels'}"]
        run(*compiler(), *flags, "-c", source, "-o", objects[-1])
    run(*compiler(), "--coverage", *objects, "-o", folder / "program")
    for table in sorted((PACKAGE / "_kernels").glob("kernel_*.c")):
        kernel = table.stem.removeprefix("kernel_")
        done = subprocess.run([folder / "program", kernel], capture_output=True, check=False)
        print(f"kernel {kernel}: {'ran' if done.returncode == 0 else 'does not run here'}")
    counts = gcov(folder)
    for name, lines in gcov(BUILD).items():
        for number, (count, branches) in lines.items():
            before, taken = counts[name].get(number, (0, []))
            if len(taken) == len(branches):
                branches = [a + b for a, b in zip(taken, branches, strict=True)]
            counts[name][number] = (count + before, branches or taken)
    gaps: set[Gap] = set()
    for name, lines in counts.items():
        if Path(name).parent.name != "_kernels" or Path(name).name in ("cpu.c", "dispatch.c"):
            continue
        source = Path(name).read_text().splitlines()
        for number, (count, branches) in lines.items():
            kind = BRANCH if count else LINE
            if not count or 0 in branches:
                gaps.add((f"_kernels/{Path(name).name}", source[number - 1].strip(), kind))
    return gaps


# What is known.


def explained() -> dict[Gap, str]:
    """Read the tables of docs/coverage.md: file, kind, code, reason."""
    row = re.compile(r"^\| `(.+?)` \| (line|branch) \| `` ?(.+?) ?`` \| (.+) \|$", re.M)
    return {(m[1], m[3], m[2]): m[4] for m in row.finditer(TABLE.read_text())}


ROOMS = {
    "pure": ("_pure/", pure),
    "native": ("_native/", native),
    "kernels": ("_kernels/", kernels),
}


def main() -> None:
    names = sys.argv[1:] or list(ROOMS)
    if "native" in names or len(names) == len(ROOMS):
        shutil.rmtree(BUILD, ignore_errors=True)
    BUILD.mkdir(parents=True, exist_ok=True)
    found: set[Gap] = set()
    for name in names:
        print(f"{name}:")
        found |= ROOMS[name][1]()
    rooms = tuple(ROOMS[name][0] for name in names)
    reasons = {gap: why for gap, why in explained().items() if gap[0].startswith(rooms)}
    known = set(reasons)
    by_chance = {gap for gap, why in reasons.items() if why.startswith("By chance: ")}
    for title, gaps in (
        ("Not reached, and not in docs/coverage.md:", found - known),
        ("Reached, or gone: take it out of docs/coverage.md:", known - found - by_chance),
    ):
        if gaps:
            print(title)
            for file, code, kind in sorted(gaps):
                print(f"| `{file}` | {kind} | `` {code} `` |  |")
    if not known - by_chance <= found <= known:
        sys.exit(1)
    print(f"All lines and branches are reached but {len(known)}, which docs/coverage.md explains.")


if __name__ == "__main__":
    main()
