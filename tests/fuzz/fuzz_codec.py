"""Fuzz the codec with Atheris: the compiled twin against the one in Python, and peers.

    python tests/fuzz/fuzz_codec.py TARGET [LIBFUZZER-OPTION...] [CORPUS...]

    frames       FrameDecoder: twins
    messages     MessageDecoder: twins; the same in any other chunking
    validator    Utf8Validator: twins, and CPython's incremental decoder
    close        parse_close: twins
    deflate      MessageDecoder with permessage-deflate: twins; chunkings
    negotiation  PerMessageDeflate: no offer or answer but gives a value or a ValueError
    websockets   MessageDecoder and the sans-IO protocol of websockets: the same messages,
                 the same close code, but for what KNOWN names
    wsproto      MessageDecoder and the protocol of wsproto: the same, but for what
                 KNOWN_TO_WSPROTO names

The twin in Python and the peers are instrumented, and so lead the fuzzer.  An input is
four bytes of how, then the bytes of the wire.

Invariant: a difference or an exception that no docstring names ends the run.
"""

from __future__ import annotations

import codecs
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import atheris

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

with atheris.instrument_imports(include=["wsfast", "websockets", "wsproto"]):
    from websockets.protocol import State
    from websockets.server import ServerProtocol
    from wsproto.frame_protocol import FrameProtocol, ParseFailed

    import wsfast
    import wsfast._pure.frames
    import wsfast._pure.mask
    import wsfast._pure.messages
    import wsfast._pure.utf8
    import wsfast.deflate

import driver
from conftest import native_codec, pure_codec
from helpers import described
from wsfast.deflate import Deflate, DeflateParameters, PerMessageDeflate

PURE, NATIVE = pure_codec(), native_codec()

# Where websockets comes to another verdict: words of ours, and those of RFC 6455.
KNOWN = {
    "fewest bytes": "5.2: the minimal number of bytes MUST be used: they take any",
    "2**63 bytes": "5.2: the most significant bit MUST be 0: to them that is too big, 1009",
    "more than 125 bytes": "5.5: to them a length may be written in more bytes than it needs",
    "close code": "7.4: may not be sent: they judge the reason before the code",
    "invalid UTF-8": "8.1: fails the connection at once: their protocol leaves it to its hosts",
}
# They look at the size in a header first (1009), at all else once the frame is whole.
FIRST_THERE = 1009
# Their words for a close frame between fragments.  5.4: control frames MAY be injected in the
# middle of a fragmented message; 5.5.1: a close frame is one, after which no more data comes.
NO_CLOSE_THERE = "incomplete fragmented message"
# And for a control frame that is no part of the message, but to them uses up its limit.
TOO_BIG_THERE = "bytes after reading"

# Where wsproto does.
KNOWN_TO_WSPROTO = {
    "surrogate": "8.1: two bytes that nothing can complete fail at once: it waits for a third",
    "CLOSE with unknown reserved code": "7.4.2: 1014, registered by IANA, is not on its list",
    "limits": "10.4: it has none",
}


def pieces(wire: bytes, size: int) -> Iterator[bytes]:
    """Cut the wire; 0 is all of it in one."""
    yield from (wire[i : i + size] for i in range(0, len(wire), size)) if size else (wire,)


def outcome(decoder: Any, wire: bytes, size: int) -> tuple[list[Any], Any]:
    """Return all that a decoder gives, and the violation that ends it."""
    got: list[Any] = []
    try:
        for piece in pieces(wire, size):
            for event in decoder.feed(piece):
                fields = (getattr(event, name) for name in event.__match_args__)
                got.append((type(event).__name__, *fields))
    except wsfast.ProtocolViolation as violation:
        return got, described(violation)
    return got, None


def limits(how: int) -> dict[str, Any]:
    return {
        "max_message_size": (None, 5, 200, 70_000)[how & 3],
        "max_frame_size": (None, 100)[how >> 2 & 1],
        "max_retained": (None, 300)[how >> 3 & 1],
    }


def fuzz_frames(how: bytes, wire: bytes) -> None:
    options = {
        "reserved_bits": how[0] & 0x70,
        "payload": "memoryview" if how[0] & 2 else "bytes",
        "max_frame_size": (None, 200)[how[0] >> 2 & 1],
    }
    role = "server" if how[0] & 1 else "client"

    pure, native = (outcome(c.FrameDecoder(role, **options), wire, how[1]) for c in (PURE, NATIVE))
    assert pure == native, (pure, native)


def broken(violation: Any) -> bool:
    """Say whether a decoder ended because compressed bytes are none."""
    return violation is not None and "can't be inflated" in violation[1]


def fuzz_messages(how: bytes, wire: bytes, **options: Any) -> None:
    options |= limits(how[2]) | {"text": "bytes" if how[0] & 2 else "str"}
    role = "server" if how[0] & 1 else "client"
    runs = [(PURE, how[1]), (NATIVE, how[1]), (NATIVE, how[3])]
    pure, native, other = (outcome(c.MessageDecoder(role, **options), wire, n) for c, n in runs)
    assert pure == native, (pure, native)
    # What an engine inflates of a read before it fails is lost: a fault in that is seen only
    # where the read ended before.
    assert native == other or broken(native[1]) or broken(other[1]), (native, other)
    if options["max_retained"] is not None:  # nothing is retained of a stream
        return
    pure, native, other = (
        outcome(c.MessageDecoder(role, stream=True, **options), wire, n) for c, n in runs
    )
    assert pure == native, (pure, native)
    whole = outcome(NATIVE.MessageDecoder(role, **options), wire, how[1])
    assert (without_parts(joined(native[0])), native[1]) == whole, (native, whole)
    assert joined(native[0]) == joined(other[0]) or broken(native[1]) or broken(other[1])


def joined(events: list[Any]) -> list[Any]:
    """Put parts together; an unfinished message is the last event, a part that is not last."""
    found: list[Any] = []
    parts: list[Any] = []
    for event in events:
        if not event[0].endswith("Part"):
            found.append(event)
            continue
        kind, data, last = event
        assert data or last, events
        parts.append(data)
        if last:
            found.append((kind.removesuffix("Part"), type(data)().join(parts)))
            parts = []
    return [*found, ("Part", type(parts[0])().join(parts))] if parts else found


def without_parts(events: list[Any]) -> list[Any]:
    return [event for event in events if event[0] != "Part"]


def fuzz_deflate(how: bytes, wire: bytes) -> None:
    parameters = DeflateParameters(
        client_no_context_takeover=how[0] & 4 != 0,
        client_max_window_bits=9 if how[0] & 8 else 15,
        server_no_context_takeover=how[0] & 4 != 0,
        server_max_window_bits=9 if how[0] & 8 else 15,
    )
    role = "server" if how[0] & 1 else "client"
    fuzz_messages(how, wire, deflate=Deflate(role, parameters))


def verdict(call: Callable[..., Any], *arguments: Any) -> tuple[Any, ...]:
    """Return the violation that a call raises, or None and what it returns."""
    try:
        result = call(*arguments)
    except wsfast.ProtocolViolation as violation:
        return described(violation) or ()
    return (None, repr(result))


def fuzz_validator(how: bytes, text: bytes) -> None:
    pure, native = PURE.Utf8Validator(), NATIVE.Utf8Validator()
    oracle = codecs.getincrementaldecoder("utf-8")()
    for piece in pieces(text, how[0]):
        expected = verdict(pure.feed, piece)
        assert verdict(native.feed, piece) == expected
        try:
            oracle.decode(piece)
        except UnicodeDecodeError:
            assert expected[0] is wsfast.InvalidUTF8, expected
            return
        if expected[0] is not None:  # sooner than CPython, at a surrogate's second byte
            assert oracle.getstate()[0][:1] == b"\xed", expected
            return
    assert verdict(pure.finish) == verdict(native.finish)


def fuzz_close(_: bytes, payload: bytes) -> None:
    pure, native = (verdict(c.parse_close, payload) for c in (PURE, NATIVE))
    assert pure == native, (pure, native)


def fuzz_negotiation(how: bytes, data: bytes) -> None:
    header = data.decode("latin-1")
    ours = PerMessageDeflate("server" if how[0] & 1 else "client")
    try:
        agreed = ours.respond(header) if how[0] & 1 else ours.accept(header)
    except ValueError:
        return
    if how[0] & 1 and agreed is not None:  # what we answer, a client of ours understands
        PerMessageDeflate("client").accept(agreed[0])


def ours(wire: bytes, size: int, most: int) -> tuple[list[Any], Any]:
    """Return the messages that we take, and the violation."""
    decoder = NATIVE.MessageDecoder("server", text="bytes", max_message_size=most)
    kinds = {"Text": 1, "Binary": 2, "Ping": 9, "Pong": 10}
    messages: list[Any] = []
    try:
        for piece in pieces(wire, size):
            for event in decoder.feed(piece):
                if type(event) is NATIVE.Close:
                    code = None if event.code == 1005 else event.code
                    messages.append((8, NATIVE.encode_close(code, event.reason)))
                else:
                    messages.append((kinds[type(event).__name__], event.data))
    except wsfast.ProtocolViolation as violation:
        return messages, violation
    return messages, None


def theirs(wire: bytes, size: int, most: int) -> tuple[list[Any], int | None, str]:
    """Return the messages that websockets takes; its close code and words if it fails."""
    protocol = ServerProtocol(state=State.OPEN, max_size=most)
    messages: list[Any] = []
    opcode, message = 0, b""
    for piece in pieces(wire, size):
        protocol.receive_data(piece)
        for frame in protocol.events_received():
            if frame.opcode >= 8:
                messages.append((int(frame.opcode), bytes(frame.data)))
                continue
            opcode = int(frame.opcode) or opcode
            message += bytes(frame.data)
            if frame.fin:
                messages.append((opcode, message))
                message = b""
        if protocol.parser_exc is not None:
            code = protocol.close_sent.code if protocol.close_sent else None
            return messages, code, str(protocol.parser_exc)
    return messages, None, ""


def fuzz_websockets(how: bytes, wire: bytes) -> None:
    most = (130, 200, 70_000)[how[2] % 3]  # control frames count too, there
    got, violation = ours(wire, how[1], most)
    # What they judge once a frame is whole, we judge at its header: let it be whole.
    rest = bytes(70_014) if violation else b""
    expected, code, words = theirs(wire + rest, how[1], most)
    both = min(len(got), len(expected))
    assert got[:both] == expected[:both], (got, expected)
    if words == NO_CLOSE_THERE:
        assert code == 1002, code
        assert violation or len(got) == both + 1, (got, expected)
    elif TOO_BIG_THERE in words:
        assert code == FIRST_THERE, code
    elif violation is None:
        assert (len(got), None) == (len(expected), code), (got, expected, words)
    elif not any(known in str(violation) for known in KNOWN):
        assert code in (violation.close_code, FIRST_THERE), (violation, code)
        assert len(got) == len(expected), (got, expected)


def by_wsproto(wire: bytes, size: int) -> tuple[list[Any], int | None, str]:
    """Return the messages that wsproto takes; its close code and words if it fails."""
    protocol = FrameProtocol(client=False, extensions=[])
    messages: list[Any] = []
    message: list[Any] = []
    try:
        for piece in pieces(wire, size):
            protocol.receive_bytes(piece)
            for frame in protocol.received_frames():
                if frame.opcode == 8:
                    code, reason = frame.payload
                    code = None if code == 1005 else int(code)
                    messages.append((8, NATIVE.encode_close(code, reason)))
                elif frame.opcode > 8:
                    messages.append((int(frame.opcode), bytes(frame.payload)))
                else:
                    message.append(frame.payload)
                    if frame.message_finished:
                        parts = (m.encode() if isinstance(m, str) else bytes(m) for m in message)
                        messages.append((int(frame.opcode), b"".join(parts)))
                        message.clear()
    except ParseFailed as failure:
        return messages, int(failure.code), str(failure)
    return messages, None, ""


def fuzz_wsproto(how: bytes, wire: bytes) -> None:
    got, violation = ours(wire, how[1], 2**62)
    # It judges some frames once there is payload, and control frames once they are whole.
    rest = bytes(139) if violation else b""
    expected, code, words = by_wsproto(wire + rest, how[1])
    if words in KNOWN_TO_WSPROTO:
        assert (got[: len(expected)], 1002) == (expected, code), (got, expected)
        assert violation or got[-1][1].startswith(b"\x03\xf6"), (got, expected)
    elif violation is None:
        assert (got, None) == (expected, code), (got, expected, code)
    elif getattr(violation, "cause", None) is wsfast.Cause.SURROGATE:
        assert got == expected[: len(got)], (got, expected)
        assert code in (1007, 1002), KNOWN_TO_WSPROTO["surrogate"]
    elif not isinstance(violation, wsfast.MessageTooBig):
        assert (got, violation.close_code) == (expected, code), (got, violation, expected)


if __name__ == "__main__":
    driver.run(globals())
