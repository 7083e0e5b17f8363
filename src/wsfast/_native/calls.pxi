# Functions with keyword arguments that are called once per frame or per connection.
#
# The code that Cython generates for `def f(a, b=0)` looks up the interpreter's copy of the
# module four times per call, to get the names of the arguments: 40 ns, which is more than
# masking 1 KiB takes.  arguments.h has the names as C strings, read only if a keyword was used.

cdef extern from "arguments.h":
    ctypedef PyObject *const *wsf_args
    enum:
        WSF_MOST_PARAMETERS
    ctypedef struct wsf_parameters:
        pass
    const wsf_parameters wsf_apply_mask_parameters
    const wsf_parameters wsf_apply_mask_inplace_parameters
    const wsf_parameters wsf_encode_frame_parameters
    const wsf_parameters wsf_message_decoder_parameters
    PyMethodDef wsf_apply_mask_def
    PyMethodDef wsf_apply_mask_inplace_def
    PyMethodDef wsf_encode_frame_def
    int wsf_sort_arguments(
        const wsf_parameters *parameters, wsf_args args, Py_ssize_t count, PyObject *keywords,
        PyObject **values
    ) except -1
    void wsf_speed_up_calls(PyTypeObject *type) noexcept


cdef object wsf_call_apply_mask "wsf_call_apply_mask"(
    PyObject *self, wsf_args args, Py_ssize_t count, PyObject *keywords
):
    cdef PyObject *values[3]
    values[0] = values[1] = values[2] = NULL
    wsf_sort_arguments(&wsf_apply_mask_parameters, args, count, keywords, values)
    return masked_copy(<object>values[0], <object>values[1], values[2])


cdef object wsf_call_apply_mask_inplace "wsf_call_apply_mask_inplace"(
    PyObject *self, wsf_args args, Py_ssize_t count, PyObject *keywords
):
    cdef PyObject *values[3]
    values[0] = values[1] = values[2] = NULL
    wsf_sort_arguments(&wsf_apply_mask_inplace_parameters, args, count, keywords, values)
    mask_inplace(<object>values[0], <object>values[1], values[2])
    return None


cdef object wsf_call_encode_frame "wsf_call_encode_frame"(
    PyObject *self, wsf_args args, Py_ssize_t count, PyObject *keywords
):
    cdef PyObject *values[5]
    values[0] = values[1] = values[2] = values[3] = values[4] = NULL
    wsf_sort_arguments(&wsf_encode_frame_parameters, args, count, keywords, values)
    return encode_one_frame(
        <object>values[0],
        <object>values[1],
        values[2] is NULL or <object>values[2],
        values[3] is not NULL and <object>values[3],
        values[4],
    )


cdef object wsf_call_message_decoder "wsf_call_message_decoder"(
    PyObject *type, wsf_args args, size_t flags, PyObject *keywords
):
    cdef PyObject *values[WSF_MOST_PARAMETERS]
    memset(values, 0, sizeof(values))
    wsf_sort_arguments(
        &wsf_message_decoder_parameters, args, PyVectorcall_NARGS(flags), keywords, values
    )
    decoder = MessageDecoder.__new__(MessageDecoder)
    (<MessageDecoder>decoder).set_up(values)
    return decoder


wsf_speed_up_calls(<PyTypeObject *>MessageDecoder)
apply_mask = PyCFunction_NewEx(&wsf_apply_mask_def, NULL, __name__)
apply_mask_inplace = PyCFunction_NewEx(&wsf_apply_mask_inplace_def, NULL, __name__)
encode_frame = PyCFunction_NewEx(&wsf_encode_frame_def, NULL, __name__)
