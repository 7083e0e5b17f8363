"""``wsfast bench``: how fast the codec is here, compared with the installed libraries.

Invariant: a ratio compares minima of one run, in which all take turns; only what gave the
right result before is timed.
"""

from __future__ import annotations

import timeit
from pathlib import Path
from typing import Any, TypeAlias

import click

from .. import __version__, backend
from ..adapters import restore
from . import _contenders
from ._contenders import LIBRARIES, OPERATIONS, OURS, SCRIPTS
from ._output import JSON, write_json

_SIZES = (16, 125, 1024, 65_536)
_ROUNDS = 7
_LARGEST = 1 << 28
_SUFFIXES = (".png", ".svg")

Row: TypeAlias = dict[str, Any]  # operation, bytes, script, ns: {peer: time of one text}


def _plot_path(_: click.Context, __: click.Parameter, value: str | None) -> Path | None:
    if value is None:
        return None
    path = Path(value)
    if path.suffix not in _SUFFIXES:
        raise click.BadParameter(f"the name must end in .png or .svg, not {value!r}")
    if path.is_dir():
        raise click.BadParameter(f"{value!r} is a directory")
    if not path.parent.is_dir():
        raise click.BadParameter(f"there is no directory {str(path.parent)!r}")
    try:
        import matplotlib  # noqa: F401
    except ModuleNotFoundError as error:
        raise click.UsageError("--plot needs matplotlib: pip install matplotlib") from error
    return path


def _finite(_: click.Context, __: click.Parameter, value: float) -> float:
    if value != value:  # NaN is in every range of click's
        raise click.BadParameter("it is not a number")
    return value


@click.command(short_help="Measure the speed here, and compare other libraries.")
@click.argument("operations", nargs=-1, type=click.Choice(tuple(OPERATIONS)))
@click.option(
    "--size",
    "sizes",
    multiple=True,
    type=click.IntRange(0, _LARGEST),
    help=f"Payload in bytes; can be given several times.  [default: {', '.join(map(str, _SIZES))}]",
)
@click.option(
    "--script",
    default="ascii",
    show_default=True,
    type=click.Choice(tuple(SCRIPTS)),
    help="The kind of text.",
)
@click.option(
    "--seconds",
    default=0.02,
    show_default=True,
    type=click.FloatRange(0.0001, 10),
    callback=_finite,
    help="Seconds for each library in each round.",
)
@click.option("--plot", callback=_plot_path, metavar="FILE", help="Draw the result, as PNG or SVG.")
@JSON
def bench(
    operations: tuple[str, ...],
    sizes: tuple[int, ...],
    script: str,
    seconds: float,
    plot: Path | None,
    as_json: bool,
) -> int:
    """Measure masking, validation, decoding and receiving; compare with installed libraries.

    \b
    Examples:
      wsfast bench
      wsfast bench receive --size 32 --size 65536 --script cjk
      wsfast bench --plot bench.svg
    """
    restore()  # or, with WSFAST_ACCELERATE, wsfast would be measured against itself
    rows = []
    for operation in operations or OPERATIONS:
        for size in sorted(set(sizes or _SIZES)):
            row = _measured(operation, size, script, seconds)
            rows.append(row)
            if not as_json:
                _write(row, first=size == min(sizes or _SIZES))
    if plot is not None:
        _draw(rows, plot)
    if as_json:
        info = backend()
        write_json(
            {"wsfast": __version__, "backend": info.name, "kernel": info.kernel, "rows": rows}
        )
    elif plot is not None:
        click.echo(f"\n{click.format_filename(plot)} drawn")
    return 0


def _measured(operation: str, size: int, script: str, seconds: float) -> Row:
    """Time every installed contender; each has its turn in each round."""
    work = OPERATIONS[operation]
    text = _contenders.text_of(script, size)
    data = work.prepare(text)
    timers: dict[str, timeit.Timer] = {}
    for library in work.contenders:
        call = _contenders.made(operation, library)
        if call is None:
            continue
        function, *arguments = work.bind(call, data)
        if not work.is_right(text, function(*arguments)):
            raise click.ClickException(
                f"{library} gave a wrong result for {operation}, {size} bytes"
            )
        names = {f"a{number}": argument for number, argument in enumerate(arguments)}
        timers[library] = timeit.Timer(f"f({', '.join(names)})", globals={"f": function, **names})
    numbers = {peer: _calls_in(seconds, timer) for peer, timer in timers.items()}
    best = dict.fromkeys(timers, float("inf"))
    for _ in range(_ROUNDS):
        for peer, timer in timers.items():
            best[peer] = min(best[peer], timer.timeit(numbers[peer]) / numbers[peer])
    texts = work.in_one_call(size)
    times = {peer: round(taken / texts * 1e9, 1) for peer, taken in best.items()}
    return {"operation": operation, "bytes": size, "script": script, "ns": times}


def _calls_in(seconds: float, timer: timeit.Timer) -> int:
    number = 1
    while (taken := timer.timeit(number)) < seconds / 10:
        number *= 4
    return max(1, int(number * seconds / taken))


def _write(row: Row, *, first: bool) -> None:
    if first:
        title = OPERATIONS[row["operation"]].title
        click.echo(click.style(f"{row['operation']}: {title}, {row['script']}", bold=True))
    ours = row["ns"][OURS]
    others = "  ".join(
        f"{peer} {_duration(ns)} ({ns / ours:.1f}x)"
        for peer, ns in row["ns"].items()
        if peer != OURS
    )
    head = f"  {row['bytes']:>9,} bytes  {click.style(f'{_duration(ours):>9}', fg='green')}"
    click.echo(f"{head}  {others}".rstrip())


def _duration(ns: float) -> str:
    if ns < 1000:
        return f"{ns:.0f} ns"
    return f"{ns / 1e3:.1f} µs" if ns < 1e6 else f"{ns / 1e6:.1f} ms"


def _draw(rows: list[Row], path: Path) -> None:
    """Draw bytes a second against size on log scales, one line a library."""
    import matplotlib as mpl

    mpl.use("agg" if path.suffix == ".png" else "svg")
    from matplotlib import pyplot

    names = list(dict.fromkeys(row["operation"] for row in rows))
    peers = list(dict.fromkeys(peer for row in rows for peer in row["ns"]))
    figure, grid = pyplot.subplots(
        1, len(names), figsize=(4.2 * len(names), 3.8), layout="constrained", squeeze=False
    )
    for axes, name in zip(grid[0], names, strict=True):
        cells = [row for row in rows if row["operation"] == name and row["bytes"]]
        for peer in peers:
            points = [(r["bytes"], r["bytes"] / r["ns"][peer]) for r in cells if peer in r["ns"]]
            if points:
                colour, marker = LIBRARIES[peer]
                width = 2.4 if peer == OURS else 1.4
                look = {"marker": marker, "linewidth": width, "color": colour}
                axes.plot(*zip(*points, strict=True), label=peer, **look)
        axes.set(xscale="log", yscale="log", xlabel="bytes", ylabel="bytes per ns (GB/s)")
        axes.set_title(OPERATIONS[name].title, fontsize=10)
        axes.grid(axis="y", color="#dddddd", linewidth=0.6)
        axes.spines[["top", "right"]].set_visible(False)
        if axes.lines:  # none of no bytes
            axes.legend(fontsize=8, frameon=False)
    figure.savefig(path)
    pyplot.close(figure)
