#include "common/sync/replica.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/sync/clock.h"
#include "common/sync/copied.h"
#include "common/sync/replica_state.h"
#include "common/sync/rewind.h"

enum sat_err sat_replica_new(const struct sat_replica_config *config, struct sat_replica **out)
{
    struct sat_replica *replica = calloc(1, sizeof *replica);
    *out = replica;
    if (!replica) return SAT_ERR_NO_MEMORY;
    replica->config = *config;
    replica->wish = config->hooks.build_links ? WISH_OPEN : WISH_NONE;
    replica->version_stale = UINT64_MAX;
    sat_entropy_fill(&config->entropy, replica->client_nonce, sizeof replica->client_nonce);
    sat_arena_init(&replica->batch_arena);
    sat_arena_init(&replica->lives_arena);
    enum sat_err err = config->mode == SAT_REPLICA_DEVICE ? sat_copied_get(config->store, &replica->copied) : SAT_OK;
    uint64_t taken = 0;
    if (!err && config->mode == SAT_REPLICA_DEVICE)
        err = sat_store_meta_get_u64(config->store, SAT_TAKEN_KEY, 0, &taken);
    replica->taken = taken != 0;
    *out = replica;
    if (!err) return SAT_OK;
    sat_replica_free(replica);
    *out = NULL;
    return err;
}

void sat_replica_free(struct sat_replica *replica)
{
    if (!replica) return;
    sat_arena_deinit(&replica->batch_arena);
    sat_arena_deinit(&replica->lives_arena);
    replica_brake_free(replica);
    sat_fresh_deinit(&replica->fresh);
    free(replica->subs);
    free(replica->leaving);
    sat_buf_deinit(&replica->boxes_wanted);
    free(replica);
}

struct sat_fresh *sat_replica_fresh(struct sat_replica *replica)
{
    return &replica->fresh;
}

void sat_replica_nonce(const struct sat_replica *replica, uint8_t out[32])
{
    memcpy(out, replica->client_nonce, sizeof replica->client_nonce);
}

struct sat_replica_counts sat_replica_counts(const struct sat_replica *replica)
{
    return replica->counts;
}

uint64_t sat_replica_recovering(const struct sat_replica *replica)
{
    return replica->recovering;
}

uint64_t sat_replica_server_time(const struct sat_replica *replica)
{
    return replica->server_time_ms;
}

uint64_t sat_replica_retry_ms(const struct sat_replica *replica)
{
    return replica->retry_ms;
}

bool sat_replica_rests(const struct sat_replica *replica)
{
    return replica->told_in_sync || replica->told_idle;
}

bool sat_replica_awaits_echo(const struct sat_replica *replica)
{
    for (uint32_t i = 0; i < replica->subs_n; i++)
        if (replica->subs[i].in_flight && !replica->subs[i].gone) return true;
    return false;
}

void replica_send(struct replica_step *step, const struct sat_message *message)
{
    struct sat_buf buf;
    sat_buf_init(&buf);
    sat_message_encode(message, &buf);
    sat_actions_add(step->out, SAT_ACTION_SEND, step->replica->peer)->bytes =
        sat_span_copy(step->out->arena, sat_buf_span(&buf));
    step->replica->counts.bytes_out += buf.len;
    sat_buf_deinit(&buf);
}

struct sat_action *replica_notice(struct replica_step *step, enum sat_notice notice)
{
    struct sat_action *action = sat_actions_add(step->out, SAT_ACTION_NOTICE, step->replica->peer);
    action->notice = notice;
    return action;
}

enum sat_err replica_tell(struct replica_step *step, const struct replica_sub *sub, enum sat_notice notice,
                          const char *text)
{
    struct sat_store *store = step->replica->config.store;
    struct sat_action *action = replica_notice(step, notice);
    uint64_t others;
    action->sid = sub->row.sid;
    action->space = sub->row.id;
    action->text = text;
    enum sat_err err = sat_store_meta_get_u64(store, SAT_TO_TELL_KEY, 0, &others);
    return err ? err : sat_store_meta_put_u64(store, SAT_TO_TELL_KEY, others | UINT64_C(1) << notice);
}

enum sat_err replica_begin(struct replica_step *step)
{
    struct sat_store *store = step->replica->config.store;
    return sat_store_in_transaction(store) ? SAT_OK : sat_store_begin(store);
}

struct replica_sub *replica_sub_of(struct sat_replica *replica, uint64_t number)
{
    for (uint32_t i = 0; i < replica->subs_n; i++)
        if (replica->subs[i].sub == number) return &replica->subs[i];
    return NULL;
}

uint64_t replica_now(const struct replica_step *step)
{
    const struct sat_replica *replica = step->replica;
    uint64_t since_ms = step->now_ms > replica->met_ms ? step->now_ms - replica->met_ms : 0;
    return replica->server_time_ms + since_ms;
}

bool replica_may_read(const struct sat_replica *replica, const struct sat_space_id *space)
{
    const struct sat_directory *directory = replica->config.directory;
    if (replica->config.mode == SAT_REPLICA_KIT) return true;
    if (replica->config.mode != SAT_REPLICA_INVITEE)
        return sat_directory_device_rights(directory, space, replica->config.device, directory->seq) & SAT_RIGHT_READ;
    const struct sat_invite *invite = sat_directory_invite(directory, &replica->config.invite);
    return invite && (sat_directory_rights(directory, space, invite->user, directory->seq) & SAT_RIGHT_READ);
}

static const struct sat_device *own_device(const struct sat_replica *replica)
{
    if (replica->config.mode != SAT_REPLICA_DEVICE) return NULL;
    return sat_directory_device(replica->config.directory, replica->config.device);
}

bool replica_is_out(const struct sat_replica *replica)
{
    const struct sat_device *device = own_device(replica);
    return device && sat_directory_out(replica->config.directory, device->number);
}

bool replica_is_approved(const struct sat_replica *replica)
{
    const struct sat_device *device = own_device(replica);
    return device && device->approved_seq;
}

bool sat_replica_is_current(const struct sat_replica *replica)
{
    return replica->state == REPLICA_TALKING && replica->config.directory->seq >= replica->dir_goal &&
           !replica_is_out(replica);
}

/* Who may not read a space any more is told nothing more of it. */
static bool settled(const struct sat_replica *replica, const struct replica_sub *sub)
{
    bool complete = sub->head_here && sub->digest_agrees && !sub->returns.left && !sub->stubs_wait && !sub->fill.asked;
    return complete || !replica_may_read(replica, &sub->row.id);
}

bool sat_replica_in_sync(const struct sat_replica *replica)
{
    if (replica->state != REPLICA_TALKING || replica->config.mode != SAT_REPLICA_DEVICE ||
        replica->config.directory_only)
        return false;
    if (replica->config.directory->seq < replica->dir_goal || replica->boxes_asked || replica->wish != WISH_NONE)
        return false;
    uint64_t bundles, changes;
    if (replica->copied) return false;
    if (replica->frozen.left || replica->subs_n == 0) return false;
    if (sat_store_pending_count(replica->config.store, &bundles, &changes) || bundles) return false;
    for (uint32_t i = 0; i < replica->subs_n; i++)
        if (!settled(replica, &replica->subs[i])) return false;
    for (uint32_t i = 0; i < replica->leaving_n; i++)
        if (replica->leaving[i].asks) return false; /* it lets go of a space, once that is answered */
    return true;
}

static bool is_idle_without_spaces(const struct sat_replica *replica)
{
    return replica->config.directory_only || replica->config.mode == SAT_REPLICA_INVITEE ||
           replica->config.mode == SAT_REPLICA_KIT;
}

/* Somebody waits for an answer. */
static bool is_asking(const struct sat_replica *replica)
{
    return replica->escrow.wanted || replica->devices.wanted;
}

static const char *why_work_waits(const struct sat_replica *replica, bool blocked)
{
    if (replica->frozen.owing_n) return "work waits for a new key of its territory, which is owed";
    if (replica->frozen.left) return "work waits for a key or a right that this device does not have";
    if (replica->counts.refused) return "the server refused work of this device; see the refused items";
    return blocked ? "work of this device was refused, or waits for the admins to decide; see the refused items"
                   : "work is pending in a space that this device may not use";
}

static const char *why_they_differ(const struct sat_replica *replica)
{
    uint64_t aside = 0;
    if (sat_store_aside_count(replica->config.store, &aside) || aside == 0)
        return "the server and this device do not hold the same";
    return "the server holds what was put aside here; see the refused items";
}

/* Nothing under way any more, and yet not in sync: why? NULL: something is under way. */
static const char *stuck(const struct sat_replica *replica)
{
    if (replica->config.directory->seq < replica->dir_goal || replica->boxes_asked || replica->wish != WISH_NONE)
        return NULL;
    if (is_asking(replica)) return NULL;
    if (is_idle_without_spaces(replica)) return "the directory is up to date";
    if (!replica_is_approved(replica)) return "this device waits for approval: an admin has to approve it";
    bool under_way = false;
    const char *leaving = replica_leaving_stuck(replica, &under_way);
    if (under_way) return NULL;
    bool blocked = false, held = false;
    for (uint32_t i = 0; i < replica->subs_n; i++) {
        const struct replica_sub *sub = &replica->subs[i];
        if (sub->held) held = true;
        if (sub->held || sub->halted || !replica_may_read(replica, &sub->row.id)) continue;
        if (sub->mending.awaited || sub->doubted) return NULL;
        if (replica_is_offering(sub) || sub->fill.asked) return NULL;
        if (!sub->head_here || sub->in_flight || (sub->pushable && !sub->blocked)) return NULL;
        if (sub->returns.left && !sub->returns.held) return NULL;
        if (sub->returns.left) return "the server was set back, and does not take yet what it is given back";
        if (sub->stubs_wait) return "the server was set back, and waits for what other devices have to give back";
        if (!sub->digest_agrees) return why_they_differ(replica);
        if (sub->blocked) blocked = true;
    }
    if (held || replica->frozen.held) return "a mass change waits: nothing of it is taken over before somebody says so";
    if (replica->copied && !replica->reindex_refused && replica->config.hooks.reindex) return NULL;
    if (leaving) return leaving;
    if (replica->copied) return "this home is a copy of another one, and has no number of its own yet";
    return replica->subs_n ? why_work_waits(replica, blocked) : "this device may read no space";
}

/* What the spaces need. Keys first: what is frozen now should be frozen under the current epoch. */
static enum sat_err advance_spaces(struct replica_step *step)
{
    struct sat_replica *replica = step->replica;
    if (replica->config.mode != SAT_REPLICA_DEVICE || replica->config.directory_only) return SAT_OK;
    enum sat_err err = replica_subscribe(step);
    if (err || replica->boxes_asked || replica->copied) return err;
    bool waits = false;
    err = replica_ask_wishes(step);
    if (!err) err = replica_look_again(step, &waits);
    if (err || waits) return err;
    err = replica_disputes(step);
    if (err || replica->copied) return err ? err : replica_heal(step);
    err = replica_freeze(step);
    return err ? err : replica_leave_spaces(step);
}

/* One round of what can be done now; called at the end of every step. */
static enum sat_err advance(struct replica_step *step)
{
    struct sat_replica *replica = step->replica;
    enum sat_replica_mode mode = replica->config.mode;
    if (replica->state != REPLICA_TALKING || replica->ending) return SAT_OK;
    if (mode == SAT_REPLICA_WIPED || replica_is_out(replica)) return replica_leave(step);
    if (replica->config.directory->seq < replica->dir_goal) return SAT_OK;
    enum sat_err err = replica_look_back(step);
    if (err) return err;
    if (replica->copied && !replica->config.directory_only && !replica->reindex_refused) return replica_heal(step);
    /* Keys first: a new kit gets those that this one has, and a new epoch's chain seals what its author holds. */
    bool keys_first = mode == SAT_REPLICA_KIT || (mode == SAT_REPLICA_DEVICE && replica->wish != WISH_NONE);
    if (keys_first) err = replica_ask_boxes(step);
    if (!err && !(keys_first && replica->boxes_asked)) err = replica_wish(step);
    if (!err && mode == SAT_REPLICA_DEVICE) err = replica_say_back(step);
    if (err || mode == SAT_REPLICA_CREATE || replica->wish == WISH_SENT) return err;
    err = replica_ask_boxes(step);
    if (!err) err = replica_ask(step);
    if (err || (mode == SAT_REPLICA_DEVICE && !replica_is_approved(replica))) return err;
    err = advance_spaces(step);
    return err || mode != SAT_REPLICA_DEVICE ? err : replica_pay(step);
}

static enum sat_err take_error(struct replica_step *step, const struct sat_message_ERROR *message)
{
    enum sat_err err = sat_err_from_wire(message->error);
    if (sat_err_is_local(err)) err = SAT_ERR_BUSY; /* the other machine's trouble, not this one's */
    if (step->replica->state == REPLICA_WAITING && sat_err_class(err) != SAT_CLASS_RETRY)
        return sat_fail(&step->fault, SAT_ERR_WRONG_SERVER,
                        "the server refuses without having shown that it is the one that was pinned");
    step->replica->retry_ms = message->retry_ms;
    bool member = step->replica->config.mode == SAT_REPLICA_DEVICE || step->replica->config.mode == SAT_REPLICA_WIPED;
    if (err == SAT_ERR_REVOKED && member) return replica_said_revoked(step);
    if (err == SAT_ERR_PROTOCOL && replica_may_be_unknown(step->replica)) return replica_is_not_understood(step);
    if (step->replica->wish == WISH_SENT && err != SAT_ERR_BUSY)
        return replica_append_refused(step, err, message->text);
    return sat_fail(&step->fault, err, "the server says: %.*s", (int)message->text.len, (const char *)message->text.at);
}

/* What a server may say that has proved who it is. */
static enum sat_err take_from_known(struct replica_step *step, const struct sat_message *message)
{
    if (message->type == SAT_MESSAGE_LINKS) return replica_links(step, &message->as.LINKS);
    if (message->type == SAT_MESSAGE_APPENDED) return replica_appended(step, &message->as.APPENDED);
    if (message->type == SAT_MESSAGE_BOXES) return replica_boxes(step, &message->as.BOXES);
    if (message->type == SAT_MESSAGE_ENTRIES) return replica_entries(step, &message->as.ENTRIES);
    if (message->type == SAT_MESSAGE_HEAD) return replica_head(step, &message->as.HEAD);
    if (message->type == SAT_MESSAGE_REFUSED) return replica_refused(step, &message->as.REFUSED);
    if (message->type == SAT_MESSAGE_HANDED_IN) return replica_handed_in(step, &message->as.HANDED_IN);
    if (message->type == SAT_MESSAGE_HELD) return replica_held(step, &message->as.HELD);
    if (message->type == SAT_MESSAGE_SET_BACK) return replica_set_back(step, &message->as.SET_BACK);
    if (message->type == SAT_MESSAGE_ESCROW) return replica_escrow(step, &message->as.ESCROW);
    if (message->type == SAT_MESSAGE_DIFFERENCES) return replica_differences(step, &message->as.DIFFERENCES);
    if (message->type == SAT_MESSAGE_RECOVERING) return replica_recovering(step, &message->as.RECOVERING);
    if (message->type == SAT_MESSAGE_DEVICES) return replica_devices(step, &message->as.DEVICES);
    if (message->type == SAT_MESSAGE_LIVES) return replica_lives(step, &message->as.LIVES);
    if (message->type == SAT_MESSAGE_COMMON) return replica_common(step, &message->as.COMMON);
    if (message->type == SAT_MESSAGE_CURSORS) return replica_words(step, &message->as.CURSORS);
    if (message->type == SAT_MESSAGE_ANEW) return replica_anew(step, &message->as.ANEW);
    if (message->type == SAT_MESSAGE_TAKEN) return replica_taken(step, &message->as.TAKEN);
    if (message->type == SAT_MESSAGE_UNRETURNED) return replica_unreturned(step, &message->as.UNRETURNED);
    return sat_fail(&step->fault, SAT_ERR_PROTOCOL, "the server sent %s where it does not belong",
                    sat_message_name(message->type));
}

static enum sat_err take_message(struct replica_step *step, struct sat_span bytes)
{
    struct sat_replica *replica = step->replica;
    struct sat_message message;
    replica->counts.bytes_in += bytes.len;
    enum sat_err err = sat_message_decode(bytes, SAT_SENDER_SERVER, step->arena, &message);
    if (err) return sat_fail(&step->fault, err, "the server sent a message that cannot be read");
    if (message.type == SAT_MESSAGE_ERROR) return take_error(step, &message.as.ERROR);
    if (message.type == SAT_MESSAGE_GOODBYE) {
        replica->retry_ms = message.as.GOODBYE.retry_ms;
        return sat_fail(&step->fault, SAT_ERR_CLOSED, "the server is going down; try again");
    }
    if (replica->state == REPLICA_WAITING) {
        if (message.type == SAT_MESSAGE_HELLO) return replica_hello(step, &message.as.HELLO);
        return sat_fail(&step->fault, SAT_ERR_PROTOCOL, "the server did not begin with a hello");
    }
    err = take_from_known(step, &message);
    return err ? err : replica_count_unanswered(step, message.type);
}

static enum sat_err take_event(struct replica_step *step, const struct sat_event *event)
{
    struct sat_replica *replica = step->replica;
    if (replica->state == REPLICA_OVER) return SAT_OK;
    switch (event->kind) {
    case SAT_EVENT_OPENED:
        replica->peer = event->peer;
        replica->binding = event->binding;
        return SAT_OK;
    case SAT_EVENT_CLOSED:
        return sat_fail(&step->fault, SAT_ERR_CLOSED, "the connection was closed");
    case SAT_EVENT_MESSAGE:
        return take_message(step, event->bytes);
    }
    return SAT_OK;
}

void replica_fail_session(struct replica_step *step, enum sat_err err)
{
    step->replica->state = REPLICA_OVER;
    struct sat_action *notice = replica_notice(step, SAT_NOTICE_FAILED);
    notice->err = err;
    const char *text = step->fault.err == err ? step->fault.text : sat_err_text(err);
    notice->text = sat_arena_text(step->out->arena, text, strlen(text));
    sat_actions_add(step->out, SAT_ACTION_CLOSE, step->replica->peer)->err = err;
}

static bool is_halted(const struct sat_replica *replica)
{
    for (uint32_t i = 0; i < replica->subs_n; i++)
        if (replica->subs[i].halted && !replica->subs[i].gone) return true;
    return false;
}

/* Tells the application where the session stands, once for each time it changes. */
static void tell(struct replica_step *step)
{
    struct sat_replica *replica = step->replica;
    if (replica->state != REPLICA_TALKING || replica->config.mode == SAT_REPLICA_WIPED || replica_is_out(replica))
        return;
    bool in_sync = sat_replica_in_sync(replica) && !is_asking(replica); /* else who asked would leave unanswered */
    if (in_sync && !replica->told_in_sync) replica_notice(step, SAT_NOTICE_IN_SYNC);
    replica->told_in_sync = in_sync;
    const char *why = in_sync || replica->config.mode == SAT_REPLICA_CREATE ? NULL : stuck(replica);
    bool in_vain = replica->wish == WISH_OPEN && replica->config.links_when_pulled;
    if (!in_sync && (why || in_vain) && is_halted(replica)) { /* the rest is done */
        (void)sat_fail(&step->fault, SAT_ERR_UPGRADE_NEEDED, "a log has an entry of a kind that needs a later version");
        replica_fail_session(step, SAT_ERR_UPGRADE_NEEDED);
        return;
    }
    if (why && !replica->told_idle) replica_notice(step, SAT_NOTICE_IDLE)->text = why;
    replica->told_idle = why != NULL;
}

enum sat_err replica_save_spaces(struct sat_replica *replica)
{
    enum sat_err err = SAT_OK;
    for (uint32_t i = 0; !err && i < replica->subs_n; i++) {
        struct replica_sub *sub = &replica->subs[i];
        if (sub->dirty) err = sat_store_space_save(replica->config.store, &sub->row);
        if (!err) sub->dirty = false;
    }
    return err;
}

static enum sat_err commit(struct sat_replica *replica)
{
    struct sat_store *store = replica->config.store;
    if (!sat_store_in_transaction(store)) return SAT_OK;
    enum sat_err err = replica_save_spaces(replica);
    return err ? err : sat_store_commit(store);
}

/* Whether something can be pushed decides about the WRITABLE action and about being stuck. */
static enum sat_err look_for_pushes(struct replica_step *step)
{
    bool more = false;
    if (step->replica->state != REPLICA_TALKING) return SAT_OK;
    enum sat_err err = replica_push(step->replica, step->arena, NULL, &more);
    if (!err && more) sat_actions_add(step->out, SAT_ACTION_WRITABLE, step->replica->peer);
    return err;
}

/* With nothing more under way, this is where the session ends, or where a live one waits. */
static enum sat_err sign_cursors(struct replica_step *step)
{
    const struct sat_replica *replica = step->replica;
    if (replica->state != REPLICA_TALKING || replica->config.mode != SAT_REPLICA_DEVICE || replica->ending ||
        replica->config.directory_only || replica->copied || replica_is_out(replica))
        return SAT_OK;
    if (replica->told_in_sync || (!sat_replica_in_sync(replica) && !stuck(replica))) return SAT_OK;
    return replica_cursors(step);
}

/* Of what came before in this session, or in one that broke off, all that no head has proved. */
static enum sat_err rewind_spaces(struct replica_step *step)
{
    struct sat_store *store = step->replica->config.store;
    struct sat_space_row *rows;
    uint32_t n = 0;
    enum sat_err err = sat_store_spaces(store, step->arena, &rows, &n);
    for (uint32_t i = 0; !err && i < n; i++) {
        if (rows[i].log.size <= rows[i].head_size) continue;
        err = sat_store_begin(store);
        if (!err) err = sat_base_rewind(store, &rows[i], step->replica->config.device);
        if (!err) err = sat_store_commit(store);
        if (err) sat_store_rollback(store);
    }
    return err;
}

/* A verification that failed in the middle of a batch undoes what the batch did, and what no head has proved: nothing
 * of what a lying server sent is merged. What it said that was true comes again with the next session. */
static void undo(struct replica_step *step, enum sat_err err)
{
    struct sat_replica *replica = step->replica;
    struct sat_directory *directory = replica->config.directory;
    sat_store_rollback(replica->config.store);
    replica_brake_free(replica);
    replica->subs_n = 0;
    if (directory->seq != step->dir_before) {
        sat_directory_deinit(directory);
        sat_directory_init(directory);
        struct sat_fault fault = {0};
        enum sat_err reload = sat_directory_load(replica->config.store, directory, &fault);
        if (reload) err = sat_fail(&step->fault, reload, "%s", fault.text);
    }
    /* Should these fail, what the server did is told all the same. */
    (void)!replica_keep_evidence(step);
    if (sat_err_class(err) == SAT_CLASS_PEER) (void)!rewind_spaces(step);
    sat_actions_init(step->out, step->out->arena);
    replica_fail_session(step, err);
}

/* Once both sides hold the same, and nothing was written since. */
static enum sat_err settle_clock(struct replica_step *step)
{
    struct sat_replica *replica = step->replica;
    uint64_t received_ms = replica->server_time_ms, drafts;
    if (replica->told_in_sync || !sat_replica_in_sync(replica)) return SAT_OK;
    enum sat_err err = sat_store_draft_count(replica->config.store, &drafts);
    if (err || drafts) return err;
    for (uint32_t i = 0; i < replica->subs_n; i++)
        if (replica->subs[i].row.last_recv_ms > received_ms) received_ms = replica->subs[i].row.last_recv_ms;
    err = replica_begin(step);
    return err ? err : sat_clock_settle(replica->config.store, received_ms);
}

static enum sat_err run(struct replica_step *step, const struct sat_event *events, uint32_t n)
{
    enum sat_err err = SAT_OK;
    for (uint32_t i = 0; !err && i < n; i++) err = take_event(step, &events[i]);
    if (!err || err == SAT_ERR_CLOSED) {
        enum sat_err braked = replica_brake(step);
        if (braked) err = braked;
    }
    if (!err) err = advance(step);
    if (!err) err = replica_check_cuts(step);
    if (!err) err = settle_clock(step);
    if (!err) err = look_for_pushes(step);
    if (!err) err = sign_cursors(step);
    if (!err || err == SAT_ERR_CLOSED) { /* what came before the end of the connection counts */
        enum sat_err committed = commit(step->replica);
        if (committed) return committed;
    }
    return err;
}

static enum sat_err finish(struct replica_step *step, enum sat_err err)
{
    if (!err) {
        if (step->replica->ending && step->replica->state != REPLICA_OVER) replica_end(step);
        tell(step);
        return SAT_OK;
    }
    if (err == SAT_ERR_CLOSED)
        replica_fail_session(step, err);
    else
        undo(step, err);
    return sat_err_is_local(err) ? err : SAT_OK;
}

enum sat_err sat_replica_step(struct sat_replica *replica, uint64_t now_ms, const struct sat_event *events, uint32_t n,
                              struct sat_actions *out)
{
    struct sat_arena arena;
    sat_arena_init(&arena);
    struct replica_step step = {.replica = replica,
                                .now_ms = now_ms,
                                .arena = &arena,
                                .out = out,
                                .dir_before = replica->config.directory->seq};
    enum sat_err err = finish(&step, run(&step, events, n));
    sat_arena_deinit(&arena);
    return err;
}

enum sat_err sat_replica_poke(struct sat_replica *replica, uint64_t now_ms, struct sat_actions *out)
{
    if (replica->config.hooks.build_links && replica->wish == WISH_NONE) replica->wish = WISH_OPEN;
    replica->version_stale = UINT64_MAX;
    replica->told_idle = false;
    return sat_replica_step(replica, now_ms, NULL, 0, out);
}

enum sat_err sat_replica_frame(struct sat_replica *replica, uint64_t now_ms, struct sat_buf *out)
{
    (void)now_ms;
    if (replica->state != REPLICA_TALKING) return SAT_OK;
    struct sat_arena arena;
    sat_arena_init(&arena);
    bool more;
    enum sat_err err = replica_push(replica, &arena, out, &more);
    replica->counts.bytes_out += out->len;
    sat_arena_deinit(&arena);
    return err;
}
