"""The comparison with expected.json: each change must show, also one for the better."""

from __future__ import annotations

from typing import Any

import pytest

import verdicts

DOCUMENT: dict[str, Any] = {
    "cases": {"1.1": 2, "2": 1, "12.1": 1},
    "deviations": [
        {
            "cases": ["2.1"],
            "roles": ["client"],
            "behavior": "NON-STRICT",
            "close": "OK",
            "why": "it is told here",
        }
    ],
}


def test_cases_of_sections_and_groups_are_spelled_out() -> None:
    assert verdicts.cases(DOCUMENT["cases"], ["1", "2"]) == ["1.1.1", "1.1.2", "2.1"]
    assert verdicts.cases(DOCUMENT["cases"], ["12.1"]) == ["12.1.1"]


def test_expected_of_a_role_is_ok_but_for_its_deviations() -> None:
    assert verdicts.expected(DOCUMENT, "server", ["2"]) == {"2.1": ("OK", "OK")}
    assert verdicts.expected(DOCUMENT, "client", ["2"]) == {"2.1": ("NON-STRICT", "OK")}


@pytest.mark.parametrize("cases", [["2.1", "2.1"], ["2.2"]], ids=["twice", "unknown"])
def test_expected_file_with_a_wrong_case_refused(cases: list[str]) -> None:
    document = {**DOCUMENT, "deviations": [{**DOCUMENT["deviations"][0], "cases": cases}]}
    with pytest.raises(ValueError, match=rf"expected.json: {cases[-1]} is"):
        verdicts.expected(document, "client", ["1"])


@pytest.mark.parametrize(
    ("got", "said"),
    [
        ({"1.1": ("OK", "OK"), "2.1": ("NON-STRICT", "OK")}, {}),
        (
            {"1.1": ("FAILED", "OK"), "2.1": ("NON-STRICT", "OK")},
            {"1.1": "expected OK (close OK), was FAILED (close OK)"},
        ),
        (
            {"1.1": ("OK", "UNCLEAN"), "2.1": ("NON-STRICT", "OK")},
            {"1.1": "expected OK (close OK), was OK (close UNCLEAN)"},
        ),
        (
            {"1.1": ("OK", "OK"), "2.1": ("OK", "OK")},
            {"2.1": "expected NON-STRICT (close OK), was OK (close OK)"},
        ),
        ({"1.1": ("OK", "OK")}, {"2.1": "missing: the suite did not run it"}),
        (
            {"1.1": ("OK", "OK"), "2.1": ("NON-STRICT", "OK"), "3": ("OK", "OK")},
            {"3": "not in expected.json; it was OK (close OK)"},
        ),
    ],
    ids=["as expected", "worse", "closed badly", "better", "missing", "unknown"],
)
def test_differences_of_any_kind_are_said(
    got: dict[str, verdicts.Verdict], said: dict[str, str]
) -> None:
    wanted = {"1.1": ("OK", "OK"), "2.1": ("NON-STRICT", "OK")}
    assert verdicts.differences(wanted, got) == said


def test_counts_name_the_half_that_is_not_ok() -> None:
    got = {"1": ("OK", "OK"), "2": ("OK", "UNCLEAN"), "3": ("FAILED", "OK")}
    assert verdicts.counts(got) == {"OK": 1, "UNCLEAN": 1, "FAILED": 1}


@pytest.mark.parametrize("role", ["server", "client"])
def test_our_expected_file_expects_no_failure_and_says_why(role: str) -> None:
    document = verdicts.load()
    everything = verdicts.expected(document, role, document["cases"])
    assert len(everything) == 517
    assert {how for how, _ in everything.values()} <= {"OK", "NON-STRICT", "INFORMATIONAL"}
    assert {case: everything[case] for case in verdicts.cases(document["cases"], ["6.4"])} == (
        dict.fromkeys(("6.4.1", "6.4.2", "6.4.3", "6.4.4"), ("OK", "OK"))
    )
    assert all(entry["why"] for entry in document["deviations"])
