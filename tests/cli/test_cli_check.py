"""``wsfast check``: verdicts, streams of any size, files that can't be read."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("click")
from click.testing import CliRunner

from wsfast.cli import command, run


def check(*arguments: str, stdin: bytes | None = None) -> tuple[int, str]:
    result = CliRunner().invoke(command, ["check", *arguments], input=stdin)
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.exit_code, result.output


def test_check_valid_file(tmp_path: Path) -> None:
    file = tmp_path / "good.txt"
    file.write_text("Grüße 🙂", encoding="utf-8")
    assert check(str(file)) == (0, f"{file}: valid UTF-8, 12 bytes\n")


def test_check_invalid_file_gives_the_evidence_and_the_origin(tmp_path: Path) -> None:
    file = tmp_path / "bad.txt"
    file.write_bytes("Grüße aus Köln".encode("latin-1"))
    status, output = check(str(file))
    assert status == 1
    assert "invalid UTF-8 at byte 2: FC" in output
    assert "INVALID_LEAD" in output
    assert "text in another charset (cp1252)" in output
    assert "Köln" not in output
    assert "fragment" not in output
    assert "47 72 [FC]" in check(str(file), "--show-payload")[1]


def test_check_json(tmp_path: Path) -> None:
    file = tmp_path / "bad.png"
    file.write_bytes(b"\x89PNG\r\n\x1a\n")
    status, output = check("--json", str(file))
    found = json.loads(output)
    assert status == 1
    assert found["valid"] is False
    assert found["violation"]["offset"] == 0
    assert found["diagnosis"]["origin"] == "PNG"
    status, output = check("--json", stdin=b"fine")
    assert status == 0
    assert json.loads(output) == {"file": "-", "valid": True, "bytes": 4}


def test_check_twice_encoded_text_is_valid_but_named() -> None:
    status, output = check(stdin="Grüße aus Köln".encode().decode("cp1252").encode())
    assert status == 0
    assert "valid UTF-8" in output
    assert "encoded again" in output


@pytest.mark.parametrize("size", [0, 1, 2**19 - 1, 2**19, 2**19 + 1, 3 * 2**19])
@pytest.mark.parametrize("tail", [b"\xff", b"\xe2\x82", b"\xf0\x9f\x98"], ids=bytes.hex)
def test_check_fault_at_any_place_in_the_chunks(tmp_path: Path, size: int, tail: bytes) -> None:
    file = tmp_path / "long"
    file.write_bytes(b"a" * size + tail)
    status, output = check("--json", str(file))
    found = json.loads(output)
    assert status == 1
    assert found["violation"]["offset"] == size
    # The two before it may stand in another chunk.
    assert found["diagnosis"]["window"].endswith(f"[{tail.hex(' ').upper()}]")
    assert found["diagnosis"]["window"].count("..") == min(size, 12)


def test_check_pipe_of_many_small_reads() -> None:
    """From a pipe, whose reads are short, as from a file."""
    body = "Grüße aus Köln. ".encode() * 20000 + b"\xff"
    program = [sys.executable, "-m", "wsfast", "check", "--json"]
    done = subprocess.run(program, input=body, capture_output=True, timeout=60, check=False)
    assert done.returncode == 1
    assert json.loads(done.stdout)["violation"]["offset"] == len(body) - 1


def test_check_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    if not Path("/proc/self/status").exists():
        pytest.skip("needs /proc")
    file = tmp_path / "large"
    with file.open("wb") as out:
        for _ in range(64):
            out.write("日本語のテキスト ".encode() * 42000)
    program = (
        "import re, sys; from wsfast.cli import run; status = run(['check', sys.argv[1]]);"
        "peak = re.search(r'VmHWM:\\s+(\\d+) kB', open('/proc/self/status').read())[1];"
        "print(peak); sys.exit(status)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(file)],
        capture_output=True,
        timeout=60,
        check=True,
    )
    assert int(done.stdout.split()[-1]) < 64 << 10  # KiB


# Files that can't be read.


def test_check_missing_file(tmp_path: Path) -> None:
    status, output = check(str(tmp_path / "none"))
    assert status == 2
    assert "No such file" in output


def test_check_name_that_would_command_a_terminal(tmp_path: Path) -> None:
    file = tmp_path / "red\x1b[31m"
    assert "red\\x1b[31m: No such file" in check(str(file))[1]
    if sys.platform != "win32":
        file.write_bytes(b"fine")
        assert check(str(file)) == (0, f"{tmp_path}/red\\x1b[31m: valid UTF-8, 4 bytes\n")


def test_check_calls_standard_input_so() -> None:
    assert check(stdin=b"fine") == (0, "standard input: valid UTF-8, 4 bytes\n")


def test_check_directory(tmp_path: Path) -> None:
    assert check(str(tmp_path))[0] == 2


def test_check_file_without_permission(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_bytes(b"x")
    file.chmod(0)
    if os.access(file, os.R_OK):
        pytest.skip("this user may read everything")
    status, output = check(str(file))
    assert status == 2
    assert "Permission denied" in output


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs /proc")
def test_check_file_whose_reading_fails() -> None:
    status, output = check("/proc/self/mem")
    assert status == 2
    assert "can't read /proc/self/mem" in output


def test_check_binary_garbage() -> None:
    for seed in range(20):
        status, _ = check(stdin=bytes((seed * 7 + i * i) % 256 for i in range(999)))
        assert status == 1


def test_check_unknown_option_is_a_wrong_call() -> None:
    assert check("--no-such")[0] == 2


def test_run_returns_the_status_of_the_program(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"\xff")
    assert run(["check", str(file)]) == 1
    file.write_bytes(b"fine")
    assert run(["check", str(file)]) == 0
    assert run(["check", str(tmp_path)]) == 2
    assert run(["no-such"]) == 2
    assert run(["--version"]) == 0
    assert "Traceback" not in capsys.readouterr().err


def test_help_names_every_subcommand_in_full() -> None:
    result = CliRunner().invoke(command, ["--help"], terminal_width=80)
    listed = result.output.partition("Commands:")[2]
    for name in command.commands:
        assert f"\n  {name} " in listed
    assert "..." not in listed


@pytest.mark.parametrize("arguments", [["--help"], ["check", "--help"], ["frames", "--help"]])
def test_help_has_examples(arguments: list[str]) -> None:
    result = CliRunner().invoke(command, arguments)
    assert result.exit_code == 0
    assert "Examples:" in result.output
    assert max(map(len, result.output.splitlines())) <= 100


# Line and column.


@pytest.mark.parametrize(
    ("data", "place"),
    [
        (b"\xff", (1, 1)),
        (b"abc\xff", (1, 4)),
        (b"abc\n\xff", (2, 1)),
        ("Grüße\n日本語".encode() + b"\xe9t\xe9", (2, 4)),
        (b"a\nb\nab\xe2\x82", (3, 3)),
        (b"a\r\nb\r\n\r\n" + "é".encode() + b"\x80", (4, 2)),
    ],
)
@pytest.mark.parametrize("before", [0, 1, 2**19 - 2, 2**19 - 1, 2**19, 2**20])
def test_check_line_and_column(data: bytes, place: tuple[int, int], before: int) -> None:
    line, column = place
    text = b"x" * before
    expected = (line, column + before) if line == 1 else (line, column)
    status, output = check("--json", stdin=text + data)
    found = json.loads(output)
    assert status == 1
    assert (found["line"], found["column"]) == expected
    # The same as Python's own decoder has it.
    at = found["violation"]["offset"]
    whole = (text + data)[:at].decode()
    assert (whole.count("\n") + 1, len(whole.rpartition("\n")[2]) + 1) == expected


# Several files.


def test_check_several_files(tmp_path: Path) -> None:
    good, bad, none = tmp_path / "good", tmp_path / "bad", tmp_path / "none"
    good.write_bytes(b"fine")
    bad.write_bytes(b"line\nGr\xfc\xdfe aus K\xf6ln")
    status, output = check(str(good), str(bad), str(none))
    assert status == 1
    assert f"{good}: valid UTF-8, 4 bytes" in output
    assert f"{bad}: not UTF-8 at line 2, column 3" in output
    assert f"can't read {none}: No such file" in output
    assert check(str(good), str(none))[0] == 2
    assert check(str(good), str(good))[0] == 0
    status, output = check("--json", str(good), str(bad))
    assert status == 1
    assert [found["valid"] for found in json.loads(output)] == [True, False]


# The text as it was meant.


@pytest.mark.parametrize(
    ("data", "line"),
    [
        ("erste\nGrüße aus Köln, schöne Tage\ndritte".encode("cp1252"), "Grüße aus Köln, schöne"),
        ("Привет, как дела сегодня?".encode("koi8-r"), "Привет, как дела"),
        ("Hello, world".encode("utf-16"), "Hello, world"),
        ("Grüße aus Köln".encode().decode("cp1252").encode(), "Grüße aus Köln"),
        ("smile \ud83d\ude42 now".encode("utf-8", "surrogatepass"), "smile 🙂 now"),
    ],
    ids=["cp1252", "koi8-r", "utf-16", "twice", "cesu-8"],
)
def test_check_shows_the_text_as_it_was_meant(data: bytes, line: str) -> None:
    output = check("--show-fixed", stdin=data)[1]
    assert f"meant  {line}" in output.replace("\\ufeff", "")
    assert line not in check(stdin=data)[1]
    assert line in json.loads(check("--show-fixed", "--json", stdin=data)[1])["fixed"]


def test_check_shows_no_text_where_none_was_meant() -> None:
    assert "meant" not in check("--show-fixed", stdin=b"\x89PNG\r\n\x1a\n" + bytes(99))[1]
    fixed = check("--show-fixed", stdin="Grüße\x1b[2J aus Köln".encode("cp1252"))[1]
    assert "\x1b" not in fixed


# What a night's log has of b"Hello w\xc3(\n", and the program that wrote it.
DUMPS = {
    "xxd": b"00000000: 4865 6c6c 6f20 77c3 280a                 Hello w.(.\n",
    "hexdump -C": b"00000000  48 65 6c 6c 6f 20 77 c3  28 0a                    |Hello w.(.|\n"
    b"0000000a\n",
    "od -tx1": b"0000000 48 65 6c 6c 6f 20 77 c3 28 0a\n0000012\n",
    "plain": b"48656c6c6f2077c3280a\n",
    "spaced": b"48 65 6c 6c 6f 20 77 c3 28 0a",
    "repr": b"b'Hello w\\xc3(\\n'\n",
}


@pytest.mark.parametrize("dump", DUMPS.values(), ids=DUMPS)
def test_check_dump_is_judged_by_the_bytes_that_it_was_made_of(tmp_path: Path, dump: bytes) -> None:
    file = tmp_path / "dump"
    file.write_bytes(dump)
    code, said = check("--dump", str(file))
    assert code == 1
    assert "not UTF-8 at line 1, column 8" in said
    assert "invalid UTF-8 at byte 7: C3" in said
    code, said = check(str(file))  # else "valid" would be taken for the answer
    assert code == 0
    assert "  but it is a hex dump, and the bytes in it are not UTF-8: use --dump\n" in said
    found = json.loads(check("--json", str(file))[1])
    assert (found["valid"], found["dumped"]["offset"]) == (True, 7)


def test_check_dump_may_be_base64_which_gets_no_note(tmp_path: Path) -> None:
    """So many words are base64 too that a note would often be wrong."""
    file = tmp_path / "dump"
    file.write_bytes(b"SGVsbG8gd8MoCg==")
    assert check("--dump", str(file))[0] == 1
    assert check(str(file)) == (0, f"{file}: valid UTF-8, 16 bytes\n")


@pytest.mark.parametrize(
    "text", [b"face", b"deadbeef c0ffee", b"48 65 6c 6c 6f", b"1001 1007", b"e9" * 20, b"[233]"]
)
def test_check_text_that_happens_to_be_hexadecimal_gets_no_note(text: bytes) -> None:
    assert check(stdin=text) == (0, f"standard input: valid UTF-8, {len(text)} bytes\n")


def test_check_dump_that_is_not_one_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "message.txt"
    file.write_bytes("Grüße".encode())
    code, said = check("--dump", str(file))
    assert code == 2
    assert "is not a hex dump; for the file itself: wsfast check without --dump" in said
