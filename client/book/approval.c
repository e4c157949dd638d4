#include "client/book/approval.h"

#include <inttypes.h>
#include <string.h>

#include "client/book/trade.h"
#include "client/currency.h"
#include "client/locate.h"
#include "client/rows.h"
#include "common/base/utf8.h"

/* ---- What may be given ---- */

/* Was the grant's figure written by who may? A rep's word for it is a proposal (rule AUT), also where it is alone. */
static enum sat_err counts(struct satchel *satchel, const char *id, struct sat_arena *arena, bool *out)
{
    static const char *const fields[] = {"person", "max_discount_bp", "valid_to"};
    struct client_place place;
    struct sat_record_view view;
    const struct sat_type *type;
    *out = true;
    enum sat_err err = client_locate_named(satchel, "approval_grant", id, arena, &type, &place, &view);
    for (size_t i = 0; !err && i < sizeof fields / sizeof fields[0]; i++) {
        const struct sat_field *field = sat_field_by_name(type, fields[i]);
        const struct sat_merged *cell = sat_merged_cell(&view.merged, field->number, (struct sat_span){0});
        if (cell && cell->source && !sat_field_allows(field, cell->source->role)) *out = false;
    }
    return err;
}

static enum sat_err add_grants(struct satchel *satchel, uint32_t user, const char *day, struct sat_arena *arena,
                               struct client_allowance *out)
{
    static const char sql[] = "SELECT id, max_discount_bp, valid_to FROM approval_grant WHERE person = ?1 AND (valid_to"
                              " IS NULL OR valid_to >= ?2) AND COALESCE(revoked, 0) = 0 ORDER BY id";
    struct sat_record_id record = sat_name_record_user(&satchel->directory.org, user);
    char person[SATCHEL_ID_SIZE];
    json_t *rows, *row;
    size_t index;
    sat_uuid_format(record.b, person);
    const char *const values[] = {person, day};
    enum sat_err err = client_book_ask(satchel, sql, values, 2, &rows);
    json_array_foreach(rows, index, row)
    {
        bool good = false;
        int64_t bp = client_book_integer(row, "max_discount_bp", 0);
        const char *until = client_book_text(row, "valid_to");
        if (!err) err = counts(satchel, client_book_text(row, "id"), arena, &good);
        if (err || !good || bp <= out->bp) continue;
        *out = (struct client_allowance){bp, until ? sat_arena_format(arena, "a grant until %s", until)
                                                   : sat_arena_format(arena, "a grant")};
    }
    json_decref(rows);
    return err;
}

enum sat_err client_allowance_get(struct satchel *satchel, uint32_t user, uint8_t role, const char *day,
                                  struct sat_arena *arena, struct client_allowance *out)
{
    uint32_t duties = 0;
    int64_t policy;
    *out = (struct client_allowance){0, "no grant"};
    enum sat_err err = client_duties_given(satchel, user, arena, &duties);
    duties |= sat_duties_of_role(role);
    if (!err && (duties & (SAT_DUTY_MANAGER | SAT_DUTY_FINANCE))) {
        *out = (struct client_allowance){10000, "who approves"};
        return SAT_OK;
    }
    if (!err) err = client_trade_policy(satchel, "order.discount", "max_bp", 0, arena, &policy);
    if (!err && policy > 0) *out = (struct client_allowance){policy, "the policy order.discount"};
    return err ? err : add_grants(satchel, user, day, arena, out);
}

/* ---- How it stands ---- */

/* "requested", "approved", …, or "disputed". */
static enum sat_err state_of(struct satchel *satchel, const char *id, struct sat_arena *arena, const char **out)
{
    struct client_standing standing;
    enum sat_err err = client_standing_get(satchel, NULL, "approval", id, arena, &standing);
    *out = err ? NULL : standing.state.disputed ? "disputed" : standing.machine->states[standing.state.state];
    return err;
}

/* Of several requests for the same the one that was decided, and a no before a yes. */
static int weight(const char *state)
{
    static const char *const states[] = {"withdrawn", "requested", "approved", "disputed", "rejected"};
    for (int i = 0; state && i < (int)(sizeof states / sizeof states[0]); i++)
        if (strcmp(states[i], state) == 0) return i + 1;
    return 0;
}

enum sat_err client_approval_of(struct satchel *satchel, const struct client_order *order, struct sat_arena *arena,
                                struct client_approval *out)
{
    static const char sql[] = "SELECT id, content_hash FROM approval WHERE about = ?1 AND kind = 'discount' ORDER BY"
                              " COALESCE(content_hash = ?2, 0), id";
    const char *const values[] = {order->id, order->hash};
    char day[CLIENT_BOOK_DAY_SIZE];
    json_t *rows, *row;
    size_t index;
    *out = (struct client_approval){0};
    client_book_today(day);
    if (order->submitted_at) (void)snprintf(day, sizeof day, "%.10s", order->submitted_at);
    enum sat_err err = client_allowance_get(satchel, order->user, order->role, day, arena, &out->allowance);
    if (!err) err = client_book_ask(satchel, sql, values, 2, &rows);
    if (err) return err;
    out->needed = order->discount_bp > out->allowance.bp;
    json_array_foreach(rows, index, row)
    {
        const char *hash = client_book_text(row, "content_hash"), *state = NULL;
        const char *id = sat_arena_format(arena, "%s", client_book_text(row, "id"));
        if (!err) err = state_of(satchel, id, arena, &state);
        bool same = hash && strcmp(hash, order->hash) == 0;
        if (same && weight(state) >= weight(out->state))
            out->id = id, out->state = state;
        else if (!same)
            out->other = id, out->other_state = state;
    }
    json_decref(rows);
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
    const char *what = sat_arena_format(arena, "approval %s", order->hash);
    if (!err) err = client_trade_following(tx->satchel, order->id, what, 0, id);
    if (err) return err;
    json_t *fields = json_object();
    client_book_set(fields, "about", order->id);
    client_book_set(fields, "content_hash", order->hash);
    client_book_set(fields, "kind", "discount");
    client_book_set(fields, "requester", self.id);
    (void)json_object_set_new(fields, "discount_bp", json_integer(order->discount_bp));
    return client_book_put(tx, "approval", id, fields, NULL);
}

enum sat_err client_approval_ask(struct satchel_tx *tx, const struct client_order *order,
                                 const struct client_approval *approval, struct sat_arena *arena)
{
    enum sat_err err = SAT_OK;
    if (approval->other && strcmp(approval->other_state, "requested") == 0)
        err = (enum sat_err)satchel_step(tx, "approval", approval->other, "withdrawn", "another version", NULL);
    if (err || !approval->needed || approval->id) return err;
    return put_request(tx, order, arena);
}

/* ---- What waits ---- */

static json_t *row_of(const struct client_order *order, const json_t *asked, const char *state, struct sat_arena *arena)
{
    const char *hash = client_book_text(asked, "content_hash");
    json_t *row = json_object();
    client_book_set(row, "approval", client_book_text(asked, "id"));
    (void)json_object_set_new(row, "order", client_json_of_text(client_order_called(order->row, arena)));
    (void)json_object_set_new(row, "account", client_json_of_text(client_book_text(order->row, "account_name")));
    (void)json_object_set_new(row, "by", client_json_of_text(client_book_text(asked, "requester")));
    (void)json_object_set_new(row, "discount_bp", json_integer(order->discount_bp));
    (void)json_object_set_new(row, "total_minor", order->has_total ? json_integer(order->total) : json_null());
    (void)json_object_set_new(row, "currency", client_json_of_text(order->currency));
    (void)json_object_set_new(row, "state", json_string(state));
    bool other = !hash || strcmp(hash, order->hash) != 0;
    (void)json_object_set_new(row, "version", json_string(other ? "another version" : "as it is"));
    (void)json_object_set_new(row, "order_id", json_string(order->id));
    return row;
}

static enum sat_err list(struct satchel *satchel, satchel_row_fn row, void *context)
{
    static const char sql[] = "SELECT a.id AS id, a.about AS about, a.content_hash AS content_hash, u.name AS requester"
                              " FROM approval AS a JOIN \"order\" AS o ON o.id = a.about LEFT JOIN \"user\" AS u ON"
                              " u.id = a.requester WHERE a.kind = 'discount' GROUP BY a.id ORDER BY a.id";
    json_t *rows, *asked;
    size_t index;
    bool more = true;
    enum sat_err err = client_book_ask(satchel, sql, NULL, 0, &rows);
    json_array_foreach(rows, index, asked)
    {
        struct sat_arena arena;
        struct client_order order = {0};
        const char *state = NULL;
        if (err || !more) break;
        sat_arena_init(&arena);
        err = state_of(satchel, client_book_text(asked, "id"), &arena, &state);
        bool waits = !err && (strcmp(state, "requested") == 0 || strcmp(state, "disputed") == 0);
        if (waits) err = client_order_load(satchel, client_book_text(asked, "about"), &arena, &order);
        if (waits && !err) more = client_give_row(row, context, row_of(&order, asked, state, &arena));
        client_order_free(&order);
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

/* The request that is meant: an approval, or an order, whose newest one it is. */
static enum sat_err find_request(struct satchel *satchel, const char *named, struct sat_arena *arena, json_t **out)
{
    static const char sql[] = "SELECT id, about, content_hash FROM approval WHERE id = ?1 ORDER BY territory LIMIT 1";
    char id[SATCHEL_ID_SIZE];
    const char *value = id;
    enum sat_err err = client_book_find(satchel, "approval", named, id);
    if (!err) err = client_book_ask_one(satchel, sql, &value, 1, out);
    if (!err && *out) return SAT_OK;
    if (err && err != SAT_ERR_NOT_FOUND) return err;
    struct client_order order = {0};
    struct client_approval approval = {0};
    err = client_book_find(satchel, "order", named, id);
    if (!err) err = client_order_load(satchel, id, arena, &order);
    if (!err) err = client_approval_of(satchel, &order, arena, &approval);
    client_order_free(&order);
    if (err == SAT_ERR_NOT_FOUND)
        return sat_fail(&satchel->fault, err, "there is no approval, and no order, \"%.60s\" here",
                        sat_utf8_shown(arena, named));
    value = approval.id ? approval.id : approval.other;
    if (!err && !value)
        err = sat_fail(&satchel->fault, SAT_ERR_NOT_FOUND, "nobody has asked for an approval of order %s", id);
    return err ? err : client_book_ask_one(satchel, sql, &value, 1, out);
}

/* A yes to what nobody asks for any more would be one to something else. */
static enum sat_err check_version(struct satchel *satchel, const json_t *asked, const struct client_order *order,
                                  struct sat_arena *arena)
{
    const char *hash = client_book_text(asked, "content_hash");
    if (hash && strcmp(hash, order->hash) == 0) return SAT_OK;
    return sat_fail(&satchel->fault, SAT_ERR_INVALID,
                    "approval %s was asked for another version of order %s, which was changed since: who sells submits"
                    " it again (rule M08-6)",
                    client_book_text(asked, "id"), client_order_called(order->row, arena));
}

static enum sat_err decide(struct satchel *satchel, const json_t *asked, bool yes, const char *reason)
{
    struct satchel_tx *tx;
    struct client_book_self self;
    const char *id = client_book_text(asked, "id");
    enum sat_err err = client_book_self(satchel, &self);
    if (!err) err = (enum sat_err)satchel_begin(satchel, &tx);
    if (err) return err;
    err = (enum sat_err)satchel_step(tx, "approval", id, yes ? "approved" : "rejected", reason, NULL);
    if (!err) {
        const char *role = self.duties & SAT_DUTY_MANAGER ? "manager" : "finance";
        json_t *fields = json_object();
        (void)json_object_set_new(fields, "decisions", json_pack("{s:s}", role, yes ? "yes" : "no"));
        err = client_book_put(tx, "approval", id, fields, NULL);
    }
    return client_book_end(tx, err);
}

static enum sat_err approve(struct satchel *satchel, const char *named, bool yes, const char *reason,
                            struct sat_arena *arena, char **json)
{
    json_t *asked = NULL, *told = NULL;
    struct client_order order = {0};
    enum sat_err err = find_request(satchel, named, arena, &asked);
    const char *about = client_book_text(asked, "about");
    if (!err && !about) err = sat_fail(&satchel->fault, SAT_ERR_INVALID, "approval \"%.60s\" is about nothing", named);
    if (!err) err = client_order_load(satchel, about, arena, &order);
    if (!err && yes) err = check_version(satchel, asked, &order, arena);
    if (!err) err = decide(satchel, asked, yes, reason);
    if (!err) {
        told = json_object();
        client_book_set(told, "approval", client_book_text(asked, "id"));
        client_book_set(told, "state", yes ? "approved" : "rejected");
        client_book_set(told, "order", order.id);
        (void)json_object_set_new(told, "synced", json_false());
        *json = client_json_text(told);
    }
    client_order_free(&order);
    json_decref(asked);
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
