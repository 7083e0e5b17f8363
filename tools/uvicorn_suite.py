"""Run uvicorn's own tests of its WebSocket protocols on ours, and compare what fails.

    python tools/uvicorn_suite.py

The tests are those in the source distribution of the installed version.  In the second run,
our class takes the place of ``websockets-sansio``.  Exit status 1 if something fails only
there and is not listed here with the reason.

Invariant: both runs have the same tests, in separate processes; the second one checks that
ours ran.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import tempfile
from importlib import metadata
from pathlib import Path

from peer_suites import Outcome, Suite, of_junit, run, tests_of

# Tests that fail on ours, by a pattern, and why.
DIFFERING = (
    ("test_duplicate_handshake", "it wants 1006; an application that raises is closed with 1011"),
    ("test_asgi_return_value", "it wants 1006; the remote is sent 1011"),
    ("test_close_transport_on_asgi_return", "it wants 1006; the remote is sent 1000"),
    ("test_close_resumes_reads_paused", "it wants reading paused after one message; ours takes 32"),
    ("test_server_keepalive_ping_pong", "it reads ping_sent_at, a detail of uvicorn's classes"),
    ("test_server_keepalive_disabled", "it reads ping_timer, a detail of uvicorn's classes"),
)
NEEDS = ("httpx2", "websockets", "wsproto")
OURS = """
import os, sys
if os.environ.get("WSFAST_SUITE"):
    from uvicorn.protocols.websockets import websockets_sansio_impl as stock
    from wsfast.adapters.uvicorn import WebSocketProtocol
    stock.WebSocketsSansIOProtocol = WebSocketProtocol
import pytest
class Complete:
    # Their transport lacks a method of asyncio's that uvicorn's own protocols don't call.
    def pytest_collection_finish(self):
        transport = sys.modules["tests.protocols.test_websocket"].MockWriteTransport
        transport.get_write_buffer_size = lambda self: 0
status = pytest.main(sys.argv[1:], [Complete()])
if os.environ.get("WSFAST_SUITE"):
    tests = sys.modules["tests.protocols.test_websocket"]
    assert tests.WebSocketsSansIOProtocol is WebSocketProtocol
sys.exit(status)
"""


def outcome(root: Path, ours: bool) -> Outcome:
    """Run the tests once."""
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    environment.pop("WSFAST_SUITE", None)
    if ours:
        environment["WSFAST_SUITE"] = "1"
    with tempfile.TemporaryDirectory() as scratch:
        report = Path(scratch, "report.xml")
        quiet = ["-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:asyncio"]
        quiet += ["-o", "addopts=", "-W", "ignore::pytest.PytestConfigWarning"]
        # Some other plugin may have imported anyio by then.
        quiet += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]
        chosen = ["tests/protocols/test_websocket.py", "-k", "not wsproto", f"--junitxml={report}"]
        status, output = run("uvicorn", ["-c", OURS, *quiet, *chosen], root, environment)
        found = of_junit(report)
    if status not in (0, 1) or not found.tests:
        sys.exit(f"the tests could not be run\n{output[-3000:]}")
    return found


def main() -> int:
    """Run both, say what differs, and return the exit status."""
    missing = [module for module in ("uvicorn", *NEEDS) if importlib.util.find_spec(module) is None]
    if missing:
        print(f"SKIPPED: the tests of uvicorn need {', '.join(missing)}")
        return 0
    with tempfile.TemporaryDirectory() as directory:
        root = tests_of("uvicorn", Suite(("tests",)), Path(directory))
        stock, ours = outcome(root, ours=False), outcome(root, ours=True)
    known = {test: why for test in ours.failed for what, why in DIFFERING if what in test}
    new = sorted(ours.failed - stock.failed - known.keys())
    version = metadata.version("uvicorn")
    print(
        f"uvicorn {version}: {stock.tests} tests, {len(stock.failed)} fail with "
        f"websockets-sansio, {len(ours.failed)} with ours"
    )
    for test, why in sorted(known.items()):
        print(f"  as listed, {test}: {why}")
    for test in new:
        print(f"  ONLY WITH OURS: {test}")
    if stock.tests != ours.tests:
        print(f"  NOT THE SAME TESTS: {ours.tests} with ours")
    return int(bool(new) or stock.tests != ours.tests)


if __name__ == "__main__":
    sys.exit(main())
