# From ``str`` to UTF-8, straight from the storage of the string to where it will be sent.
#
# Invariant: the size is known before a byte is written, and that of a lone surrogate is
# none: an encoder never meets one.  A string can't change in between.

cdef struct Utf8:
    const uint8_t *units  # the storage of the string, from which
    size_t count          # so many code points
    uint8_t width         # of so many bytes each; 0 stands for bytes that are UTF-8 already
    size_t size           # of the UTF-8


cdef inline int open_text(Utf8 *text, object string) except -1:
    """Measure a ``str``, which must be kept while it is encoded.

    Raises UnicodeEncodeError, CPython's own, if it has a lone surrogate.
    """
    cdef int width = PyUnicode_KIND(string)
    text.units = <const uint8_t *>PyUnicode_DATA(string)
    text.count = <size_t>PyUnicode_GET_LENGTH(string)
    if PyUnicode_IS_ASCII(string):
        text.width = 0
        text.size = text.count
        return 0
    text.width = <uint8_t>width
    if text.count < RELEASE_GIL_FROM:
        text.size = utf8_size(text)
    else:
        with nogil:
            text.size = utf8_size(text)
    if text.size > <size_t>PY_SSIZE_T_MAX:
        PyUnicode_AsUTF8String(string)  # says where the surrogate is, or that memory is short
        raise MemoryError("the text is too long to be encoded")
    return 0


cdef inline size_t utf8_size(const Utf8 *text) noexcept nogil:
    if text.width == 1:
        return wsf_kernels().latin1_size(text.units, text.count)
    if text.width == 2:
        return wsf_kernels().ucs2_size(<const uint16_t *>text.units, text.count)
    return wsf_kernels().ucs4_size(<const uint32_t *>text.units, text.count)


cdef inline void write_text(uint8_t *to, const Utf8 *text, uint32_t key) noexcept:
    """Write the UTF-8 of a text, or bytes, masked with a key word, or not with 0."""
    if text.size < RELEASE_GIL_FROM:
        encode_units(to, text, key)
    else:
        with nogil:
            encode_units(to, text, key)


cdef inline void encode_units(uint8_t *to, const Utf8 *text, uint32_t key) noexcept nogil:
    if text.width == 0:
        wsf_kernels().mask(to, text.units, text.count, key)
    elif text.width == 1:
        wsf_kernels().from_latin1(to, text.units, text.count, key)
    elif text.width == 2:
        wsf_kernels().from_ucs2(to, <const uint16_t *>text.units, text.count, key)
    else:
        wsf_kernels().from_ucs4(to, <const uint32_t *>text.units, text.count, key)


def encode_utf8(text, /):
    """Return the UTF-8 of a ``str`` (The Unicode Standard, section 3.9).

    Raises UnicodeEncodeError, as ``text.encode()`` does, if it has a lone surrogate;
    TypeError if it is not a ``str``.
    """
    cdef Utf8 source
    if not isinstance(text, str):
        raise _arguments.not_a_string("text", text)
    open_text(&source, text)
    encoded = bytes_of(NULL, source.size)
    write_text(<uint8_t *>PyBytes_AS_STRING(encoded), &source, 0)
    return encoded
