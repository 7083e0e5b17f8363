/* Masking with AVX2, 32 bytes at a time, or 16 if there are fewer (RFC 6455 section
 * 5.3).  Algorithm: mask_vector.inc.h.
 *
 * Invariant: the contract of `mask` in dispatch.h.
 */
#include "simd.h"

#if WSF_SIMD_X86

#include "mask_scalar.h"
#include <immintrin.h>

#define TARGET WSF_TARGET("avx2,popcnt")

#include "vectors_x86_128.inc.h"
#include "mask_vector.inc.h"
#include "vectors_undefine.inc.h"

#include "vectors_x86_256.inc.h"
#include "mask_vector.inc.h"

TARGET void wsf_mask_avx2(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key)
{
    if (n < 16) {
        wsf_mask_under16(dst, src, n, key);
    } else if (n < 32) {
        mask_pairs_16(dst, src, n, key);
    } else if (n <= 128) {
        mask_pairs_32(dst, src, n, key);
    } else {
        mask_long_32(dst, src, n, key);
    }
}

#endif
