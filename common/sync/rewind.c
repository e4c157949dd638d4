#include "common/sync/rewind.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/proof/header.h"
#include "common/sync/digest.h"
#include "common/sync/merge.h"

enum { ENTRIES_AT_ONCE = 512 };

struct rewinding {
    struct sat_store *store;
    struct sat_space_row *space;
    uint32_t device;
    struct sat_record_id *records; /* on the heap: those that the entries touched, some more than once */
    size_t records_n, records_cap;
};

static void note_record(struct rewinding *it, const struct sat_record_id *record)
{
    if (it->records_n == it->records_cap) {
        it->records_cap = it->records_cap ? it->records_cap * 2 : 256;
        it->records = realloc(it->records, it->records_cap * sizeof *it->records);
        sat_check_memory(it->records);
    }
    it->records[it->records_n++] = *record;
}

/* One's own work is still one's own: it waits for the log again. Where bytes are missing, as in work that was let go of
 * before, it goes like everybody's. */
static enum sat_err take_back(struct rewinding *it, int64_t bid, struct sat_arena *arena)
{
    struct sat_bundle_row bundle;
    struct sat_change_row *rows;
    uint32_t n = 0;
    enum sat_err err = sat_store_bundle_get(it->store, bid, &bundle);
    if (!err) err = sat_store_changes_of_bundle(it->store, bid, arena, &rows, &n);
    bool own = !err && bundle.device == it->device;
    for (uint32_t i = 0; !err && i < n; i++) {
        note_record(it, &rows[i].record);
        if (rows[i].state == SAT_CHANGE_LIVE) sat_digest_remove(it->space, &rows[i].record, rows[i].dot, &rows[i].rest);
        own = own && rows[i].header.len > 0;
    }
    if (err || !own) return err ? err : sat_store_bundle_delete(it->store, bid);
    for (uint32_t i = 0; !err && i < n; i++)
        err = sat_store_change_set_state(it->store, rows[i].cid, SAT_CHANGE_PENDING);
    return err ? err : sat_store_bundle_set_seq(it->store, bid, 0);
}

static enum sat_err each_entry(struct rewinding *it, uint64_t first, uint64_t last,
                               enum sat_err (*each)(struct rewinding *, const struct sat_entry_row *,
                                                    struct sat_arena *))
{
    struct sat_arena arena;
    sat_arena_init(&arena);
    enum sat_err err = SAT_OK;
    while (!err && first <= last) {
        struct sat_entry_row *rows;
        uint32_t n, limit = last - first < ENTRIES_AT_ONCE ? (uint32_t)(last - first + 1) : ENTRIES_AT_ONCE;
        err = sat_store_entries(it->store, it->space->sid, first, limit, &arena, &rows, &n);
        if (!err && n == 0) err = SAT_ERR_CORRUPT;
        for (uint32_t i = 0; !err && i < n; i++) err = each(it, &rows[i], &arena);
        if (!err) first += n;
        sat_arena_reset(&arena);
    }
    sat_arena_deinit(&arena);
    return err;
}

static enum sat_err let_go(struct rewinding *it, const struct sat_entry_row *row, struct sat_arena *arena)
{
    return row->bid ? take_back(it, row->bid, arena) : SAT_OK;
}

static enum sat_err append(struct rewinding *it, const struct sat_entry_row *row, struct sat_arena *arena)
{
    (void)arena;
    struct sat_hash leaf = sat_entry_hash(&row->entry);
    sat_frontier_append(&it->space->log, &leaf);
    it->space->last_recv_ms = row->entry.recv_ms;
    it->space->last_dir_at = row->entry.dir_at;
    struct sat_hash root = sat_frontier_root(&it->space->log);
    return sat_hash_equal(&root, &row->root) ? SAT_OK : SAT_ERR_CORRUPT;
}

/* What replaced a change and is gone has replaced nothing: live is what no other one that is here covers. */
static enum sat_err revive(struct rewinding *it, const struct sat_record_id *record, struct sat_arena *arena)
{
    struct sat_change_row *rows;
    uint32_t n, versions_n = 0;
    enum sat_err err = sat_store_changes_of_record(it->store, it->space->sid, record, arena, &rows, &n);
    if (err) return err;
    struct sat_version *versions = sat_arena_array(arena, n, sizeof *versions);
    for (uint32_t i = 0; i < n; i++) {
        struct sat_header header;
        if (rows[i].state > SAT_CHANGE_DEAD || rows[i].header.len == 0) continue;
        if (sat_header_decode(rows[i].header, arena, &header)) return SAT_ERR_CORRUPT;
        versions[versions_n++] = (struct sat_version){rows[i].dot, header.seen, header.kept, header.holes};
    }
    for (uint32_t i = 0; !err && i < n; i++) {
        if (rows[i].state != SAT_CHANGE_DEAD || rows[i].header.len == 0) continue;
        bool covered = false;
        for (uint32_t j = 0; j < versions_n && !covered; j++) covered = sat_merge_covers(&versions[j], &rows[i].dot);
        if (covered) continue;
        err = sat_store_change_set_state(it->store, rows[i].cid, SAT_CHANGE_LIVE);
        sat_digest_add(it->space, record, rows[i].dot, &rows[i].rest);
    }
    return err;
}

static int compare_records(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct sat_record_id));
}

static enum sat_err revive_all(struct rewinding *it)
{
    struct sat_arena arena;
    sat_arena_init(&arena);
    enum sat_err err = SAT_OK;
    if (it->records_n) qsort(it->records, it->records_n, sizeof *it->records, compare_records);
    for (size_t i = 0; !err && i < it->records_n; i++) {
        if (i > 0 && compare_records(&it->records[i], &it->records[i - 1]) == 0) continue;
        err = revive(it, &it->records[i], &arena);
        sat_arena_reset(&arena);
    }
    sat_arena_deinit(&arena);
    return err;
}

/* Drafts up to here may have seen what is gone. */
static enum sat_err mark_drafts(struct sat_store *store)
{
    uint64_t counter, rewinds = 0;
    enum sat_err err = sat_store_meta_get_u64(store, "counter", 0, &counter);
    if (!err) err = sat_store_meta_put_u64(store, SAT_REWOUND_KEY, counter);
    if (!err) err = sat_store_meta_get_u64(store, SAT_REWINDS_KEY, 0, &rewinds);
    return err ? err : sat_store_meta_put_u64(store, SAT_REWINDS_KEY, rewinds + 1);
}

enum sat_err sat_base_rewind(struct sat_store *store, struct sat_space_row *space, uint32_t device)
{
    struct rewinding it = {.store = store, .space = space, .device = device};
    uint64_t size = space->head_size;
    enum sat_err err = mark_drafts(store);
    if (!err) err = each_entry(&it, size + 1, space->log.size, let_go);
    if (!err) err = sat_store_log_cut(store, space->sid, size);
    if (!err) err = revive_all(&it);
    free(it.records);
    if (err) return err;
    sat_frontier_init(&space->log);
    space->last_recv_ms = space->last_dir_at = 0;
    err = each_entry(&it, 1, size, append);
    if (err) return err;
    if (size == 0) space->log_epoch = (struct sat_log_epoch){{0}}; /* never met */
    return sat_store_space_save(store, space);
}
