/* The mark of what is derived from the records, and what has happened to them since. */
#include "common/store/derived.h"

#include <stdlib.h>
#include <string.h>

#include "common/store/sqlite.h"

enum sat_err sat_derived_mark(struct sat_store *store, struct sat_arena *arena, struct sat_span *out, bool *found)
{
    return sat_store_meta_get(store, SAT_DERIVED_KEY, arena, out, found);
}

static enum sat_err run(struct sat_store *store, enum sat_sql which)
{
    struct sat_query query = sat_query_begin(store, which);
    return sat_query_run(&query);
}

static enum sat_err change_mark(struct sat_store *store, const struct sat_span *mark)
{
    enum sat_err err = sat_store_meta_delete(store, SAT_DERIVED_KEY, SAT_DERIVED_KEY "\x01");
    if (!err && mark) err = run(store, SAT_SQL_TOUCHED_DONE);
    if (!err && mark) err = run(store, SAT_SQL_TOUCHED_BUNDLES_DONE);
    if (!err && mark) err = sat_store_meta_put(store, SAT_DERIVED_KEY, *mark);
    return err;
}

static enum sat_err commit_mark(struct sat_store *store, const struct sat_span *mark)
{
    enum sat_err err = sat_store_begin(store);
    if (!err) err = change_mark(store, mark);
    if (!err) err = sat_store_commit(store);
    if (err) sat_store_rollback(store);
    return err;
}

enum sat_err sat_derived_put(struct sat_store *store, struct sat_span mark)
{
    return commit_mark(store, &mark);
}

enum sat_err sat_derived_begin(struct sat_store *store)
{
    struct sat_arena arena;
    struct sat_span mark;
    bool found;
    sat_arena_init(&arena);
    enum sat_err err = sat_derived_mark(store, &arena, &mark, &found);
    sat_arena_deinit(&arena);
    return err || !found ? err : commit_mark(store, NULL);
}

enum sat_err sat_derived_now(struct sat_store *store, struct sat_derived_to *out, bool *touched)
{
    struct sat_query query = sat_query_begin(store, SAT_SQL_DERIVED_TO);
    bool found = sat_query_step(&query);
    out->bundle = found ? sat_column_i64(&query) : 0;
    out->draft = found ? sat_column_u64(&query) : 0;
    *touched = found && sat_column_i64(&query);
    return sat_query_end(&query);
}

static enum sat_err add_all(struct sat_query *query, struct sat_rows *rows)
{
    while (sat_query_step(query)) {
        struct sat_derived_record *row = sat_rows_add(rows);
        row->sid = sat_column_i64(query);
        sat_column_bytes(query, row->record.b, sizeof row->record.b);
    }
    return sat_query_end(query);
}

static int compare(const void *a, const void *b)
{
    const struct sat_derived_record *x = a, *y = b;
    if (x->sid != y->sid) return x->sid < y->sid ? -1 : 1;
    return memcmp(x->record.b, y->record.b, sizeof x->record.b);
}

/* One after another, and sorted here: a sorter of SQLite's would write to the disk what does not fit. */
enum sat_err sat_derived_since(struct sat_store *store, const struct sat_derived_to *to, struct sat_arena *arena,
                               struct sat_derived_record **out, uint32_t *n)
{
    struct sat_rows rows = {.arena = arena, .row_size = sizeof **out};
    struct sat_query query = sat_query_begin(store, SAT_SQL_DERIVED_CHANGES);
    sat_bind_i64(&query, to->bundle);
    enum sat_err err = add_all(&query, &rows);
    if (err) return err;
    query = sat_query_begin(store, SAT_SQL_DERIVED_DRAFTS);
    sat_bind_u64(&query, to->draft);
    err = add_all(&query, &rows);
    static const enum sat_sql touched[] = {SAT_SQL_DERIVED_TOUCHED, SAT_SQL_DERIVED_BUNDLES};
    for (size_t i = 0; i < sizeof touched / sizeof touched[0] && !err; i++) {
        query = sat_query_begin(store, touched[i]);
        err = add_all(&query, &rows);
    }
    struct sat_derived_record *records = *out = rows.at;
    *n = 0;
    if (rows.n) qsort(records, rows.n, sizeof *records, compare);
    for (uint32_t i = 0; i < rows.n; i++)
        if (*n == 0 || compare(&records[*n - 1], &records[i]) != 0) records[(*n)++] = records[i];
    return err;
}

enum sat_err sat_derived_lists(struct sat_store *store, const struct sat_derived_record *record, bool *lists)
{
    struct sat_query query = sat_query_begin(store, SAT_SQL_RECORD_IS_LISTED);
    sat_bind_i64(&query, record->sid);
    sat_bind_bytes(&query, record->record.b, sizeof record->record.b);
    *lists = sat_query_step(&query);
    return sat_query_end(&query);
}
