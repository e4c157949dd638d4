/* When the server collects: which deletions everybody has seen, it can tell without reading one. Space by space, each
 * at most once in a while; a round looks at every deletion that is live, some at a call, and says in the log what may
 * go. */
#include <stdlib.h>
#include <string.h>

#include "common/proof/merkle.h"
#include "common/sync/collect.h"
#include "common/sync/digest.h"
#include "common/sync/host_state.h"

enum {
    LOOK_AGAIN_MS = 60 * 1000, /* where there was nothing to collect */
    FLOOR_WORTH = 1000,        /* entries by which a floor that forgets nothing must rise: for the compaction's sake */
};

/* ---- Up to where has everybody acknowledged? ---- */

/* *floor 0: somebody has not (or there is nobody). */
static enum sat_err find_floor(const struct sat_host *host, const struct host_space *space, struct sat_arena *arena,
                               uint64_t *floor, struct sat_hash *cursors)
{
    const struct sat_directory *directory = &host->directory;
    const struct sat_space_row *row = &space->row;
    struct sat_hash *leaves = sat_arena_array(arena, directory->devices_n, sizeof *leaves);
    uint32_t n = 0;
    *floor = UINT64_MAX;
    for (uint32_t device = 1; device <= directory->devices_n && *floor; device++) {
        struct sat_cursor_row word;
        bool found;
        if (!sat_collect_counts(directory, &row->id, device, directory->seq)) continue;
        enum sat_err err = sat_store_cursor_get(host->store, row->sid, device, &word, &found);
        if (err) return err;
        uint64_t ack = found && sat_log_epoch_equal(&word.cursor.log_epoch, &row->log_epoch) ? word.cursor.ack : 0;
        if (ack < *floor) *floor = ack;
        leaves[n++] = sat_cursor_leaf(&word.cursor, &word.signature);
    }
    if (n == 0) *floor = 0;
    *cursors = sat_merkle_root(leaves, n);
    return SAT_OK;
}

/* ---- What may go ---- */

static int by_record(const void *a, const void *b)
{
    const struct sat_collected *left = a, *right = b;
    return memcmp(left->record.b, right->record.b, sizeof left->record.b);
}

static bool is_listed(const struct sat_collected *list, uint32_t n, const struct sat_record_id *record)
{
    for (uint32_t i = 0; i < n; i++)
        if (sat_record_equal(&list[i].record, record)) return true;
    return false;
}

struct round {
    struct host_step *step;
    struct host_space *space;
    uint64_t floor, old_enough_ms; /* what came later than that stays for now */
    struct sat_collected *list;
    uint32_t n;
};

/* It came so long ago that nobody will want it back. */
static enum sat_err is_old(const struct round *round, uint64_t seq, struct sat_arena *arena, bool *old)
{
    struct sat_entry_row *rows;
    uint32_t n = 0;
    *old = seq && seq <= round->floor;
    if (!*old) return SAT_OK;
    enum sat_err err = sat_store_entries(round->step->host->store, round->space->row.sid, seq, 1, arena, &rows, &n);
    *old = !err && n && rows[0].entry.seq == seq && rows[0].entry.recv_ms <= round->old_enough_ms;
    return err;
}

static enum sat_err look_at(struct round *round, const struct sat_deletion_row *row, struct sat_arena *arena)
{
    bool may = false;
    struct sat_dot by = row->dot;
    enum sat_err err = is_old(round, row->seq, arena, &may);
    if (err || !may || is_listed(round->list, round->n, &row->record)) return err;
    err = sat_collectable(round->step->host->store, &round->space->row, &row->record, round->floor, arena, &by, &may);
    if (!err && may) round->list[round->n++] = (struct sat_collected){row->record, by};
    return err;
}

/* The next deletions, from where the last call stopped. */
static enum sat_err look(struct round *round, uint32_t budget, bool *more)
{
    struct host_space *space = round->space;
    struct sat_deletion_row *rows;
    struct sat_arena arena; /* of one record */
    uint32_t n, limit = budget < SAT_COLLECTION_RECORDS_MAX ? budget : SAT_COLLECTION_RECORDS_MAX;
    enum sat_err err = sat_store_deletions_live(round->step->host->store, space->row.sid, space->collect_at, limit,
                                                round->step->arena, &rows, &n);
    if (err) return err;
    round->list = sat_arena_array(round->step->arena, n, sizeof *round->list);
    sat_arena_init(&arena);
    for (uint32_t i = 0; i < n && !err; i++) {
        err = look_at(round, &rows[i], &arena);
        sat_arena_reset(&arena);
    }
    sat_arena_deinit(&arena);
    if (n) space->collect_at = rows[n - 1].cid;
    *more = n == limit;
    return err;
}

static enum sat_err say(struct round *round, const struct sat_hash *cursors)
{
    struct sat_host *host = round->step->host;
    struct sat_space_row *row = &round->space->row;
    struct sat_collection collection = {.floor = round->floor, .records = round->list, .n = round->n};
    bool found;
    if (round->n > 1) qsort(round->list, round->n, sizeof *round->list, by_record);
    if (round->n) collection.cursors = *cursors;
    enum sat_err err = sat_store_root_at(host->store, row->sid, round->floor, &collection.root, &found);
    if (!err && !found) err = SAT_ERR_CORRUPT;
    if (!err) err = host_begin(round->step);
    if (err) return err;
    round->space->dirty = true;
    err = sat_base_collect(host->store, row, &collection);
    if (err) return err;
    collection.digest = sat_digest_of(row);
    uint64_t now_ms = round->step->now_ms, recv_ms = now_ms > row->last_recv_ms ? now_ms : row->last_recv_ms;
    err = sat_base_collected(host->store, row, &row->log_epoch, &collection, recv_ms, host->directory.seq);
    if (err) return err;
    host->counts.collections++;
    host->counts.collected += round->n;
    return SAT_OK;
}

/* ---- When ---- */

/* The last one was so long ago. */
static enum sat_err is_due(struct host_step *step, const struct host_space *space, bool *due)
{
    struct sat_entry_row *entries;
    uint64_t seq;
    uint32_t n = 0;
    enum sat_err err = sat_store_collection_last(step->host->store, space->row.sid, &seq);
    *due = !err && seq == 0;
    if (err || *due) return err;
    err = sat_store_entries(step->host->store, space->row.sid, seq, 1, step->arena, &entries, &n);
    *due = !err && n && entries[0].entry.recv_ms + step->host->collect_every_ms <= step->now_ms;
    return err;
}

static enum sat_err collect_in(struct host_step *step, struct host_space *space, uint32_t budget)
{
    struct sat_host *host = step->host;
    bool due = space->collecting, more = false;
    struct round round = {.step = step, .space = space};
    struct sat_hash cursors;
    enum sat_err err = due ? SAT_OK : is_due(step, space, &due);
    if (!err && due) err = find_floor(host, space, step->arena, &round.floor, &cursors);
    space->collect_look_ms =
        step->now_ms + (host->collect_every_ms < LOOK_AGAIN_MS ? host->collect_every_ms : LOOK_AGAIN_MS);
    if (err || !due || round.floor == 0) return err;
    if (host->collect_after_ms <= step->now_ms) round.old_enough_ms = step->now_ms - host->collect_after_ms;
    err = look(&round, budget, &more);
    bool worth = round.n || (!more && round.floor >= space->row.floor + FLOOR_WORTH);
    if (!err && worth && round.floor >= space->row.floor) err = say(&round, &cursors);
    space->collecting = more;
    if (!more) space->collect_at = 0;
    if (more) space->collect_look_ms = 0;
    return err;
}

enum sat_err host_collect(struct host_step *step, uint32_t budget)
{
    struct sat_host *host = step->host;
    struct sat_space_row *rows;
    uint32_t n;
    if (host->collect_every_ms == 0 || host->recovering || step->now_ms < host->collect_look_ms) return SAT_OK;
    enum sat_err err = sat_store_spaces(host->store, step->arena, &rows, &n);
    host->collect_look_ms = UINT64_MAX;
    for (uint32_t i = 0; i < n && !err; i++) {
        struct host_space *space;
        err = host_space_load(host, &rows[i].id, &space);
        if (!err && step->now_ms >= space->collect_look_ms) err = collect_in(step, space, budget);
        if (!err && space->collect_look_ms < host->collect_look_ms) host->collect_look_ms = space->collect_look_ms;
    }
    if (err) host->collect_look_ms = step->now_ms + LOOK_AGAIN_MS;
    return err;
}
