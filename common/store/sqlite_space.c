/* Named values, the directory, and the spaces. */
#include <string.h>

#include "common/store/derived.h"
#include "common/store/sqlite.h"

enum sat_err sat_store_meta_put(struct sat_store *store, const char *key, struct sat_span value)
{
    struct sat_query query = sat_query_begin(store, SAT_SQL_META_PUT);
    sat_bind_text(&query, key);
    sat_bind_bytes(&query, value.at, value.len);
    return sat_query_run(&query);
}

enum sat_err sat_store_meta_get(struct sat_store *store, const char *key, struct sat_arena *arena, struct sat_span *out,
                                bool *found)
{
    struct sat_query query = sat_query_begin(store, SAT_SQL_META_GET);
    sat_bind_text(&query, key);
    *found = sat_query_step(&query);
    *out = *found ? sat_column_span(&query, arena) : (struct sat_span){0};
    return sat_query_end(&query);
}

enum sat_err sat_store_meta_delete(struct sat_store *store, const char *first, const char *behind)
{
    struct sat_query query = sat_query_begin(store, SAT_SQL_META_DELETE);
    sat_bind_text(&query, first);
    sat_bind_text(&query, behind);
    return sat_query_run(&query);
}

enum sat_err sat_store_meta_put_u64(struct sat_store *store, const char *key, uint64_t value)
{
    uint8_t bytes[8];
    for (unsigned i = 0; i < 8; i++) bytes[i] = (uint8_t)(value >> (8 * i));
    return sat_store_meta_put(store, key, SAT_SPAN(bytes));
}

enum sat_err sat_store_meta_get_u64(struct sat_store *store, const char *key, uint64_t absent, uint64_t *out)
{
    struct sat_query query = sat_query_begin(store, SAT_SQL_META_GET);
    sat_bind_text(&query, key);
    *out = absent;
    if (sat_query_step(&query)) {
        uint8_t bytes[8];
        sat_column_bytes(&query, bytes, sizeof bytes);
        struct sat_reader reader;
        sat_reader_init(&reader, SAT_SPAN(bytes));
        *out = sat_take_u64(&reader);
    }
    return sat_query_end(&query);
}

enum sat_err sat_store_link_append(struct sat_store *store, const struct sat_link_row *row)
{
    struct sat_query query = sat_query_begin(store, SAT_SQL_LINK_APPEND);
    sat_bind_u64(&query, row->seq);
    sat_bind_bytes(&query, row->bytes.at, row->bytes.len);
    sat_bind_u64(&query, row->sign.time_ms);
    sat_bind_bytes(&query, row->sign.signature.b, sizeof row->sign.signature.b);
    return sat_query_run(&query);
}

enum sat_err sat_store_links(struct sat_store *store, uint64_t first_seq, uint32_t limit, struct sat_arena *arena,
                             struct sat_link_row **out, uint32_t *n)
{
    struct sat_rows rows = {.arena = arena, .row_size = sizeof **out};
    struct sat_query query = sat_query_begin(store, SAT_SQL_LINKS);
    sat_bind_from(&query, first_seq);
    sat_bind_i64(&query, limit);
    while (sat_query_step(&query)) {
        struct sat_link_row *row = sat_rows_add(&rows);
        row->seq = sat_column_u64(&query);
        row->bytes = sat_column_span(&query, arena);
        row->sign.time_ms = sat_column_u64(&query);
        sat_column_bytes(&query, row->sign.signature.b, sizeof row->sign.signature.b);
    }
    *out = rows.at;
    *n = rows.n;
    return sat_query_end(&query);
}

static void read_space(struct sat_query *query, struct sat_space_row *out)
{
    memset(out, 0, sizeof *out);
    out->sid = sat_column_i64(query);
    sat_column_bytes(query, out->id.b, sizeof out->id.b);
    sat_column_bytes(query, out->log_epoch.b, sizeof out->log_epoch.b);
    struct sat_span log = sat_column_borrow(query);
    if (sat_frontier_decode(log, &out->log) != SAT_OK) sat_query_corrupt(query, "the state of a space's log");
    out->last_recv_ms = sat_column_u64(query);
    out->last_dir_at = sat_column_u64(query);
    sat_column_bytes(query, out->digest, sizeof out->digest);
    out->live = sat_column_u64(query);
    out->head_size = sat_column_u64(query);
    out->synced_ms = sat_column_u64(query);
    struct sat_span head = sat_column_borrow(query);
    if (head.len > sizeof out->head)
        sat_query_corrupt(query, "a space's head");
    else if (head.len)
        memcpy(out->head, head.at, head.len);
    out->head_len = head.len > sizeof out->head ? 0 : (uint16_t)head.len;
    out->floor = sat_column_u64(query);
    out->swept = sat_column_u64(query);
    out->aged = sat_column_u64(query);
    out->packed = sat_column_u64(query);
    out->repack = sat_column_u64(query) != 0;
    out->compacted = sat_column_u64(query);
    out->trusted = sat_column_u64(query);
}

enum sat_err sat_store_space_sid(struct sat_store *store, const struct sat_space_id *id, int64_t *out, bool *found)
{
    struct sat_query query = sat_query_begin(store, SAT_SQL_SPACE_SID);
    sat_bind_bytes(&query, id->b, sizeof id->b);
    *found = sat_query_step(&query);
    *out = *found ? sat_column_i64(&query) : 0;
    return sat_query_end(&query);
}

enum sat_err sat_store_space_find(struct sat_store *store, const struct sat_space_id *id, struct sat_space_row *out,
                                  bool *found)
{
    struct sat_query query = sat_query_begin(store, SAT_SQL_SPACE_FIND);
    sat_bind_bytes(&query, id->b, sizeof id->b);
    *found = sat_query_step(&query);
    if (*found) read_space(&query, out);
    return sat_query_end(&query);
}

enum sat_err sat_store_space_get(struct sat_store *store, int64_t sid, struct sat_space_row *out)
{
    struct sat_query query = sat_query_begin(store, SAT_SQL_SPACE_GET);
    sat_bind_i64(&query, sid);
    bool found = sat_query_step(&query);
    if (found) read_space(&query, out);
    return sat_query_end_found(&query, found, "space");
}

/* `log` holds the encoded frontier and must outlive the query. */
static void bind_space(struct sat_query *query, const struct sat_space_row *row, struct sat_buf *log)
{
    sat_frontier_encode(&row->log, log);
    sat_bind_bytes(query, row->id.b, sizeof row->id.b);
    sat_bind_bytes(query, row->log_epoch.b, sizeof row->log_epoch.b);
    sat_bind_bytes(query, log->at, log->len);
    sat_bind_u64(query, row->last_recv_ms);
    sat_bind_u64(query, row->last_dir_at);
    sat_bind_bytes(query, row->digest, sizeof row->digest);
    sat_bind_u64(query, row->live);
    sat_bind_u64(query, row->head_size);
    sat_bind_u64(query, row->synced_ms);
    sat_bind_bytes(query, row->head, row->head_len);
    sat_bind_u64(query, row->floor);
    sat_bind_u64(query, row->swept);
    sat_bind_u64(query, row->aged);
    sat_bind_u64(query, row->packed);
    sat_bind_u64(query, row->repack);
    sat_bind_u64(query, row->compacted);
    sat_bind_u64(query, row->trusted);
}

enum sat_err sat_store_space_create(struct sat_store *store, struct sat_space_row *row)
{
    struct sat_buf log;
    sat_buf_init(&log);
    struct sat_query query = sat_query_begin(store, SAT_SQL_SPACE_CREATE);
    bind_space(&query, row, &log);
    enum sat_err err = sat_query_run(&query);
    if (err == SAT_OK) row->sid = sqlite3_last_insert_rowid(store->db);
    sat_buf_deinit(&log);
    return err;
}

enum sat_err sat_store_space_save(struct sat_store *store, const struct sat_space_row *row)
{
    struct sat_buf log;
    sat_buf_init(&log);
    struct sat_query query = sat_query_begin(store, SAT_SQL_SPACE_SAVE);
    bind_space(&query, row, &log);
    sat_bind_i64(&query, row->sid);
    enum sat_err err = sat_query_run_on(&query, "space");
    sat_buf_deinit(&log);
    return err;
}

enum sat_err sat_store_spaces(struct sat_store *store, struct sat_arena *arena, struct sat_space_row **out, uint32_t *n)
{
    struct sat_rows rows = {.arena = arena, .row_size = sizeof **out};
    struct sat_query query = sat_query_begin(store, SAT_SQL_SPACES);
    while (sat_query_step(&query)) read_space(&query, sat_rows_add(&rows));
    *out = rows.at;
    *n = rows.n;
    return sat_query_end(&query);
}

static enum sat_err purge(struct sat_store *store, enum sat_sql which, int64_t id)
{
    struct sat_query query = sat_query_begin(store, which);
    sat_bind_i64(&query, id);
    return sat_query_run(&query);
}

enum sat_err sat_store_bundle_delete(struct sat_store *store, int64_t bid)
{
    enum sat_err err = purge(store, SAT_SQL_CUT_CHANGES, bid);
    return err ? err : purge(store, SAT_SQL_CUT_BUNDLE, bid);
}

enum sat_err sat_store_log_cut(struct sat_store *store, int64_t sid, uint64_t size)
{
    struct sat_query query = sat_query_begin(store, SAT_SQL_CUT_ENTRIES);
    sat_bind_i64(&query, sid);
    sat_bind_bound(&query, size);
    enum sat_err err = sat_query_run(&query);
    if (err) return err;
    query = sat_query_begin(store, SAT_SQL_CUT_RUNS);
    sat_bind_i64(&query, sid);
    sat_bind_bound(&query, size);
    err = sat_query_run(&query);
    return err ? err : purge(store, SAT_SQL_PURGE_STUBS, sid);
}

static enum sat_err purge_all(struct sat_store *store, int64_t sid)
{
    static const enum sat_sql which[] = {SAT_SQL_PURGE_CHANGES,     SAT_SQL_PURGE_BUNDLES,   SAT_SQL_PURGE_ENTRIES,
                                         SAT_SQL_PURGE_DRAFTS,      SAT_SQL_PURGE_STUBS,     SAT_SQL_PURGE_LIVES,
                                         SAT_SQL_LOST_DONE,         SAT_SQL_LOST_LOGS_DONE,  SAT_SQL_PURGE_CURSORS,
                                         SAT_SQL_PURGE_COLLECTIONS, SAT_SQL_PURGE_COLLECTED, SAT_SQL_PURGE_RUNS};
    struct sat_space_row row;
    enum sat_err err = sat_store_space_get(store, sid, &row);
    /* What was derived from it opens by what the mark says. */
    if (!err) err = sat_store_meta_delete(store, SAT_DERIVED_KEY, SAT_DERIVED_KEY "\x01");
    for (size_t i = 0; !err && i < sizeof which / sizeof which[0]; i++) err = purge(store, which[i], sid);
    if (err) return err;
    struct sat_query keys = sat_query_begin(store, SAT_SQL_PURGE_KEYS);
    sat_bind_bytes(&keys, row.id.b, sizeof row.id.b);
    err = sat_query_run(&keys);
    if (err) return err;
    row = (struct sat_space_row){.sid = sid, .id = row.id};
    sat_frontier_init(&row.log);
    return sat_store_space_save(store, &row);
}

enum sat_err sat_store_space_purge(struct sat_store *store, int64_t sid)
{
    sat_sqlite_overwrite(store, true);
    enum sat_err err = purge_all(store, sid);
    sat_sqlite_overwrite(store, false);
    return err;
}

void sat_sqlite_overwrite(struct sat_store *store, bool everything)
{
    (void)sqlite3_exec(store->db, everything ? "PRAGMA secure_delete = ON" : "PRAGMA secure_delete = FAST", NULL, NULL,
                       NULL);
}

void sat_store_forget_log(struct sat_store *store)
{
    (void)sqlite3_wal_checkpoint_v2(store->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
}
