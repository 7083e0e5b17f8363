"""Every check by name: `nox -l` lists them, `nox -s lint` runs one, `nox -s fuzz -- --seconds 60`.

Most sessions share `.venv`, which `make` builds, so that the extension is compiled once; those
that need another environment make their own.  A session installs Python packages only: system
packages come from `.ci/system-packages`, and what is missing is said when a session is skipped.
"""

from __future__ import annotations

import os
import platform
import runpy
import shlex
import shutil
from pathlib import Path

import nox

nox.needs_version = ">=2024.4.15"
nox.options.default_venv_backend = "none"
nox.options.sessions = ["lint", "test"]

ROOT = Path(__file__).parent
BIN = ROOT / ".venv" / "bin"
PYTHON = os.environ.get("PYTHON", "python3")
MACHINES = ["aarch64", "s390x"]
KERNELS = sorted((ROOT / "src" / "wsfast" / "_kernels").glob("*.c"))
PYTEST = ("-m", "pytest", "-q", "-p", "no:cacheprovider")
PARALLEL = ("-n", "auto", "--dist", "worksteal")
# A model of CPU, and the kernel that it must get.
EMULATED = runpy.run_path(str(ROOT / "tests" / "kernels" / "expected_kernels.py"))["EMULATED"]
CPUS = {cpu: kernel for emulator, cpu, _, kernel in EMULATED if "x86_64" in emulator}
# Versions that choose the protocol of `--ws auto` differently from the newest.
OLD_UVICORNS = ["0.27.1", "0.34.3"]

# pytest without NumPy, which may be installed, and is compiled for newer CPUs than some of these.
WITHOUT_NUMPY = """
import sys

import pytest


class NoNumpy:
    @staticmethod
    def find_spec(name, *_):
        if name == "numpy":
            raise ModuleNotFoundError(name)


sys.meta_path.insert(0, NoNumpy)
sys.exit(pytest.main())
"""


def shared(session: nox.Session, *extras: str, packages: tuple[str, ...] = ()) -> None:
    """Make `.venv` ready, with these extras and packages."""
    targets = [f".venv/.with-{extra}" for extra in extras] or [".venv/.built"]
    session.run("make", *targets, f"PYTHON={PYTHON}", external=True)
    if packages:
        pip = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check")
        python(session, *pip, *packages)


def python(session: nox.Session, *arguments: str) -> None:
    """Run the Python of `.venv`."""
    session.run(str(BIN / "python"), *arguments, external=True)


def needs(session: nox.Session, *programs: str) -> None:
    """Skip a session that misses a program; no session installs one.

    In a workflow (``CI=true``) it fails, because there a skipped session would look like one that
    passed.
    """
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        end = session.error if os.environ.get("CI") == "true" else session.skip
        end(f"not on this machine: {', '.join(missing)} (see .ci/system-packages)")


def over(session: nox.Session, program: str, *patterns: str) -> None:
    """Run a program over the repository's files that match, without listing them in the log."""
    listed = shlex.join(["git", "ls-files", "-z", "--", *patterns])
    session.run("sh", "-c", f"{listed} | xargs -0 {program}", external=True)


# What a change needs first.


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, spelling, types and imports: ruff, clang-format, codespell, mypy, and so on."""
    shared(session, "dev")
    python(session, "-m", "ruff", "check", ".")
    python(session, "-m", "ruff", "format", "--check", ".")
    session.env["PATH"] = os.pathsep.join([str(BIN), os.environ["PATH"]])
    over(session, "clang-format --dry-run --Werror", "*.c", "*.h", "*.cpp")
    over(session, "codespell")
    over(session, "python tools/prose.py")
    over(session, "cython-lint", "*.pyx", "*.pxd", "*.pxi")
    session.run(str(BIN / "lint-imports"), "--no-cache", external=True)
    python(session, "-m", "mypy")
    python(session, "-m", "mypy", "--strict", "tests/typing_example.py")
    stubtest = ("wsfast", "--mypy-config-file", "pyproject.toml", "--ignore-missing-stub")
    allowed = ("--allowlist", ".ci/stubtest-allowlist", "--ignore-unused-allowlist")
    python(session, "-m", "mypy.stubtest", *stubtest, *allowed)


@nox.session
def test(session: nox.Session) -> None:
    """Run the tests, on both codecs and every kernel that this CPU runs."""
    shared(session)
    python(session, *PYTEST, *PARALLEL, *session.posargs)


@nox.session
def demo(session: nox.Session) -> None:
    """Run the demo: a real client's traffic."""
    shared(session)
    python(session, "examples/demo.py")


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation; a link or an anchor that leads nowhere fails."""
    shared(session, "docs")
    site = ("--site-dir", "build/site")
    session.env["NO_MKDOCS_2_WARNING"] = "1"
    python(session, "-m", "mkdocs", "build", "--quiet", "--strict", *site)


@nox.session
def coverage(session: nox.Session) -> None:
    """List lines and branches that no test reaches: `-- pure`, `native` or `kernels`."""
    shared(session, packages=("coverage",))
    python(session, "tools/covered.py", *session.posargs)


@nox.session
def cuts(session: nox.Session) -> None:
    """Judge 100,000 damaged streams of permessage-deflate, each cut in many ways: an hour."""
    shared(session, packages=("isal", "zlib-ng"))
    session.env["PYTHONPATH"] = "tests"
    python(session, "tests/deflate/deflate_cuts.py", *(session.posargs or ("100000",)))


@nox.session
def diagnosis(session: nox.Session) -> None:
    """Measure how often the diagnosis is right, and compare with docs/diagnosis.md."""
    shared(session)
    arguments = session.posargs or ("--check",)
    python(session, "tests/diagnosis/diagnosis_short.py", *arguments)
    python(session, "tests/diagnosis/diagnosis_accuracy.py", *arguments)


# Other libraries.


@nox.session
def adapters(session: nox.Session) -> None:
    """Test every library that can be accelerated, stock and accelerated."""
    shared(session, "peers")
    session.env["WSFAST_REQUIRE_LIBRARIES"] = "1"
    chosen = session.posargs or ("tests/adapters", "tests/cli/test_cli_doctor.py")
    python(session, *PYTEST, *PARALLEL, *chosen)


@nox.session
def flips(session: nox.Session) -> None:
    """Switch each library ten thousand times under live traffic: three quarters of an hour."""
    shared(session, "peers")
    session.env["PYTHONPATH"] = "tests"
    python(session, "tests/adapters/flips.py", *session.posargs)


@nox.session
def guides(session: nox.Session) -> None:
    """Type what the guides say, with each server and logging library that they name."""
    shared(session, "guides")
    session.env["WSFAST_REQUIRE_LIBRARIES"] = "1"
    python(session, *PYTEST, "tests/docs/test_guides.py", "tests/docs/test_short_examples.py")


@nox.session
def suites(session: nox.Session) -> None:
    """Run the libraries' own test suites, stock and accelerated."""
    shared(session, "peers", packages=("httptools", "httpx2"))
    python(session, "tools/peer_suites.py", "--install", *session.posargs)
    python(session, "tools/uvicorn_suite.py")


@nox.session
def versions(session: nox.Session) -> None:
    """Run every version of every library that the adapters say they know: an hour."""
    shared(session, "peers")
    python(session, "tests/adapters/versions.py", *session.posargs)


@nox.session
@nox.parametrize("uvicorn", OLD_UVICORNS, ids=OLD_UVICORNS)
def old_uvicorn(session: nox.Session, uvicorn: str) -> None:
    """Test `--ws auto` with versions of uvicorn that chose its protocol otherwise."""
    shared(session, "peers")
    directory = str(ROOT / "build" / "versions" / f"uvicorn-{uvicorn}-auto")
    pip = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--upgrade")
    python(session, *pip, "--no-deps", "--target", directory, f"uvicorn=={uvicorn}")
    session.env["PYTHONPATH"] = directory
    python(session, *PYTEST, "tests/adapters/test_uvicorn_auto.py")


@nox.session
def pure_adapters(session: nox.Session) -> None:
    """See what accelerate() does without the compiled part: 1007 goes out, nothing is slower."""
    shared(session, "peers", packages=("pytest-benchmark",))
    session.env["WSFAST_BACKEND"] = "pure"
    python(session, *PYTEST, "tests/adapters/test_loopback.py", "-k", "test_the_remote_sees_1007")
    python(session, "bench/bench_adapters.py", *session.posargs)


@nox.session
def frozen(session: nox.Session) -> None:
    """Freeze a program that accelerates libraries with PyInstaller, and run it."""
    shared(session, packages=("pyinstaller", "uvicorn", "isal", "zlib-ng"))
    python(session, "tools/frozen.py")


@nox.session
def autobahn(session: nox.Session) -> None:
    """Let the Autobahn TestSuite judge wsfast and uvicorn; `-- all` takes half an hour."""
    shared(session, "peers", packages=("httptools",))
    python(session, "tests/conformance/run.py", *session.posargs)
    python(session, "tests/conformance/run_uvicorn.py", *session.posargs)


@nox.session
def browser(session: nox.Session) -> None:
    """Ask a browser what it makes of 1001 and 1007."""
    needs(session, "chromium")
    shared(session)
    python(session, *PYTEST, "tests/wire/test_browser.py")


@nox.session
def wire(session: nox.Session) -> None:
    """Exchange 100,000 messages with other libraries, and with Node."""
    needs(session, "node")
    shared(session)
    session.env |= {"WSFAST_WIRE_MESSAGES": "3200", "WSFAST_REQUIRE_NODE": "1"}
    python(session, *PYTEST, "tests/wire")


# The compiled part.


@nox.session
def warnings(session: nox.Session) -> None:
    """Compile the kernels with gcc and clang: a warning is an error."""
    compilers = [name for name in ("gcc", "clang") if shutil.which(name)]
    if not compilers:
        needs(session, "gcc", "clang")
    options = ("-std=c99", "-O3", "-Wall", "-Wextra", "-Wconversion", "-Werror", "-c")
    session.chdir(session.create_tmp())
    for compiler in compilers:
        session.run(compiler, *options, *map(str, KERNELS), external=True)


@nox.session
def sanitize(session: nox.Session) -> None:
    """Run the tests under ASan and UBSan; `-- --codecs=native` leaves out what is not compiled."""
    needs(session, os.environ.get("CC", "gcc"))
    session.run(".ci/sanitize", PYTHON, *session.posargs, external=True)


@nox.session
def fuzz(session: nox.Session) -> None:
    """Fuzz the kernels and the twins; `-- --seconds 600` for each target."""
    needs(session, "clang")
    shared(session)
    # There is no Atheris for some Pythons; run.py says which targets it could not run.
    pip = ("pip", "install", "--quiet", "--only-binary", ":all:", "atheris")
    session.run(str(BIN / "python"), "-m", *pip, external=True, success_codes=[0, 1])
    python(session, "tests/fuzz/run.py", *(session.posargs or ("--seconds", "6", "--jobs", "2")))


@nox.session
def kernels(session: nox.Session) -> None:
    """Run the kernels of other machines, emulated."""
    needs(session, "qemu-aarch64-static", "qemu-s390x-static", "aarch64-linux-gnu-gcc")
    shared(session)
    python(session, *PYTEST, *PARALLEL, "tests/kernels", "-k", "emulated")


@nox.session
@nox.parametrize("cpu", list(CPUS), ids=list(CPUS))
def cpus(session: nox.Session, cpu: str) -> None:
    """See that an x86-64 CPU gets its kernel and no other, and test that kernel there."""
    if platform.machine() != "x86_64":
        session.skip("the Python here is not for x86-64")
    needs(session, "qemu-x86_64-static")
    shared(session)
    emulated = ("qemu-x86_64-static", "-cpu", cpu, str(BIN / "python"))
    kernel = "import sys, wsfast; sys.exit(wsfast.backend().kernel != sys.argv[1])"
    session.run(*emulated, "-c", kernel, CPUS[cpu], external=True)
    refused = session.run(
        *(*emulated, "-c", "import wsfast"),
        env={"WSFAST_KERNEL": "avx512"},
        external=True,
        silent=True,
        success_codes=[1],
    )
    if "that kernel does not run on this CPU" not in str(refused):
        session.error(f"WSFAST_KERNEL=avx512 on a {cpu}: {refused}")
    chosen = ("--codecs=native", "tests/codec", "-m", "kernels")
    session.run(*emulated, "-c", WITHOUT_NUMPY, *PYTEST[2:], *chosen, external=True)


@nox.session
@nox.parametrize("machine", MACHINES, ids=MACHINES)
def emulated(session: nox.Session, machine: str) -> None:
    """Test the codec in a Python for another machine: needs root, for debootstrap."""
    needs(session, "debootstrap", f"qemu-{machine}-static", f"{machine}-linux-gnu-gcc")
    session.run(".ci/emulated", machine, *session.posargs, external=True)


@nox.session
def cross(session: nox.Session) -> None:
    """Compile the kernels for other systems."""
    session.run(".ci/cross", PYTHON, external=True)


@nox.session
def instructions(session: nox.Session) -> None:
    """Compare the instructions of the kernels with the record."""
    needs(session, "valgrind")
    session.run(PYTHON, "bench/instructions.py", *session.posargs, external=True)


@nox.session
def ratios(session: nox.Session) -> None:
    """Compare times within one run, with libraries; `-- HEAD^`: with a commit's kernels too."""
    shared(session, "bench")
    python(session, "bench/ratios.py", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """Run the benchmarks beside other libraries and record the run, or `-- --show` the newest."""
    shared(session, "bench")
    python(session, "bench/run.py", *session.posargs)


@nox.session
def chart(session: nox.Session) -> None:
    """Time wsfast alone, into build/benchmark.json, for a chart over time."""
    shared(session, "bench")
    (ROOT / "build").mkdir(exist_ok=True)
    files = sorted(map(str, (ROOT / "bench").glob("bench_*.py")))
    chosen = ("--benchmark-json=build/benchmark.json", "-k", "wsfast and 1KiB")
    python(session, *PYTEST, *files, *chosen)


# What a release has.


@nox.session(venv_backend="venv", reuse_venv=True)
def packaging(session: nox.Session) -> None:
    """Check what a release would have, and the workflows: cibuildwheel, zizmor."""
    session.install("build", "cibuildwheel==4.3.5", "zizmor")
    session.run("python", "tools/complete.py", "--identifiers")
    session.run("zizmor", "--offline", "--quiet", ".github")


@nox.session(venv_backend="venv", reuse_venv=True)
def wheels(session: nox.Session) -> None:
    """Build, repair and test the wheels for one platform, into wheelhouse/."""
    session.install("cibuildwheel==4.3.5")
    session.run("python", "-m", "cibuildwheel", "--output-dir", "wheelhouse", *session.posargs)


@nox.session(venv_backend="venv", reuse_venv=True)
def sdist(session: nox.Session) -> None:
    """Build the source distribution, and the wheel without a compiled part, into wheelhouse/."""
    session.install("build")
    session.run("python", "-m", "build", "--sdist", "--outdir", "wheelhouse")
    session.env["WSFAST_PURE"] = "1"
    session.run("python", "-m", "build", "--wheel", "--outdir", "wheelhouse")


@nox.session(venv_backend="venv", reuse_venv=True)
def complete(session: nox.Session) -> None:
    """Check that dist/ has each wheel of a release, and that the package index would take them."""
    session.install("twine")
    files = sorted(str(path) for path in (ROOT / "dist").iterdir())
    session.run("twine", "check", "--strict", *files)
    session.run("python", "tools/complete.py", "dist")


@nox.session(venv_backend="venv", reuse_venv=True)
def sbom(session: nox.Session) -> None:
    """Write what an installation of dist/ consists of: build/wsfast.cdx.json, in CycloneDX."""
    session.install("cyclonedx-bom")
    installed = session.create_tmp()
    session.run("python", "-m", "venv", "--clear", installed)
    there = ("--python", f"{installed}/bin/python")
    session.run("python", "-m", "pip", *there, "install", "--no-index", "-f", "dist", "wsfast")
    session.run("python", "-m", "pip", *there, "uninstall", "--yes", "pip", "setuptools")
    (ROOT / "build").mkdir(exist_ok=True)
    environment = (f"{installed}/bin/python", "--pyproject", "pyproject.toml")
    session.run("cyclonedx-py", "environment", *environment, "-o", "build/wsfast.cdx.json")


@nox.session
def wheel(session: nox.Session) -> None:
    """Build the wheel for two Pythons, and test it where there is no compiler."""
    session.run(".ci/wheels", PYTHON, external=True)


@nox.session
def installs(session: nox.Session) -> None:
    """Install wsfast in each way that README.md promises, without a compiler too."""
    session.run(PYTHON, "tools/installs.py", *session.posargs, external=True)


@nox.session(venv_backend="venv")
def pure(session: nox.Session) -> None:
    """Test the wheel without a compiled part."""
    session.install(".[test]", env={"WSFAST_PURE": "1"})
    chosen = ("tests/codec", "tests/connection", "tests/deflate")
    marked = ("-m", "not measures and not exhaustive")
    session.run("python", *PYTEST, *PARALLEL, *chosen, *marked, *session.posargs)
