#include "client/book/account.h"

#include <stdlib.h>
#include <string.h>

#include "client/book/ask.h"
#include "client/book/visit.h"
#include "client/book/writing.h"
#include "client/json.h"
#include "client/names.h"

#define OF_FAMILY " IN (SELECT value FROM json_each(?1)) "

/* ---- Which account ---- */

/* What was merged into another one is that one. */
enum sat_err client_visit_account(struct satchel *satchel, const char *named, struct client_visit_account *out)
{
    static const char sql[] =
        "WITH top(id) AS (SELECT COALESCE((SELECT account FROM survivor WHERE id = ?1), ?1)),"
        " family(id) AS (SELECT id FROM top UNION SELECT id FROM survivor WHERE account = (SELECT id FROM top))"
        " SELECT (SELECT id FROM top) AS id, json_group_array(id) AS family,"
        " EXISTS (SELECT 1 FROM account WHERE id = (SELECT id FROM top)) AS here FROM family";
    char id[SATCHEL_ID_SIZE];
    const char *value = id;
    json_t *row = NULL;
    *out = (struct client_visit_account){0};
    enum sat_err err = client_book_find(satchel, "account", named, id);
    if (!err) err = client_book_ask_one(satchel, sql, &value, 1, &row);
    if (!err) {
        const char *top = client_book_text(row, "id"), *family = client_book_text(row, "family");
        memcpy(out->id, top && strlen(top) == SATCHEL_ID_SIZE - 1 ? top : id, SATCHEL_ID_SIZE);
        out->family = client_text(family ? family : "[]");
        out->here = client_book_integer(row, "here", 0) != 0;
    }
    json_decref(row);
    return err;
}

/* ---- Blocks ---- */

static const char PEOPLE[] =
    "SELECT * FROM (SELECT c.name, c.title, r.roles, r.attitude, r.from_date AS \"from\", r.to_date AS \"to\", "
    "c.left_company, c.id,"
    " r.territory FROM contact_role AS r LEFT JOIN contact AS c ON c.id = r.contact WHERE r.account" OF_FAMILY
    "UNION ALL SELECT c.name, c.title, NULL, NULL, NULL, NULL, c.left_company, c.id, c.territory FROM contact AS c"
    " WHERE c.account" OF_FAMILY
    "AND NOT EXISTS (SELECT 1 FROM contact_role AS r WHERE r.contact = c.id AND r.account" OF_FAMILY
    ")) ORDER BY \"to\" IS NOT NULL, \"to\" DESC, name, id";
static const char INTERACTIONS[] =
    "SELECT substr(i.at, 1, 10) AS day, i.kind, (SELECT json_group_array(COALESCE(c.name, j.value)) FROM"
    " json_each(i.contacts) AS j LEFT JOIN contact AS c ON c.id = j.value) AS contacts, i.note, i.id, i.territory FROM"
    " interaction AS i WHERE i.account" OF_FAMILY "ORDER BY CAST(strftime('%s', i.at) AS INTEGER) DESC, i.id LIMIT 10";
static const char ORDERS[] =
    "SELECT o.no_local AS no, o.ordered_on AS day, COALESCE(o.state_disputed, o.state, 'received') AS state,"
    " COALESCE(o.currency,"
    " l.currency) AS currency, o.total AS total_minor, o.id, o.territory FROM \"order\" AS o LEFT JOIN price_list AS l"
    " ON l.id = o.price_list WHERE o.account" OF_FAMILY "ORDER BY o.ordered_on DESC, o.id DESC LIMIT 10";
static const char OPEN_ORDERS[] =
    "SELECT o.no_local AS no, o.ordered_on AS day, COALESCE(o.state_disputed, o.state, 'received') AS state,"
    " COALESCE(o.currency,"
    " l.currency) AS currency, o.total AS total_minor, o.id, o.territory FROM \"order\" AS o LEFT JOIN price_list AS l"
    " ON l.id = o.price_list WHERE o.account" OF_FAMILY
    "AND (o.state_disputed IS NOT NULL OR COALESCE(o.state, 'received') NOT IN"
    " ('delivered', 'cancelled')) ORDER BY o.ordered_on DESC, o.id DESC LIMIT 10";
static const char TIERS[] = "SELECT on_date AS day, tier, amount AS amount_minor, basis, id, territory FROM tier_event"
                            " WHERE account" OF_FAMILY "ORDER BY on_date DESC, id";
static const char NEEDS[] =
    "SELECT kind, text, severity, tags, id, territory FROM need WHERE account" OF_FAMILY "ORDER BY severity DESC, id";
static const char OPPORTUNITIES[] =
    "SELECT name, COALESCE(stage, 'lead') AS stage, stage_disputed AS disputed, currency, amount AS amount_minor,"
    " expected_close, id, territory FROM opportunity WHERE account" OF_FAMILY
    "AND (stage_disputed IS NOT NULL OR COALESCE(stage, 'lead') NOT IN ('won', 'lost')) ORDER BY expected_close IS "
    "NULL, expected_close, id";
static const char COMPLAINTS[] =
    "SELECT text, COALESCE(state, 'heard') AS state, severity, substr(deadline, 1, 10) AS deadline, id, territory FROM"
    " complaint WHERE account" OF_FAMILY "AND COALESCE(state, 'heard') <> 'closed' ORDER BY severity DESC, id";
static const char TASKS[] = "SELECT t.due, t.title, u.name AS owner, t.id, t.territory FROM task AS t LEFT JOIN"
                            " \"user\" AS u ON u.id = t.owner WHERE t.account" OF_FAMILY
                            "AND COALESCE(t.state, 'open') = 'open' ORDER BY t.due IS NULL, t.due, t.id";

static enum sat_err rows_of(struct satchel *satchel, const char *sql, const char *family, json_t **rows)
{
    static const char *const lists[] = {"contacts", "roles", "attitude"}; /* which SQL has made of several */
    size_t index;
    json_t *row;
    enum sat_err err = client_book_ask(satchel, sql, &family, 1, rows);
    json_array_foreach(err ? NULL : *rows, index, row)
    {
        for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
            const char *text = client_book_text(row, lists[i]);
            if (text) (void)json_object_set_new(row, lists[i], client_book_list(text));
        }
    }
    return err;
}

/* ---- Receivables ---- */

/* What the report says, which is the one place where it is worked out what is owed. */
enum sat_err client_account_receivables(struct satchel *satchel, const char *family, const char *day, bool due,
                                        json_t **rows)
{
    const struct satchel_report_options options = {.period = day, .today = day};
    char *text = NULL;
    json_t *ids = NULL, *row;
    size_t index;
    *rows = NULL;
    enum sat_err err = SAT_OK;
    if (family) {
        err = client_book_ask(satchel, "SELECT id FROM receivable WHERE account" OF_FAMILY, &family, 1, &ids);
        if (!err && !json_array_size(ids)) {
            *rows = ids;
            return SAT_OK;
        }
    }
    if (!err) err = (enum sat_err)satchel_report(satchel, "receivables", &options, &text);
    json_t *report = text ? json_loads(text, JSON_ALLOW_NUL, NULL) : NULL;
    satchel_free(text);
    if (!err) *rows = json_array();
    json_t *own = client_book_index(ids, "id");
    json_array_foreach(json_object_get(json_object_get(report, "parts"), "receivables"), index, row)
    {
        int64_t level = client_book_integer(row, "level_due", 0), done = client_book_integer(row, "level_done", 0);
        const char *id = client_book_text(row, "id");
        if (family && !(id && json_object_get(own, id))) continue;
        if (!due || level > done) (void)json_array_append(*rows, row);
    }
    json_decref(report);
    json_decref(own);
    json_decref(ids);
    return err;
}

/* ---- As of when ---- */

enum sat_err client_account_as_of(struct satchel *satchel, json_t **out)
{
    struct sat_arena arena;
    enum sat_err err = SAT_OK;
    *out = json_object();
    sat_arena_init(&arena);
    for (uint32_t i = 0; i < satchel->directory.spaces_n && !err; i++) {
        const struct sat_space *space = &satchel->directory.spaces[i];
        struct sat_space_row row = {0};
        bool found = false;
        if (space->kind == SAT_SPACE_ORG || space->kind == SAT_SPACE_PEOPLE) continue;
        err = sat_store_space_find(satchel->store, &space->id, &row, &found);
        if (!err && found && row.last_recv_ms)
            (void)json_object_set_new(*out, client_space_name(satchel, &space->id, &arena),
                                      client_json_of_time(row.last_recv_ms));
    }
    sat_arena_deinit(&arena);
    if (!err) return SAT_OK;
    json_decref(*out);
    *out = NULL;
    return err;
}

/* The newest of the territories that its rows are in; of none that of the account's own. */
static json_t *as_of_rows(const json_t *as_of, const json_t *rows, const char *own)
{
    const json_t *newest = json_array_size(rows) ? NULL : json_object_get(as_of, own ? own : "");
    size_t index;
    json_t *row;
    json_array_foreach((json_t *)rows, index, row)
    {
        const char *territory = client_book_text(row, "territory");
        const json_t *one = json_object_get(as_of, territory ? territory : own ? own : "");
        if (one && (!newest || strcmp(json_string_value(one), json_string_value(newest)) > 0)) newest = one;
    }
    return newest ? json_incref((json_t *)newest) : json_null();
}

/* ---- How often they buy ---- */

enum { ORDERS_LOOKED_AT = 5, DAY_S = 24 * 3600 };

static int compare_gaps(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

/* The median of the days between the last orders, and when the next one is to be expected. */
static enum sat_err cycle_of(struct satchel *satchel, const char *family, json_t **out)
{
    static const char sql[] =
        "SELECT o.ordered_on AS day, CAST(strftime('%s', o.ordered_on) AS INTEGER) / 86400 AS number FROM \"order\" AS "
        "o"
        " WHERE o.account" OF_FAMILY "AND o.ordered_on IS NOT NULL AND o.state_disputed IS NULL AND COALESCE(o.state,"
        " 'received') <> 'cancelled' GROUP BY o.ordered_on ORDER BY o.ordered_on DESC LIMIT 5";
    int64_t days[ORDERS_LOOKED_AT] = {0}, gaps[ORDERS_LOOKED_AT];
    json_t *rows;
    enum sat_err err = client_book_ask(satchel, sql, &family, 1, &rows);
    if (err) return err;
    size_t n = json_array_size(rows);
    *out = json_object();
    client_book_set(*out, "last_order", client_book_text(json_array_get(rows, 0), "day"));
    for (size_t i = 0; i < n; i++) days[i] = client_book_integer(json_array_get(rows, i), "number", 0);
    for (size_t i = 0; i + 1 < n; i++) gaps[i] = days[i] - days[i + 1];
    if (n > 1) {
        char next[CLIENT_TIME_TEXT_SIZE];
        size_t gaps_n = n - 1;
        qsort(gaps, gaps_n, sizeof *gaps, compare_gaps);
        int64_t median = gaps_n % 2 ? gaps[gaps_n / 2] : (gaps[gaps_n / 2 - 1] + gaps[gaps_n / 2]) / 2;
        client_time_format((days[0] + median) * DAY_S * 1000, 0, next);
        next[CLIENT_BOOK_DAY_SIZE - 1] = '\0';
        (void)json_object_set_new(*out, "cycle_days", json_integer(median));
        client_book_set(*out, "next_expected", next);
    }
    json_decref(rows);
    return SAT_OK;
}

/* ---- Before a visit ---- */

enum sat_err client_account_briefing(struct satchel *satchel, const char *family, json_t **out)
{
    static const struct {
        const char *name, *sql;
    } blocks[] = {{"orders", OPEN_ORDERS}, {"complaints", COMPLAINTS}, {"needs", NEEDS}, {"people", PEOPLE}};
    char today[CLIENT_BOOK_DAY_SIZE];
    json_t *rows;
    client_book_today(today);
    *out = json_object();
    enum sat_err err = client_visit_rows(satchel,
                                         "v.account" OF_FAMILY "AND COALESCE(v.state, 'draft') IN ('checked_out',"
                                         " 'submitted', 'reviewed')",
                                         &family, 1, 3, &rows);
    if (!err) (void)json_object_set_new(*out, "visits", rows);
    if (!err) err = client_account_receivables(satchel, family, today, false, &rows);
    if (!err) (void)json_object_set_new(*out, "receivables", rows);
    for (size_t i = 0; i < sizeof blocks / sizeof blocks[0] && !err; i++) {
        err = rows_of(satchel, blocks[i].sql, family, &rows);
        if (!err) (void)json_object_set_new(*out, blocks[i].name, rows);
    }
    if (!err) return SAT_OK;
    json_decref(*out);
    *out = NULL;
    return err;
}

/* ---- The page ---- */

struct page {
    struct satchel *satchel;
    const char *family, *territory;
    json_t *as_of, *json;
};

static void add_block(struct page *page, const char *name, json_t *rows)
{
    (void)json_object_set_new(
        page->json, name,
        json_pack("{s:o, s:o}", "as_of", as_of_rows(page->as_of, rows, page->territory), "rows", rows));
}

static enum sat_err add_asked(struct page *page, const char *name, const char *sql)
{
    json_t *rows;
    enum sat_err err = rows_of(page->satchel, sql, page->family, &rows);
    if (!err) add_block(page, name, rows);
    return err;
}

static enum sat_err add_profile(struct page *page)
{
    json_t *cycle = NULL;
    enum sat_err err =
        add_asked(page, "profile", "SELECT * FROM account_profile WHERE account" OF_FAMILY "ORDER BY id");
    if (!err) err = cycle_of(page->satchel, page->family, &cycle);
    if (!err) (void)json_object_set_new(json_object_get(page->json, "profile"), "buying", cycle);
    return err;
}

static enum sat_err add_blocks(struct page *page)
{
    static const struct {
        const char *name, *sql;
    } blocks[] = {{"people", PEOPLE},         {"needs", NEEDS}, {"opportunities", OPPORTUNITIES}, {"orders", ORDERS},
                  {"complaints", COMPLAINTS}, {"tasks", TASKS}, {"interactions", INTERACTIONS},   {"tiers", TIERS}};
    char today[CLIENT_BOOK_DAY_SIZE];
    json_t *rows;
    client_book_today(today);
    enum sat_err err = add_profile(page);
    if (!err) err = client_visit_rows(page->satchel, "v.account" OF_FAMILY, &page->family, 1, 10, &rows);
    if (!err) add_block(page, "visits", rows);
    for (size_t i = 0; i < sizeof blocks / sizeof blocks[0] && !err; i++)
        err = add_asked(page, blocks[i].name, blocks[i].sql);
    if (!err) err = client_account_receivables(page->satchel, page->family, today, false, &rows);
    if (!err) add_block(page, "receivables", rows);
    return err;
}

static enum sat_err show(struct page *page, const struct client_visit_account *account)
{
    const char *id = account->id;
    json_t *row;
    enum sat_err err = client_book_ask_one(page->satchel,
                                           "SELECT a.*, u.name AS owner_name FROM (SELECT * FROM account UNION ALL"
                                           " SELECT * FROM archived.account) AS a LEFT JOIN \"user\" AS u ON u.id ="
                                           " a.owner WHERE a.id = ?1",
                                           &id, 1, &row);
    if (!err && !row) err = sat_fail(&page->satchel->fault, SAT_ERR_NOT_FOUND, "there is no account %s here", id);
    if (!err) err = client_account_as_of(page->satchel, &page->as_of);
    if (!err) {
        (void)json_object_set_new(row, "archived", json_boolean(!account->here));
        page->territory = client_book_text(row, "territory");
        (void)json_object_set(page->json, "account", row);
        (void)json_object_set_new(page->json, "as_of", as_of_rows(page->as_of, NULL, page->territory));
        err = add_blocks(page);
    }
    json_decref(row);
    json_decref(page->as_of);
    return err;
}

int satchel_account_show(struct satchel *satchel, const char *account, char **json)
{
    struct client_visit_account found;
    client_begin(satchel);
    *json = NULL;
    enum sat_err err = client_visit_account(satchel, account, &found);
    struct page page = {.satchel = satchel, .family = found.family, .json = json_object()};
    if (!err) err = show(&page, &found);
    if (!err) *json = client_json_text(json_incref(page.json));
    json_decref(page.json);
    satchel_free(found.family);
    return client_end(satchel, err);
}
