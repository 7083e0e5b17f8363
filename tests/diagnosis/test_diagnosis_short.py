"""Short values: how sure a diagnosis may be, what else it names, and how much it looks at."""

# letters of other scripts look alike
from __future__ import annotations

import random
import subprocess
import sys

import pytest

import diagnosis_short
import diagnosis_words
import figures
from wsfast.diagnosis import Origin, _weighing, _wire, diagnose


def test_high_confidence_is_right_at_every_length() -> None:
    """As the figures of docs/diagnosis.md, with fewer values and another seed."""
    made = diagnosis_short.cases(diagnosis_words.HELD_OUT, 6, seed=1007)
    lengths, _, wrong = diagnosis_short.measure(made)
    assert list(lengths) == list(diagnosis_short.LENGTHS)
    for length, tally in lengths.items():
        assert tally.given["high"], f"{length}: nothing was tried"
    assert not diagnosis_short.too_low(lengths), wrong


def test_the_page_has_figures_for_each_length_and_charset() -> None:
    """That they are the measured ones is checked by ``diagnosis_short.py --check``, once a week."""
    lengths = figures.table("non-ASCII characters")
    assert list(lengths) == [str(length) for length in diagnosis_short.LENGTHS]
    charsets = figures.table("sent as")
    assert list(charsets) == [*diagnosis_short.CHARSETS, "cut", "damaged", "noise", "signs"]
    for name in (*lengths, *diagnosis_short.CHARSETS):
        share, _, count = (lengths | charsets)[name][0].partition(" of ")
        assert float(share.rstrip("%")) >= 100 * diagnosis_short.LEAST_HIGH, name
        assert int(count) > 0, name


def test_words_share_nothing_between_the_sets() -> None:
    for language, words in diagnosis_words.TUNING.items():
        assert set(words).isdisjoint(diagnosis_words.HELD_OUT[language]), language


EXAMPLES = (
    ('{"name":"привет"}', "koi8-r"),
    ('{"name":"привет"}', "cp1251"),
    ("안녕", "euc_kr"),
    ("25°C", "latin-1"),
    ("你好", "gb18030"),
    ("你好", "big5"),
    ("こんにちは", "shift_jis"),
    ("こんにちは", "euc_jp"),
    ("café", "mac_roman"),
    ("café", "cp850"),
    ("“ok”", "cp1252"),
    ("10 €", "iso8859-15"),
)


@pytest.mark.parametrize(("text", "charset"), EXAMPLES, ids=lambda value: ascii(value))
def test_one_short_value_is_not_named_wrongly_with_high_confidence(text: str, charset: str) -> None:
    data = text.encode(charset)
    found = diagnose(data)
    case = diagnosis_short.Case("LEGACY_CHARSET", charset, "", 0, text, data)
    assert found.confidence != "high" or case.judge(found), found


@pytest.mark.parametrize(
    ("text", "charset", "language"),
    [
        ('{"name":"привет"}', "koi8-r", "Russian"),
        ("안녕", "euc_kr", "Korean"),
        ("25°C", "cp1252", "text"),
    ],
    ids=ascii,
)
def test_candidates_say_what_each_charset_would_read_like(
    text: str, charset: str, language: str
) -> None:
    data = text.encode(charset)
    found = diagnose(data, show_payload=True)
    first = found.candidates[0]
    assert (first.origin, first.detail, first.reads_like, first.text) == (
        Origin.LEGACY_CHARSET,
        charset,
        language,
        text,
    )
    shares = [one.share for one in found.candidates]
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) <= 1.01
    assert len(shares) > 1, "one short value leaves more than one"
    hidden = diagnose(data)
    assert [one.text for one in hidden.candidates] == [""] * len(shares)
    assert text not in repr(hidden)


# How much it looks at: counts, which no busy machine changes.


def hostile() -> list[bytes]:
    rng = random.Random(40)
    russian = "Завтра утром мы поедем за город. ".encode("koi8-r")
    return [
        *(rng.randbytes(size) for size in (100, 1024, 65536, 1 << 20)),
        *((russian * 40_000)[:size] for size in (1024, 1 << 20)),
        b'{"a":"' + b"x" * 100_000 + b'\xe9"}',
        b"\xff",
        b"\xff" * (1 << 20),
        b" \xff" * (1 << 19),
    ]


@pytest.mark.parametrize("data", hostile(), ids=lambda data: f"{len(data)}")
def test_work_is_bounded_on_any_input(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    decoded: list[int] = []
    masked: list[int] = []
    decode, apply_mask = _weighing._decode, _wire.apply_mask

    def counting_decode(part: bytes, charset: str, to_end: bool) -> str | None:
        decoded.append(len(part))
        return decode(part, charset, to_end)

    def counting_mask(part: bytes, key: bytes) -> bytes:
        masked.append(len(part))
        return apply_mask(part, key)

    monkeypatch.setattr(_weighing, "_decode", counting_decode)
    monkeypatch.setattr(_wire, "apply_mask", counting_mask)
    assert diagnose(data).offset is not None
    assert len(decoded) <= len(_weighing.CHARSETS)
    assert max(decoded, default=0) <= _weighing.WINDOW
    # Each byte of a key in each place, then the likeliest keys of each script.
    assert len(masked) <= 4 * 256 + len(_wire._SCRIPTS) * len(_wire._RANKS)
    assert max(masked, default=0) <= _wire._SCAN


def test_raising_a_violation_does_not_load_the_diagnosis() -> None:
    code = """
import sys
import wsfast
try:
    wsfast.validate_utf8(b"caf\\xe9 ")
except wsfast.InvalidUTF8 as violation:
    str(violation), repr(violation), violation.close_reason, violation.close_frame
    loaded = [m for m in sys.modules if "diagnosis" in m]
    assert not loaded, loaded
    violation.diagnosis()
    assert "wsfast.diagnosis" in sys.modules
else:
    raise AssertionError("it is ill-formed")
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
