/* A home that was copied has had other numbers. What it sent under one of them and a server has lost waits here to be
 * given back; where the right to the space is lost before that, it is handed in, as it is: nobody else may have it
 * (docs/decisions/0254). */
#include "common/sync/replica_state.h"
#include "common/sync/void.h"

/* By the reason that it is kept with: the server said that it has it, for the admins or in the log. */
static bool was_handed_in(const struct sat_bundle_row *row)
{
    return row->refused == SAT_ERR_ESCROWED || row->refused == SAT_ERR_EXISTS;
}

static enum sat_err is_whole(struct sat_replica *replica, const struct sat_bundle_row *row, struct sat_arena *arena,
                             bool *whole)
{
    struct sat_change_row *changes;
    uint32_t n = 0;
    enum sat_err err = sat_store_changes_of_bundle(replica->config.store, row->bid, arena, &changes, &n);
    *whole = !err && !sat_void_is_row(row);
    for (uint32_t i = 0; i < n; i++) *whole = *whole && changes[i].header.len > 0;
    return err;
}

static enum sat_err find_of(struct sat_replica *replica, int64_t sid, uint32_t device, struct sat_arena *arena,
                            struct sat_bundle_row *out, bool *found)
{
    bool any = true;
    *found = false;
    for (uint64_t from = 0; any && !*found; from = out->first + 1) {
        enum sat_err err = sat_store_return_of(replica->config.store, sid, device, from, out, &any);
        if (err || !any) return err;
        if (!was_handed_in(out)) err = is_whole(replica, out, arena, found);
        if (err) return err;
    }
    return SAT_OK;
}

enum sat_err replica_find_kin(struct sat_replica *replica, int64_t sid, struct sat_arena *arena,
                              struct sat_bundle_row *out, bool *found)
{
    uint32_t kin[SAT_LINEAGE_MAX];
    uint32_t n = sat_directory_lineage(replica->config.directory, replica->config.device, kin);
    enum sat_err err = SAT_OK;
    *found = false;
    for (uint32_t i = 0; i < n && !err && !*found; i++)
        if (kin[i] != replica->config.device) err = find_of(replica, sid, kin[i], arena, out, found);
    return err;
}

enum sat_err replica_took_kin(struct replica_step *step, struct replica_leaving *leaving, enum sat_err why)
{
    int64_t bid = leaving->kin;
    leaving->kin = 0;
    leaving->kin_due = false;
    if (why != SAT_ERR_ESCROWED && why != SAT_ERR_EXISTS) { /* it is kept, and goes along later */
        leaving->refused = true;
        leaving->why = why;
        return SAT_OK;
    }
    enum sat_err err = replica_begin(step);
    return err ? err : sat_store_return_set_refused(step->replica->config.store, bid, why);
}
