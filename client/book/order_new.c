/* A new order: its list, its prices, its number. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "client/book/order.h"
#include "client/book/trade.h"
#include "client/locate.h"
#include "client/view/figures.h"
#include "common/base/utf8.h"

enum { LINES_MAX = 1000 };
#define COUNT_KEY "order_number"

/* ---- Its number ---- */

/* Which of a person's devices this is, counted from A by the order in which they joined. That never changes. */
static const char *device_letter(struct satchel *satchel, struct sat_arena *arena)
{
    uint32_t place = 0, own = client_device(satchel), user = client_user(satchel);
    for (uint32_t number = 1; number < own; number++) {
        const struct sat_device *device = sat_directory_device(&satchel->directory, number);
        if (device && device->user == user) place++;
    }
    const char *letters = sat_arena_format(arena, "%c", (char)('A' + place % 26));
    while ((place /= 26)) letters = sat_arena_format(arena, "%c%s", (char)('A' + --place % 26), letters);
    return letters;
}

/* Was that number given by this device's person, whatever the field says whose it is? */
static enum sat_err is_own(struct satchel *satchel, const char *id, struct sat_arena *arena, bool *own)
{
    const struct sat_type *type;
    struct client_place place;
    struct sat_record_view view;
    enum sat_err err = client_locate_named(satchel, "order", id, arena, &type, &place, &view);
    const struct sat_merged *cell =
        err ? NULL : sat_merged_cell(&view.merged, sat_field_by_name(type, "no_local")->number, (struct sat_span){0});
    *own = cell && cell->source && client_source_user(satchel, cell->source) == client_user(satchel);
    return err;
}

/* The highest count among the numbers of this device that are here and above `kept`: of those that its person gave, as
 * anybody can write any number. As a rule there is none. */
static enum sat_err highest_here(struct satchel *satchel, const char *prefix, uint64_t kept, struct sat_arena *arena,
                                 uint64_t *out)
{
    static const char sql[] =
        "SELECT id, n FROM (SELECT id, CAST(substr(no_local, length(?1) + 8) AS INTEGER) AS n FROM (SELECT id, no_local"
        " FROM \"order\" UNION ALL SELECT id, no_local FROM archived.\"order\") WHERE substr(no_local, 1, length(?1)) ="
        " ?1) WHERE n > CAST(?2 AS INTEGER) ORDER BY n DESC LIMIT 100";
    const char *const values[] = {prefix, sat_arena_format(arena, "%" PRIu64, kept)};
    json_t *rows, *row;
    size_t index;
    *out = 0;
    enum sat_err err = client_book_ask(satchel, sql, values, 2, &rows);
    json_array_foreach(rows, index, row)
    {
        bool own = false;
        if (!err && !*out) err = is_own(satchel, client_book_text(row, "id"), arena, &own);
        if (!err && own) *out = (uint64_t)client_book_integer(row, "n", 0);
    }
    json_decref(rows);
    return err;
}

enum sat_err client_order_number(struct satchel *satchel, const char *day, struct sat_arena *arena, const char **number,
                                 uint64_t *count)
{
    uint64_t kept = 0, here = 0;
    const char *prefix =
        sat_arena_format(arena, "R%03" PRIu32 "%s-", client_user(satchel), device_letter(satchel, arena));
    enum sat_err err = sat_store_meta_get_u64(satchel->store, COUNT_KEY, 0, &kept);
    if (!err) err = highest_here(satchel, prefix, kept, arena, &here);
    *count = (kept > here ? kept : here) + 1;
    *number = sat_arena_format(arena, "%s%.2s%.2s%.2s-%03" PRIu64, prefix, day + 2, day + 5, day + 8, *count);
    return err;
}

enum sat_err client_order_counted(struct satchel *satchel, uint64_t count)
{
    return sat_store_meta_put_u64(satchel->store, COUNT_KEY, count);
}

/* ---- What is wished ---- */

struct ordering {
    struct satchel *satchel;
    struct sat_arena *arena;
    const json_t *wish;
    char account[SATCHEL_ID_SIZE], visit[SATCHEL_ID_SIZE], day[CLIENT_BOOK_DAY_SIZE];
    struct client_total total;
    json_t *list, *lines; /* rows of product, sku, qty, unit_price, discount_bp */
};

static enum sat_err find_visit(struct ordering *it)
{
    static const char sql[] = "SELECT account FROM visit WHERE id = ?1";
    const char *named = client_book_text(it->wish, "visit"), *value = it->visit;
    json_t *row = NULL;
    if (!named) return SAT_OK;
    enum sat_err err = client_book_find(it->satchel, "visit", named, it->visit);
    if (!err) err = client_book_ask_one(it->satchel, sql, &value, 1, &row);
    const char *account = client_book_text(row, "account");
    if (!err && !row) err = sat_fail(&it->satchel->fault, SAT_ERR_NOT_FOUND, "there is no visit %s here", it->visit);
    if (!err && account && strcmp(account, it->account) != 0)
        err = sat_fail(&it->satchel->fault, SAT_ERR_INVALID, "visit %s is one of account %s, not of %s", it->visit,
                       account, it->account);
    json_decref(row);
    return err;
}

static enum sat_err find_list(struct ordering *it)
{
    struct client_list_wish wish = {.named = client_book_text(it->wish, "price_list"),
                                    .currency = client_book_text(it->wish, "currency"),
                                    .account = it->account,
                                    .day = it->day};
    return client_list_choose(it->satchel, &wish, it->arena, &it->list);
}

static enum sat_err find_product(struct ordering *it, const char *sku, json_t **out)
{
    static const char sql[] = "SELECT id, COALESCE(sku, name) AS sku FROM product WHERE id = ?1";
    char id[SATCHEL_ID_SIZE];
    const char *value = id;
    enum sat_err err = client_book_find(it->satchel, "product", sku, id);
    if (!err) err = client_book_ask_one(it->satchel, sql, &value, 1, out);
    if ((!err && !*out) || err == SAT_ERR_NOT_FOUND)
        return sat_fail(&it->satchel->fault, SAT_ERR_NOT_FOUND, "there is no product of sku \"%s\" here",
                        sku ? sat_utf8_beginning(it->arena, sku, 60) : "");
    return err;
}

static enum sat_err check_line(const struct ordering *it, const char *sku, int64_t qty, int64_t discount)
{
    const char *shown = sku ? sat_utf8_beginning(it->arena, sku, 60) : "";
    if (qty < 1) return sat_fail(&it->satchel->fault, SAT_ERR_INVALID, "%s: a quantity is a number from 1 on", shown);
    if (discount < 0 || discount > 10000)
        return sat_fail(&it->satchel->fault, SAT_ERR_INVALID, "%s: a discount is from 0 to 10000 basis points", shown);
    return SAT_OK;
}

static enum sat_err price_line(struct ordering *it, const json_t *wished)
{
    const char *sku = client_book_text(wished, "sku"), *list = client_book_text(it->list, "id");
    int64_t qty = client_book_integer(wished, "qty", 0), price = 0, amount;
    int64_t discount = client_book_integer(wished, "discount_bp", client_book_integer(it->wish, "discount_bp", 0));
    bool there = false;
    json_t *product = NULL;
    enum sat_err err = client_trade_check(it->satchel, wished, "sku:t qty:i discount_bp:i");
    if (!err) err = check_line(it, sku, qty, discount);
    if (!err) err = find_product(it, sku, &product);
    if (!err) err = client_list_price(it->satchel, list, client_book_text(product, "id"), qty, &there, &price);
    if (!err && !there)
        err = sat_fail(&it->satchel->fault, SAT_ERR_INVALID,
                       "price list %s has no price for %" PRId64 " of %s (price_list %s, product %s)",
                       client_list_told(it->list, it->arena), qty, sat_utf8_beginning(it->arena, sku, 60), list,
                       client_book_text(product, "id"));
    if (!err && client_line_amount(qty, price, discount, &amount))
        client_total_add(&it->total, amount);
    else
        client_total_lose(&it->total);
    if (!err)
        (void)json_array_append_new(it->lines,
                                    json_pack("{s:O, s:O, s:I, s:I, s:I}", "product", json_object_get(product, "id"),
                                              "sku", json_object_get(product, "sku"), "qty", (json_int_t)qty,
                                              "unit_price", (json_int_t)price, "discount_bp", (json_int_t)discount));
    json_decref(product);
    return err;
}

static enum sat_err price_lines(struct ordering *it)
{
    const json_t *wished = json_object_get(it->wish, "lines");
    size_t index, n = json_array_size(wished);
    int64_t total;
    json_t *one;
    enum sat_err err = SAT_OK;
    if (n == 0 || n > LINES_MAX)
        return sat_fail(&it->satchel->fault, SAT_ERR_INVALID, "an order has from 1 to %d lines, not %zu", LINES_MAX, n);
    json_array_foreach((json_t *)wished, index, one)
    {
        if (!err) err = price_line(it, one);
    }
    if (!err && !client_total_get(&it->total, &total))
        err = sat_fail(&it->satchel->fault, SAT_ERR_INVALID, "the order's total is more than an amount can be");
    return err;
}

/* What looks like the same order once more is stored when somebody says that it is another one. */
static enum sat_err look_for_twins(struct ordering *it)
{
    json_t *twins = NULL;
    bool more;
    struct client_order_beside beside;
    const struct client_order_twin_of of = {it->account, it->day, NULL, it->lines};
    if (json_is_true(json_object_get(it->wish, "anyway"))) return SAT_OK;
    enum sat_err err = client_order_beside_one(it->satchel, it->account, it->day, NULL, &beside);
    if (!err) err = client_order_twins(it->satchel, &beside, &of, it->arena, &twins, &more);
    const json_t *first = json_array_get(twins, 0);
    if (!err && first)
        err = sat_fail(&it->satchel->fault, SAT_ERR_EXISTS,
                       "order %s of %s has the same account and lines, and nothing was stored; if this is another one:"
                       " --anyway (order %s)",
                       client_order_called(first, it->arena), client_book_text(first, "ordered_on"),
                       client_book_text(first, "id"));
    json_decref(twins);
    client_order_beside_free(&beside);
    return err;
}

/* ---- Storing ---- */

static enum sat_err put_lines(struct satchel_tx *tx, const struct ordering *it, const char *order)
{
    size_t index;
    json_t *line;
    enum sat_err err = SAT_OK;
    json_array_foreach(it->lines, index, line)
    {
        json_t *fields = json_deep_copy(line);
        client_book_set(fields, "order", order);
        if (client_book_integer(line, "discount_bp", 0) == 0) (void)json_object_del(fields, "discount_bp");
        if (!err)
            err = client_book_put(tx, "order_line", NULL, fields, NULL);
        else
            json_decref(fields);
    }
    return err;
}

static enum sat_err store(struct ordering *it, char order[SATCHEL_ID_SIZE])
{
    struct satchel_tx *tx;
    const char *number;
    uint64_t count;
    enum sat_err err = client_order_number(it->satchel, it->day, it->arena, &number, &count);
    if (!err) err = (enum sat_err)satchel_begin(it->satchel, &tx);
    if (err) return err;
    json_t *fields = json_object();
    client_book_set(fields, "account", it->account);
    client_book_set(fields, "no_local", number);
    client_book_set(fields, "ordered_on", it->day);
    client_book_set(fields, "price_list", client_book_text(it->list, "id"));
    client_book_set(fields, "currency", client_book_text(it->list, "currency"));
    if (it->visit[0]) client_book_set(fields, "visit", it->visit);
    client_book_set(fields, "requested_date", client_book_text(it->wish, "requested_date"));
    client_book_set(fields, "note", client_book_text(it->wish, "note"));
    err = client_book_put(tx, "order", NULL, fields, order);
    if (!err) err = put_lines(tx, it, order);
    err = client_book_end(tx, err);
    return err ? err : client_order_counted(it->satchel, count);
}

static enum sat_err make(struct ordering *it, json_t **out)
{
    char id[SATCHEL_ID_SIZE];
    const char *called;
    struct client_order order = {0};
    enum sat_err err = client_trade_day(it->satchel, client_book_text(it->wish, "date"), false, it->day);
    if (!err)
        err = client_trade_account(it->satchel, client_book_text(it->wish, "account"), it->arena, it->account, &called);
    if (!err) err = find_visit(it);
    if (!err) err = find_list(it);
    if (!err) err = price_lines(it);
    if (!err) err = look_for_twins(it);
    if (!err) err = store(it, id);
    if (!err) err = client_order_load(it->satchel, id, it->arena, &order);
    if (!err) err = client_order_tell(it->satchel, &order, it->arena, out);
    client_order_free(&order);
    return err;
}

int satchel_order_new(struct satchel *satchel, const char *wish, char **json)
{
    struct sat_arena arena;
    json_t *read, *told = NULL;
    *json = NULL;
    client_begin(satchel);
    enum sat_err err = client_trade_read(satchel, wish,
                                         "account:t lines:l price_list:t currency:t discount_bp:i visit:t date:t"
                                         " requested_date:t note:t anyway:b",
                                         &read);
    sat_arena_init(&arena);
    struct ordering it = {.satchel = satchel, .arena = &arena, .wish = read, .lines = json_array()};
    if (!err) err = make(&it, &told);
    if (told) *json = client_json_text(told);
    json_decref(it.lines);
    json_decref(it.list);
    json_decref(read);
    sat_arena_deinit(&arena);
    return client_end(satchel, err);
}
