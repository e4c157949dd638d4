#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "server/guesses.h"

static const uint64_t SECOND = 1000000, START = 5000000000;

static struct satd_ip v4(uint32_t number)
{
    struct satd_ip ip = {{[10] = 0xff, [11] = 0xff}};
    for (unsigned i = 0; i < 4; i++) ip.b[12 + i] = (uint8_t)(number >> (24 - 8 * i));
    return ip;
}

static struct satd_ip v6(uint8_t network, uint8_t host)
{
    return (struct satd_ip){{0x20, 0x01, 0x0d, 0xb8, [7] = network, [15] = host}};
}

/* How many of so many attempts in a row may be heard. */
static unsigned heard(struct satd_guesses *guesses, struct satd_ip from, unsigned attempts, uint64_t now_us)
{
    unsigned n = 0;
    for (unsigned i = 0; i < attempts; i++) n += satd_guesses_begin(guesses, &from, now_us) == 0;
    return n;
}

static void ten_at_once_and_ten_a_minute(void **state)
{
    (void)state;
    struct satd_guesses guesses;
    struct satd_ip from = v4(0x0a000001);
    satd_guesses_init(&guesses, 10);
    assert_int_equal(heard(&guesses, from, 50, START), 10);
    assert_int_equal(satd_guesses_begin(&guesses, &from, START), 6000);
    assert_int_equal(satd_guesses_begin(&guesses, &from, START + 2 * SECOND), 4000);
    assert_int_equal(satd_guesses_begin(&guesses, &from, START + 6 * SECOND - 1), 1000); /* never less than a second */
    assert_int_equal(heard(&guesses, from, 5, START + 6 * SECOND), 1);
    assert_int_equal(heard(&guesses, from, 50, START + 60 * SECOND), 9);
    unsigned hour = 0;
    for (uint64_t second = 61; second <= 60 + 3600; second++) hour += heard(&guesses, from, 3, START + second * SECOND);
    assert_int_equal(hour, 600);
    assert_int_equal(heard(&guesses, from, 50, START + 10000 * SECOND), 10); /* rest saves up no more than that */
    satd_guesses_deinit(&guesses);
}

static void each_limit_lets_just_so_many_through(void **state)
{
    (void)state;
    static const unsigned limits[] = {1, 3, 7, 60, 999, 40000, 60000};
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        struct satd_guesses guesses;
        satd_guesses_init(&guesses, limits[i]);
        assert_int_equal(heard(&guesses, v4(1), limits[i] + 9, START), limits[i]);
        assert_int_equal(heard(&guesses, v4(1), limits[i] + 9, START + 60 * SECOND), limits[i]);
        satd_guesses_deinit(&guesses);
    }
}

static void an_address_spends_its_own_share_and_a_network_of_ipv6_one_for_all_of_it(void **state)
{
    (void)state;
    struct satd_guesses guesses;
    satd_guesses_init(&guesses, 10);
    assert_int_equal(heard(&guesses, v4(0x7f000001), 20, START), 10);
    assert_int_equal(heard(&guesses, v4(0x7f000002), 20, START), 10);
    for (uint8_t host = 1; host <= 20; host++) assert_int_equal(heard(&guesses, v6(1, host), 1, START), host <= 10);
    assert_int_equal(heard(&guesses, v6(2, 1), 20, START), 10);
    satd_guesses_deinit(&guesses);
}

static void what_did_not_fail_costs_nothing(void **state)
{
    (void)state;
    struct satd_guesses guesses;
    struct satd_ip from = v4(1), nobody = v4(2);
    satd_guesses_init(&guesses, 10);
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(satd_guesses_begin(&guesses, &from, START), 0);
        satd_guesses_forgive(&guesses, &from);
    }
    satd_guesses_forgive(&guesses, &nobody); /* who is not in the table, or not any more */
    assert_int_equal(heard(&guesses, from, 20, START), 10);
    satd_guesses_deinit(&guesses);
}

/* Else a device that fails all the time would keep the others behind its address waiting for hours. */
static void what_fails_unasked_fills_the_bucket_and_no_more(void **state)
{
    (void)state;
    struct satd_guesses guesses;
    struct satd_ip from = v4(1);
    satd_guesses_init(&guesses, 10);
    for (int i = 0; i < 5; i++) satd_guesses_fail(&guesses, &from, START);
    assert_int_equal(heard(&guesses, from, 20, START), 5);
    for (int i = 0; i < 5000; i++) satd_guesses_fail(&guesses, &from, START);
    assert_int_equal(satd_guesses_begin(&guesses, &from, START), 6000);
    assert_int_equal(heard(&guesses, from, 20, START + 60 * SECOND), 10);
    satd_guesses_deinit(&guesses);
}

static void the_table_is_of_one_size_and_forgets_those_who_failed_least(void **state)
{
    (void)state;
    struct satd_guesses guesses;
    satd_guesses_init(&guesses, 10);
    const struct satd_guesser *table = guesses.at;
    assert_int_equal(heard(&guesses, v4(1), 20, START), 10);
    for (uint32_t i = 2; i <= 5 * SATD_GUESSERS_MAX; i++) assert_int_equal(heard(&guesses, v4(i), 1, START), 1);
    assert_ptr_equal(guesses.at, table);
    assert_int_equal(heard(&guesses, v4(1), 20, START), 0); /* a crowd does not wash a guesser clean */
    assert_int_equal(heard(&guesses, v4(5 * SATD_GUESSERS_MAX), 20, START), 9);
    satd_guesses_deinit(&guesses);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ten_at_once_and_ten_a_minute),
        cmocka_unit_test(each_limit_lets_just_so_many_through),
        cmocka_unit_test(an_address_spends_its_own_share_and_a_network_of_ipv6_one_for_all_of_it),
        cmocka_unit_test(what_did_not_fail_costs_nothing),
        cmocka_unit_test(what_fails_unasked_fills_the_bucket_and_no_more),
        cmocka_unit_test(the_table_is_of_one_size_and_forgets_those_who_failed_least),
    };
    return cmocka_run_group_tests_name("guesses", tests, NULL, NULL);
}
