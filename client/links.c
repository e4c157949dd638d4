#include "client/links.h"

#include <sodium.h>
#include <string.h>

#include "common/base/check.h"

enum { SUITE = 1 };

enum sat_err client_links_begin(struct client_links *links, struct satchel *satchel, uint64_t now_ms,
                                struct sat_arena *arena, struct sat_fault *fault)
{
    *links = (struct client_links){.satchel = satchel, .arena = arena, .fault = fault, .now_ms = now_ms};
    sat_directory_init(&links->ahead);
    return sat_directory_load(satchel->store, &links->ahead, fault);
}

void client_links_end(struct client_links *links)
{
    sat_directory_deinit(&links->ahead);
}

void client_links_give(const struct client_links *links, struct sat_link_batch *out)
{
    out->links = sat_arena_copy(links->arena, links->links, links->n * sizeof links->links[0]);
    out->n = links->n;
    out->boxes = links->boxes;
    out->boxes_n = links->boxes_n;
}

/* ---- Links ---- */

static struct sat_link *make(struct client_links *links, enum sat_link_type type, uint32_t author,
                             const struct sat_buf *body)
{
    sat_check(links->n < CLIENT_LINKS_MAX);
    struct sat_link *link = &links->links[links->n];
    *link = (struct sat_link){
        .seq = links->ahead.seq + 1,
        .prev = sat_directory_hash_at(&links->ahead, links->ahead.seq),
        .author = author,
        .type = (uint16_t)type,
        .critical = 1,
        .suite = SUITE,
        .body = sat_span_copy(links->arena, sat_buf_span(body)),
    };
    sat_link_finish(link, links->arena);
    return link;
}

static enum sat_err try_out(struct client_links *links, const struct sat_link *link)
{
    enum sat_err err =
        sat_directory_apply(&links->ahead, link, NULL, links->now_ms, SAT_DIRECTORY_VERIFY, links->fault);
    if (!err) links->n++;
    return err;
}

enum sat_err client_links_add(struct client_links *links, enum sat_link_type type, const struct sat_buf *body)
{
    const struct sat_keyring_secrets *secrets = sat_keyring_secrets(links->satchel->keyring);
    bool founds = type == SAT_LINK_GENESIS;
    uint32_t device = founds ? 1 : secrets->device;
    uint32_t user = founds ? 1 : client_user(links->satchel);
    if (!user) user = 1; /* the founder, whose genesis is a link of this very batch */
    struct sat_link *link = make(links, type, device, body);
    sat_link_sign(link, SAT_SIGNER_DEVICE, device, &links->ahead.org, &secrets->sign);
    /* A key that is owed may be paid by whoever reads the space; all else needs an admin. */
    if (type != SAT_LINK_EPOCH) sat_link_sign(link, SAT_SIGNER_ADMIN, user, &links->ahead.org, &secrets->admin);
    return try_out(links, link);
}

enum sat_err client_links_add_join(struct client_links *links, const struct sat_invite *invite,
                                   const struct sat_sign_key *invite_key, const struct sat_buf *body)
{
    uint32_t device = links->ahead.devices_n + 1;
    struct sat_link *link = make(links, SAT_LINK_JOIN, device, body);
    sat_link_sign(link, SAT_SIGNER_INVITE, (uint32_t)invite->seq, &links->ahead.org, invite_key);
    sat_link_sign(link, SAT_SIGNER_DEVICE, device, &links->ahead.org,
                  &sat_keyring_secrets(links->satchel->keyring)->sign);
    return try_out(links, link);
}

/* ---- Boxes ---- */

/* Seals the key to each recipient and adds the boxes behind those of earlier links; the root says which they are. */
static struct sat_boxes add_boxes(struct client_links *links, const struct sat_space_id *space, uint32_t epoch,
                                  const struct sat_epoch_key *key, const struct sat_recipient *recipients, uint32_t n)
{
    struct sat_box *boxes = sat_arena_array(links->arena, (size_t)links->boxes_n + n, sizeof *boxes);
    if (links->boxes_n) memcpy(boxes, links->boxes, links->boxes_n * sizeof *boxes);
    for (uint32_t i = 0; i < n; i++) {
        struct sat_box *box = &boxes[links->boxes_n + i];
        *box = (struct sat_box){
            .space = *space, .epoch = epoch, .kind = recipients[i].kind, .number = recipients[i].number};
        sat_epoch_box_seal(key, &recipients[i].box, box->bytes);
    }
    links->boxes = boxes;
    struct sat_boxes out = {.root = sat_boxes_root(boxes + links->boxes_n, n), .count = n};
    links->boxes_n += n;
    return out;
}

enum sat_err client_links_add_space(struct client_links *links, const struct sat_space_id *space,
                                    enum sat_space_kind kind, struct sat_epoch_key *key)
{
    struct sat_buf body;
    sat_buf_init(&body);
    sat_body_space_encode(&(struct sat_body_space){.space = *space, .kind = (uint8_t)kind}, &body);
    enum sat_err err = client_links_add(links, SAT_LINK_SPACE, &body);
    if (!err) {
        sat_entropy_fill(&links->satchel->entropy, key->b, sizeof key->b);
        struct sat_epoch_ctx ctx = {.org = links->ahead.org, .space = *space, .epoch = 1, .suite = SUITE};
        struct sat_body_epoch epoch = {
            .space = *space, .epoch = 1, .suite = SUITE, .kc = sat_epoch_commitment(key, &ctx)};
        struct sat_recipient *recipients;
        uint32_t n = sat_directory_recipients(&links->ahead, space, links->now_ms, links->arena, &recipients);
        epoch.boxes = add_boxes(links, space, 1, key, recipients, n);
        sat_buf_clear(&body);
        sat_body_epoch_encode(&epoch, &body);
        err = client_links_add(links, SAT_LINK_EPOCH, &body);
    }
    sat_buf_deinit(&body);
    return err;
}

/* The key of a space's current epoch; without it nobody can be let in. */
static enum sat_err current_key(struct client_links *links, const struct sat_space_id *space, uint32_t *epoch,
                                const struct sat_epoch_key **key)
{
    const struct sat_space *known = sat_directory_space(&links->ahead, space);
    *epoch = known ? known->epoch : 0;
    enum sat_err err = sat_keys_get(links->satchel->keys, &links->ahead, space, *epoch, key);
    if (err == SAT_ERR_DEBT)
        return sat_fail(links->fault, err,
                        "this device does not have the key of a territory yet: sync, then try again");
    return err;
}

enum sat_err client_links_add_grant(struct client_links *links, const struct sat_space_id *space, uint32_t user,
                                    uint8_t rights)
{
    struct sat_body_grant grant = {.space = *space, .user = user, .rights = rights};
    bool reads = sat_directory_rights(&links->ahead, space, user, links->ahead.seq) & SAT_RIGHT_READ;
    enum sat_err err = SAT_OK;
    if ((rights & SAT_RIGHT_READ) && !reads) {
        uint32_t epoch;
        const struct sat_epoch_key *key;
        err = current_key(links, space, &epoch, &key);
        struct sat_recipient *recipients;
        uint32_t n = sat_directory_recipients_of_user(&links->ahead, user, links->now_ms, links->arena, &recipients);
        if (!err) grant.boxes = add_boxes(links, space, epoch, key, recipients, n);
    }
    struct sat_buf body;
    sat_buf_init(&body);
    sat_body_grant_encode(&grant, &body);
    if (!err) err = client_links_add(links, SAT_LINK_GRANT, &body);
    sat_buf_deinit(&body);
    return err;
}

/* One box for each space that the invited may read. */
static enum sat_err box_for_invite(struct client_links *links, struct sat_body_invite *body)
{
    struct sat_recipient recipient = {.kind = SAT_BOX_INVITE, .number = links->ahead.seq + 1, .box = body->box};
    uint32_t first = links->boxes_n;
    for (uint32_t i = 0; i < links->ahead.spaces_n; i++) {
        const struct sat_space_id *space = &links->ahead.spaces[i].id;
        uint32_t epoch;
        const struct sat_epoch_key *key;
        if (!(sat_directory_rights(&links->ahead, space, body->user, links->ahead.seq) & SAT_RIGHT_READ)) continue;
        enum sat_err err = current_key(links, space, &epoch, &key);
        if (err) return err;
        (void)add_boxes(links, space, epoch, key, &recipient, 1);
    }
    body->boxes.count = links->boxes_n - first;
    body->boxes.root = sat_boxes_root(links->boxes + first, body->boxes.count);
    return SAT_OK;
}

enum sat_err client_links_add_invite(struct client_links *links, struct sat_body_invite *body)
{
    struct sat_buf buf;
    sat_buf_init(&buf);
    enum sat_err err = box_for_invite(links, body);
    sat_body_invite_encode(body, &buf);
    if (!err) err = client_links_add(links, SAT_LINK_INVITE, &buf);
    sat_buf_deinit(&buf);
    return err;
}
