"""Measure ``wsfast.diagnose`` on generated payloads: python tests/diagnosis/diagnosis_accuracy.py

Prints the table of docs/diagnosis.md, from the held-out texts; ``--tuning`` takes the
others, ``--wrong`` prints what was wrong.  Exits with 1 if a figure is below its threshold, or,
with ``--check``, if the tables in docs/diagnosis.md are others.

Invariant: the figures are of payloads whose sentences nobody looked at while tuning.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Sequence

import corpus
import figures
from wsfast.diagnosis import Diagnosis, diagnose

LEAST_RIGHT = 0.90  # of each kind
MOST_ALARMS = 0.02  # of each sort of negatives


def found(data: bytes) -> Diagnosis:
    return diagnose(data)


def measure(
    texts: corpus.Texts, count: int, seed: int
) -> tuple[dict[str, Counter[str]], dict[str, Counter[bool]], dict[str, list[bytes]]]:
    """Return per kind what was found, per confidence how often it was right, and the wrong."""
    kinds: dict[str, Counter[str]] = {}
    confidences: dict[str, Counter[bool]] = {}
    wrong: dict[str, list[bytes]] = {}
    wanted = {kind: (kind, make) for kind, make in corpus.KINDS.items()} | corpus.NEGATIVES
    for number, (kind, (origin, make)) in enumerate(wanted.items()):
        generator = corpus.Generator(texts, seed + number)
        for _ in range(count):
            data = make(generator)
            diagnosis = found(data)
            name = diagnosis.origin.name
            kinds.setdefault(kind, Counter())[name] += 1
            if name not in ("UTF8", "UNKNOWN"):
                confidences.setdefault(diagnosis.confidence, Counter())[name == origin] += 1
            if name != origin:
                wrong.setdefault(kind, []).append(data)
    return kinds, confidences, wrong


def shares(kinds: dict[str, Counter[str]]) -> tuple[dict[str, float], dict[str, float]]:
    """Return the share of right answers a kind, and of false alarms a sort of negatives."""
    right = {kind: kinds[kind][kind] / kinds[kind].total() for kind in corpus.KINDS}
    alarms = {
        kind: 1 - kinds[kind][origin] / kinds[kind].total()
        for kind, (origin, _) in corpus.NEGATIVES.items()
    }
    return right, alarms


def tables(
    kinds: dict[str, Counter[str]], confidences: dict[str, Counter[bool]], count: int
) -> list[str]:
    """Return the tables of docs/diagnosis.md."""
    right, alarms = shares(kinds)
    rows = []
    for kind, share in (right | {k: 1 - v for k, v in alarms.items()}).items():
        wanted = corpus.NEGATIVES.get(kind, (kind,))[0]
        others = [f"{n} {c / count:.1%}" for n, c in kinds[kind].most_common() if n != wanted]
        rows.append(f"| {kind} | {share:.1%} | {', '.join(others) or 'none'} |\n")
    found = [f"| payload | right | otherwise reported as |\n|---|---|---|\n{''.join(rows)}"]
    rows = []
    for confidence in ("high", "medium", "low"):
        counts = confidences.get(confidence, Counter())
        if counts:
            share = counts[True] / counts.total()
            rows.append(f"| {confidence} | {share:.1%} of {counts.total()} |\n")
    return [*found, f"| confidence | right |\n|---|---|\n{''.join(rows)}"]


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=6455)
    parser.add_argument("--tuning", action="store_true")
    parser.add_argument("--wrong", action="store_true")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args(arguments)
    figures.without_normalizer()
    texts = corpus.TUNING if options.tuning else corpus.HELD_OUT
    kinds, confidences, wrong = measure(texts, options.count, options.seed)
    right, alarms = shares(kinds)
    printed = tables(kinds, confidences, options.count)
    print(*printed, sep="\n")
    if options.wrong:
        for kind, samples in wrong.items():
            for data in samples[:6]:
                print(kind, diagnose(data, show_payload=True), data[:120])
    low = min(right.values()) < LEAST_RIGHT or max(alarms.values()) >= MOST_ALARMS
    return int(low or (options.check and not figures.documented(printed)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
