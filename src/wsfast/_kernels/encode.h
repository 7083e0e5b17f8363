/* Encode the storage of a string into exactly as many bytes as it takes, with the encoders
 * of a kernel, which need some slack.
 *
 *     src   |------------- head --------------|--- tail ---|
 *     dst   |------------- head --------------|<- slack    |
 *                                             |--- tail ---|    by way of a buffer
 *
 * Invariant: the tail has at least WSF_ENCODE_SLACK code points, of a byte or more each, or
 * is all of the text; so not one byte outside is written.
 */
#ifndef WSF_ENCODE_H
#define WSF_ENCODE_H

#include "dispatch.h"

#define WSF_TAIL ((size_t)96) /* code points at most */
#define WSF_TAIL_BUFFER (4 * WSF_TAIL + WSF_ENCODE_SLACK)

/* Up to so many code points it is cheaper to encode into such a buffer, and to copy from there
 * what there was, than to find the size first. */
#define WSF_SHORT ((size_t)1024)
#define WSF_SHORT_BUFFER (4 * WSF_SHORT + WSF_ENCODE_SLACK)

/* Up to so many bytes, room for the longest UTF-8 that a text can have is made, and what was
 * not needed of it is given back: that is cheaper than to find the size first.  A frame with
 * so long a text, or a shorter one that is not short, has a header of one size. */
#define WSF_ROOM ((size_t)0xFFFF)

/* The most bytes that a code point of `width` bytes takes. */
WSF_INLINE size_t wsf_most_bytes(unsigned width)
{
    return width == 4 ? 4 : width + 1;
}

/* Encode n units of `width` bytes. */
WSF_INLINE size_t wsf_encode_units(const wsf_kernel *kernel, uint8_t *dst, const void *src,
                                   unsigned width, size_t n, uint32_t key)
{
    switch (width) {
    case 1: return kernel->from_latin1(dst, (const uint8_t *)src, n, key);
    case 2: return kernel->from_ucs2(dst, (const uint16_t *)src, n, key);
    default: return kernel->from_ucs4(dst, (const uint32_t *)src, n, key);
    }
}

/* How many bytes they take. */
WSF_INLINE size_t wsf_encoded_size(const wsf_kernel *kernel, const void *src, unsigned width,
                                   size_t n)
{
    switch (width) {
    case 1: return kernel->latin1_size((const uint8_t *)src, n);
    case 2: return kernel->ucs2_size((const uint16_t *)src, n);
    default: return kernel->ucs4_size((const uint32_t *)src, n);
    }
}

/* Encode into dst[0, size), and no further.  Return the size, or WSF_SURROGATE. */
WSF_INLINE size_t wsf_encode(const wsf_kernel *kernel, uint8_t *dst, const void *src,
                             unsigned width, size_t n, uint32_t key)
{
    uint8_t buffer[WSF_TAIL_BUFFER];
    /* a multiple of 32, so that only the tail ends in the middle of a step */
    const size_t head = n <= WSF_TAIL ? 0 : (n - WSF_ENCODE_SLACK) / 32 * 32;
    const uint8_t *const rest = (const uint8_t *)src + head * width;
    const size_t written = head == 0 ? 0 : wsf_encode_units(kernel, dst, src, width, head, key);
    size_t last;
    if (written == WSF_SURROGATE) {
        return WSF_SURROGATE;
    }
    last = wsf_encode_units(kernel, buffer, rest, width, n - head, wsf_key_advance(key, written));
    if (last == WSF_SURROGATE) {
        return WSF_SURROGATE;
    }
    memcpy(dst + written, buffer, last);
    return written + last;
}

#endif
