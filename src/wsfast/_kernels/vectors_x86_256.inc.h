/* The vectors of 32 bytes for mask_vector.inc.h and utf8_lookup.inc.h, with AVX2
 * instructions; vectors_x86_128.inc.h comes first.
 *
 * Invariant: the meanings listed in utf8_lookup.inc.h.
 */
#define WIDTH 32
#define NAME(function) function##_32
#define V __m256i
#define v_load(p) _mm256_loadu_si256((const __m256i *)(const void *)(p))
#define v_store(p, x) _mm256_storeu_si256((__m256i *)(void *)(p), x)
#define v_zero() _mm256_setzero_si256()
#define v_all(byte) _mm256_set1_epi8((char)(byte))
#define v_word(w) _mm256_set1_epi32((int)(w))
#define v_before(w) _mm256_inserti128_si256(_mm256_setzero_si256(), before_16(w), 1)
#define v_xor _mm256_xor_si256
#define v_or _mm256_or_si256
#define v_and _mm256_and_si256
#define v_max _mm256_max_epu8
#define v_minus _mm256_subs_epu8
#define v_high_nibble(x) _mm256_and_si256(_mm256_srli_epi16(x, 4), _mm256_set1_epi8(15))
#define v_low_nibble(x) _mm256_and_si256(x, _mm256_set1_epi8(15))
#define v_lookup(entries, x) _mm256_shuffle_epi8(v_load(entries), x)
/* `alignr` works on halves: the half before each is   prev.high x.low */
#define v_back(x, prev, k) _mm256_alignr_epi8(x, _mm256_permute2x128_si256(prev, x, 0x21), 16 - (k))
#define v_any_high(x) (_mm256_movemask_epi8(x) != 0)
#define v_first_set first_set_32
#define v_points points_32
#define v_highest highest_32

WSF_INLINE TARGET __m128i before_16(uint32_t word)
{
    return _mm_slli_si128(_mm_cvtsi32_si128((int)word), 12);
}

WSF_INLINE TARGET size_t first_set_32(__m256i x)
{
    const __m256i zeros = _mm256_cmpeq_epi8(x, _mm256_setzero_si256());
    return wsf_lowest_bit(~(uint64_t)(unsigned)_mm256_movemask_epi8(zeros));
}

WSF_INLINE TARGET size_t points_32(__m256i x, size_t size)
{
    const int starts = _mm256_movemask_epi8(_mm256_cmpgt_epi8(x, _mm256_set1_epi8(-65)));
    return wsf_bits_set((uint64_t)(unsigned)starts >> (32 - size));
}

WSF_INLINE TARGET unsigned highest_32(__m256i x)
{
    return highest_16(_mm_max_epu8(_mm256_castsi256_si128(x), _mm256_extracti128_si256(x, 1)));
}
