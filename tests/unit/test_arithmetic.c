/* What reports compute with: exact to the last unit, or absent. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "client/view/arithmetic.h"
#include "client/view/database.h"

static struct client_view view;

static int teach(void **state)
{
    (void)state;
    struct sat_fault fault = {0};
    view = (struct client_view){0};
    assert_int_equal(sqlite3_open(":memory:", &view.db), SQLITE_OK);
    assert_int_equal(client_view_teach(&view, &fault), SAT_OK);
    return 0;
}

static int forget(void **state)
{
    (void)state;
    client_view_forget(&view);
    sqlite3_stmt *statement;
    assert_int_equal(sqlite3_prepare_v2(view.db, "SELECT basis_points(1, 2)", -1, &statement, NULL), SQLITE_ERROR);
    assert_int_equal(sqlite3_close(view.db), SQLITE_OK);
    return 0;
}

/* An expression, and its one value as text. */
static void expect(const char *expression, const char *wanted)
{
    char sql[600];
    sqlite3_stmt *statement;
    (void)snprintf(sql, sizeof sql, "SELECT %s", expression);
    if (sqlite3_prepare_v2(view.db, sql, -1, &statement, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(view.db));
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    const char *text = (const char *)sqlite3_column_text(statement, 0);
    if (strcmp(text ? text : "null", wanted) != 0) fail_msg("%s is %s, not %s", expression, text, wanted);
    assert_int_not_equal(sqlite3_column_type(statement, 0), SQLITE_FLOAT);
    assert_int_equal(sqlite3_finalize(statement), SQLITE_OK);
}

#define MOST "9223372036854775807"
#define LEAST "(-9223372036854775807 - 1)"

static void basis_points_are_rounded_once_halves_up(void **state)
{
    (void)state;
    expect("basis_points(1, 2)", "5000");
    expect("basis_points(1, 3)", "3333");
    expect("basis_points(2, 3)", "6667");
    expect("basis_points(0, 7)", "0");
    expect("basis_points(7, 7)", "10000");
    expect("basis_points(3, 1)", "30000");
    expect("basis_points(1, 20000)", "1"); /* half a point */
    expect("basis_points(1, 20001)", "0");
    expect("basis_points(-1, 20000)", "0"); /* half a point below nothing goes up, too */
    expect("basis_points(-1, 19999)", "-1");
    expect("basis_points(-3, 20000)", "-1");
    expect("basis_points(-1, 3)", "-3333");
}

static void basis_points_of_no_whole_are_absent(void **state)
{
    (void)state;
    expect("basis_points(1, 0)", "null");
    expect("basis_points(1, -5)", "null");
    expect("basis_points(NULL, 5)", "null");
    expect("basis_points(5, NULL)", "null");
    expect("basis_points('5', 5)", "null");
    expect("basis_points(5.0, 5)", "null");
}

static void basis_points_reach_to_the_ends_of_64_bits(void **state)
{
    (void)state;
    expect("basis_points(" MOST ", " MOST ")", "10000");
    expect("basis_points(" LEAST ", " MOST ")", "-10000");
    expect("basis_points(" MOST ", 10000)", MOST);
    expect("basis_points(" LEAST ", 10000)", "-9223372036854775808");
    expect("basis_points(" MOST ", 9999)", "null");
    expect("basis_points(" LEAST ", 9999)", "null");
    expect("basis_points(1, " MOST ")", "0");
}

static void a_sum_is_exact_or_absent_whatever_the_order(void **state)
{
    (void)state;
    expect("exact_sum(column1) FROM (VALUES(1),(2),(3))", "6");
    expect("exact_sum(column1) FROM (VALUES(" MOST "),(0))", MOST);
    expect("exact_sum(column1) FROM (VALUES(" MOST "),(1))", "null");
    expect("exact_sum(column1) FROM (VALUES(" MOST "),(1),(-1))", MOST);
    expect("exact_sum(column1) FROM (VALUES(-1),(" MOST "),(1))", MOST);
    expect("exact_sum(column1) FROM (VALUES(" LEAST "),(" LEAST "),(" MOST "),(" MOST "),(2))", "0");
    expect("exact_sum(column1) FROM (VALUES(" LEAST "),(-1))", "null");
    expect("exact_sum(column1) FROM (VALUES(" LEAST "),(0))", "-9223372036854775808");
    expect("exact_sum(9007199254740993) FROM (VALUES(1))", "9007199254740993"); /* no double has that */
}

static void what_is_no_integer_is_not_added_and_nothing_sums_to_nothing(void **state)
{
    (void)state;
    expect("exact_sum(column1) FROM (VALUES(NULL),(5),('7'),(x'01'))", "5");
    expect("exact_sum(column1) FROM (VALUES(5),(" MOST " + 1))", "null"); /* SQLite made a double of it */
    expect("exact_sum(column1) FROM (VALUES(NULL))", "0");
    expect("exact_sum(column1) FROM (VALUES(1)) WHERE 0", "0");
    expect("(SELECT count(*) FROM (SELECT exact_sum(column1) FROM (VALUES(1)) WHERE 0 GROUP BY column1))", "0");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, teach, forget)
    const struct CMUnitTest tests[] = {
        TEST(basis_points_are_rounded_once_halves_up),
        TEST(basis_points_of_no_whole_are_absent),
        TEST(basis_points_reach_to_the_ends_of_64_bits),
        TEST(a_sum_is_exact_or_absent_whatever_the_order),
        TEST(what_is_no_integer_is_not_added_and_nothing_sums_to_nothing),
    };
    return cmocka_run_group_tests_name("arithmetic", tests, NULL, NULL);
}
