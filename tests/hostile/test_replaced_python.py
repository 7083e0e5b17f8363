"""Python code that can be replaced is not trusted: what it returns is checked or not used.

os.urandom, __index__, __len__, encode(), engines: a wrong result is an error that says so,
and never puts foreign memory on the wire.
"""

from __future__ import annotations

import os
from types import SimpleNamespace
from typing import Any

import pytest

import wsfast
from conftest import CORE
from helpers import BINARY, TEXT, on_default_codecs
from wsfast import CloseCode, Connection, Deflate, MessageTooBig

pytestmark = [on_default_codecs, pytest.mark.usefixtures("on_the_codec")]


@pytest.fixture
def no_keys_left() -> Any:
    """Have the next key fetched, and leave none that was fetched here."""
    if CORE is not None:
        CORE.drop_masking_keys()
    yield
    if CORE is not None:
        CORE.drop_masking_keys()


class Bytes(bytes):
    """Not exactly bytes."""


RANDOM: dict[str, tuple[Any, type[Exception], str]] = {
    "4 bytes": (
        lambda n: b"abcd" if n != 4 else b"abc",
        RuntimeError,
        r"os.urandom\(\d+\) returned",
    ),
    "none": (lambda n: b"", RuntimeError, "returned 0 bytes"),
    "too many": (lambda n: bytes(n + 1), RuntimeError, r"returned \d+ bytes"),
    "bytearray": (bytearray, TypeError, "os.urandom must return bytes, not bytearray"),
    "memoryview": (lambda n: memoryview(bytes(n)), TypeError, "not memoryview"),
    "subclass": (lambda n: Bytes(n), TypeError, "not Bytes"),
    "str": (lambda n: "x" * n, TypeError, "not str"),
    "None": (lambda n: None, TypeError, "not NoneType"),
    "7": (lambda n: 7, TypeError, "not int"),
}


@pytest.mark.parametrize(("urandom", "error", "said"), RANDOM.values(), ids=RANDOM)
@pytest.mark.usefixtures("no_keys_left")
def test_keys_are_what_os_urandom_must_return_or_an_error(
    codec: SimpleNamespace,
    monkeypatch: pytest.MonkeyPatch,
    urandom: Any,
    error: type[Exception],
    said: str,
) -> None:
    monkeypatch.setattr(os, "urandom", urandom)
    client = Connection("client")
    for call in (
        codec.new_masking_key,
        lambda: codec.encode_frames([(TEXT, "a")], masked=True),
        lambda: client.send_text("a"),
        client.ping,
    ):
        with pytest.raises(error, match=said):
            call()
    assert client.data_to_send() == b""


@pytest.mark.usefixtures("no_keys_left")
def test_an_error_of_os_urandom_is_passed_on(
    codec: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def urandom(count: int) -> bytes:
        raise NotImplementedError("no source of randomness")

    monkeypatch.setattr(os, "urandom", urandom)
    with pytest.raises(NotImplementedError, match="no source of randomness"):
        codec.new_masking_key()
    monkeypatch.undo()
    assert len(codec.new_masking_key()) == 4


class Number(int):
    """An integer that says something else of itself wherever it can."""

    def __index__(self) -> int:
        return -(2**70)

    __int__ = __index__
    __trunc__ = __index__

    def __lt__(self, other: object) -> bool:
        return False

    __gt__ = __le__ = __ge__ = __lt__

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 1

    def __and__(self, other: object) -> int:
        return 0

    def to_bytes(self, *args: Any, **kwargs: Any) -> bytes:
        return b"\xff" * 200


class Index:
    """Something whose ``__index__`` returns anything."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __index__(self) -> Any:
        return self.value


def test_an_integer_counts_as_what_it_is(codec: SimpleNamespace) -> None:
    assert codec.encode_close(Number(1001), "") == (1001).to_bytes(2, "big")
    with pytest.raises(ValueError, match="close code 1006 must not be sent"):
        codec.encode_close(Number(1006), "")
    decoder = codec.MessageDecoder("client", max_message_size=Number(3))
    with pytest.raises(MessageTooBig, match=r"max_message_size \(3\)"):
        list(decoder.feed(codec.encode_frame(TEXT, "abcd")))
    with pytest.raises(ValueError, match="max_frame_size must not be negative, but is -1"):
        codec.FrameDecoder("client", max_frame_size=Number(-1))
    with pytest.raises(ValueError, match="reserved_bits must be a union"):
        codec.FrameDecoder("client", reserved_bits=Number(1))
    with pytest.raises(ValueError, match=r"nbytes must be from 0 to .* not 70000"):
        codec.MessageDecoder("client").buffer_updated(Number(70_000))
    assert codec.apply_mask(b"abcd", b"\x01\x02\x03\x04", Number(1)) == codec.apply_mask(
        b"abcd", b"\x01\x02\x03\x04", 1
    )
    assert len(codec.encode_frame(Number(BINARY), b"")) == 2


@pytest.mark.parametrize("value", ["1", None, 1.0, b"1"])
def test_an_index_that_is_no_integer_is_refused(codec: SimpleNamespace, value: Any) -> None:
    with pytest.raises(TypeError, match="__index__ returned non-int"):
        codec.apply_mask(b"abcd", b"abcd", Index(value))


class Lying(list[Any]):
    def __len__(self) -> int:
        return 2**62


class Empty(list[Any]):
    def __len__(self) -> int:
        return 0


class Wrong(list[Any]):
    def __len__(self) -> int:
        raise ValueError("not asked for")


@pytest.mark.parametrize("kind", [Lying, Empty, Wrong])
def test_the_length_of_a_list_of_frames_is_not_asked_for(codec: SimpleNamespace, kind: Any) -> None:
    frames = [(TEXT, "a" * n) for n in range(300)]
    assert codec.encode_frames(kind(frames)) == codec.encode_frames(frames)


class Words(str):
    """A text that is encoded to something else, or not at all."""

    __slots__ = ()

    def encode(self, *args: Any) -> Any:
        return 7

    def isascii(self) -> bool:
        return not super().isascii()

    def __len__(self) -> int:
        return 10**9


class Buffer(bytes):
    def __len__(self) -> int:
        return 10**9

    def __bytes__(self) -> bytes:
        return b"other"

    def __getitem__(self, key: object) -> Any:
        return b"other"


@pytest.mark.parametrize("text", ["abc", "Grüße"])
def test_a_text_is_sent_as_it_is(codec: SimpleNamespace, text: str) -> None:
    expected = codec.encode_frame(TEXT, text)
    assert codec.encode_frame(TEXT, Words(text)) == expected
    assert codec.encode_frames([(TEXT, Words(text))]) == expected
    assert codec.encode_frame(TEXT, Buffer(text.encode())) == expected
    assert codec.encode_close(1000, Words(text)) == codec.encode_close(1000, text)
    assert [f.payload for f in wsfast.fragment(TEXT, Words(text), 100)] == [text.encode()]
    server = Connection("server")
    server.send_text(Words(text))
    server.send_text(Buffer(text.encode()))
    assert server.data_to_send() == expected * 2
    deflate = Deflate("server", threshold=0)
    assert deflate.compress(Words(text)) == Deflate("server", threshold=0).compress(text)


class State(tuple[Any, ...]):
    def __iter__(self) -> Any:
        return iter((2**70, b"\xff" * 99, -1, -1, -1))


class Pending(bytes):
    def rjust(self, *args: Any) -> bytes:
        return b"\xff" * 99


def test_a_state_is_a_plain_tuple_of_plain_values(codec: SimpleNamespace) -> None:
    validator = codec.Utf8Validator()
    validator.feed(b"a\xc3")
    state = validator.state
    assert codec.Utf8Validator.from_state(state).state == state
    for wrong in (
        State(state),
        (*state[:1], Pending(state[1]), *state[2:]),
        (Number(state[0]), *state[1:]),
        (*state[:4], True),
    ):
        with pytest.raises(ValueError, match="not a state of a Utf8Validator"):
            codec.Utf8Validator.from_state(wrong)


@pytest.mark.parametrize("result", [None, 7, "abc", bytearray(b"abc")])
def test_what_a_compressor_returns_is_checked(codec: SimpleNamespace, result: Any) -> None:
    class Sum:
        def __add__(self, other: object) -> Any:
            return result

    class Compressor:
        def compress(self, data: bytes) -> Any:
            return Sum()

        def flush(self, how: int) -> Any:
            return b""

    deflate = Deflate("server", threshold=0)
    deflate._make = Compressor  # type: ignore[assignment]
    deflate._compressor = None
    server = Connection("server", deflate=deflate)
    with pytest.raises(TypeError, match="Compressor must return bytes, not"):
        server.send_text("abc")
    assert server.data_to_send() == b""


@pytest.mark.parametrize("result", [7, "abc", bytearray(b"abc")])
def test_what_a_deflate_of_ones_own_returns_is_checked(result: Any) -> None:
    class Own(Deflate):
        def compress(self, payload: Any) -> Any:
            return result

    server = Connection("server", deflate=Own("server"))
    with pytest.raises(TypeError, match=r"compress\(\) must return bytes, not"):
        server.send_text("abc")
    assert server.data_to_send() == b""


def test_a_compressor_that_was_interrupted_is_not_used_again() -> None:
    """Else a part of one message would be sent in the next."""
    deflate = Deflate("server", threshold=0)
    genuine = deflate._make

    class Interrupted:
        def __init__(self) -> None:
            self.genuine = genuine()

        def compress(self, data: bytes) -> bytes:
            return self.genuine.compress(data)  # type: ignore[no-any-return]

        def flush(self, how: int) -> bytes:
            raise KeyboardInterrupt

    server = Connection("server", deflate=deflate)
    client = Connection("client", deflate=Deflate("client"))
    server.send_text("first")
    deflate._compressor = Interrupted()
    with pytest.raises(KeyboardInterrupt):
        server.send_text("never sent")
    server.send_text("second")
    assert [e.data for e in client.receive(server.data_to_send())] == ["first", "second"]


def test_close_codes_of_an_enumeration_are_numbers(codec: SimpleNamespace) -> None:
    assert codec.encode_close(CloseCode.GOING_AWAY) == b"\x03\xe9"
