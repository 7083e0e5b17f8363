/* The vectors of 16 bytes for mask_vector.inc.h and utf8_lookup.inc.h, with NEON
 * instructions (AArch64).
 *
 * Invariant: the meanings listed in utf8_lookup.inc.h.
 */
#define WIDTH 16
#define NAME(function) function##_16
#define V uint8x16_t
#define v_load(p) vld1q_u8(p)
#define v_store(p, x) vst1q_u8(p, x)
#define v_zero() vdupq_n_u8(0)
#define v_all(byte) vdupq_n_u8(byte)
#define v_word(w) vreinterpretq_u8_u32(vdupq_n_u32(w))
#define v_before(w) vreinterpretq_u8_u32(vsetq_lane_u32(w, vdupq_n_u32(0), 3))
#define v_pair(low, high) vreinterpretq_u8_u64(vcombine_u64(vcreate_u64(low), vcreate_u64(high)))
#define v_xor veorq_u8
#define v_or vorrq_u8
#define v_and vandq_u8
#define v_max vmaxq_u8
#define v_minus vqsubq_u8
#define v_high_nibble(x) vshrq_n_u8(x, 4)
#define v_low_nibble(x) vandq_u8(x, vdupq_n_u8(15))
#define v_lookup(entries, x) vqtbl1q_u8(vld1q_u8(entries), x)
#define v_back(x, prev, k) vextq_u8(prev, x, 16 - (k))
#define v_any_high(x) (vmaxvq_u8(x) >= 0x80)
#define v_first_set first_set_16
#define v_points points_16
#define v_highest(x) vmaxvq_u8(x)

/* FF or 00 in each byte becomes F or 0 in each nibble of a word:
 *
 *     words   o1 o0 | o3 o2 | ...   shifted right by 4 and cut to bytes:   n1 n0 | n3 n2 | ...
 */
WSF_INLINE size_t first_set_16(uint8x16_t x)
{
    const uint16x8_t set = vreinterpretq_u16_u8(vtstq_u8(x, x));
    const uint64_t nibbles = vget_lane_u64(vreinterpret_u64_u8(vshrn_n_u16(set, 4)), 0);
    return nibbles == 0 ? 16 : wsf_lowest_bit(nibbles) / 4;
}

/* Not 80..BF, as signed numbers: above -65.  Of the last `size` bytes: index
 * 16 - size and up. */
WSF_INLINE size_t points_16(uint8x16_t x, size_t size)
{
    static const uint8_t index[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    const uint8x16_t starts = vcgtq_s8(vreinterpretq_s8_u8(x), vdupq_n_s8(-65));
    const uint8x16_t counted = vcgeq_u8(vld1q_u8(index), vdupq_n_u8((uint8_t)(16 - size)));
    return vaddvq_u8(vshrq_n_u8(vandq_u8(starts, counted), 7));
}
