/* Plans of visits: a day's, in an order. */
#include <stdio.h>
#include <string.h>

#include "client/book/visit.h"
#include "client/book/writing.h"
#include "client/json.h"

struct planning {
    struct satchel *satchel;
    struct client_book_self self;
    char today[CLIENT_BOOK_DAY_SIZE], person[SATCHEL_ID_SIZE];
    struct client_visit_account account;
    json_t *plan; /* the row of the plan that there is; NULL: none */
    struct satchel_tx *tx;
};

static enum sat_err begin(struct planning *it, struct satchel *satchel)
{
    *it = (struct planning){.satchel = satchel};
    client_begin(satchel);
    client_book_today(it->today);
    enum sat_err err = client_book_self(satchel, &it->self);
    memcpy(it->person, it->self.id, sizeof it->person);
    return err;
}

static int end(struct planning *it, enum sat_err err, json_t *told, char **json)
{
    satchel_free(it->account.family);
    json_decref(it->plan);
    *json = err ? NULL : client_json_text(told);
    if (err) json_decref(told);
    return client_end(it->satchel, err);
}

static enum sat_err check_day(struct planning *it, const char *day)
{
    if (day && client_date_valid(sat_span_text(day))) return SAT_OK;
    return sat_fail(&it->satchel->fault, SAT_ERR_INVALID, "a day is YYYY-MM-DD, not \"%.40s\"", day ? day : "");
}

#define COLUMNS                                                                                                        \
    "SELECT id, account, person, on_date, seq, purpose, COALESCE(state, 'planned') AS state FROM visit_plan "

static enum sat_err find_on(struct planning *it, const char *day)
{
    const char *values[] = {it->account.family, it->person, day};
    return client_book_ask_one(it->satchel,
                               COLUMNS "WHERE account IN (SELECT value FROM json_each(?1)) AND person = ?2 AND"
                                       " on_date = ?3 ORDER BY seq, id LIMIT 1",
                               values, 3, &it->plan);
}

/* The last of the day comes after those that are planned already. */
static enum sat_err next_seq(struct planning *it, const char *day, json_int_t *seq)
{
    const char *values[] = {it->person, day};
    json_t *row;
    enum sat_err err = client_book_ask_one(
        it->satchel, "SELECT COALESCE(MAX(seq), 0) + 1 AS seq FROM visit_plan WHERE person = ?1 AND on_date = ?2",
        values, 2, &row);
    *seq = client_book_integer(row, "seq", 1);
    json_decref(row);
    return err;
}

static enum sat_err put_plan(struct planning *it, const char *day, const char *purpose, json_int_t seq,
                             char id[SATCHEL_ID_SIZE])
{
    json_int_t next = seq;
    enum sat_err err = seq ? SAT_OK : next_seq(it, day, &next);
    if (err) return err;
    json_t *fields = json_pack("{s:s, s:s, s:s, s:I, s:s}", "account", it->account.id, "person", it->person, "on_date",
                               day, "seq", next, "planned_by", it->self.id);
    client_book_set(fields, "purpose", purpose);
    return client_book_put(it->tx, "visit_plan", NULL, fields, id);
}

static enum sat_err change_plan(struct planning *it, const char *day, const char *purpose, json_int_t seq,
                                char id[SATCHEL_ID_SIZE])
{
    const char *state = client_book_text(it->plan, "state"), *known = client_book_text(it->plan, "id");
    if (strcmp(state, "planned") != 0)
        return sat_fail(&it->satchel->fault, SAT_ERR_INVALID,
                        "that visit of %.10s is %s already: visit start makes another one, without a plan", day, state);
    json_t *fields = json_object();
    if (seq) (void)json_object_set_new(fields, "seq", json_integer(seq));
    client_book_set(fields, "purpose", purpose);
    return client_book_put(it->tx, "visit_plan", known, fields, id);
}

static json_t *told(const struct planning *it, const char *id, const char *day, const char *state)
{
    return json_pack("{s:s, s:s, s:s, s:s}", "plan", id, "account", it->account.id, "on", day, "state", state);
}

int satchel_visit_plan(struct satchel *satchel, const char *account, const char *on,
                       const struct satchel_plan_options *options, char **json)
{
    struct planning it;
    static const struct satchel_plan_options none;
    char id[SATCHEL_ID_SIZE] = "";
    if (!options) options = &none;
    enum sat_err err = begin(&it, satchel);
    if (!err) err = check_day(&it, on);
    if (!err) err = client_visit_account(satchel, account, &it.account);
    if (!err && options->person) err = client_book_find(satchel, "user", options->person, it.person);
    if (!err) err = find_on(&it, on);
    if (!err) err = (enum sat_err)satchel_begin(satchel, &it.tx);
    if (!err) {
        err = (it.plan ? change_plan : put_plan)(&it, on, options->purpose, options->seq, id);
        err = client_book_end(it.tx, err);
    }
    return end(&it, err, err ? NULL : told(&it, id, on, "planned"), json);
}

/* By its id, or by the account that is planned for that day. */
static enum sat_err find_plan(struct planning *it, const char *named, const char *day)
{
    char id[SATCHEL_ID_SIZE] = "";
    const char *found = id;
    bool hexadecimal = named && strlen(named) >= 6 && !named[strspn(named, "0123456789abcdefABCDEF-")];
    if (hexadecimal && !client_book_find(it->satchel, "visit_plan", named, id)) {
        enum sat_err err = client_book_ask_one(it->satchel, COLUMNS "WHERE id = ?1", &found, 1, &it->plan);
        const char *person = client_book_text(it->plan, "person");
        if (person) (void)snprintf(it->person, sizeof it->person, "%s", person);
        if (!err && it->plan)
            err = client_visit_account(it->satchel, client_book_text(it->plan, "account"), &it->account);
        if (!err && it->plan && !client_book_text(it->plan, "on_date"))
            err = sat_fail(&it->satchel->fault, SAT_ERR_INVALID, "visit_plan %s has no day: put its on_date first", id);
        if (err || it->plan) return err;
    }
    it->satchel->fault = (struct sat_fault){0};
    enum sat_err err = day ? check_day(it, day) : SAT_OK;
    if (!err) err = client_visit_account(it->satchel, named, &it->account);
    if (!err) err = find_on(it, day ? day : it->today);
    if (err || it->plan) return err;
    return sat_fail(&it->satchel->fault, SAT_ERR_NOT_FOUND, "no visit of \"%.80s\" is planned for %.10s", named,
                    day ? day : it->today);
}

int satchel_visit_skip(struct satchel *satchel, const char *plan, const char *on, const char *reason, char **json)
{
    struct planning it;
    const char *id = NULL;
    enum sat_err err = begin(&it, satchel);
    if (!err && (!reason || !*reason))
        err = sat_fail(&satchel->fault, SAT_ERR_INVALID, "a visit is skipped with a reason");
    if (!err) err = find_plan(&it, plan, on);
    if (!err) err = (enum sat_err)satchel_begin(satchel, &it.tx);
    if (!err) {
        id = client_book_text(it.plan, "id");
        err = (enum sat_err)satchel_step(it.tx, "visit_plan", id, "skipped", reason, NULL);
        if (!err) err = client_book_put(it.tx, "visit_plan", id, json_pack("{s:s}", "skip_reason", reason), NULL);
        err = client_book_end(it.tx, err);
    }
    return end(&it, err, err ? NULL : told(&it, id, client_book_text(it.plan, "on_date"), "skipped"), json);
}

int satchel_visit_move(struct satchel *satchel, const char *plan, const char *on, const char *to, const char *reason,
                       char **json)
{
    struct planning it;
    char id[SATCHEL_ID_SIZE] = "";
    json_t *moved = NULL;
    enum sat_err err = begin(&it, satchel);
    if (!err) err = check_day(&it, to);
    if (!err) err = find_plan(&it, plan, on);
    if (!err && strcmp(client_book_text(it.plan, "on_date"), to) == 0)
        err = sat_fail(&satchel->fault, SAT_ERR_INVALID, "it is planned for %.10s already", to);
    if (!err) {
        moved = it.plan;
        it.plan = NULL;
        err = find_on(&it, to);
    }
    if (!err) err = (enum sat_err)satchel_begin(satchel, &it.tx);
    if (!err) {
        const char *purpose = client_book_text(moved, "purpose"), *was = client_book_text(moved, "id");
        err = (enum sat_err)satchel_step(it.tx, "visit_plan", was, "moved", reason, NULL);
        if (!err) err = (it.plan ? change_plan : put_plan)(&it, to, purpose, 0, id);
        err = client_book_end(it.tx, err);
    }
    json_t *out = err ? NULL : told(&it, id, to, "planned");
    if (out) (void)json_object_set(out, "moved", json_object_get(moved, "id"));
    json_decref(moved);
    return end(&it, err, out, json);
}
