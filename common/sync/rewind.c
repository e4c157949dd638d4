#include "common/sync/rewind.h"

#include <stdlib.h>

#include "common/base/check.h"
#include "common/proof/header.h"
#include "common/sync/collect.h"
#include "common/sync/compact.h"
#include "common/sync/copied.h"
#include "common/sync/digest.h"
#include "common/sync/log_items.h"
#include "common/sync/merge.h"

enum { ENTRIES_AT_ONCE = 512 };

struct rewinding {
    struct sat_store *store;
    struct sat_space_row *space;
    uint32_t device;
    uint64_t own_last; /* the device's numbers behind it are another home's: this one is a copy */
    bool set_back;     /* the server was */
    struct sat_log_epoch lost_in;
    uint64_t blank; /* the first entry with a change that is live again, and of which no bytes are here; 0: none */
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

/* Is it to be given back, own work like everybody's, as others' may stand on it? What the server lost; and what it had
 * given out without a head. And what stands in its author's chain before something that is. */
static enum sat_err is_lost(struct rewinding *it, const struct sat_entry_row *entry,
                            const struct sat_bundle_row *bundle, bool *lost)
{
    struct sat_bundle_row behind;
    *lost = it->set_back;
    if (*lost) return SAT_OK;
    enum sat_err err = sat_store_lost_has(it->store, it->space->sid, &entry->entry.id, lost);
    if (err || *lost) return err;
    return sat_store_return_of(it->store, it->space->sid, bundle->device, bundle->first, &behind, lost);
}

static enum sat_err keep_lost(struct rewinding *it, const struct sat_bundle_row *bundle)
{
    enum sat_err err = sat_store_bundle_set_return(it->store, bundle->bid);
    return err || bundle->state != SAT_BUNDLE_VOID ? err : sat_store_return_join(it->store, bundle->bid);
}

static enum sat_err find_own_last(struct rewinding *it)
{
    bool copied;
    it->own_last = SAT_COUNTER_MAX;
    enum sat_err err = sat_copied_get(it->store, &copied);
    return err || !copied ? err : sat_copied_cut(it->store, it->space->sid, it->device, &it->own_last);
}

/* One's own work is still one's own: it waits for the log again. Where bytes are missing, as in work that was let go of
 * before, it goes like everybody's. What a server lost is kept, whoever wrote it. */
static enum sat_err take_back(struct rewinding *it, const struct sat_entry_row *entry, struct sat_arena *arena)
{
    int64_t bid = entry->bid;
    struct sat_bundle_row bundle;
    struct sat_change_row *rows;
    uint32_t n = 0;
    bool lost = false;
    enum sat_err err = sat_store_bundle_get(it->store, bid, &bundle);
    if (!err) err = sat_store_changes_of_bundle(it->store, bid, arena, &rows, &n);
    bool own = !err && bundle.device == it->device && bundle.first + bundle.count - 1 <= it->own_last;
    if (!err) err = is_lost(it, entry, &bundle, &lost);
    for (uint32_t i = 0; !err && i < n; i++) {
        note_record(it, &rows[i].record);
        if (rows[i].state == SAT_CHANGE_LIVE) sat_digest_remove(it->space, &rows[i].record, rows[i].dot, &rows[i].rest);
        own = own && rows[i].header.len > 0;
    }
    if (err || (!own && !lost)) return err ? err : sat_store_bundle_delete(it->store, bid);
    for (uint32_t i = 0; !err && i < n; i++)
        err = sat_store_change_set_state(it->store, rows[i].cid, SAT_CHANGE_PENDING);
    if (err) return err;
    return lost ? keep_lost(it, &bundle) : sat_store_bundle_set_seq(it->store, bid, 0);
}

static enum sat_err each_entry(struct rewinding *it, uint64_t first, uint64_t last,
                               enum sat_err (*each)(struct rewinding *, const struct sat_log_item *,
                                                    struct sat_arena *))
{
    struct sat_arena arena;
    sat_arena_init(&arena);
    enum sat_err err = SAT_OK;
    while (!err && first <= last) {
        struct sat_log_item *items;
        uint32_t n, limit = last - first < ENTRIES_AT_ONCE ? (uint32_t)(last - first + 1) : ENTRIES_AT_ONCE;
        err = sat_log_items(it->store, it->space->sid, first, limit, &arena, &items, &n);
        if (!err && n == 0) err = SAT_ERR_CORRUPT;
        for (uint32_t i = 0; !err && i < n && items[i].last <= last; i++) err = each(it, &items[i], &arena);
        if (!err) first = items[n - 1].last + 1;
        sat_arena_reset(&arena);
    }
    sat_arena_deinit(&arena);
    return err;
}

static enum sat_err let_go(struct rewinding *it, const struct sat_log_item *item, struct sat_arena *arena)
{
    return !item->is_run && item->as.entry.bid ? take_back(it, &item->as.entry, arena) : SAT_OK;
}

static enum sat_err append(struct rewinding *it, const struct sat_log_item *item, struct sat_arena *arena)
{
    (void)arena;
    enum sat_err err = sat_log_item_append(&it->space->log, item);
    if (err) return err;
    struct sat_hash root = sat_frontier_root(&it->space->log);
    if (item->is_run) {
        it->space->compacted = item->last;
        return sat_hash_equal(&root, &item->as.run.root) ? SAT_OK : SAT_ERR_CORRUPT;
    }
    it->space->last_recv_ms = item->as.entry.entry.recv_ms;
    it->space->last_dir_at = item->as.entry.entry.dir_at;
    return sat_hash_equal(&root, &item->as.entry.root) ? SAT_OK : SAT_ERR_CORRUPT;
}

static void note_blank(struct rewinding *it, const struct sat_change_row *row)
{
    if (row->seq && (!it->blank || row->seq < it->blank)) it->blank = row->seq;
}

/* What replaced a change and is gone has replaced nothing: live is what no other one that is here covers, and what no
 * collection that is here has taken. */
static enum sat_err revive(struct rewinding *it, const struct sat_record_id *record, struct sat_arena *arena)
{
    struct sat_change_row *rows;
    struct sat_collected_row collected;
    bool is_collected;
    uint32_t n, versions_n = 0;
    enum sat_err err = sat_store_changes_of_record(it->store, it->space->sid, record, arena, &rows, &n);
    if (!err) err = sat_store_collected_get(it->store, it->space->sid, record, &collected, &is_collected);
    if (err) return err;
    struct sat_version *versions = sat_arena_array(arena, n, sizeof *versions);
    for (uint32_t i = 0; i < n; i++) {
        struct sat_header header;
        if (rows[i].state > SAT_CHANGE_DEAD || rows[i].header.len == 0) continue;
        if (sat_header_decode(rows[i].header, arena, &header)) return SAT_ERR_CORRUPT;
        versions[versions_n++] = (struct sat_version){rows[i].dot, header.seen, header.kept, header.holes};
    }
    for (uint32_t i = 0; !err && i < n; i++) {
        if (rows[i].state != SAT_CHANGE_DEAD) continue;
        bool covered = is_collected && rows[i].seq <= collected.floor;
        for (uint32_t j = 0; j < versions_n && !covered; j++) covered = sat_merge_covers(&versions[j], &rows[i].dot);
        if (!covered && rows[i].header.len == 0) note_blank(it, &rows[i]);
        if (covered || rows[i].header.len == 0) continue;
        err = sat_store_change_set_state(it->store, rows[i].cid, SAT_CHANGE_LIVE);
        sat_digest_add(it->space, record, rows[i].dot, &rows[i].rest);
    }
    return err;
}

static enum sat_err revive_all(struct rewinding *it)
{
    struct sat_arena arena;
    sat_arena_init(&arena);
    enum sat_err err = SAT_OK;
    it->records_n = sat_records_unique(it->records, it->records_n);
    for (size_t i = 0; !err && i < it->records_n; i++) {
        err = revive(it, &it->records[i], &arena);
        sat_arena_reset(&arena);
    }
    sat_arena_deinit(&arena);
    return err;
}

enum sat_err sat_base_mark_drafts(struct sat_store *store)
{
    uint64_t counter;
    enum sat_err err = sat_store_meta_get_u64(store, "counter", 0, &counter);
    return err ? err : sat_store_meta_put_u64(store, SAT_REWOUND_KEY, counter);
}

enum sat_err sat_base_forget_marks(struct sat_store *store)
{
    uint64_t rewinds = 0;
    enum sat_err err = sat_base_mark_drafts(store);
    if (!err) err = sat_store_meta_get_u64(store, SAT_REWINDS_KEY, 0, &rewinds);
    return err ? err : sat_store_meta_put_u64(store, SAT_REWINDS_KEY, rewinds + 1);
}

static void note_collected(void *context, const struct sat_record_id *record)
{
    note_record(context, record);
}

/* Back to the first `size` entries, which do not end within a run. What was taken on trust up to there has been shown
 * to be right by the head that proved it. */
static enum sat_err cut_off(struct rewinding *it, uint64_t size)
{
    struct sat_space_row *space = it->space;
    enum sat_err err = each_entry(it, size + 1, space->log.size, let_go);
    if (!err) err = sat_store_log_cut(it->store, space->sid, size);
    if (!err) err = sat_collections_rewind(it->store, space, size, note_collected, it);
    if (!err) err = revive_all(it);
    if (err) return err;
    sat_frontier_init(&space->log);
    space->last_recv_ms = space->last_dir_at = 0;
    if (space->swept > size) space->swept = size;
    if (space->aged > size) space->aged = size;
    space->packed = space->compacted = space->trusted = 0;
    return each_entry(it, 1, size, append);
}

static enum sat_err go_back(struct rewinding *it, uint64_t size)
{
    enum sat_err err = sat_base_forget_marks(it->store);
    if (!err) err = find_own_last(it);
    return err ? err : cut_off(it, size);
}

/* As if it had never been met; unless there is still to be given back what the server has signed of it. */
static enum sat_err forget_log(struct sat_store *store, struct sat_space_row *space)
{
    struct sat_lost_log *logs;
    struct sat_arena arena;
    uint32_t n = 0;
    sat_arena_init(&arena);
    enum sat_err err = sat_store_lost_logs(store, space->sid, &arena, &logs, &n);
    if (!err && n == 0) space->log_epoch = (struct sat_log_epoch){{0}};
    sat_arena_deinit(&arena);
    return err;
}

/* A collection that is gone spoke for runs that are here: that everybody has acknowledged so much, and which bundle of
 * each device had to stay, as its newest up to there. */
static bool has_lost_its_word(const struct sat_space_row *space, uint64_t floor_before)
{
    return space->compacted && (space->compacted > space->floor || space->floor < floor_before);
}

enum sat_err sat_base_rewind(struct sat_store *store, struct sat_space_row *space, uint32_t device)
{
    struct rewinding it = {.store = store, .space = space, .device = device};
    uint64_t size = 0, floor = space->floor;
    enum sat_err err = sat_compact_before(store, space->sid, space->head_size, &size);
    if (!err) err = go_back(&it, size);
    if (!err && has_lost_its_word(space, floor)) err = cut_off(&it, size = 0);
    free(it.records);
    if (!err && size == 0) err = forget_log(store, space);
    return err ? err : sat_store_space_save(store, space);
}

/* A run as it travels among them, too: what it stood for is dead, and nobody gives it back. */
static enum sat_err keep_entry(struct rewinding *it, const struct sat_log_item *item, struct sat_arena *arena)
{
    (void)arena;
    struct sat_entry run = {
        .seq = item->first, .kind = SAT_ENTRY_RUN, .id = item->as.run.hash, .recv_ms = item->as.run.level};
    return sat_store_lost_put(it->store, it->space->sid, &it->lost_in, item->is_run ? &run : &item->as.entry.entry);
}

/* Which head proves the entries behind the first `size`? The newest; or, where the present life has shown none yet, one
 * of the life before, which is of the same log up to where that ended. */
static enum sat_err find_proof(const struct rewinding *it, uint64_t size, struct sat_arena *arena,
                               struct sat_lost_log *out, bool *found)
{
    const struct sat_space_row *space = it->space;
    struct sat_lost_log *logs;
    uint32_t n;
    *found = space->head_len && size < space->head_size;
    *out = (struct sat_lost_log){.epoch = space->log_epoch};
    out->head = sat_span_copy(arena, sat_span(space->head, space->head_len));
    if (space->head_len || size >= space->head_size) return SAT_OK;
    enum sat_err err = sat_store_lost_logs(it->store, space->sid, arena, &logs, &n);
    for (uint32_t i = 0; !err && i < n && !*found; i++) {
        *found = logs[i].before.size == space->head_size;
        if (*found) *out = logs[i];
    }
    return err;
}

enum sat_err sat_base_set_back(struct sat_store *store, struct sat_space_row *space, uint32_t device, uint64_t size,
                               const struct sat_log_epoch *epoch)
{
    struct rewinding it = {.store = store, .space = space, .device = device, .set_back = true};
    struct sat_lost_log log;
    struct sat_arena arena;
    bool found = false;
    uint64_t floor = space->floor;
    sat_arena_init(&arena);
    enum sat_err err = find_proof(&it, size, &arena, &log, &found);
    if (!err) it.lost_in = log.epoch;
    if (!err && found && space->head_len) err = sat_store_lost_forget(store, space->sid, &log.epoch);
    if (!err) err = sat_base_forget_marks(store);
    if (!err) err = sat_store_returns_again(store, space->sid); /* what one log refused may have its place in another */
    for (uint64_t end = space->head_size; !err; size = it.blank - 1) { /* further, if bytes must come again */
        it.blank = 0;
        err = sat_compact_before(store, space->sid, size, &size);
        if (!err && found) err = each_entry(&it, size + 1, end, keep_entry);
        if (!err) err = cut_off(&it, size);
        if (has_lost_its_word(space, floor)) it.blank = 1;
        end = size;
        if (!it.blank) break;
    }
    free(it.records);
    log.before = space->log;
    if (!err && found) err = sat_store_lost_log_put(store, space->sid, &log);
    sat_arena_deinit(&arena);
    if (err) return err;
    space->log_epoch = *epoch;
    if (space->head_size > size) space->head_size = size;
    space->head_len = 0;
    return sat_store_space_save(store, space);
}

/* The head of a life that is left, though nothing of its log is lost: should the server be in that life again one day,
 * and have less of it, this says so. */
static enum sat_err keep_head(struct sat_store *store, const struct sat_space_row *space, struct sat_arena *arena)
{
    struct sat_lost_log log = {.before = space->log};
    struct sat_entry *waiting;
    struct sat_head head;
    uint32_t n;
    log.head = sat_span(space->head, space->head_len);
    if (!space->head_len || space->head_size != space->log.size || space->log.size == 0) return SAT_OK;
    if (sat_head_decode(log.head, &space->id, &head)) return SAT_ERR_CORRUPT;
    log.epoch = head.log_epoch;
    enum sat_err err = sat_store_lost(store, space->sid, &log.epoch, arena, &waiting, &n);
    return err || n ? err : sat_store_lost_log_put(store, space->sid, &log);
}

enum sat_err sat_base_stays(struct sat_store *store, struct sat_space_row *space)
{
    struct sat_entry_row *last;
    struct sat_arena arena;
    uint32_t n = 0;
    sat_arena_init(&arena);
    enum sat_err err = sat_store_entries(store, space->sid, space->log.size, 1, &arena, &last, &n);
    if (!err) err = keep_head(store, space, &arena);
    if (!err) err = sat_store_returns_again(store, space->sid); /* as where more was lost */
    space->last_dir_at = !err && n ? last[0].entry.dir_at : 0;
    sat_arena_deinit(&arena);
    return err;
}
