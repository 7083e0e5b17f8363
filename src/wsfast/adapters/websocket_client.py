"""websocket-client: its mask, the validation of texts and of close reasons, and the answer.

Invariant: ``bytes`` come out of the mask, as they did; a text that ends inside a
character is refused, which its own validator lets pass; what was raised still is.
"""

from __future__ import annotations

import contextlib
from typing import Any

from .. import CloseCode, apply_mask, is_valid_utf8
from ._replacing import Peer, Seam

CLOSE = 8


def _mask(_: Any) -> Any:
    return lambda mask_value, data_value: apply_mask(data_value, mask_value)


def _validate(_: Any) -> Any:
    def validate_utf8(utfbytes: str | bytes) -> bool:
        """Tell whether the octets are UTF-8."""
        return is_valid_utf8(utfbytes.encode() if isinstance(utfbytes, str) else utfbytes)

    return validate_utf8


def _validate_frame(original: Any) -> Any:
    from websocket._exceptions import WebSocketProtocolException

    def validate(self: Any, skip_utf8_validation: bool = False) -> None:
        """Judge a frame; mark what is raised for a close reason that is no UTF-8."""
        try:
            original(self, skip_utf8_validation)
        except WebSocketProtocolException as error:
            marked: Any = error
            marked.wsfast_1007 = self.opcode == CLOSE and not is_valid_utf8(self.data[2:])
            raise

    return validate


def _recv_data_frame(original: Any) -> Any:
    from websocket._exceptions import (
        WebSocketException,
        WebSocketPayloadException,
        WebSocketProtocolException,
    )

    def recv_data_frame(self: Any, control_frame: bool = False) -> Any:
        """Receive a message; if it is no UTF-8, send 1007 and raise."""
        try:
            return original(self, control_frame)
        except (WebSocketPayloadException, WebSocketProtocolException) as error:
            is_text = isinstance(error, WebSocketPayloadException)
            if is_text or getattr(error, "wsfast_1007", False):
                with contextlib.suppress(WebSocketException, OSError):
                    # bytes: before 1.9.1 a str is not taken
                    self.send_close(CloseCode.INVALID_PAYLOAD_DATA, b"the text is not UTF-8")
            raise

    return recv_data_frame


PEER = Peer(
    "websocket-client",
    ("1.6", "1.10"),
    [
        Seam("websocket._abnf", "_mask", _mask, "masks in C"),
        Seam(
            "websocket._utils",
            "_validate_utf8",
            _validate,
            "refuses text that ends inside a character",
            pure=True,
        ),
        Seam(
            "websocket._abnf",
            "ABNF.validate",
            _validate_frame,
            "tells a reason that is no UTF-8 from other faults",
            pure=True,
        ),
        Seam(
            "websocket._core",
            "WebSocket.recv_data_frame",
            _recv_data_frame,
            "sends 1007 for text that is no UTF-8",
            pure=True,
        ),
    ],
    [("websocket._abnf.frame_buffer", "reads from a blocking socket, which takes the time")],
)
