/* UTF-8 validation with AVX-512 (VBMI, VBMI2), 64 bytes at a time.
 *
 * The pairs of ill-formed bytes are those of simd.h, found with table lookups
 * (Keiser and Lemire 2021); `vpermb` takes only the six lowest bits of an index, so
 * tables of sixteen, repeated four times, need no masking of the index.
 *
 *     granules of 256 bytes: one test for ASCII, one for faults
 *     the rest: vectors of 64, the last one loaded and stored under a mask
 *
 * Invariant: the contracts of `validate`, `measure`, `mask_validate` and
 * `mask_measure` in dispatch.h.
 */
#include "simd.h"

#if WSF_SIMD_X86

#include <immintrin.h>

#define TARGET                                                                                     \
    WSF_TARGET("avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512vbmi2,popcnt,bmi,bmi2")
#define MASK wsf_mask_avx2
#define GRANULE ((size_t)256)
#define ALIGN_FROM ((size_t)2048) /* from here on aligning loads or stores pays */

#define X4(entry) entry, entry, entry, entry
#define X8(entry) X4(entry), X4(entry)
#define X16(entry) X8(entry), X8(entry)

/* clang-format off */
/* The bits that a pair a b may have, by the class of a and the high nibble of b. */
static const uint8_t CLASS_HIGH[64] = {
    X8(0), X4(WSF_STRAY), X4(0),                 /* a is 00..3F */
    X8(0), X4(WSF_STRAY), X4(0),                 /* 40..7F */
    X8(0), X4(WSF_TWICE), X4(0),                 /* 80..BF */
    X8(WSF_SHORT),                               /* C0..FF, and b is 00..7F */
    WSF_LONG_2 | WSF_LONG_3 | WSF_LONG_4,        /* 80..8F */
    WSF_LONG_2 | WSF_LONG_3 | WSF_LARGE,         /* 90..9F */
    WSF_LONG_2 | WSF_SURR | WSF_LARGE,           /* A0..AF */
    WSF_LONG_2 | WSF_SURR | WSF_LARGE,           /* B0..BF */
    X4(WSF_SHORT)                                /* C0..FF */
};

/* The bits that it has, by the six low bits of a, which tell C0..FF apart; for any other
 * a, CLASS_HIGH has none of the bits that depend on them. */
#define ANY WSF_ANY_LOW
#define F5_UP (ANY | WSF_LARGE | WSF_LONG_4)
static const uint8_t LOW_SIX[64] = {
    ANY | WSF_LONG_2, ANY | WSF_LONG_2, ANY, ANY, X4(ANY), X8(ANY),            /* C0..CF */
    X16(ANY),                                                                   /* D0..DF */
    ANY | WSF_LONG_3, ANY, ANY, ANY, X8(ANY), ANY, ANY | WSF_SURR, ANY, ANY,    /* E0..EF */
    ANY | WSF_LONG_4, ANY, ANY, ANY, ANY | WSF_LARGE, F5_UP, F5_UP, F5_UP, X8(F5_UP)
};
/* clang-format on */

/* A `prev` of which only the last bytes matter: the pending ones. */
WSF_INLINE TARGET __m512i before(uint32_t pending)
{
    return _mm512_maskz_set1_epi32(0x8000, (int)pending);
}

/* The fault bits of each byte of x, given the bytes one, two and three before.
 *
 *     bit of index     5  4       3 .. 0
 *                      class of   high nibble of
 *                      back1      x
 *
 *     (CLASS_HIGH[index] & LOW_SIX[back1 & 3F]) ^ (back2 >= E0 or back3 >= F0 ? 80 : 0)
 *
 * `vpermb` looks at six bits of an index only, so it doesn't matter that the shifts of
 * words bring bits of the neighbour into the two above.
 */
WSF_INLINE TARGET __m512i fault_bits(__m512i x, __m512i back1, __m512i back2, __m512i back3)
{
    /* 0xE4: c ? a : b, with c = 0F */
    const __m512i index = _mm512_ternarylogic_epi64(
        _mm512_srli_epi16(x, 4), _mm512_srli_epi16(back1, 2), _mm512_set1_epi8(15), 0xE4);
    const __m512i by_class = _mm512_permutexvar_epi8(index, _mm512_loadu_si512(CLASS_HIGH));
    const __m512i by_low = _mm512_permutexvar_epi8(back1, _mm512_loadu_si512(LOW_SIX));
    const __m512i third = _mm512_subs_epu8(back2, _mm512_set1_epi8((char)(0xE0 - 0x80)));
    const __m512i fourth = _mm512_subs_epu8(back3, _mm512_set1_epi8((char)(0xF0 - 0x80)));
    /* 0xA8: (a | b) & c */
    const __m512i later =
        _mm512_ternarylogic_epi64(third, fourth, _mm512_set1_epi8((char)0x80), 0xA8);
    /* 0x6A: (a & b) ^ c */
    return _mm512_ternarylogic_epi64(by_class, by_low, later, 0x6A);
}

/* The fault bits of x, which follows `prev`.
 *
 *     x      =                         x0 x1 x2 x3 | x4 ...
 *     dwords = prev60 .. prev63      | x0 x1 x2 x3 | ...
 *     back1  = prev63 x0 x1 x2       | x3 ...          (8 bits of dwords and 24 of x)
 */
WSF_INLINE TARGET __m512i faults(__m512i x, __m512i prev)
{
    const __m512i dwords = _mm512_alignr_epi32(x, prev, 15);
    return fault_bits(x, _mm512_shldi_epi32(x, dwords, 8), _mm512_shldi_epi32(x, dwords, 16),
                      _mm512_shldi_epi32(x, dwords, 24));
}

/* Find the fault, which is in src[from, n) or is src[n - 1].  src[0, from), after
 * *pending, is well formed. */
static WSF_COLD TARGET size_t locate(const uint8_t *src, size_t from, size_t n, uint32_t *pending)
{
    __m512i prev = before(wsf_utf8_pending_at(src, from, *pending));
    size_t i;
    for (i = from; i < n; i += 64) {
        const __mmask64 here = wsf_low_bits(n - i < 64 ? n - i : 64);
        const __m512i x = _mm512_maskz_loadu_epi8(here, src + i);
        const __m512i bits = faults(x, prev);
        const __mmask64 found = _mm512_test_epi8_mask(bits, bits) & here;
        if (found != 0) { /* the fault, or the byte after it */
            const size_t at = i + wsf_lowest_bit(found);
            return wsf_utf8_locate(src, at == 0 ? 0 : at - 1, n, pending);
        }
        prev = x;
    }
    return wsf_utf8_locate(src, n - 1, n, pending);
}

/* What a pass over the text carries from vector to vector. */
typedef struct pass {
    __m512i prev;    /* the vector before */
    __m512i highest; /* byte by byte, if measured */
    __m512i key;
    __m512i key_back[3]; /* the key for a vector read 1, 2 or 3 bytes before x */
    size_t points;
    int open; /* whether the text before x may end within a sequence */
} pass;

WSF_INLINE TARGET void count(pass *p, __m512i x, __mmask64 here)
{
    /* not 80..BF, as signed numbers: above -65 */
    p->points += wsf_bits_set(here & _mm512_cmpgt_epi8_mask(x, _mm512_set1_epi8(-65)));
    p->highest = _mm512_max_epu8(p->highest, x);
}

/* Judge one vector, of which the bytes `here` are text and the others 0.  Return
 * whether they are free of faults. */
WSF_INLINE TARGET int take(pass *p, __m512i x, __mmask64 here, int measured)
{
    const __mmask64 high = _mm512_movepi8_mask(x);
    if (high == 0 && !p->open) {
        p->points += measured ? wsf_bits_set(here) : 0;
    } else {
        const __m512i bits = faults(x, p->prev);
        if (WSF_UNLIKELY((_mm512_test_epi8_mask(bits, bits) & here) != 0)) {
            return 0;
        }
        if (measured) {
            count(p, x, here);
        }
    }
    p->open = high != 0;
    p->prev = x;
    return 1;
}

/* The vector src[i, i + 64), or those of its bytes that are `here`, unmasked into
 * dst. */
WSF_INLINE TARGET __m512i move(const pass *p, uint8_t *dst, const uint8_t *src, size_t i,
                               __mmask64 here, int masked)
{
    __m512i x = _mm512_maskz_loadu_epi8(here, src + i);
    if (masked) {
        x = _mm512_maskz_mov_epi8(here, _mm512_xor_si512(x, p->key));
        _mm512_mask_storeu_epi8(dst + i, here, x);
    }
    return x;
}

/* The fault bits of x, which is at src before unmasking: loads, where `faults` needs
 * shuffles. */
WSF_INLINE TARGET __m512i faults_at(const pass *p, __m512i x, const uint8_t *src, int masked)
{
    __m512i back1 = _mm512_loadu_si512(src - 1);
    __m512i back2 = _mm512_loadu_si512(src - 2);
    __m512i back3 = _mm512_loadu_si512(src - 3);
    if (masked) {
        back1 = _mm512_xor_si512(back1, p->key_back[0]);
        back2 = _mm512_xor_si512(back2, p->key_back[1]);
        back3 = _mm512_xor_si512(back3, p->key_back[2]);
    }
    return fault_bits(x, back1, back2, back3);
}

/* The fault bits of the second to fourth vector of a granule, put together. */
WSF_INLINE TARGET __m512i later_faults(const pass *p, const __m512i x[4], const uint8_t *src,
                                       int masked)
{
    const __m512i bits1 = faults_at(p, x[1], src + 64, masked);
    const __m512i bits2 = faults_at(p, x[2], src + 128, masked);
    const __m512i bits3 = faults_at(p, x[3], src + 192, masked);
    return _mm512_ternarylogic_epi64(bits1, bits2, bits3, 0xFE);
}

WSF_INLINE TARGET void put_granule(uint8_t *dst, const __m512i x[4], size_t i, int masked)
{
    if (masked) {
        _mm512_storeu_si512(dst + i, x[0]);
        _mm512_storeu_si512(dst + i + 64, x[1]);
        _mm512_storeu_si512(dst + i + 128, x[2]);
        _mm512_storeu_si512(dst + i + 192, x[3]);
    }
}

/* Judge whole granules from *i on.  At a fault, stop with *i at the granule that has it
 * or comes after it, and return 0. */
WSF_INLINE TARGET int take_granules(pass *p, uint8_t *dst, const uint8_t *src, size_t n, size_t *i,
                                    int masked, int measured)
{
    for (; n - *i >= GRANULE; *i += GRANULE) {
        __m512i x[4], bits;
        int high, k;
        for (k = 0; k < 4; k++) {
            x[k] = _mm512_loadu_si512(src + *i + 64 * (size_t)k);
            x[k] = masked ? _mm512_xor_si512(x[k], p->key) : x[k];
        }
        high = _mm512_movepi8_mask(
                   _mm512_or_si512(_mm512_ternarylogic_epi64(x[0], x[1], x[2], 0xFE), x[3])) != 0;
        if (!high && !p->open) {
            put_granule(dst, x, *i, masked);
            p->points += GRANULE;
        } else { /* look before in-place unmasking overwrites the bytes before x[k] */
            bits = faults(x[0], p->prev);
            if (high) {
                bits = _mm512_or_si512(bits, later_faults(p, x, src + *i, masked));
            }
            put_granule(dst, x, *i, masked);
            if (WSF_UNLIKELY(_mm512_test_epi8_mask(bits, bits) != 0)) {
                return 0;
            }
            for (k = 0; k < 4 && measured; k++) {
                count(p, x[k], ~UINT64_C(0));
            }
            p->open = high;
        }
        p->prev = x[3];
    }
    return 1;
}

/* Judge the rest from i on, not masked, after at least one granule, in as few vectors
 * as possible, the last one ending with the text.  Return whether it is free of faults. */
WSF_INLINE TARGET int take_end(pass *p, const uint8_t *src, size_t n, size_t i, int measured)
{
    const size_t from = n - (n - i + 63) / 64 * 64;
    __m512i any = _mm512_setzero_si512(), bits = any;
    size_t at;
    for (at = from; at < n; at += 64) {
        any = _mm512_or_si512(any, _mm512_loadu_si512(src + at));
    }
    if (_mm512_movepi8_mask(any) == 0 && !p->open) {
        p->points += n - i;
        return 1;
    }
    for (at = from; at < n; at += 64) {
        const __m512i x = _mm512_loadu_si512(src + at);
        bits = _mm512_or_si512(bits, faults_at(p, x, src + at, 0));
        if (measured) {
            count(p, x, at < i ? ~UINT64_C(0) << (i - at) : ~UINT64_C(0));
        }
    }
    return _mm512_test_epi8_mask(bits, bits) == 0;
}

/* After a fault: unmask the rest, from i on, and find the fault.  src[0, from) is
 * well formed. */
static WSF_COLD size_t stop(uint8_t *dst, const uint8_t *src, size_t from, size_t i, size_t n,
                            uint32_t key, uint32_t *pending)
{
    if (dst == NULL) {
        return locate(src, from, n, pending);
    }
    MASK(dst + i, src + i, n - i, wsf_key_advance(key, i));
    return locate(dst, from, n, pending);
}

/* The highest byte of x: the lowest complement. */
WSF_INLINE TARGET unsigned highest_of(__m512i x)
{
    const __m256i y = _mm256_max_epu8(_mm512_castsi512_si256(x), _mm512_extracti64x4_epi64(x, 1));
    __m128i z = _mm_max_epu8(_mm256_castsi256_si128(y), _mm256_extracti128_si256(y, 1));
    z = _mm_xor_si128(z, _mm_set1_epi8(-1));
    z = _mm_minpos_epu16(_mm_min_epu8(z, _mm_srli_epi16(z, 8)));
    return ~(unsigned)_mm_cvtsi128_si32(z) & 0xFFu;
}

WSF_INLINE TARGET void sum_up(const pass *p, wsf_text *text)
{
    const unsigned highest = highest_of(p->highest);
    text->code_points += p->points;
    text->max_byte = highest > text->max_byte ? (uint8_t)highest : text->max_byte;
}

WSF_INLINE TARGET pass start(uint32_t key, uint32_t pending)
{
    pass p;
    p.prev = before(pending);
    p.highest = _mm512_setzero_si512();
    p.key = _mm512_set1_epi32((int)key);
    p.key_back[0] = _mm512_set1_epi32((int)wsf_key_advance(key, 3));
    p.key_back[1] = _mm512_set1_epi32((int)wsf_key_advance(key, 2));
    p.key_back[2] = _mm512_set1_epi32((int)wsf_key_advance(key, 1));
    p.points = 0;
    p.open = pending != 0;
    return p;
}

/* Judge src[0, n), n > 128.  The two flags are constants where this is inlined. */
WSF_INLINE TARGET size_t pass_over(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key,
                                   uint32_t *pending, wsf_text *text, int masked, int measured)
{
    /* read before in-place unmasking gets there */
    const uint32_t last = wsf_last_word(src, n, key, *pending);
    pass p = start(key, *pending);
    size_t i = 0;
    if (!take_granules(&p, dst, src, n, &i, masked, measured)) {
        return stop(dst, src, i, i + GRANULE, n, key, pending);
    }
    if (!masked && i != 0) {
        if (!take_end(&p, src, n, i, measured)) {
            return stop(dst, src, i, n, n, key, pending);
        }
        i = n;
    }
    while (i < n) {
        const size_t length = n - i < 64 ? n - i : 64;
        const __mmask64 here = wsf_low_bits(length);
        if (!take(&p, move(&p, dst, src, i, here, masked), here, measured)) {
            return stop(dst, src, i, i + length, n, key, pending);
        }
        i += length;
    }
    if (WSF_UNLIKELY(wsf_ends_with_bad_lead(last))) {
        return stop(dst, src, n - 1, n, n, key, pending);
    }
    *pending = wsf_pending_of(last);
    if (measured) {
        sum_up(&p, text);
    }
    return n;
}

/* The same for n <= 128: two vectors and no loop; for ASCII no table is loaded. */
WSF_INLINE TARGET size_t take_short(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key,
                                    uint32_t *pending, wsf_text *text, int masked, int measured)
{
    __mmask64 here, there;
    __m512i x, y, bits;
    uint32_t last;
    pass p;
    int fault;
    if (n == 0) {
        return 0;
    }
    here = wsf_low_bits(n < 64 ? n : 64);
    there = n <= 64 ? 0 : wsf_low_bits(n - 64);
    last = wsf_last_word(src, n, key, *pending);
    p = start(key, *pending);
    x = move(&p, dst, src, 0, here, masked);
    y = _mm512_setzero_si512();
    if (there != 0) {
        y = move(&p, dst, src, 64, there, masked);
    }
    if ((_mm512_movepi8_mask(_mm512_or_si512(x, y)) | *pending) == 0) {
        if (measured) {
            text->code_points += n;
        }
        return n;
    }
    bits = faults(x, p.prev);
    fault = (_mm512_test_epi8_mask(bits, bits) & here) != 0;
    if (there != 0) {
        bits = faults(y, x);
        fault |= (_mm512_test_epi8_mask(bits, bits) & there) != 0;
    }
    if (WSF_UNLIKELY(fault || wsf_ends_with_bad_lead(last))) {
        return stop(dst, src, 0, n, n, key, pending);
    }
    *pending = wsf_pending_of(last);
    if (measured) {
        count(&p, x, here);
        count(&p, y, there);
        sum_up(&p, text);
    }
    return n;
}

#define TAKE_SHORTER take_short
#define BOUNDARY 64
#include "utf8_long.inc.h"

#define MEMBER(name) wsf_##name##_avx512
#define SHORT_TEXT ((size_t)128)
#include "utf8_members.inc.h"

#endif
