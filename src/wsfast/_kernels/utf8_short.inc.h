/* Texts of less than 19 bytes, too short for two vectors of 16 that overlap, with three
 * bytes before the second: a part of utf8_lookup.inc.h at WIDTH 16.
 *
 * Invariant: as there.  No loop goes over bytes.
 */

/* The bytes src[0, n), n from 1 to 15, in the order of memory; 0 above them. */
WSF_INLINE void assemble(const uint8_t *src, size_t n, uint64_t word[2])
{
    word[1] = 0;
    if (n >= 8) {
        word[0] = wsf_load64(src);
        word[1] = wsf_load64(src + n - 8) >> 8 * (15 - n) >> 8; /* never by 64 */
    } else if (n >= 4) {
        word[0] = wsf_load32(src) | (uint64_t)wsf_load32(src + n - 4) << 8 * (n - 4);
    } else {
        word[0] = wsf_load_under4(src, n);
    }
}

/* The bytes src[0, n), n below 16, unmasked into dst; 0 above them. */
WSF_INLINE TARGET void move_under16(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key,
                                    uint64_t word[2], int masked)
{
    assemble(src, n, word);
    if (masked) {
        const uint64_t wide = wsf_key_double(key);
        const uint64_t low = n >= 8 ? ~UINT64_C(0) : (UINT64_C(1) << 8 * n) - 1;
        const uint64_t high = n >= 8 ? ~UINT64_C(0) >> 8 * (15 - n) >> 8 : 0;
        word[0] ^= wide & low;
        word[1] ^= wide & high;
        wsf_mask_under16(dst, src, n, key);
    }
}

/* All of src[0, n), n below 16: a vector made of words.  Its bytes after the text are 0,
 * and faults there are ignored. */
WSF_INLINE TARGET size_t take_under16(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key,
                                      uint32_t *pending, wsf_text *text, int masked, int measured)
{
    uint64_t word[2];
    uint32_t last;
    pass p;
    V x;
    if (n == 0) {
        return 0;
    }
    last = wsf_last_word(src, n, key, *pending);
    move_under16(dst, src, n, key, word, masked);
    if (((word[0] | word[1]) & UINT64_C(0x8080808080808080)) == 0 && *pending == 0) {
        if (measured) {
            text->code_points += n;
        }
        return n;
    }
    p = start(key, *pending);
    x = v_pair(word[0], word[1]);
    if (WSF_UNLIKELY(v_first_set(faults(x, p.prev)) < n || wsf_ends_with_bad_lead(last))) {
        return stop(dst, src, 0, n, n, key, pending);
    }
    if (measured) {
        count(&p, x, WIDTH);
        p.points -= WIDTH - n;
    }
    finish(&p, pending, text, last, measured);
    return n;
}

/* All of src[0, 16). */
WSF_INLINE TARGET size_t take_16(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key,
                                 uint32_t *pending, wsf_text *text, int masked, int measured)
{
    const uint32_t last = wsf_last_word(src, n, key, *pending);
    pass p = start(key, *pending);
    const V x = get(&p, dst, src, 0, masked);
    if (!v_any_high(x) && *pending == 0) {
        if (measured) {
            text->code_points += n;
        }
        return n;
    }
    if (WSF_UNLIKELY(v_first_set(faults(x, p.prev)) != n || wsf_ends_with_bad_lead(last))) {
        return stop(dst, src, 0, n, n, key, pending);
    }
    if (measured) {
        count(&p, x, n);
    }
    finish(&p, pending, text, last, measured);
    return n;
}

/* All of src[0, n), n below 19.  From 16 on a vector, then what is left. */
WSF_INLINE TARGET size_t take_under19(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key,
                                      uint32_t *pending, wsf_text *text, int masked, int measured)
{
    size_t end;
    if (n < 16) {
        return take_under16(dst, src, n, key, pending, text, masked, measured);
    }
    end = take_16(dst, src, 16, key, pending, text, masked, measured);
    if (n == 16) {
        return end;
    }
    if (WSF_UNLIKELY(end != 16)) {
        if (masked) {
            wsf_mask_under16(dst + 16, src + 16, n - 16, key);
        }
        return end;
    }
    return 16 + take_under16(masked ? dst + 16 : NULL, src + 16, n - 16, key, pending, text, masked,
                             measured);
}
