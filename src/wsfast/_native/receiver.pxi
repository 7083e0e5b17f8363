# What both decoders share: headers, feeding, and the events that wait to be taken.
#
# Invariant: as its twin, _pure/receiver.py: what was decoded stays until it is taken, in
# order; a violation comes after all that was decoded before it.  Only what the remote did
# wrong is kept to be raised again: anything else is raised at once.
#
# A violation is not raised inside a decoder but stored, and the functions that find one
# return 1: there is no ``except`` clause here that could fail for lack of memory.

cdef extern from "raising.h":
    int wsf_consume_quietly(PyObject *, const uint8_t *, size_t) noexcept
    object wsf_handed_over(PyObject *)
    int wsf_note_error(PyObject **type) except -1
    int wsf_take_error(object kind, PyObject **taken) except -1
    int wsf_raise(object error) except -1


# The events that wait to be taken.

cdef enum:
    FEW_EVENTS = 4    # most reads bring no more, and need no memory beyond the decoder's
    KEPT_EVENTS = 64  # with room for more, an empty queue gives its memory back


cdef struct Queue:
    PyObject **events  # owned references
    size_t first       # the oldest of them
    size_t end
    size_t room
    PyObject *few[FEW_EVENTS]


cdef inline int queue_put(Queue *queue, object event) except -1:
    if queue.end == queue.room:
        queue_make_room(queue)
    Py_INCREF(event)
    queue.events[queue.end] = <PyObject *>event
    queue.end += 1
    return 0


cdef int queue_make_room(Queue *queue) except -1:
    cdef size_t count = queue.end - queue.first
    cdef size_t room = 2 * queue.room
    cdef PyObject **events
    if queue.room == 0:
        queue.events, queue.room = queue.few, FEW_EVENTS
    elif count <= queue.room // 2:  # so that each event is moved once on average
        memmove(queue.events, queue.events + queue.first, count * sizeof(PyObject *))
        queue.first, queue.end = 0, count
    else:
        events = <PyObject **>PyMem_Malloc(room * sizeof(PyObject *))
        if events is NULL:
            raise MemoryError()
        memcpy(events, queue.events + queue.first, count * sizeof(PyObject *))
        queue_free(queue)
        queue.events, queue.end, queue.room = events, count, room
    return 0


cdef inline PyObject *queue_take(Queue *queue) noexcept:
    """Return the oldest event, now the caller's reference; NULL if there is none."""
    cdef PyObject *event
    if queue.first == queue.end:
        return NULL
    event = queue.events[queue.first]
    queue.first += 1
    if queue.first == queue.end:
        queue.first = queue.end = 0
        if queue.room > KEPT_EVENTS:
            queue_free(queue)
    return event


cdef int queue_put_back(Queue *queue, object event) except -1:
    """Put what was taken last in front again; that needs no memory."""
    if queue.first == 0:
        if queue.end == queue.room:
            queue_make_room(queue)
        memmove(queue.events + 1, queue.events, queue.end * sizeof(PyObject *))
        queue.end += 1
    else:
        queue.first -= 1
    Py_INCREF(event)
    queue.events[queue.first] = <PyObject *>event
    return 0


cdef void queue_free(Queue *queue) noexcept:
    """Free the memory; the references in it were passed on."""
    if queue.events is not queue.few:
        PyMem_Free(queue.events)
    queue.events = NULL
    queue.first = queue.end = queue.room = 0


cdef void queue_clear(Queue *queue) noexcept:
    cdef PyObject *event = queue_take(queue)
    while event is not NULL:
        Py_XDECREF(event)
        event = queue_take(queue)
    queue_free(queue)


# A fast path for the usual arguments.  All others are left to _arguments, which also says
# what is wrong with them.

cdef inline bint is_word(object value, const char *word) noexcept:
    """Tell whether the value is exactly this word, as a ``str``."""
    cdef size_t length = strlen(word)
    return (
        PyUnicode_CheckExact(value)
        and PyUnicode_IS_ASCII(value)
        and <size_t>PyUnicode_GET_LENGTH(value) == length
        and memcmp(PyUnicode_DATA(value), word, length) == 0
    )


cdef inline int usual_role(object role) noexcept:
    """Return whether the role is ``"server"``; -1 if it is neither role."""
    if is_word(role, "server"):
        return True
    return False if is_word(role, "client") else -1


cdef inline int64_t usual_limit(object limit) noexcept:
    """Return a limit in bytes; -1 or less if it is not one of the usual kind."""
    cdef int overflow
    if limit is None:
        return WSF_UNLIMITED
    return PyLong_AsLongLongAndOverflow(limit, &overflow) if PyLong_CheckExact(limit) else -1


cdef inline int64_t usual_retained(object limit, int64_t message_size) noexcept:
    """Return ``max_retained``; -1 if it is not of the usual kind."""
    if limit is not None or WSF_UNLIMITED > message_size >= (<int64_t>1) << 61:
        return -1
    return message_size if message_size == WSF_UNLIMITED else 2 * message_size + wsf_retained_slack


cdef inline object given(PyObject *argument, object default):
    return default if argument is NULL else <object>argument


# What a decoder is doing, or why it can't.
cdef enum:
    UNMADE    # __init__ was not called
    READY
    BUSY      # decoding: feed can't be called
    VIOLATED  # by the remote; not raised yet, because there may be events before it
    RAISED    # the same, and the violation was raised
    FAILED    # by an exception that was not the remote's fault


@cython.no_gc_clear  # in a cycle, the other objects can be cleared
cdef class Receiver:
    """The base of both decoders: headers, feeding, and what happens after a violation."""

    cdef wsf_frame_rules rules
    cdef wsf_frame_header frame   # whose payload is arriving, if in_payload
    cdef uint64_t received        # bytes of that payload
    cdef uint8_t head[WSF_MAX_HEADER]
    cdef uint8_t head_size        # of a header that is not yet whole
    cdef uint8_t state
    cdef bint in_payload
    cdef bint closed              # by a close frame: what follows is ignored
    cdef bint shared              # whether others may change what is being fed
    cdef PyObject *source         # borrowed: what is being fed, if views may alias it
    cdef PyObject *failure        # the type of the exception, if it failed
    cdef Store store              # the bytes of an incomplete frame or message
    cdef bint stream              # whether messages are yielded in parts, as they arrive
    cdef Queue queue
    cdef object violation         # never raised itself: what is raised is a copy
    cdef bytearray buffer

    def __dealloc__(self):
        store_free(&self.store)
        queue_clear(&self.queue)
        Py_XDECREF(self.failure)

    cdef int set_rules(self, bint masked, int64_t frame_room, uint8_t reserved_bits) except -1:
        """Reset, with arguments that were checked."""
        if self.state == BUSY:
            raise _arguments.decoder_busy()
        self.rules.masked = WSF_MASKED if masked else 0
        self.rules.reserved_bits = reserved_bits
        self.rules.frame_room = frame_room
        self.rules.message_room = self.rules.retained_room = frame_room
        self.rules.sequence = WSF_SEQUENCE_ANY
        self.head_size = 0
        self.in_payload = self.closed = False
        self.received = 0
        self.violation = self.buffer = None
        self.discard()
        self.state = READY
        queue_clear(&self.queue)
        return 0

    def feed(self, data, /):
        cdef View view
        if PyBytes_CheckExact(data):
            with cython.critical_section(self):
                self.decode(
                    <const uint8_t *>PyBytes_AS_STRING(data),
                    <size_t>PyBytes_GET_SIZE(data),
                    <PyObject *>data,
                )
            return self
        open_view(&view, data, "data")
        try:
            with cython.critical_section(self):
                self.decode(view.data, view.size, NULL)
        finally:
            close_view(&view)
        return self

    @property
    def _failed(self):
        return self.state == FAILED

    def _put_back(self, event, /):
        with cython.critical_section(self):
            queue_put_back(&self.queue, event)

    def __iter__(self):
        return self

    def __next__(self):
        cdef PyObject *event
        with cython.critical_section(self):
            event = queue_take(&self.queue)
            if event is NULL and self.state >= VIOLATED:
                self.raise_violation()
        if event is NULL:
            raise StopIteration
        return wsf_handed_over(event)

    def get_buffer(self, sizehint=-1):
        cdef Py_ssize_t size = _arguments.check_sizehint(sizehint)
        with cython.critical_section(self):
            if self.buffer is None or len(self.buffer) < size:
                self.buffer = bytearray(size)
            return memoryview(self.buffer)

    def buffer_updated(self, nbytes, /):
        cdef Py_ssize_t size
        cdef View view
        with cython.critical_section(self):
            buffer = self.buffer
        open_view(&view, b"" if buffer is None else buffer, "buffer")
        try:
            size = _arguments.check_update(nbytes, view.size)
            with cython.critical_section(self):
                self.buffer = None
                self.decode(view.data, <size_t>size, NULL)
        finally:
            close_view(&view)
        return self

    @cython.final
    cdef inline int decode(self, const uint8_t *p, size_t n, PyObject *source) except -1:
        """Decode n bytes; they can't change if they are those of a ``source``."""
        cdef int outcome
        if self.state != READY:
            return self.refuse()
        self.state = BUSY
        self.source = source
        self.shared = source is NULL
        outcome = wsf_consume_quietly(<PyObject *>self, p, n)
        if outcome == 0:
            self.state = READY
            return 0
        return self.stop(outcome)

    @cython.final
    cdef int stop(self, int outcome) except -1:
        """Drop the message under way, after a violation or while an error is raised."""
        self.discard()
        if outcome > 0:
            self.state = VIOLATED
            return 0
        self.state = FAILED
        return wsf_note_error(&self.failure)

    @cython.final
    cdef int refuse(self) except -1:
        if self.state == BUSY:
            raise _arguments.decoder_busy()
        if self.state == FAILED:
            raise _arguments.decoder_failed(<object>self.failure)
        if self.state == UNMADE:
            raise _arguments.decoder_unmade()
        if self.state == RAISED:
            self.raise_violation()
        return 0  # there is still something to take before the violation

    @cython.final
    cdef int raise_violation(self) except -1:
        """Raise the violation, if that is what stopped the decoder."""
        if self.state == FAILED:
            return 0
        violation = errors.again(self.violation)
        self.state = RAISED
        return wsf_raise(violation)

    @cython.final
    cdef int found(self, object violation) except -1:
        """Keep the violation, for iteration to raise."""
        self.violation = violation
        return 1

    cdef object header_violation(self, wsf_header_verdict verdict):
        cdef uint8_t first = self.frame.first
        cdef uint8_t opcode = first & WSF_OPCODE
        if verdict == WSF_HEADER_RESERVED_BITS:
            return errors.reserved_bits(
                first, self.rules.reserved_bits, self.rules.first_bits
            )
        if verdict == WSF_HEADER_RESERVED_OPCODE:
            return errors.reserved_opcode(opcode)
        if verdict == WSF_HEADER_FRAGMENTED_CONTROL:
            return errors.fragmented_control(opcode)
        if verdict == WSF_HEADER_NOTHING_TO_CONTINUE:
            return errors.nothing_to_continue()
        if verdict == WSF_HEADER_MESSAGE_UNFINISHED:
            return errors.message_unfinished(opcode)
        if verdict == WSF_HEADER_MASK_BIT:
            return errors.mask_bit(not self.rules.masked)
        if verdict == WSF_HEADER_LONG_CONTROL:
            return errors.long_control(opcode)
        if verdict == WSF_HEADER_SHORT_CLOSE:
            return errors.short_close()
        if verdict == WSF_HEADER_LENGTH_NOT_MINIMAL:
            return errors.length_not_minimal()
        if verdict == WSF_HEADER_LENGTH_64_BITS:
            return errors.length_64_bits()
        return self.over_limit(verdict)

    cdef object over_limit(self, wsf_header_verdict verdict):
        return errors.frame_too_big(self.frame.payload_length, self.rules.frame_room)

    # What the two decoders do differently.

    cdef int hand_on(self) except -1:
        """Put what has arrived of a message; return 1 if a violation was found."""
        raise NotImplementedError

    cdef int arrived(self, const uint8_t *p, size_t n) except -1:
        """Take the next n bytes, masked, of the payload; return 1 if a violation was found.

        They are the first of it if ``received`` is 0, the last of it unless ``in_payload``.
        """
        raise NotImplementedError

    cdef void discard(self) noexcept:
        """Drop the payload or message that is arriving."""


# Functions, not methods, so that C code can call them by name (raising.h).

cdef int consume "wsf_consume"(PyObject *decoder, const uint8_t *p, size_t n) except -1:
    """Decode what arrived; return 1 if a violation was found."""
    cdef Receiver self = <Receiver>decoder
    cdef int outcome = consume_frames(self, p, n)
    if self.stream and self.hand_on():
        return 1
    return outcome


cdef inline int consume_frames(Receiver self, const uint8_t *p, size_t n) except -1:
    cdef uint64_t rest
    cdef size_t used
    while not self.closed:
        if not self.in_payload:
            used = 0
            if read_header(self, p, n, &used):
                return 1
            p += used
            n -= used
            if not self.in_payload:
                return 0
            self.received = 0
        rest = self.frame.payload_length - self.received
        if n < rest:
            if n:
                if self.arrived(p, n):
                    return 1
                self.received += n
            return 0
        self.in_payload = False
        if self.arrived(p, <size_t>rest):
            return 1
        p += rest
        n -= rest
    return 0


cdef inline int read_header(Receiver self, const uint8_t *p, size_t n, size_t *used) except -1:
    """Read a header, or as much of it as there is; tell how many bytes of p it used."""
    cdef size_t carried = self.head_size
    cdef size_t taken = n
    cdef wsf_header_verdict verdict
    if carried:
        taken = min(n, <size_t>WSF_MAX_HEADER - carried)
        memcpy(&self.head[carried], p, taken)
        p = self.head
    verdict = wsf_frame_header_parse(p, carried + taken, &self.rules, &self.frame)
    if verdict == WSF_HEADER_COMPLETE:
        self.head_size = 0
        self.in_payload = True
        used[0] = self.frame.size - carried
        return 0
    if verdict != WSF_HEADER_PARTIAL:
        return self.found(self.header_violation(verdict))
    if not carried:
        memcpy(self.head, p, taken)
    self.head_size = <uint8_t>(carried + taken)
    used[0] = taken
    return 0

