"""Draw docs/speed.svg, the picture in docs/performance.md: the time of one message, by library.

`python bench/run.py --readme [RECORD]` draws it again; a test holds it to the record that README.md
names.  It is written by hand, not by matplotlib, so that it stays small enough to be kept in git.

Invariant: every number drawn is in the record.
"""

from __future__ import annotations

from math import log10
from pathlib import Path
from typing import Any

from samples import size_name
from summary import duration, ratio, times
from wsfast.cli._contenders import LIBRARIES, OURS

PICTURE = Path(__file__).parents[1] / "docs" / "speed.svg"
PANELS = (
    ("messages", 125, "ascii", "receive a masked text message, 125 bytes"),
    ("messages", 65_536, "json", "receive a masked text message, 64 KiB of JSON"),
    ("encode masked frame", 125, "ascii", "encode a masked frame, 125 bytes"),
    ("validate", 1024, "cyrillic", "validate 1 KiB of Cyrillic text"),
)
WIDTH, LEFT, ROW, HEAD = 640, 100, 15, 24
BARS = WIDTH - LEFT - 110  # the longest bar; its label stands after it
DECADES = 3  # what the longest bar is: 1,000 times the shortest


def panel(found: dict[str, float], title: str, top: int) -> list[str]:
    """Return a title and a bar for each library, the fastest first."""
    lines = [f'<text x="0" y="{top + 16}" font-weight="bold">{title}</text>']
    fastest = min(found.values())
    for number, (library, ns) in enumerate(sorted(found.items(), key=lambda item: item[1])):
        y = top + HEAD + number * ROW
        length = 4 + (BARS - 4) * log10(ns / fastest) / DECADES
        label = duration(ns) + ("" if library == OURS else f" ({ratio(found[OURS], ns)})")
        lines += [
            f'<text x="{LEFT - 6}" y="{y + 10}" text-anchor="end">{library}</text>'
            f'<rect x="{LEFT}" y="{y}" width="{length:.1f}" height="{ROW - 4}" '
            f'fill="{LIBRARIES[library].colour}"/>'
            f'<text x="{LEFT + length + 5:.1f}" y="{y + 10}">{label}</text>'
        ]
    return lines


def picture(record: dict[str, Any]) -> str:
    """Return the picture of a record."""
    cells, lines, top = times(record), [], 0
    for operation, size, alphabet, title in PANELS:
        found = {
            name: ns for name, ns in cells[operation, size, alphabet].items() if name in LIBRARIES
        }
        lines += panel(found, title, top)
        top += HEAD + len(found) * ROW + 8
    cases = "; ".join(f"{o}, {a}, {size_name(n)}" for o, n, a, _ in PANELS)
    cpu = record["machine"]["cpu"].partition(" (")[0]
    said = "Time of one, on a log scale; in brackets, how many times as long as wsfast."
    lines.append(f'<text x="0" y="{top + 12}">{said} {record["date"][:10]}, {cpu}</text>')
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top + 20}" '
        'font-family="sans-serif" font-size="11" fill="#777" role="img">'
    )
    return "\n".join([head, f"<title>Time by library: {cases}</title>", *lines, "</svg>"]) + "\n"


def draw(record: dict[str, Any]) -> None:
    """Write the picture of a record."""
    PICTURE.write_text(picture(record), encoding="utf-8")
