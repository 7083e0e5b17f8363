"""``wsfast doctor``: what it says about the codec and the libraries is what runs."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import site
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("click")
pytest.importorskip("wsproto")
from click.testing import CliRunner

import wsfast
from wsfast.adapters import _seams
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


def healthy(found: Any) -> bool:
    """Tell whether wsfast itself runs as fast as it can, so that only libraries count."""
    return not found["remedy"]


def test_stock_peers_are_slow_which_is_no_problem() -> None:
    status, found = examined()
    assert status == (0 if healthy(found) else 1)
    assert found["slow"]
    assert not any(row["asked"] for row in found["peers"])
    assert of(found, SEAM)["runs"] == "Python"
    assert of(found, SEAM)["slow"]
    assert "WSFAST_ACCELERATE=wsproto" in of(found, SEAM)["note"]


def test_accelerated_peers_are_not() -> None:
    status, found = examined(WSFAST_ACCELERATE="all")
    assert of(found, SEAM)["runs"] == "wsfast"
    assert not any(row["slow"] for row in found["peers"])
    assert all(row["asked"] for row in found["peers"])
    assert status == (0 if healthy(found) and not found["refused"] else 1)


def test_libraries_that_were_not_asked_for_do_not_count() -> None:
    status, found = examined(WSFAST_ACCELERATE="wsproto")
    assert {row["peer"] for row in found["peers"] if row["asked"]} == {"wsproto"}
    assert any(row["slow"] for row in found["peers"]) or len(installed(found)) == 1
    assert status == (0 if healthy(found) else 1)


def installed(found: Any) -> set[str]:
    return {row["peer"] for row in found["peers"]}


def test_a_value_that_is_no_library() -> None:
    status, text = told(WSFAST_ACCELERATE="wsprot", said="wsfast can't accelerate 'wsprot'")
    assert status == 1
    assert "WSFAST_ACCELERATE=wsprot has no effect: wsfast can't accelerate 'wsprot'; did" in text


def test_a_library_that_still_runs_its_own_code(tmp_path: Path) -> None:
    """As when something gives a library its own code back."""
    (tmp_path / "sitecustomize.py").write_text(
        "import wsfast.adapters._startup, wsfast; wsfast.restore('wsproto')\n"
    )
    path = os.pathsep.join([str(tmp_path), *sys.path])
    status, found = examined(PYTHONPATH=path, WSFAST_ACCELERATE="wsproto")
    assert status == 1
    if found["backend"]["name"] == "native":
        (line,) = (line for line in found["problems"] if "runs its own code" in line)
        assert SEAM in line


def test_what_code_accelerated_that_ran_before_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import wsfast; wsfast.accelerate('wsproto')\n")
    info = tmp_path / "wsproto-99.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: wsproto\nVersion: 99\n")
    status, found = examined(PYTHONPATH=os.pathsep.join([str(tmp_path), *sys.path]))
    assert status == 1
    assert any(line.startswith("wsproto is left unchanged: ") for line in found["problems"])


def test_a_kernel_that_is_not_the_best_is_said() -> None:
    if wsfast.backend().kernel in ("", "scalar"):
        pytest.skip("there is none better")
    status, found = examined(WSFAST_ACCELERATE="all", WSFAST_KERNEL="scalar")
    assert status == 1
    assert found["remedy"].startswith("WSFAST_KERNEL forces scalar; this CPU runs ")
    assert not [row for row in found["peers"] if "vector" in row["note"]]  # it has none


def test_the_codec_in_python_is_said() -> None:
    status, found = examined(WSFAST_ACCELERATE="all", WSFAST_BACKEND="pure")
    assert status == 1
    assert found["remedy"].startswith("WSFAST_BACKEND=pure: ")


def test_a_peer_that_is_broken_is_named_with_its_error(tmp_path: Path) -> None:
    broken = tmp_path / "wsproto.py"
    broken.write_text("raise AttributeError('ssl has no wrap_socket')\n")
    path = os.pathsep.join([str(tmp_path), *sys.path])
    _, found = examined(PYTHONPATH=path)
    assert of(found, SEAM)["runs"] == "can't be imported: ssl has no wrap_socket"
    assert not of(found, SEAM)["slow"]
    assert found["broken"] == ["wsproto"]
    status, _ = told(path=[str(tmp_path), *sys.path])
    assert status == (0 if healthy(found) else 1)
    status, text = told(path=[str(tmp_path), *sys.path], WSFAST_ACCELERATE="all")
    assert status == 1
    assert "Can't be imported, or is not as expected: wsproto." in text


def test_a_name_that_something_else_has_taken_is_named(tmp_path: Path) -> None:
    """As a tracing library does that is imported after wsfast."""
    (tmp_path / "sitecustomize.py").write_text(
        "import wsfast.adapters._startup\n"
        "from wsproto.connection import Connection\n"
        "Connection.events = lambda connection: iter(())\n"
    )
    taken = "wsproto.connection.Connection.events"  # is replaced by either codec
    path = [str(tmp_path), *sys.path]
    status, found = examined(PYTHONPATH=os.pathsep.join(path), WSFAST_ACCELERATE="wsproto")
    assert found["taken"] == [taken]
    assert "something else" in of(found, taken)["note"]
    assert status == 1
    status, text = told(path=path, WSFAST_ACCELERATE="all")
    assert f"Replaced by other code after wsfast was put there: {taken}." in text


def test_it_switches_nothing_on_and_writes_plainly() -> None:
    import wsproto.frame_protocol

    before = wsproto.frame_protocol.FrameDecoder
    result = CliRunner().invoke(command, ["doctor"])
    assert wsproto.frame_protocol.FrameDecoder is before
    assert result.exit_code == (0 if result.output.endswith("\nAll well.\n") else 1)
    if wsfast.backend().name == "native":
        assert f"  {SEAM}  Python  wsfast.accelerate('wsproto')" in result.output
    assert " can be accelerated: " in result.output
    assert "\x1b" not in result.output


@pytest.mark.parametrize("installed", [False, True])
def test_it_names_a_way_that_works_in_this_installation(
    installed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(site, "getsitepackages", lambda: [str(tmp_path)])
    monkeypatch.setattr(site, "getusersitepackages", lambda: str(tmp_path / "none"))
    monkeypatch.delitem(sys.modules, "wsfast.adapters._startup", raising=False)
    monkeypatch.setenv("WSFAST_ACCELERATE", "all")
    if installed:
        (tmp_path / "wsfast-accelerate.pth").touch()
    output = CliRunner().invoke(command, ["doctor"]).output
    assert ("can be accelerated: WSFAST_ACCELERATE=all python ..." in output) is installed
    assert ("can be accelerated: wsfast run program.py" in output) is not installed
    assert ("WSFAST_ACCELERATE is set, but has no effect: there is no" in output) is not installed


def told(
    *options: str, path: list[str] | None = None, said: str = "", **environment: str
) -> tuple[int, str]:
    """Return the exit status and what is written for people; ``said`` is on standard error."""
    code = "import sys, wsfast.adapters._startup; from wsfast.__main__ import main; main()"
    result = subprocess.run(
        [sys.executable, *options, "-c", code, "doctor"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path or sys.path), **environment},
        timeout=60,
        check=False,
    )
    assert (said in result.stderr) if said else not result.stderr
    # Whatever is found, the two go together.
    assert ("All well." in result.stdout) == (result.returncode == 0)
    assert "can't be imported: No module named" not in result.stdout
    assert "can't be imported: Empty module name" not in result.stdout  # of what is not a name
    return result.returncode, result.stdout


def test_all_is_well_only_where_it_is() -> None:
    status, text = told(WSFAST_ACCELERATE="all")
    fast = wsfast.backend().name == "native"
    if fast and "was not tested" not in text:
        assert status == 0
        assert text.endswith("\nAll well.\n")
    status, text = told()
    assert status == (0 if fast else 1)
    assert " can be accelerated: " in text


def test_the_codec_in_python_by_a_variable() -> None:
    status, text = told(WSFAST_ACCELERATE="all", WSFAST_BACKEND="pure")
    assert status == 1
    assert "WSFAST_BACKEND=pure: unset it" in text
    assert " in C" not in "".join(line for line in text.splitlines() if "  wsfast  " in line)


def test_an_installation_without_the_extension(tmp_path: Path) -> None:
    package = Path(wsfast.__file__ or "").parent
    shutil.copytree(
        package,
        tmp_path / "wsfast",
        ignore=shutil.ignore_patterns("*.so", "*.pyd", "__pycache__", "*.c", "*.h"),
    )
    status, text = told(path=[str(tmp_path), *sys.path], WSFAST_ACCELERATE="all")
    assert status == 1
    assert "the compiled extension is not installed" in text


def test_a_version_that_was_not_tested(tmp_path: Path) -> None:
    info = tmp_path / "wsproto-99.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: wsproto\nVersion: 99\n")
    status, text = told(path=[str(tmp_path), *sys.path], WSFAST_ACCELERATE="all")
    assert status == 1
    assert "wsproto is left unchanged: version 99 was not tested; supported: " in text
    status, text = told(path=[str(tmp_path), *sys.path])
    assert status == (0 if wsfast.backend().name == "native" else 1)
    assert "version 99 was not tested" in text


def test_no_library_at_all(tmp_path: Path) -> None:
    for name in ("click", "rich", "markdown_it", "mdurl", "pygments", "colorama"):
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.origin:
            (tmp_path / name).symlink_to(Path(spec.origin).parent)
    # Not its own folder: libraries may be installed beside it.
    (tmp_path / "wsfast").symlink_to(Path(wsfast.__file__ or "").parent)
    status, text = told("-S", path=[str(tmp_path)], WSFAST_ACCELERATE="all")
    assert "No library that wsfast knows is installed." in text
    assert "not installed: " not in text
    assert status == (0 if wsfast.backend().name == "native" else 1)
    status, text = told("-S", path=[str(tmp_path)], WSFAST_ACCELERATE="wsproto,tornado")
    assert "To be accelerated, but not installed: wsproto, tornado." in text
    assert status == 1


def test_a_part_that_is_not_installed_is_not_mentioned(tmp_path: Path) -> None:
    pytest.importorskip("tornado")
    (tmp_path / "tornado").mkdir()
    (tmp_path / "tornado" / "__init__.py").write_text("version = '6.5'\n")
    _, text = told(path=[str(tmp_path), *sys.path])
    assert "tornado.websocket" not in text


def test_uvicorn_comes_first() -> None:
    pytest.importorskip("uvicorn")
    _, found = examined()
    if found["backend"]["name"] != "native":
        pytest.skip("its protocol needs the compiled codec")
    row = found["peers"][0]
    assert row["seam"] == 'uvicorn.config.WS_PROTOCOLS["auto"]'
    assert row["slow"]
    assert row["note"].startswith("the largest gain")


def test_only_kernels_that_this_cpu_runs_are_listed() -> None:
    _, found = examined()
    if found["backend"]["name"] == "native":
        core = importlib.import_module("wsfast._native.core")
        assert tuple(found["backend"]["kernels"]) == core.kernels_that_run()


def test_what_a_library_keeps_is_a_name_in_its_code() -> None:
    kept = {(name, part) for name in _seams.NAMES for part, _ in _seams._peer(name).left_alone}
    assert kept
    _, found = examined()
    for row in found["peers"]:
        if (row["peer"], row["seam"]) in kept:
            assert row["runs"] in ("compiled", "Python"), row
