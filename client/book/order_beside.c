/* What an order has in common with others: its number, or all that it orders. Asked for many orders at once, each
 * account's are read once. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "client/book/credit.h"
#include "client/book/writing.h"
#include "client/rows.h"
#include "common/proof/hash.h"

/* ---- Which ---- */

static enum sat_err ask_numbers(struct satchel *satchel, const char *number, json_t **out)
{
    static const char sql[] =
        "SELECT DISTINCT no_local, id FROM \"order\" WHERE no_local IN (SELECT no_local FROM \"order\" WHERE ?1 IS NULL"
        " OR no_local = ?1 GROUP BY no_local HAVING COUNT(DISTINCT id) > 1) ORDER BY id";
    json_t *rows, *row;
    size_t index;
    *out = json_object();
    enum sat_err err = client_book_ask(satchel, sql, &number, 1, &rows);
    json_array_foreach(rows, index, row)
    {
        const char *shared = client_book_text(row, "no_local");
        if (!json_object_get(*out, shared)) (void)json_object_set_new(*out, shared, json_array());
        (void)json_array_append(json_object_get(*out, shared), json_object_get(row, "id"));
    }
    json_decref(rows);
    return err;
}

/* A twin is of the day, the day before or the one after: {account: {day: those three, or true where only its neighbour
 * is asked about}}. */
static void add_days(json_t *days, const json_t *row)
{
    static const char *const names[] = {"before", "ordered_on", "after"};
    const char *account = client_book_text(row, "account"), *on = client_book_text(row, "ordered_on");
    if (!account || !on) return;
    json_t *own = json_object_get(days, account), *around = json_array();
    if (!own) {
        own = json_object();
        (void)json_object_set_new(days, account, own);
    }
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *day = client_book_text(row, names[i]);
        if (!day) continue; /* at the ends of the calendar */
        (void)json_array_append(around, json_object_get(row, names[i]));
        if (!json_object_get(own, day)) (void)json_object_set_new(own, day, json_true());
    }
    (void)json_object_set_new(own, on, around);
}

#define AROUND " date(o.ordered_on, '-1 day') AS before, o.ordered_on, date(o.ordered_on, '+1 day') AS after"

enum sat_err client_order_beside_many(struct satchel *satchel, const json_t *ids, struct client_order_beside *out)
{
    static const char sql[] =
        "SELECT DISTINCT o.account," AROUND " FROM \"order\" AS o WHERE o.id IN (SELECT value FROM"
        " json_each(?1))";
    json_t *rows = NULL, *row;
    size_t index;
    *out = (struct client_order_beside){.days = json_object(), .baskets = json_object(), .many = true};
    char *text = client_json_text(json_incref((json_t *)ids));
    enum sat_err err = ask_numbers(satchel, NULL, &out->numbers);
    if (!err) err = client_book_ask(satchel, sql, (const char *const[]){text}, 1, &rows);
    satchel_free(text);
    json_array_foreach(rows, index, row) add_days(out->days, row);
    json_decref(rows);
    return err;
}

enum sat_err client_order_beside_one(struct satchel *satchel, const char *account, const char *day, const char *number,
                                     struct client_order_beside *out)
{
    static const char sql[] = "SELECT o.account," AROUND " FROM (SELECT ?1 AS account, ?2 AS ordered_on) AS o";
    const char *const values[] = {account, day};
    json_t *row = NULL;
    *out = (struct client_order_beside){.days = json_object(), .baskets = json_object()};
    enum sat_err err = number ? ask_numbers(satchel, number, &out->numbers) : SAT_OK;
    if (!err) err = client_book_ask_one(satchel, sql, values, 2, &row);
    add_days(out->days, row);
    json_decref(row);
    return err;
}

void client_order_beside_free(struct client_order_beside *beside)
{
    json_decref(beside->numbers);
    json_decref(beside->days);
    json_decref(beside->baskets);
    client_credit_free(beside->credit);
    *beside = (struct client_order_beside){0};
}

/* ---- Baskets ---- */

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* What is bought, whatever the order of the lines: "product qty" each, sorted; and on which day. "": nothing is. */
static const char *basket(const json_t *lines, const char *day, struct sat_arena *arena)
{
    size_t n = json_array_size(lines);
    struct sat_hasher hasher;
    char text[65];
    const char **texts = sat_arena_array(arena, n, sizeof *texts);
    if (n == 0) return "";
    for (size_t i = 0; i < n; i++) {
        const json_t *line = json_array_get(lines, i);
        const char *product = client_book_text(line, "product");
        texts[i] = sat_arena_format(arena, "%s %" PRId64, product ? product : "-", client_book_integer(line, "qty", 0));
    }
    if (n > 1) qsort(texts, n, sizeof *texts, compare_texts);
    sat_hash_begin(&hasher, "order-basket");
    for (size_t i = 0; i < n; i++) sat_hash_add_counted(&hasher, sat_span_text(texts[i]));
    struct sat_hash hash = sat_hash_end(&hasher);
    sat_hex_format(hash.b, sizeof hash.b, text);
    return sat_arena_format(arena, "%s %s", day, text);
}

/* {order: [lines]} */
static json_t *by_order(const json_t *rows)
{
    json_t *all = json_object(), *row;
    size_t index;
    json_array_foreach((json_t *)rows, index, row)
    {
        const char *order = client_book_text(row, "order");
        if (!json_object_get(all, order)) (void)json_object_set_new(all, order, json_array());
        (void)json_array_append(json_object_get(all, order), row);
    }
    return all;
}

static void add_to(json_t *baskets, const char *key, json_t *row)
{
    json_t *same = json_object_get(baskets, key);
    if (!*key) return;
    if (!same) {
        same = json_array();
        (void)json_object_set_new(baskets, key, same);
    }
    const json_t *last = json_array_get(same, json_array_size(same) - 1); /* an order may be in several territories */
    if (!last || !json_equal(json_object_get(last, "id"), json_object_get(row, "id")))
        (void)json_array_append(same, row);
}

/* The account's orders of the days that are asked about, but for cancelled ones, by day and basket. */
static enum sat_err read_account(struct satchel *satchel, const char *account, const json_t *days, json_t **out)
{
#define THEIRS                                                                                                         \
    " FROM \"order\" AS o WHERE o.account = ?1 AND o.ordered_on IN (SELECT key FROM json_each(?2)) AND"                \
    " (COALESCE(o.state, 'received') <> 'cancelled' OR o.state_disputed IS NOT NULL)"
    static const char orders[] = "SELECT DISTINCT o.id, o.no_local, o.ordered_on" THEIRS " ORDER BY o.id";
    static const char lines[] = "SELECT DISTINCT l.id, l.\"order\" AS \"order\", l.product, l.qty FROM order_line AS l"
                                " WHERE l.\"order\" IN (SELECT o.id" THEIRS ")";
#undef THEIRS
    struct sat_arena arena;
    json_t *rows = NULL, *all = NULL, *row;
    size_t index;
    char *text = client_json_text(json_incref((json_t *)days));
    const char *const values[] = {account, text};
    enum sat_err err = client_book_ask(satchel, orders, values, 2, &rows);
    if (!err) err = client_book_ask(satchel, lines, values, 2, &all);
    satchel_free(text);
    json_t *own = by_order(all);
    *out = json_object();
    sat_arena_init(&arena);
    json_array_foreach(rows, index, row)
    {
        const json_t *of = json_object_get(own, client_book_text(row, "id"));
        add_to(*out, basket(of, client_book_text(row, "ordered_on"), &arena), row);
    }
    sat_arena_deinit(&arena);
    json_decref(own);
    json_decref(rows);
    json_decref(all);
    return err;
}

static json_t *baskets_of(struct satchel *satchel, struct client_order_beside *beside, const char *account,
                          enum sat_err *err)
{
    const json_t *days = json_object_get(beside->days, account);
    json_t *baskets = json_object_get(beside->baskets, account);
    if (baskets || !days) return baskets;
    *err = read_account(satchel, account, days, &baskets);
    (void)json_object_set_new(beside->baskets, account, baskets);
    return baskets;
}

enum sat_err client_order_twins(struct satchel *satchel, struct client_order_beside *beside,
                                const struct client_order_twin_of *of, struct sat_arena *arena, json_t **out,
                                bool *more)
{
    enum sat_err err = SAT_OK;
    const json_t *baskets = baskets_of(satchel, beside, of->account, &err);
    const json_t *around = json_object_get(json_object_get(beside->days, of->account), of->day);
    *out = json_array();
    *more = false;
    for (size_t i = 0; i < json_array_size(around) && !err; i++) {
        const char *day = json_string_value(json_array_get(around, i));
        const json_t *same = day ? json_object_get(baskets, basket(of->lines, day, arena)) : NULL;
        for (size_t k = 0; k < json_array_size(same) && !*more; k++) {
            json_t *row = json_array_get(same, k);
            const char *id = client_book_text(row, "id");
            if (of->but && id && strcmp(id, of->but) == 0) continue;
            *more = json_array_size(*out) == CLIENT_ORDER_TOLD;
            if (!*more) (void)json_array_append(*out, row);
        }
    }
    return err;
}
