/* The fields that the organisation added (docs/decisions/0150), as columns of their types' tables: "ext.NAME" of each
 * that is published, with what records have in their map `ext`. Which there are goes with what a view was built as:
 * where another one is published, it is built anew. */
#ifndef CLIENT_VIEW_ADDED_H
#define CLIENT_VIEW_ADDED_H

#include <sqlite3.h>

#include "common/base/err.h"
#include "common/vault/record.h"

/* Raised when other columns, or others in them, come of the same records. */
#define CLIENT_ADDED_VERSION 1

enum { CLIENT_ADDED_MAX = 200 }; /* columns, of all types together; of more the first by name */

/* Makes its tables, for the view alone:
 *   satchel_ext     (n, ext) what the record of that number has there, as a JSON object; none: no row
 *   satchel_added   (type, key, truth) the fields of which there are columns; truth: its values are booleans */
enum sat_err client_added_make(sqlite3 *db, struct sat_fault *fault) SAT_MUST_CHECK;
/* Notes what a record has in `ext`, in place of what was noted under that number; `record` NULL: nothing. *statement is
 * kept for the next one, and the caller's to finalize. */
enum sat_err client_added_note(sqlite3 *db, sqlite3_stmt **statement, int64_t n, const struct sat_merged_record *record,
                               struct sat_fault *fault) SAT_MUST_CHECK;
/* When all rows are there: makes the columns, and fills them. */
enum sat_err client_added_derive(sqlite3 *db, struct sat_fault *fault) SAT_MUST_CHECK;
/* When those that were noted (database.h) are: fills theirs. *anew: another field is published, or another kind. */
enum sat_err client_added_follow(sqlite3 *db, bool *anew, struct sat_fault *fault) SAT_MUST_CHECK;

#endif
