"""``wsfast explain`` and ``wsfast demo``: what they say is what the table and the codec say."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

pytest.importorskip("click")
from click.testing import CliRunner

from wsfast.cli import command
from wsfast.closecodes import explain

CLI = [sys.executable, "-m", "wsfast"]


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(command, arguments)
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.exit_code, result.output


@pytest.mark.parametrize("code", [1001, 1007, 1016, 4321, 0, 65535])
def test_explain_says_all_of_the_table(code: int) -> None:
    status, output = run("explain", str(code))
    info = explain(code)
    assert status == 0
    for text in (info.meaning, info.seen, info.fix, info.use, info.reconnecting, info.source):
        assert text in output
    assert "\x1b" not in output


def flat(output: str, columns: int) -> list[str]:
    """Return the cells of one column of a table, joined: the text as it was before wrapping."""
    width = (columns - 13) // 2
    lines = [line for line in output.splitlines() if "\u2500" not in line]
    cells = zip(*((line[13 : 13 + width], line[13 + width :]) for line in lines), strict=True)
    return [" ".join(" ".join(cell).split()) for cell in cells]


def test_explain_two_codes_in_full_leaves_nothing_out() -> None:
    status, output = run("explain", "--full", "1001", "1007")
    assert status == 0
    for code, text in zip((1001, 1007), flat(output, 80), strict=True):
        info = explain(code)
        for part in (info.meaning, info.seen, info.fix, info.use, info.reconnecting, info.about):
            assert part in text
        assert info.source in text
        assert info.fault in text


def test_the_difference_comes_first() -> None:
    for options in ((), ("--full",)):
        output = run("explain", *options, "1001", "1007")[1]
        places = [output.index(word) for word in ("about", "caused by", "reconnect", "meaning")]
        assert places == sorted(places)


CODES = [*range(1000, 1017), 3000, 3003, 3008, 0, 3500, 4000, 5000]


@pytest.mark.parametrize("first", CODES)
def test_the_first_answer_of_any_two_codes_fits_a_screen(first: int) -> None:
    for second in CODES:
        lines = run("explain", str(first), str(second))[1].splitlines()
        assert len(lines) <= 40, second
        assert max(map(len, lines)) <= 80, second
        heading = lines[: 1 + next(n for n, line in enumerate(lines) if "\u2500" in line)]
        assert str(first) in " ".join(heading)
        assert str(second) in " ".join(heading)


def test_explain_json() -> None:
    status, output = run("explain", "--json", "1001", "1007")
    found = json.loads(output)
    assert status == 0
    assert [code["name"] for code in found["codes"]] == [explain(1001).name, explain(1007).name]
    assert found["differences"][0]["aspect"] == "about"
    assert "differences" not in json.loads(run("explain", "--json", "1000")[1])


@pytest.mark.parametrize("code", ["65536", "-1", "x", "1e3", "1007.0", "1o07"])
def test_explain_what_is_no_code_is_a_wrong_call(code: str) -> None:
    assert run("explain", code)[0] == 2


def test_explain_what_is_no_number_is_called_no_close_code() -> None:
    assert "'abc' is neither a close code nor a log line" in run("explain", "abc")[1]
    assert "'1o07' is neither a close code nor a log line" in run("explain", "1001", "1o07")[1]


def test_explain_nothing_is_a_wrong_call() -> None:
    assert run("explain")[0] == 2


def in_a_terminal(*arguments: str, **environment: str) -> str:
    import os
    import pty

    parent, child = pty.openpty()
    variables = {**os.environ, "TERM": "xterm", **environment}
    with subprocess.Popen([*CLI, *arguments], stdout=child, env=variables):
        os.close(child)
        output = b""
        try:
            while piece := os.read(parent, 65536):
                output += piece
        except OSError:
            pass  # how a pseudo-terminal says that the other side is gone
    os.close(parent)
    return output.decode()


def lines_in_a_terminal(columns: int) -> list[str]:
    import re

    output = in_a_terminal("explain", "1001", "1007", COLUMNS=str(columns), NO_COLOR="")
    return re.sub(r"\x1b\[[0-9;]*m", "", output).splitlines()


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
@pytest.mark.parametrize("columns", [60, 80, 120])
def test_explain_in_a_terminal_fits_it(columns: int) -> None:
    lines = lines_in_a_terminal(columns)
    assert max(map(len, lines)) <= columns
    assert "Going Away" in " ".join(lines)


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
@pytest.mark.parametrize("columns", [1, 30, 59])
def test_explain_in_a_narrow_terminal_loses_nothing(columns: int) -> None:
    text = "".join(lines_in_a_terminal(columns)).replace(" ", "")
    for code in (1001, 1007):
        assert explain(code).meaning.replace(" ", "") in text


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
@pytest.mark.parametrize("codes", [("1001",), ("1001", "1007")], ids=" ".join)
def test_no_color_is_heeded(codes: tuple[str, ...]) -> None:
    colour = "\x1b[36m"
    assert colour in in_a_terminal("explain", *codes, NO_COLOR="")
    assert colour not in in_a_terminal("explain", *codes, NO_COLOR="1")


def test_demo_computes_what_it_shows() -> None:
    status, output = run("demo")
    assert status == 0
    assert "a PNG image in a text frame" in output
    assert "Reconnect after 1007? no." in output
    scenes = json.loads(run("demo", "--json")[1])
    origins = [scene["diagnosis"]["origin"] for scene in scenes if not scene["valid"]]
    assert origins == ["LEGACY_CHARSET", "PNG", "UNKNOWN", "CESU8", "CUT"]


def test_demo_serve_on_a_port_that_is_taken() -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        status, output = run("demo", "--serve", "--port", str(taken.getsockname()[1]))
    assert status == 2
    assert "can't listen on port" in output


def test_command_without_its_extra_says_what_to_install() -> None:
    program = "import sys; sys.modules['click'] = None; from wsfast.__main__ import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, timeout=60, check=False
    )
    assert b"pip install 'wsfast[cli]'" in done.stderr
    assert b"Traceback" not in done.stderr
    assert done.returncode == 2


@pytest.mark.parametrize(
    ("way", "whose"),
    [
        ("sent", "the other end sent the invalid text, and this program refused it"),
        ("received", "this program sent the invalid text, and the other end refused it"),
    ],
)
def test_explain_line_with_1007_says_whose_text_it_was(way: str, whose: str) -> None:
    known = "(invalid frame payload data) invalid continuation byte at position 3"
    rest = {"sent": "no close frame received", "received": f"then sent 1007 {known}"}[way]
    line = f"websockets.exceptions.ConnectionClosedError: {way} 1007 {known}; {rest}"
    result = CliRunner().invoke(command, ["explain", line])
    assert f"sender  {whose}" in result.output
