"""A WebSocket connection after its opening handshake, without input or output.

RFC 6455 sections 5.5 (control frames) and 7 (closing).  Octets go in, messages come out;
messages go in, octets come out; the host moves the octets.

             close() or            both close frames, or the
             a close frame         end of what the remote sends
    OPEN ------------------> CLOSING ------------------> CLOSED
      \\------------ the remote ends without one ---------/

Invariant: nothing is queued behind a close frame, and none is sent twice.  What was sent,
what was received and what was wrong are kept apart (``Closure``), so that a cause that is
known here is never reported as 1006.
"""

from __future__ import annotations

from collections import deque
from enum import Enum

from ._arguments import is_server
from ._backend import (
    Binary,
    Close,
    MessageDecoder,
    Ping,
    Pong,
    Text,
    encode_close,
    encode_frame,
    new_masking_key,
    validate_utf8,
)
from ._pure.buffers import octets as octets_of
from ._record import Record
from .closecodes import close_code, explain
from .errors import InvalidUTF8, ProtocolViolation, then_raise
from .fragments import check_size, fragment
from .opcodes import Opcode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, Literal

    from typing_extensions import Buffer

    from .deflate import Deflate


MAX_PONGS = 64  # queued at a time; what the host does not take does not grow without end


class ConnectionState(Enum):
    """Say how far a connection is (RFC 6455 section 7.1)."""

    OPEN = "messages can be sent"
    CLOSING = "a close frame was sent; the remote has not closed yet"
    CLOSED = "nothing more can be sent or received"


class NotOpen(RuntimeError):
    """Say that nothing can be sent any more, for the connection is closing or closed.

    RFC 6455 section 5.5.1: nothing follows a close frame.
    """


class Closure(Record):
    """Say how a connection ended, what was said on the wire kept apart from the cause.

    Attributes:
        code: the cause, as an application wants to know it: the code of our violation if
            there was one, else that of the close frame received; 1006 if none came.
        reason: what goes with it.
        by: ``"local"`` if this end began to close, ``"remote"`` if the other did.
        sent: the close frame that was sent, as a ``Close``, or ``None``.
        received: the close frame that was received, or ``None``.
        violation: what the remote did wrong, or ``None``.
    """

    __slots__ = __match_args__ = ("code", "reason", "by", "sent", "received", "violation")

    code: int
    reason: str
    by: Literal["local", "remote"]
    sent: Close | None
    received: Close | None
    violation: ProtocolViolation | None

    def __init__(
        self,
        code: int,
        reason: str,
        by: Literal["local", "remote"],
        sent: Close | None,
        received: Close | None,
        violation: ProtocolViolation | None,
    ) -> None:
        for name, value in zip(
            self.__match_args__, (code, reason, by, sent, received, violation), strict=True
        ):
            object.__setattr__(self, name, value)


class Connection:
    """Keep one connection after its opening handshake (RFC 6455 sections 5 to 7).

    Args:
        role: ``"server"`` or ``"client"``: which end this is.
        text, max_message_size, max_frame_size, max_retained: as ``MessageDecoder``.
        deflate: what was agreed on of permessage-deflate, if it was.
        fragment_size: the most octets of payload in a frame that is sent, 4 at least;
            ``None`` sends every message in one frame.

    Raises:
        TypeError, ValueError: an argument is none of these.

    >>> server, client = Connection("server"), Connection("client")
    >>> client.send_text("Grüße")
    >>> list(server.receive(client.data_to_send()))
    [Text(data='Grüße')]
    """

    def __init__(
        self,
        role: Literal["server", "client"],
        *,
        text: Literal["str", "bytes"] = "str",
        max_message_size: int | None = 2**20,
        max_frame_size: int | None = None,
        max_retained: int | None = None,
        deflate: Deflate | None = None,
        fragment_size: int | None = None,
    ) -> None:
        self._server = is_server(role)
        self._role = role
        options: dict[str, Any] = {
            "text": text,
            "max_message_size": max_message_size,
            "max_frame_size": max_frame_size,
            "max_retained": max_retained,
            "deflate": deflate,
        }
        self._decoder: MessageDecoder[Any] = MessageDecoder(role, **options)
        self._deflate = deflate
        if fragment_size is not None:
            check_size("fragment_size", fragment_size, 4)
        self._fragment_size = fragment_size
        # Whether a message is one frame, neither masked nor compressed.
        self._plain = self._server and deflate is None and fragment_size is None
        self._out: list[bytes] = []
        self._pongs = 0  # queued since octets were last taken
        self._last_pong = 0  # its place in what is to be sent
        self._pings: deque[bytes] = deque()
        self._sent: Close | None = None
        self._received: Close | None = None
        self._remote_began = False
        self._violation: ProtocolViolation | None = None
        self._eof = False

    # What arrives.

    def receive(self, data: Buffer, /) -> Iterator[Any]:
        """Take what arrived; iterate over what is now whole.

        Pings are answered, and so is a close frame, each when the iteration comes to it:
        take all of it, then send ``data_to_send()``.

        Args:
            data: any C-contiguous buffer; it is not kept.

        Returns:
            An iterator over ``Text``, ``Binary``, ``Ping``, ``Pong`` and ``Close``.  At a
            violation it queues the close frame for it and raises; from then on whatever
            arrives is ignored (section 7.1.7).

        Raises:
            ProtocolError, InvalidUTF8, MessageTooBig: from the iterator.
            TypeError: ``data`` is not a buffer.
            ValueError: it is not C-contiguous.
        """
        if self._violation is not None:
            return iter(())
        try:
            return self._events(self._decoder.feed(data))
        except ProtocolViolation as violation:  # behind events of before that nobody took
            return self._events(then_raise((), violation))

    def get_buffer(self, sizehint: int = -1) -> memoryview:
        """Return a buffer to receive into, for ``asyncio.BufferedProtocol``."""
        return self._decoder.get_buffer(sizehint)

    def buffer_updated(self, nbytes: int, /) -> Iterator[Any]:
        """Take the first ``nbytes`` octets of the buffer: as ``receive`` of them."""
        if self._violation is not None:
            return iter(())
        try:
            return self._events(self._decoder.buffer_updated(nbytes))
        except ProtocolViolation as violation:  # behind events of before that nobody took
            return self._events(then_raise((), violation))

    def receive_eof(self) -> None:
        """Take note that the remote sends nothing more: its end of TCP is closed."""
        self._eof = True

    def _events(self, events: Iterator[Any]) -> Iterator[Any]:
        try:
            for event in events:
                kind = type(event)
                if kind is not Text and kind is not Binary:
                    self._take_control(event)
                yield event
        except ProtocolViolation as violation:
            self._violation = violation
            self._queue_close(violation.close_code, violation.close_reason)
            raise

    def _take_control(self, event: Any) -> None:
        if isinstance(event, Ping):
            self._answer(event.data)
        elif isinstance(event, Pong):
            self._answered(event.data)
        else:
            self._take_close(event)

    def _answer(self, payload: bytes) -> None:
        """Queue a pong, where it stands among the messages, unless a close frame was sent."""
        if self._sent is not None or self._eof:
            return
        if self._pongs >= MAX_PONGS:
            # Section 5.5.3: only the most recent ping needs an answer.
            del self._out[self._last_pong]
        self._last_pong = len(self._out)
        self._pongs += 1
        self._frame(Opcode.PONG, payload)

    def _answered(self, payload: bytes) -> None:
        """Forget the ping that was answered, and those before it (section 5.5.3)."""
        if payload in self._pings:
            while self._pings.popleft() != payload:
                pass

    def _take_close(self, close: Close) -> None:
        self._received = close
        if self._sent is None:
            self._remote_began = True
            self._queue_close(None if close.code == 1005 else close.code, close.reason)

    # What is sent.

    def send_text(self, data: str | Buffer) -> None:
        """Queue a text message.

        Args:
            data: a ``str``, or any C-contiguous buffer that holds UTF-8.

        Raises:
            NotOpen: a close frame was sent, or the remote is gone.
            TypeError: it is neither.
            ValueError: the octets are not UTF-8, or the text has a lone surrogate.
        """
        if self._sent is not None or self._eof:
            raise self._not_open()
        if not isinstance(data, str):
            try:
                validate_utf8(data)
            except InvalidUTF8 as fault:
                raise ValueError(f"a text message can't be sent: {fault.close_reason}") from None
        if self._plain:  # as most are: no more calls than it needs
            self._out.append(encode_frame(1, data))
        else:
            self._send(Opcode.TEXT, data)

    def send_binary(self, data: Buffer) -> None:
        """Queue a binary message: any C-contiguous buffer.

        Raises:
            NotOpen: a close frame was sent, or the remote is gone.
            TypeError: ``data`` is not a buffer.
            ValueError: it is not C-contiguous.
        """
        if self._sent is not None or self._eof:
            raise self._not_open()
        if isinstance(data, str):
            raise TypeError("data must be a bytes-like object, not str")
        if self._plain:
            self._out.append(encode_frame(2, data))
        else:
            self._send(Opcode.BINARY, data)

    def ping(self, payload: Buffer | None = None) -> bytes:
        """Queue a ping; return its payload, which the pong will have.

        Each stays among ``pending_pings`` until it is answered: stop at a few.

        Args:
            payload: at most 125 octets; ``None`` for four that no other ping had.

        Raises:
            NotOpen: a close frame was sent, or the remote is gone.
            TypeError, ValueError: the payload is no such buffer.
        """
        self._check_open()
        octets = new_masking_key() if payload is None else octets_of(payload, "payload")
        self._frame(Opcode.PING, octets)
        self._pings.append(octets)
        return octets

    def pong(self, payload: Buffer = b"") -> None:
        """Queue a pong that no ping asked for (section 5.5.3).

        Raises:
            NotOpen: a close frame was sent, or the remote is gone.
            TypeError, ValueError: the payload is no buffer of at most 125 octets.
        """
        self._check_open()
        self._frame(Opcode.PONG, payload)

    def close(self, code: int | None = 1000, reason: str = "") -> None:
        """Begin to close: queue a close frame, if none was sent (section 7.1.2).

        Args:
            code: a code that this end may send; ``None`` for a frame without one.
            reason: at most 123 octets in UTF-8.

        Raises:
            TypeError, ValueError: the code must not be sent by this end, the reason is
                too long or comes without a code.
        """
        payload = encode_close(code, reason)
        if code is not None and explain(code).sender not in ("both", self._role):
            raise ValueError(f"close code {code} must not be sent by a {self._role}")
        if self._sent is None and not self._eof:
            self._queue_close(code, reason, payload)

    def going_away(self, reason: str = "") -> None:
        """Close with 1001: a server that stops, a page that is left (section 7.4.1)."""
        self.close(1001, reason)

    def data_to_send(self) -> bytes:
        """Return the octets that are to be written now, and forget them."""
        out = self._out
        self._pongs = 0
        if len(out) == 1:
            return out.pop()
        octets = b"".join(out)
        out.clear()
        return octets

    def _check_open(self) -> None:
        if self._sent is not None or self._eof:
            raise self._not_open()

    def _not_open(self) -> NotOpen:
        return NotOpen(f"the connection is {self.state.name}: {self.state.value}")

    def _send(self, opcode: Opcode, data: str | Buffer) -> None:
        compressed = None if self._deflate is None else self._deflate.compress(data)
        payload = data if compressed is None else compressed
        if self._fragment_size is None:
            self._frame(opcode, payload, rsv1=compressed is not None)
            return
        # Compressed octets have no characters to keep together.
        kind = opcode if compressed is None else Opcode.BINARY
        for number, part in enumerate(fragment(kind, payload, self._fragment_size)):
            first = number == 0
            self._frame(
                opcode if first else Opcode.CONTINUATION,
                part.payload,
                fin=part.fin,
                rsv1=first and compressed is not None,
            )

    def _frame(
        self, opcode: Opcode, payload: str | Buffer, *, fin: bool = True, rsv1: bool = False
    ) -> None:
        key = None if self._server else new_masking_key()
        self._out.append(encode_frame(opcode, payload, fin=fin, rsv1=rsv1, masking_key=key))

    def _queue_close(self, code: int | None, reason: str, payload: bytes | None = None) -> None:
        if self._sent is None:
            self._frame(Opcode.CLOSE, encode_close(code, reason) if payload is None else payload)
            self._sent = Close(close_code(1005 if code is None else code), reason)

    # How it stands.

    @property
    def state(self) -> ConnectionState:
        """How far the connection is."""
        if self._eof or (self._sent is not None and self._received is not None):
            return ConnectionState.CLOSED
        return ConnectionState.OPEN if self._sent is None else ConnectionState.CLOSING

    @property
    def pending_pings(self) -> tuple[bytes, ...]:
        """The payloads of the pings that were not answered yet, the oldest first."""
        return tuple(self._pings)

    @property
    def write_eof(self) -> bool:
        """Whether ``data_to_send()`` was or is the last: shut down the sending half then.

        The receiving half is still to be read: closing a socket with unread input resets
        the connection, and the remote may lose the close frame.
        """
        return self._sent is not None or self._eof

    @property
    def should_disconnect(self) -> bool:
        """Whether to close TCP now, once all is written (section 7.1.1).

        A server closes after both close frames; a client waits for the server to do so.
        Both wait no longer than they like: a few seconds.
        """
        return self._eof or (self._server and self._sent is not None and self._received is not None)

    @property
    def closure(self) -> Closure | None:
        """How the connection ended, or is ending; ``None`` while it is open."""
        if self._sent is None and not self._eof:
            return None
        violation, received = self._violation, self._received
        if violation is not None:
            code, reason = violation.close_code, violation.close_reason
        elif received is not None:
            code, reason = received.code, received.reason
        else:
            code, reason = 1006, ""
        local = self._sent is not None and not self._remote_began
        return Closure(
            close_code(code),
            reason,
            "local" if local else "remote",
            self._sent,
            received,
            violation,
        )
