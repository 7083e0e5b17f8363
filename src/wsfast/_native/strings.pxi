# From ``str`` to UTF-8, straight from the storage of the string to where it will be sent.
#
# Invariant: a string can't change between its measuring and its encoding.

cdef struct Utf8:
    const uint8_t *units  # the storage of the string, from which
    size_t count          # so many code points
    unsigned width        # of so many bytes each; 0 stands for bytes that are UTF-8 already
    size_t size           # of the UTF-8; or, if `room` is larger, the most that it can be
    size_t room           # that it is written to
    uint8_t buffer[WSF_SHORT_BUFFER]  # of a short text, which is not measured first


cdef inline int open_text(Utf8 *text, object string) except -1:
    """Look at a ``str``, which must be kept while its UTF-8 is written.

    Raises UnicodeEncodeError, CPython's own, if it is short and has a lone surrogate.
    """
    text.units = <const uint8_t *>PyUnicode_DATA(string)
    text.count = text.size = text.room = <size_t>PyUnicode_GET_LENGTH(string)
    text.width = 0
    if PyUnicode_IS_ASCII(string):
        return 0
    if text.count <= WSF_SHORT:
        text.size = wsf_encode_units(
            wsf_kernels(), text.buffer, text.units, PyUnicode_KIND(string), text.count, 0
        )
        if text.size == WSF_SURROGATE:
            return lone_surrogate(string)
        text.units = text.buffer
        text.count = text.room = text.size
        return 0
    text.width = PyUnicode_KIND(string)
    if text.count <= WSF_ROOM // wsf_most_bytes(text.width):
        text.size = text.count * wsf_most_bytes(text.width)
        text.room = text.size + WSF_ENCODE_SLACK
        return 0
    if text.count < RELEASE_GIL_FROM:
        text.size = wsf_encoded_size(wsf_kernels(), text.units, text.width, text.count)
    else:
        with nogil:
            text.size = wsf_encoded_size(wsf_kernels(), text.units, text.width, text.count)
    if text.size > <size_t>PY_SSIZE_T_MAX - WSF_MAX_HEADER:
        raise MemoryError(f"the text takes {text.size} bytes in UTF-8")
    text.room = text.size
    return 0


cdef int lone_surrogate(object string) except -1:
    """Have CPython say where it is."""
    PyUnicode_AsUTF8String(string)
    raise SystemError("CPython encoded a text in which wsfast found a surrogate")


cdef inline size_t write_text(
    uint8_t *to, const Utf8 *text, object string, uint32_t key
) except? 0:
    """Write the UTF-8 of a text, or bytes, masked with a key word, or not with 0.

    Return its size.  Raises UnicodeEncodeError if the string has a lone surrogate.
    """
    cdef size_t written
    if text.width == 0:
        if text.count < RELEASE_GIL_FROM:
            wsf_kernels().mask(to, text.units, text.count, key)
        else:
            with nogil:
                wsf_kernels().mask(to, text.units, text.count, key)
        return text.count
    if text.room > text.size:
        written = wsf_encode_units(wsf_kernels(), to, text.units, text.width, text.count, key)
    elif text.count < RELEASE_GIL_FROM:
        written = wsf_encode(wsf_kernels(), to, text.units, text.width, text.count, key)
    else:
        with nogil:
            written = wsf_encode(wsf_kernels(), to, text.units, text.width, text.count, key)
    if written == WSF_SURROGATE:
        lone_surrogate(string)
    return written


cdef object written_text(const Utf8 *text, object string):
    """Return the UTF-8 of an opened text that is not written yet."""
    cdef size_t size
    cdef PyObject *encoded = new_bytes(NULL, <Py_ssize_t>text.room)
    try:
        size = write_text(<uint8_t *>PyBytes_AS_STRING(<object>encoded), text, string, 0)
        if size != text.room:
            _PyBytes_Resize(&encoded, <Py_ssize_t>size)
        return <object>encoded
    finally:
        Py_XDECREF(encoded)


cdef object encoded_text(object string):
    cdef Utf8 text
    open_text(&text, string)
    if text.width == 0:
        return bytes_of(text.units, text.size)
    return written_text(&text, string)


def encode_utf8(text, /):
    if not isinstance(text, str):
        raise _arguments.not_a_string("text", text)
    if PyUnicode_IS_ASCII(text):  # without the buffer and the calls that others need
        return bytes_of(
            <const uint8_t *>PyUnicode_DATA(text), <size_t>PyUnicode_GET_LENGTH(text)
        )
    return encoded_text(text)
