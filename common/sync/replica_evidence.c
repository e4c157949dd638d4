/* What speaks against the server is kept: a bundle that it let into the log though the directory does not allow it
 * stays here, put aside with the reason, when the session ends and its batch is undone. */
#include "common/sync/replica_state.h"

enum sat_err replica_accuse(struct replica_step *step, const struct sat_space_id *space,
                            const struct sat_bundle *bundle, uint64_t recv_ms, enum sat_err why)
{
    struct sat_buf bytes;
    sat_buf_init(&bytes);
    sat_bundle_encode(bundle, SAT_BUNDLE_FULL, &bytes);
    step->evidence = (struct sat_aside_row){
        .space = *space,
        .device = bundle->manifest.device,
        .first = bundle->manifest.first,
        .count = bundle->manifest.count,
        .id = bundle->id,
        .bytes = sat_span_copy(step->arena, sat_buf_span(&bytes)),
        .recv_ms = recv_ms,
        .reason = (uint32_t)why,
        .state = SAT_ASIDE_OPEN,
    };
    sat_buf_deinit(&bytes);
    return why;
}

enum sat_err replica_keep_evidence(struct replica_step *step)
{
    struct sat_store *store = step->replica->config.store;
    if (step->evidence.bytes.len == 0) return SAT_OK;
    enum sat_err err = sat_store_begin(store);
    if (!err) err = sat_store_aside_put(store, &step->evidence);
    if (!err) err = sat_store_commit(store);
    if (err) sat_store_rollback(store);
    return err;
}

/* ---- What a revocation says of the log ---- */

/* The server signed a revocation into the directory behind what it had in its log: nothing is above the cut. If there
 * is something here, either the server lies, or it was set back before, and has lost that; which of the two, the end of
 * its log says. Until that is here: the revocation's place in the directory. */
static const char ABOVE_CUT[] = "above_cut";

static bool is_above(const struct sat_cut *cut, const struct sat_bundle_row *tip)
{
    uint64_t last = tip->first + tip->count - 1;
    return last > cut->counter || (last == cut->counter && !sat_hash_equal(&tip->id, &cut->bundle));
}

static enum sat_err note_cut(struct replica_step *step, uint64_t seq, uint32_t device, const struct sat_cut *cut)
{
    struct sat_store *store = step->replica->config.store;
    struct sat_space_row space;
    struct sat_bundle_row tip;
    bool found;
    enum sat_err err = sat_store_space_find(store, &cut->space, &space, &found);
    if (err || !found) return err;
    err = sat_store_bundle_tip(store, space.sid, device, false, &tip, &found);
    if (err || !found || !is_above(cut, &tip)) return err;
    step->replica->cuts_hold = false;
    return sat_store_meta_put_u64(store, ABOVE_CUT, seq);
}

enum sat_err replica_note_cuts(struct replica_step *step, const struct sat_link *link)
{
    struct sat_body_revoke *body = sat_arena_alloc(step->arena, sizeof *body);
    enum sat_err err = sat_body_revoke_decode(link->body, body);
    for (uint16_t i = 0; !err && i < body->cuts_n; i++) err = note_cut(step, link->seq, body->device, &body->cuts[i]);
    return err;
}

static enum sat_err check_cut(struct replica_step *step, const struct replica_sub *sub, uint32_t device)
{
    const struct sat_directory *directory = step->replica->config.directory;
    struct sat_bundle_row tip;
    const struct sat_cut *cut;
    uint64_t seq;
    bool found;
    if (!sat_directory_cut(directory, device, &sub->row.id, directory->seq, &seq, &cut) || !cut) return SAT_OK;
    enum sat_err err = sat_store_bundle_tip(step->replica->config.store, sub->row.sid, device, false, &tip, &found);
    if (err || !found || !is_above(cut, &tip)) return err;
    if (sat_directory_decided(directory, &tip.id, directory->seq) == SAT_ACCEPT_BUNDLE) return SAT_OK;
    return sat_fail(&step->fault, SAT_ERR_TAMPERED,
                    "the server confirmed that device %u is cut off at change %llu, and has shown more of it", device,
                    (unsigned long long)cut->counter);
}

enum sat_err replica_check_cuts(struct replica_step *step)
{
    struct sat_replica *replica = step->replica;
    uint64_t above = 0;
    if (replica->cuts_hold || replica->subs_n == 0) return SAT_OK;
    for (uint32_t i = 0; i < replica->subs_n; i++)
        if (!replica_is_deaf(&replica->subs[i]) && !replica->subs[i].halted && !replica->subs[i].head_here)
            return SAT_OK;
    enum sat_err err = sat_store_meta_get_u64(replica->config.store, ABOVE_CUT, 0, &above);
    for (uint32_t i = 0; i < replica->subs_n && above && !err; i++)
        for (uint32_t device = 1; device <= replica->config.directory->devices_n && !err; device++)
            err = check_cut(step, &replica->subs[i], device);
    if (!err && above) err = replica_begin(step);
    if (!err && above) err = sat_store_meta_put_u64(replica->config.store, ABOVE_CUT, 0);
    replica->cuts_hold = !err;
    return err;
}
