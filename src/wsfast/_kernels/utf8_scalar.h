/* Where the fast kernels hand over to the automaton: after a fault.
 *
 * Invariant: these look at no more bytes than the fault needs; a valid text never
 * comes here.
 */
#ifndef WSF_UTF8_SCALAR_H
#define WSF_UTF8_SCALAR_H

#include "utf8_automaton.h"

/* The pending word before src[i], given that src[0, i), after `pending`, is well formed.
 * Only the last three bytes can matter:
 *
 *     ..  lead               a one-byte start
 *     ..  E0..F4  80..BF     two bytes of three or four
 *     ..  F0..F4  80..BF 80..BF   three bytes of four
 */
WSF_INLINE uint32_t wsf_utf8_pending_at(const uint8_t *src, size_t i, uint32_t pending)
{
    size_t j;
    for (j = i < 3 ? 0 : i - 3; j < i; j++) {
        pending = (pending >> 8) | (uint32_t)src[j] << 24;
    }
    if (pending >= 0xC0000000u) {
        return pending & 0xFF000000u;
    }
    if (pending < 0x80000000u) {
        return 0;
    }
    if ((pending & 0x00FF0000u) >= 0x00E00000u) {
        return pending & 0xFFFF0000u;
    }
    if ((pending & 0x0000FF00u) >= 0x0000F000u) {
        return pending & 0xFFFFFF00u;
    }
    return 0;
}

/* Find the fault in src[from, n), given that src[0, from), after *pending, is well
 * formed.  Return and set *pending as `validate` does (dispatch.h). */
size_t wsf_utf8_locate(const uint8_t *src, size_t from, size_t n, uint32_t *pending);

#endif
