"""The README: its examples run and print what it says, the names in it are public."""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import re
from pathlib import Path

import pytest

import wsfast

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)
EXAMPLES = [
    (code, BLOCKS[i + 1][1] if BLOCKS[i + 1 :][:1] and BLOCKS[i + 1][0] == "text" else "")
    for i, (language, code) in enumerate(BLOCKS)
    if language == "python"
]


@pytest.mark.parametrize(
    ("code", "output"), EXAMPLES, ids=[f"example-{i}" for i in range(1, len(EXAMPLES) + 1)]
)
def test_readme_example_prints_what_it_says(code: str, output: str) -> None:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, "README.md", "exec"), {"__name__": "readme"})
    assert printed.getvalue() == output


def test_readme_first_example_has_ten_lines() -> None:
    lines = [line for line in EXAMPLES[0][0].splitlines() if line.strip()]
    assert len(lines) <= 11  # the import not counted


def test_readme_names_are_public() -> None:
    _, _, section = README.partition("\n## The names\n")
    section, _, _ = section.partition("\n### ")
    table, _, _ = section.partition("\n|---|---|\n")[2].partition("\n\n")
    names = re.findall(r"`(\w+)`", table)
    assert names
    assert set(names) <= set(wsfast.__all__)


@pytest.mark.parametrize("command", ["make demo", "make test"])
def test_readme_says_the_command(command: str) -> None:
    assert re.search(rf"^{command}\b", README, re.MULTILINE)


LINKS = re.findall(r"(!?)\[[^\]]*\]\(([^)\s]+)", README)
FILE, IMAGE = (
    "https://github.com/wsfast/wsfast/blob/main/",
    "https://raw.githubusercontent.com/wsfast/wsfast/main/",
)


def test_readme_links_work_on_the_package_index_too() -> None:
    # It shows this file alone: nothing stands beside it, and headings have no anchors.
    assert len(LINKS) > 20
    assert [target for _, target in LINKS if not target.startswith("https://")] == []
    assert re.findall(r"^\[[^\]]+\]:|<(?:a|img)\b", README, re.MULTILINE) == []


@pytest.mark.skipif(not (ROOT / "Makefile").exists(), reason="needs the whole repository")
def test_readme_links_lead_somewhere() -> None:
    ours = [
        (IMAGE if image else FILE, target)
        for image, target in LINKS
        if target.startswith("https://github.com/wsfast/") or "githubusercontent" in target
    ]
    assert len(ours) > 20
    for where, target in ours:
        assert target.startswith(where), target
        assert (ROOT / target.removeprefix(where).partition("#")[0]).exists(), target


def test_readme_claim_comes_before_anything_else() -> None:
    assert README.startswith("# wsfast\n\nThe compiled hot path of WebSocket")


def test_readme_figures_are_those_of_the_record_it_names(monkeypatch: pytest.MonkeyPatch) -> None:
    _, _, section = README.partition("<!-- record -->\n")
    section, _, _ = section.partition("<!-- /record -->")
    named = re.search(rf"\]\({FILE}(bench/record/[^)]+)\)", section)
    if named is None:
        assert section == "No run is recorded yet.\n"
        return
    monkeypatch.syspath_prepend(ROOT / "bench")
    summary = importlib.import_module("summary")
    record = json.loads((ROOT / named[1]).read_text(encoding="utf-8"))
    assert section == summary.markdown({**record, "path": named[1]})
    picture = importlib.import_module("picture")
    drawn = picture.PICTURE.read_text(encoding="utf-8")
    assert drawn == picture.picture(record)
    assert drawn.count("\n") < 150
