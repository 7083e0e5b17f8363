"""The line that is logged for text which is not UTF-8: its fields, its bounds, and its sinks."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

import wsfast
from wsfast import logs

FIELDS = (
    *("ws_code", "ws_offset", "ws_cause", "ws_fragment", "ws_window", "ws_origin"),
    *("ws_origin_detail", "ws_confidence", "ws_library", "ws_client", "ws_path", "ws_user_agent"),
)
TEXT = '{"stadt": "Köln", "straße": "Grüner Weg"}'.encode("latin-1")


@pytest.fixture(autouse=True)
def budget(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let other tests have spent nothing of what diagnoses may take."""
    monkeypatch.setattr(logs._Settings, "budget", logs.Budget())


@pytest.fixture
def shown() -> Iterator[None]:
    logs.configure(show_payload=True)
    yield
    logs.configure(show_payload=False)


def violation_of(payload: bytes) -> wsfast.InvalidUTF8:
    with pytest.raises(wsfast.InvalidUTF8) as caught:
        wsfast.validate_utf8(payload)
    return caught.value


def logged(caplog: pytest.LogCaptureFixture) -> logging.LogRecord:
    (record,) = caplog.records
    caplog.clear()
    return record


def test_the_record_has_what_one_wants_to_know(caplog: pytest.LogCaptureFixture) -> None:
    logs.log_invalid_text(
        violation_of(TEXT),
        TEXT,
        library="own",
        client="192.0.2.1:5",
        path="/chat?token=secret",
        user_agent="Agent/1",
    )
    record = logged(caplog)
    assert (record.name, record.levelname) == ("wsfast", "WARNING")
    assert [getattr(record, field) for field in FIELDS if field != "ws_window"] == [
        *(1007, 12, "OUT_OF_RANGE", 0, "LEGACY_CHARSET", "cp1252"),
        *(record.ws_confidence, "own", "192.0.2.1:5", "/chat", "Agent/1"),
    ]
    line = record.getMessage()
    assert "at byte 12" in line
    assert "\n" not in line
    assert "cp1252" in line
    assert "secret" not in line


def test_no_payload_is_shown_unless_asked_for(
    caplog: pytest.LogCaptureFixture, request: pytest.FixtureRequest
) -> None:
    logs.log_invalid_text(violation_of(TEXT), TEXT)
    hidden = logged(caplog)
    assert "73" not in hidden.ws_window  # s
    assert "[F6]" in hidden.ws_window.replace("[ ", "[").replace(" ]", "]")
    request.getfixturevalue("shown")
    logs.log_invalid_text(violation_of(TEXT), TEXT)
    assert "4B" in logged(caplog).ws_window  # K


@pytest.mark.parametrize("agent", ["a\r\nERROR forged", b"a\r\nERROR forged", "\u2028x\x1b[31m"])
def test_what_the_remote_chose_begins_no_line(
    caplog: pytest.LogCaptureFixture, agent: str | bytes
) -> None:
    logs.log_invalid_text(violation_of(b"\xff"), client="1\n2", path=agent, user_agent=agent)
    line = logged(caplog).getMessage()
    assert len(line.splitlines()) == 1
    assert "\x1b" not in line


def test_what_the_remote_chose_is_bounded(caplog: pytest.LogCaptureFixture) -> None:
    for agent in ("\x00" * 1_000_000, b"\x00" * 1_000_000):
        payload = b"x" * 5_000_000 + b"\xff" + b"y" * 5_000_000
        logs.log_invalid_text(violation_of(payload), payload, path=agent, user_agent=agent)
        record = logged(caplog)
        assert record.ws_offset == 5_000_000
        assert len(record.getMessage()) < 3000


def test_a_fault_at_the_end_and_in_a_close_reason(caplog: pytest.LogCaptureFixture) -> None:
    cut = "Köln, Grüße aus Bö".encode()[:-1]
    logs.log_invalid_text(violation_of(cut), cut)
    assert logged(caplog).ws_origin == "CUT"
    with pytest.raises(wsfast.InvalidUTF8) as caught:
        wsfast.parse_close(b"\x03\xe8\xff")
    logs.log_invalid_text(caught.value, b"\x03\xe8\xff")
    assert logged(caplog).ws_offset == 2


def test_nothing_is_diagnosed_for_a_logger_that_is_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "_diagnosis", None)
    monkeypatch.setattr(logs.LOGGER, "disabled", True)
    logs.log_invalid_text(violation_of(b"\xff"))


def test_a_flood_of_faults_is_examined_for_a_small_share_of_the_time(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    now, taken, diagnose_part = 0.0, 0.01, logs.diagnose_part

    def slow(*arguments: Any, examine: bool, **options: Any) -> Any:
        nonlocal now
        now += taken if examine else 0.0
        return diagnose_part(*arguments, examine=examine, **options)

    monkeypatch.setattr(logs, "diagnose_part", slow)
    monkeypatch.setattr(logs._Settings, "budget", logs.Budget(lambda: now))
    violation = violation_of(TEXT)
    for _ in range(10_000):
        now += 0.001
        logs.log_invalid_text(violation, TEXT)
    examined = [record.ws_origin_detail != "not examined" for record in caplog.records]
    assert all(examined[:100])  # a few at once are no flood
    share = taken * sum(examined) - logs.AT_ONCE
    assert share <= 1.1 * logs.SHARE * now
    assert share >= 0.9 * logs.SHARE * now
    caplog.clear()
    now += 60.0
    logs.log_invalid_text(violation, TEXT)
    assert logged(caplog).ws_origin == "LEGACY_CHARSET"


def test_what_is_not_examined_has_all_else(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    logs.log_invalid_text(violation_of(TEXT), TEXT)
    examined = vars(logged(caplog))
    monkeypatch.setattr(logs, "AT_ONCE", -1.0)
    logs.log_invalid_text(violation_of(TEXT), TEXT)
    record = logged(caplog)
    assert "origin=UNKNOWN (not examined) confidence=low" in record.getMessage()
    differing = {name for name in FIELDS if vars(record)[name] != examined[name]}
    assert differing == {"ws_origin", "ws_origin_detail", "ws_confidence"}


def test_a_handler_counts(caplog: pytest.LogCaptureFixture) -> None:
    counts: Counter[tuple[str, str]] = Counter()

    class Counting(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            counts[record.ws_cause, record.ws_origin] += 1

    handler = Counting()
    logs.LOGGER.addHandler(handler)
    try:
        for _ in range(3):
            logs.log_invalid_text(violation_of(TEXT), TEXT)
    finally:
        logs.LOGGER.removeHandler(handler)
    assert counts == {("OUT_OF_RANGE", "LEGACY_CHARSET"): 3}


def test_a_header_of_a_scope() -> None:
    assert logs.header([(b"host", b"h"), (b"user-agent", b"x")]) == b"x"
    assert logs.header([]) is None
