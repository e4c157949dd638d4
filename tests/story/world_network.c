#define _GNU_SOURCE /* rlimit */

/* The network between the devices and the server: sessions, queues, deliveries. */
#include <signal.h>
#include <string.h>
#include <sys/resource.h>

#include "client/links.h"
#include "client/reindex.h"
#include "common/base/check.h"
#include "tests/story/world_parts.h"

/* ---- Queues ---- */

void world_clear(struct world_queue *queue)
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

static enum sat_err mend_refused(void *context, int64_t sid, bool *mended)
{
    struct world_device *device = context;
    struct sat_vault vault = client_vault(&device->handle);
    return sat_author_mend(&vault, sid, mended);
}

static enum sat_err freeze(void *context, uint64_t now_ms, uint32_t bundles_max, struct sat_frozen *out)
{
    struct world_device *device = context;
    struct sat_vault vault = client_vault(&device->handle);
    vault.fresh = sat_replica_fresh(device->replica);
    return sat_author_freeze(&vault, now_ms, bundles_max, out);
}

static enum sat_err open_box(void *context, const struct sat_box *box)
{
    struct world_device *device = context;
    const struct sat_invite_keys *keys = &device->invite_keys;
    bool by_invite = box->kind == SAT_BOX_INVITE;
    return sat_keys_open_box(device->handle.keys, &device->handle.directory, box, by_invite ? &keys->box_public : NULL,
                             by_invite ? &keys->box : NULL);
}

static bool have_key(void *context, const struct sat_space_id *space, uint32_t epoch)
{
    struct world_device *device = context;
    const struct sat_epoch_key *key;
    return sat_keys_get(device->handle.keys, &device->handle.directory, space, epoch, &key) == SAT_OK;
}

static enum sat_err pay_debts(void *context, uint64_t now_ms, const struct sat_space_id *spaces, uint32_t n,
                              struct sat_arena *arena, struct sat_link_batch *out)
{
    struct world_device *device = context;
    return client_links_pay(&device->handle, now_ms, spaces, n, arena, out);
}

static void forget_space(void *context, const struct sat_space_id *space)
{
    struct world_device *device = context;
    sat_keys_forget(device->handle.keys, space);
}

static enum sat_err copied(void *context)
{
    struct world_device *device = context;
    return client_reindex_begin(&device->handle);
}

static enum sat_err look_again(void *context, bool *changed)
{
    struct world_device *device = context;
    return client_reindex_look(&device->handle, changed);
}

static enum sat_err take_over(void *context, int64_t sid, const struct sat_taken *from, bool *taken)
{
    struct world_device *device = context;
    return client_reindex_take_over(&device->handle, sid, from, taken);
}

static enum sat_err look_back(void *context, int64_t sid, uint64_t now_ms, bool *changed)
{
    struct world_device *device = context;
    return client_reindex_look_back(&device->handle, sid, now_ms, changed);
}

static enum sat_err reindex(void *context, struct sat_arena *arena, struct sat_link_batch *out)
{
    struct world_device *device = context;
    return client_reindex_build(&device->handle, arena, out);
}

static enum sat_err reindexed(void *context)
{
    struct world_device *device = context;
    return client_reindex_finish(&device->handle);
}

/* ---- Sessions ---- */

/* A disk that is full: no file grows any more. */
static void fill_disk(bool full)
{
    static struct rlimit before;
    if (full) sat_check(getrlimit(RLIMIT_FSIZE, &before) == 0 && signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
    struct rlimit limit = {.rlim_cur = full ? 0 : before.rlim_cur, .rlim_max = before.rlim_max};
    sat_check(setrlimit(RLIMIT_FSIZE, &limit) == 0);
}

void world_bear(struct world *world, struct world_device *device, enum sat_err err)
{
    if (!world->died || (err && !sat_err_is_local(err))) must(err);
    if (err && device) device->step_err = err;
    if (err && !device) world->server_err = err;
}

/* A step fails when a store does, and then only where the story has seen to it. */
static void bear(struct world *world, enum world_trouble whose, struct world_device *device, enum sat_err err)
{
    if (world->trouble != whose)
        world_bear(world, device, err);
    else if (err)
        world->last_trouble = err;
}

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
    bool trouble = world->trouble == WORLD_SERVER_TROUBLE;
    if (trouble) fill_disk(true);
    bear(world, WORLD_SERVER_TROUBLE, NULL, sat_host_step(world->host, world->now_ms, events, n, &actions));
    if (trouble) fill_disk(false);
    host_actions(world, &actions);
    sat_arena_deinit(&arena);
}

void world_host_event(struct world *world, const struct sat_event *event)
{
    host_events(world, event, 1);
}

uint64_t world_collect(struct world *world)
{
    struct sat_arena arena;
    struct sat_actions actions;
    uint64_t before = sat_host_counts(world->host).collected;
    sat_arena_init(&arena);
    world->now_ms += 2;
    sat_actions_init(&actions, &arena);
    bool trouble = world->trouble == WORLD_SERVER_TROUBLE;
    if (trouble) fill_disk(true);
    bear(world, WORLD_SERVER_TROUBLE, NULL, sat_host_maintain(world->host, world->now_ms, 1000, &actions));
    if (trouble) fill_disk(false);
    host_actions(world, &actions);
    sat_arena_deinit(&arena);
    return sat_host_counts(world->host).collected - before;
}

void world_end_session(struct world *world, struct world_device *device)
{
    sat_replica_free(device->replica);
    device->replica = NULL;
    device->host_writable = device->replica_writable = device->closing = false;
    world_clear(&device->up);
    world_clear(&device->down);
    /* As the library does after every session: what is in memory may be ahead of the store. */
    struct sat_fault fault = {0};
    sat_directory_deinit(&device->handle.directory);
    sat_directory_init(&device->handle.directory);
    world_bear(world, device, sat_directory_load(device->handle.store, &device->handle.directory, &fault));
}

void world_disconnect(struct world *world, struct world_device *device)
{
    if (!device->replica) return;
    uint64_t peer = device->peer;
    world_end_session(world, device);
    world_host_event(world, &(struct sat_event){.kind = SAT_EVENT_CLOSED, .peer = peer});
}

static void find_itself(struct world *world, struct world_device *device)
{
    uint32_t number = world_number_of(device);
    if (!number) return;
    sat_keyring_set_member(device->handle.keyring, &device->handle.directory.org, number);
    world_save_keyring(world, device);
    device->joined = true;
}

void world_replica_actions(struct world *world, struct world_device *device, const struct sat_actions *actions)
{
    bool over = false;
    for (const struct sat_action *action = actions->first; action; action = action->next) {
        if (action->kind == SAT_ACTION_SEND) put(&device->up, action->bytes);
        if (action->kind == SAT_ACTION_WRITABLE) device->replica_writable = true;
        if (action->kind == SAT_ACTION_CLOSE) over = true;
        if (action->kind != SAT_ACTION_NOTICE) continue;
        device->heard[action->notice]++;
        if (action->notice == SAT_NOTICE_REVOKED) device->told_wipe = action->wipe;
        if (action->notice == SAT_NOTICE_IN_SYNC) device->in_sync++;
        if (action->notice == SAT_NOTICE_REINDEXED) must(client_reindex_take(&device->handle));
        if (action->notice == SAT_NOTICE_IDLE) {
            device->idle = true;
            (void)snprintf(device->idle_why, sizeof device->idle_why, "%s", action->text ? action->text : "");
        }
        if (action->notice == SAT_NOTICE_FAILED || action->notice == SAT_NOTICE_REFUSED ||
            action->notice == SAT_NOTICE_LINKS_REFUSED) {
            device->last_err = action->err;
            world_say(world, "device %td: %s %s", device - world->devices + 1, sat_err_name(action->err),
                      action->text ? action->text : "");
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
    bool trouble = world->trouble == WORLD_DEVICE_TROUBLE;
    if (trouble) fill_disk(true);
    uint64_t now_ms = world->now_ms + (uint64_t)device->clock_ms;
    world_act(world, device);
    bear(world, WORLD_DEVICE_TROUBLE, device, sat_replica_step(device->replica, now_ms, events, n, &actions));
    if (trouble) fill_disk(false);
    world_act(world, NULL);
    world_replica_actions(world, device, &actions);
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
    struct sat_replica_config config = {
        .mode = device->joined ? SAT_REPLICA_DEVICE : SAT_REPLICA_INVITEE,
        .store = device->handle.store,
        .directory = &device->handle.directory,
        .server = sat_sign_public(&world->server_key),
        .org = sat_host_directory(world->host)->org,
        .device = secrets->device,
        .key = device->joined ? &secrets->sign : &device->invite_keys.sign,
        .entropy = world->entropy,
        .hooks = {.context = device,
                  .freeze = freeze,
                  .mend_refused = mend_refused,
                  .open_box = open_box,
                  .have_key = have_key,
                  .pay_debts = device->pays_nothing ? NULL : pay_debts,
                  .copied = copied,
                  .take_over = take_over,
                  .look_back = look_back,
                  .look_again = look_again,
                  .reindex = reindex,
                  .reindexed = reindexed,
                  .forget_space = forget_space},
    };
    if (device != &world->devices[0]) {
        config.invite = sat_invite_id(&device->invite_keys.sign_public, &device->invite_keys.box_public);
        config.trust_seq = device->code.dir_seq;
        memcpy(config.trust_hash, device->code.dir_hash, sizeof config.trust_hash);
    }
    if (!device->joined) config.hooks.build_links = world_build_join;
    if (device->wish) {
        config.hooks.build_links = world_build_wish;
        config.hooks.links_appended = world_wish_done;
    }
    if (device->tune) device->tune(device->tune_context, &config);
    must(sat_replica_new(&config, &device->replica));
    device->peer = world->next_peer++;
    device->sessions++;
    device->idle = false;
    struct sat_event opened = {.kind = SAT_EVENT_OPENED, .peer = device->peer};
    sat_replica_nonce(device->replica, opened.client_nonce);
    world_host_event(world, &opened);
    replica_event(world, device, &opened);
}

static bool build_frame(struct world *world, struct world_device *device, bool down)
{
    struct world_queue *queue = down ? &device->down : &device->up;
    bool *writable = down ? &device->host_writable : &device->replica_writable;
    if (!*writable || queue->n >= 8) return false;
    struct sat_buf frame;
    sat_buf_init(&frame);
    world_act(world, down ? NULL : device);
    if (down)
        world_bear(world, NULL, sat_host_frame(world->host, device->peer, world->now_ms, &frame));
    else
        world_bear(world, device, sat_replica_frame(device->replica, world->now_ms, &frame));
    world_act(world, NULL);
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

static bool passes(struct world *world, struct world_device *device, bool down, struct sat_buf *bytes)
{
    return !world->line || world->line(world->line_context, device, down, bytes);
}

static void hand_over(struct world *world, struct world_device *device, bool down, struct sat_buf *bytes)
{
    if (!passes(world, device, down, bytes)) return;
    if (device->on_way && !device->on_way(device->on_way_context, device, down, bytes)) return;
    struct world_traffic *traffic = down ? &device->down_traffic : &device->up_traffic;
    traffic->messages++;
    traffic->bytes += bytes->len;
    traffic->framed += bytes->len + framing(bytes->len, down);
    struct sat_event event = {.kind = SAT_EVENT_MESSAGE, .peer = device->peer, .bytes = sat_buf_span(bytes)};
    if (down)
        replica_event(world, device, &event);
    else
        world_host_event(world, &event);
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
    if (fault == WORLD_LOSS)
        (void)passes(world, device, down, &bytes);
    else
        hand_over(world, device, down, &bytes);
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
        uint32_t reindexed_before = device->heard[SAT_NOTICE_REINDEXED];
        world_connect(world, device);
        world_run(world, device);
        bool in_sync = device->replica && sat_replica_in_sync(device->replica);
        world_disconnect(world, device);
        if (device->heard[SAT_NOTICE_REINDEXED] > reindexed_before) continue; /* and now as the new device */
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
