# From ``str`` to UTF-8, straight from the storage of the string to where it will be sent.
#
# Invariant: a string can't change between its measuring and its encoding.

cdef struct Utf8:
    const uint8_t *units  # the storage of the string, from which
    size_t count          # so many code points
    unsigned width        # of so many bytes each; 0 stands for bytes that are UTF-8 already
    size_t size           # of the UTF-8
    uint8_t buffer[WSF_SHORT_BUFFER]  # of a short text, which is not measured first


cdef inline int open_text(Utf8 *text, object string) except -1:
    """Look at a ``str``, which must be kept while its UTF-8 is written.

    Raises UnicodeEncodeError, CPython's own, if it is short and has a lone surrogate.
    """
    text.units = <const uint8_t *>PyUnicode_DATA(string)
    text.count = text.size = <size_t>PyUnicode_GET_LENGTH(string)
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
        text.count = text.size
        return 0
    text.width = PyUnicode_KIND(string)
    if text.count < RELEASE_GIL_FROM:
        text.size = wsf_encoded_size(wsf_kernels(), text.units, text.width, text.count)
    else:
        with nogil:
            text.size = wsf_encoded_size(wsf_kernels(), text.units, text.width, text.count)
    if text.size > <size_t>PY_SSIZE_T_MAX - WSF_MAX_HEADER:
        raise MemoryError(f"the text takes {text.size} bytes in UTF-8")
    return 0


cdef int lone_surrogate(object string) except -1:
    """Have CPython say where it is."""
    PyUnicode_AsUTF8String(string)
    raise SystemError("CPython encoded a text in which wsfast found a surrogate")


cdef inline int write_text(uint8_t *to, const Utf8 *text, object string, uint32_t key) except -1:
    """Write the UTF-8 of a text, or bytes, masked with a key word, or not with 0.

    Raises UnicodeEncodeError if the string has a lone surrogate.
    """
    cdef size_t written
    if text.width == 0:
        if text.count < RELEASE_GIL_FROM:
            wsf_kernels().mask(to, text.units, text.count, key)
        else:
            with nogil:
                wsf_kernels().mask(to, text.units, text.count, key)
        return 0
    if text.count < RELEASE_GIL_FROM:
        written = wsf_encode(wsf_kernels(), to, text.units, text.width, text.count, key)
    else:
        with nogil:
            written = wsf_encode(wsf_kernels(), to, text.units, text.width, text.count, key)
    if written == WSF_SURROGATE:
        return lone_surrogate(string)
    return 0


def encode_utf8(text, /):
    cdef Utf8 source
    if not isinstance(text, str):
        raise _arguments.not_a_string("text", text)
    open_text(&source, text)
    if source.width == 0:
        return bytes_of(source.units, source.size)
    encoded = bytes_of(NULL, source.size)
    write_text(<uint8_t *>PyBytes_AS_STRING(encoded), &source, text, 0)
    return encoded
