#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "client/read.h"
#include "tests/unit/client_world.h"

#define ACCOUNT "0191f0a0-0000-7000-8000-000000000001"
#define MIXED "0191f0a0-0000-7000-8000-000000000002"
#define ORDER "0191f0a0-0000-7000-8000-000000000003"
#define LINE "0191f0a0-0000-7000-8000-000000000004"

/* Bob writes in Northern alone, Cid in Southern; both made the same ids before they met. Ann, the admin, sees it all.
 */
static struct satchel *ann, *bob, *cid;

static int make_org(void **state)
{
    if (make_client_world(state)) return -1;
    ann = create_org();
    must(ann, satchel_territory_add(ann, "Northern"));
    must(ann, satchel_territory_add(ann, "Southern"));
    must(ann, satchel_user_add(ann, "Bob", "rep"));
    must(ann, satchel_user_add(ann, "Cid", "rep"));
    must(ann, satchel_territory_grant(ann, "Northern", "Bob", 0));
    must(ann, satchel_territory_grant(ann, "Southern", "Cid", 0));
    bob = join_as(ann, "Bob", "bob");
    cid = join_as(ann, "Cid", "cid");
    (void)sync_now(bob);
    (void)sync_now(cid);
    char account[] = ACCOUNT, mixed[] = MIXED, order[] = ORDER, line[] = LINE;
    put_one(bob, "account", account, NULL, "{\"name\":\"of Bob\"}");
    put_one(cid, "account", account, NULL, "{\"name\":\"of Cid\"}");
    put_one(bob, "account", mixed, NULL, "{\"name\":\"mixed\"}");
    put_one(cid, "task", mixed, NULL, "{\"title\":\"mixed\"}");
    put_one(bob, "order", order, NULL, "{}");
    put_one(bob, "order_line", line, NULL, "{\"order\":\"" ORDER "\",\"qty\":1,\"unit_price\":100}");
    put_one(cid, "order", order, NULL, "{}");
    put_one(cid, "order_line", line, NULL, "{\"order\":\"" ORDER "\",\"qty\":1,\"unit_price\":7}");
    (void)sync_now(bob);
    (void)sync_now(cid);
    (void)sync_now(ann);
    return 0;
}

static int drop_org(void **state)
{
    satchel_close(ann);
    satchel_close(bob);
    satchel_close(cid);
    return drop_client_world(state);
}

static void assert_got(const char *type, const char *id, const char *territory, const char *part)
{
    char *json = NULL;
    must(ann, client_get(ann, type, id, territory, &json));
    if (!strstr(json, part)) fail_msg("%s does not hold %s", json, part);
    satchel_free(json);
}

static uint32_t steps_of(const char *territory, const char *part)
{
    struct rows rows = {0};
    must(ann, client_history(ann, "account", ACCOUNT, territory, collect_row, &rows));
    assert_non_null(strstr(rows.text, part));
    return rows.n;
}

static void which_copy_is_meant_must_be_said_and_the_territories_are_named(void **state)
{
    (void)state;
    char *json = NULL;
    struct rows rows = {0};
    must_fail(ann, satchel_get(ann, "account", ACCOUNT, &json), "invalid", "in 2 territories: name one of ");
    assert_non_null(strstr(satchel_error_of(ann)->message, "Northern"));
    assert_non_null(strstr(satchel_error_of(ann)->message, "Southern"));
    assert_null(json);
    must_fail(ann, satchel_history(ann, "account", ACCOUNT, collect_row, &rows), "invalid", "Southern");
    assert_int_equal(rows.n, 0);
    assert_got("account", ACCOUNT, "Northern", "\"territory\":\"Northern\",\"fields\":{\"name\":\"of Bob\"}");
    assert_got("account", ACCOUNT, "Southern", "\"territory\":\"Southern\",\"fields\":{\"name\":\"of Cid\"}");
    assert_int_equal(steps_of("Northern", "of Bob"), 1);
    assert_int_equal(steps_of("Southern", "of Cid"), 1);
    must_fail(ann, client_get(ann, "account", ACCOUNT, "org", &json), "not_found", "in org");
    must_fail(ann, client_get(ann, "account", ACCOUNT, "Western", &json), "not_found", "no territory \"Western\"");
    must_fail(ann, client_get(ann, "task", ACCOUNT, "Northern", &json), "not_found", "there is no task");
}

static void whoever_sees_one_copy_need_not_say_which(void **state)
{
    (void)state;
    char *json = NULL;
    must(bob, satchel_get(bob, "account", ACCOUNT, &json));
    assert_non_null(strstr(json, "of Bob"));
    satchel_free(json);
    must(cid, client_get(cid, "account", ACCOUNT, "Southern", &json));
    assert_non_null(strstr(json, "of Cid"));
    satchel_free(json);
}

static void list_shows_every_copy_with_its_territory(void **state)
{
    (void)state;
    assert_rows(ann, "SELECT territory, name FROM account WHERE id = '" ACCOUNT "' ORDER BY 1",
                "{\"territory\":\"Northern\",\"name\":\"of Bob\"}\n{\"territory\":\"Southern\",\"name\":\"of Cid\"}");
}

static void a_type_that_only_one_copy_has_says_which_is_meant(void **state)
{
    (void)state;
    assert_got("account", MIXED, NULL, "Northern");
    assert_got("task", MIXED, NULL, "Southern");
}

static void an_order_and_its_line_that_are_in_two_territories_total_beside_each_other(void **state)
{
    (void)state;
    assert_rows(ann, "SELECT territory, total FROM \"order\" WHERE id = '" ORDER "' ORDER BY 1",
                "{\"territory\":\"Northern\",\"total\":100}\n{\"territory\":\"Southern\",\"total\":7}");
}

/* The last: it takes Bob's copy away. */
static void a_copy_that_is_archived_does_not_count_beside_one_that_is_not(void **state)
{
    (void)state;
    struct satchel_tx *tx;
    char *json = NULL;
    must(bob, satchel_begin(bob, &tx));
    must(bob, satchel_remove(tx, "account", ACCOUNT));
    must(bob, satchel_commit(tx));
    (void)sync_now(bob);
    (void)sync_now(ann);
    assert_got("account", ACCOUNT, NULL, "of Cid");
    must_fail(ann, client_get(ann, "account", ACCOUNT, "Northern", &json), "not_found", "archived");
    assert_int_equal(steps_of(NULL, "of Cid"), 1);
    assert_int_equal(steps_of("Northern", "deleted"), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(which_copy_is_meant_must_be_said_and_the_territories_are_named),
        cmocka_unit_test(whoever_sees_one_copy_need_not_say_which),
        cmocka_unit_test(list_shows_every_copy_with_its_territory),
        cmocka_unit_test(a_type_that_only_one_copy_has_says_which_is_meant),
        cmocka_unit_test(an_order_and_its_line_that_are_in_two_territories_total_beside_each_other),
        cmocka_unit_test(a_copy_that_is_archived_does_not_count_beside_one_that_is_not),
    };
    return cmocka_run_group_tests_name("copies", tests, make_org, drop_org);
}
