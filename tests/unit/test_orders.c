/* What orders and payments take from an application, and what they refuse; how they read is in tests/cli. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/client_world.h"

static struct satchel *ann;
static char account[SATCHEL_ID_SIZE], milk[SATCHEL_ID_SIZE], list[SATCHEL_ID_SIZE];

static int make_org(void **state)
{
    char none[SATCHEL_ID_SIZE] = "", text[200];
    if (make_client_world(state)) return -1;
    ann = create_org();
    must(ann, satchel_territory_add(ann, "Northern"));
    put_one(ann, "product", none, NULL, "{\"sku\":\"SOAP\"}");
    none[0] = account[0] = milk[0] = list[0] = '\0';
    put_one(ann, "account", account, NULL, "{\"name\":\"Ana\"}");
    put_one(ann, "product", milk, NULL, "{\"sku\":\"MILK\"}");
    put_one(ann, "price_list", list, NULL, "{\"code\":\"W\",\"version\":1,\"currency\":\"CNY\"}");
    (void)snprintf(text, sizeof text, "{\"price_list\":\"%s\",\"product\":\"%s\",\"unit_price\":4000000000}", list,
                   milk);
    put_one(ann, "price_row", none, NULL, text);
    return 0;
}

static int drop_org(void **state)
{
    satchel_close(ann);
    return drop_client_world(state);
}

static void an_order_takes_what_it_says_and_converts_nothing(void **state)
{
    static const struct {
        const char *wish, *name, *part;
    } cases[] = {
        {NULL, "invalid", "JSON object"},
        {"", "invalid", "JSON object"},
        {"[]", "invalid", "JSON object"},
        {"{\"account\":\"Ana\",\"account\":\"Ana\",\"lines\":[]}", "invalid", "JSON object"},
        {"{\"account\":\"Ana\",\"lines\":[]}", "invalid", "from 1 to 1000 lines"},
        {"{\"account\":\"Ana\"}", "invalid", "from 1 to 1000 lines"},
        {"{\"account\":\"Ana\",\"lines\":\"MILK\"}", "invalid", "\"lines\" is of another kind"},
        {"{\"account\":\"Ana\",\"lines\":[\"MILK\"]}", "invalid", "JSON object"},
        {"{\"account\":\"Ana\",\"lines\":[{\"sku\":\"MILK\",\"qty\":\"3\"}]}", "invalid", "\"qty\" is of another kind"},
        {"{\"account\":\"Ana\",\"lines\":[{\"sku\":\"MILK\",\"qty\":3,\"discount\":5}]}", "invalid", "\"discount\""},
        {"{\"account\":\"Ana\",\"lines\":[{\"sku\":\"MILK\"}]}", "invalid", "from 1 on"},
        {"{\"account\":\"Ana\",\"lines\":[{\"sku\":\"MILK\",\"qty\":-3}]}", "invalid", "from 1 on"},
        {"{\"account\":\"Ana\",\"lines\":[{\"qty\":3}]}", "invalid", "which product"},
        {"{\"account\":\"Ana\",\"discount_bp\":10001,\"lines\":[{\"sku\":\"MILK\",\"qty\":3}]}", "invalid", "10000"},
        {"{\"account\":\"Ana\",\"discount_bp\":\"5\",\"lines\":[{\"sku\":\"MILK\",\"qty\":3}]}", "invalid",
         "discount_bp"},
        {"{\"account\":\"Ana\",\"lines\":[{\"sku\":\"MILK\",\"qty\":3}],\"date\":\"2024-02-30\"}", "invalid",
         "a day is"},
        {"{\"account\":\"Ana\",\"lines\":[{\"sku\":\"MILK\",\"qty\":3}],\"visit\":\"of yesterday\"}", "not_found",
         "visit"},
        {"{\"lines\":[{\"sku\":\"MILK\",\"qty\":3}]}", "invalid", "account"},
        {"{\"account\":\"Nobody\",\"lines\":[{\"sku\":\"MILK\",\"qty\":3}]}", "not_found", "Nobody"},
        {"{\"account\":\"Ana\",\"lines\":[{\"sku\":\"MILK\",\"qty\":3}],\"price_list\":\"R\"}", "not_found", "\"R\""},
        {"{\"account\":\"Ana\",\"lines\":[{\"sku\":\"MILK\",\"qty\":3}],\"currency\":\"USD\"}", "invalid",
         "in CNY, not in USD"},
        {"{\"account\":\"Ana\",\"lines\":[{\"sku\":\"MILK\",\"qty\":3}],\"date\":\"2999-01-01\"}", "invalid",
         "still to come"},
        {"{\"account\":\"Ana\",\"lines\":[{\"sku\":\"SOAP\",\"qty\":3}]}", "invalid",
         "price list W v1 has no price for 3 of SOAP"},
        {"{\"account\":\"Ana\",\"lines\":[{\"sku\":\"MILK\",\"qty\":4000000000}]}", "invalid", "total"},
        {"{\"account\":\"Ana\",\"lines\":[{\"sku\":\"MILK\",\"qty\":2000000000},{\"sku\":\"MILK\",\"qty\":2000000000}]"
         "}",
         "invalid", "total"},
    };
    char *json = NULL;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        must_fail(ann, satchel_order_new(ann, cases[i].wish, &json), cases[i].name, cases[i].part);
        assert_null(json);
    }
    assert_rows(ann, "SELECT (SELECT COUNT(*) FROM \"order\") AS o, (SELECT COUNT(*) FROM order_line) AS l",
                "{\"o\":0,\"l\":0}");
}

static void a_refused_act_leaves_no_transaction_behind(void **state)
{
    static const char wish[] = "{\"account\":\"Ana\",\"lines\":[{\"sku\":\"MILK\",\"qty\":3}],\"note\":\"x\"}";
    struct satchel_tx *tx;
    char *json = NULL;
    (void)state;
    must(ann, satchel_begin(ann, &tx));
    must_fail(ann, satchel_order_new(ann, wish, &json), "invalid", "a transaction is open");
    satchel_rollback(tx);
    must(ann, satchel_order_new(ann, wish, &json));
    satchel_free(json);
    must_fail(ann, satchel_order_new(ann, wish, &json), "exists", "--anyway");
    must_fail(ann, satchel_order_move(ann, "R001A", "lost", NULL, NULL, &json), "not_found", "R001A");
    must(ann, satchel_begin(ann, &tx));
    satchel_rollback(tx);
}

/* Of many that are alike some are named: each with each would be the square of what somebody puts here. */
static void of_many_twins_some_are_named(void **state)
{
    enum { TWINS = 8 };
    char order[SATCHEL_ID_SIZE] = "", none[SATCHEL_ID_SIZE], text[200];
    (void)state;
    for (int i = 0; i < TWINS; i++) {
        order[0] = none[0] = '\0';
        (void)snprintf(text, sizeof text, "{\"no_local\":\"N-1\",\"account\":\"%s\",\"ordered_on\":\"2026-03-%02d\"}",
                       account, i % 2 ? 31 : 30);
        put_one(ann, "order", order, NULL, text);
        (void)snprintf(text, sizeof text, "{\"order\":\"%s\",\"product\":\"%s\",\"qty\":%d,\"unit_price\":1}", order,
                       milk, 7);
        put_one(ann, "order_line", none, NULL, text);
    }
    struct rows rows = {0};
    char *json = NULL;
    must(ann, satchel_orders(ann, collect_row, &rows));
    must(ann, satchel_order_show(ann, order, &json));
    assert_int_equal(rows.n, TWINS);
    unsigned twice = 0, number = 0, further = 0;
    for (const char *at = json; (at = strstr(at, "has the same")); at++) {
        twice += strncmp(at, "has the same lines", 18) == 0;
        number += strncmp(at, "has the same number", 19) == 0;
    }
    for (const char *at = json; (at = strstr(at, "and so do more orders")); at++) further++;
    assert_int_equal(twice, 5);
    assert_int_equal(number, 5);
    assert_int_equal(further, 2);
    satchel_free(json);
    unsigned flagged = 0;
    for (const char *at = rows.text; (at = strstr(at, "\"twice\",\"twice\"")); at++) flagged++;
    assert_true(flagged >= TWINS);
}

/* A name in Han is cut between its characters, not in the midst of one, which would be no text any more. */
static void what_is_told_of_a_long_name_is_told(void **state)
{
    static const char name[] =
        "晨星晨星晨星晨星晨星晨星晨星晨星晨星晨星晨星晨星晨星晨星晨星晨星晨星晨星晨星晨星晨"; /* 41 */
    char order[SATCHEL_ID_SIZE] = "", none[SATCHEL_ID_SIZE] = "", text[300];
    struct rows rows = {0};
    char *json = NULL;
    (void)state;
    (void)snprintf(text, sizeof text, "{\"no_local\":\"%s\",\"account\":\"%s\",\"ordered_on\":\"2026-03-30\"}", name,
                   account);
    put_one(ann, "order", order, NULL, text);
    (void)snprintf(text, sizeof text, "{\"order\":\"%s\",\"sku\":\"%s\",\"qty\":1}", order, name);
    put_one(ann, "order_line", none, NULL, text);
    must(ann, satchel_order_show(ann, order, &json));
    assert_non_null(strstr(json, "names no product"));
    assert_non_null(strstr(json, "lacks a quantity or a price"));
    satchel_free(json);
    must(ann, satchel_orders(ann, collect_row, &rows));
    assert_int_equal(rows.n, 1);
    assert_non_null(strstr(rows.text, "{\"order\":\"晨星晨星晨星"));
}

static void a_payment_takes_what_it_says(void **state)
{
    static const struct {
        const char *wish, *name, *part;
    } cases[] = {
        {"{\"account\":\"Ana\",\"amount\":\"5\",\"currency\":\"CNY\"}", "invalid", "another kind"},
        {"{\"account\":\"Ana\",\"amount\":0,\"currency\":\"CNY\"}", "invalid", "positive"},
        {"{\"account\":\"Ana\",\"amount\":-9223372036854775808,\"currency\":\"CNY\"}", "invalid", "positive"},
        {"{\"account\":\"Ana\",\"amount\":5}", "invalid", "currency"},
        {"{\"account\":\"Ana\",\"amount\":5,\"currency\":\"CNY\"}", "invalid",
         "0.05 CNY is more than is open: 0.00 CNY"},
        {"{\"account\":\"Ana\",\"amount\":5,\"currency\":\"CNY\",\"on\":\"2999-01-01\"}", "invalid", "to come"},
        {"{\"account\":\"Ana\",\"amount\":5,\"currency\":\"CNY\",\"for\":[5]}", "invalid", "receivable"},
    };
    char *json = NULL;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        must_fail(ann, satchel_pay(ann, cases[i].wish, &json), cases[i].name, cases[i].part);
    assert_rows(ann, "SELECT COUNT(*) AS n FROM payment", "{\"n\":0}");
}

/* Sums beyond 64 bits are told to be so, and nobody pays towards them. */
static void what_does_not_fit_is_owed_by_nobody(void **state)
{
    char owed[SATCHEL_ID_SIZE] = "", none[SATCHEL_ID_SIZE] = "", text[200];
    char *json = NULL;
    (void)state;
    (void)snprintf(text, sizeof text,
                   "{\"account\":\"%s\",\"amount\":9223372036854775807,\"currency\":\"CNY\",\"due\":\"2024-01-01\"}",
                   account);
    put_one(ann, "receivable", owed, NULL, text);
    (void)snprintf(text, sizeof text, "{\"receivable\":\"%s\",\"amount\":-9223372036854775808}", owed);
    put_one(ann, "allocation", none, NULL, text);
    must_fail(ann, satchel_pay(ann, "{\"account\":\"Ana\",\"amount\":5,\"currency\":\"CNY\"}", &json), "invalid",
              "more than");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_org, drop_org)
    const struct CMUnitTest tests[] = {
        TEST(an_order_takes_what_it_says_and_converts_nothing),
        TEST(a_refused_act_leaves_no_transaction_behind),
        TEST(of_many_twins_some_are_named),
        TEST(what_is_told_of_a_long_name_is_told),
        TEST(a_payment_takes_what_it_says),
        TEST(what_does_not_fit_is_owed_by_nobody),
    };
    return cmocka_run_group_tests_name("orders", tests, NULL, NULL);
}
