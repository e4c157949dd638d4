/* What the whole of a transaction tells, whatever the order of its edits; and what is too large, out of range, or so
 * already. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "client/tx.h"
#include "tests/unit/book_world.h"

struct id {
    char text[SATCHEL_ID_SIZE];
};

static struct id new_id(void)
{
    static uint16_t count;
    struct id id;
    (void)snprintf(id.text, sizeof id.text, "0191f0a0-0000-7000-8000-0000000a%04x", (unsigned)++count);
    return id;
}

struct line {
    const char *type;
    const struct id *id;
    const char *territory; /* NULL: not said */
    const char *field;     /* a reference; NULL: none */
    const struct id *target;
};

static void put_line(struct satchel *satchel, struct satchel_tx *tx, const struct line *line)
{
    char fields[100] = "{}";
    if (line->field) (void)snprintf(fields, sizeof fields, "{\"%s\":\"%s\"}", line->field, line->target->text);
    must(satchel, satchel_put(tx, line->type, line->id->text, line->territory, fields, NULL));
}

static int commit_lines(struct satchel *satchel, const struct line *lines, const uint32_t *order, uint32_t n)
{
    struct satchel_tx *tx;
    must(satchel, satchel_begin(satchel, &tx));
    for (uint32_t i = 0; i < n; i++) put_line(satchel, tx, &lines[order ? order[i] : i]);
    return satchel_commit(tx);
}

static void assert_territory(struct satchel *satchel, const char *type, const struct id *id, const char *name)
{
    char *json = NULL;
    must(satchel, satchel_get(satchel, type, id->text, &json));
    json_t *record = json_loads(json, 0, NULL);
    assert_string_equal(json_string_value(json_object_get(record, "territory")), name);
    json_decref(record);
    satchel_free(json);
}

static void assert_absent(struct satchel *satchel, const char *type, const struct id *id)
{
    char *json;
    must_fail(satchel, satchel_get(satchel, type, id->text, &json), "not_found", id->text);
}

/* ---- The order of the edits ---- */

static void check_orders(uint32_t *order, uint32_t n, uint32_t fixed, void (*check)(const uint32_t *order))
{
    if (fixed == n) check(order);
    for (uint32_t i = fixed; i < n; i++) {
        uint32_t first = order[fixed];
        order[fixed] = order[i];
        order[i] = first;
        check_orders(order, n, fixed + 1, check);
        order[i] = order[fixed];
        order[fixed] = first;
    }
}

static void check_chain(const uint32_t *order)
{
    struct id account = new_id(), entry = new_id(), item = new_id(), about = new_id();
    const struct line lines[] = {
        {"account", &account, "Southern", NULL, NULL},
        {"order", &entry, NULL, "account", &account},
        {"order_line", &item, NULL, "order", &entry},
        {"note", &about, NULL, "about", &item},
    };
    must(cid, commit_lines(cid, lines, order, 4));
    for (uint32_t i = 0; i < 4; i++) assert_territory(cid, lines[i].type, lines[i].id, "Southern");
}

static void a_chain_of_references_is_followed_in_every_order(void **state)
{
    (void)state;
    uint32_t order[] = {0, 1, 2, 3};
    check_orders(order, 4, 0, check_chain);
}

static void check_line_and_product(const uint32_t *order)
{
    struct id product = new_id(), entry = new_id(), item = new_id();
    struct satchel_tx *tx;
    char fields[200];
    must(ann, satchel_begin(ann, &tx));
    for (uint32_t i = 0; i < 3; i++) {
        if (order[i] == 0) must(ann, satchel_put(tx, "product", product.text, NULL, "{}", NULL));
        if (order[i] == 1) must(ann, satchel_put(tx, "order", entry.text, "Southern", "{}", NULL));
        (void)snprintf(fields, sizeof fields, "{\"product\":\"%s\",\"order\":\"%s\"}", product.text, entry.text);
        if (order[i] == 2) must(ann, satchel_put(tx, "order_line", item.text, NULL, fields, NULL));
    }
    must(ann, satchel_commit(tx));
    assert_territory(ann, "product", &product, "org");
    assert_territory(ann, "order_line", &item, "Southern");
}

static void a_line_goes_with_its_order_and_not_with_its_product_in_every_order(void **state)
{
    (void)state;
    uint32_t order[] = {0, 1, 2};
    check_orders(order, 3, 0, check_line_and_product);
}

static void what_later_edits_say_of_the_same_record_counts(void **state)
{
    (void)state;
    struct id account = new_id(), contact = new_id(), other = new_id(), nowhere = new_id();
    const struct line lines[] = {
        {"contact", &contact, NULL, "account", &nowhere}, {"contact", &contact, NULL, "account", &account},
        {"account", &account, "Southern", NULL, NULL},    {"contact", &other, NULL, "account", &nowhere},
        {"contact", &other, "Northern", NULL, NULL},
    };
    must(cid, commit_lines(cid, lines, NULL, 5));
    assert_territory(cid, "contact", &contact, "Southern");
    assert_territory(cid, "contact", &other, "Northern");
}

static void a_record_can_be_archived_before_its_place_is_known(void **state)
{
    (void)state;
    struct id account = new_id(), visit = new_id();
    struct satchel_tx *tx;
    const struct line lines[] = {{"visit", &visit, NULL, "account", &account},
                                 {"account", &account, "Southern", NULL, NULL}};
    char sql[160];
    must(cid, satchel_begin(cid, &tx));
    put_line(cid, tx, &lines[0]);
    must(cid, satchel_remove(tx, "visit", visit.text));
    put_line(cid, tx, &lines[1]);
    must(cid, satchel_commit(tx));
    (void)snprintf(sql, sizeof sql, "SELECT territory FROM archived.visit WHERE id = '%s'", visit.text);
    assert_rows(cid, sql, "{\"territory\":\"Southern\"}");
}

static void without_a_place_anywhere_the_edit_is_named_and_nothing_is_written(void **state)
{
    (void)state;
    struct id account = new_id(), contact = new_id(), task = new_id(), nowhere = new_id();
    const struct line lines[] = {
        {"account", &account, "Southern", NULL, NULL},
        {"contact", &contact, NULL, "account", &nowhere},
        {"task", &task, NULL, "account", &account},
    };
    must_fail(cid, commit_lines(cid, lines, NULL, 3), "invalid", "a new contact needs a territory: Northern, Southern");
    assert_int_equal(satchel_error_of(cid)->edit, 2);
    assert_absent(cid, "account", &account);
    must(bob, commit_lines(bob, &lines[1], NULL, 1)); /* Bob has one alone */
    assert_territory(bob, "contact", &contact, "Northern");
}

static void references_in_a_ring_say_nothing_of_the_place(void **state)
{
    (void)state;
    struct id a = new_id(), b = new_id(), c = new_id(), self = new_id();
    struct line lines[] = {
        {"note", &a, NULL, "about", &b},
        {"note", &b, NULL, "about", &c},
        {"note", &c, NULL, "about", &a},
        {"note", &self, NULL, "about", &self},
    };
    must_fail(cid, commit_lines(cid, lines, NULL, 3), "invalid", "needs a territory");
    must_fail(cid, commit_lines(cid, &lines[3], NULL, 1), "invalid", "needs a territory: Northern, Southern");
    assert_int_equal(satchel_error_of(cid)->edit, 1);
    must(bob, commit_lines(bob, lines, NULL, 4));
    assert_territory(bob, "note", &c, "Northern");
    assert_territory(bob, "note", &self, "Northern");
    a = new_id(), b = new_id(), c = new_id();
    lines[1].territory = "Southern";
    must(cid, commit_lines(cid, lines, NULL, 3));
    assert_territory(cid, "note", &a, "Southern");
    assert_territory(cid, "note", &c, "Southern");
}

static void a_long_chain_from_its_end_is_followed(void **state)
{
    (void)state;
    enum { LONG = 3000 };
    struct satchel_tx *tx;
    char id[SATCHEL_ID_SIZE], about[100];
    must(cid, satchel_begin(cid, &tx));
    for (uint32_t i = 0; i <= LONG; i++) {
        (void)snprintf(id, sizeof id, "0191f0a0-0000-7000-8000-0000000b%04x", (unsigned)i);
        (void)snprintf(about, sizeof about, "{\"about\":\"0191f0a0-0000-7000-8000-0000000b%04x\"}", (unsigned)i + 1);
        must(cid, satchel_put(tx, "note", id, i == LONG ? "Southern" : NULL, i == LONG ? "{}" : about, NULL));
    }
    must(cid, satchel_commit(tx));
    assert_int_equal(satchel_written(cid), LONG + 1);
    assert_rows(cid, "SELECT count(*) AS n FROM note WHERE territory = 'Southern' AND id LIKE '%-0000000b%'",
                "{\"n\":3001}");
}

static void what_lies_where_one_may_not_write_says_nothing_of_the_place(void **state)
{
    (void)state;
    char product[SATCHEL_ID_SIZE] = "", fields[200];
    struct id item = new_id(), nowhere = new_id();
    struct satchel_tx *tx;
    put_one(ann, "product", product, NULL, "{}");
    (void)sync_now(ann);
    (void)sync_now(bob);
    (void)snprintf(fields, sizeof fields, "{\"order\":\"%s\",\"product\":\"%s\"}", nowhere.text, product);
    must(bob, satchel_begin(bob, &tx));
    must(bob, satchel_put(tx, "order_line", item.text, NULL, fields, NULL));
    must(bob, satchel_commit(tx));
    assert_territory(bob, "order_line", &item, "Northern");
}

/* What only the writer of changes finds out; here because somebody meddles. */
static void an_edit_that_cannot_be_written_is_named(void **state)
{
    (void)state;
    struct id fine = new_id(), wrong = new_id();
    struct satchel_tx *tx;
    put_one(bob, "account", wrong.text, NULL, "{}");
    must(bob, satchel_begin(bob, &tx));
    must(bob, satchel_put(tx, "account", fine.text, NULL, "{}", NULL));
    must(bob, satchel_put(tx, "account", wrong.text, NULL, "{\"name\":\"A\"}", NULL));
    must(bob, satchel_put(tx, "account", fine.text, NULL, "{\"name\":\"A\"}", NULL));
    tx->edits[1].type = sat_type_by_name("visit")->number;
    must_fail(bob, satchel_commit(tx), "invalid", wrong.text);
    assert_int_equal(satchel_error_of(bob)->edit, 2);
    assert_int_equal(satchel_written(bob), 0);
    assert_absent(bob, "account", &fine);
    char *json;
    must_fail(bob, satchel_get(bob, "account", fine.text, &json), "not_found", fine.text);
    assert_int_equal(satchel_error_of(bob)->edit, 0);
}

/* ---- References of the wrong type ---- */

static void a_reference_is_refused_when_its_target_comes_later_as_something_else(void **state)
{
    (void)state;
    struct id entry = new_id(), target = new_id(), fine = new_id();
    const struct line lines[] = {
        {"account", &fine, "Northern", NULL, NULL},
        {"order", &entry, "Northern", "account", &target},
        {"product", &target, NULL, NULL, NULL},
        {"order", &entry, "Northern", "account", &fine},
    };
    must_fail(ann, commit_lines(ann, lines, NULL, 4), "invalid", "order.account refers to a record of type account");
    assert_int_equal(satchel_error_of(ann)->edit, 2);
    assert_absent(ann, "account", &fine);
    assert_absent(ann, "product", &target);
}

static void assert_waiting(struct satchel *satchel, const struct id *entry, bool waits, const char *row)
{
    char *json = NULL, sql[200];
    must(satchel, satchel_get(satchel, "order", entry->text, &json));
    assert_int_equal(strstr(json, "\"waiting\":[\"account\"]") != NULL, waits);
    satchel_free(json);
    (void)snprintf(sql, sizeof sql, "SELECT type, field, found FROM waiting WHERE id = '%s'", entry->text);
    assert_rows(satchel, sql, row);
}

static void a_reference_whose_target_turns_out_to_be_something_else_stays_listed(void **state)
{
    (void)state;
    struct id entry = new_id(), target = new_id();
    const struct line order_line[] = {{"order", &entry, "Northern", "account", &target}};
    must(bob, commit_lines(bob, order_line, NULL, 1));
    assert_waiting(bob, &entry, true, "{\"type\":\"order\",\"field\":\"account\",\"found\":null}");
    put_one(ann, "product", target.text, NULL, "{\"sku\":\"X\"}");
    (void)sync_now(bob);
    (void)sync_now(ann);
    (void)sync_now(bob);
    static const char row[] = "{\"type\":\"order\",\"field\":\"account\",\"found\":\"product\"}";
    assert_waiting(bob, &entry, true, row);
    assert_waiting(ann, &entry, true, row);
    struct id account = new_id();
    put_one(bob, "account", account.text, NULL, "{}");
    const struct line mended[] = {{"order", &entry, NULL, "account", &account}};
    must(bob, commit_lines(bob, mended, NULL, 1));
    assert_waiting(bob, &entry, false, "");
}

/* ---- Large sets ---- */

/* {"tags":["<first>",…]} or {"tags":{"add":[…]}} */
static char *tags_json(uint32_t first, uint32_t n, bool add)
{
    char *json = calloc(n + 4, 8);
    assert_non_null(json);
    size_t at = (size_t)snprintf(json, 32, "{\"tags\":%s[", add ? "{\"add\":" : "");
    for (uint32_t i = 0; i < n; i++)
        at += (size_t)snprintf(json + at, 16, "%s\"%u\"", i ? "," : "", (unsigned)(first + i));
    (void)snprintf(json + at, 8, "]%s}", add ? "}" : "");
    return json;
}

static void put_tags(struct satchel *satchel, struct id *id, uint32_t first, uint32_t n, bool add)
{
    char *json = tags_json(first, n, add);
    put_one(satchel, "account", id->text, "Northern", json);
    free(json);
}

static void assert_tags(struct satchel *satchel, const struct id *id, uint32_t n)
{
    char sql[160], row[40];
    (void)snprintf(sql, sizeof sql, "SELECT coalesce(json_array_length(tags), 0) AS n FROM account WHERE id = '%s'",
                   id->text);
    (void)snprintf(row, sizeof row, "{\"n\":%u}", (unsigned)n);
    assert_rows(satchel, sql, row);
}

static void a_set_of_thousands_is_grown_replaced_and_emptied(void **state)
{
    (void)state;
    struct id id = new_id();
    for (uint32_t first = 0; first < 5000; first += 1000) put_tags(bob, &id, first, 1000, true);
    assert_tags(bob, &id, 5000);
    put_tags(bob, &id, 4000, 2000, false);
    assert_tags(bob, &id, 2000);
    (void)sync_now(bob);
    (void)sync_now(cid);
    assert_tags(cid, &id, 2000);
    put_one(cid, "account", id.text, NULL, "{\"tags\":null}");
    assert_int_equal(satchel_written(cid), 2);
    assert_tags(cid, &id, 0);
    put_tags(bob, &id, 6000, 1, true);
    (void)sync_now(cid);
    (void)sync_now(bob);
    (void)sync_now(cid);
    assert_tags(bob, &id, 1);
    assert_tags(cid, &id, 1);
}

static void a_set_is_replaced_within_the_transaction_that_grew_it(void **state)
{
    (void)state;
    struct id id = new_id();
    struct satchel_tx *tx;
    char *grown = tags_json(0, 3000, true), *left = tags_json(2999, 2, false);
    must(bob, satchel_begin(bob, &tx));
    must(bob, satchel_put(tx, "account", id.text, NULL, grown, NULL));
    must(bob, satchel_put(tx, "account", id.text, NULL, left, NULL));
    must(bob, satchel_commit(tx));
    free(grown);
    free(left);
    char sql[160];
    (void)snprintf(sql, sizeof sql, "SELECT tags FROM account WHERE id = '%s'", id.text);
    assert_rows(bob, sql, "{\"tags\":[\"2999\",\"3000\"]}");
}

static void what_is_too_large_is_named_with_its_record(void **state)
{
    (void)state;
    struct id id = new_id();
    struct satchel_tx *tx;
    char *json = tags_json(0, 4097, false);
    must(bob, satchel_begin(bob, &tx));
    must_fail(bob, satchel_put(tx, "account", id.text, NULL, json, NULL), "too_large", id.text);
    must_fail(bob, satchel_put(tx, "account", id.text, NULL, json, NULL), "too_large", "account.tags: 4097 elements");
    must_fail(bob, satchel_put(tx, "account", NULL, NULL, json, NULL), "too_large", "at most 4096");
    satchel_rollback(tx);
    free(json);
}

/* ---- What others wrote, what is so already, ids of every kind ---- */

/* Written by a program that knows no bounds. */
static void write_discount(struct satchel *satchel, const struct id *id, int64_t discount)
{
    const struct sat_type *type = sat_type_by_name("order_line");
    struct sat_cell cell = {.field = sat_field_by_name(type, "discount_bp")->number,
                            .value = {.kind = SAT_VALUE_INT, .integer = discount}};
    struct sat_edit edit = {.type = type->number, .cells = &cell, .cells_n = 1};
    assert_int_equal(sat_uuid_parse(id->text, edit.record.b), SAT_OK);
    uint32_t written, n = 0;
    struct sat_vault vault = client_vault(satchel);
    assert_int_equal(sat_store_record_spaces(satchel->store, &edit.record, &edit.sid, 1, &n), SAT_OK);
    assert_int_equal(n, 1);
    assert_int_equal(sat_store_begin(satchel->store), SAT_OK);
    assert_int_equal(sat_author_commit(&vault, &edit, 1, client_now_ms(), &written), SAT_OK);
    assert_int_equal(sat_store_commit(satchel->store), SAT_OK);
}

static void a_value_out_of_range_that_somebody_else_wrote_is_shown(void **state)
{
    (void)state;
    struct id id = new_id();
    char sql[160], *json;
    put_one(bob, "order_line", id.text, NULL, "{\"qty\":1,\"unit_price\":100,\"discount_bp\":10000}");
    write_discount(bob, &id, 20000);
    (void)sync_now(bob);
    (void)sync_now(cid);
    must(cid, satchel_get(cid, "order_line", id.text, &json));
    assert_non_null(strstr(json, "\"discount_bp\":20000"));
    satchel_free(json);
    (void)snprintf(sql, sizeof sql, "SELECT discount_bp, amount FROM order_line WHERE id = '%s'", id.text);
    assert_rows(cid, sql, "{\"discount_bp\":20000,\"amount\":-100}");
    put_one(cid, "order_line", id.text, NULL, "{\"qty\":2}"); /* goes on being edited */
    struct satchel_tx *tx;
    must(cid, satchel_begin(cid, &tx));
    must_fail(cid, satchel_put(tx, "order_line", id.text, NULL, "{\"discount_bp\":20000}", NULL), "invalid",
              "order_line.discount_bp takes an integer from 0 to 10000");
    satchel_rollback(tx);
}

static uint64_t written_by(struct satchel *satchel,
                           int (*verb)(struct satchel_tx *tx, const char *type, const char *id), const struct id *id)
{
    struct satchel_tx *tx;
    must(satchel, satchel_begin(satchel, &tx));
    must(satchel, verb(tx, "account", id->text));
    must(satchel, satchel_commit(tx));
    return satchel_written(satchel);
}

static void what_is_archived_or_not_already_is_not_written_again(void **state)
{
    (void)state;
    struct id id = new_id();
    put_one(bob, "account", id.text, NULL, "{\"name\":\"A\"}");
    assert_int_equal(satchel_written(bob), 1);
    put_one(bob, "account", id.text, NULL, "{\"name\":\"A\"}");
    assert_int_equal(satchel_written(bob), 0);
    assert_int_equal(written_by(bob, satchel_restore, &id), 0);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(written_by(bob, satchel_remove, &id), 1);
        assert_int_equal(written_by(bob, satchel_remove, &id), 0);
        (void)sync_now(bob);
        assert_int_equal(written_by(bob, satchel_remove, &id), 0);
        assert_int_equal(written_by(bob, satchel_restore, &id), 1);
        assert_int_equal(written_by(bob, satchel_restore, &id), 0);
    }
}

static void a_record_can_have_any_uuid(void **state)
{
    (void)state;
    static const char *const texts[] = {"00000000-0000-0000-0000-000000000000", "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF",
                                        "C232AB00-9414-11EC-B3C8-9F6BDECED846", "12345678-1234-0234-0234-123456789abc"};
    for (uint32_t i = 0; i < 4; i++) {
        struct id id, visit = new_id();
        (void)snprintf(id.text, sizeof id.text, "%s", texts[i]);
        put_one(bob, "account", id.text, NULL, "{\"name\":\"any\"}"); /* gives the id back as it is written here */
        for (const char *at = id.text; *at; at++) assert_false(*at >= 'A' && *at <= 'F');
        const struct line line = {"visit", &visit, NULL, "account", &id};
        must(bob, commit_lines(bob, &line, NULL, 1));
        (void)sync_now(bob);
        (void)sync_now(cid);
        char sql[200], row[120];
        (void)snprintf(sql, sizeof sql,
                       "SELECT v.account, a.name FROM visit v JOIN account a ON a.id = v.account WHERE"
                       " v.id = '%s'",
                       visit.text);
        (void)snprintf(row, sizeof row, "{\"account\":\"%s\",\"name\":\"any\"}", id.text);
        assert_rows(cid, sql, row);
        assert_int_equal(written_by(cid, satchel_remove, &id), 1);
        assert_int_equal(written_by(cid, satchel_restore, &id), 1);
        (void)sync_now(cid);
        (void)sync_now(bob);
        put_one(bob, "account", id.text, NULL, "{\"name\":\"other\"}");
        assert_int_equal(satchel_written(bob), 1);
    }
    assert_rows(bob, "SELECT count(*) AS n FROM account WHERE id = '00000000-0000-0000-0000-000000000000'",
                "{\"n\":1}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_chain_of_references_is_followed_in_every_order),
        cmocka_unit_test(a_line_goes_with_its_order_and_not_with_its_product_in_every_order),
        cmocka_unit_test(what_later_edits_say_of_the_same_record_counts),
        cmocka_unit_test(a_record_can_be_archived_before_its_place_is_known),
        cmocka_unit_test(without_a_place_anywhere_the_edit_is_named_and_nothing_is_written),
        cmocka_unit_test(references_in_a_ring_say_nothing_of_the_place),
        cmocka_unit_test(a_long_chain_from_its_end_is_followed),
        cmocka_unit_test(what_lies_where_one_may_not_write_says_nothing_of_the_place),
        cmocka_unit_test(an_edit_that_cannot_be_written_is_named),
        cmocka_unit_test(a_reference_is_refused_when_its_target_comes_later_as_something_else),
        cmocka_unit_test(a_reference_whose_target_turns_out_to_be_something_else_stays_listed),
        cmocka_unit_test(a_set_of_thousands_is_grown_replaced_and_emptied),
        cmocka_unit_test(a_set_is_replaced_within_the_transaction_that_grew_it),
        cmocka_unit_test(what_is_too_large_is_named_with_its_record),
        cmocka_unit_test(a_value_out_of_range_that_somebody_else_wrote_is_shown),
        cmocka_unit_test(what_is_archived_or_not_already_is_not_written_again),
        cmocka_unit_test(a_record_can_have_any_uuid),
    };
    return cmocka_run_group_tests_name("write_whole", tests, make_book_with_southern, drop_book);
}
