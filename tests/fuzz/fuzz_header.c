/* libFuzzer: the header of a frame against RFC 6455 section 5.2, written once more.
 *
 * An input is 4 bytes of rules, then the header.  The verdict on each prefix is compared,
 * so that it can't depend on how many bytes are at hand.
 *
 * Invariant: what is expected comes from judge.h, which calls no code of wsfast.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "judge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    wsf_frame_rules rules;
    wsf_frame_header header;
    size_t n;
    if (size < 4) {
        return 0;
    }
    memset(&rules, 0, sizeof rules);
    rules.reserved_bits = data[0] & 0x70;
    rules.first_bits = data[0] & 0x80 ? 0x40 : 0;
    rules.masked = data[1] & 0x80;
    rules.sequence = data[1] % 3;
    rules.frame_room = (int64_t)(UINT64_C(1) << (data[2] % 63)) - 1;
    rules.message_room = rules.frame_room - (data[3] & 15);
    rules.retained_room = rules.message_room - (data[3] >> 4);
    for (n = 0; n <= size - 4; n++) {
        const judgement j = judge(data + 4, n, &rules);
        memset(&header, 0, sizeof header);
        uint8_t key[4] = {0, 0, 0, 0};
        if (j.verdict == WSF_HEADER_COMPLETE && data[5] >= 128) {
            memcpy(key, data + 4 + j.size - 4, 4);
        }
        if (wsf_frame_header_parse(data + 4, n, &rules, &header) != j.verdict ||
            (n > 0 && header.first != data[4]) ||
            (j.verdict == WSF_HEADER_COMPLETE &&
             (header.size != j.size || header.payload_length != j.length ||
              memcmp(&header.key, key, 4) != 0))) {
            fprintf(stderr, "after %zu bytes: expected verdict %d\n", n, (int)j.verdict);
            abort();
        }
    }
    return 0;
}
