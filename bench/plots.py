"""Draw a record: throughput by size, one line a library, and by script as bars.

Called by run.py for each recorded run, into build/plots/, and by docs/site_hooks.py for the
site; `python bench/run.py --plot [RECORD]` draws again.  The pictures are not kept in git.

Invariant: everything drawn is in the record; a library keeps its colour in every plot.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib import pyplot

from samples import size_name
from summary import times
from wsfast.cli._contenders import LIBRARIES, OURS

BY_SIZE = (
    ("mask", "mask into new bytes"),
    ("validate", "validate ASCII"),
    ("decode", "decode ASCII to str"),
    ("messages", "masked ASCII messages to str"),
    ("messages in reads of 1 KiB", "the same in reads of 1 KiB"),
    ("encode masked frame", "encode a masked frame"),
)
BY_SCRIPT = (("validate", "validate"), ("decode", "decode to str"))
SCRIPTS = ("ascii", "latin", "cyrillic", "cjk", "emoji", "json")
SCRIPT_SIZE = 16_384


def _style(axes: Any) -> None:
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter("")
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)


def by_size(record: dict[str, Any], path: Path) -> None:
    """Draw bytes a second against size, both on log scales."""
    found = times(record)
    figure, grid = pyplot.subplots(3, 2, figsize=(10, 11), layout="constrained")
    for axes, (operation, title) in zip(grid.flat, BY_SIZE, strict=True):
        sizes = sorted(
            n for kind, n, script in found if (kind, script) == (operation, "ascii") and n
        )
        for peer, (colour, marker) in LIBRARIES.items():
            points = [
                (n, n / found[operation, n, "ascii"][peer])
                for n in sizes
                if peer in found[operation, n, "ascii"]
            ]
            if points:
                axes.plot(
                    *zip(*points, strict=True),
                    color=colour,
                    marker=marker,
                    markersize=4,
                    linewidth=2.4 if peer == OURS else 1.4,
                    label=peer,
                )
        axes.set(xscale="log", yscale="log", title=title, ylabel="bytes per ns (GB/s)")
        axes.set_xticks(sizes, [size_name(n) for n in sizes], rotation=45, fontsize=8)
        axes.minorticks_off()
        axes.legend(fontsize=8, frameon=False)
        _style(axes)
    _save(figure, record, path)


def by_script(record: dict[str, Any], path: Path) -> None:
    """Draw bytes a second for each script at one size, as bars."""
    found = times(record)
    figure, grid = pyplot.subplots(1, 2, figsize=(10, 3.8), layout="constrained")
    for axes, (operation, title) in zip(grid, BY_SCRIPT, strict=True):
        cells = [found.get((operation, SCRIPT_SIZE, script), {}) for script in SCRIPTS]
        peers = [peer for peer in LIBRARIES if any(peer in cell for cell in cells)]
        width = 0.8 / max(1, len(peers))
        for place, peer in enumerate(peers):
            axes.bar(
                [x + (place - (len(peers) - 1) / 2) * width for x in range(len(SCRIPTS))],
                [SCRIPT_SIZE / cell[peer] if peer in cell else 0 for cell in cells],
                width,
                color=LIBRARIES[peer].colour,
                label=peer,
            )
        axes.set(yscale="log", title=f"{title}, {size_name(SCRIPT_SIZE)}")
        axes.set_ylabel("bytes per ns (GB/s)")
        axes.set_xticks(range(len(SCRIPTS)), SCRIPTS)
        axes.legend(fontsize=8, frameon=False)
        _style(axes)
    _save(figure, record, path)


def _save(figure: Any, record: dict[str, Any], path: Path) -> None:
    machine = record["machine"]
    figure.suptitle(
        f"{record['date'][:10]}, {machine['cpu']}, {machine['python']}, "
        f"kernel {machine['wsfast']['kernel'] or 'none'}",
        fontsize=9,
        color="#555555",
    )
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)


def names(stem: str) -> list[str]:
    """Return what the plots of a record are called."""
    return [f"{stem}-by-{kind}.svg" for kind in ("size", "script")]


def draw(record: dict[str, Any], stem: str, directory: Path) -> list[Path]:
    """Draw both plots into a directory, which is made if need be; return where they are."""
    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "wsfast"  # the same record, the same file
    directory.mkdir(parents=True, exist_ok=True)
    paths = [directory / name for name in names(stem)]
    by_size(record, paths[0])
    by_script(record, paths[1])
    return paths
