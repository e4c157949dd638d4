/* satchel_sync(): a session, told as events; a live one comes back when its connection is lost. */
#define _GNU_SOURCE
#include "client/sync.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "client/carry.h"
#include "client/conflicts.h"
#include "client/frames.h"
#include "client/held_up.h"
#include "client/landed.h"
#include "client/membership.h"
#include "client/names.h"
#include "common/base/utf8.h"
#include "client/reindex.h"
#include "client/restored.h"
#include "client/skew.h"
#include "client/watch.h"
#include "client/wipe.h"
#include "common/sync/tidy.h"
#include "common/vault/types.h"

enum {
    QUIET_TIMEOUT_MS = 5 * 1000,
    TIDY_ENTRIES = 4096, /* looked at behind a sync for what may be forgotten */
    SAVE_EVERY_MS = 10 * 1000,
    ROUNDS_MAX = 100,       /* of what follows from moves: one is the rule, and what is left the next sync does */
    CONNECT_MS = 30 * 1000, /* a session may last as long as it moves, but its beginning must have an end */
    WHOLE_MESSAGES_MS = 60 * 1000, /* the patience of who does not see the pieces of a message */
    FRUITLESS_MAX = 2,             /* so often does a sync that does not stay come back to a line that brings nothing */
    BYTES_MIN = 64 * 1024,         /* to be allowed: with less, nothing might ever get through */
    LOOK_MS = 50                   /* so often does somebody who waits look whether to go on waiting */
};

static void tell(const struct client_syncing *syncing, const struct satchel_event *event)
{
    if (syncing->options.event) syncing->options.event(syncing->options.event_context, event);
}

static void tell_text(const struct client_syncing *syncing, enum satchel_event_kind kind, const char *text)
{
    tell(syncing, &(struct satchel_event){.kind = kind, .message = text});
}

/* A record has changed: whoever listens is told which, and whether it is in conflict now. */
static void take_record(struct client_syncing *syncing, struct client_session *session, const struct sat_action *action)
{
    uint16_t type_number = 0;
    bool conflict = false, told = syncing->options.event && !syncing->options.quiet;
    if (client_conflicts_look(syncing->satchel, action->sid, &action->record, told,
                              client_session_is_alone(session, action), &type_number, &conflict))
        return;
    const struct sat_type *type = sat_type_by_number(type_number);
    if (!told || !type) return;
    char text[SAT_UUID_TEXT_SIZE];
    sat_uuid_format(action->record.b, text);
    tell(syncing, &(struct satchel_event){.kind = SATCHEL_EVENT_RECORD, .type = type->name, .id = text});
    if (conflict)
        tell(syncing, &(struct satchel_event){.kind = SATCHEL_EVENT_CONFLICT, .type = type->name, .id = text});
}

/* What a sync leaves behind, once both sides hold the same or it is over. */
static enum sat_err save(struct client_syncing *syncing, const char *url, bool in_sync)
{
    enum sat_err err = client_conflicts_save(syncing->satchel);
    return err ? err : client_membership_synced(syncing->satchel, url, in_sync);
}

/* A session that lives for days is not to look, in the status, as if nothing had been synced since it began. What is
 * not written down now is written down at the end. */
static void save_now_and_then(struct client_syncing *syncing, struct client_session *session)
{
    uint64_t now_ms = client_now_ms();
    if (syncing->saved_ms && now_ms - syncing->saved_ms < SAVE_EVERY_MS) return;
    syncing->saved_ms = now_ms;
    (void)!save(syncing, client_session_address(session), true);
}

static const char TAKES_NO_WORK[] = "the server does not take some work now; it is kept and goes along later";

/* What is stale after all that was said again has not arrived: something on the way takes it out. */
static void take_refusal(struct client_syncing *syncing, struct client_session *session,
                         const struct sat_action *action)
{
    if (action->err == SAT_ERR_STALE) {
        client_session_stall(session);
    } else if (sat_err_class(action->err) != SAT_CLASS_RETRY) {
        tell_text(syncing, SATCHEL_EVENT_REFUSED, action->text ? action->text : sat_err_text(action->err));
    } else {
        if (!syncing->postponed && !syncing->options.live) tell_text(syncing, SATCHEL_EVENT_NOTE, TAKES_NO_WORK);
        syncing->postponed = true;
    }
}

/* What a change of the directory did to this device's work: the territory's name between two halves of a sentence. */
static void tell_of_space(const struct client_syncing *syncing, enum satchel_event_kind kind,
                          const struct sat_action *action, const char *before, const char *behind)
{
    struct satchel *satchel = syncing->satchel;
    struct sat_space_id space = action->space;
    struct sat_arena arena;
    sat_arena_init(&arena);
    if (!sat_directory_space(&satchel->directory, &space) && action->sid)
        (void)!client_space_of_sid(satchel, action->sid, &space);
    tell_text(syncing, kind,
              sat_arena_format(&arena, "%s%s%s", before,
                               sat_utf8_beginning(&arena, client_space_name(satchel, &space, &arena), 100), behind));
    sat_arena_deinit(&arena);
}

static void take_handed_in(const struct client_syncing *syncing, const struct sat_action *action)
{
    if (action->err == SAT_ERR_ESCROWED)
        tell_of_space(syncing, SATCHEL_EVENT_NOTE, action, "the right to write in ",
                      " was lost: the work that was waiting is with the admins, who decide about it");
    else if (action->err == SAT_ERR_EXISTS)
        tell_of_space(syncing, SATCHEL_EVENT_NOTE, action, "what was waiting for ", " had arrived before");
    else
        tell_of_space(syncing, SATCHEL_EVENT_REFUSED, action, "the server does not take the work that waits for ",
                      ": it is kept, see `satchel refused`");
}

static void tell_of_copy(const struct client_syncing *syncing)
{
    struct sat_arena arena;
    sat_arena_init(&arena);
    tell_text(syncing, SATCHEL_EVENT_NOTE, client_reindex_text(syncing->satchel, &arena));
    sat_arena_deinit(&arena);
}

/* Nothing more can be done in this session. Work that the server may take the next time needs another one, so a live
 * session, which would not end, fails. */
static bool take_idle(struct client_syncing *syncing, struct client_session *session, const char *why)
{
    if (syncing->postponed) {
        if (syncing->options.live) client_session_fail(session, SAT_ERR_BUSY, TAKES_NO_WORK);
    } else {
        if (why) tell_text(syncing, SATCHEL_EVENT_NOTE, why);
        syncing->backoff.failures = 0;
    }
    return !syncing->options.live;
}

/* What follows from moves and merges is found when everything is here, and sent in the same session. True: there is
 * more to do. */
static bool follow_moves(struct client_syncing *syncing, struct client_session *session)
{
    uint32_t written = 0, landed = 0;
    enum sat_err err = client_carry(syncing->satchel, client_now_ms(), &written);
    if (!err) err = client_land(syncing->satchel, &landed);
    written += landed;
    if (err) client_session_fail(session, err, syncing->satchel->fault.text);
    if (!written) syncing->rounds = 0; /* of a session that lasts for weeks each matter has its own */
    if (err || !written || syncing->rounds++ >= ROUNDS_MAX) return false;
    client_session_poke(session);
    return true;
}

/* Those of this session that were not told yet. */
static void tell_holds(struct client_syncing *syncing)
{
    const struct client_brake *brake = &syncing->satchel->brake;
    struct sat_arena arena;
    sat_arena_init(&arena);
    for (; syncing->holds_told < brake->holds_n; syncing->holds_told++)
        tell_text(syncing, SATCHEL_EVENT_NOTE,
                  client_brake_text(syncing->satchel, &brake->holds[syncing->holds_told], &arena));
    sat_arena_deinit(&arena);
}

/* Once a sync: what a wrong clock does is said where it can be set right. */
static void tell_clock(struct client_syncing *syncing)
{
    int64_t skew_ms;
    struct sat_arena arena;
    if (syncing->clock_told || !client_skew_get(syncing->satchel, &skew_ms)) return;
    sat_arena_init(&arena);
    const char *text = client_skew_text(skew_ms, &arena);
    if (text)
        tell_text(syncing, SATCHEL_EVENT_NOTE,
                  sat_arena_format(&arena,
                                   "this device's clock is %s: what is written counts from its arrival at the "
                                   "latest, and loses against what is later by right clocks; set it right",
                                   text));
    syncing->clock_told = text != NULL;
    sat_arena_deinit(&arena);
}

static void tell_expelled(struct client_syncing *syncing)
{
    struct sat_arena arena;
    sat_arena_init(&arena);
    const char *text = client_expel_text(&syncing->expelling, &arena);
    if (text) tell_text(syncing, SATCHEL_EVENT_NOTE, text);
    sat_arena_deinit(&arena);
}

static bool forgives(void *context)
{
    return client_expel_gives_up(&((struct client_syncing *)context)->expelling);
}

static bool on_notice(void *context, struct client_session *session, const struct sat_action *action)
{
    struct client_syncing *syncing = context;
    bool live = syncing->options.live;
    switch (action->notice) {
    case SAT_NOTICE_CONNECTED:
        syncing->connected = true;
        return false;
    case SAT_NOTICE_RECORD:
        take_record(syncing, session, action);
        return false;
    case SAT_NOTICE_REFUSED:
        take_refusal(syncing, session, action);
        return false;
    case SAT_NOTICE_HANDED_IN:
        take_handed_in(syncing, action);
        return false;
    case SAT_NOTICE_SPACE_LOST:
        tell_of_space(syncing, SATCHEL_EVENT_REVOKED, action, "this device may not read ",
                      " any more: what was here of it is removed");
        return false;
    case SAT_NOTICE_DEBT:
        tell_of_space(syncing, SATCHEL_EVENT_NOTE, action, "",
                      " is due a new key, as somebody has lost it: work there waits until somebody who has the key "
                      "syncs");
        return false;
    case SAT_NOTICE_REINDEXED:
        tell_of_copy(syncing);
        return false;
    case SAT_NOTICE_SET_BACK:
        tell_of_space(syncing, SATCHEL_EVENT_NOTE, action,
                      "the server was set back to an older copy: ", " gets back what it had lost");
        return false;
    case SAT_NOTICE_ANEW:
        tell_of_space(syncing, SATCHEL_EVENT_NOTE, action, "", " is pulled anew: this device was away for too long");
        return false;
    case SAT_NOTICE_IN_SYNC:
        if (follow_moves(syncing, session) || client_expel_advance(&syncing->expelling, session)) return false;
        if (live) save_now_and_then(syncing, session);
        syncing->backoff.failures = 0;
        tell_clock(syncing);
        tell(syncing, &(struct satchel_event){.kind = SATCHEL_EVENT_IN_SYNC});
        return !live;
    case SAT_NOTICE_IDLE:
        return take_idle(syncing, session, action->text);
    case SAT_NOTICE_BRAKE:
        tell_holds(syncing);
        return false;
    case SAT_NOTICE_LINKS_APPENDED:
        tell_expelled(syncing);
        return false;
    case SAT_NOTICE_DIRECTORY:
    case SAT_NOTICE_LINKS_REFUSED:
    case SAT_NOTICE_CREATED:
    case SAT_NOTICE_FAILED:
    case SAT_NOTICE_REVOKED:
    case SAT_NOTICE_WIPED:
        return false;
    }
    return false;
}

/* The log says how many entries there are, each of them the work of somebody's one sync: what is in those to come is
 * not known before they are here, but likely as much as in the others. */
static void on_progress(void *context, struct sat_replica_counts counts)
{
    const struct client_syncing *syncing = context;
    uint64_t done = counts.sent + counts.received, left = 0;
    if (counts.entries_known > counts.entries_applied && counts.entries_applied)
        left = (counts.entries_known - counts.entries_applied) * counts.received / counts.entries_applied;
    if (syncing->own > counts.sent) left += syncing->own - counts.sent;
    tell(syncing, &(struct satchel_event){.kind = SATCHEL_EVENT_PROGRESS, .done = done, .total = done + left});
}

static uint64_t count_own(const struct satchel *satchel)
{
    uint64_t drafts = 0, bundles = 0, changes = 0;
    if (sat_store_draft_count(satchel->store, &drafts) || sat_store_pending_count(satchel->store, &bundles, &changes))
        return 0;
    return drafts + changes;
}

enum sat_err client_sync_address(struct satchel *satchel, struct client_session_config *config, struct sat_arena *arena)
{
    struct client_membership membership;
    enum sat_err err = client_membership_get(satchel, arena, &membership);
    if (err) return err;
    config->replica.mode = SAT_REPLICA_DEVICE;
    config->replica.server = sat_hash_is_zero(&satchel->directory.org) ? membership.server : satchel->directory.server;
    config->replica.org = membership.org;
    config->replica.device = client_device(satchel);
    config->replica.key = &sat_keyring_secrets(satchel->keyring)->sign;
    if (!config->urls[0]) client_membership_addresses(satchel, &membership, arena, config->urls);
    return SAT_OK;
}

enum sat_err client_sync_run(struct satchel *satchel, struct client_session_config *config,
                             struct client_session_result *result)
{
    struct sat_arena arena;
    sat_arena_init(&arena);
    *result = (struct client_session_result){0};
    enum sat_err err = client_sync_address(satchel, config, &arena);
    if (!err) err = client_session_run(satchel, config, result);
    sat_arena_deinit(&arena);
    return err;
}

/* ---- Beginning and ending ---- */

static const struct satchel_sync_options NO_OPTIONS;

/* What every connection begins with. */
static enum sat_err prepare(struct client_syncing *syncing)
{
    struct client_session_config *config = &syncing->config;
    syncing->connected = syncing->postponed = false;
    syncing->rounds = syncing->holds_told = 0;
    syncing->own = count_own(syncing->satchel);
    config->frame_bytes = client_frames_bytes(syncing->satchel);
    client_expel_prepare(&syncing->expelling, syncing->satchel, config);
    if (syncing->options.max_bytes)
        config->bytes_max =
            syncing->options.max_bytes > syncing->bytes ? syncing->options.max_bytes - syncing->bytes : 1;
    memset(config->urls, 0, sizeof config->urls); /* the last one may have learnt where the server is now */
    sat_arena_deinit(&syncing->arena);
    sat_arena_init(&syncing->arena);
    enum sat_err err = client_conflicts_known(syncing->satchel); /* so that only what changes has to be looked at */
    return err ? err : client_sync_address(syncing->satchel, config, &syncing->arena);
}

enum sat_err client_syncing_begin(struct client_syncing *syncing, struct satchel *satchel,
                                  const struct satchel_sync_options *options)
{
    *syncing = (struct client_syncing){.satchel = satchel, .options = options ? *options : NO_OPTIONS};
    sat_arena_init(&syncing->arena);
    options = &syncing->options;
    syncing->config = (struct client_session_config){
        .replica = {.allow_mass_change = options->allow_mass_change},
        .timeout_ms = options->timeout_ms,
        .connect_ms = options->live ? 0 : CONNECT_MS,
        .patience_ms = options->patience_ms || options->live ? options->patience_ms : WHOLE_MESSAGES_MS,
        .live = options->live,
        .stop = options->stop,
        .notice = on_notice,
        .forgives = forgives,
        .progress = options->event ? on_progress : NULL,
        .context = syncing,
    };
    if (satchel->tx)
        return sat_fail(&satchel->fault, SAT_ERR_INVALID, "a transaction is open: commit it or roll it back first");
    if (options->max_bytes && options->max_bytes < BYTES_MIN)
        return sat_fail(&satchel->fault, SAT_ERR_INVALID, "a sync needs at least %d bytes", BYTES_MIN);
    enum sat_err err = client_wipe_check(satchel);
    return err ? err : prepare(syncing);
}

enum sat_err client_syncing_end(struct client_syncing *syncing, enum sat_err err,
                                const struct client_session_result *result)
{
    if (err == SAT_ERR_REVOKED) tell_text(syncing, SATCHEL_EVENT_REVOKED, syncing->satchel->fault.text);
    struct sat_fault fault = syncing->satchel->fault;
    syncing->shrunk = result->stalled && client_frames_shrink(syncing->satchel);
    syncing->satchel->fault = fault;
    if (!syncing->connected) return err;
    syncing->bytes += result->counts.bytes_in + result->counts.bytes_out;
    enum sat_err local = save(syncing, result->met_at, !err && result->in_sync);
    struct sat_tidied tidied = {0};
    if (!local && !err && result->in_sync) /* what is not done today is done at the next one's end */
        local = sat_tidy_device(syncing->satchel->store, &syncing->satchel->directory,
                                sat_keyring_secrets(syncing->satchel->keyring)->device, TIDY_ENTRIES, &tidied);
    if (err) syncing->satchel->fault = fault;
    return err ? err : local;
}

/* All else went as far as it goes. */
static enum sat_err fail_held(struct satchel *satchel)
{
    struct sat_arena arena;
    sat_arena_init(&arena);
    const struct client_hold *hold = satchel->brake.holds;
    while (hold->let_through) hold++;
    enum sat_err err = sat_fail(&satchel->fault, SAT_ERR_MASS_CHANGE, "%s", client_brake_text(satchel, hold, &arena));
    sat_arena_deinit(&arena);
    return err;
}

enum sat_err client_syncing_tell(struct client_syncing *syncing, enum sat_err err,
                                 const struct client_session_result *result, struct satchel_sync_result *out)
{
    struct satchel *satchel = syncing->satchel;
    struct sat_fault fault = satchel->fault;
    uint32_t conflicts = 0;
    uint64_t returning = 0;
    enum sat_err counted = client_conflicts_count(satchel, &conflicts);
    if (!counted) counted = sat_store_return_count(satchel->store, 0, false, &returning);
    if (err) satchel->fault = fault;
    *out = (struct satchel_sync_result){
        .sent = result->counts.sent,
        .received = result->counts.received,
        .refused = result->counts.refused,
        .conflicts = conflicts,
        .held = client_brake_waiting(satchel),
        .in_sync = !err && result->in_sync,
        .recovering = result->recovering || returning > 0,
        .retry_ms = result->retry_ms < UINT32_MAX ? (uint32_t)result->retry_ms : UINT32_MAX,
    };
    if (!err && !counted && out->held && !syncing->options.live) return fail_held(satchel);
    return err ? err : counted;
}

/* Whatever ended the session: what the directory orders is what counts. */
static enum sat_err obey_wipe(struct satchel *satchel, enum sat_err err)
{
    struct sat_fault fault = satchel->fault;
    if (!client_wipe_is_ordered(satchel)) return err;
    enum sat_err wiped = client_wipe_begin(satchel);
    if (!wiped) wiped = client_wipe_finish(satchel, 0);
    if (!satchel->wiped) satchel->fault = fault; /* it could not even begin: the next command tries again */
    return satchel->wiped ? wiped : err;
}

/* ---- Staying ---- */

static bool is_stopped(const struct client_syncing *syncing)
{
    return syncing->options.stop && *syncing->options.stop;
}

static void tell_offline(const struct client_syncing *syncing, uint32_t wait_ms)
{
    char text[600];
    const char *why = syncing->satchel->fault.text, *advice = NULL;
    for (const char *at = why; (at = strstr(at, "; try again")) != NULL; at++) advice = at; /* we do as it says */
    int len = (int)(advice ? (size_t)(advice - why) : strlen(why));
    bool lost = syncing->connected && syncing->satchel->fault.err == SAT_ERR_CLOSED;
    bool said = !lost || strcmp(why, sat_err_text(SAT_ERR_CLOSED)) != 0;
    (void)snprintf(text, sizeof text, "%s%s%.*s%s; trying again in %" PRIu32 " s", lost ? "connection lost" : "",
                   lost && said ? " (" : "", said ? len : 0, why, lost && said ? ")" : "", (wait_ms + 999) / 1000);
    tell(syncing, &(struct satchel_event){.kind = SATCHEL_EVENT_OFFLINE, .message = text, .retry_ms = wait_ms});
}

/* False: it is not to be waited for any longer. */
static bool wait_for(const struct client_syncing *syncing, uint64_t wait_ms, uint64_t deadline_ms)
{
    uint64_t now_ms = client_monotonic_ms(), until_ms = now_ms + wait_ms;
    while (now_ms < until_ms) {
        if (is_stopped(syncing) || (deadline_ms && now_ms >= deadline_ms)) return false;
        uint64_t ms = until_ms - now_ms < LOOK_MS ? until_ms - now_ms : LOOK_MS;
        struct timespec pause = {.tv_nsec = (long)ms * 1000000};
        (void)nanosleep(&pause, NULL); /* a signal ends it early, which is fine */
        now_ms = client_monotonic_ms();
    }
    return true;
}

static bool has_brought(const struct satchel *satchel, const struct client_session_result *one, uint64_t dir_seq)
{
    return one->counts.sent || one->counts.received || one->counts.refused || one->counts.handed_in ||
           satchel->directory.seq > dir_seq;
}

/* A line that merely broke says nothing about sizes, unless it breaks again where it did. */
static void learn(struct client_syncing *syncing, enum sat_err err, const struct client_session_result *one,
                  bool brought)
{
    bool broke = one->silent || (err == SAT_ERR_CLOSED && syncing->connected && !one->retry_ms);
    syncing->fruitless = brought ? 0 : syncing->fruitless + 1;
    if (brought) syncing->backoff.failures = 0;
    if (syncing->shrunk) syncing->fruitless = 0;
    if (broke && syncing->fruitless == 2) (void)client_frames_shrink(syncing->satchel);
}

static enum sat_err run_once(struct client_syncing *syncing, struct client_session_result *sum)
{
    struct client_session_result one = {0};
    struct sat_replica_counts before = sum->counts;
    uint64_t dir_seq = syncing->satchel->directory.seq;
    enum sat_err err = client_session_run(syncing->satchel, &syncing->config, &one);
    err = client_syncing_end(syncing, err, &one);
    learn(syncing, err, &one, has_brought(syncing->satchel, &one, dir_seq));
    *sum = one;
    sum->counts.sent += before.sent;
    sum->counts.received += before.received;
    sum->counts.refused += before.refused;
    return err;
}

/* Is another connection worth it? Who stays says it by the error alone. Who does not has met the server, which has not
 * sent him away, and the line brings something, or may now. */
static bool goes_on(const struct client_syncing *syncing, enum sat_err err, const struct client_session_result *one)
{
    if (syncing->options.live) return true;
    bool broke = err == SAT_ERR_CLOSED || one->stalled || one->silent;
    return broke && syncing->connected && !one->used_up && !one->retry_ms && syncing->fruitless <= FRUITLESS_MAX;
}

/* One connection after another, until it is over: the wish to stop, the end of the time, or an error that does not
 * pass. Time that ends while there is no connection leaves the error that keeps it away, also where it ends an attempt:
 * that one had no time to find out more. */
static enum sat_err stay(struct client_syncing *syncing, struct client_session_result *result)
{
    uint32_t timeout_ms = syncing->options.timeout_ms, wait_ms = 0;
    uint64_t deadline_ms = timeout_ms ? client_monotonic_ms() + timeout_ms : 0;
    struct sat_fault before = {0};
    for (;;) {
        enum sat_err err = run_once(syncing, result);
        bool cut_off =
            err == SAT_ERR_TIMED_OUT && !result->met_at[0] && deadline_ms && client_monotonic_ms() >= deadline_ms;
        if (cut_off && before.err) {
            syncing->satchel->fault = before;
            err = before.err;
        }
        before = syncing->satchel->fault;
        if (is_stopped(syncing) && !syncing->options.live) return err;
        if (!goes_on(syncing, err, result) ||
            !client_backoff_next(&syncing->backoff, err, result->retry_ms, randombytes_random(), &wait_ms))
            return err;
        if (is_stopped(syncing)) return SAT_OK;
        tell_offline(syncing, wait_ms);
        if (!wait_for(syncing, wait_ms, deadline_ms))
            return is_stopped(syncing) && syncing->options.live ? SAT_OK : err;
        uint64_t now_ms = client_monotonic_ms();
        if (deadline_ms) syncing->config.timeout_ms = now_ms < deadline_ms ? (uint32_t)(deadline_ms - now_ms) : 1;
        err = prepare(syncing);
        if (err) return err;
    }
}

static void tell_note(void *context, const char *text)
{
    tell_text(context, SATCHEL_EVENT_NOTE, text);
}

/* What follows from the word goes along at once: keys that are owed, and the work that waited for them. */
static enum sat_err confirm_restore(struct client_syncing *syncing, struct client_session_result *result)
{
    enum sat_err err = client_restored_confirm(syncing->satchel);
    if (!err) err = prepare(syncing);
    return err ? err : run_once(syncing, result);
}

int satchel_sync(struct satchel *satchel, const struct satchel_sync_options *options, struct satchel_sync_result *out)
{
    client_begin(satchel);
    struct client_syncing syncing;
    struct client_session_result result = {0};
    enum sat_err err = client_syncing_begin(&syncing, satchel, options);
    bool allows = !err && syncing.options.allow_mass_change;
    if (allows) err = client_brake_confirm_drafts(satchel, tell_note, &syncing);
    syncing.config.connect_ms = CONNECT_MS;
    syncing.config.patience_ms = syncing.options.patience_ms ? syncing.options.patience_ms : CLIENT_PATIENCE_MS;
    if (!err) err = stay(&syncing, &result);
    if (!err && syncing.options.confirm_restore && result.recovering) err = confirm_restore(&syncing, &result);
    if (allows && !err) err = client_brake_confirm_received(satchel, tell_note, &syncing);
    if (!err && syncing.connected) err = client_tell_held(satchel, tell_note, &syncing);
    err = client_syncing_tell(&syncing, err, &result, out);
    sat_arena_deinit(&syncing.arena);
    return client_end(satchel, obey_wipe(satchel, err));
}

enum sat_err client_sync_to_find(struct satchel *satchel, bool *reached)
{
    struct satchel_sync_options options = {.timeout_ms = QUIET_TIMEOUT_MS};
    struct client_syncing syncing;
    struct client_session_result result = {0};
    struct sat_fault fault = satchel->fault;
    enum sat_err err = client_syncing_begin(&syncing, satchel, &options);
    if (!err) err = client_session_run(satchel, &syncing.config, &result);
    err = client_syncing_end(&syncing, err, &result);
    bool local = sat_err_is_local(err);
    if (!local) satchel->fault = fault;
    sat_arena_deinit(&syncing.arena);
    *reached = syncing.connected;
    return local ? err : SAT_OK;
}

bool client_sync_quietly(struct satchel *satchel)
{
    struct sat_fault fault = satchel->fault;
    bool reached = false;
    if (client_sync_to_find(satchel, &reached)) satchel->fault = fault;
    return reached;
}
