/* A server in the same process, behind the client library's one way out: this header defines
 * client_transport_run(), so that a test program that includes it talks to a host in memory instead of a network.
 * Homes are real, in a directory of their own. */
#ifndef TESTS_UNIT_CLIENT_WORLD_H
#define TESTS_UNIT_CLIENT_WORLD_H

#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/handle.h"
#include "client/transport.h"
#include "common/sync/host.h"

#define PASSPHRASE "correct horse"

struct client_world {
    char directory[64];
    struct sat_store *store; /* the server's; NULL until an org is founded */
    struct sat_host *host;
    struct sat_sign_key key;
    char pin[65];
    uint64_t peers;
    bool down;                    /* nobody answers */
    const char *gone_from;        /* nobody answers at this address; NULL: everywhere somebody does */
    struct sat_sign_key next_key; /* a second identity, when two_keys */
    bool two_keys;
    char asked[8][64]; /* addresses that were tried since a test set asked_n to 0 */
    uint32_t asked_n;
    char store_path[96];     /* of the server's store, for a test that opens it again; "": in memory */
    uint32_t answers_left;   /* connections that are answered before nobody is there; 0: all of them */
    int cut_after;           /* messages to the client before the connection is cut; -1: never */
    volatile int was_cut;    /* a connection was */
    bool collects;           /* the server forgets what everybody has seen deleted */
    int64_t device_ahead_ms; /* the clock of the device that is at work, against the server's (arrivals.h) */
    struct sat_buf found_reply;
    void (*hear)(struct sat_span message); /* what clients say, as it passes; NULL: nobody listens */
};

static struct client_world the_world;

/* ---- The transport ---- */

static uint64_t server_now_ms(void)
{
    return client_now_ms() - (uint64_t)the_world.device_ahead_ms;
}

static bool deliver(struct client_session *session, struct sat_span message)
{
    if (the_world.cut_after == 0) {
        the_world.was_cut = 1;
        client_session_closed(session, SAT_ERR_CLOSED, "the connection was cut");
        return false;
    }
    if (the_world.cut_after > 0) the_world.cut_after--;
    client_session_received(session, message);
    client_session_take(session);
    return true;
}

static bool deliver_all(struct client_session *session, uint64_t peer, const struct sat_actions *actions)
{
    for (const struct sat_action *action = actions->first; action; action = action->next) {
        if (action->peer != peer) continue;
        if (action->kind == SAT_ACTION_SEND && !deliver(session, action->bytes)) return false;
        if (action->kind == SAT_ACTION_CLOSE) {
            client_session_closed(session, SAT_ERR_CLOSED, "the server closed the connection");
            return false;
        }
    }
    return true;
}

static bool host_event(struct client_session *session, const struct sat_event *event)
{
    struct sat_arena arena;
    sat_arena_init(&arena);
    struct sat_actions actions;
    sat_actions_init(&actions, &arena);
    assert_int_equal(sat_host_step(the_world.host, server_now_ms(), event, 1, &actions), SAT_OK);
    bool open = deliver_all(session, event->peer, &actions);
    sat_arena_deinit(&arena);
    return open;
}

static bool host_frames(struct client_session *session, uint64_t peer)
{
    for (bool more = true; more;) {
        struct sat_buf frame;
        sat_buf_init(&frame);
        enum sat_err err = sat_host_frame(the_world.host, peer, server_now_ms(), &frame);
        more = !err && frame.len > 0;
        bool open = !more || deliver(session, sat_buf_span(&frame));
        sat_buf_deinit(&frame);
        if (!open) return false;
    }
    return true;
}

static void talk_to_host(struct client_session *session)
{
    struct sat_event event = {.kind = SAT_EVENT_OPENED, .peer = ++the_world.peers};
    client_session_nonce(session, event.client_nonce);
    const char *hint = strrchr(client_session_path(session), '/') + 1;
    if (strlen(hint) == 16) assert_int_equal(sat_hex_parse(hint, event.server_hint, 8), SAT_OK);
    client_session_opened(session, &event.binding);
    bool open = host_event(session, &event);
    while (open && !client_session_over(session)) {
        struct sat_buf message;
        sat_buf_init(&message);
        client_session_next(session, &message);
        struct sat_event said = {.kind = SAT_EVENT_MESSAGE, .peer = event.peer, .bytes = sat_buf_span(&message)};
        if (message.len && the_world.hear) the_world.hear(said.bytes);
        if (message.len) open = host_event(session, &said);
        open = open && host_frames(session, event.peer);
        if (open && !message.len && !client_session_wants(session) && !client_session_over(session)) {
            client_session_closed(session, SAT_ERR_TIMED_OUT, "both sides wait for each other");
            open = false;
        }
        sat_buf_deinit(&message);
    }
    struct sat_event closed = {.kind = SAT_EVENT_CLOSED, .peer = event.peer};
    struct sat_arena arena;
    sat_arena_init(&arena);
    struct sat_actions actions;
    sat_actions_init(&actions, &arena);
    assert_int_equal(sat_host_step(the_world.host, server_now_ms(), &closed, 1, &actions), SAT_OK);
    sat_arena_deinit(&arena);
}

static void open_host(void)
{
    struct sat_fault fault = {0};
    struct sat_host_config config = {.store = the_world.store,
                                     .server = &the_world.key,
                                     .former = &the_world.next_key,
                                     .former_n = the_world.two_keys,
                                     .collect_every_ms = the_world.collects,
                                     .entropy = sat_entropy_system()};
    assert_int_equal(sat_host_new(&config, &the_world.host, &fault), SAT_OK);
}

/* The server restarted, with the keys that the world has now. */
static __attribute__((unused)) void reopen_host(void)
{
    sat_host_free(the_world.host);
    open_host();
}

static void found_org(struct client_session *session)
{
    struct sat_fault fault = {0};
    struct sat_entropy entropy = sat_entropy_system();
    struct sat_binding binding = {0};
    struct sat_buf hello, message, reply;
    uint8_t nonce[32];
    static const struct sat_hash no_org;
    sat_buf_init(&hello);
    sat_buf_init(&message);
    sat_buf_init(&reply);
    client_session_nonce(session, nonce);
    client_session_opened(session, &binding);
    sat_host_greet_new(&the_world.key, &no_org, nonce, &binding, server_now_ms(), &entropy, &hello);
    bool open = deliver(session, sat_buf_span(&hello));
    client_session_next(session, &message);
    assert_true(!open || message.len > 0);
    if (open) {
        assert_int_equal(sat_store_open(the_world.store_path[0] ? the_world.store_path : ":memory:", SAT_STORE_CREATE,
                                        &the_world.store, &fault),
                         SAT_OK);
        assert_int_equal(
            sat_host_found(the_world.store, &the_world.key, sat_buf_span(&message), server_now_ms(), &reply, &fault),
            SAT_OK);
        open_host();
        (void)deliver(session, sat_buf_span(&reply));
    }
    sat_buf_deinit(&reply);
    sat_buf_deinit(&message);
    sat_buf_deinit(&hello);
}

enum sat_err client_transport_run(struct client_session *session, struct sat_fault *fault)
{
    (void)fault;
    bool founds = strncmp(client_session_path(session), "/satchel/new/", 13) == 0;
    const char *address = client_session_address(session);
    bool gone = the_world.gone_from && strcmp(the_world.gone_from, address) == 0;
    if (the_world.asked_n < 8) (void)snprintf(the_world.asked[the_world.asked_n++], 64, "%s", address);
    if (the_world.down || gone)
        client_session_closed(session, SAT_ERR_UNREACHABLE, "the server cannot be reached");
    else if (founds)
        found_org(session);
    else
        talk_to_host(session);
    if (the_world.answers_left && --the_world.answers_left == 0) the_world.down = true;
    if (!client_session_over(session)) client_session_closed(session, SAT_ERR_CLOSED, "the connection was closed");
    return SAT_OK;
}

/* ---- The world ---- */

static int make_client_world(void **state)
{
    (void)state;
    if (sodium_init() < 0) return -1;
    the_world = (struct client_world){.cut_after = -1};
    const char *tmp = getenv("TMPDIR");
    (void)snprintf(the_world.directory, sizeof the_world.directory, "%.40s/home-XXXXXX", tmp ? tmp : "/tmp");
    if (!mkdtemp(the_world.directory)) return -1;
    static const uint8_t seed[32] = {7}, next_seed[32] = {8};
    struct sat_public_key pin;
    sat_sign_keypair(next_seed, &pin, &the_world.next_key);
    sat_sign_keypair(seed, &pin, &the_world.key);
    sat_hex_format(pin.b, sizeof pin.b, the_world.pin);
    return 0;
}

static int drop_client_world(void **state)
{
    (void)state;
    sat_host_free(the_world.host);
    sat_store_close(the_world.store);
    char command[128];
    (void)snprintf(command, sizeof command, "rm -rf %s", the_world.directory);
    return system(command) == 0 ? 0 : -1;
}

static const char *home_of(const char *name, char out[128])
{
    (void)snprintf(out, 128, "%s/%s", the_world.directory, name);
    return out;
}

static struct satchel_open_options test_options(void)
{
    return (struct satchel_open_options){.passphrase = {PASSPHRASE, sizeof PASSPHRASE - 1}, .weak_kdf = 1};
}

/* The org with its admin Ann in home "ann". */
static struct satchel *create_org(void)
{
    char home[128];
    char *kit = NULL;
    struct satchel *ann = NULL;
    struct satchel_error error = {0};
    struct satchel_open_options open_options = test_options();
    struct satchel_create_options options = {
        .server_url = "wss://server.test:1",
        .pin = the_world.pin,
        .token = {"token", 5},
        .org_name = "Northwind",
        .user_name = "Ann",
        .device_name = "Ann's laptop",
        .recovery_kit = &kit,
    };
    int failed = satchel_org_create(home_of("ann", home), &open_options, &options, &ann, &error);
    if (failed) print_error("org create: %s\n", error.message);
    assert_int_equal(failed, SATCHEL_OK);
    assert_non_null(kit);
    satchel_free(kit);
    return ann;
}

static __attribute__((unused)) void must(struct satchel *satchel, int failed)
{
    if (failed) print_error("%s: %s\n", satchel_error_of(satchel)->name, satchel_error_of(satchel)->message);
    assert_int_equal(failed, SATCHEL_OK);
}

/* A failure of that name whose sentence has `part` in it. */
static __attribute__((unused)) void must_fail(struct satchel *satchel, int failed, const char *name, const char *part)
{
    assert_int_not_equal(failed, SATCHEL_OK);
    assert_string_equal(satchel_error_of(satchel)->name, name);
    if (!strstr(satchel_error_of(satchel)->message, part))
        fail_msg("\"%s\" does not say \"%s\"", satchel_error_of(satchel)->message, part);
}

static __attribute__((unused)) struct satchel *join_as(struct satchel *admin, const char *user, const char *home_name)
{
    char home[128];
    char *code = NULL;
    struct satchel *joined = NULL;
    struct satchel_error error = {0};
    struct satchel_open_options open_options = test_options();
    must(admin, satchel_invite(admin, user, 0, &code));
    struct satchel_join_options options = {.code = code, .device_name = home_name};
    int failed = satchel_join(home_of(home_name, home), &open_options, &options, &joined, &error);
    if (failed) print_error("join: %s\n", error.message);
    assert_int_equal(failed, SATCHEL_OK);
    satchel_free(code);
    return joined;
}

static __attribute__((unused)) struct satchel_sync_result sync_now(struct satchel *satchel)
{
    struct satchel_sync_result result;
    must(satchel, satchel_sync(satchel, NULL, &result));
    assert_true(result.in_sync);
    return result;
}

/* One record, committed; its id in `id` (given, if it is not empty). */
static __attribute__((unused)) void put_one(struct satchel *satchel, const char *type, char id[SATCHEL_ID_SIZE],
                                            const char *territory, const char *fields)
{
    struct satchel_tx *tx;
    must(satchel, satchel_begin(satchel, &tx));
    must(satchel, satchel_put(tx, type, id[0] ? id : NULL, territory, fields, id));
    must(satchel, satchel_commit(tx));
}

/* ---- Rows ---- */

struct rows { /* of one query, as one text: a line each */
    char text[8192];
    uint32_t n;
};

static __attribute__((unused)) int collect_row(void *context, const char *json)
{
    struct rows *rows = context;
    size_t len = strlen(rows->text);
    (void)snprintf(rows->text + len, sizeof rows->text - len, "%s%s", rows->n ? "\n" : "", json);
    rows->n++;
    return 0;
}

static __attribute__((unused)) void assert_rows(struct satchel *satchel, const char *sql, const char *wanted)
{
    struct rows rows = {0};
    must(satchel, satchel_query(satchel, sql, collect_row, &rows));
    assert_string_equal(rows.text, wanted);
}

#endif
