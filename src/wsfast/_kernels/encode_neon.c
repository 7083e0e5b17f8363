/* From the storage of a string to UTF-8 with NEON: vectors of 16 bytes.
 *
 * Algorithm: encode_vector.inc.h.
 *
 * Invariant: the contract of the encoders in dispatch.h.
 */
#include "simd.h"

#if WSF_ARCH_ARM64

#include <arm_neon.h>

#define TARGET /* every AArch64 has NEON */
#define LANES 1
#define V uint8x16_t
#define L uint8x16_t
#define v_load(p) vld1q_u8((const uint8_t *)(const void *)(p))
#define v_load2(p, q) v_load(p)
#define v_lane(x, i) (x)
#define v_rows(table, i, j) v_load((table)[i])
#define l_store(p, l) vst1q_u8(p, l)
#define l_load v_load
#define l_pick(l, p) vqtbl1q_u8(l, v_load(p))
#define l_mask(l, p) veorq_u8(l, vld1q_u8(p))
#define v_or vorrq_u8
#define v_and vandq_u8
#define v_and_not vbicq_u8
#define v_select vbslq_u8
/* the same vector as words, signed words, dwords; and back */
#define W(x) vreinterpretq_u16_u8(x)
#define SW(x) vreinterpretq_s16_u8(x)
#define D(x) vreinterpretq_u32_u8(x)
#define FROM_W(x) vreinterpretq_u8_u16(x)
#define FROM_D(x) vreinterpretq_u8_u32(x)
#define v_bytes(k) vdupq_n_u8(k)
#define v_words(k) FROM_W(vdupq_n_u16(k))
#define v_dwords(k) FROM_D(vdupq_n_u32(k))
#define w_left(x, k) FROM_W(vshlq_n_u16(W(x), k))
#define w_right(x, k) FROM_W(vshrq_n_u16(W(x), k))
#define w_add(x, y) FROM_W(vaddq_u16(W(x), W(y)))
#define w_sub(x, y) FROM_W(vsubq_u16(W(x), W(y)))
#define d_left(x, k) FROM_D(vshlq_n_u32(D(x), k))
#define d_right(x, k) FROM_D(vshrq_n_u32(D(x), k))
#define d_sub(x, y) FROM_D(vsubq_u32(D(x), D(y)))
#define v_high(x) vcgeq_u8(x, vdupq_n_u8(0x80))
#define w_positive(x) FROM_W(vcgtq_s16(SW(x), vdupq_n_s16(0)))
#define b_above(x, y) vcgtq_s8(vreinterpretq_s8_u8(x), vreinterpretq_s8_u8(y))
#define w_equal(x, y) FROM_W(vceqq_u16(W(x), W(y)))
#define d_equal(x, y) FROM_D(vceqq_u32(D(x), D(y)))
#define d_from(x, k) FROM_D(vcgeq_u32(D(x), vdupq_n_u32(k)))
#define v_none_of(x, y) (vmaxvq_u8(vandq_u8(x, y)) == 0)
#define v_narrow(x, y) vcombine_u8(vmovn_u16(W(x)), vmovn_u16(W(y)))
#define w_pack v_narrow
#define w_narrow v_narrow
#define d_narrow(x, y) FROM_W(vcombine_u16(vmovn_u32(D(x)), vmovn_u32(D(y))))
#define v_zip_low vzip1q_u8
#define v_zip_high vzip2q_u8
#define v_zip_low16(x, y) FROM_W(vzip1q_u16(W(x), W(y)))
#define v_zip_high16(x, y) FROM_W(vzip2q_u16(W(x), W(y)))
#define v_pick vqtbl1q_u8

/* Leave in each byte the bit of its own place, and add up each half. */
WSF_INLINE unsigned v_bits(uint8x16_t x)
{
    static const uint8_t place[16] = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
    const uint8x16_t top = vreinterpretq_u8_s8(vshrq_n_s8(vreinterpretq_s8_u8(x), 7));
    const uint8x16_t bits = vandq_u8(top, vld1q_u8(place));
    return vaddv_u8(vget_low_u8(bits)) | (unsigned)vaddv_u8(vget_high_u8(bits)) << 8;
}

#include "encode_vector.inc.h"

ENCODERS(neon)

#endif
