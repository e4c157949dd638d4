/* Orders on their way: shown, submitted, moved. */
#include "client/book/order.h"

#include <string.h>

#include "client/book/approval.h"
#include "client/book/trade.h"
#include "common/base/utf8.h"

/* ---- Submitting ---- */

static enum sat_err check_whole(struct satchel *satchel, const struct client_order *order, struct sat_arena *arena)
{
    const char *called = client_order_called(order->row, arena), *lacks = NULL;
    if (!order->account) lacks = "an account";
    if (!order->currency) lacks = "a currency";
    if (!order->lines_n) lacks = "a line";
    if (!order->has_total) lacks = "a total, which is more than an amount can be";
    for (size_t i = 0; i < order->lines_n; i++)
        if (!order->lines[i].whole || !order->lines[i].product) lacks = "product, quantity or price of a line";
    if (lacks)
        return sat_fail(&satchel->fault, SAT_ERR_INVALID, "order %s is not submitted: it lacks %s (order %s)", called,
                        lacks, order->id);
    const char *state = client_order_state(order);
    if (order->standing.state.disputed || strcmp(state, "cancelled") == 0)
        return sat_fail(&satchel->fault, SAT_ERR_INVALID, "order %s is %s, and is not submitted (order %s)", called,
                        order->standing.state.disputed ? "disputed" : state, order->id);
    return SAT_OK;
}

static enum sat_err put_submitted(struct satchel_tx *tx, const char *type, const char *id, const char *now)
{
    json_t *fields = json_object();
    client_book_set(fields, "submitted_at", now);
    return client_book_put(tx, type, id, fields, NULL);
}

/* The order and its lines; once more also lines that came to it since, and what is to be asked for then. */
static enum sat_err submit(struct satchel *satchel, struct client_order *order, struct sat_arena *arena)
{
    struct satchel_tx *tx;
    struct client_approval approval;
    struct client_book_self self;
    char now[CLIENT_TIME_TEXT_SIZE];
    client_book_now(now);
    enum sat_err err = check_whole(satchel, order, arena);
    if (!err) err = client_book_self(satchel, &self);
    if (!err && !order->submitted_at) { /* by whom it is, from here on */
        order->user = self.user;
        order->role = self.role;
    }
    if (!err) err = client_approval_of(satchel, order, arena, &approval);
    if (!err) err = (enum sat_err)satchel_begin(satchel, &tx);
    if (err) return err;
    if (!order->submitted_at) err = put_submitted(tx, "order", order->id, now);
    for (size_t i = 0; i < order->lines_n && !err; i++) {
        const json_t *line = order->lines[i].row;
        if (!client_book_text(line, "submitted_at"))
            err = put_submitted(tx, "order_line", client_book_text(line, "id"), now);
    }
    if (!err) err = client_approval_ask(tx, order, &approval, arena);
    return client_book_end(tx, err);
}

/* ---- Moving ---- */

/* Too late for a cancelling: then it is a request to those who have it in hand (rule M10-1). */
static bool is_too_late(const struct client_order *order, const char *to)
{
    const char *state = client_order_state(order);
    return strcmp(to, "cancelled") == 0 && !order->standing.state.disputed &&
           (strcmp(state, "shipping") == 0 || strcmp(state, "delivered") == 0);
}

static enum sat_err put_request(struct satchel_tx *tx, const struct client_order *order, const char *reason,
                                struct sat_arena *arena)
{
    char id[SATCHEL_ID_SIZE], now[CLIENT_TIME_TEXT_SIZE];
    json_t *fields = json_object();
    enum sat_err err = client_trade_following(tx->satchel, order->id, "cancel request", 0, id);
    client_book_now(now);
    client_book_set(fields, "order", order->id);
    client_book_set(fields, "kind", "exception");
    client_book_set(fields, "note",
                    sat_arena_format(arena, "cancel request%s%s", reason ? ": " : "", reason ? reason : ""));
    client_book_set(fields, "at", now);
    if (!err) return client_book_put_in(tx, order->territory, "order_event", id, fields);
    json_decref(fields);
    return err;
}

struct act {
    enum { SHOW, SUBMIT, MOVE, NOTE } what;
    const char *to, *reason, *answers; /* of a move */
    const char *kind, *text, *eta;     /* of a note */
};

static enum sat_err move(struct satchel *satchel, const struct client_order *order, const struct act *act,
                         struct sat_arena *arena)
{
    struct satchel_tx *tx;
    if (act->answers && strcmp(act->to, "reviewed") != 0)
        return sat_fail(&satchel->fault, SAT_ERR_INVALID, "answers are for a review: %.20s takes none", act->to);
    enum sat_err err = (enum sat_err)satchel_begin(satchel, &tx);
    if (err) return err;
    if (is_too_late(order, act->to))
        err = put_request(tx, order, act->reason, arena);
    else
        err = client_book_step(tx, "order", order->id, act->to, act->reason, act->answers, NULL);
    return client_book_end(tx, err);
}

/* ---- What happens on the way ---- */

/* Who has the account tells its customer, as soon as he hears of it. */
static enum sat_err put_task(struct satchel_tx *tx, const struct client_order *order, const char *event,
                             const char *text, struct sat_arena *arena)
{
    static const char sql[] = "SELECT owner FROM account WHERE id = ?1 ORDER BY territory = ?2 DESC, territory LIMIT 1";
    const char *const values[] = {order->account, order->territory};
    char id[SATCHEL_ID_SIZE], today[CLIENT_BOOK_DAY_SIZE];
    json_t *row = NULL;
    enum sat_err err = client_trade_following(tx->satchel, event, "exception", 0, id);
    if (!err) err = client_book_ask_one(tx->satchel, sql, values, 2, &row);
    if (err) return err;
    client_book_today(today);
    json_t *fields = json_object();
    client_book_set(
        fields, "title",
        sat_arena_format(arena, "Tell the customer: order %s: %s", client_order_called(order->row, arena), text));
    client_book_set(fields, "account", order->account);
    client_book_set(fields, "origin", event);
    client_book_set(fields, "due", today);
    client_book_set(fields, "owner", client_book_text(row, "owner"));
    json_decref(row);
    return client_book_put(tx, "task", id, fields, NULL);
}

static enum sat_err note(struct satchel *satchel, const struct client_order *order, const char *kind, const char *text,
                         const char *eta, struct sat_arena *arena)
{
    struct satchel_tx *tx;
    char event[SATCHEL_ID_SIZE], now[CLIENT_TIME_TEXT_SIZE], day[CLIENT_BOOK_DAY_SIZE];
    bool exception = strcmp(kind, "exception") == 0;
    enum sat_err err = eta ? client_trade_day(satchel, eta, true, day) : SAT_OK;
    if (!err) err = (enum sat_err)satchel_begin(satchel, &tx);
    if (err) return err;
    json_t *fields = json_object();
    client_book_now(now);
    client_book_set(fields, "order", order->id);
    client_book_set(fields, "kind", kind);
    client_book_set(fields, "note", text);
    client_book_set(fields, "eta", eta);
    client_book_set(fields, "at", now);
    err = client_book_put(tx, "order_event", NULL, fields, event);
    if (!err && exception && order->account) err = put_task(tx, order, event, text, arena);
    return client_book_end(tx, err);
}

/* ---- The calls ---- */

static enum sat_err do_it(struct satchel *satchel, const char *named, const struct act *act, struct sat_arena *arena,
                          char **json)
{
    char id[SATCHEL_ID_SIZE];
    struct client_order order = {0};
    json_t *told = NULL;
    enum sat_err err = client_book_find(satchel, "order", named, id);
    if (!err) err = client_order_load(satchel, id, arena, &order);
    if (!err && act->what == SUBMIT) err = submit(satchel, &order, arena);
    if (!err && act->what == MOVE) err = move(satchel, &order, act, arena);
    if (!err && act->what == NOTE) err = note(satchel, &order, act->kind, act->text, act->eta, arena);
    if (!err && act->what != SHOW) {
        client_order_free(&order);
        err = client_order_load(satchel, id, arena, &order);
    }
    if (!err) err = client_order_tell(satchel, &order, arena, &told);
    if (told) *json = client_json_text(told);
    client_order_free(&order);
    return err;
}

static int call(struct satchel *satchel, const char *named, const struct act *act, char **json)
{
    struct sat_arena arena;
    *json = NULL;
    client_begin(satchel);
    sat_arena_init(&arena);
    enum sat_err err = client_book_check_typed(satchel, act->reason);
    if (!err) err = client_book_check_typed(satchel, act->text);
    if (!err) err = do_it(satchel, named, act, &arena, json);
    sat_arena_deinit(&arena);
    return client_end(satchel, err);
}

int satchel_order_show(struct satchel *satchel, const char *order, char **json)
{
    return call(satchel, order, &(struct act){.what = SHOW}, json);
}

int satchel_order_submit(struct satchel *satchel, const char *order, char **json)
{
    return call(satchel, order, &(struct act){.what = SUBMIT}, json);
}

int satchel_order_move(struct satchel *satchel, const char *order, const char *to, const char *reason,
                       const char *answers, char **json)
{
    struct act act = {.what = MOVE, .to = to ? to : "", .reason = reason, .answers = answers};
    return call(satchel, order, &act, json);
}

int satchel_order_note(struct satchel *satchel, const char *order, const char *kind, const char *text, const char *eta,
                       char **json)
{
    struct act act = {.what = NOTE, .kind = kind ? kind : "", .text = text ? text : "", .eta = eta};
    return call(satchel, order, &act, json);
}
