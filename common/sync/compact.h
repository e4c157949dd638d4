/* Compaction: what is left of bundles whose changes are all superseded and forgotten goes, as soon as everybody has
 * acknowledged it; of their entries stays a hash. Representation only: no live set, no digest and no root changes
 * (docs/compaction.md has the theorem).
 *
 * A run is an aligned subtree of the log's Merkle tree by its root; neighbours are joined as far as they align. An
 * entry stays if it is at or behind the floor, if its bundle has anything live, put aside or remembered, if it is its
 * device's newest up to the floor (what a device has written up to there is looked up by it), if it was put aside, or
 * if it is a collection. */
#ifndef SAT_SYNC_COMPACT_H
#define SAT_SYNC_COMPACT_H

#include "common/store/store.h"

/* own: the device whose store it is, and 0 on a server: its work is remembered as its own (copied.h).
 * Looks at most at so many entries, from where the last call ended, up to the floor; *looked_at and *gone, entries, are
 * added to. sat_compact_again(): from the log's beginning, if the last round is over, as more has been forgotten. In a
 * transaction; the caller saves the space's row. */
enum sat_err sat_compact(struct sat_store *store, struct sat_space_row *space, uint32_t own, uint64_t entries,
                         uint64_t *looked_at, uint64_t *gone) SAT_MUST_CHECK;

void sat_compact_again(struct sat_space_row *space);

/* A run that came in place of entries, behind the log's end: SAT_ERR_MALFORMED where it does not align. */
enum sat_err sat_compact_take(struct sat_store *store, struct sat_space_row *space, uint8_t level,
                              const struct sat_hash *hash) SAT_MUST_CHECK;

/* The place to which a log can be cut that is not within a run: `size`, or before. */
enum sat_err sat_compact_before(struct sat_store *store, int64_t sid, uint64_t size, uint64_t *out) SAT_MUST_CHECK;

#endif
