#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "client/watch.h"

enum { PATIENCE_MS = 10000, STEP_MS = 50 };

static struct client_watch watch;
static uint64_t now_ms;

static void begin(uint32_t patience_ms)
{
    now_ms = 1000;
    client_watch_begin(&watch, patience_ms, now_ms);
}

/* Looks as a loop does, for so long; what it finds in the end. */
static enum client_watch_finding pass(uint32_t ms, bool awaiting)
{
    enum client_watch_finding found = CLIENT_WATCH_FINE;
    for (uint32_t spent = 0; spent < ms; spent += STEP_MS) {
        now_ms += STEP_MS;
        found = client_watch_look(&watch, now_ms, awaiting);
    }
    return found;
}

static void silence_is_asked_about_once_and_then_taken_for_the_end(void **state)
{
    (void)state;
    begin(PATIENCE_MS);
    assert_int_equal(pass(PATIENCE_MS / 2 - STEP_MS, false), CLIENT_WATCH_FINE);
    assert_false(client_watch_asks(&watch));
    assert_int_equal(pass(STEP_MS, false), CLIENT_WATCH_FINE);
    assert_true(client_watch_asks(&watch));
    client_watch_asked(&watch);
    assert_int_equal(pass(PATIENCE_MS / 2 - STEP_MS, false), CLIENT_WATCH_FINE);
    assert_false(client_watch_asks(&watch));
    assert_int_equal(pass(STEP_MS, false), CLIENT_WATCH_SILENT);
}

static void an_answer_ends_the_silence_and_the_next_one_is_asked_about_again(void **state)
{
    (void)state;
    begin(PATIENCE_MS);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(pass(PATIENCE_MS - STEP_MS, false), CLIENT_WATCH_FINE);
        assert_true(client_watch_asks(&watch));
        client_watch_asked(&watch);
        client_watch_heard(&watch);
        assert_false(client_watch_asks(&watch));
    }
}

static void signs_of_life_do_not_stand_for_what_is_waited_for(void **state)
{
    (void)state;
    begin(PATIENCE_MS);
    for (int i = 0; i < 9; i++) {
        assert_int_equal(pass(PATIENCE_MS / 10, true), CLIENT_WATCH_FINE);
        client_watch_heard(&watch);
    }
    assert_int_equal(pass(PATIENCE_MS / 10, true), CLIENT_WATCH_STILL);
}

static void as_long_as_something_moves_it_is_as_slow_as_it_likes(void **state)
{
    (void)state;
    begin(PATIENCE_MS);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(pass(PATIENCE_MS - STEP_MS, true), CLIENT_WATCH_FINE);
        client_watch_moved(&watch);
    }
}

static void who_waits_for_nothing_is_not_still(void **state)
{
    (void)state;
    begin(PATIENCE_MS);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(pass(PATIENCE_MS / 2, false), CLIENT_WATCH_FINE);
        client_watch_heard(&watch);
    }
    assert_int_equal(pass(PATIENCE_MS / 2, true), CLIENT_WATCH_FINE); /* it begins to wait only now */
}

static void time_in_which_nobody_looked_does_not_count(void **state)
{
    (void)state;
    begin(PATIENCE_MS);
    for (int i = 0; i < 5; i++) { /* the program was stopped, or had much to store */
        now_ms += 100 * PATIENCE_MS;
        assert_int_equal(client_watch_look(&watch, now_ms, true), CLIENT_WATCH_FINE);
    }
    now_ms = 5; /* no clock of ours does that */
    assert_int_equal(client_watch_look(&watch, now_ms, true), CLIENT_WATCH_FINE);
}

static void without_patience_nothing_is_watched_and_little_is_not_taken_for_less_than_a_second(void **state)
{
    (void)state;
    begin(0);
    assert_int_equal(pass(100 * PATIENCE_MS, true), CLIENT_WATCH_FINE);
    assert_false(client_watch_asks(&watch));
    begin(1);
    assert_int_equal(pass(CLIENT_PATIENCE_MS_MIN - STEP_MS, true), CLIENT_WATCH_FINE);
    assert_int_equal(pass(STEP_MS, true), CLIENT_WATCH_SILENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(silence_is_asked_about_once_and_then_taken_for_the_end),
        cmocka_unit_test(an_answer_ends_the_silence_and_the_next_one_is_asked_about_again),
        cmocka_unit_test(signs_of_life_do_not_stand_for_what_is_waited_for),
        cmocka_unit_test(as_long_as_something_moves_it_is_as_slow_as_it_likes),
        cmocka_unit_test(who_waits_for_nothing_is_not_still),
        cmocka_unit_test(time_in_which_nobody_looked_does_not_count),
        cmocka_unit_test(without_patience_nothing_is_watched_and_little_is_not_taken_for_less_than_a_second),
    };
    return cmocka_run_group_tests_name("watch", tests, NULL, NULL);
}
