/* The six workflows of the book, each by the same questions: which moves are legal, who may make them, what comes of
 * two that were made side by side, and where what is disputed counts before somebody settles it. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "client/duties.h"
#include "tests/unit/book_world.h"

enum { DEVICES = 3, WAY_MAX = 4 };

/* Ann may do everything; Bob sells; Cid is an assistant and finance as well. */
static struct satchel **const devices[DEVICES] = {&ann, &bob, &cid};

struct flow {
    const char *type, *fields;
    const char *way[WAY_MAX];      /* Bob's steps, up to where the others begin */
    const char *illegal;           /* where nobody goes from there, … */
    struct satchel **by, **beside; /* who takes the two steps that had not heard of each other */
    const char *one, *other;       /* these */
    const char *stands;            /* what comes of it: of a dispute both, with | between */
    const char *foreign;           /* … and where Bob may not; NULL: he may whatever is legal */
    const char *report, *basis;    /* which counts it, as what; NULL: none does */
};

static const struct flow flows[] = {
    {.type = "lead",
     .fields = "{\"company\":\"Ana\",\"captured_on\":\"2023-05-01\"}",
     .way = {"contacted", "qualified"},
     .illegal = "new",
     .by = &bob,
     .beside = &ann,
     .one = "converted",
     .other = "disqualified",
     .stands = "disqualified|converted",
     .report = "funnel",
     .basis = "leads and opportunities"},
    {.type = "opportunity",
     .fields = "{\"name\":\"Plant\",\"opened_on\":\"2023-05-01\",\"amount\":100,\"currency\":\"CNY\"}",
     .way = {"qualified", "needs", "proposal"},
     .illegal = "won",
     .by = &bob,
     .beside = &ann,
     .one = "negotiation",
     .other = "lost",
     .stands = "negotiation|lost",
     .report = "funnel",
     .basis = "leads and opportunities"},
    {.type = "visit",
     .fields = "{\"purpose\":\"intro\",\"local_date\":\"2023-05-01\"}",
     .way = {"checked_in"},
     .illegal = "draft",
     .by = &bob,
     .beside = &ann,
     .one = "checked_out",
     .other = "submitted",
     .stands = "submitted",
     .foreign = "reviewed"},
    {.type = "visit_plan",
     .fields = "{\"on_date\":\"2023-05-01\",\"purpose\":\"intro\"}",
     .illegal = "planned",
     .by = &bob,
     .beside = &ann,
     .one = "skipped",
     .other = "moved",
     .stands = "moved|skipped",
     .report = "visits",
     .basis = "plans"},
    {.type = "order",
     .fields = "{\"no_local\":\"W-1\",\"ordered_on\":\"2023-05-01\",\"currency\":\"CNY\",\"state\":\"reviewed\"}",
     .illegal = "delivered",
     .by = &ann,
     .beside = &cid,
     .one = "producing",
     .other = "held",
     .stands = "producing|held",
     .foreign = "producing",
     .report = "tiers",
     .basis = "orders"},
    {.type = "complaint",
     .fields = "{\"text\":\"sour\",\"kind\":\"quality\",\"severity\":3,\"urgency\":3,\"strategy\":\"replace\","
               "\"answers\":[\"yes\"],"
               "\"actions\":[\"40 "
               "l\"],\"deadline\":\"2023-05-06T10:00:00Z\",\"satisfaction\":[\"4\"],\"lesson\":\"cool it\"}",
     .way = {"analysed", "answered", "closed"},
     .illegal = "analysed",
     .by = &bob,
     .beside = &ann,
     .one = "reopened",
     .other = "reopened",
     .stands = "reopened"},
    {.type = "approval",
     .fields = "{\"kind\":\"other\"}",
     .illegal = "requested",
     .by = &ann,
     .beside = &cid,
     .one = "approved",
     .other = "rejected",
     .stands = "rejected",
     .foreign = "rejected"},
};
enum { FLOWS_N = sizeof flows / sizeof flows[0] };

static int make_org(void **state)
{
    char person[SATCHEL_ID_SIZE];
    if (make_book(state)) return -1;
    find_person("Cid", person);
    put_one(ann, "user", person, NULL, "{\"roles\":[\"assistant\",\"finance\"]}");
    sync_all();
    return 0;
}

/* ---- Steps ---- */

static int go(struct satchel *who, const char *type, const char *id, const char *to)
{
    struct satchel_tx *tx;
    must(who, satchel_begin(who, &tx));
    int failed = satchel_step(tx, type, id, to, "so it is", NULL);
    if (!failed) return satchel_commit(tx);
    struct satchel_error kept = *satchel_error_of(who);
    satchel_rollback(tx);
    who->error = kept;
    return failed;
}

/* The steps that stand last, as an array: for a step as any program could send it. */
static json_t *last_steps(struct satchel *who, const char *id)
{
    struct rows rows = {0};
    char sql[300];
    (void)snprintf(sql, sizeof sql,
                   "SELECT json_group_array(e.id) AS ids FROM state_event AS e WHERE e.about = '%s' AND NOT EXISTS"
                   " (SELECT 1 FROM state_event AS n, json_each(n.after) AS j WHERE j.value = e.id)",
                   id);
    must(who, satchel_query(who, sql, collect_row, &rows));
    json_t *row = json_loads(rows.text, 0, NULL), *ids = json_object_get(row, "ids");
    json_t *out = json_is_string(ids) ? json_loads(json_string_value(ids), 0, NULL) : json_incref(ids);
    json_decref(row);
    return out;
}

static void forge(struct satchel *who, const char *id, const char *to)
{
    char made[SATCHEL_ID_SIZE] = "";
    json_t *fields = json_pack("{s:s, s:s, s:o}", "about", id, "to_state", to, "after", last_steps(who, id));
    char *text = json_dumps(fields, 0);
    put_one(who, "state_event", made, NULL, text);
    free(text);
    json_decref(fields);
}

/* One by one on days of their own: two plans of a day are one plan. */
static void make_record(const struct flow *flow, char id[SATCHEL_ID_SIZE])
{
    static unsigned count;
    char fields[400], *day;
    struct satchel_tx *tx;
    (void)snprintf(fields, sizeof fields, "%s", flow->fields);
    if ((day = strstr(fields, "2023-05-01"))) day[9] = (char)('1' + count++ % 9);
    must(ann, satchel_begin(ann, &tx));
    must(ann, satchel_put(tx, flow->type, NULL, "Northern", fields, id));
    must(ann, satchel_commit(tx));
    sync_all();
    for (size_t i = 0; i < WAY_MAX && flow->way[i]; i++) must(bob, go(bob, flow->type, id, flow->way[i]));
    sync_all();
}

/* ---- Telling ---- */

static json_t *state_of(struct satchel *who, const struct flow *flow, const char *id)
{
    char *text = NULL;
    must(who, satchel_state(who, flow->type, id, &text));
    json_t *told = json_loads(text, 0, NULL);
    satchel_free(text);
    return told;
}

/* Every device shows the same, by the call and in its tables. */
static void expect_standing(const struct flow *flow, const char *id, const char *wanted)
{
    const struct sat_machine *machine = sat_machine_by_type(flow->type);
    const char *last = strrchr(wanted, '|') ? strrchr(wanted, '|') + 1 : wanted;
    for (size_t d = 0; d < DEVICES; d++) {
        char sql[200], row[200], told[100] = "";
        json_t *state = state_of(*devices[d], flow, id), *one;
        size_t i;
        json_array_foreach(json_object_get(state, "disputed"), i, one)(void)
            snprintf(told + strlen(told), sizeof told - strlen(told), "%s%s", i ? "|" : "", json_string_value(one));
        assert_string_equal(*told ? told : json_string_value(json_object_get(state, "state")), wanted);
        json_decref(state);
        (void)snprintf(sql, sizeof sql, "SELECT %s AS s, %s_disputed AS d FROM \"%s\" WHERE id = '%s'", machine->field,
                       machine->field, flow->type, id);
        (void)snprintf(row, sizeof row, last == wanted ? "{\"s\":\"%s\",\"d\":null}" : "{\"s\":\"%s\",\"d\":\"%s\"}",
                       last, wanted);
        assert_rows(*devices[d], sql, row);
    }
}

/* How many the report leaves out, as they are disputed. */
static int64_t left_out(struct satchel *who, const struct flow *flow)
{
    char *text = NULL;
    struct satchel_report_options options = {.period = "2023"};
    json_t *row;
    size_t i;
    int64_t n = 0;
    must(who, satchel_report(who, flow->report, &options, &text));
    json_t *report = json_loads(text, 0, NULL);
    json_array_foreach(json_object_get(json_object_get(report, "basis"), "not_counted"), i, row)
    {
        const char *why = json_string_value(json_object_get(row, "why"));
        const char *what = json_string_value(json_object_get(row, "what"));
        if (strncmp(why, "disputed", 8) == 0 && strcmp(what, flow->basis) == 0)
            n += json_integer_value(json_object_get(row, "n"));
    }
    json_decref(report);
    satchel_free(text);
    return n;
}

static bool is_listed(struct satchel *who, const char *id)
{
    char *text = NULL;
    json_t *row;
    size_t i;
    bool listed = false;
    must(who, satchel_today(who, NULL, &text));
    json_t *day = json_loads(text, 0, NULL);
    json_array_foreach(json_object_get(day, "disputed"), i, row) listed =
        listed || strcmp(json_string_value(json_object_get(row, "id")), id) == 0;
    json_decref(day);
    satchel_free(text);
    return listed;
}

/* ---- Which moves, and whose ---- */

static void what_is_no_move_is_refused_by_name_and_counts_nowhere(void **state)
{
    (void)state;
    for (size_t f = 0; f < FLOWS_N; f++) {
        const struct flow *flow = &flows[f];
        char id[SATCHEL_ID_SIZE], before[40], sql[200];
        make_record(flow, id);
        json_t *told = state_of(ann, flow, id);
        (void)snprintf(before, sizeof before, "%s", json_string_value(json_object_get(told, "state")));
        json_decref(told);
        if (strcmp(flow->illegal, before) == 0) continue; /* where it begins: no step */
        must_fail(bob, go(bob, flow->type, id, flow->illegal), "invalid", "does not become");
        forge(bob, id, flow->illegal);
        sync_all();
        expect_standing(flow, id, before);
        (void)snprintf(sql, sizeof sql, "SELECT standing FROM state_event WHERE about = '%s' AND to_state = '%s'", id,
                       flow->illegal);
        struct rows rows = {0};
        must(cid, satchel_query(cid, sql, collect_row, &rows));
        assert_non_null(strstr(rows.text, "{\"standing\":\"illegal\"}"));
    }
}

static void somebody_elses_move_is_denied_and_asks(void **state)
{
    (void)state;
    for (size_t f = 0; f < FLOWS_N; f++) {
        const struct flow *flow = &flows[f];
        char id[SATCHEL_ID_SIZE], before[40];
        if (!flow->foreign) continue;
        make_record(flow, id);
        if (strcmp(flow->type, "visit") == 0) must(bob, go(bob, "visit", id, "submitted"));
        json_t *told = state_of(bob, flow, id);
        (void)snprintf(before, sizeof before, "%s", json_string_value(json_object_get(told, "state")));
        json_decref(told);
        must_fail(bob, go(bob, flow->type, id, flow->foreign), "denied", "may make it");
        forge(bob, id, flow->foreign);
        sync_all();
        expect_standing(flow, id, before);
        for (size_t d = 0; d < DEVICES; d++) {
            told = state_of(*devices[d], flow, id);
            assert_string_equal(json_string_value(json_array_get(json_object_get(told, "asked"), 0)), flow->foreign);
            json_decref(told);
        }
        must(ann, go(ann, flow->type, id, flow->foreign)); /* whose it is takes it */
        sync_all();
        expect_standing(flow, id, flow->foreign);
    }
}

/* ---- Side by side ---- */

/* As programs send them: neither had heard of the other. */
static void take_both(const struct flow *flow, const char *id, bool other_first)
{
    struct satchel *by = *flow->by, *beside = *flow->beside;
    forge(by, id, flow->one);
    forge(beside, id, flow->other);
    (void)sync_now(other_first ? beside : by);
    (void)sync_now(other_first ? by : beside);
    sync_all();
}

static void of_two_side_by_side_one_stands_or_they_are_disputed(void **state)
{
    (void)state;
    for (size_t f = 0; f < 2 * FLOWS_N; f++) {
        const struct flow *flow = &flows[f / 2];
        char id[SATCHEL_ID_SIZE];
        bool disputed = strchr(flow->stands, '|') != NULL;
        make_record(flow, id);
        assert_int_equal(flow->report ? left_out(cid, flow) : 0, 0);
        take_both(flow, id, f % 2);
        expect_standing(flow, id, flow->stands);
        for (size_t d = 0; d < DEVICES; d++) {
            assert_int_equal(is_listed(*devices[d], id), disputed);
            if (disputed) assert_int_equal(left_out(*devices[d], flow), 1);
        }
        if (!disputed) continue;
        must_fail(bob, go(bob, flow->type, id, flow->one), "denied", "settles that");
        forge(bob, id, flow->one); /* as a program could: it settles nothing */
        sync_all();
        expect_standing(flow, id, flow->stands);
        must(ann, go(ann, flow->type, id, f % 2 ? flow->one : flow->other));
        sync_all();
        expect_standing(flow, id, f % 2 ? flow->one : flow->other);
        for (size_t d = 0; d < DEVICES; d++) {
            assert_int_equal(left_out(*devices[d], flow), 0);
            assert_as_made_anew(*devices[d]);
        }
    }
}

/* ---- Beside the reports ---- */

static void put_about(const char *type, const char *account, const char *more, char id[SATCHEL_ID_SIZE])
{
    char fields[300];
    (void)snprintf(fields, sizeof fields, "{\"account\":\"%s\",%s}", account, more);
    id[0] = '\0';
    put_one(ann, type, id, NULL, fields);
}

static void side_by_side(const char *id, const char *one, const char *other)
{
    forge(ann, id, one);
    forge(cid, id, other);
    sync_all();
}

static void what_is_disputed_is_on_its_accounts_page_and_in_none_of_its_figures(void **state)
{
    char account[SATCHEL_ID_SIZE] = "", deal[SATCHEL_ID_SIZE], order[SATCHEL_ID_SIZE], *text = NULL;
    (void)state;
    put_one(ann, "account", account, "Northern", "{\"name\":\"Ana\"}");
    put_about("opportunity", account, "\"name\":\"Plant\",\"stage\":\"proposal\"", deal);
    put_about("order", account, "\"no_local\":\"P-1\",\"ordered_on\":\"2023-05-01\",\"state\":\"reviewed\"", order);
    sync_all();
    side_by_side(deal, "negotiation", "lost");
    side_by_side(order, "producing", "held");
    must(bob, satchel_account_show(bob, account, &text));
    json_t *page = json_loads(text, 0, NULL);
    satchel_free(text);
    text = json_dumps(page, JSON_COMPACT);
    if (!strstr(text, "\"disputed\":\"negotiation|lost\"")) fail_msg("the deal is not in %s", text);
    if (!strstr(text, "\"state\":\"producing|held\"")) fail_msg("the order is not in %s", text);
    if (strstr(text, "\"last_order\":\"2023-05-01\"")) fail_msg("what is disputed counts in %s", text);
    free(text);
    json_decref(page);
    must(ann, go(ann, "order", order, "producing"));
    sync_all();
    must(bob, satchel_account_show(bob, account, &text));
    if (!strstr(text, "\"2023-05-01\"") || !strstr(text, "last_order")) fail_msg("it does not count in %s", text);
    satchel_free(text);
}

static void a_disputed_lead_is_in_no_target(void **state)
{
    char target[SATCHEL_ID_SIZE] = "", lead[SATCHEL_ID_SIZE];
    (void)state;
    put_one(ann, "target", target, "Northern",
            "{\"metric\":\"leads\",\"period_from\":\"2023-01-01\",\"period_to\":\"2023-12-31\",\"values\":{\"1\":10}}");
    make_record(&flows[0], lead);
    for (int settled = 0; settled < 2; settled++) {
        char *text = NULL;
        struct satchel_report_options options = {.period = "2023"};
        if (settled)
            must(ann, go(ann, "lead", lead, "converted"));
        else
            side_by_side(lead, "converted", "disqualified");
        sync_all();
        must(bob, satchel_report(bob, "targets", &options, &text));
        if ((strstr(text, "\"actual_n\":1") != NULL) != settled) fail_msg("%d in %s", settled, text);
        if (!settled && !strstr(text, "disputed: their states stand side by side")) fail_msg("not told in %s", text);
        satchel_free(text);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_org, drop_book)
    const struct CMUnitTest tests[] = {
        TEST(what_is_no_move_is_refused_by_name_and_counts_nowhere),
        TEST(somebody_elses_move_is_denied_and_asks),
        TEST(of_two_side_by_side_one_stands_or_they_are_disputed),
        TEST(what_is_disputed_is_on_its_accounts_page_and_in_none_of_its_figures),
        TEST(a_disputed_lead_is_in_no_target),
    };
    return cmocka_run_group_tests_name("workflows", tests, NULL, NULL);
}
