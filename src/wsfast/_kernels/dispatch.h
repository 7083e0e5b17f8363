/* The contract of a kernel, and the one table of kernels in the process.
 *
 * Kernels know no Python.  They report what they found and never raise.
 *
 * Common to all members of `wsf_kernel`:
 *   - They read src[0, n) and write dst[0, n) (transcoders: exactly the code
 *     units of the text; encoders: as they say) and not one byte outside; n may
 *     be 0.
 *   - No alignment is required, except that of a code unit.
 *   - dst is src, or the two do not overlap; for transcoders and encoders they never do.
 *   - `key` is a key word for src[0] (config.h); 0 masks nothing, so that the
 *     masking members also serve as validating copies.
 *   - `pending` is the state of utf8_automaton.h: what came before src[0].
 *
 * Invariant: the table is chosen once, when the extension is first loaded, and
 * is the same for every interpreter and thread.
 */
#ifndef WSF_DISPATCH_H
#define WSF_DISPATCH_H

#include "config.h"
#include "cpu.h"

#define WSF_SURROGATE ((size_t)-1)
/* AVX-512: 48 of a store.  Others: 31 places that get no code point, and 15 of a store. */
#define WSF_ENCODE_SLACK ((size_t)48)

/* What is known about a text while it arrives: enough to size and type its string. */
typedef struct wsf_text {
    uint32_t pending;   /* the state of the validation */
    uint8_t max_byte;   /* at least 0x80 iff not ASCII; else the highest lead byte */
    size_t code_points; /* bytes that are not continuation bytes */
} wsf_text;

typedef struct wsf_kernel {
    const char *name;
    uint32_t required; /* CPU features, WSF_CPU_* */

    /* dst[i] = src[i] ^ key[i mod 4] */
    void (*mask)(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key);

    /* Return n and the new *pending if the bytes, after *pending, are well
     * formed or can still become so.  Otherwise return the index of the first
     * byte that no well-formed text can have there; *pending then holds the bytes
     * of the sequence that it broke, so the ill-formed sequence begins at
     * index - wsf_pending_count(*pending), possibly before src[0]. */
    size_t (*validate)(const uint8_t *src, size_t n, uint32_t *pending);

    /* `validate`, which also adds src to *text.  After a fault only
     * text->pending means anything. */
    size_t (*measure)(const uint8_t *src, size_t n, wsf_text *text);

    /* `mask` and `validate` (or `measure`) of what was unmasked, in one go.  All
     * of dst is unmasked when they return, also after a fault. */
    size_t (*mask_validate)(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key,
                            uint32_t *pending);
    size_t (*mask_measure)(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key,
                           wsf_text *text);

    /* Transcode src, which is well-formed UTF-8 from the first byte to the last,
     * into the storage of a string: code points up to U+00FF, U+FFFF, U+10FFFF. */
    void (*to_latin1)(uint8_t *dst, const uint8_t *src, size_t n);
    void (*to_ucs2)(uint16_t *dst, const uint8_t *src, size_t n);
    void (*to_ucs4)(uint32_t *dst, const uint8_t *src, size_t n);

    /* The size of the UTF-8 of a string, from its storage of n code points. */
    size_t (*latin1_size)(const uint8_t *src, size_t n);
    size_t (*ucs2_size)(const uint16_t *src, size_t n);
    size_t (*ucs4_size)(const uint32_t *src, size_t n);

    /* Encode that storage, which has no code point above U+10FFFF, masked with `key`.
     * Return the size; or WSF_SURROGATE if a code point is one (U+D800..U+DFFF), which
     * UTF-8 does not have: then dst means nothing.  Up to WSF_ENCODE_SLACK bytes behind
     * that size, or those of the text with 3 for a surrogate, are written too (encode.h
     * has the way to do without). */
    size_t (*from_latin1)(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key);
    size_t (*from_ucs2)(uint8_t *dst, const uint16_t *src, size_t n, uint32_t key);
    size_t (*from_ucs4)(uint8_t *dst, const uint32_t *src, size_t n, uint32_t key);
} wsf_kernel;

/* The kernels compiled in, the slowest first; NULL past the last. */
const wsf_kernel *wsf_kernel_compiled(size_t index);

/* Whether this CPU, under this operating system, runs the kernel. */
int wsf_kernel_runs(const wsf_kernel *kernel);

/* Choose the kernel of that name, or the best for NULL.  Return it, or NULL
 * (nothing changed) if no such kernel is compiled or it does not run here. */
const wsf_kernel *wsf_kernel_select(const char *name);

/* The kernel in use.  Selected before any Python code can call. */
extern const wsf_kernel *wsf_kernel_active;

WSF_INLINE const wsf_kernel *wsf_kernels(void)
{
#if WSF_MSVC
    return *(const wsf_kernel *volatile *)&wsf_kernel_active;
#else
    return __atomic_load_n(&wsf_kernel_active, __ATOMIC_RELAXED);
#endif
}

/* The table of a kernel (kernel_isa.c) and the members that it may have. */
#define WSF_DECLARE_KERNEL(isa)                                                                    \
    extern const wsf_kernel wsf_kernel_##isa;                                                      \
    void wsf_mask_##isa(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key);                 \
    size_t wsf_validate_##isa(const uint8_t *src, size_t n, uint32_t *pending);                    \
    size_t wsf_measure_##isa(const uint8_t *src, size_t n, wsf_text *text);                        \
    size_t wsf_mask_validate_##isa(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key,       \
                                   uint32_t *pending);                                             \
    size_t wsf_mask_measure_##isa(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key,        \
                                  wsf_text *text);                                                 \
    void wsf_to_latin1_##isa(uint8_t *dst, const uint8_t *src, size_t n);                          \
    void wsf_to_ucs2_##isa(uint16_t *dst, const uint8_t *src, size_t n);                           \
    void wsf_to_ucs4_##isa(uint32_t *dst, const uint8_t *src, size_t n);                           \
    size_t wsf_latin1_size_##isa(const uint8_t *src, size_t n);                                    \
    size_t wsf_ucs2_size_##isa(const uint16_t *src, size_t n);                                     \
    size_t wsf_ucs4_size_##isa(const uint32_t *src, size_t n);                                     \
    size_t wsf_from_latin1_##isa(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key);        \
    size_t wsf_from_ucs2_##isa(uint8_t *dst, const uint16_t *src, size_t n, uint32_t key);         \
    size_t wsf_from_ucs4_##isa(uint8_t *dst, const uint32_t *src, size_t n, uint32_t key);

WSF_DECLARE_KERNEL(scalar) /* others fall back on its members piece by piece */

#endif
