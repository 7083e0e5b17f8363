/* The intrinsics of the AVX-512 kernel, in C: for tests where the CPU lacks AVX-512.
 *
 *     found before the compiler's immintrin.h      these have the names of the intrinsics
 *     EMULATED(name) defined                       names of their own, to compare with those
 *
 * Each is a loop over lanes, as the operation is defined in Intel's Intrinsics Guide; only
 * what {utf8,transcode,encode}_avx512.c use is here, in masks.inc.h and in lanes.inc.h.  The
 * machine must be little-endian, like x86.
 *
 * Invariant: memory is touched only where a mask has its bit set.
 */
#ifndef AVX512_IN_C_IMMINTRIN_H
#define AVX512_IN_C_IMMINTRIN_H

#include <stdint.h>
#include <string.h>

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#  error "the lanes of these vectors are those of a little-endian machine"
#endif

#ifndef EMULATED
#  define EMULATED(name) name
#  define __m128i m128i
#  define __m256i m256i
#  define __m512i m512i
#  define __mmask16 uint16_t
#  define __mmask32 uint32_t
#  define __mmask64 uint64_t
#endif

/* Functions, not inlined: a sanitized build would take minutes to compile.  Those that touch
 * memory are sanitized; in the others it would double the time of a test for nothing. */
#define ON_MEMORY static __attribute__((noinline, unused))
#define INTRINSIC ON_MEMORY __attribute__((no_sanitize("address", "undefined")))

typedef union m128i {
    uint8_t byte[16];
    uint16_t word[8];
    uint32_t dword[4];
} m128i;

typedef union m256i {
    uint8_t byte[32];
    uint16_t word[16];
    m128i half[2];
} m256i;

typedef union m512i {
    uint8_t byte[64];
    uint16_t word[32];
    uint32_t dword[16];
    uint64_t qword[8];
    m128i quarter[4];
    m256i half[2];
} m512i;

/* The whole of a function: a statement for each lane `i` of the result `r`. */
#define EACH_LANE(lanes, statement)                                                                \
    m512i r;                                                                                       \
    int i;                                                                                         \
    for (i = 0; i < (lanes); i++) {                                                                \
        statement;                                                                                 \
    }                                                                                              \
    return r

/* ---- whole vectors ------------------------------------------------------------ */

ON_MEMORY m512i EMULATED(_mm512_loadu_si512)(const void *p)
{
    m512i r;
    memcpy(&r, p, sizeof r);
    return r;
}

ON_MEMORY void EMULATED(_mm512_storeu_si512)(void *p, m512i a)
{
    memcpy(p, &a, sizeof a);
}

INTRINSIC m512i EMULATED(_mm512_setzero_si512)(void)
{
    m512i r;
    memset(&r, 0, sizeof r);
    return r;
}

/* Of a, which is a char there, only the lowest byte counts. */
INTRINSIC m512i EMULATED(_mm512_set1_epi8)(int a)
{
    m512i r;
    memset(&r, (uint8_t)a, sizeof r);
    return r;
}

INTRINSIC m512i EMULATED(_mm512_set1_epi16)(int a)
{
    EACH_LANE(32, r.word[i] = (uint16_t)a);
}

INTRINSIC m512i EMULATED(_mm512_set1_epi32)(int a)
{
    EACH_LANE(16, r.dword[i] = (uint32_t)a);
}

INTRINSIC m512i EMULATED(_mm512_set1_epi64)(long long a)
{
    EACH_LANE(8, r.qword[i] = (uint64_t)a);
}

INTRINSIC m256i EMULATED(_mm512_castsi512_si256)(m512i a)
{
    return a.half[0];
}

INTRINSIC m256i EMULATED(_mm512_extracti64x4_epi64)(m512i a, int which)
{
    return a.half[which & 1];
}

INTRINSIC m128i EMULATED(_mm512_extracti32x4_epi32)(m512i a, int which)
{
    return a.quarter[which & 3];
}

/* ---- bits ---------------------------------------------------------------------- */

INTRINSIC m512i EMULATED(_mm512_and_si512)(m512i a, m512i b)
{
    int i;
    for (i = 0; i < 8; i++) {
        a.qword[i] &= b.qword[i];
    }
    return a;
}

INTRINSIC m512i EMULATED(_mm512_or_si512)(m512i a, m512i b)
{
    int i;
    for (i = 0; i < 8; i++) {
        a.qword[i] |= b.qword[i];
    }
    return a;
}

INTRINSIC m512i EMULATED(_mm512_xor_si512)(m512i a, m512i b)
{
    int i;
    for (i = 0; i < 8; i++) {
        a.qword[i] ^= b.qword[i];
    }
    return a;
}

/* The bits of a, b and c at one place make a number, that of a on top: the bit of `table`
 * with that number is the result. */
INTRINSIC m512i EMULATED(_mm512_ternarylogic_epi64)(m512i a, m512i b, m512i c, int table)
{
    m512i r = EMULATED(_mm512_setzero_si512)();
    int i, row;
    for (row = 0; row < 8; row++) {
        if (table >> row & 1) {
            for (i = 0; i < 8; i++) {
                r.qword[i] |= (row & 4 ? a.qword[i] : ~a.qword[i]) &
                              (row & 2 ? b.qword[i] : ~b.qword[i]) &
                              (row & 1 ? c.qword[i] : ~c.qword[i]);
            }
        }
    }
    return r;
}

/* Each lane by itself; nothing is left of it when the count is its width or more. */
INTRINSIC m512i EMULATED(_mm512_slli_epi16)(m512i a, unsigned count)
{
    int i;
    for (i = 0; i < 32; i++) {
        a.word[i] = (uint16_t)(count > 15 ? 0 : (uint32_t)a.word[i] << count);
    }
    return a;
}

INTRINSIC m512i EMULATED(_mm512_srli_epi16)(m512i a, unsigned count)
{
    int i;
    for (i = 0; i < 32; i++) {
        a.word[i] = (uint16_t)(count > 15 ? 0 : a.word[i] >> count);
    }
    return a;
}

INTRINSIC m512i EMULATED(_mm512_slli_epi32)(m512i a, unsigned count)
{
    int i;
    for (i = 0; i < 16; i++) {
        a.dword[i] = count > 31 ? 0 : a.dword[i] << count;
    }
    return a;
}

/* The upper half of a b, shifted left: what leaves a is gone, b fills it up. */
INTRINSIC m512i EMULATED(_mm512_shldi_epi32)(m512i a, m512i b, int count)
{
    int i;
    for (i = 0; i < 16; i++) {
        const uint64_t both = (uint64_t)a.dword[i] << 32 | b.dword[i];
        a.dword[i] = (uint32_t)(both << (count & 31) >> 32);
    }
    return a;
}

/* ---- arithmetic ------------------------------------------------------------------- */

INTRINSIC m512i EMULATED(_mm512_max_epu8)(m512i a, m512i b)
{
    int i;
    for (i = 0; i < 64; i++) {
        a.byte[i] = a.byte[i] > b.byte[i] ? a.byte[i] : b.byte[i];
    }
    return a;
}

INTRINSIC m512i EMULATED(_mm512_subs_epu8)(m512i a, m512i b)
{
    int i;
    for (i = 0; i < 64; i++) {
        a.byte[i] = a.byte[i] > b.byte[i] ? (uint8_t)(a.byte[i] - b.byte[i]) : 0;
    }
    return a;
}

INTRINSIC m512i EMULATED(_mm512_min_epu16)(m512i a, m512i b)
{
    EACH_LANE(32, r.word[i] = a.word[i] < b.word[i] ? a.word[i] : b.word[i]);
}

INTRINSIC m512i EMULATED(_mm512_min_epu32)(m512i a, m512i b)
{
    EACH_LANE(16, r.dword[i] = a.dword[i] < b.dword[i] ? a.dword[i] : b.dword[i]);
}

INTRINSIC m512i EMULATED(_mm512_sub_epi16)(m512i a, m512i b)
{
    EACH_LANE(32, r.word[i] = (uint16_t)(a.word[i] - b.word[i]));
}

INTRINSIC m512i EMULATED(_mm512_sub_epi32)(m512i a, m512i b)
{
    EACH_LANE(16, r.dword[i] = a.dword[i] - b.dword[i]);
}

#include "masks.inc.h"

#include "lanes.inc.h"

/* ---- shorter vectors ---------------------------------------------------------------------- */

ON_MEMORY m256i EMULATED(_mm256_loadu_si256)(const void *p)
{
    m256i r;
    memcpy(&r, p, sizeof r);
    return r;
}

INTRINSIC m128i EMULATED(_mm256_castsi256_si128)(m256i a)
{
    return a.half[0];
}

INTRINSIC m128i EMULATED(_mm256_extracti128_si256)(m256i a, int which)
{
    return a.half[which & 1];
}

INTRINSIC m256i EMULATED(_mm256_max_epu8)(m256i a, m256i b)
{
    int i;
    for (i = 0; i < 32; i++) {
        a.byte[i] = a.byte[i] > b.byte[i] ? a.byte[i] : b.byte[i];
    }
    return a;
}

INTRINSIC m128i EMULATED(_mm_max_epu8)(m128i a, m128i b)
{
    int i;
    for (i = 0; i < 16; i++) {
        a.byte[i] = a.byte[i] > b.byte[i] ? a.byte[i] : b.byte[i];
    }
    return a;
}

INTRINSIC m128i EMULATED(_mm_min_epu8)(m128i a, m128i b)
{
    int i;
    for (i = 0; i < 16; i++) {
        a.byte[i] = a.byte[i] < b.byte[i] ? a.byte[i] : b.byte[i];
    }
    return a;
}

/* The lowest word, then the first place where it is; 0 above them. */
INTRINSIC m128i EMULATED(_mm_minpos_epu16)(m128i a)
{
    m128i r = {{0}};
    int i, lowest = 0;
    for (i = 1; i < 8; i++) {
        lowest = a.word[i] < a.word[lowest] ? i : lowest;
    }
    r.word[0] = a.word[lowest];
    r.word[1] = (uint16_t)lowest;
    return r;
}

INTRINSIC m128i EMULATED(_mm_srli_epi16)(m128i a, int count)
{
    int i;
    for (i = 0; i < 8; i++) {
        a.word[i] = (uint16_t)((unsigned)count > 15 ? 0 : a.word[i] >> count);
    }
    return a;
}

INTRINSIC m128i EMULATED(_mm_xor_si128)(m128i a, m128i b)
{
    int i;
    for (i = 0; i < 4; i++) {
        a.dword[i] ^= b.dword[i];
    }
    return a;
}

INTRINSIC m128i EMULATED(_mm_set1_epi8)(int a)
{
    m128i r;
    memset(&r, (uint8_t)a, sizeof r);
    return r;
}

INTRINSIC int EMULATED(_mm_cvtsi128_si32)(m128i a)
{
    return (int)a.dword[0];
}

#endif
