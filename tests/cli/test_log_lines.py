"""What ``wsfast explain`` reads in the lines of logs: program, code, offset and its meaning.

``log_lines/lines.json`` has lines that programs wrote when they were run with the scripts
beside it (source ``run``), or that their documentation or source has.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("click")
from click.testing import CliRunner

from wsfast.cli import command
from wsfast.cli._logline import named_code, read
from wsfast.cli._wordings import WORDINGS

LINES: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent / "log_lines" / "lines.json").read_text()
)


def run(*arguments: str, stdin: str | bytes = "") -> tuple[int, str]:
    result = CliRunner().invoke(command, arguments, input=stdin)
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.exit_code, result.output


def test_there_are_lines_enough() -> None:
    assert len(LINES) >= 60
    assert len({entry["program"] for entry in LINES}) >= 15
    assert all(entry["source"].startswith(("run: ", "https://")) for entry in LINES)


@pytest.mark.parametrize("entry", LINES, ids=[entry["line"][:60] for entry in LINES])
def test_a_line_is_read_as_expected(entry: dict[str, Any]) -> None:
    found = read(entry["line"])
    assert found is not None
    counted = found.counted.name if found.counted else None
    assert (found.program, found.code, found.offset, counted) == (
        entry["program"],
        entry["code"],
        entry["offset"],
        entry["counted"],
    )
    assert found.inferred is (found.code is not None and str(found.code) not in entry["line"])


@pytest.mark.parametrize("entry", LINES, ids=[entry["line"][:60] for entry in LINES])
def test_explain_says_it(entry: dict[str, Any]) -> None:
    status, output = run("explain", entry["line"])
    assert status == 0
    assert entry["program"] in output
    if entry["code"] is not None:
        assert str(entry["code"]) in output
    if entry["offset"] is not None:
        assert f"byte {entry['offset']}" in output


def test_every_program_of_the_table_has_a_line() -> None:
    missing = {wording.program for wording in WORDINGS} - {entry["program"] for entry in LINES}
    assert missing <= {"wsfast", "Rust"}, "these two are in the tests below"


def test_the_librarys_own_texts() -> None:
    import wsfast

    with pytest.raises(wsfast.InvalidUTF8) as caught:
        wsfast.validate_utf8(b"caf\xc3(")
    found = read(f"ERROR {caught.value}")
    assert found is not None
    assert (found.program, found.code, found.offset) == ("wsfast", 1007, 3)
    with pytest.raises(wsfast.InvalidUTF8) as caught:
        wsfast.parse_close(b"\x03\xe8ab\xff")
    found = read(caught.value.close_reason)
    assert found is not None
    assert found.counted is not None
    assert (found.code, found.offset, found.counted.name) == (1007, 2, "REASON")


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("1001", 1001),
        (" 1007 ", 1007),
        ("going away", 1001),
        ("GOING_AWAY", 1001),
        ("CloseCode.GOING_AWAY", 1001),
        ("websocket.CloseGoingAway", 1001),
        ("WebSocketCloseStatus.EndpointUnavailable", 1001),
        ("CloseReason.INVALID_FRAME_PAYLOAD_DATA", 1007),
        ("InvalidPayloadData", 1007),
        ("NOT_CONSISTENT", 1007),
        ("CloseStatus.BAD_DATA", 1007),
        ("Invalid frame payload data", 1007),
        ("CloseCodes.UNEXPECTED_CONDITION", 1011),
        ("TLS handshake", 1015),
        ("Unauthorized", 3000),
        ("65535", 65535),
        ("65536", None),
        ("-1", None),
        ("1e3", None),
        ("going", None),
        ("", None),
    ],
)
def test_names_of_codes(name: str, code: int | None) -> None:
    assert named_code(name) == code


@pytest.mark.parametrize(
    "line",
    [
        "",
        "2026-11-27 10:07:11 GET /index.html 200 1007",
        "listening on port 4000",
        "processed 1001 records in 1011 ms",
        "INFO connection open",
        "Unicode 1007",
        '"GET /a HTTP/1.1" 200 1007',
    ],
)
def test_numbers_that_are_no_close_codes(line: str) -> None:
    assert read(line) is None


def test_explain_many_lines_of_standard_input() -> None:
    log = "\n".join(["INFO nothing", LINES[0]["line"], LINES[0]["line"], LINES[2]["line"], ""])
    status, output = run("explain", "-", stdin=log)
    assert status == 0
    assert "line 2" in output
    assert "once more" in output
    assert "line 4" in output
    assert output.count("Going Away") == 2  # where it is read, and explained once
    found = json.loads(run("explain", "--json", "-", stdin=log)[1])
    assert [(r["line"], r["code"], r["times"]) for r in found["readings"]] == [
        (2, 1007, 2),
        (4, 1001, 1),
    ]
    assert [code["code"] for code in found["codes"]] == [1007, 1001]


@pytest.mark.parametrize("stdin", [b"", b"nothing here\n", bytes(range(256)) * 10])
def test_explain_a_log_without_a_close_says_so(stdin: bytes) -> None:
    status, output = run("explain", "-", stdin=stdin)
    assert status == 2
    assert "no close code" in output


def test_explain_words_that_the_shell_took_apart() -> None:
    status, output = run("explain", *LINES[0]["line"].split())
    assert status == 0
    assert "websockets: sent 1007" in output


def test_explain_shows_no_control_characters_and_no_payload() -> None:
    _, output = run("explain", "\x1b[31mclose code 1007 \x07\x1b]0;x\x07secret")
    assert "1007" in output
    assert "\x1b" not in output
    assert "\x07" not in output
    assert "secret" not in output
    assert "caf" not in run("explain", "cannot decode: b'caf\\xc3('")[1]


HOSTILE = [
    *("sent 1007 (a", "'WebSocket connection to '", "cannot decode: b'\\x", "close "),
    *('"code":1007,"', "101 1 - - ", "(", "ASGI [1] Receive {", "code=", "1007 "),
]


@pytest.mark.parametrize("piece", HOSTILE)
def test_hostile_lines_take_linear_time(piece: str) -> None:
    line = piece * (4_000_000 // len(piece))
    begun = time.process_time()
    read(line)
    assert time.process_time() - begun < 5, "bounded: a line is cut, patterns don't backtrack far"
