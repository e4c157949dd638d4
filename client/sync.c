/* satchel_sync(): a session, told as events. */
#include "client/sync.h"

#include "client/conflicts.h"
#include "client/membership.h"
#include "common/vault/types.h"

enum { TIMEOUT_MS = 60 * 1000, QUIET_TIMEOUT_MS = 5 * 1000 };

struct syncing {
    struct satchel *satchel;
    const struct satchel_sync_options *options;
    bool connected, in_sync, idle;
    char idle_text[200];
};

static void tell(const struct syncing *syncing, const struct satchel_event *event)
{
    if (syncing->options->event) syncing->options->event(syncing->options->event_context, event);
}

static void tell_text(const struct syncing *syncing, enum satchel_event_kind kind, const char *text)
{
    tell(syncing, &(struct satchel_event){.kind = kind, .message = text});
}

/* A record has changed: whoever listens is told which, and whether it is in conflict now. */
static void take_record(struct syncing *syncing, int64_t sid, const struct sat_record_id *id)
{
    uint16_t type_number = 0;
    bool conflict = false;
    if (client_conflicts_look(syncing->satchel, sid, id, syncing->options->event != NULL, &type_number, &conflict))
        return;
    const struct sat_type *type = sat_type_by_number(type_number);
    if (!syncing->options->event || !type) return;
    char text[SAT_UUID_TEXT_SIZE];
    sat_uuid_format(id->b, text);
    tell(syncing, &(struct satchel_event){.kind = SATCHEL_EVENT_RECORD, .type = type->name, .id = text});
    if (conflict)
        tell(syncing, &(struct satchel_event){.kind = SATCHEL_EVENT_CONFLICT, .type = type->name, .id = text});
}

static bool on_notice(void *context, struct client_session *session, const struct sat_action *action)
{
    (void)session;
    struct syncing *syncing = context;
    bool live = syncing->options->live;
    switch (action->notice) {
    case SAT_NOTICE_CONNECTED:
        syncing->connected = true;
        return false;
    case SAT_NOTICE_RECORD:
        take_record(syncing, action->sid, &action->record);
        return false;
    case SAT_NOTICE_REFUSED:
        tell_text(syncing, SATCHEL_EVENT_REFUSED, action->text ? action->text : sat_err_text(action->err));
        return false;
    case SAT_NOTICE_IN_SYNC:
        syncing->in_sync = true;
        tell(syncing, &(struct satchel_event){.kind = SATCHEL_EVENT_IN_SYNC});
        return !live;
    case SAT_NOTICE_IDLE:
        syncing->idle = true;
        if (action->text) tell_text(syncing, SATCHEL_EVENT_NOTE, action->text);
        return !live;
    case SAT_NOTICE_DIRECTORY:
    case SAT_NOTICE_LINKS_APPENDED:
    case SAT_NOTICE_LINKS_REFUSED:
    case SAT_NOTICE_CREATED:
    case SAT_NOTICE_FAILED:
        return false;
    }
    return false;
}

static void on_progress(void *context, struct sat_replica_counts counts)
{
    const struct syncing *syncing = context;
    tell(syncing, &(struct satchel_event){
                      .kind = SATCHEL_EVENT_PROGRESS, .done = counts.entries_applied, .total = counts.entries_known});
}

enum sat_err client_sync_run(struct satchel *satchel, struct client_session_config *config,
                             struct client_session_result *result)
{
    struct sat_arena arena;
    sat_arena_init(&arena);
    struct client_membership membership;
    *result = (struct client_session_result){0};
    enum sat_err err = client_membership_get(satchel, &arena, &membership);
    config->replica.mode = SAT_REPLICA_DEVICE;
    config->replica.server = sat_hash_is_zero(&satchel->directory.org) ? membership.server : satchel->directory.server;
    config->replica.org = membership.org;
    config->replica.device = client_device(satchel);
    config->replica.key = &sat_keyring_secrets(satchel->keyring)->sign;
    config->url = membership.server_url;
    if (!err) err = client_session_run(satchel, config, result);
    sat_arena_deinit(&arena);
    return err;
}

static enum sat_err run(struct syncing *syncing, struct client_session_result *result)
{
    const struct satchel_sync_options *options = syncing->options;
    uint32_t timeout_ms = options->timeout_ms;
    if (!timeout_ms && !options->live) timeout_ms = TIMEOUT_MS;
    struct client_session_config config = {
        .timeout_ms = timeout_ms,
        .live = options->live,
        .stop = options->stop,
        .notice = on_notice,
        .progress = options->event ? on_progress : NULL,
        .context = syncing,
    };
    enum sat_err err = client_conflicts_known(syncing->satchel); /* so that only what changes has to be looked at */
    if (!err) err = client_sync_run(syncing->satchel, &config, result);
    if (!syncing->connected) return err;
    struct sat_fault fault = syncing->satchel->fault;
    enum sat_err local = client_conflicts_save(syncing->satchel);
    if (!local) local = client_membership_synced(syncing->satchel, client_now_ms(), !err && result->in_sync);
    if (err) syncing->satchel->fault = fault;
    return err ? err : local;
}

static const struct satchel_sync_options NO_OPTIONS;

int satchel_sync(struct satchel *satchel, const struct satchel_sync_options *options, struct satchel_sync_result *out)
{
    client_begin(satchel);
    struct syncing syncing = {.satchel = satchel, .options = options ? options : &NO_OPTIONS};
    struct client_session_result result = {0};
    *out = (struct satchel_sync_result){0};
    enum sat_err err = SAT_OK;
    if (satchel->tx)
        err = sat_fail(&satchel->fault, SAT_ERR_INVALID, "a transaction is open: commit it or roll it back first");
    if (!err) err = run(&syncing, &result);
    uint32_t conflicts = 0;
    struct sat_fault fault = satchel->fault;
    enum sat_err counted = client_conflicts_count(satchel, &conflicts);
    if (err) satchel->fault = fault;
    if (err == SAT_ERR_REVOKED) tell_text(&syncing, SATCHEL_EVENT_REVOKED, satchel->fault.text);
    *out = (struct satchel_sync_result){
        .sent = result.counts.sent,
        .received = result.counts.received,
        .refused = result.counts.refused,
        .conflicts = conflicts,
        .in_sync = !err && result.in_sync,
    };
    return client_end(satchel, err ? err : counted);
}

bool client_sync_quietly(struct satchel *satchel)
{
    struct satchel_sync_options options = {.timeout_ms = QUIET_TIMEOUT_MS};
    struct syncing syncing = {.satchel = satchel, .options = &options};
    struct client_session_result result = {0};
    struct sat_fault fault = satchel->fault;
    enum sat_err err = run(&syncing, &result);
    satchel->fault = fault;
    (void)err;
    return syncing.connected;
}
