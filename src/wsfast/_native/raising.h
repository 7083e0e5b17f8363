/* How errors are kept, taken and raised, and references handed over, where Cython's own way
 * could fail for lack of memory or would keep frames alive.
 *
 * Invariant: a violation that is kept holds on to no frame, context or cause.
 */
#ifndef WSF_RAISING_H
#define WSF_RAISING_H

#include <Python.h>
#include <stdint.h>

static int wsf_consume(PyObject *decoder, const uint8_t *p, size_t n);
static int wsf_take_in(PyObject *sink, PyObject *data, PyObject *host);

/* Errors stay raised, for the caller to see them. */
#define wsf_consume_quietly wsf_consume
#define wsf_take_in_quietly wsf_take_in

#define wsf_handed_over(reference) (reference)

/* Remember the type of the error being raised, which stays raised. */
static int wsf_note_error(PyObject **type)
{
    PyObject *before = *type;
    *type = PyErr_Occurred();
    Py_XINCREF(*type);
    Py_XDECREF(before);
    return -1;
}

/* Take the error being raised, if it is of that kind, and free it of what it keeps alive.
 * Return 1, or -1 if another error is being raised. */
static int wsf_take_error(PyObject *kind, PyObject **taken)
{
    PyObject *error;
#if PY_VERSION_HEX >= 0x030C0000
    if (!PyErr_ExceptionMatches(kind)) {
        return -1;
    }
    error = PyErr_GetRaisedException();
#else
    PyObject *type, *trace;
    if (!PyErr_ExceptionMatches(kind)) {
        return -1;
    }
    PyErr_Fetch(&type, &error, &trace);
    PyErr_NormalizeException(&type, &error, &trace);
    if (!PyErr_GivenExceptionMatches(type, kind)) { /* no memory to make it */
        PyErr_Restore(type, error, trace);
        return -1;
    }
    Py_DECREF(type);
    Py_XDECREF(trace);
#endif
    PyException_SetTraceback(error, Py_None);
    PyException_SetContext(error, NULL);
    PyException_SetCause(error, NULL);
    *taken = error;
    return 1;
}

/* Raise an exception that nobody has raised yet, without the context that `raise` gives
 * it: the exception that the caller is handling, with all its frames. */
static int wsf_raise(PyObject *error)
{
    Py_INCREF(error);
#if PY_VERSION_HEX >= 0x030C0000
    PyErr_SetRaisedException(error);
#else
    Py_INCREF(Py_TYPE(error));
    PyErr_Restore((PyObject *)Py_TYPE(error), error, NULL);
#endif
    return -1;
}

#endif
