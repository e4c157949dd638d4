/* Reports: SQL in files (client/reports/), asked of the view, with what their figures stand on. How a file is written
 * is in docs/reports.md. */
#define _GNU_SOURCE

#include "client/handle.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client/calendar.h"
#include "client/locate.h"
#include "client/names.h"
#include "client/period.h"
#include "client/reports.h"
#include "client/rows.h"
#include "client/view/arithmetic.h"
#include "common/base/utf8.h"

/* ---- The files ---- */

static const char *text_of(const char *name)
{
    for (const struct client_report_text *it = client_report_texts; it->name; it++)
        if (strcmp(it->name, name) == 0) return it->text;
    return NULL;
}

static const char *line_after(const char *at)
{
    at += strcspn(at, "\n");
    return *at ? at + 1 : at;
}

/* What stands behind "-- KEY: " in the file's head; "" where there is none. */
static const char *said(const char *text, const char *key, struct sat_arena *arena)
{
    size_t len = strlen(key);
    for (const char *at = text; strncmp(at, "-- ", 3) == 0 || strncmp(at, "--\n", 3) == 0; at = line_after(at))
        if (strncmp(at + 2, " ", 1) == 0 && strncmp(at + 3, key, len) == 0 && strncmp(at + 3 + len, ": ", 2) == 0)
            return sat_arena_text(arena, at + 5 + len, strcspn(at + 5 + len, "\n"));
    return "";
}

/* The next part behind `at`: the line "-- part NAME", or "-- with", and what stands below it. NULL: there is none. */
struct part {
    const char *name, *sql;
};
static const char *next_part(const char *at, struct sat_arena *arena, struct part *out)
{
    while (*at && strncmp(at, "-- part ", 8) != 0 && strncmp(at, "-- with\n", 8) != 0) at = line_after(at);
    if (!*at) return NULL;
    out->name = at[3] == 'w' ? "" : sat_arena_text(arena, at + 8, strcspn(at + 8, "\n"));
    const char *begin = line_after(at), *end = begin;
    while (*end && strncmp(end, "-- part ", 8) != 0) end = line_after(end);
    out->sql = sat_arena_text(arena, begin, (size_t)(end - begin));
    return end;
}

static bool is_word_of(const char *words, const char *word)
{
    size_t len = strlen(word);
    for (const char *at = words; *at; at += strspn(at, " ")) {
        size_t n = strcspn(at, " ");
        if (n == len && memcmp(at, word, n) == 0) return true;
        at += n;
    }
    return false;
}

static bool is_report(const char *name)
{
    return strcmp(name, "given") != 0;
}

static const char *names(struct sat_arena *arena)
{
    const char *list = "";
    for (const struct client_report_text *it = client_report_texts; it->name; it++)
        if (is_report(it->name)) list = sat_arena_format(arena, "%s%s%s", list, *list ? ", " : "", it->name);
    return list;
}

static json_t *words_of(const char *words)
{
    json_t *list = json_array();
    for (const char *at = words; *at; at += strspn(at, " ")) {
        size_t n = strcspn(at, " ");
        (void)json_array_append_new(list, json_stringn(at, n));
        at += n;
    }
    return list;
}

int satchel_reports(satchel_row_fn row, void *context)
{
    struct sat_arena arena;
    sat_arena_init(&arena);
    bool more = true;
    for (const struct client_report_text *it = client_report_texts; it->name && more; it++) {
        if (!is_report(it->name)) continue;
        json_t *json = json_object();
        (void)json_object_set_new(json, "report", json_string(it->name));
        (void)json_object_set_new(json, "title", json_string(said(it->text, it->name, &arena)));
        (void)json_object_set_new(json, "by", words_of(said(it->text, "by", &arena)));
        (void)json_object_set_new(json, "period", json_string(said(it->text, "period", &arena)));
        more = client_give_row(row, context, json);
    }
    sat_arena_deinit(&arena);
    return 0;
}

/* ---- What is asked ---- */

struct asking {
    struct satchel *satchel;
    struct client_view *view;
    struct sat_arena *arena;
    const char *name, *text;
    struct client_period period;
    char today[CLIENT_DAY_SIZE];
    bool one_space;
    struct sat_space_id space; /* … then this one */
    const char *territory, *by;
    json_t *status; /* as the library tells it */
};

/* The day here, where the person is; `given` is one. */
static void set_today(const char *given, char out[CLIENT_DAY_SIZE])
{
    time_t now = (time_t)(client_now_ms() / 1000);
    struct tm local = {0};
    if (given)
        memcpy(out, given, CLIENT_DAY_SIZE);
    else if (!localtime_r(&now, &local) || !strftime(out, CLIENT_DAY_SIZE, "%Y-%m-%d", &local))
        out[0] = '\0';
}

static enum sat_err take(const char *name, const struct satchel_report_options *options, struct asking *asking)
{
    struct sat_fault *fault = &asking->satchel->fault;
    asking->name = name;
    asking->text = is_report(name) ? text_of(name) : NULL;
    if (!asking->text)
        return sat_fail(fault, SAT_ERR_USAGE, "there is no report %.40s; there are %s", name, names(asking->arena));
    const char *ways = said(asking->text, "by", asking->arena);
    asking->by = options->by;
    if (asking->by && !is_word_of(ways, asking->by))
        return sat_fail(fault, SAT_ERR_USAGE, "the report %s is not told by %.40s, but by one of: %s", name, asking->by,
                        ways);
    if (options->today && !client_date_valid(sat_span_text(options->today)))
        return sat_fail(fault, SAT_ERR_USAGE, "today is a day, written 2026-05-09, not \"%.40s\"",
                        sat_utf8_shown(asking->arena, options->today));
    set_today(options->today, asking->today);
    const char *period = options->period ? options->period : said(asking->text, "period", asking->arena);
    enum sat_err err = client_period_parse(period, asking->today, &asking->period, fault);
    if (err || !options->territory) return err;
    err = client_find_space(asking->satchel, options->territory, &asking->space, fault);
    const struct sat_space *space = err ? NULL : sat_directory_space(&asking->satchel->directory, &asking->space);
    if (!err && (!space || space->kind == SAT_SPACE_ORG || space->kind == SAT_SPACE_PEOPLE))
        return sat_fail(fault, SAT_ERR_USAGE, "%.40s is no territory", options->territory);
    asking->one_space = true;
    if (!err) asking->territory = client_space_name(asking->satchel, &asking->space, asking->arena);
    return err ? err : asking->satchel->unread;
}

/* ---- Asking ---- */

static void put(struct sat_buf *sql, const char *text)
{
    sat_put_bytes(sql, text, strlen(text));
}

static void put_literal(struct sat_buf *sql, const char *text)
{
    if (!text) {
        put(sql, "NULL");
        return;
    }
    put(sql, "'");
    for (; *text; text++) sat_put_bytes(sql, *text == '\'' ? "''" : text, *text == '\'' ? 2 : 1);
    put(sql, "'");
}

/* What every part begins with: what is asked, what is given, and the file's own tables. */
static void put_beginning(struct sat_buf *sql, const struct asking *asking, const char *with)
{
    struct part given = {0};
    (void)next_part(text_of("given"), asking->arena, &given);
    const char *values[] = {asking->period.name, asking->period.first, asking->period.last,
                            asking->territory,   asking->by,           asking->today};
    put(sql, "WITH asked(name, first, last, territory, by, today) AS (VALUES(");
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        if (i) put(sql, ",");
        put_literal(sql, values[i]);
    }
    put(sql, "))");
    put(sql, ",\n");
    put(sql, given.sql);
    if (*with) put(sql, ",\n");
    put(sql, with);
}

static int keep_row(void *rows, const char *json)
{
    (void)json_array_append_new(rows, json_loads(json, JSON_ALLOW_NUL, NULL));
    return 0;
}

static enum sat_err ask(struct asking *asking, const struct sat_buf *beginning, const char *sql, json_t *rows)
{
    struct sat_buf whole;
    sat_buf_init(&whole);
    sat_put_bytes(&whole, beginning->at, beginning->len);
    put(&whole, sql);
    sat_put_u8(&whole, 0);
    enum sat_err err = client_view_query(asking->view, (const char *)whole.at, keep_row, rows, &asking->satchel->fault);
    sat_buf_deinit(&whole);
    size_t index;
    json_t *row;
    if (!asking->by) json_array_foreach(rows, index, row)(void) json_object_del(row, "of");
    return err;
}

/* The rows of the part "basis" say how many of what were counted, and with a reason how many were not. */
static void split_basis(json_t *rows, json_t *basis)
{
    json_t *counted = json_array(), *not_counted = json_array(), *row;
    size_t index;
    json_array_foreach(rows, index, row)
    {
        bool is_counted = json_is_null(json_object_get(row, "why"));
        if (is_counted) (void)json_object_del(row, "why");
        (void)json_array_append(is_counted ? counted : not_counted, row);
    }
    (void)json_object_set_new(basis, "counted", counted);
    (void)json_object_set_new(basis, "not_counted", not_counted);
}

static enum sat_err ask_parts(struct asking *asking, json_t *report, json_t *basis)
{
    struct part part = {0};
    struct sat_buf beginning;
    json_t *parts = json_object();
    const char *at = next_part(asking->text, asking->arena, &part), *with = at && !part.name[0] ? part.sql : "";
    sat_buf_init(&beginning);
    put_beginning(&beginning, asking, with);
    if (at && !part.name[0]) at = next_part(at, asking->arena, &part);
    enum sat_err err = SAT_OK;
    for (; at && !err; at = next_part(at, asking->arena, &part)) {
        json_t *rows = json_array();
        err = ask(asking, &beginning, part.sql, rows);
        if (strcmp(part.name, "basis") == 0)
            split_basis(rows, basis);
        else
            (void)json_object_set(parts, part.name, rows);
        json_decref(rows);
    }
    sat_buf_deinit(&beginning);
    (void)json_object_set_new(report, "parts", parts);
    return err;
}

/* ---- What it stands on ---- */

static enum sat_err space_row(struct satchel *satchel, const json_t *told, struct sat_space_row *row, bool *territory)
{
    bool found = false;
    struct sat_space_id id;
    const char *text = json_string_value(json_object_get(told, "space"));
    *territory = text && sat_uuid_parse(text, id.b) == SAT_OK;
    const struct sat_space *space = *territory ? sat_directory_space(&satchel->directory, &id) : NULL;
    *territory = space && space->kind != SAT_SPACE_ORG && space->kind != SAT_SPACE_PEOPLE;
    return *territory ? sat_store_space_find(satchel->store, &id, row, &found) : SAT_OK;
}

static int by_name(const void *a, const void *b)
{
    const json_t *const *x = a, *const *y = b;
    return strcmp(json_string_value(json_object_get(*x, "territory")),
                  json_string_value(json_object_get(*y, "territory")));
}

/* In an order that does not depend on when this device was let into which. */
static json_t *sorted(json_t *list, struct sat_arena *arena)
{
    size_t n = json_array_size(list), index;
    json_t **at = sat_arena_array(arena, n, sizeof(json_t *)), *item;
    json_array_foreach(list, index, item) at[index] = json_incref(item);
    if (n) qsort(at, n, sizeof *at, by_name);
    (void)json_array_clear(list);
    for (size_t i = 0; i < n; i++) (void)json_array_append_new(list, at[i]);
    return list;
}

/* How far each territory's log is known here, and how much of one's own is not in it yet. */
static enum sat_err set_logs(struct asking *asking, json_t *report, json_t *basis)
{
    json_t *territories = json_array(), *told;
    json_int_t waiting = 0;
    uint64_t newest_ms = 0;
    size_t index;
    enum sat_err err = SAT_OK;
    json_array_foreach(json_object_get(asking->status, "spaces"), index, told)
    {
        struct sat_space_row row = {0};
        bool territory = false;
        if (!err) err = space_row(asking->satchel, told, &row, &territory);
        if (err || !territory) continue;
        if (asking->one_space && memcmp(row.id.b, asking->space.b, sizeof row.id.b) != 0) continue;
        json_t *item = json_object();
        (void)json_object_set(item, "territory", json_object_get(told, "name"));
        (void)json_object_set_new(item, "entries", json_integer((json_int_t)row.log.size));
        (void)json_object_set_new(item, "as_of",
                                  row.last_recv_ms ? client_json_of_time(row.last_recv_ms) : json_null());
        (void)json_array_append_new(territories, item);
        waiting += json_integer_value(json_object_get(told, "pending"));
        waiting += json_integer_value(json_object_get(told, "refused"));
        if (row.last_recv_ms > newest_ms) newest_ms = row.last_recv_ms;
    }
    (void)json_object_set_new(report, "as_of", newest_ms ? client_json_of_time(newest_ms) : json_null());
    (void)json_object_set_new(basis, "territories", sorted(territories, asking->arena));
    (void)json_object_set_new(basis, "not_synced", json_integer(waiting));
    return err;
}

/* Territories that there are, and that this device has nothing of. Those that only others are parts of have no space.
 */
static enum sat_err set_not_here(struct asking *asking, json_t *basis)
{
    json_t *rows = json_array(), *missing = json_array(), *row, *told;
    size_t index, at;
    enum sat_err err = client_view_query(
        asking->view, "SELECT name, space FROM territory WHERE space IS NOT NULL ORDER BY name, space", keep_row, rows,
        &asking->satchel->fault);
    json_array_foreach(rows, index, row)
    {
        bool here = asking->one_space;
        json_array_foreach(json_object_get(asking->status, "spaces"), at,
                           told) if (json_equal(json_object_get(told, "space"), json_object_get(row, "space"))) here =
            true;
        if (!here) (void)json_array_append(missing, json_object_get(row, "name"));
    }
    json_decref(rows);
    (void)json_object_set_new(basis, "not_here", missing);
    return err;
}

/* ---- The whole ---- */

static void set_head(const struct asking *asking, json_t *report)
{
    json_t *period = json_object();
    (void)json_object_set_new(report, "report", json_string(asking->name));
    (void)json_object_set_new(report, "title", json_string(said(asking->text, asking->name, asking->arena)));
    (void)json_object_set_new(period, "name", json_string(asking->period.name));
    (void)json_object_set_new(period, "first", json_string(asking->period.first));
    (void)json_object_set_new(period, "last", json_string(asking->period.last));
    (void)json_object_set_new(report, "period", period);
    (void)json_object_set_new(report, "territory", client_json_of_text(asking->territory));
    (void)json_object_set_new(report, "by", client_json_of_text(asking->by));
    (void)json_object_set_new(report, "plot", words_of(said(asking->text, "plot", asking->arena)));
}

static enum sat_err make(struct asking *asking, json_t *report)
{
    json_t *basis = json_object();
    set_head(asking, report);
    enum sat_err err = set_logs(asking, report, basis);
    if (!err) err = client_view_get(asking->satchel, &asking->view);
    if (!err) {
        err = client_view_teach(asking->view, &asking->satchel->fault);
        if (!err) err = ask_parts(asking, report, basis);
        client_view_forget(asking->view);
    }
    if (!err) err = set_not_here(asking, basis);
    (void)json_object_set_new(report, "basis", basis);
    return err;
}

/* What the library's other calls tell; each of them says itself why it cannot. */
static int look_around(struct satchel *satchel, struct asking *asking)
{
    char *status = NULL;
    int failed = satchel_status(satchel, &status);
    if (!failed) asking->status = json_loads(status, 0, NULL);
    satchel_free(status);
    return failed;
}

/* Nothing is given out before all of it is there: where the view on the disk turns out damaged on the way, it is built
 * anew, and asked once more. */
static enum sat_err make_text(struct asking *asking, char **out)
{
    enum sat_err err;
    bool again = false;
    do {
        json_t *report = json_object();
        err = make(asking, report);
        if (!err) *out = client_json_text(json_incref(report));
        json_decref(report);
        again = !again && err && asking->view && client_view_is_damaged(asking->view);
    } while (again);
    return err;
}

int satchel_report(struct satchel *satchel, const char *name, const struct satchel_report_options *options, char **out)
{
    static const struct satchel_report_options none = {0};
    struct sat_arena arena;
    struct asking asking = {.satchel = satchel, .arena = &arena};
    *out = NULL;
    sat_arena_init(&arena);
    client_begin(satchel);
    int failed = client_end(satchel, take(name ? name : "", options ? options : &none, &asking));
    if (!failed) failed = look_around(satchel, &asking);
    if (!failed) {
        client_begin(satchel);
        failed = client_end(satchel, make_text(&asking, out));
    }
    json_decref(asking.status);
    sat_arena_deinit(&arena);
    return failed;
}
