"""Records: what was measured, on what machine, with which command; dated, in bench/record/.

Invariant: no record is written over; a second one of a day has a number in its name.
"""

from __future__ import annotations

import datetime
import json
import sys
from pathlib import Path
from typing import Any

from machine import machine_facts

RECORDS = Path(__file__).resolve().parent / "record"


def begin(script: str) -> dict[str, Any]:
    """Return the beginning of a record, to be made before a script measures."""
    return {
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "command": " ".join([f"python bench/{script}", *sys.argv[1:]]),
        "machine": machine_facts(),
    }


def newest(kind: str) -> dict[str, Any]:
    """Return the newest record whose name begins with that."""
    found = (json.loads(p.read_text(encoding="utf-8")) for p in RECORDS.glob(f"{kind}-*.json"))
    latest: dict[str, Any] = max(found, key=lambda record: record["date"])
    return latest


def put(page: Path, marks: tuple[str, str], text: str) -> None:
    """Put a text between two marks of a page."""
    before, _, rest = page.read_text(encoding="utf-8").partition(marks[0])
    after = rest.partition(marks[1])[2]
    page.write_text(f"{before}{marks[0]}{text}{marks[1]}{after}", encoding="utf-8")


def save(record: dict[str, Any], kind: str = "") -> Path:
    """Write a record, one row a line, and say where; return that.

    Args:
        record: what ``begin`` returned, with a list of ``rows`` added.
        kind: what its name begins with.
    """
    RECORDS.mkdir(exist_ok=True)
    machine = record["machine"]["wsfast"]
    parts = (kind, record["date"][:10], machine["kernel"] or machine["name"])
    stem = "-".join(filter(None, parts))
    number, path = 1, RECORDS / f"{stem}.json"
    while path.exists():
        number += 1
        path = path.with_name(f"{stem}-{number}.json")
    head = {name: value for name, value in record.items() if name != "rows"}
    rows = ",\n".join(json.dumps(row) for row in record["rows"])
    path.write_text(f'{json.dumps(head, indent=1)[:-2]},\n "rows": [\n{rows}\n]}}\n')
    print(f"\nrecorded in {path.relative_to(RECORDS.parents[1])}")
    return path
