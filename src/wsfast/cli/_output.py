"""Write results: with colour in a terminal, plain in a pipe, or as JSON.

Invariant: nothing that came from a file, nor its name, reaches a terminal unescaped.
"""

from __future__ import annotations

import json
import shutil
import sys
import textwrap
from typing import Any

import click

from ..diagnosis import Diagnosis
from ..errors import InvalidUTF8, ProtocolViolation

SHOW_PAYLOAD = click.option(
    "--show-payload", is_flag=True, help="Show the payload, which is hidden otherwise."
)
JSON = click.option("--json", "as_json", is_flag=True, help="Write JSON.")


def write_json(value: object) -> None:
    """Write one JSON document, of ASCII only."""
    click.echo(json.dumps(value, indent=2))


def evidence(violation: ProtocolViolation, *, fragments: bool = True) -> dict[str, Any]:
    """Return what a violation holds, for JSON; of a file there are no fragments."""
    found: dict[str, Any] = {
        "error": type(violation).__name__,
        "close_code": violation.close_code,
        "close_reason": violation.close_reason,
    }
    if isinstance(violation, InvalidUTF8):
        found |= {
            "offset": violation.offset,
            "length": violation.length,
            "detected_at": violation.detected_at,
            "cause": violation.cause.name,
            "octets": violation.octets.hex(),
        }
        if fragments:
            found["fragment_index"] = violation.fragment_index
            found["fragment_offset"] = violation.fragment_offset
    return found


def diagnosed(diagnosis: Diagnosis) -> dict[str, Any]:
    """Return what a diagnosis says, for JSON."""
    return {
        "origin": diagnosis.origin.name,
        "detail": diagnosis.detail,
        "confidence": diagnosis.confidence,
        "reason": diagnosis.reason,
        "remedy": diagnosis.remedy,
        "window": diagnosis.window,
    }


def write_fields(rows: list[tuple[str, str]], indent: int = 2) -> None:
    """Write labels and values, wrapped to the terminal; in a pipe one line each."""
    width = terminal_width()
    room = max(len(label) for label, _ in rows) + 2
    for label, value in rows:
        head = " " * indent + click.style(label.ljust(room), fg="cyan")
        lines = wrap(value, width - indent - room) if width else [value]
        click.echo(head + ("\n" + " " * (indent + room)).join(lines))


def terminal_width() -> int:
    """Return the columns of the terminal, 0 if output goes elsewhere."""
    if sys.stdout is None or not sys.stdout.isatty():
        return 0
    return shutil.get_terminal_size().columns


def wrap(text: str, width: int) -> list[str]:
    """Return the lines of a text, none longer than ``width`` if words allow it."""
    return textwrap.wrap(text, max(width, 20), break_on_hyphens=False) or [""]


def write_wrapped(text: str, *, indent: int, mark: str, **style: Any) -> None:
    """Write a text after a mark, indented, and wrapped to the terminal."""
    width = terminal_width()
    lines = wrap(text, width - indent - len(mark)) if width else [text]
    for number, line in enumerate(lines):
        click.echo(" " * indent + click.style((mark, " " * len(mark))[number > 0] + line, **style))


def write_evidence(
    violation: ProtocolViolation, diagnosis: Diagnosis | None, *, fragments: bool = True
) -> None:
    """Write what a violation and its diagnosis say; of a file there are no fragments."""
    click.echo(click.style(f"violation {violation.close_code}", fg="red", bold=True), nl=False)
    click.echo(f": {violation.close_reason}")
    rows: list[tuple[str, str]] = []
    if isinstance(violation, InvalidUTF8):
        rows += [
            ("offset", f"{violation.offset} (0x{violation.offset:x})"),
            ("length", f"{violation.length} byte{'s' * (violation.length > 1)}"),
            ("detected at", str(violation.detected_at)),
            ("cause", f"{violation.cause.name}: {violation.cause.value}"),
        ]
        if fragments and violation.fragment_index:
            place = f"{violation.fragment_index}, byte {violation.fragment_offset} of it"
            rows.append(("fragment", place))
    if diagnosis is not None:
        detail = f" ({diagnosis.detail})" if diagnosis.detail else ""
        rows += [
            ("window", diagnosis.window),
            ("origin", f"{diagnosis.origin.value}{detail}; {diagnosis.confidence} confidence"),
            ("because", diagnosis.reason),
            ("remedy", diagnosis.remedy),
        ]
    if rows:
        write_fields(rows)


def named(path: str) -> str:
    """Return what to call a file: names may hold what a terminal takes for a command."""
    return "standard input" if path == "-" else escaped(click.format_filename(path), 4096)


def escaped(text: str, limit: int) -> str:
    """Return the text with what a terminal could take for a command written out."""
    out = []
    for character in text[:limit]:
        if character.isprintable():
            out.append(character)
        else:
            out.append(character.encode("unicode_escape").decode("ascii"))
    return "".join(out) + ("..." if len(text) > limit else "")
