#include "client/book/approval.h"

#include <stdio.h>
#include <string.h>

#include "client/book/trade.h"
#include "client/currency.h"
#include "client/locate.h"
#include "client/names.h"
#include "client/rows.h"
#include "client/tx.h"
#include "common/base/utf8.h"

/* ---- How it stands ---- */

/* "requested", "approved", …, or "disputed". */
#define STATE "CASE WHEN a.state_disputed IS NULL THEN COALESCE(a.state, 'requested') ELSE 'disputed' END AS state"

/* Of several requests the one that was decided, and a no before a yes. */
static int weight(const char *state)
{
    static const char *const states[] = {"withdrawn", "requested", "approved", "disputed", "rejected"};
    for (int i = 0; state && i < (int)(sizeof states / sizeof states[0]); i++)
        if (strcmp(states[i], state) == 0) return i + 1;
    return 0;
}

/* The id of the request for what the order says now. That it follows from just this binds a decision to it: whatever
 * somebody writes into the request, a step about it is one about that content. */
static enum sat_err id_of(struct satchel *satchel, const struct client_order *order, struct sat_arena *arena,
                          char out[SATCHEL_ID_SIZE])
{
    const char *what = sat_arena_format(arena, "approval %s", order->hash);
    return client_trade_following(satchel, order->id, what, 0, out);
}

/* ---- Whose discount it is ---- */

/* Who said a cell, in which role and when: a discount is his. */
struct voucher {
    uint32_t user;
    uint8_t role;
    char day[CLIENT_BOOK_DAY_SIZE];
};

/* The amendment that a line's discount is from; an empty view: it is the line's own. */
static enum sat_err find_amendment(struct satchel *satchel, const char *line, const char *territory,
                                   struct sat_arena *arena, struct sat_record_view *view)
{
    static const char sql[] = "SELECT id FROM amendment WHERE about = ?1 AND field = 'discount_bp' AND standing ="
                              " 'counts' AND territory = ?2";
    const char *const values[] = {line, territory};
    struct sat_record_id id;
    json_t *row = NULL;
    *view = (struct sat_record_view){0};
    enum sat_err err = client_book_ask_one(satchel, sql, values, 2, &row);
    if (!err && row) err = client_parse_id(satchel, client_book_text(row, "id"), &id);
    if (!err && row) err = client_locate_in(satchel, territory, &id, arena, view);
    json_decref(row);
    return err;
}

/* Who has amended it since, else who submitted the line, else who wrote it. */
static enum sat_err find_voucher(struct satchel *satchel, const struct client_order_line *line, const char *territory,
                                 struct sat_arena *arena, struct voucher *out)
{
    static const char *const fields[] = {"submitted_at", "discount_bp"};
    const char *id = client_book_text(line->row, "id");
    const struct sat_merged *cell = NULL;
    const struct sat_type *type = sat_type_by_name("amendment");
    struct sat_record_id record;
    struct sat_record_view view;
    enum sat_err err = SAT_OK;
    *out = (struct voucher){0};
    if (!id) return SAT_OK;
    view = (struct sat_record_view){0};
    if (line->amended) err = find_amendment(satchel, id, territory, arena, &view);
    if (!err && view.live_n)
        cell = sat_merged_cell(&view.merged, sat_field_by_name(type, "new_value")->number, (struct sat_span){0});
    if (!err && !view.live_n) err = client_parse_id(satchel, id, &record);
    if (!err && !view.live_n) err = client_locate_in(satchel, territory, &record, arena, &view);
    type = sat_type_by_name("order_line");
    for (size_t i = 0; !err && view.merged.type == type->number && i < 2 && (!cell || !cell->source); i++) {
        cell = sat_merged_cell(&view.merged, sat_field_by_name(type, fields[i])->number, (struct sat_span){0});
        if (cell && cell->value.kind == SAT_VALUE_NIL) cell = NULL;
    }
    if (err || !cell || !cell->source) return err;
    *out = (struct voucher){.user = client_source_user(satchel, cell->source), .role = cell->source->role};
    client_day_believed(cell, out->day);
    return SAT_OK;
}

/* Who submitted the order answers for what it said then; what somebody else says of a discount later is his, as of that
 * day: it may be no more than he might give. *needed, and by whom it was not to be given. */
static enum sat_err look_at_vouchers(struct satchel *satchel, const struct client_order *order, struct sat_arena *arena,
                                     struct client_approval *out)
{
    enum sat_err err = SAT_OK;
    struct voucher last = {.user = order->user, .role = order->role};
    struct client_allowance its = out->allowance;
    for (size_t i = 0; order->submitted_at && i < order->lines_n && !err && !out->needed; i++) {
        const struct client_order_line *line = &order->lines[i];
        struct voucher voucher;
        if (line->discount_bp <= 0) continue;
        err = find_voucher(satchel, line, order->territory, arena, &voucher);
        bool submitter = voucher.user == order->user && voucher.role == order->role && !line->amended;
        bool same = voucher.user == last.user && voucher.role == last.role && strcmp(voucher.day, last.day) == 0;
        if (err || submitter) continue;
        if (!same) err = client_allowance_get(satchel, voucher.user, voucher.role, voucher.day, arena, &its);
        last = voucher;
        if (err || line->discount_bp <= its.bp) continue;
        out->needed = true;
        out->allowance = its;
    }
    return err;
}

/* ---- What was asked ---- */

/* Those that were asked for in the order's territory: in another one it is nobody's to ask, or to decide. */
static enum sat_err take_requests(struct satchel *satchel, const struct client_order *order, struct sat_arena *arena,
                                  struct client_approval *out)
{
    static const char sql[] = "SELECT a.id AS id, " STATE " FROM approval AS a WHERE a.about = ?1 AND a.kind ="
                              " 'discount' AND a.territory = ?2 ORDER BY a.id";
    const char *const values[] = {order->id, order->territory};
    char as_it_is[SATCHEL_ID_SIZE];
    json_t *rows, *row;
    size_t index;
    enum sat_err err = id_of(satchel, order, arena, as_it_is);
    if (!err) err = client_book_ask(satchel, sql, values, 2, &rows);
    if (err) return err;
    json_array_foreach(rows, index, row)
    {
        const char *id = sat_arena_format(arena, "%s", client_book_text(row, "id"));
        const char *state = sat_arena_format(arena, "%s", client_book_text(row, "state"));
        if (strcmp(id, as_it_is) == 0)
            out->id = id, out->state = state;
        else if (!out->other || weight(state) >= weight(out->other_state))
            out->other = id, out->other_state = state;
    }
    json_decref(rows);
    return SAT_OK;
}

enum sat_err client_approval_of(struct satchel *satchel, const struct client_order *order, struct sat_arena *arena,
                                struct client_approval *out)
{
    char today[CLIENT_BOOK_DAY_SIZE];
    const char *day = order->submitted_on[0] ? order->submitted_on : today;
    *out = (struct client_approval){0};
    client_book_today(today);
    enum sat_err err = client_allowance_get(satchel, order->user, order->role, day, arena, &out->allowance);
    out->needed = order->discount_bp > out->allowance.bp;
    if (!err && !out->needed && order->discount_bp > 0) err = look_at_vouchers(satchel, order, arena, out);
    if (!err) err = take_requests(satchel, order, arena, out);
    out->final = !out->needed || (out->state && strcmp(out->state, "approved") == 0);
    return err;
}

json_t *client_approval_told(const struct client_order *order, const struct client_approval *approval)
{
    json_t *told = json_object();
    (void)json_object_set_new(told, "needed", json_boolean(approval->needed));
    (void)json_object_set_new(told, "discount_bp", json_integer(order->discount_bp));
    (void)json_object_set_new(told, "allowed_bp", json_integer(approval->allowance.bp));
    (void)json_object_set_new(told, "allowed_by", json_string(approval->allowance.by));
    client_book_set(told, "approval", approval->id);
    client_book_set(told, "approval_state", approval->state);
    if (approval->other && strcmp(approval->other_state, "withdrawn") != 0) {
        client_book_set(told, "for_another_version", approval->other);
        client_book_set(told, "for_another_version_state", approval->other_state);
    }
    return told;
}

/* ---- Asking ---- */

static enum sat_err put_request(struct satchel_tx *tx, const struct client_order *order, struct sat_arena *arena)
{
    struct client_book_self self;
    char id[SATCHEL_ID_SIZE];
    enum sat_err err = client_book_self(tx->satchel, &self);
    if (!err) err = id_of(tx->satchel, order, arena, id);
    if (err) return err;
    json_t *fields = json_object();
    client_book_set(fields, "about", order->id);
    client_book_set(fields, "content_hash", order->hash);
    client_book_set(fields, "kind", "discount");
    client_book_set(fields, "requester", self.id);
    (void)json_object_set_new(fields, "discount_bp", json_integer(order->discount_bp));
    return client_book_put_in(tx, order->territory, "approval", id, fields);
}

/* Who asked: by author, whatever the field `requester` says. */
static enum sat_err find_asker(struct satchel *satchel, const char *id, const char *territory, struct sat_arena *arena,
                               uint32_t *user)
{
    struct sat_record_id record;
    struct sat_record_view view;
    enum sat_err err = client_parse_id(satchel, id, &record);
    if (!err) err = client_locate_in(satchel, territory, &record, arena, &view);
    *user = err ? 0 : client_asker(satchel, &view.merged, NULL);
    return err;
}

/* What one asked for oneself and another version is taken back. What somebody else asked for is his: it is for another
 * version, and is said to be. */
static enum sat_err take_back(struct satchel_tx *tx, const struct client_order *order, struct sat_arena *arena)
{
    static const char sql[] = "SELECT a.id AS id FROM approval AS a WHERE a.about = ?1 AND a.kind = 'discount' AND"
                              " a.territory = ?2 AND COALESCE(a.state, 'requested') = 'requested' AND a.state_disputed"
                              " IS NULL ORDER BY a.id";
    const char *territory = order->territory, *const values[] = {order->id, territory};
    char as_it_is[SATCHEL_ID_SIZE];
    json_t *rows, *row;
    size_t index;
    enum sat_err err = id_of(tx->satchel, order, arena, as_it_is);
    if (!err) err = client_book_ask(tx->satchel, sql, values, 2, &rows);
    if (err) return err;
    json_array_foreach(rows, index, row)
    {
        const char *id = client_book_text(row, "id");
        uint32_t user = 0;
        if (err || strcmp(id, as_it_is) == 0) continue;
        err = find_asker(tx->satchel, id, territory, arena, &user);
        if (err || user != client_user(tx->satchel)) continue;
        err = client_tx_enter(tx, territory, id);
        if (!err) err = client_book_step(tx, "approval", id, "withdrawn", "another version", NULL, NULL);
    }
    json_decref(rows);
    return err;
}

enum sat_err client_approval_ask(struct satchel_tx *tx, const struct client_order *order,
                                 const struct client_approval *approval, struct sat_arena *arena)
{
    enum sat_err err = take_back(tx, order, arena);
    if (err || !approval->needed) return err;
    if (!approval->id) return put_request(tx, order, arena);
    if (strcmp(approval->state, "withdrawn") != 0) return SAT_OK;
    err = client_tx_enter(tx, order->territory, approval->id);
    return err ? err : client_book_step(tx, "approval", approval->id, "requested", "this version again", NULL, NULL);
}

/* ---- What waits ---- */

static json_t *row_of(const struct client_order *order, const json_t *asked, const char *by, bool as_it_is,
                      struct sat_arena *arena)
{
    json_t *row = json_object();
    client_book_set(row, "approval", client_book_text(asked, "id"));
    (void)json_object_set_new(row, "order", client_json_of_text(client_order_called(order->row, arena)));
    (void)json_object_set_new(row, "account", client_json_of_text(client_book_text(order->row, "account_name")));
    (void)json_object_set_new(row, "by", client_json_of_text(by));
    (void)json_object_set_new(row, "discount_bp", json_integer(order->discount_bp));
    (void)json_object_set_new(row, "total_minor", order->has_total ? json_integer(order->total) : json_null());
    (void)json_object_set_new(row, "currency", client_json_of_text(order->currency));
    (void)json_object_set(row, "state", json_object_get(asked, "state"));
    (void)json_object_set_new(row, "version", json_string(as_it_is ? "as it is" : "another version"));
    (void)json_object_set_new(row, "order_id", json_string(order->id));
    return row;
}

/* One of those that wait, where it still does; *more: the receiver wants more of them. */
static enum sat_err give(struct satchel *satchel, const json_t *asked, struct sat_arena *arena, satchel_row_fn row,
                         void *context, bool *more)
{
    struct client_order order = {0};
    uint32_t user = 0;
    char as_it_is[SATCHEL_ID_SIZE];
    const char *id = client_book_text(asked, "id");
    enum sat_err err = client_order_load(satchel, client_book_text(asked, "about"), arena, &order);
    if (!err) err = id_of(satchel, &order, arena, as_it_is);
    if (!err) err = find_asker(satchel, id, client_book_text(asked, "territory"), arena, &user);
    if (!err)
        *more = client_give_row(
            row, context,
            row_of(&order, asked, client_user_name(satchel, user, arena), strcmp(as_it_is, id) == 0, arena));
    client_order_free(&order);
    return err;
}

static enum sat_err list(struct satchel *satchel, satchel_row_fn row, void *context)
{
    static const char sql[] = "SELECT * FROM (SELECT a.id AS id, a.about AS about, a.territory AS territory, " STATE
                              " FROM approval AS a JOIN \"order\" AS o ON o.id = a.about AND o.territory = a.territory"
                              " WHERE a.kind = 'discount' GROUP BY a.id) WHERE state IN ('requested', 'disputed') ORDER"
                              " BY id";
    json_t *rows, *asked;
    size_t index;
    bool more = true;
    enum sat_err err = client_book_ask(satchel, sql, NULL, 0, &rows);
    json_array_foreach(rows, index, asked)
    {
        struct sat_arena arena;
        if (err || !more) break;
        sat_arena_init(&arena);
        err = give(satchel, asked, &arena, row, context, &more);
        sat_arena_deinit(&arena);
    }
    json_decref(rows);
    return err;
}

int satchel_approvals(struct satchel *satchel, satchel_row_fn row, void *context)
{
    client_begin(satchel);
    return client_end(satchel, list(satchel, row, context));
}

/* ---- Deciding ---- */

/* The order that a request is about, and in whose territory it was asked for; what lies elsewhere under the same id is
 * another one's. One that is as the order stands is told by its id, which follows from that. *as_it_is: it is one. */
static enum sat_err find_order(struct satchel *satchel, const char *id, struct sat_arena *arena,
                               struct client_order *out, bool *as_it_is)
{
    static const char sql[] = "SELECT a.about AS about FROM approval AS a JOIN \"order\" AS o ON o.id = a.about AND"
                              " o.territory = a.territory WHERE a.id = ?1 GROUP BY a.about ORDER BY a.about";
    static const char any[] = "SELECT 1 AS here FROM approval WHERE id = ?1 LIMIT 1";
    json_t *rows = NULL, *here = NULL;
    enum sat_err err = client_book_ask(satchel, sql, &id, 1, &rows);
    if (!err) err = client_book_ask_one(satchel, any, &id, 1, &here);
    *as_it_is = false;
    if (!err && !here) err = sat_fail(&satchel->fault, SAT_ERR_NOT_FOUND, "there is no approval %s here", id);
    if (!err && !json_array_size(rows))
        err = sat_fail(&satchel->fault, SAT_ERR_INVALID, "approval %s is about no order of its territory", id);
    json_decref(here);
    for (size_t i = 0; i < json_array_size(rows) && !err && !*as_it_is; i++) {
        char follows[SATCHEL_ID_SIZE];
        client_order_free(out);
        err = client_order_load(satchel, client_book_text(json_array_get(rows, i), "about"), arena, out);
        if (!err) err = id_of(satchel, out, arena, follows);
        *as_it_is = !err && strcmp(follows, id) == 0;
    }
    json_decref(rows);
    return err;
}

/* The request that is meant: an approval, or an order, whose newest one it is. */
static enum sat_err find_request(struct satchel *satchel, const char *named, struct sat_arena *arena,
                                 struct client_order *order, char out[SATCHEL_ID_SIZE])
{
    bool as_it_is;
    struct client_approval approval = {0};
    enum sat_err err = client_book_find(satchel, "approval", named, out);
    if (!err) err = find_order(satchel, out, arena, order, &as_it_is);
    if (err != SAT_ERR_NOT_FOUND) return err;
    client_order_free(order);
    err = client_book_find(satchel, "order", named, out);
    if (!err) err = client_order_load(satchel, out, arena, order);
    if (!err) err = client_approval_of(satchel, order, arena, &approval);
    if (err == SAT_ERR_NOT_FOUND)
        return sat_fail(&satchel->fault, err, "there is no approval, and no order, \"%.60s\" here",
                        sat_utf8_shown(arena, named));
    const char *id = approval.id ? approval.id : approval.other;
    if (!err && !id)
        err = sat_fail(&satchel->fault, SAT_ERR_NOT_FOUND, "nobody has asked for an approval of order %s", order->id);
    if (!err) (void)snprintf(out, SATCHEL_ID_SIZE, "%s", id);
    return err;
}

/* A yes to what nobody asks for any more would be one to something else. */
static enum sat_err check_version(struct satchel *satchel, const struct client_order *order, const char *id,
                                  struct sat_arena *arena)
{
    char as_it_is[SATCHEL_ID_SIZE];
    enum sat_err err = id_of(satchel, order, arena, as_it_is);
    if (err || strcmp(id, as_it_is) == 0) return err;
    return sat_fail(&satchel->fault, SAT_ERR_INVALID,
                    "approval %s was asked for another version of order %s, which was changed since: who sells submits"
                    " it again (rule M08-6)",
                    id, client_order_called(order->row, arena));
}

enum sat_err client_approval_check(struct satchel *satchel, const char *id, struct sat_arena *arena)
{
    struct client_order order = {0};
    bool as_it_is;
    enum sat_err err = find_order(satchel, id, arena, &order, &as_it_is);
    if (!err) err = check_version(satchel, &order, id, arena);
    client_order_free(&order);
    return err;
}

enum sat_err client_approval_note(struct satchel_tx *tx, const char *id, uint32_t duties, const char *decision)
{
    json_t *fields = json_object();
    (void)json_object_set_new(fields, "decisions",
                              json_pack("{s:s}", duties & SAT_DUTY_MANAGER ? "manager" : "finance", decision));
    return client_book_put(tx, "approval", id, fields, NULL);
}

/* What others have decided already is a word of one's own as well, for who may decide. */
static enum sat_err decide(struct satchel *satchel, const struct client_order *order, const char *id, bool yes,
                           const char *reason, struct sat_arena *arena)
{
    enum { DECIDERS = SAT_DUTY_MANAGER | SAT_DUTY_FINANCE };
    struct satchel_tx *tx;
    struct client_book_self self;
    char taken[SATCHEL_ID_SIZE];
    const char *decision = yes ? "yes" : "no";
    enum sat_err err = client_book_self(satchel, &self);
    if (!err && !(self.duties & DECIDERS))
        err = sat_fail(&satchel->fault, SAT_ERR_DENIED, "%s may decide about approval %s",
                       client_duties_told(DECIDERS, arena), id);
    if (!err) err = (enum sat_err)satchel_begin(satchel, &tx);
    if (err) return err;
    err = client_tx_enter(tx, order->territory, id);
    if (!err) err = client_book_step(tx, "approval", id, yes ? "approved" : "rejected", reason, NULL, taken);
    if (!err && !taken[0] && yes) err = check_version(satchel, order, id, arena); /* no step that asks for it */
    if (!err && !taken[0]) err = client_approval_note(tx, id, self.duties, decision);
    return client_book_end(tx, err);
}

static enum sat_err approve(struct satchel *satchel, const char *named, bool yes, const char *reason,
                            struct sat_arena *arena, char **json)
{
    struct client_order order = {0};
    char id[SATCHEL_ID_SIZE];
    enum sat_err err = find_request(satchel, named, arena, &order, id);
    if (!err) err = decide(satchel, &order, id, yes, reason, arena);
    if (!err) {
        json_t *told = json_object();
        client_book_set(told, "approval", id);
        client_book_set(told, "state", yes ? "approved" : "rejected");
        client_book_set(told, "order", order.id);
        (void)json_object_set_new(told, "synced", json_false());
        *json = client_json_text(told);
    }
    client_order_free(&order);
    return err;
}

int satchel_approve(struct satchel *satchel, const char *named, const char *decision, const char *reason, char **json)
{
    struct sat_arena arena;
    bool yes = decision && strcmp(decision, "yes") == 0;
    *json = NULL;
    client_begin(satchel);
    if (!yes && (!decision || strcmp(decision, "no") != 0))
        return client_end(satchel, sat_fail(&satchel->fault, SAT_ERR_INVALID, "an approval is yes or no"));
    sat_arena_init(&arena);
    enum sat_err err = approve(satchel, named, yes, reason, &arena, json);
    sat_arena_deinit(&arena);
    return client_end(satchel, err);
}
