/* From the storage of a string to UTF-8, masked on the way, with AVX-512 (VBMI2).
 *
 * The bytes of each code point are put side by side, in the order of the text, and
 * `vpcompressb` closes the gaps; no table says which bytes there are.
 *
 *     code point                      first      ..         ..         last
 *     0aaaaaaa                                                         0aaaaaaa
 *     00000bbb bbaaaaaa                                     110bbbbb   10aaaaaa
 *     ccccbbbb bbaaaaaa                          1110cccc   10bbbbbb   10aaaaaa
 *     000dddcc ccccbbbb bbaaaaaa      11110ddd   10cccccc   10bbbbbb   10aaaaaa
 *
 * Runs of ASCII, of three bytes each and of four have no gaps.  `vpcompressb` is only used from
 * register to register: some CPUs take a hundred times as long if it stores.
 *
 * Invariant: the contract of the encoders in dispatch.h.  A whole vector is stored only for
 * 16 code points or more, so up to 48 bytes past what they take; fewer are stored exactly.
 */
#include "simd.h"

#if WSF_SIMD_X86

#include <immintrin.h>

#define TARGET                                                                                     \
    WSF_TARGET("avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512vbmi2,popcnt,bmi,bmi2")
#define STEP ((size_t)64) /* code points that are looked at together */

/* Vectors that repeat a dword.  They are in memory and loaded where they are needed, which
 * costs nothing here; a compiler that knows their values makes some of them again at each step,
 * with the execution unit that the shuffles wait for. */
#define FOUR_OF(x) x, x, x, x
#define SIXTEEN_OF(x) FOUR_OF(x), FOUR_OF(x), FOUR_OF(x), FOUR_OF(x)
#define ROW(name, dword) uint32_t name[16];
#define ROW_VALUE(name, dword) {SIXTEEN_OF(dword)},
#define CONSTANTS(EACH)                                                                            \
    EACH(above_7, 0xFF80FF80u)  /* of words: the bits that are 0 in ASCII */                       \
    EACH(above_11, 0xF800F800u) /* those that are 0 in a code point of two bytes */                \
    EACH(first_surrogate, 0xD800D800u)                                                             \
    EACH(sixes, 0x3F3F3F3Fu)        /* of the last two bytes: the bits of the code point */        \
    EACH(tags_2, 0x80C080C0u)       /* the others, of a sequence of two bytes */                   \
    EACH(tags_3, 0x80808080u)       /* of three */                                                 \
    EACH(lead_3, 0x00E000E0u)       /* the first one of three */                                   \
    EACH(least_2, 0x00C200C2u)      /* a pair: at least that, or the byte is not kept */           \
    EACH(last, 0x80000000u)         /* a quad: its last byte is always kept */                     \
    EACH(bits_4, 0x3F3F3F07u)       /* a quad of four: the bits of the code point */               \
    EACH(tags_4, 0x808080F0u)       /* the others */                                               \
    EACH(to_three, 0x6000u - 0xF0u) /* added to these: what quads_of says */                       \
    EACH(to_two, 0x400000u - 0x80F0u)                                                              \
    EACH(dword_above_7, 0xFFFFFF80u)                                                               \
    EACH(dword_above_11, 0xFFFFF800u)                                                              \
    EACH(dword_above_16, 0xFFFF0000u)                                                              \
    EACH(dword_first_surrogate, 0xD800u)
typedef struct constants {
    CONSTANTS(ROW)
} constants;
static const constants CONSTANT = {CONSTANTS(ROW_VALUE)};
#define K(name) _mm512_loadu_si512(o->k->name)

/* What was written. */
typedef struct output {
    const constants *k;
    uint8_t *dst;
    size_t at;
    __m512i key[4]; /* from each phase on */
    /* the least of code point - D800 so far, in each word or dword: below 800 if a surrogate */
    __m512i words, dwords;
} output;

WSF_INLINE TARGET output begin(uint8_t *dst, uint32_t key)
{
    output o;
    size_t phase;
    o.k = &CONSTANT;
    WSF_HIDE(o.k);
    o.dst = dst;
    o.at = 0;
    for (phase = 0; phase < 4; phase++) {
        o.key[phase] = _mm512_set1_epi32((int)wsf_key_advance(key, phase));
    }
    o.words = o.dwords = _mm512_set1_epi32(-1);
    return o;
}

/* The size of it all, or WSF_SURROGATE if there was one. */
WSF_INLINE TARGET size_t finish(const output *o)
{
    const uint32_t found = _mm512_cmplt_epu16_mask(o->words, _mm512_set1_epi16(0x800)) |
                           (uint32_t)_mm512_cmplt_epu32_mask(o->dwords, _mm512_set1_epi32(0x800));
    return WSF_UNLIKELY(found != 0) ? WSF_SURROGATE : o->at;
}

WSF_INLINE TARGET void note_words(output *o, __m512i x)
{
    o->words = _mm512_min_epu16(o->words, _mm512_sub_epi16(x, K(first_surrogate)));
}

WSF_INLINE TARGET void note_dwords(output *o, __m512i x)
{
    o->dwords = _mm512_min_epu32(o->dwords, _mm512_sub_epi32(x, K(dword_first_surrogate)));
}

/* Write a vector, of which `length` bytes count, 16 at least. */
WSF_INLINE TARGET void put(output *o, __m512i x, size_t length)
{
    _mm512_storeu_si512(o->dst + o->at, _mm512_xor_si512(x, o->key[o->at & 3u]));
    o->at += length;
}

/* Write those bytes of a vector whose bits are set; 16 at least. */
WSF_INLINE TARGET void put_kept(output *o, __m512i x, uint64_t kept)
{
    put(o, _mm512_maskz_compress_epi8(kept, x), wsf_bits_set(kept));
}

/* The orders that undo what instructions do in each lane of 16 bytes by itself.
 *
 *     TURNS     qwords 0 4 1 5 2 6 3 7: before the two halves of each lane are zipped apart
 *     HALVES    qwords 0 2 4 6 1 3 5 7: after the lanes of two vectors became those of one
 *     QUARTERS  the same in dwords, after those of four did
 */
static const uint64_t TURNS[8] = {0, 4, 1, 5, 2, 6, 3, 7};
static const uint64_t HALVES[8] = {0, 2, 4, 6, 1, 3, 5, 7};
static const uint32_t QUARTERS[16] = {0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15};

WSF_INLINE TARGET __m512i in_order(const uint64_t *order, __m512i x)
{
    return _mm512_permutexvar_epi64(_mm512_loadu_si512(order), x);
}

/* Two vectors of words below 100 as bytes; two of dwords below 10000 as words. */
WSF_INLINE TARGET __m512i narrow_words(__m512i x, __m512i y)
{
    return in_order(HALVES, _mm512_packus_epi16(x, y));
}

WSF_INLINE TARGET __m512i narrow_dwords(__m512i x, __m512i y)
{
    return in_order(HALVES, _mm512_packus_epi32(x, y));
}

/* ---- sixteen code points of any kind -------------------------------------------- */

/* Four bytes for each code point, whether it takes them or not.  `vpmultishiftqb` takes eight
 * bits from bit 18 on, from bit 12, 6 and 0 on; from the lowest byte up:
 *
 *     000dddcc ccccbbbb bbaaaaaa  ->  ?????ddd ??cccccc ??bbbbbb ??aaaaaa
 *                                 ->  11110ddd 10cccccc 10bbbbbb 10aaaaaa
 */
WSF_INLINE TARGET __m512i fours_of(const output *o, __m512i x)
{
    const __m512i sixes =
        _mm512_multishift_epi64_epi8(_mm512_set1_epi64(INT64_C(0x20262C3200060C12)), x);
    /* 0xEA: (a & b) | c */
    return _mm512_ternarylogic_epi64(sixes, K(bits_4), K(tags_4), 0xEA);
}

/* Those that it does take, after bytes of 0.  Of a shorter sequence the bytes before it are
 * always the same, so that an addition takes them away and makes a lead of the next:
 *
 *     below U+10000    11110000 10cccccc 10bbbbbb 10aaaaaa  ->  00000000 1110cccc ..
 *     below U+0800     11110000 10000000 100bbbbb 10aaaaaa  ->  00000000 00000000 110bbbbb ..
 *     below U+0080     00000000 00000000 00000000 0aaaaaaa
 */
WSF_INLINE TARGET __m512i quads_of(const output *o, __m512i x, __m512i four)
{
    const __mmask16 below_four = _mm512_testn_epi32_mask(x, K(dword_above_16));
    const __mmask16 below_three = _mm512_testn_epi32_mask(x, K(dword_above_11));
    const __mmask16 ascii = _mm512_testn_epi32_mask(x, K(dword_above_7));
    const __m512i three_or_four = _mm512_mask_add_epi32(four, below_four, four, K(to_three));
    const __m512i two_or_more = _mm512_mask_add_epi32(three_or_four, below_three, four, K(to_two));
    return _mm512_mask_slli_epi32(two_or_more, ascii, x, 24);
}

/* Of quads, the bytes of the text: the last one, and before it those of 80 and more. */
WSF_INLINE TARGET uint64_t kept_of(const output *o, __m512i quads)
{
    return _mm512_movepi8_mask(_mm512_or_si512(quads, K(last)));
}

WSF_INLINE TARGET void put_16(output *o, __m512i x)
{
    const __m512i four = fours_of(o, x);
    if (_mm512_testn_epi32_mask(x, K(dword_above_16)) == 0) {
        put(o, four, 64);
    } else {
        const __m512i quads = quads_of(o, x, four);
        note_dwords(o, x);
        put_kept(o, quads, kept_of(o, quads));
    }
}

/* The first `count` of them, 1 to 16, and not one byte behind. */
WSF_INLINE TARGET void put_last(output *o, __m512i x, size_t count)
{
    const __m512i quads = quads_of(o, x, fours_of(o, x));
    const uint64_t kept = kept_of(o, quads) & wsf_low_bits(4 * count);
    const size_t length = wsf_bits_set(kept);
    const __m512i bytes = _mm512_maskz_compress_epi8(kept, quads);
    note_dwords(o, x);
    _mm512_mask_storeu_epi8(o->dst + o->at, wsf_low_bits(length),
                            _mm512_xor_si512(bytes, o->key[o->at & 3u]));
    o->at += length;
}

/* ---- code points up to U+00FF, a byte each ---------------------------------------- */

/*     two    110000bb     of bbaaaaaa; C0 or C1, which are not kept, if it is ASCII
 *     last   10aaaaaa, or as it is if it is ASCII
 */
WSF_INLINE TARGET void step_1(output *o, const uint8_t *src)
{
    const __m512i x = _mm512_loadu_si512(src);
    if (_mm512_movepi8_mask(x) == 0) {
        put(o, x, 64);
    } else {
        const __m512i turns = in_order(TURNS, x);
        /* 0xEA: (a & b) | c; 0x70: a & ~(b & c) */
        const __m512i two =
            _mm512_ternarylogic_epi64(_mm512_srli_epi16(turns, 6), _mm512_set1_epi8(0x03),
                                      _mm512_set1_epi8((char)0xC0), 0xEA);
        const __m512i last = _mm512_ternarylogic_epi64(turns, _mm512_srli_epi16(turns, 1),
                                                       _mm512_set1_epi8(0x40), 0x70);
        const __m512i low = _mm512_unpacklo_epi8(two, last);
        const __m512i high = _mm512_unpackhi_epi8(two, last);
        const __m512i least = K(least_2);
        put_kept(o, low, _mm512_cmpge_epu8_mask(low, least));
        put_kept(o, high, _mm512_cmpge_epu8_mask(high, least));
    }
}

/* ---- code points up to U+FFFF, two bytes each -------------------------------------- */

/* The last two bytes of each word, with these tags if it is not ASCII (`high`).
 * `vpmultishiftqb` takes eight bits from bit 6 on and from bit 0 on; from the lower byte up:
 *
 *     ????bbbb bbaaaaaa  ->  ??bbbbbb ??aaaaaa  ->  ..bbbbbb ..aaaaaa
 *     00000000 0aaaaaaa  ->  0000000a 0aaaaaaa
 */
WSF_INLINE TARGET __m512i last_two(const output *o, __m512i x, __mmask32 high, __m512i tags)
{
    const __m512i apart =
        _mm512_multishift_epi64_epi8(_mm512_set1_epi64(INT64_C(0x3036202610160006)), x);
    return _mm512_mask_add_epi16(apart, high, _mm512_and_si512(apart, K(sixes)), tags);
}

/* Words below U+0800.  From the lower byte up, what is not kept in brackets:
 *
 *     00000bbb bbaaaaaa  ->   110bbbbb  10aaaaaa
 *     00000000 0aaaaaaa  ->  (0000000a) 0aaaaaaa
 */
WSF_INLINE TARGET void put_twos(output *o, __m512i x)
{
    const __mmask32 high = _mm512_test_epi16_mask(x, K(above_7));
    const __m512i pairs = last_two(o, x, high, K(tags_2));
    put_kept(o, pairs, _mm512_cmpge_epu8_mask(pairs, K(least_2)));
}

/* From the lowest byte up, once the two words are zipped:
 *
 *     ccccbbbb bbaaaaaa  ->   1110cccc (00000000) 10bbbbbb  10aaaaaa
 *     00000bbb bbaaaaaa  ->  (00000000  00000000) 110bbbbb  10aaaaaa
 *     00000000 0aaaaaaa  ->  (00000000  00000000  0000000a) 0aaaaaaa
 */
WSF_INLINE TARGET void put_mixed(output *o, __m512i words)
{
    const __m512i x = in_order(TURNS, words);
    const __mmask32 high = _mm512_test_epi16_mask(x, K(above_7));
    const __mmask32 third = _mm512_test_epi16_mask(x, K(above_11));
    const __m512i tags = _mm512_mask_mov_epi16(K(tags_2), third, K(tags_3));
    const __m512i lower = last_two(o, x, high, tags);
    const __m512i upper = _mm512_maskz_add_epi16(third, _mm512_srli_epi16(x, 12), K(lead_3));
    const __m512i first = _mm512_unpacklo_epi16(upper, lower);
    const __m512i second = _mm512_unpackhi_epi16(upper, lower);
    put_kept(o, first, kept_of(o, first));
    put_kept(o, second, kept_of(o, second));
}

/* Sixteen words as 48 bytes, without gaps.  Each qword of these is made of four words in a
 * row, which are put there first; `vpmultishiftqb` then takes eight bits from bit 12, 6 and 0
 * of a word on:
 *
 *     qword       0                        1                        2
 *     four from   0                        2                        5
 *     word        0  0  0  1  1  1  2  2   2  3  3  3  4  4  4  5   5  5  6  6  6  7  7  7
 *     from bit    12 6  0  12 6  0  12 6   0  12 6  0  12 6  0  12  6  0  12 6  0  12 6  0
 *
 *     ccccbbbb bbaaaaaa  ->  ????cccc ??bbbbbb ??aaaaaa  ->  1110cccc 10bbbbbb 10aaaaaa
 */
#define FOUR(i)                                                                                    \
    2 * (i), 2 * (i) + 1, 2 * (i) + 2, 2 * (i) + 3, 2 * (i) + 4, 2 * (i) + 5, 2 * (i) + 6,         \
        2 * (i) + 7
#define SPREAD_16(i)                                                                               \
    FOUR(i), FOUR((i) + 2), FOUR((i) + 5), FOUR((i) + 8), FOUR((i) + 10), FOUR((i) + 13)
#define TAKEN_24                                                                                   \
    12, 6, 0, 28, 22, 16, 44, 38, 0, 28, 22, 16, 44, 38, 32, 60, 6, 0, 28, 22, 16, 44, 38, 32
#define TAGS_3 0xE0, 0x80, 0x80
#define BITS_3 0x0F, 0x3F, 0x3F
#define EIGHT(x) x, x, x, x, x, x, x, x
static const uint8_t SPREAD[2][64] = {{SPREAD_16(0)}, {SPREAD_16(16)}};
static const uint8_t TAKEN[64] = {TAKEN_24, TAKEN_24};
static const uint8_t TAGS[64] = {EIGHT(TAGS_3), EIGHT(TAGS_3)};
static const uint8_t BITS[64] = {EIGHT(BITS_3), EIGHT(BITS_3)};

WSF_INLINE TARGET void put_threes(output *o, __m512i x, int half)
{
    const __m512i spread = _mm512_permutexvar_epi8(_mm512_loadu_si512(SPREAD[half]), x);
    const __m512i sixes = _mm512_multishift_epi64_epi8(_mm512_loadu_si512(TAKEN), spread);
    put(o,
        _mm512_ternarylogic_epi64(sixes, _mm512_loadu_si512(BITS), _mm512_loadu_si512(TAGS), 0xEA),
        48);
}

WSF_INLINE TARGET void put_words(output *o, __m512i x)
{
    note_words(o, x);
    if (_mm512_testn_epi16_mask(x, K(above_11)) == 0) {
        put_threes(o, x, 0);
        put_threes(o, x, 1);
    } else {
        put_mixed(o, x);
    }
}

/* A vector of any words. */
WSF_INLINE TARGET void put_vector(output *o, __m512i x)
{
    if (_mm512_test_epi16_mask(x, K(above_11)) == 0) {
        put_twos(o, x);
    } else {
        put_words(o, x);
    }
}

/* Two vectors.  One test for both: mixed text is guessed wrong less often. */
WSF_INLINE TARGET void put_more_words(output *o, __m512i x, __m512i y)
{
    const __m512i any = _mm512_or_si512(x, y);
    if (_mm512_test_epi16_mask(any, K(above_11)) == 0) {
        put_twos(o, x);
        put_twos(o, y);
    } else {
        put_words(o, x);
        put_words(o, y);
    }
}

WSF_INLINE TARGET void step_2(output *o, const uint16_t *src)
{
    const __m512i x = _mm512_loadu_si512(src), y = _mm512_loadu_si512(src + 32);
    const __m512i any = _mm512_or_si512(x, y);
    if (_mm512_test_epi16_mask(any, K(above_7)) == 0) {
        put(o, narrow_words(x, y), 64);
    } else {
        put_more_words(o, x, y);
    }
}

/* ---- any code points, four bytes each --------------------------------------------- */

WSF_INLINE TARGET void step_4(output *o, const uint32_t *src)
{
    const __m512i a = _mm512_loadu_si512(src), b = _mm512_loadu_si512(src + 16);
    const __m512i c = _mm512_loadu_si512(src + 32), d = _mm512_loadu_si512(src + 48);
    const __m512i any = _mm512_or_si512(_mm512_ternarylogic_epi64(a, b, c, 0xFE), d);
    if (_mm512_test_epi32_mask(any, K(dword_above_7)) == 0) {
        const __m512i lanes =
            _mm512_packus_epi16(_mm512_packus_epi32(a, b), _mm512_packus_epi32(c, d));
        put(o, _mm512_permutexvar_epi32(_mm512_loadu_si512(QUARTERS), lanes), 64);
    } else if (_mm512_test_epi32_mask(any, K(dword_above_16)) == 0) {
        put_more_words(o, narrow_dwords(a, b), narrow_dwords(c, d));
    } else {
        put_16(o, a);
        put_16(o, b);
        put_16(o, c);
        put_16(o, d);
    }
}

/* ---- half a step --------------------------------------------------------------------- */

WSF_INLINE TARGET void half_1(output *o, const uint8_t *src)
{
    put_twos(o, _mm512_cvtepu8_epi16(_mm256_loadu_si256((const __m256i *)(const void *)src)));
}

WSF_INLINE TARGET void half_2(output *o, const uint16_t *src)
{
    put_vector(o, _mm512_loadu_si512(src));
}

WSF_INLINE TARGET void half_4(output *o, const uint32_t *src)
{
    const __m512i a = _mm512_loadu_si512(src), b = _mm512_loadu_si512(src + 16);
    if (_mm512_test_epi32_mask(_mm512_or_si512(a, b), K(dword_above_16)) == 0) {
        put_vector(o, narrow_dwords(a, b));
    } else {
        put_16(o, a);
        put_16(o, b);
    }
}

/* ---- one function for each width ----------------------------------------------------- */

/* Up to sixteen units as dwords, and 0 behind them. */
WSF_INLINE TARGET __m512i load_1(const uint8_t *src, size_t count)
{
    return _mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8((__mmask16)wsf_low_bits(count), src));
}

WSF_INLINE TARGET __m512i load_2(const uint16_t *src, size_t count)
{
    return _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16((__mmask16)wsf_low_bits(count), src));
}

WSF_INLINE TARGET __m512i load_4(const uint32_t *src, size_t count)
{
    return _mm512_maskz_loadu_epi32((__mmask16)wsf_low_bits(count), src);
}

/* What is left after the last whole step gets narrower ones, since most texts are short. */
#define ENCODER(width, unit, function)                                                             \
    TARGET size_t function(uint8_t *dst, const unit *src, size_t n, uint32_t key)                  \
    {                                                                                              \
        output o = begin(dst, key);                                                                \
        size_t i;                                                                                  \
        for (i = 0; n - i >= STEP; i += STEP) {                                                    \
            step_##width(&o, src + i);                                                             \
        }                                                                                          \
        if (n - i >= STEP / 2) {                                                                   \
            half_##width(&o, src + i);                                                             \
            i += STEP / 2;                                                                         \
        }                                                                                          \
        if (n - i > 16) {                                                                          \
            put_16(&o, load_##width(src + i, 16));                                                 \
            i += 16;                                                                               \
        }                                                                                          \
        if (i != n) {                                                                              \
            put_last(&o, load_##width(src + i, n - i), n - i);                                     \
        }                                                                                          \
        return finish(&o);                                                                         \
    }

ENCODER(1, uint8_t, wsf_from_latin1_avx512)
ENCODER(2, uint16_t, wsf_from_ucs2_avx512)
ENCODER(4, uint32_t, wsf_from_ucs4_avx512)

/* ---- how many bytes that is ---------------------------------------------------------- */

/* How many bytes more than words, or dwords, they take. */
WSF_INLINE TARGET size_t more_2(__m512i x)
{
    return wsf_bits_set(_mm512_cmpge_epu16_mask(x, _mm512_set1_epi16(0x80))) +
           wsf_bits_set(_mm512_cmpge_epu16_mask(x, _mm512_set1_epi16(0x800)));
}

WSF_INLINE TARGET size_t more_4(__m512i x)
{
    return wsf_bits_set(_mm512_cmpge_epu32_mask(x, _mm512_set1_epi32(0x80))) +
           wsf_bits_set(_mm512_cmpge_epu32_mask(x, _mm512_set1_epi32(0x800))) +
           wsf_bits_set(_mm512_cmpge_epu32_mask(x, _mm512_set1_epi32(0x10000)));
}

TARGET size_t wsf_ucs2_size_avx512(const uint16_t *src, size_t n)
{
    size_t bytes = n, i;
    for (i = 0; n - i >= 32; i += 32) {
        bytes += more_2(_mm512_loadu_si512(src + i));
    }
    if (i != n) {
        bytes += more_2(_mm512_maskz_loadu_epi16((__mmask32)wsf_low_bits(n - i), src + i));
    }
    return bytes;
}

TARGET size_t wsf_ucs4_size_avx512(const uint32_t *src, size_t n)
{
    size_t bytes = n, i;
    for (i = 0; n - i >= 16; i += 16) {
        bytes += more_4(_mm512_loadu_si512(src + i));
    }
    return i == n ? bytes : bytes + more_4(load_4(src + i, n - i));
}

#endif
