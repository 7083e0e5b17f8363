/* The intrinsics of immintrin.h that move a lane to where another is. */

/* ---- from lane to lane ------------------------------------------------------------------ */

/* The sixteen dwords from `from` on of b and then a. */
INTRINSIC m512i EMULATED(_mm512_alignr_epi32)(m512i a, m512i b, int from)
{
    m512i r;
    int i;
    for (i = 0; i < 16; i++) {
        const int at = i + (from & 15);
        r.dword[i] = at < 16 ? b.dword[at] : a.dword[at - 16];
    }
    return r;
}

/* Six bits of an index say which byte. */
INTRINSIC m512i EMULATED(_mm512_permutexvar_epi8)(m512i index, m512i a)
{
    EACH_LANE(64, r.byte[i] = a.byte[index.byte[i] & 63]);
}

INTRINSIC m512i EMULATED(_mm512_permutexvar_epi32)(m512i index, m512i a)
{
    EACH_LANE(16, r.dword[i] = a.dword[index.dword[i] & 15]);
}

INTRINSIC m512i EMULATED(_mm512_permutexvar_epi64)(m512i index, m512i a)
{
    EACH_LANE(8, r.qword[i] = a.qword[index.qword[i] & 7]);
}

/* The seventh bit says of which: 0 for a, 1 for b. */
INTRINSIC m512i EMULATED(_mm512_permutex2var_epi8)(m512i a, m512i index, m512i b)
{
    m512i r;
    int i;
    for (i = 0; i < 64; i++) {
        const uint8_t at = index.byte[i] & 63;
        r.byte[i] = index.byte[i] & 64 ? b.byte[at] : a.byte[at];
    }
    return r;
}

INTRINSIC m512i EMULATED(_mm512_cvtepu8_epi16)(m256i a)
{
    EACH_LANE(32, r.word[i] = a.byte[i]);
}

INTRINSIC m512i EMULATED(_mm512_cvtepu8_epi32)(m128i a)
{
    EACH_LANE(16, r.dword[i] = a.byte[i]);
}

INTRINSIC m512i EMULATED(_mm512_cvtepu16_epi32)(m256i a)
{
    EACH_LANE(16, r.dword[i] = a.word[i]);
}

/* Eight bits of a qword, from the bit on that six bits of `from` say, and from bit 0 on again
 * after the last. */
INTRINSIC m512i EMULATED(_mm512_multishift_epi64_epi8)(m512i from, m512i a)
{
    m512i r;
    int i;
    for (i = 0; i < 64; i++) {
        const int at = from.byte[i] & 63;
        const uint64_t word = a.qword[i / 8];
        r.byte[i] = (uint8_t)(at == 0 ? word : word >> at | word << (64 - at));
    }
    return r;
}

/* ---- in each quarter by itself ---------------------------------------------------- */

/* The lower or the upper halves of two quarters in turns. */
INTRINSIC m512i EMULATED(_mm512_unpacklo_epi8)(m512i a, m512i b)
{
    EACH_LANE(64, r.byte[i] = (i & 1 ? b : a).byte[i / 16 * 16 + i % 16 / 2]);
}

INTRINSIC m512i EMULATED(_mm512_unpackhi_epi8)(m512i a, m512i b)
{
    EACH_LANE(64, r.byte[i] = (i & 1 ? b : a).byte[i / 16 * 16 + i % 16 / 2 + 8]);
}

INTRINSIC m512i EMULATED(_mm512_unpacklo_epi16)(m512i a, m512i b)
{
    EACH_LANE(32, r.word[i] = (i & 1 ? b : a).word[i / 8 * 8 + i % 8 / 2]);
}

INTRINSIC m512i EMULATED(_mm512_unpackhi_epi16)(m512i a, m512i b)
{
    EACH_LANE(32, r.word[i] = (i & 1 ? b : a).word[i / 8 * 8 + i % 8 / 2 + 4]);
}

INTRINSIC int32_t nearest(int32_t x, int32_t most)
{
    return x < 0 ? 0 : x > most ? most : x;
}

/* The quarter of a and then that of b: signed numbers, or the nearest that fits unsigned. */
INTRINSIC m512i EMULATED(_mm512_packus_epi16)(m512i a, m512i b)
{
    EACH_LANE(64, r.byte[i] = (uint8_t)nearest(
                      (int16_t)(i % 16 < 8 ? a : b).word[i / 16 * 8 + i % 8], 0xFF));
}

INTRINSIC m512i EMULATED(_mm512_packus_epi32)(m512i a, m512i b)
{
    EACH_LANE(32, r.word[i] = (uint16_t)nearest(
                      (int32_t)(i % 8 < 4 ? a : b).dword[i / 8 * 4 + i % 4], 0xFFFF));
}
