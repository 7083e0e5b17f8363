"""The table of close codes: complete, consistent, and what RFC 6455 section 7.4 says."""

from __future__ import annotations

import pickle

import pytest

import wsfast
from wsfast.closecodes import CloseCode, close_code, compare, explain, may_be_sent

# Written down from RFC 6455 section 7.4 and the IANA registry, not taken from the table.
NEVER_SENT = {1004, 1005, 1006, 1015}
REGISTERED = {*range(1000, 1016), 3000, 3003, 3008}
TEXTS = ("name", "about", "fault", "meaning", "seen", "fix", "use", "reconnecting", "source")


@pytest.mark.parametrize("code", [*sorted(REGISTERED), 0, 999, 1016, 2999, 3999, 4000, 5000, 65535])
def test_explain_any_code_fills_every_field(code: int) -> None:
    info = explain(code)
    assert info.code == code
    assert info.first <= code <= info.last
    for field in TEXTS:
        text = getattr(info, field)
        assert text
        assert text == text.strip()
        assert text.isascii(), "plain terminals must be able to show it"
    assert (info.first == info.last) == (code in REGISTERED)


def test_explain_every_code_is_in_exactly_one_place() -> None:
    for code in range(65536):
        assert explain(code).first <= code <= explain(code).last


def test_explain_names_are_those_of_the_enum() -> None:
    def plain(name: str) -> str:
        return name.lower().replace(" ", "_").replace("ext.", "extension").replace("frame_", "")

    for member in CloseCode:
        assert plain(explain(member).name) == member.name.lower()


def test_may_be_sent_is_what_the_rfc_says() -> None:
    for code in range(65536):
        wanted = 3000 <= code <= 4999 or (1000 <= code <= 1015 and code not in NEVER_SENT)
        assert may_be_sent(code) is wanted, code
        assert explain(code).on_the_wire is wanted, code


def test_codecs_judge_received_and_sent_codes_by_the_table(codec: object) -> None:
    for code in range(0, 6000, 7):
        payload = code.to_bytes(2, "big")
        if explain(code).on_the_wire:
            assert codec.encode_close(code) == payload  # type: ignore[attr-defined]
            assert codec.parse_close(payload).code == code  # type: ignore[attr-defined]
            continue
        with pytest.raises(ValueError, match="must not be sent"):
            codec.encode_close(code)  # type: ignore[attr-defined]
        with pytest.raises(wsfast.ProtocolError, match="must not be sent"):
            codec.parse_close(payload)  # type: ignore[attr-defined]


def test_sender_of_directional_codes() -> None:
    assert explain(1010).sender == "client"
    assert {code for code in REGISTERED if explain(code).sender == "server"} == {1012, 1013, 1014}


@pytest.mark.parametrize(
    ("code", "error"), [("1001", TypeError), (None, TypeError), (1.0, TypeError)]
)
def test_explain_what_is_no_integer_raises(code: object, error: type[Exception]) -> None:
    with pytest.raises(error, match="code must be an integer, not"):
        explain(code)  # type: ignore[arg-type]


@pytest.mark.parametrize("code", [-1, 65536, 10**30])
def test_explain_what_two_bytes_can_not_say_raises(code: int) -> None:
    with pytest.raises(ValueError, match="code must be from 0 to 65535"):
        explain(code)


def test_explain_returns_an_immutable_picklable_record() -> None:
    info = explain(1007)
    assert pickle.loads(pickle.dumps(info)) == info
    with pytest.raises(AttributeError):
        info.code = 1
    assert hash(info) == hash(explain(CloseCode.INVALID_PAYLOAD_DATA))


def test_compare_1001_and_1007_answers_what_a_comparing_page_answers() -> None:
    comparison = compare(1001, 1007)
    leaving, payload = comparison.first, comparison.second
    # What each is.
    assert "going away" in leaving.meaning
    assert "not UTF-8" in payload.meaning
    # When each is seen.
    assert "tab" in leaving.seen
    assert "redeployed" in leaving.seen
    assert "sent as text" in payload.seen
    # How to fix each.
    assert "reconnect" in leaving.fix
    assert "binary frames" in payload.fix
    assert "encode text as UTF-8" in payload.fix
    # The differences.
    aspects = {aspect: (a, b) for aspect, a, b in comparison.differences}
    assert aspects["about"] == (leaving.about, payload.about)
    assert aspects["reconnect"][0].startswith("Yes")
    assert aspects["reconnect"][1].startswith("No")
    assert "caused by" in aspects
    # When to use which.
    assert "process stops" in leaving.use
    assert "not UTF-8" in payload.use


def test_compare_a_code_with_itself_has_no_differences() -> None:
    assert compare(1001, 1001).differences == ()


def test_close_code_is_a_member_where_there_is_one() -> None:
    assert close_code(1001) is CloseCode.GOING_AWAY
    assert close_code(4321) == 4321
