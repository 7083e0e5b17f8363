"""Switch libraries on and off, ten thousand times, while random messages go back and forth.

    PYTHONPATH=tests python tests/adapters/flips.py                # every program
    PYTHONPATH=tests python tests/adapters/flips.py 500 tornado    # this, so many times

``test_switching.py`` tries every order of a few switches; this is for what only shows after
many.  A library is switched between frames, messages and connections, compressed or not.

Invariant: every message that is sent comes back.
"""

from __future__ import annotations

import sys
import time
from random import Random

from helpers import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT
from loopback import End, Peer
from test_loopback import PROGRAMS, missing, version_of
from test_switching import DEFLATE

MESSAGES = 200  # a connection
TEXTS = ("", "a", "größer", "日本語, größer, 🙂" * 9, "x" * 300, "Съешь ещё " * 900)


class Switch:
    """The switch of one library, thrown at random."""

    def __init__(self, running: Peer, rng: Random) -> None:
        self._running, self._rng = running, rng
        self.thrown = 0

    def maybe(self, chance: float) -> None:
        """Throw it, or not."""
        if self._rng.random() < chance:
            self._running.flip(self._rng.random() < 0.5)
            self.thrown += 1


def exchange(end: End, switch: Switch, rng: Random, deflate: bool) -> None:
    """Send some messages in fragments, and hear them all."""
    sent = []
    for _ in range(rng.randrange(1, 5)):
        opcode, data = rng.choice((TEXT, BINARY)), rng.choice(TEXTS).encode()
        sent.append((opcode, data))
        compressed = deflate and rng.random() < 0.8
        payload = end.deflated(data) if compressed else data
        cuts = sorted(rng.randrange(len(payload) + 1) for _ in range(rng.choice((0, 0, 1, 3))))
        parts = [payload[a:b] for a, b in zip([0, *cuts], [*cuts, len(payload)], strict=True)]
        for i, part in enumerate(parts):
            last = i == len(parts) - 1
            end.say(CONTINUATION if i else opcode, part, fin=last, rsv1=compressed and not i)
            switch.maybe(0.5)
    heard = [end.hear_message() for _ in sent]
    assert heard == sent, (heard, sent)
    if rng.random() < 0.2:
        end.say(PING, b"ping")
        switch.maybe(0.5)
        assert end.hear_message() == (PONG, b"ping")


def throw(name: str, times: int) -> None:
    """Switch one library so many times."""
    rng = Random(name)
    running = Peer(name, "", flipped=PROGRAMS[name].peer)
    start = time.perf_counter()
    try:
        switch = Switch(running, rng)
        connections = 0
        while switch.thrown < times:
            deflate = name in DEFLATE and rng.random() < 0.5
            connections += 1
            with running.connected(deflate) as end:
                for _ in range(MESSAGES):
                    exchange(end, switch, rng, deflate)
                    if switch.thrown >= times:
                        break
                end.say(CLOSE, b"\x03\xe8")
                assert end.farewell()[0] in (1000, 1005)
    finally:
        running.close()
    took = time.perf_counter() - start
    print(
        f"{name} {version_of(name)}: switched {switch.thrown:,} times on {connections} "
        f"connections, in {took:.0f} s; nothing lost",
        flush=True,
    )


def main() -> None:
    """Do what the command line says."""
    arguments = sys.argv[1:]
    times = int(arguments.pop(0)) if arguments else 10_000
    for name in arguments or PROGRAMS:
        if version_of(name):
            throw(name, times)
        else:
            print(f"{name}: SKIPPED, {missing(name)} is not installed")


if __name__ == "__main__":
    main()
