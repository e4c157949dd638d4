/* What is owed: how much of it is open, and how a delivery makes it. */
#include <stdio.h>
#include <string.h>

#include "client/book/money.h"
#include "client/book/trade.h"
#include "client/rows.h"
#include "client/view/figures.h"

/* ---- What is owed ---- */

#define MINE " (?1 IS NULL OR r.account = ?1 OR r.account IN (SELECT id FROM survivor WHERE account = ?1))"

static void add_up(struct client_receivables *out, const json_t *allocations)
{
    size_t index;
    json_t *row;
    for (size_t i = 0; i < out->n; i++) {
        struct client_receivable *it = &out->at[i];
        struct client_total total = {0};
        if (json_is_integer(json_object_get(it->row, "amount")))
            client_total_add(&total, client_book_integer(it->row, "amount", 0));
        else
            client_total_lose(&total);
        json_array_foreach((json_t *)json_object_get(allocations, it->id), index, row)
        {
            int64_t amount = json_integer_value(row);
            if (amount == INT64_MIN)
                client_total_lose(&total);
            else
                client_total_add(&total, -amount);
        }
        it->known = client_total_get(&total, &it->outstanding);
    }
}

/* The amounts that count, by receivable. */
static json_t *by_receivable(const json_t *rows)
{
    json_t *all = json_object(), *row;
    size_t index;
    json_array_foreach((json_t *)rows, index, row)
    {
        const char *of = client_book_text(row, "receivable");
        if (!json_object_get(all, of)) (void)json_object_set_new(all, of, json_array());
        (void)json_array_append(json_object_get(all, of), json_object_get(row, "amount"));
    }
    return all;
}

enum sat_err client_receivables_get(struct satchel *satchel, const char *account, struct sat_arena *arena,
                                    struct client_receivables *out)
{
    static const char owed[] =
        "SELECT r.id AS id, r.account AS account, b.name AS account_name, b.owner AS owner, r.amount AS amount,"
        " r.currency AS currency, r.due AS due, r.\"order\" AS \"order\", o.no_local AS no_local, MIN(r.territory) FROM"
        " receivable AS r JOIN owed_once AS n ON n.receivable = r.id AND n.counts = r.id LEFT JOIN account AS b ON "
        "b.id ="
        " r.account LEFT JOIN \"order\" AS o ON o.id = r.\"order\" WHERE" MINE
        " GROUP BY r.id ORDER BY r.due IS NULL, r.due, r.id";
    static const char paid[] = "SELECT a.receivable AS receivable, a.amount AS amount FROM allocated AS a WHERE"
                               " a.standing = 'counts' AND a.amount IS NOT NULL AND a.receivable IN (SELECT r.id FROM"
                               " receivable AS r WHERE" MINE ")";
    json_t *allocations = NULL;
    *out = (struct client_receivables){0};
    enum sat_err err = client_book_ask(satchel, owed, &account, 1, &out->rows);
    if (!err) err = client_book_ask(satchel, paid, &account, 1, &allocations);
    if (err) return err;
    out->n = json_array_size(out->rows);
    out->at = sat_arena_array(arena, out->n, sizeof *out->at);
    for (size_t i = 0; i < out->n; i++) {
        const json_t *row = json_array_get(out->rows, i);
        out->at[i] = (struct client_receivable){.row = row,
                                                .id = client_book_text(row, "id"),
                                                .account = client_book_text(row, "account"),
                                                .currency = client_book_text(row, "currency"),
                                                .due = client_book_text(row, "due")};
    }
    json_t *counted = by_receivable(allocations);
    add_up(out, counted);
    json_decref(counted);
    json_decref(allocations);
    return SAT_OK;
}

void client_receivables_free(struct client_receivables *receivables)
{
    json_decref(receivables->rows);
    receivables->rows = NULL;
}

/* ---- What a delivery makes owed ---- */

enum { TERMS_DAYS = 30, TERMS_DAYS_MAX = 3650 };

static enum sat_err due_day(struct satchel *satchel, struct sat_arena *arena, char out[CLIENT_BOOK_DAY_SIZE])
{
    int64_t days;
    enum sat_err err = client_trade_policy(satchel, "order.terms", "days", TERMS_DAYS, arena, &days);
    if (days < 0 || days > TERMS_DAYS_MAX) days = TERMS_DAYS;
    client_book_day_of(client_now_ms() + (uint64_t)days * 86400000, out);
    return err;
}

/* Has somebody said already what is owed for the order? */
static enum sat_err is_put_by_hand(struct satchel *satchel, const char *order, bool *out)
{
    json_t *row = NULL;
    enum sat_err err = client_book_ask_one(satchel, "SELECT id FROM receivable WHERE \"order\" = ?1", &order, 1, &row);
    *out = row != NULL;
    json_decref(row);
    return err;
}

enum sat_err client_receivable_of(struct satchel_tx *tx, const struct client_order *order, struct sat_arena *arena)
{
    char id[SATCHEL_ID_SIZE], due[CLIENT_BOOK_DAY_SIZE], now[CLIENT_TIME_TEXT_SIZE];
    bool here = false, by_hand = false;
    if (!order->account || !order->currency || !order->has_total || order->total <= 0) return SAT_OK;
    enum sat_err err = client_trade_following(tx->satchel, order->id, "receivable", 1, id);
    if (!err) err = client_trade_is_here(tx->satchel, id, &here);
    if (!err) err = is_put_by_hand(tx->satchel, order->id, &by_hand);
    if (!err) err = due_day(tx->satchel, arena, due);
    if (err || here || by_hand) return err;
    client_book_now(now);
    json_t *fields = json_object();
    client_book_set(fields, "account", order->account);
    client_book_set(fields, "order", order->id);
    (void)json_object_set_new(fields, "seq", json_integer(1));
    (void)json_object_set_new(fields, "amount", json_integer(order->total));
    client_book_set(fields, "currency", order->currency);
    client_book_set(fields, "due", due);
    client_book_set(fields, "submitted_at", now);
    return client_book_put(tx, "receivable", id, fields, NULL);
}
