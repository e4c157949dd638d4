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
#include "client/membership.h"
#include "client/names.h"
#include "client/reindex.h"
#include "client/wipe.h"
#include "common/vault/types.h"

enum {
    TIMEOUT_MS = 60 * 1000,
    QUIET_TIMEOUT_MS = 5 * 1000,
    SAVE_EVERY_MS = 10 * 1000,
    ROUNDS_MAX = 100,       /* of what follows from moves: one is the rule, and what is left the next sync does */
    CONNECT_MS = 30 * 1000, /* a live session has no end, but its beginning must have one */
    LOOK_MS = 50            /* so often does somebody who waits look whether to go on waiting */
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

static void take_refusal(struct client_syncing *syncing, const struct sat_action *action)
{
    if (sat_err_class(action->err) != SAT_CLASS_RETRY) {
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
              sat_arena_format(&arena, "%s%.100s%s", before, client_space_name(satchel, &space, &arena), behind));
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

/* What follows from moves is found when everything is here, and sent in the same session. True: there is more to do. */
static bool follow_moves(struct client_syncing *syncing, struct client_session *session)
{
    uint32_t written = 0;
    enum sat_err err = client_carry(syncing->satchel, client_now_ms(), &written);
    if (err) client_session_fail(session, err, syncing->satchel->fault.text);
    if (!written) syncing->rounds = 0; /* of a session that lasts for weeks each matter has its own */
    if (err || !written || syncing->rounds++ >= ROUNDS_MAX) return false;
    client_session_poke(session);
    return true;
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
        take_refusal(syncing, action);
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
    case SAT_NOTICE_IN_SYNC:
        if (follow_moves(syncing, session)) return false;
        if (live) save_now_and_then(syncing, session);
        syncing->backoff.failures = 0;
        tell(syncing, &(struct satchel_event){.kind = SATCHEL_EVENT_IN_SYNC});
        return !live;
    case SAT_NOTICE_IDLE:
        return take_idle(syncing, session, action->text);
    case SAT_NOTICE_DIRECTORY:
    case SAT_NOTICE_LINKS_APPENDED:
    case SAT_NOTICE_LINKS_REFUSED:
    case SAT_NOTICE_CREATED:
    case SAT_NOTICE_FAILED:
    case SAT_NOTICE_REVOKED:
    case SAT_NOTICE_WIPED:
        return false;
    }
    return false;
}

static void on_progress(void *context, struct sat_replica_counts counts)
{
    const struct client_syncing *syncing = context;
    tell(syncing, &(struct satchel_event){
                      .kind = SATCHEL_EVENT_PROGRESS, .done = counts.entries_applied, .total = counts.entries_known});
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
    syncing->rounds = 0;
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
    uint32_t timeout_ms = options->timeout_ms;
    if (!timeout_ms && !options->live) timeout_ms = TIMEOUT_MS;
    syncing->config = (struct client_session_config){
        .timeout_ms = timeout_ms,
        .live = options->live,
        .stop = options->stop,
        .notice = on_notice,
        .progress = options->event ? on_progress : NULL,
        .context = syncing,
    };
    if (satchel->tx)
        return sat_fail(&satchel->fault, SAT_ERR_INVALID, "a transaction is open: commit it or roll it back first");
    enum sat_err err = client_wipe_check(satchel);
    return err ? err : prepare(syncing);
}

enum sat_err client_syncing_end(struct client_syncing *syncing, enum sat_err err,
                                const struct client_session_result *result)
{
    if (err == SAT_ERR_REVOKED) tell_text(syncing, SATCHEL_EVENT_REVOKED, syncing->satchel->fault.text);
    if (!syncing->connected) return err;
    struct sat_fault fault = syncing->satchel->fault;
    enum sat_err local = save(syncing, result->met_at, !err && result->in_sync);
    if (err) syncing->satchel->fault = fault;
    return err ? err : local;
}

enum sat_err client_syncing_tell(struct client_syncing *syncing, enum sat_err err,
                                 const struct client_session_result *result, struct satchel_sync_result *out)
{
    struct satchel *satchel = syncing->satchel;
    struct sat_fault fault = satchel->fault;
    uint32_t conflicts = 0;
    enum sat_err counted = client_conflicts_count(satchel, &conflicts);
    if (err) satchel->fault = fault;
    *out = (struct satchel_sync_result){
        .sent = result->counts.sent,
        .received = result->counts.received,
        .refused = result->counts.refused,
        .conflicts = conflicts,
        .in_sync = !err && result->in_sync,
        .retry_ms = result->retry_ms < UINT32_MAX ? (uint32_t)result->retry_ms : UINT32_MAX,
    };
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

static enum sat_err run_once(struct client_syncing *syncing, struct client_session_result *sum)
{
    struct client_session_result one = {0};
    struct sat_replica_counts before = sum->counts;
    enum sat_err err = client_session_run(syncing->satchel, &syncing->config, &one);
    err = client_syncing_end(syncing, err, &one);
    *sum = one;
    sum->counts.sent += before.sent;
    sum->counts.received += before.received;
    sum->counts.refused += before.refused;
    return err;
}

/* One connection after another, until it is over: the wish to stop, the end of the time, or an error that does not
 * pass. Time that ends while there is no connection leaves the error that keeps it away. */
static enum sat_err stay(struct client_syncing *syncing, struct client_session_result *result)
{
    uint32_t timeout_ms = syncing->options.timeout_ms, wait_ms = 0;
    uint64_t deadline_ms = timeout_ms ? client_monotonic_ms() + timeout_ms : 0;
    syncing->config.connect_ms = CONNECT_MS;
    for (;;) {
        enum sat_err err = run_once(syncing, result);
        if (!client_backoff_next(&syncing->backoff, err, result->retry_ms, randombytes_random(), &wait_ms)) return err;
        if (is_stopped(syncing)) return SAT_OK;
        tell_offline(syncing, wait_ms);
        if (!wait_for(syncing, wait_ms, deadline_ms)) return is_stopped(syncing) ? SAT_OK : err;
        uint64_t now_ms = client_monotonic_ms();
        if (deadline_ms) syncing->config.timeout_ms = now_ms < deadline_ms ? (uint32_t)(deadline_ms - now_ms) : 1;
        err = prepare(syncing);
        if (err) return err;
    }
}

int satchel_sync(struct satchel *satchel, const struct satchel_sync_options *options, struct satchel_sync_result *out)
{
    client_begin(satchel);
    struct client_syncing syncing;
    struct client_session_result result = {0};
    enum sat_err err = client_syncing_begin(&syncing, satchel, options);
    if (!err) err = syncing.options.live ? stay(&syncing, &result) : run_once(&syncing, &result);
    err = client_syncing_tell(&syncing, err, &result, out);
    sat_arena_deinit(&syncing.arena);
    return client_end(satchel, obey_wipe(satchel, err));
}

bool client_sync_quietly(struct satchel *satchel)
{
    struct satchel_sync_options options = {.timeout_ms = QUIET_TIMEOUT_MS};
    struct client_syncing syncing;
    struct client_session_result result = {0};
    struct sat_fault fault = satchel->fault;
    enum sat_err err = client_syncing_begin(&syncing, satchel, &options);
    if (!err) err = client_session_run(satchel, &syncing.config, &result);
    (void)!client_syncing_end(&syncing, err, &result);
    satchel->fault = fault;
    sat_arena_deinit(&syncing.arena);
    return syncing.connected;
}
