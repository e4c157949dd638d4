/* What of an order is to be looked at. Nothing that came by a sync is refused for it: it is said here. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "client/book/approval.h"
#include "client/book/trade.h"
#include "client/currency.h"
#include "client/view/figures.h"
#include "common/base/utf8.h"

struct looking {
    struct satchel *satchel;
    const struct client_order *order;
    const json_t *numbers;
    struct sat_arena *arena;
    json_t *flags;
};

static void flag(const struct looking *at, const char *name, const char *text)
{
    (void)json_array_append_new(at->flags, json_pack("{s:s, s:s}", "flag", name, "text", text));
}

static const char *shown(const struct looking *at, const char *text)
{
    return sat_utf8_beginning(at->arena, text ? text : "?", 40);
}

/* ---- Prices ---- */

/* What the lines would cost by another list, less what they do; *without: lines that have no price there. */
static enum sat_err compare(const struct looking *at, const char *list, bool *fits, int64_t *difference,
                            size_t *without)
{
    struct client_total total = {0};
    enum sat_err err = SAT_OK;
    *without = 0;
    for (size_t i = 0; i < at->order->lines_n && !err; i++) {
        const struct client_order_line *line = &at->order->lines[i];
        bool there = false;
        int64_t price, amount, less;
        if (!line->whole || !line->product) continue;
        err = client_list_price(at->satchel, list, line->product, line->qty, &there, &price);
        if (!there) {
            (*without)++;
            continue;
        }
        bool good = line->fits && client_line_amount(line->qty, price, line->discount_bp, &amount);
        if (good && !__builtin_sub_overflow(amount, line->amount, &less))
            client_total_add(&total, less);
        else
            client_total_lose(&total);
    }
    *fits = client_total_get(&total, difference);
    return err;
}

/* Case 16: a newer version was effective, and had not come. */
static enum sat_err look_for_newer(const struct looking *at)
{
    const struct client_order *order = at->order;
    json_t *newer = NULL;
    bool fits = false;
    int64_t difference = 0;
    size_t without;
    if (!order->list || !order->day) return SAT_OK;
    enum sat_err err = client_list_newer(at->satchel, order->list, order->day, &newer);
    if (err || !newer) return err;
    const char *id = sat_arena_format(at->arena, "%s", client_book_text(newer, "id"));
    err = compare(at, id, &fits, &difference, &without);
    const char *from = client_book_text(newer, "valid_from");
    const char *sum =
        fits ? client_money_shown(at->arena, difference, order->currency) : "larger than an amount can be";
    const char *sign = fits && difference >= 0 ? "+" : "";
    const char *text =
        sat_arena_format(at->arena, "priced by an older list: %s, where %s was effective%s%s: difference %s%s",
                         client_list_told(order->row, at->arena), client_list_told(newer, at->arena),
                         from ? " since " : "", from ? from : "", sign, sum);
    if (without) text = sat_arena_format(at->arena, "%s, and %zu lines have no price there", text, without);
    if (!err) {
        flag(at, "old_price", text);
        json_t *last = json_array_get(at->flags, json_array_size(at->flags) - 1);
        (void)json_object_set_new(last, "difference_minor", fits ? json_integer(difference) : json_null());
        client_book_set(last, "newer_list", id);
    }
    json_decref(newer);
    return err;
}

static void look_at_list(const struct looking *at)
{
    const struct client_order *order = at->order;
    const char *own = client_book_text(order->row, "currency"), *of = client_book_text(order->row, "list_currency");
    const char *from = client_book_text(order->row, "valid_from"), *to = client_book_text(order->row, "valid_to");
    const char *list = order->list ? client_list_told(order->row, at->arena) : "";
    if (own && of && strcmp(own, of) != 0)
        flag(at, "currency",
             sat_arena_format(at->arena, "it is in %s, and its price list %s in %s", shown(at, own), list,
                              shown(at, of)));
    if (order->day && ((from && strcmp(order->day, from) < 0) || (to && strcmp(order->day, to) > 0)))
        flag(at, "list_not_valid",
             sat_arena_format(at->arena, "price list %s was not valid on %s, but from %s to %s", list, order->day,
                              from ? from : "any day", to ? to : "any day"));
}

/* A line as somebody put it may say any price, and a product that is not here. */
static enum sat_err look_at_line(const struct looking *at, const struct client_order_line *line)
{
    const struct client_order *order = at->order;
    const char *sku = shown(at, line->sku);
    bool there = false;
    int64_t price;
    if (line->product && client_book_integer(line->row, "known", 0) == 0)
        flag(at, "product", sat_arena_format(at->arena, "the product of line %s is not here", sku));
    if (!line->product) flag(at, "product", sat_arena_format(at->arena, "line %s names no product", sku));
    if (!line->whole) flag(at, "line", sat_arena_format(at->arena, "line %s lacks a quantity or a price", sku));
    if (order->submitted_at && !client_book_text(line->row, "submitted_at"))
        flag(at, "added", sat_arena_format(at->arena, "line %s was added when the order had been submitted", sku));
    if (!order->list || !line->product || !line->whole) return SAT_OK;
    enum sat_err err = client_list_price(at->satchel, order->list, line->product, line->qty, &there, &price);
    if (err || (there && price == line->unit_price)) return err;
    const char *asked = client_money_shown(at->arena, line->unit_price, NULL);
    const char *listed = there ? client_money_shown(at->arena, price, order->currency) : "no price";
    flag(at, "price",
         sat_arena_format(at->arena, "line %s is at %s, where price list %s has %s", sku, asked,
                          client_list_told(order->row, at->arena), listed));
    return SAT_OK;
}

/* ---- Doubles ---- */

/* What is bought, whatever the order of the lines: "product qty" each, sorted. */
static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static const char *basket(const json_t *lines, const char *order, struct sat_arena *arena)
{
    size_t n = 0, index;
    json_t *line;
    const char **texts = sat_arena_array(arena, json_array_size(lines), sizeof *texts), *whole = "";
    json_array_foreach((json_t *)lines, index, line)
    {
        const char *of = client_book_text(line, "order"), *product = client_book_text(line, "product");
        if (order && (!of || strcmp(of, order) != 0)) continue;
        texts[n++] =
            sat_arena_format(arena, "%s %" PRId64, product ? product : "-", client_book_integer(line, "qty", 0));
    }
    if (n > 1) qsort(texts, n, sizeof *texts, compare_texts);
    for (size_t i = 0; i < n; i++) whole = sat_arena_format(arena, "%s|%s", whole, texts[i]);
    return whole;
}

static enum sat_err is_cancelled(struct satchel *satchel, const char *id, struct sat_arena *arena, bool *out)
{
    struct client_standing standing;
    enum sat_err err = client_standing_get(satchel, NULL, "order", id, arena, &standing);
    *out = !err && !standing.state.disputed && strcmp(standing.machine->states[standing.state.state], "cancelled") == 0;
    return err;
}

enum sat_err client_order_twins(struct satchel *satchel, const char *account, const char *day, const char *but,
                                const json_t *lines, struct sat_arena *arena, json_t **out)
{
#define BESIDE                                                                                                         \
    " FROM \"order\" AS o WHERE o.account = ?1 AND o.ordered_on BETWEEN date(?2, '-1 day') AND date(?2, '+1 day') AND" \
    " o.id IS NOT ?3"
    static const char orders[] =
        "SELECT DISTINCT o.id AS id, o.no_local AS no_local, o.ordered_on AS ordered_on" BESIDE " ORDER BY o.id";
    static const char theirs[] = "SELECT DISTINCT l.id AS id, l.\"order\" AS \"order\", l.product AS product, l.qty AS"
                                 " qty FROM order_line AS l WHERE l.\"order\" IN (SELECT o.id" BESIDE ")";
#undef BESIDE
    const char *const values[] = {account, day, but};
    json_t *rows, *all = NULL, *row;
    size_t index;
    *out = json_array();
    enum sat_err err = client_book_ask(satchel, orders, values, 3, &rows);
    if (!err && json_array_size(rows)) err = client_book_ask(satchel, theirs, values, 3, &all);
    const char *own = basket(lines, NULL, arena);
    json_array_foreach(rows, index, row)
    {
        bool cancelled = false;
        const char *id = client_book_text(row, "id");
        if (err || !*own || strcmp(basket(all, id, arena), own) != 0) continue;
        err = is_cancelled(satchel, id, arena, &cancelled);
        if (!err && !cancelled) (void)json_array_append(*out, row);
    }
    json_decref(rows);
    json_decref(all);
    return err;
}

static enum sat_err look_for_twins(const struct looking *at)
{
    json_t *twins = NULL, *twin;
    size_t index;
    const struct client_order *order = at->order;
    if (!order->account || !order->day) return SAT_OK;
    enum sat_err err =
        client_order_twins(at->satchel, order->account, order->day, order->id, order->line_rows, at->arena, &twins);
    json_array_foreach(twins, index, twin)
        flag(at, "twice",
             sat_arena_format(at->arena, "order %s of %s has the same lines", client_order_called(twin, at->arena),
                              client_book_text(twin, "ordered_on")));
    json_decref(twins);
    return err;
}

enum sat_err client_order_numbers(struct satchel *satchel, const char *number, json_t **out)
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

static enum sat_err look_at_number(const struct looking *at)
{
    const char *number = client_book_text(at->order->row, "no_local");
    json_t *own = NULL, *id;
    size_t index;
    if (!number) return SAT_OK;
    enum sat_err err = at->numbers ? SAT_OK : client_order_numbers(at->satchel, number, &own);
    json_array_foreach(json_object_get(at->numbers ? at->numbers : own, number), index, id)
    {
        if (strcmp(json_string_value(id), at->order->id) != 0)
            flag(at, "number", sat_arena_format(at->arena, "order %s has the same number", json_string_value(id)));
    }
    json_decref(own);
    return err;
}

/* ---- States, approvals ---- */

static enum sat_err look_at_state(const struct looking *at)
{
    const struct client_standing *standing = &at->order->standing;
    char request[SATCHEL_ID_SIZE];
    bool asked = false;
    uint8_t cancelled = sat_machine_state(standing->machine, sat_span_text("cancelled"));
    bool goes_on = !standing->state.disputed && strcmp(client_order_state(at->order), "received") != 0 &&
                   strcmp(client_order_state(at->order), "cancelled") != 0;
    if (goes_on && !at->order->submitted_at && standing->steps_n)
        flag(
            at, "not_submitted",
            sat_arena_format(at->arena, "it is %s, and was not submitted (rule M10-3)", client_order_state(at->order)));
    if (standing->state.disputed)
        flag(at, "disputed",
             sat_arena_format(at->arena, "%s stand side by side: it counts nowhere until that is settled",
                              client_states_told(standing->machine, standing->state.among, " and ", at->arena)));
    enum sat_err err = client_trade_following(at->satchel, at->order->id, "cancel request", 0, request);
    if (!err) err = client_trade_is_here(at->satchel, request, &asked);
    if (asked || (standing->state.overtaken >> cancelled & 1))
        flag(at, "cancel_requested",
             sat_arena_format(at->arena, "it was to be cancelled, and was %s already (rule M10-1)",
                              client_order_state(at->order)));
    bool hold = json_is_true(json_object_get(at->order->row, "credit_hold"));
    if (hold) flag(at, "credit_hold", "the account is on credit hold");
    return err;
}

static enum sat_err look_at_approval(const struct looking *at)
{
    struct client_approval approval;
    const struct client_order *order = at->order;
    enum sat_err err = client_approval_of(at->satchel, order, at->arena, &approval);
    if (err || approval.final || !order->submitted_at) return err;
    const char *how = "nobody was asked";
    if (approval.other && strcmp(approval.other_state, "withdrawn") != 0)
        how = sat_arena_format(at->arena, "%s for another version", approval.other_state);
    if (approval.state)
        how = strcmp(approval.state, "requested") == 0 ? "waits for a manager or finance" : approval.state;
    flag(at, "not_approved",
         sat_arena_format(at->arena, "a discount of %s, above %s by %s: %s (rule M08-6)",
                          client_share_shown(at->arena, order->discount_bp),
                          client_share_shown(at->arena, approval.allowance.bp), approval.allowance.by, how));
    return SAT_OK;
}

enum sat_err client_order_flags(struct satchel *satchel, const struct client_order *order, const json_t *numbers,
                                struct sat_arena *arena, json_t *flags)
{
    struct looking at = {satchel, order, numbers, arena, flags};
    enum sat_err err = look_at_state(&at);
    if (!err) err = look_at_approval(&at);
    if (!err) err = look_for_newer(&at);
    if (!err) look_at_list(&at);
    for (size_t i = 0; i < order->lines_n && !err; i++) err = look_at_line(&at, &order->lines[i]);
    if (!err) err = look_for_twins(&at);
    return err ? err : look_at_number(&at);
}
