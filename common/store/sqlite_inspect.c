/* The walks. Their statements are not among the prepared ones of queries.def: they run once, when somebody asks. */
#include "common/store/inspect.h"
#include "common/store/sqlite.h"

static struct sat_query prepare(struct sat_store *store, const char *sql)
{
    struct sat_query query = {.store = store};
    int code = sqlite3_prepare_v2(store->db, sql, -1, &query.statement, NULL);
    if (code != SQLITE_OK) query.err = sat_sqlite_fail(store, code, "preparing a statement");
    return query;
}

/* Ends a query of which nothing is to stay; `err` is what ended it from outside. */
static enum sat_err finish(struct sat_query *query, enum sat_err err)
{
    sqlite3_stmt *statement = query->statement;
    enum sat_err ended = sat_query_end(query);
    (void)sqlite3_finalize(statement);
    return err ? err : ended;
}

enum sat_err sat_store_self_check(struct sat_store *store, uint32_t max,
                                  void (*each)(void *context, const char *complaint), void *context)
{
    char sql[64];
    (void)sqlite3_snprintf(sizeof sql, sql, "PRAGMA integrity_check(%u)", max);
    struct sat_query query = prepare(store, sql);
    while (sat_query_step(&query)) {
        const char *text = (const char *)sqlite3_column_text(query.statement, 0);
        if (text && sqlite3_stricmp(text, "ok") != 0) each(context, text);
    }
    return finish(&query, SAT_OK);
}

enum sat_err sat_store_copy(struct sat_store *store, const char *path)
{
    struct sat_query query = prepare(store, "VACUUM INTO ?1");
    sat_bind_text(&query, path);
    while (sat_query_step(&query)) continue;
    return finish(&query, SAT_OK);
}

enum sat_err sat_store_walk_bundles(struct sat_store *store, int64_t sid,
                                    enum sat_err (*each)(void *context, const struct sat_raw_bundle *bundle),
                                    void *context)
{
    struct sat_query query = prepare(store, "SELECT bid, sid, device, first, count, seq, state, id, manifest, signature"
                                            " FROM bundle NOT INDEXED WHERE sid = ?1 ORDER BY device, first");
    enum sat_err err = SAT_OK;
    sat_bind_i64(&query, sid);
    while (!err && sat_query_step(&query)) {
        struct sat_raw_bundle bundle;
        bundle.bid = sat_column_i64(&query);
        bundle.sid = sat_column_i64(&query);
        bundle.device = sat_column_i64(&query);
        bundle.first = sat_column_i64(&query);
        bundle.count = sat_column_i64(&query);
        bundle.seq = sat_column_i64(&query);
        bundle.state = sat_column_i64(&query);
        bundle.id = sat_column_borrow(&query);
        bundle.manifest = sat_column_borrow(&query);
        bundle.signature = sat_column_borrow(&query);
        err = each(context, &bundle);
    }
    return finish(&query, err);
}

enum sat_err sat_store_walk_changes(struct sat_store *store, int64_t sid,
                                    enum sat_err (*each)(void *context, const struct sat_raw_change *change),
                                    void *context)
{
    struct sat_query query =
        prepare(store, "SELECT c.cid, c.device, c.counter, c.state, b.seq, c.record, c.header, c.rest FROM change c"
                       " JOIN bundle b ON b.bid = c.cid >> 10 WHERE c.sid = ?1 ORDER BY c.record");
    enum sat_err err = SAT_OK;
    sat_bind_i64(&query, sid);
    while (!err && sat_query_step(&query)) {
        struct sat_raw_change change;
        change.cid = sat_column_i64(&query);
        change.device = sat_column_i64(&query);
        change.counter = sat_column_i64(&query);
        change.state = sat_column_i64(&query);
        change.seq = sat_column_i64(&query);
        change.record = sat_column_borrow(&query);
        change.header = sat_column_borrow(&query);
        change.rest = sat_column_borrow(&query);
        err = each(context, &change);
    }
    return finish(&query, err);
}

static enum sat_err count(struct sat_store *store, const char *sql, uint64_t *out)
{
    struct sat_query query = prepare(store, sql);
    *out = sat_query_step(&query) ? sat_column_u64(&query) : 0;
    return finish(&query, SAT_OK);
}

enum sat_err sat_store_strays(struct sat_store *store, struct sat_strays *out)
{
    *out = (struct sat_strays){0};
    enum sat_err err = count(store,
                             "SELECT count(*) FROM change c LEFT JOIN bundle b ON b.bid = c.cid >> 10"
                             " WHERE b.sid IS NOT c.sid",
                             &out->changes);
    if (!err)
        err = count(store, "SELECT count(*) FROM bundle NOT INDEXED WHERE sid NOT IN (SELECT sid FROM space)",
                    &out->bundles);
    if (!err) err = count(store, "SELECT count(*) FROM entry WHERE sid NOT IN (SELECT sid FROM space)", &out->entries);
    if (!err)
        err = count(store, "SELECT count(*) FROM draft NOT INDEXED WHERE sid NOT IN (SELECT sid FROM space)",
                    &out->drafts);
    return err;
}
