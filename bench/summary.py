"""A record as text: all of it, the table of docs/performance.md, and the short one of README.md.

A ratio is the peer's time divided by that of wsfast: 3.0x means that the peer takes three
times as long, 0.5x that it takes half.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from samples import size_name
from wsfast.cli._contenders import LIBRARIES, OURS

Rows = tuple[tuple[str, str, tuple[int, ...]], ...]
Times = dict[tuple[str, int, str], dict[str, float]]  # (operation, bytes, alphabet): peer: ns

# What docs/performance.md shows: operation, alphabet, sizes.
ROWS = (
    ("mask", "ascii", (16, 125, 1024, 65_536)),
    ("validate", "ascii", (16, 125, 1024, 65_536)),
    ("validate", "cyrillic", (16, 125, 1024, 65_536)),
    ("decode", "ascii", (125, 1024, 65_536)),
    ("decode", "cjk", (125, 1024, 65_536)),
    ("decode frames", "ascii", (16, 125, 1024)),
    ("encode masked frame", "ascii", (16, 125, 1024)),
    ("encode masked frames for one write", "ascii", (16, 125, 1024)),
    ("messages", "ascii", (16, 125, 1024, 65_536)),
    ("messages", "json", (125, 1024, 65_536)),
    ("binary messages", "ascii", (16, 1024, 65_536)),
    ("unmasked messages", "ascii", (16, 1024, 65_536)),
    ("messages in reads of 1 KiB", "ascii", (16, 1024, 65_536)),
)
# And README.md: at most ten rows.
README_ROWS = (
    ("messages", "ascii", (16, 125, 65_536)),
    ("messages", "json", (1024, 65_536)),
    ("encode masked frame", "ascii", (125,)),
    ("mask", "ascii", (125,)),
    ("validate", "ascii", (1024,)),
    ("validate", "cyrillic", (1024,)),
    ("decode", "cjk", (1024,)),
)
# A whole address, because the package index shows README.md too, and has no other files.
FILE = "https://github.com/wsfast/wsfast/blob/main/"


def times(record: dict[str, Any]) -> Times:
    """Return the record's nanoseconds by case and peer, in the order they were measured."""
    found: Times = {}
    for row in record["rows"]:
        case = (row["operation"], row["size"], row["alphabet"])
        found.setdefault(case, {})[row["peer"]] = row["ns"]
    return found


def duration(ns: float) -> str:
    """Return a time with three digits and a unit."""
    if ns < 1000:
        return f"{ns:.0f} ns" if ns >= 100 else f"{ns:.1f} ns"
    return f"{ns / 1e3:.1f} µs" if ns < 1e6 else f"{ns / 1e6:.1f} ms"


def ratio(ours: float, theirs: float) -> str:
    """Return how many times as long theirs takes as ours."""
    times_ours = theirs / ours
    return f"{times_ours:.0f}x" if times_ours >= 20 else f"{times_ours:.1f}x"


def facts(machine: dict[str, Any]) -> str:
    """Return the machine in a line or two."""
    ours = machine["wsfast"]
    packages = ", ".join(f"{name} {version}" for name, version in machine["packages"].items())
    return (
        f"{machine['cpu']}, {machine['cpus']} CPUs, {machine['system']}; "
        f"{machine['python']}, {machine['compiler']};\n"
        f"wsfast {ours['version']} ({ours['name']}, kernel {kernel(ours)}); {packages}"
    )


def kernel(ours: dict[str, Any]) -> str:
    """Return the kernel, and on x86-64 whether the CPU has what that for AVX-512 needs.

    CPUs with AVX-512 but without VBMI run the AVX2 kernel.
    """
    if ours["kernel"] not in ("ssse3", "avx2", "avx512"):
        return str(ours["kernel"]) or "none"
    vbmi = [name for name in ("VBMI", "VBMI2") if f"avx512_{name.lower()}" in ours["cpu_features"]]
    return f"{ours['kernel']}, {' and '.join(vbmi) or 'no VBMI'}"


def table(record: dict[str, Any]) -> str:
    """Return every case: our time, and each peer's with its ratio."""
    lines = [f"{record['date']}  {record['command']}", facts(record["machine"])]
    before = ""
    for (operation, size, alphabet), found in times(record).items():
        if operation != before:
            lines += ["", f"{operation}: time of one; in brackets the peer's time / wsfast's"]
            before = operation
        ours = found.get(OURS)
        cells = [
            f"{peer} {duration(ns)}" + (f" ({ratio(ours, ns)})" if ours else "")
            for peer, ns in found.items()
            if peer != OURS
        ]
        own = duration(ours) if ours else "-"
        lines.append(f"  {size_name(size):>6} {alphabet:9} {own:>9} | " + "  ".join(cells))
    return "\n".join(lines)


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |\n"


def markdown(record: dict[str, Any], rows: Rows = ROWS) -> str:
    """Return the table for a page, and what it needs to be read."""
    found = times(record)
    measured = {library for cells in found.values() for library in cells}
    columns = [library for library in LIBRARIES if library != OURS and library in measured]
    first, second = facts(record["machine"]).rstrip(";").split(";\n")
    text = (
        f"Measured {record['date'][:10]} with `{record['command']}`; the whole run is\n"
        f"[{record['path']}]({FILE}{record['path']}).\n\n- {first}\n- {second}\n\n"
        "The wsfast column is the time for one call, frame or message. The others say how many\n"
        "times as long that library takes for the same work; below 1x it is faster than wsfast.\n\n"
    )
    text += _row(["work, text", "bytes", "wsfast", *columns])
    text += _row(["---", "--:", "--:", *["--:"] * len(columns)])
    for operation, alphabet, sizes in rows:
        for size in sizes:
            cells = found.get((operation, size, alphabet))
            if cells and OURS in cells:
                ratios = (
                    ratio(cells[OURS], cells[peer]) if peer in cells else "" for peer in columns
                )
                name = f"{operation}, {alphabet}"
                text += _row([name, size_name(size, " "), duration(cells[OURS]), *ratios])
    return text
