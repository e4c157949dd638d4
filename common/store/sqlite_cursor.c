/* How far devices have signed that they are. */
#include <string.h>

#include "common/store/sqlite.h"

enum sat_err sat_store_cursor_put(struct sat_store *store, const struct sat_cursor_row *row)
{
    const struct sat_cursor *cursor = &row->cursor;
    struct sat_query query = sat_query_begin(store, SAT_SQL_CURSOR_PUT);
    sat_bind_i64(&query, row->sid);
    sat_bind_i64(&query, cursor->device);
    sat_bind_bytes(&query, cursor->log_epoch.b, sizeof cursor->log_epoch.b);
    sat_bind_u64(&query, cursor->size);
    sat_bind_bytes(&query, cursor->root.b, sizeof cursor->root.b);
    sat_bind_bytes(&query, cursor->digest.b, sizeof cursor->digest.b);
    sat_bind_u64(&query, cursor->ack);
    sat_bind_u64(&query, cursor->dir_seq);
    sat_bind_bytes(&query, cursor->dir_hash.b, sizeof cursor->dir_hash.b);
    sat_bind_bytes(&query, row->signature.b, sizeof row->signature.b);
    return sat_query_run(&query);
}

static void read_cursor(struct sat_query *query, struct sat_cursor_row *out)
{
    struct sat_cursor *cursor = &out->cursor;
    out->sid = sat_column_i64(query);
    cursor->device = sat_column_u32(query);
    sat_column_bytes(query, cursor->log_epoch.b, sizeof cursor->log_epoch.b);
    cursor->size = sat_column_u64(query);
    sat_column_bytes(query, cursor->root.b, sizeof cursor->root.b);
    sat_column_bytes(query, cursor->digest.b, sizeof cursor->digest.b);
    cursor->ack = sat_column_u64(query);
    cursor->dir_seq = sat_column_u64(query);
    sat_column_bytes(query, cursor->dir_hash.b, sizeof cursor->dir_hash.b);
    sat_column_bytes(query, out->signature.b, sizeof out->signature.b);
}

enum sat_err sat_store_cursor_get(struct sat_store *store, int64_t sid, uint32_t device, struct sat_cursor_row *out,
                                  bool *found)
{
    memset(out, 0, sizeof *out);
    struct sat_query query = sat_query_begin(store, SAT_SQL_CURSOR_GET);
    sat_bind_i64(&query, sid);
    sat_bind_i64(&query, device);
    *found = sat_query_step(&query);
    if (*found) read_cursor(&query, out);
    return sat_query_end(&query);
}

enum sat_err sat_store_cursors(struct sat_store *store, int64_t sid, uint32_t device, uint32_t limit,
                               struct sat_arena *arena, struct sat_cursor_row **out, uint32_t *n)
{
    struct sat_rows rows = {.arena = arena, .row_size = sizeof **out};
    struct sat_query query = sat_query_begin(store, SAT_SQL_CURSORS);
    sat_bind_i64(&query, sid);
    sat_bind_i64(&query, device);
    sat_bind_i64(&query, limit);
    while (sat_query_step(&query)) read_cursor(&query, sat_rows_add(&rows));
    *out = rows.at;
    *n = rows.n;
    return sat_query_end(&query);
}

enum sat_err sat_store_cursor_delete(struct sat_store *store, int64_t sid, uint32_t device)
{
    struct sat_query query = sat_query_begin(store, SAT_SQL_CURSOR_DELETE);
    sat_bind_i64(&query, sid);
    sat_bind_i64(&query, device);
    return sat_query_run(&query);
}
