"""websocket-client: its mask, the validation of texts and of close reasons, and the answer.

Invariant: masking returns ``bytes``, as before; a text that ends inside a character is
refused, which its own validator accepts; the same exceptions are raised.
"""

from __future__ import annotations

import contextlib
from typing import Any

from .. import CloseCode, apply_mask, is_valid_utf8
from ._logging import address, log, violation_in
from ._replacing import Peer, Seam

CLOSE = 8


def _mask(_: Any) -> Any:
    return lambda mask_value, data_value: apply_mask(data_value, mask_value)


def _validate(_: Any) -> Any:
    def validate_utf8(utfbytes: str | bytes) -> bool:
        """Tell whether the bytes are UTF-8."""
        return is_valid_utf8(utfbytes.encode() if isinstance(utfbytes, str) else utfbytes)

    return validate_utf8


def _validate_frame(original: Any) -> Any:
    from websocket._exceptions import WebSocketProtocolException

    def validate(self: Any, skip_utf8_validation: bool = False) -> None:
        """Judge a frame; mark what is raised for a close reason that is not UTF-8."""
        try:
            original(self, skip_utf8_validation)
        except WebSocketProtocolException as error:
            marked: Any = error
            if self.opcode == CLOSE:
                marked.wsfast_violation = violation_in(self.data, close=True)
            raise

    return validate


def _extract(original: Any) -> Any:
    from websocket._exceptions import WebSocketPayloadException

    def extract(self: Any, frame: Any) -> Any:
        """Give out a message; mark what is raised for text that is not UTF-8."""
        try:
            return original(self, frame)
        except WebSocketPayloadException as error:
            marked: Any = error
            marked.wsfast_violation = violation_in(frame.data)
            marked.wsfast_payload = frame.data
            raise

    return extract


def _log(socket: Any, error: Any) -> None:
    remote = None
    with contextlib.suppress(Exception):  # there is none, or it is gone
        remote = address(socket.sock.getpeername())
    payload = error.__dict__.pop("wsfast_payload", None)
    log(error.wsfast_violation, payload, library="websocket-client", client=remote)


def _recv_data_frame(original: Any) -> Any:
    from websocket._exceptions import (
        WebSocketException,
        WebSocketPayloadException,
        WebSocketProtocolException,
    )

    def recv_data_frame(self: Any, control_frame: bool = False) -> Any:
        """Receive a message; if it is not UTF-8, send 1007 and raise."""
        try:
            return original(self, control_frame)
        except (WebSocketPayloadException, WebSocketProtocolException) as error:
            is_text = isinstance(error, WebSocketPayloadException)
            found = getattr(error, "wsfast_violation", None)
            if is_text or found:
                if found:
                    _log(self, error)
                with contextlib.suppress(WebSocketException, OSError):
                    # bytes: before 1.9.1 a str is not accepted
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
            "recognises a close reason that is not UTF-8",
            pure=True,
        ),
        Seam(
            "websocket._abnf",
            "continuous_frame.extract",
            _extract,
            "names the byte of a text that is not UTF-8",
            pure=True,
        ),
        Seam(
            "websocket._core",
            "WebSocket.recv_data_frame",
            _recv_data_frame,
            "sends 1007 for text that is not UTF-8",
            pure=True,
        ),
    ],
    [("websocket._abnf.frame_buffer", "reads from a blocking socket, which takes the time")],
)
