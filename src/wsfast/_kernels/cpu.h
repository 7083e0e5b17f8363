/* What the CPU offers and the operating system lets us use.
 *
 * Invariant: a feature is reported only if its instructions can be executed: the
 * CPU has it and, for the wide registers, the system saves them.
 */
#ifndef WSF_CPU_H
#define WSF_CPU_H

#include <stdint.h>

#if defined(__x86_64__) || defined(_M_X64) || defined(__i386__) || defined(_M_IX86)
#  define WSF_ARCH_X86 1
#else
#  define WSF_ARCH_X86 0
#endif

/* Only little-endian AArch64: the vector code numbers lanes as memory does. */
#if (defined(__aarch64__) && !defined(__AARCH64EB__)) || defined(_M_ARM64)
#  define WSF_ARCH_ARM64 1
#else
#  define WSF_ARCH_ARM64 0
#endif

enum {
    WSF_CPU_SSE2 = 1u << 0,
    WSF_CPU_SSSE3 = 1u << 1,
    WSF_CPU_SSE41 = 1u << 2,
    WSF_CPU_POPCNT = 1u << 3,
    WSF_CPU_AVX2 = 1u << 4,
    WSF_CPU_BMI2 = 1u << 5,
    WSF_CPU_AVX512 = 1u << 6, /* F, BW, DQ and VL together */
    WSF_CPU_AVX512_VBMI = 1u << 7,
    WSF_CPU_AVX512_VBMI2 = 1u << 8,
    WSF_CPU_NEON = 1u << 9
};

/* The features, as a union of WSF_CPU_*. */
uint32_t wsf_cpu_features(void);

/* The name of the one feature at bit `index`, NULL past the last. */
const char *wsf_cpu_feature_name(unsigned index);

#endif
