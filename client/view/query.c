/* Asking the view. */
#include <string.h>

#include "client/locate.h"
#include "client/rows.h"
#include "client/view/database.h"

/* SQLite's sentence; "not authorized" means that it was no mere question. */
static enum sat_err refuse(sqlite3 *db, struct sat_fault *fault)
{
    if (sqlite3_errcode(db) == SQLITE_AUTH)
        return sat_fail(fault, SAT_ERR_INVALID, "queries can only read: %s", sqlite3_errmsg(db));
    if (sqlite3_errcode(db) == SQLITE_NOMEM) return sat_fail(fault, SAT_ERR_NO_MEMORY, NULL);
    return sat_fail(fault, SAT_ERR_INVALID, "%s", sqlite3_errmsg(db));
}

/* One statement, and nothing but white space and comments behind it. */
static enum sat_err prepare(sqlite3 *db, const char *sql, sqlite3_stmt **out, struct sat_fault *fault)
{
    const char *rest = NULL;
    sqlite3_stmt *second = NULL;
    if (sqlite3_prepare_v2(db, sql, -1, out, &rest) != SQLITE_OK) return refuse(db, fault);
    if (!*out) return sat_fail(fault, SAT_ERR_INVALID, "there is no statement in the query");
    while (rest && rest[0]) { /* a lone ";" or a comment prepares to nothing */
        const char *next = NULL;
        int code = sqlite3_prepare_v2(db, rest, -1, &second, &next);
        (void)sqlite3_finalize(second);
        if (code != SQLITE_OK || second)
            return sat_fail(fault, SAT_ERR_INVALID, "a query is one statement; there is more behind it");
        rest = next;
    }
    return SAT_OK;
}

static json_t *json_of_text(sqlite3_stmt *statement, int at)
{
    const char *text = (const char *)sqlite3_column_text(statement, at);
    size_t len = (size_t)sqlite3_column_bytes(statement, at);
    const char *declared = sqlite3_column_decltype(statement, at);
    if (declared && strcmp(declared, CLIENT_COLUMN_SET) == 0) {
        json_t *array = json_loadb(text, len, 0, NULL);
        if (array) return array;
    }
    json_t *json = json_stringn(text, len);
    return json ? json : json_null(); /* SQL can make bytes that are no text */
}

static json_t *json_of_blob(sqlite3_stmt *statement, int at)
{
    size_t len = (size_t)sqlite3_column_bytes(statement, at);
    char *hex = len ? sqlite3_malloc64(2 * len + 1) : NULL;
    if (!hex) return json_string("");
    sat_hex_format(sqlite3_column_blob(statement, at), len, hex);
    json_t *json = json_string(hex);
    sqlite3_free(hex);
    return json;
}

static json_t *json_of_column(sqlite3_stmt *statement, int at)
{
    const char *declared = sqlite3_column_decltype(statement, at);
    json_t *json = NULL;
    switch (sqlite3_column_type(statement, at)) {
    case SQLITE_INTEGER:
        if (declared && strcmp(declared, CLIENT_COLUMN_BOOL) == 0)
            return json_boolean(sqlite3_column_int(statement, at) != 0);
        return json_integer(sqlite3_column_int64(statement, at));
    case SQLITE_FLOAT:
        json = json_real(sqlite3_column_double(statement, at));
        return json ? json : json_null(); /* infinity has no JSON */
    case SQLITE_TEXT:
        return json_of_text(statement, at);
    case SQLITE_BLOB:
        return json_of_blob(statement, at);
    default:
        return json_null();
    }
}

/* Two columns of one name would be one member: the later ones are numbered. */
static void set_column(json_t *object, const char *name, json_t *value)
{
    char numbered[200];
    for (int i = 2; json_object_get(object, name) && i < 1000; i++) {
        (void)sqlite3_snprintf(sizeof numbered, numbered, "%.150s_%d", name, i);
        if (!json_object_get(object, numbered)) name = numbered;
    }
    if (json_object_set_new(object, name, value) != 0) (void)json_object_set_new(object, "?", json_null());
}

static enum sat_err step_all(sqlite3 *db, sqlite3_stmt *statement, satchel_row_fn row, void *context,
                             struct sat_fault *fault)
{
    int code;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        json_t *object = json_object();
        for (int i = 0; i < sqlite3_column_count(statement); i++)
            set_column(object, sqlite3_column_name(statement, i), json_of_column(statement, i));
        if (!client_give_row(row, context, object)) return SAT_OK;
    }
    return code == SQLITE_DONE ? SAT_OK : refuse(db, fault);
}

enum sat_err client_view_query(struct client_view *view, const char *sql, satchel_row_fn row, void *context,
                               struct sat_fault *fault)
{
    sqlite3_stmt *statement = NULL;
    enum sat_err err = prepare(view->db, sql, &statement, fault);
    if (!err) err = step_all(view->db, statement, row, context, fault);
    (void)sqlite3_finalize(statement);
    return err;
}

int satchel_query(struct satchel *satchel, const char *sql, satchel_row_fn row, void *context)
{
    client_begin(satchel);
    struct client_view *view;
    enum sat_err err = client_view_get(satchel, &view);
    if (!err) err = client_view_query(view, sql ? sql : "", row, context, &satchel->fault);
    return client_end(satchel, err);
}

int satchel_list(struct satchel *satchel, const char *type_name, const char *where, satchel_row_fn row, void *context)
{
    client_begin(satchel);
    struct client_view *view;
    const struct sat_type *type;
    struct sat_arena arena;
    sat_arena_init(&arena);
    enum sat_err err = client_find_type(satchel, type_name, &type);
    if (!err) err = client_view_get(satchel, &view);
    if (!err) {
        /* the line break ends a comment in the condition */
        const char *sql = where && where[0] ? sat_arena_format(&arena, "SELECT * FROM \"%s\" WHERE (%s\n) ORDER BY id",
                                                               type->name, where)
                                            : sat_arena_format(&arena, "SELECT * FROM \"%s\" ORDER BY id", type->name);
        err = client_view_query(view, sql, row, context, &satchel->fault);
    }
    sat_arena_deinit(&arena);
    return client_end(satchel, err);
}
