/* From the storage of a string to UTF-8, for any machine.
 *
 *     U+0000..U+007F       0xxxxxxx
 *     U+0080..U+07FF       110xxxxx 10xxxxxx
 *     U+0800..U+FFFF       1110xxxx 10xxxxxx 10xxxxxx
 *     U+10000..U+10FFFF    11110xxx 10xxxxxx 10xxxxxx 10xxxxxx
 *
 * What was written is masked a piece at a time, while it is in the first-level cache.
 *
 * Invariant: the contract of the encoders in dispatch.h; the slack is not used.
 */
#include "dispatch.h"

#define PIECE ((size_t)1024) /* units */

/* Sums of comparisons: compilers have vectors for them on most machines. */
#define SIZE_BODY                                                                                  \
    size_t bytes = n, i;                                                                           \
    for (i = 0; i < n; i++) {                                                                      \
        const uint32_t c = src[i];                                                                 \
        bytes += (size_t)(c >= 0x80) + (size_t)(c >= 0x800) + (size_t)(c >= 0x10000);              \
    }                                                                                              \
    return bytes;

size_t wsf_latin1_size_scalar(const uint8_t *src, size_t n)
{
    SIZE_BODY
}

size_t wsf_ucs2_size_scalar(const uint16_t *src, size_t n)
{
    SIZE_BODY
}

size_t wsf_ucs4_size_scalar(const uint32_t *src, size_t n)
{
    SIZE_BODY
}

/* Write one sequence; return where the next one goes, or NULL. */
WSF_INLINE uint8_t *put(uint8_t *to, uint32_t c)
{
    if (c < 0x80) {
        to[0] = (uint8_t)c;
        return to + 1;
    }
    if (c < 0x800) {
        to[0] = (uint8_t)(0xC0 | c >> 6);
        to[1] = (uint8_t)(0x80 | (c & 0x3F));
        return to + 2;
    }
    if (c >> 11 == 0xD800 >> 11) {
        return NULL;
    }
    if (c < 0x10000) {
        to[0] = (uint8_t)(0xE0 | c >> 12);
        to[1] = (uint8_t)(0x80 | (c >> 6 & 0x3F));
        to[2] = (uint8_t)(0x80 | (c & 0x3F));
        return to + 3;
    }
    to[0] = (uint8_t)(0xF0 | c >> 18);
    to[1] = (uint8_t)(0x80 | (c >> 12 & 0x3F));
    to[2] = (uint8_t)(0x80 | (c >> 6 & 0x3F));
    to[3] = (uint8_t)(0x80 | (c & 0x3F));
    return to + 4;
}

/* The same loop for each width: four units of ASCII at once, or one sequence. */
#define ENCODE_BODY                                                                                \
    uint8_t *const begin = dst;                                                                    \
    size_t i = 0;                                                                                  \
    while (i < n) {                                                                                \
        uint8_t *const piece = dst;                                                                \
        const size_t end = n - i < PIECE ? n : i + PIECE;                                          \
        while (i < end) {                                                                          \
            if (end - i >= 4 && (src[i] | src[i + 1] | src[i + 2] | src[i + 3]) < 0x80) {          \
                dst[0] = (uint8_t)src[i];                                                          \
                dst[1] = (uint8_t)src[i + 1];                                                      \
                dst[2] = (uint8_t)src[i + 2];                                                      \
                dst[3] = (uint8_t)src[i + 3];                                                      \
                dst += 4;                                                                          \
                i += 4;                                                                            \
            } else {                                                                               \
                dst = put(dst, src[i++]);                                                          \
                if (dst == NULL) {                                                                 \
                    return WSF_SURROGATE;                                                          \
                }                                                                                  \
            }                                                                                      \
        }                                                                                          \
        if (key != 0) {                                                                            \
            wsf_mask_scalar(piece, piece, (size_t)(dst - piece), key);                             \
            key = wsf_key_advance(key, (size_t)(dst - piece));                                     \
        }                                                                                          \
    }                                                                                              \
    return (size_t)(dst - begin);

size_t wsf_from_latin1_scalar(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key)
{
    ENCODE_BODY
}

size_t wsf_from_ucs2_scalar(uint8_t *dst, const uint16_t *src, size_t n, uint32_t key)
{
    ENCODE_BODY
}

size_t wsf_from_ucs4_scalar(uint8_t *dst, const uint32_t *src, size_t n, uint32_t key)
{
    ENCODE_BODY
}
