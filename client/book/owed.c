/* What is owed: how much of it is open, and how a delivery makes it. */
#include <stdio.h>
#include <string.h>

#include "client/book/ledger.h"
#include "client/book/money.h"
#include "client/book/trade.h"
#include "client/currency.h"
#include "client/rows.h"
#include "client/view/figures.h"

/* ---- What is owed ---- */

/* By receivable and territory: each one's rows are its own. */
static const char *key_of(const json_t *row, const char *id, struct sat_arena *arena)
{
    const char *territory = client_book_text(row, "territory"), *of = client_book_text(row, id);
    return sat_arena_format(arena, "%s %s", of ? of : "", territory ? territory : "");
}

static void add_up(struct client_receivables *out, const json_t *allocations, struct sat_arena *arena)
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
        json_array_foreach((json_t *)json_object_get(allocations, key_of(it->row, "id", arena)), index, row)
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
static json_t *by_receivable(const json_t *rows, struct sat_arena *arena)
{
    json_t *all = json_object(), *row;
    size_t index;
    json_array_foreach((json_t *)rows, index, row)
    {
        const char *of = key_of(row, "receivable", arena);
        if (!json_object_get(all, of)) (void)json_object_set_new(all, of, json_array());
        (void)json_array_append(json_object_get(all, of), json_object_get(row, "amount"));
    }
    return all;
}

/* Of all that are here, and of one account's family. */
#define OWED                                                                                                           \
    "SELECT r.id AS id, r.territory AS territory, r.account AS account, b.name AS account_name, b.owner AS owner,"     \
    " r.amount AS amount, r.currency AS currency, r.due AS due, r.\"order\" AS \"order\", o.no_local AS no_local FROM" \
    " receivable AS r JOIN owed_once AS n ON n.receivable = r.id AND n.territory = r.territory AND n.counts = r.id"    \
    " LEFT JOIN account AS b ON b.id = r.account AND b.territory = r.territory LEFT JOIN \"order\" AS o ON o.id ="     \
    " r.\"order\" AND o.territory = r.territory"
#define OLDEST_FIRST " ORDER BY r.due IS NULL, r.due, r.id, r.territory"
#define PAID                                                                                                           \
    "SELECT receivable, territory, amount FROM allocated WHERE standing = 'counts' AND amount IS NOT NULL AND"         \
    " receivable IS NOT NULL"
#define OF_FAMILY " WHERE r.account = ?4 OR r.account IN (SELECT id FROM survivor WHERE account = ?4)"

enum sat_err client_receivables_get(struct satchel *satchel, const char *account, struct sat_arena *arena,
                                    struct client_receivables *out)
{
    static const char of_all[] = OWED OLDEST_FIRST, paid_of_all[] = PAID;
    static const char of_one[] = CLIENT_LEDGER OWED OF_FAMILY OLDEST_FIRST, paid_of_one[] = CLIENT_LEDGER PAID;
    struct client_ledger ledger = {{NULL}};
    json_t *allocations = NULL;
    *out = (struct client_receivables){0};
    enum sat_err err = account ? client_ledger_get(satchel, account, NULL, NULL, arena, &ledger) : SAT_OK;
    const char *const values[] = {ledger.lists[0], ledger.lists[1], ledger.lists[2], account};
    size_t n = account ? sizeof values / sizeof values[0] : 0;
    if (!err) err = client_book_ask(satchel, account ? of_one : of_all, values, n, &out->rows);
    if (!err) err = client_book_ask(satchel, account ? paid_of_one : paid_of_all, values, n ? n - 1 : 0, &allocations);
    if (err) return err;
    out->n = json_array_size(out->rows);
    out->at = sat_arena_array(arena, out->n, sizeof *out->at);
    for (size_t i = 0; i < out->n; i++) {
        const json_t *row = json_array_get(out->rows, i);
        out->at[i] = (struct client_receivable){.row = row,
                                                .id = client_book_text(row, "id"),
                                                .territory = client_book_text(row, "territory"),
                                                .account = client_book_text(row, "account"),
                                                .currency = client_book_text(row, "currency"),
                                                .due = client_book_text(row, "due")};
    }
    json_t *counted = by_receivable(allocations, arena);
    add_up(out, counted, arena);
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

/* What is owed for an order, of ?2, where it is said: an amount in its currency. Else whatever there is. Beside it
 * alone: who may write another territory says nothing of it. */
#define OF_ORDER                                                                                                       \
    " FROM receivable WHERE \"order\" = ?1 AND territory = ?3 AND elsewhere IS NOT 1 AND (?2 IS NULL OR (currency = "  \
    "?2"                                                                                                               \
    " AND amount IS NOT NULL))"

static enum sat_err ask_owed(struct satchel *satchel, const struct client_order *order, const char *sql, json_t **rows)
{
    const char *const values[] = {order->id, order->has_total ? order->currency : NULL, order->territory};
    return client_book_ask(satchel, sql, values, 3, rows);
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
        " (SELECT COALESCE(u.line_manager, a.owner) FROM account AS a LEFT JOIN \"user\" AS u ON u.id = a.owner WHERE"
        " a.id = ?1 ORDER BY a.territory = ?2 DESC, a.territory LIMIT 1)) AS person";
    const char *const values[] = {order->account, order->territory};
    json_t *row = NULL;
    enum sat_err err = client_book_ask_one(satchel, sql, values, 2, &row);
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
    if (!err) err = client_trade_is_in(tx->satchel, order->territory, id, &here);
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
    err = client_book_put_in(tx, order->territory, "task", id, fields);
    return sat_err_is_local(err) ? err : SAT_OK;
}

/* It is noted: nobody has to any more. */
static enum sat_err end_noting(struct satchel_tx *tx, const struct client_order *order)
{
    char id[SATCHEL_ID_SIZE];
    bool here = false;
    enum sat_err err = client_trade_following(tx->satchel, order->id, "not owed", 0, id);
    if (!err) err = client_trade_is_in(tx->satchel, order->territory, id, &here);
    if (err || !here) return err;
    err = client_tx_enter(tx, order->territory, id);
    if (!err) err = (enum sat_err)satchel_step(tx, "task", id, "done", NULL, NULL);
    return sat_err_is_local(err) ? err : SAT_OK;
}

enum sat_err client_receivable_of(struct satchel_tx *tx, const struct client_order *order, struct sat_arena *arena)
{
    char id[SATCHEL_ID_SIZE], due[CLIENT_BOOK_DAY_SIZE], now[CLIENT_TIME_TEXT_SIZE];
    bool here = false, by_hand = false;
    enum sat_err err = client_trade_following(tx->satchel, order->id, "receivable", 1, id);
    if (!err) err = client_trade_is_in(tx->satchel, order->territory, id, &here);
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
    err = client_book_put_in(tx, order->territory, "receivable", id, fields);
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

/* Is the one here that its delivery makes? Archived, too, as somebody meant that. */
static enum sat_err find_made(struct satchel *satchel, const struct client_order *order, bool *own)
{
    char made[SATCHEL_ID_SIZE];
    enum sat_err err = client_trade_following(satchel, order->id, "receivable", 1, made);
    return err ? err : client_trade_is_in(satchel, order->territory, made, own);
}

static void add_flag(json_t *flags, const char *name, const char *text)
{
    (void)json_array_append_new(flags, json_pack("{s:s, s:s}", "flag", name, "text", text));
}

enum sat_err client_order_owed(struct satchel *satchel, const struct client_order *order, struct sat_arena *arena,
                               json_t *flags)
{
    static const char sql[] = "SELECT id, amount, substr(id, 15, 1) = '8' AS made" OF_ORDER;
    json_t *rows = NULL;
    bool known = false, own = false;
    int64_t sum = 0;
    if (!was_delivered(&order->standing) || (order->has_total && order->total <= 0)) return SAT_OK;
    enum sat_err err = ask_owed(satchel, order, sql, &rows);
    if (!err) err = find_made(satchel, order, &own);
    size_t n = err ? 0 : sum_up(rows, &known, &sum);
    json_decref(rows);
    if (err || (!n && own)) return err;
    if (!n) /* what is to be typed has the id: the number is what its writer chose to call it */
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
