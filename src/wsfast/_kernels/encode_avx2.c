/* From the storage of a string to UTF-8 with AVX2: vectors of 32 bytes, two lanes.
 *
 * Algorithm: encode_vector.inc.h.
 *
 * Invariant: the contract of the encoders in dispatch.h.
 */
#include "simd.h"

#if WSF_SIMD_X86

#include <immintrin.h>

#define TARGET WSF_TARGET("avx2,popcnt")
#define LANES 2
#define V __m256i
#define L __m128i
#define l_load(p) _mm_loadu_si128((const __m128i *)(const void *)(p))
#define l_store(p, l) _mm_storeu_si128((__m128i *)(void *)(p), l)
#define l_mask(l, p) _mm_xor_si128(l, l_load(p))
#define l_pick(l, p) _mm_shuffle_epi8(l, l_load(p))
#define v_load(p) _mm256_loadu_si256((const __m256i *)(const void *)(p))
#define v_load2(p, q) _mm256_inserti128_si256(_mm256_castsi128_si256(l_load(p)), l_load(q), 1)
#define v_lane(x, i) ((i) == 0 ? _mm256_castsi256_si128(x) : _mm256_extracti128_si256(x, 1))
#define v_rows(table, i, j) v_load2((table)[i], (table)[j])
#define v_or _mm256_or_si256
#define v_and _mm256_and_si256
#define v_and_not(x, y) _mm256_andnot_si256(y, x)
#define v_bytes(k) _mm256_set1_epi8((char)(k))
#define v_words(k) _mm256_set1_epi16((short)(k))
#define v_dwords(k) _mm256_set1_epi32((int)(k))
#define v_select(mask, x, y) _mm256_blendv_epi8(y, x, mask)
#define w_left _mm256_slli_epi16
#define w_right _mm256_srli_epi16
#define w_add _mm256_add_epi16
#define w_sub _mm256_sub_epi16
#define d_left _mm256_slli_epi32
#define d_right _mm256_srli_epi32
#define d_sub _mm256_sub_epi32
#define v_high(x) _mm256_cmpgt_epi8(_mm256_setzero_si256(), x)
#define w_positive(x) _mm256_cmpgt_epi16(x, _mm256_setzero_si256())
#define b_above _mm256_cmpgt_epi8
#define w_equal _mm256_cmpeq_epi16
#define d_equal _mm256_cmpeq_epi32
#define d_from(x, k) _mm256_cmpgt_epi32(x, v_dwords((k) - 1))
#define v_none_of(x, y) _mm256_testz_si256(x, y)
#define v_bits(x) ((unsigned)_mm256_movemask_epi8(x))
#define v_narrow(x, y) _mm256_permute4x64_epi64(_mm256_packus_epi16(x, y), 0xD8) /* x0 y0 x1 y1 */
#define w_pack _mm256_packs_epi16
#define w_narrow _mm256_packus_epi16
#define d_narrow _mm256_packus_epi32
#define v_zip_low _mm256_unpacklo_epi8
#define v_zip_high _mm256_unpackhi_epi8
#define v_zip_low16 _mm256_unpacklo_epi16
#define v_zip_high16 _mm256_unpackhi_epi16
#define v_pick _mm256_shuffle_epi8

#include "encode_vector.inc.h"

ENCODERS(avx2)

#endif
