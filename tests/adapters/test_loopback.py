"""Libraries over a real socket, stock and accelerated: what both ends see.

Run as a program it writes the tables of docs/peers/invalid-text.md again.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

import pytest

import wsfast
from helpers import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT
from loopback import End, Peer


class Program(NamedTuple):
    """A program of programs.py: the distribution it is of, and the peer that is accelerated."""

    distribution: str
    peer: str
    runs_on: str = ""  # another distribution, which the first does not install


PROGRAMS = {
    "websockets-asyncio": Program("websockets", "websockets"),
    "websockets-sync": Program("websockets", "websockets"),
    "uvicorn-sansio": Program("uvicorn", "websockets"),
    "uvicorn-wsproto": Program("uvicorn", "wsproto"),
    "hypercorn": Program("hypercorn", "wsproto"),
    "trio-websocket": Program("trio-websocket", "wsproto"),
    "autobahn": Program("autobahn", "autobahn"),
    "autobahn-twisted": Program("autobahn", "autobahn", "twisted"),
    "tornado": Program("tornado", "tornado"),
    "aiohttp": Program("aiohttp", "aiohttp"),
    "gevent-websocket": Program("gevent-websocket", "gevent-websocket"),
    "ws4py": Program("ws4py", "ws4py"),
    "websocket-client": Program("websocket-client", "websocket-client"),
    "lomond": Program("lomond", "lomond"),
}
PAGE = Path(__file__).parents[2] / "docs" / "peers" / "invalid-text.md"
TEXTS = ["plain", "größer", "Съешь ещё", "日本語" * 700, "🙂" * 20_000, "x" * (1 << 20)]
# What is not UTF-8, from its first byte that is wrong, in the three places it can be.
IN_ONE_FRAME = [(TEXT, b"caf\xc3(", True)]
CUT_SHORT = [(TEXT, b"caf", False), (CONTINUATION, b"\xc3", True)]
IN_THE_REASON = [(CLOSE, b"\x03\xe8caf\xc3(", True)]
IN_FRAGMENTS = [(TEXT, b"ca", False), (CONTINUATION, b"f\xc3", False), (CONTINUATION, b"(", False)]


def version_of(name: str) -> str:
    """Return the version of a program's distribution; "" if it can't run."""
    program = PROGRAMS[name]
    try:
        metadata.version(program.runs_on or program.distribution)
        return metadata.version(program.distribution)
    except metadata.PackageNotFoundError:
        return ""


def missing(name: str) -> str:
    """Return what to install for a program."""
    return " or ".join(filter(None, (PROGRAMS[name].distribution, PROGRAMS[name].runs_on)))


def need_program(name: str) -> None:
    """Skip a test of a program that can't run here."""
    if not version_of(name):
        # `make test` installs few of these libraries; `nox -s adapters` installs them all.
        pytest.skip(f"{missing(name)} is not installed")


def started(name: str, accelerated: bool) -> Peer:
    return Peer(name, PROGRAMS[name].peer if accelerated else "")


@pytest.fixture(scope="module", params=[False, True], ids=["stock", "accelerated"])
def accelerated(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture(scope="module", params=PROGRAMS)
def peer(request: pytest.FixtureRequest, accelerated: bool) -> Iterator[tuple[str, Peer]]:
    name = request.param
    need_program(name)
    running = started(name, accelerated)
    yield name, running
    running.close()


def test_messages_come_back(peer: tuple[str, Peer]) -> None:
    with peer[1].connected() as end:
        for text in TEXTS:
            encoded = text.encode()
            end.say(TEXT, encoded)
            assert end.hear_message() == (TEXT, encoded)
            end.say(BINARY, encoded)
            assert end.hear_message() == (BINARY, encoded)
        encoded = "日本語🙂".encode()
        for i in range(len(encoded)):  # each character is cut in all places
            fin = i == len(encoded) - 1
            end.say(CONTINUATION if i else TEXT, encoded[i : i + 1], fin=fin)
            if i % 4 == 3:
                end.say(PING, b"between fragments")
                assert end.hear_message() == (PONG, b"between fragments")
        assert end.hear_message() == (TEXT, encoded)
        end.say(CLOSE, b"\x03\xe8")
        assert end.farewell()[0] in (1000, 1005)
        peer[1].told()


def say_all(end: End, frames: list[tuple[int, bytes, bool]]) -> None:
    for opcode, payload, fin in frames:
        end.say(opcode, payload, fin=fin)


@pytest.mark.parametrize("accelerated", [True], ids=["accelerated"], indirect=True, scope="module")
@pytest.mark.parametrize(
    "frames", [IN_ONE_FRAME, CUT_SHORT, IN_THE_REASON], ids=["frame", "cut short", "reason"]
)
def test_the_remote_sees_1007(
    peer: tuple[str, Peer], frames: list[tuple[int, bytes, bool]]
) -> None:
    name, running = peer
    with running.connected() as end:
        end.say(TEXT, b"all is well so far")
        end.hear_message()
        say_all(end, frames)
        code, reason = end.farewell()
        running.told()
    assert code == 1007
    native = ("websockets", "wsproto") if wsfast.backend().name == "native" else ()
    if frames is not IN_THE_REASON and PROGRAMS[name].peer in (*native, "tornado"):
        assert reason.startswith("invalid UTF-8 at byte 3: C3, ")


Seen = tuple[str, str, str]  # when it was found, what the remote sees, what the application sees


@cache
def seen(name: str, accelerated: bool) -> Seen:
    """Send a text whose third fragment is not UTF-8, and which never ends."""
    running = started(name, accelerated)
    try:
        with running.connected() as end:
            say_all(end, IN_FRAGMENTS)
            end.say(PING, b"still there?")
            got = end.hear()
            when = "at once"
            if got is not None and got.opcode == PONG:
                when = "at the end of the message"
                end.say(CONTINUATION, b"")
                code, reason = end.farewell()
            elif got is None:
                code, reason = 1006, ""
            else:
                code = int.from_bytes(got.payload[:2], "big") or 1005
                reason = got.payload[2:].decode()
            end.hang_up()
            return when, remotely(code, reason), locally(*running.told())
    finally:
        running.close()


def remotely(code: int, reason: str) -> str:
    if code == 1006:
        return "no close frame"
    if code == 1005:
        return "a close frame without a code"
    return f"{code} {reason}".strip()


def locally(what: str, code: int, text: str) -> str:
    return " ".join(str(part) for part in (what, code or "", text) if part != "")


def table(accelerated: bool) -> list[str]:
    return [
        f"| {name} {version_of(name)} | {' | '.join(seen(name, accelerated))} |"
        for name in PROGRAMS
        if version_of(name)
    ]


@pytest.mark.skipif(not PAGE.exists(), reason="needs the documentation beside the tests")
@pytest.mark.parametrize("name", PROGRAMS)
def test_the_tables_say_what_is_seen(name: str) -> None:
    head = f"| {name} {version_of(name)} | "
    said = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith(head)]
    if not said:
        pytest.skip(f"{name} {version_of(name) or 'is not installed'}: not that of the table")
    assert said == [head + " | ".join(seen(name, way)) + " |" for way in (False, True)]


def write() -> None:
    """Write the tables into the page."""
    page = PAGE.read_text(encoding="utf-8")
    for way, mark in ((False, "<!-- stock -->\n"), (True, "<!-- accelerated -->\n")):
        before, after = page.split(mark)
        rest = after.partition("\n\n")[2]
        head = after.splitlines()[:2]
        page = before + mark + "\n".join([*head, *table(way)]) + "\n\n" + rest
    PAGE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    write()
