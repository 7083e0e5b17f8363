/* libFuzzer: from the wire to strings, as far as it is C: headers, unmasking, validation
 * across fragments and reads, transcoding; against a decoder that sees the wire whole.
 *
 *     WSFAST_FUZZ_KERNEL=avx2 fuzz_text -max_len=400 seeds/wire
 *
 * An input is as for fuzz_codec.py: 4 bytes of how (role and kind of text, the size of
 * reads, limits, where a read stands), then the wire.  The receiver does with header and
 * kernels what _native/frames.pxi and messages.pxi do with them.
 *
 * Invariant: what is expected comes from judge.h and reference.h, which call no code of
 * wsfast, and is known before the first read.
 */
#include "harness.h"
#include "judge.h"

#define HOW 4
#define WIRE 16384
#define CHARGE 16 /* bytes for each fragment before the current one */

/* How it ends, beside the verdicts on a header. */
enum { CLOSED = 100, INVALID_TEXT, TRUNCATED_TEXT, INVALID_REASON, TRUNCATED_REASON };

typedef struct limits {
    int masked, measured; /* from a client; as a string */
    int64_t message, frame, retained;
} limits;

static limits limits_of(const uint8_t *how)
{
    static const int64_t message[4] = {INT64_MAX, 5, 200, 70000};
    limits l;
    l.masked = how[0] & 1;
    l.measured = !(how[0] & 2);
    l.message = message[how[2] & 3];
    l.frame = how[2] & 4 ? 100 : INT64_MAX;
    l.retained = how[2] & 8 ? 300 : INT64_MAX;
    return l;
}

static wsf_frame_rules rules_of(const limits *l, int under_way, size_t size, size_t fragments)
{
    wsf_frame_rules rules;
    memset(&rules, 0, sizeof rules);
    rules.masked = l->masked ? WSF_MASKED : 0;
    rules.sequence = under_way ? WSF_SEQUENCE_CONTINUE : WSF_SEQUENCE_FIRST;
    rules.frame_room = l->frame;
    rules.message_room = l->message - (int64_t)size;
    rules.retained_room = l->retained - (int64_t)(size + CHARGE * fragments);
    return rules;
}

/* ---- what is expected --------------------------------------------------------- */

typedef struct event {
    uint8_t opcode;
    const uint8_t *payload;
    size_t size;
} event;

typedef struct outcome {
    event events[WIRE / 2 + 1];
    size_t count;
    int end;          /* WSF_HEADER_PARTIAL if nothing is wrong */
    size_t fault;     /* its place in the text or reason, */
    uint32_t pending; /* after these bytes */
    uint8_t opcode;   /* of the message under way; 0 if there is none */
    size_t fragments; /* of it, that are whole */
    uint8_t *message;
    size_t size;
} outcome;

static arena strings;
static outcome expected;
static reference judged;
static uint8_t data_bytes[WIRE], control_bytes[WIRE];

/* Judge a text, or as much of it as there is; return whether it is the end of all. */
static int judge_text(outcome *o, const uint8_t *p, size_t n, int whole, int invalid)
{
    refer(&judged, p, n);
    o->fault = judged.fault;
    o->pending = judged.pending[judged.fault];
    if (judged.fault < n) {
        o->end = invalid;
    } else if (whole && o->pending != 0) {
        o->end = invalid + 1; /* truncated */
    }
    return o->end != WSF_HEADER_PARTIAL;
}

static void add_event(outcome *o, uint8_t opcode, const uint8_t *payload, size_t size)
{
    const event e = {opcode, payload, size};
    o->events[o->count++] = e;
}

/* A whole control frame; return whether it is the end of all. */
static int see_control(outcome *o, uint8_t opcode, const uint8_t *payload, size_t n)
{
    if (opcode == 8) {
        if (n > 2 && judge_text(o, payload + 2, n - 2, 1, INVALID_REASON)) {
            return 1;
        }
        o->end = CLOSED;
    }
    add_event(o, opcode, payload, n);
    return opcode == 8;
}

/* What there is of a data frame, added to its message; return whether it is the end. */
static int see_data(outcome *o, uint8_t first, size_t n, int whole)
{
    const int final = whole && first >= 0x80;
    o->opcode = first % 16 ? first % 16 : o->opcode;
    o->size += n;
    if (o->opcode == 1 && judge_text(o, o->message, o->size, final, INVALID_TEXT)) {
        return 1;
    }
    o->fragments += (size_t)whole;
    if (final) {
        add_event(o, o->opcode, o->message, o->size);
        o->message += o->size;
        o->opcode = 0;
        o->size = o->fragments = 0;
        o->pending = 0;
    }
    return 0;
}

static void start(outcome *o)
{
    o->count = o->size = o->fragments = o->fault = 0;
    o->opcode = 0;
    o->pending = 0;
    o->message = data_bytes;
    o->end = WSF_HEADER_PARTIAL;
}

/* Decode wire[0, n), byte by byte. */
static void see(outcome *o, const uint8_t *wire, size_t n, const limits *l)
{
    uint8_t *control = control_bytes;
    size_t at = 0;
    start(o);
    for (;;) {
        const wsf_frame_rules rules = rules_of(l, o->opcode != 0, o->size, o->fragments);
        const judgement j = judge(wire + at, n - at, &rules);
        const uint8_t first = n > at ? wire[at] : 0, *key;
        uint8_t *to = first & 8 ? control : o->message + o->size;
        size_t length, i;
        if (j.verdict != WSF_HEADER_COMPLETE) {
            o->end = (int)j.verdict;
            return;
        }
        at += j.size;
        key = wire + at - 4;
        length = j.length < n - at ? (size_t)j.length : n - at;
        for (i = 0; i < length; i++) {
            to[i] = (uint8_t)(wire[at + i] ^ (l->masked ? key[i % 4] : 0));
        }
        at += length;
        if (!(first & 8)) {
            if (see_data(o, first, length, length == j.length)) {
                return;
            }
        } else if (length == j.length) {
            control += length;
            if (see_control(o, first % 16, to, length)) {
                return;
            }
        }
        if (length < j.length) {
            return;
        }
    }
}

/* ---- what the code under test does --------------------------------------------- */

typedef struct receiver {
    const limits *limits;
    wsf_frame_rules rules;
    wsf_frame_header frame;
    uint8_t head[WSF_MAX_HEADER], control[125], opcode;
    size_t head_size, control_size;
    int in_payload;
    uint64_t received;
    uint8_t *message; /* it grows here */
    size_t size, fragments, count;
    wsf_text text;
    int end;
} receiver;

static void expect_end(receiver *r, int end, size_t fault, uint32_t pending)
{
    expect(expected.end == end, "text path", "how it ends");
    expect(expected.fault == fault && expected.pending == pending, "text path", "the evidence");
    r->end = end;
}

static const event *expect_event(receiver *r, uint8_t opcode, const uint8_t *payload, size_t n)
{
    const event *const e = &expected.events[r->count];
    expect(r->count++ < expected.count, "text path", "nothing more was to come");
    expect(e->opcode == opcode && e->size == n, "text path", "opcode or size");
    expect(memcmp(e->payload, payload, n) == 0, "text path", "payload");
    return e;
}

/* A string of the width and length that were measured, which ends where its memory does. */
static void expect_string(const uint8_t *bytes, size_t n, const wsf_text *text)
{
    static uint8_t wanted[4 * WIRE];
    const uint32_t highest = highest_code_point(bytes, n);
    const size_t width = text->max_byte < 0xC4 ? 1 : text->max_byte < 0xF0 ? 2 : 4;
    const size_t size = text->code_points * width;
    uint8_t *const string = strings.end - size;
    expect(width == (highest < 0x100 ? 1u : highest < 0x10000 ? 2u : 4u), "measure", "width");
    expect((text->max_byte < 0x80) == (highest < 0x80), "measure", "ASCII or not");
    expect(size == decode(wanted, bytes, n, width), "measure", "code points");
    ring(&strings, string, size);
    if (width == 1) {
        kernel->to_latin1(string, bytes, n);
    } else if (width == 2) {
        kernel->to_ucs2((uint16_t *)(void *)string, bytes, n);
    } else {
        kernel->to_ucs4((uint32_t *)(void *)string, bytes, n);
    }
    expect(memcmp(string, wanted, size) == 0, "transcoder", "a unit");
    expect(ring_intact(&strings, string, size), "transcoder", "wrote outside");
}

static void end_message(receiver *r)
{
    if (r->opcode == 1 && r->text.pending != 0) {
        expect_end(r, TRUNCATED_TEXT, r->size, r->text.pending);
        return;
    }
    expect_event(r, r->opcode, r->message, r->size);
    if (r->opcode == 1 && r->limits->measured) {
        expect_string(r->message, r->size, &r->text);
    }
    memset(&r->text, 0, sizeof r->text);
    r->opcode = 0;
    r->size = r->fragments = 0;
}

static void take_data(receiver *r, const uint8_t *p, size_t n, uint32_t key)
{
    uint8_t *const to = r->message + r->size;
    size_t index = n;
    ring(&target, r->message, r->size + n);
    if (r->opcode == 2) {
        kernel->mask(to, p, n, key);
    } else if (r->limits->measured) {
        index = kernel->mask_measure(to, p, n, key, &r->text);
    } else {
        index = kernel->mask_validate(to, p, n, key, &r->text.pending);
    }
    expect(ring_intact(&target, r->message, r->size + n), "text path", "wrote outside");
    if (index != n) {
        expect_end(r, INVALID_TEXT, r->size + index, r->text.pending);
        return;
    }
    r->size += n;
    if (r->in_payload) {
        return;
    }
    r->fragments++;
    if (r->frame.first & WSF_FIN) {
        end_message(r);
    }
    r->rules = rules_of(r->limits, r->opcode != 0, r->size, r->fragments);
}

static void take_control(receiver *r, const uint8_t *p, size_t n, uint32_t key)
{
    const uint8_t opcode = r->frame.first & WSF_OPCODE;
    wsf_text reason = {0, 0, 0};
    kernel->mask(r->control + r->control_size, p, n, key);
    r->control_size += n;
    if (r->in_payload) {
        return;
    }
    n = r->control_size;
    r->control_size = 0;
    if (opcode == 8 && n > 2) {
        const size_t index = kernel->measure(r->control + 2, n - 2, &reason);
        if (index != n - 2 || reason.pending != 0) {
            expect_end(r, index != n - 2 ? INVALID_REASON : TRUNCATED_REASON, index,
                       reason.pending);
            return;
        }
        expect_string(r->control + 2, n - 2, &reason);
    }
    expect_event(r, opcode, r->control, n);
    if (opcode == 8) {
        r->end = CLOSED;
    }
}

static void arrived(receiver *r, const uint8_t *p, size_t n)
{
    const uint32_t key = wsf_key_advance(r->frame.key, (size_t)(r->received & 3));
    const uint8_t opcode = r->frame.first & WSF_OPCODE;
    if (opcode & WSF_CONTROL) {
        take_control(r, p, n, key);
        return;
    }
    if (opcode != 0 && r->received == 0) {
        r->opcode = opcode;
        r->rules.sequence = WSF_SEQUENCE_CONTINUE;
    }
    if (r->size == 0 && !r->in_payload && r->frame.first & WSF_FIN) {
        r->message = target.end - n; /* as a string or bytes of just that size */
    } else if (r->size == 0) {
        r->message = target.start;
    }
    take_data(r, p, n, key);
}

/* What is written for a header that was read is the same bytes. */
static void expect_written(const uint8_t *p, const wsf_frame_header *frame, int masked)
{
    uint8_t head[WSF_MAX_HEADER];
    const size_t n = wsf_frame_header_write(head, frame->first, frame->payload_length,
                                            masked ? p + frame->size - 4 : NULL);
    expect(n == frame->size && memcmp(head, p, n) == 0, "header_write", "bytes");
}

/* Read a header, or as much of it as there is; return the bytes of p used. */
static size_t read_header(receiver *r, const uint8_t *p, size_t n)
{
    const size_t carried = r->head_size;
    size_t taken = n;
    wsf_header_verdict verdict;
    if (carried > 0) {
        taken = n < WSF_MAX_HEADER - carried ? n : WSF_MAX_HEADER - carried;
        memcpy(r->head + carried, p, taken);
        p = r->head;
    }
    verdict = wsf_frame_header_parse(p, carried + taken, &r->rules, &r->frame);
    if (verdict == WSF_HEADER_COMPLETE) {
        expect_written(p, &r->frame, r->limits->masked);
        r->head_size = 0;
        r->in_payload = 1;
        return r->frame.size - carried;
    }
    if (verdict != WSF_HEADER_PARTIAL) {
        expect(expected.end == (int)verdict, "header", "the verdict");
        r->end = (int)verdict;
        return taken;
    }
    if (carried == 0) {
        memcpy(r->head, p, taken);
    }
    r->head_size = carried + taken;
    return taken;
}

static void receive(receiver *r, const uint8_t *p, size_t n)
{
    while (r->end == WSF_HEADER_PARTIAL) {
        uint64_t rest;
        if (!r->in_payload) {
            const size_t used = read_header(r, p, n);
            p += used;
            n -= used;
            if (!r->in_payload) {
                return;
            }
            r->received = 0;
        }
        rest = r->frame.payload_length - r->received;
        if (n < rest) {
            if (n > 0) {
                arrived(r, p, n);
                r->received += n;
            }
            return;
        }
        r->in_payload = 0;
        arrived(r, p, (size_t)rest);
        p += rest;
        n -= (size_t)rest;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *wire = data + HOW;
    receiver r;
    limits l;
    size_t n, at, step;
    if (size < HOW || size - HOW > WIRE) {
        return 0;
    }
    if (strings.end == NULL) {
        new_arena(&strings);
    }
    n = size - HOW;
    l = limits_of(data);
    see(&expected, wire, n, &l);
    memset(&r, 0, sizeof r);
    r.limits = &l;
    r.rules = rules_of(&l, 0, 0, 0);
    r.message = target.start;
    r.end = WSF_HEADER_PARTIAL;
    step = data[1] ? data[1] : n;
    for (at = 0; at < n; at += step) {
        const size_t some = n - at < step ? n - at : step;
        receive(&r, memcpy(place(&source, data[3], some), wire + at, some), some);
    }
    expect(r.end == expected.end && r.count == expected.count, "text path", "how much came");
    if (r.end == WSF_HEADER_PARTIAL) {
        expect((r.opcode == expected.opcode || r.size == 0) && r.size == expected.size &&
                   r.text.pending == (r.opcode == 1 ? expected.pending : 0) &&
                   memcmp(r.message, expected.message, r.size) == 0,
               "text path", "the message under way");
    }
    return 0;
}
