/* Who is live in a record, found anew: its changes merged again in the order of the log, as they arrived. */
#ifndef SAT_SYNC_REMERGE_H
#define SAT_SYNC_REMERGE_H

#include "common/store/store.h"

/* Mends the states of the record's accepted changes, and the space's digest by what that changed; the caller saves the
 * space. Inside the caller's transaction. */
enum sat_err sat_base_remerge(struct sat_store *store, struct sat_space_row *space, const struct sat_record_id *record,
                              bool *changed) SAT_MUST_CHECK;

#endif
