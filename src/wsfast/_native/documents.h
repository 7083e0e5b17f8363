/* Gives the functions and types of the extension the docstrings and signatures of their twins
 * in Python, where alone they are written (tools/docstrings.py).
 *
 * The generated code makes each type from a PyType_Spec.  A docstring with a signature can be
 * set only there, because CPython splits the two when the type is made.
 *
 * Invariant: what is changed is the same for every interpreter in the process.
 */
#ifndef WSF_DOCUMENTS_H
#define WSF_DOCUMENTS_H

#include <Python.h>
#include <string.h>

typedef struct wsf_docstring {
    const char *owner; /* the class, or "" */
    const char *name;  /* of the function or the member, or "" */
    const char *text;
} wsf_docstring;

#include "docstrings.h"

/* The text for a name, or `otherwise` if the twin has none. */
static const char *wsf_docstring_of(const char *owner, const char *name, const char *otherwise)
{
    size_t i;
    for (i = 0; i < sizeof wsf_docstrings / sizeof wsf_docstrings[0]; i++) {
        const wsf_docstring *const found = &wsf_docstrings[i];
        if (strcmp(found->owner, owner) == 0 && strcmp(found->name, name) == 0) {
            return found->text;
        }
    }
    return otherwise;
}

static void wsf_document_members(const char *owner, const PyType_Slot *slot)
{
    if (slot->slot == Py_tp_methods) {
        PyMethodDef *method = slot->pfunc;
        for (; method->ml_name != NULL; method++) {
            method->ml_doc = wsf_docstring_of(owner, method->ml_name, method->ml_doc);
        }
    }
    if (slot->slot == Py_tp_getset) {
        PyGetSetDef *property = slot->pfunc;
        for (; property->name != NULL; property++) {
            property->doc = wsf_docstring_of(owner, property->name, property->doc);
        }
    }
}

/* PyType_FromModuleAndSpec, with docstrings. */
static PyObject *wsf_documented_type(PyObject *module, PyType_Spec *spec, PyObject *bases)
{
    enum { MOST = 64 };
    const char *const name = strrchr(spec->name, '.') + 1;
    const char *const text = wsf_docstring_of(name, "", NULL);
    PyType_Spec documented = *spec;
    PyType_Slot slots[MOST];
    int count = 0;
    const PyType_Slot *slot;
    for (slot = spec->slots; slot->slot != 0 && count < MOST - 2; slot++) {
        wsf_document_members(name, slot);
        if (text == NULL || slot->slot != Py_tp_doc) {
            slots[count++] = *slot;
        }
    }
    if (slot->slot != 0) {
        PyErr_Format(PyExc_SystemError, "%s has more slots than expected", spec->name);
        return NULL;
    }
    if (text != NULL) {
        slots[count].slot = Py_tp_doc;
        slots[count++].pfunc = (void *)text;
    }
    slots[count].slot = 0;
    slots[count].pfunc = NULL;
    documented.slots = slots;
    return PyType_FromModuleAndSpec(module, &documented, bases);
}

#define PyType_FromModuleAndSpec wsf_documented_type

static void wsf_document_function(PyObject *function)
{
    PyMethodDef *const method = ((PyCFunctionObject *)function)->m_ml;
    method->ml_doc = wsf_docstring_of("", method->ml_name, method->ml_doc);
}

#endif
