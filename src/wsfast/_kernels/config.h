/* What every kernel needs from the compiler: word access, byte order, targets.
 *
 * Invariant: memory is only ever read and written through memcpy of a fixed
 * size, so no kernel depends on alignment or type punning, and compilers turn
 * each memcpy into one move.
 */
#ifndef WSF_CONFIG_H
#define WSF_CONFIG_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Microsoft's compiler, which has no attributes, builtins or inline assembler; clang for
 * Windows has them. */
#if defined(_MSC_VER) && !defined(__clang__)
#  define WSF_MSVC 1
#else
#  define WSF_MSVC 0
#endif

#if WSF_MSVC
#  define WSF_INLINE static __forceinline
#  define WSF_LIKELY(x) (x)
#  define WSF_UNLIKELY(x) (x)
#else
#  define WSF_INLINE static inline __attribute__((always_inline))
#  define WSF_LIKELY(x) __builtin_expect(!!(x), 1)
#  define WSF_UNLIKELY(x) __builtin_expect(!!(x), 0)
#endif

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#  define WSF_BIG_ENDIAN 1
#else
#  define WSF_BIG_ENDIAN 0
#endif

WSF_INLINE uint32_t wsf_load32(const uint8_t *p)
{
    uint32_t word;
    memcpy(&word, p, sizeof word);
    return word;
}

WSF_INLINE uint64_t wsf_load64(const uint8_t *p)
{
    uint64_t word;
    memcpy(&word, p, sizeof word);
    return word;
}

WSF_INLINE void wsf_store32(uint8_t *p, uint32_t word)
{
    memcpy(p, &word, sizeof word);
}

WSF_INLINE void wsf_store64(uint8_t *p, uint64_t word)
{
    memcpy(p, &word, sizeof word);
}

/* A masking key travels as a "key word": the 32-bit word whose bytes in memory
 * are the key bytes for src[0], src[1], src[2], src[3].  Advancing the key by k
 * payload bytes rotates that word by k bytes: key[k], key[k+1], ... come first.
 *
 *     memory     A B C D   advanced by 1 ->   B C D A
 */
WSF_INLINE uint32_t wsf_key_advance(uint32_t key, size_t count)
{
    const unsigned bits = 8u * (unsigned)(count & 3u);
    const unsigned back = (32u - bits) & 31u; /* never a shift by 32 */
#if WSF_BIG_ENDIAN
    return (key << bits) | (key >> back);
#else
    return (key >> bits) | (key << back);
#endif
}

/* The key word for the payload byte at `offset`, of the 4 bytes at `key`. */
WSF_INLINE uint32_t wsf_key_at(const uint8_t *key, uint64_t offset)
{
    return wsf_key_advance(wsf_load32(key), (size_t)(offset & 3u));
}

WSF_INLINE uint64_t wsf_key_double(uint32_t key)
{
    return ((uint64_t)key << 32) | key;
}

#endif
