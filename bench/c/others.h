/* Other libraries, as far as they are linked (others_simdutf.cpp); none by default. */
#ifndef OTHERS_H
#define OTHERS_H

#include <stddef.h>
#include <stdint.h>

#ifdef WITH_SIMDUTF
#  define OTHERS 3
#  ifdef __cplusplus
extern "C" {
#  endif
const char *other_name(int other);                              /* NULL if it does not run here */
size_t other_validate(int other, const uint8_t *src, size_t n); /* with the position */
size_t other_to_latin1(int other, uint8_t *dst, const uint8_t *src, size_t n);
size_t other_to_utf16(int other, uint16_t *dst, const uint8_t *src, size_t n);
size_t other_to_utf32(int other, uint32_t *dst, const uint8_t *src, size_t n);
/* From n units; the size of the UTF-8, 0 for a surrogate. */
size_t other_from_latin1(int other, uint8_t *dst, const uint8_t *src, size_t n);
size_t other_from_utf16(int other, uint8_t *dst, const uint16_t *src, size_t n);
size_t other_from_utf32(int other, uint8_t *dst, const uint32_t *src, size_t n);
#  ifdef __cplusplus
}
#  endif
#else
#  define OTHERS 0
#  define other_name(other) ((const char *)0 + 0 * (other))
#  define other_validate(other, src, n) ((size_t)(other) + (n))
#  define other_to_latin1(other, dst, src, n) ((size_t)(other) + (n))
#  define other_to_utf16(other, dst, src, n) ((size_t)(other) + (n))
#  define other_to_utf32(other, dst, src, n) ((size_t)(other) + (n))
#  define other_from_latin1(other, dst, src, n) ((size_t)(other) + (n))
#  define other_from_utf16(other, dst, src, n) ((size_t)(other) + (n))
#  define other_from_utf32(other, dst, src, n) ((size_t)(other) + (n))
#endif

#endif
