"""What is sent: from ``send()`` and ``broadcast()`` to the transport.

While the application has more messages to take, what it sends is gathered in
``Protocol.writes``: whatever websockets writes next, it writes after that.

Invariant: what arrives at the other end is what websockets would have sent, and whatever
can go wrong with it goes wrong in the code of websockets.
"""

from __future__ import annotations

import functools
from operator import attrgetter
from typing import Any

from ... import encode_frame, encode_utf8, new_masking_key
from .._gathering import Gathered
from ._library import Vetted, chooses_keys, has_attribute, own

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

TEXT, BINARY = 1, 2


class _Held(Gathered):
    """The frames that a connection holds back, in ``Protocol.writes``.

    Whenever code of websockets sends anything, it puts another list there. While this one is
    there, what was found when it was put there is still true.
    """

    __slots__ = ("is_same",)

    is_same: Callable[[], bool]  # whether the classes have not changed either


class _Library:
    """What is needed of the version of websockets that is installed."""

    def __init__(self) -> None:
        from websockets import frames, protocol
        from websockets.extensions import permessage_deflate

        self.client, self.open = protocol.CLIENT, protocol.OPEN
        self.frame = frames.Frame
        self.opcodes = {TEXT: frames.Opcode.TEXT, BINARY: frames.Opcode.BINARY}
        self.deflate = permessage_deflate.PerMessageDeflate
        self.protocol = protocol.Protocol
        (self.serialize,) = own(frames.Frame, "serialize")

    def can_encode(self, protocol: Any) -> bool:
        """Return whether ``encode`` may make the frames of a protocol.

        Nobody wants to see how they are made then, or chooses the masking keys.
        """
        return self.can_extend(protocol) and self.frame.serialize is self.serialize

    def can_extend(self, protocol: Any) -> bool:
        """Return whether neither the extensions nor the masking keys prevent that."""
        extensions = protocol.extensions
        return (
            not extensions or (len(extensions) == 1 and type(extensions[0]) is self.deflate)
        ) and not (protocol.side is self.client and chooses_keys())

    def encode(self, protocol: Any, opcode: int, payload: Any) -> bytes:
        """Return a message in one frame; compressed, if that was agreed on."""
        key = new_masking_key() if protocol.side is self.client else None
        extensions = protocol.extensions
        if not extensions:
            return encode_frame(opcode, payload, masking_key=key)
        data = encode_utf8(payload) if type(payload) is str else payload
        frame = extensions[0].encode(self.frame(self.opcodes[opcode], data))
        return encode_frame(opcode, frame.data, rsv1=frame.rsv1, masking_key=key)


def make_serialize(original: Any) -> Any:
    """Make what writes a frame."""

    @functools.wraps(original)
    def serialize(self: Any, *, mask: bool, extensions: Any = None) -> Any:
        if self.opcode > 7 or self.rsv1 or self.rsv2 or self.rsv3 or (mask and chooses_keys()):
            return original(self, mask=mask, extensions=extensions)
        frame = self
        for extension in extensions or ():
            frame = extension.encode(frame)
        if frame.rsv2 or frame.rsv3:
            return original(self, mask=mask, extensions=extensions)
        return encode_frame(
            frame.opcode,
            frame.data,
            fin=frame.fin,
            rsv1=frame.rsv1,
            masking_key=new_masking_key() if mask else None,
        )

    return serialize


def make_send_text(original: Any) -> Any:
    """Make ``Protocol.send_text``."""
    return _make_protocol_send(original, TEXT)


def make_send_binary(original: Any) -> Any:
    """Make ``Protocol.send_binary``."""
    return _make_protocol_send(original, BINARY)


def _make_protocol_send(original: Any, opcode: int) -> Any:
    library = _Library()
    (send_frame,) = own(library.protocol, "send_frame")
    can_encode, encode, open_state = library.can_encode, library.encode, library.open

    @functools.wraps(original)
    def send(self: Any, data: Any, fin: bool = True) -> None:
        if (
            fin is True
            and type(data) is bytes
            and self._state is open_state
            and not (self.debug or self.expect_continuation_frame)
            and type(self).send_frame is send_frame
            and can_encode(self)
        ):
            self.writes.append(encode(self, opcode, data))
        else:
            original(self, data, fin)

    return send


def _in_progress_name() -> str:
    """Return where an asyncio connection keeps the future of a fragmented message."""
    from websockets.asyncio.connection import Connection

    name = "send_in_progress"  # since 16.0
    return name if has_attribute(Connection, name) else "fragmented_send_waiter"


def _make_stands_aside(library: _Library) -> Any:
    from websockets.asyncio.connection import Connection

    in_progress, open_state = attrgetter(_in_progress_name()), library.open
    client, can_extend = library.client, library.can_extend
    vetted = Vetted(
        {
            Connection: ("send_context", "send_data", "drain"),
            library.protocol: ("send_text", "send_binary", "send_frame"),
        },
        {library.frame: ("serialize",)},
    )

    def look(connection: Any, protocol: Any) -> bool:
        """Return whether ``_Held`` frames may take the place of ``writes``, and put them there."""
        held = protocol.writes
        if (held and type(held) is not _Held) or in_progress(connection) is not None:
            return False
        state = vetted.state(type(connection), type(protocol))
        if state is None:
            return False
        if type(held) is not _Held:
            held = protocol.writes = _Held()
        held.is_same = state.is_same
        return True

    def stands_aside(connection: Any, protocol: Any) -> bool:
        """Return whether code of websockets has no part in sending a message.

        Then an open connection is between two messages, and nobody wants to see how they
        are sent.  The ``writes`` of its protocol are ``_Held`` then.
        """
        held = protocol.writes
        return (
            protocol._state is open_state
            and not (protocol.debug or protocol.expect_continuation_frame)
            and ((type(held) is _Held and held.is_same()) or look(connection, protocol))
            and ((not protocol.extensions and protocol.side is not client) or can_extend(protocol))
        )

    return stands_aside


def _opcode(kind: type, text: bool | None) -> int:
    """Return the opcode of a message, as ``text`` says; of exactly these values, as there."""
    if kind is str:
        return BINARY if text is False else TEXT
    return TEXT if text is True else BINARY


def _takes_text(function: Any) -> bool:
    """Return whether ``text`` is an argument; it is since 14.0 of ``send``, later of others."""
    return "text" in (function.__kwdefaults__ or ())


def _write_held(connection: Any) -> None:
    """Write what a connection holds, at the end of a turn of the event loop."""
    held, transport = connection.protocol.writes, connection.transport
    if type(held) is not _Held:
        return  # websockets has written it
    held.flush_is_due = False
    if not held or transport.is_closing():
        return
    frames = held.take()
    try:
        transport.write(frames)
    except Exception as error:  # noqa: BLE001 # as send_context() does
        since_16 = getattr(connection, "set_connection_exc", None)
        (since_16 or connection.set_recv_exc)(error)
        transport.abort()


def _hold(connection: Any, held: _Held, frame: bytes) -> bool:
    """Let a frame wait for the answers to the messages that wait; return whether it does."""
    if not held.can_hold(len(frame)):
        return False
    held.hold(frame)
    if not held.flush_is_due:
        held.flush_is_due = True
        connection.loop.call_soon(_write_held, connection)
    return True


def make_send(original: Any) -> Any:
    """Make ``Connection.send``."""
    library = _Library()
    stands_aside = _make_stands_aside(library)
    encode, client = library.encode, library.client
    takes_text = _takes_text(original)

    @functools.wraps(original)
    async def send(self: Any, message: Any, *, text: bool | None = None) -> None:
        protocol, kind = self.protocol, type(message)
        if not (
            (kind is str or kind is bytes)
            and (text is None or takes_text)
            and stands_aside(self, protocol)
        ):
            options = {} if text is None else {"text": text}
            await original(self, message, **options)
            return
        transport = self.transport
        try:
            opcode = (kind is bytes) + 1 if text is None else _opcode(kind, text)
            if protocol.extensions or protocol.side is client:
                frame = encode(protocol, opcode, message)
            else:
                frame = encode_frame(opcode, message)
        except Exception:  # for a lone surrogate, or for lack of memory
            async with self.send_context():
                raise
        held = protocol.writes
        if self.recv_messages.frames.queue and not (self.paused or transport.is_closing()):
            if _hold(self, held, frame):
                return
        elif held.in_burst:
            held.begin()
        if held:
            frame = held.take(frame)
        try:
            transport.write(frame)
        except Exception:  # noqa: BLE001 # as it does again
            async with self.send_context():
                protocol.writes.append(frame)
        if self.paused or transport.is_closing():
            async with self.send_context():
                pass  # that waits, and knows what to do if waiting fails

    return send


class _Unsent:
    """A connection whose transport refused a message, for websockets to report."""

    def __init__(self, connection: Any, in_progress: str, error: Exception) -> None:
        self.logger = connection.logger
        self.protocol = self
        self.state = connection.protocol.state
        setattr(self, in_progress, None)
        self._error = error

    def send_text(self, message: object) -> None:
        raise self._error

    send_binary = send_text


def make_broadcast(original: Any) -> Any:
    """Make ``broadcast``."""
    library = _Library()
    stands_aside = _make_stands_aside(library)
    encode, client, in_progress = library.encode, library.client, _in_progress_name()
    known = {"raise_exceptions"} | ({"text"} if _takes_text(original) else set())

    @functools.wraps(original)
    def broadcast(connections: Any, message: Any, *arguments: Any, **options: Any) -> None:
        kind, left = type(message), []
        if (kind is not str and kind is not bytes) or arguments or options.keys() - known:
            original(connections, message, *arguments, **options)
            return
        opcode = _opcode(kind, options.get("text"))
        payload = encode_utf8(message) if kind is str else message
        plain = None  # the frame that all get who don't get one of their own
        for connection in connections:
            protocol = connection.protocol
            if protocol.writes or not stands_aside(connection, protocol):
                left.append(connection)
                continue
            try:
                if protocol.extensions or protocol.side is client:
                    connection.transport.write(encode(protocol, opcode, payload))
                else:
                    plain = plain or encode(protocol, opcode, payload)
                    connection.transport.write(plain)
            except Exception as error:  # noqa: BLE001 # as websockets does
                left.append(_Unsent(connection, in_progress, error))
        if left:
            original(left, message, **options)

    return broadcast
