/* The checks of the encoders, a part of kernels.c: from the units of a text to its bytes.
 *
 * Invariant: as in kernels.c, whose kernel, arenas and text these are.
 */
static const char *const SIZE[] = {"", "latin1_size", "ucs2_size", "", "ucs4_size"};
static const char *const ENCODER[] = {"", "from_latin1", "from_ucs2", "", "from_ucs4"};

/* The units of a text, encoded, are the text again, masked or not. */
static void check_encoder(const uint8_t *bytes, size_t n, unsigned width, size_t offset)
{
    static uint8_t units[1 << 19];
    const size_t size = decode(units, bytes, n, width), count = size / width;
    uint8_t *const src = offset % 2 ? at_start(&source, offset / 2 * width)
                                    : at_end(&source, offset / 2 * width, size);
    uint8_t *const dst = offset % 2 ? at_start(&target, offset) : at_end(&target, offset / 2, n);
    const int masked = offset % 3 != 0;
    size_t i;
    memcpy(src, units, size);
    ring(&target, dst, n);
    expect(wsf_encoded_size(kernel, src, width, count) == n, SIZE[width], count, offset,
           "wrong size");
    expect(wsf_encode(kernel, dst, src, width, count, masked ? wsf_key_at(KEY, offset) : 0) == n,
           ENCODER[width], count, offset, "another size");
    for (i = 0; masked && i < n; i++) {
        dst[i] = (uint8_t)(dst[i] ^ KEY[(i + offset) % 4]);
    }
    expect(memcmp(dst, bytes, n) == 0, ENCODER[width], count, offset, "wrong bytes");
    expect(ring_intact(&target, dst, n), ENCODER[width], count, offset, "wrote outside");
}

/* Without the way around the slack: no more of it is written than there is. */
static void check_slack(const uint8_t *bytes, size_t n, unsigned width, size_t offset)
{
    static uint8_t units[1 << 19];
    const size_t size = decode(units, bytes, n, width), count = size / width;
    uint8_t *const src = at_end(&source, 0, size);
    uint8_t *const dst = at_end(&target, 0, n + WSF_ENCODE_SLACK);
    memcpy(src, units, size);
    ring(&target, dst, n + WSF_ENCODE_SLACK);
    expect(wsf_encode_units(kernel, dst, src, width, count, 0) == n, ENCODER[width], count, offset,
           "another size");
    expect(memcmp(dst, bytes, n) == 0, ENCODER[width], count, offset, "wrong bytes");
    expect(ring_intact(&target, dst, n + WSF_ENCODE_SLACK), ENCODER[width], count, offset,
           "wrote past the slack");
}

static void check_encoders(const uint8_t *bytes, size_t n, size_t offset)
{
    const uint32_t highest = highest_code_point(bytes, n);
    if (highest < 0x100) {
        check_encoder(bytes, n, 1, offset);
        check_slack(bytes, n, 1, offset);
    }
    if (highest < 0x10000) {
        check_encoder(bytes, n, 2, offset);
        check_slack(bytes, n, 2, offset);
    }
    check_encoder(bytes, n, 4, offset);
    check_slack(bytes, n, 4, offset);
}

static void check_surrogate(uint32_t c, size_t at, size_t n)
{
    static uint16_t words[514];
    static uint32_t dwords[514];
    static uint8_t bytes[4 * 514 + 64];
    const int lone = c / 0x800 == 0xD800 / 0x800;
    const size_t size = n + (c < 0x10000 ? 2 : 3);
    size_t i;
    for (i = 0; i < n; i++) {
        dwords[i] = i == at ? c : 'a';
        words[i] = (uint16_t)dwords[i];
    }
    expect(wsf_encode(kernel, bytes, dwords, 4, n, 0) == (lone ? WSF_SURROGATE : size), "from_ucs4",
           n, at, "surrogate");
    if (c < 0x10000) {
        expect(wsf_encode(kernel, bytes, words, 2, n, 0) == (lone ? WSF_SURROGATE : size),
               "from_ucs2", n, at, "surrogate");
    }
}

/* A lone surrogate is found wherever it is; its neighbours in the code space are none. */
static void test_surrogates(void)
{
    static const uint32_t edge[] = {0xD7FF, 0xD800, 0xDABC, 0xDFFF, 0xE000, 0x1D800, 0x10D800};
    size_t n, at, e;
    for (n = 1; n <= 514; n += n < 140 ? 1 : 37) {
        for (at = 0; at < n; at += n < 70 ? 1 : 7) {
            for (e = 0; e < sizeof edge / sizeof edge[0]; e++) {
                check_surrogate(edge[e], at, n);
            }
        }
    }
}

/* Every code point, among others of every length. */
static void test_code_points(void)
{
    static const uint32_t around[] = {'a', 0xE9, 0x20AC, 0x1F600};
    uint8_t bytes[4 * 5];
    uint32_t c;
    size_t n;
    for (c = 0; c <= 0x10FFFF; c += c < 0x3000 || c % 0x800 < 3 || c % 0x800 > 0x7FC ? 1 : 7) {
        if (c / 0x800 == 0xD800 / 0x800) {
            continue;
        }
        n = put(bytes, around[c % 4]);
        n += put(bytes + n, c);
        n += put(bytes + n, around[c / 4 % 4]);
        check_encoders(bytes, n, c % 64);
    }
}

/* Sizes that the places of a vector can't hold: each code point takes the most bytes. */
static void test_large_sizes(void)
{
    static uint16_t words[600000];
    static uint32_t dwords[600000];
    size_t i, n;
    for (i = 0; i < 600000; i++) {
        words[i] = 0xFFFD;
        dwords[i] = 0x10FFFF;
    }
    for (n = 130000; n <= 600000; n += n / 7) {
        expect(kernel->ucs2_size(words, n) == 3 * n, "ucs2_size", n, 0, "wrong size");
        expect(kernel->ucs4_size(dwords, n) == 4 * n, "ucs4_size", n, 0, "wrong size");
    }
}

static void test_encoders(unsigned rounds)
{
    size_t a, n;
    unsigned i;
    test_surrogates();
    test_large_sizes();
    test_code_points();
    for (a = 0; a < ALPHABETS; a++) {
        write_text(text, sizeof text, a);
        for (n = 0; n <= 514; n++) {
            const size_t skip = whole_sequences(text, n % 7);
            const size_t whole = whole_sequences(text + skip, n);
            for (i = 0; i < 8; i++) {
                check_encoders(text + skip, whole, i < 2 ? i : (n + 9 * i) % 64);
            }
        }
        for (n = 600; n < 20000; n += n / 3) {
            check_encoders(text, whole_sequences(text, n), n % 64);
        }
    }
    for (i = 0; i < rounds; i++) {
        n = random_below(i % 16 == 0 ? 3000 : 300);
        write_mixture(text, n + 8);
        check_encoders(text, whole_sequences(text, n), i % 64);
    }
    for (i = 0; i < rounds; i++) { /* narrow texts: only ASCII and one other alphabet */
        n = random_below(i % 16 == 0 ? 3000 : 300);
        write_two(text, n + 8, 1 + i % 3);
        check_encoders(text, whole_sequences(text, n), i % 64);
    }
}
