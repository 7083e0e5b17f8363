"""Install wsfast in the ways that README.md promises, above all without a compiler.

    python tools/installs.py [NAME...]    all, or these

Each case is a build and an installation by pip into an environment of its own, of a copy
of this tree.  The first is done as users do it, with the network; the others take
setuptools and Cython from one environment, to be quick.  Exit status 1 if one is not as
docs/guide/installing.md says.

Invariant: what is installed is judged by a program that runs outside the tree.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
SETTINGS = (
    "WSFAST_PURE",
    "WSFAST_REQUIRE_EXTENSION",
    "WSFAST_WERROR",
    "WSFAST_DEBUG",
    "WSFAST_BACKEND",
)
NOT_BUILT = "0.no_compiled_part-py3-none-any.whl"
REASON = "the compiled extension is not installed: it could not be built: "
# What an installation is good for: the backend, and a message that came in two fragments.
USE = """
import json, wsfast
decoder = wsfast.MessageDecoder("server")
key = wsfast.new_masking_key()
wire = wsfast.encode_frame(1, b"Gr\\xc3", fin=False, masking_key=key)
wire += wsfast.encode_frame(0, b"\\xbc\\xc3\\x9fe", masking_key=key)
info = wsfast.backend()
texts = [event.data for event in decoder.feed(wire)]
print(json.dumps([info.name, info.reason, texts, wsfast.__file__]))
"""
# Compilers that lack one thing each; the real one does the rest, without optimizing: quickly.
WRAPPER = """#!/bin/sh
case " $* " in
{cases}
esac
exec {compiler} "$@" -O0
"""


class Failed(Exception):
    """Raised when an installation is not as it should be."""


class Installed(NamedTuple):
    """What pip said, and what was installed."""

    said: str
    backend: str
    reason: str
    package: Path


class Workshop:
    """A directory with a copy of the tree, an environment to build in, and compilers."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.tree = directory / "tree"
        self.files = self._copy()
        self.builder = self.environment("builder")
        self.run(self.builder, "-m", "pip", "-q", "install", "setuptools>=77", "cython>=3.3,<3.4")

    def _copy(self) -> set[str]:
        """Copy what git knows, or all of an unpacked source distribution; return the names."""
        if (ROOT / ".git").exists():
            git = ["git", "ls-files", "-z"]
            done = subprocess.run(git, cwd=ROOT, check=True, capture_output=True, text=True)
            names = {name for name in done.stdout.split("\0") if name and (ROOT / name).exists()}
        else:
            sources = (ROOT / "src" / "wsfast.egg-info" / "SOURCES.txt").read_text(encoding="utf-8")
            names = {name for name in sources.splitlines() if ".egg-info/" not in name}
        for name in names:
            (self.tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, self.tree / name)
        return names

    def environment(self, name: str, *options: str) -> Path:
        """Make an environment; return its interpreter."""
        subprocess.run([sys.executable, "-m", "venv", *options, self.directory / name], check=True)
        found = self.directory / name / ("Scripts" if os.name == "nt" else "bin")
        return found / Path(sys.executable).name

    def compiler(self, name: str, *cases: str) -> str:
        """Write a compiler that does what shell's ``case`` says before the real one."""
        real = shutil.which("cc") or "cc"
        path = self.directory / name
        path.write_text(WRAPPER.format(cases="\n".join(cases), compiler=real))
        path.chmod(0o755)
        return str(path)

    def run(
        self, python: Path, *arguments: str | Path, check: bool = True, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        environment = {k: v for k, v in os.environ.items() if k not in (*SETTINGS, "PYTHONPATH")}
        environment["PIP_DISABLE_PIP_VERSION_CHECK"] = "1"
        done = subprocess.run(
            [python, *arguments],
            cwd=self.directory,
            env={**environment, **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,  # so that no build writes to the terminal of this run
        )
        if check and done.returncode:
            raise Failed(f"{arguments}\n{done.stdout[-3000:]}")
        return done

    def build(self, *, check: bool = True, **variables: str) -> tuple[str, list[Path]]:
        """Build a wheel without the network; return what pip said, and the wheels."""
        wheels = Path(tempfile.mkdtemp(dir=self.directory))
        pip = ("-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "-w", wheels, self.tree)
        done = self.run(self.builder, *pip, check=check, **variables)
        return done.stdout, sorted(wheels.glob("*.whl"))

    def install(
        self, what: str | Path, *options: str, into: Path | None = None, **variables: str
    ) -> Installed:
        """Install with pip, into a new directory if not an environment; try what is there."""
        target = () if into else ("--target", tempfile.mkdtemp(dir=self.directory))
        pip = ("-m", "pip", "--python", into or self.builder, "install", "--no-deps")
        said = self.run(self.builder, *pip, *options, *target, what, **variables).stdout
        paths = {"PYTHONPATH": target[1]} if target else {}
        done = self.run(into or self.builder, "-c", USE, **paths)
        name, reason, texts, file = json.loads(done.stdout)
        expect(texts, ["Grüße"])
        return Installed(said, name, reason, Path(file).parent)


def expect(found: Any, wanted: Any) -> None:
    """Fail unless two things are equal."""
    if found != wanted:
        raise Failed(f"{found!r}, not {wanted!r}")


def expect_in(part: str, whole: str) -> None:
    """Fail unless a text is part of another."""
    if part not in whole:
        raise Failed(f"no {part!r} in {whole[-3000:]!r}")


def expect_pure(installed: Installed, reason: str) -> None:
    """Fail unless that is the codec in Python, and says why."""
    expect(installed.backend, "pure")
    expect_in(REASON + reason, installed.reason)
    expect(list(installed.package.rglob("*.so")), [])


def no_compiler_as_users_do(shop: Workshop) -> None:
    """`pip install .` with a compiler that fails: pip's output names the wheel."""
    installed = shop.install(shop.tree, "--no-cache-dir", CC="/bin/false")
    expect_in(NOT_BUILT, installed.said)
    expect_pure(installed, "/bin/false failed with exit code 1")
    expect((installed.package.parent / "wsfast-accelerate.pth").exists(), True)


def wheel_without(shop: Workshop, reason: str, **variables: str) -> None:
    """Build with something missing; install the wheel and try it."""
    _, (wheel,) = shop.build(**variables)
    expect_in(NOT_BUILT, wheel.name)
    expect_pure(shop.install(wheel, "--no-index"), reason)


def no_compiler_at_all(shop: Workshop) -> None:
    """No compiler in PATH."""
    wheel_without(shop, "", PATH=str(shop.builder.parent))


def no_headers(shop: Workshop) -> None:
    """A compiler that does not find Python.h."""
    lost = shop.compiler("no-headers", "*core.c*) echo 'Python.h: No such file' >&2; exit 1 ;;")
    wheel_without(shop, f"{lost} failed with exit code 1", CC=lost)


def one_file_fails(shop: Workshop) -> None:
    """A compiler too old for one kernel."""
    old = shop.compiler("old", "*_avx512.c*) exit 4 ;;")
    wheel_without(shop, f"{old} failed with exit code 4", CC=old)


def no_linker(shop: Workshop) -> None:
    """A compiler that can't link."""
    broken = shop.compiler("no-linker", "*\\ -shared\\ *) exit 1 ;;")
    wheel_without(
        shop, f"{broken} failed with exit code 1", CC=broken, LDSHARED=f"{broken} -shared"
    )


def no_cython(shop: Workshop) -> None:
    """Without build isolation, where Cython is not installed."""
    python = shop.environment("no-cython", "--without-pip")
    pip = ("-m", "pip", "--python", python, "-q", "install")
    shop.run(shop.builder, *pip, "setuptools>=77")
    installed = shop.install(shop.tree, "--no-build-isolation", into=python)
    expect_in(NOT_BUILT, installed.said)
    expect_pure(installed, "Cython, which compiles it, is not installed")


def from_the_sdist(shop: Workshop) -> None:
    """The source distribution, where there is no compiler."""
    build = "from setuptools import build_meta as b; print(b.build_sdist('..'))"
    name = subprocess.run(
        [shop.builder, "-c", build], cwd=shop.tree, check=True, capture_output=True, text=True
    ).stdout.split()[-1]
    with tarfile.open(shop.directory / name) as sdist:
        members = {m.name.partition("/")[2] for m in sdist.getmembers() if m.isfile()}
    members = {name for name in members if ".egg-info/" not in name}
    # All that is checked in, so that `make test` and `make wheel` work from it.
    expect(sorted(members - {"PKG-INFO", "setup.cfg"} ^ shop.files - {"setup.cfg"}), [])
    sdist_file = shop.directory / name
    installed = shop.install(sdist_file, "--no-build-isolation", CC="/bin/false")
    expect_in(NOT_BUILT, installed.said)
    expect_pure(installed, "/bin/false failed with exit code 1")


def editable(shop: Workshop) -> None:
    """`pip install -e .` without a compiler; then with one, which makes it whole."""
    options = ("--no-build-isolation", "-e")
    installed = shop.install(shop.tree, *options, into=shop.builder, CC="/bin/false")
    expect_pure(installed, "/bin/false failed with exit code 1")
    expect(installed.package, shop.tree / "src" / "wsfast")
    quick = shop.compiler("quick")
    installed = shop.install(shop.tree, *options, into=shop.builder, CC=quick)
    expect((installed.backend, installed.reason), ("native", ""))
    expect((installed.package / "_native" / "_not_built.py").exists(), False)


def required(shop: Workshop) -> None:
    """WSFAST_REQUIRE_EXTENSION=1 makes such a build fail."""
    said, wheels = shop.build(check=False, CC="/bin/false", WSFAST_REQUIRE_EXTENSION="1")
    expect(wheels, [])
    expect_in("/bin/false", said)


def pure_on_purpose(shop: Workshop) -> None:
    """WSFAST_PURE=1 builds the wheel for every platform, and warns of nothing."""
    said, (wheel,) = shop.build(WSFAST_PURE="1")
    expect(wheel.name.endswith("-py3-none-any.whl"), True)
    expect("no_compiled_part" in said + wheel.name, False)
    with zipfile.ZipFile(wheel) as archive:
        expect([n for n in archive.namelist() if n.endswith(("core.c", "_not_built.py"))], [])
    installed = shop.install(wheel, "--no-index")
    expect(
        (installed.backend, installed.reason), ("pure", "the compiled extension is not installed")
    )


CASES: dict[str, Callable[[Workshop], None]] = {
    case.__name__: case
    for case in (
        no_compiler_as_users_do,
        no_compiler_at_all,
        no_headers,
        one_file_fails,
        no_linker,
        no_cython,
        from_the_sdist,
        required,
        pure_on_purpose,
        editable,
    )
}


def main(names: list[str]) -> int:
    """Return the exit status: 0 if all is as it should be."""
    if unknown := set(names) - CASES.keys():
        sys.exit(f"there is no case {', '.join(sorted(unknown))}; there are {', '.join(CASES)}")
    failed = False
    with tempfile.TemporaryDirectory() as directory:
        shop = Workshop(Path(directory).resolve())
        for name in names or CASES:
            try:
                CASES[name](shop)
            except Failed as error:
                failed = True
                print(f"FAILED: {name}: {error}", flush=True)
            else:
                print(f"{name}: as it should be", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
