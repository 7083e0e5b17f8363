"""The verdict on compressed messages at every cut, on random streams: for tests, and a script.

    PYTHONPATH=tests python tests/deflate/deflate_cuts.py [streams] [seed] [engine ...]

judges so many streams (100,000) with each engine, all three if none is named, each stream
whole, byte by byte and at other cuts, and says where verdicts differ.  An engine that is not
installed is a failure.  test_deflate_cuts.py does it with a few.

Invariant: what is inflated was compressed by zlib itself, then damaged at random.
"""

from __future__ import annotations

import importlib.util
import sys
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from random import Random
from typing import Any

import wsfast
from helpers import TEXT, byte_by_byte, cut, described, frame, header, mask, receive
from wsfast import _inflater
from wsfast.deflate import Deflate, DeflateParameters

ENGINES = {"zlib": "zlib", "isal": "isal", "zlib-ng": "zlib_ng"}
ALPHABETS = ("ab", "abcdefgh ", "äöü€ a", "😀é", "\x00\x7f")
STEPS = ("_KEPT", "_SLICE", "_KEPT_UNCOPIED")
FAULTS = (b"\xff", b"\xc3(", b"\xed\xa0\x80", b"\xe2\x82", b"\xc0\xaf", b"\xf5\x80")


def missing(engines: Iterable[str]) -> list[str]:
    """Return the engines that can't be imported here."""
    return [name for name in engines if importlib.util.find_spec(ENGINES[name]) is None]


def text(rng: Random) -> bytes:
    """Return a text, now and then ill-formed."""
    alphabet = rng.choice(ALPHABETS)
    most = rng.choice((3, 20, 120, 120, 400))
    data = "".join(rng.choices(alphabet, k=rng.randrange(most))).encode()
    if rng.random() < 0.3:
        data *= rng.randrange(1, 8)
    if rng.random() < 0.35:
        at = rng.randrange(len(data) + 1)
        data = data[:at] + rng.choice(FAULTS) + data[at:]
    return data


def compressed(rng: Random, sender: Any) -> tuple[bytes, Any]:
    """Return a message's payload, and the compressor to go on with."""
    payload = b""
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        payload += sender.compress(text(rng))
        how = rng.randrange(6)
        if how == 0:
            payload += sender.flush(zlib.Z_FULL_FLUSH)
        elif how == 1:
            payload += sender.flush(zlib.Z_SYNC_FLUSH)
        elif how == 2:
            payload += sender.flush(zlib.Z_FINISH)  # BFINAL; a new stream follows
            sender = compressor(rng)
    payload += sender.flush(zlib.Z_SYNC_FLUSH)
    return payload.removesuffix(b"\x00\x00\xff\xff") or b"\x00", sender


def compressor(rng: Random) -> Any:
    return zlib.compressobj(
        rng.choice((0, 1, 6, 9)),
        wbits=-rng.randrange(9, 16),
        memLevel=rng.choice((1, 8)),
        strategy=rng.choice((zlib.Z_DEFAULT_STRATEGY, zlib.Z_FIXED, zlib.Z_HUFFMAN_ONLY)),
    )


def damaged(rng: Random, payload: bytes) -> bytes:
    """Return the payload with bits changed, an end cut off, or something put in."""
    data = bytearray(payload)
    how = rng.randrange(5)
    at = rng.randrange(len(data))
    if how <= 1:
        for _ in range(rng.choice((1, 1, 3))):
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    elif how == 2:
        del data[at:]
    elif how == 3:
        data[at:at] = rng.randbytes(rng.randrange(1, 6))
    else:
        data += rng.randbytes(rng.randrange(1, 6))
    return bytes(data) or b"\x00"


def stream(rng: Random) -> tuple[bytes, dict[str, Any]]:
    """Return a wire of some messages, and options for the decoder of it."""
    alone = rng.random() < 0.3
    sender, wire = compressor(rng), b""
    for _ in range(rng.randrange(1, 5)):
        payload, sender = compressed(rng, sender)
        if rng.random() < 0.5:
            payload = damaged(rng, payload)
        if alone:
            sender = compressor(rng)
        wire += message(rng, payload)
    options: dict[str, Any] = {
        "parameters": DeflateParameters(alone, alone, 15, rng.choice((15, 15, 9))),
        "max_message_size": rng.choice((2**20, 2**20, 2**20, 50, 200)),
    }
    return wire, options


def message(rng: Random, payload: bytes) -> bytes:
    """Write a compressed text message, in one frame or in two."""
    at = rng.randrange(len(payload) + 1) if rng.random() < 0.2 else len(payload)
    first, last = payload[:at], payload[at:]
    whole = at == len(payload)
    opening = header(TEXT | 0x40 | (0x80 if whole else 0), len(first)) + mask(first)
    return opening if whole else opening + frame(0, last)


def verdict(engine: str, options: dict[str, Any], chunks: list[bytes], codec: Any = wsfast) -> Any:
    """Return what is delivered, and what is said of the violation."""
    deflate = Deflate("server", options["parameters"], engine=engine)
    decoder = codec.MessageDecoder(
        "server", deflate=deflate, max_message_size=options["max_message_size"]
    )
    received = receive(decoder, chunks)
    return [event.data for event in received.events], described(received.violation)


def cuts(rng: Random, wire: bytes) -> Iterator[list[bytes]]:
    """Return byte by byte, and other ways to cut."""
    yield byte_by_byte(wire)
    if len(wire) <= 40:
        for at in range(1, len(wire)):
            yield [wire[:at], wire[at:]]
    for count in (1, 3, 8):
        yield cut(wire, sorted(rng.choices(range(len(wire) + 1), k=count)))


def judge(seed: int, engine: str, codec: Any = wsfast) -> tuple[Any, list[str]]:
    """Return the verdict on one stream, and how others at other cuts differ from it."""
    rng = Random(seed)
    wire, options = stream(rng)
    sizes = {name: getattr(_inflater, name) for name in ("_RENEWED", *STEPS)}
    # Streams are short, so a decoder's own steps are sometimes short too.
    _inflater._RENEWED = rng.choice((sizes["_RENEWED"], 200, 20, 1))
    differences = []
    try:
        whole = verdict(engine, options, [wire], codec)
        for chunks in [[wire], *cuts(rng, wire)]:
            for name in STEPS:
                setattr(_inflater, name, rng.choice((sizes[name], 100, 10, 3)))
            other = verdict(engine, options, chunks, codec)
            if other != whole:
                reads = [len(chunk) for chunk in chunks]
                differences.append(f"stream {seed}, {engine}, {reads}: {other}, whole: {whole}")
    finally:
        vars(_inflater).update(sizes)
    return whole, differences


def main(streams: int = 100_000, seed: int = 0, *engines: str) -> int:
    """Judge that many streams with each engine; return how many had two verdicts."""
    engines = engines or tuple(ENGINES)
    if lacking := missing(engines):
        print(f"not installed: {', '.join(lacking)}")
        return 1
    wrong = 0
    for engine in engines:
        kinds: Counter[str] = Counter()
        for number in range(seed, seed + streams):
            (_, violation), differences = judge(number, engine)
            kinds[violation[0].__name__ if violation else "valid"] += 1
            wrong += bool(differences)
            for difference in differences[:1]:
                print(difference[:600])
        print(
            f"{engine}: {streams} streams, {dict(kinds)}; with two verdicts so far: {wrong}",
            flush=True,
        )
    return wrong


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:3]), *sys.argv[3:]) != 0)
