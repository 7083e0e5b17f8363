/* Masking of fewer than 16 bytes, shared by every kernel for its tails.
 *
 * RFC 6455 section 5.3: byte i of the payload is XORed with byte i mod 4 of
 * the masking key.
 *
 * Invariant: every byte is read before any is written, so dst may be src; and
 * overlapping words, not loops over bytes, cover the odd lengths.
 */
#ifndef WSF_MASK_SCALAR_H
#define WSF_MASK_SCALAR_H

#include "config.h"

WSF_INLINE void wsf_mask_under4(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key)
{
    uint8_t k[4];
    if (n == 0) {
        return;
    }
    wsf_store32(k, key);
    {
        /* n = 1: 0 0 0, n = 2: 0 1 1, n = 3: 0 1 2, each written at least once */
        const size_t middle = n >> 1, last = n - 1;
        const uint8_t a = (uint8_t)(src[0] ^ k[0]);
        const uint8_t b = (uint8_t)(src[middle] ^ k[middle]);
        const uint8_t c = (uint8_t)(src[last] ^ k[last]);
        dst[0] = a;
        dst[middle] = b;
        dst[last] = c;
    }
}

WSF_INLINE void wsf_mask_under16(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key)
{
    if (n >= 8) {
        const uint64_t head = wsf_load64(src) ^ wsf_key_double(key);
        const uint64_t tail = wsf_load64(src + n - 8) ^ wsf_key_double(wsf_key_advance(key, n));
        wsf_store64(dst, head);
        wsf_store64(dst + n - 8, tail);
    } else if (n >= 4) {
        const uint32_t head = wsf_load32(src) ^ key;
        const uint32_t tail = wsf_load32(src + n - 4) ^ wsf_key_advance(key, n);
        wsf_store32(dst, head);
        wsf_store32(dst + n - 4, tail);
    } else {
        wsf_mask_under4(dst, src, n, key);
    }
}

#endif
