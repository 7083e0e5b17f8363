# A library's own messages, made here and put where the library looks for them.
#
# For the place of a library's parser: whole messages, and those that come in more than one
# read, become objects of the library's own types; every other frame goes, by itself and in
# its turn, to the library's own parser, which so keeps its rules, its errors and its state.
#
# Invariant: a frame is ours from its first byte to its last, or the library's.  Whose it is
# does not depend on how the wire was cut into reads.  Whatever stops a call, nothing is taken
# after it: the sink would be out of step with the wire.

cdef extern from "raising.h":
    int wsf_take_in_quietly(PyObject *, PyObject *, PyObject *) noexcept

cdef extern from "records.h":
    object wsf_new_tuple(object kind, tuple items, Py_ssize_t place, object data)


cdef enum:
    MOST_OVERHEAD = 4096  # what a library may count for a message beside its bytes


@cython.no_gc_clear  # so that what it refers to stays there, for a finalizer that uses it
@cython.final
cdef class Mould:
    cdef object kind
    cdef tuple items  # None until it is made
    cdef Py_ssize_t place
    cdef bint is_tuple

    def __cinit__(self, kind, items, /):
        cdef tuple parts = tuple(items)
        self.place = parts.index(...)
        self.is_tuple = isinstance(kind, type) and issubclass(kind, tuple)
        self.kind, self.items = kind, parts

    cdef inline object make(self, object data):
        if self.is_tuple:
            return wsf_new_tuple(self.kind, self.items, self.place, data)
        return self.kind(*self.items[: self.place], data, *self.items[self.place + 1 :])


@cython.no_gc_clear
@cython.final
cdef class MessageSink:
    cdef MessageDecoder decoder   # of our frames
    cdef wsf_frame_rules rules
    cdef Mould text
    cdef Mould binary
    cdef object put
    cdef object others
    cdef object room
    cdef bint decodes
    cdef uint8_t state            # UNMADE, READY, BUSY or FAILED
    cdef PyObject *failure        # the type of the exception, if it failed by one
    cdef bytes kept               # has arrived, and was not looked at yet
    cdef int64_t room_left        # at least so many bytes may still wait; below 0: ask
    cdef bint stalled
    cdef bint is_text             # our frame, of which a part is missing
    cdef uint8_t head[WSF_MAX_HEADER]
    cdef uint8_t head_size        # of the header of a frame of the others, as far as it came
    cdef bint in_payload          # of that frame, of which so many bytes
    cdef uint64_t rest            #   are missing
    cdef uint64_t judged          #   were judged
    cdef uint32_t key
    cdef bint judges              # is its payload text that is validated?
    cdef bint fragmented          # the others have a part of a message
    cdef bint is_fragment_of_text
    cdef uint32_t pending         # of the text that the others are given
    cdef Trace trace

    def __cinit__(
        self, role, max_size, Mould text not None, Mould binary not None, put, others, /, *,
        decodes=True, room=None
    ):
        for mould in (text, binary):
            if (<Mould>mould).items is None:
                raise _arguments.unmade(Mould)
        self.decoder = MessageDecoder(role, max_message_size=None)
        self.rules = self.decoder.rules
        self.rules.sequence = WSF_SEQUENCE_ANY
        self.rules.frame_room = self.rules.message_room = self.rules.retained_room = (
            _arguments.size_limit("max_size", max_size)
        )
        self.text, self.binary, self.put, self.others = text, binary, put, others
        self.decodes, self.room = decodes, room
        self.kept = b""
        self.room_left = -1
        self.state = READY

    def __dealloc__(self):
        Py_XDECREF(self.failure)

    def feed(self, data, host, /):
        cdef int goes_on
        if not PyBytes_CheckExact(data):
            data = bytes(data)
        with cython.critical_section(self):
            if self.state != READY:
                self.refuse()
            self.state = BUSY
            goes_on = wsf_take_in_quietly(<PyObject *>self, <PyObject *>data, <PyObject *>host)
            self.state = READY if goes_on > 0 else FAILED
            if goes_on < 0:
                wsf_note_error(&self.failure)
        return goes_on > 0

    cdef int refuse(self) except -1:
        if self.state == BUSY:
            raise _arguments.sink_busy()
        if self.state == UNMADE:
            raise _arguments.unmade(MessageSink)
        raise _arguments.sink_failed(None if self.failure is NULL else <object>self.failure)

    cdef bint take(self, bytes data, object host) except -1:
        cdef size_t at = 0
        cdef size_t n
        if self.kept:
            data, self.kept = self.kept + data, b""
        n = <size_t>PyBytes_GET_SIZE(data)
        if self.stalled and not self.is_full():
            self.stalled = False
            if self.others(host, b""):  # it has a byte, and need not note that any more
                return False
        while at < n:
            if self.decoder.in_payload:
                self.go_on(data, &at, n)
            elif self.is_full():
                return self.stall(data, at, host)
            elif self.head_size:
                if not self.pass_on(data, &at, n - at, host):
                    return False
            elif not self.take_ours(data, &at, n):
                if self.kept:
                    return True
                if not self.pass_on(data, &at, n - at, host):
                    return False
        return True

    cdef inline bint is_full(self) except -1:
        """Tell whether no more may be put; ask only if there may be no room left."""
        if self.room_left < 0 and self.room is not None:
            self.room_left = self.room()
            return self.room_left < 0
        return False

    cdef bint stall(self, bytes data, size_t at, object host) except -1:
        """Let the library note that it has more than it has room for."""
        cdef bint goes_on
        self.stalled = True
        goes_on = self.pass_on(data, &at, 1, host)
        self.kept = data[at:]
        return goes_on

    # Our frames.

    cdef bint take_ours(self, bytes data, size_t *at, size_t n) except -1:
        """Take the frame that begins at data[at], if it is ours; keep too short a header."""
        cdef const uint8_t *p = <const uint8_t *>PyBytes_AS_STRING(data) + at[0]
        cdef wsf_frame_header header
        cdef wsf_header_verdict verdict
        cdef uint8_t opcode = p[0] & 0x7F
        cdef size_t length
        n -= at[0]
        if self.fragmented or (p[0] != 0x81 and p[0] != 0x82):
            return False
        verdict = wsf_frame_header_parse(p, n, &self.rules, &header)
        if verdict == WSF_HEADER_PARTIAL:
            self.kept = data[at[0] :]
        if verdict != WSF_HEADER_COMPLETE:
            return False
        at[0] += header.size
        self.is_text = opcode == 1
        if n - header.size < header.payload_length:
            self.begin(p, &header, data)
            return True
        length = <size_t>header.payload_length
        if not self.decodes:
            opcode = 2
        if self.decoder.take_whole(opcode, p + header.size, length, header.key):
            self.decoder.state = VIOLATED
            return self.decoder.raise_violation()
        at[0] += length
        return not self.hand_over(length)

    cdef int begin(self, const uint8_t *p, const wsf_frame_header *header, bytes data) except -1:
        """Begin a frame of which a part is missing."""
        cdef uint8_t head[WSF_MAX_HEADER]
        memcpy(head, p, header.size)
        if not self.decodes:
            head[0] = 0x82
        self.decoder.decode(head, header.size, <PyObject *>data)
        return 0

    cdef int go_on(self, bytes data, size_t *at, size_t n) except -1:
        cdef uint64_t rest = self.decoder.frame.payload_length - self.decoder.received
        cdef size_t more = min(n - at[0], rest)
        self.decoder.decode(
            <const uint8_t *>PyBytes_AS_STRING(data) + at[0], more, <PyObject *>data
        )
        if self.decoder.state == VIOLATED:
            return self.decoder.raise_violation()
        at[0] += more
        if more == rest:
            self.hand_over(<size_t>self.decoder.frame.payload_length)
        return 0

    cdef inline int hand_over(self, size_t size) except -1:
        """Put the message that the decoder has, which has a payload of that size."""
        cdef PyObject *event = queue_take(&self.decoder.queue)
        if event is NULL:
            raise _arguments.sink_disturbed()
        record = wsf_handed_over(event)
        payload = <object>(<Data>record).data_
        self.room_left -= <int64_t>size + MOST_OVERHEAD
        self.put((self.text if self.is_text else self.binary).make(payload), size)
        return 0

    # The others' frames.

    cdef bint pass_on(self, bytes data, size_t *at, size_t n, object host) except -1:
        """Give the others as much of n bytes as belongs to the frame that is their turn."""
        cdef size_t start = at[0]
        self.room_left = -1  # nobody knows how much they put
        at[0] += self.extent(<const uint8_t *>PyBytes_AS_STRING(data) + start, n)
        return not self.others(host, data[start : at[0]])

    cdef size_t extent(self, const uint8_t *p, size_t n) except? 0:
        """Return how many of n bytes belong to that frame; judge them if they are text."""
        cdef size_t used = 0
        cdef size_t more
        while not self.in_payload:
            if used == n:
                return used
            self.head[self.head_size] = p[used]
            self.head_size += 1
            used += 1
            self.in_payload = self.read_head()
        more = <size_t>min(n - used, self.rest)
        self.rest -= more
        if self.judges:
            self.judge(p + used, more)
        if not self.rest:
            self.end_frame()
        return used + more

    cdef bint read_head(self) noexcept:
        """Read the header, which may break any rule; tell whether it is whole."""
        cdef uint8_t flag
        cdef uint8_t width = 0
        cdef uint8_t size, i
        if self.head_size < 2:
            return False
        flag = self.head[1] & 0x7F
        if flag > 125:
            width = 2 if flag == 126 else 8
        size = 2 + width + (4 if self.head[1] & 0x80 else 0)
        if self.head_size < size:
            return False
        self.rest = 0 if width else flag
        for i in range(width):
            self.rest = self.rest << 8 | self.head[2 + i]
        self.key = wsf_key_at(&self.head[2 + width], 0) if self.head[1] & 0x80 else 0
        self.begin_frame()
        return True

    cdef void begin_frame(self) noexcept:
        cdef uint8_t opcode = self.head[0] & 0x0F
        cdef bint fin = self.head[0] & 0x80 != 0
        self.judged = 0
        self.judges = opcode == 0 and self.is_fragment_of_text
        if opcode == 1 or opcode == 2:
            # In the middle of a message, what it is must be left to the library.
            self.judges = (
                self.decodes and self.head[0] & 0x7F == 1 and not self.fragmented
            )
            self.is_fragment_of_text = self.judges and not fin
            self.fragmented |= not fin
            self.pending = 0
            trace_clear(&self.trace)

    cdef int end_frame(self) except -1:
        if self.judges:
            if self.head[0] & 0x80 and self.pending:
                return wsf_raise(
                    truncated_at(&self.trace, self.pending, pending_bytes(self.pending))
                )
            trace_next_fragment(&self.trace)
        if self.head[0] & 0x8F == 0x80:
            self.fragmented = self.is_fragment_of_text = False
        self.head_size = 0
        self.in_payload = self.judges = False
        return 0

    cdef int judge(self, const uint8_t *p, size_t n) except -1:
        """Validate text that the others are given, masked."""
        cdef uint32_t before = self.pending
        cdef size_t index
        data = bytes_of(NULL, n)
        cdef uint8_t *to = <uint8_t *>PyBytes_AS_STRING(data)
        index = wsf_kernels().mask_validate(
            to, p, n, wsf_key_advance(self.key, <size_t>(self.judged & 3)), &self.pending
        )
        if index != n:
            return wsf_raise(fault_in(&self.trace, to, index, self.pending, pending_bytes(before)))
        self.judged += n
        trace_advance(&self.trace, n, self.pending)
        return 0


cdef int take_in "wsf_take_in"(PyObject *sink, PyObject *data, PyObject *host) except -1:
    """Do what ``feed`` is called for; a function, to be called by name."""
    return (<MessageSink>sink).take(<bytes>data, <object>host)
