/* What of an order is to be looked at. Nothing that came by a sync is refused for it: it is said here. */
#include <string.h>

#include "client/book/approval.h"
#include "client/book/credit.h"
#include "client/book/money.h"
#include "client/book/trade.h"
#include "client/currency.h"
#include "client/view/figures.h"
#include "common/base/utf8.h"

struct looking {
    struct satchel *satchel;
    const struct client_order *order;
    struct client_order_beside *beside;
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

static enum sat_err look_for_twins(const struct looking *at)
{
    json_t *twins = NULL, *twin;
    size_t index;
    bool more;
    const struct client_order *order = at->order;
    const struct client_order_twin_of of = {order->account, order->day, order->id, order->line_rows};
    if (!order->account || !order->day) return SAT_OK;
    enum sat_err err = client_order_twins(at->satchel, at->beside, &of, at->arena, &twins, &more);
    json_array_foreach(twins, index, twin)
        flag(at, "twice",
             sat_arena_format(at->arena, "order %s of %s has the same lines", client_order_called(twin, at->arena),
                              client_book_text(twin, "ordered_on")));
    if (more) flag(at, "twice", "and so do more orders");
    json_decref(twins);
    return err;
}

static void look_at_number(const struct looking *at)
{
    const char *number = client_book_text(at->order->row, "no_local");
    const json_t *ids = number ? json_object_get(at->beside->numbers, number) : NULL;
    size_t told = 0;
    for (size_t i = 0; i < json_array_size(ids) && told <= CLIENT_ORDER_TOLD; i++) {
        const char *id = json_string_value(json_array_get(ids, i));
        if (!id || strcmp(id, at->order->id) == 0) continue;
        flag(at, "number",
             told++ == CLIENT_ORDER_TOLD ? "and so do more orders"
                                         : sat_arena_format(at->arena, "order %s has the same number", id));
    }
}

/* ---- States, approvals ---- */

/* Made in a state to which whoever made it has no way (client/view/begun.h), and nobody who has one moved it on. */
static enum sat_err look_at_beginning(const struct looking *at)
{
    const char *const values[] = {at->order->id, at->order->territory};
    json_t *row = NULL;
    enum sat_err err = client_book_ask_one(
        at->satchel, "SELECT state FROM unreached WHERE id = ?1 AND territory = ?2 LIMIT 1", values, 2, &row);
    if (row)
        flag(at, "no_way",
             sat_arena_format(at->arena, "it was made as %s, to which whoever made it has no way (rule M10-1)",
                              client_book_text(row, "state")));
    json_decref(row);
    return err;
}

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
    if (!err) err = client_trade_is_in(at->satchel, at->order->territory, request, &asked);
    if (asked || (standing->state.overtaken >> cancelled & 1))
        flag(at, "cancel_requested",
             sat_arena_format(at->arena, "it was to be cancelled, and was %s already (rule M10-1)",
                              client_order_state(at->order)));
    bool hold = client_book_integer(at->order->row, "credit_hold", 0) != 0;
    if (hold) flag(at, "credit_hold", "the account is on credit hold");
    return err;
}

static enum sat_err look_at_credit(const struct looking *at)
{
    struct client_order_beside *beside = at->beside;
    const char *account = beside->many ? NULL : at->order->account;
    enum sat_err err = SAT_OK;
    if (!at->order->account) return SAT_OK;
    if (!beside->credit) err = client_credit_get(at->satchel, account, at->arena, &beside->credit);
    if (!err) client_credit_flag(beside->credit, at->order, at->arena, at->flags);
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

enum sat_err client_order_flags(struct satchel *satchel, const struct client_order *order,
                                struct client_order_beside *beside, struct sat_arena *arena, json_t *flags)
{
    struct looking at = {satchel, order, beside, arena, flags};
    enum sat_err err = look_at_state(&at);
    if (!err) err = look_at_beginning(&at);
    if (!err) err = look_at_credit(&at);
    if (!err) err = look_at_approval(&at);
    if (!err) err = look_for_newer(&at);
    if (!err) look_at_list(&at);
    for (size_t i = 0; i < order->lines_n && !err; i++) err = look_at_line(&at, &order->lines[i]);
    if (!err) err = look_for_twins(&at);
    if (!err) err = client_order_owed(satchel, order, arena, flags);
    if (!err) look_at_number(&at);
    return err;
}
