"""How a connection ends (RFC 6455 section 7): closing handshake, violations, hanging up.

Messages that came before the client's close frame, or before it broke the protocol, are
answered first: the end waits until the application has taken every message and asks for more.

Invariant: no open connection ends without a close frame from us, unless it is lost.  The
application gets the code of the cause, and 1006 only if no cause is known.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from uvicorn.protocols.utils import get_client_addr, get_path_with_query_string

from ... import Close, InvalidUTF8, Opcode, ProtocolViolation, encode_close, encode_frame
from ...logs import LOGGER, header, log_invalid_text
from ._opening import shortened
from ._wire import CLOSING, INFLATED, OPEN, OVER, Wire

if TYPE_CHECKING:
    import asyncio

    from uvicorn.config import Config

MAX_LOGGED = 2048  # characters of a path in a log line
GRACE = 1.0  # seconds to answer messages that may need no answer
QUIET = 0.1  # seconds without bytes after which the client has probably stopped sending
LINGER = 2.0  # seconds that the client then has to close its side, or to read unsent bytes


class ClosingWire(Wire):
    """A connection that ends as RFC 6455 requires, with time for the last answers."""

    def __init__(self, config: Config, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(config, loop)
        self.close_timeout = 10.0  # seconds from our close frame to the client's
        self.close_timer: asyncio.TimerHandle | None = None
        # Until when to drop what arrives, after a violation.
        self._drop_until: float | None = None

    # What the event loop calls.

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the application, if it does not know yet."""
        self._trace("lost")
        self._stage, self._lost = OVER, True
        self._keepalive.stop()
        self._cancel_timer()
        self._gathered.take()
        self._unread.clear()
        if self._last is not None:
            self._end(*_said(self._last))
        self._end(1006)
        self._writable.set()  # a lost transport doesn't call resume_writing
        if exc is None:
            self._close_transport()

    def eof_received(self) -> None:
        """Let the transport close: nobody is there to be answered."""
        self._flush()
        if self._stage is OPEN:
            self._hang_up(self.close_timeout)

    # The end of what the client sends: its close frame, or what it did wrong.

    def _ends_with(self, last: Close | ProtocolViolation) -> None:
        """Conclude, but first let the application answer earlier messages."""
        self._last = last
        self._keepalive.stop()
        patience = self._patience()
        if patience:
            self._pause_reading()
            self._cancel_timer()
            self.close_timer = self.loop.call_later(patience, self._conclude)
        else:
            self._conclude()

    def _patience(self) -> float:
        """Return for how long the application can still answer.

        If it took a message and has sent nothing since, it may be working on the answer, or it
        may not want to answer.  If it has answered, or never receives, it owes nothing.
        """
        if self._queue:
            return GRACE if self._owes is None else self.close_timeout
        return GRACE if self._owes else 0.0

    def _conclude(self) -> None:
        """Answer the end of what the client sends."""
        last, self._last = self._last, None
        if last is None:
            return
        if self._stage is OPEN:
            if isinstance(last, Close):
                self._close_received(last)
            else:
                self._violated(last)
        elif self._stage is CLOSING:
            self._stage = OVER
            if isinstance(last, Close):  # else the timer ends it
                self._hang_up(self.close_timeout)

    def _close_received(self, close: Close) -> None:
        code, reason = _said(close)
        self._end(code, reason)
        self._stage = OVER
        self._last_write(encode_close(None if code == 1005 else code, reason))
        self._hang_up(self.close_timeout)

    def _violated(self, violation: ProtocolViolation) -> None:
        code, reason = _said(violation)
        if isinstance(violation, InvalidUTF8) and LOGGER.isEnabledFor(logging.WARNING):
            message, self._invalid = self._invalid, None
            log_invalid_text(
                violation,
                message,
                library="uvicorn",
                client=get_client_addr(self.scope),
                path=self._path(),
                user_agent=header(self.scope["headers"]),
            )
        else:
            said = '%s - "WebSocket %s" closed with %d: %s'
            self.logger.warning(said, get_client_addr(self.scope), self._path(), code, reason)
        self._fail(code, reason)

    def _path(self) -> str:
        """Return the path of the request, for a log line."""
        return shortened(get_path_with_query_string(self.scope), MAX_LOGGED)

    # Ending the connection ourselves.

    def _fail(self, code: int, reason: str) -> None:
        """Send the close frame, and hang up once the client could read it.

        What the client sends until then is received and dropped: with unread bytes, TCP would
        reset the connection, and the client might lose our close frame.
        """
        self._end(code, reason)
        self._stage = OVER
        self._last_write(encode_close(code, reason))
        self._drop_until = self.loop.time() + self.close_timeout
        self._await_quiet()

    def _dropped(self) -> None:
        if self._drop_until is not None:
            self._await_quiet()

    def _await_quiet(self) -> None:
        """Give a client that is sending time to stop: not every client expects a closed end."""
        self._cancel_timer()
        if self._drop_until is not None and self.loop.time() < self._drop_until:
            self.close_timer = self.loop.call_later(QUIET, self._half_close)
        else:
            self._hang_up(LINGER)

    def _half_close(self) -> None:
        self._drop_until = None
        if self.transport.is_closing() or not self.transport.can_write_eof():
            self._hang_up(LINGER)
        else:
            self.transport.write_eof()
            self._set_timer(LINGER)

    def _close(self, code: int, reason: str, timeout: float) -> None:
        """Begin the closing handshake; drop what the client sends until it closes."""
        payload = encode_close(code, reason)
        self._end(code, reason)
        self._stage = CLOSING
        self._set_timer(timeout)
        self._last_write(payload)
        self._conclude()  # the client's close frame may have come already

    def _await_close(self, data: bytes) -> None:
        try:
            for at in range(0, len(data), INFLATED):
                for event in self._decoder.feed(data[at : at + INFLATED]):
                    if type(event) is Close:
                        self._last = event
                        self._conclude()
                        return
        except ProtocolViolation as violation:
            self._last = violation
            self._conclude()

    def _last_write(self, close_payload: bytes) -> None:
        self._keepalive.stop()
        self._gathered.hold(encode_frame(Opcode.CLOSE, close_payload))
        self._flush()
        self._resume_reading()

    def _end(self, code: int, reason: str | None = None) -> None:
        """Tell the application, once it has taken the earlier messages."""
        if self._ending is None:
            self._ending = {"type": "websocket.disconnect", "code": code}
            if reason is not None:
                self._ending["reason"] = reason
        self._wake()

    # Hanging up.

    def _set_timer(self, seconds: float) -> None:
        self._cancel_timer()
        self.close_timer = self.loop.call_later(seconds, self._hang_up, seconds)

    def _cancel_timer(self) -> None:
        if self.close_timer is not None:
            self.close_timer.cancel()
            self.close_timer = None

    def _close_transport(self) -> None:
        """Close the transport once: asyncio's TLS transport breaks if it is closed twice."""
        if not self.transport.is_closing():
            self.transport.close()

    def _hang_up(self, patience: float) -> None:
        """Close once the client has read everything, or nothing for ``patience`` seconds."""
        self._cancel_timer()
        self._close_transport()
        if unsent := self.transport.get_write_buffer_size():
            self._expect_less(unsent, patience)

    def _expect_less(self, unsent: int, patience: float) -> None:
        def look() -> None:
            left = self.transport.get_write_buffer_size()
            if left >= unsent:
                self.transport.abort()
            elif left:
                self._expect_less(left, patience)

        self.close_timer = self.loop.call_later(patience, look)


def _said(last: Close | ProtocolViolation) -> tuple[int, str]:
    """Return the code and the reason of a close frame or violation."""
    if isinstance(last, Close):
        return int(last.code), last.reason
    return last.close_code, last.close_reason
