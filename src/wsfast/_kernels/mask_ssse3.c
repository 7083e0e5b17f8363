/* Masking with SSE2, 16 bytes at a time (RFC 6455 section 5.3): the `mask` of the
 * SSSE3 kernel.  Algorithm: mask_vector.inc.h.
 *
 * Invariant: the contract of `mask` in dispatch.h.
 */
#include "simd.h"

#if WSF_SIMD_X86

#include "mask_scalar.h"
#include <immintrin.h>

#define TARGET WSF_TARGET("ssse3,sse4.1,popcnt")

#include "vectors_x86_128.inc.h"
#include "mask_vector.inc.h"

TARGET void wsf_mask_ssse3(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key)
{
    if (n < 16) {
        wsf_mask_under16(dst, src, n, key);
    } else if (n <= 64) {
        mask_pairs_16(dst, src, n, key);
    } else {
        mask_long_16(dst, src, n, key);
    }
}

#endif
