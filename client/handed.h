/* Work that was handed in, and is to be let in: can the log take it as its author's? Not where the log has other work
 * under its numbers, or went on without it, or has some of it already, brought by a copy of the same home. Then it is
 * written again by who lets it in, with its origin, but for what the log has (docs/decisions/0191). */
#ifndef CLIENT_HANDED_H
#define CLIENT_HANDED_H

#include "client/handle.h"
#include "common/proof/bundle.h"

/* By what is here of the log. before (NULL: none): the author's bundle that is let in just before. Where this device
 * may not write, or cannot read it, only the server can tell: it fits. */
enum sat_err client_handed_fits(struct satchel *satchel, const struct sat_bundle *bundle, const struct sat_hash *before,
                                bool *fits) SAT_MUST_CHECK;
/* What is here of its records in hashes alone is asked for by the next session: it may be the same, brought by a copy,
 * and replaced since. In a transaction of its own. */
enum sat_err client_handed_wish(struct satchel *satchel, const struct sat_bundle *bundle, bool *any) SAT_MUST_CHECK;
/* Nobody has judged it yet: had its author the right to write that, when he did? It is whole? SAT_ERR_TAMPERED. */
enum sat_err client_handed_check(struct satchel *satchel, const struct sat_bundle *bundle) SAT_MUST_CHECK;

/* All that a device has handed in in a space, in any order, decided or not. What something stands on is told by it. */
struct client_handed_beside {
    const struct sat_bundle **by_id;
    uint32_t n;
    /* So many more are looked at because something stands on them: several may name the same, and whoever handed them
     * in chose how many do. What is behind that is not known, and stands beside. */
    uint64_t steps;
};
void client_handed_begin_beside(struct client_handed_beside *beside, const struct sat_bundle *bundles, uint32_t n,
                                struct sat_arena *arena);
/* The one of them that its author wrote just before it in the space; NULL: none of them is, or the log has that. */
enum sat_err client_handed_before(struct satchel *satchel, const struct sat_bundle *bundle,
                                  const struct client_handed_beside *beside,
                                  const struct sat_bundle **out) SAT_MUST_CHECK;
/* Writes the bundles again, of which each names the one before it, as far as the log does not have them. In a
 * transaction of its own. */
enum sat_err client_handed_take(struct satchel *satchel, const struct sat_bundle *bundles, uint32_t n,
                                struct client_handed_beside *beside) SAT_MUST_CHECK;

#endif
