/* The kernel for SSSE3, with SSE4.1 and POPCNT: vectors of 16 bytes.  Its members are in
 * {mask,utf8,transcode,encode}_ssse3.c.
 *
 * Invariant: the contract of each member in dispatch.h.
 */
#include "simd.h"

#if WSF_SIMD_X86

const wsf_kernel wsf_kernel_ssse3 = {
    .name = "ssse3",
    .required = WSF_CPU_SSE2 | WSF_CPU_SSSE3 | WSF_CPU_SSE41 | WSF_CPU_POPCNT,
    .mask = wsf_mask_ssse3,
    .validate = wsf_validate_ssse3,
    .measure = wsf_measure_ssse3,
    .mask_validate = wsf_mask_validate_ssse3,
    .mask_measure = wsf_mask_measure_ssse3,
    .to_latin1 = wsf_to_latin1_ssse3,
    .to_ucs2 = wsf_to_ucs2_ssse3,
    .to_ucs4 = wsf_to_ucs4_ssse3,
    .latin1_size = wsf_latin1_size_ssse3,
    .ucs2_size = wsf_ucs2_size_ssse3,
    .ucs4_size = wsf_ucs4_size_ssse3,
    .from_latin1 = wsf_from_latin1_ssse3,
    .from_ucs2 = wsf_from_ucs2_ssse3,
    .from_ucs4 = wsf_from_ucs4_ssse3,
};

#endif
