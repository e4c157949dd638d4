#include "common/proof/link.h"

#include <string.h>

#include "common/base/check.h"
#include "common/proof/hash.h"

enum {
    MESSAGE_FIXED_BYTES = 8 + 32 + 4 + 2 + 1 + 2 + 4, /* M without its body */
    SIGNATURE_WIRE_BYTES = 1 + 4 + 64,
    COUNTERSIGN_BYTES = 8 + 32 + 8,
};

const char *sat_link_type_name(uint16_t type)
{
    switch (type) {
#define X(id, name, number, who)                                                                                       \
    case number:                                                                                                       \
        return name;
#include "common/proof/links.def"
#undef X
    default:
        return "unknown";
    }
}

void sat_link_finish(struct sat_link *link, struct sat_arena *arena)
{
    sat_check(4 + MESSAGE_FIXED_BYTES + link->body.len + 1 + SAT_LINK_SIGNATURES_MAX * SIGNATURE_WIRE_BYTES <=
              SAT_LINK_BYTES_MAX);
    struct sat_buf buf;
    sat_buf_init(&buf);
    sat_put_u64(&buf, link->seq);
    sat_put_bytes(&buf, link->prev.b, sizeof link->prev.b);
    sat_put_u32(&buf, link->author);
    sat_put_u16(&buf, link->type);
    sat_put_u8(&buf, link->critical);
    sat_put_u16(&buf, link->suite);
    sat_put_counted(&buf, link->body);
    link->message = sat_span_copy(arena, sat_buf_span(&buf));
    sat_buf_deinit(&buf);
}

void sat_link_sign(struct sat_link *link, uint8_t kind, uint32_t number, const struct sat_hash *org,
                   const struct sat_sign_key *key)
{
    sat_check(link->message.at && link->signatures_n < SAT_LINK_SIGNATURES_MAX);
    link->signatures[link->signatures_n++] = (struct sat_link_signature){
        .kind = kind,
        .number = number,
        .signature = sat_sign(key, "link", org, link->message),
    };
}

struct sat_hash sat_link_id(const struct sat_link *link)
{
    sat_check(link->message.at);
    return sat_hash("link", link->message);
}

struct sat_hash sat_link_org(const struct sat_link *link)
{
    sat_check(link->message.at);
    return sat_hash("org", link->message);
}

void sat_link_encode(const struct sat_link *link, struct sat_buf *out)
{
    sat_check(link->message.at && link->signatures_n <= SAT_LINK_SIGNATURES_MAX);
    sat_put_counted(out, link->message);
    sat_put_u8(out, link->signatures_n);
    for (uint8_t i = 0; i < link->signatures_n; i++) {
        const struct sat_link_signature *signature = &link->signatures[i];
        sat_put_u8(out, signature->kind);
        sat_put_u32(out, signature->number);
        sat_put_bytes(out, signature->signature.b, sizeof signature->signature.b);
    }
}

static enum sat_err decode_message(struct sat_span message, struct sat_link *out)
{
    struct sat_reader reader;
    sat_reader_init(&reader, message);
    out->message = message;
    out->seq = sat_take_u64(&reader);
    sat_take_bytes(&reader, out->prev.b, sizeof out->prev.b);
    out->author = sat_take_u32(&reader);
    out->type = sat_take_u16(&reader);
    out->critical = sat_take_u8(&reader);
    out->suite = sat_take_u16(&reader);
    out->body = sat_take_counted(&reader, SAT_LINK_BYTES_MAX);
    if (sat_reader_end(&reader)) return SAT_ERR_MALFORMED;
    bool sane = out->seq >= 1 && out->seq <= SAT_COUNTER_MAX && out->critical <= 1;
    return sane ? SAT_OK : SAT_ERR_MALFORMED;
}

enum sat_err sat_link_decode(struct sat_span bytes, struct sat_link *out)
{
    *out = (struct sat_link){0};
    if (bytes.len > SAT_LINK_BYTES_MAX) return SAT_ERR_MALFORMED;
    struct sat_reader reader;
    sat_reader_init(&reader, bytes);
    struct sat_span message = sat_take_counted(&reader, SAT_LINK_BYTES_MAX);
    uint8_t n = sat_take_u8(&reader);
    if (n > SAT_LINK_SIGNATURES_MAX) return SAT_ERR_MALFORMED;
    for (uint8_t i = 0; i < n; i++) {
        struct sat_link_signature *signature = &out->signatures[i];
        signature->kind = sat_take_u8(&reader);
        signature->number = sat_take_u32(&reader);
        sat_take_bytes(&reader, signature->signature.b, sizeof signature->signature.b);
    }
    out->signatures_n = n;
    if (sat_reader_end(&reader)) return SAT_ERR_MALFORMED;
    return decode_message(message, out);
}

static void countersign_message(const struct sat_link *link, uint64_t time_ms, struct sat_buf *out)
{
    struct sat_hash id = sat_link_id(link);
    sat_buf_init(out);
    sat_buf_reserve(out, COUNTERSIGN_BYTES);
    sat_put_u64(out, link->seq);
    sat_put_bytes(out, id.b, sizeof id.b);
    sat_put_u64(out, time_ms);
}

void sat_countersign(const struct sat_link *link, uint64_t time_ms, const struct sat_hash *org,
                     const struct sat_sign_key *server, struct sat_countersign *out)
{
    struct sat_buf message;
    countersign_message(link, time_ms, &message);
    out->time_ms = time_ms;
    out->signature = sat_sign(server, "countersign", org, sat_buf_span(&message));
    sat_buf_deinit(&message);
}

enum sat_err sat_countersign_verify(const struct sat_link *link, const struct sat_countersign *sign,
                                    const struct sat_hash *org, const struct sat_public_key *server)
{
    struct sat_buf message;
    countersign_message(link, sign->time_ms, &message);
    enum sat_err err = sat_verify(server, "countersign", org, sat_buf_span(&message), &sign->signature);
    sat_buf_deinit(&message);
    return err;
}

const char *sat_role_name(uint8_t role)
{
    static const char *const names[] = {"unknown", "admin", "manager", "rep", "auditor", "service"};
    return role < sizeof names / sizeof names[0] ? names[role] : names[0];
}

enum sat_err sat_role_parse(const char *name, uint8_t *out)
{
    for (uint8_t role = SAT_ROLE_ADMIN; role <= SAT_ROLE_SERVICE; role++) {
        if (strcmp(name, sat_role_name(role)) != 0) continue;
        *out = role;
        return SAT_OK;
    }
    return SAT_ERR_INVALID;
}
