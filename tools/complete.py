"""Check that a release is complete: the wheels that must exist, and whether they do.

    python tools/complete.py dist            what is in a directory
    python tools/complete.py --identifiers   what cibuildwheel would build

Invariant: the list doesn't come from cibuildwheel's configuration, so that a pattern there that
matches too little is found.  The Pythons are those of the classifiers in pyproject.toml.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

FREE_THREADED = 14  # the first Python 3 with such wheels
PROJECT = (Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8")
MINORS = [
    int(minor) for minor in re.findall(r'"Programming Language :: Python :: 3\.(\d+)"', PROJECT)
]
PYTHONS = (
    *(f"cp3{minor}" for minor in MINORS),
    *(f"cp3{minor}t" for minor in MINORS if minor >= FREE_THREADED),
)
LINUX = ("x86_64", "i686", "aarch64", "ppc64le", "s390x", "armv7l", "riscv64")
PLATFORMS = {
    "linux": [f"{libc}_{arch}" for libc in ("manylinux", "musllinux") for arch in LINUX],
    "macos": ["macosx_x86_64", "macosx_arm64"],
    "windows": ["win_amd64", "win32", "win_arm64"],
}
WHEEL = re.compile(r"wsfast-[^-]+-(?P<python>[^-]+)-(?P<abi>[^-]+)-(?P<platform>[^-]+)\.whl")
# What wheel tags add: versions of the C library or the system, aliases joined by dots.
SYSTEM = re.compile(r"(manylinux|musllinux|macosx)[0-9_]*_((?:x86_64|[a-z][a-z0-9]*)$)")


def expected(platform: str) -> set[str]:
    """Return the identifiers of what is to be built for a platform."""
    return {f"{python}-{tag}" for python in PYTHONS for tag in PLATFORMS[platform]}


def identifier(wheel: str) -> str:
    """Return the identifier of a wheel, by its file's name."""
    found = WHEEL.fullmatch(wheel)
    if found is None:
        raise SystemExit(f"not a wheel of wsfast: {wheel}")
    tag = found["platform"].split(".")[0]
    system = SYSTEM.fullmatch(tag)
    python = found["abi"] if found["abi"].startswith("cp") else found["python"]
    return f"{python}-{system[1]}_{system[2]}" if system else f"{python}-{tag}"


def compare(what: str, found: Iterable[str], wanted: set[str]) -> bool:
    """Say what is missing and what should not be there."""
    there = set(found)
    for name in sorted(wanted - there):
        print(f"{what}: missing {name}")
    for name in sorted(there - wanted):
        print(f"{what}: not expected {name}")
    print(f"{what}: {len(there & wanted)} of {len(wanted)}")
    return there == wanted


def check_identifiers() -> bool:
    """Compare with what cibuildwheel would build on each platform."""
    fine = True
    for platform in PLATFORMS:
        command = ["cibuildwheel", "--platform", platform, "--print-build-identifiers"]
        result = subprocess.run(command, check=True, capture_output=True, text=True)
        fine &= compare(platform, result.stdout.split(), expected(platform))
    return fine


def check_files(directory: Path) -> bool:
    """Compare with the files in a directory."""
    names = [path.name for path in directory.iterdir()]
    sdists = [name for name in names if name.endswith(".tar.gz")]
    pure = [name for name in names if name.endswith("-py3-none-any.whl")]
    wheels = [name for name in names if name.endswith(".whl") and name not in pure]
    wanted = set().union(*(expected(platform) for platform in PLATFORMS))
    fine = compare("wheels", map(identifier, wheels), wanted)
    print(f"sdist: {len(sdists)} of 1\nwheel without a compiled part: {len(pure)} of 1")
    return fine and len(sdists) == len(pure) == 1 and len(wheels) == len(wanted)


def main(argument: str) -> int:
    """Return the exit status: 0 if all is there and nothing else."""
    fine = check_identifiers() if argument == "--identifiers" else check_files(Path(argument))
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
