# Messages (RFC 6455 sections 5.4 to 5.6): fragments put together, text validated.
#
# Invariant: as its twin, _pure/messages.py: neither the verdict on a text nor the place of
# the error depends on how the wire was cut into reads; memory kept for an unfinished
# message grows with what arrived.  Of a message that is handed on in parts, only what the
# current feed brought is kept, and what evidence may need.

cdef enum:
    STREAMED = 1 << 16  # bytes; a longer part is handed on before the feed ends


def encode_close(code=None, reason=""):
    return _arguments.close_payload(code, reason, encode_utf8)


def parse_close(payload, /):
    cdef View view
    open_view(&view, payload, "payload")
    cdef uint8_t copy[126]
    cdef size_t size = view.size
    memcpy(copy, view.data, min(size, <size_t>126))  # nobody can change the copy
    close_view(&view)
    close = close_of(copy, size)
    if isinstance(close, Close):
        return close
    raise close


cdef object close_of(const uint8_t *data, size_t n):
    """Return what the payload of a close frame says, or the violation that it is."""
    cdef Trace trace
    cdef wsf_text text
    cdef size_t index
    if n == 0:
        return Close(close_code(1005))
    if n == 1:
        return errors.short_close()
    if n > 125:
        return errors.long_control(8)
    code = data[0] << 8 | data[1]
    if not may_be_sent(code):
        return errors.bad_close_code(code)
    text_clear(&text)
    index = wsf_kernels().measure(data + 2, n - 2, &text)
    if index != n - 2 or text.pending != 0:
        trace_clear(&trace)
        trace.position = 2
        return errors.in_close_reason(
            invalid_at(&trace, data + 2, n - 2, index, text.pending, b"")
        )
    return Close(close_code(code), string_of(data + 2, n - 2, &text))


@cython.no_gc_clear
@cython.final
cdef class MessageDecoder(Receiver):
    cdef bint wants_str
    cdef uint8_t opcode       # of the message under way, if any
    cdef uint8_t control_size
    cdef uint8_t control[125]
    cdef int64_t max_message_size
    cdef int64_t max_retained
    cdef int64_t fragments    # whole fragments of the message under way
    cdef wsf_text measured    # the text so far that was not handed on
    cdef bint doubtful        # whether others could change that text while it was measured
    cdef Trace trace          # its position is the size of the message so far
    cdef object inflater      # of permessage-deflate, if that was negotiated
    cdef bint compressed      # whether the message under way is
    cdef object text_type     # kept here, because a lookup in the module takes longer
    cdef object binary_type
    cdef object ping_type
    cdef object pong_type
    cdef object violation_type  # of what an inflater raises

    @classmethod
    def __class_getitem__(cls, item, /):
        return cls

    def __cinit__(self):
        self.ping_type, self.pong_type = Ping, Pong

    def __init__(
        self,
        role,
        *,
        text="str",
        max_message_size=2**20,
        max_frame_size=None,
        max_retained=None,
        deflate=None,
        stream=False,
    ):
        cdef PyObject *values[7]
        values[0], values[1] = <PyObject *>role, <PyObject *>text
        values[2], values[3] = <PyObject *>max_message_size, <PyObject *>max_frame_size
        values[4], values[5] = <PyObject *>max_retained, <PyObject *>deflate
        values[6] = <PyObject *>stream
        self.set_up(values)

    cdef int set_up(self, PyObject **values) except -1:
        """Take the arguments of a call, in their order; NULL where one was not given."""
        role, text = <object>values[0], given(values[1], "str")
        max_message_size, max_frame_size = given(values[2], 2**20), given(values[3], None)
        max_retained, deflate = given(values[4], None), given(values[5], None)
        stream = given(values[6], False)
        cdef int masked = usual_role(role)
        cdef int64_t frame_room = usual_limit(max_frame_size)
        cdef int64_t message_size = usual_limit(max_message_size)
        cdef int64_t retained = usual_retained(max_retained, message_size)
        cdef bint wants_str = True
        cdef bint wants_parts
        inflater = None
        if (
            masked < 0
            or frame_room < 0
            or message_size < 0
            or retained < 0
            or deflate is not None
            or not is_word(text, "str")
        ):
            rules = _arguments.MessageRules(
                role, text, max_message_size, max_frame_size, max_retained, deflate, stream
            )
            masked, frame_room = rules.masked, rules.max_frame_size
            message_size, retained = rules.max_message_size, rules.max_retained
            inflater, wants_str, wants_parts = rules.inflater, rules.wants_str, rules.wants_parts
            self.violation_type = errors.ProtocolViolation
        else:
            wants_parts = stream
        # In one critical section: a message must not begin with old and end with new settings.
        with cython.critical_section(self):
            self.set_rules(masked, frame_room, 0)
            self.inflater = inflater
            self.wants_str = wants_str
            self.max_message_size = message_size
            self.max_retained = retained
            self.stream = wants_parts
            self.text_type = TextPart if wants_parts else Text
            self.binary_type = BinaryPart if wants_parts else Binary
            self.rules.first_bits = 0 if inflater is None else 0x40
            self.make_room()
        return 0

    cdef void discard(self) noexcept:
        """Get ready for the first fragment of a message."""
        store_free(&self.store)
        self.control_size = 0
        self.opcode = 0
        self.compressed = False
        self.fragments = 0
        text_clear(&self.measured)
        self.doubtful = False
        trace_clear(&self.trace)
        self.rules.sequence = WSF_SEQUENCE_FIRST
        self.make_room()

    cdef void make_room(self) noexcept:
        """Tell the header parser what is left of the limits on a message."""
        self.rules.message_room = self.max_message_size - <int64_t>self.trace.position
        self.rules.retained_room = WSF_UNLIMITED if self.stream else self.max_retained - self.charge()
        if self.compressed:  # its size is what it inflates to, which no header tells
            self.rules.message_room = WSF_UNLIMITED
            self.rules.retained_room = WSF_UNLIMITED if self.rules.retained_room >= 0 else -1

    cdef int64_t charge(self) noexcept:
        return <int64_t>self.trace.position + wsf_fragment_charge * self.fragments

    cdef object over_limit(self, wsf_header_verdict verdict):
        cdef int64_t length = 0 if self.compressed else <int64_t>self.frame.payload_length
        if verdict == WSF_HEADER_MESSAGE_TOO_BIG:
            return errors.message_too_big(
                <object>self.trace.position + length, self.max_message_size
            )
        if verdict == WSF_HEADER_RETAINS_TOO_MUCH:
            return errors.retains_too_much(
                <object>self.charge() + length, self.fragments + 1, self.max_retained
            )
        return errors.frame_too_big(self.frame.payload_length, self.rules.frame_room)

    cdef int arrived(self, const uint8_t *p, size_t n) except -1:
        cdef uint8_t opcode = self.frame.first & WSF_OPCODE
        cdef uint32_t key = wsf_key_advance(self.frame.key, <size_t>(self.received & 3))
        if opcode & WSF_CONTROL:
            return self.take_control(p, n, key)
        if opcode and self.received == 0:
            if not (self.in_payload or self.frame.first & self.rules.first_bits) and (
                self.frame.first & WSF_FIN
            ):
                if self.take_whole(opcode, p, n, key) == 0:
                    return 0
                if not self.stream:
                    return 1
                self.violation = None  # it is found again, after what can be handed on
                trace_clear(&self.trace)
            self.opcode = opcode
            self.rules.sequence = WSF_SEQUENCE_CONTINUE
            self.compressed = self.frame.first & self.rules.first_bits
        if self.compressed:
            if self.take_compressed(p, n, key):
                return 1
        elif self.take_data(p, n, key):
            return 1
        if not self.in_payload:
            self.fragments += 1
            if self.frame.first & WSF_FIN:
                return self.end_message()
            trace_next_fragment(&self.trace)
            self.make_room()
        return 0

    cdef int take_control(self, const uint8_t *p, size_t n, uint32_t key) except -1:
        cdef uint8_t opcode = self.frame.first & WSF_OPCODE
        wsf_kernels().mask(&self.control[self.control_size], p, n, key)
        self.control_size += <uint8_t>n
        if self.in_payload:
            return 0
        if self.stream and self.hand_on():
            return 1
        n = self.control_size
        self.control_size = 0
        if opcode == 0x9:
            return self.put(self.ping_type, bytes_of(self.control, n))
        if opcode == 0xA:
            return self.put(self.pong_type, bytes_of(self.control, n))
        close = close_of(self.control, n)
        if not isinstance(close, Close):
            return self.found(close)
        queue_put(&self.queue, close)
        self.closed = True
        self.discard()
        return 0

    cdef inline int put(self, object kind, object data) except -1:
        return queue_put(&self.queue, wsf_new_record(<PyTypeObject *>kind, data))

    cdef inline int put_data(self, object kind, object data, bint last) except -1:
        """Put a message; or a part of one, if that is what is wanted."""
        if not self.stream:
            return self.put(kind, data)
        return queue_put(&self.queue, wsf_new_record_of_two(<PyTypeObject *>kind, data, last))

    cdef int take_whole(self, uint8_t opcode, const uint8_t *p, size_t n, uint32_t key) except -1:
        """Take a message of one frame, which is whole at p."""
        if opcode == 0x2:
            data = bytes_of(NULL, n)
            wsf_kernels().mask(<uint8_t *>PyBytes_AS_STRING(data), p, n, key)
            return self.put_data(self.binary_type, data, True)
        if self.wants_str:
            return self.take_string(p, n, key)
        return self.take_bytes(p, n, key)

    cdef inline int take_string(self, const uint8_t *p, size_t n, uint32_t key) except -1:
        cdef wsf_text text
        cdef size_t index
        string = unmasked_string(p, n, key, self.shared, &text, &index)
        cdef uint8_t *to = <uint8_t *>PyUnicode_DATA(string)
        if index != n or text.pending != 0:
            return self.found(invalid_at(&self.trace, to, n, index, text.pending, b""))
        if text.max_byte >= 0x80 or n == 1:
            string = string_of(to, n, &text)
        return self.put_data(self.text_type, string, True)

    cdef int take_bytes(self, const uint8_t *p, size_t n, uint32_t key) except -1:
        cdef uint32_t pending = 0
        cdef size_t index
        data = bytes_of(NULL, n)
        cdef uint8_t *to = <uint8_t *>PyBytes_AS_STRING(data)
        index = wsf_kernels().mask_validate(to, p, n, key, &pending)
        if self.shared and index == n:
            pending = 0
            index = wsf_kernels().validate(to, n, &pending)
        if index != n or pending != 0:
            return self.found(invalid_at(&self.trace, to, n, index, pending, b""))
        return self.put_data(self.text_type, data, True)

    cdef int take_compressed(self, const uint8_t *p, size_t n, uint32_t key) except -1:
        cdef bint shared = self.shared
        data = bytes_of(NULL, n)
        wsf_kernels().mask(<uint8_t *>PyBytes_AS_STRING(data), p, n, key)
        self.shared = False  # what is inflated is ours
        if self.take_inflated(self.inflater.pieces(data, self.inflated_room())):
            return 1
        if not self.in_payload and self.frame.first & WSF_FIN:
            if self.take_inflated(self.inflater.end(self.inflated_room())):
                return 1
        self.shared = shared
        return 0

    cdef int64_t inflated_room(self) noexcept:
        """Return how many inflated bytes can still be added to the message."""
        cdef int64_t room = self.max_message_size - <int64_t>self.trace.position
        return room if self.stream else min(room, self.max_retained - self.charge())

    cdef int take_inflated(self, pieces) except -1:
        """Take all that was inflated, then the violation that the inflater raised, if any."""
        cdef int64_t size, room
        cdef PyObject *result = NULL
        cdef PySendResult how
        pieces = iter(pieces)
        while True:
            # Not PyIter_Next: without memory, Python can lose an error.  That would look like
            # the end, and a part of a message like all of it.
            how = PyIter_Send(pieces, None, &result)
            if how == PYGEN_ERROR:
                if PyErr_Occurred() is NULL:
                    raise SystemError("inflating failed without setting an exception")
                return self.take_error()
            piece = wsf_handed_over(result)
            if how == PYGEN_RETURN:
                return 0
            size, room = len(<bytes?>piece), self.inflated_room()
            # An error in what still fits comes first.
            if self.take_data(
                <const uint8_t *>PyBytes_AS_STRING(piece), <size_t>min(size, room), 0
            ):
                return 1
            if size > room:
                return self.found(self.too_large(size - room))

    cdef int take_error(self) except -1:
        """Keep the error being raised if it is a violation."""
        cdef PyObject *violation = NULL
        wsf_take_error(self.violation_type, &violation)
        return self.found(wsf_handed_over(violation))

    cdef object too_large(self, int64_t more):
        """Make the violation of a compressed message that has no room for ``more`` bytes."""
        cdef int64_t size = <int64_t>self.trace.position + more
        if size > self.max_message_size:
            return errors.message_too_big(size, self.max_message_size)
        return errors.retains_too_much(
            <object>self.charge() + more, self.fragments + 1, self.max_retained
        )

    cdef int take_data(self, const uint8_t *p, size_t n, uint32_t key) except -1:
        cdef uint64_t expected = self.frame.payload_length - self.received
        cdef size_t index = n
        cdef uint8_t *to
        if self.compressed or not self.frame.first & WSF_FIN:
            expected = <uint64_t>-1  # more may follow, of unknown size
        if self.stream and self.arrived_size() and self.arrived_size() + n > STREAMED:
            if self.hand_on():
                return 1
        to = store_reserve(&self.store, n, expected)
        if self.opcode == 0x2:
            wsf_kernels().mask(to, p, n, key)
        elif self.wants_str:
            index = wsf_kernels().mask_measure(to, p, n, key, &self.measured)
        else:
            index = wsf_kernels().mask_validate(to, p, n, key, &self.measured.pending)
        if index != n:
            violation = fault_in(&self.trace, to, index, self.measured.pending, self.look_back())
            self.store.size += index
            self.trace.position += index
            self.doubtful = True  # ``measured`` is no longer about the text before the error
            return self.found(violation)
        self.store.size += n
        self.doubtful |= self.shared
        trace_advance(&self.trace, n, self.measured.pending)
        return 0

    cdef int judge_again(self) except -1:
        """Judge again the stored text that was not handed on."""
        cdef const uint8_t *text = self.store.data + self.store.handed_on
        cdef size_t size = self.arrived_size()
        cdef size_t index
        cdef Trace trace
        self.doubtful = False
        text_clear(&self.measured)
        index = wsf_kernels().measure(text, size, &self.measured)
        if index != size:
            trace_clear(&trace)
            trace.position = self.trace.position - size
            return self.found(fault_in(&trace, text, index, self.measured.pending, b""))
        return 0

    cdef int end_message(self) except -1:
        if self.doubtful and self.opcode == 0x1 and self.judge_again():
            return 1
        if self.measured.pending != 0:
            return self.found(
                truncated_at(&self.trace, self.measured.pending, self.look_back())
            )
        self.put_data(
            self.binary_type if self.opcode == 0x2 else self.text_type,
            self.arrived_until(self.store.size),
            True,
        )
        self.discard()
        return 0

    # What has arrived of a message and was not handed on.

    cdef inline size_t arrived_size(self) noexcept:
        return self.store.size - self.store.handed_on

    cdef object arrived_until(self, size_t end):
        """Return it up to ``end``, where no character is cut."""
        cdef const uint8_t *arrived = self.store.data + self.store.handed_on
        cdef size_t size = end - self.store.handed_on
        if self.opcode == 0x2 or not self.wants_str:
            return bytes_of(arrived, size)
        cdef wsf_text text = self.measured
        if text.pending != 0:  # the unfinished character was measured too
            text.pending = 0
            text.code_points -= 1
            if not has_lead_like(arrived, size, self.store.data[end]):
                text_clear(&text)
                wsf_kernels().measure(arrived, size, &text)
        return string_of(arrived, size, &text)

    cdef int hand_on(self) except -1:
        """Put a part, of whole characters if it is text, unless there is nothing to put."""
        cdef size_t end
        cdef uint32_t pending
        if self.doubtful and self.opcode == 0x1 and self.judge_again():
            return 1
        pending = self.measured.pending
        end = self.store.size - wsf_pending_count(pending)
        if end == self.store.handed_on:
            return 0
        self.put_data(
            self.binary_type if self.opcode == 0x2 else self.text_type,
            self.arrived_until(end),
            False,
        )
        text_clear(&self.measured)
        if pending != 0:
            self.measured.pending = pending
            self.measured.max_byte = self.store.data[end]
            self.measured.code_points = 1
        store_hand_on(&self.store, end, wsf_max_context if self.opcode == 0x1 else 0)
        return 0

    cdef object look_back(self):
        """Return the end of the message so far, as much as evidence may need."""
        cdef size_t window = min(self.store.size, <size_t>_limits.MAX_CONTEXT + 3)
        return bytes_of(self.store.data + self.store.size - window, window)


cdef inline bint has_lead_like(const uint8_t *text, size_t n, uint8_t lead) noexcept:
    """Tell whether one of the last characters needs a string as wide as that lead does.

    Only a few are looked at, so after a no the others may still need it.
    """
    cdef uint8_t least = 0xF0 if lead >= 0xF0 else 0xC4 if lead >= 0xC4 else 0x80
    cdef size_t few = min(n, <size_t>64)
    cdef size_t i
    for i in range(1, few + 1):
        if text[n - i] >= least:
            return True
    return False
