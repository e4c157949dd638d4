/* Devices: they are put out, with what counts of them, and approved. */
#include <stdlib.h>
#include <string.h>

#include "client/act.h"
#include "client/sync.h"

struct device_act {
    struct satchel *satchel;
    uint32_t device;
    bool wipe;
    bool wipe_waits; /* it needs another admin's signature: proposed by itself, behind the rest */
};

/* ---- Cuts: where each space's log stands, of the device's work ---- */

static int compare_cuts(const void *a, const void *b)
{
    const struct sat_cut *left = a, *right = b;
    return memcmp(left->space.b, right->space.b, sizeof left->space.b);
}

static enum sat_err add_cut(struct client_links *links, const struct sat_space_id *space, struct sat_body_revoke *body)
{
    struct sat_store *store = links->satchel->store;
    struct sat_space_row row;
    struct sat_bundle_row tip;
    bool found = false;
    enum sat_err err = sat_store_space_find(store, space, &row, &found);
    if (err || !found) return err;
    err = sat_store_bundle_tip(store, row.sid, body->device, false, &tip, &found);
    if (err || !found) return err;
    body->cuts[body->cuts_n++] =
        (struct sat_cut){.space = *space, .counter = tip.first + tip.count - 1, .bundle = tip.id};
    return SAT_OK;
}

enum sat_err client_links_add_revoke(struct client_links *links, uint32_t device)
{
    struct sat_body_revoke *body = sat_arena_alloc(links->arena, sizeof *body);
    *body = (struct sat_body_revoke){.device = device};
    enum sat_err err = SAT_OK;
    for (uint32_t i = 0; i < links->ahead.spaces_n && !err && body->cuts_n < SAT_LINK_CUTS_MAX; i++)
        err = add_cut(links, &links->ahead.spaces[i].id, body);
    if (body->cuts_n) qsort(body->cuts, body->cuts_n, sizeof body->cuts[0], compare_cuts);
    struct sat_buf buf;
    sat_buf_init(&buf);
    sat_body_revoke_encode(body, &buf);
    if (!err) err = client_links_add(links, SAT_LINK_REVOKE, &buf);
    sat_buf_deinit(&buf);
    return err;
}

enum sat_err client_links_add_revocation(struct client_links *links, uint32_t device)
{
    uint32_t lineage[SAT_LINEAGE_MAX], n = sat_directory_lineage(&links->ahead, device, lineage);
    enum sat_err err = SAT_OK;
    for (uint32_t i = 0; i < n && !err && !links->proposes; i++) err = client_links_add_revoke(links, lineage[i]);
    return err;
}

/* ---- Out ---- */

static enum sat_err add_wipe(struct client_links *links, uint32_t device)
{
    struct sat_buf buf;
    sat_buf_init(&buf);
    sat_body_wipe_encode(&(struct sat_body_wipe){.device = device}, &buf);
    enum sat_err err = client_links_add(links, SAT_LINK_WIPE, &buf);
    sat_buf_deinit(&buf);
    return err;
}

/* Begins the batch again. */
static enum sat_err restart(struct client_links *links)
{
    const struct sat_kit_keys *kit = links->kit;
    client_links_end(links);
    enum sat_err err = client_links_begin(links, links->satchel, links->now_ms, links->arena, links->fault);
    links->kit = kit;
    return err;
}

static enum sat_err check_is_in(const struct sat_directory *directory, const struct device_act *act)
{
    const struct sat_device *device = sat_directory_device(directory, act->device);
    bool alone = sat_directory_lineage(directory, act->device, NULL) == 0; /* one of them may have left by itself */
    if (!alone || (act->wipe && !device->wiped_seq)) return SAT_OK;
    return sat_fail(&act->satchel->fault, SAT_ERR_EXISTS, "device %u has been revoked already%s", (unsigned)act->device,
                    act->wipe ? ", and is to be wiped" : "");
}

/* The device, and those of its lineage that are out as well and not to be wiped yet, as far as there is room. */
static enum sat_err add_wipes(struct client_links *links, uint32_t device)
{
    const struct sat_directory *ahead = &links->ahead;
    uint32_t lineage = sat_directory_device(ahead, device)->lineage;
    enum sat_err err = sat_directory_device(ahead, device)->wiped_seq ? SAT_OK : add_wipe(links, device);
    for (uint32_t i = 0; i < ahead->devices_n && !err && !links->proposes && links->n < CLIENT_LINKS_MAX; i++) {
        const struct sat_device *kin = &ahead->devices[i];
        if (kin->lineage == lineage && kin->revoked_seq && !kin->wiped_seq) err = add_wipe(links, kin->number);
    }
    return err;
}

/* Both at once, so that a device that is to be wiped does not go on with what it holds in between. Of copies of one
 * home none is left, as each has what the others have. */
static enum sat_err build_revocation(void *context, struct client_links *links)
{
    struct device_act *act = context;
    bool revoked = sat_directory_device(&links->ahead, act->device)->revoked_seq != 0;
    enum sat_err err = check_is_in(&links->ahead, act);
    if (!err) err = client_links_add_revocation(links, act->device);
    if (!err && act->wipe && !(act->wipe_waits && !revoked)) err = add_wipes(links, act->device);
    if (err || !links->proposes || links->n == 0 || revoked) return err;
    act->wipe_waits = true;
    err = restart(links);
    return err ? err : client_links_add_revocation(links, act->device);
}

static enum sat_err find_device(struct satchel *satchel, uint32_t device)
{
    bool reached;
    if (sat_directory_device(&satchel->directory, device)) return SAT_OK;
    enum sat_err local = client_sync_to_find(satchel, &reached);
    if (local || sat_directory_device(&satchel->directory, device)) return local;
    return sat_fail(&satchel->fault, SAT_ERR_NOT_FOUND, "there is no device %u: `satchel device list` shows them",
                    (unsigned)device);
}

static enum sat_err check_revocation(struct satchel *satchel, const struct device_act *act)
{
    const struct sat_device *device = sat_directory_device(&satchel->directory, act->device);
    const struct sat_device *own = sat_directory_device(&satchel->directory, client_device(satchel));
    if (act->device == client_device(satchel))
        return sat_fail(&satchel->fault, SAT_ERR_INVALID, "that is this device: `satchel leave` takes it out");
    if (own && own->lineage == device->lineage)
        return sat_fail(
            &satchel->fault, SAT_ERR_INVALID,
            "device %u and this one are copies of one home, and are put out together: `satchel leave` there "
            "takes it out, or another admin both",
            (unsigned)act->device);
    enum sat_err err = check_is_in(&satchel->directory, act);
    return err ? err : client_act_check_manages(satchel, device->user);
}

int satchel_device_revoke(struct satchel *satchel, uint32_t device, int wipe)
{
    struct device_act it = {.satchel = satchel, .device = device, .wipe = wipe};
    struct client_act act = {.satchel = satchel, .context = &it, .build = build_revocation, .when_pulled = true};
    enum sat_err err = client_act_begin(satchel, CLIENT_BY_MANAGER);
    if (!err) err = find_device(satchel, device);
    if (!err) err = check_revocation(satchel, &it);
    if (!err) err = client_act_run(&act);
    if (!err && it.wipe_waits) {
        act.appended = false;
        err = client_act_run(&act);
    }
    return client_end(satchel, err);
}

/* ---- In ---- */

static enum sat_err build_approval(void *context, struct client_links *links)
{
    const struct device_act *act = context;
    const struct sat_device *device = sat_directory_device(&links->ahead, act->device);
    if (device->approved_seq && !device->revoked_seq && !device->copies)
        return sat_fail(links->fault, SAT_ERR_EXISTS, "device %u needs no approval, or has it", (unsigned)act->device);
    return client_links_add_approval(links, act->device);
}

int satchel_device_approve(struct satchel *satchel, uint32_t device)
{
    struct device_act it = {.satchel = satchel, .device = device};
    struct client_act act = {.satchel = satchel, .context = &it, .build = build_approval};
    enum sat_err err = client_act_begin(satchel, CLIENT_BY_ADMIN);
    if (!err) err = find_device(satchel, device);
    if (!err) err = client_act_run(&act);
    return client_end(satchel, err);
}
