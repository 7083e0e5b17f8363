"""What the tests of connections share: what a server has to send."""

from __future__ import annotations

import wsfast

GOING_AWAY = (1001).to_bytes(2, "big")


def sent_by(server: wsfast.Connection) -> list[tuple[int, bytes]]:
    """Return the frames that a server has to send: their opcodes and payloads."""
    data = server.data_to_send()
    return [(f.opcode, bytes(f.payload)) for f in wsfast.FrameDecoder("client").feed(data)]
