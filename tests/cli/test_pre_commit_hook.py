"""``wsfast check`` as a hook for pre-commit, as its page says, on files as the hook gets them."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("click")

PAGE = Path(__file__).parents[2] / "docs" / "cli" / "check.md"
(HOOK,) = re.findall(
    r"^```yaml\n(repos:.*?)^```$", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE
)


def field(name: str) -> str:
    (found,) = re.findall(rf"^ +(?:- )?{name}: (.*)$", HOOK, re.MULTILINE)
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


def test_it_installs_the_command_and_what_the_command_needs() -> None:
    assert field("additional_dependencies") == '["wsfast[cli]"]'


def test_it_takes_the_files_that_the_page_names() -> None:
    assert re.search(field("files"), "locale/de.po")
    assert not re.search(field("files"), "picture.png")
