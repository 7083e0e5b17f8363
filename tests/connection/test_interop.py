"""What `websockets` and `wsproto` encode we decode, and the reverse (RFC 6455 section 5).

Invariant: each peer is driven by its own public calls; the only thing shared with the
codec under test is the wire.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, TypeAlias

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from websockets.client import ClientProtocol
from websockets.frames import Close as PeerClose
from websockets.frames import Opcode as PeerOpcode
from websockets.protocol import State
from websockets.server import ServerProtocol
from websockets.uri import parse_uri
from wsproto import events as wsproto_events
from wsproto.connection import Connection, ConnectionType

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10

# What one end said: ("text", str), ("close", code, reason), …
Said: TypeAlias = tuple[Any, ...]


@dataclass(frozen=True)
class Part:
    """Hold one frame to send; a close frame has ``code`` and a reason as payload."""

    opcode: int
    payload: bytes
    fin: bool = True
    text: bool = False  # whether it belongs to a text message
    code: int | None = None


# Peers: encode() and decode(), sans-IO, with a connection that is already open.


class WebsocketsPeer:
    """The sans-IO protocol of `websockets`."""

    cuts_characters = True

    def __init__(self, role: str) -> None:
        if role == "client":
            uri = parse_uri("ws://localhost/")
            self._protocol = ClientProtocol(uri, state=State.OPEN)
        else:
            self._protocol = ServerProtocol(state=State.OPEN)

    def encode(self, parts: list[Part]) -> bytes:
        send = self._protocol
        for part in parts:
            if part.opcode == TEXT:
                send.send_text(part.payload, part.fin)
            elif part.opcode == BINARY:
                send.send_binary(part.payload, part.fin)
            elif part.opcode == CONTINUATION:
                send.send_continuation(part.payload, part.fin)
            elif part.opcode == PING:
                send.send_ping(part.payload)
            elif part.opcode == PONG:
                send.send_pong(part.payload)
            else:
                send.send_close(part.code, part.payload.decode())
        return b"".join(self._protocol.data_to_send())

    def decode(self, chunks: list[bytes]) -> list[Said]:
        said: list[Said] = []
        opcode, message = PeerOpcode.CONT, b""
        for chunk in chunks:
            self._protocol.receive_data(chunk)
            for frame in self._protocol.events_received():
                payload = bytes(frame.data)
                if frame.opcode in (PeerOpcode.PING, PeerOpcode.PONG):
                    said.append(("ping" if frame.opcode is PeerOpcode.PING else "pong", payload))
                elif frame.opcode is PeerOpcode.CLOSE:
                    close = PeerClose.parse(payload)
                    said.append(("close", int(close.code), close.reason))
                else:
                    opcode = opcode if frame.opcode is PeerOpcode.CONT else frame.opcode
                    message += payload
                    if frame.fin:
                        text = opcode is PeerOpcode.TEXT
                        said.append(("text", message.decode()) if text else ("binary", message))
                        assert opcode in (PeerOpcode.TEXT, PeerOpcode.BINARY)
                        opcode, message = PeerOpcode.CONT, b""
        assert self._protocol.parser_exc is None
        return said


class WsprotoPeer:
    """The connection of `wsproto`, which takes and gives text as `str`."""

    cuts_characters = False

    def __init__(self, role: str) -> None:
        kind = ConnectionType.CLIENT if role == "client" else ConnectionType.SERVER
        self._connection = Connection(kind)

    def encode(self, parts: list[Part]) -> bytes:
        return b"".join(self._connection.send(self._event(part)) for part in parts)

    def _event(self, part: Part) -> wsproto_events.Event:
        if part.opcode == PING:
            return wsproto_events.Ping(payload=part.payload)
        if part.opcode == PONG:
            return wsproto_events.Pong(payload=part.payload)
        if part.opcode == CLOSE:
            code = 1005 if part.code is None else part.code
            return wsproto_events.CloseConnection(code=code, reason=part.payload.decode())
        if part.text:
            return wsproto_events.TextMessage(part.payload.decode(), message_finished=part.fin)
        return wsproto_events.BytesMessage(part.payload, message_finished=part.fin)

    def decode(self, chunks: list[bytes]) -> list[Said]:
        said: list[Said] = []
        pieces: list[Any] = []
        for chunk in chunks:
            self._connection.receive_data(chunk)
            for event in self._connection.events():
                match event:
                    case (
                        wsproto_events.TextMessage(data=data)
                        | wsproto_events.BytesMessage(data=data)
                    ):
                        text = isinstance(event, wsproto_events.TextMessage)
                        pieces.append(data if text else bytes(data))
                        if event.message_finished:
                            kind, empty = ("text", "") if text else ("binary", b"")
                            said.append((kind, empty.join(pieces)))
                            pieces.clear()
                    case wsproto_events.Ping(payload=payload):
                        said.append(("ping", bytes(payload)))
                    case wsproto_events.Pong(payload=payload):
                        said.append(("pong", bytes(payload)))
                    case wsproto_events.CloseConnection(code=code, reason=reason):
                        said.append(("close", int(code), reason or ""))
        return said


PEERS: dict[str, Any] = {"websockets": WebsocketsPeer, "wsproto": WsprotoPeer}


# The codec under test, in the same terms.


def our_encoding(codec: SimpleNamespace, role: str, parts: list[Part]) -> bytes:
    """Return the wire of ``parts`` as the client or the server sends it."""
    wire = b""
    for part in parts:
        payload = part.payload
        if part.opcode == CLOSE:
            payload = codec.encode_close(part.code, part.payload.decode())
        key = codec.new_masking_key() if role == "client" else None
        wire += codec.encode_frame(part.opcode, payload, fin=part.fin, masking_key=key)
    return wire


def our_decoding(codec: SimpleNamespace, role: str, chunks: list[bytes]) -> list[Said]:
    """Return what the decoder at the other end of ``role`` makes of the wire."""
    decoder = codec.MessageDecoder("server" if role == "client" else "client")
    return [in_terms(event) for chunk in chunks for event in decoder.feed(chunk)]


def in_terms(event: Any) -> Said:
    kind = type(event).__name__.lower()
    return (kind, event.code, event.reason) if kind == "close" else (kind, event.data)


def what_is_said(parts: list[Part]) -> list[Said]:
    """Return what any decoder must make of ``parts``."""
    said: list[Said] = []
    message = b""
    for part in parts:
        if part.opcode in (PING, PONG):
            said.append(("ping" if part.opcode == PING else "pong", part.payload))
        elif part.opcode == CLOSE:
            said.append(("close", 1005 if part.code is None else part.code, part.payload.decode()))
        else:
            message += part.payload
            if part.fin:
                said.append(("text", message.decode()) if part.text else ("binary", message))
                message = b""
    return said


# What to say.

SIZES = st.sampled_from([0, 1, 3, 16, 64, 125, 126, 127, 1000, 65_535, 65_536])
ALPHABETS = st.sampled_from(["ascii", "Grüße ", "Привет ", "日本語", "🙂🚀", '{"ключ": "ß🙂"}'])
CODES = st.sampled_from([1000, 1001, 1002, 1003, 1007, 1008, 1009, 1011, 3000, 4999])


@st.composite
def text_or_bytes(draw: st.DrawFn) -> tuple[bool, str | bytes]:
    if draw(st.booleans()):
        return False, bytes(i * 7 % 256 for i in range(draw(SIZES)))
    words = draw(ALPHABETS)
    size = draw(SIZES)
    return True, draw(st.one_of(st.text(max_size=40), st.just((words * (size + 1))[: size // 2])))


@st.composite
def scripts(draw: st.DrawFn, *, cuts_characters: bool) -> list[Part]:
    """Draw messages in fragments, control frames among these, and perhaps a close frame."""
    parts: list[Part] = []
    control = st.builds(Part, st.sampled_from([PING, PONG]), st.binary(max_size=125))
    for _ in range(draw(st.integers(0, 4))):
        text, data = draw(text_or_bytes())
        whole: Any = data.encode() if isinstance(data, str) and cuts_characters else data
        cuts = sorted(draw(st.lists(st.integers(0, len(whole)), max_size=4)))
        pieces = [whole[a:b] for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
        for i, piece in enumerate(pieces):
            encoded = piece.encode() if isinstance(piece, str) else piece
            opcode = CONTINUATION if i else TEXT if text else BINARY
            parts.append(Part(opcode, encoded, fin=i == len(cuts), text=text))
            parts += draw(st.lists(control, max_size=1))
    if draw(st.booleans()):
        reason = draw(st.text(max_size=30))
        parts.append(Part(CLOSE, reason.encode(), code=draw(CODES)))
    return parts


def in_chunks(wire: bytes, seed: int) -> list[bytes]:
    """Cut the wire into reads: whole, byte by byte, or something between."""
    sizes = (len(wire) or 1, 1 if len(wire) < 2000 else 1021, 2, 7, 4096)
    size = sizes[seed % len(sizes)]
    return [wire[i : i + size] for i in range(0, len(wire), size)]


few = settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
    ],
)
each_peer = pytest.mark.parametrize("peer", PEERS)
each_role = pytest.mark.parametrize("role", ["client", "server"])


@each_peer
@each_role
@few
@given(data=st.data(), seed=st.integers(0, 4))
def test_decoder_given_what_a_peer_encodes_yields_what_was_said(
    codec: SimpleNamespace, peer: str, role: str, data: st.DataObject, seed: int
) -> None:
    sender = PEERS[peer](role)
    parts = data.draw(scripts(cuts_characters=sender.cuts_characters))
    wire = sender.encode(parts)
    assert our_decoding(codec, role, in_chunks(wire, seed)) == what_is_said(parts)


@each_peer
@each_role
@few
@given(data=st.data(), seed=st.integers(0, 4))
def test_peer_given_what_we_encode_hears_what_was_said(
    codec: SimpleNamespace, peer: str, role: str, data: st.DataObject, seed: int
) -> None:
    parts = data.draw(scripts(cuts_characters=True))
    wire = our_encoding(codec, role, parts)
    receiver = PEERS[peer]("server" if role == "client" else "client")
    assert receiver.decode(in_chunks(wire, seed)) == what_is_said(parts)


@each_role
@few
@given(data=st.data())
def test_encoder_of_a_server_sends_what_websockets_sends(
    codec: SimpleNamespace, role: str, data: st.DataObject
) -> None:
    parts = data.draw(scripts(cuts_characters=True))
    ours = our_encoding(codec, role, parts)
    theirs = WebsocketsPeer(role).encode(parts)
    if role == "server":
        assert ours == theirs
    else:  # the masking keys differ
        assert len(ours) == len(theirs)


@each_role
@pytest.mark.parametrize("code", [None, 1000, 1001, 1007, 1011, 1012, 1013, 1014, 3000, 4999])
def test_close_of_websockets_is_read_back(
    codec: SimpleNamespace, role: str, code: int | None
) -> None:
    reason = "" if code is None else "größer als 🙂"
    wire = WebsocketsPeer(role).encode([Part(CLOSE, reason.encode(), code=code)])
    expected = 1005 if code is None else code
    assert our_decoding(codec, role, [wire]) == [("close", expected, reason)]


@each_peer
@pytest.mark.parametrize("wrong", [b"\xff", b"ab\xc3", b"\xed\xa0\x80", b"\xf0\x9f\x98?"])
def test_violation_sent_to_a_peer_arrives_as_1007(
    codec: SimpleNamespace, peer: str, wrong: bytes
) -> None:
    key = codec.new_masking_key()
    decoder = codec.MessageDecoder("server")
    found = None
    try:
        list(decoder.feed(codec.encode_frame(TEXT, wrong, masking_key=key)))
    except Exception as violation:  # noqa: BLE001 # its class is the codec's; see below
        found = violation
    assert found is not None
    assert type(found).__name__ == "InvalidUTF8"
    said = PEERS[peer]("client").decode([found.close_frame()])
    assert said == [("close", 1007, found.close_reason)]
