"""The hook for pre-commit: what it runs, on files as pre-commit gives them."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("click")

ROOT = Path(__file__).parents[2]
if not (ROOT / ".pre-commit-hooks.yaml").exists():
    pytest.skip("needs the repository beside the tests", allow_module_level=True)
HOOKS = (ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8")


def field(name: str) -> str:
    (found,) = re.findall(rf"^(?:- |  ){name}: (.*)$", HOOKS, re.MULTILINE)
    return str(found)


def run(directory: Path, *files: str) -> subprocess.CompletedProcess[str]:
    program, *arguments = shlex.split(field("entry"))
    assert program == "wsfast"
    return subprocess.run(
        [sys.executable, "-m", program, *arguments, *files],
        cwd=directory,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
    )


def test_the_entry_lets_good_files_pass_and_names_the_bad_one(tmp_path: Path) -> None:
    (tmp_path / "good.json").write_text('{"stadt": "Köln"}', encoding="utf-8")
    (tmp_path / "bad.json").write_text('{\n"stadt": "Köln"}', encoding="latin-1")
    assert run(tmp_path, "good.json").returncode == 0
    done = run(tmp_path, "good.json", "bad.json")
    assert done.returncode == 1
    assert "bad.json: not UTF-8 at line 2, column 12" in done.stdout
    assert "good.json: not" not in done.stdout


def test_its_dependencies_are_those_of_the_command() -> None:
    extra = re.search(r"^cli = (\[.*\])$", (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert extra
    assert field("additional_dependencies") == extra[1]


def test_the_page_names_the_hook() -> None:
    page = (ROOT / "docs" / "cli" / "check.md").read_text(encoding="utf-8")
    assert f"- id: {field('id')}\n" in page
