/* The kernel for NEON: vectors of 16 bytes.  Its members are in
 * {mask,utf8,transcode,encode}_neon.c.
 *
 * Invariant: the contract of each member in dispatch.h.
 */
#include "simd.h"

#if WSF_ARCH_ARM64

const wsf_kernel wsf_kernel_neon = {
    .name = "neon",
    .required = WSF_CPU_NEON,
    .mask = wsf_mask_neon,
    .validate = wsf_validate_neon,
    .measure = wsf_measure_neon,
    .mask_validate = wsf_mask_validate_neon,
    .mask_measure = wsf_mask_measure_neon,
    .to_latin1 = wsf_to_latin1_neon,
    .to_ucs2 = wsf_to_ucs2_neon,
    .to_ucs4 = wsf_to_ucs4_neon,
    .latin1_size = wsf_latin1_size_neon,
    .ucs2_size = wsf_ucs2_size_neon,
    .ucs4_size = wsf_ucs4_size_neon,
    .from_latin1 = wsf_from_latin1_neon,
    .from_ucs2 = wsf_from_ucs2_neon,
    .from_ucs4 = wsf_from_ucs4_neon,
};

#endif
