"""The warning of a build without the compiled part reaches the user who installs it.

pip shows nothing that a successful build writes, so the terminal is written to as well.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("setuptools", "77")  # the one that setup.py needs

ROOT = Path(__file__).parents[2]
pytestmark = [
    pytest.mark.skipif(not (ROOT / "setup.py").exists(), reason="needs the whole repository"),
    pytest.mark.skipif(sys.platform == "win32", reason="needs the terminals of POSIX"),
]
# Everything of setup.py but the build; then the warning, from a process that has the terminal
# which standard input is, if it is one.
CODE = """
import os, runpy, sys
if os.isatty(0):
    import fcntl, termios
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
import setuptools
setuptools.setup = lambda **_: None
sys.modules["Cython"] = None
runpy.run_path("setup.py")["warn"]("there is no C compiler")
"""
WARNING = "WARNING: wsfast is built without its compiled part, which makes it slow: there is no C"


def warned(*, terminal: bool, stderr: bool) -> tuple[str, str]:
    """Warn in a process of its own.

    Args:
        terminal: whether it has one.
        stderr: whether its standard error is that terminal; else it is a pipe.

    Returns:
        What was written to the pipe and what to the terminal.
    """
    ours, theirs = os.openpty()
    try:
        process = subprocess.Popen(
            [sys.executable, "-c", CODE],
            cwd=ROOT,
            env={k: v for k, v in os.environ.items() if not k.startswith("WSFAST_")},
            stdin=theirs if terminal else subprocess.DEVNULL,
            stderr=theirs if stderr else subprocess.PIPE,
            text=True,
            start_new_session=True,  # it has no terminal, until it takes one
        )
        os.close(theirs)
        _, piped = process.communicate(timeout=60)
        assert process.returncode == 0, piped
        shown = b""
        with contextlib.suppress(OSError):  # on Linux this says that nobody has it open any more
            while more := os.read(ours, 4096):
                shown += more
    finally:
        os.close(ours)
    return piped or "", shown.decode().replace("\r\n", "\n")


def test_a_terminal_is_told_what_pip_keeps_to_itself() -> None:
    piped, shown = warned(terminal=True, stderr=False)
    assert piped == shown
    assert shown.count(WARNING) == 1
    assert shown.endswith("pip install --no-cache-dir --force-reinstall wsfast\n")


def test_a_terminal_that_is_standard_error_is_told_once() -> None:
    piped, shown = warned(terminal=True, stderr=True)
    assert piped == ""
    assert shown.count(WARNING) == 1


def test_without_a_terminal_standard_error_is_told() -> None:
    piped, shown = warned(terminal=False, stderr=False)
    assert piped.count(WARNING) == 1
    assert shown == ""
