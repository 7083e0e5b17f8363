"""Run every version of every library that wsfast claims to accelerate, stock and accelerated.

    python tests/adapters/versions.py [NAME...]    all, or these; write versions-record.json
    python tests/adapters/versions.py --check      write nothing
    python tests/adapters/versions.py --ends       the oldest and the newest of each only

The ranges are those of the adapters.  The oldest version of each that the package index has is
run, and the newest of every minor version: pip puts it into a directory of its own, which comes
before the installed, newest versions.  Exit status 1 if one does not do what it should; what
fails stock is recorded, and not counted against wsfast.

Invariant: stock and accelerated have the same conversations over a loopback socket, and
are judged by conversations.py.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import tomllib
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[1:1] = [str(HERE.parent)]  # for what the tests share

from packaging.requirements import Requirement  # noqa: E402
from packaging.version import Version  # noqa: E402

from conversations import judge, transcript  # noqa: E402
from test_loopback import PROGRAMS  # noqa: E402
from wsfast import __version__  # noqa: E402
from wsfast.adapters import _seams  # noqa: E402

RECORD = HERE / "versions-record.json"
LIBRARIES = ROOT / "build" / "versions"
PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
# Programs that run a library accelerated, where that is another program than the stock one.
UVICORN = ("uvicorn-sansio", "uvicorn-wsfast")
SANSIO = "uvicorn/protocols/websockets/websockets_sansio_impl.py"  # there from 0.35 on


class Claim(NamedTuple):
    """A library, and the versions that wsfast is said to work with.

    Attributes:
        low: the first version.
        high: the first that is not; ``""`` if there is no end.
        programs: pairs of programs of programs.py, stock and accelerated.
        hosted: those in which it only runs a library of this list, with which every version
            is run: here the oldest and the newest are.
    """

    low: str
    high: str
    programs: tuple[tuple[str, str], ...]
    hosted: tuple[tuple[str, str], ...] = ()

    def covers(self, version: str) -> bool:
        """Return whether a version is one of these."""
        above = not self.high or Version(version) < Version(self.high)
        return above and Version(self.low) <= Version(version)


def claims() -> dict[str, Claim]:
    """Return what is claimed: by the adapters; for what runs on them, by pyproject.toml."""
    found: dict[str, Claim] = {}
    for name in _seams.NAMES:
        programs = tuple((p, p) for p, program in PROGRAMS.items() if program.peer == name)
        found[name] = Claim(*_seams._peer(name).tested, programs)
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    for text in extras["project"]["optional-dependencies"]["peers"]:
        requirement = Requirement(text)
        name = requirement.name
        hosted = tuple((p, p) for p, program in PROGRAMS.items() if program.distribution == name)
        if name in found and hosted and name != "uvicorn":
            continue  # it is of the adapters
        if name == "uvicorn":  # which has its stock protocol beside ours
            hosted = tuple(pair for pair in hosted if pair[0] not in UVICORN)
        if hosted:
            (specifier,) = requirement.specifier
            low, high = found[name][:2] if name in found else (specifier.version, "")
            found[name] = Claim(low, high, (UVICORN,) if name == "uvicorn" else (), hosted)
    return found


def available(name: str) -> list[str]:
    """Return the final versions that the package index has for this Python, oldest first."""
    done = subprocess.run(
        [*PIP, "index", "versions", name], check=True, capture_output=True, text=True
    )
    (line,) = (x for x in done.stdout.splitlines() if x.startswith("Available versions:"))
    versions = [Version(text) for text in line.partition(":")[2].split(",")]
    return [str(version) for version in sorted(versions) if not version.is_prerelease]


def to_run(versions: list[str], *, ends: bool = False) -> list[list[str]]:
    """Return the oldest, and of each minor version the newest, with what to run instead.

    A version that pip refuses to install is one that nobody has: the one before it is run.
    """
    minors: dict[tuple[int, ...], list[str]] = {}
    for version in versions:
        minors.setdefault(Version(version).release[:2], []).insert(0, version)
    chosen = list(minors.values())
    if chosen[0][0] != versions[0]:
        chosen.insert(0, [versions[0]])
    return [chosen[0], chosen[-1]][: len(chosen)] if ends else chosen


def unsatisfied(directory: Path) -> list[str]:
    """Return what the distributions in a directory need and the environment does not have."""
    needed = []
    for distribution in metadata.distributions(path=[str(directory)]):
        for text in distribution.requires or ():
            requirement = Requirement(text)
            if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
                continue
            there = list(metadata.distributions(name=requirement.name, path=[str(directory)]))
            there += metadata.distributions(name=requirement.name)
            if not there or not requirement.specifier.contains(there[0].version, prereleases=True):
                needed.append(f"{requirement.name}{requirement.specifier}")
    return needed


def fetch(name: str, version: str) -> Path:
    """Install a version into a directory of its own, with what it needs otherwise."""
    directory = LIBRARIES / f"{name}-{version}"
    if not (directory / "complete").exists():
        install = [*PIP, "-q", "install", "--no-deps", "--upgrade", "--target", str(directory)]
        needed = [f"{name}=={version}"]
        while needed:
            subprocess.run([*install, *needed], check=True, capture_output=True, text=True)
            needed = unsatisfied(directory)
        (directory / "complete").touch()
    return directory


class Row(NamedTuple):
    """What came of one program with one version."""

    library: str
    version: str
    program: str
    verdict: str  # "ok", or what is not
    stock: dict[str, Any]
    accelerated: dict[str, Any]


def run(name: str, versions: list[str], programs: tuple[str, str]) -> Row:
    """Have the conversations with the first version that pip installs, stock and accelerated.

    Once more if they are not as they should be: other programs may have been in the way.
    """
    stock_program, program = programs
    peer = "" if program == "uvicorn-wsfast" else PROGRAMS[program].peer
    for version in versions:
        try:
            before = [str(fetch(name, version))]
            break
        except subprocess.CalledProcessError as error:
            said = " ".join(error.stderr.split()[-25:])
    else:
        return Row(name, version, program, f"can't be installed: {said}", {}, {})
    if name == "uvicorn" and program == UVICORN[1] and not Path(before[0], SANSIO).exists():
        stock_program = "uvicorn-wsproto"
    for _ in range(2):
        stock = transcript(stock_program, "", before)
        if "fault" in stock and program != stock_program:  # as sansio of 0.35 to 0.41 does
            stock = transcript("uvicorn-wsproto", "", before)
        ours = transcript(program, peer, before)
        verdict = judge(stock, ours)
        if verdict == "ok":
            break
    return Row(name, version, program, verdict, stock, ours)


def brief(row: Row) -> dict[str, Any]:
    """Return a row as it is recorded: the codes that the remote gets, stock and accelerated."""

    found: dict[str, Any] = {"version": row.version, "program": row.program, "result": row.verdict}
    if row.verdict != "ok":
        return found
    found["deflate"] = row.accelerated["deflate"][0]
    for kind in ("not UTF-8", "violation"):
        found[kind] = {
            step.partition(": ")[2]: [row.stock[step][0], row.accelerated[step][0]]
            for step in row.accelerated
            if step.startswith(kind)
        }
    return found


def run_all(names: list[str], ends: bool, jobs: int) -> tuple[dict[str, Any], list[Row]]:
    """Run what was asked for; return it as it is recorded, and all rows."""
    record: dict[str, Any] = {}
    rows: list[Row] = []
    claimed = claims()
    work = []
    for name in names or claimed:
        claim = claimed[name]
        versions = available(name)
        inside = [version for version in versions if claim.covers(version)]
        beyond = [version for version in versions if Version(version) > Version(inside[-1])]
        record[name] = {"claimed": [claim.low, claim.high], "available": inside, "rows": []}
        if beyond:
            print(f"{name}: not claimed yet: {', '.join(beyond)}")
        work += [(name, v, p) for v in to_run(inside, ends=ends) for p in claim.programs]
        work += [(name, v, p) for v in to_run(inside, ends=True) for p in claim.hosted]
    with ThreadPoolExecutor(jobs) as pool:
        for row in pool.map(lambda one: run(*one), work):
            rows.append(row)
            record[row.library]["rows"].append(brief(row))
            print(f"{row.library} {row.version} {row.program}: {row.verdict}", flush=True)
    return record, rows


def write(record: dict[str, Any]) -> None:
    """Put what was run in the place of what is recorded of the same libraries."""
    there = json.loads(RECORD.read_text(encoding="utf-8")) if RECORD.exists() else {}
    whole = {
        "date": datetime.now(UTC).date().isoformat(),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "wsfast": __version__,
        "libraries": dict(sorted({**there.get("libraries", {}), **record}.items())),
    }
    text = json.dumps(whole, indent=1, ensure_ascii=False)
    text = re.sub(r"\[\s+([^][{}]*?)\s+\]", lambda m: f"[{' '.join(m[1].split())}]", text)
    RECORD.write_text(f"{text}\n", encoding="utf-8")


def main() -> int:
    """Return the exit status: 0 if all did as they should."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("names", nargs="*", metavar="NAME", help="libraries; all without one")
    parser.add_argument("--ends", action="store_true", help="the oldest and the newest only")
    parser.add_argument("--check", action="store_true", help="write no record")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="at a time")
    parser.add_argument("--verbose", action="store_true", help="print whole conversations")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - claims().keys():
        parser.error(f"not a library that is claimed: {', '.join(sorted(unknown))}")
    record, rows = run_all(arguments.names, arguments.ends, arguments.jobs)
    if not (arguments.check or arguments.ends):
        write(record)
    for row in rows:
        if arguments.verbose or row.verdict != "ok":
            print(row.library, row.version, row.program, row.verdict)
            for step in row.accelerated.keys() | row.stock.keys():
                print(f"  {step}\n    {row.stock.get(step)}\n    {row.accelerated.get(step)}")
    failed = sum(row.verdict != "ok" and not row.verdict.startswith("stock: ") for row in rows)
    print(f"{len(rows)} conversations, {failed} not as they should be")
    return 1 if failed or not rows else 0


if __name__ == "__main__":
    sys.exit(main())
