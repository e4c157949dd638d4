/* Who is in the world: the org and its founding, invites, joins. */
#include <string.h>

#include "client/links.h"
#include "common/base/check.h"
#include "tests/story/world_parts.h"

/* ---- The org ---- */

static void build_org(struct world *world, struct world_device *admin, uint32_t territories, struct client_links *links,
                      struct sat_epoch_key *keys)
{
    struct sat_body_genesis genesis = {.version = 1,
                                       .device_sign = sat_keyring_sign_public(admin->handle.keyring),
                                       .device_box = sat_keyring_box_public(admin->handle.keyring),
                                       .server = sat_sign_public(&world->server_key)};
    sat_entropy_fill(&world->entropy, genesis.random, sizeof genesis.random);
    genesis.admin_sign = sat_sign_public(&sat_keyring_secrets(admin->handle.keyring)->admin);
    struct sat_kit_keys kit;
    sat_entropy_fill(&world->entropy, world->kit_seed, sizeof world->kit_seed);
    sat_kit_keys_derive(world->kit_seed, &kit);
    genesis.kit_sign = kit.sign_public;
    genesis.kit_box = kit.box_public;
    struct sat_buf body;
    sat_buf_init(&body);
    sat_body_genesis_encode(&genesis, &body);
    must(client_links_add(links, SAT_LINK_GENESIS, &body));
    for (uint32_t i = 0; i < territories + 2; i++) {
        struct sat_space_id space;
        sat_entropy_fill(&world->entropy, space.b, sizeof space.b);
        enum sat_space_kind kind = i == 0 ? SAT_SPACE_ORG : i == 1 ? SAT_SPACE_PEOPLE : SAT_SPACE_TERRITORY;
        must(client_links_add_space(links, &space, kind, &keys[i]));
        if (i >= 2) world->spaces[world->spaces_n++] = space;
    }
    sat_buf_deinit(&body);
}

/* Founds the org by a create message, without a session: a story about that has its own test. */
void world_found(struct world *world, uint32_t territories)
{
    struct world_device *admin = world_new_device(world);
    static const struct sat_hash no_org;
    sat_keyring_make_admin(admin->handle.keyring, &world->entropy);
    sat_keyring_set_member(admin->handle.keyring, &no_org, 1);
    struct sat_arena arena;
    sat_arena_init(&arena);
    struct client_links links;
    struct sat_fault fault = {0};
    struct sat_epoch_key keys[WORLD_SPACES_MAX + 2];
    must(client_links_begin(&links, &admin->handle, world->now_ms, &arena, &fault));
    build_org(world, admin, territories, &links, keys);
    struct sat_link_batch batch;
    client_links_give(&links, &batch);

    struct sat_hash org = links.ahead.org;
    sat_keyring_set_member(admin->handle.keyring, &org, 1);
    world_open_keys(admin);
    must(sat_store_begin(admin->handle.store));
    for (uint32_t i = 0; i < links.ahead.spaces_n; i++)
        must(sat_keys_add(admin->handle.keys, &links.ahead.spaces[i].id, 1, &keys[i]));
    must(sat_store_commit(admin->handle.store));
    world_save_keyring(world, admin);

    struct sat_store *store = world->server_store;
    must(sat_store_begin(store));
    for (uint32_t i = 0; i < batch.n; i++) {
        struct sat_countersign sign;
        struct sat_buf bytes;
        sat_buf_init(&bytes);
        sat_countersign(&batch.links[i], world->now_ms, &org, &world->server_key, &sign);
        sat_link_encode(&batch.links[i], &bytes);
        must(sat_store_link_append(store, &(struct sat_link_row){batch.links[i].seq, sat_buf_span(&bytes), sign}));
        sat_buf_deinit(&bytes);
        if (batch.links[i].type != SAT_LINK_SPACE) continue;
        struct sat_body_space body;
        must(sat_body_space_decode(batch.links[i].body, &body));
        struct sat_hash link = sat_link_id(&batch.links[i]);
        struct sat_space_row row = {.id = body.space, .log_epoch = sat_life_first(&link)};
        must(sat_store_space_create(store, &row));
    }
    must(sat_store_boxes_put(store, batch.boxes, batch.boxes_n));
    must(sat_store_commit(store));
    client_links_end(&links);
    sat_arena_deinit(&arena);
    admin->joined = true;
}

/* ---- Links that a session appends ---- */

enum sat_err world_build_join(void *context, struct sat_arena *arena, struct sat_link_batch *out)
{
    struct world_device *device = context;
    const struct sat_invite_keys *keys = &device->invite_keys;
    struct sat_hash id = sat_invite_id(&keys->sign_public, &keys->box_public);
    const struct sat_invite *invite = sat_directory_invite(&device->handle.directory, &id);
    if (!invite) return SAT_ERR_NOT_FOUND;
    if (world_number_of(device)) return SAT_OK; /* a join that was cut off after it was accepted */
    struct client_links links;
    struct sat_fault fault = {0};
    struct sat_buf body;
    sat_buf_init(&body);
    struct sat_body_join join = {.invite = id,
                                 .sign = sat_keyring_sign_public(device->handle.keyring),
                                 .box = sat_keyring_box_public(device->handle.keyring)};
    if (sat_keyring_has_admin(device->handle.keyring))
        join.admin_sign = sat_sign_public(&sat_keyring_secrets(device->handle.keyring)->admin);
    sat_body_join_encode(&join, &body);
    enum sat_err err = client_links_begin(&links, &device->handle, 0, arena, &fault);
    if (!err) err = client_links_add_join(&links, invite, &keys->sign, &body);
    if (!err) client_links_give(&links, out);
    client_links_end(&links);
    sat_buf_deinit(&body);
    return err;
}

enum sat_err world_build_wish(void *context, struct sat_arena *arena, struct sat_link_batch *out)
{
    struct world_device *device = context;
    struct world_wish *wish = device->wish;
    if (!wish || wish->done) return SAT_OK;
    struct client_links links;
    struct sat_fault fault = {0};
    must(client_links_begin(&links, &device->handle, wish->world->now_ms, arena, &fault));
    wish->build(wish, &links);
    if (!wish->given_up) client_links_give(&links, out);
    client_links_end(&links);
    return SAT_OK;
}

enum sat_err world_wish_done(void *context)
{
    struct world_device *device = context;
    struct world_wish *wish = device->wish;
    if (wish) wish->done = true;
    return SAT_OK;
}

/* ---- People ---- */

bool world_append(struct world *world, struct world_device *device,
                  void (*build)(struct world_wish *wish, struct client_links *links), void *context)
{
    struct world_wish wish = {.world = world, .build = build, .context = context};
    world_disconnect(world, device);
    device->wish = &wish;
    (void)world_sync(world, device);
    device->wish = NULL;
    return wish.done;
}

void world_may_owe(struct world_wish *wish, enum sat_err err)
{
    if (err == SAT_ERR_DEBT && wish->world->orders_may_fail)
        wish->given_up = true;
    else
        must(err);
}

struct invitation {
    enum sat_role role;
    uint32_t territories; /* bit set */
    struct sat_invite_code code;
};

static void make_code(const struct client_links *links, struct world *world, struct sat_invite_code *code)
{
    sat_entropy_fill(&world->entropy, code->secret, sizeof code->secret);
    code->org = links->ahead.org;
    code->dir_seq = links->satchel->directory.seq;
    struct sat_hash hash = sat_directory_hash_at(&links->ahead, code->dir_seq);
    memcpy(code->dir_hash, hash.b, sizeof code->dir_hash);
}

static void build_invite(struct world_wish *wish, struct client_links *links)
{
    struct invitation *invitation = wish->context;
    struct world *world = wish->world;
    struct sat_buf body;
    sat_buf_init(&body);
    uint32_t user = links->ahead.users_n + 1;
    sat_body_user_encode(&(struct sat_body_user){.user = user, .role = (uint8_t)invitation->role, .state = 1}, &body);
    must(client_links_add(links, SAT_LINK_USER, &body));
    for (uint32_t i = 0; i < world->spaces_n; i++)
        if (invitation->territories & 1u << i)
            world_may_owe(wish,
                          client_links_add_grant(links, &world->spaces[i], user, SAT_RIGHT_READ | SAT_RIGHT_WRITE));
    make_code(links, world, &invitation->code);
    struct sat_invite_keys keys;
    sat_invite_keys_derive(&invitation->code, &keys);
    struct sat_body_invite invite = {.sign = keys.sign_public,
                                     .box = keys.box_public,
                                     .user = user,
                                     .role = (uint8_t)invitation->role,
                                     .expires_ms = world->now_ms + 7ull * 86400 * 1000};
    sat_buf_clear(&body);
    sat_body_invite_encode(&invite, &body);
    if (invitation->role == SAT_ROLE_ADMIN)
        must(client_links_add(links, SAT_LINK_INVITE, &body));
    else
        world_may_owe(wish, client_links_add_invite(links, &invite));
    sat_buf_deinit(&body);
}

static void build_confirmation(struct world_wish *wish, struct client_links *links)
{
    struct sat_body_log_epoch confirmed = {.from = *(const uint64_t *)wish->context};
    struct sat_buf body;
    sat_buf_init(&body);
    sat_body_log_epoch_encode(&confirmed, &body);
    must(client_links_add(links, SAT_LINK_LOG_EPOCH, &body));
    sat_buf_deinit(&body);
}

bool world_confirm_restore(struct world *world)
{
    uint64_t from;
    must(sat_store_meta_get_u64(world->server_store, "recovering", 1, &from));
    bool done = world_append(world, &world->devices[0], build_confirmation, &from);
    sat_check(done || world->orders_may_fail);
    return done;
}

struct sat_invite_code world_make_invite(struct world *world, enum sat_role role, uint32_t territories)
{
    struct invitation invitation = {.role = role, .territories = territories};
    sat_check(world_append(world, &world->devices[0], build_invite, &invitation));
    return invitation.code;
}

struct world_device *world_holder(struct world *world, const struct sat_invite_code *code, bool admin)
{
    struct world_device *device = world_new_device(world);
    device->code = *code;
    sat_invite_keys_derive(code, &device->invite_keys);
    if (admin) sat_keyring_make_admin(device->handle.keyring, &world->entropy);
    sat_keyring_set_member(device->handle.keyring, &code->org, 0);
    world_save_keyring(world, device);
    world_open_keys(device);
    return device;
}

struct world_device *world_invite(struct world *world, uint32_t territories)
{
    struct invitation invitation = {.role = SAT_ROLE_REP, .territories = territories};
    bool done = world_append(world, &world->devices[0], build_invite, &invitation);
    sat_check(done || world->orders_may_fail);
    return done ? world_holder(world, &invitation.code, false) : NULL;
}

struct world_device *world_join(struct world *world, uint32_t territories)
{
    struct world_device *device = world_invite(world, territories);
    sat_check(world_sync(world, device));
    return device;
}
