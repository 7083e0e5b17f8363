"""Conversations with a program that uses a library, and whether two of them agree.

A conversation is a number of steps, each over its own connection; what the remote got and what
the application was told is recorded for each.

An accelerated library always answers text that is not UTF-8 with 1007.  It may answer another
violation with 1002, and a close frame with the same code, where the stock library sends
nothing.  Everything else is the same.

Invariant: messages must come back as they were sent; that is never taken from the other run.
"""

from __future__ import annotations

import contextlib
import select
import socket
import zlib
from collections.abc import Callable
from typing import Any

from helpers import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT
from loopback import End, Frame, Peer

Step = list[Any]
Transcript = dict[str, Step]
RSV1 = 0x40
WAIT = 2.0  # for a library that sees nothing wrong; it changes no result
WITHOUT_CODE = (1005, 1006)
TEXTS = (
    "", "plain", "größer", "Съешь ещё этих мягких булок", "日本語" * 700, "🙂" * 20_000,
    '{"name": "Zoë", "город": "Київ", "絵": "🎨"}' * 50, "x" * 125, "x" * 126, "x" * 65_536,
    "ж" * (1 << 19),
)  # fmt: skip
Frames = tuple[tuple[int, bytes, bool], ...]
ILL_FORMED: dict[str, Frames] = {
    "in a frame": ((TEXT, b"caf\xc3(", True),),
    "cut short": ((TEXT, b"caf", False), (CONTINUATION, b"\xc3", True)),
    "in fragments": ((TEXT, b"ca", False), (CONTINUATION, b"f\xc3", False),
                     (CONTINUATION, b"(", True)),
    "a surrogate": ((TEXT, b"\xed\xa0\x80", True),),
    "in a long text": ((TEXT, "ж".encode() * 40_000 + b"\xf6", True),),
    "in the reason": ((CLOSE, b"\x03\xe8caf\xc3(", True),),
}  # fmt: skip
CLOSES = {
    "without a code": b"",
    "1000": b"\x03\xe8bye",
    "1001": b"\x03\xe9",
    "1011": b"\x03\xf3" + "größer".encode(),
    "3000": b"\x0b\xb8",
    "4999": b"\x13\x87" + "я".encode() * 61,
}
VIOLATIONS: dict[str, Frames] = {
    "opcode 3": ((3, b"", True),),
    "RSV1 without deflate": ((TEXT | RSV1, b"text", True),),
    "a long ping": ((PING, b"x" * 126, True),),
    "a fragmented ping": ((PING, b"", False),),
    "a continuation of nothing": ((CONTINUATION, b"text", True),),
    "text inside text": ((TEXT, b"te", False), (TEXT, b"xt", True)),
    "a close frame of one byte": ((CLOSE, b"\x03", True),),
    "close code 1005": ((CLOSE, b"\x03\xed", True),),
    "close code 5000": ((CLOSE, b"\x13\x88", True),),
}


class Answering(End):
    """An end that answers the pings by which some servers look after slow connections."""

    may_refuse = True

    def hear(self) -> Frame | None:
        while (got := super().hear()) is not None and got.opcode == PING:
            self.say(PONG, got.payload)
        return got


def echo(end: End) -> None:
    """Have messages come back, whole, in fragments, and with pings between."""
    for text in TEXTS:
        for opcode in (TEXT, BINARY):
            end.say(opcode, text.encode())
            same(end.hear_message(), (opcode, text.encode()))
    data = "日本語🙂".encode()
    for i in range(len(data)):  # each character is cut in all places
        end.say(CONTINUATION if i else TEXT, data[i : i + 1], fin=i == len(data) - 1)
        if i % 4 == 3:
            end.say(PING, b"between fragments")
            same(end.hear_message(), (PONG, b"between fragments"))
    same(end.hear_message(), (TEXT, data))


def same(found: tuple[int, bytes], wanted: tuple[int, bytes]) -> None:
    """Fail if something else came back."""
    if found != wanted:
        raise AssertionError(f"{found[0]} {found[1][:40]!r} came back, not {wanted[0]}")


def echo_deflated(end: End) -> None:
    """Have compressed messages come back, each with the context of those before it."""
    for text in TEXTS[1:]:
        for _ in range(2):
            payload = end.deflated(text.encode())
            half = len(payload) // 2
            end.say(TEXT, payload[:half], fin=False, rsv1=True)
            end.say(CONTINUATION, payload[half:])
            same(end.hear_message(), (TEXT, text.encode()))


def farewell(end: End) -> list[Any]:
    """Return the code and reason that come; if nothing does, say that nothing more will."""
    if not select.select([end._sock], [], [], WAIT)[0]:
        with contextlib.suppress(OSError):
            end._sock.shutdown(socket.SHUT_WR)
    try:
        return list(end.farewell())
    except TimeoutError:
        return ["nothing", ""]


def told(peer: Peer) -> list[Any]:
    """Return what the application was told of the end."""
    try:
        return peer.told()
    except TimeoutError:
        return ["nothing"]


def step(peer: Peer, talk: Callable[[End], Any], deflate: bool = False) -> Step:
    """Talk over a new connection until its end."""
    with peer.connected(deflate, Answering) as end:
        said = talk(end)
        remote = said if isinstance(said, list) else farewell(end)
    return [*remote, told(peer)]


def say(frames: Frames) -> Callable[[End], None]:
    """Return a talk that begins well and then says these frames."""

    def talk(end: End) -> None:
        end.say(TEXT, b"all is well so far")
        same(end.hear_message(), (TEXT, b"all is well so far"))
        for opcode, payload, fin in frames:
            end.say(opcode, payload, fin=fin)

    return talk


def say_deflated(end: End) -> list[Any] | None:
    """Send compressed messages, then one that is not UTF-8."""
    if not end.negotiated:
        end.say(CLOSE, b"\x03\xe8")
        return ["not negotiated", *farewell(end)]
    echo_deflated(end)
    end.say(CLOSE, b"\x03\xe8")
    return ["ok", *farewell(end)]


def ill_formed_deflated(end: End) -> None:
    """Send a compressed message that is not UTF-8."""
    end.say(TEXT, end.deflated(b"caf\xc3("), rsv1=True)


def transcript(program: str, accelerated: str, before: list[str]) -> Transcript:
    """Have all conversations with a program; a fault ends them and is what is kept."""
    peer = Peer(program, accelerated, before=before)
    found: Transcript = {}
    name = "messages"
    try:
        found[name] = step(peer, lambda end: (echo(end), end.say(CLOSE, b"\x03\xe8")))
        found["deflate"] = step(peer, say_deflated, deflate=True)
        if found["deflate"][0] == "ok":
            name = "not UTF-8: compressed"
            found[name] = step(peer, ill_formed_deflated, deflate=True)
        for what, frames in ILL_FORMED.items():
            name = f"not UTF-8: {what}"
            found[name] = step(peer, say(frames))
        for what, payload in CLOSES.items():
            name = f"close: {what}"
            found[name] = step(peer, say(((CLOSE, payload, True),)))
        for what, frames in VIOLATIONS.items():
            name = f"violation: {what}"
            found[name] = step(peer, say(frames))
    except (AssertionError, EOFError, OSError, zlib.error) as error:
        found["fault"] = [name, f"{type(error).__name__}: {error}"[:200], peer.complaint()[:200]]
    finally:
        peer.close()
    return found


def judge(stock: Transcript, ours: Transcript) -> str:
    """Return ``"ok"`` if the accelerated conversations are as they should be, or what is not."""
    for what, said in (("stock", stock), ("accelerated", ours)):
        if "fault" in said:
            return f"{what}: {': '.join(part for part in said['fault'] if part)}"
    for name, answer in ours.items():
        if not as_it_should_be(name, stock[name], answer):
            return f"{name}: {answer}, stock {stock[name]}"
    return "ok"


def as_it_should_be(name: str, stock: Step, ours: Step) -> bool:
    """Return whether an answer is that of the stock library, or better where it may be."""
    kind, _, what = name.partition(": ")
    if kind == "not UTF-8":
        return bool(ours[0] == 1007)
    if ours[-1][:2] != stock[-1][:2]:  # what the application is told; the text may differ
        return False
    if kind == "violation":
        return bool(ours[0] == stock[0] or (stock[0] in WITHOUT_CODE and ours[0] == 1002))
    said = CLOSES[what] if kind == "close" else b"\x03\xe8"
    code = int.from_bytes(said[:2], "big") or 1000
    # A library that leaves the code out, or garbles it, may be made to send it.
    return ours == stock or ours[-3:-1] == [code, said[2:].decode()]
