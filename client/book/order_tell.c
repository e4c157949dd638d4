/* An order, told as one object. */
#include <string.h>

#include "client/book/approval.h"
#include "client/book/trade.h"
#include "client/rows.h"

static json_t *line_told(const struct client_order_line *line)
{
    json_t *told = json_object();
    (void)json_object_set_new(told, "sku", client_json_of_text(line->sku));
    (void)json_object_set_new(told, "name", client_json_of_text(client_book_text(line->row, "name")));
    (void)json_object_set_new(told, "qty", line->whole ? json_integer(line->qty) : json_null());
    (void)json_object_set_new(told, "unit_price_minor", line->whole ? json_integer(line->unit_price) : json_null());
    (void)json_object_set_new(told, "discount_bp", json_integer(line->discount_bp));
    (void)json_object_set_new(told, "amount_minor", line->fits ? json_integer(line->amount) : json_null());
    if (line->amended) (void)json_object_set_new(told, "amended", json_true());
    client_book_set(told, "id", client_book_text(line->row, "id"));
    return told;
}

static const char *standing_of(const struct client_standing *standing, const char *id)
{
    static const char *const words[] = {[SAT_STEP_COUNTS] = "counts",
                                        [SAT_STEP_LAST] = "counts",
                                        [SAT_STEP_WAITS] = "waits for what it follows",
                                        [SAT_STEP_ILLEGAL] = "no such move",
                                        [SAT_STEP_ASKS] = "asked for"};
    for (uint32_t i = 0; i < standing->steps_n; i++) {
        char own[SATCHEL_ID_SIZE];
        sat_uuid_format(standing->steps[i].id.b, own);
        if (strcmp(own, id) != 0) continue;
        bool last = standing->came_to[i] == SAT_STEP_LAST && standing->steps[i].to != SAT_NO_STATE;
        return last && (standing->state.overtaken >> standing->steps[i].to & 1) ? "overtaken"
                                                                                : words[standing->came_to[i]];
    }
    return "taken back";
}

/* Its steps, and what else was noted of it. */
static enum sat_err events_told(struct satchel *satchel, const struct client_order *order, json_t **out)
{
    static const char sql[] =
        "SELECT at, what, state, \"by\", note, eta, id FROM (SELECT e.at AS at, 'state' AS what, e.to_state AS state,"
        " u.name AS \"by\", e.reason AS note, NULL AS eta, e.id AS id FROM state_event AS e LEFT JOIN \"user\" AS u ON"
        " u.id = e.person WHERE e.about = ?1 AND e.territory = ?2 UNION SELECT e.at, e.kind, NULL, NULL, e.note, "
        "e.eta, e.id FROM"
        " order_event AS e WHERE e.\"order\" = ?1 AND e.territory = ?2) ORDER BY julianday(at), id";
    const char *const values[] = {order->id, order->territory};
    json_t *row;
    size_t index;
    enum sat_err err = client_book_ask(satchel, sql, values, 2, out);
    json_array_foreach(*out, index, row)
    {
        const char *own = client_book_text(row, "id"), *what = client_book_text(row, "what");
        bool step = own && what && strcmp(what, "state") == 0;
        if (step) client_book_set(row, "standing", standing_of(&order->standing, own));
        (void)json_object_del(row, "id");
    }
    return err;
}

/* ---- When it can be there ---- */

/* So many working days later: Mondays to Fridays. */
static const char *working_days_later(const char *day, int64_t days, struct sat_arena *arena)
{
    char text[CLIENT_TIME_TEXT_SIZE];
    int64_t ms = 0;
    int16_t offset;
    const char *noon = sat_arena_format(arena, "%.10sT12:00:00Z", day);
    if (!client_time_parse(sat_span_text(noon), &ms, &offset)) return NULL;
    for (; days > 0; days--) {
        int64_t weekday;
        do {
            ms += INT64_C(86400000);
            weekday = (ms / INT64_C(86400000) % 7 + 10) % 7; /* from Monday on: 1970 began on a Thursday */
        } while (weekday > 4);
    }
    client_time_format(ms, 0, text);
    return sat_arena_format(arena, "%.10s", text);
}

/* The longest of its products' lead times, and the way (the policy order.transport), from the day of ordering on. */
static enum sat_err set_promise(struct satchel *satchel, const struct client_order *order, json_t *told,
                                struct sat_arena *arena)
{
    enum { DAYS_MAX = 3650 };
    int64_t lead = 0, way;
    enum sat_err err = client_trade_policy(satchel, "order.transport", "days", 0, arena, &way);
    if (err || !order->day) return err;
    for (size_t i = 0; i < order->lines_n; i++) {
        int64_t own = client_book_integer(order->lines[i].row, "lead_days", 0);
        if (own > lead) lead = own;
    }
    if (lead < 0 || lead > DAYS_MAX || way < 0 || way > DAYS_MAX || lead + way == 0) return SAT_OK;
    client_book_set(told, "earliest", working_days_later(order->day, lead + way, arena));
    return SAT_OK;
}

static void set_list(const struct client_order *order, json_t *told, struct sat_arena *arena)
{
    if (!order->list) return;
    client_book_set(told, "price_list", client_list_told(order->row, arena));
    client_book_set(told, "price_list_id", order->list);
}

static json_t *head_told(const struct client_order *order, struct sat_arena *arena)
{
    static const char *const plain[] = {"no_local", "no_final", "ordered_on", "requested_date", "promised_date"};
    static const char *const behind[] = {"submitted_at", "visit", "note"};
    const struct client_standing *standing = &order->standing;
    json_t *told = json_object();
    client_book_set(told, "id", order->id);
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++)
        client_book_set(told, plain[i], client_book_text(order->row, plain[i]));
    client_book_set(told, "account", client_book_text(order->row, "account_name"));
    client_book_set(told, "account_id", order->account);
    client_book_set(told, "state", client_order_state(order));
    if (standing->state.disputed)
        client_book_set(told, "disputed", client_states_told(standing->machine, standing->state.among, "|", arena));
    (void)json_object_set_new(told, "submitted", json_boolean(order->submitted_at != NULL));
    for (size_t i = 0; i < sizeof behind / sizeof behind[0]; i++)
        client_book_set(told, behind[i], client_book_text(order->row, behind[i]));
    set_list(order, told, arena);
    (void)json_object_set_new(told, "total_minor", order->has_total ? json_integer(order->total) : json_null());
    (void)json_object_set_new(told, "currency", client_json_of_text(order->currency));
    if (order->amended) (void)json_object_set_new(told, "amended", json_true());
    return told;
}

static enum sat_err add_flags(struct satchel *satchel, const struct client_order *order, struct sat_arena *arena,
                              json_t *flags)
{
    struct client_order_beside beside;
    const char *number = client_book_text(order->row, "no_local");
    enum sat_err err = client_order_beside_one(satchel, order->account, order->day, number, &beside);
    if (!err) err = client_order_flags(satchel, order, &beside, arena, flags);
    client_order_beside_free(&beside);
    return err;
}

enum sat_err client_order_tell(struct satchel *satchel, const struct client_order *order, struct sat_arena *arena,
                               json_t **out)
{
    struct client_approval approval;
    json_t *told = head_told(order, arena), *lines = json_array(), *events = NULL, *flags = json_array();
    for (size_t i = 0; i < order->lines_n; i++) (void)json_array_append_new(lines, line_told(&order->lines[i]));
    (void)json_object_set_new(told, "lines", lines);
    enum sat_err err = set_promise(satchel, order, told, arena);
    if (!err) err = events_told(satchel, order, &events);
    if (!err) (void)json_object_set(told, "events", events);
    if (!err) err = client_approval_of(satchel, order, arena, &approval);
    if (!err && order->discount_bp) (void)json_object_set_new(told, "approval", client_approval_told(order, &approval));
    if (!err) err = add_flags(satchel, order, arena, flags);
    (void)json_object_set_new(told, "flags", flags);
    json_decref(events);
    *out = err ? NULL : told;
    if (err) json_decref(told);
    return err;
}

/* ---- The list ---- */

static enum sat_err give(struct satchel *satchel, const char *id, struct client_order_beside *beside,
                         struct sat_arena *arena, satchel_row_fn row, void *context, bool *more)
{
    struct client_order order;
    json_t *flags = json_array(), *flag;
    size_t index;
    enum sat_err err = client_order_load(satchel, id, arena, &order);
    if (!err) err = client_order_flags(satchel, &order, beside, arena, flags);
    const char *state = err ? "" : client_order_state(&order);
    bool done = strcmp(state, "cancelled") == 0 || strcmp(state, "delivered") == 0;
    if (!err && (!done || json_array_size(flags))) {
        json_t *told = json_object(), *names = json_array();
        json_array_foreach(flags, index, flag)(void) json_array_append(names, json_object_get(flag, "flag"));
        (void)json_object_set_new(told, "order", json_string(client_order_called(order.row, arena)));
        (void)json_object_set_new(told, "account", client_json_of_text(client_book_text(order.row, "account_name")));
        (void)json_object_set_new(told, "ordered_on", client_json_of_text(order.day));
        (void)json_object_set_new(told, "total_minor", order.has_total ? json_integer(order.total) : json_null());
        (void)json_object_set_new(told, "currency", client_json_of_text(order.currency));
        (void)json_object_set_new(told, "state", json_string(order.submitted_at ? state : "not submitted"));
        (void)json_object_set_new(told, "flags", names);
        (void)json_object_set_new(told, "id", json_string(order.id));
        *more = client_give_row(row, context, told);
    }
    json_decref(flags);
    client_order_free(&order);
    return err;
}

static enum sat_err list(struct satchel *satchel, satchel_row_fn row, void *context)
{
    /* What is done is left out, but for orders of the last month, in which something may still be to be looked at. */
    static const char sql[] = "SELECT DISTINCT id FROM \"order\" WHERE COALESCE(state, 'received') NOT IN ('cancelled',"
                              " 'delivered') OR ordered_on >= date(?1, '-31 days') ORDER BY ordered_on, id";
    char today[CLIENT_BOOK_DAY_SIZE];
    const char *value = today;
    json_t *rows, *ids = json_array(), *one;
    struct client_order_beside beside = {0};
    size_t index;
    bool more = true;
    client_book_today(today);
    enum sat_err err = client_book_ask(satchel, sql, &value, 1, &rows);
    json_array_foreach(rows, index, one)(void) json_array_append(ids, json_object_get(one, "id"));
    if (!err) err = client_order_beside_many(satchel, ids, &beside);
    json_array_foreach(rows, index, one)
    {
        struct sat_arena arena;
        if (err || !more) break;
        sat_arena_init(&arena);
        err = give(satchel, client_book_text(one, "id"), &beside, &arena, row, context, &more);
        sat_arena_deinit(&arena);
    }
    json_decref(rows);
    json_decref(ids);
    client_order_beside_free(&beside);
    return err;
}

int satchel_orders(struct satchel *satchel, satchel_row_fn row, void *context)
{
    client_begin(satchel);
    return client_end(satchel, list(satchel, row, context));
}
