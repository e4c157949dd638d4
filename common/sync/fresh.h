/* Bundles that this device has frozen a moment ago, kept in memory as they were stored: they are sent, and mostly
 * echoed by the log, before anything else happens, and to read them back from the store for either was a fifteenth of a
 * push.
 *
 * They are found by id, which is a hash of all that they say: whatever became of the transaction that froze them, what
 * is found is what the row stands for. A few at a time; what is not found is read from the store. */
#ifndef SAT_SYNC_FRESH_H
#define SAT_SYNC_FRESH_H

#include "common/proof/bundle.h"

enum { SAT_FRESH_MAX = 2 * SAT_PUSH_WINDOW }; /* those on their way, and those that are frozen ahead */

struct sat_fresh { /* zeroed: empty */
    struct sat_fresh_bundle {
        struct sat_bundle bundle; /* its changes are in `memory`; NULL: none */
        void *memory;
    } at[SAT_FRESH_MAX];
    uint32_t next;
};

void sat_fresh_deinit(struct sat_fresh *fresh);
/* Copies the bundle, in the place of the one that has been here longest. Without memory for it, it is not kept. */
void sat_fresh_keep(struct sat_fresh *fresh, const struct sat_bundle *bundle);
/* The bundle with that id; NULL: it is not here. Borrowed until the next is kept. */
const struct sat_bundle *sat_fresh_find(const struct sat_fresh *fresh, const struct sat_hash *id);
/* It is in the log: nobody will ask for it. */
void sat_fresh_drop(struct sat_fresh *fresh, const struct sat_hash *id);

#endif
