/* An order as it counts: its lines, in which the view has what was amended, and the hash of that. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/book/order.h"
#include "client/names.h"
#include "client/view/figures.h"
#include "common/base/utf8.h"
#include "common/proof/hash.h"

void client_order_free(struct client_order *order)
{
    json_decref(order->row);
    json_decref(order->line_rows);
    order->row = order->line_rows = NULL;
}

const char *client_order_state(const struct client_order *order)
{
    return order->standing.machine->states[order->standing.state.state];
}

const char *client_order_called(const json_t *row, struct sat_arena *arena)
{
    const char *number = client_book_text(row, "no_local"), *id = client_book_text(row, "id");
    return number ? sat_utf8_beginning(arena, number, 40) : sat_arena_format(arena, "%.8s", id ? id : "?");
}

/* ---- Rows ---- */

static enum sat_err ask(struct satchel *satchel, struct client_order *out)
{
    static const char order[] =
        "SELECT o.id AS id, o.no_local AS no_local, o.no_final AS no_final, o.account AS account, a.name AS"
        " account_name, o.ordered_on AS ordered_on, o.requested_date AS requested_date, o.promised_date AS"
        " promised_date, o.currency AS currency, o.submitted_at AS submitted_at, o.visit AS visit, o.note AS note,"
        " o.price_list AS price_list, l.code AS code, l.name AS name, l.version AS version, "
        "l.currency AS"
        " list_currency, l.valid_from AS valid_from, l.valid_to AS valid_to, (SELECT MAX(h.credit_hold) FROM account"
        " AS h WHERE h.id = o.account) AS credit_hold FROM \"order\" AS o LEFT JOIN account AS a ON a.id = o.account "
        "LEFT JOIN price_list AS l ON l.id ="
        " o.price_list WHERE o.id = ?1 AND o.territory = ?2 LIMIT 1";
    static const char lines[] =
        "SELECT l.id AS id, COALESCE(l.sku, p.sku) AS sku, l.product AS product, p.name AS name, p.lead_days AS"
        " lead_days, p.id IS NOT NULL AS known, l.qty AS qty, l.unit_price AS unit_price, l.discount_bp AS discount_bp,"
        " EXISTS (SELECT 1 FROM amendment AS a WHERE a.about = l.id AND a.territory = l.territory"
        " AND a.standing = 'counts') AS amended, l.submitted_at AS submitted_at FROM order_line AS l LEFT JOIN product"
        " AS p ON p.id = l.product WHERE l.\"order\" = ?1 AND l.territory = ?2 GROUP BY l.id ORDER BY sku, l.id";
    const char *const values[] = {out->id, out->territory};
    enum sat_err err = client_book_ask_one(satchel, order, values, 2, &out->row);
    if (!err && !out->row) err = sat_fail(&satchel->fault, SAT_ERR_NOT_FOUND, "there is no order %s here", out->id);
    if (!err) err = client_book_ask(satchel, lines, values, 2, &out->line_rows);
    return err;
}

/* ---- Lines ---- */

static struct client_order_line read_line(const json_t *row)
{
    struct client_order_line line = {.row = row,
                                     .sku = client_book_text(row, "sku"),
                                     .product = client_book_text(row, "product"),
                                     .qty = client_book_integer(row, "qty", 0),
                                     .unit_price = client_book_integer(row, "unit_price", 0),
                                     .discount_bp = client_book_integer(row, "discount_bp", 0),
                                     .amended = client_book_integer(row, "amended", 0) != 0};
    line.whole = json_is_integer(json_object_get(row, "qty")) && json_is_integer(json_object_get(row, "unit_price"));
    line.fits = line.whole && client_line_amount(line.qty, line.unit_price, line.discount_bp, &line.amount);
    return line;
}

static void read_lines(struct client_order *order, struct sat_arena *arena)
{
    struct client_total total = {0};
    order->lines_n = json_array_size(order->line_rows);
    order->lines = sat_arena_array(arena, order->lines_n, sizeof *order->lines);
    for (size_t i = 0; i < order->lines_n; i++) {
        struct client_order_line *line = &order->lines[i];
        *line = read_line(json_array_get(order->line_rows, i));
        order->amended = order->amended || line->amended;
        if (line->discount_bp > order->discount_bp) order->discount_bp = line->discount_bp;
        if (line->fits) client_total_add(&total, line->amount);
        if (!line->fits) client_total_lose(&total); /* masked, or not said: the whole is not known */
    }
    order->has_total = client_total_get(&total, &order->total);
}

/* ---- The hash ---- */

/* Lines by what they say, so that their ids and places say nothing. */
static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void hash_content(struct client_order *order, struct sat_arena *arena)
{
    const char **texts = sat_arena_array(arena, order->lines_n, sizeof *texts);
    struct sat_hasher hasher;
    const char *head[] = {order->account, order->currency, order->list};
    for (size_t i = 0; i < order->lines_n; i++) {
        const struct client_order_line *line = &order->lines[i];
        texts[i] =
            sat_arena_format(arena, "%s %" PRId64 " %" PRId64 " %" PRId64 " %s", line->product ? line->product : "",
                             line->qty, line->unit_price, line->discount_bp, line->sku ? line->sku : "");
    }
    if (order->lines_n > 1) qsort(texts, order->lines_n, sizeof *texts, compare_texts);
    sat_hash_begin(&hasher, "order-content");
    for (size_t i = 0; i < sizeof head / sizeof head[0]; i++)
        sat_hash_add_counted(&hasher, sat_span_text(head[i] ? head[i] : ""));
    for (size_t i = 0; i < order->lines_n; i++) sat_hash_add_counted(&hasher, sat_span_text(texts[i]));
    struct sat_hash hash = sat_hash_end(&hasher);
    sat_hex_format(hash.b, sizeof hash.b, order->hash);
}

/* ---- Who ---- */

/* Who wrote the cell, of those of the fields that are there the first. */
static void find_author(struct satchel *satchel, struct client_order *out)
{
    static const char *const fields[] = {"submitted_at", "no_local", "account", "ordered_on"};
    const struct client_standing *standing = &out->standing;
    for (size_t i = 0; i < sizeof fields / sizeof fields[0] && !out->user; i++) {
        const struct sat_merged *cell = sat_merged_cell(
            &standing->view.merged, sat_field_by_name(standing->type, fields[i])->number, (struct sat_span){0});
        if (!cell || !cell->source || cell->value.kind == SAT_VALUE_NIL) continue;
        out->user = client_source_user(satchel, cell->source);
        out->role = cell->source->role;
        if (i == 0) client_day_believed(cell, out->submitted_on);
    }
}

/* The record that is meant, and where it is: of what lies elsewhere, under its id or beside it, nothing counts. */
static enum sat_err find_place(struct satchel *satchel, struct sat_arena *arena, struct client_order *out)
{
    struct sat_space_id space;
    enum sat_err err = client_standing_get(satchel, NULL, "order", out->id, arena, &out->standing);
    if (!err) err = client_space_of_sid(satchel, out->standing.sid, &space);
    if (!err) out->territory = client_space_name(satchel, &space, arena);
    return err;
}

enum sat_err client_order_load(struct satchel *satchel, const char *id, struct sat_arena *arena,
                               struct client_order *out)
{
    *out = (struct client_order){0};
    (void)snprintf(out->id, sizeof out->id, "%s", id);
    enum sat_err err = find_place(satchel, arena, out);
    if (!err) err = ask(satchel, out);
    if (err) return err;
    out->account = client_book_text(out->row, "account");
    out->currency = client_book_text(out->row, "currency");
    out->list = client_book_text(out->row, "price_list");
    out->day = client_book_text(out->row, "ordered_on");
    out->submitted_at = client_book_text(out->row, "submitted_at");
    if (!out->currency) out->currency = client_book_text(out->row, "list_currency");
    read_lines(out, arena);
    hash_content(out, arena);
    find_author(satchel, out);
    return SAT_OK;
}
