/* Orders and approvals as members may write them: steps from elsewhere, what others archive, grants that are none,
 * discounts of somebody else's order, and the roads around what is asked before. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "client/view/view.h"
#include "tests/unit/client_world.h"

/* Ann is the admin, Mia a manager, Bob and Cid are reps; Cid writes in Coast as well. */
static struct satchel *ann, *mia, *bob, *cid;
static char account[SATCHEL_ID_SIZE], milk[SATCHEL_ID_SIZE], list[SATCHEL_ID_SIZE], person[SATCHEL_ID_SIZE];
static char order[SATCHEL_ID_SIZE], line[SATCHEL_ID_SIZE];

static void sync_all(void)
{
    struct satchel *const all[] = {bob, cid, mia, ann};
    for (int i = 0; i < 12; i++) {
        struct satchel_sync_result result;
        must(all[i % 4], satchel_sync(all[i % 4], NULL, &result));
    }
}

static int make_org(void **state)
{
    static const char *const reps[] = {"Bob", "Cid"};
    char none[SATCHEL_ID_SIZE] = "", text[200];
    if (make_client_world(state)) return -1;
    ann = create_org();
    must(ann, satchel_territory_add(ann, "Northern"));
    must(ann, satchel_territory_add(ann, "Coast"));
    must(ann, satchel_user_add(ann, "Mia", "manager"));
    must(ann, satchel_territory_grant(ann, "Northern", "Mia", 0));
    for (int i = 0; i < 2; i++) {
        must(ann, satchel_user_add(ann, reps[i], "rep"));
        must(ann, satchel_territory_grant(ann, "Northern", reps[i], 0));
    }
    must(ann, satchel_territory_grant(ann, "Coast", "Cid", 0));
    mia = join_as(ann, "Mia", "mia");
    must(ann, satchel_device_approve(ann, 2));
    bob = join_as(ann, "Bob", "bob");
    cid = join_as(ann, "Cid", "cid");
    account[0] = milk[0] = list[0] = '\0';
    put_one(ann, "account", account, "Northern", "{\"name\":\"Ana\"}");
    put_one(ann, "product", milk, NULL, "{\"sku\":\"MILK\"}");
    put_one(ann, "price_list", list, NULL, "{\"code\":\"W\",\"version\":1,\"currency\":\"CNY\"}");
    (void)snprintf(text, sizeof text, "{\"price_list\":\"%s\",\"product\":\"%s\",\"unit_price\":1000}", list, milk);
    put_one(ann, "price_row", none, NULL, text);
    sync_all();
    struct rows rows = {0};
    must(bob, satchel_query(bob, "SELECT id FROM user WHERE name = 'Bob'", collect_row, &rows));
    (void)snprintf(person, sizeof person, "%.36s", strstr(rows.text, ":\"") + 2);
    return 0;
}

static int drop_org(void **state)
{
    struct satchel *const all[] = {ann, mia, bob, cid};
    struct sat_fault fault = {0};
    for (size_t i = 0; i < 4; i++) { /* followed record by record, as made anew */
        struct client_view *followed, *anew;
        bool same = false;
        char where[160] = "";
        assert_int_equal(client_view_get(all[i], &followed), SAT_OK);
        assert_int_equal(client_view_make(all[i], &anew), SAT_OK);
        assert_int_equal(client_view_compare(followed, anew, &same, where, &fault), SAT_OK);
        if (!same) fail_msg("they differ in %s", where);
        client_view_free(anew);
        satchel_close(all[i]);
    }
    return drop_client_world(state);
}

/* ---- What is done, and what is told ---- */

static json_t *parsed(char *text)
{
    json_t *json = json_loads(text ? text : "null", JSON_DECODE_ANY, NULL);
    satchel_free(text);
    return json;
}

/* An order of three cases, with its discount; its id and its line's are kept. */
static void take(struct satchel *who, int discount_bp, bool submits)
{
    char wish[200], *text = NULL;
    (void)snprintf(wish, sizeof wish,
                   "{\"account\":\"%s\",\"discount_bp\":%d,\"lines\":[{\"sku\":\"MILK\",\"qty\":3}],\"anyway\":true}",
                   account, discount_bp);
    must(who, satchel_order_new(who, wish, &text));
    json_t *told = parsed(text);
    (void)snprintf(order, sizeof order, "%s", json_string_value(json_object_get(told, "id")));
    json_t *first = json_array_get(json_object_get(told, "lines"), 0);
    (void)snprintf(line, sizeof line, "%s", json_string_value(json_object_get(first, "id")));
    json_decref(told);
    text = NULL;
    if (submits) must(who, satchel_order_submit(who, order, &text));
    satchel_free(text);
    sync_all();
}

static json_t *approval_of(struct satchel *who)
{
    char *text = NULL;
    must(who, satchel_order_show(who, order, &text));
    json_t *told = parsed(text), *approval = json_incref(json_object_get(told, "approval"));
    json_decref(told);
    return approval;
}

/* The member of its approval, as text; "": there is none. */
static const char *approval_says(struct satchel *who, const char *member)
{
    static char said[80];
    json_t *approval = approval_of(who);
    const json_t *value = json_object_get(approval, member);
    (void)snprintf(said, sizeof said, "%s",
                   json_is_string(value)  ? json_string_value(value)
                   : json_is_true(value)  ? "yes"
                   : json_is_false(value) ? "no"
                                          : "");
    if (json_is_integer(value)) (void)snprintf(said, sizeof said, "%lld", (long long)json_integer_value(value));
    json_decref(approval);
    return said;
}

static int64_t total_of(struct satchel *who)
{
    char *text = NULL;
    must(who, satchel_order_show(who, order, &text));
    json_t *told = parsed(text);
    int64_t total = json_integer_value(json_object_get(told, "total_minor"));
    json_decref(told);
    return total;
}

static void assert_flag(struct satchel *who, const char *name)
{
    char *text = NULL, flag[60];
    must(who, satchel_order_show(who, order, &text));
    (void)snprintf(flag, sizeof flag, "\"flag\":\"%s\"", name);
    if (!strstr(text, flag)) fail_msg("no %s in %s", name, text);
    satchel_free(text);
}

static int step(struct satchel *who, const char *type, const char *id, const char *to)
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

static void amend(struct satchel *who, const char *changes)
{
    struct rows rows = {0};
    must(who, satchel_amend(who, "order_line", line, changes, "so it is", collect_row, &rows));
}

static void decide(struct satchel *who, const char *decision)
{
    char *text = NULL;
    must(who, satchel_approve(who, order, decision, "so it is", &text));
    satchel_free(text);
}

static void assert_state(const char *type, const char *id, const char *wanted)
{
    struct satchel *const all[] = {ann, mia, bob, cid};
    char sql[200], row[100];
    (void)snprintf(sql, sizeof sql, "SELECT DISTINCT state AS s FROM \"%s\" WHERE id = '%s'", type, id);
    (void)snprintf(row, sizeof row, "{\"s\":\"%s\"}", wanted);
    for (size_t i = 0; i < 4; i++) {
        char *text = NULL;
        assert_rows(all[i], sql, row);
        must(all[i], satchel_state(all[i], type, id, &text));
        json_t *told = parsed(text);
        assert_string_equal(json_string_value(json_object_get(told, "state")), wanted);
        json_decref(told);
    }
}

static void archive_steps(struct satchel *who, const char *about)
{
    struct rows rows = {0};
    struct satchel_tx *tx;
    char sql[120];
    (void)snprintf(sql, sizeof sql, "SELECT id FROM state_event WHERE about = '%s'", about);
    must(who, satchel_query(who, sql, collect_row, &rows));
    must(who, satchel_begin(who, &tx));
    for (char *at = rows.text; (at = strstr(at, ":\"")); at += 38) {
        char id[SATCHEL_ID_SIZE];
        (void)snprintf(id, sizeof id, "%.36s", at + 2);
        must(who, satchel_remove(tx, "state_event", id));
    }
    must(who, satchel_commit(tx));
    sync_all();
}

/* ---- Steps ---- */

static void a_step_is_one_of_its_records_own_territory(void **state)
{
    char fields[200], made[SATCHEL_ID_SIZE] = "";
    (void)state;
    take(bob, 0, true);
    (void)snprintf(fields, sizeof fields, "{\"about\":\"%s\",\"to_state\":\"cancelled\"}", order);
    put_one(cid, "state_event", made, "Coast", fields);
    sync_all();
    assert_state("order", order, "received");
    assert_rows(ann, "SELECT rule FROM flagged WHERE type = 'state_event'",
                "{\"rule\":\"a step is in its record's territory\"}");
    must(bob, step(bob, "order", order, "cancelled"));
    sync_all();
    assert_state("order", order, "cancelled");
}

static void a_no_stays_whoever_archives_it(void **state)
{
    char approval[SATCHEL_ID_SIZE];
    (void)state;
    take(bob, 900, true);
    decide(mia, "no");
    sync_all();
    (void)snprintf(approval, sizeof approval, "%s", approval_says(bob, "approval"));
    assert_state("approval", approval, "rejected");
    archive_steps(bob, approval);
    assert_state("approval", approval, "rejected");
}

/* Whose request it is follows from who wrote it, for any program's steps. */
static void who_did_not_ask_withdraws_nothing(void **state)
{
    char approval[SATCHEL_ID_SIZE], made[SATCHEL_ID_SIZE] = "", fields[200];
    (void)state;
    take(bob, 900, true);
    (void)snprintf(approval, sizeof approval, "%s", approval_says(bob, "approval"));
    must_fail(cid, step(cid, "approval", approval, "withdrawn"), "denied", "whoever asked");
    (void)snprintf(fields, sizeof fields, "{\"about\":\"%s\",\"to_state\":\"withdrawn\"}", approval);
    put_one(cid, "state_event", made, NULL, fields);
    sync_all();
    assert_state("approval", approval, "requested");
    must(bob, step(bob, "approval", approval, "withdrawn"));
    sync_all();
    assert_state("approval", approval, "withdrawn");
}

/* A decision stands beside a withdrawal that had not heard of it, whoever's that is: a no is not to be got rid of. */
static void a_decision_stands_beside_a_withdrawal(void **state)
{
    static const struct {
        const char *decision, *stands;
    } cases[] = {{"yes", "approved"}, {"no", "rejected"}};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct satchel *const by[] = {bob, cid};
        char approval[SATCHEL_ID_SIZE], fields[200];
        take(bob, 900 + (int)i, true);
        (void)snprintf(approval, sizeof approval, "%s", approval_says(bob, "approval"));
        decide(mia, cases[i].decision);
        (void)snprintf(fields, sizeof fields, "{\"about\":\"%s\",\"to_state\":\"withdrawn\"}", approval);
        for (size_t k = 0; k < 2; k++) {
            char made[SATCHEL_ID_SIZE] = "";
            put_one(by[k], "state_event", made, NULL, fields);
        }
        sync_all();
        assert_state("approval", approval, cases[i].stands);
        must_fail(bob, step(bob, "approval", approval, "withdrawn"), "invalid", "does not become withdrawn");
    }
}

static void who_settles_takes_a_step_back(void **state)
{
    (void)state;
    take(bob, 0, true);
    must(bob, step(bob, "order", order, "cancelled"));
    sync_all();
    archive_steps(mia, order);
    assert_state("order", order, "received");
}

/* A record of a person's in a territory, as whoever writes there can make one: his duties are said among the people. */
static void nobody_has_a_duty_by_what_a_territory_says_of_him(void **state)
{
    struct sat_record_id id = sat_name_record_user(&bob->directory.org, 5);
    char dans[SATCHEL_ID_SIZE], approval[SATCHEL_ID_SIZE], made[SATCHEL_ID_SIZE] = "", fields[200];
    struct satchel_sync_result result;
    (void)state;
    sat_uuid_format(id.b, dans);
    put_one(bob, "user", dans, "Northern", "{\"roles\":[\"manager\"]}");
    must(ann, satchel_user_add(ann, "Dan", "rep"));
    must(ann, satchel_territory_grant(ann, "Northern", "Dan", 0));
    struct satchel *dan = join_as(ann, "Dan", "dan");
    take(bob, 900, true);
    (void)snprintf(approval, sizeof approval, "%s", approval_says(bob, "approval"));
    (void)snprintf(fields, sizeof fields, "{\"about\":\"%s\",\"to_state\":\"approved\"}", approval);
    must(dan, satchel_sync(dan, NULL, &result));
    must_fail(dan, step(dan, "approval", approval, "approved"), "denied", "may make it approved");
    put_one(dan, "state_event", made, NULL, fields);
    must(dan, satchel_sync(dan, NULL, &result));
    satchel_close(dan);
    sync_all();
    assert_state("approval", approval, "requested");
    assert_rows(mia, "SELECT territory FROM user WHERE name IS NULL", "");
    put_one(ann, "user", dans, NULL, "{\"employee_no\":\"7\"}"); /* who is meant is among the people */
    sync_all();
    assert_rows(mia, "SELECT employee_no AS no FROM user WHERE name = 'Dan'", "{\"no\":\"7\"}");
}

/* As an import has to, a record is made in any state: shown there, and flagged where its maker has no way to it, until
 * somebody who has moves it on. */
static void a_state_without_a_way_is_flagged(void **state)
{
    static const char flags[] = "SELECT f.text FROM flagged AS f WHERE f.rule = 'a state is come to by its way'";
    static const char found[] =
        "{\"text\":\"it was made as warehouse, to which whoever made it has no way: somebody who has"
        " moves it on\"}";
    char fields[200], id[SATCHEL_ID_SIZE] = "";
    (void)state;
    (void)snprintf(fields, sizeof fields, "{\"account\":\"%s\",\"no_local\":\"I-1\",\"state\":\"warehouse\"}", account);
    put_one(ann, "order", id, NULL, fields); /* she may do all of it */
    sync_all();
    assert_rows(bob, flags, "");
    order[0] = '\0';
    put_one(bob, "order", order, NULL, fields);
    put_one(bob, "user", (char[SATCHEL_ID_SIZE]){""}, "Northern", "{\"roles\":[\"supply\"]}");
    sync_all();
    assert_state("order", order, "warehouse");
    struct satchel *const all[] = {ann, mia, bob, cid};
    for (size_t i = 0; i < 4; i++) assert_rows(all[i], flags, found);
    assert_flag(mia, "no_way");
    put_one(ann, "user", person, NULL, "{\"roles\":[\"supply\"]}"); /* he may set any state now */
    sync_all();
    for (size_t i = 0; i < 4; i++) assert_rows(all[i], flags, "");
    put_one(ann, "user", person, NULL, "{\"roles\":{\"remove\":[\"supply\"]}}");
    sync_all();
    assert_rows(cid, flags, found);
    must(ann, step(ann, "order", order, "shipping"));
    sync_all();
    for (size_t i = 0; i < 4; i++) assert_rows(all[i], flags, "");
}

/* The office gives final numbers; two who did so offline can have given one twice. */
static void a_final_number_is_of_one_order(void **state)
{
    static const char flags[] = "SELECT text FROM flagged WHERE rule = 'a final number is of one order'";
    static const char found[] = "{\"text\":\"another order is 2026-0001, too\"}";
    char first[SATCHEL_ID_SIZE], both[200];
    (void)state;
    take(bob, 0, true);
    (void)snprintf(first, sizeof first, "%s", order);
    take(bob, 0, true);
    put_one(ann, "order", first, NULL, "{\"no_final\":\"2026-0001\"}");
    put_one(mia, "order", order, NULL, "{\"no_final\":\"2026-0001\"}");
    sync_all();
    (void)snprintf(both, sizeof both, "%s\n%s", found, found);
    assert_rows(bob, flags, both);
    put_one(mia, "order", order, NULL, "{\"no_final\":null}");
    put_one(mia, "order", order, NULL, "{\"no_final\":\"2026-0002\"}");
    sync_all();
    assert_rows(bob, flags, "");
    assert_rows(cid, "SELECT no_final FROM \"order\" WHERE no_final IS NOT NULL ORDER BY 1",
                "{\"no_final\":\"2026-0001\"}\n{\"no_final\":\"2026-0002\"}");
}

/* ---- The same on every road ---- */

static void publish_checklist(char template[SATCHEL_ID_SIZE])
{
    template[0] = '\0';
    put_one(ann, "template", template, NULL,
            "{\"kind\":\"checklist\",\"name\":\"order_review\",\"version\":1,\"published_at\":\"2024-01-01T00:00:00Z\","
            "\"body\":\"{\\\"items\\\":[{\\\"key\\\":\\\"terms\\\",\\\"text\\\":\\\"terms\\\",\\\"mandatory\\\":true}]}"
            "\"}");
    sync_all();
}

static void whichever_call_reviews_an_order_asks_the_same_before(void **state)
{
    char template[SATCHEL_ID_SIZE];
    (void)state;
    take(bob, 900, false);
    must_fail(mia, step(mia, "order", order, "reviewed"), "invalid", "is not submitted");
    char *text = NULL;
    must(bob, satchel_order_submit(bob, order, &text));
    satchel_free(text);
    sync_all();
    must_fail(mia, step(mia, "order", order, "reviewed"), "invalid", "before its discount is approved");
    decide(mia, "yes");
    publish_checklist(template);
    must_fail(mia, step(mia, "order", order, "reviewed"), "invalid", "terms is not answered");
    assert_state("order", order, "received");
    must(mia, satchel_order_move(mia, order, "reviewed", NULL, "{\"terms\":\"yes\"}", &text));
    satchel_free(text);
    must(mia, step(mia, "order", order, "reviewed")); /* it is already: nothing is asked, and nothing written */
}

static void whichever_call_delivers_an_order_notes_what_is_owed(void **state)
{
    static const char *const states[] = {"reviewed", "warehouse", "shipping", "delivered", "delivered"};
    (void)state;
    take(bob, 0, true);
    for (size_t i = 0; i < 5; i++) must(ann, step(ann, "order", order, states[i]));
    assert_rows(ann, "SELECT amount FROM receivable", "{\"amount\":3000}");
}

static void whichever_call_approves_does_so_for_what_the_order_says(void **state)
{
    char approval[SATCHEL_ID_SIZE];
    (void)state;
    take(bob, 900, true);
    (void)snprintf(approval, sizeof approval, "%s", approval_says(bob, "approval"));
    amend(bob, "{\"discount_bp\":2500}");
    sync_all();
    must_fail(mia, step(mia, "approval", approval, "approved"), "invalid", "another version");
    amend(bob, "{\"discount_bp\":900}");
    sync_all();
    must(mia, step(mia, "approval", approval, "approved"));
    assert_rows(mia, "SELECT decisions FROM approval", "{\"decisions\":{\"manager\":\"yes\"}}");
    sync_all();
    char *text = NULL;
    must_fail(bob, satchel_approve(bob, order, "yes", NULL, &text), "denied", "a manager or finance");
    assert_rows(bob, "SELECT decisions FROM approval", "{\"decisions\":{\"manager\":\"yes\"}}");
}

/* A rep can answer the checklist as well as anybody: it is asked of who may review. */
static void who_may_not_review_answers_nothing(void **state)
{
    char template[SATCHEL_ID_SIZE] = "", fields[200], run[SATCHEL_ID_SIZE] = "", *text = NULL;
    (void)state;
    take(bob, 0, true);
    publish_checklist(template);
    (void)snprintf(fields, sizeof fields, "{\"about\":\"%s\",\"template\":\"%s\",\"answers\":{\"terms\":\"yes\"}}",
                   order, template);
    put_one(bob, "checklist_run", run, NULL, fields);
    sync_all();
    must_fail(mia, step(mia, "order", order, "reviewed"), "invalid", "terms is not answered");
    put_one(mia, "checklist_run", run, NULL, "{\"answers\":{\"terms\":\"no\"}}");
    must_fail(mia, step(mia, "order", order, "reviewed"), "invalid", "terms is not answered");
    must(mia, satchel_order_move(mia, order, "reviewed", NULL, "{\"terms\":\"yes\"}", &text));
    satchel_free(text);
}

static void what_was_reviewed_and_never_submitted_is_flagged(void **state)
{
    char fields[200], made[SATCHEL_ID_SIZE] = "";
    (void)state;
    take(bob, 0, false);
    (void)snprintf(fields, sizeof fields, "{\"about\":\"%s\",\"to_state\":\"reviewed\"}", order);
    put_one(mia, "state_event", made, NULL, fields);
    sync_all();
    assert_flag(bob, "not_submitted");
}

/* ---- Beside it ---- */

static void a_line_of_another_territory_adds_nothing(void **state)
{
    struct satchel *const all[] = {ann, mia, bob, cid};
    char fields[300], made[SATCHEL_ID_SIZE] = "";
    (void)state;
    take(bob, 0, true);
    (void)snprintf(fields, sizeof fields,
                   "{\"order\":\"%s\",\"product\":\"%s\",\"sku\":\"MILK\",\"qty\":900,\"unit_price\":1000}", order,
                   milk);
    put_one(cid, "order_line", made, "Coast", fields);
    sync_all();
    for (size_t i = 0; i < 4; i++) {
        assert_rows(all[i], "SELECT total FROM \"order\"", "{\"total\":3000}");
        assert_int_equal(total_of(all[i]), 3000);
    }
    assert_rows(ann, "SELECT rule FROM flagged", "{\"rule\":\"a line is in its order's territory\"}");
}

static void an_order_of_the_same_id_elsewhere_is_another_one(void **state)
{
    char *text = NULL, fields[200];
    (void)state;
    (void)snprintf(order, sizeof order, "0190b6f2-8f5c-7cc1-9a54-7d7b6e0b1d2e");
    (void)snprintf(fields, sizeof fields, "{\"account\":\"%s\",\"no_local\":\"N-1\"}", account);
    put_one(bob, "order", order, "Northern", fields);
    put_one(cid, "order", order, "Coast", "{\"no_local\":\"C-1\",\"submitted_at\":\"2026-05-04T10:00:00Z\"}");
    sync_all();
    must(ann, satchel_order_show(ann, order, &text));
    json_t *told = parsed(text);
    assert_string_equal(json_string_value(json_object_get(told, "no_local")), "N-1");
    assert_true(json_is_false(json_object_get(told, "submitted")));
    json_decref(told);
}

static void nobody_counts_for_somebody_elses_device(void **state)
{
    struct rows rows = {0};
    char fields[200], number[40], forged[SATCHEL_ID_SIZE] = "";
    (void)state;
    take(bob, 0, false);
    must(bob, satchel_query(bob, "SELECT no_local FROM \"order\"", collect_row, &rows));
    (void)snprintf(number, sizeof number, "%.12s", strstr(rows.text, ":\"") + 2);
    (void)snprintf(fields, sizeof fields, "{\"no_local\":\"%s9223372036854775806\"}", number);
    put_one(cid, "order", forged, "Northern", fields);
    sync_all();
    take(bob, 0, false);
    (void)snprintf(fields, sizeof fields, "{\"n\":1}");
    assert_rows(bob, "SELECT COUNT(*) AS n FROM \"order\" WHERE no_local LIKE '%-002'", fields);
}

/* ---- What may be given ---- */

static void put_grant(struct satchel *who, char id[SATCHEL_ID_SIZE], const char *territory, int bp, const char *until)
{
    char fields[200];
    (void)snprintf(fields, sizeof fields, "{\"person\":\"%s\",\"max_discount_bp\":%d,\"valid_to\":\"%s\"}", person, bp,
                   until);
    put_one(who, "approval_grant", id, territory, fields);
    sync_all();
}

static void a_grant_that_has_ended_is_good_for_nothing_that_is_submitted_later(void **state)
{
    char grant[SATCHEL_ID_SIZE] = "";
    (void)state;
    put_grant(mia, grant, NULL, 5000, "2024-06-30");
    take(bob, 4000, false);
    put_one(bob, "order", order, NULL, "{\"submitted_at\":\"2024-06-01T10:00:00+08:00\"}");
    put_one(bob, "order_line", line, NULL, "{\"submitted_at\":\"2024-06-01T10:00:00+08:00\"}");
    sync_all();
    assert_string_equal(approval_says(mia, "needed"), "yes");
    assert_string_equal(approval_says(bob, "allowed_bp"), "0");
}

/* Two devices that have not seen each other can make two records under one id, each in a territory of its own. */
static void a_grant_says_what_stands_in_its_own_territory(void **state)
{
    char grant[SATCHEL_ID_SIZE] = "0190b6f2-8f5c-7cc1-9a54-7d7b6e0b1d2e", fields[200];
    (void)state;
    (void)snprintf(fields, sizeof fields, "{\"person\":\"%s\",\"max_discount_bp\":9000}", person);
    put_one(cid, "approval_grant", grant, "Coast", fields);
    put_grant(mia, grant, "Northern", 100, "2999-06-30");
    take(bob, 5000, true);
    assert_string_equal(approval_says(ann, "allowed_bp"), "100");
    assert_string_equal(approval_says(mia, "allowed_bp"), "100");
}

/* Whoever submits an order answers for what it said then, and for nothing that others say of its discount later. */
static void a_discount_is_his_who_says_it(void **state)
{
    (void)state;
    take(mia, 3000, true);
    assert_string_equal(approval_says(bob, "needed"), "no");
    amend(bob, "{\"discount_bp\":2000}");
    sync_all();
    assert_string_equal(approval_says(mia, "needed"), "yes");
    assert_string_equal(approval_says(mia, "allowed_bp"), "0");
    must_fail(mia, step(mia, "order", order, "reviewed"), "invalid", "before its discount is approved");
    amend(mia, "{\"discount_bp\":2500}");
    sync_all();
    assert_string_equal(approval_says(bob, "needed"), "no");
}

/* ---- What is asked ---- */

static void one_takes_back_what_one_asked_for_oneself(void **state)
{
    char *text = NULL, first[SATCHEL_ID_SIZE];
    (void)state;
    take(bob, 900, true);
    (void)snprintf(first, sizeof first, "%s", approval_says(bob, "approval"));
    amend(cid, "{\"discount_bp\":1200}");
    must(cid, satchel_order_submit(cid, order, &text));
    satchel_free(text);
    sync_all();
    assert_state("approval", first, "requested");
    assert_string_equal(approval_says(mia, "approval_state"), "requested");
    amend(bob, "{\"discount_bp\":900}");
    must(bob, satchel_order_submit(bob, order, &text));
    satchel_free(text);
    amend(bob, "{\"discount_bp\":1300}");
    must(bob, satchel_order_submit(bob, order, &text));
    satchel_free(text);
    sync_all();
    assert_state("approval", first, "withdrawn");
    amend(bob, "{\"discount_bp\":900}");
    must(bob, satchel_order_submit(bob, order, &text)); /* and asks for it once more */
    satchel_free(text);
    sync_all();
    assert_state("approval", first, "requested");
    decide(mia, "yes");
    sync_all();
    assert_state("approval", first, "approved");
}

/* A decision is about what the request's id is made of: what somebody writes into one says nothing. */
static void a_request_under_another_id_is_for_another_version(void **state)
{
    char fields[300], forged[SATCHEL_ID_SIZE] = "", *text = NULL;
    struct rows rows = {0};
    (void)state;
    take(bob, 900, true);
    must(bob, satchel_query(bob, "SELECT content_hash FROM approval", collect_row, &rows));
    (void)snprintf(fields, sizeof fields, "{\"about\":\"%s\",\"kind\":\"discount\",\"content_hash\":\"%.64s\"}", order,
                   strstr(rows.text, ":\"") + 2);
    put_one(bob, "approval", forged, NULL, fields);
    sync_all();
    must_fail(mia, satchel_approve(mia, forged, "yes", NULL, &text), "invalid", "another version");
    decide(mia, "yes");
    assert_string_equal(approval_says(mia, "approval_state"), "approved");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_org, drop_org)
    const struct CMUnitTest tests[] = {
        TEST(a_step_is_one_of_its_records_own_territory),
        TEST(nobody_has_a_duty_by_what_a_territory_says_of_him),
        TEST(a_no_stays_whoever_archives_it),
        TEST(a_final_number_is_of_one_order),
        TEST(a_state_without_a_way_is_flagged),
        TEST(who_did_not_ask_withdraws_nothing),
        TEST(a_decision_stands_beside_a_withdrawal),
        TEST(who_settles_takes_a_step_back),
        TEST(whichever_call_reviews_an_order_asks_the_same_before),
        TEST(whichever_call_delivers_an_order_notes_what_is_owed),
        TEST(whichever_call_approves_does_so_for_what_the_order_says),
        TEST(who_may_not_review_answers_nothing),
        TEST(what_was_reviewed_and_never_submitted_is_flagged),
        TEST(a_line_of_another_territory_adds_nothing),
        TEST(an_order_of_the_same_id_elsewhere_is_another_one),
        TEST(nobody_counts_for_somebody_elses_device),
        TEST(a_grant_that_has_ended_is_good_for_nothing_that_is_submitted_later),
        TEST(a_grant_says_what_stands_in_its_own_territory),
        TEST(a_discount_is_his_who_says_it),
        TEST(one_takes_back_what_one_asked_for_oneself),
        TEST(a_request_under_another_id_is_for_another_version),
    };
    return cmocka_run_group_tests_name("odd_orders", tests, NULL, NULL);
}
