/* The story's server, behind the client library's one way out. */
#include <stdlib.h>
#include <string.h>

#include "client/transport.h"
#include "common/base/check.h"
#include "tests/faults/alloc.h"
#include "tests/faults/server.h"

enum { MAINTAIN_MS = 61 * 1000 };

static struct story *the_story; /* whose server it is */

void server_is_of(struct story *story)
{
    the_story = story;
}

enum sat_err server_open(struct story *story)
{
    struct sat_fault fault = {0};
    enum sat_err err = SAT_OK;
    if (!story->store) err = sat_store_open(SERVER_STORE, SAT_STORE_OPEN, &story->store, &fault);
    struct sat_host_config config = {
        .store = story->store, .server = &story->key, .entropy = story->entropy, .collect_every_ms = 1};
    return err ? err : sat_host_new(&config, &story->host, &fault);
}

void server_close(struct story *story)
{
    sat_host_free(story->host);
    sat_store_close(story->store);
    story->host = NULL;
    story->store = NULL;
}

/* A dead machine says nothing more, whatever its program had still to say. */
static bool is_dead(const struct story *story)
{
    return story->disks[SERVER]->dead;
}

static bool deliver(struct client_session *session, struct sat_span message)
{
    client_session_received(session, message);
    client_session_take(session);
    return true;
}

static bool carry_out(struct client_session *session, uint64_t peer, const struct sat_actions *actions)
{
    for (const struct sat_action *action = actions->first; action; action = action->next) {
        if (action->peer != peer) continue;
        if (action->kind == SAT_ACTION_SEND && !deliver(session, action->bytes)) return false;
        if (action->kind == SAT_ACTION_CLOSE) return false;
    }
    return true;
}

static bool host_event(struct client_session *session, const struct sat_event *event)
{
    struct story *story = the_story;
    struct sat_arena arena;
    struct sat_actions actions;
    sat_arena_init(&arena);
    sat_actions_init(&actions, &arena);
    enum sat_err err = sat_host_step(story->host, client_now_ms(), event, 1, &actions);
    if (err) story->host_err = err;
    bool open = !is_dead(story) && carry_out(session, event->peer, &actions);
    sat_arena_deinit(&arena);
    return open;
}

static bool host_frames(struct client_session *session, uint64_t peer)
{
    for (bool more = true; more;) {
        struct sat_buf frame;
        sat_buf_init(&frame);
        enum sat_err err = sat_host_frame(the_story->host, peer, client_now_ms(), &frame);
        if (err) the_story->host_err = err;
        more = !err && frame.len > 0;
        bool open = !is_dead(the_story) && !err && (!more || deliver(session, sat_buf_span(&frame)));
        sat_buf_deinit(&frame);
        if (!open) return false;
    }
    return true;
}

/* What it does when nobody asks it for anything: it collects, sweeps, compacts. */
static void maintain(struct story *story)
{
    struct sat_arena arena;
    struct sat_actions actions;
    sat_arena_init(&arena);
    story->now_ms += MAINTAIN_MS;
    for (int i = 0; i < 2 && !is_dead(story); i++) {
        sat_actions_init(&actions, &arena);
        enum sat_err err = sat_host_maintain(story->host, client_now_ms(), UINT32_MAX, &actions);
        if (err) story->host_err = err;
    }
    sat_arena_deinit(&arena);
}

static void talk(struct client_session *session)
{
    struct story *story = the_story;
    if (!story->host) return;
    struct sat_event event = {.kind = SAT_EVENT_OPENED, .peer = ++story->peers};
    client_session_nonce(session, event.client_nonce);
    const char *hint = strrchr(client_session_path(session), '/') + 1;
    if (strlen(hint) == 16) sat_check(sat_hex_parse(hint, event.server_hint, 8) == SAT_OK);
    client_session_opened(session, &event.binding);
    bool open = host_event(session, &event);
    while (open && !client_session_over(session)) {
        struct sat_buf message;
        sat_buf_init(&message);
        client_session_next(session, &message);
        struct sat_event said = {.kind = SAT_EVENT_MESSAGE, .peer = event.peer, .bytes = sat_buf_span(&message)};
        if (message.len) open = host_event(session, &said);
        open = open && host_frames(session, event.peer);
        bool waiting = open && !message.len && !client_session_wants(session) && !client_session_over(session);
        if (waiting) client_session_closed(session, SAT_ERR_TIMED_OUT, "both sides wait for each other");
        open = open && !waiting;
        sat_buf_deinit(&message);
    }
    struct sat_event closed = {.kind = SAT_EVENT_CLOSED, .peer = event.peer};
    if (!is_dead(story)) (void)host_event(session, &closed);
    if (!is_dead(story) && story->plot->maintains) maintain(story);
}

/* As the daemon does: what could not be founded is not there. */
static void found(struct client_session *session)
{
    struct story *story = the_story;
    struct sat_fault fault = {0};
    struct sat_binding binding = {0};
    struct sat_buf hello, message, reply;
    uint8_t nonce[32];
    static const struct sat_hash no_org;
    sat_buf_init(&hello);
    sat_buf_init(&message);
    sat_buf_init(&reply);
    client_session_nonce(session, nonce);
    client_session_opened(session, &binding);
    sat_host_greet_new(&story->key, &no_org, nonce, &binding, client_now_ms(), &story->entropy, &hello);
    (void)deliver(session, sat_buf_span(&hello));
    client_session_next(session, &message);
    if (message.len) {
        enum sat_err err = sat_store_open(SERVER_STORE, SAT_STORE_CREATE, &story->store, &fault);
        if (!err)
            err = sat_host_found(story->store, &story->key, sat_buf_span(&message), client_now_ms(), &reply, &fault);
        if (!err) err = server_open(story);
        if (err) {
            story->host_err = err;
            server_close(story);
        } else if (!is_dead(story)) {
            (void)deliver(session, sat_buf_span(&reply));
        }
    }
    sat_buf_deinit(&reply);
    sat_buf_deinit(&message);
    sat_buf_deinit(&hello);
}

enum sat_err client_transport_run(struct client_session *session, struct sat_fault *fault)
{
    (void)fault;
    if (strncmp(client_session_path(session), "/satchel/new/", 13) == 0)
        found(session);
    else
        talk(session);
    if (!client_session_over(session)) client_session_closed(session, SAT_ERR_CLOSED, "the connection was closed");
    return SAT_OK;
}
