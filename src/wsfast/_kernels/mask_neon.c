/* Masking with NEON, 16 bytes at a time (RFC 6455 section 5.3).
 * Algorithm: mask_vector.inc.h.
 *
 * Invariant: the contract of `mask` in dispatch.h.
 */
#include "simd.h"

#if WSF_ARCH_ARM64

#include "mask_scalar.h"
#include <arm_neon.h>

#define TARGET /* every AArch64 has NEON */

#include "vectors_neon.inc.h"
#include "mask_vector.inc.h"

void wsf_mask_neon(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key)
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
