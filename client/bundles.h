/* Bundles that are no part of what is shown: refused, put aside, in the escrow. What can be read of them is shown
 * change by change, so that a person can decide. */
#ifndef CLIENT_BUNDLES_H
#define CLIENT_BUNDLES_H

#include "client/handle.h"
#include "client/json.h"
#include "common/proof/bundle.h"

/* Reads a bundle in full form and checks who signed it. The arena owns what it points to. SAT_ERR_TAMPERED for one that
 * its device did not sign, or that is of another space; SAT_ERR_MALFORMED. */
enum sat_err client_bundle_read(struct satchel *satchel, struct sat_span bytes, const struct sat_space_id *space,
                                struct sat_arena *arena, struct sat_bundle *out) SAT_MUST_CHECK;
/* The same of one in the store. */
enum sat_err client_bundle_of_row(struct satchel *satchel, const struct sat_bundle_row *row, struct sat_arena *arena,
                                  struct sat_bundle *out) SAT_MUST_CHECK;
/* {"type","id","fields","at"} of a change; type and fields are null where its key is not here, or it cannot be opened.
 */
json_t *client_bundle_change(struct satchel *satchel, const struct sat_bundle *bundle, uint32_t index,
                             struct sat_arena *arena);
/* {"device","user","territory"} */
json_t *client_bundle_author(struct satchel *satchel, const struct sat_space_id *space, uint32_t device,
                             struct sat_arena *arena);
struct client_waiting {                  /* own changes in bundles that are not accepted */
    uint64_t pending, refused, escrowed; /* refused: for good; escrowed: the admins have it */
    uint64_t rejected;                   /* of the escrowed: they have left it out */
};
/* Adds what waits in one space; drafts are not among it. */
enum sat_err client_count_waiting(struct satchel *satchel, int64_t sid, struct client_waiting *out) SAT_MUST_CHECK;
/* Own changes that the server refused and that are put aside, and bundles of others. */
enum sat_err client_count_aside(struct satchel *satchel, uint64_t *refused, uint64_t *others) SAT_MUST_CHECK;
/* Was own work refused there, behind which all that is written now stays here? */
enum sat_err client_is_refused(struct satchel *satchel, int64_t sid, bool *refused) SAT_MUST_CHECK;

#endif
