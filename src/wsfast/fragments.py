"""Cut a message into fragments (RFC 6455 section 5.4), text between characters only.

Invariant: the payloads, joined, are the original payload; none is longer than ``size``.
"""

from __future__ import annotations

from ._arguments import integer
from ._backend import Frame, encode_utf8
from ._buffers import payload_bytes
from .opcodes import Opcode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from typing_extensions import Buffer


def fragment(opcode: int, payload: Buffer | str, size: int) -> Iterator[Frame]:
    """Cut a message into frames of at most ``size`` bytes of payload.

    RFC 6455 lets a fragment end inside a character.  Here fragments of text don't, because
    some receivers decode each fragment by itself.

    Args:
        opcode: ``Opcode.TEXT`` or ``Opcode.BINARY``.
        payload: any C-contiguous buffer, or a ``str``, which is sent as UTF-8.  Bytes are
            not validated: text that is not UTF-8 is cut at ``size``.
        size: in bytes, at least 1; for text at least 4, the longest character.

    Returns:
        An iterator over the frames: the first with the opcode, the others continuation
        frames, the last with FIN.  An empty message is one empty frame.

    Raises:
        TypeError: the payload is neither, or the size not an integer.
        ValueError: the opcode is neither, the size is too small, the buffer is not
            C-contiguous, or the text has a lone surrogate.

    >>> [(f.opcode.name, f.payload, f.fin) for f in fragment(1, "Größe", 4)]
    [('TEXT', b'Gr\\xc3\\xb6', False), ('CONTINUATION', b'\\xc3\\x9fe', True)]
    """
    if opcode not in (Opcode.TEXT, Opcode.BINARY):
        raise ValueError(f"opcode must be TEXT or BINARY, not {opcode!r}")
    size = check_size("size", size, 4 if opcode == Opcode.TEXT else 1)
    return _frames(Opcode(opcode), cut(opcode, payload, size))


def check_size(name: str, size: int, least: int) -> int:
    """Return the size of fragments."""
    size = integer(name, size)
    if size < least:
        raise ValueError(f"{name} must be at least {least}, not {size}: it counts bytes")
    return size


def cut(opcode: int, payload: Buffer | str, size: int) -> Iterator[tuple[memoryview, bool]]:
    """Return an iterator over the payloads of fragments, and whether each is the last.

    They are views of the payload in UTF-8, so that frames can be made without a copy.
    """
    data = encode_utf8(payload) if isinstance(payload, str) else payload_bytes(payload)
    return _cut(memoryview(data), size, opcode == Opcode.TEXT)


def _cut(data: memoryview, size: int, is_text: bool) -> Iterator[tuple[memoryview, bool]]:
    at = 0
    while True:
        end = min(at + size, len(data))
        if is_text and end < len(data):
            end = _between_characters(data, at, end)
        yield data[at:end], end == len(data)
        if end == len(data):
            return
        at = end


def _frames(opcode: Opcode, pieces: Iterator[tuple[memoryview, bool]]) -> Iterator[Frame]:
    for piece, last in pieces:
        yield Frame(opcode, bytes(piece), fin=last)
        opcode = Opcode.CONTINUATION


def _between_characters(data: memoryview, at: int, end: int) -> int:
    """Return the last place up to ``end`` where a character begins, if there is one."""
    for place in range(end, max(at, end - 4), -1):
        if data[place] & 0xC0 != 0x80:
            return place
    return end
