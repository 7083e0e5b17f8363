# Masking (RFC 6455 section 5.3): byte i of a payload XOR byte i mod 4 of the key.
#
# Invariant: as its twin, _pure/mask.py.

cdef inline int read_key(object masking_key, uint8_t *key) except -1:
    """Copy the 4 bytes of a masking key."""
    cdef View view
    open_view(&view, masking_key, "masking_key")
    cdef size_t size = view.size
    if size == 4:
        memcpy(key, view.data, 4)
    close_view(&view)
    if size != 4:
        raise _arguments.bad_key_length(size)
    return 0


cdef inline uint32_t key_word(object masking_key, PyObject *offset) except? 0:
    """Return the key word (config.h) for the payload byte at ``offset``, by default 0."""
    cdef uint8_t key[4]
    cdef int overflow = 0
    cdef long long start = -1
    read_key(masking_key, key)
    if offset is NULL:
        return wsf_key_at(key, 0)
    if PyLong_CheckExact(<object>offset):
        start = PyLong_AsLongLongAndOverflow(<object>offset, &overflow)
    if start < 0:
        start = _arguments.check_offset(<object>offset)
    return wsf_key_at(key, <uint64_t>start)


cdef object masked_copy(object data, object masking_key, PyObject *offset):
    """Implement ``apply_mask`` (calls.pxi)."""
    cdef View view
    cdef uint32_t key
    cdef uint8_t *to
    open_view(&view, data, "data")
    try:
        key = key_word(masking_key, offset)
        masked = bytes_of(NULL, view.size)
        to = <uint8_t *>PyBytes_AS_STRING(masked)
        if view.size < RELEASE_GIL_FROM:
            wsf_kernels().mask(to, view.data, view.size, key)
        else:
            with nogil:
                wsf_kernels().mask(to, view.data, view.size, key)
    finally:
        close_view(&view)
    return masked


cdef int mask_inplace(object buffer, object masking_key, PyObject *offset) except -1:
    """Implement ``apply_mask_inplace`` (calls.pxi)."""
    cdef View view
    cdef uint32_t key
    cdef uint8_t *to
    if WSF_HAS_GIL and PyByteArray_CheckExact(buffer):
        # Nothing resizes it between here and the end; key_word may run Python code.
        key = key_word(masking_key, offset)
        to = <uint8_t *>PyByteArray_AS_STRING(buffer)
        wsf_kernels().mask(to, to, <size_t>PyByteArray_GET_SIZE(buffer), key)
        return 0
    open_buffer(&view, buffer, "buffer", PyBUF_SIMPLE | PyBUF_WRITABLE)
    try:
        key = key_word(masking_key, offset)
        wsf_kernels().mask(<uint8_t *>view.data, view.data, view.size, key)
    finally:
        close_view(&view)
    return 0


def mask_with(masking_key, buffer, /):
    mask_inplace(buffer, masking_key, NULL)


def new_masking_key():
    # Each thread fetches entropy for 256 keys at a time, and fetches it again after a fork.
    cdef uint8_t key[4]
    take_key(key)
    return bytes_of(key, 4)


cdef inline int take_key(uint8_t *key) except -1:
    while not wsf_key_take(key):
        fill_pool()
    return 0


cdef int fill_pool() except -1:
    # Tests replace os.urandom, so what it returns may be anything.
    entropy = _arguments.check_entropy(os.urandom(WSF_KEY_POOL_SIZE), WSF_KEY_POOL_SIZE)
    wsf_key_fill(<const uint8_t *>PyBytes_AS_STRING(entropy))
    return 0


def drop_masking_keys():
    """Forget the entropy fetched so far, as the child of a fork does; for tests."""
    wsf_key_drop_all()


if wsf_key_watch_forks() != 0:
    raise MemoryError("no memory to have masking keys dropped after a fork")
