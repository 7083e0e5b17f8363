/* How fast is each kernel?  C to C, against memcpy and, if linked, simdutf.
 *
 *     kernels [FUNCTION|- [ALPHABET|- [SIZE]]]
 *
 * One line for each function, alphabet, size and candidate, separated by tabs:
 *
 *     function  alphabet  bytes  candidate  ns  GB/s  (ns of memcpy)/ns
 *
 * Candidates take turns, and each figure is the minimum over the turns: what slows
 * the machine down for a while falls on all of them or is not seen.  Pin the process
 * to one core.  The source begins at offset 38 of a cache line, the target at 0.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "dispatch.h"
#include "encode.h"
#include "others.h"

#define LARGEST ((size_t)1 << 24)
#define TURNS 15
#define TURN_NS 20000.0

static uint8_t *source, *target;
static uint8_t *units; /* the source as the storage of a string, for what encodes */
static size_t unit_count;
static volatile size_t sink;

/* ---- texts ------------------------------------------------------------------- */

static const char *const ALPHABET[] = {"ascii", "latin", "cyrillic", "cjk", "emoji", "json"};
#define ALPHABETS (sizeof ALPHABET / sizeof ALPHABET[0])

static uint32_t random_word(void)
{
    static uint64_t state = UINT64_C(0x9E3779B97F4A7C15);
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 16);
}

static size_t put(uint8_t *p, uint32_t c)
{
    size_t rest = c < 0x80 ? 0 : c < 0x800 ? 1 : c < 0x10000 ? 2 : 3, i;
    static const uint8_t lead[] = {0, 0xC0, 0xE0, 0xF0};
    for (i = rest; i > 0; i--, c >>= 6) {
        p[i] = (uint8_t)(0x80 | (c & 0x3F));
    }
    p[0] = (uint8_t)(lead[rest] | c);
    return rest + 1;
}

/* A word of the alphabet, and the space after it. */
static size_t put_word(uint8_t *p, size_t alphabet)
{
    static const uint32_t first[] = {'a', 0xC0, 0x430, 0x4E00, 0x1F300};
    static const uint32_t count[] = {26, 64, 32, 20000, 512};
    size_t i = 0, letters = 2 + random_word() % 8;
    for (; letters > 0; letters--) {
        /* Latin text: one letter in four has a diacritic */
        const size_t which = alphabet == 1 && random_word() % 4 != 0 ? 0 : alphabet;
        i += put(p + i, first[which] + random_word() % count[which]);
    }
    if (alphabet != 3 && alphabet != 4) {
        p[i++] = ' ';
    }
    return i;
}

/* Objects whose names are ASCII and some of whose values are not. */
static size_t put_json(uint8_t *p)
{
    const size_t alphabet = random_word() % 3 != 0 ? 0 : random_word() % 5;
    size_t i = (size_t)sprintf((char *)p,
                               "{\"id\":%u,\"created_at\":\"2026-01-%02uT10:00:00Z\",\"text\":\"",
                               random_word() % 100000, random_word() % 28 + 1);
    size_t words = random_word() % 8;
    for (; words > 0; words--) {
        i += put_word(p + i, alphabet);
    }
    i += (size_t)sprintf((char *)p + i, "\",\"ok\":true},");
    return i;
}

/* n bytes of well-formed text: the last sequence is cut off and replaced. */
static void write_text(uint8_t *p, size_t n, size_t alphabet)
{
    uint8_t piece[512];
    size_t i = 0;
    while (i < n) {
        size_t length = alphabet == 5 ? put_json(piece) : put_word(piece, alphabet);
        if (length > n - i) {
            for (length = n - i; length > 0 && (piece[length] & 0xC0) == 0x80; length--) {
            }
            memcpy(p + i, piece, length);
            memset(p + i + length, ' ', n - i - length);
            return;
        }
        memcpy(p + i, piece, length);
        i += length;
    }
}

/* ---- candidates -------------------------------------------------------------- */

typedef enum function {
    MASK,
    MASK_IN_PLACE,
    VALIDATE,
    MEASURE,
    MASK_VALIDATE,
    MASK_MEASURE,
    LATIN1,
    UCS2,
    UCS4,
    FAULT,
    FROM_LATIN1,
    FROM_UCS2,
    FROM_UCS4
} function;
static const char *const FUNCTION[] = {
    "mask",         "mask_in_place", "validate", "measure", "mask_validate",
    "mask_measure", "to_latin1",     "to_ucs2",  "to_ucs4", "validate_fault_at_end",
    "from_latin1",  "from_ucs2",     "from_ucs4"};
#define FUNCTIONS (sizeof FUNCTION / sizeof FUNCTION[0])

typedef struct candidate {
    const char *name;
    const wsf_kernel *kernel; /* NULL: memcpy or another library */
    int other;                /* index into OTHERS, or -1 for memcpy */
    double best;
} candidate;

/* The bytes of a unit of the string that it encodes, 0 if it does not encode. */
static unsigned unit_width(function f)
{
    return f == FROM_LATIN1 ? 1 : f == FROM_UCS2 ? 2 : f == FROM_UCS4 ? 4 : 0;
}

static size_t run_kernel(const wsf_kernel *k, function f, size_t n)
{
    uint32_t pending = 0;
    wsf_text text = {0, 0, 0};
    const uint32_t key = 0x12345678;
    switch (f) {
    case MASK: k->mask(target, source, n, key); return n;
    case MASK_IN_PLACE: k->mask(source, source, n, key); return n;
    case VALIDATE:
    case FAULT: return k->validate(source, n, &pending);
    case MEASURE: return k->measure(source, n, &text);
    case MASK_VALIDATE: return k->mask_validate(target, source, n, key, &pending);
    case MASK_MEASURE: return k->mask_measure(target, source, n, key, &text);
    case LATIN1: k->to_latin1(target, source, n); return n;
    case UCS2: k->to_ucs2((uint16_t *)(void *)target, source, n); return n;
    case FROM_LATIN1:
    case FROM_UCS2:
    case FROM_UCS4: return wsf_encode(k, target, units, unit_width(f), unit_count, 0);
    default: k->to_ucs4((uint32_t *)(void *)target, source, n); return n;
    }
}

static size_t run_other(int other, function f, size_t n)
{
    switch (f) {
    case VALIDATE:
    case FAULT: return other_validate(other, source, n);
    case LATIN1: return other_to_latin1(other, target, source, n);
    case UCS2: return other_to_utf16(other, (uint16_t *)(void *)target, source, n);
    case UCS4: return other_to_utf32(other, (uint32_t *)(void *)target, source, n);
    case FROM_LATIN1: return other_from_latin1(other, target, units, unit_count);
    case FROM_UCS2: return other_from_utf16(other, target, (uint16_t *)(void *)units, unit_count);
    case FROM_UCS4: return other_from_utf32(other, target, (uint32_t *)(void *)units, unit_count);
    default: return 0;
    }
}

static void run_memcpy(size_t n)
{
    void *(*volatile copy)(void *, const void *, size_t) = memcpy;
    copy(target, source, n);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static double time_calls(const candidate *c, function f, size_t n, unsigned calls)
{
    const double begin = now();
    unsigned i;
    for (i = 0; i < calls; i++) {
        if (c->kernel != NULL) {
            sink = run_kernel(c->kernel, f, n);
        } else if (c->other >= 0) {
            sink = run_other(c->other, f, n);
        } else {
            run_memcpy(n);
        }
    }
    return (now() - begin) / calls;
}

static size_t list_candidates(candidate *c, function f)
{
    size_t count = 0, i;
    const wsf_kernel *k;
    const candidate copy = {"memcpy", NULL, -1, 1e18};
    c[count++] = copy;
    for (i = 0; (k = wsf_kernel_compiled(i)) != NULL; i++) {
        if (wsf_kernel_runs(k)) {
            const candidate kernel = {k->name, k, -1, 1e18};
            c[count++] = kernel;
        }
    }
    if (f == VALIDATE || f == FAULT || f >= LATIN1) {
        for (i = 0; i < OTHERS; i++) {
            if (other_name((int)i) != NULL) {
                const candidate other = {other_name((int)i), NULL, (int)i, 1e18};
                c[count++] = other;
            }
        }
    }
    return count;
}

static void compare(function f, size_t alphabet, size_t n)
{
    candidate c[16];
    const size_t count = list_candidates(c, f);
    unsigned turn, calls[16];
    size_t i;
    for (i = 0; i < count; i++) {
        const double once = time_calls(&c[i], f, n, 3);
        calls[i] = once > TURN_NS ? 1 : (unsigned)(TURN_NS / (once + 1)) + 1;
    }
    for (turn = 0; turn < TURNS; turn++) {
        for (i = 0; i < count; i++) {
            const double ns = time_calls(&c[i], f, n, calls[i]);
            c[i].best = ns < c[i].best ? ns : c[i].best;
        }
    }
    for (i = 0; i < count; i++) {
        printf("%s\t%s\t%lu\t%s\t%.2f\t%.2f\t%.3f\n", FUNCTION[f], ALPHABET[alphabet],
               (unsigned long)n, c[i].name, c[i].best, (double)n / c[i].best,
               c[0].best / c[i].best);
    }
}

static int fits(function f, size_t alphabet)
{
    if (f == MASK || f == MASK_IN_PLACE) {
        return alphabet == 0; /* masking does not look at the text */
    }
    return !((f == LATIN1 || f == FROM_LATIN1) && alphabet > 1) &&
           !((f == UCS2 || f == FROM_UCS2) && alphabet > 3) &&
           !(f == FAULT && alphabet != 0 && alphabet != 3);
}

/* Store the source as a string; every way to encode must make the source of it again. */
static void write_units(function f, size_t n)
{
    const wsf_kernel *k;
    size_t i;
    unit_count = 0;
    for (i = 0; i < n; i++) {
        unit_count += (source[i] & 0xC0) != 0x80;
    }
    switch (f) {
    case FROM_LATIN1: wsf_to_latin1_scalar(units, source, n); break;
    case FROM_UCS2: wsf_to_ucs2_scalar((uint16_t *)(void *)units, source, n); break;
    default: wsf_to_ucs4_scalar((uint32_t *)(void *)units, source, n); break;
    }
    for (i = 0; (k = wsf_kernel_compiled(i)) != NULL; i++) {
        if (wsf_kernel_runs(k) && (run_kernel(k, f, n) != n || memcmp(target, source, n) != 0)) {
            fprintf(stderr, "%s: %s is wrong\n", k->name, FUNCTION[f]);
            exit(1);
        }
    }
    for (i = 0; i < OTHERS; i++) {
        if (other_name((int)i) != NULL &&
            (run_other((int)i, f, n) != n || memcmp(target, source, n) != 0)) {
            fprintf(stderr, "%s: %s is wrong\n", other_name((int)i), FUNCTION[f]);
            exit(1);
        }
    }
}

static void compare_text(function f, size_t alphabet, size_t n)
{
    size_t i;
    write_text(source, n, alphabet);
    if (f == MASK_VALIDATE || f == MASK_MEASURE) {
        const uint32_t key = 0x12345678;
        for (i = 0; i < n; i++) {
            source[i] = (uint8_t)(source[i] ^ ((const uint8_t *)&key)[i % 4]);
        }
    }
    if (f == FAULT) {
        source[n - 1] = 0xFF;
    }
    if (unit_width(f) != 0) {
        write_units(f, n);
    }
    compare(f, alphabet, n);
}

static int chosen(int argc, char **argv, int which, const char *name)
{
    return argc <= which || strcmp(argv[which], "-") == 0 || strcmp(argv[which], name) == 0;
}

int main(int argc, char **argv)
{
    static const size_t sizes[] = {16, 64, 125, 1024, 16384, 65536, 1048576, LARGEST};
    const size_t only = argc > 3 ? (size_t)strtoul(argv[3], NULL, 10) : 0;
    cpu_set_t one;
    size_t f, a, s;
    CPU_ZERO(&one);
    CPU_SET((size_t)sched_getcpu(), &one);
    sched_setaffinity(0, sizeof one, &one);
    source = (uint8_t *)aligned_alloc(4096, LARGEST + 4096);
    target = (uint8_t *)aligned_alloc(4096, 4 * LARGEST + 4096);
    units = (uint8_t *)aligned_alloc(4096, 4 * LARGEST + 4096);
    memset(target, 1, 4 * LARGEST + 4096);
    source += 38;
    for (f = 0; f < FUNCTIONS; f++) {
        for (a = 0; a < ALPHABETS; a++) {
            for (s = 0; s < (only != 0 ? 1 : sizeof sizes / sizeof sizes[0]); s++) {
                if (fits((function)f, a) && chosen(argc, argv, 1, FUNCTION[f]) &&
                    chosen(argc, argv, 2, ALPHABET[a])) {
                    compare_text((function)f, a, only != 0 ? only : sizes[s]);
                }
            }
        }
    }
    return 0;
}
