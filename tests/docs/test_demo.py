"""The demo runs on both codecs, and prints what the documentation says."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("rich", reason="the demo prints with rich")

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "examples" / "demo.py"


def run_demo(**variables: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if name != "FORCE_COLOR"}
    if "PYTHONPATH" in kept:
        kept["PYTHONPATH"] = os.path.abspath(kept["PYTHONPATH"])
    return subprocess.run(
        [sys.executable, "-X", "dev", str(DEMO)],
        env={**kept, "PYTHONIOENCODING": "utf-8", **variables},
        encoding="utf-8",
        capture_output=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("variables", [{}, {"WSFAST_BACKEND": "pure"}], ids=["chosen", "pure"])
def test_demo_in_a_pipe_prints_every_line_plainly(variables: dict[str, str]) -> None:
    done = run_demo(**variables)
    assert done.returncode == 0, done.stdout + done.stderr
    # asyncio's debug mode, part of -X dev, tells what took long: so it is on a busy machine.
    assert [line for line in done.stderr.splitlines() if not line.startswith("Executing ")] == []
    assert "\x1b" not in done.stdout
    for line in (
        "Text 'Zwölf große Boxkämpfer",
        "Japanese in fragments",
        "Ping b'are you there?'",
        "InvalidUTF8: MISSING_CONTINUATION",
        "13 (fragment 0, byte 13), detected at byte 16 of the message",
        "close 1007, 'invalid UTF-8 at byte 13: F0 9F 98, a continuation byte is missing'",
        "close 1007, 'invalid UTF-8 at byte 0: 89, continuation byte without a lead byte'",
        "40 (fragment 1, byte 10)",
        "InvalidUTF8: TRUNCATED",
        "close 1001, 'the tab was closed'",
        "close 1001, 'restart for an update'",
    ):
        assert line in done.stdout
    assert " DIFFERS " not in done.stdout


def test_demo_marks_the_ill_formed_bytes() -> None:
    lines = run_demo().stdout.splitlines()
    window = next(i for i, line in enumerate(lines) if "F0 9F 98 3F" in line)
    marks = lines[window + 1]
    assert marks.split() == ["~~", "~~", "~~", "^^"]
    assert marks.index("~~") == lines[window].index("F0 9F 98")


def test_demo_without_what_it_announces_fails() -> None:
    """Spoil one announcement; the demo must say so and exit with 1."""
    spoiled = (
        "import sys; sys.argv[0] = sys.argv[1]; sys.path.insert(0, sys.argv[2]);"
        "import dataclasses, demo;"
        "demo.FAULTS = (dataclasses.replace(demo.FAULTS[0], offset=12),);"
        "sys.exit(demo.main())"
    )
    done = subprocess.run(
        [sys.executable, "-c", spoiled, str(DEMO), str(DEMO.parent)],
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        encoding="utf-8",
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "DIFFERS" in done.stdout
    assert "offset: 13, not 12" in done.stdout
