/* What the rep's book stands on: steps of state machines in a transaction, and whom and what a word may mean. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "client/book/ask.h"
#include "client/book/step.h"
#include "tests/unit/book_world.h"

/* One step, committed. */
static int go(struct satchel *satchel, const char *type, const char *id, const char *to, const char *reason)
{
    struct satchel_tx *tx;
    must(satchel, satchel_begin(satchel, &tx));
    int failed = satchel_step(tx, type, id, to, reason, NULL);
    if (failed)
        satchel_rollback(tx);
    else
        must(satchel, satchel_commit(tx));
    return failed;
}

/* The state as the library derives it: of a disputed one all, with | between. */
static void expect_state(struct satchel *satchel, const char *type, const char *id, const char *wanted)
{
    struct sat_arena arena;
    struct client_standing standing;
    sat_arena_init(&arena);
    assert_int_equal(client_standing_get(satchel, NULL, type, id, &arena, &standing), SAT_OK);
    assert_string_equal(client_states_told(standing.machine, standing.state.among, "|", &arena), wanted);
    sat_arena_deinit(&arena);
}

static void a_record_and_its_steps_are_made_in_one_transaction(void **state)
{
    (void)state;
    struct satchel_tx *tx;
    char lead[SATCHEL_ID_SIZE] = "", first[SATCHEL_ID_SIZE], again[SATCHEL_ID_SIZE], second[SATCHEL_ID_SIZE];
    must(bob, satchel_begin(bob, &tx));
    must(bob, satchel_put(tx, "lead", NULL, NULL, "{\"company\":\"Dairy\"}", lead));
    must(bob, satchel_step(tx, "lead", lead, "contacted", NULL, first));
    must(bob, satchel_step(tx, "lead", lead, "contacted", NULL, again)); /* it is already */
    must(bob, satchel_step(tx, "lead", lead, "qualified", "the budget is there", second));
    assert_string_equal(again, "");
    must_fail(bob, satchel_step(tx, "lead", lead, "contacted", NULL, NULL), "invalid", "but: disqualified, converted");
    must_fail(bob, satchel_step(tx, "lead", lead, "sold", NULL, NULL), "invalid", "never \"sold\"");
    must_fail(bob, satchel_step(tx, "contact", lead, "sold", NULL, NULL), "invalid", "no states of type contact");
    must(bob, satchel_commit(tx));
    expect_state(bob, "lead", lead, "qualified");
    struct rows rows = {0};
    must(bob, satchel_query(bob,
                            "SELECT to_state, from_state, reason, after, person IS NOT NULL AS p, at IS NOT NULL AS a"
                            " FROM state_event ORDER BY to_state",
                            collect_row, &rows));
    char wanted[500];
    (void)snprintf(
        wanted, sizeof wanted,
        "{\"to_state\":\"contacted\",\"from_state\":\"new\",\"reason\":null,\"after\":null,\"p\":1,\"a\":1}\n"
        "{\"to_state\":\"qualified\",\"from_state\":\"contacted\",\"reason\":\"the budget is there\","
        "\"after\":[\"%s\"],\"p\":1,\"a\":1}",
        first);
    assert_string_equal(rows.text, wanted);
}

static void back_and_again_need_a_reason_and_duties_are_asked(void **state)
{
    (void)state;
    char deal[SATCHEL_ID_SIZE] = "", order[SATCHEL_ID_SIZE] = "";
    put_one(bob, "opportunity", deal, NULL, "{\"name\":\"Silo\",\"stage\":\"needs\"}");
    must_fail(bob, go(bob, "opportunity", deal, "qualified", NULL), "invalid", "needs a reason");
    must(bob, go(bob, "opportunity", deal, "qualified", "nobody decides"));
    expect_state(bob, "opportunity", deal, "qualified");
    must(bob, go(bob, "opportunity", deal, "lost", NULL));
    must_fail(bob, go(bob, "opportunity", deal, "needs", "they called"), "denied", "a manager may make it needs");
    put_one(bob, "order", order, NULL, "{\"no_local\":\"B-1\"}");
    must_fail(bob, go(bob, "order", order, "reviewed", NULL), "denied", "a manager or an assistant");
    must(bob, go(bob, "order", order, "cancelled", NULL));
    sync_all();
    must(ann, go(ann, "opportunity", deal, "needs", "they called"));
    sync_all();
    expect_state(cid, "opportunity", deal, "needs");
}

/* A business role brings its duties along; of steps taken before, too. */
static void a_business_role_brings_duties(void **state)
{
    (void)state;
    char order[SATCHEL_ID_SIZE] = "", person[SATCHEL_ID_SIZE];
    struct client_book_self self;
    put_one(bob, "order", order, NULL, "{\"no_local\":\"B-2\",\"state\":\"warehouse\"}");
    assert_int_equal(client_book_self(bob, &self), SAT_OK);
    (void)snprintf(person, sizeof person, "%s", self.id);
    must_fail(bob, go(bob, "order", order, "shipping", NULL), "denied", "supply may make it shipping");
    put_one(ann, "user", person, NULL, "{\"roles\":[\"supply\"]}");
    sync_all();
    must(bob, go(bob, "order", order, "shipping", NULL));
    sync_all();
    expect_state(cid, "order", order, "shipping");
}

/* Hard case 6, by calls: what stands side by side is settled by who may, and by one of the two. */
static void a_dispute_is_settled_by_who_may(void **state)
{
    (void)state;
    char deal[SATCHEL_ID_SIZE] = "";
    put_one(bob, "opportunity", deal, NULL, "{\"name\":\"Cheese\",\"stage\":\"contract\"}");
    sync_all();
    must(bob, go(bob, "opportunity", deal, "won", NULL));
    must(cid, go(cid, "opportunity", deal, "lost", NULL));
    sync_all();
    expect_state(ann, "opportunity", deal, "lost|won");
    must_fail(bob, go(bob, "opportunity", deal, "won", NULL), "denied", "a manager settles that");
    must_fail(ann, go(ann, "opportunity", deal, "needs", NULL), "invalid", "settled by one of these");
    must(ann, go(ann, "opportunity", deal, "won", NULL));
    sync_all();
    expect_state(bob, "opportunity", deal, "won");
    expect_state(cid, "opportunity", deal, "won");
}

/* A step that was not his to take is taken anew by whose it is, though it would have the same id. */
static void a_step_that_only_asks_is_taken_by_who_may(void **state)
{
    (void)state;
    char order[SATCHEL_ID_SIZE] = "", asks[SATCHEL_ID_SIZE] = "", fields[200];
    put_one(cid, "order", order, NULL, "{\"no_local\":\"B-3\",\"submitted_at\":\"2026-05-04T10:00:00+08:00\"}");
    (void)snprintf(fields, sizeof fields, "{\"about\":\"%s\",\"to_state\":\"reviewed\"}", order);
    put_one(cid, "state_event", asks, NULL, fields);
    sync_all();
    expect_state(bob, "order", order, "received");
    must(ann, go(ann, "order", order, "reviewed", NULL));
    sync_all();
    expect_state(bob, "order", order, "reviewed");
}

/* The view's column shows what follows, and the view that followed the records is as one that is built anew. */
static void expect_row(struct satchel *satchel, const char *table, const char *field, const char *id,
                       const char *wanted)
{
    char sql[300], where[160] = "";
    struct rows rows = {0};
    struct client_view *kept, *anew;
    bool same = false;
    (void)snprintf(sql, sizeof sql, "SELECT %s AS s, %s_disputed AS d FROM \"%s\" WHERE id = '%s'", field, field, table,
                   id);
    must(satchel, satchel_query(satchel, sql, collect_row, &rows));
    assert_string_equal(rows.text, wanted);
    assert_int_equal(client_view_open(satchel, &kept), SAT_OK);
    assert_int_equal(client_view_make(satchel, &anew), SAT_OK);
    assert_int_equal(client_view_compare(kept, anew, &same, where, &satchel->fault), SAT_OK);
    client_view_free(anew);
    assert_string_equal(same ? "" : where, "");
}

static void a_states_column_follows_its_steps(void **state)
{
    (void)state;
    char order[SATCHEL_ID_SIZE] = "", deal[SATCHEL_ID_SIZE] = "", step[SATCHEL_ID_SIZE] = "", fields[200];
    char person[SATCHEL_ID_SIZE];
    struct client_book_self self;
    struct satchel_tx *tx;
    put_one(cid, "order", order, NULL, "{\"no_local\":\"C-1\"}");
    put_one(cid, "opportunity", deal, NULL, "{\"name\":\"Mill\",\"stage\":\"proposal\"}");
    expect_row(cid, "order", "state", order, "{\"s\":\"received\",\"d\":null}");
    (void)snprintf(fields, sizeof fields, "{\"about\":\"%s\",\"to_state\":\"held\"}", order);
    put_one(cid, "state_event", step, NULL, fields); /* not his to say */
    expect_row(cid, "order", "state", order, "{\"s\":\"received\",\"d\":null}");
    sync_all();
    must(cid, go(cid, "opportunity", deal, "lost", NULL));
    expect_row(cid, "opportunity", "stage", deal, "{\"s\":\"lost\",\"d\":null}");
    must(bob, go(bob, "opportunity", deal, "negotiation", NULL));
    sync_all();
    expect_row(bob, "opportunity", "stage", deal, "{\"s\":\"lost\",\"d\":\"negotiation|lost\"}");
    expect_row(cid, "opportunity", "stage", deal, "{\"s\":\"lost\",\"d\":\"negotiation|lost\"}");
    assert_int_equal(client_book_self(cid, &self), SAT_OK);
    (void)snprintf(person, sizeof person, "%s", self.id);
    put_one(ann, "user", person, NULL, "{\"roles\":[\"finance\"]}"); /* and now it is */
    sync_all();
    expect_row(bob, "order", "state", order, "{\"s\":\"held\",\"d\":null}");
    expect_row(ann, "order", "state", order, "{\"s\":\"held\",\"d\":null}");
    put_one(bob, "order", order, NULL, "{\"note\":\"call them\"}");
    expect_row(bob, "order", "state", order, "{\"s\":\"held\",\"d\":null}");
    must(bob, satchel_begin(bob, &tx));
    must(bob, satchel_remove(tx, "state_event", step));
    must(bob, satchel_commit(tx));
    expect_row(bob, "order", "state", order, "{\"s\":\"received\",\"d\":null}");
}

/* A step as any program could send it, which names none before it. */
static void forge(struct satchel *who, const char *about, const char *to)
{
    char fields[200], made[SATCHEL_ID_SIZE] = "";
    (void)snprintf(fields, sizeof fields, "{\"about\":\"%s\",\"to_state\":\"%s\",\"at\":\"2023-03-05T10:00:00Z\"}",
                   about, to);
    put_one(who, "state_event", made, NULL, fields);
}

/* How many of that year came as far as the stage, and did so in it: "2 1". */
static void expect_stage(struct satchel *who, const char *stage, const char *wanted)
{
    char *text = NULL, told[60] = "";
    struct satchel_report_options options = {.period = "2023"};
    json_t *row;
    size_t i;
    must(who, satchel_report(who, "funnel", &options, &text));
    json_t *report = json_loads(text, 0, NULL);
    json_array_foreach(json_object_get(json_object_get(report, "parts"), "steps"), i, row)
    {
        if (strcmp(json_string_value(json_object_get(row, "stage")), stage) == 0)
            (void)snprintf(told, sizeof told, "%d %d", (int)json_integer_value(json_object_get(row, "cohort")),
                           (int)json_integer_value(json_object_get(row, "flow")));
    }
    assert_string_equal(told, wanted);
    json_decref(report);
    satchel_free(text);
}

static void what_does_not_stand_is_no_stage_of_the_funnel(void **state)
{
    char lead[SATCHEL_ID_SIZE] = "", deal[SATCHEL_ID_SIZE] = "", sql[200];
    (void)state;
    put_one(bob, "lead", lead, NULL, "{\"company\":\"Far\",\"captured_on\":\"2023-03-03\"}");
    put_one(bob, "opportunity", deal, NULL, "{\"name\":\"Far\",\"opened_on\":\"2023-03-04\"}");
    sync_all();
    forge(cid, lead, "converted");
    forge(cid, deal, "won");
    forge(bob, deal, "qualified");
    must(bob, go(bob, "opportunity", deal, "needs", NULL));
    sync_all();
    expect_state(ann, "lead", lead, "new");
    (void)snprintf(sql, sizeof sql, "SELECT to_state, standing FROM state_event WHERE about IN ('%s', '%s') ORDER BY 1",
                   lead, deal);
    struct satchel *const all[] = {ann, bob, cid};
    for (size_t i = 0; i < 3; i++) {
        assert_rows(all[i], sql,
                    "{\"to_state\":\"converted\",\"standing\":\"illegal\"}\n"
                    "{\"to_state\":\"needs\",\"standing\":\"counts\"}\n"
                    "{\"to_state\":\"qualified\",\"standing\":\"counts\"}\n"
                    "{\"to_state\":\"won\",\"standing\":\"illegal\"}");
        expect_stage(all[i], "lead", "2 2");
        expect_stage(all[i], "qualified", "1 1");
        expect_stage(all[i], "needs", "1 0");
        expect_stage(all[i], "contract", "0 0");
        assert_as_made_anew(all[i]);
    }
}

/* ---- The pool ---- */

static int find_claim(void *context, const char *json)
{
    json_t **found = context, *row = json_loads(json, 0, NULL);
    if (strcmp(json_string_value(json_object_get(row, "id")), json_string_value(*found)) != 0) {
        json_decref(row);
        return 0;
    }
    json_decref(*found);
    *found = row;
    return 1;
}

/* How the claim stands for whoever asks: "confirmed Bob lost". */
static void expect_claim(struct satchel *who, const char *id, const char *wanted)
{
    static const char *const members[] = {"state", "by", "own"};
    json_t *found = json_string(id);
    char told[100] = "";
    must(who, satchel_claims(who, find_claim, &found));
    for (size_t i = 0; i < 3; i++) {
        const char *text = json_string_value(json_object_get(found, members[i]));
        (void)snprintf(told + strlen(told), sizeof told - strlen(told), "%s%s", i ? " " : "", text ? text : "-");
    }
    assert_string_equal(told, wanted);
    json_decref(found);
}

static void claim(struct satchel *who, const char *id)
{
    char *text = NULL;
    must(who, satchel_claim(who, "account", id, &text));
    satchel_free(text);
}

static void a_claim_counts_for_its_author_alone(void **state)
{
    char free_one[SATCHEL_ID_SIZE] = "", bobs[SATCHEL_ID_SIZE], fields[100];
    (void)state;
    find_person("Bob", bobs);
    put_one(bob, "account", free_one, NULL, "{\"name\":\"Nobody's\"}");
    sync_all();
    (void)snprintf(fields, sizeof fields, "{\"claimed_by\":\"%s\"}", bobs);
    put_one(cid, "account", free_one, NULL, fields);
    sync_all();
    struct satchel *const all[] = {ann, bob, cid};
    for (size_t i = 0; i < 3; i++) {
        expect_claim(all[i], free_one, "free - -");
        assert_rows(all[i], "SELECT rule, text FROM flagged WHERE type = 'account'",
                    "{\"rule\":\"who wants a record claims it himself\",\"text\":\"Cid claimed it for Bob: that counts"
                    " for nothing\"}");
    }
    claim(ann, free_one);
    sync_all();
    expect_claim(ann, free_one, "confirmed Ann confirmed");
    expect_claim(bob, free_one, "confirmed Ann -");
    for (size_t i = 0; i < 3; i++) assert_as_made_anew(all[i]);
}

/* What somebody else said in his name is there already, and he says it himself. */
static void who_was_claimed_for_claims_it_himself(void **state)
{
    char free_one[SATCHEL_ID_SIZE] = "", bobs[SATCHEL_ID_SIZE], fields[100];
    (void)state;
    find_person("Bob", bobs);
    put_one(bob, "account", free_one, NULL, "{\"name\":\"Nobody's either\"}");
    sync_all();
    (void)snprintf(fields, sizeof fields, "{\"claimed_by\":\"%s\"}", bobs);
    put_one(cid, "account", free_one, NULL, fields);
    sync_all();
    claim(bob, free_one);
    expect_claim(bob, free_one, "asked Bob asked");
    sync_all();
    expect_claim(bob, free_one, "confirmed Bob confirmed");
    expect_claim(cid, free_one, "confirmed Bob -");
    assert_as_made_anew(cid);
}

static void what_was_submitted_is_at_least_that(void **state)
{
    (void)state;
    char visit[SATCHEL_ID_SIZE] = "";
    put_one(bob, "visit", visit, NULL, "{\"purpose\":\"samples\"}");
    must(bob, go(bob, "visit", visit, "checked_in", NULL));
    expect_row(bob, "visit", "state", visit, "{\"s\":\"checked_in\",\"d\":null}");
    put_one(bob, "visit", visit, NULL, "{\"submitted_at\":\"2026-05-04T10:00:00Z\"}");
    expect_row(bob, "visit", "state", visit, "{\"s\":\"submitted\",\"d\":null}");
    must(bob, go(bob, "visit", visit, "submitted", NULL)); /* it is */
    expect_row(bob, "visit", "state", visit, "{\"s\":\"submitted\",\"d\":null}");
}

static void a_record_is_found_by_what_people_call_it(void **state)
{
    (void)state;
    char dairy[SATCHEL_ID_SIZE] = "", other[SATCHEL_ID_SIZE] = "", found[SATCHEL_ID_SIZE];
    put_one(bob, "account", dairy, NULL, "{\"name\":\"Molkerei\",\"aliases\":[\"Dairy\"]}");
    put_one(bob, "account", other, NULL, "{\"name\":\"Alm\"}");
    static const char *const names[] = {"Molkerei", "molkerei", "Dairy", "dairy"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        client_begin(bob);
        assert_int_equal(client_book_find(bob, "account", names[i], found), SAT_OK);
        assert_string_equal(found, dairy);
    }
    assert_int_equal(client_book_find(bob, "account", other, found), SAT_OK);
    assert_string_equal(found, other);
    char begin[30];
    (void)snprintf(begin, sizeof begin, "%.28s", other); /* beyond the time, which the two may share */
    assert_int_equal(client_book_find(bob, "account", begin, found), SAT_OK);
    assert_string_equal(found, other);
    assert_int_equal(client_book_find(bob, "account", "olke", found), SAT_OK); /* a part that only one has … */
    assert_string_equal(found, dairy);
    assert_int_equal(client_book_find(bob, "account", "l", found), SAT_ERR_NOT_FOUND); /* … and not too short */
    assert_int_equal(client_book_find(bob, "account", "Molke 2", found), SAT_ERR_NOT_FOUND);
    char number[SATCHEL_ID_SIZE] = "";
    put_one(bob, "order", number, NULL, "{\"no_local\":\"R017B-1\"}"); /* numbers are said whole */
    assert_int_equal(client_book_find(bob, "order", "R017B", found), SAT_ERR_NOT_FOUND);
    char twin[SATCHEL_ID_SIZE] = "";
    put_one(bob, "account", twin, NULL, "{\"name\":\"Alm\"}");
    assert_int_equal(client_book_find(bob, "account", "Alm", found), SAT_ERR_INVALID);
    assert_non_null(strstr(bob->fault.text, twin));
    assert_non_null(strstr(bob->fault.text, other));
}

static void convert(struct satchel *satchel, const char *lead, const char *fields)
{
    struct satchel_tx *tx;
    char *told = NULL;
    must(satchel, satchel_begin(satchel, &tx));
    must(satchel, satchel_lead_convert(tx, lead, fields, &told));
    must(satchel, satchel_commit(tx));
    satchel_free(told);
}

/* Refused, it leaves nothing in the transaction that somebody could commit. */
static void refuse(struct satchel *satchel, const char *lead, const char *fields, const char *name, const char *part)
{
    struct satchel_tx *tx;
    char *told = NULL;
    must(satchel, satchel_begin(satchel, &tx));
    must_fail(satchel, satchel_lead_convert(tx, lead, fields, &told), name, part);
    assert_null(told);
    must(satchel, satchel_commit(tx));
    expect_state(satchel, "lead", lead, "qualified");
}

/* An account elsewhere, or not here yet: made under its id it would be a twin. */
static void a_lead_is_converted_into_no_account_that_is_not_here(void **state)
{
    (void)state;
    char south[SATCHEL_ID_SIZE] = "", contact[SATCHEL_ID_SIZE] = "", lead[SATCHEL_ID_SIZE] = "", linked[100],
         other[100];
    char twins[200];
    must(ann, satchel_territory_add(ann, "Southern"));
    put_one(ann, "account", south, "Southern", "{\"name\":\"Far Dairy\"}");
    put_one(bob, "contact", contact, NULL, "{\"name\":\"Dora\"}");
    put_one(bob, "lead", lead, NULL, "{\"company\":\"Far Dairy\"}");
    must(bob, go(bob, "lead", lead, "qualified", NULL));
    sync_all();
    (void)snprintf(linked, sizeof linked, "{\"account\":\"%s\"}", south);
    (void)snprintf(other, sizeof other, "{\"account\":\"%s\"}", contact);
    refuse(bob, lead, linked, "not_found", "is not on this device");
    refuse(bob, lead, other, "invalid", "is of type contact");
    refuse(bob, lead, "{\"account\":7}", "invalid", "named by its id or its name");
    put_one(bob, "lead", lead, NULL, linked); /* by hand, or by whoever reads both */
    refuse(bob, lead, NULL, "not_found", "is not on this device");
    (void)snprintf(twins, sizeof twins,
                   "SELECT (SELECT COUNT(*) FROM account WHERE id = '%s') + (SELECT COUNT(*) FROM opportunity WHERE"
                   " lead = '%s') AS n",
                   south, lead);
    assert_rows(bob, twins, "{\"n\":0}");
    sync_all();
    convert(ann, lead, NULL); /* who has it */
    sync_all();
    convert(bob, lead, NULL); /* it is already: nothing is made */
    assert_rows(bob, twins, "{\"n\":1}");
}

/* The account that there is has a name, so that the lead needs none. */
static void a_lead_without_a_name_becomes_part_of_an_account(void **state)
{
    (void)state;
    char account[SATCHEL_ID_SIZE] = "", lead[SATCHEL_ID_SIZE] = "", fields[200], wanted[200];
    put_one(bob, "account", account, NULL, "{\"name\":\"Near Dairy\"}");
    put_one(bob, "lead", lead, NULL, "{\"phone\":\"+49 30 1\"}");
    must(bob, go(bob, "lead", lead, "qualified", NULL));
    refuse(bob, lead, NULL, "invalid", "neither a company nor a person");
    (void)snprintf(fields, sizeof fields, "{\"account\":\"%s\",\"lead\":\"%s\"}", account, account);
    convert(bob, lead, fields);
    (void)snprintf(fields, sizeof fields, "SELECT name, account FROM opportunity WHERE lead = '%s'", lead);
    (void)snprintf(wanted, sizeof wanted, "{\"name\":null,\"account\":\"%s\"}", account);
    assert_rows(bob, fields, wanted);
}

/* An alias is an element of a set, which is shorter than a name may be: such a name is left where it is. */
static void an_account_with_a_name_of_a_page_is_merged(void **state)
{
    (void)state;
    enum { LONG = 1500 };
    char stays[SATCHEL_ID_SIZE] = "", gone[SATCHEL_ID_SIZE] = "", name[LONG + 1], fields[LONG + 100], sql[200];
    struct satchel_tx *tx;
    memset(name, 'x', LONG);
    name[LONG] = '\0';
    (void)snprintf(fields, sizeof fields, "{\"name\":\"%s\",\"short_name\":\"Page\"}", name);
    put_one(ann, "account", stays, "Northern", "{\"name\":\"Short\"}");
    put_one(ann, "account", gone, "Northern", fields);
    must(ann, satchel_begin(ann, &tx));
    must(ann, satchel_merge(tx, stays, gone));
    must(ann, satchel_commit(tx));
    (void)snprintf(sql, sizeof sql, "SELECT aliases FROM account WHERE id = '%s'", stays);
    assert_rows(ann, sql, "{\"aliases\":[\"Page\"]}");
}

/* Two doors of one kiosk, 40 m from each other, and one at the other end of the same latitude. */
static void accounts_on_both_sides_of_the_date_line_are_near(void **state)
{
    (void)state;
    char west[SATCHEL_ID_SIZE] = "", east[SATCHEL_ID_SIZE] = "", far[SATCHEL_ID_SIZE] = "", wanted[400];
    struct rows rows = {0};
    put_one(bob, "account", west, NULL, "{\"name\":\"Taveunikiosk\",\"lat_e7\":-168000000,\"lon_e7\":1799998000}");
    put_one(bob, "account", east, NULL, "{\"name\":\"kiosk\",\"lat_e7\":-168000100,\"lon_e7\":-1799998000}");
    put_one(bob, "account", far, NULL, "{\"name\":\"Ataveunikiosk\",\"lat_e7\":-168000000,\"lon_e7\":0}");
    must(bob, satchel_duplicates(bob, east, collect_row, &rows));
    (void)snprintf(wanted, sizeof wanted,
                   "{\"account\":\"%s\",\"name\":\"kiosk\",\"other\":\"%s\",\"other_name\":\"Taveunikiosk\","
                   "\"why\":[\"place\"]}",
                   east, west);
    assert_string_equal(rows.text, wanted);
    rows = (struct rows){0};
    must(bob, satchel_duplicates(bob, far, collect_row, &rows));
    assert_int_equal(rows.n, 0);
}

static void amounts_of_two_currencies_are_not_added(void **state)
{
    (void)state;
    struct client_money sum = {0}, none = {0}, one = {.there = true, .minor = INT64_MAX - 1, .currency = "EUR"},
                        two = {.there = true, .minor = 1, .currency = "EUR"},
                        yuan = {.there = true, .minor = 1, .currency = "CNY"};
    client_begin(bob);
    assert_int_equal(client_book_money_add(bob, &sum, &none), SAT_OK);
    assert_false(sum.there);
    assert_int_equal(client_book_money_add(bob, &sum, &one), SAT_OK);
    assert_int_equal(client_book_money_add(bob, &sum, &two), SAT_OK);
    assert_int_equal(sum.minor, INT64_MAX);
    assert_int_equal(client_book_money_add(bob, &sum, &two), SAT_ERR_INVALID);
    assert_int_equal(client_book_money_add(bob, &one, &yuan), SAT_ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_and_its_steps_are_made_in_one_transaction),
        cmocka_unit_test(back_and_again_need_a_reason_and_duties_are_asked),
        cmocka_unit_test(a_business_role_brings_duties),
        cmocka_unit_test(a_dispute_is_settled_by_who_may),
        cmocka_unit_test(a_step_that_only_asks_is_taken_by_who_may),
        cmocka_unit_test(a_states_column_follows_its_steps),
        cmocka_unit_test(what_does_not_stand_is_no_stage_of_the_funnel),
        cmocka_unit_test(a_claim_counts_for_its_author_alone),
        cmocka_unit_test(who_was_claimed_for_claims_it_himself),
        cmocka_unit_test(what_was_submitted_is_at_least_that),
        cmocka_unit_test(a_record_is_found_by_what_people_call_it),
        cmocka_unit_test(a_lead_is_converted_into_no_account_that_is_not_here),
        cmocka_unit_test(a_lead_without_a_name_becomes_part_of_an_account),
        cmocka_unit_test(an_account_with_a_name_of_a_page_is_merged),
        cmocka_unit_test(accounts_on_both_sides_of_the_date_line_are_near),
        cmocka_unit_test(amounts_of_two_currencies_are_not_added),
    };
    return cmocka_run_group_tests_name("book", tests, make_book, drop_book);
}
