#include "common/sync/log_items.h"

enum sat_err sat_log_items(struct sat_store *store, int64_t sid, uint64_t first, uint32_t limit,
                           struct sat_arena *arena, struct sat_log_item **out, uint32_t *n)
{
    struct sat_entry_row *entries;
    struct sat_run *runs;
    uint32_t entries_n, runs_n = 0, entry = 0, run = 0;
    enum sat_err err = sat_store_entries(store, sid, first, limit, arena, &entries, &entries_n);
    if (!err) err = sat_store_runs(store, sid, first, limit, arena, &runs, &runs_n);
    *out = sat_arena_array(arena, limit, sizeof **out);
    *n = 0;
    if (err) return err;
    for (uint64_t next = first; *n < limit;) {
        struct sat_log_item *item = &(*out)[*n];
        if (run < runs_n && (sat_run_first(&runs[run]) == next || (*n == 0 && sat_run_first(&runs[run]) < next))) {
            *item = (struct sat_log_item){sat_run_first(&runs[run]), runs[run].last, true, {.run = runs[run]}};
            run++;
        } else if (entry < entries_n && entries[entry].entry.seq == next) {
            *item = (struct sat_log_item){next, next, false, {.entry = entries[entry]}};
            entry++;
        } else {
            break;
        }
        next = item->last + 1;
        ++*n;
    }
    return SAT_OK;
}

enum sat_err sat_log_item_append(struct sat_frontier *log, const struct sat_log_item *item)
{
    if (item->first != log->size + 1) return SAT_ERR_CORRUPT;
    if (item->is_run)
        return sat_frontier_append_subtree(log, item->as.run.level, &item->as.run.hash) ? SAT_ERR_CORRUPT : SAT_OK;
    struct sat_hash leaf = sat_entry_hash(&item->as.entry.entry);
    sat_frontier_append(log, &leaf);
    return SAT_OK;
}
