#include "common/sync/remerge.h"

#include <stdlib.h>

#include "common/proof/header.h"
#include "common/sync/digest.h"
#include "common/sync/merge.h"

static int by_arrival(const void *a, const void *b)
{
    const struct sat_change_row *left = a, *right = b;
    if (left->seq != right->seq) return left->seq < right->seq ? -1 : 1;
    return left->cid < right->cid ? -1 : left->cid > right->cid;
}

/* Accepted, and not put aside. */
static bool counts(const struct sat_change_row *row)
{
    return row->seq && row->state <= SAT_CHANGE_DEAD;
}

struct merging {
    struct sat_version *live;
    uint64_t *seqs; /* of their entries */
    bool *drop;
    uint32_t n;
    bool collected; /* the record was, in `by`, which is still to come */
    struct sat_collected_row by;
};

/* Once the log is behind the collection: what was live up to the floor is forgotten. */
static void collect(struct merging *merging, uint64_t seq)
{
    uint32_t left = 0;
    if (!merging->collected || seq < merging->by.seq) return;
    merging->collected = false;
    for (uint32_t i = 0; i < merging->n; i++) {
        if (merging->seqs[i] <= merging->by.floor) continue;
        merging->seqs[left] = merging->seqs[i];
        merging->live[left++] = merging->live[i];
    }
    merging->n = left;
}

static enum sat_err arrive(struct merging *merging, const struct sat_change_row *row, struct sat_arena *arena)
{
    struct sat_header header;
    bool dead;
    uint32_t left = 0;
    if (sat_header_decode(row->header, arena, &header)) return SAT_ERR_CORRUPT;
    collect(merging, row->seq);
    struct sat_version arrived = {row->dot, header.seen, header.kept, header.holes};
    sat_merge_arrive(merging->live, merging->n, &arrived, merging->drop, &dead);
    for (uint32_t i = 0; i < merging->n; i++) {
        if (merging->drop[i]) continue;
        merging->seqs[left] = merging->seqs[i];
        merging->live[left++] = merging->live[i];
    }
    if (!dead) merging->seqs[left] = row->seq;
    if (!dead) merging->live[left++] = arrived;
    merging->n = left;
    return SAT_OK;
}

static bool is_live(const struct merging *merging, struct sat_dot dot)
{
    for (uint32_t i = 0; i < merging->n; i++)
        if (sat_dot_compare(merging->live[i].dot, dot) == 0) return true;
    return false;
}

static enum sat_err settle(struct sat_store *store, struct sat_space_row *space, const struct sat_change_row *row,
                           bool live)
{
    if (live)
        sat_digest_add(space, &row->record, row->dot, &row->rest);
    else
        sat_digest_remove(space, &row->record, row->dot, &row->rest);
    return sat_store_change_set_state(store, row->cid, live ? SAT_CHANGE_LIVE : SAT_CHANGE_DEAD);
}

static enum sat_err remerge(struct sat_store *store, struct sat_space_row *space, const struct sat_record_id *record,
                            struct sat_arena *arena, bool *changed)
{
    struct sat_change_row *rows;
    uint32_t n;
    enum sat_err err = sat_store_changes_of_record(store, space->sid, record, arena, &rows, &n);
    if (err || n == 0) return err;
    qsort(rows, n, sizeof *rows, by_arrival);
    struct merging merging = {.live = sat_arena_array(arena, n, sizeof *merging.live),
                              .seqs = sat_arena_array(arena, n, sizeof *merging.seqs),
                              .drop = sat_arena_array(arena, n, sizeof *merging.drop)};
    err = sat_store_collected_get(store, space->sid, record, &merging.by, &merging.collected);
    for (uint32_t i = 0; i < n && !err; i++)
        if (counts(&rows[i]) && rows[i].header.len) err = arrive(&merging, &rows[i], arena);
    collect(&merging, space->log.size);
    for (uint32_t i = 0; i < n && !err; i++) {
        bool live = is_live(&merging, rows[i].dot);
        if (!counts(&rows[i]) || live == (rows[i].state == SAT_CHANGE_LIVE)) continue;
        err = settle(store, space, &rows[i], live);
        *changed = true;
    }
    return err;
}

enum sat_err sat_base_remerge(struct sat_store *store, struct sat_space_row *space, const struct sat_record_id *record,
                              bool *changed)
{
    struct sat_arena arena;
    sat_arena_init(&arena);
    *changed = false;
    enum sat_err err = remerge(store, space, record, &arena, changed);
    sat_arena_deinit(&arena);
    return err;
}
