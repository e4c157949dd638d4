/* The client notices that its home is a copy: the log has work under its number that is not its own, or the server
 * shows that it was further once. From then on it writes nothing more under that number. It pulls everything, as what
 * waits here may have arrived by the other one's hands; then it takes a new index, in one transaction with the writing
 * again of what waits. */
#include <string.h>

#include "common/sync/copied.h"
#include "common/sync/replica_state.h"
#include "common/sync/subscription.h"

/* What was sent of it and arrives is somebody's from here on, that is, the other one's. */
static enum sat_err set_apart(struct replica_step *step)
{
    struct sat_replica *replica = step->replica;
    for (uint32_t i = 0; i < replica->subs_n; i++) replica->subs[i].in_flight = 0;
    return replica->config.hooks.copied(replica->config.hooks.context);
}

static enum sat_err note(struct replica_step *step, int64_t sid, uint64_t cut)
{
    struct sat_replica *replica = step->replica;
    enum sat_err err = replica_begin(step);
    if (!err) err = sat_copied_note(replica->config.store, sid, cut);
    if (!err && !replica->copied && replica->config.hooks.copied) err = set_apart(step);
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

bool replica_cannot_look(const struct sat_replica *replica)
{
    const struct sat_directory *directory = replica->config.directory;
    for (uint32_t i = 0; i < directory->spaces_n; i++) {
        const struct sat_space_id *id = &directory->spaces[i].id;
        if (!replica_may_read(replica, id) && sat_directory_could_read(directory, id, replica->config.device))
            return true;
    }
    return false;
}

enum sat_err replica_is_copy(struct replica_step *step)
{
    return note(step, 0, 0);
}

/* It went back itself, with a server that was set back to there; and says so by what it had seen then. */
static enum sat_err went_back(struct replica_step *step, const struct replica_sub *sub, const struct sat_cursor *cursor,
                              bool *did)
{
    struct sat_lost_log *logs;
    struct sat_head head;
    uint32_t n;
    enum sat_err err = sat_store_lost_logs(step->replica->config.store, sub->row.sid, step->arena, &logs, &n);
    *did = false;
    for (uint32_t i = 0; i < n && !err && !*did; i++) {
        *did = sat_head_decode(logs[i].head, &sub->row.id, &head) == SAT_OK && head.size >= cursor->size &&
               sat_log_epoch_equal(&head.log_epoch, &cursor->log_epoch);
        if (!*did) continue;
        struct sat_message message = {.type = SAT_MESSAGE_CLAIM};
        message.as.CLAIM = (struct sat_message_CLAIM){.sub = sub->sub, .heads = {&logs[i].head, 1}};
        replica_send(step, &message);
    }
    return err;
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
    /* A home that has pulled nothing yet knows of no life of the log: it was copied before its first sync. */
    static const struct sat_log_epoch none;
    bool same_life = sat_log_epoch_equal(&cursor.log_epoch, &sub->row.log_epoch);
    bool new_here = sat_log_epoch_equal(&sub->row.log_epoch, &none);
    uint64_t size = sub->anew.size > sub->row.log.size ? sub->anew.size : sub->row.log.size;
    if (sub->gone || (!same_life && !new_here) || cursor.size <= size) return SAT_OK;
    bool did = false;
    if (same_life) err = went_back(step, sub, &cursor, &did);
    return err || did ? err : note(step, 0, 0);
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

/* ---- The other side: there are copies of this home, with numbers of their own ---- */

/* Or may others write the same again, as they hold what a server has lost, or as this home has been there before? */
bool replica_has_kin(struct sat_replica *replica)
{
    const struct sat_directory *directory = replica->config.directory;
    if (replica->kin_at != directory->seq + 1)
        replica->kin = sat_directory_lineage(directory, replica->config.device, NULL) > 1;
    replica->kin_at = directory->seq + 1;
    return replica->kin || replica->taken || replica->copied;
}

bool replica_must_look(struct sat_replica *replica)
{
    return !replica->looked && replica->config.hooks.look_again && replica_has_kin(replica);
}

void replica_heard_of(struct sat_replica *replica, uint32_t author)
{
    const struct sat_device *its = sat_directory_device(replica->config.directory, author);
    const struct sat_device *own = sat_directory_device(replica->config.directory, replica->config.device);
    if (replica->taken || (its && own && its->lineage == own->lineage)) replica->looked = false;
}

/* Both hold what waited when one was copied from the other. The one that took a new number writes it again, and the
 * other cannot know before it has pulled that. */
enum sat_err replica_look_again(struct replica_step *step, bool *waits)
{
    struct sat_replica *replica = step->replica;
    bool changed = false;
    *waits = replica_must_look(replica);
    for (uint32_t i = 0; *waits && i < replica->subs_n; i++) {
        const struct replica_sub *sub = &replica->subs[i];
        if (replica_is_deaf(sub) || sub->held || sub->halted || !replica_may_read(replica, &sub->row.id)) continue;
        if (!sub->head_here || sub->in_flight) return SAT_OK;
    }
    if (!*waits) return SAT_OK;
    enum sat_err err = replica_begin(step);
    if (!err) err = replica_save_spaces(replica);
    if (!err) err = replica->config.hooks.look_again(replica->config.hooks.context, &changed);
    if (err) return err;
    *waits = false;
    replica->looked = true;
    for (uint32_t i = 0; changed && i < replica->subs_n; i++) replica->subs[i].pushed = 0;
    if (changed) {
        replica->frozen.more = false;
        replica->leaving_at = 0;
    }
    return SAT_OK;
}
