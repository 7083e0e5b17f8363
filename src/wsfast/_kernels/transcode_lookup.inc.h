/* From well-formed UTF-8 to the code units of a string, sixteen octets at a time, for
 * the instruction sets that shuffle octets by a vector of indices (SSSE3, NEON).
 *
 * Every octet is treated as if it ended a sequence; the octets of its code point are
 * made from it and those before it.  Shuffles then keep what does end one, eight
 * octets at a time:
 *
 *     bits of the code point           plane      high       low
 *     0aaaaaaa                                               0aaaaaaa
 *     110bbbaa 10aaaaaa                           00000bbb   aaaaaaaa
 *     1110bbbb 10bbbbaa 10aaaaaa                  bbbbbbbb   aaaaaaaa
 *     11110ccc 10ccbbbb 10bbbbaa 10aaaaaa  000ccccc bbbbbbbb aaaaaaaa
 *     back3    back2    back1    x
 *
 * The file that includes this one says with which instructions:
 *
 *     TARGET, NAME(function)          attributes; the name of a transcoder
 *     V, v_load v_store v_zero v_all  vector of octets; the same octet everywhere
 *     v_or v_and v_and_not            octet by octet; v_and_not(x, y) is x & ~y
 *     v_left v_right(x, k)            shifts of words of 16 bits, or of octets
 *     v_back(x, prev, k)              the last k octets of prev, then those of x
 *     v_later(x)                      FF where x is 80..BF, else 0
 *     v_bits(x)                       bit i is the top bit of octet i
 *     v_pick(x, indices)              octet by octet
 *     v_two(p, q)                     the eight octets at p, then those at q plus 8
 *     v_zip_low v_zip_high(x, y)      the octets x0 y0 x1 y1 .. of either half
 *     v_zip_low16 v_zip_high16(x, y)  the same with words
 *     v_store_low v_store_high(p, x)  eight octets
 *
 * Invariant: the contract of the transcoders in dispatch.h.  Whole vectors are stored
 * only where the text has units enough to overwrite what does not belong there; its
 * last octets go through a buffer.
 */

/* The positions of the bits of m, from the lowest on, an octet each. */
#define BIT(m, i) ((uint64_t)(m) >> (i) & 1)
#define AND_BIT(m, i, above) ((above) << 8 * BIT(m, i) | BIT(m, i) * (i))
#define POSITIONS(m)                                                                           \
    AND_BIT(m, 0, AND_BIT(m, 1, AND_BIT(m, 2, AND_BIT(m, 3, AND_BIT(m, 4,                      \
        AND_BIT(m, 5, AND_BIT(m, 6, AND_BIT(m, 7, UINT64_C(0)))))))))
#define FOUR(m) POSITIONS(m), POSITIONS(m + 1), POSITIONS(m + 2), POSITIONS(m + 3)
#define SIXTEEN(m) FOUR(m), FOUR(m + 4), FOUR(m + 8), FOUR(m + 12)
#define ALL_OF_64(m) SIXTEEN(m), SIXTEEN(m + 16), SIXTEEN(m + 32), SIXTEEN(m + 48)
static const uint64_t KEPT[256] = {ALL_OF_64(0), ALL_OF_64(64), ALL_OF_64(128), ALL_OF_64(192)};

/* Sixteen octets of text. */
typedef struct block {
    V x, prev;
    V later, later_before; /* FF where there is a continuation */
    V back1, back2;
} block;

/* Low, high and plane octets of what ends with each octet of b. */
WSF_INLINE TARGET V low_octets(const block *b)
{
    const V two = v_and(b->later, v_all(0xC0));
    return v_or(v_and_not(b->x, two), v_and(v_left(b->back1, 6), two));
}

WSF_INLINE TARGET V high_octets(const block *b)
{
    const V third = v_and(v_back(b->later, b->later_before, 1), v_all(0xF0));
    const V lower = v_and(v_right(b->back1, 2), v_all(0x0F));
    return v_and(v_or(lower, v_and(v_left(b->back2, 4), third)), b->later);
}

/* FF where a sequence of four octets ends */
WSF_INLINE TARGET V fourths(const block *b)
{
    return v_and(v_and(b->later, v_back(b->later, b->later_before, 1)),
                 v_back(b->later, b->later_before, 2));
}

WSF_INLINE TARGET V plane_octets(const block *b, V fourth)
{
    const V back3 = v_back(b->x, b->prev, 3);
    const V plane = v_or(v_and(v_right(b->back2, 4), v_all(0x03)),
                         v_and(v_left(back3, 2), v_all(0x1C)));
    return v_and(plane, fourth);
}

/* Store what is kept of eight octets, `first` units, and what is kept of the next
 * eight after it. */
WSF_INLINE TARGET void keep_1(uint8_t *dst, const block *b, V kept, size_t first)
{
    const V low = v_pick(low_octets(b), kept);
    v_store_low(dst, low);
    v_store_high(dst + first, low);
}

WSF_INLINE TARGET void keep_2(uint16_t *dst, const block *b, V kept, size_t first)
{
    const V low = v_pick(low_octets(b), kept), high = v_pick(high_octets(b), kept);
    v_store(dst, v_zip_low(low, high));
    v_store(dst + first, v_zip_high(low, high));
}

WSF_INLINE TARGET void keep_4(uint32_t *dst, const block *b, V kept, size_t first)
{
    const V low = v_pick(low_octets(b), kept), high = v_pick(high_octets(b), kept);
    const V pairs0 = v_zip_low(low, high), pairs1 = v_zip_high(low, high);
    const V fourth = fourths(b);
    const V plane = v_bits(fourth) == 0 ? v_zero() : v_pick(plane_octets(b, fourth), kept);
    const V planes0 = v_zip_low(plane, v_zero()), planes1 = v_zip_high(plane, v_zero());
    v_store(dst, v_zip_low16(pairs0, planes0));
    v_store(dst + 4, v_zip_high16(pairs0, planes0));
    v_store(dst + first, v_zip_low16(pairs1, planes1));
    v_store(dst + first + 4, v_zip_high16(pairs1, planes1));
}

/* Store sixteen octets of ASCII. */
WSF_INLINE TARGET void widen_1(uint8_t *dst, V x)
{
    v_store(dst, x);
}

WSF_INLINE TARGET void widen_2(uint16_t *dst, V x)
{
    v_store(dst, v_zip_low(x, v_zero()));
    v_store(dst + 8, v_zip_high(x, v_zero()));
}

WSF_INLINE TARGET void widen_4(uint32_t *dst, V x)
{
    const V low = v_zip_low(x, v_zero()), high = v_zip_high(x, v_zero());
    v_store(dst, v_zip_low16(low, v_zero()));
    v_store(dst + 4, v_zip_high16(low, v_zero()));
    v_store(dst + 8, v_zip_low16(high, v_zero()));
    v_store(dst + 12, v_zip_high16(high, v_zero()));
}

/* Make *b the block `x` that follows it.  Return which of its octets end a sequence:
 * no continuation comes next. */
WSF_INLINE TARGET unsigned next_block(block *b, V x, int next_is_later)
{
    b->prev = b->x;
    b->later_before = b->later;
    b->x = x;
    b->later = v_later(x);
    b->back1 = v_back(x, b->prev, 1);
    b->back2 = v_back(x, b->prev, 2);
    return ~(v_bits(b->later) >> 1 | (unsigned)next_is_later << 15) & 0xFFFFu;
}

WSF_INLINE TARGET block block_after(V prev)
{
    block b;
    b.x = prev;
    b.later = v_later(prev);
    return b;
}

/* A transcoder into units of `width` octets.
 *
 *     scalar   texts below 32 octets
 *     blocks   from the start, while `spare` octets follow the block: their units leave
 *              room for the last vector stored
 *     the rest in blocks too, the last one ending with the text, by way of a buffer
 */
#define TRANSCODER(width, unit, spare, function, scalar)                                       \
    WSF_INLINE TARGET unit *block_##width(unit *dst, block *b, unsigned kept)                  \
    {                                                                                          \
        const V picked = v_two(&KEPT[kept & 0xFFu], &KEPT[kept >> 8]);                         \
        keep_##width(dst, b, picked, wsf_bits_set(kept & 0xFFu));                              \
        return dst + wsf_bits_set(kept);                                                       \
    }                                                                                          \
    /* The rest, src[i, n), after blocks; n >= 32. */                                          \
    WSF_INLINE TARGET void rest_##width(unit *dst, const uint8_t *src, size_t i, size_t n,     \
                                        block b)                                               \
    {                                                                                          \
        unit units[2 * (16 + (spare))];                                                        \
        unit *end = units;                                                                     \
        unsigned kept;                                                                         \
        for (; n - i > 16; i += 16) {                                                          \
            kept = next_block(&b, v_load(src + i), (src[i + 16] & 0xC0) == 0x80);              \
            end = block_##width(end, &b, kept);                                                \
        }                                                                                      \
        b = block_after(v_load(src + n - 32));                                                 \
        kept = next_block(&b, v_load(src + n - 16), 0);                                        \
        end = block_##width(end, &b, kept & 0xFFFFu << (16 - (n - i)) & 0xFFFFu);              \
        memcpy(dst, units, (size_t)(end - units) * (width));                                   \
    }                                                                                          \
    TARGET void function(unit *dst, const uint8_t *src, size_t n)                              \
    {                                                                                          \
        block b = block_after(v_zero());                                                       \
        size_t i = 0;                                                                          \
        if (n < 32) {                                                                          \
            scalar(dst, src, n);                                                               \
            return;                                                                            \
        }                                                                                      \
        for (; n - i >= 16 + (spare); i += 16) {                                               \
            const V x = v_load(src + i);                                                       \
            if (v_bits(x) == 0) {                                                              \
                b = block_after(x);                                                            \
                widen_##width(dst, x);                                                         \
                dst += 16;                                                                     \
            } else {                                                                           \
                const unsigned kept = next_block(&b, x, (src[i + 16] & 0xC0) == 0x80);         \
                dst = block_##width(dst, &b, kept);                                            \
            }                                                                                  \
        }                                                                                      \
        rest_##width(dst, src, i, n, b);                                                       \
    }
