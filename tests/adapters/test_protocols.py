"""The protocols of websockets and wsproto, stock and accelerated, on the same bytes.

Invariant: what a protocol hands on and what it sends is the same, except for text that is not
UTF-8, where it is what RFC 6455 section 8.1 requires.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from helpers import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    certainly_faulty,
    find_fault,
    fragmented,
    fragments_of,
    frame,
    header,
    random_text,
)
from wsfast import FrameDecoder, PerMessageDeflate, encode_frame

SwitchOn = Callable[[str], Any]


def wires(count: int) -> list[list[bytes]]:
    """Return random traffic of a client, in random reads; some of it against the rules."""
    rng = Random(count)
    return [traffic(rng) for _ in range(count)]


def traffic(rng: Random) -> list[bytes]:
    wire = bytearray()
    for _ in range(rng.randrange(1, 8)):
        kind = rng.randrange(12)
        if kind < 5:
            wire += fragmented(TEXT, fragments_of(rng, random_text(rng, 300).encode()))
        elif kind < 8:
            wire += fragmented(BINARY, fragments_of(rng, rng.randbytes(rng.randrange(70_000))))
        elif kind < 10:
            wire += frame(rng.choice((PING, PONG)), rng.randbytes(rng.randrange(126)))
        elif kind < 11:
            wire += rng.choice(FAULTS)
        else:
            wire += frame(CLOSE, rng.choice((b"", b"\x03\xe8", b"\x03\xe9going", b"\x0f\xa0")))
    cuts = sorted(rng.randrange(len(wire) + 1) for _ in range(rng.randrange(6)))
    return [bytes(wire[a:b]) for a, b in zip([0, *cuts], [*cuts, len(wire)], strict=True)]


FAULTS = [
    frame(CONTINUATION, b"of nothing"),
    frame(TEXT, b"unfinished", fin=False) + frame(TEXT, b"another"),
    frame(TEXT, b"unfinished", fin=False) + frame(TEXT, b"\xff"),
    frame(TEXT, b"unfinished", fin=False) + frame(BINARY, b"\xff"),
    frame(BINARY, b"unfinished", fin=False) + frame(TEXT, b"\xff", fin=False),
    frame(3, b"reserved"),
    frame(TEXT, b"unmasked", key=None),
    header(0x89, 126) + bytes(200),
    header(0x09, 0),
    header(0xC1, 3) + b"abc",
    frame(CLOSE, b"\x03"),
    frame(CLOSE, b"\x03\xed"),
    frame(CLOSE, b"\x03\xe8\xff"),
    header(0x82, 5, length_size=2) + bytes(5),
]


def websockets_protocol(**options: Any) -> Any:
    from websockets.protocol import State
    from websockets.server import ServerProtocol

    return ServerProtocol(state=State.OPEN, **options)


def told_by_websockets(chunks: list[bytes], **options: Any) -> tuple[Any, ...]:
    protocol = websockets_protocol(**options)
    events = []
    for chunk in chunks:
        protocol.receive_data(chunk)
        events += [
            (f.opcode, type(f.data), bytes(f.data), f.fin) for f in protocol.events_received()
        ]
    protocol.receive_eof()
    sent = b"".join(protocol.data_to_send())
    return events, sent, type(protocol.parser_exc), str(protocol.parser_exc), protocol.state


@pytest.mark.parametrize("max_size", [None, 2**20, 1000, (3000, 500)])
def test_websockets_hands_on_the_same(switch_on: SwitchOn, max_size: Any) -> None:
    pytest.importorskip("websockets")
    samples = wires(400)
    stock = [told_by_websockets(chunks, max_size=max_size) for chunks in samples]
    switch_on("websockets")
    for chunks, theirs in zip(samples, stock, strict=True):
        assert told_by_websockets(chunks, max_size=max_size) == theirs


def close_sent(data: bytes) -> tuple[int, str]:
    frames = [f for f in FrameDecoder("client").feed(data) if f.opcode == CLOSE]
    (close,) = frames
    return int.from_bytes(close.payload[:2], "big"), bytes(close.payload[2:]).decode()


def test_websockets_finds_what_is_no_text_with_its_frame(switch_on: SwitchOn) -> None:
    pytest.importorskip("websockets")
    switch_on("websockets")
    rng = Random(1007)
    for _ in range(300):
        text = certainly_faulty(rng, random_text(rng).encode())
        fault = find_fault(text)
        assert fault is not None
        protocol = websockets_protocol()
        protocol.receive_data(fragmented(TEXT, fragments_of(rng, text)))
        code, reason = close_sent(b"".join(protocol.data_to_send()))
        assert code == 1007
        assert reason.startswith(f"invalid UTF-8 at byte {fault.offset}: ")


def test_websockets_stops_at_the_first_fault(switch_on: SwitchOn) -> None:
    pytest.importorskip("websockets")
    switch_on("websockets")
    protocol = websockets_protocol()
    protocol.receive_data(frame(TEXT, b"ab\xff", fin=False))
    assert close_sent(b"".join(protocol.data_to_send()))[0] == 1007
    assert protocol.events_received() == []


def test_websockets_failed_from_outside_takes_nothing_more(switch_on: SwitchOn) -> None:
    pytest.importorskip("websockets")
    switch_on("websockets")
    protocol = websockets_protocol()
    protocol.receive_data(frame(TEXT, b"ab"))
    protocol.fail(1011, "of the host's own")
    protocol.receive_data(frame(TEXT, b"cd"))
    assert not hasattr(protocol, "wsfast_data")
    protocol.receive_eof()
    with pytest.raises(EOFError):
        protocol.receive_data(frame(TEXT, b"ef"))
    assert [bytes(f.data) for f in protocol.events_received()] == [b"ab"]


def test_websockets_with_compression(switch_on: SwitchOn) -> None:
    deflate = pytest.importorskip("websockets.extensions.permessage_deflate")
    switch_on("websockets")
    protocol = websockets_protocol()
    protocol.extensions = [deflate.PerMessageDeflate(False, False, 15, 15)]
    client = PerMessageDeflate("client").accept("permessage-deflate")
    assert client is not None
    text = "Grüße aus Köln. " * 100
    wire = encode_frame(TEXT, client.compress(text) or b"", rsv1=True, masking_key=b"abcd")
    protocol.receive_data(wire)
    protocol.send_text(text.encode())
    assert [bytes(f.data).decode() for f in protocol.events_received()] == [text]
    (sent,) = FrameDecoder("client", reserved_bits=0x40).feed(b"".join(protocol.data_to_send()))
    assert sent.rsv1
    assert len(sent.payload) < 100
    bad = client.compress(b"x" * 100 + b"\xff" * 50) or b""
    protocol.receive_data(encode_frame(TEXT, bad, rsv1=True, masking_key=b"abcd"))
    code, reason = close_sent(b"".join(protocol.data_to_send()))
    assert (code, reason[:26]) == (1007, "invalid UTF-8 at byte 100:")


@pytest.mark.parametrize("mask_it", [False, True])
def test_websockets_writes_the_same_frames(switch_on: SwitchOn, mask_it: bool) -> None:
    frames = pytest.importorskip("websockets.frames")
    rng = Random(3)
    made = [
        frames.Frame(frames.Opcode(opcode), kind(rng.randbytes(size)), fin)
        for opcode in (0, 1, 2)
        for kind in (bytes, bytearray, memoryview)
        for size in (0, 1, 125, 126, 65_535, 65_536)
        for fin in (True, False)
    ]
    made += [frames.Frame(frames.Opcode(opcode), b"\x03\xe8", True) for opcode in (8, 9, 10)]
    stock = [f.serialize(mask=False) for f in made]
    switch_on("websockets")
    role: Any = "server" if mask_it else "client"
    for f, theirs in zip(made, stock, strict=True):
        ours = f.serialize(mask=mask_it)
        assert type(ours) is bytes
        if not mask_it:
            assert ours == theirs
        (decoded,) = FrameDecoder(role).feed(ours)
        assert (decoded.opcode, decoded.payload, decoded.fin) == (f.opcode, f.data, f.fin)
    with pytest.raises(Exception, match="reserved bits must be 0"):
        frames.Frame(frames.Opcode.TEXT, b"", True, True).serialize(mask=mask_it)


def test_websockets_over_a_socket(switch_on: SwitchOn) -> None:
    """What the client sees and what the server's application sees, of text and of none."""
    client = pytest.importorskip("websockets.asyncio.client")
    server = pytest.importorskip("websockets.asyncio.server")
    from websockets.exceptions import ConnectionClosedError

    switch_on("websockets")
    seen: list[Any] = []

    async def handler(connection: Any) -> None:
        try:
            async for message in connection:
                seen.append(message)
                await connection.send(message)
        except ConnectionClosedError as error:
            seen.append(error)

    async def run() -> Any:
        async with server.serve(handler, "127.0.0.1", 0) as listening:
            port = listening.sockets[0].getsockname()[1]
            for compression in (None, "deflate"):
                url = f"ws://127.0.0.1:{port}"
                async with client.connect(url, compression=compression, proxy=None) as connection:
                    for text in ("Grüße", "日本" * 40_000, "🙂" * 250_000, ""):
                        await connection.send(text)
                        assert await connection.recv() == text
                    await connection.send(["Gr", "ü", "ße"])
                    assert await connection.recv() == "Grüße"
                    await connection.send([b"Gr\xc3", b"\xbc", b"\xff"], text=True)
                    await connection.wait_closed()
                    assert connection.close_code == 1007
                    assert connection.close_reason.startswith("invalid UTF-8 at byte 4: FF")

    asyncio.run(asyncio.wait_for(run(), 30))
    errors = [item for item in seen if not isinstance(item, str)]
    assert len(errors) == 2
    assert all(error.sent.code == 1007 for error in errors)


def told_by_wsproto(chunks: list[bytes]) -> tuple[Any, ...]:
    from wsproto.connection import Connection, ConnectionType

    connection = Connection(ConnectionType.SERVER)
    events = []
    for chunk in chunks:
        try:
            connection.receive_data(chunk)
            events += list(connection.events())
        except Exception as error:  # noqa: BLE001 # it is compared
            events.append(error)
    return [simplified(event) for event in events], connection.state


def simplified(event: Any) -> Any:
    """Return what is compared of an event: of a violation not the wording."""
    name = type(event).__name__
    if name == "CloseConnection" and event.code in (1002, 1007):
        return name, event.code
    data = getattr(event, "data", getattr(event, "payload", None))
    flags = getattr(event, "frame_finished", None), getattr(event, "message_finished", None)
    return name, type(data), data, flags, getattr(event, "code", None)


def test_wsproto_hands_on_the_same(switch_on: SwitchOn) -> None:
    pytest.importorskip("wsproto")
    samples = wires(400)
    stock = [told_by_wsproto(chunks) for chunks in samples]
    switch_on("wsproto")
    for chunks, (events, state) in zip(samples, stock, strict=True):
        ours, our_state = told_by_wsproto(chunks)
        failed = any(event[0] == "CloseConnection" and len(event) == 2 for event in events)
        if not failed:
            assert (ours, our_state) == (events, state)
            continue
        # Up to the violation; what stock wsproto says after it is about its own state.
        end = next(i for i, e in enumerate(events) if len(e) == 2)
        assert ours[: end + 1] == events[: end + 1]


def test_wsproto_hosts_can_send_the_close_frame(switch_on: SwitchOn) -> None:
    pytest.importorskip("wsproto")
    from wsproto.connection import Connection, ConnectionState, ConnectionType

    switch_on("wsproto")
    rng = Random(1008)
    for _ in range(300):
        text = certainly_faulty(rng, random_text(rng).encode())
        fault = find_fault(text)
        assert fault is not None
        connection = Connection(ConnectionType.SERVER)
        connection.receive_data(fragmented(TEXT, fragments_of(rng, text)))
        *_, close = connection.events()
        # What uvicorn, hypercorn and trio-websocket do.
        assert connection.state is ConnectionState.REMOTE_CLOSING
        code, reason = close_sent(bytes(connection.send(close.response())))
        assert code == 1007
        assert reason.startswith(f"invalid UTF-8 at byte {fault.offset}: ")
        assert list(connection.events()) == []


def test_wsproto_with_compression(switch_on: SwitchOn) -> None:
    extensions = pytest.importorskip("wsproto.extensions")
    from wsproto.connection import Connection, ConnectionType

    switch_on("wsproto")
    extension = extensions.PerMessageDeflate()
    extension.accept("permessage-deflate")
    connection = Connection(ConnectionType.SERVER, [extension])
    client = PerMessageDeflate("client").accept("permessage-deflate")
    assert client is not None
    text = "Grüße aus Köln. " * 100
    wire = encode_frame(TEXT, client.compress(text) or b"", rsv1=True, masking_key=b"abcd")
    got = []
    for byte in wire:
        connection.receive_data(bytes((byte,)))
        got += list(connection.events())
    assert "".join(event.data for event in got) == text
    assert got[-1].message_finished
