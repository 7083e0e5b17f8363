/* References and test texts for kernels.c, written from Table 3-7 and RFC 6455 alone.
 *
 * Invariant: nothing here calls a kernel or the automaton of wsfast.
 */
#ifndef REFERENCE_H
#define REFERENCE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dispatch.h"

/* ---- memory between pages that must not be touched --------------------------- */

#define ARENA ((size_t)1 << 19)
#define RING ((size_t)64)

typedef struct arena {
    uint8_t *start, *end;
} arena;

static void new_arena(arena *a)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    uint8_t *p =
        mmap(NULL, ARENA + 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED || mprotect(p, page, PROT_NONE) != 0 ||
        mprotect(p + page + ARENA, page, PROT_NONE) != 0) {
        perror("mmap");
        exit(3);
    }
    a->start = p + page;
    a->end = a->start + ARENA;
}

static uint8_t *at_start(const arena *a, size_t offset)
{
    return a->start + offset;
}

static uint8_t *at_end(const arena *a, size_t offset, size_t n)
{
    return a->end - offset - n;
}

/* Guard bytes on both sides of p[0, n), as far as the arena reaches. */
static void ring(const arena *a, uint8_t *p, size_t n)
{
    const size_t below = (size_t)(p - a->start), above = (size_t)(a->end - p) - n;
    const size_t b = below < RING ? below : RING;
    memset(p - b, 0xA5, b);
    memset(p + n, 0xA5, above < RING ? above : RING);
}

static int ring_intact(const arena *a, const uint8_t *p, size_t n)
{
    const size_t below = (size_t)(p - a->start), above = (size_t)(a->end - p) - n;
    const size_t b = below < RING ? below : RING, c = above < RING ? above : RING;
    size_t i;
    int intact = 1;
    for (i = 0; i < b; i++) {
        intact &= (p - b)[i] == 0xA5;
    }
    for (i = 0; i < c; i++) {
        intact &= p[n + i] == 0xA5;
    }
    return intact;
}

/* ---- Table 3-7 ---------------------------------------------------------------- */

typedef struct row {
    uint8_t lead[2], rest; /* range of lead bytes; how many bytes follow */
    uint8_t second[2];     /* range of the second byte; later ones are 80..BF */
} row;

static const row TABLE_3_7[] = {
    {{0x00, 0x7F}, 0, {0, 0}},       {{0xC2, 0xDF}, 1, {0x80, 0xBF}},
    {{0xE0, 0xE0}, 2, {0xA0, 0xBF}}, {{0xE1, 0xEC}, 2, {0x80, 0xBF}},
    {{0xED, 0xED}, 2, {0x80, 0x9F}}, {{0xEE, 0xEF}, 2, {0x80, 0xBF}},
    {{0xF0, 0xF0}, 3, {0x90, 0xBF}}, {{0xF1, 0xF3}, 3, {0x80, 0xBF}},
    {{0xF4, 0xF4}, 3, {0x80, 0x8F}},
};

static const row *row_of(uint8_t lead)
{
    size_t i;
    for (i = 0; i < sizeof TABLE_3_7 / sizeof TABLE_3_7[0]; i++) {
        if (TABLE_3_7[i].lead[0] <= lead && lead <= TABLE_3_7[i].lead[1]) {
            return &TABLE_3_7[i];
        }
    }
    return NULL;
}

#define LONGEST 80000

typedef struct reference {
    size_t fault;                  /* the first impossible byte; n if there is none */
    uint32_t pending[LONGEST + 1]; /* before each byte, up to the fault */
    size_t points[LONGEST + 1];    /* code points begun before each byte */
    uint8_t highest[LONGEST + 1];  /* highest byte before each byte */
} reference;

/* The bytes p[0, count), the latest in the top byte of the word. */
static uint32_t pending_word(const uint8_t *p, size_t count)
{
    uint32_t word = 0;
    size_t i;
    for (i = 0; i < count; i++) {
        word |= (uint32_t)p[i] << (32 - 8 * (count - i));
    }
    return word;
}

static void refer(reference *r, const uint8_t *p, size_t n)
{
    size_t i, begun = 0; /* bytes of the open sequence so far */
    const row *open = NULL;
    r->points[0] = 0;
    r->highest[0] = 0;
    r->fault = n;
    for (i = 0; i < n; i++) {
        r->pending[i] = pending_word(p + i - begun, begun);
        if (begun == 0) {
            open = row_of(p[i]);
            if (open == NULL) {
                r->fault = i;
                return;
            }
        } else {
            const uint8_t low = begun == 1 ? open->second[0] : 0x80;
            const uint8_t high = begun == 1 ? open->second[1] : 0xBF;
            if (p[i] < low || p[i] > high) {
                r->fault = i;
                return;
            }
        }
        r->points[i + 1] = r->points[i] + (begun == 0);
        r->highest[i + 1] = p[i] > r->highest[i] ? p[i] : r->highest[i];
        begun = begun == open->rest ? 0 : begun + 1;
    }
    r->pending[n] = pending_word(p + n - begun, begun);
}

/* ---- transcoding --------------------------------------------------------------- */

/* One code point of well-formed text. */
static uint32_t code_point(const uint8_t *p, size_t *length)
{
    const size_t rest = row_of(p[0])->rest;
    uint32_t c = rest == 0 ? p[0] : p[0] & (0x3Fu >> rest);
    size_t i;
    for (i = 1; i <= rest; i++) {
        c = c * 64 + p[i] % 64;
    }
    *length = rest + 1;
    return c;
}

static uint32_t highest_code_point(const uint8_t *p, size_t n)
{
    uint32_t highest = 0;
    size_t i, length;
    for (i = 0; i < n; i += length) {
        const uint32_t c = code_point(p + i, &length);
        highest = c > highest ? c : highest;
    }
    return highest;
}

/* Units of `width` bytes in the machine's order; return their size in bytes. */
static size_t decode(uint8_t *dst, const uint8_t *p, size_t n, size_t width)
{
    size_t i, length, size = 0;
    for (i = 0; i < n; i += length, size += width) {
        const uint32_t c = code_point(p + i, &length);
        const uint16_t half = (uint16_t)c;
        const uint8_t byte = (uint8_t)c;
        memcpy(dst + size,
               width == 1   ? (const void *)&byte
               : width == 2 ? (const void *)&half
                            : &c,
               width);
    }
    return size;
}

/* ---- texts ---------------------------------------------------------------------- */

static uint64_t random_state = UINT64_C(0x243F6A8885A308D3);

static uint32_t random_word(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)(random_state >> 16);
}

static size_t random_below(size_t limit)
{
    return limit == 0 ? 0 : random_word() % limit;
}

static void fill_random(uint8_t *p, size_t n)
{
    size_t i;
    for (i = 0; i < n; i++) {
        p[i] = (uint8_t)random_word();
    }
}

/* Ranges of code points: ASCII, Latin, Cyrillic, CJK, emoji; then edges of Table 3-7. */
static const uint32_t ALPHABET[][2] = {
    {0x20, 0x7E},       {0x80, 0xFF},    {0x410, 0x44F},       {0x4E00, 0x9FFF},
    {0x1F300, 0x1F64F}, {0x7FE, 0x802},  {0xFFFE, 0x10001},    {0xD7FE, 0xD7FF},
    {0xE000, 0xE002},   {0xFFF, 0x1001}, {0x10FFFE, 0x10FFFF}, {0x0, 0x1},
};
#define RANGES (sizeof ALPHABET / sizeof ALPHABET[0])
#define ALPHABETS ((size_t)7) /* the first five alone, ASCII with some CJK, and all mixed */

static size_t put(uint8_t *p, uint32_t c)
{
    if (c < 0x80) {
        p[0] = (uint8_t)c;
        return 1;
    }
    if (c < 0x800) {
        p[0] = (uint8_t)(0xC0 + c / 64);
        p[1] = (uint8_t)(0x80 + c % 64);
        return 2;
    }
    if (c < 0x10000) {
        p[0] = (uint8_t)(0xE0 + c / 4096);
        p[1] = (uint8_t)(0x80 + c / 64 % 64);
        p[2] = (uint8_t)(0x80 + c % 64);
        return 3;
    }
    p[0] = (uint8_t)(0xF0 + c / 262144);
    p[1] = (uint8_t)(0x80 + c / 4096 % 64);
    p[2] = (uint8_t)(0x80 + c / 64 % 64);
    p[3] = (uint8_t)(0x80 + c % 64);
    return 4;
}

static size_t put_from(uint8_t *p, size_t range)
{
    const uint32_t *r = ALPHABET[range];
    return put(p, r[0] + (uint32_t)random_below(r[1] - r[0] + 1));
}

/* At least n - 4 bytes of well-formed text, then ASCII up to n. */
static void write_text(uint8_t *p, size_t n, size_t alphabet)
{
    size_t i = 0;
    while (i + 4 <= n) {
        const size_t range = alphabet < 5    ? alphabet
                             : alphabet == 5 ? (random_below(9) == 0 ? 3u : 0u)
                                             : random_below(RANGES);
        i += put_from(p + i, range);
    }
    memset(p + i, 'z', n - i);
}

/* Runs of one range each, short or long, so that ASCII and others alternate. */
static void write_mixture(uint8_t *p, size_t n)
{
    size_t i = 0;
    while (i + 4 <= n) {
        const size_t range = random_below(3) ? random_below(RANGES) : 0;
        size_t run = 1 + random_below(random_below(2) ? 4 : 200);
        for (; run > 0 && i + 4 <= n; run--) {
            i += put_from(p + i, range);
        }
    }
    memset(p + i, 'z', n - i);
}

/* Runs of ASCII and of one other range. */
static void write_two(uint8_t *p, size_t n, size_t range)
{
    size_t i = 0;
    while (i + 4 <= n) {
        const size_t which = random_below(2) ? range : 0;
        size_t run = 1 + random_below(random_below(2) ? 4 : 100);
        for (; run > 0 && i + 4 <= n; run--) {
            i += put_from(p + i, which);
        }
    }
    memset(p + i, 'z', n - i);
}

/* The bytes of the whole sequences among the first n of well-formed text. */
static size_t whole_sequences(const uint8_t *p, size_t n)
{
    size_t i = 0;
    while (i < n && i + row_of(p[i])->rest < n) {
        i += row_of(p[i])->rest + 1u;
    }
    return i;
}

/* ---- faults ---------------------------------------------------------------------- */

/* clang-format off */
static const char *const FAULT[] = {
    "\x80",         "\xBF",         "\xC0\x80",     "\xC1\xBF",         "\xC0",
    "\xC1",         "\xE0\x80\x80", "\xE0\x9F\xBF", "\xED\xA0\x80",     "\xED\xBF\xBF",
    "\xF0\x80\x80\x80", "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF4\xBF\xBF\xBF",
    "\xF5\x80\x80\x80", "\xF8\x88\x80\x80", "\xFE", "\xFF",             "\xF5",
    "\xC2" "A",     "\xE1" "A",     "\xE1\x80" "A", "\xF1" "A",         "\xF1\x80" "A",
    "\xF1\x80\x80" "A", "\xC2\xC2\x80", "\xE1\x80\xC2\x80", "\xF1\x80\x80\xF1", "\xC2\x80\x80",
    "\xE1\x80\x80\x80", "\xF1\x80\x80\x80\x80",
};
/* clang-format on */
#define FAULTS (sizeof FAULT / sizeof FAULT[0])

static size_t fault_length(size_t f)
{
    return strlen(FAULT[f]);
}

static void put_fault(uint8_t *p, size_t f)
{
    memcpy(p, FAULT[f], fault_length(f));
}

#endif
