"""Random traffic for any library, and a transport that records what is called.

Invariant: nothing here depends on time or on the system.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from random import Random
from typing import Any
from unittest import mock

import wsfast
from wsfast.adapters import _gathering

TEXTS = ["", "a", "plain text", "größer", "日本語 und 🙂", "x" * 130, "ü" * 700, "🙂" * 5000]
SETTLED = 8  # turns of the event loop after which nothing moves any more

Note = tuple[Any, ...]


def masked(payload: bytes, key: bytes) -> bytes:
    """Mask, or unmask."""
    return bytes(byte ^ key[i % 4] for i, byte in enumerate(payload))


def written(first: int, payload: bytes, to_server: bool, minimal: bool = True) -> bytes:
    """Write a frame."""
    bit, key = (0x80, b"\x01\x02\x03\x04") if to_server else (0, b"")
    size = len(payload)
    if size < 126 and minimal:
        head = bytes((first, bit | size))
    elif size < 65536:
        head = bytes((first, bit | 126)) + size.to_bytes(2, "big")
    else:
        head = bytes((first, bit | 127)) + size.to_bytes(8, "big")
    return head + key + (masked(payload, key) if key else payload)


def unmasked(stream: bytes) -> list[bytes]:
    """Return the frames of a stream without their masking keys, so that they compare."""
    frames = []
    while len(stream) > 1:
        size, at = stream[1] & 0x7F, 2
        if size > 125:
            at += 2 if size == 126 else 8
            size = int.from_bytes(stream[2:at], "big")
        key = stream[at : at + 4] if stream[1] & 0x80 else b""
        end = at + len(key) + size
        payload = stream[at + len(key) : end]
        frames.append(stream[:at] + (masked(payload, key) if key else payload))
        stream = stream[end:]
    return frames + [stream] * bool(stream)


class Transport:
    """A transport that notes what is asked of it."""

    def __init__(self) -> None:
        self.notes: list[Note] = []
        self.sent = bytearray()
        self.reading = True
        self.refuses = self.over = False

    def write(self, data: bytes) -> None:
        if self.refuses:
            raise RuntimeError("the transport refuses")
        self.sent += data

    def pause_reading(self) -> None:
        self.notes.append(("pause_reading",))
        self.reading = False

    def resume_reading(self) -> None:
        self.notes.append(("resume_reading",))
        self.reading = True

    def set_write_buffer_limits(self, *limits: object) -> None:
        self.notes.append(("limits", *limits))

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.notes.append(("write_eof", len(unmasked(bytes(self.sent)))))

    def is_closing(self) -> bool:
        return self.over

    def close(self) -> None:
        self.notes.append(("close",))
        self.over = True

    abort = close

    def get_extra_info(self, name: str) -> str:
        return name


def wrong(rng: Random, to_server: bool) -> bytes:
    """Return a frame that breaks a rule, or one that is never whole."""
    return rng.choice(
        (
            written(0x80, b"of nothing", to_server),
            written(0x01, b"unfinished", to_server) + written(0x81, b"another", to_server),
            written(0x83, b"reserved", to_server),
            written(0x81, b"masked the wrong way", not to_server),
            written(0xC1, b"\xff\xff\xff\xff", to_server),
            written(0xC2, b"never agreed on", to_server),
            written(0x91, b"RSV3", to_server),
            written(0xC9, b"compressed ping", to_server),
            written(0x09, b"", to_server),
            written(0x89, b"x" * 126, to_server),
            written(0x88, b"\x03", to_server),
            written(0x88, b"\x03\xed", to_server),
            written(0x88, b"\x03\xe8\xff", to_server),
            written(0x82, b"", to_server)[:1] + b"\xff" + b"\xff" * 8,
        )
    )


def paced(gathered: bool) -> AbstractContextManager[Any]:
    """Count every application as quick, so that its answers are gathered, or none.

    Where answers are gathered no transport should refuse to write: the send() that the
    library would have told of it is over by then.
    """
    seconds = 3600.0 if gathered else -1.0
    return mock.patch.multiple(_gathering, QUICK=seconds, HELD=seconds)


@contextmanager
def holds_counted() -> Iterator[Callable[[], int]]:
    """Count the answers that are held back; give what says how many there were."""
    held = mock.Mock(wraps=_gathering.Gathered.hold)
    with mock.patch.object(_gathering.Gathered, "hold", lambda *arguments: held(*arguments)):
        yield lambda: held.call_count


def print_differences(library: str, observed: Callable[..., list[Note]]) -> None:
    """Print with which seeds, of those in the command line, accelerated connections differ."""

    def all_observed() -> list[list[list[Note]]]:
        return [[observed(seed, gathered=answers) for answers in (False, True)] for seed in seeds]

    seeds = range(*map(int, sys.argv[1:]))
    stock = all_observed()
    wsfast.accelerate(library)
    pairs = zip(seeds, stock, all_observed(), strict=True)
    found = [seed for seed, first, second in pairs if first != second]
    print("seeds that differ:", found or "none")
    sys.exit(bool(found))
