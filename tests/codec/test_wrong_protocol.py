"""Data of other protocols, and bad close reasons: the error says what it looks like."""

from __future__ import annotations

import pickle
from types import SimpleNamespace
from typing import Any

import pytest

from helpers import CLOSE, KEY, TEXT, byte_by_byte, frame, header, receive
from wsfast import InvalidUTF8, ProtocolError

HTTP = "as in HTTP: was the opening handshake left in?"
TLS = "this byte begins a TLS record: is the connection encrypted?"
UNFRAMED = "is it text that was not put into frames?"
ALIENS = {
    "request": (b"GET / HTTP/1.1\r\nHost: example.org\r\n\r\n", f"this byte is 'G', {HTTP}"),
    "post": (b"POST / HTTP/1.1\r\n\r\n", f"this byte is 'P', {HTTP}"),
    "response": (b"HTTP/1.1 101 Switching Protocols\r\n\r\n", f"this byte is 'H', {HTTP}"),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", f"this byte is 'P', {HTTP}"),
    "TLS hello": (bytes.fromhex("1603010200010001fc0303"), TLS),
    "TLS alert": (bytes.fromhex("15030300020228"), TLS),
    "TLS data": (bytes.fromhex("1703030020") + bytes(32), TLS),
    "JSON": (b'{"a": 1}', UNFRAMED),
    "XML": (b"<a/>", UNFRAMED),
}


def decoders(codec: SimpleNamespace) -> list[Any]:
    return [
        make(role)
        for make in (codec.MessageDecoder, codec.FrameDecoder)
        for role in ("server", "client")
    ]


@pytest.mark.parametrize(("wire", "hint"), ALIENS.values(), ids=ALIENS)
def test_another_protocol_is_named_at_every_cut(
    codec: SimpleNamespace, wire: bytes, hint: str
) -> None:
    for chunks in ([wire], byte_by_byte(wire), [wire[:1], wire[1:]], [b"", wire]):
        for decoder in decoders(codec):
            violation = receive(decoder, chunks).violation
            assert type(violation) is ProtocolError
            assert hint in violation.hint
            assert str(violation) == f"{violation.close_reason}; {violation.hint}"
            assert "set, but no extension" in violation.close_reason or "RSV1 set on a" in (
                violation.close_reason
            )
            assert "HTTP" not in violation.close_reason
            assert len(violation.close_reason.encode()) <= 123
            assert violation.close_frame()[4:].decode() == violation.close_reason
            again = pickle.loads(pickle.dumps(violation))  # ours
            assert (str(again), again.hint) == (str(violation), violation.hint)


def test_frames_that_break_other_rules_get_no_hint(codec: SimpleNamespace) -> None:
    for first in range(0x80, 0x100):
        violation = receive(codec.MessageDecoder("server"), [header(first, 0)]).violation
        if type(violation) is ProtocolError:
            assert violation.hint == ""
            assert str(violation) == violation.close_reason


REASONS = [
    (b"\xff", "byte 0 of the reason: FF, no character begins with this byte", 2),
    (b"ab\xc3(", "byte 2 of the reason: C3, a continuation byte is missing", 4),
    (
        b"x" * 120 + b"\xe2\x82",
        "byte 120 of the reason: E2 82, the text ends inside a character",
        122,
    ),
]


@pytest.mark.parametrize(("reason", "said", "offset"), REASONS)
def test_a_bad_close_reason_is_said_to_be_one(
    codec: SimpleNamespace, reason: bytes, said: str, offset: int
) -> None:
    payload = b"\x03\xe8" + reason
    said = f"invalid UTF-8 in the reason of a close frame, {said}"
    with pytest.raises(InvalidUTF8) as caught:
        codec.parse_close(payload)
    wire = frame(CLOSE, payload, key=KEY)
    for violation in (
        caught.value,
        receive(codec.MessageDecoder("server"), [wire]).violation,
        receive(codec.MessageDecoder("server"), byte_by_byte(wire)).violation,
    ):
        assert isinstance(violation, InvalidUTF8)
        assert violation.close_reason == said
        assert len(said.encode()) <= 123
        assert str(violation).startswith(f"{said} (byte {offset} of the frame's payload; detected")
        assert (violation.offset, violation.in_close_reason) == (offset, True)
        again = pickle.loads(pickle.dumps(violation))  # ours
        assert str(again) == str(violation)


def test_a_bad_text_is_not(codec: SimpleNamespace) -> None:
    violation = receive(codec.MessageDecoder("server"), [frame(TEXT, b"\xff")]).violation
    assert isinstance(violation, InvalidUTF8)
    assert not violation.in_close_reason
    assert violation.close_reason.startswith("invalid UTF-8 at byte 0: FF")
