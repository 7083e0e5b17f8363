/* From well-formed UTF-8 to the code units of a string, with AVX-512 (VBMI2).
 *
 * Every byte is treated as if it ended a sequence; the bytes of its code point are
 * made from it and those before it.  `vpcompressb` then keeps what does end one.
 * (The idea is in Clausecker and Lemire, "Transcoding Unicode Characters with AVX-512
 * Instructions", 2023.)
 *
 *     bits of the code point           plane      high       low
 *     0aaaaaaa                                               0aaaaaaa
 *     110bbbaa 10aaaaaa                           00000bbb   aaaaaaaa
 *     1110bbbb 10bbbbaa 10aaaaaa                  bbbbbbbb   aaaaaaaa
 *     11110ccc 10ccbbbb 10bbbbaa 10aaaaaa  000ccccc bbbbbbbb aaaaaaaa
 *     back3    back2    back1    x
 *
 * Invariant: the contract of the transcoders in dispatch.h.  A whole vector is stored
 * only where the text still has enough units to overwrite the excess.
 */
#include "simd.h"

#if WSF_SIMD_X86

#include <immintrin.h>

#define TARGET                                                                                     \
    WSF_TARGET("avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512vbmi2,popcnt,bmi,bmi2")

/* 64 bytes of text, or its last ones and zeros. */
typedef struct block {
    __m512i x, prev;
    size_t rest;           /* bytes after these */
    uint64_t here;         /* those that are there */
    uint64_t high;         /* those that are not ASCII */
    uint64_t later;        /* those that are continuations */
    uint64_t later_before; /* the same for prev */
} block;

WSF_INLINE TARGET block first_block(void)
{
    block b;
    b.x = _mm512_setzero_si512();
    b.later = 0;
    return b;
}

/* The block src[i, i + 64), after b. */
WSF_INLINE TARGET void next_block(block *b, const uint8_t *src, size_t i, size_t n)
{
    const size_t length = n - i < 64 ? n - i : 64;
    b->prev = b->x;
    b->later_before = b->later;
    b->rest = n - i - length;
    b->here = wsf_low_bits(length);
    b->x = _mm512_maskz_loadu_epi8(b->here, src + i);
    b->high = _mm512_movepi8_mask(b->x);
    b->later = _mm512_cmplt_epi8_mask(b->x, _mm512_set1_epi8(-64)); /* 80..BF */
}

/* The bytes with which a sequence ends: no continuation comes after them. */
WSF_INLINE uint64_t ends(const block *b, const uint8_t *after)
{
    const uint64_t next = b->rest != 0 && (*after & 0xC0u) == 0x80u;
    return b->here & ~(b->later >> 1 | next << 63);
}

/* The bytes k back, for each byte of b. */
#define BACK(b, dwords, k) _mm512_shldi_epi32((b)->x, dwords, 8 * (k))

WSF_INLINE TARGET __m512i dwords_before(const block *b)
{
    return _mm512_alignr_epi32(b->x, b->prev, 15);
}

/* mask ? a : b, bit by bit */
WSF_INLINE TARGET __m512i select_bits(int mask, __m512i a, __m512i b)
{
    return _mm512_ternarylogic_epi64(_mm512_set1_epi8((char)mask), a, b, 0xCA);
}

/* Continuations: aa of back1, aaaaaa of x. */
WSF_INLINE TARGET __m512i low_bytes(const block *b, __m512i back1)
{
    const __m512i low = select_bits(0xC0, _mm512_slli_epi16(back1, 6), b->x);
    return _mm512_mask_mov_epi8(b->x, b->later, low);
}

/* After a lead: bbb of back1.  After a continuation: bbbb of back2 too. */
WSF_INLINE TARGET __m512i high_bytes(const block *b, __m512i back1, __m512i back2)
{
    const uint64_t third = b->later & (b->later << 1 | b->later_before >> 63);
    const __m512i upper = _mm512_maskz_mov_epi8(third, _mm512_slli_epi16(back2, 4));
    return _mm512_maskz_mov_epi8(b->later, select_bits(0x0F, _mm512_srli_epi16(back1, 2), upper));
}

/* The last bytes of sequences of four. */
WSF_INLINE uint64_t fourths(const block *b)
{
    return b->later & (b->later << 1 | b->later_before >> 63) &
           (b->later << 2 | b->later_before >> 62);
}

/* ccc of back3, cc of back2 */
WSF_INLINE TARGET __m512i plane_bytes(const block *b, __m512i back2, __m512i back3)
{
    const __m512i plane =
        select_bits(0x03, _mm512_srli_epi16(back2, 4), _mm512_slli_epi16(back3, 2));
    return _mm512_maskz_mov_epi8(fourths(b), _mm512_and_si512(plane, _mm512_set1_epi8(0x1F)));
}

/* Store the vector of units from `at` on, `each` to a vector, of `count`; the text
 * has `certain` units at least, these included. */
#define STORE(bits, dst, x, at, each, count, certain)                                              \
    do {                                                                                           \
        if ((at) + (each) <= (certain)) {                                                          \
            _mm512_storeu_si512((dst) + (at), x);                                                  \
        } else {                                                                                   \
            _mm512_mask_storeu_epi##bits((dst) + (at),                                             \
                                         (__mmask##each)wsf_low_bits((count) - (at)), x);          \
        }                                                                                          \
    } while (0)

TARGET void wsf_to_latin1_avx512(uint8_t *dst, const uint8_t *src, size_t n)
{
    block b = first_block();
    size_t i;
    for (i = 0; i < n; i += 64) {
        size_t count;
        uint64_t kept;
        next_block(&b, src, i, n);
        if (b.high == 0) {
            count = n - i - b.rest;
            STORE(8, dst, b.x, 0, 64, count, count + b.rest / 2);
        } else {
            kept = ends(&b, src + i + 64);
            count = wsf_bits_set(kept);
            STORE(8, dst,
                  _mm512_maskz_compress_epi8(kept, low_bytes(&b, BACK(&b, dwords_before(&b), 1))),
                  0, 64, count, count + b.rest / 2);
        }
        dst += count;
    }
}

#define PAIR(i) (i), (i) + 64
#define PAIRS_8(i)                                                                                 \
    PAIR(i), PAIR((i) + 1), PAIR((i) + 2), PAIR((i) + 3), PAIR((i) + 4), PAIR((i) + 5),            \
        PAIR((i) + 6), PAIR((i) + 7)
static const uint8_t IN_TURNS[2][64] = {
    {PAIRS_8(0), PAIRS_8(8), PAIRS_8(16), PAIRS_8(24)},
    {PAIRS_8(32), PAIRS_8(40), PAIRS_8(48), PAIRS_8(56)},
};

/* The units k * 32 .. k * 32 + 31 as words:
 *
 *     low[32 k] high[32 k] low[32 k + 1] high[32 k + 1] ..
 */
WSF_INLINE TARGET __m512i words(__m512i low, __m512i high, int k)
{
    const void *const turns = IN_TURNS[k];
    return _mm512_permutex2var_epi8(low, _mm512_loadu_si512(turns), high);
}

/* Store up to 64 bytes of ASCII as words. */
WSF_INLINE TARGET void widen_2(uint16_t *dst, __m512i x, size_t count, size_t certain)
{
    STORE(16, dst, _mm512_cvtepu8_epi16(_mm512_castsi512_si256(x)), 0, 32, count, certain);
    if (count > 32) {
        STORE(16, dst, _mm512_cvtepu8_epi16(_mm512_extracti64x4_epi64(x, 1)), 32, 32, count,
              certain);
    }
}

TARGET void wsf_to_ucs2_avx512(uint16_t *dst, const uint8_t *src, size_t n)
{
    block b = first_block();
    size_t i, count;
    for (i = 0; i < n; i += 64, dst += count) {
        next_block(&b, src, i, n);
        if (b.high == 0) {
            count = n - i - b.rest;
            widen_2(dst, b.x, count, count + b.rest / 3);
        } else {
            const uint64_t kept = ends(&b, src + i + 64);
            const __m512i dwords = dwords_before(&b);
            const __m512i back1 = BACK(&b, dwords, 1), back2 = BACK(&b, dwords, 2);
            const __m512i low = _mm512_maskz_compress_epi8(kept, low_bytes(&b, back1));
            const __m512i high = _mm512_maskz_compress_epi8(kept, high_bytes(&b, back1, back2));
            count = wsf_bits_set(kept);
            STORE(16, dst, words(low, high, 0), 0, 32, count, count + b.rest / 3);
            if (count > 32) {
                STORE(16, dst, words(low, high, 1), 32, 32, count, count + b.rest / 3);
            }
        }
    }
}

/* Sixteen code points, the k-th sixteen: `pairs` are low and high bytes. */
#define PLAIN_16(pairs, plane, k)                                                                  \
    _mm512_cvtepu16_epi32((k) % 2 == 0 ? _mm512_castsi512_si256(pairs)                             \
                                       : _mm512_extracti64x4_epi64(pairs, 1))
#define FULL_16(pairs, plane, k)                                                                   \
    _mm512_or_si512(                                                                               \
        PLAIN_16(pairs, plane, k),                                                                 \
        _mm512_slli_epi32(_mm512_cvtepu8_epi32(_mm512_extracti32x4_epi32(plane, k)), 16))
#define ASCII_16(x, plane, k) _mm512_cvtepu8_epi32(_mm512_extracti32x4_epi32(x, k))

/* Store up to 64 code points; `first` and `second` make up the two halves. */
#define STORE_64(make, first, second, plane, dst, count, certain)                                  \
    do {                                                                                           \
        STORE(32, dst, make(first, plane, 0), 0, 16, count, certain);                              \
        if ((count) > 16) {                                                                        \
            STORE(32, dst, make(first, plane, 1), 16, 16, count, certain);                         \
        }                                                                                          \
        if ((count) > 32) {                                                                        \
            STORE(32, dst, make(second, plane, 2), 32, 16, count, certain);                        \
        }                                                                                          \
        if ((count) > 48) {                                                                        \
            STORE(32, dst, make(second, plane, 3), 48, 16, count, certain);                        \
        }                                                                                          \
    } while (0)

/* Store what ends in b, which is not all ASCII; return how many code points. */
WSF_INLINE TARGET size_t store_block(uint32_t *dst, const block *b, uint64_t kept)
{
    const __m512i dwords = dwords_before(b);
    const __m512i back1 = BACK(b, dwords, 1), back2 = BACK(b, dwords, 2);
    const __m512i low = _mm512_maskz_compress_epi8(kept, low_bytes(b, back1));
    const __m512i high = _mm512_maskz_compress_epi8(kept, high_bytes(b, back1, back2));
    const size_t count = wsf_bits_set(kept), certain = count + b->rest / 4;
    if (fourths(b) == 0) {
        STORE_64(PLAIN_16, words(low, high, 0), words(low, high, 1), low, dst, count, certain);
    } else {
        const __m512i plane =
            _mm512_maskz_compress_epi8(kept, plane_bytes(b, back2, BACK(b, dwords, 3)));
        STORE_64(FULL_16, words(low, high, 0), words(low, high, 1), plane, dst, count, certain);
    }
    return count;
}

TARGET void wsf_to_ucs4_avx512(uint32_t *dst, const uint8_t *src, size_t n)
{
    block b = first_block();
    size_t i, count;
    for (i = 0; i < n; i += 64, dst += count) {
        next_block(&b, src, i, n);
        if (b.high == 0) {
            count = n - i - b.rest;
            STORE_64(ASCII_16, b.x, b.x, b.x, dst, count, count + b.rest / 4);
        } else {
            count = store_block(dst, &b, ends(&b, src + i + 64));
        }
    }
}

#endif
