/* The ladder of reminders: which step of what is owed is due, each made a task once, on whatever device. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "client/book/money.h"
#include "client/book/trade.h"
#include "client/rows.h"

enum { LEVELS = 7 };

static const struct rung {
    int64_t days; /* after the day on which it is due */
    const char *step;
    enum { REP, MANAGER, REGION, FINANCE, LEGAL } who;
} ladder[LEVELS] = {
    {-7, "reminder", REP},   {-3, "draft to the customer", REP},      {0, "due today", REP},
    {1, "overdue", MANAGER}, {7, "region head, call script", REGION}, {15, "finance, hold deliveries", FINANCE},
    {30, "legal", LEGAL}};

/* ---- Who ---- */

/* The person's record whom a step is for; "": nobody in particular. */
static enum sat_err find_person(struct satchel *satchel, const struct client_receivable *owed, int who,
                                char out[SATCHEL_ID_SIZE])
{
    static const char line[] =
        "SELECT a.owner AS owner, u.line_manager AS manager, v.line_manager AS region, (SELECT MIN(f.id) FROM \"user\""
        " AS f, json_each(f.roles) AS r WHERE r.value = 'finance') AS finance FROM account AS a LEFT JOIN \"user\" AS u"
        " ON u.id = a.owner LEFT JOIN \"user\" AS v ON v.id = u.line_manager WHERE a.id = ?1";
    static const char *const columns[] = {
        [REP] = "owner", [MANAGER] = "manager", [REGION] = "region", [FINANCE] = "finance", [LEGAL] = "finance"};
    json_t *row = NULL;
    out[0] = '\0';
    if (!owed->account) return SAT_OK;
    enum sat_err err = client_book_ask_one(satchel, line, &owed->account, 1, &row);
    const char *person = client_book_text(row, columns[who]);
    if (!person && who == REGION) person = client_book_text(row, "manager");
    if (person) (void)snprintf(out, SATCHEL_ID_SIZE, "%s", person);
    json_decref(row);
    return err;
}

/* ---- A step ---- */

static enum sat_err put_step(struct satchel_tx *tx, const char *receivable, int level)
{
    char now[CLIENT_TIME_TEXT_SIZE];
    client_book_now(now);
    json_t *fields = json_object();
    client_book_set(fields, "receivable", receivable);
    (void)json_object_set_new(fields, "level", json_integer(level));
    client_book_set(fields, "done_at", now);
    enum sat_err err = client_book_put(tx, "dunning_step", NULL, fields, NULL);
    if (err) return err;
    return client_book_put(tx, "receivable", receivable, json_pack("{s:i}", "dunning_level", level), NULL);
}

/* The same on every device: whoever makes it makes the same record, and says the same. */
static enum sat_err put_task(struct satchel_tx *tx, const struct client_receivable *owed, int level, const char *day,
                             struct sat_arena *arena, char task[SATCHEL_ID_SIZE])
{
    char person[SATCHEL_ID_SIZE];
    const struct rung *rung = &ladder[level - 1];
    enum sat_err err = client_trade_following(tx->satchel, owed->id, "dunning", (uint32_t)level, task);
    if (!err) err = find_person(tx->satchel, owed, (int)rung->who, person);
    if (err) return err;
    json_t *fields = json_object();
    client_book_set(fields, "title",
                    sat_arena_format(arena, "Payment due %s, step %d: %s", owed->due, level, rung->step));
    client_book_set(fields, "account", owed->account);
    client_book_set(fields, "origin", owed->id);
    client_book_set(fields, "due", day);
    if (person[0]) client_book_set(fields, "owner", person);
    return client_book_put(tx, "task", task, fields, NULL);
}

/* ---- What is open of them ---- */

enum sat_err client_dunning_stop(struct satchel_tx *tx, const char *receivable, struct sat_arena *arena)
{
    static const char sql[] = "SELECT DISTINCT id FROM task WHERE origin = ?1";
    json_t *rows;
    enum sat_err err = client_book_ask(tx->satchel, sql, &receivable, 1, &rows);
    for (uint32_t level = 1; !err && json_array_size(rows) && level <= LEVELS; level++) {
        char task[SATCHEL_ID_SIZE];
        bool here = false;
        struct client_standing standing;
        err = client_trade_following(tx->satchel, receivable, "dunning", level, task);
        if (!err) err = client_trade_is_here(tx->satchel, task, &here);
        if (err || !here) continue;
        err = client_standing_get(tx->satchel, tx, "task", task, arena, &standing);
        if (!err && !standing.state.disputed && standing.state.state == 0)
            err = (enum sat_err)satchel_step(tx, "task", task, "cancelled", "paid", NULL);
    }
    json_decref(rows);
    return err;
}

/* ---- All that are due ---- */

struct dunning {
    struct satchel *satchel;
    struct satchel_tx *tx; /* NULL: only told */
    struct sat_arena *arena;
    char day[CLIENT_BOOK_DAY_SIZE];
    satchel_row_fn row;
    void *context;
    bool more;
    json_t *told; /* rows, given out when all is stored */
};

/* The steps of a receivable that are due, and that nobody has taken, with the day on which each was. */
static enum sat_err steps_due(struct dunning *it, const struct client_receivable *owed, json_t **out)
{
    static const char sql[] =
        "SELECT CAST(j.key AS INTEGER) + 1 AS level, date(?1, j.value || ' days') AS day FROM json_each(?2) AS j WHERE"
        " date(?1, j.value || ' days') <= ?3 AND NOT EXISTS (SELECT 1 FROM dunning_step AS d WHERE d.receivable = ?4"
        " AND d.level = CAST(j.key AS INTEGER) + 1 AND d.done_at IS NOT NULL) ORDER BY level";
    const char *days = "[";
    for (int i = 0; i < LEVELS; i++)
        days = sat_arena_format(it->arena, "%s%s%" PRId64, days, i ? "," : "", ladder[i].days);
    const char *const values[] = {owed->due, sat_arena_format(it->arena, "%s]", days), it->day, owed->id};
    return client_book_ask(it->satchel, sql, values, 4, out);
}

static enum sat_err take_step(struct dunning *it, const struct client_receivable *owed, const json_t *step)
{
    int level = (int)client_book_integer(step, "level", 1);
    const char *day = client_book_text(step, "day");
    char task[SATCHEL_ID_SIZE] = "";
    enum sat_err err = SAT_OK;
    if (it->tx) err = put_step(it->tx, owed->id, level);
    if (it->tx && !err) err = put_task(it->tx, owed, level, day, it->arena, task);
    if (err) return err;
    json_t *told = json_object();
    (void)json_object_set_new(told, "account", client_json_of_text(client_book_text(owed->row, "account_name")));
    client_book_set(told, "due", owed->due);
    (void)json_object_set_new(told, "outstanding_minor", json_integer(owed->outstanding));
    (void)json_object_set_new(told, "currency", client_json_of_text(owed->currency));
    (void)json_object_set_new(told, "level", json_integer(level));
    client_book_set(told, "step", ladder[level - 1].step);
    client_book_set(told, "on", day);
    client_book_set(told, "receivable", owed->id);
    if (task[0]) client_book_set(told, "task", task);
    return json_array_append_new(it->told, told) ? SAT_ERR_NO_MEMORY : SAT_OK;
}

/* Where this device may not write somebody else's does it. */
static enum sat_err look_at(struct dunning *it, const struct client_receivable *owed)
{
    json_t *steps = NULL, *step;
    size_t index;
    enum sat_err err = SAT_OK;
    if (!owed->known || !owed->due) return SAT_OK;
    if (owed->outstanding <= 0) {
        if (it->tx) err = client_dunning_stop(it->tx, owed->id, it->arena);
        return err == SAT_ERR_DENIED ? SAT_OK : err;
    }
    err = steps_due(it, owed, &steps);
    json_array_foreach(steps, index, step)
    {
        if (!err) err = take_step(it, owed, step);
    }
    json_decref(steps);
    return err == SAT_ERR_DENIED ? SAT_OK : err;
}

static enum sat_err run(struct dunning *it)
{
    struct client_receivables owed;
    size_t index;
    json_t *row;
    enum sat_err err = client_receivables_get(it->satchel, NULL, it->arena, &owed);
    for (size_t i = 0; !err && i < owed.n; i++) err = look_at(it, &owed.at[i]);
    client_receivables_free(&owed);
    if (it->tx) err = client_book_end(it->tx, err);
    json_array_foreach(it->told, index, row) if (!err && it->more) it->more =
        client_give_row(it->row, it->context, json_incref(row));
    return err;
}

int satchel_dunning(struct satchel *satchel, const char *day, int dry_run, satchel_row_fn row, void *context)
{
    struct sat_arena arena;
    client_begin(satchel);
    sat_arena_init(&arena);
    struct dunning it = {
        .satchel = satchel, .arena = &arena, .row = row, .context = context, .more = true, .told = json_array()};
    enum sat_err err = client_trade_day(satchel, day, dry_run != 0, it.day);
    if (!err && !dry_run) err = (enum sat_err)satchel_begin(satchel, &it.tx);
    if (!err) err = run(&it);
    json_decref(it.told);
    sat_arena_deinit(&arena);
    return client_end(satchel, err);
}
