"""Connections whose other end is the sans-IO protocol of ``websockets`` or ``wsproto``.

RFC 6455 sections 5.5 and 7: how each end handles the other's closing, pings, fragments and
violations.
"""

from __future__ import annotations

from typing import Any

import pytest
from websockets.client import ClientProtocol
from websockets.frames import Opcode as PeerOpcode
from websockets.protocol import State as PeerState
from websockets.server import ServerProtocol
from websockets.uri import parse_uri
from wsproto import events as peer_events
from wsproto.connection import Connection as WsprotoConnection
from wsproto.connection import ConnectionType

import wsfast
from helpers import TEXT, frame, on_default_codecs
from wsfast import Close, Connection, ConnectionState, InvalidUTF8, Ping, Pong, Text

pytestmark = [on_default_codecs, pytest.mark.usefixtures("on_the_codec")]
CLOSED = ConnectionState.CLOSED


@pytest.mark.parametrize("ours", ["server", "client"])
@pytest.mark.parametrize("first", ["ours", "theirs"])
@pytest.mark.parametrize("code", [None, 1000, 1001, 3000, 4999])
def test_closing_with_websockets(ours: Any, first: str, code: int | None) -> None:
    connection = Connection(ours)
    peer: Any = (
        ClientProtocol(parse_uri("ws://localhost/"), state=PeerState.OPEN)
        if ours == "server"
        else ServerProtocol(state=PeerState.OPEN)
    )
    reason = "" if code is None else "why"
    if first == "ours":
        connection.close(code, reason)
        peer.receive_data(connection.data_to_send())
        list(connection.receive(b"".join(peer.data_to_send())))
    else:
        peer.send_close(code, reason)
        list(connection.receive(b"".join(peer.data_to_send())))
        peer.receive_data(connection.data_to_send())
    (close,) = [f for f in peer.events_received() if f.opcode is PeerOpcode.CLOSE]
    assert close.data[2:].decode() == reason
    assert peer.close_rcvd is not None or code is None
    assert connection.state is CLOSED
    assert connection.closure is not None
    assert connection.closure.code == (code or 1005)


def talk_with_wsproto(ours: Connection, theirs: WsprotoConnection) -> tuple[list[Any], list[Any]]:
    """Move bytes until there are none; return what both received."""
    got: list[Any] = []
    theirs_got: list[Any] = []
    while data := ours.data_to_send():
        theirs.receive_data(data)
        for event in theirs.events():
            theirs_got.append(event)
            asks = isinstance(event, (peer_events.Ping, peer_events.CloseConnection))
            if asks and theirs.state.name in ("OPEN", "REMOTE_CLOSING"):
                got += ours.receive(theirs.send(event.response()))
    return got, theirs_got


@pytest.mark.parametrize("role", ["server", "client"])
@pytest.mark.parametrize("fragment_size", [None, 4])
def test_a_conversation_with_wsproto(role: Any, fragment_size: int | None) -> None:
    ours = Connection(role, fragment_size=fragment_size)
    theirs = WsprotoConnection(ConnectionType.CLIENT if role == "server" else ConnectionType.SERVER)
    sent = [
        theirs.send(peer_events.TextMessage(data="Grü", message_finished=False)),
        theirs.send(peer_events.Ping(payload=b"between")),
        theirs.send(peer_events.TextMessage(data="ße 🙂")),
        theirs.send(peer_events.BytesMessage(data=b"\xff\x00")),
    ]
    got = [event for chunk in sent for event in ours.receive(chunk)]
    assert got == [Ping(b"between"), Text("Grüße 🙂"), wsfast.Binary(b"\xff\x00")]
    ours.send_text("für 日本語 🙂")
    ours.send_binary(b"\x80" * 9)
    payload = ours.ping(b"there?")
    ours.close(4000, "Ende")
    got, theirs_got = talk_with_wsproto(ours, theirs)
    assert got == [Pong(payload), Close(4000, "Ende")]
    assert [e.payload for e in theirs_got if isinstance(e, peer_events.Pong)] == [b"between"]
    texts = [e.data for e in theirs_got if isinstance(e, peer_events.TextMessage)]
    parts = [bytes(e.data) for e in theirs_got if isinstance(e, peer_events.BytesMessage)]
    assert "".join(texts) == "für 日本語 🙂"
    assert b"".join(parts) == b"\x80" * 9
    assert (theirs_got[-1].code, theirs_got[-1].reason) == (4000, "Ende")
    assert (ours.state, theirs.state.name) == (CLOSED, "CLOSED")


def test_a_violation_reaches_wsproto_with_its_place() -> None:
    ours, theirs = Connection("server"), WsprotoConnection(ConnectionType.CLIENT)
    with pytest.raises(InvalidUTF8):
        list(ours.receive(frame(TEXT, b"caf\xe9 noir")))
    got, (close,) = talk_with_wsproto(ours, theirs)
    assert isinstance(close, peer_events.CloseConnection)
    assert close.code == 1007
    assert close.reason.startswith("invalid UTF-8 at byte 3: E9")
    assert got == []  # what comes after a violation is ignored
