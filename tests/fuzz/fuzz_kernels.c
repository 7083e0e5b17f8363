/* libFuzzer: every member of a kernel against the references of tests/kernels.
 *
 *     WSFAST_FUZZ_KERNEL=avx2 fuzz_kernels -max_len=4096 seeds/kernels
 *
 * An input is 8 bytes of how, then the text: where the buffers stand, the masking key,
 * where the text is cut in two.  Buffers end (or begin) at a page that must not be touched,
 * so one byte read outside ends the run; bytes beside the target are looked at.
 *
 * Invariant: what is expected comes from reference.h, which calls no kernel.
 */
#include "encode.h"
#include "harness.h"

#define HOW 8

static reference expected;

/* Mask src[0, n) into dst, which stands in `there`; it may be src. */
static void check_mask(const arena *there, uint8_t *dst, const uint8_t *src, const uint8_t *bytes,
                       size_t n, const uint8_t *key)
{
    size_t i;
    ring(there, dst, n);
    kernel->mask(dst, src, n, wsf_key_at(key, 0));
    for (i = 0; i < n; i++) {
        expect(dst[i] == (uint8_t)(bytes[i] ^ key[i & 3]), "mask", "a byte");
    }
    expect(ring_intact(there, dst, n), "mask", "wrote outside");
}

/* One chunk, text[from, to), of which `masked` holds the masked bytes, into dst, which
 * stands in `there`; it may be `masked`. */
static int check_chunk(const arena *there, uint8_t *dst, const uint8_t *masked, size_t from,
                       size_t to, uint32_t key, int measured, uint32_t *pending, wsf_text *text)
{
    const size_t n = to - from;
    const char *const name = measured ? "mask_measure" : "mask_validate";
    size_t end;
    ring(there, dst, n);
    if (measured) {
        end = kernel->mask_measure(dst, masked, n, key, text);
        *pending = text->pending;
    } else {
        end = kernel->mask_validate(dst, masked, n, key, pending);
    }
    expect(ring_intact(there, dst, n), name, "wrote outside");
    expect(end == (expected.fault < to ? expected.fault - from : n), name, "the byte");
    expect(*pending == expected.pending[from + end], name, "pending");
    return end == n;
}

static void check_text(const uint8_t *bytes, size_t n, const uint8_t *how, const uint8_t *key)
{
    const size_t cut = n == 0 ? 0 : (size_t)(how[2] | how[3] << 8) % (n + 1);
    const int measured = how[0] & 0x40, in_place = how[1] & 0x40;
    const size_t bounds[3] = {0, cut, n};
    uint32_t pending = 0;
    wsf_text text = {0, 0, 0};
    size_t i, k;
    for (k = 0; k < 2; k++) {
        const size_t from = bounds[k], to = bounds[k + 1];
        uint8_t *const src = place(&source, how[0], to - from);
        uint8_t *const dst = in_place ? src : place(&target, how[1], to - from);
        int whole;
        for (i = from; i < to; i++) {
            src[i - from] = (uint8_t)(bytes[i] ^ key[i & 3]);
        }
        whole = check_chunk(in_place ? &source : &target, dst, src, from, to, wsf_key_at(key, from),
                            measured, &pending, &text);
        expect(memcmp(dst, bytes + from, to - from) == 0, "fused", "unmasked bytes");
        if (!whole) {
            return;
        }
    }
    if (measured) {
        expect(text.code_points == expected.points[n], "mask_measure", "code points");
        expect(n == 0 || (text.max_byte >= 0x80) == (expected.highest[n] >= 0x80), "mask_measure",
               "ASCII or not");
    }
}

/* A text, from its units to bytes again, masked; how many there are is known. */
static void check_encoder(const uint8_t *bytes, size_t n, const uint8_t *units, size_t size,
                          size_t width, const uint8_t *key)
{
    uint8_t *const src = source.end - size;
    uint8_t *const dst = target.end - n;
    const size_t count = size / width;
    size_t i;
    memcpy(src, units, size);
    ring(&target, dst, n);
    expect(wsf_encoded_size(kernel, src, (unsigned)width, count) == n, "encoder", "the size");
    expect(wsf_encode(kernel, dst, src, (unsigned)width, count, wsf_key_at(key, 0)) == n, "encoder",
           "what it wrote");
    for (i = 0; i < n; i++) {
        expect(dst[i] == (uint8_t)(bytes[i] ^ key[i & 3]), "encoder", "a byte");
    }
    expect(ring_intact(&target, dst, n), "encoder", "wrote outside");
}

static void check_whole(const uint8_t *bytes, size_t n, uint8_t how, const uint8_t *key)
{
    uint8_t *const src = place(&source, how, n);
    uint32_t pending = 0;
    wsf_text text = {0, 0, 0};
    memcpy(src, bytes, n);
    expect(kernel->validate(src, n, &pending) == expected.fault, "validate", "the byte");
    expect(pending == expected.pending[expected.fault], "validate", "pending");
    expect(kernel->measure(src, n, &text) == expected.fault, "measure", "the byte");
    if (expected.fault == n && pending == 0 && n > 0) {
        static uint8_t wanted[4 * LONGEST];
        const uint32_t highest = highest_code_point(src, n);
        const size_t width = highest < 0x100 ? 1 : highest < 0x10000 ? 2 : 4;
        const size_t size = decode(wanted, src, n, width);
        uint8_t *const dst = target.end - size;
        ring(&target, dst, size);
        if (width == 1) {
            kernel->to_latin1(dst, src, n);
        } else if (width == 2) {
            kernel->to_ucs2((uint16_t *)(void *)dst, src, n);
        } else {
            kernel->to_ucs4((uint32_t *)(void *)dst, src, n);
        }
        expect(memcmp(dst, wanted, size) == 0, "transcoder", "a unit");
        expect(ring_intact(&target, dst, size), "transcoder", "wrote outside");
        check_encoder(bytes, n, wanted, size, width, key);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *bytes = data + HOW;
    uint8_t *src;
    size_t n;
    if (size < HOW) {
        return 0;
    }
    n = size - HOW;
    refer(&expected, bytes, n);
    src = place(&source, data[0], n);
    memcpy(src, bytes, n);
    check_mask(&target, place(&target, data[1], n), src, bytes, n, data + 4);
    check_mask(&source, src, src, bytes, n, data + 4);
    check_whole(bytes, n, data[0], data + 4);
    check_text(bytes, n, data, data + 4);
    return 0;
}
