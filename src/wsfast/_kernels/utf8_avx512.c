/* UTF-8 validation with AVX-512 (VBMI, VBMI2), 64 octets at a time.
 *
 * The pairs of ill-formed octets are those of simd.h, found with table lookups
 * (Keiser and Lemire 2021); `vpermb` takes only the six lowest bits of an index, so
 * tables of sixteen, repeated four times, need no masking of the index.
 *
 *     granules of 256 octets: one test for ASCII, one for faults
 *     the rest: vectors of 64, the last one loaded and stored under a mask
 *
 * Invariant: the contracts of `validate`, `measure`, `mask_validate` and
 * `mask_measure` in dispatch.h.
 */
#include "simd.h"

#if WSF_ARCH_X86

#include <immintrin.h>

#define TARGET                                                                               \
    WSF_TARGET("avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512vbmi2,popcnt,bmi,bmi2")
#define GRANULE ((size_t)256)
#define ALIGN_FROM ((size_t)2048) /* from here on aligning loads or stores pays */

static const uint8_t FIRST_HIGH[16] = {WSF_FIRST_HIGH};
static const uint8_t FIRST_LOW[16] = {WSF_FIRST_LOW};
static const uint8_t SECOND_HIGH[16] = {WSF_SECOND_HIGH};

/* Sixteen entries four times over: the index may carry anything in bits 4 and 5. */
WSF_INLINE TARGET __m512i table(const uint8_t *entries)
{
    return _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)(const void *)entries));
}

/* `prev` with only the pending octets, where a vector has its last ones. */
WSF_INLINE TARGET __m512i before(uint32_t pending)
{
    return _mm512_maskz_set1_epi32(0x8000, (int)pending);
}

/* The fault bits of each octet of x, which follows `prev`.
 *
 *     x      =  x0 x1 x2 x3 | x4 ...
 *     dwords = prev60 .. prev63 | x0 x1 x2 x3 | ...
 *     back1  = prev63 x0 x1 x2 | x3 ...        (x:dwords shifted by 8 bits)
 *
 *     faults = (FIRST_HIGH[back1 >> 4] & FIRST_LOW[back1 & 15] & SECOND_HIGH[x >> 4])
 *            ^ (back2 >= E0 or back3 >= F0 ? 80 : 0)
 *
 * Shifts by 4 work on words, so bits of the neighbour come in above bit 3.
 */
WSF_INLINE TARGET __m512i faults(__m512i x, __m512i prev)
{
    const __m512i dwords = _mm512_alignr_epi32(x, prev, 15);
    const __m512i back1 = _mm512_shldi_epi32(x, dwords, 8);
    const __m512i back2 = _mm512_shldi_epi32(x, dwords, 16);
    const __m512i back3 = _mm512_shldi_epi32(x, dwords, 24);
    const __m512i pairs = _mm512_ternarylogic_epi64(
        _mm512_permutexvar_epi8(_mm512_srli_epi16(back1, 4), table(FIRST_HIGH)),
        _mm512_permutexvar_epi8(back1, table(FIRST_LOW)),
        _mm512_permutexvar_epi8(_mm512_srli_epi16(x, 4), table(SECOND_HIGH)), 0x80);
    const __m512i third = _mm512_subs_epu8(back2, _mm512_set1_epi8(0xE0 - 0x80));
    const __m512i fourth = _mm512_subs_epu8(back3, _mm512_set1_epi8(0xF0 - 0x80));
    /* pairs ^ ((third | fourth) & 80) in two steps: 0xA8 is (a | b) & c */
    return _mm512_xor_si512(pairs, _mm512_ternarylogic_epi64(third, fourth,
                                                             _mm512_set1_epi8((char)0x80), 0xA8));
}

/* Name the fault in src[from, n), which is there, or in src[n - 1].  src[0, from)
 * goes on well formed from *pending. */
static WSF_COLD TARGET size_t locate(const uint8_t *src, size_t from, size_t n, uint32_t *pending)
{
    __m512i prev = before(wsf_utf8_pending_at(src, from, *pending));
    size_t i;
    for (i = from; i < n; i += 64) {
        const __mmask64 here = wsf_low_bits(n - i < 64 ? n - i : 64);
        const __m512i x = _mm512_maskz_loadu_epi8(here, src + i);
        const __m512i bits = faults(x, prev);
        const __mmask64 found = _mm512_test_epi8_mask(bits, bits) & here;
        if (found != 0) { /* the fault, or the octet after it */
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
    __m512i highest; /* octet by octet, if measured */
    __m512i key;
    size_t points;
    int open; /* could the text before x end within a sequence? */
} pass;

WSF_INLINE TARGET void count(pass *p, __m512i x, __mmask64 here)
{
    /* not 80..BF, as signed numbers: above -65 */
    p->points += wsf_bits_set(here & _mm512_cmpgt_epi8_mask(x, _mm512_set1_epi8(-65)));
    p->highest = _mm512_max_epu8(p->highest, x);
}

/* Take one vector, of which the octets `here` are there; 0 elsewhere.  Return
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

/* The vector src[i, i + 64), or those of its octets that are `here`, unmasked into
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

WSF_INLINE TARGET __m512i move64(const pass *p, uint8_t *dst, const uint8_t *src, size_t i,
                                 int masked)
{
    __m512i x = _mm512_loadu_si512(src + i);
    if (masked) {
        x = _mm512_xor_si512(x, p->key);
        _mm512_storeu_si512(dst + i, x);
    }
    return x;
}

/* Take granules from *i on as long as there are whole ones.  At a fault stop with
 * *i at the granule it is in, or that follows it, and return 0. */
WSF_INLINE TARGET int take_granules(pass *p, uint8_t *dst, const uint8_t *src, size_t n, size_t *i,
                                    int masked, int measured)
{
    for (; n - *i >= GRANULE; *i += GRANULE) {
        const __m512i x0 = move64(p, dst, src, *i, masked);
        const __m512i x1 = move64(p, dst, src, *i + 64, masked);
        const __m512i x2 = move64(p, dst, src, *i + 128, masked);
        const __m512i x3 = move64(p, dst, src, *i + 192, masked);
        const __m512i any = _mm512_or_si512(_mm512_ternarylogic_epi64(x0, x1, x2, 0xFE), x3);
        const int high = _mm512_movepi8_mask(any) != 0;
        if (high || p->open) {
            __m512i bits = faults(x0, p->prev);
            if (high) {
                const __m512i bits1 = faults(x1, x0);
                const __m512i bits2 = faults(x2, x1);
                const __m512i bits3 = faults(x3, x2);
                bits = _mm512_or_si512(_mm512_ternarylogic_epi64(bits, bits1, bits2, 0xFE), bits3);
            }
            if (WSF_UNLIKELY(_mm512_test_epi8_mask(bits, bits) != 0)) {
                return 0;
            }
            p->open = high;
        }
        if (measured && high) {
            count(p, x0, ~UINT64_C(0));
            count(p, x1, ~UINT64_C(0));
            count(p, x2, ~UINT64_C(0));
            count(p, x3, ~UINT64_C(0));
        } else if (measured) {
            p->points += GRANULE;
        }
        p->prev = x3;
    }
    return 1;
}

/* Unmask what a fault left masked from i on, and name the fault.  src[0, from) is
 * well formed. */
static WSF_COLD size_t stop(uint8_t *dst, const uint8_t *src, size_t from, size_t i, size_t n,
                            uint32_t key, uint32_t *pending)
{
    if (dst == NULL) {
        return locate(src, from, n, pending);
    }
    wsf_mask_avx512(dst + i, src + i, n - i, wsf_key_advance(key, i));
    return locate(dst, from, n, pending);
}

/* The highest octet of x: the lowest complement. */
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
    text->max_octet = highest > text->max_octet ? (uint8_t)highest : text->max_octet;
}

WSF_INLINE TARGET pass start(uint32_t key, uint32_t pending)
{
    pass p;
    p.prev = before(pending);
    p.highest = _mm512_setzero_si512();
    p.key = _mm512_set1_epi32((int)key);
    p.points = 0;
    p.open = pending != 0;
    return p;
}

/* All of src[0, n), n at least 1, as the two flags say; constants where inlined. */
WSF_INLINE TARGET size_t pass_over(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key,
                                   wsf_text *text, int masked, int measured)
{
    /* read before in-place unmasking gets there */
    const uint32_t last = wsf_last_word(src, n, key, text->pending);
    pass p = start(key, text->pending);
    size_t i = 0;
    if (!take_granules(&p, dst, src, n, &i, masked, measured)) {
        return stop(dst, src, i, i + GRANULE, n, key, &text->pending);
    }
    while (i < n) {
        const size_t length = n - i < 64 ? n - i : 64;
        const __mmask64 here = wsf_low_bits(length);
        if (!take(&p, move(&p, dst, src, i, here, masked), here, measured)) {
            return stop(dst, src, i, i + length, n, key, &text->pending);
        }
        i += length;
    }
    if (WSF_UNLIKELY(wsf_ends_with_bad_lead(last))) {
        return stop(dst, src, n - 1, n, n, key, &text->pending);
    }
    text->pending = wsf_pending_of(last);
    if (measured) {
        sum_up(&p, text);
    }
    return n;
}

/* The same for 1 <= n <= 128: two vectors, neither in a loop, and ASCII is done
 * before any table is loaded. */
WSF_INLINE TARGET size_t pass_over_128(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key,
                                       wsf_text *text, int masked, int measured)
{
    const uint32_t last = wsf_last_word(src, n, key, text->pending);
    const __mmask64 here = wsf_low_bits(n < 64 ? n : 64);
    const __mmask64 there = n <= 64 ? 0 : wsf_low_bits(n - 64);
    pass p = start(key, text->pending);
    const __m512i x = move(&p, dst, src, 0, here, masked);
    __m512i y = _mm512_setzero_si512(), bits;
    int fault;
    if (there != 0) {
        y = move(&p, dst, src, 64, there, masked);
    }
    if ((_mm512_movepi8_mask(_mm512_or_si512(x, y)) | text->pending) == 0) {
        text->code_points += measured ? n : 0;
        return n;
    }
    bits = faults(x, p.prev);
    fault = (_mm512_test_epi8_mask(bits, bits) & here) != 0;
    if (there != 0) {
        bits = faults(y, x);
        fault |= (_mm512_test_epi8_mask(bits, bits) & there) != 0;
    }
    if (WSF_UNLIKELY(fault || wsf_ends_with_bad_lead(last))) {
        return stop(dst, src, 0, n, n, key, &text->pending);
    }
    text->pending = wsf_pending_of(last);
    if (measured) {
        count(&p, x, here);
        count(&p, y, there);
        sum_up(&p, text);
    }
    return n;
}

/* From ALIGN_FROM on: first the octets before a boundary of 64 of what is written,
 * or else read, then the rest, which goes on from their pending word. */
WSF_INLINE TARGET size_t run(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key,
                             wsf_text *text, int masked, int measured)
{
    size_t head = 0, end;
    if (n <= 128) {
        return n == 0 ? 0 : pass_over_128(dst, src, n, key, text, masked, measured);
    }
    if (n >= ALIGN_FROM) {
        head = (size_t)(0 - (uintptr_t)(masked ? dst : src)) & 63u;
        if (head != 0) {
            end = pass_over_128(dst, src, head, key, text, masked, measured);
            if (WSF_UNLIKELY(end != head)) {
                if (masked) {
                    wsf_mask_avx512(dst + head, src + head, n - head, wsf_key_advance(key, head));
                }
                return end;
            }
        }
    }
    return head + pass_over(masked ? dst + head : NULL, src + head, n - head,
                            masked ? wsf_key_advance(key, head) : 0, text, masked, measured);
}

static TARGET size_t validate(const uint8_t *src, size_t n, uint32_t *pending)
{
    wsf_text text = {0, 0, 0};
    size_t end;
    text.pending = *pending;
    end = run(NULL, src, n, 0, &text, 0, 0);
    *pending = text.pending;
    return end;
}

static TARGET size_t measure(const uint8_t *src, size_t n, wsf_text *text)
{
    return run(NULL, src, n, 0, text, 0, 1);
}

static TARGET size_t mask_validate(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key,
                                   uint32_t *pending)
{
    wsf_text text = {0, 0, 0};
    size_t end;
    text.pending = *pending;
    end = run(dst, src, n, key, &text, 1, 0);
    *pending = text.pending;
    return end;
}

static TARGET size_t mask_measure(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key,
                                  wsf_text *text)
{
    return run(dst, src, n, key, text, 1, 1);
}

const wsf_kernel wsf_kernel_avx512 = {
    "avx512",
    WSF_CPU_AVX512 | WSF_CPU_AVX512_VBMI | WSF_CPU_AVX512_VBMI2 | WSF_CPU_POPCNT | WSF_CPU_BMI2,
    wsf_mask_avx512,
    validate,
    measure,
    mask_validate,
    mask_measure,
    wsf_to_latin1_scalar,
    wsf_to_ucs2_scalar,
    wsf_to_ucs4_scalar,
};

#endif
