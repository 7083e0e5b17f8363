"""Let the Autobahn TestSuite judge our example server and client: compare with expected.json.

    python tests/conformance/run.py                    # sections 1 to 7 and 10
    python tests/conformance/run.py all                # 9, 12 and 13 too
    python tests/conformance/run.py 6.4 --role server  # some of them
    python tests/conformance/run.py all --record tests/conformance/record.json

Without a Python 2.7 it says that it was skipped; with WSFAST_REQUIRE_AUTOBAHN=1 it fails.

Invariant: ends with 0 only if every case of the sections was run and went as expected.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime
import json
import os
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import testsuite
import verdicts
import wsfast
from testsuite import LARGEST, SECTIONS, USUAL

sys.path.insert(0, str(testsuite.ROOT / "examples"))
from echo_client import Client, echo
from echo_server import EchoServer

AGENT = "wsfast"
ONE_CASE = 120.0  # seconds


async def judge_server(cases: list[str], outdir: Path) -> dict[str, Any]:
    """Run the cases against the example server."""
    compression = wsfast.PerMessageDeflate("server")
    async with EchoServer(compression=compression, max_message_size=LARGEST) as server:
        url = f"ws://{server.host}:{server.port}"
        return await testsuite.fuzzing_client(url, AGENT, cases, outdir)


async def judge_client(cases: list[str], outdir: Path) -> dict[str, Any]:
    """Run the cases against the example client, a connection a case."""
    async with testsuite.fuzzing_server(cases, outdir) as url:
        (count,) = await answered(f"{url}/getCaseCount")
        for number in range(1, int(count) + 1):
            await answered(f"{url}/runCase?case={number}&agent={AGENT}")
        await answered(f"{url}/updateReports?agent={AGENT}")
    return testsuite.verdicts(outdir, AGENT)


async def answered(url: str) -> list[str]:
    """Let the example client send back what it gets until it is over; return the texts."""
    texts: list[str] = []

    def show(event: object) -> None:
        if isinstance(event, wsfast.Text):
            texts.append(event.data)

    compression = wsfast.PerMessageDeflate("client")
    async with (
        asyncio.timeout(ONE_CASE),
        Client(url, compression=compression, max_message_size=LARGEST) as client,
    ):
        await echo(client, None, show)
    return texts


def judge(role: str, sections: list[str], reports: Path) -> dict[str, Any]:
    """Run some sections against one role; print and return what came of it."""
    wanted = verdicts.expected(verdicts.load(), role, sections)
    outdir = reports / role
    started = time.monotonic()
    run = judge_server if role == "server" else judge_client
    index = asyncio.run(run([f"{section}.*" for section in sections], outdir))
    got = verdicts.found(index)
    wrong = verdicts.differences(wanted, got)
    counts = verdicts.counts(got)
    seconds = round(time.monotonic() - started, 1)
    summary = ", ".join(f"{number} {verdict}" for verdict, number in counts.items())
    print(f"{role}: {len(got)} cases in {seconds} s: {summary}")
    for case, difference in wrong.items():
        print(f"  {case}: {difference}")
        if case in index:
            print(f"    {testsuite.explanation(outdir, index[case])}")
    if wrong:
        print(f"  {len(wrong)} of the verdicts are not as expected.json says; see {outdir}")
    return {"cases": len(got), "counts": counts, "seconds": seconds, "differences": wrong}


def record(path: Path, sections: list[str], results: dict[str, Any]) -> None:
    """Write down what came of some sections, in place of what it was the last time."""
    runs = wsfast.backend()
    facts = {
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "versions": {
            "wsfast": f"{wsfast.__version__} ({runs.name} {runs.kernel})",
            "Python": sys.version.split()[0],
            **testsuite.versions(),
        },
    }
    known = json.loads(path.read_text()) if path.exists() else []
    for role, result in results.items():
        again = [run for run in known if run["role"] == role and {*run["sections"]} <= {*sections}]
        known = [run for run in known if run not in again]
        known.append({"role": role, "sections": sections, **facts, **result})
    lines = ",\n".join(json.dumps(run) for run in known)
    path.write_text(f"[\n{lines}\n]\n")


def main() -> int:
    """Do what the command line says; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sections", nargs="*", help=f"default: {' '.join(USUAL)}; or all")
    parser.add_argument("--role", choices=("server", "client"), help="only that one of ours")
    parser.add_argument("--reports", type=Path, help="a new directory for the suite's reports")
    parser.add_argument("--record", type=Path, metavar="FILE", help="write the result as JSON")
    arguments = parser.parse_args()
    sections = list(SECTIONS) if arguments.sections == ["all"] else arguments.sections or [*USUAL]
    groups = verdicts.load()["cases"]
    if unknown := [section for section in sections if not verdicts.cases(groups, [section])]:
        parser.error(f"no such section: {', '.join(unknown)}")
    try:
        testsuite.wstest()
    except testsuite.NotAvailable as reason:
        print(f"SKIPPED: the Autobahn TestSuite did NOT run: {reason}")
        return int(os.environ.get("WSFAST_REQUIRE_AUTOBAHN") == "1")
    reports = arguments.reports or Path(tempfile.mkdtemp(prefix="autobahn-"))
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that the suite is ended too
    roles = [arguments.role] if arguments.role else ["server", "client"]
    results = {role: judge(role, sections, reports) for role in roles}
    if arguments.record:
        record(arguments.record, sections, results)
    return int(any(result["differences"] for result in results.values()))


if __name__ == "__main__":
    sys.exit(main())
