/* The searched texts of a row of the view, as they stand in its type's table. Which fields are searched says the list
 * of types (SEARCH in types.def). */
#ifndef CLIENT_SEARCH_ROW_H
#define CLIENT_SEARCH_ROW_H

#include <sqlite3.h>

#include "common/base/bytes.h"
#include "common/base/err.h"
#include "common/vault/types.h"

struct client_text {
    const struct sat_field *field;
    struct sat_span text; /* a field's value; of a set, one element's */
};

struct client_row {
    bool there;
    const char *id, *territory;
    struct client_text *texts; /* names first; none is empty */
    size_t n;
};

/* Reads rows of one database, which is borrowed. */
struct client_row_reader {
    sqlite3 *db;
    sqlite3_stmt **statements; /* by type, prepared when first needed */
};
void client_row_reader_init(struct client_row_reader *reader, sqlite3 *db);
void client_row_reader_deinit(struct client_row_reader *reader);
/* The arena owns what comes out. */
enum sat_err client_row_read(struct client_row_reader *reader, const struct sat_type *type, int64_t rowid,
                             struct sat_arena *arena, struct client_row *out, struct sat_fault *fault) SAT_MUST_CHECK;

/* SQLite's last failure, as an error. */
enum sat_err client_search_fail(sqlite3 *db, struct sat_fault *fault);

#endif
