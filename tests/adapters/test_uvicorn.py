"""uvicorn with our protocol, compared with ``websockets-sansio``: messages and ends.

Tests of what both do run on both; where ours should differ, only ours runs.
"""

from __future__ import annotations

import socket
import zlib
from typing import Any

import pytest

pytest.importorskip("uvicorn")
pytest.importorskip("websockets")

from uvicorn.protocols.utils import ClientDisconnected

from helpers import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, frame
from loopback import SECONDS, Frame
from stopping import raiser
from uvicorn_serving import (
    CLOSED,
    DEFLATE,
    OURS,
    REASONS,
    TEXTS,
    USUAL,
    Served,
    accepted,
    both,
    does,
    echo,
    loops,
    quiet,  # noqa: F401 # in use for every test here
    served,
    unmasked,
)
from wsfast import logs
from wsfast.adapters.uvicorn import _closing, _protocol

# Messages.


@both
@loops
@pytest.mark.parametrize("headers", [USUAL, DEFLATE], ids=["plain", "deflate offered"])
def test_messages_come_back(ws: str, loop: str, headers: tuple[bytes, ...]) -> None:
    options = {"ws_per_message_deflate": headers is DEFLATE, "ws_ping_interval": None}
    with served(echo, ws, loop=loop, **options) as running:
        with running.client(headers=headers) as client:
            inflate = lambda payload: payload  # noqa: E731
            if headers is DEFLATE:
                extension = client.header("sec-websocket-extensions") or ""
                assert extension.startswith("permessage-deflate")
                assert "server_max_window_bits=12" in extension
                assert "client_max_window_bits=12" in extension
                stream = zlib.decompressobj(-12)
                inflate = lambda payload: stream.decompress(payload + b"\0\0\xff\xff")  # noqa: E731
            for text in TEXTS:
                for opcode in (TEXT, BINARY):
                    client.say(opcode, text.encode())
                    answered = client.hear_rsv1()
                    body = answered[1]
                    if answered[2]:
                        body = inflate(body)
                    assert (answered[0], body) == (opcode, text.encode())
            client.say(CLOSE, CLOSED)
            assert client.farewell() == (1000, "")
        assert running.next() == {"type": "websocket.disconnect", "code": 1000, "reason": ""}


@both
@loops
def test_fragments_with_pings_between(ws: str, loop: str) -> None:
    encoded = "日本語🙂".encode()
    with served(echo, ws, loop=loop) as running, running.client() as client:
        for i in range(len(encoded)):
            fin = i == len(encoded) - 1
            client.say(CONTINUATION if i else TEXT, encoded[i : i + 1], fin=fin)
            if not fin:
                client.say(PING, b"%d" % i)
                assert client.hear() == Frame(PONG, b"%d" % i, True)
        assert client.hear() == Frame(TEXT, encoded, True)


@both
@loops
def test_many_messages_in_one_read_come_back_in_order(ws: str, loop: str) -> None:
    wire = b"".join(
        frame(TEXT, b"%d" % i) + (frame(PING, b"%d" % i) if i % 100 == 7 else b"")
        for i in range(3000)
    )
    with served(echo, ws, loop=loop) as running, running.client() as client:
        client.send(wire + frame(CLOSE, CLOSED))
        texts, pongs = [], []
        while (got := client.hear()) is not None and got.opcode != CLOSE:
            (texts if got.opcode == TEXT else pongs).append(int(got.payload))
        assert got is not None
        # Messages behind a close frame in one read can't be answered any more.
        assert texts == list(range(len(texts)))
        assert pongs == list(range(7, 3000, 100))[: len(pongs)]


def test_a_burst_is_answered_in_order_and_whole() -> None:
    wire = b"".join(frame(TEXT, b"%d" % i) for i in range(5000))
    with served(echo) as running, running.client() as client:
        client.send(wire)
        assert [client.hear_message()[1] for _ in range(5000)] == [b"%d" % i for i in range(5000)]


@loops
@pytest.mark.parametrize("end", [frame(CLOSE, CLOSED), frame(3)], ids=["close", "violation"])
def test_what_came_before_the_end_in_one_read_is_answered(loop: str, end: bytes) -> None:
    with served(echo, loop=loop) as running, running.client() as client:
        client.send(frame(TEXT, b"one") + frame(TEXT, b"two") + end)
        assert client.hear() == Frame(TEXT, b"one", True)
        assert client.hear() == Frame(TEXT, b"two", True)
        assert client.farewell()[0] in (1000, 1002)
        assert running.next()["code"] in (1000, 1002)


@loops
@pytest.mark.parametrize("end", [frame(CLOSE, CLOSED), frame(3)], ids=["close", "violation"])
def test_application_closes_in_the_turn_that_it_has_before_the_end(loop: str, end: bytes) -> None:
    async def app(receive: Any, send: Any, running: Served) -> Any:
        await receive()
        await send({"type": "websocket.close", "code": 3000})
        return await receive()

    with served(accepted(app), loop=loop) as running, running.client() as client:
        client.send(frame(TEXT, b"one") + end)
        assert client.hear() == Frame(CLOSE, b"\x0b\xb8", True)
        client.socket.shutdown(socket.SHUT_WR)
        assert client.hear() is None
        assert running.next() == {"type": "websocket.disconnect", "code": 3000, "reason": ""}


@both
@pytest.mark.parametrize(
    ("message", "opcode", "payload"),
    [
        ({"text": "über"}, TEXT, "über".encode()),
        ({"text": "über", "bytes": None}, TEXT, "über".encode()),
        ({"bytes": b"\0\xff", "text": None}, BINARY, b"\0\xff"),
        ({"bytes": bytearray(b"ab")}, BINARY, b"ab"),
        ({"bytes": memoryview(b"ab")}, BINARY, b"ab"),
        ({"bytes": b"wins", "text": "loses"}, BINARY, b"wins"),
        ({"text": ""}, TEXT, b""),
        ({"bytes": b""}, BINARY, b""),
    ],
)
def test_what_can_be_sent(ws: str, message: dict[str, Any], opcode: int, payload: bytes) -> None:
    async def app(receive: Any, send: Any, running: Served) -> None:
        await send({"type": "websocket.send", **message})
        await receive()

    with served(accepted(app), ws) as running, running.client() as client:
        assert client.hear() == Frame(opcode, payload, True)


@pytest.mark.parametrize(
    "message",
    [{}, {"text": None}, {"text": b"bytes"}, {"bytes": "text"}, {"text": "\ud800"}, {"bytes": 3}],
)
def test_what_can_not_be_sent_is_an_error_and_1011(message: dict[str, Any]) -> None:
    async def app(receive: Any, send: Any, running: Served) -> None:
        await send({"type": "websocket.send", **message})

    with served(accepted(app)) as running, running.client() as client:
        assert client.farewell() == (1011, "")
        assert isinstance(running.next(), TypeError | ValueError)


@both
@pytest.mark.parametrize("kind", ["websocket.accept", "websocket.http.response.start", "nonsense"])
def test_wrong_message_after_accept_is_an_error(ws: str, kind: str) -> None:
    async def app(receive: Any, send: Any, running: Served) -> None:
        await send({"type": kind})

    with served(accepted(app), ws) as running, running.client() as client:
        error = running.next()
        assert str(error) == (
            f"Expected ASGI message 'websocket.send' or 'websocket.close', but got '{kind}'."
        )
        assert type(error) is RuntimeError
        if ws == OURS:
            assert client.farewell() == (1011, "")


# Closing.


@both
@loops
@pytest.mark.parametrize(
    ("payload", "code", "reason"),
    [
        (b"", 1005, ""),
        (b"\x03\xe9bye \xe2\x82\xac", 1001, "bye €"),
        (b"\x13\x87", 4999, ""),
    ],
    ids=["empty", "1001", "4999"],
)
def test_close_of_the_client(ws: str, loop: str, payload: bytes, code: int, reason: str) -> None:
    with served(echo, ws, loop=loop) as running, running.client() as client:
        client.say(CLOSE, payload)
        assert client.hear() == Frame(CLOSE, payload, True)
        assert client.hear() is None
        expected = {"type": "websocket.disconnect", "code": code, "reason": reason}
        assert running.next() == expected


@both
@loops
@pytest.mark.parametrize("close", [{}, {"code": 3000, "reason": "done"}, {"reason": None}])
def test_close_of_the_application(ws: str, loop: str, close: dict[str, Any]) -> None:
    async def app(receive: Any, send: Any, running: Served) -> None:
        await send({"type": "websocket.close", **close})
        running.told.put(await receive())
        try:
            await send({"type": "websocket.send", "text": "late"})
        except RuntimeError as error:
            running.told.put(str(error))

    code, reason = close.get("code", 1000), close.get("reason") or ""
    with served(accepted(app), ws, loop=loop) as running, running.client() as client:
        got = client.hear()
        assert got == Frame(CLOSE, code.to_bytes(2, "big") + reason.encode(), True)
        expected = {"type": "websocket.disconnect", "code": code, "reason": reason}
        assert running.next() == expected
        late = "Unexpected ASGI message 'websocket.send', after sending 'websocket.close'."
        assert running.next() == late
        client.say(TEXT, b"crosses")
        client.say(CLOSE, got.payload)
        assert client.hear() is None


@pytest.mark.parametrize(
    "close", [{"code": 1006}, {"code": 5000}, {"code": "1000"}, {"reason": "x" * 124}]
)
def test_close_that_must_not_be_sent_is_an_error(close: dict[str, Any]) -> None:
    async def app(receive: Any, send: Any, running: Served) -> None:
        await send({"type": "websocket.close", **close})

    with served(accepted(app)) as running, running.client() as client:
        assert client.farewell() == (1011, "")
        assert isinstance(running.next(), TypeError | ValueError)


@loops
@pytest.mark.parametrize(
    ("outcome", "code"), [("raises", 1011), ("returns 1", 1011), ("returns", 1000)]
)
def test_application_that_ends_leaves_a_close_frame(loop: str, outcome: str, code: int) -> None:
    async def app(receive: Any, send: Any, running: Served) -> Any:
        if outcome == "raises":
            raise ZeroDivisionError
        return 1 if outcome == "returns 1" else None

    with served(accepted(app), loop=loop) as running, running.client() as client:
        assert client.farewell() == (code, "")


@loops
def test_lost_connection_is_1006_and_stays_so(loop: str) -> None:
    async def app(receive: Any, send: Any, running: Served) -> None:
        running.told.put(await receive())
        running.told.put(await receive())
        with pytest.raises(ClientDisconnected):
            await send({"type": "websocket.send", "text": "late"})

    with served(accepted(app), loop=loop) as running:
        with running.client():
            pass
        for _ in range(2):
            assert running.next() == {"type": "websocket.disconnect", "code": 1006}
        assert running.next() is None


@both
@loops
def test_shutdown_is_1012(ws: str, loop: str) -> None:
    with served(echo, ws, loop=loop) as running, running.client() as client:
        client.say(TEXT, b"before")
        assert client.hear() == Frame(TEXT, b"before", True)
        running.server.should_exit = True
        assert client.farewell() == (1012, "")
        assert running.next() == {"type": "websocket.disconnect", "code": 1012}


@both
def test_shutdown_before_the_answer_is_500(ws: str) -> None:
    async def app(receive: Any, send: Any, running: Served) -> None:
        running.server.should_exit = True
        running.told.put(await receive())

    with served(does(app), ws) as running, running.client() as client:
        assert client.status == 500
        assert running.next() == {"type": "websocket.disconnect", "code": 1006}


# Violations.

FAULTS = {
    "at once": [(TEXT, b"caf\xc3(", True)],
    "in a later fragment": [(TEXT, b"ca", False), (CONTINUATION, b"f\xc3", False)],
    "cut short": [(TEXT, b"caf", False), (CONTINUATION, b"\xc3", True)],
}


@loops
@pytest.mark.parametrize("fault", FAULTS)
def test_1007_says_which_byte_everywhere(
    loop: str, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    reason = REASONS[fault]
    with served(echo, loop=loop) as running, running.client() as client:
        client.say(TEXT, b"all is well so far")
        assert client.hear() == Frame(TEXT, b"all is well so far", True)
        for opcode, payload, fin in FAULTS[fault]:
            client.say(opcode, payload, fin=fin)
        if fault == "in a later fragment":
            client.say(CONTINUATION, b"(")
        assert client.farewell() == (1007, reason)
        expected = {"type": "websocket.disconnect", "code": 1007, "reason": reason}
        assert running.next() == expected
    (record,) = (record for record in caplog.records if "1007" in record.getMessage())
    assert (record.name, record.ws_offset, record.ws_path) == ("wsfast", 3, "/")


def test_1007_is_logged_by_uvicorn_if_wsfast_may_not(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs.LOGGER, "disabled", True)
    with served(echo) as running, running.client() as client:
        client.say(TEXT, b"caf\xc3(")
        assert client.farewell() == (1007, REASONS["at once"])
    (line,) = (line for line in caplog.messages if "1007" in line)
    assert line.endswith(f'"WebSocket /" closed with 1007: {REASONS["at once"]}')


def test_1007_in_a_compressed_message() -> None:
    stream = zlib.compressobj(wbits=-12)
    payload = (stream.compress(b"caf\xc3(") + stream.flush(zlib.Z_SYNC_FLUSH))[:-4]
    first = bytearray(frame(TEXT, payload))
    first[0] |= 0x40
    with served(echo) as running, running.client(headers=DEFLATE) as client:
        client.send(bytes(first))
        assert client.farewell() == (1007, REASONS["at once"])


def test_compressed_message_that_could_not_be_made_is_referred_to_by_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else the client, which never had it, would inflate the next one to something else."""
    text = "Съешь ещё этих мягких французских булок. " * 20

    async def app(_receive: Any, send: Any, _running: Served) -> None:
        message = {"type": "websocket.send", "text": text}
        with monkeypatch.context() as patch:
            patch.setattr(_protocol, "encode_frame", raiser(MemoryError()))
            with pytest.raises(MemoryError):
                await send(message)
        await send(message)

    with served(accepted(app)) as running, running.client(headers=DEFLATE) as client:
        opcode, payload, rsv1 = client.hear_rsv1()
        assert running.next() is None
    assert (opcode, rsv1) == (TEXT, True)
    inflated = zlib.decompressobj(wbits=-15).decompress(payload + b"\0\0\xff\xff")
    assert inflated.decode() == text


@both
@pytest.mark.parametrize(
    ("wire", "code"),
    [
        (frame(TEXT, b"x" * 101), 1009),
        (frame(TEXT, b"x" * 60, fin=False) + frame(CONTINUATION, b"x" * 60), 1009),
        (frame(3), 1002),
        (frame(TEXT, b"no mask", key=None), 1002),
        (frame(CONTINUATION, b"of what?"), 1002),
    ],
    ids=["1009", "1009 in fragments", "opcode", "mask", "continuation"],
)
def test_violations(ws: str, wire: bytes, code: int) -> None:
    with served(echo, ws, ws_max_size=100) as running, running.client() as client:
        client.send(wire)
        assert client.farewell()[0] == code
        assert running.next()["code"] == code


@loops
@pytest.mark.parametrize("code", [1007, 1009])
def test_close_frame_arrives_though_the_client_goes_on_sending(
    loop: str, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_closing, "LINGER", SECONDS)  # enough, however busy the machine is
    wire = frame(TEXT, b"\xff") if code == 1007 else unmasked(bytes(1 << 23))
    with served(echo, loop=loop, ws_max_size=1 << 20) as running, running.client() as client:
        client.send(wire)
        for _ in range(16):
            client.send(unmasked(bytes(1 << 18)))
        assert client.farewell()[0] == code
