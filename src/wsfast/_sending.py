"""The sending half of a connection: which frames, in which order, and which is the last.

Invariant: nothing is sent after a close frame, and only one close frame is sent.  A close
frame that answers the remote's, or its violation, is kept apart until ``data_to_send()``
takes it, so that answers to earlier messages still go out before it.
"""

from __future__ import annotations

from _thread import RLock

from ._backend import Close, encode_close, encode_frame, new_masking_key, validate_utf8
from ._buffers import bytes_of, payload_bytes
from ._closure import ConnectionState, NotOpen
from .closecodes import close_code, explain
from .errors import InvalidUTF8
from .fragments import check_size, cut
from .opcodes import Opcode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    from typing_extensions import Buffer

    from .deflate import Deflate


class Sender:
    """The sending half of a ``Connection``."""

    # Set on the instance only when they change, so that creating a connection is faster.
    _deflate: Deflate | None = None
    _fragment_size: int | None = None
    _close_frame = b""  # goes last
    _last = b""  # that, with what goes before it, between two steps of data_to_send()
    _ended = False  # whether sending is refused from now on
    _over = False  # whether the close frame was taken
    _pongs = 0  # about how many are in _out
    _sent: Close | None = None
    _eof = False

    def __init__(
        self, role: Literal["server", "client"], deflate: Deflate | None, fragment_size: int | None
    ) -> None:
        """Begin; the decoder has checked the role already."""
        self._role = role
        self._server = self._plain = role == "server"
        if deflate is not None:
            self._deflate = deflate
            self._plain = False
        if fragment_size is not None:
            self._fragment_size = check_size("fragment_size", fragment_size, 4)
            self._plain = False
        # Shared by threads: senders only append, and only one thread takes from the front.
        self._out: list[bytes] = []
        self._late_pong: list[bytes] = []  # one at most; goes behind _out
        self._pings: list[bytes] = []
        self._lock = RLock()

    @property
    def state(self) -> ConnectionState:
        """Whether messages can be sent, the connection is closing, or it is closed."""
        raise NotImplementedError

    def send_text(self, data: str | Buffer) -> None:
        """Queue a text message.

        Args:
            data: a ``str``, or any C-contiguous buffer that holds UTF-8.

        Raises:
            NotOpen: the connection is closing, or the remote is gone.
            TypeError: ``data`` is neither.
            ValueError: the bytes are not UTF-8, or the text has a lone surrogate.
        """
        if self._ended:
            raise self._not_open()
        if not isinstance(data, str):
            data = payload_bytes(data, "data")  # a copy: nobody can change it once it is checked
            try:
                validate_utf8(data)
            except InvalidUTF8 as fault:
                raise ValueError(f"a text message can't be sent: {fault.close_reason}") from None
        if self._plain:  # the usual case: one frame, neither masked nor compressed
            frame = encode_frame(1, data)
            self._out.append(frame)
            if self._over:
                self._take_back(frame)
        else:
            self._send(Opcode.TEXT, data)

    def send_binary(self, data: Buffer) -> None:
        """Queue a binary message: any C-contiguous buffer.

        Raises:
            NotOpen: the connection is closing, or the remote is gone.
            TypeError: ``data`` is not a buffer.
            ValueError: it is not C-contiguous.
        """
        if self._ended:
            raise self._not_open()
        if type(data) is not bytes:
            data = bytes_of(data, "data")
        if self._plain:
            frame = encode_frame(2, data)
            self._out.append(frame)
            if self._over:
                self._take_back(frame)
        else:
            self._send(Opcode.BINARY, data)

    def ping(self, payload: Buffer | None = None) -> bytes:
        """Queue a ping; return its payload, which the pong will have too.

        The payload stays in ``pending_pings`` until it is answered: don't let many pile up.

        Args:
            payload: at most 125 bytes; ``None`` for four random bytes.

        Raises:
            NotOpen: the connection is closing, or the remote is gone.
            TypeError: the payload is not a buffer.
            ValueError: it is longer than 125 bytes, or not C-contiguous.
        """
        if self._ended:
            raise self._not_open()
        data = new_masking_key() if payload is None else bytes_of(payload, "payload")
        frame = self._frame(Opcode.PING, data)
        self._pings.append(data)  # before the ping is queued: its pong may come at once
        self._queue(frame)
        return data

    def pong(self, payload: Buffer = b"") -> None:
        """Queue an unsolicited pong (section 5.5.3); pings are answered without it.

        Raises:
            NotOpen: the connection is closing, or the remote is gone.
            TypeError: the payload is not a buffer.
            ValueError: it is longer than 125 bytes, or not C-contiguous.
        """
        if self._ended:
            raise self._not_open()
        self._queue(self._frame(Opcode.PONG, bytes_of(payload, "payload")))

    def close(self, code: int | None = 1000, reason: str = "") -> None:
        """Begin to close: queue a close frame, unless one was sent (section 7.1.2).

        Args:
            code: a code that this end may send; ``None`` for a frame without one.
            reason: at most 123 bytes in UTF-8.

        Raises:
            TypeError, ValueError: this end must not send the code, the reason is too long,
                or there is a reason but no code.
        """
        encode_close(code, reason)  # raises if something is wrong with them
        if code is not None and explain(code).sender not in ("both", self._role):
            raise ValueError(f"close code {code} must not be sent by a {self._role}")
        if not self._eof:
            self._queue_close(code, reason)
        self._ended = True

    def going_away(self, reason: str = "") -> None:
        """Close with 1001, as a server that stops (section 7.4.1)."""
        self.close(1001, reason)

    def data_to_send(self) -> bytes:
        """Return the bytes to write now, and remove them from the queue.

        If nothing is queued, it returns ``b""``.  Don't write that: sockets and transports
        refuse every write, even an empty one, once their sending half is shut down.
        """
        if self._sent is not None:
            self._finish()
            last, self._last = self._last, b""
            return last
        # A signal's handler can run behind each call, and there may be no memory for any: so
        # all calls come first.
        out = self._out
        if not self._late_pong:
            count = len(out)
            data = out[0] if count == 1 else b"".join(out[:count])
            del out[:count]
            self._pongs = 0
            return data
        late = self._late_pong.copy()  # while there is one, no other is queued in out
        count = len(out)
        data = b"".join((*out[:count], *late))
        sent = map(list.remove, (self._late_pong,), late)
        del out[:count]
        self._pongs = 0
        try:  # noqa: SIM105 # behind a call of suppress() a handler could raise
            (_,) = sent
        except ValueError:  # a later pong has taken its place
            pass
        return data

    def _finish(self) -> None:
        """Take what goes before the close frame, and that frame, to be sent last."""
        with self._lock:
            if not self._close_frame:
                return
            # First, so that a thread that queues after this finds out.
            self._over = self._ended = True
            taken = self._out.copy()
            count = len(taken)
            last = b"".join((*taken, *self._late_pong, self._close_frame))
            self._last = last
            del self._out[:count]
            self._close_frame = b""

    def _not_open(self) -> NotOpen:
        return NotOpen(f"the connection is {self.state.name}: nothing more can be sent")

    def _send(self, opcode: Opcode, data: str | bytes) -> None:
        deflate, size = self._deflate, self._fragment_size
        if deflate is None and size is None:
            self._queue(self._frame(opcode, data))
            return
        # Queue messages in the order in which they are compressed, and keep the fragments of
        # each message together.
        with self._lock:
            if self._ended:
                raise self._not_open()
            if deflate is None:
                self._out.extend(self._frames(opcode, data, rsv1=False))
            else:
                try:
                    self._out.extend(self._compressed(deflate, opcode, data))
                except BaseException:
                    deflate.forget()
                    raise
            if self._over:  # a signal handler took the close frame meanwhile
                raise self._not_open()

    def _compressed(self, deflate: Deflate, opcode: Opcode, data: str | bytes) -> list[bytes]:
        payload = deflate.compress(data)
        if payload is None:
            return self._frames(opcode, data, rsv1=False)
        if type(payload) is not bytes:
            raise TypeError(f"compress() must return bytes, not {type(payload).__name__}")
        return self._frames(opcode, payload, rsv1=True)

    def _frames(self, opcode: Opcode, payload: str | bytes, *, rsv1: bool) -> list[bytes]:
        size = self._fragment_size
        if size is None:
            return [self._frame(opcode, payload, rsv1=rsv1)]
        # Compressed bytes have no characters to keep together.
        pieces = cut(Opcode.BINARY if rsv1 else opcode, payload, size)
        frames = []
        for piece, last in pieces:
            frames.append(self._frame(opcode, piece, fin=last, rsv1=rsv1))
            opcode, rsv1 = Opcode.CONTINUATION, False
        return frames

    def _frame(
        self, opcode: Opcode, payload: str | Buffer, *, fin: bool = True, rsv1: bool = False
    ) -> bytes:
        key = None if self._server else new_masking_key()
        return encode_frame(opcode, payload, fin=fin, rsv1=rsv1, masking_key=key)

    def _queue(self, frame: bytes) -> None:
        self._out.append(frame)
        if self._over:
            self._take_back(frame)

    def _take_back(self, frame: bytes) -> None:
        """Raise ``NotOpen`` if a frame was queued after the close frame was taken."""
        with self._lock:
            if frame not in self._out:
                return  # it was taken before the close frame
            self._out.remove(frame)
        raise self._not_open()

    def _queue_close(self, code: int | None, reason: str) -> None:
        frame = self._frame(Opcode.CLOSE, encode_close(code, reason))
        close = Close(close_code(1005 if code is None else code), reason)
        with self._lock:
            if self._sent is None:
                self._close_frame = frame
                self._sent = close
