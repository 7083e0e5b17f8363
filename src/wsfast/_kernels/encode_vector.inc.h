/* From the storage of a string to UTF-8, masked on the way, in vectors of one or two lanes
 * of 16 bytes (SSSE3, AVX2, NEON).
 *
 * The bytes of each code point are put side by side; a shuffle, from a table by which of
 * them there are, then closes the gaps.  They are named from the last one, so that a shorter
 * sequence is the end of a longer one:
 *
 *     code point                      four       three      two        last
 *     0aaaaaaa                                                         0aaaaaaa
 *     00000bbb bbaaaaaa                                     110bbbbb   10aaaaaa
 *     ccccbbbb bbaaaaaa                          1110cccc   10bbbbbb   10aaaaaa
 *     000dddcc ccccbbbb bbaaaaaa      11110ddd   10cccccc   10bbbbbb   10aaaaaa
 *
 *     pairs    eight words of                               two        last
 *     quads    four dwords of         four       three      two        last
 *
 * The file that includes this one says with which instructions ("a lane" means that no byte
 * moves from one lane to the other):
 *
 *     TARGET, LANES              attributes; lanes of 16 bytes in a vector
 *     V, L                       vector, lane
 *     v_load(p) v_load2(p, q)    any address; a lane from p and, if there are two, one from q
 *     v_lane(x, i)               i is a constant
 *     l_load(p) l_store(p, l)    any address; l_mask(l, p) is l XOR the 16 bytes at p
 *     l_pick(l, p)               the bytes of a lane that the 16 indices at p say
 *     v_or v_and v_and_not       v_and_not(x, y) is x & ~y
 *     v_bytes v_words v_dwords   a constant in each byte, word or dword
 *     v_select(mask, x, y)       x where the mask is all ones, y where it is 0
 *     w_left w_right w_add w_sub, d_left d_right d_sub   words and dwords
 *     v_high(x)                  FF where the byte is 80 or more
 *     w_positive(x)              FFFF where the word, as a signed number, is above 0
 *     b_above(x, y)              FF where the byte of x, as a signed number, is above that of y
 *     w_equal d_equal(x, y)      all ones where they are equal
 *     d_from(x, k)               all ones where the dword, below 2^31, is k or more
 *     v_none_of(x, y)            is x & y 0?
 *     v_bits(x)                  the top bit of each byte, the first lowest
 *     v_narrow(x, y)             words below 100 to bytes, in the order of the units
 *     d_narrow(x, y)             a lane: dwords below 10000 to words, of x and then of y
 *     w_pack(x, y)               a lane: words 0 and FFFF to bytes, of x and then of y
 *     w_narrow(x, y)             a lane: words below 100 to bytes, of x and then of y
 *     v_zip_low v_zip_high(x, y) a lane: the bytes x0 y0 x1 y1 .. of either half
 *     v_zip_low16 v_zip_high16   the same with words
 *     v_rows(table, i, j)        row i of a table and, if there are two lanes, row j
 *     v_pick(x, indices)         a lane: byte by byte
 *
 * Invariant: the contract of the encoders in dispatch.h.  A store goes up to 15 bytes past
 * what it is for, into what comes next or into the slack.
 */
#include "encode_tables.h"

static const uint8_t PAIRS[256][16] = {WSF_PAIRS};
static const uint8_t QUADS[256][16] = {WSF_QUADS};
static const uint8_t TAGS[256][16] = {WSF_TAGS};
static const uint8_t QUAD_LENGTHS[256] = {WSF_QUAD_LENGTHS};
static const uint16_t CONSTANTS[10][16] = {WSF_CONSTANTS};
static const uint8_t KEEP[128] = {WSF_DROP_AND_KEEP};

#define STEP ((size_t)16 * LANES) /* code points that are looked at together */

/* What was written, and constants; `key` repeats the masking key, so that 16 bytes of it can be
 * loaded from any phase on, and is NULL, which the compiler knows, if nothing is masked. */
typedef struct output {
    uint8_t *dst;
    size_t at;
    const uint8_t *key;
    V surrogates; /* not 0 if there was one */
    V not_ascii, three_or_more, low_byte, lead_two, lead_three, tags_two, surrogate; /* words */
    V ones, six_bits, continuation;                                                  /* bytes */
} output;

/* Begin to write.  The compiler must not know the constants: GCC makes one that it knows again
 * in each step, in three instructions: a tenth of the time.  (SSE has too few registers.) */
WSF_INLINE TARGET output output_to(uint8_t *dst, const uint8_t *key)
{
    const uint16_t (*constants)[16] = CONSTANTS;
    output o;
    if (LANES == 2) {
        WSF_HIDE(constants);
    }
    o.dst = dst;
    o.at = 0;
    o.key = key;
    o.surrogates = v_words(0);
    o.not_ascii = v_load(constants[0]);
    o.three_or_more = v_load(constants[1]);
    o.low_byte = v_load(constants[2]);
    o.lead_two = v_load(constants[3]);
    o.lead_three = v_load(constants[4]);
    o.tags_two = v_load(constants[5]);
    o.surrogate = v_load(constants[6]);
    o.ones = v_load(constants[7]);
    o.six_bits = v_load(constants[8]);
    o.continuation = v_load(constants[9]);
    return o;
}

/* Write a lane, of which `length` bytes count. */
WSF_INLINE TARGET void put(output *o, L lane, size_t length)
{
    l_store(o->dst + o->at, o->key == NULL ? lane : l_mask(lane, o->key + (o->at & 3u)));
    o->at += length;
}

/* Write the lanes of a vector, of which so many bytes count. */
WSF_INLINE TARGET void put_lanes(output *o, V x, size_t x0, size_t x1)
{
    put(o, v_lane(x, 0), x0);
    if (LANES == 2) {
        put(o, v_lane(x, LANES - 1), x1);
    }
}

/* Write the lanes of two vectors in turns. */
WSF_INLINE TARGET void put_turns(output *o, V x, V y, size_t x0, size_t y0, size_t x1, size_t y1)
{
    put(o, v_lane(x, 0), x0);
    put(o, v_lane(y, 0), y0);
    if (LANES == 2) {
        put(o, v_lane(x, LANES - 1), x1);
        put(o, v_lane(y, LANES - 1), y1);
    }
}

/* The rows that 16 bits a lane name, 8 for a lane of x and 8 for that of y:
 *
 *     bits     y1 x1 y0 x0    from the top; y1 and x1 are 0 in vectors of one lane
 */
#define X0(bits) ((bits) & 0xFFu)
#define Y0(bits) ((bits) >> 8 & 0xFFu)
#define X1(bits) ((bits) >> 16 & 0xFFu)
#define Y1(bits) ((bits) >> 24)

/* A bit for each of 8 pairs: is it two bytes? */
WSF_INLINE TARGET void put_pairs(output *o, L pairs, size_t bits)
{
    put(o, l_pick(pairs, PAIRS[bits]), 8 + wsf_bits_set(bits));
}

/* Two bits for each of 4 quads: its code. */
WSF_INLINE TARGET void put_quads(output *o, L quads, size_t bits)
{
    put(o, l_pick(quads, QUADS[bits]), QUAD_LENGTHS[bits]);
}

/* ---- code points up to U+00FF, a byte each ------------------------------------- */

/*     two    110000bb     of bbaaaaaa
 *     last   10aaaaaa, or as it is if it is ASCII
 */
WSF_INLINE TARGET void put_bytes(output *o, V x)
{
    const unsigned bits = v_bits(x);
    if (bits == 0) {
        put_lanes(o, x, 16, 16);
    } else {
        const V two = v_or(v_and(w_right(x, 6), v_bytes(0x03)), v_bytes(0xC0));
        const V last = v_and_not(x, v_and(v_high(x), v_bytes(0x40)));
        const V x_pairs = v_zip_low(two, last), y_pairs = v_zip_high(two, last);
        put_pairs(o, v_lane(x_pairs, 0), X0(bits));
        put_pairs(o, v_lane(y_pairs, 0), Y0(bits));
        if (LANES == 2) {
            put_pairs(o, v_lane(x_pairs, LANES - 1), X1(bits));
            put_pairs(o, v_lane(y_pairs, LANES - 1), Y1(bits));
        }
    }
}

WSF_INLINE TARGET void step_1(output *o, const uint8_t *src)
{
    put_bytes(o, v_load(src));
}

/* ---- code points up to U+FFFF, two bytes each ------------------------------------ */

/* Two vectors of words below U+0800, whose halves are bytes:
 *
 *     00000bbb bbaaaaaa  ->  two 110bbbbb, last 10aaaaaa
 *     00000000 0aaaaaaa  ->  two ________, last 0aaaaaaa
 */
WSF_INLINE TARGET void put_twos(output *o, V x, V y)
{
    const V upper = w_narrow(w_right(x, 6), w_right(y, 6));
    const V lower = w_narrow(v_and(x, o->low_byte), v_and(y, o->low_byte));
    const V high = b_above(upper, o->ones);
    const unsigned bits = v_bits(high);
    const V two = v_or(upper, o->lead_two);
    const V last = v_select(high, v_or(v_and(lower, o->six_bits), o->continuation), lower);
    const V x_pairs = v_zip_low(two, last), y_pairs = v_zip_high(two, last);
    put_pairs(o, v_lane(x_pairs, 0), X0(bits));
    if (LANES == 2) {
        put_pairs(o, v_lane(x_pairs, LANES - 1), X1(bits));
    }
    put_pairs(o, v_lane(y_pairs, 0), Y0(bits));
    if (LANES == 2) {
        put_pairs(o, v_lane(y_pairs, LANES - 1), Y1(bits));
    }
}

/* From the lowest byte up, once the two words are zipped:
 *
 *     ccccbbbb bbaaaaaa  ->  ________ 1110cccc 10bbbbbb 10aaaaaa
 *     00000bbb bbaaaaaa  ->  ________ ________ 110bbbbb 10aaaaaa
 *     00000000 0aaaaaaa  ->  ________ ________ ________ 0aaaaaaa
 */
typedef struct quads {
    V upper, lower, codes;
    V surrogates; /* FFFF for each */
} quads;

WSF_INLINE TARGET quads quads_of(const output *o, V x)
{
    const V kind = w_right(x, 11);
    const V high = w_positive(w_right(x, 7)), third = w_positive(kind);
    const V apart = v_or(w_left(x, 8), w_right(w_left(x, 4), 10));
    const V two = v_or(v_and(apart, o->six_bits), o->tags_two);
    quads q;
    q.upper = v_or(w_right(x, 4), o->lead_three);
    q.lower = v_select(high, w_add(two, w_left(third, 6)), apart); /* C0 - 40 if there are three */
    q.codes = v_select(o->low_byte, high, third);
    q.surrogates = w_equal(kind, o->surrogate);
    return q;
}

#define ALL_THREE (0xFFFFFFFFu >> (32 - 16 * LANES))

/* A vector of any words.  Runs of three bytes have a row of their own, so that Chinese,
 * Japanese and Korean need no table. */
WSF_INLINE TARGET void put_threes(output *o, V x)
{
    const quads q = quads_of(o, x);
    const unsigned bits = v_bits(q.codes);
    const V low = v_zip_low16(q.upper, q.lower), high = v_zip_high16(q.upper, q.lower);
    o->surrogates = v_or(o->surrogates, q.surrogates);
    if (bits == ALL_THREE) {
        const V rows = v_rows(QUADS, 0xFF, 0xFF);
        put_turns(o, v_pick(low, rows), v_pick(high, rows), 12, 12, 12, 12);
        return;
    }
    put_quads(o, v_lane(low, 0), X0(bits));
    put_quads(o, v_lane(high, 0), Y0(bits));
    if (LANES == 2) {
        put_quads(o, v_lane(low, LANES - 1), X1(bits));
        put_quads(o, v_lane(high, LANES - 1), Y1(bits));
    }
}

/* One test for both vectors: mixed text is guessed wrong less often. */
WSF_INLINE TARGET void put_words(output *o, V x, V y)
{
    if (v_none_of(v_or(x, y), o->three_or_more)) {
        put_twos(o, x, y);
    } else {
        put_threes(o, x);
        put_threes(o, y);
    }
}

WSF_INLINE TARGET void step_2(output *o, const uint16_t *src)
{
    const V x = v_load(src), y = v_load(src + 8 * LANES);
    if (v_none_of(v_or(x, y), o->not_ascii)) {
        put_lanes(o, v_narrow(x, y), 16, 16);
    } else {
        put_words(o, x, y);
    }
}

/* ---- any code points, four bytes each --------------------------------------------- */

/* The bits of the code point, from the lowest byte up; TAGS has the others:
 *
 *     four 00000ddd   three 00cccccc   two 00bbbbbb   last 00aaaaaa, or 0aaaaaaa if ASCII
 */
WSF_INLINE TARGET V dwords_of(V x, V high)
{
    const V upper = v_or(d_right(x, 18), v_and(d_right(x, 4), v_dwords(0x3F00)));
    const V last = v_and_not(d_left(x, 24), v_and(high, v_dwords(0x40000000)));
    return v_or(upper, v_or(v_and(d_left(x, 10), v_dwords(0x3F0000)), last));
}

/* The code of each dword as two words, all ones or 0. */
WSF_INLINE TARGET V codes_of(V high, V third, V fourth)
{
    return v_or(v_and(v_and_not(high, fourth), v_dwords(0x0000FFFF)),
                v_and(third, v_dwords(0xFFFF0000)));
}

#define ALL_FOUR (0xAAAAAAAAu >> (32 - 16 * LANES))

/* Two bits for each quad: its code.  Runs of four bytes have no gaps to close. */
WSF_INLINE TARGET void put_fours(output *o, V x, V y, unsigned bits)
{
    if (bits == ALL_FOUR) {
        const V tags = v_dwords(0x808080F0);
        put_turns(o, v_or(x, tags), v_or(y, tags), 16, 16, 16, 16);
    } else {
        const V tags_x = v_rows(TAGS, X0(bits), X1(bits));
        const V tags_y = v_rows(TAGS, Y0(bits), Y1(bits));
        put_turns(o, v_or(v_pick(x, v_rows(QUADS, X0(bits), X1(bits))), tags_x),
                  v_or(v_pick(y, v_rows(QUADS, Y0(bits), Y1(bits))), tags_y),
                  QUAD_LENGTHS[X0(bits)], QUAD_LENGTHS[Y0(bits)], QUAD_LENGTHS[X1(bits)],
                  QUAD_LENGTHS[Y1(bits)]);
    }
}

WSF_INLINE TARGET void put_dwords(output *o, V x, V y)
{
    const V high_x = d_from(x, 0x80), high_y = d_from(y, 0x80);
    const V third_x = d_from(x, 0x800), third_y = d_from(y, 0x800);
    const V fourth_x = d_from(x, 0x10000), fourth_y = d_from(y, 0x10000);
    const V codes =
        w_pack(codes_of(high_x, third_x, fourth_x), codes_of(high_y, third_y, fourth_y));
    const V kind = v_dwords(0xD800 >> 11);
    o->surrogates =
        v_or(o->surrogates, v_or(d_equal(d_right(x, 11), kind), d_equal(d_right(y, 11), kind)));
    put_fours(o, dwords_of(x, high_x), dwords_of(y, high_y), v_bits(codes));
}

WSF_INLINE TARGET void put_narrowest(output *o, V x, V y)
{
    if (v_none_of(v_or(x, y), v_dwords(0xFFFF0000))) {
        put_threes(o, d_narrow(x, y));
    } else {
        put_dwords(o, x, y);
    }
}

/* The lanes of two vectors take turns in the text:   x0 y0 x1 y1 */
WSF_INLINE TARGET void step_4(output *o, const uint32_t *src)
{
    const uint32_t *const next = src + 8 * LANES;
    const V a = v_load2(src, src + 8), b = v_load2(src + 4, src + 12);
    const V c = v_load2(next, next + 8), d = v_load2(next + 4, next + 12);
    if (v_none_of(v_or(v_or(a, b), v_or(c, d)), v_dwords(0xFFFFFF80))) {
        put_lanes(o, v_narrow(d_narrow(a, b), d_narrow(c, d)), 16, 16);
    } else if (v_none_of(v_or(v_or(a, b), v_or(c, d)), v_dwords(0xFFFF0000))) {
        put_words(o, d_narrow(a, b), d_narrow(c, d));
    } else {
        put_narrowest(o, a, b);
        put_narrowest(o, c, d);
    }
}

/* ---- how many bytes that is ------------------------------------------------------- */

/* How many bytes more than units the text takes, added up in each place of a vector, where all
 * ones are -1.  A step adds up to 4 to a place of 16 bits, which holds that of PIECE steps. */
#define PIECE ((size_t)8191)

WSF_INLINE TARGET V add_words(V sums, V x)
{
    return w_sub(w_sub(sums, w_positive(w_right(x, 7))), w_positive(w_right(x, 11)));
}

WSF_INLINE TARGET V add_dwords(V sums, V x)
{
    return d_sub(d_sub(d_sub(sums, d_from(x, 0x80)), d_from(x, 0x800)), d_from(x, 0x10000));
}

WSF_INLINE TARGET size_t more_1(const uint8_t *src, size_t steps)
{
    size_t more = 0, i;
    for (i = 0; i < steps; i++) {
        more += wsf_bits_set(v_bits(v_load(src + i * STEP)));
    }
    return more;
}

WSF_INLINE TARGET size_t more_2(const uint16_t *src, size_t steps)
{
    uint16_t places[8 * LANES];
    V sums = v_words(0);
    size_t more = 0, i;
    for (i = 0; i < steps; i++) {
        sums = add_words(sums, v_load(src + i * STEP));
        sums = add_words(sums, v_load(src + i * STEP + STEP / 2));
    }
    for (i = 0; i < LANES; i++) {
        l_store((uint8_t *)(places + 8 * i), i == 0 ? v_lane(sums, 0) : v_lane(sums, LANES - 1));
    }
    for (i = 0; i < 8 * LANES; i++) {
        more += places[i];
    }
    return more;
}

WSF_INLINE TARGET size_t more_4(const uint32_t *src, size_t steps)
{
    uint32_t places[4 * LANES];
    V sums = v_dwords(0);
    size_t more = 0, i;
    for (i = 0; i < steps * STEP; i += 4 * LANES) {
        sums = add_dwords(sums, v_load(src + i));
    }
    for (i = 0; i < LANES; i++) {
        l_store((uint8_t *)(places + 4 * i), i == 0 ? v_lane(sums, 0) : v_lane(sums, LANES - 1));
    }
    for (i = 0; i < 4 * LANES; i++) {
        more += places[i];
    }
    return more;
}

/* ---- the two functions for each width ---------------------------------------------- */

/* The units of a part; less than two of them are left after the last step. */
#define PART_1 STEP
#define PART_2 (STEP / 2)
#define PART_4 PART_2

/* Put a part, with 0 for the units whose bytes from `keep` on are 0. */
WSF_INLINE TARGET void part_1(output *o, const uint8_t *src, const uint8_t *keep)
{
    put_bytes(o, v_and(v_load(src), v_load(keep)));
}

WSF_INLINE TARGET void part_2(output *o, const uint16_t *src, const uint8_t *keep)
{
    put_threes(o, v_and(v_load(src), v_load(keep)));
}

WSF_INLINE TARGET void part_4(output *o, const uint32_t *src, const uint8_t *keep)
{
    put_narrowest(o, v_and(v_load2(src, src + 8), v_load2(keep, keep + 32)),
                  v_and(v_load2(src + 4, src + 12), v_load2(keep + 16, keep + 48)));
}

/* A 0 becomes one byte.  The last part begins among units that are written already, if there
 * are so many: zeros in their place, the bytes of which go over what is written, which then is
 * put back.  (A copy of the last units would have to wait until it can be loaded again.)
 *
 *     src   |----- i units -----|---- n - i ----|
 *                         |0 0 0|---- n - i ----|   a part
 *
 * Of a text that is too short, there is a copy, with zeros behind it that do not count. */
#define ENCODER(width, unit, size, function)                                                       \
    TARGET size_t size(const unit *src, size_t n)                                                  \
    {                                                                                              \
        unit last[STEP];                                                                           \
        size_t bytes = n, i = 0;                                                                   \
        while (n - i >= STEP) {                                                                    \
            const size_t left = (n - i) / STEP, steps = left < PIECE ? left : PIECE;               \
            bytes += more_##width(src + i, steps);                                                 \
            i += steps * STEP;                                                                     \
        }                                                                                          \
        if (i != n) {                                                                              \
            memset(last, 0, sizeof last);                                                          \
            memcpy(last, src + i, (n - i) * sizeof *src);                                          \
            bytes += more_##width(last, 1);                                                        \
        }                                                                                          \
        return bytes;                                                                              \
    }                                                                                              \
    WSF_INLINE TARGET void last_##width(output *o, const unit *src, size_t i, size_t n)            \
    {                                                                                              \
        unit copy[PART_##width];                                                                   \
        if (n - i > PART_##width) {                                                                \
            part_##width(o, src + i, KEEP + 64);                                                   \
            i += PART_##width;                                                                     \
        }                                                                                          \
        if (i >= 16 && i >= PART_##width) {                                                        \
            const size_t over = PART_##width - (n - i);                                            \
            uint8_t *const end = o->dst + o->at;                                                   \
            uint8_t *const start = end - (PART_##width == 32 ? 32 : 16);                           \
            const L first = l_load(start), second = l_load(end - 16);                              \
            o->at -= over;                                                                         \
            part_##width(o, src + n - PART_##width, KEEP + 64 - over * sizeof *src);               \
            l_store(start, first);                                                                 \
            l_store(end - 16, second);                                                             \
        } else {                                                                                   \
            memset(copy, 0, sizeof copy);                                                          \
            memcpy(copy, src + i, (n - i) * sizeof *src);                                          \
            part_##width(o, copy, KEEP + 64);                                                      \
            o->at -= i + PART_##width - n;                                                         \
        }                                                                                          \
    }                                                                                              \
    WSF_INLINE TARGET size_t encode_##width(output o, const unit *src, size_t n)                   \
    {                                                                                              \
        size_t i;                                                                                  \
        for (i = 0; n - i >= STEP; i += STEP) {                                                    \
            step_##width(&o, src + i);                                                             \
        }                                                                                          \
        if (i != n) {                                                                              \
            last_##width(&o, src, i, n);                                                           \
        }                                                                                          \
        return v_none_of(o.surrogates, o.surrogates) ? o.at : WSF_SURROGATE;                       \
    }                                                                                              \
    TARGET size_t function(uint8_t *dst, const unit *src, size_t n, uint32_t key)                  \
    {                                                                                              \
        const uint32_t keys[5] = {key, key, key, key, key};                                        \
        if (key == 0) {                                                                            \
            return encode_##width(output_to(dst, NULL), src, n);                                   \
        }                                                                                          \
        return encode_##width(output_to(dst, (const uint8_t *)keys), src, n);                      \
    }

#define ENCODERS(kernel)                                                                           \
    ENCODER(1, uint8_t, wsf_latin1_size_##kernel, wsf_from_latin1_##kernel)                        \
    ENCODER(2, uint16_t, wsf_ucs2_size_##kernel, wsf_from_ucs2_##kernel)                           \
    ENCODER(4, uint32_t, wsf_ucs4_size_##kernel, wsf_from_ucs4_##kernel)
