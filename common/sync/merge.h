/* The blind merge of one record (MERGE 2, 4): dots and vectors decide, nobody reads. The same code runs on the server,
 * on every client's accepted base, and on the overlay of what is pending. */
#ifndef SAT_SYNC_MERGE_H
#define SAT_SYNC_MERGE_H

#include "common/proof/header.h"

struct sat_version { /* one change, as the merge sees it */
    struct sat_dot dot;
    struct sat_dots seen, kept, holes; /* borrowed */
};

/* Does y replace x: is x.dot under y.seen, and named by neither y.kept nor y.holes? */
bool sat_merge_covers(const struct sat_version *y, const struct sat_dot *x);

/* y arrives at a record with `n` live versions. Sets drop[i] for each that y replaces, and *dead if one of them
 * replaces y, or is y. */
void sat_merge_arrive(const struct sat_version *live, uint32_t n, const struct sat_version *y, bool *drop, bool *dead);

#endif
