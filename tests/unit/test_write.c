#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/book_world.h"

static const char *territory_of(struct satchel *satchel, const char *type, const char *id)
{
    static char name[64];
    char *json = NULL;
    must(satchel, satchel_get(satchel, type, id, &json));
    json_t *record = json_loads(json, 0, NULL);
    (void)snprintf(name, sizeof name, "%s", json_string_value(json_object_get(record, "territory")));
    json_decref(record);
    satchel_free(json);
    return name;
}

/* One put in a transaction of its own, which is rolled back. */
static int try_put(struct satchel *satchel, const char *type, const char *id, const char *territory, const char *fields)
{
    struct satchel_tx *tx;
    char out[SATCHEL_ID_SIZE];
    must(satchel, satchel_begin(satchel, &tx));
    int failed = satchel_put(tx, type, id, territory, fields, out);
    satchel_rollback(tx);
    return failed;
}

/* ---- Where a record goes ---- */

static void a_record_goes_to_the_callers_only_territory(void **state)
{
    (void)state;
    char id[SATCHEL_ID_SIZE] = "";
    put_one(bob, "account", id, NULL, "{\"name\":\"A\"}");
    assert_string_equal(territory_of(bob, "account", id), "Northern");
}

static void with_several_territories_one_must_be_named_and_the_error_lists_them(void **state)
{
    (void)state;
    must_fail(cid, try_put(cid, "account", NULL, NULL, "{\"name\":\"A\"}"), "invalid", "Northern, Southern");
    char id[SATCHEL_ID_SIZE] = "";
    put_one(cid, "account", id, "Southern", "{\"name\":\"A\"}");
    assert_string_equal(territory_of(cid, "account", id), "Southern");
}

static void a_record_goes_where_the_record_that_it_refers_to_lives(void **state)
{
    (void)state;
    char account[SATCHEL_ID_SIZE] = "", visit[SATCHEL_ID_SIZE] = "", fields[128];
    put_one(cid, "account", account, "Southern", "{\"name\":\"A\"}");
    (void)snprintf(fields, sizeof fields, "{\"account\":\"%s\"}", account);
    put_one(cid, "visit", visit, NULL, fields);
    assert_string_equal(territory_of(cid, "visit", visit), "Southern");
}

static void a_reference_within_the_transaction_decides_as_well(void **state)
{
    (void)state;
    struct satchel_tx *tx;
    char account[SATCHEL_ID_SIZE], visit[SATCHEL_ID_SIZE], fields[128];
    must(cid, satchel_begin(cid, &tx));
    must(cid, satchel_put(tx, "account", NULL, "Southern", "{\"name\":\"A\"}", account));
    (void)snprintf(fields, sizeof fields, "{\"account\":\"%s\"}", account);
    must(cid, satchel_put(tx, "visit", NULL, NULL, fields, visit));
    must(cid, satchel_commit(tx));
    assert_string_equal(territory_of(cid, "visit", visit), "Southern");
}

static void a_line_goes_with_its_order_and_not_with_its_product(void **state)
{
    (void)state;
    char product[SATCHEL_ID_SIZE] = "", order[SATCHEL_ID_SIZE] = "", line[SATCHEL_ID_SIZE] = "", fields[200];
    put_one(ann, "product", product, NULL, "{\"sku\":\"P1\"}");
    assert_string_equal(territory_of(ann, "product", product), "org");
    (void)sync_now(ann);
    (void)sync_now(cid);
    put_one(cid, "order", order, "Southern", "{\"no_local\":\"1\"}");
    (void)snprintf(fields, sizeof fields, "{\"product\":\"%s\",\"order\":\"%s\"}", product, order);
    put_one(cid, "order_line", line, NULL, fields);
    assert_string_equal(territory_of(cid, "order_line", line), "Southern");
}

static void a_record_that_is_here_stays_where_it_is(void **state)
{
    (void)state;
    char id[SATCHEL_ID_SIZE] = "";
    put_one(cid, "account", id, "Southern", "{\"name\":\"A\"}");
    put_one(cid, "account", id, NULL, "{\"name\":\"B\"}");
    assert_string_equal(territory_of(cid, "account", id), "Southern");
    must_fail(cid, try_put(cid, "account", id, "Northern", "{\"name\":\"C\"}"), "invalid", "is in Southern");
}

static void a_territory_can_be_named_by_its_id_and_an_unknown_one_is_refused(void **state)
{
    (void)state;
    char id[SATCHEL_ID_SIZE] = "", space_text[SATCHEL_ID_SIZE];
    struct rows rows = {0};
    must(cid, satchel_query(cid, "SELECT space FROM territory WHERE name = 'Southern'", collect_row, &rows));
    assert_int_equal(sscanf(rows.text, "{\"space\":\"%36s", space_text), 1);
    put_one(cid, "account", id, space_text, "{\"name\":\"A\"}");
    assert_string_equal(territory_of(cid, "account", id), "Southern");
    must_fail(cid, try_put(cid, "account", NULL, "Atlantis", "{}"), "not_found", "Atlantis");
}

/* ---- Rights ---- */

static void writing_where_one_may_not_is_denied(void **state)
{
    (void)state;
    must_fail(bob, try_put(bob, "account", NULL, "org", "{\"name\":\"A\"}"), "denied", "org");
    must_fail(bob, try_put(bob, "product", NULL, NULL, "{\"sku\":\"A\"}"), "denied", "org");
    must_fail(bob, try_put(bob, "account", NULL, "Southern", "{\"name\":\"A\"}"), "denied", "Southern");
}

static void administration_is_for_admins(void **state)
{
    (void)state;
    char *code;
    must_fail(bob, satchel_user_add(bob, "Eve", "rep"), "denied", "admin");
    must_fail(bob, satchel_territory_add(bob, "Western"), "denied", "admin");
    must_fail(bob, satchel_invite(bob, "Bob", 0, &code), "denied", "admin");
}

static void names_that_are_taken_reserved_or_unfit_are_refused(void **state)
{
    (void)state;
    must_fail(ann, satchel_user_add(ann, "Bob", "rep"), "exists", "Bob");
    must_fail(ann, satchel_user_add(ann, "", "rep"), "invalid", "empty");
    must_fail(ann, satchel_user_add(ann, "E\x1b[31m", "rep"), "invalid", "control");
    must_fail(ann, satchel_user_add(ann, "E\xff", "rep"), "invalid", "UTF-8");
    must_fail(ann, satchel_user_add(ann, "Eve", "king"), "invalid", "king");
    must_fail(ann, satchel_territory_add(ann, "Northern"), "exists", "Northern");
    must_fail(ann, satchel_territory_add(ann, "org"), "invalid", "reserved");
    must_fail(ann, satchel_territory_grant(ann, "org", "Bob", 0), "invalid", "role");
    must_fail(ann, satchel_territory_grant(ann, "Northern", "Nobody", 0), "not_found", "Nobody");
}

static void a_second_device_of_an_admin_waits_until_it_is_approved(void **state)
{
    (void)state;
    char *json = NULL;
    struct satchel *laptop = join_as(ann, "Ann", "laptop");
    must(laptop, satchel_status(laptop, &json));
    assert_non_null(strstr(json, "\"state\":\"pending approval\""));
    satchel_free(json);
    must_fail(laptop, satchel_user_add(laptop, "Eve", "rep"), "denied", "approv");
    must(ann, satchel_device_approve(ann, client_device(laptop)));
    (void)sync_now(laptop);
    must(laptop, satchel_user_add(laptop, "Eve", "rep"));
    satchel_close(laptop);
    (void)sync_now(ann);
}

static void an_administrators_key_that_stayed_wrapped_is_asked_for(void **state)
{
    (void)state;
    char home[128];
    struct satchel_open_options options = test_options();
    satchel_close(ann);
    options.everyday = 1;
    assert_int_equal(satchel_open(home_of("ann", home), &options, &ann, NULL), SATCHEL_OK);
    must_fail(ann, satchel_user_add(ann, "Eve", "rep"), "locked", "admin");
    char id[SATCHEL_ID_SIZE] = "";
    put_one(ann, "product", id, NULL, "{\"sku\":\"E\"}");
    satchel_close(ann);
    options.everyday = 0;
    assert_int_equal(satchel_open(home_of("ann", home), &options, &ann, NULL), SATCHEL_OK);
}

/* ---- References ---- */

static void a_reference_to_a_record_of_the_wrong_type_is_refused(void **state)
{
    (void)state;
    char account[SATCHEL_ID_SIZE] = "", fields[128];
    put_one(bob, "account", account, NULL, "{\"name\":\"A\"}");
    (void)snprintf(fields, sizeof fields, "{\"order\":\"%s\"}", account);
    must_fail(bob, try_put(bob, "order_line", NULL, NULL, fields), "invalid", "order_line.order");
}

static void a_reference_to_what_is_not_here_waits_until_it_comes(void **state)
{
    (void)state;
    char visit[SATCHEL_ID_SIZE] = "", account[SATCHEL_ID_SIZE] = "0191f0a0-0000-7000-8000-0000000000aa", *json = NULL;
    put_one(bob, "visit", visit, NULL, "{\"account\":\"0191f0a0-0000-7000-8000-0000000000aa\"}");
    must(bob, satchel_get(bob, "visit", visit, &json));
    assert_non_null(strstr(json, "\"waiting\":[\"account\"]"));
    satchel_free(json);
    assert_rows(bob, "SELECT type, field, target FROM waiting",
                "{\"type\":\"visit\",\"field\":\"account\",\"target\":\"0191f0a0-0000-7000-8000-0000000000aa\"}");
    put_one(cid, "account", account, "Northern", "{\"name\":\"Late\"}");
    (void)sync_now(cid);
    (void)sync_now(bob);
    assert_rows(bob, "SELECT count(*) AS n FROM waiting", "{\"n\":0}");
}

/* ---- Transactions ---- */

static void a_transaction_that_is_rolled_back_leaves_nothing(void **state)
{
    (void)state;
    struct satchel_tx *tx;
    char id[SATCHEL_ID_SIZE], *json;
    must(bob, satchel_begin(bob, &tx));
    must(bob, satchel_put(tx, "account", NULL, NULL, "{\"name\":\"A\"}", id));
    satchel_rollback(tx);
    must_fail(bob, satchel_get(bob, "account", id, &json), "not_found", id);
}

static void a_refused_put_leaves_the_others_of_the_transaction(void **state)
{
    (void)state;
    struct satchel_tx *tx;
    char id[SATCHEL_ID_SIZE], *json;
    must(bob, satchel_begin(bob, &tx));
    must(bob, satchel_put(tx, "account", NULL, NULL, "{\"name\":\"A\"}", id));
    must_fail(bob, satchel_put(tx, "account", NULL, NULL, "{\"nam\":\"B\"}", NULL), "not_found", "nam");
    must(bob, satchel_commit(tx));
    must(bob, satchel_get(bob, "account", id, &json));
    satchel_free(json);
}

static void only_one_transaction_is_open_at_a_time_and_none_during_a_sync(void **state)
{
    (void)state;
    struct satchel_tx *tx, *second;
    struct satchel_sync_result result;
    must(bob, satchel_begin(bob, &tx));
    must_fail(bob, satchel_begin(bob, &second), "invalid", "open");
    must_fail(bob, satchel_sync(bob, NULL, &result), "invalid", "open");
    satchel_rollback(tx);
}

static void an_id_that_is_given_creates_and_then_edits_the_same_record(void **state)
{
    (void)state;
    char id[SATCHEL_ID_SIZE] = "0191f0a0-0000-7000-8000-00000000beef";
    put_one(bob, "account", id, NULL, "{\"name\":\"A\",\"city\":\"Bonn\"}");
    put_one(bob, "account", id, NULL, "{\"city\":\"Köln\"}");
    assert_rows(bob, "SELECT name, city FROM account WHERE id = '0191f0a0-0000-7000-8000-00000000beef'",
                "{\"name\":\"A\",\"city\":\"Köln\"}");
    must_fail(bob, try_put(bob, "contact", id, NULL, "{}"), "invalid", "account");
    must_fail(bob, try_put(bob, "account", "beef", NULL, "{}"), "invalid", "beef");
}

static void a_set_given_as_a_whole_takes_out_the_rest(void **state)
{
    (void)state;
    char id[SATCHEL_ID_SIZE] = "", sql[128];
    struct satchel_tx *tx;
    put_one(bob, "account", id, NULL, "{\"tags\":[\"b\",\"a\",\"b\"]}");
    (void)snprintf(sql, sizeof sql, "SELECT tags FROM account WHERE id = '%s'", id);
    assert_rows(bob, sql, "{\"tags\":[\"a\",\"b\"]}");
    put_one(bob, "account", id, NULL, "{\"tags\":{\"add\":[\"c\"],\"remove\":[\"a\"]}}");
    assert_rows(bob, sql, "{\"tags\":[\"b\",\"c\"]}");
    must(bob, satchel_begin(bob, &tx));
    must(bob, satchel_put(tx, "account", id, NULL, "{\"tags\":{\"add\":[\"d\"]}}", NULL));
    must(bob, satchel_put(tx, "account", id, NULL, "{\"tags\":[\"c\"]}", NULL));
    must(bob, satchel_commit(tx));
    assert_rows(bob, sql, "{\"tags\":[\"c\"]}");
    put_one(bob, "account", id, NULL, "{\"tags\":null}");
    assert_rows(bob, sql, "{\"tags\":null}");
}

static void an_archived_record_is_not_brought_back_by_a_repeated_put_but_by_restore(void **state)
{
    (void)state;
    char id[SATCHEL_ID_SIZE] = "", *json;
    struct satchel_tx *tx;
    put_one(bob, "account", id, NULL, "{\"name\":\"A\"}");
    must(bob, satchel_begin(bob, &tx));
    must(bob, satchel_remove(tx, "account", id));
    must(bob, satchel_commit(tx));
    must_fail(bob, satchel_get(bob, "account", id, &json), "not_found", "archived");
    must_fail(bob, try_put(bob, "account", id, NULL, "{\"name\":\"A\"}"), "exists", "archived");
    must(bob, satchel_begin(bob, &tx));
    must(bob, satchel_restore(tx, "account", id));
    must(bob, satchel_commit(tx));
    must(bob, satchel_get(bob, "account", id, &json));
    satchel_free(json);
    must(bob, satchel_begin(bob, &tx));
    must_fail(bob, satchel_remove(tx, "account", "0191f0a0-0000-7000-8000-00000000dead"), "not_found", "dead");
    satchel_rollback(tx);
}

/* ---- Conflicts ---- */

static void two_edits_of_one_field_are_a_conflict_until_somebody_settles_it(void **state)
{
    (void)state;
    char id[SATCHEL_ID_SIZE] = "", *json;
    struct satchel_tx *tx;
    put_one(bob, "account", id, NULL, "{\"name\":\"A\"}");
    (void)sync_now(bob);
    (void)sync_now(cid);
    put_one(bob, "account", id, NULL, "{\"city\":\"Bonn\"}");
    put_one(cid, "account", id, NULL, "{\"city\":\"Köln\",\"phone\":\"1\"}");
    (void)sync_now(bob);
    assert_int_equal(sync_now(cid).conflicts, 1);
    assert_int_equal(sync_now(bob).conflicts, 1);
    struct rows rows = {0};
    must(bob, satchel_conflicts(bob, collect_row, &rows));
    assert_int_equal(rows.n, 1);
    assert_non_null(strstr(rows.text, "\"field\":\"city\""));
    assert_non_null(strstr(rows.text, "Bonn"));
    assert_non_null(strstr(rows.text, "Köln"));
    assert_non_null(strstr(rows.text, "\"by\":\"Cid\""));
    must(bob, satchel_begin(bob, &tx));
    must_fail(bob, satchel_resolve(tx, "account", id, "phone", 1, NULL), "not_found", "no conflict");
    must_fail(bob, satchel_resolve(tx, "account", id, "city", 3, NULL), "invalid", "2 values");
    must(bob, satchel_resolve(tx, "account", id, "city", 0, "\"Bonn am Rhein\""));
    must(bob, satchel_commit(tx));
    assert_int_equal(sync_now(bob).conflicts, 0);
    assert_int_equal(sync_now(cid).conflicts, 0);
    must(cid, satchel_get(cid, "account", id, &json));
    assert_non_null(strstr(json, "Bonn am Rhein"));
    satchel_free(json);
}

static void an_edit_against_a_delete_is_a_conflict_of_its_own(void **state)
{
    (void)state;
    char id[SATCHEL_ID_SIZE] = "", *json;
    struct satchel_tx *tx;
    put_one(bob, "account", id, NULL, "{\"name\":\"A\"}");
    (void)sync_now(bob);
    (void)sync_now(cid);
    must(bob, satchel_begin(bob, &tx));
    must(bob, satchel_remove(tx, "account", id));
    must(bob, satchel_commit(tx));
    put_one(cid, "account", id, NULL, "{\"city\":\"Köln\"}");
    (void)sync_now(bob);
    assert_int_equal(sync_now(cid).conflicts, 1);
    struct rows rows = {0};
    must(cid, satchel_conflicts(cid, collect_row, &rows));
    assert_non_null(strstr(rows.text, "\"field\":\"deleted\""));
    must_fail(cid, satchel_get(cid, "account", id, &json), "not_found", "archived");
    must(cid, satchel_begin(cid, &tx));
    must(cid, satchel_resolve(tx, "account", id, "deleted", 0, "false"));
    must(cid, satchel_commit(tx));
    must(cid, satchel_get(cid, "account", id, &json));
    assert_non_null(strstr(json, "Köln"));
    satchel_free(json);
    assert_int_equal(sync_now(cid).conflicts, 0);
    (void)sync_now(bob);
    must(bob, satchel_get(bob, "account", id, &json));
    satchel_free(json);
}

static void history_tells_who_wrote_what(void **state)
{
    (void)state;
    char id[SATCHEL_ID_SIZE] = "";
    put_one(bob, "account", id, NULL, "{\"name\":\"A\",\"tags\":[\"x\"]}");
    (void)sync_now(bob);
    (void)sync_now(ann);
    put_one(ann, "account", id, NULL, "{\"name\":null}");
    struct rows rows = {0};
    must(ann, satchel_history(ann, "account", id, collect_row, &rows));
    assert_int_equal(rows.n, 2);
    assert_non_null(strstr(rows.text, "\"by\":\"Bob\""));
    assert_non_null(strstr(rows.text, "\"fields\":{\"name\":\"A\",\"tags\":{\"add\":[\"x\"]}}"));
    assert_non_null(strstr(rows.text, "\"state\":\"pending\",\"fields\":{\"name\":null}"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_goes_to_the_callers_only_territory),
        cmocka_unit_test(with_several_territories_one_must_be_named_and_the_error_lists_them),
        cmocka_unit_test(a_record_goes_where_the_record_that_it_refers_to_lives),
        cmocka_unit_test(a_reference_within_the_transaction_decides_as_well),
        cmocka_unit_test(a_line_goes_with_its_order_and_not_with_its_product),
        cmocka_unit_test(a_record_that_is_here_stays_where_it_is),
        cmocka_unit_test(a_territory_can_be_named_by_its_id_and_an_unknown_one_is_refused),
        cmocka_unit_test(writing_where_one_may_not_is_denied),
        cmocka_unit_test(administration_is_for_admins),
        cmocka_unit_test(names_that_are_taken_reserved_or_unfit_are_refused),
        cmocka_unit_test(a_second_device_of_an_admin_waits_until_it_is_approved),
        cmocka_unit_test(an_administrators_key_that_stayed_wrapped_is_asked_for),
        cmocka_unit_test(a_reference_to_a_record_of_the_wrong_type_is_refused),
        cmocka_unit_test(a_reference_to_what_is_not_here_waits_until_it_comes),
        cmocka_unit_test(a_transaction_that_is_rolled_back_leaves_nothing),
        cmocka_unit_test(a_refused_put_leaves_the_others_of_the_transaction),
        cmocka_unit_test(only_one_transaction_is_open_at_a_time_and_none_during_a_sync),
        cmocka_unit_test(an_id_that_is_given_creates_and_then_edits_the_same_record),
        cmocka_unit_test(a_set_given_as_a_whole_takes_out_the_rest),
        cmocka_unit_test(an_archived_record_is_not_brought_back_by_a_repeated_put_but_by_restore),
        cmocka_unit_test(two_edits_of_one_field_are_a_conflict_until_somebody_settles_it),
        cmocka_unit_test(an_edit_against_a_delete_is_a_conflict_of_its_own),
        cmocka_unit_test(history_tells_who_wrote_what),
    };
    return cmocka_run_group_tests_name("write", tests, make_book_with_southern, drop_book);
}
