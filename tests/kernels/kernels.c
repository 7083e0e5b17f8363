/* Every compiled kernel against references that share no code with any of them.
 *
 *     kernels [NAME]      all kernels, or the one named
 *
 * Text and payload lie in arenas between pages that must not be touched, at their
 * very edge or at some offset, and what is written is ringed by guard bytes.  The
 * UTF-8 reference is Table 3-7 of the Unicode Standard as a table of ranges.
 *
 * Exit code: 0 if no check failed; 1 at the first that did, and it is named; 2 if
 * the kernel asked for is not compiled or does not run here.
 */
#define _DEFAULT_SOURCE
#include "encode.h"
#include "reference.h"

static const wsf_kernel *kernel;
static unsigned long checks;
static arena source, target;

static void fail(const char *function, size_t length, size_t offset, const char *why)
{
    printf("FAIL kernel=%s function=%s length=%lu offset=%lu: %s\n", kernel->name, function,
           (unsigned long)length, (unsigned long)offset, why);
    exit(1);
}

static void expect(int holds, const char *function, size_t length, size_t offset, const char *why)
{
    checks++;
    if (!holds) {
        fail(function, length, offset, why);
    }
}

static const uint8_t KEY[4] = {0x9E, 0x00, 0x81, 0x7F};

/* ---- mask ------------------------------------------------------------------- */

static void check_mask(size_t n, size_t phase, uint8_t *dst, const uint8_t *src)
{
    static uint8_t wanted[1 << 17];
    const uint32_t key = wsf_key_at(KEY, phase);
    const size_t offset = (size_t)((uintptr_t)src & 63u);
    size_t i;
    for (i = 0; i < n; i++) {
        wanted[i] = (uint8_t)(src[i] ^ KEY[(i + phase) % 4]);
    }
    if (dst != src) {
        ring(&target, dst, n);
    } else {
        ring(&source, dst, n);
    }
    kernel->mask(dst, src, n, key);
    expect(memcmp(dst, wanted, n) == 0, "mask", n, offset, "wrong bytes");
    expect(ring_intact(dst != src ? &target : &source, dst, n), "mask", n, offset, "wrote outside");
}

static void check_mask_at(size_t n, size_t from, size_t to)
{
    size_t phase;
    for (phase = 0; phase < 4; phase++) {
        uint8_t *low = at_start(&source, from), *high = at_end(&source, from, n);
        fill_random(low, n);
        check_mask(n, phase, at_start(&target, to), low);
        check_mask(n, phase, low, low);
        fill_random(high, n);
        check_mask(n, phase, at_end(&target, to, n), high);
        check_mask(n, phase, high, high);
    }
}

static void test_mask(void)
{
    static const size_t every_offset[] = {1, 3, 15, 16, 31, 33, 63, 64, 65, 127, 129, 257, 514};
    static const size_t large[] = {1023, 2047, 2048, 2049, 2111, 4096, 5001, 65536, 70003};
    size_t n, from, to, i;
    for (n = 0; n <= 514; n++) {
        for (i = 0; i < 6; i++) {
            check_mask_at(n, i == 0 ? 0 : (n * 7 + i * 13) % 64, i == 0 ? 0 : (n + i * 29) % 64);
        }
    }
    for (i = 0; i < sizeof every_offset / sizeof every_offset[0]; i++) {
        for (from = 0; from < 64; from++) {
            for (to = 0; to < 64; to += 1 + from % 5) {
                check_mask_at(every_offset[i], from, to);
            }
        }
    }
    for (i = 0; i < sizeof large / sizeof large[0]; i++) {
        for (from = 0; from < 64; from += 9) {
            check_mask_at(large[i], from, (from * 5 + 1) % 64);
        }
    }
}

/* ---- validate, measure, mask_validate, mask_measure -------------------------- */

typedef enum member { VALIDATE, MEASURE, MASK_VALIDATE, MASK_MEASURE } member;
static const char *const MEMBER[] = {"validate", "measure", "mask_validate", "mask_measure"};

typedef struct placing {
    size_t from, to; /* offsets */
    int at_end;      /* at the end of the arena, not the start */
    int in_place;
} placing;

static size_t call(member which, uint8_t *dst, const uint8_t *src, size_t n, uint32_t key,
                   wsf_text *text)
{
    switch (which) {
    case VALIDATE: return kernel->validate(src, n, &text->pending);
    case MEASURE: return kernel->measure(src, n, text);
    case MASK_VALIDATE: return kernel->mask_validate(dst, src, n, key, &text->pending);
    default: return kernel->mask_measure(dst, src, n, key, text);
    }
}

/* Feed text[a, b) to one member; return whether the text goes on. */
static int check_chunk(member which, const reference *r, const uint8_t *bytes, size_t a, size_t b,
                       placing p, wsf_text *text)
{
    const int masks = which == MASK_VALIDATE || which == MASK_MEASURE;
    const size_t n = b - a, phase = a % 4;
    const int faulty = a <= r->fault && r->fault < b;
    const size_t wanted = faulty ? r->fault - a : n;
    uint8_t *src = p.at_end ? at_end(&source, p.from, n) : at_start(&source, p.from);
    uint8_t *dst = p.in_place ? src : p.at_end ? at_end(&target, p.to, n) : at_start(&target, p.to);
    const arena *ringed = dst == src ? &source : &target;
    size_t end, i;
    for (i = 0; i < n; i++) {
        src[i] = (uint8_t)(bytes[a + i] ^ (masks ? KEY[(i + phase) % 4] : 0));
    }
    ring(ringed, dst, n);
    end = call(which, dst, src, n, wsf_key_at(KEY, phase), text);
    expect(end == wanted, MEMBER[which], n, p.from, "wrong index");
    expect(text->pending == r->pending[faulty ? r->fault : b], MEMBER[which], n, p.from,
           "wrong pending word");
    expect(!masks || memcmp(dst, bytes + a, n) == 0, MEMBER[which], n, p.from, "wrong bytes");
    expect(ring_intact(ringed, dst, n), MEMBER[which], n, p.from, "wrote outside");
    if (!faulty && (which == MEASURE || which == MASK_MEASURE)) {
        expect(text->code_points == r->points[b], MEMBER[which], n, p.from, "wrong code points");
        expect(r->highest[b] < 0x80 ? text->max_byte < 0x80 : text->max_byte == r->highest[b],
               MEMBER[which], n, p.from, "wrong highest byte");
    }
    return !faulty;
}

/* Feed bytes[0, n) in the chunks that end at cuts[0], cuts[1], ..., n. */
static void check_text_cut(const uint8_t *bytes, size_t n, const size_t *cuts, size_t count,
                           placing p)
{
    static reference r;
    member which;
    refer(&r, bytes, n);
    for (which = VALIDATE; which <= MASK_MEASURE; which++) {
        wsf_text text = {0, 0, 0};
        size_t a = 0, i;
        for (i = 0; i <= count; i++) {
            const size_t b = i < count ? cuts[i] : n;
            if (!check_chunk(which, &r, bytes, a, b, p, &text)) {
                break;
            }
            a = b;
        }
    }
}

static placing some_place(size_t seed)
{
    placing p;
    p.from = seed % 3 == 0 ? 0 : seed * 7 % 64;
    p.to = seed % 5 == 0 ? 0 : seed * 11 % 64;
    p.at_end = (int)(seed & 1);
    p.in_place = (int)(seed >> 1 & 1);
    return p;
}

static void check_text(const uint8_t *bytes, size_t n, size_t seed)
{
    check_text_cut(bytes, n, NULL, 0, some_place(seed));
}

static uint8_t text[1 << 17];

static void test_lengths(void)
{
    size_t a, n, i;
    for (a = 0; a < ALPHABETS; a++) {
        write_text(text, sizeof text, a);
        for (n = 0; n <= 514; n++) {
            for (i = 0; i < 4; i++) { /* at both ends of a page, copied and in place */
                placing p = some_place(i);
                p.from = p.to = 0;
                check_text_cut(text, n, NULL, 0, p);
                check_text(text + i, n, n + i); /* may begin with continuations */
            }
        }
        for (n = 2040; n < 2400; n += 7) {
            check_text(text, n, n);
        }
        check_text(text, 70001, 5);
    }
}

static void test_offsets(void)
{
    static const size_t lengths[] = {7, 16, 17, 33, 64, 65, 125, 128, 129, 257, 514, 2500};
    size_t a, i;
    for (a = 0; a < ALPHABETS; a++) {
        write_text(text, sizeof text, a);
        for (i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
            placing p = {0, 0, 0, 0};
            for (p.from = 0; p.from < 64; p.from++) {
                p.to = p.from * 37 % 64;
                p.at_end = (int)(p.from & 1);
                check_text_cut(text, lengths[i], NULL, 0, p);
                p.in_place = !p.in_place;
            }
        }
    }
}

/* Each fault at each position of 200 bytes; ends of text anywhere after it. */
static void test_faults(void)
{
    static uint8_t copy[4096];
    size_t a, f, i, seed = 0;
    for (a = 0; a < ALPHABETS; a++) {
        write_text(text, sizeof text, a);
        for (f = 0; f < FAULTS; f++) {
            for (i = 0; i < 200; i++, seed++) {
                const size_t end = i + fault_length(f);
                memcpy(copy, text, 300);
                put_fault(copy + i, f);
                check_text(copy, end, seed);
                check_text(copy, end > 200 ? end : 200, seed + 1);
                check_text(copy, i + 1 + seed % 80, seed);
            }
            for (i = 200; i < 2500; i += 1 + i / 16, seed++) {
                memcpy(copy, text, 2600);
                put_fault(copy + i, f);
                check_text(copy, 2600, seed);
            }
        }
    }
}

/* A well-formed text of every length before each fault, which may be cut short. */
static void test_prefixes(void)
{
    static uint8_t copy[1024];
    size_t a, f, n, cut, seed = 0;
    for (a = 0; a < ALPHABETS; a++) {
        write_text(text, sizeof text, a);
        for (n = 0; n < 300; n++) {
            const size_t whole = whole_sequences(text, n);
            for (f = 0; f < FAULTS; f++, seed++) {
                memcpy(copy, text, whole);
                put_fault(copy + whole, f);
                memset(copy + whole + fault_length(f), 'x', 80);
                for (cut = 1; cut <= fault_length(f); cut++) {
                    check_text(copy, whole + cut, seed + cut);
                }
                check_text(copy, whole + fault_length(f) + seed % 80, seed);
            }
        }
    }
}

static void test_splits(void)
{
    static uint8_t copy[1024];
    size_t a, cut, seed = 0;
    for (a = 0; a < ALPHABETS; a++) {
        write_text(text, sizeof text, a);
        for (cut = 0; cut <= 300; cut++, seed++) {
            memcpy(copy, text, 300);
            check_text_cut(copy, 300, &cut, 1, some_place(seed));
            put_fault(copy + seed * 31 % 300, seed % FAULTS);
            check_text_cut(copy, 300, &cut, 1, some_place(seed));
        }
    }
}

static size_t random_cuts(size_t *cuts, size_t limit, size_t n)
{
    const size_t step = 1 + random_below(random_below(2) ? 9 : 1 + n);
    size_t count = 0, at = 0;
    while (count < limit && (at += random_below(step + 1)) < n) {
        cuts[count++] = at;
    }
    return count;
}

static void test_random(unsigned rounds)
{
    static size_t cuts[400];
    unsigned i;
    for (i = 0; i < rounds; i++) {
        const size_t n = random_below(i % 16 == 0 ? 5000 : i % 4 == 0 ? 700 : 140);
        size_t changes = random_below(3), count;
        write_mixture(text, n + 8);
        for (; changes > 0 && n > 0; changes--) {
            text[random_below(n)] = (uint8_t)random_below(256);
        }
        if (i % 8 == 0) {
            put_fault(text + random_below(n + 1), random_below(FAULTS));
        }
        count = i % 3 == 0 ? 0 : random_cuts(cuts, sizeof cuts / sizeof cuts[0], n);
        check_text_cut(text, n, cuts, count, some_place(i));
    }
}

/* ---- transcoders ------------------------------------------------------------- */

static const char *const TRANSCODER[] = {"", "to_latin1", "to_ucs2", "", "to_ucs4"};

static void check_transcoder(const uint8_t *bytes, size_t n, size_t width, size_t offset)
{
    static uint8_t wanted[1 << 19];
    const size_t size = decode(wanted, bytes, n, width);
    uint8_t *src = offset % 2 ? at_start(&source, offset) : at_end(&source, offset / 2, n);
    uint8_t *dst = offset % 2 ? at_start(&target, offset / 2 * width)
                              : at_end(&target, offset / 2 * width, size);
    memcpy(src, bytes, n);
    ring(&target, dst, size);
    if (width == 1) {
        kernel->to_latin1(dst, src, n);
    } else if (width == 2) {
        kernel->to_ucs2((uint16_t *)(void *)dst, src, n);
    } else {
        kernel->to_ucs4((uint32_t *)(void *)dst, src, n);
    }
    expect(memcmp(dst, wanted, size) == 0, TRANSCODER[width], n, offset, "wrong code units");
    expect(ring_intact(&target, dst, size), TRANSCODER[width], n, offset, "wrote outside");
}

static void check_transcoders(const uint8_t *bytes, size_t n, size_t offset)
{
    const uint32_t highest = highest_code_point(bytes, n);
    if (highest < 0x100) {
        check_transcoder(bytes, n, 1, offset);
    }
    if (highest < 0x10000) {
        check_transcoder(bytes, n, 2, offset);
    }
    check_transcoder(bytes, n, 4, offset);
}

static void test_transcoders(unsigned rounds)
{
    size_t a, n;
    unsigned i;
    for (a = 0; a < ALPHABETS; a++) {
        write_text(text, sizeof text, a);
        for (n = 0; n <= 514; n++) {
            const size_t skip = whole_sequences(text, n % 7);
            const size_t whole = whole_sequences(text + skip, n);
            for (i = 0; i < 8; i++) {
                check_transcoders(text + skip, whole, i < 2 ? i : (n + 9 * i) % 64);
            }
        }
        for (n = 600; n < 20000; n += n / 3) {
            check_transcoders(text, whole_sequences(text, n), n % 64);
        }
    }
    for (i = 0; i < rounds; i++) {
        n = random_below(i % 16 == 0 ? 3000 : 300);
        write_mixture(text, n + 8);
        check_transcoders(text, whole_sequences(text, n), i % 64);
    }
    for (i = 0; i < rounds; i++) { /* narrow texts: only ASCII and one other alphabet */
        n = random_below(i % 16 == 0 ? 3000 : 300);
        write_two(text, n + 8, 1 + i % 2);
        check_transcoders(text, whole_sequences(text, n), i % 64);
    }
}

#include "encoders.inc.h"

static void test_kernel(void)
{
    checks = 0;
    test_mask();
    test_lengths();
    test_offsets();
    test_faults();
    test_prefixes();
    test_splits();
    test_random(60000);
    test_transcoders(10000);
    test_encoders(10000);
    printf("ok kernel=%s: %lu checks\n", kernel->name, checks);
}

int main(int argc, char **argv)
{
    const char *const name = argc > 1 ? argv[1] : NULL;
    size_t i;
    int ran = 0;
    setvbuf(stdout, NULL, _IOLBF, 0);
    new_arena(&source);
    new_arena(&target);
    for (i = 0; (kernel = wsf_kernel_compiled(i)) != NULL; i++) {
        if (name != NULL && strcmp(name, kernel->name) != 0) {
            continue;
        }
        if (!wsf_kernel_runs(kernel)) {
            printf(
                "SKIP kernel=%s: this CPU, or its system, lacks %#lx of what it requires, %#lx\n",
                kernel->name, (unsigned long)(kernel->required & ~wsf_cpu_features()),
                (unsigned long)kernel->required);
            continue;
        }
        test_kernel();
        ran++;
    }
    if (ran == 0) {
        printf("SKIP kernel=%s: nothing ran\n", name ? name : "(all)");
        return 2;
    }
    return 0;
}
