/* Masking in vectors of WIDTH bytes (RFC 6455 section 5.3), with the vectors of
 * vectors_*.inc.h: 16 or 32.  AVX-512 masks with those of AVX2.
 *
 * Invariant: bytes that two stores cover are read for both before either is written,
 * so dst may be src.
 */
#define masked NAME(masked)
#define mask_pairs NAME(mask_pairs)
#define mask_long NAME(mask_long)

WSF_INLINE TARGET V masked(const uint8_t *src, V key)
{
    return v_xor(v_load(src), key);
}

/* WIDTH <= n <= 4 * WIDTH: one vector from the front and one from the back, or two.
 *
 *     dst   |--first--|--second-|
 *                   |--third--|--last---|
 */
WSF_INLINE TARGET void mask_pairs(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key)
{
    const V wide = v_word(key), turned = v_word(wsf_key_advance(key, n));
    const V first = masked(src, wide);
    const V last = masked(src + n - WIDTH, turned);
    if (n > 2 * WIDTH) {
        const V second = masked(src + WIDTH, wide);
        const V third = masked(src + n - 2 * WIDTH, turned);
        v_store(dst + WIDTH, second);
        v_store(dst + n - 2 * WIDTH, third);
    }
    v_store(dst, first);
    v_store(dst + n - WIDTH, last);
}

/* n > 4 * WIDTH, and from 2048 bytes on the stores are aligned.
 *
 *     dst   |--first--|
 *               |-------- fours, then ones -------|
 *               ^ on a boundary of WIDTH    |---last--|
 */
WSF_INLINE TARGET void mask_long(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key)
{
    const size_t head = n < 2048 ? 0 : (size_t)(0 - (uintptr_t)dst) % WIDTH;
    const V first = masked(src, v_word(key));
    const V last = masked(src + n - WIDTH, v_word(wsf_key_advance(key, n)));
    const V wide = v_word(wsf_key_advance(key, head));
    size_t i = head;
    for (; n - i >= 4 * WIDTH; i += 4 * WIDTH) {
        const V x0 = masked(src + i, wide);
        const V x1 = masked(src + i + WIDTH, wide);
        const V x2 = masked(src + i + 2 * WIDTH, wide);
        const V x3 = masked(src + i + 3 * WIDTH, wide);
        v_store(dst + i, x0);
        v_store(dst + i + WIDTH, x1);
        v_store(dst + i + 2 * WIDTH, x2);
        v_store(dst + i + 3 * WIDTH, x3);
    }
    for (; n - i > WIDTH; i += WIDTH) {
        v_store(dst + i, masked(src + i, wide));
    }
    if (head != 0) {
        v_store(dst, first);
    }
    v_store(dst + n - WIDTH, last);
}

#undef masked
#undef mask_pairs
#undef mask_long
