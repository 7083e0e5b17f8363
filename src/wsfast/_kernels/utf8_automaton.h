/* The scalar automaton of well-formed UTF-8, which finds the exact byte of an error.
 *
 * The Unicode Standard, Table 3-7, well-formed byte sequences:
 *
 *     lead     second   third    fourth
 *     00..7F
 *     C2..DF   80..BF
 *     E0       A0..BF   80..BF            80..9F would be overlong
 *     E1..EC   80..BF   80..BF
 *     ED       80..9F   80..BF            A0..BF would be a surrogate
 *     EE..EF   80..BF   80..BF
 *     F0       90..BF   80..BF   80..BF   80..8F would be overlong
 *     F1..F3   80..BF   80..BF   80..BF
 *     F4       80..8F   80..BF   80..BF   90..BF would be above U+10FFFF
 *
 * The state is `pending`: the bytes, three at most, of an unfinished sequence that
 * is well formed so far, the latest in the top byte; 0 at a boundary.
 *
 *     after E2       E2 00 00 00   (written from the top byte down)
 *     after E2 82    82 E2 00 00
 *     after F0 9F 98 98 9F F0 00
 *
 * Invariant: pending is 0 or begins with a lead byte C2..F4, so some byte can
 * still complete it.  That makes failing fast exact: what cannot be completed is
 * never pending.
 */
#ifndef WSF_UTF8_AUTOMATON_H
#define WSF_UTF8_AUTOMATON_H

#include "config.h"

#define WSF_UTF8_FAULT 1u /* no pending word: its lead byte would be missing */

WSF_INLINE unsigned wsf_pending_count(uint32_t pending)
{
    if (pending == 0) {
        return 0;
    }
    if (pending >= 0xC0000000u) {
        return 1;
    }
    return (pending & 0x00FF0000u) >= 0x00C00000u ? 2 : 3;
}

/* Whether byte `second` may follow the lead byte `lead` (C2..F4). */
WSF_INLINE int wsf_utf8_second_allowed(unsigned lead, unsigned second)
{
    const unsigned low = lead == 0xE0 ? 0xA0u : lead == 0xF0 ? 0x90u : 0x80u;
    const unsigned high = lead == 0xED ? 0x9Fu : lead == 0xF4 ? 0x8Fu : 0xBFu;
    return low <= second && second <= high;
}

/* Return the pending word after `byte`, or WSF_UTF8_FAULT if no well-formed
 * text can have it there. */
WSF_INLINE uint32_t wsf_utf8_step(uint32_t pending, uint8_t byte)
{
    const unsigned count = wsf_pending_count(pending);
    unsigned lead;
    if (count == 0) {
        if (byte < 0x80) {
            return 0;
        }
        return 0xC2 <= byte && byte <= 0xF4 ? (uint32_t)byte << 24 : WSF_UTF8_FAULT;
    }
    lead = (pending >> (32 - 8 * count)) & 0xFFu;
    if (count == 1 ? !wsf_utf8_second_allowed(lead, byte) : (byte & 0xC0u) != 0x80u) {
        return WSF_UTF8_FAULT;
    }
    if (count == (lead < 0xE0 ? 1u : lead < 0xF0 ? 2u : 3u)) {
        return 0;
    }
    return (pending >> 8) | (uint32_t)byte << 24;
}

#endif
