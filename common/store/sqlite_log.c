/* The entries of the spaces' logs. */
#include <string.h>

#include "common/store/sqlite.h"

enum sat_err sat_store_entry_append(struct sat_store *store, int64_t sid, const struct sat_entry_row *row)
{
    struct sat_query query = sat_query_begin(store, SAT_SQL_ENTRY_APPEND);
    sat_bind_i64(&query, sid);
    sat_bind_u64(&query, row->entry.seq);
    sat_bind_i64(&query, row->entry.kind);
    sat_bind_bytes(&query, row->entry.id.b, sizeof row->entry.id.b);
    sat_bind_u64(&query, row->entry.recv_ms);
    sat_bind_u64(&query, row->entry.dir_at);
    sat_bind_bytes(&query, row->root.b, sizeof row->root.b);
    sat_bind_i64(&query, row->bid);
    sat_bind_u64(&query, row->entry.receipt_ms);
    sat_bind_u64(&query, row->entry.receipt_dir);
    return sat_query_run(&query);
}

static void read_entry(struct sat_query *query, struct sat_entry_row *row)
{
    row->entry.seq = sat_column_u64(query);
    row->entry.kind = (uint8_t)sat_column_u32(query);
    sat_column_bytes(query, row->entry.id.b, sizeof row->entry.id.b);
    row->entry.recv_ms = sat_column_u64(query);
    row->entry.dir_at = sat_column_u64(query);
    sat_column_bytes(query, row->root.b, sizeof row->root.b);
    row->bid = sat_column_i64(query);
    row->entry.receipt_ms = sat_column_u64(query);
    row->entry.receipt_dir = sat_column_u64(query);
}

enum sat_err sat_store_entry_find(struct sat_store *store, int64_t sid, const struct sat_hash *id,
                                  struct sat_entry_row *out, bool *found)
{
    struct sat_query query = sat_query_begin(store, SAT_SQL_ENTRY_FIND);
    sat_bind_i64(&query, sid);
    sat_bind_bytes(&query, id->b, sizeof id->b);
    memset(out, 0, sizeof *out);
    *found = sat_query_step(&query);
    if (*found) read_entry(&query, out);
    return sat_query_end(&query);
}

enum sat_err sat_store_entry_set_bundle(struct sat_store *store, int64_t sid, uint64_t seq, int64_t bid)
{
    struct sat_query query = sat_query_begin(store, SAT_SQL_ENTRY_SET_BUNDLE);
    sat_bind_i64(&query, sid);
    sat_bind_u64(&query, seq);
    sat_bind_i64(&query, bid);
    return sat_query_run_on(&query, "entry");
}

enum sat_err sat_store_entries(struct sat_store *store, int64_t sid, uint64_t first_seq, uint32_t limit,
                               struct sat_arena *arena, struct sat_entry_row **out, uint32_t *n)
{
    struct sat_rows rows = {.arena = arena, .row_size = sizeof **out};
    struct sat_query query = sat_query_begin(store, SAT_SQL_ENTRIES);
    sat_bind_i64(&query, sid);
    sat_bind_from(&query, first_seq);
    sat_bind_i64(&query, limit);
    while (sat_query_step(&query)) read_entry(&query, sat_rows_add(&rows));
    *out = rows.at;
    *n = rows.n;
    return sat_query_end(&query);
}

enum sat_err sat_store_root_at(struct sat_store *store, int64_t sid, uint64_t size, struct sat_hash *out, bool *found)
{
    memset(out, 0, sizeof *out);
    *found = size == 0;
    if (size == 0) return SAT_OK;
    struct sat_query query = sat_query_begin(store, SAT_SQL_ROOT_AT);
    sat_bind_i64(&query, sid);
    sat_bind_bound(&query, size);
    *found = sat_query_step(&query);
    if (*found) sat_column_bytes(&query, out->b, sizeof out->b);
    return sat_query_end(&query);
}
