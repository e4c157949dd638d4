#define _GNU_SOURCE
#include "client/session_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/alert.h"
#include "client/expel.h"
#include "client/links.h"
#include "client/reindex.h"
#include "client/restored.h"
#include "client/skew.h"
#include "client/transport.h"
#include "client/version.h"
#include "client/view/view.h"
#include "common/base/check.h"
#include "common/base/limits.h"
#include "common/vault/author.h"
#include "common/vault/harm.h"

/* Where there is another address to try, one that swallows what it is sent must not use up all the time. */
enum { CONNECT_MS_MAX = 10 * 1000 };

enum { THE_PEER = 1 };

struct satchel *client_session_handle(struct client_session *session)
{
    return session->satchel;
}

uint64_t client_session_time(const struct client_session *session)
{
    uint64_t time_ms = session->replica ? sat_replica_server_time(session->replica) : 0;
    return time_ms ? time_ms : client_now_ms();
}

bool client_session_is_alone(struct client_session *session, const struct sat_action *action)
{
    if (!action->alone) return false;
    uint64_t drafts = 0, bundles = 0, changes = 0;
    struct sat_store *store = session->satchel->store;
    if (session->own_work == WORK_UNKNOWN)
        session->own_work = sat_store_draft_count(store, &drafts) ||
                                    sat_store_pending_count(store, &bundles, &changes) || drafts || bundles
                                ? WORK_SOME
                                : WORK_NONE;
    return session->own_work == WORK_NONE;
}

void client_session_nonce(const struct client_session *session, uint8_t out[32])
{
    sat_replica_nonce(session->replica, out);
}

const char *client_session_address(const struct client_session *session)
{
    return session->config->urls[0];
}

const char *client_session_path(const struct client_session *session)
{
    return session->path;
}

void client_session_fail(struct client_session *session, enum sat_err err, const char *text)
{
    session->done = true;
    if (session->err) return; /* the first reason is the one to tell */
    session->err = err;
    session->fault = session->satchel->fault; /* a hook of ours may have said more */
    if (text && text[0] && strcmp(text, sat_err_text(err)) != 0)
        (void)sat_fail(&session->fault, err, "%s", text);
    else
        (void)sat_fail_keep(&session->fault, err);
}

/* ---- Actions ---- */

static void queue(struct client_session *session, struct sat_span bytes)
{
    struct outgoing *outgoing = malloc(sizeof *outgoing + bytes.len);
    sat_check_memory(outgoing);
    outgoing->next = NULL;
    outgoing->len = bytes.len;
    if (bytes.len) memcpy(outgoing->bytes, bytes.at, bytes.len);
    *session->last = outgoing;
    session->last = &outgoing->next;
}

static void take_notice(struct client_session *session, const struct sat_action *action)
{
    switch (action->notice) {
    case SAT_NOTICE_LINKS_REFUSED:
        if (session->config->forgives && session->config->forgives(session->config->context)) break;
        client_session_fail(session, action->err ? action->err : SAT_ERR_CLOSED, action->text);
        return;
    case SAT_NOTICE_FAILED:
        client_session_fail(session, action->err ? action->err : SAT_ERR_CLOSED, action->text);
        return;
    case SAT_NOTICE_RECORD:
        client_touch(session->satchel);
        break;
    case SAT_NOTICE_CONNECTED:
        session->met = true;
        break;
    case SAT_NOTICE_IN_SYNC:
        client_lease_still_met(session->satchel);
        break;
    case SAT_NOTICE_DIRECTORY:
    case SAT_NOTICE_REFUSED:
    case SAT_NOTICE_LINKS_APPENDED:
    case SAT_NOTICE_CREATED:
    case SAT_NOTICE_IDLE:
    case SAT_NOTICE_HANDED_IN:
    case SAT_NOTICE_DEBT:
    case SAT_NOTICE_REVOKED:
    case SAT_NOTICE_WIPED:
        break;
    case SAT_NOTICE_REINDEXED:
        session->reindexed = true;
        if (client_reindex_take(session->satchel)) client_session_fail(session, SAT_ERR_CORRUPT, NULL);
        client_reindex_tell(session->satchel);
        break;
    case SAT_NOTICE_SET_BACK: /* of each space, but it is one event */
        session->told |= client_alerts_take(session->satchel, session->told);
        client_touch(session->satchel);
        break;
    case SAT_NOTICE_ANEW:
        session->told |= client_alerts_take(session->satchel, session->told);
        client_touch(session->satchel); /* its rows are gone, and come again */
        session->satchel->conflicts.known = false;
        break;
    case SAT_NOTICE_BRAKE:
        client_brake_note(session->satchel, action);
        if (!action->err) break;
        client_touch(session->satchel); /* what had come of it is gone again */
        session->satchel->conflicts.known = false;
        break;
    case SAT_NOTICE_SPACE_LOST:
        client_view_discard(session->satchel); /* its rows are gone */
        sat_store_forget_log(session->satchel->store);
        session->satchel->conflicts.known = false;
        break;
    }
    if (session->config->notice(session->config->context, session, action)) session->done = true;
}

static void act(struct client_session *session, const struct sat_actions *actions)
{
    for (const struct sat_action *action = actions->first; action; action = action->next) {
        switch (action->kind) {
        case SAT_ACTION_SEND:
            queue(session, action->bytes);
            break;
        case SAT_ACTION_WRITABLE:
            session->writable = true;
            break;
        case SAT_ACTION_CLOSE:
            if (action->err)
                client_session_fail(session, action->err, action->text);
            else
                session->done = true;
            break;
        case SAT_ACTION_NOTICE:
            take_notice(session, action);
            break;
        }
    }
}

/* The local store failed: the step has not happened, and the directory in memory may be ahead of the store. */
static void fail_locally(struct client_session *session, enum sat_err err)
{
    struct satchel *satchel = session->satchel;
    client_explain(satchel, err, &satchel->fault);
    session->done = true;
    session->err = err;
    session->fault = satchel->fault;
}

static void tell_progress(struct client_session *session)
{
    struct sat_replica_counts counts = sat_replica_counts(session->replica);
    if (!session->config->progress || counts.entries_applied == session->entries_told) return;
    session->entries_told = counts.entries_applied;
    session->config->progress(session->config->context, counts);
}

/* Not before it is known whether the device is still one of the organisation's. */
static void renew_lease(struct client_session *session)
{
    if (session->renewed || !session->met || !sat_replica_is_current(session->replica)) return;
    session->renewed = true;
    client_lease_met(session->satchel, sat_replica_server_time(session->replica));
    client_skew_met(session->satchel, sat_replica_server_time(session->replica));
}

static void begin_step(struct client_session *session, struct sat_arena *arena, struct sat_actions *actions)
{
    session->satchel->fault = (struct sat_fault){0};
    session->own_work = WORK_UNKNOWN;
    sat_arena_init(arena);
    sat_actions_init(actions, arena);
}

static void end_step(struct client_session *session, enum sat_err err, struct sat_actions *actions)
{
    if (err)
        fail_locally(session, err);
    else
        act(session, actions);
    renew_lease(session);
    session->in_sync = sat_replica_in_sync(session->replica);
    tell_progress(session);
    sat_arena_deinit(actions->arena);
}

static void step(struct client_session *session, const struct sat_event *events, uint32_t n)
{
    struct sat_arena arena;
    struct sat_actions actions;
    if (session->done) return;
    begin_step(session, &arena, &actions);
    enum sat_err err = n ? sat_replica_step(session->replica, client_now_ms(), events, n, &actions)
                         : sat_replica_poke(session->replica, client_now_ms(), &actions);
    end_step(session, err, &actions);
}

void client_session_poke(struct client_session *session)
{
    step(session, NULL, 0);
}

void client_session_ask_escrow(struct client_session *session, uint64_t after)
{
    struct sat_arena arena;
    struct sat_actions actions;
    if (session->done) return;
    begin_step(session, &arena, &actions);
    end_step(session, sat_replica_ask_escrow(session->replica, client_now_ms(), after, &actions), &actions);
}

void client_session_ask_devices(struct client_session *session, uint32_t after)
{
    struct sat_arena arena;
    struct sat_actions actions;
    if (session->done) return;
    begin_step(session, &arena, &actions);
    end_step(session, sat_replica_ask_devices(session->replica, client_now_ms(), after, &actions), &actions);
}

/* ---- The transport's side ---- */

void client_session_opened(struct client_session *session, const struct sat_binding *binding)
{
    session->open = true;
    client_watch_begin(&session->watch, session->config->patience_ms, client_monotonic_ms());
    struct sat_event event = {.kind = SAT_EVENT_OPENED, .peer = THE_PEER, .binding = *binding};
    sat_replica_nonce(session->replica, event.client_nonce);
    step(session, &event, 1);
}

void client_session_refused(struct client_session *session, unsigned status, struct sat_span text)
{
    char said[300];
    enum sat_err err =
        client_version_refusal(status, text, client_session_address(session), said, sizeof said, &session->retry_ms);
    session->gone = true;
    if (!session->done) client_session_fail(session, err, said);
}

void client_session_received(struct client_session *session, struct sat_span message)
{
    char said[300];
    if (message.len > SAT_MESSAGE_BYTES_MAX) {
        client_session_fail(session, SAT_ERR_PROTOCOL, "the server sent a message that is larger than any can be");
        return;
    }
    if (!session->greeted && client_version_of_hello(message, said, sizeof said)) {
        client_session_fail(session, SAT_ERR_VERSION, said);
        return;
    }
    session->greeted = true;
    client_session_moved(session);
    struct inbox *inbox = &session->inbox;
    if (inbox->n == INBOX_MAX || inbox->bytes + message.len > INBOX_BYTES_MAX) client_session_take(session);
    inbox->events[inbox->n++] =
        (struct sat_event){.kind = SAT_EVENT_MESSAGE, .peer = THE_PEER, .bytes = sat_span_copy(&inbox->arena, message)};
    inbox->bytes += message.len;
}

void client_session_take(struct client_session *session)
{
    struct inbox *inbox = &session->inbox;
    if (inbox->n) step(session, inbox->events, inbox->n);
    sat_arena_reset(&inbox->arena);
    inbox->n = 0;
    inbox->bytes = 0;
}

void client_session_closed(struct client_session *session, enum sat_err err, const char *text)
{
    client_session_take(session);
    if (session->open && !session->done) {
        struct sat_event event = {.kind = SAT_EVENT_CLOSED, .peer = THE_PEER};
        step(session, &event, 1);
    }
    session->gone = true;
    if (!session->done) client_session_fail(session, err, text);
}

void client_session_lost(struct client_session *session, const char *why)
{
    char text[300];
    const char *colon = why && why[0] ? ": " : "";
    if (!why) why = "";
    if (session->open)
        (void)snprintf(text, sizeof text, "the connection to the server ended%s%.150s", colon, why);
    else
        (void)snprintf(text, sizeof text, "the server at %.100s cannot be reached%s%.150s",
                       client_session_address(session), colon, why);
    client_session_closed(session, session->open ? SAT_ERR_CLOSED : SAT_ERR_UNREACHABLE, text);
}

bool client_session_wants(const struct client_session *session)
{
    return session->first || (session->writable && !session->done && !session_is_used_up(session, 0));
}

void client_session_next(struct client_session *session, struct sat_buf *out)
{
    struct outgoing *outgoing = session->first;
    if (outgoing) {
        session->first = outgoing->next;
        if (!session->first) session->last = &session->first;
        sat_put_bytes(out, outgoing->bytes, outgoing->len);
        free(outgoing);
        return;
    }
    if (!session->writable || session->done || session_is_used_up(session, 0)) return;
    enum sat_err err = sat_replica_frame(session->replica, client_now_ms(), out);
    if (err) fail_locally(session, err);
    if (err || out->len == 0) session->writable = false;
}

/* ---- The keys' side: hooks that every session has ---- */

/* Drafts that are too much: a notice as the replica gives of what came in. */
static void tell_held(struct client_session *session)
{
    struct sat_action action = {.notice = SAT_NOTICE_BRAKE, .err = SAT_ERR_MASS_CHANGE};
    (void)session->config->notice(session->config->context, session, &action);
}

static enum sat_err freeze(void *context, uint64_t now_ms, uint32_t bundles_max, struct sat_frozen *out)
{
    struct client_session *session = context;
    struct sat_vault vault = client_vault(session->satchel);
    vault.fresh = sat_replica_fresh(session->replica);
    if (session->config->frame_bytes) vault.bundle_bytes = session->config->frame_bytes - SAT_FRAME_OVERHEAD;
    struct client_brake *brake = &session->satchel->brake;
    uint32_t known = brake->held_n;
    enum sat_err err = session->config->replica.allow_mass_change ? SAT_OK : client_brake_drafts(session->satchel);
    if (!err) err = sat_author_freeze_but(&vault, now_ms, bundles_max, brake->held, brake->held_n, out);
    if (!err && brake->held_n > known) tell_held(session);
    if (err || !out->dropped) return err;
    session->satchel->conflicts.known = false;
    client_touch(session->satchel);
    return SAT_OK;
}

static enum sat_err mend_refused(void *context, int64_t sid, bool *mended)
{
    struct client_session *session = context;
    struct sat_vault vault = client_vault(session->satchel);
    enum sat_err err = sat_author_mend(&vault, sid, mended);
    if (err || !*mended) return err;
    session->satchel->conflicts.known = false; /* what was refused is not shown any more */
    client_touch(session->satchel);
    return SAT_OK;
}

static enum sat_err open_box(void *context, const struct sat_box *box)
{
    struct client_session *session = context;
    struct satchel *satchel = session->satchel;
    const struct sat_replica_hooks *own = &session->config->replica.hooks;
    satchel->conflicts.known = false; /* what could not be read before now can */
    client_touch(satchel);
    if (own->open_box) return own->open_box(own->context, box);
    enum sat_err err = sat_keys_open_box(satchel->keys, &satchel->directory, box, NULL, NULL);
    if (err == SAT_ERR_UNDECRYPTABLE) session->wrong_box = true;
    return err ? err : client_links_look_back(satchel, &box->space, &session->torn);
}

static bool have_key(void *context, const struct sat_space_id *space, uint32_t epoch)
{
    struct satchel *satchel = ((struct client_session *)context)->satchel;
    const struct sat_epoch_key *key;
    return sat_keys_get(satchel->keys, &satchel->directory, space, epoch, &key) == SAT_OK;
}

static enum sat_err build_links(void *context, struct sat_arena *arena, struct sat_link_batch *out)
{
    struct client_session *session = context;
    const struct sat_replica_hooks *own = &session->config->replica.hooks;
    return own->build_links(own->context, arena, out);
}

static enum sat_err links_appended(void *context)
{
    const struct sat_replica_hooks *own = &((struct client_session *)context)->config->replica.hooks;
    return own->links_appended ? own->links_appended(own->context) : SAT_OK;
}

static enum sat_err pay_debts(void *context, uint64_t now_ms, const struct sat_space_id *spaces, uint32_t n,
                              struct sat_arena *arena, struct sat_link_batch *out)
{
    return client_links_pay(((struct client_session *)context)->satchel, now_ms, spaces, n, arena, out);
}

static enum sat_err copied(void *context)
{
    return client_reindex_begin(((struct client_session *)context)->satchel);
}

static enum sat_err look_again(void *context, bool *changed)
{
    return client_reindex_look(((struct client_session *)context)->satchel, changed);
}

static enum sat_err take_over(void *context, int64_t sid, const struct sat_taken *from, bool *taken)
{
    return client_reindex_take_over(((struct client_session *)context)->satchel, sid, from, taken);
}

static enum sat_err look_back(void *context, int64_t sid, uint64_t now_ms, bool *changed)
{
    return client_reindex_look_back(((struct client_session *)context)->satchel, sid, now_ms, changed);
}

static enum sat_err reindex(void *context, struct sat_arena *arena, struct sat_link_batch *out)
{
    return client_reindex_build(((struct client_session *)context)->satchel, arena, out);
}

static enum sat_err reindexed(void *context)
{
    return client_reindex_finish(((struct client_session *)context)->satchel);
}

static enum sat_err harm(void *context, int64_t sid, const struct sat_space_id *space,
                         const struct sat_record_id *record, uint64_t seq, struct sat_harm *out)
{
    struct sat_vault vault = client_vault(((struct client_session *)context)->satchel);
    return sat_harm_received(&vault, sid, space, record, seq, out);
}

static void forget_space(void *context, const struct sat_space_id *space)
{
    struct client_session *session = context;
    const struct sat_replica_hooks *own = &session->config->replica.hooks;
    sat_keys_forget(session->satchel->keys, space);
    if (own->forget_space) own->forget_space(own->context, space);
}

static enum sat_err escrow(void *context, const struct sat_escrow_item *items, uint32_t n, bool more)
{
    const struct sat_replica_hooks *own = &((struct client_session *)context)->config->replica.hooks;
    return own->escrow(own->context, items, n, more);
}

static enum sat_err devices(void *context, const struct sat_device_item *items, uint32_t n, bool more)
{
    const struct sat_replica_hooks *own = &((struct client_session *)context)->config->replica.hooks;
    return own->devices(own->context, items, n, more);
}

/* ---- Beginning and ending ---- */

static void fill_config(struct client_session *session, struct sat_replica_config *config)
{
    struct satchel *satchel = session->satchel;
    *config = session->config->replica;
    config->store = satchel->store;
    config->directory = &satchel->directory;
    config->entropy = satchel->entropy;
    struct sat_replica_hooks own = config->hooks;
    config->hooks = (struct sat_replica_hooks){.context = session};
    if (config->mode == SAT_REPLICA_WIPED) return; /* there are no keys any more */
    config->hooks = (struct sat_replica_hooks){
        .context = session,
        .freeze = config->mode == SAT_REPLICA_DEVICE ? freeze : NULL,
        .mend_refused = config->mode == SAT_REPLICA_DEVICE ? mend_refused : NULL,
        .open_box = open_box,
        .have_key = have_key,
        .build_links = own.build_links ? build_links : NULL,
        .links_appended = own.build_links ? links_appended : NULL,
        .pay_debts = config->mode == SAT_REPLICA_DEVICE ? pay_debts : NULL,
        .copied = config->mode == SAT_REPLICA_DEVICE ? copied : NULL,
        .take_over = config->mode == SAT_REPLICA_DEVICE ? take_over : NULL,
        .look_back = config->mode == SAT_REPLICA_DEVICE ? look_back : NULL,
        .look_again = config->mode == SAT_REPLICA_DEVICE ? look_again : NULL,
        .reindex = config->mode == SAT_REPLICA_DEVICE ? reindex : NULL,
        .reindexed = reindexed,
        .harm = config->mode == SAT_REPLICA_DEVICE ? harm : NULL,
        .forget_space = forget_space,
        .escrow = own.escrow ? escrow : NULL,
        .devices = own.devices ? devices : NULL,
    };
}

/* The key that the server has to prove: a server with several is told which one this device knows. */
static struct sat_public_key trusted(const struct client_session *session)
{
    const struct satchel *satchel = session->satchel;
    return satchel->directory.seq ? satchel->directory.server : session->config->replica.server;
}

static void make_path(struct client_session *session)
{
    char org[65] = "new", nonce[65], hint[17];
    uint8_t bytes[32];
    struct sat_public_key key = trusted(session);
    client_session_nonce(session, bytes);
    sat_hex_format(bytes, sizeof bytes, nonce);
    sat_hex_format(key.b, 8, hint);
    const struct sat_hash *known = &session->config->replica.org;
    if (session->config->replica.mode != SAT_REPLICA_CREATE) sat_hex_format(known->b, sizeof known->b, org);
    int len = snprintf(session->path, sizeof session->path, "/satchel/%s/%s/%s", org, nonce, hint);
    if (session->config->frame_bytes)
        (void)snprintf(session->path + len, sizeof session->path - (size_t)len, "?frame=%u",
                       (unsigned)session->config->frame_bytes);
}

static void set_deadlines(struct client_session *session)
{
    const struct client_session_config *config = session->config;
    uint64_t now_ms = client_monotonic_ms();
    uint32_t connect_ms = config->connect_ms;
    if (config->timeout_ms) session->deadline_ms = now_ms + config->timeout_ms;
    if (config->urls[1] && (!connect_ms || connect_ms > CONNECT_MS_MAX)) connect_ms = CONNECT_MS_MAX;
    if (config->urls[1] && config->timeout_ms && config->timeout_ms / 2 < connect_ms)
        connect_ms = config->timeout_ms / 2;
    if (connect_ms) session->connect_by_ms = now_ms + connect_ms;
}

enum sat_err client_session_new(struct satchel *satchel, const struct client_session_config *config,
                                struct client_session **out)
{
    struct client_address address;
    *out = NULL;
    if (satchel->session) return sat_fail(&satchel->fault, SAT_ERR_INVALID, "a sync is under way on this handle");
    enum sat_err err = client_address_parse(config->urls[0], &address, &satchel->fault);
    if (err) return err;
    struct client_session *session = calloc(1, sizeof *session);
    if (!session) return sat_fail(&satchel->fault, SAT_ERR_NO_MEMORY, NULL);
    session->satchel = satchel;
    session->config = config;
    session->last = &session->first;
    struct sat_replica_config replica;
    fill_config(session, &replica);
    err = sat_replica_new(&replica, &session->replica);
    if (err) {
        free(session);
        return err;
    }
    sat_arena_init(&session->inbox.arena);
    make_path(session);
    set_deadlines(session);
    (void)client_alerts_take(satchel, 0); /* what a failure kept from being told */
    satchel->session = session;
    client_brake_reset(&satchel->brake);
    *out = session;
    return SAT_OK;
}

/* A session that failed may leave a directory in memory that is ahead of the store. */
static enum sat_err settle(struct client_session *session)
{
    if (session->settled || !session->err) return SAT_OK;
    session->settled = true;
    if (sat_err_class(session->err) == SAT_CLASS_PEER) {
        client_alert_keep(session->satchel, session->err, session->fault.text);
        session->satchel->conflicts.known = false; /* what no head has proved is gone again */
        client_touch(session->satchel);
    }
    return client_reload_directory(session->satchel, &session->satchel->fault);
}

/* This device reads on as before; whoever is let in now does not. That is told, and fails nothing here. */
static void accuse_of_chain(struct client_session *session)
{
    if (!session->torn) return;
    session->torn = false;
    client_alert_keep(session->satchel, SAT_ERR_UNDECRYPTABLE,
                      "the new key of a territory does not lead to an older one that this device has: who made it cuts "
                      "newcomers off from what is under that; a rotate of that territory from here mends it");
}

/* A wrong box stops nothing, as other work can go on, but is not passed over: the space cannot be read without it, and
 * somebody lied. Only who made the key and the server can have. */
static void accuse_of_box(struct client_session *session)
{
    if (!session->wrong_box || session->err) return;
    session->err = SAT_ERR_UNDECRYPTABLE;
    (void)sat_fail(&session->fault, session->err,
                   "a key box is not what the directory committed to: the server has swapped it, or who made the key "
                   "gave this device another one; a new key of that territory, by an admin's rotate, mends it");
}

enum sat_err client_session_result(struct client_session *session, struct client_session_result *result)
{
    accuse_of_box(session);
    accuse_of_chain(session);
    *result = (struct client_session_result){.counts = sat_replica_counts(session->replica),
                                             .in_sync = session->in_sync && !session->err,
                                             .reindexed = session->reindexed && !session->err,
                                             .stalled = session->stalled,
                                             .silent = session->silent,
                                             .used_up = session->used_up,
                                             .retry_ms = sat_replica_retry_ms(session->replica)};
    result->recovering = sat_replica_recovering(session->replica) != 0;
    if (session->met) client_expel_note_own(session->satchel, session->config->replica.device);
    if (session->met) client_restored_note(session->satchel, sat_replica_recovering(session->replica));
    if (session->retry_ms) result->retry_ms = session->retry_ms;
    if (session->met) (void)snprintf(result->met_at, sizeof result->met_at, "%s", session->config->urls[0]);
    enum sat_err err = settle(session);
    if (err) return err;
    if (session->err) session->satchel->fault = session->fault;
    return session->err;
}

/* What was wrong in this store is told by status; a count that cannot be written is worth no error. */
static void note_mended(struct client_session *session)
{
    struct sat_store *store = session->satchel->store;
    uint64_t mended = sat_replica_counts(session->replica).mended, before;
    if (!mended || sat_store_in_transaction(store) || sat_store_meta_get_u64(store, CLIENT_MENDED_KEY, 0, &before))
        return;
    if (sat_store_begin(store)) return;
    enum sat_err err = sat_store_meta_put_u64(store, CLIENT_MENDED_KEY, before + mended);
    if (!err) err = sat_store_commit(store);
    if (err) sat_store_rollback(store);
}

void client_session_free(struct client_session *session)
{
    if (!session) return;
    (void)!settle(session);
    if (session->met && !session->config->replica.directory_only) client_brake_end(session->satchel, session->err);
    note_mended(session);
    if (session->in_sync && !session->err) client_reindex_rest(session->satchel);
    if (client_session_may_retry(session)) session->satchel->addresses.next++;
    while (session->first) {
        struct outgoing *next = session->first->next;
        free(session->first);
        session->first = next;
    }
    sat_arena_deinit(&session->inbox.arena);
    sat_replica_free(session->replica);
    session->satchel->session = NULL;
    free(session);
}

/* ---- Running ---- */

bool client_session_may_retry(const struct client_session *session)
{
    const volatile int *stop = session->config->stop;
    return session->err && !session->met && session->err != SAT_ERR_BUSY && !sat_err_is_local(session->err) &&
           !(stop && *stop) && !(session->deadline_ms && client_monotonic_ms() >= session->deadline_ms);
}
