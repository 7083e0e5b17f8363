"""A WebSocket connection after its opening handshake, without I/O.

RFC 6455 sections 5.5 (control frames) and 7 (closing).  Bytes go in, messages come out;
messages go in, bytes come out; the caller moves the bytes.

             close() or            both close frames, or the
             a close frame         end of what the remote sends
    OPEN ------------------> CLOSING ------------------> CLOSED
      \\------------ the remote ends without one ---------/

``_sending`` queues what is sent.

Invariant: what was sent, what was received and what was wrong are kept apart (``Closure``),
so that a known cause is never reported as 1006.
"""

from __future__ import annotations

from ._backend import Close, MessageDecoder, Ping, Pong
from ._closure import Closure as Closure
from ._closure import ConnectionState as ConnectionState
from ._closure import NotOpen as NotOpen
from ._record import Generic
from ._sending import Sender
from .closecodes import close_code
from .errors import ProtocolViolation, ThenRaise
from .opcodes import Opcode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any, Literal, TypeAlias, overload

    from typing_extensions import Buffer, TypeVar

    from ._backend import Binary, BinaryPart, Text, TextPart
    from .deflate import Deflate

    _TextType = TypeVar("_TextType", str, bytes)
    _Parts: TypeAlias = "TextPart[_TextType] | BinaryPart"
    _MessageType = TypeVar("_MessageType", default="Text[_TextType] | Binary")
    _Control: TypeAlias = "Ping | Pong | Close"

MAX_PONGS = 64  # queued at a time, so that the queue is bounded if the caller doesn't take them


class Connection(Sender, Generic["_TextType", "_MessageType"]):
    """One connection after its opening handshake (RFC 6455 sections 5 to 7).

    Several threads may send at once: nothing is lost, and what each thread sends keeps its
    order.  Meanwhile one other thread may call ``receive()``, and one ``data_to_send()``.

    Args:
        role: ``"server"`` or ``"client"``: which end this is.
        text, max_message_size, max_frame_size, max_retained, stream: as ``MessageDecoder``.
        deflate: the ``Deflate`` that both ends negotiated, if they did.
        fragment_size: the most bytes of payload in a frame that is sent, at least 4;
            ``None`` sends every message in one frame.

    Raises:
        TypeError, ValueError: an argument has the wrong type or value.

    >>> server, client = Connection("server"), Connection("client")
    >>> client.send_text("Grüße")
    >>> list(server.receive(client.data_to_send()))
    [Text(data='Grüße')]
    """

    # Set on the instance only when they change, like those of Sender.
    _events: Iterator[Any] = iter(())  # arrived and not taken yet
    _received: Close | None = None
    _remote_began = False
    _stopped = False  # whether an error stopped the decoder; it was raised at that time
    _violation: ProtocolViolation | None = None

    if TYPE_CHECKING:

        @overload
        def __init__(
            self: Connection[str],
            role: Literal["server", "client"],
            *,
            text: Literal["str"] = "str",
            max_message_size: int | None = ...,
            max_frame_size: int | None = None,
            max_retained: int | None = None,
            deflate: Deflate | None = None,
            fragment_size: int | None = None,
            stream: Literal[False] = False,
        ) -> None: ...

        @overload
        def __init__(
            self: Connection[bytes],
            role: Literal["server", "client"],
            *,
            text: Literal["bytes"],
            max_message_size: int | None = ...,
            max_frame_size: int | None = None,
            max_retained: int | None = None,
            deflate: Deflate | None = None,
            fragment_size: int | None = None,
            stream: Literal[False] = False,
        ) -> None: ...

        @overload
        def __init__(
            self: Connection[str, _Parts[str]],
            role: Literal["server", "client"],
            *,
            text: Literal["str"] = "str",
            max_message_size: int | None = ...,
            max_frame_size: int | None = None,
            max_retained: int | None = None,
            deflate: Deflate | None = None,
            fragment_size: int | None = None,
            stream: Literal[True],
        ) -> None: ...

        @overload
        def __init__(
            self: Connection[bytes, _Parts[bytes]],
            role: Literal["server", "client"],
            *,
            text: Literal["bytes"],
            max_message_size: int | None = ...,
            max_frame_size: int | None = None,
            max_retained: int | None = None,
            deflate: Deflate | None = None,
            fragment_size: int | None = None,
            stream: Literal[True],
        ) -> None: ...

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
        stream: bool = False,
    ) -> None:
        make: Any = MessageDecoder  # mypy gives up on so many combinations of arguments
        self._decoder: MessageDecoder[_TextType, _MessageType] = make(
            role,
            text=text,
            max_message_size=max_message_size,
            max_frame_size=max_frame_size,
            max_retained=max_retained,
            deflate=deflate,
            stream=stream,
        )
        Sender.__init__(self, role, deflate, fragment_size)

    # What arrives.

    def receive(self, data: Buffer, /) -> Iterator[_MessageType | _Control]:
        """Take what arrived, and answer it.

        When this returns, the answers to pings, to a close frame and to a violation are
        queued: write ``data_to_send()``.  Pongs have removed their pings from
        ``pending_pings``.

        Args:
            data: any C-contiguous buffer; it is not kept.

        Returns:
            An iterator over the ``Text``, ``Binary``, ``Ping``, ``Pong`` and ``Close`` that
            are now complete; with ``stream=True``, over parts of messages.  What you don't
            take from it is kept: the next call's iterator begins with it.  If the bytes
            break the protocol, the iterator raises after everything before that; later
            bytes are ignored (section 7.1.7).

        Raises:
            ProtocolError, InvalidUTF8, MessageTooBig: from the iterator, once.
            TypeError: ``data`` is not a buffer.
            ValueError: it is not C-contiguous.
            RuntimeError: an exception that was not the remote's fault has stopped the
                decoder, and you have taken all earlier events.  Sending still works.
        """
        return self._take(self._decoder.feed, data)

    def get_buffer(self, sizehint: int = -1) -> memoryview:
        """Return a buffer to receive into, for ``asyncio.BufferedProtocol``."""
        return self._decoder.get_buffer(sizehint)

    def buffer_updated(self, nbytes: int, /) -> Iterator[_MessageType | _Control]:
        """Take the first ``nbytes`` bytes of the buffer, as ``receive`` does."""
        return self._take(self._decoder.buffer_updated, nbytes)

    def receive_eof(self) -> None:
        """Tell the connection that the remote closed TCP and sends nothing more."""
        self._eof = self._ended = True

    def _take(self, decode: Callable[[Any], Iterator[Any]], arrived: Any) -> Iterator[Any]:
        """Decode what arrived, collect the events, and do what they require.

        A signal handler can raise between any two steps, and any step can run out of memory.
        So at any time, every decoded event is still in the decoder, or is reached by
        ``_events``.
        """
        if self._violation is not None:
            return self._left()
        try:
            decoded = decode(arrived)
        except BaseException as error:  # noqa: BLE001 # raised again once the events are safe
            decoded = ThenRaise((), error)
        events: list[Any] = []
        event = taken = violation = None
        done = 0  # how many of the events need nothing more: no pong, no close frame
        try:
            try:
                for event in self._events:  # left from earlier calls: rarely any
                    events.append(event)
                    done += 1
                self._events = taken = iter(events)  # also yields what is appended later
                for event in decoded:
                    events.append(event)
                    kind = type(event)
                    if kind is Ping or kind is Pong or kind is Close:
                        self._take_control(event)
                        done = len(events)
            except ProtocolViolation as found:
                violation = found.with_traceback(None)
            if violation is not None:
                return self._fail(events, violation)
        except BaseException:
            held = event is not None and not (events and events[-1] is event)
            if taken is None:  # interrupted before _events was replaced
                events += (event, *self._events) if held else self._events
                self._events, done = iter(events), len(events)
            elif held:
                self._decoder._put_back(event)  # it has room for this event, events may not
            if not self._keep(events, done):
                raise
        return self._events

    def _keep(self, events: list[Any], done: int) -> bool:
        """Keep what was decoded before an error, and do what it requires.

        Returns:
            Whether the caller gets events now instead of the error, which it got once already.
        """
        if self._violation is not None:
            return False  # the violation and all before it are in _events
        violation = None
        try:
            for event in self._decoder:
                try:
                    events.append(event)
                except MemoryError:
                    self._decoder._put_back(event)
                    raise
        except ProtocolViolation as found:
            violation = found.with_traceback(None)
        for event in events[done:]:
            if isinstance(event, (Ping, Pong, Close)):
                self._take_control(event)
        if violation is not None:
            self._fail(events, violation)
        if events and self._stopped:
            return True
        self._stopped = self._decoder._failed
        return False

    def _fail(self, left: list[Any], violation: ProtocolViolation) -> Iterator[Any]:
        violation.__context__ = None  # the exception that the caller handles is unrelated
        with self._lock:
            self._violation, self._events = violation, ThenRaise(left, violation)
            self._queue_close(violation.close_code, violation.close_reason)
        return self._events

    def _left(self) -> Iterator[Any]:
        """Return the events that are left after a violation, and the violation."""
        if self._sent is None and self._violation is not None:  # _fail was interrupted
            self._queue_close(self._violation.close_code, self._violation.close_reason)
        return self._events

    def _take_control(self, event: Ping | Pong | Close) -> None:
        if isinstance(event, Ping):
            self._answer(event.data)
        elif isinstance(event, Pong):
            self._answered(event.data)
        else:
            with self._lock:
                if self._received is None:
                    self._received, self._remote_began = event, self._sent is None
                self._queue_close(None if event.code == 1005 else event.code, event.reason)

    def _answer(self, payload: bytes) -> None:
        """Queue a pong behind everything queued so far, unless a close frame is queued."""
        if self._sent is not None or self._eof:
            return
        # Section 5.5.3: only the most recent ping needs an answer.
        self._pongs += 1
        frame = self._frame(Opcode.PONG, payload)
        if self._late_pong or self._pongs >= MAX_PONGS:
            self._late_pong[:] = [frame]
        else:
            self._out.append(frame)

    def _answered(self, payload: bytes) -> None:
        """Forget the ping that was answered, and those before it (section 5.5.3)."""
        if payload in self._pings:
            del self._pings[: self._pings.index(payload) + 1]

    # The state of the connection.

    @property
    def state(self) -> ConnectionState:
        """Whether messages can be sent, the connection is closing, or it is closed."""
        if self._eof or (self._sent is not None and self._received is not None):
            return ConnectionState.CLOSED
        return ConnectionState.OPEN if self._sent is None else ConnectionState.CLOSING

    @property
    def pending_pings(self) -> tuple[bytes, ...]:
        """The payloads of the pings that are not answered yet, the oldest first."""
        return tuple(self._pings.copy())

    @property
    def write_eof(self) -> bool:
        """Whether nothing follows what ``data_to_send()`` returned or will return.

        If so, write that, shut down the sending half of the socket, and then write nothing
        more, not even ``b""``.  Keep reading: closing a socket with unread input resets the
        connection, and the remote may lose the close frame.
        """
        return self._sent is not None or self._eof

    @property
    def should_disconnect(self) -> bool:
        """Whether to close TCP now, after everything is written (section 7.1.1).

        A server closes after both close frames; a client waits for the server to do so.
        Don't wait longer than a few seconds.
        """
        return self._eof or (self._server and self._sent is not None and self._received is not None)

    @property
    def closure(self) -> Closure | None:
        """How the connection ended, or is ending; ``None`` while it is open."""
        with self._lock:  # not while another thread is changing it
            sent, received, violation = self._sent, self._received, self._violation
            local = sent is not None and not self._remote_began
        if sent is None and not self._eof:
            return None
        if violation is not None:
            code, reason = violation.close_code, violation.close_reason
        elif received is not None:
            code, reason = received.code, received.reason
        else:
            code, reason = 1006, ""
        by: Literal["local", "remote"] = "local" if local else "remote"
        return Closure(close_code(code), reason, by, sent, received, violation)
