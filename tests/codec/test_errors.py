"""What the remote did wrong: the exception tree, evidence, and the close frame to send.

RFC 6455 sections 5.5.1, 7.4.1 and 8.1.
"""

from __future__ import annotations

import copy
import pickle
from types import SimpleNamespace

import pytest

import wsfast
from helpers import FAULTS, KEY, TEXT, find_fault, frame, header, run
from wsfast import (
    Cause,
    CloseCode,
    InvalidUTF8,
    MessageTooBig,
    ProtocolError,
    ProtocolViolation,
)

# A violation of each class, and what the peer is told.
TREE = [
    pytest.param(header(0x83, 0), ProtocolError, CloseCode.PROTOCOL_ERROR, id="protocol-error"),
    pytest.param(
        frame(TEXT, b"ab\xe9"), InvalidUTF8, CloseCode.INVALID_PAYLOAD_DATA, id="invalid-utf8"
    ),
    pytest.param(
        header(0x82, 2**20 + 1), MessageTooBig, CloseCode.MESSAGE_TOO_BIG, id="message-too-big"
    ),
]


@pytest.mark.parametrize(("wire", "kind", "code"), TREE)
@pytest.mark.parametrize("key", [None, KEY], ids=["server", "client"])
def test_violation_close_frame_is_ready_to_send(
    codec: SimpleNamespace,
    wire: bytes,
    kind: type[ProtocolViolation],
    code: CloseCode,
    key: bytes | None,
) -> None:
    _, violation = run(codec.MessageDecoder("server").feed(wire))
    assert type(violation) is kind
    assert violation.close_code == code
    role = "client" if key is None else "server"
    sent = violation.close_frame(masking_key=key)
    assert list(codec.MessageDecoder(role).feed(sent)) == [
        codec.Close(code, violation.close_reason)
    ]


def test_violation_close_frame_bad_key_refused() -> None:
    with pytest.raises(ValueError, match=r"^masking_key must be exactly 4 bytes, not 3$"):
        ProtocolError("why").close_frame(b"abc")


def test_violation_tree_is_as_documented() -> None:
    assert issubclass(ProtocolViolation, Exception)
    assert not issubclass(ProtocolViolation, ValueError)
    for kind in (ProtocolError, InvalidUTF8, MessageTooBig):
        assert kind.__mro__[1] is ProtocolViolation
    assert issubclass(InvalidUTF8, ValueError)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a" * 123, "a" * 123),
        ("a" * 124, "a" * 123),
        ("a" * 122 + "é", "a" * 122),
        ("é" * 100, "é" * 61),
        ("漢" * 100, "漢" * 41),
        ("🙂" * 100, "🙂" * 30),
        ("ab\ud800", "ab?"),
    ],
    ids=["fits", "ascii", "cut-before", "two", "three", "four", "surrogate"],
)
def test_violation_close_reason_is_cut_between_characters(text: str, reason: str) -> None:
    violation = ProtocolError(text)
    assert violation.close_reason == reason
    assert wsfast.parse_close(violation.close_frame()[2:]).reason == reason


def test_invalid_utf8_close_reason_always_fits() -> None:
    longest = InvalidUTF8(2**63 - 1, b"\xf0\x90\x80", 2**63, Cause.TRUNCATED, 2**63, 2**63, b"")
    for cause in Cause:
        longest.cause = cause
        assert len(longest.close_reason) <= 123
        assert longest.close_reason.isascii()


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.hex())
def test_invalid_utf8_evidence_pickled_and_copied_is_the_same(
    codec: SimpleNamespace, fault: bytes
) -> None:
    with pytest.raises(InvalidUTF8) as caught:
        codec.validate_utf8(b"before " + fault + b" after")
    violation = caught.value
    for again in (pickle.loads(pickle.dumps(violation)), copy.copy(violation)):
        assert type(again) is InvalidUTF8
        assert vars(again) == vars(violation)
        assert str(again) == str(violation)


def test_invalid_utf8_says_where_and_why(codec: SimpleNamespace) -> None:
    wire = frame(TEXT, b"caf\xc3", fin=False) + frame(0, b"\xa9 ab\xe2\x82", fin=False)
    _, violation = run(codec.MessageDecoder("server").feed(wire + frame(0, b"\x41")))
    assert isinstance(violation, InvalidUTF8)
    assert violation.close_reason == (
        "invalid UTF-8 at byte 8: E2 82, a continuation byte is missing"
    )
    assert str(violation) == (
        "invalid UTF-8 at byte 8: E2 82, a continuation byte is missing "
        "(fragment 1, byte 4; detected at byte 10)"
    )
    assert violation.context == b"caf\xc3\xa9 ab\xe2\x82\x41"
    assert violation.context_offset == 0


def test_invalid_utf8_context_offset_counts_back_from_the_byte_detected(
    codec: SimpleNamespace,
) -> None:
    for fault in FAULTS:
        text = b"0123456789abcdefghij" + fault
        with pytest.raises(InvalidUTF8) as caught:
            codec.decode_utf8(text)
        violation, found = caught.value, find_fault(text)
        assert found is not None
        assert violation.context_offset == found.offset - 16
        assert text[violation.context_offset :].startswith(violation.context)


def test_invalid_utf8_each_cause_has_a_fault() -> None:
    found = {fault.cause for fault in map(find_fault, FAULTS) if fault}
    assert found == set(Cause)
