#define _GNU_SOURCE

#include "client/book/ask.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "client/locate.h"
#include "client/view/view.h"
#include "common/base/utf8.h"

/* ---- Rows ---- */

enum sat_err client_book_ask(struct satchel *satchel, const char *sql, const char *const *values, size_t n,
                             json_t **rows)
{
    return client_view_rows(satchel, sql, values, n, rows);
}

enum sat_err client_book_ask_one(struct satchel *satchel, const char *sql, const char *const *values, size_t n,
                                 json_t **row)
{
    json_t *rows;
    enum sat_err err = client_view_rows(satchel, sql, values, n, &rows);
    *row = err ? NULL : json_incref(json_array_get(rows, 0));
    json_decref(rows);
    return err;
}

const char *client_book_text(const json_t *row, const char *column)
{
    return json_string_value(json_object_get(row, column));
}

int64_t client_book_integer(const json_t *row, const char *column, int64_t absent)
{
    const json_t *value = json_object_get(row, column);
    return json_is_integer(value) ? json_integer_value(value) : absent;
}

json_t *client_book_index(const json_t *rows, const char *column)
{
    json_t *index = json_object(), *row;
    size_t i;
    json_array_foreach((json_t *)rows, i, row)
    {
        const char *text = client_book_text(row, column);
        if (text && !json_object_get(index, text)) (void)json_object_set(index, text, row);
    }
    return index;
}

/* ---- Who, and when ---- */

enum sat_err client_book_self(struct satchel *satchel, struct client_book_self *out)
{
    struct sat_arena arena;
    const struct sat_user *user = sat_directory_user(&satchel->directory, client_user(satchel));
    *out = (struct client_book_self){.user = client_user(satchel), .role = user ? user->role : 0};
    struct sat_record_id id = sat_name_record_user(&satchel->directory.org, out->user);
    sat_uuid_format(id.b, out->id);
    sat_arena_init(&arena);
    enum sat_err err = client_duties_own(satchel, &arena, &out->duties);
    sat_arena_deinit(&arena);
    return err;
}

static struct tm local_of(uint64_t ms)
{
    time_t at = (time_t)(ms / 1000);
    struct tm local = {0};
    if (!localtime_r(&at, &local)) (void)gmtime_r(&at, &local);
    return local;
}

void client_book_day_of(uint64_t ms, char out[CLIENT_BOOK_DAY_SIZE])
{
    struct tm local = local_of(ms);
    if (!strftime(out, CLIENT_BOOK_DAY_SIZE, "%Y-%m-%d", &local)) out[0] = '\0';
}

void client_day_believed(const struct sat_merged *cell, char out[CLIENT_BOOK_DAY_SIZE])
{
    char text[CLIENT_TIME_TEXT_SIZE];
    uint64_t ms = cell->source->effective >> 16;
    if (cell->value.kind != SAT_VALUE_TIME) {
        client_book_day_of(ms, out);
        return;
    }
    client_time_format((int64_t)ms, cell->value.offset_min, text);
    (void)snprintf(out, CLIENT_BOOK_DAY_SIZE, "%.10s", text);
}

void client_book_time_of(uint64_t ms, char out[CLIENT_TIME_TEXT_SIZE])
{
    struct tm local = local_of(ms);
    client_time_format((int64_t)ms, (int16_t)(local.tm_gmtoff / 60), out);
}

void client_book_today(char out[CLIENT_BOOK_DAY_SIZE])
{
    client_book_day_of(client_now_ms(), out);
}

void client_book_now(char out[CLIENT_TIME_TEXT_SIZE])
{
    client_book_time_of(client_now_ms(), out);
}

/* ---- Which record ---- */

/* What a record is called by. */
static bool is_name(const struct sat_field *field)
{
    static const char *const others[] = {"tax_id", "employee_no", "code", "no_final"};
    if (sat_field_search(field) == SAT_SEARCH_NAME) return true;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (strcmp(field->name, others[i]) == 0) return true;
    return false;
}

enum likeness { EXACTLY, WHATEVER_THE_CASE, AS_A_PART };

/* The SQL condition that a column is called ?1. */
static const char *compared(struct sat_arena *arena, enum likeness how, const char *column)
{
    if (how == AS_A_PART) return sat_arena_format(arena, "instr(lower(%s), lower(?1)) > 0", column);
    return sat_arena_format(arena, "%s = ?1%s", column, how == EXACTLY ? "" : " COLLATE NOCASE");
}

/* "SELECT id, what it is called FROM its table WHERE it is called ?1"; NULL: it has no name. */
static const char *sql_by_name(const struct sat_type *type, enum likeness how, struct sat_arena *arena)
{
    const char *where = "", *called = "id";
    for (uint16_t i = 0; i < type->fields_n; i++) {
        const struct sat_field *field = &type->fields[i];
        const char * or = *where ? " OR " : "";
        if (!is_name(field)) continue;
        const char *column = sat_arena_format(arena, "r.\"%s\"", field->name);
        bool set = sat_rule(field->rule)->form == SAT_FORM_SET;
        where = set ? sat_arena_format(arena, "%s%sEXISTS (SELECT 1 FROM json_each(%s) WHERE %s)", where, or, column,
                                       compared(arena, how, "value"))
                    : sat_arena_format(arena, "%s%s%s", where, or, compared(arena, how, column));
        if (!set && strcmp(called, "id") == 0) called = column;
    }
    if (!*where) return NULL;
    return sat_arena_format(arena, "SELECT DISTINCT r.id AS id, %s AS called FROM \"%s\" AS r WHERE %s ORDER BY 1",
                            called, type->name, where);
}

/* Customers and what is to be done have names in words, of which a person says one; numbers and SKUs are said whole. */
static bool is_called_in_part(const struct sat_type *type, const char *named)
{
    static const char *const types[] = {"account", "contact", "lead", "opportunity", "task"};
    size_t characters = 0;
    for (const char *at = named; *at; at++) characters += (*at & 0xc0) != 0x80;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (strcmp(type->name, types[i]) == 0) return characters > 1;
    return false;
}

static bool is_prefix(const char *named)
{
    size_t digits = strspn(named, "0123456789abcdefABCDEF-");
    return digits >= 6 && !named[digits] && digits < SATCHEL_ID_SIZE;
}

static enum sat_err fail_several(struct satchel *satchel, const char *type, const char *named, const json_t *rows,
                                 struct sat_arena *arena)
{
    enum { SHOWN = 6 };
    size_t n = json_array_size(rows);
    const char *list = "";
    for (size_t i = 0; i < n && i < SHOWN; i++) {
        const json_t *row = json_array_get(rows, i);
        const char *called = client_book_text(row, "called");
        list = sat_arena_format(arena, "%s%s%s (%s)", list, i ? ", " : "", client_book_text(row, "id"),
                                sat_utf8_beginning(arena, called ? called : "", 40));
    }
    return sat_fail(&satchel->fault, SAT_ERR_INVALID, "\"%.60s\" may be any of %zu of type %s: %.300s%s",
                    sat_utf8_shown(arena, named), n, type, list, n > SHOWN ? ", …" : "");
}

/* Takes the one row that there is. *found: the search is over. */
static enum sat_err take_one(struct satchel *satchel, const char *type, const char *named, const char *sql,
                             struct sat_arena *arena, bool *found, char out[SATCHEL_ID_SIZE])
{
    json_t *rows;
    enum sat_err err = client_book_ask(satchel, sql, &named, 1, &rows);
    if (err) return err;
    *found = json_array_size(rows) > 0;
    if (json_array_size(rows) > 1) err = fail_several(satchel, type, named, rows, arena);
    const char *id = client_book_text(json_array_get(rows, 0), "id");
    if (!err && *found) (void)snprintf(out, SATCHEL_ID_SIZE, "%s", id ? id : "");
    json_decref(rows);
    return err;
}

static enum sat_err find(struct satchel *satchel, const struct sat_type *type, const char *named,
                         struct sat_arena *arena, char out[SATCHEL_ID_SIZE])
{
    const char *exactly = sql_by_name(type, EXACTLY, arena), *about = sql_by_name(type, WHATEVER_THE_CASE, arena);
    const char *part = is_called_in_part(type, named) ? sql_by_name(type, AS_A_PART, arena) : NULL;
    const char *begins = sat_arena_format(
        arena, "SELECT DISTINCT id, '' AS called FROM \"%s\" WHERE id LIKE ?1 || '%%' ORDER BY 1", type->name);
    bool found = false;
    enum sat_err err = exactly ? take_one(satchel, type->name, named, exactly, arena, &found, out) : SAT_OK;
    if (!err && !found && about) err = take_one(satchel, type->name, named, about, arena, &found, out);
    if (!err && !found && is_prefix(named)) err = take_one(satchel, type->name, named, begins, arena, &found, out);
    if (!err && !found && part) err = take_one(satchel, type->name, named, part, arena, &found, out);
    if (err || found) return err;
    return sat_fail(&satchel->fault, SAT_ERR_NOT_FOUND, "there is no %s \"%.80s\" here", type->name,
                    sat_utf8_shown(arena, named));
}

enum sat_err client_book_find(struct satchel *satchel, const char *type_name, const char *named,
                              char out[SATCHEL_ID_SIZE])
{
    struct sat_arena arena;
    struct sat_record_id id;
    const struct sat_type *type;
    if (named && sat_uuid_parse(named, id.b) == SAT_OK) {
        sat_uuid_format(id.b, out);
        return SAT_OK;
    }
    sat_arena_init(&arena);
    enum sat_err err = client_find_type(satchel, type_name, &type);
    if (!err && (!named || !*named))
        err = sat_fail(&satchel->fault, SAT_ERR_INVALID, "which %s is meant is not said", type_name);
    if (!err) err = find(satchel, type, named, &arena, out);
    sat_arena_deinit(&arena);
    return err;
}

int satchel_named(struct satchel *satchel, const char *type, const char *named, char id_out[SATCHEL_ID_SIZE])
{
    client_begin(satchel);
    return client_end(satchel, client_book_find(satchel, type, named, id_out));
}

/* ---- Money ---- */

struct client_money client_book_money(const json_t *row, const char *amount, const char *currency)
{
    const json_t *minor = json_object_get(row, amount);
    const char *of = client_book_text(row, currency);
    struct client_money money = {.there = json_is_integer(minor), .minor = json_integer_value(minor)};
    if (of) (void)snprintf(money.currency, sizeof money.currency, "%s", of);
    return money;
}

enum sat_err client_book_money_add(struct satchel *satchel, struct client_money *sum, const struct client_money *more)
{
    if (!more->there) return SAT_OK;
    if (!sum->there) {
        *sum = *more;
        return SAT_OK;
    }
    if (strcmp(sum->currency, more->currency) != 0)
        return sat_fail(&satchel->fault, SAT_ERR_INVALID, "amounts of %s and %s are not added",
                        sum->currency[0] ? sum->currency : "no currency",
                        more->currency[0] ? more->currency : "no currency");
    if (__builtin_add_overflow(sum->minor, more->minor, &sum->minor))
        return sat_fail(&satchel->fault, SAT_ERR_INVALID, "the sum of %s is larger than an amount can be",
                        sum->currency);
    return SAT_OK;
}
