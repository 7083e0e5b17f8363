"""Where the command line reads: a verdict needs the whole input, or there is none.

Invariant: what was not read to its end is never "valid" or "empty", and the exit status is 2.
"""

from __future__ import annotations

import io
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("click")

from helpers import TEXT, frame
from wsfast.cli import _files, run

CLI = [sys.executable, "-m", "wsfast"]
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="needs the files of POSIX")


def start(command: str, stdin: int, *arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [*CLI, command, *arguments], stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def wait_until_it_waits(process: subprocess.Popen[bytes]) -> None:
    """Wait until the process sleeps in a system call that waits for input."""
    waits = {"0", "7", "23", "270", "271"}  # read, poll, select, pselect6, ppoll on x86-64
    status = Path(f"/proc/{process.pid}/syscall")
    for _ in range(3000):
        words = status.read_text().split()
        if words[0] in waits and (words[0] != "0" or words[1] == "0x0"):
            return
        threading.Event().wait(0.01)
    raise AssertionError("it never waited for input")


def wait_for_reading(process: subprocess.Popen[bytes]) -> None:
    """Wait until the process waits for input, or long enough where that can't be told."""
    if os.uname().machine == "x86_64" and os.access(f"/proc/{process.pid}/syscall", os.R_OK):
        wait_until_it_waits(process)
    else:
        threading.Event().wait(1)


@POSIX
@pytest.mark.parametrize("blocking", [True, False])
@pytest.mark.parametrize("command", ["check", "frames"])
@pytest.mark.parametrize("kind", ["pipe", "socket"])
def test_input_that_comes_late_is_waited_for(command: str, kind: str, blocking: bool) -> None:
    whole = b"good \xff" if command == "check" else frame(TEXT, b"good \xff")
    if kind == "pipe":
        reader, writer = os.pipe()
    else:
        ours, theirs = socket.socketpair()
        reader, writer = theirs.detach(), ours.detach()
    os.set_blocking(reader, blocking)
    process = start(command, reader)
    os.close(reader)
    wait_for_reading(process)  # before there is anything
    for piece in (whole[:5], whole[5:8], whole[8:]):
        os.write(writer, piece)
        wait_for_reading(process)
    os.close(writer)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 1, err
    assert b"at byte 5" in out


@POSIX
@pytest.mark.parametrize("command", ["check", "frames"])
def test_input_of_a_fifo(tmp_path: Path, command: str) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    process = start(command, subprocess.DEVNULL, str(fifo))
    with fifo.open("wb") as out:
        out.write(frame(TEXT, b"caf\xe9"))
    process.communicate(timeout=60)
    assert process.returncode == 1


@POSIX
@pytest.mark.parametrize("command", ["check", "frames"])
def test_input_that_is_interrupted(command: str) -> None:
    reader, writer = os.pipe()
    process = start(command, reader)
    os.close(reader)
    os.write(writer, b"good ")
    wait_for_reading(process)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    os.close(writer)
    assert (process.returncode, out, err.strip()) == (130, b"", b"interrupted")


class Source(io.RawIOBase):
    """Some pieces; an exception among them is raised, a callable is called."""

    def __init__(self, *pieces: bytes | OSError | Callable[[], object]) -> None:
        self._pieces = iter(pieces)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        piece = next(self._pieces, b"")
        if isinstance(piece, OSError):
            raise piece
        if not isinstance(piece, bytes):
            piece()
            return self.readinto(buffer)
        buffer[: len(piece)] = piece
        return len(piece)


@pytest.fixture
def source(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def give(*pieces: bytes | OSError) -> None:
        monkeypatch.setattr(_files, "_standard_input", lambda: Source(*pieces))

    return give


@pytest.mark.parametrize("command", ["check", "frames"])
@pytest.mark.parametrize("before", [(), (b"fine so far",), (frame(TEXT, b"fine"),)])
def test_input_whose_reading_fails(
    source: Callable[..., None],
    capsys: pytest.CaptureFixture[str],
    command: str,
    before: tuple[bytes, ...],
) -> None:
    source(*before, OSError(5, "Input/output error"))
    assert run([command]) == 2
    said = capsys.readouterr()
    assert said.err == "Error: can't read standard input: Input/output error\n"
    assert said.out == ""


@pytest.mark.parametrize("command", ["check", "frames"])
def test_input_in_the_smallest_pieces(source: Callable[..., None], command: str) -> None:
    wire = frame(TEXT, b"good \xff")
    source(*(wire[i : i + 1] for i in range(len(wire))))
    assert run([command]) == 1


class Changing(io.FileIO):
    """A file to which something happens at the end of the first read."""

    happens: Callable[[str], object]

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        count = super().readinto(buffer)
        if self.happens is not None:
            type(self).happens(str(self.name))
            type(self).happens = None  # type: ignore[assignment]
        return count or 0


def grow(name: str) -> None:
    with open(name, "ab") as file:
        file.write(b"\xff")


def shrink(name: str) -> None:
    os.truncate(name, 3)


def touch(name: str) -> None:
    os.utime(name, ns=(0, 0))


@pytest.mark.parametrize("command", ["check", "frames"])
@pytest.mark.parametrize("happens", [grow, shrink, touch])
def test_input_that_changes_meanwhile(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: str,
    happens: Callable[[str], object],
) -> None:
    file = tmp_path / "log"
    file.write_bytes(frame(TEXT, b"fine"))
    if command == "check":
        file.write_bytes(b"fine")
    monkeypatch.setattr(Changing, "happens", staticmethod(happens), raising=False)
    monkeypatch.setattr(_files.io, "FileIO", Changing)
    status = run([command, str(file)])
    said = capsys.readouterr()
    if happens is grow and command == "check":
        assert status == 1  # it was read, and no later end takes that back
    else:
        assert status == 2
        assert "changed while it was read" in said.err
        assert said.out == ""


@POSIX
@pytest.mark.parametrize(
    ("command", "file", "says"),
    [
        ("check", ".", "Is a directory"),
        ("frames", ".", "Is a directory"),
        ("check", "/dev/zero", "is a device, which may never end"),
        ("frames", "/dev/zero", "larger than"),
        ("frames", os.devnull, "is empty"),
        ("check", "/proc/self/mem", "can't read"),
        ("frames", "/proc/self/mem", "can't read"),
    ],
)
def test_input_that_is_no_file(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: str,
    file: str,
    says: str,
) -> None:
    if not Path(file).exists():
        pytest.skip(f"needs {file}")
    monkeypatch.setattr(sys.modules["wsfast.cli.frames"], "MAX_CAPTURE", 1 << 20)
    assert run([command, file]) == 2
    assert says in capsys.readouterr().err


@POSIX
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
def test_input_of_a_file_whose_size_means_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", "/proc/self/status"]) == 0
    assert "valid UTF-8" in capsys.readouterr().out


@POSIX
def test_input_that_is_closed_at_the_start() -> None:
    for command in ("check", "frames"):
        done = subprocess.run(
            f'"{sys.executable}" -m wsfast {command} <&-',
            shell=True,
            capture_output=True,
            timeout=60,
        )
        assert (done.returncode, done.stdout) == (2, b"")


@POSIX
def test_input_that_is_open_for_writing_only(tmp_path: Path) -> None:
    with (tmp_path / "out").open("wb") as out:
        process = start("check", out.fileno())
    _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert b"can't read standard input" in err
