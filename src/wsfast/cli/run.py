"""``wsfast run``: run a program with peers accelerated, its code unchanged.

Invariant: the program finds ``sys.argv``, ``sys.path[0]`` and ``__main__`` as it does under
``python``; its exit status is that of the command.
"""

from __future__ import annotations

import os
import runpy
import sys
import traceback
from types import TracebackType

import click

from ..adapters._seams import accelerate, names_in

_OURS = (os.path.dirname(runpy.__file__) + os.sep + "runpy.py", "<frozen runpy>", __file__)


@click.command(
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
    options_metavar="[--accelerate PEERS]",
    short_help="Run a program with peers on wsfast.",
)
@click.option(
    "--accelerate",
    "peers",
    default="all",
    show_default=True,
    help="Peers, separated by commas.",
)
@click.option("-m", "module", is_flag=True, help="PROGRAM is a module, as for python -m.")
@click.argument("program", metavar="PROGRAM")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def run(peers: str, module: bool, program: str, arguments: tuple[str, ...]) -> int:
    """Run PROGRAM, a script or with -m a module, with peers on wsfast.

    \b
    Examples:
      wsfast run server.py --port 8000
      wsfast run -m uvicorn app:app
      wsfast run --accelerate websockets,wsproto server.py
    """
    try:
        accelerate(*names_in(peers))
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    os.environ["WSFAST_ACCELERATE"] = peers  # for the processes that the program starts
    sys.argv = [program, *arguments]
    if module:
        _come_first(os.getcwd())
        return _told(lambda: runpy.run_module(program, run_name="__main__", alter_sys=True))
    if not os.path.exists(program):
        raise click.UsageError(f"there is no {click.format_filename(program)}")
    _come_first(os.path.dirname(os.path.abspath(program)))
    return _told(lambda: runpy.run_path(program, run_name="__main__"))


def _come_first(directory: str) -> None:
    """Put a directory where python puts it: nowhere under PYTHONSAFEPATH or -P."""
    if not sys.flags.safe_path:
        sys.path[0] = directory


def _told(program: object) -> int:
    """Run it; show an exception as python would, without the lines that are ours."""
    try:
        program()  # type: ignore[operator] # a callable
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 # whatever the program's is
        shown = _without_ours(error.__traceback__)
        if shown is None and isinstance(error, ImportError):  # it did not even begin
            raise click.UsageError(str(error)) from None
        traceback.print_exception(type(error), error, shown)
        return 130 if isinstance(error, KeyboardInterrupt) else 1
    return 0


def _without_ours(frames: TracebackType | None) -> TracebackType | None:
    while frames is not None and frames.tb_frame.f_code.co_filename in _OURS:
        frames = frames.tb_next
    return frames
