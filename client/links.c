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
    out->boxes_n = links->boxes_done;
}

/* ---- Links ---- */

static struct sat_link *make(struct client_links *links, enum sat_link_type type, uint32_t author,
                             const struct sat_buf *body)
{
    sat_check(links->n < CLIENT_LINKS_MAX && !links->proposes);
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

static enum sat_err apply(struct client_links *links, const struct sat_link *link, enum sat_directory_trust trust,
                          struct sat_fault *fault)
{
    return sat_directory_apply(&links->ahead, link, NULL, links->now_ms, trust, fault);
}

static enum sat_err try_out(struct client_links *links, const struct sat_link *link, struct sat_fault *fault)
{
    enum sat_err err = apply(links, link, SAT_DIRECTORY_VERIFY, fault);
    if (err) return err;
    links->n++;
    links->boxes_done = links->boxes_n;
    return SAT_OK;
}

/* Would it be good with one signature more, whoever's? Then it is applied: nothing comes behind it in this batch. */
static bool lacks_second(struct client_links *links, const struct sat_link *link)
{
    struct sat_link signed_twice = *link;
    if (link->signatures_n == SAT_LINK_SIGNATURES_MAX) return false;
    signed_twice.signatures[signed_twice.signatures_n++] =
        (struct sat_link_signature){.kind = SAT_SIGNER_KIT, .number = (uint32_t)links->ahead.kit_seq};
    return apply(links, &signed_twice, SAT_DIRECTORY_STORED, NULL) == SAT_OK;
}

static bool sign_by_kit(struct client_links *links, struct sat_link *link)
{
    struct sat_link unsigned_link = *link;
    if (!links->kit) return false;
    sat_link_sign(link, SAT_SIGNER_KIT, (uint32_t)links->ahead.kit_seq, &links->ahead.org, &links->kit->sign);
    if (!try_out(links, link, NULL)) return true;
    *link = unsigned_link;
    return false;
}

static enum sat_err fail_kit(struct client_links *links)
{
    return sat_fail(links->fault, SAT_ERR_DENIED,
                    "this recovery kit is worth nothing any more: another one has replaced it");
}

/* A kit that is at hand signs for its successor though nobody demands it: it is used up by that, and whoever finds the
 * old page cannot call it a theft. */
static enum sat_err try_out_successor(struct client_links *links, struct sat_link *link)
{
    bool in_force = sat_span_equal(SAT_SPAN(links->kit->sign_public.b), SAT_SPAN(links->ahead.kit_sign.b));
    if (!in_force) return fail_kit(links);
    sat_link_sign(link, SAT_SIGNER_KIT, (uint32_t)links->ahead.kit_seq, &links->ahead.org, &links->kit->sign);
    return try_out(links, link, links->fault);
}

/* What a second signature is due for gets the kit's, or waits for another admin's. */
static enum sat_err try_out_by_two(struct client_links *links, struct sat_link *link)
{
    struct sat_fault why = {0};
    enum sat_err err = try_out(links, link, &why);
    if (err == SAT_ERR_DENIED) {
        if (sign_by_kit(links, link)) return SAT_OK;
        links->proposes = lacks_second(links, link);
        if (links->proposes && links->kit) return fail_kit(links);
        if (links->proposes) return SAT_OK;
    }
    if (err) *links->fault = why;
    return err;
}

/* A key that is owed may be paid by whoever reads the space, whoever holds a device may say that it leaves, and that
 * one was silent for too long is said without asking anybody; all else is signed by the device's admin key as well. */
static bool takes_device_alone(enum sat_link_type type, const struct sat_buf *body, uint32_t device)
{
    struct sat_body_revoke revoke;
    if (type != SAT_LINK_REVOKE) return type == SAT_LINK_EPOCH || type == SAT_LINK_EXPEL;
    return sat_body_revoke_decode(sat_buf_span(body), &revoke) == SAT_OK && revoke.device == device;
}

enum sat_err client_links_add(struct client_links *links, enum sat_link_type type, const struct sat_buf *body)
{
    const struct sat_keyring_secrets *secrets = sat_keyring_secrets(links->satchel->keyring);
    bool founds = type == SAT_LINK_GENESIS;
    uint32_t device = founds ? 1 : secrets->device;
    struct sat_link *link = make(links, type, device, body);
    sat_link_sign(link, SAT_SIGNER_DEVICE, device, &links->ahead.org, &secrets->sign);
    if (takes_device_alone(type, body, device)) return try_out(links, link, links->fault);
    sat_link_sign(link, SAT_SIGNER_ADMIN, device, &links->ahead.org, &secrets->admin);
    if (type == SAT_LINK_KIT && links->kit) return try_out_successor(links, link);
    return founds ? try_out(links, link, links->fault) : try_out_by_two(links, link);
}

enum sat_err client_links_add_join(struct client_links *links, const struct sat_invite *invite,
                                   const struct sat_sign_key *invite_key, const struct sat_buf *body)
{
    uint32_t device = links->ahead.devices_n + 1;
    struct sat_link *link = make(links, SAT_LINK_JOIN, device, body);
    sat_link_sign(link, SAT_SIGNER_INVITE, (uint32_t)invite->seq, &links->ahead.org, invite_key);
    sat_link_sign(link, SAT_SIGNER_DEVICE, device, &links->ahead.org,
                  &sat_keyring_secrets(links->satchel->keyring)->sign);
    return try_out(links, link, links->fault);
}

enum sat_err client_links_add_reindex(struct client_links *links, const struct sat_keyring *candidate)
{
    uint32_t parent = client_device(links->satchel), device = links->ahead.devices_n + 1;
    struct sat_body_reindex body = {
        .parent = parent, .sign = sat_keyring_sign_public(candidate), .box = sat_keyring_box_public(candidate)};
    struct sat_buf buf;
    sat_buf_init(&buf);
    sat_body_reindex_encode(&body, &buf);
    struct sat_link *link = make(links, SAT_LINK_REINDEX, parent, &buf);
    sat_link_sign(link, SAT_SIGNER_DEVICE, parent, &links->ahead.org,
                  &sat_keyring_secrets(links->satchel->keyring)->sign);
    sat_link_sign(link, SAT_SIGNER_DEVICE, device, &links->ahead.org, &sat_keyring_secrets(candidate)->sign);
    sat_buf_deinit(&buf);
    return try_out(links, link, links->fault);
}

/* By the next device and the kit of link `kit`. */
static enum sat_err add_by_kit(struct client_links *links, enum sat_link_type type, uint64_t kit,
                               const struct sat_buf *body)
{
    uint32_t device = links->ahead.devices_n + 1;
    struct sat_link *link = make(links, type, device, body);
    sat_link_sign(link, SAT_SIGNER_DEVICE, device, &links->ahead.org,
                  &sat_keyring_secrets(links->satchel->keyring)->sign);
    sat_link_sign(link, SAT_SIGNER_KIT, (uint32_t)kit, &links->ahead.org, &links->kit->sign);
    return try_out(links, link, links->fault);
}

enum sat_err client_links_check_kit(const struct client_links *links, bool repudiates)
{
    const struct sat_kit *kit = sat_directory_kit(&links->ahead, &links->kit->sign_public);
    if (!kit) return sat_fail(links->fault, SAT_ERR_DENIED, "this recovery kit was never the organisation's");
    if (repudiates || kit->seq == links->ahead.kit_seq) return SAT_OK;
    return sat_fail(links->fault, SAT_ERR_DENIED,
                    "this recovery kit has been replaced, by link %llu; if a thief did that, undo it with `recover "
                    "--repudiate DEVICE --from LINK`: the thief's device, and its first link (`audit` shows them)",
                    (unsigned long long)kit[1].seq);
}

enum sat_err client_links_add_recovery(struct client_links *links, const struct sat_body_kit *body)
{
    struct sat_buf buf;
    sat_buf_init(&buf);
    sat_body_kit_encode(body, &buf);
    enum sat_err err = add_by_kit(links, SAT_LINK_KIT, links->ahead.kit_seq, &buf);
    sat_buf_deinit(&buf);
    return err;
}

enum sat_err client_links_add_repudiation(struct client_links *links, const struct sat_body_repudiate *body)
{
    const struct sat_kit *kit = sat_directory_kit(&links->ahead, &links->kit->sign_public);
    sat_check(kit != NULL); /* it is checked */
    struct sat_buf buf;
    sat_buf_init(&buf);
    sat_body_repudiate_encode(body, &buf);
    enum sat_err err = add_by_kit(links, SAT_LINK_REPUDIATE, kit->seq, &buf);
    sat_buf_deinit(&buf);
    return err;
}

enum sat_err client_links_add_signed(struct client_links *links, const struct sat_link *link,
                                     const struct sat_box *boxes, uint32_t boxes_n)
{
    sat_check(links->n == 0 && links->boxes_n == 0);
    links->links[0] = *link;
    links->boxes = sat_arena_copy(links->arena, boxes, boxes_n * sizeof *boxes);
    links->boxes_n = boxes_n;
    return try_out(links, &links->links[0], links->fault);
}
