/* The intrinsics in C that immintrin.h has beside this file: do they do what they should?
 *
 *     intrinsics examples     as written out by hand, from the definitions
 *     intrinsics cpu          as this CPU does, on random operands
 *
 * Exit code: 0 if they do; 1 at the first that does not, and it is named; 2 if this CPU
 * lacks AVX-512 with VBMI and VBMI2.
 */
#include <stdio.h>
#include <stdlib.h>

#include "cpu.h"

#if WSF_ARCH_X86
#  include <immintrin.h>
#endif

#define EMULATED(name) emulated##name
#include "immintrin.h"

static unsigned long checks;

static void expect(int holds, const char *what)
{
    checks++;
    if (!holds) {
        printf("FAIL %s\n", what);
        exit(1);
    }
}

#define IS(expression) expect((expression), #expression)

/* ---- examples ------------------------------------------------------------------- */

static m512i bytes_from(unsigned first, unsigned step)
{
    m512i r;
    unsigned i;
    for (i = 0; i < 64; i++) {
        r.byte[i] = (uint8_t)(first + step * i);
    }
    return r;
}

static m512i dwords_from(uint32_t first, uint32_t step)
{
    m512i r;
    uint32_t i;
    for (i = 0; i < 16; i++) {
        r.dword[i] = first + step * i;
    }
    return r;
}

static void examples_of_bits(void)
{
    const m512i a = emulated_mm512_set1_epi8(0xF0), b = emulated_mm512_set1_epi8(0xCC),
                c = emulated_mm512_set1_epi8(0xAA);
    const m512i x = emulated_mm512_set1_epi32(0x11223344);
    const m512i y = emulated_mm512_set1_epi32((int)0xAABBCCDD);
    int table;
    for (table = 0; table < 256; table++) { /* F0, CC and AA count through the rows of a table */
        IS(emulated_mm512_ternarylogic_epi64(a, b, c, table).byte[63] == table);
    }
    IS(emulated_mm512_ternarylogic_epi64(x, y, c, 0xF0).qword[7] == x.qword[7]); /* a */
    IS(emulated_mm512_ternarylogic_epi64(x, y, c, 0xCC).qword[0] == y.qword[0]); /* b */
    IS(emulated_mm512_shldi_epi32(x, y, 8).dword[0] == 0x223344AA);
    IS(emulated_mm512_shldi_epi32(x, y, 24).dword[15] == 0x44AABBCC);
    IS(emulated_mm512_shldi_epi32(x, y, 0).dword[1] == 0x11223344);
    IS(emulated_mm512_shldi_epi32(x, y, 32).dword[1] == 0x11223344);
    IS(emulated_mm512_slli_epi16(y, 6).dword[0] == 0xAEC03740);
    IS(emulated_mm512_srli_epi16(y, 4).dword[0] == 0x0AAB0CCD);
    IS(emulated_mm512_slli_epi32(y, 16).dword[15] == 0xCCDD0000);
    IS(emulated_mm512_set1_epi16(0x8001).dword[15] == 0x80018001);
    IS(emulated_mm512_set1_epi64(INT64_C(0x1122334455667788)).dword[15] == 0x11223344);
    IS(emulated_mm512_set1_epi64(INT64_C(0x1122334455667788)).dword[0] == 0x55667788);
    IS(emulated_mm512_sub_epi16(x, y).dword[9] == 0x66676667);
    IS(emulated_mm512_sub_epi32(x, y).dword[9] == 0x66666667);
    IS(emulated_mm512_slli_epi16(y, 16).dword[0] == 0 &&
       emulated_mm512_slli_epi32(y, 32).dword[0] == 0);
    IS(emulated_mm512_and_si512(x, y).dword[9] == 0x00220044);
    IS(emulated_mm512_or_si512(x, y).dword[9] == 0xBBBBFFDD);
    IS(emulated_mm512_xor_si512(x, y).dword[9] == 0xBB99FF99);
}

/* Of the bytes 80 7F FF 00 and 7F 80 FF 01. */
static void examples_of_comparison(void)
{
    const m512i a = emulated_mm512_set1_epi32(0x00FF7F80);
    const m512i b = emulated_mm512_set1_epi32(0x01FF807F);
    IS(emulated_mm512_cmpgt_epi8_mask(a, b) == UINT64_C(0x2222222222222222));
    IS(emulated_mm512_cmplt_epi8_mask(a, b) == UINT64_C(0x9999999999999999));
    IS(emulated_mm512_movepi8_mask(a) == UINT64_C(0x5555555555555555));
    IS(emulated_mm512_test_epi8_mask(a, b) == UINT64_C(0x4444444444444444));
    IS(emulated_mm512_cmpge_epu8_mask(a, b) == UINT64_C(0x5555555555555555));
    IS(emulated_mm512_cmpge_epu16_mask(a, b) == 0);
    IS(emulated_mm512_cmpge_epu16_mask(b, b) == 0xFFFFFFFF);
    IS(emulated_mm512_cmplt_epu16_mask(b, a) == 0 && emulated_mm512_cmplt_epu16_mask(b, b) == 0);
    IS(emulated_mm512_cmplt_epu16_mask(a, b) == 0xFFFFFFFF);
    IS(emulated_mm512_cmpge_epu32_mask(b, a) == 0xFFFF);
    IS(emulated_mm512_cmpge_epu32_mask(a, b) == 0 &&
       emulated_mm512_cmpge_epu32_mask(a, a) == 0xFFFF);
    IS(emulated_mm512_cmplt_epu32_mask(a, b) == 0xFFFF &&
       emulated_mm512_cmplt_epu32_mask(a, a) == 0);
    IS(emulated_mm512_test_epi16_mask(a, b) == 0xAAAAAAAA);
    IS(emulated_mm512_testn_epi16_mask(a, b) == 0x55555555);
    IS(emulated_mm512_test_epi32_mask(a, b) == 0xFFFF);
    IS(emulated_mm512_testn_epi32_mask(a, b) == 0);
    IS(emulated_mm512_testn_epi32_mask(a, emulated_mm512_set1_epi32(0x0000807F)) == 0xFFFF);
    IS(emulated_mm512_min_epu16(a, b).dword[3] == 0x00FF7F80);
    IS(emulated_mm512_min_epu32(a, b).dword[3] == 0x00FF7F80);
    IS(emulated_mm512_max_epu8(a, b).dword[3] == 0x01FF8080);
    IS(emulated_mm512_subs_epu8(a, b).dword[3] == 0x00000001);
    IS(emulated_mm256_max_epu8(a.half[0], b.half[0]).half[1].dword[3] == 0x01FF8080);
    IS(emulated_mm_max_epu8(a.quarter[0], b.quarter[0]).dword[3] == 0x01FF8080);
    IS(emulated_mm_min_epu8(a.quarter[0], b.quarter[0]).dword[3] == 0x00FF7F7F);
}

static void examples_of_masks(void)
{
    const m512i a = bytes_from(1, 3), b = bytes_from(0, 1);
    const uint64_t three = UINT64_C(1) << 1 | UINT64_C(1) << 3 | UINT64_C(1) << 63;
    m512i r = emulated_mm512_maskz_compress_epi8(three, a);
    IS(r.byte[0] == 4 && r.byte[1] == 10 && r.byte[2] == 190 && r.byte[3] == 0);
    IS(r.dword[1] == 0 && r.qword[1] == 0 && r.qword[7] == 0);
    r = emulated_mm512_maskz_mov_epi8(three, a);
    IS(r.byte[0] == 0 && r.byte[1] == 4 && r.byte[2] == 0 && r.byte[3] == 10 && r.byte[63] == 190);
    r = emulated_mm512_mask_mov_epi8(b, three, a);
    IS(r.byte[0] == 0 && r.byte[1] == 4 && r.byte[2] == 2 && r.byte[3] == 10 && r.byte[63] == 190);
    r = emulated_mm512_maskz_loadu_epi8(three, &a);
    IS(r.byte[0] == 0 && r.byte[1] == 4 && r.byte[2] == 0 && r.byte[3] == 10 && r.byte[63] == 190);
    r = b;
    emulated_mm512_mask_storeu_epi8(&r, three, a);
    IS(r.byte[0] == 0 && r.byte[1] == 4 && r.byte[2] == 2 && r.byte[3] == 10 && r.byte[63] == 190);
    r = b;
    emulated_mm512_mask_storeu_epi16(&r, 0x80000001u, a);
    IS(r.dword[0] == 0x03020401 && r.dword[14] == b.dword[14] && r.dword[15] == 0xBEBB3D3C);
    r = b;
    emulated_mm512_mask_storeu_epi32(&r, 0x8001u, a);
    IS(r.qword[0] == UINT64_C(0x070605040A070401) && r.qword[7] == UINT64_C(0xBEBBB8B53B3A3938));
    r = emulated_mm512_maskz_set1_epi32(0x8000, -2);
    IS(r.dword[0] == 0 && r.dword[14] == 0 && r.dword[15] == 0xFFFFFFFE);
}

/* Of the same two vectors: 01 04 07 0A .. and 00 01 02 03 .. */
static void examples_of_masked_lanes(void)
{
    const m512i a = bytes_from(1, 3), b = bytes_from(0, 1);
    m512i r = emulated_mm512_mask_mov_epi16(b, 0x80000001u, a);
    IS(r.dword[0] == 0x03020401 && r.dword[14] == b.dword[14] && r.dword[15] == 0xBEBB3D3C);
    r = emulated_mm512_mask_add_epi16(a, 0x80000001u, b, emulated_mm512_set1_epi16(0xFF01));
    IS(r.dword[0] == 0x0A070001 && r.dword[14] == a.dword[14] && r.dword[15] == 0x3E3FB8B5);
    r = emulated_mm512_maskz_add_epi16(0x80000001u, b, emulated_mm512_set1_epi16(0xFF01));
    IS(r.dword[0] == 0x00000001 && r.dword[14] == 0 && r.dword[15] == 0x3E3F0000);
    r = emulated_mm512_mask_add_epi32(a, 0x8001u, b, emulated_mm512_set1_epi32(-0x100));
    IS(r.dword[0] == 0x03020000 && r.dword[14] == a.dword[14] && r.dword[15] == 0x3F3E3C3C);
    r = emulated_mm512_mask_slli_epi32(a, 0x8001u, b, 24);
    IS(r.dword[0] == 0 && r.dword[14] == a.dword[14] && r.dword[15] == 0x3C000000);
    r = emulated_mm512_mask_slli_epi32(a, 0x8001u, b, 32);
    IS(r.dword[15] == 0 && r.dword[1] == a.dword[1]);
    r = emulated_mm512_maskz_loadu_epi16(0x80000001u, &a);
    IS(r.dword[0] == 0x00000401 && r.dword[14] == 0 && r.dword[15] == 0xBEBB0000);
    r = emulated_mm512_maskz_loadu_epi32(0x8001u, &a);
    IS(r.dword[0] == a.dword[0] && r.qword[4] == 0 && r.dword[15] == a.dword[15]);
    IS(emulated_mm256_maskz_loadu_epi16(0x8001u, &a).half[0].dword[0] == 0x00000401);
    IS(emulated_mm256_maskz_loadu_epi16(0x8001u, &a).half[1].dword[3] == 0x5E5B0000);
    IS(emulated_mm_maskz_loadu_epi8(0x8001u, &a).dword[0] == 0x00000001);
    IS(emulated_mm_maskz_loadu_epi8(0x8001u, &a).dword[3] == 0x2E000000);
}

static void examples_across_lanes(void)
{
    static const uint8_t turns[] = {0, 63, 64, 127, 128 + 5, 192 + 5};
    const m512i a = bytes_from(100, 1), b = bytes_from(200, 255);
    const m512i x = dwords_from(100, 1), y = dwords_from(0, 1);
    m512i index = emulated_mm512_setzero_si512(), r;
    m128i least = {{0}};
    memcpy(&index, turns, sizeof turns);
    r = emulated_mm512_permutex2var_epi8(a, index, b);
    IS(r.byte[0] == 100 && r.byte[1] == 163 && r.byte[2] == 200 && r.byte[3] == 137);
    IS(r.byte[4] == 105 && r.byte[5] == 195 && r.byte[6] == 100);
    r = emulated_mm512_permutexvar_epi8(index, a);
    IS(r.byte[1] == 163 && r.byte[2] == 100 && r.byte[3] == 163 && r.byte[5] == 105);
    r = emulated_mm512_alignr_epi32(x, y, 15);
    IS(r.dword[0] == 15 && r.dword[1] == 100 && r.dword[15] == 114);
    IS(emulated_mm512_alignr_epi32(x, y, 0).dword[15] == 15);
    IS(emulated_mm512_alignr_epi32(x, y, 17).dword[15] == 100);
    IS(emulated_mm512_permutexvar_epi32(dwords_from(1, 7), x).dword[3] == 106);
    IS(emulated_mm512_permutexvar_epi64(dwords_from(0, 1), x).dword[3] == 105);
    IS(emulated_mm256_loadu_si256(&b.byte[1]).byte[31] == b.byte[32]);
    IS(emulated_mm512_cvtepu8_epi16(b.half[0]).word[31] == 169);
    IS(emulated_mm512_cvtepu8_epi32(b.quarter[0]).dword[15] == 185);
    IS(emulated_mm512_cvtepu16_epi32(b.half[0]).dword[15] == 0xA9AA);
    IS(emulated_mm512_extracti32x4_epi32(x, 2).dword[0] == 108);
    IS(emulated_mm512_extracti64x4_epi64(x, 1).half[1].dword[0] == 112);
    IS(emulated_mm256_extracti128_si256(x.half[0], 1).dword[0] == 104);
    least.word[0] = 0x8000;
    least.word[1] = least.word[2] = least.word[4] = 0x7FFF;
    least.word[3] = least.word[5] = 0x0102;
    least.word[6] = least.word[7] = 0xFFFF;
    least = emulated_mm_minpos_epu16(least);
    IS(least.dword[0] == 0x00030102 && least.dword[1] == 0 && least.dword[3] == 0);
}

static void examples_within_quarters(void)
{
    const m512i a = bytes_from(100, 1), b = bytes_from(200, 255);
    const m512i x = emulated_mm512_set1_epi32(0x01008000),
                y = emulated_mm512_set1_epi32(0x00FE7FFF);
    const m512i bits = emulated_mm512_set1_epi64(INT64_C(0x0123456789ABCDEF));
    m512i r = emulated_mm512_unpacklo_epi8(a, b);
    IS(r.dword[0] == 0xC765C864 && r.dword[3] == 0xC16BC26A && r.dword[4] == 0xB775B874);
    r = emulated_mm512_unpackhi_epi8(a, b);
    IS(r.dword[0] == 0xBF6DC06C && r.dword[15] == 0x89A38AA2);
    r = emulated_mm512_unpacklo_epi16(a, b);
    IS(r.dword[0] == 0xC7C86564 && r.dword[3] == 0xC1C26B6A && r.dword[4] == 0xB7B87574);
    r = emulated_mm512_unpackhi_epi16(a, b);
    IS(r.dword[0] == 0xBFC06D6C && r.dword[15] == 0x898AA3A2);
    r = emulated_mm512_packus_epi16(x, y);
    IS(r.dword[0] == 0xFF00FF00 && r.dword[1] == r.dword[0] && r.dword[2] == 0xFEFFFEFF);
    r = emulated_mm512_packus_epi32(y, dwords_from(0xFFFFFFFF, 0x8001));
    IS(r.dword[0] == 0xFFFFFFFF && r.dword[2] == 0x80000000 && r.dword[3] == 0xFFFFFFFF);
    IS(r.dword[4] == 0xFFFFFFFF && r.dword[6] == 0xFFFFFFFF);
    r = emulated_mm512_multishift_epi64_epi8(bytes_from(0, 4), bits);
    IS(r.dword[0] == 0xBCCDDEEF && r.dword[1] == 0x78899AAB && r.byte[15] == 0xF0);
}

/* ---- the CPU -------------------------------------------------------------------------- */

#if WSF_ARCH_X86

#  define TARGET                                                                                   \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512vbmi2,sse4.1")))

static uint64_t random_state = UINT64_C(0x243F6A8885A308D3);

static uint64_t random_word(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

/* Any bytes, or few values, so that they are equal or at an edge more often than by chance. */
static m512i random_vector(void)
{
    static const uint8_t edge[] = {0x00, 0x01, 0x7F, 0x80, 0xBF, 0xC0, 0xFE, 0xFF};
    const int edges = random_word() >> 32 & 1;
    m512i r;
    int i;
    for (i = 0; i < 64; i++) {
        const uint64_t word = random_word() >> 16;
        r.byte[i] = edges ? edge[word & 7] : (uint8_t)word;
    }
    return r;
}

/* One result of the CPU, and one in C. */
#  define SAME(name, operands, in_c)                                                               \
    do {                                                                                           \
        const __typeof__(name operands) wanted = name operands;                                    \
        const __typeof__(emulated##name in_c) found = emulated##name in_c;                         \
        expect(sizeof wanted == sizeof found && memcmp(&wanted, &found, sizeof found) == 0,        \
               #name #in_c);                                                                       \
    } while (0)
#  define SAME_STORED(name, operands, in_c)                                                        \
    do {                                                                                           \
        m512i wanted = o->c, found = o->c;                                                         \
        name(&wanted, operands);                                                                   \
        emulated##name(&found, in_c);                                                              \
        expect(memcmp(&wanted, &found, sizeof found) == 0, #name #in_c);                           \
    } while (0)
#  define LIST(...) __VA_ARGS__

typedef struct operands {
    m512i a, b, c;
    uint64_t mask;
} operands;

#  define A _mm512_loadu_si512(&o->a)
#  define B _mm512_loadu_si512(&o->b)
#  define C _mm512_loadu_si512(&o->c)
#  define A256 _mm256_loadu_si256((const __m256i *)(const void *)&o->a)
#  define B256 _mm256_loadu_si256((const __m256i *)(const void *)&o->b)
#  define A128 _mm_loadu_si128((const __m128i *)(const void *)&o->a)
#  define B128 _mm_loadu_si128((const __m128i *)(const void *)&o->b)
#  define TERNARY(table) SAME(_mm512_ternarylogic_epi64, (A, B, C, table), (o->a, o->b, o->c, table))
#  define SHLDI(count) SAME(_mm512_shldi_epi32, (A, B, count), (o->a, o->b, count))
#  define ALIGNR(from) SAME(_mm512_alignr_epi32, (A, B, from), (o->a, o->b, from))
#  define SHIFT(name, count) SAME(name, (A, count), (o->a, count))

static TARGET void compare_bits(const operands *o)
{
    const int word = (int)(uint32_t)o->mask;
    SAME(_mm512_loadu_si512, (&o->a), (&o->a));
    SAME(_mm512_setzero_si512, (), ());
    SAME(_mm512_set1_epi8, ((char)word), ((char)word));
    SAME(_mm512_set1_epi16, ((short)word), ((short)word));
    SAME(_mm512_set1_epi32, (word), (word));
    SAME(_mm512_set1_epi64, ((long long)o->mask), ((long long)o->mask));
    SAME(_mm512_and_si512, (A, B), (o->a, o->b));
    SAME(_mm512_or_si512, (A, B), (o->a, o->b));
    SAME(_mm512_xor_si512, (A, B), (o->a, o->b));
    TERNARY(0xE4);
    TERNARY(0xA8);
    TERNARY(0x6A);
    TERNARY(0xFE);
    TERNARY(0xCA);
    TERNARY(0x1D);
    SHLDI(8);
    SHLDI(16);
    SHLDI(24);
    SHLDI(0);
    SHLDI(37);
    SHIFT(_mm512_slli_epi16, 2);
    SHIFT(_mm512_slli_epi16, 6);
    SHIFT(_mm512_slli_epi16, 16);
    SHIFT(_mm512_srli_epi16, 2);
    SHIFT(_mm512_srli_epi16, 4);
    SHIFT(_mm512_srli_epi16, 16);
    SHIFT(_mm512_slli_epi32, 16);
    SHIFT(_mm512_slli_epi32, 32);
}

static TARGET void compare_lanes(const operands *o)
{
    SAME(_mm512_max_epu8, (A, B), (o->a, o->b));
    SAME(_mm512_subs_epu8, (A, B), (o->a, o->b));
    SAME(_mm512_min_epu16, (A, B), (o->a, o->b));
    SAME(_mm512_min_epu32, (A, B), (o->a, o->b));
    SAME(_mm512_sub_epi16, (A, B), (o->a, o->b));
    SAME(_mm512_sub_epi32, (A, B), (o->a, o->b));
    SAME(_mm512_permutexvar_epi8, (A, B), (o->a, o->b));
    SAME(_mm512_permutexvar_epi32, (A, B), (o->a, o->b));
    SAME(_mm512_permutexvar_epi64, (A, B), (o->a, o->b));
    SAME(_mm512_permutex2var_epi8, (A, B, C), (o->a, o->b, o->c));
    SAME(_mm512_multishift_epi64_epi8, (A, B), (o->a, o->b));
    SAME(_mm512_unpacklo_epi8, (A, B), (o->a, o->b));
    SAME(_mm512_unpackhi_epi8, (A, B), (o->a, o->b));
    SAME(_mm512_unpacklo_epi16, (A, B), (o->a, o->b));
    SAME(_mm512_unpackhi_epi16, (A, B), (o->a, o->b));
    SAME(_mm512_packus_epi16, (A, B), (o->a, o->b));
    SAME(_mm512_packus_epi32, (A, B), (o->a, o->b));
}

static TARGET void compare_comparisons(const operands *o)
{
    SAME(_mm512_cmpgt_epi8_mask, (A, B), (o->a, o->b));
    SAME(_mm512_cmplt_epi8_mask, (A, B), (o->a, o->b));
    SAME(_mm512_cmpge_epu8_mask, (A, B), (o->a, o->b));
    SAME(_mm512_cmpge_epu16_mask, (A, B), (o->a, o->b));
    SAME(_mm512_cmpge_epu32_mask, (A, B), (o->a, o->b));
    SAME(_mm512_cmplt_epu16_mask, (A, B), (o->a, o->b));
    SAME(_mm512_cmplt_epu32_mask, (A, B), (o->a, o->b));
    SAME(_mm512_test_epi8_mask, (A, B), (o->a, o->b));
    SAME(_mm512_test_epi16_mask, (A, B), (o->a, o->b));
    SAME(_mm512_test_epi32_mask, (A, B), (o->a, o->b));
    SAME(_mm512_testn_epi16_mask, (A, B), (o->a, o->b));
    SAME(_mm512_testn_epi32_mask, (A, B), (o->a, o->b));
    SAME(_mm512_movepi8_mask, (A), (o->a));
}

static TARGET void compare_places(const operands *o)
{
    SAME(_mm512_cvtepu8_epi16, (A256), (o->a.half[0]));
    SAME(_mm512_cvtepu8_epi32, (A128), (o->a.quarter[0]));
    SAME(_mm512_cvtepu16_epi32, (A256), (o->a.half[0]));
    ALIGNR(15);
    ALIGNR(1);
    ALIGNR(16);
    SAME(_mm512_castsi512_si256, (A), (o->a));
    SAME(_mm512_extracti64x4_epi64, (A, 0), (o->a, 0));
    SAME(_mm512_extracti64x4_epi64, (A, 1), (o->a, 1));
    SAME(_mm512_extracti32x4_epi32, (A, 1), (o->a, 1));
    SAME(_mm512_extracti32x4_epi32, (A, 2), (o->a, 2));
    SAME(_mm512_extracti32x4_epi32, (A, 3), (o->a, 3));
}

static TARGET void compare_masks(const operands *o)
{
    const uint64_t k = o->mask;
    const uint32_t k32 = (uint32_t)k;
    const uint16_t k16 = (uint16_t)k;
    SAME(_mm512_maskz_set1_epi32, (k16, (int)k32), (k16, (int)k32));
    SAME(_mm512_mask_mov_epi8, (A, k, B), (o->a, k, o->b));
    SAME(_mm512_maskz_mov_epi8, (k, A), (k, o->a));
    SAME(_mm512_maskz_loadu_epi8, (k, &o->a), (k, &o->a));
    SAME(_mm512_maskz_compress_epi8, (k, A), (k, o->a));
    SAME(_mm512_mask_mov_epi16, (A, k32, B), (o->a, k32, o->b));
    SAME(_mm512_mask_add_epi16, (A, k32, B, C), (o->a, k32, o->b, o->c));
    SAME(_mm512_maskz_add_epi16, (k32, A, B), (k32, o->a, o->b));
    SAME(_mm512_mask_add_epi32, (A, k16, B, C), (o->a, k16, o->b, o->c));
    SAME(_mm512_mask_slli_epi32, (A, k16, B, 24), (o->a, k16, o->b, 24));
    SAME(_mm512_mask_slli_epi32, (A, k16, B, 32), (o->a, k16, o->b, 32));
    SAME(_mm512_maskz_loadu_epi16, (k32, &o->a), (k32, &o->a));
    SAME(_mm512_maskz_loadu_epi32, (k16, &o->a), (k16, &o->a));
    SAME(_mm256_maskz_loadu_epi16, (k16, &o->a), (k16, &o->a));
    SAME(_mm_maskz_loadu_epi8, (k16, &o->a), (k16, &o->a));
    SAME_STORED(_mm512_storeu_si512, A, o->a);
    SAME_STORED(_mm512_mask_storeu_epi8, LIST(k, A), LIST(k, o->a));
    SAME_STORED(_mm512_mask_storeu_epi16, LIST(k32, A), LIST(k32, o->a));
    SAME_STORED(_mm512_mask_storeu_epi32, LIST(k16, A), LIST(k16, o->a));
}

static TARGET void compare_shorter(const operands *o)
{
    SAME(_mm256_loadu_si256, ((const __m256i *)(const void *)&o->a), (&o->a));
    SAME(_mm256_castsi256_si128, (A256), (o->a.half[0]));
    SAME(_mm256_extracti128_si256, (A256, 0), (o->a.half[0], 0));
    SAME(_mm256_extracti128_si256, (A256, 1), (o->a.half[0], 1));
    SAME(_mm256_max_epu8, (A256, B256), (o->a.half[0], o->b.half[0]));
    SAME(_mm_max_epu8, (A128, B128), (o->a.quarter[0], o->b.quarter[0]));
    SAME(_mm_min_epu8, (A128, B128), (o->a.quarter[0], o->b.quarter[0]));
    SAME(_mm_minpos_epu16, (A128), (o->a.quarter[0]));
    SAME(_mm_srli_epi16, (A128, 8), (o->a.quarter[0], 8));
    SAME(_mm_xor_si128, (A128, B128), (o->a.quarter[0], o->b.quarter[0]));
    SAME(_mm_set1_epi8, ((char)o->mask), ((char)o->mask));
    SAME(_mm_cvtsi128_si32, (A128), (o->a.quarter[0]));
}

static int compare(void)
{
    const uint32_t required =
        WSF_CPU_AVX2 | WSF_CPU_AVX512 | WSF_CPU_AVX512_VBMI | WSF_CPU_AVX512_VBMI2;
    int i;
    if ((wsf_cpu_features() & required) != required) {
        return 0;
    }
    for (i = 0; i < 20000; i++) {
        operands o = {random_vector(), random_vector(), random_vector(), random_word()};
        o.mask = i % 5 == 0 ? 0 : i % 5 == 1 ? ~UINT64_C(0) >> (o.mask & 63) : o.mask;
        compare_bits(&o);
        compare_lanes(&o);
        compare_comparisons(&o);
        compare_places(&o);
        compare_masks(&o);
        compare_shorter(&o);
    }
    return 1;
}

#else

static int compare(void)
{
    return 0;
}

#endif

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "cpu") == 0) {
        if (!compare()) {
            printf("SKIP this CPU, or its system, lacks AVX-512 with VBMI and VBMI2\n");
            return 2;
        }
    } else {
        examples_of_bits();
        examples_of_comparison();
        examples_of_masks();
        examples_of_masked_lanes();
        examples_across_lanes();
        examples_within_quarters();
    }
    printf("ok: %lu checks\n", checks);
    return 0;
}
