/* Which of eight bytes a transcoder keeps (transcode_lookup.inc.h): rows of eight indices, for
 * shuffles.
 *
 *     row 0       0 0 0 0 0 0 0 0
 *     row 10001   0 4 0 0 0 0 0 0     the lowest bit stands for the first byte
 *     row FF      0 1 2 3 4 5 6 7     (in binary: all bits set)
 *
 * Invariant: a row lists the positions of the bits set in its number, from the lowest on, one
 * per byte from the bottom up; the bytes after them are 0 and mean nothing.
 */
#ifndef WSF_TRANSCODE_TABLES_H
#define WSF_TRANSCODE_TABLES_H

#include <stdint.h>

#define WSF_BIT(m, i) ((uint64_t)(m) >> (i) & 1)
#define WSF_AND_BIT(m, i, above) ((above) << 8 * WSF_BIT(m, i) | WSF_BIT(m, i) * (i))
/* clang-format off */
#define WSF_POSITIONS(m)                                                                       \
    WSF_AND_BIT(m, 0, WSF_AND_BIT(m, 1, WSF_AND_BIT(m, 2, WSF_AND_BIT(m, 3, WSF_AND_BIT(m, 4,  \
        WSF_AND_BIT(m, 5, WSF_AND_BIT(m, 6, WSF_AND_BIT(m, 7, UINT64_C(0)))))))))
/* clang-format on */
#define WSF_POSITIONS_4(m)                                                                         \
    WSF_POSITIONS(m), WSF_POSITIONS(m + 1), WSF_POSITIONS(m + 2), WSF_POSITIONS(m + 3)
#define WSF_POSITIONS_16(m)                                                                        \
    WSF_POSITIONS_4(m), WSF_POSITIONS_4(m + 4), WSF_POSITIONS_4(m + 8), WSF_POSITIONS_4(m + 12)
#define WSF_POSITIONS_64(m)                                                                        \
    WSF_POSITIONS_16(m), WSF_POSITIONS_16(m + 16), WSF_POSITIONS_16(m + 32),                       \
        WSF_POSITIONS_16(m + 48)

static const uint64_t WSF_KEPT[256] = {WSF_POSITIONS_64(0), WSF_POSITIONS_64(64),
                                       WSF_POSITIONS_64(128), WSF_POSITIONS_64(192)};

#endif
