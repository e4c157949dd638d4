/* The view: a table per record type, in an SQLite database in memory, built from the records when somebody asks.
 * It is derived: building it again gives the same. Whoever queries it can read it and nothing else.
 *
 *   columns   id, territory, the type's fields, its derived figures; a set is a JSON array in text, a boolean 0 or 1, a
 * time RFC 3339 waiting   (type, id, field, target): the references to records that are not here
 *             of a territory's types also after_move, moved_from: something of it came when it had moved already
 *   archived.<type>   the same columns, for the archived records */
#ifndef CLIENT_VIEW_H
#define CLIENT_VIEW_H

#include "client/handle.h"

struct client_view;

/* The handle's view, built if need be; borrowed. */
enum sat_err client_view_get(struct satchel *satchel, struct client_view **out) SAT_MUST_CHECK;
void client_view_free(struct client_view *view); /* NULL is fine */

/* Runs one statement of read-only SQL. SAT_ERR_INVALID with SQLite's own sentence. */
enum sat_err client_view_query(struct client_view *view, const char *sql, satchel_row_fn row, void *context,
                               struct sat_fault *fault) SAT_MUST_CHECK;

/* satchel_find(); *more: there are more than that. */
int client_find_records(struct satchel *satchel, const char *text, const char *type, int limit, satchel_row_fn row,
                        void *context, bool *more);

#endif
