/* A bundle's changes, record by record. What a bundle is judged by and merged with is looked up once for each record,
 * however often and in whatever order the bundle names it: a thousand changes of one record with a thousand live ones
 * would else be a million rows read. */
#ifndef SAT_SYNC_BY_RECORD_H
#define SAT_SYNC_BY_RECORD_H

#include "common/proof/bundle.h"
#include "common/store/store.h"

struct sat_by_record {
    const struct sat_bundle *bundle;
    uint32_t *index; /* of all changes: those of one record together, in the bundle's order */
};

/* The arena owns what is in *out; the bundle is borrowed. */
void sat_by_record_init(const struct sat_bundle *bundle, struct sat_arena *arena, struct sat_by_record *out);
/* Where in `index` those of the record that begins at `from` end. */
uint32_t sat_by_record_end(const struct sat_by_record *order, uint32_t from);
/* Which of the records may have something live, or pending, in the space beside the bundle itself, which is not stored
 * (bid 0) or is pending: out[i] for the record that begins at `i` in `index`. False is certain; few records are not
 * worth the look. The arena owns it. */
enum sat_err sat_by_record_beside(const struct sat_by_record *order, struct sat_store *store, int64_t sid, int64_t bid,
                                  struct sat_arena *arena, bool **out) SAT_MUST_CHECK;

#endif
