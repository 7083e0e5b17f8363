# What is called with keyword arguments, once a frame or once a connection.
#
# What Cython makes of `def f(a, b=0)` looks up the interpreter's copy of the module four
# times a call, to have the argument names at hand: 40 ns, which is more than masking 1 KiB
# takes.  Here the names are C strings, looked at only if a keyword was used.
#
# Invariant: the arguments are borrowed for the time of the call; NULL stands for one that
# was not given.

cdef extern from *:
    """
    typedef PyObject *const *wsf_args;

    static PyObject *wsf_call_apply_mask(PyObject *, wsf_args, Py_ssize_t, PyObject *);
    static PyObject *wsf_call_apply_mask_inplace(PyObject *, wsf_args, Py_ssize_t, PyObject *);
    static PyObject *wsf_call_encode_frame(PyObject *, wsf_args, Py_ssize_t, PyObject *);
    static PyObject *wsf_call_message_decoder(PyObject *, wsf_args, size_t, PyObject *);

    typedef struct wsf_name {
        const char *octets;
        Py_ssize_t length;
    } wsf_name;

    #define WSF_NAME(name) {name, sizeof name - 1}
    #define WSF_LAST_NAME {NULL, 0}

    static const wsf_name wsf_apply_mask_names[] = {
        WSF_NAME("data"), WSF_NAME("masking_key"), WSF_NAME("offset"), WSF_LAST_NAME};
    static const wsf_name wsf_apply_mask_inplace_names[] = {
        WSF_NAME("buffer"), WSF_NAME("masking_key"), WSF_NAME("offset"), WSF_LAST_NAME};
    static const wsf_name wsf_encode_frame_names[] = {
        WSF_NAME("opcode"), WSF_NAME("payload"), WSF_NAME("fin"), WSF_NAME("rsv1"),
        WSF_NAME("masking_key"), WSF_LAST_NAME};
    static const wsf_name wsf_message_decoder_names[] = {
        WSF_NAME("role"), WSF_NAME("text"), WSF_NAME("max_message_size"),
        WSF_NAME("max_frame_size"), WSF_NAME("max_retained"), WSF_NAME("deflate"),
        WSF_NAME("stream"), WSF_LAST_NAME};

    #define WSF_KEYWORDS (METH_FASTCALL | METH_KEYWORDS)
    #define WSF_METHOD(function) ((PyCFunction)(void (*)(void))(function))

    static PyMethodDef wsf_apply_mask_def = {
        "apply_mask", WSF_METHOD(wsf_call_apply_mask), WSF_KEYWORDS, NULL};

    static PyMethodDef wsf_apply_mask_inplace_def = {
        "apply_mask_inplace", WSF_METHOD(wsf_call_apply_mask_inplace), WSF_KEYWORDS, NULL};

    static PyMethodDef wsf_encode_frame_def = {
        "encode_frame", WSF_METHOD(wsf_call_encode_frame), WSF_KEYWORDS, NULL};

    static int wsf_is_name(PyObject *given, const wsf_name *name)
    {
        return PyUnicode_GET_LENGTH(given) == name->length && PyUnicode_IS_ASCII(given) &&
               memcmp(PyUnicode_DATA(given), name->octets, (size_t)name->length) == 0;
    }

    static int wsf_sort_named(const char *function, const wsf_name *names,
                              Py_ssize_t required, Py_ssize_t positional, wsf_args args,
                              Py_ssize_t count, PyObject *keywords, PyObject **values)
    {
        const Py_ssize_t named = keywords == NULL ? 0 : PyTuple_GET_SIZE(keywords);
        Py_ssize_t i, j;
        if (count > positional) {
            PyErr_Format(PyExc_TypeError, "%s() takes at most %zd positional arguments (%zd given)",
                         function, positional, count);
            return -1;
        }
        for (i = 0; i < count; i++) {
            values[i] = args[i];
        }
        for (i = 0; i < named; i++) {
            PyObject *name = PyTuple_GET_ITEM(keywords, i);
            for (j = 0; names[j].octets != NULL && !wsf_is_name(name, &names[j]); j++) {
            }
            if (names[j].octets == NULL) {
                PyErr_Format(PyExc_TypeError, "%s() got an unexpected keyword argument '%U'",
                             function, name);
                return -1;
            }
            if (values[j] != NULL) {
                PyErr_Format(PyExc_TypeError, "%s() got multiple values for argument '%s'",
                             function, names[j].octets);
                return -1;
            }
            values[j] = args[count + i];
        }
        for (i = 0; i < required; i++) {
            if (values[i] == NULL) {
                PyErr_Format(PyExc_TypeError, "%s() missing required argument '%s'", function,
                             names[i].octets);
                return -1;
            }
        }
        return 0;
    }

    /* Sort the arguments of a call into values[], by the names of the parameters.  The
     * first `required` must be given; the first `positional` may be given by place. */
    static inline int wsf_sort_arguments(const char *function, const wsf_name *names,
                                         Py_ssize_t required, Py_ssize_t positional,
                                         wsf_args args, Py_ssize_t count, PyObject *keywords,
                                         PyObject **values)
    {
        if (keywords == NULL && count == required) {
            memcpy(values, args, (size_t)required * sizeof *values);
            return 0;
        }
        return wsf_sort_named(function, names, required, positional, args, count, keywords,
                              values);
    }

    /* Before the type can be called: calls of it go there, without a dict of keywords. */
    static void wsf_speed_up_calls(PyTypeObject *type)
    {
        type->tp_vectorcall = wsf_call_message_decoder;
    }
    """
    ctypedef PyObject *const *wsf_args
    ctypedef struct wsf_name:
        pass
    const wsf_name *wsf_apply_mask_names
    const wsf_name *wsf_apply_mask_inplace_names
    const wsf_name *wsf_encode_frame_names
    const wsf_name *wsf_message_decoder_names
    PyMethodDef wsf_apply_mask_def
    PyMethodDef wsf_apply_mask_inplace_def
    PyMethodDef wsf_encode_frame_def
    int wsf_sort_arguments(
        const char *function, const wsf_name *names, Py_ssize_t required, Py_ssize_t positional,
        wsf_args args, Py_ssize_t count, PyObject *keywords, PyObject **values
    ) except -1
    void wsf_speed_up_calls(PyTypeObject *type) noexcept


cdef object wsf_call_apply_mask "wsf_call_apply_mask"(
    PyObject *self, wsf_args args, Py_ssize_t count, PyObject *keywords
):
    cdef PyObject *values[3]
    values[0] = values[1] = values[2] = NULL
    wsf_sort_arguments("apply_mask", wsf_apply_mask_names, 2, 3, args, count, keywords, values)
    return masked_copy(<object>values[0], <object>values[1], values[2])


cdef object wsf_call_apply_mask_inplace "wsf_call_apply_mask_inplace"(
    PyObject *self, wsf_args args, Py_ssize_t count, PyObject *keywords
):
    cdef PyObject *values[3]
    values[0] = values[1] = values[2] = NULL
    wsf_sort_arguments(
        "apply_mask_inplace", wsf_apply_mask_inplace_names, 2, 3, args, count, keywords, values
    )
    mask_inplace(<object>values[0], <object>values[1], values[2])
    return None


cdef object wsf_call_encode_frame "wsf_call_encode_frame"(
    PyObject *self, wsf_args args, Py_ssize_t count, PyObject *keywords
):
    cdef PyObject *values[5]
    values[0] = values[1] = values[2] = values[3] = values[4] = NULL
    wsf_sort_arguments("encode_frame", wsf_encode_frame_names, 2, 2, args, count, keywords, values)
    return encoded_frame(
        <object>values[0],
        <object>values[1],
        values[2] is NULL or <object>values[2],
        values[3] is not NULL and <object>values[3],
        values[4],
    )


cdef object wsf_call_message_decoder "wsf_call_message_decoder"(
    PyObject *type, wsf_args args, size_t flags, PyObject *keywords
):
    cdef PyObject *values[7]
    memset(values, 0, sizeof(values))
    wsf_sort_arguments(
        "MessageDecoder", wsf_message_decoder_names, 1, 1,
        args, PyVectorcall_NARGS(flags), keywords, values,
    )
    decoder = MessageDecoder.__new__(MessageDecoder)
    (<MessageDecoder>decoder).set_up(values)
    return decoder


wsf_speed_up_calls(<PyTypeObject *>MessageDecoder)
apply_mask = PyCFunction_NewEx(&wsf_apply_mask_def, NULL, __name__)
apply_mask_inplace = PyCFunction_NewEx(&wsf_apply_mask_inplace_def, NULL, __name__)
encode_frame = PyCFunction_NewEx(&wsf_encode_frame_def, NULL, __name__)
