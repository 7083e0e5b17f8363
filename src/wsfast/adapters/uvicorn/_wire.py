"""The client's side of a connection: asyncio's transport, and frames.

Messages that arrive wait in a queue for the application; while it is full, nothing more is
read.  What the application sends is written at once, except that answers are gathered while
more messages wait and the application is quick.

Invariant: an answer never waits for more than one step of the application, and nothing is
decoded after the client's close frame or violation.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from enum import Enum
from typing import TYPE_CHECKING, Any, cast

from uvicorn.logging import TRACE_LOG_LEVEL
from uvicorn.protocols.utils import get_remote_addr

from ... import (
    Binary,
    Close,
    InvalidUTF8,
    MessageDecoder,
    Opcode,
    Ping,
    Pong,
    ProtocolViolation,
    Text,
    encode_frame,
)
from .._gathering import Gathered
from .._logging import message_in
from ._keepalive import Keepalive

if TYPE_CHECKING:
    from uvicorn.config import Config

    from ...deflate import Deflate

READ = 131_072  # bytes received at a time: a message of 64 KiB comes in one piece
QUEUED = 262_144  # bytes of messages that wait
MESSAGES = 4096  # that wait where uvicorn was told no limit: empty ones have no bytes
INFLATED = 8192  # compressed bytes taken at a time: each may become a thousand


class Stage(Enum):
    """The stage of a connection.

         the request                accept          close
    REQUEST --> CONNECTING ----------------> OPEN --------> CLOSING
                    | a response               |               | the client's close frame
                    v                          v               v
                RESPONDING -----------------> OVER <------------
                                  a violation, a close frame
    """

    REQUEST = 0
    CONNECTING = 1
    RESPONDING = 2
    OPEN = 3
    CLOSING = 4
    OVER = 5


OPEN, CLOSING, OVER = Stage.OPEN, Stage.CLOSING, Stage.OVER  # found sooner than in the Enum


class _Thread(threading.local):
    """The buffer that all connections of a thread receive into, one after the other."""

    def __init__(self) -> None:
        self.buffer = memoryview(bytearray(READ))


_THREAD = _Thread()


class Wire(asyncio.BufferedProtocol):
    """A connection that keeps messages for the application, and writes what it sends.

    A subclass takes the bytes of the opening handshake (``_opening_data``), makes the
    decoder, opens, and closes.
    """

    transport: asyncio.Transport
    scope: Any = None

    def __init__(self, config: Config, loop: asyncio.AbstractEventLoop) -> None:
        self.config = config
        self.loop = loop
        self.logger = logging.getLogger("uvicorn.error")
        self._stage = Stage.REQUEST
        self._lost = False
        self._last: Close | ProtocolViolation | None = None  # ends what the client sends
        self._invalid: bytes | None = None  # the message of that, if it is not UTF-8 and at hand
        self._ending: dict[str, Any] | None = None  # what the application is told last
        self._keepalive = Keepalive(
            loop, config.ws_ping_interval, config.ws_ping_timeout, self._ping, self._silent
        )
        # Reading.
        self._buffer = _THREAD.buffer
        self._decoder: MessageDecoder[str]
        # What came before it was accepted, or in the same read as what filled the queue.
        self._unread: deque[bytes] = deque()
        self._queue: deque[Any] = deque()
        self._queued = 0  # bytes, about
        self._most = config.ws_max_queue or MESSAGES
        self._paused = False
        self._was_paused = False  # since the answer to a ping was last looked for
        self._waiters: list[asyncio.Future[None]] = []
        # Whether the application took a message and sent nothing since; None: it never took any.
        self._owes: bool | None = None
        # Writing.
        self._deflate: Deflate | None = None
        self._gathered = Gathered()
        self._full = False  # whether the transport has too much to write
        # Signs of life since the last ping.
        self._heard = False
        self._written = 0  # bytes
        self._stuck_at: int | None = None  # bytes that had gone when the system took no more
        self._writable = asyncio.Event()
        self._writable.set()
        self._pong_due: bytes | None = None  # the payload of one for when it has not

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self.transport = cast(asyncio.Transport, transport)
        self._trace("made")

    def pause_writing(self) -> None:
        """Make the application wait before it sends more."""
        self._full = True
        self._writable.clear()

    def resume_writing(self) -> None:
        """Let the application send again."""
        self._full, self._heard = False, True  # the client has acknowledged something
        self._stuck_at = None
        self._writable.set()
        payload, self._pong_due = self._pong_due, None
        if payload is not None and self._stage is OPEN and not self.transport.is_closing():
            self._write(encode_frame(Opcode.PONG, payload))

    def get_buffer(self, sizehint: int) -> memoryview:
        """Return the buffer to receive into."""
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Take what was received."""
        if self._stage is OPEN:
            self._take(self._buffer[:nbytes])
        else:
            self.data_received(bytes(self._buffer[:nbytes]))

    def data_received(self, data: bytes) -> None:
        """Take bytes; uvicorn hands over those of the request this way."""
        stage = self._stage
        if stage is OPEN:
            self._take(data)
        elif stage is CLOSING:
            self._await_close(data)
        elif stage is Stage.REQUEST:
            self._opening_data(data)
        elif stage is Stage.CONNECTING:  # it should wait for our answer
            self._unread.append(data)
            self._pause_reading()
        else:
            self._dropped()

    def _opening_data(self, data: bytes) -> None:
        raise NotImplementedError

    def _await_close(self, data: bytes) -> None:
        raise NotImplementedError

    def _dropped(self) -> None:
        raise NotImplementedError

    def _ends_with(self, last: Close | ProtocolViolation) -> None:
        raise NotImplementedError

    def _fail(self, code: int, reason: str) -> None:
        raise NotImplementedError

    # Reading.

    def _take(self, data: bytes | memoryview) -> None:
        self._heard = True
        if self._deflate is not None:
            rest = data[INFLATED:]
            while rest:
                self._feed(data[:INFLATED])
                if self._paused or self._stage is not OPEN:
                    self._unread.appendleft(bytes(rest))
                    return
                data, rest = rest, rest[INFLATED:]
        self._feed(data)

    def _feed(self, data: bytes | memoryview) -> None:
        if self._last is not None:
            return
        queue = self._queue
        event: Any
        last: Close | ProtocolViolation | None = None
        try:
            for event in self._decoder.feed(data):
                kind = type(event)
                if kind is Text or kind is Binary:
                    queue.append(event)
                    self._queued += len(event.data)
                elif kind is Ping:
                    self._pong(event.data)
                elif kind is Pong:
                    self._keepalive.answered(event.data)
                else:
                    last = event
                    break  # nothing counts that follows a close frame
        except InvalidUTF8 as violation:
            last, self._invalid = violation, message_in(data, violation)
        except ProtocolViolation as violation:
            last = violation
        if self._gathered and not self._gathered.flush_is_due:
            self._flush()  # pongs
        if queue:
            if self._waiters:
                self._wake()
            elif self._queued > QUEUED or len(queue) >= self._most:
                self._pause_reading()
        if last is not None:
            self._ends_with(last)

    def _wake(self) -> None:
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    def _pause_reading(self) -> None:
        if not self._paused and not self.transport.is_closing():
            self._paused = self._was_paused = True
            self.transport.pause_reading()

    def _resume_reading(self) -> None:
        if not self._paused or (self._last is not None and self._stage is OPEN):
            return
        self._paused = False
        while self._unread and not self._paused:
            self.data_received(self._unread.popleft())
        if not self._paused and not self.transport.is_closing():
            self.transport.resume_reading()

    # Writing.

    def _write(self, data: bytes) -> None:
        """Write now, or together with the answers to messages that are still waiting."""
        gathered = self._gathered
        if self._queue and gathered.can_hold(len(data)):
            gathered.hold(data)
            if not gathered.flush_is_due:
                gathered.flush_is_due = True
                self.loop.call_soon(self._flush_now_due)
        elif gathered:
            gathered.hold(data)
            self._flush()
        else:
            self._written += len(data)
            self.transport.write(data)

    def _flush_now_due(self) -> None:
        self._gathered.flush_is_due = False
        self._flush()

    def _flush(self) -> None:
        if self._gathered:
            data = self._gathered.take()
            if not self.transport.is_closing():
                self._written += len(data)
                self.transport.write(data)

    # Control frames.

    def _pong(self, payload: bytes) -> None:
        if self._full:
            self._pong_due = payload  # section 5.5.3: only the most recent needs an answer
        else:
            self._gathered.hold(encode_frame(Opcode.PONG, payload))

    def _ping(self, payload: bytes) -> None:
        if self._stage is OPEN and not self.transport.is_closing():
            self._heard = False
            unsent = self.transport.get_write_buffer_size()
            self._stuck_at = self._written - unsent if unsent else None
            self._gathered.hold(encode_frame(Opcode.PING, payload))
            self._flush()

    def _silent(self) -> bool:
        """Hang up on a client that gave no sign of life for a whole timeout.

        Its pong may come after a long message that it is sending, or only once it has read
        what was sent before our ping.  Bytes that arrive are a sign of life.  So are bytes
        that the system takes after it had no room: it only has room again when the client
        acknowledges earlier bytes.  A client from which we did not read is excused, unless the
        application waits for it to read.
        """
        was_paused, self._was_paused = self._was_paused, self._paused
        stuck_at = self._stuck_at
        if self._heard or (was_paused and not (self._full and stuck_at is not None)):
            return True
        gone = self._written - self.transport.get_write_buffer_size()
        if stuck_at is not None and gone > stuck_at:
            return True
        if self._stage is OPEN:
            self._trace("keepalive ping timeout:")
            self._fail(1011, "keepalive ping timeout")
        return False

    def _trace(self, what: str) -> None:
        if self.logger.level <= TRACE_LOG_LEVEL:
            host, port = get_remote_addr(self.transport) or ("unknown", 0)
            self.logger.log(TRACE_LOG_LEVEL, "%s:%d - WebSocket connection %s", host, port, what)
