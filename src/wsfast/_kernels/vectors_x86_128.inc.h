/* The vectors of 16 bytes for mask_vector.inc.h and utf8_lookup.inc.h, with SSE2 to
 * SSE4.1 instructions or, compiled for AVX2, their three-operand forms.
 *
 * Invariant: the meanings listed in utf8_lookup.inc.h.
 */
#define WIDTH 16
#define NAME(function) function##_16
#define V __m128i
#define v_load(p) _mm_loadu_si128((const __m128i *)(const void *)(p))
#define v_store(p, x) _mm_storeu_si128((__m128i *)(void *)(p), x)
#define v_zero() _mm_setzero_si128()
#define v_all(byte) _mm_set1_epi8((char)(byte))
#define v_word(w) _mm_set1_epi32((int)(w))
#define v_before(w) _mm_slli_si128(_mm_cvtsi32_si128((int)(w)), 12)
#define v_pair(low, high) _mm_set_epi64x((long long)(high), (long long)(low))
#define v_xor _mm_xor_si128
#define v_or _mm_or_si128
#define v_and _mm_and_si128
#define v_max _mm_max_epu8
#define v_minus _mm_subs_epu8
#define v_high_nibble(x) _mm_and_si128(_mm_srli_epi16(x, 4), _mm_set1_epi8(15))
#define v_low_nibble(x) _mm_and_si128(x, _mm_set1_epi8(15))
#define v_lookup(entries, x) _mm_shuffle_epi8(v_load(entries), x)
#define v_back(x, prev, k) _mm_alignr_epi8(x, prev, 16 - (k))
#define v_any_high(x) (_mm_movemask_epi8(x) != 0)
#define v_first_set first_set_16
#define v_points points_16
#define v_highest highest_16

/* The first byte that is not 0: the lowest 0 in the mask of those that are.
 * None: bit 16. */
WSF_INLINE TARGET size_t first_set_16(__m128i x)
{
    const unsigned zeros = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(x, _mm_setzero_si128()));
    return wsf_lowest_bit(~(uint64_t)zeros);
}

/* Not 80..BF, as signed numbers: above -65. */
WSF_INLINE TARGET size_t points_16(__m128i x, size_t size)
{
    const int starts = _mm_movemask_epi8(_mm_cmpgt_epi8(x, _mm_set1_epi8(-65)));
    return wsf_bits_set((uint64_t)(unsigned)starts >> (16 - size));
}

/* The highest byte is the lowest complement; `minpos` finds it among eight words. */
WSF_INLINE TARGET unsigned highest_16(__m128i x)
{
    const __m128i y = _mm_xor_si128(x, _mm_set1_epi8(-1));
    const __m128i z = _mm_minpos_epu16(_mm_min_epu8(y, _mm_srli_epi16(y, 8)));
    return ~(unsigned)_mm_cvtsi128_si32(z) & 0xFFu;
}
