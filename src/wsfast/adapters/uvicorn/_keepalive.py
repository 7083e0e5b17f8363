"""Pings that find out whether the other end is still there (RFC 6455 section 5.5.2).

Invariant: at most one payload is unanswered, and at most one timer runs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from ... import new_masking_key


class Keepalive:
    """Pings at an interval, and a check that each is answered in time.

    Args:
        loop: the event loop.
        interval: seconds from ping to ping; ``None``, 0 or less for no pings.
        timeout: seconds that an answer may take; ``None`` for no limit.
        ping: called to send a ping with some payload.
        silent: called when the answer is overdue; returns whether to wait once more.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        interval: float | None,
        timeout: float | None,
        ping: Callable[[bytes], None],
        silent: Callable[[], bool],
    ) -> None:
        self._loop = loop
        self._interval = interval
        self._timeout = timeout
        self._ping = ping
        self._silent = silent
        self._payload: bytes | None = None  # of the ping that is not answered
        self._sent_at = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Send the first ping after an interval."""
        if self._interval is not None and self._interval > 0:
            self._timer = self._loop.call_later(self._interval, self._due)

    def stop(self) -> None:
        """Stop sending pings."""
        self._payload = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def answered(self, payload: bytes) -> None:
        """Take note of a pong; only the answer to the last ping counts."""
        if self._payload is None or payload != self._payload:
            return
        self._payload = None
        if self._timeout is not None:  # otherwise the next ping is already scheduled
            self.stop()
            assert self._interval is not None
            next_at = max(self._sent_at + self._interval, self._loop.time())
            self._timer = self._loop.call_at(next_at, self._due)

    def _due(self) -> None:
        self._payload = new_masking_key()  # four random bytes
        self._sent_at = self._loop.time()
        self._ping(self._payload)
        if self._timeout is None:
            self.start()
        else:
            self._timer = self._loop.call_later(self._timeout, self._overdue)

    def _overdue(self) -> None:
        assert self._timeout is not None
        assert self._payload is not None
        self._timer = None
        if self._silent():
            # Ping again: a dead connection is only noticed when a write fails.
            self._ping(self._payload)
            self._timer = self._loop.call_later(self._timeout, self._overdue)
