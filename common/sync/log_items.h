/* A space's log as it is kept: entries, and runs in place of such as were let go of (compact.h). Whoever walks a log
 * walks these. */
#ifndef SAT_SYNC_LOG_ITEMS_H
#define SAT_SYNC_LOG_ITEMS_H

#include "common/store/store.h"

struct sat_log_item {
    uint64_t first, last;
    bool is_run;
    union {
        struct sat_entry_row entry;
        struct sat_run run;
    } as;
};

/* What the log holds from entry `first` on, in order and without gaps, at most `limit` items; none: it ends before, or
 * something is missing there. The first may be a run that begins before. */
enum sat_err sat_log_items(struct sat_store *store, int64_t sid, uint64_t first, uint32_t limit,
                           struct sat_arena *arena, struct sat_log_item **out, uint32_t *n) SAT_MUST_CHECK;

/* Appends the item to a log's frontier; SAT_ERR_CORRUPT: it does not go there. */
enum sat_err sat_log_item_append(struct sat_frontier *log, const struct sat_log_item *item) SAT_MUST_CHECK;

#endif
