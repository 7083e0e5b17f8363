/* One operation of one kernel on one text, a given number of times: what
 * bench/instructions.py counts the instructions of.
 *
 *     count KERNEL OPERATION ALPHABET SIZE TIMES
 *
 * Invariant: everything but the calls is the same for any number of TIMES.
 */
#include <stdio.h>
#include <stdlib.h>

#include "encode.h"

static const char *sample(const char *alphabet)
{
    if (strcmp(alphabet, "ascii") == 0) return "The quick brown fox jumps. ";
    if (strcmp(alphabet, "latin") == 0)
        return "Fran\xc3\xa7ois a d\xc3\xa9j\xc3\xa0 \xc3\xa9t\xc3\xa9 \xc3\xa0 K\xc3\xb6ln. ";
    if (strcmp(alphabet, "cyrillic") == 0) return "\xd0\xaf\xd0\xb7\xd1\x8b\xd0\xba\xd0\xb8 ";
    if (strcmp(alphabet, "cjk") == 0) return "\xe6\xbc\xa2\xe5\xad\x97\xe6\x96\x87\xe5\xad\x97";
    if (strcmp(alphabet, "emoji") == 0) return "\xf0\x9f\x98\x80\xf0\x9f\x8e\x89";
    return NULL;
}

/* Fill the buffer with whole copies of the sample, then with spaces. */
static void fill(uint8_t *buffer, size_t n, const char *text)
{
    const size_t length = strlen(text);
    size_t i = 0;
    for (; i + length <= n; i += length) {
        memcpy(buffer + i, text, length);
    }
    memset(buffer + i, ' ', n - i);
}

static size_t run(const wsf_kernel *kernel, const char *operation, uint8_t *dst, const uint8_t *src,
                  size_t n)
{
    uint32_t pending = 0;
    wsf_text text = {0, 0, 0};
    if (strcmp(operation, "mask") == 0) {
        kernel->mask(dst, src, n, 0x04030201u);
        return n;
    }
    if (strcmp(operation, "validate") == 0) {
        return kernel->validate(src, n, &pending);
    }
    if (strcmp(operation, "measure") == 0) {
        return kernel->measure(src, n, &text);
    }
    if (strcmp(operation, "mask_measure") == 0) {
        return kernel->mask_measure(dst, src, n, 0, &text);
    }
    if (strcmp(operation, "to_ucs2") == 0) {
        kernel->to_ucs2((uint16_t *)(void *)dst, src, n);
        return n;
    }
    if (strcmp(operation, "to_ucs4") == 0) {
        kernel->to_ucs4((uint32_t *)(void *)dst, src, n);
        return n;
    }
    return 0;
}

/* The encoders: from units of the text, of so many bytes each, to its bytes, masked. */
static size_t width_of(const char *operation)
{
    return strcmp(operation, "from_ucs2") == 0 ? 2 : strcmp(operation, "from_ucs4") == 0 ? 4 : 0;
}

static size_t to_units(const wsf_kernel *kernel, uint8_t *units, const uint8_t *src, size_t n,
                       size_t width)
{
    wsf_text text = {0, 0, 0};
    kernel->measure(src, n, &text);
    if (width == 2) {
        kernel->to_ucs2((uint16_t *)(void *)units, src, n);
    } else {
        kernel->to_ucs4((uint32_t *)(void *)units, src, n);
    }
    return text.code_points;
}

int main(int argc, char **argv)
{
    const wsf_kernel *kernel = argc == 6 ? wsf_kernel_select(argv[1]) : NULL;
    const char *text = argc == 6 ? sample(argv[3]) : NULL;
    size_t n, times, width, units = 0;
    uint8_t *src, *dst;
    if (kernel == NULL || text == NULL) {
        fprintf(stderr, "usage: count KERNEL OPERATION ALPHABET SIZE TIMES (a kernel that runs)\n");
        return 2;
    }
    n = strtoul(argv[4], NULL, 10);
    times = strtoul(argv[5], NULL, 10);
    src = malloc(n + 64);
    dst = malloc(4 * n + 64);
    if (src == NULL || dst == NULL) {
        return 2;
    }
    fill(src, n, text);
    width = width_of(argv[2]);
    if (width != 0) {
        units = to_units(kernel, dst, src, n, width);
    }
    for (; times > 0; times--) {
        if ((width == 0 ? run(kernel, argv[2], dst, src, n)
                        : wsf_encode(kernel, src, dst, (unsigned)width, units, 0x04030201u)) != n) {
            fprintf(stderr, "%s of %s: wrong result\n", argv[2], argv[3]);
            return 1;
        }
    }
    free(src);
    free(dst);
    return 0;
}
