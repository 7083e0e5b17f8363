/* From well-formed UTF-8 to the code units of a string with SSSE3 (and POPCNT): vectors of 16
 * bytes.
 *
 * Algorithm: transcode_lookup.inc.h.
 *
 * Invariant: the contract of the transcoders in dispatch.h.
 */
#include "simd.h"

#if WSF_SIMD_X86

#include "transcode_tables.h"
#include <immintrin.h>

#define TARGET WSF_TARGET("ssse3,popcnt")
#define LANES 1
#define V __m128i
#define v_load(p) _mm_loadu_si128((const __m128i *)(const void *)(p))
#define v_lane(x, i) (x)
#define l_store(p, l) _mm_storeu_si128((__m128i *)(void *)(p), l)
#define l_store_two(p, x, y, i) (l_store(p, x), l_store((p) + 4, y))
#define l_store_low(p, l) _mm_storel_epi64((__m128i *)(void *)(p), l)
#define l_store_high(p, l) _mm_storel_epi64((__m128i *)(void *)(p), _mm_unpackhi_epi64(l, l))
#define v_zero() _mm_setzero_si128()
#define v_all(byte) _mm_set1_epi8((char)(byte))
#define v_or _mm_or_si128
#define v_and _mm_and_si128
#define v_and_not(x, y) _mm_andnot_si128(y, x)
#define v_left _mm_slli_epi16
#define v_right _mm_srli_epi16
#define v_back(x, k) _mm_slli_si128(x, k)
#define v_later(x) _mm_cmpgt_epi8(_mm_set1_epi8(-64), x) /* 80..BF are the least signed */
#define v_bits(x) ((unsigned)_mm_movemask_epi8(x))
#define v_pick _mm_shuffle_epi8
#define v_zip_low _mm_unpacklo_epi8
#define v_zip_high _mm_unpackhi_epi8
#define v_zip_low16 _mm_unpacklo_epi16
#define v_zip_high16 _mm_unpackhi_epi16

WSF_INLINE TARGET __m128i v_rows(unsigned p)
{
    const __m128i low = _mm_loadl_epi64((const __m128i *)(const void *)&WSF_KEPT[p & 0xFFu]);
    const __m128i high = _mm_loadl_epi64((const __m128i *)(const void *)&WSF_KEPT[p >> 8]);
    return _mm_add_epi8(_mm_unpacklo_epi64(low, high), _mm_set_epi32(0x08080808, 0x08080808, 0, 0));
}

#include "transcode_lookup.inc.h"

TRANSCODER(1, uint8_t, 16, wsf_to_latin1_ssse3, wsf_to_latin1_scalar)
TRANSCODER(2, uint16_t, 24, wsf_to_ucs2_ssse3, wsf_to_ucs2_scalar)
TRANSCODER(4, uint32_t, 32, wsf_to_ucs4_ssse3, wsf_to_ucs4_scalar)

#endif
