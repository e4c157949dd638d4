/* A home that is a copy of another one goes on under a new index (MERGE 11): fresh keys, in the store before the link
 * is sent; and when the link is in the directory, in one transaction, the home is the new device's, and what waited is
 * written again under it. A crash at any step: the next sync goes on from there.
 *
 *   meta "candidate"   the sealed keys (keyring.h) of a link that may have been sent; empty: none
 *   meta "index"       u32 device ‖ the sealed keys: instead of what the keyring's file says; empty: the file counts */
#ifndef CLIENT_REINDEX_H
#define CLIENT_REINDEX_H

#include "client/handle.h"
#include "common/sync/replica.h"
#include "common/vault/author_again.h"

/* For the replica's hooks. The first has what waits written again under a number that is this home's alone, at the
 * moment when it learns that it is a copy: until then all that is here under its device's number is its own. */
enum sat_err client_reindex_begin(struct satchel *satchel) SAT_MUST_CHECK;
/* What a copy of this home, or the one that it was copied from, has brought to the log as its own is not sent again. */
enum sat_err client_reindex_look(struct satchel *satchel, bool *changed) SAT_MUST_CHECK;
/* What waits to be given back, and whose numbers the server has given to other work, is this device's from now on. */
enum sat_err client_reindex_take_over(struct satchel *satchel, int64_t sid, const struct sat_taken *from,
                                      bool *taken) SAT_MUST_CHECK;
/* … and what waits to be given back and is in the log as a copy: *changed, if there is any. */
enum sat_err client_reindex_look_back(struct satchel *satchel, int64_t sid, uint64_t now_ms,
                                      bool *changed) SAT_MUST_CHECK;
/* Behind a session: once nothing waits, what work was before it was written again tells nobody anything any more. */
void client_reindex_rest(struct satchel *satchel);
enum sat_err client_reindex_build(struct satchel *satchel, struct sat_arena *arena,
                                  struct sat_link_batch *out) SAT_MUST_CHECK;
enum sat_err client_reindex_finish(struct satchel *satchel) SAT_MUST_CHECK;
/* The handle is what the store says it is: after that transaction, and when a home is opened. */
enum sat_err client_reindex_take(struct satchel *satchel) SAT_MUST_CHECK;
/* Keeps the alert: somebody should know that there are two homes now, or that one was set back. */
void client_reindex_tell(struct satchel *satchel);
/* The same as a sentence; the arena's. */
const char *client_reindex_text(const struct satchel *satchel, struct sat_arena *arena);

#endif
