/* Bundles, accepted and pending. */
#include <string.h>

#include "common/store/sqlite.h"

static void read_bundle(struct sat_query *query, struct sat_bundle_row *out)
{
    memset(out, 0, sizeof *out);
    out->bid = sat_column_i64(query);
    out->sid = sat_column_i64(query);
    out->device = sat_column_u32(query);
    out->first = sat_column_u64(query);
    out->count = sat_column_u32(query);
    sat_column_bytes(query, out->id.b, sizeof out->id.b);
    sat_column_bytes(query, out->manifest, sizeof out->manifest);
    sat_column_bytes(query, out->signature.b, sizeof out->signature.b);
    out->seq = sat_column_u64(query);
    out->state = (uint8_t)sat_column_u32(query);
    out->refused = sat_column_u32(query);
}

/* Ends a query that gives one bundle or none. */
static enum sat_err read_one(struct sat_query *query, struct sat_bundle_row *out, bool *found)
{
    *found = sat_query_step(query);
    if (*found) read_bundle(query, out);
    return sat_query_end(query);
}

enum sat_err sat_store_bundle_insert(struct sat_store *store, struct sat_bundle_row *row)
{
    struct sat_query query = sat_query_begin(store, SAT_SQL_BUNDLE_INSERT);
    sat_bind_i64(&query, row->sid);
    sat_bind_i64(&query, row->device);
    sat_bind_u64(&query, row->first);
    sat_bind_i64(&query, row->count);
    sat_bind_bytes(&query, row->id.b, sizeof row->id.b);
    sat_bind_bytes(&query, row->manifest, sizeof row->manifest);
    sat_bind_bytes(&query, row->signature.b, sizeof row->signature.b);
    sat_bind_u64(&query, row->seq);
    sat_bind_i64(&query, row->state);
    sat_bind_i64(&query, row->refused);
    enum sat_err err = sat_query_run(&query);
    if (err == SAT_OK) row->bid = sqlite3_last_insert_rowid(store->db);
    return err;
}

enum sat_err sat_store_bundle_get(struct sat_store *store, int64_t bid, struct sat_bundle_row *out)
{
    struct sat_query query = sat_query_begin(store, SAT_SQL_BUNDLE_GET);
    sat_bind_i64(&query, bid);
    bool found = sat_query_step(&query);
    if (found) read_bundle(&query, out);
    return sat_query_end_found(&query, found, "bundle");
}

enum sat_err sat_store_bundle_set_seq(struct sat_store *store, int64_t bid, uint64_t seq)
{
    struct sat_query query = sat_query_begin(store, SAT_SQL_BUNDLE_SET_SEQ);
    sat_bind_i64(&query, bid);
    sat_bind_u64(&query, seq);
    return sat_query_run_on(&query, "bundle");
}

enum sat_err sat_store_bundle_set_refused(struct sat_store *store, int64_t bid, uint32_t err)
{
    struct sat_query query = sat_query_begin(store, SAT_SQL_BUNDLE_SET_REFUSED);
    sat_bind_i64(&query, bid);
    sat_bind_i64(&query, err ? SAT_BUNDLE_REFUSED : SAT_BUNDLE_NORMAL);
    sat_bind_i64(&query, err);
    return sat_query_run_on(&query, "bundle");
}

/* The bundle of `device` with the greatest first counter up to `counter`, if it reaches that far. A device's bundles
 * never share a counter, so no earlier one can. */
static enum sat_err find_covering(struct sat_store *store, uint32_t device, uint64_t counter,
                                  struct sat_bundle_row *out, bool *found)
{
    struct sat_query query = sat_query_begin(store, SAT_SQL_BUNDLE_AT_OR_BEFORE);
    sat_bind_i64(&query, device);
    sat_bind_bound(&query, counter);
    enum sat_err err = read_one(&query, out, found);
    if (*found && counter - out->first >= out->count) *found = false;
    return err;
}

enum sat_err sat_store_bundle_of_dot(struct sat_store *store, struct sat_dot dot, struct sat_bundle_row *out,
                                     bool *found)
{
    return find_covering(store, dot.device, dot.counter, out, found);
}

enum sat_err sat_store_bundle_overlapping(struct sat_store *store, uint32_t device, uint64_t first, uint32_t count,
                                          struct sat_bundle_row *out, bool *found)
{
    *found = false;
    if (count == 0) return SAT_OK;
    enum sat_err err = find_covering(store, device, first, out, found);
    if (err != SAT_OK || *found) return err;
    uint64_t last = first > UINT64_MAX - (count - 1) ? UINT64_MAX : first + (count - 1);
    struct sat_query query = sat_query_begin(store, SAT_SQL_BUNDLE_BETWEEN);
    sat_bind_i64(&query, device);
    sat_bind_bound(&query, first);
    sat_bind_bound(&query, last);
    return read_one(&query, out, found);
}

static enum sat_err find_tip(struct sat_store *store, enum sat_sql which, int64_t sid, uint32_t device,
                             struct sat_bundle_row *out, bool *found)
{
    struct sat_query query = sat_query_begin(store, which);
    sat_bind_i64(&query, sid);
    sat_bind_i64(&query, device);
    return read_one(&query, out, found);
}

enum sat_err sat_store_bundle_tip(struct sat_store *store, int64_t sid, uint32_t device, bool pending,
                                  struct sat_bundle_row *out, bool *found)
{
    enum sat_err err = find_tip(store, SAT_SQL_BUNDLE_TIP, sid, device, out, found);
    if (err != SAT_OK || !pending) return err;
    struct sat_bundle_row other;
    bool other_found = false;
    err = find_tip(store, SAT_SQL_BUNDLE_TIP_PENDING, sid, device, &other, &other_found);
    if (other_found && (!*found || other.first > out->first)) {
        *out = other;
        *found = true;
    }
    return err;
}

enum sat_err sat_store_bundle_before(struct sat_store *store, int64_t sid, uint32_t device, uint64_t first,
                                     struct sat_bundle_row *out, bool *found)
{
    struct sat_query query = sat_query_begin(store, SAT_SQL_BUNDLE_BEFORE);
    sat_bind_i64(&query, sid);
    sat_bind_i64(&query, device);
    sat_bind_bound(&query, first);
    return read_one(&query, out, found);
}

enum sat_err sat_store_has_void(struct sat_store *store, int64_t sid, uint32_t device, uint64_t counter, bool *has)
{
    struct sat_query query = sat_query_begin(store, SAT_SQL_BUNDLE_VOID);
    sat_bind_i64(&query, sid);
    sat_bind_i64(&query, device);
    sat_bind_bound(&query, counter);
    *has = sat_query_step(&query);
    return sat_query_end(&query);
}

enum sat_err sat_store_device_counter_at(struct sat_store *store, int64_t sid, uint32_t device, uint64_t log_size,
                                         uint64_t *out)
{
    struct sat_query query = sat_query_begin(store, SAT_SQL_DEVICE_COUNTER_AT);
    sat_bind_i64(&query, sid);
    sat_bind_i64(&query, device);
    sat_bind_bound(&query, log_size);
    return sat_query_count(&query, out);
}

enum sat_err sat_store_bundles_park(struct sat_store *store, uint32_t device, uint64_t first, uint32_t count)
{
    struct sat_query query = sat_query_begin(store, SAT_SQL_BUNDLES_PARK);
    sat_bind_i64(&query, device);
    sat_bind_bound(&query, first);
    sat_bind_bound(&query, first + count - 1);
    return sat_query_run(&query);
}

enum sat_err sat_store_bundles_pending(struct sat_store *store, int64_t sid, uint64_t first, uint32_t limit,
                                       struct sat_arena *arena, struct sat_bundle_row **out, uint32_t *n)
{
    struct sat_rows rows = {.arena = arena, .row_size = sizeof **out};
    struct sat_query query = sat_query_begin(store, SAT_SQL_BUNDLES_PENDING);
    sat_bind_i64(&query, sid);
    sat_bind_from(&query, first);
    sat_bind_i64(&query, limit);
    while (sat_query_step(&query)) read_bundle(&query, sat_rows_add(&rows));
    *out = rows.at;
    *n = rows.n;
    return sat_query_end(&query);
}

enum sat_err sat_store_bundle_newest(struct sat_store *store, int64_t *bid)
{
    struct sat_query query = sat_query_begin(store, SAT_SQL_BUNDLE_NEWEST);
    *bid = sat_query_step(&query) ? sat_column_i64(&query) : 0;
    return sat_query_end(&query);
}

enum sat_err sat_store_pending_count(struct sat_store *store, uint64_t *bundles, uint64_t *changes)
{
    struct sat_query query = sat_query_begin(store, SAT_SQL_PENDING_COUNT);
    *bundles = *changes = 0;
    if (sat_query_step(&query)) {
        *bundles = sat_column_u64(&query);
        *changes = sat_column_u64(&query);
    }
    return sat_query_end(&query);
}

/* ---- What the server lost ---- */

enum sat_err sat_store_bundle_set_return(struct sat_store *store, int64_t bid)
{
    struct sat_query query = sat_query_begin(store, SAT_SQL_BUNDLE_SET_RETURN);
    sat_bind_i64(&query, bid);
    return sat_query_run_on(&query, "bundle");
}

enum sat_err sat_store_return_join(struct sat_store *store, int64_t bid)
{
    struct sat_query query = sat_query_begin(store, SAT_SQL_RETURN_JOIN);
    sat_bind_i64(&query, bid);
    return sat_query_run_on(&query, "bundle");
}

enum sat_err sat_store_return_set_refused(struct sat_store *store, int64_t bid, uint32_t err)
{
    struct sat_query query = sat_query_begin(store, SAT_SQL_RETURN_SET_REFUSED);
    sat_bind_i64(&query, bid);
    sat_bind_i64(&query, err);
    return sat_query_run_on(&query, "bundle");
}

enum sat_err sat_store_returns_claim(struct sat_store *store, int64_t sid, uint32_t device)
{
    struct sat_query query = sat_query_begin(store, SAT_SQL_RETURNS_CLAIM);
    sat_bind_i64(&query, sid);
    sat_bind_i64(&query, device);
    return sat_query_run(&query);
}

enum sat_err sat_store_bundle_owing(struct sat_store *store, int64_t sid, uint64_t seq, struct sat_bundle_row *out,
                                    bool *found)
{
    struct sat_query query = sat_query_begin(store, SAT_SQL_BUNDLES_OWING);
    sat_bind_i64(&query, sid);
    sat_bind_bound(&query, seq);
    return read_one(&query, out, found);
}

enum sat_err sat_store_bundle_set_filled(struct sat_store *store, int64_t bid)
{
    struct sat_query query = sat_query_begin(store, SAT_SQL_BUNDLE_SET_FILLED);
    sat_bind_i64(&query, bid);
    sat_bind_i64(&query, SAT_BUNDLE_FILLED);
    return sat_query_run_on(&query, "bundle");
}

enum sat_err sat_store_change_fill(struct sat_store *store, int64_t cid, struct sat_span header, struct sat_span body)
{
    struct sat_query query = sat_query_begin(store, SAT_SQL_CHANGE_FILL);
    sat_bind_i64(&query, cid);
    sat_bind_bytes(&query, header.at, header.len);
    sat_bind_bytes(&query, body.at, body.len);
    return sat_query_run_on(&query, "change");
}

enum sat_err sat_store_returns(struct sat_store *store, int64_t sid, bool refused, uint32_t limit,
                               struct sat_arena *arena, struct sat_bundle_row **out, uint32_t *n)
{
    struct sat_rows rows = {.arena = arena, .row_size = sizeof **out};
    struct sat_query query = sat_query_begin(store, SAT_SQL_RETURNS);
    sat_bind_i64(&query, sid);
    sat_bind_i64(&query, refused);
    sat_bind_i64(&query, limit);
    while (sat_query_step(&query)) read_bundle(&query, sat_rows_add(&rows));
    *out = rows.at;
    *n = rows.n;
    return sat_query_end(&query);
}

enum sat_err sat_store_returns_all(struct sat_store *store, int64_t sid, struct sat_arena *arena,
                                   struct sat_bundle_row **out, uint32_t *n)
{
    struct sat_rows rows = {.arena = arena, .row_size = sizeof **out};
    struct sat_query query = sat_query_begin(store, SAT_SQL_RETURNS_ALL);
    sat_bind_i64(&query, sid);
    while (sat_query_step(&query)) read_bundle(&query, sat_rows_add(&rows));
    *out = rows.at;
    *n = rows.n;
    return sat_query_end(&query);
}

enum sat_err sat_store_return_of(struct sat_store *store, int64_t sid, uint32_t device, uint64_t first,
                                 struct sat_bundle_row *out, bool *found)
{
    struct sat_query query = sat_query_begin(store, SAT_SQL_RETURN_OF);
    sat_bind_i64(&query, sid);
    sat_bind_i64(&query, device);
    sat_bind_from(&query, first);
    return read_one(&query, out, found);
}

enum sat_err sat_store_return_count(struct sat_store *store, int64_t sid, bool refused, uint64_t *out)
{
    struct sat_query query = sat_query_begin(store, SAT_SQL_RETURN_COUNT);
    sat_bind_i64(&query, sid);
    sat_bind_i64(&query, refused);
    return sat_query_count(&query, out);
}
