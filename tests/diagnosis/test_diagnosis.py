"""From bytes to their origin: samples of each, what has none, and what is never shown."""

# ruff: noqa: RUF001 # letters of other scripts look alike
from __future__ import annotations

import pickle
import random
import re
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("msgpack")  # the corpus is made with the real encoders
pytest.importorskip("cbor2")
import corpus
import diagnosis_accuracy
import wsfast
from wsfast.diagnosis import MAX_SAMPLE, Diagnosis, Origin, diagnose
from wsfast.errors import Cause, InvalidUTF8

SECRET = "Geheim: Müller wohnt in Köln"
KEY = b"\x12\xf4\x56\x78"


def masked(data: bytes, key: bytes = KEY, phase: int = 0) -> bytes:
    return bytes(byte ^ key[(i + phase) % 4] for i, byte in enumerate(data))


@pytest.mark.parametrize(
    ("data", "origin", "detail"),
    [
        (b"", "UTF8", ""),
        (b"plain ASCII", "UTF8", ""),
        ("Zwölf Boxkämpfer 🙂".encode(), "UTF8", ""),
        # Signs after capitals are bytes of UTF-8 if taken so, but then are no letters.
        ("CAFÉ» SOLDÉ» „Spaß“ £5".encode(), "UTF8", ""),
        ("Grüße aus Köln".encode("latin-1"), "LEGACY_CHARSET", "cp1252"),
        ("“Smart quotes” – and a dash…".encode("cp1252"), "LEGACY_CHARSET", "cp1252"),
        ("Un café".encode("latin-1"), "LEGACY_CHARSET", "cp1252"),
        ("¿Dónde estás hoy?".encode("latin-1"), "LEGACY_CHARSET", "cp1252"),
        ("Привет, как у вас дела?".encode("cp1251"), "LEGACY_CHARSET", "cp1251"),
        ("Привет, как у вас дела?".encode("koi8-r"), "LEGACY_CHARSET", "koi8-r"),
        ("こんにちは、世界".encode("shift_jis"), "LEGACY_CHARSET", "shift_jis"),
        ("Größe: ".encode() + "Überlänge, größer".encode("latin-1"), "LEGACY_CHARSET", "latin-1"),
        ("Hello".encode("utf-16"), "UTF16", "utf-16-le"),
        ("Hello".encode("utf-16-be"), "UTF16", "utf-16-be"),
        ("Hello".encode("utf-32"), "UTF32", "utf-32-le"),
        (b"smile \xed\xa0\xbd\xed\xb8\x80", "CESU8", ""),
        (b"nul \xc0\x80 and smile \xed\xa0\xbd\xed\xb8\x80", "MODIFIED_UTF8", ""),
        (b"half a smile \xed\xa0\xbd", "LONE_SURROGATE", ""),
        ("日本語のテキスト".encode()[:16], "CUT", ""),
        ("日本語のテキスト".encode()[1:], "CUT", ""),
        ("ok 🙂".encode()[:-1], "CUT", ""),
        ("Köln".encode().decode("cp1252").encode(), "DOUBLE_ENCODED", ""),
        ("It’s “done”".encode().decode("cp1252", "ignore").encode(), "DOUBLE_ENCODED", ""),
        (masked(b'{"type": "subscribe", "channel": "prices", "id": 7}'), "MASKED", ""),
        (zlib.compress(b"x" * 50), "ZLIB", ""),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "PNG", ""),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", "JPEG", ""),
        (b"%PDF-1.4\n%\xe2\xe3", "PDF", ""),
        (b"PK\x03\x04\x14\0\0\0\x08\0\xff", "OTHER_BINARY", "ZIP"),
        (b"RIFF\xff\0\0\0WEBPVP8 ", "OTHER_BINARY", "WEBP"),
        (b"\x82\xa1a\x01\xa1b\x93\x01\x02\x03", "MSGPACK", ""),
        (b"\xa2aa\x01ab\x83\x01\x02\x03", "CBOR", ""),
        (b"\x08\x96\x01\x12\x07testing", "PROTOBUF", ""),
        (b"\xff", "UNKNOWN", ""),
        (b"\x80\x80\x80\x80\x80\x80", "UNKNOWN", ""),
    ],
    ids=lambda value: value[:24].hex() if isinstance(value, bytes) else value or "-",
)
def test_diagnose_names_the_origin(data: bytes, origin: str, detail: str) -> None:
    diagnosis = diagnose(data)
    assert (diagnosis.origin.name, diagnosis.detail) == (origin, detail)
    assert diagnosis.reason
    assert diagnosis.remedy == diagnosis.origin.remedy
    assert diagnosis.confidence in ("high", "medium", "low")


@pytest.mark.parametrize("origin", Origin, ids=lambda origin: origin.name)
def test_every_origin_has_a_remedy_and_a_name(origin: Origin) -> None:
    assert origin.remedy.endswith(".")
    assert origin.value


def test_diagnose_accuracy_on_the_held_out_corpus() -> None:
    """As the figures of docs/diagnosis.md, with fewer payloads and another seed."""
    kinds, _, _ = diagnosis_accuracy.measure(corpus.HELD_OUT, 60, seed=1007)
    right, alarms = diagnosis_accuracy.shares(kinds)
    low = {kind: share for kind, share in right.items() if share < 0.90}
    assert not low, kinds
    # Of 60, one is already 1.7 %, so two may be by chance; the script asserts 2 % of 1,000.
    assert max(alarms.values()) <= 2 / 60, kinds


def test_corpora_share_no_sentence() -> None:
    tuning = {text for texts in corpus.TUNING.values() for text in texts}
    assert tuning.isdisjoint(text for texts in corpus.HELD_OUT.values() for text in texts)


@given(st.binary(max_size=300))
@settings(max_examples=500, deadline=None)
def test_diagnose_any_bytes_agrees_with_the_validator(data: bytes) -> None:
    diagnosis = diagnose(data)
    if wsfast.is_valid_utf8(data):
        assert (diagnosis.offset, diagnosis.cause, diagnosis.window) == (None, None, "")
        return
    with pytest.raises(InvalidUTF8) as caught:
        wsfast.validate_utf8(data)
    violation = caught.value
    assert diagnosis.offset == violation.offset
    assert diagnosis.length == violation.length
    assert diagnosis.cause is violation.cause
    assert diagnosis.origin is not Origin.UTF8
    assert f"[{violation.octets.hex(' ').upper()}]" in diagnosis.window
    assert violation.diagnosis(data) == diagnosis
    assert violation.diagnosis().offset == violation.offset


@given(st.integers(0, 3), st.sampled_from([b"\x82", b"\xa2", b"\xde\xff\xff", b"\x9f", b"\xdf"]))
@settings(max_examples=30, deadline=None)
def test_diagnose_deep_or_wide_structures_comes_to_an_end(extra: int, head: bytes) -> None:
    """Nested a million times, or announcing four thousand million items."""
    assert diagnose(head * (20000 + extra)).offset == 0
    assert diagnose(head + b"\xff" * 4 + b"\xc1" * 1000).offset == 0


def test_diagnose_with_the_masking_key_is_certain() -> None:
    text = "ok é".encode()
    assert diagnose(masked(text)).origin is not Origin.MASKED, "too short to find a key"
    for phase in range(4):
        diagnosis = diagnose(masked(text, phase=phase), masking_key=KEY)
        assert diagnosis.origin is Origin.MASKED
        assert diagnosis.confidence == "high"
    out_of_step = masked(masked(text), phase=1)
    assert diagnose(out_of_step, masking_key=KEY).origin is Origin.MASKED


@pytest.mark.parametrize("key", [b"", b"123", b"12345"])
def test_diagnose_with_a_key_of_other_than_4_bytes_raises(key: bytes) -> None:
    with pytest.raises(ValueError, match=f"masking_key must be exactly 4 bytes, not {len(key)}"):
        diagnose(b"\xff", masking_key=key)


@pytest.mark.parametrize("value", ["text", None, 7])
def test_diagnose_what_is_no_buffer_raises(value: object) -> None:
    said = f"must be a bytes-like object, not {type(value).__name__}"
    with pytest.raises(TypeError, match=f"payload {said}"):
        diagnose(value)  # type: ignore[arg-type]
    if value is not None:
        with pytest.raises(TypeError, match=f"masking_key {said}"):
            diagnose(b"\xff", masking_key=value)  # type: ignore[arg-type]


@pytest.mark.parametrize("make", [bytes, bytearray, memoryview], ids=lambda make: make.__name__)
def test_diagnose_takes_any_buffer(make: type) -> None:
    assert diagnose(make("Köln".encode("latin-1"))).offset == 1


def test_diagnose_far_into_a_large_payload_looks_around_the_fault() -> None:
    head = "Grüße aus Köln. ".encode() * 100_000
    diagnosis = diagnose(head + "Straße in München, größer".encode("latin-1"))
    assert diagnosis.offset == len(head) + 4
    assert diagnosis.origin is Origin.LEGACY_CHARSET
    assert len(head) > MAX_SAMPLE


# What may be shown.


def everything_said(diagnosis: Diagnosis) -> str:
    return f"{diagnosis!r} {diagnosis} {diagnosis._values()}"


def test_diagnosis_shows_no_payload_unless_asked_for() -> None:
    rng = random.Random(1)
    for data in (
        SECRET.encode("latin-1"),
        SECRET.encode("utf-16"),
        masked(SECRET.encode() * 3),
        zlib.compress(SECRET.encode()),
        SECRET.encode() + b"\xff" + rng.randbytes(9),
    ):
        for diagnosis in (diagnose(data), diagnose(data, masking_key=KEY)):
            said = everything_said(diagnosis)
            for word in ("Geheim", "Müller", "wohnt", "Köln"):
                assert word not in said
                assert word.encode().hex(" ").upper() not in said


def test_window_redacts_all_but_the_ill_formed_bytes() -> None:
    data = b"abc " + "é".encode() + b" x\xf0\x9f\x98yz"
    assert diagnose(data).window == ".. .. .. .. C. A. .. .. [F0 9F 98] .. .."
    shown = diagnose(data, show_payload=True).window
    assert shown == "61 62 63 20 C3 A9 20 78 [F0 9F 98] 79 7A"


def test_window_is_twelve_bytes_either_way() -> None:
    window = diagnose(b"a" * 100 + b"\xff" + b"b" * 100).window
    assert re.fullmatch(r"(\.\. ){12}\[FF\]( \.\.){12}", window)


def test_diagnosis_is_an_immutable_picklable_record() -> None:
    diagnosis = diagnose(b"caf\xe9")
    assert pickle.loads(pickle.dumps(diagnosis)) == diagnosis
    with pytest.raises(AttributeError):
        diagnosis.offset = 1
    match diagnosis:
        case Diagnosis(offset=3, cause=Cause.TRUNCATED, origin=Origin.LEGACY_CHARSET):
            pass
        case _:
            pytest.fail(repr(diagnosis))


def test_violation_of_a_decoder_gives_its_diagnosis() -> None:
    decoder = wsfast.MessageDecoder("client")
    wire = wsfast.encode_frame(1, "Zwölf große Boxkämpfer".encode("latin-1"))
    with pytest.raises(InvalidUTF8) as caught:
        list(decoder.feed(wire))
    assert caught.value.diagnosis().offset == 2
    assert caught.value.diagnosis(wire[2:]).origin is Origin.LEGACY_CHARSET
    png = wsfast.encode_frame(1, b"\x89PNG\r\n\x1a\n")
    with pytest.raises(InvalidUTF8) as caught:
        list(wsfast.MessageDecoder("client").feed(png))
    assert caught.value.diagnosis(show_payload=True).offset == 0


def test_normalizer_is_asked_only_if_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    thai = "สวัสดีครับ วันนี้อากาศดีมาก เราไปเที่ยวทะเลกันเถอะ".encode("cp874")
    with_it = diagnose(thai)
    monkeypatch.setitem(__import__("sys").modules, "charset_normalizer", None)
    without = diagnose(thai)
    assert with_it.offset == without.offset == 0
    assert without.origin in (Origin.LEGACY_CHARSET, Origin.UNKNOWN)


@pytest.mark.parametrize("charset", ["cp1252", "cp1251", "shift_jis", "utf-16"])
def test_diagnosis_of_no_more_than_the_first_fault_is_left_open(charset: str) -> None:
    payload = {"shift_jis": "日本語", "cp1251": "Привет"}.get(charset, "Grüße").encode(charset)
    with pytest.raises(wsfast.InvalidUTF8) as caught:
        wsfast.validate_utf8(payload)
    found = wsfast.diagnose(caught.value)
    assert (found.origin, found.confidence) == (wsfast.Origin.UNKNOWN, "low")
