/* What becomes of work that cannot be pushed any more, and of what this device may not hold any more.
 *
 * Work in a space where the right to write is lost is handed in: the admins decide about it. Once nothing of it waits
 * in a space that may not be read any more, and the log is known to have the rest, the space is purged. A device that
 * is out hands in everything and is told so; one that was wiped does the same without keys, and shows its receipt. */
#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/sync/base.h"
#include "common/sync/copied.h"
#include "common/sync/replica_state.h"
#include "common/sync/rewind.h"
#include "common/sync/void.h"
#include "common/sync/wishes.h"

enum { PENDING_PER_READ = 16, DRAFTS_PER_READ = 256 };

static bool is_last_visit(const struct sat_replica *replica)
{
    return replica->config.mode == SAT_REPLICA_WIPED || replica_is_out(replica);
}

static uint8_t rights_in(const struct sat_replica *replica, const struct sat_space_id *space)
{
    const struct sat_directory *directory = replica->config.directory;
    if (is_last_visit(replica)) return 0;
    return sat_directory_device_rights(directory, space, replica->config.device, directory->seq);
}

/* ---- What waits ---- */

enum sat_err replica_is_late(struct sat_replica *replica, const struct sat_space_id *space,
                             const struct sat_bundle_row *row, struct sat_arena *arena, bool *late)
{
    const struct sat_directory *directory = replica->config.directory;
    uint8_t rights = rights_in(replica, space);
    *late = !(rights & (SAT_RIGHT_READ | SAT_RIGHT_WRITE));
    if (*late || (rights & SAT_RIGHT_WRITE)) return SAT_OK;
    struct sat_change_row *changes; /* who may only read may yet write the own name */
    uint32_t n;
    enum sat_err err = sat_store_changes_of_bundle(replica->config.store, row->bid, arena, &changes, &n);
    for (uint32_t i = 0; !err && !*late && i < n; i++)
        *late = !sat_directory_may_write(directory, space, replica->config.device, &changes[i].record, directory->seq);
    return err;
}

/* The admins have it, or the log has. */
static bool is_handed_in(const struct sat_bundle_row *row)
{
    return row->state == SAT_BUNDLE_REFUSED && (row->refused == SAT_ERR_ESCROWED || row->refused == SAT_ERR_EXISTS);
}

/* Where the space is lost altogether, even what was refused for another reason goes along: nothing else keeps it. */
static enum sat_err is_waiting(struct sat_replica *replica, const struct sat_space_id *space,
                               const struct sat_bundle_row *row, struct sat_arena *arena, bool *waiting)
{
    *waiting = false;
    if (is_handed_in(row) || row->state == SAT_BUNDLE_VOID) return SAT_OK;
    if (row->state == SAT_BUNDLE_REFUSED && (rights_in(replica, space) & SAT_RIGHT_READ)) return SAT_OK;
    return replica_is_late(replica, space, row, arena, waiting);
}

/* The first bundle from counter `first` on that is to be handed in; NULL: there is none. */
static enum sat_err find_waiting(struct sat_replica *replica, int64_t sid, const struct sat_space_id *space,
                                 uint64_t first, struct sat_arena *arena, struct sat_bundle_row **out)
{
    *out = NULL;
    for (uint32_t n = PENDING_PER_READ; n == PENDING_PER_READ;) {
        struct sat_bundle_row *rows;
        enum sat_err err =
            sat_store_bundles_pending(replica->config.store, sid, first, PENDING_PER_READ, arena, &rows, &n);
        if (err) return err;
        for (uint32_t i = 0; i < n; i++) {
            bool waiting;
            err = is_waiting(replica, space, &rows[i], arena, &waiting);
            if (err) return err;
            if (waiting) *out = &rows[i];
            if (waiting) return SAT_OK;
            first = rows[i].first + rows[i].count;
        }
    }
    return SAT_OK;
}

static enum sat_err has_drafts(struct replica_step *step, int64_t sid, bool *out)
{
    *out = false;
    if (step->replica->frozen.left == 0) return SAT_OK;
    uint64_t next = 0;
    for (uint32_t n = DRAFTS_PER_READ; n == DRAFTS_PER_READ;) {
        struct sat_draft_row *drafts;
        enum sat_err err =
            sat_store_drafts(step->replica->config.store, next, DRAFTS_PER_READ, SIZE_MAX, step->arena, &drafts, &n);
        if (err) return err;
        for (uint32_t i = 0; i < n; i++)
            if (drafts[i].sid == sid) *out = true;
        if (*out || n == 0) return SAT_OK;
        next = drafts[n - 1].counter + 1;
    }
    return SAT_OK;
}

struct replica_leaving *replica_leaving_of(struct sat_replica *replica, int64_t sid)
{
    for (uint32_t i = 0; i < replica->leaving_n; i++)
        if (replica->leaving[i].sid == sid) return &replica->leaving[i];
    return NULL;
}

struct replica_leaving *replica_leaving_add(struct sat_replica *replica, const struct sat_space_row *row)
{
    struct replica_leaving *known = replica_leaving_of(replica, row->sid);
    if (known) return known;
    replica->leaving = realloc(replica->leaving, (replica->leaving_n + 1) * sizeof *replica->leaving);
    sat_check_memory(replica->leaving);
    known = &replica->leaving[replica->leaving_n++];
    *known = (struct replica_leaving){.sid = row->sid, .id = row->id};
    return known;
}

static enum sat_err add_leaving(struct replica_step *step, const struct sat_space_row *row,
                                struct replica_leaving **out)
{
    struct sat_replica *replica = step->replica;
    struct replica_leaving *leaving = replica_leaving_add(replica, row);
    struct sat_bundle_row *next = NULL;
    enum sat_err err = find_waiting(replica, row->sid, &row->id, leaving->sent + 1, step->arena, &next);
    leaving->due = next != NULL;
    *out = leaving;
    return err;
}

/* Own work that the server lost, and that this device can give back no more, goes to the admins like the rest. Who may
 * read a space gives back whatever it had of it, its own included. */
static enum sat_err claim_returns(struct replica_step *step, int64_t sid)
{
    struct sat_replica *replica = step->replica;
    struct sat_bundle_row row;
    bool found;
    enum sat_err err = sat_store_return_of(replica->config.store, sid, replica->config.device, 0, &row, &found);
    if (err || !found) return err;
    err = replica_begin(step);
    return err ? err : sat_store_returns_claim(replica->config.store, sid, replica->config.device);
}

/* ---- Letting go ---- */

static bool holds_something(const struct sat_replica *replica, const struct sat_space_row *row)
{
    const struct sat_replica_hooks *hooks = &replica->config.hooks;
    static const struct sat_log_epoch none;
    if (row->log.size || !sat_log_epoch_equal(&row->log_epoch, &none)) return true;
    return hooks->have_key && hooks->have_key(hooks->context, &row->id, 1); /* the first is reached from any */
}

/* Up to where the log has all own work of the space: nothing of it waits before, but what the server said is there. */
static enum sat_err find_come(struct replica_step *step, int64_t sid, uint64_t counter, uint64_t *came)
{
    uint64_t first = 0;
    *came = counter;
    for (uint32_t n = PENDING_PER_READ; n == PENDING_PER_READ;) {
        struct sat_bundle_row *rows;
        enum sat_err err = sat_store_bundles_pending(step->replica->config.store, sid, first, PENDING_PER_READ,
                                                     step->arena, &rows, &n);
        if (err) return err;
        for (uint32_t i = 0; i < n; i++) {
            if (!sat_is_in_log(&rows[i])) *came = rows[i].first - 1;
            if (!sat_is_in_log(&rows[i])) return SAT_OK;
            first = rows[i].first + rows[i].count;
        }
    }
    return SAT_OK;
}

/* Should the right come back, own work that the log has is met again: the marks tell it from that of a clone, and what
 * rests on its being there goes on. */
static enum sat_err purge(struct replica_step *step, const struct sat_space_row *row)
{
    struct sat_replica *replica = step->replica;
    struct sat_store *store = replica->config.store;
    uint64_t counter, came;
    enum sat_err err = replica_begin(step);
    if (!err) err = sat_store_meta_get_u64(store, "counter", 0, &counter);
    if (!err) err = find_come(step, row->sid, counter, &came);
    if (!err) err = sat_mark_left(store, &row->id, counter, came);
    if (!err) err = sat_wish_leave(store, row->sid);
    if (!err) err = sat_store_space_purge(store, row->sid);
    if (err) return err;
    for (uint32_t i = 0; i < replica->subs_n; i++) {
        struct replica_sub *sub = &replica->subs[i];
        if (sub->row.sid == row->sid) *sub = (struct replica_sub){.sub = sub->sub, .row = *row, .gone = true};
    }
    if (replica->config.hooks.forget_space) replica->config.hooks.forget_space(replica->config.hooks.context, &row->id);
    struct sat_action *notice = replica_notice(step, SAT_NOTICE_SPACE_LOST);
    notice->sid = row->sid;
    notice->space = row->id;
    return SAT_OK;
}

/* ---- Does the log still have what had arrived? ---- */

/* What a device has written there is a chain: where the log has the last of it, it has all. The last of which something
 * is live, and everything is here. */
static enum sat_err find_last(struct replica_step *step, int64_t sid, struct sat_bundle_row *out, bool *found)
{
    struct sat_replica *replica = step->replica;
    uint64_t behind = SAT_COUNTER_MAX;
    for (bool any = true; any;) {
        struct sat_change_row *rows;
        uint32_t n;
        bool whole = true, live = false;
        enum sat_err err =
            sat_store_bundle_before(replica->config.store, sid, replica->config.device, behind, out, &any);
        if (!err && any) err = sat_store_changes_of_bundle(replica->config.store, out->bid, step->arena, &rows, &n);
        if (err) return err;
        for (uint32_t i = 0; any && i < n; i++) {
            whole = whole && rows[i].header.len > 0;
            live = live || rows[i].state == SAT_CHANGE_LIVE;
        }
        *found = any && whole && live && out->state != SAT_BUNDLE_VOID;
        if (*found) return SAT_OK;
        behind = out->first;
    }
    return SAT_OK;
}

/* A server that was set back since, and says nothing, may have none of it, nor anybody else: before it goes from here,
 * the last is handed in as if it never had been there. */
static enum sat_err let_go(struct replica_step *step, const struct sat_space_row *row)
{
    struct replica_leaving *leaving = replica_leaving_of(step->replica, row->sid);
    struct sat_bundle_row last;
    bool known = leaving && (leaving->asks || leaving->has_come), found = false;
    enum sat_err err = known ? SAT_OK : find_last(step, row->sid, &last, &found);
    if (!err && found && !leaving) err = add_leaving(step, row, &leaving);
    if (err) return err;
    if (found && leaving) {
        leaving->asks = true;
        leaving->last = last.bid;
        leaving->last_first = last.first;
    }
    if (leaving && leaving->asks) {
        leaving->due = !leaving->asked;
        return SAT_OK;
    }
    if (leaving) leaving->has_come = false; /* the right may come back, and go again */
    return purge(step, row);
}

/* The server has lost it, and keeps it for the admins now. Whatever else this device wrote there waits again. */
static enum sat_err take_all_back(struct replica_step *step, struct replica_leaving *leaving)
{
    struct sat_replica *replica = step->replica;
    struct sat_space_row row;
    enum sat_err err = replica_begin(step);
    if (!err) err = replica_save_spaces(replica);
    if (!err) err = sat_store_space_get(replica->config.store, leaving->sid, &row);
    if (err) return err;
    row.head_size = 0;
    err = sat_base_rewind(replica->config.store, &row, replica->config.device);
    for (uint32_t i = 0; i < replica->subs_n && !err; i++) {
        struct replica_sub *sub = &replica->subs[i];
        if (sub->row.sid == row.sid) *sub = (struct replica_sub){.sub = sub->sub, .row = row, .gone = true};
    }
    leaving->sent = 0;
    return err;
}

static enum sat_err look_at(struct replica_step *step, const struct sat_space_row *row)
{
    struct sat_replica *replica = step->replica;
    uint8_t rights = rights_in(replica, &row->id);
    struct replica_leaving *leaving;
    bool asks = false;
    enum sat_err asked = is_last_visit(replica) ? SAT_OK : replica_ask_held(step, row, &asks);
    if (asked || asks || (rights & SAT_RIGHT_WRITE)) return asked;
    struct sat_bundle_row *waiting;
    enum sat_err err = rights & SAT_RIGHT_READ ? SAT_OK : claim_returns(step, row->sid);
    if (!err) err = find_waiting(replica, row->sid, &row->id, 0, step->arena, &waiting);
    if (err) return err;
    if (waiting) err = add_leaving(step, row, &leaving);
    if (err || waiting || (rights & SAT_RIGHT_READ) || is_last_visit(replica)) return err;
    bool drafts, kin;
    struct sat_bundle_row former;
    err = replica_find_kin(replica, row->sid, step->arena, &former, &kin);
    if (err || kin) {
        leaving = replica_leaving_add(replica, row);
        leaving->kin_due = leaving->due = kin;
        return err;
    }
    err = has_drafts(step, row->sid, &drafts);
    return err || drafts || !holds_something(replica, row) ? err : let_go(step, row);
}

enum sat_err replica_leave_spaces(struct replica_step *step)
{
    struct sat_replica *replica = step->replica;
    struct sat_space_row *rows;
    uint32_t n;
    if (replica->leaving_at == replica->config.directory->seq + 1) return SAT_OK;
    enum sat_err err = sat_store_spaces(replica->config.store, step->arena, &rows, &n);
    for (uint32_t i = 0; i < replica->leaving_n; i++) replica->leaving[i].due = false;
    for (uint32_t i = 0; !err && i < n; i++) err = look_at(step, &rows[i]);
    replica->leaving_at = replica->config.directory->seq + 1;
    return err;
}

/* ---- Handing in ---- */

static enum sat_err encode_hand_in(struct sat_replica *replica, const struct sat_space_id *space,
                                   const struct sat_bundle_row *row, struct sat_arena *arena, struct sat_buf *out)
{
    struct sat_bundle bundle;
    enum sat_err err = sat_base_bundle(replica->config.store, row, false, arena, &bundle);
    if (err) return err;
    struct sat_buf bytes;
    sat_buf_init(&bytes);
    sat_bundle_encode(&bundle, SAT_BUNDLE_FULL, &bytes);
    struct sat_message message = {.type = SAT_MESSAGE_HAND_IN};
    memcpy(message.as.HAND_IN.space, space->b, sizeof space->b);
    message.as.HAND_IN.bundle = sat_buf_span(&bytes);
    sat_message_encode(&message, out);
    sat_buf_deinit(&bytes);
    return SAT_OK;
}

/* The ends of its logs say whether this home is a copy. What waits here is written again then, under a number of its
 * own; handed in before, it would be there twice, once under a number that the other one has given out as well. */
static bool may_be_a_copy(const struct sat_replica *replica)
{
    if (is_last_visit(replica)) return false;
    for (uint32_t i = 0; i < replica->subs_n; i++) {
        const struct replica_sub *sub = &replica->subs[i];
        if (!replica_is_deaf(sub) && !sub->head_here) return true;
    }
    return replica->copied;
}

enum sat_err replica_hand_in(struct sat_replica *replica, struct sat_arena *arena, struct sat_buf *out, bool *more)
{
    if (may_be_a_copy(replica)) return SAT_OK;
    for (uint32_t i = 0; i < replica->leaving_n; i++) {
        struct replica_leaving *leaving = &replica->leaving[i];
        struct sat_bundle_row *row;
        if (leaving->refused || leaving->in_flight >= SAT_PUSH_WINDOW) continue;
        struct sat_bundle_row last;
        enum sat_err err = find_waiting(replica, leaving->sid, &leaving->id, leaving->sent + 1, arena, &row);
        bool asks = !row && leaving->asks && !leaving->asked;
        if (!err && asks) err = sat_store_bundle_get(replica->config.store, leaving->last, &last);
        if (err) return err;
        if (asks) row = &last;
        bool kin = !row && leaving->kin_due && !leaving->in_flight;
        if (kin) err = replica_find_kin(replica, leaving->sid, arena, &last, &kin);
        if (err) return err;
        if (kin) row = &last;
        if (!row) continue;
        *more = true;
        if (!out) return SAT_OK;
        if (asks) leaving->asked = true;
        if (kin) leaving->kin = last.bid;
        if (!asks && !kin) leaving->sent = row->first + row->count - 1;
        leaving->in_flight++;
        return encode_hand_in(replica, &leaving->id, row, arena, out);
    }
    return SAT_OK;
}

static enum sat_err said(uint64_t error)
{
    enum sat_err why = error == 0 ? SAT_ERR_EXISTS : sat_err_from_wire(error);
    return sat_err_is_local(why) ? SAT_ERR_BUSY : why;
}

/* The answer is about the bundle that begins there. */
static enum sat_err take_answer(struct replica_step *step, struct replica_leaving *leaving,
                                const struct sat_bundle_row *row, uint64_t error, struct sat_span text)
{
    struct sat_replica *replica = step->replica;
    enum sat_err err = SAT_OK, why = said(error);
    if (why == SAT_ERR_ESCROWED || why == SAT_ERR_EXISTS) {
        err = replica_begin(step);
        if (!err) err = sat_store_bundle_set_refused(replica->config.store, row->bid, why);
        if (!is_handed_in(row)) replica->counts.handed_in += row->count;
    } else {
        /* What will never be taken keeps nothing back that may be. */
        leaving->refused = sat_err_class(why) == SAT_CLASS_RETRY || why == SAT_ERR_TOO_LARGE;
        if (!leaving->why || leaving->refused) leaving->why = why;
    }
    struct sat_action *notice = replica_notice(step, SAT_NOTICE_HANDED_IN);
    notice->sid = leaving->sid;
    notice->space = leaving->id;
    notice->err = why;
    notice->text = sat_arena_text(step->out->arena, (const char *)text.at, text.len);
    return err;
}

/* … which is about one that the log had. */
static enum sat_err take_last(struct replica_step *step, struct replica_leaving *leaving, uint64_t error)
{
    enum sat_err why = sat_err_from_wire(error);
    leaving->has_come = error == 0 || why == SAT_ERR_EXISTS;
    if (leaving->has_come || why == SAT_ERR_ESCROWED) {
        leaving->asks = leaving->asked = false;
    } else {
        leaving->refused = sat_err_is_local(why) || sat_err_class(why) == SAT_CLASS_RETRY;
        leaving->why = sat_err_is_local(why) ? SAT_ERR_BUSY : why;
    }
    return why == SAT_ERR_ESCROWED ? take_all_back(step, leaving) : SAT_OK;
}

enum sat_err replica_handed_in(struct replica_step *step, const struct sat_message_HANDED_IN *message)
{
    struct sat_replica *replica = step->replica;
    struct sat_store *store = replica->config.store;
    struct replica_leaving *leaving = NULL;
    for (uint32_t i = 0; i < replica->leaving_n; i++)
        if (memcmp(replica->leaving[i].id.b, message->space, sizeof message->space) == 0)
            leaving = &replica->leaving[i];
    if (!leaving) return sat_fail(&step->fault, SAT_ERR_PROTOCOL, "an answer about work that was not handed in");
    struct sat_bundle_row *rows, *next;
    uint32_t n;
    enum sat_err err = SAT_OK;
    bool asked = leaving->asked && leaving->last_first == message->first;
    if (leaving->in_flight) leaving->in_flight--;
    bool kin = leaving->kin != 0; /* nothing else is in flight then */
    if (asked) err = take_last(step, leaving, message->error);
    if (kin) err = replica_took_kin(step, leaving, said(message->error));
    n = 0;
    if (!err && !kin) err = sat_store_bundles_pending(store, leaving->sid, message->first, 1, step->arena, &rows, &n);
    if (!err && n && rows[0].first == message->first)
        err = take_answer(step, leaving, &rows[0], message->error, message->text);
    if (err || leaving->in_flight || leaving->refused) return err;
    err = find_waiting(replica, leaving->sid, &leaving->id, leaving->sent + 1, step->arena, &next);
    leaving->due = next != NULL;
    if (!next) replica->leaving_at = 0; /* that was the last: is the space to be let go of? */
    return err;
}

const char *replica_leaving_stuck(const struct sat_replica *replica, bool *under_way)
{
    const char *why = NULL;
    for (uint32_t i = 0; i < replica->leaving_n; i++) {
        const struct replica_leaving *leaving = &replica->leaving[i];
        if (leaving->in_flight || replica_awaits_held(leaving)) *under_way = true;
        if (leaving->due && !leaving->refused && !may_be_a_copy(replica)) *under_way = true;
        if (replica->leaving[i].why)
            why = "work of this device in a territory that it lost was not taken; it is kept and goes along later";
    }
    return why;
}

/* ---- A device that is out ---- */

/* All that it has to say is said: the answer to anything else is that it is out, and comes behind all other answers. */
static enum sat_err say_last_word(struct replica_step *step)
{
    struct sat_replica *replica = step->replica;
    bool more = false;
    enum sat_err err = replica_hand_in(replica, step->arena, NULL, &more);
    for (uint32_t i = 0; i < replica->leaving_n; i++)
        if (replica->leaving[i].in_flight) more = true;
    if (err || more || replica->last_word) return err;
    replica->last_word = true;
    struct sat_message message = {.type = SAT_MESSAGE_BOXES_GET};
    replica_send(step, &message);
    return SAT_OK;
}

/* Who is to be wiped destroys the keys first, and comes again to hand in what is frozen. */
enum sat_err replica_leave(struct replica_step *step)
{
    struct sat_replica *replica = step->replica;
    enum sat_err err = SAT_OK;
    if (replica->config.mode == SAT_REPLICA_DEVICE) {
        const struct sat_device *device = sat_directory_device(replica->config.directory, replica->config.device);
        if (!replica->last_freeze) err = replica_freeze_all(step);
        replica->last_freeze = true;
        if (!err && device->wiped_seq) replica->ending = ENDING_REVOKED;
    }
    if (!err && !replica->ending) err = replica_leave_spaces(step);
    return err || replica->ending ? err : say_last_word(step);
}

void replica_send_wiped(struct replica_step *step)
{
    const struct sat_replica_config *config = &step->replica->config;
    struct sat_message message = {.type = SAT_MESSAGE_WIPED};
    message.as.WIPED = (struct sat_message_WIPED){
        .device = config->device, .wipe_seq = config->receipt.wipe_seq, .time_ms = config->receipt.time_ms};
    memcpy(message.as.WIPED.signature, config->receipt.signature.b, sizeof config->receipt.signature.b);
    replica_send(step, &message);
}

/* Only the directory says that a device is out, never a server's word. */
enum sat_err replica_said_revoked(struct replica_step *step)
{
    struct sat_replica *replica = step->replica;
    if (replica->config.mode == SAT_REPLICA_WIPED) {
        if (!replica->last_word)
            return sat_fail(&step->fault, SAT_ERR_REVOKED, "the server did not let this device hand in its work");
        replica->ending = ENDING_WIPED;
        return SAT_OK;
    }
    if (!replica_is_out(replica))
        return sat_fail(&step->fault, SAT_ERR_CLOSED,
                        "the server says that this device is out, and shows no link of the directory that says so");
    replica->ending = ENDING_REVOKED;
    return SAT_OK;
}

static enum sat_err first_refusal(const struct sat_replica *replica)
{
    for (uint32_t i = 0; i < replica->leaving_n; i++)
        if (replica->leaving[i].why) return replica->leaving[i].why;
    return SAT_OK;
}

void replica_end(struct replica_step *step)
{
    struct sat_replica *replica = step->replica;
    if (replica->ending == ENDING_WIPED) {
        replica->state = REPLICA_OVER;
        replica_notice(step, SAT_NOTICE_WIPED)->err = first_refusal(replica);
        sat_actions_add(step->out, SAT_ACTION_CLOSE, replica->peer);
        return;
    }
    if (replica->ending == ENDING_REINDEXED) {
        replica->state = REPLICA_OVER;
        replica_notice(step, SAT_NOTICE_REINDEXED);
        sat_actions_add(step->out, SAT_ACTION_CLOSE, replica->peer);
        return;
    }
    const struct sat_device *device = sat_directory_device(replica->config.directory, replica->config.device);
    const char *text = device->revoked_seq ? "this device has been revoked" : "the user of this device is suspended";
    struct sat_action *notice = replica_notice(step, SAT_NOTICE_REVOKED);
    notice->wipe = device->wiped_seq != 0;
    notice->err = first_refusal(replica);
    notice->text = text;
    (void)sat_fail(&step->fault, SAT_ERR_REVOKED, "%s", text);
    replica_fail_session(step, SAT_ERR_REVOKED);
}
