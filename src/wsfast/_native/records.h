/* How records are laid out, made and freed.
 *
 * Invariant: the layouts are those of the classes in records.pxi; `wsf_expose` checks their
 * sizes when the extension is imported.
 */
#ifndef WSF_RECORDS_H
#define WSF_RECORDS_H

#include <Python.h>
#include <stddef.h>
#include <stdint.h>
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

/* Fields are slots, which the interpreter reads directly; for a property it would call the
 * getter. */
#define WSF_SLOT(name, type, member) {name, T_OBJECT_EX, offsetof(type, member), READONLY, NULL}
#define WSF_LAST_SLOT {NULL, 0, 0, 0, NULL}

static PyMemberDef wsf_data_slots[] = {
    WSF_SLOT("data", wsf_record, field),
    WSF_LAST_SLOT,
};
static PyMemberDef wsf_close_slots[] = {
    WSF_SLOT("code", wsf_record_of_two, field),
    WSF_SLOT("reason", wsf_record_of_two, other),
    WSF_LAST_SLOT,
};
static PyMemberDef wsf_part_slots[] = {
    WSF_SLOT("last", wsf_record_of_two, other), /* `data` is inherited */
    WSF_LAST_SLOT,
};
static PyMemberDef wsf_frame_slots[] = {
    WSF_SLOT("opcode", wsf_frame_record, field),
    WSF_SLOT("payload", wsf_frame_record, other),
    WSF_LAST_SLOT,
};

/* Give a type the slots, if it is as large as expected. */
static int wsf_expose(PyTypeObject *type, size_t size, PyMemberDef *slots)
{
    if ((size_t)type->tp_basicsize != size) {
        PyErr_Format(PyExc_SystemError, "%s is not laid out as expected", type->tp_name);
        return -1;
    }
    for (; slots->name != NULL; slots++) {
        PyObject *slot = PyDescr_NewMember(type, slots);
        if (slot == NULL || PyDict_SetItemString(type->tp_dict, slots->name, slot) < 0) {
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
    return wsf_expose(type, sizeof(wsf_record), wsf_data_slots);
}

/* Types inherit tp_dealloc when they are made, which was before this, so each is changed. */
static int wsf_lay_out_leaf(PyTypeObject *type)
{
    type->tp_dealloc = wsf_free_record;
    return 0;
}

static int wsf_lay_out_close(PyTypeObject *type)
{
    type->tp_dealloc = wsf_free_record_of_two;
    return wsf_expose(type, sizeof(wsf_record_of_two), wsf_close_slots);
}

static int wsf_lay_out_part(PyTypeObject *type)
{
    type->tp_dealloc = wsf_free_record_of_two;
    return wsf_expose(type, sizeof(wsf_record_of_two), wsf_part_slots);
}

static int wsf_lay_out_frame(PyTypeObject *type)
{
    /* Done before any frame is made.  Cython would do this for fields of type object, but such
     * fields can't be set in an object that the garbage collector doesn't track. */
    type->tp_flags |= Py_TPFLAGS_HAVE_GC;
    type->tp_traverse = wsf_traverse_frame;
    type->tp_clear = wsf_clear_frame;
    type->tp_free = PyObject_GC_Del;
    type->tp_dealloc = wsf_free_frame;
    return wsf_expose(type, sizeof(wsf_frame_record), wsf_frame_slots);
}

static void wsf_seal(PyTypeObject *type)
{
    type->tp_flags |= Py_TPFLAGS_IMMUTABLETYPE;
    PyType_Modified(type);
}

static void wsf_seal_base(PyTypeObject *type)
{
    type->tp_flags &= ~Py_TPFLAGS_BASETYPE; /* all its subclasses exist */
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

static inline PyObject *wsf_new_record_of_two(PyTypeObject *type, PyObject *field, PyObject *other)
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

/* Not tracked by the garbage collector: what a decoder puts into a frame is in no cycle. */
static inline PyObject *wsf_new_frame(PyTypeObject *type, PyObject *opcode, PyObject *payload,
                                      uint8_t first)
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

/* Make a tuple of that type from these items, as its __new__ would, with `data` at one place.
 * The garbage collector can't see it half made, because nothing else is allocated. */
static PyObject *wsf_new_tuple(PyObject *kind, PyObject *items, Py_ssize_t place, PyObject *data)
{
    PyTypeObject *type = (PyTypeObject *)kind;
    Py_ssize_t i, count = PyTuple_GET_SIZE(items);
    PyObject *made = type->tp_alloc(type, count);
    if (made == NULL) {
        return NULL;
    }
    for (i = 0; i < count; i++) {
        PyObject *item = i == place ? data : PyTuple_GET_ITEM(items, i);
        Py_INCREF(item);
        PyTuple_SET_ITEM(made, i, item);
    }
    return made;
}

#endif
