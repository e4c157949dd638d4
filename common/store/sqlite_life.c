/* Lives of the logs, what a server lost, and what it is given back. */
#include <stdlib.h>
#include <string.h>

#include "common/store/sqlite.h"

struct numbered { /* a life and its place in the chain */
    uint64_t number;
    struct sat_life life;
};

static int compare_numbers(const void *a, const void *b)
{
    const struct numbered *left = a, *right = b;
    return left->number < right->number ? -1 : left->number > right->number;
}

enum sat_err sat_store_lives(struct sat_store *store, const struct sat_space_row *space, struct sat_arena *arena,
                             struct sat_lives *out)
{
    struct sat_rows rows = {.arena = arena, .row_size = sizeof(struct numbered)};
    struct sat_query query = sat_query_begin(store, SAT_SQL_LIVES);
    sat_bind_i64(&query, space->sid);
    while (sat_query_step(&query)) {
        struct numbered *row = sat_rows_add(&rows);
        row->number = sat_column_u64(&query);
        row->life.space = space->id;
        sat_column_bytes(&query, row->life.epoch.b, sizeof row->life.epoch.b);
        sat_column_bytes(&query, row->life.parent.b, sizeof row->life.parent.b);
        row->life.size = sat_column_u64(&query);
        sat_column_bytes(&query, row->life.root.b, sizeof row->life.root.b);
        row->life.time_ms = sat_column_u64(&query);
    }
    struct numbered *all = rows.at;
    if (rows.n > 1) qsort(all, rows.n, sizeof *all, compare_numbers);
    *out = (struct sat_lives){sat_arena_array(arena, rows.n, sizeof *out->at), rows.n};
    for (uint32_t i = 0; i < rows.n; i++) out->at[i] = all[i].life;
    return sat_query_end(&query);
}

enum sat_err sat_store_life_put(struct sat_store *store, int64_t sid, uint32_t number, const struct sat_life *life,
                                struct sat_span proof)
{
    struct sat_query query = sat_query_begin(store, SAT_SQL_LIFE_PUT);
    sat_bind_i64(&query, sid);
    sat_bind_i64(&query, number);
    sat_bind_bytes(&query, life->epoch.b, sizeof life->epoch.b);
    sat_bind_bytes(&query, life->parent.b, sizeof life->parent.b);
    sat_bind_u64(&query, life->size);
    sat_bind_bytes(&query, life->root.b, sizeof life->root.b);
    sat_bind_u64(&query, life->time_ms);
    sat_bind_bytes(&query, proof.at, proof.len);
    return sat_query_run(&query);
}

static struct sat_query begin_in(struct sat_store *store, enum sat_sql which, int64_t sid)
{
    struct sat_query query = sat_query_begin(store, which);
    sat_bind_i64(&query, sid);
    return query;
}

static enum sat_err run_in(struct sat_store *store, enum sat_sql which, int64_t sid)
{
    struct sat_query query = begin_in(store, which, sid);
    return sat_query_run(&query);
}

enum sat_err sat_store_lives_aside(struct sat_store *store, int64_t sid)
{
    return run_in(store, SAT_SQL_LIVES_ASIDE, sid);
}

enum sat_err sat_store_life_parent(struct sat_store *store, int64_t sid, const struct sat_log_epoch *epoch,
                                   struct sat_log_epoch *parent, bool *found)
{
    struct sat_query query = begin_in(store, SAT_SQL_LIFE_PARENT, sid);
    sat_bind_bytes(&query, epoch->b, sizeof epoch->b);
    *found = sat_query_step(&query);
    if (*found) sat_column_bytes(&query, parent->b, sizeof parent->b);
    return sat_query_end(&query);
}

/* ---- What was lost ---- */

enum sat_err sat_store_lost_log_put(struct sat_store *store, int64_t sid, const struct sat_lost_log *log)
{
    struct sat_buf before;
    sat_buf_init(&before);
    sat_frontier_encode(&log->before, &before);
    struct sat_query query = begin_in(store, SAT_SQL_LOST_LOG_PUT, sid);
    sat_bind_bytes(&query, log->epoch.b, sizeof log->epoch.b);
    sat_bind_bytes(&query, log->head.at, log->head.len);
    sat_bind_bytes(&query, before.at, before.len);
    enum sat_err err = sat_query_run(&query);
    sat_buf_deinit(&before);
    return err;
}

enum sat_err sat_store_lost_logs(struct sat_store *store, int64_t sid, struct sat_arena *arena,
                                 struct sat_lost_log **out, uint32_t *n)
{
    struct sat_rows rows = {.arena = arena, .row_size = sizeof **out};
    struct sat_query query = begin_in(store, SAT_SQL_LOST_LOGS, sid);
    while (sat_query_step(&query)) {
        struct sat_lost_log *log = sat_rows_add(&rows);
        sat_column_bytes(&query, log->epoch.b, sizeof log->epoch.b);
        log->head = sat_column_span(&query, arena);
        struct sat_span before = sat_column_borrow(&query);
        if (sat_frontier_decode(before, &log->before)) sat_query_corrupt(&query, "the state of a lost log");
    }
    *out = rows.at;
    *n = rows.n;
    return sat_query_end(&query);
}

enum sat_err sat_store_lost_put(struct sat_store *store, int64_t sid, const struct sat_log_epoch *epoch,
                                const struct sat_entry *entry)
{
    struct sat_query query = begin_in(store, SAT_SQL_LOST_PUT, sid);
    sat_bind_bytes(&query, epoch->b, sizeof epoch->b);
    sat_bind_u64(&query, entry->seq);
    sat_bind_i64(&query, entry->kind);
    sat_bind_bytes(&query, entry->id.b, sizeof entry->id.b);
    sat_bind_u64(&query, entry->recv_ms);
    sat_bind_u64(&query, entry->dir_at);
    sat_bind_u64(&query, sat_entry_receipt_ms(entry));
    sat_bind_u64(&query, sat_entry_receipt_dir(entry));
    return sat_query_run(&query);
}

enum sat_err sat_store_lost(struct sat_store *store, int64_t sid, const struct sat_log_epoch *epoch,
                            struct sat_arena *arena, struct sat_entry **out, uint32_t *n)
{
    struct sat_rows rows = {.arena = arena, .row_size = sizeof **out};
    struct sat_query query = begin_in(store, SAT_SQL_LOST, sid);
    sat_bind_bytes(&query, epoch->b, sizeof epoch->b);
    while (sat_query_step(&query)) {
        struct sat_entry *entry = sat_rows_add(&rows);
        entry->seq = sat_column_u64(&query);
        entry->kind = (uint8_t)sat_column_u32(&query);
        sat_column_bytes(&query, entry->id.b, sizeof entry->id.b);
        entry->recv_ms = sat_column_u64(&query);
        entry->dir_at = sat_column_u64(&query);
        entry->receipt_ms = sat_column_u64(&query);
        entry->receipt_dir = sat_column_u64(&query);
    }
    *out = rows.at;
    *n = rows.n;
    return sat_query_end(&query);
}

enum sat_err sat_store_lost_has(struct sat_store *store, int64_t sid, const struct sat_hash *bundle, bool *has)
{
    struct sat_query query = begin_in(store, SAT_SQL_LOST_HAS, sid);
    sat_bind_bytes(&query, bundle->b, sizeof bundle->b);
    *has = sat_query_step(&query);
    return sat_query_end(&query);
}

enum sat_err sat_store_lost_forget(struct sat_store *store, int64_t sid, const struct sat_log_epoch *epoch)
{
    struct sat_query query = begin_in(store, SAT_SQL_LOST_FORGET, sid);
    sat_bind_bytes(&query, epoch->b, sizeof epoch->b);
    return sat_query_run(&query);
}

enum sat_err sat_store_returns_again(struct sat_store *store, int64_t sid)
{
    return run_in(store, SAT_SQL_RETURNS_AGAIN, sid);
}

enum sat_err sat_store_lost_done(struct sat_store *store, int64_t sid)
{
    return run_in(store, SAT_SQL_LOST_DONE, sid);
}

/* ---- Receipts ---- */

enum sat_err sat_store_receipt_put(struct sat_store *store, int64_t sid, const struct sat_hash *bundle,
                                   uint64_t recv_ms, uint64_t dir_at)
{
    struct sat_query query = begin_in(store, SAT_SQL_RECEIPT_PUT, sid);
    sat_bind_bytes(&query, bundle->b, sizeof bundle->b);
    sat_bind_u64(&query, recv_ms);
    sat_bind_u64(&query, dir_at);
    return sat_query_run(&query);
}

enum sat_err sat_store_receipt_get(struct sat_store *store, int64_t sid, const struct sat_hash *bundle,
                                   uint64_t *recv_ms, uint64_t *dir_at, bool *found)
{
    struct sat_query query = begin_in(store, SAT_SQL_RECEIPT_GET, sid);
    sat_bind_bytes(&query, bundle->b, sizeof bundle->b);
    *recv_ms = *dir_at = 0;
    *found = sat_query_step(&query);
    if (*found) {
        *recv_ms = sat_column_u64(&query);
        *dir_at = sat_column_u64(&query);
    }
    return sat_query_end(&query);
}

enum sat_err sat_store_receipt_done(struct sat_store *store, int64_t sid, const struct sat_hash *bundle)
{
    struct sat_query query = begin_in(store, SAT_SQL_RECEIPT_DONE, sid);
    sat_bind_bytes(&query, bundle->b, sizeof bundle->b);
    return sat_query_run(&query);
}

enum sat_err sat_store_stub_count_back(struct sat_store *store, int64_t sid, uint64_t *out)
{
    struct sat_query query = begin_in(store, SAT_SQL_STUB_COUNT_BACK, sid);
    return sat_query_count(&query, out);
}
