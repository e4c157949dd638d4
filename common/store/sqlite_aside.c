/* What was put aside, and when devices were here. */
#include <string.h>

#include "common/store/sqlite.h"

enum sat_err sat_store_aside_put(struct sat_store *store, struct sat_aside_row *row)
{
    struct sat_query query = sat_query_begin(store, SAT_SQL_ASIDE_PUT);
    sat_bind_bytes(&query, row->space.b, sizeof row->space.b);
    sat_bind_i64(&query, row->device);
    sat_bind_u64(&query, row->first);
    sat_bind_i64(&query, row->count);
    sat_bind_bytes(&query, row->id.b, sizeof row->id.b);
    sat_bind_u64(&query, row->recv_ms);
    sat_bind_i64(&query, row->reason);
    sat_bind_i64(&query, row->state);
    sat_bind_u64(&query, row->bytes.len);
    sat_bind_bytes(&query, row->bytes.at, row->bytes.len);
    enum sat_err err = sat_query_run(&query);
    if (err) return err;
    query = sat_query_begin(store, SAT_SQL_ASIDE_NUMBER);
    sat_bind_bytes(&query, row->id.b, sizeof row->id.b);
    bool found = sat_query_step(&query);
    if (found) row->number = sat_column_i64(&query);
    return sat_query_end_found(&query, found, "bundle");
}

/* All but the bytes, which the columns end with. */
static void read_aside(struct sat_query *query, struct sat_aside_row *out)
{
    out->number = sat_column_i64(query);
    sat_column_bytes(query, out->space.b, sizeof out->space.b);
    out->device = sat_column_u32(query);
    out->first = sat_column_u64(query);
    out->count = sat_column_u32(query);
    sat_column_bytes(query, out->id.b, sizeof out->id.b);
    out->recv_ms = sat_column_u64(query);
    out->reason = sat_column_u32(query);
    out->state = (uint8_t)sat_column_u32(query);
}

enum sat_err sat_store_asides(struct sat_store *store, int64_t after, uint32_t limit, size_t bytes_target,
                              struct sat_arena *arena, struct sat_aside_row **out, uint32_t *n)
{
    struct sat_rows rows = {.arena = arena, .row_size = sizeof **out};
    struct sat_query query = sat_query_begin(store, SAT_SQL_ASIDES);
    sat_bind_i64(&query, after);
    sat_bind_i64(&query, limit);
    for (size_t used = 0; sat_query_step(&query);) {
        struct sat_aside_row row = {0};
        read_aside(&query, &row);
        struct sat_span bytes = sat_column_borrow(&query);
        used += bytes.len;
        if (rows.n && used > bytes_target) break;
        row.bytes = sat_span_copy(arena, bytes);
        *(struct sat_aside_row *)sat_rows_add(&rows) = row;
    }
    *out = rows.at;
    *n = rows.n;
    return sat_query_end(&query);
}

enum sat_err sat_store_aside_list(struct sat_store *store, int64_t after, uint32_t limit, struct sat_arena *arena,
                                  struct sat_aside_row **out, uint32_t *n)
{
    struct sat_rows rows = {.arena = arena, .row_size = sizeof **out};
    struct sat_query query = sat_query_begin(store, SAT_SQL_ASIDE_LIST);
    sat_bind_i64(&query, after);
    sat_bind_i64(&query, limit);
    while (sat_query_step(&query)) read_aside(&query, sat_rows_add(&rows));
    *out = rows.at;
    *n = rows.n;
    return sat_query_end(&query);
}

enum sat_err sat_store_aside_find(struct sat_store *store, const struct sat_hash *bundle, struct sat_arena *arena,
                                  struct sat_aside_row *out, bool *found)
{
    memset(out, 0, sizeof *out);
    struct sat_query query = sat_query_begin(store, SAT_SQL_ASIDE_FIND);
    sat_bind_bytes(&query, bundle->b, sizeof bundle->b);
    *found = sat_query_step(&query);
    if (*found) {
        read_aside(&query, out);
        out->bytes = sat_column_span(&query, arena);
    }
    return sat_query_end(&query);
}

enum sat_err sat_store_aside_has(struct sat_store *store, const struct sat_hash *bundle, bool *has)
{
    struct sat_query query = sat_query_begin(store, SAT_SQL_ASIDE_NUMBER);
    sat_bind_bytes(&query, bundle->b, sizeof bundle->b);
    *has = sat_query_step(&query);
    return sat_query_end(&query);
}

enum sat_err sat_store_aside_tip(struct sat_store *store, const struct sat_space_id *space, struct sat_dot before,
                                 struct sat_hash *id, bool *found)
{
    struct sat_query query = sat_query_begin(store, SAT_SQL_ASIDE_TIP);
    sat_bind_bytes(&query, space->b, sizeof space->b);
    sat_bind_i64(&query, before.device);
    sat_bind_u64(&query, before.counter);
    *found = sat_query_step(&query);
    if (*found) sat_column_bytes(&query, id->b, sizeof id->b);
    return sat_query_end(&query);
}

enum sat_err sat_store_aside_set_state(struct sat_store *store, int64_t number, enum sat_aside_state state)
{
    struct sat_query query = sat_query_begin(store, SAT_SQL_ASIDE_SET_STATE);
    sat_bind_i64(&query, number);
    sat_bind_i64(&query, state);
    return sat_query_run_on(&query, "bundle");
}

enum sat_err sat_store_aside_reopen(struct sat_store *store, int64_t number, uint32_t reason)
{
    struct sat_query query = sat_query_begin(store, SAT_SQL_ASIDE_REOPEN);
    sat_bind_i64(&query, number);
    sat_bind_i64(&query, reason);
    return sat_query_run_on(&query, "bundle");
}

enum sat_err sat_store_aside_count(struct sat_store *store, uint64_t *open)
{
    struct sat_query query = sat_query_begin(store, SAT_SQL_ASIDE_COUNT);
    return sat_query_count(&query, open);
}

enum sat_err sat_store_aside_sum(struct sat_store *store, uint32_t device, uint64_t *rows, uint64_t *bytes)
{
    struct sat_query query = sat_query_begin(store, SAT_SQL_ASIDE_SUM);
    sat_bind_i64(&query, device);
    *rows = *bytes = 0;
    if (sat_query_step(&query)) {
        *rows = sat_column_u64(&query);
        *bytes = sat_column_u64(&query);
    }
    return sat_query_end(&query);
}

/* ---- Sightings. Nearly no device is ever wiped: without a receipt there are no bytes of it. ---- */

enum sat_err sat_store_sighting_put(struct sat_store *store, const struct sat_sighting *sighting)
{
    struct sat_query query = sat_query_begin(store, SAT_SQL_SIGHTING_PUT);
    sat_bind_i64(&query, sighting->device);
    sat_bind_u64(&query, sighting->seen_ms);
    sat_bind_u64(&query, sighting->lag);
    sat_bind_i64(&query, sighting->version);
    sat_bind_u64(&query, sighting->wiped_ms);
    sat_bind_bytes(&query, sighting->receipt.b, sighting->wiped_ms ? sizeof sighting->receipt.b : 0);
    return sat_query_run(&query);
}

static void read_sighting(struct sat_query *query, struct sat_sighting *out)
{
    memset(out, 0, sizeof *out);
    out->device = sat_column_u32(query);
    out->seen_ms = sat_column_u64(query);
    out->lag = sat_column_u64(query);
    out->version = sat_column_u32(query);
    out->wiped_ms = sat_column_u64(query);
    if (out->wiped_ms) sat_column_bytes(query, out->receipt.b, sizeof out->receipt.b);
}

enum sat_err sat_store_sighting_get(struct sat_store *store, uint32_t device, struct sat_sighting *out, bool *found)
{
    memset(out, 0, sizeof *out);
    struct sat_query query = sat_query_begin(store, SAT_SQL_SIGHTING_GET);
    sat_bind_i64(&query, device);
    *found = sat_query_step(&query);
    if (*found) read_sighting(&query, out);
    return sat_query_end(&query);
}

enum sat_err sat_store_sightings(struct sat_store *store, uint32_t after, uint32_t limit, struct sat_arena *arena,
                                 struct sat_sighting **out, uint32_t *n)
{
    struct sat_rows rows = {.arena = arena, .row_size = sizeof **out};
    struct sat_query query = sat_query_begin(store, SAT_SQL_SIGHTINGS);
    sat_bind_i64(&query, after);
    sat_bind_i64(&query, limit);
    while (sat_query_step(&query)) read_sighting(&query, sat_rows_add(&rows));
    *out = rows.at;
    *n = rows.n;
    return sat_query_end(&query);
}
