/* What the vector kernels share: targets, bit scans, the end of a chunk.
 *
 * Only little-endian machines have vector kernels, so a word here holds the bytes
 * of memory from its bottom up.
 *
 * Invariant: everything here runs on every CPU of the architecture; inlined into a
 * function with a target, it uses the instructions of that target.
 */
#ifndef WSF_SIMD_H
#define WSF_SIMD_H

#include "dispatch.h"
#include "utf8_scalar.h"

#if WSF_MSVC
#  include <intrin.h>
#  define WSF_TARGET(features) /* MSVC compiles any intrinsic anywhere */
#  define WSF_NOINLINE __declspec(noinline)
#  define WSF_COLD __declspec(noinline)
#else
#  define WSF_TARGET(features) __attribute__((target(features)))
#  define WSF_NOINLINE __attribute__((noinline))
#  define WSF_COLD __attribute__((noinline, cold))
#endif

/* MSVC for 32-bit x86 passes three vectors to a function and refuses a fourth: there,
 * only the scalar kernel is compiled. */
#if WSF_ARCH_X86 && !(WSF_MSVC && defined(_M_IX86))
#  define WSF_SIMD_X86 1
#else
#  define WSF_SIMD_X86 0
#endif

/* Make the compiler compute `vector` here: gcc otherwise defers and reorders a chain of
 * ORs until it runs out of registers. */
#if WSF_MSVC
#  define WSF_KEEP(vector) ((void)0)
#elif WSF_ARCH_X86
#  define WSF_KEEP(vector) __asm__("" : "+x"(vector))
#else
#  define WSF_KEEP(vector) __asm__("" : "+w"(vector))
#endif

/* Have the compiler forget where `pointer` points: what it does not know it can't compute. */
#if WSF_MSVC
#  define WSF_HIDE(pointer) ((void)0)
#else
#  define WSF_HIDE(pointer) __asm__("" : "+r"(pointer))
#endif

/* The vector kernels of this architecture, the slowest first. */
#if WSF_SIMD_X86
#  define WSF_VECTOR_KERNELS(EACH) EACH(ssse3) EACH(avx2) EACH(avx512)
#elif WSF_ARCH_ARM64
#  define WSF_VECTOR_KERNELS(EACH) EACH(neon)
#else
#  define WSF_VECTOR_KERNELS(EACH)
#endif

WSF_VECTOR_KERNELS(WSF_DECLARE_KERNEL)

/* The index of the lowest bit set; word is not 0. */
WSF_INLINE unsigned wsf_lowest_bit(uint64_t word)
{
#if WSF_MSVC
    unsigned long index;
    if ((uint32_t)word != 0) {
        _BitScanForward(&index, (uint32_t)word);
        return index;
    }
    _BitScanForward(&index, (uint32_t)(word >> 32));
    return index + 32;
#else
    return (unsigned)__builtin_ctzll(word);
#endif
}

/* For kernels that require POPCNT. */
WSF_INLINE size_t wsf_bits_set(uint64_t word)
{
#if WSF_MSVC && defined(_M_ARM64)
    return (size_t)_CountOneBits64(word);
#elif WSF_MSVC
    return (size_t)(__popcnt((uint32_t)word) + __popcnt((uint32_t)(word >> 32)));
#else
    return (size_t)__builtin_popcountll(word);
#endif
}

/* A word with its `count` lowest bits set; 1 <= count <= 64. */
WSF_INLINE uint64_t wsf_low_bits(size_t count)
{
    return ~UINT64_C(0) >> (64 - count);
}

/* The bytes src[0, n), 1 <= n <= 3, from the bottom up; 0 above them.
 *
 *     n = 1: 0 0 0    n = 2: 0 1 1    n = 3: 0 1 2    (indices read)
 */
WSF_INLINE uint32_t wsf_load_under4(const uint8_t *src, size_t n)
{
    const size_t middle = n >> 1, last = n - 1;
    return (uint32_t)src[0] | (uint32_t)src[middle] << (8 * middle) |
           (uint32_t)src[last] << (8 * last);
}

/* The last four bytes of the text so far, the latest on top: of `pending` and of
 * src[0, n), n at least 1, unmasked with `key`. */
WSF_INLINE uint32_t wsf_last_word(const uint8_t *src, size_t n, uint32_t key, uint32_t pending)
{
    if (n >= 4) {
        return wsf_load32(src + n - 4) ^ wsf_key_advance(key, n);
    }
    return pending >> (8 * n) | (wsf_load_under4(src, n) ^ key) << (32 - 8 * n);
}

/* The pending word after well-formed bytes that end with `last` (wsf_last_word).
 * At most one of the three holds, and no branch looks at the text:
 *
 *     last:  ..  ..  ..  C2..F4      one byte pending
 *            ..  ..  E0..F4  ..      two
 *            ..  F0..F4  ..  ..      three
 */
WSF_INLINE uint32_t wsf_pending_of(uint32_t last)
{
    const uint32_t one = 0u - (uint32_t)(last >= 0xC0000000u);
    const uint32_t two = 0u - (uint32_t)((last << 8) >= 0xE0000000u);
    const uint32_t three = 0u - (uint32_t)((last << 16) >= 0xF0000000u);
    return last & (one << 24 | two << 16 | three << 8);
}

/* Whether the top byte is C0, C1 or F5..FF: no later byte is there to reveal that. */
WSF_INLINE int wsf_ends_with_bad_lead(uint32_t last)
{
    return last >= 0xC0000000u && last - 0xC2000000u >= 0x33000000u;
}

/* The kinds of ill-formed pairs of bytes, one bit each, after Keiser and Lemire,
 * "Validating UTF-8 In Less Than One Instruction Per Byte" (2021).  A pair a b has
 * the bits that are set in all of FIRST_HIGH[a >> 4], FIRST_LOW[a & 15] and
 * SECOND_HIGH[b >> 4]:
 *
 *     SHORT    11______  0_______ or 11______    a lead without its continuation
 *     STRAY    0_______  10______                a continuation without a lead
 *     TWICE    10______  10______                two continuations: third or fourth
 *     LONG_2   1100000_  10______                C0, C1: overlong
 *     LONG_3   11100000  100_____                E0 80..9F: overlong
 *     SURR     11101101  101_____                ED A0..BF: a surrogate
 *     LARGE    11110100  1001____ or 101_____    F4 90..BF: above U+10FFFF;
 *              11110101.. and up                 likewise after F5..FF
 *     LONG_4   11110000  1000____                F0 80..8F: overlong;
 *              11110101.. and up                 likewise after F5..FF
 *
 * Two continuations in a row (TWICE) are required exactly when the byte two back is
 * E0..FF or the byte three back is F0..FF.  TWICE is XORed with that requirement: a
 * bit that is then set is an error either way.
 *
 * The error is the first byte with a bit set, or the byte before it (C0, C1 and F5..FF
 * are errors by themselves, but only show with the next byte).
 */
enum {
    WSF_SHORT = 1 << 0,
    WSF_STRAY = 1 << 1,
    WSF_LONG_2 = 1 << 2,
    WSF_LONG_3 = 1 << 3,
    WSF_SURR = 1 << 4,
    WSF_LARGE = 1 << 5,
    WSF_LONG_4 = 1 << 6,
    WSF_TWICE = 1 << 7,
    WSF_ANY_LOW = WSF_SHORT | WSF_STRAY | WSF_TWICE /* whatever the low nibble is */
};

/* clang-format off */
/* Of the first byte, a: what its high nibble leaves possible. */
#define WSF_FIRST_HIGH                                                                         \
    WSF_STRAY, WSF_STRAY, WSF_STRAY, WSF_STRAY,          /* 0..3  ASCII: no continuation may follow */ \
    WSF_STRAY, WSF_STRAY, WSF_STRAY, WSF_STRAY,          /* 4..7  likewise */                  \
    WSF_TWICE, WSF_TWICE, WSF_TWICE, WSF_TWICE,          /* 8..B  a continuation: may another follow? */ \
    WSF_SHORT | WSF_LONG_2,                              /* C     a lead, of C0 and C1 also */ \
    WSF_SHORT,                                           /* D     a lead */                    \
    WSF_SHORT | WSF_LONG_3 | WSF_SURR,                   /* E     of E0, ED also */            \
    WSF_SHORT | WSF_LARGE | WSF_LONG_4                   /* F     of F0, F4 and up also */

/* Of a, its low nibble. */
#define WSF_F5_UP (WSF_ANY_LOW | WSF_LARGE | WSF_LONG_4)
#define WSF_FIRST_LOW                                                                          \
    WSF_ANY_LOW | WSF_LONG_2 | WSF_LONG_3 | WSF_LONG_4,  /* 0     C0, E0, F0 */                \
    WSF_ANY_LOW | WSF_LONG_2,                            /* 1     C1 */                        \
    WSF_ANY_LOW, WSF_ANY_LOW,                            /* 2, 3 */                            \
    WSF_ANY_LOW | WSF_LARGE,                             /* 4     F4 */                        \
    WSF_F5_UP, WSF_F5_UP, WSF_F5_UP, WSF_F5_UP,          /* 5..8  F5..F8 */                    \
    WSF_F5_UP, WSF_F5_UP, WSF_F5_UP, WSF_F5_UP,          /* 9..C  F9..FC */                    \
    WSF_F5_UP | WSF_SURR,                                /* D     ED, FD */                    \
    WSF_F5_UP, WSF_F5_UP                                 /* E, F  FE, FF */

/* Of the second byte, b, its high nibble. */
#define WSF_AFTER_LEAD (WSF_STRAY | WSF_TWICE | WSF_LONG_2)
#define WSF_SECOND_HIGH                                                                        \
    WSF_SHORT, WSF_SHORT, WSF_SHORT, WSF_SHORT,          /* 0..3  ASCII: a lead before it is short */ \
    WSF_SHORT, WSF_SHORT, WSF_SHORT, WSF_SHORT,          /* 4..7  likewise */                  \
    WSF_AFTER_LEAD | WSF_LONG_3 | WSF_LONG_4,            /* 8     E0 80, F0 80; F5.. 80 */     \
    WSF_AFTER_LEAD | WSF_LONG_3 | WSF_LARGE,             /* 9     E0 90, F4 90 */              \
    WSF_AFTER_LEAD | WSF_SURR | WSF_LARGE,               /* A     ED A0, F4 A0 */              \
    WSF_AFTER_LEAD | WSF_SURR | WSF_LARGE,               /* B     ED B0, F4 B0 */              \
    WSF_SHORT, WSF_SHORT, WSF_SHORT, WSF_SHORT           /* C..F  a lead before it is short */
/* clang-format on */

#endif
