"""The opcodes of WebSocket frames (RFC 6455 section 11.8, the IANA registry).

Invariant: imports nothing of ours.
"""

from enum import IntEnum


class Opcode(IntEnum):
    """What a frame carries: the low four bits of its first byte (RFC 6455 section 5.2)."""

    CONTINUATION = 0x0
    TEXT = 0x1
    BINARY = 0x2
    CLOSE = 0x8
    PING = 0x9
    PONG = 0xA
