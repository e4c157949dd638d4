/* What only a device's store holds: drafts, epoch keys, stubs that wait for their justification. */
#include "common/store/sqlite.h"

enum sat_err sat_store_draft_insert(struct sat_store *store, const struct sat_draft_row *row)
{
    struct sat_query query = sat_query_begin(store, SAT_SQL_DRAFT_INSERT);
    sat_bind_u64(&query, row->counter);
    sat_bind_i64(&query, row->sid);
    sat_bind_bytes(&query, row->record.b, sizeof row->record.b);
    sat_bind_bytes(&query, row->header.at, row->header.len);
    sat_bind_bytes(&query, row->body.at, row->body.len);
    return sat_query_run(&query);
}

static enum sat_err read_drafts(struct sat_query *query, size_t bytes, struct sat_arena *arena,
                                struct sat_draft_row **out, uint32_t *n)
{
    struct sat_rows rows = {.arena = arena, .row_size = sizeof **out};
    for (size_t had = 0; had < bytes && sat_query_step(query);) {
        struct sat_draft_row *row = sat_rows_add(&rows);
        row->counter = sat_column_u64(query);
        row->sid = sat_column_i64(query);
        sat_column_bytes(query, row->record.b, sizeof row->record.b);
        row->header = sat_column_span(query, arena);
        row->body = sat_column_span(query, arena);
        had += row->header.len + row->body.len;
    }
    *out = rows.at;
    *n = rows.n;
    return sat_query_end(query);
}

enum sat_err sat_store_drafts(struct sat_store *store, uint64_t counter, uint32_t limit, size_t bytes,
                              struct sat_arena *arena, struct sat_draft_row **out, uint32_t *n)
{
    struct sat_query query = sat_query_begin(store, SAT_SQL_DRAFTS);
    sat_bind_from(&query, counter);
    sat_bind_i64(&query, limit);
    return read_drafts(&query, bytes, arena, out, n);
}

enum sat_err sat_store_drafts_of_record(struct sat_store *store, int64_t sid, const struct sat_record_id *record,
                                        struct sat_arena *arena, struct sat_draft_row **out, uint32_t *n)
{
    struct sat_query query = sat_query_begin(store, SAT_SQL_DRAFTS_OF_RECORD);
    sat_bind_i64(&query, sid);
    sat_bind_bytes(&query, record->b, sizeof record->b);
    return read_drafts(&query, SIZE_MAX, arena, out, n);
}

enum sat_err sat_store_drafts_seeing(struct sat_store *store, uint64_t counter, uint32_t limit, struct sat_arena *arena,
                                     struct sat_draft_row **out, uint32_t *n)
{
    struct sat_rows rows = {.arena = arena, .row_size = sizeof **out};
    struct sat_query query = sat_query_begin(store, SAT_SQL_DRAFTS_SEEING);
    sat_bind_from(&query, counter);
    sat_bind_i64(&query, limit);
    while (sat_query_step(&query)) {
        struct sat_draft_row *row = sat_rows_add(&rows);
        row->counter = sat_column_u64(&query);
        row->sid = sat_column_i64(&query);
        sat_column_bytes(&query, row->record.b, sizeof row->record.b);
    }
    *out = rows.at;
    *n = rows.n;
    return sat_query_end(&query);
}

enum sat_err sat_store_draft_newest(struct sat_store *store, uint64_t *out)
{
    struct sat_query query = sat_query_begin(store, SAT_SQL_DRAFT_NEWEST);
    return sat_query_count(&query, out);
}

enum sat_err sat_store_drafts_span(struct sat_store *store, int64_t sid, uint64_t *first, uint64_t *last)
{
    struct sat_query query = sat_query_begin(store, SAT_SQL_DRAFTS_SPAN);
    sat_bind_i64(&query, sid);
    *first = *last = 0;
    if (sat_query_step(&query)) {
        *first = sat_column_u64(&query);
        *last = sat_column_u64(&query);
    }
    return sat_query_end(&query);
}

enum sat_err sat_store_has_drafts(struct sat_store *store, int64_t sid, bool *has)
{
    struct sat_query query = sat_query_begin(store, SAT_SQL_DRAFT_IN_SPACE);
    sat_bind_i64(&query, sid);
    *has = sat_query_step(&query);
    return sat_query_end(&query);
}

static enum sat_err with_drafts(struct sat_store *store, enum sat_sql which, uint64_t first, uint64_t last)
{
    struct sat_query query = sat_query_begin(store, which);
    sat_bind_bound(&query, first);
    sat_bind_bound(&query, last);
    return sat_query_run(&query);
}

enum sat_err sat_store_record_waits(struct sat_store *store, int64_t sid, const struct sat_record_id *record,
                                    bool *waits)
{
    struct sat_query query = sat_query_begin(store, SAT_SQL_RECORD_WAITS);
    sat_bind_i64(&query, sid);
    sat_bind_bytes(&query, record->b, sizeof record->b);
    *waits = sat_query_step(&query);
    return sat_query_end(&query);
}

enum sat_err sat_store_drafts_delete(struct sat_store *store, uint64_t first, uint64_t last)
{
    enum sat_err err = with_drafts(store, SAT_SQL_DRAFTS_TOUCH, first, last);
    return err ? err : with_drafts(store, SAT_SQL_DRAFTS_DELETE, first, last);
}

enum sat_err sat_store_drafts_frozen(struct sat_store *store, uint64_t first, uint64_t last)
{
    return with_drafts(store, SAT_SQL_DRAFTS_DELETE, first, last);
}

enum sat_err sat_store_draft_count(struct sat_store *store, uint64_t *out)
{
    struct sat_query query = sat_query_begin(store, SAT_SQL_DRAFT_COUNT);
    return sat_query_count(&query, out);
}

enum sat_err sat_store_key_put(struct sat_store *store, const struct sat_space_id *space, uint32_t epoch,
                               struct sat_span sealed)
{
    struct sat_query query = sat_query_begin(store, SAT_SQL_KEY_PUT);
    sat_bind_bytes(&query, space->b, sizeof space->b);
    sat_bind_i64(&query, epoch);
    sat_bind_bytes(&query, sealed.at, sealed.len);
    return sat_query_run(&query);
}

enum sat_err sat_store_key_get(struct sat_store *store, const struct sat_space_id *space, uint32_t epoch,
                               struct sat_arena *arena, struct sat_span *out, bool *found)
{
    struct sat_query query = sat_query_begin(store, SAT_SQL_KEY_GET);
    sat_bind_bytes(&query, space->b, sizeof space->b);
    sat_bind_i64(&query, epoch);
    *found = sat_query_step(&query);
    *out = *found ? sat_column_span(&query, arena) : (struct sat_span){0};
    return sat_query_end(&query);
}

enum sat_err sat_store_key_count(struct sat_store *store, uint64_t *out)
{
    struct sat_query query = sat_query_begin(store, SAT_SQL_KEY_COUNT);
    return sat_query_count(&query, out);
}

static struct sat_query stub_query(struct sat_store *store, enum sat_sql which, int64_t sid,
                                   const struct sat_record_id *record)
{
    struct sat_query query = sat_query_begin(store, which);
    sat_bind_i64(&query, sid);
    sat_bind_bytes(&query, record->b, sizeof record->b);
    return query;
}

enum sat_err sat_store_stub_add(struct sat_store *store, int64_t sid, const struct sat_record_id *record,
                                struct sat_dot dot)
{
    struct sat_query query = stub_query(store, SAT_SQL_STUB_ADD, sid, record);
    sat_bind_i64(&query, dot.device);
    sat_bind_u64(&query, dot.counter);
    return sat_query_run(&query);
}

enum sat_err sat_store_stubs_of_record(struct sat_store *store, int64_t sid, const struct sat_record_id *record,
                                       struct sat_arena *arena, struct sat_dot **out, uint32_t *n)
{
    struct sat_rows rows = {.arena = arena, .row_size = sizeof **out};
    struct sat_query query = stub_query(store, SAT_SQL_STUBS_OF_RECORD, sid, record);
    while (sat_query_step(&query)) {
        struct sat_dot *dot = sat_rows_add(&rows);
        dot->device = sat_column_u32(&query);
        dot->counter = sat_column_u64(&query);
    }
    *out = rows.at;
    *n = rows.n;
    return sat_query_end(&query);
}

enum sat_err sat_store_stub_remove(struct sat_store *store, int64_t sid, const struct sat_record_id *record,
                                   struct sat_dot dot)
{
    struct sat_query query = stub_query(store, SAT_SQL_STUB_REMOVE, sid, record);
    sat_bind_i64(&query, dot.device);
    sat_bind_bound(&query, dot.counter);
    return sat_query_run(&query);
}

enum sat_err sat_store_stub_count(struct sat_store *store, int64_t sid, uint64_t *out)
{
    struct sat_query query = sat_query_begin(store, SAT_SQL_STUB_COUNT);
    sat_bind_i64(&query, sid);
    return sat_query_count(&query, out);
}
