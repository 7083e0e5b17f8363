/* simdutf beside our kernels: its implementations for each CPU, called by name. */
#include "others.h"

#include <simdutf.h>

static const char *const NAMES[] = {"simdutf:westmere", "simdutf:haswell", "simdutf:icelake"};

static const simdutf::implementation *find(int other)
{
    static const simdutf::implementation *found[OTHERS];
    if (found[other] == nullptr) {
        found[other] = simdutf::get_available_implementations()[NAMES[other] + 8];
    }
    return found[other];
}

static const char *chars(const uint8_t *src)
{
    return reinterpret_cast<const char *>(src);
}

const char *other_name(int other)
{
    const simdutf::implementation *i = find(other);
    return i != nullptr && i->supported_by_runtime_system() ? NAMES[other] : nullptr;
}

size_t other_validate(int other, const uint8_t *src, size_t n)
{
    return find(other)->validate_utf8_with_errors(chars(src), n).count;
}

size_t other_to_latin1(int other, uint8_t *dst, const uint8_t *src, size_t n)
{
    return find(other)->convert_valid_utf8_to_latin1(chars(src), n, reinterpret_cast<char *>(dst));
}

size_t other_to_utf16(int other, uint16_t *dst, const uint8_t *src, size_t n)
{
    return find(other)->convert_valid_utf8_to_utf16le(chars(src), n,
                                                      reinterpret_cast<char16_t *>(dst));
}

size_t other_to_utf32(int other, uint32_t *dst, const uint8_t *src, size_t n)
{
    return find(other)->convert_valid_utf8_to_utf32(chars(src), n,
                                                    reinterpret_cast<char32_t *>(dst));
}

static char *out(uint8_t *dst)
{
    return reinterpret_cast<char *>(dst);
}

size_t other_from_latin1(int other, uint8_t *dst, const uint8_t *src, size_t n)
{
    return find(other)->convert_latin1_to_utf8(chars(src), n, out(dst));
}

size_t other_from_utf16(int other, uint8_t *dst, const uint16_t *src, size_t n)
{
    return find(other)->convert_utf16le_to_utf8(reinterpret_cast<const char16_t *>(src), n,
                                                out(dst));
}

size_t other_from_utf32(int other, uint8_t *dst, const uint32_t *src, size_t n)
{
    return find(other)->convert_utf32_to_utf8(reinterpret_cast<const char32_t *>(src), n, out(dst));
}
