/* What somebody derives from a store's records and keeps elsewhere, as a device its view: what has to be looked at
 * again.
 *
 * Whoever derives leaves a mark in the store. While it is there, the store notes each record that something happens to
 * (migrations.def): in the table `touched`, or by its bundle in `touched_bundle`; of new changes and drafts the numbers
 * tell. What happens to too much at once (a space is purged, a server was set back) takes the mark away, and all has to
 * be derived anew. So the mark goes and comes with the transactions of what it speaks of. */
#ifndef SAT_STORE_DERIVED_H
#define SAT_STORE_DERIVED_H

#include "common/store/store.h"

#define SAT_DERIVED_KEY "view" /* the mark's in meta, as the triggers have it */

/* Up to where a store's new changes and drafts are derived. */
struct sat_derived_to {
    int64_t bundle;
    uint64_t draft;
};

struct sat_derived_record {
    int64_t sid;
    struct sat_record_id record;
};

/* The mark; not found: all has to be derived. */
enum sat_err sat_derived_mark(struct sat_store *store, struct sat_arena *arena, struct sat_span *out,
                              bool *found) SAT_MUST_CHECK;
/* Leaves it, with nothing touched; in a transaction of its own. */
enum sat_err sat_derived_put(struct sat_store *store, struct sat_span mark) SAT_MUST_CHECK;
/* Takes it away, in a transaction of its own: what is derived is about to change. What was touched stays told until the
 * next one. Nothing happens where there is none. */
enum sat_err sat_derived_begin(struct sat_store *store) SAT_MUST_CHECK;

/* How far the store is now; has any record been touched since the mark? */
enum sat_err sat_derived_now(struct sat_store *store, struct sat_derived_to *out, bool *touched) SAT_MUST_CHECK;
/* Each record that is touched or has something new, once, by space and id. Some have nothing any more. */
enum sat_err sat_derived_since(struct sat_store *store, const struct sat_derived_to *to, struct sat_arena *arena,
                               struct sat_derived_record **out, uint32_t *n) SAT_MUST_CHECK;
/* Would sat_store_each_record() name it? */
enum sat_err sat_derived_lists(struct sat_store *store, const struct sat_derived_record *record,
                               bool *lists) SAT_MUST_CHECK;

#endif
