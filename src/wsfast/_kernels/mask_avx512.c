/* Masking with AVX-512, 64 octets at a time (RFC 6455 section 5.3).
 *
 * Invariant: the contract of `mask` in dispatch.h.  Octets that two stores cover
 * are read for both before either is written, so dst may be src.
 */
#include "simd.h"

#if WSF_ARCH_X86

#include <immintrin.h>

#define TARGET WSF_TARGET("avx512f,avx512bw,avx512dq,avx512vl")
#define ALIGN_FROM ((size_t)2048) /* from here on aligning the stores pays */

WSF_INLINE TARGET __m512i masked(const uint8_t *src, __m512i key)
{
    return _mm512_xor_si512(_mm512_loadu_si512(src), key);
}

/* n >= 64.
 *
 *     dst   |--64--|---- granules of 256, then of 64 ----|
 *            first    ^ on a boundary of 64       |--64--| last
 */
WSF_INLINE TARGET void mask_long(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key)
{
    const size_t head = n < ALIGN_FROM ? 0 : (size_t)(0 - (uintptr_t)dst) & 63u;
    const __m512i first = masked(src, _mm512_set1_epi32((int)key));
    const __m512i last = masked(src + n - 64, _mm512_set1_epi32((int)wsf_key_advance(key, n)));
    const __m512i wide = _mm512_set1_epi32((int)wsf_key_advance(key, head));
    size_t i = head;
    for (; n - i >= 256; i += 256) {
        const __m512i x0 = masked(src + i, wide);
        const __m512i x1 = masked(src + i + 64, wide);
        const __m512i x2 = masked(src + i + 128, wide);
        const __m512i x3 = masked(src + i + 192, wide);
        _mm512_storeu_si512(dst + i, x0);
        _mm512_storeu_si512(dst + i + 64, x1);
        _mm512_storeu_si512(dst + i + 128, x2);
        _mm512_storeu_si512(dst + i + 192, x3);
    }
    for (; n - i > 64; i += 64) {
        _mm512_storeu_si512(dst + i, masked(src + i, wide));
    }
    if (head != 0) {
        _mm512_storeu_si512(dst, first);
    }
    _mm512_storeu_si512(dst + n - 64, last);
}

TARGET void wsf_mask_avx512(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key)
{
    if (n >= 64) {
        mask_long(dst, src, n, key);
    } else if (n != 0) {
        const __mmask64 here = wsf_low_bits(n);
        const __m512i x = _mm512_maskz_loadu_epi8(here, src);
        _mm512_mask_storeu_epi8(dst, here, _mm512_xor_si512(x, _mm512_set1_epi32((int)key)));
    }
}

#endif
