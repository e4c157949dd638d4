/* A visit from its preparation to its submission. */
#include "client/book/visit.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "client/book/account.h"
#include "client/book/evidence.h"
#include "client/book/writing.h"
#include "client/clocks.h"
#include "client/json.h"
#include "client/skew.h"
#include "client/tx.h"
#include "common/vault/derived.h"

struct visiting {
    struct satchel *satchel;
    struct sat_arena arena;
    struct client_book_self self;
    char now[CLIENT_TIME_TEXT_SIZE], today[CLIENT_BOOK_DAY_SIZE];
    const char *unsure; /* why this device's clock is no witness for the day; NULL: it is */
    struct client_visit_account account;
    struct client_template form, checklist;
    struct client_said said;
    json_t *visit;            /* the row of the visit that there is; NULL: a new one */
    char id[SATCHEL_ID_SIZE]; /* … its id, "" until it is put */
    json_t *plan;             /* the row of its plan; NULL: there is none */
    struct satchel_tx *tx;
};

/* ---- Beginning and end ---- */

/* Would the server's time be another day? Then a person has to say which one it is. */
static const char *doubt_clock(struct visiting *it)
{
    char day[CLIENT_BOOK_DAY_SIZE];
    int64_t skew_ms;
    if (!client_skew_get(it->satchel, &skew_ms)) return NULL;
    client_book_day_of(client_now_ms() - (uint64_t)skew_ms, day);
    return strcmp(day, it->today) == 0 ? NULL : client_skew_text(skew_ms, &it->arena);
}

static enum sat_err begin(struct visiting *it, struct satchel *satchel)
{
    *it = (struct visiting){.satchel = satchel};
    client_begin(satchel);
    sat_arena_init(&it->arena);
    client_book_now(it->now);
    client_book_today(it->today);
    it->unsure = doubt_clock(it);
    enum sat_err err = client_book_self(satchel, &it->self);
    if (!err) err = client_template_newest(satchel, CLIENT_TEMPLATE_VISIT, it->today, &it->form);
    if (!err) err = client_template_newest(satchel, CLIENT_TEMPLATE_PREPARATION, it->today, &it->checklist);
    return err;
}

static int end(struct visiting *it, enum sat_err err)
{
    satchel_free(it->account.family);
    client_template_drop(&it->form);
    client_template_drop(&it->checklist);
    client_said_drop(&it->said);
    json_decref(it->visit);
    json_decref(it->plan);
    sat_arena_deinit(&it->arena);
    return client_end(it->satchel, err);
}

static enum sat_err fail(struct visiting *it, const char *text)
{
    return sat_fail(&it->satchel->fault, SAT_ERR_INVALID, "%s", text);
}

/* What was refused in passing, and stops nothing. */
static enum sat_err pass_over(struct visiting *it, enum sat_err err)
{
    if (err != SAT_ERR_INVALID && err != SAT_ERR_DENIED && err != SAT_ERR_EXISTS && err != SAT_ERR_NOT_FOUND)
        return err;
    it->satchel->fault = (struct sat_fault){0};
    return SAT_OK;
}

/* ---- Which visit ---- */

#define COLUMNS                                                                                                        \
    "SELECT id, COALESCE(state, 'draft') AS state, account, plan, person, template, local_date, started_at, "          \
    "next_steps,"                                                                                                      \
    " next_step FROM visit "

/* The version of the template that it was begun with, where it is here. */
static enum sat_err take_visit(struct visiting *it)
{
    const char *id = client_book_text(it->visit, "id"), *template = client_book_text(it->visit, "template");
    const char *account = client_book_text(it->visit, "account");
    (void)snprintf(it->id, sizeof it->id, "%s", id ? id : "");
    enum sat_err err = SAT_OK;
    if (!it->account.family && account) err = client_visit_account(it->satchel, account, &it->account);
    if (err || !template || strcmp(template, it->form.id) == 0) return err;
    client_template_drop(&it->form);
    return client_template_get(it->satchel, CLIENT_TEMPLATE_VISIT, template, &it->form);
}

/* One's own visits of the account that are not over, the one that was begun first. */
static enum sat_err find_open(struct visiting *it, const char *states, const char *day)
{
    const char *values[] = {it->account.family, it->self.id, states, day};
    return client_book_ask_one(it->satchel,
                               COLUMNS "WHERE account IN (SELECT value FROM json_each(?1)) AND person = ?2 AND"
                                       " COALESCE(state, 'draft') IN (SELECT value FROM json_each(?3)) AND (?4 IS NULL"
                                       " OR COALESCE(local_date, substr(started_at, 1, 10), ?4) = ?4)"
                                       " ORDER BY state = 'draft', id DESC LIMIT 1",
                               values, 4, &it->visit);
}

static enum sat_err find_only_open(struct visiting *it, const char *states)
{
    const char *values[] = {it->self.id, states};
    json_t *rows;
    enum sat_err err = client_book_ask(it->satchel,
                                       COLUMNS "WHERE person = ?1 AND COALESCE(state, 'draft') <> 'draft'"
                                               " AND state IN (SELECT value FROM json_each(?2)) ORDER BY id LIMIT 2",
                                       values, 2, &rows);
    if (err) return err;
    it->visit = json_incref(json_array_get(rows, 0));
    size_t n = json_array_size(rows);
    json_decref(rows);
    if (n == 1) return take_visit(it);
    return fail(it, n ? "several of your visits are not over: name one (satchel today lists them)"
                      : "none of your visits is under way");
}

static bool is_hexadecimal(const char *named)
{
    return strlen(named) >= 6 && !named[strspn(named, "0123456789abcdefABCDEF-")];
}

/* Named by its id or the beginning of it, else by the account that it is with. */
static enum sat_err find_visit(struct visiting *it, const char *named, const char *states)
{
    if (!named || !*named) return find_only_open(it, states);
    if (is_hexadecimal(named)) {
        enum sat_err err = pass_over(it, client_book_find(it->satchel, "visit", named, it->id));
        const char *id = it->id;
        if (!err && it->id[0]) err = client_book_ask_one(it->satchel, COLUMNS "WHERE id = ?1", &id, 1, &it->visit);
        if (err || it->visit) return err ? err : take_visit(it);
    }
    enum sat_err err = client_visit_account(it->satchel, named, &it->account);
    if (!err) err = find_open(it, states, NULL);
    if (!err && !it->visit) err = find_open(it, "[\"checked_in\",\"checked_out\",\"submitted\",\"reviewed\"]", NULL);
    if (err || it->visit) return err ? err : take_visit(it);
    return sat_fail(&it->satchel->fault, SAT_ERR_NOT_FOUND, "you have begun no visit of \"%.80s\"", named);
}

/* ---- Beginning one ---- */

static enum sat_err find_plan(struct visiting *it, const char *day)
{
    const char *values[] = {it->account.family, it->self.id, day};
    return client_book_ask_one(
        it->satchel,
        "SELECT id, purpose, COALESCE(state, 'planned') AS state FROM visit_plan WHERE account IN"
        " (SELECT value FROM json_each(?1)) AND person = ?2 AND on_date = ?3 AND"
        " COALESCE(state, 'planned') <> 'moved' AND id NOT IN (SELECT plan FROM visit WHERE plan"
        " IS NOT NULL AND COALESCE(state, 'draft') <> 'draft') ORDER BY seq, id LIMIT 1",
        values, 3, &it->plan);
}

/* Whoever begins the planned visit, on whatever device, begins the same one. */
static void choose_id(struct visiting *it)
{
    struct sat_record_id plan, visit;
    const char *id = client_book_text(it->plan, "id");
    if (it->id[0] || !id || sat_uuid_parse(id, plan.b)) return;
    visit = sat_record_id_following(&it->satchel->directory.org, &plan, "visit", 0);
    sat_uuid_format(visit.b, it->id);
}

/* A visit that is there and not begun yet, or a new one. */
static enum sat_err find_begun(struct visiting *it, const char *named, const char *said)
{
    enum sat_err err = client_visit_account(it->satchel, named, &it->account);
    if (!err && !it->account.here) err = fail(it, "that account is archived, or not here");
    if (!err) err = client_said_read(it->satchel, said, &it->form, &it->checklist, it->account.family, &it->said);
    if (err) return err;
    const char *day = it->said.date ? it->said.date : it->today;
    err = find_open(it, "[\"draft\",\"checked_in\"]", day);
    if (!err && it->visit) return take_visit(it);
    return err ? err : find_plan(it, day);
}

static enum sat_err put_begun(struct visiting *it, bool starts)
{
    json_t *fields = json_incref(it->said.visit);
    bool made = !it->visit, here;
    choose_id(it);
    const char *plan = made && it->id[0] ? client_book_text(it->plan, "id") : NULL;
    enum sat_err err = plan ? client_tx_enter_beside(it->tx, it->id, plan, &here) : SAT_OK;
    if (made) {
        client_book_set(fields, "account", it->account.id);
        client_book_set(fields, "person", it->self.id);
        client_book_set(fields, "plan", client_book_text(it->plan, "id"));
        client_book_set(fields, "template", it->form.id);
        if (!json_object_get(fields, "purpose"))
            client_book_set(fields, "purpose", client_book_text(it->plan, "purpose"));
    }
    bool undated = !client_book_text(it->visit, "local_date");
    if (it->said.date || (undated && !it->unsure))
        client_book_set(fields, "local_date", it->said.date ? it->said.date : it->today);
    if (starts) client_book_set(fields, "started_at", it->now);
    if (!err) return client_book_put(it->tx, "visit", it->id[0] ? it->id : NULL, fields, it->id);
    json_decref(fields);
    return err;
}

/* With the beginning of the visit what was prepared is as it was. */
static enum sat_err put_answers(struct visiting *it, bool starts)
{
    if (!starts && !json_object_size(it->said.answers)) return SAT_OK;
    json_t *fields = json_pack("{s:s, s:O}", "about", it->id, "answers", it->said.answers);
    client_book_set(fields, "template", it->checklist.id);
    if (starts) client_book_set(fields, "submitted_at", it->now);
    return client_book_put(it->tx, "checklist_run", NULL, fields, NULL);
}

static enum sat_err put_check(struct visiting *it, const char *kind, const struct satchel_check *check)
{
    static const struct client_clocks unknown;
    struct client_clocks clocks = {0};
    char boot[SATCHEL_ID_SIZE];
    client_clocks_read(&clocks);
    json_t *fields = json_pack("{s:s, s:s, s:s, s:I}", "visit", it->id, "kind", kind, "at", it->now, "monotonic_ms",
                               (json_int_t)clocks.boot_ms);
    sat_uuid_format(clocks.boot_id, boot);
    if (memcmp(clocks.boot_id, unknown.boot_id, sizeof unknown.boot_id) != 0) client_book_set(fields, "boot", boot);
    if (check && check->positioned) {
        (void)json_object_set_new(fields, "lat_e7", json_integer((json_int_t)check->lat_e7));
        (void)json_object_set_new(fields, "lon_e7", json_integer((json_int_t)check->lon_e7));
        if (check->accuracy_m >= 0)
            (void)json_object_set_new(fields, "accuracy_m", json_integer((json_int_t)check->accuracy_m));
    }
    if (check) (void)json_object_set_new(fields, "mock", json_boolean(check->mock));
    if (check) client_book_set(fields, "provider", check->provider);
    return client_book_put(it->tx, "visit_event", NULL, fields, NULL);
}

/* ---- What is told of it ---- */

static json_t *told_checklist(const struct visiting *it, const json_t *answers)
{
    size_t index;
    json_t *item, *list = json_array();
    json_array_foreach((json_t *)client_template_items(&it->checklist), index, item)
    {
        const char *key = client_book_text(item, "key");
        if (!key) continue;
        (void)json_array_append_new(list, json_pack("{s:s, s:O?, s:b, s:b}", "key", key, "text",
                                                    json_object_get(item, "text"), "mandatory",
                                                    json_is_true(json_object_get(item, "mandatory")), "done",
                                                    client_template_answer(answers, key) != NULL));
    }
    return list;
}

static enum sat_err tell_preparation(struct visiting *it, json_t *row)
{
    const char *values[] = {it->id, it->checklist.id[0] ? it->checklist.id : NULL};
    json_t *run;
    enum sat_err err = client_book_ask_one(
        it->satchel, "SELECT answers FROM checklist_run WHERE about = ?1 AND template IS ?2", values, 2, &run);
    if (err) return err;
    (void)json_object_set_new(row, "checklist", told_checklist(it, json_object_get(run, "answers")));
    json_decref(run);
    json_t *briefing;
    err = client_account_briefing(it->satchel, it->account.family, &briefing);
    if (!err) (void)json_object_set_new(row, "briefing", briefing);
    return err;
}

static enum sat_err tell(struct visiting *it, bool preparation, char **json)
{
    const char *id = it->id;
    json_t *rows, *missing = NULL;
    enum sat_err err = client_visit_rows(it->satchel, "v.id = ?1", &id, 1, 1, &rows);
    if (err) return err;
    json_t *row = json_array_size(rows) ? json_incref(json_array_get(rows, 0)) : json_pack("{s:s}", "visit", it->id);
    json_decref(rows);
    if (preparation) err = tell_preparation(it, row);
    if (!err)
        err = client_visit_unanswered(it->satchel, it->id, client_book_text(row, "territory"), it->form.id, &missing);
    if (!err) (void)json_object_set_new(row, "unanswered", missing);
    if (it->unsure && !it->said.date && !client_book_text(it->visit, "local_date"))
        (void)json_object_set_new(row, "ask_day", json_string(it->unsure));
    *json = err ? NULL : client_json_text(row);
    if (err) json_decref(row);
    return err;
}

static int prepare_or_start(struct satchel *satchel, const char *named, const struct satchel_visit_options *options,
                            bool starts, char **json)
{
    struct visiting it;
    *json = NULL;
    enum sat_err err = begin(&it, satchel);
    if (!err) err = find_begun(&it, named, options ? options->said : NULL);
    const char *state = client_book_text(it.visit, "state");
    if (!err && state && strcmp(state, "checked_in") == 0)
        err = fail(&it, "you are checked in there already: visit note, visit finish");
    if (!err) err = (enum sat_err)satchel_begin(satchel, &it.tx);
    if (!err) {
        err = put_begun(&it, starts);
        if (!err) err = put_answers(&it, starts);
        if (!err && starts) err = put_check(&it, "check_in", options ? options->check : NULL);
        if (!err && starts) err = (enum sat_err)satchel_step(it.tx, "visit", it.id, "checked_in", NULL, NULL);
        err = client_book_end(it.tx, err);
    }
    if (!err) err = tell(&it, true, json);
    return end(&it, err);
}

int satchel_visit_prepare(struct satchel *satchel, const char *account, const struct satchel_visit_options *options,
                          char **json)
{
    return prepare_or_start(satchel, account, options, false, json);
}

int satchel_visit_start(struct satchel *satchel, const char *account, const struct satchel_visit_options *options,
                        char **json)
{
    return prepare_or_start(satchel, account, options, true, json);
}

/* ---- Going on ---- */

static enum sat_err find_going_on(struct visiting *it, const char *named, const char *states, const char *said)
{
    enum sat_err err = find_visit(it, named, states);
    const char *state = client_book_text(it->visit, "state");
    if (!err && state && (strcmp(state, "submitted") == 0 || strcmp(state, "reviewed") == 0))
        err = sat_fail(&it->satchel->fault, SAT_ERR_INVALID,
                       "visit %s was submitted: what it says is amended, with a reason (satchel visit amend)", it->id);
    if (!err) err = client_said_read(it->satchel, said, &it->form, &it->checklist, it->account.family, &it->said);
    if (!err && json_object_size(it->said.answers) && strcmp(state ? state : "", "draft") != 0) {
        /* A word that is an item of the checklist and nothing else came too late. */
        const char *key;
        json_t *value;
        json_object_foreach(it->said.answers, key, value)
        {
            if (!err && !json_object_get(it->said.visit, key))
                err = sat_fail(&it->satchel->fault, SAT_ERR_INVALID,
                               "%s belongs to the preparation, which was over when the visit began", key);
        }
    }
    if (err) return err;
    if (it->said.none) client_book_set(it->said.visit, "next_step", it->said.none);
    if (it->said.date) client_book_set(it->said.visit, "local_date", it->said.date);
    return SAT_OK;
}

static enum sat_err put_said(struct visiting *it)
{
    if (!json_object_size(it->said.visit)) return SAT_OK;
    return client_book_put(it->tx, "visit", it->id, json_incref(it->said.visit), NULL);
}

int satchel_visit_note(struct satchel *satchel, const char *visit, const struct satchel_visit_options *options,
                       char **json)
{
    struct visiting it;
    *json = NULL;
    enum sat_err err = begin(&it, satchel);
    if (!err)
        err = find_going_on(&it, visit, "[\"draft\",\"checked_in\",\"checked_out\"]", options ? options->said : NULL);
    if (!err) err = (enum sat_err)satchel_begin(satchel, &it.tx);
    if (!err) err = client_book_end(it.tx, put_said(&it));
    if (!err) err = tell(&it, false, json);
    return end(&it, err);
}

int satchel_visit_finish(struct satchel *satchel, const char *visit, const struct satchel_visit_options *options,
                         char **json)
{
    struct visiting it;
    *json = NULL;
    enum sat_err err = begin(&it, satchel);
    if (!err) err = find_going_on(&it, visit, "[\"checked_in\"]", options ? options->said : NULL);
    const char *state = client_book_text(it.visit, "state");
    if (!err && state && strcmp(state, "checked_out") == 0)
        err = fail(&it, "that visit is finished already: visit note, visit submit");
    if (!err) err = (enum sat_err)satchel_begin(satchel, &it.tx);
    if (!err) {
        client_book_set(it.said.visit, "finished_at", it.now);
        err = put_said(&it);
        if (!err) err = put_check(&it, "check_out", options ? options->check : NULL);
        if (!err) err = (enum sat_err)satchel_step(it.tx, "visit", it.id, "checked_out", NULL, NULL);
        err = client_book_end(it.tx, err);
    }
    if (!err) err = tell(&it, false, json);
    return end(&it, err);
}

/* ---- Submitting ---- */

/* "2026-05-20 send samples" is due then. */
static void split_step(const char *step, char due[CLIENT_BOOK_DAY_SIZE], const char **title)
{
    due[0] = '\0';
    *title = step;
    if (strlen(step) < CLIENT_BOOK_DAY_SIZE || step[CLIENT_BOOK_DAY_SIZE - 1] != ' ') return;
    if (!client_date_valid((struct sat_span){(const uint8_t *)step, CLIENT_BOOK_DAY_SIZE - 1})) return;
    (void)snprintf(due, CLIENT_BOOK_DAY_SIZE, "%.10s", step);
    *title = step + CLIENT_BOOK_DAY_SIZE + strspn(step + CLIENT_BOOK_DAY_SIZE, " ");
}

/* The step's task. Its id follows from the visit and from what is to be done, so that whoever submits the visit makes
 * the same; one that is there stays as it has become. */
static enum sat_err put_task(struct visiting *it, const char *step)
{
    struct sat_record_id visit, task;
    char id[SATCHEL_ID_SIZE], due[CLIENT_BOOK_DAY_SIZE];
    const char *title, *person = client_book_text(it->visit, "person");
    bool here = false;
    if (sat_uuid_parse(it->id, visit.b)) return SAT_ERR_CORRUPT;
    task = sat_record_id_following(&it->satchel->directory.org, &visit,
                                   sat_arena_format(&it->arena, "next step: %s", step), 0);
    sat_uuid_format(task.b, id);
    enum sat_err err = client_tx_enter_beside(it->tx, id, it->id, &here);
    if (!err && !here && it->account.id[0]) err = client_tx_enter_beside(it->tx, id, it->account.id, &here);
    if (err || here) return err;
    split_step(step, due, &title);
    json_t *fields =
        json_pack("{s:s, s:s, s:s}", "title", title, "owner", person ? person : it->self.id, "origin", it->id);
    client_book_set(fields, "account", it->account.id);
    client_book_set(fields, "due", due);
    return client_book_put(it->tx, "task", id, fields, NULL);
}

static enum sat_err put_tasks(struct visiting *it)
{
    json_t *stored = json_object_get(it->visit, "next_steps"), *step;
    size_t index;
    enum sat_err err = SAT_OK;
    json_array_foreach(stored, index, step) if (!err) err = put_task(it, json_string_value(step));
    json_array_foreach(it->said.next, index, step) if (!err) err = put_task(it, json_string_value(step));
    return err;
}

static enum sat_err check_next_step(struct visiting *it)
{
    bool told = json_array_size(it->said.next) || it->said.none ||
                json_array_size(json_object_get(it->visit, "next_steps")) || client_book_text(it->visit, "next_step");
    return told ? SAT_OK
                : sat_fail(&it->satchel->fault, SAT_ERR_INVALID,
                           "visit %s has no next step: say next=\"[YYYY-MM-DD] TEXT\", or none=REASON", it->id);
}

/* That it took place, said of the plan and of the account; neither stops the visit. */
static enum sat_err put_traces(struct visiting *it)
{
    const char *plan = client_book_text(it->visit, "plan"), *at = client_book_text(it->visit, "started_at");
    enum sat_err err = SAT_OK;
    if (plan) err = pass_over(it, (enum sat_err)satchel_step(it->tx, "visit_plan", plan, "done", "visited", NULL));
    if (err || !it->account.here) return err;
    if (!at) at = it->now;
    return pass_over(it, client_book_put(it->tx, "account", it->account.id,
                                         json_pack("{s:s, s:s}", "last_contact_at", at, "first_contact_at", at), NULL));
}

int satchel_visit_submit(struct satchel *satchel, const char *visit, const struct satchel_visit_options *options,
                         char **json)
{
    struct visiting it;
    *json = NULL;
    enum sat_err err = begin(&it, satchel);
    if (!err) err = find_going_on(&it, visit, "[\"checked_in\",\"checked_out\"]", options ? options->said : NULL);
    if (!err) err = check_next_step(&it);
    if (!err) err = (enum sat_err)satchel_begin(satchel, &it.tx);
    if (!err) {
        client_book_set(it.said.visit, "submitted_at", it.now);
        err = put_said(&it);
        if (!err) err = (enum sat_err)satchel_step(it.tx, "visit", it.id, "submitted", NULL, NULL);
        if (!err) err = put_tasks(&it);
        if (!err) err = put_traces(&it);
        err = client_book_end(it.tx, err);
    }
    if (!err) err = tell(&it, false, json);
    return end(&it, err);
}
