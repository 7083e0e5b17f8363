"""``wsfast explain``: what close codes mean, when you see them, and what to do about them.

RFC 6455 section 7.4.

Invariant: says nothing of a code that is not in the table of close codes, and shows nothing of
a log's line but what it read there.
"""

from __future__ import annotations

import sys
from typing import Any, NamedTuple

import click

from ..closecodes import CloseCode, compare
from ..closecodes import explain as explain_code
from ._comparison import rows, title, write_comparison
from ._logline import LONGEST, Reading, named_code, read
from ._output import JSON, write_fields, write_json

# Who sent the text that was not UTF-8, by the direction of the close frame.
_WHOSE = {
    "sent": "the other end sent the invalid text, and this program refused it",
    "received": "this program sent the invalid text, and the other end refused it",
}
_MOST = 100  # different findings of a log that are shown


class _Found(NamedTuple):
    """A reading, the first line that has it (0: an argument), and how many do."""

    reading: Reading
    line: int
    times: int


@click.command(short_help="Explain close codes and log lines.")
@click.argument("what", nargs=-1, required=True, metavar="CODE|NAME|LINE|-...")
@click.option("--full", is_flag=True, help="Show all about two codes, not only 40 lines.")
@JSON
def explain(what: tuple[str, ...], full: bool, as_json: bool) -> int:
    """Explain close codes and log lines; two codes are shown side by side.

    A code is a number or a name. In a log line, explain finds the code and the offset, and says
    what the offset counts from: this depends on the program that wrote the line. With -, it
    reads a whole log from standard input.

    \b
    Examples:
      wsfast explain 1007
      wsfast explain 1001 1007
      wsfast explain GOING_AWAY
      wsfast explain "invalid continuation byte at position 5"
      journalctl -u app | wsfast explain -
    """
    if what == ("-",):
        found = _read_log()
        codes = tuple(dict.fromkeys(f.reading.code for f in found if f.reading.code is not None))
    else:
        codes, found = _read_arguments(what)
    if as_json:
        write_json(_as_json(codes, found))
        return 0
    for one in found:
        _write_reading(one)
    if len(codes) == 2 and not found:
        write_comparison(compare(*codes), full=full)
        return 0
    for number, code in enumerate(codes):
        if number or found:
            click.echo()
        info = explain_code(code)
        click.echo(click.style(title(info), bold=True))
        write_fields(rows(info))
    return 0


def _read_arguments(what: tuple[str, ...]) -> tuple[tuple[int, ...], list[_Found]]:
    """Return the codes and what was read in lines; words that a shell took apart are one line."""
    known = [named_code(word) for word in what]
    if None not in known:
        return tuple(code for code in known if code is not None), []
    lines: tuple[str, ...] = (" ".join(what),)
    if all(code is not None or " " in word for word, code in zip(what, known, strict=True)):
        lines = what
    elif named_code(lines[0]) is not None:
        return (named_code(lines[0]) or 0,), []
    codes: dict[int, None] = {}
    found = []
    for line in lines:
        code = named_code(line)
        reading = None if code is not None else read(line)
        if reading is not None:
            found.append(_Found(reading, 0, 1))
            code = reading.code
        elif code is None:
            word = next(word for word, code in zip(what, known, strict=True) if code is None)
            raise click.UsageError(
                f"{word[:80]!r} is neither a close code nor a log line that contains one: "
                "give a number from 0 to 65535, a name such as GOING_AWAY, or the whole line."
            )
        if code is not None:
            codes[code] = None
    return tuple(codes), found


def _read_log() -> list[_Found]:
    """Return what the lines of standard input say, each thing once."""
    found: dict[Reading, _Found] = {}
    stream = sys.stdin.buffer
    number = 0
    whole = True  # is this the beginning of a line?
    while piece := stream.readline(4 * LONGEST):
        begins, whole = whole, piece.endswith(b"\n")
        if not begins:
            continue
        number += 1
        reading = read(piece.decode("utf-8", "replace"))
        if reading is None:
            continue
        if reading in found:
            found[reading] = found[reading]._replace(times=found[reading].times + 1)
        elif len(found) < _MOST:
            found[reading] = _Found(reading, number, 1)
    if not found:
        raise click.UsageError(
            f"there is no close code that wsfast recognises in {number} "
            f"line{'' if number == 1 else 's'} of standard input."
        )
    return list(found.values())


def _write_reading(found: _Found) -> None:
    reading = found.reading
    head = f"line {found.line}: " if found.line else ""
    head += reading.program or "program unknown"
    if reading.code is None:
        head += ": no close code"
    else:
        name = explain_code(reading.code).name
        way = "means" if reading.inferred else reading.way
        head += f": {way} {reading.code} ({name})" if way else f": {reading.code} ({name})"
    if found.times > 1:
        again = found.times - 1
        head += ", " + ("once more" if again == 1 else f"{again} times more")
    click.echo(click.style(head, bold=True))
    fields = []
    if reading.code == CloseCode.INVALID_PAYLOAD_DATA and reading.way in _WHOSE:
        fields.append(("sender", _WHOSE[reading.way]))
    if reading.offset is not None and reading.counted is not None:
        fields.append(("place", f"byte {reading.offset}: {reading.counted.meaning}"))
    if reading.note:
        fields.append(("note", reading.note))
    if fields:
        write_fields(fields)


def _as_json(codes: tuple[int, ...], found: list[_Found]) -> dict[str, Any]:
    infos = [explain_code(code) for code in codes]
    document: dict[str, Any] = {
        "codes": [dict(zip(i.__match_args__, i._values(), strict=True)) for i in infos]
    }
    if found:
        document["readings"] = [_reading_as_json(one) for one in found]
    elif len(codes) == 2:
        document["differences"] = [
            {"aspect": aspect, str(codes[0]): first, str(codes[1]): second}
            for aspect, first, second in compare(*codes).differences
        ]
    return document


def _reading_as_json(found: _Found) -> dict[str, Any]:
    reading = found.reading
    return {
        "line": found.line,
        "times": found.times,
        "program": reading.program,
        "code": reading.code,
        "inferred": reading.inferred,
        "way": reading.way,
        "offset": reading.offset,
        "counted_from": reading.counted.base if reading.counted else None,
        "offset_meaning": reading.counted.meaning if reading.counted else None,
        "note": reading.note,
    }
