"""Masking (RFC 6455 section 5.3): byte i of a payload XOR byte i mod 4 of the key.

Invariant: the work is done on whole integers, never byte by byte in Python.
"""

from __future__ import annotations

import os

from .._arguments import check_entropy, check_offset
from .._buffers import bytes_of, masking_key_bytes, writable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing_extensions import Buffer

__all__ = ["apply_mask", "apply_mask_inplace", "mask_with", "new_masking_key"]


def xor(data: bytes | memoryview, key: bytes, offset: int) -> bytes:
    """Mask ``data``, whose first byte is payload byte ``offset``."""
    phase = offset % 4
    stream = (key[phase:] + key[:phase]) * (len(data) // 4 + 1)
    masked = int.from_bytes(data, "little") ^ int.from_bytes(stream[: len(data)], "little")
    return masked.to_bytes(len(data), "little")


def apply_mask(data: Buffer, masking_key: Buffer, offset: int = 0) -> bytes:
    """Return a copy of ``data`` masked, or unmasked, with ``masking_key``.

    Args:
        data: any C-contiguous buffer; it is not changed.
        masking_key: a buffer of exactly 4 bytes.
        offset: the index of the first byte of ``data`` in the payload, to mask a payload
            piece by piece.

    Returns:
        The masked bytes, as many as ``data`` has (RFC 6455 section 5.3).

    Raises:
        TypeError: an argument is not a buffer, or ``offset`` not an integer.
        ValueError: the key is not 4 bytes, a buffer is not C-contiguous, or ``offset``
            is negative or over 2**63 - 1.

    >>> apply_mask(b"Hello", bytes.fromhex("37fa213d")).hex()
    '7f9f4d5158'
    """
    return xor(bytes_of(data), masking_key_bytes(masking_key), check_offset(offset))


def apply_mask_inplace(buffer: Buffer, masking_key: Buffer, offset: int = 0) -> None:
    """Mask, or unmask, the bytes of ``buffer`` in place (RFC 6455 section 5.3).

    Args:
        buffer: any writable C-contiguous buffer; all its bytes are changed.
        masking_key: a buffer of exactly 4 bytes.
        offset: the index of the first byte of ``buffer`` in the payload.

    Raises:
        TypeError: ``buffer`` is read-only, an argument is not a buffer, or ``offset``
            not an integer.  Nothing was changed then.
        ValueError: as for ``apply_mask``.  Nothing was changed then.
    """
    with writable(buffer, "buffer") as view:
        view[:] = xor(view, masking_key_bytes(masking_key), check_offset(offset))


def mask_with(masking_key: Buffer, buffer: Buffer, /) -> None:
    """Call ``apply_mask_inplace(buffer, masking_key)``, for libraries that pass the key first."""
    apply_mask_inplace(buffer, masking_key)


def new_masking_key() -> bytes:
    """Return 4 unpredictable bytes from the operating system (RFC 6455 section 5.3)."""
    return check_entropy(os.urandom(4), 4)
