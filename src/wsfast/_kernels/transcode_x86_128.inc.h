/* The vector operations of transcode_lookup.inc.h on 16 octets of x86.  SSSE3 and AVX2
 * both take 16 at a time; with AVX2 the same operations are encoded with three operands.
 *
 * Invariant: the including file has defined TARGET and included <immintrin.h>, or the
 * header of SSSE3.
 */
#define V __m128i
#define v_load(p) _mm_loadu_si128((const __m128i *)(const void *)(p))
#define v_store(p, x) _mm_storeu_si128((__m128i *)(void *)(p), x)
#define v_zero() _mm_setzero_si128()
#define v_all(octet) _mm_set1_epi8((char)(octet))
#define v_or _mm_or_si128
#define v_and _mm_and_si128
#define v_and_not(x, y) _mm_andnot_si128(y, x)
#define v_left _mm_slli_epi16
#define v_right _mm_srli_epi16
#define v_back(x, prev, k) _mm_alignr_epi8(x, prev, 16 - (k))
#define v_later(x) _mm_cmpgt_epi8(_mm_set1_epi8(-64), x) /* 80..BF are the least signed */
#define v_bits(x) ((unsigned)_mm_movemask_epi8(x))
#define v_pick _mm_shuffle_epi8
#define v_zip_low _mm_unpacklo_epi8
#define v_zip_high _mm_unpackhi_epi8
#define v_zip_low16 _mm_unpacklo_epi16
#define v_zip_high16 _mm_unpackhi_epi16
#define v_store_low(p, x) _mm_storel_epi64((__m128i *)(void *)(p), x)
#define v_store_high(p, x) _mm_storel_epi64((__m128i *)(void *)(p), _mm_unpackhi_epi64(x, x))

WSF_INLINE TARGET __m128i v_two(const uint64_t *p, const uint64_t *q)
{
    const __m128i low = _mm_loadl_epi64((const __m128i *)(const void *)p);
    const __m128i high = _mm_loadl_epi64((const __m128i *)(const void *)q);
    return _mm_add_epi8(_mm_unpacklo_epi64(low, high),
                        _mm_set_epi32(0x08080808, 0x08080808, 0, 0));
}
