# The bytes of any buffer that the caller passes, and a store for bytes that must be kept.
#
# Invariant: the function that opens a view closes it, once the work on its bytes is done;
# a store grows with what arrived, by a quarter, so that filling it takes linear time.

# From this many bytes on, the work on a buffer that nobody can resize meanwhile is done
# without the GIL.  It takes about 1 ms then; releasing the GIL for shorter work can cost a
# whole switch interval (5 ms), after which a busy thread gives it back (bench/gil.py).
cdef enum:
    RELEASE_GIL_FROM = 1 << 24

cdef struct View:
    Py_buffer raw
    const uint8_t *data
    size_t size
    bint held
    uint8_t empty[1]


cdef inline int open_view(View *view, object data, const char *name) except -1:
    """Open any C-contiguous buffer for reading."""
    if PyBytes_CheckExact(data):
        view.data = <const uint8_t *>PyBytes_AS_STRING(data)
        view.size = <size_t>PyBytes_GET_SIZE(data)
        view.held = False
        return 0
    return open_buffer(view, data, name, PyBUF_SIMPLE)


cdef int open_buffer(View *view, object data, const char *name, int flags) except -1:
    try:
        PyObject_GetBuffer(data, &view.raw, flags)
    except TypeError:
        raise _arguments.not_a_buffer(name.decode(), data) from None
    except BufferError:
        if flags & PyBUF_WRITABLE and memoryview(data).readonly:
            raise _arguments.read_only(name.decode()) from None
        raise _arguments.not_contiguous(name.decode()) from None
    view.size = <size_t>view.raw.len
    # An empty buffer may be at NULL, which memcpy and pointer arithmetic do not allow.
    view.data = <const uint8_t *>view.raw.buf if view.size else view.empty
    view.held = True
    return 0


cdef inline void close_view(View *view) noexcept:
    if view.held:
        PyBuffer_Release(&view.raw)


cdef struct Store:
    uint8_t *data
    size_t size
    size_t capacity
    size_t handed_on  # the first so many were handed on, and are kept only for evidence


cdef uint8_t *store_reserve(Store *store, size_t more, uint64_t expected) except NULL:
    """Return where to put ``more`` bytes; ``expected`` (at least ``more``) are still to come.

    The store doesn't grow beyond what is expected, which is not allocated in advance.
    """
    cdef size_t needed = store.size + more
    cdef size_t capacity
    cdef uint8_t *data
    if needed > store.capacity or store.data is NULL:
        capacity = needed + needed // 4 + 64
        if capacity - store.size > expected:
            capacity = store.size + <size_t>expected
        data = <uint8_t *>PyMem_Realloc(store.data, capacity + (capacity == 0))
        if data is NULL:
            raise MemoryError(f"no memory for {capacity} bytes of an unfinished message")
        store.data = data
        store.capacity = capacity
    return store.data + store.size


cdef inline void store_hand_on(Store *store, size_t end, size_t keep) noexcept:
    """Drop the bytes before ``end``, which were handed on, except the last ``keep``."""
    cdef size_t kept = min(end, keep)
    memmove(store.data, store.data + end - kept, store.size - end + kept)
    store.size -= end - kept
    store.handed_on = kept


cdef inline void store_free(Store *store) noexcept:
    PyMem_Free(store.data)
    store.data = NULL
    store.size = store.capacity = store.handed_on = 0


cdef inline object bytes_of(const uint8_t *data, size_t size):
    return PyBytes_FromStringAndSize(<const char *>data, <Py_ssize_t>size)
