/* The intrinsics of immintrin.h that make a mask, a bit for each lane, or go by one. */

/* The whole of a function: what bit `i` of the result is. */
#define EACH_BIT(lanes, condition)                                                                 \
    uint##lanes##_t r = 0;                                                                         \
    int i;                                                                                         \
    for (i = 0; i < (lanes); i++) {                                                                \
        r = (uint##lanes##_t)(r | (uint##lanes##_t)(condition) << i);                              \
    }                                                                                              \
    return r

/* ---- comparison ---------------------------------------------------------------- */

/* The bytes are signed numbers. */
INTRINSIC uint64_t EMULATED(_mm512_cmpgt_epi8_mask)(m512i a, m512i b)
{
    EACH_BIT(64, (int8_t)a.byte[i] > (int8_t)b.byte[i]);
}

INTRINSIC uint64_t EMULATED(_mm512_cmplt_epi8_mask)(m512i a, m512i b)
{
    return EMULATED(_mm512_cmpgt_epi8_mask)(b, a);
}

/* The lanes are unsigned numbers. */
INTRINSIC uint64_t EMULATED(_mm512_cmpge_epu8_mask)(m512i a, m512i b)
{
    EACH_BIT(64, a.byte[i] >= b.byte[i]);
}

INTRINSIC uint32_t EMULATED(_mm512_cmpge_epu16_mask)(m512i a, m512i b)
{
    EACH_BIT(32, a.word[i] >= b.word[i]);
}

INTRINSIC uint16_t EMULATED(_mm512_cmpge_epu32_mask)(m512i a, m512i b)
{
    EACH_BIT(16, a.dword[i] >= b.dword[i]);
}

INTRINSIC uint32_t EMULATED(_mm512_cmplt_epu16_mask)(m512i a, m512i b)
{
    EACH_BIT(32, a.word[i] < b.word[i]);
}

INTRINSIC uint16_t EMULATED(_mm512_cmplt_epu32_mask)(m512i a, m512i b)
{
    EACH_BIT(16, a.dword[i] < b.dword[i]);
}

/* Have they a bit in common?  Or, for testn, none? */
INTRINSIC uint64_t EMULATED(_mm512_test_epi8_mask)(m512i a, m512i b)
{
    EACH_BIT(64, (a.byte[i] & b.byte[i]) != 0);
}

INTRINSIC uint32_t EMULATED(_mm512_test_epi16_mask)(m512i a, m512i b)
{
    EACH_BIT(32, (a.word[i] & b.word[i]) != 0);
}

INTRINSIC uint16_t EMULATED(_mm512_test_epi32_mask)(m512i a, m512i b)
{
    EACH_BIT(16, (a.dword[i] & b.dword[i]) != 0);
}

INTRINSIC uint32_t EMULATED(_mm512_testn_epi16_mask)(m512i a, m512i b)
{
    EACH_BIT(32, (a.word[i] & b.word[i]) == 0);
}

INTRINSIC uint16_t EMULATED(_mm512_testn_epi32_mask)(m512i a, m512i b)
{
    EACH_BIT(16, (a.dword[i] & b.dword[i]) == 0);
}

/* The top bit of each. */
INTRINSIC uint64_t EMULATED(_mm512_movepi8_mask)(m512i a)
{
    EACH_BIT(64, a.byte[i] >> 7);
}

/* ---- under a mask: the lanes whose bit is set ---------------------------------------- */

INTRINSIC m512i EMULATED(_mm512_maskz_set1_epi32)(uint16_t mask, int a)
{
    EACH_LANE(16, r.dword[i] = mask >> i & 1 ? (uint32_t)a : 0);
}

INTRINSIC m512i EMULATED(_mm512_mask_mov_epi8)(m512i otherwise, uint64_t mask, m512i a)
{
    int i;
    for (i = 0; i < 64; i++) {
        a.byte[i] = mask >> i & 1 ? a.byte[i] : otherwise.byte[i];
    }
    return a;
}

INTRINSIC m512i EMULATED(_mm512_maskz_mov_epi8)(uint64_t mask, m512i a)
{
    return EMULATED(_mm512_mask_mov_epi8)(EMULATED(_mm512_setzero_si512)(), mask, a);
}

INTRINSIC m512i EMULATED(_mm512_mask_mov_epi16)(m512i otherwise, uint32_t mask, m512i a)
{
    EACH_LANE(32, r.word[i] = mask >> i & 1 ? a.word[i] : otherwise.word[i]);
}

/* The sum wraps around. */
INTRINSIC m512i EMULATED(_mm512_mask_add_epi16)(m512i otherwise, uint32_t mask, m512i a, m512i b)
{
    EACH_LANE(32,
              r.word[i] = mask >> i & 1 ? (uint16_t)(a.word[i] + b.word[i]) : otherwise.word[i]);
}

INTRINSIC m512i EMULATED(_mm512_maskz_add_epi16)(uint32_t mask, m512i a, m512i b)
{
    return EMULATED(_mm512_mask_add_epi16)(EMULATED(_mm512_setzero_si512)(), mask, a, b);
}

INTRINSIC m512i EMULATED(_mm512_mask_add_epi32)(m512i otherwise, uint16_t mask, m512i a, m512i b)
{
    EACH_LANE(16, r.dword[i] = mask >> i & 1 ? a.dword[i] + b.dword[i] : otherwise.dword[i]);
}

INTRINSIC m512i EMULATED(_mm512_mask_slli_epi32)(m512i otherwise, uint16_t mask, m512i a,
                                                 unsigned count)
{
    const m512i shifted = EMULATED(_mm512_slli_epi32)(a, count);
    EACH_LANE(16, r.dword[i] = mask >> i & 1 ? shifted.dword[i] : otherwise.dword[i]);
}

ON_MEMORY uint16_t word_at(const void *p, int i)
{
    uint16_t word;
    memcpy(&word, (const uint8_t *)p + 2 * i, sizeof word);
    return word;
}

ON_MEMORY uint32_t dword_at(const void *p, int i)
{
    uint32_t dword;
    memcpy(&dword, (const uint8_t *)p + 4 * i, sizeof dword);
    return dword;
}

ON_MEMORY m512i EMULATED(_mm512_maskz_loadu_epi8)(uint64_t mask, const void *p)
{
    EACH_LANE(64, r.byte[i] = mask >> i & 1 ? ((const uint8_t *)p)[i] : 0);
}

ON_MEMORY m512i EMULATED(_mm512_maskz_loadu_epi16)(uint32_t mask, const void *p)
{
    EACH_LANE(32, r.word[i] = mask >> i & 1 ? word_at(p, i) : 0);
}

ON_MEMORY m512i EMULATED(_mm512_maskz_loadu_epi32)(uint16_t mask, const void *p)
{
    EACH_LANE(16, r.dword[i] = mask >> i & 1 ? dword_at(p, i) : 0);
}

ON_MEMORY m256i EMULATED(_mm256_maskz_loadu_epi16)(uint16_t mask, const void *p)
{
    return EMULATED(_mm512_maskz_loadu_epi16)(mask, p).half[0];
}

ON_MEMORY m128i EMULATED(_mm_maskz_loadu_epi8)(uint16_t mask, const void *p)
{
    return EMULATED(_mm512_maskz_loadu_epi8)(mask, p).quarter[0];
}

ON_MEMORY void EMULATED(_mm512_mask_storeu_epi8)(void *p, uint64_t mask, m512i a)
{
    int i;
    for (i = 0; i < 64; i++) {
        if (mask >> i & 1) {
            ((uint8_t *)p)[i] = a.byte[i];
        }
    }
}

ON_MEMORY void EMULATED(_mm512_mask_storeu_epi16)(void *p, uint32_t mask, m512i a)
{
    int i;
    for (i = 0; i < 32; i++) {
        if (mask >> i & 1) {
            memcpy((uint8_t *)p + 2 * i, &a.word[i], 2);
        }
    }
}

ON_MEMORY void EMULATED(_mm512_mask_storeu_epi32)(void *p, uint16_t mask, m512i a)
{
    int i;
    for (i = 0; i < 16; i++) {
        if (mask >> i & 1) {
            memcpy((uint8_t *)p + 4 * i, &a.dword[i], 4);
        }
    }
}

/* Those lanes side by side, from the lowest on; 0 above them. */
INTRINSIC m512i EMULATED(_mm512_maskz_compress_epi8)(uint64_t mask, m512i a)
{
    m512i r = EMULATED(_mm512_setzero_si512)();
    int i, kept = 0;
    for (i = 0; i < 64; i++) {
        if (mask >> i & 1) {
            r.byte[kept++] = a.byte[i];
        }
    }
    return r;
}
