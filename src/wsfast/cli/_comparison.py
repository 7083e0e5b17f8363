"""Two close codes side by side: first how they differ, then what each means.

Invariant: the short form fits a terminal of 80 columns and 40 lines, whichever two codes; the
full form leaves nothing out that the table of close codes says.
"""

from __future__ import annotations

import click

from ..closecodes import CloseCodeInfo, Comparison
from ._output import terminal_width, write_fields

_NARROW = 60  # columns; a table of two codes would lose text in fewer
_WIDEST = 140
_IN_A_PIPE = 80

_Row = tuple[str, str, str]

SENDERS = {
    "both": "client or server",
    "client": "the client",
    "server": "the server",
    "never": "nobody: no close frame may carry it",
}


def title(info: CloseCodeInfo) -> str:
    """Return the heading of a code."""
    if info.first == info.last:
        return f"{info.code} {info.name}"
    return f"{info.code} ({info.first} to {info.last}: {info.name})"


def rows(info: CloseCodeInfo) -> list[tuple[str, str]]:
    """Return what is said of a code, with labels."""
    return [
        ("meaning", info.meaning),
        ("when you see it", info.seen),
        ("what to do", info.fix),
        ("when to use it", info.use),
        ("reconnect", info.reconnecting),
        ("sent by", SENDERS[info.sender]),
        ("source", info.source),
    ]


def write_comparison(comparison: Comparison, *, full: bool) -> None:
    """Write two codes side by side; one below the other where there is no room."""
    differences = list(comparison.differences)
    named = {aspect for aspect, _, _ in differences}
    both = zip(rows(comparison.first), rows(comparison.second), strict=True)
    rest = [(label, a, b) for (label, a), (_, b) in both if label not in named]
    if not full:
        differences = [(label, _first(a), _first(b)) for label, a, b in differences]
        rest = [(label, _first(a), _first(b)) for label, a, b in rest if label != "source"]
    width = min(terminal_width() or _IN_A_PIPE, _WIDEST)
    if width >= _NARROW:
        _write_table(comparison, differences, rest, width)
    else:
        _write_plain(comparison, differences, rest)
    if not full:
        codes = f"{comparison.first.code} {comparison.second.code}"
        click.echo(f"All of it: wsfast explain --full {codes}")


def _first(text: str) -> str:
    """Return the first sentence."""
    head, dot, _ = text.partition(". ")
    return head + "." if dot else text


def _write_table(
    comparison: Comparison, differences: list[_Row], rest: list[_Row], width: int
) -> None:
    # Imported here, so that other subcommands don't pay for rich.
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(expand=True, width=width, box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("difference", style="cyan", width=10)
    for info in (comparison.first, comparison.second):
        table.add_column(Text(title(info)), ratio=1, header_style="bold")
    for number, (label, a, b) in enumerate(differences):
        table.add_row(Text(label), Text(a), Text(b), end_section=number == len(differences) - 1)
    for label, a, b in rest:
        table.add_row(Text(label), Text(a), Text(b))
    console = Console(width=width)
    with console.capture() as captured:
        console.print(table)
    for line in captured.get().splitlines():
        click.echo(line.rstrip())


def _write_plain(comparison: Comparison, differences: list[_Row], rest: list[_Row]) -> None:
    first, second = str(comparison.first.code), str(comparison.second.code)
    click.echo(f"{title(comparison.first)} / {title(comparison.second)}")
    for heading, part in (("difference, ", differences), ("", rest)):
        for label, a, b in part:
            click.echo(f"{heading}{label}:")
            write_fields([(first, a), (second, b)] if a != b else [("both", a)])
