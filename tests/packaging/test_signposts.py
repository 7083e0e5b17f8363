"""Pages for contributors name files that exist, and the tree there names every file."""

from __future__ import annotations

import re
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
if not (ROOT / "CONTRIBUTING.md").exists():  # wheels are tested with a part of it
    pytest.skip("needs the whole repository", allow_module_level=True)

PAGES = [
    *(ROOT / name for name in ("CONTRIBUTING.md", "docs/internals.md", "bench/README.md")),
    *sorted((ROOT / "docs" / "contributing").glob("*.md")),
]
FOLDERS = (".ci", ".github", "bench", "docs", "examples", "src", "tests", "tools")
FILES = [p for name in FOLDERS for p in (ROOT / name).rglob("*")] + list(ROOT.iterdir())
PATH = re.compile(rf"(?<![\w./-])(?:{'|'.join(map(re.escape, FOLDERS))})/[\w./*-]*[\w/*]")
NAME = re.compile(r"(?<![\w./*-])[\w*-]+\.(?:pyx|pyi|py|pxd|pxi|c|h|yml)(?![\w-])")
# What is written in place of a name, and files that a build or a finding makes.
PLACEHOLDERS = re.compile(r"NAME|NEW|crash-|^program\.py$|^core\.c$")


def paths_in(text: str) -> set[str]:
    return {path for path in PATH.findall(text) if not PLACEHOLDERS.search(path)}


def names_in(text: str) -> set[str]:
    return {name for name in NAME.findall(text) if not PLACEHOLDERS.search(name)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_page_names_files_that_are_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert {path for path in paths_in(text) if not list(ROOT.glob(path))} == set()
    there = [path.name for path in FILES]
    assert {n for n in names_in(text) if not any(fnmatch(name, n) for name in there)} == set()


def test_pages_are_read() -> None:
    text = "see src/wsfast/gone.py, `gone_*.c` and [there](docs/gone/x.md), not NAME.py"
    assert paths_in(text) == {"src/wsfast/gone.py", "docs/gone/x.md"}
    assert names_in(text) == {"gone_*.c"}
    assert sum(len(paths_in(page.read_text(encoding="utf-8"))) for page in PAGES) > 60


def tree() -> dict[str, set[str]]:
    """Return what the tree in CONTRIBUTING.md names, by folder."""
    _, _, block = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").partition("## The tree\n")
    block = block.partition("```\n")[2].partition("```")[0]
    named: dict[str, set[str]] = {"": set()}
    folder = ""
    for line in block.splitlines():
        name = line.split()[0]
        if line.startswith(" "):
            named[folder].add(name)
        else:
            folder = name
            named[""].add(name)
            named[folder] = set()
    return named


@pytest.mark.parametrize("folder", ["src/wsfast/", "tests/"])
def test_tree_names_every_module_and_every_folder_of_tests(folder: str) -> None:
    found = {
        path.name + "/" * path.is_dir()
        for path in (ROOT / folder).iterdir()
        if (path.is_dir() or folder == "src/wsfast/") and path.name != "__pycache__"
    }
    assert {name for name in found if not name.startswith(".")} == tree()[folder]


def test_tree_names_what_is_there() -> None:
    named = tree()
    missing = {f for f in named[""] if not (ROOT / f).exists()}
    missing |= {
        f + n for f, names in named.items() if f for n in names if not (ROOT / f / n).exists()
    }
    assert missing == set()
