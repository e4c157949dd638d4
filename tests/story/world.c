#define _GNU_SOURCE /* mkdtemp */

#include "tests/story/world.h"

#include <sodium.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/links.h"
#include "common/base/check.h"

static const char PASSPHRASE[] = "a passphrase of the tests";

/* Checks as the stories need them: the world has no use for errors that are not the story's. */
#define must(call)                                                                                                     \
    do {                                                                                                               \
        enum sat_err must_err = (call);                                                                                \
        if (must_err) {                                                                                                \
            (void)fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #call, sat_err_name(must_err));               \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

uint64_t world_dice(struct world *world, uint64_t sides)
{
    uint64_t v;
    sat_entropy_fill(&world->dice, &v, sizeof v);
    return sides ? v % sides : 0;
}

void world_say(struct world *world, const char *format, ...)
{
    if (!world->transcript) return;
    va_list args;
    va_start(args, format);
    (void)vfprintf(world->transcript, format, args);
    va_end(args);
    (void)fputc('\n', world->transcript);
}

static const char *temp_root(void)
{
    return access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
}

/* ---- The server ---- */

static void open_host(struct world *world)
{
    char path[160];
    struct sat_fault fault = {0};
    (void)snprintf(path, sizeof path, "%s/server.db", world->dir);
    must(sat_store_open(path, access(path, F_OK) ? SAT_STORE_CREATE : SAT_STORE_OPEN, &world->server_store, &fault));
    struct sat_host_config config = {.store = world->server_store, .server = &world->server_key, .entropy = world->entropy};
    must(sat_host_new(&config, &world->host, &fault));
}

static void close_host(struct world *world)
{
    sat_host_free(world->host);
    sat_store_close(world->server_store);
    world->host = NULL;
    world->server_store = NULL;
}

/* ---- Devices ---- */

static struct world_device *new_device(struct world *world)
{
    sat_check(world->devices_n < WORLD_DEVICES_MAX);
    struct world_device *device = &world->devices[world->devices_n++];
    *device = (struct world_device){0};
    struct satchel *handle = &device->handle;
    handle->lock = -1;
    handle->entropy = world->entropy;
    sat_directory_init(&handle->directory);
    struct sat_fault fault = {0};
    (void)snprintf(device->store_path, sizeof device->store_path, "%s/device%u.db", world->dir, world->devices_n);
    must(sat_store_open(device->store_path, SAT_STORE_CREATE, &handle->store, &fault));
    must(sat_keyring_new(&world->entropy, &handle->keyring));
    return device;
}

static void save_keyring(struct world *world, struct world_device *device)
{
    sat_buf_clear(&device->keyring_file);
    must(sat_keyring_seal(device->handle.keyring, sat_span_text(PASSPHRASE), sat_keyring_cost_minimum(), &world->entropy,
                          &device->keyring_file));
}

static void open_keys(struct world_device *device)
{
    struct satchel *handle = &device->handle;
    must(sat_keys_new(handle->store, handle->keyring, &handle->entropy, &handle->keys));
    must(sat_squeezer_new(&handle->squeezer));
}

static void close_device(struct world_device *device)
{
    struct satchel *handle = &device->handle;
    sat_replica_free(device->replica);
    device->replica = NULL;
    sat_keys_free(handle->keys);
    sat_squeezer_free(handle->squeezer);
    sat_keyring_free(handle->keyring);
    sat_directory_deinit(&handle->directory);
    sat_store_close(handle->store);
    handle->keys = NULL;
    handle->squeezer = NULL;
    handle->keyring = NULL;
    handle->store = NULL;
}

static void clear(struct world_queue *queue)
{
    for (uint32_t i = 0; i < queue->n; i++) sat_buf_deinit(&queue->at[i]);
    queue->n = 0;
}

static void put(struct world_queue *queue, struct sat_span bytes)
{
    sat_check(queue->n < WORLD_QUEUE_MAX);
    struct sat_buf *buf = &queue->at[queue->n++];
    sat_buf_init(buf);
    sat_put_span(buf, bytes);
}

static void take(struct world_queue *queue, uint32_t index)
{
    sat_buf_deinit(&queue->at[index]);
    memmove(queue->at + index, queue->at + index + 1, (queue->n - index - 1) * sizeof *queue->at);
    queue->n--;
}

/* ---- Hooks ---- */

static enum sat_err freeze(void *context, uint64_t *left)
{
    struct world_device *device = context;
    struct sat_vault vault = client_vault(&device->handle);
    return sat_author_freeze(&vault, left);
}

static enum sat_err open_box(void *context, const struct sat_box *box)
{
    struct world_device *device = context;
    struct sat_invite_keys keys;
    sat_invite_keys_derive(&device->code, &keys);
    bool by_invite = box->kind == SAT_BOX_INVITE;
    return sat_keys_open_box(device->handle.keys, &device->handle.directory, box, by_invite ? &keys.box_public : NULL,
                             by_invite ? &keys.box : NULL);
}

static bool have_key(void *context, const struct sat_space_id *space, uint32_t epoch)
{
    struct world_device *device = context;
    return sat_keys_have(device->handle.keys, space, epoch);
}

/* The number under which the directory knows the device; 0: it has not joined. */
static uint32_t number_of(const struct world_device *device)
{
    const struct sat_directory *directory = &device->handle.directory;
    struct sat_public_key sign = sat_keyring_sign_public(device->handle.keyring);
    for (uint32_t i = 0; i < directory->devices_n; i++)
        if (memcmp(directory->devices[i].sign.b, sign.b, sizeof sign.b) == 0) return directory->devices[i].number;
    return 0;
}

static enum sat_err build_join(void *context, struct sat_arena *arena, struct sat_link_batch *out)
{
    struct world_device *device = context;
    struct sat_invite_keys keys;
    sat_invite_keys_derive(&device->code, &keys);
    struct sat_hash id = sat_invite_id(&keys.sign_public, &keys.box_public);
    const struct sat_invite *invite = sat_directory_invite(&device->handle.directory, &id);
    if (!invite) return SAT_ERR_NOT_FOUND;
    if (number_of(device)) return SAT_OK; /* a join that was cut off after it was accepted */
    struct client_links links;
    struct sat_fault fault = {0};
    struct sat_buf body;
    sat_buf_init(&body);
    struct sat_body_join join = {.invite = id, .sign = sat_keyring_sign_public(device->handle.keyring),
                                 .box = sat_keyring_box_public(device->handle.keyring)};
    if (sat_keyring_has_admin(device->handle.keyring))
        join.admin_sign = sat_sign_public(&sat_keyring_secrets(device->handle.keyring)->admin);
    sat_body_join_encode(&join, &body);
    enum sat_err err = client_links_begin(&links, &device->handle, 0, arena, &fault);
    if (!err) err = client_links_add_join(&links, invite, &keys.sign, &body);
    if (!err) client_links_give(&links, out);
    client_links_end(&links);
    sat_buf_deinit(&body);
    return err;
}

/* ---- The org ---- */

static enum sat_err build_wish(void *context, struct sat_arena *arena, struct sat_link_batch *out)
{
    struct world_device *device = context;
    struct world_wish *wish = device->wish;
    if (!wish || wish->done) return SAT_OK;
    struct client_links links;
    struct sat_fault fault = {0};
    must(client_links_begin(&links, &device->handle, wish->world->now_ms, arena, &fault));
    wish->build(wish, &links);
    client_links_give(&links, out);
    client_links_end(&links);
    return SAT_OK;
}

static enum sat_err wish_done(void *context)
{
    struct world_device *device = context;
    struct world_wish *wish = device->wish;
    if (wish) wish->done = true;
    return SAT_OK;
}

static void build_org(struct world *world, struct world_device *admin, uint32_t territories, struct client_links *links,
                      struct sat_epoch_key *keys)
{
    struct sat_body_genesis genesis = {.version = 1,
                                       .device_sign = sat_keyring_sign_public(admin->handle.keyring),
                                       .device_box = sat_keyring_box_public(admin->handle.keyring),
                                       .server = sat_sign_public(&world->server_key)};
    sat_entropy_fill(&world->entropy, genesis.random, sizeof genesis.random);
    genesis.admin_sign = sat_sign_public(&sat_keyring_secrets(admin->handle.keyring)->admin);
    uint8_t seed[32];
    sat_entropy_fill(&world->entropy, seed, sizeof seed);
    struct sat_sign_key kit;
    sat_sign_keypair(seed, &genesis.kit_sign, &kit);
    crypto_scalarmult_base(genesis.kit_box.b, seed);
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
static void found(struct world *world, uint32_t territories)
{
    struct world_device *admin = new_device(world);
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
    open_keys(admin);
    must(sat_store_begin(admin->handle.store));
    for (uint32_t i = 0; i < links.ahead.spaces_n; i++) must(sat_keys_add(admin->handle.keys, &links.ahead.spaces[i].id, 1, &keys[i]));
    must(sat_store_commit(admin->handle.store));
    save_keyring(world, admin);

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
        struct sat_space_row row = {.id = body.space};
        sat_entropy_fill(&world->entropy, row.log_epoch.b, sizeof row.log_epoch.b);
        must(sat_store_space_create(store, &row));
    }
    must(sat_store_commit(store));
    client_links_end(&links);
    sat_arena_deinit(&arena);
    admin->joined = true;
}

void world_init(struct world *world, uint64_t seed, uint32_t territories)
{
    sat_check(sodium_init() >= 0);
    *world = (struct world){.now_ms = 1800000000000, .next_peer = 1};
    world->dice = sat_entropy_seeded(&world->dice_state, seed);
    world->entropy = sat_entropy_seeded(&world->entropy_state, seed ^ 0x9e3779b97f4a7c15u);
    (void)snprintf(world->dir, sizeof world->dir, "%s/satchel-world-XXXXXX", temp_root());
    sat_check(mkdtemp(world->dir) != NULL);
    uint8_t server_seed[32];
    struct sat_public_key server_public;
    sat_entropy_fill(&world->entropy, server_seed, sizeof server_seed);
    sat_sign_keypair(server_seed, &server_public, &world->server_key);
    char path[160];
    struct sat_fault fault = {0};
    (void)snprintf(path, sizeof path, "%s/server.db", world->dir);
    must(sat_store_open(path, SAT_STORE_CREATE, &world->server_store, &fault));
    found(world, territories);
    sat_store_close(world->server_store);
    open_host(world);
    /* The admin's device knows its org's directory from its first session; until then from the genesis, as after `org create`. */
    struct world_device *admin = &world->devices[0];
    struct sat_link_row *rows;
    uint32_t n;
    struct sat_arena arena;
    sat_arena_init(&arena);
    must(sat_store_links(world->server_store, 1, 64, &arena, &rows, &n));
    must(sat_store_begin(admin->handle.store));
    for (uint32_t i = 0; i < n; i++) must(sat_store_link_append(admin->handle.store, &rows[i]));
    must(sat_store_commit(admin->handle.store));
    must(sat_directory_load(admin->handle.store, &admin->handle.directory, &fault));
    sat_arena_deinit(&arena);
}

void world_deinit(struct world *world)
{
    for (uint32_t i = 0; i < world->devices_n; i++) {
        struct world_device *device = &world->devices[i];
        close_device(device);
        clear(&device->up);
        clear(&device->down);
        sat_buf_deinit(&device->keyring_file);
    }
    close_host(world);
    char command[200];
    (void)snprintf(command, sizeof command, "rm -rf '%s'", world->dir);
    sat_check(system(command) == 0);
}

/* ---- Sessions ---- */

static void host_actions(struct world *world, const struct sat_actions *actions)
{
    for (const struct sat_action *action = actions->first; action; action = action->next) {
        for (uint32_t i = 0; i < world->devices_n; i++) {
            struct world_device *device = &world->devices[i];
            if (!device->replica || device->peer != action->peer) continue;
            if (action->kind == SAT_ACTION_SEND) put(&device->down, action->bytes);
            if (action->kind == SAT_ACTION_WRITABLE) device->host_writable = true;
            if (action->kind == SAT_ACTION_CLOSE) device->closing = true;
        }
    }
}

static void host_events(struct world *world, const struct sat_event *events, uint32_t n)
{
    struct sat_arena arena;
    struct sat_actions actions;
    sat_arena_init(&arena);
    sat_actions_init(&actions, &arena);
    must(sat_host_step(world->host, world->now_ms, events, n, &actions));
    host_actions(world, &actions);
    sat_arena_deinit(&arena);
}

static void host_event(struct world *world, const struct sat_event *event)
{
    host_events(world, event, 1);
}

static void end_session(struct world_device *device)
{
    sat_replica_free(device->replica);
    device->replica = NULL;
    device->host_writable = device->replica_writable = device->closing = false;
    clear(&device->up);
    clear(&device->down);
    /* As the library does after every session: what is in memory may be ahead of the store. */
    struct sat_fault fault = {0};
    sat_directory_deinit(&device->handle.directory);
    sat_directory_init(&device->handle.directory);
    must(sat_directory_load(device->handle.store, &device->handle.directory, &fault));
}

void world_disconnect(struct world *world, struct world_device *device)
{
    if (!device->replica) return;
    uint64_t peer = device->peer;
    end_session(device);
    host_event(world, &(struct sat_event){.kind = SAT_EVENT_CLOSED, .peer = peer});
}

static void find_itself(struct world *world, struct world_device *device)
{
    uint32_t number = number_of(device);
    if (!number) return;
    sat_keyring_set_member(device->handle.keyring, &device->handle.directory.org, number);
    save_keyring(world, device);
    device->joined = true;
}

static void replica_actions(struct world *world, struct world_device *device, const struct sat_actions *actions)
{
    bool over = false;
    for (const struct sat_action *action = actions->first; action; action = action->next) {
        if (action->kind == SAT_ACTION_SEND) put(&device->up, action->bytes);
        if (action->kind == SAT_ACTION_WRITABLE) device->replica_writable = true;
        if (action->kind == SAT_ACTION_CLOSE) over = true;
        if (action->kind != SAT_ACTION_NOTICE) continue;
        if (action->notice == SAT_NOTICE_IN_SYNC) device->in_sync++;
        if (action->notice == SAT_NOTICE_IDLE) device->idle = true;
        if (action->notice == SAT_NOTICE_FAILED || action->notice == SAT_NOTICE_REFUSED || action->notice == SAT_NOTICE_LINKS_REFUSED) {
            device->last_err = action->err;
            world_say(world, "device %td: %s %s", device - world->devices + 1, sat_err_name(action->err), action->text ? action->text : "");
        }
    }
    if (over) world_disconnect(world, device);
}

static void replica_events(struct world *world, struct world_device *device, const struct sat_event *events, uint32_t n)
{
    struct sat_arena arena;
    struct sat_actions actions;
    sat_arena_init(&arena);
    sat_actions_init(&actions, &arena);
    must(sat_replica_step(device->replica, world->now_ms + (uint64_t)device->clock_ms, events, n, &actions));
    replica_actions(world, device, &actions);
    sat_arena_deinit(&arena);
}

static void replica_event(struct world *world, struct world_device *device, const struct sat_event *event)
{
    replica_events(world, device, event, 1);
}

void world_connect(struct world *world, struct world_device *device)
{
    if (device->replica) return;
    if (!device->joined) find_itself(world, device);
    const struct sat_keyring_secrets *secrets = sat_keyring_secrets(device->handle.keyring);
    sat_invite_keys_derive(&device->code, &device->invite_keys);
    struct sat_replica_config config = {
        .mode = device->joined ? SAT_REPLICA_DEVICE : SAT_REPLICA_INVITEE,
        .store = device->handle.store,
        .directory = &device->handle.directory,
        .server = sat_sign_public(&world->server_key),
        .org = sat_host_directory(world->host)->org,
        .device = secrets->device,
        .key = device->joined ? &secrets->sign : &device->invite_keys.sign,
        .entropy = world->entropy,
        .hooks = {.context = device, .freeze = freeze, .open_box = open_box, .have_key = have_key},
    };
    if (device != &world->devices[0]) {
        config.invite = sat_invite_id(&device->invite_keys.sign_public, &device->invite_keys.box_public);
        config.trust_seq = device->code.dir_seq;
        memcpy(config.trust_hash, device->code.dir_hash, sizeof config.trust_hash);
    }
    if (!device->joined) config.hooks.build_links = build_join;
    if (device->wish) {
        config.hooks.build_links = build_wish;
        config.hooks.links_appended = wish_done;
    }
    must(sat_replica_new(&config, &device->replica));
    device->peer = world->next_peer++;
    device->sessions++;
    device->idle = false;
    struct sat_event opened = {.kind = SAT_EVENT_OPENED, .peer = device->peer};
    sat_replica_nonce(device->replica, opened.client_nonce);
    host_event(world, &opened);
    replica_event(world, device, &opened);
}

static bool build_frame(struct world *world, struct world_device *device, bool down)
{
    struct world_queue *queue = down ? &device->down : &device->up;
    bool *writable = down ? &device->host_writable : &device->replica_writable;
    if (!*writable || queue->n >= 8) return false;
    struct sat_buf frame;
    sat_buf_init(&frame);
    if (down)
        must(sat_host_frame(world->host, device->peer, world->now_ms, &frame));
    else
        must(sat_replica_frame(device->replica, world->now_ms, &frame));
    *writable = frame.len > 0;
    if (frame.len) put(queue, sat_buf_span(&frame));
    sat_buf_deinit(&frame);
    return *writable;
}

/* RFC 6455: two bytes, two more from 126 bytes on, eight from 64 KiB on, and a client's mask of four. */
static uint64_t framing(size_t len, bool down)
{
    uint64_t n = len < 126 ? 2 : len < 65536 ? 4 : 10;
    return down ? n : n + 4;
}

static void hand_over(struct world *world, struct world_device *device, bool down, struct sat_buf *bytes)
{
    if (device->on_way && !device->on_way(device->on_way_context, device, down, bytes)) return;
    struct world_traffic *traffic = down ? &device->down_traffic : &device->up_traffic;
    traffic->messages++;
    traffic->bytes += bytes->len;
    traffic->framed += bytes->len + framing(bytes->len, down);
    struct sat_event event = {.kind = SAT_EVENT_MESSAGE, .peer = device->peer, .bytes = sat_buf_span(bytes)};
    if (down)
        replica_event(world, device, &event);
    else
        host_event(world, &event);
}

bool world_hand_over(struct world *world, struct world_device *device, bool down)
{
    if (!device->replica) return false;
    (void)build_frame(world, device, down);
    struct world_queue *queue = down ? &device->down : &device->up;
    if (!queue->n) return false;
    world->now_ms++;
    struct sat_buf bytes = queue->at[0];
    sat_buf_init(&queue->at[0]);
    take(queue, 0);
    hand_over(world, device, down, &bytes);
    sat_buf_deinit(&bytes);
    return true;
}

bool world_fetch(struct world *world, struct world_device *device)
{
    return device->replica && build_frame(world, device, true);
}

/* The oldest message, as an event whose bytes the arena owns. */
static struct sat_event event_of(struct world_device *device, bool down, struct sat_arena *arena)
{
    struct world_queue *queue = down ? &device->down : &device->up;
    struct sat_span bytes = sat_span_copy(arena, sat_buf_span(&queue->at[0]));
    take(queue, 0);
    return (struct sat_event){.kind = SAT_EVENT_MESSAGE, .peer = device->peer, .bytes = bytes};
}

bool world_hand_over_together(struct world *world, struct world_device *device)
{
    struct sat_event events[WORLD_QUEUE_MAX];
    struct sat_arena arena;
    uint32_t n = 0;
    sat_arena_init(&arena);
    while (device->replica && device->down.n) events[n++] = event_of(device, true, &arena);
    world->now_ms++;
    if (n) replica_events(world, device, events, n);
    sat_arena_deinit(&arena);
    return n > 0;
}

bool world_gather(struct world *world, struct world_device *const *devices, uint32_t devices_n)
{
    struct sat_event events[WORLD_QUEUE_MAX];
    struct sat_arena arena;
    uint32_t n = 0;
    sat_arena_init(&arena);
    for (bool more = true; more;) {
        more = false;
        for (uint32_t i = 0; i < devices_n && n < WORLD_QUEUE_MAX; i++) {
            struct world_device *device = devices[i];
            if (!device->replica) continue;
            (void)build_frame(world, device, false);
            if (!device->up.n) continue;
            events[n++] = event_of(device, false, &arena);
            more = true;
        }
    }
    world->now_ms++;
    if (n) host_events(world, events, n);
    sat_arena_deinit(&arena);
    return n > 0;
}

void world_post(struct world_device *device, bool down, struct sat_span bytes)
{
    put(down ? &device->down : &device->up, bytes);
}

bool world_deliver(struct world *world, struct world_device *device, enum world_fault fault)
{
    if (!device->replica) return false;
    bool built = build_frame(world, device, true);
    built = build_frame(world, device, false) || built;
    if (!device->up.n && !device->down.n) {
        if (device->closing) world_disconnect(world, device);
        return built;
    }
    world->now_ms += 1 + world_dice(world, 40);
    bool down = device->up.n == 0 || (device->down.n && world_dice(world, 2));
    struct world_queue *queue = down ? &device->down : &device->up;
    uint32_t index = fault == WORLD_REORDERING && queue->n > 1 ? 1 : 0;
    struct sat_buf bytes;
    sat_buf_init(&bytes);
    sat_put_span(&bytes, sat_buf_span(&queue->at[index]));
    if (fault != WORLD_DUPLICATION || queue->n > WORLD_QUEUE_MAX / 2) take(queue, index);
    if (fault != WORLD_LOSS) hand_over(world, device, down, &bytes);
    sat_buf_deinit(&bytes);
    return true;
}

void world_run(struct world *world, struct world_device *device)
{
    while (world_deliver(world, device, WORLD_NO_FAULT)) continue;
}

bool world_sync(struct world *world, struct world_device *device)
{
    for (uint32_t session = 0; session < 4; session++) {
        bool was_joined = device->joined;
        world_connect(world, device);
        world_run(world, device);
        bool in_sync = device->replica && sat_replica_in_sync(device->replica);
        world_disconnect(world, device);
        if (was_joined) return in_sync;
        find_itself(world, device); /* the join has its own session; then the first sync */
    }
    return false;
}

bool world_settle(struct world *world, uint32_t rounds)
{
    for (uint32_t round = 0; round < rounds; round++) {
        bool all = true;
        for (uint32_t i = 0; i < world->devices_n; i++) all = world_sync(world, &world->devices[i]) && all;
        /* Who synced first may lack what came after him: one more round must find nothing new. */
        if (all && round > 0) return true;
    }
    return false;
}

/* ---- People ---- */

bool world_append(struct world *world, struct world_device *device, void (*build)(struct world_wish *wish, struct client_links *links),
                  void *context)
{
    struct world_wish wish = {.world = world, .build = build, .context = context};
    world_disconnect(world, device);
    device->wish = &wish;
    (void)world_sync(world, device);
    device->wish = NULL;
    return wish.done;
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
            must(client_links_add_grant(links, &world->spaces[i], user, SAT_RIGHT_READ | SAT_RIGHT_WRITE));
    make_code(links, world, &invitation->code);
    struct sat_invite_keys keys;
    sat_invite_keys_derive(&invitation->code, &keys);
    struct sat_body_invite invite = {.sign = keys.sign_public, .box = keys.box_public, .user = user, .role = (uint8_t)invitation->role,
                                     .expires_ms = world->now_ms + 7ull * 86400 * 1000};
    sat_buf_clear(&body);
    sat_body_invite_encode(&invite, &body);
    if (invitation->role == SAT_ROLE_ADMIN)
        must(client_links_add(links, SAT_LINK_INVITE, &body));
    else
        must(client_links_add_invite(links, &invite));
    sat_buf_deinit(&body);
}

struct sat_invite_code world_make_invite(struct world *world, enum sat_role role, uint32_t territories)
{
    struct invitation invitation = {.role = role, .territories = territories};
    sat_check(world_append(world, &world->devices[0], build_invite, &invitation));
    return invitation.code;
}

struct world_device *world_holder(struct world *world, const struct sat_invite_code *code, bool admin)
{
    struct world_device *device = new_device(world);
    device->code = *code;
    if (admin) sat_keyring_make_admin(device->handle.keyring, &world->entropy);
    sat_keyring_set_member(device->handle.keyring, &code->org, 0);
    save_keyring(world, device);
    open_keys(device);
    return device;
}

struct world_device *world_invite(struct world *world, uint32_t territories)
{
    struct sat_invite_code code = world_make_invite(world, SAT_ROLE_REP, territories);
    return world_holder(world, &code, false);
}

struct world_device *world_join(struct world *world, uint32_t territories)
{
    struct world_device *device = world_invite(world, territories);
    sat_check(world_sync(world, device));
    return device;
}

/* ---- Crashes ---- */

void world_crash_device(struct world *world, struct world_device *device)
{
    struct satchel *handle = &device->handle;
    if (device->replica) {
        uint64_t peer = device->peer;
        sat_replica_free(device->replica);
        device->replica = NULL;
        clear(&device->up);
        clear(&device->down);
        device->host_writable = device->replica_writable = device->closing = false;
        host_event(world, &(struct sat_event){.kind = SAT_EVENT_CLOSED, .peer = peer});
    }
    close_device(device);
    struct sat_fault fault = {0};
    must(sat_store_open(device->store_path, SAT_STORE_OPEN, &handle->store, &fault));
    must(sat_keyring_open(sat_buf_span(&device->keyring_file), sat_span_text(PASSPHRASE), &handle->keyring));
    if (sat_keyring_has_admin(handle->keyring)) must(sat_keyring_open_admin(handle->keyring, sat_span_text(PASSPHRASE)));
    sat_directory_init(&handle->directory);
    must(sat_directory_load(handle->store, &handle->directory, &fault));
    open_keys(device);
}

void world_crash_server(struct world *world)
{
    for (uint32_t i = 0; i < world->devices_n; i++)
        if (world->devices[i].replica) end_session(&world->devices[i]);
    close_host(world);
    open_host(world);
}

/* ---- Records ---- */

int64_t world_sid(struct world_device *device, const struct sat_space_id *space)
{
    int64_t sid;
    must(client_sid_of_space(&device->handle, space, &sid));
    return sid;
}

void world_edit(struct world *world, struct world_device *device, struct sat_edit *edits, uint32_t n, uint64_t *first, uint64_t *last)
{
    struct satchel *handle = &device->handle;
    struct sat_vault vault = client_vault(handle);
    struct sat_arena arena;
    sat_arena_init(&arena);
    uint32_t written;
    uint64_t before;
    must(sat_store_meta_get_u64(handle->store, "counter", 0, &before));
    must(sat_store_begin(handle->store));
    must(sat_author_commit(&vault, edits, n, world->now_ms + (uint64_t)device->clock_ms, &written));
    must(sat_store_commit(handle->store));
    *first = before + 1;
    *last = before + written;
    if (device->replica) {
        struct sat_actions actions;
        sat_actions_init(&actions, &arena);
        must(sat_replica_poke(device->replica, world->now_ms, &actions));
        replica_actions(world, device, &actions);
    }
    sat_arena_deinit(&arena);
}

void world_load(struct world_device *device, const struct sat_space_id *space, const struct sat_record_id *record, struct sat_arena *arena,
                struct sat_record_view *out)
{
    struct sat_vault vault = client_vault(&device->handle);
    must(sat_record_load(&vault, world_sid(device, space), record, arena, out));
}

struct sat_cell world_text(uint16_t field, const char *value)
{
    return (struct sat_cell){.field = field, .value = {.kind = SAT_VALUE_TEXT, .text = sat_span_text(value)}};
}

struct sat_cell world_element(uint16_t field, const char *element, bool in)
{
    return (struct sat_cell){.field = field, .in_set = true, .element = sat_span_text(element), .value = {.kind = SAT_VALUE_BOOL, .truth = in}};
}

struct sat_record_id world_record(uint32_t number)
{
    struct sat_record_id id = {{0x5a, 0x70}};
    memcpy(id.b + 8, &number, sizeof number);
    return id;
}
