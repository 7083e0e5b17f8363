"""The page "1001 and 1007": its figures and its picture are what the program computes."""

from __future__ import annotations

from pathlib import Path

import draw_reconnecting

DOCS = Path(__file__).parents[2] / "docs"


def test_the_picture_is_what_the_program_draws() -> None:
    assert draw_reconnecting.PICTURE.read_text(encoding="utf-8") == draw_reconnecting.picture()
    assert draw_reconnecting.picture().count("\n") < 200


def test_the_figures_are_what_the_program_computes() -> None:
    page = (DOCS / "1001-and-1007.md").read_text(encoding="utf-8")
    for jitter, attempts, busiest, half, most in draw_reconnecting.figures():
        name = "none" if jitter == "none" else "full (default)"
        row = f"| {name} | {attempts:,} | {busiest:,} | {half:.1f} s | {most:.1f} s |"
        assert row in page


def test_jitter_spreads_the_clients_out() -> None:
    (_, _, together, _, _), (_, _, spread, _, _) = draw_reconnecting.figures()
    assert together == draw_reconnecting.CLIENTS
    assert spread < together / 5
    assert f"at most {spread}" in (DOCS / "1001-and-1007.md").read_text(encoding="utf-8")


def test_the_answer_comes_first() -> None:
    head = (DOCS / "1001-and-1007.md").read_text(encoding="utf-8")[:400].lower()
    assert "reconnect" in head
    assert "find the byte" in head
