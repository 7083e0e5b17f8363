# How the values that decoders yield are laid out, made and freed: see also _record.py.
#
# Invariant: a record never changes once its fields are set, and its type can't be changed
# either.  Those whose fields can only be numbers, bytes or str are never in a cycle, and no
# business of the collector; a Frame can hold any buffer, so it can be.

cdef extern from *:
    """
    #include <stddef.h>
    #include <structmember.h>

    /* As Cython lays out a class without cdef methods, here of one field or of two. */
    typedef struct {
        PyObject_HEAD
        PyObject *field;
    } wsf_record;

    typedef struct {
        PyObject_HEAD
        PyObject *field;
        PyObject *other;
    } wsf_record_of_two;

    typedef struct {
        PyObject_HEAD
        PyObject *field;
        PyObject *other;
        uint8_t first;
    } wsf_frame_record;

    static void wsf_free_record(PyObject *self)
    {
        PyTypeObject *type = Py_TYPE(self);
        Py_XDECREF(((wsf_record *)self)->field);
        type->tp_free(self);
        Py_DECREF(type);
    }

    static void wsf_free_record_of_two(PyObject *self)
    {
        PyTypeObject *type = Py_TYPE(self);
        Py_XDECREF(((wsf_record_of_two *)self)->field);
        Py_XDECREF(((wsf_record_of_two *)self)->other);
        type->tp_free(self);
        Py_DECREF(type);
    }

    static void wsf_free_frame(PyObject *self)
    {
        PyObject_GC_UnTrack(self);
        wsf_free_record_of_two(self);
    }

    static int wsf_traverse_frame(PyObject *self, visitproc visit, void *arg)
    {
        Py_VISIT(Py_TYPE(self));
        Py_VISIT(((wsf_frame_record *)self)->field);
        Py_VISIT(((wsf_frame_record *)self)->other);
        return 0;
    }

    static int wsf_clear_frame(PyObject *self)
    {
        Py_CLEAR(((wsf_frame_record *)self)->other);
        return 0;
    }

    /* Fields are slots, which the interpreter reads in place; of a property it would call
     * the getter. */
    #define WSF_SLOT(name, type, member) \\
        {name, T_OBJECT_EX, offsetof(type, member), READONLY, NULL}

    static PyMemberDef wsf_data_slots[] = {
        WSF_SLOT("data", wsf_record, field)};
    static PyMemberDef wsf_close_slots[] = {
        WSF_SLOT("code", wsf_record_of_two, field),
        WSF_SLOT("reason", wsf_record_of_two, other)};
    static PyMemberDef wsf_part_slots[] = {
        WSF_SLOT("last", wsf_record_of_two, other)};
    static PyMemberDef wsf_frame_slots[] = {
        WSF_SLOT("opcode", wsf_frame_record, field),
        WSF_SLOT("payload", wsf_frame_record, other)};

    static int wsf_expose(PyTypeObject *type, size_t size, PyMemberDef *slots, int count)
    {
        int i;
        if ((size_t)type->tp_basicsize != size) {
            PyErr_Format(PyExc_SystemError, "%s is not laid out as expected", type->tp_name);
            return -1;
        }
        for (i = 0; i < count; i++) {
            PyObject *slot = PyDescr_NewMember(type, &slots[i]);
            if (slot == NULL || PyDict_SetItemString(type->tp_dict, slots[i].name, slot) < 0) {
                Py_XDECREF(slot);
                return -1;
            }
            Py_DECREF(slot);
        }
        PyType_Modified(type);
        return 0;
    }

    static int wsf_lay_out_data(PyTypeObject *type)
    {
        return wsf_expose(type, sizeof(wsf_record), wsf_data_slots, 1);
    }

    /* Types inherit tp_dealloc when they are made, so each is told. */
    static int wsf_lay_out_leaf(PyTypeObject *type)
    {
        type->tp_dealloc = wsf_free_record;
        return 0;
    }

    static int wsf_lay_out_close(PyTypeObject *type)
    {
        type->tp_dealloc = wsf_free_record_of_two;
        return wsf_expose(type, sizeof(wsf_record_of_two), wsf_close_slots, 2);
    }

    static int wsf_lay_out_part(PyTypeObject *type)
    {
        type->tp_dealloc = wsf_free_record_of_two;
        return wsf_expose(type, sizeof(wsf_record_of_two), wsf_part_slots, 1);
    }

    static int wsf_lay_out_frame(PyTypeObject *type)
    {
        /* Before there is any frame.  Cython would have it so for fields of type object,
         * which it does not let us set in an object that is not tracked. */
        type->tp_flags |= Py_TPFLAGS_HAVE_GC;
        type->tp_traverse = wsf_traverse_frame;
        type->tp_clear = wsf_clear_frame;
        type->tp_free = PyObject_GC_Del;
        type->tp_dealloc = wsf_free_frame;
        return wsf_expose(type, sizeof(wsf_frame_record), wsf_frame_slots, 2);
    }

    static void wsf_seal(PyTypeObject *type)
    {
        type->tp_flags |= Py_TPFLAGS_IMMUTABLETYPE;
        PyType_Modified(type);
    }

    static void wsf_seal_base(PyTypeObject *type)
    {
        type->tp_flags &= ~Py_TPFLAGS_BASETYPE; /* it has the subclasses it is for */
        wsf_seal(type);
    }

    static inline PyObject *wsf_new_record(PyTypeObject *type, PyObject *field)
    {
        wsf_record *record = PyObject_New(wsf_record, type);
        if (record != NULL) {
            Py_INCREF(field);
            record->field = field;
        }
        return (PyObject *)record;
    }

    static inline PyObject *wsf_new_record_of_two(PyTypeObject *type, PyObject *field,
                                                  PyObject *other)
    {
        wsf_record_of_two *record = PyObject_New(wsf_record_of_two, type);
        if (record != NULL) {
            Py_INCREF(field);
            record->field = field;
            Py_INCREF(other);
            record->other = other;
        }
        return (PyObject *)record;
    }

    /* The collector is not told: what a decoder puts into a frame leads to no cycle. */
    static inline PyObject *wsf_new_frame(PyTypeObject *type, PyObject *opcode,
                                          PyObject *payload, uint8_t first)
    {
        wsf_frame_record *record = PyObject_GC_New(wsf_frame_record, type);
        if (record != NULL) {
            Py_INCREF(opcode);
            record->field = opcode;
            Py_INCREF(payload);
            record->other = payload;
            record->first = first;
        }
        return (PyObject *)record;
    }
    """
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


cdef inline int set_octets(Data record, object data) except -1:
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
        set_octets(self, data)


@cython.final
cdef class Ping(Data):
    def __init__(self, data=b""):
        set_octets(self, data)


@cython.final
cdef class Pong(Data):
    def __init__(self, data=b""):
        set_octets(self, data)


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
