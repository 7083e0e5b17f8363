"""The figures in docs/diagnosis.md, to be compared with what the scripts in this folder measure.

Invariant: a table is the same to the last digit, or it is not the one that was measured.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[2] / "docs" / "diagnosis.md"


def without_normalizer() -> None:
    """Hide charset-normalizer: the figures are those of wsfast, whichever version is there."""
    not_there: Any = None  # what makes an import fail
    sys.modules["charset_normalizer"] = not_there


def documented(tables: list[str]) -> bool:
    """Tell whether the page has these tables; print the rows that it has not."""
    page = PAGE.read_text(encoding="utf-8")
    for table in tables:
        for row in table.splitlines():
            if f"{row}\n" not in page:
                print(f"not in {PAGE.name}: {row}")
    return all(f"\n\n{table}\n" in page for table in tables)


def table(head: str) -> dict[str, list[str]]:
    """Return the rows of the table whose first column has this name, by that column."""
    lines = PAGE.read_text(encoding="utf-8").partition(f"\n| {head} |")[2].splitlines()[2:]
    rows = [line.strip("| ").split(" | ") for line in lines[: lines.index("")]]
    return {row[0]: row[1:] for row in rows}
