# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
# cython: binding=False
# cython: auto_pickle=False, freethreading_compatible=True, subinterpreters_compatible=own_gil
"""The compiled codec: one extension, so one copy of the kernels and one table of them.

Its parts are the sources included below; a part with a twin in ``_pure`` names it.  Public
names get their docstrings from the twin.

Invariant: no ``cdef`` object at module level, so that every interpreter has its own
module; what C code shares, such as the choice of a kernel, is the same for all.
"""

cimport cython
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy, memmove, memset, strlen

from wsfast._native.kernels cimport *
from wsfast._native.python cimport *


cdef extern from "tracebacks.h":
    pass

cdef extern from "documents.h":
    void wsf_document_function(object function)

cdef extern from "parts.h":
    bint WSF_HAS_GIL
    const int64_t WSF_UNLIMITED
    int64_t wsf_fragment_charge
    int64_t wsf_retained_slack
    size_t wsf_max_context

import os

from wsfast import _arguments, _limits, errors
from wsfast.closecodes import CloseCode, close_code, may_be_sent
from wsfast.opcodes import Opcode  # no-cython-lint: the parts use it

wsf_fragment_charge = _limits.FRAGMENT_CHARGE
wsf_retained_slack = _limits.RETAINED_SLACK
wsf_max_context = _limits.MAX_CONTEXT

# What the twins share; the other names here are for wsfast.backend() and tests.
__all__ = [
    "Binary",
    "BinaryPart",
    "ClassState",
    "Close",
    "Frame",
    "FrameDecoder",
    "MessageDecoder",
    "MessageSink",
    "Mould",
    "Ping",
    "Pong",
    "Text",
    "TextPart",
    "Utf8Validator",
    "apply_mask",
    "apply_mask_inplace",
    "decode_utf8",
    "encode_close",
    "encode_frame",
    "encode_frames",
    "encode_utf8",
    "is_valid_utf8",
    "mask_with",
    "new_masking_key",
    "parse_close",
    "take_frame",
    "validate_utf8",
]

include "buffers.pxi"
include "mask.pxi"
include "utf8.pxi"
include "strings.pxi"
include "records.pxi"
include "receiver.pxi"
include "frames.pxi"
include "encode.pxi"
include "messages.pxi"
include "sink.pxi"
include "classes.pxi"
include "calls.pxi"


def kernels_compiled():
    """Return the names of the kernels in this build, the slowest first."""
    names = []
    while wsf_kernel_compiled(len(names)) is not NULL:
        names.append(wsf_kernel_compiled(len(names)).name.decode())
    return tuple(names)


def kernels_that_run():
    """Return the names of the kernels that this CPU and operating system run."""
    return tuple(
        [name for i, name in enumerate(kernels_compiled()) if wsf_kernel_runs(wsf_kernel_compiled(i))]
    )


def kernel_in_use():
    """Return the name of the kernel in use."""
    return wsf_kernels().name.decode()


def cpu_features():
    """Return the names of the CPU features that kernels can use here."""
    cdef unsigned i = 0
    names = []
    while wsf_cpu_feature_name(i) is not NULL:
        if wsf_cpu_features() >> i & 1:
            names.append(wsf_cpu_feature_name(i).decode())
        i += 1
    return tuple(names)


def select_kernel(name):
    """Choose a kernel by name, the best for ``""``; for tests, and once at import."""
    cdef bytes encoded = name.encode()
    cdef const char *wanted = encoded
    if wsf_kernel_select(wanted if encoded else NULL) is NULL:
        what = "does not run on this CPU" if name in kernels_compiled() else "is not compiled in"
        raise ImportError(
            f"WSFAST_KERNEL={name}: that kernel {what}; here run {', '.join(kernels_that_run())}"
        )


select_kernel(os.environ.get("WSFAST_KERNEL", ""))

# For other extensions: src/wsfast/include/wsfast.h.
_c_api = PyCapsule_New(<void *>&wsf_api, WSFAST_API_CAPSULE, NULL)


cdef int finish_names() except -1:
    """Make the types immutable, and give the functions their docstrings."""
    for name in __all__:
        value = globals()[name]
        if isinstance(value, type):
            wsf_seal(<PyTypeObject *>value)
        else:
            wsf_document_function(value)
    for kind in (Data, Part, Receiver):
        wsf_seal_base(<PyTypeObject *>kind)
    return 0


finish_names()
