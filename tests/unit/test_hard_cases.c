/* The domain's hard cases (its section 3.4), each in every order in which what was done side by side can arrive. Those
 * of orders are in test_hard_orders.c, those about clocks, silence and what comes before its turn in
 * test_hard_arrivals.c. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "client/book/ask.h"
#include "tests/unit/arrivals.h"

/* Records of the case that is played. */
static char account[SATCHEL_ID_SIZE], other[SATCHEL_ID_SIZE], record[SATCHEL_ID_SIZE], contact[SATCHEL_ID_SIZE];
static char people[3][SATCHEL_ID_SIZE]; /* Ann, Bob, Cid */

static int find_id(void *context, const char *json)
{
    json_t *row = json_loads(json, 0, NULL);
    (void)snprintf(context, SATCHEL_ID_SIZE, "%s", json_string_value(json_object_get(row, "id")));
    json_decref(row);
    return 0;
}

static int make_org(void **state)
{
    static const char *const names[] = {"Ann", "Bob", "Cid"};
    if (make_people(state)) return -1;
    sync_people();
    for (size_t i = 0; i < 3; i++) {
        char sql[80];
        (void)snprintf(sql, sizeof sql, "SELECT id FROM \"user\" WHERE name = '%s'", names[i]);
        must(ann, satchel_query(ann, sql, find_id, people[i]));
    }
    return 0;
}

static void make_account(void)
{
    put_new(bob, "account", account, "{\"name\":\"Dairy %d\",\"address\":\"Main Street 1\"}", arrivals.round);
}

/* A year of its own, so that reports tell of this round alone. */
static int year(void)
{
    return 2100 + arrivals.round;
}

static const char *year_text(void)
{
    static char text[16];
    (void)snprintf(text, sizeof text, "%d", year());
    return text;
}

/* What a report does not count, the round's year apart. */
static void tell_uncounted(struct satchel *device, struct rows *out, const char *name, const char *what)
{
    json_t *report = report_of(device, name, year_text()), *row;
    size_t i;
    json_array_foreach(json_object_get(json_object_get(report, "basis"), "not_counted"), i, row)
    {
        if (strcmp(json_string_value(json_object_get(row, "what")), what) != 0) continue;
        const char *why = json_string_value(json_object_get(row, "why")), *day = strstr(why, year_text());
        tell(out, "%s: %d, %.*s", name, (int)json_integer_value(json_object_get(row, "n")),
             day ? (int)(day - why) : 200, why);
    }
    json_decref(report);
}

/* ---- 1: submitted offline, and the account was archived ---- */

static void begin_visit(void)
{
    char *told = NULL;
    make_account();
    must(bob, satchel_visit_start(bob, account, NULL, &told));
    satchel_free(told);
}

static void archive_account(void)
{
    archive(ann, "account", account);
}

static void submit_visit(void)
{
    char *told = NULL;
    struct satchel_visit_options options = {.said = "{\"none\":\"nobody there\"}"};
    must(bob, satchel_visit_submit(bob, NULL, &options, &told));
    satchel_free(told);
}

static void name_account(void)
{
    put(cid, "account", account, "{\"note\":\"closed on Mondays\"}");
}

static void tell_archived(struct satchel *device, struct rows *out)
{
    tell_rows(device, out, "SELECT state FROM visit WHERE account = '%s'", account);
    tell_rows(device, out,
              "SELECT (SELECT COUNT(*) FROM account WHERE id = '%s') AS here, note FROM archived.account"
              " WHERE id = '%s'",
              account, account);
    tell_conflicts(device, out, account);
}

static void h01_submitted_while_the_account_was_archived(void **state)
{
    (void)state;
    in_every_order(&(struct hard_case){
        .begins = begin_visit,
        .changes = {{&ann, archive_account}, {&bob, submit_visit}, {&cid, name_account}},
        .tells = tell_archived,
        .wanted = "{\"state\":\"submitted\"}\n{\"here\":0,\"note\":\"closed on Mondays\"}\n"
                  "conflict deleted: true by Ann | false by Cid",
    });
}

/* ---- 2: different fields ---- */

static void edit_city(void)
{
    put(bob, "account", account, "{\"city\":\"Bern\"}");
}

static void edit_note(void)
{
    put(cid, "account", account, "{\"note\":\"by train\"}");
}

static void edit_tags(void)
{
    put(ann, "account", account, "{\"tags\":{\"add\":[\"cold chain\"]}}");
}

static int count_current(void *context, const char *json)
{
    json_t *row = json_loads(json, 0, NULL);
    if (strcmp(json_string_value(json_object_get(row, "state")), "current") == 0) ++*(int *)context;
    json_decref(row);
    return 0;
}

static void tell_merged(struct satchel *device, struct rows *out)
{
    tell_rows(device, out, "SELECT address, city, note, tags FROM account WHERE id = '%s'", account);
    int current = 0;
    must(device, satchel_history(device, "account", account, count_current, &current));
    tell(out, "%d changes stand beside each other", current);
    tell_conflicts(device, out, account);
}

static void h02_different_fields_of_one_account(void **state)
{
    (void)state;
    in_every_order(&(struct hard_case){
        .begins = make_account,
        .changes = {{&bob, edit_city}, {&cid, edit_note}, {&ann, edit_tags}},
        .tells = tell_merged,
        .wanted = "{\"address\":\"Main Street 1\",\"city\":\"Bern\",\"note\":\"by train\",\"tags\":[\"cold chain\"]}\n"
                  "4 changes stand beside each other",
    });
}

/* ---- 3: one phone key, different digits ---- */

static void make_contact(void)
{
    make_account();
    put_new(bob, "contact", contact,
            "{\"account\":\"%s\",\"name\":\"Eva\",\"numbers\":{\"mobile\":\"1\",\"desk\":\"2\"}}", account);
}

static void number_of_bob(void)
{
    put(bob, "contact", contact, "{\"numbers\":{\"mobile\":\"138\"}}");
}

static void number_of_cid(void)
{
    put(cid, "contact", contact, "{\"numbers\":{\"mobile\":\"139\"}}");
}

static void number_of_ann(void)
{
    put(ann, "contact", contact, "{\"numbers\":{\"fax\":\"140\"}}");
}

static void tell_numbers(struct satchel *device, struct rows *out)
{
    tell_rows(device, out, "SELECT numbers FROM contact WHERE id = '%s'", contact);
    tell_conflicts(device, out, contact);
}

static void h03_one_phone_key_and_different_digits(void **state)
{
    (void)state;
    in_every_order(&(struct hard_case){
        .begins = make_contact,
        .changes = {{&bob, number_of_bob}, {&cid, number_of_cid}, {&ann, number_of_ann}},
        .tells = tell_numbers,
        .wanted = "{\"numbers\":{\"desk\":\"2\",\"fax\":\"140\",\"mobile\":\"139\"}}\n"
                  "conflict numbers.mobile: \"139\" by Cid | \"138\" by Bob",
    });
}

/* ---- 4: cleared here, edited there ---- */

static void clear_address(void)
{
    put(bob, "account", account, "{\"address\":null}");
}

static void correct_address(void)
{
    put(ann, "account", account, "{\"address\":\"High Street 2\"}");
}

static void tell_address(struct satchel *device, struct rows *out)
{
    tell_rows(device, out, "SELECT address FROM account WHERE id = '%s'", account);
    tell_conflicts(device, out, account);
}

static void h04_cleared_by_the_rep_and_edited_by_the_office(void **state)
{
    (void)state;
    in_every_order(&(struct hard_case){
        .begins = make_account,
        .changes = {{&bob, clear_address}, {&cid, edit_note}, {&ann, correct_address}},
        .tells = tell_address,
        .wanted = "{\"address\":\"High Street 2\"}\nconflict address: \"High Street 2\" by Ann | null by Bob",
    });
}

/* ---- 5: cancelled, and on its way ---- */

static void make_order(void)
{
    put_new(bob, "order", record, "{\"no_local\":\"N-%d\",\"state\":\"warehouse\"}", arrivals.round);
}

static void ship_order(void)
{
    step(ann, "order", record, "shipping");
}

static void cancel_order(void)
{
    step(bob, "order", record, "cancelled");
}

static void cancel_on_tablet(void)
{
    step(tablet, "order", record, "cancelled"); /* the same step: it is one */
}

static void tell_order_state(struct satchel *device, struct rows *out)
{
    tell_state(device, out, "order", record);
    tell_rows(device, out, "SELECT state, state_disputed FROM \"order\" WHERE id = '%s'", record);
}

static void h05_cancelled_by_the_rep_and_shipped_by_the_warehouse(void **state)
{
    (void)state;
    in_every_order(&(struct hard_case){
        .begins = make_order,
        .changes = {{&ann, ship_order}, {&bob, cancel_order}, {&tablet, cancel_on_tablet}},
        .tells = tell_order_state,
        .wanted = "state: \"shipping\"\nasked: [\"cancelled\"]\nsteps: shipping counts, cancelled counts\n"
                  "{\"state\":\"shipping\",\"state_disputed\":null}",
    });
}

/* ---- 6: won and lost ---- */

static void make_deal(void)
{
    if (arrivals.turn > 1) archive(bob, "opportunity", record); /* disputed it is of every period */
    put_new(bob, "opportunity", record,
            "{\"name\":\"Silo "
            "%d\",\"stage\":\"contract\",\"amount\":700000,\"currency\":\"EUR\",\"opened_on\":\"%d-02-01\"}",
            arrivals.round, year());
}

static void lose_deal(void)
{
    step(ann, "opportunity", record, "lost");
}

static void win_deal(void)
{
    step(bob, "opportunity", record, "won");
}

static void raise_deal(void)
{
    put(cid, "opportunity", record, "{\"amount\":800000}");
}

static void tell_deal(struct satchel *device, struct rows *out)
{
    tell_state(device, out, "opportunity", record);
    tell_rows(device, out, "SELECT amount FROM opportunity WHERE id = '%s'", record);
    json_t *report = report_of(device, "funnel", year_text());
    tell_member(out, json_object_get(report, "parts"), "pipeline");
    json_decref(report);
    tell_uncounted(device, out, "funnel", "leads and opportunities");
}

static void h06_won_by_the_rep_and_lost_by_the_manager(void **state)
{
    (void)state;
    in_every_order(&(struct hard_case){
        .begins = make_deal,
        .changes = {{&ann, lose_deal}, {&bob, win_deal}, {&cid, raise_deal}},
        .tells = tell_deal,
        .wanted = "state: \"won\"\ndisputed: [\"lost\",\"won\"]\nsteps: lost counts, won counts\n{\"amount\":800000}\n"
                  "pipeline: []\nfunnel: 1, disputed: their states stand side by side",
    });
}

/* ---- 7: withdrawn, and granted once more on an old form ---- */

static void make_consent(void)
{
    make_contact();
    put_new(bob, "consent", record, "{\"contact\":\"%s\",\"purpose\":\"calls\",\"given_at\":\"2026-06-01T09:00:00Z\"}",
            contact);
}

static void withdraw(void)
{
    put(ann, "consent", record, "{\"withdrawn_at\":\"2026-06-02T10:00:00Z\"}");
}

static void grant_on_the_old_form(void)
{
    put(bob, "consent", record, "{\"withdrawn_at\":null,\"given_at\":\"2026-06-02T10:30:00Z\"}");
}

static void call_him(void)
{
    put_new(cid, "interaction", other,
            "{\"account\":\"%s\",\"contacts\":[\"%s\"],\"kind\":\"call\",\"at\":\"2026-06-02T11:00:00Z\"}", account,
            contact);
}

static void tell_consent(struct satchel *device, struct rows *out)
{
    char *left = NULL;
    struct rows may = {0};
    tell_rows(device, out, "SELECT given_at, withdrawn_at FROM consent WHERE id = '%s'", record);
    tell_rows(device, out, "SELECT text FROM flagged WHERE id = '%s'", other);
    must(device, satchel_contacts(device, account, "calls", collect_row, &may, &left));
    tell(out, "may be called: %u; %s", may.n, left ? left : "");
    satchel_free(left);
    tell_conflicts(device, out, record);
}

static void h07_withdrawn_and_granted_on_an_old_form(void **state)
{
    (void)state;
    in_every_order(&(struct hard_case){
        .begins = make_consent,
        .changes = {{&ann, withdraw}, {&bob, grant_on_the_old_form}, {&cid, call_him}},
        .tells = tell_consent,
        .wanted = "{\"given_at\":\"2026-06-01T09:00:00Z\",\"withdrawn_at\":\"2026-06-02T10:00:00Z\"}\n"
                  "{\"text\":\"after withdrawal: calls\"}\nmay be called: 0; {\"consent withdrawn\":1}",
    });
}

/* ---- 11: tablet and phone in one visit ---- */

static void plan_visit(void)
{
    char today[CLIENT_BOOK_DAY_SIZE], *told = NULL;
    make_account();
    client_book_today(today);
    must(bob, satchel_visit_plan(bob, account, today, NULL, &told));
    satchel_free(told);
}

static void write_into_visit(struct satchel *satchel, const char *needs)
{
    char *told = NULL;
    struct satchel_visit_options options = {.said = needs};
    must(satchel, satchel_visit_start(satchel, account, NULL, &told));
    satchel_free(told);
    must(satchel, satchel_visit_note(satchel, account, &options, &told));
    satchel_free(told);
}

static void visit_by_phone(void)
{
    write_into_visit(bob, "{\"needs\":\"from the phone\"}");
}

static void visit_by_tablet(void)
{
    write_into_visit(tablet, "{\"needs\":\"from the tablet\"}");
}

static void replan(void)
{
    char today[CLIENT_BOOK_DAY_SIZE], *told = NULL;
    struct satchel_plan_options options = {.purpose = "the new price list", .person = "Bob"};
    client_book_today(today);
    must(ann, satchel_visit_plan(ann, account, today, &options, &told));
    satchel_free(told);
}

static void tell_visit(struct satchel *device, struct rows *out)
{
    char sql[160], visit[SATCHEL_ID_SIZE] = "";
    tell_rows(device, out, "SELECT state, json_extract(sections, '$.needs') AS needs FROM visit WHERE account = '%s'",
              account);
    tell_rows(device, out, "SELECT purpose FROM visit_plan WHERE account = '%s'", account);
    (void)snprintf(sql, sizeof sql, "SELECT id FROM visit WHERE account = '%s'", account);
    must(device, satchel_query(device, sql, find_id, visit));
    tell_conflict_of(device, out, visit, "sections.needs");
}

static void h11_tablet_and_phone_write_into_one_visit(void **state)
{
    (void)state;
    in_every_order(&(struct hard_case){
        .begins = plan_visit,
        .changes = {{&bob, visit_by_phone}, {&tablet, visit_by_tablet}, {&ann, replan}},
        .tells = tell_visit,
        .wanted = "{\"state\":\"checked_in\",\"needs\":\"from the tablet\"}\n{\"purpose\":\"the new price list\"}\n"
                  "conflict sections.needs: \"from the tablet\" by Bob | \"from the phone\" by Bob",
    });
}

/* ---- 15: reassigned while offline ---- */

static void make_owned_account(void)
{
    make_account();
    put(ann, "user", people[0], "{\"employee_no\":\"1\"}");
    (void)sync_now(bob);
    (void)sync_now(ann);
    put(ann, "account", account, "{\"owner\":\"%s\"}", people[1]);
}

static void reassign_account(void)
{
    char at[40];
    uint32_t changed = 0;
    const char *accounts[] = {account};
    struct satchel_tx *tx;
    (void)snprintf(at, sizeof at, "%d-06-01T10:00:00+08:00", year());
    struct satchel_reassign_options options = {.at = at};
    must(ann, satchel_begin(ann, &tx));
    must(ann, satchel_reassign(tx, accounts, 1, "Cid", &options, &changed));
    must(ann, satchel_commit(tx));
    assert_int_equal(changed, 1);
}

static void visited(struct satchel *satchel, size_t person, const char *at)
{
    char id[SATCHEL_ID_SIZE];
    put_new(satchel, "visit", id,
            "{\"account\":\"%s\",\"person\":\"%s\",\"local_date\":\"%d-06-01\",\"started_at\":\"%d-06-01T%s:00+08:00\","
            "\"submitted_at\":\"%d-06-01T18:00:00+08:00\",\"state\":\"submitted\"}",
            account, people[person], year(), year(), at, year());
}

static void visits_of_bob(void)
{
    visited(bob, 1, "09:00");
    visited(bob, 1, "11:00");
    visited(bob, 1, "14:00");
    visited(bob, 1, "16:00");
}

static void visit_of_cid(void)
{
    visited(cid, 2, "15:00");
}

static void tell_credit(struct satchel *device, struct rows *out)
{
    tell_rows(device, out,
              "SELECT p.name AS owner, (SELECT COUNT(*) FROM visit AS v WHERE v.account = a.id) AS visits"
              " FROM account AS a JOIN \"user\" AS p ON p.id = a.owner WHERE a.id = '%s'",
              account);
    json_t *report = report_of(device, "visits", year_text());
    const json_t *counted = json_object_get(json_object_get(report, "basis"), "counted");
    tell(out, "counted %d", (int)json_integer_value(json_object_get(json_array_get(counted, 0), "n")));
    json_decref(report);
    tell_uncounted(device, out, "visits", "visits");
}

static void h15_reassigned_while_the_former_owner_was_offline(void **state)
{
    (void)state;
    in_every_order(&(struct hard_case){
        .begins = make_owned_account,
        .changes = {{&ann, reassign_account}, {&bob, visits_of_bob}, {&cid, visit_of_cid}},
        .tells = tell_credit,
        .wanted = "{\"owner\":\"Cid\",\"visits\":5}\ncounted 2\nvisits: 3, account moved ",
    });
}

/* ---- 17: two divide one target ---- */

static void make_target(void)
{
    if (arrivals.turn > 1) archive(bob, "target", record);
    put_new(bob, "target", record,
            "{\"metric\":\"revenue\",\"period_from\":\"%d-01-01\",\"period_to\":\"%d-12-31\",\"owner\":\"%s\","
            "\"values\":{\"1\":100}}",
            year(), year(), people[1]);
}

static void divide(struct satchel *satchel, const struct satchel_target_part *parts, size_t n)
{
    struct satchel_tx *tx;
    must(satchel, satchel_begin(satchel, &tx));
    must(satchel, satchel_target_divide(tx, record, parts, n));
    must(satchel, satchel_commit(tx));
}

static void divide_in_two(void)
{
    divide(bob, (struct satchel_target_part[]){{"Bob", 60}, {"Cid", 40}}, 2);
}

static void divide_in_three(void)
{
    divide(ann, (struct satchel_target_part[]){{"Bob", 50}, {"Cid", 30}, {"Dee", 20}}, 3);
}

static void say_why(void)
{
    put(cid, "target", record, "{\"rationale\":\"as last year\"}");
}

static void tell_target(struct satchel *device, struct rows *out)
{
    tell_rows(device, out, "SELECT in_force, parts, sum FROM division WHERE whole = '%s' ORDER BY in_force", record);
    tell_rows(device, out, "SELECT rationale FROM target WHERE id = '%s'", record);
    tell_rows(device, out, "SELECT text FROM flagged WHERE id = '%s'", record);
    tell_uncounted(device, out, "targets", "targets");
}

static void h17_two_divide_one_target(void **state)
{
    (void)state;
    in_every_order(&(struct hard_case){
        .begins = make_target,
        .changes = {{&bob, divide_in_two}, {&cid, say_why}, {&ann, divide_in_three}},
        .tells = tell_target,
        .wanted = "{\"in_force\":0,\"parts\":2,\"sum\":100}\n{\"in_force\":1,\"parts\":3,\"sum\":100}\n"
                  "{\"rationale\":\"as last year\"}\n{\"text\":\"divided 2 times, side by side\"}\n"
                  "targets: 2, part of a division that is not in force",
    });
}

/* ---- 18: merged, and edited offline ---- */

static void make_two_of_one(void)
{
    make_account();
    put_new(bob, "account", other, "{\"name\":\"Dairy %d Ltd.\",\"city\":\"Basel\"}", arrivals.round);
}

static void merge_them(void)
{
    struct satchel_tx *tx;
    must(ann, satchel_begin(ann, &tx));
    must(ann, satchel_merge(tx, account, other));
    must(ann, satchel_commit(tx));
}

static void edit_the_absorbed(void)
{
    put(bob, "account", other, "{\"city\":\"Bern\"}");
}

static void visit_the_absorbed(void)
{
    put_new(cid, "visit", record, "{\"account\":\"%s\",\"purpose\":\"tasting\"}", other);
}

static void tell_survivor(struct satchel *device, struct rows *out)
{
    char *text = NULL;
    must(device, satchel_get(device, "account", other, &text));
    json_t *told = parsed(text);
    tell(out, "shown is the one that stays: %d", strcmp(json_string_value(json_object_get(told, "id")), account) == 0);
    tell_member(out, json_object_get(told, "fields"), "city");
    json_decref(told);
    tell_rows(device, out,
              "SELECT COUNT(*) AS visits FROM visit AS v JOIN survivor AS s ON s.id = v.account WHERE s.account = '%s'",
              account);
    tell_conflicts(device, out, account);
}

static void h18_merged_and_the_absorbed_one_edited_offline(void **state)
{
    (void)state;
    in_every_order(&(struct hard_case){
        .begins = make_two_of_one,
        .changes = {{&ann, merge_them}, {&bob, edit_the_absorbed}, {&cid, visit_the_absorbed}},
        .tells = tell_survivor,
        .wanted = "shown is the one that stays: 1\ncity: \"Bern\"\n{\"visits\":1}",
    });
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(h01_submitted_while_the_account_was_archived),
        cmocka_unit_test(h02_different_fields_of_one_account),
        cmocka_unit_test(h03_one_phone_key_and_different_digits),
        cmocka_unit_test(h04_cleared_by_the_rep_and_edited_by_the_office),
        cmocka_unit_test(h05_cancelled_by_the_rep_and_shipped_by_the_warehouse),
        cmocka_unit_test(h06_won_by_the_rep_and_lost_by_the_manager),
        cmocka_unit_test(h07_withdrawn_and_granted_on_an_old_form),
        cmocka_unit_test(h11_tablet_and_phone_write_into_one_visit),
        cmocka_unit_test(h15_reassigned_while_the_former_owner_was_offline),
        cmocka_unit_test(h17_two_divide_one_target),
        cmocka_unit_test(h18_merged_and_the_absorbed_one_edited_offline),
    };
    return cmocka_run_group_tests_name("hard_cases", tests, make_org, drop_people);
}
