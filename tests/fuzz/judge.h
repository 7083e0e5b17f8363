/* The header of a frame, judged as RFC 6455 section 5.2 says, by no code of wsfast. */
#ifndef JUDGE_H
#define JUDGE_H

#include "frame_header.h"

typedef struct judgement {
    wsf_header_verdict verdict;
    unsigned size;
    uint64_t length;
} judgement;

static judgement said(wsf_header_verdict verdict)
{
    const judgement j = {verdict, 0, 0};
    return j;
}

/* What the RFC says of the first n bytes at p. */
static judgement judge(const uint8_t *p, size_t n, const wsf_frame_rules *rules)
{
    judgement j = {WSF_HEADER_COMPLETE, 2, 0};
    unsigned opcode, width, i;
    if (n == 0) {
        return said(WSF_HEADER_PARTIAL);
    }
    opcode = p[0] % 16;
    if ((p[0] & 0x70 & ~rules->reserved_bits &
         ~(opcode == 1 || opcode == 2 ? rules->first_bits : 0)) != 0) {
        return said(WSF_HEADER_RESERVED_BITS);
    }
    if ((opcode >= 3 && opcode <= 7) || opcode >= 11) {
        return said(WSF_HEADER_RESERVED_OPCODE);
    }
    if (opcode >= 8 && p[0] < 0x80) {
        return said(WSF_HEADER_FRAGMENTED_CONTROL);
    }
    if (opcode == 0 && rules->sequence == WSF_SEQUENCE_FIRST) {
        return said(WSF_HEADER_NOTHING_TO_CONTINUE);
    }
    if ((opcode == 1 || opcode == 2) && rules->sequence == WSF_SEQUENCE_CONTINUE) {
        return said(WSF_HEADER_MESSAGE_UNFINISHED);
    }
    if (n < 2) {
        return said(WSF_HEADER_PARTIAL);
    }
    if (p[1] / 128 != rules->masked / 128) {
        return said(WSF_HEADER_MASK_BIT);
    }
    j.length = p[1] % 128;
    if (opcode >= 8 && j.length > 125) {
        return said(WSF_HEADER_LONG_CONTROL);
    }
    if (opcode == 8 && j.length == 1) {
        return said(WSF_HEADER_SHORT_CLOSE);
    }
    width = j.length < 126 ? 0 : j.length == 126 ? 2 : 8;
    if (width == 8 && n > 2 && p[2] >= 0x80) {
        return said(WSF_HEADER_LENGTH_64_BITS);
    }
    if (width != 0) {
        if (n < 2 + width) {
            return said(WSF_HEADER_PARTIAL);
        }
        for (j.length = 0, i = 0; i < width; i++) {
            j.length = j.length * 256 + p[2 + i];
        }
        if (j.length < (width == 2 ? 126u : 65536u)) {
            return said(WSF_HEADER_LENGTH_NOT_MINIMAL);
        }
    }
    if (opcode < 8) {
        const int64_t length = (int64_t)j.length;
        const int compressed = (p[0] & rules->first_bits) != 0;
        if (length > rules->frame_room) {
            return said(WSF_HEADER_FRAME_TOO_BIG);
        }
        if (!compressed && length > rules->message_room) {
            return said(WSF_HEADER_MESSAGE_TOO_BIG);
        }
        if (!compressed && length > rules->retained_room) {
            return said(WSF_HEADER_RETAINS_TOO_MUCH);
        }
    }
    j.size = 2 + width + (p[1] >= 128 ? 4 : 0);
    return n < j.size ? said(WSF_HEADER_PARTIAL) : j;
}

#endif
