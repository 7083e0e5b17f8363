/* UTF-8 validation with AVX2: vectors of 32 bytes, and of 16 for short texts.
 *
 * Algorithm: utf8_lookup.inc.h.
 *
 * Invariant: the contracts of `validate`, `measure`, `mask_validate` and
 * `mask_measure` in dispatch.h.
 */
#include "simd.h"

#if WSF_SIMD_X86

#include "mask_scalar.h"
#include <immintrin.h>

#define TARGET WSF_TARGET("avx2,popcnt")
#define MASK wsf_mask_avx2

/* Twice, as a lookup of 32 bytes looks into each half. */
static const uint8_t FIRST_HIGH[32] = {WSF_FIRST_HIGH, WSF_FIRST_HIGH};
static const uint8_t FIRST_LOW[32] = {WSF_FIRST_LOW, WSF_FIRST_LOW};
static const uint8_t SECOND_HIGH[32] = {WSF_SECOND_HIGH, WSF_SECOND_HIGH};

#include "vectors_x86_128.inc.h"
#define TAKE_SHORTER take_under19
#include "utf8_lookup.inc.h"
#include "vectors_undefine.inc.h"

#include "vectors_x86_256.inc.h"
#define TAKE_SHORTER take_short_16
#include "utf8_lookup.inc.h"

#define take_short take_short_32
#define take_long take_long_32
#define SHORT_TEXT ((size_t)128)
#include "utf8_members.inc.h"

const wsf_kernel wsf_kernel_avx2 = {
    "avx2",       WSF_CPU_AVX2 | WSF_CPU_SSSE3 | WSF_CPU_POPCNT,
    wsf_mask_avx2, validate,
    measure,      mask_validate,
    mask_measure, wsf_to_latin1_avx2,
    wsf_to_ucs2_avx2, wsf_to_ucs4_avx2,
    wsf_latin1_size_avx2,
    wsf_ucs2_size_avx2,
    wsf_ucs4_size_avx2,
    wsf_from_latin1_avx2,
    wsf_from_ucs2_avx2,
    wsf_from_ucs4_avx2,
};

#endif
