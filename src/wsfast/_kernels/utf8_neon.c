/* UTF-8 validation with NEON: vectors of 16 bytes.
 *
 * Algorithm: utf8_lookup.inc.h.
 *
 * Invariant: the contracts of `validate`, `measure`, `mask_validate` and
 * `mask_measure` in dispatch.h.
 */
#include "simd.h"

#if WSF_ARCH_ARM64

#include "mask_scalar.h"
#include <arm_neon.h>

#define TARGET /* every AArch64 has NEON */
#define MASK wsf_mask_neon

static const uint8_t FIRST_HIGH[16] = {WSF_FIRST_HIGH};
static const uint8_t FIRST_LOW[16] = {WSF_FIRST_LOW};
static const uint8_t SECOND_HIGH[16] = {WSF_SECOND_HIGH};

#include "vectors_neon.inc.h"
#define TAKE_SHORTER take_under19
#include "utf8_lookup.inc.h"

#define take_short take_short_16
#define take_long take_long_16
#define MEMBER(name) wsf_##name##_neon
#define SHORT_TEXT ((size_t)64)
#include "utf8_members.inc.h"

#endif
