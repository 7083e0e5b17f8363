"""``wsfast run``: python, with the libraries accelerated in it and in what it starts.

Invariant: what runs is the interpreter itself, in the place of this process; so everything
that a program can see of it is as under ``python``.
"""

from __future__ import annotations

import os
import shlex
import shutil
import site
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from typing import NamedTuple

import click

from ..adapters._seams import names_in

PTH = "wsfast-accelerate.pth"
SITE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "_site")


@click.command(
    context_settings={
        "ignore_unknown_options": True,
        "allow_interspersed_args": False,
        "help_option_names": ["--help"],  # python has -h
    },
    options_metavar="[--accelerate LIBRARIES]",
    short_help="Run a program with its libraries accelerated.",
)
@click.option(
    "--accelerate",
    "libraries",
    metavar="LIBRARIES",
    default="all",
    show_default=True,
    help="The libraries to accelerate, separated by commas.",
)
@click.argument("arguments", metavar="PROGRAM", nargs=-1, type=click.UNPROCESSED, required=True)
def run(libraries: str, arguments: tuple[str, ...]) -> int:
    """Run a Python program with its WebSocket libraries accelerated.

    \b
    Examples:
      wsfast run server.py --port 8000
      wsfast run -m uvicorn app:app
      wsfast run --accelerate websockets,wsproto server.py

    PROGRAM is anything that python accepts: options, a script, a directory, a zip file, -m with
    a module, -c with code, or - for standard input; then the arguments of the program.

    Exit status: that of the program; 2 for wrong arguments.
    """
    try:
        names_in(libraries)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    program = _program(arguments)
    if program.path and not os.path.exists(program.path):
        _suggest(program)
    os.environ["WSFAST_ACCELERATE"] = libraries
    if not _pth_is_processed():
        _use_sitecustomize()
    if not sys.executable:
        raise click.UsageError("can't find Python: sys.executable is empty")
    return _become([sys.executable, *_program(sys.orig_argv[1:]).options, *arguments])


class _Program(NamedTuple):
    """What a command line of python runs."""

    options: Sequence[str]  # before it
    path: str  # if it is a file
    rest: Sequence[str]  # what follows


def _program(arguments: Sequence[str]) -> _Program:
    """Read the arguments as python does, as far as the program."""
    options: list[str] = []
    left = list(arguments)
    while left:
        argument = left.pop(0)
        if argument == "-" or not argument.startswith("-"):
            return _Program(options, "" if argument == "-" else argument, left)
        takes_value = argument == "--check-hash-based-pycs"
        for at, letter in enumerate(argument[1:], 1):
            if argument.startswith("--"):
                break
            if letter in "cm":
                return _Program(options + ([argument[:at]] if at > 1 else []), "", left)
            if letter in "WX":
                takes_value = at == len(argument) - 1
                break
        options += [argument, *left[:takes_value]]
        left[:takes_value] = []
    return _Program(options, "", left)


def _suggest(program: _Program) -> None:
    """Say what may have been meant by a file that is not there; python says the rest.

    Raises:
        click.UsageError: something was.
    """
    name = program.path
    if os.path.basename(name) != name:
        return
    try:
        is_module = find_spec(name) is not None
    except (ImportError, ValueError):
        is_module = False
    script = shutil.which(name)
    if is_module:
        instead = ["-m", name]
    elif script:
        instead = [script]
    else:
        return
    meant = shlex.join(["wsfast", "run", *instead, *program.rest])
    raise click.UsageError(f"no such file: {click.format_filename(name)}; try: {meant}")


def _pth_is_processed() -> bool:
    """Return whether an interpreter of this installation looks at ``WSFAST_ACCELERATE``."""
    directories = site.getsitepackages()
    if site.ENABLE_USER_SITE:
        directories.append(site.getusersitepackages())
    found = any(os.path.exists(os.path.join(directory, PTH)) for directory in directories)
    return found and not sys.flags.no_site


def _use_sitecustomize() -> None:
    """Make interpreters accelerate without the ``.pth`` file.

    Raises:
        click.UsageError: they would not look at ``PYTHONPATH`` either.
    """
    for flag, option in (
        (sys.flags.no_site, "-S"),
        (sys.flags.isolated, "-I"),
        (sys.flags.ignore_environment, "-E"),
    ):
        if flag:
            raise click.UsageError(
                f"nothing would be accelerated under {option}: wsfast is installed without {PTH}"
            )
    known = os.environ.get("PYTHONPATH")
    entries = [entry for entry in (known or "").split(os.pathsep) if entry != SITE]
    os.environ["PYTHONPATH"] = os.pathsep.join([SITE, *entries]) if known else SITE


def _become(command: list[str]) -> int:
    """Replace this process with another program."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    if sys.platform == "win32":  # exec lets the parent go on there
        return subprocess.run(command, check=False).returncode
    try:
        os.execv(command[0], command)
    except OSError as error:
        raise click.UsageError(f"can't run {command[0]}: {error.strerror}") from None
