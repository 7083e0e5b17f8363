/* From well-formed UTF-8 to the code units of a string, in vectors of 16 octets with the
 * three-operand instructions of AVX2, which save the moves that SSSE3 needs.
 *
 * Algorithm: transcode_lookup.inc.h.
 *
 * Invariant: the contract of the transcoders in dispatch.h.
 */
#include "simd.h"

#if WSF_SIMD_X86

#include <immintrin.h>

#define TARGET WSF_TARGET("avx2,popcnt")
#include "transcode_x86_128.inc.h"
#include "transcode_lookup.inc.h"

TRANSCODER(1, uint8_t, 16, wsf_to_latin1_avx2, wsf_to_latin1_scalar)
TRANSCODER(2, uint16_t, 24, wsf_to_ucs2_avx2, wsf_to_ucs2_scalar)
TRANSCODER(4, uint32_t, 32, wsf_to_ucs4_avx2, wsf_to_ucs4_scalar)

#endif
