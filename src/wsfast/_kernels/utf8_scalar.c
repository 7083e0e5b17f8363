/* UTF-8 validation for any machine: ASCII by words, the rest by a shift automaton.
 *
 * The automaton of Table 3-7 (utf8_automaton.h) has nine states.  A state is a
 * multiple of 6; the row of a byte is 64 bits with the next state of state s at
 * bit s.  One step is a load and a shift, with no branch on the text:
 *
 *     state = ROW[byte] >> (state & 63)
 *
 *     bits of a row:  53..48  47..42  41..36  35..30  29..24  23..18  17..12  11..6   5..0
 *     next of state:  F4      F0      ED      E0      THREE   TWO     ONE     START   FAULT
 *
 * (The idea is Per Vognsen's.)  FAULT is 0, so a transition that is in no row leads
 * there, and nothing leads out of it.
 *
 * Invariant: the contracts of `validate`, `measure`, `mask_validate` and
 * `mask_measure` in dispatch.h.
 */
#include "dispatch.h"
#include "utf8_scalar.h"

/* The states: what may follow. */
enum {
    FAULT = 0,  /* nothing */
    START = 6,  /* a lead byte */
    ONE = 12,   /* one continuation byte */
    TWO = 18,   /* two */
    THREE = 24, /* three */
    AFTER_E0 = 30,
    AFTER_ED = 36,
    AFTER_F0 = 42,
    AFTER_F4 = 48
};

#define TO(state, next) ((uint64_t)(next) << (state))
#define ASCII TO(START, START)
#define ANY_TAIL (TO(ONE, START) | TO(TWO, ONE) | TO(THREE, TWO))
#define TAIL_8 (ANY_TAIL | TO(AFTER_ED, ONE) | TO(AFTER_F4, TWO))  /* 80..8F */
#define TAIL_9 (ANY_TAIL | TO(AFTER_ED, ONE) | TO(AFTER_F0, TWO))  /* 90..9F */
#define TAIL_AB (ANY_TAIL | TO(AFTER_E0, ONE) | TO(AFTER_F0, TWO)) /* A0..BF */
#define LEAD_2 TO(START, ONE)
#define LEAD_3 TO(START, TWO)
#define LEAD_4 TO(START, THREE)

#define X4(row) row, row, row, row
#define X16(row) X4(row), X4(row), X4(row), X4(row)

/* clang-format off */
static const uint64_t ROW[256] = {
    X16(ASCII), X16(ASCII), X16(ASCII), X16(ASCII), /* 00..3F */
    X16(ASCII), X16(ASCII), X16(ASCII), X16(ASCII), /* 40..7F */
    X16(TAIL_8), X16(TAIL_9), X16(TAIL_AB), X16(TAIL_AB), /* 80..BF */
    0, 0, LEAD_2, LEAD_2, X4(LEAD_2), X4(LEAD_2), X4(LEAD_2), /* C0..CF */
    X16(LEAD_2), /* D0..DF */
    TO(START, AFTER_E0), LEAD_3, LEAD_3, LEAD_3, X4(LEAD_3), X4(LEAD_3), /* E0..EB */
    LEAD_3, TO(START, AFTER_ED), LEAD_3, LEAD_3, /* EC..EF */
    TO(START, AFTER_F0), LEAD_4, LEAD_4, LEAD_4, TO(START, AFTER_F4) /* F0..F4; then 0 */
};
/* clang-format on */

#define HIGH_BITS UINT64_C(0x8080808080808080)

WSF_INLINE uint64_t step(uint64_t state, uint8_t byte)
{
    return ROW[byte] >> (state & 63u);
}

size_t wsf_utf8_locate(const uint8_t *src, size_t from, size_t n, uint32_t *pending)
{
    size_t i;
    *pending = wsf_utf8_pending_at(src, from, *pending);
    for (i = from; i < n; i++) {
        const uint32_t next = wsf_utf8_step(*pending, src[i]);
        if (next == WSF_UTF8_FAULT) {
            return i;
        }
        *pending = next;
    }
    return n;
}

size_t wsf_validate_scalar(const uint8_t *src, size_t n, uint32_t *pending)
{
    uint64_t state = START;
    size_t i = 0, j;
    while (*pending != 0 && i < n) { /* finish what an earlier chunk began */
        const uint32_t next = wsf_utf8_step(*pending, src[i]);
        if (next == WSF_UTF8_FAULT) {
            return i;
        }
        *pending = next;
        i++;
    }
    if (i == n) {
        return n;
    }
    for (; n - i >= 16; i += 16) {
        if ((state & 63u) == START &&
            ((wsf_load64(src + i) | wsf_load64(src + i + 8)) & HIGH_BITS) == 0) {
            continue;
        }
        for (j = 0; j < 16; j++) {
            state = step(state, src[i + j]);
        }
        if ((state & 63u) == FAULT) {
            return wsf_utf8_locate(src, i, n, pending);
        }
    }
    for (j = i; j < n; j++) {
        state = step(state, src[j]);
    }
    if ((state & 63u) == FAULT) {
        return wsf_utf8_locate(src, i, n, pending);
    }
    *pending = wsf_utf8_pending_at(src, n, *pending);
    return n;
}

/* Plain loops over bytes, which compilers vectorize. */
static void add_counts(const uint8_t *src, size_t n, wsf_text *text)
{
    size_t i, leads = 0;
    uint8_t highest = text->max_byte;
    for (i = 0; i < n; i++) {
        leads += (src[i] & 0xC0u) != 0x80u;
    }
    for (i = 0; i < n; i++) {
        highest = src[i] > highest ? src[i] : highest;
    }
    text->code_points += leads;
    text->max_byte = highest;
}

size_t wsf_measure_scalar(const uint8_t *src, size_t n, wsf_text *text)
{
    add_counts(src, n, text);
    return wsf_validate_scalar(src, n, &text->pending);
}

/* Blocks that stay in the first-level cache between the two passes. */
#define BLOCK ((size_t)4096)

size_t wsf_mask_validate_scalar(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key,
                                uint32_t *pending)
{
    size_t i;
    for (i = 0; i < n; i += BLOCK) {
        const size_t length = n - i < BLOCK ? n - i : BLOCK;
        size_t valid;
        wsf_mask_scalar(dst + i, src + i, length, key);
        valid = wsf_validate_scalar(dst + i, length, pending);
        if (valid != length) {
            wsf_mask_scalar(dst + i + length, src + i + length, n - i - length, key);
            return i + valid;
        }
    }
    return n;
}

size_t wsf_mask_measure_scalar(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key,
                               wsf_text *text)
{
    const size_t valid = wsf_mask_validate_scalar(dst, src, n, key, &text->pending);
    add_counts(dst, n, text);
    return valid;
}
