/* Sessions that the application drives: two libraries and a host in one process, and no socket anywhere. The host side
 * sees what a server sees: an address, a subprotocol, whole messages. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/proof/bundle.h"
#include "common/wire/message.h"
#include "tests/unit/client_world.h"

static int make_org(void **state)
{
    if (make_client_world(state)) return -1;
    struct satchel *ann = create_org();
    must(ann, satchel_territory_add(ann, "Northern"));
    must(ann, satchel_user_add(ann, "Bob", "rep"));
    must(ann, satchel_territory_grant(ann, "Northern", "Bob", 0));
    satchel_close(join_as(ann, "Bob", "bob"));
    satchel_close(ann);
    return 0;
}

static struct satchel *open_home(const char *name)
{
    char home[128];
    struct satchel_open_options options = test_options();
    struct satchel_error error = {0};
    struct satchel *satchel = NULL;
    int failed = satchel_open(home_of(name, home), &options, &satchel, &error);
    if (failed) print_error("%s\n", error.message);
    assert_int_equal(failed, SATCHEL_OK);
    return satchel;
}

/* ---- A driver: what an application's event loop does ---- */

struct line { /* one application with its connection */
    struct satchel *satchel;
    struct satchel_session *session;
    uint64_t peer; /* the host's name for the connection; 0: there is none */
    bool host_has_more;
    enum sat_err refuses; /* the host answers each push with this, and does not look at it */
    uint32_t records, conflicts, in_sync, refused, notes, offline; /* events */
    char last_id[SATCHEL_ID_SIZE], last_message[600];
};

static void count_event(void *context, const struct satchel_event *event)
{
    struct line *line = context;
    if (event->kind == SATCHEL_EVENT_IN_SYNC) line->in_sync++;
    if (event->kind == SATCHEL_EVENT_CONFLICT) line->conflicts++;
    if (event->kind == SATCHEL_EVENT_REFUSED) line->refused++;
    if (event->kind == SATCHEL_EVENT_NOTE) line->notes++;
    if (event->kind == SATCHEL_EVENT_OFFLINE) line->offline++;
    if (event->message) (void)snprintf(line->last_message, sizeof line->last_message, "%s", event->message);
    if (event->kind != SATCHEL_EVENT_RECORD) return;
    line->records++;
    (void)snprintf(line->last_id, sizeof line->last_id, "%s", event->id);
}

static struct line *lines[2];

static void hang_up(struct line *line)
{
    uint64_t peer = line->peer;
    struct sat_event event = {.kind = SAT_EVENT_CLOSED, .peer = peer};
    struct sat_arena arena;
    struct sat_actions actions;
    if (!peer) return;
    line->peer = 0;
    sat_arena_init(&arena);
    sat_actions_init(&actions, &arena);
    assert_int_equal(sat_host_step(the_world.host, client_now_ms(), &event, 1, &actions), SAT_OK);
    sat_arena_deinit(&arena);
}

static struct line *line_of(uint64_t peer)
{
    for (int i = 0; i < 2; i++)
        if (lines[i] && lines[i]->peer == peer) return lines[i];
    return NULL;
}

/* The host hears something; what it says goes to whom it is for. */
static void tell_host(const struct sat_event *event)
{
    struct sat_arena arena;
    struct sat_actions actions;
    sat_arena_init(&arena);
    sat_actions_init(&actions, &arena);
    assert_int_equal(sat_host_step(the_world.host, client_now_ms(), event, 1, &actions), SAT_OK);
    for (const struct sat_action *action = actions.first; action; action = action->next) {
        struct line *line = line_of(action->peer);
        if (!line) continue;
        if (action->kind == SAT_ACTION_SEND)
            satchel_session_received(line->session, action->bytes.at, action->bytes.len);
        if (action->kind == SAT_ACTION_WRITABLE) line->host_has_more = true;
        if (action->kind == SAT_ACTION_CLOSE) {
            hang_up(line);
            satchel_session_closed(line->session, NULL);
        }
    }
    sat_arena_deinit(&arena);
}

/* As a server reads the path: /satchel/<org>/<nonce>. */
static void read_nonce(const char *url, uint8_t nonce[32])
{
    const char *at = strstr(url, "/satchel/");
    assert_non_null(at);
    at = strchr(at + 9, '/');
    assert_non_null(at);
    char hex[65] = {0};
    memcpy(hex, at + 1, 64);
    assert_int_equal(sat_hex_parse(hex, nonce, 32), SAT_OK);
}

static void connect_line(struct line *line)
{
    assert_string_equal(satchel_session_subprotocol(), "satchel.1");
    assert_int_equal(strncmp(satchel_session_url(line->session), "wss://server.test:1/satchel/", 28), 0);
    struct sat_event event = {.kind = SAT_EVENT_OPENED, .peer = line->peer = ++the_world.peers};
    read_nonce(satchel_session_url(line->session), event.client_nonce);
    event.binding = sat_binding_tls_key(sat_span_text("the certificate's key"));
    satchel_session_opened(line->session, "the certificate's key", 21);
    tell_host(&event);
}

static bool refuse_push(struct line *line, struct sat_span bytes)
{
    static const struct sat_space_id any;
    struct sat_arena arena;
    struct sat_message message, answer = {.type = SAT_MESSAGE_REFUSED};
    struct sat_bundle bundle;
    struct sat_buf out;
    sat_arena_init(&arena);
    sat_buf_init(&out);
    assert_int_equal(sat_message_decode(bytes, SAT_SENDER_CLIENT, &arena, &message), SAT_OK);
    bool push = message.type == SAT_MESSAGE_PUSH;
    if (push) {
        const struct sat_hash *org = &line->satchel->directory.org;
        assert_int_equal(sat_bundle_decode(message.as.PUSH.bundle, org, &any, &arena, &bundle), SAT_OK);
        answer.as.REFUSED = (struct sat_message_REFUSED){.sub = message.as.PUSH.sub,
                                                         .first = bundle.manifest.first,
                                                         .error = line->refuses,
                                                         .text = sat_span_text("no room")};
        sat_message_encode(&answer, &out);
        satchel_session_received(line->session, out.at, out.len);
    }
    sat_buf_deinit(&out);
    sat_arena_deinit(&arena);
    return push;
}

/* One turn of a line's event loop; true: something happened. */
static bool turn(struct line *line)
{
    const void *message;
    size_t len;
    bool moved = false;
    if (!line->peer) return false;
    if (satchel_session_wants_write(line->session) && satchel_session_writable(line->session, &message, &len)) {
        struct sat_event said = {.kind = SAT_EVENT_MESSAGE, .peer = line->peer, .bytes = sat_span(message, len)};
        if (!line->refuses || !refuse_push(line, said.bytes)) tell_host(&said);
        moved = true;
    }
    if (line->peer && line->host_has_more) {
        struct sat_buf frame;
        sat_buf_init(&frame);
        assert_int_equal(sat_host_frame(the_world.host, line->peer, client_now_ms(), &frame), SAT_OK);
        line->host_has_more = moved = frame.len > 0;
        if (frame.len) satchel_session_received(line->session, frame.at, frame.len);
        sat_buf_deinit(&frame);
    }
    if (satchel_session_over(line->session)) hang_up(line);
    return moved;
}

static void run_lines(void)
{
    for (bool moved = true; moved;) {
        moved = false;
        for (int i = 0; i < 2; i++)
            if (lines[i] && turn(lines[i])) moved = true;
    }
}

static void open_line(struct line *line, const char *home, bool live)
{
    *line = (struct line){.satchel = open_home(home)};
    struct satchel_sync_options options = {.live = live, .event = count_event, .event_context = line};
    must(line->satchel, satchel_session_open(line->satchel, &options, &line->session));
    lines[lines[0] ? 1 : 0] = line;
}

static void close_line(struct line *line)
{
    hang_up(line);
    for (int i = 0; i < 2; i++)
        if (lines[i] == line) lines[i] = NULL;
    satchel_session_free(line->session);
    satchel_close(line->satchel);
}

static struct satchel_sync_result result_of(struct line *line)
{
    struct satchel_sync_result result;
    must(line->satchel, satchel_session_result(line->session, &result));
    return result;
}

/* ---- Tests ---- */

static void a_driven_session_does_what_a_sync_does(void **state)
{
    (void)state;
    struct satchel *ann = open_home("ann");
    char id[SATCHEL_ID_SIZE] = "";
    put_one(ann, "account", id, NULL, "{\"name\":\"Alfreds\"}");
    satchel_close(ann);
    struct line one = {0}, two = {0};
    open_line(&one, "ann", false);
    connect_line(&one);
    run_lines();
    assert_true(satchel_session_over(one.session));
    struct satchel_sync_result result = result_of(&one);
    assert_true(result.in_sync);
    assert_true(result.sent >= 1);
    assert_int_equal(one.in_sync, 1);
    close_line(&one);

    open_line(&two, "bob", false);
    connect_line(&two);
    run_lines();
    result = result_of(&two);
    assert_true(result.in_sync);
    assert_true(result.received >= 1);
    assert_rows(two.satchel, "SELECT name FROM account", "{\"name\":\"Alfreds\"}");
    close_line(&two);
}

static void what_is_committed_during_a_live_session_reaches_the_other_one_when_it_is_poked(void **state)
{
    (void)state;
    struct line ann = {0}, bob = {0};
    open_line(&ann, "ann", true);
    open_line(&bob, "bob", true);
    connect_line(&ann);
    connect_line(&bob);
    run_lines();
    assert_false(satchel_session_over(ann.session));
    assert_true(ann.in_sync && bob.in_sync);

    char id[SATCHEL_ID_SIZE] = "";
    put_one(ann.satchel, "account", id, NULL, "{\"name\":\"Bottom-Dollar\"}");
    run_lines();
    assert_int_equal(bob.records, 0); /* nobody has told the session */
    satchel_session_poke(ann.session);
    assert_true(satchel_session_wants_write(ann.session));
    run_lines();
    assert_string_equal(bob.last_id, id);
    char *json = NULL;
    must(bob.satchel, satchel_get(bob.satchel, "account", id, &json));
    assert_non_null(strstr(json, "Bottom-Dollar"));
    satchel_free(json);
    assert_true(result_of(&ann).in_sync && result_of(&bob).in_sync);
    close_line(&ann);
    close_line(&bob);
}

static void two_edits_at_once_are_told_as_a_conflict(void **state)
{
    (void)state;
    struct line ann = {0}, bob = {0};
    char id[SATCHEL_ID_SIZE] = "0190b6f2-8f5c-7cc1-9a54-7d7b6e0b1d2e";
    struct satchel *before = open_home("ann");
    put_one(before, "account", id, NULL, "{\"name\":\"Consolidated\"}");
    (void)sync_now(before);
    satchel_close(before);
    open_line(&ann, "ann", true);
    open_line(&bob, "bob", true);
    connect_line(&ann);
    connect_line(&bob);
    run_lines();
    put_one(ann.satchel, "account", id, NULL, "{\"city\":\"London\"}");
    put_one(bob.satchel, "account", id, NULL, "{\"city\":\"Londres\"}");
    satchel_session_poke(ann.session);
    satchel_session_poke(bob.session);
    run_lines();
    assert_int_equal(ann.conflicts + bob.conflicts >= 1, 1);
    assert_int_equal(result_of(&ann).conflicts, 1);
    assert_int_equal(result_of(&bob).conflicts, 1);
    close_line(&ann);
    close_line(&bob);
}

static void a_quiet_sync_tells_no_records_and_counts_their_conflicts_all_the_same(void **state)
{
    (void)state;
    char id[SATCHEL_ID_SIZE] = "0190b6f2-8f5c-7cc1-9a54-7d7b6e0b1d2f", other[SATCHEL_ID_SIZE] = "";
    struct satchel *ann = open_home("ann"), *bob = open_home("bob");
    struct line heard = {0};
    struct satchel_sync_options options = {.event = count_event, .event_context = &heard, .quiet = 1};
    struct satchel_sync_result result;
    put_one(ann, "account", id, "Northern", "{\"name\":\"Du monde entier\"}");
    (void)sync_now(ann);
    uint64_t before = sync_now(bob).conflicts;
    put_one(ann, "account", id, NULL, "{\"city\":\"Nantes\"}");
    put_one(ann, "account", other, "Northern", "{\"name\":\"Eastern Connection\"}");
    put_one(bob, "account", id, NULL, "{\"city\":\"Naoned\"}");
    (void)sync_now(ann);
    must(bob, satchel_sync(bob, &options, &result));
    assert_int_equal(heard.records + heard.conflicts, 0);
    assert_int_equal(heard.in_sync, 1);
    assert_int_equal(result.conflicts, before + 1);
    assert_int_equal(sync_now(ann).conflicts, before + 1);
    put_one(ann, "account", id, NULL, "{\"city\":\"Nantes\"}");
    (void)sync_now(ann);
    must(bob, satchel_sync(bob, &options, &result)); /* settled by a change that is alone again */
    assert_int_equal(result.conflicts, before);
    satchel_close(ann);
    satchel_close(bob);
    bob = open_home("bob");
    assert_int_equal(sync_now(bob).conflicts, before); /* what was written down says the same */
    satchel_close(bob);
}

static void a_session_survives_no_connection_but_its_work_does(void **state)
{
    (void)state;
    char id[SATCHEL_ID_SIZE] = "";
    struct line bob = {0};
    struct satchel_sync_result result;
    open_line(&bob, "bob", false);
    put_one(bob.satchel, "note", id, "Northern", "{\"text\":\"kept\"}");
    satchel_session_closed(bob.session, "no route to host");
    assert_true(satchel_session_over(bob.session));
    assert_false(satchel_session_wants_write(bob.session));
    must_fail(bob.satchel, satchel_session_result(bob.session, &result), "unreachable", "no route to host");
    must_fail(bob.satchel, satchel_session_result(bob.session, &result), "unreachable", "no route to host");
    close_line(&bob);

    open_line(&bob, "bob", false);
    connect_line(&bob);
    satchel_session_closed(bob.session, NULL);
    must_fail(bob.satchel, satchel_session_result(bob.session, &result), "closed", "");
    close_line(&bob);

    open_line(&bob, "bob", false);
    connect_line(&bob);
    run_lines();
    assert_true(result_of(&bob).in_sync);
    close_line(&bob);
}

static void a_session_is_alone_on_its_handle(void **state)
{
    (void)state;
    struct line ann = {0};
    struct satchel_session *second;
    struct satchel_sync_result result;
    struct satchel_tx *tx;
    struct rows rows = {0};
    int refreshed = 1;
    open_line(&ann, "ann", true);
    must_fail(ann.satchel, satchel_session_open(ann.satchel, NULL, &second), "invalid", "under way");
    must_fail(ann.satchel, satchel_sync(ann.satchel, NULL, &result), "invalid", "under way");
    must_fail(ann.satchel, satchel_territory_add(ann.satchel, "Western"), "invalid", "under way");
    must(ann.satchel, satchel_user_list(ann.satchel, &refreshed, collect_row, &rows));
    assert_int_equal(refreshed, 0);
    assert_int_equal(rows.n, 2);
    close_line(&ann);
    ann.satchel = open_home("ann");
    must(ann.satchel, satchel_begin(ann.satchel, &tx));
    must_fail(ann.satchel, satchel_session_open(ann.satchel, NULL, &second), "invalid", "transaction");
    satchel_close(ann.satchel);
}

static void a_handle_that_is_closed_takes_its_session_with_it(void **state)
{
    (void)state;
    struct satchel *ann = open_home("ann");
    struct satchel_session *session;
    must(ann, satchel_session_open(ann, NULL, &session));
    satchel_close(ann);
}

static void time_and_the_wish_to_stop_end_a_session(void **state)
{
    (void)state;
    struct satchel *ann = open_home("ann");
    struct satchel_session *session;
    struct satchel_sync_result result;
    volatile int stop = 0;
    struct satchel_sync_options options = {.timeout_ms = 60 * 1000, .stop = &stop};
    must(ann, satchel_session_open(ann, &options, &session));
    assert_in_range(satchel_session_wakeup_ms(session), 1, 60 * 1000);
    assert_false(satchel_session_over(session));
    stop = 1;
    assert_true(satchel_session_over(session));
    must_fail(ann, satchel_session_result(session, &result), "closed", "stopped");
    satchel_session_free(session);

    options = (struct satchel_sync_options){.timeout_ms = 1};
    must(ann, satchel_session_open(ann, &options, &session));
    while (!satchel_session_over(session)) assert_in_range(satchel_session_wakeup_ms(session), 0, 1);
    must_fail(ann, satchel_session_result(session, &result), "timed_out", "in time");
    satchel_session_free(session);

    options = (struct satchel_sync_options){.live = 1};
    must(ann, satchel_session_open(ann, &options, &session));
    assert_int_equal(satchel_session_wakeup_ms(session), UINT32_MAX);
    satchel_session_free(session);
    satchel_close(ann);
}

static void what_no_server_can_send_ends_the_session(void **state)
{
    (void)state;
    struct satchel_sync_result result;
    struct line ann = {0};
    uint8_t *large = calloc(1, SATCHEL_MESSAGE_BYTES_MAX + 1);
    assert_non_null(large);
    open_line(&ann, "ann", false);
    satchel_session_opened(ann.session, NULL, 0);
    satchel_session_received(ann.session, large, SATCHEL_MESSAGE_BYTES_MAX + 1);
    assert_true(satchel_session_over(ann.session));
    must_fail(ann.satchel, satchel_session_result(ann.session, &result), "protocol", "larger");
    close_line(&ann);
    open_line(&ann, "ann", false);
    satchel_session_opened(ann.session, NULL, 0);
    satchel_session_received(ann.session, "nonsense", 8);
    must_fail(ann.satchel, satchel_session_result(ann.session, &result), "malformed", "");
    close_line(&ann);
    free(large);
}

static void a_handshake_that_is_tied_to_another_channel_is_refused(void **state)
{
    (void)state;
    struct satchel_sync_result result;
    struct line ann = {0};
    open_line(&ann, "ann", false);
    struct sat_event event = {.kind = SAT_EVENT_OPENED, .peer = ann.peer = ++the_world.peers};
    read_nonce(satchel_session_url(ann.session), event.client_nonce);
    event.binding = sat_binding_tls_key(sat_span_text("the server's key"));
    satchel_session_opened(ann.session, "somebody in between", 19);
    tell_host(&event);
    run_lines();
    must_fail(ann.satchel, satchel_session_result(ann.session, &result), "wrong_server", "");
    close_line(&ann);
}

/* ---- Work that is not taken ---- */

/* A push that is refused with `err`, in a session of its own. */
static struct satchel_sync_result sync_refused(struct line *bob, enum sat_err err)
{
    open_line(bob, "bob", false);
    bob->refuses = err;
    connect_line(bob);
    run_lines();
    assert_true(satchel_session_over(bob->session));
    struct satchel_sync_result result = result_of(bob);
    assert_false(result.in_sync);
    assert_int_equal(result.sent, 0);
    return result;
}

static void work_that_the_server_does_not_take_now_goes_with_the_next_session(void **state)
{
    (void)state;
    static const enum sat_err passing[] = {SAT_ERR_BUSY, SAT_ERR_TIMED_OUT, SAT_ERR_DISK_FULL, SAT_ERR_IO};
    struct line bob = {0};
    for (size_t i = 0; i < sizeof passing / sizeof passing[0]; i++) {
        char id[SATCHEL_ID_SIZE] = "", *status = NULL;
        struct satchel *before = open_home("bob");
        put_one(before, "note", id, "Northern", "{\"text\":\"later\"}");
        satchel_close(before);
        assert_int_equal(sync_refused(&bob, passing[i]).refused, 0);
        assert_int_equal(bob.refused, 0);
        assert_int_equal(bob.notes, 1);
        assert_non_null(strstr(bob.last_message, "does not take some work now"));
        must(bob.satchel, satchel_status(bob.satchel, &status));
        json_t *shown = json_loads(status, 0, NULL);
        assert_int_equal(json_integer_value(json_object_get(shown, "pending")), 1);
        assert_int_equal(json_integer_value(json_object_get(shown, "refused")), 0);
        json_decref(shown);
        satchel_free(status);
        close_line(&bob);
        struct satchel *after = open_home("bob");
        assert_int_equal(sync_now(after).sent, 1);
        satchel_close(after);
    }
}

static void a_live_session_whose_work_is_not_taken_ends_so_that_another_one_brings_it(void **state)
{
    (void)state;
    struct line bob = {0};
    struct satchel_sync_result result;
    char id[SATCHEL_ID_SIZE] = "";
    open_line(&bob, "bob", true);
    bob.refuses = SAT_ERR_BUSY;
    connect_line(&bob);
    run_lines();
    assert_false(satchel_session_over(bob.session));
    put_one(bob.satchel, "note", id, "Northern", "{\"text\":\"later, too\"}");
    satchel_session_poke(bob.session);
    run_lines();
    assert_true(satchel_session_over(bob.session));
    must_fail(bob.satchel, satchel_session_result(bob.session, &result), "busy", "does not take some work now");
    assert_int_equal(result.refused, 0);
    close_line(&bob);
    open_line(&bob, "bob", true);
    connect_line(&bob);
    run_lines();
    result = result_of(&bob);
    assert_true(result.in_sync && result.sent == 1);
    close_line(&bob);
}

/* ---- A live sync that comes back ---- */

struct absence { /* what happens to the server while somebody stays */
    struct line line;
    uint32_t back_after, stop_after; /* times that the client was told to wait */
    volatile int stop;
};

static void live_event(void *context, const struct satchel_event *event)
{
    struct absence *absence = context;
    count_event(&absence->line, event);
    if (event->kind != SATCHEL_EVENT_OFFLINE) return;
    assert_in_range(event->retry_ms, 500, 60 * 1000);
    if (absence->line.offline == absence->back_after) the_world.down = false;
    if (absence->line.offline == absence->stop_after) absence->stop = 1;
}

static struct satchel_sync_result stay(struct satchel *satchel, struct absence *absence, int expected)
{
    struct satchel_sync_result result;
    struct satchel_sync_options options = {
        .live = 1, .stop = &absence->stop, .event = live_event, .event_context = absence};
    assert_int_equal(satchel_sync(satchel, &options, &result), expected);
    return result;
}

/* In this world a live session ends once nobody has anything to say (timed_out). */
static void a_live_sync_tries_until_the_server_is_there_and_counts_over_all_connections(void **state)
{
    (void)state;
    struct absence absence = {.back_after = 1, .stop_after = 3};
    char id[SATCHEL_ID_SIZE] = "";
    struct satchel *bob = open_home("bob");
    put_one(bob, "note", id, "Northern", "{\"text\":\"waits\"}");
    the_world.down = true;
    struct satchel_sync_result result = stay(bob, &absence, SATCHEL_OK);
    assert_int_equal(absence.line.offline, 3);
    assert_int_equal(absence.line.in_sync, 2); /* between the waits */
    assert_int_equal(result.sent, 1);
    assert_false(result.in_sync); /* it is not connected now */
    assert_string_equal(absence.line.last_message, "connection lost; trying again in 1 s");
    assert_true(sync_now(bob).in_sync);
    satchel_close(bob);
}

static void a_live_sync_ends_with_what_time_does_not_mend(void **state)
{
    (void)state;
    struct absence absence = {0};
    struct satchel *bob = open_home("bob");
    struct sat_sign_key right = the_world.key;
    the_world.key = the_world.next_key;
    reopen_host();
    (void)stay(bob, &absence, SAT_ERR_WRONG_SERVER);
    assert_int_equal(absence.line.offline, 0);
    the_world.key = right;
    reopen_host();
    assert_true(sync_now(bob).in_sync);
    satchel_close(bob);
}

/* ---- The version window ---- */

static struct satchel *bob_with_work(void)
{
    struct satchel *bob = open_home("bob");
    char id[SATCHEL_ID_SIZE] = "";
    put_one(bob, "note", id, "Northern", "{\"text\":\"not lost\"}");
    return bob;
}

static uint32_t retry_ms; /* that the refusal is to be read as asking for */

static void refuse_with(struct satchel *bob, int status, const char *text, const char *name, const char *part)
{
    struct satchel_session *session;
    struct satchel_sync_result result;
    must(bob, satchel_session_open(bob, NULL, &session));
    satchel_session_refused(session, status, text);
    assert_true(satchel_session_over(session));
    must_fail(bob, satchel_session_result(session, &result), name, part);
    assert_int_equal(result.retry_ms, retry_ms);
    satchel_session_free(session);
}

static void a_server_of_other_versions_says_who_is_too_old_and_the_work_stays(void **state)
{
    (void)state;
    struct satchel *bob = bob_with_work();
    refuse_with(bob, 426, "satchel.2, satchel.3", "version",
                "this program is too old: the server speaks versions 2 to 3");
    refuse_with(bob, 400, "{\"error\":\"version\",\"speaks\":[\"satchel.7\"]}", "version", "this program is too old");
    refuse_with(bob, 426, "satchel.0", "version", "no version of the protocol in common");
    refuse_with(bob, 426, "satchel.99999999999999", "version", "no version of the protocol in common");
    refuse_with(bob, 426, NULL, "version", "no version of the protocol in common");
    refuse_with(bob, 400, NULL, "unreachable", "HTTP 400");
    refuse_with(bob, 404, "satchel.2", "unreachable", "HTTP 404");
    refuse_with(bob, 503, NULL, "busy", "HTTP 503");
    refuse_with(bob, 503, "\nRetry-After: tomorrow", "busy", "the server is busy; try again later");
    retry_ms = 7000;
    refuse_with(bob, 503, "\nRetry-After: 7", "busy", "the server is busy; try again in 7 s (HTTP 503)");
    retry_ms = 2500;
    refuse_with(bob, 429, "{\"error\":\"busy\",\"retry_ms\":2500}", "busy", "try again in 3 s (HTTP 429)");
    retry_ms = 0;
    refuse_with(bob, 502, NULL, "unreachable", "does not reach the server behind it (HTTP 502)");
    assert_int_equal(satchel_error_of(bob)->exit_code, 3);
    refuse_with(bob, 426, "satchel.2", "version", "what is pending is kept");
    assert_int_equal(satchel_error_of(bob)->exit_code, 5);
    assert_true(sync_now(bob).sent >= 1);
    satchel_close(bob);
}

static void a_hello_of_another_version_is_told_whatever_else_is_in_it(void **state)
{
    (void)state;
    struct satchel *bob = bob_with_work();
    static const uint8_t newer[] = {0x93, 1, 2, 0xc0}; /* [HELLO, 2, nil] */
    struct satchel_session *session;
    struct satchel_sync_result result;
    must(bob, satchel_session_open(bob, NULL, &session));
    satchel_session_opened(session, NULL, 0);
    satchel_session_received(session, newer, sizeof newer);
    assert_true(satchel_session_over(session));
    must_fail(bob, satchel_session_result(session, &result), "version",
              "this program is too old: the server speaks version 2");
    satchel_session_free(session);
    assert_true(sync_now(bob).sent >= 1);
    satchel_close(bob);
}

static void what_work_was_goes_once_nothing_waits(void **state)
{
    (void)state;
    struct satchel *bob = open_home("bob");
    struct sat_arena arena;
    struct sat_span was;
    bool found;
    char id[SATCHEL_ID_SIZE] = "";
    sat_arena_init(&arena);
    assert_int_equal(sat_store_begin(bob->store), SAT_OK);
    assert_int_equal(sat_store_meta_put(bob->store, "was.2.1", sat_span_text("it")), SAT_OK);
    assert_int_equal(sat_store_commit(bob->store), SAT_OK);
    put_one(bob, "note", id, "Northern", "{\"text\":\"waits\"}");
    (void)sync_now(bob);
    assert_int_equal(sat_store_meta_get(bob->store, "was.2.1", &arena, &was, &found), SAT_OK);
    assert_false(found);
    sat_arena_deinit(&arena);
    satchel_close(bob);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_driven_session_does_what_a_sync_does),
        cmocka_unit_test(what_is_committed_during_a_live_session_reaches_the_other_one_when_it_is_poked),
        cmocka_unit_test(two_edits_at_once_are_told_as_a_conflict),
        cmocka_unit_test(a_quiet_sync_tells_no_records_and_counts_their_conflicts_all_the_same),
        cmocka_unit_test(a_session_survives_no_connection_but_its_work_does),
        cmocka_unit_test(a_session_is_alone_on_its_handle),
        cmocka_unit_test(a_handle_that_is_closed_takes_its_session_with_it),
        cmocka_unit_test(time_and_the_wish_to_stop_end_a_session),
        cmocka_unit_test(what_no_server_can_send_ends_the_session),
        cmocka_unit_test(a_handshake_that_is_tied_to_another_channel_is_refused),
        cmocka_unit_test(work_that_the_server_does_not_take_now_goes_with_the_next_session),
        cmocka_unit_test(a_live_session_whose_work_is_not_taken_ends_so_that_another_one_brings_it),
        cmocka_unit_test(a_live_sync_tries_until_the_server_is_there_and_counts_over_all_connections),
        cmocka_unit_test(a_live_sync_ends_with_what_time_does_not_mend),
        cmocka_unit_test(what_work_was_goes_once_nothing_waits),
        cmocka_unit_test(a_server_of_other_versions_says_who_is_too_old_and_the_work_stays),
        cmocka_unit_test(a_hello_of_another_version_is_told_whatever_else_is_in_it),
    };
    return cmocka_run_group_tests_name("drive", tests, make_org, drop_client_world);
}
