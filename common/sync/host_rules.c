/* What the server demands of a link beyond what the reducer does. The reducer sees links alone; key boxes and logs are
 * here. */
#include <stdlib.h>
#include <string.h>

#include "common/sync/host_state.h"

/* ---- Boxes ---- */

struct owner { /* whose box it is */
    uint64_t number;
    uint8_t kind;
};

static int compare_owners(const void *a, const void *b)
{
    const struct owner *left = a, *right = b;
    if (left->kind != right->kind) return left->kind < right->kind ? -1 : 1;
    return left->number < right->number ? -1 : left->number > right->number;
}

/* Sorted. */
static struct owner *owners_of(const struct sat_recipient *recipients, uint32_t n, struct sat_arena *arena)
{
    struct owner *out = sat_arena_array(arena, n, sizeof *out);
    for (uint32_t i = 0; i < n; i++) out[i] = (struct owner){recipients[i].number, recipients[i].kind};
    if (n) qsort(out, n, sizeof *out, compare_owners);
    return out;
}

static bool is_among(const struct owner *owners, uint32_t n, const struct owner *owner)
{
    return n && bsearch(owner, owners, n, sizeof *owners, compare_owners);
}

static bool is_for(const struct sat_box *box, const struct sat_space_id *space, uint32_t epoch)
{
    return sat_space_equal(&box->space, space) && box->epoch == epoch;
}

static enum sat_err refuse(struct sat_fault *fault, const struct sat_link *link, const char *why)
{
    return sat_fail(fault, SAT_ERR_INVALID, "the key boxes of the %s link are not right: %s",
                    sat_link_type_name(link->type), why);
}

/* A new epoch's key goes to all who may read the space, and to nobody else: who is forgotten would be locked out, and
 * a box for somebody who is out would undo the rotation. Invites expire while a link is on its way: those that have may
 * be among them, or not. */
static enum sat_err check_epoch(const struct sat_directory *directory, const struct sat_link *link,
                                const struct sat_box *boxes, uint32_t n, uint64_t time_ms, struct sat_arena *arena,
                                struct sat_fault *fault)
{
    struct sat_body_epoch body;
    enum sat_err err = sat_body_epoch_decode(link->body, &body);
    if (err) return err;
    struct sat_recipient *due, *may;
    uint32_t due_n = sat_directory_recipients(directory, &body.space, time_ms, arena, &due);
    uint32_t may_n = sat_directory_recipients(directory, &body.space, 0, arena, &may);
    const struct owner *allowed = owners_of(may, may_n, arena);
    struct owner *got = sat_arena_array(arena, n, sizeof *got);
    for (uint32_t i = 0; i < n; i++) {
        got[i] = (struct owner){boxes[i].number, boxes[i].kind};
        if (!is_for(&boxes[i], &body.space, body.epoch)) return refuse(fault, link, "one is of another epoch");
        if (!is_among(allowed, may_n, &got[i])) return refuse(fault, link, "one is for somebody who may not read it");
    }
    if (n) qsort(got, n, sizeof *got, compare_owners);
    for (uint32_t i = 1; i < n; i++)
        if (compare_owners(&got[i - 1], &got[i]) == 0) return refuse(fault, link, "one is there twice");
    for (uint32_t i = 0; i < due_n; i++)
        if (!is_among(got, n, &(struct owner){due[i].number, due[i].kind}))
            return refuse(fault, link, "somebody who may read the space gets none");
    return SAT_OK;
}

/* Of epochs that there are: a box of a coming one, put there in advance, would stand in the way of the true one. */
static enum sat_err check_current(const struct sat_directory *directory, const struct sat_link *link,
                                  const struct sat_box *boxes, uint32_t n, struct sat_fault *fault)
{
    for (uint32_t i = 0; i < n; i++) {
        const struct sat_space *space = sat_directory_space(directory, &boxes[i].space);
        if (!space || boxes[i].epoch == 0 || boxes[i].epoch != space->epoch)
            return refuse(fault, link, "one is of another epoch than the current one");
    }
    return SAT_OK;
}

static enum sat_err check_owner(const struct sat_link *link, const struct sat_box *boxes, uint32_t n, uint8_t kind,
                                uint64_t number, struct sat_fault *fault)
{
    for (uint32_t i = 0; i < n; i++)
        if (boxes[i].kind != kind || boxes[i].number != number)
            return refuse(fault, link, "one is for somebody else than the link is about");
    return SAT_OK;
}

static enum sat_err check_grant(const struct sat_directory *directory, const struct sat_link *link,
                                const struct sat_box *boxes, uint32_t n, struct sat_arena *arena,
                                struct sat_fault *fault)
{
    struct sat_body_grant body;
    enum sat_err err = sat_body_grant_decode(link->body, &body);
    if (err) return err;
    struct sat_recipient *recipients;
    uint32_t may_n = sat_directory_recipients_of_user(directory, body.user, 0, arena, &recipients);
    const struct owner *allowed = owners_of(recipients, may_n, arena);
    for (uint32_t i = 0; i < n; i++) {
        const struct owner owner = {boxes[i].number, boxes[i].kind};
        if (!sat_space_equal(&boxes[i].space, &body.space)) return refuse(fault, link, "one is of another space");
        if (!is_among(allowed, may_n, &owner))
            return refuse(fault, link, "one is for somebody else than the link is about");
    }
    return SAT_OK;
}

enum sat_err host_check_boxes(const struct sat_directory *directory, const struct sat_link *link,
                              const struct sat_box *boxes, uint32_t n, uint64_t time_ms, struct sat_arena *arena,
                              struct sat_fault *fault)
{
    struct sat_body_accept accept;
    enum sat_err err = SAT_OK;
    if (link->type == SAT_LINK_EPOCH) return check_epoch(directory, link, boxes, n, time_ms, arena, fault);
    if (n == 0) return SAT_OK;
    err = check_current(directory, link, boxes, n, fault);
    if (err) return err;
    switch (link->type) {
    case SAT_LINK_GRANT:
        return check_grant(directory, link, boxes, n, arena, fault);
    case SAT_LINK_INVITE:
        return check_owner(link, boxes, n, SAT_BOX_INVITE, link->seq, fault);
    case SAT_LINK_KIT:
    case SAT_LINK_REPUDIATE:
        return check_owner(link, boxes, n, SAT_BOX_KIT, link->seq, fault);
    case SAT_LINK_ACCEPT:
        err = sat_body_accept_decode(link->body, &accept);
        return err ? err : check_owner(link, boxes, n, SAT_BOX_DEVICE, accept.device, fault);
    default:
        return SAT_OK;
    }
}

/* ---- The cuts of a revocation ---- */

static const struct sat_cut *cut_of(const struct sat_body_revoke *body, const struct sat_space_id *space)
{
    for (uint16_t i = 0; i < body->cuts_n; i++)
        if (sat_space_equal(&body->cuts[i].space, space)) return &body->cuts[i];
    return NULL;
}

/* Whoever cannot read a space cannot name what is in it: a narrow one, or, when a device leaves that wrote there once,
 * a territory that it has lost. */
static bool must_name(const struct sat_directory *directory, const struct sat_link *link, const struct sat_space_id *id)
{
    const struct sat_space *space = sat_directory_space(directory, id);
    if (space && space->kind == SAT_SPACE_NARROW) return false;
    return sat_directory_device_rights(directory, id, link->author, directory->seq) & SAT_RIGHT_READ;
}

static enum sat_err check_cut(struct sat_host *host, const struct sat_link *link, const struct sat_body_revoke *body,
                              const struct sat_space_row *row, uint32_t *met, struct sat_fault *fault)
{
    const struct sat_cut *cut = cut_of(body, &row->id);
    struct sat_bundle_row tip;
    bool found;
    enum sat_err err = sat_store_bundle_tip(host->store, row->sid, body->device, false, &tip, &found);
    if (err) return err;
    bool may_be_missing = !found || !must_name(&host->directory, link, &row->id) || body->cuts_n == SAT_LINK_CUTS_MAX;
    if (cut) ++*met;
    bool right = cut ? found && cut->counter == tip.first + tip.count - 1 && sat_hash_equal(&cut->bundle, &tip.id)
                     : may_be_missing;
    if (right) return SAT_OK;
    return sat_fail(fault, SAT_ERR_STALE, "device %u has written since, or more than is named: sync, then try again",
                    body->device);
}

/* They are what the device's last bundles are here, so that whoever reads the log early or late decides in the same
 * way. */
enum sat_err host_check_cuts(struct sat_host *host, const struct sat_link *link, struct sat_arena *arena,
                             struct sat_fault *fault)
{
    struct sat_body_revoke body;
    if (link->type != SAT_LINK_REVOKE) return SAT_OK;
    enum sat_err err = sat_body_revoke_decode(link->body, &body);
    struct sat_space_row *rows;
    uint32_t n = 0, met = 0;
    if (!err) err = sat_store_spaces(host->store, arena, &rows, &n);
    for (uint32_t i = 0; i < n && !err; i++) err = check_cut(host, link, &body, &rows[i], &met, fault);
    if (!err && met < body.cuts_n) err = sat_fail(fault, SAT_ERR_INVALID, "a cut is in a space that there is not");
    return err;
}

/* ---- Lineages ---- */

/* What one of them knows, the others know, and who stole one may have the others' keys. Who leaves says so of itself
 * alone. */
enum sat_err host_check_lineages(const struct sat_directory *directory, const struct sat_link *links, uint32_t n,
                                 struct sat_fault *fault)
{
    for (uint32_t i = 0; i < n; i++) {
        struct sat_body_revoke body;
        uint32_t left[SAT_LINEAGE_MAX];
        if (links[i].type != SAT_LINK_REVOKE) continue;
        enum sat_err err = sat_body_revoke_decode(links[i].body, &body);
        if (err) return err;
        if (body.device == links[i].author || sat_directory_lineage(directory, body.device, left) == 0) continue;
        return sat_fail(fault, SAT_ERR_INVALID,
                        "devices %u and %u are copies of one home, and are put out together: with a newer version",
                        (unsigned)body.device, (unsigned)left[0]);
    }
    return SAT_OK;
}
