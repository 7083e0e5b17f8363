# Frames (RFC 6455 section 5): decode them, one at a time.
#
# Invariant: as its twin, _pure/frames.py: a header field is judged with the byte that
# completes it, before any payload is kept; a payload is unmasked as it arrives, and
# nothing is allocated for bytes that a header only announces.

@cython.no_gc_clear
@cython.final
cdef class FrameDecoder(Receiver):
    cdef bint wants_views
    cdef tuple opcodes
    cdef object frame_type  # kept here, because a lookup in the module takes longer

    def __cinit__(self):
        self.opcodes = _arguments.OPCODES
        self.frame_type = Frame

    def __init__(self, role, *, max_frame_size=2**20, reserved_bits=0, payload="bytes"):
        cdef int masked = usual_role(role)
        cdef int64_t frame_room = usual_limit(max_frame_size)
        cdef uint8_t allowed = 0
        cdef bint wants_views = False
        if (
            masked < 0
            or frame_room < 0
            or not PyLong_CheckExact(reserved_bits)
            or reserved_bits != 0
            or not is_word(payload, "bytes")
        ):
            rules = _arguments.FrameRules(role, max_frame_size, reserved_bits, payload)
            masked, frame_room = rules.masked, rules.max_frame_size
            allowed, wants_views = rules.reserved_bits, rules.wants_views
        with cython.critical_section(self):
            self.set_rules(masked, frame_room, allowed)
            self.wants_views = wants_views

    cdef int arrived(self, const uint8_t *p, size_t n) except -1:
        cdef uint32_t key = wsf_key_advance(self.frame.key, <size_t>(self.received & 3))
        cdef uint8_t *to
        if self.in_payload or self.received:
            to = store_reserve(&self.store, n, self.frame.payload_length - self.received)
            wsf_kernels().mask(to, p, n, key)
            self.store.size += n
            if not self.in_payload:
                payload = bytes_of(self.store.data, self.store.size)
                store_free(&self.store)
                self.put_frame(payload)
            return 0
        if self.wants_views and self.source is not NULL and not self.rules.masked:
            source = <object>self.source
            start = p - <const uint8_t *>PyBytes_AS_STRING(source)
            self.put_frame(memoryview(source)[start : start + <Py_ssize_t>n])
            return 0
        payload = bytes_of(NULL, n)
        wsf_kernels().mask(<uint8_t *>PyBytes_AS_STRING(payload), p, n, key)
        self.put_frame(payload)
        return 0

    def take_part(self):
        with cython.critical_section(self):
            if not self.in_payload or self.frame.first & WSF_CONTROL or not self.store.size:
                return None
            part = (
                self.opcodes[self.frame.first & WSF_OPCODE],
                self.frame.first & 0x80 != 0,
                bytes_of(self.store.data, self.store.size),
            )
            store_hand_on(&self.store, self.store.size, 0)  # nothing can fail after this
            return part

    cdef inline int put_frame(self, object payload) except -1:
        if self.wants_views and PyBytes_CheckExact(payload):
            payload = memoryview(payload)
        opcode = self.opcodes[self.frame.first & WSF_OPCODE]
        return queue_put(
            &self.queue,
            wsf_new_frame(
                <PyTypeObject *>self.frame_type, opcode, payload, self.frame.first
            ),
        )

    cdef void discard(self) noexcept:
        store_free(&self.store)


def take_frame(data, start, masked, max_size, decodes=False, /):
    cdef View view
    cdef wsf_frame_rules rules
    cdef size_t begin = start
    cdef bint wants_str = decodes
    rules.reserved_bits = 0x70
    rules.first_bits = 0
    rules.masked = WSF_MASKED if masked else 0
    rules.sequence = WSF_SEQUENCE_ANY
    rules.frame_room = rules.message_room = rules.retained_room = max_size
    open_view(&view, data, "data")
    try:
        return whole_frame(&view, begin, &rules, wants_str)
    finally:
        close_view(&view)


cdef object whole_frame(
    const View *view, size_t at, const wsf_frame_rules *rules, bint wants_str
):
    cdef wsf_frame_header header
    cdef const uint8_t *p = view.data
    cdef uint8_t *to
    cdef size_t n = view.size
    cdef size_t length, index
    cdef uint32_t pending = 0
    cdef bint is_text
    if at > n or wsf_frame_header_parse(p + at, n - at, rules, &header) != WSF_HEADER_COMPLETE:
        return None
    at += header.size
    if n - at < header.payload_length:
        return None
    length = <size_t>header.payload_length
    is_text = header.first == 0x81
    if is_text and wants_str:
        text = whole_text(p + at, length, header.key, view.held, rules.masked, &is_text)
        return header.first, text, at + length, is_text
    if rules.masked:
        payload = bytes_of(NULL, length)
        to = <uint8_t *>PyBytes_AS_STRING(payload)
    else:
        payload = PyByteArray_FromStringAndSize(NULL, <Py_ssize_t>length)
        to = <uint8_t *>PyByteArray_AS_STRING(payload)
    if is_text:
        index = wsf_kernels().mask_validate(to, p + at, length, header.key, &pending)
        if view.held and index == length:  # what was judged may not be what was stored
            pending = 0
            index = wsf_kernels().validate(to, length, &pending)
        is_text = index == length and pending == 0
    else:
        wsf_kernels().mask(to, p + at, length, header.key)
    return header.first, payload, at + length, is_text


cdef object whole_text(
    const uint8_t *p, size_t n, uint32_t key, bint shared, bint masked, bint *is_text
):
    """Return a text; its bytes if it is not UTF-8, or takes more than twice as many bytes."""
    cdef wsf_text text
    cdef size_t index
    string = unmasked_string(p, n, key, shared, &text, &index)
    cdef const uint8_t *to = <const uint8_t *>PyUnicode_DATA(string)
    is_text[0] = index == n and text.pending == 0
    if is_text[0] and not (text.max_byte >= 0xF0 and text.code_points > n // 2):
        if text.max_byte >= 0x80 or n == 1:
            string = string_of(to, n, &text)
        return string
    if masked:
        return bytes_of(to, n)
    return PyByteArray_FromStringAndSize(<const char *>to, <Py_ssize_t>n)
