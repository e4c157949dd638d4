#include "common/sync/compact.h"

#include "common/sync/copied.h"
#include "common/sync/log_items.h"

enum { ITEMS_AT_ONCE = 256 };

/* The run that ends there; a run within an entry's reach is at most one. */
static enum sat_err run_ending_at(struct sat_store *store, int64_t sid, uint64_t last, struct sat_arena *arena,
                                  struct sat_run *out, bool *found)
{
    struct sat_run *runs;
    uint32_t n;
    enum sat_err err = sat_store_runs(store, sid, last, 1, arena, &runs, &n);
    *found = !err && n && runs[0].last == last;
    if (*found) *out = runs[0];
    return err;
}

/* Puts a run there and joins it with the one beside it under the same node, and so on upwards. */
static enum sat_err put(struct sat_store *store, int64_t sid, struct sat_run run, struct sat_arena *arena)
{
    enum sat_err err = SAT_OK;
    for (bool joined = true; !err && joined && run.level < SAT_SUBTREE_LEVEL_MAX;) {
        uint64_t width = (uint64_t)1 << run.level;
        bool is_left = ((run.last - width) >> run.level & 1) == 0;
        struct sat_run other;
        err = run_ending_at(store, sid, is_left ? run.last + width : run.last - width, arena, &other, &joined);
        joined = joined && other.level == run.level;
        if (err || !joined) break;
        err = sat_store_run_delete(store, sid, other.last);
        const struct sat_run *left = is_left ? &run : &other, *right = is_left ? &other : &run;
        run = (struct sat_run){.last = right->last,
                               .level = (uint8_t)(run.level + 1),
                               .hash = sat_merkle_join(&left->hash, &right->hash),
                               .root = right->root};
    }
    return err ? err : sat_store_run_put(store, sid, &run);
}

static enum sat_err may_go(struct sat_store *store, const struct sat_space_row *space, const struct sat_entry_row *row,
                           uint32_t own, bool *may)
{
    struct sat_bundle_row bundle;
    uint64_t newest = 0;
    *may = row->bid && row->entry.kind != SAT_ENTRY_COLLECT;
    if (!*may) return SAT_OK;
    enum sat_err err = sat_store_bundle_get(store, row->bid, &bundle);
    if (!err) err = sat_store_device_counter_at(store, space->sid, bundle.device, space->floor, &newest);
    *may = !err && newest >= bundle.first + bundle.count;
    if (!err && *may) err = sat_store_bundle_is_empty(store, row->bid, may);
    if (err || !*may || bundle.device != own) return err;
    return sat_mark_past(store, &space->id, bundle.first + bundle.count - 1);
}

static enum sat_err let_go(struct sat_store *store, struct sat_space_row *space, const struct sat_entry_row *row,
                           struct sat_arena *arena)
{
    struct sat_run run = {.last = row->entry.seq, .hash = sat_entry_hash(&row->entry), .root = row->root};
    enum sat_err err = sat_store_bundle_delete(store, row->bid);
    if (!err) err = sat_store_entry_delete(store, space->sid, row->entry.seq);
    if (!err) err = put(store, space->sid, run, arena);
    if (row->entry.seq > space->compacted) space->compacted = row->entry.seq;
    return err;
}

enum sat_err sat_compact(struct sat_store *store, struct sat_space_row *space, uint32_t own, uint64_t entries,
                         uint64_t *looked_at, uint64_t *gone)
{
    struct sat_arena arena;
    enum sat_err err = SAT_OK;
    sat_arena_init(&arena);
    if (space->repack && space->packed + 1 >= space->floor) {
        space->packed = 0;
        space->repack = false;
    }
    while (!err && entries && space->packed + 1 < space->floor) {
        struct sat_log_item *items;
        uint32_t n, limit = entries < ITEMS_AT_ONCE ? (uint32_t)entries : ITEMS_AT_ONCE;
        err = sat_log_items(store, space->sid, space->packed + 1, limit, &arena, &items, &n);
        if (!err && n == 0) err = SAT_ERR_CORRUPT;
        for (uint32_t i = 0; !err && i < n && items[i].last < space->floor; i++) {
            bool may = false;
            if (!items[i].is_run) err = may_go(store, space, &items[i].as.entry, own, &may);
            if (!err && may) err = let_go(store, space, &items[i].as.entry, &arena);
            if (may) ++*gone;
        }
        if (!err) space->packed = items[n - 1].last;
        entries -= limit;
        *looked_at += n;
        sat_arena_reset(&arena);
    }
    sat_arena_deinit(&arena);
    return err;
}

enum sat_err sat_compact_take(struct sat_store *store, struct sat_space_row *space, uint8_t level,
                              const struct sat_hash *hash)
{
    if (sat_frontier_append_subtree(&space->log, level, hash)) return SAT_ERR_MALFORMED;
    struct sat_run run = {
        .last = space->log.size, .level = level, .hash = *hash, .root = sat_frontier_root(&space->log)};
    space->compacted = space->trusted = run.last;
    return sat_store_run_put(store, space->sid, &run);
}

enum sat_err sat_compact_before(struct sat_store *store, int64_t sid, uint64_t size, uint64_t *out)
{
    struct sat_arena arena;
    struct sat_run *runs;
    uint32_t n;
    sat_arena_init(&arena);
    enum sat_err err = sat_store_runs(store, sid, size, 1, &arena, &runs, &n);
    *out = size;
    if (!err && n && runs[0].last > size && sat_run_first(&runs[0]) <= size) *out = sat_run_first(&runs[0]) - 1;
    sat_arena_deinit(&arena);
    return err;
}
