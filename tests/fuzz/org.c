#include "tests/fuzz/org.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "client/conflicts.h"
#include "common/sync/base.h"
#include "common/sync/digest.h"
#include "common/sync/log_items.h"
#include "common/sync/void.h"
#include "common/sync/replica.h"
#include "tests/fuzz/fuzz.h"
#include "tests/story/world.h"

enum { SEED = 1, LINKS_MAX = 256, ROWS_PER_READ = 64 };

/* ---- Founding ---- */

/* libsodium's own randomness too comes from a seed here: it seals key boxes, which the links name. */
static struct sat_entropy *sodium_entropy(void)
{
    static struct sat_entropy_stream stream;
    static struct sat_entropy entropy;
    if (!entropy.fill) entropy = sat_entropy_seeded(&stream, SEED);
    return &entropy;
}

static const char *entropy_name(void)
{
    return "seeded";
}

static void fill(void *at, size_t len)
{
    sat_entropy_fill(sodium_entropy(), at, len);
}

static uint32_t any_word(void)
{
    uint32_t word;
    fill(&word, sizeof word);
    return word;
}

static void keep_space(struct fuzz_org *org, struct world *world, uint32_t index)
{
    struct satchel *admin = &world->devices[0].handle;
    const struct sat_epoch_key *key;
    struct sat_space_row row;
    bool found;
    org->spaces[index] = admin->directory.spaces[index].id;
    fuzz_must(sat_store_space_find(world->server_store, &org->spaces[index], &row, &found));
    sat_check(found);
    org->log_epochs[index] = row.log_epoch;
    fuzz_must(sat_keys_get(admin->keys, &admin->directory, &org->spaces[index], 1, &key));
    org->keys[index] = *key;
}

/* Takes a device's keyring out of the world. */
static void keep_keyring(struct fuzz_org *org, struct satchel *handle, uint32_t index)
{
    org->keyrings[index] = handle->keyring;
    org->signing[index] = &sat_keyring_secrets(handle->keyring)->sign;
    sat_keys_free(handle->keys);
    handle->keys = NULL;
    handle->keyring = NULL;
}

static void found(struct fuzz_org *org, struct world *world)
{
    world_init(world, SEED, 1);
    for (uint32_t i = 1; i < FUZZ_DEVICES; i++) (void)world_join(world, 1);
    *org = (struct fuzz_org){.now_ms = world->now_ms, .server = world->server_key};
    struct sat_kit_keys kit;
    sat_kit_keys_derive(world->kit_seed, &kit);
    org->kit = kit.sign;
    sat_arena_init(&org->arena);
    org->id = sat_host_directory(world->host)->org;
    fuzz_must(sat_store_links(world->server_store, 1, LINKS_MAX, &org->arena, &org->links, &org->links_n));
    for (uint32_t i = 0; i < FUZZ_SPACES; i++) keep_space(org, world, i);
    for (uint32_t i = 0; i < FUZZ_DEVICES; i++) keep_keyring(org, &world->devices[i].handle, i);
    org->admin = &sat_keyring_secrets(org->keyrings[0])->admin;
    world_deinit(world);
}

const struct fuzz_org *fuzz_org(void)
{
    static struct fuzz_org *org;
    static struct randombytes_implementation seeded = {
        .implementation_name = entropy_name, .random = any_word, .buf = fill};
    if (org) return org;
    sat_check(randombytes_set_implementation(&seeded) == 0 && sodium_init() >= 0);
    struct world *world = malloc(sizeof *world);
    org = malloc(sizeof *org);
    sat_check(world && org);
    found(org, world);
    free(world);
    return org;
}

/* ---- Fresh stores ---- */

struct sat_store *fuzz_org_store(const struct fuzz_org *org, bool of_server)
{
    struct sat_store *store;
    struct sat_fault fault = {0};
    fuzz_must(sat_store_open(":memory:", SAT_STORE_CREATE, &store, &fault));
    fuzz_must(sat_store_begin(store));
    for (uint32_t i = 0; i < org->links_n; i++) fuzz_must(sat_store_link_append(store, &org->links[i]));
    for (uint32_t i = 0; of_server && i < FUZZ_SPACES; i++) {
        struct sat_space_row row = {.id = org->spaces[i], .log_epoch = org->log_epochs[i]};
        sat_frontier_init(&row.log);
        fuzz_must(sat_store_space_create(store, &row));
    }
    fuzz_must(sat_store_commit(store));
    return store;
}

/* To digest the dictionary takes longer than most inputs, and what comes out depends on what goes in alone. */
static struct sat_squeezer *the_squeezer(void)
{
    static struct sat_squeezer *squeezer;
    if (!squeezer) fuzz_must(sat_squeezer_new(&squeezer));
    return squeezer;
}

void fuzz_org_open(const struct fuzz_org *org, uint32_t device, struct sat_entropy entropy, struct satchel *out)
{
    *out = (struct satchel){.lock = -1, .entropy = entropy, .keyring = org->keyrings[device - 1]};
    out->store = fuzz_org_store(org, false);
    out->squeezer = the_squeezer();
    sat_directory_init(&out->directory);
    fuzz_must(client_reload_directory(out, &out->fault));
    fuzz_must(sat_keys_new(out->store, out->keyring, &out->entropy, &out->keys));
    fuzz_must(sat_store_begin(out->store));
    for (uint32_t i = 0; i < FUZZ_SPACES; i++) fuzz_must(sat_keys_add(out->keys, &org->spaces[i], 1, &org->keys[i]));
    fuzz_must(sat_store_commit(out->store));
}

void fuzz_org_close(struct satchel *handle)
{
    client_touch(handle);
    client_conflicts_free(&handle->conflicts);
    sat_keys_free(handle->keys);
    sat_directory_deinit(&handle->directory);
    sat_store_close(handle->store);
}

/* ---- What must hold of a store ---- */

struct tally { /* of one space, counted anew */
    struct sat_store *store;
    struct sat_space_row row;
};

static enum sat_err count_record(void *context, int64_t sid, const struct sat_record_id *record)
{
    struct tally *tally = context;
    struct sat_arena arena;
    struct sat_change_row *rows;
    uint32_t n;
    if (sid != tally->row.sid) return SAT_OK;
    sat_arena_init(&arena);
    fuzz_must(sat_store_changes_live(tally->store, sid, record, &arena, &rows, &n));
    for (uint32_t i = 0; i < n; i++) sat_digest_add(&tally->row, record, rows[i].dot, &rows[i].rest);
    sat_arena_deinit(&arena);
    return SAT_OK;
}

static void check_digest(struct sat_store *store, const struct sat_space_row *row)
{
    struct tally tally = {.store = store, .row = {.sid = row->sid, .id = row->id}};
    fuzz_must(sat_store_each_record(store, count_record, &tally));
    struct sat_hash counted = sat_digest_of(&tally.row), kept = sat_digest_of(row);
    sat_check(tally.row.live == row->live && sat_hash_equal(&counted, &kept));
}

static void check_bundle(struct sat_store *store, const struct sat_entry_row *entry)
{
    struct sat_arena arena;
    struct sat_bundle_row row;
    struct sat_bundle bundle;
    fuzz_must(sat_store_bundle_get(store, entry->bid, &row));
    sat_check((entry->entry.kind == SAT_ENTRY_VOID) == sat_void_is_row(&row));
    if (entry->entry.kind == SAT_ENTRY_VOID) {
        struct sat_signed_void empty = sat_void_of_row(&row);
        struct sat_hash id = sat_void_id(&empty.statement);
        sat_check(sat_hash_equal(&id, &row.id) && sat_hash_equal(&id, &entry->entry.id));
        return;
    }
    sat_arena_init(&arena);
    fuzz_must(sat_base_bundle(store, &row, true, &arena, &bundle));
    struct sat_hash root = sat_changes_root(bundle.changes, bundle.manifest.count);
    sat_check(sat_hash_equal(&root, &bundle.manifest.changes_root));
    struct sat_hash id = sat_bundle_id(&bundle.manifest);
    sat_check(sat_hash_equal(&id, &row.id) && sat_hash_equal(&id, &entry->entry.id));
    sat_arena_deinit(&arena);
}

/* What it lists was live there once: that cannot be seen any more. */
static void check_collection(struct sat_store *store, const struct sat_space_row *row, uint64_t seq)
{
    struct sat_arena arena;
    struct sat_span kept;
    struct sat_collection collection;
    bool found;
    sat_arena_init(&arena);
    fuzz_must(sat_store_collection_get(store, row->sid, seq, &arena, &kept, &found));
    sat_check(found);
    fuzz_must(sat_collection_decode(kept, &arena, &collection));
    sat_check(collection.floor < seq && collection.floor <= row->floor);
    for (uint32_t i = 0; i < collection.n; i++) {
        struct sat_collected_row one;
        fuzz_must(sat_store_collected_get(store, row->sid, &collection.records[i].record, &one, &found));
        sat_check(found && one.seq >= seq);
    }
    sat_arena_deinit(&arena);
}

struct last { /* what no entry is behind */
    uint64_t recv_ms, dir_at;
};

static void check_entry(struct sat_store *store, const struct sat_space_row *row, const struct sat_entry_row *entry,
                        struct last *last)
{
    sat_check(entry->entry.recv_ms >= last->recv_ms && entry->entry.dir_at >= last->dir_at);
    *last = (struct last){entry->entry.recv_ms, entry->entry.dir_at};
    sat_check((entry->entry.kind == SAT_ENTRY_COLLECT) == (entry->bid == 0));
    if (entry->bid)
        check_bundle(store, entry);
    else
        check_collection(store, row, entry->entry.seq);
}

static void check_log(struct sat_store *store, const struct sat_space_row *row)
{
    struct sat_arena arena;
    struct sat_frontier log;
    struct last last = {0};
    sat_arena_init(&arena);
    sat_frontier_init(&log);
    for (uint32_t n = ROWS_PER_READ; n == ROWS_PER_READ; sat_arena_reset(&arena)) {
        struct sat_log_item *items;
        fuzz_must(sat_log_items(store, row->sid, log.size + 1, ROWS_PER_READ, &arena, &items, &n));
        for (uint32_t i = 0; i < n; i++) {
            fuzz_must(sat_log_item_append(&log, &items[i]));
            struct sat_hash root = sat_frontier_root(&log);
            sat_check(log.size == items[i].last);
            sat_check(!items[i].is_run || sat_hash_equal(&root, &items[i].as.run.root));
            if (!items[i].is_run) check_entry(store, row, &items[i].as.entry, &last);
        }
    }
    struct sat_hash counted = sat_frontier_root(&log), kept = sat_frontier_root(&row->log);
    sat_check(log.size == row->log.size && sat_hash_equal(&counted, &kept));
    sat_arena_deinit(&arena);
}

static void check_directory(struct sat_store *store, const struct sat_directory *directory)
{
    struct sat_directory loaded;
    struct sat_fault fault = {0};
    sat_directory_init(&loaded);
    fuzz_must(sat_directory_load(store, &loaded, &fault));
    struct sat_hash a = sat_directory_hash_at(directory, directory->seq),
                    b = sat_directory_hash_at(&loaded, loaded.seq);
    sat_check(loaded.seq == directory->seq && sat_hash_equal(&a, &b));
    sat_directory_deinit(&loaded);
}

void fuzz_check_store(struct sat_store *store, const struct sat_directory *directory)
{
    struct sat_arena arena;
    struct sat_space_row *rows;
    uint32_t n;
    sat_check(!sat_store_in_transaction(store));
    sat_arena_init(&arena);
    fuzz_must(sat_store_spaces(store, &arena, &rows, &n));
    for (uint32_t i = 0; i < n; i++) {
        check_digest(store, &rows[i]);
        check_log(store, &rows[i]);
    }
    check_directory(store, directory);
    sat_arena_deinit(&arena);
}
