# Frames (RFC 6455 section 5): decode them, one at a time.
#
# Invariant: as its twin, _pure/frames.py: a header field is judged with the octet that
# completes it, before any payload is kept; a payload is unmasked as it arrives, and
# nothing is allocated for octets that a header only announces.

@cython.final
cdef class Frame:
    """Frame(opcode, payload, fin=True, rsv1=False, rsv2=False, rsv3=False)
--

    Hold one frame, as it was received (RFC 6455 section 5.2).

    ``opcode`` is an ``Opcode``, ``payload`` its octets, unmasked; ``fin`` tells whether it
    is the last fragment of its message; ``rsv1``, ``rsv2``, ``rsv3`` are for extensions.
    """

    __match_args__ = ("opcode", "payload", "fin", "rsv1", "rsv2", "rsv3")

    # Owned references, set once: so that a decoder can make a frame without __init__.
    cdef PyObject *opcode_
    cdef PyObject *payload_
    cdef uint8_t first  # the first octet of the header

    def __init__(self, opcode, payload, fin=True, rsv1=False, rsv2=False, rsv3=False):
        if self.opcode_ is not NULL:
            raise AttributeError("a Frame can't be changed")
        opcode = _arguments.check_opcode(opcode)
        payload = _arguments.check_field("payload", payload, (bytes, bytearray, memoryview))
        self.first = (
            (0x80 if fin else 0) | (0x40 if rsv1 else 0) | (0x20 if rsv2 else 0)
            | (0x10 if rsv3 else 0)
        )
        frame_set(self, opcode, payload)

    def __dealloc__(self):
        Py_XDECREF(self.opcode_)
        Py_XDECREF(self.payload_)

    @property
    def fin(self):
        """Whether it is the last fragment of its message."""
        return self.first & 0x80 != 0

    @property
    def rsv1(self):
        """The first reserved bit."""
        return self.first & 0x40 != 0

    @property
    def rsv2(self):
        """The second reserved bit."""
        return self.first & 0x20 != 0

    @property
    def rsv3(self):
        """The third reserved bit."""
        return self.first & 0x10 != 0

    def __eq__(self, other):
        if not isinstance(other, Frame):
            return NotImplemented
        return frame_values(self) == frame_values(other)

    def __hash__(self):
        return hash(("Frame", *frame_values(self)))

    def __repr__(self):
        return (
            f"Frame(opcode={self.opcode!r}, payload={self.payload!r}, fin={self.fin}, "
            f"rsv1={self.rsv1}, rsv2={self.rsv2}, rsv3={self.rsv3})"
        )

    def __reduce__(self):
        return Frame, frame_values(self)


cdef int expose_fields() except -1:
    cdef Frame some = <Frame>PyType_GenericAlloc(<PyTypeObject *>Frame, 0)
    cdef char *start = <char *><PyObject *>some
    cdef PyTypeObject *kind = <PyTypeObject *>Frame
    wsf_expose(kind, 1, "opcode", <char *>&some.opcode_ - start, "An ``Opcode``.")
    wsf_expose(kind, 2, "payload", <char *>&some.payload_ - start, "The octets, unmasked.")
    return 0


expose_fields()


cdef inline void frame_set(Frame frame, object opcode, object payload) noexcept:
    Py_INCREF(opcode)
    frame.opcode_ = <PyObject *>opcode
    Py_INCREF(payload)
    frame.payload_ = <PyObject *>payload


cdef tuple frame_values(Frame frame):
    return (frame.opcode, frame.payload, frame.fin, frame.rsv1, frame.rsv2, frame.rsv3)


cdef class Receiver:
    """What both decoders share: headers, feeding, and what happens after a violation."""

    cdef wsf_frame_rules rules
    cdef wsf_frame_header frame   # whose payload is arriving, if in_payload
    cdef uint64_t received        # octets of that payload
    cdef uint8_t head[WSF_MAX_HEADER]
    cdef uint8_t head_size        # of a header that is not yet whole
    cdef bint in_payload
    cdef bint busy
    cdef bint closed              # by a close frame: what follows is ignored
    cdef bint shared              # what is being fed: others may be able to change it
    cdef object violation
    cdef object source            # what is being fed, if that is ``bytes`` and views may alias it
    cdef bytearray buffer

    cdef int set_rules(self, role, reserved_bits, max_frame_size) except -1:
        """Begin anew; nothing is changed before all is known to be right."""
        cdef uint8_t masked = WSF_MASKED if _arguments.is_server(role) else 0
        cdef int64_t frame_room = _arguments.size_limit("max_frame_size", max_frame_size)
        if self.busy:
            raise _arguments.decoder_busy()
        self.rules.masked = masked
        self.rules.reserved_bits = reserved_bits
        self.rules.frame_room = frame_room
        self.rules.message_room = self.rules.retained_room = frame_room
        self.rules.sequence = WSF_SEQUENCE_ANY
        self.head_size = 0
        self.in_payload = self.closed = False
        self.received = 0
        self.violation = self.buffer = None
        self.discard()
        return 0

    def feed(self, data, /):
        """Decode what arrived, any C-contiguous buffer; it is not kept.

        Returns an iterator over what is now whole: frames, or messages and control frames.
        If the octets break the protocol it raises after the last of these before that; so
        does every call from then on, at once.  Raises TypeError and ValueError if ``data``
        is no such buffer.
        """
        cdef View view
        open_view(&view, data, "data")
        try:
            with cython.critical_section(self):
                return self.decode(view.data, view.size, view.held, data)
        finally:
            close_view(&view)

    def get_buffer(self, sizehint=-1):
        """Return a buffer to receive into, for ``asyncio.BufferedProtocol``.

        It has 64 KiB or more, and is good until the next ``buffer_updated``.
        """
        cdef Py_ssize_t size = _arguments.check_sizehint(sizehint)
        with cython.critical_section(self):
            if self.buffer is None or len(self.buffer) < size:
                self.buffer = bytearray(size)
            return memoryview(self.buffer)

    def buffer_updated(self, nbytes, /):
        """Decode the first ``nbytes`` octets of the buffer: as ``feed`` of them.

        Raises ValueError if the buffer that ``get_buffer`` returned is not as large.
        """
        cdef Py_ssize_t size
        cdef View view
        with cython.critical_section(self):
            buffer = self.buffer
        open_view(&view, b"" if buffer is None else buffer, "buffer")
        try:
            size = _arguments.check_update(nbytes, view.size)
            with cython.critical_section(self):
                self.buffer = None
                return self.decode(view.data, <size_t>size, view.held, None)
        finally:
            close_view(&view)

    cdef object decode(self, const uint8_t *p, size_t n, bint shared, object source):
        if self.busy:
            raise _arguments.decoder_busy()
        if self.violation is not None:
            raise self.violation.with_traceback(None)
        events = []
        self.busy = True
        self.shared = shared
        self.source = None if shared else source
        try:
            self.consume(p, n, events)
        except BaseException as violation:  # whatever stopped us, what came before is kept
            self.violation = violation.with_traceback(None)
            self.discard()
            return errors.then_raise(events, violation)
        finally:
            self.busy = False
            self.source = None
        return iter(events)

    cdef int consume(self, const uint8_t *p, size_t n, list events) except -1:
        cdef uint64_t rest
        cdef size_t used
        while not self.closed:
            if not self.in_payload:
                used = self.read_header(p, n)
                p += used
                n -= used
                if not self.in_payload:
                    return 0
                self.received = 0
            rest = self.frame.payload_length - self.received
            if n < rest:
                if n:
                    self.arrived(p, n, events)
                    self.received += n
                return 0
            self.in_payload = False
            self.arrived(p, <size_t>rest, events)
            p += rest
            n -= rest
        return 0

    cdef size_t read_header(self, const uint8_t *p, size_t n) except? 0:
        """Read a header, or as much of it as there is; return the octets of p used."""
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
            return self.frame.octets - carried
        if verdict != WSF_HEADER_PARTIAL:
            raise self.header_violation(verdict)
        if not carried:
            memcpy(self.head, p, taken)
        self.head_size = <uint8_t>(carried + taken)
        return taken

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

    cdef int arrived(self, const uint8_t *p, size_t n, list events) except -1:
        """Take the next n octets, masked, of the payload.

        They are the first of it if ``received`` is 0, the last of it unless ``in_payload``.
        """
        raise NotImplementedError

    cdef int discard(self) except -1:
        """Let go of what a violation made useless."""
        raise NotImplementedError


@cython.final
cdef class FrameDecoder(Receiver):
    """FrameDecoder(role, *, max_frame_size=1048576, reserved_bits=0, payload='bytes')
--

    Decode frames from octets that arrive in any pieces (RFC 6455 section 5.2).

    ``role`` is ``"server"`` if the frames come from a client and are masked, ``"client"``
    if they come from a server and are not.  ``max_frame_size`` is the longest payload of a
    data frame, in octets, ``None`` for any; ``reserved_bits`` those that a negotiated
    extension uses: a union of 0x40 (RSV1), 0x20 and 0x10.  ``payload="memoryview"`` gives
    read-only views of the ``bytes`` that were fed, which each keeps alive as a whole,
    wherever a frame is not masked and came in one piece; else of octets of their own.
    """

    cdef Store payload
    cdef bint wants_views
    cdef tuple opcodes
    cdef object frame_type  # kept here: to find it in the module takes longer

    def __cinit__(self):
        self.opcodes = _arguments.OPCODES
        self.frame_type = Frame

    def __init__(self, role, *, max_frame_size=2**20, reserved_bits=0, payload="bytes"):
        # Fault is found with them in the order in which the twin does it.
        cdef uint8_t allowed = _arguments.allowed_reserved_bits(reserved_bits)
        _arguments.is_server(role)
        _arguments.size_limit("max_frame_size", max_frame_size)
        cdef bint wants_views = _arguments.wants_views(payload)
        with cython.critical_section(self):
            self.set_rules(role, allowed, max_frame_size)
            self.wants_views = wants_views

    def __dealloc__(self):
        store_free(&self.payload)

    cdef int arrived(self, const uint8_t *p, size_t n, list events) except -1:
        cdef uint32_t key = wsf_key_advance(self.frame.key, <size_t>(self.received & 3))
        cdef uint8_t *to
        if self.in_payload or self.received:
            to = store_reserve(&self.payload, n, self.frame.payload_length - self.received)
            wsf_kernels().mask(to, p, n, key)
            self.payload.size += n
            if not self.in_payload:
                events.append(self.frame_of(bytes_of(self.payload.data, self.payload.size)))
                store_free(&self.payload)
            return 0
        if self.wants_views and self.source is not None and not self.rules.masked:
            start = p - <const uint8_t *>PyBytes_AS_STRING(self.source)
            events.append(self.frame_of(memoryview(self.source)[start : start + <Py_ssize_t>n]))
            return 0
        payload = bytes_of(NULL, n)
        wsf_kernels().mask(<uint8_t *>PyBytes_AS_STRING(payload), p, n, key)
        events.append(self.frame_of(payload))
        return 0

    def take_part(self):
        """Take what has arrived of the payload of an unfinished data frame.

        Returns the opcode, FIN and the octets, unmasked; ``None`` if there are none.  The
        frame that ``feed`` yields when it is whole then has the rest.
        """
        with cython.critical_section(self):
            if not self.in_payload or self.frame.first & WSF_CONTROL or not self.payload.size:
                return None
            octets = bytes_of(self.payload.data, self.payload.size)
            self.payload.size = 0
            return (
                self.opcodes[self.frame.first & WSF_OPCODE],
                self.frame.first & 0x80 != 0,
                octets,
            )

    cdef Frame frame_of(self, payload):
        if self.wants_views and PyBytes_CheckExact(payload):
            payload = memoryview(payload)
        opcode = self.opcodes[self.frame.first & WSF_OPCODE]
        cdef Frame frame = <Frame>_PyObject_New(<PyTypeObject *>self.frame_type)
        frame.first = self.frame.first
        frame_set(frame, opcode, payload)
        return frame

    cdef int discard(self) except -1:
        store_free(&self.payload)
        return 0


def take_frame(data, start, masked, max_size, /):
    """Take the frame that begins at ``data[start]``, for peers that keep what they receive.

    ``data`` is ``bytes`` or a ``bytearray``.  Returns the first octet of the header, the
    payload, ``bytes`` if it was masked and else a ``bytearray``, where the frame ends, and
    whether it is a text message, whole and in UTF-8.  Returns ``None`` unless a whole frame
    is there that breaks no rule and has at most ``max_size`` octets of payload.
    """
    cdef View view
    cdef wsf_frame_rules rules
    cdef size_t begin = start
    rules.reserved_bits = 0x70
    rules.first_bits = 0
    rules.masked = WSF_MASKED if masked else 0
    rules.sequence = WSF_SEQUENCE_ANY
    rules.frame_room = rules.message_room = rules.retained_room = max_size
    open_view(&view, data, "data")
    try:
        return whole_frame(&view, begin, &rules)
    finally:
        close_view(&view)


cdef object whole_frame(const View *view, size_t at, const wsf_frame_rules *rules):
    cdef wsf_frame_header header
    cdef const uint8_t *p = view.data
    cdef uint8_t *octets
    cdef size_t n = view.size
    cdef size_t length, index
    cdef uint32_t pending = 0
    cdef bint is_text
    if at > n or wsf_frame_header_parse(p + at, n - at, rules, &header) != WSF_HEADER_COMPLETE:
        return None
    at += header.octets
    if n - at < header.payload_length:
        return None
    length = <size_t>header.payload_length
    is_text = header.first == 0x81
    if rules.masked:
        payload = bytes_of(NULL, length)
        octets = <uint8_t *>PyBytes_AS_STRING(payload)
    else:
        payload = PyByteArray_FromStringAndSize(NULL, <Py_ssize_t>length)
        octets = <uint8_t *>PyByteArray_AS_STRING(payload)
    if is_text:
        index = wsf_kernels().mask_validate(octets, p + at, length, header.key, &pending)
        if view.held and index == length:  # what was judged may not be what was stored
            pending = 0
            index = wsf_kernels().validate(octets, length, &pending)
        is_text = index == length and pending == 0
    else:
        wsf_kernels().mask(octets, p + at, length, header.key)
    return header.first, payload, at + length, is_text
