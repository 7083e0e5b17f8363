/* Sorts the arguments of a call by the names of its parameters, for calls.pxi, which does without
 * the argument parser that Cython generates.
 *
 * Invariant: the arguments are borrowed for the time of the call; NULL stands for one that was
 * not given.
 */
#ifndef WSF_ARGUMENTS_H
#define WSF_ARGUMENTS_H

#include <Python.h>
#include <string.h>

typedef PyObject *const *wsf_args;

static PyObject *wsf_call_apply_mask(PyObject *, wsf_args, Py_ssize_t, PyObject *);
static PyObject *wsf_call_apply_mask_inplace(PyObject *, wsf_args, Py_ssize_t, PyObject *);
static PyObject *wsf_call_encode_frame(PyObject *, wsf_args, Py_ssize_t, PyObject *);
static PyObject *wsf_call_message_decoder(PyObject *, wsf_args, size_t, PyObject *);

typedef struct wsf_name {
    const char *text;
    Py_ssize_t length;
} wsf_name;

#define WSF_NAME(name) {name, sizeof name - 1}
#define WSF_LAST_NAME {NULL, 0}

enum { WSF_MOST_PARAMETERS = 7 }; /* those of MessageDecoder */

typedef struct wsf_parameters {
    const char *function;
    Py_ssize_t required;   /* how many must be given: the first ones */
    Py_ssize_t positional; /* how many may be given without their name */
    wsf_name names[WSF_MOST_PARAMETERS + 1];
} wsf_parameters;

static const wsf_parameters wsf_apply_mask_parameters = {
    .function = "apply_mask",
    .required = 2,
    .positional = 3,
    .names = {WSF_NAME("data"), WSF_NAME("masking_key"), WSF_NAME("offset"), WSF_LAST_NAME},
};

static const wsf_parameters wsf_apply_mask_inplace_parameters = {
    .function = "apply_mask_inplace",
    .required = 2,
    .positional = 3,
    .names = {WSF_NAME("buffer"), WSF_NAME("masking_key"), WSF_NAME("offset"), WSF_LAST_NAME},
};

static const wsf_parameters wsf_encode_frame_parameters = {
    .function = "encode_frame",
    .required = 2,
    .positional = 2,
    .names = {WSF_NAME("opcode"), WSF_NAME("payload"), WSF_NAME("fin"), WSF_NAME("rsv1"),
              WSF_NAME("masking_key"), WSF_LAST_NAME},
};

static const wsf_parameters wsf_message_decoder_parameters = {
    .function = "MessageDecoder",
    .required = 1,
    .positional = 1,
    .names = {WSF_NAME("role"), WSF_NAME("text"), WSF_NAME("max_message_size"),
              WSF_NAME("max_frame_size"), WSF_NAME("max_retained"), WSF_NAME("deflate"),
              WSF_NAME("stream"), WSF_LAST_NAME},
};

#define WSF_METHOD(function)                                                                       \
    {#function, (PyCFunction)(void (*)(void))wsf_call_##function, METH_FASTCALL | METH_KEYWORDS,   \
     NULL}

static PyMethodDef wsf_apply_mask_def = WSF_METHOD(apply_mask);
static PyMethodDef wsf_apply_mask_inplace_def = WSF_METHOD(apply_mask_inplace);
static PyMethodDef wsf_encode_frame_def = WSF_METHOD(encode_frame);

static int wsf_is_name(PyObject *given, const wsf_name *name)
{
    return PyUnicode_GET_LENGTH(given) == name->length && PyUnicode_IS_ASCII(given) &&
           memcmp(PyUnicode_DATA(given), name->text, (size_t)name->length) == 0;
}

static int wsf_sort_named(const wsf_parameters *parameters, wsf_args args, Py_ssize_t count,
                          PyObject *keywords, PyObject **values)
{
    const char *const function = parameters->function;
    const wsf_name *const names = parameters->names;
    const Py_ssize_t named = keywords == NULL ? 0 : PyTuple_GET_SIZE(keywords);
    Py_ssize_t i, j;
    if (count > parameters->positional) {
        PyErr_Format(PyExc_TypeError, "%s() takes at most %zd positional arguments (%zd given)",
                     function, parameters->positional, count);
        return -1;
    }
    for (i = 0; i < count; i++) {
        values[i] = args[i];
    }
    for (i = 0; i < named; i++) {
        PyObject *name = PyTuple_GET_ITEM(keywords, i);
        for (j = 0; names[j].text != NULL && !wsf_is_name(name, &names[j]); j++) {
        }
        if (names[j].text == NULL) {
            PyErr_Format(PyExc_TypeError, "%s() got an unexpected keyword argument '%U'", function,
                         name);
            return -1;
        }
        if (values[j] != NULL) {
            PyErr_Format(PyExc_TypeError, "%s() got multiple values for argument '%s'", function,
                         names[j].text);
            return -1;
        }
        values[j] = args[count + i];
    }
    for (i = 0; i < parameters->required; i++) {
        if (values[i] == NULL) {
            PyErr_Format(PyExc_TypeError, "%s() missing required argument '%s'", function,
                         names[i].text);
            return -1;
        }
    }
    return 0;
}

/* Sort the arguments of a call into values[], in the order of the parameters.  The caller has set
 * them all to NULL. */
static inline int wsf_sort_arguments(const wsf_parameters *parameters, wsf_args args,
                                     Py_ssize_t count, PyObject *keywords, PyObject **values)
{
    if (keywords == NULL && count == parameters->required) {
        memcpy(values, args, (size_t)count * sizeof *values);
        return 0;
    }
    return wsf_sort_named(parameters, args, count, keywords, values);
}

/* Make calls of the type go there, without a dict of keywords.  To be done before the first. */
static void wsf_speed_up_calls(PyTypeObject *type)
{
    type->tp_vectorcall = wsf_call_message_decoder;
}

#endif
