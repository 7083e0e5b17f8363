/* The version that CPython keeps for the attributes of a class and of its bases. */
#ifndef WSF_CLASSES_H
#define WSF_CLASSES_H

#include <Python.h>
#include <stdint.h>

static inline uint32_t wsf_class_version(PyObject *type)
{
#ifdef Py_GIL_DISABLED
    return _Py_atomic_load_uint32_relaxed(&((PyTypeObject *)type)->tp_version_tag);
#else
    return ((PyTypeObject *)type)->tp_version_tag;
#endif
}

#endif
