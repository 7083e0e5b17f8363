"""Run the benchmarks, print the table, record the run: `make bench`.

    python bench/run.py [--all-sizes] [--no-record] [-k EXPRESSION]
    python bench/run.py --show [RECORD]         # print a record again
    python bench/run.py --plot [RECORD]         # draw a record again
    python bench/run.py --readme [RECORD]       # put it into README.md and docs/performance.md

A record is a dated JSON file in bench/record/: the machine, the versions, and for each
case the nanoseconds of the fastest round.

Invariant: a printed figure comes from a record or from the run that was just made.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import picture
import records
import summary

HERE = Path(__file__).parent
README = HERE.parent / "README.md"
PERFORMANCE = HERE.parent / "docs" / "performance.md"
PLOTS = HERE.parent / "build" / "plots"
BEGIN, END = "<!-- record -->\n", "<!-- /record -->"


def run_benchmarks(extra: list[str]) -> list[dict[str, Any]]:
    """Run pytest over the benchmarks; return one row a case."""
    files = sorted(str(path) for path in HERE.glob("bench_*.py"))
    with tempfile.TemporaryDirectory() as directory:
        found = Path(directory) / "benchmarks.json"
        command = [sys.executable, "-m", "pytest", *files, "--quiet", "--benchmark-quiet"]
        command += ["-p", "no:cacheprovider", f"--benchmark-json={found}", *extra]
        status = subprocess.run(command, cwd=HERE.parent, check=False).returncode
        if status:
            sys.exit(f"a benchmark failed (pytest: {status}); nothing is recorded")
        benchmarks = json.loads(found.read_text())["benchmarks"]
    return [dict(sorted(benchmark["extra_info"].items())) for benchmark in benchmarks]


def load(name: str) -> dict[str, Any]:
    """Read a record; the newest if ``name`` is empty."""
    dated = records.RECORDS.glob("[0-9]*.json")
    paths = sorted(dated, key=lambda path: json.loads(path.read_text())["date"])
    if not name and not paths:
        sys.exit(f"no record in {records.RECORDS}")
    path = Path(name) if name else paths[-1]
    record: dict[str, Any] = json.loads(path.read_text())
    record["path"] = path.resolve().relative_to(HERE.parent).as_posix()
    return record


def draw(record: dict[str, Any]) -> None:
    """Draw the plots of a record into build/plots/."""
    import plots  # matplotlib, which --readme and --show do without

    for path in plots.draw(record, Path(record["path"]).stem, PLOTS):
        print(f"drawn in {path.relative_to(HERE.parent)}")


def write_pages(record: dict[str, Any]) -> None:
    """Replace the tables between the marks in the pages that have one, and the picture."""
    for path, rows in ((README, summary.README_ROWS), (PERFORMANCE, summary.ROWS)):
        records.put(path, (BEGIN, END), summary.markdown(record, rows))
    picture.draw(record)


def main() -> None:
    """Do what the command line says."""
    sys.stdout.reconfigure(errors="replace")  # for the micro sign
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--all-sizes", action="store_true", help="from 0 bytes to 16 MiB")
    parser.add_argument("--no-record", action="store_true", help="print only")
    parser.add_argument("-k", metavar="EXPRESSION", help="some benchmarks only; not recorded")
    parser.add_argument("--show", nargs="?", const="", metavar="RECORD", help="print a record")
    parser.add_argument("--plot", nargs="?", const="", metavar="RECORD", help="draw a record")
    parser.add_argument("--readme", nargs="?", const="", metavar="RECORD")
    arguments = parser.parse_args()
    if arguments.readme is not None:
        write_pages(load(arguments.readme))
        return
    if arguments.plot is not None:
        draw(load(arguments.plot))
        return
    if arguments.show is not None:
        print(summary.table(load(arguments.show)))
        return
    extra = ["--all-sizes"] if arguments.all_sizes else []
    extra += ["-k", arguments.k] if arguments.k else []
    record = records.begin("run.py")
    record["rows"] = run_benchmarks(extra)
    print(summary.table(record))
    if not (arguments.no_record or arguments.k):
        draw(load(str(records.save(record))))


if __name__ == "__main__":
    main()
