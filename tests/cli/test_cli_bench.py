"""``wsfast bench``: what it measures gives right results, and what it writes is consistent."""

from __future__ import annotations

import json
import re
import tomllib
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

pytest.importorskip("click")
from click.testing import CliRunner

from wsfast.cli import _contenders, command

QUICK = ("--seconds", "0.0001")


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(command, ["bench", *arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.exit_code, result.output


@pytest.mark.parametrize("size", [0, 1, 125, 126, 70_000])
@pytest.mark.parametrize("operation", _contenders.OPERATIONS)
def test_a_row_has_a_time_for_wsfast_and_for_each_installed_peer(operation: str, size: int) -> None:
    status, output = run(operation, "--size", str(size), "--script", "cjk", "--json", *QUICK)
    assert status == 0
    (row,) = json.loads(output)["rows"]
    contenders = _contenders.OPERATIONS[operation].contenders
    installed = [peer for peer in contenders if _contenders.made(operation, peer) is not None]
    assert row["bytes"] == size
    assert list(row["ns"]) == installed
    assert all(ns > 0 for ns in row["ns"].values())


def test_a_wrong_result_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    contenders = _contenders.OPERATIONS["mask"].contenders
    monkeypatch.setitem(contenders, "wsproto", lambda: lambda data: (bytes, 7))
    status, output = run("mask", "--size", "7", *QUICK)
    assert status == 1
    assert "wsproto gave a wrong result for mask, 7 bytes" in output


def test_every_contender_has_a_look_and_is_in_the_extra_that_bench_installs() -> None:
    project = Path(__file__).parents[2] / "pyproject.toml"
    extras = tomllib.loads(project.read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    packages = {re.split("[>;]", package)[0] for package in (*extras["bench"], *extras["test"])}
    named = {name for work in _contenders.OPERATIONS.values() for name in work.contenders}
    assert named <= _contenders.LIBRARIES.keys() <= packages | {"wsfast", "cpython"}
    looks = list(_contenders.LIBRARIES.values())
    assert (
        len({look.colour for look in looks}) == len({look.marker for look in looks}) == len(looks)
    )


def test_a_peer_that_is_not_installed_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> _contenders.Call:
        raise ModuleNotFoundError("No module named 'wsaccel'", name="wsaccel.xormask")

    monkeypatch.setitem(_contenders.OPERATIONS["mask"].contenders, "wsaccel", missing)
    status, output = run("mask", "--size", "7", *QUICK)
    assert status == 0
    assert "wsaccel" not in output


def test_a_peer_that_is_broken_is_not_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> _contenders.Call:
        raise ModuleNotFoundError("No module named 'gone'", name="gone")

    monkeypatch.setitem(_contenders.OPERATIONS["mask"].contenders, "wsaccel", broken)
    with pytest.raises(ModuleNotFoundError, match="gone"):
        CliRunner().invoke(command, ["bench", "mask"], catch_exceptions=False)


@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_plot(tmp_path: Path, suffix: str) -> None:
    pytest.importorskip("matplotlib")
    path = tmp_path / f"plot.{suffix}"
    status, output = run("decode", "--plot", str(path), *QUICK)
    assert status == 0
    assert f"{path} drawn" in output
    if suffix == "png":
        assert path.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    else:
        assert ET.parse(path).getroot().tag.endswith("svg")


def test_plot_of_no_bytes_is_empty(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    path = tmp_path / "plot.svg"
    status, _ = run("decode", "--plot", str(path), "--size", "0", "--seconds", "0.001")
    assert status == 0
    assert path.exists()


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs /proc")
def test_plot_that_can_not_be_written_is_named() -> None:
    pytest.importorskip("matplotlib")
    status, output = run("decode", "--plot", "/proc/plot.png", *QUICK)
    assert status == 2
    assert output.endswith("Error: can't write /proc/plot.png: No such file or directory\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--plot", "plot.gif"), "must end in .png or .svg, not 'plot.gif'"),
        (("--plot", "no/where/plot.png"), "there is no directory 'no/where'"),
        (("--seconds", "nan"), "it is not a number"),
        (("--size", "-1"), "-1 is not in the range"),
        (("everything",), "'everything' is not one of"),
    ],
)
def test_a_wrong_call(arguments: tuple[str, ...], said: str) -> None:
    status, output = run(*arguments)
    assert status == 2
    assert said in output


def test_plot_into_a_directory_is_a_wrong_call(tmp_path: Path) -> None:
    (tmp_path / "plot.png").mkdir()
    status, output = run("--plot", str(tmp_path / "plot.png"))
    assert status == 2
    assert "is a directory" in " ".join(output.split())
