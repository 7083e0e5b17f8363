/* Masking with AVX2, 32 octets at a time (RFC 6455 section 5.3).
 *
 * Invariant: the contract of `mask` in dispatch.h.  Octets that two stores cover
 * are read for both before either is written, so dst may be src.
 */
#include "simd.h"

#if WSF_ARCH_X86

#include "mask_scalar.h"
#include <immintrin.h>

#define TARGET WSF_TARGET("avx2")
#define ALIGN_FROM ((size_t)2048) /* from here on aligning the stores pays */

WSF_INLINE TARGET __m256i masked(const uint8_t *src, __m256i key)
{
    return _mm256_xor_si256(_mm256_loadu_si256((const __m256i *)(const void *)src), key);
}

WSF_INLINE TARGET void store(uint8_t *dst, __m256i x)
{
    _mm256_storeu_si256((__m256i *)(void *)dst, x);
}

/* 16 <= n < 32: the first sixteen and the last sixteen. */
WSF_INLINE TARGET void mask_16_to_31(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key)
{
    const __m128i a = _mm_loadu_si128((const __m128i *)(const void *)src);
    const __m128i b = _mm_loadu_si128((const __m128i *)(const void *)(src + n - 16));
    const __m128i c = _mm_xor_si128(a, _mm_set1_epi32((int)key));
    const __m128i d = _mm_xor_si128(b, _mm_set1_epi32((int)wsf_key_advance(key, n)));
    _mm_storeu_si128((__m128i *)(void *)dst, c);
    _mm_storeu_si128((__m128i *)(void *)(dst + n - 16), d);
}

/* n > 128.
 *
 *     dst   |--32--|---- granules of 128, then of 32 ----|
 *            first    ^ on a boundary of 32       |--32--| last
 */
WSF_INLINE TARGET void mask_long(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key)
{
    const size_t head = n < ALIGN_FROM ? 0 : (size_t)(0 - (uintptr_t)dst) & 31u;
    const __m256i first = masked(src, _mm256_set1_epi32((int)key));
    const __m256i last = masked(src + n - 32, _mm256_set1_epi32((int)wsf_key_advance(key, n)));
    const __m256i wide = _mm256_set1_epi32((int)wsf_key_advance(key, head));
    size_t i = head;
    for (; n - i >= 128; i += 128) {
        const __m256i x0 = masked(src + i, wide);
        const __m256i x1 = masked(src + i + 32, wide);
        const __m256i x2 = masked(src + i + 64, wide);
        const __m256i x3 = masked(src + i + 96, wide);
        store(dst + i, x0);
        store(dst + i + 32, x1);
        store(dst + i + 64, x2);
        store(dst + i + 96, x3);
    }
    for (; n - i > 32; i += 32) {
        store(dst + i, masked(src + i, wide));
    }
    if (head != 0) {
        store(dst, first);
    }
    store(dst + n - 32, last);
}

/* 32 <= n <= 128: two vectors from the front and two from the back, or one of each. */
WSF_INLINE TARGET void mask_32_to_128(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key)
{
    const __m256i wide = _mm256_set1_epi32((int)key);
    const __m256i turned = _mm256_set1_epi32((int)wsf_key_advance(key, n));
    const __m256i first = masked(src, wide);
    const __m256i last = masked(src + n - 32, turned);
    if (n > 64) {
        const __m256i second = masked(src + 32, wide);
        const __m256i third = masked(src + n - 64, turned);
        store(dst + 32, second);
        store(dst + n - 64, third);
    }
    store(dst, first);
    store(dst + n - 32, last);
}

TARGET void wsf_mask_avx2(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key)
{
    if (n < 16) {
        wsf_mask_under16(dst, src, n, key);
    } else if (n < 32) {
        mask_16_to_31(dst, src, n, key);
    } else if (n <= 128) {
        mask_32_to_128(dst, src, n, key);
    } else {
        mask_long(dst, src, n, key);
    }
}

#endif
