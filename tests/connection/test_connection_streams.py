"""A connection that hands messages on in parts does what any other does."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

import wsfast.connection
from helpers import (
    CLOSE,
    CONTINUATION,
    PING,
    TEXT,
    byte_by_byte,
    each_split,
    frame,
    on_default_codecs,
    put_in_place,
    run,
)
from wsfast import ConnectionState, Deflate, InvalidUTF8

pytestmark = on_default_codecs


@pytest.fixture(autouse=True)
def _codec_in_place(codec: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    put_in_place(codec, monkeypatch, "wsfast")


def server(**options: Any) -> Any:
    return wsfast.connection.Connection("server", stream=True, **options)


def test_ping_inside_a_message_is_answered_at_once(codec: SimpleNamespace) -> None:
    wire = frame(TEXT, b"gr\xc3", fin=False) + frame(PING, b"1") + frame(CONTINUATION, b"\xbcn")
    for chunks in ([wire], byte_by_byte(wire), *each_split(wire)):
        connection = server()
        events, sent = [], b""
        for chunk in chunks:
            events += list(connection.receive(chunk))
            sent += connection.data_to_send()
        assert sent == frame(0xA, b"1", key=None)
        pings = [i for i, event in enumerate(events) if type(event) is codec.Ping]
        assert len(pings) == 1
        before, after = events[: pings[0]], events[pings[0] + 1 :]
        assert "".join(part.data for part in before) == "gr"
        assert "".join(part.data for part in after) == "ün"
        assert [part.last for part in [*before, *after]][-1]


def test_parts_not_taken_come_first_and_the_violation_after_them(codec: SimpleNamespace) -> None:
    connection = server()
    connection.receive(frame(TEXT, b"ab", fin=False))
    connection.receive(frame(CONTINUATION, b"\xc3\xbc\xff" + b"c" * 9))
    (close,) = codec.MessageDecoder("client").feed(connection.data_to_send())
    assert close.code == 1007  # before anybody took a part
    events, violation = run(connection.receive(b""))
    assert events == [codec.TextPart("ab", False), codec.TextPart("ü", False)]
    assert isinstance(violation, InvalidUTF8)
    assert (violation.offset, violation.fragment_index, violation.fragment_offset) == (4, 1, 2)
    assert connection.closure.code == 1007


def test_close_frame_inside_a_message_ends_it(codec: SimpleNamespace) -> None:
    connection = server()
    wire = frame(TEXT, b"ab", fin=False) + frame(CLOSE, b"\x03\xe9bye")
    assert list(connection.receive(wire)) == [
        codec.TextPart("ab", False),
        codec.Close(1001, "bye"),
    ]
    assert connection.data_to_send() == frame(CLOSE, b"\x03\xe9bye", key=None)
    assert connection.state is ConnectionState.CLOSED


@pytest.mark.parametrize("compressed", [False, True])
def test_what_a_client_sends_arrives_in_parts(codec: SimpleNamespace, compressed: bool) -> None:
    deflates = [Deflate("client"), Deflate("server")] if compressed else [None, None]
    client = wsfast.connection.Connection("client", fragment_size=50, deflate=deflates[0])
    connection = server(deflate=deflates[1], text="bytes")
    text = "Grüße, 漢字 🙂 " * 40
    client.send_text(text)
    client.send_binary(bytes(range(256)) * 3)
    parts: dict[Any, list[Any]] = {codec.TextPart: [], codec.BinaryPart: []}
    wire = client.data_to_send()
    for at in range(0, len(wire), 70):
        for part in connection.receive(wire[at : at + 70]):
            parts[type(part)].append(part)
    for kind, whole in ((codec.TextPart, text.encode()), (codec.BinaryPart, bytes(range(256)) * 3)):
        assert b"".join(part.data for part in parts[kind]) == whole
        assert [part.last for part in parts[kind]] == [False] * (len(parts[kind]) - 1) + [True]
