/* From well-formed UTF-8 to the code units of a string, for any machine.
 *
 *     0xxxxxxx                              U+0000..U+007F
 *     110xxxxx 10xxxxxx                     U+0080..U+07FF
 *     1110xxxx 10xxxxxx 10xxxxxx            U+0800..U+FFFF
 *     11110xxx 10xxxxxx 10xxxxxx 10xxxxxx   U+10000..U+10FFFF
 *
 * Invariant: the contract of the transcoders in dispatch.h.  The caller knows from
 * `measure` that src is well formed and which width holds it, so nothing is checked
 * again; what is read depends on the lead bytes, and the text ends with a sequence.
 */
#include "dispatch.h"

#define HIGH_BITS UINT64_C(0x8080808080808080)

/* Transcode one sequence at *src, and move *src past it. */
WSF_INLINE uint32_t next_code_point(const uint8_t **src)
{
    const uint8_t *p = *src;
    const uint32_t lead = p[0];
    if (lead < 0x80) {
        *src = p + 1;
        return lead;
    }
    if (lead < 0xE0) {
        *src = p + 2;
        return (lead & 0x1Fu) << 6 | (p[1] & 0x3Fu);
    }
    if (lead < 0xF0) {
        *src = p + 3;
        return (lead & 0x0Fu) << 12 | (uint32_t)(p[1] & 0x3Fu) << 6 | (p[2] & 0x3Fu);
    }
    *src = p + 4;
    return (lead & 0x07u) << 18 | (uint32_t)(p[1] & 0x3Fu) << 12 | (uint32_t)(p[2] & 0x3Fu) << 6 |
           (p[3] & 0x3Fu);
}

/* The same loop for each width: eight ASCII bytes at once, or one sequence. */
#define TRANSCODE(UNIT)                                                                            \
    const uint8_t *const end = src + n;                                                            \
    while (src != end) {                                                                           \
        if (end - src >= 8 && (wsf_load64(src) & HIGH_BITS) == 0) {                                \
            int i;                                                                                 \
            for (i = 0; i < 8; i++) {                                                              \
                dst[i] = src[i];                                                                   \
            }                                                                                      \
            dst += 8;                                                                              \
            src += 8;                                                                              \
        } else {                                                                                   \
            *dst++ = (UNIT)next_code_point(&src);                                                  \
        }                                                                                          \
    }

void wsf_to_latin1_scalar(uint8_t *dst, const uint8_t *src, size_t n)
{
    TRANSCODE(uint8_t)
}

void wsf_to_ucs2_scalar(uint16_t *dst, const uint8_t *src, size_t n)
{
    TRANSCODE(uint16_t)
}

void wsf_to_ucs4_scalar(uint32_t *dst, const uint8_t *src, size_t n)
{
    TRANSCODE(uint32_t)
}
