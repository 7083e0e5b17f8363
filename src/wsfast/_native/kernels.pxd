"""What the Cython sources use of the C kernels.

Invariant: declarations only; the contracts are in the headers of ``_kernels``.
"""

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t


cdef extern from "dispatch.h" nogil:
    ctypedef struct wsf_text:
        uint32_t pending
        uint8_t max_byte
        size_t code_points

    ctypedef struct wsf_kernel:
        const char *name
        void (*mask)(uint8_t *, const uint8_t *, size_t, uint32_t) noexcept nogil
        size_t (*validate)(const uint8_t *, size_t, uint32_t *) noexcept nogil
        size_t (*measure)(const uint8_t *, size_t, wsf_text *) noexcept nogil
        size_t (*mask_validate)(uint8_t *, const uint8_t *, size_t, uint32_t, uint32_t *) noexcept nogil
        size_t (*mask_measure)(uint8_t *, const uint8_t *, size_t, uint32_t, wsf_text *) noexcept nogil
        void (*to_latin1)(uint8_t *, const uint8_t *, size_t) noexcept nogil
        void (*to_ucs2)(uint16_t *, const uint8_t *, size_t) noexcept nogil
        void (*to_ucs4)(uint32_t *, const uint8_t *, size_t) noexcept nogil

    const wsf_kernel *wsf_kernels() noexcept
    const wsf_kernel *wsf_kernel_compiled(size_t index) noexcept
    const wsf_kernel *wsf_kernel_select(const char *name) noexcept
    int wsf_kernel_runs(const wsf_kernel *kernel) noexcept

    const size_t WSF_SURROGATE

cdef extern from "encode.h" nogil:
    enum:
        WSF_SHORT
        WSF_SHORT_BUFFER
        WSF_ROOM
        WSF_ENCODE_SLACK

    size_t wsf_most_bytes(unsigned width) noexcept
    size_t wsf_encode_units(
        const wsf_kernel *kernel, uint8_t *dst, const void *src, unsigned width, size_t n,
        uint32_t key
    ) noexcept
    size_t wsf_encoded_size(
        const wsf_kernel *kernel, const void *src, unsigned width, size_t n
    ) noexcept
    size_t wsf_encode(
        const wsf_kernel *kernel, uint8_t *dst, const void *src, unsigned width, size_t n,
        uint32_t key
    ) noexcept

cdef extern from "c_api.h" nogil:
    const char *WSFAST_API_CAPSULE
    ctypedef struct WsfastAPI:
        pass
    const WsfastAPI wsf_api

cdef extern from "cpu.h" nogil:
    uint32_t wsf_cpu_features() noexcept
    const char *wsf_cpu_feature_name(unsigned index) noexcept

cdef extern from "config.h" nogil:
    uint32_t wsf_key_at(const uint8_t *key, uint64_t offset) noexcept
    uint32_t wsf_key_advance(uint32_t key, size_t count) noexcept

cdef extern from "key_pool.h" nogil:
    enum:
        WSF_KEY_POOL_SIZE
    int wsf_key_take(uint8_t *key) noexcept
    void wsf_key_fill(const uint8_t *entropy) noexcept
    void wsf_key_drop_all() noexcept
    int wsf_key_watch_forks() noexcept

cdef extern from "utf8_automaton.h" nogil:
    unsigned wsf_pending_count(uint32_t pending) noexcept

cdef extern from "frame_header.h" nogil:
    enum:
        WSF_MAX_HEADER
        WSF_FIN
        WSF_OPCODE
        WSF_CONTROL
        WSF_MASKED
        WSF_SEQUENCE_ANY
        WSF_SEQUENCE_FIRST
        WSF_SEQUENCE_CONTINUE

    ctypedef struct wsf_frame_rules:
        uint8_t reserved_bits
        uint8_t first_bits
        uint8_t masked
        uint8_t sequence
        int64_t frame_room
        int64_t message_room
        int64_t retained_room

    ctypedef struct wsf_frame_header:
        uint8_t first
        uint8_t size
        uint32_t key
        uint64_t payload_length

    ctypedef enum wsf_header_verdict:
        WSF_HEADER_COMPLETE
        WSF_HEADER_PARTIAL
        WSF_HEADER_RESERVED_BITS
        WSF_HEADER_RESERVED_OPCODE
        WSF_HEADER_FRAGMENTED_CONTROL
        WSF_HEADER_NOTHING_TO_CONTINUE
        WSF_HEADER_MESSAGE_UNFINISHED
        WSF_HEADER_MASK_BIT
        WSF_HEADER_LONG_CONTROL
        WSF_HEADER_SHORT_CLOSE
        WSF_HEADER_LENGTH_NOT_MINIMAL
        WSF_HEADER_LENGTH_64_BITS
        WSF_HEADER_FRAME_TOO_BIG
        WSF_HEADER_MESSAGE_TOO_BIG
        WSF_HEADER_RETAINS_TOO_MUCH

    wsf_header_verdict wsf_frame_header_parse(
        const uint8_t *p, size_t n, const wsf_frame_rules *rules, wsf_frame_header *header
    ) noexcept
    size_t wsf_frame_header_write(
        uint8_t *p, uint8_t first, uint64_t payload_length, const uint8_t *key
    ) noexcept
