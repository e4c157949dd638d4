#include "client/session.h"

#include <stdlib.h>
#include <string.h>

#include "client/transport.h"
#include "common/base/check.h"
#include "common/vault/author.h"

/* One message that waits for the socket. */
struct outgoing {
    struct outgoing *next;
    size_t len;
    uint8_t bytes[];
};

struct client_session {
    struct satchel *satchel;
    const struct client_session_config *config;
    struct sat_replica *replica;
    struct outgoing *first, **last;
    uint64_t deadline_ms; /* 0: none */
    bool open;            /* the channel */
    bool writable;        /* the replica has frames to build */
    bool done;            /* nothing more to do but to send what is queued */
    bool gone;            /* the channel is closed */
    bool in_sync;
    enum sat_err err;
    uint64_t entries_told;
};

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

void client_session_nonce(const struct client_session *session, uint8_t out[32])
{
    sat_replica_nonce(session->replica, out);
}

void client_session_fail(struct client_session *session, enum sat_err err, const char *text)
{
    session->done = true;
    if (session->err) return; /* the first reason is the one to tell */
    session->err = err;
    if (text && text[0] && strcmp(text, sat_err_text(err)) != 0)
        (void)sat_fail(&session->satchel->fault, err, "%s", text);
    else
        (void)sat_fail_keep(&session->satchel->fault, err); /* a hook of ours may have said more */
}

/* ---- Actions ---- */

static void queue(struct client_session *session, struct sat_span bytes)
{
    struct outgoing *outgoing = malloc(sizeof *outgoing + bytes.len);
    sat_check(outgoing != NULL);
    outgoing->next = NULL;
    outgoing->len = bytes.len;
    if (bytes.len) memcpy(outgoing->bytes, bytes.at, bytes.len);
    *session->last = outgoing;
    session->last = &outgoing->next;
}

static void take_notice(struct client_session *session, const struct sat_action *action)
{
    switch (action->notice) {
    case SAT_NOTICE_FAILED:
    case SAT_NOTICE_LINKS_REFUSED:
        client_session_fail(session, action->err ? action->err : SAT_ERR_CLOSED, action->text);
        return;
    case SAT_NOTICE_RECORD:
        client_touch(session->satchel);
        break;
    case SAT_NOTICE_CONNECTED:
    case SAT_NOTICE_DIRECTORY:
    case SAT_NOTICE_REFUSED:
    case SAT_NOTICE_LINKS_APPENDED:
    case SAT_NOTICE_CREATED:
    case SAT_NOTICE_IN_SYNC:
    case SAT_NOTICE_IDLE:
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
}

static void tell_progress(struct client_session *session)
{
    struct sat_replica_counts counts = sat_replica_counts(session->replica);
    if (!session->config->progress || counts.entries_applied == session->entries_told) return;
    session->entries_told = counts.entries_applied;
    session->config->progress(session->config->context, counts);
}

static void step(struct client_session *session, const struct sat_event *event)
{
    if (session->done) return;
    struct sat_arena arena;
    sat_arena_init(&arena);
    struct sat_actions actions;
    sat_actions_init(&actions, &arena);
    enum sat_err err = event ? sat_replica_step(session->replica, client_now_ms(), event, 1, &actions)
                             : sat_replica_poke(session->replica, client_now_ms(), &actions);
    if (err)
        fail_locally(session, err);
    else
        act(session, &actions);
    session->in_sync = sat_replica_in_sync(session->replica);
    tell_progress(session);
    sat_arena_deinit(&arena);
}

void client_session_poke(struct client_session *session)
{
    step(session, NULL);
}

/* ---- The transport's side ---- */

void client_session_opened(struct client_session *session, const struct sat_binding *binding)
{
    session->open = true;
    struct sat_event event = {.kind = SAT_EVENT_OPENED, .peer = THE_PEER, .binding = *binding};
    sat_replica_nonce(session->replica, event.client_nonce);
    step(session, &event);
}

void client_session_received(struct client_session *session, struct sat_span message)
{
    struct sat_event event = {.kind = SAT_EVENT_MESSAGE, .peer = THE_PEER, .bytes = message};
    step(session, &event);
}

void client_session_closed(struct client_session *session, enum sat_err err, const char *text)
{
    if (session->open && !session->done) {
        struct sat_event event = {.kind = SAT_EVENT_CLOSED, .peer = THE_PEER};
        step(session, &event);
    }
    session->gone = true;
    if (!session->done) client_session_fail(session, err, text);
}

bool client_session_wants(const struct client_session *session)
{
    return session->first || (session->writable && !session->done);
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
    if (!session->writable || session->done) return;
    enum sat_err err = sat_replica_frame(session->replica, client_now_ms(), out);
    if (err) fail_locally(session, err);
    if (err || out->len == 0) session->writable = false;
}

/* Time is up, or the caller wants to stop: what that means depends on what was promised. */
static void look_around(struct client_session *session)
{
    const struct client_session_config *config = session->config;
    bool late = session->deadline_ms && client_now_ms() >= session->deadline_ms;
    bool stopped = config->stop && *config->stop;
    if (session->done || !(late || stopped)) return;
    if (config->live) {
        session->done = true;
    } else if (stopped) {
        client_session_fail(session, SAT_ERR_CLOSED, "stopped before it was done");
    } else if (session->open) {
        client_session_fail(session, SAT_ERR_TIMED_OUT, "the server did not finish answering in time");
    } else {
        client_session_fail(session, SAT_ERR_TIMED_OUT, "the server did not answer in time");
    }
}

bool client_session_over(struct client_session *session)
{
    look_around(session);
    /* What was queued before the end is still sent, unless waiting for the socket is what took too long. */
    return session->gone || (session->done && (!session->first || session->err));
}

/* ---- The keys' side: hooks that every session has ---- */

static enum sat_err freeze(void *context, uint64_t *left)
{
    struct client_session *session = context;
    struct sat_vault vault = client_vault(session->satchel);
    return sat_author_freeze(&vault, left);
}

static enum sat_err open_box(void *context, const struct sat_box *box)
{
    struct client_session *session = context;
    struct satchel *satchel = session->satchel;
    const struct sat_replica_hooks *own = &session->config->replica.hooks;
    satchel->conflicts.known = false; /* what could not be read before now can */
    client_touch(satchel);
    if (own->open_box) return own->open_box(own->context, box);
    return sat_keys_open_box(satchel->keys, &satchel->directory, box, NULL, NULL);
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

/* ---- Running ---- */

static void fill_config(struct client_session *session, struct sat_replica_config *config)
{
    struct satchel *satchel = session->satchel;
    *config = session->config->replica;
    config->store = satchel->store;
    config->directory = &satchel->directory;
    config->entropy = satchel->entropy;
    bool links = config->hooks.build_links != NULL;
    config->hooks = (struct sat_replica_hooks){
        .context = session,
        .freeze = config->mode == SAT_REPLICA_DEVICE ? freeze : NULL,
        .open_box = open_box,
        .have_key = have_key,
        .build_links = links ? build_links : NULL,
        .links_appended = links ? links_appended : NULL,
    };
}

static void finish(struct client_session *session, struct client_session_result *result)
{
    result->counts = sat_replica_counts(session->replica);
    result->in_sync = session->in_sync;
    result->retry_ms = sat_replica_retry_ms(session->replica);
    while (session->first) {
        struct outgoing *next = session->first->next;
        free(session->first);
        session->first = next;
    }
    sat_replica_free(session->replica);
}

enum sat_err client_session_run(struct satchel *satchel, const struct client_session_config *config,
                                struct client_session_result *result)
{
    *result = (struct client_session_result){0};
    struct client_session session = {.satchel = satchel, .config = config};
    session.last = &session.first;
    if (config->timeout_ms) session.deadline_ms = client_now_ms() + config->timeout_ms;
    struct sat_replica_config replica;
    fill_config(&session, &replica);
    enum sat_err err = sat_replica_new(&replica, &session.replica);
    if (err) return err;
    bool creates = config->replica.mode == SAT_REPLICA_CREATE;
    err = client_transport_run(&session, config->url, creates ? NULL : &config->replica.org, &satchel->fault);
    if (err && !session.err) session.err = err;
    finish(&session, result);
    if (!session.err) return SAT_OK;
    struct sat_fault fault = satchel->fault; /* the reason, whatever the next lines say */
    enum sat_err reloaded = client_reload_directory(satchel, &satchel->fault);
    if (!reloaded) satchel->fault = fault;
    return reloaded ? reloaded : session.err;
}
