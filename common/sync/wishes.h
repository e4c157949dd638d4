/* Entries of which a device wants the bytes, though they were replaced before it had them: it is to be told what they
 * were. Kept in the store, so that whoever finds that it lacks them says so, and the next session asks.
 *
 *   meta "wishes"   n × (u64 sid ‖ u64 seq), each once; empty: none */
#ifndef SAT_SYNC_WISHES_H
#define SAT_SYNC_WISHES_H

#include "common/store/store.h"

enum { SAT_WISHES_MAX = 256 };

/* Inside a transaction: the entries of all that is here of a record in hashes alone. What is wished for already, or too
 * much, changes nothing. *any: something is wished for by it. */
enum sat_err sat_wish_record(struct sat_store *store, int64_t sid, const struct sat_record_id *record,
                             bool *any) SAT_MUST_CHECK;
/* The first in that space. */
enum sat_err sat_wish_first(struct sat_store *store, int64_t sid, uint64_t *seq, bool *found) SAT_MUST_CHECK;
/* Inside a transaction: it was answered, or cannot be. */
enum sat_err sat_wish_done(struct sat_store *store, int64_t sid, uint64_t seq) SAT_MUST_CHECK;
/* Inside a transaction: the space is let go of, and nobody answers about it any more. */
enum sat_err sat_wish_leave(struct sat_store *store, int64_t sid) SAT_MUST_CHECK;

#endif
