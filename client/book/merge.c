/* Two accounts that are one customer. The absorbed one keeps its id and what it says; a field of it (merged_into) leads
 * to the one that stays, and a record says who merged them, and when it was taken back. */
#include <inttypes.h>
#include <string.h>

#include "client/book/alike.h"
#include "client/book/ask.h"
#include "client/book/near.h"
#include "client/book/writing.h"
#include "client/landed.h"
#include "client/rows.h"
#include "client/survivor.h"
#include "client/view/view.h"
#include "common/base/limits.h"

/* ---- Which are alike ---- */

static const char ACCOUNTS[] = "SELECT a.id, a.name, a.phone, a.lat_e7, a.lon_e7 FROM account AS a"
                               " WHERE a.merged_into IS NULL";

static int take_hit(void *context, const char *json)
{
    json_t *row = json_loads(json, 0, NULL);
    (void)json_array_append(context, json_object_get(row, "id"));
    json_decref(row);
    return 0;
}

/* The condition that an account is in the box around this one. */
static const char *sql_of_box(const json_t *self, struct sat_arena *arena)
{
    const json_t *lat = json_object_get(self, "lat_e7"), *lon = json_object_get(self, "lon_e7");
    bool said = json_is_integer(lat) && json_is_integer(lon);
    struct client_point at = {0};
    if (said) at = client_point_at(json_integer_value(lat), json_integer_value(lon));
    if (!at.there) return "0";
    struct client_near_box box = client_near_box_of(&at, CLIENT_ALIKE_METRES);
    return sat_arena_format(arena,
                            "(a.lat_e7 BETWEEN %" PRId64 " AND %" PRId64 " AND (a.lon_e7 >= %" PRId64
                            " %s a.lon_e7 <= %" PRId64 "))",
                            box.south_e7, box.north_e7, box.west_e7, box.over_date_line ? "OR" : "AND", box.east_e7);
}

/* Those that one account is to be compared with: what is found by its name, has its phone, or is close by. */
static enum sat_err ask_near(struct satchel *satchel, const char *id, struct sat_arena *arena, json_t **rows)
{
    enum { HITS = 50 };
    struct client_alike_words words;
    const char *values[] = {id, NULL, NULL}, *place;
    json_t *self = NULL, *hits = json_array();
    bool more;
    enum sat_err err =
        client_book_ask_one(satchel, "SELECT name, phone, lat_e7, lon_e7 FROM account WHERE id = ?1", values, 1, &self);
    client_alike_words_init(&words, arena);
    const char *name = client_alike_name(&words, arena, client_book_text(self, "name"), &place);
    values[1] = client_alike_phone(arena, client_book_text(self, "phone"));
    if (!err && name[0] && client_find_records(satchel, name, "account", HITS, take_hit, hits, &more))
        err = satchel->fault.err;
    char *found = client_json_text(hits);
    values[2] = found;
    const char *sql = sat_arena_format(
        arena,
        "%s AND (a.id = ?1 OR a.id IN (SELECT value FROM json_each(?3)) OR (?2 <> '' AND replace(replace(replace("
        "a.phone, ' ', ''), '-', ''), '+86', '') LIKE '%%' || ?2) OR %s) ORDER BY a.id",
        ACCOUNTS, sql_of_box(self, arena));
    if (!err) err = client_book_ask(satchel, sql, values, 3, rows);
    satchel_free(found);
    json_decref(self);
    return err;
}

/* Pairs about which somebody has decided. */
static enum sat_err ask_decided(struct satchel *satchel, json_t **out)
{
    json_t *rows, *row;
    size_t i;
    *out = json_object();
    enum sat_err err = client_book_ask(satchel,
                                       "SELECT account || ' ' || absorbed AS pair FROM merge UNION ALL SELECT absorbed"
                                       " || ' ' || account FROM merge",
                                       NULL, 0, &rows);
    if (err) return err;
    json_array_foreach(rows, i, row)
    {
        const char *pair = client_book_text(row, "pair");
        if (pair) (void)json_object_set_new(*out, pair, json_true());
    }
    json_decref(rows);
    return SAT_OK;
}

static json_t *json_of_why(int why)
{
    static const struct {
        int bit;
        const char *name;
    } all[] = {{CLIENT_ALIKE_NAME, "name"}, {CLIENT_ALIKE_PHONE, "phone"}, {CLIENT_ALIKE_PLACE, "place"}};
    json_t *list = json_array();
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (why & all[i].bit) (void)json_array_append_new(list, json_string(all[i].name));
    return list;
}

static json_t *json_of_pair(const json_t *x, const json_t *y, int why)
{
    json_t *json = json_object();
    (void)json_object_set(json, "account", json_object_get(x, "id"));
    (void)json_object_set(json, "name", json_object_get(x, "name"));
    (void)json_object_set(json, "other", json_object_get(y, "id"));
    (void)json_object_set(json, "other_name", json_object_get(y, "name"));
    (void)json_object_set_new(json, "why", json_of_why(why));
    return json;
}

static void give_pairs(const json_t *rows, const json_t *decided, const char *id, struct sat_arena *arena,
                       satchel_row_fn row, void *context)
{
    struct client_alike *pairs;
    size_t n = client_alike_pairs(arena, rows, &pairs);
    for (size_t i = 0; i < n; i++) {
        const json_t *x = json_array_get(rows, pairs[i].a), *y = json_array_get(rows, pairs[i].b);
        const char *a = client_book_text(x, "id"), *b = client_book_text(y, "id");
        if (!a || !b || strcmp(a, b) == 0 || json_object_get(decided, sat_arena_format(arena, "%s %s", a, b))) continue;
        bool first = !id || strcmp(a, id) == 0;
        if (!first && strcmp(b, id) != 0) continue;
        if (!client_give_row(row, context, first ? json_of_pair(x, y, pairs[i].why) : json_of_pair(y, x, pairs[i].why)))
            return;
    }
}

int satchel_duplicates(struct satchel *satchel, const char *id, satchel_row_fn row, void *context)
{
    struct sat_arena arena;
    json_t *rows = NULL, *decided = NULL;
    client_begin(satchel);
    sat_arena_init(&arena);
    const char *all = sat_arena_format(&arena, "%s ORDER BY a.id", ACCOUNTS);
    enum sat_err err = id ? ask_near(satchel, id, &arena, &rows) : client_book_ask(satchel, all, NULL, 0, &rows);
    if (!err) err = ask_decided(satchel, &decided);
    if (!err) give_pairs(rows, decided, id, &arena, row, context);
    json_decref(rows);
    json_decref(decided);
    sat_arena_deinit(&arena);
    return client_end(satchel, err);
}

/* ---- Merging ---- */

struct merging {
    struct satchel *satchel;
    struct client_book_self self;
    char stays[SATCHEL_ID_SIZE], absorbed[SATCHEL_ID_SIZE];
    json_t *stays_row, *absorbed_row; /* of the accounts */
    json_t *merge_row;                /* of the merge, if there is one; NULL: none */
};

static void free_merging(struct merging *it)
{
    json_decref(it->stays_row);
    json_decref(it->absorbed_row);
    json_decref(it->merge_row);
}

static enum sat_err survivor_of(struct satchel *satchel, const char *id, char out[SATCHEL_ID_SIZE])
{
    struct sat_arena arena;
    struct sat_record_id record, stays;
    enum sat_err err = client_parse_id(satchel, id, &record);
    sat_arena_init(&arena);
    if (!err) err = client_survivor(satchel, &record, &arena, &stays);
    sat_arena_deinit(&arena);
    if (!err) sat_uuid_format(stays.b, out);
    return err;
}

static enum sat_err check_ways(struct merging *it)
{
    char end[SATCHEL_ID_SIZE];
    struct sat_fault *fault = &it->satchel->fault;
    enum sat_err err = survivor_of(it->satchel, it->absorbed, end);
    if (err) return err;
    if (strcmp(it->stays, it->absorbed) == 0)
        return sat_fail(fault, SAT_ERR_INVALID,
                        "account %s is the one that stays already (rule: accounts are merged one way)", it->absorbed);
    if (strcmp(end, it->absorbed) == 0) return SAT_OK;
    return sat_fail(fault, SAT_ERR_INVALID, "account %s was merged into %s already: take that back first (--undo)",
                    it->absorbed, end);
}

static bool is_own(const struct merging *it, const json_t *account)
{
    const char *owner = client_book_text(account, "owner");
    return owner && strcmp(owner, it->self.id) == 0;
}

static enum sat_err check_right(const struct merging *it)
{
    bool leads = (it->self.duties & SAT_DUTY_MANAGER) != 0 || it->self.role == SAT_ROLE_ADMIN;
    if (leads || (is_own(it, it->stays_row) && is_own(it, it->absorbed_row))) return SAT_OK;
    return sat_fail(&it->satchel->fault, SAT_ERR_DENIED,
                    "accounts %s and %s are merged by a manager, an admin, or who owns both", it->stays, it->absorbed);
}

static enum sat_err ask_account(struct merging *it, const char *id, json_t **row)
{
    const char *values[] = {id};
    enum sat_err err = client_book_ask_one(
        it->satchel, "SELECT id, name, short_name, aliases, owner FROM account WHERE id = ?1", values, 1, row);
    if (!err && !*row) err = sat_fail(&it->satchel->fault, SAT_ERR_NOT_FOUND, "there is no account %s here", id);
    return err;
}

static enum sat_err ask_merge(struct merging *it)
{
    const char *values[] = {it->stays, it->absorbed};
    return client_book_ask_one(it->satchel, "SELECT id, undone_at FROM merge WHERE account = ?1 AND absorbed = ?2",
                               values, 2, &it->merge_row);
}

static enum sat_err look(struct merging *it, const char *survivor, const char *absorbed)
{
    char named[SATCHEL_ID_SIZE];
    enum sat_err err = client_book_find(it->satchel, "account", survivor, named);
    if (!err) err = client_book_find(it->satchel, "account", absorbed, it->absorbed);
    if (!err) err = survivor_of(it->satchel, named, it->stays);
    if (!err) err = check_ways(it);
    if (!err) err = ask_account(it, it->stays, &it->stays_row);
    if (!err) err = ask_account(it, it->absorbed, &it->absorbed_row);
    if (!err) err = client_book_self(it->satchel, &it->self);
    if (!err) err = check_right(it);
    return err ? err : ask_merge(it);
}

/* What the absorbed one was called, the other one is found by; but what is longer than an element of a set may be. */
static json_t *names_of(const json_t *account)
{
    json_t *names = json_array(), *alias;
    size_t i;
    const char *const fields[] = {"name", "short_name"};
    for (size_t k = 0; k < 2; k++) {
        json_t *name = json_object_get(account, fields[k]);
        if (json_is_string(name) && json_string_length(name) <= SAT_ELEMENT_BYTES_MAX)
            (void)json_array_append(names, name);
    }
    json_array_foreach(json_object_get(account, "aliases"), i, alias)(void) json_array_append(names, alias);
    return names;
}

static int write_merge(struct satchel_tx *tx, const struct merging *it)
{
    char now[CLIENT_TIME_TEXT_SIZE];
    client_book_now(now);
    const char *known = client_book_text(it->merge_row, "id");
    json_t *fields = known ? json_pack("{s:n}", "undone_at")
                           : json_pack("{s:s, s:s, s:s, s:s}", "account", it->stays, "absorbed", it->absorbed, "at",
                                       now, "person", it->self.id);
    int failed = (int)client_book_put(tx, "merge", known, fields, NULL);
    if (!failed)
        failed = (int)client_book_put(tx, "account", it->absorbed, json_pack("{s:s}", "merged_into", it->stays), NULL);
    json_t *names = names_of(it->absorbed_row);
    if (!failed && json_array_size(names))
        failed = (int)client_book_put(tx, "account", it->stays, json_pack("{s:{s:O}}", "aliases", "add", names), NULL);
    json_decref(names);
    return failed;
}

int satchel_merge(struct satchel_tx *tx, const char *survivor, const char *absorbed)
{
    struct merging it = {.satchel = tx->satchel};
    client_begin(tx->satchel);
    int failed = client_end(tx->satchel, look(&it, survivor, absorbed));
    if (!failed) failed = write_merge(tx, &it);
    free_merging(&it);
    return failed;
}

/* ---- Taking it back ---- */

static enum sat_err look_undo(struct merging *it, const char *absorbed, json_t **merges)
{
    const char *values[] = {it->absorbed};
    enum sat_err err = client_book_find(it->satchel, "account", absorbed, it->absorbed);
    if (!err) err = survivor_of(it->satchel, it->absorbed, it->stays);
    if (!err) err = ask_account(it, it->absorbed, &it->absorbed_row);
    if (!err && strcmp(it->stays, it->absorbed) != 0) err = ask_account(it, it->stays, &it->stays_row);
    if (!err) err = client_book_self(it->satchel, &it->self);
    if (!err)
        err = client_book_ask(it->satchel, "SELECT id FROM merge WHERE absorbed = ?1 AND undone_at IS NULL", values, 1,
                              merges);
    if (err) return err;
    if (strcmp(it->stays, it->absorbed) == 0 && json_array_size(*merges) == 0)
        return sat_fail(&it->satchel->fault, SAT_ERR_NOT_FOUND, "account %s was not merged", it->absorbed);
    return check_right(it);
}

int satchel_merge_undo(struct satchel_tx *tx, const char *absorbed)
{
    struct merging it = {.satchel = tx->satchel};
    json_t *merges = NULL, *row;
    char now[CLIENT_TIME_TEXT_SIZE];
    size_t i;
    client_begin(tx->satchel);
    client_book_now(now);
    int failed = client_end(tx->satchel, look_undo(&it, absorbed, &merges));
    json_array_foreach(merges, i, row)
    {
        if (!failed)
            failed = (int)client_book_put(tx, "merge", client_book_text(row, "id"),
                                          json_pack("{s:s}", "undone_at", now), NULL);
    }
    if (!failed) failed = (int)client_book_put(tx, "account", it.absorbed, json_pack("{s:n}", "merged_into"), NULL);
    json_decref(merges);
    free_merging(&it);
    return failed;
}

/* ---- What was merged ---- */

static enum sat_err set_late(struct satchel *satchel, json_t *row)
{
    struct sat_arena arena;
    struct sat_record_id account, merge;
    struct sat_record_view view;
    struct client_late *late;
    uint32_t n = 0;
    const char *id = client_book_text(row, "absorbed");
    sat_arena_init(&arena);
    enum sat_err err = SAT_OK;
    if (id && !sat_uuid_parse(id, account.b) && json_is_null(json_object_get(row, "undone_at")))
        err = client_late_find(satchel, &account, &arena, &view, &late, &n, &merge);
    (void)json_object_set_new(row, "late", json_integer(n));
    sat_arena_deinit(&arena);
    return err;
}

int satchel_merges(struct satchel *satchel, satchel_row_fn row, void *context)
{
    json_t *rows = NULL, *one;
    size_t i;
    client_begin(satchel);
    enum sat_err err =
        client_book_ask(satchel,
                        "SELECT m.id, m.account, a.name, m.absorbed, b.name AS absorbed_name, s.account AS shown_under,"
                        " m.at, p.name AS by, m.undone_at FROM merge AS m LEFT JOIN account AS a ON a.id = m.account"
                        " LEFT JOIN account AS b ON b.id = m.absorbed LEFT JOIN survivor AS s ON s.id = m.absorbed"
                        " LEFT JOIN \"user\" AS p ON p.id = m.person ORDER BY m.at, m.id",
                        NULL, 0, &rows);
    json_array_foreach(rows, i, one)
    {
        if (!err) err = set_late(satchel, one);
        if (err || !client_give_row(row, context, json_incref(one))) break;
    }
    json_decref(rows);
    return client_end(satchel, err);
}
