/* The bodies of directory links, field by field. Decoding settles the layout alone; whether a number names a user, or a
 * role exists, is the reducer's business. */
#include <string.h>

#include "common/base/check.h"
#include "common/proof/hash.h"
#include "common/proof/link.h"

static void put_key(struct sat_buf *out, const struct sat_public_key *key)
{
    sat_put_bytes(out, key->b, sizeof key->b);
}

static void take_key(struct sat_reader *reader, struct sat_public_key *key)
{
    sat_take_bytes(reader, key->b, sizeof key->b);
}

static void put_boxes(struct sat_buf *out, const struct sat_boxes *boxes)
{
    sat_put_bytes(out, boxes->root.b, sizeof boxes->root.b);
    sat_put_u32(out, boxes->count);
}

static void take_boxes(struct sat_reader *reader, struct sat_boxes *boxes)
{
    sat_take_bytes(reader, boxes->root.b, sizeof boxes->root.b);
    boxes->count = sat_take_u32(reader);
    /* A root without boxes, or boxes without a root, could not be checked against anything. */
    bool none = boxes->count == 0;
    if (boxes->count > SAT_BOXES_PER_LINK_MAX || none != sat_hash_is_zero(&boxes->root)) reader->failed = true;
}

void sat_body_genesis_encode(const struct sat_body_genesis *body, struct sat_buf *out)
{
    sat_put_u16(out, body->version);
    sat_put_bytes(out, body->random, sizeof body->random);
    put_key(out, &body->device_sign);
    put_key(out, &body->device_box);
    put_key(out, &body->admin_sign);
    put_key(out, &body->kit_sign);
    put_key(out, &body->kit_box);
    put_key(out, &body->server);
}

enum sat_err sat_body_genesis_decode(struct sat_span bytes, struct sat_body_genesis *out)
{
    struct sat_reader reader;
    sat_reader_init(&reader, bytes);
    out->version = sat_take_u16(&reader);
    sat_take_bytes(&reader, out->random, sizeof out->random);
    take_key(&reader, &out->device_sign);
    take_key(&reader, &out->device_box);
    take_key(&reader, &out->admin_sign);
    take_key(&reader, &out->kit_sign);
    take_key(&reader, &out->kit_box);
    take_key(&reader, &out->server);
    return sat_reader_end(&reader);
}

void sat_body_user_encode(const struct sat_body_user *body, struct sat_buf *out)
{
    sat_put_u32(out, body->user);
    sat_put_u8(out, body->role);
    sat_put_u8(out, body->state);
}

enum sat_err sat_body_user_decode(struct sat_span bytes, struct sat_body_user *out)
{
    struct sat_reader reader;
    sat_reader_init(&reader, bytes);
    out->user = sat_take_u32(&reader);
    out->role = sat_take_u8(&reader);
    out->state = sat_take_u8(&reader);
    return sat_reader_end(&reader);
}

void sat_body_role_encode(const struct sat_body_role *body, struct sat_buf *out)
{
    sat_put_u32(out, body->user);
    sat_put_u8(out, body->role);
}

enum sat_err sat_body_role_decode(struct sat_span bytes, struct sat_body_role *out)
{
    struct sat_reader reader;
    sat_reader_init(&reader, bytes);
    out->user = sat_take_u32(&reader);
    out->role = sat_take_u8(&reader);
    return sat_reader_end(&reader);
}

void sat_body_space_encode(const struct sat_body_space *body, struct sat_buf *out)
{
    sat_put_bytes(out, body->space.b, sizeof body->space.b);
    sat_put_u8(out, body->kind);
}

enum sat_err sat_body_space_decode(struct sat_span bytes, struct sat_body_space *out)
{
    struct sat_reader reader;
    sat_reader_init(&reader, bytes);
    sat_take_bytes(&reader, out->space.b, sizeof out->space.b);
    out->kind = sat_take_u8(&reader);
    return sat_reader_end(&reader);
}

void sat_body_grant_encode(const struct sat_body_grant *body, struct sat_buf *out)
{
    sat_put_bytes(out, body->space.b, sizeof body->space.b);
    sat_put_u32(out, body->user);
    sat_put_u8(out, body->rights);
    put_boxes(out, &body->boxes);
}

enum sat_err sat_body_grant_decode(struct sat_span bytes, struct sat_body_grant *out)
{
    struct sat_reader reader;
    sat_reader_init(&reader, bytes);
    sat_take_bytes(&reader, out->space.b, sizeof out->space.b);
    out->user = sat_take_u32(&reader);
    out->rights = sat_take_u8(&reader);
    take_boxes(&reader, &out->boxes);
    return sat_reader_end(&reader);
}

void sat_body_epoch_encode(const struct sat_body_epoch *body, struct sat_buf *out)
{
    sat_put_bytes(out, body->space.b, sizeof body->space.b);
    sat_put_u32(out, body->epoch);
    sat_put_u16(out, body->suite);
    sat_put_bytes(out, body->kc.b, sizeof body->kc.b);
    sat_put_bytes(out, body->chain, sizeof body->chain);
    put_boxes(out, &body->boxes);
}

enum sat_err sat_body_epoch_decode(struct sat_span bytes, struct sat_body_epoch *out)
{
    struct sat_reader reader;
    sat_reader_init(&reader, bytes);
    sat_take_bytes(&reader, out->space.b, sizeof out->space.b);
    out->epoch = sat_take_u32(&reader);
    out->suite = sat_take_u16(&reader);
    sat_take_bytes(&reader, out->kc.b, sizeof out->kc.b);
    sat_take_bytes(&reader, out->chain, sizeof out->chain);
    take_boxes(&reader, &out->boxes);
    return sat_reader_end(&reader);
}

void sat_body_invite_encode(const struct sat_body_invite *body, struct sat_buf *out)
{
    sat_check(body->grants_n <= SAT_LINK_GRANTS_MAX);
    put_key(out, &body->sign);
    put_key(out, &body->box);
    sat_put_u32(out, body->user);
    sat_put_u8(out, body->role);
    sat_put_u16(out, body->grants_n);
    for (uint16_t i = 0; i < body->grants_n; i++) {
        sat_put_bytes(out, body->grants[i].space.b, sizeof body->grants[i].space.b);
        sat_put_u8(out, body->grants[i].rights);
    }
    sat_put_u64(out, body->expires_ms);
    put_boxes(out, &body->boxes);
}

enum sat_err sat_body_invite_decode(struct sat_span bytes, struct sat_body_invite *out)
{
    struct sat_reader reader;
    sat_reader_init(&reader, bytes);
    take_key(&reader, &out->sign);
    take_key(&reader, &out->box);
    out->user = sat_take_u32(&reader);
    out->role = sat_take_u8(&reader);
    out->grants_n = sat_take_u16(&reader);
    if (out->grants_n > SAT_LINK_GRANTS_MAX) return SAT_ERR_MALFORMED;
    for (uint16_t i = 0; i < out->grants_n; i++) {
        sat_take_bytes(&reader, out->grants[i].space.b, sizeof out->grants[i].space.b);
        out->grants[i].rights = sat_take_u8(&reader);
    }
    out->expires_ms = sat_take_u64(&reader);
    take_boxes(&reader, &out->boxes);
    return sat_reader_end(&reader);
}

void sat_body_invite_cancel_encode(const struct sat_body_invite_cancel *body, struct sat_buf *out)
{
    sat_put_bytes(out, body->invite.b, sizeof body->invite.b);
}

enum sat_err sat_body_invite_cancel_decode(struct sat_span bytes, struct sat_body_invite_cancel *out)
{
    struct sat_reader reader;
    sat_reader_init(&reader, bytes);
    sat_take_bytes(&reader, out->invite.b, sizeof out->invite.b);
    return sat_reader_end(&reader);
}

void sat_body_join_encode(const struct sat_body_join *body, struct sat_buf *out)
{
    sat_put_bytes(out, body->invite.b, sizeof body->invite.b);
    put_key(out, &body->sign);
    put_key(out, &body->box);
    put_key(out, &body->admin_sign);
}

enum sat_err sat_body_join_decode(struct sat_span bytes, struct sat_body_join *out)
{
    struct sat_reader reader;
    sat_reader_init(&reader, bytes);
    sat_take_bytes(&reader, out->invite.b, sizeof out->invite.b);
    take_key(&reader, &out->sign);
    take_key(&reader, &out->box);
    take_key(&reader, &out->admin_sign);
    return sat_reader_end(&reader);
}

void sat_body_reindex_encode(const struct sat_body_reindex *body, struct sat_buf *out)
{
    sat_put_u32(out, body->parent);
    put_key(out, &body->sign);
    put_key(out, &body->box);
}

enum sat_err sat_body_reindex_decode(struct sat_span bytes, struct sat_body_reindex *out)
{
    struct sat_reader reader;
    sat_reader_init(&reader, bytes);
    out->parent = sat_take_u32(&reader);
    take_key(&reader, &out->sign);
    take_key(&reader, &out->box);
    return sat_reader_end(&reader);
}

struct sat_hash sat_invite_id(const struct sat_public_key *sign, const struct sat_public_key *box)
{
    struct sat_hasher hasher;
    sat_hash_begin(&hasher, "invite");
    sat_hash_add(&hasher, sign->b, sizeof sign->b);
    sat_hash_add(&hasher, box->b, sizeof box->b);
    return sat_hash_end(&hasher);
}

void sat_body_server_key_encode(const struct sat_body_server_key *body, struct sat_buf *out)
{
    size_t len = strlen(body->url);
    put_key(out, &body->server);
    sat_put_u16(out, (uint16_t)len);
    sat_put_bytes(out, body->url, len);
}

enum sat_err sat_body_server_key_decode(struct sat_span bytes, struct sat_body_server_key *out)
{
    struct sat_reader reader;
    sat_reader_init(&reader, bytes);
    take_key(&reader, &out->server);
    size_t len = sat_take_u16(&reader);
    if (len > SAT_URL_BYTES_MAX) return SAT_ERR_MALFORMED;
    sat_take_bytes(&reader, out->url, len);
    out->url[len] = 0;
    for (size_t i = 0; i < len; i++)
        if (out->url[i] <= ' ' || out->url[i] > '~') return SAT_ERR_MALFORMED;
    return sat_reader_end(&reader);
}

void sat_body_revoke_encode(const struct sat_body_revoke *body, struct sat_buf *out)
{
    sat_check(body->cuts_n <= SAT_LINK_CUTS_MAX);
    sat_put_u32(out, body->device);
    sat_put_u16(out, body->cuts_n);
    for (uint16_t i = 0; i < body->cuts_n; i++) {
        sat_put_bytes(out, body->cuts[i].space.b, sizeof body->cuts[i].space.b);
        sat_put_u64(out, body->cuts[i].counter);
        sat_put_bytes(out, body->cuts[i].bundle.b, sizeof body->cuts[i].bundle.b);
    }
}

enum sat_err sat_body_revoke_decode(struct sat_span bytes, struct sat_body_revoke *out)
{
    struct sat_reader reader;
    sat_reader_init(&reader, bytes);
    out->device = sat_take_u32(&reader);
    out->cuts_n = sat_take_u16(&reader);
    if (out->cuts_n > SAT_LINK_CUTS_MAX) return SAT_ERR_MALFORMED;
    for (uint16_t i = 0; i < out->cuts_n; i++) {
        sat_take_bytes(&reader, out->cuts[i].space.b, sizeof out->cuts[i].space.b);
        out->cuts[i].counter = sat_take_u64(&reader);
        sat_take_bytes(&reader, out->cuts[i].bundle.b, sizeof out->cuts[i].bundle.b);
    }
    return sat_reader_end(&reader);
}

void sat_body_wipe_encode(const struct sat_body_wipe *body, struct sat_buf *out)
{
    sat_put_u32(out, body->device);
}

enum sat_err sat_body_wipe_decode(struct sat_span bytes, struct sat_body_wipe *out)
{
    struct sat_reader reader;
    sat_reader_init(&reader, bytes);
    out->device = sat_take_u32(&reader);
    return sat_reader_end(&reader);
}

void sat_body_accept_encode(const struct sat_body_accept *body, struct sat_buf *out)
{
    sat_put_u8(out, body->what);
    sat_put_u32(out, body->device);
    sat_put_bytes(out, body->space.b, sizeof body->space.b);
    sat_put_bytes(out, body->bundle.b, sizeof body->bundle.b);
    put_boxes(out, &body->boxes);
}

enum sat_err sat_body_accept_decode(struct sat_span bytes, struct sat_body_accept *out)
{
    struct sat_reader reader;
    sat_reader_init(&reader, bytes);
    out->what = sat_take_u8(&reader);
    out->device = sat_take_u32(&reader);
    sat_take_bytes(&reader, out->space.b, sizeof out->space.b);
    sat_take_bytes(&reader, out->bundle.b, sizeof out->bundle.b);
    take_boxes(&reader, &out->boxes);
    return sat_reader_end(&reader);
}

void sat_body_log_epoch_encode(const struct sat_body_log_epoch *body, struct sat_buf *out)
{
    sat_put_u64(out, body->from);
}

enum sat_err sat_body_log_epoch_decode(struct sat_span bytes, struct sat_body_log_epoch *out)
{
    struct sat_reader reader;
    sat_reader_init(&reader, bytes);
    out->from = sat_take_u64(&reader);
    return sat_reader_end(&reader);
}

void sat_body_policy_encode(const struct sat_body_policy *body, struct sat_buf *out)
{
    sat_check(body->values_n <= SAT_LINK_POLICIES_MAX);
    sat_put_u16(out, body->values_n);
    for (uint16_t i = 0; i < body->values_n; i++) {
        sat_put_u16(out, body->values[i].key);
        sat_put_u64(out, body->values[i].value);
    }
}

enum sat_err sat_body_policy_decode(struct sat_span bytes, struct sat_body_policy *out)
{
    struct sat_reader reader;
    sat_reader_init(&reader, bytes);
    out->values_n = sat_take_u16(&reader);
    if (out->values_n > SAT_LINK_POLICIES_MAX) return SAT_ERR_MALFORMED;
    for (uint16_t i = 0; i < out->values_n; i++) {
        out->values[i].key = sat_take_u16(&reader);
        out->values[i].value = sat_take_u64(&reader);
    }
    return sat_reader_end(&reader);
}

void sat_body_kit_encode(const struct sat_body_kit *body, struct sat_buf *out)
{
    put_key(out, &body->kit_sign);
    put_key(out, &body->kit_box);
    sat_put_u32(out, body->user);
    put_key(out, &body->device_sign);
    put_key(out, &body->device_box);
    put_key(out, &body->admin_sign);
    put_boxes(out, &body->boxes);
}

static void take_kit(struct sat_reader *reader, struct sat_body_kit *out)
{
    take_key(reader, &out->kit_sign);
    take_key(reader, &out->kit_box);
    out->user = sat_take_u32(reader);
    take_key(reader, &out->device_sign);
    take_key(reader, &out->device_box);
    take_key(reader, &out->admin_sign);
    take_boxes(reader, &out->boxes);
}

enum sat_err sat_body_kit_decode(struct sat_span bytes, struct sat_body_kit *out)
{
    struct sat_reader reader;
    sat_reader_init(&reader, bytes);
    take_kit(&reader, out);
    return sat_reader_end(&reader);
}

void sat_body_repudiate_encode(const struct sat_body_repudiate *body, struct sat_buf *out)
{
    sat_put_u32(out, body->device);
    sat_put_u64(out, body->from_seq);
    sat_body_kit_encode(&body->kit, out);
}

enum sat_err sat_body_repudiate_decode(struct sat_span bytes, struct sat_body_repudiate *out)
{
    struct sat_reader reader;
    sat_reader_init(&reader, bytes);
    out->device = sat_take_u32(&reader);
    out->from_seq = sat_take_u64(&reader);
    take_kit(&reader, &out->kit);
    return sat_reader_end(&reader);
}

void sat_body_mass_change_encode(const struct sat_body_mass_change *body, struct sat_buf *out)
{
    sat_put_bytes(out, body->space.b, sizeof body->space.b);
    sat_put_u32(out, body->device);
    sat_put_u64(out, body->first);
    sat_put_u64(out, body->last);
}

enum sat_err sat_body_mass_change_decode(struct sat_span bytes, struct sat_body_mass_change *out)
{
    struct sat_reader reader;
    sat_reader_init(&reader, bytes);
    sat_take_bytes(&reader, out->space.b, sizeof out->space.b);
    out->device = sat_take_u32(&reader);
    out->first = sat_take_u64(&reader);
    out->last = sat_take_u64(&reader);
    return sat_reader_end(&reader);
}

void sat_body_expel_encode(const struct sat_body_expel *body, struct sat_buf *out)
{
    sat_put_u32(out, body->device);
}

enum sat_err sat_body_expel_decode(struct sat_span bytes, struct sat_body_expel *out)
{
    struct sat_reader reader;
    sat_reader_init(&reader, bytes);
    out->device = sat_take_u32(&reader);
    return sat_reader_end(&reader);
}
