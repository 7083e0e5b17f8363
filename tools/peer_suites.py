"""Run the test suites of libraries, stock and accelerated, and compare what fails.

    python tools/peer_suites.py [NAME...]      all, or these
    python tools/peer_suites.py --install      install what their tests need first

A suite is in the installed package or in the source distribution of the installed version.
Those of websockets and gevent-websocket have no tests.  The tests of websockets are cloned from
its repository, or are in the directory that WEBSOCKETS_CHECKOUT names; without either, they are
skipped with a message, which fails the run on GitHub.

Exit status 1 if something fails only when accelerated and is not listed here with the reason,
or if tests could not be run or did not end; 2 if the directory has another version than
the one installed, whose tests could fail in any way, or never end.

Invariant: both runs have the same tests, in separate processes; the second one checks that
the seams were set.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import re
import signal
import subprocess
import sys
import tarfile
import tempfile
import xml.etree.ElementTree as ET
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

SECONDS = 900
# Accelerates what WSFAST_ACCELERATE names, if anything, and fails if that did nothing.
START = """
import os, sys
names = os.environ.get("WSFAST_ACCELERATE")
if names:
    import wsfast
    rows = wsfast.accelerate(*names.split(","))
    if any(not row.seam for row in rows):
        sys.exit(f"not accelerated: {rows}")
"""
PYTEST = "import pytest; sys.exit(pytest.main(sys.argv[1:]))"
TORNADO = "from tornado.test.runtests import main; main()"


class Suite(NamedTuple):
    """The tests of a library, and what is known to differ when it is accelerated.

    Attributes:
        tests: files to run, in the source distribution or, if ``package`` is the name of a
            package, in that.
        needs: modules that the tests import besides the library.
        begin: code to run before the library is imported.
        differing: tests that fail when accelerated, by a pattern, and why.
        repository: where the tests are, under a tag with the name of the version.
        checkout: the environment variable that names a directory with the tests instead.
    """

    tests: tuple[str, ...]
    package: str = ""
    needs: tuple[str, ...] = ()
    begin: str = ""
    differing: tuple[tuple[str, str], ...] = ()
    repository: str = ""
    checkout: str = ""


SUITES = {  # the slowest first, because they run at the same time
    "aiohttp": Suite(
        (
            "tests/test_websocket_parser.py",
            "tests/test_websocket_writer.py",
            "tests/test_websocket_handshake.py",
            "tests/test_web_websocket.py",
            "tests/test_web_websocket_functional.py",
            "tests/test_client_ws.py",
            "tests/test_client_ws_functional.py",
        ),
        needs=("blockbuster", "coverage", "freezegun", "pytest_mock", "re_assert", "trustme"),
    ),
    "websockets": Suite(
        (
            "tests/test_protocol.py",
            "tests/test_frames.py",
            "tests/test_streams.py",
            "tests/test_client.py",
            "tests/test_server.py",
            "tests/extensions",
            "tests/asyncio/test_messages.py",
            "tests/asyncio/test_connection.py",
            "tests/asyncio/test_server.py",
        ),
        differing=(("non_utf8_text", "up to 15 they compare the reason, which is ours"),),
        repository="https://github.com/python-websockets/websockets",
        checkout="WEBSOCKETS_CHECKOUT",
    ),
    "wsproto": Suite(("tests",)),
    "websocket-client": Suite(("tests",), package="websocket"),
    "autobahn": Suite(
        ("test",),
        package="autobahn.websocket",
        begin="os.environ['USE_ASYNCIO'] = '1'; import txaio; txaio.use_asyncio()\n",
    ),
    "lomond": Suite(
        tuple(
            f"tests/test_{what}.py"
            for what in (
                "frame",
                "frame_parser",
                "mask",
                "message",
                "parser",
                "stream",
                "websocket",
            )
        ),
        needs=("freezegun", "pytest_mock"),
    ),
    "ws4py": Suite(
        tuple(
            f"test/test_{what}.py"
            for what in ("client", "frame", "messaging", "stream", "utils", "websocket")
        ),
    ),
    "tornado": Suite(("tornado.test.websocket_test",), package="tornado.test"),
}


class Outcome(NamedTuple):
    """What a run gave: how many tests there were, and which of them failed."""

    tests: int
    failed: frozenset[str]


def tests_of(name: str, suite: Suite, directory: Path) -> Path:
    """Return where the suite is; fetch the source distribution if it is in there."""
    if suite.package:
        spec = importlib.util.find_spec(suite.package)
        assert spec is not None
        assert spec.origin is not None
        return Path(spec.origin).parent
    if suite.repository:
        if checkout := os.environ.get(suite.checkout):
            return Path(checkout)
        clone = ["git", "clone", "-q", "--depth", "1", "--branch", metadata.version(name)]
        clone += [suite.repository, str(directory / "clone")]
        subprocess.run(clone, check=True, env={**os.environ, "GIT_TERMINAL_PROMPT": "0"})
        return bare_tests(directory / "clone", directory)
    exact = f"{name}=={metadata.version(name)}"
    pip = [sys.executable, "-m", "pip", "-q", "download", "--no-deps", "--no-binary", ":all:"]
    subprocess.run([*pip, "-d", str(directory), exact], check=True)
    (archive,) = directory.glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        opened.extractall(directory, filter="data")
    (root,) = (path for path in directory.iterdir() if path.is_dir())
    return bare_tests(root, directory)


def wrong_checkout(name: str, suite: Suite) -> str:
    """Return why the directory that is to have the tests has others; ``""`` if it has them."""
    directory = os.environ.get(suite.checkout) if suite.checkout else None
    if not directory or not is_installed(name):
        return ""
    installed, found = metadata.version(name), version_in(Path(directory), name)
    if installed == found:
        return ""
    what = f"has {name} {found}" if found else f"has no version of {name} in it"
    return f"{suite.checkout}={directory} {what}, but {installed} is installed"


def is_installed(name: str) -> bool:
    return any(metadata.distributions(name=name))


def version_in(directory: Path, name: str) -> str:
    """Return the version that a checkout or an unpacked source distribution says it has."""
    metadata_file = directory / "PKG-INFO"
    if metadata_file.exists():
        return str(metadata.PathDistribution(directory).version)
    module = directory / "src" / name / "version.py"  # as websockets has it
    text = module.read_text(encoding="utf-8") if module.exists() else ""
    said = re.search(r'^(?:\w+ = )*version = (?:\w+ = )*"([^"]+)"', text, re.MULTILINE)
    released = not re.search(r"^released = False", text, re.MULTILINE)
    return said[1] + ("" if released else ".dev") if said else ""


def bare_tests(root: Path, directory: Path) -> Path:
    """Move the tests away from the sources, which would be imported instead of those installed."""
    kept = ("tests", "test", "setup.cfg", "pytest.ini", "tox.ini", "pyproject.toml")
    bare = directory / "bare"
    bare.mkdir()
    for part in kept:
        if (root / part).exists():
            (root / part).rename(bare / part)
    return bare


def outcome(name: str, suite: Suite, root: Path, accelerated: bool) -> Outcome:
    """Run a suite once."""
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    environment.pop("WSFAST_ACCELERATE", None)
    if accelerated:
        environment["WSFAST_ACCELERATE"] = name
    with tempfile.TemporaryDirectory() as scratch:
        report = Path(scratch, "report.xml")
        if name == "tornado":
            command = ["-c", START + TORNADO, "--verbose", *suite.tests]
        else:
            quiet = ["-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-o", "addopts="]
            quiet += ["-W", "ignore::pytest.PytestConfigWarning"]  # of missing plugins
            paths = [str(root / path) for path in suite.tests]
            command = ["-c", START + suite.begin + PYTEST, *quiet, f"--junitxml={report}", *paths]
        status, output = run(name, command, Path(scratch) if suite.package else root, environment)
        found = of_unittest(output) if name == "tornado" else of_junit(report)
    if status not in (0, 1) or not found.tests:
        sys.exit(f"{name}: the tests could not be run\n{output[-3000:]}")
    return found


def run(
    name: str,
    command: list[str],
    directory: Path,
    environment: dict[str, str],
    seconds: float = SECONDS,
) -> tuple[int, str]:
    """Run Python there; return its exit status and what it wrote.

    Raises:
        SystemExit: it didn't end in time; it was killed, with the processes that it started.
    """
    with tempfile.TemporaryFile() as output:  # a pipe would stay open in what it started
        process = subprocess.Popen(
            [sys.executable, *command],
            cwd=directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # so that it leads a process group
        )
        try:
            status = process.wait(seconds)
        except subprocess.TimeoutExpired:
            status = None
        finally:
            if process.returncode is None:  # too late, or interrupted
                kill(process)
        output.seek(0)
        text = output.read().decode(errors="replace")
    if status is None:
        sys.exit(f"{name}: the tests did not end within {seconds} s\n{text[-3000:]}")
    return status, text


def kill(process: subprocess.Popen[bytes]) -> None:
    """End a process that ``run`` started, and those that it started."""
    if sys.platform == "win32":
        process.kill()
    else:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def of_junit(report: Path) -> Outcome:
    """Read what pytest reports."""
    if not report.exists():
        return Outcome(0, frozenset())
    cases = list(ET.parse(report).iter("testcase"))
    failed = {
        f"{case.get('classname')}::{case.get('name')}"
        for case in cases
        if case.find("failure") is not None or case.find("error") is not None
    }
    return Outcome(len(cases), frozenset(failed))


def of_unittest(output: str) -> Outcome:
    """Read what unittest writes."""
    ran = re.search(r"^Ran (\d+) tests", output, re.MULTILINE)
    failed = re.findall(r"^(?:FAIL|ERROR): (\S+ \(\S+\))", output, re.MULTILINE)
    return Outcome(int(ran[1]) if ran else 0, frozenset(failed))


def compare(name: str, suite: Suite) -> bool:
    """Run a suite both ways, say what differs; return whether that is as it should be."""
    if not is_installed(name):
        print(f"SKIPPED: {name} is not installed")
        return True
    version = metadata.version(name)
    missing = [module for module in suite.needs if importlib.util.find_spec(module) is None]
    if missing:
        print(f"SKIPPED: the tests of {name} need {', '.join(missing)}")
        return True
    with tempfile.TemporaryDirectory() as directory:
        try:
            root = tests_of(name, suite, Path(directory))
        except (OSError, subprocess.CalledProcessError) as error:
            if not suite.repository:
                raise
            print(f"SKIPPED: the tests of {name} {version} can't be had: {error}")
            return "GITHUB_ACTIONS" not in os.environ
        stock, ours = (outcome(name, suite, root, accelerated) for accelerated in (False, True))
    known = {test: why for test in ours.failed for what, why in suite.differing if what in test}
    new = sorted(ours.failed - stock.failed - known.keys())
    lines = [
        f"{name} {version}: {stock.tests} tests, {len(stock.failed)} fail stock, "
        f"{len(ours.failed)} accelerated",
        *(f"  as listed, {test}: {why}" for test, why in sorted(known.items())),
        *(f"  only stock: {test}" for test in sorted(stock.failed - ours.failed)),
        *(f"  ONLY ACCELERATED: {test}" for test in new),
    ]
    if stock.tests != ours.tests:
        lines.append(f"  NOT THE SAME TESTS: {ours.tests} accelerated")
    print("\n".join(lines), flush=True)
    return not new and stock.tests == ours.tests


def install_needs(names: list[str]) -> None:
    needs = sorted({need for name in names for need in SUITES[name].needs})
    pip = [sys.executable, "-m", "pip", "-q", "--disable-pip-version-check", "install"]
    if needs:
        subprocess.run([*pip, *needs], check=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(SUITES)}")
    parser.add_argument("--install", action="store_true", help="what the tests need")
    arguments = parser.parse_args()
    names: list[str] = arguments.names or list(SUITES)
    if unknown := set(names) - SUITES.keys():
        parser.error(f"there is no suite of {', '.join(sorted(unknown))}; of {', '.join(SUITES)}")
    if wrong := list(filter(None, (wrong_checkout(name, SUITES[name]) for name in names))):
        print(*wrong, sep="\n", file=sys.stderr)
        return 2
    if arguments.install:
        install_needs(names)
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # all, whatever fails
        verdicts = list(pool.map(lambda name: compare(name, SUITES[name]), names))
    return 0 if all(verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
