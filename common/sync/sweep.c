#include "common/sync/sweep.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/limits.h"
#include "common/proof/header.h"
#include "common/sync/merge.h"

/* The bytes of what was collected stay for at least so long, to be given back to a server that was set back. */
#define KEPT_COLLECTED_MS (30 * SAT_DAY_MS)
enum { ENTRIES_AT_ONCE = 512, RECORDS_AT_ONCE = 16384 };

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static int newest_first(const void *a, const void *b)
{
    const struct sat_change_row *left = a, *right = b;
    if (left->seq != right->seq) return left->seq > right->seq ? -1 : 1;
    return left->cid > right->cid ? -1 : left->cid < right->cid;
}

/* One record's changes as far as the entries that count now: what is behind them replaces nothing yet. */
struct history {
    struct sat_change_row *rows; /* newest first */
    struct sat_version *versions;
    uint32_t n;
};

static enum sat_err load(const struct sat_sweep *sweep, const struct sat_record_id *record, uint64_t end,
                         struct sat_arena *arena, struct history *out)
{
    uint32_t n;
    enum sat_err err = sat_store_history(sweep->store, sweep->space->sid, record, arena, &out->rows, &n);
    out->n = 0;
    for (uint32_t i = 0; !err && i < n; i++)
        if (out->rows[i].seq <= end) out->rows[out->n++] = out->rows[i];
    if (!err && out->n > 1) qsort(out->rows, out->n, sizeof *out->rows, newest_first);
    return err;
}

static enum sat_err decode(struct history *history, struct sat_arena *arena)
{
    history->versions = sat_arena_array(arena, history->n, sizeof *history->versions);
    for (uint32_t i = 0; i < history->n; i++) {
        struct sat_header header;
        if (sat_header_decode(history->rows[i].header, arena, &header)) return SAT_ERR_CORRUPT;
        history->versions[i] = (struct sat_version){history->rows[i].dot, header.seen, header.kept, header.holes};
    }
    return SAT_OK;
}

/* What is dead and covered by nothing died otherwise: by a collection, or by an entry that does not count yet. */
static bool is_replaced(const struct history *history, uint32_t i)
{
    for (uint32_t j = 0; j < history->n; j++)
        if (j != i && sat_merge_covers(&history->versions[j], &history->rows[i].dot)) return true;
    return false;
}

/* Where a home was copied, each copy looks through what the others wrote again, before it sends its own: by the
 * content, which says what it repeats. So that stays until all have acknowledged it (docs/decisions/0096). */
static bool is_looked_for(const struct sat_sweep *sweep, const struct sat_change_row *row)
{
    return row->seq > sweep->space->floor && sat_directory_lineage(sweep->directory, row->dot.device, NULL) > 1;
}

/* All but the `spared` newest of the record's dead changes. */
static enum sat_err forget(const struct sat_sweep *sweep, const struct sat_record_id *record, uint64_t end,
                           uint64_t spared, struct sat_arena *arena, uint64_t *forgotten)
{
    struct history history;
    uint64_t dead = 0;
    bool decoded = false;
    enum sat_err err = load(sweep, record, end, arena, &history);
    for (uint32_t i = 0; !err && i < history.n; i++) {
        if (history.rows[i].state != SAT_CHANGE_DEAD || dead++ < spared) continue;
        if (!decoded) err = decode(&history, arena);
        decoded = true;
        if (err || !is_replaced(&history, i) || is_looked_for(sweep, &history.rows[i])) continue;
        err = sat_store_change_forget(sweep->store, history.rows[i].cid);
        ++*forgotten;
    }
    return err;
}

static enum sat_err forget_all(const struct sat_sweep *sweep, struct sat_record_id *records, uint32_t n, uint64_t end,
                               uint64_t spared, uint64_t *forgotten)
{
    struct sat_arena arena;
    enum sat_err err = SAT_OK;
    sat_arena_init(&arena);
    size_t unique = sat_records_unique(records, n);
    for (size_t i = 0; !err && i < unique; i++) {
        err = forget(sweep, &records[i], end, spared, &arena, forgotten);
        sat_arena_reset(&arena);
    }
    sat_arena_deinit(&arena);
    return err;
}

/* The records of the next entries of which something is superseded, of many entries at once, as most are about the same
 * few. *at goes on. */
static enum sat_err gather(const struct sat_sweep *sweep, uint64_t *at, uint64_t end, struct sat_arena *arena,
                           struct sat_record_id **out, uint32_t *out_n)
{
    *out = NULL;
    *out_n = 0;
    while (*at < end && *out_n < RECORDS_AT_ONCE) {
        struct sat_record_id *records;
        uint32_t n;
        uint64_t last = least(end, *at + ENTRIES_AT_ONCE);
        enum sat_err err =
            sat_store_entries_superseded(sweep->store, sweep->space->sid, *at + 1, last, arena, &records, &n);
        if (err) return err;
        struct sat_record_id *more = sat_arena_array(arena, (size_t)*out_n + n, sizeof *more);
        if (*out_n) memcpy(more, *out, *out_n * sizeof *more);
        if (n) memcpy(more + *out_n, records, n * sizeof *more);
        *out = more;
        *out_n += n;
        *at = last;
    }
    return SAT_OK;
}

static enum sat_err pass(const struct sat_sweep *sweep, uint64_t *at, uint64_t end, uint64_t spared,
                         uint64_t *forgotten)
{
    struct sat_arena arena;
    enum sat_err err = SAT_OK;
    sat_arena_init(&arena);
    while (!err && *at < end) {
        struct sat_record_id *records;
        uint32_t n;
        err = gather(sweep, at, end, &arena, &records, &n);
        if (!err) err = forget_all(sweep, records, n, *at, spared, forgotten);
        sat_arena_reset(&arena);
    }
    sat_arena_deinit(&arena);
    return err;
}

/* The last entry, from `from` on to `end`, that was received before `before_ms`; from - 1: there is none. */
static enum sat_err last_before(const struct sat_sweep *sweep, uint64_t from, uint64_t end, uint64_t before_ms,
                                uint64_t *out)
{
    struct sat_arena arena;
    enum sat_err err = SAT_OK;
    bool old = true;
    sat_arena_init(&arena);
    *out = from - 1;
    while (!err && old && *out < end) {
        struct sat_entry_row *rows;
        uint32_t n;
        err = sat_store_entries(sweep->store, sweep->space->sid, *out + 1, ENTRIES_AT_ONCE, &arena, &rows, &n);
        if (!err && n == 0) *out = end; /* runs, to the end */
        for (uint32_t i = 0; !err && i < n && old; i++) {
            bool is_collection = rows[i].entry.kind == SAT_ENTRY_COLLECT;
            uint64_t limit_ms = is_collection ? least(before_ms, sweep->now_ms - KEPT_COLLECTED_MS) : before_ms;
            old = rows[i].entry.seq <= end && rows[i].entry.recv_ms < limit_ms;
            if (old) *out = rows[i].entry.seq;
        }
        sat_arena_reset(&arena);
    }
    sat_arena_deinit(&arena);
    return err;
}

/* What a collection that is old let die: nothing covers it. */
static enum sat_err forget_collected(const struct sat_sweep *sweep, const struct sat_collection *collection,
                                     uint32_t index, struct sat_arena *arena, uint64_t *forgotten)
{
    struct sat_change_row *rows;
    uint32_t n;
    enum sat_err err =
        sat_store_history(sweep->store, sweep->space->sid, &collection->records[index].record, arena, &rows, &n);
    for (uint32_t i = 0; i < n && !err; i++) {
        if (rows[i].state != SAT_CHANGE_DEAD || rows[i].seq > collection->floor) continue;
        err = sat_store_change_forget(sweep->store, rows[i].cid);
        ++*forgotten;
    }
    return err;
}

static enum sat_err pass_collections(const struct sat_sweep *sweep, uint64_t at, uint64_t end, uint64_t *forgotten)
{
    struct sat_arena arena, one;
    enum sat_err err = SAT_OK;
    sat_arena_init(&arena);
    sat_arena_init(&one);
    for (bool more = true; more && !err; sat_arena_reset(&arena)) {
        struct sat_collection_row *row;
        struct sat_collection collection;
        uint32_t n;
        err = sat_store_collections(sweep->store, sweep->space->sid, at + 1, 1, &arena, &row, &n);
        more = !err && n && row->seq <= end;
        if (!more) break;
        at = row->seq;
        err = sat_collection_decode(row->bytes, &arena, &collection) ? SAT_ERR_CORRUPT : SAT_OK;
        for (uint32_t i = 0; !err && i < collection.n; i++) {
            err = forget_collected(sweep, &collection, i, &one, forgotten);
            sat_arena_reset(&one);
        }
    }
    sat_arena_deinit(&one);
    sat_arena_deinit(&arena);
    return err;
}

/* Before when an entry must have been received to be too old; 0: none is. */
static uint64_t too_old_ms(const struct sat_sweep *sweep)
{
    uint64_t days = sat_directory_policy(sweep->directory, SAT_POLICY_HISTORY_DAYS);
    return days && sweep->now_ms > days * SAT_DAY_MS && sweep->now_ms > KEPT_COLLECTED_MS
               ? sweep->now_ms - days * SAT_DAY_MS
               : 0;
}

static enum sat_err find_old(const struct sat_sweep *sweep, uint64_t entries, uint64_t *out)
{
    uint64_t aged = sweep->space->aged, end = least(sweep->proved, aged + entries);
    uint64_t before_ms = too_old_ms(sweep);
    *out = aged;
    return before_ms && aged < end ? last_before(sweep, aged + 1, end, before_ms, out) : SAT_OK;
}

enum sat_err sat_sweep_is_wanted(const struct sat_sweep *sweep, bool *wanted)
{
    uint64_t old = 0;
    *wanted =
        sat_directory_policy(sweep->directory, SAT_POLICY_HISTORY_VERSIONS) && sweep->space->swept < sweep->proved;
    enum sat_err err = *wanted ? SAT_OK : find_old(sweep, 1, &old);
    if (old > sweep->space->aged) *wanted = true;
    return err;
}

enum sat_err sat_sweep(const struct sat_sweep *sweep, uint64_t *looked_at, uint64_t *forgotten)
{
    struct sat_space_row *space = sweep->space;
    uint64_t versions = sat_directory_policy(sweep->directory, SAT_POLICY_HISTORY_VERSIONS);
    uint64_t before = space->swept + space->aged, old = 0;
    enum sat_err err = SAT_OK;
    if (versions && space->swept < sweep->proved)
        err = pass(sweep, &space->swept, least(sweep->proved, space->swept + sweep->entries), versions, forgotten);
    if (!err) err = find_old(sweep, sweep->entries, &old);
    if (!err && old > space->aged) err = pass_collections(sweep, space->aged, old, forgotten);
    if (!err && old > space->aged) err = pass(sweep, &space->aged, old, 0, forgotten);
    *looked_at += space->swept + space->aged - before;
    return err;
}
