"""``wsfast run`` and ``WSFAST_ACCELERATE``: programs as under python, peers on wsfast."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("click")

PROGRAM = """
import json, sys
import wsproto.frame_protocol as protocol
print(json.dumps([sys.argv[1:], sys.path[0], __name__, protocol.FrameDecoder.__module__]))
if "fail" in sys.argv:
    raise ValueError("as the program wants it")
if "interrupt" in sys.argv:
    raise KeyboardInterrupt
sys.exit(7)
"""
OURS = "wsfast.adapters.wsproto"


def run(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **environment},
        timeout=60,
    )


@pytest.fixture
def program(tmp_path: Path) -> Path:
    pytest.importorskip("wsproto")
    path = tmp_path / "program.py"
    path.write_text(PROGRAM)
    return path


@pytest.mark.parametrize(
    ("how", "module"),
    [
        (("program.py",), OURS),
        (("-m", "program"), OURS),
        (("--accelerate", "wsproto, websockets", "program.py"), OURS),
        (("--accelerate", "websockets", "program.py"), "wsproto.frame_protocol"),
    ],
    ids=" ".join,
)
def test_a_program_runs_as_under_python(program: Path, how: tuple[str, ...], module: str) -> None:
    result = run("-m", "wsfast", "run", *how, "--port", "-x", "3", cwd=program.parent)
    assert json.loads(result.stdout) == [
        ["--port", "-x", "3"],
        str(program.parent),
        "__main__",
        module,
    ]
    assert result.stderr == ""
    assert result.returncode == 7


@pytest.mark.parametrize(("how", "status"), [("fail", 1), ("interrupt", 130)])
def test_an_exception_is_shown_as_python_shows_it(program: Path, how: str, status: int) -> None:
    ours = run("-m", "wsfast", "run", str(program), how, cwd=program.parent)
    python = run(str(program), how, cwd=program.parent)
    assert ours.returncode == status
    assert python.returncode in (status, -signal.SIGINT)  # it dies of the signal itself
    assert ours.stderr == python.stderr


def test_a_program_that_is_not_python_is_shown_as_python_shows_it(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text("def f(:\n")
    ours = run("-m", "wsfast", "run", str(program), cwd=tmp_path)
    python = run(str(program), cwd=tmp_path)
    assert (ours.returncode, ours.stderr) == (python.returncode, python.stderr)


def test_a_safe_path_stays_so(program: Path) -> None:
    how = ("-P", "-m", "wsfast", "run", str(program))
    first, python = (
        json.loads(run(*arguments, cwd=program.parent).stdout)[1]
        for arguments in (how, ("-P", str(program)))
    )
    assert first == python


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nothing.py",), "there is no nothing.py"),
        (("-m", "no_such_module"), "No module named no_such_module"),
        (("-m", "no_such.module"), "No module named 'no_such'"),
        ((".",), "can't find '__main__' module in '.'"),
        (("--accelerate", "nobody", "x.py"), "wsfast can't accelerate 'nobody'"),
        (("--accelerate", ",", "x.py"), "'all' or names of peers are needed"),
        ((), "Missing argument 'PROGRAM'"),
    ],
)
def test_a_wrong_call(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    result = run("-m", "wsfast", "run", *arguments, cwd=tmp_path)
    assert result.returncode == 2
    assert said in result.stderr


def pth_line() -> str:
    """Return the line of the file that is installed beside the package."""
    import wsfast

    package = Path(wsfast.__file__ or "").parent
    path = package.parent / "wsfast-accelerate.pth"
    if not path.exists():
        pytest.skip("installed without the .pth file")
    return path.read_text()


@pytest.mark.parametrize(
    ("value", "module", "said"),
    [
        ("all", OURS, ""),
        ("wsproto", OURS, ""),
        ("websockets", "wsproto.frame_protocol", ""),
        ("", "wsproto.frame_protocol", ""),
        ("nobody", "wsproto.frame_protocol", "WSFAST_ACCELERATE=nobody: wsfast can't accelerate"),
    ],
)
def test_the_variable_is_heeded_at_the_start(
    program: Path, tmp_path: Path, value: str, module: str, said: str
) -> None:
    site = tmp_path / "site"
    site.mkdir()
    (site / "wsfast-accelerate.pth").write_text(pth_line())
    code = f"import site; site.addsitedir({str(site)!r}); exec(open('program.py').read())"
    result = run("-c", code, cwd=program.parent, WSFAST_ACCELERATE=value)
    assert json.loads(result.stdout)[3] == module
    assert result.returncode == 7
    assert result.stderr.startswith(said)
    assert result.stderr.count("\n") == (1 if said else 0)
