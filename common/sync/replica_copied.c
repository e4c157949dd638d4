/* The client notices that its home is a copy: the log has work under its number that is not its own, or the server
 * shows that it was further once. From then on it writes nothing more under that number. It pulls everything, as what
 * waits here may have arrived by the other one's hands; then it takes a new index, in one transaction with the writing
 * again of what waits. */
#include <string.h>

#include "common/sync/copied.h"
#include "common/sync/replica_state.h"
#include "common/sync/subscription.h"

static enum sat_err note(struct replica_step *step, int64_t sid, uint64_t cut)
{
    struct sat_replica *replica = step->replica;
    enum sat_err err = replica_begin(step);
    if (!err) err = sat_copied_note(replica->config.store, sid, cut);
    replica->copied = true;
    replica->told_in_sync = replica->told_idle = false;
    return err;
}

enum sat_err replica_meet_copy(struct replica_step *step, const struct replica_sub *sub, uint64_t first, uint32_t count)
{
    struct sat_replica *replica = step->replica;
    struct sat_store *store = replica->config.store;
    uint64_t let_go, cut, last = first + count - 1;
    enum sat_err err = sat_let_go_of(store, &sub->row.id, &let_go);
    if (err || (let_go && last <= let_go)) return err; /* gone with its space, once */
    err = sat_copied_cut(store, sub->row.sid, replica->config.device, &cut);
    if (!err) err = note(step, sub->row.sid, cut);
    return err ? err : sat_store_bundles_park(store, replica->config.device, first, count);
}

enum sat_err replica_set_back(struct replica_step *step, const struct sat_message_SET_BACK *message)
{
    struct sat_replica *replica = step->replica;
    const struct replica_sub *sub = replica_sub_of(replica, message->sub);
    struct sat_cursor cursor;
    struct sat_signature signature;
    if (!sub) return sat_fail(&step->fault, SAT_ERR_PROTOCOL, "a cursor of a space that was not subscribed");
    enum sat_err err = sat_cursor_wire_decode(message->cursor, &cursor, &signature);
    if (err) return err;
    cursor.device = replica->config.device;
    cursor.space = sub->row.id;
    struct sat_public_key own = sat_sign_public(replica->config.key);
    if (sat_cursor_verify(&cursor, &replica->config.directory->org, &own, &signature))
        return sat_fail(&step->fault, SAT_ERR_TAMPERED, "the server shows a cursor that this device never signed");
    bool same_life = sat_log_epoch_equal(&cursor.log_epoch, &sub->row.log_epoch);
    uint64_t size = sub->anew.size > sub->row.log.size ? sub->anew.size : sub->row.log.size;
    if (sub->gone || !same_life || cursor.size <= size) return SAT_OK;
    return note(step, 0, 0);
}

/* All that the server has is here, and nothing that was sent is unanswered. */
static bool is_pulled(const struct sat_replica *replica)
{
    for (uint32_t i = 0; i < replica->subs_n; i++) {
        const struct replica_sub *sub = &replica->subs[i];
        if (!replica_may_read(replica, &sub->row.id) || sub->halted) continue;
        if (sub->gone || sub->held || sub->returns.left || !sub->head_here || !sub->digest_agrees || sub->in_flight)
            return false;
    }
    return replica->subs_n > 0;
}

enum sat_err replica_heal(struct replica_step *step)
{
    struct sat_replica *replica = step->replica;
    if (replica->wish == WISH_SENT) return SAT_OK;
    enum sat_err err = replica_ask_boxes(step); /* by the old key: nobody seals to the new one yet */
    if (err || !replica_is_approved(replica)) return err;
    err = replica_subscribe(step);
    if (err || replica->boxes_asked || !is_pulled(replica) || !replica->config.hooks.reindex) return err;
    return replica_reindex(step);
}
