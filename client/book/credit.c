#include "client/book/credit.h"

#include <stdlib.h>
#include <string.h>

#include "client/book/money.h"
#include "client/currency.h"
#include "client/view/figures.h"
#include "common/base/check.h"

struct client_credit {
    json_t *limits;            /* {account: {"account": the one that stays, "credit_limit"}} */
    json_t *places;            /* {"account currency": where among the sums} */
    struct client_total *sums; /* what is owed and ordered */
    size_t n, cap;
};

void client_credit_free(struct client_credit *credit)
{
    if (!credit) return;
    json_decref(credit->limits);
    json_decref(credit->places);
    free(credit->sums);
    free(credit);
}

/* ---- Sums ---- */

/* The account has a limit: what is known of it and of the currency; NULL: nothing yet. */
static struct client_total *find_sum(const struct client_credit *credit, const char *account, const char *currency,
                                     struct sat_arena *arena)
{
    const char *stays = client_book_text(json_object_get(credit->limits, account), "account");
    if (!stays) return NULL;
    const json_t *place = json_object_get(credit->places, sat_arena_format(arena, "%s %s", stays, currency));
    return place ? &credit->sums[json_integer_value(place)] : NULL;
}

/* What has no amount or no currency adds nothing: it is flagged by itself. */
static void add(struct client_credit *credit, const char *account, const char *currency, int64_t amount,
                struct sat_arena *arena)
{
    const char *stays = account ? client_book_text(json_object_get(credit->limits, account), "account") : NULL;
    if (!stays || !currency) return;
    struct client_total *sum = find_sum(credit, account, currency, arena);
    if (!sum) {
        if (credit->n == credit->cap) {
            credit->cap = credit->cap ? credit->cap * 2 : 16;
            credit->sums = realloc(credit->sums, credit->cap * sizeof *credit->sums);
            sat_check_memory(credit->sums != NULL);
        }
        sum = &credit->sums[credit->n++];
        *sum = (struct client_total){0};
        (void)json_object_set_new(credit->places, sat_arena_format(arena, "%s %s", stays, currency),
                                  json_integer((json_int_t)credit->n - 1));
    }
    client_total_add(sum, amount);
}

/* ---- What is read ---- */

/* Of an account that lies in several territories the lowest limit: who may write another one lifts none. */
static enum sat_err read_limits(struct satchel *satchel, const char *account, struct client_credit *credit)
{
    static const char sql[] =
        "SELECT s.id AS id, s.account AS account, MIN(b.credit_limit) AS credit_limit FROM survivor AS s"
        " JOIN account AS b ON b.id = s.account WHERE b.credit_limit IS NOT NULL AND (?1 IS NULL OR"
        " s.account = (SELECT x.account FROM survivor AS x WHERE x.id = ?1)) GROUP BY s.id, s.account";
    json_t *rows, *row;
    size_t index;
    enum sat_err err = client_book_ask(satchel, sql, &account, 1, &rows);
    json_array_foreach(rows, index, row)(void) json_object_set(credit->limits, client_book_text(row, "id"), row);
    json_decref(rows);
    return err;
}

/* Wherever they lie, each of several of one id; what is taken back makes no room before it has come back. */
static enum sat_err read_orders(struct satchel *satchel, const char *account, struct sat_arena *arena,
                                struct client_credit *credit)
{
    static const char sql[] =
        "SELECT o.id AS id, o.account AS account, o.total AS total, COALESCE(o.currency, l.currency) AS currency"
        " FROM \"order\" AS o LEFT JOIN price_list AS l ON l.id = o.price_list WHERE o.submitted_at "
        "IS NOT"
        " NULL AND o.state_disputed IS NULL AND COALESCE(o.state, 'received') NOT IN ('delivered', 'cancelled', 'held')"
        " AND (?1 IS NULL OR o.account IN (SELECT id FROM survivor WHERE account = ?1)) GROUP BY o.id, o.territory";
    json_t *rows, *row;
    size_t index;
    enum sat_err err = client_book_ask(satchel, sql, &account, 1, &rows);
    json_array_foreach(rows, index, row)
    {
        int64_t total = client_book_integer(row, "total", 0);
        if (total > 0) add(credit, client_book_text(row, "account"), client_book_text(row, "currency"), total, arena);
    }
    json_decref(rows);
    return err;
}

/* Two territories have it, and say the same of it. */
static bool is_copy(const struct client_receivable *a, const struct client_receivable *b)
{
    return a->known && strcmp(a->id, b->id) == 0 && a->outstanding == b->outstanding &&
           json_equal(json_object_get(a->row, "currency"), json_object_get(b->row, "currency"));
}

enum sat_err client_credit_get(struct satchel *satchel, const char *account, struct sat_arena *arena,
                               struct client_credit **out)
{
    struct client_receivables owed = {0};
    struct client_credit *credit = *out = calloc(1, sizeof *credit);
    sat_check_memory(credit != NULL);
    credit->limits = json_object();
    credit->places = json_object();
    enum sat_err err = read_limits(satchel, account, credit);
    if (err || !json_object_size(credit->limits)) return err;
    if (account) account = client_book_text(json_object_get(credit->limits, account), "account");
    err = client_receivables_get(satchel, account, arena, &owed);
    for (size_t i = 0; i < owed.n; i++)
        if (owed.at[i].known && (i == 0 || !is_copy(&owed.at[i - 1], &owed.at[i])))
            add(credit, owed.at[i].account, owed.at[i].currency, owed.at[i].outstanding, arena);
    client_receivables_free(&owed);
    return err ? err : read_orders(satchel, account, arena, credit);
}

/* ---- The flag ---- */

/* Is it among what is ordered already? */
static bool is_counted(const struct client_order *order)
{
    return order->submitted_at && strcmp(client_order_state(order), "held") != 0;
}

void client_credit_flag(const struct client_credit *credit, const struct client_order *order, struct sat_arena *arena,
                        json_t *flags)
{
    const char *state = client_order_state(order);
    const json_t *limit = order->account ? json_object_get(credit->limits, order->account) : NULL;
    bool over = order->standing.state.disputed || strcmp(state, "delivered") == 0 || strcmp(state, "cancelled") == 0;
    int64_t sum = 0, most = client_book_integer(limit, "credit_limit", 0);
    if (!limit || over || !order->currency || !order->has_total || order->total <= 0) return;
    const struct client_total *known = find_sum(credit, order->account, order->currency, arena);
    struct client_total total = known ? *known : (struct client_total){0};
    if (!is_counted(order)) client_total_add(&total, order->total);
    bool fits = client_total_get(&total, &sum);
    if (fits ? sum <= most : total.high < 0) return;
    const char *text =
        sat_arena_format(arena, "%s is owed or ordered with this one, above the account's limit of %s",
                         fits ? client_money_shown(arena, sum, order->currency) : "more than an amount can be",
                         client_money_shown(arena, most, order->currency));
    (void)json_array_append_new(flags, json_pack("{s:s, s:s}", "flag", "credit_limit", "text", text));
}
