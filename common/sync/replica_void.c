/* Behind a refusal: what stands in the place of the refused bundle, and comes in the log. */
#include "common/sync/base.h"
#include "common/sync/collect.h"
#include "common/sync/replica_state.h"
#include "common/sync/void.h"

/* Is what it was refused for here? What comes too late for a collection is taken apart by what the collection says,
 * which comes with the log: with its end at the latest, in a session that began behind the refusal. */
static enum sat_err is_explained(struct replica_step *step, const struct replica_sub *sub, bool *explained)
{
    struct sat_store *store = step->replica->config.store;
    struct sat_bundle_row *rows;
    struct sat_bundle bundle;
    uint32_t n, late = 0;
    enum sat_err err = sat_store_bundles_pending(store, sub->row.sid, 0, 1, step->arena, &rows, &n);
    *explained = !err && (n == 0 || rows[0].refused != SAT_ERR_COLLECTED || (!sub->unexplained && sub->head_here));
    if (err || *explained) return err;
    err = sat_base_bundle(store, &rows[0], false, step->arena, &bundle);
    if (!err) err = sat_collected_late(store, sub->row.sid, &bundle, &late);
    *explained = late > 0;
    return err;
}

static enum sat_err mend(struct replica_step *step, struct replica_sub *sub)
{
    struct sat_replica *replica = step->replica;
    const struct sat_replica_hooks *hooks = &replica->config.hooks;
    bool mended = false, explained;
    enum sat_err err = is_explained(step, sub, &explained);
    if (err || !explained) return err;
    sub->mend = false;
    err = replica_begin(step);
    if (!err) err = replica_save_spaces(replica);
    if (!err) err = hooks->mend_refused(hooks->context, sub->row.sid, &mended);
    if (err || !mended) return err;
    sub->blocked = false;
    sub->pushed = 0;
    replica->leaving_at = 0;
    replica->frozen.more = false;
    return SAT_OK;
}

static bool may_write(const struct sat_replica *replica, const struct sat_space_id *space)
{
    const struct sat_directory *directory = replica->config.directory;
    return sat_directory_device_rights(directory, space, replica->config.device, directory->seq) & SAT_RIGHT_WRITE;
}

/* What waits for the admins though they cannot let it in any more, as everybody has forgotten what it changes: where
 * this device may write again, it would hold up all else for ever. */
static enum sat_err look_at_handed_in(struct replica_step *step, struct replica_sub *sub)
{
    struct sat_store *store = step->replica->config.store;
    struct sat_bundle_row *rows;
    struct sat_bundle bundle;
    uint32_t n, late = 0;
    if (!step->replica->config.hooks.mend_refused || !sub->blocked || !sub->head_here) return SAT_OK;
    if (sub->waited_at == sub->row.log.size || !may_write(step->replica, &sub->row.id)) return SAT_OK;
    sub->waited_at = sub->row.log.size;
    enum sat_err err = sat_store_bundles_pending(store, sub->row.sid, 0, 1, step->arena, &rows, &n);
    if (err || n == 0 || rows[0].refused != SAT_ERR_ESCROWED) return err;
    err = sat_base_bundle(store, &rows[0], false, step->arena, &bundle);
    if (!err) err = sat_collected_late(store, sub->row.sid, &bundle, &late);
    if (err || late == 0) return err;
    err = replica_begin(step);
    if (!err) err = sat_store_bundle_set_refused(store, rows[0].bid, SAT_ERR_COLLECTED);
    sub->mend = true;
    return err;
}

enum sat_err replica_mend(struct replica_step *step)
{
    struct sat_replica *replica = step->replica;
    enum sat_err err = SAT_OK;
    for (uint32_t i = 0; i < replica->subs_n && !err; i++) {
        struct replica_sub *sub = &replica->subs[i];
        if (!sub->gone) err = look_at_handed_in(step, sub);
        if (!err && sub->mend && !sub->in_flight && !sub->gone && replica->config.hooks.mend_refused)
            err = mend(step, sub);
    }
    return err;
}

void replica_encode_void(const struct sat_bundle_row *row, struct sat_buf *out)
{
    struct sat_signed_void empty = sat_void_of_row(row);
    sat_put_u8(out, SAT_VOID_FORM);
    sat_void_encode(&empty.statement, &empty.signature, out);
}

/* This device's, in full: pending here after all, or a copy's. */
static enum sat_err find_own_void(struct replica_step *step, struct replica_sub *sub,
                                  const struct sat_entry_wire *entry, const struct sat_signed_void *empty,
                                  bool *pending)
{
    struct sat_bundle_row row;
    struct sat_hash id = sat_void_id(&empty->statement);
    struct sat_dot first = {empty->statement.device, empty->statement.first};
    bool found;
    enum sat_err err = sat_store_bundle_of_dot(step->replica->config.store, first, &row, &found);
    if (err) return err;
    *pending = found && row.seq == 0 && row.state == SAT_BUNDLE_VOID && sat_hash_equal(&row.id, &id);
    if (*pending) return replica_take_own_void(step, sub, entry, &row);
    return replica_meet_copy(step, sub, empty->statement.first, empty->statement.count);
}

static enum sat_err arrive(struct replica_step *step, struct replica_sub *sub, const struct sat_entry_wire *entry,
                           const struct sat_signed_void *empty)
{
    struct sat_replica *replica = step->replica;
    const struct sat_directory *directory = replica->config.directory;
    const struct sat_void *s = &empty->statement;
    struct sat_judge court = {.store = replica->config.store,
                              .directory = directory,
                              .space = &sub->row,
                              .dir_at = entry->dir_at,
                              .stubs_allowed = true,
                              .trusted = &sub->row.trusted,
                              .lives = &sub->lives};
    struct replica_arrival arrival = {
        .device = s->device, .first = s->first, .count = s->count, .id = sat_void_id(s), .refused = s->refused};
    bool back, pending = false;
    enum sat_err err = replica_came_back(step, sub, &arrival, &back);
    if (!err && !back && s->device == replica->config.device) err = find_own_void(step, sub, entry, empty, &pending);
    if (err || pending) return err;
    err = sat_judge_void(&court, empty, &step->fault);
    if (err == SAT_ERR_STALE)
        err = sat_fail(&step->fault, SAT_ERR_BAD_CHAIN, "the server left out a bundle of device %u", s->device);
    if (err == SAT_ERR_DENIED)
        err = sat_fail(&step->fault, SAT_ERR_TAMPERED, "device %u may not write there", s->device);
    if (!err) err = replica_begin(step);
    sub->dirty = true;
    return err ? err
               : sat_base_void(replica->config.store, &sub->row, &directory->org, empty, entry->recv_ms, entry->dir_at,
                               0);
}

enum sat_err replica_take_void(struct replica_step *step, struct replica_sub *sub, const struct sat_entry_wire *entry)
{
    struct sat_signed_void empty;
    enum sat_err err = sat_void_decode(entry->bundle, &sub->row.id, &empty.statement, &empty.signature);
    if (err) return sat_fail(&step->fault, err, "the server sent a statement that cannot be read");
    return arrive(step, sub, entry, &empty);
}

enum sat_err replica_void_is_back(struct replica_step *step, struct replica_sub *sub,
                                  const struct sat_entry_wire *entry, const struct sat_bundle_row *row)
{
    struct sat_signed_void empty = sat_void_of_row(row);
    return arrive(step, sub, entry, &empty);
}

enum sat_err replica_take_own_void(struct replica_step *step, struct replica_sub *sub,
                                   const struct sat_entry_wire *entry, const struct sat_bundle_row *row)
{
    struct sat_replica *replica = step->replica;
    struct sat_signed_void empty = sat_void_of_row(row);
    uint64_t last = row->first + row->count - 1;
    enum sat_err err = replica_check_order(step, sub, row);
    if (!err) err = replica_begin(step);
    if (err) return err;
    sub->dirty = true;
    if (sub->pushed >= last && sub->in_flight) sub->in_flight--;
    if (sub->pushed < last) sub->pushed = last;
    sub->retries = 0;
    return sat_base_void(replica->config.store, &sub->row, &replica->config.directory->org, &empty, entry->recv_ms,
                         entry->dir_at, row->bid);
}
