/* What counts only beside what it follows from: a record whose type says BESIDE of a field (vault/types.def), and which
 * is in another territory than the one that it names there. Its column `elsewhere` is 1 then: who may write one
 * territory says nothing of another one's. What names something that is not here at all is not judged: that may come.
 */
#ifndef CLIENT_VIEW_BESIDE_H
#define CLIENT_VIEW_BESIDE_H

#include "client/view/database.h"

/* Has the type such a field, and its table the column? */
bool client_beside_is(const struct sat_type *type);
/* Fills in the column: of all rows, or of those that were noted, or name one that was (database.h). */
enum sat_err client_beside_derive(sqlite3 *db, bool noted, struct sat_fault *fault) SAT_MUST_CHECK;

#endif
