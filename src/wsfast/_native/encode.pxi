# Frames (RFC 6455 section 5): encode one, or many for one write.
#
# Invariant: as its twin, _pure/frames.py: what a remote would have to refuse is not encoded;
# header and payload are written, and the payload masked, where they will be sent from.
#
#     encode_frame (calls.pxi) -> encode_one_frame -> write_one_frame \  wsf_frame_header_write
#     encode_frames            -> append_frame                       /  write_text (strings.pxi)

cdef object encode_one_frame(
    object opcode, object payload, bint fin, bint rsv1, PyObject *masking_key
):
    """Do what ``encode_frame`` (calls.pxi) is called for."""
    cdef View view
    cdef Utf8 text
    open_payload(&view, &text, payload)
    try:
        return write_one_frame(&text, payload, opcode, fin, rsv1, masking_key)
    finally:
        close_view(&view)


cdef object write_one_frame(
    const Utf8 *text, object payload, object opcode, bint fin, bint rsv1, PyObject *masking_key
):
    """Write header and payload, masked, into new bytes, and return them."""
    cdef uint8_t head[WSF_MAX_HEADER]
    cdef uint8_t key[4]
    cdef uint8_t *to
    cdef PyObject *frame
    cdef size_t used, size
    cdef uint8_t first = opcode_to_send(opcode, fin, text.size)
    cdef bint masked = masking_key is not NULL and <object>masking_key is not None
    first |= (0x80 if fin else 0) | (0x40 if rsv1 else 0)
    if masked:
        read_key(<object>masking_key, key)
    used = wsf_frame_header_write(head, first, text.size, key if masked else NULL)
    frame = new_bytes(NULL, <Py_ssize_t>(used + text.room))
    try:
        to = <uint8_t *>PyBytes_AS_STRING(<object>frame)
        size = write_text(to + used, text, payload, wsf_key_at(key, 0) if masked else 0)
        if size != text.size:
            wsf_frame_header_write(head, first, size, key if masked else NULL)
        memcpy(to, head, used)
        if size != text.room:
            _PyBytes_Resize(&frame, <Py_ssize_t>(used + size))
        return <object>frame
    finally:
        Py_XDECREF(frame)


cdef inline int open_payload(View *view, Utf8 *text, object payload) except -1:
    """Open what is to be sent, a ``str`` or bytes; the view must be closed."""
    if isinstance(payload, str):
        view.held = False
        return open_text(text, payload)
    if not PyBytes_CheckExact(payload) and not PyObject_CheckBuffer(payload):
        raise _arguments.not_a_payload("payload", payload)
    open_view(view, payload, "payload")
    text.width = 0
    text.units = view.data
    text.size = text.count = text.room = view.size
    return 0


def encode_frames(frames, *, masked=False):
    cdef Batch batch
    batch.data = NULL
    batch.size = batch.capacity = 0
    batch.number = len(<list>frames) if type(frames) is list else 0
    try:
        for item in frames:
            append_frame(&batch, item, masked)
        if batch.data is NULL:
            return b""
        _PyBytes_Resize(&batch.data, <Py_ssize_t>batch.size)
        return <object>batch.data
    finally:
        Py_XDECREF(batch.data)


cdef enum:
    MAX_EXPECTED = 65536  # bytes to allocate for frames that were not yet looked at


cdef struct Batch:
    PyObject *data  # bytes that nobody else knows of yet
    size_t size       # of what is written
    size_t capacity
    size_t number     # of frames that are to come, 0 if nobody knows


cdef uint8_t *batch_reserve(Batch *batch, size_t more) except NULL:
    """Return where to write so many bytes; at first, expect frames of one size."""
    cdef size_t needed = batch.size + more
    cdef size_t expected
    if batch.data is NULL:
        expected = MAX_EXPECTED if batch.number > MAX_EXPECTED // more else more * batch.number
        batch.capacity = max(needed, expected)
        batch.data = new_bytes(NULL, <Py_ssize_t>batch.capacity)
    elif needed > batch.capacity:
        batch.capacity = needed + needed // 2
        _PyBytes_Resize(&batch.data, <Py_ssize_t>batch.capacity)
    return <uint8_t *>PyBytes_AS_STRING(<object>batch.data) + batch.size


cdef int append_frame(Batch *batch, object item, bint masked) except -1:
    cdef View view
    cdef Utf8 text
    cdef uint8_t key[4]
    cdef uint8_t *to
    cdef uint8_t first = 0x80
    cdef size_t used, size
    if isinstance(item, Frame):
        opcode, payload = (<Frame>item).opcode, (<Frame>item).payload
        first = (<Frame>item).first & 0xF0
    elif isinstance(item, tuple) and len(<tuple>item) == 2:
        opcode, payload = item
    else:
        raise _arguments.not_a_frame(item)
    open_payload(&view, &text, payload)
    try:
        first |= opcode_to_send(opcode, first & 0x80 != 0, text.size)
        if masked:
            take_key(key)
        to = batch_reserve(batch, WSF_MAX_HEADER + text.room)
        used = wsf_frame_header_write(to, first, text.size, key if masked else NULL)
        size = write_text(to + used, &text, payload, wsf_key_at(key, 0) if masked else 0)
        if size != text.size:
            wsf_frame_header_write(to, first, size, key if masked else NULL)
        batch.size += used + size
    finally:
        close_view(&view)
    return 0


cdef inline uint8_t opcode_to_send(object opcode, bint fin, size_t length) except 0xFF:
    """Return the opcode if such a frame can be sent, else raise what is wrong with it."""
    cdef int overflow = 0
    cdef long long value = -1
    if PyLong_Check(opcode):
        value = PyLong_AsLongLongAndOverflow(opcode, &overflow)
    if 0 <= value <= 2:
        return <uint8_t>value
    if 8 <= value <= 10 and fin and length <= 125 and not (value == 8 and length == 1):
        return <uint8_t>value
    return _arguments.encodable_opcode(opcode, fin, length)
