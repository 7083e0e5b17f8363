/* Masking with 64-bit words, for any machine (RFC 6455 section 5.3).
 *
 * Invariant: the contract of `mask` in dispatch.h.
 */
#include "dispatch.h"
#include "mask_scalar.h"

/*  src  |--8--|--8--|--8--|..tail..|
 *                      |-----8-----|   the last 8 bytes, read before the loop
 *                                      may overwrite them (dst == src)
 */
void wsf_mask_scalar(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key)
{
    const uint64_t wide = wsf_key_double(key);
    uint64_t tail;
    size_t i, words;
    if (n < 16) {
        wsf_mask_under16(dst, src, n, key);
        return;
    }
    tail = wsf_load64(src + n - 8) ^ wsf_key_double(wsf_key_advance(key, n));
    words = (n - 1) / 8;
    for (i = 0; i < words; i++) {
        wsf_store64(dst + 8 * i, wsf_load64(src + 8 * i) ^ wide);
    }
    wsf_store64(dst + n - 8, tail);
}
