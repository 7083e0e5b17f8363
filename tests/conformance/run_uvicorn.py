"""Let the Autobahn TestSuite judge uvicorn with our protocol: compare with expected.json.

    python tests/conformance/run_uvicorn.py                 # sections 1 to 7 and 10
    python tests/conformance/run_uvicorn.py all --loop uvloop

Without a Python 2.7 it says that it was skipped; with WSFAST_REQUIRE_AUTOBAHN=1 it fails.

Invariant: ends with 0 only if every case of the sections was run and went as expected of
a server.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path

import testsuite
import verdicts
from testsuite import LARGEST, SECTIONS, USUAL

sys.path[:0] = [str(testsuite.ROOT / "tests"), str(testsuite.ROOT / "tests" / "adapters")]

AGENT = "uvicorn with wsfast"


def judge(sections: list[str], loop: str) -> bool:
    """Run some sections; print what came of it, and return whether it is as expected."""
    from uvicorn_serving import echo, served

    wanted = verdicts.expected(verdicts.load(), "server", sections)
    outdir = Path(tempfile.mkdtemp(prefix="autobahn-"), "uvicorn")
    cases = [f"{section}.*" for section in sections]
    started = time.monotonic()
    with served(echo, loop=loop, ws_max_size=LARGEST) as running:
        url = f"ws://127.0.0.1:{running.port}"
        index = asyncio.run(testsuite.fuzzing_client(url, AGENT, cases, outdir))
    got = verdicts.found(index)
    seconds = time.monotonic() - started
    summary = ", ".join(f"{number} {verdict}" for verdict, number in verdicts.counts(got).items())
    print(f"uvicorn, {loop}: {len(got)} cases in {seconds:.1f} s: {summary}")
    wrong = verdicts.differences(wanted, got)
    for case, difference in wrong.items():
        print(f"  {case}: {difference}")
        if case in index:
            print(f"    {testsuite.explanation(outdir, index[case])}")
    return not wrong


def main() -> int:
    """Do what the command line says; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sections", nargs="*", help=f"default: {' '.join(USUAL)}; or all")
    parser.add_argument("--loop", choices=("asyncio", "uvloop"), default="asyncio")
    arguments = parser.parse_args()
    sections = list(SECTIONS) if arguments.sections == ["all"] else arguments.sections or [*USUAL]
    try:
        testsuite.wstest()
    except testsuite.NotAvailable as reason:
        print(f"SKIPPED: the Autobahn TestSuite did NOT run: {reason}")
        return int(os.environ.get("WSFAST_REQUIRE_AUTOBAHN") == "1")
    return int(not judge(sections, arguments.loop))


if __name__ == "__main__":
    sys.exit(main())
