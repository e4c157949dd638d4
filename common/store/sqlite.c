#include "common/store/sqlite.h"

#include <errno.h>
#include <string.h>

#include "common/base/check.h"

static const char *const statement_text[] = {
#define X(name, sql) [SAT_SQL_##name] = sql,
#include "common/store/queries.def"
#undef X
};

/* What the operating system said about a failed read or write says more than SQLite's own code. */
static enum sat_err map_system_error(int number, enum sat_err otherwise)
{
    switch (number) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG: /* a limit on the file's size is a full disk to whoever meets it */
        return SAT_ERR_DISK_FULL;
    case EACCES:
    case EPERM:
    case EROFS:
        return SAT_ERR_READ_ONLY;
    default:
        return otherwise;
    }
}

static enum sat_err map_error(int code, int system_error)
{
    switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return SAT_ERR_IN_USE;
    case SQLITE_FULL:
        return SAT_ERR_DISK_FULL;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return SAT_ERR_READ_ONLY;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_FORMAT:
    case SQLITE_MISMATCH:
        return SAT_ERR_CORRUPT;
    case SQLITE_NOMEM:
        return SAT_ERR_NO_MEMORY;
    case SQLITE_TOOBIG:
        return SAT_ERR_TOO_LARGE;
    case SQLITE_CONSTRAINT:
        return code == SQLITE_CONSTRAINT_PRIMARYKEY || code == SQLITE_CONSTRAINT_UNIQUE ||
                       code == SQLITE_CONSTRAINT_ROWID
                   ? SAT_ERR_EXISTS
                   : SAT_ERR_INVALID;
    case SQLITE_CANTOPEN: /* the file, or a companion beside it: what is missing is nearly always the right to */
        return map_system_error(system_error, system_error == EMFILE || system_error == ENFILE || system_error == EIO
                                                  ? SAT_ERR_IO
                                                  : SAT_ERR_READ_ONLY);
    case SQLITE_IOERR:
        return map_system_error(system_error, SAT_ERR_IO);
    default:
        return SAT_ERR_IO;
    }
}

enum sat_err sat_sqlite_fail(struct sat_store *store, int code, const char *doing)
{
    if (!store->db) return sat_fail(&store->fault, SAT_ERR_NO_MEMORY, "%s: out of memory", store->path);
    int system_error = sqlite3_system_errno(store->db);
    enum sat_err err = map_error(code, system_error);
    if (err == SAT_ERR_IN_USE)
        return sat_fail(&store->fault, err, "%s: %s failed: another process holds the store", store->path, doing);
    bool system_knows = (code & 0xff) == SQLITE_CANTOPEN || (code & 0xff) == SQLITE_IOERR; /* else it is an old one */
    const char *system_text = system_knows && system_error ? strerror(system_error) : "";
    return sat_fail(&store->fault, err, "%s: %s failed: %s (%s%s%s)", store->path, doing, sat_err_text(err),
                    sqlite3_errmsg(store->db), *system_text ? "; " : "", system_text);
}

static void fail_query(struct sat_query *query, enum sat_err err)
{
    struct sat_store *store = query->store;
    query->err = err;
    bool lost = sqlite3_get_autocommit(store->db) != 0;
    bool wrote = query->statement && !sqlite3_stmt_readonly(query->statement);
    if (store->in_transaction && store->doomed == SAT_OK && (lost || wrote)) store->doomed = err;
}

struct sat_query sat_query_begin(struct sat_store *store, enum sat_sql name)
{
    struct sat_query query = {.store = store};
    if (store->doomed != SAT_OK) {
        query.err = sat_fail_keep(&store->fault, store->doomed);
        return query;
    }
    if (!store->statements[name]) {
        int code = sqlite3_prepare_v3(store->db, statement_text[name], -1, SQLITE_PREPARE_PERSISTENT,
                                      &store->statements[name], NULL);
        if (code != SQLITE_OK) {
            fail_query(&query, sat_sqlite_fail(store, code, "preparing a statement"));
            return query;
        }
    }
    query.statement = store->statements[name];
    sat_check(!sqlite3_stmt_busy(query.statement)); /* every query ends before its function returns */
    return query;
}

static void check_bind(struct sat_query *query, int code)
{
    if (code != SQLITE_OK) fail_query(query, sat_sqlite_fail(query->store, code, "binding a value"));
}

void sat_bind_i64(struct sat_query *query, int64_t v)
{
    if (query->err == SAT_OK) check_bind(query, sqlite3_bind_int64(query->statement, ++query->bound, v));
}

void sat_bind_u64(struct sat_query *query, uint64_t v)
{
    if (query->err == SAT_OK && v > INT64_MAX) {
        fail_query(query, sat_fail(&query->store->fault, SAT_ERR_INVALID, "%s: %llu is too large a number to be stored",
                                   query->store->path, (unsigned long long)v));
    }
    sat_bind_i64(query, (int64_t)v);
}

void sat_bind_bound(struct sat_query *query, uint64_t v)
{
    sat_bind_i64(query, v > INT64_MAX ? INT64_MAX : (int64_t)v);
}

void sat_bind_from(struct sat_query *query, uint64_t v)
{
    query->none = query->none || v > INT64_MAX;
    sat_bind_bound(query, v);
}

void sat_bind_bytes(struct sat_query *query, const void *at, size_t len)
{
    if (query->err != SAT_OK) return;
    /* A pointer of NULL would bind an SQL NULL; no bytes are a value too. */
    query->bound++;
    check_bind(query, len ? sqlite3_bind_blob64(query->statement, query->bound, at, len, SQLITE_STATIC)
                          : sqlite3_bind_zeroblob(query->statement, query->bound, 0));
}

void sat_bind_text(struct sat_query *query, const char *text)
{
    if (query->err != SAT_OK) return;
    check_bind(query, sqlite3_bind_text(query->statement, ++query->bound, text, -1, SQLITE_STATIC));
}

bool sat_query_step(struct sat_query *query)
{
    if (query->err != SAT_OK) return false;
    sat_check(query->bound == sqlite3_bind_parameter_count(query->statement));
    if (query->none) return false;
    query->column = 0;
    int code = sqlite3_step(query->statement);
    if (code == SQLITE_ROW) return true;
    if (code != SQLITE_DONE) {
        bool wrote = !sqlite3_stmt_readonly(query->statement);
        fail_query(query, sat_sqlite_fail(query->store, code, wrote ? "writing" : "reading"));
    }
    return false;
}

int64_t sat_column_i64(struct sat_query *query)
{
    int column = query->column++, type = sqlite3_column_type(query->statement, column);
    /* Bytes and texts are read as 0, but are behind all numbers in SQLite's order: who goes on behind what it read
     * would read it again. */
    if (type != SQLITE_INTEGER && type != SQLITE_NULL) sat_query_corrupt(query, "a number");
    return sqlite3_column_int64(query->statement, column);
}

uint64_t sat_column_u64(struct sat_query *query)
{
    return (uint64_t)sat_column_i64(query);
}

uint32_t sat_column_u32(struct sat_query *query)
{
    return (uint32_t)sat_column_i64(query);
}

struct sat_span sat_column_borrow(struct sat_query *query)
{
    int column = query->column++;
    const void *at = sqlite3_column_blob(query->statement, column); /* before bytes(): it may convert */
    return sat_span(at, (size_t)sqlite3_column_bytes(query->statement, column));
}

void sat_query_corrupt(struct sat_query *query, const char *what)
{
    fail_query(query, sat_fail(&query->store->fault, SAT_ERR_CORRUPT, "%s: %s is damaged", query->store->path, what));
}

void sat_column_bytes(struct sat_query *query, void *out, size_t len)
{
    struct sat_span span = sat_column_borrow(query);
    if (span.len == len && span.at) {
        memcpy(out, span.at, len);
        return;
    }
    memset(out, 0, len);
    sat_query_corrupt(query, "a value of a fixed length");
}

struct sat_span sat_column_span(struct sat_query *query, struct sat_arena *arena)
{
    return sat_span_copy(arena, sat_column_borrow(query));
}

enum sat_err sat_query_end(struct sat_query *query)
{
    /* The bindings stay until they are replaced, but are never read again: a step checks that all were. */
    if (query->statement) (void)sqlite3_reset(query->statement); /* repeats the step's error, which is kept already */
    query->statement = NULL;
    return query->err;
}

enum sat_err sat_query_run(struct sat_query *query)
{
    bool row = sat_query_step(query);
    sat_check(!row);
    return sat_query_end(query);
}

enum sat_err sat_query_run_on(struct sat_query *query, const char *what)
{
    bool row = sat_query_step(query);
    sat_check(!row);
    if (query->err == SAT_OK && sqlite3_changes(query->store->db) == 0)
        fail_query(query, sat_fail(&query->store->fault, SAT_ERR_NOT_FOUND, "%s: there is no such %s",
                                   query->store->path, what));
    return sat_query_end(query);
}

enum sat_err sat_query_end_found(struct sat_query *query, bool found, const char *what)
{
    if (query->err == SAT_OK && !found)
        fail_query(query, sat_fail(&query->store->fault, SAT_ERR_NOT_FOUND, "%s: there is no such %s",
                                   query->store->path, what));
    return sat_query_end(query);
}

enum sat_err sat_query_count(struct sat_query *query, uint64_t *out)
{
    *out = sat_query_step(query) ? sat_column_u64(query) : 0;
    return sat_query_end(query);
}

void *sat_rows_add(struct sat_rows *rows)
{
    sat_check(rows->n < UINT32_MAX / 2);
    /* The capacity is implied: 4, then each power of two that the list outgrows. */
    bool full = rows->n == 0 || (rows->n >= 4 && (rows->n & (rows->n - 1)) == 0);
    if (full) {
        void *grown = sat_arena_array(rows->arena, rows->n == 0 ? 4 : (size_t)rows->n * 2, rows->row_size);
        if (rows->n) memcpy(grown, rows->at, rows->n * rows->row_size);
        rows->at = grown;
    }
    return (uint8_t *)rows->at + rows->n++ * rows->row_size;
}

/* ---- Transactions ---- */

/* A rollback has no way to fail that matters but one, that there is no memory to say it: then the next transaction, or
 * the next opening, begins with it. */
static void end_open(struct sat_store *store)
{
    if (!sqlite3_get_autocommit(store->db)) (void)sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
}

enum sat_err sat_store_begin(struct sat_store *store)
{
    sat_check(!store->in_transaction);
    /* SQLite would begin, and fail at the first write only. */
    if (sqlite3_db_readonly(store->db, "main") == 1)
        return sat_fail(&store->fault, SAT_ERR_READ_ONLY, "%s was opened for reading only", store->path);
    end_open(store);
    struct sat_query query = sat_query_begin(store, SAT_SQL_BEGIN);
    enum sat_err err = sat_query_run(&query);
    store->in_transaction = err == SAT_OK;
    return err;
}

enum sat_err sat_store_commit(struct sat_store *store)
{
    sat_check(store->in_transaction);
    struct sat_query query = sat_query_begin(store, SAT_SQL_COMMIT);
    enum sat_err err = sat_query_run(&query);
    if (err == SAT_OK)
        store->in_transaction = false;
    else
        store->doomed = err;
    return err;
}

void sat_store_rollback(struct sat_store *store)
{
    if (!store->in_transaction) return;
    end_open(store);
    store->in_transaction = false;
    store->doomed = SAT_OK;
}

static enum sat_err run(struct sat_store *store, enum sat_sql name)
{
    struct sat_query query = sat_query_begin(store, name);
    return sat_query_run(&query);
}

enum sat_err sat_store_mark(struct sat_store *store)
{
    sat_check(store->in_transaction);
    return run(store, SAT_SQL_MARK);
}

enum sat_err sat_store_mark_end(struct sat_store *store, bool keep)
{
    sat_check(store->in_transaction);
    enum sat_err err = keep ? SAT_OK : run(store, SAT_SQL_MARK_BACK); /* which leaves the mark */
    return err ? err : run(store, SAT_SQL_MARK_DROP);
}

bool sat_store_in_transaction(const struct sat_store *store)
{
    return store->in_transaction;
}
