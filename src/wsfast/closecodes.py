"""The close codes of WebSocket (RFC 6455 section 7.4, the IANA registry).

Invariant: imports nothing of ours, and is the one place that says which codes may
go on the wire.
"""

from enum import IntEnum


class CloseCode(IntEnum):
    """Say why a connection was closed, under the name that IANA registered."""

    NORMAL_CLOSURE = 1000
    GOING_AWAY = 1001
    PROTOCOL_ERROR = 1002
    UNSUPPORTED_DATA = 1003
    RESERVED = 1004
    NO_STATUS_RCVD = 1005
    ABNORMAL_CLOSURE = 1006
    INVALID_PAYLOAD_DATA = 1007
    POLICY_VIOLATION = 1008
    MESSAGE_TOO_BIG = 1009
    MANDATORY_EXTENSION = 1010
    INTERNAL_ERROR = 1011
    SERVICE_RESTART = 1012
    TRY_AGAIN_LATER = 1013
    BAD_GATEWAY = 1014
    TLS_HANDSHAKE = 1015


# Section 7.4.1: 1004 has no meaning yet; 1005, 1006 and 1015 are for local use.
_NEVER_SENT = frozenset(
    {
        CloseCode.RESERVED,
        CloseCode.NO_STATUS_RCVD,
        CloseCode.ABNORMAL_CLOSURE,
        CloseCode.TLS_HANDSHAKE,
    }
)
_REGISTERED = {int(code): code for code in CloseCode}


def close_code(code: int) -> int:
    """Return the ``CloseCode`` member of a registered code, any other as it is."""
    return _REGISTERED.get(code, code)


def may_be_sent(code: int) -> bool:
    """Tell whether a close frame may carry the code (RFC 6455 section 7.4).

    That is a registered code that is not for local use only, or one of 3000 to 4999,
    which libraries, frameworks and applications define.
    """
    return 3000 <= code <= 4999 or (code in _REGISTERED and code not in _NEVER_SENT)
