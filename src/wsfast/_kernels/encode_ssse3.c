/* From the storage of a string to UTF-8 with SSSE3, SSE4.1 and POPCNT: vectors of 16 bytes.
 *
 * Algorithm: encode_vector.inc.h.
 *
 * Invariant: the contract of the encoders in dispatch.h.
 */
#include "simd.h"

#if WSF_SIMD_X86

#include <immintrin.h>

#define TARGET WSF_TARGET("ssse3,sse4.1,popcnt")
#define LANES 1
#define V __m128i
#define L __m128i
#define v_load(p) _mm_loadu_si128((const __m128i *)(const void *)(p))
#define v_load2(p, q) v_load(p)
#define v_lane(x, i) (x)
#define v_rows(table, i, j) v_load((table)[i])
#define l_store(p, l) _mm_storeu_si128((__m128i *)(void *)(p), l)
#define l_load v_load
#define l_pick(l, p) _mm_shuffle_epi8(l, v_load(p))
#define l_mask(l, p) _mm_xor_si128(l, v_load(p))
#define v_or _mm_or_si128
#define v_and _mm_and_si128
#define v_and_not(x, y) _mm_andnot_si128(y, x)
#define v_bytes(k) _mm_set1_epi8((char)(k))
#define v_words(k) _mm_set1_epi16((short)(k))
#define v_dwords(k) _mm_set1_epi32((int)(k))
#define v_select(mask, x, y) _mm_blendv_epi8(y, x, mask)
#define w_left _mm_slli_epi16
#define w_right _mm_srli_epi16
#define w_add _mm_add_epi16
#define w_sub _mm_sub_epi16
#define d_left _mm_slli_epi32
#define d_right _mm_srli_epi32
#define d_sub _mm_sub_epi32
#define v_high(x) _mm_cmpgt_epi8(_mm_setzero_si128(), x)
#define w_positive(x) _mm_cmpgt_epi16(x, _mm_setzero_si128())
#define b_above _mm_cmpgt_epi8
#define w_equal _mm_cmpeq_epi16
#define d_equal _mm_cmpeq_epi32
#define d_from(x, k) _mm_cmpgt_epi32(x, v_dwords((k) - 1))
#define v_none_of(x, y) _mm_testz_si128(x, y)
#define v_bits(x) ((unsigned)_mm_movemask_epi8(x))
#define v_narrow _mm_packus_epi16
#define w_narrow _mm_packus_epi16
#define w_pack _mm_packs_epi16
#define d_narrow _mm_packus_epi32
#define v_zip_low _mm_unpacklo_epi8
#define v_zip_high _mm_unpackhi_epi8
#define v_zip_low16 _mm_unpacklo_epi16
#define v_zip_high16 _mm_unpackhi_epi16
#define v_pick _mm_shuffle_epi8

#include "encode_vector.inc.h"

ENCODERS(ssse3)

#endif
