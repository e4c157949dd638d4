/* A server that moves: to another address, to another identity, with devices away meanwhile. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/client_world.h"

#define OLD "wss://server.test:1"
#define NEW "wss://new.test:2"
#define THIRD "wss://third.test:3/base"

static struct satchel *ann, *bob, *carol;
static char next_pin[65]; /* of the identity that the server moves to */

static int make_org(void **state)
{
    if (make_client_world(state)) return -1;
    struct sat_public_key next = sat_sign_public(&the_world.next_key);
    sat_hex_format(next.b, sizeof next.b, next_pin);
    ann = create_org();
    must(ann, satchel_territory_add(ann, "Northern"));
    must(ann, satchel_user_add(ann, "Bob", "rep"));
    must(ann, satchel_user_add(ann, "Carol", "rep"));
    must(ann, satchel_territory_grant(ann, "Northern", "Bob", 0));
    must(ann, satchel_territory_grant(ann, "Northern", "Carol", 0));
    bob = join_as(ann, "Bob", "bob");
    carol = join_as(ann, "Carol", "carol");
    (void)sync_now(bob);
    (void)sync_now(carol);
    return 0;
}

static int drop_org(void **state)
{
    satchel_close(ann);
    satchel_close(bob);
    satchel_close(carol);
    return drop_client_world(state);
}

/* The server has both identities from now on, its own being `key`. */
static void have_two_identities(void)
{
    the_world.two_keys = true;
    reopen_host();
}

static void swap_identities(void)
{
    struct sat_sign_key key = the_world.key;
    the_world.key = the_world.next_key;
    the_world.next_key = key;
}

static void write_note(struct satchel *satchel, const char *text)
{
    char id[SATCHEL_ID_SIZE] = "", fields[100];
    (void)snprintf(fields, sizeof fields, "{\"text\":\"%s\"}", text);
    put_one(satchel, "note", id, "Northern", fields);
}

static void assert_asked(uint32_t n, const char *const *addresses)
{
    assert_int_equal(the_world.asked_n, n);
    for (uint32_t i = 0; i < n; i++) assert_string_equal(the_world.asked[i], addresses[i]);
    the_world.asked_n = 0;
}
#define ASSERT_ASKED(...)                                                                                              \
    assert_asked(sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *), (const char *[]){__VA_ARGS__})

static void assert_status(struct satchel *satchel, const char *part)
{
    char *json = NULL;
    must(satchel, satchel_status(satchel, &json));
    if (!strstr(json, part)) fail_msg("%s\nhas no %s", json, part);
    satchel_free(json);
}

/* ---- Another identity ---- */

static void an_identity_that_moved_while_devices_were_away_reaches_them_by_the_old_one(void **state)
{
    (void)state;
    write_note(bob, "written before");
    have_two_identities();
    must(ann, satchel_server_set(ann, NULL, next_pin));
    assert_status(ann, next_pin);
    (void)sync_now(ann); /* by the new one already */
    swap_identities();
    reopen_host();

    write_note(carol, "written after");
    assert_status(bob, the_world.pin);
    assert_true(sync_now(bob).sent >= 1); /* greeted by the old one, as it knows no other */
    assert_status(bob, next_pin);
    assert_true(sync_now(carol).sent >= 1);

    /* Now the old one may go. */
    the_world.two_keys = false;
    reopen_host();
    (void)sync_now(ann);
    (void)sync_now(bob);
    assert_true(sync_now(carol).in_sync);
    assert_rows(ann, "SELECT count(*) AS n FROM note", "{\"n\":2}");
}

static void who_missed_the_old_identity_altogether_is_refused_and_keeps_the_work(void **state)
{
    (void)state;
    struct satchel_sync_result result;
    have_two_identities();
    must(ann, satchel_server_set(ann, NULL, next_pin));
    swap_identities();
    the_world.two_keys = false;
    reopen_host();
    write_note(bob, "kept");
    must_fail(bob, satchel_sync(bob, NULL, &result), "wrong_server", "");
    swap_identities();
    the_world.two_keys = true;
    reopen_host();
    assert_true(sync_now(bob).sent >= 1);
}

static void an_impostor_with_neither_key_is_refused(void **state)
{
    (void)state;
    static const uint8_t seed[32] = {99};
    struct sat_sign_key true_key = the_world.key;
    struct sat_public_key pin;
    struct satchel_sync_result result;
    have_two_identities();
    must(ann, satchel_server_set(ann, NULL, next_pin));
    (void)sync_now(bob);
    sat_sign_keypair(seed, &pin, &the_world.key);
    the_world.two_keys = false;
    reopen_host();
    must_fail(ann, satchel_sync(ann, NULL, &result), "wrong_server", ""); /* knows the new one */
    must_fail(bob, satchel_sync(bob, NULL, &result), "wrong_server", "");
    must_fail(carol, satchel_sync(carol, NULL, &result), "wrong_server", ""); /* knows the old one */
    assert_int_equal(satchel_error_of(carol)->exit_code, 5);
    the_world.key = true_key;
    the_world.two_keys = true;
    reopen_host();
    (void)sync_now(carol);
}

static void an_identity_that_the_server_does_not_have_is_not_set(void **state)
{
    (void)state;
    must_fail(ann, satchel_server_set(ann, NULL, next_pin), "invalid", "does not have that identity");
    must_fail(ann, satchel_server_set(ann, NULL, "12"), "invalid", "64 hexadecimal");
    must_fail(ann, satchel_server_set(ann, NULL, NULL), "invalid", "nothing to set");
    must_fail(bob, satchel_server_set(bob, NULL, the_world.pin), "denied", "admin");
    assert_status(ann, the_world.pin);
    (void)sync_now(bob);
}

/* ---- Another address ---- */

static void devices_go_to_the_new_address_and_back_to_the_old_one_when_nobody_is_there(void **state)
{
    (void)state;
    the_world.asked_n = 0;
    must(ann, satchel_server_set(ann, NEW, NULL));
    ASSERT_ASKED(NEW); /* through it, so that it is known to lead here */
    assert_status(ann, "\"server\":\"" NEW "\",\"server_last\":\"" NEW "\"");
    (void)sync_now(bob);
    ASSERT_ASKED(OLD);
    assert_status(bob, "\"server\":\"" NEW "\",\"server_last\":\"" OLD "\"");
    (void)sync_now(bob);
    ASSERT_ASKED(NEW);
    assert_status(bob, "\"server\":\"" NEW "\",\"server_last\":\"" NEW "\"");

    the_world.gone_from = NEW;
    (void)sync_now(bob);
    ASSERT_ASKED(NEW, OLD);
    (void)sync_now(bob); /* this handle has learnt where somebody is */
    ASSERT_ASKED(OLD);
    the_world.gone_from = OLD;
    (void)sync_now(bob);
    ASSERT_ASKED(OLD, NEW);
}

static void who_moves_twice_is_found_at_the_address_that_answered_last(void **state)
{
    (void)state;
    struct satchel_sync_result result;
    must(ann, satchel_server_set(ann, NEW, NULL));
    (void)sync_now(bob);
    the_world.gone_from = OLD;
    (void)sync_now(bob);
    must(ann, satchel_server_set(ann, THIRD, NULL));
    the_world.asked_n = 0;
    (void)sync_now(bob);
    ASSERT_ASKED(NEW);
    the_world.gone_from = THIRD;
    (void)sync_now(bob);
    ASSERT_ASKED(THIRD, NEW);
    the_world.down = true;
    must_fail(bob, satchel_sync(bob, NULL, &result), "unreachable", "");
    assert_int_equal(the_world.asked_n, 3);
}

static void an_address_where_nobody_answers_is_not_set(void **state)
{
    (void)state;
    the_world.gone_from = NEW;
    must_fail(ann, satchel_server_set(ann, NEW, NULL), "unreachable", "");
    must_fail(ann, satchel_server_set(ann, "http://new.test", NULL), "invalid", "wss://");
    must_fail(ann, satchel_server_set(ann, "ws://new.test", NULL), "invalid", "TLS");
    assert_status(ann, "\"server\":\"" OLD "\"");
    (void)sync_now(ann);
}

static void address_and_identity_move_together(void **state)
{
    (void)state;
    have_two_identities();
    must(ann, satchel_server_set(ann, NEW, next_pin));
    (void)sync_now(bob);
    swap_identities();
    the_world.two_keys = false;
    the_world.gone_from = OLD;
    reopen_host();
    the_world.asked_n = 0;
    (void)sync_now(bob);
    ASSERT_ASKED(NEW);
}

/* ---- Joining meanwhile ---- */

static struct satchel *join_by(const char *code, const char *name)
{
    char home[128];
    struct satchel *joined = NULL;
    struct satchel_error error = {0};
    struct satchel_open_options open_options = test_options();
    struct satchel_join_options options = {.code = code};
    int failed = satchel_join(home_of(name, home), &open_options, &options, &joined, &error);
    if (failed) print_error("join: %s\n", error.message);
    assert_int_equal(failed, SATCHEL_OK);
    return joined;
}

static void a_code_from_before_the_move_works_while_the_old_address_and_identity_do(void **state)
{
    (void)state;
    char *before = NULL, *after = NULL;
    must(ann, satchel_invite(ann, "Bob", 0, &before));
    have_two_identities();
    must(ann, satchel_server_set(ann, NEW, next_pin));
    swap_identities();
    reopen_host();
    must(ann, satchel_invite(ann, "Bob", 0, &after));

    the_world.asked_n = 0;
    struct satchel *first = join_by(before, "by-old-code");
    ASSERT_ASKED(OLD);
    (void)sync_now(first);
    ASSERT_ASKED(NEW);
    struct satchel *second = join_by(after, "by-new-code");
    ASSERT_ASKED(NEW);
    the_world.gone_from = OLD;
    the_world.two_keys = false;
    reopen_host();
    (void)sync_now(first);
    (void)sync_now(second);
    assert_status(first, next_pin);
    satchel_close(first);
    satchel_close(second);
    satchel_free(before);
    satchel_free(after);
}

/* ---- Driven by the application ---- */

static void a_driven_session_that_found_nobody_is_followed_by_one_elsewhere(void **state)
{
    (void)state;
    struct satchel_session *session;
    struct satchel_sync_result result;
    must(ann, satchel_server_set(ann, NEW, NULL));
    must(ann, satchel_session_open(ann, NULL, &session));
    assert_int_equal(strncmp(satchel_session_url(session), NEW "/satchel/", strlen(NEW) + 9), 0);
    assert_in_range(satchel_session_wakeup_ms(session), 1, 10 * 1000); /* the other address has to have its time */
    satchel_session_closed(session, "no route");
    must_fail(ann, satchel_session_result(session, &result), "unreachable", NEW);
    satchel_session_free(session);
    must(ann, satchel_session_open(ann, NULL, &session));
    assert_int_equal(strncmp(satchel_session_url(session), OLD "/satchel/", strlen(OLD) + 9), 0);
    satchel_session_closed(session, "no route");
    satchel_session_free(session);
    must(ann, satchel_session_open(ann, NULL, &session));
    assert_int_equal(strncmp(satchel_session_url(session), NEW "/satchel/", strlen(NEW) + 9), 0);
    satchel_session_free(session);

    must(ann, satchel_server_set(ann, THIRD "/", NULL));
    must(ann, satchel_session_open(ann, NULL, &session));
    assert_int_equal(strncmp(satchel_session_url(session), THIRD "/satchel/", strlen(THIRD) + 9), 0);
    satchel_session_free(session);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_org, drop_org)
    const struct CMUnitTest tests[] = {
        TEST(an_identity_that_moved_while_devices_were_away_reaches_them_by_the_old_one),
        TEST(who_missed_the_old_identity_altogether_is_refused_and_keeps_the_work),
        TEST(an_impostor_with_neither_key_is_refused),
        TEST(an_identity_that_the_server_does_not_have_is_not_set),
        TEST(devices_go_to_the_new_address_and_back_to_the_old_one_when_nobody_is_there),
        TEST(who_moves_twice_is_found_at_the_address_that_answered_last),
        TEST(an_address_where_nobody_answers_is_not_set),
        TEST(address_and_identity_move_together),
        TEST(a_code_from_before_the_move_works_while_the_old_address_and_identity_do),
        TEST(a_driven_session_that_found_nobody_is_followed_by_one_elsewhere),
    };
    return cmocka_run_group_tests_name("move", tests, NULL, NULL);
}
