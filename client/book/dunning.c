/* The ladder of reminders: which step of what is owed is due, each made a task once, on whatever device. What is odd,
 * or cannot be written, is left out and told; it stops nothing else. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "client/book/money.h"
#include "client/book/trade.h"
#include "client/rows.h"
#include "client/tx.h"
#include "common/base/utf8.h"

enum { LEVELS = 7 };

static const struct rung {
    int64_t days; /* after the day on which it is due */
    const char *step;
    enum { REP, MANAGER, REGION, FINANCE, LEGAL } who;
} ladder[LEVELS] = {
    {-7, "reminder", REP},   {-3, "draft to the customer", REP},      {0, "due today", REP},
    {1, "overdue", MANAGER}, {7, "region head, call script", REGION}, {15, "finance, hold deliveries", FINANCE},
    {30, "legal", LEGAL}};

struct dunning {
    struct satchel *satchel;
    struct satchel_tx *tx; /* NULL: only told */
    struct sat_arena *arena;
    char day[CLIENT_BOOK_DAY_SIZE];
    struct client_receivables owed;
    const char **why; /* beside them, why one is left out; "": nobody needs to hear of it; NULL: it is not */
    json_t *taken;    /* {receivable and territory: [rows of the levels that were taken]} */
    json_t *people;   /* {account and territory: [who has it, and above]} */
    json_t *open;     /* {receivable and territory: [its tasks that are open, rows of id and territory]} */
    bool halfway;     /* the transaction has a part of what was to be taken back */
    json_t *told;     /* rows, given out when all is stored */
};

/* ---- What is known of all of them ---- */

/* Each counts in its own territory: what another one has under the same id is another one's. */
static const char *key_of(const char *id, const char *territory, struct sat_arena *arena)
{
    return sat_arena_format(arena, "%s %s", id ? id : "", territory ? territory : "");
}

/* {key: [rows]} of a statement. */
static enum sat_err group(struct satchel *satchel, const char *sql, const char *const *values, size_t n, json_t **out)
{
    json_t *rows, *row;
    size_t index;
    enum sat_err err = client_book_ask(satchel, sql, values, n, &rows);
    *out = json_object();
    json_array_foreach(rows, index, row)
    {
        const char *key = client_book_text(row, "key");
        if (!json_object_get(*out, key)) (void)json_object_set_new(*out, key, json_array());
        (void)json_array_append(json_object_get(*out, key), row);
    }
    json_decref(rows);
    return err;
}

/* Who is asked about a step, of each account that owes something. */
static enum sat_err find_people(struct dunning *it)
{
    static const char sql[] =
        "SELECT a.id || ' ' || a.territory AS key, a.owner AS owner, u.line_manager AS manager, v.line_manager AS"
        " region, (SELECT MIN(f.id) FROM \"user\" AS f, json_each(f.roles) AS r WHERE r.value = 'finance') AS finance"
        " FROM account AS a LEFT JOIN \"user\" AS u ON u.id = a.owner LEFT JOIN \"user\" AS v ON v.id = u.line_manager"
        " WHERE a.id IN (SELECT account FROM receivable)";
    return group(it->satchel, sql, NULL, 0, &it->people);
}

static enum sat_err find_taken(struct dunning *it)
{
    static const char sql[] =
        "SELECT receivable || ' ' || territory AS key, level FROM dunning_step WHERE done_at IS NOT NULL AND receivable"
        " IS NOT NULL AND level BETWEEN 1 AND 7 AND elsewhere IS NOT 1";
    return group(it->satchel, sql, NULL, 0, &it->taken);
}

/* Tasks that are open; of one receivable, or of all (NULL). One that was moved to where there is no such receivable is
 * still of the one that it follows from. */
static enum sat_err find_open(struct satchel *satchel, const char *receivable, json_t **out)
{
    static const char sql[] =
        "SELECT DISTINCT r.id || ' ' || r.territory AS key, t.id AS id, t.territory AS territory FROM task AS t JOIN"
        " receivable AS r ON r.id = t.origin WHERE COALESCE(t.state, 'open') = 'open' AND t.state_disputed IS NULL AND"
        " (?1 IS NULL OR r.id = ?1) AND (t.territory = r.territory OR NOT EXISTS (SELECT 1 FROM receivable AS q WHERE"
        " q.id = r.id AND q.territory = t.territory))";
    return group(satchel, sql, &receivable, 1, out);
}

/* The person's record whom a step is for; NULL: nobody in particular. */
static const char *person_of(const struct dunning *it, const struct client_receivable *owed, int who)
{
    static const char *const columns[] = {
        [REP] = "owner", [MANAGER] = "manager", [REGION] = "region", [FINANCE] = "finance", [LEGAL] = "finance"};
    const json_t *row =
        json_array_get(json_object_get(it->people, key_of(owed->account, owed->territory, it->arena)), 0);
    const char *person = client_book_text(row, columns[who]);
    return person || who != REGION ? person : client_book_text(row, "manager");
}

/* ---- A step ---- */

static enum sat_err put_step(struct satchel_tx *tx, const struct client_receivable *owed, int level)
{
    char now[CLIENT_TIME_TEXT_SIZE];
    client_book_now(now);
    json_t *fields = json_object();
    client_book_set(fields, "receivable", owed->id);
    (void)json_object_set_new(fields, "level", json_integer(level));
    client_book_set(fields, "done_at", now);
    return client_book_put_in(tx, owed->territory, "dunning_step", NULL, fields);
}

/* The same on every device: whoever makes it makes the same record, and says the same. */
static enum sat_err put_task(const struct dunning *it, const struct client_receivable *owed, int level, const char *day,
                             char task[SATCHEL_ID_SIZE])
{
    const struct rung *rung = &ladder[level - 1];
    enum sat_err err = client_trade_following(it->satchel, owed->id, "dunning", (uint32_t)level, task);
    if (err) return err;
    json_t *fields = json_object();
    client_book_set(fields, "title",
                    sat_arena_format(it->arena, "Payment due %s, step %d: %s", owed->due, level, rung->step));
    client_book_set(fields, "account", owed->account);
    client_book_set(fields, "origin", owed->id);
    client_book_set(fields, "due", day);
    client_book_set(fields, "owner", person_of(it, owed, (int)rung->who));
    return client_book_put_in(it->tx, owed->territory, "task", task, fields);
}

/* ---- What is open of them ---- */

static bool is_reminder(struct satchel *satchel, const char *receivable, const char *task)
{
    bool is = false;
    for (uint32_t level = 1; level <= LEVELS && !is; level++) {
        char id[SATCHEL_ID_SIZE];
        is = !client_trade_following(satchel, receivable, "dunning", level, id) && strcmp(id, task) == 0;
    }
    return is;
}

static enum sat_err cancel(struct satchel_tx *tx, const char *task, const char *territory)
{
    struct sat_arena arena;
    struct client_standing standing;
    sat_arena_init(&arena);
    enum sat_err err = client_tx_enter(tx, territory, task);
    if (!err) err = client_standing_get(tx->satchel, tx, "task", task, &arena, &standing);
    if (!err && !standing.state.disputed && standing.state.state == 0)
        err = (enum sat_err)satchel_step(tx, "task", task, "cancelled", "paid", NULL);
    sat_arena_deinit(&arena);
    return err;
}

static const char *reason_of(struct satchel *satchel, enum sat_err err, struct sat_arena *arena)
{
    const char *text = satchel->fault.err == err && satchel->fault.text[0] ? satchel->fault.text : sat_err_text(err);
    return sat_arena_format(arena, "%s", text);
}

/* *left: why one of them stays open, NULL: none does. What may not be written here is for others to take back. */
static enum sat_err cancel_all(struct satchel_tx *tx, const char *receivable, const json_t *tasks,
                               struct sat_arena *arena, const char **left)
{
    size_t index;
    json_t *one;
    *left = NULL;
    json_array_foreach((json_t *)tasks, index, one)
    {
        const char *task = client_book_text(one, "id");
        if (!task || !is_reminder(tx->satchel, receivable, task)) continue;
        enum sat_err err = cancel(tx, task, client_book_text(one, "territory"));
        if (err && sat_err_is_local(err)) return err;
        if (err && err != SAT_ERR_DENIED)
            *left = sat_arena_format(arena, "its reminder %s stays: %s", task, reason_of(tx->satchel, err, arena));
    }
    return SAT_OK;
}

enum sat_err client_dunning_stop(struct satchel_tx *tx, const char *receivable, const char *territory,
                                 struct sat_arena *arena, const char **left)
{
    json_t *open;
    *left = NULL;
    enum sat_err err = find_open(tx->satchel, receivable, &open);
    const json_t *tasks = err ? NULL : json_object_get(open, key_of(receivable, territory, arena));
    if (!err) err = cancel_all(tx, receivable, tasks, arena, left);
    json_decref(open);
    return err;
}

/* ---- One receivable ---- */

static json_t *row_of(const struct client_receivable *owed)
{
    json_t *told = json_object();
    (void)json_object_set_new(told, "account", client_json_of_text(client_book_text(owed->row, "account_name")));
    (void)json_object_set_new(told, "due", client_json_of_text(owed->due));
    (void)json_object_set_new(told, "outstanding_minor", owed->known ? json_integer(owed->outstanding) : json_null());
    (void)json_object_set_new(told, "currency", client_json_of_text(owed->currency));
    return told;
}

/* Why nobody is reminded of it; NULL: it is as it should be. */
static const char *oddity_of(const struct client_receivable *owed, struct sat_arena *arena)
{
    if (!json_is_integer(json_object_get(owed->row, "amount"))) return "its amount is missing, or not shown to you";
    if (!owed->known) return "what is outstanding of it does not fit";
    if (!owed->currency || !*owed->currency) return "it has no currency";
    if (!owed->due) return "it has no day on which it is due";
    if (client_date_valid(sat_span_text(owed->due))) return NULL;
    return sat_arena_format(arena, "it is due on \"%s\", which is no day", sat_utf8_beginning(arena, owed->due, 40));
}

/* So many days after it is due; "": no day that can be written. */
static void day_after(const char *due, int64_t days, struct sat_arena *arena, char out[CLIENT_BOOK_DAY_SIZE])
{
    char text[CLIENT_TIME_TEXT_SIZE] = "";
    int64_t ms;
    int16_t offset;
    if (client_time_parse(sat_span_text(sat_arena_format(arena, "%.10sT12:00:00Z", due)), &ms, &offset))
        client_time_format(ms + days * INT64_C(86400000), 0, text);
    (void)snprintf(out, CLIENT_BOOK_DAY_SIZE, "%.10s", text);
}

static enum sat_err take_step(struct dunning *it, const struct client_receivable *owed, int level, const char *day)
{
    char task[SATCHEL_ID_SIZE] = "";
    enum sat_err err = SAT_OK;
    if (it->tx) err = put_step(it->tx, owed, level);
    if (it->tx && !err) err = put_task(it, owed, level, day, task);
    if (err) return err;
    json_t *told = row_of(owed);
    (void)json_object_set_new(told, "level", json_integer(level));
    client_book_set(told, "step", ladder[level - 1].step);
    client_book_set(told, "on", day);
    client_book_set(told, "receivable", owed->id);
    if (task[0]) client_book_set(told, "task", task);
    return json_array_append_new(it->told, told) ? SAT_ERR_NO_MEMORY : SAT_OK;
}

/* The steps that are due, and that nobody has taken. */
static enum sat_err take_steps(struct dunning *it, const struct client_receivable *owed)
{
    json_t *rows = json_object_get(it->taken, key_of(owed->id, owed->territory, it->arena)), *row;
    size_t index;
    int64_t taken = 0;
    json_array_foreach(rows, index, row) taken |= INT64_C(1) << client_book_integer(row, "level", 0);
    int highest = 0;
    enum sat_err err = SAT_OK;
    for (int level = 1; level <= LEVELS && !err; level++) {
        char day[CLIENT_BOOK_DAY_SIZE];
        if (taken >> level & 1) continue;
        day_after(owed->due, ladder[level - 1].days, it->arena, day);
        if (!day[0] || strcmp(day, it->day) > 0) continue;
        err = take_step(it, owed, level, day);
        highest = level;
    }
    if (err || !it->tx || !highest) return err;
    return client_book_put_in(it->tx, owed->territory, "receivable", owed->id,
                              json_pack("{s:i}", "dunning_level", highest));
}

/* What cannot be written is left out, all of it; only this device's own trouble is an error. Where this device may not
 * write at all somebody else's does it. */
static enum sat_err look_at(struct dunning *it, size_t i)
{
    const struct client_receivable *owed = &it->owed.at[i];
    uint32_t before = it->tx ? it->tx->n : 0;
    if (owed->known && owed->outstanding <= 0)
        return it->tx ? cancel_all(it->tx, owed->id,
                                   json_object_get(it->open, key_of(owed->id, owed->territory, it->arena)), it->arena,
                                   &it->why[i])
                      : SAT_OK;
    it->why[i] = oddity_of(owed, it->arena);
    if (it->why[i]) return SAT_OK;
    size_t rows = json_array_size(it->told);
    enum sat_err err = take_steps(it, owed);
    if (!err || sat_err_is_local(err)) return err;
    bool part = it->tx && it->tx->n != before;
    it->why[i] = err == SAT_ERR_DENIED && !part ? "" : reason_of(it->satchel, err, it->arena);
    it->halfway = it->halfway || part;
    while (json_array_size(it->told) > rows) (void)json_array_remove(it->told, json_array_size(it->told) - 1);
    return SAT_OK;
}

/* ---- All that are due ---- */

static enum sat_err look_at_all(struct dunning *it)
{
    enum sat_err err = SAT_OK;
    it->halfway = false;
    (void)json_array_clear(it->told);
    for (size_t i = 0; !err && i < it->owed.n; i++)
        if (!it->why[i]) err = look_at(it, i);
    return err;
}

/* Each in a transaction of its own: what one of them breaks when it is stored breaks no other. */
static enum sat_err run_apart(struct dunning *it)
{
    enum sat_err err = SAT_OK;
    (void)json_array_clear(it->told);
    for (size_t i = 0; !err && i < it->owed.n; i++) {
        size_t rows = json_array_size(it->told);
        if (it->why[i]) continue;
        it->halfway = false;
        err = (enum sat_err)satchel_begin(it->satchel, &it->tx);
        if (!err) err = look_at(it, i);
        if (!err && !it->halfway) {
            err = client_book_end(it->tx, SAT_OK);
            if (err && !sat_err_is_local(err)) it->why[i] = reason_of(it->satchel, err, it->arena);
            while (err && json_array_size(it->told) > rows)
                (void)json_array_remove(it->told, json_array_size(it->told) - 1);
            if (it->why[i]) err = SAT_OK;
        } else {
            satchel_rollback(it->tx);
        }
    }
    return err;
}

/* All in one transaction, and once more without what could be written only in part. */
static enum sat_err run_together(struct dunning *it)
{
    enum { TRIES_MAX = 3 };
    for (int tries = 0; tries < TRIES_MAX; tries++) {
        enum sat_err err = (enum sat_err)satchel_begin(it->satchel, &it->tx);
        if (!err) err = look_at_all(it);
        if (!err && !it->halfway) {
            err = client_book_end(it->tx, SAT_OK);
            return err && !sat_err_is_local(err) ? run_apart(it) : err;
        }
        satchel_rollback(it->tx);
        if (err) return err;
    }
    return run_apart(it);
}

static void tell_left_out(struct dunning *it)
{
    for (size_t i = 0; i < it->owed.n; i++) {
        if (!it->why[i] || !*it->why[i]) continue;
        json_t *told = row_of(&it->owed.at[i]);
        (void)json_object_set_new(told, "level", json_null());
        (void)json_object_set_new(told, "step", json_null());
        (void)json_object_set_new(told, "on", json_null());
        client_book_set(told, "receivable", it->owed.at[i].id);
        client_book_set(told, "skipped", it->why[i]);
        (void)json_array_append_new(it->told, told);
    }
}

static enum sat_err run(struct dunning *it, bool dry_run)
{
    enum sat_err err = client_receivables_get(it->satchel, NULL, it->arena, &it->owed);
    it->why = sat_arena_array(it->arena, it->owed.n, sizeof *it->why);
    memset(it->why, 0, it->owed.n * sizeof *it->why);
    if (!err) err = find_people(it);
    if (!err) err = find_taken(it);
    if (!err) err = find_open(it->satchel, NULL, &it->open);
    if (!err) err = dry_run ? look_at_all(it) : run_together(it);
    if (!err) tell_left_out(it);
    return err;
}

int satchel_dunning(struct satchel *satchel, const char *day, int dry_run, satchel_row_fn row, void *context)
{
    struct sat_arena arena;
    json_t *one;
    size_t index;
    bool more = true;
    client_begin(satchel);
    sat_arena_init(&arena);
    struct dunning it = {.satchel = satchel, .arena = &arena, .told = json_array()};
    enum sat_err err = client_trade_day(satchel, day, dry_run != 0, it.day);
    if (!err) err = run(&it, dry_run != 0);
    json_array_foreach(it.told, index, one)
    {
        if (!err && more) more = client_give_row(row, context, json_incref(one));
    }
    client_receivables_free(&it.owed);
    json_decref(it.taken);
    json_decref(it.people);
    json_decref(it.open);
    json_decref(it.told);
    sat_arena_deinit(&arena);
    return client_end(satchel, err);
}
