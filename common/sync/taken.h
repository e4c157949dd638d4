/* What shows a home that a number of its is taken: what it signed itself for other work. Nobody else can make that, so
 * that it need not see the log which has it (docs/decisions/0218).
 *
 *   proof   manifest246 ‖ sig64     of the bundle, or of the void statement in its place (void.h): suite 0 */
#ifndef SAT_SYNC_TAKEN_H
#define SAT_SYNC_TAKEN_H

#include "common/store/store.h"

/* In meta: the server's time until which it is not asked, as it did not know the question (docs/decisions/0286). */
#define SAT_UNSHOWN_KEY "unshown"

/* The proof that a bundle, or void statement, of the log makes. */
void sat_taken_encode(const struct sat_bundle_row *row, struct sat_buf *out);
/* Is it signed by the key for some of the numbers of this device's own row, in this organisation, and other work? */
bool sat_taken_is_proven(struct sat_span proof, const struct sat_hash *org, const struct sat_public_key *key,
                         const struct sat_bundle_row *own);

#endif
