#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "client/currency.h"

static void a_figure_is_read_to_the_minor_unit_or_not_at_all(void **state)
{
    static const struct {
        const char *text, *currency;
        int64_t minor; /* -1: refused */
    } cases[] = {
        {"1500", "CNY", 150000},
        {"1500.5", "CNY", 150050},
        {"0.05", "EUR", 5},
        {"12", "JPY", 12},
        {"1.234", "KWD", 1234},
        {"7", "none", 700},
        {"0", "CNY", 0},
        {"92233720368547758.07", "CNY", INT64_MAX},
        {"92233720368547758.08", "CNY", -1},
        {"1.5", "JPY", -1},
        {"1.", "CNY", -1},
        {".5", "CNY", -1},
        {"1.234", "CNY", -1},
        {"-1", "CNY", -1},
        {"+1", "CNY", -1},
        {"1,5", "CNY", -1},
        {"1.2.3", "CNY", -1},
        {"", "CNY", -1},
        {" 1", "CNY", -1},
        {"1e3", "CNY", -1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t minor = 0;
        bool good = client_money_read(cases[i].text, cases[i].currency, &minor);
        assert_int_equal(good, cases[i].minor >= 0);
        if (good) assert_int_equal(minor, cases[i].minor);
    }
}

static void what_is_shown_is_what_was_read(void **state)
{
    struct sat_arena arena;
    (void)state;
    sat_arena_init(&arena);
    assert_string_equal(client_money_shown(&arena, -123456, "CNY"), "-1234.56 CNY");
    assert_string_equal(client_money_shown(&arena, 5, "KWD"), "0.005 KWD");
    assert_string_equal(client_money_shown(&arena, 5000, "JPY"), "5000 JPY");
    assert_string_equal(client_money_shown(&arena, 700, NULL), "7.00");
    assert_string_equal(client_money_shown(&arena, INT64_MIN, NULL), "-92233720368547758.08");
    assert_string_equal(client_share_shown(&arena, 750), "7.50 %");
    sat_arena_deinit(&arena);
}

static void a_share_is_basis_points_or_percent(void **state)
{
    static const struct {
        const char *text;
        int64_t points;
    } cases[] = {{"750", 750},
                 {"7.5%", 750},
                 {"100%", 10000},
                 {"0", 0},
                 {"10000", 10000},
                 {"10001", -1},
                 {"101%", -1},
                 {"7.5", -1},
                 {"7.555%", -1},
                 {"%", -1},
                 {"", -1},
                 {"-1", -1},
                 {"0000000000000000000001", -1}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t points = 0;
        bool good = client_share_read(cases[i].text, &points);
        assert_int_equal(good, cases[i].points >= 0);
        if (good) assert_int_equal(points, cases[i].points);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_figure_is_read_to_the_minor_unit_or_not_at_all),
        cmocka_unit_test(what_is_shown_is_what_was_read),
        cmocka_unit_test(a_share_is_basis_points_or_percent),
    };
    return cmocka_run_group_tests_name("currency", tests, NULL, NULL);
}
