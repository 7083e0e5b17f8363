/* Replaces what the generated code calls to handle errors and to add lines of .pyx files to
 * their tracebacks, with functions that are safe when there is no memory.
 *
 * Where CPython can't make the traceback of an error, the error is lost: a function in
 * Python then returns NULL and no error is raised.  (A test shows it without wsfast:
 * "control" in tests/hostile/allocation.py.)  The generated code would crash if an ``except`` or a
 * ``finally`` clause came next.
 *
 * Invariant: after these, an error is being raised: if it was lost, it is a MemoryError.
 */
#ifndef WSF_TRACEBACKS_H
#define WSF_TRACEBACKS_H

#include <Python.h>
#include <frameobject.h>

/* The caller has taken the error away, and raises this one in its place. */
static inline PyCodeObject *wsf_new_code(const char *filename, const char *name, int line)
{
    PyCodeObject *code = PyCode_NewEmpty(filename, name, line);
    if (code == NULL && PyErr_Occurred() == NULL) {
        PyErr_NoMemory();
    }
    return code;
}

/* If there is no memory for the frame, the error goes on without it. */
static inline PyFrameObject *wsf_new_frame_object(PyThreadState *state, PyCodeObject *code,
                                                  PyObject *globals, PyObject *locals)
{
    PyObject *type, *value, *trace;
    PyFrameObject *frame;
    PyErr_Fetch(&type, &value, &trace);
    frame = PyFrame_New(state, code, globals, locals);
    if (type == NULL && PyErr_Occurred() == NULL) {
        PyErr_NoMemory();
    } else if (type != NULL) {
        PyErr_Restore(type, value, trace); /* instead of what PyFrame_New raised */
    }
    return frame;
}

static inline int wsf_traceback_here(PyFrameObject *frame)
{
    PyObject *type, *value, *trace;
    PyErr_Fetch(&type, &value, &trace);
    Py_XINCREF(type);
    Py_XINCREF(value);
    Py_XINCREF(trace);
    PyErr_Restore(type, value, trace);
    if (PyTraceBack_Here(frame) < 0) {
        PyErr_Restore(type, value, trace); /* as it was */
        return 0;
    }
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(trace);
    return 0;
}

/* The generated code looks at the error in every ``except`` and ``finally`` clause. */
static inline int wsf_set_traceback(PyObject *error, PyObject *trace)
{
    return error == NULL ? 0 : PyException_SetTraceback(error, trace);
}

#define PyException_SetTraceback wsf_set_traceback
#define PyTraceBack_Here wsf_traceback_here
#define PyCode_NewEmpty wsf_new_code
#define PyFrame_New wsf_new_frame_object

#endif
