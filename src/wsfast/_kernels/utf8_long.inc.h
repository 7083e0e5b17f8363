/* A text of any length.  From ALIGN_FROM bytes on, the bytes before an aligned address, of dst
 * if that is written, else of src, come first; then the rest, after their pending word.
 *
 *     BOUNDARY        the alignment, in bytes
 *     TAKE_SHORTER    the algorithm for fewer bytes than that
 *     pass_over       the algorithm for the rest
 *
 * Invariant: the contracts of `validate`, `measure`, `mask_validate` and `mask_measure` in
 * dispatch.h, as the flags say.
 */
WSF_INLINE TARGET size_t take_long(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key,
                                   uint32_t *pending, wsf_text *text, int masked, int measured)
{
    const uintptr_t address = (uintptr_t)(masked ? dst : src);
    const size_t head = n < ALIGN_FROM ? 0 : (size_t)(0 - address) % BOUNDARY;
    const size_t end = TAKE_SHORTER(dst, src, head, key, pending, text, masked, measured);
    if (WSF_UNLIKELY(end != head)) {
        if (masked) {
            MASK(dst + head, src + head, n - head, wsf_key_advance(key, head));
        }
        return end;
    }
    return head + pass_over(masked ? dst + head : NULL, src + head, n - head,
                            wsf_key_advance(key, head), pending, text, masked, measured);
}

#undef BOUNDARY
