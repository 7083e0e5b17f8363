# UTF-8 validation that resumes at any byte (The Unicode Standard, Table 3-7).
#
# Invariant: as its twin, _pure/utf8.py: between chunks no more is kept than the three
# bytes of an unfinished sequence and where it began.

# Where in a fragmented text the validation stands.
cdef struct Trace:
    uint64_t position        # bytes of the text before
    uint64_t fragment_index
    uint64_t fragment_start  # the position with which the current fragment began
    uint64_t lead_index      # the fragment in which the pending sequence began,
    uint64_t lead_offset     # and where in it


cdef inline void trace_clear(Trace *trace) noexcept:
    trace.position = trace.fragment_index = trace.fragment_start = 0
    trace.lead_index = trace.lead_offset = 0


cdef inline void trace_advance(Trace *trace, size_t n, uint32_t pending) noexcept:
    """Advance by n bytes, after which ``pending`` is unfinished."""
    cdef unsigned count = wsf_pending_count(pending)
    trace.position += n
    if 0 < count <= n:
        trace.lead_index = trace.fragment_index
        trace.lead_offset = trace.position - count - trace.fragment_start


cdef inline void trace_next_fragment(Trace *trace) noexcept:
    trace.fragment_index += 1
    trace.fragment_start = trace.position


cdef inline void text_clear(wsf_text *text) noexcept:
    text.pending = text.max_byte = 0
    text.code_points = 0


cdef inline bytes pending_bytes(uint32_t pending):
    """Return the bytes of a pending word (utf8_automaton.h)."""
    cdef unsigned count = wsf_pending_count(pending)
    return pending.to_bytes(4, "little")[4 - count:]


cdef object fault_in(
    const Trace *trace, const uint8_t *chunk, size_t index, uint32_t pending, object before
):
    """Make the violation of ``chunk[index]``, after the pending bytes.

    ``before`` is the text before the chunk, or the end of it.
    """
    cdef size_t count = wsf_pending_count(pending)
    cdef size_t window
    if index >= count:  # the sequence began in this chunk
        window = min(index - count, <size_t>_limits.MAX_CONTEXT)
        before = before + bytes_of(chunk + index - count - window, window)
        place = trace.fragment_index, trace.position + index - count - trace.fragment_start
    else:
        before = before[:len(before) - (count - index)]
        place = trace.lead_index, trace.lead_offset
    return errors.invalid_utf8(
        pending_bytes(pending), chunk[index], trace.position + index, *place, before
    )


cdef object string_of(const uint8_t *data, size_t n, const wsf_text *text):
    """Return the ``str`` of n bytes that were measured and found well formed.

    They must be in memory that nobody else can change: the transcoders trust ``text``, and
    would write past the string if the bytes had changed since.
    """
    cdef const wsf_kernel *kernel = wsf_kernels()
    if text.code_points == 1 and text.max_byte < 0xC4:
        # CPython has a single string for each of these characters, and expects no other.
        return PyUnicode_FromOrdinal(data[0] if n == 1 else (data[0] & 0x03) << 6 | (data[1] & 0x3F))
    if text.max_byte < 0x80:
        string = PyUnicode_New(<Py_ssize_t>n, 0x7F)
        if n:  # else there may be nothing at ``data``
            memcpy(PyUnicode_DATA(string), data, n)
    elif text.max_byte < 0xC4:
        string = PyUnicode_New(<Py_ssize_t>text.code_points, 0xFF)
        kernel.to_latin1(<uint8_t *>PyUnicode_DATA(string), data, n)
    elif text.max_byte < 0xF0:
        string = PyUnicode_New(<Py_ssize_t>text.code_points, 0xFFFF)
        kernel.to_ucs2(<uint16_t *>PyUnicode_DATA(string), data, n)
    else:
        string = PyUnicode_New(<Py_ssize_t>text.code_points, 0x10FFFF)
        kernel.to_ucs4(<uint32_t *>PyUnicode_DATA(string), data, n)
    return string


cdef inline object unmasked_string(
    const uint8_t *p, size_t n, uint32_t key, bint shared, wsf_text *text, size_t *index
):
    """Unmask straight into an ASCII string, which is right for most texts; measure that.

    The caller sees from ``text`` whether it is ASCII, and from ``index`` whether it is UTF-8.
    """
    string = PyUnicode_New(<Py_ssize_t>n, 0x7F)
    cdef uint8_t *to = <uint8_t *>PyUnicode_DATA(string)
    text_clear(text)
    index[0] = wsf_kernels().mask_measure(to, p, n, key, text)
    if shared and index[0] == n:  # what was judged may not be what was stored
        text_clear(text)
        index[0] = wsf_kernels().measure(to, n, text)
    return string


cdef object truncated_at(const Trace *trace, uint32_t pending, object before):
    """Make the violation of a text that ends inside a sequence; ``before`` is its end."""
    return errors.truncated_utf8(
        pending_bytes(pending),
        trace.position,
        trace.lead_index,
        trace.lead_offset,
        before[:len(before) - wsf_pending_count(pending)],
    )


cdef object invalid_at(
    Trace *trace, const uint8_t *text, size_t n, size_t index, uint32_t pending, object before
):
    """Make the violation of a text whose last n bytes a kernel refused at ``index``, or
    which ends with ``pending``."""
    if index != n:
        return fault_in(trace, text, index, pending, before)
    trace_advance(trace, n, pending)
    cdef size_t window = min(n, <size_t>_limits.MAX_CONTEXT + 3)
    return truncated_at(trace, pending, before + bytes_of(text + n - window, window))


cdef inline size_t validate_view(const View *view, uint32_t *pending) noexcept:
    cdef size_t index
    if view.size < RELEASE_GIL_FROM:
        return wsf_kernels().validate(view.data, view.size, pending)
    with nogil:
        index = wsf_kernels().validate(view.data, view.size, pending)
    return index


def is_valid_utf8(data, /):
    cdef View view
    cdef uint32_t pending = 0
    open_view(&view, data, "data")
    cdef bint valid = validate_view(&view, &pending) == view.size
    close_view(&view)
    return valid and pending == 0


def validate_utf8(data, /):
    cdef View view
    cdef uint32_t pending = 0
    cdef size_t index
    cdef Trace trace
    open_view(&view, data, "data")
    try:
        index = validate_view(&view, &pending)
        if index != view.size or pending != 0:
            trace_clear(&trace)
            raise invalid_at(&trace, view.data, view.size, index, pending, b"")
    finally:
        close_view(&view)


def decode_utf8(data, /):
    cdef View view
    cdef wsf_text text
    cdef size_t index
    cdef Trace trace
    text_clear(&text)
    open_view(&view, data, "data")
    if view.held:  # not bytes, so another thread or process may change it
        try:
            data = bytes_of(view.data, view.size)
        finally:
            close_view(&view)
        open_view(&view, data, "data")
    if view.size < RELEASE_GIL_FROM:
        index = wsf_kernels().measure(view.data, view.size, &text)
    else:
        with nogil:
            index = wsf_kernels().measure(view.data, view.size, &text)
    if index != view.size or text.pending != 0:
        trace_clear(&trace)
        raise invalid_at(&trace, view.data, view.size, index, text.pending, b"")
    return string_of(view.data, view.size, &text)


cdef class Utf8Validator:
    cdef Trace trace
    cdef uint32_t pending
    cdef object violation

    def __init__(self):
        with cython.critical_section(self):
            self.clear()

    def feed(self, chunk, /):
        cdef View view
        with cython.critical_section(self):
            self.raise_again()
            open_view(&view, chunk, "chunk")
            try:
                self.accept(view.data, view.size)
            finally:
                close_view(&view)

    def finish(self):
        with cython.critical_section(self):
            self.end()

    def reset(self):
        with cython.critical_section(self):
            self.clear()

    cdef int accept(self, const uint8_t *chunk, size_t n) except -1:
        cdef uint32_t pending = self.pending
        cdef size_t index = wsf_kernels().validate(chunk, n, &pending)
        if index != n:
            # Nothing is changed before this is made: it runs Python code, which a signal
            # handler can interrupt, and may find no memory.
            self.violation = fault_in(
                &self.trace, chunk, index, pending, pending_bytes(self.pending)
            )
            self.trace.position += index
            self.pending = 0
            self.raise_again()
        self.pending = pending
        trace_advance(&self.trace, n, pending)
        trace_next_fragment(&self.trace)
        return 0

    cdef int end(self) except -1:
        if self.violation is None and self.pending != 0:
            self.violation = truncated_at(&self.trace, self.pending, pending_bytes(self.pending))
        return self.raise_again()

    cdef int clear(self) except -1:
        trace_clear(&self.trace)
        self.pending = 0
        self.violation = None
        return 0

    cdef inline int raise_again(self) except -1:
        if self.violation is not None:
            wsf_raise(errors.again(self.violation))
        return 0

    @property
    def position(self):
        return self.trace.position

    @property
    def at_boundary(self):
        return self.pending == 0

    @property
    def state(self):
        with cython.critical_section(self):
            self.raise_again()
            return (
                self.trace.position,
                pending_bytes(self.pending),
                self.trace.fragment_index,
                self.trace.lead_index,
                self.trace.lead_offset,
            )

    @classmethod
    def from_state(cls, state):
        position, pending, fragment_index, lead_index, lead_offset = _arguments.check_state(state)
        cdef Utf8Validator validator = cls()
        validator.trace.position = validator.trace.fragment_start = position
        validator.trace.fragment_index = fragment_index
        validator.trace.lead_index = lead_index
        validator.trace.lead_offset = lead_offset
        validator.pending = int.from_bytes(pending.rjust(4, b"\0"), "little")
        return validator
