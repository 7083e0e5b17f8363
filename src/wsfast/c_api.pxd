"""Masking and UTF-8 validation for other Cython modules; the contracts stand in wsfast.h.

Call ``wsfast_import()`` once, when the module is imported, before anything else.
"""

from libc.stdint cimport uint8_t, uint32_t, uint64_t


cdef extern from "wsfast.h":
    int wsfast_import() except -1

cdef extern from "wsfast.h" nogil:
    enum:
        WSFAST_API_VERSION

    void wsfast_mask(
        uint8_t *dst, const uint8_t *src, size_t n, const uint8_t *key, uint64_t offset
    ) noexcept
    size_t wsfast_validate(const uint8_t *src, size_t n, uint32_t *pending) noexcept
    size_t wsfast_mask_validate(
        uint8_t *dst, const uint8_t *src, size_t n, const uint8_t *key, uint64_t offset,
        uint32_t *pending
    ) noexcept
    unsigned wsfast_pending_count(uint32_t pending) noexcept
