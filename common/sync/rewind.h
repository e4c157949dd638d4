/* Back to what a server has proved. Entries are merged as they come, and the signed head that proves them comes behind
 * the last one: until then a receive time, a position, or what is left out of the end is a claim. When the server is
 * caught lying in between, everything behind the last head that held is let go of, so that nothing of a lie stays, and
 * an honest server finds the home where it left it. */
#ifndef SAT_SYNC_REWIND_H
#define SAT_SYNC_REWIND_H

#include "common/store/store.h"

/* In the store's meta: the device's counter when it was rewound last. A draft up to it may have seen changes that are
 * gone: it is frozen when heads are here again, and claims no more than what has come back. */
#define SAT_REWOUND_KEY "rewound"
#define SAT_REWINDS_KEY "rewinds" /* how often: after one, numbers of bundles name others */

/* Drafts up to now may have seen what is gone. Inside the caller's transaction. */
enum sat_err sat_base_mark_drafts(struct sat_store *store) SAT_MUST_CHECK;

/* Numbers of bundles name others from now on, too. */
enum sat_err sat_base_forget_marks(struct sat_store *store) SAT_MUST_CHECK;

/* The space as it was at its head_size: entries and bundles behind that go, `device`'s own become pending again, their
 * records' live changes are found anew, digest and log follow. Saves the space. Inside the caller's transaction.
 * SAT_ERR_CORRUPT when the log does not hash to what it did. */
enum sat_err sat_base_rewind(struct sat_store *store, struct sat_space_row *space, uint32_t device) SAT_MUST_CHECK;

/* The server was set back, and its log goes on under `epoch` behind the first `size` entries that are here. What is
 * behind them is not let go of: everybody's bundles wait in state RETURN, with what proves when they were received
 * first, as far as a head had proved that. It goes back further, to pull again, where a change is live again of which a
 * stub is all that is here. */
enum sat_err sat_base_set_back(struct sat_store *store, struct sat_space_row *space, uint32_t device, uint64_t size,
                               const struct sat_log_epoch *epoch) SAT_MUST_CHECK;
/* The server was set back, and has all of this log: but maybe not the directory under which its last head stood. */
enum sat_err sat_base_stays(struct sat_store *store, struct sat_space_row *space) SAT_MUST_CHECK;

#endif
