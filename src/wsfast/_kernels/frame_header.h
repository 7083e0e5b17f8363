/* The header of a frame (RFC 6455 section 5.2), judged byte by byte.
 *
 *      0                   1                   2                   3
 *      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *     +-+-+-+-+-------+-+-------------+-------------------------------+
 *     |F|R|R|R| opcode|M| length      | 16 or 64 bits of length,      |
 *     |I|S|S|S|  (4)  |A|    (7)      | if (7) is 126 or 127          |
 *     |N|V|V|V|       |S|             |                               |
 *     | |1|2|3|       |K|             |                               |
 *     +-+-+-+-+-------+-+-------------+-------------------------------+
 *     | masking key, 4 bytes, if MASK is 1                           |
 *     +---------------------------------------------------------------+
 *
 * Invariant: the verdict on a prefix of a header never changes when more bytes
 * follow, and an error is reported with the first byte that proves it.
 */
#ifndef WSF_FRAME_HEADER_H
#define WSF_FRAME_HEADER_H

#include "config.h"

#define WSF_MAX_HEADER 14 /* 2, 8 of length, 4 of masking key */

enum {
    WSF_FIN = 0x80,
    WSF_RSV = 0x70,
    WSF_OPCODE = 0x0F,
    WSF_CONTROL = 0x08, /* the opcode bit that all control frames have */
    WSF_MASKED = 0x80
};

/* Section 5.4: what may follow, depending on whether a message is unfinished. */
enum {
    WSF_SEQUENCE_ANY,     /* not judged: frames only */
    WSF_SEQUENCE_FIRST,   /* no message under way: not a continuation frame */
    WSF_SEQUENCE_CONTINUE /* a message under way: no other data frame */
};

/* What the receiver accepts.  The rooms do not apply to control frames, which have
 * their own limit (section 5.5); to frames of a compressed message, only frame_room does.
 * A room below 0 refuses even an empty frame. */
typedef struct wsf_frame_rules {
    uint8_t reserved_bits; /* the RSV bits, as in the first byte, that may be set */
    uint8_t first_bits;    /* those that only the first frame of a message may have; such a
                              message is compressed, so its payload does not tell its size */
    uint8_t masked;        /* the MASK bit, as in the second byte, that must be sent */
    uint8_t sequence;      /* WSF_SEQUENCE_* */
    int64_t frame_room;    /* the longest payload allowed: by the limit on frames, */
    int64_t message_room;  /* by what is left of the limit on the message, */
    int64_t retained_room; /* by what is left of the limit on retained memory */
} wsf_frame_rules;

typedef struct wsf_frame_header {
    uint8_t first; /* the first byte: FIN, RSV1 to RSV3, opcode */
    uint8_t size;  /* of the header itself */
    uint32_t key;  /* key word (config.h) for payload byte 0; 0 if not masked */
    uint64_t payload_length;
} wsf_frame_header;

typedef enum wsf_header_verdict {
    WSF_HEADER_COMPLETE,
    WSF_HEADER_PARTIAL, /* nothing wrong so far; more bytes needed */
    WSF_HEADER_RESERVED_BITS,
    WSF_HEADER_RESERVED_OPCODE,
    WSF_HEADER_FRAGMENTED_CONTROL,
    WSF_HEADER_NOTHING_TO_CONTINUE,
    WSF_HEADER_MESSAGE_UNFINISHED,
    WSF_HEADER_MASK_BIT,
    WSF_HEADER_LONG_CONTROL,
    WSF_HEADER_SHORT_CLOSE,
    WSF_HEADER_LENGTH_NOT_MINIMAL,
    WSF_HEADER_LENGTH_64_BITS,
    WSF_HEADER_FRAME_TOO_BIG,
    WSF_HEADER_MESSAGE_TOO_BIG,
    WSF_HEADER_RETAINS_TOO_MUCH
} wsf_header_verdict;

/* Judge the header whose first n bytes are at p.  *header is filled as far as the
 * bytes go: `first` from 1 byte on, `payload_length` once its field is whole. */
wsf_header_verdict wsf_frame_header_parse(const uint8_t *p, size_t n, const wsf_frame_rules *rules,
                                          wsf_frame_header *header);

/* Write a header into the WSF_MAX_HEADER bytes at p and return its length.  `key`
 * is the 4 bytes of the masking key, or NULL for a frame that is not masked. */
size_t wsf_frame_header_write(uint8_t *p, uint8_t first, uint64_t payload_length,
                              const uint8_t *key);

#endif
