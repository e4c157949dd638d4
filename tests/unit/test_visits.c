/* Visits, the day and an account's page, by the domain's items and their figures; and the hard cases that they meet. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "client/book/ask.h"
#include "client/book/evidence.h"
#include "tests/unit/book_world.h"

/* Bob has a tablet as well. */
static struct satchel *tablet;
static char today[CLIENT_BOOK_DAY_SIZE];

static void sync_people(void)
{
    for (int round = 0; round < 2; round++) {
        (void)sync_now(bob);
        (void)sync_now(tablet);
        (void)sync_now(cid);
        (void)sync_now(ann);
    }
}

static int make_org(void **state)
{
    if (make_book(state)) return -1;
    tablet = join_as(ann, "Bob", "tablet");
    sync_people();
    client_book_today(today);
    return 0;
}

static int drop_org(void **state)
{
    satchel_close(tablet);
    return drop_book(state);
}

/* ---- What is done, and what is told ---- */

/* An account of its own for each test, with its pin at 31° N, 121° E. */
static void make_account(const char *name, char id[SATCHEL_ID_SIZE])
{
    char fields[300];
    id[0] = '\0';
    (void)snprintf(fields, sizeof fields, "{\"name\":\"%s\",\"lat_e7\":310000000,\"lon_e7\":1210000000}", name);
    put_one(bob, "account", id, NULL, fields);
}

static json_t *parsed(char *text)
{
    json_t *json = json_loads(text ? text : "null", JSON_DECODE_ANY, NULL);
    satchel_free(text);
    assert_non_null(json);
    return json;
}

typedef int visit_act(struct satchel *satchel, const char *named, const struct satchel_visit_options *options,
                      char **json);

static json_t *act(struct satchel *satchel, visit_act *verb, const char *named, const char *said)
{
    struct satchel_visit_options options = {.said = said};
    char *text = NULL;
    must(satchel, verb(satchel, named, &options, &text));
    return parsed(text);
}

static void do_it(struct satchel *satchel, visit_act *verb, const char *named, const char *said)
{
    json_decref(act(satchel, verb, named, said));
}

static void make_visit(struct satchel *satchel, const char *account, const char *said)
{
    do_it(satchel, satchel_visit_start, account, NULL);
    do_it(satchel, satchel_visit_submit, account, said);
}

static void plan(struct satchel *satchel, const char *account, const char *on)
{
    char *text = NULL;
    must(satchel, satchel_visit_plan(satchel, account, on, NULL, &text));
    satchel_free(text);
}

static json_t *day_of(struct satchel *satchel)
{
    char *text = NULL;
    must(satchel, satchel_today(satchel, NULL, &text));
    return parsed(text);
}

static json_t *page_of(struct satchel *satchel, const char *account)
{
    char *text = NULL;
    must(satchel, satchel_account_show(satchel, account, &text));
    return parsed(text);
}

static size_t rows_n(const json_t *page, const char *block)
{
    return json_array_size(json_object_get(json_object_get(page, block), "rows"));
}

static json_t *row_of(const json_t *page, const char *block, size_t at)
{
    return json_array_get(json_object_get(json_object_get(page, block), "rows"), at);
}

/* The object's member, as JSON. */
static void expect(const json_t *object, const char *member, const char *wanted)
{
    char *text = json_dumps(json_object_get(object, member), JSON_ENCODE_ANY | JSON_COMPACT | JSON_SORT_KEYS);
    assert_string_equal(text ? text : "nothing", wanted);
    free(text);
}

/* ---- M06-4 (see test_check_in.c, too) ---- */

static void m06_4_what_looks_odd_is_shown_and_stops_nothing(void **state)
{
    (void)state;
    char account[SATCHEL_ID_SIZE];
    make_account("Far away", account);
    struct satchel_check check = {
        .positioned = 1, .lat_e7 = 320000000, .lon_e7 = 1210000000, .accuracy_m = 20, .mock = 1};
    struct satchel_visit_options options = {.check = &check};
    char *text = NULL;
    must(bob, satchel_visit_start(bob, "Far away", &options, &text));
    json_decref(parsed(text));
    json_t *done = act(bob, satchel_visit_submit, account, "{\"none\":\"closed\"}");
    expect(done, "state", "\"submitted\"");
    expect(done, "flags", "[\"far\",\"mock position\",\"no check-out\",\"unprepared\"]");
    expect(done, "accuracy_m", "20");
    json_decref(done);
}

/* ---- M06-1 ---- */

static json_t *report_of(struct satchel *satchel, const char *name, const char *part)
{
    const struct satchel_report_options options = {.period = "today"};
    char *text = NULL;
    must(satchel, satchel_report(satchel, name, &options, &text));
    json_t *report = parsed(text), *rows = json_object_get(json_object_get(report, "parts"), part);
    json_t *row = json_incref(json_array_get(rows, 0));
    json_decref(report);
    assert_non_null(row);
    return row;
}

static void m06_1_eight_planned_six_done_one_skipped_one_moved(void **state)
{
    (void)state;
    char id[SATCHEL_ID_SIZE], name[20], fields[80], *text = NULL;
    for (int i = 0; i < 10; i++) {
        (void)snprintf(name, sizeof name, "Route %d", i);
        make_account(name, id);
    }
    (void)sync_now(bob);
    (void)sync_now(cid);
    for (int i = 0; i < 8; i++) {
        (void)snprintf(name, sizeof name, "Route %d", i);
        plan(cid, name, today);
    }
    plan(cid, "Route 0", today); /* the same again is the same one */
    must_fail(cid, satchel_visit_skip(cid, "Route 6", NULL, "", &text), "invalid", "reason");
    must(cid, satchel_visit_skip(cid, "Route 6", NULL, "the shop is closed", &text));
    satchel_free(text);
    must(cid, satchel_visit_move(cid, "Route 7", NULL, "2099-01-05", NULL, &text));
    satchel_free(text);
    for (int i = 0; i < 10; i++) {
        (void)snprintf(name, sizeof name, "Route %d", i);
        if (i < 6 || i > 7) make_visit(cid, name, "{\"next\":\"call\"}");
    }
    json_t *row = report_of(cid, "visits", "plans"), *day = day_of(cid);
    expect(row, "planned", "8");
    expect(row, "done", "6");
    expect(row, "skipped", "1");
    expect(row, "moved", "1");
    expect(row, "completion_bp", "7500");
    json_decref(row);
    assert_int_equal(json_array_size(json_object_get(day, "plans")), 8);
    assert_int_equal(json_array_size(json_object_get(day, "unplanned")), 2);
    expect(json_array_get(json_object_get(day, "plans"), 5), "seq", "6");
    expect(json_array_get(json_object_get(day, "plans"), 6), "reason", "\"the shop is closed\"");
    json_decref(day);
    must_fail(cid, satchel_visit_skip(cid, "Route 1", NULL, "too late", &text), "invalid", "done");
    (void)snprintf(fields, sizeof fields, "{\"account\":\"%s\"}", id);
    id[0] = '\0'; /* a plan without a day, as another program writes it */
    put_one(cid, "visit_plan", id, NULL, fields);
    must_fail(cid, satchel_visit_skip(cid, id, NULL, "closed", &text), "invalid", "has no day");
    must_fail(cid, satchel_visit_move(cid, id, NULL, "2099-01-05", NULL, &text), "invalid", "has no day");
    (void)sync_now(cid);
}

/* ---- M06-2 ---- */

static void m06_2_two_of_three_ticked_may_start_and_is_listed(void **state)
{
    (void)state;
    char account[SATCHEL_ID_SIZE];
    make_account("Half ready", account);
    do_it(bob, satchel_visit_prepare, account, "{\"background\":\"yes\"}");
    json_t *begun = act(bob, satchel_visit_start, account, "{\"goal\":\"two shops more\"}");
    expect(begun, "state", "\"checked_in\"");
    expect(begun, "readiness_bp", "6667");
    expect(json_array_get(json_object_get(begun, "checklist"), 1), "done", "false");
    json_decref(begun);
    struct satchel_visit_options late = {.said = "{\"agenda\":\"yes\"}"};
    char *text = NULL;
    must_fail(bob, satchel_visit_note(bob, account, &late, &text), "invalid", "preparation");
    do_it(bob, satchel_visit_submit, account, "{\"none\":\"nobody there\"}");
    sync_people();
    struct rows rows = {0};
    must(ann, satchel_visits(ann, "today", "unprepared", collect_row, &rows));
    assert_non_null(strstr(rows.text, "Half ready"));
    rows = (struct rows){0};
    must(ann, satchel_visits(ann, "today", "far", collect_row, &rows));
    assert_null(strstr(rows.text, "Half ready"));
}

static void m06_2_what_one_should_know_is_at_hand(void **state)
{
    (void)state;
    char account[SATCHEL_ID_SIZE], id[SATCHEL_ID_SIZE] = "", fields[300];
    make_account("Well known", account);
    for (int i = 0; i < 4; i++) make_visit(bob, account, "{\"next\":\"call\"}");
    const char *const puts[][2] = {{"order", "\"no_local\":\"B-1\""},
                                   {"receivable", "\"amount\":5000,\"currency\":\"CNY\",\"due\":\"2026-05-01\""},
                                   {"complaint", "\"text\":\"late\""},
                                   {"need", "\"text\":\"small packs\""}};
    for (size_t i = 0; i < 4; i++) {
        id[0] = '\0';
        (void)snprintf(fields, sizeof fields, "{\"account\":\"%s\",%s}", account, puts[i][1]);
        put_one(bob, puts[i][0], id, NULL, fields);
    }
    json_t *begun = act(bob, satchel_visit_prepare, account, NULL), *briefing = json_object_get(begun, "briefing");
    assert_int_equal(json_array_size(json_object_get(briefing, "visits")), 3);
    assert_int_equal(json_array_size(json_object_get(briefing, "orders")), 1);
    assert_int_equal(json_array_size(json_object_get(briefing, "receivables")), 1);
    assert_int_equal(json_array_size(json_object_get(briefing, "complaints")), 1);
    assert_int_equal(json_array_size(json_object_get(briefing, "needs")), 1);
    json_decref(begun);
}

/* ---- M06-3, M06-6 ---- */

static void m06_3_what_was_submitted_without_a_network_arrives_as_submitted(void **state)
{
    (void)state;
    char account[SATCHEL_ID_SIZE], *text = NULL;
    make_account("Cellar", account);
    do_it(bob, satchel_visit_start, account, NULL);
    json_t *noted = act(bob, satchel_visit_note, NULL, "{\"needs\":\"小包装\",\"opening\":\"tea\"}");
    expect(noted, "unanswered", "[{\"key\":\"goal\",\"text\":\"拜访目标 / the goal\"}]");
    json_decref(noted);
    struct satchel_visit_options nothing = {.said = NULL}, wrong = {.said = "{\"dessert\":\"none\"}"};
    must_fail(bob, satchel_visit_note(bob, NULL, &wrong, &text), "invalid", "objections");
    must_fail(bob, satchel_visit_submit(bob, account, &nothing, &text), "invalid", "next step");
    do_it(bob, satchel_visit_finish, account, NULL);
    json_t *done = act(bob, satchel_visit_submit, account, "{\"next\":[\"2026-05-20 send samples\",\"call\"]}");
    char id[SATCHEL_ID_SIZE];
    (void)snprintf(id, sizeof id, "%s", json_string_value(json_object_get(done, "visit")));
    json_decref(done);
    must_fail(bob, satchel_visit_note(bob, id, &nothing, &text), "invalid", "was submitted");
    sync_people();
    struct rows rows = {0};
    must(ann, satchel_visits(ann, "today", NULL, collect_row, &rows));
    const char *at = strstr(rows.text, id);
    assert_non_null(at);
    assert_non_null(strstr(at, "\"state\":\"submitted\""));
}

static void m06_6_next_steps_are_tasks_once_whoever_submits(void **state)
{
    (void)state;
    static const char sql[] =
        "SELECT title, due FROM task WHERE account = (SELECT id FROM account WHERE name = 'Twice')"
        " ORDER BY title";
    static const char wanted[] =
        "{\"title\":\"call\",\"due\":null}\n{\"title\":\"send samples\",\"due\":\"2026-05-20\"}";
    char account[SATCHEL_ID_SIZE];
    make_account("Twice", account);
    do_it(bob, satchel_visit_start, account, NULL);
    do_it(bob, satchel_visit_note, account, "{\"next\":[\"2026-05-20 send samples\",\"call\"]}");
    sync_people();
    do_it(bob, satchel_visit_submit, account, NULL);
    do_it(tablet, satchel_visit_submit, account, NULL); /* neither has seen the other */
    sync_people();
    struct satchel *const all[] = {bob, tablet, ann};
    for (size_t i = 0; i < 3; i++) assert_rows(all[i], sql, wanted);
    assert_rows(ann, "SELECT state FROM visit WHERE account = (SELECT id FROM account WHERE name = 'Twice')",
                "{\"state\":\"submitted\"}");
}

/* ---- M06-9 ---- */

static void m06_9_figures_are_the_amendments_and_both_are_kept(void **state)
{
    (void)state;
    char account[SATCHEL_ID_SIZE], order[SATCHEL_ID_SIZE] = "", line[SATCHEL_ID_SIZE] = "", fields[400];
    make_account("Typed 100", account);
    (void)snprintf(fields, sizeof fields, "{\"account\":\"%s\",\"no_local\":\"B-9\",\"currency\":\"CNY\"}", account);
    put_one(bob, "order", order, NULL, fields);
    (void)snprintf(fields, sizeof fields, "{\"order\":\"%s\",\"sku\":\"M1\",\"qty\":100,\"unit_price\":250}", order);
    put_one(bob, "order_line", line, NULL, fields);
    struct rows rows = {0};
    must_fail(bob, satchel_amend(bob, "order_line", line, "{\"qty\":10}", "typed 100", collect_row, &rows), "invalid",
              "not submitted");
    put_one(bob, "order_line", line, NULL, "{\"submitted_at\":\"2026-05-04T10:00:00+08:00\"}");
    must_fail(bob, satchel_amend(bob, "order_line", line, "{\"qty\":10}", "", collect_row, &rows), "invalid", "reason");
    must_fail(bob, satchel_amend(bob, "order_line", line, "{\"qty\":\"ten\"}", "x", collect_row, &rows), "invalid",
              "qty");
    must_fail(bob, satchel_amend(bob, "order_line", line, "{\"order\":\"x\"}", "x", collect_row, &rows), "invalid",
              "edited");
    assert_rows(bob, "SELECT total FROM \"order\" WHERE no_local = 'B-9'", "{\"total\":25000}");
    must(bob, satchel_amend(bob, "order_line", line, "{\"qty\":10}", "typed 100", collect_row, &rows));
    assert_non_null(strstr(rows.text, "\"old_value\":\"100\""));
    assert_rows(bob, "SELECT total FROM \"order\" WHERE no_local = 'B-9'", "{\"total\":2500}");
    sync_people();
    assert_rows(cid,
                "SELECT l.qty, l.amount, o.total FROM order_line AS l JOIN \"order\" AS o ON o.id = l.\"order\""
                " WHERE o.no_local = 'B-9'",
                "{\"qty\":10,\"amount\":2500,\"total\":2500}");
    rows = (struct rows){0};
    must(cid, satchel_amend(cid, "order_line", line, "{\"qty\":12}", "counted again", collect_row, &rows));
    assert_non_null(strstr(rows.text, "\"old_value\":\"10\""));
    assert_rows(cid, "SELECT total FROM \"order\" WHERE no_local = 'B-9'", "{\"total\":3000}");
    char *text = NULL;
    must(cid, satchel_get(cid, "order_line", line, &text));
    assert_non_null(strstr(text, "\"qty\":100"));
    satchel_free(text);
    sync_people();
    char elsewhere[SATCHEL_ID_SIZE] = ""; /* who writes another territory amends nothing here */
    must(ann, satchel_territory_add(ann, "Western"));
    (void)snprintf(fields, sizeof fields,
                   "{\"about\":\"%s\",\"field\":\"qty\",\"new_value\":\"1\",\"at\":\"2099-01-01T00:00:00Z\"}", line);
    put_one(ann, "amendment", elsewhere, "Western", fields);
    assert_rows(ann, "SELECT qty FROM order_line WHERE sku = 'M1'", "{\"qty\":12}");
}

static void the_tables_are_those_of_a_view_made_anew(void **state)
{
    (void)state;
    struct satchel *const all[] = {ann, bob, tablet, cid};
    for (size_t i = 0; i < 4; i++) assert_as_made_anew(all[i]);
}

/* ---- M01-6 ---- */

/* A template that came by sync may lack what a published one has: its item is asked all the same. */
static void an_item_without_a_text_is_listed_by_its_key(void **state)
{
    (void)state;
    char account[SATCHEL_ID_SIZE], id[SATCHEL_ID_SIZE] = "";
    put_one(
        ann, "template", id, NULL,
        "{\"kind\":\"checklist\",\"name\":\"visit_preparation\",\"version\":9,\"published_at\":"
        "\"2026-05-01T09:00:00+08:00\",\"body\":\"{\\\"items\\\":[{\\\"key\\\":\\\"samples\\\",\\\"mandatory\\\":true},"
        "5,{\\\"text\\\":\\\"no key\\\"}]}\"}");
    sync_people();
    make_account("Items", account);
    json_t *begun = act(bob, satchel_visit_prepare, account, NULL), *list = json_object_get(begun, "checklist");
    assert_int_equal(json_array_size(list), 1);
    expect(json_array_get(list, 0), "key", "\"samples\"");
    expect(json_array_get(list, 0), "mandatory", "true");
    json_decref(begun);
}

static void m01_6_what_a_newer_template_asks_is_listed_and_blocks_nothing(void **state)
{
    (void)state;
    char account[SATCHEL_ID_SIZE], id[SATCHEL_ID_SIZE] = "", *text = NULL;
    struct rows rows = {0};
    must(ann, satchel_template_publish(ann, NULL, collect_row, &rows));
    assert_int_equal(rows.n, 2);
    rows = (struct rows){0};
    must(ann, satchel_template_publish(ann, NULL, collect_row, &rows));
    assert_non_null(strstr(rows.text, "\"published\":false"));
    put_one(ann, "config_item", id, NULL,
            "{\"kind\":\"field\",\"name\":\"visit.season\",\"version\":1,\"body\":\"{\\\"kind\\\":\\\"text\\\","
            "\\\"grade\\\":\\\"G1\\\"}\","
            "\"published_at\":\"2026-05-01T09:00:00+08:00\"}");
    sync_people();
    make_account("Season", account);
    do_it(bob, satchel_visit_start, account, "{\"goal\":\"g\"}");
    do_it(bob, satchel_visit_note, account, "{\"needs\":\"n\"}");
    rows = (struct rows){0};
    must(ann, satchel_template_publish(ann,
                                       "{\"kind\":\"visit\",\"name\":\"six_parts\",\"body\":{\"items\":[{\"key\":"
                                       "\"ext.season\",\"text\":\"Season\",\"mandatory\":true}]}}",
                                       collect_row, &rows));
    assert_non_null(strstr(rows.text, "\"version\":2"));
    (void)sync_now(ann);
    json_t *done = act(bob, satchel_visit_submit, account, "{\"next\":\"call\"}");
    expect(done, "unanswered", "[]"); /* by the version that it was made under */
    char visit[SATCHEL_ID_SIZE];
    (void)snprintf(visit, sizeof visit, "%s", json_string_value(json_object_get(done, "visit")));
    json_decref(done);
    sync_people();
    json_t *day = day_of(bob), *one = json_array_get(json_object_get(day, "needs_completion"), 0);
    assert_int_equal(json_array_size(json_object_get(day, "needs_completion")), 1);
    expect(one, "missing", "[{\"key\":\"ext.season\",\"text\":\"Season\"}]");
    expect(one, "made_under", "1");
    expect(one, "asks", "2");
    json_decref(day);
    put_one(bob, "visit", visit, NULL, "{\"ext\":{\"season\":\"spring\"}}");
    day = day_of(bob);
    assert_int_equal(json_array_size(json_object_get(day, "needs_completion")), 0);
    json_decref(day);
    must_fail(bob, satchel_template_publish(bob, "{\"kind\":\"visit\"}", collect_row, &rows), "invalid", "JSON");
    (void)text;
    /* two made one id in two territories: each copy is looked at by itself */
    static const char ended[] = "{\"person\":\"%s\",\"submitted_at\":\"2098-05-01T09:00:00Z\"}";
    char fields[200], copy[SATCHEL_ID_SIZE] = "00000000-0000-4000-8000-0000000000c5";
    json_t *self;
    assert_int_equal(client_book_ask_one(bob, "SELECT id FROM user WHERE name = 'Bob'", NULL, 0, &self), SAT_OK);
    (void)snprintf(fields, sizeof fields, ended, json_string_value(json_object_get(self, "id")));
    json_decref(self);
    must(ann, satchel_territory_add(ann, "Southern"));
    must(ann, satchel_territory_grant(ann, "Southern", "Bob", 0));
    must(ann, satchel_territory_grant(ann, "Southern", "Cid", 0));
    sync_people();
    put_one(bob, "visit", copy, "Northern", fields);
    put_one(cid, "visit", copy, "Southern", fields);
    sync_people();
    day = day_of(bob);
    assert_int_equal(json_array_size(json_object_get(day, "needs_completion")), 2);
    json_decref(day);
}

/* ---- M02-10, M02-16, M03-1, M03-4, M11-3 ---- */

static void put_of(struct satchel *satchel, const char *type, const char *account, const char *fields)
{
    char id[SATCHEL_ID_SIZE] = "", text[500];
    (void)snprintf(text, sizeof text, "{\"account\":\"%s\",%s}", account, fields);
    put_one(satchel, type, id, NULL, text);
}

static void m02_10_a_page_of_three_visits_five_orders_and_four_needs(void **state)
{
    (void)state;
    static const char *const days[] = {"2026-01-05", "2026-02-04", "2026-03-06", "2026-04-07", "2026-05-06"};
    char account[SATCHEL_ID_SIZE], fields[200];
    make_account("上海晨光食品有限公司", account);
    for (int i = 0; i < 3; i++) make_visit(bob, account, "{\"next\":\"call\"}");
    for (int i = 0; i < 5; i++) {
        (void)snprintf(fields, sizeof fields, "\"ordered_on\":\"%s\",\"no_local\":\"C-%d\"", days[i], i);
        put_of(bob, "order", account, fields);
    }
    for (int i = 1; i < 5; i++) {
        (void)snprintf(fields, sizeof fields, "\"kind\":\"need\",\"text\":\"n\",\"severity\":%d", i);
        put_of(bob, "need", account, fields);
    }
    put_of(bob, "account_profile", account, "\"decision_process\":\"the owner alone\"");
    put_of(bob, "tier_event", account, "\"tier\":\"mid\",\"on_date\":\"2026-04-01\",\"amount\":499999999");
    put_of(bob, "tier_event", account, "\"tier\":\"high\",\"on_date\":\"2026-05-01\",\"amount\":500000000");
    sync_people();
    json_t *page = page_of(bob, "上海晨光食品有限公司");
    assert_int_equal(rows_n(page, "visits"), 3);
    assert_int_equal(rows_n(page, "orders"), 5);
    assert_int_equal(rows_n(page, "needs"), 4);
    assert_int_equal(rows_n(page, "tiers"), 2);
    expect(row_of(page, "needs", 0), "severity", "4");
    expect(row_of(page, "tiers", 0), "tier", "\"high\"");
    expect(row_of(page, "profile", 0), "decision_process", "\"the owner alone\"");
    const char *block;
    json_t *value;
    json_object_foreach(page, block, value) if (json_object_get(value, "rows"))
        assert_true(json_is_string(json_object_get(value, "as_of")));
    json_t *buying = json_object_get(json_object_get(page, "profile"), "buying");
    expect(buying, "cycle_days", "30"); /* M02-16: 30, 30, 32, 29 */
    expect(buying, "next_expected", "\"2026-06-05\"");
    json_decref(page);
}

static void m03_1_who_went_to_another_account_is_still_in_the_old_visits(void **state)
{
    (void)state;
    char from[SATCHEL_ID_SIZE], to[SATCHEL_ID_SIZE], wang[SATCHEL_ID_SIZE] = "", fields[200];
    make_account("Old employer", from);
    make_account("New employer", to);
    put_one(bob, "contact", wang, "Northern", "{\"name\":\"王敏\"}");
    (void)snprintf(fields, sizeof fields, "\"contact\":\"%s\",\"roles\":[\"decider\"],\"from_date\":\"2025-01-01\"",
                   wang);
    put_of(bob, "contact_role", from, fields);
    do_it(bob, satchel_visit_start, from, NULL);
    do_it(bob, satchel_visit_submit, from, "{\"contact\":\"王敏\",\"next\":\"call\"}");
    (void)snprintf(fields, sizeof fields, "\"contact\":\"%s\",\"to_date\":\"2026-04-30\"", wang);
    put_of(bob, "contact_role", from, fields); /* the same link: its id follows from the two */
    (void)snprintf(fields, sizeof fields, "\"contact\":\"%s\",\"roles\":[\"decider\"],\"from_date\":\"2026-05-01\"",
                   wang);
    put_of(bob, "contact_role", to, fields);
    json_t *page = page_of(bob, from);
    expect(row_of(page, "visits", 0), "contacts", "[\"王敏\"]");
    expect(row_of(page, "people", 0), "to", "\"2026-04-30\"");
    expect(row_of(page, "people", 0), "roles", "[\"decider\"]");
    json_decref(page);
    page = page_of(bob, to);
    expect(row_of(page, "people", 0), "name", "\"王敏\"");
    expect(row_of(page, "people", 0), "to", "null");
    json_decref(page);
}

static void m03_4_a_visit_moves_the_last_contact_and_never_back(void **state)
{
    (void)state;
    char account[SATCHEL_ID_SIZE];
    make_account("Contacted", account);
    sync_people();
    put_one(cid, "account", account, NULL, "{\"last_contact_at\":\"2099-05-06T10:00:00+08:00\"}");
    make_visit(bob, account, "{\"next\":\"call\"}");
    (void)sync_now(cid);
    sync_people();
    assert_rows(ann, "SELECT last_contact_at, first_contact_at < '2099' AS first FROM account WHERE name = 'Contacted'",
                "{\"last_contact_at\":\"2099-05-06T10:00:00+08:00\",\"first\":1}");
}

/* Bob's visit of the third reaches the others on the ninth, Cid's call of the sixth on the sixth. */
static void m03_4_a_call_that_came_first_is_not_moved_back_by_a_visit_that_came_later(void **state)
{
    (void)state;
    static const char sql[] = "SELECT first_contact_at, last_contact_at FROM account WHERE name = 'Called'";
    char account[SATCHEL_ID_SIZE];
    make_account("Called", account);
    sync_all();
    put_of(bob, "interaction", account, "\"kind\":\"visit\",\"at\":\"2026-05-03T10:00:00+08:00\"");
    put_of(cid, "interaction", account, "\"kind\":\"call\",\"at\":\"2026-05-06T10:00:00+08:00\"");
    put_of(cid, "interaction", account,
           "\"kind\":\"meeting\",\"at\":\"2999-05-06T10:00:00+08:00\""); /* it is to come */
    (void)sync_now(cid);
    (void)sync_now(ann);
    assert_rows(
        ann, sql,
        "{\"first_contact_at\":\"2026-05-06T10:00:00+08:00\",\"last_contact_at\":\"2026-05-06T10:00:00+08:00\"}");
    sync_all();
    struct satchel *const all[] = {ann, bob, cid};
    for (size_t i = 0; i < 3; i++)
        assert_rows(
            all[i], sql,
            "{\"first_contact_at\":\"2026-05-03T10:00:00+08:00\",\"last_contact_at\":\"2026-05-06T10:00:00+08:00\"}");
    struct satchel_tx *tx; /* what was said is kept, whatever the account has become */
    must(ann, satchel_begin(ann, &tx));
    must(ann, satchel_remove(tx, "account", account));
    must(ann, satchel_commit(tx));
    put_of(ann, "interaction", account, "\"kind\":\"call\",\"at\":\"2026-05-08T10:00:00+08:00\"");
    assert_rows(ann, "SELECT count(*) AS n FROM interaction WHERE at = '2026-05-08T10:00:00+08:00'", "{\"n\":1}");
}

static void m11_3_the_day_has_what_is_owed_with_the_step_that_is_due(void **state)
{
    (void)state;
    char account[SATCHEL_ID_SIZE], *text = NULL;
    make_account("Owes", account);
    put_of(bob, "receivable", account, "\"amount\":30000000,\"currency\":\"CNY\",\"due\":\"2026-06-30\"");
    must(bob, satchel_today(bob, "2026-07-08", &text));
    json_t *day = parsed(text), *row = NULL, *found = NULL;
    size_t index;
    json_array_foreach(json_object_get(day, "receivables"), index,
                       row) if (strcmp(json_string_value(json_object_get(row, "account")), "Owes") == 0) found = row;
    assert_non_null(found);
    expect(found, "days_overdue", "8");
    expect(found, "level_due", "5");
    expect(found, "outstanding_minor", "30000000");
    json_decref(day);
    must_fail(bob, satchel_today(bob, "tomorrow", &text), "invalid", "YYYY-MM-DD");
}

static void tasks_that_are_due_and_conflicts_are_in_the_day(void **state)
{
    (void)state;
    char account[SATCHEL_ID_SIZE], *text = NULL, id[SATCHEL_ID_SIZE] = "";
    make_account("Disagreed", account);
    put_of(cid, "task", account, "\"title\":\"nobody's\",\"due\":\"2026-05-03\"");
    put_one(bob, "task", id, "Northern", "{\"title\":\"late\",\"due\":\"2026-05-01\"}");
    sync_people();
    put_one(bob, "account", account, NULL, "{\"city\":\"上海\"}");
    put_one(cid, "account", account, NULL, "{\"city\":\"苏州\"}");
    sync_people();
    must(bob, satchel_today(bob, "2026-05-04", &text));
    json_t *day = parsed(text), *tasks = json_object_get(day, "tasks");
    expect(json_array_get(tasks, 0), "title", "\"late\"");
    expect(json_array_get(tasks, 0), "days_overdue", "3");
    assert_true(json_array_size(json_object_get(day, "conflicts")) >= 1);
    json_decref(day);
}

/* ---- Hard cases ---- */

static void case_1_submitted_while_the_account_was_archived(void **state)
{
    (void)state;
    char account[SATCHEL_ID_SIZE];
    struct satchel_tx *tx;
    make_account("Archived", account);
    do_it(bob, satchel_visit_start, account, NULL);
    sync_people();
    must(ann, satchel_begin(ann, &tx));
    must(ann, satchel_remove(tx, "account", account));
    must(ann, satchel_commit(tx));
    do_it(bob, satchel_visit_submit, account, "{\"next\":\"call\"}");
    sync_people();
    assert_rows(ann,
                "SELECT v.state, (SELECT COUNT(*) FROM archived.account AS a WHERE a.id = v.account) AS archived FROM"
                " visit AS v WHERE v.account IN (SELECT id FROM archived.account)",
                "{\"state\":\"submitted\",\"archived\":1}");
    struct rows rows = {0};
    must(ann, satchel_conflicts(ann, collect_row, &rows));
    assert_non_null(strstr(rows.text, account));
    json_t *page = page_of(ann, account);
    expect(json_object_get(page, "account"), "archived", "true");
    assert_int_equal(rows_n(page, "visits"), 1);
    json_decref(page);
}

static void case_11_tablet_and_phone_begin_one_visit_and_keep_both_texts(void **state)
{
    (void)state;
    char account[SATCHEL_ID_SIZE];
    make_account("Two screens", account);
    plan(bob, account, today);
    sync_people();
    do_it(bob, satchel_visit_start, account, NULL);
    do_it(bob, satchel_visit_note, account, "{\"needs\":\"from the phone\"}");
    do_it(tablet, satchel_visit_start, account, NULL);
    do_it(tablet, satchel_visit_note, account, "{\"needs\":\"from the tablet\"}");
    sync_people();
    assert_rows(bob,
                "SELECT COUNT(*) AS n FROM visit WHERE account = (SELECT id FROM account WHERE name = 'Two screens')",
                "{\"n\":1}");
    struct rows rows = {0};
    must(bob, satchel_conflicts(bob, collect_row, &rows));
    assert_non_null(strstr(rows.text, "from the phone"));
    assert_non_null(strstr(rows.text, "from the tablet"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(m06_4_what_looks_odd_is_shown_and_stops_nothing),
        cmocka_unit_test(m06_1_eight_planned_six_done_one_skipped_one_moved),
        cmocka_unit_test(m06_2_two_of_three_ticked_may_start_and_is_listed),
        cmocka_unit_test(m06_2_what_one_should_know_is_at_hand),
        cmocka_unit_test(m06_3_what_was_submitted_without_a_network_arrives_as_submitted),
        cmocka_unit_test(m06_6_next_steps_are_tasks_once_whoever_submits),
        cmocka_unit_test(m06_9_figures_are_the_amendments_and_both_are_kept),
        cmocka_unit_test(m02_10_a_page_of_three_visits_five_orders_and_four_needs),
        cmocka_unit_test(m03_1_who_went_to_another_account_is_still_in_the_old_visits),
        cmocka_unit_test(m03_4_a_visit_moves_the_last_contact_and_never_back),
        cmocka_unit_test(m03_4_a_call_that_came_first_is_not_moved_back_by_a_visit_that_came_later),
        cmocka_unit_test(m11_3_the_day_has_what_is_owed_with_the_step_that_is_due),
        cmocka_unit_test(tasks_that_are_due_and_conflicts_are_in_the_day),
        cmocka_unit_test(case_1_submitted_while_the_account_was_archived),
        cmocka_unit_test(case_11_tablet_and_phone_begin_one_visit_and_keep_both_texts),
        cmocka_unit_test(the_tables_are_those_of_a_view_made_anew),
        /* … and the last one, as visits have other parts from then on */
        cmocka_unit_test(an_item_without_a_text_is_listed_by_its_key),
        cmocka_unit_test(m01_6_what_a_newer_template_asks_is_listed_and_blocks_nothing),
    };
    return cmocka_run_group_tests_name("visits", tests, make_org, drop_org);
}
