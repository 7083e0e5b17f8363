"""How the demo prints: tables and panels in a terminal, plain lines in a pipe.

Invariant: colour never carries information alone, so nothing is lost in a pipe or under
``NO_COLOR``.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass

from echo_server import Event
from rich import box
from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

import wsfast

PIPE_WIDTH = 100
OTHER_COLUMNS = 64  # of the table of messages, without what the decoder yields
WINDOW = 12  # bytes shown before an ill-formed sequence, at most


@dataclass(frozen=True)
class Seen:
    """Hold what the server saw of one step: bytes on the wire, frames, events."""

    size: int
    frames: int
    events: tuple[Event, ...]


def hex_window(violation: wsfast.InvalidUTF8) -> tuple[Text, Text]:
    """Return the bytes around a fault, and below them the marks.

    ``~~`` stands under the ill-formed sequence, ``^^`` under the byte, if it is not in
    the sequence, that made it impossible.
    """
    first = max(violation.context_offset, violation.offset - WINDOW)
    data = violation.context[first - violation.context_offset :]
    window, marks = Text(), Text()
    for at, byte in enumerate(data, first):
        if violation.offset <= at < violation.offset + violation.length:
            mark, style = "~~", "bold red"
        elif at == violation.detected_at:
            mark, style = "^^", "bold yellow"
        else:
            mark, style = "  ", "dim"
        window.append(f"{byte:02X}", style).append(" ")
        marks.append(mark, style).append(" ")
    return window, marks


def abridged(value: object, width: int = 60) -> str:
    """Return a repr that fits, its middle left out if need be."""
    shown = repr(value)
    if len(shown) <= width:
        return shown
    return f"{shown[: width * 2 // 3]} … {shown[-width // 3 + 3 :]}"


class Report:
    """Print what happened, and remember what differs from what was expected."""

    def __init__(self) -> None:
        for stream in (sys.stdout, sys.stderr):
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr] # a text file
        self._console = Console(highlight=False, soft_wrap=False)
        self._plain = not self._console.is_terminal
        if self._plain:
            self._console.width = PIPE_WIDTH
        self._checks = 0
        self._differences: list[str] = []
        self._messages = Table(
            title="What the server decoded, and what the client got back",
            title_justify="left",
            title_style="bold",
            box=None if self._plain else box.SIMPLE_HEAD,
            pad_edge=False,
        )
        self._messages.add_column("client sends", no_wrap=True)
        self._messages.add_column("frames", justify="right", no_wrap=True)
        self._messages.add_column("bytes", justify="right", no_wrap=True)
        self._messages.add_column("decoder yields", no_wrap=True)
        self._messages.add_column("client gets", no_wrap=True)

    def expect(self, what: str, found: object, expected: object) -> None:
        """Compare what was measured with what was expected."""
        self._checks += 1
        if found != expected:
            self._differences.append(f"{what}: {found!r}, not {expected!r}")

    def start(self, uri: str, client_version: str) -> None:
        """Print which server and client talk to each other."""
        info = wsfast.backend()
        runs = f"{info.name}, kernel {info.kernel}" if info.kernel else f"pure ({info.reason})"
        self._console.print(
            f"[bold]wsfast {wsfast.__version__}[/] ({runs}) serves {uri}\n"
            f"[bold]websockets {client_version}[/] is the client\n"
        )

    def message(
        self, title: str, seen: Seen, echo: str | bytes, sent: str | bytes | None = None
    ) -> None:
        """Add a row for a message; ``echo`` is shown unless it is what was ``sent``."""
        yielded = " ".join(f"{type(e).__name__} {getattr(e, 'data', e)!r}" for e in seen.events)
        back = str(echo) if sent is None or echo != sent else "the same"
        fitting = Text(yielded)
        fitting.truncate(max(self._console.width - OTHER_COLUMNS, 20), overflow="ellipsis")
        self._messages.add_row(title, str(seen.frames), str(seen.size), fitting, back)

    def end_of_messages(self) -> None:
        """Print the table of messages."""
        self._print(self._messages)
        legend = Text("Violations: ", "bold")
        legend.append("~~", "bold red").append(" the invalid bytes, ", "not bold")
        legend.append("^^", "bold yellow").append(" the byte that proved them invalid", "not bold")
        legend.append("\nOffsets and fragments count from 0.", "not bold")
        self._console.print(legend, end="\n\n" if self._plain else "\n")

    def violation(
        self,
        title: str,
        fragments: Sequence[bytes],
        found: wsfast.InvalidUTF8,
        code: int,
        reason: str,
    ) -> None:
        """Print the evidence of a violation, and how it ended for the client."""
        if found.cause is wsfast.Cause.TRUNCATED:
            detected = "at the end of the message"
        else:
            detected = f"at byte {found.detected_at} of the message"
        window, marks = hex_window(found)
        self._block(
            title,
            ("sent as text", Text(" + ".join(abridged(f, 46) for f in fragments))),
            ("violation", f"{type(found).__name__}: {found.cause.name}, {found.cause.value}"),
            (
                "offset",
                f"{found.offset} (fragment {found.fragment_index}, byte "
                f"{found.fragment_offset}), detected {detected}",
            ),
            (f"bytes {max(found.context_offset, found.offset - WINDOW)}…", window),
            ("", marks),
            ("client gets", self._close(code, reason)),
        )

    def closing(self, title: str, seen: Sequence[Event], code: int, reason: str) -> None:
        """Print how a connection ended without a violation."""
        rows: list[tuple[str, RenderableType]] = [("decoder yields", Text(repr(e))) for e in seen]
        self._block(title, *rows, ("client gets", self._close(code, reason)))

    def finish(self, seconds: float) -> int:
        """Print the verdict; return the exit status."""
        for difference in self._differences:
            self._console.print(Text(f"DIFFERS  {difference}", "bold red"), soft_wrap=True)
        agreed = self._checks - len(self._differences)
        counted = f"{agreed} of {self._checks}" if self._differences else f"{self._checks}"
        verdict = f"{counted} checks passed, in {seconds:.2f} s"
        self._console.print(verdict, style="bold red" if self._differences else "bold green")
        return 1 if self._differences else 0

    def _print(self, renderable: RenderableType) -> None:
        """Print; in a pipe without the spaces that fill lines up."""
        if not self._plain:
            self._console.print(renderable)
            return
        with self._console.capture() as capture:
            self._console.print(renderable)
        for line in capture.get().splitlines():
            self._console.out(line.rstrip())

    def _close(self, code: int, reason: str) -> Text:
        return Text().append(f"close {code}", "bold cyan").append(f", {reason!r}")

    def _block(self, title: str, *rows: tuple[str, RenderableType]) -> None:
        grid = Table.grid(padding=(0, 2))
        grid.add_column(style="" if self._plain else "dim", no_wrap=True, min_width=14)
        grid.add_column()
        for name, value in rows:
            grid.add_row(name, value)
        if self._plain:
            self._print(Group(Text(title), grid, Text()))
        else:
            self._console.print(Panel(grid, title=f"[bold]{title}[/]", title_align="left"))
