"""Whatever takes a text to send makes the same UTF-8 of it, and raises the same error."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

import wsfast
from helpers import put_in_place
from wsfast import Connection, Deflate, fragment

KEY = bytes.fromhex("9e00817f")
TEXTS = {
    "empty": "",
    "ascii": "hello, world " * 3,
    "latin": "Größe ÿ" * 5,
    "two": "Привет мир " * 3,
    "three": "日本語テキスト",
    "four": "🙂🎉 party" * 2,
    "mixed": "a é Ж 日 🙂\x7f\x80\u07ff\u0800\uffff\U00010000",
}
LONE = {
    "alone": "\ud800",
    "after ASCII": "abc\udfff",
    "a run": "é" * 20 + "\udc80\ud800\udc80",
    "the first of two": "日" * 30 + "\ud800日\ud801",
    "four bytes wide": "🙂" * 25 + "\ude00",
}


def received(codec: SimpleNamespace, wire: bytes, deflate: Any = None) -> bytes:
    """Return the bytes of the one text message that is on the wire."""
    role = "server" if wire[1] & 0x80 else "client"
    decoder = codec.MessageDecoder(role, text="bytes", deflate=deflate)
    [message] = decoder.feed(wire)
    assert type(message) is codec.Text
    return bytes(message.data)


def reason(codec: SimpleNamespace, wire: bytes) -> bytes:
    [frame] = codec.FrameDecoder("server" if wire[1] & 0x80 else "client").feed(wire)
    return bytes(frame.payload[2:])


def sent(codec: SimpleNamespace, role: Any, text: str, **options: Any) -> bytes:
    connection = Connection(role, **options)
    connection.send_text(text)
    return received(codec, connection.data_to_send(), options.get("deflate") and other(role))


def other(role: str) -> Deflate:
    return Deflate("client" if role == "server" else "server", threshold=0)


def closed(codec: SimpleNamespace, text: str, close: Callable[[Connection], Any]) -> bytes:
    connection = Connection("server")
    close(connection)
    return reason(codec, connection.data_to_send())


def inflated(compressed: bytes | None) -> bytes:
    assert compressed is not None
    return zlib.decompressobj(-15).decompress(compressed + b"\0\0\xff\xff")


# Each returns, as bytes, what of a text the other end gets.
SENDERS: dict[str, Callable[[SimpleNamespace, str], bytes]] = {
    "encode_utf8": lambda c, text: c.encode_utf8(text),
    "encode_frame": lambda c, text: received(c, c.encode_frame(1, text)),
    "encode_frame masked": lambda c, text: received(c, c.encode_frame(1, text, masking_key=KEY)),
    "encode_frame ping": lambda c, text: c.encode_frame(9, text)[2:],
    "encode_frames": lambda c, text: received(c, c.encode_frames([(1, text)])),
    "encode_frames masked": lambda c, text: received(c, c.encode_frames([(1, text)], masked=True)),
    "encode_close": lambda c, text: c.encode_close(1000, text)[2:],
    "fragment": lambda c, text: b"".join(f.payload for f in fragment(1, text, 5)),
    "Deflate.compress": lambda c, text: inflated(Deflate("server", threshold=0).compress(text)),
    "Connection.send_text server": lambda c, text: sent(c, "server", text),
    "Connection.send_text client": lambda c, text: sent(c, "client", text),
    "Connection.send_text fragmented": lambda c, text: sent(c, "client", text, fragment_size=7),
    "Connection.send_text deflate": lambda c, text: sent(
        c, "client", text, deflate=Deflate("client", threshold=0)
    ),
    "Connection.send_text deflate, fragmented": lambda c, text: sent(
        c, "server", text, deflate=Deflate("server", threshold=0), fragment_size=7
    ),
    "Connection.close": lambda c, text: closed(c, text, lambda x: x.close(1000, text)),
    "Connection.going_away": lambda c, text: closed(c, text, lambda x: x.going_away(text)),
}
senders = pytest.mark.parametrize("sender", SENDERS)


@senders
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_send_text_makes_the_utf8_that_cpython_makes(
    codec: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, sender: str, text: str
) -> None:
    put_in_place(codec, monkeypatch, __name__)
    assert SENDERS[sender](codec, text) == text.encode()


@senders
@pytest.mark.parametrize("text", LONE.values(), ids=LONE)
def test_send_text_with_a_lone_surrogate_raises_cpythons_error(
    codec: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, sender: str, text: str
) -> None:
    put_in_place(codec, monkeypatch, __name__)
    with pytest.raises(UnicodeEncodeError) as expected:
        text.encode()
    with pytest.raises(UnicodeEncodeError) as caught:
        SENDERS[sender](codec, text)
    assert caught.value.args == expected.value.args


@senders
def test_send_text_compiled_leaves_nothing_to_str_encode(
    twins: tuple[SimpleNamespace, SimpleNamespace], monkeypatch: pytest.MonkeyPatch, sender: str
) -> None:
    for codec, calls in zip(twins, (True, False), strict=True):
        put_in_place(codec, monkeypatch, __name__)
        assert bool(calls_of_str_encode(lambda c=codec: SENDERS[sender](c, "Größe"))) is calls


def calls_of_str_encode(work: Callable[[], object]) -> list[object]:
    """Return the text of each call of ``str.encode`` that Python code makes."""
    found: list[object] = []

    def note(_: object, event: str, function: Any) -> None:
        if event == "c_call" and getattr(function, "__name__", "") == "encode":
            found.append(function)

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(before)
    return found


def test_send_text_covers_what_is_public() -> None:
    """Fail when a new public name takes a text to send and is not in the table above."""
    named = {name.split()[0] for name in SENDERS}
    functions = {name for name in wsfast.__all__ if name.startswith(("encode_", "fragment"))}
    assert functions <= named
    methods = {name for name in vars(Connection.__mro__[1]) if name.startswith("send_text")}
    assert {f"Connection.{name}" for name in methods} <= named
