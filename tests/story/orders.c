#include "tests/story/orders.h"

#include <stdlib.h>
#include <string.h>

#include "client/handed.h"
#include "client/links.h"
#include "common/base/check.h"
#include "tests/story/scene.h"
#include "tests/story/world_parts.h"

struct order {
    struct world_device *device;
    uint32_t place;
    uint8_t rights, role;
    uint64_t days, versions;
    bool suspended;
    enum sat_accept_what what;
    const struct sat_aside_row *row;
};

static uint32_t user_of(const struct client_links *links, const struct world_device *device)
{
    const struct sat_public_key sign = sat_keyring_sign_public(device->handle.keyring);
    for (uint32_t i = 0; i < links->ahead.devices_n; i++)
        if (memcmp(links->ahead.devices[i].sign.b, sign.b, sizeof sign.b) == 0) return links->ahead.devices[i].user;
    abort();
}

static void give(struct world *world, void (*build)(struct world_wish *wish, struct client_links *links),
                 struct order *order)
{
    sat_check(world_append(world, &world->devices[0], build, order) || world->orders_may_fail);
}

/* ---- People ---- */

static void build_grant(struct world_wish *wish, struct client_links *links)
{
    const struct order *order = wish->context;
    world_may_owe(wish, client_links_add_grant(links, &wish->world->spaces[order->place], user_of(links, order->device),
                                               order->rights));
}

void order_grant(struct world *world, struct world_device *device, uint32_t place, uint8_t rights)
{
    give(world, build_grant, &(struct order){.device = device, .place = place, .rights = rights});
}

static void build_role(struct world_wish *wish, struct client_links *links)
{
    const struct order *order = wish->context;
    struct sat_buf body;
    sat_buf_init(&body);
    sat_body_role_encode(&(struct sat_body_role){user_of(links, order->device), order->role}, &body);
    must(client_links_add(links, SAT_LINK_ROLE, &body));
    sat_buf_deinit(&body);
}

void order_role(struct world *world, struct world_device *device, enum sat_role role)
{
    give(world, build_role, &(struct order){.device = device, .role = (uint8_t)role});
}

static void build_suspend(struct world_wish *wish, struct client_links *links)
{
    const struct order *order = wish->context;
    uint32_t user = user_of(links, order->device);
    struct sat_buf body;
    sat_buf_init(&body);
    sat_body_user_encode(
        &(struct sat_body_user){user, sat_directory_user(&links->ahead, user)->role, order->suspended ? 2 : 1}, &body);
    must(client_links_add(links, SAT_LINK_USER, &body));
    sat_buf_deinit(&body);
}

static void build_expulsion(struct world_wish *wish, struct client_links *links)
{
    const struct order *order = wish->context;
    struct sat_buf body;
    sat_buf_init(&body);
    sat_body_expel_encode(&(struct sat_body_expel){sat_keyring_secrets(order->device->handle.keyring)->device}, &body);
    must(client_links_add(links, SAT_LINK_EXPEL, &body));
    sat_buf_deinit(&body);
}

void order_expel(struct world *world, struct world_device *device)
{
    give(world, build_expulsion, &(struct order){.device = device});
}

void order_suspend(struct world *world, struct world_device *device, bool suspended)
{
    give(world, build_suspend, &(struct order){.device = device, .suspended = suspended});
}

/* ---- Devices ---- */

static int compare_cuts(const void *a, const void *b)
{
    const struct sat_cut *left = a, *right = b;
    return memcmp(left->space.b, right->space.b, sizeof left->space.b);
}

static void find_cuts(struct sat_store *store, uint32_t device, struct sat_arena *arena, struct sat_body_revoke *out)
{
    struct sat_space_row *rows;
    uint32_t n;
    *out = (struct sat_body_revoke){.device = device};
    must(sat_store_spaces(store, arena, &rows, &n));
    for (uint32_t i = 0; i < n; i++) {
        struct sat_bundle_row tip;
        bool found;
        must(sat_store_bundle_tip(store, rows[i].sid, device, false, &tip, &found));
        if (found) out->cuts[out->cuts_n++] = (struct sat_cut){rows[i].id, tip.first + tip.count - 1, tip.id};
    }
    qsort(out->cuts, out->cuts_n, sizeof out->cuts[0], compare_cuts);
}

static void build_revoke(struct world_wish *wish, struct client_links *links)
{
    const struct order *order = wish->context;
    world_may_owe(wish, client_links_add_revocation(links, world_number_of(order->device)));
}

static void build_acknowledgement(struct world_wish *wish, struct client_links *links)
{
    const struct order *order = wish->context;
    world_may_owe(wish, client_links_add_approval(links, order->place));
}

void order_acknowledge(struct world *world, uint32_t device)
{
    give(world, build_acknowledgement, &(struct order){.place = device});
}

static void when_pulled(void *context, struct sat_replica_config *config)
{
    (void)context;
    config->links_when_pulled = true;
}

void order_revoke(struct world *world, struct world_device *device)
{
    world->devices[0].tune = when_pulled;
    give(world, build_revoke, &(struct order){.device = device});
    world->devices[0].tune = NULL;
}

struct sat_link order_forged_revocation(struct world *world, struct world_device *device,
                                        void (*change)(struct sat_body_revoke *body), struct sat_arena *arena)
{
    struct satchel *admin = &world->devices[0].handle;
    const struct sat_keyring_secrets *secrets = sat_keyring_secrets(admin->keyring);
    const struct sat_directory *directory = sat_host_directory(world->host);
    struct sat_body_revoke revoke;
    struct sat_buf body;
    sat_buf_init(&body);
    find_cuts(world->server_store, world_number_of(device), arena, &revoke);
    change(&revoke);
    sat_body_revoke_encode(&revoke, &body);
    struct sat_link link = {.seq = directory->seq + 1,
                            .prev = sat_directory_hash_at(directory, directory->seq),
                            .author = secrets->device,
                            .type = SAT_LINK_REVOKE,
                            .critical = 1,
                            .suite = 1,
                            .body = sat_span_copy(arena, sat_buf_span(&body))};
    sat_buf_deinit(&body);
    sat_link_finish(&link, arena);
    sat_link_sign(&link, SAT_SIGNER_DEVICE, secrets->device, &directory->org, &secrets->sign);
    sat_link_sign(&link, SAT_SIGNER_ADMIN, secrets->device, &directory->org, &secrets->admin);
    return link;
}

static void build_wipe(struct world_wish *wish, struct client_links *links)
{
    const struct order *order = wish->context;
    struct sat_buf body;
    sat_buf_init(&body);
    sat_body_wipe_encode(&(struct sat_body_wipe){world_number_of(order->device)}, &body);
    must(client_links_add(links, SAT_LINK_WIPE, &body));
    sat_buf_deinit(&body);
}

void order_wipe(struct world *world, struct world_device *device)
{
    give(world, build_wipe, &(struct order){.device = device});
}

static void build_approval(struct world_wish *wish, struct client_links *links)
{
    const struct order *order = wish->context;
    world_may_owe(wish, client_links_add_approval(links, world_number_of(order->device)));
}

void order_approve(struct world *world, struct world_device *device)
{
    give(world, build_approval, &(struct order){.device = device});
}

void order_approve_copies(struct world *world, uint32_t homes)
{
    for (uint32_t i = 0; i < world->devices_n; i++) {
        struct world_device *device = &world->devices[i];
        const struct sat_device *known = sat_directory_device(sat_host_directory(world->host), world_number_of(device));
        if (!(homes >> i & 1) || !known || known->copies < SAT_COPIES_MAX) continue;
        world_say(world, "device %u may have so many copies", known->number);
        order_approve(world, device);
    }
}

/* ---- Policy ---- */

static void build_history(struct world_wish *wish, struct client_links *links)
{
    const struct order *order = wish->context;
    struct sat_buf body;
    sat_buf_init(&body);
    struct sat_body_policy policy = {
        .values = {{SAT_POLICY_HISTORY_DAYS, order->days}, {SAT_POLICY_HISTORY_VERSIONS, order->versions}},
        .values_n = 2};
    sat_body_policy_encode(&policy, &body);
    must(client_links_add(links, SAT_LINK_POLICY, &body));
    sat_buf_deinit(&body);
}

void order_keep_history(struct world *world, uint64_t days, uint64_t versions)
{
    give(world, build_history, &(struct order){.days = days, .versions = versions});
}

/* ---- Keys, and what was put aside ---- */

static void build_rotation(struct world_wish *wish, struct client_links *links)
{
    const struct order *order = wish->context;
    world_may_owe(wish, client_links_add_epoch(links, &wish->world->spaces[order->place]));
}

void order_rotate(struct world *world, uint32_t place)
{
    give(world, build_rotation, &(struct order){.place = place});
}

static void build_decision(struct world_wish *wish, struct client_links *links)
{
    const struct order *order = wish->context;
    struct sat_buf body;
    sat_buf_init(&body);
    sat_body_accept_encode(&(struct sat_body_accept){.what = (uint8_t)order->what,
                                                     .device = order->row->device,
                                                     .space = order->row->space,
                                                     .bundle = order->row->id},
                           &body);
    must(client_links_add(links, SAT_LINK_ACCEPT, &body));
    sat_buf_deinit(&body);
}

bool order_was_decided(struct world *world, enum sat_accept_what what, const struct sat_aside_row *row)
{
    return world_append(world, &world->devices[0], build_decision, &(struct order){.what = what, .row = row});
}

/* By a server that was set back since, which does that again by itself: nobody decides so twice. */
static bool was_decided_before(const struct satchel *admin, enum sat_accept_what what, const struct sat_aside_row *row)
{
    uint8_t before = sat_directory_decided(&admin->directory, &row->id, admin->directory.seq);
    return before && !(before == SAT_ACCEPT_REJECT && what == SAT_ACCEPT_BUNDLE);
}

/* The log cannot take it as it is. */
static bool was_taken(struct world *world, const struct sat_bundle *bundles, const struct sat_aside_row *rows,
                      uint32_t n, uint32_t which, struct sat_arena *arena)
{
    struct satchel *admin = &world->devices[0].handle;
    const struct sat_bundle *before;
    struct client_handed_beside beside;
    client_handed_begin_beside(&beside, bundles, n, arena);
    must(client_handed_before(admin, &bundles[which], &beside, &before));
    if (before && rows[before - bundles].state == SAT_ASIDE_OPEN) return false;
    uint64_t drafts = scene_drafts(&world->devices[0]);
    world_act(world, &world->devices[0]);
    must(client_handed_take(admin, &bundles[which], 1, &beside));
    world_act(world, NULL);
    world_disconnect(world, &world->devices[0]);
    if (rows[which].state == SAT_ASIDE_OPEN && was_decided_before(admin, SAT_ACCEPT_REJECT, &rows[which]))
        return scene_drafts(&world->devices[0]) != drafts && world_sync(world, &world->devices[0]);
    if (rows[which].state == SAT_ASIDE_REJECTED) return world_sync(world, &world->devices[0]);
    return order_was_decided(world, SAT_ACCEPT_REJECT, &rows[which]);
}

/* … or does it, when all is here of what was replaced? */
static bool fits_now(struct world *world, const struct sat_bundle *bundle)
{
    struct world_device *admin = &world->devices[0];
    bool any, fits = false;
    must(client_handed_wish(&admin->handle, bundle, &any));
    if (!any) return false;
    world_disconnect(world, admin);
    if (!world_sync(world, admin)) return false;
    world_act(world, admin);
    must(client_handed_fits(&admin->handle, bundle, NULL, &fits));
    world_act(world, NULL);
    return fits;
}

bool order_was_let_in(struct world *world, const struct sat_aside_row *rows, uint32_t n, uint32_t which)
{
    struct world_device *admin = &world->devices[0];
    struct sat_arena arena;
    bool fits = true, done = false;
    sat_arena_init(&arena);
    struct sat_bundle *bundles = sat_arena_array(&arena, n, sizeof *bundles);
    world_disconnect(world, admin);
    if (world_sync(world, admin)) {
        for (uint32_t i = 0; i < n; i++)
            must(sat_bundle_decode(rows[i].bytes, &admin->handle.directory.org, &rows[i].space, &arena, &bundles[i]));
        world_act(world, admin);
        must(client_handed_fits(&admin->handle, &bundles[which], NULL, &fits));
        world_act(world, NULL);
        if (!fits) fits = fits_now(world, &bundles[which]);
        if (!fits)
            done = was_taken(world, bundles, rows, n, which, &arena);
        else if (!was_decided_before(&admin->handle, SAT_ACCEPT_BUNDLE, &rows[which]))
            done = order_was_decided(world, SAT_ACCEPT_BUNDLE, &rows[which]);
    }
    sat_arena_deinit(&arena);
    return done;
}

void order_decide(struct world *world, enum sat_accept_what what, const struct sat_aside_row *row)
{
    give(world, build_decision, &(struct order){.what = what, .row = row});
}

uint32_t order_escrow(struct sat_store *store, struct sat_arena *arena, struct sat_aside_row **out)
{
    uint32_t n;
    must(sat_store_asides(store, 0, 64, 1 << 24, arena, out, &n));
    return n;
}
