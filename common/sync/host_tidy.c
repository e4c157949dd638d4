/* The server keeps its store small, a part at a time. */
#include "common/sync/host_state.h"
#include "common/sync/tidy.h"

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

enum sat_err host_tidy(struct host_step *step, uint64_t entries, struct sat_tidied *out)
{
    struct sat_host *host = step->host;
    struct sat_space_row *rows;
    uint32_t n = 0;
    enum sat_err err = host_begin(step);
    if (!err) err = sat_store_spaces(host->store, step->arena, &rows, &n);
    for (uint32_t i = 0; !err && i < n; i++) {
        struct host_space *space;
        err = host_space_load(host, &rows[i].id, &space);
        if (err || !space || is_read(host, &space->row)) continue;
        err =
            sat_tidy_space(host->store, &space->row, &host->directory, step->now_ms, space->row.log.size, entries, out);
        space->dirty = true;
    }
    return err;
}
