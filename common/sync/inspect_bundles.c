/* Bundles as they were signed, and their chains. */
#include <string.h>

#include "common/store/inspect.h"
#include "common/sync/inspect_state.h"
#include "common/sync/void.h"

struct bundle_walk {
    struct inspector *inspector;
    const struct sat_space_row *space;
    struct sat_arena arena;
    /* The bundle before, of the same device. */
    int64_t device;
    uint64_t end, dir_seq; /* end: the counter behind its last */
    int64_t seq;
    struct sat_hash id;
};

static void found(const struct bundle_walk *walk, enum sat_check check, const struct sat_raw_bundle *bundle,
                  const char *what)
{
    inspect_found(walk->inspector, check, "the bundle of device %lld from change %lld on: %s",
                  (long long)bundle->device, (long long)bundle->first, what);
}

/* The hashes of its changes, up to the root that is signed. */
static enum sat_err inspect_changes(struct bundle_walk *walk, const struct sat_raw_bundle *raw,
                                    const struct sat_manifest *manifest)
{
    struct sat_change_row *rows;
    uint32_t n;
    enum sat_err err = sat_store_changes_of_bundle(walk->inspector->store, raw->bid, &walk->arena, &rows, &n);
    if (err) return inspect_unreadable(walk->inspector, SAT_CHECK_BUNDLES, err);
    if (n != manifest->count) {
        found(walk, SAT_CHECK_BUNDLES, raw, "changes are missing, or there are too many");
        return SAT_OK;
    }
    struct sat_change *changes = sat_arena_array(&walk->arena, n, sizeof *changes);
    for (uint32_t i = 0; i < n; i++) {
        struct sat_dot dot = {manifest->device, manifest->first + i};
        changes[i] = (struct sat_change){.record = rows[i].record, .rest = rows[i].rest};
        if (sat_dot_compare(rows[i].dot, dot) != 0)
            found(walk, SAT_CHECK_BUNDLES, raw, "a change has another's number");
        if (rows[i].header.len == 0) continue; /* a stub: its hash is all that is left */
        struct sat_hash rest = sat_change_rest(rows[i].header, rows[i].body);
        if (!sat_hash_equal(&rest, &rows[i].rest))
            found(walk, SAT_CHECK_BUNDLES, raw, "a change is not the one that was signed");
    }
    struct sat_hash root = sat_changes_root(changes, n);
    if (!sat_hash_equal(&root, &manifest->changes_root))
        found(walk, SAT_CHECK_BUNDLES, raw, "its changes are not those that were signed");
    return SAT_OK;
}

static void inspect_signature(struct bundle_walk *walk, const struct sat_raw_bundle *raw, struct sat_bundle *bundle)
{
    struct inspector *inspector = walk->inspector;
    const struct sat_device *device = sat_directory_device(inspector->directory, bundle->manifest.device);
    memcpy(bundle->signature.b, raw->signature.at, sizeof bundle->signature.b);
    if (device && sat_bundle_verify(bundle, &device->sign))
        found(walk, SAT_CHECK_BUNDLES, raw, "its signature does not hold");
    else if (!device && !inspector->result->faults[SAT_CHECK_DIRECTORY])
        found(walk, SAT_CHECK_BUNDLES, raw, "its device is not in the directory");
}

/* Is the row what its signed manifest says? */
static void inspect_row(struct bundle_walk *walk, const struct sat_raw_bundle *raw, const struct sat_bundle *bundle)
{
    const struct sat_manifest *manifest = &bundle->manifest;
    if (!sat_span_equal(raw->id, SAT_SPAN(bundle->id.b))) found(walk, SAT_CHECK_BUNDLES, raw, "its id is another");
    if (raw->device != manifest->device || raw->first != (int64_t)manifest->first || raw->count != manifest->count ||
        !sat_space_equal(&manifest->space, &walk->space->id))
        found(walk, SAT_CHECK_BUNDLES, raw, "it is not filed as it was signed");
    if (walk->inspector->directory->seq && !sat_hash_equal(&manifest->org, &walk->inspector->directory->org))
        found(walk, SAT_CHECK_BUNDLES, raw, "it is of another organisation");
}

/* A chain goes on through what was put aside. */
static bool is_aside(struct bundle_walk *walk, const struct sat_hash *id)
{
    struct sat_aside_row aside;
    bool found = false;
    return !sat_store_aside_find(walk->inspector->store, id, &walk->arena, &aside, &found) && found;
}

/* A void statement bears no sign of it: it can have, in a later life of the log. */
static bool came_back(struct bundle_walk *walk, const struct sat_raw_bundle *raw)
{
    struct sat_store *store = walk->inspector->store;
    struct sat_entry_row *entry;
    struct sat_lives lives;
    uint32_t n = 0;
    if (raw->seq <= 0) return false;
    enum sat_err err = sat_store_entries(store, walk->space->sid, (uint64_t)raw->seq, 1, &walk->arena, &entry, &n);
    if (err || !n || entry->entry.seq != (uint64_t)raw->seq) return false;
    if (entry->entry.kind != SAT_ENTRY_VOID) return entry->entry.kind == SAT_ENTRY_RETURNED;
    err = sat_store_lives(store, walk->space, &walk->arena, &lives);
    return !err && sat_lives_later(&lives, (uint64_t)raw->seq);
}

static void inspect_chain(struct bundle_walk *walk, const struct sat_raw_bundle *raw, const struct sat_bundle *bundle)
{
    const struct sat_manifest *manifest = &bundle->manifest;
    if (raw->state == SAT_BUNDLE_RETURN) return; /* in no chain now: the server judges whether it comes too late */
    if (walk->device != raw->device) {
        walk->device = raw->device;
        walk->id = (struct sat_hash){{0}};
        walk->end = walk->dir_seq = 0;
        walk->seq = 0;
    }
    walk->inspector->result->looked_at[SAT_CHECK_CHAINS]++;
    /* The one before it may have been compacted, here or by those who gave this one back. */
    bool may_be_gone = (walk->seq >= 0 && (uint64_t)walk->seq < walk->space->compacted) || came_back(walk, raw);
    if (!sat_hash_equal(&manifest->prev, &walk->id) && !is_aside(walk, &manifest->prev) && !may_be_gone)
        found(walk, SAT_CHECK_CHAINS, raw, "it does not follow the one before it: one is missing, or is another");
    else if (manifest->first < walk->end || manifest->dir_seq < walk->dir_seq ||
             (raw->seq && (raw->seq <= walk->seq || walk->seq < 0)))
        found(walk, SAT_CHECK_CHAINS, raw, "it steps back behind the one before it");
    walk->id = bundle->id;
    walk->end = manifest->first + manifest->count;
    walk->dir_seq = manifest->dir_seq;
    walk->seq = raw->seq ? raw->seq : -1; /* what is pending is followed by nothing accepted */
}

/* What stands in the place of a refused bundle. */
static enum sat_err inspect_void(struct bundle_walk *walk, const struct sat_raw_bundle *raw, struct sat_bundle *bundle)
{
    const struct sat_manifest *manifest = &bundle->manifest;
    const struct sat_device *device = sat_directory_device(walk->inspector->directory, manifest->device);
    struct sat_bundle_row row = {0};
    memcpy(row.manifest, raw->manifest.at, sizeof row.manifest);
    memcpy(row.signature.b, raw->signature.at, sizeof row.signature.b);
    struct sat_signed_void empty = sat_void_of_row(&row);
    bundle->id = sat_void_id(&empty.statement);
    inspect_row(walk, raw, bundle);
    if (device && sat_void_verify(&empty.statement, &manifest->org, &device->sign, &empty.signature))
        found(walk, SAT_CHECK_BUNDLES, raw, "its signature does not hold");
    inspect_chain(walk, raw, bundle);
    sat_arena_reset(&walk->arena);
    return SAT_OK;
}

static enum sat_err inspect_bundle(void *context, const struct sat_raw_bundle *raw)
{
    struct bundle_walk *walk = context;
    struct sat_bundle bundle = {.form = SAT_BUNDLE_FULL};
    walk->inspector->result->looked_at[SAT_CHECK_BUNDLES]++;
    if (raw->manifest.len != SAT_MANIFEST_BYTES || raw->signature.len != sizeof bundle.signature.b) {
        found(walk, SAT_CHECK_BUNDLES, raw, "its manifest or signature is cut");
        return SAT_OK;
    }
    sat_manifest_decode(raw->manifest.at, &bundle.manifest);
    if (bundle.manifest.suite == 0) return inspect_void(walk, raw, &bundle);
    bundle.id = sat_bundle_id(&bundle.manifest);
    inspect_row(walk, raw, &bundle);
    inspect_signature(walk, raw, &bundle);
    bool elsewhere = raw->state == SAT_BUNDLE_RETURN && is_aside(walk, &bundle.id); /* its bytes are there */
    enum sat_err err = elsewhere ? SAT_OK : inspect_changes(walk, raw, &bundle.manifest);
    inspect_chain(walk, raw, &bundle);
    sat_arena_reset(&walk->arena);
    return err;
}

enum sat_err inspect_bundles(struct inspector *inspector, const struct sat_space_row *space)
{
    struct bundle_walk walk = {.inspector = inspector, .space = space, .device = -1};
    sat_arena_init(&walk.arena);
    enum sat_err err = sat_store_walk_bundles(inspector->store, space->sid, inspect_bundle, &walk);
    sat_arena_deinit(&walk.arena);
    return inspect_unreadable(inspector, SAT_CHECK_BUNDLES, err);
}
