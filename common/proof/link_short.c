#include "common/proof/link_short.h"

#include "common/base/check.h"
#include "common/proof/body_short.h"

enum { SHAPE_COUNT = 7, SHAPE_CRITICAL = 8, SHAPE_SUITE = 16, SHAPE_OWN = 32, SHAPE_BODY = 64, SHAPE_KNOWN = 127 };
enum { USUAL_SUITE = 1 };

static bool is_own(const struct sat_link *link)
{
    return link->signatures_n > 0 && link->signatures[0].kind == SAT_SIGNER_DEVICE &&
           link->signatures[0].number == link->author;
}

/* `body` gets the short form of the body, if it has one. */
static uint8_t shape_of(const struct sat_link *link, const struct sat_directory *directory, struct sat_buf *body)
{
    unsigned shape = link->signatures_n;
    if (link->critical) shape |= SHAPE_CRITICAL;
    if (link->suite != USUAL_SUITE) shape |= SHAPE_SUITE;
    if (is_own(link)) shape |= SHAPE_OWN;
    if (sat_body_shorten(link->type, link->seq, link->body, directory, body)) shape |= SHAPE_BODY;
    return (uint8_t)shape;
}

void sat_link_encode_short(const struct sat_link *link, const struct sat_countersign *sign,
                           const struct sat_directory *directory, struct sat_buf *out)
{
    struct sat_buf body;
    sat_buf_init(&body);
    sat_check(sign->time_ms <= SAT_TIME_MS_MAX && link->signatures_n <= SAT_LINK_SIGNATURES_MAX);
    uint8_t shape = shape_of(link, directory, &body);
    sat_put_varint(out, sign->time_ms);
    sat_put_bytes(out, sign->signature.b, sizeof sign->signature.b);
    sat_put_varint(out, link->author);
    sat_put_varint(out, link->type);
    sat_put_u8(out, shape);
    if (shape & SHAPE_SUITE) sat_put_u16(out, link->suite);
    for (uint8_t i = 0; i < link->signatures_n; i++) {
        const struct sat_link_signature *signature = &link->signatures[i];
        if (i > 0 || !(shape & SHAPE_OWN)) {
            sat_put_u8(out, signature->kind);
            sat_put_varint(out, signature->number);
        }
        sat_put_bytes(out, signature->signature.b, sizeof signature->signature.b);
    }
    sat_put_span(out, shape & SHAPE_BODY ? sat_buf_span(&body) : link->body);
    sat_buf_deinit(&body);
}

/* All but what was left out; the body as it came. */
static enum sat_err read_short(struct sat_span item, struct sat_link *out, struct sat_countersign *sign,
                               uint8_t *shape_out)
{
    struct sat_reader in;
    sat_reader_init(&in, item);
    sign->time_ms = sat_take_varint(&in, SAT_TIME_MS_MAX);
    sat_take_bytes(&in, sign->signature.b, sizeof sign->signature.b);
    out->author = (uint32_t)sat_take_varint(&in, UINT32_MAX);
    out->type = (uint16_t)sat_take_varint(&in, UINT16_MAX);
    uint8_t shape = sat_take_u8(&in);
    out->signatures_n = shape & SHAPE_COUNT;
    if (shape & ~SHAPE_KNOWN || out->signatures_n > SAT_LINK_SIGNATURES_MAX) return SAT_ERR_MALFORMED;
    out->critical = shape & SHAPE_CRITICAL ? 1 : 0;
    out->suite = shape & SHAPE_SUITE ? sat_take_u16(&in) : USUAL_SUITE;
    for (uint8_t i = 0; i < out->signatures_n; i++) {
        struct sat_link_signature *signature = &out->signatures[i];
        bool own = i == 0 && shape & SHAPE_OWN;
        signature->kind = own ? SAT_SIGNER_DEVICE : sat_take_u8(&in);
        signature->number = own ? out->author : (uint32_t)sat_take_varint(&in, UINT32_MAX);
        sat_take_bytes(&in, signature->signature.b, sizeof signature->signature.b);
    }
    out->body = sat_take_span(&in, sat_reader_left(&in));
    *shape_out = shape;
    return sat_reader_end(&in);
}

/* Puts the body in full, and finds out whether all of it was said as it is said. */
static enum sat_err complete_body(struct sat_link *link, uint8_t shape, const struct sat_directory *directory,
                                  struct sat_arena *arena)
{
    enum sat_err err = SAT_OK;
    struct sat_buf whole, again;
    sat_buf_init(&whole);
    sat_buf_init(&again);
    if (shape & SHAPE_BODY) {
        err = sat_body_lengthen(link->type, link->seq, link->body, directory, &whole);
        link->body = sat_span_copy(arena, sat_buf_span(&whole));
    }
    if (link->body.len > SAT_LINK_BYTES_MAX) err = SAT_ERR_MALFORMED;
    if (!err && shape != shape_of(link, directory, &again)) err = SAT_ERR_MALFORMED;
    sat_buf_deinit(&again);
    sat_buf_deinit(&whole);
    return err;
}

/* Not by sat_link_finish(), which wants room for every signature that a link could still get. */
static void put_message(const struct sat_link *link, struct sat_buf *out)
{
    sat_put_u64(out, link->seq);
    sat_put_bytes(out, link->prev.b, sizeof link->prev.b);
    sat_put_u32(out, link->author);
    sat_put_u16(out, link->type);
    sat_put_u8(out, link->critical);
    sat_put_u16(out, link->suite);
    sat_put_counted(out, link->body);
}

enum sat_err sat_link_decode_short(struct sat_span item, uint64_t seq, const struct sat_hash *prev,
                                   const struct sat_directory *directory, struct sat_arena *arena, struct sat_link *out,
                                   struct sat_span *bytes, struct sat_countersign *sign)
{
    uint8_t shape;
    struct sat_link link = {.seq = seq, .prev = *prev};
    *out = (struct sat_link){0};
    *bytes = (struct sat_span){0};
    if (read_short(item, &link, sign, &shape) || complete_body(&link, shape, directory, arena))
        return SAT_ERR_MALFORMED;
    struct sat_buf message, whole;
    sat_buf_init(&message);
    sat_buf_init(&whole);
    put_message(&link, &message);
    link.message = sat_buf_span(&message);
    sat_link_encode(&link, &whole);
    *bytes = sat_span_copy(arena, sat_buf_span(&whole));
    sat_buf_deinit(&whole);
    sat_buf_deinit(&message);
    return sat_link_decode(*bytes, out);
}
