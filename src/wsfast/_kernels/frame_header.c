/* The header of a frame (RFC 6455 section 5.2): parse and write.
 *
 * Invariant: see frame_header.h.  Fields are judged from the first byte to the
 * last, so what is reported does not depend on how many bytes are at hand.
 */
#include "frame_header.h"

enum { OPCODE_TEXT = 1, OPCODE_BINARY = 2, OPCODE_CLOSE = 8, OPCODE_PONG = 10 };

static wsf_header_verdict judge_first(uint8_t first, const wsf_frame_rules *rules)
{
    const unsigned opcode = first & WSF_OPCODE;
    const unsigned starts = opcode == OPCODE_TEXT || opcode == OPCODE_BINARY;
    if ((first & WSF_RSV & ~rules->reserved_bits & ~(starts ? rules->first_bits : 0u)) != 0) {
        return WSF_HEADER_RESERVED_BITS;
    }
    if (opcode > OPCODE_PONG || (opcode > OPCODE_BINARY && opcode < OPCODE_CLOSE)) {
        return WSF_HEADER_RESERVED_OPCODE;
    }
    if (opcode & WSF_CONTROL) {
        return first & WSF_FIN ? WSF_HEADER_COMPLETE : WSF_HEADER_FRAGMENTED_CONTROL;
    }
    if (rules->sequence == WSF_SEQUENCE_FIRST && opcode == 0) {
        return WSF_HEADER_NOTHING_TO_CONTINUE;
    }
    if (rules->sequence == WSF_SEQUENCE_CONTINUE && opcode != 0) {
        return WSF_HEADER_MESSAGE_UNFINISHED;
    }
    return WSF_HEADER_COMPLETE;
}

static wsf_header_verdict judge_second(uint8_t first, uint8_t second, const wsf_frame_rules *rules)
{
    if ((second & WSF_MASKED) != rules->masked) {
        return WSF_HEADER_MASK_BIT;
    }
    if (first & WSF_CONTROL) {
        if ((second & 0x7F) > 125) {
            return WSF_HEADER_LONG_CONTROL;
        }
        if ((first & WSF_OPCODE) == OPCODE_CLOSE && (second & 0x7F) == 1) {
            return WSF_HEADER_SHORT_CLOSE;
        }
    }
    return WSF_HEADER_COMPLETE;
}

/* Read the 2 or 8 bytes of an extended length, most significant first. */
static wsf_header_verdict extended_length(const uint8_t *p, size_t n, unsigned width,
                                          uint64_t *length)
{
    uint64_t value = 0;
    unsigned i;
    if (width == 8 && n > 0 && (p[0] & 0x80) != 0) {
        return WSF_HEADER_LENGTH_64_BITS;
    }
    if (n < width) {
        return WSF_HEADER_PARTIAL;
    }
    for (i = 0; i < width; i++) {
        value = value << 8 | p[i];
    }
    *length = value;
    return value <= (width == 2 ? 125u : 0xFFFFu) ? WSF_HEADER_LENGTH_NOT_MINIMAL
                                                  : WSF_HEADER_COMPLETE;
}

static wsf_header_verdict judge_length(uint8_t first, int64_t length, const wsf_frame_rules *rules)
{
    if (length > rules->frame_room) {
        return WSF_HEADER_FRAME_TOO_BIG;
    }
    if ((first & rules->first_bits) != 0) {
        return WSF_HEADER_COMPLETE;
    }
    if (length > rules->message_room) {
        return WSF_HEADER_MESSAGE_TOO_BIG;
    }
    if (length > rules->retained_room) {
        return WSF_HEADER_RETAINS_TOO_MUCH;
    }
    return WSF_HEADER_COMPLETE;
}

wsf_header_verdict wsf_frame_header_parse(const uint8_t *p, size_t n, const wsf_frame_rules *rules,
                                          wsf_frame_header *header)
{
    wsf_header_verdict verdict;
    unsigned used = 2;
    if (n == 0) {
        return WSF_HEADER_PARTIAL;
    }
    header->first = p[0];
    verdict = judge_first(p[0], rules);
    if (verdict != WSF_HEADER_COMPLETE) {
        return verdict;
    }
    if (n < 2) {
        return WSF_HEADER_PARTIAL;
    }
    verdict = judge_second(p[0], p[1], rules);
    if (verdict != WSF_HEADER_COMPLETE) {
        return verdict;
    }
    header->payload_length = p[1] & 0x7Fu;
    if (header->payload_length > 125) {
        const unsigned width = header->payload_length == 126 ? 2 : 8;
        verdict = extended_length(p + 2, n - 2, width, &header->payload_length);
        if (verdict != WSF_HEADER_COMPLETE) {
            return verdict;
        }
        used += width;
    }
    if ((p[0] & WSF_CONTROL) == 0) {
        verdict = judge_length(p[0], (int64_t)header->payload_length, rules);
        if (verdict != WSF_HEADER_COMPLETE) {
            return verdict;
        }
    }
    header->key = 0;
    if (p[1] & WSF_MASKED) {
        if (n < used + 4) {
            return WSF_HEADER_PARTIAL;
        }
        header->key = wsf_load32(p + used);
        used += 4;
    }
    header->size = (uint8_t)used;
    return WSF_HEADER_COMPLETE;
}

size_t wsf_frame_header_write(uint8_t *p, uint8_t first, uint64_t payload_length,
                              const uint8_t *key)
{
    const uint8_t masked = key != NULL ? WSF_MASKED : 0;
    size_t used = 2;
    unsigned width = payload_length <= 125 ? 0 : payload_length <= 0xFFFF ? 2 : 8;
    p[0] = first;
    p[1] = (uint8_t)(masked | (width == 0 ? payload_length : width == 2 ? 126u : 127u));
    for (; width > 0; width--) {
        p[used++] = (uint8_t)(payload_length >> (8 * (width - 1)));
    }
    if (key != NULL) {
        memcpy(p + used, key, 4);
        used += 4;
    }
    return used;
}
