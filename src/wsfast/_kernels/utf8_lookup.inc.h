/* UTF-8 validation by table lookups in vectors of 16 or 32 bytes: one algorithm for
 * the instruction sets whose lookups take a nibble (SSSE3, AVX2, NEON).
 *
 * Other vectors are not covered:
 *
 *   - AVX-512 (utf8_avx512.c): its lookups take six bits of an index, so that two tables do
 *     what takes three here, and its loads and stores take a mask, so that the end of a text
 *     needs no vector that overlaps another.
 *   - Scalable vectors (SVE, RVV), for which there is no kernel yet: their length is only
 *     known at run time.  WIDTH can't be a constant, and a vector can't be kept in a struct
 *     or an array, as `pass` and the granules here do.
 *
 * The ill-formed pairs are those of simd.h (Keiser and Lemire 2021).  The file that
 * includes this one defines the width and, with vectors_*.inc.h, the instructions:
 *
 *     WIDTH, TARGET, NAME(function)   bytes; attributes; the name for this width
 *     V, v_load v_store v_zero v_all  vector of bytes; the same byte everywhere
 *     v_word(w)                       the same four bytes again and again
 *     v_before(w)                     zeros, then the four bytes of w
 *     v_xor v_or v_and v_max v_minus  byte by byte, v_minus stopping at 0
 *     v_high_nibble v_low_nibble      x >> 4, x & 15, byte by byte
 *     v_lookup(entries, nibbles)      byte by byte
 *     v_back(x, prev, k)              the last k bytes of prev, then those of x
 *     v_any_high(x)                   is a byte at least 80?
 *     v_first_set(x)                  index of the first byte that is not 0, or WIDTH
 *     v_points(x, k)                  of the last k bytes, those that are not 80..BF
 *     v_highest(x)                    the highest byte
 *     v_pair(low, high)               of 16 bytes, from two words; only if WIDTH is 16
 *     MASK                            the member `mask`
 *     TAKE_SHORTER                    take_short for less than WIDTH + 3 bytes
 *
 *     granules of four vectors: one test for ASCII, one for faults
 *     the rest: whole vectors, and one that overlaps them and ends with the text
 *
 * Invariant: the contracts of `validate`, `measure`, `mask_validate` and
 * `mask_measure` in dispatch.h.
 */

#define GRANULE ((size_t)(4 * WIDTH))
#define ALIGN_FROM ((size_t)2048) /* from here on aligning loads or stores pays */

#define pass NAME(pass)
#define fault_bits NAME(fault_bits)
#define faults NAME(faults)
#define faults_at NAME(faults_at)
#define granule_faults NAME(granule_faults)
#define put_granule NAME(put_granule)
#define locate NAME(locate)
#define get NAME(get)
#define count NAME(count)
#define count_granule NAME(count_granule)
#define last_vector NAME(last_vector)
#define read_last NAME(read_last)
#define last_faults NAME(last_faults)
#define take_granules NAME(take_granules)
#define take_rest NAME(take_rest)
#define start NAME(start)
#define stop NAME(stop)
#define finish NAME(finish)
#define pass_over NAME(pass_over)
#define pass_over_granule NAME(pass_over_granule)
#define take_short NAME(take_short)
#define take_long NAME(take_long)

/* The fault bits of each byte of x, given the bytes one, two and three before:
 *
 *     (FIRST_HIGH[back1 >> 4] & FIRST_LOW[back1 & 15] & SECOND_HIGH[x >> 4])
 *     ^ (back2 >= E0 or back3 >= F0 ? 80 : 0)
 */
WSF_INLINE TARGET V fault_bits(V x, V back1, V back2, V back3)
{
    const V pairs = v_and(
        v_and(v_lookup(FIRST_HIGH, v_high_nibble(back1)), v_lookup(FIRST_LOW, v_low_nibble(back1))),
        v_lookup(SECOND_HIGH, v_high_nibble(x)));
    const V third = v_minus(back2, v_all(0xE0 - 0x80));
    const V fourth = v_minus(back3, v_all(0xF0 - 0x80));
    return v_xor(pairs, v_and(v_or(third, fourth), v_all(0x80)));
}

WSF_INLINE TARGET V faults(V x, V prev)
{
    return fault_bits(x, v_back(x, prev, 1), v_back(x, prev, 2), v_back(x, prev, 3));
}

/* Find the fault, which is in src[from, n) or is src[n - 1].  src[0, from), after
 * *pending, is well formed. */
static WSF_COLD TARGET size_t locate(const uint8_t *src, size_t from, size_t n, uint32_t *pending)
{
    V prev = v_before(wsf_utf8_pending_at(src, from, *pending));
    size_t i;
    for (i = from; n - i >= WIDTH; i += WIDTH) {
        const V x = v_load(src + i);
        const size_t first = v_first_set(faults(x, prev));
        if (first != WIDTH) { /* the fault, or the byte after it */
            return wsf_utf8_locate(src, i + first == 0 ? 0 : i + first - 1, n, pending);
        }
        prev = x;
    }
    if (n >= WIDTH + 3) {
        const uint8_t *const at = src + n - WIDTH;
        const V bits = fault_bits(v_load(at), v_load(at - 1), v_load(at - 2), v_load(at - 3));
        const size_t first = v_first_set(bits);
        i = n - (first == WIDTH ? 0 : WIDTH - first);
    }
    return wsf_utf8_locate(src, i == 0 ? 0 : i - 1, n, pending);
}

/* What a pass over the text carries from vector to vector. */
typedef struct pass {
    V prev;    /* the vector before */
    V highest; /* byte by byte, if measured */
    V key;
    V key_back[3]; /* the key for a vector read 1, 2 or 3 bytes before x */
    size_t points;
    int open; /* whether the text before x may end within a sequence */
} pass;

/* The bytes src[i, i + WIDTH), unmasked into dst. */
WSF_INLINE TARGET V get(const pass *p, uint8_t *dst, const uint8_t *src, size_t i, int masked)
{
    V x = v_load(src + i);
    if (masked) {
        x = v_xor(x, p->key);
        v_store(dst + i, x);
    }
    return x;
}

/* Count the last `size` bytes of x. */
WSF_INLINE TARGET void count(pass *p, V x, size_t size)
{
    p->points += v_points(x, size);
    p->highest = v_max(p->highest, x);
}

/* The vector that ends with the text, and those one, two and three bytes before
 * it.  Read, and unmasked, before in-place unmasking gets there. */
typedef struct last_vector {
    V x, back1, back2, back3;
} last_vector;

WSF_INLINE TARGET last_vector read_last(const uint8_t *src, size_t n, uint32_t key, int masked)
{
    const uint8_t *const at = src + n - WIDTH;
    last_vector v;
    v.x = v_load(at);
    v.back1 = v_load(at - 1);
    v.back2 = v_load(at - 2);
    v.back3 = v_load(at - 3);
    if (masked) {
        v.x = v_xor(v.x, v_word(wsf_key_advance(key, n)));
        v.back1 = v_xor(v.back1, v_word(wsf_key_advance(key, n + 3)));
        v.back2 = v_xor(v.back2, v_word(wsf_key_advance(key, n + 2)));
        v.back3 = v_xor(v.back3, v_word(wsf_key_advance(key, n + 1)));
    }
    return v;
}

WSF_INLINE TARGET V last_faults(const last_vector *v)
{
    return fault_bits(v->x, v->back1, v->back2, v->back3);
}

/* The fault bits of x, at src, of a granule's second to fourth vectors: loads, where
 * `faults` needs shuffles. */
WSF_INLINE TARGET V faults_at(const pass *p, V x, const uint8_t *src, int masked)
{
    V back1 = v_load(src - 1), back2 = v_load(src - 2), back3 = v_load(src - 3);
    if (masked) {
        back1 = v_xor(back1, p->key_back[0]);
        back2 = v_xor(back2, p->key_back[1]);
        back3 = v_xor(back3, p->key_back[2]);
    }
    return fault_bits(x, back1, back2, back3);
}

/* The fault bits of a granule's vectors put together; src is not unmasked yet. */
WSF_INLINE TARGET V granule_faults(const pass *p, const V x[4], const uint8_t *src, int masked)
{
    V bits = faults(x[0], p->prev);
    WSF_KEEP(bits);
    bits = v_or(bits, faults_at(p, x[1], src + WIDTH, masked));
    WSF_KEEP(bits);
    bits = v_or(bits, faults_at(p, x[2], src + 2 * WIDTH, masked));
    WSF_KEEP(bits);
    return v_or(bits, faults_at(p, x[3], src + 3 * WIDTH, masked));
}

WSF_INLINE TARGET void put_granule(uint8_t *dst, const V x[4], size_t i, int masked)
{
    if (masked) {
        v_store(dst + i, x[0]);
        v_store(dst + i + WIDTH, x[1]);
        v_store(dst + i + 2 * WIDTH, x[2]);
        v_store(dst + i + 3 * WIDTH, x[3]);
    }
}

/* Judge whole granules from *i on.  At a fault, stop with *i at the granule that has it
 * or comes after it, and return 0. */
WSF_INLINE TARGET int take_granules(pass *p, uint8_t *dst, const uint8_t *src, size_t n, size_t *i,
                                    int masked, int measured)
{
    for (; n - *i >= GRANULE; *i += GRANULE) {
        V x[4], bits;
        int high, k;
        for (k = 0; k < 4; k++) {
            x[k] = v_load(src + *i + WIDTH * (size_t)k);
            x[k] = masked ? v_xor(x[k], p->key) : x[k];
        }
        high = v_any_high(v_or(v_or(x[0], x[1]), v_or(x[2], x[3])));
        if (!high && !p->open) {
            put_granule(dst, x, *i, masked);
            p->points += GRANULE;
        } else { /* look before in-place unmasking overwrites the bytes before x[k] */
            bits = high ? granule_faults(p, x, src + *i, masked) : faults(x[0], p->prev);
            put_granule(dst, x, *i, masked);
            if (WSF_UNLIKELY(v_first_set(bits) != WIDTH)) {
                return 0;
            }
            for (k = 0; k < 4 && measured; k++) {
                count(p, x[k], WIDTH);
            }
            p->open = high;
        }
        p->prev = x[3];
    }
    return 1;
}

/* Judge the rest from i on, less than a granule, which ends with `v`.  Return whether it
 * is free of faults.  After a vector of ASCII, a vector of ASCII has none. */
WSF_INLINE TARGET int take_rest(pass *p, const last_vector *v, uint8_t *dst, const uint8_t *src,
                                size_t n, size_t i, int masked, int measured)
{
    V bits = v_zero();
    for (; n - i > WIDTH; i += WIDTH) {
        const V x = get(p, dst, src, i, masked);
        if (v_any_high(v_or(x, p->prev))) {
            bits = v_or(bits, faults(x, p->prev));
        }
        if (measured) {
            count(p, x, WIDTH);
        }
        p->prev = x;
    }
    if (masked) {
        v_store(dst + n - WIDTH, v->x);
    }
    if (measured) {
        count(p, v->x, n - i);
    }
    if (v_any_high(v_or(v->x, p->prev))) {
        bits = v_or(bits, last_faults(v));
    }
    return v_first_set(bits) == WIDTH;
}

WSF_INLINE TARGET pass start(uint32_t key, uint32_t pending)
{
    pass p;
    p.prev = v_before(pending);
    p.highest = v_zero();
    p.key = v_word(key);
    p.key_back[0] = v_word(wsf_key_advance(key, 3));
    p.key_back[1] = v_word(wsf_key_advance(key, 2));
    p.key_back[2] = v_word(wsf_key_advance(key, 1));
    p.points = 0;
    p.open = pending != 0;
    return p;
}

/* After a fault: unmask the rest, from i on, and find the fault.  src[0, from) is
 * well formed. */
static WSF_COLD size_t stop(uint8_t *dst, const uint8_t *src, size_t from, size_t i, size_t n,
                            uint32_t key, uint32_t *pending)
{
    if (dst == NULL) {
        return locate(src, from, n, pending);
    }
    if (i < n) {
        MASK(dst + i, src + i, n - i, wsf_key_advance(key, i));
    }
    return locate(dst, from, n, pending);
}

WSF_INLINE TARGET void finish(const pass *p, uint32_t *pending, wsf_text *text, uint32_t last,
                              int measured)
{
    *pending = wsf_pending_of(last);
    if (measured) {
        const unsigned highest = v_highest(p->highest);
        text->code_points += p->points;
        text->max_byte = highest > text->max_byte ? (uint8_t)highest : text->max_byte;
    }
}

/* Judge src[0, n), n more than a granule.  The two flags are constants where this is
 * inlined. */
WSF_INLINE TARGET size_t pass_over(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key,
                                   uint32_t *pending, wsf_text *text, int masked, int measured)
{
    const uint32_t last = wsf_last_word(src, n, key, *pending);
    const last_vector v = read_last(src, n, key, masked);
    pass p = start(key, *pending);
    size_t i = 0;
    if (!take_granules(&p, dst, src, n, &i, masked, measured)) {
        return stop(dst, src, i, i + GRANULE, n, key, pending);
    }
    if (WSF_UNLIKELY(!take_rest(&p, &v, dst, src, n, i, masked, measured) ||
                     wsf_ends_with_bad_lead(last))) {
        return stop(dst, src, i, n, n, key, pending);
    }
    finish(&p, pending, text, last, measured);
    return n;
}

/* Count n bytes in up to four vectors, of which `end` overlaps the one before. */
WSF_INLINE TARGET void count_granule(pass *p, V x0, V x1, V x2, V end, size_t n)
{
    count(p, x0, WIDTH);
    if (n > 2 * WIDTH) {
        count(p, x1, WIDTH);
    }
    if (n > 3 * WIDTH) {
        count(p, x2, WIDTH);
    }
    count(p, end, n - (n - 1) / WIDTH * WIDTH);
}

/* The same for WIDTH + 3 <= n <= GRANULE: no loop; for ASCII no table is loaded. */
WSF_INLINE TARGET size_t pass_over_granule(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key,
                                           uint32_t *pending, wsf_text *text, int masked,
                                           int measured)
{
    const uint32_t last = wsf_last_word(src, n, key, *pending);
    const last_vector v = read_last(src, n, key, masked);
    pass p = start(key, *pending);
    const V x0 = get(&p, dst, src, 0, masked);
    V x1 = x0, x2 = x0, bits;
    if (n > 2 * WIDTH) {
        x1 = get(&p, dst, src, WIDTH, masked);
    }
    if (n > 3 * WIDTH) {
        x2 = get(&p, dst, src, 2 * WIDTH, masked);
    }
    if (masked) {
        v_store(dst + n - WIDTH, v.x);
    }
    if (!v_any_high(v_or(v_or(x0, x1), v_or(x2, v.x))) && *pending == 0) {
        if (measured) {
            text->code_points += n;
        }
        return n;
    }
    bits = v_or(faults(x0, p.prev), last_faults(&v));
    if (n > 2 * WIDTH) {
        bits = v_or(bits, faults(x1, x0));
    }
    if (n > 3 * WIDTH) {
        bits = v_or(bits, faults(x2, x1));
    }
    if (WSF_UNLIKELY(v_first_set(bits) != WIDTH || wsf_ends_with_bad_lead(last))) {
        return stop(dst, src, 0, n, n, key, pending);
    }
    if (measured) {
        count_granule(&p, x0, x1, x2, v.x, n);
    }
    finish(&p, pending, text, last, measured);
    return n;
}

#if WIDTH == 16
#  include "utf8_short.inc.h"
#endif

/* All of src[0, n), n at most a granule. */
WSF_INLINE TARGET size_t take_short(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key,
                                    uint32_t *pending, wsf_text *text, int masked, int measured)
{
    if (n < WIDTH + 3) {
        return TAKE_SHORTER(dst, src, n, key, pending, text, masked, measured);
    }
    return pass_over_granule(dst, src, n, key, pending, text, masked, measured);
}

#define BOUNDARY WIDTH
#include "utf8_long.inc.h"

#undef pass
#undef fault_bits
#undef faults
#undef faults_at
#undef granule_faults
#undef put_granule
#undef locate
#undef get
#undef count
#undef count_granule
#undef last_vector
#undef read_last
#undef last_faults
#undef take_granules
#undef take_rest
#undef start
#undef stop
#undef finish
#undef pass_over
#undef pass_over_granule
#undef take_short
#undef take_long
#undef GRANULE
#undef ALIGN_FROM
