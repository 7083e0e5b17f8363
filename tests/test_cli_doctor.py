"""``wsfast doctor``: what it says of the codec and of peers is what runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("click")
pytest.importorskip("wsproto")
from click.testing import CliRunner

import wsfast
from wsfast.cli import command

SEAM = "wsproto.frame_protocol.FrameDecoder"


def examined(**environment: str) -> tuple[int, Any]:
    code = (
        "import sys, wsfast.adapters._startup; from wsfast.__main__ import main; "
        "sys.argv = ['wsfast', 'doctor', '--json']; main()"
    )
    result = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **environment},
        timeout=60,
    )
    assert result.stderr == ""
    return result.returncode, json.loads(result.stdout)


def of(found: Any, seam: str) -> Any:
    return next(row for row in found["peers"] if row["seam"] == seam)


def test_stock_peers_are_slow() -> None:
    status, found = examined()
    assert status == 1
    assert found["slow"]
    assert of(found, SEAM)["runs"] == "Python"
    assert of(found, SEAM)["slow"]
    assert "WSFAST_ACCELERATE=wsproto" in of(found, SEAM)["note"]


def test_accelerated_peers_are_not() -> None:
    status, found = examined(WSFAST_ACCELERATE="all")
    assert of(found, SEAM)["runs"] == "wsfast"
    assert not any(row["slow"] for row in found["peers"])
    assert status == (1 if found["remedy"] else 0)


def test_a_kernel_that_is_not_the_best_is_said() -> None:
    if wsfast.backend().kernel in ("", "scalar"):
        pytest.skip("there is none better")
    status, found = examined(WSFAST_ACCELERATE="all", WSFAST_KERNEL="scalar")
    assert status == 1
    assert found["remedy"].startswith("WSFAST_KERNEL forces scalar; this CPU runs ")


def test_the_codec_in_python_is_said() -> None:
    status, found = examined(WSFAST_ACCELERATE="all", WSFAST_BACKEND="pure")
    assert status == 1
    assert found["remedy"].startswith("WSFAST_BACKEND=pure: ")


def test_a_peer_that_is_broken_is_named_with_its_error(tmp_path: Path) -> None:
    broken = tmp_path / "wsproto.py"
    broken.write_text("raise AttributeError('ssl has no wrap_socket')\n")
    path = os.pathsep.join([str(tmp_path), *sys.path])
    _, found = examined(PYTHONPATH=path)
    assert of(found, SEAM)["runs"] == "not there: ssl has no wrap_socket"
    assert not of(found, SEAM)["slow"]


def test_it_switches_nothing_on_and_writes_plainly() -> None:
    import wsproto.frame_protocol

    before = wsproto.frame_protocol.FrameDecoder
    result = CliRunner().invoke(command, ["doctor"])
    assert wsproto.frame_protocol.FrameDecoder is before
    assert result.exit_code == 1
    assert f"  {SEAM}  Python  wsfast.accelerate('wsproto')" in result.output
    assert "could run on wsfast and do not." in result.output
    assert "\x1b" not in result.output
