/* What else a record has. Most changes that come are of new records, of which there is nothing: so many records are
 * looked up at once, by one walk along the index from the first to the last, as new ones lie side by side in it. */
#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/store/sqlite.h"

enum {
    TOGETHER = 64,       /* records that one walk is for; */
    WALK_MAX = 3 * 64,   /* it is given up where so much lies between them: each is looked up then */
    GIVEN_UP_MAX = 2,    /* walks in turn, behind which none is tried any more: the records lie apart */
    PAGE = 256,          /* changes looked at together */
    RECORDS_PAGE = 1024, /* records */
};

/* Which changes are counted: live ones with those that are pending, or dead ones; and of other bundles than `but`. */
struct kind {
    struct sat_store *store;
    int64_t sid, but;
    enum sat_change_state state;
};

static void count_one(uint8_t *count)
{
    if (*count < SAT_COUNTED_MAX) ++*count;
}

/* From the first of the records to the last. */
static struct sat_query begin_along(const struct kind *kind, enum sat_sql name, const struct sat_record_id *records,
                                    uint32_t n)
{
    struct sat_query query = sat_query_begin(kind->store, name);
    sat_bind_i64(&query, kind->sid);
    sat_bind_bytes(&query, records[0].b, sizeof records[0].b);
    sat_bind_bytes(&query, records[n - 1].b, sizeof records[n - 1].b);
    return query;
}

/* *done: there was no more between them than is worth a walk, and it is counted. */
static enum sat_err walk(const struct kind *kind, const struct sat_record_id *records, uint32_t n, uint8_t *out,
                         bool *done)
{
    struct sat_query query = begin_along(kind, SAT_SQL_RECORDS_CROWDED, records, n);
    sat_bind_i64(&query, WALK_MAX);
    *done = !sat_query_step(&query);
    enum sat_err err = sat_query_end(&query);
    if (err || !*done) return err;
    query = begin_along(kind, SAT_SQL_RECORDS_WALK, records, n);
    sat_bind_i64(&query, kind->state);
    sat_bind_i64(&query, kind->but);
    memset(out, 0, n);
    for (uint32_t at = 0; sat_query_step(&query);) {
        struct sat_record_id record;
        sat_column_bytes(&query, record.b, sizeof record.b);
        while (at < n && memcmp(records[at].b, record.b, sizeof record.b) < 0) at++;
        if (at < n && sat_record_equal(&records[at], &record)) count_one(&out[at]);
    }
    return sat_query_end(&query);
}

static enum sat_err look_up(const struct kind *kind, const struct sat_record_id *record, uint8_t *out)
{
    bool live = kind->state == SAT_CHANGE_LIVE;
    struct sat_query query = sat_query_begin(kind->store, live ? SAT_SQL_RECORD_LIVE : SAT_SQL_RECORD_DEAD);
    sat_bind_i64(&query, kind->sid);
    sat_bind_bytes(&query, record->b, sizeof record->b);
    sat_bind_i64(&query, kind->but);
    sat_bind_i64(&query, SAT_COUNTED_MAX);
    for (*out = 0; sat_query_step(&query);) count_one(out);
    return sat_query_end(&query);
}

enum sat_err sat_store_records_count(struct sat_store *store, int64_t sid, enum sat_change_state state, int64_t but,
                                     const struct sat_record_id *records, uint32_t n, uint8_t *out)
{
    const struct kind kind = {store, sid, but, state};
    sat_check(state == SAT_CHANGE_LIVE || state == SAT_CHANGE_DEAD);
    uint32_t given_up = 0;
    enum sat_err err = SAT_OK;
    for (uint32_t from = 0, some; from < n && !err; from += some) {
        bool done = false;
        some = n - from < TOGETHER ? n - from : TOGETHER;
        if (given_up < GIVEN_UP_MAX) err = walk(&kind, records + from, some, out + from, &done);
        given_up = done ? 0 : given_up + 1;
        for (uint32_t i = from; i < from + some && !done && !err; i++) err = look_up(&kind, &records[i], &out[i]);
    }
    return err;
}

/* ---- Changes beside others ---- */

/* A change of the page, and how many live ones its record has, itself included. */
struct place {
    int64_t cid, sid;
    struct sat_record_id record;
    uint8_t state, live;
    uint32_t index;
};

static int by_record(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    if (x->sid != y->sid) return x->sid < y->sid ? -1 : 1;
    return memcmp(x->record.b, y->record.b, sizeof x->record.b);
}

static int by_index(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    return (x->index > y->index) - (x->index < y->index);
}

static enum sat_err read_page(struct sat_store *store, int64_t cid, int64_t bid, struct place *out, uint32_t *n)
{
    struct sat_query query = sat_query_begin(store, SAT_SQL_CHANGES_PLACED);
    sat_bind_i64(&query, cid);
    sat_bind_i64(&query, bid);
    sat_bind_i64(&query, PAGE);
    for (*n = 0; sat_query_step(&query); ++*n) {
        struct place *place = &out[*n];
        place->cid = sat_column_i64(&query);
        place->sid = sat_column_i64(&query);
        sat_column_bytes(&query, place->record.b, sizeof place->record.b);
        place->state = (uint8_t)sat_column_u32(&query);
        place->index = *n;
    }
    return sat_query_end(&query);
}

/* Of one space, sorted. */
static enum sat_err count_live(struct sat_store *store, struct place *places, uint32_t n)
{
    struct sat_record_id records[PAGE];
    uint8_t counts[PAGE];
    uint32_t records_n = 0;
    for (uint32_t i = 0; i < n; i++)
        if (i == 0 || !sat_record_equal(&places[i].record, &places[i - 1].record))
            records[records_n++] = places[i].record;
    enum sat_err err = sat_store_records_count(store, places[0].sid, SAT_CHANGE_LIVE, 0, records, records_n, counts);
    for (uint32_t i = 0, at = 0; i < n && !err; i++) {
        if (i && !sat_record_equal(&places[i].record, &places[i - 1].record)) at++;
        places[i].live = counts[at];
    }
    return err;
}

static enum sat_err count_page(struct sat_store *store, struct place *places, uint32_t n)
{
    enum sat_err err = SAT_OK;
    qsort(places, n, sizeof *places, by_record);
    for (uint32_t from = 0, end; from < n && !err; from = end) {
        for (end = from + 1; end < n && places[end].sid == places[from].sid;) end++;
        err = count_live(store, places + from, end - from);
    }
    qsort(places, n, sizeof *places, by_index);
    return err;
}

enum sat_err sat_store_changes_beside(struct sat_store *store, int64_t cid, int64_t bid, uint32_t limit,
                                      struct sat_arena *arena, struct sat_change_row **out, uint32_t *n)
{
    struct sat_rows rows = {.arena = arena, .row_size = sizeof **out};
    struct place places[PAGE];
    enum sat_err err = SAT_OK;
    for (uint32_t page = PAGE; page == PAGE && rows.n < limit && !err;) {
        err = read_page(store, cid, bid, places, &page);
        if (err || page == 0) break;
        cid = places[page - 1].cid + 1;
        err = count_page(store, places, page);
        for (uint32_t i = 0; i < page && rows.n < limit && !err; i++) {
            const struct place *place = &places[i];
            if (place->live < 1 + (place->state == SAT_CHANGE_LIVE)) continue;
            struct sat_change_row *row = sat_rows_add(&rows);
            row->cid = place->cid;
            row->sid = place->sid;
            row->record = place->record;
        }
    }
    *out = rows.at;
    *n = rows.n;
    return err;
}

/* ---- What entries have superseded ---- */

static enum sat_err add_superseded(struct sat_store *store, int64_t sid, struct sat_record_id *records, uint32_t n,
                                   struct sat_rows *rows)
{
    uint8_t counts[RECORDS_PAGE];
    uint32_t unique = (uint32_t)sat_records_unique(records, n);
    enum sat_err err = sat_store_records_count(store, sid, SAT_CHANGE_DEAD, 0, records, unique, counts);
    for (uint32_t i = 0; i < unique && !err; i++)
        if (counts[i]) *(struct sat_record_id *)sat_rows_add(rows) = records[i];
    return err;
}

enum sat_err sat_store_entries_superseded(struct sat_store *store, int64_t sid, uint64_t first, uint64_t last,
                                          struct sat_arena *arena, struct sat_record_id **out, uint32_t *n)
{
    struct sat_rows rows = {.arena = arena, .row_size = sizeof **out};
    struct sat_record_id records[RECORDS_PAGE];
    uint32_t records_n = 0;
    enum sat_err err = SAT_OK;
    struct sat_query query = sat_query_begin(store, SAT_SQL_ENTRIES_RECORDS);
    sat_bind_i64(&query, sid);
    sat_bind_bound(&query, first);
    sat_bind_bound(&query, last);
    while (!err && sat_query_step(&query)) {
        sat_column_bytes(&query, records[records_n++].b, sizeof records[0].b);
        if (records_n < RECORDS_PAGE) continue;
        err = add_superseded(store, sid, records, records_n, &rows);
        records_n = 0;
    }
    if (!err) err = add_superseded(store, sid, records, records_n, &rows);
    *out = rows.at;
    *n = rows.n;
    enum sat_err ended = sat_query_end(&query);
    return err ? err : ended;
}
