/* The day of whoever asks: what is planned, what is due, what waits for a person. */
#include <string.h>

#include "client/book/account.h"
#include "client/book/claim.h"
#include "client/book/visit.h"
#include "client/book/writing.h"
#include "client/json.h"
#include "client/names.h"
#include "client/period.h"
#include "client/rows.h"
#include "client/skew.h"
#include "common/vault/machines.h"

enum { LISTED_MAX = 20, AHEAD_DAYS = 7 };

struct day {
    struct satchel *satchel;
    struct sat_arena arena;
    struct client_book_self self;
    const char *on;
    json_t *json;
};

static enum sat_err add(struct day *day, const char *name, const char *sql)
{
    const char *values[] = {day->self.id, day->on};
    json_t *rows;
    enum sat_err err = client_book_ask(day->satchel, sql, values, 2, &rows);
    if (!err) (void)json_object_set_new(day->json, name, rows);
    return err;
}

/* ---- Plans and visits ---- */

static enum sat_err add_visits(struct day *day)
{
    const char *values[] = {day->self.id, day->on};
    json_t *rows;
    enum sat_err err = add(
        day, "plans",
        "SELECT p.seq, a.name AS account, p.purpose, CASE WHEN COALESCE(p.state, 'planned') <> 'done' AND EXISTS"
        " (SELECT 1 FROM visit AS v WHERE v.plan = p.id AND COALESCE(v.state, 'draft') IN ('submitted', 'reviewed'))"
        " THEN 'done' ELSE COALESCE(p.state, 'planned') END AS state, (SELECT v.state FROM visit AS v WHERE v.plan ="
        " p.id ORDER BY v.id LIMIT 1) AS visit_state, COALESCE(p.skip_reason, CASE WHEN a.do_not_contact THEN 'do not"
        " contact' END) AS reason, p.id AS plan FROM visit_plan AS p LEFT JOIN survivor AS s ON s.id = p.account LEFT"
        " JOIN account AS a ON a.id = s.account WHERE p.person = ?1 AND p.on_date = ?2 ORDER BY p.seq IS NULL, p.seq,"
        " p.id");
    if (!err)
        err =
            client_visit_rows(day->satchel,
                              "v.person = ?1 AND v.plan IS NULL AND COALESCE(v.local_date, substr(v.started_at, 1, 10))"
                              " = ?2",
                              values, 2, 100, &rows);
    if (!err) (void)json_object_set_new(day->json, "unplanned", rows);
    if (!err)
        err =
            client_visit_rows(day->satchel,
                              "v.person = ?1 AND (v.state IN ('checked_in', 'checked_out') OR (v.local_date IS NULL AND"
                              " v.submitted_at IS NOT NULL AND v.started_at IS NOT NULL AND ?2 IS NOT NULL))",
                              values, 2, 100, &rows);
    if (!err) (void)json_object_set_new(day->json, "open_visits", rows);
    if (!err) err = client_visit_incomplete(day->satchel, day->self.id, &rows);
    if (!err) (void)json_object_set_new(day->json, "needs_completion", rows);
    return err;
}

/* ---- Tasks ---- */

#define TASK                                                                                                           \
    "SELECT t.due, CAST(julianday(?2) - julianday(t.due) AS INTEGER) AS days_overdue, t.title, a.name AS account, "    \
    "t.id"                                                                                                             \
    " FROM task AS t LEFT JOIN account AS a ON a.id = t.account WHERE (t.owner = ?1 OR t.owner IS NULL) AND"           \
    " COALESCE(t.state, 'open') = 'open' AND "

static enum sat_err add_tasks(struct day *day)
{
    enum sat_err err = add(day, "tasks", TASK "t.due <= ?2 ORDER BY t.due, t.id");
    if (err) return err;
    return add(day, "next_steps",
               TASK
               "(t.due IS NULL OR (t.due > ?2 AND t.due <= date(?2, '7 days'))) AND t.origin IN (SELECT id FROM visit)"
               " ORDER BY t.due IS NULL, t.due, t.id");
}

/* ---- Money ---- */

/* Whose account it is, or nobody's; managers see all. */
static enum sat_err add_receivables(struct day *day)
{
    static const char own[] =
        "SELECT r.id FROM receivable AS r LEFT JOIN account AS a ON a.id = r.account WHERE ?2 = 'all'"
        " OR a.owner IS NULL OR a.owner = ?1";
    const char *values[] = {day->self.id, day->self.duties & SAT_DUTY_MANAGER ? "all" : "own"};
    json_t *ids = NULL, *rows = NULL, *kept = json_array(), *row;
    size_t index;
    enum sat_err err = client_account_receivables(day->satchel, NULL, day->on, true, &rows);
    if (!err && json_array_size(rows)) err = client_book_ask(day->satchel, own, values, 2, &ids);
    json_t *seen = client_book_index(ids, "id");
    json_array_foreach(rows, index, row)
    {
        const char *id = client_book_text(row, "id");
        if (id && json_object_get(seen, id)) (void)json_array_append(kept, row);
    }
    (void)json_object_set_new(day->json, "receivables", kept);
    json_decref(seen);
    json_decref(rows);
    json_decref(ids);
    return err;
}

/* ---- What a person has to decide ---- */

static int take_conflict(void *context, const char *json)
{
    json_t *list = context, *conflict = json_loads(json, JSON_ALLOW_NUL, NULL);
    (void)json_array_append_new(list, json_pack("{s:O, s:O, s:O}", "type", json_object_get(conflict, "type"), "id",
                                                json_object_get(conflict, "id"), "field",
                                                json_object_get(conflict, "field")));
    json_decref(conflict);
    return json_array_size(list) == LISTED_MAX;
}

/* What a record of the type is called by: of SQL, about `r`. */
static const char *sql_of_name(const struct sat_type *type, struct sat_arena *arena)
{
    for (uint16_t i = 0; i < type->fields_n; i++)
        if (sat_field_search(&type->fields[i]) == SAT_SEARCH_NAME &&
            sat_rule(type->fields[i].rule)->form == SAT_FORM_VALUE)
            return sat_arena_format(arena, "r.\"%s\"", type->fields[i].name);
    if (sat_field_by_name(type, "account")) return "(SELECT a.name FROM account AS a WHERE a.id = r.account)";
    return "NULL";
}

static enum sat_err add_disputes(struct day *day)
{
    json_t *all = json_array();
    enum sat_err err = SAT_OK;
    for (uint32_t i = 0; i < sat_machines_count() && !err; i++) {
        const struct sat_machine *machine = sat_machine_at(i);
        const struct sat_type *type = sat_type_by_name(machine->type);
        json_t *rows = NULL;
        const char *sql = sat_arena_format(&day->arena,
                                           "SELECT '%s' AS type, %s AS name, r.\"%s_disputed\" AS states, r.id FROM"
                                           " \"%s\" AS r WHERE r.\"%s_disputed\" IS NOT NULL ORDER BY r.id LIMIT %d",
                                           type->name, sql_of_name(type, &day->arena), machine->field, type->name,
                                           machine->field, LISTED_MAX);
        err = client_book_ask(day->satchel, sql, NULL, 0, &rows);
        (void)json_array_extend(all, rows);
        json_decref(rows);
    }
    (void)json_object_set_new(day->json, "disputed", all);
    return err;
}

static enum sat_err add_decisions(struct day *day)
{
    json_t *conflicts = json_array(), *claims;
    enum sat_err claimed = client_claims_open(day->satchel, &claims);
    (void)json_object_set_new(day->json, "claims", claims);
    if (claimed) return claimed;
    (void)json_object_set_new(day->json, "conflicts", conflicts);
    enum sat_err err = (enum sat_err)satchel_conflicts(day->satchel, take_conflict, conflicts);
    return err ? err : add_disputes(day);
}

/* ---- The whole ---- */

static enum sat_err add_head(struct day *day)
{
    json_t *as_of;
    int64_t skew_ms;
    enum sat_err err = client_account_as_of(day->satchel, &as_of);
    if (err) return err;
    const char *clock = client_skew_get(day->satchel, &skew_ms) ? client_skew_text(skew_ms, &day->arena) : NULL;
    (void)json_object_set_new(day->json, "day", json_string(day->on));
    (void)json_object_set_new(day->json, "person",
                              client_json_of_text(client_user_name(day->satchel, day->self.user, &day->arena)));
    (void)json_object_set_new(day->json, "as_of", as_of);
    (void)json_object_set_new(day->json, "clock", client_json_of_text(clock));
    return day->satchel->unread;
}

int satchel_today(struct satchel *satchel, const char *on, char **json)
{
    char today[CLIENT_BOOK_DAY_SIZE];
    struct day day = {.satchel = satchel, .json = json_object()};
    client_begin(satchel);
    *json = NULL;
    client_book_today(today);
    sat_arena_init(&day.arena);
    day.on = on ? on : today;
    enum sat_err err = client_date_valid(sat_span_text(day.on))
                           ? SAT_OK
                           : sat_fail(&satchel->fault, SAT_ERR_INVALID, "a day is YYYY-MM-DD, not \"%.40s\"", day.on);
    if (!err) err = client_book_self(satchel, &day.self);
    if (!err) err = add_head(&day);
    if (!err) err = add_visits(&day);
    if (!err) err = add_tasks(&day);
    if (!err) err = add_receivables(&day);
    if (!err) err = add_decisions(&day);
    if (!err) *json = client_json_text(json_incref(day.json));
    json_decref(day.json);
    sat_arena_deinit(&day.arena);
    return client_end(satchel, err);
}

/* ---- Lists of visits ---- */

int satchel_visits(struct satchel *satchel, const char *period, const char *flag, satchel_row_fn row, void *context)
{
    char today[CLIENT_BOOK_DAY_SIZE];
    struct client_period asked = {0};
    json_t *rows = NULL, *visit, *word;
    size_t index, at;
    bool more = true;
    client_begin(satchel);
    client_book_today(today);
    enum sat_err err = client_period_parse(period ? period : "this month", today, &asked, &satchel->fault);
    const char *values[] = {asked.first, asked.last};
    if (!err)
        err = client_visit_rows(satchel, "COALESCE(v.local_date, substr(v.started_at, 1, 10)) BETWEEN ?1 AND ?2",
                                values, 2, 100000, &rows);
    json_array_foreach(rows, index, visit)
    {
        bool wanted = !flag;
        json_array_foreach(json_object_get(visit, "flags"), at, word) wanted =
            wanted || strcmp(json_string_value(word), flag) == 0;
        if (wanted && more) more = client_give_row(row, context, json_incref(visit));
    }
    json_decref(rows);
    return client_end(satchel, err);
}
