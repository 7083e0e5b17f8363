"""The tool that runs the test suites of libraries: which tests it takes, and that it ends."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

import peer_suites

websockets = pytest.importorskip("websockets")
INSTALLED = metadata.version("websockets")


def checkout(directory: Path, version: str, *, released: bool = True) -> Path:
    """Write what tells the version in a checkout of websockets."""
    package = directory / "src" / "websockets"
    package.mkdir(parents=True)
    (package / "version.py").write_text(
        f'released = {released}\n\ntag = version = commit = "{version}"\n'
    )
    return directory


def test_tests_of_another_version_are_not_run(tmp_path: Path) -> None:
    directory = checkout(tmp_path, "1.2.3")
    done = subprocess.run(
        [sys.executable, peer_suites.__file__, "websockets"],
        capture_output=True,
        text=True,
        env={**os.environ, "WEBSOCKETS_CHECKOUT": str(directory)},
        timeout=60,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == (
        f"WEBSOCKETS_CHECKOUT={directory} has websockets 1.2.3, but {INSTALLED} is installed\n"
    )


@pytest.mark.parametrize("kind", ["checkout", "source distribution"])
def test_tests_of_the_installed_version_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    if kind == "checkout":
        checkout(tmp_path, INSTALLED)
    else:
        text = f"Metadata-Version: 2.1\nName: websockets\nVersion: {INSTALLED}\n"
        (tmp_path / "PKG-INFO").write_text(text)
    monkeypatch.setenv("WEBSOCKETS_CHECKOUT", str(tmp_path))
    assert peer_suites.wrong_checkout("websockets", peer_suites.SUITES["websockets"]) == ""


@pytest.mark.parametrize(
    ("released", "wrong"), [(False, f"has websockets {INSTALLED}.dev"), (None, "has no version")]
)
def test_tests_of_an_unreleased_or_unknown_version_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, released: bool | None, wrong: str
) -> None:
    if released is not None:
        checkout(tmp_path, INSTALLED, released=released)
    monkeypatch.setenv("WEBSOCKETS_CHECKOUT", str(tmp_path))
    said = peer_suites.wrong_checkout("websockets", peer_suites.SUITES["websockets"])
    assert wrong in said


def test_what_ends_is_returned(tmp_path: Path) -> None:
    code = "import sys; print('out'); sys.stderr.write('error'); sys.exit(5)"
    status, output = peer_suites.run("some", ["-c", code], tmp_path, dict(os.environ))
    assert (status, sorted(output.split())) == (5, ["error", "out"])


@pytest.mark.skipif(sys.platform == "win32", reason="needs a named pipe")
def test_tests_that_do_not_end_are_ended_with_what_they_started(tmp_path: Path) -> None:
    """The named pipe is at its end once no process has it open for writing."""
    pipe, ready = tmp_path / "pipe", tmp_path / "ready"
    os.mkfifo(pipe)
    started = f"import time; file = open({str(pipe)!r}, 'wb'); open({str(ready)!r}, 'w')"
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {started!r} + SLEEP])"
    code = f"print('begun', flush=True); SLEEP = '; time.sleep(600)'; {code}"
    for seconds in itertools.accumulate(itertools.repeat(2), int.__mul__):
        reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
        with pytest.raises(SystemExit, match=f"^some: the tests did not end within {seconds} s"):
            peer_suites.run("some", ["-c", code], tmp_path, dict(os.environ), seconds)
        os.set_blocking(reader, True)
        assert os.read(reader, 1) == b""
        os.close(reader)
        if ready.exists():  # else the machine was too busy to start it in that time
            break
