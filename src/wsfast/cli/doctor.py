"""``wsfast doctor``: what runs here, what could run faster, and what to do for it.

Invariant: nothing is switched on; a peer is imported, and no more.
"""

from __future__ import annotations

import contextlib
import importlib
import platform
import sys
import timeit
import warnings
from types import FunctionType
from typing import Any, NamedTuple

import click

from .. import __version__, apply_mask, backend, decode_utf8, is_valid_utf8
from .._backend import BackendInfo
from ..adapters import Acceleration, _seams, status
from ._output import JSON, write_fields, write_json

OURS, COMPILED, PYTHON = "wsfast", "compiled", "Python"


class Finding(NamedTuple):
    """What one seam runs, and what to do if it is slow."""

    peer: str
    version: str
    seam: str
    runs: str
    note: str
    slow: bool


@click.command(short_help="What runs here, and what could run faster.")
@JSON
def doctor(as_json: bool) -> int:
    """Say which codec and kernel run, and what each installed peer runs on.

    \b
    Examples:
      wsfast doctor
      WSFAST_ACCELERATE=all wsfast doctor
      wsfast doctor --json

    Exit status: 0 if nothing is slow that need not be, else 1.
    """
    info = backend()
    remedy = _remedy(info)
    findings = _findings()
    speed = _speed()
    slow = bool(remedy) or any(finding.slow for finding in findings)
    if as_json:
        write_json(
            {
                "wsfast": __version__,
                "python": platform.python_version(),
                "backend": dict(zip(info.__match_args__, info._values(), strict=True)),
                "remedy": remedy,
                "peers": [finding._asdict() for finding in findings],
                "gigabytes_per_second": speed,
                "slow": slow,
            }
        )
    else:
        _write(info, remedy, findings, speed)
    return 1 if slow else 0


def _remedy(info: BackendInfo) -> str:
    """Return what to do about wsfast itself, if it is slower than it need be."""
    if info.name == "pure":
        return f"{info.reason}: install a wheel, or a C compiler and wsfast again"
    core = importlib.import_module("wsfast._native.core")
    best: str = core.kernels_that_run()[-1]
    if info.kernel != best:
        return f"WSFAST_KERNEL forces {info.kernel}; this CPU runs {best}"
    return ""


def _findings() -> list[Finding]:
    for row in status():
        if row.seam:
            _import(row)  # so that what waits for it is set
    found = []
    for row in status():
        if row.seam:
            found.append(_finding(row))
        elif row.version:
            found.append(Finding(row.peer, row.version, "", "its own", row.reason, slow=False))
    return found


def _import(row: Acceleration) -> None:
    """Import what the seam stands in, if that can be done."""
    # A peer that is broken may raise anything; ``_runs`` says what.
    with warnings.catch_warnings(), contextlib.suppress(Exception):
        warnings.simplefilter("ignore")  # that it is deprecated is nobody's concern here
        importlib.import_module(_module(row))


def _module(row: Acceleration) -> str:
    seams = _seams._peer(row.peer).seams
    return next((s.module for s in seams if s.name == row.seam), row.seam.rpartition(".")[0])


def _finding(row: Acceleration) -> Finding:
    replaceable = any(seam.name == row.seam for seam in _seams._peer(row.peer).seams)
    runs = OURS if row.runs == "wsfast" else _runs(row.seam, _module(row))
    slow, note = False, row.reason
    if runs == PYTHON and replaceable:
        slow = row.runs == "peer"
        note = f"wsfast.accelerate({row.peer!r}) or WSFAST_ACCELERATE={row.peer}"
    elif runs != OURS and replaceable:
        note = "compiled by the peer" if runs == COMPILED else runs
    return Finding(row.peer, row.version, row.seam, runs, note, slow)


def _runs(name: str, module: str) -> str:
    """Return whether what a dotted name stands for is compiled or Python."""
    try:
        found = _look_up(name, module)
    except Exception as error:  # noqa: BLE001 # whatever a broken peer raises
        return f"not there: {error}"
    functions = list(vars(found).values()) if isinstance(found, type) else [found]
    return PYTHON if any(isinstance(f, FunctionType) for f in functions) else COMPILED


def _look_up(name: str, module: str) -> Any:
    found: Any = importlib.import_module(module)
    for step in name.removeprefix(f"{module}.").split("."):
        found = getattr(found, step)
    return found


def _speed() -> dict[str, float]:
    """Return a quick measure, in octets per nanosecond, of texts of 64 KiB."""
    ascii_text, cjk = b"wsfast. " * 8192, "日本語".encode() * 7282
    work = {
        "mask": lambda: apply_mask(ascii_text, b"abcd"),
        "validate ASCII": lambda: is_valid_utf8(ascii_text),
        "validate CJK": lambda: is_valid_utf8(cjk),
        "decode CJK": lambda: decode_utf8(cjk),
    }
    return {
        name: round(65_536 / (min(timeit.repeat(call, number=20, repeat=5)) / 20 * 1e9), 1)
        for name, call in work.items()
    }


def _write(
    info: BackendInfo, remedy: str, findings: list[Finding], speed: dict[str, float]
) -> None:
    kernel = f"kernel {info.kernel} of {', '.join(info.kernels)}" if info.kernels else "no kernels"
    rows = [
        ("wsfast", f"{__version__}, {info.name}, {kernel}"),
        ("CPU", ", ".join(info.cpu_features) or platform.machine()),
        ("Python", f"{platform.python_version()} {sys.executable}"),
        ("speed", ", ".join(f"{name} {gbs} GB/s" for name, gbs in speed.items())),
    ]
    if remedy:
        rows.append(("remedy", remedy))
    write_fields(rows, indent=0)
    peer = ""
    for finding in findings:
        if finding.peer != peer:
            peer = finding.peer
            click.echo()
            click.echo(click.style(f"{peer} {finding.version}", bold=True))
        colour = "red" if finding.slow else "green" if finding.runs == OURS else None
        line = f"{finding.seam or 'all of it'}  {click.style(finding.runs, fg=colour)}"
        click.echo(f"  {line}  {finding.note}")
    slow = sum(finding.slow for finding in findings)
    click.echo()
    click.echo(
        f"{slow} of {len(findings)} could run on wsfast and do not." if slow else "All well."
    )
