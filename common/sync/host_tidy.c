/* The server keeps its store small, a part at a time. */
#include "common/sync/host_state.h"
#include "common/sync/tidy.h"

enum { TIDY_MS = 60 * 1000 };

/* Is somebody in the middle of the entries that may become runs? Then his place in the log stays what it is. */
static bool is_read(const struct sat_host *host, const struct sat_space_row *space)
{
    for (uint32_t i = 0; i < host->peers_n; i++)
        for (uint32_t k = 0; k < host->peers[i]->subs_n; k++) {
            const struct host_sub *sub = &host->peers[i]->subs[k];
            if (sub->sid == space->sid && !sub->ended && sub->sent < space->floor) return true;
        }
    return false;
}

static enum sat_err tidy(struct host_step *step, struct host_space *space, uint64_t entries, struct sat_tidied *out)
{
    struct sat_host *host = step->host;
    bool wanted;
    enum sat_err err =
        sat_tidy_is_wanted(host->store, &space->row, &host->directory, step->now_ms, space->row.log.size, &wanted);
    if (err || !wanted) return err;
    err = host_begin(step);
    space->dirty = true;
    if (err) return err;
    return sat_tidy_space(host->store, &space->row, &host->directory, step->now_ms, space->row.log.size, 0, entries,
                          out);
}

enum sat_err host_tidy(struct host_step *step, uint64_t entries)
{
    struct sat_host *host = step->host;
    struct sat_space_row *rows;
    struct sat_tidied done = {0};
    uint32_t n = 0;
    bool all = true;
    if (step->now_ms - host->tidied_ms < TIDY_MS) return SAT_OK;
    enum sat_err err = sat_store_spaces(host->store, step->arena, &rows, &n);
    for (uint32_t i = 0; !err && i < n; i++) {
        struct host_space *space;
        uint64_t before = done.looked_at;
        err = host_space_load(host, &rows[i].id, &space);
        if (err || !space || is_read(host, &space->row)) continue;
        err = tidy(step, space, entries, &done);
        if (done.looked_at - before >= entries) all = false;
    }
    if (!err && all) host->tidied_ms = step->now_ms;
    host->counts.forgotten += done.forgotten;
    host->counts.compacted += done.compacted;
    return err;
}
