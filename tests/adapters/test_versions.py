"""What is claimed about versions is what was run: the record, the page, the table of libraries.

Run as a program it writes docs/peers/versions.md and the list of README.md again.
"""

from __future__ import annotations

import json
import re
import textwrap
from pathlib import Path
from typing import Any

import pytest
from packaging.version import Version

import versions

RECORD = json.loads(versions.RECORD.read_text(encoding="utf-8"))
CLAIMS = versions.claims()
DOCS = Path(__file__).parents[2] / "docs" / "peers"
PAGE = DOCS / "versions.md"
README = Path(__file__).parents[2] / "README.md"
MARKS = "<!-- versions -->\n", "<!-- /versions -->\n"

HEAD = """# Versions

We tested every version in this table, stock and accelerated, with the same traffic over a loopback
socket: the oldest and the newest version in the range, and the newest patch of every minor version
between them.

- Messages in several scripts and of up to 1 MiB came back: whole, in fragments, and compressed if
  the library can do that.
- Close codes and violations got the same answers, stock and accelerated.
- Accelerated, text that is not UTF-8 was answered with 1007.

`python tests/adapters/versions.py` runs them again; a workflow does so every week. Versions outside
the range are left unchanged, and [`wsfast doctor`](../cli/doctor.md) says so.

"""
COLUMNS = """| library | versions | run in | permessage-deflate | not UTF-8, stock | accelerated |
|---|---|---|---|---|---|
"""


def rows_of(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = RECORD["libraries"][name]["rows"]
    return found


def codes(row: dict[str, Any], which: int) -> str:
    """Return what the remote gets for text that is not UTF-8: stock, or accelerated."""
    found = {pair[which] for pair in row["not UTF-8"].values()}
    words = {1005: "no code", 1006: "no close frame"}
    return ", ".join(words.get(code, str(code)) for code in sorted(found))


def page() -> str:
    """Return docs/peers/versions.md as it should be."""
    lines: dict[tuple[str, ...], list[str]] = {}
    faulty = []
    for name in sorted(RECORD["libraries"]):
        for row in rows_of(name):
            if row["result"] == "ok":
                deflate = "yes" if row["deflate"] == "ok" else "no"
                key = (name, row["program"], deflate, codes(row, 0), codes(row, 1))
                lines.setdefault(key, []).append(row["version"])
            else:
                faulty.append(f"- {name} {row['version']} ({row['result'].partition(':')[0]})\n")
    text = HEAD + (
        f"Recorded {RECORD['date']} with CPython {RECORD['python']} on {RECORD['system']}.\n\n"
    )
    text += COLUMNS
    for (name, program, *rest), found in lines.items():
        text += f"| {name} | {', '.join(found)} | {program} | {' | '.join(rest)} |\n"
    text += (
        "\nThe last two columns are the close codes that the remote gets. uvicorn-wsfast is\n"
        "`--ws wsfast.adapters.uvicorn:WebSocketProtocol`. Its stock column is that of\n"
        "`websockets-sansio`, or up to uvicorn 0.41 that of `wsproto`, because these versions\n"
        "don't have `websockets-sansio`, or it does not return empty messages there.\n"
        "\nOther violations (opcode 3, a long ping, close code 1005) get the same answer as from\n"
        "the stock library. If that sends no close frame, or one without a code, they get a 1002.\n"
    )
    if faulty:
        text += "\nThese versions can't handle this traffic even without wsfast:\n\n"
        text += "".join(dict.fromkeys(faulty))
    return text


@pytest.mark.parametrize("name", CLAIMS)
def test_versions_claimed_are_those_of_the_record(name: str) -> None:
    found = RECORD["libraries"][name]
    assert found["claimed"] == [CLAIMS[name].low, CLAIMS[name].high], (
        f"run: python tests/adapters/versions.py {name}"
    )
    assert all(CLAIMS[name].covers(version) for version in found["available"])


@pytest.mark.parametrize(
    ("name", "program", "ends"),
    [
        (name, pair[1], ends)
        for name, claim in CLAIMS.items()
        for pairs, ends in ((claim.programs, False), (claim.hosted, True))
        for pair in pairs
    ],
)
def test_versions_every_minor_one_was_run(name: str, program: str, ends: bool) -> None:
    rows = {row["version"]: row["result"] for row in rows_of(name) if row["program"] == program}
    chosen = versions.to_run(RECORD["libraries"][name]["available"], ends=ends)
    results = [[rows[v] for v in candidates if v in rows] for candidates in chosen]
    assert all(results), (chosen, rows)
    assert {*results[0], *results[-1]} == {"ok"}
    # Between the ends a version may be there that fails by itself.
    wrong = [r for found in results for r in found if r != "ok" and not r.startswith("stock: ")]
    assert wrong == []


def test_versions_run_are_of_libraries_that_are_claimed() -> None:
    assert RECORD["libraries"].keys() == CLAIMS.keys()


def test_versions_accelerated_text_that_is_not_utf8_gets_1007() -> None:
    rows = [row for name in CLAIMS for row in rows_of(name) if row["result"] == "ok"]
    assert len(rows) > len(CLAIMS)
    for row in rows:
        assert len(row["not UTF-8"]) >= 6
        assert {pair[1] for pair in row["not UTF-8"].values()} == {1007}


@pytest.mark.skipif(not DOCS.exists(), reason="needs the documentation beside the tests")
def test_versions_page_says_what_is_recorded() -> None:
    assert PAGE.read_text(encoding="utf-8") == page()


def span(name: str) -> str:
    """Return the versions of a library that were run, in words."""
    available = RECORD["libraries"][name]["available"]
    low, high = (".".join(map(str, Version(v).release[:2])) for v in (available[0], available[-1]))
    return low if low == high else f"{low} to {high}"


def readme_list() -> str:
    """Return the list of README.md as it should be."""
    named = sorted(f"{name} {span(name)}" for name in CLAIMS if CLAIMS[name].programs)
    return textwrap.fill(f"{', '.join(named)}.", 100) + "\n"


@pytest.mark.skipif(not README.exists(), reason="needs README.md")
def test_versions_in_the_readme_are_those_that_were_run() -> None:
    _, _, rest = README.read_text(encoding="utf-8").partition(MARKS[0])
    assert rest.partition(MARKS[1])[0] == readme_list()


@pytest.mark.skipif(not DOCS.exists(), reason="needs the documentation beside the tests")
@pytest.mark.parametrize("name", [name for name in CLAIMS if CLAIMS[name].high])
def test_versions_in_the_table_of_libraries_are_the_claimed_ones(name: str) -> None:
    table = (DOCS / "index.md").read_text(encoding="utf-8")
    row = re.search(rf"^\| {name}(?: \([^|]*\))? \| ([^|]*) \|", table, re.MULTILINE)
    if name != "uvicorn" or row is not None:
        assert row is not None
        assert row[1] == span(name)


def test_versions_to_run_are_the_oldest_and_each_minor() -> None:
    found = ["1.0", "1.0.1", "1.1.0", "1.1.2", "2.0"]
    assert versions.to_run(found) == [["1.0"], ["1.0.1", "1.0"], ["1.1.2", "1.1.0"], ["2.0"]]
    assert versions.to_run(found, ends=True) == [["1.0"], ["2.0"]]
    assert versions.to_run(["1.0"], ends=True) == [["1.0"]]


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    before, _, rest = README.read_text(encoding="utf-8").partition(MARKS[0])
    after = rest.partition(MARKS[1])[2]
    README.write_text(f"{before}{MARKS[0]}{readme_list()}{MARKS[1]}{after}", encoding="utf-8")
