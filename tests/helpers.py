"""What several test files share: wires built byte by byte, and an oracle for UTF-8.

Invariant: nothing here calls wsfast's codecs, so what a test expects never comes from
the code it tests.  RFC 6455 section 5.2; The Unicode Standard, Table 3-7 and D93b.
"""

from __future__ import annotations

import gc
import importlib.util
import os
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from math import log
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest

from conftest import CODECS
from wsfast import Cause, InvalidUTF8, ProtocolViolation

KEY = bytes.fromhex("37fa213d")  # the masking key of the examples in RFC 6455 section 5.7
TEXT, BINARY, CONTINUATION, CLOSE, PING, PONG = 1, 2, 0, 8, 9, 10
OPCODES = [0, 1, 2, 8, 9, 10]
# Of payloads: where a header, a word or a vector becomes longer.
LENGTHS = [0, 1, 2, 3, 4, 5, 124, 125, 126, 127, 128, 255, 256, 65534, 65535, 65536, 65537]


def need(*modules: str) -> None:
    """Skip a test of libraries that are not all installed; conftest.py says when that may be."""
    for module in modules:
        try:
            found = importlib.util.find_spec(module)
        except ModuleNotFoundError:  # its package is missing too
            found = None
        if found is None:
            pytest.skip(f"{module} is not installed")


# For tests that go through everything there is: not on every kernel, whose own exhaustive
# tests are in tests/kernels, but on the codec in Python and on the kernel that users get.
on_default_codecs = pytest.mark.parametrize("codec", CODECS["users"], indirect=True)

# AddressSanitizer keeps what was freed, and ends a process that is out of memory.
UNDER_ASAN = "libasan" in os.environ.get("LD_PRELOAD", "")

# Where another package of the name could be installed, or this one compiled in place.
PACKAGE = Path(sys.modules["wsfast"].__file__ or "").parent


def put_in_place(codec: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Put the codec under test in the place of the one that users get, in that module too."""
    above = ("connection", "_sending", "fragments", "deflate")
    for module in map(importlib.import_module, ("wsfast", *(f"wsfast.{x}" for x in above), name)):
        for attribute, value in vars(codec).items():
            if attribute != "name" and hasattr(module, attribute):
                monkeypatch.setattr(module, attribute, value)


def mask(payload: bytes, key: bytes = KEY, offset: int = 0) -> bytes:
    """Mask byte by byte, as RFC 6455 section 5.3 says it."""
    return bytes(byte ^ key[(offset + i) % 4] for i, byte in enumerate(payload))


def header(
    first: int, length: int, key: bytes | None = KEY, length_size: int | None = None
) -> bytes:
    """Write a frame's header; ``length_size`` (0, 2 or 8) to break the minimal form."""
    if length_size is None:
        length_size = 0 if length <= 125 else 2 if length <= 0xFFFF else 8
    seven_bits = {0: length, 2: 126, 8: 127}[length_size]
    masked = 0 if key is None else 0x80
    return (
        bytes((first, masked | seven_bits))
        + (length.to_bytes(length_size, "big") if length_size else b"")
        + (key or b"")
    )


def frame(opcode: int, payload: bytes = b"", *, fin: bool = True, key: bytes | None = KEY) -> bytes:
    """Write a frame: masked with ``key``, or a server's if that is ``None``."""
    first = opcode | (0x80 if fin else 0)
    return header(first, len(payload), key) + (payload if key is None else mask(payload, key))


def fragmented(opcode: int, fragments: list[bytes], key: bytes | None = KEY) -> bytes:
    """Write a message in the given fragments."""
    last = len(fragments) - 1
    return b"".join(
        frame(0 if i else opcode, part, fin=i == last, key=key) for i, part in enumerate(fragments)
    )


def one_byte_a_frame(payload: bytes, key: bytes | None = KEY) -> bytes:
    """Write a text message in fragments of one byte."""
    return fragmented(TEXT, [payload[i : i + 1] for i in range(len(payload))], key)


def cut(data: bytes, at: Iterable[int]) -> list[bytes]:
    """Cut at each of the sorted places."""
    places = [0, *at, len(data)]
    return [data[a:b] for a, b in pairwise(places)]


def byte_by_byte(data: bytes) -> list[bytes]:
    return [data[i : i + 1] for i in range(len(data))]


def chunkings(rng: Random, data: bytes) -> list[list[bytes]]:
    """Return the wire whole, in single bytes, and cut at random, empty reads included."""
    places = sorted(rng.choices(range(len(data) + 1), k=rng.randrange(1, 9)))
    return [[data], byte_by_byte(data), cut(data, places)]


def run(iterator: Iterable[Any]) -> tuple[list[Any], ProtocolViolation | None]:
    """Return what was yielded, and the violation that then came, if one did."""
    events = []
    try:
        for event in iterator:
            events.append(event)
    except ProtocolViolation as violation:
        return events, violation
    return events, None


class Received(NamedTuple):
    """What came of a wire: events, the violation, and the read that brought it."""

    events: list[Any]
    violation: ProtocolViolation | None
    chunk_index: int | None


def receive(decoder: Any, chunks: Iterable[bytes]) -> Received:
    """Feed a wire until it ends or breaks the protocol."""
    events: list[Any] = []
    for index, chunk in enumerate(chunks):
        more, violation = run(decoder.feed(chunk))
        events += more
        if violation is not None:
            return Received(events, violation, index)
    return Received(events, None, None)


def breaks_at(decoder: Any, wire: bytes) -> tuple[int, ProtocolViolation]:
    """Return the index of the byte with which the wire breaks the protocol, and how."""
    received = receive(decoder, byte_by_byte(wire))
    assert received.violation is not None
    assert received.chunk_index is not None
    return received.chunk_index, received.violation


def outcome(call: Callable[[], Any]) -> tuple[Any, ...]:
    """Return the result of a call, or what was raised, in a form to compare."""
    try:
        return "returned", call()
    except Exception as error:  # noqa: BLE001 # whatever it is, it is what the test compares
        return "raised", described(error)


def described(error: BaseException | None) -> tuple[Any, ...] | None:
    """Return the type, the text and the evidence of an exception."""
    if error is None:
        return None
    return type(error), str(error), error.args if isinstance(error, InvalidUTF8) else ()


# Table 3-7, Well-Formed UTF-8 Byte Sequences.
_TAIL = range(0x80, 0xC0)
TABLE_3_7 = [
    (range(0x80),),
    (range(0xC2, 0xE0), _TAIL),
    (range(0xE0, 0xE1), range(0xA0, 0xC0), _TAIL),
    (range(0xE1, 0xED), _TAIL, _TAIL),
    (range(0xED, 0xEE), range(0x80, 0xA0), _TAIL),
    (range(0xEE, 0xF0), _TAIL, _TAIL),
    (range(0xF0, 0xF1), range(0x90, 0xC0), _TAIL, _TAIL),
    (range(0xF1, 0xF4), _TAIL, _TAIL, _TAIL),
    (range(0xF4, 0xF5), range(0x80, 0x90), _TAIL, _TAIL),
]
_ROW_OF = [next((row for row in TABLE_3_7 if byte in row[0]), ()) for byte in range(256)]


class Fault(NamedTuple):
    """Where and why a text is ill-formed, as ``InvalidUTF8`` names it."""

    offset: int
    length: int
    detected_at: int
    cause: Cause


def find_fault(text: bytes) -> Fault | None:
    """Judge a whole text by Table 3-7, character by character."""
    at = len(text) if text.isascii() else 0
    while at < len(text):
        row = _ROW_OF[text[at]]
        good = 0
        while good < len(row) and at + good < len(text) and text[at + good] in row[good]:
            good += 1
        if not row or good < len(row):
            return Fault(at, good or 1, at + good, _cause(text[at : at + good], text[at + good :]))
        at += good
    return None


def _cause(good: bytes, rest: bytes) -> Cause:
    """Say why the bytes that can begin a character can't go on as they do."""
    if not rest:
        return Cause.TRUNCATED
    byte = rest[0]
    if good:
        if byte not in _TAIL:
            return Cause.MISSING_CONTINUATION
        good += rest[:1]
    elif byte in _TAIL:
        return Cause.UNEXPECTED_CONTINUATION
    else:
        good = rest[:1]
    return _forbidden(good)


def _forbidden(begin: bytes) -> Cause:
    """Say, from the bits alone, which code points begin so that UTF-8 doesn't have them."""
    if begin[0] >= 0xF8:  # the leads of 5 and 6 bytes that UTF-8 no longer has, and none
        return Cause.INVALID_LEAD
    size = f"{begin[0]:08b}".index("0")
    bits = begin[0] & (0x7F >> size)
    for byte in begin[1:]:
        bits = bits << 6 | byte & 0x3F
    missing = 6 * (size - len(begin))
    lowest, highest = bits << missing, (bits + 1 << missing) - 1
    if highest < {2: 0x80, 3: 0x800, 4: 0x10000}[size]:
        return Cause.OVERLONG
    if lowest > 0x10FFFF:
        return Cause.OUT_OF_RANGE
    assert lowest >= 0xD800
    assert highest <= 0xDFFF
    return Cause.SURROGATE


def place_of(offset: int, fragments: Iterable[bytes]) -> tuple[int, int]:
    """Return the fragment that holds the byte, and where in it."""
    for index, fragment in enumerate(fragments):
        if offset < len(fragment):
            return index, offset
        offset -= len(fragment)
    raise AssertionError("the byte is in none of the fragments")


def assert_evidence(violation: Any, text: bytes, fragments: list[bytes]) -> None:
    """Compare each attribute of an ``InvalidUTF8`` but its context with the oracle's."""
    fault = find_fault(text)
    assert isinstance(violation, InvalidUTF8), violation
    assert fault is not None
    found = (violation.offset, violation.length, violation.detected_at, violation.cause)
    assert found == fault
    assert violation.octets == text[fault.offset :][: fault.length]
    place = violation.fragment_index, violation.fragment_offset
    assert place == place_of(fault.offset, fragments)


ALPHABETS = {
    "ascii": "abc xyz 0189 ~\x7f\x00",
    "latin": "äöüßñ aé\x80ÿ",
    "cyrillic": "жфщюя ЖΩ߿",
    "cjk": "漢字仮名\u0800\ud7ff\ue000\uffff",
    "emoji": "🙂🚀𐀀\U0010ffff",
    "mixed": "aé漢🙂 z߿\uffff",
}

# Ill-formed at the start: each cause, at each edge of Table 3-7.
_FAULTS = """
    80 BF C0AF C180 C2 C241 C3C3 DF DFFF E0 E080 E09F80 E0A0 E0A041 E1 E180 E18041 E180C3
    ED ED9F ED9F41 EDA080 EDBFBF EF EFBF EFBFF0 F0 F08080 F08F80 F090 F09080 F0908041
    F1 F180C3 F48F F48FBF F48FBF41 F49080 F5 F580 F7BFBFBF F8 F888808080 FB FC FE FF FFFE
"""
FAULTS = [bytes.fromhex(digits) for digits in _FAULTS.split()]


def random_text(rng: Random, longest: int = 120) -> str:
    """Return a text of one alphabet, or of ASCII with little of it."""
    alphabet = ALPHABETS[rng.choice(list(ALPHABETS))]
    if rng.random() < 0.3:
        alphabet += "abcdefghijklmnopqrstuvwxyz" * 2
    return "".join(rng.choices(alphabet, k=rng.randrange(longest)))


def with_fault(rng: Random, text: bytes) -> bytes:
    """Return the text with one fault at a random place; nearly always ill-formed."""
    at = rng.randrange(len(text) + 1)
    kind = rng.randrange(5)
    if kind == 0:
        return text[:at] + rng.choice(FAULTS) + text[at:]
    if kind == 1:
        return text[:at] + bytes((rng.randrange(0x80, 0x100),)) + text[at:]
    if kind == 2:
        return text[:at] + bytes((rng.randrange(0x100),)) + text[at + 1 :]
    if kind == 3:
        return text[:at] + text[at + 1 :]
    return text[:at]


def certainly_faulty(rng: Random, text: bytes) -> bytes:
    """Return the text with a fault; where the random one does no harm, with another."""
    while True:
        faulty = with_fault(rng, text)
        if find_fault(faulty):
            return faulty


def fragments_of(rng: Random, text: bytes) -> list[bytes]:
    """Cut a message at random places, some of them the same: empty fragments."""
    return cut(text, sorted(rng.choices(range(len(text) + 1), k=rng.randrange(7))))


def python(
    code: str, *options: str, path: Path | str = PACKAGE.parent, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run code in a process of its own, which finds wsfast under ``path``."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("WSFAST_", "PYTHON"))}
    return subprocess.run(
        [sys.executable, *options, "-c", f"import sys; sys.path.insert(0, {str(path)!r})\n{code}"],
        env={**kept, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def collected(codec: SimpleNamespace, wire: bytes, **options: Any) -> list[Any]:
    """Return all that a server's decoder makes of a wire that keeps to the protocol."""
    return list(codec.MessageDecoder("server", **options).feed(wire))


def each_split(data: bytes) -> Iterator[list[bytes]]:
    """Cut in two at every place inside."""
    for at in range(1, len(data)):
        yield [data[:at], data[at:]]


# Work and memory.


def cpu_time(work: Callable[[], Any], repeats: int) -> float:
    """Return the least CPU time of some runs, which other processes disturb the least."""
    taken = []
    for _ in range(repeats):
        before = time.process_time()
        work()
        taken.append(time.process_time() - before)
    return min(taken)


def growth(work: Callable[[int], Callable[[], Any]], small: int, large: int) -> float:
    """Return the exponent with which CPU time grows: 1 if it is linear, 2 if quadratic."""
    times = [cpu_time(work(size), 3) for size in (small, large)]
    return log(times[1] / times[0]) / log(large / small)


def peak(work: Callable[[], Any]) -> int:
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def collect() -> None:
    """Collect garbage; without a GIL its memory is given back at the collection after."""
    gc.collect()
    gc.collect()


def kept(make: Callable[[], Any], chunks: list[bytes]) -> int:
    """Return how many bytes of memory are given back when the decoder goes.

    The median of three: the first fills caches, and without a GIL other threads allocate too.
    """
    return sorted(_kept(make, chunks) for _ in range(3))[1]


@contextmanager
def without_other_threads() -> Iterator[None]:
    """Stop other threads, such as that of pytest-xdist, unless this one waits for something.

    Memory that they allocate would be measured too.  Without a GIL they are not stopped.
    """
    interval = sys.getswitchinterval()
    sys.setswitchinterval(5)  # seconds; by default 0.005
    try:
        yield
    finally:
        sys.setswitchinterval(interval)


@without_other_threads()
def _kept(make: Callable[[], Any], chunks: list[bytes]) -> int:
    tracemalloc.start()
    try:
        decoder = make()
        for chunk in chunks:
            assert not list(decoder.feed(chunk))
        collect()
        before = tracemalloc.get_traced_memory()[0]
        del decoder
        collect()
        return before - tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
