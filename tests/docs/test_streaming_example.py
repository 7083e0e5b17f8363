"""The streaming example: from any iterable, with back-pressure, and nothing half-sent unnoticed."""

from __future__ import annotations

import asyncio
import importlib.util
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from helpers import CLOSE, PING, frame
from wsfast import Binary, Connection, MessageDecoder, NotOpen, Opcode, Pong, Text

EXAMPLE = Path(__file__).parents[2] / "examples" / "streaming.py"


@pytest.fixture(scope="module")
def streaming() -> ModuleType:
    specification = importlib.util.spec_from_file_location("streaming", EXAMPLE)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


class Writer:
    """Collects what is written; has room again only when it is told so."""

    def __init__(self, drained: Callable[[], Awaitable[None]] | None = None) -> None:
        self.written = b""
        self._drained = drained

    def write(self, data: bytes) -> None:
        assert data
        self.written += data

    async def drain(self) -> None:
        if self._drained is not None:
            await self._drained()


def test_example_sends_a_long_text_in_one_message(
    streaming: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["streaming.py", "--mib", "4"])
    streaming.main()
    said = capsys.readouterr().out
    assert said.endswith(" bytes of text in one message arrived unchanged\n")
    assert int(said.split()[0].replace(",", "")) > 4_000_000


def plain(parts: list[Any]) -> Any:
    return iter(parts)


async def slowly(parts: list[Any]) -> AsyncIterator[Any]:
    for part in parts:
        await asyncio.sleep(0)
        yield part


@pytest.mark.parametrize("how", [plain, slowly])
@pytest.mark.parametrize(
    ("role", "opcode", "parts", "whole"),
    [
        ("client", Opcode.TEXT, ["grü", "", b"n", "漢字"], Text("grün漢字")),
        ("server", Opcode.BINARY, [b"\xff", b"\x00" * 70_000], Binary(b"\xff" + bytes(70_000))),
        ("client", Opcode.TEXT, [], Text("")),
    ],
)
def test_send_message_from_any_iterable(
    streaming: ModuleType, how: Any, role: Any, opcode: Opcode, parts: list[Any], whole: Any
) -> None:
    writer = Writer()
    connection: Connection[str] = Connection(role)
    asyncio.run(
        streaming.send_message(connection, writer, opcode, how(parts), masked=role == "client")
    )
    other: MessageDecoder[str] = MessageDecoder("server" if role == "client" else "client")
    assert list(other.feed(writer.written)) == [whole]


def test_send_message_asks_for_a_part_only_when_the_last_one_has_gone(
    streaming: ModuleType,
) -> None:
    asked = 0

    def parts() -> Iterator[str]:
        nonlocal asked
        while True:
            asked += 1
            yield "part"

    async def blocked() -> None:
        waits, room = asyncio.Semaphore(0), asyncio.Semaphore(0)

        async def drained() -> None:
            waits.release()
            await room.acquire()

        sending = asyncio.ensure_future(
            streaming.send_message(
                Connection("server"), Writer(drained), Opcode.TEXT, parts(), masked=False
            )
        )
        for so_far in (1, 2, 3):
            await waits.acquire()
            for _ in range(5):
                await asyncio.sleep(0)
            assert asked == so_far  # it waits
            room.release()
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending

    asyncio.run(blocked())


def test_send_message_answers_pings_between_its_fragments(streaming: ModuleType) -> None:
    connection, writer = Connection("server"), Writer()

    def parts() -> Iterator[str]:
        yield "a"
        connection.receive(frame(PING, b"1"))
        yield "b"

    asyncio.run(streaming.send_message(connection, writer, Opcode.TEXT, parts(), masked=False))
    assert list(MessageDecoder("client").feed(writer.written)) == [Pong(b"1"), Text("ab")]


def test_send_message_stops_when_the_remote_closes(streaming: ModuleType) -> None:
    connection, writer = Connection("server"), Writer()

    def parts() -> Iterator[str]:
        yield "a"
        connection.receive(frame(CLOSE, b"\x03\xe8"))
        yield "b"

    with pytest.raises(NotOpen, match="the whole message"):
        asyncio.run(streaming.send_message(connection, writer, Opcode.TEXT, parts(), masked=False))
    assert writer.written == b"\x01\x01a"


def test_send_message_of_a_lone_surrogate_sends_nothing_of_that_part(streaming: ModuleType) -> None:
    writer = Writer()
    with pytest.raises(UnicodeEncodeError, match="surrogates not allowed"):
        asyncio.run(
            streaming.send_message(
                Connection("server"), writer, Opcode.TEXT, ["a", "b\ud800"], masked=False
            )
        )
    assert writer.written == b"\x01\x01a"
