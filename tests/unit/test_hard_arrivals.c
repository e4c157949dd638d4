/* The domain's hard cases of wrong clocks, of what comes before its turn, and of who was away for too long (its section
 * 3.4), each in every order in which what was done side by side can arrive. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/arrivals.h"

static const int64_t DAY_MS = 86400000;

/* Records of the case that is played. */
static char account[SATCHEL_ID_SIZE], record[SATCHEL_ID_SIZE], other[SATCHEL_ID_SIZE];

static void make_account(void)
{
    put_new(ann, "account", account, "{\"name\":\"Dairy %d\",\"city\":\"Bern\"}", arrivals.round);
}

/* ---- 9: a clock two years ahead ---- */

static void city_by_the_wrong_clock(void)
{
    put(bob, "account", account, "{\"city\":\"Metz\"}");
}

static void city_by_the_wrong_clock_at_once(void)
{
    city_by_the_wrong_clock();
    (void)sync_one(bob); /* so that it is older than what follows */
}

static void city_later(void)
{
    put(cid, "account", account, "{\"city\":\"Paris\"}");
}

static void city_still_later(void)
{
    put(tablet, "account", account, "{\"city\":\"Nancy\"}");
}

static void tell_city(struct satchel *device, struct rows *out)
{
    tell_rows(device, out, "SELECT city FROM account WHERE id = '%s'", account);
    tell_conflicts(device, out, account);
}

static void h09_a_clock_two_years_ahead_wins_nothing_against_what_is_later(void **state)
{
    (void)state;
    in_every_order(&(struct hard_case){
        .begins = make_account,
        .changes = {{&bob, city_by_the_wrong_clock_at_once}, {&cid, city_later}, {&tablet, city_still_later}},
        .tells = tell_city,
        .wanted = "{\"city\":\"Nancy\"}\nconflict city: \"Nancy\" by Bob | \"Paris\" by Cid | \"Metz\" by Bob, ahead",
        .wrong = &bob,
        .ahead_ms = 730 * DAY_MS,
    });
}

/* Nothing else can be said of it than that it was written before it came. */
static void h09_and_is_as_old_as_its_receipt(void **state)
{
    (void)state;
    in_every_order(&(struct hard_case){
        .begins = make_account,
        .changes = {{&bob, city_by_the_wrong_clock}, {&cid, city_later}, {&tablet, city_still_later}},
        .tells = tell_city,
        .wanted = "{\"city\":\"Metz\"}\nconflict city: \"Metz\" by Bob, ahead | \"Nancy\" by Bob | \"Paris\" by Cid",
        .wrong = &bob,
        .ahead_ms = 730 * DAY_MS,
    });
}

/* ---- 10: a clock three days behind ---- */

static void visit_by_the_wrong_clock(void)
{
    char *text = NULL;
    must(bob, satchel_visit_start(bob, account, NULL, &text));
    json_t *told = parsed(text);
    assert_true(json_is_true(json_object_get(told, "ask_day")) || json_is_string(json_object_get(told, "ask_day")));
    (void)snprintf(record, sizeof record, "%s", json_string_value(json_object_get(told, "visit")));
    json_decref(told);
    put(bob, "account", account, "{\"note\":\"first\"}");
    put(bob, "account", account, "{\"note\":\"second\"}");
}

static void tell_order_kept(struct satchel *device, struct rows *out)
{
    tell_rows(device, out, "SELECT city, note FROM account WHERE id = '%s'", account);
    tell_rows(device, out, "SELECT state, local_date FROM visit WHERE account = '%s'", account);
    tell_conflicts(device, out, account);
    if (device == arrivals.wrong && the_world.device_ahead_ms) {
        char *text = NULL;
        must(device, satchel_status(device, &text));
        json_t *status = parsed(text);
        assert_string_equal(json_string_value(json_object_get(status, "clock")), "behind by 3 days");
        json_decref(status);
    }
}

static void h10_a_clock_three_days_behind_keeps_its_own_order(void **state)
{
    (void)state;
    in_every_order(&(struct hard_case){
        .begins = make_account,
        .changes = {{&bob, visit_by_the_wrong_clock}, {&cid, city_later}, {&tablet, city_still_later}},
        .tells = tell_order_kept,
        .wanted = "{\"city\":\"Nancy\",\"note\":\"second\"}\n{\"state\":\"checked_in\",\"local_date\":null}\n"
                  "conflict city: \"Nancy\" by Bob | \"Paris\" by Cid",
        .wrong = &bob,
        .ahead_ms = -3 * DAY_MS - 60000,
    });
}

/* ---- 12: back after 200 days, where 180 are the end of waiting ---- */

static char doomed[SATCHEL_ID_SIZE];
static unsigned kept_back; /* how often the tablet listed what it could not bring */

static void forget(void)
{
    struct sat_arena arena;
    struct sat_actions actions;
    sat_arena_init(&arena);
    sat_actions_init(&actions, &arena);
    assert_int_equal(sat_host_maintain(the_world.host, server_now_ms(), 1000, &actions), SAT_OK);
    sat_arena_deinit(&arena);
}

static void begin_two(void)
{
    the_world.collects = true;
    reopen_host();
    make_account();
    put_new(ann, "account", doomed, "{\"name\":\"Closed Dairy\"}");
}

static void work_of_who_goes_away(void)
{
    put(tablet, "account", doomed, "{\"city\":\"Metz\"}");
    put(tablet, "account", account, "{\"city\":\"Bonn\"}");
    put_new(tablet, "account", other, "{\"name\":\"New Dairy\"}");
}

static void sync_but_tablet(void)
{
    for (int round = 0; round < 2; round++)
        for (size_t i = 0; i < DEVICES; i++)
            if (devices[i] != &tablet) (void)sync_one(*devices[i]);
}

static void half_a_year(void)
{
    pass_by(100 * DAY_MS);
    sync_but_tablet();
    pass_by(100 * DAY_MS);
    sync_but_tablet();
    archive(ann, "account", doomed);
    for (int round = 0; round < 3; round++) {
        sync_but_tablet();
        pass_by(1000);
        forget();
    }
    assert_int_equal(sat_host_counts(the_world.host).collected, 1);
    put(ann, "account", account, "{\"note\":\"still a customer\"}");
}

static void tell_who_is_left(struct satchel *device, struct rows *out)
{
    tell_rows(device, out, "SELECT city, note FROM account WHERE id IN ('%s', '%s', '%s') ORDER BY id = '%s'", account,
              other, doomed, other);
    tell_rows(device, out, "SELECT COUNT(*) AS forgotten FROM archived.account WHERE id = '%s'", doomed);
    tell_conflicts(device, out, account);
    if (device != tablet) return;
    struct rows refused = {0};
    must(tablet, satchel_refused(tablet, collect_row, &refused));
    kept_back += strstr(refused.text, doomed) && strstr(refused.text, "Metz");
}

static void h12_back_after_200_days_brings_its_work_and_nothing_deleted(void **state)
{
    (void)state;
    kept_back = 0;
    in_every_order(&(struct hard_case){
        .begins = begin_two,
        .changes = {{&tablet, work_of_who_goes_away}, {&ann, half_a_year}, {&cid, city_later}},
        .tells = tell_who_is_left,
        .wanted = "{\"city\":\"Paris\",\"note\":\"still a customer\"}\n{\"city\":null,\"note\":null}\n"
                  "{\"forgotten\":0}\nconflict city: \"Paris\" by Cid | \"Bonn\" by Bob",
        .anew = true,
    });
    assert_int_equal(kept_back, 6);
}

/* ---- 14: before its turn ---- */

static unsigned waited; /* how often somebody was shown that something waits */

static void begin_deal(void)
{
    put_new(ann, "opportunity", record, "{\"name\":\"Silo %d\"}", arrivals.round);
}

static char steps[2][SATCHEL_ID_SIZE]; /* as their authors named them */

static void first_step(void)
{
    struct satchel_tx *tx;
    must(bob, satchel_begin(bob, &tx));
    must(bob, satchel_step(tx, "opportunity", record, "qualified", NULL, steps[0]));
    must(bob, satchel_commit(tx));
}

/* By somebody who was told of the step before, but whose device has not heard of it. */
static void step_after(struct satchel *satchel, const char *from, const char *to, const char *after,
                       char id[SATCHEL_ID_SIZE])
{
    put_new(satchel, "state_event", id,
            "{\"about\":\"%s\",\"from_state\":\"%s\",\"to_state\":\"%s\",\"after\":[\"%s\"],\"at\":"
            "\"2099-06-0%dT10:00:00Z\"}",
            record, from, to, after, strcmp(to, "needs") == 0 ? 1 : 2);
}

static void second_step(void)
{
    step_after(cid, "qualified", "needs", steps[0], steps[1]);
}

static void third_step(void)
{
    char id[SATCHEL_ID_SIZE];
    step_after(tablet, "needs", "proposal", steps[1], id);
}

static void tell_steps(struct satchel *device, struct rows *out)
{
    size_t len = strlen(out->text);
    tell_state(device, out, "opportunity", record);
    waited += strstr(out->text + len, "waits") != NULL;
}

static void h14_a_step_before_the_one_that_it_follows(void **state)
{
    (void)state;
    waited = 0;
    in_every_order(&(struct hard_case){
        .begins = begin_deal,
        .changes = {{&bob, first_step}, {&cid, second_step}, {&tablet, third_step}},
        .tells = tell_steps,
        .wanted = "state: \"proposal\"\nsteps: qualified counts, needs counts, proposal counts",
    });
    assert_int_equal(waited, 0 + 1 + 1 + 2 + 2 + 2); /* arrivals after which somebody waits, of each order */
}

/* What has waited for five days is shown to whoever looks for what breaks a rule, until it is whole. */
static void h14_what_waits_for_five_days_is_flagged(void **state)
{
    (void)state;
    static const char flagged[] = "SELECT text FROM flagged WHERE type = 'state_event'";
    char last[SATCHEL_ID_SIZE], wanted[200];
    begin_deal();
    put_new(cid, "state_event", last,
            "{\"about\":\"%s\",\"from_state\":\"qualified\",\"to_state\":\"needs\",\"after\":[\"%s\"],\"at\":"
            "\"2026-05-04T10:00:00Z\"}",
            record, "0190c6a2-7b1e-8c3a-9c55-000000000000");
    put_new(bob, "state_event", other,
            "{\"about\":\"%s\",\"to_state\":\"needs\",\"after\":[\"%s\"],\"at\":\"2999-05-04T10:00:00Z\"}", record,
            "0190c6a2-7b1e-8c3a-9c55-000000000001"); /* not for five days */
    sync_people();
    (void)snprintf(wanted, sizeof wanted, "{\"text\":\"since 2026-05-04: needs of %s waits for 1 step\"}", record);
    assert_rows(ann, flagged, wanted);
    put_one(bob, "state_event", (char[SATCHEL_ID_SIZE]){"0190c6a2-7b1e-8c3a-9c55-000000000000"}, "Northern",
            "{\"to_state\":\"qualified\"}");
    sync_people();
    assert_rows(ann, flagged, "");
}

static void make_nothing(void)
{
    (void)snprintf(account, sizeof account, "0190c6a2-7b1e-7c3a-9c55-%012d", arrivals.round);
}

static void make_it(void)
{
    put_one(bob, "account", account, "Northern", "{\"name\":\"Late Dairy\"}");
}

static void visit_it(void)
{
    put_new(cid, "visit", other, "{\"account\":\"%s\",\"purpose\":\"tasting\"}", account);
}

static void order_of_it(void)
{
    put_new(tablet, "order", record, "{\"account\":\"%s\",\"no_local\":\"T-%d\"}", account, arrivals.round);
}

static void tell_references(struct satchel *device, struct rows *out)
{
    char *text = NULL;
    if (satchel_get(device, "visit", other, &text)) return; /* it has not come yet */
    json_t *told = parsed(text);
    waited += json_object_get(told, "waiting") != NULL;
    json_decref(told);
    tell_rows(device, out,
              "SELECT a.name, v.purpose, o.no_local IS NOT NULL AS ordered FROM account AS a JOIN visit AS v ON"
              " v.account = a.id JOIN \"order\" AS o ON o.account = a.id WHERE a.id = '%s'",
              account);
}

static void h14_a_visit_and_an_order_before_their_account(void **state)
{
    (void)state;
    waited = 0;
    in_every_order(&(struct hard_case){
        .begins = make_nothing,
        .changes = {{&bob, make_it}, {&cid, visit_it}, {&tablet, order_of_it}},
        .tells = tell_references,
        .wanted = "{\"name\":\"Late Dairy\",\"purpose\":\"tasting\",\"ordered\":1}",
    });
    assert_true(waited > 0);
}

/* ---- 19: two claim one account of the pool ---- */

static void claim_it(struct satchel *satchel)
{
    char *text = NULL;
    must(satchel, satchel_claim(satchel, "account", account, &text));
    json_t *told = parsed(text);
    assert_string_equal(json_string_value(json_object_get(told, "own")), "asked"); /* no more than that, offline */
    json_decref(told);
}

static void claim_of_bob(void)
{
    claim_it(bob);
}

static void claim_of_cid(void)
{
    claim_it(cid);
}

static void claim_of_ann(void)
{
    claim_it(ann);
}

struct claim_of {
    struct satchel *device;
    struct rows *out;
};

static int tell_claim(void *context, const char *json)
{
    const struct claim_of *of = context;
    json_t *row = json_loads(json, 0, NULL);
    if (strcmp(json_string_value(json_object_get(row, "id")), account) == 0) {
        const char *first = arrivals.first == ann ? "Ann" : arrivals.first == bob ? "Bob" : "Cid";
        const char *own = json_string_value(json_object_get(row, "own")),
                   *by = json_string_value(json_object_get(row, "by"));
        bool his = of->device == arrivals.first || (of->device == tablet && arrivals.first == bob);
        bool asked = of->device == ann || of->device == bob || of->device == tablet || of->device == cid;
        tell(of->out, "%s, by %s, who asks is told so: %d", json_string_value(json_object_get(row, "state")),
             by && strcmp(by, first) == 0 ? "the first to arrive" : "another one",
             strcmp(own ? own : "-", !asked ? "-"
                                     : his  ? "confirmed"
                                            : "lost") == 0);
    }
    json_decref(row);
    return 0;
}

static void tell_claims(struct satchel *device, struct rows *out)
{
    struct claim_of of = {.device = device, .out = out};
    must(device, satchel_claims(device, tell_claim, &of));
    tell_conflicts(device, out, account);
}

static void h19_of_three_claims_the_first_to_arrive_counts(void **state)
{
    (void)state;
    in_every_order(&(struct hard_case){
        .begins = make_account,
        .changes = {{&bob, claim_of_bob}, {&cid, claim_of_cid}, {&ann, claim_of_ann}},
        .tells = tell_claims,
        .wanted = "confirmed, by the first to arrive, who asks is told so: 1",
    });
    char *text = NULL;
    struct satchel *loser = arrivals.first == bob ? cid : bob;
    must_fail(loser, satchel_claim(loser, "account", account, &text), "exists", "is claimed by");
    must_fail(loser, satchel_claim_back(loser, "account", account, &text), "denied", "whoever claimed it");
    must(arrivals.first, satchel_claim_back(arrivals.first, "account", account, &text));
    satchel_free(text);
    sync_people();
    must(loser, satchel_claim(loser, "account", account, &text)); /* it is free again */
    satchel_free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(h09_a_clock_two_years_ahead_wins_nothing_against_what_is_later),
        cmocka_unit_test(h09_and_is_as_old_as_its_receipt),
        cmocka_unit_test(h10_a_clock_three_days_behind_keeps_its_own_order),
        cmocka_unit_test(h14_a_step_before_the_one_that_it_follows),
        cmocka_unit_test(h14_what_waits_for_five_days_is_flagged),
        cmocka_unit_test(h14_a_visit_and_an_order_before_their_account),
        cmocka_unit_test(h19_of_three_claims_the_first_to_arrive_counts),
        cmocka_unit_test(h12_back_after_200_days_brings_its_work_and_nothing_deleted), /* years pass: the last */
    };
    return cmocka_run_group_tests_name("hard_arrivals", tests, make_people, drop_people);
}
