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

/* Twice, because a lookup of 32 bytes is two of 16, one in each half. */
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
#define MEMBER(name) wsf_##name##_avx2
#define SHORT_TEXT ((size_t)128)
#include "utf8_members.inc.h"

#endif
