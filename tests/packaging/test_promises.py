"""Where wsfast runs, as README.md says: each row of the table has a check, which exists.

A new or changed row fails here until its check is named.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

import complete

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
WORKFLOW = ROOT / ".github" / "workflows" / "ci.yml"
# A row: the file that runs what it says, and what is to be found in that file.
CHECKS = {
    "Python": [
        (".github/workflows/ci.yml", "python: ["),  # which, is compared below
        ("tests/codec/test_subinterpreters.py", "own"),
        ("tests/codec/test_threads.py", "def test_"),
    ],
    "Systems": [
        ("noxfile.py", "tools/installs.py"),
        ("tools/installs.py", "def no_compiler_as_users_do"),
        ("tools/installs.py", "def no_headers"),
        (".ci/cross", "windows"),
        (".ci/cross", "macos"),
    ],
    "x86-64": [
        ("noxfile.py", "expected_kernels.py"),
        ("tests/kernels/expected_kernels.py", '"Nehalem", None, "ssse3"'),
        ("tests/kernels/expected_kernels.py", '"Haswell", None, "avx2"'),
    ],
    "ARM64": [(".github/workflows/ci.yml", "ubuntu-24.04-arm"), (".ci/emulated", "aarch64")],
    "other CPUs": [(".ci/emulated", "s390x"), ("tests/kernels/expected_kernels.py", "qemu64")],
    "`WSFAST_BACKEND=native` or `pure`": [
        ("tests/codec/test_backend.py", "def test_backend_pure_forced_by_name"),
        ("tests/codec/test_backend.py", "def test_backend_native_by_default_and_by_name"),
    ],
    "`WSFAST_KERNEL=scalar`, `avx2`, …": [
        ("tests/codec/test_backend.py", "def test_backend_unknown_kernel_refused"),
        ("tests/codec/test_backend.py", "def test_backend_kernel_that_does_not_run_here_refused"),
    ],
}

pytestmark = pytest.mark.skipif(
    not (ROOT / ".ci" / "run").exists(), reason="needs the whole repository"
)


def rows() -> dict[str, str]:
    """Return the table under What runs where."""
    text = README.read_text(encoding="utf-8")
    section = text.partition("\n## What runs where\n")[2].partition("\n## ")[0]
    table = section.partition("\n|---|---|\n")[2].partition("\n\n")[0]
    cells = [line.strip("| ").split(" | ") for line in table.splitlines()]
    return dict(cells)


def test_promises_each_row_has_checks_that_are_there() -> None:
    assert rows().keys() == CHECKS.keys()
    for checks in CHECKS.values():
        for file, what in checks:
            assert what in (ROOT / file).read_text(encoding="utf-8"), (file, what)


def test_promises_of_pythons_are_those_of_the_metadata_the_tests_and_the_wheels() -> None:
    found = re.match(
        r"CPython 3\.(\d+) to 3\.(\d+), free-threaded 3.14 and 3.15 too", rows()["Python"]
    )
    assert found is not None
    minors = range(int(found[1]), int(found[2]) + 1)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["requires-python"] == f">=3.{minors[0]}"
    classified = [c.rpartition(".")[2] for c in project["classifiers"] if ":: Python :: 3." in c]
    assert classified == [str(minor) for minor in minors]
    wheels = {f"cp3{minor}" for minor in minors} | {"cp314t", "cp315t"}
    assert set(complete.PYTHONS) == wheels
    tested = re.search(r"python: \[(.*)\]", WORKFLOW.read_text(encoding="utf-8"))
    assert tested is not None
    pythons = {f"cp{version.replace('.', '')}" for version in re.findall(r'"([^"]+)"', tested[1])}
    assert pythons == wheels


def test_promises_of_wheels_are_what_a_release_must_have() -> None:
    page = (ROOT / "docs" / "guide" / "installing.md").read_text(encoding="utf-8")
    listed = dict(re.findall(r"^\| (\S+).* \| (.*) \|$", page.partition("\n\n##")[0], re.M))
    glibc, musl = re.findall(r"^\| Linux with .* \| (.*) \|$", page, re.M)
    assert (tuple(glibc.split(", ")), musl) == (complete.LINUX, "the same")
    assert listed["macOS"].split(", ") == [
        tag.removeprefix("macosx_") for tag in complete.PLATFORMS["macos"]
    ]
    windows = {"AMD64": "win_amd64", "x86": "win32", "ARM64": "win_arm64"}
    assert [windows[name] for name in listed["Windows"].split(", ")] == complete.PLATFORMS[
        "windows"
    ]
    minors = re.search(r"for CPython 3\.(\d+) to 3\.(\d+)", page)
    assert minors is not None
    assert [int(minors[1]), int(minors[2])] == [complete.MINORS[0], complete.MINORS[-1]]


def test_promises_what_is_installed_without_a_compiler_is_quoted_as_it_is() -> None:
    text = (ROOT / "docs" / "guide" / "installing.md").read_text(encoding="utf-8")
    installs = (ROOT / "tools" / "installs.py").read_text(encoding="utf-8")
    quoted = re.search(r"`wsfast-[^-]+-(\S+)`", text)
    assert quoted is not None
    assert f'NOT_BUILT = "{quoted[1]}"' in installs
    words = " ".join(text.split())
    assert "the compiled extension is not installed: it could not be built: /bin/false" in words


def test_promises_of_the_package_index_lead_somewhere() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    urls = dict(project["urls"])
    home = urls.pop("Homepage")
    site = re.search(r"^site_url: (\S+)$", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"), re.M)
    assert site is not None
    assert urls.pop("Documentation") == site[1]
    assert (urls.pop("Source"), urls.pop("Issues")) == (home, f"{home}/issues")
    changes = urls.pop("Changelog").removeprefix(f"{home}/blob/main/")
    assert (ROOT / changes).is_file()
    assert urls == {}
