"""What both decoders share: headers, feeding, and the events that wait to be taken.

Invariant: a header field is judged with the byte that completes it, before any payload is
kept.  What was decoded stays until it is taken, in order; a violation comes after all that
was decoded before it.  Only what the remote did wrong is kept to be raised again: anything
else is raised at once.
"""

from __future__ import annotations

from _thread import LockType, allocate_lock  # threading would be a slow import
from collections import deque

from .. import _arguments, errors
from .._buffers import bytes_of
from ..opcodes import Opcode
from .mask import xor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Self

    from typing_extensions import Buffer

FIN, RSV, CONTROL, MASKED = 0x80, 0x70, 0x08, 0x80
MAX_HEADER = 14  # 2, 8 of length, 4 of masking key

# A signal handler can run, and raise, after each call that Python code makes.  What ``map``
# calls is not called by Python code, so nothing can come before the result is assigned.
ACQUIRE, _POP = LockType.acquire, deque.popleft


class Header:
    """The fields of a header whose bytes have all arrived."""

    __slots__ = ("first", "key", "opcode", "payload_length", "size")

    def __init__(self, first: int, key: bytes, size: int, payload_length: int) -> None:
        self.first = first
        self.opcode = first & 0x0F
        self.key = key
        self.size = size
        self.payload_length = payload_length


class Receiver:
    """The base of both decoders: headers, feeding, and what happens after a violation."""

    _in_use: LockType  # held while bytes are decoded; another call fails at once
    _events: deque[Any] | None  # not yet taken; made with the first, because a deque is large
    _ready: bool  # to decode; if not, the next three say why, or __init__ was not called
    _violation: errors.ProtocolViolation | None  # never raised itself: what is raised is a copy
    _raised: bool  # whether the violation was raised
    _failure: type[BaseException] | None  # what else stopped it: not the remote's fault
    _buffer: bytearray | None

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        self = super().__new__(cls)
        self._in_use = allocate_lock()
        self._ready = self._raised = False
        self._events = self._violation = self._failure = self._buffer = None
        return self

    def __init__(self, expect_masked: bool, max_frame_size: int, reserved_bits: int = 0) -> None:
        if self._in_use.locked():
            raise _arguments.decoder_busy()
        self._ready, self._raised = True, False
        self._events = self._violation = self._failure = self._buffer = None
        self._expect_masked = expect_masked
        self._max_frame_size = max_frame_size
        self._reserved_bits = reserved_bits
        self._first_bits = 0  # RSV bits that only the first frame of a message may have
        self._head = b""  # the bytes of an incomplete header
        self._frame: Header | None = None  # whose payload is arriving
        self._received = 0  # bytes of that payload
        self._closed = False  # by a close frame: what follows is ignored
        # The bytes of an incomplete frame or message, and how many of them were handed on
        # already: these are kept only for evidence.
        self._arrived = bytearray()
        self._handed_on = 0

    @property
    def _failed(self) -> bool:
        """Whether an exception that was not the remote's fault has stopped it."""
        return self._failure is not None

    def _put_back(self, event: Any) -> None:
        """Put the event that was taken last back in front."""
        if self._events is None:
            self._events = deque()
        self._events.appendleft(event)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Any:
        violation = self._violation  # read first: it is set after the events before it
        events = self._events
        if events:
            try:
                (event,) = map(_POP, (events,))
            except IndexError:  # another thread took the last one
                pass
            else:
                return event
        if violation is not None:
            self._raised = True
            errors.raise_again(violation)
        raise StopIteration

    def feed(self, data: Buffer, /) -> Self:
        """Decode what arrived.

        Args:
            data: any C-contiguous buffer; it is not kept.

        Returns:
            The decoder itself.  Iterate over it to get what is now complete: frames from a
            ``FrameDecoder``; from a ``MessageDecoder`` messages, or their parts, and control
            frames.  They are kept until you take them.  If the bytes break the protocol,
            the iteration raises the violation after everything before it.

        Raises:
            ProtocolError, InvalidUTF8, MessageTooBig: the iteration has raised it before.
            TypeError: ``data`` is not a buffer.
            ValueError: it is not C-contiguous.
            RuntimeError: the decoder is in use, or was stopped by an exception that was not
                the remote's fault.
        """
        return self._feed(bytes_of(data))

    def get_buffer(self, sizehint: int = -1) -> memoryview:
        """Return a buffer to receive into, for ``asyncio.BufferedProtocol``.

        It is valid until the next ``buffer_updated``, which takes what was received.

        Args:
            sizehint: how many bytes you want; the buffer has at least 64 KiB.
        """
        size = _arguments.check_sizehint(sizehint)
        buffer = self._buffer  # read once: another thread may take it
        if buffer is None or len(buffer) < size:
            buffer = self._buffer = bytearray(size)
        return memoryview(buffer)

    def buffer_updated(self, nbytes: int, /) -> Self:
        """Decode the first ``nbytes`` bytes of the buffer, as ``feed`` does.

        Raises:
            ValueError: the buffer that ``get_buffer`` returned is smaller.
        """
        buffer = self._buffer or b""
        _arguments.check_update(nbytes, len(buffer))
        return self._feed(bytes(memoryview(buffer)[:nbytes]), of_buffer=True)

    def _feed(self, chunk: bytes, *, of_buffer: bool = False) -> Self:
        (free,) = map(ACQUIRE, (self._in_use,), (False,))
        if not free:
            raise _arguments.decoder_busy()
        try:
            if self._ready:
                self._decode(chunk, of_buffer)
            else:
                self._buffer = None if of_buffer else self._buffer
                self._refuse()
        finally:
            self._in_use.release()
        return self

    def _decode(self, chunk: bytes, of_buffer: bool) -> None:
        # Until here, an interrupted call can be repeated; no call comes between these two.
        self._ready = False
        if of_buffer:
            self._buffer = None
        try:
            violation = self._judged(chunk)
            self._hand_on()
            if violation is not None:
                self._discard()
        except BaseException as error:
            self._failure = type(error)
            self._discard()
            raise
        self._violation = violation
        self._ready = violation is None

    def _judged(self, chunk: bytes) -> errors.ProtocolViolation | None:
        """Decode what arrived; return the violation, if one was found."""
        try:
            self._consume(chunk)
        except errors.ProtocolViolation as violation:
            return errors.again(violation)
        return None

    def _arrived_until(self, end: int, keep: int = 0) -> bytes:
        """Return what has arrived up to ``end``; keep the last ``keep`` bytes of it."""
        taken = self._part(self._handed_on, end)
        kept = min(end, keep)
        del self._arrived[: end - kept]
        self._handed_on = kept
        return taken

    def _part(self, start: int, end: int) -> bytes:
        """Return some of what has arrived.

        Not as a slice of the bytearray: without memory for it, CPython prints a SystemError.
        """
        if end - start == len(self._arrived):
            return bytes(self._arrived)
        return bytes(memoryview(self._arrived)[start:end])

    def _put(self, event: Any) -> None:
        if self._events is None:
            self._events = deque()
        self._events.append(event)

    def _refuse(self) -> None:
        """Raise what stopped the decoder, unless there are events to take before that."""
        if self._failure is not None:
            raise _arguments.decoder_failed(self._failure)
        if self._violation is None:
            raise _arguments.decoder_unmade()
        if self._raised:
            errors.raise_again(self._violation)

    def _consume(self, chunk: bytes) -> None:
        at = 0
        while not self._closed:
            if self._frame is None:
                at = self._read_header(chunk, at)
                if self._frame is None:
                    return
                self._received = 0
                self._begin(self._frame)
            frame = self._frame
            taken = chunk[at : at + frame.payload_length - self._received]
            at += len(taken)
            if taken:
                self._take(frame, xor(taken, frame.key, self._received) if frame.key else taken)
                self._received += len(taken)
            if self._received < frame.payload_length:
                return
            self._frame = None
            self._end(frame)

    def _read_header(self, chunk: bytes, at: int) -> int:
        """Read a header, or as much of it as there is; return where it ends."""
        carried = len(self._head)
        head = self._head + chunk[at : at + MAX_HEADER - carried]
        self._frame = self._judge(head)
        if self._frame is None:
            self._head = head
            return len(chunk)
        self._head = b""
        return at + self._frame.size - carried

    def _judge(self, head: bytes) -> Header | None:
        """Judge the bytes of a header; return it if it is whole (section 5.2)."""
        if not head:
            return None
        first = head[0]
        self._judge_first(first)
        if len(head) < 2:
            return None
        self._judge_second(first & 0x0F, head[1])
        length = head[1] & 0x7F
        used = 2
        if length > 125:
            used = 4 if length == 126 else 10
            if used == 10 and len(head) > 2 and head[2] & 0x80:
                raise errors.length_64_bits()
            if len(head) < used:
                return None
            length = int.from_bytes(head[2:used], "big")
            if length <= (125 if used == 4 else 0xFFFF):
                raise errors.length_not_minimal()
        if not first & CONTROL:
            self._judge_length(first, length)
        if not self._expect_masked:
            return Header(first, b"", used, length)
        if len(head) < used + 4:
            return None
        return Header(first, head[used : used + 4], used + 4, length)

    def _judge_first(self, first: int) -> None:
        opcode = first & 0x0F
        allowed = self._reserved_bits | (self._first_bits if opcode in (1, 2) else 0)
        if first & RSV & ~allowed:
            raise errors.reserved_bits(first, self._reserved_bits, self._first_bits)
        if opcode > 10 or 2 < opcode < 8:
            raise errors.reserved_opcode(opcode)
        if opcode & CONTROL:
            if not first & FIN:
                raise errors.fragmented_control(opcode)
        else:
            self._judge_sequence(opcode)

    def _judge_second(self, opcode: int, second: int) -> None:
        masked = bool(second & MASKED)
        if masked != self._expect_masked:
            raise errors.mask_bit(masked)
        if opcode & CONTROL:
            if second & 0x7F > 125:
                raise errors.long_control(opcode)
            if opcode == Opcode.CLOSE and second & 0x7F == 1:
                raise errors.short_close()

    def _judge_length(self, first: int, length: int) -> None:
        if length > self._max_frame_size:
            raise errors.frame_too_big(length, self._max_frame_size)

    # What the two decoders do differently.

    def _hand_on(self) -> None:
        """Queue what has arrived of a message, if parts are wanted."""

    def _judge_sequence(self, opcode: int) -> None:
        """Judge a data frame by what came before it."""

    def _begin(self, frame: Header) -> None:
        """Prepare for the payload of a frame."""
        raise NotImplementedError

    def _take(self, frame: Header, payload: bytes) -> None:
        """Take the next bytes, unmasked, of the payload."""
        raise NotImplementedError

    def _end(self, frame: Header) -> None:
        """Finish a frame, whose payload is whole."""
        raise NotImplementedError

    def _discard(self) -> None:
        """Drop the payload or message that is arriving."""
        self._arrived, self._handed_on = bytearray(), 0
