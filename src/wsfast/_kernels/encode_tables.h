/* Which bytes of a vector an encoder keeps (encode_vector.inc.h): rows of 16 indices, for
 * shuffles.  What follows the indices of a row is 0 and of no meaning.  At the end, constants.
 *
 * Invariant: a row depends on its number alone, two bits (or one) of which say how long the
 * sequence of each code point is, the lowest bits speaking of the first.
 */
#ifndef WSF_ENCODE_TABLES_H
#define WSF_ENCODE_TABLES_H

#include <stdint.h>

/* clang-format off */
/* Eight pairs of bytes, of each the second alone (bit 0) or both (bit 1):
 *
 *     0   __ last
 *     1   two last
 */
#define WSF_PAIR_0(...) {1, __VA_ARGS__}, {0, 1, __VA_ARGS__}
#define WSF_PAIR_1(...) WSF_PAIR_0(3, __VA_ARGS__), WSF_PAIR_0(2, 3, __VA_ARGS__)
#define WSF_PAIR_2(...) WSF_PAIR_1(5, __VA_ARGS__), WSF_PAIR_1(4, 5, __VA_ARGS__)
#define WSF_PAIR_3(...) WSF_PAIR_2(7, __VA_ARGS__), WSF_PAIR_2(6, 7, __VA_ARGS__)
#define WSF_PAIR_4(...) WSF_PAIR_3(9, __VA_ARGS__), WSF_PAIR_3(8, 9, __VA_ARGS__)
#define WSF_PAIR_5(...) WSF_PAIR_4(11, __VA_ARGS__), WSF_PAIR_4(10, 11, __VA_ARGS__)
#define WSF_PAIR_6(...) WSF_PAIR_5(13, __VA_ARGS__), WSF_PAIR_5(12, 13, __VA_ARGS__)
#define WSF_PAIRS WSF_PAIR_6(15), WSF_PAIR_6(14, 15)

/* Four groups of four bytes, of each as many as the code says, in the order of a Gray code,
 * so that each bit is one comparison away from the code point:
 *
 *     00  __   __    __  last     below U+0080
 *     01  __   __    two last     below U+0800
 *     11  __   three two last     below U+10000
 *     10  four three two last
 */
#define WSF_QUAD_0(...)                                                                        \
    {3, __VA_ARGS__}, {2, 3, __VA_ARGS__}, {0, 1, 2, 3, __VA_ARGS__}, {1, 2, 3, __VA_ARGS__}
#define WSF_QUAD_1(...)                                                                        \
    WSF_QUAD_0(7, __VA_ARGS__), WSF_QUAD_0(6, 7, __VA_ARGS__),                                 \
        WSF_QUAD_0(4, 5, 6, 7, __VA_ARGS__), WSF_QUAD_0(5, 6, 7, __VA_ARGS__)
#define WSF_QUAD_2(...)                                                                        \
    WSF_QUAD_1(11, __VA_ARGS__), WSF_QUAD_1(10, 11, __VA_ARGS__),                              \
        WSF_QUAD_1(8, 9, 10, 11, __VA_ARGS__), WSF_QUAD_1(9, 10, 11, __VA_ARGS__)
#define WSF_QUADS                                                                              \
    WSF_QUAD_2(15), WSF_QUAD_2(14, 15), WSF_QUAD_2(12, 13, 14, 15), WSF_QUAD_2(13, 14, 15)

/* The bits of UTF-8 that say where a sequence begins and how long it is, for those bytes. */
#define WSF_TAG_0(...)                                                                         \
    {0, __VA_ARGS__}, {0xC0, 0x80, __VA_ARGS__}, {0xF0, 0x80, 0x80, 0x80, __VA_ARGS__},        \
        {0xE0, 0x80, 0x80, __VA_ARGS__}
#define WSF_TAG_1(...)                                                                         \
    WSF_TAG_0(0, __VA_ARGS__), WSF_TAG_0(0xC0, 0x80, __VA_ARGS__),                             \
        WSF_TAG_0(0xF0, 0x80, 0x80, 0x80, __VA_ARGS__), WSF_TAG_0(0xE0, 0x80, 0x80, __VA_ARGS__)
#define WSF_TAG_2(...)                                                                         \
    WSF_TAG_1(0, __VA_ARGS__), WSF_TAG_1(0xC0, 0x80, __VA_ARGS__),                             \
        WSF_TAG_1(0xF0, 0x80, 0x80, 0x80, __VA_ARGS__), WSF_TAG_1(0xE0, 0x80, 0x80, __VA_ARGS__)
#define WSF_TAGS                                                                               \
    WSF_TAG_2(0), WSF_TAG_2(0xC0, 0x80), WSF_TAG_2(0xF0, 0x80, 0x80, 0x80),                    \
        WSF_TAG_2(0xE0, 0x80, 0x80)

/* How many indices a row of quads has. */
#define WSF_LENGTH_0(n) (n) + 1, (n) + 2, (n) + 4, (n) + 3
#define WSF_LENGTH_1(n)                                                                        \
    WSF_LENGTH_0((n) + 1), WSF_LENGTH_0((n) + 2), WSF_LENGTH_0((n) + 4), WSF_LENGTH_0((n) + 3)
#define WSF_LENGTH_2(n)                                                                        \
    WSF_LENGTH_1((n) + 1), WSF_LENGTH_1((n) + 2), WSF_LENGTH_1((n) + 4), WSF_LENGTH_1((n) + 3)
#define WSF_QUAD_LENGTHS WSF_LENGTH_2(1), WSF_LENGTH_2(2), WSF_LENGTH_2(4), WSF_LENGTH_2(3)

/* Words of constants, a vector each, in the order of `output_to`. */
#define WSF_EIGHT(k) k, k, k, k, k, k, k, k
#define WSF_VECTOR(k) {WSF_EIGHT(k), WSF_EIGHT(k)}
#define WSF_CONSTANTS                                                                          \
    WSF_VECTOR(0xFF80), WSF_VECTOR(0xF800), WSF_VECTOR(0x00FF), WSF_VECTOR(0xC0C0),            \
        WSF_VECTOR(0xE000), WSF_VECTOR(0x80C0), WSF_VECTOR(0xD800 >> 11), WSF_VECTOR(0x0101),  \
        WSF_VECTOR(0x3F3F), WSF_VECTOR(0x8080)

/* A mask that drops 64 bytes and keeps 64, to be loaded from anywhere between. */
#define WSF_64_TIMES(k)                                                                        \
    WSF_EIGHT(k), WSF_EIGHT(k), WSF_EIGHT(k), WSF_EIGHT(k), WSF_EIGHT(k), WSF_EIGHT(k),        \
        WSF_EIGHT(k), WSF_EIGHT(k)
#define WSF_DROP_AND_KEEP WSF_64_TIMES(0), WSF_64_TIMES(0xFF)
/* clang-format on */

#endif
