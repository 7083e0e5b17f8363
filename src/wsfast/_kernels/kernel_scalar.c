/* The kernel for any machine: words of 8 bytes.  Its members are in
 * {mask,utf8,transcode,encode}_scalar.c.
 *
 * Invariant: the contract of each member in dispatch.h.
 */
#include "dispatch.h"

const wsf_kernel wsf_kernel_scalar = {
    .name = "scalar",
    .required = 0,
    .mask = wsf_mask_scalar,
    .validate = wsf_validate_scalar,
    .measure = wsf_measure_scalar,
    .mask_validate = wsf_mask_validate_scalar,
    .mask_measure = wsf_mask_measure_scalar,
    .to_latin1 = wsf_to_latin1_scalar,
    .to_ucs2 = wsf_to_ucs2_scalar,
    .to_ucs4 = wsf_to_ucs4_scalar,
    .latin1_size = wsf_latin1_size_scalar,
    .ucs2_size = wsf_ucs2_size_scalar,
    .ucs4_size = wsf_ucs4_size_scalar,
    .from_latin1 = wsf_from_latin1_scalar,
    .from_ucs2 = wsf_from_ucs2_scalar,
    .from_ucs4 = wsf_from_ucs4_scalar,
};
