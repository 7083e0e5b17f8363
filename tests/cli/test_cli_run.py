"""``wsfast run`` and ``WSFAST_ACCELERATE``: programs as under python, libraries on wsfast.

Invariant: what is expected of ``wsfast run`` is what python itself does with the same
arguments, compared in one test.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytest.importorskip("click")

import wsfast

RUN = ("-m", "wsfast", "run")
PROBE = """
import atexit, builtins, json, sys, threading
main = sys.modules["__main__"]
later = []
def live_on():
    threading.main_thread().join()
    later.append(sys.modules["__main__"] is main)
    later.append(main.VALUE)
    print(json.dumps(later))
VALUE = "seen by threads"
threading.Thread(target=live_on).start()
atexit.register(print, "at exit")
spec = main.__spec__
print(json.dumps({
    "argv": sys.argv,
    "orig_argv": sys.orig_argv[sys.orig_argv.index(sys.executable) + 1:]
        if sys.executable in sys.orig_argv else sys.orig_argv[1:],
    "path": sys.path,
    "file": getattr(main, "__file__", None),
    "cached": getattr(main, "__cached__", None),
    "name": __name__,
    "doc": __doc__,
    "package": main.__package__,
    "spec": spec and [spec.name, spec.origin, spec.parent],
    "loader": type(main.__loader__).__name__,
    "builtins": main.__builtins__ is builtins,
    "globals": sorted(vars(main)),
    "is main": sys.modules["__main__"].__dict__ is globals(),
    "excepthook": sys.excepthook is sys.__excepthook__,
    "flags": list(sys.flags),
    "click": "click" in sys.modules,
    "cli": "wsfast.cli" in sys.modules,
    "runpy": "runpy" in sys.modules,
}))
"""
OURS = "wsfast.adapters._uvicorn_auto"


def python(
    *arguments: str, cwd: Path, stdin: str = "", **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        input=stdin,
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **environment},
        timeout=60,
        check=False,
    )


def both(
    *arguments: str, cwd: Path, stdin: str = "", **environment: str
) -> tuple[tuple[int, str, str], tuple[int, str, str]]:
    """Return what python gives, and what ``wsfast run`` does."""
    found = [python(*how, *arguments, cwd=cwd, stdin=stdin, **environment) for how in ((), RUN)]
    first, second = ((done.returncode, done.stdout, done.stderr) for done in found)
    return first, second


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A directory with the probe in all the forms that python runs."""
    (tmp_path / "probe.py").write_text(f'"""A docstring."""{PROBE}')
    (tmp_path / "probe.txt").write_text(PROBE)
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "probe2.py").write_text(PROBE)
    (tmp_path / "sub" / "__main__.py").write_text(PROBE)
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "__init__.py").write_text("")
    (tmp_path / "package" / "__main__.py").write_text(PROBE)
    (tmp_path / "package" / "inner.py").write_text(PROBE)
    with zipfile.ZipFile(tmp_path / "probe.pyz", "w") as archive:
        archive.writestr("__main__.py", PROBE)
    return tmp_path


FORMS = [
    ("probe.py", "--port", "-x", "3"),
    ("./probe.py",),
    ("sub/probe2.py", "-m", "x"),
    ("probe.txt",),
    ("sub",),
    ("probe.pyz", "a b"),
    ("-m", "probe", "--help"),
    ("-m", "package", "-v"),
    ("-m", "package.inner"),
    ("-m", "sub"),
    ("-c", PROBE, "-c", "--accelerate"),
    ("-", "one"),
    ("-P", "sub/probe2.py"),
    ("-OO", "-u", "probe.py"),
    ("-Xdev", "-W", "error", "probe.py", "h"),
    ("-um", "probe"),
]


@pytest.mark.parametrize("arguments", FORMS, ids=lambda a: " ".join(a)[:30].strip())
def test_a_program_sees_what_it_sees_under_python(
    programs: Path, arguments: tuple[str, ...]
) -> None:
    stdin = PROBE if arguments[0] == "-" else ""
    ours, theirs = both(*arguments, cwd=programs, stdin=stdin)
    assert json.loads(theirs[1].splitlines()[0])["argv"]
    assert ours == theirs
    assert theirs[1].splitlines()[1:] == ['[true, "seen by threads"]', "at exit"]


ENDS = {
    "exit code": "import sys; sys.exit(7)",
    "exit None": "import sys; sys.exit()",
    "exit text": "import sys; sys.exit('no such thing')",
    "exit tuple": "raise SystemExit(1, 2)",
    "os exit": "import os; os._exit(9)",
    "exception": "def f():\n    raise ValueError('of its own')\nf()",
    "base exception": "class Stop(BaseException): pass\nraise Stop('here')",
    "interrupt": "raise KeyboardInterrupt",
    "generator exit": "raise GeneratorExit('x')",
    "group": "raise BaseExceptionGroup('g', [ValueError(1), KeyboardInterrupt()])",
    "cause": "try:\n    1 / 0\nexcept ZeroDivisionError as e:\n    raise OSError(2, 'no') from e",
    "excepthook": "import sys\nsys.excepthook = lambda *e: print('hook', *e[:2])\nraise OSError(3)",
    "broken hook": "import sys\nsys.excepthook = lambda *e: 1 / 0\nraise ValueError(3)",
    "thread": "import threading\nt = threading.Thread(target=lambda: 1 / 0, name='t')\nt.start()",
    "syntax": "def f(:\n",
    "import": "import no_such_module",
    "warning": "import warnings\nwarnings.warn('careful')",
    "signal": "import os, signal\nos.kill(os.getpid(), signal.SIGTERM)",
}


@pytest.mark.parametrize("how", ENDS)
def test_a_program_ends_as_under_python(tmp_path: Path, how: str) -> None:
    (tmp_path / "program.py").write_text(ENDS[how])
    ours, theirs = both("program.py", cwd=tmp_path)
    assert ours == theirs


@pytest.mark.parametrize(
    "arguments",
    [
        ("nothing.py",),
        ("-m", "no_such_module"),
        ("-m", "no_such.module"),
        (".",),
        ("-m",),
        ("-c",),
        ("--no-such-option", "x.py"),
        ("-V",),
    ],
    ids=" ".join,
)
def test_what_python_refuses_it_refuses_itself(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    ours, theirs = both(*arguments, cwd=tmp_path)
    assert ours == theirs


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--accelerate", "nobody", "x.py"), "wsfast can't accelerate 'nobody'"),
        (("--accelerate", ",", "x.py"), "needs 'all' or names of libraries"),
        ((), "Missing argument 'PROGRAM'"),
        (("json.tool", "x"), "no such file: json.tool; try: wsfast run -m json.tool x"),
        (("-u", "this", "a b"), "no such file: this; try: wsfast run -m this 'a b'"),
    ],
    ids=["name", "no names", "nothing", "module", "module after options"],
)
def test_a_wrong_call(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    result = python(*RUN, *arguments, cwd=tmp_path)
    assert result.returncode == 2
    assert said in result.stderr


def test_a_script_of_the_path_is_suggested_with_where_it_is(tmp_path: Path) -> None:
    script = tmp_path / "bin" / "serve-it"
    script.parent.mkdir()
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    path = os.pathsep.join([str(script.parent), os.environ["PATH"]])
    result = python(*RUN, "serve-it", "app:app", cwd=tmp_path, PATH=path)
    assert result.returncode == 2
    assert f"try: wsfast run {script} app:app" in result.stderr


SEEN = """
import json, multiprocessing, subprocess, sys
import wsfast.adapters
def state(*_):
    return sorted({row.peer for row in wsfast.adapters.status() if row.runs != "peer"})
if __name__ == "__main__":
    code = "import program, json; print(json.dumps(program.state()))"
    started = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        spawned = pool.map(state, [0])[0]
    print(json.dumps([state(), json.loads(started.stdout), spawned]))
"""


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ((), None),
        (("--accelerate", "wsproto, tornado"), ["tornado", "wsproto"]),
        (("--accelerate", "wsproto"), ["wsproto"]),
    ],
    ids=["all", "two", "one"],
)
def test_processes_that_it_starts_are_accelerated_too(
    tmp_path: Path, how: tuple[str, ...], expected: list[str] | None
) -> None:
    for needed in ("tornado", "wsproto"):
        pytest.importorskip(needed)
    (tmp_path / "program.py").write_text(SEEN)
    result = python(*RUN, *how, "program.py", cwd=tmp_path)
    assert result.stderr == ""
    itself, started, spawned = json.loads(result.stdout)
    assert itself == started == spawned
    assert itself == expected if expected else {"tornado", "wsproto"} <= set(itself)


def test_a_sitecustomize_of_the_users_runs_too(tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "sitecustomize.py").write_text("import sys\nsys.customized = __file__\n")
    (tmp_path / "program.py").write_text(
        "import json, sys, sitecustomize\nprint(json.dumps([sys.customized, sitecustomize.__file__,"
        " sys.path]))"
    )
    path = os.pathsep.join([str(tmp_path / "lib"), *sys.path])
    ours, theirs = both("program.py", cwd=tmp_path, PYTHONPATH=path)
    assert ours == theirs


def test_an_interpreter_that_looks_at_nothing_is_refused(tmp_path: Path) -> None:
    root = str(Path(wsfast.__file__ or "").parent.parent)
    code = (
        f"import sys; sys.path[:0] = {sys.path!r}; sys.path.insert(0, {root!r});"
        "from wsfast.cli import run as r; sys.exit(r(['run', 'x.py']))"
    )
    result = python("-I", "-c", code, cwd=tmp_path)
    assert result.returncode == 2
    if pth_is_installed():
        assert "can't open file" in result.stderr
    else:
        assert "nothing would be accelerated under -I" in result.stderr


def pth_is_installed() -> bool:
    import site

    return any(Path(d, "wsfast-accelerate.pth").exists() for d in site.getsitepackages())


def test_an_installation_with_the_pth_file_needs_no_more(tmp_path: Path) -> None:
    """In an environment of its own, which finds everything where the tests do."""
    made = tmp_path / "env"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", made], check=True)
    (directory,) = made.glob("lib/*/site-packages")
    root = Path(wsfast.__file__ or "").parent.parent
    paths = [str(root), *(p for p in sys.path if p.endswith("-packages"))]
    (directory / "a-paths.pth").write_text("\n".join(paths))
    (directory / "wsfast-accelerate.pth").write_text(pth_line())
    (tmp_path / "program.py").write_text(
        "import json, os, wsfast.adapters\nprint(json.dumps([os.environ.get('PYTHONPATH'), sorted("
        "{row.peer for row in wsfast.adapters.status() if row.runs != 'peer'})]))"
    )
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    for flags in ((), ("-I",)):
        result = subprocess.run(
            [made / "bin" / "python", *flags, *RUN, "--accelerate", "wsproto", "program.py"],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env=environment,
            check=True,
        )
        assert json.loads(result.stdout) == [None, ["wsproto"]], flags


def pth_line() -> str:
    """Return the line of the file that is installed beside the package."""
    path = Path(wsfast.__file__ or "").parent.parent / "wsfast-accelerate.pth"
    if not path.exists():
        pytest.skip("installed without the .pth file")
    return path.read_text()


ACCELERATED = (
    "import wsfast.adapters; "
    "print(*sorted({r.peer for r in wsfast.adapters.status() if r.runs != 'peer'}))"
)


@pytest.mark.parametrize(
    ("value", "expected", "said"),
    [
        ("wsproto", "wsproto", ""),
        ("wsproto,tornado", "tornado wsproto", ""),
        ("", "", ""),
        ("nobody", "", "WSFAST_ACCELERATE=nobody: wsfast can't accelerate 'nobody'"),
        ("wsproto,nobody", "", "WSFAST_ACCELERATE=wsproto,nobody: wsfast can't accelerate"),
    ],
)
def test_the_variable_counts_at_the_start(
    tmp_path: Path, value: str, expected: str, said: str
) -> None:
    for needed in ("tornado", "wsproto"):
        pytest.importorskip(needed)
    result = started(tmp_path, ACCELERATED, WSFAST_ACCELERATE=value)
    assert result.stdout.strip() == expected
    assert result.stderr.startswith(said)
    assert result.stderr.count("\n") == (1 if said else 0)


@pytest.mark.parametrize(
    ("name", "value"),
    [("WSFAST_BACKEND", "fast"), ("WSFAST_KERNEL", "sse9"), ("WSFAST_ACCELERATE", "nobody")],
)
def test_a_bad_variable_is_one_line_and_the_interpreter_starts(
    tmp_path: Path, name: str, value: str
) -> None:
    if name == "WSFAST_KERNEL" and wsfast.backend().name != "native":
        pytest.skip("no kernels")
    result = started(tmp_path, "print('runs')", **{"WSFAST_ACCELERATE": "all", name: value})
    assert (result.returncode, result.stdout) == (0, "runs\n")
    assert result.stderr.count("\n") == 1
    assert name in result.stderr
    assert value in result.stderr


@pytest.mark.parametrize(("name", "value"), [("WSFAST_BACKEND", "fast"), ("WSFAST_KERNEL", "sse9")])
@pytest.mark.parametrize("arguments", [("doctor",), ("run", "program.py")])
def test_the_command_says_a_bad_variable_on_one_line(
    tmp_path: Path, name: str, value: str, arguments: tuple[str, ...]
) -> None:
    if name == "WSFAST_KERNEL" and wsfast.backend().name != "native":
        pytest.skip("no kernels")
    script = tmp_path / "bin" / "wsfast"  # as pip writes it
    script.parent.mkdir()
    script.write_text("import sys\nfrom wsfast.__main__ import main\nsys.exit(main())\n")
    for how in (("-m", "wsfast"), (str(script),)):
        result = python(*how, *arguments, cwd=tmp_path, **{name: value})
        assert (result.returncode, result.stdout) == (2, "")
        assert result.stderr.startswith(f"wsfast: {name}")
        assert result.stderr.count("\n") == 1
        assert value in result.stderr


def started(tmp_path: Path, code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run code in an interpreter that processes our ``.pth`` file: twice, as a venv's does."""
    site = tmp_path / "site"
    site.mkdir()
    (site / "wsfast-accelerate.pth").write_text(pth_line())
    twice = f"site.addsitedir({str(site)!r}); " * 2
    code = f"import site; {twice}{code}"
    return python("-c", code, cwd=tmp_path, **environment)
