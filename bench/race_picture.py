"""A record of race.py for readers: a picture, what wsfast gains, and a table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from summary import facts

PICTURE = Path(__file__).resolve().parents[1] / "docs" / "race.svg"
LOOP = "uvloop"
# The loads that are drawn, and their headings.
PANELS = {
    "32, 32 connections, one at a time": "chat: 32 bytes, one message at a time",
    "32, 32 connections, 64 at once": "bursts: 32 bytes, 64 messages at once",
    "64 KiB, cyrillic, 8 connections, one at a time": "documents: 64 KiB of Cyrillic text",
}
WIDTH, BAR, LEFT, TOP = 940, 15, 124, 58
BETWEEN = 24  # panels
OURS, THEIRS, TEXT = "#1f6feb", "#b8c0cc", "#24292f"


def label_of(name: str) -> str:
    """Return what readers call a server: another name than race.py's if wsfast is in it."""
    if name == "wsfast":
        return "wsfast alone"
    return f"{name.removesuffix('+')} + wsfast" if name.endswith("+") else name


def bars(panel: str, figures: dict[str, float], x: int, width: int) -> list[str]:
    """Return one diagram."""
    lines = [f'<text x="{x}" y="{TOP - 12}" font-weight="bold">{panel}</text>']
    longest = max(figures.values())
    room = width - LEFT - 44
    for number, (name, time) in enumerate(sorted(figures.items(), key=lambda item: item[1])):
        y = TOP + number * (BAR + 5)
        label = label_of(name)
        ours = label != name
        weight = ' font-weight="bold"' if ours else ""
        length = max(room * time / longest, 1)
        lines += [
            f'<text x="{x + LEFT - 6}" y="{y + BAR - 4}" text-anchor="end"{weight} '
            f'font-size="10">{label}</text>',
            f'<rect x="{x + LEFT}" y="{y}" width="{length:.0f}" height="{BAR}" '
            f'fill="{OURS if ours else THEIRS}"/>',
            f'<text x="{x + LEFT + length + 5:.0f}" y="{y + BAR - 4}" font-size="10">'
            f"{time:.3g}</text>",
        ]
    return lines


def picture(record: dict[str, Any]) -> str:
    """Return the picture of a record."""
    loads = {row["load"]: row["us"] for row in record["rows"] if row["loop"] == LOOP}
    width = (WIDTH - 2 * BETWEEN) // len(PANELS)
    height = TOP + max(len(loads[load]) for load in PANELS) * (BAR + 5) + 8
    title = "CPU time of an echo by the whole server, in microseconds: shorter is better"
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        f'font-family="sans-serif" font-size="11" fill="{TEXT}" role="img">',
        f"<title>{title}</title>",
        f'<rect width="{WIDTH}" height="{height}" rx="6" fill="#fff"/>',
        f'<text x="12" y="22" font-size="14">{title}</text>',
    ]
    for number, (load, panel) in enumerate(PANELS.items()):
        lines += bars(panel, loads[load], 12 + number * (width + BETWEEN - 12), width)
    return "\n".join([*lines, "</svg>"]) + "\n"


def gain(record: dict[str, Any], library: str) -> str:
    """Say how many times less CPU an echo takes with wsfast, over all loads of a record."""
    ratios = [row["us"][library] / row["us"][f"{library}+"] for row in record["rows"]]
    return f"{min(ratios):.1f} to {max(ratios):.1f} times"


def table(record: dict[str, Any]) -> str:
    """Return what an echo takes each server, and how many times less with wsfast under it."""
    text = f"Measured {record['date'][:10]} with `{record['command']}`:\n\n"
    text += "\n".join(f"- {line}" for line in facts(record["machine"]).split(";\n")) + "\n\n"
    for loop in dict.fromkeys(row["loop"] for row in record["rows"]):
        rows = [row for row in record["rows"] if row["loop"] == loop]
        names = list(dict.fromkeys(name for row in rows for name in row["us"]))
        loads = [row["load"].replace("32,", "32 bytes,", 1) for row in rows]
        text += f"| {loop} | {' | '.join(loads)} |\n|---|{'--:|' * len(rows)}\n"
        for name in names:
            cells = []
            for row in rows:
                time, stock = row["us"].get(name), row["us"].get(name.removesuffix("+"))
                gain = f" ({stock / time:.1f}x)" if time and name.endswith("+") else ""
                cells.append(f"{time:.3g}{gain}" if time else "")
            shown = name if label_of(name) == name else f"**{label_of(name)}**"
            text += f"| {shown} | {' | '.join(cells)} |\n"
        text += "\n"
    return text
