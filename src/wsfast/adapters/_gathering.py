"""Answers that wait for each other, so that they go out in one write.

A write is a system call, which takes several times as long as the rest of sending a short
message.  While more messages wait and the application is quick, its answers are gathered, for
one turn of the event loop and for a millisecond at most.

Invariant: an answer never waits for more than one step of the application.
"""

from __future__ import annotations

import time
from math import inf

GATHERED = 65_536  # bytes of answers written together
HELD = 1e-3  # seconds that an answer is held back for others
QUICK = 100e-6  # seconds from one answer to the next: a write costs little beside a slower step
AT_ONCE = 8  # answers written one by one after a slow step: the next step may be slow too


class Gathered(list[bytes]):
    """The frames of a connection that are to be written together, in their order."""

    __slots__ = ("_at_once", "_first_at", "_sent_at", "_size", "flush_is_due", "in_burst")

    def __init__(self) -> None:
        self._size = 0
        self._first_at = 0.0
        self.flush_is_due = False  # whether the event loop will write them, at the end of its turn
        self.begin()

    def begin(self) -> None:
        """Begin a burst: no message waits now, so the first answer to the next goes out at once."""
        self.in_burst = False
        self._sent_at = inf  # when an answer was last sent while more messages waited
        self._at_once = 1  # how many of the next answers are not gathered

    def can_hold(self, size: int) -> bool:
        """Return whether a frame of ``size`` bytes can wait, while more messages wait.

        An application that works for long between two sends blocks the event loop: its
        answers must not wait until it has answered every message.
        """
        self.in_burst = True
        now = time.monotonic()
        if now - self._sent_at > QUICK:
            self._at_once = AT_ONCE
        self._sent_at = now
        if self._at_once:
            self._at_once -= 1
            return False
        if not self:
            self._first_at = now
        elif now - self._first_at > HELD:
            return False
        return self._size + size <= GATHERED

    def hold(self, frame: bytes) -> None:
        """Let a frame wait."""
        self.append(frame)
        self._size += len(frame)

    def take(self, last: bytes = b"") -> bytes:
        """Remove all frames; return their bytes, and those of one more."""
        self.append(last)
        frames = b"".join(self)
        self.clear()
        self._size = 0
        return frames
