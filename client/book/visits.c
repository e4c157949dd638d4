/* Visits as rows, with what their evidence comes to. */
#include <string.h>

#include "client/book/evidence.h"
#include "client/book/visit.h"
#include "client/book/writing.h"
#include "client/grades.h"
#include "client/read.h"

/* ---- SQL ---- */

/* One row of what is joined: an id may be in several territories, a visit begun on several devices. */
static const char *join_one(struct sat_arena *arena, const char *type, const char *as, const char *id)
{
    return sat_arena_format(arena,
                            " LEFT JOIN \"%s\" AS %s ON %s.rowid = (SELECT x.rowid FROM \"%s\" AS x"
                            " WHERE x.id = %s ORDER BY x.territory LIMIT 1)",
                            type, as, as, type, id);
}

static const char *join_event(struct sat_arena *arena, const char *as, const char *kind)
{
    return sat_arena_format(arena,
                            " LEFT JOIN visit_event AS %s ON %s.rowid = (SELECT x.rowid FROM visit_event AS x"
                            " WHERE x.visit = v.id AND x.kind = '%s' ORDER BY x.id, x.territory LIMIT 1)",
                            as, as, kind);
}

/* What check_of() reads: its columns begin with the same letter. */
static const char *columns_of_event(struct sat_arena *arena, const char *as)
{
    static const char *const columns[][2] = {
        {"id", "id"},     {"lat_e7", "lat"}, {"lon_e7", "lon"},        {"accuracy_m", "accuracy"},
        {"mock", "mock"}, {"at", "at"},      {"monotonic_ms", "mono"}, {"boot", "boot"}};
    const char *list = "";
    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++)
        list = sat_arena_format(arena, "%s, %s.%s AS %s_%s", list, as, columns[i][0], as, columns[i][1]);
    return list;
}

static const char *sql_of_rows(struct sat_arena *arena, const char *where, unsigned limit)
{
    static const char visit[] =
        "SELECT v.id AS visit, COALESCE(v.local_date, substr(v.started_at, 1, 10)) AS day, a.name AS account,"
        " v.account AS account_id, u.name AS by, v.person, COALESCE(v.state, 'draft') AS state,"
        " v.state_disputed AS disputed, v.purpose, v.goal, v.note,"
        " (SELECT json_group_array(COALESCE((SELECT c.name FROM contact AS c WHERE c.id = j.value"
        " ORDER BY c.territory LIMIT 1), j.value)) FROM json_each(v.contacts) AS j) AS contacts,"
        " v.next_steps, v.next_step AS none,"
        " (SELECT COUNT(*) FROM amendment AS m WHERE m.about = v.id AND m.territory = v.territory"
        " AND m.standing IN ('counts', 'overtaken')) AS amended,"
        " v.plan, v.started_at, v.submitted_at, v.template, v.territory, a.lat_e7 AS pin_lat, a.lon_e7 AS pin_lon,"
        " r.id AS run, r.answers, r.template AS checklist";
    static const char preparation[] =
        " LEFT JOIN checklist_run AS r ON r.rowid = (SELECT x.rowid FROM checklist_run AS x"
        " LEFT JOIN template AS t ON t.id = x.template WHERE x.about = v.id AND x.territory = v.territory AND"
        " COALESCE(t.kind || t.name, 'checklistvisit_preparation') = 'checklistvisit_preparation'"
        " ORDER BY x.submitted_at IS NULL, x.id, x.territory LIMIT 1)";
    return sat_arena_format(arena, "%s%s%s FROM visit AS v%s%s%s%s%s WHERE %s%s LIMIT %u", visit,
                            columns_of_event(arena, "i"), columns_of_event(arena, "o"),
                            join_one(arena, "account", "a", "v.account"), join_one(arena, "user", "u", "v.person"),
                            join_event(arena, "i", "check_in"), join_event(arena, "o", "check_out"), preparation, where,
                            " ORDER BY day DESC, v.started_at DESC, v.id DESC", limit);
}

/* ---- Evidence ---- */

static struct client_point point_of(const json_t *row, const char *lat, const char *lon)
{
    bool there = json_is_integer(json_object_get(row, lat)) && json_is_integer(json_object_get(row, lon));
    return there ? client_point_at(client_book_integer(row, lat, 0), client_book_integer(row, lon, 0))
                 : (struct client_point){0};
}

/* The columns of one of the two, by the letter that their names begin with; they are taken out of the row. */
static struct client_check check_of(const json_t *row, const char *letter, bool shown)
{
    char names[8][12];
    static const char *const ends[] = {"id", "lat", "lon", "accuracy", "mock", "at", "mono", "boot"};
    for (size_t i = 0; i < 8; i++) {
        names[i][0] = letter[0];
        names[i][1] = '_';
        memcpy(names[i] + 2, ends[i], strlen(ends[i]) + 1);
    }
    struct client_check check = {.there = client_book_text(row, names[0]) != NULL,
                                 .hidden = !shown,
                                 .point = point_of(row, names[1], names[2]),
                                 .accuracy_m = client_book_integer(row, names[3], -1),
                                 .mock = json_is_true(json_object_get(row, names[4])),
                                 .monotonic_ms = client_book_integer(row, names[6], -1),
                                 .boot = client_book_text(row, names[7])};
    const char *at = client_book_text(row, names[5]);
    int16_t offset_min;
    check.timed = at && client_time_parse(sat_span_text(at), &check.wall_ms, &offset_min);
    return check;
}

static void set_known(json_t *row, const char *name, int64_t value)
{
    (void)json_object_set_new(row, name, value < 0 ? json_null() : json_integer(value));
}

static bool is_over(const char *state)
{
    return strcmp(state, "draft") != 0 && strcmp(state, "checked_in") != 0;
}

static void set_evidence(json_t *row, bool shown)
{
    struct client_point pin = point_of(row, "pin_lat", "pin_lon");
    struct client_check in = check_of(row, "i", shown), out = check_of(row, "o", shown);
    struct client_evidence evidence = client_evidence_of(&pin, &in, &out, is_over(client_book_text(row, "state")));
    json_t *flags = json_array();
    for (unsigned bit = 0; client_flag_name(bit); bit++)
        if (evidence.flags >> bit & 1) (void)json_array_append_new(flags, json_string(client_flag_name(bit)));
    set_known(row, "duration_s", evidence.duration_s);
    set_known(row, "distance_m", evidence.distance_m);
    set_known(row, "accuracy_m", evidence.accuracy_m);
    (void)json_object_set_new(row, "flags", flags);
}

/* ---- Preparation ---- */

static enum sat_err set_readiness(struct satchel *satchel, json_t *row)
{
    struct client_template checklist;
    (void)json_object_set_new(row, "readiness_bp", json_null());
    if (!client_book_text(row, "run")) return SAT_OK;
    enum sat_err err =
        client_template_get(satchel, CLIENT_TEMPLATE_PREPARATION, client_book_text(row, "checklist"), &checklist);
    if (err) return err;
    int64_t ready_bp = client_template_readiness_bp(&checklist, json_object_get(row, "answers"));
    (void)json_object_set_new(row, "readiness_bp", json_integer(ready_bp));
    if (ready_bp < 10000) (void)json_array_append_new(json_object_get(row, "flags"), json_string("unprepared"));
    client_template_drop(&checklist);
    return SAT_OK;
}

/* ---- Rows ---- */

/* What only they are made of. */
static void tidy(json_t *row)
{
    static const char *const names[] = {"pin_lat", "pin_lon", "run", "answers", "checklist", "person"};
    const char *name;
    json_t *value;
    void *next;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) (void)json_object_del(row, names[i]);
    json_object_foreach_safe(row, next, name, value) if ((name[0] == 'i' || name[0] == 'o') && name[1] == '_')(void)
        json_object_del(row, name);
}

enum sat_err client_visit_rows(struct satchel *satchel, const char *where, const char *const *values, size_t n,
                               unsigned limit, json_t **rows)
{
    struct sat_arena arena;
    struct client_sight sight;
    char self[SAT_UUID_TEXT_SIZE];
    size_t index;
    json_t *row;
    sat_arena_init(&arena);
    client_sight_get(satchel, &sight);
    sat_uuid_format(sight.person.b, self);
    bool all = client_sight_shows(&sight, sat_type_by_name("visit_event"));
    const char *sql = sql_of_rows(&arena, where, limit);
    enum sat_err err = client_book_ask(satchel, sql, values, n, rows);
    json_array_foreach(err ? NULL : *rows, index, row)
    {
        const char *person = client_book_text(row, "person");
        set_evidence(row, all || (person && strcmp(person, self) == 0));
        if (!err) err = set_readiness(satchel, row);
        (void)json_object_set_new(row, "contacts", client_book_list(client_book_text(row, "contacts")));
        tidy(row);
    }
    if (err) json_decref(*rows);
    if (err) *rows = NULL;
    sat_arena_deinit(&arena);
    return err;
}

/* ---- What is not said ---- */

/* The record's fields with the amendments that count on top; NULL: that copy of it cannot be got. */
static enum sat_err fields_of(struct satchel *satchel, const char *id, const char *territory, json_t **fields)
{
    char *text = NULL;
    json_t *amendments = NULL, *one;
    size_t index;
    *fields = NULL;
    enum sat_err err = (enum sat_err)client_get(satchel, "visit", id, territory, &text);
    if (err == SAT_ERR_INVALID || err == SAT_ERR_NOT_FOUND) {
        satchel->fault = (struct sat_fault){0};
        return SAT_OK;
    }
    if (!err)
        err = client_book_ask(
            satchel,
            "SELECT field, new_value FROM amendment WHERE about = ?1 AND territory = ?2 AND standing = 'counts'",
            (const char *const[]){id, territory}, 2, &amendments);
    json_t *record = text ? json_loads(text, JSON_ALLOW_NUL, NULL) : NULL;
    satchel_free(text);
    *fields = err ? NULL : json_incref(json_object_get(record, "fields"));
    json_decref(record);
    json_array_foreach(amendments, index, one)
    {
        const char *name = client_book_text(one, "field"), *dot = name ? strchr(name, '.') : NULL;
        if (!name) continue;
        json_t *value = json_object_get(one, "new_value");
        if (!dot) {
            (void)json_object_set(*fields, name, value);
            continue;
        }
        json_t *map, *path = json_stringn(name, (size_t)(dot - name));
        map = json_object_get(*fields, json_string_value(path));
        if (!map) {
            map = json_object();
            (void)json_object_set_new(*fields, json_string_value(path), map);
        }
        (void)json_object_set(map, dot + 1, value);
        json_decref(path);
    }
    json_decref(amendments);
    return err;
}

enum sat_err client_visit_unanswered(struct satchel *satchel, const char *id, const char *territory,
                                     const char *template, json_t **missing)
{
    struct client_template form;
    json_t *fields;
    *missing = NULL;
    enum sat_err err = fields_of(satchel, id, territory, &fields);
    if (!err && !fields) *missing = json_array();
    if (err || !fields) return err;
    err = client_template_get(satchel, CLIENT_TEMPLATE_VISIT, template, &form);
    if (!err) {
        *missing = client_template_missing(&form, fields);
        client_template_drop(&form);
    }
    json_decref(fields);
    return err;
}

static enum sat_err look_at(struct satchel *satchel, const struct client_template *newest, const json_t *row,
                            json_t *rows)
{
    json_t *fields;
    enum sat_err err = fields_of(satchel, client_book_text(row, "visit"), client_book_text(row, "territory"), &fields);
    if (err || !fields) return err;
    json_t *missing = client_template_missing(newest, fields);
    if (json_array_size(missing)) {
        json_t *one = json_copy((json_t *)row);
        (void)json_object_set_new(one, "asks", json_integer((json_int_t)newest->version));
        (void)json_object_set(one, "missing", missing);
        (void)json_array_append_new(rows, one);
    }
    json_decref(missing);
    json_decref(fields);
    return SAT_OK;
}

enum sat_err client_visit_incomplete(struct satchel *satchel, const char *person, json_t **rows)
{
    static const char sql[] =
        "SELECT v.id AS visit, COALESCE(v.local_date, substr(v.started_at, 1, 10)) AS day, a.name AS account,"
        " u.name AS by, COALESCE(t.version, 0) AS made_under, v.territory FROM visit AS v%s%s%s"
        " WHERE v.submitted_at IS NOT NULL AND v.template IS NOT ?1 AND (?3 IS NULL OR v.person = ?3)"
        " AND julianday(v.submitted_at) >= julianday(?2) ORDER BY day, v.started_at, v.id";
    struct sat_arena arena;
    struct client_template newest;
    json_t *candidates, *row;
    size_t index;
    char today[CLIENT_BOOK_DAY_SIZE];
    *rows = NULL;
    client_book_today(today);
    enum sat_err err = client_template_newest(satchel, CLIENT_TEMPLATE_VISIT, today, &newest);
    if (err) return err;
    const char *values[] = {newest.id, newest.published_at, person};
    candidates = NULL;
    sat_arena_init(&arena);
    const char *asked =
        sat_arena_format(&arena, sql, join_one(&arena, "account", "a", "v.account"),
                         join_one(&arena, "user", "u", "v.person"), join_one(&arena, "template", "t", "v.template"));
    if (newest.id[0]) err = client_book_ask(satchel, asked, values, 3, &candidates);
    sat_arena_deinit(&arena);
    if (!err) *rows = json_array();
    json_array_foreach(candidates, index, row) if (!err) err = look_at(satchel, &newest, row, *rows);
    json_decref(candidates);
    client_template_drop(&newest);
    if (err) json_decref(*rows);
    if (err) *rows = NULL;
    return err;
}
