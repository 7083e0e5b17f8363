/* The kernel for AVX-512 with VBMI and VBMI2: vectors of 64 bytes.  Its members are in
 * {utf8,transcode,encode}_avx512.c; the others are those for AVX2.
 *
 * Invariant: the contract of each member in dispatch.h.
 */
#include "simd.h"

#if WSF_SIMD_X86

const wsf_kernel wsf_kernel_avx512 = {
    .name = "avx512",
    .required = WSF_CPU_AVX2 | WSF_CPU_AVX512 | WSF_CPU_AVX512_VBMI | WSF_CPU_AVX512_VBMI2 |
                WSF_CPU_POPCNT | WSF_CPU_BMI2,
    .mask = wsf_mask_avx2, /* AVX-512 has no masking of its own, nor a size of Latin-1 */
    .validate = wsf_validate_avx512,
    .measure = wsf_measure_avx512,
    .mask_validate = wsf_mask_validate_avx512,
    .mask_measure = wsf_mask_measure_avx512,
    .to_latin1 = wsf_to_latin1_avx512,
    .to_ucs2 = wsf_to_ucs2_avx512,
    .to_ucs4 = wsf_to_ucs4_avx512,
    .latin1_size = wsf_latin1_size_avx2,
    .ucs2_size = wsf_ucs2_size_avx512,
    .ucs4_size = wsf_ucs4_size_avx512,
    .from_latin1 = wsf_from_latin1_avx512,
    .from_ucs2 = wsf_from_ucs2_avx512,
    .from_ucs4 = wsf_from_ucs4_avx512,
};

#endif
