# How the values that decoders yield are laid out, made and freed: see also _record.py.
#
# Invariant: a record never changes once its fields are set, and its type can't be changed
# either.  Records whose fields can only be numbers, bytes or str are never in a cycle, so the
# garbage collector doesn't know them; a Frame can hold any buffer, so it can be in one.

cdef extern from "records.h":
    int wsf_lay_out_data(PyTypeObject *type) except -1
    int wsf_lay_out_leaf(PyTypeObject *type) except -1
    int wsf_lay_out_close(PyTypeObject *type) except -1
    int wsf_lay_out_part(PyTypeObject *type) except -1
    int wsf_lay_out_frame(PyTypeObject *type) except -1
    void wsf_seal(PyTypeObject *type) noexcept
    void wsf_seal_base(PyTypeObject *type) noexcept
    object wsf_new_record(PyTypeObject *type, object field)
    object wsf_new_record_of_two(PyTypeObject *type, object field, object other)
    object wsf_new_frame(PyTypeObject *type, object opcode, object payload, uint8_t first)


cdef inline int set_once(object record, PyObject **field, object value) except -1:
    if field[0] is not NULL:
        raise _arguments.cannot_change(record)
    Py_INCREF(value)
    field[0] = <PyObject *>value
    return 0


cdef class Data:
    """What messages and control frames share: one field, ``data``."""

    __match_args__ = ("data",)

    cdef PyObject *data_  # owned

    def __eq__(self, other):
        if type(self) is not type(other):
            return NotImplemented
        return self.data == other.data

    def __hash__(self):
        return hash((type(self).__name__, self.data))

    def __repr__(self):
        return f"{type(self).__name__}(data={self.data!r})"

    def __reduce__(self):
        return type(self), (self.data,)


cdef inline int set_bytes(Data record, object data) except -1:
    if not PyBytes_CheckExact(data):
        data = _arguments.plain_field("data", data, bytes)
    return set_once(record, &record.data_, data)


@cython.final
cdef class Text(Data):
    @classmethod
    def __class_getitem__(cls, item, /):
        return cls

    def __init__(self, data):
        if not PyUnicode_CheckExact(data):
            data = _arguments.plain_field("data", data, (str, bytes))
        set_once(self, &self.data_, data)


@cython.final
cdef class Binary(Data):
    def __init__(self, data=b""):
        set_bytes(self, data)


@cython.final
cdef class Ping(Data):
    def __init__(self, data=b""):
        set_bytes(self, data)


@cython.final
cdef class Pong(Data):
    def __init__(self, data=b""):
        set_bytes(self, data)


cdef class Part(Data):
    """What parts of messages share: ``data``, and whether it is the last of them."""

    __match_args__ = ("data", "last")

    cdef PyObject *last_  # owned

    def __eq__(self, other):
        if type(self) is not type(other):
            return NotImplemented
        return self.data == other.data and self.last is other.last

    def __hash__(self):
        return hash((type(self).__name__, self.data, self.last))

    def __repr__(self):
        return f"{type(self).__name__}(data={self.data!r}, last={self.last})"

    def __reduce__(self):
        return type(self), (self.data, self.last)


@cython.final
cdef class TextPart(Part):
    @classmethod
    def __class_getitem__(cls, item, /):
        return cls

    def __init__(self, data, last):
        if not PyUnicode_CheckExact(data):
            data = _arguments.plain_field("data", data, (str, bytes))
        last = bool(last)
        set_once(self, &self.data_, data)
        set_once(self, &self.last_, last)


@cython.final
cdef class BinaryPart(Part):
    def __init__(self, data, last):
        if not PyBytes_CheckExact(data):
            data = _arguments.plain_field("data", data, bytes)
        last = bool(last)
        set_once(self, &self.data_, data)
        set_once(self, &self.last_, last)


@cython.final
cdef class Close:
    __match_args__ = ("code", "reason")

    cdef PyObject *code_
    cdef PyObject *reason_

    def __init__(self, code, reason=""):
        if not PyLong_CheckExact(code) and type(code) is not CloseCode:
            code = _arguments.plain_field("code", code, int)
        if not PyUnicode_CheckExact(reason):
            reason = _arguments.plain_field("reason", reason, str)
        set_once(self, &self.code_, code)
        set_once(self, &self.reason_, reason)

    def __eq__(self, other):
        if not isinstance(other, Close):
            return NotImplemented
        return self.code == other.code and self.reason == other.reason

    def __hash__(self):
        return hash(("Close", self.code, self.reason))

    def __repr__(self):
        return f"Close(code={self.code!r}, reason={self.reason!r})"

    def __reduce__(self):
        return Close, (self.code, self.reason)


@cython.final
cdef class Frame:
    __match_args__ = ("opcode", "payload", "fin", "rsv1", "rsv2", "rsv3")

    cdef PyObject *opcode_
    cdef PyObject *payload_
    cdef uint8_t first  # the first byte of the header

    def __init__(self, opcode, payload, fin=True, rsv1=False, rsv2=False, rsv3=False):
        cdef uint8_t first
        opcode = _arguments.check_opcode(opcode)
        payload = _arguments.check_field("payload", payload, (bytes, bytearray, memoryview))
        first = (
            (0x80 if fin else 0) | (0x40 if rsv1 else 0) | (0x20 if rsv2 else 0)
            | (0x10 if rsv3 else 0)
        )
        set_once(self, &self.opcode_, opcode)
        self.first = first
        set_once(self, &self.payload_, payload)

    @property
    def fin(self):
        return self.first & 0x80 != 0

    @property
    def rsv1(self):
        return self.first & 0x40 != 0

    @property
    def rsv2(self):
        return self.first & 0x20 != 0

    @property
    def rsv3(self):
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


cdef tuple frame_values(Frame frame):
    return (frame.opcode, frame.payload, frame.fin, frame.rsv1, frame.rsv2, frame.rsv3)


cdef int lay_out_records() except -1:
    wsf_lay_out_data(<PyTypeObject *>Data)
    for kind in (Data, Text, Binary, Ping, Pong):
        wsf_lay_out_leaf(<PyTypeObject *>kind)
    for kind in (Part, TextPart, BinaryPart):
        wsf_lay_out_part(<PyTypeObject *>kind)
    wsf_lay_out_close(<PyTypeObject *>Close)
    wsf_lay_out_frame(<PyTypeObject *>Frame)
    return 0


lay_out_records()
