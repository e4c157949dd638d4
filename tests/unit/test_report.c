/* Reports over a few records, in one process: each of them in every way in which it can be told. What their figures are
 * in full is in tests/cli/test_report.py. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/client_world.h"

static struct satchel *ann;
static char me[SATCHEL_ID_SIZE]; /* Ann's record */

static int take_id(void *context, const char *json)
{
    json_t *row = json_loads(json, 0, NULL);
    (void)snprintf(context, SATCHEL_ID_SIZE, "%s", json_string_value(json_object_get(row, "id")));
    json_decref(row);
    return 0;
}

static int make_org(void **state)
{
    if (make_client_world(state)) return -1;
    ann = create_org();
    must(ann, satchel_territory_add(ann, "Northern"));
    must(ann, satchel_territory_add(ann, "South'ern"));
    must(ann, satchel_query(ann, "SELECT id FROM user", take_id, me));
    return 0;
}

static int drop_org(void **state)
{
    satchel_close(ann);
    return drop_client_world(state);
}

/* A record of fields as printf() makes them; its id is borrowed until so many more are made. */
static __attribute__((format(printf, 3, 4))) const char *put(const char *type, const char *territory,
                                                             const char *format, ...)
{
    static char ids[32][SATCHEL_ID_SIZE];
    static unsigned at;
    char fields[500], *id = ids[at++ % 32];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(fields, sizeof fields, format, args);
    va_end(args);
    id[0] = '\0';
    put_one(ann, type, id, territory, fields);
    return id;
}

/* An account that bought, owes, and was visited, with a lead that came to something. */
static const char *put_business(const char *territory, const char *name, int amount)
{
    const char *account = put("account", territory, "{\"name\":\"%s\",\"owner\":\"%s\",\"tier\":\"low\"}", name, me);
    const char *order =
        put("order", territory, "{\"account\":\"%s\",\"currency\":\"CNY\",\"ordered_on\":\"2026-04-20\"}", account);
    (void)put("order_line", territory, "{\"order\":\"%s\",\"qty\":1,\"unit_price\":%d}", order, amount);
    const char *plan =
        put("visit_plan", territory, "{\"account\":\"%s\",\"person\":\"%s\",\"on_date\":\"2026-05-04\"}", account, me);
    (void)put("visit", territory,
              "{\"account\":\"%s\",\"plan\":\"%s\",\"person\":\"%s\",\"local_date\":\"2026-05-04\","
              "\"submitted_at\":\"2026-05-04T18:00:00+08:00\"}",
              account, plan, me);
    const char *owed =
        put("receivable", territory, "{\"account\":\"%s\",\"amount\":%d,\"currency\":\"CNY\",\"due\":\"2026-05-01\"}",
            account, amount);
    const char *paid =
        put("payment", territory,
            "{\"account\":\"%s\",\"amount\":100,\"currency\":\"CNY\",\"received_on\":\"2026-05-02\"}", account);
    (void)put("allocation", territory, "{\"payment\":\"%s\",\"receivable\":\"%s\",\"amount\":100}", paid, owed);
    const char *lead =
        put("lead", territory,
            "{\"company\":\"L\",\"channel\":\"exhibition\",\"captured_on\":\"2026-04-02\",\"owner\":\"%s\"}", me);
    (void)put("opportunity", territory,
              "{\"account\":\"%s\",\"lead\":\"%s\",\"amount\":%d,\"currency\":\"CNY\",\"owner\":\"%s\"}", account, lead,
              amount, me);
    (void)put(
        "target", territory,
        "{\"owner\":\"%s\",\"metric\":\"revenue CNY\",\"period_from\":\"2026-04-01\",\"period_to\":\"2026-06-30\","
        "\"values\":{\"1\":%d}}",
        me, 2 * amount);
    return account;
}

static json_t *report(const char *name, const char *period, const char *territory, const char *by)
{
    const struct satchel_report_options options = {
        .period = period, .territory = territory, .by = by, .today = "2026-05-09"};
    char *text = NULL;
    must(ann, satchel_report(ann, name, &options, &text));
    json_t *told = json_loads(text, 0, NULL);
    assert_true(json_is_object(told));
    satchel_free(text);
    return told;
}

static json_t *first_row(const json_t *told, const char *part)
{
    return json_array_get(json_object_get(json_object_get(told, "parts"), part), 0);
}

static json_int_t figure(const json_t *told, const char *part, const char *name)
{
    const json_t *value = json_object_get(first_row(told, part), name);
    if (!json_is_integer(value)) fail_msg("%s.%s is no figure", part, name);
    return json_integer_value(value);
}

/* Of each row whose it is if that is asked, and else not. */
static void check(json_t *told, const char *by, size_t territories)
{
    json_t *rows, *one;
    const char *part;
    size_t index, n = 0;
    const json_t *basis = json_object_get(told, "basis");
    assert_int_equal(json_array_size(json_object_get(basis, "territories")), territories);
    json_object_foreach(json_object_get(told, "parts"), part, rows)
    {
        json_array_foreach(rows, index, one) assert_int_equal(json_object_get(one, "of") != NULL, by != NULL);
        n++;
    }
    assert_true(n > 0 && json_array_size(json_object_get(basis, "counted")) > 0);
    json_decref(told);
}

static int tell_every_way(void *context, const char *json)
{
    static const char *const periods[] = {NULL, "last month", "today", "2026-05-04", "0001-01"};
    json_t *row = json_loads(json, 0, NULL), *way;
    const char *name = json_string_value(json_object_get(row, "report"));
    size_t index;
    for (size_t p = 0; p < sizeof periods / sizeof *periods; p++) check(report(name, periods[p], NULL, NULL), NULL, 2);
    json_array_foreach(json_object_get(row, "by"), index, way)
    {
        check(report(name, "2026", NULL, json_string_value(way)), json_string_value(way), 2);
        check(report(name, "2026", "South'ern", json_string_value(way)), json_string_value(way), 1);
    }
    json_decref(row);
    ++*(int *)context;
    return 0;
}

static void every_report_is_told_in_every_way(void **state)
{
    (void)state;
    int reports = 0;
    (void)put_business("Northern", "Blondel", 60000);
    (void)put_business("South'ern", "O'Brien \\\"& fils\\\"", 40000);
    must(ann, satchel_reports(tell_every_way, &reports));
    assert_int_equal(reports, 5);
}

static void their_figures_are_those_of_the_records(void **state)
{
    (void)state;
    (void)put_business("Northern", "Blondel", 60000);
    (void)put_business("South'ern", "Cactus", 40000);
    json_t *told = report("targets", "2026-Q2", NULL, NULL);
    assert_int_equal(figure(told, "targets", "actual_minor"), 100000); /* hers, wherever they are */
    json_decref(told);
    told = report("receivables", NULL, "South'ern", NULL);
    assert_int_equal(figure(told, "receivables", "outstanding_minor"), 40000 - 100);
    assert_int_equal(figure(told, "receivables", "days_overdue"), 8);
    assert_int_equal(figure(told, "receivables", "level_due"), 5);
    json_decref(told);
    told = report("tiers", NULL, NULL, NULL);
    assert_int_equal(figure(told, "tiers", "amount_minor"), 100000);
    json_decref(told);
    told = report("visits", "2026-05", NULL, "owner");
    assert_int_equal(figure(told, "coverage", "visited_bp"), 10000);
    assert_int_equal(figure(told, "plans", "completion_bp"), 10000);
    assert_string_equal(json_string_value(json_object_get(first_row(told, "plans"), "of")), "Ann");
    json_decref(told);
    told = report("funnel", "2026", "Northern", "channel");
    assert_int_equal(figure(told, "steps", "cohort"), 1);
    assert_string_equal(json_string_value(json_object_get(first_row(told, "steps"), "of")), "exhibition");
    json_decref(told);
}

static void what_no_report_can_tell_is_said(void **state)
{
    (void)state;
    const struct satchel_report_options period = {.period = "2026-13"}, by = {.by = "age"}, no_day = {.today = "9 May"},
                                        nowhere = {.territory = "Western"}, people = {.territory = "people"},
                                        long_day = {.today = "2026-05-09T10:00:00"};
    char *text = NULL;
    must_fail(ann, satchel_report(ann, "given", NULL, &text), "usage", "there are funnel, receivables");
    must_fail(ann, satchel_report(ann, NULL, NULL, &text), "usage", "there is no report");
    must_fail(ann, satchel_report(ann, "visits", &period, &text), "usage", "is no period");
    must_fail(ann, satchel_report(ann, "visits", &no_day, &text), "usage", "today is a day");
    must_fail(ann, satchel_report(ann, "visits", &long_day, &text), "usage", "today is a day");
    must_fail(ann, satchel_report(ann, "visits", &by, &text), "usage", "one of: territory owner");
    must_fail(ann, satchel_report(ann, "visits", &nowhere, &text), "not_found", "Western");
    must_fail(ann, satchel_report(ann, "visits", &people, &text), "usage", "is no territory");
    assert_null(text);
}

/* An amount that 64 bits hold, and a sum that they do not. */
static void what_does_not_fit_is_absent(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++)
        (void)put("opportunity", "Northern", "{\"amount\":%lld,\"currency\":\"CNY\",\"opened_on\":\"2026-05-01\"}",
                  9000000000000000000ll);
    json_t *told = report("funnel", "2026", NULL, NULL);
    assert_int_equal(figure(told, "pipeline", "n"), 2);
    assert_true(json_is_null(json_object_get(first_row(told, "pipeline"), "amount_minor")));
    json_decref(told);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_org, drop_org)
    const struct CMUnitTest tests[] = {
        TEST(every_report_is_told_in_every_way),
        TEST(their_figures_are_those_of_the_records),
        TEST(what_no_report_can_tell_is_said),
        TEST(what_does_not_fit_is_absent),
    };
    return cmocka_run_group_tests_name("reports", tests, NULL, NULL);
}
