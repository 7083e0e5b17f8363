"""The command line ``wsfast``: one file a subcommand.

    check    checks that files are UTF-8; if not: which byte, why, and where it came from
    frames   shows the frames of a WebSocket capture, and where they break the protocol
    explain  explains what close codes mean and what to do
    demo     shows all of this on examples, in the terminal or in a browser
    doctor   shows what runs here, and what could run faster
    run      runs a program with its libraries accelerated
    bench    measures the speed here, compared with installed libraries

Invariant: exit status 0 says valid, 1 a violation, 2 wrong arguments, a file that can't be read
or output that can't be written, 130 an interrupt, 141 a pipe whose reader left.  Nothing of a
payload is shown unless ``--show-payload`` is given.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Sequence
from typing import Any

import click

from .. import __version__
from ._files import Unwritable
from ._meant import meant
from .bench import bench
from .check import check
from .demo import demo
from .doctor import doctor
from .explain import explain
from .frames import frames
from .run import run as run_program

_COMPLETION = """\b
Shell completion:
  bash  eval "$(_WSFAST_COMPLETE=bash_source wsfast)"
  zsh   eval "$(_WSFAST_COMPLETE=zsh_source wsfast)"
  fish  _WSFAST_COMPLETE=fish_source wsfast | source
"""


class _Command(click.Group):
    """A group that says which command was meant, and doesn't report output errors as violations."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        word = args[0]
        if word in self.commands or ctx.resilient_parsing or word.startswith("-"):
            return super().resolve_command(ctx, args)
        said = f"No such command {word!r}."
        if names := meant(word, self.commands):
            width = max(map(len, names))
            said += " Did you mean:"
            for name in names:
                said += f"\n  wsfast {name:{width}}  {self.commands[name].get_short_help_str()}"
        raise click.UsageError(said, ctx)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            _drop_output()
            ctx.exit(141)  # as if SIGPIPE had ended it
        except OSError as error:
            _drop_output()
            where = f" {click.format_filename(error.filename)}" if error.filename else ""
            raise Unwritable(f"can't write{where}: {error.strerror or error}") from None


def _drop_output() -> None:
    """Write nothing at exit, because it would fail again."""
    with contextlib.suppress(io.UnsupportedOperation), open(os.devnull, "wb") as sink:
        os.dup2(sink.fileno(), sys.stdout.fileno())


@click.group(
    "wsfast",
    cls=_Command,
    epilog=_COMPLETION,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="wsfast")
@click.pass_context
def command(ctx: click.Context) -> None:
    """Explain WebSocket close codes, find invalid bytes, and speed up libraries.

    \b
    Examples:
      wsfast explain 1001 1007        what the codes mean, and how they differ
      wsfast check message.json       is it UTF-8? if not: which byte, and why
      wsfast frames capture.bin       each frame, then what breaks the protocol
      wsfast doctor                   what could run faster on this machine
      wsfast run server.py            run a program with its libraries accelerated

    Exit status: 0 valid, 1 a violation was found, 2 wrong arguments or an unreadable file;
    frames, doctor and run differ, as their --help says.
    """
    if os.environ.get("NO_COLOR"):  # https://no-color.org
        ctx.color = False
    if ctx.invoked_subcommand != "run" and isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # not every encoding has every text


for _subcommand in (check, frames, explain, demo, doctor, run_program, bench):
    command.add_command(_subcommand)


@command.result_callback()
def _finish(status: int, **_: object) -> None:
    """Make what a subcommand returns the exit status."""
    click.get_current_context().exit(status)


def run(arguments: Sequence[str]) -> int:
    """Run a command and return its exit status."""
    try:
        status = command.main(list(arguments), prog_name="wsfast", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return 130
    return status if isinstance(status, int) else 0
