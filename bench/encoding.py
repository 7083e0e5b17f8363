"""Text to UTF-8 and back, against CPython, for each storage that a string can have.

    python bench/encoding.py             measure, compare with LEAST, and record
    python bench/encoding.py RUN.TSV     also record what `make -C bench/c run` measured
    WSFAST_KERNEL=ssse3 python bench/encoding.py

Exits with 1 if, with the AVX2 or AVX-512 kernel, a figure is below its ``LEAST``.

Invariant: as ratios.py: the sides take turns, and the fastest round of each counts.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

from websockets.speedups import apply_mask

import ratios
import records
import wsfast
from samples import KEY, size_name
from timing import Call, calls_a_round, repeated

LATIN = "aaaeeeiiioonnrrssttlldmäéèöüß"
# The letters of a script, roughly as often as they occur, and what separates two words.
SCRIPTS = {
    "ascii": ("aaaeeeiiioonnrrssttlldmcuhg", " "),
    "latin": (LATIN, " "),
    "latin with euro": (LATIN + "œ€", " "),
    "cyrillic": ("".join(map(chr, range(0x430, 0x450))), " "),
    "cjk": ("".join(map(chr, range(0x4E00, 0x9F00))), "、"),
    "emoji": ("".join(map(chr, range(0x1F300, 0x1F500))), ""),
}
JSON = ("json", "json with emoji")
TEXTS = (*SCRIPTS, *JSON)
SIZES = (64, 1024, 16_384, 65_536)  # in bytes of UTF-8, about

# Operation: text: how many times as fast wsfast must be, by size; 0 for no requirement.  A busy
# machine with AVX2 meets these.  At 64 bytes, the call takes most of the time.
LEAST: dict[str, dict[str, tuple[float, ...]]] = {
    "encode_utf8 / str.encode": {
        "ascii": (1, 1, 0.98, 0.98),
        "latin": (1, 3.5, 5, 5),
        "latin with euro": (0.9, 2.2, 3.5, 4),
        "cyrillic": (1, 3, 5, 5),
        "cjk": (1, 3, 4, 5),
        "json": (1, 4, 6, 6),
        "emoji": (0.8, 2.5, 2.5, 2.5),
        "json with emoji": (1, 2.5, 3.5, 2.5),
    },
    "decode_utf8 / bytes.decode": {
        "emoji": (0, 2.5, 2.5, 2.5),
        "json with emoji": (0, 2.5, 2, 2.5),
    },
    "masked encode_frame / str.encode, then mask": {
        "cyrillic": (0, 0, 0, 4),
        "cjk": (0, 0, 0, 4),
    },
    "masked encode_frame / encode_utf8": {
        "cyrillic": (0, 0, 0, 0.8),
        "cjk": (0, 0, 0, 0.8),
    },
}


def words(chance: Random, script: str) -> str:
    """Return a few words of random letters; branch predictors would learn a repeated text."""
    letters, between = SCRIPTS[script]
    return between.join(
        "".join(chance.choices(letters, k=chance.randint(2, 9))) for _ in range(chance.randrange(8))
    )


def value(chance: Random, name: str) -> str:
    """Return an object whose names are ASCII and some of whose values are not; or words."""
    if name not in JSON:
        return words(chance, name) + SCRIPTS[name][1]
    others = [script for script in SCRIPTS if script != "emoji" or name != "json"]
    script = "ascii" if chance.randrange(3) else chance.choice(others)
    number, day = chance.randrange(100_000), chance.randint(1, 28)
    when = f"2026-01-{day:02}T10:00:00Z"
    return f'{{"id":{number},"created_at":"{when}","text":"{words(chance, script)}","ok":true}},'


def text_of(name: str, size: int) -> str:
    """Return text of about that many bytes in UTF-8."""
    chance, text = Random(1), ""
    while len(text) < size:
        text += value(chance, name)
    return text.encode()[:size].decode("utf-8", "ignore")


def encode_then_mask(text: str) -> bytes:
    """Make a payload as a client of websockets does, without its header."""
    return bytes(apply_mask(text.encode(), KEY))


def sides(what: str, text: str) -> tuple[Any, Any, Any]:
    """Return what is compared with what, and their argument."""
    frame = Call(wsfast.encode_frame, 1, masking_key=KEY)
    if what.startswith("decode"):
        return bytes.decode, wsfast.decode_utf8, text.encode()
    if what.startswith("encode"):
        return str.encode, wsfast.encode_utf8, text
    return (encode_then_mask if "then" in what else wsfast.encode_utf8), frame, text


def timed(function: Any, argument: Any) -> Callable[[], float]:
    """Return what times one call, on average."""
    times = calls_a_round(function, (argument,)) // 4 + 1
    run = repeated(function, (argument,), times)

    def once() -> float:
        start = time.perf_counter()
        run()
        return (time.perf_counter() - start) / times

    return once


def measured() -> Iterator[dict[str, Any]]:
    """Compare, and yield a row of the record for each case."""
    for what, least in LEAST.items():
        for name in TEXTS:
            for at, size in enumerate(SIZES):
                theirs, ours, argument = sides(what, text_of(name, size))
                wanted = least[name][at] if name in least else 0.0
                run = timed(ours, argument)
                found = ratios.ratio(
                    timed(theirs, argument),
                    run,
                    lambda times, wanted=wanted: times >= wanted * 1.05,
                )
                row = {"what": what, "text": name, "size": size, "times": round(found, 2)}
                row["ns"] = round(min(run() for _ in range(20)) * 1e9, 1)  # of wsfast
                yield {**row, "least": wanted}


def in_c(path: str) -> Iterator[dict[str, Any]]:
    """Yield the rows of a run of bench/c."""
    for line in Path(path).read_text().splitlines():
        function, text, size, candidate, ns, *_ = line.split("\t")
        row = {"what": f"{function} in C", "text": text, "size": int(size)}
        yield {**row, "candidate": candidate, "ns": float(ns)}


def main(arguments: list[str]) -> int:
    """Return the exit status: 0 if nothing is too slow."""
    if wsfast.backend().name != "native":
        sys.exit(f"nothing to measure: {wsfast.backend().reason}")
    record = records.begin("encoding.py")
    judged = wsfast.backend().kernel in ("avx2", "avx512")
    rows = record["rows"] = [row for path in arguments for row in in_c(path)]
    slow = 0
    for row in measured():
        rows.append(row)
        fine = not judged or row["times"] >= row["least"]
        slow += not fine
        text = f"{row['what']}: {row['text']} {size_name(row['size'])}: {row['times']} times"
        ratios.say(fine, f"{text}, least {row['least'] or 'not set'}")
    records.save(record, "encoding")
    return int(slow > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
