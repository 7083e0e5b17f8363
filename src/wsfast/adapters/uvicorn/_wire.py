"""The side of a connection that faces the client: asyncio's transport, frames, closing.

         the request                accept          close
    REQUEST --> CONNECTING ----------------> OPEN --------> CLOSING
                    | a response               |               | the client's close frame
                    v                          v               v
                RESPONDING -----------------> OVER <------------
                                  a violation, a close frame

Messages that arrive wait in a queue for the application; when it is full nothing more is
read.  What the application sends is written at once; but while more messages wait, their
answers are gathered and written together, at the end of the loop's turn at the latest.

Invariant: no open connection ends without a close frame of ours, unless it is lost.  The
application is told the code of the cause, 1006 only if there is no other.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from enum import Enum
from typing import TYPE_CHECKING, Any, cast

from uvicorn.logging import TRACE_LOG_LEVEL
from uvicorn.protocols.utils import get_client_addr, get_path_with_query_string, get_remote_addr

from ... import (
    Binary,
    Close,
    MessageDecoder,
    Opcode,
    Ping,
    Pong,
    ProtocolViolation,
    Text,
    encode_close,
    encode_frame,
)
from ._keepalive import Keepalive

if TYPE_CHECKING:
    from uvicorn.config import Config

    from ...deflate import Deflate

READ = 131_072  # octets received at a time: a message of 64 KiB comes in one piece
GATHERED = 65_536  # octets of answers written together
QUEUED = 262_144  # octets of messages that wait
MESSAGES = 4096  # that wait where uvicorn was told no limit: empty ones have no octets
INFLATED = 8192  # compressed octets taken at a time: each may become a thousand
QUIET = 0.1  # seconds without octets after which we take it that the client has stopped
LINGER = 2.0  # seconds that it then has to close its side, or to read what is unsent


class Stage(Enum):
    """How far a connection is; see the picture above."""

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
    """Keep the messages that came for the application; write what it sends.

    Who derives from it takes the octets of the opening handshake (``_opening_data``), makes
    the decoder, and opens.
    """

    transport: asyncio.Transport
    scope: Any = None

    def __init__(self, config: Config, loop: asyncio.AbstractEventLoop) -> None:
        self.config = config
        self.loop = loop
        self.logger = logging.getLogger("uvicorn.error")
        self.close_timeout = 10.0  # seconds from our close frame to the client's
        self.close_timer: asyncio.TimerHandle | None = None
        self._stage = Stage.REQUEST
        self._lost = False
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
        self._queued = 0  # octets, about
        self._most = config.ws_max_queue or MESSAGES
        self._paused = False
        self._was_paused = False  # since the answer to a ping was last looked for
        self._waiters: list[asyncio.Future[None]] = []
        # Writing.
        self._deflate: Deflate | None = None
        self._gathered: list[bytes] = []
        self._gathered_size = 0
        self._flush_is_due = False
        self._full = False  # has the transport too much to write?
        self._unsent: int | None = None  # octets, when an answer to a ping was last overdue
        self._writable = asyncio.Event()
        self._writable.set()
        self._pong_due: bytes | None = None  # the payload of one for when it has not
        # Until when what arrives is dropped, after a violation.
        self._drop_until: float | None = None

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self.transport = cast(asyncio.Transport, transport)
        self._trace("made")

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the application, if it does not know."""
        self._trace("lost")
        self._stage, self._lost = OVER, True
        self._keepalive.stop()
        self._cancel_timer()
        self._gathered.clear()
        self._unread.clear()
        self._end(1006)
        self._writable.set()  # no transport says so when it is lost
        if exc is None:
            self._close_transport()

    def eof_received(self) -> None:
        """Let the transport close: nobody is there to be answered."""
        self._flush()
        if self._stage is OPEN:
            self._hang_up(self.close_timeout)

    def pause_writing(self) -> None:
        """Let the application wait before it sends more."""
        self._full = True
        self._writable.clear()

    def resume_writing(self) -> None:
        """Let it go on."""
        self._full, self._unsent = False, None
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
        """Take octets: those of the request are handed over so."""
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
        elif self._drop_until is not None:
            self._await_quiet()

    def _opening_data(self, data: bytes) -> None:
        raise NotImplementedError

    # Reading.

    def _take(self, octets: bytes | memoryview) -> None:
        if self._deflate is not None:
            rest = octets[INFLATED:]
            while rest:
                self._feed(octets[:INFLATED])
                if self._paused or self._stage is not OPEN:
                    self._unread.appendleft(bytes(rest))
                    return
                octets, rest = rest, rest[INFLATED:]
        self._feed(octets)

    def _feed(self, octets: bytes | memoryview) -> None:
        queue = self._queue
        event: Any
        last: Close | ProtocolViolation | None = None
        try:
            for event in self._decoder.feed(octets):
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
        except ProtocolViolation as violation:
            last = violation
        if self._gathered and not self._flush_is_due:
            self._flush()  # pongs
        if queue:
            if self._waiters:
                self._wake()
            elif self._queued > QUEUED or len(queue) >= self._most:
                self._pause_reading()
        if last is not None:
            self._conclude_soon(last)

    def _conclude_soon(self, last: Close | ProtocolViolation) -> None:
        """Conclude once the application had its turn to answer what came before."""
        if self._queue:
            self._pause_reading()
            self.loop.call_soon(self._conclude, last)
        else:
            self._conclude(last)

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
        if not self._paused:
            return
        self._paused = False
        while self._unread and not self._paused:
            self.data_received(self._unread.popleft())
        if not self._paused and not self.transport.is_closing():
            self.transport.resume_reading()

    # Writing.

    def _write(self, octets: bytes) -> None:
        """Write now, or with the answers to the messages that wait still."""
        if self._queue and self._gathered_size + len(octets) <= GATHERED:
            self._gather(octets)
            if not self._flush_is_due:
                self._flush_is_due = True
                self.loop.call_soon(self._flush_now_due)
            return
        if self._gathered:
            self._gather(octets)
            self._flush()
        else:
            self.transport.write(octets)

    def _gather(self, octets: bytes) -> None:
        self._gathered.append(octets)
        self._gathered_size += len(octets)

    def _flush_now_due(self) -> None:
        self._flush_is_due = False
        self._flush()

    def _flush(self) -> None:
        if self._gathered:
            octets = b"".join(self._gathered)
            self._gathered.clear()
            self._gathered_size = 0
            if not self.transport.is_closing():
                self.transport.write(octets)

    # Control frames.

    def _pong(self, payload: bytes) -> None:
        if self._full:
            self._pong_due = payload  # section 5.5.3: only the most recent needs an answer
        else:
            self._gather(encode_frame(Opcode.PONG, payload))

    def _ping(self, payload: bytes) -> None:
        if self._stage is OPEN and not self.transport.is_closing():
            self._write(encode_frame(Opcode.PING, payload))

    def _silent(self) -> bool:
        """Hang up, but not on a client that may well have answered while we did not read.

        That is its own fault if it reads nothing of what the application waits to send.
        """
        stuck = False
        if self._full:
            before, self._unsent = self._unsent, self.transport.get_write_buffer_size()
            stuck = before is not None and self._unsent >= before
        if self._was_paused and not stuck:
            self._was_paused = self._paused  # read for a whole timeout before we blame it
            return True
        if self._stage is OPEN:
            self._trace("keepalive ping timeout:")
            self._fail(1011, "keepalive ping timeout")
        return False

    # Closing (section 7).

    def _conclude(self, last: Close | ProtocolViolation) -> None:
        """Take what ends what the client sends: its close frame, or what it did wrong."""
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
        code, reason = int(close.code), close.reason
        self._end(code, reason)
        self._stage = OVER
        self._last_write(encode_close(None if code == 1005 else code, reason))
        self._hang_up(self.close_timeout)

    def _violated(self, violation: ProtocolViolation) -> None:
        code, reason = violation.close_code, violation.close_reason
        client, path = get_client_addr(self.scope), get_path_with_query_string(self.scope)
        said = '%s - "WebSocket %s" closed with %d: %s'
        self.logger.warning(said, client, path, code, reason)
        self._fail(code, reason)

    def _fail(self, code: int, reason: str) -> None:
        """Say why, and hang up once the client could read it.

        What it sends until then is received and dropped: octets that nobody receives
        make TCP reset the connection, and the client may lose our close frame.
        """
        self._end(code, reason)
        self._stage = OVER
        self._last_write(encode_close(code, reason))
        self._drop_until = self.loop.time() + self.close_timeout
        self._await_quiet()

    def _await_quiet(self) -> None:
        """Leave a client that is sending the time to stop: not all bear to be shut out."""
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
        """Begin the closing handshake: what the client sends is dropped until it closes."""
        payload = encode_close(code, reason)
        self._end(code, reason)
        self._stage = CLOSING
        self._set_timer(timeout)
        self._last_write(payload)  # the client's close frame may have come already

    def _await_close(self, octets: bytes) -> None:
        try:
            for at in range(0, len(octets), INFLATED):
                for event in self._decoder.feed(octets[at : at + INFLATED]):
                    if type(event) is Close:
                        self._conclude(event)
        except ProtocolViolation as violation:
            self._conclude(violation)

    def _last_write(self, close_payload: bytes) -> None:
        self._keepalive.stop()
        self._gather(encode_frame(Opcode.CLOSE, close_payload))
        self._flush()
        self._resume_reading()

    def _end(self, code: int, reason: str | None = None) -> None:
        """Tell the application, once it has had the messages that came before."""
        if self._ending is None:
            self._ending = {"type": "websocket.disconnect", "code": code}
            if reason is not None:
                self._ending["reason"] = reason
        self._wake()

    def _set_timer(self, seconds: float) -> None:
        self.close_timer = self.loop.call_later(seconds, self._hang_up, seconds)

    def _cancel_timer(self) -> None:
        if self.close_timer is not None:
            self.close_timer.cancel()
            self.close_timer = None

    def _close_transport(self) -> None:
        """Close it once: asyncio's for TLS is of no use any more when it was closed twice."""
        if not self.transport.is_closing():
            self.transport.close()

    def _hang_up(self, patience: float) -> None:
        """Close once the client has read all, or has read nothing for so many seconds."""
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

    def _trace(self, what: str) -> None:
        if self.logger.level <= TRACE_LOG_LEVEL:
            host, port = get_remote_addr(self.transport) or ("unknown", 0)
            self.logger.log(TRACE_LOG_LEVEL, "%s:%d - WebSocket connection %s", host, port, what)
