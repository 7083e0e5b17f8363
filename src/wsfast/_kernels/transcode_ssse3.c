/* From well-formed UTF-8 to the code units of a string, with SSSE3 (and POPCNT).
 *
 * Algorithm: transcode_lookup.inc.h.
 *
 * Invariant: the contract of the transcoders in dispatch.h.
 */
#include "simd.h"

#if WSF_SIMD_X86

#include <immintrin.h>

#define TARGET WSF_TARGET("ssse3,popcnt")
#include "transcode_x86_128.inc.h"
#include "transcode_lookup.inc.h"

TRANSCODER(1, uint8_t, 16, wsf_to_latin1_ssse3, wsf_to_latin1_scalar)
TRANSCODER(2, uint16_t, 24, wsf_to_ucs2_ssse3, wsf_to_ucs2_scalar)
TRANSCODER(4, uint32_t, 32, wsf_to_ucs4_ssse3, wsf_to_ucs4_scalar)

#endif
