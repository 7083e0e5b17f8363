"""What each library calls for masking, UTF-8 and frames, beyond what ``wsfast bench`` measures.

The libraries and the work that they share are in src/wsfast/cli/_contenders.py; its table is
added to here.  One function a library and operation.  It prepares what can be prepared once a
connection and returns what is then called again and again, so that a row times what the library
does per payload and nothing else.

Invariant: imports a library only when it is its turn.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable
from typing import Any

import wsfast
from samples import KEY
from timing import Call
from wsfast.cli._contenders import CONTENDERS, row
from wsfast.cli._contenders import Call as Contender


def rows(operation: str) -> list[str]:
    """Return the peers that have a row for ``operation``, wsfast first."""
    return list(CONTENDERS[operation])


def contender(operation: str, peer: str) -> Contender:
    """Return what ``peer`` does for ``operation``, ready to be called.

    Raises:
        ModuleNotFoundError: the peer is not installed.
    """
    return CONTENDERS[operation][peer]()


# Masking: f(data) -> bytes, f(buffer) -> None in place.


@row("mask", "autobahn")
def _() -> Contender:
    from autobahn.websocket.xormasker import create_xor_masker

    return lambda data: (
        lambda payload: create_xor_masker(KEY, len(payload)).process(payload),
        data,
    )


@row("mask", "copy")
def _() -> Contender:
    return lambda data: (memoryview(data).tobytes,)


@row("mask in place", "wsfast")
def _() -> Contender:
    return lambda buffer: (wsfast.apply_mask_inplace, buffer, KEY)


@row("mask in place", "aiohttp")
def _() -> Contender:
    from aiohttp._websocket.mask import _websocket_mask_cython

    return lambda buffer: (_websocket_mask_cython, KEY, buffer)


# UTF-8: f(data) of well-formed text; what it returns is judged by ``accepted``.


@row("validate", "autobahn")
def _() -> Contender:
    from autobahn.nvx import Utf8Validator

    return Utf8Validator().validate


# To UTF-8: f(text) -> bytes, f(text) -> a client's frame.


@row("encode", "wsfast")
def _() -> Contender:
    return wsfast.encode_utf8


@row("encode", "cpython")
def _() -> Contender:
    return str.encode


@row("encode masked text frame", "wsfast")
def _() -> Contender:
    return Call(wsfast.encode_frame, 1, masking_key=KEY)


@row("encode masked text frame", "cpython and websockets")
def _() -> Contender:
    """Without the header, which websockets writes in Python."""
    from websockets.speedups import apply_mask

    return lambda text: apply_mask(text.encode(), KEY)


# UTF-8 in chunks: f(chunks) -> whether all of it is well-formed.


@row("validate in chunks", "wsfast")
def _() -> Contender:
    def validate(chunks: list[bytes]) -> bool:
        validator = wsfast.Utf8Validator()
        for chunk in chunks:
            validator.feed(chunk)
        validator.finish()
        return True

    return validate


@row("validate in chunks", "cpython")
def _() -> Contender:
    decoder = codecs.getincrementaldecoder("utf-8")

    def validate(chunks: list[bytes]) -> bool:
        decode = decoder().decode
        for chunk in chunks:
            decode(chunk)
        decode(b"", True)
        return True

    return validate


def _judged(make: Callable[[], Any]) -> Contender:
    def validate(chunks: list[bytes]) -> bool:
        validator = make()
        boundary = False
        for chunk in chunks:
            valid, boundary, _, _ = validator.validate(chunk)
            if not valid:
                return False
        return boundary

    return validate


@row("validate in chunks", "wsaccel")
def _() -> Contender:
    from wsaccel.utf8validator import Utf8Validator

    return _judged(Utf8Validator)


@row("validate in chunks", "autobahn")
def _() -> Contender:
    from autobahn.nvx import Utf8Validator

    return _judged(Utf8Validator)


# A fault: f(data) -> offset of the ill-formed sequence.


@row("fault in the last byte", "wsfast")
def _() -> Contender:
    def offset(data: bytes) -> int:
        try:
            wsfast.validate_utf8(data)
        except wsfast.InvalidUTF8 as violation:
            return violation.offset
        return -1

    return offset


@row("fault in the last byte", "cpython")
def _() -> Contender:
    def offset(data: bytes) -> int:
        try:
            data.decode()
        except UnicodeDecodeError as error:
            return error.start
        return -1

    return offset


# Frames: decoding f(wire) -> number of frames; encoding f(payload) -> bytes.


@row("decode frames", "wsfast")
def _() -> Contender:
    decoder = wsfast.FrameDecoder("server", max_frame_size=None)
    return lambda wire: len(list(decoder.feed(wire)))


@row("decode frames", "websockets")
def _() -> Contender:
    from websockets.protocol import State
    from websockets.server import ServerProtocol

    protocol = ServerProtocol(state=State.OPEN, max_size=None)

    def decode(wire: bytes) -> int:
        protocol.receive_data(wire)
        return len(protocol.events_received())

    return decode


@row("decode frames", "wsproto")
def _() -> Contender:
    from wsproto.frame_protocol import FrameProtocol

    protocol = FrameProtocol(client=False, extensions=[])

    def decode(wire: bytes) -> int:
        protocol.receive_bytes(wire)
        return len(list(protocol.received_frames()))

    return decode


@row("encode masked frame", "wsfast")
def _() -> Contender:
    return Call(wsfast.encode_frame, 2, each={"masking_key": wsfast.new_masking_key})


@row("encode masked frame", "websockets")
def _() -> Contender:
    from websockets.frames import Frame, Opcode

    return lambda payload: Frame(Opcode.BINARY, payload).serialize(mask=True)


@row("encode masked frame", "aiohttp")
def _() -> Contender:
    from aiohttp._websocket.writer import WebSocketWriter

    class Wire:
        written = b""

        def write(self, data: bytes) -> None:
            self.written = data

        def is_closing(self) -> bool:
            return False

    wire = Wire()
    writer = WebSocketWriter(None, wire, use_mask=True, limit=2**60)

    def encode(payload: bytes) -> bytes:
        try:
            writer.send_frame(payload, 2).send(None)
        except StopIteration:
            return wire.written
        raise AssertionError("the writer waits")

    return encode


@row("encode masked frame", "wsproto")
def _() -> Contender:
    from wsproto.frame_protocol import FrameProtocol

    protocol = FrameProtocol(client=True, extensions=[])
    return Call(protocol.send_data, fin=True)


@row("encode frame", "wsfast")
def _() -> Contender:
    return Call(wsfast.encode_frame, 2)


@row("encode frame", "websockets")
def _() -> Contender:
    from websockets.frames import Frame, Opcode

    return lambda payload: Frame(Opcode.BINARY, payload).serialize(mask=False)


@row("encode frame", "wsproto")
def _() -> Contender:
    from wsproto.frame_protocol import FrameProtocol

    protocol = FrameProtocol(client=False, extensions=[])
    return Call(protocol.send_data, fin=True)


# Frames for one write: f(payloads) -> bytes.


@row("encode masked frames for one write", "wsfast")
def _() -> Contender:
    encode = wsfast.encode_frames
    return lambda payloads: encode([(2, payload) for payload in payloads], masked=True)


@row("encode masked frames for one write", "wsfast-joined")
def _() -> Contender:
    key, encode = wsfast.new_masking_key, wsfast.encode_frame
    return lambda payloads: b"".join([encode(2, x, masking_key=key()) for x in payloads])


@row("encode masked frames for one write", "websockets")
def _() -> Contender:
    from websockets.frames import Frame, Opcode

    return lambda payloads: b"".join(
        [Frame(Opcode.BINARY, x).serialize(mask=True) for x in payloads]
    )


@row("encode masked frames for one write", "wsproto")
def _() -> Contender:
    from wsproto.frame_protocol import FrameProtocol

    protocol = FrameProtocol(client=True, extensions=[])
    return lambda payloads: b"".join([protocol.send_data(x, fin=True) for x in payloads])
