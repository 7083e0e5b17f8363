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
#define MEMBER(name) wsf_##name##_ssse3
#define SHORT_TEXT ((size_t)64)
#include "utf8_members.inc.h"

#endif
