/* Runs: what is left of entries whose content is superseded and forgotten. */
#include "common/store/sqlite.h"

enum sat_err sat_store_run_put(struct sat_store *store, int64_t sid, const struct sat_run *run)
{
    struct sat_query query = sat_query_begin(store, SAT_SQL_RUN_PUT);
    sat_bind_i64(&query, sid);
    sat_bind_u64(&query, run->last);
    sat_bind_i64(&query, run->level);
    sat_bind_bytes(&query, run->hash.b, sizeof run->hash.b);
    sat_bind_bytes(&query, run->root.b, sizeof run->root.b);
    return sat_query_run(&query);
}

static enum sat_err delete_one(struct sat_store *store, enum sat_sql which, int64_t sid, uint64_t number)
{
    struct sat_query query = sat_query_begin(store, which);
    sat_bind_i64(&query, sid);
    sat_bind_bound(&query, number);
    return sat_query_run(&query);
}

enum sat_err sat_store_run_delete(struct sat_store *store, int64_t sid, uint64_t last)
{
    return delete_one(store, SAT_SQL_RUN_DELETE, sid, last);
}

enum sat_err sat_store_entry_delete(struct sat_store *store, int64_t sid, uint64_t seq)
{
    return delete_one(store, SAT_SQL_ENTRY_DELETE, sid, seq);
}

enum sat_err sat_store_runs(struct sat_store *store, int64_t sid, uint64_t seq, uint32_t limit, struct sat_arena *arena,
                            struct sat_run **out, uint32_t *n)
{
    struct sat_rows rows = {.arena = arena, .row_size = sizeof **out};
    struct sat_query query = sat_query_begin(store, SAT_SQL_RUNS);
    sat_bind_i64(&query, sid);
    sat_bind_from(&query, seq);
    sat_bind_i64(&query, limit);
    while (sat_query_step(&query)) {
        struct sat_run *run = sat_rows_add(&rows);
        run->last = sat_column_u64(&query);
        run->level = (uint8_t)sat_column_u32(&query);
        sat_column_bytes(&query, run->hash.b, sizeof run->hash.b);
        sat_column_bytes(&query, run->root.b, sizeof run->root.b);
        if (run->level > SAT_SUBTREE_LEVEL_MAX || run->last >> run->level == 0 ||
            run->last & (((uint64_t)1 << run->level) - 1))
            sat_query_corrupt(&query, "a run of a log");
    }
    *out = rows.at;
    *n = rows.n;
    return sat_query_end(&query);
}
