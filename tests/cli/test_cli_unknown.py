"""A command that doesn't exist: which one was probably meant, and exit status 2."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("click")
from click.testing import CliRunner

from wsfast.cli import command
from wsfast.cli._meant import WORDS


def told(*arguments: str) -> list[str]:
    """Return the lines that are written about an unknown command."""
    result = CliRunner().invoke(command, arguments, prog_name="wsfast")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("Usage: wsfast ")
    return result.stderr.partition("\nError: ")[2].splitlines()


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("chec_k", "check"),
        ("CHECK", "check"),
        ("frame", "frames"),
        ("docter", "doctor"),
        ("diagnose", "check explain"),
        ("Diagnose", "check explain"),
        ("validate", "check"),
        ("decode", "check frames"),
        ("lint", "check"),
        ("analyze", "frames check"),
        ("1007", "explain"),
        ("accelerate", "run doctor"),
        ("benchmark", "bench"),
    ],
)
def test_commands_that_were_probably_meant(typed: str, meant: str) -> None:
    first, *lines = told(typed, "x")
    assert first == f"No such command {typed!r}. Did you mean:"
    assert [line.split()[:2] for line in lines] == [["wsfast", name] for name in meant.split()]
    for line, name in zip(lines, meant.split(), strict=True):
        assert line.endswith(f"  {command.commands[name].get_short_help_str()}")


def test_a_file_in_place_of_a_command(tmp_path: Path) -> None:
    path = tmp_path / "message.json"
    path.write_bytes(b"{}")
    _, *lines = told(str(path))
    assert [line.split()[1] for line in lines] == ["check", "frames"]


def test_nothing_like_it() -> None:
    assert told("qqqqqq") == ["No such command 'qqqqqq'."]
    (option,) = told("-q")
    assert option.startswith("No such option")


def test_words_name_commands_that_exist_and_hide_none() -> None:
    assert not WORDS.keys() & command.commands.keys()
    for word, names in WORDS.items():
        assert word == word.lower()
        assert set(names.split()) <= command.commands.keys(), word
