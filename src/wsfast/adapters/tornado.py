"""tornado: its mask, which gains for large frames, and what it does about text that is none.

Invariant: ``bytes`` come out of the mask, as they did; handlers are called as they were.
"""

from __future__ import annotations

from typing import Any

from .. import InvalidUTF8, apply_mask, decode_utf8, validate_utf8
from ._seams import Peer, Seam


def _mask(_: Any) -> Any:
    return lambda mask, data: apply_mask(data, mask)


def _handle_message(original: Any) -> Any:
    from tornado.websocket import _DecompressTooLargeError

    def text(self: Any, data: bytes) -> Any:
        if self._frame_compressed:
            try:
                data = self._decompressor.decompress(data)
            except _DecompressTooLargeError:
                self.close(1009, "message too big after decompression")
                self._abort()
                return None
        self._message_bytes_in += len(data)
        return self._run_callback(self.handler.on_message, decode_utf8(data))

    def handle_message(self: Any, opcode: int, data: bytes) -> Any:
        """Hand on a message; if it is no UTF-8, close with 1007 and not without a word."""
        try:
            if opcode == 1 and not self.client_terminated:
                return text(self, data)
            if opcode == 8 and len(data) > 2:
                self.close_code = int.from_bytes(data[:2], "big")
                validate_utf8(data[2:])
        except InvalidUTF8 as violation:
            self.close(violation.close_code, violation.close_reason)
            self._abort()
            return None
        return original(self, opcode, data)

    return handle_message


PEER = Peer(
    "tornado",
    ("6.3", "6.7"),
    [
        Seam("tornado.websocket", "_websocket_mask", _mask, "masks in C, by vectors"),
        Seam(
            "tornado.websocket",
            "WebSocketProtocol13._handle_message",
            _handle_message,
            "closes with 1007 for text that is no UTF-8",
        ),
    ],
    [
        ("tornado.web._websocket_mask", "masks 16 octets of a cookie: nothing to gain"),
        (
            "tornado.websocket.WebSocketProtocol13._receive_frame",
            "reads from an IOStream, which takes the time",
        ),
    ],
)
