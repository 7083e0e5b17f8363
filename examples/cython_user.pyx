# cython: language_level=3
"""A Cython module of somebody else's that masks and validates with wsfast, without the GIL.

    cythonize -i -3 cython_user.pyx     with CFLAGS="-I$(python -c 'import wsfast; print(wsfast.get_include())')"
"""

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from wsfast.c_api cimport (
    wsfast_import, wsfast_mask, wsfast_mask_validate, wsfast_pending_count, wsfast_validate,
)

wsfast_import()


def mask(uint8_t[::1] payload, const uint8_t[::1] key not None, uint64_t offset=0):
    """Mask or unmask the payload in place."""
    if key.shape[0] != 4:
        raise ValueError(f"a masking key has 4 bytes, not {key.shape[0]}")
    if payload.shape[0] == 0:
        return
    with nogil:
        wsfast_mask(&payload[0], &payload[0], payload.shape[0], &key[0], offset)


def first_fault(fragments):
    """Return the offset in the message at which it stops being UTF-8; None if it is."""
    cdef uint32_t pending = 0
    cdef const uint8_t[::1] fragment
    cdef size_t index
    offset = 0
    for fragment in fragments:
        if fragment.shape[0] == 0:
            continue
        with nogil:
            index = wsfast_validate(&fragment[0], fragment.shape[0], &pending)
        if index != <size_t>fragment.shape[0]:
            return offset + index - wsfast_pending_count(pending)
        offset += index
    return None if pending == 0 else offset - wsfast_pending_count(pending)


def unmask_text(uint8_t[::1] payload not None, const uint8_t[::1] key not None):
    """Unmask a payload in place, and tell whether it is whole UTF-8, in one pass."""
    cdef uint32_t pending = 0
    cdef size_t n = payload.shape[0], index
    if key.shape[0] != 4:
        raise ValueError(f"a masking key has 4 bytes, not {key.shape[0]}")
    if n == 0:
        return True
    with nogil:
        index = wsfast_mask_validate(&payload[0], &payload[0], n, &key[0], 0, &pending)
    return index == n and pending == 0
