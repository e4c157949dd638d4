/* Walks over all of a store, for an inspection: what the engine's look-ups never need. Columns are given as they are,
 * unchecked, as what is looked for is damage. Spans are borrowed until `each` returns; `each` may read the store, and
 * another error than SAT_OK from it ends the walk and is returned. Every index is used only where it cannot hide a row.
 */
#ifndef SAT_STORE_INSPECT_H
#define SAT_STORE_INSPECT_H

#include "common/store/store.h"

/* The database's own check of its pages, indexes and constraints: a sentence for each complaint, at most `max`. */
enum sat_err sat_store_self_check(struct sat_store *store, uint32_t max,
                                  void (*each)(void *context, const char *complaint), void *context) SAT_MUST_CHECK;

/* A copy of all of it as it is now, whoever else writes meanwhile, into a new file. */
enum sat_err sat_store_copy(struct sat_store *store, const char *path) SAT_MUST_CHECK;

struct sat_raw_bundle {
    int64_t bid, sid, device, first, count, seq, state;
    struct sat_span id, manifest, signature;
};
/* The space's bundles by device and first counter. */
enum sat_err sat_store_walk_bundles(struct sat_store *store, int64_t sid,
                                    enum sat_err (*each)(void *context, const struct sat_raw_bundle *bundle),
                                    void *context) SAT_MUST_CHECK;

struct sat_raw_change {
    int64_t cid, device, counter, state;
    int64_t seq; /* of its bundle; 0: pending */
    struct sat_span record, header, rest;
};
/* The space's changes, those of a record together; without those that have no bundle. */
enum sat_err sat_store_walk_changes(struct sat_store *store, int64_t sid,
                                    enum sat_err (*each)(void *context, const struct sat_raw_change *change),
                                    void *context) SAT_MUST_CHECK;

struct sat_strays {            /* rows that nothing refers to */
    uint64_t changes;          /* of no bundle, or of one in another space */
    uint64_t bundles, entries; /* of no space */
    uint64_t drafts;
};
enum sat_err sat_store_strays(struct sat_store *store, struct sat_strays *out) SAT_MUST_CHECK;

#endif
