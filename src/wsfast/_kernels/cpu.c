/* CPU detection: CPUID, OSXSAVE and XCR0 (Intel SDM volume 1, sections 14.3 and
 * 15.2; AMD64 APM volume 3, appendix D).
 *
 * AVX needs more than its CPUID bit.  The operating system says with OSXSAVE that
 * it uses XSAVE, and with XCR0 which registers it saves on a context switch:
 *
 *     XCR0 bit   7       6       5       2     1
 *                ZMM16+  ZMM-hi  opmask  YMM   XMM
 *     AVX2                               1     1      0x06
 *     AVX-512    1       1       1       1     1      0xE6
 *
 * Invariant: see cpu.h.
 */
#include "cpu.h"
#include "config.h"

#include <stddef.h>

#if WSF_ARCH_X86
#  if WSF_MSVC
#    include <intrin.h>
#  else
#    include <cpuid.h>
#  endif

typedef struct cpuid_leaf {
    uint32_t eax, ebx, ecx, edx;
} cpuid_leaf;

static cpuid_leaf cpuid(uint32_t leaf)
{
    cpuid_leaf r = {0, 0, 0, 0};
#  if WSF_MSVC
    int words[4];
    __cpuid(words, 0);
    if ((uint32_t)words[0] >= leaf) {
        __cpuidex(words, (int)leaf, 0);
        r.eax = (uint32_t)words[0];
        r.ebx = (uint32_t)words[1];
        r.ecx = (uint32_t)words[2];
        r.edx = (uint32_t)words[3];
    }
#  else
    if (!__get_cpuid_count(leaf, 0, &r.eax, &r.ebx, &r.ecx, &r.edx)) {
        r.eax = r.ebx = r.ecx = r.edx = 0;
    }
#  endif
    return r;
}

static uint64_t xcr0(void)
{
#  if WSF_MSVC
    return _xgetbv(0);
#  else
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (uint64_t)high << 32 | low;
#  endif
}

static int bit(uint32_t word, unsigned index)
{
    return (int)(word >> index & 1u);
}

uint32_t wsf_cpu_features(void)
{
    const cpuid_leaf one = cpuid(1);
    const cpuid_leaf seven = cpuid(7);
    const uint64_t saved = bit(one.ecx, 27) ? xcr0() : 0;         /* OSXSAVE */
    const int ymm = (saved & 0x06u) == 0x06u && bit(one.ecx, 28); /* AVX */
    const int zmm = ymm && (saved & 0xE6u) == 0xE6u;
    uint32_t found = 0;
    if (bit(one.edx, 26)) found |= WSF_CPU_SSE2;
    if (bit(one.ecx, 9)) found |= WSF_CPU_SSSE3;
    if (bit(one.ecx, 19)) found |= WSF_CPU_SSE41;
    if (bit(one.ecx, 23)) found |= WSF_CPU_POPCNT;
    if (ymm && bit(seven.ebx, 5)) found |= WSF_CPU_AVX2;
    if (bit(seven.ebx, 8)) found |= WSF_CPU_BMI2;
    /* F, DQ, BW, VL */
    if (zmm && bit(seven.ebx, 16) && bit(seven.ebx, 17) && bit(seven.ebx, 30) &&
        bit(seven.ebx, 31)) {
        found |= WSF_CPU_AVX512;
        if (bit(seven.ecx, 1)) found |= WSF_CPU_AVX512_VBMI;
        if (bit(seven.ecx, 6)) found |= WSF_CPU_AVX512_VBMI2;
    }
    return found;
}

#else

uint32_t wsf_cpu_features(void)
{
#  if WSF_ARCH_ARM64
    return WSF_CPU_NEON; /* every AArch64 has it */
#  else
    return 0;
#  endif
}

#endif

const char *wsf_cpu_feature_name(unsigned index)
{
    static const char *const names[] = {"sse2", "ssse3",  "sse4.1",      "popcnt",       "avx2",
                                        "bmi2", "avx512", "avx512_vbmi", "avx512_vbmi2", "neon"};
    return index < sizeof names / sizeof names[0] ? names[index] : NULL;
}
