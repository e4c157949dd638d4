/* The view: a table per record type, in an SQLite database that lies sealed in the home (sealed.h) and follows the
 * records when somebody asks. It is derived: what is missing, damaged, of another state or another version's is built
 * from the records, which gives the same. Whoever queries it can read it and nothing else.
 *
 *   <type>            its columns: id, territory, the type's fields, its derived figures; a set is a JSON array, a
 *                     boolean 0 or 1, a time RFC 3339. Of a territory's types also after_move, moved_from: something of
 *                     it came when it had moved already
 *   archived.<type>   the same columns, for the archived records
 *   waiting           (type, id, field, target, found): the references that cannot be followed; in `found` the type of
 *                     what is there instead */
#ifndef CLIENT_VIEW_H
#define CLIENT_VIEW_H

#include <jansson.h>

#include "client/handle.h"

struct client_view;

#define CLIENT_VIEW_FILE "view.db" /* the files in the home */
#define CLIENT_ARCHIVE_FILE "archive.db"

/* The handle's view, as the records are now; borrowed until the next call. Built if need be, in memory where the home
 * has no room or no sound place for it. */
enum sat_err client_view_get(struct satchel *satchel, struct client_view **out) SAT_MUST_CHECK;
/* The same whether or not the lease allows that anything is shown. */
enum sat_err client_view_open(struct satchel *satchel, struct client_view **out) SAT_MUST_CHECK;
/* One that is built anew, in memory, and the caller's; the handle's stays as it is. */
enum sat_err client_view_make(struct satchel *satchel, struct client_view **out) SAT_MUST_CHECK;
/* Do two of them, of the same records, have the same rows? Else *where (of 160 bytes) names the first table in which
 * they differ. */
enum sat_err client_view_compare(struct client_view *a, struct client_view *b, bool *same, char where[160],
                                 struct sat_fault *fault) SAT_MUST_CHECK;
void client_view_free(struct client_view *view); /* NULL is fine; its files stay */
/* Closes it, and removes its files: records are taken from this device. */
void client_view_discard(struct satchel *satchel);
/* Removes files that nothing opens any more, as the machine stopped before it could be done. For who opens the home. */
void client_view_tidy(struct satchel *satchel);

/* Looks at what lies in the home, page by page, and changes nothing. *there: something does; *trouble: why it will be
 * built anew when somebody asks, NULL: it will not. */
enum sat_err client_view_examine(struct satchel *satchel, const char **trouble, bool *there) SAT_MUST_CHECK;

/* Runs one statement of read-only SQL. SAT_ERR_INVALID with SQLite's own sentence. */
enum sat_err client_view_query(struct client_view *view, const char *sql, satchel_row_fn row, void *context,
                               struct sat_fault *fault) SAT_MUST_CHECK;
/* The rows of one statement, whose parameters ?1, ?2 … are `values` (text, or NULL for null), as an array of objects:
 * the caller's reference, NULL on failure. Asked again by itself where the view has to be built anew. */
enum sat_err client_view_rows(struct satchel *satchel, const char *sql, const char *const *values, size_t n,
                              json_t **rows) SAT_MUST_CHECK;
/* The same whether or not the lease allows that anything is shown: for who writes. */
enum sat_err client_view_rows_unshown(struct satchel *satchel, const char *sql, const char *const *values, size_t n,
                                      json_t **rows) SAT_MUST_CHECK;
/* Did the last query fail as the view could not be read, before it gave a row? Then client_view_get() gives another
 * one, which has the answer. */
bool client_view_asks_again(const struct client_view *view);
/* The same for who keeps the rows to himself until all are there. */
bool client_view_is_damaged(const struct client_view *view);

/* satchel_find(); *more: there are more than that. */
int client_find_records(struct satchel *satchel, const char *text, const char *type, int limit, satchel_row_fn row,
                        void *context, bool *more);

#endif
