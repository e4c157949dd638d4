/* The search index: SQLite's FTS5 with terms of our own (terms.h), in the database of the view. It is derived like
 * the view's tables and changes with them: when a row has been put into its type's table, put(); before one is taken
 * out, drop(). A row is known by its rowid, which no row of another type's table may have. Archived rows are not in it.
 *
 * It keeps no text: what it finds is looked up in the tables, and looked at, before it is told. */
#ifndef CLIENT_SEARCH_INDEX_H
#define CLIENT_SEARCH_INDEX_H

#include "client/search/row.h"

/* The index, and for each row in it of which type it is and when it was changed. */
#define CLIENT_INDEX "satchel_search"
#define CLIENT_INDEX_ROWS "satchel_search_row"
/* A row's text for FTS5: each of its parts behind one of these bytes, which no UTF-8 has. */
#define CLIENT_INDEX_TYPE 0xfc
#define CLIENT_INDEX_NAME 0xfd
#define CLIENT_INDEX_TEXT 0xfe

struct client_index {
    struct client_row_reader reader;
    sqlite3_stmt *put, *drop, *put_row, *drop_row;
    struct sat_arena arena;
};

/* Before anything else that has to do with the index on this connection. */
enum sat_err client_index_register(sqlite3 *db, struct sat_fault *fault) SAT_MUST_CHECK;
/* Makes the index's tables, empty. */
enum sat_err client_index_make(sqlite3 *db, struct sat_fault *fault) SAT_MUST_CHECK;

/* For filling it. The database is borrowed. */
void client_index_init(struct client_index *index, sqlite3 *db);
void client_index_deinit(struct client_index *index);
/* `at_ms`: when the record was last changed, for the order of what is found. */
enum sat_err client_index_put(struct client_index *index, const struct sat_type *type, int64_t row, uint64_t at_ms,
                              struct sat_fault *fault) SAT_MUST_CHECK;
enum sat_err client_index_drop(struct client_index *index, const struct sat_type *type, int64_t row,
                               struct sat_fault *fault) SAT_MUST_CHECK;

#endif
