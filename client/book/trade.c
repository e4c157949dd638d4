#include "client/book/trade.h"

#include <stdio.h>
#include <string.h>

#include "client/fits.h"
#include "client/locate.h"
#include "client/names.h"
#include "common/base/utf8.h"
#include "common/vault/derived.h"

enum sat_err client_trade_following(struct satchel *satchel, const char *from, const char *what, uint32_t n,
                                    char out[SATCHEL_ID_SIZE])
{
    struct sat_record_id id;
    enum sat_err err = client_parse_id(satchel, from, &id);
    if (err) return err;
    id = sat_record_id_following(&satchel->directory.org, &id, what, n);
    sat_uuid_format(id.b, out);
    return SAT_OK;
}

enum sat_err client_trade_is_in(struct satchel *satchel, const char *territory, const char *id, bool *here)
{
    struct sat_arena arena;
    struct sat_record_id record;
    struct sat_record_view view = {0};
    enum sat_err err = client_parse_id(satchel, id, &record);
    sat_arena_init(&arena);
    if (!err) err = client_locate_in(satchel, territory, &record, &arena, &view);
    *here = view.live_n > 0;
    sat_arena_deinit(&arena);
    return err;
}

bool client_trade_may_write(struct satchel *satchel, const char *territory)
{
    struct sat_space_id space;
    struct sat_fault unsaid = {0};
    if (!territory || client_find_space(satchel, territory, &space, &unsaid)) return false;
    return client_rights(satchel, &space) & SAT_RIGHT_WRITE;
}

enum sat_err client_trade_account(struct satchel *satchel, const char *named, struct sat_arena *arena,
                                  char out[SATCHEL_ID_SIZE], const char **called)
{
    static const char sql[] =
        "SELECT a.id AS id, a.name AS name FROM survivor AS s JOIN account AS a ON a.id = s.account"
        " WHERE s.id = ?1";
    const char *value = out;
    json_t *row = NULL;
    enum sat_err err = client_book_find(satchel, "account", named, out);
    if (!err) err = client_book_ask_one(satchel, sql, &value, 1, &row);
    if (!err && !row) err = sat_fail(&satchel->fault, SAT_ERR_NOT_FOUND, "there is no account %s here", out);
    if (!err) {
        const char *name = client_book_text(row, "name");
        (void)snprintf(out, SATCHEL_ID_SIZE, "%s", client_book_text(row, "id"));
        *called = sat_utf8_beginning(arena, name ? name : out, 60);
    }
    json_decref(row);
    return err;
}

enum sat_err client_trade_policy(struct satchel *satchel, const char *name, const char *member, int64_t absent,
                                 struct sat_arena *arena, int64_t *out)
{
    struct client_published policy;
    enum sat_err err = client_published_get(satchel, "policy", name, arena, &policy);
    *out = err ? absent : client_book_integer(policy.body, member, absent);
    json_decref(policy.body);
    return err;
}

enum sat_err client_trade_day(struct satchel *satchel, const char *day, bool may_come, char out[CLIENT_BOOK_DAY_SIZE])
{
    struct sat_arena arena;
    char today[CLIENT_BOOK_DAY_SIZE];
    enum sat_err err = SAT_OK;
    client_book_today(today);
    (void)snprintf(out, CLIENT_BOOK_DAY_SIZE, "%s", day ? day : today);
    sat_arena_init(&arena);
    if (day && !client_date_valid(sat_span_text(day)))
        err = sat_fail(&satchel->fault, SAT_ERR_INVALID, "a day is written 2026-05-09, not \"%.40s\"",
                       sat_utf8_shown(&arena, day));
    else if (!may_come && strcmp(out, today) > 0)
        err = sat_fail(&satchel->fault, SAT_ERR_INVALID, "%s is still to come", out);
    sat_arena_deinit(&arena);
    return err;
}

/* The kind that stands behind a member's name; 0: there is no such member. */
static char kind_of(const char *members, const char *name)
{
    size_t len = strlen(name);
    for (const char *at = members; *at; at += strspn(at, " ")) {
        size_t n = strcspn(at, ":");
        if (n == len && memcmp(at, name, n) == 0) return at[n + 1];
        at += strcspn(at, " ");
    }
    return 0;
}

static bool is_of_kind(const json_t *value, char kind)
{
    switch (kind) {
    case 't':
        return json_is_string(value);
    case 'i':
        return json_is_integer(value);
    case 'b':
        return json_is_boolean(value);
    default:
        return kind == 'l' && json_is_array(value);
    }
}

enum sat_err client_trade_check(struct satchel *satchel, const json_t *said, const char *members)
{
    struct sat_fault *fault = &satchel->fault;
    struct sat_arena arena;
    const char *name;
    json_t *value;
    enum sat_err err = SAT_OK;
    if (!json_is_object(said)) return sat_fail(fault, SAT_ERR_INVALID, "this takes a JSON object: %s", members);
    sat_arena_init(&arena);
    json_object_foreach((json_t *)said, name, value)
    {
        char kind = kind_of(members, name);
        const char *shown = sat_utf8_shown(&arena, name);
        if (err || json_is_null(value) || (kind && is_of_kind(value, kind))) continue;
        err = kind ? sat_fail(fault, SAT_ERR_INVALID, "\"%.40s\" is of another kind: %s", shown, members)
                   : sat_fail(fault, SAT_ERR_INVALID, "there is no \"%.40s\" here, but: %s", shown, members);
    }
    sat_arena_deinit(&arena);
    return err;
}

enum sat_err client_trade_read(struct satchel *satchel, const char *text, const char *members, json_t **out)
{
    *out = text ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;
    enum sat_err err = client_trade_check(satchel, *out, members);
    if (!err) return SAT_OK;
    json_decref(*out);
    *out = NULL;
    return err;
}
