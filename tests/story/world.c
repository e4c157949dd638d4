#define _GNU_SOURCE /* mkdtemp, nftw */

#include <ftw.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/reindex.h"
#include "client/view/view.h"
#include "common/base/check.h"
#include "common/sync/lives.h"
#include "tests/story/world_parts.h"

static const char PASSPHRASE[] = "a passphrase of the tests";

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
    must(sat_store_open(path, world_has_file(path) ? SAT_STORE_OPEN : SAT_STORE_CREATE, &world->server_store, &fault));
    struct sat_host_config config = {
        .store = world->server_store, .server = &world->server_key, .entropy = world->entropy, .collect_every_ms = 1};
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

void world_act(const struct world *world, const struct world_device *device)
{
    if (world->acting) world->acting(device);
}

struct world_device *world_new_device(struct world *world)
{
    sat_check(world->devices_n < WORLD_DEVICES_MAX);
    struct world_device *device = &world->devices[world->devices_n++];
    *device = (struct world_device){.world = world};
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

void world_save_keyring(struct world *world, struct world_device *device)
{
    sat_buf_clear(&device->keyring_file);
    must(sat_keyring_seal(device->handle.keyring, sat_span_text(PASSPHRASE), sat_keyring_cost_minimum(),
                          &world->entropy, &device->keyring_file));
}

void world_open_keys(struct world_device *device)
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
    client_view_free(handle->view);
    handle->view = NULL;
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

uint32_t world_number_of(const struct world_device *device)
{
    const struct sat_directory *directory = &device->handle.directory;
    struct sat_public_key sign = sat_keyring_sign_public(device->handle.keyring);
    for (uint32_t i = 0; i < directory->devices_n; i++)
        if (memcmp(directory->devices[i].sign.b, sign.b, sizeof sign.b) == 0) return directory->devices[i].number;
    return 0;
}

/* ---- The world ---- */

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
    world_found(world, territories);
    sat_store_close(world->server_store);
    open_host(world);
    /* The admin's device knows its org's directory from its first session; until then from the genesis, as after `org
     * create`. */
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

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *at)
{
    (void)status;
    (void)kind;
    (void)at;
    return remove(path);
}

void world_deinit(struct world *world)
{
    for (uint32_t i = 0; i < world->devices_n; i++) {
        struct world_device *device = &world->devices[i];
        close_device(device);
        world_clear(&device->up);
        world_clear(&device->down);
        sat_buf_deinit(&device->keyring_file);
    }
    close_host(world);
    sat_check(nftw(world->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS) == 0);
}

/* ---- Crashes ---- */

void world_crash_device(struct world *world, struct world_device *device)
{
    struct satchel *handle = &device->handle;
    if (device->replica) {
        uint64_t peer = device->peer;
        sat_replica_free(device->replica);
        device->replica = NULL;
        world_clear(&device->up);
        world_clear(&device->down);
        device->host_writable = device->replica_writable = device->closing = false;
        world_host_event(world, &(struct sat_event){.kind = SAT_EVENT_CLOSED, .peer = peer});
    }
    close_device(device);
    handle->types_are_hashed = false; /* the next process may be another program's */
    if (world->died) world->died(world->died_context, device);
    struct sat_fault fault = {0};
    must(sat_store_open(device->store_path, SAT_STORE_OPEN, &handle->store, &fault));
    must(sat_keyring_open(sat_buf_span(&device->keyring_file), sat_span_text(PASSPHRASE), &handle->keyring));
    if (sat_keyring_has_admin(handle->keyring))
        must(sat_keyring_open_admin(handle->keyring, sat_span_text(PASSPHRASE)));
    sat_directory_init(&handle->directory);
    must(sat_directory_load(handle->store, &handle->directory, &fault));
    world_open_keys(device);
    must(client_reindex_take(handle));
}

/* ---- Copies of a home ---- */

void world_home_backup(struct world *world, struct world_device *device, struct world_home *out)
{
    world_disconnect(world, device);
    close_device(device); /* which leaves one file */
    (void)snprintf(out->store_path, sizeof out->store_path, "%s/backup%llu.db", world->dir,
                   (unsigned long long)world->next_peer++);
    world_copy_store(device->store_path, out->store_path);
    sat_buf_init(&out->keyring_file);
    sat_put_span(&out->keyring_file, sat_buf_span(&device->keyring_file));
    world_crash_device(world, device); /* open again */
}

void world_home_free(struct world_home *backup)
{
    sat_buf_deinit(&backup->keyring_file);
}

static void put_back(struct world *world, struct world_device *device, const struct world_home *backup)
{
    close_device(device);
    world_copy_store(backup->store_path, device->store_path);
    sat_buf_clear(&device->keyring_file);
    sat_put_span(&device->keyring_file, sat_buf_span(&backup->keyring_file));
    device->joined = true;
    world_crash_device(world, device);
}

void world_home_restore(struct world *world, struct world_device *device, const struct world_home *backup)
{
    world_disconnect(world, device);
    put_back(world, device, backup);
}

struct world_device *world_revive(struct world *world, const struct world_home *backup)
{
    struct world_device *device = world_new_device(world);
    put_back(world, device, backup);
    return device;
}

struct world_device *world_clone(struct world *world, struct world_device *device)
{
    struct world_home backup;
    world_home_backup(world, device, &backup);
    struct world_device *clone = world_revive(world, &backup);
    clone->code = device->code;
    clone->invite_keys = device->invite_keys;
    world_home_free(&backup);
    return clone;
}

void world_crash_server(struct world *world)
{
    for (uint32_t i = 0; i < world->devices_n; i++)
        if (world->devices[i].replica) world_end_session(world, &world->devices[i]);
    close_host(world);
    if (world->died) world->died(world->died_context, NULL);
    open_host(world);
}

/* ---- Copies of the server ---- */

static void copy_server(struct world *world, uint32_t number, bool back)
{
    char store[200], copy[200];
    (void)snprintf(store, sizeof store, "%s/server.db", world->dir);
    (void)snprintf(copy, sizeof copy, "%s/copy%u.db", world->dir, number);
    world_copy_store(back ? copy : store, back ? store : copy);
}

void world_backup(struct world *world, uint32_t number)
{
    world_crash_server(world);
    close_host(world); /* the write-ahead log is in the file */
    copy_server(world, number, false);
    open_host(world);
}

void world_restore(struct world *world, uint32_t number, bool announced)
{
    for (uint32_t i = 0; i < world->devices_n; i++)
        if (world->devices[i].replica) world_end_session(world, &world->devices[i]);
    close_host(world);
    copy_server(world, number, true);
    if (announced) {
        char path[160];
        struct sat_store *store;
        struct sat_fault fault = {0};
        (void)snprintf(path, sizeof path, "%s/server.db", world->dir);
        must(sat_store_open(path, SAT_STORE_OPEN, &store, &fault));
        must(sat_store_meta_put_u64(store, SAT_RESTORED_KEY, world->now_ms));
        sat_store_close(store);
    }
    open_host(world);
}

/* ---- Records ---- */

int64_t world_sid(struct world_device *device, const struct sat_space_id *space)
{
    int64_t sid;
    must(client_sid_of_space(&device->handle, space, &sid));
    return sid;
}

enum sat_err world_try_edit(struct world *world, struct world_device *device, struct sat_edit *edits, uint32_t n,
                            uint64_t *first, uint64_t *last)
{
    struct satchel *handle = &device->handle;
    struct sat_vault vault = client_vault(handle);
    struct sat_arena arena;
    sat_arena_init(&arena);
    uint32_t written = 0;
    uint64_t before;
    must(sat_store_meta_get_u64(handle->store, "counter", 0, &before));
    world_act(world, device);
    enum sat_err err = sat_store_begin(handle->store);
    if (!err) err = sat_author_commit(&vault, edits, n, world->now_ms + (uint64_t)device->clock_ms, &written);
    if (!err) err = sat_store_commit(handle->store);
    if (err) sat_store_rollback(handle->store);
    *first = before + 1;
    *last = before + written;
    if (device->replica && !err) {
        struct sat_actions actions;
        sat_actions_init(&actions, &arena);
        world_bear(world, device, sat_replica_poke(device->replica, world->now_ms, &actions));
        world_replica_actions(world, device, &actions);
    }
    world_act(world, NULL);
    sat_arena_deinit(&arena);
    return err;
}

void world_edit(struct world *world, struct world_device *device, struct sat_edit *edits, uint32_t n, uint64_t *first,
                uint64_t *last)
{
    must(world_try_edit(world, device, edits, n, first, last));
}

void world_load(struct world_device *device, const struct sat_space_id *space, const struct sat_record_id *record,
                struct sat_arena *arena, struct sat_record_view *out)
{
    struct sat_vault vault = client_vault(&device->handle);
    world_act(device->world, device);
    must(sat_record_load(&vault, world_sid(device, space), record, arena, out));
    world_act(device->world, NULL);
}

struct sat_cell world_text(uint16_t field, const char *value)
{
    return (struct sat_cell){.field = field, .value = {.kind = SAT_VALUE_TEXT, .text = sat_span_text(value)}};
}

struct sat_cell world_element(uint16_t field, const char *element, bool in)
{
    return (struct sat_cell){.field = field,
                             .in_set = true,
                             .element = sat_span_text(element),
                             .value = {.kind = SAT_VALUE_BOOL, .truth = in}};
}

struct sat_record_id world_record(uint32_t number)
{
    struct sat_record_id id = {{0x5a, 0x70}};
    memcpy(id.b + 8, &number, sizeof number);
    return id;
}
