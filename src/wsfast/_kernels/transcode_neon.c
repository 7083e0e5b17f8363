/* From well-formed UTF-8 to the code units of a string, with NEON.
 *
 * Algorithm: transcode_lookup.inc.h.
 *
 * Invariant: the contract of the transcoders in dispatch.h.
 */
#include "simd.h"

#if WSF_ARCH_ARM64

#include "transcode_tables.h"
#include <arm_neon.h>

#define TARGET /* every AArch64 has NEON */
#define LANES 1
#define V uint8x16_t
#define v_load(p) vld1q_u8(p)
#define v_lane(x, i) (x)
#define l_store(p, l) vst1q_u8((uint8_t *)(void *)(p), l)
#define l_store_two(p, x, y, i) (l_store(p, x), l_store((p) + 4, y))
#define l_store_low(p, l) vst1_u8(p, vget_low_u8(l))
#define l_store_high(p, l) vst1_u8(p, vget_high_u8(l))
#define v_zero() vdupq_n_u8(0)
#define v_all(byte) vdupq_n_u8(byte)
#define v_or vorrq_u8
#define v_and vandq_u8
#define v_and_not vbicq_u8
#define v_left vshlq_n_u8
#define v_right vshrq_n_u8
#define v_back(x, k) vextq_u8(vdupq_n_u8(0), x, 16 - (k))
/* 80..BF are the least as signed numbers */
#define v_later(x) vcltq_s8(vreinterpretq_s8_u8(x), vdupq_n_s8(-64))
#define v_pick vqtbl1q_u8
#define v_zip_low vzip1q_u8
#define v_zip_high vzip2q_u8
#define v_zip_low16(x, y)                                                                          \
    vreinterpretq_u8_u16(vzip1q_u16(vreinterpretq_u16_u8(x), vreinterpretq_u16_u8(y)))
#define v_zip_high16(x, y)                                                                         \
    vreinterpretq_u8_u16(vzip2q_u16(vreinterpretq_u16_u8(x), vreinterpretq_u16_u8(y)))

/* Leave in each byte the bit of its own place, and add up each half. */
WSF_INLINE unsigned v_bits(uint8x16_t x)
{
    static const uint8_t place[16] = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
    const uint8x16_t top = vreinterpretq_u8_s8(vshrq_n_s8(vreinterpretq_s8_u8(x), 7));
    const uint8x16_t bits = vandq_u8(top, vld1q_u8(place));
    return vaddv_u8(vget_low_u8(bits)) | (unsigned)vaddv_u8(vget_high_u8(bits)) << 8;
}

WSF_INLINE uint8x16_t v_rows(unsigned p)
{
    const uint8x8_t low = vcreate_u8(WSF_KEPT[p & 0xFFu]), high = vcreate_u8(WSF_KEPT[p >> 8]);
    return vcombine_u8(low, vadd_u8(high, vdup_n_u8(8)));
}

#include "transcode_lookup.inc.h"

TRANSCODER(1, uint8_t, 16, wsf_to_latin1_neon, wsf_to_latin1_scalar)
TRANSCODER(2, uint16_t, 24, wsf_to_ucs2_neon, wsf_to_ucs2_scalar)
TRANSCODER(4, uint32_t, 32, wsf_to_ucs4_neon, wsf_to_ucs4_scalar)

#endif
