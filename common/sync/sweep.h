/* Forgetting what was replaced, as policy says: a superseded change loses header and body when there are more than
 * `history.versions` newer ones of its record, or when what superseded it is older than `history.days`. What is left of
 * it are its hashes, as of any change that came as a stub: no live set, digest or root changes (docs/compaction.md).
 *
 * Never touched: what is live, pending, put aside or to be given back; and what only an entry replaces that no signed
 * head has proved, since that may be let go of again. The same on the server and on a device; a part at each call, from
 * where the space's row says. */
#ifndef SAT_SYNC_SWEEP_H
#define SAT_SYNC_SWEEP_H

#include "common/proof/directory.h"
#include "common/store/store.h"

struct sat_sweep {
    struct sat_store *store; /* in a transaction */
    struct sat_space_row *space;
    const struct sat_directory *directory; /* for its policies */
    uint64_t now_ms;                       /* by the server's clock: it is the one that entries are dated by */
    uint64_t proved;                       /* the log's first entries that stay, whatever comes */
    uint64_t entries;                      /* at most so many are looked at, for either reason */
};

/* The caller saves the space's row. *looked_at, *forgotten: entries and changes; both are added to. */
enum sat_err sat_sweep(const struct sat_sweep *sweep, uint64_t *looked_at, uint64_t *forgotten) SAT_MUST_CHECK;

/* Is there an entry to look at? */
enum sat_err sat_sweep_is_wanted(const struct sat_sweep *sweep, bool *wanted) SAT_MUST_CHECK;

#endif
