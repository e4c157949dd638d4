/* A new recovery kit in the place of one that works still: for when the page was lost, or seen by somebody. */
#include <sodium.h>

#include "client/act.h"
#include "client/kit.h"
#include "client/membership.h"
#include "client/names.h"

struct replacing {
    struct satchel *satchel;
    struct client_act act;
    int (*keep_kit)(void *context, const char *page);
    void *context;
    uint8_t *seed; /* guarded memory */
    struct sat_kit_keys *keys;
    bool kept;
};

static enum sat_err keep_kit(struct replacing *it, struct sat_arena *arena)
{
    struct satchel *satchel = it->satchel;
    struct client_membership membership = {0};
    const char *urls[CLIENT_ADDRESSES_MAX] = {""}, *name = client_org_name(satchel, arena);
    if (it->kept) return SAT_OK;
    if (!client_membership_get(satchel, arena, &membership))
        client_membership_addresses(satchel, &membership, arena, urls);
    if (!name) name = membership.org_name;
    struct client_kit kit = {.org_name = name ? name : "",
                             .server_url = urls[0],
                             .org = satchel->directory.org,
                             .server = satchel->directory.server};
    enum sat_err err = client_kit_keep(&kit, it->seed, it->keep_kit, it->context, &satchel->fault);
    it->kept = !err;
    return err;
}

static enum sat_err build_kit(void *context, struct client_links *links)
{
    struct replacing *it = context;
    struct sat_body_kit body = {.kit_sign = it->keys->sign_public, .kit_box = it->keys->box_public};
    links->some_keys = it->act.waited_for_keys; /* what has not come by now may never come: a thief's, say */
    enum sat_err err = client_links_box_for_kit(links, &body.kit_box, &body.boxes);
    struct sat_buf buf;
    sat_buf_init(&buf);
    sat_body_kit_encode(&body, &buf);
    if (!err) err = client_links_add(links, SAT_LINK_KIT, &buf);
    sat_buf_deinit(&buf);
    return err ? err : keep_kit(it, links->arena); /* what is refused here leaves nothing behind */
}

int satchel_kit_replace(struct satchel *satchel, int (*keep)(void *context, const char *page), void *context)
{
    struct replacing it = {.satchel = satchel, .keep_kit = keep, .context = context};
    it.act = (struct client_act){.satchel = satchel, .context = &it, .build = build_kit};
    enum sat_err err = client_act_begin(satchel, CLIENT_BY_ADMIN);
    it.seed = sodium_malloc(SAT_KIT_SEED_BYTES);
    it.keys = sodium_malloc(sizeof *it.keys);
    if (!err && !(it.seed && it.keys)) err = sat_fail(&satchel->fault, SAT_ERR_NO_MEMORY, NULL);
    if (!err) sat_entropy_fill(&satchel->entropy, it.seed, SAT_KIT_SEED_BYTES);
    if (!err) sat_kit_keys_derive(it.seed, it.keys);
    if (!err) err = client_act_run(&it.act);
    sodium_free(it.seed);
    sodium_free(it.keys);
    return client_end(satchel, err);
}
