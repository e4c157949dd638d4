/* The store's inside: one SQLite connection, its prepared statements, and the query, a statement on its way.
 *
 * A query binds its parameters in order, steps, reads its columns in order, and ends. It fails stickily: after a
 * failure every step gives no row, and sat_query_end() says what happened, with the sentence in the store's fault.
 * Once a write inside a transaction has failed, everything up to the rollback fails with the same error, because
 * SQLite may have undone the transaction by itself, and what follows would be committed piece by piece. */
#ifndef SAT_STORE_SQLITE_H
#define SAT_STORE_SQLITE_H

#include <sqlite3.h>

#include "common/store/store.h"

enum sat_sql {
#define X(name, sql) SAT_SQL_##name,
#include "common/store/queries.def"
#undef X
    SAT_SQL_COUNT
};

enum { SAT_STORE_BUSY_MS = 5000 }; /* that a statement waits for another process */

struct sat_store {
    sqlite3 *db;
    char *path;
    struct sat_fault fault;
    uint32_t schema_version;
    bool in_transaction; /* between begin and commit or rollback, whatever SQLite thinks */
    enum sat_err doomed; /* why the open transaction can only be rolled back; else SAT_OK */
    sqlite3_stmt *statements[SAT_SQL_COUNT];
};

/* Fills the store's fault from SQLite's last error; `doing` says what was tried. Returns the error. */
enum sat_err sat_sqlite_fail(struct sat_store *store, int code, const char *doing);

struct sat_query {
    struct sat_store *store;
    sqlite3_stmt *statement; /* NULL after a failure to prepare */
    int bound, column;       /* the next one to bind or read, from 0 */
    bool none;               /* what is asked for is behind all that can be stored: it has no rows */
    enum sat_err err;
};

struct sat_query sat_query_begin(struct sat_store *store, enum sat_sql name);
void sat_bind_i64(struct sat_query *query, int64_t v);
void sat_bind_u64(struct sat_query *query, uint64_t v);   /* to be stored: SAT_ERR_INVALID beyond an int64 */
void sat_bind_bound(struct sat_query *query, uint64_t v); /* to be compared with: beyond an int64 the largest will do */
void sat_bind_from(struct sat_query *query, uint64_t v);  /* rows from there on: beyond an int64 there is none */
void sat_bind_bytes(struct sat_query *query, const void *at, size_t len); /* borrowed until the query ends */
void sat_bind_text(struct sat_query *query, const char *text);            /* borrowed until the query ends */
bool sat_query_step(struct sat_query *query);                             /* is there a (further) row? */
int64_t sat_column_i64(struct sat_query *query);
uint64_t sat_column_u64(struct sat_query *query);
uint32_t sat_column_u32(struct sat_query *query);
struct sat_span sat_column_borrow(struct sat_query *query);            /* until the next step */
void sat_column_bytes(struct sat_query *query, void *out, size_t len); /* another length fails with SAT_ERR_CORRUPT */
struct sat_span sat_column_span(struct sat_query *query, struct sat_arena *arena); /* the arena owns the copy */
/* Fails the query with SAT_ERR_CORRUPT because of what was read. */
void sat_query_corrupt(struct sat_query *query, const char *what);
enum sat_err sat_query_end(struct sat_query *query) SAT_MUST_CHECK;
/* Steps a statement that gives no rows, and ends. */
enum sat_err sat_query_run(struct sat_query *query) SAT_MUST_CHECK;
/* The same for one that must hit a row: SAT_ERR_NOT_FOUND, naming `what`. */
enum sat_err sat_query_run_on(struct sat_query *query, const char *what) SAT_MUST_CHECK;
/* Ends a query of which one row was asked for: SAT_ERR_NOT_FOUND, naming `what`, unless `found`. */
enum sat_err sat_query_end_found(struct sat_query *query, bool found, const char *what) SAT_MUST_CHECK;
/* The only column of the only row: a count. */
enum sat_err sat_query_count(struct sat_query *query, uint64_t *out) SAT_MUST_CHECK;

/* Makes what can be read of the write-ahead log lasting, whatever became of earlier attempts (sqlite_again.c). */
enum sat_err sat_sqlite_write_log_again(struct sat_store *store) SAT_MUST_CHECK;

/* The boxes of schema 1, which had a table row each, into pages (sqlite_box.c); the table goes. */
enum sat_err sat_box_pages_gather(struct sat_store *store) SAT_MUST_CHECK;

/* Rows of one size that gather in an arena; starts as {arena, row_size}. */
struct sat_rows {
    struct sat_arena *arena;
    size_t row_size;
    void *at; /* NULL while there are none */
    uint32_t n;
};
void *sat_rows_add(struct sat_rows *rows); /* room for one more, zeroed */

/* What is deleted is overwritten where a page is written anyway; with `everything`, in pages that become free as well:
 * for what must not be found in the file any more, as the keys of a space that was left. */
void sat_sqlite_overwrite(struct sat_store *store, bool everything);

#endif
