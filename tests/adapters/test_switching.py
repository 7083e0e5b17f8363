"""Libraries that are switched on and off while connections are in use, over a real socket.

Invariant: nothing is lost, and nothing valid is refused, whenever that happens.
"""

from __future__ import annotations

from itertools import product

import pytest

from helpers import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT
from loopback import End, Peer
from test_loopback import PROGRAMS, need_program

TEXT_SENT = "日本語, größer, 🙂" * 3
PLAIN = ("gevent-websocket", "trio-websocket", "websocket-client", "ws4py")
DEFLATE = [name for name in PROGRAMS if name not in PLAIN]
# wsproto loses that a message is compressed when a ping comes between its fragments, and
# tornado does too: only accelerated is such a message sure to be understood.
FORGETFUL = ("hypercorn", "uvicorn-wsproto", "tornado")


def parts_of(end: End, data: bytes, deflate: bool) -> list[bytes]:
    """Return the payloads of three fragments; characters are cut, or their compressed form."""
    data = end.deflated(data) if deflate else data
    third = len(data) // 3 + 1
    return [data[:third], data[third : 2 * third], data[2 * third :]]


@pytest.mark.parametrize(
    ("name", "deflate"),
    [(name, False) for name in PROGRAMS] + [(name, True) for name in DEFLATE],
)
def test_switching_within_messages_loses_nothing(name: str, deflate: bool) -> None:
    need_program(name)
    running = Peer(name, "", flipped=PROGRAMS[name].peer)
    try:
        with running.connected(deflate) as end:
            for number, states in enumerate(product([True, False], repeat=4)):
                encoded = f"{number} {TEXT_SENT}".encode()
                for opcode in (TEXT, BINARY):
                    for i, part in enumerate(parts_of(end, encoded, deflate)):
                        running.flip(states[i])
                        first = i == 0
                        end.say(
                            opcode if first else CONTINUATION,
                            part,
                            fin=i == 2,
                            rsv1=deflate and first,
                        )
                    running.flip(states[3])
                    assert end.hear_message() == (opcode, encoded), (states, opcode)
            end.say(CLOSE, b"\x03\xe8")
            assert end.farewell()[0] in (1000, 1005)
    finally:
        running.close()


@pytest.mark.parametrize("name", PROGRAMS)
def test_switching_around_pings_blames_nobody(name: str) -> None:
    """Where the library itself loses the message it hangs up, as it does stock."""
    need_program(name)
    deflate = name in DEFLATE
    running = Peer(name, "", flipped=PROGRAMS[name].peer)
    encoded = TEXT_SENT.encode()
    try:
        for states in product([True, False], repeat=3):
            with running.connected(deflate) as end:
                running.flip(True)
                parts = parts_of(end, encoded, deflate)
                end.say(TEXT, parts[0], fin=False, rsv1=deflate)
                running.flip(states[0])
                end.say(PING, b"first")
                running.flip(states[1])
                end.say(CONTINUATION, parts[1], fin=False)
                end.say(PING, b"second")
                running.flip(states[2])
                end.say(CONTINUATION, parts[2])
                last = end.hear()
                while last is not None and last.opcode == PONG:
                    last = end.hear()
                if last is not None and last.opcode == TEXT:
                    assert end.inflated(last) == encoded, states
                else:
                    assert name in FORGETFUL, states
                    assert not all(states)
                    assert last is None or last.payload[:2] != b"\x03\xef", states  # 1007
    finally:
        running.close()


@pytest.mark.parametrize(
    ("name", "accelerated"),
    [(name, True) for name in DEFLATE] + [(n, False) for n in DEFLATE if n not in FORGETFUL],
)
def test_a_ping_between_compressed_fragments(name: str, accelerated: bool) -> None:
    need_program(name)
    running = Peer(name, PROGRAMS[name].peer if accelerated else "")
    try:
        with running.connected(deflate=True) as end:
            for _ in range(3):
                encoded = TEXT_SENT.encode()
                end.say(PING, b"before")
                assert end.hear_message() == (PONG, b"before")
                for i, part in enumerate(parts_of(end, encoded, deflate=True)):
                    end.say(TEXT if i == 0 else CONTINUATION, part, fin=i == 2, rsv1=i == 0)
                    end.say(PING, b"between")
                    if i < 2:
                        assert end.hear_message() == (PONG, b"between")
                got = sorted([end.hear_message(), end.hear_message()])
                assert got == [(TEXT, encoded), (PONG, b"between")]
    finally:
        running.close()
