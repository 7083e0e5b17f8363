/* From well-formed UTF-8 to the code units of a string, in vectors of one or two lanes of 16
 * bytes (SSSE3, NEON; AVX2).
 *
 * Every byte is treated as if it ended a sequence: the bytes of its code point are made from
 * it and those before it.  Shuffles then keep what does end one, a group of eight bytes at a
 * time:
 *
 *     bits of the code point           plane      high       low
 *     0aaaaaaa                                               0aaaaaaa
 *     110bbbaa 10aaaaaa                           00000bbb   aaaaaaaa
 *     1110bbbb 10bbbbaa 10aaaaaa                  bbbbbbbb   aaaaaaaa
 *     11110ccc 10ccbbbb 10bbbbaa 10aaaaaa  000ccccc bbbbbbbb aaaaaaaa
 *     back3    back2    back1    x
 *
 * The bytes before come from memory, so a block depends on no other and may begin anywhere.
 *
 * The file that includes this one defines the instructions ("a lane" means that no byte
 * moves from one lane to the other):
 *
 *     TARGET, LANES                   attributes; lanes of 16 bytes in a vector
 *     V, v_load v_zero v_all          vector of bytes; the same byte everywhere
 *     v_lane(x, i)                    i is a constant
 *     l_store l_store_low l_store_high(p, l)   a lane, or eight bytes of one
 *     l_store_two(p, x, y, i)         lane i of x, and behind it lane i of y
 *     v_or v_and v_and_not            byte by byte; v_and_not(x, y) is x & ~y
 *     v_left v_right(x, k)            shifts of words of 16 bits, or of bytes
 *     v_back(x, k)                    k zeros, then the bytes of x
 *     v_later(x)                      FF where x is 80..BF, else 0
 *     v_bits(x)                       bit i is the top bit of byte i
 *     v_pick(x, indices)              a lane: byte by byte
 *     v_rows(p)                       for each lane two rows of eight indices, selected by the
 *                                     bytes of p: the first as it is, the second plus 8
 *     v_zip_low v_zip_high(x, y)      a lane: the bytes x0 y0 x1 y1 .. of either half
 *     v_zip_low16 v_zip_high16(x, y)  the same with words
 *     widen_1 widen_2 widen_4(dst, src)        a vector of ASCII to units of so many bytes;
 *                                     only if there are two lanes
 *
 * Invariant: the contract of the transcoders in dispatch.h.  Whole vectors are stored only
 * where the text still has enough units to overwrite the excess; its last bytes go through
 * a buffer.
 */

#define STEP ((size_t)16 * LANES)
#define ALL_KEPT (0xFFFFFFFFu >> (32 - 16 * LANES))

/* A vector of text, and the bytes one, two and three before each of its bytes. */
typedef struct block {
    V x, back1, back2, back3;
    V later, later1; /* FF where x, back1 is a continuation */
} block;

WSF_INLINE TARGET block block_at(const uint8_t *src)
{
    block b;
    b.x = v_load(src);
    b.back1 = v_load(src - 1);
    b.back2 = v_load(src - 2);
    b.back3 = v_load(src - 3);
    b.later = v_later(b.x);
    b.later1 = v_later(b.back1);
    return b;
}

/* The same at the start of the text, before which nothing may be read. */
WSF_INLINE TARGET block first_block(const uint8_t *src)
{
    block b;
    b.x = v_load(src);
    b.back1 = v_back(b.x, 1);
    b.back2 = v_back(b.x, 2);
    b.back3 = v_back(b.x, 3);
    b.later = v_later(b.x);
    b.later1 = v_later(b.back1);
    return b;
}

/* Low, high and plane bytes of what ends with each byte of b. */
WSF_INLINE TARGET V low_bytes(const block *b)
{
    const V two = v_and(b->later, v_all(0xC0));
    return v_or(v_and_not(b->x, two), v_and(v_left(b->back1, 6), two));
}

WSF_INLINE TARGET V high_bytes(const block *b)
{
    const V third = v_and(b->later1, v_all(0xF0));
    const V lower = v_and(v_right(b->back1, 2), v_all(0x0F));
    return v_and(v_or(lower, v_and(v_left(b->back2, 4), third)), b->later);
}

/* FF where a sequence of four bytes ends */
WSF_INLINE TARGET V fourths(const block *b)
{
    return v_and(v_and(b->later, b->later1), v_later(b->back2));
}

WSF_INLINE TARGET V plane_bytes(const block *b, V fourth)
{
    const V plane =
        v_or(v_and(v_right(b->back2, 4), v_all(0x03)), v_and(v_left(b->back3, 2), v_all(0x1C)));
    return v_and(plane, fourth);
}

/* Store what is kept of a block, group by group, since what is stored behind the last unit of
 * a group is overwritten by the next:
 *
 *     x   group 0, 1 | group 2, 3      at dst, dst + at[0], dst + at[1], dst + at[2]
 */
WSF_INLINE TARGET void keep_1(uint8_t *dst, const block *b, V kept, const size_t at[3])
{
    const V low = v_pick(low_bytes(b), kept);
    l_store_low(dst, v_lane(low, 0));
    l_store_high(dst + at[0], v_lane(low, 0));
    if (LANES == 2) {
        l_store_low(dst + at[1], v_lane(low, LANES - 1));
        l_store_high(dst + at[2], v_lane(low, LANES - 1));
    }
}

/*     even   group 0 | group 2
 *     odd    group 1 | group 3
 */
WSF_INLINE TARGET void keep_2(uint16_t *dst, const block *b, V kept, const size_t at[3])
{
    const V low = v_pick(low_bytes(b), kept), high = v_pick(high_bytes(b), kept);
    const V even = v_zip_low(low, high), odd = v_zip_high(low, high);
    l_store(dst, v_lane(even, 0));
    l_store(dst + at[0], v_lane(odd, 0));
    if (LANES == 2) {
        l_store(dst + at[1], v_lane(even, LANES - 1));
        l_store(dst + at[2], v_lane(odd, LANES - 1));
    }
}

/* The groups of keep_2, each widened by its planes to two lanes of four units. */
WSF_INLINE TARGET void keep_4(uint32_t *dst, const block *b, V kept, const size_t at[3])
{
    const V low = v_pick(low_bytes(b), kept), high = v_pick(high_bytes(b), kept);
    const V fourth = fourths(b);
    const V plane = v_bits(fourth) == 0 ? v_zero() : v_pick(plane_bytes(b, fourth), kept);
    const V even = v_zip_low(low, high), odd = v_zip_high(low, high);
    const V even_planes = v_zip_low(plane, v_zero()), odd_planes = v_zip_high(plane, v_zero());
    const V even0 = v_zip_low16(even, even_planes), even4 = v_zip_high16(even, even_planes);
    const V odd0 = v_zip_low16(odd, odd_planes), odd4 = v_zip_high16(odd, odd_planes);
    l_store_two(dst, even0, even4, 0);
    l_store_two(dst + at[0], odd0, odd4, 0);
    if (LANES == 2) {
        l_store_two(dst + at[1], even0, even4, LANES - 1);
        l_store_two(dst + at[2], odd0, odd4, LANES - 1);
    }
}

#if LANES == 1
WSF_INLINE TARGET void widen_1(uint8_t *dst, const uint8_t *src)
{
    l_store(dst, v_load(src));
}

WSF_INLINE TARGET void widen_2(uint16_t *dst, const uint8_t *src)
{
    const V x = v_load(src);
    l_store(dst, v_zip_low(x, v_zero()));
    l_store(dst + 8, v_zip_high(x, v_zero()));
}

WSF_INLINE TARGET void widen_4(uint32_t *dst, const uint8_t *src)
{
    const V x = v_load(src);
    const V low = v_zip_low(x, v_zero()), high = v_zip_high(x, v_zero());
    l_store(dst, v_zip_low16(low, v_zero()));
    l_store(dst + 4, v_zip_high16(low, v_zero()));
    l_store(dst + 8, v_zip_low16(high, v_zero()));
    l_store(dst + 12, v_zip_high16(high, v_zero()));
}
#endif

/* A transcoder into units of `width` bytes.
 *
 *     scalar   texts below STEP + 3 bytes
 *     blocks   from the start, while `spare` bytes follow the block: their units leave room
 *              for the last vector stored
 *     the rest in blocks too, the last one ending with the text, by way of a buffer
 *
 * Bit i of `kept` says that byte i of a block ends a sequence: what follows it does not go
 * on with it.
 */
#define TRANSCODER(width, unit, spare, function, scalar)                                           \
    WSF_INLINE TARGET unit *block_##width(unit *dst, const block *b, unsigned kept)                \
    {                                                                                              \
        size_t at[3];                                                                              \
        at[0] = wsf_bits_set(kept & 0xFFu);                                                        \
        at[1] = wsf_bits_set(kept & 0xFFFFu);                                                      \
        at[2] = wsf_bits_set(kept & 0xFFFFFFu);                                                    \
        keep_##width(dst, b, v_rows(kept), at);                                                    \
        return dst + wsf_bits_set(kept);                                                           \
    }                                                                                              \
    WSF_INLINE TARGET unit *middle_##width(unit *dst, const uint8_t *src, int first)               \
    {                                                                                              \
        const block b = first ? first_block(src) : block_at(src);                                  \
        return block_##width(dst, &b, ~v_bits(v_later(v_load(src + 1))) & ALL_KEPT);               \
    }                                                                                              \
    /* Take a vector; return where the next one goes, and whether this one was ASCII. */           \
    WSF_INLINE TARGET unit *step_##width(unit *dst, const uint8_t *src, int *ascii)                \
    {                                                                                              \
        *ascii = v_bits(v_load(src)) == 0;                                                         \
        if (!*ascii) {                                                                             \
            return middle_##width(dst, src, 0);                                                    \
        }                                                                                          \
        widen_##width(dst, src);                                                                   \
        return dst + STEP;                                                                         \
    }                                                                                              \
    /* The rest, src[i, n), after blocks; n >= STEP + 3. */                                        \
    WSF_INLINE TARGET void rest_##width(unit *dst, const uint8_t *src, size_t i, size_t n)         \
    {                                                                                              \
        unit units[STEP + (spare) + 8];                                                            \
        unit *end = units;                                                                         \
        block b;                                                                                   \
        unsigned kept;                                                                             \
        for (; n - i > STEP; i += STEP) {                                                          \
            end = middle_##width(end, src + i, i == 0);                                            \
        }                                                                                          \
        b = block_at(src + n - STEP);                                                              \
        kept = ~(v_bits(b.later) >> 1) & ALL_KEPT;                                                 \
        end = block_##width(end, &b, kept & ALL_KEPT << (STEP - (n - i)));                         \
        memcpy(dst, units, (size_t)(end - units) * (width));                                       \
    }                                                                                              \
    TARGET void function(unit *dst, const uint8_t *src, size_t n)                                  \
    {                                                                                              \
        size_t i = 0;                                                                              \
        if (n < STEP + 3) {                                                                        \
            scalar(dst, src, n);                                                                   \
            return;                                                                                \
        }                                                                                          \
        if (n >= STEP + (spare)) {                                                                 \
            const uint8_t *at = src + STEP, *const last = src + n - STEP - (spare);                \
            dst = middle_##width(dst, src, 1);                                                     \
            while (at <= last) {                                                                   \
                int ascii;                                                                         \
                dst = step_##width(dst, at, &ascii);                                               \
                at += STEP;                                                                        \
                if (!ascii || at > last) {                                                         \
                    continue;                                                                      \
                }                                                                                  \
                dst = step_##width(dst, at, &ascii);                                               \
                at += STEP;                                                                        \
                while (ascii && last - at >= (ptrdiff_t)STEP &&                                    \
                       v_bits(v_or(v_load(at), v_load(at + STEP))) == 0) {                         \
                    widen_##width(dst, at);                                                        \
                    widen_##width(dst + STEP, at + STEP);                                          \
                    dst += 2 * STEP;                                                               \
                    at += 2 * STEP;                                                                \
                }                                                                                  \
            }                                                                                      \
            i = (size_t)(at - src);                                                                \
        }                                                                                          \
        rest_##width(dst, src, i, n);                                                              \
    }
