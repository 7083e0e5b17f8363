/* What the vector kernels share: targets, bit scans, the end of a chunk.
 *
 * Only little-endian machines have vector kernels, so a word here holds the bytes
 * of memory from its bottom up.
 *
 * Invariant: nothing here needs an instruction that not every CPU of the
 * architecture has; inlined into a function with a target it uses what that has.
 */
#ifndef WSF_SIMD_H
#define WSF_SIMD_H

#include "dispatch.h"
#include "utf8_scalar.h"

#if defined(_MSC_VER) && !defined(__clang__)
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
#if WSF_ARCH_X86 && !(defined(_MSC_VER) && !defined(__clang__) && defined(_M_IX86))
#  define WSF_SIMD_X86 1
#else
#  define WSF_SIMD_X86 0
#endif

/* Have `vector` computed here: gcc otherwise puts off and reorders a chain of ORs
 * until it runs out of registers. */
#if defined(_MSC_VER) && !defined(__clang__)
#  define WSF_KEEP(vector) ((void)0)
#elif WSF_ARCH_X86
#  define WSF_KEEP(vector) __asm__("" : "+x"(vector))
#else
#  define WSF_KEEP(vector) __asm__("" : "+w"(vector))
#endif

#if WSF_SIMD_X86
extern const wsf_kernel wsf_kernel_ssse3;
extern const wsf_kernel wsf_kernel_avx2;
extern const wsf_kernel wsf_kernel_avx512;
void wsf_mask_ssse3(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key);
void wsf_mask_avx2(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key);
void wsf_to_latin1_ssse3(uint8_t *dst, const uint8_t *src, size_t n);
void wsf_to_ucs2_ssse3(uint16_t *dst, const uint8_t *src, size_t n);
void wsf_to_ucs4_ssse3(uint32_t *dst, const uint8_t *src, size_t n);
void wsf_to_latin1_avx2(uint8_t *dst, const uint8_t *src, size_t n);
void wsf_to_ucs2_avx2(uint16_t *dst, const uint8_t *src, size_t n);
void wsf_to_ucs4_avx2(uint32_t *dst, const uint8_t *src, size_t n);
void wsf_to_latin1_avx512(uint8_t *dst, const uint8_t *src, size_t n);
void wsf_to_ucs2_avx512(uint16_t *dst, const uint8_t *src, size_t n);
void wsf_to_ucs4_avx512(uint32_t *dst, const uint8_t *src, size_t n);
size_t wsf_latin1_size_ssse3(const uint8_t *src, size_t n);
size_t wsf_ucs2_size_ssse3(const uint16_t *src, size_t n);
size_t wsf_ucs4_size_ssse3(const uint32_t *src, size_t n);
size_t wsf_from_latin1_ssse3(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key);
size_t wsf_from_ucs2_ssse3(uint8_t *dst, const uint16_t *src, size_t n, uint32_t key);
size_t wsf_from_ucs4_ssse3(uint8_t *dst, const uint32_t *src, size_t n, uint32_t key);
size_t wsf_latin1_size_avx2(const uint8_t *src, size_t n);
size_t wsf_ucs2_size_avx2(const uint16_t *src, size_t n);
size_t wsf_ucs4_size_avx2(const uint32_t *src, size_t n);
size_t wsf_from_latin1_avx2(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key);
size_t wsf_from_ucs2_avx2(uint8_t *dst, const uint16_t *src, size_t n, uint32_t key);
size_t wsf_from_ucs4_avx2(uint8_t *dst, const uint32_t *src, size_t n, uint32_t key);
#endif

#if WSF_ARCH_ARM64
extern const wsf_kernel wsf_kernel_neon;
void wsf_mask_neon(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key);
void wsf_to_latin1_neon(uint8_t *dst, const uint8_t *src, size_t n);
void wsf_to_ucs2_neon(uint16_t *dst, const uint8_t *src, size_t n);
void wsf_to_ucs4_neon(uint32_t *dst, const uint8_t *src, size_t n);
size_t wsf_latin1_size_neon(const uint8_t *src, size_t n);
size_t wsf_ucs2_size_neon(const uint16_t *src, size_t n);
size_t wsf_ucs4_size_neon(const uint32_t *src, size_t n);
size_t wsf_from_latin1_neon(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key);
size_t wsf_from_ucs2_neon(uint8_t *dst, const uint16_t *src, size_t n, uint32_t key);
size_t wsf_from_ucs4_neon(uint8_t *dst, const uint32_t *src, size_t n, uint32_t key);
#endif

/* The index of the lowest bit set; word is not 0. */
WSF_INLINE unsigned wsf_lowest_bit(uint64_t word)
{
#if defined(_MSC_VER) && !defined(__clang__)
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
#if defined(_MSC_VER) && !defined(__clang__) && defined(_M_ARM64)
    return (size_t)_CountOneBits64(word);
#elif defined(_MSC_VER) && !defined(__clang__)
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

/* Is the top byte C0, C1 or F5..FF?  No later byte is there to show that fault. */
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
 * TWICE is no fault if the byte two before is E0..FF or the one three before is
 * F0..FF, and only then is its absence none: it is compared with those.
 *
 * The first byte with bits set is the fault, or the one before it is (C0, C1,
 * F5..FF are known by themselves, but show when the next byte comes).
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
    WSF_ANY_LOW = WSF_SHORT | WSF_STRAY | WSF_TWICE /* whatever the low nibble */
};

#define WSF_FIRST_HIGH                                                                         \
    WSF_STRAY, WSF_STRAY, WSF_STRAY, WSF_STRAY, WSF_STRAY, WSF_STRAY, WSF_STRAY, WSF_STRAY,    \
        WSF_TWICE, WSF_TWICE, WSF_TWICE, WSF_TWICE, WSF_SHORT | WSF_LONG_2, WSF_SHORT,         \
        WSF_SHORT | WSF_LONG_3 | WSF_SURR, WSF_SHORT | WSF_LARGE | WSF_LONG_4

#define WSF_F5_UP (WSF_ANY_LOW | WSF_LARGE | WSF_LONG_4)
#define WSF_FIRST_LOW                                                                          \
    WSF_ANY_LOW | WSF_LONG_2 | WSF_LONG_3 | WSF_LONG_4, WSF_ANY_LOW | WSF_LONG_2, WSF_ANY_LOW, \
        WSF_ANY_LOW, WSF_ANY_LOW | WSF_LARGE, WSF_F5_UP, WSF_F5_UP, WSF_F5_UP, WSF_F5_UP,      \
        WSF_F5_UP, WSF_F5_UP, WSF_F5_UP, WSF_F5_UP, WSF_F5_UP | WSF_SURR, WSF_F5_UP, WSF_F5_UP

#define WSF_AFTER_LEAD (WSF_STRAY | WSF_TWICE | WSF_LONG_2)
#define WSF_SECOND_HIGH                                                                        \
    WSF_SHORT, WSF_SHORT, WSF_SHORT, WSF_SHORT, WSF_SHORT, WSF_SHORT, WSF_SHORT, WSF_SHORT,    \
        WSF_AFTER_LEAD | WSF_LONG_3 | WSF_LONG_4, WSF_AFTER_LEAD | WSF_LONG_3 | WSF_LARGE,     \
        WSF_AFTER_LEAD | WSF_SURR | WSF_LARGE, WSF_AFTER_LEAD | WSF_SURR | WSF_LARGE,          \
        WSF_SHORT, WSF_SHORT, WSF_SHORT, WSF_SHORT

#endif
