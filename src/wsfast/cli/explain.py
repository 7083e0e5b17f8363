"""``wsfast explain``: what close codes mean, when you see them, and what to do.

RFC 6455 section 7.4.

Invariant: says nothing that is not in the table of close codes.
"""

from __future__ import annotations

from typing import Any

import click

from ..closecodes import CloseCodeInfo, Comparison, compare
from ..closecodes import explain as explain_code
from ._output import JSON, terminal_width, write_fields, write_json

_SENDERS = {
    "both": "client or server",
    "client": "the client",
    "server": "the server",
    "never": "nobody; it never goes on the wire",
}


_NARROW = 60  # columns; a table of two codes would lose text in fewer


class _Code(click.IntRange):
    name = "close code"  # what click calls it in errors


@click.command(short_help="What close codes mean and what to do.")
@click.argument("codes", nargs=-1, required=True, metavar="CODE...", type=_Code(0, 65535))
@JSON
def explain(codes: tuple[int, ...], as_json: bool) -> int:
    """Explain close codes; two of them side by side.

    \b
    Examples:
      wsfast explain 1007
      wsfast explain 1001 1007
      wsfast explain --json 1006 4321
    """
    if as_json:
        write_json(_as_json(codes))
    elif len(codes) == 2:
        _write_comparison(compare(*codes))
    else:
        for number, code in enumerate(codes):
            if number:
                click.echo()
            info = explain_code(code)
            click.echo(click.style(_title(info), bold=True))
            write_fields(_rows(info))
    return 0


def _as_json(codes: tuple[int, ...]) -> dict[str, Any]:
    infos = [explain_code(code) for code in codes]
    found: dict[str, Any] = {
        "codes": [dict(zip(i.__match_args__, i._values(), strict=True)) for i in infos]
    }
    if len(codes) == 2:
        found["differences"] = [
            {"aspect": aspect, str(codes[0]): first, str(codes[1]): second}
            for aspect, first, second in compare(*codes).differences
        ]
    return found


def _title(info: CloseCodeInfo) -> str:
    if info.first == info.last:
        return f"{info.code} {info.name}"
    return f"{info.code} ({info.first} to {info.last}: {info.name})"


def _rows(info: CloseCodeInfo) -> list[tuple[str, str]]:
    return [
        ("meaning", info.meaning),
        ("when you see it", info.seen),
        ("what to do", info.fix),
        ("when to use it", info.use),
        ("reconnect", info.reconnecting),
        ("sent by", _SENDERS[info.sender]),
        ("source", info.source),
    ]


def _write_comparison(comparison: Comparison) -> None:
    first, second = comparison.first, comparison.second
    rows = [
        (label, a, b)
        for (label, a), (_, b) in zip(_rows(first), _rows(second), strict=True)
        if label != "reconnect" or a == b
    ]
    width = min(terminal_width(), 140)
    if width >= _NARROW:
        _write_table(comparison, rows, width)
    else:
        _write_plain(comparison, rows)


def _write_table(comparison: Comparison, rows: list[tuple[str, str, str]], width: int) -> None:
    # Here, for other subcommands should not pay for rich.
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(expand=True, show_lines=True, width=width)
    table.add_column("", style="cyan", width=11)
    for info in (comparison.first, comparison.second):
        table.add_column(Text(_title(info)), ratio=1, header_style="bold")
    for label, a, b in rows[:-2]:
        table.add_row(Text(label), Text(a), Text(b))
    for number, (aspect, a, b) in enumerate(comparison.differences):
        head = Text("difference: " if number == 0 else "", style="bold") + Text(aspect)
        table.add_row(head, Text(a), Text(b))
    for label, a, b in rows[-2:]:
        table.add_row(Text(label), Text(a), Text(b))
    Console(width=width).print(table)


def _write_plain(comparison: Comparison, rows: list[tuple[str, str, str]]) -> None:
    first, second = str(comparison.first.code), str(comparison.second.code)
    click.echo(f"{_title(comparison.first)} / {_title(comparison.second)}")
    for label, a, b in rows:
        click.echo(f"{label}:")
        write_fields([(first, a), (second, b)] if a != b else [("both", a)])
    for aspect, a, b in comparison.differences:
        click.echo(f"difference, {aspect}:")
        write_fields([(first, a), (second, b)])
