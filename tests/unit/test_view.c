#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "client/view/figures.h"
#include "tests/unit/client_world.h"

#define ORDER "0191f0a0-0000-7000-8000-000000000001"
#define LINE_A "0191f0a0-0000-7000-8000-00000000000a"
#define LINE_B "0191f0a0-0000-7000-8000-00000000000b"

static struct satchel *ann;

static int make_org(void **state)
{
    if (make_client_world(state)) return -1;
    ann = create_org();
    must(ann, satchel_territory_add(ann, "Northern"));
    char order[] = ORDER, line_a[] = LINE_A, line_b[] = LINE_B, account[SATCHEL_ID_SIZE] = "",
         product[SATCHEL_ID_SIZE] = "";
    put_one(ann, "order", order, NULL, "{\"no_local\":\"10248\",\"ordered_on\":\"1996-07-04\"}");
    put_one(ann, "order_line", line_a, NULL, "{\"order\":\"" ORDER "\",\"qty\":12,\"unit_price\":1400}");
    put_one(ann, "order_line", line_b, NULL,
            "{\"order\":\"" ORDER "\",\"qty\":3,\"unit_price\":333,\"discount_bp\":1500}");
    put_one(ann, "account", account, NULL, "{\"name\":\"Ana\",\"tags\":[\"vip\",\"ärzte\"]}");
    put_one(ann, "product", product, NULL, "{\"sku\":\"P1\",\"discontinued\":true}");
    return 0;
}

static int drop_org(void **state)
{
    satchel_close(ann);
    return drop_client_world(state);
}

static void refused(const char *sql, const char *part)
{
    struct rows rows = {0};
    must_fail(ann, satchel_query(ann, sql, collect_row, &rows), "invalid", part);
    assert_int_equal(satchel_error_of(ann)->exit_code, 2);
    assert_int_equal(rows.n, 0);
}

static int64_t amount_of(int64_t qty, int64_t price, int64_t discount)
{
    int64_t amount = 0;
    assert_true(client_line_amount(qty, price, discount, &amount));
    return amount;
}

/* ---- Figures ---- */

static void an_amount_is_rounded_half_up_to_the_minor_unit(void **state)
{
    (void)state;
    assert_int_equal(amount_of(3, 333, 1500), 849); /* 849.15 */
    assert_int_equal(amount_of(1, 1, 5000), 1);     /* 0.5 */
    assert_int_equal(amount_of(1, 1, 5001), 0);     /* 0.4999 */
    assert_int_equal(amount_of(1, 3, 5000), 2);     /* 1.5 */
    assert_int_equal(amount_of(-1, 1, 5000), 0);    /* -0.5: up is towards zero here */
    assert_int_equal(amount_of(-1, 3, 5000), -1);   /* -1.5 */
    assert_int_equal(amount_of(-1, 1, 4999), -1);   /* -0.5001 */
    assert_int_equal(amount_of(5, 0, 0), 0);
    assert_int_equal(amount_of(2, 100, 10000), 0);
    assert_int_equal(amount_of(2, 100, -10000), 400); /* a surcharge */
}

static void an_amount_is_exact_or_absent(void **state)
{
    (void)state;
    int64_t amount;
    assert_int_equal(amount_of(1, INT64_MAX, 0), INT64_MAX);
    assert_int_equal(amount_of(1, INT64_MIN, 0), INT64_MIN);
    assert_int_equal(amount_of(INT64_C(3000000000), INT64_C(3000000001), 0), INT64_C(9000000003000000000));
    assert_false(client_line_amount(2, INT64_MAX, 0, &amount));
    assert_false(client_line_amount(INT64_MIN, INT64_MIN, INT64_MIN, &amount));
    assert_false(client_line_amount(INT64_MAX, INT64_MAX, 0, &amount));
}

/* The total of these amounts, in this order and in the opposite one. */
static bool total_of(const int64_t *amounts, size_t n, int64_t *out)
{
    struct client_total forth = {0}, back = {0};
    int64_t other;
    for (size_t i = 0; i < n; i++) client_total_add(&forth, amounts[i]);
    for (size_t i = n; i > 0; i--) client_total_add(&back, amounts[i - 1]);
    bool fits = client_total_get(&forth, out);
    assert_int_equal(client_total_get(&back, &other), fits);
    assert_int_equal(*out, other);
    return fits;
}

static void a_total_is_exact_or_absent_whatever_the_order(void **state)
{
    (void)state;
    int64_t total;
    assert_true(total_of((int64_t[]){INT64_MAX, 1, -1}, 3, &total));
    assert_int_equal(total, INT64_MAX);
    assert_true(total_of((int64_t[]){INT64_MIN, -1, 1}, 3, &total));
    assert_int_equal(total, INT64_MIN);
    assert_true(total_of((int64_t[]){INT64_MAX, INT64_MAX, INT64_MIN, INT64_MIN, 2}, 5, &total));
    assert_int_equal(total, 0);
    assert_true(total_of((int64_t[]){-1, -2, 3, 4, -5}, 5, &total));
    assert_int_equal(total, -1);
    assert_false(total_of((int64_t[]){INT64_MAX, 1}, 2, &total));
    assert_false(total_of((int64_t[]){INT64_MIN, -1}, 2, &total));
    assert_false(total_of((int64_t[]){INT64_MIN, INT64_MIN}, 2, &total)); /* the lower half alone is 0 */
    struct client_total lost = {0};
    client_total_add(&lost, 5);
    client_total_lose(&lost);
    assert_false(client_total_get(&lost, &total));
}

static void a_line_without_a_discount_has_its_whole_amount_and_the_order_the_sum(void **state)
{
    (void)state;
    assert_rows(ann, "SELECT amount FROM order_line ORDER BY id", "{\"amount\":16800}\n{\"amount\":849}");
    assert_rows(ann, "SELECT total FROM \"order\"", "{\"total\":17649}");
}

static void an_order_without_lines_totals_nothing_and_archived_lines_do_not_count(void **state)
{
    (void)state;
    char empty[SATCHEL_ID_SIZE] = "", line[SATCHEL_ID_SIZE] = "", sql[128];
    struct satchel_tx *tx;
    put_one(ann, "order", empty, NULL, "{}");
    (void)snprintf(sql, sizeof sql, "SELECT total FROM \"order\" WHERE id = '%s'", empty);
    assert_rows(ann, sql, "{\"total\":0}");
    put_one(ann, "order_line", line, NULL, "{\"order\":\"" ORDER "\",\"qty\":1,\"unit_price\":100}");
    assert_rows(ann, "SELECT total FROM \"order\" WHERE id = '" ORDER "'", "{\"total\":17749}");
    must(ann, satchel_begin(ann, &tx));
    must(ann, satchel_remove(tx, "order_line", line));
    must(ann, satchel_remove(tx, "order", empty));
    must(ann, satchel_commit(tx));
    assert_rows(ann, "SELECT total FROM \"order\"", "{\"total\":17649}");
}

static void a_line_without_quantity_or_with_too_large_an_amount_has_none(void **state)
{
    (void)state;
    char order[SATCHEL_ID_SIZE] = "", line[SATCHEL_ID_SIZE] = "", big[SATCHEL_ID_SIZE] = "", fields[200];
    struct satchel_tx *tx;
    put_one(ann, "order", order, NULL, "{}");
    (void)snprintf(fields, sizeof fields, "{\"order\":\"%s\",\"unit_price\":5}", order);
    put_one(ann, "order_line", line, NULL, fields);
    (void)snprintf(fields, sizeof fields, "{\"order\":\"%s\",\"unit_price\":9223372036854775807,\"qty\":2}", order);
    put_one(ann, "order_line", big, NULL, fields);
    (void)snprintf(fields, sizeof fields, "SELECT amount FROM order_line WHERE \"order\" = '%s'", order);
    assert_rows(ann, fields, "{\"amount\":null}\n{\"amount\":null}");
    must(ann, satchel_begin(ann, &tx));
    must(ann, satchel_remove(tx, "order_line", line));
    must(ann, satchel_remove(tx, "order_line", big));
    must(ann, satchel_remove(tx, "order", order));
    must(ann, satchel_commit(tx));
}

static void remove_one(const char *type, const char *id)
{
    struct satchel_tx *tx;
    must(ann, satchel_begin(ann, &tx));
    must(ann, satchel_remove(tx, type, id));
    must(ann, satchel_commit(tx));
}

static void a_total_does_not_depend_on_the_order_of_the_lines_and_is_absent_beside_an_amount_that_is(void **state)
{
    (void)state;
    static const char *const amounts[] = {"9223372036854775807", "1", "-1", "-9223372036854775808"};
    static const int orders[][4] = {{0, 1, 2, 3}, {2, 0, 1, 3}, {3, 2, 1, 0}, {1, 0, 3, 2}};
    char order[SATCHEL_ID_SIZE] = "", line[SATCHEL_ID_SIZE], sql[200], fields[200];
    for (size_t k = 0; k < sizeof orders / sizeof orders[0]; k++) {
        order[0] = '\0';
        put_one(ann, "order", order, NULL, "{}");
        (void)snprintf(sql, sizeof sql, "SELECT total FROM \"order\" WHERE id = '%s'", order);
        for (size_t i = 0; i < 4; i++) {
            line[0] = '\0';
            (void)snprintf(fields, sizeof fields, "{\"order\":\"%s\",\"qty\":1,\"unit_price\":%s}", order,
                           amounts[orders[k][i]]);
            put_one(ann, "order_line", line, NULL, fields);
        }
        assert_rows(ann, sql, "{\"total\":-1}");
    }
    line[0] = '\0'; /* no price yet: nothing is due */
    (void)snprintf(fields, sizeof fields, "{\"order\":\"%s\",\"qty\":2}", order);
    put_one(ann, "order_line", line, NULL, fields);
    assert_rows(ann, sql, "{\"total\":-1}");
    line[0] = '\0'; /* an amount that does not fit: the rest is not the total */
    (void)snprintf(fields, sizeof fields, "{\"order\":\"%s\",\"qty\":2,\"unit_price\":%s}", order, amounts[0]);
    put_one(ann, "order_line", line, NULL, fields);
    assert_rows(ann, sql, "{\"total\":null}");
    remove_one("order_line", line);
    assert_rows(ann, sql, "{\"total\":-1}");
    line[0] = '\0';
    (void)snprintf(fields, sizeof fields, "{\"order\":\"%s\",\"qty\":1,\"unit_price\":%s}", order, amounts[3]);
    put_one(ann, "order_line", line, NULL, fields);
    assert_rows(ann, sql, "{\"total\":null}"); /* the sum does not fit */
    remove_one("order_line", line);
    refused("SELECT line_total(1, 1)", "queries can only read");
}

/* ---- Columns ---- */

static void sets_are_arrays_and_booleans_are_booleans(void **state)
{
    (void)state;
    assert_rows(ann, "SELECT tags FROM account", "{\"tags\":[\"vip\",\"ärzte\"]}");
    assert_rows(ann, "SELECT discontinued FROM product", "{\"discontinued\":true}");
    assert_rows(ann, "SELECT value FROM account, json_each(account.tags) ORDER BY 1",
                "{\"value\":\"vip\"}\n{\"value\":\"ärzte\"}");
}

static void the_territory_of_a_row_is_its_name(void **state)
{
    (void)state;
    assert_rows(ann, "SELECT territory FROM account", "{\"territory\":\"Northern\"}");
    assert_rows(ann, "SELECT territory FROM product", "{\"territory\":\"org\"}");
    assert_rows(ann, "SELECT territory, name FROM user", "{\"territory\":\"people\",\"name\":\"Ann\"}");
    assert_rows(ann, "SELECT name FROM territory", "{\"name\":\"Northern\"}");
}

static int count_members(void *context, const char *json)
{
    json_t *object = json_loads(json, 0, NULL);
    ((struct rows *)context)->n += (uint32_t)json_object_size(object);
    json_decref(object);
    return 0;
}

static void columns_of_one_name_are_numbered(void **state)
{
    (void)state;
    assert_rows(ann, "SELECT 1 AS a, 2 AS a, 3 AS a", "{\"a\":1,\"a_2\":2,\"a_3\":3}");
    assert_rows(ann, "SELECT 1 AS a, 2 AS a_2, 3 AS a, 4 AS a_2", "{\"a\":1,\"a_2\":2,\"a_3\":3,\"a_2_2\":4}");
    assert_rows(ann, "SELECT 1 AS \"\", 2 AS \"\"", "{\"\":1,\"_2\":2}");
}

/* No value is lost, whatever its column is called and however many there are. */
static void every_column_keeps_its_value(void **state)
{
    (void)state;
    struct rows rows = {0};
    char sql[16384] = "SELECT 0 AS a";
    for (int i = 1; i < 1500; i++) (void)snprintf(sql + strlen(sql), sizeof sql - strlen(sql), ",%d a", i);
    must(ann, satchel_query(ann, sql, count_members, &rows));
    assert_int_equal(rows.n, 1500);
    char name[302] = "x";
    for (int i = 0; i < 100; i++) (void)snprintf(name + 1 + 3 * i, 4, "\u6f22");
    (void)snprintf(sql, sizeof sql, "SELECT 7 AS \"%s\", 8 AS \"%s\"", name, name);
    rows = (struct rows){0};
    must(ann, satchel_query(ann, sql, collect_row, &rows));
    assert_non_null(strstr(rows.text, ":7,"));
    assert_non_null(strstr(rows.text, "_2\":8}"));
    assert_rows(ann, "SELECT 7 AS \"a\xff\", 8 AS \"b\n\"", "{\"a?\":7,\"b\\n\":8}");
    assert_rows(ann, "SELECT discontinued FROM product UNION ALL SELECT 7 UNION ALL SELECT NULL ORDER BY 1",
                "{\"discontinued\":null}\n{\"discontinued\":true}\n{\"discontinued\":7}");
}

static void what_json_cannot_say_is_null_and_bytes_are_hexadecimal(void **state)
{
    (void)state;
    assert_rows(ann, "SELECT 9e999 AS i, x'00ff' AS b, x'' AS e, CAST(x'ff' AS TEXT) AS t, 0.1 AS f",
                "{\"i\":null,\"b\":\"00ff\",\"e\":\"\",\"t\":null,\"f\":0.1}");
}

static void list_takes_a_condition(void **state)
{
    (void)state;
    struct rows rows = {0};
    must(ann, satchel_list(ann, "order_line", "qty > 5 -- more than a few", collect_row, &rows));
    assert_int_equal(rows.n, 1);
    assert_non_null(strstr(rows.text, LINE_A));
    must_fail(ann, satchel_list(ann, "orders", NULL, collect_row, &rows), "not_found", "orders");
    static const char *const fine[] = {"1 OR 0",
                                       "CASE WHEN qty > 5 THEN 1 ELSE 0 END",
                                       "(qty) > (5)",
                                       "/* b */ 1",
                                       "sku IS NULL AND ']' <> '[' AND '--' <> '/*'",
                                       "qty IN (SELECT 12)",
                                       "\"order\" = '" ORDER "'"};
    for (size_t i = 0; i < sizeof fine / sizeof fine[0]; i++) {
        rows = (struct rows){0};
        must(ann, satchel_list(ann, "order_line", fine[i], collect_row, &rows));
        assert_true(rows.n > 0);
    }
}

static void condition_refused(const char *where, const char *part)
{
    struct rows rows = {0};
    must_fail(ann, satchel_list(ann, "account", where, collect_row, &rows), "invalid", part);
    assert_int_equal(rows.n, 0);
    static const char *const ours[] = {"THEN", "END", "CASE", "WHERE", "ORDER BY", "\\n"};
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++)
        if (!strstr(where, ours[i])) assert_null(strstr(satchel_error_of(ann)->message, ours[i]));
}

static void a_condition_does_not_leave_its_brackets(void **state)
{
    (void)state;
    condition_refused("1) OR (1", "near \")\"");
    condition_refused("0) UNION SELECT * FROM account WHERE (1", "near \")\"");
    condition_refused("1) ORDER BY (name", "near \")\"");
    condition_refused("1); DELETE FROM account; --", "near \")\"");
    condition_refused("1; DELETE FROM account", "near \";\"");
    condition_refused("1 THEN 0 WHEN 1", "near \"THEN\"");
    condition_refused("1 THEN 1 END OR CASE WHEN 1", "near \"THEN\"");
    condition_refused("1 ORDER BY name", "near \"ORDER\"");
    condition_refused("1 LIMIT 1", "near \"LIMIT\"");
    condition_refused("SELECT 1", "near \"SELECT\"");
    condition_refused("VALUES (1)", "near \"VALUES\"");
    condition_refused("1, 1", "near \",\"");
    condition_refused("$a(')) OR (1 OR $b(')", "near \")\""); /* a quote within a parameter's name is none */
    condition_refused("$a(')", "nobody gives");
}

static void what_is_wrong_with_a_condition_is_said_of_the_condition_alone(void **state)
{
    (void)state;
    static const char *const open[] = {
        "name =", "(name = 'a'", "name = 'a", "name = \"a",          "[name = 1",   "`name", "1 /* or 0",
        "1 AND",  "NOT",         "name IN (", "name = 'a' --\n AND", "CASE WHEN 1", "-- all"};
    for (size_t i = 0; i < sizeof open / sizeof open[0]; i++) condition_refused(open[i], "condition ends too early");
    condition_refused("", "condition is empty");
    condition_refused(" \n\t", "condition is empty");
    condition_refused("name = = 'a'", "in the condition: near \"=\": syntax error");
    condition_refused("count(*) > 1", "in the condition: ");
    condition_refused("abs(-9223372036854775807 - 1) > 0", "in the condition: integer overflow");
    condition_refused("name = :name", ":name stands for a value");
    condition_refused("name = ?", "? stands for a value");
    condition_refused("load_extension('x')", "queries can only read");
}

static void a_name_that_is_not_there_is_no_text(void **state)
{
    (void)state;
    condition_refused("\"nmae\" = 'x'", "in the condition: no such column: ");
    condition_refused("\"nmae\" <> 'x'", "nmae");
    condition_refused("nmae = 'x'", "no such column: nmae");
    refused("SELECT id FROM account WHERE \"nmae\" <> 'x'", "no such column: ");
    struct rows rows = {0};
    must(ann, satchel_list(ann, "account", "\"name\" = 'Ana'", collect_row, &rows));
    assert_int_equal(rows.n, 1);
}

static int stop_at_once(void *context, const char *json)
{
    (void)json;
    ++*(int *)context;
    return 1;
}

static void a_callback_that_has_enough_ends_the_query(void **state)
{
    (void)state;
    int seen = 0;
    must(ann, satchel_query(ann, "SELECT * FROM order_line", stop_at_once, &seen));
    assert_int_equal(seen, 1);
}

/* ---- Read only ---- */

static void nothing_but_reading_is_allowed(void **state)
{
    (void)state;
    static const char *const forbidden[] = {
        "DELETE FROM account",
        "UPDATE account SET name = 'x'",
        "INSERT INTO account (id) VALUES ('x')",
        "DROP TABLE account",
        "CREATE TABLE t (a)",
        "CREATE TEMP TABLE t (a)",
        "CREATE VIEW v AS SELECT 1",
        "ATTACH ':memory:' AS other",
        "DETACH main",
        "PRAGMA query_only = OFF",
        "PRAGMA user_version",
        "BEGIN",
        "SAVEPOINT s",
        "REINDEX",
        "ANALYZE",
        "ALTER TABLE account RENAME TO b",
        "SELECT * FROM pragma_table_info('account')",
        "SELECT load_extension('x')",
        "SELECT fts3_tokenizer('simple')",
        "SELECT sqlite_log(1, 'x')",
        "SELECT * FROM dbstat",
        "WITH t AS (SELECT 1) DELETE FROM account",
        "VACUUM INTO '/tmp/stolen'",
        "CREATE VIRTUAL TABLE t USING fts5(a)",
    };
    for (size_t i = 0; i < sizeof forbidden / sizeof forbidden[0]; i++) refused(forbidden[i], "queries can only read");
    assert_rows(ann, "SELECT count(*) AS n FROM account", "{\"n\":1}");
}

static void a_query_is_one_statement(void **state)
{
    (void)state;
    refused("SELECT 1; SELECT 2", "one statement");
    refused("SELECT 1; DELETE FROM account", "one statement");
    refused("", "no statement");
    refused("-- nothing", "no statement");
    assert_rows(ann, "SELECT 1 AS one; ; -- enough", "{\"one\":1}");
    refused("SELECT nothing FROM account", "nothing");
    refused("SELEC 1", "SELEC");
}

static void what_a_query_cannot_do_is_said_so_that_one_can_mend_it(void **state)
{
    (void)state;
    refused("SELECT * FROM order",
            "near \"order\": syntax error: as the name of a table or column it is put in double");
    refused("SELECT * FROM Order", "double quotes");
    refused("SELECT order FROM order_line", "double quotes");
    refused("SELECT :name", ":name stands for a value that nobody gives");
    refused("SELECT * FROM account WHERE name = ?1", "?1 stands for a value");
    refused("SELECT length(zeroblob(100000000))", "too big"); /* not a gigabyte of memory for one value */
    refused("SELECT 'a", "unrecognized token");
}

static void recursion_and_functions_are_allowed(void **state)
{
    (void)state;
    assert_rows(ann,
                "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 4) SELECT sum(n) AS s FROM t",
                "{\"s\":10}");
    assert_rows(ann, "SELECT upper('a') AS u, strftime('%Y', '2024-05-17T09:30:00+02:00') AS y",
                "{\"u\":\"A\",\"y\":\"2024\"}");
}

static void the_day_that_a_report_counts_from_is_a_day(void **state)
{
    static const char *const days[] = {"",         "2026-02-30", "2026-05-09T10:00:00Z",
                                       "2026-5-9", "'2026-05-0", "2026-05-09"};
    char *json = NULL;
    (void)state;
    for (size_t i = 0; i < sizeof days / sizeof *days; i++) {
        struct satchel_report_options options = {.today = days[i]};
        bool good = i + 1 == sizeof days / sizeof *days;
        assert_int_equal(satchel_report(ann, "receivables", &options, &json) == 0, good);
        if (!good) assert_string_equal(satchel_error_of(ann)->name, "usage");
        if (!good) assert_non_null(strstr(satchel_error_of(ann)->message, "today is a day"));
    }
    satchel_free(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_amount_is_rounded_half_up_to_the_minor_unit),
        cmocka_unit_test(an_amount_is_exact_or_absent),
        cmocka_unit_test(a_total_is_exact_or_absent_whatever_the_order),
        cmocka_unit_test(a_line_without_a_discount_has_its_whole_amount_and_the_order_the_sum),
        cmocka_unit_test(an_order_without_lines_totals_nothing_and_archived_lines_do_not_count),
        cmocka_unit_test(a_line_without_quantity_or_with_too_large_an_amount_has_none),
        cmocka_unit_test(a_total_does_not_depend_on_the_order_of_the_lines_and_is_absent_beside_an_amount_that_is),
        cmocka_unit_test(sets_are_arrays_and_booleans_are_booleans),
        cmocka_unit_test(the_territory_of_a_row_is_its_name),
        cmocka_unit_test(columns_of_one_name_are_numbered),
        cmocka_unit_test(every_column_keeps_its_value),
        cmocka_unit_test(what_json_cannot_say_is_null_and_bytes_are_hexadecimal),
        cmocka_unit_test(list_takes_a_condition),
        cmocka_unit_test(a_condition_does_not_leave_its_brackets),
        cmocka_unit_test(what_is_wrong_with_a_condition_is_said_of_the_condition_alone),
        cmocka_unit_test(a_name_that_is_not_there_is_no_text),
        cmocka_unit_test(a_callback_that_has_enough_ends_the_query),
        cmocka_unit_test(nothing_but_reading_is_allowed),
        cmocka_unit_test(a_query_is_one_statement),
        cmocka_unit_test(what_a_query_cannot_do_is_said_so_that_one_can_mend_it),
        cmocka_unit_test(recursion_and_functions_are_allowed),
        cmocka_unit_test(the_day_that_a_report_counts_from_is_a_day),
    };
    return cmocka_run_group_tests_name("view", tests, make_org, drop_org);
}
