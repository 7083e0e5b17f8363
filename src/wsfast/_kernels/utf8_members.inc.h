/* The four members of a kernel that look at text, from one algorithm.
 *
 *     MEMBER(name)             wsf_name_isa, as the table in kernel_isa.c has it
 *     take_short, take_long    the algorithm for up to SHORT_TEXT bytes, and above
 *
 * They are inlined here with the flags as constants.  Long texts get separate functions that
 * are not inlined, so short calls don't pay for their register saves and stack alignment.
 *
 * Invariant: the contracts of these members in dispatch.h.
 */
static WSF_NOINLINE TARGET size_t validate_long(const uint8_t *src, size_t n, uint32_t *pending)
{
    return take_long(NULL, src, n, 0, pending, NULL, 0, 0);
}

static WSF_NOINLINE TARGET size_t measure_long(const uint8_t *src, size_t n, wsf_text *text)
{
    return take_long(NULL, src, n, 0, &text->pending, text, 0, 1);
}

static WSF_NOINLINE TARGET size_t mask_validate_long(uint8_t *dst, const uint8_t *src, size_t n,
                                                     uint32_t key, uint32_t *pending)
{
    return take_long(dst, src, n, key, pending, NULL, 1, 0);
}

static WSF_NOINLINE TARGET size_t mask_measure_long(uint8_t *dst, const uint8_t *src, size_t n,
                                                    uint32_t key, wsf_text *text)
{
    return take_long(dst, src, n, key, &text->pending, text, 1, 1);
}

TARGET size_t MEMBER(validate)(const uint8_t *src, size_t n, uint32_t *pending)
{
    if (n > SHORT_TEXT) {
        return validate_long(src, n, pending);
    }
    return take_short(NULL, src, n, 0, pending, NULL, 0, 0);
}

TARGET size_t MEMBER(measure)(const uint8_t *src, size_t n, wsf_text *text)
{
    if (n > SHORT_TEXT) {
        return measure_long(src, n, text);
    }
    return take_short(NULL, src, n, 0, &text->pending, text, 0, 1);
}

TARGET size_t MEMBER(mask_validate)(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key,
                                    uint32_t *pending)
{
    if (n > SHORT_TEXT) {
        return mask_validate_long(dst, src, n, key, pending);
    }
    return take_short(dst, src, n, key, pending, NULL, 1, 0);
}

TARGET size_t MEMBER(mask_measure)(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key,
                                   wsf_text *text)
{
    if (n > SHORT_TEXT) {
        return mask_measure_long(dst, src, n, key, text);
    }
    return take_short(dst, src, n, key, &text->pending, text, 1, 1);
}
