/* From well-formed UTF-8 to the code units of a string with AVX2: vectors of 32 bytes, two
 * lanes.
 *
 * Algorithm: transcode_lookup.inc.h.
 *
 * Invariant: the contract of the transcoders in dispatch.h.
 */
#include "simd.h"

#if WSF_SIMD_X86

#include "transcode_tables.h"
#include <immintrin.h>

#define TARGET WSF_TARGET("avx2,popcnt")
#define LANES 2
#define V __m256i
#define v_load(p) _mm256_loadu_si256((const __m256i *)(const void *)(p))
#define v_store(p, x) _mm256_storeu_si256((__m256i *)(void *)(p), x)
#define v_lane(x, i) ((i) == 0 ? _mm256_castsi256_si128(x) : _mm256_extracti128_si256(x, 1))
#define l_load(p) _mm_loadu_si128((const __m128i *)(const void *)(p))
#define l_store(p, l) _mm_storeu_si128((__m128i *)(void *)(p), l)
#define l_store_two(p, x, y, i) v_store(p, _mm256_permute2x128_si256(x, y, (i) == 0 ? 0x20 : 0x31))
#define l_store_low(p, l) _mm_storel_epi64((__m128i *)(void *)(p), l)
#define l_store_high(p, l) _mm_storel_epi64((__m128i *)(void *)(p), _mm_unpackhi_epi64(l, l))
#define v_zero() _mm256_setzero_si256()
#define v_all(byte) _mm256_set1_epi8((char)(byte))
#define v_or _mm256_or_si256
#define v_and _mm256_and_si256
#define v_and_not(x, y) _mm256_andnot_si256(y, x)
#define v_left _mm256_slli_epi16
#define v_right _mm256_srli_epi16
/* `alignr` works on lanes: the lane before each is   zeros x.low */
#define v_back(x, k) _mm256_alignr_epi8(x, _mm256_permute2x128_si256(x, x, 0x08), 16 - (k))
#define v_later(x) _mm256_cmpgt_epi8(_mm256_set1_epi8(-64), x) /* 80..BF are the least signed */
#define v_bits(x) ((unsigned)_mm256_movemask_epi8(x))
#define v_pick _mm256_shuffle_epi8
#define v_zip_low _mm256_unpacklo_epi8
#define v_zip_high _mm256_unpackhi_epi8
#define v_zip_low16 _mm256_unpacklo_epi16
#define v_zip_high16 _mm256_unpackhi_epi16
#define widen_1(dst, src) v_store(dst, v_load(src))

WSF_INLINE TARGET __m128i two_rows(unsigned p)
{
    const uint64_t *const low = &WSF_KEPT[p & 0xFFu], *const high = &WSF_KEPT[p >> 8 & 0xFFu];
    const __m128i row = _mm_loadl_epi64((const __m128i *)(const void *)low);
    return _mm_castps_si128(_mm_loadh_pi(_mm_castsi128_ps(row), (const __m64 *)(const void *)high));
}

WSF_INLINE TARGET __m256i v_rows(unsigned p)
{
    const __m256i low = _mm256_castsi128_si256(two_rows(p));
    const __m256i rows = _mm256_inserti128_si256(low, two_rows(p >> 16), 1);
    return _mm256_add_epi8(rows, _mm256_set_epi64x(0x0808080808080808, 0, 0x0808080808080808, 0));
}

WSF_INLINE TARGET void widen_2(uint16_t *dst, const uint8_t *src)
{
    v_store(dst, _mm256_cvtepu8_epi16(l_load(src)));
    v_store(dst + 16, _mm256_cvtepu8_epi16(l_load(src + 16)));
}

WSF_INLINE TARGET void widen_4(uint32_t *dst, const uint8_t *src)
{
    size_t k;
    for (k = 0; k < 32; k += 8) {
        const __m128i eight = _mm_loadl_epi64((const __m128i *)(const void *)(src + k));
        v_store(dst + k, _mm256_cvtepu8_epi32(eight));
    }
}

#include "transcode_lookup.inc.h"

TRANSCODER(1, uint8_t, 16, wsf_to_latin1_avx2, wsf_to_latin1_scalar)
TRANSCODER(2, uint16_t, 24, wsf_to_ucs2_avx2, wsf_to_ucs2_scalar)
TRANSCODER(4, uint32_t, 32, wsf_to_ucs4_avx2, wsf_to_ucs4_scalar)

#endif
