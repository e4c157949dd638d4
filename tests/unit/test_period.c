/* A report's period, as people write it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "client/period.h"

static void expect(const char *text, const char *today, const char *name, const char *first, const char *last)
{
    struct client_period period;
    struct sat_fault fault = {0};
    assert_int_equal(client_period_parse(text, today, &period, &fault), SAT_OK);
    assert_string_equal(period.name, name);
    assert_string_equal(period.first, first);
    assert_string_equal(period.last, last);
}

static void years_quarters_months_and_days_are_written_out(void **state)
{
    (void)state;
    expect("2026", "2000-01-01", "2026", "2026-01-01", "2026-12-31");
    expect("2026-Q1", "2000-01-01", "2026-Q1", "2026-01-01", "2026-03-31");
    expect("2026-q2", "2000-01-01", "2026-Q2", "2026-04-01", "2026-06-30");
    expect("2026-Q4", "2000-01-01", "2026-Q4", "2026-10-01", "2026-12-31");
    expect("2026-05", "2000-01-01", "2026-05", "2026-05-01", "2026-05-31");
    expect("2026-05-09", "2000-01-01", "2026-05-09", "2026-05-09", "2026-05-09");
}

static void a_month_ends_with_its_last_day(void **state)
{
    (void)state;
    expect("2024-02", "2000-01-01", "2024-02", "2024-02-01", "2024-02-29");
    expect("2026-02", "2000-01-01", "2026-02", "2026-02-01", "2026-02-28");
    expect("1900-02", "2000-01-01", "1900-02", "1900-02-01", "1900-02-28");
    expect("2026-04", "2000-01-01", "2026-04", "2026-04-01", "2026-04-30");
}

static void this_and_last_count_from_today(void **state)
{
    (void)state;
    expect("today", "2026-01-31", "2026-01-31", "2026-01-31", "2026-01-31");
    expect("this month", "2026-01-31", "2026-01", "2026-01-01", "2026-01-31");
    expect("last month", "2026-01-31", "2025-12", "2025-12-01", "2025-12-31");
    expect("last month", "2026-03-31", "2026-02", "2026-02-01", "2026-02-28");
    expect("this quarter", "2026-06-30", "2026-Q2", "2026-04-01", "2026-06-30");
    expect("last quarter", "2026-02-01", "2025-Q4", "2025-10-01", "2025-12-31");
    expect("this year", "2026-12-31", "2026", "2026-01-01", "2026-12-31");
    expect("last year", "2026-01-01", "2025", "2025-01-01", "2025-12-31");
}

static void anything_else_is_a_usage_error_that_says_what_can_be_written(void **state)
{
    (void)state;
    static const char *const wrong[] = {"",           "20",         "26-05",        "2026-",     "2026-5",
                                        "2026-13",    "2026-00",    "2026-Q0",      "2026-Q5",   "2026-Q",
                                        "2026-Q12",   "2026-05-32", "2026-02-29",   "2026-05-1", "2026/05",
                                        "May",        "next month", "this",         "this week", "last  month",
                                        "last year ", "2026 ",      " 2026",        "２０２６",  "2026-05-011",
                                        "-2026",      "+026",       "this monthly", "yesterday"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct client_period period;
        struct sat_fault fault = {0};
        assert_int_equal(client_period_parse(wrong[i], "2026-05-09", &period, &fault), SAT_ERR_USAGE);
        assert_non_null(strstr(fault.text, "write 2026, 2026-Q2"));
    }
}

static void the_ends_of_the_calendar_are_no_period_beyond_it(void **state)
{
    (void)state;
    struct client_period period;
    struct sat_fault fault = {0};
    expect("9999", "9999-12-31", "9999", "9999-01-01", "9999-12-31");
    expect("this month", "0000-01-15", "0000-01", "0000-01-01", "0000-01-31");
    assert_int_equal(client_period_parse("last month", "0000-01-15", &period, &fault), SAT_ERR_USAGE);
    assert_int_equal(client_period_parse("last year", "0000-01-15", &period, &fault), SAT_ERR_USAGE);
    assert_int_equal(client_period_parse("today", "no day", &period, &fault), SAT_ERR_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(years_quarters_months_and_days_are_written_out),
        cmocka_unit_test(a_month_ends_with_its_last_day),
        cmocka_unit_test(this_and_last_count_from_today),
        cmocka_unit_test(anything_else_is_a_usage_error_that_says_what_can_be_written),
        cmocka_unit_test(the_ends_of_the_calendar_are_no_period_beyond_it),
    };
    return cmocka_run_group_tests_name("period", tests, NULL, NULL);
}
