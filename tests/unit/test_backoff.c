#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "client/backoff.h"

static uint32_t wait_of(struct client_backoff *backoff, enum sat_err err, uint64_t retry_ms, uint32_t random)
{
    uint32_t wait_ms = 0;
    assert_true(client_backoff_next(backoff, err, retry_ms, random, &wait_ms));
    return wait_ms;
}

static void waits_double_from_half_a_second_up_to_a_minute(void **state)
{
    (void)state;
    static const uint32_t least[] = {500, 1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000};
    struct client_backoff low = {0}, high = {0};
    for (size_t i = 0; i < sizeof least / sizeof least[0]; i++) {
        assert_int_equal(wait_of(&low, SAT_ERR_UNREACHABLE, 0, 0), least[i]);
        uint32_t longest = wait_of(&high, SAT_ERR_CLOSED, 0, UINT32_MAX);
        assert_in_range(longest, 2 * least[i] - 1, 2 * least[i]);
        assert_true(longest <= CLIENT_WAIT_MS_MAX);
    }
    low.failures = high.failures = UINT32_MAX;
    assert_int_equal(wait_of(&low, SAT_ERR_UNREACHABLE, 0, 0), 30000);
    assert_int_equal(low.failures, UINT32_MAX);
}

static void chance_spreads_the_wait_over_the_upper_half(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 16; i++) {
        struct client_backoff backoff = {.failures = 3};
        assert_int_equal(wait_of(&backoff, SAT_ERR_TIMED_OUT, 0, i << 28), 4000 + i * 250);
    }
}

static void a_success_begins_the_count_anew(void **state)
{
    (void)state;
    struct client_backoff backoff = {0};
    for (uint32_t i = 0; i < 5; i++) (void)wait_of(&backoff, SAT_ERR_UNREACHABLE, 0, 0);
    assert_int_equal(backoff.failures, 5);
    backoff.failures = 0;
    assert_int_equal(wait_of(&backoff, SAT_ERR_CLOSED, 0, 0), CLIENT_WAIT_MS_MIN);
}

static void nobody_comes_before_the_server_asked_to(void **state)
{
    (void)state;
    struct client_backoff backoff = {0};
    assert_int_equal(wait_of(&backoff, SAT_ERR_CLOSED, 2300, 0), 2300);
    assert_in_range(wait_of(&backoff, SAT_ERR_BUSY, 5000, UINT32_MAX), 5999, 6000); /* and not all at that moment */
    assert_int_equal(wait_of(&backoff, SAT_ERR_BUSY, 1, 0), 2000);                  /* less than it would wait anyway */
    assert_int_equal(wait_of(&backoff, SAT_ERR_BUSY, 90000, 0), 90000);
    assert_int_equal(wait_of(&backoff, SAT_ERR_BUSY, UINT64_MAX, 0), CLIENT_ASKED_MS_MAX);
    backoff.failures = 99;
    assert_in_range(wait_of(&backoff, SAT_ERR_BUSY, UINT64_MAX, UINT32_MAX), CLIENT_ASKED_MS_MAX,
                    CLIENT_ASKED_MS_MAX + CLIENT_WAIT_MS_MAX / 2);
}

static void only_what_time_mends_is_waited_for(void **state)
{
    (void)state;
    static const enum sat_err lasting[] = {
        SAT_OK,           SAT_ERR_REVOKED,        SAT_ERR_WRONG_SERVER,
        SAT_ERR_VERSION,  SAT_ERR_TAMPERED,       SAT_ERR_FORK,
        SAT_ERR_PROTOCOL, SAT_ERR_DENIED,         SAT_ERR_NOT_FOUND,
        SAT_ERR_INVALID,  SAT_ERR_UPGRADE_NEEDED, SAT_ERR_IO,
        SAT_ERR_CORRUPT,  SAT_ERR_DISK_FULL,      SAT_ERR_IN_USE,
    };
    static const enum sat_err passing[] = {SAT_ERR_UNREACHABLE, SAT_ERR_TIMED_OUT, SAT_ERR_BUSY, SAT_ERR_STALE,
                                           SAT_ERR_CLOSED};
    struct client_backoff backoff = {0};
    uint32_t wait_ms = 77;
    for (size_t i = 0; i < sizeof lasting / sizeof lasting[0]; i++)
        assert_false(client_backoff_next(&backoff, lasting[i], 0, 0, &wait_ms));
    assert_int_equal(wait_ms, 77);
    assert_int_equal(backoff.failures, 0);
    for (size_t i = 0; i < sizeof passing / sizeof passing[0]; i++)
        assert_true(client_backoff_next(&backoff, passing[i], 0, 0, &wait_ms));
}

static void a_limit_that_names_a_time_is_waited_for_and_a_wrong_server_never(void **state)
{
    (void)state;
    struct client_backoff backoff = {0};
    uint32_t wait_ms = 0;
    assert_false(client_backoff_next(&backoff, SAT_ERR_TOO_LARGE, 0, 0, &wait_ms));
    assert_int_equal(wait_of(&backoff, SAT_ERR_TOO_LARGE, 60000, 0), 60000);
    assert_false(client_backoff_next(&backoff, SAT_ERR_WRONG_SERVER, 60000, 0, &wait_ms));
    assert_false(client_backoff_next(&backoff, SAT_ERR_VERSION, 60000, 0, &wait_ms));
    assert_false(client_backoff_next(&backoff, SAT_ERR_DISK_FULL, 60000, 0, &wait_ms));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waits_double_from_half_a_second_up_to_a_minute),
        cmocka_unit_test(chance_spreads_the_wait_over_the_upper_half),
        cmocka_unit_test(a_success_begins_the_count_anew),
        cmocka_unit_test(nobody_comes_before_the_server_asked_to),
        cmocka_unit_test(only_what_time_mends_is_waited_for),
        cmocka_unit_test(a_limit_that_names_a_time_is_waited_for_and_a_wrong_server_never),
    };
    return cmocka_run_group_tests_name("backoff", tests, NULL, NULL);
}
