"""Measure ``wsfast.diagnose`` on short values: python tests/diagnosis/diagnosis_short.py

One value of 1 to 30 characters beyond ASCII, plain or in JSON, in every charset that is
tried; and the same cut, damaged or noise.  Prints the tables of docs/diagnosis.md from the
held-out words; ``--tuning`` takes the others.  Exits with 1 if an answer of high confidence
is right less often than ``LEAST_HIGH`` at any length or in any charset, or, with ``--check``,
if the tables in docs/diagnosis.md are others.

A charset is right if it gives the text that was sent: Latin-1 and Windows-1252 often agree.

Invariant: no word is in both sets.
"""

# ruff: noqa: RUF001 # the letters of many languages look alike
from __future__ import annotations

import argparse
import random
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import diagnosis_words
import figures
from wsfast.diagnosis import Diagnosis, diagnose

LEAST_HIGH = 0.97
LENGTHS = (1, 2, 3, 5, 10, 30)
Words = diagnosis_words.Words
Name = TypeVar("Name", int, str)

_WEST = ("German", "French", "Spanish", "Portuguese", "Swedish")
_EAST = ("Polish", "Czech", "Hungarian")
CHARSETS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("latin-1", "cp1252", "iso8859-15", "mac_roman", "cp437", "cp850"), _WEST),
    **dict.fromkeys(("cp1250", "iso8859-2", "cp852"), _EAST),
    **dict.fromkeys(("cp1254", "iso8859-9"), ("Turkish",)),
    **dict.fromkeys(("cp1251", "iso8859-5"), ("Russian", "Ukrainian")),
    **dict.fromkeys(("koi8-r", "cp866"), ("Russian",)),
    "koi8-u": ("Ukrainian",),
    **dict.fromkeys(("cp1253", "iso8859-7"), ("Greek",)),
    "cp1255": ("Hebrew",),
    **dict.fromkeys(("cp1256", "iso8859-6"), ("Arabic",)),
    "cp874": ("Thai",),
    **dict.fromkeys(("shift_jis", "euc_jp"), ("Japanese",)),
    "gb18030": ("Chinese",),
    "big5": ("Taiwanese",),
    "euc_kr": ("Korean",),
    **dict.fromkeys(("utf-16", "utf-16-le", "utf-16-be"), ("Russian", "Greek", "Chinese")),
}
SIGNS = ("25°C", "10 €", "£5", "“ok”", "it’s", "a – b", "± 3", "© 2024", "…", "½", "«ok»")
SHAPES = ("{}", '{{"name":"{}"}}', '["{}"]', '{{"id":7,"city":"{}","ok":true}}', "name: {}")


@dataclass
class Tally:
    """How often each confidence was given, and how often it was right."""

    given: Counter[str] = field(default_factory=Counter)
    right: Counter[str] = field(default_factory=Counter)

    def add(self, confidence: str, right: bool) -> None:
        self.given[confidence] += 1
        self.right[confidence] += right

    def row(self) -> str:
        cells = []
        for confidence in ("high", "medium", "low"):
            given = self.given[confidence]
            share = f"{self.right[confidence] / given:.1%} of {given}" if given else "none"
            cells.append(share)
        return " | ".join(cells)


def value(words: Sequence[str], length: int, rng: random.Random) -> str:
    """Return a value that has so many characters beyond ASCII, of whole words if it can."""
    fitting = [w for w in words if sum(c > "\x7f" for c in w) == length]
    if fitting and length < 30:
        return rng.choice(fitting)
    text = ""
    for _ in range(60):
        text = f"{text} {rng.choice(words)}".strip()
        at, seen = 0, 0
        while at < len(text) and seen < length:
            seen += text[at] > "\x7f"
            at += 1
        if seen == length:
            while at < len(text) and text[at] < "\x7f" and text[at].isalpha():
                at += 1
            return text[:at]
    return text


@dataclass
class Case:
    origin: str
    kind: str
    language: str
    length: int
    text: str
    data: bytes

    def judge(self, found: Diagnosis) -> bool:
        if found.origin.name != self.origin:
            return False
        if self.origin != "LEGACY_CHARSET":
            return True
        try:
            return self.data.decode(found.detail) == self.text
        except UnicodeDecodeError:
            return False


def cases(words: Words, count: int, seed: int) -> list[Case]:
    """Return values of every charset and length; ``count`` of each charset and length."""
    rng = random.Random(seed)
    made = []
    for charset, languages in CHARSETS.items():
        for length in LENGTHS:
            for _ in range(count):
                language = rng.choice(languages)
                text = rng.choice(SHAPES).format(value(words[language], length, rng))
                data = text.encode(charset, "ignore")
                if is_utf8(data):
                    continue
                origin = "UTF16" if charset.startswith("utf-16") else "LEGACY_CHARSET"
                sent = data.decode(charset)
                made.append(Case(origin, charset, language, length, sent, data))
    makers: dict[str, Callable[[bytes, random.Random], bytes]] = {"cut": cut, "damaged": flip}
    for kind, make in makers.items():
        for length in LENGTHS:
            for _ in range(4 * count):
                language = rng.choice(sorted(words))
                text = rng.choice(SHAPES).format(value(words[language], length, rng))
                data = make(text.encode(), rng)
                if not is_utf8(data):
                    origin = "CUT" if kind == "cut" else "UNKNOWN"
                    made.append(Case(origin, kind, language, length, text, data))
    for length in LENGTHS:
        for _ in range(4 * count):
            data = rng.randbytes(length)
            if not is_utf8(data):
                made.append(Case("UNKNOWN", "noise", "", length, "", data))
    for _ in range(2 * count):
        text = rng.choice(SHAPES).format(rng.choice(SIGNS))
        data = text.encode("cp1252")
        if not is_utf8(data):
            beyond = sum(c > "\x7f" for c in text)
            made.append(Case("LEGACY_CHARSET", "signs", "", beyond, text, data))
    return made


def is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def cut(data: bytes, rng: random.Random) -> bytes:
    """Cut inside a character, at the end or at the beginning."""
    inside = [at for at, byte in enumerate(data) if 0x80 <= byte < 0xC0]
    at = rng.choice(inside)
    return data[:at] if rng.random() < 0.5 else data[at:]


def flip(data: bytes, rng: random.Random) -> bytes:
    out = bytearray(data)
    out[rng.randrange(len(out))] ^= 1 << rng.randrange(8)
    return bytes(out)


def measure(made: list[Case]) -> tuple[dict[int, Tally], dict[str, Tally], list[str]]:
    """Return tallies by length and by kind, and what was wrong with high confidence."""
    lengths: dict[int, Tally] = {}
    kinds: dict[str, Tally] = {}
    wrong = []
    for case in made:
        found = diagnose(case.data)
        right = case.judge(found)
        lengths.setdefault(case.length, Tally()).add(found.confidence, right)
        kinds.setdefault(case.kind, Tally()).add(found.confidence, right)
        if found.confidence == "high" and not right:
            said = f"{found.origin.name} {found.detail}"
            wrong.append(f"{case.kind} {case.length} {case.text!r}: {said}; {found.reason}")
    return lengths, kinds, wrong


def too_low(tallies: Mapping[Name, Tally]) -> dict[Name, str]:
    """Return those whose answers of high confidence are right too seldom."""
    return {
        name: tally.row()
        for name, tally in tallies.items()
        if tally.right["high"] < LEAST_HIGH * tally.given["high"]
    }


def tables(lengths: dict[int, Tally], kinds: dict[str, Tally]) -> list[str]:
    """Return the tables of docs/diagnosis.md."""
    found = []
    for head, tallies in (("non-ASCII characters", lengths), ("sent as", kinds)):
        rows = [f"| {name} | {tally.row()} |\n" for name, tally in tallies.items()]
        found.append(f"| {head} | high | medium | low |\n|---|---|---|---|\n{''.join(rows)}")
    return found


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--seed", type=int, default=6455)
    parser.add_argument("--tuning", action="store_true")
    parser.add_argument("--wrong", action="store_true")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args(arguments)
    figures.without_normalizer()
    words = diagnosis_words.TUNING if options.tuning else diagnosis_words.HELD_OUT
    lengths, kinds, wrong = measure(cases(words, options.count, options.seed))
    printed = tables(lengths, kinds)
    print(*printed, sep="\n")
    if options.wrong:
        print(*wrong, sep="\n")
    charsets = {name: kinds[name] for name in CHARSETS}
    low = too_low({f"{length} characters": tally for length, tally in lengths.items()} | charsets)
    for name, row in low.items():
        print(f"high confidence is right too seldom: {name}: {row}")
    return int(bool(low) or (options.check and not figures.documented(printed)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
