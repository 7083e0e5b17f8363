"""gevent-websocket: its mask (byte by byte in Python), its UTF-8 validator, and how it closes.

Invariant: masking returns a ``bytearray``, as before, and doesn't change its argument; a
close frame has the code that ``close()`` was called with.
"""

from __future__ import annotations

from typing import Any

from .. import CloseCode, InvalidUTF8, apply_mask, encode_close
from ._logging import log, violation_in
from ._replacing import Peer, Seam
from .wsaccel import Utf8Validator


def _mask(_: Any) -> Any:
    def mask_payload(self: Any, payload: Any) -> bytearray:
        """Return the payload masked, or unmasked."""
        return bytearray(apply_mask(payload, bytes(self.mask)))

    return mask_payload


def _log(socket: Any, violation: InvalidUTF8 | None, payload: Any = None) -> None:
    environ = socket.environ or {}
    host, port = environ.get("REMOTE_ADDR"), environ.get("REMOTE_PORT")
    log(
        violation,
        payload,
        library="gevent-websocket",
        client=f"{host}:{port}" if port else host,
        path=environ.get("PATH_INFO"),
        user_agent=environ.get("HTTP_USER_AGENT"),
    )


def _validate(original: Any) -> Any:
    def validate_utf8(self: Any, payload: Any) -> None:
        """Validate a frame of a text, or all of it at its end; log what is wrong with it."""
        try:
            original(self, payload)
        except UnicodeError:
            violation, alone = self.utf8validator.violation(), violation_in(payload)
            # At the end, the validator gets the whole text, after all of its frames.  So a
            # text that was cut short looks like a character that goes on with a wrong byte.
            if alone is not None and alone.offset == violation.offset:
                violation = alone
            _log(self, violation, payload if violation is alone else None)
            raise

    return validate_utf8


def _handle_close(original: Any) -> Any:
    def handle_close(self: Any, header: Any, payload: Any) -> None:
        """Take a close frame; log a reason that is not UTF-8."""
        try:
            original(self, header, payload)
        except UnicodeError:
            _log(self, violation_in(payload, close=True))
            raise

    return handle_close


def _close_payload(code: int | None, message: Any) -> bytes:
    """Return the payload of a close frame, with as much of this as may be sent."""
    reason = message if isinstance(message, str) else bytes(message or b"").decode(errors="replace")
    if code == CloseCode.INVALID_PAYLOAD_DATA and not reason:
        reason = "the text is not UTF-8"
    for said in ((code, reason), (code, "")):
        try:
            return encode_close(*said)
        except (TypeError, ValueError):
            continue  # it is too long, or must not be sent
    return b""


def _close(original: Any) -> Any:
    from geventwebsocket.exceptions import WebSocketError

    def close(self: Any, code: int | None = 1000, message: Any = b"") -> None:
        """Send a close frame and drop the socket."""
        if self.closed:
            original(self, code, message)  # it says so to the application
            return
        try:
            self.send_frame(_close_payload(code, message), self.OPCODE_CLOSE)
        except WebSocketError:
            self.logger.debug("Failed to write closing frame -> closing socket")
        finally:
            self.logger.debug("Closed WebSocket")
            self.closed = True
            self.stream = self.raw_write = self.raw_read = self.environ = None

    return close


PEER = Peer(
    "gevent-websocket",
    ("0.10", "0.11"),
    [
        Seam("geventwebsocket.websocket", "Header.mask_payload", _mask, "masks in C"),
        Seam("geventwebsocket.websocket", "Header.unmask_payload", _mask, "unmasks in C"),
        Seam(
            "geventwebsocket.websocket", "Utf8Validator", lambda _: Utf8Validator, "validates in C"
        ),
        Seam(
            "geventwebsocket.websocket",
            "WebSocket.validate_utf8",
            _validate,
            "logs text that is not UTF-8",
        ),
        Seam(
            "geventwebsocket.websocket",
            "WebSocket.handle_close",
            _handle_close,
            "logs a close reason that is not UTF-8",
            pure=True,
        ),
        Seam(
            "geventwebsocket.websocket",
            "WebSocket.close",
            _close,
            "sends the close code, which it left out",
            pure=True,
        ),
    ],
)
