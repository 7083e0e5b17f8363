"""The bytes of any buffer that the caller passes.

Invariant: like the compiled twin, it accepts any C-contiguous buffer of any item type and
shape; anything else is a clear error.
"""

from __future__ import annotations

from . import _arguments

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing_extensions import Buffer


def bytes_of(data: Buffer, name: str = "data") -> bytes:
    """Return a copy of the bytes of ``data``, or ``data`` itself if it is ``bytes``."""
    if type(data) is bytes:
        return data
    try:
        view = memoryview(data)
    except TypeError:
        raise _arguments.not_a_buffer(name, data) from None
    with view:
        if not view.c_contiguous:
            raise _arguments.not_contiguous(name)
        return view.tobytes()


def payload_bytes(payload: Buffer | str, name: str = "payload") -> bytes:
    """Return the bytes to send of a text or of any C-contiguous buffer."""
    if isinstance(payload, str):
        return str.encode(payload)  # not what a subclass makes of it
    if type(payload) is bytes:
        return payload
    try:
        view = memoryview(payload)
    except TypeError:
        raise _arguments.not_a_payload(name, payload) from None
    return bytes_of(view, name)


def writable(data: Buffer, name: str) -> memoryview:
    """Return the bytes of a writable buffer, to be written to and then released."""
    try:
        view = memoryview(data)
    except TypeError:
        raise _arguments.not_a_buffer(name, data) from None
    if view.readonly:
        raise _arguments.read_only(name)
    if not view.c_contiguous:
        raise _arguments.not_contiguous(name)
    if view.nbytes == 0:
        return memoryview(bytearray())
    if view.format[-1:] in "bBchHiIlLqQnNfdP?" and len(view.format.lstrip("@")) == 1:
        return view.cast("B")
    import ctypes  # reaches items of any type, which memoryview can't cast

    return memoryview((ctypes.c_ubyte * view.nbytes).from_buffer(data)).cast("B")


def masking_key_bytes(masking_key: Buffer) -> bytes:
    """Return the 4 bytes of a masking key."""
    key = bytes_of(masking_key, "masking_key")
    if len(key) != 4:
        raise _arguments.bad_key_length(len(key))
    return key
