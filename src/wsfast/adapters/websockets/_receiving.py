"""What an asyncio connection receives, from ``data_received()`` to ``recv()``.

A message in one frame goes from the transport's bytes into the queue of ``recv()``; any
other frame is handed to the code of websockets, by itself, and what follows goes on here.

Invariant: the queue holds frames of websockets, or frames that its code can use like them;
the reader's buffer holds what is not yet a whole frame; a frame has been through the parser
of websockets, or it has not been begun.
"""

from __future__ import annotations

import functools
from typing import Any

from ... import InvalidUTF8, decode_utf8, encode_utf8, validate_utf8
from ..._backend import take_frame
from ._library import (
    ANY_SIZE,
    COMPRESSED_OR_NOT,
    MESSAGE,
    Limits,
    Vetted,
    frame_size,
    innermost,
    own,
)
from ._logging import log
from ._parsing import FRAMES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

LONG = 128  # bytes of text from which decode_utf8 takes less time than bytes.decode


class _Decoded:
    """A frame's payload, decoded as it was unmasked: a long text takes one pass, not two.

    Code that wants the bytes gets them, of the type that ``take_frame`` makes.
    """

    __slots__ = ("text",)

    text: str

    @property
    def data(self) -> bytes | bytearray:
        return encode_utf8(self.text)


class _DecodedUnmasked(_Decoded):
    """The same of a frame that was not masked."""

    __slots__ = ()

    @property
    def data(self) -> bytes | bytearray:
        return bytearray(encode_utf8(self.text))


class _Library:
    """What is needed of the version of websockets that is installed."""

    def __init__(self) -> None:
        from websockets import frames, protocol, streams
        from websockets.asyncio import connection, messages
        from websockets.exceptions import ProtocolError
        from websockets.extensions import permessage_deflate

        self.connection = connection.Connection
        self.assembler = messages.Assembler
        self.frame = frames.Frame
        self.text, self.binary = frames.Opcode.TEXT, frames.Opcode.BINARY
        self.text_frames: list[Any] = [  # by whether they were masked
            type("TextFrame", (payload, self.frame), {"opcode": self.text})
            for payload in (_DecodedUnmasked, _Decoded)
        ]
        self.invalid_data = frames.CloseCode.INVALID_DATA
        self.protocol = protocol.Protocol
        self.server, self.open = protocol.SERVER, protocol.OPEN
        self.limits = Limits(protocol.Protocol)
        self.deflate = permessage_deflate.PerMessageDeflate
        self.at_eof = streams.StreamReader.at_eof.__code__
        self.protocol_error = ProtocolError
        self.queue = messages.SimpleQueue


class _Untouched(list[Any]):
    """The list of events of a protocol, empty, after the connection was checked.

    Whenever code of websockets receives anything, it puts another list there. While this one
    is there, what the check found is still true.
    """

    __slots__ = ("extensions", "is_same", "wants_bytes")

    extensions: Any  # those of the protocol at that time
    is_same: Callable[[], bool]  # whether the classes have not changed either
    wants_bytes: bool  # whether the application has asked for a text as bytes


def _make_stands_aside(library: _Library) -> Any:
    under_way, at_eof, deflate = library.limits.under_way, library.at_eof, library.deflate
    assembler_type, queue_type = library.assembler, library.queue
    vetted = Vetted(
        {
            library.connection: ("send_data", "process_event"),
            library.protocol: ("receive_data", "recv_frame", "events_received", "parse"),
        },
        {
            assembler_type: ("put", "maybe_pause", "get"),
            queue_type: ("put", "get"),
            library.frame: ("check", "parse"),
        },
    )

    def waits(parser: Any) -> bool:
        """Return whether a parser waits for the next frame."""
        inner = parser.gi_yieldfrom
        if inner is not None and inner.gi_code is FRAMES:
            return inner.gi_yieldfrom is None
        if parser.gi_code.co_name != "parse":
            return False
        code = innermost(parser).gi_code
        return code is at_eof or code is FRAMES

    def stands_aside(connection: Any, protocol: Any) -> bool:
        """Return whether code of websockets has no part in the messages that come next.

        Then an open connection is between two messages, and nobody wants to see how they
        are received.  The ``events`` of its protocol are ``_Untouched`` then.
        """
        if protocol.debug or protocol.writes or protocol.events or under_way(protocol) is not None:
            return False
        extensions = protocol.extensions
        if extensions and (len(extensions) > 1 or type(extensions[0]) is not deflate):
            return False
        assembler = connection.recv_messages
        if (
            type(assembler) is not assembler_type
            or type(assembler.frames) is not queue_type
            or assembler.closed
        ):
            return False
        state = vetted.state(type(connection), type(protocol))
        if state is None or not waits(protocol.parser):
            return False
        events = protocol.events = _Untouched()
        events.is_same, events.extensions = state.is_same, extensions
        events.wants_bytes = False
        return True

    return stands_aside


def _wake(frames: Any) -> None:
    """Wake who waits for a frame, if one is there."""
    waiter = frames.get_waiter
    if waiter is not None and frames.queue and not waiter.done():
        waiter.set_result(None)


def _make_message(library: _Library) -> Any:
    frame_type, text, binary = library.frame, library.text, library.binary
    text_frames, server = library.text_frames, library.server
    new = frame_type.__new__

    def message(protocol: Any, taken: Any, most: int | None) -> Any:
        """Return the frame of a message, inflated.

        ``None`` if websockets has to judge it; ``False`` if it failed the connection.
        """
        first, payload, _, is_text = taken
        if type(payload) is str:
            frame = new(text_frames[protocol.side is server])
            frame.text = payload
            return frame
        if is_text or first == 0x82:
            frame = new(frame_type)
            frame.opcode, frame.data = text if is_text else binary, payload
            return frame
        if first not in COMPRESSED_OR_NOT or first in MESSAGE or not protocol.extensions:
            return None
        frame = frame_type(text if first == 0xC1 else binary, payload, True, True)
        try:
            frame = protocol.extensions[0].decode(frame, max_size=most)
        except Exception as error:  # noqa: BLE001 # the parser knows what each of them means
            protocol.parser.throw(error)
            return False
        if first == 0xC1:
            try:
                validate_utf8(frame.data)
            except InvalidUTF8 as violation:
                protocol.fail(library.invalid_data, violation.close_reason)
                protocol.parser_exc = violation
                log(protocol, violation, frame.data)
                return False
        return frame

    return message


def _make_partial_size(library: _Library) -> Any:
    server = library.server

    def partial_size(protocol: Any, data: Any, limit: int) -> int:
        """Return ``frame_size`` of data that may begin the frame of a message."""
        firsts = COMPRESSED_OR_NOT if protocol.extensions else MESSAGE
        return frame_size(data, firsts, protocol.side is server, limit)

    return partial_size


def _make_take_other(original: Any, library: _Library, message: Any, stands_aside: Any) -> Any:
    open_state = library.open

    def take_other(
        connection: Any, protocol: Any, taken: Any, data: bytes, at: int, most: int | None
    ) -> tuple[int, bool]:
        """Take a compressed frame, a control frame or an invalid one.

        Returns the offset of what is left in data, and whether code of websockets has no part
        in it.
        """
        first, payload, end, _ = taken
        frames = connection.recv_messages.frames
        frame = message(protocol, taken, most)
        if frame:
            frames.queue.append(frame)
            return end, True
        if frame is None and first & 8 and (most is None or len(payload) <= most):
            _wake(frames)
            original(connection, data[at:end])
            return end, protocol._state is open_state and stands_aside(connection, protocol)
        return at if frame is None else end, False

    return take_other


def _make_go_on(original: Any, library: _Library, message: Any, partial_size: Any) -> Any:
    server = library.server

    def go_on(
        connection: Any, protocol: Any, data: bytes, append: Any, most: int | None
    ) -> tuple[bytes, int] | None:
        """Go on with the frame that is in the buffer.

        Returns what is to be looked at next, and from where; ``None`` if that is nothing.
        """
        limit = ANY_SIZE if most is None else most
        masked, buffer = protocol.side is server, protocol.reader.buffer
        whole = partial_size(protocol, buffer, limit)
        if whole <= 0:
            data = bytes(buffer) + data
            buffer.clear()
            return data, 0
        at = whole - len(buffer)
        with memoryview(data) as view:
            buffer += view[:at]
        if len(data) < at:
            return None
        taken = take_frame(buffer, 0, masked, limit, not protocol.events.wants_bytes)
        frame = taken and message(protocol, taken, most)
        if frame is not None:
            buffer.clear()
        if not frame:
            original(connection, data[at:])
            return None
        append(frame)
        return data, at

    return go_on


def make_data_received(original: Any) -> Any:
    """Make what a transport calls with what it received."""
    library = _Library()
    connection_type, server, open_state = library.connection, library.server, library.open
    frame_type, text, binary = library.frame, library.text, library.binary
    text_frames = library.text_frames
    new, room_after = frame_type.__new__, library.limits.room_after
    message, partial_size = _make_message(library), _make_partial_size(library)
    stands_aside = _make_stands_aside(library)
    take_other = _make_take_other(original, library, message, stands_aside)
    go_on = _make_go_on(original, library, message, partial_size)

    @functools.wraps(original)
    def data_received(self: Any, data: Any) -> None:
        """Take messages out of what arrived; let websockets take all else, in its place."""
        protocol = self.protocol
        events = protocol.events
        if (
            protocol._state is not open_state
            or type(data) is not bytes
            or (
                (
                    type(events) is not _Untouched
                    or events
                    or protocol.debug
                    or protocol.extensions is not events.extensions
                    or not events.is_same()
                )
                and not stands_aside(self, protocol)
            )
            # uvloop goes on calling us after restore().
            or connection_type.data_received is not data_received
        ):
            original(self, data)
            return
        assembler, most = self.recv_messages, room_after(protocol)
        limit = ANY_SIZE if most is None else most
        masked, buffer = protocol.side is server, protocol.reader.buffer
        frames = assembler.frames
        queue, decodes = frames.queue, not protocol.events.wants_bytes
        at = 0
        if buffer:
            left = go_on(self, protocol, data, queue.append, most)
            if left is None:
                return
            data, at = left
        size, ours = len(data), True
        while at < size:
            taken = take_frame(data, at, masked, limit, decodes)
            if taken is None:
                break
            first, payload, end, is_text = taken
            if type(payload) is str:
                frame = new(text_frames[masked])
                frame.text = payload
            elif is_text or first == 0x82:
                frame = new(frame_type)  # its other fields have their defaults in the class
                frame.opcode = text if is_text else binary
                frame.data = payload
            else:
                at, ours = take_other(self, protocol, taken, data, at, most)
                if not ours:
                    break
                continue
            queue.append(frame)
            at = end
        _wake(frames)
        if at < size or protocol.writes:
            rest = data[at:]
            if ours and rest and not protocol.writes and partial_size(protocol, rest, limit) >= 0:
                buffer += rest
            else:
                original(self, rest)
        # Last, as there: websockets writes what it has to answer before it pauses.
        if assembler.high is not None and len(queue) > assembler.high:
            assembler.maybe_pause()

    return data_received


_NOTHING = object()


def _make_take() -> Any:
    from websockets.frames import Opcode

    text = Opcode.TEXT

    def take(assembler: Any, decode: bool | None) -> Any:
        """Return the message at the head of the queue, as ``get`` does.

        ``_NOTHING`` if there is none, or if it is for ``get`` to put together or to refuse.
        """
        queue = assembler.frames.queue
        if not queue or assembler.get_in_progress:
            return _NOTHING
        frame = queue[0]
        if isinstance(frame, _Decoded) and (decode is None or decode):
            queue.popleft()
            if assembler.paused:
                assembler.maybe_resume()
            return frame.text
        data = frame.data
        kind = type(data)
        if not frame.fin or (kind is not bytes and kind is not bytearray):
            return _NOTHING
        if frame.opcode is text if decode is None else decode:
            try:
                data = decode_utf8(data) if len(data) >= LONG else data.decode()
            except ValueError:
                return _NOTHING
        elif kind is bytearray:
            data = bytes(data)
        queue.popleft()
        if assembler.paused:
            assembler.maybe_resume()
        return data

    return take


def _make_stands_aside_of_recv() -> Any:
    from websockets.asyncio.messages import Assembler, SimpleQueue

    vetted = Vetted({}, {Assembler: ("get",), SimpleQueue: ("get",)})

    def stands_aside(connection: Any, assembler: Any) -> bool:
        """Return whether nobody wants to see how messages are taken from the queue."""
        events = connection.protocol.events
        return (type(events) is _Untouched and events.is_same()) or (
            type(assembler) is Assembler
            and type(assembler.frames) is SimpleQueue
            and vetted.state() is not None
        )

    return stands_aside


def make_recv(original: Any) -> Any:
    """Make ``Connection.recv``."""
    take, stands_aside = _make_take(), _make_stands_aside_of_recv()

    @functools.wraps(original)
    async def recv(self: Any, decode: bool | None = None) -> Any:
        assembler = self.recv_messages
        if decode is not None and not decode:
            events = self.protocol.events
            if type(events) is _Untouched:
                events.wants_bytes = True
        if stands_aside(self, assembler):
            frames = assembler.frames
            if not (
                frames.queue
                or frames.get_waiter is not None
                or assembler.get_in_progress
                or assembler.closed
            ):
                assembler.get_in_progress = True
                waiter = frames.get_waiter = frames.loop.create_future()
                try:
                    await waiter
                except EOFError:
                    pass  # websockets says what has ended the connection
                finally:
                    waiter.cancel()
                    frames.get_waiter = None
                    assembler.get_in_progress = False
            message = take(assembler, decode)
            if message is not _NOTHING:
                return message
        return await original(self, decode)

    return recv


def make_aiter(original: Any) -> Any:
    """Make ``Connection.__aiter__``."""
    from websockets.asyncio.connection import Connection
    from websockets.exceptions import ConnectionClosedOK

    take, stands_aside = _make_take(), _make_stands_aside_of_recv()
    (recv,) = own(Connection, "recv")

    @functools.wraps(original)
    async def __aiter__(self: Any) -> Any:
        try:
            while True:
                assembler = self.recv_messages
                if (
                    assembler.frames.queue
                    and getattr(self.recv, "__func__", None) is recv
                    and stands_aside(self, assembler)
                ):
                    message = take(assembler, None)
                    if message is not _NOTHING:
                        yield message
                        continue
                yield await self.recv()
        except ConnectionClosedOK:
            return

    return __aiter__
