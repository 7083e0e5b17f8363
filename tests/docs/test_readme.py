"""The README: its examples run and print what it says, the names in it are public."""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

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
    table, _, _ = README.partition("\n| for | use |\n|---|---|\n")[2].partition("\n\n")
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
    assert README.startswith("# wsfast\n\nA fast, compiled WebSocket codec for Python: masking,")


def test_readme_is_short() -> None:
    assert README.count("\n") < 180
    assert README.partition("\n## ")[0].count("\n") <= 60  # the first screen


def bench(monkeypatch: pytest.MonkeyPatch, module: str) -> Any:
    monkeypatch.syspath_prepend(ROOT / "bench")
    return importlib.import_module(module)


@pytest.mark.parametrize(
    ("page", "rows"), [("README.md", "README_ROWS"), ("docs/performance.md", "ROWS")]
)
def test_readme_figures_are_those_of_the_record_it_names(
    page: str, rows: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    section = text.partition("<!-- record -->\n")[2].partition("<!-- /record -->")[0]
    named = re.search(rf"\]\({FILE}(bench/record/[^)]+)\)", section)
    assert named is not None
    summary, picture = bench(monkeypatch, "summary"), bench(monkeypatch, "picture")
    record = json.loads((ROOT / named[1]).read_text(encoding="utf-8"))
    assert section == summary.markdown({**record, "path": named[1]}, getattr(summary, rows))
    assert picture.PICTURE.read_text(encoding="utf-8") == picture.picture(record)
    assert sum(len(sizes) for _, _, sizes in summary.README_ROWS) <= 10


def test_readme_picture_and_gains_are_those_of_the_race_it_names(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    named = re.search(rf"\]\({FILE}(bench/record/race-[^)]+)\)", README)
    assert named is not None
    record = json.loads((ROOT / named[1]).read_text(encoding="utf-8"))
    race = bench(monkeypatch, "race_picture")
    assert race.PICTURE.read_text(encoding="utf-8") == race.picture(record)
    page = (ROOT / "docs" / "peers" / "index.md").read_text(encoding="utf-8")
    assert page.partition("<!-- race -->\n")[2].partition("<!-- /race -->")[0] == race.table(record)
    rows = re.findall(r"^\| speed up .*WSFAST_ACCELERATE=(\w+) .* \| ([^|]+) \|$", README, re.M)
    assert {name for name, _ in rows} == {"uvicorn", "websockets", "aiohttp"}
    for name, gain in rows:
        assert gain == race.gain(record, name)


def test_loads_of_uvicorn_are_those_of_the_record_that_the_page_names(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    page = (ROOT / "docs" / "peers" / "uvicorn.md").read_text(encoding="utf-8")
    named = re.search(r"\]\(\.\./\.\./(bench/record/uvicorn-matrix-[^)]+)\)", page)
    assert named is not None
    record = json.loads((ROOT / named[1]).read_text(encoding="utf-8"))
    uvicorn = bench(monkeypatch, "bench_uvicorn")
    made = uvicorn.table(record)
    assert page.partition("<!-- matrix -->\n")[2].partition("<!-- /matrix -->")[0] == made
    assert f"in {len(record['rows'])} loads" in page
    losing = [row for row in record["rows"] if row["ratio"] > uvicorn.NOISE]
    assert len(losing) == 3
    assert all(row["deflate"] for row in losing)
    most = max(row["ratio"] for row in losing)
    said = f"In this run three of the compressed loads did, up to {most:.2f} times"
    assert said in " ".join(page.split())


def test_readme_shows_what_check_prints() -> None:
    pytest.importorskip("click")
    shown = re.search(r"^\$ printf '([^']+)' \| wsfast check\n(.*?)^```$", README, re.S | re.M)
    assert shown is not None
    data = shown[1].encode().decode("unicode_escape").encode("latin-1")
    done = subprocess.run(
        [sys.executable, "-m", "wsfast", "check"], input=data, capture_output=True, check=False
    )
    assert done.returncode == 1
    printed = done.stdout.decode().splitlines()
    lines = shown[2].splitlines()
    assert [line for line in printed if line in lines] == lines
