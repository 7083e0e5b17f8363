"""Compare the suite's verdicts with those in expected.json.

A verdict is a pair: how the case went, and how the connection was closed; each is OK,
NON-STRICT, INFORMATIONAL, UNIMPLEMENTED or a failure.  What expected.json does not list
is expected to be OK and OK.

Invariant: a case that is missing, a case that is not known and a change for the better
are differences, as a change for the worse is.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

Verdict: TypeAlias = tuple[str, str]

OK: Verdict = ("OK", "OK")
EXPECTED = Path(__file__).with_name("expected.json")


def load() -> dict[str, Any]:
    """Read expected.json."""
    document: dict[str, Any] = json.loads(EXPECTED.read_text(encoding="utf-8"))
    return document


def cases(groups: Mapping[str, int], sections: Iterable[str]) -> list[str]:
    """Return the cases of some sections (6) or groups (6.4).

    In expected.json a group ``"1.1": 8`` stands for the cases 1.1.1 to 1.1.8.
    """
    within = tuple(f"{section}." for section in sections)
    return [
        f"{group}.{number}"
        for group, count in groups.items()
        for number in range(1, count + 1)
        if f"{group}.".startswith(within)
    ]


def expected(document: Mapping[str, Any], role: str, sections: Iterable[str]) -> dict[str, Verdict]:
    """Return the verdict that each case of some sections should get.

    Raises:
        ValueError: expected.json lists a case twice, or one that the suite does not have.
    """
    known = dict.fromkeys(cases(document["cases"], document["cases"]), OK)
    listed: set[str] = set()
    for entry in document["deviations"]:
        if role not in entry["roles"]:
            continue
        for case in entry["cases"]:
            if case not in known or case in listed:
                what = "listed twice" if case in listed else "not a case of the suite"
                raise ValueError(f"expected.json: {case} is {what} ({role})")
            listed.add(case)
            known[case] = (entry["behavior"], entry["close"])
    return {case: known[case] for case in cases(document["cases"], sections)}


def found(index: Mapping[str, Mapping[str, Any]]) -> dict[str, Verdict]:
    """Return the verdicts of the suite's index."""
    return {case: (entry["behavior"], entry["behaviorClose"]) for case, entry in index.items()}


def differences(wanted: Mapping[str, Verdict], got: Mapping[str, Verdict]) -> dict[str, str]:
    """Say, by case, what is not as expected."""
    said = {}
    for case in sorted({*wanted, *got}, key=_order):
        if case not in got:
            said[case] = "missing: the suite did not run it"
        elif case not in wanted:
            said[case] = f"not in expected.json; it was {_pair(got[case])}"
        elif wanted[case] != got[case]:
            said[case] = f"expected {_pair(wanted[case])}, was {_pair(got[case])}"
    return said


def counts(got: Mapping[str, Verdict]) -> dict[str, int]:
    """Count the verdicts, each case under the half of its verdict that is not OK, if any."""
    return dict(Counter(close if how == "OK" else how for how, close in got.values()))


def _pair(verdict: Verdict) -> str:
    return f"{verdict[0]} (close {verdict[1]})"


def _order(case: str) -> tuple[int, ...]:
    return tuple(map(int, case.split(".")))
