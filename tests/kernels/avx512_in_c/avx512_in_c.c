/* The AVX-512 kernel as it is, compiled with the immintrin.h of this folder: it runs on any
 * little-endian machine, at a fraction of its speed.
 *
 * Compile with this folder on the include path, and link with the scalar kernel in place of
 * the other sources of wsfast; the kernels compiled are then scalar and avx512.
 *
 * Invariant: no instruction of AVX-512 is needed, and the sources are not changed for it.
 */
#include "simd.h"

/* What simd.h says of an architecture and its compiler, here said of C. */
#undef WSF_SIMD_X86
#define WSF_SIMD_X86 1
#undef WSF_TARGET
#define WSF_TARGET(features)
#undef WSF_VECTOR_KERNELS
#define WSF_VECTOR_KERNELS(EACH) EACH(avx512)
WSF_VECTOR_KERNELS(WSF_DECLARE_KERNEL)

/* What the kernel has of AVX2. */
#define wsf_mask_avx2 wsf_mask_scalar
#define wsf_latin1_size_avx2 wsf_latin1_size_scalar

#include "utf8_avx512.c"

#include "transcode_avx512.c"

#include "encode_avx512.c"

#include "kernel_avx512.c"

#include "dispatch.c"

/* In place of cpu.c: this CPU has whatever the kernel requires. */
uint32_t wsf_cpu_features(void)
{
    return wsf_kernel_avx512.required;
}
