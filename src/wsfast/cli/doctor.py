"""``wsfast doctor``: what runs here, what could run faster, and what to do for it.

Invariant: nothing is switched on; a library is imported, and no more.  The exit status says
whether what the user asked for works: a library that is installed and not accelerated is no
problem.  "All well." is said with exit status 0 and with no other.
"""

from __future__ import annotations

import importlib
import os
import platform
import site
import sys
import timeit
import warnings
from collections.abc import Iterable
from pathlib import Path
from types import FunctionType
from typing import Any, NamedTuple

import click

from .. import __version__, apply_mask, backend, decode_utf8, is_valid_utf8
from .._backend import BackendInfo
from ..adapters import Acceleration, _seams, status
from ..adapters._replacing import TAKEN, Seam
from ..adapters._versions import NOT_INSTALLED
from ._output import JSON, write_fields, write_json

OURS, COMPILED, PYTHON, ITS_OWN = "wsfast", "compiled", "Python", "its own"
NOT_THERE = "can't be imported: "
PTH = "wsfast-accelerate.pth"
FIRST = "uvicorn"  # what gains most
GAINS = {
    "uvicorn": "the largest gain: ",
}


class Finding(NamedTuple):
    """What one seam runs, and what to do if it is slow."""

    peer: str
    version: str
    seam: str
    runs: str
    note: str
    slow: bool
    broken: bool = False  # it can't be imported, or is not as expected
    taken: bool = False  # by something else, after wsfast was put there
    asked: bool = False  # whether the library is to be accelerated


class Asked(NamedTuple):
    """What is to be accelerated.

    Attributes:
        peers: the libraries.
        by_name: those that WSFAST_ACCELERATE names.
        no_effect: why WSFAST_ACCELERATE has no effect; ``""`` if it has, or is not set.
    """

    peers: set[str]
    by_name: list[str]
    no_effect: str


@click.command(short_help="Show what runs here, and what could run faster.")
@JSON
def doctor(as_json: bool) -> int:
    """Show which codec and kernel run, and which code each installed library runs.

    \b
    Examples:
      wsfast doctor
      WSFAST_ACCELERATE=all wsfast doctor
      wsfast doctor --json

    Exit status: 0 if everything that was asked for works; 1 if wsfast itself is slower than
    it could be, or WSFAST_ACCELERATE is set and has no effect, or it names a library that
    isn't installed, can't be imported, has an untested version, or still runs other code.
    A library that is installed and not accelerated is shown, and changes nothing.
    """
    info = backend()
    remedy = _remedy(info)
    asked = _asked()
    findings = _findings(asked.peers)
    speed = _speed()
    problems = _problems(remedy, asked, findings)
    if as_json:
        write_json(
            {
                "wsfast": __version__,
                "python": platform.python_version(),
                "backend": dict(zip(info.__match_args__, info._values(), strict=True)),
                "remedy": remedy,
                "peers": [finding._asdict() for finding in findings],
                "gigabytes_per_second": speed,
                "slow": bool(remedy) or any(finding.slow for finding in findings),
                "refused": [finding.peer for finding in findings if not finding.seam],
                "broken": _peers(finding for finding in findings if finding.broken),
                "taken": [finding.seam for finding in findings if finding.taken],
                "problems": problems,
            }
        )
    else:
        _write(info, remedy, findings, speed)
        click.echo()
        click.echo("\n".join([*_information(findings), *(problems or ["All well."])]))
    return 1 if problems else 0


def _asked() -> Asked:
    """Return what is to be accelerated, by the environment or by code that ran before."""
    peers = {name for name in _seams.NAMES if _seams._peer(name).is_asked}
    value = os.environ.get("WSFAST_ACCELERATE")
    if value is None:
        return Asked(peers, [], "")
    try:
        names = _seams.names_in(value)
    except ValueError as error:
        return Asked(peers, [], f"WSFAST_ACCELERATE={value} has no effect: {error}.")
    no_effect = ""
    if not _variable_works():
        no_effect = (
            f"WSFAST_ACCELERATE is set, but has no effect: there is no {PTH} in "
            "site-packages (pip install -e installs none)."
        )
    return Asked(peers | set(names or _seams.NAMES), names, no_effect)


def _peers(findings: Iterable[Finding]) -> list[str]:
    return list(dict.fromkeys(finding.peer for finding in findings))


def _problems(remedy: str, asked: Asked, findings: list[Finding]) -> list[str]:
    """Return what was asked for and doesn't work, a line for each."""
    lines = []
    if remedy:
        lines.append(f"wsfast itself is slower than it could be: {remedy}")
    if asked.no_effect:
        lines.append(asked.no_effect)
    found = [finding for finding in findings if finding.asked]
    lines += [f"{f.peer} is left unchanged: {f.note}." for f in found if not f.seam]
    kinds = {
        "Can't be imported, or is not as expected": _peers(f for f in found if f.broken),
        "Replaced by other code after wsfast was put there": [f.seam for f in found if f.taken],
        "To be accelerated, but not installed": [
            name for name in asked.by_name if name not in _peers(found)
        ],
    }
    if not asked.no_effect:
        kinds["To be accelerated, but runs its own code"] = [f.seam for f in found if f.slow]
    return lines + [f"{kind}: {', '.join(names)}." for kind, names in kinds.items() if names]


def _information(findings: list[Finding]) -> list[str]:
    """Return what could be done."""
    if not findings:
        return ["No library that wsfast knows is installed."]
    slow = sum(finding.slow for finding in findings)
    if not slow:
        return []
    how = "WSFAST_ACCELERATE=all python ..." if _variable_works() else "wsfast run program.py"
    return [f"{slow} of {len(findings)} can be accelerated: {how}"]


def _variable_works() -> bool:
    """Return whether Python looks at WSFAST_ACCELERATE when it starts."""
    folders = [*site.getsitepackages(), site.getusersitepackages()]
    started = "wsfast.adapters._startup" in sys.modules  # from elsewhere: by wsfast run
    return started or any((Path(folder) / PTH).exists() for folder in folders)


def _remedy(info: BackendInfo) -> str:
    """Return what to do about wsfast itself, if it is slower than it could be."""
    if info.reason.startswith("WSFAST_BACKEND"):
        return f"{info.reason}: unset it"
    if info.name == "pure":
        return (
            f"{info.reason}: if there is no wheel for this system, install a C compiler, then: "
            "pip install --no-cache-dir --force-reinstall wsfast"
        )
    core = importlib.import_module("wsfast._native.core")
    best: str = core.kernels_that_run()[-1]
    if info.kernel != best:
        return f"WSFAST_KERNEL forces {info.kernel}; this CPU runs {best}: unset it"
    return ""


def _findings(asked: set[str]) -> list[Finding]:
    for row in status():
        if row.seam:
            _import(row)  # so that seams that wait for it are set
    found = []
    for row in status():
        if row.seam and _is_there(row):
            found.append(_finding(row))
        elif not row.seam and row.reason != NOT_INSTALLED:
            found.append(Finding(row.peer, row.version, "", ITS_OWN, row.reason, slow=False))
    found = [finding._replace(asked=finding.peer in asked) for finding in found]
    return sorted(found, key=lambda finding: finding.peer != FIRST)


def _import(row: Acceleration) -> Exception | None:
    """Import the module of the seam; return why that can't be done."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a deprecated module is no concern of doctor's
        try:
            importlib.import_module(_module(row))
        except Exception as error:  # noqa: BLE001 # a broken library may raise anything
            return error
    return None


def _is_there(row: Acceleration) -> bool:
    """Tell whether the part that the row is about is installed; it may be broken."""
    return not isinstance(_import(row), ModuleNotFoundError)


def _seam(row: Acceleration) -> Seam | None:
    return next((seam for seam in _seams._peer(row.peer).seams if seam.name == row.seam), None)


def _module(row: Acceleration) -> str:
    """Return the module of a dotted name, without its classes and functions.

    It is "" for what is not a name, such as "aiohttp's permessage-deflate".
    """
    seam = _seam(row)
    if seam is not None:
        return seam.module
    *parts, _ = row.seam.split(".")
    return ".".join(part for part in parts if part == part.lower())


def _finding(row: Acceleration) -> Finding:
    seam = _seam(row)
    if row.runs == "wsfast":
        return Finding(row.peer, row.version, row.seam, OURS, row.reason, slow=False)
    module = _module(row)
    runs = _runs(row.seam, module, seam) if module else ITS_OWN
    slow, note = False, row.reason
    if seam is not None and runs == PYTHON and seam.pays and row.reason != TAKEN:
        slow = row.runs == "peer"
        how = f"wsfast.accelerate({row.peer!r}) or WSFAST_ACCELERATE={row.peer}"
        note = f"{GAINS.get(row.peer, '')}{how}"
    elif seam is not None and seam.pays and row.reason != TAKEN:
        note = "compiled by the library" if runs == COMPILED else runs
    broken = seam is not None and runs.startswith(NOT_THERE)
    taken = row.reason == TAKEN
    return Finding(row.peer, row.version, row.seam, runs, note, slow, broken, taken)


def _runs(name: str, module: str, seam: Seam | None) -> str:
    """Return whether what a name stands for is compiled or Python."""
    try:
        importlib.import_module(module)
        found = seam.find()[2] if seam else _look_up(name, module)
    except Exception as error:  # noqa: BLE001 # whatever a broken library raises
        return f"{NOT_THERE}{error}"
    if isinstance(found, str):  # the name of what is imported
        return PYTHON
    functions = list(vars(found).values()) if isinstance(found, type) else [found]
    kinds = (FunctionType, staticmethod, classmethod)
    return PYTHON if any(isinstance(f, kinds) for f in functions) else COMPILED


def _look_up(name: str, module: str) -> Any:
    found: Any = importlib.import_module(module)
    for step in name.removeprefix(f"{module}.").split("."):
        found = getattr(found, step)
    return found


def _speed() -> dict[str, float]:
    """Return a quick measure, in bytes per nanosecond, of texts of 64 KiB."""
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
    kernel = "no kernels"
    if info.kernels:
        kernel = f"kernel {info.kernel} (this CPU can run {', '.join(info.kernels)})"
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
        bad = finding.slow or finding.broken or finding.taken
        colour = "green" if finding.runs == OURS else None
        if bad:
            colour = "red" if finding.asked else "yellow"
        line = f"{finding.seam or 'all of it'}  {click.style(finding.runs, fg=colour)}"
        click.echo(f"  {line}  {finding.note}".rstrip())
