/* Changes: by record, by bundle, by state. */
#include <stdlib.h>

#include "common/base/check.h"
#include "common/store/sqlite.h"

/* What is pending is live once its bundle is accepted, and the bundle says that it is not yet. */
static int64_t stored_state(enum sat_change_state state)
{
    return state == SAT_CHANGE_PENDING ? SAT_CHANGE_LIVE : state;
}

static void bind_change(struct sat_query *query, const struct sat_change_row *row)
{
    sat_bind_i64(query, row->cid);
    sat_bind_i64(query, row->sid);
    sat_bind_bytes(query, row->record.b, sizeof row->record.b);
    sat_bind_i64(query, row->dot.device);
    sat_bind_u64(query, row->dot.counter);
    sat_bind_i64(query, stored_state((enum sat_change_state)row->state));
    sat_bind_bytes(query, row->header.at, row->header.len);
    sat_bind_bytes(query, row->body.at, row->body.len);
    sat_bind_bytes(query, row->rest.b, sizeof row->rest.b);
}

enum sat_err sat_store_change_insert(struct sat_store *store, const struct sat_change_row *row)
{
    struct sat_query query = sat_query_begin(store, SAT_SQL_CHANGE_INSERT);
    bind_change(&query, row);
    return sat_query_run(&query);
}

enum sat_err sat_store_changes_insert(struct sat_store *store, const struct sat_change_row *rows, uint32_t n)
{
    enum sat_err err = SAT_OK;
    sat_check(n <= SAT_CHANGES_TOGETHER);
    if (n == SAT_CHANGES_TOGETHER) {
        struct sat_query query = sat_query_begin(store, SAT_SQL_CHANGES_INSERT);
        for (uint32_t i = 0; i < n; i++) bind_change(&query, &rows[i]);
        return sat_query_run(&query);
    }
    for (uint32_t i = 0; i < n && !err; i++) err = sat_store_change_insert(store, &rows[i]);
    return err;
}

enum sat_err sat_store_change_set_state(struct sat_store *store, int64_t cid, enum sat_change_state state)
{
    struct sat_query query = sat_query_begin(store, SAT_SQL_CHANGE_SET_STATE);
    sat_bind_i64(&query, cid);
    sat_bind_i64(&query, stored_state(state));
    return sat_query_run_on(&query, "change");
}

enum sat_err sat_store_changes_forget(struct sat_store *store, int64_t sid, const struct sat_record_id *record)
{
    struct sat_query query = sat_query_begin(store, SAT_SQL_CHANGES_FORGET);
    sat_bind_i64(&query, sid);
    sat_bind_bytes(&query, record->b, sizeof record->b);
    sat_sqlite_overwrite(store, true);
    enum sat_err err = sat_query_run(&query);
    sat_sqlite_overwrite(store, false);
    return err;
}

enum sat_err sat_store_change_forget(struct sat_store *store, int64_t cid)
{
    struct sat_query query = sat_query_begin(store, SAT_SQL_CHANGE_FORGET);
    sat_bind_i64(&query, cid);
    return sat_query_run(&query);
}

enum sat_err sat_store_history(struct sat_store *store, int64_t sid, const struct sat_record_id *record,
                               struct sat_arena *arena, struct sat_change_row **out, uint32_t *n)
{
    struct sat_rows rows = {.arena = arena, .row_size = sizeof **out};
    struct sat_query query = sat_query_begin(store, SAT_SQL_HISTORY);
    sat_bind_i64(&query, sid);
    sat_bind_bytes(&query, record->b, sizeof record->b);
    while (sat_query_step(&query)) {
        struct sat_change_row *row = sat_rows_add(&rows);
        row->sid = sid;
        row->record = *record;
        row->cid = sat_column_i64(&query);
        row->dot.device = sat_column_u32(&query);
        row->dot.counter = sat_column_u64(&query);
        row->state = (uint8_t)sat_column_u32(&query);
        row->header = sat_column_span(&query, arena);
        row->seq = sat_column_u64(&query);
    }
    *out = rows.at;
    *n = rows.n;
    return sat_query_end(&query);
}

enum sat_err sat_store_bundle_is_empty(struct sat_store *store, int64_t bid, bool *empty)
{
    struct sat_query query = sat_query_begin(store, SAT_SQL_BUNDLE_KEPT);
    sat_bind_i64(&query, bid);
    *empty = !sat_query_step(&query);
    return sat_query_end(&query);
}

static struct sat_change_row *read_change(struct sat_query *query, struct sat_rows *rows)
{
    struct sat_change_row *out = sat_rows_add(rows);
    out->cid = sat_column_i64(query);
    out->sid = sat_column_i64(query);
    sat_column_bytes(query, out->record.b, sizeof out->record.b);
    out->dot.device = sat_column_u32(query);
    out->dot.counter = sat_column_u64(query);
    out->state = (uint8_t)sat_column_u32(query);
    out->header = sat_column_span(query, rows->arena);
    out->body = sat_column_span(query, rows->arena);
    sat_column_bytes(query, out->rest.b, sizeof out->rest.b);
    return out;
}

static int compare_dots(const void *a, const void *b)
{
    const struct sat_change_row *left = a, *right = b;
    return sat_dot_compare(left->dot, right->dot);
}

/* What has no receive time yet comes last. */
static int compare_received(const void *a, const void *b)
{
    const struct sat_change_row *left = a, *right = b;
    uint64_t left_ms = left->recv_ms ? left->recv_ms : UINT64_MAX,
             right_ms = right->recv_ms ? right->recv_ms : UINT64_MAX;
    if (left_ms != right_ms) return left_ms < right_ms ? -1 : 1;
    return sat_dot_compare(left->dot, right->dot);
}

static void sort_rows(struct sat_rows *rows, int (*compare)(const void *, const void *))
{
    if (rows->n > 1) qsort(rows->at, rows->n, rows->row_size, compare);
}

enum sat_err sat_store_changes_live(struct sat_store *store, int64_t sid, const struct sat_record_id *record,
                                    struct sat_arena *arena, struct sat_change_row **out, uint32_t *n)
{
    struct sat_rows rows = {.arena = arena, .row_size = sizeof **out};
    struct sat_query query = sat_query_begin(store, SAT_SQL_CHANGES_LIVE);
    sat_bind_i64(&query, sid);
    sat_bind_bytes(&query, record->b, sizeof record->b);
    while (sat_query_step(&query)) (void)read_change(&query, &rows);
    sort_rows(&rows, compare_dots);
    *out = rows.at;
    *n = rows.n;
    return sat_query_end(&query);
}

enum sat_err sat_store_change_place(struct sat_store *store, struct sat_dot dot, int64_t *sid,
                                    struct sat_record_id *record, bool *found)
{
    struct sat_bundle_row bundle;
    enum sat_err err = sat_store_bundle_of_dot(store, dot, &bundle, found);
    if (err || !*found) return err;
    struct sat_query query = sat_query_begin(store, SAT_SQL_CHANGE_PLACE);
    sat_bind_i64(&query, bundle.bid << 10 | (int64_t)(dot.counter - bundle.first));
    *found = sat_query_step(&query);
    if (*found) {
        *sid = sat_column_i64(&query);
        sat_column_bytes(&query, record->b, sizeof record->b);
    }
    return sat_query_end(&query);
}

enum sat_err sat_store_change_header(struct sat_store *store, int64_t bid, uint32_t index, struct sat_arena *arena,
                                     struct sat_span *out, bool *found)
{
    struct sat_query query = sat_query_begin(store, SAT_SQL_CHANGE_HEADER);
    sat_bind_i64(&query, bid << 10 | index);
    *found = sat_query_step(&query);
    *out = *found ? sat_column_span(&query, arena) : (struct sat_span){0};
    return sat_query_end(&query);
}

enum sat_err sat_store_changes_of_record(struct sat_store *store, int64_t sid, const struct sat_record_id *record,
                                         struct sat_arena *arena, struct sat_change_row **out, uint32_t *n)
{
    struct sat_rows rows = {.arena = arena, .row_size = sizeof **out};
    struct sat_query query = sat_query_begin(store, SAT_SQL_CHANGES_OF_RECORD);
    sat_bind_i64(&query, sid);
    sat_bind_bytes(&query, record->b, sizeof record->b);
    while (sat_query_step(&query)) {
        struct sat_change_row *row = read_change(&query, &rows);
        row->recv_ms = sat_column_u64(&query);
        row->seq = sat_column_u64(&query);
        uint8_t *manifest = sat_arena_alloc(arena, SAT_MANIFEST_BYTES);
        sat_column_bytes(&query, manifest, SAT_MANIFEST_BYTES);
        row->manifest = manifest;
    }
    sort_rows(&rows, compare_received);
    *out = rows.at;
    *n = rows.n;
    return sat_query_end(&query);
}

enum sat_err sat_store_changes_of_bundle(struct sat_store *store, int64_t bid, struct sat_arena *arena,
                                         struct sat_change_row **out, uint32_t *n)
{
    struct sat_rows rows = {.arena = arena, .row_size = sizeof **out};
    struct sat_query query = sat_query_begin(store, SAT_SQL_CHANGES_OF_BUNDLE);
    sat_bind_i64(&query, bid);
    while (sat_query_step(&query)) (void)read_change(&query, &rows);
    *out = rows.at;
    *n = rows.n;
    return sat_query_end(&query);
}

enum sat_err sat_store_changes_from(struct sat_store *store, int64_t cid, int64_t bid, bool deletions, uint32_t limit,
                                    struct sat_arena *arena, struct sat_change_row **out, uint32_t *n)
{
    struct sat_rows rows = {.arena = arena, .row_size = sizeof **out};
    struct sat_query query = sat_query_begin(store, deletions ? SAT_SQL_DELETIONS_FROM : SAT_SQL_CHANGES_FROM);
    sat_bind_i64(&query, cid);
    sat_bind_i64(&query, bid);
    sat_bind_i64(&query, limit);
    while (sat_query_step(&query)) (void)read_change(&query, &rows);
    *out = rows.at;
    *n = rows.n;
    return sat_query_end(&query);
}

enum sat_err sat_store_record_spaces(struct sat_store *store, const struct sat_record_id *record, int64_t *sids,
                                     uint32_t max, uint32_t *n)
{
    *n = 0;
    struct sat_query query = sat_query_begin(store, SAT_SQL_RECORD_SPACES);
    sat_bind_bytes(&query, record->b, sizeof record->b);
    sat_bind_i64(&query, max);
    while (sat_query_step(&query)) {
        sat_check(*n < max);
        sids[(*n)++] = sat_column_i64(&query);
    }
    return sat_query_end(&query);
}

enum sat_err sat_store_walk_live(struct sat_store *store, int64_t sid, const struct sat_record_id *first,
                                 const struct sat_record_id *last,
                                 enum sat_err (*each)(void *context, const struct sat_record_id *record,
                                                      struct sat_dot dot, const struct sat_hash *rest),
                                 void *context)
{
    struct sat_query query = sat_query_begin(store, SAT_SQL_LIVE_BETWEEN);
    enum sat_err err = SAT_OK;
    sat_bind_i64(&query, sid);
    sat_bind_bytes(&query, first->b, sizeof first->b);
    sat_bind_bytes(&query, last->b, sizeof last->b);
    while (!err && sat_query_step(&query)) {
        struct sat_record_id record;
        struct sat_dot dot;
        struct sat_hash rest;
        sat_column_bytes(&query, record.b, sizeof record.b);
        dot.device = (uint32_t)sat_column_i64(&query);
        dot.counter = (uint64_t)sat_column_i64(&query);
        sat_column_bytes(&query, rest.b, sizeof rest.b);
        err = each(context, &record, dot, &rest);
    }
    enum sat_err ended = sat_query_end(&query);
    return err ? err : ended;
}

enum sat_err sat_store_records_between(struct sat_store *store, int64_t sid, const struct sat_record_id *first,
                                       const struct sat_record_id *last, uint32_t limit, struct sat_arena *arena,
                                       struct sat_record_id **out, uint32_t *n)
{
    *out = sat_arena_array(arena, limit, sizeof **out);
    *n = 0;
    struct sat_query query = sat_query_begin(store, SAT_SQL_RECORDS_BETWEEN);
    sat_bind_i64(&query, sid);
    sat_bind_bytes(&query, first->b, sizeof first->b);
    sat_bind_bytes(&query, last->b, sizeof last->b);
    sat_bind_i64(&query, limit);
    while (sat_query_step(&query)) {
        sat_check(*n < limit);
        sat_column_bytes(&query, (*out)[(*n)++].b, sizeof(*out)->b);
    }
    return sat_query_end(&query);
}

enum { EACH_PAGE = 128 };

struct each_page {
    struct {
        int64_t sid;
        struct sat_record_id record;
    } at[EACH_PAGE];
    uint32_t n;
};

static enum sat_err read_page(struct sat_store *store, int64_t after_sid, struct sat_span after_record,
                              struct each_page *page)
{
    page->n = 0;
    struct sat_query query = sat_query_begin(store, SAT_SQL_EACH_RECORD);
    sat_bind_i64(&query, after_sid);
    sat_bind_bytes(&query, after_record.at, after_record.len);
    sat_bind_i64(&query, EACH_PAGE);
    while (sat_query_step(&query)) {
        sat_check(page->n < EACH_PAGE);
        page->at[page->n].sid = sat_column_i64(&query);
        sat_column_bytes(&query, page->at[page->n].record.b, sizeof page->at[page->n].record.b);
        page->n++;
    }
    return sat_query_end(&query);
}

/* In pages, so that no statement is under way while `each` uses the store. */
enum sat_err sat_store_each_record(struct sat_store *store,
                                   enum sat_err (*each)(void *context, int64_t sid, const struct sat_record_id *record),
                                   void *context)
{
    struct each_page page;
    struct sat_record_id last;
    struct sat_span after = {0};
    int64_t after_sid = INT64_MIN;
    do {
        enum sat_err err = read_page(store, after_sid, after, &page);
        for (uint32_t i = 0; err == SAT_OK && i < page.n; i++) err = each(context, page.at[i].sid, &page.at[i].record);
        if (err != SAT_OK) return err;
        if (page.n == 0) break;
        after_sid = page.at[page.n - 1].sid;
        last = page.at[page.n - 1].record;
        after = SAT_SPAN(last.b);
    } while (page.n == EACH_PAGE);
    return SAT_OK;
}

enum sat_err sat_store_count_state(struct sat_store *store, enum sat_change_state state, uint64_t *out)
{
    struct sat_query query = sat_query_begin(store, SAT_SQL_COUNT_STATE);
    sat_bind_i64(&query, state);
    return sat_query_count(&query, out);
}

enum sat_err sat_store_space_records(struct sat_store *store, int64_t sid, uint64_t *records, uint64_t *archived)
{
    struct sat_query query = sat_query_begin(store, SAT_SQL_SPACE_RECORDS);
    sat_bind_i64(&query, sid);
    enum sat_err err = sat_query_count(&query, records);
    if (err) return err;
    query = sat_query_begin(store, SAT_SQL_SPACE_ARCHIVED);
    sat_bind_i64(&query, sid);
    return sat_query_count(&query, archived);
}
