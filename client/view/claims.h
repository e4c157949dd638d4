/* Claims of records from the pool (`claimed_by`, rule RSV), as a table of the view that everybody may ask:
 *
 *   claimed (type, id, territory, person, author, at_ms, standing)
 *
 * Each that stands: for whom, by whom, since when (its receipt; until there is one, as it was written). `standing` is
 *   confirmed   the server received it first: the record is claimed by that person
 *   asked       it would be the first, and the server has not received it yet
 *   lost        another one was first
 *   denied      its author claimed it for somebody else, which counts for nothing
 *
 * What the cell itself shows is the first of all, whoever wrote it. */
#ifndef CLIENT_VIEW_CLAIMS_H
#define CLIENT_VIEW_CLAIMS_H

#include "client/view/fill.h"

enum sat_err client_claims_make(sqlite3 *db, struct sat_fault *fault) SAT_MUST_CHECK;
/* A row has come to its type's table (`view`), or is about to leave it (NULL). */
enum sat_err client_claims_tell(struct client_filling *filling, const struct sat_type *type, bool archived, int64_t n,
                                const struct sat_record_view *view) SAT_MUST_CHECK;

#endif
