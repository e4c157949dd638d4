/* Collections, what was forgotten by them, and what may be. */
#include <string.h>

#include "common/store/sqlite.h"

enum sat_err sat_store_collection_put(struct sat_store *store, int64_t sid, const struct sat_collection_row *row)
{
    struct sat_query query = sat_query_begin(store, SAT_SQL_COLLECTION_PUT);
    sat_bind_i64(&query, sid);
    sat_bind_u64(&query, row->seq);
    sat_bind_bytes(&query, row->bytes.at, row->bytes.len);
    return sat_query_run(&query);
}

enum sat_err sat_store_collection_get(struct sat_store *store, int64_t sid, uint64_t seq, struct sat_arena *arena,
                                      struct sat_span *out, bool *found)
{
    struct sat_query query = sat_query_begin(store, SAT_SQL_COLLECTION_GET);
    sat_bind_i64(&query, sid);
    sat_bind_bound(&query, seq);
    *found = sat_query_step(&query);
    *out = *found ? sat_column_span(&query, arena) : (struct sat_span){0};
    return sat_query_end(&query);
}

enum sat_err sat_store_collections(struct sat_store *store, int64_t sid, uint64_t first_seq, uint32_t limit,
                                   struct sat_arena *arena, struct sat_collection_row **out, uint32_t *n)
{
    struct sat_rows rows = {.arena = arena, .row_size = sizeof **out};
    struct sat_query query = sat_query_begin(store, SAT_SQL_COLLECTIONS);
    sat_bind_i64(&query, sid);
    sat_bind_from(&query, first_seq);
    sat_bind_i64(&query, limit);
    while (sat_query_step(&query)) {
        struct sat_collection_row *row = sat_rows_add(&rows);
        row->seq = sat_column_u64(&query);
        row->bytes = sat_column_span(&query, arena);
    }
    *out = rows.at;
    *n = rows.n;
    return sat_query_end(&query);
}

enum sat_err sat_store_collection_last(struct sat_store *store, int64_t sid, uint64_t *seq)
{
    struct sat_query query = sat_query_begin(store, SAT_SQL_COLLECTION_LAST);
    sat_bind_i64(&query, sid);
    return sat_query_count(&query, seq);
}

enum sat_err sat_store_collected_put(struct sat_store *store, int64_t sid, const struct sat_collected_row *row)
{
    struct sat_query query = sat_query_begin(store, SAT_SQL_COLLECTED_PUT);
    sat_bind_i64(&query, sid);
    sat_bind_bytes(&query, row->record.b, sizeof row->record.b);
    sat_bind_i64(&query, row->deletion.device);
    sat_bind_u64(&query, row->deletion.counter);
    sat_bind_u64(&query, row->seq);
    sat_bind_u64(&query, row->floor);
    return sat_query_run(&query);
}

/* All but the record. */
static void read_collected(struct sat_query *query, struct sat_collected_row *out)
{
    out->deletion.device = sat_column_u32(query);
    out->deletion.counter = sat_column_u64(query);
    out->seq = sat_column_u64(query);
    out->floor = sat_column_u64(query);
}

enum sat_err sat_store_collected_get(struct sat_store *store, int64_t sid, const struct sat_record_id *record,
                                     struct sat_collected_row *out, bool *found)
{
    struct sat_query query = sat_query_begin(store, SAT_SQL_COLLECTED_GET);
    sat_bind_i64(&query, sid);
    sat_bind_bytes(&query, record->b, sizeof record->b);
    *out = (struct sat_collected_row){.record = *record};
    *found = sat_query_step(&query);
    if (*found) read_collected(&query, out);
    return sat_query_end(&query);
}

enum sat_err sat_store_collected_any(struct sat_store *store, int64_t sid, bool *any)
{
    struct sat_query query = sat_query_begin(store, SAT_SQL_COLLECTED_ANY);
    sat_bind_i64(&query, sid);
    *any = sat_query_step(&query);
    return sat_query_end(&query);
}

enum sat_err sat_store_collections_cut(struct sat_store *store, int64_t sid, uint64_t size)
{
    struct sat_query query = sat_query_begin(store, SAT_SQL_CUT_COLLECTIONS);
    sat_bind_i64(&query, sid);
    sat_bind_bound(&query, size);
    enum sat_err err = sat_query_run(&query);
    if (err) return err;
    query = sat_query_begin(store, SAT_SQL_PURGE_COLLECTED);
    sat_bind_i64(&query, sid);
    return sat_query_run(&query);
}

enum sat_err sat_store_deletions_live(struct sat_store *store, int64_t sid, int64_t after, uint32_t limit,
                                      struct sat_arena *arena, struct sat_deletion_row **out, uint32_t *n)
{
    struct sat_rows rows = {.arena = arena, .row_size = sizeof **out};
    struct sat_query query = sat_query_begin(store, SAT_SQL_DELETIONS_LIVE);
    sat_bind_i64(&query, sid);
    sat_bind_i64(&query, after);
    sat_bind_i64(&query, limit);
    while (sat_query_step(&query)) {
        struct sat_deletion_row *row = sat_rows_add(&rows);
        row->cid = sat_column_i64(&query);
        sat_column_bytes(&query, row->record.b, sizeof row->record.b);
        row->dot.device = sat_column_u32(&query);
        row->dot.counter = sat_column_u64(&query);
        row->seq = sat_column_u64(&query);
    }
    *out = rows.at;
    *n = rows.n;
    return sat_query_end(&query);
}
