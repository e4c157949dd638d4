/* States that records began in, as the view tells them. A record may be put in any state, as an import has to: it is
 * shown there. But where whoever said so could not have brought it there by moves of his own, the table `unreached` has
 * it, until somebody who could takes a step on it:
 *   unreached (type, id, territory, state) */
#ifndef CLIENT_VIEW_BEGUN_H
#define CLIENT_VIEW_BEGUN_H

#include "client/view/fill.h"

/* For no asker (client_view_register()). */
enum sat_err client_begun_register(sqlite3 *db, struct sat_fault *fault) SAT_MUST_CHECK;
/* The table, and satchel_begun (n, state, territory, author, role, passing), for the view alone: states that the role
 * alone of who said them has no way to. */
enum sat_err client_begun_make(sqlite3 *db, struct sat_fault *fault) SAT_MUST_CHECK;
/* A record, or a user, has come to its table (`view`), or is about to leave it (NULL). Notes in temp.satchel_abouts
 * what may have a way by it, unless all are derived. */
enum sat_err client_begun_tell(struct client_filling *filling, const struct sat_type *type, int64_t n,
                               const struct sat_record_view *view) SAT_MUST_CHECK;
/* Behind the states: of all records, or of those that were noted. */
enum sat_err client_begun_derive(sqlite3 *db, bool noted, struct sat_fault *fault) SAT_MUST_CHECK;

#endif
