"""What the Cython sources use of CPython's C API.

Invariant: declarations only.  A function that Cython declares too is here if it is declared
differently, for speed: without a check for an error that can't occur.
"""

from cpython.buffer cimport PyBUF_SIMPLE, PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.mem cimport PyMem_Free, PyMem_Malloc, PyMem_Realloc
from cpython.object cimport PyObject, PyTypeObject
from cpython.pycapsule cimport PyCapsule_New
from cpython.ref cimport Py_INCREF, Py_XDECREF


cdef extern from "Python.h":
    Py_ssize_t PY_SSIZE_T_MAX
    bint PyObject_CheckBuffer(object)
    PyObject *PyErr_Occurred()

    bint PyBytes_CheckExact(object)
    char *PyBytes_AS_STRING(object)
    Py_ssize_t PyBytes_GET_SIZE(object)
    object PyBytes_FromStringAndSize(const char *, Py_ssize_t)
    PyObject *new_bytes "PyBytes_FromStringAndSize"(const char *, Py_ssize_t) except NULL
    int _PyBytes_Resize(PyObject **data, Py_ssize_t size) except -1

    bint PyByteArray_CheckExact(object)
    char *PyByteArray_AS_STRING(object)
    Py_ssize_t PyByteArray_GET_SIZE(object)
    object PyByteArray_FromStringAndSize(const char *, Py_ssize_t)

    bint PyLong_Check(object)
    bint PyLong_CheckExact(object)
    long long PyLong_AsLongLongAndOverflow(object, int *) except? -1

    bint PyUnicode_CheckExact(object)
    bint PyUnicode_IS_ASCII(object)
    int PyUnicode_KIND(object)
    void *PyUnicode_DATA(object)
    Py_ssize_t PyUnicode_GET_LENGTH(object)
    object PyUnicode_New(Py_ssize_t size, Py_UCS4 highest)
    object PyUnicode_FromOrdinal(int)
    object PyUnicode_AsUTF8String(object)

    ctypedef struct PyMethodDef:
        pass
    object PyCFunction_NewEx(PyMethodDef *, PyObject *, object)
    Py_ssize_t PyVectorcall_NARGS(size_t) noexcept

    ctypedef enum PySendResult:
        PYGEN_RETURN
        PYGEN_ERROR
        PYGEN_NEXT
    PySendResult PyIter_Send(object, object, PyObject **)
