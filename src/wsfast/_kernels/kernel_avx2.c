/* The kernel for AVX2: vectors of 32 bytes.  Its members are in
 * {mask,utf8,transcode,encode}_avx2.c.
 *
 * Invariant: the contract of each member in dispatch.h.
 */
#include "simd.h"

#if WSF_SIMD_X86

const wsf_kernel wsf_kernel_avx2 = {
    .name = "avx2",
    .required = WSF_CPU_AVX2 | WSF_CPU_SSSE3 | WSF_CPU_POPCNT,
    .mask = wsf_mask_avx2,
    .validate = wsf_validate_avx2,
    .measure = wsf_measure_avx2,
    .mask_validate = wsf_mask_validate_avx2,
    .mask_measure = wsf_mask_measure_avx2,
    .to_latin1 = wsf_to_latin1_avx2,
    .to_ucs2 = wsf_to_ucs2_avx2,
    .to_ucs4 = wsf_to_ucs4_avx2,
    .latin1_size = wsf_latin1_size_avx2,
    .ucs2_size = wsf_ucs2_size_avx2,
    .ucs4_size = wsf_ucs4_size_avx2,
    .from_latin1 = wsf_from_latin1_avx2,
    .from_ucs2 = wsf_from_ucs2_avx2,
    .from_ucs4 = wsf_from_ucs4_avx2,
};

#endif
