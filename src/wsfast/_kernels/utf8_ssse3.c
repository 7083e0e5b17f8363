/* UTF-8 validation with SSSE3 (and SSE4.1, POPCNT): vectors of 16 bytes.
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

#define TARGET WSF_TARGET("ssse3,sse4.1,popcnt")
#define MASK wsf_mask_ssse3

static const uint8_t FIRST_HIGH[16] = {WSF_FIRST_HIGH};
static const uint8_t FIRST_LOW[16] = {WSF_FIRST_LOW};
static const uint8_t SECOND_HIGH[16] = {WSF_SECOND_HIGH};

#include "vectors_x86_128.inc.h"
#define TAKE_SHORTER take_under19
#include "utf8_lookup.inc.h"

#define take_short take_short_16
#define take_long take_long_16
#define SHORT_TEXT ((size_t)64)
#include "utf8_members.inc.h"

const wsf_kernel wsf_kernel_ssse3 = {
    "ssse3",
    WSF_CPU_SSE2 | WSF_CPU_SSSE3 | WSF_CPU_SSE41 | WSF_CPU_POPCNT,
    wsf_mask_ssse3,
    validate,
    measure,
    mask_validate,
    mask_measure,
    wsf_to_latin1_ssse3,
    wsf_to_ucs2_ssse3,
    wsf_to_ucs4_ssse3,
    wsf_latin1_size_ssse3,
    wsf_ucs2_size_ssse3,
    wsf_ucs4_size_ssse3,
    wsf_from_latin1_ssse3,
    wsf_from_ucs2_ssse3,
    wsf_from_ucs4_ssse3,
};

#endif
