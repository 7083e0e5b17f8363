"""lomond: its mask, its UTF-8 validator, and its close frame for text that is not UTF-8.

Invariant: the mask changes the ``bytearray`` that it is given, as it did; the events are
those of lomond.
"""

from __future__ import annotations

import functools
from typing import Any

from .. import CloseCode
from .._backend import mask_with
from ._logging import log, violation_in
from ._replacing import Peer, Seam
from .wsaccel import Utf8Validator


def _from_payload(close: bool, original: Any) -> Any:
    stock = original.__func__

    def from_payload(cls: Any, payload: bytes) -> Any:
        """Make a message; log what is wrong with its text."""
        try:
            return stock(cls, payload)
        except Exception:
            log(violation_in(payload, close=close), payload, library="lomond")
            raise

    return classmethod(from_payload)


def _validate(original: Any) -> Any:
    def validate(self: Any, data: Any) -> None:
        """Judge text as it arrives; log what is wrong with it."""
        try:
            original(self, data)
        except Exception:
            log(self.utf8_validator.violation(), library="lomond")
            raise

    return validate


def _feed(original: Any) -> Any:
    def feed(self: Any, data: bytes) -> Any:
        """Yield events; before one that says that text is not UTF-8, send a close frame."""
        events = original(self, data)
        try:
            for event in events:
                if event.name == "protocol_error" and "utf" in event.error:
                    self._send_close(CloseCode.INVALID_PAYLOAD_DATA, "the text is not UTF-8")
                yield event
        finally:
            events.close()

    return feed


PEER = Peer(
    "lomond",
    ("0.3.2", "0.4"),
    [
        Seam("lomond.frame", "mask_payload", lambda _: mask_with, "masks in C"),
        Seam("lomond.frame_parser", "Utf8Validator", lambda _: Utf8Validator, "validates in C"),
        Seam("lomond.message", "Utf8Validator", lambda _: Utf8Validator, "validates in C"),
        Seam("lomond.parser", "_ReadUtf8.validate", _validate, "logs text that is not UTF-8"),
        Seam(
            "lomond.message",
            "Text.from_payload",
            functools.partial(_from_payload, False),
            "logs text that is not UTF-8",
            pure=True,
        ),
        Seam(
            "lomond.message",
            "Close.from_payload",
            functools.partial(_from_payload, True),
            "logs a close reason that is not UTF-8",
            pure=True,
        ),
        Seam(
            "lomond.websocket",
            "WebSocket.feed",
            _feed,
            "sends 1007 for text that is not UTF-8",
            pure=True,
        ),
    ],
)
