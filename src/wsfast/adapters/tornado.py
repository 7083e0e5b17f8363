"""tornado: its mask (faster for large frames), compressed fragments, text that is not UTF-8.

Invariant: masking returns ``bytes``, as before; handlers are called as before.
"""

from __future__ import annotations

from typing import Any

from .. import InvalidUTF8, apply_mask, decode_utf8
from ._logging import log, violation_in
from ._replacing import Peer, Seam


def _mask(_: Any) -> Any:
    return lambda mask, data: apply_mask(data, mask)


def _receive_frame(original: Any) -> Any:
    async def receive_frame(self: Any) -> None:
        """Receive a frame; remember whether the first one of a message was compressed.

        tornado forgets it when a control frame comes between fragments.  While a message is
        under way, our flag is an int and tornado's a bool.  So we notice a flag that a control
        frame may have cleared before tornado was accelerated.
        """
        if self._decompressor is None:
            await original(self)
            return
        flag = self._frame_compressed
        under_way = self._fragmented_message_buffer is not None
        if under_way and flag is False:
            self._frame_compressed = flag = None  # unknown
        self.wsfast_saw_header = True
        try:
            await original(self)
        finally:
            del self.wsfast_saw_header
        if self._fragmented_message_buffer is not None:
            self._frame_compressed = flag if under_way else int(self._frame_compressed)

    return receive_frame


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
        message = decode_utf8(data)
        self._message_bytes_in += len(data)
        return self._run_callback(self.handler.on_message, message)

    def is_certain(self: Any) -> bool:
        """Tell whether the data is text and not what tornado forgot to decompress."""
        return self._decompressor is None or (
            self._frame_compressed is not None and hasattr(self, "wsfast_saw_header")
        )

    def log_text(self: Any, violation: InvalidUTF8, data: bytes) -> None:
        request = getattr(self.handler, "request", None)  # a client has none
        log(
            violation,
            data,
            library="tornado",
            client=getattr(request, "remote_ip", None),
            path=getattr(request, "path", None),
            user_agent=request and request.headers.get("User-Agent"),
        )

    def handle_message(self: Any, opcode: int, data: bytes) -> Any:
        """Hand on a message; if its text is not UTF-8, send a close frame with 1007."""
        try:
            if opcode == 1 and not self.client_terminated:
                return text(self, data)
            if opcode == 8 and len(data) > 2:
                self.close_code = int.from_bytes(data[:2], "big")
                violation = violation_in(b"\x03\xe8" + data[2:], close=True)
                if violation is not None:
                    raise violation
        except InvalidUTF8 as violation:
            if opcode == 8 or is_certain(self):
                log_text(self, violation, data)
                self.close(violation.close_code, violation.close_reason)
            self._abort()
            return None
        return original(self, opcode, data)

    return handle_message


PEER = Peer(
    "tornado",
    ("6.1", "6.7"),
    [
        Seam("tornado.websocket", "_websocket_mask", _mask, "masks in C"),
        Seam(
            "tornado.websocket",
            "WebSocketProtocol13._receive_frame",
            _receive_frame,
            "inflates a message that has a ping between its fragments",
            pure=True,
        ),
        Seam(
            "tornado.websocket",
            "WebSocketProtocol13._handle_message",
            _handle_message,
            "closes with 1007 for text that is not UTF-8",
            pure=True,
        ),
    ],
    [("tornado.web._websocket_mask", "masks 16 bytes of a cookie: nothing to gain")],
)
