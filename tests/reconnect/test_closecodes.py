"""Close codes and opcodes: names and numbers of the IANA registries.

RFC 6455 sections 7.4 and 11.7, 11.8; IANA "WebSocket Close Code Number Registry" and
"WebSocket Opcode Registry".  Which codes may be sent is in ``test_messages``.
"""

from __future__ import annotations

import json

from wsfast import CloseCode, Opcode

# As the registry has them, in this form for what can be an identifier.
REGISTERED = {
    1000: "NORMAL_CLOSURE",
    1001: "GOING_AWAY",
    1002: "PROTOCOL_ERROR",
    1003: "UNSUPPORTED_DATA",
    1004: "RESERVED",
    1005: "NO_STATUS_RCVD",
    1006: "ABNORMAL_CLOSURE",
    1007: "INVALID_PAYLOAD_DATA",
    1008: "POLICY_VIOLATION",
    1009: "MESSAGE_TOO_BIG",
    1010: "MANDATORY_EXTENSION",
    1011: "INTERNAL_ERROR",
    1012: "SERVICE_RESTART",
    1013: "TRY_AGAIN_LATER",
    1014: "BAD_GATEWAY",
    1015: "TLS_HANDSHAKE",
}
OPCODES = {0: "CONTINUATION", 1: "TEXT", 2: "BINARY", 8: "CLOSE", 9: "PING", 10: "PONG"}


def test_close_code_names_are_those_of_the_registry() -> None:
    assert {code.value: code.name for code in CloseCode} == REGISTERED


def test_close_code_is_used_as_the_number_it_stands_for() -> None:
    for number, name in REGISTERED.items():
        code = CloseCode[name]
        assert isinstance(code, int)
        assert (f"{code}", json.dumps(code), {code: name}[number]) == (
            str(number),
            str(number),
            name,
        )


def test_opcode_names_are_those_of_the_registry() -> None:
    assert {opcode.value: opcode.name for opcode in Opcode} == OPCODES
