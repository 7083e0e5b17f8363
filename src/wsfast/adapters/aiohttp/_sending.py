"""What is sent: from ``send_str()`` and ``send_frame()`` to the transport.

While more messages wait for the application, what it sends is gathered.

Invariant: the frames are those that aiohttp would have written, and whatever can go wrong with
them goes wrong in its code.
"""

from __future__ import annotations

import functools
import zlib
from types import MethodType
from typing import Any

from ..._backend import encode_frame, new_masking_key
from .._gathering import Gathered
from ._library import BINARY, TEXT, is_own, own


class _Held(Gathered):
    """The frames that an aiohttp writer holds back.

    It takes the place of the writer's method that writes a frame, so that whatever aiohttp
    writes next goes out after these frames.
    """

    __slots__ = ("_name", "_writer")

    def __init__(self, writer: Any, name: str) -> None:
        super().__init__()
        self._writer, self._name = writer, name
        setattr(writer, name, self)

    def __call__(self, *arguments: Any) -> None:
        self.write()
        getattr(self._writer, self._name)(*arguments)

    def write(self) -> None:
        """Write the frames, and put the writer's method back."""
        frames, transport = self.leave(), self._writer.transport
        if frames and not transport.is_closing():
            transport.write(frames)

    def leave(self, last: bytes = b"") -> bytes:
        """Put the writer's method back; return the bytes of all frames, and of one more."""
        if vars(self._writer).get(self._name) is self:
            delattr(self._writer, self._name)
        return self.take(last)


def _hand_over(writer: Any, frame: bytes, size: int, held: _Held | None, name: str) -> bool:
    """Write a frame, or hold it in the place of the method ``name``.

    Returns:
        Whether there is now too much to send, with ``size`` bytes since that was checked.
    """
    protocol, full = writer.protocol, size > writer._limit
    if name and not (full or protocol._paused):
        if held is None:
            held = _Held(writer, name)
        if held.can_hold(len(frame)):
            writer._output_size = size
            held.hold(frame)
            if not held.flush_is_due:
                held.flush_is_due = True
                protocol._loop.call_soon(held.write)
            return False
        frame = held.take(frame)
    elif held is not None:
        frame = held.leave(frame)
    writer.transport.write(frame)
    writer._output_size = 0 if full else size
    paused: bool = full and protocol._paused
    return paused


def _make_compress(library: Any) -> Any:
    """Return a function that compresses as a writer does, unless aiohttp has to."""
    kind, name = library.WebSocketWriter, "_send_compressed_frame_sync"
    since_3_13 = hasattr(kind, name)  # before, each compressor had a lock
    (method,) = own(kind, name if since_3_13 else "_make_compress_obj")
    backend = getattr(library, "ZLibBackend", zlib)

    def new_compressor(writer: Any) -> Any:
        if since_3_13:
            return writer._get_compressor(None)
        writer._compressobj = writer._make_compress_obj(writer.compress)
        return writer._compressobj

    def compress(writer: Any, payload: Any) -> bytes | None:
        """Return a compressed payload; ``None`` if aiohttp has to compress it."""
        if type(payload) is str:
            payload = payload.encode("utf-8")
        found = writer._send_compressed_frame_sync if since_3_13 else writer._make_compress_obj
        if (
            len(payload) > library.WEBSOCKET_MAX_SYNC_CHUNK_SIZE
            or type(found) is not MethodType
            or found.__func__ is not method
        ):
            return None
        compressor = writer._compressobj or new_compressor(writer)
        lock = writer._send_lock if since_3_13 else compressor._compress_lock
        if lock._locked or lock._waiters:  # a thread compresses a longer message
            return None
        mode = backend.Z_FULL_FLUSH if writer.notakeover else backend.Z_SYNC_FLUSH
        data: bytes = compressor.compress_sync(payload) + compressor.flush(mode)
        return data.removesuffix(library.WS_DEFLATE_TRAILING)

    return compress


def _make_choose_key(library: Any) -> Any:
    """Return a function that chooses the masking key of a writer's next frame."""
    from aiohttp._websocket.helpers import PACK_RANDBITS as pack_bits

    defaults = library.WebSocketWriter.__init__.__kwdefaults__ or {}
    random_bits = defaults["random"].getrandbits

    def choose_key(writer: Any) -> bytes:
        bits = writer.get_random_bits
        if getattr(bits, "func", None) == random_bits:
            return new_masking_key()
        key: bytes = pack_bits(bits())  # somebody chooses them
        return key

    return choose_key


def _make_write() -> Any:
    """Return a function that writes a message in one frame, unless aiohttp has to."""
    from aiohttp._websocket import writer as library

    kind, name = library.WebSocketWriter, "_write_websocket_frame"  # since 3.13
    gathers = hasattr(kind, name)
    (method,) = own(kind, name if gathers else "close")
    compress, choose_key = _make_compress(library), _make_choose_key(library)

    def write(writer: Any, opcode: int, payload: Any) -> bool | None:
        """Write or hold a frame; return whether there is now too much to send.

        ``None`` if aiohttp has to write the message.
        """
        if type(writer) is not kind or writer._closing:
            return None
        held: Any = writer._write_websocket_frame if gathers else writer.close
        if type(held) is MethodType and held.__func__ is method:
            held = None
        elif type(held) is not _Held:
            return None
        transport = writer.transport
        if transport.is_closing():
            return None
        if writer.compress:
            payload = compress(writer, payload)
            if payload is None:
                return None
            key = choose_key(writer) if writer.use_mask else None
            frame = encode_frame(opcode, payload, rsv1=True, masking_key=key)
        elif writer.use_mask:
            frame = encode_frame(opcode, payload, masking_key=choose_key(writer))
        else:
            frame = encode_frame(opcode, payload)
        protocol: Any = writer.protocol
        try:
            waits = gathers and bool(protocol._payload_parser._to._buffer)
        except AttributeError:  # not our reader
            waits = False
        size = writer._output_size + len(frame)
        if waits or held is not None or size > writer._limit:
            return _hand_over(writer, frame, size, held, name if waits else "")
        transport.write(frame)
        writer._output_size = size
        return False

    return write


def make_send_frame(original: Any) -> Any:
    if not is_own(original):
        return original
    from aiohttp._websocket.helpers import MSG_SIZE as longest  # it joins header and payload

    write = _make_write()

    @functools.wraps(original)
    async def send_frame(self: Any, message: Any, opcode: int, compress: int | None = None) -> None:
        paused = None
        if (
            opcode in (TEXT, BINARY)
            and not compress
            and (type(message) is bytes or type(message) is bytearray)
            and (self.use_mask or len(message) <= longest)
        ):
            paused = write(self, opcode, message)
        if paused is None:
            await original(self, message, opcode, compress)
        elif paused:
            await self.protocol._drain_helper()

    return send_frame


def make_send_str(original: Any) -> Any:
    if not is_own(original):
        return original
    from aiohttp._websocket.writer import WebSocketWriter

    write, (send_frame,) = _make_write(), own(WebSocketWriter, "send_frame")

    @functools.wraps(original)
    async def send_str(self: Any, data: str, compress: int | None = None) -> None:
        writer, paused = self._writer, None
        if (
            type(data) is str
            and not compress
            and writer is not None
            and type(found := writer.send_frame) is MethodType
            and found.__func__ is send_frame
        ):
            paused = write(writer, TEXT, data)
        if paused is None:
            await original(self, data, compress)
        elif paused:
            await writer.protocol._drain_helper()

    return send_str
