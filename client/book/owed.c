/* What is owed: how much of it is open, and how a delivery makes it. */
#include <stdio.h>
#include <string.h>

#include "client/book/money.h"
#include "client/book/trade.h"
#include "client/currency.h"
#include "client/locate.h"
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

/* What is owed for an order, of ?2, where it is said: an amount in its currency. Else whatever there is. */
#define OF_ORDER " FROM receivable WHERE \"order\" = ?1 AND (?2 IS NULL OR (currency = ?2 AND amount IS NOT NULL))"

static enum sat_err ask_owed(struct satchel *satchel, const struct client_order *order, const char *sql, json_t **rows)
{
    const char *const values[] = {order->id, order->has_total ? order->currency : NULL};
    return client_book_ask(satchel, sql, values, 2, rows);
}

/* Has somebody said already what is owed for the order? */
static enum sat_err is_put_by_hand(struct satchel *satchel, const struct client_order *order, bool *out)
{
    json_t *rows = NULL;
    enum sat_err err = ask_owed(satchel, order, "SELECT id" OF_ORDER " LIMIT 1", &rows);
    *out = json_array_size(rows) > 0;
    json_decref(rows);
    return err;
}

/* Who sees the prices is to note it: finance, else who leads the account's owner, else the owner. */
static enum sat_err find_noter(struct satchel *satchel, const struct client_order *order, char out[SATCHEL_ID_SIZE])
{
    static const char sql[] =
        "SELECT COALESCE((SELECT MIN(f.id) FROM \"user\" AS f, json_each(f.roles) AS r WHERE r.value = 'finance'),"
        " (SELECT COALESCE(u.line_manager, a.owner) FROM account AS a LEFT JOIN \"user\" AS u ON u.id = a.owner WHERE "
        "a.id"
        " = ?1 ORDER BY a.territory LIMIT 1)) AS person";
    json_t *row = NULL;
    enum sat_err err = client_book_ask_one(satchel, sql, &order->account, 1, &row);
    const char *person = client_book_text(row, "person");
    (void)snprintf(out, SATCHEL_ID_SIZE, "%s", person ? person : "");
    json_decref(row);
    return err;
}

/* What is owed cannot be told here, where a price is masked or missing: then it is a task, one for each order. That it
 * cannot be written refuses no delivery: the order is flagged all the same. */
static enum sat_err put_noting(struct satchel_tx *tx, const struct client_order *order, struct sat_arena *arena)
{
    char id[SATCHEL_ID_SIZE], person[SATCHEL_ID_SIZE], today[CLIENT_BOOK_DAY_SIZE];
    bool here = false;
    const char *called = client_order_called(order->row, arena);
    enum sat_err err = client_trade_following(tx->satchel, order->id, "not owed", 0, id);
    if (!err) err = client_trade_is_here(tx->satchel, id, &here);
    if (!err) err = find_noter(tx->satchel, order, person);
    if (err || here) return err;
    client_book_today(today);
    json_t *fields = json_object();
    client_book_set(fields, "title",
                    sat_arena_format(arena, "Note what is owed for order %s: satchel order status %s delivered", called,
                                     order->id));
    client_book_set(fields, "account", order->account);
    client_book_set(fields, "origin", order->id);
    client_book_set(fields, "due", order->day ? order->day : today);
    client_book_set(fields, "owner", person);
    err = client_book_put(tx, "task", id, fields, NULL);
    return sat_err_is_local(err) ? err : SAT_OK;
}

/* It is noted: nobody has to any more. */
static enum sat_err end_noting(struct satchel_tx *tx, const struct client_order *order)
{
    char id[SATCHEL_ID_SIZE];
    bool here = false;
    enum sat_err err = client_trade_following(tx->satchel, order->id, "not owed", 0, id);
    if (!err) err = client_trade_is_here(tx->satchel, id, &here);
    if (err || !here) return err;
    err = (enum sat_err)satchel_step(tx, "task", id, "done", NULL, NULL);
    return sat_err_is_local(err) ? err : SAT_OK;
}

enum sat_err client_receivable_of(struct satchel_tx *tx, const struct client_order *order, struct sat_arena *arena)
{
    char id[SATCHEL_ID_SIZE], due[CLIENT_BOOK_DAY_SIZE], now[CLIENT_TIME_TEXT_SIZE];
    bool here = false, by_hand = false;
    enum sat_err err = client_trade_following(tx->satchel, order->id, "receivable", 1, id);
    if (!err) err = client_trade_is_here(tx->satchel, id, &here);
    if (!err) err = is_put_by_hand(tx->satchel, order, &by_hand);
    if (!err) err = due_day(tx->satchel, arena, due);
    if (err) return err;
    if (here || by_hand) return end_noting(tx, order);
    if (!order->account || !order->currency || !order->has_total) return put_noting(tx, order, arena);
    if (order->total <= 0) return SAT_OK;
    client_book_now(now);
    json_t *fields = json_object();
    client_book_set(fields, "account", order->account);
    client_book_set(fields, "order", order->id);
    (void)json_object_set_new(fields, "seq", json_integer(1));
    (void)json_object_set_new(fields, "amount", json_integer(order->total));
    client_book_set(fields, "currency", order->currency);
    client_book_set(fields, "due", due);
    client_book_set(fields, "submitted_at", now);
    err = client_book_put(tx, "receivable", id, fields, NULL);
    return err ? err : end_noting(tx, order);
}

/* ---- Is it owed as it was delivered? ---- */

/* By a step that counts: what an import says was delivered somewhere else made nothing owed here. */
static bool was_delivered(const struct client_standing *standing)
{
    uint8_t delivered = sat_machine_state(standing->machine, sat_span_text("delivered"));
    if (standing->state.disputed || standing->state.state != delivered) return false;
    for (uint32_t i = 0; i < standing->steps_n; i++)
        if (standing->came_to[i] == SAT_STEP_LAST && standing->steps[i].to == delivered) return true;
    return false;
}

/* What counts of the rows (owed_once of the view says the same of all): how many, and their sum. */
static size_t sum_up(const json_t *rows, bool *known, int64_t *sum)
{
    struct client_total total = {0};
    json_t *row;
    size_t index, n = 0;
    bool by_hand = false;
    json_array_foreach((json_t *)rows, index, row) by_hand = by_hand || client_book_integer(row, "made", 0) == 0;
    json_array_foreach((json_t *)rows, index, row)
    {
        if (by_hand && client_book_integer(row, "made", 0) == 1) continue;
        client_total_add(&total, client_book_integer(row, "amount", 0));
        n++;
    }
    *known = client_total_get(&total, sum);
    return n;
}

/* The one that its delivery makes: in the order's own territory, archived, too, as somebody meant that; or only
 * elsewhere, where nobody can have meant it. */
static enum sat_err find_made(struct satchel *satchel, const struct client_order *order, struct sat_arena *arena,
                              bool *own, bool *elsewhere)
{
    char made[SATCHEL_ID_SIZE];
    bool here = false;
    struct sat_record_id id;
    struct sat_record_view view = {0};
    enum sat_err err = client_trade_following(satchel, order->id, "receivable", 1, made);
    if (!err) err = client_parse_id(satchel, made, &id);
    if (!err) err = client_locate_in(satchel, order->territory, &id, arena, &view);
    if (!err) err = client_trade_is_here(satchel, made, &here);
    *own = view.live_n > 0;
    *elsewhere = here && !*own;
    return err;
}

static void add_flag(json_t *flags, const char *name, const char *text)
{
    (void)json_array_append_new(flags, json_pack("{s:s, s:s}", "flag", name, "text", text));
}

enum sat_err client_order_owed(struct satchel *satchel, const struct client_order *order, struct sat_arena *arena,
                               json_t *flags)
{
    static const char sql[] =
        "SELECT id, amount, substr(id, 15, 1) = '8' AS made, MIN(territory)" OF_ORDER " GROUP BY id";
    json_t *rows = NULL;
    bool known = false, own = false, elsewhere = false;
    int64_t sum = 0;
    if (!was_delivered(&order->standing) || (order->has_total && order->total <= 0)) return SAT_OK;
    enum sat_err err = ask_owed(satchel, order, sql, &rows);
    if (!err) err = find_made(satchel, order, arena, &own, &elsewhere);
    size_t n = err ? 0 : sum_up(rows, &known, &sum);
    json_decref(rows);
    if (err || (!n && own)) return err;
    if (!n && elsewhere)
        add_flag(flags, "not_owed",
                 "it is delivered, and nothing says what is owed for it, but a record of another territory: put by hand"
                 " what is owed");
    else if (!n) /* what is to be typed has the id: the number is what its writer chose to call it */
        add_flag(flags, "not_owed",
                 sat_arena_format(arena,
                                  "it is delivered, and nothing says what is owed for it%s: satchel order status %s"
                                  " delivered, said%s, notes it",
                                  order->has_total ? "" : ", as a price is missing or not shown here", order->id,
                                  order->has_total ? " again" : " by who is shown its prices"));
    else if (known && order->has_total && sum != order->total)
        add_flag(flags, "owed",
                 sat_arena_format(arena, "%s is owed for it in %zu receivable%s, and it comes to %s",
                                  client_money_shown(arena, sum, order->currency), n, n == 1 ? "" : "s",
                                  client_money_shown(arena, order->total, order->currency)));
    return SAT_OK;
}
